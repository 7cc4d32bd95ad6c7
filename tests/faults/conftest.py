"""Requests as rules see them."""

import pytest

from mockscim.faults import Attempt


def make_attempt(operation="user.create", *refinements, method="POST", path="/Users", headers=None, **more):
    """An attempt; every key has a default that a plain create has."""
    known = {name.lower(): value for name, value in (headers or {}).items()}
    return Attempt(
        operation=operation,
        refinements=refinements,
        method=method,
        path=path,
        header=lambda name: known.get(name.lower()),
        authenticated=more.get("authenticated", True),
        where=more.get("where", lambda node: True),
        commits=more.get("commits", lambda: True),
    )


@pytest.fixture
def attempt():
    return make_attempt
