"""A server of this process: made in the caller's thread, served in a loop, and asked without HTTP.

``prepare`` reads the data and listens, so that what is wrong is raised where it was said and the kernel takes
connections from then on. It imports no aiohttp: the loop's thread does that while the caller goes on.
"""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

import orjson

from mockscim.client.line import ControlRefused, Line
from mockscim.server.door import Door, bound, spare_of
from mockscim.server.insider import Insider
from mockscim.server.setup import ServerOptions, Setup, check_options, set_up
from mockscim.server.tenants import Tenants

if TYPE_CHECKING:
    from aiohttp import web

    from mockscim.server.app import ScimServer

_BACKLOG = 1024
# Requests in flight have been cut by then; this is for what does not let go, such as half a body.
_SHUTDOWN_SECONDS = 0.02
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - told apart, not bound


class InsideOptions(ServerOptions, total=False):
    """What a server in this process can be told."""

    host: str  # 127.0.0.1
    port: int  # 0: any that is free


class _Running(NamedTuple):
    web: web.Server
    door: Door


class Inside:
    """A server of this process.

    Args:
        options: what it is told; nothing is looked at before ``prepare``.

    Attributes:
        root: its URL.
        token: what opens its SCIM.
        admin_token: what its control API wants of others, or None.
    """

    def __init__(self, options: InsideOptions) -> None:
        check_options(options, InsideOptions.__annotations__)
        self._options = options
        self._setup: Setup | None = None
        self._tenants: Tenants | None = None
        self._sockets: list[socket.socket] = []
        self._server: ScimServer | None = None
        self._running: _Running | None = None
        self.root = self.token = self._host = ""
        self.admin_token: str | None = None

    def prepare(self) -> None:
        """Read the data, and listen.

        Raises:
            FixtureError, ProfileError, FaultError, ClockError, ValueError: something given cannot be used.
            OSError: the port cannot be had.
        """
        host = self._options.get("host", "127.0.0.1")
        given = ServerOptions(
            **{name: value for name, value in self._options.items() if name not in ("host", "port")}  # type: ignore[typeddict-item]
        )
        setup = set_up(given)
        if not _is_loopback(host) and setup.options.admin_token is None:
            # What can be reached from elsewhere is not left open to whoever comes.
            setup = setup._replace(options=replace(setup.options, admin_token=secrets.token_urlsafe(24)))
        setup = setup._replace(options=replace(setup.options, hosts=(host,)))
        self._tenants, self._server = Tenants.of(setup.start, setup.options), None
        self._setup = setup
        try:
            self.listen()
        except OSError:
            self._tenants.close()
            raise
        self.token, self.admin_token = setup.token, setup.options.admin_token

    def listen(self) -> None:
        """Listen, so that the kernel takes connections until ``serve`` does.

        Raises:
            OSError: the port cannot be had.
        """
        host, port = self._options.get("host", "127.0.0.1"), self._options.get("port", 0)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        held = bound(family, socket.SOCK_STREAM, 0, (host, port))
        spare = spare_of(held)
        held.listen(_BACKLOG)
        self._sockets = [held] if spare is None else [held, spare]
        name = _WILDCARDS.get(host, host)
        self._host = f"{f'[{name}]' if ':' in name else name}:{held.getsockname()[1]}"
        self.root = f"http://{self._host}"

    async def serve(self) -> None:
        """Answer from now on, in the running loop."""
        from mockscim.server.app import ScimServer, create_server  # noqa: PLC0415 - which imports aiohttp

        assert self._setup is not None  # noqa: S101 - prepare was called
        if self._server is None:
            self._server = ScimServer(self._setup.start, self._setup.options, self._tenants)
        made = create_server(self._server)
        door = Door(made, backlog=_BACKLOG)
        held, *spare = self._sockets
        self._sockets = []  # the door's from now on
        await door.open([held], spare or [None])
        self._running = _Running(made, door)
        self._caller = Insider(self._host, door)

    async def again(self) -> None:
        """After ``shut`` and ``listen``: serve the same data as it was at the start, as if nothing had been."""
        assert self._server is not None  # noqa: S101 - it has served
        self._server.tenants.renew()
        await self.serve()

    async def shut(self) -> None:
        """Cut whatever is in flight, and close all; what has happened can be asked about still."""
        running, self._running = self._running, None
        if running is None or self._server is None:
            return
        await running.door.hush()
        running.door.close()
        self._server.stop()
        transports = [connection.transport for connection in running.web.connections]
        await running.web.shutdown(_SHUTDOWN_SECONDS)
        for transport in transports:
            if transport is not None:
                transport.abort()  # a client that does not read must not keep it open
        self._server.close()
        await asyncio.sleep(0)  # in which the transports close their sockets

    def abandon(self) -> None:
        """Close what ``prepare`` has opened and nobody has served."""
        for each in self._sockets:
            each.close()
        self._sockets = []

    async def work(self, method: str, path: str, body: bytes, parameters: Mapping[str, object]) -> bytes:
        """Do what a control request asks for; JSON, or nothing.

        Raises:
            ControlRefused: it is refused.
        """
        from mockscim.server.control import ControlError  # noqa: PLC0415 - which imports aiohttp

        assert self._server is not None  # noqa: S101 - it serves, or has served
        texts = {name: _text(value) for name, value in parameters.items()}
        try:
            perform = self._server.control.perform
            _, value = await perform(method, "", unquote(path).rstrip("/") or "/", texts, body, self._caller)
        except ControlError as error:
            raise ControlRefused(error.status, error.detail, error.where) from None
        if value is None:
            return b""
        return value if isinstance(value, bytes) else orjson.dumps(value)


class InsideLine(Line):
    """A line to a server of this process.

    Args:
        options: what the server is told.
    """

    def __init__(self, options: InsideOptions) -> None:
        self._inside = Inside(options)

    @property
    def root(self) -> str:  # type: ignore[override]
        """The server's URL."""
        return self._inside.root

    @property
    def token(self) -> str:  # type: ignore[override]
        """What opens its SCIM."""
        return self._inside.token

    @property
    def admin_token(self) -> str | None:  # type: ignore[override]
        """What its control API wants of others."""
        return self._inside.admin_token


def _text(value: object) -> str:
    """A parameter of a query string."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False
