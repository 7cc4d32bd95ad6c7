"""Ids as Okta makes them, from nothing but what is given: the same parts, the same id."""

from __future__ import annotations

import hashlib
import string
import uuid

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_LENGTH = 20

USER = "00u"
GROUP = "00g"
APP = "0oa"
APP_USER = "0ua"


def okta_id(prefix: str, *parts: object) -> str:
    """Twenty letters and digits behind a prefix that tells the kind: ``00u`` is a user, ``00g`` a group."""
    number = int.from_bytes(_digest(parts, 16))
    text = prefix
    while len(text) < _LENGTH:
        number, digit = divmod(number, len(_DIGITS))
        text += _DIGITS[digit]
    return text


def event_id(*parts: object) -> str:
    """The ``uuid`` of a System Log event: a UUID of version 4."""
    return str(uuid.UUID(bytes=_digest(parts, 16), version=4))


def _digest(parts: tuple[object, ...], size: int) -> bytes:
    return hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=size).digest()
