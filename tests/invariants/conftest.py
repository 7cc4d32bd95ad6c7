"""Servers on which a client of the test's own making behaves well or badly, and the judge's word on it."""

import importlib.util
import sys
from pathlib import Path

import pytest

_SERVER = Path(__file__).parents[1] / "server"
sys.path.append(str(_SERVER))  # for edge
_spec = importlib.util.spec_from_file_location("server_fixtures", _SERVER / "conftest.py")
_fixtures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fixtures)
server_loop, serve, server, quiet_log = (
    getattr(_fixtures, name) for name in ("server_loop", "serve", "server", "quiet_log")
)


@pytest.fixture
def stage(serve):
    """Start a server with small.json and stand beside it: ``stage(fixture=…, …)``."""
    from stage import Stage

    return lambda **options: Stage(serve(**options))
