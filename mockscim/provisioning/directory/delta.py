"""What has changed since a watermark: the directory's log, and the net of a part of it (like Graph's delta query)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

Kind = Literal["user", "manager", "group", "member", "principal", "entitled"]


class Entry(NamedTuple):
    """One thing that has happened to one object. Of kind ``member``: ``member`` has joined or left the group ``id``."""

    kind: Kind
    id: str
    member: str = ""
    joined: bool = False


class Members(NamedTuple):
    """Who has joined a group, and who has left it."""

    added: list[str]
    removed: list[str]


class Delta(NamedTuple):
    """What has changed, each object once, in the order of its first change.

    Args:
        watermark: what to ask from next time.
        users: added, edited (manager, too), soft-deleted, restored, or gone: then the directory does not know the id.
        managers: those whose manager has changed.
        groups: added, edited or gone; not those of which only the members changed.
        members: of groups that are still there, net: who left and came back is in neither list.
        entitled: users who may have been assigned or unassigned, themselves or by way of a group.
        principals: users and groups that were assigned or unassigned themselves.
    """

    watermark: int
    users: list[str]
    managers: list[str]
    groups: list[str]
    members: dict[str, Members]
    entitled: list[str]
    principals: list[str]

    @property
    def empty(self) -> bool:
        """Whether nothing has changed."""
        return not (self.users or self.groups or self.members or self.entitled or self.principals)


def net(entries: Iterable[Entry], watermark: int) -> Delta:
    """The sum of some entries of a log. Each ``member`` entry is a true change: two of the same pair cancel out."""
    found: dict[str, dict[str, None]] = {kind: {} for kind in ("user", "manager", "group", "principal", "entitled")}
    moves: dict[str, dict[str, bool]] = {}
    for entry in entries:
        if entry.kind == "member":
            moved = moves.setdefault(entry.id, {})
            if entry.member in moved:
                del moved[entry.member]
            else:
                moved[entry.member] = entry.joined
        else:
            found[entry.kind][entry.id] = None
    members = {
        group: Members([m for m, joined in moved.items() if joined], [m for m, joined in moved.items() if not joined])
        for group, moved in moves.items()
        if moved
    }
    lists = {kind: list(ids) for kind, ids in found.items()}
    return Delta(
        watermark, lists["user"], lists["manager"], lists["group"], members, lists["entitled"], lists["principal"]
    )
