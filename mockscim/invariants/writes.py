"""The changes that the client asked for: one for each request, and one for each operation of a bulk job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from mockscim.invariants.seen import Seen
from mockscim.scim.schema import ResourceType

_VERBS = {"POST": "create", "PUT": "replace", "PATCH": "patch", "DELETE": "delete"}
# By what a resource is known to its client beside its id, attributes in lower case.
NAMES = ("username", "externalid", "displayname")


class Write(NamedTuple):
    """One change that the client asked for.

    Attributes:
        seen: the exchange.
        method: its method, in a bulk job the operation's.
        type: the resource type's name.
        id: the id that was addressed; None for a create, or where it is not known.
        fields: the document that was sent, names in lower case.
        status: what the client was told; None where nothing reached it.
        place: the place in the bulk job; None outside of one.
    """

    seen: Seen
    method: str
    type: str
    id: str | None
    fields: Mapping[str, Any]
    status: int | None
    place: int | None = None

    @property
    def ok(self) -> bool:
        """Whether the client was told of success."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def verb(self) -> str:
        """``create``, ``replace``, ``patch`` or ``delete``."""
        return _VERBS[self.method]

    @property
    def names(self) -> Iterator[tuple[str, str]]:
        """The names that were sent for the resource: (attribute, text folded)."""
        for name in NAMES:
            value = self.fields.get(name)
            if isinstance(value, str) and value and (name != "displayname" or self.type == "Group"):
                yield name, fold(value)

    def __str__(self) -> str:
        within = f", operation {self.place + 1} of a bulk job" if self.place is not None else ""
        return f"{self.method} /{self.type}s{f'/{self.id}' if self.id else ''}{within}"


def fold(text: str) -> str:
    """A name as it is compared: a provider may have changed its case or trimmed it."""
    return text.strip().casefold()


def fields(document: object) -> dict[str, Any]:
    """An object's members, names in lower case; empty for what is no object."""
    return {str(name).lower(): value for name, value in document.items()} if isinstance(document, Mapping) else {}


def writes_of(seen: Seen, endpoints: Mapping[str, ResourceType]) -> Iterator[Write]:
    """The changes that an exchange asked for."""
    if not seen.writes:
        return
    if seen.verb == "run":
        yield from _bulk(seen, endpoints)
        return
    kind = _kind(seen.path, endpoints) or _me(seen)
    if kind is not None and seen.method in _VERBS:
        status = seen.status if seen.arrived else None
        yield Write(seen, seen.method, kind, seen.id, fields(seen.sent), status)


def _bulk(seen: Seen, endpoints: Mapping[str, ResourceType]) -> Iterator[Write]:
    asked = fields(seen.sent).get("operations")
    told = fields(seen.answer).get("operations") if seen.arrived else None
    results = [fields(result) for result in told] if isinstance(told, list) else []
    by_bulk_id = {str(r["bulkid"]): r for r in results if "bulkid" in r}
    for index, operation in enumerate(asked if isinstance(asked, list) else ()):
        sent = fields(operation)
        method, path = str(sent.get("method", "")).upper(), str(sent.get("path", ""))
        kind = _kind(path, endpoints)
        if method not in _VERBS or kind is None:
            continue
        result = by_bulk_id.get(str(sent.get("bulkid"))) if "bulkid" in sent else None
        if result is None and index < len(results) and "bulkid" not in results[index]:
            result = results[index]
        parts = path.strip("/").split("/")
        id_ = unquote(parts[1]) if len(parts) > 1 else None
        yield Write(seen, method, kind, id_, fields(sent.get("data")), _status(seen, result), index)


def _status(seen: Seen, result: Mapping[str, Any] | None) -> int | None:
    """What the client was told of one operation of a bulk job."""
    if not seen.arrived:
        return None
    if not seen.ok:
        return seen.status  # of the whole job
    text = str(result.get("status", "")) if result is not None else ""
    return int(text) if text.isascii() and text.isdigit() else None


def _kind(path: str, endpoints: Mapping[str, ResourceType]) -> str | None:
    found = endpoints.get("/" + path.strip("/").split("/")[0].lower())
    return found.name if found is not None else None


def _me(seen: Seen) -> str | None:
    if not seen.path.lower().startswith("/me"):
        return None
    return seen.exchange.resource.type.name if seen.exchange.resource is not None else "User"
