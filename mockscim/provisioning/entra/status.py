"""The job as an administrator sees it: Graph's synchronizationJob."""

from __future__ import annotations

from typing import Any

import msgspec

from mockscim.provisioning.entra.identity import instant
from mockscim.provisioning.entra.settings import Settings
from mockscim.provisioning.entra.state import Execution, Problem, State

Document = dict[str, Any]


def job(settings: Settings, state: State) -> Document:
    """The synchronizationJob document."""
    more = []
    if settings.deletion_threshold is not None:
        more.append({"name": "QuarantineTooManyDeletesThreshold", "value": str(settings.deletion_threshold)})
    if settings.skip_out_of_scope_deletions:
        more.append({"name": "SkipOutOfScopeDeletions", "value": "True"})
    return {
        "id": settings.job_id,
        "templateId": settings.job_id.partition(".")[0],
        "schedule": {"expiration": None, "interval": interval(settings.interval), "state": state.schedule},
        "status": {
            "code": code(state),
            "countSuccessiveCompleteFailures": state.complete_failures,
            "escrowsPruned": state.pruned,
            "lastExecution": execution(state.last),
            "lastSuccessfulExecution": execution(state.last_successful),
            "lastSuccessfulExecutionWithExports": execution(state.last_with_exports),
            "progress": [
                {**msgspec.to_builtins(each), "progressObservationDateTime": instant(each.progressObservationDateTime)}
                for each in state.progress
            ],
            "quarantine": _quarantine(state),
            "steadyStateFirstAchievedTime": instant(state.steady[0]) if state.steady else None,
            "steadyStateLastAchievedTime": instant(state.steady[1]) if state.steady else None,
            "synchronizedEntryCountByType": [{"key": kind, "value": count} for kind, count in state.totals.items()],
            "troubleshootingUrl": "",
        },
        "synchronizationJobSettings": more,
    }


def code(state: State) -> str:
    """Graph's synchronizationStatusCode."""
    if state.quarantine is not None:
        return "Quarantine"
    if state.schedule == "Active":
        return "Active"
    return "NotRun" if state.cycles == 0 else "Paused"


def execution(found: Execution | None) -> Document | None:
    """Graph's synchronizationTaskExecution."""
    if found is None:
        return None
    document: Document = msgspec.to_builtins(found)
    began, ended = instant(found.timeBegan), instant(found.timeEnded)
    return {**document, "error": _problem(found.error), "timeBegan": began, "timeEnded": ended}


def _quarantine(state: State) -> Document | None:
    found = state.quarantine
    if found is None:
        return None
    # A job that is stopped or disabled attempts nothing.
    next_ = {"nextAttempt": instant(found.nextAttempt)} if state.schedule == "Active" else {}
    return {
        "currentBegan": instant(found.currentBegan),
        "error": _problem(found.error),
        **next_,
        "reason": found.reason,
        "seriesBegan": instant(found.seriesBegan),
        "seriesCount": found.seriesCount,
    }


def _problem(found: Problem | None) -> Document | None:
    if found is None:
        return None
    return {"code": found.code, "message": found.message, "tenantActionable": found.tenantActionable}


def interval(seconds: float) -> str:
    """Seconds as an ISO 8601 duration: PT40M."""
    minutes, rest = divmod(seconds, 60)
    return f"PT{minutes:.0f}M" if not rest else f"PT{seconds:g}S"
