"""The second pass: who manages whom, and who is a member of what, by the ids that the first pass has found.

What was exported is remembered and never read back: a drift in the target is not noticed. A manager or member who is
out of scope when looked at is passed over, and not looked at again until the job is restarted. One who is in scope but
not in the target, as it failed, makes the reference fail, too: it is tried again by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from mockscim.provisioning.entra import shapes
from mockscim.provisioning.entra.failures import INVALID_ANCHOR, SKIPPED, Failure, of
from mockscim.provisioning.entra.ground import Ground
from mockscim.provisioning.entra.outcome import Modified, Outcome
from mockscim.provisioning.entra.shapes import Document
from mockscim.provisioning.entra.state import Kind, Link
from mockscim.provisioning.wire import Answer, Request, Steps

_THROTTLED = (401, 403, 429)


class Pending(NamedTuple):
    """The references of one object that are to change.

    Args:
        kind, key: whose they are: a user's manager, a group's members.
        add: source ids that are to be set.
        remove: source ids whose reference is to go.
        missing: source ids that are in scope and not in the target.
    """

    kind: Kind
    key: str
    add: list[str]
    remove: list[str]
    missing: list[str]


def manager(ground: Ground, key: str) -> Pending | None:
    """What is to be done about a user's manager; None for nothing."""
    path = _path(ground, "User")
    link, user = ground.link("User", key), ground.directory.users.get(key)
    if path is None or link is None or not link.managed or user is None or not ground.verdict("User", key).effective:
        return None
    wanted = user.manager
    if wanted == link.manager or (wanted is not None and wanted in link.passed_over):
        return None
    link.passed_over = []
    add, missing = _sorted_out(ground, link, [wanted] if wanted else [])
    remove = [link.manager] if link.manager and not add and not missing else []
    return Pending("User", key, add, remove, missing) if add or remove or missing else None


def members(ground: Ground, key: str) -> Pending | None:
    """What is to be done about a group's members; None for nothing.

    Who is soft-deleted stays a member in the target; who is deleted for good was deleted there, too.
    """
    link = ground.link("Group", key)
    if _path(ground, "Group") is None or link is None or not link.managed or key not in ground.directory.groups:
        return None
    directory = ground.directory
    there = set(directory.stored_members(key))
    link.passed_over = [each for each in link.passed_over if each in there]
    for gone in [each for each in link.members if each not in directory.users]:
        del link.members[gone]
    known = {*link.members, *link.passed_over}
    new = [each for each in directory.member_users(key) if each not in known]
    add, missing = _sorted_out(ground, link, new)
    remove = [each for each in link.members if each not in there]
    return Pending("Group", key, add, remove, missing) if add or remove or missing else None


def _path(ground: Ground, kind: Kind) -> str | None:
    references = ground.mapping(kind).references
    return references[0].targetAttributeName if references else None


def _sorted_out(ground: Ground, link: Link, wanted: Iterable[str]) -> tuple[list[str], list[str]]:
    """Those who are in the target, and those who should be; others are passed over."""
    found, missing = [], []
    for each in wanted:
        other = ground.link("User", each)
        if other is not None and other.managed:
            found.append(each)
        elif each in ground.directory.users and ground.verdict("User", each).effective:
            missing.append(each)
        else:
            link.passed_over.append(each)
    return found, missing


# -- plans -----------------------------------------------------------------------------------------------------


def steps(ground: Ground, pending: Pending) -> Steps[Outcome]:
    """The plan of one object's references."""
    outcome = ground.outcome(pending.kind, pending.key)
    outcome.part, outcome.action = "references", "update"
    if ground.halted:
        outcome.undone = True
        return outcome
    count = len(pending.add) + len(pending.remove)
    outcome.step("EntryImportUpdate", "import", f"{count} references were read from the source.")
    if outcome.link is not None:
        if pending.kind == "User":
            yield from _set_manager(ground, outcome, outcome.link, pending)
        else:
            yield from _set_members(ground, outcome, outcome.link, pending)
    if pending.missing and outcome.failure is None:
        names = ", ".join(ground.outcome("User", each).name for each in pending.missing[:5])
        message = f"References cannot be resolved: not in the target yet: {names}."
        outcome.fail(Failure(SKIPPED, message, reference=True), "EntrySynchronizationSkip", "referenceResolution")
    return outcome


def _resolved(outcome: Outcome, description: str) -> None:
    outcome.step("EntrySynchronizationUpdate", "referenceResolution", description)


def _set_manager(ground: Ground, outcome: Outcome, link: Link, pending: Pending) -> Steps[None]:
    path = _path(ground, "User") or shapes.MANAGER
    full = shapes.MANAGER if path == "manager" else path
    before = link.manager
    if pending.add:
        wanted = pending.add[0]
        id_ = _target_id(ground, wanted)
        _resolved(outcome, f"The manager is {id_} in the target.")
        if ground.settings.reference_check:
            there = yield from _there(ground, outcome, shapes.has_manager(link.id, id_))
            if there:
                link.manager = wanted
                outcome.pass_by("RedundantExport", "the target has this manager already", "EntryExportUpdate")
                return
        done = yield from _send(ground, outcome, [shapes.set_manager(id_, ground.style, path=full)])
        if done:
            link.manager = wanted
            outcome.modified.append(Modified(path, before, wanted))
    elif pending.remove:
        done = yield from _send(ground, outcome, [shapes.remove_manager(ground.style, path=full)])
        if done:
            link.manager = None
            outcome.modified.append(Modified(path, before, None))


def _set_members(ground: Ground, outcome: Outcome, link: Link, pending: Pending) -> Steps[None]:
    add = list(pending.add)
    _resolved(outcome, f"{len(add)} members to add and {len(pending.remove)} to remove were found in the target.")
    if ground.settings.reference_check:
        add = yield from _not_there(ground, outcome, link, add)
    size = ground.settings.members_per_patch
    for start in range(0, len(add), size):
        yield from _batch(ground, outcome, link, add[start : start + size], adding=True)
    for start in range(0, len(pending.remove), size):
        yield from _batch(ground, outcome, link, pending.remove[start : start + size], adding=False)


def _not_there(ground: Ground, outcome: Outcome, link: Link, add: list[str]) -> Steps[list[str]]:
    left = []
    for each in add:
        id_ = _target_id(ground, each)
        there = yield from _there(ground, outcome, shapes.has_member(link.id, id_))
        if there:
            link.members[each] = id_
        else:
            left.append(each)
    return left


def _batch(ground: Ground, outcome: Outcome, link: Link, batch: list[str], *, adding: bool) -> Steps[None]:
    if outcome.link is None or outcome.refused:
        return
    failure, status = outcome.failure, outcome.status
    done = yield from _send(ground, outcome, _operations(ground, link, batch, adding=adding))
    if done:
        _note(ground, outcome, link, batch, adding=adding)
        return
    refusal = outcome.failure
    alone = ground.settings.split_refused and len(batch) > 1 and outcome.link is not None
    if alone and refusal is not None and 400 <= (refusal.status or 0) < 500 and refusal.status not in _THROTTLED:
        # One who is not welcome does not keep the others out.
        outcome.failure, outcome.status = failure, status
        for each in batch:
            yield from _batch(ground, outcome, link, [each], adding=adding)


def _operations(ground: Ground, link: Link, batch: list[str], *, adding: bool) -> list[Document]:
    if adding:
        return shapes.add_members([_target_id(ground, each) for each in batch], ground.style)
    return shapes.remove_members([_target_id(ground, each, link.members[each]) for each in batch], ground.style)


def _note(ground: Ground, outcome: Outcome, link: Link, batch: list[str], *, adding: bool) -> None:
    for each in batch:
        if adding:
            link.members[each] = _target_id(ground, each)
            outcome.modified.append(Modified("members", None, each))
        else:
            del link.members[each]
            outcome.modified.append(Modified("members", each, None))


def _target_id(ground: Ground, key: str, known: str = "") -> str:
    """The target id of a user; where the link is gone, the one that was exported."""
    link = ground.link("User", key)
    return link.id if link is not None else known


def _there(ground: Ground, outcome: Outcome, request: Request) -> Steps[bool]:
    """Whether the target says that it has a reference; where it cannot say, it is sent."""
    answer = yield from ground.ask(outcome, request)
    total = answer.resource.get("totalResults")
    return answer.good and isinstance(total, int) and total > 0


def _send(ground: Ground, outcome: Outcome, operations: list[Document]) -> Steps[bool]:
    """Send a PATCH; False, and the failure noted, where it did not work."""
    link = outcome.link
    if link is None:
        return False
    request = shapes.patch(outcome.kind, link.id, operations, ground.style, f"update {outcome.part}")
    answer: Answer = yield from ground.ask(outcome, request)
    if answer.good:
        outcome.exported = True
        outcome.step("EntryExportUpdate", "export", "References were updated in the target.", TargetId=link.id)
        return True
    if answer.status == 404:
        # It is the object itself that has to be found again; its references come after it.
        ground.owners.pop((outcome.kind, link.id), None)
        outcome.link, outcome.part = None, "object"
        message = "update references: the target does not know the cached id."
        failure = Failure(INVALID_ANCHOR, message, answer.status, again=True)
    else:
        failure = of(answer, request.purpose, now=ground.now).about_reference()
    outcome.fail(failure, "EntryExportUpdate", "export")
    return False
