"""Answers on the wire: one write for a good one, and every way in which a fault makes it a bad one.

aiohttp's server asks a response for ``prepare`` and ``write_eof`` only; writing head and body in one call there saves
about two fifths of a request. What a fault does to the connection is done to the transport.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from mockscim.faults import Drip, Drop, Effect, Hang, Malformed, Refuse, Reset, Respond, SlowClose, Truncate
from mockscim.server.door import Door

if TYPE_CHECKING:  # who makes an Answer need not wait for aiohttp
    from mockscim.server.arrival import Request
    from mockscim.server.insider import Insider

Pause = Callable[[float | None], Awaitable[bool]]

# Whether writelines() tells who does not wait for a client that does not read: CVE-2024-12254.
_LINES_PAUSE = not ((3, 12) <= sys.version_info < (3, 12, 9) or (3, 13) <= sys.version_info < (3, 13, 2))
_DRAIN_ABOVE = 64 * 1024
# Up to this size head and body are joined; beyond it the transport may do better than to copy.
_COPY_BELOW = 4096
_NO_BODY = frozenset({204, 304})
# What was sent before a reset is given so many seconds to arrive.
_ON_ITS_WAY = 0.01
_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}
_BREAKS = re.compile(r"[\r\n]+")
_second = 0
_starts: dict[int, str] = {}


def _start(status: int) -> str:
    """The status line and the headers Date and Server, made once a second."""
    global _second  # noqa: PLW0603 - the second that _starts is for
    now = int(time.time())
    if now != _second:
        _starts.clear()
        _second = now
    found = _starts.get(status)
    if found is None:
        line = _LINES.get(status) or f"HTTP/1.1 {status} Unknown\r\n"
        found = _starts[status] = f"{line}Date: {formatdate(now, usegmt=True)}\r\nServer: mockscim\r\n"
    return found


def head(status: int, headers: Mapping[str, str], length: int | None, *, keep_alive: bool, old: bool = False) -> bytes:
    """The status line and headers of an answer.

    Args:
        status: the status code.
        headers: those to send beside Date (unless it is among them), Server, Content-Length and Connection.
        length: what Content-Length says; None to leave it out.
        keep_alive: whether the connection goes on.
        old: whether the client speaks HTTP/1.0, and has to be told when it does.
    """
    own = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    count = len(headers)
    if own.count("\r") != count or own.count("\n") != count:
        # Header values are ours or a fault rule's; a line break in one must not become another header.
        own = "".join([_BREAKS.sub(" ", f"{name}: {value}") + "\r\n" for name, value in headers.items()])
    size = "" if length is None or status in _NO_BODY else f"Content-Length: {length}\r\n"
    if not keep_alive:
        size += "Connection: close\r\n"
    elif old:
        size += "Connection: keep-alive\r\n"
    start = _start(status)
    if "Date" in headers:  # a fault says what time it is
        line, _, rest = start.partition("\r\n")
        start = line + "\r\n" + rest.partition("\r\n")[2]
    return f"{start}{own}{size}\r\n".encode("utf-8", "replace")


class Answer:
    """A whole answer, written at once. It is what aiohttp's server needs of a response, and no more."""

    __slots__ = ("_request", "body", "headers", "keep_alive", "status")

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes, *, keep_alive: bool = True) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.keep_alive: bool | None = keep_alive
        self._request: Request | None = None

    @property
    def body_length(self) -> int:
        """The size of the body, for access logs."""
        return len(self.body)

    @property
    def prepared(self) -> bool:
        """Whether writing has begun."""
        return self._request is not None

    async def prepare(self, request: Request) -> None:
        """Remember which connection to write to."""
        self._request = request
        self.keep_alive = bool(self.keep_alive and request.keep_alive)

    async def write_eof(self, data: bytes = b"") -> None:  # noqa: ARG002 - aiohttp's signature
        """Write head and body, and wait for a client that does not read."""
        request = self._request
        if request is None or request.transport is None:
            return
        self.write(request)
        if request.transport.get_write_buffer_size() > _DRAIN_ABOVE:
            # A client that does not read must not make the server hold ever more answers for it.
            await request.protocol._drain_helper()  # what aiohttp's own writer awaits here

    def write(self, request: Request) -> None:
        """Write head and body at once."""
        if request.transport is None:
            return
        self.keep_alive = bool(self.keep_alive and request.keep_alive)
        self.send(request.transport, request.method, old=request.version < (1, 1))

    def send(self, transport: asyncio.WriteTransport, method: str, *, old: bool) -> None:
        """Write head and body to a transport.

        Args:
            transport: of the connection.
            method: what was asked: a HEAD gets no body.
            old: whether the client speaks HTTP/1.0.
        """
        body = self.body
        first = head(self.status, self.headers, len(body), keep_alive=bool(self.keep_alive), old=old)
        if method == "HEAD" or self.status in _NO_BODY:
            transport.write(first)
        elif len(body) > _COPY_BELOW and _LINES_PAUSE:
            transport.writelines((first, body))
        else:
            transport.write(first + body)


class Written:
    """An answer that is written already."""

    prepared = True

    def __init__(self, answer: Answer, request: Request) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self.body_length = answer.body_length
        self.keep_alive: bool | None = bool(answer.keep_alive and request.keep_alive)

    async def prepare(self, request: Request) -> None:
        """Nothing to prepare."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing to write."""


class Cut:
    """In the place of an answer when the connection is already gone, or was made to go."""

    status = 499
    body_length = 0
    keep_alive: bool | None = False
    prepared = True
    headers: Mapping[str, str] = {}

    async def prepare(self, request: Request) -> None:
        """Nothing to prepare."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing to write."""

    def send(self, transport: asyncio.WriteTransport, method: str, *, old: bool) -> None:
        """Nothing to write."""


def reset(request: Request) -> None:
    """Abort the connection so that the client sees RST."""
    transport = request.transport
    if transport is None:
        return
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def close(request: Request) -> None:
    """Close the connection in order (FIN), after what has been written so far."""
    if request.transport is not None:
        request.transport.close()


class Sent:
    """What went out on the wire: for the journal. ``status`` is None when nothing did.

    ``gone`` says whether the client left; None where the answer is still to be written.
    """

    __slots__ = ("body", "cut", "gone", "headers", "response", "status")

    def __init__(
        self,
        response: Any,  # noqa: ANN401 - an Answer or a Cut, which aiohttp takes for its own
        status: int | None,
        headers: Mapping[str, str],
        body: bytes,
        *,
        cut: bool,
        gone: bool | None = None,
    ) -> None:
        self.response = response
        self.status = status
        self.headers = headers
        self.body = body
        self.cut = cut
        self.gone = gone


async def apply(effect: Effect, request: Request, answer: Answer, pause: Pause) -> Sent:
    """Put a terminal effect in the place of an answer.

    Args:
        effect: what the fault does.
        request: whose connection it is done to.
        answer: the answer that would have gone out (or would not, for a fault before the commit).
        pause: waits so many seconds, or for ever; False when the wait was cut or the client left.
    """
    if isinstance(effect, Respond):
        headers = dict(effect.headers)
        if effect.content_type:
            headers = {"Content-Type": effect.content_type, **headers}
        body = b"" if effect.status in _NO_BODY else effect.body
        return Sent(Answer(effect.status, headers, body), effect.status, headers, body, cut=False)
    if isinstance(effect, Truncate):
        return await _truncate(effect, request, answer, pause)
    if isinstance(effect, Drip):
        return await _drip(effect, request, answer, pause)
    if isinstance(effect, Malformed):
        return _malformed(effect, request, answer)
    if isinstance(effect, SlowClose):
        return await _slow_close(effect, request, answer, pause)
    if isinstance(effect, Hang):
        await pause(effect.seconds)
    gone = left(request)
    if isinstance(effect, Drop | Hang):
        close(request)
    elif isinstance(effect, Reset | Refuse):
        reset(request)
    return Sent(Cut(), None, {}, b"", cut=True, gone=gone)


def left(request: Request) -> bool:
    """Whether the client has closed the connection."""
    return request.transport is None or request.transport.is_closing()


def _body(request: Request, answer: Answer) -> bytes:
    """What of an answer's body goes out."""
    return b"" if request.method == "HEAD" or answer.status in _NO_BODY else answer.body


async def _truncate(effect: Truncate, request: Request, answer: Answer, pause: Pause) -> Sent:
    part = _body(request, answer)[: effect.cut(len(answer.body))]
    if effect.framing == "valid":
        return Sent(Answer(answer.status, answer.headers, part), answer.status, answer.headers, part, cut=False)
    gone = left(request)
    if request.transport is not None:
        request.transport.write(_cut_short(effect, request, answer) + part)
    if effect.ending == "hang":
        await pause(None)
        gone = left(request)
    if effect.ending == "reset":
        await pause(_ON_ITS_WAY)
        reset(request)
    else:
        close(request)
    return Sent(Cut(), answer.status, answer.headers, part, cut=True, gone=gone)


def _cut_short(effect: Truncate, request: Request, answer: Answer) -> bytes:
    """The head of an answer that will be cut, and of a chunked one the size of its only chunk."""
    if effect.framing == "broken" or request.method == "HEAD" or answer.status in _NO_BODY:
        return head(answer.status, answer.headers, len(answer.body), keep_alive=False)
    first = head(answer.status, _chunked(answer), None, keep_alive=False)
    return first + f"{len(answer.body):x}\r\n".encode()


def _chunked(answer: Answer) -> dict[str, str]:
    return {**answer.headers, "Transfer-Encoding": "chunked"}


async def _drip(effect: Drip, request: Request, answer: Answer, pause: Pause) -> Sent:
    body = _body(request, answer)
    first = head(answer.status, answer.headers, len(answer.body), keep_alive=False)
    wait = effect.pause(len(body))
    sent = 0
    if request.transport is not None:
        request.transport.write(first)
    while sent < len(body) and not left(request):
        if sent and not await pause(wait):
            break
        if request.transport is None:
            break
        request.transport.write(body[sent : sent + effect.chunk])
        sent += effect.chunk
    gone = left(request)
    close(request)
    return Sent(Cut(), answer.status, answer.headers, body[:sent], cut=sent < len(body), gone=gone)


def _malformed(effect: Malformed, request: Request, answer: Answer) -> Sent:
    status, headers, body, noise = answer.status, answer.headers, _body(request, answer), effect.noise
    length = len(answer.body)
    if effect.part == "json":
        body = _noisy(body, noise)
        return Sent(Answer(status, headers, body), status, headers, body, cut=False)
    if effect.part == "short_length":
        # All of the body goes out, and the connection stays: what is too much is taken for the next answer.
        keep_alive = bool(answer.keep_alive and request.keep_alive)
        whole = head(status, headers, length // 2, keep_alive=keep_alive) + body
        if request.transport is not None:
            request.transport.write(whole)
        return Sent(Written(answer, request), status, headers, body, cut=False)
    known = effect.part not in ("random", "status_line")
    first = head(status, headers, length, keep_alive=False)
    if effect.part == "random":
        whole = noise
    elif effect.part == "status_line":
        whole = b"HTTP/1.1 " + noise.hex().encode() + first[first.index(b"\r\n") :] + body
    elif effect.part == "header":
        whole = first.replace(b"\r\n", b"\r\n" + noise.hex().encode() + b"\r\n", 1) + body
    elif effect.part == "content_length":
        whole = head(status, {**headers, "Content-Length": str(length + 1)}, length, keep_alive=False) + body
    else:
        whole = head(status, _chunked(answer), None, keep_alive=False) + b"z" + noise.hex().encode() + b"\r\n" + body
    gone = left(request)
    if request.transport is not None:
        request.transport.write(whole)
    close(request)
    return Sent(Cut(), status if known else None, headers if known else {}, body if known else b"", cut=True, gone=gone)


def _noisy(body: bytes, noise: bytes) -> bytes:
    """A body with noise in its middle, which is no JSON whatever the noise is."""
    half = len(body) // 2
    return body[:half] + b"\x00" + noise + body[half:] if body else body


async def _slow_close(effect: SlowClose, request: Request, answer: Answer, pause: Pause) -> Sent:
    body = _body(request, answer)
    length = len(answer.body) if effect.framing == "length" else None
    gone = left(request)
    if request.transport is not None:
        request.transport.write(head(answer.status, answer.headers, length, keep_alive=False) + body)
    await pause(effect.seconds)
    close(request)
    return Sent(Cut(), answer.status, answer.headers, body, cut=False, gone=gone)


def refuse(request: Request | Insider, effect: Refuse, cuts: set[Callable[[], None]]) -> None:
    """Shut the door that a request came through, if it is ours.

    Args:
        request: any that came by it, or one from inside the process.
        effect: for how long, and how.
        cuts: where the way to open it again is entered while it is shut.
    """
    door: Door | None = getattr(request.protocol, "door", None)
    if door is not None:
        door.shut(effect.seconds, effect.how, cuts)


def let_in(request: Request | Insider) -> None:
    """Open the door that a request came through, if it is shut."""
    door: Door | None = getattr(request.protocol, "door", None)
    if door is not None:
        door.let_in()


def begin(request: Request, answer: Answer) -> bytes:
    """Write an answer but for its last byte, which is returned."""
    if request.transport is None:
        return b""
    body = _body(request, answer)
    keep_alive = bool(answer.keep_alive and request.keep_alive)
    old = request.version < (1, 1)
    whole = head(answer.status, answer.headers, len(answer.body), keep_alive=keep_alive, old=old) + body
    request.transport.write(whole[:-1])
    return whole[-1:]


async def pause(seconds: float | None, *registers: set[Callable[[], None]]) -> bool:
    """Wait for real time to pass; False when cut before it has.

    Args:
        seconds: how long; None for ever.
        registers: where the way to cut this wait short is entered while it lasts.
    """
    return await pause_until(seconds, *registers) is None


async def pause_until(seconds: float | None, *registers: set[Callable[[], None]]) -> set[Callable[[], None]] | None:
    """Wait for real time to pass; the register by which the wait was cut short, None when it was not."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[set[Callable[[], None]] | None] = loop.create_future()

    def settle(result: set[Callable[[], None]] | None) -> None:
        if not done.done():
            done.set_result(result)

    timer: asyncio.TimerHandle | None = None
    end = time.monotonic() + (seconds or 0.0)

    def settle_when_due() -> None:
        nonlocal timer
        left = end - time.monotonic()
        if left > 0:  # uvloop counts in whole milliseconds, and from when its turn began: it may be early
            timer = loop.call_later(left, settle_when_due)
        else:
            settle(None)

    if seconds is not None:
        timer = loop.call_later(seconds, settle_when_due)
    entries = [(register, partial(settle, register)) for register in registers]
    for register, cut in entries:
        register.add(cut)
    try:
        return await done
    finally:
        for register, cut in entries:
            register.discard(cut)
        if timer is not None:
            timer.cancel()
