"""I11: no resurrection."""

from __future__ import annotations

from collections.abc import Iterator

from mockscim.invariants.changes import Step, is_active
from mockscim.invariants.desired import State, named
from mockscim.invariants.scene import Scene
from mockscim.invariants.seen import Seen
from mockscim.invariants.verdict import Evidence, Finding, idle, invariant, judged

Gone = dict[tuple[str, ...], Step]


@invariant("I11", "no resurrection")
def no_resurrection(scene: Scene) -> Finding:
    """Who was deprovisioned does not come back, but by a later desired state.

    A user who was deactivated or deleted and is active again (under the same id or userName), and a member who was
    removed and is one again, by a request that came after. Broken if what was desired when the request came knows
    nothing of it; where nothing is desired of it either way, if the request is a retry of one that came before the
    deprovision: what was meant then is not meant now. A write that a fault held back and that lands late is the
    provider's doing. So is what met a fault that delivered requests in another order or twice.
    """
    gone: Gone = {}
    found = []
    originals = {seen.n: operation.first for operation in scene.operations for seen in operation.attempts}
    any_gone = False
    for step in scene.steps:
        for key, group, member in _returns(step):
            left = gone.pop(key, None)
            if left is None or step.write is None or step.seen is None or step.landed_late or left.n == step.n:
                continue
            if left.journal is not None and step.seen.n <= left.journal:
                continue  # it was under way already
            evidence = _judge(scene, step, left, originals.get(step.seen.n, step.seen), (group, member))
            if evidence is not None:
                found.append(evidence)
        for key in _leaves(step):
            any_gone = True
            gone[key] = step
    if not any_gone:
        return idle("nobody was deprovisioned")
    return judged(found, "somebody came back undesired", "nobody came back undesired")


def _judge(scene: Scene, step: Step, left: Step, first: Seen, member: tuple[Step | None, str]) -> Evidence | None:
    assert step.seen is not None  # noqa: S101 - the caller looked
    desired = scene.desired_at(step.seen.n)
    wanted: bool | None = None
    who = step.name
    if member[0] is not None and step.after is not None:
        state = State({**scene.state.records, (step.type, step.id): step.after})
        wanted = desired.wants_member(step.after, member[1], state) if desired is not None else None
        who = f"the member {member[1]} of {step.name}"
    elif desired is not None and step.after is not None and step.type in desired.kinds:
        found = desired.of(step.after)
        wanted = found is not None and not found.inactive
    before = left.journal if left.journal is not None else 0
    if wanted is None and first.n < before:
        what = f"{who} came back by a retry of #{first.n}, which was older than the deprovision"
        return Evidence(what, step.journal, step.n)
    if wanted is False:
        return Evidence(f"{who} came back, not desired, after {_told(left)}", step.journal, step.n)
    return None


def _told(left: Step) -> str:
    return f"#{left.journal}" if left.journal is not None else f"change {left.n}"


def _leaves(step: Step) -> Iterator[tuple[str, ...]]:
    """Who is deprovisioned by a change: users and memberships."""
    if step.deactivated and step.before is not None:
        yield "id", step.id
        if step.removed:
            yield from (
                ("name", value) for name, value in named("User", step.before.attributes()) if name == "username"
            )
    if step.after is not None:
        yield from (("member", step.id, value) for value in sorted(step.members[1]))


def _returns(step: Step) -> Iterator[tuple[tuple[str, ...], Step | None, str]]:
    """Who is active, or a member, by a change."""
    if step.type == "User" and step.activated and step.after is not None and is_active(step.after):
        yield ("id", step.id), None, ""
        for name, value in named("User", step.after.attributes()):
            if name == "username":
                yield ("name", value), None, ""
    if step.before is not None:
        for value in sorted(step.members[0]):
            yield ("member", step.id, value), step, value
