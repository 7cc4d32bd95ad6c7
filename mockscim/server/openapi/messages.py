"""The messages of the protocol (RFC 7644 §3, §8.2) as JSON Schema."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mockscim.scim import urns
from mockscim.server.openapi.resources import INTEGER

Document = dict[str, Any]

_TEXT: Document = {"type": "string"}
_NAME: Document = {"type": "string", "format": "scim-attribute"}
# Names that are not known are ignored, so that anything that is one does.
_SOMETHING: Document = {"type": "string", "pattern": r"[^\s,]"}
_NAMES: Document = {"type": "array", "items": _SOMETHING}
# RFC 7644 §3.12, table 9, and what RFC 9865 §2.1 adds.
_SCIM_TYPES = [
    "invalidFilter", "tooMany", "uniqueness", "mutability", "invalidSyntax", "invalidPath", "noTarget", "invalidValue",
    "invalidVers", "sensitive", "invalidCursor", "expiredCursor", "invalidCount",
]  # fmt: skip

# What may be asked for in a list, in a query string and in a SearchRequest alike (RFC 7644 §3.4.2, §3.4.3).
QUERY: dict[str, tuple[Document, str]] = {
    "filter": ({"type": "string", "format": "scim-filter"}, "What to select (RFC 7644 §3.4.2.2)"),
    "sortBy": ({"anyOf": [_NAME, {"const": ""}]}, "An attribute to sort by (RFC 7644 §3.4.2.3)"),
    "sortOrder": ({"enum": ["ascending", "descending"]}, "How to sort; ascending unless said otherwise"),
    "startIndex": ({"type": "integer"}, "The first result, from 1; less is 1 (RFC 7644 §3.4.2.4)"),
    "count": ({"type": "integer"}, "Results on a page at most; less than 0 is 0 (RFC 7644 §3.4.2.4)"),
    "cursor": (
        {"type": "string", "format": "scim-cursor"},
        "The page to go on with; empty for the first (RFC 9865 §2)",
    ),
}
PROJECTION: dict[str, tuple[Document, str]] = {
    "attributes": (
        {**_SOMETHING, "examples": ["displayName,meta"]},
        "Attributes to answer with, beside those that always come (RFC 7644 §3.9)",
    ),
    "excludedAttributes": (_SOMETHING, "Attributes to leave out (RFC 7644 §3.9)"),
}


def _message(urn: str, properties: Document, required: Iterable[str], about: str, *, sent: bool = False) -> Document:
    schemas: Document = {"type": "array", "items": {"const": urn}, "minItems": 1}
    if sent:  # others beside it do no harm
        schemas = {"type": "array", "items": {"type": "string"}, "contains": {"const": urn}}
    document: Document = {
        "type": "object",
        "description": about,
        "properties": {"schemas": schemas, **properties},
        "required": ["schemas", *required],
    }
    if not sent:
        document["additionalProperties"] = False
    return document


def error() -> Document:
    """An Error (RFC 7644 §3.12); its status is a text."""
    properties = {
        "status": {"type": "string", "pattern": "^[45][0-9]{2}$"},
        "scimType": {"enum": _SCIM_TYPES},
        "detail": _TEXT,
    }
    return _message(urns.ERROR, properties, ["status"], "Why a request was refused")


def list_response(items: Document, *, cursors: bool = False) -> Document:
    """A ListResponse (RFC 7644 §3.4.2) of such items."""
    number = {"type": "integer", "minimum": 0}
    properties: Document = {
        "totalResults": number,
        "startIndex": {"type": "integer", "minimum": 1},
        "itemsPerPage": number,
        "Resources": {"type": "array", "items": items},
    }
    if cursors:
        properties |= {"nextCursor": _TEXT, "previousCursor": _TEXT}
    return _message(urns.LIST_RESPONSE, properties, ["totalResults"], "A page of results")


def patch_op() -> Document:
    """A PatchOp (RFC 7644 §3.5.2)."""
    path = {"type": "string", "format": "scim-path"}
    gives = {
        "type": "object",
        "properties": {"op": {"enum": ["add", "replace"]}, "path": path, "value": {}},
        "required": ["op", "value"],
        "additionalProperties": False,
    }
    takes = {
        "type": "object",
        "properties": {"op": {"const": "remove"}, "path": path},
        "required": ["op", "path"],
        "additionalProperties": False,
    }
    operations = {"type": "array", "minItems": 1, "items": {"anyOf": [gives, takes]}}
    return _message(urns.PATCH_OP, {"Operations": operations}, ["Operations"], "Changes to a resource", sent=True)


def search_request(names: Iterable[str]) -> Document:
    """A SearchRequest (RFC 7644 §3.4.3) of those parameters."""
    known = {name: schema for name, (schema, _) in QUERY.items()}
    known |= dict.fromkeys(PROJECTION, _NAMES) | dict.fromkeys(("startIndex", "count"), INTEGER)
    properties = {name: {"anyOf": [known[name], {"type": "null"}]} for name in names}  # RFC 7643 §2.5
    return _message(urns.SEARCH_REQUEST, properties, [], "A query in a body", sent=True)


def bulk_request(most: int) -> Document:
    """A BulkRequest (RFC 7644 §3.7) of so many operations at most."""
    operation: Document = {
        "type": "object",
        "properties": {
            "method": {"enum": ["POST", "PUT", "PATCH", "DELETE"]},
            "bulkId": {"type": "string", "minLength": 1},
            "version": _TEXT,
            "path": {"type": "string", "pattern": "^/"},
            "data": {"type": "object"},
        },
        "required": ["method", "path"],
        "allOf": [
            _when("POST", ["bulkId", "data"]),
            _when("PUT", ["data"]),
            _when("PATCH", ["data"]),
        ],
    }
    properties = {
        "failOnErrors": {**INTEGER, "minimum": 1},
        "Operations": {"type": "array", "items": operation, "minItems": 1, "maxItems": most},
    }
    return _message(urns.BULK_REQUEST, properties, ["Operations"], "Several requests in one", sent=True)


def _when(method: str, required: list[str]) -> Document:
    return {"if": {"properties": {"method": {"const": method}}}, "then": {"required": required}}


def bulk_response() -> Document:
    """A BulkResponse (RFC 7644 §3.7)."""
    operation = {
        "type": "object",
        "properties": {
            "method": _TEXT,  # as it was sent, if it was
            "bulkId": _TEXT,
            "version": _TEXT,
            "location": {"type": "string", "format": "uri"},
            "status": {"type": "string", "pattern": "^[1-5][0-9]{2}$"},
            "response": {"type": "object"},
        },
        "required": ["status"],
    }
    operations = {"type": "array", "items": operation}
    return _message(urns.BULK_RESPONSE, {"Operations": operations}, ["Operations"], "What became of each")
