"""What operations of a description share: named schemas, security, and the frame of an answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Document = dict[str, Any]


class Parts:
    """The components that the operations described so far refer to."""

    def __init__(self) -> None:
        self.schemas: dict[str, Document] = {}
        self.security: dict[str, Document] = {}

    def name(self, name: str, schema: Document) -> Document:
        """Keep a schema under a name; returns the reference to it."""
        self.schemas[name] = schema
        return reference(name)


def reference(name: str) -> Document:
    """The reference to a named schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def content(schema: Document, media_types: Iterable[str]) -> Document:
    """The content of a body: one schema in one or several media types."""
    return {media_type: {"schema": schema} for media_type in dict.fromkeys(media_types)}


def answer(text: str, body: Document | None = None, headers: Mapping[str, str] | None = None) -> Document:
    """One answer of an operation.

    Args:
        text: what it means.
        body: its content; None for no body.
        headers: those it always has, with what they say.
    """
    found: Document = {"description": text}
    if headers:
        found["headers"] = {
            name: {"description": says, "required": True, "schema": {"type": "string"}}
            for name, says in headers.items()
        }
    if body is not None:
        found["content"] = body
    return found
