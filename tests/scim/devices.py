"""A resource type of one's own, with every characteristic that RFC 7643's types leave unused."""

from __future__ import annotations

from typing import Any

from mockscim.scim.schema import Registry

DEVICE = "urn:example:params:scim:schemas:Device"
RACK = "urn:example:params:scim:schemas:extension:Rack"


def attribute(name: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    """An attribute as /Schemas would publish it."""
    return {"name": name, "type": kind, **more}


def reference(name: str, types: list[str], **more: Any) -> dict[str, Any]:
    """A complex attribute that points at another resource."""
    subs = [attribute("value"), attribute("$ref", "reference", referenceTypes=types), attribute("display")]
    return attribute(name, "complex", subAttributes=subs, **more)


def immutable(member: dict[str, Any]) -> dict[str, Any]:
    """The same with sub-attributes as those of Group.members."""
    return {**member, "subAttributes": [{**sub, "mutability": "immutable"} for sub in member["subAttributes"]]}


SCHEMA: dict[str, Any] = {
    "id": DEVICE,
    "name": "Device",
    "attributes": [
        attribute("serialNumber", required=True, caseExact=True, uniqueness="server", mutability="immutable"),
        attribute("hostName", uniqueness="global"),
        attribute("weight", "decimal"),
        attribute("ports", "integer"),
        attribute("online", "boolean"),
        attribute("bought", "dateTime"),
        attribute("firmware", "binary"),
        attribute("manual", "reference", referenceTypes=["external"]),
        attribute("tags", multiValued=True),
        attribute("pin", mutability="writeOnly", returned="never"),
        attribute("logs", returned="request"),
        attribute("label", returned="always"),
        attribute(
            "case",
            "complex",
            subAttributes=[
                attribute("code", mutability="immutable"),
                attribute("colour", required=True),
                attribute("key", returned="never"),
                attribute("notes", returned="request"),
            ],
        ),
        reference("owner", ["User"]),
        reference("watchers", ["User", "Group"], multiValued=True),
        immutable(reference("parts", ["Device"], multiValued=True)),
        attribute("codes", "complex", multiValued=True, subAttributes=[attribute("value", mutability="immutable")]),
    ],
}
EXTENSION: dict[str, Any] = {
    "id": RACK,
    "name": "Rack",
    "attributes": [
        attribute("slot", "integer", required=True),
        attribute("room", mutability="immutable"),
        attribute("hostName"),
        attribute("secret", returned="never"),
        attribute("state", mutability="readOnly"),
    ],
}
TYPE: dict[str, Any] = {
    "name": "Device",
    "endpoint": "/Devices",
    "schema": DEVICE,
    "schemaExtensions": [{"schema": RACK, "required": False}],
}
USERS: list[dict[str, Any]] = [
    {"name": "User", "endpoint": "/Users", "schema": "urn:ietf:params:scim:schemas:core:2.0:User"},
    {"name": "Group", "endpoint": "/Groups", "schema": "urn:ietf:params:scim:schemas:core:2.0:Group"},
]


def registry() -> Registry:
    """Users, groups and devices."""
    return Registry.from_documents([SCHEMA, EXTENSION], [*USERS, TYPE])
