"""A connection: aiohttp's, with a serial number, an ear for its end, and SCIM's manners when a request is garbled."""

from __future__ import annotations

import asyncio
import functools
import itertools
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from typing import Any, cast

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.http_parser import HttpRequestParser
from aiohttp.web import BaseRequest, RequestHandler
from aiohttp.web_protocol import _ErrInfo
from aiohttp.web_request import BaseRequest as LowLevelRequest

from mockscim.scim.errors import ScimError
from mockscim.server import wire

# How often a connection that cannot tell of its end (in somebody else's Application) is looked at, in seconds.
_LOOK_EVERY = 0.1
# asyncio reads 256 KiB at a time, which is a mapping of its own for malloc: three system calls a request. Below
# 128 KiB it is not.
_READ_SIZE = 64 * 1024


class Connection(RequestHandler):
    """One connection of the low-level server."""

    __slots__ = ("begun", "broken", "lost", "serial")

    def __init__(self, manager: web.Server, serial: int, **options: Any) -> None:  # noqa: ANN401
        super().__init__(manager, **options)
        self.serial = serial
        self.lost: set[Callable[[], None]] = set()
        # The stream of a body whose framing or coding broke after its head was read.
        self.broken: object = None
        # A request whose handler has begun, and waits.
        self.begun: _Begun | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Read in portions for which the memory need not be asked of the system, and given back, each time."""
        if hasattr(transport, "max_size"):  # asyncio's own; uvloop has a buffer that stays
            transport.max_size = _READ_SIZE
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Take bytes in, and answer at once what can be.

        aiohttp hands a request to a task of its own, which costs more than most answers do. Where the connection is
        idle and one whole request has come, the handler is run here instead; if it has to wait after all, it goes on
        in aiohttp's task from where it is.
        """
        waiter = self._waiter
        if waiter is None or waiter.done():
            super().data_received(data)
            self._end_broken_bodies()
            return
        self._waiter = None  # so that super() does not wake aiohttp's task
        super().data_received(data)
        if len(self._messages) == 1:
            self._answer_at_once()
        self._waiter = waiter
        if self._messages:
            self._end_broken_bodies()
            if not waiter.done():
                waiter.set_result(None)

    def _answer_at_once(self) -> None:
        """Answer the one request that has come, if it is whole; else leave it where it is."""
        message, payload = self._messages[0]
        transport = self.transport
        if (
            isinstance(message, _ErrInfo)
            or message.should_close
            or message.upgrade
            or not payload.is_eof()
            or payload.exception() is not None
            or transport is None
            or transport.get_write_buffer_size()  # aiohttp's way waits for a client that does not read
            or self._manager is None
        ):
            return
        self._messages.popleft()  # first, as reading its body may bring in the next
        request = LowLevelRequest(message, payload, self, None, None, self._loop)  # type: ignore[arg-type]
        running = cast("Coroutine[Any, Any, Any]", self._manager.request_handler(request))
        try:
            waits_for = running.send(None)
        except StopIteration as done:
            if _consumed is not None:
                _consumed(self._parser)
            if self._keepalive_timeout > 0:
                self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
            done.value.write(request)
            if not done.value.keep_alive:
                self.force_close()
            return
        self.begun = _Begun(running, waits_for)
        self._messages.appendleft((message, payload))

    def _end_broken_bodies(self) -> None:
        """A body that breaks ends here, for aiohttp would leave who reads it waiting for ever."""
        if not self._messages or not isinstance(self._messages[-1][0], _ErrInfo):
            return
        bodies = [payload for _, payload in self._messages]
        if self._current_request is not None:
            bodies.append(self._current_request.content)
        for body in bodies:
            if not body.is_eof():
                self.broken = body
                body.feed_eof()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Wake whoever waits for the client to leave; what has begun goes on, for it commits when it is due."""
        begun, self.begun = self.begun, None
        super().connection_lost(exc)
        if begun is not None:
            task = self._loop.create_task(begun.finish())
            _unfinished.add(task)
            task.add_done_callback(_unfinished.discard)
        for callback in list(self.lost):
            callback()

    def handle_error(
        self,
        request: LowLevelRequest,  # noqa: ARG002 - aiohttp's signature
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002
    ) -> Any:  # noqa: ANN401
        """Answer what could not be read as HTTP with a SCIM error, and close."""
        detail = "the request is not HTTP as RFC 9112 has it"
        if isinstance(exc, LineTooLong):
            status, detail = 431, "the request line or a header is too long"
        error = ScimError(status, None, detail)
        if self.transport is None:
            return wire.Cut()
        headers = {"Content-Type": "application/scim+json"}
        return wire.Answer(error.status, headers, error.body(), keep_alive=False)

    @staticmethod
    def server(handler: Callable[[BaseRequest], Any], **options: Any) -> web.Server:  # noqa: ANN401
        """A low-level server whose connections are of this class; what the handler returns has a ``write``."""

        def handle(request: BaseRequest) -> Any:  # noqa: ANN401 - a coroutine, or what else can be awaited
            connection = request.protocol
            if isinstance(connection, Connection) and connection.begun is not None:
                begun, connection.begun = connection.begun, None
                return begun
            return handler(request)

        return _Server(handle, **options)


@contextmanager
def departure(request: BaseRequest) -> Iterator[set[Callable[[], None]]]:
    """A set whose callbacks are called when the request's client leaves, while this lasts."""
    protocol = request.protocol
    if isinstance(protocol, Connection):
        yield protocol.lost
        return
    callbacks: set[Callable[[], None]] = set()
    task = asyncio.get_running_loop().create_task(_look(request, callbacks))
    try:
        yield callbacks
    finally:
        task.cancel()


async def _look(request: BaseRequest, callbacks: set[Callable[[], None]]) -> None:
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110 - nothing tells us
        await asyncio.sleep(_LOOK_EVERY)
    for callback in list(callbacks):
        callback()


class _Begun:
    """A coroutine that has run up to its first wait, to be awaited by a task that takes it on from there."""

    __slots__ = ("_running", "_waits_for")

    def __init__(self, running: Coroutine[Any, Any, Any], waits_for: Any) -> None:  # noqa: ANN401
        self._running = running
        self._waits_for = waits_for

    async def finish(self) -> None:
        """Go on to the end, for nobody."""
        await self

    def __await__(self) -> Generator[Any, Any, Any]:
        waits_for = self._waits_for
        while True:
            try:
                value = yield waits_for
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is for the coroutine to meet
                step = functools.partial(self._running.throw, error)
            else:
                step = functools.partial(self._running.send, value)
            try:
                waits_for = step()
            except StopIteration as done:
                return done.value


_unfinished: set[asyncio.Task[None]] = set()
# Newer aiohttp counts the requests that are parsed and not yet taken, to pause a client that sends ahead.
_consumed: Callable[[Any], None] | None = getattr(HttpRequestParser, "message_consumed", None)


class _Server(web.Server):
    """Makes Connections in the place of aiohttp's own."""

    def __init__(self, handler: Callable[[BaseRequest], Any], **options: Any) -> None:  # noqa: ANN401
        super().__init__(handler)
        self._options = options
        self._serials = itertools.count(1)

    def __call__(self) -> RequestHandler:
        return Connection(self, next(self._serials), loop=self._loop, **self._options)
