"""Seeing the directory otherwise than it is: other versions of some resources, put into the store for a while.

Everything that reads, with its indexes and memberships, then sees one state. It costs what is seen otherwise, not the
size of the directory, and leaves no trace: what was seen is rendered and listed anew afterwards (Store.changed).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mockscim.scim.members import Member
from mockscim.scim.record import Change, Record
from mockscim.scim.store import Store

Key = tuple[str, str]  # the name of a resource type and an id


class View:
    """Other versions of some resources; nothing may be written while they are seen.

    Two resources never hold the same unique value: what would clash with another is seen as it is.

    Args:
        store: the directory.
        records: the version to see of each resource, the oldest knowledge first; None: it is not there.
    """

    def __init__(self, store: Store, records: Mapping[Key, Record | None]) -> None:
        self._store = store
        self._records = dict(records)
        self._held: dict[Key, Record | None] = {}
        self._memberships: dict[str, dict[str, None] | None] = {}

    def enter(self) -> None:
        """Begin to see them."""
        seen = {key: record for key, record in self._records.items() if self._current(key) is not record}
        while clashing := self._clashing(seen):
            for key in clashing:
                del seen[key]
        self._held = {key: self._current(key) for key in seen}
        self._memberships = {}
        self._exchange(seen)

    def leave(self) -> None:
        """See what is again, exactly as it was before."""
        self._exchange(self._held)
        memberships = self._store.memberships
        for id_, groups in self._memberships.items():  # taken out and put back, a group would come last
            if groups is not None:
                memberships[id_] = groups
            else:
                memberships.pop(id_, None)
        self._held, self._memberships = {}, {}

    def hide(self, changes: Iterable[Change]) -> None:
        """Do not see what was changed while the view was left."""
        for change in changes:
            self._records.setdefault((change.type.name, change.id), change.before)

    def _current(self, key: Key) -> Record | None:
        return self._store.tables[key[0]].records.get(key[1])

    def _clashing(self, seen: Mapping[Key, Record | None]) -> list[Key]:
        """Those that hold what another has, or a version that is newer knowledge."""
        found: list[Key] = []
        claimed: set[tuple[int, Any]] = set()
        for key, record in reversed([*seen.items()]):
            if record is None:
                continue
            claims = self._store.tables[key[0]].claims(record)
            holders = [index.get(value, key[1]) for index, value in claims]
            mine = {(id(index), value) for index, value in claims}
            if any(one != key[1] and (key[0], one) not in seen for one in holders) or not claimed.isdisjoint(mine):
                found.append(key)
            claimed |= mine
        return found

    def _exchange(self, records: Mapping[Key, Record | None]) -> None:
        # Taken out first and put in after, as a unique value may be another's in the other version.
        for key, record in sorted(records.items(), key=lambda item: item[1] is not None):
            current = self._current(key)
            changed = _changed(current, record)
            for id_ in changed:
                if id_ not in self._memberships:
                    groups = self._store.memberships.get(id_)
                    self._memberships[id_] = dict(groups) if groups is not None else None
            self._store.show(self._store.tables[key[0]], current, record, changed)


def _changed(before: Record | None, after: Record | None) -> dict[str, Member | None]:
    """The members that come or (None) go from one version to another."""
    old = before.members if before is not None else None
    new = after.members if after is not None else None
    if old is not None and new is not None:
        return old.changes_to(new)
    return {**{member.value: None for member in old or ()}, **{member.value: member for member in new or ()}}
