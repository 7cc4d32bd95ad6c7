"""When failures become too many: escrows, quarantine, its falling frequency and its end.

    escrow        6 h, 12 h, 24 h after the first failure, then every day, for 28 days; then it is dropped
    quarantine    at once for bad credentials or an incompatible endpoint; once there are 5,000 failures: more than 40 %
                  of a cycle's events, or more than 40,000 failures without references; 60,000 with references
    in it         cycles come ever less often, once a day in the end; the first that succeeds ends it;
                  after four weeks the job is disabled
    initial cycle the escrows are dropped instead (escrowsPruned), and the job pauses when the cycle ends

Source: entra-docs application-provisioning-quarantine-status; Graph synchronizationQuarantine, synchronizationStatus.
"""

from __future__ import annotations

from typing import Literal

from mockscim.provisioning.entra.failures import INCOMPATIBLE, UNAUTHORIZED, Failure
from mockscim.provisioning.entra.settings import DAY, Settings
from mockscim.provisioning.entra.state import Escrow, Kind, Part, Problem, Quarantine, State, key_of

Reason = Literal[
    "EncounteredBaseEscrowThreshold",
    "EncounteredTotalEscrowThreshold",
    "EncounteredEscrowProportionThreshold",
    "EncounteredQuarantineException",
    "Unknown",
    "QuarantinedOnDemand",
    "TooManyDeletes",
    "IngestionInterrupted",
]

_TEXTS = {
    "EncounteredBaseEscrowThreshold": "too many objects failed",
    "EncounteredTotalEscrowThreshold": "too many objects and references failed",
    "EncounteredEscrowProportionThreshold": "too large a part of the events failed",
    "EncounteredQuarantineException": "the target could not be worked with",
    "TooManyDeletes": "more disables and deletes than the threshold allows are waiting for approval",
}
_CREDENTIALS = ("InvalidCredentials", UNAUTHORIZED, "InsufficientRights")


def words(reason: str, error: Problem | None = None) -> str:
    """A reason in the words of the notification.

    Microsoft has one code, EncounteredQuarantineException, for every way in which a target as a whole fails: which of
    them it was, ``error`` tells.
    """
    if reason == "EncounteredQuarantineException" and error is not None:
        if error.code in _CREDENTIALS:
            return "the target refuses the credentials"
        if error.code == INCOMPATIBLE:
            return "the target is no SCIM endpoint, or wants a sign-in"
        if not error.tenantActionable:
            return "the target cannot be reached or cannot answer, cycle after cycle"
    return _TEXTS.get(reason, reason)


# -- escrows ---------------------------------------------------------------------------------------------------


def put(state: State, settings: Settings, kind: Kind, id_: str, part: Part, failure: Failure, at: float) -> Escrow:
    """Put an object in escrow, or note that it failed again; returns it as it is now."""
    key = key_of(kind, id_, part)
    known = state.escrows.get(key)
    if known is None:
        known = state.escrows[key] = Escrow(kind, id_, part, at, at, at, failure)
    else:
        known.attempts, known.last, known.failure = known.attempts + 1, at, failure
    soon = known.attempts == 1 and (failure.again or settings.first_retry == "next-cycle")
    known.next = at if soon else next_retry(settings, known.first, at)
    return known


def next_retry(settings: Settings, first: float, at: float) -> float:
    """When an object that failed first at ``first`` is tried again, seen from ``at``."""
    for delay in settings.escrow_series:
        if first + delay > at:
            return first + delay
    last = first + (settings.escrow_series[-1] if settings.escrow_series else 0.0)
    return last + (int((at - last) // DAY) + 1) * DAY


def due(state: State, now: float) -> list[Escrow]:
    """The escrows that are to be tried now, oldest first."""
    return sorted((each for each in state.escrows.values() if each.next <= now), key=lambda each: each.first)


def expire(state: State, settings: Settings, now: float) -> list[Escrow]:
    """Drop the escrows that were tried for long enough; returns them."""
    gone = {key: each for key, each in state.escrows.items() if now - each.first >= settings.escrow_end}
    for key in gone:
        del state.escrows[key]
    return list(gone.values())


# -- quarantine ------------------------------------------------------------------------------------------------


def threshold(state: State, settings: Settings, events: int, failures: int) -> Reason | None:
    """Which threshold is crossed, if one is.

    Args:
        state: its escrows are the failures that stand.
        settings: the thresholds.
        events: what the cycle has tried, without references.
        failures: of them, those that failed.
    """
    limits = settings.thresholds
    total = len(state.escrows)
    base = sum(not each.failure.reference for each in state.escrows.values())
    if total >= limits.total:
        return "EncounteredTotalEscrowThreshold"
    if base < limits.begin:
        return None
    if base > limits.base:
        return "EncounteredBaseEscrowThreshold"
    if events and failures > limits.proportion * events:
        return "EncounteredEscrowProportionThreshold"
    return None


def impose(state: State, settings: Settings, reason: str, now: float, error: Problem | None = None) -> bool:
    """Put the job in quarantine, or leave it there; True where it was not in it before."""
    known = state.quarantine
    count = known.seriesCount + 1 if known else 1
    began = known.seriesBegan if known else now
    state.quarantine = Quarantine(reason, began, now, count, now + pause(settings, count), error)
    return known is None


def pause(settings: Settings, count: int) -> float:
    """Seconds until the next cycle in quarantine: twice as long each time, a day at most.

    That it falls to once a day is documented, by which steps is not.
    """
    return float(min(DAY, settings.interval * 2 ** min(count, 30)))


def over(state: State, settings: Settings, now: float) -> bool:
    """Whether the job was in quarantine for so long that it is disabled."""
    return state.quarantine is not None and now - state.quarantine.seriesBegan >= settings.quarantine_end
