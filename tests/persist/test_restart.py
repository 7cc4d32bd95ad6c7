"""What a restart keeps, and what it does not."""

import signal

import pytest
from aiohttp.test_utils import TestClient, TestServer

from mockscim import TOKEN, MockScim, create_app

SMALL = ("--fixture", "small", "--token", "for-tests")


def test_it_says_where_the_data_comes_from(file, start):
    """One line on standard error: a new file, or one that is gone on from; nothing with --log off."""
    server = start(*SMALL)
    server.create("ann2@example.com")
    said = server.stop()[1]
    assert said == f"mockscim: INFO: {file} is new: it gets what the server starts with, and each change\n"
    said = start(*SMALL).stop()[1]
    assert said == (
        f"mockscim: INFO: the data is that of {file} (resources: 8, tenants: 1); "
        "a reset returns to what the options say\n"
    )
    assert start(*SMALL, "--log", "off").stop() == (0, "")


def test_the_environment_names_the_file_too(file, start):
    """MOCKSCIM_SERVE_PERSIST is --persist's twin."""
    from processes import Server

    with Server(MOCKSCIM_SERVE_PERSIST=str(file)) as server:
        assert server.create("ann@example.com").status == 201
    assert start().request("GET", "/scim/v2/Users").body["totalResults"] == 1


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_data_outlives_the_process_and_the_rest_does_not(end, start):
    """Resources with id, times and version are there again; journal, history, rules and snapshots are not."""
    server = start(*SMALL)
    made = server.create("ann2@example.com").body
    group = {"Operations": [{"op": "add", "path": "members", "value": [{"value": made["id"]}]}]}
    server.request("PATCH", "/scim/v2/Groups/g-1", group)
    before = [server.request("GET", path).body for path in (f"/scim/v2/Users/{made['id']}", "/scim/v2/Groups/g-1")]
    server.request("POST", "/_mockscim/faults", {"type": "abort", "match": {"operation": "user.get"}})
    server.request("PUT", "/_mockscim/snapshots/s")
    server.stop(end)
    again = start(*SMALL)
    after = [again.request("GET", path).body for path in (f"/scim/v2/Users/{made['id']}", "/scim/v2/Groups/g-1")]
    assert str(after).replace(again.base_url, "") == str(before).replace(server.base_url, "")
    assert [entry["path"] for entry in again.request("GET", "/_mockscim/journal").body["items"]] == [
        f"/Users/{made['id']}",
        "/Groups/g-1",
    ]
    assert again.request("GET", "/_mockscim/history").body["items"] == []
    assert again.request("GET", "/_mockscim/faults").body["items"] == []
    assert again.request("POST", "/_mockscim/snapshots/s").status == 404
    version = again.create("ann3@example.com").body["meta"]["version"]
    assert int(version[3:-1]) > int(before[1]["meta"]["version"][3:-1])


def test_the_file_goes_before_the_fixture_and_a_reset_after_it(start):
    """With the file there, a fixture is only what a reset returns to, also another one than at first."""
    server = start(*SMALL)
    server.request("DELETE", "/scim/v2/Users/u-1")
    server.stop()
    server = start("--fixture", "people-100", "--token", "for-tests")
    assert server.request("GET", "/scim/v2/Users?count=0").body["totalResults"] == 4
    assert server.request("POST", "/_mockscim/reset").status == 204
    assert server.request("GET", "/scim/v2/Users?count=0").body["totalResults"] == 100
    assert server.request("POST", "/_mockscim/reset").status == 204
    server.stop(signal.SIGKILL)
    server = start("--token", "for-tests")
    assert server.request("GET", "/scim/v2/Users?count=0").body["totalResults"] == 100
    server.request("POST", "/_mockscim/reset")
    assert server.request("GET", "/scim/v2/Users?count=0").body["totalResults"] == 0


def test_other_switches_do_not_hinder_it(start):
    """Strictness, seed, clock and tokens may be others after a restart."""
    server = start(*SMALL)
    server.create("ann2@example.com")
    server.stop()
    more = ("--strict", "--seed", "9", "--clock", "virtual:2030-01-01T00:00:00Z", "--token", "other")
    server = start("--fixture", "small", *more)
    assert server.request("GET", "/scim/v2/Users?count=0").body["totalResults"] == 6
    assert server.create("ann3@example.com").body["meta"]["created"].startswith("2030-01-01")
    assert server.request("GET", "/scim/v2/Users", Authorization="Bearer for-tests").status == 401


def test_tenants_are_there_again_as_they_were_made(file, start):
    """They have profile, fixture, seed and tokens of their own, and what was done to them; a dropped one is gone."""
    server = start(*SMALL)
    definition = {"profile": "segment", "fixture": "segment-workspace", "seed": 7, "tokens": ["secret-of-the-tenant"]}
    facts = server.request("PUT", "/t/one/_mockscim", definition).body
    users = facts["resources"]["User"]
    assert server.request("DELETE", "/t/one/scim/v2/Users/" + _first(server, "one")).status == 204
    server.request("PUT", "/t/two/_mockscim", {"fixture": {"users": [{"userName": "own@example.com"}]}})
    server.request("DELETE", "/t/two/_mockscim")
    server.request("PUT", "/t/own/_mockscim", {"fixture": {"users": [{"userName": "own@example.com", "id": "o"}]}})
    assert server.create("used@example.com", root=f"{server.root}/t/used").status == 201
    server.stop(signal.SIGKILL)
    assert b"secret-of-the-tenant" not in file.read_bytes() + file.with_name("directory.db-wal").read_bytes()
    server = start(*SMALL)
    opens = {"Authorization": "Bearer secret-of-the-tenant"}
    one = server.request("GET", "/t/one/_mockscim").body
    assert (one["profile"], one["seed"], one["resources"]["User"]) == ("segment", 7, users - 1)
    # A minted token selects its tenant at the bare root.
    assert server.request("GET", "/scim/v2/Users?count=0", **opens).body["totalResults"] == users - 1
    server.request("POST", "/t/one/_mockscim/reset")
    assert server.request("GET", "/scim/v2/Users?count=0", **opens).body["totalResults"] == users
    assert server.request("GET", "/t/own/scim/v2/Users/o").body["userName"] == "own@example.com"
    assert server.request("GET", "/t/used/scim/v2/Users?count=0").body["totalResults"] == 6
    assert server.request("GET", "/_mockscim").body["resources"]["User"] == 5
    assert server.request("DELETE", "/t/two/_mockscim").status == 404


def _first(server, tenant):
    return server.request("GET", f"/t/{tenant}/scim/v2/Users?count=1").body["Resources"][0]["id"]


def test_the_default_tenant_may_be_remade_and_dropped(start):
    """What stands at the bare root is what was made there last."""
    server = start(*SMALL)
    server.request("PUT", "/_mockscim", {"fixture": {"users": [{"userName": "own@example.com"}]}})
    server.stop(signal.SIGKILL)
    server = start(*SMALL)
    assert server.request("GET", "/_mockscim").body["resources"]["User"] == 1
    assert server.request("DELETE", "/_mockscim").status == 204
    server.stop(signal.SIGKILL)
    assert start(*SMALL).request("GET", "/_mockscim").body["resources"]["User"] == 5


def test_the_groups_of_a_user_keep_their_order(start):
    """In whatever order somebody joined, a restart shows the same groups in the same order, under the same version."""
    server = start(*SMALL)
    for name in ("first", "second", "third"):
        server.request("POST", "/scim/v2/Groups", {"displayName": name})
    groups = server.request("GET", "/scim/v2/Groups?count=100").body["Resources"]
    made = {group["displayName"]: group["id"] for group in groups}
    user = server.create("joins@example.com").body["id"]

    def join(name, member):
        patch = {"Operations": [{"op": "add", "path": "members", "value": [{"value": member}]}]}
        assert server.request("PATCH", f"/scim/v2/Groups/{made[name]}", patch).status == 200

    join("third", user)
    join("second", user)
    join("first", made["second"])
    before = server.request("GET", f"/scim/v2/Users/{user}").body
    assert [(each["display"], each["type"]) for each in before["groups"]] == [
        ("second", "direct"),
        ("third", "direct"),
        ("first", "indirect"),
    ]
    server.stop(signal.SIGKILL)
    again = start(*SMALL)
    after = again.request("GET", f"/scim/v2/Users/{user}").body
    assert str(after).replace(again.base_url, "") == str(before).replace(server.base_url, "")


def test_tokens_work_on_or_stay_revoked(start):
    """Minted tokens and issued ones open the tenant after a restart, with their scopes; a revoked one does not."""
    client = ("--oauth-client", "app:of-the-client:read")
    server = start(*SMALL, *client)
    mint = {"token": "minted-token-1", "user": "u-1", "scopes": ["read"]}
    assert server.request("POST", "/_mockscim/tokens", mint).status == 201
    server.request("POST", "/_mockscim/tokens", {"token": "minted-token-2"})
    server.request("DELETE", "/_mockscim/tokens", {"token": "minted-token-2"})
    issued = _issue(server)
    server.stop(signal.SIGKILL)
    server = start(*SMALL, *client)
    listed = server.request("GET", "/_mockscim/tokens").body["items"]
    assert [(each["name"], each["scopes"], each["client"]) for each in listed] == [
        ("t-1", ["read"], None),
        ("t-3", ["read"], "app"),
    ]
    for text, found, made in (("minted-token-1", 200, 403), ("minted-token-2", 401, 401), (issued, 200, 403)):
        opens = {"Authorization": f"Bearer {text}"}
        assert server.request("GET", "/scim/v2/Users", **opens).status == found
        assert server.request("POST", "/scim/v2/Users", {"userName": "x"}, **opens).status == made
    assert server.request("GET", "/scim/v2/Me", Authorization="Bearer minted-token-1").body["id"] == "u-1"
    assert server.request("POST", "/_mockscim/tokens", {}).body["name"] == "t-4"


def _issue(server):
    import http.client
    import json

    connection = http.client.HTTPConnection(*server.address, timeout=10)
    body = "grant_type=client_credentials&client_id=app&client_secret=of-the-client"
    connection.request("POST", "/oauth/token", body, {"Content-Type": "application/x-www-form-urlencoded"})
    try:
        return json.loads(connection.getresponse().read())["access_token"]
    finally:
        connection.close()


def test_an_edit_a_load_and_a_restored_snapshot_are_kept(start):
    """What is done behind the client's back is as durable as what the client does."""
    server = start(*SMALL)
    server.request("PUT", "/_mockscim/snapshots/s")
    server.request("DELETE", "/scim/v2/Users/u-2")
    edit = {"userName": "edit@example.com", "id": "e-1"}
    assert server.request("POST", "/_mockscim/resources/User", edit).status == 201
    server.request("POST", "/_mockscim/snapshots/s")
    server.stop(signal.SIGKILL)
    server = start(*SMALL)
    assert server.request("GET", "/scim/v2/Users/u-2").status == 200
    assert server.request("GET", "/scim/v2/Users/e-1").status == 404
    server.request("POST", "/_mockscim/fixture", {"users": [edit]})
    server.stop(signal.SIGKILL)
    server = start(*SMALL)
    assert server.request("GET", "/scim/v2/Users?count=0").body["totalResults"] == 6
    server.request("PUT", "/_mockscim/fixture", {"users": [edit]})
    server.stop(signal.SIGKILL)
    assert start(*SMALL).request("GET", "/scim/v2/Users?count=0").body["totalResults"] == 1


async def test_an_application_may_be_kept_as_well(file):
    """``create_app(persist=…)``: the next application at that file goes on, once the one before is closed."""
    for number in range(3):
        app = create_app(persist=file, token="t")
        async with TestClient(TestServer(app)) as client:
            opens = {"Authorization": f"Bearer {app[TOKEN]}"}
            user = {"userName": f"user{number}@example.com"}
            assert (await client.post("/scim/v2/Users", json=user, headers=opens)).status == 201
            body = await (await client.get("/scim/v2/Users", headers=opens)).json()
            assert body["totalResults"] == number + 1


async def test_a_mock_may_be_kept_as_well(file):
    """``MockScim(persist=…)`` lets go of its file when it stops, so that it, or another, goes on from there."""
    with MockScim.threaded(persist=file, fixture="small") as scim:
        scim.users.add(userName="first@example.com")
        with pytest.raises(ValueError, match="it is in use"):
            await MockScim(persist=str(file)).astart()
    async with MockScim(persist=file) as scim:
        assert scim.users["first@example.com"]["userName"] == "first@example.com"
        scim.reset()
        assert len(scim.users) == 0
    with MockScim.threaded(persist=file) as scim:
        assert len(scim.users) == 0
