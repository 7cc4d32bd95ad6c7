"""Servers for tests: each is lent to one test at a time, and is as new for the next.

    Pool       servers of this process; to start one is cheap, to read much data is not, so they are kept for whoever
               wants the same
    Elsewhere  tenants of a server that runs

A Lease is the line that a test has to its server: after the test's end it says so instead of meddling with what is
somebody else's by then.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import orjson

from mockscim.client.connected import IN_THE_ENVIRONMENT, Connected, TenantOptions
from mockscim.client.inside import InsideOptions
from mockscim.client.line import Line
from mockscim.client.threaded import Threaded

_MOST_IDLE = 4
_FILES = ("profile", "fixture", "faults")  # whose texts may be paths


class Lender(ABC):
    """Where servers come from.

    Attributes:
        remembers: whether what has happened can be asked about after the server has stopped.
    """

    remembers = False

    @abstractmethod
    def lend(self, options: Mapping[str, Any]) -> Line:
        """A server as the options say, started.

        Raises:
            TypeError: an option that there is not.
            ValueError, OSError, ConnectionError: it cannot be had so.
        """

    @abstractmethod
    def retire(self, server: Line) -> None:
        """Stop a server that was lent: whatever is in flight is cut, and it can be reached no more."""

    @abstractmethod
    def take_back(self, server: Line) -> None:
        """Do away with a server that has stopped, or keep it for others."""

    @abstractmethod
    def close(self) -> None:
        """Do away with all that were kept."""


class Pool(Lender):
    """Servers of this process, each in a thread of its own."""

    remembers = True

    def __init__(self) -> None:
        self._idle: list[tuple[bytes, Threaded]] = []  # the one that came back last is the last
        self._keys: dict[Threaded, bytes] = {}  # of those that are lent and may be kept

    def lend(self, options: Mapping[str, Any]) -> Threaded:
        """A server that was kept, as new, or else a new one."""
        key = _key(options)
        for index, (its, server) in enumerate(self._idle):
            if its == key:
                del self._idle[index]
                with suppress(RuntimeError):  # its thread is not there: a child process has none of its parent's
                    server.renew()
                    self._keys[server] = its
                    return server
        made = Threaded(cast("InsideOptions", options))
        made.start()
        if key is not None:
            self._keys[made] = key
        return made

    def retire(self, server: Line) -> None:
        """Stop it; its thread waits."""
        if isinstance(server, Threaded):
            server.retire()

    def take_back(self, server: Line) -> None:
        """Keep it, in the place of the one that was kept for longest."""
        if not isinstance(server, Threaded):
            return
        key = self._keys.pop(server, None)
        if key is None:
            server.stop()
            return
        self._idle.append((key, server))
        if len(self._idle) > _MOST_IDLE:
            self._idle.pop(0)[1].stop()

    def close(self) -> None:
        """Stop all threads."""
        while self._idle:
            self._idle.pop()[1].stop()


class Elsewhere(Lender):
    """Tenants of a server that runs.

    Args:
        url: the server's.
        admin_token: what its control API wants, or None.
        ca: a PEM file with the certificates to trust, or None.
    """

    def __init__(self, url: str, admin_token: str | None = None, ca: str | None = None) -> None:
        self._url, self._admin_token, self._ca = url, admin_token, ca

    def lend(self, options: Mapping[str, Any]) -> Connected:
        """A tenant, made for it."""
        options = cast("TenantOptions", options)
        made = Connected(self._url, self._admin_token, self._ca, options, IN_THE_ENVIRONMENT)
        made.start()
        return made

    def retire(self, server: Line) -> None:
        """Drop the tenant."""
        server.stop()

    def take_back(self, server: Line) -> None:
        """Nothing: it is gone already."""

    def close(self) -> None:
        """Nothing: none is kept."""


class Lease(Line):
    """A server for the time of a test. ``start`` does nothing while it runs; after ``stop`` it has one anew.

    Args:
        lender: where the server comes from.
        options: what it is told.
    """

    def __init__(self, lender: Lender, options: Mapping[str, Any]) -> None:
        self._lender = lender
        self._options = dict(options)
        self._server: Line | None = None
        self._serving = False
        self._over = ""
        self.root = self.token = ""
        self.admin_token: str | None = None

    def start(self) -> None:
        """Have a server."""
        if self._over:
            raise RuntimeError(self._over)
        if self._serving:
            return
        self.give_back()
        self._server = server = self._lender.lend(self._options)
        self._serving = True
        self.root, self.token, self.admin_token = server.root, server.token, server.admin_token
        self.tokens = server.tokens

    def stop(self) -> None:
        """Stop the server; what has happened there may be remembered."""
        if self._serving and self._server is not None:
            self._serving = False
            self._lender.retire(self._server)

    def end(self, why: str) -> None:
        """Stop the server for good; ``why`` is told to whoever wants something of it later."""
        self._over = why
        self.stop()

    def give_back(self) -> None:
        """Let others have the server, which remembers nothing then."""
        self.stop()
        server, self._server = self._server, None
        if server is not None:
            self._lender.take_back(server)

    @property
    def serving(self) -> bool:
        """Whether the server runs."""
        return self._serving

    @property
    def lasting(self) -> bool:
        """Whether a server that has stopped remembers."""
        return self._lender.remembers

    @property
    def remembers(self) -> bool:
        """Whether ``look_back`` has whom to ask."""
        return self._server is not None and (self._serving or self._lender.remembers)

    def look_back(self, method: str, path: str, parameters: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401
        """``ask``, also of a server that has stopped and remembers."""
        if self._server is None:
            raise RuntimeError("there is no server any more")
        return self._server.ask(method, path, None, parameters)

    def ask(self, method: str, path: str, body: object = None, parameters: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401
        """What the control API answers."""
        return self._running().ask(method, path, body, parameters)

    async def aask(
        self, method: str, path: str, body: object = None, parameters: Mapping[str, object] | None = None
    ) -> Any:  # noqa: ANN401
        """The same, awaited."""
        return await self._running().aask(method, path, body, parameters)

    def _running(self) -> Line:
        if not self._serving or self._server is None:
            raise RuntimeError(self._over or "this MockScim has been stopped: scim.start() begins anew")
        return self._server


def _key(options: Mapping[str, Any]) -> bytes | None:
    """What is the same for options that make the same server, files as they are now; None where that cannot be told."""
    if options.get("persist") is not None:
        return None  # it lets go of its file when it is stopped, and is not kept
    told = {name: _file(value) if name in _FILES else value for name, value in options.items()}
    try:
        return orjson.dumps(told, _content, orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    except TypeError:
        return None


def _file(value: object) -> object:
    """A path as which file it is, and which state of it; anything else as it is."""
    if isinstance(value, str | os.PathLike) and Path(value).is_file():
        found = Path(value).stat()
        return [str(Path(value).absolute()), found.st_mtime_ns, found.st_size, found.st_ino]
    return value


def _content(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError
