"""remove_by_value: what becomes of members that a remove lists in its value."""

import pytest
from edge import assert_scim_error
from told import changed, hits, patch, stored, told

GROUP = "/scim/v2/Groups/g-1"
BY_VALUE = patch(("Remove", "members", [{"value": "u-1"}]))
BY_PATH = patch(("remove", 'members[value eq "u-1"]'))


def members(server):
    return [member["value"] for member in stored(server, "groups")["g-1"].get("members", ())]


@pytest.mark.parametrize("profile", ["standard", "segment"])
@pytest.mark.parametrize("urn", ["", "urn:ietf:params:scim:schemas:core:2.0:Group:"])
def test_ignored(serve, profile, urn):
    """Answered as done, and nobody goes; in a path, members go."""
    server = serve(profile, fixture="small.json")
    server.fault("*=remove_by_value")
    before = members(server)
    answer = server.client.patch(GROUP, json=patch(("Remove", f"{urn}members", [{"value": "u-1"}])))
    assert answer.status_code in (200, 204)
    assert members(server) == before
    assert changed(server, told(server, "remove_by_value", "members stay")) == []
    assert server.client.patch(GROUP, json=BY_PATH).status_code in (200, 204)
    assert members(server) == [id_ for id_ in before if id_ != "u-1"]
    assert hits(server) == 1


def test_the_rest_of_a_patch_is_done(server):
    """Only that operation is ignored, and leniencies of the others are told."""
    server.fault("*=remove_by_value(ignore)")
    both = patch(("Replace", "displayName", "Builders"), ("Remove", "members", [{"value": "u-1"}]))
    assert server.client.patch(GROUP, json=both).status_code == 200
    assert stored(server, "groups")["g-1"]["displayName"] == "Builders"
    assert "u-1" in members(server)
    entry = told(server, "remove_by_value", "members stay")
    assert {one["code"] for one in entry["leniencies"]} == {"patch-op-case"}


def test_rejected(server):
    """400, and nothing of it is done."""
    server.fault("*=remove_by_value(reject)")
    assert_scim_error(server.client.patch(GROUP, json=BY_VALUE), 400, "invalidValue")
    assert "u-1" in members(server)
    assert changed(server, told(server, "remove_by_value", "removal refused")) == []


@pytest.mark.parametrize("profile", ["standard", "segment"])
def test_all_go(serve, profile):
    """Every member goes, not only the one that was meant."""
    server = serve(profile, fixture="small.json")
    server.fault("*=remove_by_value(all)")
    assert server.client.patch(GROUP, json=BY_VALUE).status_code in (200, 204)
    assert members(server) == []
    assert changed(server, told(server, "remove_by_value", "all members go")) == [("update", "g-1")]


def test_others_are_left_alone(server):
    """A removal of all, an addition, a PATCH of a user."""
    server.fault("*=remove_by_value(all)")
    assert server.client.patch(GROUP, json=patch(("add", "members", [{"value": "u-2"}]))).status_code == 200
    assert server.client.patch("/scim/v2/Users/u-1", json=patch(("remove", "title"))).status_code in (200, 204)
    assert server.client.patch(GROUP, json=patch(("remove", "members"))).status_code == 200
    assert members(server) == []
    assert hits(server) == 0
