"""What a provisioning job keeps between cycles: plain data that is written to and read from JSON.

links        source object → target id (the "connector data store"): what is managed, what was exported of references
escrows      objects that failed, when, how often, when next
watermark    how far the source was read; None: the next cycle is an initial one
quarantine   since when, why, when next
"""

from __future__ import annotations

from typing import Literal

import msgspec

from mockscim.provisioning.entra.failures import Failure

Kind = Literal["User", "Group"]
Part = Literal["object", "references"]
KINDS: tuple[Kind, Kind] = ("User", "Group")


class Link(msgspec.Struct, omit_defaults=True):
    """What is known of an object's counterpart in the target.

    Attributes:
        id: the target id.
        name: what the object was called, for when it is gone.
        managed: False once the object left the scope and was disabled: nothing more is sent for it until it returns.
        active: whether it was last left enabled.
        manager: the source id of the manager that was exported.
        passed_over: source ids of references that were out of scope when looked at, and are not looked at again.
        members: of a group: source id → target id of those exported.
    """

    id: str
    name: str = ""
    managed: bool = True
    active: bool = True
    manager: str | None = None
    passed_over: list[str] = []
    members: dict[str, str] = {}

    def copy(self) -> Link:
        """One to be changed."""
        return msgspec.structs.replace(self, passed_over=list(self.passed_over), members=dict(self.members))


class Escrow(msgspec.Struct, omit_defaults=True):
    """An object that failed, waiting to be tried again.

    Attributes:
        kind, id: the source object.
        part: the object itself, or its references.
        first: when it failed first.
        last: when it failed last.
        next: when it is due again.
        attempts: how often it has failed.
        failure: the last one.
    """

    kind: Kind
    id: str
    part: Part
    first: float
    last: float
    next: float
    failure: Failure
    attempts: int = 1


class Problem(msgspec.Struct, omit_defaults=True):
    """Graph's synchronizationError."""

    code: str
    message: str
    tenantActionable: bool = True  # noqa: N815 - Graph's name


class Quarantine(msgspec.Struct, omit_defaults=True):
    """Graph's synchronizationQuarantine, instants in seconds.

    Attributes:
        reason: of the enumeration: EncounteredEscrowProportionThreshold and so on.
        seriesBegan: when it was imposed first.
        currentBegan: when it was last judged and left in force.
        seriesCount: how often that was.
        nextAttempt: when the next cycle is due.
        error: of EncounteredQuarantineException: what is wrong.
    """

    reason: str
    seriesBegan: float  # noqa: N815
    currentBegan: float  # noqa: N815
    seriesCount: int  # noqa: N815
    nextAttempt: float  # noqa: N815
    error: Problem | None = None


class Execution(msgspec.Struct):
    """Graph's synchronizationTaskExecution, instants in seconds.

    Attributes:
        countEntitled: objects in scope that this execution looked at.
        countEntitledForProvisioning: those of them that are to be enabled in the target.
        countEscrowed: objects put in escrow; countEscrowedRaw: failures, with those of the same object again.
        countExported: objects exported; countExports: those that were to be, with those that failed.
        countImported: source objects read; countImportedDeltas: of an incremental cycle;
        countImportedReferenceDeltas: reference changes read.
        state: Succeeded, Failed (did not get through) or EntryLevelErrors.
    """

    activityIdentifier: str = ""  # noqa: N815
    countEntitled: int = 0  # noqa: N815
    countEntitledForProvisioning: int = 0  # noqa: N815
    countEscrowed: int = 0  # noqa: N815
    countEscrowedRaw: int = 0  # noqa: N815
    countExported: int = 0  # noqa: N815
    countExports: int = 0  # noqa: N815
    countImported: int = 0  # noqa: N815
    countImportedDeltas: int = 0  # noqa: N815
    countImportedReferenceDeltas: int = 0  # noqa: N815
    error: Problem | None = None
    state: Literal["Succeeded", "Failed", "EntryLevelErrors"] = "Succeeded"
    timeBegan: float | None = None  # noqa: N815
    timeEnded: float | None = None  # noqa: N815


class Unfinished(msgspec.Struct):
    """A cycle that was interrupted: the next one goes on with it, under its number.

    Attributes:
        execution: what it has done so far.
        at: when it was interrupted.
        entries: how many log entries it has made.
        events: how many objects it has tried; failures: of them, those that failed, without references.
    """

    execution: Execution
    at: float
    entries: int = 0
    events: int = 0
    failures: int = 0


class Progress(msgspec.Struct):
    """Graph's synchronizationProgress: pages, not objects."""

    units: str
    completedUnits: int  # noqa: N815
    totalUnits: int  # noqa: N815
    progressObservationDateTime: float  # noqa: N815


class State(msgspec.Struct):
    """All of it.

    Attributes:
        users, groups: the links, by source id.
        escrows: by ``key_of``.
        schedule: Disabled until started and once disabled, Active, or Paused.
        why: why it is not active, in words.
        complete_failures: cycles in a row that did not get through.
        on_demand: when objects were provisioned on demand lately.
        last, last_successful, last_with_exports: executions that have ended.
        unfinished: the cycle that was interrupted, if the last one was.
        progress: of the last cycle.
        cycles: how many were begun.
        next: when the next cycle is due while Active and not in quarantine.
        probes: how many random GUIDs were drawn.
        watermark: what the source is asked from; None for everything.
        deletes_forced: the next cycle may delete whatever it finds (ForceDeletes).
        staged: kind and id of objects whose disabling or deletion is held back.
        pruned: whether escrows were dropped in the initial cycle.
        steady: when a cycle without failures was first and last reached.
        totals: most objects that were linked at a time, by kind; they fall only with the store.
    """

    schedule: Literal["Disabled", "Active", "Paused"] = "Disabled"
    why: str = "provisioning has not been started"
    next: float | None = None
    cycles: int = 0
    probes: int = 0
    watermark: int | None = None
    users: dict[str, Link] = {}
    groups: dict[str, Link] = {}
    escrows: dict[str, Escrow] = {}
    quarantine: Quarantine | None = None
    deletes_forced: bool = False
    staged: list[tuple[Kind, str]] = []
    pruned: bool = False
    complete_failures: int = 0
    on_demand: list[float] = []
    last: Execution | None = None
    last_successful: Execution | None = None
    last_with_exports: Execution | None = None
    unfinished: Unfinished | None = None
    progress: list[Progress] = []
    steady: tuple[float, float] | None = None
    totals: dict[str, int] = {}

    def links(self, kind: Kind) -> dict[str, Link]:
        """Those of users, or of groups."""
        return self.users if kind == "User" else self.groups

    def count(self) -> None:
        """Bring the totals up to the links."""
        for kind in KINDS:
            there = sum(link.managed for link in self.links(kind).values())
            self.totals[kind] = max(self.totals.get(kind, 0), there)


def key_of(kind: Kind, id_: str, part: Part) -> str:
    """What an escrow is kept under."""
    return f"{kind}:{part}:{id_}"
