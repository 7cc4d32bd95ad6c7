"""I7: no destruction on partial knowledge."""

from __future__ import annotations

from collections.abc import Iterator

from mockscim.invariants.changes import Step
from mockscim.invariants.enumeration import Walk, flaws
from mockscim.invariants.scene import Scene
from mockscim.invariants.seen import Seen
from mockscim.invariants.verdict import Evidence, Finding, idle, invariant, judged
from mockscim.invariants.writes import Write


@invariant("I7", "no destruction on partial knowledge")
def no_destruction_on_partial_knowledge(scene: Scene) -> Finding:
    """After a reading of a collection that was not whole, the client removes nothing.

    Removals are requests to delete or deactivate, and committed removals of members. For each, the last reading of
    each collection before it counts, in the same marked cycle; there is nothing to judge where there was none. It was
    not whole where a page failed and was not read again, pages repeated, totalResults differed from page to page or
    from what was read in all, or there was more to read. What the client itself made or removed meanwhile is allowed
    for, and pages that are read after the removal belong to the reading as well.

    Not held against the client is a removal of what it looked up singly in between: the resource by id or by a filter,
    of a member the group or the member.
    """
    removals = list(_removals(scene))
    walks = scene.walks
    found, relevant = [], 0
    for write, seen, ids in removals:
        latest: dict[str, Walk] = {}
        for walk in walks:
            if walk.pages[0].seen.n < seen.n and walk.last.epoch == seen.epoch and walk.last.agent == seen.agent:
                latest[walk.resource] = walk
        relevant += bool(latest)
        for walk in latest.values():
            wrong = next(flaws(walk, _own(scene, walk)), None)
            if wrong is None or _confirmed(scene, walk.last.n, seen, ids):
                continue
            what, page = wrong
            found.append(Evidence(f"{write} after reading {walk.resource}s in part: {what} (#{page.n})", seen.n))
            break
    if not relevant:
        return idle("the client removed nothing" if not removals else "nothing was removed after a collection was read")
    return judged(found, "removed on partial knowledge", f"{relevant} removals, each after whole readings")


def _removals(scene: Scene) -> Iterator[tuple[Write, Seen, set[str]]]:
    """What the client asked to remove, once each, with the ids that a look-up could be about."""
    members = {step.n: step for step in scene.steps if step.members[1] and step.after is not None}
    by_write: dict[tuple[int, int | None], list[Step]] = {}
    for step in members.values():
        if step.write is not None and step.id == step.write.id:
            by_write.setdefault((step.write.seen.n, step.write.place), []).append(step)
    for write in scene.writes:
        steps = by_write.get((write.seen.n, write.place), [])
        if write.method == "DELETE" or _deactivates(write):
            yield write, write.seen, {write.id} if write.id else set()
        elif steps:
            gone = {value for step in steps for value in step.members[1]}
            yield write, write.seen, gone | ({write.id} if write.id else set())


def _deactivates(write: Write) -> bool:
    if write.place is None:
        return any(name.endswith(".deactivate") for name in write.seen.exchange.refinements)
    return write.type == "User" and str(write.fields.get("active", "")).lower() == "false"


def _own(scene: Scene, walk: Walk) -> int:
    """How many resources the client made or removed since a walk began, until it ended."""
    first, last = walk.pages[0].seen, walk.last
    return sum(
        1
        for step in scene.steps
        if step.write is not None
        and (step.before is None or step.after is None)
        and step.type.lower() == walk.resource
        and step.journal is not None
        and first.n < step.journal < last.n
    )


def _confirmed(scene: Scene, after: int, removal: Seen, ids: set[str]) -> bool:
    """Whether the client looked singly at what it then removed."""
    for seen in scene.seen:
        if not after < seen.n < removal.n or not seen.arrived:
            continue
        if seen.verb == "get" and seen.id in ids and (seen.ok or seen.status == 404):
            return True
        if seen.verb in ("list", "search") and seen.parameters.get("filter") and seen.ok and seen.ids & ids:
            return True
    return False
