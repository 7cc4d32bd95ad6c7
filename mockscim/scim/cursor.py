"""Cursors: where a page ended, sealed so that only the provider can read or make one (RFC 9865 §2, §5.2).

Nothing is kept of a cursor but how many were given out. It says after which resource to go on, not how many to skip,
so what comes and goes between two pages neither repeats nor hides what stays.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from hashlib import blake2b, shake_256
from typing import Any, NamedTuple

import orjson

from mockscim.scim.errors import ScimError, invalid_count, invalid_cursor

# Where a resource stands in the order of a query: what it is sorted by, then what tells equals apart. JSON values.
Place = tuple[Any, ...]

_SEAL = 12  # bytes
_TEXT = re.compile(r"[A-Za-z0-9_-]{20,8192}")  # of unreserved characters (RFC 3986 §2.3), as §2 asks


class Cursor(NamedTuple):
    """Which page is meant.

    Attributes:
        place: the page has what comes after it; None: it is the first.
        backwards: the page has what comes before the place instead.
        asked: the count that the query says, None where it says none; it cannot change between pages.
    """

    place: Place | None
    backwards: bool
    asked: int | None


class Pager(NamedTuple):
    """The page that one request asks for, and what gives out the cursors of the pages beside it."""

    cursors: Cursors
    cursor: Cursor
    query: bytes
    now: str

    def seal(self, place: Place, *, backwards: bool) -> bytes:
        """The cursor of the page behind a place, or before it."""
        return self.cursors.seal(Cursor(place, backwards, self.cursor.asked), self.query, self.now)


class Cursors:
    """Seals the cursors of one provider, and opens them.

    Args:
        key: what they are sealed with, up to 64 bytes; cursors of another key are unknown.
        timeout: how long one can be used, in seconds.
    """

    def __init__(self, key: bytes, timeout: int) -> None:
        self._key = key
        self._timeout = timeout
        self._given = 0

    def forget(self, key: bytes) -> None:
        """Make all cursors unknown that were given out so far; the same key may come again."""
        self._key = key
        self._given = 0

    def pager(self, text: str, query: bytes, count: int | None, now: str) -> Pager:
        """Read the cursor of a request.

        Args:
            text: the cursor; empty for the first page.
            query: what is asked beside cursor and count, which does not change from page to page.
            count: how many resources are asked for; None where nothing is said.
            now: the time, as meta shows it.

        Raises:
            ScimError: 400 invalidCursor, expiredCursor, or invalidCount for a count unlike the first page's.
        """
        cursor = self.open(text, query, now) if text else Cursor(None, backwards=False, asked=count)
        if cursor.asked != count:
            begun = f"count={cursor.asked}" if cursor.asked is not None else "no count"
            raise invalid_count(f"the query began with {begun}, and every page of it has to say the same")
        return Pager(self, cursor, query, now)

    def seal(self, cursor: Cursor, query: bytes, now: str) -> bytes:
        """A cursor as the client gets it.

        Args:
            cursor: what it says.
            query: the query that it belongs to, without cursor and count.
            now: the time, as meta shows it.
        """
        self._given += 1
        content = orjson.dumps([self._given, _milliseconds(now), *cursor])
        seal = self._seal(content, query)
        return urlsafe_b64encode(seal + self._masked(content, seal)).rstrip(b"=")

    def open(self, text: str, query: bytes, now: str) -> Cursor:
        """What a cursor says that a client sent.

        Raises:
            ScimError: 400 invalidCursor for one that was not given out for this query, 400 expiredCursor for one that
                waited too long.
        """
        # The same words for all: what was never given out, and what was to somebody else (§5.2).
        refusal = invalid_cursor("the cursor is none that was given out for this query; an empty one begins again")
        if not _TEXT.fullmatch(text):
            raise refusal
        try:
            sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except ValueError:
            raise refusal from None
        seal, masked = sealed[:_SEAL], sealed[_SEAL:]
        content = self._masked(masked, seal)
        if self._seal(content, query) != seal or urlsafe_b64encode(sealed).rstrip(b"=") != text.encode():
            raise refusal
        number, issued, place, backwards, count = orjson.loads(content)
        if number > self._given:
            raise refusal  # given out before all were forgotten
        if _milliseconds(now) - issued > self._timeout * 1000:
            raise ScimError(400, "expiredCursor", f"the cursor is older than {self._timeout} seconds; begin again")
        return Cursor(tuple(tuple(each) if isinstance(each, list) else each for each in place), backwards, count)

    def _seal(self, content: bytes, query: bytes) -> bytes:
        return blake2b(b"%d %b%b" % (len(query), query, content), key=self._key, digest_size=_SEAL).digest()

    def _masked(self, content: bytes, seal: bytes) -> bytes:
        """Content made unreadable, or readable again: values of attributes are in it."""
        stream = shake_256(self._key + seal).digest(len(content))
        return bytes(one ^ other for one, other in zip(content, stream, strict=True))


def _milliseconds(now: str) -> int:
    return round(datetime.fromisoformat(now).timestamp() * 1000)
