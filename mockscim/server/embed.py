"""The server as an aiohttp Application: to embed, or for pytest-aiohttp's ``aiohttp_client``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web
from yarl import URL

from mockscim.server.app import ScimServer
from mockscim.server.setup import set_up

SERVER: web.AppKey[ScimServer] = web.AppKey("mockscim_server", ScimServer)
TOKEN: web.AppKey[str] = web.AppKey("mockscim_token", str)


def create_app(
    *,
    profile: Any = None,  # noqa: ANN401 - a name, a path or the content of a profile
    fixture: Any = None,  # noqa: ANN401 - a path, a name or a document
    token: str | Mapping[str, Any] | Iterable[str | Mapping[str, Any]] | None = None,
    basic: str | Iterable[str] = (),
    oauth_client: str | Iterable[str] = (),
    token_ttl: str | float = "1h",  # noqa: S107 - a duration
    seed: int | None = None,
    faults: str | Path | Iterable[Any] = (),
    strict: bool = False,
    accept: Iterable[str] = (),
    refuse: Iterable[str] = (),
    clock: str = "real",
    admin_token: str | None = None,
    base_url: str | None = None,
    persist: str | Path | None = None,
    max_body: str | int = "1MiB",
    max_head: str | int = "128KiB",
    read_timeout: str | float = "1m",
    idle_timeout: str | float = "1h",
) -> web.Application:
    """An aiohttp Application that serves SCIM below ``/scim/v2``: to embed, or for pytest-aiohttp's ``aiohttp_client``.

    Args:
        profile: the provider to behave like: a name, the path of a TOML file, or a mapping as one holds; without one
            the fixture's, else ``standard``.
        fixture: the data to start from: a path, a bundled name, or a fixture document.
        token: the token or tokens that open it; one is made when none is given (``app[TOKEN]``). A mapping has
            ``token``, and may have ``scopes`` (``read``, ``write``), ``user`` (the id or userName for /Me) and
            ``expires_in`` (a duration on the tenant's clock); such a token opens the tenants that are there, and a
            plain one those as well that are not.
        basic: names and passwords for HTTP Basic: ``USER:PASSWORD``.
        oauth_client: clients of the token endpoint: ``ID:SECRET`` or ``ID:SECRET:read,write``.
        token_ttl: how long the tokens are good that are issued there: a duration.
        seed: the number behind every random choice; without one the scenario's, else 0.
        faults: rules as documents, or in the short form ``user.create=503:0.3:after``; or the name or path of a
            scenario.
        strict: refuse what the RFC would refuse.
        accept: leniencies to accept all the same.
        refuse: leniencies to refuse.
        clock: ``real``, ``virtual`` or ``virtual:2026-01-01T00:00:00Z``.
        admin_token: what the control API wants; without it, it answers to loopback hosts only.
        base_url: what ``location`` starts with, in place of the Host that was called.
        max_body: the largest body of a SCIM request: a size such as ``1MiB``.
        max_head: the longest request line, and the longest header: a size.
        read_timeout: how long a SCIM request may take to come in: a duration. In an Application that is its body;
            heads are its runner's.
        idle_timeout: how long a connection stays open without a request: a duration.
        persist: a file that keeps the data, and has it again the next time; one application at a time has it.

    Raises:
        FixtureError, ProfileError, FaultError, ClockError, PersistError, ValueError: something given cannot be used.
    """
    setup = set_up(
        {
            "profile": profile,
            "fixture": fixture,
            "token": token,
            "basic": basic,
            "oauth_client": oauth_client,
            "token_ttl": token_ttl,
            "seed": seed,
            "faults": faults,
            "strict": strict,
            "accept": accept,
            "refuse": refuse,
            "clock": clock,
            "admin_token": admin_token,
            "base_url": base_url,
            "max_body": max_body,
            "max_head": max_head,
            "read_timeout": read_timeout,
            "idle_timeout": idle_timeout,
            "persist": persist,
        }
    )
    server = ScimServer(setup.start, setup.options)

    async def _expect_later(_: web.Request) -> None:
        """Say 100 Continue only when the body is asked for, as the low-level server does."""

    async def handle(request: web.Request) -> Any:  # noqa: ANN401 - an Answer or Cut, for aiohttp to write
        return await server.handle(_below(request, server))

    async def stop(_: web.Application) -> None:
        server.stop()

    async def close(_: web.Application) -> None:
        server.close()

    handling = {
        "access_log": None,
        "max_line_size": setup.options.max_head,
        "max_field_size": setup.options.max_head,
        "keepalive_timeout": setup.options.idle_timeout,
    }
    app = web.Application(client_max_size=setup.options.max_body, handler_args=handling)
    app.router.add_route("*", "/{tail:.*}", handle, expect_handler=_expect_later)
    app.on_shutdown.append(stop)
    app.on_cleanup.append(close)
    app[SERVER] = server
    app[TOKEN] = setup.token
    return app


def _below(request: web.Request, server: ScimServer) -> web.Request:
    """A request as it looks from where the application is, which may be below another (``add_subapp``)."""
    resource = request.match_info.route.resource
    prefix = resource.canonical.removesuffix("/{tail}") if resource is not None else ""
    if not prefix:
        return request
    server.prefix = prefix
    target = request.raw_path
    if not target.startswith("/"):  # a whole URL, as to a proxy
        target = request.rel_url.raw_path_qs
    return request.clone(rel_url=URL(target[len(prefix) :] or "/", encoded=True))
