"""What clients of these tests speak with: requests and waits as data, and what sends and sits them out.

Waits are on the tenant's virtual clock, so none takes time. An answer that cannot be used has no status or no body.
"""

import asyncio
import http.client
import json
from typing import NamedTuple
from urllib.parse import quote

import aiohttp
import httpx
from edge import _NO_TLS, TOKEN

PATIENCE = 5.0  # seconds of real time


class Request(NamedTuple):
    """A request below the base URL."""

    method: str
    path: str
    body: object = None
    headers: dict = {}  # noqa: RUF012 - never changed


class Wait(NamedTuple):
    """So many seconds of the tenant's clock."""

    seconds: float


class Together(NamedTuple):
    """Pieces of work that do not depend on each other."""

    works: list


class Answer(NamedTuple):
    """What came back: no status where nothing whole did, no body where it is no JSON."""

    status: int | None
    body: object = None
    headers: dict = {}  # noqa: RUF012 - never changed

    @property
    def ok(self):
        return self.status is not None and 200 <= self.status < 300


LOST = Answer(None)


def filtered(endpoint, name, value):
    """The path of a look-up."""
    return f"{endpoint}?filter={quote(f'{name} eq {json.dumps(value)}')}"


def _headers(request, token):
    headers = {"User-Agent": "a-client/1.0", "Accept": "application/scim+json", **request.headers}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if request.body is not None:
        headers["Content-Type"] = "application/scim+json"
    return headers


def _data(request):
    return None if request.body is None else json.dumps(request.body).encode()


def _answer(status, data, headers):
    try:
        body = json.loads(data) if data else None
    except ValueError:
        body = None
    return Answer(status, body, {name.lower(): value for name, value in headers})


class Line:
    """A connection that is kept while it can be, by the standard library."""

    def __init__(self, server, token=TOKEN, base="/scim/v2", tenant="", timeout=PATIENCE):
        self.server, self.token, self.timeout = server, token, timeout
        self.base = (f"/t/{tenant}" if tenant else "") + base
        self.tenant = tenant
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout)

    def send(self, request):
        """One attempt on the wire."""
        try:
            self._connection.request(
                request.method, self.base + request.path, _data(request), _headers(request, self.token)
            )
            answer = self._connection.getresponse()
            return _answer(answer.status, answer.read(), answer.getheaders())
        except (OSError, http.client.HTTPException, ValueError):
            self._connection.close()
            return LOST

    def ask(self, method, path, body=None, **headers):
        """The same, spelled out: ``If_Match`` is a header."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send(Request(method, path, body, named))

    def wait(self, seconds):
        """Let the tenant's clock go on."""
        tenant = self.server.scim.tenants.use(self.tenant)
        self.server.call(tenant.clock.advance, seconds)

    def run(self, work):
        """Do a piece of work: a generator that yields what it needs and is sent what came of it."""
        told = None
        while True:
            try:
                need = work.throw(told) if isinstance(told, Exception) else work.send(told)
            except StopIteration as end:
                return end.value
            if isinstance(need, Together):
                told = self._together(need)
            else:
                told = self.send(need) if isinstance(need, Request) else self.wait(need.seconds)

    def _together(self, need):
        try:
            return [self.run(each) for each in need.works]
        except Exception as error:  # noqa: BLE001 - thrown into who asked for it
            return error

    def close(self):
        """Hang up."""
        self._connection.close()


class HttpxLine(Line):
    """The same over httpx."""

    def __init__(self, server, **options):
        super().__init__(server, **options)
        address = f"http://127.0.0.1:{server.port}"
        self._client = httpx.Client(base_url=address, timeout=self.timeout, trust_env=False, verify=_NO_TLS)

    def send(self, request):
        path, data = self.base + request.path, _data(request)
        try:
            answer = self._client.request(request.method, path, content=data, headers=_headers(request, self.token))
        except (httpx.HTTPError, httpx.InvalidURL):
            return LOST
        return _answer(answer.status_code, answer.content, answer.headers.items())

    def close(self):
        super().close()
        self._client.close()


class AiohttpLine(Line):
    """The same over aiohttp's client, in a loop of its own: what belongs together is under way together."""

    def run(self, work):
        return asyncio.run(self._session(work))

    async def _session(self, work):
        timeout = aiohttp.ClientTimeout(total=self.timeout)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{self.server.port}", timeout=timeout) as self._client:
            return await self._run(work)

    async def _run(self, work):
        told = None
        while True:
            try:
                need = work.throw(told) if isinstance(told, Exception) else work.send(told)
            except StopIteration as end:
                return end.value
            if isinstance(need, Together):
                ended = await asyncio.gather(*(self._run(each) for each in need.works), return_exceptions=True)
                told = next((each for each in ended if isinstance(each, Exception)), ended)
            else:
                told = await self._send(need) if isinstance(need, Request) else self.wait(need.seconds)

    async def _send(self, request):
        options = {"data": _data(request), "headers": _headers(request, self.token), "allow_redirects": False}
        try:
            async with self._client.request(request.method, self.base + request.path, **options) as answer:
                return _answer(answer.status, await answer.read(), answer.headers.items())
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            return LOST


class Judge:
    """The control API, as far as a test asks it about a client."""

    def __init__(self, server, tenant=""):
        self._line = Line(server, token="", base="/_mockscim", tenant=tenant)

    def ask(self, method, path, body=None):
        """A control request that has to go well."""
        answer = self._line.ask(method, path, body)
        assert answer.ok, answer
        return answer.body

    def desire(self, users=(), groups=()):
        """Where the client should arrive from now on."""
        self.ask("PUT", "/desired", {"users": list(users), "groups": list(groups)})

    def begin(self):
        self.ask("POST", "/marks", {"event": "begin"})

    def end(self, **reported):
        self.ask("POST", "/marks", {"event": "end", **({"reported": reported} if reported else {})})

    def verdicts(self, **parameters):
        """The invariants by their ids."""
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        found = self.ask("GET", f"/invariants?{query}" if query else "/invariants")
        return {item["id"]: item for item in found["items"]}

    def broken(self, **parameters):
        """Those that are broken: what shows each."""
        return {
            id_: [each["what"] for each in item["evidence"]]
            for id_, item in self.verdicts(**parameters).items()
            if item["verdict"] == "broken"
        }

    def close(self):
        self._line.close()
