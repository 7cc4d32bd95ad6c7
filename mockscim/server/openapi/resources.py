"""SCIM schemas (RFC 7643 §7) as JSON Schema: what a provider answers, and what it takes.

The two differ: an answer may lack anything but what is always returned, since clients choose (RFC 7644 §3.9), and holds
nothing else; what is sent must have the required attributes, and may have readOnly ones, which are ignored.
"""

from __future__ import annotations

from typing import Any, Literal

from mockscim.scim.schema import Attribute, ResourceType, Schema

Document = dict[str, Any]
Way = Literal["answered", "published", "sent", "sent whole"]

_CLOSED = ("answered", "sent whole")
# RFC 7643 §2.3.6: either alphabet, and padding or none.
_BASE64 = "|".join(
    f"^(?:[{each}]{{4}})*(?:[{each}]{{4}}|[{each}]{{2}}(?:==)?|[{each}]{{3}}=?)$"
    for each in ("A-Za-z0-9+/", "A-Za-z0-9_-")
)
# RFC 7643 §2.3.5: as XML has it, also without offset; what is sent had better say one (RFC 3339).
_DATE_TIME = r"^-?[0-9]{4,9}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})?$"
_AN_ID = "^[A-Za-z0-9._~@:+=,!$'()*;&-]{1,255}$"
_INSTANT = "2026-01-31T12:00:00Z"
INTEGER: Document = {"type": "integer", "minimum": -(2**63), "maximum": 2**64 - 1}  # as far as our parser goes
# RFC 7643 §2.3: the JSON type of each SCIM type.
_TYPES: dict[str, Document] = {
    "string": {"type": "string"},
    "boolean": {"type": "boolean"},
    "decimal": {"type": "number"},
    "integer": INTEGER,
    "dateTime": {"type": "string", "format": "date-time", "examples": [_INSTANT]},
    "binary": {"type": "string", "contentEncoding": "base64", "pattern": _BASE64},
    "reference": {"type": "string", "format": "uri-reference", "minLength": 1},
}


def resource(kind: ResourceType, way: Way) -> Document:
    """The JSON Schema of a resource type's representation.

    Args:
        kind: the resource type.
        way: ``answered`` for what the provider sends, ``sent`` for what it is sent, ``sent whole`` where it refuses
            attributes that it does not know; ``published`` for a discovery document, which is answered and may hold
            more than its own definition: that of Schema (RFC 7643 §8.7.2) ends below the second level of its
            subAttributes, and describes itself with a third.
    """
    properties: Document = {"schemas": _schemas(kind, way)}
    for attribute in kind.attributes.values():
        if attribute.name != "schemas" and _goes(attribute, way):
            properties[attribute.name] = _attribute(attribute, way)
    for extension, _ in kind.extensions:
        properties[extension.id] = _extension(extension, way)
    document: Document = {"type": "object", "description": kind.description, "properties": properties}
    if way in _CLOSED:
        document["additionalProperties"] = False
    if not _sent(way):
        return {**document, "required": ["schemas", "id"]}
    required = [attribute.name for attribute in kind.required]
    document["required"] = ["schemas", *required, *(e.id for e, needed in kind.extensions if needed)]
    if kind.extensions:
        document["dependentSchemas"] = {e.id: _declares(e) for e, _ in kind.extensions}
    return document


def _schemas(kind: ResourceType, way: Way) -> Document:
    """``schemas`` names the type's schema always, and its extensions where they are there (RFC 7643 §3)."""
    known = [kind.schema.id, *(extension.id for extension, _ in kind.extensions)]
    document: Document = {"type": "array", "items": {"enum": known}, "minItems": 1, "contains": {"const": known[0]}}
    return document if _sent(way) else {**document, "uniqueItems": True}


def _declares(extension: Schema) -> Document:
    return {"properties": {"schemas": {"contains": {"const": extension.id}}}}


def _extension(extension: Schema, way: Way) -> Document:
    document = _object(extension.attributes.values(), way)
    document["description"] = extension.description or extension.name
    return document


def _sent(way: Way) -> bool:
    return way in ("sent", "sent whole")


def _goes(attribute: Attribute, way: Way) -> bool:
    """Whether an attribute is ever part of a representation: a password is never answered."""
    return _sent(way) or attribute.returned != "never"


def _must_be_sent(attribute: Attribute) -> bool:
    """A required attribute, and the id of what a group's member is."""
    if attribute.parent is not None and attribute.parent.keyed and attribute.key == "value":
        return True
    return attribute.required and attribute.mutability != "readOnly"


def _attribute(attribute: Attribute, way: Way) -> Document:
    if _sent(way) and attribute.mutability == "readOnly":
        return {"description": "The provider's; ignored when sent", "readOnly": True}
    document = _value(attribute, way)
    if attribute.multi_valued:
        document = {"type": "array", "items": document}
        primary = attribute.sub("primary")
        if primary is not None:
            one = {"properties": {primary.name: {"const": True}}, "required": [primary.name], "type": "object"}
            document |= {"contains": one, "minContains": 0, "maxContains": 1}  # RFC 7643 §2.4
    if _sent(way) and not _must_be_sent(attribute):
        document = {"anyOf": [document, {"type": "null"}]}  # null is unassigned (RFC 7643 §2.5)
    return {**_characteristics(attribute), **document}


def _value(attribute: Attribute, way: Way) -> Document:
    """One value of an attribute."""
    if attribute.type == "complex":
        return _object(attribute.sub_attributes.values(), way)
    document = dict(_TYPES[attribute.type])
    if attribute.type == "dateTime" and not _sent(way):
        document = {"type": "string", "pattern": _DATE_TIME}
    if _sent(way) and attribute.type == "string" and _must_be_sent(attribute):
        # A required text says something, and a member's value is an id.
        document["pattern"] = r"\S" if attribute.required else _AN_ID
    if attribute.canonical_values:
        document["examples"] = list(attribute.canonical_values)  # which do not exclude others (RFC 7643 §7)
    return document


def _object(attributes: Any, way: Way) -> Document:  # noqa: ANN401 - any iterable of attributes
    attributes = [attribute for attribute in attributes if _goes(attribute, way)]
    document: Document = {
        "type": "object",
        "properties": {attribute.name: _attribute(attribute, way) for attribute in attributes},
    }
    if way in _CLOSED:
        document["additionalProperties"] = False
    if not _sent(way):
        return document
    required = [a.name for a in attributes if _must_be_sent(a)]
    if required:
        document["required"] = required
    return document


def _characteristics(attribute: Attribute) -> Document:
    """What JSON Schema has no word for (RFC 7643 §2.2), and the two characteristics that OpenAPI knows."""
    found: Document = {}
    if attribute.description:
        found["description"] = attribute.description
    if attribute.mutability == "readOnly":
        found["readOnly"] = True
    if attribute.mutability == "writeOnly":
        found["writeOnly"] = True
    found["x-scim"] = {"mutability": attribute.mutability, "returned": attribute.returned}
    if attribute.type != "complex":
        found["x-scim"] |= {"uniqueness": attribute.uniqueness, "caseExact": attribute.case_exact}
    return found
