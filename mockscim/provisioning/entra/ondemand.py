"""Provisioning on demand: one user, or one group with at most five members, now.

Five steps: test the connection (shown only where it failed), import, determine if in scope, match, perform the action.
Neither the schedule nor the watermark has a part in it, and the shapes are the legacy ones whatever the flag says.
Source: entra-docs provision-on-demand; Graph synchronizationJob: provisionOnDemand, which takes 5 requests in 10 s.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import orjson

from mockscim.provisioning.entra import connection, log, plan, references
from mockscim.provisioning.entra.connection import Connection
from mockscim.provisioning.entra.ground import Ground
from mockscim.provisioning.entra.identity import guid
from mockscim.provisioning.entra.outcome import Outcome
from mockscim.provisioning.entra.outcome import Step as LogStep
from mockscim.provisioning.entra.references import Pending
from mockscim.provisioning.entra.state import Kind, key_of
from mockscim.provisioning.wire import Steps

Document = dict[str, Any]

MOST_MEMBERS = 5
MOST_REQUESTS, WINDOW = 5, 10.0
# The portal's names of the steps, by the types of the log's.
_TITLES = {
    "import": "Import user",
    "scoping": "Determine if user is in scope",
    "matching": "Match user between source and target system",
    "processing": "Perform action",
    "referenceResolution": "Perform action",
    "export": "Perform action",
}


class OnDemand(NamedTuple):
    """What came of it.

    Args:
        ok: whether the object is in the target as it should be, or rightly left alone.
        steps: name, status, description and details of each; that of the connection only where it failed.
        key: Graph's answer: ``{"result", "details": {"errorCode", "errorMessage"}}``.
        value: the log's entries as JSON text, as Graph's answer has them.
        entries: the same, parsed.
        exit_status: 0; 1 where it failed; 2 where it was asked for what cannot be; 3 where the target did not answer.
    """

    ok: bool
    steps: list[Document]
    key: Document
    value: str
    entries: list[Document]
    exit_status: int

    def __repr__(self) -> str:
        """``<OnDemand: Failure (Conflict): …>``: what a failing test prints."""
        details = self.key["details"]
        code, message = details["errorCode"], details["errorMessage"]
        return (
            f"<OnDemand: {self.key['result']}{f' ({code})' if code else ''}{f': {message[:400]}' if message else ''}>"
        )


class OnDemandRun:
    """One go; ``steps`` is a plan like any other.

    Args:
        ground: what it stands on, with the legacy shapes.
        object_id: a user's id or userPrincipalName, a group's id or displayName.
        members: which of a group's members, if not all of them.
    """

    def __init__(self, ground: Ground, object_id: str, members: Sequence[str] = ()) -> None:
        self._ground, self._object, self._members = ground, object_id, list(members)

    def steps(self) -> Steps[OnDemand]:
        """The plan."""
        ground = self._ground
        kind, key, problem = self._find()
        if problem:
            return _refused(problem)
        draw = random.Random(f"{ground.settings.seed}/on-demand/{ground.now}")  # noqa: S311 - reproducible
        tested = yield from connection.test(ground.schema, draw, ground.settings.base_url)
        if not tested.ok:
            return _unconnected(tested)
        outcomes: list[Outcome] = []
        decision = ground.decide(kind, key)
        if decision.verb == "nothing":
            decision = decision._replace(verb="skip", reason=decision.reason or "NotAssigned")
        first = yield from plan.steps(ground, kind, key, decision)
        self._take(first, outcomes)
        if first.failure is None and first.link is not None and decision.verb == "sync":
            wanted = references.manager(ground, key) if kind == "User" else self._wanted(key)
            if wanted is not None:
                second = yield from references.steps(ground, wanted)
                self._take(second, outcomes)
            if kind == "Group":
                outcomes += self._passed_over(key)
        ground.state.count()
        return self._told(outcomes)

    def _find(self) -> tuple[Kind, str, str]:
        directory, now, state = self._ground.directory, self._ground.now, self._ground.state
        recent = [each for each in state.on_demand if 0 <= now - each < WINDOW]
        user, group = directory.user(self._object), directory.group(self._object)
        if len(recent) >= MOST_REQUESTS:
            return "User", "", f"at most {MOST_REQUESTS} requests in {WINDOW:.0f} s are served"
        state.on_demand = [*recent, now]
        if user is not None:
            if user.deleted or not user.enabled:
                return "User", "", f"{user.upn} is disabled or deleted in the source: that waits for a cycle"
            return "User", user.id, ""
        if group is None:
            return "User", "", f"there is no user or group {self._object[:100]!r} in the source"
        chosen = self._members or directory.member_users(group.id)
        if self._members and len(chosen) > MOST_MEMBERS:
            return "Group", "", f"at most {MOST_MEMBERS} members go with a group, {len(chosen)} were named"
        if len(chosen) > MOST_MEMBERS:
            return "Group", "", f"{group.name} has {len(chosen)} members: name at most {MOST_MEMBERS} of them"
        known = [directory.user(each) for each in self._members]
        there = set(directory.member_users(group.id))
        strangers = [
            each for each, found in zip(self._members, known, strict=True) if not found or found.id not in there
        ]
        if strangers:
            return "Group", "", f"{strangers[0][:100]!r} is no member of {group.name}"
        self._members = [found.id for found in known if found is not None]
        return "Group", group.id, ""

    def _wanted(self, key: str) -> Pending | None:
        """Members that are in the target already; a group does not bring its people along."""
        link = self._ground.link("Group", key)
        if link is not None:
            # Who was out of scope once is looked at again when asked for.
            asked = set(self._chosen(key))
            link.passed_over = [each for each in link.passed_over if each not in asked]
        found = references.members(self._ground, key)
        if found is None or not self._members:
            return found
        kept = [[each for each in part if each in self._members] for part in (found.add, found.remove, found.missing)]
        return Pending("Group", key, *kept) if any(kept) else None

    def _chosen(self, key: str) -> list[str]:
        return self._members or list(self._ground.directory.member_users(key))

    def _passed_over(self, key: str) -> list[Outcome]:
        """Members who do not go along as they are out of scope, each by name with the reason."""
        ground, link = self._ground, self._ground.link("Group", key)
        found = [each for each in self._chosen(key) if link is not None and each in link.passed_over]
        if not found:
            return []
        outcome = ground.outcome("Group", key)
        outcome.part, outcome.action = "references", "update"
        for each in found:
            user, reason = ground.directory.users[each], ground.verdict("User", each).reason
            outcome.pass_by(reason, f"The member {user.name} ({user.upn}) is passed over: {plan.words(reason)}.")
        return [outcome]

    def _take(self, outcome: Outcome, outcomes: list[Outcome]) -> None:
        state = self._ground.state
        links = state.links(outcome.kind)
        if outcome.link is not None:
            links[outcome.key] = outcome.link
        else:
            links.pop(outcome.key, None)
        if outcome.failure is None:
            state.escrows.pop(key_of(outcome.kind, outcome.key, outcome.part), None)
        outcomes.append(outcome)

    def _told(self, outcomes: list[Outcome]) -> OnDemand:
        ground = self._ground
        cycle = guid(ground.settings.seed, "on-demand", ground.now, outcomes[0].key)
        entries = [
            log.entry(ground.settings, cycle, outcome, ground.now, serial, None)
            for serial, outcome in enumerate(outcomes)
        ]
        failure = next((each.failure for each in outcomes if each.failure is not None), None)
        skipped = self._skipped(outcomes)
        skip = skipped.skip if skipped is not None else ""
        steps = [_shown(step, outcomes[0].kind) for outcome in outcomes for step in outcome.steps]
        result = "Failure" if failure else "Skipped" if skip else "Success"
        message = failure.text(0, None) if failure else skipped.steps[-1].description if skipped else None
        details = {"errorCode": failure.code if failure else skip or None, "errorMessage": message}
        if any(outcome.refused for outcome in outcomes):
            details["errorCode"] = "InvalidCredentials"
        return OnDemand(
            failure is None,
            steps,
            {"result": result, "details": details},
            orjson.dumps(entries).decode(),
            entries,
            (3 if failure.status is None and failure.code == "Timeout" else 1) if failure else 0,
        )

    def _skipped(self, outcomes: list[Outcome]) -> Outcome | None:
        """What the whole comes to, where it comes to nothing: the object is passed by, or those who were named are."""
        if outcomes[0].skip and outcomes[0].skip != "RedundantExport":
            return outcomes[0]
        last = outcomes[-1]
        left_out = last.part == "references" and last.skip not in ("", "RedundantExport")
        return last if left_out and len(last.steps) == len(self._members) else None


def _shown(step: LogStep, kind: Kind) -> Document:
    return {
        "name": _TITLES[step.type].replace("user", kind.lower()),
        "status": step.status,
        "description": step.description,
        "details": step.details,
        "step": step.name,
    }


def _refused(problem: str) -> OnDemand:
    key = {"result": "Failure", "details": {"errorCode": "InvalidRequest", "errorMessage": problem}}
    return OnDemand(ok=False, steps=[], key=key, value="[]", entries=[], exit_status=2)


def _unconnected(tested: Connection) -> OnDemand:
    step = {
        "name": "Test connection",
        "status": "failure",
        "description": tested.message,
        "details": {"errorCode": tested.code},
        "step": "TestConnection",
    }
    key = {"result": "Failure", "details": {"errorCode": tested.code, "errorMessage": tested.message}}
    return OnDemand(ok=False, steps=[step], key=key, value="[]", entries=[], exit_status=tested.exit_status)


def ground_of(ground: Ground) -> Ground:
    """The same with the legacy shapes: on-demand provisioning does not look at the flag."""
    settings = msgspec.structs.replace(ground.settings, compliant=False)
    return Ground(settings, ground.schema, ground.directory, ground.state, ground.now, settings.style)
