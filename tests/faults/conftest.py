"""Requests as rules see them, and servers on which faults strike them."""

import importlib.util
import sys
from pathlib import Path

import pytest

from mockscim.faults import Attempt

_SERVER = Path(__file__).parents[1] / "server"
sys.path.append(str(_SERVER))  # for edge
_spec = importlib.util.spec_from_file_location("server_fixtures", _SERVER / "conftest.py")
_fixtures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fixtures)
server_loop, serve, server, quiet_log = (
    getattr(_fixtures, name) for name in ("server_loop", "serve", "server", "quiet_log")
)


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
