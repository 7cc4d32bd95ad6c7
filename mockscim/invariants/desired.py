"""Where the client should arrive: a fixture document, held against the resources that are, on the attributes it names.

A resource is found by its userName (a group by its displayName), else its externalId, else its id. ``id``, ``meta``,
``schemas`` and ``groups`` are not compared, nor passwords, nor what the provider does not have. A user that is to be
inactive may as well be gone. userName and e-mails are compared without regard to case, as a provider may have folded
them. Members are resources: named by id, userName, displayName or reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from mockscim.invariants.changes import is_active, name_of
from mockscim.invariants.marks import Expectation
from mockscim.invariants.writes import fields, fold
from mockscim.scim.record import Record
from mockscim.scim.schema import Attribute, ResourceType

Key = tuple[str, str]  # the type's name and the id
_NOT_COMPARED = frozenset({"id", "meta", "schemas", "groups", "password", "members"})
_FOLDED = frozenset({"username"})
_FOLDED_VALUES = frozenset({"emails"})


@dataclass
class State:
    """All resources at one time, by type and id."""

    records: dict[Key, Record]

    @cached_property
    def names(self) -> dict[tuple[str, str, str], list[Record]]:
        """The resources by (type, attribute, folded name)."""
        found: dict[tuple[str, str, str], list[Record]] = {}
        for (kind, _), record in self.records.items():
            for name, value in named(kind, record.attributes()):
                found.setdefault((kind, name, value), []).append(record)
        return found

    def find(self, kind: str, keys: Mapping[str, str], id_: str | None = None) -> list[Record]:
        """The resources that go by some names: by the first name that anybody has, else by the id."""
        for name in ("username", "externalid", "displayname"):
            if name in keys and (found := self.names.get((kind, name, keys[name]))):
                return found
        record = self.records.get((kind, id_)) if id_ is not None else None
        return [record] if record is not None else []


class Difference(NamedTuple):
    """Where a resource is not as desired.

    Attributes:
        wanted: the desired resource; None for one that should not be there.
        record: the resource; None for one that is missing.
        what: in words.
        attribute: which attribute it is about, in lower case; "" for the whole resource.
        members: the ids of the member that is missing or too many.
        lacks: whether it is missing.
    """

    wanted: Wanted | None
    record: Record | None
    what: str
    attribute: str = ""
    members: frozenset[str] = frozenset()
    lacks: bool = False


@dataclass
class Wanted:
    """One desired resource."""

    kind: ResourceType
    document: Mapping[str, Any]
    pointer: str

    @cached_property
    def keys(self) -> dict[str, str]:
        """The names that it goes by, folded."""
        return dict(named(self.kind.name, self.document))

    @cached_property
    def id(self) -> str | None:
        """Its id, if the document gives one."""
        found = self.fields.get("id")
        return found if isinstance(found, str) else None

    @cached_property
    def fields(self) -> dict[str, Any]:
        """What is wanted, names in lower case."""
        return fields(self.document)

    @property
    def label(self) -> str:
        """What people call it."""
        found = self.fields
        name = found.get("username") or found.get("displayname") or found.get("externalid") or self.id or self.pointer
        return f"{self.kind.name} {name}"

    @cached_property
    def inactive(self) -> bool:
        """Whether it is a user who should not be active."""
        return self.kind.name == "User" and _boolean(self.fields.get("active")) is False


class Desired:
    """A desired state, read."""

    def __init__(self, expectation: Expectation, endpoints: Mapping[str, ResourceType]) -> None:
        self.since = expectation.since
        self.wanted: list[Wanted] = []
        self.kinds: set[str] = set()
        for entry in expectation.fixture.resources:
            kind = endpoints.get(entry.endpoint.lower())
            if kind is not None:
                self.wanted.append(Wanted(kind, entry.document, entry.pointer))
                self.kinds.add(kind.name)
        self._by_name: dict[tuple[str, str, str], Wanted] = {}
        for each in self.wanted:
            for name, value in each.keys.items():
                self._by_name.setdefault((each.kind.name, name, value), each)
        self._by_id = {each.id: each for each in self.wanted if each.id is not None}

    def of(self, record: Record) -> Wanted | None:
        """The desired resource that a resource is, or was."""
        kind = record.type.name
        for name, value in named(kind, record.attributes()):
            if found := self._by_name.get((kind, name, value)):
                return found
        found = self._by_id.get(record.id)
        return found if found is not None and found.kind.name == kind else None

    def differences(self, state: State) -> Iterator[Difference]:
        """Where a state is not as desired; resources that are not desired at all are among them."""
        for wanted in self.wanted:
            yield from self.compare(wanted, state)
        for (kind, _), record in state.records.items():
            if kind in self.kinds and self.of(record) is None and (kind != "User" or is_active(record)):
                yield Difference(None, record, f"{kind} {name_of(record, record.id)} is there and not desired")

    def compare(self, wanted: Wanted, state: State) -> Iterator[Difference]:
        """Where one resource is not as desired."""
        found = state.find(wanted.kind.name, wanted.keys, wanted.id)
        if not found:
            if not wanted.inactive:
                yield Difference(wanted, None, f"{wanted.label} is missing")
            return
        # Of several that go by the name, the one that is meant is the one most like it.
        compared = [list(self._compare_with(wanted, record, state)) for record in found]
        best = min(range(len(found)), key=lambda place: len(compared[place]))
        yield from compared[best]
        for other in found[:best] + found[best + 1 :]:
            yield Difference(None, other, f"{wanted.label} is there twice ({found[best].id} and {other.id})")

    def _compare_with(self, wanted: Wanted, record: Record, state: State) -> Iterator[Difference]:
        actual = fields(record.attributes())
        for name, value in wanted.fields.items():
            if name in _NOT_COMPARED:
                continue
            if name.startswith("urn:"):
                yield from self._extension(wanted, record, name, value, actual.get(name))
            elif (attribute := wanted.kind.attributes.get(name)) is not None and attribute.mutability != "readOnly":
                yield from _compare(wanted, record, attribute, value, actual.get(name))
        if wanted.kind.keyed is not None and wanted.kind.keyed.key in wanted.fields:
            yield from self._members(wanted, record, state)

    @staticmethod
    def _extension(wanted: Wanted, record: Record, urn: str, value: object, actual: object) -> Iterator[Difference]:
        schema = wanted.kind.extension(urn)
        if schema is None:
            return
        held = fields(actual)
        for name, each in fields(value).items():
            attribute = schema.attributes.get(name)
            if attribute is not None and attribute.mutability != "readOnly":
                yield from _compare(wanted, record, attribute, each, held.get(name))

    def _members(self, wanted: Wanted, record: Record, state: State) -> Iterator[Difference]:
        keyed = wanted.kind.keyed
        listed = wanted.fields.get(keyed.key) if keyed is not None else None
        held = {member.value for member in record.members or ()}
        wanted_ids: set[str] = set()
        for member in listed if isinstance(listed, list) else ():
            ids, inactive, label = self.resolve(member, state)
            wanted_ids |= ids
            if ids and not ids & held and not inactive:  # one that is not there at all is told elsewhere
                yield Difference(wanted, record, f"{wanted.label} lacks the member {label}", "members", ids, lacks=True)
        for value in sorted(held - wanted_ids):
            person = state.records.get(("User", value)) or state.records.get(("Group", value))
            what = f"{wanted.label} has the member {name_of(person, value)}, not desired"
            yield Difference(wanted, record, what, "members", frozenset({value}))

    def resolve(self, member: object, state: State) -> tuple[frozenset[str], bool, str]:
        """The ids that a desired member may have, whether it is to be inactive and may be absent, and its name."""
        given = fields(member)
        text = member if isinstance(member, str) else given.get("value") or given.get("$ref") or ""
        text = str(text)
        last = text.rsplit("/", 1)[-1]
        kinds = [given["type"]] if isinstance(given.get("type"), str) else ["User", "Group"]
        other = self._by_id.get(text) or self._by_id.get(last)
        for kind, name in (("User", "username"), ("Group", "displayname")):
            if other is None and kind in kinds:
                other = self._by_name.get((kind, name, fold(text)))
        if other is not None:
            found = state.find(other.kind.name, other.keys, other.id)
            return frozenset(record.id for record in found), other.inactive, other.label
        for kind, name in (("User", "username"), ("Group", "displayname")):
            if kind in kinds and (records := state.names.get((kind, name, fold(text)))):
                return frozenset(record.id for record in records), False, text
        record = state.records.get(("User", last)) or state.records.get(("Group", last))
        return frozenset({text, last}), False, name_of(record, text)

    def wants_member(self, group: Record, id_: str, state: State) -> bool | None:
        """Whether a group should have a member; None where nothing is said about it."""
        wanted = self.of(group)
        if wanted is None or "members" not in wanted.fields:
            return None
        listed = wanted.fields["members"]
        return any(id_ in self.resolve(each, state)[0] for each in (listed if isinstance(listed, list) else ()))


def named(kind: str, document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The names that a resource goes by: (attribute in lower case, folded text)."""
    found = fields(document)
    for name in ("username", "externalid", "displayname"):
        value = found.get(name)
        if isinstance(value, str) and value and (name != "displayname" or kind != "User"):
            yield name, fold(value)


def _compare(
    wanted: Wanted, record: Record, attribute: Attribute, value: object, actual: object
) -> Iterator[Difference]:
    if attribute.returned == "never" or same(attribute, value, actual):
        return
    found = "nothing" if actual is None else repr(actual)[:80]
    what = f"{wanted.label}: {attribute.path} is {found}, not {repr(value)[:80]}"
    yield Difference(wanted, record, what, attribute.key)


def same(attribute: Attribute, value: Any, actual: Any) -> bool:  # noqa: ANN401 - any JSON
    """Whether an attribute is as desired, on the sub-attributes that are named."""
    if attribute.key == "active" and attribute.parent is None:
        return (_boolean(value) is not False) == (_boolean(actual) is not False)
    if _is_nothing(value) or _is_nothing(actual):
        return _is_nothing(value) and _is_nothing(actual)
    if attribute.multi_valued:
        left = list(actual) if isinstance(actual, list) else [actual]
        wanted = value if isinstance(value, list) else [value]
        for item in wanted:
            found = next((i for i, each in enumerate(left) if _same_value(attribute, item, each)), None)
            if found is None:
                return False
            del left[found]
        return not left
    return _same_value(attribute, value, actual)


def _same_value(attribute: Attribute, value: Any, actual: Any) -> bool:  # noqa: ANN401
    if isinstance(value, Mapping) and isinstance(actual, Mapping):
        held = fields(actual)
        for name, each in fields(value).items():
            sub = attribute.sub(name)
            if sub is None or sub.mutability == "readOnly" or name in ("$ref", "display"):
                continue
            if not same(sub, each, held.get(name)):
                return False
        return True
    if attribute.type == "boolean":
        return _boolean(value) == _boolean(actual)
    top = attribute.parent or attribute
    if isinstance(value, str) and isinstance(actual, str):
        folded = attribute.key in _FOLDED or (attribute.key == "value" and top.key in _FOLDED_VALUES)
        return fold(value) == fold(actual) if folded else value == actual
    return bool(value == actual)


def _is_nothing(value: object) -> bool:
    """RFC 7643 §2.5: unassigned, null and an empty list are the same."""
    return value is None or value == [] or value == {}


def _boolean(value: object) -> object:
    """A boolean, also as the text that some clients send."""
    return {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value
