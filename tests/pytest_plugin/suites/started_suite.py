"""Faults that a test starts with, and that are to strike."""

import pytest
from wire import create, send

pytestmark = pytest.mark.mockscim(strict=True)  # which brings strict_faults along
RULES = {
    "rules": [{"type": "drop", "match": {"operation": "user.get"}}, {"type": "latency", "parameters": {"delay": 0}}]
}


@pytest.mark.mockscim(faults=["user.delete=503", "user.create=503"])
def test_one_of_two(scim):
    assert create(scim, "ann@example.com") == 503


@pytest.mark.mockscim(faults="flaky")
def test_idle_scenario(scim):
    assert len(scim.faults) > 1


def test_idle_scenario_of_its_own(scim):
    scim.scenario("flaky")


@pytest.mark.mockscim(faults="user.create=503")
def test_removed_before(scim):
    scim.faults[0].remove()


@pytest.mark.mockscim(faults="user.create=503")
def test_struck(scim):
    assert create(scim, "ann@example.com") == 503


@pytest.mark.mockscim(faults=(rule for rule in ["user.create=503"]))
def test_struck_and_removed(scim):
    assert create(scim, "ann@example.com") == 503
    scim.faults[0].remove()


@pytest.mark.mockscim(faults="user.create=503")
def test_struck_before_a_reset(scim):
    assert create(scim, "ann@example.com") == 503
    scim.reset()


@pytest.mark.mockscim(faults=RULES)
def test_one_of_a_scenario(scim):
    assert send(scim, "GET", "/Groups")[0] == 200


@pytest.mark.mockscim(faults="user.create=503")
def test_remade(scim):
    scim.remake()


@pytest.mark.mockscim(faults="user.create=503:1:after")
def test_swept(scim):
    scim.sweep(lambda: create(scim, "ann@example.com") and None, "before", "503", invariants="I13")


@pytest.mark.mockscim(faults="user.create=503", strict_faults=False)
def test_lenient(scim):
    """Nobody has asked for it."""


@pytest.mark.mockscim(strict=True, strict_faults=False)
def test_strict_of_the_rfcs_alone(scim):
    scim.fault("drop", operation="user.get")
