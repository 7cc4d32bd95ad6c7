"""What came of one object in one cycle, on its way to the state and to the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from mockscim.provisioning.entra.failures import Failure
from mockscim.provisioning.entra.state import Kind, Link, Part

Action = Literal["create", "update", "delete", "stageddelete", "disable", "other"]
Status = Literal["success", "warning", "failure", "skipped"]
StepType = Literal["import", "scoping", "matching", "processing", "referenceResolution", "export"]


class Step(NamedTuple):
    """One of the log entry's provisioningSteps."""

    name: str
    type: StepType
    status: Status
    description: str
    details: Mapping[str, Any] = MappingProxyType({})


class Modified(NamedTuple):
    """One of the log entry's modifiedProperties."""

    name: str
    old: Any
    new: Any


@dataclass
class Outcome:
    """What came of an object.

    Attributes:
        kind, key: the source object; part: which of its escrows this settles.
        name: what it is called.
        link: what is known of its counterpart from now on; None: nothing.
        target: the target id, also of what is gone from there by now.
        action, status: as the log has them.
        failure: why not.
        skip: why nothing was sent, in a word: RedundantExport, NotEffectivelyEntitled.
        exported: whether the target was changed.
        entitled, effective: whether it is in scope, and to be enabled.
        steps, modified: for the log.
        seconds: how long the target took, all requests together.
        refused: the credentials were refused: the cycle cannot go on.
        undone: it was not begun, as the cycle was over.
        details: of the source object, for the log.
        redacted: target attributes whose values the log does not show.
    """

    kind: Kind
    key: str
    name: str
    link: Link | None
    part: Part = "object"
    target: str = ""
    action: Action = "other"
    status: Status = "success"
    failure: Failure | None = None
    skip: str = ""
    exported: bool = False
    entitled: bool = False
    effective: bool = False
    steps: list[Step] = field(default_factory=list)
    modified: list[Modified] = field(default_factory=list)
    seconds: float = 0.0
    refused: bool = False
    undone: bool = False
    details: dict[str, Any] = field(default_factory=dict)
    redacted: set[str] = field(default_factory=set)

    def step(self, name: str, type_: StepType, description: str, status: Status = "success", **details: Any) -> None:  # noqa: ANN401 - the log's
        """Note a step."""
        self.steps.append(Step(name, type_, status, description, details))

    def fail(self, failure: Failure, step: str, type_: StepType) -> Outcome:
        """Note why it did not work."""
        self.failure, self.status = failure, "failure"
        self.step(step, type_, failure.message, "failure", ErrorCode=failure.code)
        return self

    def pass_by(self, reason: str, description: str, step: str = "EntrySynchronizationSkip") -> Outcome:
        """Note why nothing is sent."""
        self.skip, self.status = reason, "skipped"
        self.step(step, "processing", description, "skipped", SkipReason=reason)
        return self
