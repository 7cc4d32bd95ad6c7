"""One version of one resource: its attributes as bytes, and what becomes of them when they are stored and read.

Reading a resource is joining bytes. What the provider adds (``schemas``, ``id``, ``meta``, ``groups``, a group's
members) is written when it is read, so that the base URL may differ from request to request.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson

from mockscim.scim.members import Members
from mockscim.scim.schema import Attribute, ResourceType

# Stands for the base URL inside stored bytes. JSON text cannot hold a raw control character, and a reference that
# holds one is refused (resource.coerce), so nothing a client sends can be taken for it.
BASE_MARK = b"\x01"
_MARKED_REF = b'"$ref":"\\u0001'


class Record(msgspec.Struct, eq=False, gc=False):
    """One version of one resource.

    A million of them are no work for the garbage collector: nothing that they refer to refers to them.

    Attributes:
        id: the resource's id.
        type: its resource type.
        seq: its place in creation order.
        version: the number of the commit that made this version.
        created, modified: RFC 3339 texts.
        body: its attributes as JSON, without the braces.
        members: a group's members, or None.
        secrets: the whole of those top-level attributes that are never returned, or not in every part; or None.
    """

    id: str
    type: ResourceType
    seq: int
    version: int
    created: str
    modified: str
    body: bytes
    members: Members | None
    secrets: dict[str, Any] | None
    label: str | None = None

    def attributes(self) -> dict[str, Any]:
        """A fresh copy of the attributes, without members; references relative to the base URL."""
        result: dict[str, Any] = orjson.loads(b"{" + self.body.replace(BASE_MARK, b"") + b"}")
        if self.secrets:
            # An extension is here whole: whoever changes the copy must not change the record.
            result.update({n: deepcopy(v) if isinstance(v, (dict, list)) else v for n, v in self.secrets.items()})
        return result

    @property
    def etag(self) -> str:
        """The version as an entity tag; weak, since members and groups are rendered in."""
        return f'W/"{self.version}"'


@dataclass(slots=True)
class Change:
    """One committed change: what a record was and what it is; None where there was or is none.

    ``aside``: made by somebody else while a request was served.
    """

    operation: str
    type: ResourceType
    id: str
    before: Record | None
    after: Record | None
    aside: bool = False


def pack(resource_type: ResourceType, attributes: dict[str, Any]) -> tuple[bytes, dict[str, Any] | None]:
    """Attributes as stored bytes, and apart from them what is never returned."""
    secrets: dict[str, Any] | None = None
    held = resource_type.hidden & attributes.keys()
    if held:
        bare = {name: _shown(resource_type, name, attributes[name]) for name in held}
        secrets = {name: attributes[name] for name in held if bare[name] != attributes[name]} or None
        merged = {**attributes, **bare}
        attributes = {name: value for name, value in merged.items() if value is not None}
    return orjson.dumps(attributes)[1:-1].replace(_MARKED_REF, b'"$ref":"' + BASE_MARK), secrets


def _shown(resource_type: ResourceType, name: str, value: Any) -> Any:  # noqa: ANN401
    """A top-level attribute, or an extension, without what is never returned; None when nothing is left."""
    attribute = resource_type.attributes.get(name.lower())
    if attribute is not None:
        return _bared(attribute, value)
    extension = resource_type.extension(name)
    known = extension.attributes if extension is not None else {}
    return {key: kept for key, item in value.items() if (kept := _bared(known[key.lower()], item)) is not None} or None


def _bared(attribute: Attribute, value: Any) -> Any:  # noqa: ANN401
    if attribute.returned == "never":
        return None
    if not any(sub.returned == "never" for sub in attribute.sub_attributes.values()):
        return value
    if isinstance(value, list):
        return [kept for item in value if (kept := _bared(attribute, item)) is not None] or None
    subs = attribute.sub_attributes
    return {name: item for name, item in value.items() if subs[name.lower()].returned != "never"} or None


def shown(resource_type: ResourceType, attributes: dict[str, Any], base: str = "") -> dict[str, Any]:
    """Attributes as ``Record.attributes`` gives them once they are stored, with references below a base URL."""
    body, secrets = pack(resource_type, attributes)
    result: dict[str, Any] = orjson.loads(b"{" + body.replace(BASE_MARK, base.encode()) + b"}")
    return {**result, **(secrets or {})}
