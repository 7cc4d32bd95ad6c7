"""A request as the edge needs it: of aiohttp's own class, or one that costs less to make.

aiohttp builds a request object with a URL, a state and a good many properties for each request. Here seven of its
attributes are asked for, so a connection of ours makes an Arrival with those, from the same parsed message.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from aiohttp import HttpVersion, StreamReader
from aiohttp.base_protocol import BaseProtocol
from multidict import CIMultiDict, CIMultiDictProxy

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
    """A request that came by a connection of ours."""

    __slots__ = ("_should_close", "content", "headers", "method", "protocol", "raw", "raw_path", "version")

    def __init__(
        self, message: RawRequestMessage, content: StreamReader, connection: Connection, raw: bytes | None
    ) -> None:
        # The whole request as it came, where it came alone and in one piece.
        self.raw = raw
        self.method = message.method
        self.raw_path = message.path
        self.version = message.version
        self.headers = message.headers
        self._should_close = message.should_close
        self.content = content
        self.protocol = connection

    @property
    def content_length(self) -> int | None:
        """How long the body was announced to be, in bytes."""
        length = self.headers.get("Content-Length")
        return int(length) if length is not None else None

    @property
    def can_read_body(self) -> bool:
        """Whether there is a body."""
        return not self.content.at_eof()

    @property
    def keep_alive(self) -> bool:
        """Whether the client means to go on with this connection."""
        return not self._should_close

    @property
    def scheme(self) -> str:
        """Of the URL: http or https."""
        return self.protocol.scheme

    @property
    def transport(self) -> asyncio.Transport | None:
        """The transport of the connection; None once that is lost."""
        return self.protocol.transport
