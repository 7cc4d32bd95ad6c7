"""Schemas, attributes and resource types (RFC 7643 §2, §6, §7).

Definitions are data in the form of RFC 7643 §8.7, so that a custom schema loads exactly as the core ones do:
``Schema.from_document`` and ``ResourceType`` take what ``/Schemas`` and ``/ResourceTypes`` would publish.
Attribute names and URNs are compared without regard to case (RFC 7643 §2.1); look-ups go through lower-cased keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import orjson

from mockscim.scim import urns

# The common attributes that are the provider's to give, whatever a client sends (RFC 7643 §3.1).
COMMON = frozenset({"schemas", "id", "meta"})
TYPES = frozenset({"string", "boolean", "decimal", "integer", "dateTime", "binary", "reference", "complex"})
MUTABILITIES = frozenset({"readOnly", "readWrite", "immutable", "writeOnly"})
RETURNED = frozenset({"always", "never", "default", "request"})
# RFC 9944 §7 adds the last two; whatever the scope, a value is unique among the resources that are here.
UNIQUENESS = frozenset({"none", "server", "global", "Manufacturer", "Enterprise"})


_ATTRIBUTE_NAME = re.compile(r"[$A-Za-z][A-Za-z0-9_-]*", re.ASCII)  # RFC 7643 §2.1; "$" for $ref
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\x00-\x20\"\\<>^`{|}]+")
_TYPE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*", re.ASCII)  # it is half of an operation's name: device.create
_ENDPOINT = re.compile(r"/[A-Za-z0-9_~-][A-Za-z0-9._~-]*", re.ASCII)
_TAKEN = frozenset({"/schemas", "/resourcetypes", "/serviceproviderconfig", "/bulk", "/me"})
_MOST_LEVELS = 2  # RFC 7643's own definition of a schema has sub-attributes of sub-attributes; nothing else does


# What any value of a type is in Python, where no value of it has to be looked into.
_NATIVE: Mapping[str, type] = {"string": str, "boolean": bool, "integer": int}


class SchemaError(ValueError):
    """A schema or resource type document that cannot be used; the text says where and why."""


class Attribute:
    """An attribute definition with every characteristic of RFC 7643 §2.2 and §7."""

    __slots__ = (
        "canonical_values",
        "case_exact",
        "description",
        "key",
        "keyed",
        "multi_valued",
        "mutability",
        "name",
        "native",
        "natives",
        "parent",
        "reference_types",
        "required",
        "required_subs",
        "returned",
        "schema",
        "sub_attributes",
        "told_apart",
        "type",
        "uniqueness",
        "writable",
    )

    def __init__(
        self,
        name: str,
        type: str = "string",  # noqa: A002 - the characteristic's own name
        *,
        multi_valued: bool = False,
        required: bool = False,
        case_exact: bool = False,
        mutability: str = "readWrite",
        returned: str = "default",
        uniqueness: str = "none",
        description: str = "",
        canonical_values: Iterable[str] = (),
        reference_types: Iterable[str] = (),
        sub_attributes: Iterable[Attribute] = (),
        schema: str = "",
        parent: Attribute | None = None,
    ) -> None:
        self.name = name
        self.key = name.lower()
        self.type = type
        self.multi_valued = multi_valued
        self.required = required
        self.case_exact = case_exact
        self.mutability = mutability
        self.returned = returned
        self.uniqueness = uniqueness
        self.description = description
        self.canonical_values = tuple(canonical_values)
        self.reference_types = tuple(reference_types)
        self.schema = schema
        self.parent = parent
        self.sub_attributes: dict[str, Attribute] = {}
        for sub in sub_attributes:
            sub.parent = self
            self.sub_attributes[sub.key] = sub
        self.required_subs = [s for s in self.sub_attributes.values() if s.required and s.mutability != "readOnly"]
        # What most values are: given by their canonical name, and of the type that their attribute takes.
        self.writable = {sub.name: sub for sub in self.sub_attributes.values() if sub.mutability != "readOnly"}
        self.native = _NATIVE.get(type) if not multi_valued else None
        self.natives = _natives(self.writable)
        # Values with the same type and value are one (RFC 7643 §2.4), where these are simple ones.
        marks = [sub for sub in self.sub_attributes.values() if sub.key in ("value", "type")]
        self.told_apart = "value" in self.sub_attributes and not any(
            sub.multi_valued or sub.type == "complex" for sub in marks
        )
        # Group.members (and anything shaped like it): a set of references, each immutable, told apart by value
        # alone. The store holds such values keyed, so that one more costs the same at 10 or at 100,000.
        value = self.sub_attributes.get("value")
        self.keyed = bool(
            multi_valued
            and value
            and value.mutability == "immutable"
            and "$ref" in self.sub_attributes
            and self.sub_attributes.keys() <= {"value", "$ref", "type", "display"}
            # What is never returned is not kept where it would be shown.
            and "never" not in (returned, *(sub.returned for sub in self.sub_attributes.values()))
        )
        if self.keyed and value is not None:
            value.case_exact = True  # it is an id, and ids are (RFC 7643 §3.1)

    def __repr__(self) -> str:
        return f"<Attribute {self.path}: {self.type}{'[]' if self.multi_valued else ''}>"

    @property
    def path(self) -> str:
        """The attribute in standard notation (RFC 7644 §3.10), without its URN: ``name.givenName``."""
        return f"{self.parent.name}.{self.name}" if self.parent else self.name

    def sub(self, name: str) -> Attribute | None:
        """The sub-attribute of that name, in any case."""
        return self.sub_attributes.get(name.lower())

    @classmethod
    def from_document(cls, document: Mapping[str, Any], schema: str, where: str) -> Attribute:
        """Read one attribute as ``/Schemas`` publishes it; SchemaError names what is wrong and where."""
        if not isinstance(document, Mapping) or not isinstance(document.get("name"), str):
            raise SchemaError(f"{where}: an attribute is an object with a name")
        kind = document.get("type", "string")
        # RFC 9944 §7.1 nests objects under schema URNs in an extension: such a name is a complex attribute's only.
        if not _ATTRIBUTE_NAME.fullmatch(document["name"]) and not (
            kind == "complex" and document["name"].lower().startswith("urn:") and _URI.fullmatch(document["name"])
        ):
            raise SchemaError(f"{where}/name: letters, digits, - and _ were expected, not {document['name'][:60]!r}")
        for field, value, allowed in (
            ("type", kind, TYPES),
            ("mutability", document.get("mutability", "readWrite"), MUTABILITIES),
            ("returned", document.get("returned", "default"), RETURNED),
            ("uniqueness", document.get("uniqueness", "none"), UNIQUENESS),
        ):
            if not isinstance(value, str) or value not in allowed:
                raise SchemaError(f"{where}/{field}: {value!r} is not one of {', '.join(sorted(allowed))}")
        for field in ("multiValued", "required", "caseExact"):
            if not isinstance(document.get(field, False), bool):
                raise SchemaError(f"{where}/{field}: true or false was expected")
        for field in ("canonicalValues", "referenceTypes", "subAttributes"):
            if not isinstance(document.get(field, []), list):
                raise SchemaError(f"{where}/{field}: a list was expected")
        for field in ("canonicalValues", "referenceTypes"):
            if not all(isinstance(item, str) for item in document.get(field, [])):
                raise SchemaError(f"{where}/{field}: a list of texts was expected")
        if where.count("/subAttributes/") > _MOST_LEVELS:
            raise SchemaError(f"{where}: sub-attributes have none of their own (RFC 7643 §2.3.8)")
        subs = [
            cls.from_document(sub, schema, f"{where}/subAttributes/{index}")
            for index, sub in enumerate(document.get("subAttributes", []))
        ]
        if subs and kind != "complex":
            raise SchemaError(f"{where}/subAttributes: only a complex attribute has any")
        _refuse_twins([sub.key for sub in subs], f"{where}/subAttributes")
        return cls(
            document["name"],
            kind,
            multi_valued=document.get("multiValued", False),
            required=document.get("required", False),
            # RFC 7643 §7: binary and reference values are compared exactly whatever the definition says.
            case_exact=document.get("caseExact", False) or kind in ("binary", "reference"),
            mutability=document.get("mutability", "readWrite"),
            returned=document.get("returned", "default"),
            uniqueness=document.get("uniqueness", "none"),
            description=document.get("description", ""),
            canonical_values=document.get("canonicalValues", ()),
            reference_types=document.get("referenceTypes", ()),
            sub_attributes=subs,
            schema=schema,
        )

    def document(self) -> dict[str, Any]:
        """The attribute as ``/Schemas`` publishes it (RFC 7643 §7)."""
        document: dict[str, Any] = {
            "name": self.name,
            "type": self.type,
            "multiValued": self.multi_valued,
            "description": self.description,
            "required": self.required,
            "mutability": self.mutability,
            "returned": self.returned,
        }
        if self.type == "complex":
            document["subAttributes"] = [sub.document() for sub in self.sub_attributes.values()]
        else:
            document["caseExact"] = self.case_exact
            document["uniqueness"] = self.uniqueness
        if self.canonical_values:
            document["canonicalValues"] = list(self.canonical_values)
        if self.reference_types:
            document["referenceTypes"] = list(self.reference_types)
        return document


def _natives(writable: Mapping[str, Attribute]) -> dict[str, type]:
    """By canonical name, the Python type of those values that are stored just as they were sent."""
    return {name: attribute.native for name, attribute in writable.items() if attribute.native is not None}


class Schema:
    """A schema: a URN and its attributes (RFC 7643 §7)."""

    __slots__ = ("attributes", "description", "id", "key", "name", "natives")

    def __init__(self, id: str, name: str, description: str, attributes: Iterable[Attribute]) -> None:  # noqa: A002
        self.id = id
        self.key = id.lower()
        self.name = name
        self.description = description
        self.attributes: dict[str, Attribute] = {attribute.key: attribute for attribute in attributes}
        self.natives = _natives({a.name: a for a in self.attributes.values() if a.mutability != "readOnly"})

    def __repr__(self) -> str:
        return f"<Schema {self.id}>"

    @classmethod
    def from_document(cls, document: Mapping[str, Any], where: str = "") -> Schema:
        """Read a schema document; SchemaError names what is wrong and where."""
        if not isinstance(document, Mapping) or not isinstance(document.get("id"), str):
            raise SchemaError(f"{where or '/'}: a schema is an object with an id")
        if not _URI.fullmatch(document["id"]):
            raise SchemaError(f"{where}/id: a URN was expected, not {document['id'][:100]!r}")
        attributes = document.get("attributes")
        if not isinstance(attributes, list):
            raise SchemaError(f"{where}/attributes: a list was expected")
        known = [
            Attribute.from_document(attribute, document["id"], f"{where}/attributes/{index}")
            for index, attribute in enumerate(attributes)
        ]
        _refuse_twins([attribute.key for attribute in known], f"{where}/attributes")
        return cls(
            document["id"],
            document.get("name", document["id"].rsplit(":", 1)[-1]),
            document.get("description", ""),
            known,
        )

    def document(self) -> dict[str, Any]:
        """The schema as ``/Schemas`` publishes it, without its ``meta``."""
        return {
            "schemas": [urns.SCHEMA],
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "attributes": [attribute.document() for attribute in self.attributes.values()],
        }

    def only(self, names: Iterable[str]) -> Schema:
        """The same schema with just the named attributes, as providers that support few of them publish it."""
        wanted = {name.lower() for name in names}
        return Schema(self.id, self.name, self.description, [a for key, a in self.attributes.items() if key in wanted])


def _refuse_twins(keys: list[str], where: str) -> None:
    for index, key in enumerate(keys):
        if key in keys[:index]:
            raise SchemaError(f"{where}/{index}/name: {key} exists twice (names are compared without regard to case)")


def _common_attributes() -> list[Attribute]:
    """What every resource has beside its schema (RFC 7643 §3.1), and ``schemas`` itself (§3)."""
    meta = [
        Attribute("resourceType", case_exact=True, mutability="readOnly"),
        Attribute("created", "dateTime", mutability="readOnly"),
        Attribute("lastModified", "dateTime", mutability="readOnly"),
        Attribute("location", "reference", case_exact=True, mutability="readOnly", reference_types=["uri"]),
        Attribute("version", case_exact=True, mutability="readOnly"),
    ]
    return [
        Attribute("schemas", "reference", multi_valued=True, required=True, case_exact=True, returned="always"),
        Attribute(
            "id",
            case_exact=True,
            mutability="readOnly",
            returned="always",
            uniqueness="server",
            required=True,
        ),
        Attribute("externalId", case_exact=True),
        Attribute("meta", "complex", mutability="readOnly", sub_attributes=meta),
    ]


class UniquePlace(NamedTuple):
    """Where a unique value is: the extension (None for the core), its attribute, and the leaf that holds it."""

    urn: str | None
    attribute: Attribute
    leaf: Attribute

    def values(self, attributes: Mapping[str, Any]) -> Iterator[str | int | float]:
        """The values that stored attributes have there, as they are compared."""
        held = attributes if self.urn is None else attributes.get(self.urn) or {}
        found = held.get(self.attribute.name)
        for item in found if isinstance(found, list) else [found]:
            value = item.get(self.leaf.name) if self.leaf is not self.attribute and isinstance(item, dict) else item
            if isinstance(value, str):
                yield value if self.leaf.case_exact else value.casefold()
            elif isinstance(value, int | float):
                yield value


class ResourceType:
    """A kind of resource: where it lives and what it is made of (RFC 7643 §6)."""

    def __init__(
        self,
        name: str,
        endpoint: str,
        schema: Schema,
        extensions: Iterable[tuple[Schema, bool]] = (),
        description: str = "",
        *,
        external_id: bool = True,
        unsupported: Iterable[str] = (),
        enforced: bool = True,
    ) -> None:
        self.name = name
        self.endpoint = endpoint
        self.schema = schema
        self.extensions = tuple(extensions)
        self.description = description or name
        common = {a.key: a for a in _common_attributes() if external_id or a.name != "externalId"}
        # What a schema says of the common attributes does not change them (RFC 7643 §3.1).
        own = [a for key, a in schema.attributes.items() if key not in common]
        self.attributes: dict[str, Attribute] = common | {a.key: a for a in own}
        self._extensions = {extension.key: extension for extension, _ in self.extensions}
        self.resource = name.lower()  # the first half of an operation's name: user.create
        verbs = ("create", "get", "list", "search", "replace", "patch", "delete")
        self.operations = {verb: f"{self.resource}.{verb}" for verb in verbs}
        self.keyed = next((a for a in own if a.keyed), None)
        self._derived = COMMON | {"groups"} | ({self.keyed.key} if self.keyed is not None else set())
        self.keyed_mark = f',"{self.keyed.name}":'.encode() if self.keyed is not None else b""
        self.writable = {
            a.name: a for a in self.attributes.values() if a.mutability != "readOnly" and a.key not in COMMON
        }
        self.natives = _natives(self.writable)
        self.declared: dict[tuple[str, ...], frozenset[str]] = {}  # what a correct ``schemas`` declares
        self.required = [a for a in own if a.required and a.mutability != "readOnly"]
        self.immutable = [a for a in own if a.mutability == "immutable"]
        self.partly_immutable = [
            a for a in own if not a.multi_valued and any(s.mutability == "immutable" for s in a.sub_attributes.values())
        ]
        # The same of extensions, each with the URN under which it is found; mostly there are none.
        extended = [(extension.id, a) for extension, _ in self.extensions for a in extension.attributes.values()]
        asked = [
            (e, must, [a for a in e.attributes.values() if a.required and a.mutability != "readOnly"])
            for e, must in self.extensions
        ]
        self.parts_required: list[tuple[str | None, Attribute]] = []  # what has required sub-attributes
        self.parts_required += [(None, a) for a in own if a.required_subs and not a.keyed]
        self.parts_required += [(urn, a) for urn, a in extended if a.required_subs]
        self.extended_required = [(e, must, attributes) for e, must, attributes in asked if must or attributes]
        self.immutable_extended = [
            (urn, a)
            for urn, a in extended
            if a.mutability == "immutable"
            or (not a.multi_valued and any(s.mutability == "immutable" for s in a.sub_attributes.values()))
        ]
        self.has_immutable = bool(self.immutable or self.partly_immutable or self.immutable_extended)
        self.unique = [a for a in own if a.uniqueness != "none" and not a.multi_valued and a.type == "string"]
        self.unique_elsewhere = list(self._unique_elsewhere())
        if not enforced:  # whatever the schema publishes
            self.unique, self.unique_elsewhere = [], []
        # The attributes, and URNs of extensions, that hold something unique.
        self.unique_names = frozenset(
            [a.name for a in self.unique] + [place.urn or place.attribute.name for place in self.unique_elsewhere]
        )
        self.secret = [a for a in own if a.returned == "never"]
        self.secret_extended = [(urn, a) for urn, a in extended if a.returned == "never"]
        self.required_secrets = [
            (urn, a) for urn, a in [*((None, a) for a in self.secret), *self.secret_extended] if a.required
        ]
        # The names and URNs of what holds something that is never returned, or only on request.
        self.hidden = frozenset(self._holding("never"))
        self.on_request = frozenset(self._holding("request"))
        self.references = [
            (None if schema is self.schema else schema.id, a, a.sub_attributes["$ref"])
            for schema in (self.schema, *(e for e, _ in self.extensions))
            for a in schema.attributes.values()
            if "$ref" in a.sub_attributes and "value" in a.sub_attributes and not a.keyed and a.mutability != "readOnly"
        ]
        # Those of the type's own schema: what they point at may have changed since (Planner.link).
        self.linked = frozenset(a.name for urn, a, _ in self.references if urn is None)
        self._marks = [(e.id, f'"{e.id}":{{'.encode()) for e, _ in self.extensions]
        self._only_mark = tuple(urn for urn, _ in self._marks)
        self._schemas_json: dict[tuple[str, ...], bytes] = {}
        # Names and URNs (lower case) that RFC 7643 has for this type and the provider does not (profiles say so).
        self.unsupported: frozenset[str] = frozenset(unsupported)

    def __repr__(self) -> str:
        return f"<ResourceType {self.name} at {self.endpoint}>"

    def _holding(self, returned: str) -> Iterator[str]:
        for schema in (self.schema, *(extension for extension, _ in self.extensions)):
            for attribute in schema.attributes.values():
                if returned in (attribute.returned, *(sub.returned for sub in attribute.sub_attributes.values())):
                    yield attribute.name if schema is self.schema else schema.id

    def _unique_elsewhere(self) -> Iterator[UniquePlace]:
        """Where unique values are beside single texts of the core: in extensions, in parts, in lists, as numbers."""
        for schema in (self.schema, *(extension for extension, _ in self.extensions)):
            urn = None if schema is self.schema else schema.id
            for attribute in schema.attributes.values():
                if attribute.keyed or attribute.mutability == "readOnly" or attribute in self.unique:
                    continue
                for leaf in attribute.sub_attributes.values() or (attribute,):
                    if leaf.uniqueness != "none" and leaf.mutability != "readOnly":
                        yield UniquePlace(urn, attribute, leaf)

    def unenforced(self) -> ResourceType:
        """The same type at a provider that publishes what is unique and does not see to it."""
        return ResourceType(
            self.name,
            self.endpoint,
            self.schema,
            self.extensions,
            self.description,
            external_id="externalid" in self.attributes,
            unsupported=self.unsupported,
            enforced=False,
        )

    def derives(self, needs: frozenset[str]) -> bool:
        """Whether some of these top-level attributes (lower case) are not among what a resource itself holds."""
        return not self._derived.isdisjoint(needs)

    def extension(self, uri: str) -> Schema | None:
        """The extension with that URN, in any case."""
        return self._extensions.get(uri.lower())

    def find(self, uri: str | None, name: str) -> Attribute | None:
        """The attribute of that name: of the core schema and the common ones, or of the schema the URN names."""
        if uri is None:
            return self.attributes.get(name.lower())
        if uri.lower() == self.schema.key:
            return self.attributes.get(name.lower())
        extension = self._extensions.get(uri.lower())
        if extension is not None:
            return extension.attributes.get(name.lower())
        # An attribute may have a URN for its name (RFC 9944 §7.1), of which a path has all but the end in its own URN.
        whole = f"{uri}:{name}".lower()
        named = (e.attributes.get(whole[len(e.key) + 1 :]) for e, _ in self.extensions if whole.startswith(e.key + ":"))
        return next((attribute for attribute in named if attribute is not None), None)

    def find_in_extensions(self, name: str) -> Attribute | None:
        """An extension's attribute that was named without its URN, as some clients do; RFC 7644 §3.10 asks for it."""
        key = name.lower()
        for extension, _ in self.extensions:
            if key in extension.attributes:
                return extension.attributes[key]
        return None

    def schemas_of(self, body: bytes) -> list[str]:
        """The ``schemas`` of a stored body: the type's own, and each extension that is present.

        An extension is found by its key in the serialised text; inside a JSON string its quotes would be escaped.
        """
        return [self.schema.id, *(urn for urn, mark in self._marks if mark in body)]

    def schemas_json(self, body: bytes) -> bytes:
        """``schemas_of`` as JSON, made once for each combination."""
        marks = self._marks
        if len(marks) == 1:  # mostly there is one extension, or none
            present = self._only_mark if marks[0][1] in body else ()
        else:
            present = tuple([urn for urn, mark in marks if mark in body])
        found = self._schemas_json.get(present)
        if found is None:
            found = self._schemas_json[present] = orjson.dumps([self.schema.id, *present])
        return found

    def document(self) -> dict[str, Any]:
        """The resource type as ``/ResourceTypes`` publishes it, without its ``meta``."""
        document: dict[str, Any] = {
            "schemas": [urns.RESOURCE_TYPE],
            "id": self.name,
            "name": self.name,
            "endpoint": self.endpoint,
            "description": self.description,
            "schema": self.schema.id,
        }
        if self.extensions:
            document["schemaExtensions"] = [
                {"schema": extension.id, "required": required} for extension, required in self.extensions
            ]
        return document


class Registry:
    """The resource types and schemas that one server knows."""

    def __init__(self, types: Iterable[ResourceType]) -> None:
        self.types: dict[str, ResourceType] = {}
        self.endpoints: dict[str, ResourceType] = {}
        self.schemas: dict[str, Schema] = {}
        for resource_type in types:
            self.add(resource_type)

    def add(self, resource_type: ResourceType) -> None:
        """Register a type under its name and endpoint, and its schemas under their URNs."""
        key = resource_type.endpoint.lower()
        if resource_type.name in self.types or key in self.endpoints:
            raise SchemaError(f"resource type {resource_type.name} ({resource_type.endpoint}) exists twice")
        self.types[resource_type.name] = resource_type
        self.endpoints[key] = resource_type
        for schema in (resource_type.schema, *(extension for extension, _ in resource_type.extensions)):
            self.schemas.setdefault(schema.key, schema)

    def never_returned(self) -> Iterator[str]:
        """The names of the attributes and sub-attributes that no answer has (RFC 7643 §7)."""
        for schema in self.schemas.values():
            for attribute in schema.attributes.values():
                for each in (attribute, *attribute.sub_attributes.values()):
                    if each.returned == "never":
                        yield each.name

    def extend(self, known: ResourceType, brought: ResourceType) -> None:
        """Give a type that is here the extensions of a definition that is brought along."""
        have = {extension.key for extension, _ in known.extensions}
        extensions = [*known.extensions, *(pair for pair in brought.extensions if pair[0].key not in have)]
        del self.types[known.name], self.endpoints[known.endpoint.lower()]
        kept = {key for key in known.unsupported if not any(key == extension.key for extension, _ in extensions)}
        external_id = "externalid" in known.attributes
        self.add(
            ResourceType(
                known.name,
                known.endpoint,
                known.schema,
                extensions,
                known.description,
                external_id=external_id,
                unsupported=kept,
            )
        )

    @classmethod
    def from_documents(
        cls, schemas: Iterable[Mapping[str, Any]], resource_types: Iterable[Mapping[str, Any]]
    ) -> Registry:
        """Build a registry from schema and resource type documents; SchemaError says what does not fit."""
        known = dict(_definitions())
        for index, document in enumerate(schemas):
            schema = Schema.from_document(document, f"/schemas/{index}")
            known[schema.key] = schema
        registry = cls([])
        for index, document in enumerate(resource_types):
            registry.add(_resource_type(document, known, f"/resourceTypes/{index}"))
        return registry


def _resource_type(document: Mapping[str, Any], known: Mapping[str, Schema], where: str) -> ResourceType:
    if not isinstance(document, Mapping):
        raise SchemaError(f"{where}: a resource type is an object")
    for field in ("name", "endpoint", "schema"):
        if not isinstance(document.get(field), str) or not document[field]:
            raise SchemaError(f"{where}/{field}: a text was expected")
    if not _TYPE_NAME.fullmatch(document["name"]):
        raise SchemaError(f"{where}/name: letters, digits, - and _ were expected, not {document['name'][:60]!r}")
    endpoint = "/" + document["endpoint"].strip("/")
    if not _ENDPOINT.fullmatch(endpoint):
        raise SchemaError(f"{where}/endpoint: one path segment was expected, such as /Devices")
    if endpoint.lower() in _TAKEN:
        raise SchemaError(f"{where}/endpoint: {endpoint} is an endpoint of the protocol itself")

    def schema_of(urn: object, at: str) -> Schema:
        if not isinstance(urn, str) or urn.lower() not in known:
            raise SchemaError(f"{at}: the schema {urn!r} is not defined")
        return known[urn.lower()]

    extensions = document.get("schemaExtensions", [])
    if not isinstance(extensions, list) or not all(isinstance(e, Mapping) for e in extensions):
        raise SchemaError(f"{where}/schemaExtensions: a list of objects was expected")
    for i, e in enumerate(extensions):
        if not isinstance(e.get("required", False), bool):
            raise SchemaError(f"{where}/schemaExtensions/{i}/required: true or false was expected")
    return ResourceType(
        document["name"],
        endpoint,
        schema_of(document["schema"], f"{where}/schema"),
        [
            (schema_of(e.get("schema"), f"{where}/schemaExtensions/{i}/schema"), bool(e.get("required")))
            for i, e in enumerate(extensions)
        ],
        str(document.get("description") or ""),
    )


@cache
def _definitions() -> dict[str, Schema]:
    """The schemas of RFC 7643 §8.7, by lower-cased URN."""
    found: dict[str, Schema] = {}
    for entry in sorted(resources.files(__package__).joinpath("data").iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".json"):
            schema = Schema.from_document(orjson.loads(entry.read_bytes()), entry.name)
            found[schema.key] = schema
    return found


def definition(urn: str) -> Schema:
    """One of RFC 7643's own schemas by its URN."""
    return _definitions()[urn.lower()]


def standard_types() -> list[ResourceType]:
    """User with the enterprise extension, and Group (RFC 7643 §4)."""
    return [
        ResourceType(
            "User",
            "/Users",
            definition(urns.USER),
            [(definition(urns.ENTERPRISE_USER), False)],
            "A person's account",
        ),
        ResourceType("Group", "/Groups", definition(urns.GROUP), description="A set of users and groups"),
    ]


@cache
def standard_registry() -> Registry:
    """The resource types of RFC 7643."""
    return Registry(standard_types())
