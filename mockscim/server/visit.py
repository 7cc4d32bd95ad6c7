"""One request while it is here: what came, where it goes, and what faults and gates do to it on the way."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from mockscim.faults import Attempt, Decision, Effect, Refuse
from mockscim.gates import Gate
from mockscim.journal import Exchange
from mockscim.scim import match
from mockscim.scim.call import Call
from mockscim.scim.errors import ScimError
from mockscim.scim.filter import Node
from mockscim.scim.schema import ResourceType
from mockscim.server import wire
from mockscim.server.arrival import Request
from mockscim.server.auth import lacking
from mockscim.server.connection import Connection, departure
from mockscim.server.heads import Head
from mockscim.tenant import Tenant
from mockscim.tokens import Grant
from mockscim.world import Session, caller

_LONGEST_ACCEPT = 1000  # so that remembered headers stay small


class Visit:
    """One request while it is here: what came, where it goes, and which life of the tenant it belongs to."""

    __slots__ = (
        "due", "epoch", "exchange", "generation", "grant", "head", "request", "started", "tenant",
    )  # fmt: skip

    def __init__(
        self,
        request: Request,
        head: Head,
        tenant: Tenant,
        exchange: Exchange,
        grant: Grant,
        started: float,
    ) -> None:
        self.request = request
        self.head = head
        self.tenant = tenant
        self.exchange = exchange
        self.grant = grant
        self.started = started
        self.epoch = tenant.journal.epoch
        self.generation = tenant.generation
        # From when on it waits: since that was decided, not since its turn has come, for many may be there at once.
        self.due = 0.0

    def media_type(self) -> str:
        """What an answer with a body is of: as the profile has it, or the plain JSON that the client asks for."""
        own = self.tenant.start.profile.media_type
        accept = self.head.accept
        return own if accept is None or len(accept) >= _LONGEST_ACCEPT else _media_type(accept, own)

    def is_over(self) -> bool:
        """Whether the tenant was reset since the request came."""
        return self.tenant.generation != self.generation

    # -- faults ------------------------------------------------------------------------------------------------

    def attempt(self, call: Call) -> Attempt:
        """The request as far as rules and gates ask about it."""
        request, tenant, grant = self.request, self.tenant, self.grant
        where = Where(tenant, call)
        return Attempt(
            call.operation,
            call.refinements,
            request.method,
            self.exchange.path or "/",
            request.headers.get,
            grant.good,
            where,
            lambda: grant.good and lacking(grant, call) is None and tenant.service.commits(call),
            self.caller(),
            call,
            tenant.service,
            request.raw_path,
            self.peer,
            where.values,
        )

    def caller(self) -> str:
        """Who asks: a digest of the credentials, or ""."""
        return caller(self.request.headers.get("Authorization"))

    def peer(self) -> str:
        """The IP address that the request came from; "" where there is none."""
        transport = self.request.transport
        name = transport.get_extra_info("peername") if transport is not None else None
        return str(name[0]) if isinstance(name, tuple) else ""

    def session(self, call: Call) -> Session:
        """What faults that change how the request is served have to do with."""
        return Session(self.tenant, self.exchange, self.caller(), self.request.headers.get, call.base)

    def decide(self, call: Call) -> Decision:
        """Ask the rules, once; what they make it wait begins now."""
        self.due = time.perf_counter()
        decision = self.tenant.faults.decide(self.attempt(call), self.tenant.clock.now())
        self.exchange.faults = decision.applied
        return decision

    async def pause(self, seconds: float) -> bool:
        """Wait under a latency; False when the tenant was reset meanwhile."""
        self.due += seconds
        await wire.pause(max(0.0, self.due - time.perf_counter()), self.tenant.cuts)
        return not self.is_over()

    def cut(self) -> wire.Cut:
        """End the connection without an answer."""
        exchange = self.exchange
        exchange.cut, exchange.client_gone = True, wire.left(self.request)
        # Nothing went out: what was ready to go is not what the client got.
        exchange.status, exchange.response_headers, exchange.response_body = None, {}, b""
        wire.reset(self.request)
        return wire.Cut()

    async def strike(self, effect: Effect, answer: wire.Answer) -> Any:  # noqa: ANN401 - an Answer or Cut
        """Put an effect in the place of the answer."""
        request, exchange, cuts = self.request, self.exchange, self.tenant.cuts

        async def pause(seconds: float | None) -> bool:
            if request.transport is None or request.transport.is_closing():
                return False
            return await wire.pause(seconds, cuts, left) and not self.is_over()

        if isinstance(effect, Refuse):
            wire.refuse(request, effect, cuts)
        with departure(request) as left:
            sent = await wire.apply(effect, request, answer, pause)
        exchange.status, exchange.response_headers, exchange.response_body = sent.status, sent.headers, sent.body
        exchange.cut, exchange.client_gone = sent.cut, sent.gone
        return sent.response

    async def hold_last_byte(self, gates: Sequence[Gate], answer: wire.Answer) -> Any:  # noqa: ANN401
        """Send an answer but for its last byte, wait at the gates, and send that."""
        rest = wire.begin(self.request, answer)
        if not await self.pass_gates(gates):
            return self.cut()
        if self.request.transport is not None:
            self.request.transport.write(rest)
        return wire.Written(answer, self.request)

    async def pass_gates(self, gates: Sequence[Gate]) -> bool:
        """Wait at each gate until it opens or its time-out passes; False when the client left, or a reset came."""
        for gate in gates:
            if gate.open:
                continue
            with departure(self.request) as left:
                gate.arrive()
                ended = await wire.pause_until(gate.document.timeout, gate.waiting, self.tenant.cuts, left)
            if ended is None:
                gate.timed_out += 1
            if self.is_over() or wire.left(self.request):
                return False
        return True


class Where:
    """Whether a rule's filter holds for what a request is about; views are made once, and only when asked for."""

    __slots__ = ("_call", "_tenant", "_views")

    def __init__(self, tenant: Tenant, call: Call) -> None:
        self._tenant = tenant
        self._call = call
        self._views: list[dict[str, Any]] | None = None

    def __call__(self, node: Node) -> bool:
        """Whether it holds for any of them."""
        if self._call.type is None:
            return False
        query = _where(node, self._call.type)
        return any(query.matches(view) for view in self._seen())

    def values(self, attribute: str) -> set[str]:
        """The texts that any of them has there, case-folded; ``attribute`` is one of the match's NAMES."""
        name, _, sub = attribute.partition(".")
        found = [value for view in self._seen() for key, value in view.items() if key.lower() == name]
        if sub:
            found = [one.get(sub) for many in found if isinstance(many, list) for one in many if isinstance(one, dict)]
        return {value.casefold() for value in found if isinstance(value, str)}

    def _seen(self) -> list[dict[str, Any]]:
        if self._views is None:
            self._views = self._tenant.service.views(self._call)
        return self._views


@lru_cache(maxsize=4096)
def _where(node: Node, kind: ResourceType) -> match.Query:
    # A rule may be about several types: what this one does not have simply does not hold.
    return match.compile_filter(node, kind, unknown="false")


@lru_cache(maxsize=256)
def _media_type(accept: str, own: str) -> str:
    """The type of an answer: application/json for who accepts that and not SCIM's own (RFC 7644 §3.1)."""
    offered = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    if "application/json" in offered and not offered & {"application/scim+json", "*/*", "application/*"}:
        return "application/json"
    return own


def serial(protocol: object) -> int:
    """The number of a connection; under somebody's own Application one that is its own as long as it lasts."""
    return protocol.serial if isinstance(protocol, Connection) else id(protocol)


def alone(protocol: object) -> bool:
    """Whether a connection is the only one that is open."""
    manager = getattr(protocol, "_manager", None)
    return manager is not None and len(manager.connections) == 1


def told(exchange: Exchange, answer: wire.Answer) -> wire.Answer:
    """Note what a client is answered."""
    exchange.status, exchange.response_headers, exchange.response_body = answer.status, answer.headers, answer.body
    return answer


def failure() -> wire.Answer:
    """What a client gets for a mistake of ours, which the log tells."""
    return error_answer(ScimError(500, None, "mockscim failed; its log says why, please report it"))


def error_answer(error: ScimError, media_type: str = "application/scim+json") -> wire.Answer:
    """An error as an answer."""
    headers = {"Content-Type": media_type, **error.headers}
    keep_alive = headers.pop("Connection", "") != "close"
    return wire.Answer(error.status, headers, error.body(), keep_alive=keep_alive)
