"""Tokens: who may do what with them, until when, and as whom; and the grants that requests go by.

Of a token a digest is kept, and a mask to show. Its text is told once, to whoever makes it.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import msgspec

from mockscim.clock import format_instant
from mockscim.durations import parse_duration

Scope = Literal["read", "write"]
EVERYTHING: frozenset[Scope] = frozenset({"read", "write"})
_TEXT = re.compile(r"[\x21-\x7e]{1,4096}")
# A token that would end after the year 9999, which no text can say, has no end.
_LAST = 253_402_300_799.0
# Clients that ask for a token for each request must not fill the memory.
_MOST_ISSUED = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Grant:
    """What a request may do, by the credentials that it shows.

    Attributes:
        good: whether they open the tenant at all.
        scopes: ``read``, ``write`` or both.
        user: the id or userName of whose they are; None for nobody's.
        error: of refused ones the code of RFC 6750 §3.1; empty where none were shown.
        detail: why they are refused.
    """

    good: bool = True
    scopes: frozenset[Scope] = EVERYTHING
    user: str | None = None
    error: str = ""
    detail: str = ""


# What a start token may do, and anybody where no token is asked for.
FULL = Grant()


class TokenError(ValueError):
    """A token that cannot be made; ``where`` is a JSON pointer into its document."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(message)
        self.where = where


class TokenDocument(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A token to be made.

    ``token`` is its text; without one it is random. It may do all unless ``scopes`` says less, is good for ever unless
    ``expires_in`` says how long (on the tenant's clock), and ``user`` is the id or userName that /Me stands for.
    """

    token: str | None = None
    scopes: list[Scope] | None = None
    user: str | None = None
    expires_in: str | float | None = None

    def lifetime(self) -> float | None:
        """How long it is good, in seconds; None for ever.

        Raises:
            TokenError: something in it cannot be.
        """
        if self.token is not None and not _TEXT.fullmatch(self.token):
            raise TokenError("/token", "a token is printable ASCII without spaces")
        if self.user is not None and not self.user.strip():
            raise TokenError("/user", "an id or a userName was expected")
        if self.expires_in is None:
            return None
        try:
            return parse_duration(self.expires_in)
        except ValueError as error:
            raise TokenError("/expires_in", str(error)) from None


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was made.

    Attributes:
        name: how it is listed and revoked.
        digest: what it is looked up by.
        mask: its text as it may be shown.
        created: when, as text.
        expires: when it ends, in seconds on the tenant's clock; None never.
        grant: what it may do until then.
        client: the OAuth client that it was issued to; None where it was made through the control API.
    """

    name: str
    digest: bytes
    mask: str
    created: str
    expires: float | None
    grant: Grant
    client: str | None

    def document(self) -> dict[str, object]:
        """It as the control API lists it."""
        return {
            "name": self.name,
            "token": self.mask,
            "created": self.created,
            "expires": format_instant(self.expires) if self.expires is not None else None,
            "scopes": in_order(self.grant.scopes),
            "user": self.grant.user,
            "client": self.client,
        }


class TokenState(NamedTuple):
    """What there is of tokens at a time.

    Attributes:
        made: how many were made.
        tokens: those that there are.
        revoked: digests of those that the start brings and that were revoked.
    """

    made: int
    tokens: tuple[Token, ...]
    revoked: frozenset[bytes] = frozenset()


class Tokens:
    """The tokens that open one tenant, beside the start tokens that open all."""

    def __init__(self) -> None:
        self._kept: dict[bytes, Token] = {}
        self._n = 0  # how many were made
        # Digests of what each start brings, and of what it is not to bring again.
        self._brought: set[bytes] = set()
        self._revoked: set[bytes] = set()
        # How often anything changed.
        self.changed = 0

    def __iter__(self) -> Iterator[Token]:
        return iter(self._kept.values())

    @property
    def state(self) -> TokenState:
        """What ``restore`` goes on from."""
        return TokenState(self._n, tuple(self._kept.values()), frozenset(self._revoked))

    def restore(self, state: TokenState) -> None:
        """Have just the tokens of another time, and go on numbering from there."""
        self._n = state.made
        self._kept = {token.digest: token for token in state.tokens}
        self._revoked = set(state.revoked)
        self.changed += 1

    def bring(self, now: float, wanted: TokenDocument) -> None:
        """Have a token of the start's; one that is there stays as it is, and one that was revoked does not come back.

        Raises:
            TokenError: something that is wanted cannot be.
        """
        if wanted.token is not None:
            known = digest(wanted.token)
            self._brought.add(known)
            if known in self._kept or known in self._revoked:
                return
        self.mint(now, wanted)

    def get(self, digest: bytes) -> Token | None:
        """The token with that digest."""
        return self._kept.get(digest)

    def mint(self, now: float, wanted: TokenDocument, client: str | None = None) -> tuple[Token, str]:
        """Make a token; returns it with its text.

        Args:
            now: the time, in seconds on the tenant's clock.
            wanted: what it is to be.
            client: the OAuth client that it is for.

        Raises:
            TokenError: something that is wanted cannot be.
        """
        lifetime = wanted.lifetime()
        text = wanted.token or secrets.token_urlsafe(32)
        scopes = EVERYTHING if wanted.scopes is None else frozenset(wanted.scopes)
        expires = None if lifetime is None or now + lifetime > _LAST else now + lifetime
        if client is not None and len(self._kept) >= _MOST_ISSUED:
            self._make_room(now)
        self._n += 1
        self.changed += 1
        grant = Grant(scopes=scopes, user=wanted.user)
        token = Token(f"t-{self._n}", digest(text), mask(text), format_instant(now), expires, grant, client)
        self._kept[token.digest] = token
        self._revoked.discard(token.digest)
        return token, text

    def revoke(self, name: str) -> None:
        """Forget a token; KeyError when there is none of that name."""
        found = next((token for token in self._kept.values() if token.name == name), None)
        if found is None:
            raise KeyError(name)
        del self._kept[found.digest]
        if found.digest in self._brought:
            self._revoked.add(found.digest)
        self.changed += 1

    def _make_room(self, now: float) -> None:
        """Forget issued tokens that have ended, and the oldest tenth of those that have not."""
        issued = [token for token in self._kept.values() if token.client is not None]
        lasting = [token for token in issued if token.expires is None or token.expires > now]
        kept = lasting[len(issued) // 10 + 1 :] if len(lasting) == len(issued) else lasting
        for name in {token.digest for token in issued} - {token.digest for token in kept}:
            del self._kept[name]


def in_order(scopes: Collection[Scope]) -> list[Scope]:
    """Scopes as they are told: ``read`` before ``write``."""
    return sorted(scopes)


@lru_cache(maxsize=64)
def digest(token: str) -> bytes:
    """What is kept of a token, and looked up: how long that takes says nothing about how much of a token was right."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def mask(token: str) -> str:
    """A token as it may be shown."""
    return f"{token[:4]}…{token[-2:]}" if len(token) >= 16 else "…"
