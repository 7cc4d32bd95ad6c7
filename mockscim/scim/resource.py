"""From what a client sends to what is stored: names, types, and what is missing (RFC 7643 §2, RFC 7644 §3.3).

``normalise`` takes a whole representation (POST, PUT); ``coerce`` one attribute's value (also PATCH). Both return
new objects with canonical attribute names and never change their input. Values that unassign (null, empty arrays,
RFC 7643 §2.5) come out as None.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeGuard

from mockscim.scim.body import note_twins
from mockscim.scim.errors import invalid_syntax, invalid_value
from mockscim.scim.formats import is_base64, is_date_time, is_iri, is_uri
from mockscim.scim.policy import Policy, Tolerance
from mockscim.scim.schema import COMMON, Attribute, ResourceType, Schema

_MOST_DECLARED = 64


def normalise(
    document: object,
    resource_type: ResourceType,
    policy: Policy,
    tolerance: Tolerance,
    *,
    complete: bool = True,
) -> dict[str, Any]:
    """The attributes of a representation, ready to store.

    Args:
        document: the parsed body.
        resource_type: what it is to be a representation of.
        policy: what becomes of attributes that the provider does not support.
        tolerance: the leniencies in force; those needed are noted there.
        complete: as in ``require``.

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
    writable, natives = resource_type.writable, resource_type.natives
    odd = False
    for name, value in document.items():
        if type(value) is natives.get(name):
            attributes[name] = value
            continue
        attribute = writable.get(name)
        if attribute is None:
            if name in COMMON:
                continue
            if not odd:
                note_twins(document, tolerance)
                odd = True
            attribute = resource_type.attributes.get(name.lower())
            if attribute is None:
                _take_extension(name, value, resource_type, policy, tolerance, declared, attributes)
                continue
            if attribute.mutability == "readOnly" or attribute.key in COMMON:
                continue
        coerced = coerce(attribute, value, policy, tolerance)
        if coerced is not None:
            attributes[attribute.name] = coerced
        elif odd:
            attributes.pop(attribute.name, None)  # of names given twice the last counts
    require(attributes, resource_type, complete=complete)
    return attributes


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
    else:
        attributes.pop(extension.id, None)


def unknown(name: str, resource_type: ResourceType, policy: Policy, tolerance: Tolerance) -> None:
    """Meet an attribute that the resource type lacks: one that RFC 7643 knows, or one that nobody knows."""
    if name.lower() in resource_type.unsupported:
        if policy.unsupported == "reject":
            raise invalid_value(f"{name} is not supported by this provider")
        return
    tolerance.unknown(resource_type.name, "attribute", name, resource_type.attributes)


def coerce_extension(
    extension: Schema, value: Mapping[str, Any], policy: Policy, tolerance: Tolerance
) -> dict[str, Any]:
    """The attributes of an extension's object; empty when none is assigned."""
    attributes: dict[str, Any] = {}
    natives = extension.natives
    odd = False
    for name, item in value.items():
        if type(item) is natives.get(name):
            attributes[name] = item
            continue
        attribute = extension.attributes.get(name.lower())
        if not odd and (attribute is None or attribute.name != name):
            note_twins(value, tolerance)
            odd = True
        if attribute is None:
            tolerance.unknown(extension.id, "attribute", name, extension.attributes)
        elif attribute.mutability != "readOnly":
            coerced = coerce(attribute, item, policy, tolerance)
            if coerced is not None:
                attributes[attribute.name] = coerced
            elif odd:
                attributes.pop(attribute.name, None)
    return attributes


def declared_schemas(document: Mapping[str, Any], resource_type: ResourceType, tolerance: Tolerance) -> frozenset[str]:
    """The URNs in ``schemas``, lower case, after checking that they fit the resource type."""
    urns = document.get("schemas")
    if urns is None:
        urns = next((value for name, value in document.items() if name.lower() == "schemas"), None)
    if urns is None or urns == []:
        tolerance.allow("missing-schemas", "schemas is missing")
        return frozenset(extension.key for extension, _ in resource_type.extensions)
    if not is_list_of_texts(urns):
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


def is_list_of_texts(value: object) -> TypeGuard[list[str]]:
    """Whether a value is an array that holds nothing but texts."""
    if not isinstance(value, list):
        return False
    for item in value:  # noqa: SIM110 - mostly there is one, for which a generator is too much
        if not isinstance(item, str):
            return False
    return True


def require(
    attributes: Mapping[str, Any], resource_type: ResourceType, *, complete: bool = True, apart: bool = False
) -> None:
    """Refuse attributes that lack a required one (400 invalidValue).

    With ``complete`` false, what is never returned may be missing: whoever puts back what was read does not have it.
    With ``apart``, the keyed attribute (members) is held elsewhere, and is not looked for here.
    """
    for attribute in resource_type.required:
        value = attributes.get(attribute.name)
        if apart and attribute.keyed:
            continue
        if (value is None or (isinstance(value, str) and not value.strip())) and (
            complete or attribute.returned != "never"
        ):
            raise invalid_value(f"{attribute.name} is required")
    for extension, must, required in resource_type.extended_required:
        present = attributes.get(extension.id)
        if present is None and must:
            raise invalid_value(f"the extension {extension.id} is required")
        if present is not None:
            for attribute in required:
                value = present.get(attribute.name)
                if (value is None or (isinstance(value, str) and not value.strip())) and (
                    complete or attribute.returned != "never"
                ):
                    raise invalid_value(f"{extension.id}:{attribute.name} is required")
    for urn, attribute in resource_type.parts_required:
        value = (attributes if urn is None else attributes.get(urn) or {}).get(attribute.name)
        for item in value if isinstance(value, list) else [value] if value is not None else ():
            missing = [s for s in attribute.required_subs if s.name not in item and (complete or s.returned != "never")]
            if missing:
                raise invalid_value(f"{missing[0].path} is required")


def coerce(
    attribute: Attribute,
    value: object,
    policy: Policy,
    tolerance: Tolerance,
    *,
    held: Collection[str] = (),
) -> Any:  # noqa: ANN401
    """A value as its attribute stores it, or None when it unassigns the attribute.

    Args:
        attribute: whose value it is.
        value: what was sent.
        policy: the provider's ways.
        tolerance: the leniencies in force; those needed are noted there.
        held: the required sub-attributes that are there already and need not be sent again.

    Raises:
        ScimError: 400 invalidValue when it does not fit.
    """
    if value is None or type(value) is attribute.native:
        return value
    if not attribute.multi_valued:
        if isinstance(value, list):
            if len(value) > 1:
                raise invalid_value(f"{attribute.path} takes one value, not {len(value)}")
            tolerance.allow(
                "array-for-single",
                f"{attribute.path} is given as an array",
                invalid_value(f"{attribute.path} is no array"),
            )
            if not value:
                return None
            value = value[0]
        return _coerce_single(attribute, value, policy, tolerance, held)
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
        coerced = _coerce_single(attribute, item, policy, tolerance, held)
        if coerced is not None:
            items.append(coerced)
    if len(items) > 1 and not attribute.keyed:
        if attribute.type != "complex":
            return distinct(attribute, items)
        if attribute.told_apart and len({(item.get("value"), item.get("type")) for item in items}) < len(items):
            items = distinct(attribute, items)
        check_primary(attribute, items)
    return items or None


def check_primary(attribute: Attribute, items: list[Any]) -> None:
    """Refuse two primary values of one attribute (RFC 7643 §2.4)."""
    if "primary" in attribute.sub_attributes and sum(1 for item in items if item.get("primary") is True) > 1:
        raise invalid_value(f"{attribute.path} has more than one primary value")


def mark_of(attribute: Attribute, item: Any) -> Any:  # noqa: ANN401
    """What tells a value of a multi-valued attribute from the others; None where nothing does.

    Two with the same type and value are one (RFC 7643 §2.4), whatever else is said of them.
    """
    if attribute.type != "complex":
        return (item,)
    value = item.get("value") if attribute.told_apart else None
    return None if value is None else (value, item.get("type"))


def distinct(attribute: Attribute, items: list[Any]) -> list[Any]:
    """The values without those that are there before: what a later one says of the same is added to the first."""
    places: dict[Any, int] = {}
    found: list[Any] = []
    for item in items:
        mark = mark_of(attribute, item)
        at = places.setdefault(mark, len(found)) if mark is not None else len(found)
        if at == len(found):
            found.append(item)
        elif isinstance(item, dict):
            found[at] = {**found[at], **item}
    return found


def _empty(attribute: Attribute, tolerance: Tolerance) -> None:
    tolerance.allow(
        "empty-string",
        f'{attribute.path} is given as ""',
        invalid_value(f"{attribute.path} is of type {attribute.type}; an empty string is not"),
    )


def _coerce_single(
    attribute: Attribute, value: object, policy: Policy, tolerance: Tolerance, held: Collection[str]
) -> Any:  # noqa: ANN401
    if value is None:
        return None
    if attribute.type == "complex":
        return _coerce_complex(attribute, value, policy, tolerance, held)
    return _coerce_simple(attribute, value, tolerance)


def _coerce_simple(attribute: Attribute, value: object, tolerance: Tolerance) -> Any:  # noqa: ANN401
    kind = attribute.type
    if kind == "string":
        if isinstance(value, str):
            return value
    elif value == "" and isinstance(value, str):
        _empty(attribute, tolerance)
        return None
    elif kind == "boolean":
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in ("true", "false"):
            text = _shown(attribute, value)
            refusal = invalid_value(f"{attribute.path} is a boolean, not the text {text}")
            tolerance.allow("boolean-string", f"{attribute.path} is given as the text {text}", refusal)
            return value.lower() == "true"
    elif kind == "integer":
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, float):  # also what is too large: a body's numbers have 64 bits
            raise invalid_value(f"{attribute.path} is a whole number of at most 64 bits, without fraction and exponent")
    elif kind == "decimal":
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return value
    elif isinstance(value, str):
        if kind == "dateTime" and not is_date_time(value):
            raise invalid_value(
                f"{attribute.path} is a dateTime such as 2026-01-31T12:00:00Z, not {_shown(attribute, value)}"
            )
        if kind == "binary" and not is_base64(value):
            raise invalid_value(f"{attribute.path} is base64")
        if kind == "reference" and not is_uri(value):
            text = _shown(attribute, value)
            refusal = invalid_value(f"{attribute.path} is a URI, not {text}")
            if not is_iri(value):
                raise refusal
            tolerance.allow("unencoded-reference", f"{attribute.path} is {text}", refusal)
        return value
    found = "a text" if isinstance(value, str) and attribute.returned == "never" else _json_type(value)
    raise invalid_value(f"{attribute.path} is of type {attribute.type}, not {found}")


def _shown(attribute: Attribute, value: str) -> str:
    """A text of a client's as an answer may quote it; not what is never returned."""
    return "that one" if attribute.returned == "never" else repr(value[:100])


def _coerce_complex(
    attribute: Attribute, value: object, policy: Policy, tolerance: Tolerance, held: Collection[str]
) -> dict[str, Any] | None:
    if not isinstance(value, dict):
        if value == "":
            _empty(attribute, tolerance)
            return None
        default = attribute.sub_attributes.get("value")
        if default is None or isinstance(value, (list, dict)):
            raise invalid_value(f"{attribute.path} is an object of sub-attributes, not {_json_type(value)}")
        refusal = invalid_value(f"{attribute.path} is an object of sub-attributes, not {_json_type(value)}")
        tolerance.allow("value-for-complex", f"{attribute.path} is given as a bare value", refusal)
        value = {default.name: value}
    result: dict[str, Any] = {}
    writable, natives = attribute.writable, attribute.natives
    odd = False
    for name, item in value.items():
        if type(item) is natives.get(name):
            result[name] = item
            continue
        sub = writable.get(name)
        if sub is None:
            if not odd:
                note_twins(value, tolerance)
                odd = True
            sub = attribute.sub_attributes.get(name.lower())
            if sub is None:
                tolerance.unknown(attribute.path, "sub-attribute", name, attribute.sub_attributes)
                continue
            if sub.mutability == "readOnly":
                continue
        coerced = coerce(sub, item, policy, tolerance)
        if coerced is not None:
            result[sub.name] = coerced
        elif odd:
            result.pop(sub.name, None)
    if not result:
        return None
    for sub in attribute.required_subs:
        if sub.name not in result and sub.name not in held:
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
