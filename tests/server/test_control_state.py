"""The control API's hand on tokens, reset and the clock."""

import contextlib

import httpx
import pytest
from edge import AUTH, PATCH_OP, TOKEN, USER, a_user, assert_problem, request_bytes


def test_tokens(server):
    """A minted token is shown once, opens its tenant, is masked in the list, and stops working when revoked."""
    admin = server.admin
    minted = admin.post("/_mockscim/tokens").json()
    assert len(minted["token"]) >= 32
    client = server.http({"Authorization": f"Bearer {minted['token']}"})
    assert client.get("/scim/v2/Users").status_code == 200
    listed = admin.get("/_mockscim/tokens")
    assert minted["token"] not in listed.text
    assert TOKEN not in listed.text
    assert [item["name"] for item in listed.json()["items"]] == [minted["name"]]
    assert admin.delete(f"/_mockscim/tokens/{minted['name']}").status_code == 204
    assert client.get("/scim/v2/Users").status_code == 401
    assert_problem(admin.delete(f"/_mockscim/tokens/{minted['name']}"), 404)
    assert server.client.get("/scim/v2/Users").status_code == 200


def test_token_of_choice(server):
    """A token may be given; one that no header could carry is refused."""
    assert server.admin.post("/_mockscim/tokens", json={"token": "of-my-choice"}).json()["token"] == "of-my-choice"
    assert server.http({"Authorization": "Bearer of-my-choice"}).get("/scim/v2/Users").status_code == 200
    for wrong in ("", "a b", "é", "a\n", "x" * 5000):
        assert_problem(server.admin.post("/_mockscim/tokens", json={"token": wrong}), 400, "/token")
    assert_problem(server.admin.post("/_mockscim/tokens", json={"token": 5}), 400, "/token")


def test_tokens_are_revoked_by_their_text_or_all_at_once(server):
    """DELETE of the collection takes the token that the body names, or all that were minted."""
    admin = server.admin
    for text in ("one", "two", "three"):
        admin.post("/_mockscim/tokens", json={"token": text})
    assert admin.request("DELETE", "/_mockscim/tokens", json={"token": "two"}).status_code == 204
    assert_problem(admin.request("DELETE", "/_mockscim/tokens", json={"token": "two"}), 404, "/token")
    assert len(admin.get("/_mockscim/tokens").json()["items"]) == 2
    assert admin.delete("/_mockscim/tokens").status_code == 204
    assert admin.get("/_mockscim/tokens").json()["items"] == []
    assert server.http({"Authorization": "Bearer one"}).get("/scim/v2/Users").status_code == 401
    assert server.client.get("/scim/v2/Users").status_code == 200


def test_a_tenant_takes_its_clock_as_the_clock_is_set(server):
    """PUT of a tenant takes the clock as text, or as the document that PUT clock takes."""
    document = {"clock": {"mode": "virtual", "now": "2030-01-01T00:00:00Z"}}
    made = server.admin.put("/t/told/_mockscim", json=document)
    assert made.json()["clock"] == {"mode": "virtual", "now": "2030-01-01T00:00:00.000Z"}


# -- reset -----------------------------------------------------------------------------------------------------


def test_reset(serve):
    """Reset brings everything back: data, rules, clock, journal, history, and the ids and versions to come."""
    start = {"name": "start", "type": "abort", "parameters": {"status": 503}, "match": {"operation": "group.list"}}
    server = serve(clock="virtual", faults=(start,), seed=5)
    client, admin = server.client, server.admin

    def story():
        made = client.post("/scim/v2/Users", json=a_user())
        client.delete("/scim/v2/Users/u-2")
        client.get("/scim/v2/Groups")
        return made.json()

    first = story()
    admin.delete("/_mockscim/faults")
    admin.post("/_mockscim/clock/advance", json={"by": "1h"})
    admin.put("/_mockscim/snapshots/s")
    assert admin.post("/_mockscim/reset").status_code == 204
    assert server.journal() == []
    assert admin.get("/_mockscim/history").json()["items"] == []
    assert admin.get("/_mockscim/clock").json()["now"] == "2026-01-01T00:00:00.000Z"
    assert [(r["name"], r["hits"]) for r in admin.get("/_mockscim/faults").json()["items"]] == [("start", 0)]
    assert admin.post("/_mockscim/snapshots/s").status_code == 404
    assert story() == first
    assert [e["n"] for e in server.journal()] == [1, 2, 3]


@pytest.mark.parametrize("wrap", [lambda rules: rules, lambda rules: {"name": "a scenario", "rules": rules}])
def test_reset_with_rules(serve, wrap):
    """Rules in the body stand in place of the start's: the next request meets them, and no request meets none."""
    server = serve(faults=({"name": "start", "type": "abort", "parameters": {"status": 503}},))
    rule = {"name": "other", "type": "abort", "parameters": {"status": 418}}
    assert server.admin.post("/_mockscim/reset", json=wrap([rule])).status_code == 204
    assert server.client.get("/scim/v2/Users/u-1").status_code == 418
    assert [(r["name"], r["hits"]) for r in server.admin.get("/_mockscim/faults").json()["items"]] == [("other", 1)]
    server.admin.post("/_mockscim/reset", json={})
    assert [r["name"] for r in server.admin.get("/_mockscim/faults").json()["items"]] == ["start"]
    server.admin.post("/_mockscim/reset", json=[])
    assert server.admin.get("/_mockscim/faults").json()["items"] == []


@pytest.mark.parametrize(
    "body", [[{"type": "nothing of that name"}], [{"type": "drop", "match": {"operation": "usr.create"}}], {"a": 1}, 5]
)
def test_reset_with_wrong_rules(server, body):
    """A reset whose rules are wrong is refused, and changes nothing: not the data, not the journal, not the rules."""
    server.fault("group.list=503")
    made = server.client.post("/scim/v2/Users", json=a_user()).json()
    assert server.admin.post("/_mockscim/reset", json=body).status_code == 400
    assert server.client.get(f"/scim/v2/Users/{made['id']}").status_code == 200
    assert [e["operation"] for e in server.journal()] == ["user.create", "user.get"]
    assert len(server.admin.get("/_mockscim/faults").json()["items"]) == 1


@pytest.mark.parametrize("fault", ["user.create=hang", "user.create=latency(1h)", "user.create=latency(1h):1:after"])
def test_reset_cuts_what_waits(server, fault):
    """A request that a fault holds is cut by a reset, never commits after it, and is not in the journal."""
    server.fault(fault)
    raw = server.raw().send(request_bytes("POST", "/scim/v2/Users", a_user()))
    server.wait_pending()
    assert server.admin.post("/_mockscim/reset").status_code == 204
    with contextlib.suppress(ConnectionResetError):
        assert raw.everything() == b""
    server.client.get("/scim/v2/Users/u-1")
    assert "zed@example.com" not in server.users()
    assert [(e["n"], e["operation"]) for e in server.journal()] == [(1, "user.get")]
    assert server.admin.get("/_mockscim/history").json()["items"] == []


def test_reset_cuts_what_arrives(server):
    """A request whose body is still on its way when a reset comes does not commit after it."""
    whole = request_bytes("POST", "/scim/v2/Users", a_user())
    raw = server.raw().send(whole[:-5])
    server.wait(lambda: server.scim.tenants.use("").journal.last == 1)
    server.admin.post("/_mockscim/reset")
    raw.send(whole[-5:])
    with pytest.raises(ConnectionResetError):
        raw.everything()
    assert "zed@example.com" not in server.users()
    assert server.journal() == []


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_remaking_cuts_what_waits(server, method):
    """A tenant that is remade or dropped cuts its requests in flight too."""
    server.fault("user.create=latency(1h)", "red")
    raw = server.raw().send(request_bytes("POST", "/t/red/scim/v2/Users", a_user()))
    server.wait_pending(tenant="red")
    assert server.admin.request(method, "/t/red/_mockscim").status_code in (200, 204)
    with pytest.raises(ConnectionResetError):
        raw.everything()
    assert "zed@example.com" not in server.users("red")
    assert server.journal("red") == []


def test_reset_of_one_tenant(server):
    """A reset cuts the requests of its own tenant only."""
    server.fault("user.create=latency(20ms)")
    raw = server.raw().send(request_bytes("POST", "/scim/v2/Users", a_user()))
    server.wait_pending()
    server.admin.post("/t/red/_mockscim/reset")
    assert raw.answer()[0] == 201


# -- clock -----------------------------------------------------------------------------------------------------


def test_clock(server):
    """A frozen clock dates what is written; it moves when told, and back to real."""
    admin, client = server.admin, server.client
    assert admin.get("/_mockscim/clock").json()["mode"] == "real"
    now = admin.put("/_mockscim/clock", json={"mode": "virtual", "now": "2026-03-01T12:00:00+01:00"}).json()
    assert now == {"mode": "virtual", "now": "2026-03-01T11:00:00.000Z"}
    meta = client.post("/scim/v2/Users", json=a_user()).json()["meta"]
    assert meta["created"] == meta["lastModified"] == "2026-03-01T11:00:00.000Z"
    assert admin.post("/_mockscim/clock/advance", json={"by": "40m"}).json()["now"] == "2026-03-01T11:40:00.000Z"
    patch = {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "displayName", "value": "Z"}]}
    meta = client.patch(meta["location"], json=patch).json()["meta"]
    assert meta["created"] == "2026-03-01T11:00:00.000Z"
    assert meta["lastModified"] == "2026-03-01T11:40:00.000Z"
    assert [e["time"] for e in server.journal()] == ["2026-03-01T11:00:00.000Z", "2026-03-01T11:40:00.000Z"]
    assert admin.put("/_mockscim/clock", json={"mode": "real"}).json()["mode"] == "real"


@pytest.mark.parametrize(
    ("path", "document", "where"),
    [
        ("PUT /clock", {"mode": "sundial"}, None),
        ("PUT /clock", {"now": "noon"}, None),
        ("PUT /clock", {"now": 5}, "/now"),
        ("PUT /clock", {"mode": "real", "now": "2026-01-01T00:00:00Z"}, None),
        ("PUT /clock", {"now": "0001-01-01T00:00:00+14:00"}, None),
        ("PUT /clock", {"now": "9999-12-31T23:59:59-14:00"}, None),
        ("POST /clock/advance", {}, "/by"),
        ("POST /clock/advance", {"by": "soon"}, "/by"),
        ("POST /clock/advance", {"by": -1}, "/by"),
        ("POST /clock/advance", {"by": "4000d"}, "/by"),
    ],
)
def test_clock_wrong(server, path, document, where):
    """A time that is none is refused, and the clock goes on as it was."""
    method, path = path.split(" ")
    answer = server.admin.request(method, f"/_mockscim{path}", json=document)
    assert answer.status_code == 400
    assert answer.json().get("where") == where
    assert server.admin.get("/_mockscim/clock").json()["mode"] == "real"
    assert server.client.get("/scim/v2/Users/u-1").status_code == 200


def test_clock_governs_windows(server):
    """The window of a rule opens and closes by the tenant's clock."""
    server.admin.put("/_mockscim/clock", json={"now": "2026-01-01T00:00:00Z"})
    server.fault(
        {
            "type": "abort",
            "parameters": {"status": 503},
            "match": {"operation": "user.get"},
            "start_after": "10m",
            "duration": "30m",
        }
    )
    seen = []
    for by in ("0s", "10m", "29m", "1m"):
        server.admin.post("/_mockscim/clock/advance", json={"by": by})
        seen.append(server.client.get("/scim/v2/Users/u-1").status_code)
    assert seen == [200, 503, 503, 200]


def test_policy(server):
    """Every leniency is told with its source and whether it is on."""
    rows = server.admin.get("/_mockscim/policy").json()["items"]
    assert len({row["code"] for row in rows}) == len(rows) > 10
    for row in rows:
        assert row["accepts"]
        assert row["rfc"]
        assert isinstance(row["on"], bool)


def test_large_fixture_is_no_scim_body(serve):
    """The limit of SCIM bodies does not hold for fixtures."""
    server = serve(max_body=1000)
    many = {"users": [{"schemas": [USER], "userName": f"user{i}@example.com"} for i in range(100)]}
    assert server.admin.put("/_mockscim/fixture", json=many).json() == {"loaded": 100}


def test_client_leaves_control(server):
    """A control request whose body never came whole changes nothing, and the server goes on."""
    raw = server.raw().send("PUT /_mockscim/fixture HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
    raw.close()
    assert len(httpx.get(f"{server.root}/scim/v2/Users", headers=AUTH, trust_env=False).json()["Resources"]) == 5
