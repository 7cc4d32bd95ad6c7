"""Tenants: alive by being used, apart from each other, selected by their tokens."""

import json

import pytest
from edge import AUTH, TOKEN, USER, Running, a_user, assert_scim_error

from mockscim import fixtures, profiles
from mockscim.scim.errors import ScimError
from mockscim.server import Options
from mockscim.server import tenants as module
from mockscim.server.tenants import Tenants
from mockscim.tenant import Start


def bearer(token):
    """Headers with that token."""
    return {"Authorization": f"Bearer {token}"}


def test_isolation(server):
    """Two tenants and the default one share nothing: store, faults, journal, history, clock."""
    red, blue = server.http(AUTH, "red"), server.http(AUTH, "blue")
    server.fault("user.list=503", "red")
    server.admin.put("/t/red/_mockscim/clock", json={"now": "2001-01-01T00:00:00Z"})
    assert red.post("/scim/v2/Users", json=a_user()).json()["meta"]["created"] == "2001-01-01T00:00:00.000Z"
    assert red.get("/scim/v2/Users").status_code == 503
    assert blue.get("/scim/v2/Users").json()["totalResults"] == 5
    assert server.client.get("/scim/v2/Users").json()["totalResults"] == 5
    assert [e["operation"] for e in server.journal("red")] == ["user.create", "user.list"]
    assert [e["operation"] for e in server.journal("blue")] == ["user.list"]
    assert [e["tenant"] for e in server.journal("red") + server.journal("blue") + server.journal()] == [
        "red",
        "red",
        "blue",
        "",
    ]
    assert server.admin.get("/t/red/_mockscim/history").json()["items"]
    assert not server.admin.get("/t/blue/_mockscim/history").json()["items"]
    assert server.admin.get("/t/blue/_mockscim/clock").json()["mode"] == "real"
    assert server.admin.get("/t/blue/_mockscim/faults").json()["items"] == []
    server.admin.post("/t/red/_mockscim/reset")
    assert len(server.journal("blue")) == 1


def test_same_start(server):
    """Each tenant begins as the server did, seed included."""
    ids = {server.http(AUTH, name).post("/scim/v2/Users", json=a_user()).json()["id"] for name in ("red", "blue", "")}
    assert len(ids) == 1


def test_minted_token_selects_its_tenant(server):
    """A minted token opens its tenant, there and at the bare root, and no other."""
    token = server.admin.post("/t/red/_mockscim/tokens").json()["token"]
    made = server.http(bearer(token)).post("/scim/v2/Users", json=a_user())
    assert made.status_code == 201
    assert made.json()["meta"]["location"].startswith(f"{server.root}/t/red/scim/v2/")
    assert server.http(bearer(token), "red").get("/scim/v2/Users").json()["totalResults"] == 6
    assert server.http(AUTH, "blue").get("/scim/v2/Users").json()["totalResults"] == 5
    assert_scim_error(server.http(bearer(token), "blue").get("/scim/v2/Users"), 401)
    assert_scim_error(server.http(bearer(token), "green").get("/scim/v2/Users"), 401)
    assert "zed@example.com" not in server.users()
    assert [e["tenant"] for e in server.journal("red")] == ["red", "red"]


def test_location_works_for_minted_token(server):
    """A location got at the bare root works with the token that got it."""
    token = server.admin.post("/t/red/_mockscim/tokens").json()["token"]
    client = server.http(bearer(token))
    location = client.post("/scim/v2/Users", json=a_user()).headers["Location"]
    assert client.get(location).status_code == 200


def test_revoked_token(server):
    """A revoked token is 401, at the bare root and in its tenant."""
    minted = server.admin.post("/t/red/_mockscim/tokens").json()
    server.admin.delete(f"/t/red/_mockscim/tokens/{minted['name']}")
    for tenant in ("", "red"):
        assert_scim_error(server.http(bearer(minted["token"]), tenant).get("/scim/v2/Users"), 401)


def test_token_of_default_tenant(server):
    """A token minted at the root opens the default tenant only."""
    token = server.admin.post("/_mockscim/tokens").json()["token"]
    assert server.http(bearer(token)).get("/scim/v2/Users").status_code == 200
    assert server.http(bearer(token), "red").get("/scim/v2/Users").status_code == 401


def test_tokens_are_not_listed_elsewhere(server):
    """A tenant lists its own tokens, and revokes only those."""
    minted = server.admin.post("/t/red/_mockscim/tokens").json()
    assert server.admin.get("/t/blue/_mockscim/tokens").json()["items"] == []
    assert server.admin.delete(f"/t/blue/_mockscim/tokens/{minted['name']}").status_code == 404


def test_unauthenticated_use_makes_no_tenant(server):
    """A tenant comes to life by authenticated use only; what was refused is in the default tenant's journal."""
    assert server.http({}, "ghost").get("/scim/v2/Users").status_code == 401
    assert server.http(bearer("wrong"), "ghost").get("/scim/v2/Users").status_code == 401
    assert server.call(len, server.scim.tenants) == 1
    assert [e["response"]["status"] for e in server.journal()] == [401, 401]
    assert server.http(AUTH, "ghost").get("/scim/v2/Users").status_code == 200
    assert server.call(len, server.scim.tenants) == 2


def make_tenants():
    """Tenants outside any server."""
    return Tenants(Start(profiles.load("standard")), [TOKEN])


def test_cap(monkeypatch):
    """There are so many tenants and no more; one that nobody has used for long makes room."""
    monkeypatch.setattr(module, "MOST_TENANTS", 3)
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    tenants = make_tenants()
    old = tenants.use("a")
    now[0] += module.IDLE_AFTER - 1
    tenants.use("b")
    with pytest.raises(ScimError) as caught:
        tenants.use("c")
    assert caught.value.status == 503
    assert caught.value.headers["Retry-After"]
    with pytest.raises(ScimError):
        tenants.remake("c", tenants.start)
    assert tenants.remake("b", tenants.start) is tenants.use("b")
    now[0] += 2
    tenants.use("c")
    assert sorted(t.name for t in tenants) == ["", "b", "c"]
    assert tenants.use("") is not None
    assert old.generation == 1


def test_default_tenant_never_expires(monkeypatch):
    """However long nobody used it, the default tenant stays."""
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    tenants = make_tenants()
    default = tenants.use("")
    now[0] += 10 * module.IDLE_AFTER
    tenants.use("a")
    assert tenants.use("") is default


def test_a_fixture_that_has_changed_on_disk(server_loop, tmp_path):
    """A new tenant cannot begin with it, and the client is told so; the tenants that are there go on."""
    path = tmp_path / "large.ndjson"
    with path.open("w") as file:
        for n in range(9000):
            user = {"schemas": [USER], "id": f"u-{n}", "userName": f"u{n}@example.com", "title": "x" * 500}
            file.write(json.dumps(user) + "\n")
    server = Running(server_loop, Start(profiles.load("standard"), fixtures.load(path)), Options(tokens=(TOKEN,)))
    try:
        with path.open("a") as file:
            file.write("\n")
        red = server.http(AUTH, "red")
        for answer in (red.get("/scim/v2/Users?count=1"), red.post("/scim/v2/Users", json=a_user())):
            assert_scim_error(answer, 503)
            assert "the file has changed since it was read" in answer.json()["detail"]
        assert server.http({}, "red").get("/_mockscim/journal").status_code == 503
        assert server.client.get("/scim/v2/Users?count=1").json()["totalResults"] == 9000
    finally:
        server.close()


def test_tenant_cap_over_http(server, monkeypatch):
    """A tenant too many is a SCIM error with Retry-After, and a control answer."""
    monkeypatch.setattr(module, "MOST_TENANTS", 1)
    answer = server.http(AUTH, "red").get("/scim/v2/Users")
    assert_scim_error(answer, 503)
    assert answer.headers["Retry-After"]
    answer = server.admin.get("/t/red/_mockscim/journal")
    assert (answer.status_code, answer.json()["status"]) == (503, 503)
