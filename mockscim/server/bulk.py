"""Faults inside a bulk job: rules are asked about each of its operations as about the request itself.

    an answer (abort)      is the result of that operation: ``before``, it is not done; ``after``, it is
    latency                adds up, and the whole answer waits for it
    drop, reset, hang      ``before``: what came earlier in the job is done, this operation and the rest are not;
                           ``after``: the job goes on; in both the whole answer is lost
    truncate, drip         the job goes on, and the whole answer is sent so
    what knows SCIM        changes how that operation is served, and no other

The fault of the request itself goes first: what strikes it ``before`` leaves nothing to be asked about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mockscim.faults import Applied, Attempt, Decision, Effect, Respond
from mockscim.scim.call import GO_ON, Call, Verdict
from mockscim.server.visit import Where
from mockscim.tenant import Tenant
from mockscim.world import Session


class InnerFaults:
    """Decides the faults of a job's operations, and remembers what they do to the whole answer.

    Args:
        tenant: whose rules are asked.
        header: looks up a header of the request, which stand for each operation too.
        where: makes the test of a rule's filter for an operation.
        session: serves an operation through faults that change how.
        address: looks up where the request came from.
    """

    def __init__(
        self,
        tenant: Tenant,
        header: Callable[[str], str | None],
        where: Callable[[Call], Where],
        session: Session,
        address: Callable[[], str],
    ) -> None:
        self._tenant = tenant
        self._header = header
        self._where = where
        self._session = session
        self._address = address
        self._applied: list[Applied] = []
        self._delay = 0.0
        self._effect: Effect | None = None
        self._stopped = False

    def __call__(self, call: Call) -> Verdict:
        """Decide about one operation, once."""
        tenant = self._tenant
        path = f"{call.kind.endpoint}/{call.id}" if call.id is not None else call.kind.endpoint
        if call.me:
            path = "/Me"
        if not tenant.faults.concerns(call.operation, call.refinements, path):
            return GO_ON
        where = self._where(call)
        attempt = Attempt(
            call.operation,
            call.refinements,
            call.method,
            path,
            self._header,
            True,  # noqa: FBT003 - the request was, or there were no job
            where,
            lambda: tenant.service.commits(call),
            self._session.caller,
            call,
            tenant.service,
            address=self._address,
            values=where.values,
        )
        decision = tenant.faults.decide(attempt, tenant.clock.now())
        self._applied += decision.applied
        self._delay += decision.delay_before + decision.delay_after
        effect = decision.terminal
        before = decision.phase == "before"
        serving = decision.serving
        go_on = GO_ON
        if serving:
            go_on = Verdict(serve=lambda call, serve, changes: self._session.serve(call, serving, serve, changes))
        if effect is None:
            return go_on
        if isinstance(effect, Respond):
            return go_on._replace(carry_out=not before, status=effect.status, body=effect.body)
        if before:
            self._effect, self._stopped = effect, True
            return Verdict(carry_out=False, stop=True)
        self._effect = self._effect or effect
        return go_on

    @property
    def applied(self) -> tuple[Applied, ...]:
        """What struck operations of the job."""
        return self._session.struck(self._applied)

    def added_to(self, decision: Decision) -> Decision:
        """The decision about the request with what its operations add, all of it after the commit."""
        if not self._applied:
            return decision
        first = self._effect if self._stopped or decision.terminal is None else decision.terminal
        return replace(
            decision,
            delay_before=0.0,
            delay_after=decision.delay_after + self._delay,
            terminal=first,
            phase="after",
            applied=(*decision.applied, *self.applied),
        )
