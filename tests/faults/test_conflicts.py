"""Faults about who is there already, and about changes that do not stick: wire, store and history."""

import pytest
from edge import a_user, assert_scim_error
from told import a_group, after, changed, history, hits, names, patch, told

USERS = "/scim/v2/Users"
GROUPS = "/scim/v2/Groups"
ANN = f"{USERS}/u-1"
ZED = "zed@example.com"


# -- conflict ------------------------------------------------------------------------------------------------------


def test_conflict_with_a_visible_holder(server):
    """Somebody else makes the user a moment before: a conflict, and a look-up finds who it is."""
    server.fault(after("conflict", "user.create"))
    answer = server.client.post(USERS, json=a_user(externalId="mine", displayName="Zed"))
    assert_scim_error(answer, 409, "uniqueness")
    assert not changed(server, told(server, "conflict", "409, made by another first"))
    (made,) = history(server)
    assert (made["operation"], made["journal"]) == ("create", None)
    found = server.client.get(USERS, params={"filter": f'userName eq "{ZED}"'}).json()["Resources"]
    assert [(one["id"], one.get("externalId"), one["displayName"]) for one in found] == [(made["id"], None, "Zed")]


@pytest.mark.parametrize(
    ("parameters", "status", "scim_type"),
    [
        ({}, 409, "uniqueness"),
        ({"scim_type": "absent"}, 409, None),
        ({"scim_type": "wrong"}, 409, "invalidValue"),
        ({"status": 400}, 400, "uniqueness"),
        ({"status": 500, "scim_type": "absent"}, 500, None),
    ],
)
@pytest.mark.parametrize("holder", ["hidden", "other_tenant", "visible"])
def test_conflict_and_how_it_is_said(server, holder, parameters, status, scim_type):
    """Status and scimType are as the rule has them; a hidden holder is found by nobody."""
    server.fault(after("conflict", "user.create", holder=holder, **parameters))
    for _ in range(2):
        answer = server.client.post(USERS, json=a_user())
        assert assert_scim_error(answer, status).get("scimType") == scim_type
    assert len(history(server)) == (holder == "visible")
    assert (ZED in names(server)) == (holder == "visible")
    assert ("tenant" in answer.json()["detail"]) == (holder == "other_tenant")


def test_conflict_is_about_what_could_be_made(server):
    """What is wrong anyway is refused for that; other requests are let through."""
    server.fault(after("conflict"))
    assert_scim_error(server.client.post(USERS, json=a_user("")), 400, "invalidValue")
    assert server.client.get(ANN).status_code == 200
    assert server.client.patch(ANN, json=patch(("replace", "title", "x"))).status_code == 200
    assert hits(server) == 0


def test_conflict_with_what_is_there(server):
    """A conflict that is one anyway is said in the rule's words: a 409 without scimType, say."""
    server.fault(after("conflict", "user.create", scim_type="absent"))
    document = assert_scim_error(server.client.post(USERS, json=a_user("ann@example.com")), 409)
    assert "scimType" not in document
    assert hits(server) == 1
    assert history(server) == []


# -- upsert_on_conflict --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["standard", "segment"])
@pytest.mark.parametrize("status", [200, 201])
def test_upsert_on_conflict(serve, profile, status):
    """A create of who is there gives that one, with its own id and name; nothing is written."""
    server = serve(profile)
    server.fault(f"user.create=upsert_on_conflict({status})")
    answer = server.client.post(USERS, json=a_user("Ann@example.com", displayName="Somebody"))
    assert answer.status_code == status
    assert (answer.json()["id"], answer.json()["displayName"]) == ("u-1", "Ann Ashdown")
    assert answer.headers["Location"].endswith("/Users/u-1")
    (entry,) = server.journal()
    assert entry["faults"][0]["outcome"] == f"{status}, was there"
    assert (entry["committed"], history(server)) == (False, [])
    assert server.client.post(USERS, json=a_user()).status_code == 201
    assert len(server.journal()[1]["faults"]) == 0


@pytest.mark.parametrize(("profile", "on"), [("standard", True), ("segment", False)])
def test_upsert_on_conflict_and_accounts(serve, profile, on):
    """The fault switches whether an account outside is taken in under its own id and name."""
    fixture = {"users": [], "accounts": [{"id": "a-1", "userName": ZED, "displayName": "Zed, as he chose it"}]}
    server = serve(profile, fixture)
    server.fault(after("upsert_on_conflict", "user.create", on=on))
    answer = server.client.post(USERS, json=a_user(displayName="Zed"))
    assert answer.status_code == 201
    assert (answer.json()["id"] == "a-1", answer.json()["displayName"] == "Zed") == (on, not on)
    entry = told(server, "upsert_on_conflict", "account taken in" if on else "account not taken in")
    assert changed(server, entry) == [("create", answer.json()["id"])]


# -- silent_noop ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("echo", [False, True])
def test_silent_noop_of_an_attribute(server, echo):
    """A change of displayName gets 200 and is not made; that of another attribute beside it is."""
    server.fault(after("silent_noop", attributes=["displayName"], echo=echo))
    answer = server.client.patch(ANN, json=patch(("replace", "displayName", "Anna"), ("add", "title", "Chief")))
    assert answer.status_code == 200
    assert answer.json()["displayName"] == ("Anna" if echo else "Ann Ashdown")
    assert changed(server, told(server, "silent_noop", "ignored displayName")) == [("update", "u-1")]
    read = server.client.get(ANN).json()
    assert (read["displayName"], read["title"]) == ("Ann Ashdown", "Chief")
    server.client.patch(ANN, json=patch(("add", "title", "Boss")))
    assert hits(server) == 1


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_silent_noop_of_everything(server, method):
    """Without names nothing changes, members included; the history is empty."""
    server.fault("*=silent_noop")
    body = a_group("Other", "u-2") if method == "PUT" else patch(("add", "members", [{"value": "u-2"}]))
    before = server.client.get(f"{GROUPS}/g-1").json()
    answer = server.client.request(method, f"{GROUPS}/g-1", json=body)
    assert (answer.status_code, answer.json()) == (200, before)
    assert (history(server), hits(server)) == ([], 1)


def test_silent_noop_at_segment(serve):
    """What Segment ignores can be made to change; and members to be ignored beside it."""
    server = serve("segment")
    rename = patch(("replace", "displayName", "Anna"))
    assert server.client.patch(ANN, json=rename).json()["displayName"] == "Ann Ashdown"
    server.fault(after("silent_noop", "user.*", on=False))
    assert server.client.patch(ANN, json=rename).json()["displayName"] == "Anna"
    assert changed(server, told(server, "silent_noop", "applied")) == [("update", "u-1")]
    server.fault({**after("silent_noop", "group.*", attributes=["members"]), "name": "members"})
    server.client.patch(f"{GROUPS}/g-1", json=patch(("add", "members", [{"value": "u-2"}])))
    assert len(history(server)) == 1
    assert hits(server) == 2
