"""The control API: its guard, its routes, tenants, data and faults."""

import pytest
from edge import AUTH, PATCH_OP, TOKEN, a_user, assert_problem

ADMIN = "admin-token-of-the-tests"


# -- the guard -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://["},
        {"Origin": "file://"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_foreign_page(serve, headers):
    """A page of another origin is refused, with the admin token as well as without."""
    for server, more in ((serve(), {}), (serve(admin_token=ADMIN), {"Authorization": f"Bearer {ADMIN}"})):
        answer = server.http({**headers, **more}).post("/_mockscim/reset")
        assert_problem(answer, 403)


def test_own_page(server):
    """A page of the server's own origin may use it."""
    own = {"Origin": server.root, "Sec-Fetch-Site": "same-origin"}
    assert server.http(own).get("/_mockscim/health").status_code == 200
    assert server.http({"Sec-Fetch-Site": "none"}).get("/_mockscim/health").status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "10.0.0.1",
        "[::2]",
        "0.0.0.0",  # noqa: S104 - a Host header
        "][",
        "[x]",
        "[",
        "localhost:x",
        "localhost@evil.example",
        "a/b",
        "127.0.0.1, evil.example",
    ],
)
def test_host_rebinding(server, host):
    """Without an admin token a Host that is not loopback gets nothing, whatever it resolved to."""
    raw = server.raw().send(f"GET /_mockscim/journal HTTP/1.1\r\nHost: {host}\r\n\r\n")
    assert raw.answer()[0] in (400, 403)


def test_no_host(server):
    """A request without Host, as HTTP/1.0 allows it, gets nothing either."""
    assert server.raw().send("GET /_mockscim/journal HTTP/1.0\r\n\r\n").answer()[0] == 403
    assert server.raw().send("GET /_mockscim/journal HTTP/1.0\r\nOrigin: null\r\n\r\n").answer()[0] == 403


@pytest.mark.parametrize("host", ["localhost", "LocalHost:99", "127.0.0.1", "127.9.9.9:1", "[::1]", "[::1]:8080"])
def test_loopback_host(server, host):
    """Every name of loopback is welcome, with any port."""
    assert server.http({"Host": host}).get("/_mockscim/health").status_code == 200


def test_allowed_hosts(serve):
    """Names given at the start, and the one of --base-url, are welcome; others are not."""
    server = serve(hosts=("ci.internal",), base_url="https://scim.example/p")
    for host, status in (("ci.internal:81", 200), ("CI.internal", 200), ("scim.example", 200), ("other", 403)):
        assert server.http({"Host": host}).get("/_mockscim/health").status_code == status


@pytest.mark.parametrize(
    "header", [None, "Bearer wrong", "Bearer", f"Basic {ADMIN}", f"Bearer {TOKEN}", f"Bearer {ADMIN}x"]
)
def test_admin_token_wrong(serve, header):
    """With an admin token nothing else opens the control API, loopback and start tokens included."""
    server = serve(admin_token=ADMIN)
    answer = server.http({} if header is None else {"Authorization": header}).get("/_mockscim/journal")
    assert_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_admin_token_right(serve):
    """The admin token opens it under any Host, and is no SCIM token."""
    server = serve(admin_token=ADMIN)
    client = server.http({"Authorization": f"Bearer {ADMIN}", "Host": "anywhere.example"})
    assert client.get("/_mockscim/health").status_code == 200
    assert client.get("/scim/v2/Users").status_code == 401


def test_stray_bytes_in_admin_token(serve):
    """Bytes that are no text are a wrong token."""
    server = serve(admin_token=ADMIN)
    raw = server.raw().send(b"GET /_mockscim/health HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \xff\r\n\r\n")
    assert raw.answer()[0] == 401


# -- routes ----------------------------------------------------------------------------------------------------


def test_unknown_route(server):
    """An unknown path is 404, a known one with another method 405 with Allow."""
    assert_problem(server.admin.get("/_mockscim/nowhere"), 404)
    answer = server.admin.put("/_mockscim/reset")
    assert_problem(answer, 405)
    assert answer.headers["Allow"] == "POST"
    assert server.admin.get("/_mockscim/health/").status_code == 200
    assert server.admin.patch("/_mockscim/desired").headers["Allow"] == "DELETE, GET, HEAD, PUT"


def test_head(server):
    """Who only wants to know whether it is up may ask with HEAD."""
    answer = server.admin.head("/_mockscim/health")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 0


def test_health(server):
    """Health says ok and the version."""
    answer = server.admin.get("/_mockscim/health").json()
    assert answer["status"] == "ok"
    assert answer["version"]


def test_describe(server):
    """The root tells what the tenant is."""
    found = server.admin.get("/_mockscim").json()
    assert found["base_url"] == f"{server.root}/scim/v2"
    assert (found["tenant"], found["profile"], found["seed"], found["strict"]) == ("", "standard", 0, False)
    assert found["resources"] == {"User": 5, "Group": 2}


def test_control_leaves_no_trace(server):
    """Control requests are not in the journal, and no fault strikes them."""
    server.fault("*=503")
    assert server.admin.get("/_mockscim/fixture").status_code == 200
    assert server.journal() == []


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[1,]", b'{"mode": NaN}'])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", ""),
        ("POST", "/faults"),
        ("PUT", "/faults"),
        ("PUT", "/faults/x"),
        ("PUT", "/clock"),
        ("POST", "/clock/advance"),
        ("POST", "/tokens"),
        ("PUT", "/fixture"),
        ("POST", "/fixture"),
        ("POST", "/resources/User"),
        ("PATCH", "/resources/User/u-1"),
    ],
)
def test_bad_json(server, method, path, body):
    """What is not JSON is 400 everywhere, and changes nothing."""
    before = server.admin.get("/_mockscim/fixture").content
    answer = server.admin.request(method, f"/_mockscim{path}", content=body)
    assert answer.status_code == 400
    assert answer.json()["detail"]
    assert server.admin.get("/_mockscim/fixture").content == before


@pytest.mark.parametrize("body", ["[]", "1", '"x"', "[[]]", "null", '{"x": 1}', '{"type": 5}', '{"rules": 1}'])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", ""),
        ("POST", "/faults"),
        ("PUT", "/faults"),
        ("PUT", "/faults/x"),
        ("PUT", "/clock"),
        ("POST", "/clock/advance"),
        ("POST", "/tokens"),
        ("PUT", "/fixture"),
        ("POST", "/fixture"),
        ("POST", "/resources/User"),
        ("PATCH", "/resources/User/u-1"),
    ],
)
def test_wrong_shapes(server, method, path, body):
    """JSON of another shape is refused with words, or taken where it means something; it never fails."""
    answer = server.admin.request(method, f"/_mockscim{path}", content=body)
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", ""), ("PUT", "/clock"), ("POST", "/tokens"), ("DELETE", "/tokens")]
)
def test_null_is_no_document(server, method, path):
    """Null in the place of a document is refused; nothing at all means a document without members."""
    server.admin.post("/_mockscim/tokens", json={"token": "kept"})
    assert_problem(server.admin.request(method, f"/_mockscim{path}", content=b"null"), 400)
    assert len(server.admin.get("/_mockscim/tokens").json()["items"]) == 1


# -- tenants of one's own --------------------------------------------------------------------------------------


def test_put_tenant(server):
    """A tenant is made with options of its own, and works by them."""
    made = server.admin.put(
        "/t/mine/_mockscim",
        json={
            "profile": "segment",
            "fixture": {"users": [{"userName": "solo@example.com", "displayName": "Solo"}]},
            "seed": 3,
            "strict": True,
            "accept": ["missing-content-type"],
            "clock": "virtual:2030-01-01T00:00:00Z",
            "tokens": ["mine-only"],
            "faults": [{"type": "abort", "parameters": {"status": 418}, "match": {"operation": "group.list"}}],
        },
    )
    assert made.status_code == 200, made.text
    assert made.json()["profile"] == "segment"
    assert made.json()["clock"] == {"mode": "virtual", "now": "2030-01-01T00:00:00.000Z"}
    client = server.http({"Authorization": "Bearer mine-only"}, "mine")
    (user,) = client.get("/scim/v2/Users").json()["Resources"]
    assert user["userName"] == "solo@example.com"
    assert user["meta"]["created"] == "2030-01-01T00:00:00.000Z"
    assert client.get("/scim/v2/Groups").status_code == 418
    policy = {row["code"]: row["on"] for row in server.admin.get("/t/mine/_mockscim/policy").json()["items"]}
    # Strict is about the RFC: what only the profile interop forbids stays as it was.
    assert {code for code, on in policy.items() if on and not code.startswith("interop-")} == {"missing-content-type"}
    assert server.users() != server.users("mine")


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({"seed": "x"}, "/seed"),
        ({"strict": 1}, "/strict"),
        ({"accept": ["no-such-leniency"]}, None),
        ({"accept": [1]}, "/accept/0"),
        ({"profile": "nowhere"}, None),
        ({"profile": "/etc/passwd"}, None),
        ({"profile": "../segment"}, None),
        ({"profile": {"name": 1}}, None),
        ({"clock": "yesterday"}, None),
        ({"clock": "virtual:0001-01-01T00:00:00+14:00"}, None),
        ({"surplus": 1}, None),
        ({"tokens": ["good", ""]}, "/tokens/1"),
        ({"tokens": ["a b"]}, "/tokens/0"),
        ({"faults": [{"type": "nosuch"}]}, "/faults/0/type"),
    ],
)
def test_put_tenant_wrong(server, document, where):
    """A wrong option is refused with its place, and the tenant is as it was."""
    server.client.post("/scim/v2/Users", json=a_user())
    answer = server.admin.put("/_mockscim", json=document)
    assert answer.status_code == 400, answer.text
    assert answer.json()["detail"]
    if where is not None:
        assert answer.json()["where"] == where
    assert "zed@example.com" in server.users()
    assert len(server.journal()) == 1


@pytest.mark.parametrize("fixture", ["/etc/passwd", "../pyproject.toml", "nowhere.json", {"users": [{"userName": 5}]}])
def test_put_tenant_with_wrong_fixture(server, fixture):
    """A fixture over the network is a bundled name or a document, never a path of the server's disk."""
    answer = server.admin.put("/t/mine/_mockscim", json={"fixture": fixture})
    assert answer.status_code == 400
    assert answer.json()["detail"]
    assert "root:" not in answer.text


def test_drop_tenant(server):
    """A dropped tenant is gone with its data; the default one begins anew; what is not there is 404."""
    red = server.http(AUTH, "red")
    assert red.post("/scim/v2/Users", json=a_user()).status_code == 201
    assert server.admin.delete("/t/red/_mockscim").status_code == 204
    assert_problem(server.admin.delete("/t/red/_mockscim"), 404)
    assert "zed@example.com" not in server.users("red")
    server.client.post("/scim/v2/Users", json=a_user())
    assert server.admin.delete("/_mockscim").status_code == 204
    assert "zed@example.com" not in server.users()


# -- fixture and resources -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("profile", "name"), [("standard", "small.json"), ("segment", "segment-workspace.json")])
def test_fixture_round_trip(serve, profile, name):
    """What GET fixture gives, PUT fixture takes, and nothing has changed then."""
    server = serve(profile, name)
    before = server.admin.get("/_mockscim/fixture")
    assert before.status_code == 200
    answer = server.admin.put("/_mockscim/fixture", content=before.content)
    assert answer.status_code == 200, answer.text
    assert server.admin.get("/_mockscim/fixture").content == before.content


def test_fixture_replaces_and_merges(server):
    """PUT replaces everything, POST adds to it; both are in the history."""
    one = {"users": [{"userName": "one@example.com"}]}
    two = {"users": [{"userName": "two@example.com"}], "groups": [{"displayName": "G", "members": ["one@example.com"]}]}
    assert server.admin.put("/_mockscim/fixture", json=one).json() == {"loaded": 1}
    assert server.users() == ["one@example.com"]
    assert server.admin.post("/_mockscim/fixture", json=two).json() == {"loaded": 2}
    assert server.users() == ["one@example.com", "two@example.com"]
    history = server.admin.get("/_mockscim/history").json()["items"]
    assert all(entry["journal"] is None for entry in history)
    assert server.journal() == []


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({"users": [{"userName": "a"}, {"userName": "A"}]}, "/users/1"),
        ({"users": [{"userName": "new"}, {"displayName": "nobody"}]}, "/users/1"),
        (
            {"users": [{"userName": "new"}], "groups": [{"displayName": "G", "members": ["nobody"]}]},
            "/groups/0/members/0",
        ),
        ({"users": [{"userName": "new"}], "resources": {"/Ships": [{}]}}, None),
        ({"users": [{"userName": "new", "id": "a/b"}]}, "/users/0/id"),
    ],
)
def test_broken_fixture(server, method, document, where):
    """A broken fixture is refused with its place and leaves everything as it was, ids to come included."""
    before = server.admin.get("/_mockscim/fixture").content
    version = server.client.get("/scim/v2/Users/u-1").headers["ETag"]
    answer = server.admin.request(method, "/_mockscim/fixture", json=document)
    assert answer.status_code == 400
    if where is not None:
        assert answer.json()["where"].startswith(where.rsplit("/", 1)[0]), answer.text
    assert server.admin.get("/_mockscim/fixture").content == before
    assert server.client.get("/scim/v2/Users/u-1").headers["ETag"] == version
    assert server.admin.get("/_mockscim/history").json()["items"] == []


def test_broken_fixture_does_not_move_ids(serve):
    """A fixture that was refused leaves no trace in the ids that follow."""
    refused, untouched = serve(), serve()
    broken = {"users": [{"userName": "a"}, {"userName": "A"}]}
    assert refused.admin.post("/_mockscim/fixture", json=broken).status_code == 400
    ids = [s.client.post("/scim/v2/Users", json=a_user()).json()["id"] for s in (refused, untouched)]
    assert ids[0] == ids[1]


def test_edit_behind_the_clients_back(server):
    """An edit is in the history without a journal number, and not in the journal; the client sees it."""
    admin = server.admin
    made = admin.post("/_mockscim/resources/User", json={"userName": "back@example.com", "id": "u-back"})
    assert (made.status_code, made.json()["id"]) == (201, "u-back")
    changed = admin.patch("/_mockscim/resources/Users/u-back", json={"displayName": "Behind"})
    assert changed.status_code == 200
    operations = [{"op": "replace", "path": "active", "value": False}]
    assert admin.patch("/_mockscim/resources/User/u-back", json={"Operations": operations}).status_code == 200
    seen = server.client.get("/scim/v2/Users/u-back").json()
    assert (seen["displayName"], seen["active"]) == ("Behind", False)
    assert admin.delete("/_mockscim/resources/User/u-back").status_code == 204
    history = admin.get("/_mockscim/history").json()["items"]
    assert [(e["id"], e["journal"]) for e in history] == [("u-back", None)] * 4
    assert [e["n"] for e in history] == [1, 2, 3, 4]
    assert history[1]["before"].get("displayName") is None
    assert history[1]["after"]["displayName"] == "Behind"
    assert history[3]["after"] is None
    assert [e["operation"] for e in server.journal()] == ["user.get"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "User", {"userName": "ann@example.com"}, 409),
        ("POST", "User", {}, 400),
        ("POST", "User", {"userName": "x", "id": "a/b"}, 400),
        ("POST", "User", {"userName": "x", "id": "u-1"}, 409),
        ("POST", "Ship", {"userName": "x"}, 404),
        ("PATCH", "User/nobody", {"displayName": "x"}, 404),
        ("PATCH", "User/u-1", {"nosuch": {"x": 1}}, 200),
        ("DELETE", "User/nobody", None, 404),
        ("DELETE", "User/g-1", None, 404),
    ],
)
def test_edit_refused(server, method, path, body, status):
    """An edit that cannot be is refused with words."""
    answer = server.admin.request(method, f"/_mockscim/resources/{path}", json=body)
    assert answer.status_code in (status, 400 if status == 200 else status), answer.text
    if answer.status_code >= 400:
        assert answer.json()["detail"]
        assert server.admin.get("/_mockscim/history").json()["items"] == []


# -- snapshots -------------------------------------------------------------------------------------------------


def test_snapshots(server):
    """A snapshot brings the store back, with versions never used before; the journal stays."""
    admin, client = server.admin, server.client
    first = client.get("/scim/v2/Users/u-1").headers["ETag"]
    assert admin.put("/_mockscim/snapshots/s").status_code == 204
    patch = {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "displayName", "value": "Changed"}]}
    second = client.patch("/scim/v2/Users/u-1", json=patch).headers["ETag"]
    client.post("/scim/v2/Users", json=a_user())
    client.delete("/scim/v2/Users/u-2")
    assert admin.post("/_mockscim/snapshots/s").status_code == 204
    restored = client.get("/scim/v2/Users/u-1")
    assert restored.json()["displayName"] == "Ann Ashdown"
    assert restored.headers["ETag"] not in (first, second)
    assert server.users() == sorted(["ann", "bjorn", "chidi", "dana", "emre"][i] + "@example.com" for i in range(5))
    assert len(server.journal()) == 5
    history = admin.get("/_mockscim/history").json()["items"]
    assert [e["journal"] for e in history if e["journal"] is not None] == [
        2,
        3,
        4,
        4,
    ]  # a deletion takes the membership along
    assert {e["journal"] for e in history[4:]} == {None}
    assert len(history) > 4
    assert admin.delete("/_mockscim/snapshots/s").status_code == 204
    for method in ("POST", "DELETE"):
        assert_problem(admin.request(method, "/_mockscim/snapshots/s"), 404)


def test_inner_snapshots_are_out_of_reach(server):
    """The snapshot that reset goes back to cannot be overwritten or dropped under its inner name."""
    for method in ("PUT", "POST", "DELETE"):
        assert_problem(server.admin.request(method, "/_mockscim/snapshots/%00start"), 404)
    server.client.delete("/scim/v2/Users/u-1")
    assert server.admin.post("/_mockscim/reset").status_code == 204
    assert "ann@example.com" in server.users()


# -- faults ----------------------------------------------------------------------------------------------------


def test_fault_types(server):
    """The catalogue tells parameters, phases and what a correct client does, for every type of the first set."""
    items = server.admin.get("/_mockscim/fault-types").json()["items"]
    known = {item["name"]: item for item in items}
    assert {"latency", "abort", "drop", "reset", "hang", "truncate", "drip"} <= set(known)
    for item in items:
        assert item["correct_client"]
        assert item["parameters"]["type"] == "object"
        assert set(item["phases"]) <= {"before", "after"}


def test_fault_rules(server):
    """Rules are listed, added, read, replaced and removed, one by one and all together."""
    admin = server.admin
    one = {"name": "one", "type": "abort", "parameters": {"status": 503}, "match": {"operation": "user.*"}}
    two = {"name": "two", "type": "reset", "match": {"operation": "group.get"}, "times": 1}
    assert admin.post("/_mockscim/faults", json=one).status_code == 201
    assert admin.post("/_mockscim/faults", json=[two]).json()["items"][0]["name"] == "two"
    listed = admin.get("/_mockscim/faults").json()
    assert [rule["name"] for rule in listed["items"]] == ["one", "two"]
    assert listed["next"] is None
    server.client.get("/scim/v2/Users")
    found = admin.get("/_mockscim/faults/one").json()
    assert (found["hits"], found["matches"]) == (1, 1)
    assert admin.put("/_mockscim/faults/one", json={**one, "times": 9}).json()["hits"] == 0
    assert_problem(admin.put("/_mockscim/faults/one", json={**one, "name": "other"}), 400, "/name")
    assert_problem(admin.post("/_mockscim/faults", json=one), 400, "/name")
    assert admin.delete("/_mockscim/faults/one").status_code == 204
    assert_problem(admin.get("/_mockscim/faults/one"), 404)
    assert_problem(admin.delete("/_mockscim/faults/one"), 404)
    assert admin.put("/_mockscim/faults", json={"seed": 7, "rules": [one]}).status_code == 200
    assert [rule["name"] for rule in admin.get("/_mockscim/faults").json()["items"]] == ["one"]
    assert_problem(admin.put("/_mockscim/faults", json={"rules": "x"}), 400)
    assert admin.delete("/_mockscim/faults").status_code == 204
    assert admin.get("/_mockscim/faults").json()["items"] == []


@pytest.mark.parametrize(
    ("rule", "where"),
    [
        ({"type": "nosuch", "match": {"operation": "*"}}, "/type"),
        ({"type": "abort", "parameters": {"status": 99}, "match": {"operation": "*"}}, "/parameters/status"),
        ({"type": "reset", "match": {"operation": "user.make"}}, "/match/operation"),
        ({"type": "reset", "match": {"operation": "*", "where": "("}}, "/match/where"),
        ({"type": "reset", "match": {"operation": "*"}, "probability": 2}, "/probability"),
        ({"type": "truncate", "phase": "before", "match": {"operation": "*"}}, "/phase"),
    ],
)
def test_fault_rule_wrong(server, rule, where):
    """A wrong rule is refused with its place, in a list with its index, and none of the list is taken."""
    assert_problem(server.admin.post("/_mockscim/faults", json=rule), 400, where)
    good = {"type": "reset", "match": {"operation": "*"}}
    assert_problem(server.admin.post("/_mockscim/faults", json=[good, rule]), 400, f"/1{where}")
    assert_problem(server.admin.put("/_mockscim/faults", json=[good, rule]), 400, f"/1{where}")
    assert server.admin.get("/_mockscim/faults").json()["items"] == []
