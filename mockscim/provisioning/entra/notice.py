"""What happens to the job itself, as documents: for the audit log, and for the mail that announces a quarantine."""

from __future__ import annotations

from typing import Any

from mockscim.provisioning.entra.identity import instant
from mockscim.provisioning.entra.quarantine import words
from mockscim.provisioning.entra.settings import Settings
from mockscim.provisioning.entra.state import Problem

Document = dict[str, Any]

SENDER = "azure-noreply@microsoft.com"


def quarantined(settings: Settings, reason: str, error: Problem | None, at: float) -> Document:
    """The job has gone into quarantine; it is said once, and mailed to whoever is to be told."""
    why = words(reason, error)
    more = f" {error.message}" if error else ""
    text = (
        f"The provisioning of {settings.target_name} is in quarantine: {why}.{more} Cycles come less often meanwhile."
    )
    found = _document(settings, "quarantine", "Quarantine", reason, text, at)
    return {**found, "from": SENDER, "to": settings.notification_email}


def recovered(settings: Settings, at: float) -> Document:
    """The job has left its quarantine."""
    text = f"The provisioning of {settings.target_name} is out of quarantine."
    return _document(settings, "recovered", "Quarantine", "", text, at)


def disabled(settings: Settings, why: str, at: float) -> Document:
    """The job has been disabled by the service."""
    text = f"The provisioning of {settings.target_name} is disabled: {why}."
    return _document(settings, "disabled", "Disable provisioning", "", text, at)


def _document(settings: Settings, event: str, activity: str, reason: str, text: str, at: float) -> Document:
    return {
        "event": event,
        "activityDisplayName": activity,
        "activityDateTime": instant(at),
        "tenantId": settings.tenant,
        "jobId": settings.job_id,
        "target": settings.target_name,
        "reason": reason,
        "subject": f"Provisioning of {settings.target_name}: {event}",
        "text": text,
    }
