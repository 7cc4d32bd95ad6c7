"""PATCH (RFC 7644 §3.5.2): operations applied one after the other to a draft, which the caller commits or drops.

The draft is a private copy, so an error in the last operation leaves nothing of the first. What real clients send
beyond the RFC is named where it is met, through ``Tolerance.allow``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from mockscim.scim import interop, match
from mockscim.scim.body import note_twins
from mockscim.scim.errors import ScimError, invalid_path, invalid_syntax, invalid_value, mutability, no_target
from mockscim.scim.filter import Node
from mockscim.scim.members import MembersDraft
from mockscim.scim.mutability import check_same
from mockscim.scim.patch_request import MISSING, Operation
from mockscim.scim.path import PatchPath, parse_path
from mockscim.scim.policy import Policy, Tolerance
from mockscim.scim.resource import (
    coerce,
    coerce_extension,
    declared_schemas,
    distinct,
    is_list_of_texts,
    mark_of,
    unknown,
)
from mockscim.scim.schema import Attribute, ResourceType, Schema

# How many values of multi-valued attributes the operations of one PATCH may look at: about half a second's work.
MOST_LOOKED_AT = 1_000_000


class Patcher:
    """Applies operations to one resource's draft.

    Args:
        resource_type: what the resource is.
        attributes: its attributes as ``resource.normalise`` leaves them; changed in place.
        members: the draft of its keyed attribute, if its type has one.
        kind_of: the kind of the resource with an id; raises where unknown members are refused. None without members.
        policy: the provider's ways.
        tolerance: the leniencies in force; those needed are noted there.

    Attributes:
        looked_at: how many values have been looked at (``MOST_LOOKED_AT``).
    """

    def __init__(
        self,
        resource_type: ResourceType,
        attributes: dict[str, Any],
        members: MembersDraft | None,
        kind_of: Callable[[str], str] | None,
        policy: Policy,
        tolerance: Tolerance,
    ) -> None:
        self._type = resource_type
        self._attributes = attributes
        self._members = members
        self._kind_of = kind_of
        self._policy = policy
        self._tolerance = tolerance
        self.looked_at = 0
        # Attributes, and URNs of extensions: what is not named here is as it was.
        self.touched: set[str] = set(resource_type.linked)

    def apply(self, operations: Sequence[Operation]) -> None:
        """Apply all operations in order; ScimError at the first that cannot be."""
        names = self._type.writable
        for operation in operations:
            path = operation.path
            if path is None:
                if self._policy.interop:
                    refusal = invalid_syntax(f"{operation.where} has no path")
                    self._tolerance.allow("interop-pathless", f"{operation.where} has no path", refusal)
                self._without_path(operation)
            elif (attribute := names.get(path)) is not None:  # what most paths are
                self._whole(operation, attribute, operation.value)
            else:
                self._with_path(operation, parse_path(path))

    def _look_at(self, values: int) -> None:
        """Count the values that operations have to look at; one request must not keep the server for itself."""
        self.looked_at += values
        if self.looked_at > MOST_LOOKED_AT:
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
        self._note_twins(value)
        for name, item in value.items():
            self._by_key(operation, name, item)

    def _note_twins(self, value: Mapping[str, Any]) -> None:
        if len({name.lower() for name in value}) < len(value):
            note_twins(value, self._tolerance)

    def _pathless_list(self, operation: Operation, value: list[Any]) -> None:
        keyed = self._type.keyed
        refusal = invalid_value(f"{operation.where}.value: without a path it is an object of attributes")
        self._tolerance.allow("pathless-list", f"{operation.where}.value is an array", refusal)
        own = self._type.attributes
        for item in value:
            if isinstance(item, Mapping) and any(name.lower() in own for name in item):
                for name, content in item.items():
                    self._by_key(operation, name, content)
            elif keyed is not None and keyed.name in self._type.writable and isinstance(item, (Mapping, str)):
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
            self._whole(operation, attribute, item)
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
        if item is None and operation.op == "add" and not self._policy.interop:
            return  # as with an attribute: adding nothing changes nothing
        self.touched.add(extension.id)
        if operation.op == "remove" or item is None or item == "":
            self._attributes.pop(extension.id, None)
            return
        if not isinstance(item, Mapping):
            raise invalid_value(f"{operation.where}.value: {extension.id} is an object of attributes")
        self._note_twins(item)
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
        raise self._strange(f"{self._type.name} has no attribute {str(path.path)[:200]}")

    def _strange(self, detail: str) -> ScimError:
        """What a path to an attribute that does not exist gets."""
        return invalid_syntax(detail) if self._policy.unknown_path == "invalidSyntax" else invalid_path(detail)

    def _with_path(self, operation: Operation, path: PatchPath) -> None:
        for code, detail in path.leniencies:
            self._tolerance.allow(code, detail, invalid_path(f"{operation.where}.path: {detail}"))
        target = self._resolve(path)
        if target is None:
            return
        if isinstance(target, Schema):
            if path.filter is not None or path.path.sub or path.sub:
                raise invalid_path(f"{operation.where}.path: {str(path)[:200]}")
            if self._policy.interop and operation.op != "remove":
                refusal = invalid_syntax(f"{operation.where}: each attribute needs an operation of its own")
                self._tolerance.allow("interop-several-attributes", f"{operation.where}.path: {target.id}", refusal)
            if target is self._type.schema:
                self._without_path(Operation(operation.op, None, operation.value, operation.where))
            else:
                self._extension(operation, target, operation.value)
            return
        if self._policy.interop:
            interop.check_path(path, target, operation.where, self._tolerance)
        sub = self._sub_attribute(target, path.sub or path.path.sub, operation)
        if "readOnly" in (target.mutability, sub.mutability if sub else ""):
            raise mutability(f"{operation.where}.path: {(sub or target).path} is readOnly")
        if target.key == "schemas":
            self._schemas(operation, plain=sub is None and path.filter is None)
            return
        if target is self._type.keyed:
            if sub is not None:
                raise mutability(f"{operation.where}.path: {sub.path} is immutable; remove the member and add another")
            self._keyed(operation.op, path.filter, operation.value, operation)
            return
        own = target.schema == self._type.schema.id or target.schema == ""
        self.touched.add(target.name if own else target.schema)
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

    def _schemas(self, operation: Operation, *, plain: bool) -> None:
        """Change ``schemas``, which follows from what the resource holds: what agrees with that is taken.

        An extension may be named before it gets its attributes (RFC 7644 §3.5.2), and shows once it has some.
        """
        value, where = operation.value, f"{operation.where}.value"
        if not plain:
            raise invalid_path(f"{operation.where}.path: schemas has neither values to select nor sub-attributes")
        if operation.op == "remove" or value is None or value == []:
            raise mutability(f"{operation.where}: schemas is required and cannot be removed")
        if isinstance(value, str):
            refusal = invalid_value(f"{where}: schemas takes an array")
            self._tolerance.allow("single-for-array", "schemas is given as a single value", refusal)
            value = [value]
        if not is_list_of_texts(value):
            raise invalid_value(f"{where}: schemas is an array of URNs")
        added = [self._type.schema.id] if operation.op == "add" else []
        declared = declared_schemas({"schemas": [*added, *value]}, self._type, self._tolerance)
        if operation.op == "replace":
            for extension, _ in self._type.extensions:
                if extension.id in self._attributes and extension.key not in declared:
                    raise mutability(f"{where} lacks {extension.id}, which is in use: remove its attributes instead")

    def _sub_attribute(self, target: Attribute, name: str | None, operation: Operation) -> Attribute | None:
        if name is None:
            return None
        sub = target.sub(name)
        if sub is None:
            raise self._strange(f"{operation.where}.path: {target.path} has no sub-attribute {name[:100]}")
        return sub

    # -- one attribute -----------------------------------------------------------------------------------------

    def _whole(self, operation: Operation, attribute: Attribute, value: object) -> None:
        """Add to, replace or remove an attribute of the resource itself."""
        if attribute is self._type.keyed:
            self._keyed(operation.op, None, value, operation)
        else:
            self.touched.add(attribute.name)
            self._set_all(operation, attribute, self._attributes, value)

    def _set_all(self, operation: Operation, attribute: Attribute, container: dict[str, Any], value: object) -> None:
        """Add to, replace or remove a whole attribute."""
        name = attribute.name
        if operation.op == "remove":
            self._remove_all(operation, attribute, container, value)
            return
        if value is MISSING:
            raise invalid_value(f"{operation.where} has no value")
        old = container.get(name)
        if isinstance(old, dict) and (operation.op == "add" or self._policy.replace_complex == "merge"):
            kept: dict[str, Any] | None = old
            new = coerce(attribute, value, self._policy, self._tolerance, held=old)
        else:
            kept, new = None, coerce(attribute, value, self._policy, self._tolerance)
        if attribute.mutability == "immutable" and old is not None:
            check_same(attribute, old, new)
            return
        if attribute.multi_valued:
            if operation.op == "add":
                self._look_at(len(old or ()))
                if new:
                    container[name] = _with_added(attribute, list(old or ()), new)
            elif new is None:
                container.pop(name, None)
            else:
                container[name] = new
        elif kept is not None and (new or _as_object(value) is not None):
            # RFC 7644 §3.5.2.3: sub-attributes that are not specified are left unchanged.
            merged = {**kept, **(new or {})}
            for part in self._cleared(attribute, _as_object(value)):
                if part.required:
                    raise mutability(f"{part.path} is required and cannot be removed")
                merged.pop(part.name, None)
            _put(container, name, merged)
        elif new is None:
            # RFC 7643 §2.5: null unassigns; adding nothing changes nothing.
            if operation.op == "replace" or value == "" or self._policy.interop:
                container.pop(name, None)
        else:
            container[name] = new

    @staticmethod
    def _cleared(attribute: Attribute, value: Mapping[str, Any] | None) -> list[Attribute]:
        """Sub-attributes that a complex value unassigns with null."""
        if value is None:
            return []
        return [sub for key, item in value.items() if item is None and (sub := attribute.sub(key)) is not None]

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
        if query is not None and self._policy.interop:
            interop.check_matches(len(chosen), operation.where, self._tolerance)
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
            values = distinct(attribute, [item for item in values if item])
        if not values and attribute.required:
            raise mutability(f"{attribute.path} is required and cannot be removed")
        _put(container, attribute.name, values)

    def _write_element(
        self, operation: Operation, attribute: Attribute, sub: Attribute | None, item: dict[str, Any], *, whole: bool
    ) -> None:
        if sub is not None:
            self._set_all(operation, sub, item, operation.value)
            return
        whole = whole and operation.op == "replace"
        new = coerce(attribute, [operation.value], self._policy, self._tolerance, held=() if whole else item)
        if whole:
            item.clear()
        if new:
            item.update(new[0])

    # -- members -----------------------------------------------------------------------------------------------

    def _keyed(self, op: str, node: Node | None, value: object, operation: Operation) -> None:
        """Members of a group: by id, so that one costs the same at any size."""
        members, attribute, kind_of = self._members, self._type.keyed, self._kind_of
        if members is None or attribute is None or kind_of is None:  # pragma: no cover - the service always gives both
            raise invalid_path(f"{operation.where}.path")
        if node is not None:
            self._selected_members(op, node, value, operation, members, attribute, kind_of)
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
            put_members(members, items, kind_of)

    def _selected_members(
        self,
        op: str,
        node: Node,
        value: object,
        operation: Operation,
        members: MembersDraft,
        attribute: Attribute,
        kind_of: Callable[[str], str],
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
        if self._policy.interop:
            interop.check_matches(len(chosen), operation.where, self._tolerance)
        if op == "remove":
            # RFC 7644 §3.5.2.2: to remove one who is no member changes nothing, and succeeds.
            if not chosen and query.key is None:
                refusal = no_target(f"{operation.where}.path selects no member")
                self._tolerance.allow("remove-missing", f"{operation.where}.path selects no member", refusal)
            for member in chosen:
                members.discard(member)
            return
        if op == "replace" and not chosen:
            raise no_target(f"{operation.where}.path selects no member to replace")
        # Behind a filter the value is one record (RFC 7644 §3.5.2.3).
        value = [value] if isinstance(value, Mapping) else value
        items = read_members(value, attribute, self._policy, self._tolerance)
        if op == "replace":
            again = {item["value"] for item in items}
            for member in chosen:
                if member not in again:  # one that is put back never left
                    members.discard(member)
        put_members(members, items, kind_of)


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


def _with_added(attribute: Attribute, values: list[Any], new: list[Any]) -> list[Any]:
    """Add values; of one that is there already, what is new about it. A new primary one demotes the old (§3.5.2)."""
    places = {mark: at for at, item in enumerate(values) if (mark := mark_of(attribute, item)) is not None}
    # What has no value of its own is compared whole: each with each is quickest for a few, and slow for thousands.
    unmarked = len(new) > 8 and any(mark_of(attribute, item) is None for item in new)
    seen = {_fingerprint(item) for item in values} if unmarked else None
    for added in new:
        item, mark = added, mark_of(attribute, added)
        at = places.get(mark) if mark is not None else None
        if at is not None:
            item = {**values[at], **item} if isinstance(item, dict) else item
            if item == values[at]:
                continue
        elif mark is not None:
            places[mark] = len(values)
        elif seen is None:
            if item in values:
                continue
        elif (print_ := _fingerprint(item)) in seen:
            continue
        else:
            seen.add(print_)
        if isinstance(item, dict) and item.get("primary") is True:
            values = [
                {**old, "primary": False} if isinstance(old, dict) and old.get("primary") is True else old
                for old in values
            ]
        if at is not None:
            values[at] = item
        else:
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
