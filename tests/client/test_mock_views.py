"""The store as a test sees it: looked at and edited behind the client's back, the same over every kind."""

import copy
import pickle

import pytest

from mockscim import ControlRefused

NAMES = [f"{name}@example.com" for name in ("ann", "bjorn", "chidi", "dana", "emre")]
DEVICES = {
    "schemas": [
        {
            "id": "urn:example:Device",
            "name": "Device",
            "attributes": [
                {"name": "serial", "type": "string", "uniqueness": "server", "caseExact": True, "required": True},
                {"name": "displayName", "type": "string"},
            ],
        }
    ],
    "resourceTypes": [{"name": "Device", "endpoint": "/Devices", "schema": "urn:example:Device"}],
    "resources": {"/Devices": [{"id": "d-1", "serial": "A-1", "displayName": "Lamp"}]},
}


async def test_users_are_counted_iterated_and_found(scim):
    """By id or userName in any case; those of each look are there in the order of their creation."""
    assert len(scim.users) == 5
    assert [user["userName"] for user in scim.users] == scim.users.names() == NAMES
    assert scim.users.ids() == ["u-1", "u-2", "u-3", "u-4", "u-5"]
    assert scim.users["ann@example.com"].id == scim.users["ANN@example.com"].id == "u-1"
    assert scim.users["u-1"] == scim.users["ann@example.com"]
    assert "ann@example.com" in scim.users
    assert "u-1" in scim.users
    assert scim.users["u-1"] in scim.users
    assert "nobody@example.com" not in scim.users
    assert 7 not in scim.users
    assert scim.users.get("u-2").label == "bjorn@example.com"
    assert scim.users.get("nobody@example.com") is None


async def test_what_a_client_did_is_seen(scim, client):
    """A POST of the client is in the next look, not in an earlier one."""
    before = list(scim.users)
    answer = await client.post("Users", json={"userName": "fay@example.com", "title": "Dr"})
    assert answer.status_code == 201
    assert len(before) == 5
    user = scim.users["fay@example.com"]
    assert (user.id, user["title"], user.version) == (answer.json()["id"], "Dr", answer.headers["ETag"])
    assert user["meta"]["location"] == answer.headers["Location"]


async def test_a_resource_is_a_mapping_and_a_copy(scim):
    """Its attributes are found in any case; what is done to it is not done to the store."""
    user = scim.users["u-1"]
    assert user["username"] == user["userName"] == "ann@example.com"
    assert "USERNAME" in user
    assert "title" not in user
    assert user.get("title", "none") == "none"
    assert dict(user)["name"]["familyName"] == "Ashdown"
    assert user == dict(user)
    assert (user.type, user.label) == ("User", "ann@example.com")
    user["emails"].clear()
    assert scim.users["u-1"]["emails"]
    assert scim.users["u-1"] != user


async def test_what_a_resource_is_printed_as(scim):
    """With its id and attributes; of a password nobody is told more than that there is one."""
    scim.users.edit("u-2", password="hunter2-hunter2", title="Dr")
    shown = repr(scim.users["u-2"])
    assert shown.startswith("<User u-2 {'userName': 'bjorn@example.com'")
    assert "'title': 'Dr'" in shown
    assert "hunter2" not in shown
    assert scim.users["u-2"]["password"] == "***"  # that there is one, which is all that is kept
    assert repr(scim.users) == f"<User: {', '.join(NAMES)}>"
    assert repr(scim.groups["g-1"].members) == "Members(['ann@example.com', 'chidi@example.com', 'emre@example.com'])"


async def test_groups_and_their_members(scim):
    """Found by displayName; members by id, name or resource, users and groups alike."""
    engineering = scim.groups["engineering"]
    assert engineering.id == "g-1"
    members = engineering.members
    assert members.names == ["ann@example.com", "chidi@example.com", "emre@example.com"]
    assert members.ids == ["u-1", "u-3", "u-5"]
    assert "ann@example.com" in members
    assert "u-1" in members
    assert scim.users["u-1"] in members
    assert "bjorn@example.com" not in members
    assert len(members) == 3
    assert (members[0].value, members[0].name, members[0].type) == ("u-1", "ann@example.com", "User")
    assert scim.groups["Everyone"].members.names == ["Engineering", "bjorn@example.com"]
    assert not scim.users["u-1"].members


async def test_added_behind_the_clients_back(scim):
    """By attributes, a document or just a name; in the history, not in the journal."""
    ann = scim.users.add(userName="fay@example.com", active=False)
    assert (ann["active"], ann.label) == (False, "fay@example.com")
    assert scim.users.add({"userName": "gus@example.com"}, title="Dr")["title"] == "Dr"
    assert scim.users.add("hal@example.com")["userName"] == "hal@example.com"
    group = scim.groups.add("Sales", members=["hal@example.com", "u-1", "Engineering"])
    assert group.members.names == ["hal@example.com", "ann@example.com", "Engineering"]
    assert len(scim.users) == 8
    assert len(scim.journal) == 0
    assert [(change.operation, change.type, change.journal) for change in scim.history] == [
        ("create", "User", None), ("create", "User", None), ("create", "User", None), ("create", "Group", None)
    ]  # fmt: skip


async def test_edited_behind_the_clients_back(scim, client):
    """By attributes, of which None takes one away, or by a PatchOp; the client finds the new version."""
    version = scim.users["u-1"].version
    user = scim.users.edit("ann@example.com", active=False, title="Dr")
    assert (user["active"], user["title"]) == (False, "Dr")
    assert user.version != version
    assert "title" not in scim.users.edit("u-1", {"title": None})
    patch = {"Operations": [{"op": "remove", "path": 'members[value eq "u-1"]'}]}
    assert scim.groups.edit("Engineering", patch).members.ids == ["u-3", "u-5"]
    assert scim.groups.edit("Engineering", members=["bjorn@example.com"]).members.ids == ["u-2"]
    answer = await client.get("Users/u-1", headers={"If-None-Match": version})
    assert (answer.status_code, answer.json()["active"]) == (200, False)


async def test_a_slip_in_an_edit_is_refused(scim):
    """An attribute that there is not is an error, by keyword or in a document, with the nearest; nothing is done."""
    with pytest.raises(ControlRefused, match=r"^actve: User has no attribute actve: did you mean 'active'"):
        scim.users.edit("ann@example.com", actve=False)
    with pytest.raises(ControlRefused, match=r"^dispalyName: .* did you mean 'displayName'"):
        scim.users.add(userName="fay@example.com", dispalyName="Fay")
    with pytest.raises(ControlRefused, match=r"^/name/givnName: .* did you mean 'givenName'"):
        scim.users.edit("ann@example.com", {"name": {"givnName": "Ann"}})
    assert (len(scim.users), scim.history) == (5, [])


async def test_an_attribute_is_read_as_an_item(scim):
    """Who reads it as Python's is told how; so is who misspells it."""
    user = scim.users["dana@example.com"]
    with pytest.raises(AttributeError, match=r'attributes of a User are read as items: \["displayName"\]'):
        user.displayName  # noqa: B018
    with pytest.raises(AttributeError, match=r"(?s)has no 'displaName': did you mean 'displayName'.*read as items"):
        user.displaName  # noqa: B018
    assert not hasattr(user, "title")
    assert copy.deepcopy(user) == pickle.loads(pickle.dumps(user)) == user  # noqa: S301 - of our own


async def test_deleted_behind_the_clients_back(scim, client):
    """By name or id; the client gets 404, and nobody is a member of anything any more."""
    del scim.users["ann@example.com"]
    scim.users.delete("u-2")
    assert scim.users.ids() == ["u-3", "u-4", "u-5"]
    assert scim.groups["Engineering"].members.ids == ["u-3", "u-5"]
    assert (await client.get("Users/u-1")).status_code == 404
    with pytest.raises(KeyError, match="there is no User 'u-2'"):
        scim.users.delete("u-2")


async def test_who_is_made_inactive_leaves_segment(open_scim):
    """Where an edit makes the provider let a user go, the user as it was is returned."""
    scim = await open_scim(profile="segment", fixture="small.json")
    user = scim.users.edit("ann@example.com", active=False)
    assert user["active"] is True
    assert "ann@example.com" not in scim.users


async def test_found_by_a_filter(scim):
    """The server's own filters find resources; what is no filter is refused."""
    scim.users.edit("u-4", active=False)
    assert [user.label for user in scim.users.where("active eq false")] == ["dana@example.com"]
    assert scim.users.where('userName sw "zz"') == []
    with pytest.raises(ControlRefused) as caught:
        scim.users.where("active eq")
    assert caught.value.status == 400


async def test_what_is_not_there_says_what_is(scim):
    """A KeyError names the nearest and some of those that there are."""
    with pytest.raises(KeyError) as caught:
        scim.users["an@example.com"]
    assert str(caught.value) == (
        "there is no User 'an@example.com': did you mean 'ann@example.com'?\n"
        "  there are: ann@example.com, bjorn@example.com, chidi@example.com, dana@example.com,\n"
        "      emre@example.com"
    )
    with pytest.raises(KeyError, match="did you mean 'userName'"):
        scim.users["u-1"]["usrName"]
    for user in scim.users:
        scim.users.delete(user.id)
    with pytest.raises(KeyError, match="there is no User 'u-1': there is none at all"):
        scim.users["u-1"]
    with pytest.raises(TypeError, match="an id or a name was expected, not 0"):
        scim.users[0]


async def test_two_of_one_name(scim):
    """What is meant by a name that several bear is not guessed, unless one is written just so."""
    scim.groups.add("ENGINEERING")
    assert scim.groups["ENGINEERING"].id != scim.groups["Engineering"].id == "g-1"
    with pytest.raises(KeyError, match=r"2 Groups are called 'engineering': look one up by its id\n  there are: g-1, "):
        scim.groups["engineering"]


async def test_refusals(scim):
    """What cannot be is a ControlRefused, which is a ValueError: with a status, and words that name the place."""
    with pytest.raises(ControlRefused, match=r"userName 'ann@example.com' is taken") as caught:
        scim.users.add("ann@example.com")
    assert (caught.value.status, isinstance(caught.value, ValueError)) == (409, True)
    with pytest.raises(ControlRefused, match="'nobody' is none here") as caught:
        scim.groups.add("Sales", members=["ann@example.com", "nobody"])
    assert (caught.value.status, caught.value.where) == (400, "/members/1")
    assert len(scim.groups) == 2


async def test_types_of_your_own(open_scim):
    """Resources of any type are found by id or by what is unique; an unknown type is a KeyError."""
    scim = await open_scim(fixture=DEVICES)
    devices = scim.resources("/Devices")
    assert devices["A-1"].id == "d-1"
    assert scim.resources("Device")["d-1"].label == "A-1"
    assert "a-1" not in devices  # caseExact
    assert devices.add(serial="B-2").label == "B-2"
    assert len(devices) == 2
    with pytest.raises(KeyError, match="there is no resource type Robots"):
        scim.resources("Robots")


async def test_state_and_load(scim, open_scim):
    """The state is a fixture that loads to the same; a load replaces or adds, all or nothing."""
    state = scim.state()
    other = await open_scim()
    assert other.load(state) == 7
    assert other.state() == state
    assert other.load({"users": [{"userName": "fay@example.com"}]}, merge=True) == 1
    assert len(other.users) == 6
    with pytest.raises(ControlRefused, match="userName") as caught:
        other.load({"users": [{"userName": "x@example.com"}, {"userName": 7}]})
    assert caught.value.where == "/users/1/userName"
    assert len(other.users) == 6
    assert other.load("people-100") == 108
    assert len(other.users) == 100


async def test_snapshots(scim):
    """A snapshot is of the store; one that is not there is a KeyError."""
    scim.snapshot("before")
    scim.users.add("fay@example.com")
    scim.restore("before")
    assert scim.users.names() == NAMES
    scim.forget("before")
    with pytest.raises(KeyError, match="there is no snapshot before"):
        scim.restore("before")


async def test_reset(scim, client):
    """Back to the start: data, rules, journal, clock."""
    await client.post("Users", json={"userName": "fay@example.com"})
    scim.clock.freeze("2026-01-01T00:00:00Z")
    fault = scim.fault("reset", operation="user.get")
    scim.reset()
    assert scim.users.names() == NAMES
    assert (len(scim.journal), scim.history, scim.faults, scim.placed, scim.clock.mode) == (0, [], [], [], "real")
    assert (fault.hits, fault.removed, fault.exchanges) == (0, True, [])
    fault.remove()


async def test_remade_from_other_options(scim, client):
    """The same address and token, and another profile, fixture and seed."""
    address, token = scim.base_url, scim.token
    scim.remake(profile="segment", fixture={"users": [{"userName": "fay@example.com"}]}, seed=5)
    facts = scim.facts()
    assert (facts["profile"], facts["seed"], scim.users.names()) == ("segment", 5, ["fay@example.com"])
    assert (scim.base_url, scim.token) == (address, token)
    assert (await client.get("Users")).json()["totalResults"] == 1
    with pytest.raises(TypeError, match="there is no option 'profil': did you mean 'profile'"):
        scim.remake(profil="segment")
