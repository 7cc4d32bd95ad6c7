"""Filters (RFC 7644 §3.4.2.2): text to an immutable tree, and back.

``parse`` gives the tree; ``str(node)`` prints a filter that parses to an equal tree. The grammar is that of
scim2-filter-parser, whose lexer and parser ``grammar.py`` fits to the RFC's ABNF. What the ABNF does not have
but real clients send is accepted, and named in ``Parsed.leniencies``, for the caller's policy to decide on:

- ``unquoted-filter-value``: ``externalId eq abc-123``, ``active eq True``
- ``value-path-comparison``: ``emails[type eq "work"].value eq "x"``
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

import orjson

from mockscim.scim import errors

MAX_LENGTH = 64 * 1024  # characters
MAX_DEPTH = 100  # brackets inside brackets; also bounds every recursion over a tree
MAX_CLAUSES = 2000
CACHED_LENGTH = 1024  # characters; a longer text is parsed each time, so that the cache stays small

Value = str | bool | int | float | None
Leniency = tuple[str, str]  # (code, detail)

UNQUOTED = "unquoted-filter-value"
VALUE_PATH_COMPARISON = "value-path-comparison"


def shorten(text: str, limit: int = 60) -> str:
    """The text in one line of at most that many characters, for a message."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def literal(value: Value) -> str:
    """A comparison value as JSON writes it."""
    # int() is not bound to 64 bits as orjson is; repr() of a finite float is a JSON number already.
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value)
    return orjson.dumps(value).decode()


@dataclass(frozen=True, slots=True)
class AttrPath:
    """``[uri:]name[.sub]`` as it was written; names keep their case."""

    uri: str | None
    name: str
    sub: str | None = None

    def __str__(self) -> str:
        uri = f"{self.uri}:" if self.uri is not None else ""
        return f"{uri}{self.name}.{self.sub}" if self.sub is not None else uri + self.name


@dataclass(frozen=True, slots=True)
class Present:
    """``title pr``."""

    path: AttrPath

    def __str__(self) -> str:
        return f"{self.path} pr"


@dataclass(frozen=True, slots=True)
class Compare:
    """``userName eq "bjensen"``; the operator is in lower case."""

    path: AttrPath
    op: str
    value: Value
    kind: type = field(init=False, repr=False)  # for equality: 1, 1.0 and True are one value to Python

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", type(self.value))

    def __str__(self) -> str:
        return f"{self.path} {self.op} {literal(self.value)}"


@dataclass(frozen=True, slots=True)
class ValuePath:
    """``emails[type eq "work"]``: one value of the attribute satisfies the whole inner filter."""

    path: AttrPath
    filter: Node

    def __str__(self) -> str:
        return f"{self.path}[{self.filter}]"


@dataclass(frozen=True, slots=True)
class ValueCompare:
    """``emails[type eq "work"].value eq "x"``, which the ABNF lacks."""

    path: AttrPath
    filter: Node
    sub: str
    op: str
    value: Value
    kind: type = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", type(self.value))

    def __str__(self) -> str:
        return f"{self.path}[{self.filter}].{self.sub} {self.op} {literal(self.value)}"


@dataclass(frozen=True, slots=True)
class ValuePresent:
    """``emails[type eq "work"].value pr``, which the ABNF lacks."""

    path: AttrPath
    filter: Node
    sub: str

    def __str__(self) -> str:
        return f"{self.path}[{self.filter}].{self.sub} pr"


@dataclass(frozen=True, slots=True)
class And:
    """Two or more filters that all hold; an ``And`` among the items is merged into this one."""

    items: tuple[Node, ...]

    def __post_init__(self) -> None:
        if any(isinstance(item, And) for item in self.items):
            merged = (item.items if isinstance(item, And) else (item,) for item in self.items)
            object.__setattr__(self, "items", tuple(node for items in merged for node in items))

    def __str__(self) -> str:
        return " and ".join(f"({item})" if isinstance(item, Or) else str(item) for item in self.items)


@dataclass(frozen=True, slots=True)
class Or:
    """Two or more filters of which one holds; an ``Or`` among the items is merged into this one."""

    items: tuple[Node, ...]

    def __post_init__(self) -> None:
        if any(isinstance(item, Or) for item in self.items):
            merged = (item.items if isinstance(item, Or) else (item,) for item in self.items)
            object.__setattr__(self, "items", tuple(node for items in merged for node in items))

    def __str__(self) -> str:
        return " or ".join(map(str, self.items))


@dataclass(frozen=True, slots=True)
class Not:
    """``not (...)``."""

    item: Node

    def __str__(self) -> str:
        return f"not ({self.item})"


Node = Present | Compare | ValuePath | ValueCompare | ValuePresent | And | Or | Not


@dataclass(frozen=True, slots=True)
class Parsed:
    """A tree, and what was tolerated to get it."""

    node: Node
    leniencies: tuple[Leniency, ...] = ()


# The filter nearly every client sends before each change; each is a new text, so that no cache would help.
# Surrogates are left to the slow way, which refuses them.
_SIMPLE = re.compile(
    r"[ \t\r\n]*+([$A-Za-z][$\w-]*+)(?:\.([$A-Za-z][$\w-]*+))?[ \t\r\n]++[eE][qQ][ \t\r\n]++"
    r'"([^"\\\x00-\x1f\ud800-\udfff]*+)"[ \t\r\n]*+',
    re.ASCII,
)


def is_simple(text: str) -> bool:
    """Whether the text is one plain ``attr eq "text"``, for which no cache is worth its room."""
    return _SIMPLE.fullmatch(text) is not None


def _checked_length(text: str) -> None:
    if len(text) > MAX_LENGTH:
        raise errors.invalid_filter(f"The filter has {len(text)} characters; no more than {MAX_LENGTH} are accepted.")


def parse(text: str) -> Parsed:
    """Parse a filter; raises ScimError 400 ``invalidFilter`` that says what was found, and where."""
    _checked_length(text)
    if simple := _SIMPLE.fullmatch(text):
        name, sub, value = simple.groups()
        return Parsed(Compare(AttrPath(None, name, sub), "eq", value))
    return _parse_cached(text) if len(text) <= CACHED_LENGTH else _parse(text)


def parse_value_filter(text: str) -> Parsed:
    """Parse what stands between the brackets of a value path: a filter without a value path in it."""
    _checked_length(text)
    if simple := _SIMPLE.fullmatch(text):
        name, sub, value = simple.groups()
        return Parsed(Compare(AttrPath(None, name, sub), "eq", value))
    return _parse(text, inside=True)


def _parse(text: str, *, inside: bool = False) -> Parsed:
    # The parser takes 7 to 12 ms to import, which a server that is asked only simple filters never pays.
    from mockscim.scim import grammar  # noqa: PLC0415

    return grammar.parse(text, inside=inside)


_parse_cached = lru_cache(2048)(_parse)
