"""The SCIM edge: one handler from the socket to the service and back.

    size → route → authentication → parse, operation known → decide once → before → service, commit → after → journal

The core never waits, so everything between two waits here is atomic: a request that has arrived whole commits when it
is due, whether its client is still there or not.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any
from urllib.parse import urlsplit

import msgspec
import orjson
from aiohttp import web
from aiohttp.streams import EMPTY_PAYLOAD

from mockscim.durations import parse_duration, parse_size
from mockscim.faults import NO_FAULT, Attempt, Decision, Effect
from mockscim.journal import Exchange
from mockscim.scim import interop, match
from mockscim.scim.call import Call, Gate
from mockscim.scim.discovery import ENDPOINTS
from mockscim.scim.errors import ScimError, not_found
from mockscim.scim.filter import Node
from mockscim.scim.policy import Tolerance
from mockscim.scim.schema import ResourceType
from mockscim.server import actions, wire  # noqa: F401 - actions registers what the control API does
from mockscim.server.address import Address, base_url, read_address, read_query
from mockscim.server.arrival import Arrival, Request
from mockscim.server.auth import Login, lacking, misplaced, parse_login, refusal
from mockscim.server.bulk import InnerFaults
from mockscim.server.connection import Connection, departure
from mockscim.server.control import Control
from mockscim.server.oauth import Client, TokenEndpoint, TokenRequest, parse_client, unread
from mockscim.server.tenants import Tenants
from mockscim.tenant import Start, Tenant
from mockscim.tokens import FULL, Grant, TokenDocument

log = logging.getLogger("mockscim")

_BODY_TYPES = frozenset({"application/scim+json", "application/json"})
_CLOSE = {"Connection": "close"}
# Long filters travel in the URL; aiohttp's own limit of 8,190 bytes would refuse them.
_LINE_LIMIT = 128 * 1024
_LONGEST_ACCEPT = 1000  # so that remembered headers stay small
_UNEXPECTED = "unexpected failure of %s %s"


@dataclass(frozen=True)
class Options:
    """How a server is reached and guarded.

    Attributes:
        tokens: open every tenant; empty only where ``auth`` is off.
        basic: names and passwords that do so, too.
        clients: who may have tokens from the token endpoint; without any there is no such endpoint.
        token_ttl: how long those are good, in seconds.
        auth: whether SCIM requests need a token.
        admin_token: what the control API wants as a Bearer token; None: it looks at the Host instead.
        hosts: names beside loopback under which the control API answers, without port.
        base_url: what ``location`` starts with, in place of the Host that was called.
        max_body: largest SCIM request body, in bytes; fixtures may be larger.
    """

    tokens: tuple[str, ...] = ()
    basic: tuple[Login, ...] = ()
    clients: tuple[Client, ...] = ()
    token_ttl: float = 3600.0
    auth: bool = True
    admin_token: str | None = None
    hosts: tuple[str, ...] = ()
    base_url: str | None = None
    max_body: int = 1024 * 1024
    max_fixture: int = field(default_factory=lambda: parse_size("1GiB"))


class ScimServer:
    """Answers all requests of one process.

    Args:
        start: what the default tenant, and any that comes to life by being used, starts from.
        options: how it is reached and guarded.
    """

    def __init__(self, start: Start, options: Options) -> None:
        self.options = options
        start = start.merged(max_body=options.max_body, schemes=_schemes(options))
        self.tenants = Tenants(start, options.tokens, options.basic)
        self.token_endpoint = TokenEndpoint(options.clients, options.token_ttl)
        self.control = Control(self)
        # Called with each exchange once it is in the journal.
        self.on_exchange: Callable[[Exchange], None] | None = None
        brought = self.tenants.use("").registry.endpoints
        self._endpoints = frozenset({*ENDPOINTS, *brought, "/users", "/groups", "/bulk", "/me", "/.search"})

    def stop(self) -> None:
        """Cut all that is waiting, so that a hanging request does not hold up the end."""
        for tenant in self.tenants:
            tenant.cut()

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
            address = read_address(request.raw_path, self._endpoints)
            if address.area == "scim":
                return self._scim(request, address)
            handle = self._token if address.area == "token" else self.control.handle
            return self._guarded(request, handle(request, address))
        except ScimError as error:
            return _error_answer(error)
        except Exception:
            log.exception(_UNEXPECTED, request.method, request.raw_path)
            return _failure()

    @staticmethod
    async def _guarded(request: Request, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401
        try:
            return await work
        except ScimError as error:
            return _error_answer(error)
        except ConnectionError:
            return wire.Cut()
        except Exception:
            log.exception(_UNEXPECTED, request.method, request.raw_path)
            return _failure()

    def _scim(self, request: Request, address: Address) -> Any:  # noqa: ANN401
        started = time.perf_counter()
        headers = request.headers
        sent = headers.getall("Authorization", ())
        tenant, grant = self.tenants.select(address.tenant, sent, needs_token=self.options.auth)
        if len(sent) > 1 or (address.query and "access_token=" in address.query):
            grant = (misplaced(sent, address.query) if self.options.auth else None) or grant
        known = request if isinstance(request, Arrival) else None
        exchange = Exchange(
            tenant.clock.now(),
            tenant.name,
            request.method,
            address.path,
            address.query,
            headers if known is None else known.raw or headers,
            _serial(request.protocol) if known is None else known.protocol.serial,
        )
        tenant.journal.number(exchange)
        visit = _Visit(request, address, tenant, exchange, grant, started)
        if request.content is not EMPTY_PAYLOAD:
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

    async def _wait_for(self, visit: _Visit, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401
        try:
            return await work
        finally:
            self._record(visit)

    def _record(self, visit: _Visit) -> None:
        """Enter what is over into the journal, also when the answer was cut or the client left."""
        exchange = visit.exchange
        exchange.duration = time.perf_counter() - visit.started
        if exchange.client_gone is None:
            transport = visit.request.transport
            exchange.client_gone = not exchange.cut and (transport is None or transport.is_closing())
        journal = visit.tenant.journal
        if journal.epoch == visit.epoch:  # what a reset has cut belongs to what was before it
            journal.record(exchange)
        if self.on_exchange is not None:
            self.on_exchange(exchange)

    async def _with_body(self, visit: _Visit) -> Any:  # noqa: ANN401
        """Wait for the rest of a body, then answer."""
        try:
            visit.exchange.body = await read_body(visit.request, self.options.max_body)
        except ScimError as error:
            return _told(visit.exchange, _error_answer(error, visit.media_type()))
        if visit.is_over():
            return self._cut(visit)
        outcome = self._answer(visit)
        return await outcome if isinstance(outcome, Coroutine) else outcome

    def _answer(self, visit: _Visit) -> Any:  # noqa: ANN401
        """Answer a request whose body is read; a coroutine where a fault makes it wait or go wrong."""
        request, address, tenant, exchange = visit.request, visit.address, visit.tenant, visit.exchange
        if tenant.journal.failed:
            tenant.journal.count_attempt(exchange)
        try:
            host = request.headers.get("Host") or called_host(request)
            base = base_url(request.scheme, host, tenant.name, self.options.base_url)
            method = "GET" if exchange.method == "HEAD" else exchange.method
            call = tenant.service.route(method, address.path, base)
            grant = visit.grant
            if (grant is not FULL or call.me) and grant.good:
                tenant.service.identify(call, grant.user)
        except ScimError as error:
            return _told(exchange, _error_answer(error, visit.media_type()))
        exchange.operation = call.operation
        if grant.good:
            self._read(request, address, tenant, call, exchange.body)
            exchange.refinements = call.refinements
            if call.bulk is not None and tenant.faults.active:
                call.gate = InnerFaults(tenant, request.headers.get, partial(_Where, tenant))
        decision = NO_FAULT
        if tenant.faults.concerns(call.operation, call.refinements):
            decision = self._decide(visit, call)
            exchange.faults = decision.applied
            if decision.delay_before or (decision.terminal is not None and decision.phase == "before"):
                return self._hold_up(visit, call, decision)
        answer = self._perform(visit, call)
        if call.gate is not None:
            decision = self._add_inner(visit, call.gate, decision)
        if decision is NO_FAULT or not decision.strikes_after:
            return answer
        return self._spoil(visit, decision, answer)

    async def _hold_up(self, visit: _Visit, call: Call, decision: Decision) -> Any:  # noqa: ANN401
        """What a fault does before the commit, and then, if it lets it, the commit."""
        if call.tolerance.used:
            visit.exchange.leniencies = call.tolerance.report()
        if decision.delay_before and not await self._pause(visit, decision.delay_before):
            return self._cut(visit)
        if decision.terminal is not None and decision.phase == "before":
            return await self._fault(visit, decision.terminal, wire.Answer(200, {}, b""))
        answer = self._perform(visit, call)
        if call.gate is not None:
            decision = self._add_inner(visit, call.gate, decision)
        return await self._spoil(visit, decision, answer) if decision.strikes_after else answer

    @staticmethod
    def _add_inner(visit: _Visit, gate: Gate, decision: Decision) -> Decision:
        """The decision with what the operations of a bulk job add to it."""
        if isinstance(gate, InnerFaults):
            decision = gate.added_to(decision)
            visit.exchange.faults = decision.applied
        return decision

    async def _spoil(self, visit: _Visit, decision: Decision, answer: wire.Answer) -> Any:  # noqa: ANN401
        """What a fault does to the answer, after the commit."""
        if decision.delay_after and not await self._pause(visit, decision.delay_after):
            return self._cut(visit)
        if decision.terminal is not None:
            return await self._fault(visit, decision.terminal, answer)
        return answer

    def _perform(self, visit: _Visit, call: Call) -> wire.Answer:
        """Commit what is asked for, and make the answer."""
        tenant, exchange = visit.tenant, visit.exchange
        media = visit.media_type()
        try:
            if visit.grant is not FULL:
                self._admit(visit.grant, call)
            # A read shows no time of its own, but for a page's cursors, which end some time.
            now = tenant.clock.text() if call.method != "GET" or tenant.service.by_cursor(call) else ""
            reply = tenant.service.perform(call, now)
            if reply.changes:
                exchange.changes = tenant.note(reply.changes, exchange.n, now)
            exchange.resource = reply.resource
            body = reply.body
            if body is None:
                body = b""
            else:
                reply.headers["Content-Type"] = media
            answer = wire.Answer(reply.status, reply.headers, body)
        except ScimError as error:
            answer = _error_answer(error, media)
        except Exception:
            log.exception(_UNEXPECTED, visit.request.method, visit.request.raw_path)
            answer = _failure()
        if call.alias is not None:  # RFC 7644 §3.11: whatever the answer, it says where the resource really is
            answer.headers = {**answer.headers, "Location": call.base + call.alias}
        if call.tolerance.used:
            exchange.leniencies = call.tolerance.report()
        exchange.status, exchange.response_headers, exchange.response_body = answer.status, answer.headers, answer.body
        return answer

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
            body = await read_body(request, self.options.max_body) if request.can_read_body else b""
        except ScimError as error:
            asked = unread(error)
        else:
            sent = headers.getall("Authorization", ())
            asked = self.token_endpoint.read(request.method, headers.get("Content-Type", ""), sent, body)
        # As elsewhere, a tenant comes to life only for who may use it.
        name, known = address.tenant, asked.client is not None
        tenant = self.tenants.use(name) if known else self.tenants.look(name)
        now, serial = tenant.clock.now(), _serial(request.protocol)
        exchange = Exchange(now, tenant.name, request.method, address.path, address.query, headers, serial)
        tenant.journal.number(exchange)
        exchange.body = asked.shown
        tenant.journal.count_attempt(exchange)
        visit = _Visit(request, address, tenant, exchange, Grant(good=known), started)
        return await self._wait_for(visit, self._issue(visit, asked))

    async def _issue(self, visit: _Visit, asked: TokenRequest) -> Any:  # noqa: ANN401
        tenant, exchange, decision = visit.tenant, visit.exchange, NO_FAULT
        call = Call("POST", "", "token.create", Tolerance(frozenset()))
        if exchange.method == "POST":
            exchange.operation = call.operation
            decision = self._decide(visit, call)
            exchange.faults = decision.applied
        if decision.delay_before and not await self._pause(visit, decision.delay_before):
            return self._cut(visit)
        if decision.terminal is not None and decision.phase == "before":
            return await self._fault(visit, decision.terminal, wire.Answer(200, {}, b""))
        answer = _told(exchange, self.token_endpoint.answer(asked, tenant))
        return await self._spoil(visit, decision, answer) if decision.strikes_after else answer

    # -- the steps ---------------------------------------------------------------------------------------------

    @staticmethod
    def _read(request: Request, address: Address, tenant: Tenant, call: Call, body: bytes) -> None:
        headers = request.headers
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
        if not address.query and not call.has_body:
            return
        try:
            if call.has_body and body:
                _check_content_type(headers.get("Content-Type"), call)
            parameters = read_query(address.query)
        except ScimError as error:
            call.problem = error
        else:
            tenant.service.read(call, parameters, body)

    @staticmethod
    def _decide(visit: _Visit, call: Call) -> Decision:
        request, tenant, grant = visit.request, visit.tenant, visit.grant
        attempt = Attempt(
            call.operation,
            call.refinements,
            request.method,
            visit.address.path or "/",
            request.headers.get,
            grant.good,
            _Where(tenant, call),
            lambda: grant.good and lacking(grant, call) is None and tenant.service.commits(call),
        )
        return tenant.faults.decide(attempt, tenant.clock.now())

    @staticmethod
    async def _pause(visit: _Visit, seconds: float) -> bool:
        """Wait under a latency; False when the tenant was reset meanwhile."""
        await wire.pause(seconds, visit.tenant.cuts)
        return not visit.is_over()

    @staticmethod
    def _cut(visit: _Visit) -> wire.Cut:
        exchange = visit.exchange
        exchange.cut = True
        # Nothing went out: what was ready to go is not what the client got.
        exchange.status, exchange.response_headers, exchange.response_body = None, {}, b""
        wire.reset(visit.request)
        return wire.Cut()

    @staticmethod
    async def _fault(visit: _Visit, effect: Effect, answer: wire.Answer) -> Any:  # noqa: ANN401
        request, exchange, cuts = visit.request, visit.exchange, visit.tenant.cuts

        async def pause(seconds: float | None) -> bool:
            if request.transport is None or request.transport.is_closing():
                return False
            return await wire.pause(seconds, cuts, left) and not visit.is_over()

        with departure(request) as left:
            sent = await wire.apply(effect, request, answer, pause)
        exchange.status, exchange.response_headers, exchange.response_body = sent.status, sent.headers, sent.body
        exchange.cut, exchange.client_gone = sent.cut, sent.gone
        return sent.response


class _Visit:
    """One request while it is here: what came, where it goes, and which life of the tenant it belongs to."""

    __slots__ = (
        "address", "epoch", "exchange", "generation", "grant", "request", "started", "tenant",
    )  # fmt: skip

    def __init__(
        self,
        request: Request,
        address: Address,
        tenant: Tenant,
        exchange: Exchange,
        grant: Grant,
        started: float,
    ) -> None:
        self.request = request
        self.address = address
        self.tenant = tenant
        self.exchange = exchange
        self.grant = grant
        self.started = started
        self.epoch = tenant.journal.epoch
        self.generation = tenant.generation

    def media_type(self) -> str:
        """What an answer with a body is of: as the profile has it, or the plain JSON that the client asks for."""
        own = self.tenant.start.profile.media_type
        accept = self.request.headers.get("Accept")
        return own if accept is None or len(accept) >= _LONGEST_ACCEPT else _media_type(accept, own)

    def is_over(self) -> bool:
        """Whether the tenant was reset since the request came."""
        return self.tenant.generation != self.generation


class _Where:
    """Whether a rule's filter holds for what a request is about; views are made once, and only when asked for."""

    __slots__ = ("_call", "_tenant", "_views")

    def __init__(self, tenant: Tenant, call: Call) -> None:
        self._tenant = tenant
        self._call = call
        self._views: list[dict[str, Any]] | None = None

    def __call__(self, node: Node) -> bool:
        if self._call.type is None:
            return False
        if self._views is None:
            self._views = self._tenant.service.views(self._call)
        query = _where(node, self._call.type)
        return any(query.matches(view) for view in self._views)


@lru_cache(maxsize=256)
def _where(node: Node, kind: ResourceType) -> match.Query:
    # A rule may be about several types: what this one does not have simply does not hold.
    return match.compile_filter(node, kind, unknown="false")


def body_at_hand(request: Request, limit: int) -> bytes | None:
    """The body of a request where all of it is here and nothing is wrong with it; else None."""
    content = request.content
    if not content.is_eof() or content.exception() is not None or content.total_bytes > limit:
        return None
    protocol = request.protocol
    if isinstance(protocol, Connection) and protocol.broken is content:
        return None
    return content.read_nowait()


async def read_body(request: Request, limit: int) -> bytes:
    """The body of a request, within a limit.

    Raises:
        ScimError: 413 beyond it, 400 when it is not framed or encoded as its headers say.
    """
    announced = request.content_length
    if announced is not None and announced > limit:
        raise _too_large(limit)
    if (
        "Expect" in request.headers
        and request.headers["Expect"].lower() == "100-continue"
        and request.version >= (1, 1)
    ):
        _continue(request)
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.content.iter_any():
            size += len(chunk)
            if size > limit:
                raise _too_large(limit)
            chunks.append(chunk)
    except web.RequestPayloadError:
        request.content.feed_eof()  # what may follow cannot be told from another request: nobody reads on
        raise _broken_body() from None
    if isinstance(request.protocol, Connection) and request.protocol.broken is request.content:
        raise _broken_body()
    return b"".join(chunks)


def _broken_body() -> ScimError:
    return ScimError(400, "invalidSyntax", "the body is not framed or encoded as its headers say", _CLOSE)


def _continue(request: Request) -> None:
    if request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


def called_host(request: Request) -> str:
    """The Host that was called; HTTP/1.0 need not say one, then it is the socket's own address."""
    host = request.headers.get("Host")
    if host is not None or request.version >= (1, 1) or request.transport is None:
        return host or ""
    name = request.transport.get_extra_info("sockname")
    if not isinstance(name, tuple):
        return "localhost"
    return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"


def _too_large(limit: int) -> ScimError:
    return ScimError(413, None, f"the body is larger than {limit} bytes", _CLOSE)


def _schemes(options: Options) -> tuple[str, ...]:
    """How clients may authenticate, as ServiceProviderConfig calls it (RFC 7643 §5); the first is preferred."""
    others = [("oauth2", options.clients), ("httpbasic", options.basic)]
    return ("oauthbearertoken", *(name for name, given in others if given))


def _check_content_type(header: str | None, call: Call) -> None:
    if header is None or not header.strip():
        refusal = ScimError(415, None, "the request says no Content-Type")
        call.tolerance.allow("missing-content-type", "no Content-Type", refusal)
        return
    media = header.partition(";")[0].strip().lower()
    if media not in _BODY_TYPES:
        raise ScimError(415, None, f"the Content-Type is application/scim+json, not {media[:100]}")


@lru_cache(maxsize=256)
def _media_type(accept: str, own: str) -> str:
    """The type of an answer: application/json for who accepts that and not SCIM's own (RFC 7644 §3.1)."""
    offered = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    if "application/json" in offered and not offered & {"application/scim+json", "*/*", "application/*"}:
        return "application/json"
    return own


def _serial(protocol: object) -> int:
    """The number of a connection; under somebody's own Application one that is its own as long as it lasts."""
    return protocol.serial if isinstance(protocol, Connection) else id(protocol)


def _told(exchange: Exchange, answer: wire.Answer) -> wire.Answer:
    """Note what a client is answered."""
    exchange.status, exchange.response_headers, exchange.response_body = answer.status, answer.headers, answer.body
    return answer


def _failure() -> wire.Answer:
    """What a client gets for a mistake of ours, which the log tells."""
    return _error_answer(ScimError(500, None, "mockscim failed; its log says why, please report it"))


def _error_answer(error: ScimError, media_type: str = "application/scim+json") -> wire.Answer:
    headers = {"Content-Type": media_type, **error.headers}
    keep_alive = headers.pop("Connection", "") != "close"
    return wire.Answer(error.status, headers, error.body(), keep_alive=keep_alive)


# -- ways to serve ---------------------------------------------------------------------------------------------


def create_server(server: ScimServer) -> web.Server:
    """The low-level aiohttp server: about twice as fast as an Application, and it tells one connection from another."""
    return Connection.server(server.begin, max_line_size=_LINE_LIMIT, max_field_size=_LINE_LIMIT, access_log=None)


def create_app(
    *,
    profile: Any = "standard",  # noqa: ANN401 - a name or the content of a profile
    fixture: Any = None,  # noqa: ANN401 - a path, a name or a document
    token: str | Mapping[str, Any] | Iterable[str | Mapping[str, Any]] | None = None,
    basic: str | Iterable[str] = (),
    oauth_client: str | Iterable[str] = (),
    token_ttl: str | float = "1h",  # noqa: S107 - a duration
    seed: int = 0,
    faults: Iterable[Any] = (),
    strict: bool = False,
    accept: Iterable[str] = (),
    refuse: Iterable[str] = (),
    clock: str = "real",
    admin_token: str | None = None,
    base_url: str | None = None,
) -> web.Application:
    """An aiohttp Application that serves SCIM below ``/scim/v2``: to embed, or for pytest-aiohttp's ``aiohttp_client``.

    Args:
        profile: the provider to behave like: a name, or a mapping as a profile's TOML holds.
        fixture: the data to start from: a path, a bundled name, or a fixture document.
        token: the token or tokens that open it; one is made when none is given (``app[TOKEN]``). A mapping has
            ``token``, and may have ``scopes`` (``read``, ``write``), ``user`` (the id or userName for /Me) and
            ``expires_in`` (a duration); such a token opens the default tenant only.
        basic: names and passwords for HTTP Basic: ``USER:PASSWORD``.
        oauth_client: clients of the token endpoint: ``ID:SECRET`` or ``ID:SECRET:read,write``.
        token_ttl: how long the tokens are good that are issued there: a duration.
        seed: the number behind every random choice.
        faults: rules as documents, or in the short form ``user.create=503:0.3:after``.
        strict: refuse what the RFC would refuse.
        accept: leniencies to accept all the same.
        refuse: leniencies to refuse.
        clock: ``real``, ``virtual`` or ``virtual:2026-01-01T00:00:00Z``.
        admin_token: what the control API wants; without it, it answers to loopback hosts only.
        base_url: what ``location`` starts with, in place of the Host that was called.

    Raises:
        FixtureError, ProfileError, FaultError, ClockError, ValueError: something given cannot be used.
    """
    from mockscim import fixtures, profiles  # noqa: PLC0415 - only who embeds needs them at this point
    from mockscim.faults import parse_spec  # noqa: PLC0415

    if fixture is None:
        loaded = None
    elif isinstance(fixture, dict):
        loaded = fixtures.parse(orjson.dumps(fixture), "fixture")
    else:
        loaded = fixtures.load(fixture)
    tokens = _several(secrets.token_urlsafe(24) if token is None else token)
    bound = tuple(msgspec.convert(each, TokenDocument) for each in tokens if not isinstance(each, str))
    start = Start(
        profiles.load(profile),
        loaded,
        seed=seed,
        strict=strict,
        accept=tuple(accept),
        refuse=tuple(refuse),
        clock=clock,
        faults=tuple(parse_spec(rule) if isinstance(rule, str) else rule for rule in faults),
        tokens=bound,
    )
    options = Options(
        tokens=tuple(each for each in tokens if isinstance(each, str)),
        basic=tuple(parse_login(text) for text in _several(basic)),
        clients=tuple(parse_client(text) for text in _several(oauth_client)),
        token_ttl=parse_duration(token_ttl),
        admin_token=admin_token,
        base_url=fixed_base(base_url),
    )
    server = ScimServer(start, options)

    async def _expect_later(_: web.Request) -> None:
        """Say 100 Continue only when the body is asked for, as the low-level server does."""

    async def stop(_: web.Application) -> None:
        server.stop()

    app = web.Application(client_max_size=options.max_body, handler_args={"access_log": None})
    app.router.add_route("*", "/{tail:.*}", server.handle, expect_handler=_expect_later)
    app.on_shutdown.append(stop)
    app[SERVER] = server
    app[TOKEN] = next((each if isinstance(each, str) else str(each["token"]) for each in tokens), "")
    return app


def _several(given: Any) -> tuple[Any, ...]:  # noqa: ANN401
    """One or several, as several."""
    return (given,) if isinstance(given, (str, Mapping)) else tuple(given)


SERVER: web.AppKey[ScimServer] = web.AppKey("mockscim_server", ScimServer)
TOKEN: web.AppKey[str] = web.AppKey("mockscim_token", str)


def fixed_base(url: str | None) -> str | None:
    """Check a ``--base-url``; what follows the host may end in ``/scim/v2``, which every tenant's own path brings.

    Raises:
        ValueError: it is no http or https URL.
    """
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r'[\s"\\<>]', url):
        raise ValueError(f"a base URL is http:// or https:// and a host, not {url[:100]!r}")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/').removesuffix('/scim/v2')}"
