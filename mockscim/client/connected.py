"""A tenant of its own on a server that runs elsewhere, through its control API."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypedDict

import orjson

from mockscim import fixtures, profiles
from mockscim.client.line import ControlRefused, Line, encoded, in_thread
from mockscim.remote import Answered, Places, Remote, RemoteError
from mockscim.server.setup import check_options, read_faults, read_fixture, read_profile

_TENANT = re.compile(r"/t/[^/]+$")
# A wait is the server's; what it takes beyond is that of the way there and back.
_PATIENCE = 60.0
IN_THE_ENVIRONMENT = Places(
    "MOCKSCIM_URL", "MOCKSCIM_ADMIN_TOKEN", "MOCKSCIM_ADMIN_TOKEN", "MOCKSCIM_CA", "MOCKSCIM_CA"
)
_TOKENS, _CAS = "the argument admin_token or MOCKSCIM_ADMIN_TOKEN", "the argument ca or MOCKSCIM_CA"
AS_ARGUMENTS = Places("the argument url", "admin_token", _TOKENS, "ca", _CAS)


class TenantOptions(TypedDict, total=False):
    """What a tenant can be told; whatever is left out is as its server was started."""

    profile: Any  # a name, a path or the content of a profile
    fixture: Any  # a path, a name or a document
    token: str | Mapping[str, Any] | None  # a random one
    seed: int | None
    faults: Any  # rules, or the name or path of a scenario
    strict: bool
    accept: Any
    refuse: Any
    clock: str


class Connected(Line):
    """One tenant of a running server; made by ``start``, dropped by ``stop``.

    Args:
        url: the server's root, its base URL or the URL of its control API.
        admin_token: what the control API wants, if it wants one.
        ca: a PEM file with the certificates to trust of an https server.
        options: what the tenant is told.
        places: where the first three were said, for messages.
    """

    def __init__(
        self, url: str, admin_token: str | None, ca: str | None, options: TenantOptions, places: Places
    ) -> None:
        check_options(options, TenantOptions.__annotations__)
        self._options = options
        self.admin_token = admin_token
        self._url, self._ca, self._places = url, ca, places
        self._remote: Remote | None = None
        self.root = self.token = ""

    def start(self) -> None:
        """Make the tenant."""
        if self._remote is not None:
            raise RuntimeError("this MockScim is connected already")
        document = tenant_document(self._options)
        given = self._options.get("token")
        token = secrets.token_urlsafe(24) if given is None else given
        document["tokens"] = self.tokens = [token]
        try:
            server = Remote(self._url, self.admin_token, self._ca, self._places)
            root = f"{_TENANT.sub('', server.root)}/t/test-{secrets.token_hex(8)}"
            remote = Remote(root, self.admin_token, self._ca, self._places)
        except RemoteError as error:
            raise ValueError(str(error)) from None
        self._exchange(remote, "PUT", "", document)
        self._remote, self.root = remote, remote.root
        self.token = token if isinstance(token, str) else str(token["token"])

    def stop(self) -> None:
        """Drop the tenant, if its server is still there."""
        remote, self._remote = self._remote, None
        if remote is None:
            return
        try:
            self._exchange(remote, "DELETE", "")
        except (ControlRefused, ConnectionError):
            return  # somebody else has dropped it, or stopped its server

    async def astart(self) -> None:
        """Make the tenant."""
        await in_thread(self.start)

    async def astop(self) -> None:
        """Drop it."""
        await in_thread(self.stop)

    def ask(self, method: str, path: str, body: object = None, parameters: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401
        """What the control API answers, by HTTP."""
        if self._remote is None:
            raise RuntimeError("this MockScim is not connected: with MockScim.connect(...) as scim, or scim.start()")
        content = self._exchange(self._remote, method, path, body, parameters).content
        return orjson.loads(content) if content else None

    async def aask(
        self, method: str, path: str, body: object = None, parameters: Mapping[str, object] | None = None
    ) -> Any:  # noqa: ANN401
        """The same, in a thread."""
        return await in_thread(lambda: self.ask(method, path, body, parameters))

    @staticmethod
    def _exchange(
        remote: Remote, method: str, path: str, body: object = None, parameters: Mapping[str, object] | None = None
    ) -> Answered:
        texts = {
            name: value if isinstance(value, str) else orjson.dumps(value).decode()
            for name, value in (parameters or {}).items()
        }
        sent = encoded(body) if body is not None else None
        try:
            answered = remote.exchange(method, path, sent, texts, _PATIENCE)
        except RemoteError as error:
            raise ConnectionError(str(error)) from None
        if answered.status < 300:
            return answered
        if answered.status == HTTPStatus.UNAUTHORIZED and answered.ours:
            raise ControlRefused(answered.status, remote.shut_out())
        try:
            problem = orjson.loads(answered.content)
            raise ControlRefused(answered.status, problem["detail"], problem.get("where"))
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            pass
        raise ConnectionError(f"what answers at {remote.root} is not mockscim: it answered {answered.status}")


def tenant_document(options: Mapping[str, Any]) -> dict[str, Any]:
    """The body of ``PUT`` of a tenant that is as the options say; what is read from files here goes along whole.

    Raises:
        TypeError: an option that there is not.
        FixtureError, ProfileError, FaultError, OSError: something given cannot be used.
    """
    check_options(options, TenantOptions.__annotations__)
    document: dict[str, Any] = {
        name: options[name] for name in ("seed", "strict", "clock") if options.get(name) is not None
    }
    profile = read_profile(options.get("profile"))
    if profile is not None:
        document["profile"] = profile if profile in profiles.names() else profiles.read(profile)
    given = options.get("fixture")
    fixture = read_fixture(given)
    if fixture is not None:
        # The server has those that come along, and then its command says which it was.
        names = [f"{each.name}.json" for each in fixtures.bundled()]
        known = isinstance(given, str) and fixture.source in names and not Path(given).exists()
        document["fixture"] = fixture.source if known else fixtures.whole_document(fixture)
    if "faults" in options:
        seed, rules = read_faults(options["faults"])
        document["faults"] = list(rules)
        if seed is not None:
            document.setdefault("seed", seed)
    for name in ("accept", "refuse"):
        if name in options:
            given = options[name]
            document[name] = [given] if isinstance(given, str) else list(given)
    return document
