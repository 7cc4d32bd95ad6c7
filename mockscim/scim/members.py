"""A group's members, keyed by value, in versions that share their memory.

Every version of a group is immutable to its readers, yet one more member must cost the same at 10 and at 100,000.
So only the newest version holds the map; an older one holds the difference to the next newer (Baker's trick for
persistent arrays). Reading an old version rebuilds it, which happens when a snapshot is restored, not in traffic.
Who holds an old version holds all differences from there on: once they are as many as the members, one version keeps
a map of its own, and they end there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

# Differences to fewer members than that are not worth a map.
_FEW = 1000


class Member(NamedTuple):
    """One member: the id of a resource, its kind, a name if the client gave one, and its place in the order."""

    value: str
    type: str
    display: str | None
    seq: int


class Members:
    """One version of a set of members, in the order they were added."""

    __slots__ = ("_map", "_newer", "_next", "_since", "_undo", "changed")

    def __init__(self) -> None:
        self._map: dict[str, Member] | None = {}
        self._newer: Members | None = None
        self._undo: Mapping[str, Member | None] = {}
        self._next = 1
        # By how many members this version differs from the one before.
        self.changed = 0
        # The same of all versions together, since one of them kept its map.
        self._since = 0

    def __len__(self) -> int:
        return len(self._members())

    def __iter__(self) -> Iterator[Member]:
        return iter(self._members().values())

    def __contains__(self, value: str) -> bool:
        return self.get(value) is not None

    def get(self, value: str) -> Member | None:
        """The member with that id."""
        version = self
        while (members := version._map) is None:
            if value in version._undo:
                return version._undo[value]
            assert version._newer is not None  # noqa: S101 - a version without a map always has a newer one
            version = version._newer
        return members.get(value)

    @property
    def next_seq(self) -> int:
        """The place that the next new member gets."""
        return self._next

    def updated(self, changes: Mapping[str, Member | None]) -> Members:
        """The next version: each id set to its member, or taken out where it is None. This version stays as it is."""
        if self._map is None:
            return self._thawed().updated(changes)
        members = self._map
        since = self._since + len(changes)
        own = members.copy() if since > _FEW and since > len(members) else None
        undo: dict[str, Member | None] = {}
        newest = self._next
        for value, member in changes.items():
            undo[value] = members.get(value)
            before = undo[value]
            if before is not None and (member is None or member.seq != before.seq):
                del members[value]  # one that comes back comes last, as its place says
            if member is not None:
                members[value] = member
                newest = max(newest, member.seq + 1)
        newer = Members()
        newer._map, newer._next, newer.changed = members, newest, len(changes)
        if own is not None:
            self._map = own
        else:
            newer._since = since
            self._map, self._newer, self._undo = None, newer, undo
        return newer

    def changes_to(self, other: Members) -> dict[str, Member | None]:
        """What another version holds otherwise: ids with their member there, or None; some may be the same.

        Between two versions of one group it costs what has changed, not the size of the group, as long as none
        between them has a map of its own.
        """
        steps = self._steps_to(other)
        if steps is not None:
            there = other._members()
            return {value: there.get(value) for undo in steps for value in undo}
        steps = other._steps_to(self)
        if steps is not None:
            found: dict[str, Member | None] = {}
            for undo in steps:  # the first word on a member is what the oldest version held
                for value, member in undo.items():
                    found.setdefault(value, member)
            return found
        here, there = self._members(), other._members()
        gone = dict.fromkeys(here.keys() - there.keys())
        return {**gone, **{value: member for value, member in there.items() if here.get(value) is not member}}

    def came_and_went(self, later: Members) -> tuple[frozenset[str], frozenset[str]]:
        """The ids that a later version has and this has not, and those that only this one has."""
        changes: Mapping[str, Member | None]
        if self._map is None and self._newer is later:
            changes = {value: later.get(value) for value in self._undo}  # the next version: nothing is rebuilt
        else:
            changes = self.changes_to(later)
        came = frozenset(value for value, now in changes.items() if now is not None and value not in self)
        return came, frozenset(value for value, now in changes.items() if now is None and value in self)

    def _steps_to(self, newer: Members) -> list[Mapping[str, Member | None]] | None:
        """What has been undone on the way to a newer version, oldest first; None where no way leads there."""
        steps: list[Mapping[str, Member | None]] = []
        version: Members | None = self
        while version is not newer:
            if version is None:
                return None
            steps.append(version._undo)
            version = version._newer
        return steps

    def _members(self) -> dict[str, Member]:
        return self._map if self._map is not None else self._rebuilt()

    def _rebuilt(self) -> dict[str, Member]:
        steps: list[Mapping[str, Member | None]] = []
        version: Members = self
        while version._map is None:
            steps.append(version._undo)
            assert version._newer is not None  # noqa: S101 - a version without a map always has a newer one
            version = version._newer
        members = dict(version._map)
        for undo in reversed(steps):
            for value, member in undo.items():
                if member is None:
                    members.pop(value, None)
                else:
                    members[value] = member
        return dict(sorted(members.items(), key=lambda item: item[1].seq))

    def settle(self) -> None:
        """Give this version a map of its own: it is in use again, and each look-up would rebuild one."""
        if self._map is None:
            self._map, self._newer, self._undo = self._rebuilt(), None, {}

    def _thawed(self) -> Members:
        copy = Members()
        copy._map, copy._next = self._rebuilt(), self._next
        return copy


class MembersDraft:
    """The changes that one request makes to a group's members, before they are committed."""

    __slots__ = ("_base", "_next", "changes", "cleared")

    def __init__(self, base: Members | None) -> None:
        self._base = base if base is not None else Members()
        self._next = self._base.next_seq
        self.changes: dict[str, Member | None] = {}
        self.cleared = False

    def get(self, value: str) -> Member | None:
        """The member with that id, as the draft stands."""
        if value in self.changes:
            return self.changes[value]
        return None if self.cleared else self._base.get(value)

    def __iter__(self) -> Iterator[Member]:
        if not self.cleared:
            for member in self._base:
                if member.value not in self.changes:
                    yield member
                else:
                    changed = self.changes[member.value]
                    if changed is not None and changed.seq == member.seq:
                        yield changed
        for value, changed in self.changes.items():
            if changed is not None:
                base = None if self.cleared else self._base.get(value)
                if base is None or base.seq != changed.seq:
                    yield changed

    def put(self, value: str, type: str, display: str | None) -> None:  # noqa: A002 - the sub-attribute's name
        """Add a member, or renew the one with that id in its place."""
        present = self.get(value)
        if present is not None:
            display = display if display is not None else present.display
            if (present.type, present.display) == (type, display):
                return
            self.changes[value] = Member(value, type, display, present.seq)
        else:
            original = self._base.get(value)
            if original is not None and self.cleared:
                # Taken out and put back in one request: it never left.
                self.changes[value] = Member(value, type, display, original.seq)
            else:
                self.changes.pop(value, None)  # one that was taken out comes back last
                self.changes[value] = Member(value, type, display, self._next)
                self._next += 1

    def discard(self, value: str) -> bool:
        """Take a member out; whether there was one."""
        if self.get(value) is None:
            return False
        self.changes[value] = None
        return True

    def clear(self) -> None:
        """Take all members out."""
        self.cleared = True
        self.changes = {}

    def difference(self) -> dict[str, Member | None]:
        """What really changes: ids with their new member, or None for those that leave."""
        base, wanted = self._base, self.changes
        if self.cleared:
            wanted = {**wanted, **{member.value: None for member in base if member.value not in wanted}}
        return {value: member for value, member in wanted.items() if base.get(value) != member}
