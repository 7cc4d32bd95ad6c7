"""I5: no lost update."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from mockscim.invariants.changes import Step
from mockscim.invariants.scene import Scene
from mockscim.invariants.seen import Seen
from mockscim.invariants.verdict import Evidence, Finding, idle, invariant, judged
from mockscim.invariants.writes import Write, fields

_VERSION = re.compile(r'"?([0-9]+)')


@invariant("I5", "no lost update")
def no_lost_update(scene: Scene) -> Finding:
    """No write overwrites a change by somebody else that its client had not seen.

    A write's base is the version that its client last read: the one shown in the last answer about the resource that
    reached it. A write that said If-Match is sound: the provider saw to it. If others (a change behind the client's
    back, or a client of another User-Agent) have committed changes since the base, what they changed and what the
    write changed must be disjoint: attribute by attribute, member by member. Where the client never read the resource
    there is no base, and nothing is judged; nor where the write, or the reading it is based on, met a fault.

    A PATCH that gives one simple attribute a value means that value, whatever was there: it may overwrite
    (``targeted=false`` to refuse that too). A PUT, and a PATCH of a complex or a multi-valued attribute as a whole,
    carry along what their client had read.
    """
    found, writes = [], 0
    reads = _reads(scene)
    courses: dict[tuple[str, str], list[Step]] = defaultdict(list)
    for step in scene.steps:
        course = courses[step.type, step.id]
        if step.before is not None and step.after is not None and step.write is not None and step.seen is not None:
            writes += 1
            if evidence := _lost(scene, step, course, reads.get(step.id, [])):
                found.append(evidence)
        course.append(step)
    if not writes:
        return idle("the client changed nothing that was there")
    return judged(
        found, "a change of somebody else was overwritten unseen", f"none of {writes} changes overwrote another's"
    )


def _lost(scene: Scene, step: Step, course: list[Step], reads: list[tuple[Seen, int | None]]) -> Evidence | None:
    seen, write = step.seen, step.write
    if seen is None or write is None or not seen.arrived or _disturbed(seen) or _conditional(seen, write):
        return None
    mine = [(s, v) for s, v in reads if s.n < seen.n and s.agent == seen.agent]
    if not mine:
        return None
    base, version = mine[-1]
    if _disturbed(base):
        return None
    for other in course:
        if other.after is None or other.before is None or (other.seen is not None and other.seen.agent == seen.agent):
            continue
        if other.journal is not None and other.seen is None:
            continue  # whose it was is no longer known
        if not _after(other, base, version):
            continue
        if both := _overlap(other, step, write, targeted=scene.parameters.targeted):
            who = f"#{other.journal}" if other.journal is not None else "behind the client's back"
            what = f"{write} overwrote {', '.join(sorted(both))} of {step.name}"
            return Evidence(f"{what}, changed {who} after it was read (#{base.n})", step.journal, step.n)
    return None


def _disturbed(seen: Seen) -> bool:
    """Whether a fault met an exchange, beyond a delay or an edit by somebody else, which is what this is about."""
    return not set(seen.faults()) <= {"latency", "concurrent_edit"}


def _after(other: Step, base: Seen, version: int | None) -> bool:
    """Whether a change is newer than what was read."""
    if version is not None and other.after is not None:
        return other.after.version > version
    return other.entry.at > base.exchange.started


def _overlap(other: Step, step: Step, write: Write, *, targeted: bool) -> set[str]:
    """The attributes and members that both changed, where that was not meant."""
    both = {name.lower() for name in other.changed} & {name.lower() for name in step.changed}
    if write.method == "PATCH" and targeted:
        both -= _meant(write)
    came, went = other.members
    mine_came, mine_went = step.members
    if write.method == "PUT" or _replaces_members(write):
        both |= {f"member {value}" for value in (came & mine_went) | (went & mine_came)}
    return both


def _meant(write: Write) -> set[str]:
    """The attributes that a PATCH gives a simple value."""
    found: set[str] = set()
    listed = write.fields.get("operations")
    for operation in listed if isinstance(listed, list) else ():
        its = fields(operation)
        path, value = str(its.get("path") or "").lower(), its.get("value")
        given: Mapping[str, Any] = {path: value} if path else fields(value)
        for name, each in given.items():
            # A part of a complex attribute, or a value chosen by a filter, is as much aimed at.
            if not isinstance(each, dict | list) or "." in name.rpartition(":")[2] or "[" in name:
                key = name if name.startswith("urn:") and ":user:" not in name else name.rpartition(":")[2]
                found.add(re.split(r"[.\[]", key)[0])
                if name.startswith("urn:"):
                    found.add(name.rpartition(":")[0])
    return found


def _replaces_members(write: Write) -> bool:
    listed = write.fields.get("operations")
    for operation in listed if isinstance(listed, list) else ():
        its = fields(operation)
        op, path = str(its.get("op", "")).lower(), str(its.get("path") or "").lower()
        whole = path.rpartition(":")[2] == "members" or (not path and "members" in fields(its.get("value")))
        if whole and (op == "replace" or (op == "remove" and its.get("value") is None)):
            return True
    return False


def _conditional(seen: Seen, write: Write) -> bool:
    said = seen.headers.get("If-Match")
    if write.place is not None:
        listed = fields(seen.sent).get("operations")
        said = fields(listed[write.place]).get("version") if isinstance(listed, list) else None
    return said is not None and str(said).strip() != "*"


def _reads(scene: Scene) -> dict[str, list[tuple[Seen, int | None]]]:
    """What clients were shown of each resource: the exchange and the version, where it can be told."""
    found: dict[str, list[tuple[Seen, int | None]]] = defaultdict(list)
    for seen in scene.seen:
        for id_, version in _shown(seen):
            found[id_].append((seen, version))
    return found


def _shown(seen: Seen) -> Iterator[tuple[str, int | None]]:
    if not seen.ok:
        return
    record = seen.exchange.resource
    told = {str(shown["id"]): _version(shown) for shown in seen.resources if "id" in shown}
    if record is not None:
        told[record.id] = record.version
    yield from told.items()


def _version(shown: Mapping[str, Any]) -> int | None:
    meta = shown.get("meta")
    text = meta.get("version") if isinstance(meta, Mapping) else None
    match = _VERSION.search(text) if isinstance(text, str) else None
    return int(match[1]) if match else None
