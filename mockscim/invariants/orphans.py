"""I2: no orphans."""

from __future__ import annotations

from mockscim.invariants.changes import Step, is_active
from mockscim.invariants.scene import Scene
from mockscim.invariants.verdict import Evidence, Finding, idle, invariant, judged


@invariant("I2", "no orphans")
def no_orphans(scene: Scene) -> Finding:
    """Every live resource that a request of the client made is one whose id the client holds.

    It holds the ids of the last mapping that it reported (``reported.ids`` of a mark). Where it reported none, it
    holds what it was shown (in the answer to the create, in a later answer to a look-up or a list) and what it
    addressed later, in a path or as a member. A create that was acknowledged without an id is no orphan if the
    resource is desired. Of several resources that a fault made of one create, one is enough. What landed late it
    could not know, if it sent nothing after or had looked before. What a fixture or a change behind the client's
    back brought is not judged; nor is a user whom the client itself deactivated.
    """
    made = {}
    for step in scene.steps:
        if step.before is None and step.write is not None and step.write.method == "POST":
            made[step.type, step.id] = step
    retired = {step.id for step in scene.steps if step.deactivated and step.write is not None}
    live = [step for key, step in made.items() if key in scene.state.records]
    live = [s for s in live if s.id not in retired or is_active(scene.state.records[s.type, s.id])]
    if not made:
        return idle("the client made nothing")
    mapping = next((r.ids for mark in reversed(scene.marks) if (r := mark.reported) is not None and r.ids), None)
    known = set(mapping.values()) if mapping is not None else _known(scene)
    last = scene.seen[-1].n if scene.seen else 0
    ours: dict[tuple[int | None, int | None], list[str]] = {}
    for step in made.values():
        ours.setdefault((step.journal, step.write.place if step.write else None), []).append(step.id)
    found = []
    for step in live:
        assert step.write is not None  # noqa: S101 - only such were taken
        if known.intersection(ours[step.journal, step.write.place]):
            continue
        if mapping is None and _unknowable(scene, step):
            continue
        record = scene.state.records[step.type, step.id]
        if mapping is None and step.write.ok and scene.desired is not None:
            wanted = scene.desired.of(record)
            if wanted is not None and len(scene.state.find(step.type, wanted.keys, wanted.id)) == 1:
                continue
        told = step.seen.told() if step.seen is not None else "unknown"
        what = f"{step.type} {step.name} was made (answer: {told}), and the client does not hold its id"
        found.append(Evidence(what, step.journal, step.n))
    otherwise = f"the client holds the ids of all {len(live)} that it made" if last else "nothing is left"
    return judged(found, "nobody holds the id of what was made", otherwise)


def _known(scene: Scene) -> set[str]:
    """The ids that the client was shown, or used."""
    found: set[str] = set()
    for seen in scene.seen:
        found |= seen.ids
        if seen.id is not None:
            found.add(seen.id)
    for write in scene.writes:
        if write.id is not None:
            found.add(write.id)
        if write.type == "Group" and write.method != "DELETE":
            found.update(_values(write.fields))
    return found


def _values(document: object) -> set[str]:
    """Every text in a document that could be an id, also between the quotes of a path."""
    found: set[str] = set()
    stack = [document]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, str):
            found.add(item)
            found.update(item.split('"')[1::2])
            found.add(item.rsplit("/", 1)[-1])
    return found


def _unknowable(scene: Scene, step: Step) -> bool:
    """Whether a create landed too late for the client to find: it had looked before, or sent nothing after."""
    if not step.landed_late or step.seen is None:
        return False
    return scene.looked_up(step.seen) or all(seen.exchange.started <= step.entry.at for seen in scene.seen)
