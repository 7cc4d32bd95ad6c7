"""I5 no lost update, I6 no wrong deprovision, I7 no destruction on partial knowledge, I11 no resurrection."""

import pytest
from edge import USER
from stage import people

ANN = {"schemas": [USER], "userName": "ann@example.com", "displayName": "Ann Ashdown"}
SMALL = people("ann@example.com", "bjorn@example.com", "chidi@example.com", "emre@example.com")
MANY = {"users": [{"id": f"u-{i}", "userName": f"user{i}@example.com"} for i in range(12)]}


# -- I5 --------------------------------------------------------------------------------------------------------


def test_i5_needs_a_change(stage):
    """Nothing was changed; then something was, and nobody else did."""
    it = stage()
    it.create("new@example.com")
    it.idle("I5")
    it.send("GET", "/Users/u-1")
    it.send("PUT", "/Users/u-1", {**ANN, "title": "A"})
    it.held("I5")
    it.incomplete("I5")


def test_i5_a_put_carries_back_what_was_read(stage):
    """A PUT of what was read overwrites what somebody changed since."""
    it = stage()
    it.send("GET", "/Users/u-1")
    it.edit("User", "u-1", title="Seen by nobody")
    it.send("PUT", "/Users/u-1", ANN)
    what = it.broken("I5", 2)["evidence"][0]["what"]
    assert what.startswith("PUT /Users/u-1 overwrote title of ann@example.com (u-1), ")
    assert what.endswith("changed behind the client's back after it was read (#1)")


@pytest.mark.parametrize("listed", [False, True])
def test_i5_read_again(stage, listed):
    """Who read again, singly or in a list, has seen it."""
    it = stage()
    it.send("GET", "/Users/u-1")
    it.edit("User", "u-1", title="Seen")
    it.send("GET", "/Users" if listed else "/Users/u-1")
    it.send("PUT", "/Users/u-1", ANN)
    it.held("I5")


def test_i5_if_match(stage):
    """If-Match makes it sound: the provider refuses what is based on an old version."""
    it = stage()
    old = it.send("GET", "/Users/u-1").headers["ETag"]
    it.edit("User", "u-1", title="Other")
    assert it.send("PUT", "/Users/u-1", ANN, headers={"If-Match": old}).status_code == 412
    it.idle("I5")
    new = it.send("GET", "/Users/u-1").headers["ETag"]
    assert it.send("PUT", "/Users/u-1", ANN, headers={"If-Match": new}).status_code == 200
    it.held("I5")


def test_i5_disjoint(stage):
    """Changes of different attributes do not meet; a PATCH of a simple one means what it says."""
    it = stage()
    it.send("GET", "/Users/u-1")
    it.edit("User", "u-1", title="Other")
    it.patch("/Users/u-1", ("replace", "displayName", "A"))
    it.held("I5", targeted="false")
    it.patch("/Users/u-2", ("replace", "title", "A"))
    it.send("GET", "/Users/u-3")
    it.edit("User", "u-3", title="Other")
    it.patch("/Users/u-3", ("replace", "title", "Mine"))
    it.held("I5")
    it.broken("I5", 5, targeted="false")


def test_i5_members_replaced(stage):
    """Replacing all members by those that were read takes out who came meanwhile; adding one does not."""
    it = stage()
    it.send("GET", "/Groups/g-1")
    it.admin.patch(
        "/_mockscim/resources/Group/g-1",
        json={"Operations": [{"op": "add", "path": "members", "value": [{"value": "u-2"}]}]},
    )
    it.patch("/Groups/g-1", ("add", "members", [{"value": "u-4"}]))
    it.held("I5")
    it.server.call(it.server.scim.tenants.use("").reset)
    it.send("GET", "/Groups/g-1")
    it.admin.patch(
        "/_mockscim/resources/Group/g-1",
        json={"Operations": [{"op": "add", "path": "members", "value": [{"value": "u-2"}]}]},
    )
    it.patch("/Groups/g-1", ("replace", "members", [{"value": "u-1"}, {"value": "u-3"}, {"value": "u-4"}]))
    assert "member u-2" in it.broken("I5", 2)["evidence"][0]["what"]


def test_i5_another_client(stage):
    """Another client's change is one like any other; one's own is not."""
    it = stage()
    other = it.another()
    it.send("GET", "/Users/u-1")
    it.patch("/Users/u-1", ("replace", "title", "Mine"))
    it.send("PUT", "/Users/u-1", ANN)
    it.held("I5")
    it.patch("/Users/u-1", ("replace", "title", "Theirs"), client=other)
    it.send("PUT", "/Users/u-1", ANN)
    assert "changed #4" in it.broken("I5", 5)["evidence"][0]["what"]


# -- I6 --------------------------------------------------------------------------------------------------------


def test_i6_who_is_desired_stays(stage):
    """Neither deleted nor deactivated; who is not desired, or as inactive, may be."""
    it = stage()
    it.idle("I6")
    it.desire([*SMALL[:2], {"userName": "chidi@example.com", "active": False}])
    it.patch("/Users/u-3", ("replace", "active", False))
    it.send("DELETE", "/Users/u-5")
    it.held("I6")
    it.patch("/Users/u-2", ("replace", "active", False))
    it.send("DELETE", "/Users/u-1")
    told = [proof["what"] for proof in it.broken("I6", 3, 4)["evidence"]]
    assert told == [
        "User bjorn@example.com is desired and was deactivated",
        "User ann@example.com is desired and was deleted",
    ]


def test_i6_what_was_desired_then(stage):
    """It counts what was desired when the request came."""
    it = stage()
    it.desire(SMALL[1:])
    it.send("DELETE", "/Users/u-1")
    it.desire(SMALL)
    it.held("I6")
    it.send("DELETE", "/Users/u-2")
    it.broken("I6", 2)
    it.lose()  # what is left is enough
    item = it.broken("I6", 2)
    assert item["incomplete"]
    assert "incomplete: the journal dropped 7 exchanges" in item["why"]


def test_i6_one_of_two(stage):
    """Of two for one who is desired, one may go."""
    it = stage()
    it.desire([{"externalId": "x-1"}])
    for name in ("a@example.com", "b@example.com"):
        it.create(name, externalId="x-1")
    first = it.find("a@example.com").json()["Resources"][0]["id"]
    it.send("DELETE", f"/Users/{first}")
    it.held("I6")


def test_i6_cap(stage):
    """More than the cap in one cycle are too many, whoever they are; behind the client's back none is its own."""
    it = stage(fixture=MANY)
    it.admin.delete("/_mockscim/resources/User/u-11")
    for cycle in (range(3), range(3, 6)):
        with it.cycle():
            for i in cycle:
                it.send("DELETE", f"/Users/u-{i}")
    assert "nobody said" in it.held("I6", max_deletes=3)["why"]
    item = it.broken("I6", 3, 6, max_deletes=2)
    assert item["evidence"][0]["what"] == "3 were deprovisioned in cycle 1, the cap is 2"


def test_i6_segment_deactivation_is_deletion(stage):
    """Where to deactivate is to leave, that is a deprovision too, and the groups left with it are none."""
    it = stage(profile="segment", fixture={"users": people("a@example.com"), "groups": []})
    it.desire(people("a@example.com"))
    id_ = it.find("a@example.com").json()["Resources"][0]["id"]
    it.patch(f"/Users/{id_}", ("replace", "active", False))
    it.broken("I6", 2)


# -- I7 --------------------------------------------------------------------------------------------------------


def pages(it, *starts, count=5, path="/Users"):
    """Read pages."""
    return [it.send("GET", path, params={"startIndex": start, "count": count}) for start in starts]


def test_i7_whole_readings(stage):
    """A removal after all pages were read is fine; without a reading there is nothing to judge."""
    it = stage(fixture=MANY)
    it.send("DELETE", "/Users/u-0")
    it.idle("I7")
    pages(it, 1, 6, 11)
    it.send("DELETE", "/Users/u-1")
    it.held("I7")
    it.incomplete("I7")


def test_i7_a_look_is_no_reading(stage):
    """To ask for one resource, or for none, is to see whether somebody answers."""
    it = stage(fixture=MANY)
    pages(it, 1, count=1)
    pages(it, 1, count=0)
    it.find("user3@example.com")
    it.send("DELETE", "/Users/u-1")
    it.idle("I7")


def test_i7_stops_early(stage):
    """Who stopped at the first page knows a part."""
    it = stage(fixture=MANY)
    pages(it, 1)
    it.send("DELETE", "/Users/u-1")
    proof = it.broken("I7", 2)["evidence"][0]
    assert proof["what"] == "DELETE /Users/u-1 after reading users in part: 5 of 12 resources were read (#1)"


def test_i7_looked_up_singly(stage):
    """What was looked up by id or filter after the reading is known."""
    it = stage(fixture=MANY)
    pages(it, 1)
    it.send("GET", "/Users/u-1")
    it.send("DELETE", "/Users/u-1")
    it.find("user2@example.com")
    it.patch("/Users/u-2", ("replace", "active", False))
    it.held("I7")
    it.patch("/Users/u-3", ("replace", "active", False))
    it.broken("I7", 6)


def test_i7_failed_page(stage):
    """A page that failed is one that is missing, unless it was read again."""
    it = stage(fixture=MANY)
    pages(it, 1)
    it.fault("abort", "user.list", status=500, times=1)
    pages(it, 6)
    pages(it, 11)
    it.send("DELETE", "/Users/u-1")
    assert "a page could not be read (500) (#2)" in it.broken("I7", 4)["evidence"][0]["what"]
    it.server.call(it.server.scim.tenants.use("").reset)
    pages(it, 1)
    it.fault("abort", "user.list", status=500, times=1)
    pages(it, 6, 6, 11)
    it.send("DELETE", "/Users/u-1")
    it.held("I7")


def test_i7_another_cycle(stage):
    """A reading of an earlier cycle says nothing about this one."""
    it = stage(fixture=MANY)
    with it.cycle():
        pages(it, 1)
    with it.cycle():
        it.send("DELETE", "/Users/u-1")
    it.idle("I7")


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        (("total_results", {"mode": "plus"}), "resources were read"),
        (("start_index", {"mode": "ignored"}), "a page repeated what earlier ones had"),
    ],
)
def test_i7_lies(stage, fault, what):
    """A total that is not reached, and a page that comes again, are signs."""
    it = stage(fixture=MANY)
    it.fault(fault[0], "user.list", **fault[1])
    pages(it, 1, 6, 11)
    it.send("DELETE", "/Users/u-1")
    assert what in it.broken("I7", 4)["evidence"][0]["what"]


def test_i7_own_changes(stage):
    """What the client itself made or removed between two pages is allowed for."""
    it = stage(fixture=MANY)
    pages(it, 1)
    it.create("new@example.com")
    pages(it, 6, 11)
    it.send("DELETE", "/Users/u-1")
    it.held("I7")


def test_i7_members(stage):
    """To take a member out is a removal; one that goes with its user is none."""
    it = stage()
    pages(it, 1, count=3)
    it.patch("/Groups/g-1", ("remove", 'members[value eq "u-3"]'))
    it.broken("I7", 2)
    it.server.call(it.server.scim.tenants.use("").reset)
    pages(it, 1, count=3)
    it.patch("/Groups/g-1", ("add", "members", [{"value": "u-2"}]))
    it.idle("I7")


# -- I11 -------------------------------------------------------------------------------------------------------


def test_i11_nobody_left(stage):
    """Without a deprovision there is nothing to judge; a rehire of which nothing is known is fine."""
    it = stage()
    it.patch("/Users/u-4", ("replace", "active", True))
    it.idle("I11")
    it.patch("/Users/u-1", ("replace", "active", False))
    it.patch("/Users/u-1", ("replace", "active", True))
    it.held("I11")
    it.incomplete("I11")


def test_i11_not_desired(stage):
    """Who is not desired and was deprovisioned stays away, under any id."""
    it = stage()
    it.desire(SMALL[1:])
    it.patch("/Users/u-1", ("replace", "active", False))
    it.held("I11")
    it.patch("/Users/u-1", ("replace", "active", True))
    it.send("DELETE", "/Users/u-1")
    it.create("ann@example.com")
    assert it.broken("I11", 2, 4)["evidence"][0]["what"] == "ann@example.com (u-1) came back, not desired, after #1"


def test_i11_desired_again(stage):
    """A later desired state may bring back."""
    it = stage()
    it.desire(SMALL[1:])
    it.send("DELETE", "/Users/u-1")
    it.desire(SMALL)
    it.create("ann@example.com")
    it.held("I11")


def test_i11_an_old_retry(stage):
    """A retry of what was meant before brings back, although nothing is desired."""
    it = stage()
    it.fault("abort", "group.patch", status=503, times=1)
    add = ("add", "members", [{"value": "u-2"}])
    it.patch("/Groups/g-1", add)
    it.patch("/Groups/g-1", ("add", "members", [{"value": "u-4"}, {"value": "u-2"}]))
    it.patch("/Groups/g-1", ("remove", 'members[value eq "u-2"]'))
    it.patch("/Groups/g-1", add)
    it.broken("I11", 4)


def test_i11_members(stage):
    """A member who is not desired and was taken out does not come back."""
    it = stage()
    it.desire(SMALL, [{"displayName": "Engineering", "members": ["ann@example.com"]}])
    it.patch("/Groups/g-1", ("remove", 'members[value eq "u-3"]'))
    it.patch("/Groups/g-1", ("add", "members", [{"value": "u-3"}]))
    it.broken("I11", 2)
