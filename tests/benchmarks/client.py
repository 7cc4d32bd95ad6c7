"""A client that costs the server nothing but the requests: raw sockets, kept open, nothing pipelined."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Sequence
from typing import NamedTuple

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Answer(NamedTuple):
    """An answer as it came."""

    status: int
    content_type: str
    body: bytes


class Cost(NamedTuple):
    """What a batch of requests took."""

    cpu: float  # seconds of the server's CPU a request, user and system
    wall: float  # seconds a request


class Connection:
    """One connection, opened again when the server closes it, as HTTP/1.0 servers do after each answer."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def send(self, request: bytes) -> None:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port))
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)

    def receive(self) -> Answer:
        assert self._socket is not None
        data = self._socket.recv(262144)
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        head = data[:end]
        status = int(head[9:12])
        found = _LENGTH.search(head)
        body = bytearray(data[end + 4 :])
        while found is not None and len(body) < int(found[1]):
            body += self._more()
        if head.startswith(b"HTTP/1.0") or b"\r\nConnection: close" in head:
            self.close()
        media = re.search(rb"\r\ncontent-type: *([^\r]*)", head, re.IGNORECASE)
        return Answer(status, media[1].decode() if media else "", bytes(body))

    def _more(self) -> bytes:
        assert self._socket is not None
        data = self._socket.recv(262144)
        if not data:
            raise ConnectionError("the server closed the connection within an answer")
        return data

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def request(method: str, target: str, token: str, body: bytes | None = None) -> bytes:
    """A request as bytes, with the headers that provisioning clients send."""
    lines = [
        f"{method} {target} HTTP/1.1",
        "Host: 127.0.0.1:8080",
        f"Authorization: Bearer {token}",
        "Accept: application/scim+json",
        "User-Agent: benchmark",
    ]
    if body is not None:
        lines += ["Content-Type: application/scim+json", f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + (body or b"")


def cpu_seconds(pid: int) -> float:
    """The CPU time of a process and all its threads: the clock behind clock_getcpuclockid, finer than /proc's ticks."""
    return time.clock_gettime_ns((~pid << 3) | 2) / 1e9


def measure(pid: int, connections: Sequence[Connection], requests: Sequence[bytes], expected: range) -> Cost:
    """Send requests over the connections, one in flight on each; ValueError for a status that is not expected."""
    started, cpu = time.perf_counter(), cpu_seconds(pid)
    for first in range(0, len(requests), len(connections)):
        batch = requests[first : first + len(connections)]
        for connection, data in zip(connections, batch, strict=False):
            connection.send(data)
        for connection, data in zip(connections, batch, strict=False):
            answer = connection.receive()
            if answer.status not in expected:
                line = data.split(b"\r\n", 1)[0].decode()
                raise ValueError(f"{line}: {answer.status}: {answer.body[:300]!r}")
    return Cost((cpu_seconds(pid) - cpu) / len(requests), (time.perf_counter() - started) / len(requests))
