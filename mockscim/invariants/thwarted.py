"""What a client tried and could not bring about: a difference from the desired state that is not its doing.

* acknowledged: the client sent what was to be, was told of success, and it is not so
* refused: the provider refused it for good (4xx, but for 401, 404, 408, 412 and 429)
* failing: it failed again and again, never with success
* not allowed: what it takes was answered with 403 the last time, for whatever resource
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from mockscim.invariants.changes import Step
from mockscim.invariants.desired import Difference, Wanted, same
from mockscim.invariants.scene import Scene
from mockscim.invariants.writes import NAMES, Write, fields

_QUOTED = re.compile(r'"([^"]*)"')
_PASSING = frozenset({401, 404, 408, 412, 429})


def excuse(scene: Scene, difference: Difference, *, troubled: bool = True, until: float = math.inf) -> str | None:
    """Why a difference is not the client's doing; None where it is.

    Args:
        scene: what happened.
        difference: where the state is not as desired.
        troubled: whether attempts that a fault met count; not where the client had its chance without.
        until: the last exchange that counts; what came later says nothing of the time before.
    """
    tried = [w for w in attempts_at(scene, difference) if (troubled or not w.seen.troubled) and w.seen.n <= until]
    if not tried:
        return _forbidden(scene, difference, troubled=troubled, until=until)
    last = tried[-1]
    if last.ok:
        undone = _undone(scene, difference, last, until) or (
            not troubled and _undone_by_others(scene, difference, last)
        )
        return None if undone else f"acknowledged (#{last.seen.n}) and not so"
    if last.status is not None and 400 <= last.status < 500 and last.status not in _PASSING:
        return f"refused with {last.status} (#{last.seen.n})"
    failures = sum(1 for write in tried if not write.ok)
    if failures >= scene.parameters.refusals and not any(write.ok for write in tried):
        return f"failed {failures} times (last #{last.seen.n})"
    return _forbidden(scene, difference, troubled=troubled, until=until)


def attempts_at(scene: Scene, difference: Difference) -> list[Write]:
    """The writes that would have removed a difference, in order."""
    ids = ids_of(scene, difference)
    wanted = difference.wanted
    kind = wanted.kind.name if wanted is not None else difference.record.type.name if difference.record else ""
    about = [("id", id_) for id_ in ids] + (list(wanted.keys.items()) if wanted is not None else [])
    places = {place for name, value in about for place in scene.writes_about.get((kind, name, value), ())}
    return [write for place in sorted(places) if _aims(write := scene.writes[place], difference)]


def ids_of(scene: Scene, difference: Difference) -> set[str]:
    """The ids that a resource has or once had."""
    if difference.wanted is None:
        return {difference.record.id} if difference.record is not None else set()
    found = {difference.record.id} if difference.record is not None else set()
    for name, value in difference.wanted.keys.items():
        found |= scene.bearers.get((difference.wanted.kind.name, name, value), set())
    return found


def _aims(write: Write, difference: Difference) -> bool:
    """Whether a write would have removed a difference."""
    wanted, record = difference.wanted, difference.record
    if wanted is None:  # it should not be there
        return write.method == "DELETE" or _sends(write, "active", lambda value: str(value).lower() == "false")
    if record is None:
        return write.method == "POST" or write.verb in ("replace", "patch")
    if difference.attribute == "members":
        came, went = sent_members(write)
        if difference.lacks:
            return bool(difference.members & came)
        return not difference.members & came if went is None else bool(difference.members & went)
    attribute = wanted.kind.attributes.get(difference.attribute)
    value = wanted.fields.get(difference.attribute)
    if attribute is None or difference.attribute not in wanted.fields:  # an extension's
        return difference.attribute in orjson.dumps(write.fields).decode().lower()
    return _sends(write, difference.attribute, lambda sent: same(attribute, value, sent))


def _sends(write: Write, name: str, is_it: Any) -> bool:  # noqa: ANN401 - a predicate over JSON
    """Whether a write sends an attribute with a value such as that."""
    if write.method in ("POST", "PUT"):
        return name in write.fields and bool(is_it(write.fields[name]))
    if write.method != "PATCH":
        return False
    return any(is_it(value) for value in sent_values(write, name))


def sent_values(write: Write, name: str) -> Iterator[object]:
    """What the operations of a PATCH give an attribute, by a plain path or without one."""
    listed = write.fields.get("operations")
    for operation in listed if isinstance(listed, list) else ():
        its = fields(operation)
        path, value = str(its.get("path") or "").lower(), its.get("value")
        if str(its.get("op", "")).lower() == "remove":
            value = None
        if path == name or path.endswith(":" + name):
            yield value[0] if isinstance(value, list) and len(value) == 1 and name == "active" else value
        elif not path and isinstance(value, Mapping):
            inner = fields(value)
            if name in inner:
                yield inner[name]


def sent_members(write: Write) -> tuple[set[str], set[str] | None]:
    """The ids of members that a write makes members, and of those that it takes out; None: of all others."""
    if write.method in ("POST", "PUT"):
        return _ids(write.fields.get("members")), None if write.method == "PUT" else set()
    came: set[str] = set()
    went: set[str] | None = set()
    listed = write.fields.get("operations")
    for operation in listed if isinstance(listed, list) else ():
        its = fields(operation)
        op, path, value = str(its.get("op", "")).lower(), str(its.get("path") or ""), its.get("value")
        if not path and isinstance(value, Mapping):
            path, value = "members", fields(value).get("members")
        if not path.lower().rpartition(":")[2].startswith("members"):
            continue
        named = _ids(value) | set(_QUOTED.findall(path))
        if op == "remove" and named:
            went = went | named if went is not None else None
        elif op == "remove":
            went = None
        else:
            came |= named
            went = None if op == "replace" and "[" not in path else went
    return came, went


def _ids(value: object) -> set[str]:
    listed = value if isinstance(value, list) else [value]
    given = [member if isinstance(member, str) else fields(member).get("value") for member in listed]
    return {member for member in given if isinstance(member, str)}


def _undone(scene: Scene, difference: Difference, last: Write, until: float) -> bool:
    """Whether the client itself undid later what it had been told was done."""
    return any(
        step.write is not None and last.seen.n < step.write.seen.n <= until and _touches(step, difference)
        for id_ in ids_of(scene, difference)
        for step in scene.steps_of.get(id_, ())
    )


def _undone_by_others(scene: Scene, difference: Difference, last: Write) -> bool:
    """Whether it was so once, and was changed behind the client's back, which is for the client to mend."""
    steps = [step for id_ in ids_of(scene, difference) for step in scene.steps_of.get(id_, ())]
    since = max((step.n for step in steps if step.journal is not None and step.journal <= last.seen.n), default=0)
    at = last.seen.exchange.started
    return any(
        step.journal is None and step.n > since and step.entry.at >= at and _touches(step, difference) for step in steps
    )


def _touches(step: Step, difference: Difference) -> bool:
    """Whether a change is about what differs: the resource as a whole, its name, the attribute, or the member."""
    changed = {name.lower() for name in step.changed}
    if step.removed or (difference.attribute and difference.attribute in changed):
        return True
    if not difference.attribute and step.before is not None and changed & set(NAMES):
        return True
    return bool(difference.members & (step.members[0] | step.members[1]))


def _forbidden(scene: Scene, difference: Difference, *, troubled: bool, until: float) -> str | None:
    """Whether what it takes was answered with 403 the last time that the client asked for anything like it."""
    verb, kind = _needed(difference)
    for write in reversed(scene.writes):
        if (
            write.seen.n <= until
            and write.type == kind
            and write.verb in verb
            and (troubled or not write.seen.troubled)
        ):
            return f"not allowed (#{write.seen.n})" if write.status == 403 else None
    return None


def _needed(difference: Difference) -> tuple[tuple[str, ...], str]:
    wanted: Wanted | None = difference.wanted
    if wanted is None:
        kind = difference.record.type.name if difference.record is not None else ""
        return ("delete", "patch", "replace"), kind
    return (("create",) if difference.record is None else ("patch", "replace")), wanted.kind.name
