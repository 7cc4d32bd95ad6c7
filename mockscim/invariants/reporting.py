"""I13: sound reporting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mockscim.invariants.changes import is_active
from mockscim.invariants.desired import Desired, State, named, same
from mockscim.invariants.marks import Cycle, Reported
from mockscim.invariants.scene import Scene
from mockscim.invariants.seen import Identity
from mockscim.invariants.thwarted import sent_members, sent_values
from mockscim.invariants.verdict import Evidence, Finding, idle, invariant, judged, unasked
from mockscim.invariants.writes import Write, fields, fold
from mockscim.scim.record import Record


@invariant("I13", "sound reporting")
def sound_reporting(scene: Scene) -> Finding:
    """What the client reports of a cycle (``reported`` of its end mark) is so.

    A resource among ``succeeded`` is there at the end of the cycle, or (where it is not desired) gone or inactive;
    where it is desired it is as desired. It is no false report if the last write about it was acknowledged: then the
    provider lied, and the client could not know.

    No failure is dropped: a logical write of the cycle whose last attempt was no success, that committed nothing, whose
    effect is not there, and after which no write about the same resource went well, has to show in the report: its name
    among ``failed``, a number of failures, or ``success: false``. That all went well (``success: true``, or neither) is
    then a false report.
    """
    reports = [(c, c.reported) for c in scene.cycles if c.reported is not None]
    if not reports:
        return unasked("the client reported nothing (POST marks with reported)")
    found: list[Evidence] = []
    for cycle, reported in reports:
        state = scene.state_after(cycle.history[1])
        desired = scene.desired_at(cycle.journal[1])
        writes = [w for w in scene.writes if cycle.journal[0] < w.seen.n <= cycle.journal[1]]
        found += _false_successes(scene, cycle, reported, state, desired, writes)
        found += _dropped(scene, cycle, reported, state, writes)
    said = [r for _, r in reports if r.success is not None or r.succeeded is not None or r.failed is not None]
    if not said and not found:
        return idle("the client reported neither success nor failure")
    return judged(found, "reported wrongly", f"{len(said)} reports are sound")


def _false_successes(
    scene: Scene, cycle: Cycle, reported: Reported, state: State, desired: Desired | None, writes: list[Write]
) -> Iterator[Evidence]:
    for name in reported.succeeded if isinstance(reported.succeeded, list) else ():
        records = _called(name, state)
        wrong = _not_so(name, records, state, desired)
        if not wrong:
            continue
        ids = {record.id for record in records} | {name} | scene.once_called(fold(name))
        about = [w for w in writes if w.id in ids or any(value == fold(name) for _, value in w.names)]
        if about and about[-1].ok:
            continue
        last = about[-1].seen.n if about else None
        told = f"; the last write about it was {about[-1]}: {about[-1].seen.told()}" if about else ""
        yield Evidence(f"{cycle.label} reports {name} as done: {wrong}{told}", last)


def _not_so(name: str, records: list[Record], state: State, desired: Desired | None) -> str:
    """Why a resource is not done; empty when it is."""
    if desired is None:
        return "" if records else "it is not there"
    wanted = next((w for w in desired.wanted if fold(name) in w.keys.values() or w.id == name), None)
    if wanted is None:
        there = [r for r in records if r.type.name in desired.kinds and (r.type.name != "User" or is_active(r))]
        return "it is there and not desired" if there else ""
    # That it is there twice is another matter: one of them is as it should be.
    difference = next((d for d in desired.compare(wanted, state) if d.wanted is not None), None)
    return difference.what if difference is not None else ""


def _called(name: str, state: State) -> list[Record]:
    """The resources that a client may mean by a name."""
    found = [record for (_, id_), record in state.records.items() if id_ == name]
    for (_, _, value), records in state.names.items():
        if value == fold(name):
            found += [record for record in records if record not in found]
    return found


def _dropped(scene: Scene, cycle: Cycle, reported: Reported, state: State, writes: list[Write]) -> Iterator[Evidence]:
    if reported.success is False or (isinstance(reported.failed, int) and reported.failed > 0):
        return
    listed = {fold(name) for name in reported.failed} if isinstance(reported.failed, list) else set()
    if reported.success is None and reported.succeeded is None and reported.failed is None:
        return
    last: dict[tuple[Identity, int | None], Write] = {}
    committed: set[tuple[Identity, int | None]] = set()
    for write in writes:
        operation = (write.seen.identity, write.place)
        last[operation] = write
        if write.seen.exchange.changes:
            committed.add(operation)
    for operation, write in last.items():
        if write.ok or operation in committed or (write.method == "DELETE" and write.status == 404):
            continue
        names = _names_of(scene, write, state)
        if names & listed or _went_well_after(scene, write, writes, state) or _effect(write, state) is not False:
            continue
        name = next(iter(sorted(names)), write.id or "?")
        what = f"{cycle.label} reports no failure of {name}, but {write} ended with {write.seen.told()}"
        yield Evidence(what, write.seen.n)


def _names_of(scene: Scene, write: Write, state: State) -> set[str]:
    """What the client may call the resource of a write, folded."""
    found = {value for _, value in write.names}
    if write.id is not None:
        found.add(fold(write.id))
        record = state.records.get((write.type, write.id)) or scene.first_state.get((write.type, write.id))
        if record is not None:
            found.update(value for _, value in named(write.type, record.attributes()))
        found.update(value for (kind, _, value), ids in scene.bearers.items() if kind == write.type and write.id in ids)
    return found


def _went_well_after(scene: Scene, write: Write, writes: list[Write], state: State) -> bool:
    names = _names_of(scene, write, state)
    return any(
        later.ok and later.seen.n > write.seen.n and later.type == write.type and _names_of(scene, later, state) & names
        for later in writes
    )


def _effect(write: Write, state: State) -> bool | None:
    """Whether what a write asked for is so at the end of the cycle; None where that cannot be told."""
    record = state.records.get((write.type, write.id)) if write.id is not None else None
    if write.method == "DELETE":
        return record is None
    if write.method == "POST":
        return bool(state.find(write.type, dict(write.names))) if dict(write.names) else None
    if record is None:
        return False
    if write.method == "PUT":
        return _all_so(record, write.fields)
    return _patched(record, write)


def _all_so(record: Record, wanted: Mapping[str, object]) -> bool:
    actual = fields(record.attributes())
    for name, value in wanted.items():
        attribute = record.type.attributes.get(name)
        if attribute is None or attribute.mutability == "readOnly" or attribute.keyed:
            continue
        if attribute.returned != "never" and not same(attribute, value, actual.get(name)):
            return False
    return True


def _patched(record: Record, write: Write) -> bool | None:
    """Whether the plain parts of a PATCH are so; None where it has none."""
    actual = fields(record.attributes())
    told: bool | None = None
    for name, attribute in record.type.attributes.items():
        for value in sent_values(write, name):
            if not attribute.keyed:
                told = (told is not False) and same(attribute, value, actual.get(name))
    came, went = sent_members(write)
    if came or went:
        held = {member.value for member in record.members or ()}
        told = (told is not False) and came <= held and not (went or set()) & held
    return told
