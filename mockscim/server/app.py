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
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import orjson
from aiohttp import web
from aiohttp.web import BaseRequest

from mockscim.durations import parse_size
from mockscim.faults import NO_FAULT, Attempt, Decision
from mockscim.journal import Exchange
from mockscim.scim import match
from mockscim.scim.call import Call, Reply
from mockscim.scim.discovery import ENDPOINTS
from mockscim.scim.errors import ScimError
from mockscim.scim.filter import Node
from mockscim.scim.schema import ResourceType
from mockscim.server import actions, wire  # noqa: F401 - actions registers what the control API does
from mockscim.server.address import Address, base_url, read_address, read_query
from mockscim.server.connection import Connection, departure
from mockscim.server.control import Control
from mockscim.server.tenants import Tenants
from mockscim.tenant import Start, Tenant

log = logging.getLogger("mockscim")

_BODY_TYPES = frozenset({"application/scim+json", "application/json"})
_CLOSE = {"Connection": "close"}
_CHALLENGE = 'Bearer realm="mockscim"'
# Long filters travel in the URL; aiohttp's own limit of 8,190 bytes would refuse them.
_LINE_LIMIT = 128 * 1024
_LONGEST_ACCEPT = 1000  # so that remembered headers stay small
_NOT_AUTHENTICATED = "the request needs the token of this server as a Bearer token"


@dataclass(frozen=True)
class Options:
    """How a server is reached and guarded.

    Attributes:
        tokens: open every tenant; empty only where ``auth`` is off.
        auth: whether SCIM requests need a token.
        admin_token: what the control API wants as a Bearer token; None: it looks at the Host instead.
        hosts: names beside loopback under which the control API answers, without port.
        base_url: what ``location`` starts with, in place of the Host that was called.
        max_body: largest SCIM request body, in bytes; fixtures may be larger.
    """

    tokens: tuple[str, ...] = ()
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
        self.tenants = Tenants(start, options.tokens)
        self.control = Control(self)
        # Called with each exchange once it is in the journal.
        self.on_exchange: Callable[[Exchange], None] | None = None
        brought = self.tenants.use("").registry.endpoints
        self._endpoints = frozenset({*ENDPOINTS, *brought, "/users", "/groups", "/bulk", "/me", "/.search"})

    def stop(self) -> None:
        """Cut all that is waiting, so that a hanging request does not hold up the end."""
        for tenant in self.tenants:
            tenant.cut()

    async def handle(self, request: BaseRequest) -> Any:  # noqa: ANN401 - an Answer or Cut, for aiohttp to write
        """Answer one request; nothing that a client sends makes this raise."""
        try:
            address = read_address(request.raw_path, self._endpoints)
            if address.area == "control":
                return await self.control.handle(request, address)
            return await self._scim(request, address)
        except ScimError as error:
            return _error_answer(error)
        except ConnectionError:
            return wire.Cut()
        except Exception:  # a mistake of ours: it is told to the log, and the client gets a SCIM error
            log.exception("unexpected failure of %s %s", request.method, request.path)
            return _error_answer(ScimError(500, None, "mockscim failed; its log says why, please report it"))

    async def _scim(self, request: BaseRequest, address: Address) -> Any:  # noqa: ANN401
        started = time.perf_counter()
        headers = request.headers
        token = _bearer(headers.get("Authorization"))
        tenant, authenticated = self.tenants.select(address.tenant, token, needs_token=self.options.auth)
        protocol = request.protocol
        exchange = Exchange(
            tenant.clock.now(),
            tenant.name,
            request.method,
            address.path,
            address.query,
            headers,
            protocol.serial if isinstance(protocol, Connection) else id(protocol),
        )
        journal = tenant.journal
        epoch = journal.epoch
        journal.number(exchange)
        try:
            return await self._answer(request, address, tenant, exchange, authenticated=authenticated)
        finally:
            exchange.duration = time.perf_counter() - started
            if exchange.client_gone is None:
                transport = request.transport
                exchange.client_gone = not exchange.cut and (transport is None or transport.is_closing())
            if journal.epoch == epoch:  # what a reset has cut belongs to what was before it
                journal.record(exchange)
            if self.on_exchange is not None:
                self.on_exchange(exchange)

    async def _answer(
        self, request: BaseRequest, address: Address, tenant: Tenant, exchange: Exchange, *, authenticated: bool
    ) -> Any:  # noqa: ANN401
        generation = tenant.generation
        call: Call | None = None
        decision = NO_FAULT
        try:
            if request.can_read_body:
                exchange.body = await read_body(request, self.options.max_body)
                if tenant.generation != generation:  # reset while the body was on its way
                    return self._cut(request, exchange)
            tenant.journal.count_attempt(exchange)
            base = base_url(request.scheme, called_host(request), tenant.name, self.options.base_url)
            method = "GET" if request.method == "HEAD" else request.method
            call = tenant.service.route(method, address.path, base)
            exchange.operation = call.operation
            if authenticated:
                self._read(request, address, tenant, call, exchange.body)
                exchange.refinements = call.refinements
            if tenant.faults.concerns(call.operation, call.refinements):
                decision = self._decide(request, address, tenant, call, authenticated=authenticated)
                exchange.faults = decision.applied
                if decision.delay_before and not await self._pause(tenant, decision.delay_before, generation):
                    return self._cut(request, exchange)
                if decision.terminal is not None and decision.phase == "before":
                    nothing = wire.Answer(200, {}, b"")
                    return await self._fault(decision, request, tenant, exchange, nothing, generation)
            if not authenticated:
                raise _unauthorised(request)
            now = tenant.clock.text() if method != "GET" else ""  # a read shows no time of its own
            reply = tenant.service.perform(call, now)
            if reply.changes:
                exchange.changes = tenant.note(reply.changes, exchange.n)
            exchange.resource = reply.resource
            answer = self._good(headers=request.headers, tenant=tenant, reply=reply)
        except ScimError as error:
            answer = _error_answer(error, tenant.start.profile.media_type)
        finally:
            if call is not None and call.tolerance.used:
                exchange.leniencies = call.tolerance.report()
        if decision is not NO_FAULT:
            if decision.delay_after and not await self._pause(tenant, decision.delay_after, generation):
                return self._cut(request, exchange)
            if decision.terminal is not None and decision.phase == "after":
                return await self._fault(decision, request, tenant, exchange, answer, generation)
        exchange.status, exchange.response_headers = answer.status, answer.headers
        exchange.response_body = answer.body
        return answer

    # -- the steps ---------------------------------------------------------------------------------------------

    @staticmethod
    def _read(request: BaseRequest, address: Address, tenant: Tenant, call: Call, body: bytes) -> None:
        headers = request.headers
        if "If-Match" in headers:
            call.if_match = headers["If-Match"]
        if "If-None-Match" in headers:
            call.if_none_match = headers["If-None-Match"]
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
    def _decide(request: BaseRequest, address: Address, tenant: Tenant, call: Call, *, authenticated: bool) -> Decision:
        attempt = Attempt(
            call.operation,
            call.refinements,
            request.method,
            address.path or "/",
            request.headers.get,
            authenticated,
            _Where(tenant, call),
            lambda: authenticated and tenant.service.commits(call),
        )
        return tenant.faults.decide(attempt, tenant.clock.now())

    @staticmethod
    async def _pause(tenant: Tenant, seconds: float, generation: int) -> bool:
        """Wait under a latency; False when the tenant was reset meanwhile."""
        await wire.pause(seconds, tenant.cuts)
        return tenant.generation == generation

    @staticmethod
    def _cut(request: BaseRequest, exchange: Exchange) -> wire.Cut:
        exchange.cut = True
        wire.reset(request)
        return wire.Cut()

    async def _fault(
        self,
        decision: Decision,
        request: BaseRequest,
        tenant: Tenant,
        exchange: Exchange,
        answer: wire.Answer,
        generation: int,
    ) -> Any:  # noqa: ANN401
        if decision.terminal is None:  # pragma: no cover - the caller has asked
            return answer

        async def pause(seconds: float | None) -> bool:
            if request.transport is None or request.transport.is_closing():
                return False
            return await wire.pause(seconds, tenant.cuts, left) and tenant.generation == generation

        with departure(request) as left:
            sent = await wire.apply(decision.terminal, request, answer, pause)
        exchange.status, exchange.response_headers, exchange.response_body = sent.status, sent.headers, sent.body
        exchange.cut, exchange.client_gone = sent.cut, sent.gone
        return sent.response

    @staticmethod
    def _good(headers: Mapping[str, str], tenant: Tenant, reply: Reply) -> wire.Answer:
        if reply.body is None:
            return wire.Answer(reply.status, reply.headers, b"")
        accept = headers.get("Accept")
        media = tenant.start.profile.media_type
        if accept is not None and len(accept) < _LONGEST_ACCEPT:
            media = _media_type(accept, media)
        reply.headers["Content-Type"] = media
        return wire.Answer(reply.status, reply.headers, reply.body)


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


async def read_body(request: BaseRequest, limit: int) -> bytes:
    """The body of a request, within a limit.

    Raises:
        ScimError: 413 beyond it.
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
        if request.content.is_eof():
            # Mostly it has come with the head: then there is nothing to wait for.
            body = request.content.read_nowait()
            if len(body) > limit:
                raise _too_large(limit)
            chunks.append(body)
        else:
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


def _continue(request: BaseRequest) -> None:
    if request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


def called_host(request: BaseRequest) -> str:
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


def _bearer(header: str | None) -> str | None:
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _unauthorised(request: BaseRequest) -> ScimError:
    # RFC 6750 §3: no error code when no credentials were given at all.
    given = "Authorization" in request.headers
    challenge = f'{_CHALLENGE}, error="invalid_token"' if given else _CHALLENGE
    return ScimError(401, None, _NOT_AUTHENTICATED, {"WWW-Authenticate": challenge})


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


def _error_answer(error: ScimError, media_type: str = "application/scim+json") -> wire.Answer:
    headers = {"Content-Type": media_type, **error.headers}
    keep_alive = headers.pop("Connection", "") != "close"
    return wire.Answer(error.status, headers, error.body(), keep_alive=keep_alive)


# -- ways to serve ---------------------------------------------------------------------------------------------


def create_server(server: ScimServer) -> web.Server:
    """The low-level aiohttp server: about twice as fast as an Application, and it tells one connection from another."""
    return Connection.server(server.handle, max_line_size=_LINE_LIMIT, max_field_size=_LINE_LIMIT, access_log=None)


def create_app(
    *,
    profile: Any = "standard",  # noqa: ANN401 - a name or the content of a profile
    fixture: Any = None,  # noqa: ANN401 - a path, a name or a document
    token: str | Iterable[str] | None = None,
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
        token: the token or tokens that open it; one is made when none is given (``app[TOKEN]``).
        seed: the number behind every random choice.
        faults: rules as documents, or in the short form ``user.create=503:0.3:after``.
        strict: refuse what the RFC would refuse.
        accept: leniencies to accept all the same.
        refuse: leniencies to refuse.
        clock: ``real``, ``virtual`` or ``virtual:2026-01-01T00:00:00Z``.
        admin_token: what the control API wants; without it, it answers to loopback hosts only.
        base_url: what ``location`` starts with, in place of the Host that was called.

    Raises:
        FixtureError, ProfileError, FaultError, ClockError: something given cannot be used.
    """
    from mockscim import fixtures, profiles  # noqa: PLC0415 - only who embeds needs them at this point
    from mockscim.faults import parse_spec  # noqa: PLC0415

    if fixture is None:
        loaded = None
    elif isinstance(fixture, dict):
        loaded = fixtures.parse(orjson.dumps(fixture), "fixture")
    else:
        loaded = fixtures.load(fixture)
    start = Start(
        profiles.load(profile),
        loaded,
        seed=seed,
        strict=strict,
        accept=tuple(accept),
        refuse=tuple(refuse),
        clock=clock,
        faults=tuple(parse_spec(rule) if isinstance(rule, str) else rule for rule in faults),
    )
    if token is None:
        tokens: tuple[str, ...] = (secrets.token_urlsafe(24),)
    else:
        tokens = (token,) if isinstance(token, str) else tuple(token)
    options = Options(tokens=tokens, admin_token=admin_token, base_url=fixed_base(base_url))
    server = ScimServer(start, options)

    async def _expect_later(_: web.Request) -> None:
        """Say 100 Continue only when the body is asked for, as the low-level server does."""

    async def stop(_: web.Application) -> None:
        server.stop()

    app = web.Application(client_max_size=options.max_body, handler_args={"access_log": None})
    app.router.add_route("*", "/{tail:.*}", server.handle, expect_handler=_expect_later)
    app.on_shutdown.append(stop)
    app[SERVER] = server
    app[TOKEN] = tokens[0]
    return app


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
