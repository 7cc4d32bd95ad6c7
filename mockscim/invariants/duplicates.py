"""I1: no duplicates."""

from __future__ import annotations

from collections import defaultdict

from mockscim.invariants.changes import Step, name_of
from mockscim.invariants.desired import Key, named
from mockscim.invariants.scene import Scene
from mockscim.invariants.verdict import Evidence, Finding, idle, invariant, judged
from mockscim.scim.record import Record

_UNIQUE = ("username", "externalid")


@invariant("I1", "no duplicates", journal=False)
def no_duplicates(scene: Scene) -> Finding:
    """At no commit do two live resources of a type have the same userName or the same externalId.

    userNames and externalIds are compared without regard to case and surrounding space, whether or not the provider
    enforces uniqueness. Only what the client asked for is held against it: a resource that a request of its own made
    or changed so. Two that one request made, as when a fault delivers it twice, are the provider's doing; in a bulk
    job they are the client's if it sent both. A request that landed late is not held against a client that looked in
    between, and was told that nothing is there. What a fixture or a change behind the client's back brought is not
    judged.
    """
    live: dict[tuple[str, str, str], dict[str, str]] = defaultdict(dict)
    records: dict[Key, Record] = dict(scene.first_state)
    for (kind, id_), record in records.items():
        for name, value in _names(kind, record):
            live[kind, name, value][id_] = ""
    found: list[Evidence] = []
    judged_any = False
    for batch in _batches(scene.steps):
        for step in batch:
            _move(live, step)
        for step in batch:
            if step.after is None or step.write is None:
                continue
            judged_any = True
            before = set(_names(step.type, step.before)) if step.before is not None else set()
            for name, value in _names(step.type, step.after):
                others = live[step.type, name, value].keys() - {step.id}
                if not others or (name, value) in before or step.id not in live[step.type, name, value]:
                    continue
                others = {id_ for id_ in others if not any(o.id == id_ and o.n > step.n for o in batch)}
                theirs = {other.id: other for other in batch if other.before is None and other.id in others}
                if step.landed_late and step.seen is not None and scene.looked_up(step.seen):
                    continue
                if any(id_ not in theirs or _sent_both(theirs[id_], step) for id_ in others):
                    what = f"{step.type} {name_of(step.after, step.id)} has the {_LABEL[name]} of {min(others)}"
                    found.append(Evidence(what, step.journal, step.n))
    if not judged_any:
        return idle("the client committed nothing")
    return judged(found, "a duplicate was made", "each name was one resource's at every commit")


_LABEL = {"username": "userName", "externalid": "externalId"}


def _names(kind: str, record: Record) -> list[tuple[str, str]]:
    return [(name, value) for name, value in named(kind, record.attributes()) if name in _UNIQUE]


def _batches(steps: list[Step]) -> list[list[Step]]:
    """The changes of one exchange together: what is between them nobody could see."""
    found: list[list[Step]] = []
    for step in steps:
        if found and step.journal is not None and found[-1][-1].journal == step.journal:
            found[-1].append(step)
        else:
            found.append([step])
    return found


def _move(live: dict[tuple[str, str, str], dict[str, str]], step: Step) -> None:
    if step.before is not None and step.after is not None and step.before.body is step.after.body:
        return
    for name, value in _names(step.type, step.before) if step.before is not None else ():
        live[step.type, name, value].pop(step.id, None)
    for name, value in _names(step.type, step.after) if step.after is not None else ():
        live[step.type, name, value][step.id] = ""


def _sent_both(first: Step, second: Step) -> bool:
    """Whether two creates of one exchange were two operations of a bulk job."""
    return (
        first.write is not None
        and second.write is not None
        and first.write.place is not None
        and first.write.place != second.write.place
    )
