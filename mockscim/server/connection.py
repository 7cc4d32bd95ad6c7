"""A connection: aiohttp's, with a serial number, an ear for its end, and SCIM's manners when a request is garbled."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.web import BaseRequest, RequestHandler
from aiohttp.web_protocol import _ErrInfo
from aiohttp.web_request import BaseRequest as LowLevelRequest

from mockscim.scim.errors import ScimError
from mockscim.server import wire

# How often a connection that cannot tell of its end (in somebody else's Application) is looked at, in seconds.
_LOOK_EVERY = 0.1


class Connection(RequestHandler):
    """One connection of the low-level server."""

    __slots__ = ("broken", "lost", "serial")

    def __init__(self, manager: web.Server, serial: int, **options: Any) -> None:  # noqa: ANN401
        super().__init__(manager, **options)
        self.serial = serial
        self.lost: set[Callable[[], None]] = set()
        # The stream of a body whose framing or coding broke after its head was read.
        self.broken: object = None

    def data_received(self, data: bytes) -> None:
        """Take bytes in; a body that breaks here ends, for aiohttp would leave who reads it waiting for ever."""
        super().data_received(data)
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
        """Wake whoever waits for the client to leave."""
        super().connection_lost(exc)
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
        """A low-level server whose connections are of this class."""
        return _Server(handler, **options)


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


class _Server(web.Server):
    """Makes Connections in the place of aiohttp's own."""

    def __init__(self, handler: Callable[[BaseRequest], Any], **options: Any) -> None:  # noqa: ANN401
        super().__init__(handler)
        self._options = options
        self._serials = itertools.count(1)

    def __call__(self) -> RequestHandler:
        return Connection(self, next(self._serials), loop=self._loop, **self._options)
