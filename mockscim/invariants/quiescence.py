"""I4: quiescence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import orjson

from mockscim.invariants.changes import Step
from mockscim.invariants.convergence import open_differences
from mockscim.invariants.desired import Desired
from mockscim.invariants.marks import Cycle
from mockscim.invariants.scene import Scene
from mockscim.invariants.thwarted import excuse
from mockscim.invariants.verdict import Evidence, Finding, idle, invariant, judged
from mockscim.invariants.writes import Write


@invariant("I4", "quiescence")
def quiescence(scene: Scene) -> Finding:
    """Once all is as it should be, a cycle writes nothing; and no attribute goes from A to B and back to A.

    Judged is a cycle, marked from begin to end, in which nothing went wrong, nor in the one before. If the directory
    is as desired at its begin and at its end (but for what the provider made so), each write in it is one too many.
    Without ``desired`` a cycle is judged where the one before committed nothing, it commits nothing itself, and both
    wrote the same: what had no effect once has none twice.

    Back and forth are changes that the client asked for, in exchanges without faults, with none by others in between:
    of an attribute as a whole, or of one membership. Within one marked cycle one return is too many; elsewhere the
    client may have its reasons, and more than ``flips`` of one attribute of one resource are.
    """
    found = list(_needless(scene))
    found += _flips(scene)
    if not scene.steps and not scene.writes:
        return idle("the client asked for no change")
    cycles = [cycle for cycle in scene.cycles if cycle.end is not None]
    if not cycles:
        otherwise = "nothing goes back and forth; of cycles nothing is known (POST marks)"
        return judged(found, "back to an earlier value", otherwise)
    return judged(
        found, "a needless write, or back to an earlier value", "no quiet cycle wrote, and nothing goes back and forth"
    )


def _needless(scene: Scene) -> Iterator[Evidence]:
    before: Cycle | None = None
    for place, cycle in enumerate(scene.cycles):
        if cycle.end is not None and before is not None and _quiet(scene, before) and _quiet(scene, cycle):
            writes = [write for write in scene.writes if write.seen.cycle == place]
            if writes and _nothing_to_do(scene, cycle, before, writes):
                for write in writes:
                    yield Evidence(f"{write} although nothing was to be done, in {cycle.label}", write.seen.n)
        before = cycle if cycle.end is not None else None


def _quiet(scene: Scene, cycle: Cycle) -> bool:
    return not any(seen.troubled for seen in scene.seen_in(cycle)) and not any(
        step.journal is None or step.landed_late for step in scene.steps_in(cycle)
    )


def _nothing_to_do(scene: Scene, cycle: Cycle, before: Cycle, writes: list[Write]) -> bool:
    committed = scene.steps_in(cycle)
    if scene.desired is not None:
        desired = scene.desired_at(cycle.journal[0] + 1)
        if desired is None:
            return False
        at_begin = _as_desired(scene, desired, cycle.history[0], cycle.journal[0])
        return at_begin and (not committed or _as_desired(scene, desired, cycle.history[1], cycle.journal[1]))
    earlier = [write for write in scene.writes if cycle_of(scene, write) is before]
    return not committed and not scene.steps_in(before) and _said(earlier) == _said(writes)


def cycle_of(scene: Scene, write: Write) -> Cycle | None:
    """The marked cycle that a write is in."""
    return scene.cycles[write.seen.cycle] if write.seen.cycle is not None else None


def _said(writes: list[Write]) -> set[tuple[object, ...]]:
    return {write.seen.identity for write in writes}


def _as_desired(scene: Scene, desired: Desired, history: int, journal: int) -> bool:
    """Whether the directory was as desired after a change, but for what up to an exchange was not the client's."""
    return all(
        excuse(scene, difference, until=journal) is not None
        for difference in open_differences(scene, desired, scene.state_after(history))
    )


def _flips(scene: Scene) -> Iterator[Evidence]:
    """Returns to an earlier value: of attributes, and of members."""
    courses: dict[tuple[str, str, str], list[tuple[bytes, Step]]] = defaultdict(list)
    for step in scene.steps:
        if step.before is None or step.after is None:
            continue
        ours = step.write is not None and step.seen is not None and not step.seen.troubled
        for key, was, now in _moves(step):
            course = courses[step.type, step.id, key]
            if not ours or (course and course[-1][0] != was):
                course.clear()
            if ours:
                course += [(now, step)] if course else [(was, step), (now, step)]
    for (kind, _, key), course in courses.items():
        yield from _returns(scene, kind, key, course)


def _moves(step: Step) -> Iterator[tuple[str, bytes, bytes]]:
    for name, (was, now) in step.changed.items():
        yield name, orjson.dumps(was), orjson.dumps(now)
    came, went = step.members
    for value in came:
        yield f"member {value}", b"out", b"in"
    for value in went:
        yield f"member {value}", b"in", b"out"


def _returns(scene: Scene, kind: str, key: str, course: list[tuple[bytes, Step]]) -> Iterator[Evidence]:
    back = []
    for place in range(2, len(course)):
        value, step = course[place]
        if value == course[place - 2][0]:
            back.append(step)
            first = course[place - 1][1]
            assert step.seen is not None  # noqa: S101 - only such are in a course
            assert first.seen is not None  # noqa: S101
            if step.seen.cycle is not None and step.seen.cycle == first.seen.cycle:
                what = f"{kind} {step.name}: {key} went back to what it was{scene.in_cycle(step.seen.cycle)}"
                yield Evidence(f"{what} (changed by #{first.seen.n})", step.journal, step.n)
                return
    if len(back) > scene.parameters.flips:
        step = back[-1]
        yield Evidence(f"{kind} {step.name}: {key} went back {len(back)} times", step.journal, step.n)
