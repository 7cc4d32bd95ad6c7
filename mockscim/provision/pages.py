"""Log entries, status and mappings as lines that people read in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mockscim.clock import format_instant
from mockscim.provision.report import Report, action_of, status_of
from mockscim.provisioning.entra.quarantine import words
from mockscim.provisioning.entra.state import Problem
from mockscim.scim.urns import ENTERPRISE_USER
from mockscim.tables import WIDTH, cells, clip, grid, printable, wrapped

_COLUMNS = ("when", "action", "object", "status", "error")
_WIDEST = 30  # of what people are called, in a table
_GAP = "  "
_MOST = 3  # of what is listed on one line
_LONGEST = 400  # of what a report says about its failures

# Okta's event types in few words: in the table of the log, and in a push's line of how many.
_EVENTS = {
    "application.provision.user.push": ("create", "{} created"),
    "application.provision.user.verify_exists": ("look up", "{} looked up"),
    "application.provision.user.sync": ("match", "{} matched"),
    "application.provision.user.push_profile": ("push profile", "{} updated"),
    "application.provision.user.deactivate": ("deactivate", "{} deactivated"),
    "application.provision.user.reactivate": ("reactivate", "{} reactivated"),
    "application.provision.user.deprovision": ("deprovision", "{} deprovisioned"),
    "application.provision.user.push_password": ("push password", "{} given a password"),
    "application.provision.user.import": ("import users", "users imported"),
    "application.provision.group.import": ("import groups", "groups imported"),
    "application.provision.group_push.mapping.created": ("map", "{} mapped"),
    "application.provision.group_push.pushed": ("push", "{} pushed"),
    "application.provision.group_push.updated": ("update", "{} updated"),
    "application.provision.group_push.removed": ("unlink", "{} unlinked"),
    "application.provision.group_push.delete_appgroup": ("delete", "{} deleted"),
    "application.provision.group_push.push_memberships": ("push memberships", "{} given members"),
    "application.provision.group_push.mapping.app.group.renamed": ("rename", "{} renamed"),
    "application.provision.group_push.mapping.update.or.delete.failed": ("push", "{} not pushed"),
    "application.provision.group_push.mapping.update.or.delete.failed.with.error": ("push", "{} not pushed"),
    "application.integration.authentication_failure": ("authenticate", "{} not authenticated"),
    "application.integration.rate_limit_exceeded": ("rate limit", "{} throttled"),
    "system.import.complete": ("import", "imported"),
}

Document = Mapping[str, Any]


# -- a cycle's line ------------------------------------------------------------------------------------------------


def cycle_line(report: Report, before: str = "") -> str:
    """What came of a cycle, on one line.

    Args:
        report: of the cycle.
        before: the error of the cycle before, which is not said again.
    """
    return _line(report, before, "")


def report_line(report: Report) -> str:
    """The same, with which objects failed and why, the first few of them: what a test prints."""
    failures = report.failures
    return printable(_line(report, "", f" ({clip(failures_told(failures), _LONGEST)})" if failures else ""))


def _line(report: Report, before: str, failed: str) -> str:
    kinds = [word for word, holds in (("initial", report.initial), ("continued", report.resumed)) if holds]
    head = f"{when(report.at)}  {report.kind} {report.number}"
    head += f" ({', '.join(kinds)})" if kinds else ""
    parts = _done(report.actions)
    parts += [
        f"{report.statuses[status]} {words}{failed if status == 'failure' else ''}"
        for status, words in _STATUS_WORDS.items()
        if report.statuses[status]
    ]
    if report.broken_off:
        parts.append("interrupted")
    if report.error:
        parts.append("failed as before" if report.error == before else f"failed: {report.error.rstrip('.')}")
    told = ", ".join(parts) or "nothing to do"
    line = f"{head}: {told}; {plural(report.requests, 'request')} in {report.seconds:.1f} s"
    for event in report.events:
        line += f"; {event.get('event')}: {event.get('reason') or event.get('text') or ''}".rstrip(": ")
    return line


def failures_told(entries: Sequence[Document]) -> str:
    """Which objects failed: the first three reasons, of each the first three by name."""
    reasons: dict[str, list[str]] = {}
    for row in map(log_row, entries):
        reasons.setdefault(row[4], []).append(row[2])
    parts = [f"{_few(names)}{f': {reason}' if reason else ''}" for reason, names in list(reasons.items())[:_MOST]]
    more = f"; and {plural(len(reasons) - _MOST, 'other reason')}" if len(reasons) > _MOST else ""
    return f"{'; '.join(parts)}{more}"


def _few(names: list[str]) -> str:
    different = list(dict.fromkeys(names))
    more = f" and {len(different) - _MOST} more" if len(different) > _MOST else ""
    return f"{', '.join(different[:_MOST])}{more}"


_STATUS_WORDS = {"skipped": "skipped", "warning": "with warnings", "failure": "failed"}


_DONE = {"create": "created", "update": "updated", "delete": "deleted", "disable": "disabled", "other": "looked at"}


def _done(counts: Mapping[str, int]) -> list[str]:
    """``3 created``; of Okta's events ``3 users created``, in the order of the table."""
    known = list(_EVENTS)
    order = sorted(counts, key=lambda action: (known.index(action) if action in _EVENTS else -1, action))
    return [_done_once(action, counts[action]) for action in order]


def _done_once(action: str, count: int) -> str:
    if action not in _EVENTS:
        return f"{count} {_DONE.get(action, action)}"
    return _EVENTS[action][1].format(plural(count, "group" if ".group" in action else "user"))


def plural(count: int, noun: str, several: str = "") -> str:
    """``1 request``, ``2 requests``; ``several`` is the noun of more than one where that is no s."""
    return f"{count} {noun if count == 1 else several or f'{noun}s'}"


def when(seconds: float | None) -> str:
    """An instant to the second; a dash for none."""
    return "-" if seconds is None else told(format_instant(seconds))


def told(text: object) -> str:
    """An instant as documents have it, to the second."""
    return str(text)[:19].replace("T", " ") if text else "-"


# -- the log -------------------------------------------------------------------------------------------------------


def log_lines(entries: Iterable[Document], width: int = WIDTH) -> Iterable[str]:
    """The log as a table: when, action, object, status, error."""
    rows = [log_row(entry) for entry in entries]
    named = max([_WIDEST, *(cells(printable(row[2])) for row in rows)])
    widest = min(named, _WIDEST + max(0, width - WIDTH))
    yield from grid(_COLUMNS, ((*row[:2], clip(row[2], widest), *row[3:]) for row in rows), width)


def log_row(entry: Document) -> tuple[str, str, str, str, str]:
    """An entry's cells."""
    if "eventType" in entry:
        return (
            told(entry.get("published")),
            _EVENTS.get(str(entry["eventType"]), (str(entry["eventType"]),))[0],
            _okta_object(entry),
            status_of(dict(entry)),
            str((entry.get("outcome") or {}).get("reason") or "") if status_of(dict(entry)) != "success" else "",
        )
    source = entry.get("sourceIdentity") or {}
    error = (entry.get("provisioningStatusInfo") or {}).get("errorInformation") or {}
    return (
        told(entry.get("activityDateTime")),
        action_of(dict(entry)),
        f"{str(source.get('identityType', '')).lower()} {source.get('displayName') or source.get('id') or ''}".strip(),
        status_of(dict(entry)),
        str(error.get("errorCode") or ""),
    )


def _okta_object(entry: Document) -> str:
    for target in entry.get("target") or ():
        if target.get("type") in ("AppUser", "User"):
            return f"user {target.get('alternateId') or target.get('displayName') or ''}"
        if target.get("type") == "UserGroup":
            return f"group {target.get('displayName') or ''}"
    return "-"


def entry_id(entry: Document) -> str:
    """What an entry is asked for by."""
    return str(entry.get("id") or entry.get("uuid") or "")


def entry_lines(entry: Document, width: int = WIDTH) -> Iterable[str]:
    """One entry in full: its steps, its modified properties, and what went wrong."""
    at, action, named, status, error = log_row(entry)
    yield clip(f"{at}  {action} of {named}: {status}{f' ({error})' if error else ''}", width)
    yield from _facts(
        (
            ("id", entry_id(entry)),
            ("cycle", entry.get("cycleId") or (entry.get("transaction") or {}).get("id")),
            ("source id", (entry.get("sourceIdentity") or {}).get("id")),
            ("target id", (entry.get("targetIdentity") or {}).get("id")),
            ("message", entry.get("displayMessage")),
            ("duration", _milliseconds(entry)),
        ),
        width,
    )
    steps = entry.get("provisioningSteps") or []
    if steps:
        yield "steps"
    for number, step in enumerate(steps, 1):
        head = f"  {number}. {step.get('name')} ({step.get('provisioningStepType')}), {step.get('status')}: "
        yield from wrapped(head, str(step.get("description") or ""), " " * 5, width)
        details = ", ".join(f"{key}={value}" for key, value in (step.get("details") or {}).items())
        if details:
            yield from wrapped(" " * 5, details, " " * 5, width)
    modified = entry.get("modifiedProperties") or []
    if modified:
        yield "modified properties"
        rows = ((each["displayName"], _value(each.get("oldValue")), _value(each.get("newValue"))) for each in modified)
        yield from (f"  {line}" for line in grid(("attribute", "old value", "new value"), rows, width - 2))
    information = (entry.get("provisioningStatusInfo") or {}).get("errorInformation") or {}
    if information.get("reason"):
        yield from wrapped("reason: ", str(information["reason"]), " " * 8, width)
    if information.get("recommendedAction"):
        yield from wrapped("what to do: ", str(information["recommendedAction"]), " " * 12, width)
    if (entry.get("outcome") or {}).get("reason"):
        yield from wrapped("reason: ", str(entry["outcome"]["reason"]), " " * 8, width)


def _milliseconds(entry: Document) -> str | None:
    taken = entry.get("durationInMilliseconds")
    return None if taken is None else f"{taken} ms"


def _value(value: object) -> str:
    return "-" if value is None else str(value)


# -- Entra's status ------------------------------------------------------------------------------------------------


def job_lines(
    job: Document,
    why: str,
    target: str,
    now: float,
    width: int = WIDTH,
    waiting: Sequence[float] = (),
    interrupted: str = "",
) -> Iterable[str]:
    """A synchronizationJob as a short page.

    Args:
        job: Graph's document.
        why: why it is not active, and what to do about it; empty where it is active.
        target: where it provisions to.
        now: the job's time.
        width: of the page.
        waiting: when each of what has failed is tried again.
        interrupted: what a cycle had done when it was interrupted, and how to go on; empty where none was.
    """
    status, schedule = job.get("status") or {}, job.get("schedule") or {}
    code = str(status.get("code") or "NotRun")
    yield clip(f"{job.get('id')}: {code}", width)
    counts = [plural(each["value"], each["key"].lower()) for each in status.get("synchronizedEntryCountByType") or ()]
    last, quarantine = status.get("lastExecution"), status.get("quarantine")
    yield from _facts(
        (
            ("does not run", why),
            ("target", target),
            ("time", when(now)),
            ("schedule", f"{schedule.get('state', '-')}, every {schedule.get('interval', '-')}"),
            ("provisioned", ", ".join(counts) or "nothing yet"),
            ("to be retried", f"{len(waiting)}, the next {when(min(waiting))}" if waiting else None),
            ("progress", ", ".join(_progress(each) for each in status.get("progress") or ()) or None),
            ("interrupted", interrupted),
            ("last cycle", _execution(last) if last else "none yet"),
            ("last successful", _maybe((status.get("lastSuccessfulExecution") or {}).get("timeEnded"))),
            ("steady since", _maybe(status.get("steadyStateFirstAchievedTime"))),
            ("escrows dropped", "yes" if status.get("escrowsPruned") else None),
            ("failed in a row", status.get("countSuccessiveCompleteFailures") or None),
        ),
        width,
    )
    if quarantine:
        yield from _quarantine(quarantine, width)


def _maybe(text: object) -> str | None:
    return told(text) if text else None


def _progress(each: Document) -> str:
    return f"{each.get('completedUnits')}/{each.get('totalUnits')} {each.get('units')}"


def _execution(last: Document) -> str:
    return f"{told(last.get('timeEnded'))}, {last.get('state')}: {counted(last)}"


def counted(execution: Document) -> str:
    """What a synchronizationTaskExecution did."""
    failed = execution.get("countEscrowedRaw", 0)  # with those that had failed before
    counts = f"{execution.get('countImported', 0)} read, {execution.get('countExported', 0)} changed in the target"
    return f"{counts}, {failed} failed"


def _quarantine(quarantine: Document, width: int) -> Iterable[str]:
    error = quarantine.get("error") or {}
    yield "quarantine"
    yield from (
        f"  {line}"
        for line in _facts(
            (
                ("reason", _reason(str(quarantine.get("reason")), error)),
                ("error", f"{error.get('code')}: {error.get('message')}" if error else None),
                ("since", f"{told(quarantine.get('seriesBegan'))}, judged {_times(quarantine['seriesCount'])}"),
                ("next attempt", _maybe(quarantine.get("nextAttempt"))),
            ),
            width - 2,
        )
    )


def _reason(reason: str, error: Document) -> str:
    told_so = words(reason, Problem(**error) if error else None)
    return f"{reason}: {told_so}" if told_so != reason else reason


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


# -- Okta's status -------------------------------------------------------------------------------------------------


def app_lines(
    status: Document, tasks: Sequence[Any], target: str, now: float, width: int = WIDTH, retry: str = "retry"
) -> Iterable[str]:
    """An application's counts and tasks as a short page.

    Args:
        status: the document of Okta's side.
        tasks: what has failed.
        target: where it provisions to.
        now: the application's time.
        width: of the page.
        retry: the command that tries tasks again.
    """
    users, groups, pending = status["users"], status["groups"], status["pending"]
    yield clip(f"{status.get('app')} ({status.get('appType')})", width)
    yield from _facts(
        (
            ("target", target),
            ("time", when(now)),
            ("users", f"{users['active']} active, {users['inactive']} inactive"),
            ("groups", f"{groups['linked']} linked, with {plural(groups['memberships'], 'member')}"),
            ("missing", f"{plural(groups['missing'], 'group')} in the target" if groups["missing"] else None),
            ("last push", _last_push(status.get("lastPush") or {})),
            ("next push", f"{_both(pending)} to be looked at" if any(pending.values()) else "nothing to do"),
            ("done so far", ", ".join(_done(status["events"]))),
        ),
        width,
    )
    if tasks:
        yield from wrapped("tasks: ", _waiting([task.automatic for task in tasks], retry), " " * 7, width)
    for task in tasks:
        yield clip(f"  {task.id}  {task.name}, tried {_times(task.attempts)}", width)
        yield from wrapped(" " * 4, task.message, " " * 4, width)


def _waiting(automatic: Sequence[bool], retry: str) -> str:
    """What becomes of tasks: some are tried again by themselves, the others when it is asked for."""
    by_itself = sum(automatic)
    asked = len(automatic) - by_itself
    parts = [f"{asked} to be tried again by {retry}"] if asked else []
    parts += [f"{by_itself} with the next push"] if by_itself else []
    return ", ".join(parts)


def _last_push(last: Document) -> str:
    if not last:
        return "none yet"
    failed = f", {last['failed']} of them failed" if last.get("failed") else ""
    return f"{last.get('push')}, {told(last.get('ended'))}: {_both(last)}{failed}"


def _both(counts: Document) -> str:
    found = [plural(counts[name], name.removesuffix("s")) for name in ("users", "groups") if counts.get(name)]
    return " and ".join(found) or "nothing"


def _facts(rows: Iterable[tuple[str, object]], width: int) -> Iterable[str]:
    for name, value in rows:
        if value not in (None, ""):
            yield from wrapped(f"  {name:<16}", str(value), " " * 18, width)


# -- mappings ------------------------------------------------------------------------------------------------------


def mapping_lines(schema: Any, width: int = WIDTH) -> Iterable[str]:  # noqa: ANN401 - mapping.Schema
    """Attribute mappings as tables: target, where from, precedence, default, when."""
    yield from wrapped(f"{schema.name}: ", schema.description, "  ", width)
    for source in schema.source:
        yield from wrapped("  source: ", source, "    ", width)
    for kind, objects in (("users", schema.users), ("groups", schema.groups)):
        yield ""
        yield clip(f"{kind} ({', '.join(objects.flowTypes) if objects.enabled else 'not provisioned'})", width)
        rows = (
            (
                each.targetAttributeName.replace(f"{ENTERPRISE_USER}:", "enterprise:"),
                each.matchingPriority or "-",
                "create" if each.flowType == "ObjectAddOnly" else "always",
                each.defaultValue if each.defaultValue is not None else "-",
                _from(each),
            )
            for each in objects.attributeMappings
        )
        header = ("target attribute", "match", "flow", "default", "source")
        yield from (f"  {line}" for line in grid(header, rows, width - 2))
        for scope in objects.scope:
            clauses = " and ".join(f"{c.attribute} {c.operator} {c.value or ''}".strip() for c in scope.clauses)
            yield from wrapped("  in scope: ", clauses, " " * 12, width)


def _from(mapping: Any) -> str:  # noqa: ANN401 - mapping.AttributeMapping
    if mapping.type == "Constant":
        return f'"{mapping.source}"'
    return printable(str(mapping.source))
