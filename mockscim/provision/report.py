"""What came of a cycle, or of a push: plain values to look at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(repr=False)
class Report:
    """One cycle (Entra) or push (Okta) that is over.

    Args:
        number: the first is 1.
        at: when it began, in seconds since the epoch.
        kind: ``cycle`` or ``push``.
        initial: whether everything was looked at.
        quiet: nothing had changed, so nothing was sent.
        broken_off: it was interrupted; what had been done is kept, and the next one goes on with it.
        requests: how many were sent.
        seconds: how long it took, in real time.
        entries: the log's.
        events: what an administrator is told of: ``{"event": "quarantine", "reason": …, "text": …}``.
        steps: descriptions of the directory's steps that were made before it.
        error: why it failed as a whole, with nothing looked at: ``WebExceptionProtocolError: The target …``.
        resumed: it goes on with one that was interrupted, under its number.

    Printed it is one line: see ``report_line``.
    """

    number: int
    at: float
    kind: str = "cycle"
    initial: bool = False
    quiet: bool = False
    broken_off: bool = False
    requests: int = 0
    seconds: float = 0.0
    entries: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    error: str = ""
    resumed: bool = False

    def __repr__(self) -> str:
        """``<Report: 2026-01-01 00:00:00  cycle 1 (initial): 1 failed (user Ann Lee: Conflict); …>``, in one line."""
        from mockscim.provision.pages import report_line  # noqa: PLC0415 - it is only wanted when somebody looks

        return f"<Report: {report_line(self)}>"

    def __str__(self) -> str:
        """The line that the command prints, with the first of what failed, and why."""
        from mockscim.provision.pages import report_line  # noqa: PLC0415 - as above

        return report_line(self)

    @property
    def statuses(self) -> Counter[str]:
        """How many log entries there are of each status: success, failure, skipped, warning."""
        return Counter(status_of(entry) for entry in self.entries)

    @property
    def failures(self) -> list[dict[str, Any]]:
        """The log entries of what failed."""
        return [entry for entry in self.entries if status_of(entry) == "failure"]

    @property
    def actions(self) -> Counter[str]:
        """How many log entries there are of each action that worked: create, update, disable, delete."""
        return Counter(action_of(entry) for entry in self.entries if status_of(entry) == "success")

    @property
    def ok(self) -> bool:
        """Whether neither it nor anything in it failed, and nothing was quarantined."""
        grave = any(event.get("event") in ("quarantine", "disabled") for event in self.events)
        return not (self.failures or grave or self.broken_off or self.error)


def status_of(entry: dict[str, Any]) -> str:
    """success, failure, skipped or warning: of Entra's provisioning log as of Okta's System Log."""
    if "outcome" in entry:
        return str((entry["outcome"] or {}).get("result", "")).lower()
    return str((entry.get("provisioningStatusInfo") or {}).get("status", "")).lower()


def action_of(entry: dict[str, Any]) -> str:
    """What was done: ``create``; of Okta's events the event type."""
    return str(entry.get("provisioningAction") or entry.get("eventType") or "").lower()
