"""Which objects a cycle looks at: all in an initial one, else what has changed and what failed and is due.

Users come before groups, and both before what refers to them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from mockscim.provisioning.directory import Delta
from mockscim.provisioning.entra import deletions, quarantine, references
from mockscim.provisioning.entra.ground import Decision, Ground
from mockscim.provisioning.entra.state import KINDS, Kind, key_of

# What needs the target to be asked.
_SENDS = ("sync", "disable", "delete")


@dataclass
class Work:
    """What there is to do, in order.

    Attributes:
        initial: everything is looked at.
        delta: what the source has told.
        decisions: of users and groups that are looked at, but for those about whom nothing is to be done.
        held_back: those of them that the accidental-deletion guard holds back.
        managers: users whose manager is looked at in the second pass.
        groups: groups whose members are.
    """

    initial: bool
    delta: Delta
    decisions: dict[tuple[Kind, str], Decision] = field(default_factory=dict)
    held_back: set[tuple[Kind, str]] = field(default_factory=set)
    managers: dict[str, None] = field(default_factory=dict)
    groups: dict[str, None] = field(default_factory=dict)

    @property
    def sends(self) -> bool:
        """Whether the target is asked for any object."""
        return any(decision.verb in _SENDS and key not in self.held_back for key, decision in self.decisions.items())

    def of(self, kind: Kind, *, deletes: bool) -> list[tuple[str, Decision]]:
        """The objects of one kind that are deleted, or the others."""
        return [
            (key, decision)
            for (each, key), decision in self.decisions.items()
            if each == kind and (decision.verb == "delete") == deletes
        ]


def find(ground: Ground) -> Work:
    """See what there is to do."""
    state = ground.state
    initial = state.watermark is None
    delta = ground.directory.delta(state.watermark or 0)
    work = Work(initial, delta)
    forced = state.staged if state.deletes_forced else []
    retried = quarantine.due(state, ground.now)
    for kind in KINDS:
        if not ground.mapping(kind).enabled:
            continue
        keys = dict.fromkeys(_changed(ground, work, kind))
        keys |= dict.fromkeys(key for each, key in forced if each == kind)
        keys |= dict.fromkeys(each.id for each in retried if each.kind == kind and each.part == "object")
        _decide(ground, work, kind, keys)
    work.held_back = set(deletions.held_back(ground, work.decisions))
    work.managers = {key: None for kind, key in work.decisions if kind == "User"}
    work.groups = {key: None for kind, key in work.decisions if kind == "Group"} | dict.fromkeys(delta.members)
    for each in retried:
        if each.part == "references":
            (work.managers if each.kind == "User" else work.groups)[each.id] = None
    return work


def _changed(ground: Ground, work: Work, kind: Kind) -> Iterable[str]:
    delta, there = work.delta, ground.directory.users if kind == "User" else ground.directory.groups
    links = ground.state.links(kind)
    if work.initial:
        # What is linked and gone from the source is there to be deleted.
        yield from there
        yield from links
        return
    yield from delta.users if kind == "User" else delta.groups
    yield from delta.entitled if kind == "User" else ()
    yield from (each for each in delta.principals if each in there or each in links)


def _decide(ground: Ground, work: Work, kind: Kind, keys: Iterable[str]) -> None:
    for key in keys:
        decision = ground.decide(kind, key)
        if decision.verb != "nothing":
            work.decisions[kind, key] = decision
            continue
        ground.state.escrows.pop(key_of(kind, key, "object"), None)
        if decision.release:
            ground.state.links(kind).pop(key, None)


def pending(ground: Ground, kind: Kind, keys: Iterable[str]) -> list[references.Pending]:
    """Whose references are to change, now that users and groups are in the target."""
    found = []
    for key in keys:
        one = references.manager(ground, key) if kind == "User" else references.members(ground, key)
        if one is None:
            ground.state.escrows.pop(key_of(kind, key, "references"), None)
        else:
            found.append(one)
    return found
