"""Clients that take their time, and many of them: on sockets of a process of its own, and of servers in this one."""

import asyncio
import contextlib
import json
import resource
import socket
import time
from pathlib import Path

import pytest
from edge import a_user, request_bytes
from processes import Server

IDLE = 5000


@pytest.fixture
def impatient(serve):
    """A server that waits 300 ms for a request."""
    return serve(read_timeout=0.3)


def ended(raw):
    """How long the server took to end a connection, and what it said before."""
    started = time.monotonic()
    said = raw.everything()
    return time.monotonic() - started, said


HEAD = request_bytes("POST", "/scim/v2/Users", a_user())


@pytest.mark.parametrize("size", [1, 4, 40, len(HEAD) - 1])
def test_a_request_that_does_not_come_to_its_end(impatient, size):
    """A head or a body that stops half way is 408 and the end of the connection, when its time is over."""
    seconds, said = ended(impatient.raw().send(HEAD[:size]))
    assert 0.2 < seconds < 2
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"Connection: close" in head
    assert json.loads(body)["status"] == "408"
    assert len(impatient.users()) == 5


@pytest.mark.parametrize("begin", [0, HEAD.index(b"\r\n\r\n") + 4], ids=["head", "body"])
def test_a_byte_now_and_then(impatient, begin):
    """A client that sends a byte every 50 ms gets no longer for it (slowloris)."""
    raw = impatient.raw().send(HEAD[:begin])
    raw.sock.setblocking(False)
    started = time.monotonic()
    said = b""
    for n in range(begin, len(HEAD)):
        with contextlib.suppress(BlockingIOError, ConnectionError):
            raw.sock.send(HEAD[n : n + 1])
        with contextlib.suppress(BlockingIOError):
            said = raw.sock.recv(65536)
            break
        time.sleep(0.05)
    assert 0.2 < time.monotonic() - started < 2
    assert said.startswith(b"HTTP/1.1 408 ")
    assert len(impatient.users()) == 5


def test_in_pieces_and_in_time(impatient):
    """Who sends in pieces within the time is served, again and again on one connection, and so is who waits between."""
    raw = impatient.raw()
    for n in range(4):
        sent = request_bytes("POST", "/scim/v2/Users", a_user(f"piece{n}@example.com"))
        for at in range(0, len(sent), 60):
            raw.send(sent[at : at + 60])
            time.sleep(0.01)
        assert raw.answer()[0] == 201
    time.sleep(0.5)  # an idle connection is not a slow one
    assert raw.send(request_bytes("GET", "/scim/v2/Users/u-1")).answer()[0] == 200


def test_a_fault_may_take_longer(impatient):
    """A latency is no slow client: it does not count."""
    impatient.fault("*=latency(600ms)")
    assert impatient.client.post("/scim/v2/Users", json=a_user()).status_code == 201


DOCUMENT = b'{"users":[{"userName":"ann@example.com"}]}'
PUT = b"PUT /_mockscim/fixture HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(DOCUMENT)


def test_a_fixture_may_take_longer(impatient):
    """The control API waits for what is sent to it as long as something comes."""
    raw = impatient.raw().send(PUT)
    for at in range(0, len(DOCUMENT), 8):
        time.sleep(0.1)
        raw.send(DOCUMENT[at : at + 8])
    assert raw.answer()[0] == 200


@pytest.mark.parametrize("sent", [0, 10])
def test_a_fixture_that_does_not_come(impatient, sent):
    """A control request whose body stops is 408 in the control API's words, and the end of its connection."""
    seconds, said = ended(impatient.raw().send(PUT + DOCUMENT[:sent]))
    assert 0.2 < seconds < 2
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"Connection: close" in head
    assert json.loads(body) == {"status": 408, "detail": "the request took too long to come in"}
    assert len(impatient.users()) == 5


def test_slow_body_is_in_the_journal(impatient):
    """What was given up is an exchange with its 408, and commits nothing."""
    impatient.raw().send(HEAD[:-1]).answer()
    (entry,) = impatient.wait_journal()
    assert (entry["operation"], entry["response"]["status"], entry["committed"]) == (None, 408, False)


@pytest.mark.parametrize("used", [False, True], ids=["never used", "used"])
def test_an_idle_connection_is_closed(serve, used):
    """After ``idle_timeout`` without a request, without a word."""
    raw = serve(idle_timeout=0.4).raw()
    if used:
        time.sleep(0.2)
        assert raw.send(request_bytes("GET", "/scim/v2/Users/u-1")).answer()[0] == 200
    seconds, said = ended(raw)
    assert said == b""
    assert 0.3 < seconds < 2


def test_a_client_that_does_not_read(server):
    """One that asks for megabytes and reads nothing costs no more than what is on its way, and hinders nobody."""
    users = [{"userName": f"u{n}@example.com", "displayName": "d" * 500} for n in range(500)]
    assert server.admin.put("/_mockscim/fixture", json={"users": users}).status_code == 200
    raw = server.raw()
    raw.sock.settimeout(5)
    sent = 0
    with contextlib.suppress(TimeoutError):
        raw.sock.settimeout(0.3)
        for _ in range(2000):
            raw.send(request_bytes("GET", "/scim/v2/Users"))
            sent += 1
    taken = server.scim.tenants.use("").journal.last
    assert taken < 100  # each is 300 KB: the rest waits until somebody reads
    assert server.client.get("/scim/v2/Users?count=1").status_code == 200


def resident(pid):
    """Bytes of memory that a process has; 0 where the system has no such file."""
    file = Path(f"/proc/{pid}/statm")
    return int(file.read_text().split()[1]) * resource.getpagesize() if file.exists() else 0


def test_5000_idle_connections():
    """They cost some kilobytes each, whoever else comes is served at once, and nothing is said about it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, soft), hard))
    try:
        with Server("--fixture", "small") as server:  # which asks for more than the usual 1,024 itself
            resource.setrlimit(resource.RLIMIT_NOFILE, (IDLE + 500, hard))
            asyncio.run(hold(server))
            said = server.stop()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert said == (0, "")


async def hold(server):
    """Have 5,000 connections, and look how others fare meanwhile."""
    loop = asyncio.get_running_loop()
    plain = request_bytes("GET", "/scim/v2/Users/u-1", token=server.ready["token"])

    async def ask(sock):
        await loop.sock_sendall(sock, plain)
        assert (await loop.sock_recv(sock, 65536)).startswith(b"HTTP/1.1 200 ")

    before = resident(server.process.pid)
    held = []
    try:
        for n in range(IDLE):
            sock = socket.socket()
            sock.setblocking(False)
            held.append(sock)
            await loop.sock_connect(sock, server.address)
            if n % 2:  # half of them have asked once, a quarter is in the middle of a head, a quarter says nothing
                await ask(sock)
            elif n % 4:
                await loop.sock_sendall(sock, plain[:20])
        taken = []
        for _ in range(51):
            started = time.monotonic()
            with socket.socket() as sock:
                sock.setblocking(False)
                await loop.sock_connect(sock, server.address)
                await ask(sock)
            taken.append(time.monotonic() - started)
        assert sorted(taken)[25] < 0.25
        assert (resident(server.process.pid) - before) / IDLE < 32 * 1024
        for sock in (held[1], held[-1]):  # those that were idle are still there
            await ask(sock)
    finally:
        for sock in held:
            sock.close()
