"""A small synchronous client of a running server's control API, for the command line and ``MockScim.connect``."""

from __future__ import annotations

import http.client
import re
import ssl
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

import orjson

from mockscim.version import VERSION_HEADER

DEFAULT_URL = "http://127.0.0.1:8080"
_SECONDS = 60.0
# How far behind the newest exchange one that is still under way is waited for.
_WINDOW = 1000
_EVERYTHING = 10**9


class RemoteError(Exception):
    """The server is not there, or does not do what it was asked; the text is a line for people."""


class Places(NamedTuple):
    """Where a server was named, as messages call it: ``url``, ``admin_token`` (and where else that may go), ``ca``."""

    url: str = "--url"
    admin_token: str = "--admin-token"  # noqa: S105 - the option
    admin_tokens: str = "--admin-token or MOCKSCIM_ADMIN_TOKEN"
    ca: str = "--ca"
    cas: str = "--ca or MOCKSCIM_CA"


class Answered(NamedTuple):
    """What a server has answered; ``ours``: whether that was a control API."""

    status: int
    content: bytes
    ours: bool


class Remote:
    """One tenant of a running server; may be used by several threads.

    Args:
        url: the server's root, its ``base_url`` or its ``admin_url``, with ``/t/TENANT`` for a tenant.
        admin_token: what the control API wants, if it wants one.
        ca: a PEM file with the certificates to trust of an https server; None for ``SSL_CERT_FILE``'s or the system's.
        places: where these three were said.

    Raises:
        RemoteError: the URL is none, or the file holds no certificates.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        admin_token: str | None = None,
        ca: str | None = None,
        places: Places = Places(),  # noqa: B008 - immutable
    ) -> None:
        given = url.strip()
        parts = urlsplit(given if "://" in given else f"http://{given}")
        try:
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if "@" in parts.netloc:  # and it may be a password, so it is not said again
            how = f"without a user; a token goes by {places.admin_token}"
            raise RemoteError(f"{places.url}: http://HOST:PORT was expected, {how}")
        if parts.scheme not in ("http", "https") or not host or re.search(r"[\x00-\x20\x7f]", given):
            raise RemoteError(f"{places.url}: http://HOST:PORT was expected, not {url[:100]!r}")
        if admin_token is not None and not re.fullmatch(r"[\x21-\x7e]+", admin_token):
            raise RemoteError(f"{places.admin_token}: printable ASCII without spaces was expected")
        path = parts.path.rstrip("/")
        for area in ("/scim/v2", "/_mockscim"):
            path = path.removesuffix(area)
        self._address = host, port
        self._context = _trust(ca, places.ca) if parts.scheme == "https" else None
        self._path = f"{path}/_mockscim"
        self._admin_token = admin_token
        self._places = places
        self.root = f"{parts.scheme}://{parts.netloc}{path}"
        self.base_url = f"{self.root}/scim/v2"

    def exchange(
        self,
        method: str,
        path: str,
        body: object = None,
        parameters: Mapping[str, object] | None = None,
        patience: float = _SECONDS,
    ) -> Answered:
        """The answer to a control request, whatever it is.

        Args:
            method: the HTTP method.
            path: below ``/_mockscim``, its parts already quoted.
            body: what is sent as JSON, bytes as they are; None for nothing.
            parameters: of the query string.
            patience: how long to wait for it, in seconds.

        Raises:
            RemoteError: there is none, or who says that all is well is not mockscim.
        """
        headers = {"Accept": "application/json"}
        if self._admin_token is not None:
            headers["Authorization"] = f"Bearer {self._admin_token}"
        sent = body if isinstance(body, bytes | None) else orjson.dumps(body)
        if sent is not None:
            headers["Content-Type"] = "application/json"
        target = self._path + path + (f"?{urlencode(parameters)}" if parameters else "")
        connection = self._connection(patience)
        try:
            connection.request(method, target, sent, headers)
            response = connection.getresponse()
            answered = Answered(response.status, response.read(), response.getheader(VERSION_HEADER) is not None)
        except (OSError, http.client.HTTPException) as error:
            raise RemoteError(_unanswered(self.root, error, self._places)) from None
        finally:
            # A connection a call: one that is kept may have been closed in between.
            connection.close()
        if answered.status < 300 and not answered.ours:
            raise RemoteError(f"what answers at {self.root} is not mockscim")
        return answered

    def shut_out(self) -> str:
        """What is said where the control API wants its admin token, or another."""
        how = self._places.admin_tokens
        if self._admin_token is None:
            return f"the control API of {self.root} wants its admin token: give it with {how}"
        return f"the control API of {self.root} refused the admin token given with {how}"

    def _connection(self, patience: float) -> http.client.HTTPConnection:
        host, port = self._address
        if self._context is not None:
            return http.client.HTTPSConnection(host, port, timeout=patience, context=self._context)
        return http.client.HTTPConnection(host, port, timeout=patience)

    def raw(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        missing: str | None = None,
        parameters: Mapping[str, object] | None = None,
    ) -> bytes:
        """The body of the answer to a control request.

        Args:
            method: the HTTP method.
            path: below ``/_mockscim``, its parts already quoted.
            body: what is sent as JSON; None for nothing.
            missing: what to say of a 404, in place of the server's words.
            parameters: of the query string.

        Raises:
            RemoteError: no answer, or one that is no success.
        """
        status, content, ours = self.exchange(method, path, body, parameters)
        if status < 300:
            return content
        if status == 404 and missing is not None and ours:
            raise RemoteError(missing)
        if status == 401 and ours:
            raise RemoteError(self.shut_out())
        raise RemoteError(f"{self.root}: {_detail(status, content, ours=ours)}")

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        missing: str | None = None,
        parameters: Mapping[str, object] | None = None,
    ) -> Any:  # noqa: ANN401
        """The same, parsed; None for an answer without a body."""
        content = self.raw(method, path, body, missing=missing, parameters=parameters)
        return orjson.loads(content) if content else None

    def journal(self, since: int = 0) -> list[dict[str, Any]]:
        """The exchanges after number ``since``, in order of arrival."""
        # One page: exchanges are kept in the order they end, and a page could only go on behind a number.
        answer = self.call("GET", "/journal", parameters={"since": since, "limit": _EVERYTHING})
        return sorted(answer["items"], key=lambda entry: int(entry["n"]))


class Follower:
    """The journal as it grows: each exchange once, also one that took longer than those after it.

    Args:
        remote: the server.
        since: the number after which to begin.
    """

    def __init__(self, remote: Remote, since: int = 0) -> None:
        self._remote = remote
        self._since = since
        # What tells an exchange from the one of the same number before a reset; a virtual clock may stand still.
        self._seen: dict[int, tuple[object, ...]] = {}

    def poll(self) -> list[dict[str, Any]]:
        """What is new, in order of arrival; after a reset of the server it begins anew."""
        # What was told last is asked for again. When nothing of it is left, the server was reset or its journal
        # cleared, and all that is there now is new.
        entries = self._remote.journal(max(self._since - 1, 0))
        if self._seen and not self._knows(entries):
            entries = self._remote.journal()
            if entries and not self._knows(entries):
                self._seen.clear()
                self._since = 0
        new = [entry for entry in entries if entry["n"] > self._since and entry["n"] not in self._seen]
        self._seen.update((entry["n"], _mark(entry)) for entry in new)
        newest = max(self._seen, default=0)
        while self._since + 1 in self._seen or newest - self._since > _WINDOW:
            self._since += 1
        for n in [n for n in self._seen if n < self._since]:
            del self._seen[n]
        return new

    def _knows(self, entries: list[dict[str, Any]]) -> bool:
        return any(self._seen.get(entry["n"]) == _mark(entry) for entry in entries)


def _trust(ca: str | None, place: str) -> ssl.SSLContext:
    """What makes a server's certificate believed; OpenSSL itself looks at ``SSL_CERT_FILE``."""
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:
        reason = "no certificates in PEM form" if isinstance(error, ssl.SSLError) else error.strerror or str(error)
        raise RemoteError(f"{place}: {ca}: {reason}") from None


def _unanswered(root: str, error: OSError | http.client.HTTPException, places: Places) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{root} is not trusted: {error.verify_message}; name the CA to trust with {places.cas}"
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    hint = f"start one with: mockscim serve, or name another with {places.url}"
    if isinstance(error, ssl.SSLError):
        hint = "if it does not speak TLS, name it with http://"
    elif isinstance(error, ConnectionResetError) and root.startswith("http:"):  # also when it ends without an answer
        hint = "if it speaks TLS, name it with https://"
    return f"no server answers at {root} ({reason}); {hint}"


def part(text: str) -> str:
    """A name as one part of a path."""
    return quote(text, safe="")


def _mark(entry: Mapping[str, Any]) -> tuple[object, ...]:
    return entry["time"], entry["duration_ms"], entry["connection"]


def _detail(status: int, content: bytes, *, ours: bool) -> str:
    try:
        answer = orjson.loads(content)
        where = f"{answer['where']}: " if answer.get("where") else ""
        return f"{where}{answer['detail']}"
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        what = "" if ours else "; is that mockscim?"
        return f"it answered {status}{what}"
