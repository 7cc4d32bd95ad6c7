"""A request as the edge needs it: of aiohttp's own class, or one that costs less to make.

aiohttp builds a request object with a URL, a state and a good many properties for each request. Here seven of its
attributes are asked for, so a connection of ours makes an Arrival with those, from the same parsed message, or from
the bytes where those are plain enough (``heads``).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from aiohttp import HttpVersion, HttpVersion11, StreamReader
from aiohttp.base_protocol import BaseProtocol
from aiohttp.streams import EMPTY_PAYLOAD
from multidict import CIMultiDict, CIMultiDictProxy

from mockscim.server.heads import Head

if TYPE_CHECKING:
    from aiohttp.http_parser import RawRequestMessage

    from mockscim.server.connection import Connection


class Request(Protocol):
    """What the edge asks of a request; aiohttp's BaseRequest has it, too."""

    @property
    def method(self) -> str:
        """As in the request line."""
        ...

    @property
    def raw_path(self) -> str:
        """The request target, as in the request line."""
        ...

    @property
    def version(self) -> HttpVersion:
        """Of HTTP."""
        ...

    @property
    def headers(self) -> CIMultiDict[str] | CIMultiDictProxy[str]:
        """The header fields."""
        ...

    @property
    def content(self) -> StreamReader:
        """The body, as it comes in."""
        ...

    @property
    def content_length(self) -> int | None:
        """How long the body was announced to be, in bytes."""
        ...

    @property
    def can_read_body(self) -> bool:
        """Whether there is a body."""
        ...

    @property
    def keep_alive(self) -> bool:
        """Whether the client means to go on with this connection."""
        ...

    @property
    def scheme(self) -> str:
        """Of the URL: http or https."""
        ...

    @property
    def protocol(self) -> BaseProtocol:
        """The connection it came by."""
        ...

    @property
    def transport(self) -> asyncio.Transport | None:
        """The transport of the connection; None once that is lost."""
        ...


class Arrival:
    """A request that came by a connection of ours.

    One is made for each request, so what most of them do not have is a default of the class.

    Args:
        method, raw_path: as in the request line.
        head: its headers.
        connection: what it came by.
        raw: the whole request as it came, where it came alone and in one piece.
    """

    version: HttpVersion = HttpVersion11
    keep_alive: bool = True
    content: StreamReader = EMPTY_PAYLOAD
    # All of the body, where it has not to be read from ``content``.
    body: bytes | None = None

    def __init__(self, method: str, raw_path: str, head: Head, connection: Connection, raw: bytes | None) -> None:
        self.method = method
        self.raw_path = raw_path
        self.head = head
        self.protocol = connection
        self.raw = raw

    @staticmethod
    def parsed(message: RawRequestMessage, content: StreamReader, connection: Connection, raw: bytes | None) -> Arrival:
        """One that aiohttp has parsed."""
        made = Arrival(message.method, message.path, Head(message.headers), connection, raw)
        made.version = message.version
        made.keep_alive = not message.should_close
        made.content = content
        return made

    @property
    def headers(self) -> CIMultiDict[str] | CIMultiDictProxy[str]:
        """The header fields."""
        return self.head.headers

    @property
    def content_length(self) -> int | None:
        """How long the body was announced to be, in bytes."""
        length = self.headers.get("Content-Length")
        return int(length) if length is not None else None

    @property
    def can_read_body(self) -> bool:
        """Whether there is a body."""
        return bool(self.body) if self.body is not None else not self.content.at_eof()

    @property
    def scheme(self) -> str:
        """Of the URL: http or https."""
        return self.protocol.scheme

    @property
    def transport(self) -> asyncio.Transport | None:
        """The transport of the connection; None once that is lost."""
        return self.protocol.transport


def head_of(request: Request) -> Head:
    """The headers of a request, with what is asked of them."""
    return request.head if isinstance(request, Arrival) else Head(request.headers)
