"""Where connections come in: listening sockets that can be shut for a while, and open again at the same address.

Beside each socket that listens another is bound to the same address. When the door shuts, the one that listens is
closed and the other keeps the port, so that nobody else gets it; when it opens, that one listens. Connections that are
open stay open.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import ssl
import struct
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:  # who binds a socket need not wait for aiohttp
    from aiohttp import web

log = logging.getLogger("mockscim")

How = Literal["closed", "reset"]
_RESET = struct.pack("ii", 1, 0)  # for SO_LINGER: closing is a reset
_STEPS_IN = 3  # rounds of the event loop from accepting to a connection that can be closed
_AT_ONCE = 100  # how many are turned away before others have their turn
# How many asyncio accepts in a row. It takes its backlog for that, too; and where no file descriptors are left it tries
# as often in vain, tells of each, and comes back for each a second later, which soon is all that it does.
_ACCEPTED_AT_ONCE = 1


class Door:
    """The listening sockets of one server.

    Args:
        server: makes a protocol for each connection; a fault finds the door by it.
        context: for TLS.
        backlog: how many connections may wait to be accepted.
    """

    def __init__(self, server: web.Server, context: ssl.SSLContext | None = None, backlog: int = 100) -> None:
        self._server = server
        self._context = context
        self._backlog = backlog
        self._listeners: list[asyncio.AbstractServer] = []
        self._leaving: set[asyncio.AbstractServer] = set()  # those that listen no more and are about to be closed
        self._shut: list[socket.socket] = []  # while it is shut, those that keep the addresses
        # For each address another socket, where the system lets two have it.
        self._spares: list[socket.socket | None] = []
        self._resets = False
        self._until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._opening: asyncio.Task[None] | None = None
        self._cuts: set[Callable[[], None]] = set()
        self._closed = False
        server.door = self  # type: ignore[attr-defined]

    async def open(
        self, sockets: Iterable[socket.socket], spares: Iterable[socket.socket | None] | None = None
    ) -> None:
        """Listen at sockets that are bound.

        Args:
            sockets: one for each address.
            spares: of each what ``spare_of`` gave, for those that listen already.

        Raises:
            OSError: one of them cannot be listened at.
        """
        sockets = list(sockets)
        self._spares = [spare_of(one) for one in sockets] if spares is None else list(spares)
        await self._listen(sockets)

    async def _listen(self, sockets: list[socket.socket]) -> None:
        loop = asyncio.get_running_loop()
        for one in sockets:
            listener = await loop.create_server(self._server, sock=one, backlog=_ACCEPTED_AT_ONCE, ssl=self._context)
            one.listen(self._backlog)
            self._listeners.append(listener)

    def shut(self, seconds: float, how: How, cuts: set[Callable[[], None]]) -> None:
        """Let nobody in for so many seconds of real time; longer if it is shut for longer already.

        Args:
            seconds: how long.
            how: ``closed``: nobody listens; ``reset``: whoever comes is reset at once.
            cuts: where the way to open it at once is entered meanwhile.
        """
        loop = asyncio.get_running_loop()
        if self._closed or self._opening is not None:
            return
        if not self._shut:
            self._shut = self._deafen()
            self._spares = [spare_of(one) for one in self._shut]
        if how == "reset" and not self._resets:
            self._resets = True
            for one in self._shut:
                one.listen(self._backlog)
                loop.add_reader(one, partial(_turn_away, one))
        self._until = max(self._until, loop.time() + seconds)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(self._until, self.let_in)
        self._cuts = cuts
        cuts.add(self.let_in)

    def _deafen(self) -> list[socket.socket]:
        """Close what listens; the sockets that keep the addresses."""
        kept: list[socket.socket] = []
        for listener, spare in zip(self._listeners, self._spares, strict=True):
            (old,) = listener.sockets  # type: ignore[attr-defined]
            family, kind, address = old.family, old.type, old.getsockname()
            if spare is not None and isinstance(asyncio.get_running_loop(), asyncio.SelectorEventLoop):
                self._deafen_gently(listener, old)
            else:
                listener.close()
            kept.append(bound(family, kind, 0, address) if spare is None else spare)
            kept[-1].settimeout(0)
        self._listeners = []
        return kept

    def _deafen_gently(self, listener: asyncio.AbstractServer, old: Any) -> None:  # noqa: ANN401 - asyncio's own
        """Listen no more at once, and close once all are in who are half in: asyncio would forget their sockets."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(old)
        with suppress(OSError):  # other systems than Linux may not shut down what listens
            old.shutdown(socket.SHUT_RDWR)
        self._leaving.add(listener)

        def step(left: int) -> None:
            if left and listener in self._leaving:
                loop.call_soon(step, left - 1)
            else:
                self._leaving.discard(listener)
                listener.close()

        step(_STEPS_IN)

    def let_in(self) -> None:
        """Open again, if it is shut."""
        if not self._shut or self._opening is not None:
            return
        self._opening = asyncio.get_running_loop().create_task(self._reopen(self._release()))

    async def hush(self) -> None:
        """Accept nobody any more, before ``close``, which would make asyncio forget the sockets of those half in."""
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            for one in listener.sockets:  # type: ignore[attr-defined]
                with suppress(NotImplementedError):  # Windows' own loop
                    loop.remove_reader(one)
        for _ in range(_STEPS_IN):
            await asyncio.sleep(0)

    def close(self) -> None:
        """Shut it for good."""
        self._closed = True
        for listener in (*self._listeners, *self._leaving):
            listener.close()
        self._leaving.clear()
        for each in (*self._release(), *self._spares):
            if each is not None:
                each.close()

    async def wait_closed(self) -> None:
        """Wait until nobody can come in any more."""
        for listener in self._listeners:
            await listener.wait_closed()

    async def _reopen(self, sockets: list[socket.socket]) -> None:
        try:
            await self._listen(sockets)
        except OSError:
            log.exception("the listening socket cannot be opened again")
        finally:
            self._opening = None
        if self._closed:
            self.close()

    def _release(self) -> list[socket.socket]:
        """The sockets that are held while it is shut, in a state to listen again."""
        kept, self._shut = self._shut, []
        self._cuts.discard(self.let_in)
        self._until = 0.0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._resets:
            self._resets = False
            loop = asyncio.get_running_loop()
            for one in kept:
                loop.remove_reader(one)
        return kept


def bound(family: int, kind: int, protocol: int, address: tuple[Any, ...]) -> socket.socket:
    """A socket bound to an address; IPv6 is that alone.

    Raises:
        OSError: it cannot be had.
    """
    made = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # elsewhere it would let two processes share a port
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made


def spare_of(old: socket.socket) -> socket.socket | None:
    """Another socket bound to the address of one that does not listen yet; None where two cannot be."""
    try:
        return bound(old.family, old.type, 0, old.getsockname())
    except OSError:
        return None


def _turn_away(bound: socket.socket) -> None:
    """Reset whoever waits to be accepted."""
    for _ in range(_AT_ONCE):
        try:
            caller, _ = bound.accept()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED):
                log.warning("a connection cannot be turned away: %s", error.strerror)
            return
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        caller.close()
