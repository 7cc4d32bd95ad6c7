"""PATCH (RFC 7644 §3.5.2): operations applied one after the other to a draft, which the caller commits or drops.

The draft is a private copy, so an error in the last operation leaves nothing of the first. What real clients send
beyond the RFC is named where it is met, through ``Tolerance.allow``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from mockscim.scim import match, urns
from mockscim.scim.errors import ScimError, invalid_path, invalid_syntax, invalid_value, mutability, no_target
from mockscim.scim.filter import Node
from mockscim.scim.members import MembersDraft
from mockscim.scim.path import PatchPath, parse_path
from mockscim.scim.policy import Policy, Tolerance
from mockscim.scim.resource import coerce, coerce_extension, unknown
from mockscim.scim.schema import Attribute, ResourceType, Schema

MISSING: Any = object()
# How many values of multi-valued attributes the operations of one PATCH may look at: about half a second's work.
MOST_LOOKED_AT = 1_000_000


@dataclass(slots=True)
class Operation:
    """One operation of a PatchOp, its op in lower case; path None where there is none."""

    op: str
    path: str | None
    value: Any
    where: str


def read_operations(document: object, tolerance: Tolerance) -> list[Operation]:
    """The operations of a PatchOp message.

    Raises:
        ScimError: 400 invalidSyntax when the message is not a PatchOp.
    """
    if not isinstance(document, Mapping):
        raise invalid_syntax("a PATCH body is a JSON object with Operations")
    fields = {name.lower(): value for name, value in document.items()}
    schemas = fields.get("schemas")
    if schemas is None:
        tolerance.allow("missing-schemas", "schemas is missing")
    elif not isinstance(schemas, list) or not all(isinstance(urn, str) for urn in schemas):
        raise invalid_syntax("schemas is an array of URNs")
    elif urns.PATCH_OP.lower() not in (urn.lower() for urn in schemas):
        tolerance.allow("schemas-mismatch", f"schemas lacks {urns.PATCH_OP}")
    listed = fields.get("operations")
    if not isinstance(listed, list) or not listed:
        raise invalid_syntax("Operations is a non-empty array")
    return [_read_operation(item, f"Operations[{index}]", tolerance) for index, item in enumerate(listed)]


def _read_operation(item: object, where: str, tolerance: Tolerance) -> Operation:
    if not isinstance(item, Mapping):
        raise invalid_syntax(f"{where} is an object with op, path and value")
    op: object = None
    path: object = None
    value: object = MISSING
    for name, content in item.items():
        key = name.lower()
        if key == "op":
            op = content
        elif key == "path":
            path = content
        elif key == "value":
            value = content
        else:
            tolerance.allow("unknown-operation-key", f"{where} has a member {name[:60]!r}")
    if not isinstance(op, str):
        raise invalid_syntax(f"{where}.op is one of add, replace, remove")
    lower = op.lower()
    if lower not in ("add", "replace", "remove"):
        raise invalid_syntax(f"{where}.op is one of add, replace, remove, not {op[:60]!r}")
    if lower != op:
        tolerance.allow("patch-op-case", f"{where}.op is {op!r}")
    if path is not None and not isinstance(path, str):
        raise invalid_path(f"{where}.path is a text")
    if lower != "remove" and value is MISSING:
        raise invalid_value(f"{where} has no value to {lower}")
    return Operation(lower, path if path is None or path.strip() else None, value, where)


def member_operations(operations: Sequence[Operation], keyed: Attribute | None) -> Iterator[tuple[str, Any]]:
    """Those operations that change a keyed attribute such as members, as (op, value): for refinements of faults."""
    if keyed is None:
        return
    for operation in operations:
        if operation.path is not None:
            head = operation.path.lower().rsplit(":", 1)[-1]
            if head.split("[", 1)[0].split(".", 1)[0].strip() == keyed.key:
                yield operation.op, operation.value
        elif isinstance(operation.value, Mapping):
            for name, value in operation.value.items():
                if name.lower() == keyed.key:
                    yield operation.op, value
        elif isinstance(operation.value, list):
            yield operation.op, operation.value


class Patcher:
    """Applies operations to one resource's draft.

    Args:
        resource_type: what the resource is.
        attributes: its attributes as ``resource.normalise`` leaves them; changed in place.
        members: the draft of its keyed attribute, if its type has one.
        kind_of: the kind of the resource with an id, or None; raises where unknown members are refused.
        policy: the provider's ways.
        tolerance: the leniencies in force; those needed are noted there.
    """

    def __init__(
        self,
        resource_type: ResourceType,
        attributes: dict[str, Any],
        members: MembersDraft | None,
        kind_of: Callable[[str], str],
        policy: Policy,
        tolerance: Tolerance,
    ) -> None:
        self._type = resource_type
        self._attributes = attributes
        self._members = members
        self._kind_of = kind_of
        self._policy = policy
        self._tolerance = tolerance
        self._looked_at = 0

    def apply(self, operations: Sequence[Operation]) -> None:
        """Apply all operations in order; ScimError at the first that cannot be."""
        for operation in operations:
            if operation.path is None:
                self._without_path(operation)
            else:
                self._with_path(operation, parse_path(operation.path))

    def _look_at(self, values: int) -> None:
        """Count the values that operations have to look at; one request must not keep the server for itself."""
        self._looked_at += values
        if self._looked_at > MOST_LOOKED_AT:
            raise ScimError(413, None, "the operations have to look at too many values; send fewer in one request")

    # -- without a path: the value is a set of attributes ------------------------------------------------------

    def _without_path(self, operation: Operation) -> None:
        if operation.op == "remove":
            raise no_target(f"{operation.where}: remove needs a path")
        value = operation.value
        if isinstance(value, list):
            self._pathless_list(operation, value)
            return
        if not isinstance(value, Mapping):
            raise invalid_value(f"{operation.where}.value: without a path it is an object of attributes")
        for name, item in value.items():
            self._by_key(operation, name, item)

    def _pathless_list(self, operation: Operation, value: list[Any]) -> None:
        keyed = self._type.keyed
        refusal = invalid_value(f"{operation.where}.value: without a path it is an object of attributes")
        self._tolerance.allow("pathless-list", f"{operation.where}.value is an array", refusal)
        own = self._type.attributes
        for item in value:
            if isinstance(item, Mapping) and any(name.lower() in own for name in item):
                for name, content in item.items():
                    self._by_key(operation, name, content)
            elif keyed is not None and isinstance(item, (Mapping, str)):
                self._keyed(operation.op, None, [item], operation)
            else:
                raise refusal

    def _by_key(self, operation: Operation, name: str, item: object) -> None:
        key = name.lower()
        attribute = self._type.attributes.get(key)
        if attribute is not None:
            if attribute.mutability == "readOnly" or key == "schemas":
                if key != "schemas":
                    refusal = mutability(f"{attribute.name} is readOnly")
                    self._tolerance.allow(
                        "read-only-in-patch", f"{operation.where}.value carries {attribute.name}", refusal
                    )
                return
            if attribute is self._type.keyed:
                self._keyed(operation.op, None, item, operation)
            else:
                self._set_all(operation, attribute, self._attributes, item)
            return
        extension = self._type.extension(name)
        if extension is not None:
            self._extension(operation, extension, item)
        elif any(mark in name for mark in ".:["):
            try:
                path = parse_path(name)
            except Exception:  # noqa: BLE001 - whatever it is, it is not a path: an unknown name then
                unknown(name, self._type, self._policy, self._tolerance)
                return
            if self._resolve(path, quiet=True) is None:
                unknown(name, self._type, self._policy, self._tolerance)
                return
            refusal = invalid_syntax(f"{operation.where}.value: {name[:100]} is a path, not an attribute's name")
            self._tolerance.allow("path-as-key", f"{operation.where}.value is keyed by {name[:100]}", refusal)
            self._with_path(Operation(operation.op, name, item, operation.where), path)
        else:
            unknown(name, self._type, self._policy, self._tolerance)

    def _extension(self, operation: Operation, extension: Schema, item: object) -> None:
        """Set some attributes of an extension, or remove it whole."""
        if operation.op == "remove" or item is None or item == "":
            self._attributes.pop(extension.id, None)
            return
        if not isinstance(item, Mapping):
            raise invalid_value(f"{operation.where}.value: {extension.id} is an object of attributes")
        for name, content in item.items():
            attribute = extension.attributes.get(name.lower())
            if attribute is None:
                # The tolerance of unknown names is the same as in a POST.
                coerce_extension(extension, {name: content}, self._policy, self._tolerance)
            elif attribute.mutability == "readOnly":
                refusal = mutability(f"{extension.id}:{attribute.name} is readOnly")
                self._tolerance.allow(
                    "read-only-in-patch", f"{operation.where}.value carries {attribute.name}", refusal
                )
            else:
                self._set_all(operation, attribute, self._attributes.setdefault(extension.id, {}), content)
        self._tidy(extension.id)

    def _tidy(self, urn: str) -> None:
        if not self._attributes.get(urn, True):
            del self._attributes[urn]

    # -- with a path -------------------------------------------------------------------------------------------

    def _resolve(self, path: PatchPath, *, quiet: bool = False) -> Attribute | Schema | None:
        """The attribute or extension that a path names; None for one that is unsupported (or unknown, when quiet)."""
        uri, name = path.path.uri, path.path.name
        attribute = self._type.find(uri, name)
        if attribute is not None:
            return attribute
        if uri is not None:
            whole = f"{uri}:{name}"
            if whole.lower() == self._type.schema.key:
                return self._type.schema
            extension = self._type.extension(whole)
            if extension is not None:
                return extension
        else:
            attribute = self._type.find_in_extensions(name)
            if attribute is not None:
                if not quiet:
                    refusal = invalid_path(f"{name} is an attribute of {attribute.schema} and needs its URN")
                    self._tolerance.allow("unqualified-extension-attribute", f"{name} without its URN", refusal)
                return attribute
        key = (uri or name).lower()
        if key in self._type.unsupported or f"{uri}:{name}".lower() in self._type.unsupported:
            if self._policy.unsupported == "reject":
                raise invalid_path(f"{path.path} is not supported by this provider")
            return None
        if quiet:
            return None
        raise invalid_path(f"{self._type.name} has no attribute {str(path.path)[:200]}")

    def _with_path(self, operation: Operation, path: PatchPath) -> None:
        for code, detail in path.leniencies:
            self._tolerance.allow(code, detail, invalid_path(f"{operation.where}.path: {detail}"))
        target = self._resolve(path)
        if target is None:
            return
        if isinstance(target, Schema):
            if path.filter is not None or path.path.sub or path.sub:
                raise invalid_path(f"{operation.where}.path: {str(path)[:200]}")
            if target is self._type.schema:
                self._without_path(Operation(operation.op, None, operation.value, operation.where))
            else:
                self._extension(operation, target, operation.value)
            return
        sub = self._sub_attribute(target, path.sub or path.path.sub, operation)
        if "readOnly" in (target.mutability, sub.mutability if sub else ""):
            raise mutability(f"{operation.where}.path: {(sub or target).path} is readOnly")
        if target.key == "schemas":
            raise mutability(f"{operation.where}.path: schemas follows from what the resource holds")
        if target is self._type.keyed:
            if sub is not None:
                raise mutability(f"{operation.where}.path: {sub.path} is immutable; remove the member and add another")
            self._keyed(operation.op, path.filter, operation.value, operation)
            return
        own = target.schema == self._type.schema.id or target.schema == ""
        container = self._attributes if own else self._attributes.setdefault(target.schema, {})
        if target.multi_valued and (path.filter is not None or sub is not None):
            self._selected(operation, target, sub, path.filter, container)
        elif path.filter is not None:
            raise invalid_path(f"{operation.where}.path: {target.path} has one value, nothing to select from")
        elif sub is not None:
            self._set_sub(operation, target, sub, container)
        else:
            self._set_all(operation, target, container, operation.value)
        if not own:
            self._tidy(target.schema)

    @staticmethod
    def _sub_attribute(target: Attribute, name: str | None, operation: Operation) -> Attribute | None:
        if name is None:
            return None
        sub = target.sub(name)
        if sub is None:
            raise invalid_path(f"{operation.where}.path: {target.path} has no sub-attribute {name[:100]}")
        return sub

    # -- one attribute -----------------------------------------------------------------------------------------

    def _set_all(self, operation: Operation, attribute: Attribute, container: dict[str, Any], value: object) -> None:
        """Add to, replace or remove a whole attribute."""
        name = attribute.name
        if operation.op == "remove":
            self._remove_all(operation, attribute, container, value)
            return
        if value is MISSING:
            raise invalid_value(f"{operation.where} has no value")
        new = coerce(attribute, value, self._policy, self._tolerance)
        old = container.get(name)
        if attribute.mutability == "immutable" and old is not None and new != old:
            raise mutability(f"{attribute.path} is immutable and already has a value")
        if attribute.multi_valued:
            if operation.op == "add":
                self._look_at(len(old or ()))
                if new:
                    container[name] = _appended(list(old or ()), new)
            elif new is None:
                container.pop(name, None)
            else:
                container[name] = new
        elif attribute.type == "complex" and isinstance(old, dict) and (new or _as_object(value) is not None):
            # RFC 7644 §3.5.2.3: sub-attributes that are not specified are left unchanged.
            merged = {**old, **(new or {})}
            for part in self._cleared(attribute, _as_object(value)):
                merged.pop(part, None)
            _put(container, name, merged)
        elif new is None:
            # RFC 7643 §2.5: null unassigns; adding nothing changes nothing.
            if operation.op == "replace" or value == "":
                container.pop(name, None)
        else:
            container[name] = new

    @staticmethod
    def _cleared(attribute: Attribute, value: Mapping[str, Any] | None) -> list[str]:
        """Sub-attributes that a complex value unassigns with null."""
        if value is None:
            return []
        return [sub.name for key, item in value.items() if item is None and (sub := attribute.sub(key)) is not None]

    def _remove_all(self, operation: Operation, attribute: Attribute, container: dict[str, Any], value: object) -> None:
        if attribute.required:
            raise mutability(f"{attribute.path} is required and cannot be removed")
        if attribute.mutability == "immutable" and attribute.name in container:
            raise mutability(f"{attribute.path} is immutable and already has a value")
        if value is MISSING or value is None or not attribute.multi_valued:
            container.pop(attribute.name, None)
            return
        self._allow_remove_by_value(operation, attribute)
        gone = coerce(attribute, value, self._policy, self._tolerance) or []
        self._look_at(len(gone) * len(container.get(attribute.name, ())))
        kept = [item for item in container.get(attribute.name, []) if not any(_covers(item, wanted) for wanted in gone)]
        _put(container, attribute.name, kept)

    def _allow_remove_by_value(self, operation: Operation, attribute: Attribute) -> None:
        refusal = invalid_value(
            f'{operation.where}: remove takes no value; select with a filter, {attribute.name}[value eq "…"]'
        )
        self._tolerance.allow(
            "remove-members-by-value", f"{operation.where} removes from {attribute.name} by value", refusal
        )

    def _set_sub(self, operation: Operation, attribute: Attribute, sub: Attribute, container: dict[str, Any]) -> None:
        """Set or remove one sub-attribute of a single-valued complex attribute."""
        inner = dict(container.get(attribute.name) or {})
        self._set_all(operation, sub, inner, operation.value)
        if inner:
            container[attribute.name] = inner
        elif attribute.name in container:
            if attribute.required:
                raise mutability(f"{attribute.path} is required and cannot be removed")
            del container[attribute.name]

    # -- values of a multi-valued attribute --------------------------------------------------------------------

    def _selected(
        self,
        operation: Operation,
        attribute: Attribute,
        sub: Attribute | None,
        node: Node | None,
        container: dict[str, Any],
    ) -> None:
        """Work on those values that a filter selects, or on all where a sub-attribute is named without one."""
        if attribute.type != "complex":
            raise invalid_path(f"{operation.where}.path: {attribute.path} has no sub-attributes to select by")
        self._look_at(len(container.get(attribute.name) or ()))
        values: list[dict[str, Any]] = [dict(item) for item in container.get(attribute.name) or ()]
        query = None
        if node is not None:
            query = match.compile_value_filter(node, attribute)
            for code, detail in query.leniencies:
                self._tolerance.allow(code, detail, invalid_path(f"{operation.where}.path: {detail}"))
        chosen = [item for item in values if query is None or query.matches(item)]
        made: dict[str, Any] | None = None
        if not chosen:
            if operation.op == "remove":
                if query is None:
                    return  # noTarget is for filters (RFC 7644 §3.12)
                refusal = no_target(f"{operation.where}.path selects nothing to remove")
                self._tolerance.allow("remove-missing", f"{operation.where}.path selects nothing", refusal)
                return
            refusal = no_target(f"{operation.where}.path selects no value of {attribute.name}")
            if query is not None:
                self._tolerance.allow("creates-missing-element", f"{operation.where}.path selects nothing", refusal)
            if operation.value is None:
                return  # nothing to unassign
            made = dict(query.equalities) if query is not None else {}
            values.append(made)
            chosen = [made]
        if operation.op == "remove":
            if operation.value is not MISSING and operation.value is not None:
                self._allow_remove_by_value(operation, attribute)
            if sub is None:
                gone = {id(item) for item in chosen}
                values = [item for item in values if id(item) not in gone]
            else:
                for item in chosen:
                    self._set_all(operation, sub, item, MISSING)
                values = [item for item in values if item]
        else:
            for item in chosen:
                self._write_element(operation, attribute, sub, item, whole=item is not made)
            _demote(attribute, values, chosen)
            values = [item for item in values if item]
        if not values and attribute.required:
            raise mutability(f"{attribute.path} is required and cannot be removed")
        _put(container, attribute.name, values)

    def _write_element(
        self, operation: Operation, attribute: Attribute, sub: Attribute | None, item: dict[str, Any], *, whole: bool
    ) -> None:
        if sub is not None:
            self._set_all(operation, sub, item, operation.value)
            return
        new = coerce(attribute, [operation.value], self._policy, self._tolerance)
        if operation.op == "replace" and whole:
            item.clear()
        if new:
            item.update(new[0])

    # -- members -----------------------------------------------------------------------------------------------

    def _keyed(self, op: str, node: Node | None, value: object, operation: Operation) -> None:
        """Members of a group: by id, so that one costs the same at any size."""
        members, attribute = self._members, self._type.keyed
        if members is None or attribute is None:  # pragma: no cover - the service always gives both
            raise invalid_path(f"{operation.where}.path")
        if node is not None:
            self._selected_members(op, node, value, operation, members, attribute)
        elif op == "remove":
            if value is MISSING or value is None:
                members.clear()
                return
            if "remove-members-by-value" not in self._tolerance.accepted and self._policy.remove_by_value == "ignore":
                return
            self._allow_remove_by_value(operation, attribute)
            for item in read_members(value, attribute, self._policy, self._tolerance):
                members.discard(item["value"])
        else:
            items = [] if value is None else read_members(value, attribute, self._policy, self._tolerance)
            if op == "replace":
                members.clear()
            put_members(members, items, self._kind_of)

    def _selected_members(
        self,
        op: str,
        node: Node,
        value: object,
        operation: Operation,
        members: MembersDraft,
        attribute: Attribute,
    ) -> None:
        query = match.compile_value_filter(node, attribute)
        for code, detail in query.leniencies:
            self._tolerance.allow(code, detail, invalid_path(f"{operation.where}.path: {detail}"))
        if query.key is not None:
            chosen = [query.key] if members.get(query.key) is not None else []
        else:
            listed = list(members)
            self._look_at(len(listed))
            chosen = [
                m.value for m in listed if query.matches({"value": m.value, "type": m.type, "display": m.display})
            ]
        if op == "remove":
            if not chosen:
                refusal = no_target(f"{operation.where}.path selects no member")
                self._tolerance.allow("remove-missing", f"{operation.where}.path selects no member", refusal)
            for member in chosen:
                members.discard(member)
            return
        items = read_members(value, attribute, self._policy, self._tolerance)
        if op == "replace":
            if not chosen:
                raise no_target(f"{operation.where}.path selects no member to replace")
            for member in chosen:
                members.discard(member)
        put_members(members, items, self._kind_of)


def read_members(value: object, attribute: Attribute, policy: Policy, tolerance: Tolerance) -> list[dict[str, Any]]:
    """Members as objects that each have a ``value``, which a lone ``$ref`` may give."""
    items: list[dict[str, Any]] = coerce(attribute, value, policy, tolerance) or []
    for item in items:
        if not item.get("value"):
            reference = str(item.get("$ref", "")).rstrip("/").rsplit("/", 1)[-1]
            if not reference:
                raise invalid_value(f"each of {attribute.name} needs a value, the id of a resource")
            item["value"] = reference
    return items


def put_members(members: MembersDraft, items: list[dict[str, Any]], kind_of: Callable[[str], str]) -> None:
    """Add members to a draft, each with the kind that its resource really is of."""
    for item in items:
        members.put(item["value"], kind_of(item["value"]) or item.get("type", "User"), item.get("display"))


def _appended(values: list[Any], new: list[Any]) -> list[Any]:
    """Add values that are not there yet; a new primary one demotes the old (RFC 7644 §3.5.2)."""
    # Comparing each with each is quickest for a few, and takes its time for thousands.
    seen = {_fingerprint(item) for item in values} if len(new) > 8 else None
    for item in new:
        if seen is None:
            if item in values:
                continue
        elif (mark := _fingerprint(item)) in seen:
            continue
        else:
            seen.add(mark)
        if isinstance(item, dict) and item.get("primary") is True:
            values = [
                {**old, "primary": False} if isinstance(old, dict) and old.get("primary") is True else old
                for old in values
            ]
        values.append(item)
    return values


def _fingerprint(item: object) -> bytes:
    return orjson.dumps(item, option=orjson.OPT_SORT_KEYS)


def _demote(attribute: Attribute, values: list[dict[str, Any]], chosen: list[dict[str, Any]]) -> None:
    if "primary" not in attribute.sub_attributes or not any(item.get("primary") is True for item in chosen):
        return
    leader = next(item for item in chosen if item.get("primary") is True)
    for item in values:
        if item is not leader and item.get("primary") is True:
            item["primary"] = False


def _covers(item: object, wanted: object) -> bool:
    """Whether a stored value is the one that a remove-members-by-value names: all that it names is equal."""
    if isinstance(item, dict) and isinstance(wanted, dict):
        if "value" in wanted and "value" in item:
            return bool(item["value"] == wanted["value"]) and (
                "type" not in wanted or item.get("type") == wanted["type"]
            )
        return all(item.get(name) == content for name, content in wanted.items())
    return item == wanted


def _as_object(value: object) -> Mapping[str, Any] | None:
    """A complex value as sent, also as a list of one."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, Mapping) else None


def _put(container: dict[str, Any], name: str, values: list[Any] | dict[str, Any]) -> None:
    if values:
        container[name] = values
    else:
        container.pop(name, None)
