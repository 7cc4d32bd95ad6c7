"""Committed changes as the judge sees them: who asked for them, and which attributes and members they altered."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from mockscim.invariants.seen import Seen
from mockscim.invariants.writes import Write
from mockscim.journal import HistoryEntry
from mockscim.scim.record import Record

MEMBERS = "members"


class Step:
    """A committed change.

    Attributes:
        n, type, id, before, after: as in the history.
        journal: the number of the exchange behind it; None for what was done behind the client's back.
        seen: that exchange, where the journal still has it.
        write: what the client asked for that this is what came of it; None where it asked for something else: what a
            fault does to other resources, or a member that goes with its user.
    """

    def __init__(self, entry: HistoryEntry, seen: Seen | None, write: Write | None) -> None:
        self.entry = entry
        self.n = entry.n
        self.type = entry.change.type.name
        self.id = entry.change.id
        self.before: Record | None = entry.change.before
        self.after: Record | None = entry.change.after
        self.journal = entry.journal
        self.seen = seen
        self.write = write

    @cached_property
    def landed_late(self) -> bool:
        """Whether it was committed after the exchange had ended: a write that a fault held back."""
        if self.seen is None:
            return False
        exchange = self.seen.exchange
        return self.entry.at > exchange.started + exchange.duration + 0.05

    @cached_property
    def changed(self) -> dict[str, tuple[Any, Any]]:
        """Attributes that differ, by name: what was and what is (None: nothing). Members are not among them."""
        before, after = self.before, self.after
        if before is not None and after is not None and before.body is after.body:
            return {}
        was = before.attributes() if before is not None else {}
        now = after.attributes() if after is not None else {}
        names = {**was, **now}
        return {n: (was.get(n), now.get(n)) for n in names if was.get(n) != now.get(n)}

    @cached_property
    def members(self) -> tuple[frozenset[str], frozenset[str]]:
        """The ids of the members that came, and of those that went."""
        before = self.before.members if self.before is not None else None
        after = self.after.members if self.after is not None else None
        if before is after:
            return frozenset(), frozenset()
        if before is None or after is None:
            held = frozenset(m.value for m in (before or after or ()))
            return (held, frozenset()) if before is None else (frozenset(), held)
        return before.came_and_went(after)

    @cached_property
    def deactivated(self) -> bool:
        """Whether a user was active and is not, or is no longer there."""
        return self.type == "User" and is_active(self.before) and not is_active(self.after)

    @cached_property
    def activated(self) -> bool:
        """Whether a user was not there, or not active, and is."""
        return self.type == "User" and not is_active(self.before) and is_active(self.after)

    @property
    def removed(self) -> bool:
        """Whether the resource is no longer there."""
        return self.after is None

    @cached_property
    def name(self) -> str:
        """What people call the resource."""
        return name_of(self.after or self.before, self.id)


def is_active(record: Record | None) -> bool:
    """Whether a user is there and not deactivated; one that says nothing about it is active."""
    return record is not None and record.attributes().get("active") is not False


def name_of(record: Record | None, id_: str) -> str:
    """A resource by its userName or displayName, with its id."""
    attributes: Mapping[str, Any] = record.attributes() if record is not None else {}
    name = attributes.get("userName") or attributes.get("displayName")
    return f"{name} ({id_})" if name else id_
