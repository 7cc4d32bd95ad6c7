"""The directory: records in versions that never change, in creation order, with the look-ups clients do.

A record keeps its attributes as serialised bytes; reading one is joining bytes. What the provider adds (``schemas``,
``id``, ``meta``, ``groups``, a group's members) is written when it is read, so that the base URL may differ from
request to request. A snapshot keeps, for each record changed since, what it was: taking one costs nothing, and
restoring costs what has changed.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from mockscim.scim.members import Member, Members
from mockscim.scim.schema import Attribute, Registry, ResourceType

# Stands for the base URL inside stored bytes. JSON text cannot hold a raw control character, and a reference that
# holds one is refused (resource.coerce), so nothing a client sends can be taken for it.
BASE_MARK = b"\x01"
_MARKED_REF = b'"$ref":"\\u0001'
_BLOCK = 1024
# How many rendered resources are kept, and up to which size.
_MOST_KEPT = 4096
_LARGEST_KEPT = 4096


class Record:
    """One version of one resource.

    Attributes:
        id: the resource's id.
        type: its resource type.
        seq: its place in creation order.
        version: the number of the commit that made this version.
        created, modified: RFC 3339 texts.
        body: its attributes as JSON, without the braces.
        members: a group's members, or None.
        secrets: the whole of those top-level attributes that are never returned, or not in every part; or None.
    """

    __slots__ = ("body", "created", "id", "label", "members", "modified", "secrets", "seq", "type", "version")

    def __init__(
        self,
        id: str,  # noqa: A002 - the attribute's own name
        type: ResourceType,  # noqa: A002
        seq: int,
        version: int,
        created: str,
        modified: str,
        body: bytes,
        members: Members | None,
        secrets: dict[str, Any] | None,
    ) -> None:
        self.id = id
        self.type = type
        self.seq = seq
        self.version = version
        self.created = created
        self.modified = modified
        self.body = body
        self.members = members
        self.secrets = secrets
        self.label: str | None = None

    def attributes(self) -> dict[str, Any]:
        """A fresh copy of the attributes, without members; references relative to the base URL."""
        result: dict[str, Any] = orjson.loads(b"{" + self.body.replace(BASE_MARK, b"") + b"}")
        if self.secrets:
            result.update(self.secrets)
        return result

    @property
    def etag(self) -> str:
        """The version as an entity tag; weak, since members and groups are rendered in."""
        return f'W/"{self.version}"'


@dataclass(slots=True)
class Change:
    """One committed change: what a record was and what it is; None where there was or is none."""

    operation: str
    type: ResourceType
    id: str
    before: Record | None
    after: Record | None


class Table:
    """The records of one resource type, in creation order, with their indexes."""

    def __init__(self, resource_type: ResourceType) -> None:
        self.type = resource_type
        self.records: dict[str, Record] = {}
        self.unique: dict[str, dict[str, str]] = {a.key: {} for a in resource_type.unique}
        # Made when first asked for: {index key: {folded value: {id: None}}}.
        self._indexes: dict[str, dict[str, dict[str, None]]] = {}
        self._blocks: dict[int, list[Record | None]] = {}
        self._live: dict[int, int] = {}
        self._numbers: list[int] = []

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Record]:
        for number in list(self._numbers):
            for record in self._blocks.get(number, ()):
                if record is not None:
                    yield record

    def page(self, start: int, count: int) -> list[Record]:
        """Up to ``count`` records from position ``start`` (0 is the first) in creation order."""
        result: list[Record] = []
        skip = start
        for number in self._numbers:
            if len(result) >= count:
                break
            live = self._live[number]
            if skip >= live:
                skip -= live
                continue
            block = self._blocks[number]
            found = block if live == len(block) else [record for record in block if record is not None]
            result += found[skip : skip + count - len(result)]  # type: ignore[arg-type]  # no holes are left in it
            skip = 0
        return result

    def put(self, before: Record | None, after: Record | None, new: dict[str, Any] | None = None) -> None:
        """Exchange one version of a record for another, in all indexes.

        Args:
            before: the version that was, if any.
            after: the version that will be, if any.
            new: the attributes of ``after``, where they are at hand.
        """
        if before is not None and (after is None or after.seq != before.seq):
            self._vacate(before)
        if after is not None:
            self._place(after)
            self.records[after.id] = after
        elif before is not None:
            del self.records[before.id]
        if before is not None and after is not None and before.body is after.body:
            return  # only members differ, and they are not indexed here
        if self.unique or self._indexes:
            if new is None and after is not None:
                new = after.attributes()
            if before is not None and new is not None and not self._indexes and self._holds(before.id, new):
                return
            self._reindex(before, before.attributes() if before is not None else None, after, new)

    def _holds(self, id: str, attributes: dict[str, Any]) -> bool:  # noqa: A002
        """Whether all unique values are known already as those of that resource, which can have no others then."""
        for attribute in self.type.unique:
            value = _folded(attribute, attributes.get(attribute.name))
            if value is None or self.unique[attribute.key].get(value) != id:
                return False
        return True

    def _place(self, record: Record) -> None:
        number, offset = divmod(record.seq, _BLOCK)
        block = self._blocks.get(number)
        if block is None:
            block = self._blocks[number] = []
            self._live[number] = 0
            if not self._numbers or number > self._numbers[-1]:
                self._numbers.append(number)
            else:
                insort(self._numbers, number)
        while len(block) <= offset:
            block.append(None)
        if block[offset] is None:
            self._live[number] += 1
        block[offset] = record

    def _vacate(self, record: Record) -> None:
        number, offset = divmod(record.seq, _BLOCK)
        self._blocks[number][offset] = None
        self._live[number] -= 1
        if not self._live[number]:
            del self._blocks[number], self._live[number]
            self._numbers.remove(number)

    def _reindex(
        self,
        before: Record | None,
        old: dict[str, Any] | None,
        after: Record | None,
        new: dict[str, Any] | None,
    ) -> None:
        for attribute in self.type.unique:
            index = self.unique[attribute.key]
            was = _folded(attribute, old.get(attribute.name)) if old else None
            now = _folded(attribute, new.get(attribute.name)) if new else None
            if was is not None and was != now and before is not None and index.get(was) == before.id:
                del index[was]
            if now is not None and after is not None:
                index[now] = after.id
        for key, lookup in self._indexes.items():
            was_values = set(_values_at(self.type, old, key)) if old else set()
            now_values = set(_values_at(self.type, new, key)) if new else set()
            for value in was_values - now_values:
                if before is not None and value in lookup:
                    lookup[value].pop(before.id, None)
                    if not lookup[value]:
                        del lookup[value]
            for value in now_values - was_values:
                if after is not None:
                    lookup.setdefault(value, {})[after.id] = None

    def lookup(self, key: str, value: str) -> list[Record] | None:
        """The records with a value at an index key such as ``emails.value``; None where no index can tell.

        Args:
            key: a lower-cased attribute path.
            value: the value wanted, case-folded where the attribute is not caseExact.
        """
        if key == "id":
            record = self.records.get(value)
            return [record] if record is not None else []
        unique = self.unique.get(key)
        if unique is not None:
            found = unique.get(value)
            return [self.records[found]] if found is not None else []
        index = self._indexes.get(key)
        if index is None:
            if not _indexable(self.type, key):
                return None
            index = self._indexes[key] = {}
            for record in self:
                for item in _values_at(self.type, record.attributes(), key):
                    index.setdefault(item, {})[record.id] = None
        records = [self.records[one] for one in index.get(value, ())]
        records.sort(key=lambda record: record.seq)
        return records


class Store:
    """All tables of one directory, its memberships, its accounts and its snapshots."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.tables: dict[str, Table] = {name: Table(kind) for name, kind in registry.types.items()}
        user = registry.types.get("User")
        # People whom the provider knows although they are not in this directory (Segment's accounts).
        self.accounts = Table(user) if user is not None else None
        self.memberships: dict[str, dict[str, None]] = {}  # member id -> ids of the groups it is directly in
        self.commits = 0
        self._seq = 0
        self._snapshots: dict[str, dict[tuple[bool, str, str], Record | None]] = {}
        # Resources rendered of late, for one base URL. A version never changes, but the groups that a user is in do:
        # any change of a group empties it. Groups themselves show their members' names, and are not kept.
        self._rendered: dict[Record, bytes] = {}
        self._rendered_for: tuple[bytes, bool] | None = None

    # -- reading -----------------------------------------------------------------------------------------------

    def get(self, resource_type: ResourceType, id: str) -> Record | None:  # noqa: A002
        """The record with that id."""
        return self.tables[resource_type.name].records.get(id)

    def find(self, id: str) -> Record | None:  # noqa: A002
        """The record of any type with that id."""
        for table in self.tables.values():
            record = table.records.get(id)
            if record is not None:
                return record
        return None

    def holder(self, attribute: Attribute, resource_type: ResourceType, value: str) -> str | None:
        """The id of the resource that holds a unique value."""
        folded = _folded(attribute, value)
        return self.tables[resource_type.name].unique[attribute.key].get(folded) if folded is not None else None

    def account(self, user_name: str) -> Record | None:
        """The account outside this directory with that userName."""
        if self.accounts is None:
            return None
        found = self.accounts.unique["username"].get(user_name.casefold())
        return self.accounts.records[found] if found is not None else None

    def label(self, id: str) -> str | None:  # noqa: A002
        """The name of a resource for people: displayName, or userName."""
        record = self.find(id)
        if record is None:
            return None
        if record.label is None:
            attributes = record.attributes()
            record.label = str(attributes.get("displayName") or attributes.get("userName") or "")
        return record.label or None

    def groups_of(self, id: str) -> dict[str, bool]:  # noqa: A002
        """The groups that a resource is in: id -> whether directly. Nested groups count, and circles end."""
        direct = self.memberships.get(id)
        if not direct:
            return {}
        found = dict.fromkeys(direct, True)
        queue = list(direct)
        for group in queue:
            for outer in self.memberships.get(group, ()):
                if outer not in found:
                    found[outer] = False
                    queue.append(outer)
        return found

    # -- rendering ---------------------------------------------------------------------------------------------

    def render(self, record: Record, base: bytes, *, members: bool = True, etag: bool = True) -> bytes:
        """A resource as JSON.

        Args:
            record: the version to render.
            base: the base URL of the request, JSON-escaped, without trailing slash.
            members: whether to render a group's members.
            etag: whether to publish the version.
        """
        if record.type.keyed is not None or not members:
            return self._render(record, base, members=members, etag=etag)
        if self._rendered_for != (base, etag):
            self._rendered.clear()
            self._rendered_for = (base, etag)
        found = self._rendered.get(record)
        if found is None:
            found = self._render(record, base, members=members, etag=etag)
            if len(found) <= _LARGEST_KEPT:
                if len(self._rendered) >= _MOST_KEPT:
                    self._rendered.clear()
                self._rendered[record] = found
        return found

    def render_all(self, records: Iterable[Record], base: bytes, *, etag: bool = True) -> list[bytes]:
        """A page of resources as JSON: mostly joined from what has been rendered before."""
        kept = self._rendered if self._rendered_for == (base, etag) else {}
        return [kept.get(record) or self.render(record, base, etag=etag) for record in records]

    def _render(self, record: Record, base: bytes, *, members: bool, etag: bool) -> bytes:
        kind = record.type
        body = record.body
        parts = [b'{"schemas":', kind.schemas_json(body), b',"id":"', record.id.encode(), b'"']
        if body:
            parts += (b",", body.replace(BASE_MARK, base) if BASE_MARK in body else body)
        if members and record.members:
            parts += (kind.keyed_mark, orjson.dumps(self._members(record, base.decode())))
        if record.id in self.memberships and "groups" in kind.attributes:
            parts += (b',"groups":', orjson.dumps(self._groups(record.id, base.decode())))
        version = f'","version":"W/\\"{record.version}\\""' if etag else '"'
        meta = (
            f',"meta":{{"resourceType":"{kind.name}","created":"{record.created}","lastModified":"{record.modified}'
            f'","location":"{base.decode()}{kind.endpoint}/{record.id}{version}}}}}'
        )
        parts.append(meta.encode())
        return b"".join(parts)

    def document(
        self,
        record: Record,
        base: str,
        *,
        members: bool = True,
        etag: bool = True,
        needs: frozenset[str] | None = None,
    ) -> dict[str, Any]:
        """A resource as a dict, for filters, sorting and projection.

        Args:
            record: the version to show.
            base: the base URL.
            members: whether to include a group's members.
            etag: whether to publish the version.
            needs: the top-level attributes that will be read (lower case); None for all.
        """
        kind = record.type
        result: dict[str, Any] = {"schemas": kind.schemas_of(record.body), "id": record.id}
        result.update(orjson.loads(b"{" + record.body.replace(BASE_MARK, base.encode()) + b"}"))
        keyed = kind.keyed
        if members and record.members and keyed is not None and (needs is None or keyed.key in needs):
            result[keyed.name] = self._members(record, base)
        if record.id in self.memberships and "groups" in kind.attributes and (needs is None or "groups" in needs):
            result["groups"] = self._groups(record.id, base)
        if needs is None or "meta" in needs:
            result["meta"] = {
                "resourceType": kind.name,
                "created": record.created,
                "lastModified": record.modified,
                "location": f"{base}{kind.endpoint}/{record.id}",
            }
            if etag:
                result["meta"]["version"] = record.etag
        return result

    def _members(self, record: Record, base: str) -> list[dict[str, Any]]:
        endpoints = {kind.name: base + kind.endpoint + "/" for kind in self.registry.types.values()}
        subs = record.type.keyed.sub_attributes if record.type.keyed is not None else {}
        result = []
        for value, kind, display, _ in record.members or ():
            item = {"value": value}
            if "$ref" in subs and kind in endpoints:
                item["$ref"] = endpoints[kind] + value
            name = display if display is not None else self.label(value)
            if name is not None and "display" in subs:
                item["display"] = name
            if "type" in subs:
                item["type"] = kind
            result.append(item)
        return result

    def _groups(self, id: str, base: str) -> list[dict[str, Any]]:  # noqa: A002
        result = []
        for group, direct in self.groups_of(id).items():
            record = self.find(group)
            if record is None:
                continue
            item = {"value": group, "$ref": f"{base}{record.type.endpoint}/{group}"}
            name = self.label(group)
            if name is not None:
                item["display"] = name
            item["type"] = "direct" if direct else "indirect"
            result.append(item)
        return result

    # -- writing -----------------------------------------------------------------------------------------------

    def create(
        self,
        resource_type: ResourceType,
        id: str,  # noqa: A002
        attributes: dict[str, Any],
        members: Mapping[str, Member | None],
        now: str,
        *,
        created: str | None = None,
    ) -> Change:
        """Commit a new resource; its id and unique values must be free (the service has asked)."""
        version = self._next_version()
        held = Members().updated(members) if resource_type.keyed is not None else None
        body, secrets = pack(resource_type, attributes)
        self._seq += 1
        record = Record(id, resource_type, self._seq, version, created or now, now, body, held, secrets)
        self._apply(self.tables[resource_type.name], None, record, attributes=attributes)
        return Change("create", resource_type, id, None, record)

    def update(
        self, record: Record, attributes: dict[str, Any], members: Mapping[str, Member | None], now: str
    ) -> Change | None:
        """Commit a new version of a resource; None, and no new version, when nothing differs."""
        body, secrets = pack(record.type, attributes)
        if body == record.body and secrets == record.secrets and not members:
            return None
        # The same attributes in another order are as long.
        alike = not members and secrets == record.secrets and len(body) == len(record.body)
        if alike and record.attributes() == shown(record.type, attributes):
            return None
        if body == record.body:
            body = record.body  # shared between versions; and it tells the indexes that nothing in them changes
        held = record.members
        if members and held is not None:
            held = held.updated(members)
        version = self._next_version()
        after = Record(record.id, record.type, record.seq, version, record.created, now, body, held, secrets)
        self._apply(self.tables[record.type.name], record, after, members, attributes)
        return Change("update", record.type, record.id, record, after)

    def delete(self, record: Record, now: str) -> list[Change]:
        """Commit a deletion, and take the resource out of the groups that it is in."""
        changes = []
        for group_id in list(self.memberships.get(record.id, ())):
            group = self.find(group_id)
            if group is not None:
                change = self.update_members(group, {record.id: None}, now)
                if change is not None:
                    changes.append(change)
        self._next_version()
        self._apply(self.tables[record.type.name], record, None)
        return [Change("delete", record.type, record.id, record, None), *changes]

    def update_members(self, record: Record, members: Mapping[str, Member | None], now: str) -> Change | None:
        """Commit a new version of a group in which only members differ."""
        if not members or record.members is None:
            return None
        held = record.members.updated(members)
        version = self._next_version()
        after = Record(
            record.id,
            record.type,
            record.seq,
            version,
            record.created,
            now,
            record.body,
            held,
            record.secrets,
        )
        self._apply(self.tables[record.type.name], record, after, members)
        return Change("update", record.type, record.id, record, after)

    def put_account(
        self,
        id: str,  # noqa: A002
        attributes: dict[str, Any],
        now: str,
        *,
        created: str | None = None,
    ) -> None:
        """Make or change an account outside the directory."""
        if self.accounts is None:
            return
        body, secrets = pack(self.accounts.type, attributes)
        before = self.accounts.records.get(id)
        self._seq += before is None
        seq = before.seq if before is not None else self._seq
        since = created or (before.created if before is not None else now)
        record = Record(id, self.accounts.type, seq, self._next_version(), since, now, body, None, secrets)
        self._apply(self.accounts, before, record)

    def drop_account(self, id: str) -> None:  # noqa: A002
        """Forget an account outside the directory."""
        if self.accounts is not None and id in self.accounts.records:
            self._apply(self.accounts, self.accounts.records[id], None)

    def _next_version(self) -> int:
        self.commits += 1
        return self.commits

    def _apply(
        self,
        table: Table,
        before: Record | None,
        after: Record | None,
        changed: Mapping[str, Member | None] | None = None,
        attributes: dict[str, Any] | None = None,
    ) -> None:
        record = after or before
        if record is None:
            return
        key = (table is self.accounts, record.type.name, record.id)
        for saved in self._snapshots.values():
            if key not in saved:
                saved[key] = before
            elif saved[key] is None and after is None:
                del saved[key]  # came and went since the snapshot
        table.put(before, after, attributes)
        if record.type.keyed is not None and table is not self.accounts:
            self._rendered.clear()
            self._remember_members(record.id, before, after, changed)

    def _remember_members(
        self,
        group: str,
        before: Record | None,
        after: Record | None,
        changed: Mapping[str, Member | None] | None,
    ) -> None:
        if changed is None:
            # A group came, went, or returned to an older version: compare whole sets.
            old = {member.value: member for member in before.members or ()} if before is not None else {}
            new = {member.value: member for member in after.members or ()} if after is not None else {}
            changed = dict.fromkeys(old.keys() - new.keys()) | {v: m for v, m in new.items() if v not in old}
        for value, member in changed.items():
            if member is not None:
                self.memberships.setdefault(value, {})[group] = None
            elif value in self.memberships:
                self.memberships[value].pop(group, None)
                if not self.memberships[value]:
                    del self.memberships[value]

    # -- snapshots ---------------------------------------------------------------------------------------------

    def snapshot(self, name: str) -> None:
        """Remember the state under a name; an older snapshot of that name is forgotten."""
        self._snapshots[name] = {}

    def has_snapshot(self, name: str) -> bool:
        """Whether a snapshot of that name was taken."""
        return name in self._snapshots

    def drop_snapshot(self, name: str) -> None:
        """Forget a snapshot; KeyError when there is none."""
        del self._snapshots[name]

    def forget_snapshots(self, keep: str) -> None:
        """Forget all snapshots but one."""
        self._snapshots = {name: saved for name, saved in self._snapshots.items() if name == keep}

    def restore(self, name: str, *, renew: bool = True) -> list[Change]:
        """Return to a snapshot, which stays; KeyError when there is none.

        Args:
            name: the snapshot's name.
            renew: give each resource that returns a new version, as no version may be used twice; without it the
                old versions return too, as if nothing had happened since.

        Returns:
            The changes this makes to resources, for the history.
        """
        saved = self._snapshots[name]
        changes: list[Change] = []
        # Taken out first and put back after, so that a unique value moves from one resource to another unharmed.
        for key, record in sorted(saved.items(), key=lambda item: item[1] is not None):
            account, type_name, id_ = key
            table = self.accounts if account else self.tables[type_name]
            if table is None:
                continue
            current = table.records.get(id_)
            if current is record:
                continue
            if record is not None and record.members is not None:
                record.members.settle()
            if record is None:
                self._apply(table, current, None)
            else:
                self._apply(table, current, self._revived(record) if renew and not account else record)
            if not account:
                operation = "delete" if record is None else "update" if current is not None else "create"
                changes.append(Change(operation, table.type, id_, current, table.records.get(id_)))
        self._snapshots[name] = {}
        return changes

    def clear(self) -> list[Change]:
        """Take everything out."""
        changes = [
            Change("delete", table.type, record.id, record, None) for table in self.tables.values() for record in table
        ]
        for change in changes:
            self._next_version()
            self._apply(self.tables[change.type.name], change.before, None)
        for account in list(self.accounts or ()):
            self.drop_account(account.id)
        return changes

    def _revived(self, record: Record) -> Record:
        return Record(
            record.id,
            record.type,
            record.seq,
            self._next_version(),
            record.created,
            record.modified,
            record.body,
            record.members,
            record.secrets,
        )


def pack(resource_type: ResourceType, attributes: dict[str, Any]) -> tuple[bytes, dict[str, Any] | None]:
    """Attributes as stored bytes, and apart from them what is never returned."""
    secrets: dict[str, Any] | None = None
    held = resource_type.hidden & attributes.keys()
    if held:
        bare = {name: _shown(resource_type, name, attributes[name]) for name in held}
        secrets = {name: attributes[name] for name in held if bare[name] != attributes[name]} or None
        merged = {**attributes, **bare}
        attributes = {name: value for name, value in merged.items() if value is not None}
    return orjson.dumps(attributes)[1:-1].replace(_MARKED_REF, b'"$ref":"' + BASE_MARK), secrets


def _shown(resource_type: ResourceType, name: str, value: Any) -> Any:  # noqa: ANN401
    """A top-level attribute, or an extension, without what is never returned; None when nothing is left."""
    attribute = resource_type.attributes.get(name.lower())
    if attribute is not None:
        return _bared(attribute, value)
    extension = resource_type.extension(name)
    known = extension.attributes if extension is not None else {}
    return {key: kept for key, item in value.items() if (kept := _bared(known[key.lower()], item)) is not None} or None


def _bared(attribute: Attribute, value: Any) -> Any:  # noqa: ANN401
    if attribute.returned == "never":
        return None
    if not any(sub.returned == "never" for sub in attribute.sub_attributes.values()):
        return value
    if isinstance(value, list):
        return [kept for item in value if (kept := _bared(attribute, item)) is not None] or None
    subs = attribute.sub_attributes
    return {name: item for name, item in value.items() if subs[name.lower()].returned != "never"} or None


def shown(resource_type: ResourceType, attributes: dict[str, Any], base: str = "") -> dict[str, Any]:
    """Attributes as ``Record.attributes`` gives them once they are stored, with references below a base URL."""
    body, secrets = pack(resource_type, attributes)
    result: dict[str, Any] = orjson.loads(b"{" + body.replace(BASE_MARK, base.encode()) + b"}")
    return {**result, **(secrets or {})}


def _folded(attribute: Attribute, value: object) -> str | None:
    if not isinstance(value, str):
        return None
    return value if attribute.case_exact else value.casefold()


def _indexable(resource_type: ResourceType, key: str) -> bool:
    name, _, sub = key.partition(".")
    attribute = resource_type.attributes.get(name)
    if attribute is None or attribute.mutability == "readOnly" or attribute.keyed:
        return False
    leaf = attribute.sub(sub) if sub else attribute
    return leaf is not None and leaf.type in ("string", "reference") and leaf.returned != "never"


def _values_at(resource_type: ResourceType, attributes: Mapping[str, Any] | None, key: str) -> Iterable[str]:
    """The folded texts at an index key."""
    if attributes is None:
        return
    name, _, sub = key.partition(".")
    attribute = resource_type.attributes[name]
    leaf: Attribute | None = attribute.sub(sub) if sub else attribute
    if leaf is None:
        return
    held = attributes.get(attribute.name)
    for item in held if isinstance(held, list) else [held]:
        value = item.get(leaf.name) if sub and isinstance(item, dict) else item
        folded = _folded(leaf, value)
        if folded is not None:
            yield folded
