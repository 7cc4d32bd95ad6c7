"""I3: convergence."""

from __future__ import annotations

from mockscim.invariants.desired import Desired, Difference, Key, State
from mockscim.invariants.scene import Scene
from mockscim.invariants.thwarted import attempts_at, excuse, ids_of
from mockscim.invariants.verdict import Evidence, Finding, held, idle, invariant, judged, unasked

_NAMES = frozenset({"userName", "displayName"})


@invariant("I3", "convergence")
def convergence(scene: Scene) -> Finding:
    """After the last fault, within C cycles or T on the tenant's clock, the directory is as desired.

    Held as soon as no difference is left. Otherwise the client is given its chance: C whole cycles (``cycles``) that
    began after the last trouble, or T (``within``) since; one whole cycle where there was no trouble at all; with
    neither marks nor T it is judged as it stands. Trouble is a fault beyond a delay, a client that left, and a change
    that no client asked for.

    Compared are the attributes that ``desired`` names, in the types that it has. A resource beyond those desired is a
    difference (``extra``), but for inactive users, what was made or renamed behind the client's back, and what a fault
    made of its requests by delivering them twice or late. What the client sent and the provider acknowledged without
    doing, refused for good, or did not allow is not its doing; while it is not given an untroubled chance, nor is what
    failed again and again, or was changed by others after the client had done it.
    """
    if scene.desired is None:
        return unasked("nobody said what is desired (PUT desired)")
    differences = open_differences(scene, scene.desired, scene.state)
    if not differences:
        return held(f"all {len(scene.desired.wanted)} desired resources are as desired")
    patient = bool(scene.cycles) or scene.parameters.within is not None
    if patient and (waiting := _still_waiting(scene)):
        return idle(f"{len(differences)} differences, and {waiting}")
    found, excused = [], 0
    for difference in differences:
        if excuse(scene, difference, troubled=not patient) is not None:
            excused += 1
        else:
            found.append(evidence(scene, difference))
    return judged(found, "not as desired", f"{excused} differences are left that the provider made")


def open_differences(scene: Scene, desired: Desired, state: State) -> list[Difference]:
    """Where the directory is not as desired, but for what nobody asked the client to mend."""
    behind = {(step.type, step.id) for step in scene.steps if step.before is None and not scene.meant(step)}
    behind -= set(scene.first_state)
    behind |= _renamed(scene)
    found = list(desired.differences(state))
    beyond = {(d.record.type.name, d.record.id) for d in found if d.wanted is None and d.record is not None}
    for made in scene.made_together:  # of several that a fault made of one create, the client needs to know but one
        if not made <= beyond:
            behind |= made
    left = beyond - behind if scene.parameters.extra else set()
    return [d for d in found if d.wanted is not None or (d.record and (d.record.type.name, d.record.id) in left)]


def _renamed(scene: Scene) -> set[Key]:
    """What bears a name that it was given behind its client's back."""
    found: set[Key] = set()
    for step in scene.steps:
        if step.before is not None and step.after is not None and _NAMES & step.changed.keys():
            (found.add if step.write is None else found.discard)((step.type, step.id))
    return found


def evidence(scene: Scene, difference: Difference) -> Evidence:
    """A difference, with the last change and the last exchange that had to do with the resource."""
    ids = ids_of(scene, difference)
    step = max((s for id_ in ids for s in scene.steps_of.get(id_, ())), key=lambda s: s.n, default=None)
    tried = attempts_at(scene, difference)
    last = tried[-1].seen if tried else None
    what = difference.what
    if last is not None:
        what += f"; last tried by {tried[-1]}, answer: {last.told()}"
    elif difference.wanted is not None:
        what += "; never tried"
    return Evidence(what, last.n if last else step.journal if step else None, step.n if step else None)


def _still_waiting(scene: Scene) -> str:
    """Why the client has not had its chance; empty when it has."""
    exchange, change, at = scene.last_trouble
    within = scene.parameters.within
    if within is not None and scene.now - at >= within:
        return ""
    whole = sum(
        1
        for cycle in scene.cycles
        if cycle.end is not None and cycle.journal[0] >= exchange and cycle.history[0] >= change
    )
    if scene.cycles and not exchange and not change:  # nothing has gone wrong: it was to arrive in the first
        return "" if whole else "no whole cycle yet"
    if scene.cycles and whole >= scene.parameters.cycles:
        return ""
    if scene.cycles:
        return f"only {whole} of {scene.parameters.cycles} cycles since the last trouble (#{exchange})"
    return f"only {scene.now - at:.0f} s since the last trouble (#{exchange})"
