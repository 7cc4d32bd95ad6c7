"""Many records at once, with no more of their attributes than is asked for.

A scan reads every record, and making all that one holds costs five times what looking at it does. So bodies are joined
into one text, and a decoder that knows which top-level attributes are wanted passes over the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, TypedDict

import msgspec

from mockscim.scim.record import BASE_MARK, Record
from mockscim.scim.schema import ResourceType

# So few that their text stays in the processor's cache, and below what malloc has to ask the system for.
_TOGETHER = 256

Documents = list[dict[str, Any]]


def read_some(kind: ResourceType, records: Sequence[Record], needs: frozenset[str], base: bytes = b"") -> Documents:
    """What some records of one type hold of some attributes; fresh copies, in the same order.

    Args:
        kind: the type of them all.
        records: which; any number.
        needs: the top-level attributes, and URNs of extensions, in lower case; others are left out.
        base: the base URL that references start with.
    """
    decode = _decoder(kind, needs)
    found: Documents = []
    for at in range(0, len(records), _TOGETHER):
        text = b"},{".join([record.body for record in records[at : at + _TOGETHER]])
        if BASE_MARK in text:
            text = text.replace(BASE_MARK, base)
        found += decode(b"[{" + text + b"}]")
    return found


@lru_cache(maxsize=256)
def _decoder(kind: ResourceType, needs: frozenset[str]) -> Callable[[bytes], Documents]:
    wanted = TypedDict("wanted", dict.fromkeys(sorted(_names(kind, needs)), Any), total=False)  # type: ignore[misc]
    return msgspec.json.Decoder(list[wanted]).decode  # type: ignore[return-value]  # such are plain dicts


def _names(kind: ResourceType, needs: Iterable[str]) -> Iterable[str]:
    """Attributes and extensions by the names that they are stored under."""
    for key in needs:
        attribute, extension = kind.attributes.get(key), kind.extension(key)
        if attribute is not None:
            yield attribute.name
        if extension is not None:
            yield extension.id
