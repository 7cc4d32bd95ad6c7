"""I3 convergence, I4 quiescence, I12 progress."""

import pytest
from stage import people

SMALL = [
    {"userName": "ann@example.com", "displayName": "Ann Ashdown"},
    *people("bjorn@example.com", "chidi@example.com", "emre@example.com"),
]
NEW = "new@example.com"


def test_i3_needs_to_know(stage):
    """Nobody said what is desired."""
    it = stage()
    it.idle("I3", "PUT desired")
    it.idle("I12", "PUT desired")


def test_i3_compares_what_is_named(stage):
    """Attributes not named are not compared; who is to be inactive may be gone; the case of a userName is nothing."""
    it = stage()
    it.desire([*SMALL, {"userName": "DANA@example.com", "active": False}, {"userName": "x", "active": False}])
    it.held("I3")
    it.desire([*SMALL, {"userName": "dana@example.com", "active": True}])
    assert "active is False" in it.broken("I3")["evidence"][0]["what"]


@pytest.mark.parametrize(
    ("wanted", "what"),
    [
        ({"displayName": "Ann"}, "displayName is 'Ann Ashdown', not 'Ann'"),
        ({"name": {"givenName": "Anna"}}, "name is"),
        ({"emails": [{"value": "ann@x.example.com"}]}, "emails is"),
        ({"title": "Boss"}, "title is nothing"),
        ({"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "X"}}, "department is nothing"),
    ],
)
def test_i3_differences(stage, wanted, what):
    """Each attribute that is named and differs is told, with who never tried to mend it."""
    it = stage()
    it.desire([*SMALL[1:], {"userName": "ann@example.com", **wanted}])
    (proof,) = it.broken("I3")["evidence"]
    assert what in proof["what"]
    assert "never tried" in proof["what"]


def test_i3_same_values(stage):
    """What says the same in other words is no difference."""
    it = stage()
    ann = {
        "userName": "Ann@Example.com",
        "active": "True",
        "emails": [{"type": "work", "value": "ANN@example.com"}],
        "name": {"familyName": "Ashdown"},
        "title": None,
        "phoneNumbers": [],
        "password": "x",
        "meta": {"version": "x"},
    }
    it.desire([ann, *SMALL[1:]])
    it.held("I3")


def test_i3_missing_and_too_many(stage):
    """A user who is missing, or there and not desired, is a difference; ``extra=false`` lets those be."""
    it = stage()
    it.desire([*SMALL[:3], *people(NEW)])
    told = [proof["what"] for proof in it.broken("I3")["evidence"]]
    assert any("User new@example.com is missing" in what for what in told)
    assert any("User emre@example.com (u-5) is there and not desired" in what for what in told)
    it.create(NEW)
    it.broken("I3")
    it.held("I3", extra="false")


def test_i3_members(stage):
    """Members are compared as resources, by whatever they are named."""
    it = stage()
    groups = [
        {"displayName": "Engineering", "members": ["ann@example.com", "u-3", {"value": "emre@example.com"}]},
        {"displayName": "Everyone", "members": ["Engineering", {"$ref": "../Users/u-2"}]},
    ]
    it.desire(SMALL, groups)
    it.held("I3")
    it.patch("/Groups/g-1", ("remove", 'members[value eq "u-3"]'), ("add", "members", [{"value": "u-2"}]))
    told = [proof["what"] for proof in it.broken("I3")["evidence"]]
    assert [what.split(";")[0] for what in told] == [
        "Group Engineering lacks the member chidi@example.com (u-3)",
        "Group Engineering has the member bjorn@example.com (u-2), not desired",
    ]


def test_i3_a_member_that_nobody_knows(stage):
    """What no client could arrive at is refused, with its place."""
    it = stage()
    answer = it.desire(SMALL, [{"displayName": "Engineering", "members": ["nobody@example.com"]}], status=400)
    assert answer["where"] == "/groups/0/members/0"
    answer = it.admin.put("/_mockscim/desired", json={"resources": {"/Robots": [{"id": "1"}]}})
    assert (answer.status_code, answer.json()["where"]) == (400, "/resources/~1Robots/0")


def test_i3_gives_a_chance(stage):
    """With marks, the client has C cycles after the last trouble; then it is judged."""
    it = stage()
    it.desire([*SMALL, *people(NEW)])
    it.fault("abort", status=503, times=1)
    with it.cycle():
        it.create(NEW)
    it.idle("I3", "only 0 of 2 cycles since the last trouble (#1)")
    with it.cycle():
        it.find(NEW)
    it.idle("I3", "only 1 of 2")
    it.broken("I3", cycles=1)
    with it.cycle():
        pass
    it.broken("I3", 1)
    it.create(NEW)
    it.held("I3")


def test_i3_within_a_time(stage):
    """Or T on the tenant's clock."""
    it = stage(clock="virtual")
    it.desire([*SMALL, *people(NEW)])
    it.fault("abort", status=503, times=1)
    it.create(NEW)
    it.broken("I3")
    it.idle("I3", "since the last trouble", within="10m")
    it.admin.post("/_mockscim/clock/advance", json={"by": "10m"})
    it.broken("I3", 1, within="10m")


def test_i3_is_not_held_against_who_tried(stage):
    """What the provider acknowledged and did not do, or refused for good, is not the client's doing."""
    it = stage()
    it.desire([*SMALL, *people(NEW, "full@example.com")])
    it.fault("phantom_ack", times=1)
    assert it.create(NEW).status_code == 201
    it.broken("I3")
    it.fault("abort", status=400)
    it.create("full@example.com")
    assert it.held("I3")["why"] == "2 differences are left that the provider made"


def test_i3_segment_ignores(serve, stage):
    """A name that Segment keeps as it was is not held against a client that sent it."""
    it = stage(profile="segment", fixture={"users": [{"userName": "a@example.com", "displayName": "As chosen"}]})
    it.desire([{"userName": "a@example.com", "displayName": "Directory", "name": {"givenName": "A"}}])
    it.broken("I3")
    id_ = it.find("a@example.com").json()["Resources"][0]["id"]
    assert it.patch(f"/Users/{id_}", ("replace", "displayName", "Directory")).status_code == 200
    it.held("I3")


def test_i3_behind_the_back(stage):
    """Who was made behind the client's back need not be taken away; what was changed so has to be mended."""
    it = stage()
    it.desire(SMALL)
    it.find("ann@example.com")
    it.admin.post("/_mockscim/resources/User", json={"userName": "inserted@example.com"})
    it.held("I3")
    it.edit("User", "u-1", displayName="Other")
    it.broken("I3")


def test_i3_incomplete(stage):
    """With a part of the journal gone what holds is not known to have."""
    it = stage()
    it.desire(SMALL)
    it.incomplete("I3")


# -- I4 --------------------------------------------------------------------------------------------------------


def test_i4_needs_a_write(stage):
    """Without a change there is nothing to judge; without marks, only what goes back and forth."""
    it = stage()
    it.find("ann@example.com")
    it.idle("I4")
    it.patch("/Users/u-1", ("replace", "title", "A"))
    assert "POST marks" in it.held("I4")["why"]


def test_i4_a_quiet_cycle_writes(stage):
    """Once all is as desired, each further write is one too many, also one that changes nothing."""
    it = stage()
    it.desire([*SMALL, *people(NEW)])
    with it.cycle():
        made = it.create(NEW).json()["id"]
    with it.cycle():
        it.find(NEW)
    it.held("I4")
    with it.cycle():
        it.patch(f"/Users/{made}", ("replace", "userName", NEW))
    assert "cycle 3" in it.broken("I4", 3)["evidence"][0]["what"]


def test_i4_trouble_is_a_reason(stage):
    """After trouble a write may be a cautious repetition."""
    it = stage()
    it.desire([*SMALL, *people(NEW)])
    it.fault("lost_ack", outcome="503", times=1)
    with it.cycle():
        it.create(NEW)
    with it.cycle():
        assert it.create(NEW).status_code == 409
    it.held("I4")


def test_i4_what_is_never_done(stage):
    """Without a desired state, what had no effect in one cycle is not sent again in the next."""
    it = stage(profile="segment", fixture={"users": [{"userName": "a@example.com", "displayName": "As chosen"}]})
    id_ = it.find("a@example.com").json()["Resources"][0]["id"]
    for _ in range(2):
        with it.cycle():
            it.patch(f"/Users/{id_}", ("replace", "displayName", "Directory"))
    it.broken("I4", 3)


def test_i4_back_and_forth(stage):
    """Within one cycle a return is too many; outside, three are."""
    it = stage()
    for title in ("A", "B", "A", "B"):
        it.patch("/Users/u-1", ("replace", "title", title))
    it.held("I4")
    it.patch("/Users/u-1", ("replace", "title", "A"))
    it.broken("I4", 5)
    it.held("I4", flips=3)
    with it.cycle():
        it.patch("/Groups/g-1", ("add", "members", [{"value": "u-2"}]))
        it.patch("/Groups/g-1", ("remove", 'members[value eq "u-2"]'))
    assert "member u-2" in it.broken("I4", 5, 7)["evidence"][1]["what"]


def test_i4_others_take_part(stage):
    """To set right what somebody else changed is no flip."""
    it = stage()
    with it.cycle():
        for _ in range(4):
            it.patch("/Users/u-1", ("replace", "title", "A"))
            it.edit("User", "u-1", title="B")
    it.held("I4")
    it.incomplete("I4")


# -- I12 -------------------------------------------------------------------------------------------------------


def test_i12_goes_on(stage):
    """One poisoned resource, all others as desired."""
    it = stage()
    it.desire([*SMALL, *people(NEW, "poison@example.com")])
    it.create(NEW)
    it.idle("I12", "nothing is poisoned")
    it.server.fault(
        {"name": "p", "type": "abort", "parameters": {"status": 500}, "match": {"where": 'userName sw "poison"'}}
    )
    it.create("poison@example.com")
    it.create("poison@example.com")
    it.idle("I12", "nothing is poisoned")
    it.patch("/Users/u-1", ("replace", "title", "A"))
    assert it.held("I12")["why"] == "1 poisoned, the others as desired"


def test_i12_stops(stage):
    """Who stops at what is refused leaves the others undone."""
    it = stage()
    it.desire([*SMALL, *people("poison@example.com", NEW)])
    it.server.fault(
        {"name": "p", "type": "abort", "parameters": {"status": 400}, "match": {"where": 'userName sw "poison"'}}
    )
    it.mark("begin")
    it.create("poison@example.com")
    it.idle("I12", "under way")
    it.mark("end")
    (proof,) = it.broken("I12")["evidence"]
    assert proof["what"] == "User new@example.com is missing; never tried"


def test_i12_an_outage_is_no_poison(stage):
    """Where nothing works any more, what was not tried could not have been."""
    it = stage()
    it.desire([*SMALL, *people("a@example.com", NEW)])
    it.fault("abort", "*", status=503)
    for _ in range(3):
        it.create("a@example.com")
    it.idle("I12")


def test_i12_not_allowed(stage):
    """After a 403 the client need not ask for more of the same."""
    it = stage()
    it.desire([*SMALL, *people("a@example.com", NEW)])
    it.fault("scope_loss", "user.create")
    assert it.create("a@example.com").status_code == 403
    it.held("I12")
    it.incomplete("I12")


def test_i3_what_a_fault_made(stage):
    """What a fault made of a request by delivering it twice is not the client's doing."""
    it = stage()
    red = {"displayName": "Red", "members": ["ann@example.com"]}
    it.desire(SMALL, [{"displayName": "Engineering"}, {"displayName": "Everyone"}, red])
    it.fault("duplicate_delivery", "group.create")
    made = it.create_group("Red", ["u-1"])
    assert made.status_code == 201
    assert it.send("GET", "/Groups").json()["totalResults"] == 4
    it.held("I3")
    it.held("I1")
    it.held("I2")
    it.calm()
    it.edit("Group", made.json()["id"], displayName="Renamed")
    it.create_group("Red", ["u-1"])
    it.broken("I3", 3)


def test_i3_renamed(stage):
    """What bears a name that it was given behind the client's back need not go; what has lost its own is missed."""
    it = stage()
    it.desire([*SMALL, *people(NEW)])
    with it.cycle():
        first = it.create(NEW).json()["id"]
    it.held("I3")
    it.edit("User", first, userName="other@example.com")
    for _ in range(2):
        with it.cycle():
            pass
    (proof,) = it.broken("I3")["evidence"]
    assert proof["what"].startswith("User new@example.com is missing")
    it.create(NEW)
    it.held("I3")


def test_i3_where_nothing_went_wrong_one_cycle_is_enough(stage):
    """Who had no trouble at all was to arrive in the first cycle; a fault gives it two more."""
    it = stage()
    it.desire([*SMALL, {"userName": NEW}])
    it.mark("begin")
    it.create("other@example.com")
    it.idle("I3", "no whole cycle yet")
    it.mark("end")
    it.broken("I3")
    it.fault("abort", times=1, status=503)
    with it.cycle():
        it.create(NEW)
    it.idle("I3", "only 0 of 2 cycles")


def test_i3_changed_by_others(stage):
    """What somebody else changed is for the client to mend, once it had its chance."""
    it = stage()
    it.desire([*SMALL, {"userName": NEW, "title": "A"}])
    with it.cycle():
        made = it.create(NEW, title="A").json()["id"]
    it.edit("User", made, title="B")
    it.idle("I3", "only 0 of 2 cycles")
    for _ in range(2):
        with it.cycle():
            it.find(NEW)
    it.broken("I3", 1)
