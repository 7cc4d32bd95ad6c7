"""The journal and the history: what they keep, what they hide, and how they are read."""

import json
import time
from types import SimpleNamespace
from urllib.request import Request, urlopen

import pytest
from edge import PATCH_OP, SCIM_JSON, TOKEN, a_user, request_bytes

from mockscim import MockScim, profiles
from mockscim.journal import Exchange, History, Journal
from mockscim.masking import USUAL
from mockscim.tenant import Start, Tenant

SECRET = "hunter2!secret"
SAFE = "urn:example:Safe"
PIN = {"name": "pin", "type": "string", "multiValued": False, "mutability": "writeOnly", "returned": "never"}
WITH_PIN = {
    "users": [],
    "schemas": [{"id": SAFE, "name": "Safe", "attributes": [PIN]}],
    "resourceTypes": [
        {
            "name": "User",
            "endpoint": "/Users",
            "schema": "urn:ietf:params:scim:schemas:core:2.0:User",
            "schemaExtensions": [{"schema": SAFE, "required": False}],
        }
    ],
}
ENTRY = (
    "n time duration_ms tenant operation refinements method path query request response resource committed changes"
    " faults leniencies connection attempt client_gone"
)


def exchange(n=0, method="GET", path="/Users", status=200, **more):
    """An exchange as the edge fills it in."""
    made = Exchange(0.0, "", method, path, "", {}, 1)
    for name, value in {"status": status, "n": n, **more}.items():
        setattr(made, name, value)
    return made


def kept(journal):
    """The numbers that a journal keeps."""
    return [e.n for e in journal]


# -- over the wire ---------------------------------------------------------------------------------------------


def test_entry(server):
    """An entry has every field of the contract, and they tell the exchange."""
    answer = server.client.post(
        "/scim/v2/Users?attributes=userName", json=a_user(active=True), headers={"User-Agent": "tester", **SCIM_JSON}
    )
    (entry,) = server.journal()
    assert list(entry) == ENTRY.split()
    assert (entry["n"], entry["tenant"], entry["operation"], entry["method"]) == (1, "", "user.create", "POST")
    assert (entry["path"], entry["query"]) == ("/Users", "attributes=userName")
    assert entry["request"]["body"] == a_user(active=True)
    assert entry["request"]["headers"]["User-Agent"] == "tester"
    assert entry["response"]["status"] == 201
    assert entry["response"]["body"] == answer.json()
    assert entry["response"]["headers"]["ETag"] == answer.headers["ETag"]
    assert entry["resource"] == {"type": "User", "id": answer.json()["id"], "version": answer.headers["ETag"]}
    assert (entry["committed"], entry["changes"], entry["faults"], entry["leniencies"]) == (True, [1], [], [])
    assert (entry["attempt"], entry["client_gone"], entry["refinements"]) == (1, False, [])
    assert entry["duration_ms"] > 0


@pytest.mark.parametrize(
    ("operations", "refinement"),
    [
        ([{"op": "replace", "path": "active", "value": False}], "user.deactivate"),
        ([{"op": "Replace", "path": "active", "value": "True"}], "user.activate"),
        ([{"op": "replace", "value": {"active": False}}], "user.deactivate"),
    ],
)
def test_refinements_of_users(server, operations, refinement):
    """A PATCH of active is told as what it means."""
    server.client.patch("/scim/v2/Users/u-1", json={"schemas": [PATCH_OP], "Operations": operations})
    (entry,) = server.journal()
    assert (entry["operation"], entry["refinements"]) == ("user.patch", [refinement])


def test_refinements_of_groups(server):
    """So are changes of members and names of groups; the journal finds them by that name."""
    for operation in (
        {"op": "add", "path": "members", "value": [{"value": "u-2"}]},
        {"op": "remove", "path": 'members[value eq "u-2"]'},
        {"op": "replace", "path": "displayName", "value": "New"},
    ):
        server.client.patch("/scim/v2/Groups/g-1", json={"schemas": [PATCH_OP], "Operations": [operation]})
    assert [e["refinements"] for e in server.journal()] == [
        ["group.member.add"],
        ["group.member.remove"],
        ["group.rename"],
    ]
    assert len(server.journal(operation="group.member.*")) == 2


def test_filters_and_paging(server):
    """The journal is read by operation, status, fault and number, in pages."""
    server.fault({"name": "bad", "type": "abort", "parameters": {"status": 503}, "match": {"operation": "user.get"}})
    for path in ("/Users", "/Users/u-1", "/Groups", "/Users/u-2", "/Nowhere"):
        server.client.get(f"/scim/v2{path}")
    assert [e["n"] for e in server.journal()] == [1, 2, 3, 4, 5]
    assert [e["n"] for e in server.journal(operation="user.list")] == [1]
    assert [e["n"] for e in server.journal(operation="user.*")] == [1, 2, 4]
    assert [e["n"] for e in server.journal(status=503)] == [2, 4]
    assert [e["n"] for e in server.journal(status=404)] == [5]
    assert [e["n"] for e in server.journal(fault="bad")] == [2, 4]
    assert [e["n"] for e in server.journal(fault="abort", since=2)] == [4]
    pages, since = [], 0
    while since is not None:
        page = server.admin.get("/_mockscim/journal", params={"limit": 2, "since": since}).json()
        pages.append([e["n"] for e in page["items"]])
        since = page["next"]
    assert pages == [[1, 2], [3, 4], [5]]
    for wrong in ("0", "-1", "x", "1.5", "9" * 30, "²"):
        assert server.admin.get("/_mockscim/journal", params={"limit": wrong}).status_code == 400
    assert server.admin.get("/_mockscim/journal/3").json()["operation"] == "group.list"
    assert server.admin.get("/_mockscim/journal/9").status_code == 404


def test_clear(server):
    """A cleared journal is empty, and its numbers go on; the history stays."""
    server.client.post("/scim/v2/Users", json=a_user())
    assert server.admin.delete("/_mockscim/journal").status_code == 204
    assert server.journal() == []
    server.client.get("/scim/v2/Users")
    assert [e["n"] for e in server.journal()] == [2]
    assert len(server.admin.get("/_mockscim/history").json()["items"]) == 1


def test_arrival_is_the_order(server):
    """Exchanges are numbered and listed as they arrived, though a slow one ends after its successors."""
    server.fault("user.create=latency(30ms)")
    raw = server.raw().send(request_bytes("POST", "/scim/v2/Users", a_user()))
    server.wait_pending()
    server.client.get("/scim/v2/Users")
    assert [e["n"] for e in server.journal()] == [2]
    raw.answer()
    assert [(e["n"], e["operation"]) for e in server.journal()] == [(1, "user.create"), (2, "user.list")]


def test_history(server):
    """The history tells each committed change with what was before and after, tied to its exchange, in pages."""
    made = server.client.post("/scim/v2/Users", json=a_user()).json()
    patch = {"schemas": [PATCH_OP], "Operations": [{"op": "add", "path": "members", "value": [{"value": made["id"]}]}]}
    server.client.patch("/scim/v2/Groups/g-1", json=patch)
    server.client.delete(f"/scim/v2/Users/{made['id']}")
    found = server.admin.get("/_mockscim/history").json()
    assert (found["next"], found["dropped"]) == (None, 0)
    items = found["items"]
    assert [item["n"] for item in items] == list(range(1, len(items) + 1))
    assert [(i["journal"], i["type"]) for i in items[:2]] == [(1, "User"), (2, "Group")]
    assert {(i["journal"], i["type"]) for i in items[2:]} == {(3, "User"), (3, "Group")}
    assert items[0]["before"] is None
    assert items[0]["after"]["userName"] == "zed@example.com"
    assert made["id"] in {m["value"] for m in items[1]["after"]["members"]}
    assert items[0]["version"] == made["meta"]["version"]
    assert [e["changes"] for e in server.journal()] == [[1], [2], [i["n"] for i in items[2:]]]
    page = server.admin.get("/_mockscim/history", params={"limit": 1, "since": 1}).json()
    assert ([i["n"] for i in page["items"]], page["next"]) == ([2], 2)


def test_no_change_no_history(server):
    """What changes nothing is not committed and not in the history."""
    same = {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "displayName", "value": "Ann Ashdown"}]}
    assert server.client.patch("/scim/v2/Users/u-1", json=same).status_code == 200
    assert server.admin.get("/_mockscim/history").json()["items"] == []
    (entry,) = server.journal()
    assert (entry["committed"], entry["changes"]) == (False, [])


def test_attempts(server):
    """The same request after one that went wrong is its next attempt; another one, or after success, the first."""
    server.fault({"type": "abort", "parameters": {"status": 503}, "match": {"operation": "user.create"}, "times": 2})
    for name in ("a", "a", "b", "a", "a"):
        server.client.post("/scim/v2/Users", json=a_user(f"{name}@example.com"))
    assert [(e["attempt"], e["response"]["status"]) for e in server.journal()] == [
        (1, 503),
        (2, 503),
        (1, 201),
        (3, 201),
        (1, 409),
    ]


def test_attempts_after_429(server):
    """A request that was told to wait is the next attempt when it comes again."""
    server.fault({"type": "abort", "parameters": {"status": 429}, "match": {"operation": "user.list"}, "times": 1})
    for _ in range(3):
        server.client.get("/scim/v2/Users?count=1")
    server.client.get("/scim/v2/Users?count=2")
    assert [e["attempt"] for e in server.journal()] == [1, 2, 1, 1]


# -- secrets ---------------------------------------------------------------------------------------------------


def everything_told(server):
    """All that the control API tells of what happened."""
    paths = ("journal", "history", "journal.har", "tokens", "fixture")
    return "".join(server.admin.get(f"/_mockscim/{path}").text for path in paths[:-1])


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/Users", {"userName": "x", "password": SECRET}),
        ("POST", "/Users", {"userName": "x", "PassWord": SECRET}),
        ("POST", "/Users", {"userName": "x", "password": [SECRET]}),
        ("POST", "/Users", {"userName": "x", "urn:ietf:params:scim:schemas:core:2.0:User:password": SECRET}),
        ("PUT", "/Users/u-1", {"userName": "ann@example.com", "password": SECRET}),
        ("PATCH", "/Users/u-1", {"Operations": [{"op": "add", "path": "password", "value": SECRET}]}),
        ("PATCH", "/Users/u-1", {"operations": [{"OP": "add", "PATH": "PASSWORD", "VALUE": SECRET}]}),
        ("PATCH", "/Users/u-1", {"Operations": [{"op": "add", "value": {"password": SECRET}}]}),
        (
            "PATCH",
            "/Users/u-1",
            {
                "Operations": [
                    {"op": "add", "path": "urn:ietf:params:scim:schemas:core:2.0:User:password", "value": SECRET}
                ]
            },
        ),
        ("POST", "/Users/.search", {"filter": f'password eq "{SECRET}"'}),
        ("POST", "/Users", f'{{"userName": "x", "password": "{SECRET}"'),
        ("POST", "/Users", f"{{'userName': 'x', 'password': '{SECRET}'}}"),
        ("POST", "/Users", f"userName=x&password={SECRET}"),
        ("POST", "/Users", f'{{"password": "{SECRET}'),
        ("GET", f"/Users?filter=password%20eq%20%22{SECRET}%22", None),
        ("GET", f"/Users?filter=password+eq+%22{SECRET}%22", None),
        ("GET", f"/Users?filter=Password%20sw%20%22{SECRET}%22%20and%20active%20eq%20true", None),
        ("GET", f"/Users?access_token={SECRET}&count=1", None),
    ],
)
def test_passwords_are_masked(server, method, path, body):
    """A password is in no journal, history or archive, however it was sent and whether it was taken."""
    content = body if body is None or isinstance(body, str) else json.dumps({"schemas": [PATCH_OP], **body})
    if method == "POST" and path == "/Users" and not isinstance(body, str):
        content = json.dumps(body)
    answer = server.client.request(method, f"/scim/v2{path}", content=content, headers=SCIM_JSON)
    assert answer.status_code < 500
    assert len(server.journal()) == 1
    told = everything_told(server)
    assert SECRET not in told
    assert "***" in told


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Authorization", f"Bearer {SECRET}"),
        ("Authorization", f"Basic {SECRET}"),
        ("Authorization", SECRET),
        ("Proxy-Authorization", f"Bearer {SECRET}"),
        ("Cookie", f"session={SECRET}; a=b"),
        ("Cookie", f"{SECRET}"),
    ],
)
def test_headers_are_masked(server, name, value):
    """Credentials in headers are masked, with or without a scheme."""
    headers = {name: value} if name == "Authorization" else {"Authorization": f"Bearer {TOKEN}", name: value}
    server.http(headers).get("/scim/v2/Users")
    told = everything_told(server)
    assert SECRET not in told
    assert TOKEN not in told
    assert "***" in told


@pytest.mark.parametrize("path", ["journal", "journal?since=0", "journal/1", "journal.har"])
def test_what_a_schema_never_returns_is_masked(serve, path):
    """Wherever somebody looks first, an attribute that is never returned is shown by no value."""
    server = serve(fixture=WITH_PIN)
    server.client.post("/scim/v2/Users", json=a_user(**{SAFE: {"pin": SECRET}}), headers=SCIM_JSON)
    told = server.admin.get(f"/_mockscim/{path}").text
    assert SECRET not in told
    assert "***" in told


def test_the_python_api_masks_it_too():
    """What ``ask`` and ``journal`` give is what the control API does."""
    with MockScim.threaded(fixture=WITH_PIN) as scim:
        body = json.dumps(a_user(**{SAFE: {"pin": SECRET}})).encode()
        headers = {"Authorization": f"Bearer {scim.token}", **SCIM_JSON}
        with urlopen(Request(f"{scim.base_url}/Users", body, headers)) as answer:
            assert answer.status == 201
        assert SECRET not in str(scim.ask("GET", "/journal"))
        assert [exchange.request.body[SAFE]["pin"] for exchange in scim.journal] == ["***"]


@pytest.mark.parametrize(
    "body",
    [
        {"Operations": [{"method": "POST", "data": json.dumps({"userName": "x", "password": SECRET})}]},
        {"Operations": [{"method": "POST", "data": f' [{{"password": "{SECRET}"}}]'}]},
        {"Operations": [{"method": "POST", "data": f'{{"password": "{SECRET}"'}]},
        {"Operations": [{"op": "add", "value": json.dumps({"name": {"x": [{"PassWord": SECRET}]}})}]},
        {"Operations": [{"data": json.dumps({"Operations": [{"value": json.dumps({"password": SECRET})}]})}]},
    ],
)
def test_documents_as_texts_are_masked(body):
    """A bulk operation's data, or a PATCH's value, that was sent as a text has no password in it either."""
    told = str(USUAL.body(json.dumps(body).encode()))
    assert SECRET not in told
    assert "***" in told


@pytest.mark.parametrize("text", ['{ "userName" :"x"}', "[1,  2]", "{not JSON", "[", "password"])
def test_texts_without_secrets_stay_as_they_were_sent(text):
    """To the last space."""
    body = {"Operations": [{"data": text, "value": text}]}
    assert USUAL.body(json.dumps(body).encode()) == body


def test_masks():
    """What is masked keeps its shape, and what is no secret stays readable."""
    assert USUAL.headers({"Authorization": "Bearer x", "Accept": "a b"}) == {
        "Authorization": "Bearer ***",
        "Accept": "a b",
    }
    assert USUAL.headers({"Set-Cookie": "a=b"}) == {"Set-Cookie": "***"}
    assert USUAL.headers({"X": "\udcff"}) == {"X": "�"}
    assert (
        USUAL.query("filter=userName%20eq%20%22password%22&count=1") == "filter=userName%20eq%20%22password%22&count=1"
    )
    assert USUAL.body(b"") is None
    assert USUAL.body(b'{"a": [{"password": 1, "b": "password"}]}') == {"a": [{"password": "***", "b": "password"}]}
    assert USUAL.body(b'["password", 1, null]') == ["password", 1, None]
    assert USUAL.body(b"\xff{") == "�{"
    assert USUAL.body(b'{"schemas": ["urn:x:password"], "userName": "password"') == (
        '{"schemas": ["urn:x:password"], "userName": "password"'
    )
    deep = b"[" * 1000 + b"]" * 1000
    assert USUAL.body(deep) is not None


# -- bounds ----------------------------------------------------------------------------------------------------


def test_journal_limit():
    """The journal keeps the last so many, counts what it dropped, and still finds the rest by number."""
    journal = Journal(limit=3)
    for _ in range(5):
        journal.record(exchange())
    assert (kept(journal), journal.dropped, len(journal), journal.last) == ([3, 4, 5], 2, 3, 5)
    assert journal.get(2) is None
    assert journal.get(3).n == 3
    journal.clear()
    assert (kept(journal), journal.dropped) == ([], 0)
    journal.record(exchange())
    assert kept(journal) == [6]
    journal.reset()
    journal.record(exchange())
    assert kept(journal) == [1]


def test_journal_memory():
    """The journal is bounded by memory too: bodies, headers, paths; the newest is always kept."""
    journal = Journal(max_bytes=100_000)
    for more in ({"body": b"x" * 60_000}, {"response_body": b"x" * 60_000}):
        journal.record(exchange(**more))
    assert (kept(journal), journal.dropped) == ([2], 1)
    heavy = exchange()
    heavy._headers = {"X": "y" * 90_000}
    journal.record(heavy)
    assert kept(journal) == [3]
    journal.record(exchange(path="/" + "p" * 300_000))
    assert (kept(journal), journal.dropped) == ([4], 3)
    journal.record(exchange())
    assert kept(journal) == [5]


def test_members_that_an_exchange_holds_count():
    """The version of a group that an exchange has made keeps those who came and went."""
    tenant = Tenant("", Start(profiles.load("standard"), accept=("unknown-member",)))
    base = "http://localhost/scim/v2"
    group = tenant.edit("POST", "Group", None, {"displayName": "g"}, base).resource
    journal = Journal(max_bytes=1_000_000)
    for number in range(20):
        members = [{"value": f"{number}-{each}"} for each in range(1000)]
        change = {"Operations": [{"op": "replace", "path": "members", "value": members}]}
        record = tenant.edit("PATCH", "Group", group.id, change, base).resource
        journal.record(exchange(resource=record, changes=(number + 1,)))
    assert 3 <= len(journal) <= 7  # 1,000 came and 1,000 went, of 100 bytes each
    for _ in range(20):
        journal.record(exchange(resource=record))  # only read: it is in the store all the same
    assert len(journal) > 20


def test_late_arrival_in_a_full_journal():
    """An exchange that took so long that its successors were dropped is dropped with them."""
    journal = Journal(limit=2)
    slow = exchange()
    journal.number(slow)
    for _ in range(3):
        journal.record(exchange())
    journal.record(slow)
    assert (kept(journal), journal.dropped) == ([3, 4], 2)


def test_dropped_is_told(server):
    """The control API says how many exchanges and changes were dropped."""
    tenant = server.scim.tenants.use("")

    def shorten():
        tenant.journal = Journal(limit=2)
        tenant.history = History(limit=1)

    server.call(shorten)
    for i in range(3):
        server.client.post("/scim/v2/Users", json=a_user(f"user{i}@example.com"))
    assert server.admin.get("/_mockscim/journal").json()["dropped"] == 1
    history = server.admin.get("/_mockscim/history").json()
    assert (history["dropped"], [item["n"] for item in history["items"]]) == (2, [3])


def test_attempts_are_bounded():
    """What went wrong is remembered within a bound, the latest kept."""
    journal = Journal(limit=10)
    for i in range(1500):
        journal.record(exchange(path=f"/Users/{i}", status=503))
    newest, oldest = exchange(path="/Users/1499"), exchange(path="/Users/0")
    for again in (newest, oldest):
        journal.count_attempt(again)
    assert (newest.attempt, oldest.attempt) == (2, 1)


def test_history_limit():
    """The history keeps the last so many, and its numbers go on."""
    history = History(limit=2)
    change = SimpleNamespace(operation="delete", before=None, after=None)
    assert [history.record(change, "now", None) for _ in range(3)] == [1, 2, 3]
    assert ([e.n for e in history], history.dropped) == ([2, 3], 1)
    history.reset()
    assert ([e.n for e in history], history.dropped) == ([], 0)
    assert history.record(change, "now", None) == 1


def test_recording_is_cheap():
    """Keeping an exchange does not build its entry: some microseconds, also with the journal full."""
    journal = Journal(limit=100)
    body = b'{"a": 1}' * 1000
    started = time.perf_counter()
    for _ in range(2000):
        journal.record(exchange(body=body, response_body=body))
    assert time.perf_counter() - started < 0.5
