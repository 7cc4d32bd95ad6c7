"""What is sent for one object: look it up, then create, update, disable or delete it.

    known        GET by id → what differs → PATCH           404: InvalidAnchor, and the link is forgotten
    unknown      a query a matching attribute, by precedence, the first hit wins → PATCH, or POST when there is none
    removed      PATCH active=false, or DELETE

Members and managers are not sent here: see references.py.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NoReturn

from mockscim.provisioning import target
from mockscim.provisioning.entra import shapes
from mockscim.provisioning.entra.failures import (
    DUPLICATE_TARGET,
    INCOMPATIBLE,
    INVALID_ANCHOR,
    MISSING,
    MULTIPLE,
    Failure,
    of,
    unusable,
)
from mockscim.provisioning.entra.ground import Decision, Ground
from mockscim.provisioning.entra.outcome import Modified, Outcome, Status, StepType
from mockscim.provisioning.entra.shapes import Change
from mockscim.provisioning.entra.state import Kind, Link
from mockscim.provisioning.expressions import ExpressionError
from mockscim.provisioning.wire import Answer, Request, Steps

Resource = dict[str, Any]


class _Failed(Exception):  # noqa: N818 - ends a plan; the outcome tells
    """The outcome has a failure: the plan is over."""


def steps(ground: Ground, kind: Kind, key: str, decision: Decision, *, staged: bool = False) -> Steps[Outcome]:
    """The plan of one object.

    Args:
        ground: what it stands on.
        kind: User or Group.
        key: the source object's id.
        decision: what is to become of it.
        staged: the accidental-deletion guard holds it back: nothing is sent.
    """
    outcome = ground.outcome(kind, key)
    if ground.halted:
        outcome.undone = True
        return outcome
    _begin(ground, outcome, decision)
    try:
        if staged:
            outcome.action = "stageddelete"
            return outcome.pass_by("StagedAction", "held back by the prevention of accidental deletions")
        if decision.verb == "skip":
            return outcome.pass_by(decision.reason, words(decision.reason))
        if decision.verb == "sync":
            yield from _sync(ground, outcome)
        elif decision.verb == "disable":
            yield from _disable(ground, outcome, decision)
        else:
            yield from _delete(ground, outcome)
    except _Failed:
        pass
    return outcome


def _begin(ground: Ground, outcome: Outcome, decision: Decision) -> None:
    verdict, kind = decision.verdict, outcome.kind.lower()
    if verdict is None:
        outcome.step("EntryImportDelete", "import", f"The {kind} is gone from the source.")
        return
    outcome.entitled, outcome.effective = verdict.in_scope, verdict.effective
    known = ground.link(outcome.kind, outcome.key) is not None
    outcome.step("EntryImportUpdate" if known else "EntryImportAdd", "import", f"The {kind} was read from the source.")
    judged = "in scope" if verdict.effective else words(verdict.reason)
    status: Status = "success" if verdict.effective else "skipped"
    outcome.step("EntrySynchronizationScoping", "scoping", f"The {kind} is {judged}.", status, **verdict.details)


def words(reason: str) -> str:
    """Why an object is passed by, in words."""
    return {
        "NotAssigned": "not assigned to the application",
        "NotEffectivelyEntitled": "not effectively entitled: its only role is Default Access",
        "ScopingFilter": "not let through by a scoping filter",
        "SoftDeleted": "deleted from the source, for 30 days",
        "Disabled": "not enabled in the source",
        "NotSecurityEnabled": "no security group",
        "SkipOutOfScopeDeletions": "out of scope, and SkipOutOfScopeDeletions keeps it in the target",
    }.get(reason, reason)


def _ask(
    ground: Ground, outcome: Outcome, request: Request, step: str, type_: StepType
) -> Generator[Request, Answer, Answer]:
    """Send a request and hand back a success; anything else ends the plan."""
    answer = yield from ground.ask(outcome, request)
    if not answer.good:
        outcome.fail(of(answer, request.purpose, now=ground.now), step, type_)
        raise _Failed
    return answer


# -- match, create, update -------------------------------------------------------------------------------------


def _sync(ground: Ground, outcome: Outcome) -> Steps[None]:
    link = outcome.link
    current: Resource | None = None
    if link is not None and link.managed:
        outcome.action = "update"
        current = yield from _read(ground, outcome, link)
    if current is None:
        current = yield from _match(ground, outcome)
    if current is None:
        yield from _create(ground, outcome)
    else:
        yield from _update(ground, outcome, current)


def _read(ground: Ground, outcome: Outcome, link: Link) -> Steps[Resource | None]:
    """The object as the target has it, by its known id; None when it is to be matched anew at once."""
    request = shapes.fetch(outcome.kind, link.id)
    answer = yield from ground.ask(outcome, request)
    if answer.status == 404:
        _lost(ground, outcome, answer, request.purpose, "EntryImport", "matching")
        if ground.settings.rematch == "retry":
            raise _Failed
        outcome.failure, outcome.status = None, "success"
        return None
    if not answer.good or unusable(answer):
        outcome.fail(of(answer, request.purpose, now=ground.now), "EntryImport", "matching")
        raise _Failed
    _check_members(outcome, answer.resource)
    outcome.step("EntryImport", "matching", "The object was read from the target by its cached id.", TargetId=link.id)
    return answer.resource


def _lost(ground: Ground, outcome: Outcome, answer: Answer, doing: str, step: str, type_: StepType) -> None:
    """The cached id is gone (InvalidAnchor): forget it, so that the object is matched again."""
    failure = Failure(INVALID_ANCHOR, f"{doing}: the target does not know the cached id.", answer.status, again=True)
    if outcome.link is not None:
        ground.owners.pop((outcome.kind, outcome.link.id), None)
    outcome.link = None
    outcome.fail(failure, step, type_)


def _match(ground: Ground, outcome: Outcome) -> Steps[Resource | None]:
    """The target's object that has a matching attribute's value; None when there is none."""
    try:
        pairs = ground.matching_values(outcome)
    except ExpressionError as error:
        _broken(outcome, str(error))
    if not pairs:
        message = f"{outcome.name} has no value for any attribute that is matched on."
        outcome.fail(Failure(MISSING, message), "EntryImport", "matching")
        raise _Failed
    for path, value in pairs:
        if any(character in str(value) for character in ground.settings.unfilterable):
            message = f"Filter queries cannot be performed on values containing special characters: {path}."
            outcome.fail(Failure(INCOMPATIBLE, message), "EntryImport", "matching")
            raise _Failed
        answer = yield from _ask(ground, outcome, shapes.match(outcome.kind, path, value), "EntryImport", "matching")
        found = _hits(outcome, answer, path)
        if found:
            return _adopt(ground, outcome, found[0], path)
    outcome.step("EntryImport", "matching", "No object of the target matches.")
    return None


def _hits(outcome: Outcome, answer: Answer, path: str) -> list[Resource]:
    listed = answer.resource.get("Resources")
    total = answer.resource.get("totalResults")
    found = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    if not isinstance(total, int) and not isinstance(listed, list):
        outcome.fail(of(answer, f"match by {path}"), "EntryImport", "matching")
        raise _Failed
    if len(found) > 1 or (isinstance(total, int) and total > 1):
        message = f"More than one object of the target has this {path}."
        outcome.fail(Failure(DUPLICATE_TARGET, message, answer.status), "EntryImport", "matching")
        raise _Failed
    for each in found:
        _check_members(outcome, each)
    return found


def _check_members(outcome: Outcome, resource: Resource) -> None:
    if outcome.kind == "Group" and resource.get("members"):
        message = "The target returned members, which the query had excluded."
        outcome.fail(Failure(MULTIPLE, message), "EntryImport", "matching")
        raise _Failed


def _adopt(ground: Ground, outcome: Outcome, found: Resource, path: str) -> Resource:
    id_ = found.get("id")
    if not isinstance(id_, str) or not id_:
        outcome.fail(Failure(INCOMPATIBLE, "The target's object has no id."), "EntryImport", "matching")
        raise _Failed
    owner = ground.owners.setdefault((outcome.kind, id_), outcome.key)
    if owner != outcome.key:
        message = f"The target's object {id_} is matched by another object of the source already."
        outcome.fail(Failure("DuplicateSourceEntries", message), "EntryImport", "matching")
        raise _Failed
    outcome.action = "update"
    outcome.link = _linked(ground, outcome, id_)
    outcome.step("EntryImport", "matching", f"The target's object matches by {path}.", TargetId=id_)
    return found


def _linked(ground: Ground, outcome: Outcome, id_: str) -> Link:
    """The link to an object that was matched or made; what was exported of references holds for the same id only."""
    before = ground.link(outcome.kind, outcome.key)
    if before is not None and before.id == id_ and before.managed:
        return before.copy()
    return Link(id_, outcome.name)


def _create(ground: Ground, outcome: Outcome) -> Steps[None]:
    outcome.action = "create"
    outcome.step("EntrySynchronizationAdd", "processing", "The object is to be created in the target.")
    if "Add" not in ground.mapping(outcome.kind).flowTypes:
        outcome.pass_by("CreateNotSelected", "creating objects is not among the target object actions")
        return
    values = _values(ground, outcome, creating=True)
    settings = ground.settings
    if outcome.kind == "User":
        body = shapes.user(values, schemas=settings.user_schemas, empty_roles=settings.empty_roles)
    else:
        body = shapes.group(values, adscim=settings.adscim_schema)
    answer = yield from _ask(ground, outcome, shapes.create(outcome.kind, body), "EntryExportAdd", "export")
    id_ = answer.resource.get("id")
    if not isinstance(id_, str) or not id_:
        message = "The target has created the object, and its answer has no id."
        outcome.fail(Failure(INCOMPATIBLE, message, answer.status), "EntryExportAdd", "export")
        raise _Failed
    ground.owners[outcome.kind, id_] = outcome.key
    outcome.link = Link(id_, outcome.name, active=values.get("active") is not False)
    outcome.exported = True
    outcome.modified = [Modified(path, None, value) for path, value in values.items()]
    outcome.step("EntryExportAdd", "export", "The object was created in the target.", TargetId=id_)


def _update(ground: Ground, outcome: Outcome, current: Resource) -> Steps[None]:
    values = _values(ground, outcome, creating=False)
    outcome.step("EntrySynchronizationUpdate", "processing", "Source and target were compared.")
    yield from _export(ground, outcome, differences(current, values))
    if outcome.link is not None and outcome.skip != "UpdateNotSelected":
        outcome.link.name = outcome.name
        outcome.link.active = values.get("active") is not False


def _export(ground: Ground, outcome: Outcome, changes: list[Change]) -> Steps[None]:
    """Send what differs; nothing where nothing does."""
    if not changes:
        _redundant(outcome)
        return
    if "Update" not in ground.mapping(outcome.kind).flowTypes:
        outcome.pass_by("UpdateNotSelected", "updating objects is not among the target object actions")
        return
    link = outcome.link
    if link is None:  # pragma: no cover - an update has something that it updates
        raise _Failed
    request = shapes.patch(outcome.kind, link.id, shapes.operations(changes, ground.style), ground.style)
    answer = yield from ground.ask(outcome, request)
    if answer.status == 404:
        _lost(ground, outcome, answer, request.purpose, "EntryExportUpdate", "export")
        raise _Failed
    if not answer.good:
        outcome.fail(of(answer, request.purpose, now=ground.now), "EntryExportUpdate", "export")
        raise _Failed
    outcome.exported = True
    outcome.modified = [Modified(str(each.path), each.old, each.new) for each in changes]
    outcome.step("EntryExportUpdate", "export", "The object was updated in the target.", TargetId=link.id)


def _redundant(outcome: Outcome) -> None:
    """The target has everything already; that is a skip in the log, and no failure."""
    outcome.pass_by("RedundantExport", "the target has these values already", "EntryExportUpdate")


def _values(ground: Ground, outcome: Outcome, *, creating: bool, effective: bool = True) -> dict[str, Any]:
    """What the mapping gives; an expression that cannot do with what the object has fails the object."""
    flow = ground.flow(outcome, creating=creating, effective=effective)
    outcome.redacted = flow.redacted
    if flow.errors:
        first = flow.errors[0]
        _broken(outcome, f"{first.target}: {first.message}")
    return flow.values


def _broken(outcome: Outcome, message: str) -> NoReturn:
    outcome.fail(Failure("InternalError", message), "EntrySynchronizationUpdate", "processing")
    raise _Failed


def differences(current: Resource, values: dict[str, Any]) -> list[Change]:
    """What a target's object has otherwise than the mapping gives; what the mapping has no value for is left alone."""
    found = []
    for text, new in values.items():
        path = target.parse(text)
        old = target.read(current, path)
        if not _equal(old, new):
            found.append(Change(path, old, new))
    return found


def _equal(old: Any, new: Any) -> bool:  # noqa: ANN401 - JSON
    if isinstance(new, list):
        held = old if isinstance(old, list) else []
        there = all(any(_within(each, one) for one in held) for each in new)
        return there and (shapes.additive(new) or len(held) == len(new))
    if isinstance(old, bool) or isinstance(new, bool):
        return str(old).lower() == str(new).lower()
    return old is not None and str(old) == str(new)


def _within(part: Any, whole: Any) -> bool:  # noqa: ANN401 - JSON
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(whole.get(name) == value for name, value in part.items() if value is not False)
    return bool(part == whole)


# -- disable, delete -------------------------------------------------------------------------------------------


def _disable(ground: Ground, outcome: Outcome, decision: Decision) -> Steps[None]:
    outcome.action = "disable"
    link = outcome.link
    if link is None:  # pragma: no cover - who is disabled is linked
        raise _Failed
    request = shapes.fetch(outcome.kind, link.id)
    answer = yield from ground.ask(outcome, request)
    if answer.status == 404:
        outcome.link = None
        outcome.pass_by(INVALID_ANCHOR, "the target does not have the object any more")
        return
    if not answer.good or unusable(answer):
        outcome.fail(of(answer, request.purpose, now=ground.now), "EntryImport", "matching")
        raise _Failed
    values = _values(ground, outcome, creating=False, effective=False)
    wanted = {"active": values.get("active", False)}
    outcome.step("EntrySynchronizationUpdate", "processing", "The object is to be disabled in the target.")
    yield from _export(ground, outcome, differences(answer.resource, wanted))
    if outcome.skip != "UpdateNotSelected":
        link.active = wanted["active"] is not False
        link.managed = not decision.release


def _delete(ground: Ground, outcome: Outcome) -> Steps[None]:
    outcome.action = "delete"
    link = outcome.link
    if link is None:  # pragma: no cover - what is deleted is linked
        raise _Failed
    if "Delete" not in ground.mapping(outcome.kind).flowTypes:
        outcome.pass_by("DeleteNotSelected", "deleting objects is not among the target object actions")
        return
    request = shapes.delete(outcome.kind, link.id)
    answer = yield from ground.ask(outcome, request)
    if not answer.good and answer.status != 404:
        outcome.fail(of(answer, request.purpose, now=ground.now), "EntryExportDelete", "export")
        raise _Failed
    ground.owners.pop((outcome.kind, link.id), None)
    outcome.link = None
    outcome.exported = answer.good
    outcome.step("EntryExportDelete", "export", "The object was deleted from the target.", TargetId=link.id)
