"""Putting the data of a fixture into a directory, with its ids and times kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from mockscim.scim import plain
from mockscim.scim.call import Call
from mockscim.scim.errors import ScimError, uniqueness
from mockscim.scim.members import MembersDraft
from mockscim.scim.patch import put_members, read_members
from mockscim.scim.planning import Planner
from mockscim.scim.policy import Tolerance
from mockscim.scim.record import Change, Record, pack
from mockscim.scim.resource import normalise, require
from mockscim.scim.schema import ResourceType
from mockscim.scim.slips import Careful

# A fixture is data, not a request: that it says less than a request has to is nobody's fault.
_FIXTURE_LENIENCIES = frozenset({"missing-schemas", "unknown-schema-urn", "schemas-mismatch", "undeclared-extension"})
_NOTHING: plain.Plain = ("", None, {}, b"")
# So many resources go into their table at once.
_BATCH = 1024


class Seeder:
    """Puts resources into the directory of a planner's provider."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner

    def seed(
        self, kind: ResourceType, document: Mapping[str, Any], id_: str, now: str, meta: Mapping[str, Any]
    ) -> Change | None:
        """Put a resource of a fixture into the directory, with its id and times kept; one of that id is replaced.

        Returns:
            The change; None when the resource is there already, just so.

        Raises:
            ScimError: when it does not fit its schema, or is not unique.
        """
        tolerance = Careful(self._planner.policy.accepted | _FIXTURE_LENIENCIES)
        # A dump does not tell what is never returned (a password), and loads again.
        attributes = normalise(document, kind, self._planner.policy, tolerance, complete=False)
        if kind.name == "User" and self._planner.policy.deactivate == "leave":
            attributes.setdefault("active", True)
            if self._planner.leaves(kind, attributes):
                # Nobody is inactive at such a provider: a person who is not active is known, and outside.
                self.seed_account(document, id_, now)
                return None
        other = self._planner.store.find(id_)
        if other is not None and other.type is not kind:
            raise uniqueness(f"the id {id_} is taken by a {other.type.name}")
        self._planner.check_unique(kind, attributes, id_)
        if kind.name == "User" and self._planner.policy.join_accounts:
            self._claim(id_, str(attributes.get("userName", "")))
        self._planner.link(kind, attributes)
        modified = str(meta.get("lastModified") or now)
        if other is not None:
            return self._planner.store.update(other, attributes, {}, modified)
        return self._planner.store.create(kind, id_, attributes, {}, modified, created=str(meta.get("created") or now))

    def plainly(
        self,
        kind: ResourceType,
        lines: Iterable[tuple[int, bytes]],
        now: str,
        good_id: Callable[[str], object],
        times: Callable[[object], Mapping[str, str] | None],
    ) -> Iterator[tuple[int, bytes]]:
        """Put resources of one type into the directory as they come, at the start, when nothing has looked at it yet.

        It is ``seed`` for a million, at a provider that knows nobody outside: one loop, for each call in it would cost
        a tenth of a second.

        Args:
            kind: the type.
            lines: the JSON of one resource each, with its number.
            now: when they are made that say nothing of it.
            good_id: whether a text may be an id.
            times: the times in a ``meta``; None where anything is wrong with them.

        Yields:
            Those that are not plain, or not right; for ``seed``. All before one of them is there then.
        """
        store, table = self._planner.store, self._planner.store.tables[kind.name]
        read = plain.reader(kind)
        if read is None:
            yield from lines
            return
        link, linked = self._planner.link, {a.name if urn is None else urn for urn, a, _ in kind.references}
        unique = [(a.name, a.case_exact, table.unique[a.key]) for a in kind.unique]
        rules = bool(kind.extended_required or kind.parts_required)
        needed = [a.name for a in kind.required if not a.keyed]
        records, batch = table.records, list[Record]()
        commits, seq = store.counters
        for number, text in lines:
            created = modified = now
            found = read(text)
            id_, meta, attributes, body = found or _NOTHING
            fits = id_ not in records and good_id(id_)
            if fits:
                for name in needed:
                    value = attributes.get(name)
                    if value is None or (isinstance(value, str) and not value.strip()):
                        fits = False
                claims = []
                for name, exact, holders in unique:
                    value = attributes.get(name)
                    if value is not None:
                        value = value if exact else value.casefold()
                        fits = fits and value not in holders
                        claims.append((holders, value))
                if meta is not None:
                    said = times(meta)
                    if said is None:
                        fits = False
                    else:
                        created, modified = said.get("created", now), said.get("lastModified", now)
                if rules:
                    fits = fits and _complete(attributes, kind)
            if not fits:
                store.adopt(table, batch, (commits, seq))
                batch.clear()
                yield number, text
                commits, seq = store.counters
                continue
            if not linked.isdisjoint(attributes):
                link(kind, attributes)
                body, _ = pack(kind, attributes)
            commits += 1
            seq += 1
            records[id_] = record = Record(id_, kind, seq, commits, created, modified, body, None, None)
            for holders, value in claims:
                holders[value] = id_
            batch.append(record)
            if len(batch) >= _BATCH:
                store.adopt(table, batch, (commits, seq))
                batch.clear()
        store.adopt(table, batch, (commits, seq))

    def _claim(self, id_: str, user_name: str) -> None:
        """Whoever comes in with a fixture is no longer outside."""
        same_name = self._planner.store.account(user_name)
        same_id = self._planner.store.accounts.records.get(id_) if self._planner.store.accounts is not None else None
        if same_id is not None and same_id is not same_name:
            raise uniqueness(f"the id {id_} is taken by an account")
        if same_name is not None:
            self._planner.store.drop_account(same_name.id)

    def seed_members(self, kind: ResourceType, id_: str, listed: list[Any], meta: Mapping[str, Any]) -> Change | None:
        """Give a group of a fixture its members; the resources they name must be there.

        Raises:
            ScimError: when one is not.
        """
        record = self._planner.store.get(kind, id_)
        if record is None or kind.keyed is None:
            return None
        call = Call("POST", "", f"{kind.resource}.create", Tolerance(self._planner.policy.accepted), kind)
        draft = MembersDraft(record.members)
        draft.clear()
        items = read_members(listed, kind.keyed, self._planner.policy, call.tolerance)
        accounts = self._planner.store.accounts
        if accounts is not None and self._planner.policy.deactivate == "leave":
            items = [
                item for item in items if item["value"] not in accounts.records
            ]  # whoever is outside is in no group
        put_members(draft, items, self._planner.kind_of(call, id_))
        return self._planner.store.update_members(
            record, draft.difference(), str(meta.get("lastModified") or record.modified)
        )

    def seed_account(self, document: Mapping[str, Any], id_: str, now: str) -> None:
        """Put a person whom the provider knows outside this directory into its accounts.

        Raises:
            ScimError: when it does not fit the schema, or the userName is taken.
        """
        kind = self._planner.registry.types["User"]
        tolerance = Tolerance(self._planner.policy.accepted | _FIXTURE_LENIENCIES | {"unknown-attribute"})
        attributes = normalise(document, kind, self._planner.policy, tolerance)
        if attributes.get("active") is True:
            del attributes["active"]  # nobody is active outside
        if self._planner.policy.join_accounts:
            self._planner.check_unique(kind, attributes, None)
        if self._planner.store.find(id_) is not None:
            raise uniqueness(f"the id {id_} is taken by a resource")
        known = self._planner.store.account(str(attributes.get("userName", "")))
        if known is not None and known.id != id_:
            raise uniqueness(f"userName {attributes['userName']!r} is taken by another account")
        self._planner.store.put_account(id_, attributes, now)


def _complete(attributes: Mapping[str, Any], kind: ResourceType) -> bool:
    """Whether nothing is missing that is required."""
    try:
        require(attributes, kind, complete=False)
    except ScimError:
        return False
    return True
