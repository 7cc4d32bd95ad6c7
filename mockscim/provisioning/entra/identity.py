"""Ids and instants as Microsoft Graph writes them, from nothing but what is given."""

from __future__ import annotations

import hashlib
import random
import uuid

from mockscim.clock import format_instant


def guid(*parts: object) -> str:
    """A version 4 UUID that follows from the parts: the same parts, the same id."""
    digest = hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=16).digest()
    return str(uuid.UUID(bytes=digest, version=4))


def random_guid(draw: random.Random) -> str:
    """A version 4 UUID from random numbers that are given."""
    return str(uuid.UUID(int=draw.getrandbits(128), version=4))


def instant(seconds: float | None) -> str | None:
    """An instant as Graph shows it; None stays None."""
    return None if seconds is None else format_instant(seconds)
