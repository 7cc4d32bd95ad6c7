"""The history of changes keeps the newest, within bounds of number and of memory."""

import pytest

from mockscim import profiles
from mockscim.journal import History
from mockscim.tenant import Start, Tenant

BASE = "http://localhost/scim/v2"


@pytest.fixture
def tenant():
    return Tenant("", Start(profiles.load("standard")))


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
