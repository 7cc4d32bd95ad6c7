"""I12: progress."""

from __future__ import annotations

from mockscim.invariants.convergence import evidence, open_differences
from mockscim.invariants.desired import Difference
from mockscim.invariants.scene import Scene
from mockscim.invariants.thwarted import attempts_at, excuse
from mockscim.invariants.verdict import Evidence, Finding, idle, invariant, judged, unasked


@invariant("I12", "progress")
def progress(scene: Scene) -> Finding:
    """Resources that cannot be brought to where they should be do not keep the others from it.

    Poisoned is a desired resource that is not as desired because its writes were refused for good or failed
    ``refusals`` times or more with no success, while other writes went well after its first failure, or with a
    refusal for good (4xx but 401, 404, 408, 412, 429). The others have to be as desired once the client has had its
    turn: at the end of a marked cycle, or as it stands where none is marked. Not held against it is what it tried and
    could not bring about, what takes an operation that was answered 403 the last time, what was never tried because
    nothing worked any more, and a member who is poisoned.
    """
    if scene.desired is None:
        return unasked("nobody said what is desired (PUT desired)")
    differences = open_differences(scene, scene.desired, scene.state)
    poisoned = [difference for difference in differences if _poisoned(scene, difference)]
    if not poisoned:
        return idle("nothing is poisoned")
    if scene.cycles and scene.cycles[-1].end is None:
        return idle("a cycle is under way")
    names = {d.wanted.pointer for d in poisoned if d.wanted is not None}
    found: list[Evidence] = []
    for difference in differences:
        if difference.wanted is None or difference.wanted.pointer in names or excuse(scene, difference) is not None:
            continue
        if _died_after(scene, difference):
            continue
        found.append(evidence(scene, difference))
    return judged(
        found, f"not as desired, beside {len(names)} poisoned", f"{len(names)} poisoned, the others as desired"
    )


def _poisoned(scene: Scene, difference: Difference) -> bool:
    if difference.wanted is None:
        return False
    tried = attempts_at(scene, difference)
    if not tried or any(write.ok for write in tried):
        return False
    last = tried[-1]
    if last.status is not None and 400 <= last.status < 500 and last.status not in (401, 403, 404, 408, 412, 429):
        return True
    if any(kind in ("poison", "member_unresolvable", "scope_loss") for kind in last.seen.faults()):
        return True
    went_on = any(write.ok and write.seen.n > tried[0].seen.n for write in scene.writes)
    return len(tried) >= scene.parameters.refusals and went_on


def _died_after(scene: Scene, difference: Difference) -> bool:
    """Whether nothing worked at the end, so that what was not tried could not have been."""
    last = [seen for seen in scene.seen[-3:] if seen.operation]
    return not attempts_at(scene, difference) and all(seen.failed and "poison" not in seen.faults() for seen in last)
