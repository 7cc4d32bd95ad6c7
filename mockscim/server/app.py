"""The SCIM edge: one handler from the socket to the service and back.

    size → route → authentication → parse, operation known → decide once → before → service, commit → after → journal

The core never waits, so everything between two waits here is atomic: a request that has arrived whole commits when it
is due, whether its client is still there or not.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.streams import EMPTY_PAYLOAD

from mockscim.faults import NO_FAULT, Decision, Served
from mockscim.gates import Gate
from mockscim.journal import Exchange
from mockscim.kept import KeepError
from mockscim.masking import USUAL
from mockscim.scim import interop
from mockscim.scim.call import Call, GiveVerdict, Reply, Unfinished
from mockscim.scim.discovery import ENDPOINTS
from mockscim.scim.errors import ScimError, not_found
from mockscim.scim.policy import Tolerance
from mockscim.server import wire
from mockscim.server.address import Address, base_url, read_address, read_plain, read_query
from mockscim.server.arrival import Arrival, Request, head_of
from mockscim.server.auth import misplaced, refusal
from mockscim.server.body import body_at_hand, check_content_type, read_body
from mockscim.server.bulk import InnerFaults
from mockscim.server.connection import Connection
from mockscim.server.control import Control
from mockscim.server.heads import Head
from mockscim.server.oauth import TokenEndpoint, TokenRequest, unread
from mockscim.server.options import Options
from mockscim.server.tenants import Tenants
from mockscim.server.turns import Turns
from mockscim.server.visit import Visit, Where, alone, error_answer, failure, serial, told
from mockscim.tenant import Start, Tenant
from mockscim.tokens import FULL, Grant

log = logging.getLogger("mockscim")

_REFUSED = int(HTTPStatus.UNAUTHORIZED)
_UNEXPECTED = "unexpected failure of %s %s"


class ScimServer:
    """Answers all requests of one process.

    Args:
        start: what the default tenant, and any that comes to life by being used, starts from.
        options: how it is reached and guarded.
        tenants: those of that start, where they are made already.
    """

    def __init__(self, start: Start, options: Options, tenants: Tenants | None = None) -> None:
        self.options = options
        self.tenants = tenants if tenants is not None else Tenants.of(start, options)
        self.token_endpoint = TokenEndpoint(options.clients, options.token_ttl)
        self.control = Control(self)
        self.turns = Turns()
        self.prefix = ""  # the path that it is mounted at, below another Application
        # Called with each exchange once it is in the journal.
        self.on_exchange: Callable[[Exchange], None] | None = None
        brought = self.tenants.use("").registry.endpoints
        self._endpoints = frozenset({*ENDPOINTS, *brought, "/users", "/groups", "/bulk", "/me", "/.search"})

    def stop(self) -> None:
        """Cut all that is waiting, so that a hanging request does not hold up the end."""
        for tenant in self.tenants:
            tenant.cut()

    def close(self) -> None:
        """Let go of what the data is kept in, once nothing is served any more."""
        self.tenants.close()

    async def handle(self, request: Request) -> Any:  # noqa: ANN401 - an Answer or Cut, for aiohttp to write
        """Answer one request; nothing that a client sends makes this raise."""
        outcome = self.begin(request)
        return await outcome if isinstance(outcome, Coroutine) else outcome

    def begin(self, request: Request) -> Any:  # noqa: ANN401
        """Answer a request at once, as most can be.

        Returns:
            The answer (or Cut); a coroutine that ends in it where there is something to wait for: the rest of a body,
            a fault, a control request.
        """
        try:
            plain = read_plain(request.raw_path)
            if plain is not None:
                return self._scim(request, "", *plain)
            address = read_address(request.raw_path, self._endpoints)
            if address.area == "scim":
                return self._scim(request, address.tenant, address.path, address.query)
            handle = self._token if address.area == "token" else self.control.handle
            return self._guarded(request, handle(request, address))
        except ScimError as error:
            return error_answer(error)
        except Exception:
            log.exception(_UNEXPECTED, request.method, USUAL.target(request.raw_path))
            return failure()

    @staticmethod
    async def _guarded(request: Request, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401
        try:
            return await work
        except ScimError as error:
            return error_answer(error)
        except ConnectionError:
            return wire.Cut()
        except Exception:
            log.exception(_UNEXPECTED, request.method, USUAL.target(request.raw_path))
            return failure()

    def _scim(self, request: Request, name: str, path: str, query: str) -> Any:  # noqa: ANN401
        started = time.perf_counter()
        known = request if isinstance(request, Arrival) else None
        head = known.head if known is not None else head_of(request)
        sent = head.authorization
        tenant, grant = self.tenants.select(name, sent, needs_token=self.options.auth)
        if len(sent) > 1 or (query and "access_token=" in query):
            grant = (misplaced(sent, query) if self.options.auth else None) or grant
        exchange = Exchange(
            tenant.clock.now(),
            tenant.name,
            request.method,
            path,
            query,
            head.headers if known is None else known.raw or head.headers,
            serial(request.protocol) if known is None else known.protocol.serial,
        )
        if tenant.agenda.due:
            tenant.catch_up()
        tenant.journal.number(exchange)
        visit = Visit(request, head, tenant, exchange, grant, started)
        if (known is not None and known.body is not None) or request.content is not EMPTY_PAYLOAD:
            body = body_at_hand(request, self.options.max_body)
            if body is None:
                return self._guarded(request, self._wait_for(visit, self._with_body(visit)))
            exchange.body = body
        outcome = self._answer(visit)
        if isinstance(outcome, wire.Answer):
            # Nothing was waited for: a connection of ours that brought the request is still there.
            exchange.client_gone = False if known is not None else None
            self._record(visit)
            return outcome
        return self._guarded(request, self._wait_for(visit, outcome))

    async def _wait_for(self, visit: Visit, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401
        try:
            return await work
        finally:
            self._record(visit)

    def _record(self, visit: Visit) -> None:
        """Enter what is over into the journal, also when the answer was cut or the client left."""
        exchange = visit.exchange
        exchange.began = visit.started
        exchange.duration = time.perf_counter() - visit.started
        if exchange.status == _REFUSED:
            exchange.alone = alone(visit.request.protocol)
        if exchange.client_gone is None:
            transport = visit.request.transport
            exchange.client_gone = not exchange.cut and (transport is None or transport.is_closing())
        journal = visit.tenant.journal
        if journal.epoch == visit.epoch:  # what a reset has cut belongs to what was before it
            journal.record(exchange)
        if self.on_exchange is not None:
            self.on_exchange(exchange)

    async def _with_body(self, visit: Visit) -> Any:  # noqa: ANN401
        """Wait for the rest of a body, then answer."""
        try:
            visit.exchange.body = await read_body(visit.request, self.options.max_body, self.options.read_timeout)
        except ScimError as error:
            return told(visit.exchange, error_answer(error, visit.media_type()))
        if visit.is_over():
            return visit.cut()
        outcome = self._answer(visit)
        return await outcome if isinstance(outcome, Coroutine) else outcome

    def _answer(self, visit: Visit) -> Any:  # noqa: ANN401
        """Answer a request whose body is read; a coroutine where a fault makes it wait or go wrong."""
        request, tenant, exchange = visit.request, visit.tenant, visit.exchange
        if tenant.journal.failed:
            tenant.journal.count_attempt(exchange)
        try:
            host = visit.head.host or called_host(request)
            base = base_url(request.scheme, host, tenant.name, self.options.base_url, self.prefix)
            method = "GET" if exchange.method == "HEAD" else exchange.method
            call = tenant.service.route(method, exchange.path, base)
            grant = visit.grant
            if (grant is not FULL or call.me) and grant.good:
                tenant.service.identify(call, grant.user)
        except ScimError as error:
            return told(exchange, error_answer(error, visit.media_type()))
        exchange.operation = call.operation
        if grant.good:
            if exchange.query or call.has_body or visit.head.conditional or tenant.policy.interop:
                self._read(visit.head, exchange, tenant, call)
            exchange.refinements = call.refinements
            if call.bulk is not None and tenant.faults.active:
                session = visit.session(call)
                call.verdict = InnerFaults(tenant, request.headers.get, partial(Where, tenant), session, visit.peer)
        if tenant.gates.closed and (closed := tenant.gates.holding(visit.attempt(call))):
            return self._through_gates(visit, call, closed)
        decision = NO_FAULT
        if tenant.faults.concerns(call.operation, call.refinements, exchange.path or "/"):
            decision = visit.decide(call)
            if decision.delay_before or (decision.terminal is not None and decision.phase == "before"):
                return self._hold_up(visit, call, decision, {})
        answer = self._perform(visit, call, decision.serving)
        if call.verdict is not None:
            decision = self._add_inner(visit, call.verdict, decision)
        if decision is NO_FAULT or not decision.strikes_after:
            return answer
        visit.due = time.perf_counter()
        return self._spoil(visit, decision, answer)

    async def _through_gates(self, visit: Visit, call: Call, closed: Mapping[str, Sequence[Gate]]) -> Any:  # noqa: ANN401
        """Wait where gates stand, and answer between them as ever."""
        if not await visit.pass_gates(closed.get("received", ())):
            return visit.cut()
        return await self._hold_up(visit, call, visit.decide(call), closed)

    async def _hold_up(self, visit: Visit, call: Call, decision: Decision, closed: Mapping[str, Sequence[Gate]]) -> Any:  # noqa: ANN401
        """What faults and gates do before the commit, and then, if they let it, the commit."""
        if call.tolerance.used:
            visit.exchange.leniencies = call.tolerance.report()
        if decision.delay_before and not await visit.pause(decision.delay_before):
            return visit.cut()
        if decision.terminal is not None and decision.phase == "before":
            return await visit.strike(decision.terminal, wire.Answer(200, {}, b""))
        if not await visit.pass_gates(closed.get("before_commit", ())):
            return visit.cut()
        answer = self._perform(visit, call, decision.serving)
        if isinstance(answer, Coroutine):
            answer = await answer
            if isinstance(answer, wire.Cut):
                return answer
        if call.verdict is not None:
            decision = self._add_inner(visit, call.verdict, decision)
        # What has committed nothing is not held where a commit is waited for.
        if visit.exchange.changes and not await visit.pass_gates(closed.get("after_commit", ())):
            return visit.cut()
        visit.due = time.perf_counter()
        outcome = await self._spoil(visit, decision, answer) if decision.strikes_after else answer
        last = closed.get("before_last_byte", ())
        if last and isinstance(outcome, wire.Answer):
            return await visit.hold_last_byte(last, outcome)
        return outcome

    @staticmethod
    def _add_inner(visit: Visit, inner: GiveVerdict, decision: Decision) -> Decision:
        """The decision with what the operations of a bulk job add to it."""
        if isinstance(inner, InnerFaults):
            decision = inner.added_to(decision)
            visit.exchange.faults = (*visit.exchange.faults, *inner.applied)
        return decision

    async def _spoil(self, visit: Visit, decision: Decision, answer: Any) -> Any:  # noqa: ANN401 - or a coroutine of it
        """What a fault does to the answer, after the commit."""
        if isinstance(answer, Coroutine):
            answer = await answer
            if isinstance(answer, wire.Cut):
                return answer
        if decision.delay_after and not await visit.pause(decision.delay_after):
            return visit.cut()
        if decision.terminal is not None:
            return await visit.strike(decision.terminal, answer)
        return answer

    def _perform(self, visit: Visit, call: Call, serving: Sequence[Served] = ()) -> Any:  # noqa: ANN401
        """Commit what is asked for, and make the answer; a coroutine of it where a search takes long."""
        tenant, exchange = visit.tenant, visit.exchange
        media = visit.media_type()
        try:
            if visit.grant is not FULL:
                self._admit(visit.grant, call)
            # A read shows no time of its own, but for the cursors of a page, which end some time.
            cursors = "cursor" in call.parameters or tenant.service.cursor_first
            now = tenant.clock.text() if cursors or call.method != "GET" else ""
            if serving:
                reply = self._serve(visit, call, serving)
            else:
                call.patient = True
                reply = tenant.perform(call, now)
                if reply.changes:
                    exchange.changes = tenant.note(reply.changes, exchange.n, now)
            exchange.resource = reply.resource
            body = reply.body
            if body is None:
                if isinstance(reply, Unfinished):
                    return self._search(visit, call, reply)
                body = b""
            elif "Content-Type" not in reply.headers:  # a fault may have set another
                reply.headers["Content-Type"] = media
            answer = wire.Answer(reply.status, reply.headers, body)
        except ScimError as error:
            answer = error_answer(error, media)
        except Exception:
            log.exception(_UNEXPECTED, visit.request.method, tenant.journal.masks.target(visit.request.raw_path))
            answer = failure()
        if serving:  # a fault takes a header away by leaving it empty
            answer.headers = {name: value for name, value in answer.headers.items() if value}
        if call.alias is not None:  # RFC 7644 §3.11: whatever the answer, it says where the resource really is
            answer.headers = {**answer.headers, "Location": call.base + call.alias}
        if call.tolerance.used:
            exchange.leniencies = call.tolerance.report()
        exchange.status, exchange.response_headers, exchange.response_body = answer.status, answer.headers, answer.body
        return answer

    async def _search(self, visit: Visit, call: Call, reply: Unfinished) -> Any:  # noqa: ANN401
        """Go on with a search a slice at a time, so that others are served between; it ends early for who has left."""
        exchange, media = visit.exchange, visit.media_type()
        try:
            if not await self.turns.work(reply.go_on, lambda: visit.is_over() or wire.left(visit.request)):
                return visit.cut() if visit.is_over() else wire.Cut()
            answer = wire.Answer(reply.status, {"Content-Type": media, **reply.headers}, reply.body or b"")
        except ScimError as error:
            answer = error_answer(error, media)
        except Exception:
            log.exception(_UNEXPECTED, visit.request.method, visit.tenant.journal.masks.target(visit.request.raw_path))
            answer = failure()
        if call.tolerance.used:
            exchange.leniencies = call.tolerance.report()
        return told(exchange, answer)

    @staticmethod
    def _serve(visit: Visit, call: Call, serving: Sequence[Served]) -> Reply:
        """Serve a request through the faults that change how; all that is committed is in the history."""
        session = visit.session(call)
        try:
            with visit.tenant.kept():
                try:
                    return session.serve(call, serving)
                finally:
                    session.note()
        except KeepError:
            visit.exchange.changes = ()
            raise

    def _admit(self, grant: Grant, call: Call) -> None:
        """Refuse what the credentials do not allow."""
        error = refusal(grant, call, basic=bool(self.options.basic))
        if error is not None:
            raise error

    # -- the token endpoint ------------------------------------------------------------------------------------

    async def _token(self, request: Request, address: Address) -> Any:  # noqa: ANN401
        """Answer at the token endpoint; for rules and journal that is ``token.create``."""
        if not self.token_endpoint:
            raise not_found("there is no token endpoint: no OAuth client is configured")
        started = time.perf_counter()
        headers = request.headers
        try:
            body = b""
            if request.can_read_body:
                body = await read_body(request, self.options.max_body, self.options.read_timeout)
        except ScimError as error:
            asked = unread(error)
        else:
            sent = headers.getall("Authorization", ())
            asked = self.token_endpoint.read(request.method, headers.get("Content-Type", ""), sent, body)
        # As elsewhere, a tenant comes to life only for who may use it.
        name, known = address.tenant, asked.client is not None
        tenant = self.tenants.use(name) if known else self.tenants.look(name)
        now, number = tenant.clock.now(), serial(request.protocol)
        exchange = Exchange(now, tenant.name, request.method, address.path, address.query, headers, number)
        tenant.journal.number(exchange)
        exchange.body = asked.shown
        tenant.journal.count_attempt(exchange)
        visit = Visit(request, head_of(request), tenant, exchange, Grant(good=known), started)
        return await self._wait_for(visit, self._issue(visit, asked))

    async def _issue(self, visit: Visit, asked: TokenRequest) -> Any:  # noqa: ANN401
        tenant, exchange, decision = visit.tenant, visit.exchange, NO_FAULT
        call = Call("POST", "", "token.create", Tolerance(frozenset()))
        if exchange.method == "POST":
            exchange.operation = call.operation
            decision = visit.decide(call)
        if decision.delay_before and not await visit.pause(decision.delay_before):
            return visit.cut()
        if decision.terminal is not None and decision.phase == "before":
            return await visit.strike(decision.terminal, wire.Answer(200, {}, b""))
        try:
            with tenant.kept():
                answer = self.token_endpoint.answer(asked, tenant)
        except KeepError as error:
            answer = self.token_endpoint.answer(unread(error), tenant)
        told(exchange, answer)
        return await self._spoil(visit, decision, answer) if decision.strikes_after else answer

    # -- the steps ---------------------------------------------------------------------------------------------

    @staticmethod
    def _read(head: Head, exchange: Exchange, tenant: Tenant, call: Call) -> None:
        headers, body = head.headers, exchange.body
        if head.conditional:
            if "If-Match" in headers:
                call.if_match = ", ".join(headers.getall("If-Match"))
            if "If-None-Match" in headers:
                call.if_none_match = ", ".join(headers.getall("If-None-Match"))
        if tenant.policy.interop:
            try:
                interop.check_headers(headers.get, call.tolerance, with_body=call.has_body and bool(body))
            except ScimError as error:
                call.problem = error
                return
        if not exchange.query and not call.has_body:
            return
        try:
            if call.has_body and body:
                check_content_type(head.content_type, call)
            parameters = read_query(exchange.query) if exchange.query else ()
        except ScimError as error:
            call.problem = error
        else:
            tenant.service.read(call, parameters, body)


def called_host(request: Request) -> str:
    """The Host that was called; HTTP/1.0 need not say one, then it is the socket's own address."""
    host = request.headers.get("Host")
    if host is not None or request.version >= (1, 1) or request.transport is None:
        return host or ""
    name = request.transport.get_extra_info("sockname")
    if not isinstance(name, tuple):
        return "localhost"
    return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"


def create_server(server: ScimServer) -> web.Server:
    """The low-level aiohttp server: about twice as fast as an Application, and it tells one connection from another."""
    return Connection.server(server.begin, server.options)
