"""I6: no wrong deprovision."""

from __future__ import annotations

from collections import defaultdict

from mockscim.invariants.changes import Step, is_active
from mockscim.invariants.desired import State
from mockscim.invariants.scene import Scene
from mockscim.invariants.verdict import Evidence, Finding, idle, invariant, judged


@invariant("I6", "no wrong deprovision")
def no_wrong_deprovision(scene: Scene) -> Finding:
    """Nobody who is desired is deleted or deactivated by the client, and no cycle deprovisions more than the cap.

    Held against what was desired when the request came. Who is desired as inactive may be deactivated or deleted; of
    several resources for one who is desired all but one may go. The cap (``max_deletes``) counts deletions of whatever
    type and deactivations in one marked cycle, in the whole journal where none is marked.
    """
    gone = [step for step in scene.steps if _deprovisions(step)]
    found = []
    counted: dict[int | None, list[Step]] = defaultdict(list)
    state = State(dict(scene.first_state)) if scene.desired is not None else None
    place = 0
    for step in gone:
        if step.seen is not None:
            counted[step.seen.cycle].append(step)
        if state is None or step.before is None:
            continue
        while place < len(scene.steps) and scene.steps[place].n <= step.n:
            _apply(state, scene.steps[place])
            place += 1
        desired = scene.desired_at(step.journal or 0)
        wanted = desired.of(step.before) if desired is not None else None
        if wanted is None or wanted.inactive:
            continue
        others = State(state.records).find(wanted.kind.name, wanted.keys)
        if any(other.id != step.id and (other.type.name != "User" or is_active(other)) for other in others):
            continue
        how = "deleted" if step.removed else "deactivated"
        found.append(Evidence(f"{wanted.label} is desired and was {how}", step.journal, step.n))
    most = scene.parameters.max_deletes
    for cycle, steps in counted.items():
        if len(steps) > most:
            what = f"{len(steps)} were deprovisioned{scene.in_cycle(cycle)}, the cap is {most}"
            found.append(Evidence(what, steps[most].journal, steps[most].n))
    if not gone:
        return idle("the client deprovisioned nobody")
    known = "" if scene.desired is not None else "; what is desired nobody said (PUT desired)"
    return judged(found, "deprovisioned wrongly", f"{len(gone)} were deprovisioned, within the cap{known}")


def _deprovisions(step: Step) -> bool:
    return step.write is not None and (step.removed or step.deactivated)


def _apply(state: State, step: Step) -> None:
    if step.after is not None:
        state.records[step.type, step.id] = step.after
    else:
        state.records.pop((step.type, step.id), None)
