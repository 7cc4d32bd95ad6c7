"""What a write would do, computed before anything is committed: attributes, members, and whether it may be.

The commit follows in one step, so an error leaves nothing behind; and fault rules may look at a plan that is never
carried out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import quote

from mockscim.scim import interop
from mockscim.scim.bulk_request import PREFIX
from mockscim.scim.call import Call
from mockscim.scim.errors import ScimError, invalid_value, mutability, not_found, uniqueness
from mockscim.scim.etag import not_modified
from mockscim.scim.members import Member, MembersDraft
from mockscim.scim.mutability import check_immutable, given, keep_immutable, keep_secrets
from mockscim.scim.patch import Patcher, put_members, read_members
from mockscim.scim.policy import Policy
from mockscim.scim.record import Record
from mockscim.scim.resource import normalise, require
from mockscim.scim.schema import Registry, ResourceType
from mockscim.scim.store import Store

_REF_MARK = "\x01"  # becomes record.BASE_MARK once serialised
_AN_ID = re.compile(r"[A-Za-z0-9._~@:+=,!$'()*;&-]{1,255}")  # what can stand at the end of a $ref as it is
_IN_SEGMENT = "~@:+=,!$'()*;&"


@dataclass(slots=True)
class Plan:
    """What a write would do, computed before anything is committed.

    Attributes:
        attributes: the resource's attributes after it.
        members: the members that come, change or (None) go.
        joins: the account that a create or an activation joins.
        touched: the attributes, and URNs of extensions, that may differ from what they were; None for any.
    """

    attributes: dict[str, Any]
    members: dict[str, Member | None]
    joins: Record | None = None
    touched: Collection[str] | None = None


class Planner:
    """Plans the writes of one provider.

    Args:
        registry: its resource types.
        store: its directory, which is only read.
        policy: its ways.
    """

    def __init__(self, registry: Registry, store: Store, policy: Policy) -> None:
        self.registry = registry
        self.store = store
        self.policy = policy
        # Resources of a bulk job that refer to each other, by the ids that they are about to get.
        self.promised: dict[str, ResourceType] = {}

    def create(self, call: Call) -> Plan:
        """The outcome of a POST."""
        kind = call.kind
        draft = MembersDraft(None) if kind.keyed is not None else None
        attributes = self.normalised(call, kind, draft)
        joins: Record | None = None
        if self.policy.join_accounts and kind.name == "User":
            self.check_unique(kind, attributes, None)
            joins = self.store.account(str(attributes.get("userName", "")))
            if joins is not None:
                attributes = {**joins.attributes(), "active": attributes.get("active", True)}
            attributes.setdefault("active", True)
        if self.policy.interop:
            interop.check_types(kind, {}, attributes, call.tolerance)
        if self.policy.value_types:
            self._drop_types(kind, attributes)
        self.check_unique(kind, attributes, None)
        self.link(kind, attributes)
        return Plan(attributes, self._taken(draft.difference()) if draft is not None else {}, joins)

    def update(self, call: Call, record: Record) -> Plan:
        """The outcome of a PUT or PATCH of a resource, or of an account that is outside."""
        kind = record.type
        outside = self.store.get(kind, record.id) is not record
        draft = MembersDraft(record.members) if kind.keyed is not None else None
        # A PATCH changes what it reads: what was is read only where it will be asked for.
        asked = call.method == "PUT" or kind.has_immutable or kind.name in self.policy.frozen or self.policy.interop
        before = record.attributes() if asked else {}
        touched: Collection[str] | None = None
        if call.method == "PUT":
            if draft is not None and given(kind, call.document):
                draft.clear()
            attributes = self.normalised(call, kind, draft, complete=False)
            if kind.name == "User" and self.policy.deactivate == "leave":
                # Saying nothing leaves a member in, and one who left outside: only active=true brings back.
                attributes.setdefault("active", not outside)
            if kind.has_immutable:
                keep_immutable(before, attributes, call.document, kind)
                require(attributes, kind, complete=False, apart=True)
            if kind.secret or kind.secret_extended:
                keep_secrets(before, attributes, kind)
                if kind.required_secrets:
                    require(attributes, kind, complete=_has_secrets(before, kind), apart=True)
        else:
            attributes = record.attributes()
            # A fixture may have left out what is never returned; what was not there is not missed.
            complete = not kind.required_secrets or _has_secrets(attributes, kind)
            kind_of = self.kind_of(call, record.id) if draft is not None else None
            patcher = Patcher(kind, attributes, draft, kind_of, self.policy, call.tolerance)
            patcher.looked_at = call.looked_at
            try:
                patcher.apply(call.operations)
            finally:
                call.looked_at = patcher.looked_at
                if draft is not None and draft.cleared:
                    call.looked_at += len(record.members or ())
            require(attributes, kind, complete=complete, apart=True)
            if draft is not None and kind.keyed is not None and kind.keyed.required and not any(True for _ in draft):
                raise mutability(f"{kind.keyed.path} is required and cannot be removed")
            if not self.policy.value_types:
                touched = patcher.touched
        if asked:
            check_immutable(before, attributes, kind)
        if self.policy.interop:
            interop.check_types(kind, before, attributes, call.tolerance)
        if self.policy.value_types:
            self._drop_types(kind, attributes)
        if asked:
            self._thaw(kind, before, attributes, whole=call.method == "PUT")
        if outside:
            if attributes.get("active") is not True:
                if self.visible_account(kind, record.id) is None:
                    raise self.unknown(kind, record.id)
                return Plan(attributes, {})
            attributes = {**self.as_member(record), "active": True}
            self.check_unique(kind, attributes, record.id)
            return Plan(attributes, {}, record)
        if touched is None or not kind.unique_names.isdisjoint(touched):
            self.check_unique(kind, attributes, record.id)
        if self.policy.join_accounts and kind.name == "User":
            account = self.store.account(str(attributes.get("userName", "")))
            if account is not None:
                raise uniqueness(f"userName {attributes['userName'][:200]!r} is taken by an account")
        self.link(kind, attributes)
        members = self._taken(self._really_changed(record, draft.difference())) if draft is not None else {}
        if members:
            members = self._thaw_members(kind, members)
        if members and kind.keyed is not None and kind.keyed.mutability == "immutable" and record.members:
            raise mutability(f"{kind.keyed.path} is immutable and already has a value")
        return Plan(attributes, members, touched=touched)

    def _really_changed(self, group: Record, members: dict[str, Member | None]) -> dict[str, Member | None]:
        """Without those that only got the name which is shown for them anyway: a client puts back what it read."""
        held = group.members
        if held is None:
            return members

        def same(value: str, member: Member | None) -> bool:
            old = held.get(value)
            return (
                old is not None
                and member is not None
                and old.display is None
                and member == old._replace(display=self.store.label(value))
            )

        return {value: member for value, member in members.items() if not same(value, member)}

    def normalised(
        self, call: Call, kind: ResourceType, draft: MembersDraft | None, *, complete: bool = True
    ) -> dict[str, Any]:
        """The attributes of a whole representation; its members go into the draft."""
        attributes = normalise(call.document, kind, self.policy, call.tolerance, complete=complete)
        if draft is not None and kind.keyed is not None and kind.keyed.name in attributes:
            # normalise has coerced the list already; what is left is a value for each, and its kind.
            listed = attributes.pop(kind.keyed.name)
            items = read_members(listed, kind.keyed, self.policy, call.tolerance)
            put_members(draft, items, self.kind_of(call, call.id or call.new_id))
        return attributes

    def kind_of(self, call: Call, own_id: str | None) -> Callable[[str], str]:
        """What tells the kind of a member by its id, and refuses what cannot be one."""

        def kind_of(id_: str) -> str:
            kind = self._type_of(id_)
            if kind is not None:
                if id_ == own_id and kind.keyed is not None:
                    raise invalid_value("a group cannot be a member of itself")
                return kind.name
            refusal = invalid_value(f"there is no resource with the id {id_[:100]} to be a member")
            if id_.startswith(PREFIX) or not _AN_ID.fullmatch(id_):
                raise refusal
            call.tolerance.allow("unknown-member", f"the member {id_[:100]} is not known", refusal)
            return ""

        return kind_of

    def _type_of(self, id_: str) -> ResourceType | None:
        """The type of the resource with an id, also of one that is about to be made."""
        record = self.store.find(id_)
        return record.type if record is not None else self.promised.get(id_)

    def check_unique(self, kind: ResourceType, attributes: Mapping[str, Any], own_id: str | None) -> None:
        """Refuse a value that must be unique and that another resource holds (409 uniqueness)."""
        for attribute in kind.unique:
            value = attributes.get(attribute.name)
            if isinstance(value, str):
                holder = self.store.holder(attribute, kind, value)
                if holder is not None and holder != own_id:
                    shown = "" if attribute.returned == "never" else f" {value[:200]!r}"
                    raise uniqueness(f"{attribute.name}{shown} is taken by another {kind.name}")
        if kind.unique_elsewhere:
            holders = self.store.tables[kind.name].unique_elsewhere
            for place, held in zip(kind.unique_elsewhere, holders, strict=True):
                for found in place.values(attributes):
                    if held.get(found, own_id) != own_id:
                        name = place.leaf.path if place.urn is None else f"{place.urn}:{place.leaf.path}"
                        raise uniqueness(f"{name} {str(found)[:200]!r} is taken by another {kind.name}")

    def link(self, kind: ResourceType, attributes: dict[str, Any]) -> None:
        """Point ``$ref`` of a reference such as manager at the resource its value names (RFC 7643 §2.4)."""
        for urn, attribute, ref in kind.references:
            held = attributes if urn is None else attributes.get(urn)
            values = held.get(attribute.name) if held else None
            if not held or not values:
                continue
            # A reference whose value went keeps none of ours, which is relative (Record.attributes).
            types = [t for name in ref.reference_types if (t := self.registry.types.get(name))]
            for value in values if isinstance(values, list) else [values]:
                if not types or not isinstance(value, dict):
                    continue
                if value.get("value"):
                    if str(value["value"]).startswith(PREFIX):
                        raise invalid_value(f"{attribute.path} refers to a bulkId, which only a bulk request has")
                    target = self._referenced(types, value) if len(types) > 1 else types[0]
                    value["$ref"] = f"{_REF_MARK}{target.endpoint}/{_in_path(str(value['value']))}"
                elif str(value.get("$ref", "")).startswith(tuple(f"{t.endpoint}/" for t in types)):
                    del value["$ref"]
                    if not value and value is values:
                        del held[attribute.name]
            if urn is not None and not attributes.get(urn, True):
                del attributes[urn]

    def _referenced(self, types: Sequence[ResourceType], value: Mapping[str, Any]) -> ResourceType:
        """The type of what a reference names: of one that is gone, as its ``$ref`` has it."""
        held_by = self._type_of(value["value"])
        if held_by is not None and held_by in types:
            return held_by
        given, id_ = str(value.get("$ref", "")), _in_path(str(value["value"]))
        return next((each for each in types if given.endswith(f"{each.endpoint}/{id_}")), types[0])

    def _drop_types(self, kind: ResourceType, attributes: dict[str, Any]) -> None:
        """Leave out values of types that this provider does not have; one without a type is of any."""
        for key, types in self.policy.value_types.get(kind.name, {}).items():
            attribute = kind.attributes.get(key)
            values = attributes.get(attribute.name) if attribute is not None else None
            if attribute is None or not isinstance(values, list):
                continue
            kept = [
                v
                for v in values
                if not isinstance(v, dict) or str(v.get("type") or "").lower() in types or not v.get("type")
            ]
            if kept:
                attributes[attribute.name] = kept
            else:
                del attributes[attribute.name]

    def _thaw(self, kind: ResourceType, before: Mapping[str, Any], after: dict[str, Any], *, whole: bool) -> None:
        """Treat changes of attributes that this provider does not change after creation.

        What a whole representation (PUT) leaves out is kept: clients know no attributes beside their own.
        """
        frozen = self.policy.frozen.get(kind.name)
        if not frozen or self.policy.frozen_change == "apply":
            return
        for name in {*before, *after}:
            if name.lower() not in frozen or before.get(name) == after.get(name):
                continue
            if self.policy.frozen_change == "reject" and not (whole and name not in after):
                raise mutability(f"{name} cannot be changed after creation at this provider")
            if name in before:
                after[name] = before[name]
            else:
                after.pop(name)

    def _thaw_members(self, kind: ResourceType, members: dict[str, Member | None]) -> dict[str, Member | None]:
        """The same for members, which are kept apart."""
        frozen = kind.keyed is not None and kind.keyed.key in self.policy.frozen.get(kind.name, ())
        if not frozen or self.policy.frozen_change == "apply":
            return members
        if self.policy.frozen_change == "reject":
            raise mutability(f"{kind.keyed.path if kind.keyed else ''} cannot be changed after creation")
        return {}

    def _taken(self, members: dict[str, Member | None]) -> dict[str, Member | None]:
        """As many changes of members as this provider takes from one request."""
        most = self.policy.members_at_once
        return members if most is None or len(members) <= most else dict(islice(members.items(), most))

    def leaves(self, kind: ResourceType, attributes: Mapping[str, Any]) -> bool:
        """Whether a user with these attributes is outside, at a provider that has no inactive state."""
        return kind.name == "User" and self.policy.deactivate == "leave" and attributes.get("active") is False

    @staticmethod
    def as_member(account: Record) -> dict[str, Any]:
        """The attributes of an account once it is in."""
        return {**account.attributes(), "active": True}

    def visible_account(self, kind: ResourceType, id_: str) -> Record | None:
        """One who left, where the provider still shows those who did."""
        if self.policy.left_user != "inactive" or kind.name != "User" or self.store.accounts is None:
            return None
        account = self.store.accounts.records.get(id_)
        return account if account is not None and left(account) else None

    def target(self, call: Call) -> Record:
        """The resource that a PUT or PATCH addresses; where users leave, also an account that may come back."""
        kind = call.kind
        record = self.store.get(kind, call.id or "")
        if record is None and self.policy.deactivate == "leave" and kind.name == "User" and self.store.accounts:
            record = self.store.accounts.records.get(call.id or "")
        if record is None:
            raise self.unknown(kind, call.id)
        return record

    def check_match(self, call: Call, record: Record) -> None:
        """Refuse a write that is about another version (RFC 7644 §3.14: 412), or about any where it must not be."""
        if not self.policy.etag:
            return
        if call.if_match is None and self.policy.require_if_match:
            # RFC 6585 §3; in a bulk request it is the operation's version.
            raise ScimError(428, None, f"a {call.method} has to say in If-Match which version it is about")
        if call.if_match is not None or call.if_none_match is not None:
            not_modified(call.if_match, call.if_none_match, self.store.etag(record), reads=False)

    def check_create(self, call: Call) -> None:
        """Refuse a POST whose conditions do not hold: they are about the endpoint, which has no version (412)."""
        if self.policy.etag and (call.if_match is not None or call.if_none_match is not None):
            not_modified(call.if_match, call.if_none_match, None, reads=False, exists=not call.me)

    @staticmethod
    def unknown(kind: ResourceType, id_: str | None) -> ScimError:
        """404: there is no such resource."""
        return not_found(f"{kind.name} {(id_ or '')[:200]} not found")


def _in_path(id_: str) -> str:
    """An id as a URI's path has it: what nobody has may be any text."""
    return id_ if _AN_ID.fullmatch(id_) else quote(id_, safe=_IN_SEGMENT, errors="replace")


def _has_secrets(attributes: Mapping[str, Any], kind: ResourceType) -> bool:
    """Whether all required secrets are there; those of an extension that is not are not missing."""
    for urn, secret in kind.required_secrets:
        held = attributes if urn is None else attributes.get(urn)
        if held is not None and secret.name not in held:
            return False
    return True


def left(account: Record) -> bool:
    """Whether an account is that of one who left, not of one who never came."""
    return account.attributes().get("active") is False
