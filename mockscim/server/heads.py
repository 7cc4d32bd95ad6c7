"""Header blocks that were parsed before: a client sends the same one with each request.

Parsing HTTP is a fifth of what a short answer costs, and nearly all of it goes into headers that a connection has sent
already. So a block that aiohttp's parser has found right is remembered by its bytes. A request whose bytes are

    method SP /target SP HTTP/1.1 CRLF, a remembered block, and as many bytes as that block announces

needs no parser. Whatever is not exactly so goes to aiohttp, as does all that is not an everyday request: another
version or coding, chunks, Expect, Upgrade, Connection: close.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from multidict import CIMultiDict, CIMultiDictProxy

if TYPE_CHECKING:
    from aiohttp.http_parser import RawRequestMessage

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_LONGEST = 4096  # bytes of a block that is remembered
_MOST = 512  # blocks; a body's length is part of one
_LONGEST_LINE = 8190  # what aiohttp takes by default, well below what it takes here
_UNUSUAL = ("Connection", "Expect", "Trailer", "Transfer-Encoding", "Upgrade")
_HTTP_1_1 = (1, 1)


class Head:
    """The headers of a request, and what is asked of them for each."""

    __slots__ = ("accept", "authorization", "conditional", "content_type", "headers", "host", "length")

    def __init__(self, headers: CIMultiDict[str] | CIMultiDictProxy[str], length: int = 0) -> None:
        self.headers = headers
        self.length = length
        self.host = headers.get("Host")
        self.accept = headers.get("Accept")
        self.authorization = tuple(headers.getall("Authorization", ()))
        self.content_type = headers.get("Content-Type")
        self.conditional = "If-Match" in headers or "If-None-Match" in headers


class Read(NamedTuple):
    """A request read without a parser."""

    method: str
    target: str
    head: Head
    body: bytes


class Heads:
    """The header blocks that one server has seen.

    Args:
        longest_line: how long a request line may be, in bytes; the parser judges one that is longer.
    """

    def __init__(self, longest_line: int = _LONGEST_LINE) -> None:
        self._longest_line = min(longest_line, _LONGEST_LINE)
        self._known: dict[bytes, Head] = {}

    def __len__(self) -> int:
        return len(self._known)

    def read(self, data: bytes) -> Read | None:
        """The one request that these bytes are; None where a parser has to say."""
        line = data.find(b"\r\n")
        end = data.find(b"\r\n\r\n", line) + 4
        head = self._known.get(data[line:end])
        if head is None or head.length != len(data) - end or line > self._longest_line:
            return None
        try:
            method, target, version = data[:line].decode("ascii").split(" ")
        except ValueError:  # not ASCII, or more words or fewer
            return None
        if version != "HTTP/1.1" or method not in _METHODS or target[:1] != "/":
            return None
        if not target.isprintable() or "#" in target:
            return None
        return Read(method, target, head, data[end:])

    def learn(self, data: bytes, message: RawRequestMessage, size: int) -> None:
        """Remember the block of a request that was parsed.

        Args:
            data: the whole request and nothing else.
            message: what the parser has made of it.
            size: how many bytes of it are the body.
        """
        end = len(data) - size
        block = data[data.find(b"\r\n") : end]
        if (
            len(block) > _LONGEST
            or message.version != _HTTP_1_1
            or message.should_close
            or message.upgrade
            or message.chunked
            or message.compression
            or any(name in message.headers for name in _UNUSUAL)
            or (size and message.headers.get("Content-Length") != str(size))
        ):
            return
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[block] = Head(message.headers, size)
