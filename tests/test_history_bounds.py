"""The history of changes keeps the newest, within bounds of number and of memory."""

import tracemalloc

import orjson
import pytest

from mockscim import profiles
from mockscim.fixtures import parse
from mockscim.journal import History
from mockscim.tenant import Start, Tenant

BASE = "http://localhost/scim/v2"


@pytest.fixture
def tenant():
    return Tenant("", Start(profiles.load("standard"), accept=("unknown-member",)))


def make(tenant, count, size):
    for number in range(count):
        user = {"userName": f"ann{number}@example.com", "title": "x" * size}
        tenant.edit("POST", "User", None, user, BASE)


def kept(tenant):
    return [entry.n for entry in tenant.history]


def test_a_number_of_changes_is_kept(tenant):
    """The oldest are dropped and counted, and numbers go on."""
    tenant.history = History(limit=10)
    make(tenant, 25, 10)
    assert kept(tenant) == list(range(16, 26))
    assert (tenant.history.last, tenant.history.dropped) == (25, 15)


def test_large_resources_are_kept_for_fewer_changes(tenant):
    """Twenty changes of 10 kB do not fit into 50 kB."""
    tenant.history = History(max_bytes=50_000)
    make(tenant, 20, 10_000)
    assert kept(tenant) == list(range(17, 21))


def test_a_change_that_is_too_large_alone_is_kept_as_long_as_it_is_the_newest(tenant):
    """Nothing that has just been done is forgotten; deletions weigh nothing."""
    tenant.history = History(max_bytes=50_000)
    make(tenant, 1, 60_000)
    assert kept(tenant) == [1]
    tenant.edit("DELETE", "User", next(iter(tenant.store.tables["User"])).id, None, BASE)
    assert kept(tenant) == [2]


def turn_over(tenant, group, number, size):
    """Have other members in a group, all of them."""
    members = [{"value": f"{number}-{each}"} for each in range(size)]
    change = {"Operations": [{"op": "replace", "path": "members", "value": members}]}
    tenant.edit("PATCH", "Group", group, change, BASE)


def make_group(tenant, **more):
    return tenant.edit("POST", "Group", None, {"displayName": "g", **more}, BASE).resource.id


def test_members_that_come_and_go_weigh(tenant):
    """Each change of 1,000 members who came and 1,000 who went is about 200 kB: a million has five of them."""
    tenant.history = History(max_bytes=1_000_000)
    group = make_group(tenant)
    for number in range(20):
        turn_over(tenant, group, number, 1000)
    assert 3 <= len(kept(tenant)) <= 6
    assert kept(tenant)[-1] == 21


def test_the_members_of_a_group_that_is_gone_weigh(tenant):
    """Groups of 1,000 members that are deleted are 100 kB each; without any they are next to nothing."""
    members = [{"value": f"m{each}"} for each in range(1000)]
    full, bare = [make_group(tenant, members=members) for _ in range(20)], [make_group(tenant) for _ in range(20)]
    tenant.history = History(max_bytes=1_000_000)
    for group in bare:
        tenant.edit("DELETE", "Group", group, None, BASE)
    assert len(kept(tenant)) == 20
    for group in full:
        tenant.edit("DELETE", "Group", group, None, BASE)
    assert 8 <= len(kept(tenant)) <= 10


def test_a_group_s_versions_that_are_forgotten_are_let_go_of(tenant):
    """Not even a group that was there at the start, to which a reset returns, holds all that has happened since."""
    members = [{"value": f"m{each}"} for each in range(1000)]
    users = [{"id": member["value"], "userName": f"{member['value']}@example.com"} for member in members]
    fixture = parse(orjson.dumps({"users": users, "groups": [{"id": "g", "displayName": "g", "members": members}]}), "")
    tenant = Tenant("", Start(profiles.load("standard"), fixture, accept=("unknown-member",)))
    tenant.history = History(limit=10)
    tracemalloc.start()
    try:
        for number in range(100):
            turn_over(tenant, "g", number, 1000)
            if number == 20:
                before = tracemalloc.get_traced_memory()[0]
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 2_000_000
    tenant.reset()
    assert [member.value for member in tenant.store.find("g").members] == [member["value"] for member in members]


@pytest.mark.parametrize(("since", "found"), [(0, [16, 17, 18, 19, 20]), (17, [18, 19, 20]), (20, []), (99, [])])
def test_who_follows_gets_what_is_new(tenant, since, found):
    """From a number on, without it, oldest first; what was dropped is not there."""
    tenant.history = History(limit=5)
    make(tenant, 20, 10)
    assert [entry.n for entry in tenant.history.after(since)] == found


def test_a_reset_forgets_what_it_weighed(tenant):
    """As much as ever fits in afterwards."""
    tenant.history = History(max_bytes=50_000)
    make(tenant, 4, 10_000)
    tenant.reset()
    make(tenant, 4, 10_000)
    assert kept(tenant) == [1, 2, 3, 4]


def test_what_is_taken_back_weighs_nothing(tenant):
    """Changes that could not be kept on a disk make no room scarce for those that follow."""
    tenant.history = History(max_bytes=50_000)
    make(tenant, 4, 10_000)
    tenant.history.forget_after(1)
    assert kept(tenant) == [1]
    for number in range(3):
        tenant.edit("POST", "User", None, {"userName": f"bob{number}@example.com", "title": "x" * 10_000}, BASE)
    assert kept(tenant) == [1, 2, 3, 4]
