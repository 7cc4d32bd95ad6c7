"""Log entries, status and mappings as lines that people read in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mockscim.clock import format_instant
from mockscim.provision.report import Report, action_of, status_of
from mockscim.scim.urns import ENTERPRISE_USER
from mockscim.tables import WIDTH, clip, grid, printable, wrapped

_COLUMNS = (("when", 19), ("action", 16), ("object", 30), ("status", 7))
_GAP = "  "
_SHORT_EVENT = ("application.", "provision.", "integration.", "system.", "user.", "group_push.", "mapping.", "app.")

Document = Mapping[str, Any]


# -- a cycle's line ------------------------------------------------------------------------------------------------


def cycle_line(report: Report) -> str:
    """What came of a cycle, on one line."""
    head = f"{when(report.at)}  {report.kind} {report.number}{' (initial)' if report.initial else ''}"
    parts = [f"{count} {_past(action)}" for action, count in sorted(report.actions.items())]
    parts += [
        f"{report.statuses[status]} {words}" for status, words in _STATUS_WORDS.items() if report.statuses[status]
    ]
    if report.broken_off:
        parts.append("interrupted")
    if report.error:
        parts.append(f"failed: {report.error}")
    told = ", ".join(parts) or "nothing to do"
    line = f"{head}: {told}; {plural(report.requests, 'request')} in {report.seconds:.1f} s"
    for event in report.events:
        line += f"; {event.get('event')}: {event.get('reason') or event.get('text') or ''}".rstrip(": ")
    return line


_STATUS_WORDS = {"skipped": "skipped", "warning": "with warnings", "failure": "failed"}


def _past(action: str) -> str:
    words = {"create": "created", "update": "updated", "delete": "deleted", "disable": "disabled", "other": "looked at"}
    return words.get(action) or _short(action)


def plural(count: int, noun: str) -> str:
    """``1 request``, ``2 requests``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def when(seconds: float | None) -> str:
    """An instant to the second; a dash for none."""
    return "-" if seconds is None else told(format_instant(seconds))


def told(text: object) -> str:
    """An instant as documents have it, to the second."""
    return str(text)[:19].replace("T", " ") if text else "-"


# -- the log -------------------------------------------------------------------------------------------------------


def log_lines(entries: Iterable[Document], width: int = WIDTH) -> Iterable[str]:
    """The log as a table: when, action, object, status, error."""
    yield _line([name for name, _ in _COLUMNS] + ["error"], width)
    for entry in entries:
        yield _line([*log_row(entry)], width)


def log_row(entry: Document) -> tuple[str, str, str, str, str]:
    """An entry's cells."""
    if "eventType" in entry:
        return (
            told(entry.get("published")),
            _short(str(entry["eventType"])),
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


def _short(event: str) -> str:
    for prefix in _SHORT_EVENT:
        event = event.removeprefix(prefix)
    return event.replace("_", " ").replace(".", " ")


def _line(cells: Sequence[str], width: int) -> str:
    spare = max(0, width - WIDTH)
    sizes = [size + (spare if name == "object" else 0) for name, size in _COLUMNS]
    parts = [f"{clip(cell, size):<{size}}" for cell, size in zip(cells, sizes, strict=False)]
    return clip((_GAP.join(parts) + _GAP + cells[-1]).rstrip(), width)


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


def job_lines(job: Document, why: str, target: str, now: float, width: int = WIDTH) -> Iterable[str]:
    """A synchronizationJob as a short page.

    Args:
        job: Graph's document.
        why: why it is not active; empty where it is.
        target: where it provisions to.
        now: the job's time.
        width: of the page.
    """
    status, schedule = job.get("status") or {}, job.get("schedule") or {}
    code = str(status.get("code") or "NotRun")
    yield clip(f"{job.get('id')}: {code}{f' ({why})' if why else ''}", width)
    counts = {each["key"]: each["value"] for each in status.get("synchronizedEntryCountByType") or ()}
    last, quarantine = status.get("lastExecution"), status.get("quarantine")
    yield from _facts(
        (
            ("target", target),
            ("time", when(now)),
            ("schedule", f"{schedule.get('state', '-')}, every {schedule.get('interval', '-')}"),
            ("provisioned", ", ".join(f"{value} {key}" for key, value in counts.items()) or "nothing yet"),
            ("progress", ", ".join(_progress(each) for each in status.get("progress") or ()) or None),
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
    counts = f"{last.get('countImported', 0)} read, {last.get('countExports', 0)} changed in the target"
    failed = last.get("countEscrowed", 0)
    return f"{told(last.get('timeEnded'))}, {last.get('state')}: {counts}, {failed} failed"


def _quarantine(quarantine: Document, width: int) -> Iterable[str]:
    error = quarantine.get("error") or {}
    yield "quarantine"
    yield from (
        f"  {line}"
        for line in _facts(
            (
                ("reason", quarantine.get("reason")),
                ("error", f"{error.get('code')}: {error.get('message')}" if error else None),
                ("since", f"{told(quarantine.get('seriesBegan'))}, judged {quarantine.get('seriesCount')} times"),
                ("next attempt", told(quarantine.get("nextAttempt"))),
            ),
            width - 2,
        )
    )


# -- Okta's status -------------------------------------------------------------------------------------------------


def app_lines(status: Document, tasks: Sequence[Any], target: str, now: float, width: int = WIDTH) -> Iterable[str]:
    """An application's counts and tasks as a short page.

    Args:
        status: the document of Okta's side.
        tasks: what waits for an administrator.
        target: where it provisions to.
        now: the application's time.
        width: of the page.
    """
    yield clip(f"{status.get('app')} ({status.get('appType')})", width)
    facts: list[tuple[str, object]] = [("target", target), ("time", when(now))]
    facts += [(name, _flat(value)) for name, value in status.items() if name not in ("app", "appType", "at", "tasks")]
    yield from _facts(facts, width)
    if tasks:
        yield "tasks"
        rows = ((task.id, task.name, task.attempts, task.message) for task in tasks)
        yield from (f"  {line}" for line in grid(("id", "object", "tried", "what is wrong"), rows, width - 2))


def _flat(value: object) -> object:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_flat(each)}" for key, each in value.items()) or None
    if isinstance(value, list):
        return len(value)
    return value


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
