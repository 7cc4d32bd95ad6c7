"""Tests that fail with a seed, and one that has its own."""

import pytest


@pytest.mark.parametrize("n", range(2))
def test_scim(scim, n):
    raise AssertionError


def test_other(scim_factory):
    scim_factory()
    raise AssertionError


def test_verify(scim):
    scim.verify("user.create")


@pytest.mark.mockscim(seed=3)
def test_own(scim):
    assert scim.facts()["seed"] == 3
