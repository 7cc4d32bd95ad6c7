"""The provisioning log: an entry an object and cycle, field by field after Graph's provisioningObjectSummary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from mockscim.provisioning.entra.failures import Failure
from mockscim.provisioning.entra.identity import guid, instant
from mockscim.provisioning.entra.outcome import Outcome
from mockscim.provisioning.entra.settings import Settings
from mockscim.provisioning.entra.state import Escrow

Document = dict[str, Any]

SOURCE_SYSTEM = "Azure Active Directory"
_REDACTED = {"displayName": "", "oldValue": "[Redacted]", "newValue": "[Redacted]"}
INITIATOR = "Azure AD Provisioning Service"


def entry(settings: Settings, cycle: str, outcome: Outcome, at: float, serial: int, escrow: Escrow | None) -> Document:
    """The log's entry of an outcome.

    Args:
        settings: the job's.
        cycle: the cycle's id.
        outcome: what came of the object.
        at: when.
        serial: which entry of the cycle it is.
        escrow: what the object waits in, if it has failed.
    """
    target = outcome.link.id if outcome.link else outcome.target
    change = guid(settings.seed, cycle, outcome.kind, outcome.key)
    return {
        "id": guid(settings.seed, cycle, serial, outcome.key, "entry"),
        "activityDateTime": instant(at),
        "tenantId": settings.tenant,
        "jobId": settings.job_id,
        "cycleId": cycle,
        "changeId": change,
        "provisioningAction": outcome.action,
        "durationInMilliseconds": round(outcome.seconds * 1000),
        "initiatedBy": {"id": "", "displayName": INITIATOR, "initiatorType": "system"},
        "servicePrincipal": {"id": settings.principal, "displayName": settings.target_name},
        "sourceSystem": {"id": settings.tenant, "displayName": SOURCE_SYSTEM, "details": {}},
        "targetSystem": _target_system(settings),
        "sourceIdentity": {
            "id": outcome.key,
            "displayName": outcome.name,
            "identityType": outcome.kind,
            "details": {"id": outcome.key, "odatatype": outcome.kind, **_texts(outcome.details)},
        },
        "targetIdentity": {
            "id": target,
            "displayName": outcome.name if target else "",
            "identityType": outcome.kind,
            "details": {},
        },
        "provisioningStatusInfo": {
            "status": outcome.status,
            "errorInformation": _error(outcome, escrow),
        },
        "provisioningSteps": [
            {
                "name": step.name,
                "provisioningStepType": step.type,
                "status": step.status,
                "description": step.description,
                "details": _texts(step.details),
            }
            for step in outcome.steps
        ],
        "modifiedProperties": [
            _REDACTED | {"displayName": each.name}
            if each.name in outcome.redacted
            else {"displayName": each.name, "oldValue": text(each.old), "newValue": text(each.new)}
            for each in outcome.modified
        ],
    }


def _target_system(settings: Settings) -> Document:
    details = {
        "ApplicationId": guid(settings.seed, "application", settings.app),
        "ServicePrincipalId": settings.principal,
        "ServicePrincipalDisplayName": settings.target_name,
    }
    return {"id": settings.principal, "displayName": settings.target_name, "details": details}


def _error(outcome: Outcome, escrow: Escrow | None) -> Document | None:
    if outcome.failure is not None:
        return error_information(outcome.failure, escrow)
    if outcome.skip:
        return {
            "errorCode": outcome.skip,
            "reason": outcome.steps[-1].description if outcome.steps else "",
            "additionalDetails": None,
            "errorCategory": "NonServiceFailure",
            "recommendedAction": "",
        }
    return None


def error_information(failure: Failure, escrow: Escrow | None) -> Document:
    """Graph's provisioningErrorInfo of a failure."""
    retried = escrow.attempts - 1 if escrow else 0
    return {
        "errorCode": failure.code,
        "reason": failure.text(retried, escrow.next if escrow else None),
        "additionalDetails": failure.response or None,
        "errorCategory": "Failure",
        "recommendedAction": failure.advice,
    }


def text(value: object) -> str | None:
    """A value as the log shows it; None for none."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _texts(details: Mapping[str, Any]) -> dict[str, str | None]:
    return {name: text(value) for name, value in details.items()}
