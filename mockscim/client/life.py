"""Where a MockScim serves, from its start to its end."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack

from mockscim.client.in_loop import InLoop
from mockscim.client.line import Line

if TYPE_CHECKING:
    from mockscim.client.connected import TenantOptions
    from mockscim.client.inside import InsideOptions


class Life:
    """What has a line to a server, from start to stop: base of MockScim, which says what it is told."""

    def __init__(self, **options: Unpack[InsideOptions]) -> None:
        self._begin(InLoop(options))

    @classmethod
    def threaded(cls, **options: Unpack[InsideOptions]) -> Self:
        """One with a daemon thread and an event loop of its own: for synchronous code, and for any event loop.

        It starts at once and stops in a few milliseconds, also while requests hang.
        """
        from mockscim.client.threaded import Threaded  # noqa: PLC0415 - who connects needs neither

        return cls.over(Threaded(options))

    @classmethod
    def connect(
        cls,
        url: str | None = None,
        admin_token: str | None = None,
        *,
        ca: str | None = None,
        **options: Unpack[TenantOptions],
    ) -> Self:
        """A tenant of its own on a server that runs: made at the start, dropped at the end.

        Args:
            url: the server's root, base URL or control URL; MOCKSCIM_URL without.
            admin_token: what its control API wants; MOCKSCIM_ADMIN_TOKEN without.
            ca: a PEM file with the certificates to trust; MOCKSCIM_CA without.
            options: ``profile``, ``fixture``, ``token``, ``seed``, ``faults``, ``strict``, ``accept``, ``refuse``,
                ``clock``; what is left out is as the server was started. Files are read here and sent along.

        Raises:
            ValueError: there is no URL, or it is none.
            TypeError: an option that a tenant does not have.
        """
        from mockscim.client.connected import AS_ARGUMENTS, IN_THE_ENVIRONMENT, Connected  # noqa: PLC0415

        places = AS_ARGUMENTS if url else AS_ARGUMENTS._replace(url=IN_THE_ENVIRONMENT.url)
        url = url or os.environ.get("MOCKSCIM_URL")
        if not url:
            raise ValueError("the URL of a server was expected, here or in MOCKSCIM_URL")
        token = admin_token or os.environ.get("MOCKSCIM_ADMIN_TOKEN") or None
        return cls.over(Connected(url, token, ca or os.environ.get("MOCKSCIM_CA") or None, options, places))

    @classmethod
    def over(cls, line: Line) -> Self:
        """One whose server is at the end of a line that there is already."""
        made = cls.__new__(cls)
        made._begin(line)
        return made

    def _begin(self, line: Line) -> None:
        self._line = line

    def start(self) -> Self:
        """Begin to serve; for ``setUp`` and scripts, as ``with`` does it.

        Returns:
            Itself.

        Raises:
            FixtureError, ProfileError, FaultError, ClockError, ValueError: an option cannot be used.
            OSError: a file cannot be read, or the port cannot be had.
            RuntimeError: it runs already, or is one for the running event loop: ``astart``.
            ConnectionError: the server to connect to does not answer.
        """
        self._line.start()
        return self

    def stop(self) -> None:
        """End: whatever is in flight is cut, and all sockets are closed. Nothing where it does not run."""
        self._line.stop()

    async def astart(self) -> Self:
        """``start``, awaited."""
        await self._line.astart()
        return self

    async def astop(self) -> None:
        """``stop``, awaited."""
        await self._line.astop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await self.astart()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.astop()

    @property
    def base_url(self) -> str:
        """What a client is told: ``http://127.0.0.1:41234/scim/v2``."""
        return f"{self._line.root}/scim/v2"

    @property
    def admin_url(self) -> str:
        """The control API, for other programs."""
        return f"{self._line.root}/_mockscim"

    @property
    def token(self) -> str:
        """The Bearer token that opens its SCIM."""
        return self._line.token

    @property
    def admin_token(self) -> str | None:
        """What the control API wants of other programs; None where it looks at the Host instead."""
        return self._line.admin_token

    def ask(self, method: str, path: str, body: object = None, parameters: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401
        """Any request of the control API: what no method here is for.

        Args:
            method: the HTTP method.
            path: below ``/_mockscim``, names in it quoted as in a URL.
            body: what is sent as JSON; None for nothing.
            parameters: of the query string.

        Returns:
            The answer, parsed; None where it has no body.

        Raises:
            ControlRefused: it is refused.
            RuntimeError: there is no server running, or it would have to wait in the server's own event loop.
        """
        return self._line.ask(method, path, body, parameters)

    async def aask(
        self, method: str, path: str, body: object = None, parameters: Mapping[str, object] | None = None
    ) -> Any:  # noqa: ANN401
        """``ask``, awaited."""
        return await self._line.aask(method, path, body, parameters)

    def facts(self) -> dict[str, Any]:
        """What it is now: tenant, base_url, profile, seed, strict, clock, resources (how many), reproduce."""
        found: dict[str, Any] = self.ask("GET", "/")
        return found

    def __repr__(self) -> str:
        return f"<MockScim {self.base_url if self._line.root else 'not started'}>"
