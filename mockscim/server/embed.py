"""The server as an aiohttp Application: to embed, or for pytest-aiohttp's ``aiohttp_client``."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import orjson
from aiohttp import web

from mockscim.durations import parse_duration
from mockscim.server.app import ScimServer
from mockscim.server.auth import parse_login
from mockscim.server.oauth import parse_client
from mockscim.server.options import Options, fixed_base
from mockscim.tenant import Start
from mockscim.tokens import TokenDocument

SERVER: web.AppKey[ScimServer] = web.AppKey("mockscim_server", ScimServer)
TOKEN: web.AppKey[str] = web.AppKey("mockscim_token", str)


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
            ``expires_in`` (a duration on the tenant's clock); such a token opens the tenants that are there, and a
            plain one those as well that are not.
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
    bound = tuple(_token(each) for each in tokens if not isinstance(each, str))
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
    app[TOKEN] = next((each if isinstance(each, str) else each["token"] for each in tokens), "")
    return app


def _token(given: Mapping[str, Any]) -> TokenDocument:
    document = msgspec.convert(dict(given), TokenDocument)  # whose error is a ValueError
    if document.token is None:
        raise ValueError("token: a mapping has the text as its token")
    return document


def _several(given: Any) -> tuple[Any, ...]:  # noqa: ANN401
    """One or several, as several."""
    return (given,) if isinstance(given, (str, Mapping)) else tuple(given)
