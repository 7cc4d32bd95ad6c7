"""The body of a request as JSON, and what JSON allows that SCIM does not: a name twice in one object."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from typing import Any

import orjson

from mockscim.scim.errors import invalid_syntax
from mockscim.scim.policy import Tolerance

MAX_DEPTH = 200
"""Levels of nesting in JSON that is shown inside other documents; nothing is written that nests deeper than 254."""

_COLON, _BACKSLASH = b":", 0x5C
_ESCAPED = re.compile(rb"\\u003[aA]")
# Of JSON that has been read once: texts, with the colon behind those that are names, and the ends of objects.
_TOKEN = re.compile(rb'("[^"\\]*(?:\\.[^"\\]*)*")\s*(:?)|[{}]', re.DOTALL)


def read_json(body: bytes, tolerance: Tolerance) -> Any:  # noqa: ANN401
    """The document in a body; of a name that an object has twice the last value counts.

    Raises:
        ScimError: 400 invalidSyntax when it is no JSON, or nests so deep that nobody could be sent it.
    """
    if not body.strip():
        raise invalid_syntax("the request has no body")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise invalid_syntax(f"the body is not JSON: {error}") from None
    try:
        again = orjson.dumps(document)
    except orjson.JSONEncodeError:
        raise invalid_syntax("the body nests too deep") from None
    # A name that was dropped took its colon along. Colons inside texts are the same in both, unless they are escaped.
    if again != body and (again.count(_COLON) != body.count(_COLON) or (_BACKSLASH in body and _ESCAPED.search(body))):
        _note_duplicates(body, tolerance)
    return document


def shallow_json(text: bytes | str) -> Any:  # noqa: ANN401
    """The document in a text that anybody may have written, if it can be shown inside another.

    Raises:
        ValueError: it is no JSON, or nests deeper than ``MAX_DEPTH``.
    """
    document = orjson.loads(text)
    layer = [document]
    for _ in range(MAX_DEPTH):
        layer = [item for each in layer for item in _inside(each) if isinstance(item, dict | list)]
        if not layer:
            return document
    raise ValueError(f"it nests deeper than {MAX_DEPTH} levels")


def _inside(value: Any) -> Iterable[Any]:  # noqa: ANN401
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def note_twins(document: Mapping[str, Any], tolerance: Tolerance, known: Container[str] | None = None) -> None:
    """Meet a name that an object has twice, in different case: it is one and the same (RFC 7643 §2.1).

    Args:
        document: the object.
        tolerance: where it is noted, or refused.
        known: the names that count, in lower case, where others are ignored anyway; None for all.
    """
    seen: set[str] = set()
    for name in document:
        if name.lower() in seen and (known is None or name.lower() in known):
            tolerance.allow("duplicate-key", f"{name[:100]} is given twice, in different case")
        seen.add(name.lower())


def fields_of(document: Mapping[str, Any], tolerance: Tolerance, known: Container[str] | None = None) -> dict[str, Any]:
    """The members of a message by their names in lower case; ``known`` as in ``note_twins``."""
    found = {name.lower(): value for name, value in document.items()}
    if len(found) < len(document):
        note_twins(document, tolerance, known)
    return found


def _note_duplicates(body: bytes, tolerance: Tolerance) -> None:
    """Meet names that an object has twice, letter for letter; in different case they are ``note_twins``'."""
    inside: list[set[str]] = []
    for token in _TOKEN.finditer(body):
        text, colon = token.groups()
        if colon:
            name = orjson.loads(text)
            if name in inside[-1]:
                tolerance.allow("duplicate-key", f"{name[:100]} is given twice")
            inside[-1].add(name)
        elif token[0] == b"{":
            inside.append(set())
        elif token[0] == b"}":
            inside.pop()
