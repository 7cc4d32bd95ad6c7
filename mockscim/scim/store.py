"""The directory: all tables, who is in which group, accounts, rendering, commits, and snapshots.

A record is a version that never changes. A snapshot keeps, for each record changed since, what it was: taking one
costs nothing, and restoring costs what has changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from operator import itemgetter
from typing import Any

import orjson

from mockscim.scim.members import Member, Members
from mockscim.scim.reading import read_some
from mockscim.scim.record import BASE_MARK, Change, Record, pack, shown
from mockscim.scim.schema import Attribute, Registry, ResourceType
from mockscim.scim.table import Table, folded

# How many rendered resources are kept, and up to which size.
_MOST_KEPT = 4096
_LARGEST_KEPT = 4096

_place = itemgetter(0, 1)

# Where a record is: whether it is an account, its type's name, its id.
Key = tuple[bool, str, str]


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
        self._snapshots: dict[str, dict[Key, Record | None]] = {}
        # Resources rendered of late, for one base URL. A version never changes, but the groups that a user is in do:
        # any change of a group empties it. Groups themselves show their members' names, and are not kept.
        # How often anything changed: what was found out is true as long as this stays.
        self.changed = 0
        self._rendered: dict[Record, bytes] = {}
        # What the groups that a resource is in add to its version, by id; emptied along with those.
        self._standings: dict[str, str] = {}
        self._rendered_for: tuple[str, bool] | None = None

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
        key = folded(attribute, value)
        return self.tables[resource_type.name].unique[attribute.key].get(key) if key is not None else None

    def account(self, user_name: str) -> Record | None:
        """The account outside this directory with that userName."""
        if self.accounts is None:
            return None
        found = self.accounts.lookup("username", user_name.casefold())
        return found[0] if found else None

    def label(self, id: str) -> str | None:  # noqa: A002
        """The name of a resource for people: displayName, or userName."""
        record = self.find(id)
        return self._label(record) if record is not None else None

    @staticmethod
    def _label(record: Record) -> str | None:
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

    def etag(self, record: Record) -> str:
        """The version of a resource as an entity tag (RFC 7644 §3.14).

        It is that of its record; of one that is in groups, which are rendered in, also of what is shown of them.
        """
        if record.id in self.memberships and "groups" in record.type.attributes:
            return f'W/"{self._grouped(record)}"'
        return f'W/"{record.version}"'

    def _grouped(self, record: Record) -> str:
        standing = self._standings.get(record.id)
        if standing is None:
            shown = sorted((id_, direct, self.label(id_)) for id_, direct in self.groups_of(record.id).items())
            standing = blake2b(orjson.dumps(shown), digest_size=5).hexdigest()
            if len(self._standings) >= _MOST_KEPT:
                self._standings.clear()
            self._standings[record.id] = standing
        return f"{record.version}-{standing}"

    def is_new(self) -> bool:
        """Whether nothing is in it, and nothing remembers what was."""
        return not self._snapshots and not self.size

    # -- rendering ---------------------------------------------------------------------------------------------

    def render_all(self, records: Iterable[Record], base: str, *, etag: bool = True) -> list[bytes]:
        """A page of resources as JSON: mostly what has been rendered before."""
        if self._rendered_for != (base, etag):
            self._rendered = {}
            self._rendered_for = (base, etag)
        kept = self._rendered
        return [kept.get(record) or self._keep(record, base, etag=etag) for record in records]

    def _keep(self, record: Record, base: str, *, etag: bool) -> bytes:
        found = self.render(record, base, etag=etag)
        if record.type.keyed is None and len(found) <= _LARGEST_KEPT:
            if len(self._rendered) >= _MOST_KEPT:
                self._rendered.clear()
            self._rendered[record] = found
        return found

    def render(self, record: Record, base: str, *, members: bool = True, etag: bool = True) -> bytes:
        """A resource as JSON.

        Args:
            record: the version to render.
            base: the base URL of the request, without trailing slash.
            members: whether to include a group's members.
            etag: whether to publish the version.
        """
        kind = record.type
        body = record.body
        if BASE_MARK in body:
            body = body.replace(BASE_MARK, base.encode())
        id_ = record.id
        grouped = id_ in self.memberships and "groups" in kind.attributes
        number = self._grouped(record) if grouped else record.version
        version = f',"version":"W/\\"{number}\\""' if etag else ""
        meta = (
            f',"meta":{{"resourceType":"{kind.name}","created":"{record.created}","lastModified":"{record.modified}"'
            f',"location":"{base}{kind.endpoint}/{id_}"{version}}}}}'
        ).encode()
        more = b""
        if members and record.members:
            more = kind.keyed_mark + orjson.dumps(self._members(record, base))
        if grouped:
            more += b',"groups":' + orjson.dumps(self._groups(id_, base))
        comma = b'",' if body else b'"'
        return b"".join((b'{"schemas":', kind.schemas_json(body), b',"id":"', id_.encode(), comma, body, more, meta))

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
        held = orjson.loads(b"{" + record.body.replace(BASE_MARK, base.encode()) + b"}")
        return self._completed(held, record, base, members=members, etag=etag, needs=needs)

    def documents(
        self,
        kind: ResourceType,
        records: Sequence[Record],
        base: str,
        needs: frozenset[str],
        *,
        etag: bool = True,
    ) -> list[dict[str, Any]]:
        """Many resources of one type as dicts, with what is needed of each and hardly more: for scans.

        Args:
            kind: the type.
            records: the versions to show.
            base: the base URL.
            needs: the top-level attributes that will be read (lower case).
            etag: whether to publish the version.
        """
        found = read_some(kind, records, needs, base.encode())
        if not kind.derives(needs):
            return found
        return [
            self._completed(held, record, base, members=True, etag=etag, needs=needs)
            for held, record in zip(found, records, strict=True)
        ]

    def _completed(
        self,
        held: dict[str, Any],
        record: Record,
        base: str,
        *,
        members: bool,
        etag: bool,
        needs: frozenset[str] | None,
    ) -> dict[str, Any]:
        """What a record holds, with what the provider adds."""
        kind = record.type
        result: dict[str, Any] = {"schemas": kind.schemas_of(record.body), "id": record.id, **held}
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
                result["meta"]["version"] = self.etag(record)
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
        held = self.groups_of(id)
        found = []
        for group, direct in held.items():
            record = self.find(group)
            if record is None:
                continue
            item = {"value": group, "$ref": f"{base}{record.type.endpoint}/{group}"}
            name = record.label or self._label(record)
            if name is not None:
                item["display"] = name
            item["type"] = "direct" if direct else "indirect"
            found.append((not direct, record.seq, item))
        if len(found) > 1:
            found.sort(key=_place)  # not in the order of joining, which is not remembered everywhere
        return [item for _, _, item in found]

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

    def adopt(self, table: Table, records: Sequence[Record], counters: tuple[int, int]) -> None:
        """Enter new records of which the table's indexes know already: only at the start, before any snapshot."""
        self.changed += 1
        table.extend(records)
        self.counters = counters

    def update(
        self,
        record: Record,
        attributes: dict[str, Any],
        members: Mapping[str, Member | None],
        now: str,
        *,
        touched: Collection[str] | None = None,
    ) -> Change | None:
        """Commit a new version of a resource; None, and no new version, when nothing differs.

        Args:
            record: the version that is.
            attributes: the attributes that will be.
            members: the members that come, change or (None) go.
            now: the time, as meta shows it.
            touched: the attributes, and URNs of extensions, that may differ; None for any.
        """
        if touched is not None and not touched:
            return self.update_members(record, members, now)
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
        self._apply(self.tables[record.type.name], record, after, members, attributes, touched)
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
        touched: Collection[str] | None = None,
    ) -> None:
        record = after or before
        if record is None:
            return
        self.changed += 1
        key = (table is self.accounts, record.type.name, record.id)
        for saved in self._snapshots.values():
            if saved.setdefault(key, before) is None and after is None:
                del saved[key]  # came and went since the snapshot
        table.put(before, after, attributes, touched)
        if record.type.keyed is not None and table is not self.accounts:
            self._rendered.clear()
            self._standings.clear()
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

    def forget_snapshots(self, keep: Collection[str]) -> None:
        """Forget all snapshots but some."""
        self._snapshots = {name: saved for name, saved in self._snapshots.items() if name in keep}

    def restore(self, name: str, *, renew: bool = True) -> list[Change]:
        """Return to a snapshot, which stays; KeyError when there is none.

        Args:
            name: the snapshot's name.
            renew: give each resource that returns a new version, as no version may be used twice; without it the
                old versions return too, as if nothing had happened since.

        Returns:
            The changes this makes to resources, for the history.
        """
        changes = self.put_back(self._snapshots[name], renew=renew)
        self._snapshots[name] = {}
        return changes

    def changed_since(self, name: str) -> dict[Key, Record | None]:
        """What has changed since a snapshot, as it was then; KeyError when there is none."""
        return dict(self._snapshots[name])

    def at(self, key: Key) -> Record | None:
        """The record at a key."""
        account, type_name, id_ = key
        table = self.accounts if account else self.tables[type_name]
        return table.records.get(id_) if table is not None else None

    def put_back(self, saved: Mapping[Key, Record | None], *, renew: bool = True) -> list[Change]:
        """Give some records the versions they once had, None where they were not there; renewed as ``restore`` does.

        Returns:
            The changes this makes to resources, for the history.
        """
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
        return changes

    def show(
        self, table: Table, before: Record | None, after: Record | None, changed: Mapping[str, Member | None]
    ) -> None:
        """Exchange what is seen of a resource, with its members that come or (None) go: for view.View."""
        record = after or before
        if record is None:
            return
        self.changed += 1
        table.put(before, after)
        if record.type.keyed is not None:
            self._rendered.clear()
            self._standings.clear()
            self._remember_members(record.id, before, after, changed)

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

    @property
    def size(self) -> int:
        """How many resources there are."""
        return sum(map(len, self.tables.values()))

    def dismantled(self) -> Iterator[None]:
        """Take everything out for good, some at a time; nobody asks for it any more."""
        self._snapshots.clear()
        self._rendered.clear()
        for table in (*self.tables.values(), *([self.accounts] if self.accounts is not None else ())):
            yield from table.dismantled()

    @property
    def counters(self) -> tuple[int, int]:
        """The number of the last commit, which made a version, and of the last place in creation order."""
        return self.commits, self._seq

    @counters.setter
    def counters(self, found: tuple[int, int]) -> None:
        self.commits, self._seq = found

    def take_up(self, records: Iterable[tuple[bool, Record]], counters: tuple[int, int]) -> None:
        """Go on from what another store held: into an empty one, each record with whether it is an account."""
        for account, record in records:
            table = self.accounts if account else self.tables[record.type.name]
            if table is not None:
                self._apply(table, None, record)
        self.counters = counters

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
