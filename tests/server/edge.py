"""Servers on real sockets, clients of theirs, and raw connections to say what no HTTP client would say."""

import asyncio
import json
import socket
import ssl
import struct
import time
from concurrent.futures import Future

import httpx

from mockscim.faults import parse_spec
from mockscim.server import ScimServer, create_server
from mockscim.server.door import Door, bound

_NO_TLS = ssl.create_default_context()  # made once: httpx would load all certificates for each client
PATIENCE = 30  # seconds for what takes none: a machine that others use too may stand still for a while
TOKEN = "start-token-of-the-tests"
AUTH = {"Authorization": f"Bearer {TOKEN}"}
SCIM_JSON = {"Content-Type": "application/scim+json"}
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


class Running:
    """One server on a port of its own, in the loop of another thread."""

    def __init__(self, loop, start, options, context=None, trusted=_NO_TLS):
        self.scim = ScimServer(start, options)
        self._loop = loop
        self._context = context
        self._trusted = trusted
        self._clients = []
        self._raws = []
        self.port = self.run(self._start())
        self.root = f"{'http' if context is None else 'https'}://127.0.0.1:{self.port}"
        self.client = self.http(AUTH)
        self.admin = self.http({})

    async def _start(self):
        self._runner = create_server(self.scim)
        self._door = Door(self._runner, self._context)
        held = bound(socket.AF_INET, socket.SOCK_STREAM, 0, ("127.0.0.1", 0))
        await self._door.open([held])
        return held.getsockname()[1]

    async def _stop(self):
        self.scim.stop()
        self._door.close()
        await self._runner.shutdown(0.2)
        await self._door.wait_closed()

    def run(self, what):
        """Run a coroutine in the server's loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(PATIENCE)

    def call(self, function, *args):
        """Call a function in the server's loop, so that nothing of the server is touched from two threads."""
        done = Future()

        def work():
            try:
                done.set_result(function(*args))
            except BaseException as error:  # noqa: BLE001 - handed over to the caller
                done.set_exception(error)

        self._loop.call_soon_threadsafe(work)
        return done.result(PATIENCE)

    def http(self, headers, tenant=""):
        """An httpx client of this server; paths start at /scim/v2 or /_mockscim, below the tenant."""
        base = self.root + (f"/t/{tenant}" if tenant else "")
        client = httpx.Client(base_url=base, headers=headers, timeout=PATIENCE, trust_env=False, verify=self._trusted)
        self._clients.append(client)
        return client

    def raw(self):
        """A plain socket to the server."""
        raw = Raw(self.port)
        self._raws.append(raw)
        return raw

    def fault(self, rule, tenant=""):
        """Add a fault rule: a document, or the short form."""
        document = parse_spec(rule) if isinstance(rule, str) else rule
        answer = self.http({}, tenant).post("/_mockscim/faults", content=json.dumps(document))
        assert answer.status_code == 201, answer.text
        return answer.json()

    def journal(self, tenant="", **parameters):
        """The journal's entries, as the control API gives them."""
        answer = self.http({}, tenant).get("/_mockscim/journal", params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    def wait(self, condition, seconds=2.0):
        """Wait until a condition holds, looking every millisecond; its value then."""
        end = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < end, "what was waited for did not come"
            time.sleep(0.001)
        return value

    def wait_journal(self, count=1, tenant=""):
        """The journal's entries, once there are so many."""
        return self.wait(lambda: len(found := self.journal(tenant)) >= count and found)

    def wait_pending(self, count=1, tenant=""):
        """Wait until so many requests are held by a delay or a hang."""
        self.wait(lambda: len(self.scim.tenants.use(tenant).cuts) >= count)

    def users(self, tenant=""):
        """The userNames in the store, past SCIM."""
        return sorted(u["userName"] for u in self.call(self.scim.tenants.use(tenant).dump)["users"])

    def close(self):
        """Stop the server, and close all that was opened to it."""
        for client in self._clients:
            client.close()
        for raw in self._raws:
            raw.close()
        self.run(self._stop())


class Raw:
    """A socket that sends bytes as they are, and reads answers without forgiving anything."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=3)
        self.rest = b""

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))
        return self

    def everything(self):
        """All bytes until the server closes; ConnectionResetError when it resets instead."""
        while chunk := self.sock.recv(65536):
            self.rest += chunk
        found, self.rest = self.rest, b""
        return found

    def answer(self, method="GET"):
        """One answer: status, headers (lower case), body by Content-Length."""
        while b"\r\n\r\n" not in self.rest:
            chunk = self.sock.recv(65536)
            assert chunk, f"closed in the middle of a head: {self.rest!r}"
            self.rest += chunk
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        status, headers = read_head(head)
        length = 0 if method == "HEAD" or status in (100, 204, 304) else int(headers.get("content-length", 0))
        while len(self.rest) < length:
            chunk = self.sock.recv(65536)
            assert chunk, "closed in the middle of a body"
            self.rest += chunk
        body, self.rest = self.rest[:length], self.rest[length:]
        return status, headers, body

    def reset(self):
        """Leave with a TCP reset, as a client that was killed."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        self.sock.close()


def read_head(head):
    """Status and headers of the bytes before the empty line."""
    first, *lines = head.decode("latin-1").split("\r\n")
    version, status, _ = first.split(" ", 2)
    assert version == "HTTP/1.1"
    return int(status), {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


def request_bytes(method, path, body=b"", headers=(), token=TOKEN, version="1.1"):
    """A request as it goes over the wire."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/{version}", "Host: scim.test"]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    lines += [f"{name}: {value}" for name, value in headers]
    if body:
        lines += ["Content-Type: application/scim+json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def a_user(name="zed@example.com", **more):
    """The body of a create."""
    return {"schemas": [USER], "userName": name, **more}


def a_rule(kind, phase="before", operation="user.create", **parameters):
    """A fault rule named ``it``; what is not an envelope key is a parameter."""
    return {
        "name": "it",
        "type": kind,
        "parameters": parameters,
        "phase": phase,
        "match": {"operation": operation},
    }


def assert_scim_error(answer, status, scim_type=None):
    """An httpx answer is a SCIM Error with its media type, and says the status as text (RFC 7644 §3.12)."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/scim+json"
    document = answer.json()
    assert document["schemas"] == [ERROR]
    assert document["status"] == str(status)
    assert document["detail"]
    if scim_type is not None:
        assert document["scimType"] == scim_type
    return document


def assert_problem(answer, status, where=None):
    """A refusal of the control API: JSON with status, detail and, where it can be told, the place."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    document = answer.json()
    assert document["status"] == status
    assert document["detail"]
    assert document.get("where") == where
    return document
