"""What a write must neither change nor lose: immutable and secret values (RFC 7643 §7, RFC 7644 §3.5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from mockscim.scim.errors import mutability
from mockscim.scim.schema import Attribute, ResourceType


def keep_secrets(before: Mapping[str, Any], after: dict[str, Any], resource_type: ResourceType) -> None:
    """Carry over what is never returned: a representation never has it, so its absence says nothing."""
    for attribute in resource_type.secret:
        if attribute.name in before:
            after.setdefault(attribute.name, before[attribute.name])
    for urn, attribute in resource_type.secret_extended:
        old = before.get(urn)
        if not old or attribute.name not in old:
            continue
        # An extension of nothing but secrets is not to be seen; one that was seen and is left out is meant to go.
        unseen = {secret.name for held_in, secret in resource_type.secret_extended if held_in == urn}
        if urn in after or old.keys() <= unseen:
            after.setdefault(urn, {}).setdefault(attribute.name, old[attribute.name])


def keep_immutable(
    before: Mapping[str, Any], after: dict[str, Any], document: object, resource_type: ResourceType
) -> None:
    """Carry over immutable values that a representation leaves out; null and [] are values, and would unassign them.

    RFC 7644 §3.5.1 has the values that are sent match those that are there; of what is not sent it says nothing.
    """
    sent = document if isinstance(document, Mapping) else {}
    for attribute in resource_type.immutable:
        _keep(attribute, before, after, sent)
    for attribute in resource_type.partly_immutable:
        _keep_parts(attribute, before, after, sent)
    for urn, attribute in resource_type.immutable_extended:
        old, new, said = before.get(urn), after.get(urn, {}), _named(sent, urn)
        if not old or (said is None and _names(sent, urn)):
            continue
        keep = _keep if attribute.mutability == "immutable" else _keep_parts
        keep(attribute, old, new, said if isinstance(said, Mapping) else {})
        if new:
            after[urn] = new


def given(resource_type: ResourceType, document: object) -> bool:
    """Whether a representation says anything of the keyed attribute (members): if it may, its absence does too."""
    keyed = resource_type.keyed
    if keyed is None or keyed.mutability == "readOnly":
        return False
    return keyed.mutability != "immutable" or (isinstance(document, Mapping) and _names(document, keyed.name))


def _keep(attribute: Attribute, before: Mapping[str, Any], after: dict[str, Any], sent: Mapping[str, Any]) -> None:
    if attribute.name in before and not _names(sent, attribute.name):
        after[attribute.name] = before[attribute.name]


def _keep_parts(
    attribute: Attribute, before: Mapping[str, Any], after: dict[str, Any], sent: Mapping[str, Any]
) -> None:
    """The same for sub-attributes of a complex attribute with one value."""
    old, new, said = before.get(attribute.name), dict(after.get(attribute.name) or {}), _named(sent, attribute.name)
    if not isinstance(old, Mapping) or (said is None and _names(sent, attribute.name)):
        return
    said = said[0] if isinstance(said, list) and said else said
    for sub in attribute.sub_attributes.values():
        if sub.mutability == "immutable":
            _keep(sub, old, new, said if isinstance(said, Mapping) else {})
    if new:
        after[attribute.name] = new


def _names(document: Mapping[str, Any], name: str) -> bool:
    """Whether an object has a member of that name, in any case."""
    return name in document or any(given.lower() == name.lower() for given in document)


def _named(document: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401
    """The member of that name, in any case."""
    return next((value for given, value in reversed(list(document.items())) if given.lower() == name.lower()), None)


def check_immutable(before: Mapping[str, Any], after: Mapping[str, Any], resource_type: ResourceType) -> None:
    """Refuse a change of an immutable attribute that already has a value (RFC 7644 §3.5.1: 400 mutability)."""
    for attribute in resource_type.immutable:
        check_same(attribute, before.get(attribute.name), after.get(attribute.name))
    for attribute in resource_type.partly_immutable:
        _check_immutable_parts(attribute, before.get(attribute.name), after.get(attribute.name))
    for urn, attribute in resource_type.immutable_extended:
        old, new = before.get(urn, {}).get(attribute.name), after.get(urn, {}).get(attribute.name)
        if attribute.mutability == "immutable":
            check_same(attribute, old, new, f"{urn}:{attribute.path}")
        else:
            _check_immutable_parts(attribute, old, new)


def check_same(attribute: Attribute, before: object, after: object, name: str | None = None) -> None:
    """Refuse another value for an immutable attribute that has one; the order of several means nothing."""
    if before is not None and after != before and _as_compared(after) != _as_compared(before):
        raise mutability(f"{name or attribute.path} is immutable and already has a value")


def _as_compared(value: object) -> object:
    """A value without its ``$ref``, which the provider gives; a list as a set."""
    if isinstance(value, list):
        return sorted(orjson.dumps(_as_compared(item), option=orjson.OPT_SORT_KEYS) for item in value)
    if isinstance(value, Mapping) and value.get("value") is not None:
        return {name: item for name, item in value.items() if name != "$ref"}
    return value


def _check_immutable_parts(attribute: Attribute, before: object, after: object) -> None:
    """The same for sub-attributes of a complex attribute with one value; values of a list come and go whole."""
    if isinstance(before, Mapping):
        new = after if isinstance(after, Mapping) else {}
        for sub in attribute.sub_attributes.values():
            if sub.mutability == "immutable" and (sub.key != "$ref" or before.get("value") is None):
                check_same(sub, before.get(sub.name), new.get(sub.name))
