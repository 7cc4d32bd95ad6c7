"""Faults about what the provider lets a client do: read_only, poison, seat_limit, scope_loss, deactivate_is_delete."""

import pytest
from edge import a_user, assert_scim_error
from told import a_group, after, changed, history, hits, names, patch, stored, told

USERS = "/scim/v2/Users"
GROUPS = "/scim/v2/Groups"
ANN = f"{USERS}/u-1"
BJORN = f"{USERS}/u-2"
ZED = "zed@example.com"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
LEAVE, COME = patch(("replace", "active", False)), patch(("replace", "active", True))


def test_read_only(server):
    """Every write is refused with 503 and Retry-After, and every read is answered; nothing is committed."""
    server.fault(after("read_only", retry_after=60))
    client = server.client
    bulk = {"schemas": [BULK], "Operations": [{"method": "DELETE", "path": "/Users/u-1"}]}
    writes = [
        client.post(USERS, json=a_user()),
        client.put(ANN, json=a_user("ann@example.com")),
        client.patch(ANN, json=LEAVE),
        client.delete(f"{GROUPS}/g-1"),
        client.post("/scim/v2/Bulk", json=bulk),
    ]
    for answer in writes:
        assert_scim_error(answer, 503)
        assert answer.headers["Retry-After"] == "60"
    reads = [
        client.get(ANN),
        client.head(ANN),
        client.get(GROUPS),
        client.get("/scim/v2/Schemas"),
        client.post(f"{USERS}/.search", json={"schemas": [SEARCH], "count": 1}),
    ]
    assert [answer.status_code for answer in reads] == [200] * len(reads)
    assert hits(server) == len(writes)
    assert not any(entry["committed"] for entry in server.journal())
    assert history(server) == []


def test_read_only_window(serve):
    """A maintenance window by the tenant's clock ends by itself."""
    server = serve(clock="virtual")
    server.fault({**after("read_only"), "duration": "10m"})
    assert_scim_error(server.client.delete(ANN), 503)
    server.admin.post("/_mockscim/clock/advance", json={"by": "10m"})
    assert server.client.delete(ANN).status_code == 204


def test_poison_by_user_name(server):
    """Whatever is about one user fails, in any case of the name; others and lists do not."""
    server.fault("*=poison(ANN@example.com)")
    assert_scim_error(server.client.get(ANN), 500)
    assert_scim_error(server.client.patch(ANN, json=LEAVE), 500)
    assert_scim_error(server.client.post(USERS, json=a_user("ann@EXAMPLE.com")), 500)
    assert hits(server) == 3
    assert server.client.get(BJORN).status_code == 200
    assert server.client.get(USERS).json()["totalResults"] == 5
    assert server.client.post(USERS, json=a_user()).status_code == 201
    assert [change["operation"] for change in history(server)] == ["create"]
    assert "active" in stored(server)["u-1"]


@pytest.mark.parametrize("phase", ["before", "after"])
def test_poison_by_id(server, phase):
    """By id; in the phase after, it is done all the same."""
    server.fault({**after("poison", id="g-1", status=502), "phase": phase})
    assert_scim_error(server.client.delete(f"{GROUPS}/g-1"), 502)
    assert server.client.delete(f"{GROUPS}/g-2").status_code == 204
    entry = told(server, "poison", "502", 0)
    gone = {operation for operation, id_ in changed(server, entry) if id_ == "g-1"}
    assert gone == ({"delete"} if phase == "after" else set())
    assert set(stored(server, "groups")) == ({"g-1"} if phase == "before" else set())


def test_poison_needs_a_name(server):
    """A rule that poisons nobody is refused."""
    answer = server.admin.post("/_mockscim/faults", json=after("poison"))
    assert (answer.status_code, answer.json()["where"]) == (400, "/parameters")


def test_poison_of_an_odd_name(server):
    """A name that is special in a filter is taken as it is."""
    odd = 'o"dd\\ or userName pr'
    server.fault(after("poison", user_name=odd))
    assert server.client.get(ANN).status_code == 200
    assert_scim_error(server.client.post(USERS, json=a_user(odd)), 500)
    assert_scim_error(server.client.patch(ANN, json=patch(("replace", "userName", odd))), 500)


@pytest.mark.parametrize("status", [403, 400])
def test_seat_limit(server, status):
    """Four active users take the four seats: no other is made or activated until one has gone."""
    server.fault(after("seat_limit", seats=4, status=status))
    assert_scim_error(server.client.post(USERS, json=a_user()), status)
    assert_scim_error(server.client.patch(f"{USERS}/u-4", json=COME), status)
    assert hits(server) == 2
    assert history(server) == []
    assert server.client.post(USERS, json=a_user("off@example.com", active=False)).status_code == 201
    assert server.client.patch(ANN, json=COME).status_code == 200
    assert server.client.patch(ANN, json=patch(("add", "title", "Chief"))).status_code == 200
    assert server.client.patch(ANN, json=LEAVE).status_code == 200
    assert server.client.post(USERS, json=a_user()).status_code == 201
    assert_scim_error(server.client.patch(ANN, json=COME), status)
    assert ZED in names(server)
    assert sum(user.get("active", True) for user in stored(server).values()) == 4


def test_seat_limit_and_other_refusals(server):
    """What is refused anyway is refused for its own reason; groups need no seat."""
    server.fault("*=seat_limit(0)")
    assert_scim_error(server.client.post(USERS, json=a_user("ann@example.com")), 409, "uniqueness")
    assert server.client.post(GROUPS, json=a_group()).status_code == 201
    assert hits(server) == 0


def test_seat_limit_at_segment(serve):
    """Who has left and comes back needs a seat."""
    server = serve("segment")
    server.client.patch(ANN, json=LEAVE)
    server.fault(after("seat_limit", seats=len(names(server))))
    assert_scim_error(server.client.patch(ANN, json=COME), 403)
    assert_scim_error(server.client.post(USERS, json=a_user("ann@example.com")), 403)
    server.client.delete(BJORN)
    assert server.client.patch(ANN, json=COME).status_code == 200


def test_scope_loss(server):
    """After two more requests deletions are forbidden, with RFC 6750's challenge, while the rest goes on."""
    server.fault({**after("scope_loss", "user.delete", scope="scim.delete"), "skip": 1})
    assert server.client.delete(ANN).status_code == 204
    answer = server.client.delete(BJORN)
    assert_scim_error(answer, 403)
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="scim.delete"'
    assert server.client.patch(BJORN, json=LEAVE).status_code == 200
    assert "u-2" in stored(server)
    assert [entry["committed"] for entry in server.journal()] == [True, False, True]
    wrong = server.admin.post("/_mockscim/faults", json=after("scope_loss", scope='a"b'))
    assert wrong.status_code == 400


def members(server, group):
    return [member["value"] for member in stored(server, "groups")[group].get("members", ())]


def test_deactivate_is_delete(server):
    """Who is deactivated is gone from directory and groups, and comes back under the same id without them."""
    server.fault("*=deactivate_is_delete")
    assert server.client.patch(ANN, json=LEAVE).status_code == 200
    entry = told(server, "deactivate_is_delete", "no inactive state")
    assert changed(server, entry) == [("delete", "u-1"), ("update", "g-1")]
    assert_scim_error(server.client.get(ANN), 404)
    assert "u-1" not in members(server, "g-1")
    assert server.client.patch(ANN, json=COME).status_code == 200
    assert stored(server)["u-1"]["displayName"] == "Ann Ashdown"
    assert "u-1" not in members(server, "g-1")
    put = server.client.put(ANN, json=a_user("ann@example.com", active=False))
    assert put.status_code == 200
    again = server.client.post(USERS, json=a_user("ann@example.com"))
    assert (again.status_code, again.json()["id"]) == (201, "u-1")
    assert hits(server) == 4


def test_deactivate_is_delete_of_others(server):
    """Other changes, and who is not there, meet no fault."""
    server.fault("*=deactivate_is_delete")
    assert server.client.patch(ANN, json=patch(("add", "title", "Chief"))).status_code == 200
    assert server.client.patch(ANN, json=COME).status_code == 200
    assert_scim_error(server.client.patch(f"{USERS}/u-9", json=LEAVE), 404)
    assert server.client.delete(BJORN).status_code == 204
    assert server.client.post(USERS, json=a_user("bjorn@example.com")).json()["id"] != "u-2"
    assert hits(server) == 0


def test_deactivate_is_delete_switched_off_at_segment(serve):
    """At a provider that does so itself, the fault switches it off: an inactive user stays, and in the groups."""
    server = serve("segment")
    server.fault("*=deactivate_is_delete(false)")
    assert server.client.patch(ANN, json=LEAVE).json()["active"] is False
    assert changed(server, told(server, "deactivate_is_delete", "inactive state")) == [("update", "u-1")]
    assert server.client.get(ANN).json()["active"] is False
    assert "u-1" in members(server, "g-1")
    assert server.client.patch(ANN, json=COME).json()["active"] is True
