"""Gates: a request waits exactly where it is told to, until it is let go."""

import threading

import httpx
import pytest
from edge import AUTH, SCIM_JSON

ADMIN = "/_mockscim"


def a_user(name="ann@example.com"):
    """A user to create."""
    return {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name}


class Sending(threading.Thread):
    """A request that is sent while the test goes on."""

    def __init__(self, server, method="POST", path="/scim/v2/Users", timeout=5.0, **more):
        super().__init__(daemon=True)
        self.answer = self.error = None
        self._request = (method, server.root + path)
        self._more = {"headers": {**AUTH, **SCIM_JSON}, "timeout": timeout, **more}
        self.start()

    def run(self):
        """Send it, and keep what comes of it."""
        try:
            self.answer = httpx.request(*self._request, **self._more)
        except httpx.HTTPError as error:
            self.error = error

    def done(self):
        """Wait for its end."""
        self.join(5)
        assert not self.is_alive()
        return self.answer


def close(server, at, name="g", **more):
    """Close a gate for creations of users."""
    document = {"match": {"operation": "user.create"}, "at": at, **more}
    answer = server.admin.put(f"{ADMIN}/gates/{name}", json=document)
    assert answer.status_code == 200, answer.text
    return answer.json()


def reached(server, name="g"):
    """Wait until a request is at the gate."""
    gate = server.admin.get(f"{ADMIN}/gates/{name}", params={"wait": "5s"}).json()
    assert (gate["reached"], gate["waiting"]) == (1, 1)
    return gate


def users(server):
    """How many users there are."""
    return server.admin.get(ADMIN).json()["resources"].get("User", 0)


@pytest.mark.parametrize(("at", "held"), [("received", 0), ("before_commit", 0), ("after_commit", 1)])
def test_a_request_waits_where_the_gate_stands(serve, at, held):
    """Before the commit nothing is there yet; after it the user is, though the client does not know."""
    server = serve(fixture=None)
    close(server, at)
    sending = Sending(server, json=a_user())
    reached(server)
    assert users(server) == held
    assert sending.is_alive()
    released = server.admin.delete(f"{ADMIN}/gates/g")
    assert released.json()["waiting"] == 1
    assert sending.done().status_code == 201
    assert users(server) == 1
    assert server.admin.get(f"{ADMIN}/gates/g").status_code == 404


def test_what_commits_nothing_is_not_held_after_the_commit(serve):
    """A refused request and a read pass an after_commit gate: nobody takes them for a commit."""
    server = serve(fixture=None)
    server.admin.put(f"{ADMIN}/gates/g", json={"match": {"operation": "user.*"}, "at": "after_commit"})
    assert server.client.post("/scim/v2/Users", json={}, headers=SCIM_JSON).status_code == 400
    assert server.client.get("/scim/v2/Users").status_code == 200
    assert server.admin.get(f"{ADMIN}/gates/g").json()["reached"] == 0


def test_the_last_byte_is_held_back(serve):
    """At before_last_byte all of the answer but one byte has come."""
    server = serve(fixture=None)
    close(server, "before_last_byte")
    body = b'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ann@example.com"}'
    raw = server.raw()
    raw.send(
        b"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: " + AUTH["Authorization"].encode()
        + b"\r\nContent-Type: application/scim+json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )  # fmt: skip
    reached(server)
    seen = raw.sock.recv(65536)
    head, _, rest = seen.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(rest) < length - 1:
        rest += raw.sock.recv(65536)
    assert len(rest) == length - 1
    server.admin.delete(f"{ADMIN}/gates/g")
    assert raw.sock.recv(65536) == b"}"


def test_two_requests_are_interleaved_exactly(serve):
    """While one creation waits before its commit another takes the name: the first gets 409."""
    server = serve(fixture=None)
    close(server, "before_commit")
    first = Sending(server, json=a_user())
    reached(server)
    answer = server.admin.post(f"{ADMIN}/resources/Users", json=a_user())
    assert answer.status_code == 201
    server.admin.delete(f"{ADMIN}/gates/g")
    assert first.done().json()["scimType"] == "uniqueness"


def test_the_time_out_frees_one(serve):
    """A gate that nobody releases lets a request go once it has waited for the time-out, and stays closed."""
    server = serve(fixture=None)
    close(server, "received", timeout="50ms")
    for name in ("ann@example.com", "bob@example.com"):
        assert server.client.post("/scim/v2/Users", json=a_user(name), headers=SCIM_JSON).status_code == 201
    gate = server.admin.get(f"{ADMIN}/gates/g").json()
    assert (gate["reached"], gate["waiting"], gate["timed_out"]) == (2, 0, 2)


def test_a_client_that_leaves_ends_its_wait_without_a_commit(serve):
    """What waits before its commit is not done for a client that has left, and the journal says so."""
    server = serve(fixture=None)
    close(server, "before_commit")
    sending = Sending(server, json=a_user(), timeout=httpx.Timeout(5.0, read=0.2))
    reached(server)
    sending.done()
    assert isinstance(sending.error, httpx.ReadTimeout)
    server.admin.delete(f"{ADMIN}/gates/g")
    (entry,) = server.journal()
    assert (entry["committed"], entry["client_gone"], entry["response"]) == (False, True, None)
    assert users(server) == 0


def test_a_reset_opens_gates_and_cuts_who_waits(serve):
    """A reset ends the wait, nothing of it is committed, and the gate is gone."""
    server = serve(fixture=None)
    close(server, "before_commit")
    sending = Sending(server, json=a_user())
    reached(server)
    assert server.admin.post(f"{ADMIN}/reset").status_code in (200, 204)
    sending.done()
    assert sending.error is not None
    assert users(server) == 0
    assert server.admin.get(f"{ADMIN}/gates").json()["items"] == []


def test_a_gate_holds_what_matches_only(serve):
    """Other operations, and what its filter does not select, pass; `where` looks at what is sent."""
    server = serve(fixture=None)
    match = {"operation": "user.create", "where": 'userName eq "bob@example.com"'}
    server.admin.put(f"{ADMIN}/gates/g", json={"match": match, "at": "received"})
    assert server.client.post("/scim/v2/Users", json=a_user(), headers=SCIM_JSON).status_code == 201
    assert server.client.get("/scim/v2/Users").status_code == 200
    sending = Sending(server, json=a_user("bob@example.com"))
    reached(server)
    server.admin.delete(f"{ADMIN}/gates/g")
    assert sending.done().status_code == 201


def test_faults_strike_between_the_gates(serve):
    """A fault after the commit spoils the answer of a request that waited at after_commit."""
    server = serve(fixture=None)
    server.fault("user.create=503:1:after")
    close(server, "after_commit")
    sending = Sending(server, json=a_user())
    reached(server)
    assert users(server) == 1
    server.admin.delete(f"{ADMIN}/gates/g")
    assert sending.done().status_code == 503


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({"at": "lunch"}, "/at"),
        ({"timeout": "soon"}, "/timeout"),
        ({"match": {"where": "("}}, "/match/where"),
        ({"match": {"operation": "user.dance"}}, "/match/operation"),
        ({"color": "red"}, None),
        ([], None),
    ],
)
def test_what_is_no_gate_is_refused(serve, document, where):
    """A wrong document is 400 and says where; nothing is closed."""
    server = serve(fixture=None)
    answer = server.admin.put(f"{ADMIN}/gates/g", json=document)
    assert answer.status_code == 400
    assert where is None or answer.json()["where"] == where
    assert server.admin.get(f"{ADMIN}/gates").json()["items"] == []


def test_waiting_for_a_gate_ends_with_the_time(serve):
    """GET with wait answers when the time is up, also if nobody came; a wrong wait is 400."""
    server = serve(fixture=None)
    close(server, "received")
    assert server.admin.get(f"{ADMIN}/gates/g", params={"wait": "20ms"}).json()["reached"] == 0
    assert server.admin.get(f"{ADMIN}/gates/g", params={"wait": "later"}).status_code == 400
