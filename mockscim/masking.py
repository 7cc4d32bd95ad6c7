"""Secrets taken out of what people read: headers, queries, bodies.

What is masked goes by its name: credentials in headers, tokens and passwords in forms, queries and bodies, and whatever
a tenant's schemas say is never returned (RFC 7643 §7), such as a password; also in the path of a PATCH, and in a filter
that compares it. The rest stays as it was sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import quote, unquote_plus

import orjson

from mockscim.scim.body import shallow_json

MASK = "***"
_SECRET_HEADER = re.compile(r"authorization|cookie|token|secret|password|api-?key", re.IGNORECASE)
# Schemes that are known to stand before credentials; another first word may be part of a secret.
_SCHEMES = frozenset({"basic", "bearer", "digest", "negotiate", "oauth", "ssws", "token"})
_SECRET_NAME = (
    r"(?:\w+[_-])?(?:password|passwd|passphrase|secret|token)"  # noqa: S105 - a pattern
    r"|(?:access|refresh|id|auth|bearer|client|new|old|current)(?:token|secret|password)"
    r"|(?:\w+[_-])?(?:api|private)[_-]?key"
)
_OPERATOR = r"(?:\s*\[\s*\w+)?(?:\W+(?:eq|ne|co|sw|ew|gt|ge|lt|le)\b|\s*[=<>!]+)"
_PLACES = frozenset({"filter", "path", "detail"})  # where texts of a body quote filters
_WRAPPERS = frozenset({"data", "value"})  # where a document may stand as a text
_PARAMETERS_WITH_FILTER = re.compile(r"(?:^|[?&])filter$", re.IGNORECASE)


class Masks:
    """What is masked in one tenant.

    Args:
        names: attributes that are secrets beside the usual ones, without URN.
    """

    def __init__(self, names: Collection[str] = ()) -> None:
        self._attributes = "|".join(["password", *map(re.escape, sorted(names))])
        self._named = "|".join([_SECRET_NAME, *map(re.escape, sorted(names))])

    # Compiled when somebody looks, as few servers are asked.

    @cached_property
    def _is_secret(self) -> Callable[[str], object]:
        return re.compile(self._named, re.IGNORECASE).fullmatch

    @cached_property
    def _is_path(self) -> Callable[[str], object]:
        pattern = rf"(?:.*[:.\s])?(?:{self._attributes})(?:[\s.\[].*)?"
        return re.compile(pattern, re.IGNORECASE | re.DOTALL).fullmatch

    @cached_property
    def _comparison(self) -> re.Pattern[str]:
        return re.compile(rf"(\b(?:{self._attributes})\b{_OPERATOR}).+", re.IGNORECASE | re.DOTALL)

    @cached_property
    def _in_text(self) -> re.Pattern[str]:
        value = r"""(?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[^\s,}\]<&]+)"""
        return re.compile(rf"""(\b(?:{self._named})["']?\s*[:=>]\s*){value}""", re.IGNORECASE)

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Headers with credentials masked; the scheme stays readable."""
        return {
            plain(name): _masked_header(plain(value)) if _SECRET_HEADER.search(name) else plain(value)
            for name, value in headers.items()
        }

    def query(self, query: str) -> str:
        """A query string with secrets masked; what has none is as it was sent."""
        return "&".join(map(self._parameter, plain(query).split("&")))

    def target(self, target: str) -> str:
        """A request's target with secrets masked."""
        path, mark, query = target.partition("?")
        return f"{plain(path)}{mark}{self.query(query)}"

    def _parameter(self, text: str) -> str:
        name, equals, value = text.partition("=")
        if not equals:
            return text
        called = unquote_plus(name).rpartition("?")[2].strip()  # a flag of the base URL may stand before it
        if self._is_secret(called):
            return f"{name}={MASK}"
        if _PARAMETERS_WITH_FILTER.search(called):
            sent = unquote_plus(value)
            masked = self.compared(sent)
            return text if masked == sent else f"{name}={quote(masked, safe='*')}"
        return text

    def compared(self, text: str) -> str:
        """A filter, or a text that quotes one, without what a secret is compared with."""
        return self._comparison.sub(rf"\1 {MASK}", text)

    def rule(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """A fault rule without the secrets that requests are compared with; ``***`` matches whatever stood there."""
        match = dict(document.get("match") or {})
        if match.get("header"):
            match["header"] = self.headers(match["header"])
        if match.get("where"):
            match["where"] = self.compared(match["where"])
        return {**document, "match": match} if match else document

    def body(self, body: bytes) -> Any:  # noqa: ANN401 - what JSON may be
        """A body parsed, or as text where it is not JSON or nests too deep; secrets masked; None for no body."""
        if not body:
            return None
        try:
            value = shallow_json(body)
        except ValueError:
            return self._text(body.decode("utf-8", "replace"))

        return self._text(value) if isinstance(value, str) else self._value(value)

    def _text(self, text: str) -> str:
        """What was meant as JSON, a form, or anything else that has names and values."""
        return self._in_text.sub(lambda found: found[1] + (f'"{MASK}"' if ":" in found[1][-3:] else MASK), text)

    def _value(self, value: Any) -> Any:  # noqa: ANN401
        # Iterative, as a body may be nested deeper than Python calls may be; the parsed value is ours to change.
        stack = [value]
        while stack:
            item = stack.pop()
            if isinstance(item, dict):
                self._object(item, stack.append)
            elif isinstance(item, list):
                stack.extend(content for content in item if isinstance(content, (dict, list)))
        return value

    def _object(self, item: dict[str, Any], go_on: Callable[[Any], None]) -> None:
        path = next((v for k, v in item.items() if k.lower() == "path" and isinstance(v, str)), None)
        of_secret = path is not None and self._is_path(path)
        for name, content in item.items():
            key = name.lower().rpartition(":")[2].strip()
            if self._is_secret(key) or (key == "value" and of_secret):
                item[name] = MASK
            elif isinstance(content, (dict, list)):
                go_on(content)
            elif key in _PLACES and isinstance(content, str):
                item[name] = self.compared(content)
            elif key in _WRAPPERS and isinstance(content, str) and content.lstrip().startswith(("{", "[")):
                item[name] = self._wrapped(content)

    def _wrapped(self, text: str) -> str:
        """A document as a text, as sent but for its secrets."""
        try:
            value = shallow_json(text.encode())
        except ValueError:
            return self._text(text)
        before = orjson.dumps(value)
        after = orjson.dumps(self._value(value))
        return text if after == before else after.decode()


def _masked_header(value: str) -> str:
    scheme, space, _ = value.partition(" ")
    return f"{scheme} {MASK}" if space and scheme.lower() in _SCHEMES else MASK


def plain(text: str) -> str:
    """Text as JSON can hold it: aiohttp's header names are of a class of their own, and stray bytes are surrogates."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


USUAL = Masks()


def masks_of(names: Iterable[str]) -> Masks:
    """The masks for a tenant whose schemas say that attributes of these names are never returned."""
    more = frozenset(name.lower() for name in names) - {"password"}
    return _masks_of(more) if more else USUAL


@lru_cache(maxsize=16)
def _masks_of(names: frozenset[str]) -> Masks:
    return Masks(names)
