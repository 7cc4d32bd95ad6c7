"""A connection: aiohttp's, with a serial number, an ear for its end, and SCIM's manners when a request is garbled."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.http_parser import HttpRequestParser, RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web import BaseRequest, RequestHandler
from aiohttp.web_protocol import _ErrInfo
from aiohttp.web_request import BaseRequest as LowLevelRequest

from mockscim.scim.errors import ScimError
from mockscim.server import wire
from mockscim.server.arrival import Arrival, Request
from mockscim.server.door import Door
from mockscim.server.heads import Heads
from mockscim.server.insider import Insider
from mockscim.server.options import Options

# How often a connection that cannot tell of its end (in somebody else's Application) is looked at, in seconds.
_LOOK_EVERY = 0.1
# asyncio reads 256 KiB at a time, which is a mapping of its own for malloc: three system calls a request. Below
# 128 KiB it is not.
_READ_SIZE = 64 * 1024

_HTTP_1_1 = (1, 1)
_HTTP_1_0 = (1, 0)

Begin = Callable[[Request], Any]


class Connection(RequestHandler):
    """One connection of the low-level server."""

    __slots__ = ("_begin", "_between", "_heads", "_slow", "begun", "broken", "lost", "scheme", "serial")

    def __init__(
        self,
        manager: web.Server,
        begin: Begin,
        heads: Heads,
        serial: int,
        **options: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(manager, **options)
        self._begin = begin
        self._heads = heads
        # Whether the parser is between two requests, so that what comes next is the beginning of one.
        self._between = True
        # What ends a request whose head does not come to its end.
        self._slow: asyncio.TimerHandle | None = None
        self.serial = serial
        self.scheme = "http"
        self.lost: set[Callable[[], None]] = set()
        # The stream of a body whose framing or coding broke after its head was read.
        self.broken: object = None
        # What is left to do for a request that could not be answered at once.
        self.begun: Coroutine[Any, Any, Any] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Read in portions for which the memory need not be asked of the system, and given back, each time."""
        if hasattr(transport, "max_size"):  # asyncio's own; uvloop has a buffer that stays
            transport.max_size = _READ_SIZE
        if transport.get_extra_info("sslcontext") is not None:
            self.scheme = "https"
        super().connection_made(transport)

    @property
    def door(self) -> Door | None:
        """What it came in by; None where the listening socket is not ours."""
        return self._manager.door if isinstance(self._manager, _Server) else None

    def data_received(self, data: bytes) -> None:
        """Take bytes in, and answer at once what can be.

        aiohttp hands a request to a task of its own, which costs more than most answers do. Where the connection is
        idle and one whole request has come, it is answered here instead; if that has to wait for something, what is
        left of it goes to aiohttp's task.
        """
        waiter, parser = self._waiter, self._parser
        if (
            waiter is None
            or waiter.done()
            or parser is None
            or self._messages
            or self._upgraded
            or self._payload_parser is not None
            or self._force_close
            or self._close
        ):
            if data:  # aiohttp asks with nothing after each body
                self._between = False
            super().data_received(data)
            self._end_broken_bodies()
            return
        begins, self._between = self._between, False
        if begins and (read := self._heads.read(data)) is not None:
            self._between = True
            arrival = Arrival(read.method, read.target, read.head, self, data)
            if read.body:
                arrival.body = read.body
            if self._answer_at_once(arrival):
                return
        try:
            parsed = parser.feed_data(data)
        except HttpProcessingError as error:
            self._go_on(_Parsed(error), data)
            return
        messages = parsed[0]
        if not messages and not parsed[1]:  # part of a head, or nothing: aiohttp asks so after each body
            self._between = begins and not data
            self._end_broken_bodies()
            if data and self._slow is None and isinstance(self._manager, _Server):
                self._slow = self._loop.call_later(self._manager.read_timeout, self._give_up)
            return
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None
        if (
            self.begun is not None
            or len(messages) != 1
            or not self._answer_parsed(*messages[0], data if begins else b"")
        ):
            self._go_on(_Parsed(parsed), data)
        elif self._messages:  # reading its body has brought in the next
            self._end_broken_bodies()
            if not waiter.done():
                waiter.set_result(None)

    def _give_up(self) -> None:
        """End a connection whose client has begun a request and does not come to the end of its head."""
        self._slow = None
        if self.transport is not None and self._waiter is not None and not self._waiter.done():
            _refusal(too_slow()).send(self.transport, "GET", old=False)
            self.force_close()

    def _go_on(self, parsed: _Parsed, data: bytes) -> None:
        """Let aiohttp do with what was parsed whatever it does."""
        parser, self._parser = self._parser, cast("HttpRequestParser", parsed)
        try:
            super().data_received(data)
        finally:
            if self._parser is not None:  # the connection is not lost
                self._parser = parser
        self._end_broken_bodies()

    def _answer_parsed(self, message: RawRequestMessage, payload: StreamReader, data: bytes) -> bool:
        """Answer the one request that was parsed, if it is whole and nothing has to be waited for; whether it was.

        ``data`` is what has come from its first byte on, if it has come in one piece.
        """
        if (
            message.should_close
            or message.upgrade
            or message.version > _HTTP_1_1
            or (payload is not EMPTY_PAYLOAD and (not payload.is_eof() or payload.exception() is not None))
        ):
            return False
        size = 0 if payload is EMPTY_PAYLOAD else payload.total_bytes
        end = len(data) - size
        whole = data[end - 4 : end] == b"\r\n\r\n" and data.startswith(message.method.encode())
        if whole:  # nothing of the next request has come with it
            self._between = True
            self._heads.learn(data, message, size)
        if not self._answer_at_once(Arrival.parsed(message, payload, self, data if whole else None)):
            return False
        if _consumed is not None:
            _consumed(self._parser)
        return True

    def _answer_at_once(self, request: Arrival) -> bool:
        """Answer a request, if nothing has to be waited for; whether it was."""
        transport = self.transport
        if (
            transport is None
            or transport.get_write_buffer_size()  # aiohttp's way waits for a client that does not read
            or self._manager is None
        ):
            return False
        outcome = self._begin(request)
        if not isinstance(outcome, wire.Answer):
            self.begun = outcome
            return False
        if self._keepalive_timeout > 0:
            self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        outcome.send(transport, request.method, old=request.version < _HTTP_1_1)
        if not outcome.keep_alive:
            self.force_close()
        return True

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
        if self._slow is not None:
            self._slow.cancel()
        super().connection_lost(exc)
        if begun is not None:
            task = self._loop.create_task(begun)
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
        elif "too many headers" in str(exc).lower():  # for which aiohttp has no class
            status, detail = 431, "the request has too many headers"
        error = ScimError(status, None, detail)
        if self.transport is None:
            return wire.Cut()
        return _refusal(error)

    @staticmethod
    def server(begin: Begin, options: Options) -> web.Server:
        """A low-level server whose connections are of this class.

        Args:
            begin: answers a request: returns an Answer, or a coroutine that ends in an Answer or Cut.
            options: how long a head may be, and how long clients may take.
        """

        async def handle(request: BaseRequest) -> Any:  # noqa: ANN401
            connection = request.protocol
            if not _HTTP_1_0 <= request.version <= _HTTP_1_1:
                return _refusal(ScimError(505, None, "HTTP/1.1 and HTTP/1.0 are spoken here"))
            if isinstance(connection, Connection) and connection.begun is not None:
                outcome, connection.begun = connection.begun, None
            else:
                outcome = begin(request)
            return await outcome if isinstance(outcome, Coroutine) else outcome

        return _Server(handle, begin, options)


def too_slow() -> ScimError:
    """408: a request that does not come to its end in time (RFC 9110 §15.5.9)."""
    return ScimError(408, None, "the request took too long to come in", {"Connection": "close"})


def _refusal(error: ScimError) -> wire.Answer:
    """The last answer of a connection."""
    return wire.Answer(error.status, {"Content-Type": "application/scim+json"}, error.body(), keep_alive=False)


@contextmanager
def departure(request: Request | Insider) -> Iterator[set[Callable[[], None]]]:
    """A set whose callbacks are called when the request's client leaves, while this lasts."""
    if isinstance(request, Insider):  # who can end its wait itself
        yield set()
        return
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


async def _look(request: Request, callbacks: set[Callable[[], None]]) -> None:
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110 - nothing tells us
        await asyncio.sleep(_LOOK_EVERY)
    for callback in list(callbacks):
        callback()


class _Parsed:
    """Stands in for a parser that has parsed already, so that aiohttp goes on from there."""

    def __init__(self, result: tuple[Any, bool, bytes] | HttpProcessingError) -> None:
        self._result = result

    def feed_data(self, _: bytes) -> tuple[Any, bool, bytes]:
        """What the parser has found."""
        if isinstance(self._result, HttpProcessingError):
            raise self._result
        return self._result


_unfinished: set[asyncio.Task[Any]] = set()
# Newer aiohttp counts the requests that are parsed and not yet taken, to pause a client that sends ahead.
_consumed: Callable[[Any], None] | None = getattr(HttpRequestParser, "message_consumed", None)


class _Server(web.Server):
    """Makes Connections in the place of aiohttp's own; ``door`` is set by who listens."""

    def __init__(self, handler: Callable[[BaseRequest], Any], begin: Begin, options: Options) -> None:
        super().__init__(handler)
        self._begin = begin
        self._heads = Heads(options.max_head)
        self._options: dict[str, Any] = {
            "access_log": None,
            "max_line_size": options.max_head,
            "max_field_size": options.max_head,
            "keepalive_timeout": options.idle_timeout,
        }
        self.read_timeout = options.read_timeout
        self._serials = itertools.count(1)
        self.door: Door | None = None

    def __call__(self) -> RequestHandler:
        return Connection(self, self._begin, self._heads, next(self._serials), loop=self._loop, **self._options)
