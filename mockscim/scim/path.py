"""Paths of PATCH operations (RFC 7644 §3.5.2).

    PATH = attrPath / valuePath [subAttr]

A bare schema URN is a path that clients send too, and looks like any other, so it splits at its last colon:
``urn:ietf:params:scim:schemas:extension:enterprise:2.0:User`` is ``AttrPath("urn:…:2.0", "User")``. Only who
knows the schemas can tell: the caller resolves ``str(path.path)`` against them first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from mockscim.scim import errors
from mockscim.scim.filter import (
    CACHED_LENGTH,
    MAX_LENGTH,
    AttrPath,
    Compare,
    Leniency,
    Node,
    parse_value_filter,
    shorten,
)


@dataclass(frozen=True, slots=True)
class PatchPath:
    """``[uri:]attr[.sub]`` or ``[uri:]attr[filter][.sub]``.

    ``sub`` is the sub-attribute after the brackets; without brackets it is ``path.sub``. ``leniencies`` are
    those of the filter, see ``filter.Parsed``.
    """

    path: AttrPath
    filter: Node | None = None
    sub: str | None = None
    leniencies: tuple[Leniency, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        text = str(self.path) if self.filter is None else f"{self.path}[{self.filter}]"
        return text if self.sub is None else f"{text}.{self.sub}"


_NAME = r"[$A-Za-z][$A-Za-z0-9_-]*+"
_URI = r"[A-Za-z][A-Za-z0-9+.-]*+:(?:[A-Za-z0-9._~:/?\#@!$&'*+,;=-]|%[0-9A-Fa-f]{2})+"
_PLAIN = re.compile(rf"(?:({_URI}):)?({_NAME})(?:\.({_NAME}))?")
_TAIL = re.compile(rf"(?:\.({_NAME}))?")
# How clients remove one member; each such path is a new text. Surrogates are left to the slow way.
_ONE_VALUE = re.compile(rf'({_NAME})\[({_NAME}) [eE][qQ] "([^"\\\x00-\x1f\ud800-\udfff]*+)"\](?:\.({_NAME}))?')


def parse_path(text: str) -> PatchPath:
    """Parse the path of a PATCH operation; raises ScimError 400 ``invalidPath``."""
    if len(text) > MAX_LENGTH:
        raise errors.invalid_path(f"The path has {len(text)} characters; {MAX_LENGTH} at most are accepted.")
    if "[" in text and (one := _ONE_VALUE.fullmatch(text)):
        name, inner, value, sub = one.groups()
        return PatchPath(AttrPath(None, name), Compare(AttrPath(None, inner), "eq", value), sub)
    return _parse_cached(text) if len(text) <= CACHED_LENGTH else _parse(text)


def _parse(text: str) -> PatchPath:
    text = text.strip(" \t\r\n")
    if plain := _PLAIN.fullmatch(text):
        return PatchPath(AttrPath(*plain.groups()))
    # An inner filter holds no brackets but in its texts, so the last one closes the first.
    start, end = text.find("["), text.rfind("]")
    head = _PLAIN.fullmatch(text, 0, start) if 0 < start < end else None
    tail = _TAIL.fullmatch(text, end + 1) if head else None
    if head is None or tail is None:
        raise errors.invalid_path(f"The path is not an attribute, or a value path, of SCIM: {_shown(text)}")
    if head[3] is not None:
        raise errors.invalid_path(f"A sub-attribute has no values to select among: {_shown(text)}")
    try:
        inner = parse_value_filter(text[start + 1 : end])
    except errors.ScimError as error:
        raise errors.invalid_path(f"The filter in the path is not valid. {error.detail}") from None
    return PatchPath(AttrPath(head[1], head[2]), inner.node, tail[1], inner.leniencies)


_parse_cached = lru_cache(2048)(_parse)


def _shown(text: str) -> str:
    return shorten(ascii(text)[1:-1]) or "it is empty"
