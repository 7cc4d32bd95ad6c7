"""The body of a request, as it comes in."""

from __future__ import annotations

import asyncio

from aiohttp import web

from mockscim.scim.call import Call
from mockscim.scim.errors import ScimError
from mockscim.server.arrival import Arrival, Request
from mockscim.server.connection import Connection, too_slow

_CLOSE = {"Connection": "close"}
_BODY_TYPES = frozenset({"application/scim+json", "application/json"})


def body_at_hand(request: Request, limit: int) -> bytes | None:
    """The body of a request where all of it is here and nothing is wrong with it; else None."""
    if isinstance(request, Arrival) and request.body is not None:
        return request.body if len(request.body) <= limit else None
    content = request.content
    if not content.is_eof() or content.exception() is not None or content.total_bytes > limit:
        return None
    protocol = request.protocol
    if isinstance(protocol, Connection) and protocol.broken is content:
        return None
    return content.read_nowait()


async def read_body(request: Request, limit: int, within: float, *, steadily: bool = False) -> bytes:
    """The body of a request, within a limit.

    Args:
        request: whose head has been read.
        limit: the most bytes it may have.
        within: how long it may take to come, in seconds.
        steadily: whether all of it may take longer, as long as no pause in it does.

    Raises:
        ScimError: 413 beyond the limit, 408 when it takes longer, 400 when it is not framed or encoded as its headers
            say.
    """
    announced = request.content_length
    if announced is not None and announced > limit:
        raise _too_large(limit)
    if isinstance(request, Arrival) and request.body is not None:
        return request.body
    if (
        "Expect" in request.headers
        and request.headers["Expect"].lower() == "100-continue"
        and request.version >= (1, 1)
    ):
        _continue(request)
    try:
        body = await _whole(request, limit, within, steadily=steadily)
    except TimeoutError:
        request.content.feed_eof()
        raise too_slow() from None
    except web.RequestPayloadError:
        request.content.feed_eof()  # what may follow cannot be told from another request: nobody reads on
        raise _broken_body() from None
    if isinstance(request.protocol, Connection) and request.protocol.broken is request.content:
        raise _broken_body()
    return body


async def _whole(request: Request, limit: int, within: float, *, steadily: bool) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async with asyncio.timeout(within) as until:
        async for chunk in request.content.iter_any():
            size += len(chunk)
            if size > limit:
                raise _too_large(limit)
            chunks.append(chunk)
            if steadily:
                until.reschedule(asyncio.get_running_loop().time() + within)
    return b"".join(chunks)


def _broken_body() -> ScimError:
    return ScimError(400, "invalidSyntax", "the body is not framed or encoded as its headers say", _CLOSE)


def _continue(request: Request) -> None:
    if request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


def _too_large(limit: int) -> ScimError:
    return ScimError(413, None, f"the body is larger than {limit} bytes", _CLOSE)


def check_content_type(header: str | None, call: Call) -> None:
    """Refuse a body that is said to be something else than JSON.

    Raises:
        ScimError: 415.
    """
    if header in _BODY_TYPES:
        return
    if header is None or not header.strip():
        refusal = ScimError(415, None, "the request says no Content-Type")
        call.tolerance.allow("missing-content-type", "no Content-Type", refusal)
        return
    media = header.partition(";")[0].strip().lower()
    if media not in _BODY_TYPES:
        raise ScimError(415, None, f"the Content-Type is application/scim+json, not {media[:100]}")
