"""Sends what a plan asks for with aiohttp's client, and says in a plan's words what came back.

Redirects are not followed: no provisioning service is known to, and a login page behind one is no SCIM.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
import orjson
from yarl import URL

from mockscim.provision.pace import Pace
from mockscim.provision.target import Target, TargetError
from mockscim.provisioning.wire import Answer, Request, Steps
from mockscim.scim.body import shallow_json

T = TypeVar("T")

CONTENT_TYPE = "application/scim+json; charset=utf-8"
_LARGEST = 64 << 20  # bytes of an answer; beyond it nothing more is read


class Sender:
    """A connection pool to one target.

    Args:
        target: where to.
        token: the Bearer token; empty for none.
        headers: of every request, beside Authorization and Content-Type.
        rate: most requests a second; None for no limit.
        concurrency: most requests at a time.
        timeout: seconds until an answer has to be there, whole.
        ca: a PEM file with the certificates to trust; None for the system's.
        wait: what lets a request's ``after`` pass; None for real seconds.
        before: awaited before each request: what has to be done first.

    Raises:
        TargetError: the token cannot stand in a header, or the CA cannot be read.
    """

    def __init__(
        self,
        target: Target,
        token: str = "",
        *,
        headers: Mapping[str, str],
        rate: float | None = None,
        concurrency: int = 1,
        timeout: float = 60.0,
        ca: str | None = None,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
        before: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        if token and not (token.isascii() and token.isprintable() and " " not in token):
            raise TargetError("--token: printable ASCII without spaces was expected")
        self.target = target
        self.sent = 0
        self.answered = self.unauthorized = False  # whether anything answered at all, and whether with a 401
        self._headers = {**headers, **({"Authorization": f"Bearer {token}"} if token else {})}
        self._pace = Pace(rate)
        self._concurrency = concurrency
        self._timeout = timeout
        self._trust = _trust(ca) if target.secure else None
        self._wait = wait
        self._before = before
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the session."""
        connector = aiohttp.TCPConnector(limit=self._concurrency, ssl=self._trust or True)
        self._session = aiohttp.ClientSession(
            connector=connector,
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._timeout),
        )
        # aiohttp sends a GET again when a kept connection turns out to be closed. What is sent again, and when, is
        # the plan's to say.
        self._session._retry_connection = False
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it, and its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def drive(self, steps: Steps[T]) -> T:
        """Run a plan to its end."""
        try:
            request = next(steps)
            while True:
                request = steps.send(await self.send(request))
        except StopIteration as end:
            result: T = end.value
            return result

    async def send(self, request: Request) -> Answer:
        """Send one request; whatever goes wrong on the way is an Answer without a status."""
        if request.after:
            await self._wait(request.after)
        if self._before is not None:
            await self._before()
        await self._pace.turn()
        self.sent += 1
        began = time.perf_counter()
        try:
            status, headers, content = await self._exchange(request)
        except (aiohttp.ClientError, OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            return Answer(None, error=_reason(error), seconds=time.perf_counter() - began)
        self.answered = True
        self.unauthorized |= status == HTTPStatus.UNAUTHORIZED
        return Answer(status, headers, _parsed(content), seconds=time.perf_counter() - began)

    async def _exchange(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        if self._session is None:
            raise RuntimeError("a Sender sends inside its async with block")
        body = None if request.body is None else orjson.dumps(request.body)
        headers = {} if body is None else {"Content-Type": CONTENT_TYPE}
        url = URL(self.target.url(request.path), encoded=True)
        skip = ("Content-Type",) if body is None else ()
        async with self._session.request(
            request.method, url, data=body, headers=headers, allow_redirects=False, skip_auto_headers=skip
        ) as response:
            content = await response.content.read(_LARGEST)
            while len(content) < _LARGEST and (more := await response.content.read(_LARGEST - len(content))):
                content += more
            return response.status, dict(response.headers), content


def _parsed(content: bytes) -> Any:  # noqa: ANN401 - whatever JSON may be
    if not content.strip():
        return None
    try:
        return shallow_json(content)  # a target may answer what nobody could keep, or write again
    except ValueError:
        return content.decode("utf-8", "replace")


def _reason(error: BaseException) -> str:
    """Why there is no answer: ``timeout`` is what plans know, the others are for people."""
    chain = [error, error.__cause__, getattr(error, "os_error", None)]
    if any(isinstance(one, TimeoutError) for one in chain):
        return "timeout"
    if any(isinstance(one, ssl.SSLError | aiohttp.ClientSSLError) for one in chain):
        return "TLS: the certificate is not trusted" if _untrusted(chain) else "TLS"
    if any(isinstance(one, ConnectionRefusedError) for one in chain):
        return "refused"
    if any(isinstance(one, ConnectionResetError | BrokenPipeError) for one in chain):
        return "reset"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "name not found"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "closed"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "cut short"
    if isinstance(error, aiohttp.ClientResponseError | aiohttp.InvalidURL):
        return "garbled"
    return "connection"


def _untrusted(chain: list[Any]) -> bool:
    return any(isinstance(one, ssl.SSLCertVerificationError | aiohttp.ClientConnectorCertificateError) for one in chain)


def _trust(ca: str | None) -> ssl.SSLContext:
    """What makes the target's certificate believed; OpenSSL itself looks at ``SSL_CERT_FILE``."""
    if ca is not None and not Path(ca).is_file():
        raise TargetError(f"--ca: {ca}: no such file")
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:
        reason = "no certificates in PEM form" if isinstance(error, ssl.SSLError) else error.strerror or str(error)
        raise TargetError(f"--ca: {ca}: {reason}") from None
