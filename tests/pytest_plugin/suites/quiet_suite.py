"""Faults that never strike."""

import pytest
from wire import create


def test_unfired(scim):
    scim.fault("hang", operation="user.get")


def test_fired(scim):
    scim.fault("abort", status=503)
    assert create(scim, "ann@example.com") == 503


@pytest.mark.mockscim(strict_faults=False)
def test_lenient(scim):
    scim.fault("hang", operation="user.get")


def test_factory(scim_factory):
    scim_factory(strict_faults=False).fault("hang", operation="user.get")
