"""From what a client sends to what is stored: names, types, and what is missing (RFC 7643 §2, RFC 7644 §3.3).

``normalise`` takes a whole representation (POST, PUT); ``coerce`` one attribute's value (also PATCH). Both return
new objects with canonical attribute names and never change their input. Values that unassign (null, empty arrays,
RFC 7643 §2.5) come out as None.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mockscim.scim.errors import invalid_syntax, invalid_value, mutability
from mockscim.scim.policy import Policy, Tolerance
from mockscim.scim.schema import COMMON, Attribute, ResourceType, Schema

# RFC 7643 §2.3.5: xsd:dateTime with both date and time.
_DATE_TIME = re.compile(
    r"-?\d{4,}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]\d\d:\d\d)?",
    re.ASCII,
)
# RFC 7643 §2.3.6: base64 or base64url, padded.
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/_-]{4})*(?:[A-Za-z0-9+/_-]{2}==|[A-Za-z0-9+/_-]{3}=)?", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f]")
_MOST_DECLARED = 64


def normalise(document: object, resource_type: ResourceType, policy: Policy, tolerance: Tolerance) -> dict[str, Any]:
    """The attributes of a representation, ready to store.

    Args:
        document: the parsed body.
        resource_type: what it is to be a representation of.
        policy: what becomes of attributes that the provider does not support.
        tolerance: the leniencies in force; those needed are noted there.

    Returns:
        Attributes under their canonical names; extensions as objects under their URN. Without ``schemas``, ``id`` and
        ``meta``, which are the provider's, and without anything readOnly.

    Raises:
        ScimError: 400 invalidSyntax or invalidValue.
    """
    if not isinstance(document, dict):
        raise invalid_syntax(f"a {resource_type.name} is a JSON object")
    declared = declared_schemas(document, resource_type, tolerance)
    attributes: dict[str, Any] = {}
    writable = resource_type.writable
    odd = False
    for name, value in document.items():
        attribute = writable.get(name)
        if attribute is None:
            if name in COMMON:
                continue
            if not odd:
                _refuse_twins(document)
                odd = True
            attribute = resource_type.attributes.get(name.lower())
            if attribute is None:
                _take_extension(name, value, resource_type, policy, tolerance, declared, attributes)
                continue
            if attribute.mutability == "readOnly" or attribute.key in COMMON:
                continue
        if attribute.plain and isinstance(value, str):
            attributes[attribute.name] = value
            continue
        coerced = coerce(attribute, value, policy, tolerance)
        if coerced is not None:
            attributes[attribute.name] = coerced
    require(attributes, resource_type)
    return attributes


def _refuse_twins(document: Mapping[str, Any]) -> None:
    """Refuse a name that is given twice, in different case: which of the two is meant (RFC 7643 §2.1)?"""
    seen: set[str] = set()
    for name in document:
        if name.lower() in seen:
            raise invalid_syntax(f"{name} is given twice, in different case")
        seen.add(name.lower())


def _take_extension(
    name: str,
    value: object,
    resource_type: ResourceType,
    policy: Policy,
    tolerance: Tolerance,
    declared: frozenset[str],
    attributes: dict[str, Any],
) -> None:
    extension = resource_type.extension(name)
    if extension is None:
        unknown(name, resource_type, policy, tolerance)
        return
    if value is None:
        return
    if not isinstance(value, Mapping):
        raise invalid_value(f"{extension.id} is an object of attributes")
    if extension.key not in declared:
        tolerance.allow("undeclared-extension", f"{extension.id} is not in schemas")
    coerced = coerce_extension(extension, value, policy, tolerance)
    if coerced:
        attributes[extension.id] = coerced


def unknown(name: str, resource_type: ResourceType, policy: Policy, tolerance: Tolerance) -> None:
    """Meet an attribute that the resource type lacks: one that RFC 7643 knows, or one that nobody knows."""
    if name.lower() in resource_type.unsupported:
        if policy.unsupported == "reject":
            raise invalid_value(f"{name} is not supported by this provider")
        return
    tolerance.allow("unknown-attribute", f"{resource_type.name} has no attribute {name[:100]}")


def coerce_extension(
    extension: Schema, value: Mapping[str, Any], policy: Policy, tolerance: Tolerance
) -> dict[str, Any]:
    """The attributes of an extension's object; empty when none is assigned."""
    attributes: dict[str, Any] = {}
    for name, item in value.items():
        attribute = extension.attributes.get(name.lower())
        if attribute is None:
            tolerance.allow("unknown-attribute", f"{extension.id} has no attribute {name[:100]}")
        elif attribute.mutability != "readOnly":
            coerced = coerce(attribute, item, policy, tolerance)
            if coerced is not None:
                attributes[attribute.name] = coerced
    return attributes


def declared_schemas(document: Mapping[str, Any], resource_type: ResourceType, tolerance: Tolerance) -> frozenset[str]:
    """The URNs in ``schemas``, lower case, after checking that they fit the resource type."""
    urns = document.get("schemas")
    if urns is None:
        urns = next((value for name, value in document.items() if name.lower() == "schemas"), None)
    if urns is None or urns == []:
        tolerance.allow("missing-schemas", "schemas is missing")
        return frozenset(extension.key for extension, _ in resource_type.extensions)
    if not isinstance(urns, list) or not all(isinstance(urn, str) for urn in urns):
        raise invalid_syntax("schemas is an array of URNs")
    known = resource_type.declared.get(tuple(urns))
    if known is not None:
        return known
    noted = tolerance.used is not None and len(tolerance.used)
    declared = frozenset(urn.lower() for urn in urns)
    for urn in urns:
        if urn.lower() != resource_type.schema.key and resource_type.extension(urn) is None:
            if urn.lower() in resource_type.unsupported:
                continue
            tolerance.allow("unknown-schema-urn", f"{urn[:200]} is no schema of {resource_type.name}")
    if resource_type.schema.key not in declared:
        tolerance.allow("schemas-mismatch", f"schemas lacks {resource_type.schema.id}")
    if noted == (tolerance.used is not None and len(tolerance.used)) and len(resource_type.declared) < _MOST_DECLARED:
        resource_type.declared[tuple(urns)] = declared  # nothing had to be tolerated
    return declared


def require(attributes: Mapping[str, Any], resource_type: ResourceType) -> None:
    """Refuse attributes that lack a required one (400 invalidValue)."""
    for attribute in resource_type.required:
        value = attributes.get(attribute.name)
        if value is None or (isinstance(value, str) and not value.strip()):
            raise invalid_value(f"{attribute.name} is required")
    for extension, required in resource_type.extensions:
        present = attributes.get(extension.id)
        if present is None and required:
            raise invalid_value(f"the extension {extension.id} is required")
        if present is not None:
            for attribute in extension.attributes.values():
                if attribute.required and attribute.name not in present:
                    raise invalid_value(f"{extension.id}:{attribute.name} is required")


def check_immutable(before: Mapping[str, Any], after: Mapping[str, Any], resource_type: ResourceType) -> None:
    """Refuse a change of an immutable attribute that already has a value (RFC 7644 §3.5.1: 400 mutability)."""
    for attribute in resource_type.immutable:
        old = before.get(attribute.name)
        if old is not None and after.get(attribute.name) != old:
            raise mutability(f"{attribute.name} is immutable and already has a value")
    for attribute in resource_type.partly_immutable:
        _check_immutable_parts(attribute, before.get(attribute.name), after.get(attribute.name))
    for extension, _ in resource_type.extensions:
        old_values, new_values = before.get(extension.id, {}), after.get(extension.id, {})
        for attribute in extension.attributes.values():
            if attribute.mutability == "immutable":
                old = old_values.get(attribute.name)
                if old is not None and new_values.get(attribute.name) != old:
                    raise mutability(f"{extension.id}:{attribute.name} is immutable and already has a value")


def _check_immutable_parts(attribute: Attribute, before: object, after: object) -> None:
    """The same for sub-attributes of a complex attribute with one value; values of a list come and go whole."""
    if isinstance(before, Mapping):
        new = after if isinstance(after, Mapping) else {}
        for sub in attribute.sub_attributes.values():
            old = before.get(sub.name)
            if sub.mutability == "immutable" and old is not None and new.get(sub.name) != old:
                raise mutability(f"{sub.path} is immutable and already has a value")


def coerce(attribute: Attribute, value: object, policy: Policy, tolerance: Tolerance) -> Any:  # noqa: ANN401
    """A value as its attribute stores it, or None when it unassigns the attribute.

    Raises:
        ScimError: 400 invalidValue when it does not fit.
    """
    if value is None:
        return None
    if not attribute.multi_valued:
        if isinstance(value, list):
            if len(value) > 1:
                raise invalid_value(f"{attribute.path} takes one value, not {len(value)}")
            if not value:
                return None
            tolerance.allow(
                "array-for-single",
                f"{attribute.path} is given as an array",
                invalid_value(f"{attribute.path} is no array"),
            )
            value = value[0]
        return _coerce_single(attribute, value, policy, tolerance)
    if not isinstance(value, list):
        if value == "":
            _empty(attribute, tolerance)
            return None
        tolerance.allow(
            "single-for-array",
            f"{attribute.path} is given as a single value",
            invalid_value(f"{attribute.path} takes an array"),
        )
        value = [value]
    items = []
    for item in value:
        coerced = _coerce_single(attribute, item, policy, tolerance)
        if coerced is not None:
            items.append(coerced)
    if attribute.type == "complex" and len(items) > 1:
        check_primary(attribute, items)
    return items or None


def check_primary(attribute: Attribute, items: list[Any]) -> None:
    """Refuse two primary values of one attribute (RFC 7643 §2.4)."""
    if "primary" in attribute.sub_attributes and sum(1 for item in items if item.get("primary") is True) > 1:
        raise invalid_value(f"{attribute.path} has more than one primary value")


def _empty(attribute: Attribute, tolerance: Tolerance) -> None:
    tolerance.allow(
        "empty-string",
        f'{attribute.path} is given as ""',
        invalid_value(f"{attribute.path} is of type {attribute.type}; an empty string is not"),
    )


def _coerce_single(attribute: Attribute, value: object, policy: Policy, tolerance: Tolerance) -> Any:  # noqa: ANN401
    kind = attribute.type
    if kind == "string":
        if isinstance(value, str):
            return value
    elif value is None:
        return None
    elif kind == "complex":
        return _coerce_complex(attribute, value, policy, tolerance)
    elif value == "" and isinstance(value, str):
        _empty(attribute, tolerance)
        return None
    elif kind == "boolean":
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in ("true", "false"):
            refusal = invalid_value(f"{attribute.path} is a boolean, not the text {value!r}")
            tolerance.allow("boolean-string", f"{attribute.path} is given as the text {value!r}", refusal)
            return value.lower() == "true"
    elif kind == "integer":
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    elif kind == "decimal":
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return value
    elif isinstance(value, str):
        if kind == "dateTime" and not _DATE_TIME.fullmatch(value):
            raise invalid_value(f"{attribute.path} is a dateTime such as 2026-01-31T12:00:00Z, not {value[:60]!r}")
        if kind == "binary" and not _BASE64.fullmatch(value):
            raise invalid_value(f"{attribute.path} is base64")
        if kind == "reference" and _CONTROL.search(value):
            raise invalid_value(f"{attribute.path} is a URI and cannot hold control characters")
        return value
    if value is None:
        return None
    raise invalid_value(f"{attribute.path} is of type {attribute.type}, not {_json_type(value)}")


def _coerce_complex(attribute: Attribute, value: object, policy: Policy, tolerance: Tolerance) -> dict[str, Any] | None:
    if value == "":
        _empty(attribute, tolerance)
        return None
    if not isinstance(value, dict):
        default = attribute.sub_attributes.get("value")
        if default is None or isinstance(value, (list, dict)):
            raise invalid_value(f"{attribute.path} is an object of sub-attributes, not {_json_type(value)}")
        refusal = invalid_value(f"{attribute.path} is an object of sub-attributes, not {_json_type(value)}")
        tolerance.allow("value-for-complex", f"{attribute.path} is given as a bare value", refusal)
        value = {default.name: value}
    result: dict[str, Any] = {}
    writable = attribute.writable
    for name, item in value.items():
        sub = writable.get(name)
        if sub is None:
            sub = attribute.sub_attributes.get(name.lower())
            if sub is None:
                tolerance.allow("unknown-attribute", f"{attribute.path} has no sub-attribute {name[:100]}")
                continue
            if sub.mutability == "readOnly":
                continue
        if sub.plain and isinstance(item, str):
            result[sub.name] = item
            continue
        coerced = coerce(sub, item, policy, tolerance)
        if coerced is not None:
            result[sub.name] = coerced
    if not result:
        return None
    for sub in attribute.required_subs:
        if sub.name not in result:
            raise invalid_value(f"{sub.path} is required")
    return result


def _json_type(value: object) -> str:
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return f"the text {value[:60]!r}"
    return "an array" if isinstance(value, list) else "an object"
