"""What faults do on the wire, and what the journal tells of it."""

import contextlib
import json
import time

import httpx
import pytest
from edge import AUTH, a_rule, a_user, read_head, request_bytes

from mockscim.server.wire import head

CREATE = request_bytes("POST", "/scim/v2/Users", a_user())
GET = request_bytes("GET", "/scim/v2/Users/u-1")
ZED = "zed@example.com"


def assert_told(server, kind, phase, outcome, **expected):
    """The journal's only entry tells the fault and these facts."""
    (entry,) = server.wait_journal()
    assert entry["faults"] == [{"rule": "it", "type": kind, "phase": phase, "outcome": outcome}]
    facts = {"committed": phase == "after", "client_gone": False, "status": None, **expected}
    status = entry["response"] and entry["response"]["status"]
    found = {"committed": entry["committed"], "client_gone": entry["client_gone"], "status": status}
    assert found == {name: facts[name] for name in found}
    assert bool(entry["changes"]) == entry["committed"] == (ZED in server.users())
    return entry


@pytest.mark.parametrize("phase", ["before", "after"])
def test_abort(server, phase):
    """An abort answers with its status, a SCIM Error and Retry-After; before the commit or after it."""
    server.fault(a_rule("abort", phase, status=429, retry_after=2, scim_type="tooMany", detail="slow down"))
    answer = server.client.post("/scim/v2/Users", json=a_user())
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "2"
    assert answer.headers["Content-Type"] == "application/scim+json"
    assert answer.json()["scimType"] == "tooMany"
    assert answer.json()["detail"] == "slow down"
    entry = assert_told(server, "abort", phase, "429", status=429)
    assert entry["response"]["body"]["detail"] == "slow down"


def test_abort_with_html(server):
    """An abort may speak as a proxy would: its own body, type and headers; the connection goes on."""
    server.fault(
        a_rule("abort", status=502, body="<h1>Bad gateway</h1>", content_type="text/html", headers={"Via": "1.1 proxy"})
    )
    raw = server.raw().send(CREATE)
    status, headers, body = raw.answer()
    assert (status, headers["content-type"], headers["via"]) == (502, "text/html", "1.1 proxy")
    assert body == b"<h1>Bad gateway</h1>"
    assert raw.send(GET).answer()[0] == 200
    assert server.journal()[0]["response"]["body"] == "<h1>Bad gateway</h1>"


def test_abort_without_body(server):
    """A status that has no body gets none, and no Content-Length that would promise one."""
    server.fault(a_rule("abort", "after", status=204))
    raw = server.raw().send(CREATE)
    status, headers, body = raw.answer()
    assert (status, body) == (204, b"")
    assert "content-length" not in headers
    assert raw.send(GET).answer()[0] == 200
    assert_first_commits(server)


def assert_first_commits(server):
    assert server.journal()[0]["committed"]
    assert ZED in server.users()


@pytest.mark.parametrize("phase", ["before", "after"])
def test_drop(server, phase):
    """A drop closes in order without a byte."""
    server.fault(a_rule("drop", phase))
    assert server.raw().send(CREATE).everything() == b""
    assert_told(server, "drop", phase, "drop")


@pytest.mark.parametrize("phase", ["before", "after"])
def test_reset(server, phase):
    """A reset is a TCP reset, without a byte."""
    server.fault(a_rule("reset", phase))
    with pytest.raises(ConnectionResetError):
        server.raw().send(CREATE).everything()
    assert_told(server, "reset", phase, "reset")


@pytest.mark.parametrize(("kind", "error"), [("drop", httpx.RemoteProtocolError), ("reset", httpx.ReadError)])
def test_cut_through_httpx(server, kind, error):
    """A client library tells a drop and a reset apart, and reaches the server again afterwards."""
    server.fault(a_rule(kind, "after"))
    with pytest.raises(error):
        server.client.post("/scim/v2/Users", json=a_user())
    assert server.client.get("/scim/v2/Users/u-1").status_code == 200


@pytest.mark.parametrize("phase", ["before", "after"])
def test_hang_for_a_while(server, phase):
    """A hang of so many seconds closes in order when they are over."""
    server.fault(a_rule("hang", phase, seconds=0.03))
    started = time.perf_counter()
    assert server.raw().send(CREATE).everything() == b""
    assert time.perf_counter() - started >= 0.03
    entry = assert_told(server, "hang", phase, "hang 30ms")
    assert entry["duration_ms"] >= 29


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("leave", ["close", "reset"])
def test_hang_until_the_client_leaves(server, phase, leave):
    """A hang without end ends with its client, at once; the journal says that the client left."""
    server.fault(a_rule("hang", phase))
    raw = server.raw().send(CREATE)
    server.wait_pending()
    assert server.journal() == []
    getattr(raw, leave)()
    assert_told(server, "hang", phase, "hang", client_gone=True)


def test_hang_against_a_deadline(server):
    """A client with a deadline is freed by it."""
    server.fault(a_rule("hang"))
    with pytest.raises(httpx.ReadTimeout):
        server.client.post("/scim/v2/Users", json=a_user(), timeout=0.03)
    assert_told(server, "hang", "before", "hang", client_gone=True)


@pytest.mark.parametrize("phase", ["before", "after"])
def test_latency(server, phase):
    """Latency delays the answer and changes nothing of it."""
    server.fault({**a_rule("latency", phase, delay="20ms")})
    started = time.perf_counter()
    assert server.client.post("/scim/v2/Users", json=a_user()).status_code == 201
    assert time.perf_counter() - started >= 0.02
    (entry,) = server.journal()
    assert entry["faults"] == [{"rule": "it", "type": "latency", "phase": phase, "outcome": "latency 20ms"}]
    assert entry["committed"]
    assert entry["duration_ms"] >= 19


def test_latency_before_a_terminal_fault(server):
    """Latency and a terminal fault add up, and the journal tells both in order."""
    server.fault({**a_rule("latency", delay="10ms"), "name": "slow"})
    server.fault(a_rule("reset", "after"))
    started = time.perf_counter()
    with pytest.raises(ConnectionResetError):
        server.raw().send(CREATE).everything()
    assert time.perf_counter() - started >= 0.01
    (entry,) = server.wait_journal()
    assert [(f["rule"], f["phase"]) for f in entry["faults"]] == [("slow", "before"), ("it", "after")]
    assert entry["committed"]


@pytest.mark.parametrize("leave", ["close", "reset"])
@pytest.mark.parametrize("phase", ["before", "after"])
def test_client_leaves_during_latency(server, leave, phase):
    """A request that has arrived whole commits when due though its client has left, and the journal says so."""
    server.fault(a_rule("latency", phase, delay="20ms"))
    raw = server.raw().send(CREATE)
    server.wait_pending()
    assert (ZED in server.users()) == (phase == "after")
    getattr(raw, leave)()
    (entry,) = server.wait_journal()
    assert entry["client_gone"]
    assert entry["committed"]
    assert ZED in server.users()
    assert entry["duration_ms"] >= 19


def test_client_leaves_before_its_body(server):
    """A request whose body never came whole commits nothing; the journal says that the client left."""
    server.raw().send(CREATE[:-5]).close()
    (entry,) = server.wait_journal()
    assert entry["client_gone"]
    assert entry["response"] is None
    assert not entry["committed"]
    assert ZED not in server.users()


def test_truncate_broken(server):
    """A truncated answer announces its whole length and stops before it."""
    server.fault(a_rule("truncate", "after", at=10))
    raw = server.raw().send(CREATE)
    status, headers = read_head((seen := raw.everything()).partition(b"\r\n\r\n")[0])
    body = seen.partition(b"\r\n\r\n")[2]
    assert status == 201
    assert len(body) == 10
    assert int(headers["content-length"]) > 10
    assert headers["connection"] == "close"
    assert_told(server, "truncate", "after", "truncate at 10 bytes", status=201)


def test_truncate_through_httpx(server):
    """A client library notices that a body is short."""
    server.fault(a_rule("truncate", "after", at=0.5))
    with pytest.raises(httpx.RemoteProtocolError):
        server.client.post("/scim/v2/Users", json=a_user())
    assert_told(server, "truncate", "after", "truncate at 50%", status=201)


def test_truncate_valid(server):
    """Truncated with valid framing, only the JSON tells; the connection goes on."""
    server.fault(a_rule("truncate", "after", at=0.5, framing="valid"))
    raw = server.raw().send(CREATE)
    status, headers, body = raw.answer()
    assert status == 201
    assert int(headers["content-length"]) == len(body)
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)
    assert raw.send(GET).answer()[0] == 200
    assert server.journal()[0]["response"]["body"] == body.decode()


@pytest.mark.parametrize("parameters", [{"interval": "1ms"}, {"total": "10ms"}])
def test_drip(server, parameters):
    """A dripped answer comes whole, in pieces, over its time."""
    server.fault(a_rule("drip", "after", chunk=20, **parameters))
    started = time.perf_counter()
    answer = server.client.post("/scim/v2/Users", json=a_user())
    assert time.perf_counter() - started >= 0.005
    assert answer.json()["userName"] == ZED
    (entry,) = server.wait_journal()
    assert entry["response"]["body"]["userName"] == ZED
    assert not entry["client_gone"]


def test_client_leaves_during_drip(server):
    """A client that leaves a dripping answer ends it; the journal keeps what was sent until then."""
    server.fault(a_rule("drip", "after", chunk=1, interval="1h"))
    raw = server.raw().send(CREATE)
    server.wait_pending()
    raw.reset()
    entry = assert_told(server, "drip", "after", "drip 1 bytes every 1h", status=201, client_gone=True)
    assert entry["response"]["body"] == "{"


@pytest.mark.parametrize("kind", ["truncate", "drip"])
def test_faults_of_the_body_and_head(server, kind):
    """An answer to HEAD has no body, whatever a fault does to bodies."""
    server.fault(a_rule(kind, "after", operation="user.get"))
    seen = server.raw().send(GET.replace(b"GET", b"HEAD", 1)).everything()
    assert seen.endswith(b"\r\n\r\n")
    assert seen.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("kind", ["truncate", "drip"])
def test_faults_of_an_empty_body(server, kind):
    """An answer that has no body comes through faults of the body as it is."""
    server.fault(a_rule(kind, "after", operation="user.delete"))
    seen = server.raw().send(request_bytes("DELETE", "/scim/v2/Users/u-4")).everything()
    assert seen.startswith(b"HTTP/1.1 204 ")
    assert b"content-length" not in seen.lower()
    assert seen.endswith(b"\r\n\r\n")


def test_after_strikes_error_answers_too(server):
    """A fault after the commit takes error answers as well, unless it asks for a commit."""
    server.fault({**a_rule("abort", "after", status=500), "name": "any"})
    taken = a_user("ann@example.com")
    assert server.client.post("/scim/v2/Users", json=taken).status_code == 500
    server.admin.delete("/_mockscim/faults")
    server.fault(
        {
            "type": "abort",
            "parameters": {"status": 500},
            "phase": "after",
            "match": {"operation": "*", "committed": True},
        }
    )
    assert server.client.post("/scim/v2/Users", json=taken).status_code == 409
    assert server.client.post("/scim/v2/Users", json=a_user()).status_code == 500
    assert [e["committed"] for e in server.journal()] == [False, False, True]


def test_before_strikes_bad_requests_too(server):
    """What is wrong with a body is decided after faults, as a provider in trouble does not look at bodies."""
    server.fault(a_rule("abort", status=503))
    answer = server.client.post("/scim/v2/Users", content=b"{", headers={"Content-Type": "application/scim+json"})
    assert answer.status_code == 503


def test_rules_see_authenticated_requests_only(server):
    """A request without a good token passes by every rule, unless the rule says otherwise."""
    server.fault({**a_rule("reset", operation="*"), "times": 1})
    assert server.http({}).get("/scim/v2/Users").status_code == 401
    assert server.admin.get("/_mockscim/faults/it").json()["matches"] == 0
    server.fault(
        {
            "name": "all",
            "type": "abort",
            "parameters": {"status": 503},
            "match": {"operation": "*", "authenticated": False},
        }
    )
    assert server.http({}).get("/scim/v2/Users").status_code == 503


@pytest.mark.parametrize(
    ("match", "hit"),
    [
        ({"operation": "user.create"}, True),
        ({"operation": "group.*"}, False),
        ({"operation": "*", "method": "POST"}, True),
        ({"operation": "*", "method": "PUT"}, False),
        ({"operation": "*", "path": "/Users*"}, True),
        ({"operation": "*", "path": "/Groups*"}, False),
        ({"operation": "*", "header": {"user-agent": "*httpx*"}}, True),
        ({"operation": "*", "header": {"User-Agent": "*Okta*"}}, False),
        ({"operation": "*", "where": 'userName sw "zed"'}, True),
        ({"operation": "*", "where": 'userName sw "ann"'}, False),
        ({"operation": "*", "where": 'members.value eq "x"'}, False),
    ],
)
def test_match(server, match, hit):
    """Operation, method, path, header and filter of a rule hold for what came over the wire."""
    server.fault({"type": "abort", "parameters": {"status": 503}, "match": match})
    assert (server.client.post("/scim/v2/Users", json=a_user()).status_code == 503) == hit


def test_short_form_and_counters(server):
    """The short form works as on the command line; hits and matches are told."""
    rule_ = server.fault("user.create=503:1:after")
    assert server.client.post("/scim/v2/Users", json=a_user()).status_code == 503
    assert server.client.post("/scim/v2/Users", json=a_user()).status_code == 503
    found = server.admin.get(f"/_mockscim/faults/{rule_['name']}").json()
    assert (found["hits"], found["matches"]) == (2, 2)
    assert [e["committed"] for e in server.journal()] == [True, False]


def test_lost_create_and_its_retry(server):
    """The story of a lost answer: committed with a reset, the retry met with 409, and both in the journal."""
    server.fault({**a_rule("reset", "after"), "times": 1})
    with pytest.raises(httpx.ReadError):
        server.client.post("/scim/v2/Users", json=a_user())
    answer = server.client.post("/scim/v2/Users", json=a_user())
    assert (answer.status_code, answer.json()["scimType"]) == (409, "uniqueness")
    first, second = server.journal()
    assert (first["committed"], first["attempt"], first["response"]) == (True, 1, None)
    assert (second["committed"], second["attempt"], second["response"]["status"]) == (False, 2, 409)


def run_with_faults(serve, seed):
    """The journal of a fixed list of requests against probable faults."""
    server = serve(seed=seed, clock="virtual")
    for document in (
        {**a_rule("abort", status=503), "probability": 0.5},
        {**a_rule("reset", "after", operation="user.get"), "probability": 0.5},
        {**a_rule("latency", operation="*", distribution="uniform", lower=0, upper="1ms"), "probability": 0.5},
    ):
        server.fault({**document, "name": f"{document['type']}-rule"})
    client = server.http({**AUTH, "Host": "same.test", "User-Agent": "the-tests"})
    for i in range(12):
        for method, path, body in (
            ("POST", "/scim/v2/Users", a_user(f"user{i}@example.com")),
            ("GET", "/scim/v2/Users/u-1", None),
        ):
            with contextlib.suppress(httpx.ReadError):
                client.request(method, path, json=body)
    entries = server.wait_journal(24)
    for entry in entries:
        for name in ("time", "duration_ms", "connection"):
            del entry[name]
        if entry["response"]:
            entry["response"]["headers"].pop("Date", None)
    return entries


def test_same_seed_same_journal(serve):
    """Same seed and same requests in the same order: the same journal; another seed, other faults."""
    first, second, third = (run_with_faults(serve, seed) for seed in (7, 7, 8))
    assert first == second
    assert [e["faults"] for e in first] != [e["faults"] for e in third]
    struck = [bool(e["faults"]) for e in first]
    assert any(struck)
    assert not all(struck)


def test_head_of_an_answer():
    """Each header is a line of its own, and a line break in a value does not make another."""
    status, headers = read_head(head(200, {"X": "a\r\nSet-Cookie: b"}, 3, keep_alive=True).partition(b"\r\n\r\n")[0])
    assert status == 200
    assert headers["x"] == "a Set-Cookie: b"
    assert set(headers) == {"x", "date", "server", "content-length"}
    plain = head(204, {}, 0, keep_alive=False)
    assert plain.count(b"\r\n") == 5
    assert read_head(plain.partition(b"\r\n\r\n")[0])[1]["server"] == "mockscim"
    assert head(299, {}, None, keep_alive=True).startswith(b"HTTP/1.1 299 Unknown\r\n")
    assert b"Connection: keep-alive" in head(200, {}, 0, keep_alive=True, old=True)
