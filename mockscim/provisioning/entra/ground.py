"""What the plans of a cycle stand on: the source, the mappings, the job's settings and what is known so far."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from mockscim.provisioning import mapping as mappings
from mockscim.provisioning import scoping
from mockscim.provisioning.directory import Directory, Group, User
from mockscim.provisioning.entra import shapes
from mockscim.provisioning.entra.failures import of
from mockscim.provisioning.entra.outcome import Outcome
from mockscim.provisioning.entra.settings import Settings
from mockscim.provisioning.entra.state import Kind, Link, State
from mockscim.provisioning.expressions import Context
from mockscim.provisioning.mapping import Flow, ObjectMapping, Schema
from mockscim.provisioning.scoping import Source, Verdict
from mockscim.provisioning.source import GroupSource, UserSource
from mockscim.provisioning.wire import Answer, Request, Steps

TOO_MANY = 429
Verb = Literal["sync", "disable", "delete", "skip", "nothing"]


class Decision(NamedTuple):
    """What is to become of an object, before anybody asked the target.

    Args:
        verb: match and create or update; disable; delete; log that it is passed by; nothing.
        verdict: of the scope; None where the source object is gone.
        release: it is no longer managed afterwards.
        reason: why it is passed by.
    """

    verb: Verb
    verdict: Verdict | None = None
    release: bool = False
    reason: str = ""


@dataclass
class Ground:
    """See the module.

    Attributes:
        now: when the cycle began.
        halted: whether the cycle is over: no plan begins any more.
        owners: target id → source id, of what is managed.
    """

    settings: Settings
    schema: Schema
    directory: Directory
    state: State
    now: float
    style: shapes.Style
    halted: bool = False
    owners: dict[tuple[Kind, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for kind in ("User", "Group"):
            for key, link in self.state.links(kind).items():
                if link.managed:
                    self.owners[kind, link.id] = key

    # -- the source --------------------------------------------------------------------------------------------

    def mapping(self, kind: Kind) -> ObjectMapping:
        """That of users, or of groups."""
        return self.schema.users if kind == "User" else self.schema.groups

    def object(self, kind: Kind, key: str) -> User | Group | None:
        """A source object by id; None when it is gone."""
        return self.directory.users.get(key) if kind == "User" else self.directory.groups.get(key)

    def link(self, kind: Kind, key: str) -> Link | None:
        """What is known of its counterpart."""
        return self.state.links(kind).get(key)

    def source(self, kind: Kind, key: str, *, effective: bool = True) -> Source:
        """A source object as mappings see it."""
        if kind == "User":
            return UserSource(self.directory, self.directory.users[key], effective=effective)
        return GroupSource(self.directory.groups[key])

    def verdict(self, kind: Kind, key: str) -> Verdict:
        """Whether an object that is there is to be provisioned."""
        scope, filters, source = self.settings.scope, self.mapping(kind).scope, self.source(kind, key)
        if kind == "User":
            return scoping.judge_user(self.directory, self.directory.users[key], scope, filters, source)
        return scoping.judge_group(self.directory, self.directory.groups[key], scope, filters, source)

    def decide(self, kind: Kind, key: str) -> Decision:
        """What is to become of an object."""
        link = self.link(kind, key)
        managed = link is not None and link.managed
        if self.object(kind, key) is None:
            return Decision("delete" if managed else "nothing", release=True)
        verdict = self.verdict(kind, key)
        if verdict.effective:
            return Decision("sync", verdict)
        if not managed:
            # Users who are disabled when first seen are not provisioned; who is not assigned is not even imported.
            verb: Verb = "nothing" if verdict.reason == "NotAssigned" else "skip"
            return Decision(verb, verdict, reason=verdict.reason)
        lost = not verdict.in_scope and verdict.reason != "SoftDeleted"
        if lost and self.settings.skip_out_of_scope_deletions:
            return Decision("skip", verdict, reason="SkipOutOfScopeDeletions")
        if kind == "User" and self.soft_delete:
            return Decision("disable", verdict, release=lost)
        return Decision("delete", verdict, release=True)

    def removes(self, kind: Kind, key: str, decision: Decision) -> bool:
        """Whether the accidental-deletion guard counts it: it takes somebody's access away who has it."""
        link = self.link(kind, key)
        return decision.verb == "delete" or (decision.verb == "disable" and link is not None and link.active)

    @property
    def soft_delete(self) -> bool:
        """Whether users of the target are disabled rather than deleted."""
        if self.settings.soft_delete is not None:
            return self.settings.soft_delete
        return any(
            each.targetAttributeName.lower() == "active" and each.type != "None"
            for each in self.schema.users.attributeMappings
        )

    def outcome(self, kind: Kind, key: str) -> Outcome:
        """A fresh one of an object, as things are."""
        found, link = self.object(kind, key), self.link(kind, key)
        name = found.name if found is not None else (link.name if link else "")
        outcome = Outcome(kind, key, name or key, link.copy() if link else None, target=link.id if link else "")
        if isinstance(found, User):
            outcome.details = {"DisplayName": found.get("displayName"), "UserPrincipalName": found.upn}
        elif found is not None:
            outcome.details = {"DisplayName": found.name}
        return outcome

    # -- the target --------------------------------------------------------------------------------------------

    def ask(self, outcome: Outcome, request: Request) -> Steps[Answer]:
        """Send a request; where 429 is honoured, until it is let through or there were enough attempts."""
        again = 0
        while True:
            answer = yield request
            outcome.seconds += answer.seconds
            if answer.status != TOO_MANY or self.settings.throttling != "honour":
                break
            if again == self.settings.throttled_attempts:
                break
            again += 1
            wait = of(answer, "", now=self.now).retry_after
            request = request._replace(after=self.settings.throttled_delay if wait is None else wait)
        if answer.status == 401:
            outcome.refused = True
        return answer

    def flow(self, outcome: Outcome, *, creating: bool, effective: bool = True) -> Flow:
        """What the mapping gives an object."""
        source = self.source(outcome.kind, outcome.key, effective=effective)
        return mappings.flow(self.mapping(outcome.kind), source, self._context(outcome.key), creating=creating)

    def matching_values(self, outcome: Outcome) -> list[tuple[str, Any]]:
        """Target attribute and value of each matching attribute that has one, by precedence. Raises ExpressionError."""
        source = self.source(outcome.kind, outcome.key)
        found = mappings.matching_values(self.mapping(outcome.kind), source, self._context(outcome.key))
        return [(each.targetAttributeName, value) for each, value in found]

    def _context(self, key: str) -> Context:
        return Context(self.now, random.Random(f"{self.settings.seed}/{key}"))  # noqa: S311 - reproducible by design
