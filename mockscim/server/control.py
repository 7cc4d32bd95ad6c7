"""The control API below ``/_mockscim``: the hands of tests and people, outside faults, SCIM's rules and the journal.

    HTTP        handle:  guard → action → body ─┐
    in process                                  perform → Result, or a ControlError

It answers to an admin token where one was set. Without one it looks at the Host header, and at the host of a target
that is a whole URL (RFC 9112 §3.2.2), so that a web page whose name was rebound to 127.0.0.1 gets nothing; and a
foreign Origin is refused always.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import orjson

from mockscim.clock import ClockError
from mockscim.faults import FaultError
from mockscim.faults.documents import convert
from mockscim.fixtures import FixtureError
from mockscim.profiles import ProfileError
from mockscim.scim.body import shallow_json
from mockscim.scim.errors import ScimError, brief
from mockscim.server import wire
from mockscim.server.address import Address, base_url, read_query
from mockscim.server.arrival import Request
from mockscim.server.body import read_body
from mockscim.server.insider import Insider
from mockscim.tenant import Tenant
from mockscim.tokens import TokenError, digest
from mockscim.version import VERSION_HEADER, __version__

if TYPE_CHECKING:
    from mockscim.server.app import ScimServer

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::\d{1,5})?")
_T = TypeVar("_T")


class ControlError(Exception):
    """A control request that is refused; ``where`` is a JSON pointer into what was sent."""

    def __init__(self, status: int, detail: str, where: str | None = None, **headers: str) -> None:
        detail = brief(detail)
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.where = brief(where, 500) if where else where
        self.headers: Mapping[str, str] = headers

    def document(self) -> dict[str, Any]:
        """The refusal as it is answered."""
        return {"status": self.status, "detail": self.detail, **({"where": self.where} if self.where else {})}


class Ask:
    """One control request: the tenant's name, the parts of its path, its parameters and body, and who asks."""

    __slots__ = ("body", "parameters", "parts", "request", "tenant")

    def __init__(
        self,
        tenant: str,
        parts: tuple[str, ...],
        parameters: Mapping[str, str],
        body: bytes,
        request: Request | Insider,
    ) -> None:
        self.tenant = tenant
        self.parts = parts
        self.parameters = parameters
        self.body = body
        self.request = request

    def json(self) -> Any:  # noqa: ANN401
        """The body, parsed."""
        try:
            return shallow_json(self.body or b"null")
        except orjson.JSONDecodeError as error:
            raise ControlError(400, f"the body is not JSON: {error}") from None
        except ValueError as error:
            raise ControlError(400, f"the body cannot be taken: {error}") from None

    def document(self, kind: type[_T]) -> _T:
        """The body as a typed document; its FaultError, as any, is a refusal."""
        return convert(self.json() if self.body else {}, kind)

    def number(self, name: str, default: int) -> int:
        """An integer parameter of the query string."""
        text = self.parameters.get(name)
        if text is None:
            return default
        if not text.isascii() or not text.isdigit() or len(text) > 18:
            raise ControlError(400, f"{name} is a number, not {text[:60]!r}")
        return int(text)


Result = tuple[int, Any]
Action = Callable[["Control", Ask], Result | Coroutine[Any, Any, Result]]


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the control API's table: what answers, and what the description (openapi.json) says of it.

    ``body`` and the values of ``answers`` are types, or names of components of the description; an answer without a
    body is None. ``missing``: whether what the path names may not be there (404).
    """

    method: str
    pattern: re.Pattern[str]
    action: Action
    answers: Mapping[int, Any]
    body: Any
    query: tuple[str, ...]
    missing: bool


_ROUTES: list[Route] = []
_A = TypeVar("_A", bound=Action)


def route(
    method: str,
    pattern: str,
    answers: Mapping[int, Any],
    *,
    body: Any = None,  # noqa: ANN401 - a type of any kind
    query: tuple[str, ...] = (),
    missing: bool = False,
) -> Callable[[_A], _A]:
    """Register what answers a method and path; the named groups of the pattern become the parts of the Ask."""

    def register(action: _A) -> _A:
        _ROUTES.append(Route(method, re.compile(pattern), action, answers, body, query, missing))
        return action

    return register


def routes() -> list[Route]:
    """The whole table. What answers is imported with the first control request: speaking SCIM needs none of it."""
    from mockscim.server import actions, gates, holdings, judging, verifying  # noqa: F401, PLC0415

    return _ROUTES


class Control:
    """Answers the control requests of one server."""

    def __init__(self, server: ScimServer) -> None:
        self.server = server
        options = server.options
        self._admin = digest(options.admin_token) if options.admin_token is not None else None
        named = urlsplit(options.base_url).hostname if options.base_url else None
        self._hosts = frozenset({"localhost", *(host.lower() for host in options.hosts), *([named] if named else [])})

    def tenant(self, ask: Ask) -> Tenant:
        """The tenant that a request is about, made if it is not there yet."""
        return self.server.tenants.use(ask.tenant)

    def base(self, ask: Ask) -> str:
        """The base URL of the tenant's SCIM, for references in answers."""
        request = ask.request
        host, fixed = request.headers.get("Host", ""), self.server.options.base_url
        return base_url(request.scheme, host, ask.tenant, fixed, self.server.prefix)

    async def handle(self, request: Request, address: Address) -> Any:  # noqa: ANN401
        """Answer one control request that came by HTTP."""
        try:
            with _refusals():
                self._guard(request)
                path = address.path.rstrip("/") or "/"
                _find(request.method, path)  # before its body is read
                body = await self._body(request)
                parameters = dict(read_query(address.query))
            status, value = await self.perform(request.method, address.tenant, path, parameters, body, request)
            return _answer(status, value)
        except ControlError as error:
            return _answer(error.status, error.document(), error.headers)

    async def _body(self, request: Request) -> bytes:
        """The body: a fixture of a million users takes its time, but who sends nothing for so long has left."""
        if not request.can_read_body:
            return b""
        options = self.server.options
        return await read_body(request, options.max_fixture, options.read_timeout, steadily=True)

    async def perform(
        self,
        method: str,
        tenant: str,
        path: str,
        parameters: Mapping[str, str],
        body: bytes,
        request: Request | Insider,
    ) -> Result:
        """Do what a control request asks for; waits only where the request does.

        Args:
            method: the HTTP method.
            tenant: the tenant's name.
            path: below ``/_mockscim``, decoded, without a slash at the end.
            parameters: of the query string.
            body: as it was sent.
            request: who asks: a client, or this process itself.

        Returns:
            The status, and what is answered: JSON in bytes, a value that makes JSON, or None.

        Raises:
            ControlError: it is refused.
        """
        with _refusals():
            action, parts = _find(method, path)
            self.server.tenants.look(tenant).catch_up()
            with self.server.tenants.kept(tenant):
                result = action(self, Ask(tenant, parts, parameters, body, request))
            return await result if isinstance(result, Coroutine) else result

    def _guard(self, request: Request) -> None:
        host = request.headers.get("Host", "")
        origin = request.headers.get("Origin")
        if origin is not None and _netloc(origin) != host.lower():
            raise ControlError(403, "a page of another origin may not use the control API")
        if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            raise ControlError(403, "a page of another site may not use the control API")
        if self._admin is not None:
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not hmac.compare_digest(digest(token.strip()), self._admin):
                challenge = {"WWW-Authenticate": 'Bearer realm="mockscim control"'}
                raise ControlError(401, "the control API needs the admin token as a Bearer token", None, **challenge)
            return
        if not all(self._welcomes(each) for each in (host, *_authority(request.raw_path))):
            detail = "the control API answers to loopback hosts; start with --allow-host or --admin-token for others"
            raise ControlError(403, detail)

    def _welcomes(self, host: str) -> bool:
        name = _host_name(host)
        return name in self._hosts or _is_loopback(name)


def _find(method: str, path: str) -> tuple[Action, tuple[str, ...]]:
    """The action for a method and path, and the parts of the path."""
    allowed: set[str] = set()
    wanted = "GET" if method == "HEAD" else method
    for its in routes():
        found = its.pattern.fullmatch(path)
        if found is not None:
            if its.method == wanted:
                return its.action, found.groups()
            allowed |= {"GET", "HEAD"} if its.method == "GET" else {its.method}
    if allowed:
        raise ControlError(405, f"{method} is not possible here", Allow=", ".join(sorted(allowed)))
    raise ControlError(404, f"there is no {path[:200]} in the control API")


def _netloc(origin: str) -> str | None:
    """The host and port of an Origin; None for ``null`` and whatever else is none."""
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None


def _authority(target: str) -> tuple[str, ...]:
    """The host and port of a request target that is a whole URL; nothing of one that is a path."""
    return () if target.startswith("/") else (urlsplit(target).netloc,)


def _host_name(host: str) -> str:
    """The name in a Host header, without port; empty when it is none."""
    found = _HOST.fullmatch(host)
    return (found[1] or found[2]).lower().removesuffix(".") if found is not None else ""


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn every error that says what is wrong with a request into the one that refuses it."""
    try:
        yield
    except FixtureError as error:
        raise ControlError(400, str(error), error.where or None) from None
    except FaultError as error:
        raise ControlError(400, str(error), error.pointer or None) from None
    except TokenError as error:
        raise ControlError(400, str(error), error.where) from None
    except (ProfileError, ClockError) as error:
        raise ControlError(400, str(error)) from None
    except ScimError as error:
        raise ControlError(error.status, error.detail, None, **error.headers) from None


def _answer(status: int, value: Any, headers: Mapping[str, str] | None = None) -> wire.Answer:  # noqa: ANN401
    sent = {VERSION_HEADER: __version__, "Cache-Control": "no-store", **(headers or {})}
    keep_alive = sent.pop("Connection", "") != "close"
    if status == 204:
        return wire.Answer(status, sent, b"")
    sent["Content-Type"] = "application/json"
    return wire.Answer(status, sent, value if isinstance(value, bytes) else orjson.dumps(value), keep_alive=keep_alive)
