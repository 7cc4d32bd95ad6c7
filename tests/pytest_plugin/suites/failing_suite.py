"""Tests that fail, for the sake of what is reported of them."""

import threading

import pytest
from wire import create, send

from mockscim.scim.service import Service


def test_assertion(scim):
    """What its client did, what went wrong on the way, and what that broke."""
    with scim.fault("lost_ack", operation="user.create", times=1, outcome="503", name="lost"):
        create(scim, "ann@example.com")
    scim.fault("abort", status=503, operation="group.*", name="idle")
    create(scim, "ann@example.com")
    send(scim, "GET", "/Users?filter=userName%20eq%20%22\x1b[31m%22".replace("\x1b", "%1b"))
    assert len(scim.users) == 2


@pytest.mark.mockscim(profile="segment", seed=5, fixture="segment-workspace")
@pytest.mark.parametrize("name", ["of two words"])
class TestNames:
    """A name that a shell would take for two."""

    def test_seed(self, scim, name):
        raise AssertionError


@pytest.fixture(scope="module")
def shared(scim_factory):
    return scim_factory()


def test_shared_before(shared):
    assert create(shared, "earlier@example.com") == 201


def test_shared(shared, scim_factory):
    """What is shared is told of from the test's own beginning, and whatever else it has."""
    create(shared, "own@example.com")
    create(scim_factory(profile="segment"), "third@example.com")
    raise AssertionError


def test_under_way(scim):
    """A request that is not over when the test fails."""
    gate = scim.gate("user.create")
    scim.fault("latency", delay="1ms", name="delayed")
    threading.Thread(target=create_and_ignore, args=(scim,)).start()
    gate.wait_reached()
    raise AssertionError


@pytest.mark.timeout(0.4)
def test_timeout(scim):
    """A client that waits for ever."""
    scim.fault("hang", operation="user.create", name="stuck")
    create(scim, "ann@example.com")


@pytest.fixture
def untidy(scim):
    yield
    raise AssertionError("untidy")


def test_untidy(untidy, scim):
    """Another fixture fails after the test."""
    create(scim, "ann@example.com")


def test_stopped(scim):
    """Who stops the server has a journal still."""
    create(scim, "ann@example.com")
    scim.stop()
    raise AssertionError


def test_own_failure(scim, monkeypatch):
    """An exception within mockscim."""

    def fail(*_):
        raise ArithmeticError("within mockscim")

    monkeypatch.setattr(Service, "_create", fail)
    assert create(scim, "ann@example.com") == 500


def test_asked_for_500(scim):
    """A 500 that the test has asked for is none of ours."""
    with scim.fault("abort", status=500):
        assert create(scim, "ann@example.com") == 500


def test_gate(scim):
    """Somebody waits still."""
    gate = scim.gate("user.create", name="forgotten")
    thread = threading.Thread(target=create_and_ignore, args=(scim,))
    thread.start()
    gate.wait_reached()


def create_and_ignore(scim):
    with pytest.raises(OSError, match=r"."):
        create(scim, "ann@example.com")


@pytest.mark.mockscim(strict_faults=True)
def test_unfired(scim):
    """Two faults that never strike, one of them gone, one in a scenario; and one that does."""
    with scim.fault("abort", status=503, operation="user.get", name="gone"):
        pass
    scim.scenario([{"name": "wary", "type": "hang", "match": {"operation": "user.create"}, "probability": 0}])
    with scim.fault("latency", delay="1ms", name="fired"):
        create(scim, "ann@example.com")


@pytest.mark.mockscim(profil="segment")
def test_unknown_keyword(scim):
    """Never run."""


@pytest.mark.mockscim("segment")
def test_positional(scim):
    """Never run."""


@pytest.mark.mockscim(fixture="nobody.json")
def test_no_such_fixture(scim):
    """Never run."""


def test_without(request):
    """Not a word of servers where none was used."""
    raise AssertionError
