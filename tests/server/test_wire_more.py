"""Answers that are no HTTP, connections that end late or not at all, and doors that are shut: over HTTP and TLS."""

import asyncio
import contextlib
import json
import socket
import ssl
import threading
import time

import aiohttp
import httpx
import pytest
import uvloop
from edge import AUTH, TOKEN, Raw, Running, a_rule, a_user, read_head, request_bytes
from wire_table import authority

from mockscim import create_app, fixtures, profiles
from mockscim.server import Options, wire
from mockscim.tenant import Start

CREATE = request_bytes("POST", "/scim/v2/Users", a_user())
GET = request_bytes("GET", "/scim/v2/Users/u-1")
DELETE = request_bytes("DELETE", "/scim/v2/Users/u-4")
ZED = "zed@example.com"


@pytest.fixture(scope="module")
def contexts():
    """A server's context, and a client's that trusts it."""
    with authority() as (_, serves, trusts):
        yield serves, trusts


@pytest.fixture(params=["http", "tls"])
def wired(request, server_loop, contexts):
    """A server that speaks HTTP, or HTTPS."""
    start = Start(profiles.load("standard"), fixtures.load_bundled("small.json"))
    server = Running(server_loop, start, Options(tokens=(TOKEN,)), *(contexts if request.param == "tls" else ()))
    yield server
    server.close()


class Wire(Raw):
    """A raw connection, inside TLS where the server speaks it."""

    def __init__(self, server):
        super().__init__(server.port)
        if server.root.startswith("https"):
            self.sock = server._trusted.wrap_socket(self.sock, server_hostname="127.0.0.1", suppress_ragged_eofs=False)


def everything(server, request):
    """All bytes of an answer until the connection ends, and whether it ended in order."""
    raw = Wire(server)
    found = b""
    try:
        raw.send(request)
        while chunk := raw.sock.recv(65536):
            found += chunk
    except (ConnectionError, ssl.SSLError):
        return found, False
    finally:
        raw.close()
    return found, True


def entry_of(server, kind, outcome, status):
    """The journal's only entry: it tells the fault and the commit."""
    (entry,) = server.wait_journal()
    assert [(f["type"], f["outcome"]) for f in entry["faults"]] == [(kind, outcome)]
    assert entry["response"] is None if status is None else entry["response"]["status"] == status
    assert (entry["committed"], entry["client_gone"]) == (True, False)
    assert ZED in server.users()
    return entry


# -- malformed -----------------------------------------------------------------------------------------------------


def test_malformed_random(wired):
    """Nothing but noise, the same with the same seed, and the connection ends in order."""
    wired.fault(a_rule("malformed", "after"))
    found, in_order = everything(wired, CREATE)
    assert (len(found), in_order, b"HTTP/" in found) == (32, True, False)
    entry_of(wired, "malformed", "malformed random", None)
    wired.admin.post("/_mockscim/reset")
    wired.fault(a_rule("malformed", "after"))
    assert everything(wired, CREATE)[0] == found


@pytest.mark.parametrize(
    ("part", "status", "is_wrong"),
    [
        ("status_line", None, lambda head, body: not head.split(b"\r\n")[0].split(b" ")[1].isdigit()),
        ("header", 201, lambda head, body: b":" not in head.split(b"\r\n")[1]),
        ("content_length", 201, lambda head, body: len(set(lengths(head))) == len(lengths(head)) == 2),
        ("chunk_size", 201, lambda head, body: b"chunked" in head and body.startswith(b"z") and not lengths(head)),
    ],
)
def test_malformed_head(wired, part, status, is_wrong):
    """One line is wrong, the rest of the answer is as it was, and the connection closes."""
    wired.fault(a_rule("malformed", "after", part=part))
    found, in_order = everything(wired, CREATE)
    head, _, body = found.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 ")
    assert is_wrong(head, body)
    assert json.loads(body[body.index(b"{") :])["userName"] == ZED
    assert in_order
    entry_of(wired, "malformed", f"malformed {part}", status)


def lengths(head):
    """The values of Content-Length in a head."""
    return [
        line.partition(b":")[2].strip() for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    ]


def test_malformed_length(wired):
    """Half of the body is taken for all of it, and the rest for the next answer, on a connection that goes on."""
    wired.fault({**a_rule("malformed", "after", part="short_length"), "times": 1})
    raw = Wire(wired).send(CREATE)
    status, headers, body = raw.answer()
    assert (status, "connection" in headers) == (201, False)
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)
    raw.send(GET)
    found = raw.rest
    while b"Ann Ashdown" not in found:
        found += raw.sock.recv(65536)
    rest, _, _ = found.partition(b"HTTP/1.1 200")
    assert json.loads(body + rest)["userName"] == ZED
    raw.close()
    assert wired.journal()[0]["committed"]


def test_malformed_json(wired):
    """Good HTTP around what is no JSON; the connection goes on."""
    wired.fault({**a_rule("malformed", "after", part="json"), "times": 1})
    raw = Wire(wired)
    status, headers, body = raw.send(CREATE).answer()
    assert (status, int(headers["content-length"])) == (201, len(body))
    with pytest.raises(ValueError):
        json.loads(body)
    assert raw.send(GET).answer()[0] == 200
    raw.close()
    assert wired.journal()[0]["committed"]


@pytest.mark.parametrize(
    "part", ["random", "status_line", "header", "content_length", "short_length", "chunk_size", "json"]
)
@pytest.mark.parametrize("request_", [DELETE, GET.replace(b"GET", b"HEAD", 1)], ids=["no body", "head"])
def test_malformed_without_a_body(server, part, request_):
    """What has no body gets none, whatever is wrong with it; the server goes on."""
    server.fault(a_rule("malformed", "after", operation="*", part=part))
    raw = server.raw().send(request_)
    if part == "json":
        assert raw.answer("HEAD")[0] in (200, 204)
    else:
        raw.sock.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            raw.everything()
        assert b"Ann" not in raw.rest
    server.admin.delete("/_mockscim/faults")
    assert server.client.get("/scim/v2/Users/u-1").status_code == 200


# -- truncate ------------------------------------------------------------------------------------------------------


def test_truncate_with_a_reset(wired):
    """What was sent arrives, and then a reset."""
    wired.fault(a_rule("truncate", "after", at=10, ending="reset"))
    found, in_order = everything(wired, CREATE)
    assert (found.partition(b"\r\n\r\n")[2], in_order) == (b'{"schemas"', False)
    entry = entry_of(wired, "truncate", "truncate at 10 bytes, reset", 201)
    assert entry["response"]["body"] == '{"schemas"'


def test_truncate_and_silence(wired):
    """What was sent arrives, and then nothing, until the client leaves."""
    wired.fault(a_rule("truncate", "after", at=10, ending="hang"))
    raw = Wire(wired).send(CREATE)
    wired.wait_pending()
    assert raw.sock.recv(65536).endswith(b'{"schemas"')
    raw.sock.settimeout(0.05)
    with pytest.raises(TimeoutError):
        raw.sock.recv(1)
    raw.close()
    (entry,) = wired.wait_journal()
    assert (entry["client_gone"], entry["committed"]) == (True, True)


def test_truncate_in_chunks(wired):
    """A chunk that is announced whole and stops in the middle, and no last one."""
    wired.fault(a_rule("truncate", "after", framing="chunked"))
    found, in_order = everything(wired, CREATE)
    head, _, body = found.partition(b"\r\n\r\n")
    size, _, part = body.partition(b"\r\n")
    assert read_head(head)[1]["transfer-encoding"] == "chunked"
    assert (int(size, 16) // 2, in_order) == (len(part), True)


@pytest.mark.parametrize("ending", ["reset", "hang"])
def test_truncate_that_is_valid_ends_nothing(server, ending):
    """An answer that is whole as HTTP leaves the connection alone; asking for more is a mistake."""
    rule = {"type": "truncate", "parameters": {"framing": "valid", "ending": ending}}
    answer = server.admin.post("/_mockscim/faults", json=rule)
    assert (answer.status_code, answer.json()["where"]) == (400, "/parameters/ending")


# -- slow_close ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("framing", ["length", "close"])
def test_slow_close(wired, framing):
    """The answer is whole at once, and the end comes later; a length says so at once, its absence does not."""
    wired.fault(a_rule("slow_close", "after", seconds="300ms", framing=framing))
    raw = Wire(wired)
    began = time.perf_counter()
    raw.send(CREATE)
    found = b""
    while not found.endswith(b"}}"):
        found += raw.sock.recv(65536)
    whole = time.perf_counter() - began
    assert raw.sock.recv(1) == b""
    assert time.perf_counter() - began >= 0.3
    assert whole < 0.3
    status, headers = read_head(found.partition(b"\r\n\r\n")[0])
    assert (status, headers["connection"], "content-length" in headers) == (201, "close", framing == "length")
    raw.close()
    entry = entry_of(wired, "slow_close", "slow close 300ms", 201)
    assert entry["response"]["body"]["userName"] == ZED


def test_client_leaves_during_slow_close(server):
    """A client that has its answer and leaves is waited for no longer, and is not gone too early."""
    server.fault(a_rule("slow_close", "after", seconds="1h"))
    assert server.client.post("/scim/v2/Users", json=a_user()).status_code == 201
    (entry,) = server.wait_journal()
    assert not entry["client_gone"]
    assert entry["committed"]


# -- refuse --------------------------------------------------------------------------------------------------------


def knock(server):
    """What becomes of who tries to connect: ``in``, ``refused`` or ``reset``."""
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=2) as sock:
            sock.settimeout(0.05)
            return "reset" if sock.recv(1) == b"" else "in"
    except ConnectionRefusedError:
        return "refused"
    except ConnectionError:
        return "reset"
    except TimeoutError:
        return "in"


@pytest.mark.parametrize(("how", "meets"), [("closed", "refused"), ("reset", "reset")])
@pytest.mark.parametrize("phase", ["before", "after"])
def test_refuse(wired, how, meets, phase):
    """The connection of the request is reset, new ones are not let in for a while, and then they are."""
    wired.fault({**a_rule("refuse", phase, seconds="300ms", how=how), "times": 1})
    began = time.perf_counter()
    assert everything(wired, CREATE) == (b"", False)
    assert knock(wired) == meets
    wired.wait(lambda: knock(wired) == "in")
    assert time.perf_counter() - began >= 0.3
    assert wired.http(AUTH).get("/scim/v2/Users/u-1").status_code == 200
    entry = wired.wait_journal()[0]
    assert entry["faults"] == [{"rule": "it", "type": "refuse", "phase": phase, "outcome": "refuse 300ms"}]
    assert (entry["committed"], entry["response"], ZED in wired.users()) == (phase == "after", None, phase == "after")


@pytest.mark.parametrize(("how", "meets"), [("closed", "refused"), ("reset", "reset")])
@pytest.mark.parametrize("end", ["delete one", "delete all", "put one", "put all", "reset"])
def test_refuse_at_once(wired, how, meets, end):
    """A rule with a window and nothing else shuts the door as it comes; over an open connection it is taken back."""
    rule = {"name": "it", "type": "refuse", "parameters": {"how": how}, "duration": "1h"}
    assert wired.admin.post("/_mockscim/faults", json=rule).status_code == 201
    assert knock(wired) == knock(wired) == meets
    ends = {
        "delete one": lambda: wired.admin.delete("/_mockscim/faults/it"),
        "delete all": lambda: wired.admin.delete("/_mockscim/faults"),
        "put one": lambda: wired.admin.put("/_mockscim/faults/it", json={"type": "ok"}),
        "put all": lambda: wired.admin.put("/_mockscim/faults", json=[]),
        "reset": lambda: wired.admin.post("/_mockscim/reset"),
    }
    assert ends[end]().status_code in (200, 204)
    wired.wait(lambda: knock(wired) == "in")
    assert wired.http(AUTH).get("/scim/v2/Users/u-1").status_code == 200


@pytest.mark.parametrize(
    "more",
    [
        {"start_after": "1m", "duration": "1h"},
        {"duration": "1h", "match": {"operation": "user.create"}},
        {"duration": "1h", "probability": 0.5},
        {"duration": "1h", "times": 1},
        {"duration": "1h", "skip": 1},
        {"duration": "1h", "phase": "after"},
        {},
    ],
)
def test_refuse_waits_for_its_request(server, more):
    """A rule that asks for more than its window shuts nothing before the request it is about."""
    rule = {"name": "it", "type": "refuse", **more}
    assert server.admin.post("/_mockscim/faults", json=rule).status_code == 201
    assert knock(server) == "in"


def test_refuse_until_the_window_ends(server):
    """Without seconds of its own it lasts as long as the window; connections that are open are served meanwhile."""
    server.client.get("/scim/v2/Users/u-1")
    server.fault({"name": "it", "type": "refuse", "duration": "200ms", "match": {"operation": "user.create"}})
    began = time.perf_counter()
    with pytest.raises(ConnectionResetError):
        server.raw().send(CREATE).everything()
    assert server.client.get("/scim/v2/Users/u-1").status_code == 200
    assert knock(server) == "refused"
    server.wait(lambda: knock(server) == "in")
    assert 0.1 <= time.perf_counter() - began < 1.5


def test_refuse_keeps_the_port(server):
    """While nobody listens the port is taken, and nobody else can have it."""
    server.admin.post("/_mockscim/faults", json={"type": "refuse", "duration": "1h"})
    with socket.socket() as other, pytest.raises(OSError):
        other.bind(("127.0.0.1", server.port))


def test_a_server_stops_while_it_refuses(server_loop):
    """A shut door does not hold up the end."""
    start = Start(profiles.load("standard"), None)
    server = Running(server_loop, start, Options(tokens=(TOKEN,)))
    server.admin.post("/_mockscim/faults", json={"type": "refuse", "duration": "1h"})
    began = time.perf_counter()
    server.close()
    assert time.perf_counter() - began < 1


def test_refuse_on_another_loop(contexts):
    """It is the same on uvloop, with TLS: closed, reset, open again."""
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    start = Start(profiles.load("standard"), fixtures.load_bundled("small.json"))
    server = Running(loop, start, Options(tokens=(TOKEN,)), *contexts)
    for how, meets in (("closed", "refused"), ("reset", "reset")):
        rule = {"type": "refuse", "parameters": {"how": how}, "duration": "1h"}
        server.admin.post("/_mockscim/faults", json=rule)
        assert knock(server) == meets
        server.admin.delete("/_mockscim/faults")
        server.wait(lambda: knock(server) == "in")
        assert server.http(AUTH).get("/scim/v2/Users/u-1").status_code == 200
    server.close()
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


async def test_refuse_where_the_socket_is_not_ours(aiohttp_client):
    """Inside somebody else's Application only the one connection is reset."""
    app = create_app(token=TOKEN, fixture="small.json", faults=[{"type": "refuse", "times": 1}])
    client = await aiohttp_client(app)
    with pytest.raises(aiohttp.ClientOSError):
        await client.post("/scim/v2/Users", json=a_user(), headers=AUTH)
    answer = await client.get("/scim/v2/Users/u-1", headers=AUTH)
    assert answer.status == 200


def test_refuse_where_two_sockets_cannot_be_bound(server_loop, monkeypatch):
    """Where the system lets only one have an address, that is bound anew after the other was closed."""
    monkeypatch.setattr("mockscim.server.door.spare_of", lambda _: None)
    server = Running(server_loop, Start(profiles.load("standard"), None), Options(tokens=(TOKEN,)))
    server.admin.post("/_mockscim/faults", json={"type": "refuse", "duration": "1h"})
    assert knock(server) == "refused"
    server.admin.delete("/_mockscim/faults")
    server.wait(lambda: knock(server) == "in")
    server.close()


# -- the Date of an answer -----------------------------------------------------------------------------------------


def test_an_answer_may_say_what_time_it_is():
    """A Date among the headers stands alone, in the place of the server's own."""
    told = "Thu, 01 Jan 1970 00:00:00 GMT"
    lines = wire.head(200, {"X": "1", "Date": told}, 3, keep_alive=True).split(b"\r\n")
    assert [line for line in lines if line.startswith(b"Date")] == [f"Date: {told}".encode()]
    assert lines[0] == b"HTTP/1.1 200 OK"
    assert b"Server: mockscim" in lines
    assert len(lines) == 7


def test_many_at_once_while_the_door_opens_and_shuts(server):
    """Whoever comes while it shuts and opens is let in, refused or reset, and the server answers afterwards."""

    async def come():
        async with httpx.AsyncClient(base_url=server.root, headers=AUTH, trust_env=False) as client:
            try:
                return (await client.get("/scim/v2/Users/u-1")).status_code
            except httpx.TransportError:
                return None

    async def crowd():
        return await asyncio.gather(*[come() for _ in range(40)])

    server.fault({**a_rule("refuse", operation="user.get", seconds="20ms"), "probability": 0.2})
    seen = asyncio.run(crowd())
    assert None in seen
    server.wait(lambda: knock(server) == "in")  # or the next would be refused, too
    server.admin.delete("/_mockscim/faults")
    server.wait(lambda: knock(server) == "in")
    assert server.http(AUTH).get("/scim/v2/Users/u-1").status_code == 200
