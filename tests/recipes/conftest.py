"""Suites in other languages, a `mockscim` for them to start, and a server for them to share."""

import importlib.util
import sys
from pathlib import Path

import pytest

_TESTS = Path(__file__).parents[1]
sys.path.append(str(_TESTS))  # for processes
sys.path.append(str(_TESTS / "server"))  # for edge
_spec = importlib.util.spec_from_file_location("server_fixtures_for_recipes", _TESTS / "server" / "conftest.py")
_fixtures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fixtures)
server_loop, serve, quiet_log = (getattr(_fixtures, name) for name in ("server_loop", "serve", "quiet_log"))


@pytest.fixture
def command(tmp_path):
    """The ``mockscim`` that a suite finds on its PATH."""
    from suites import Command  # not before the path is set

    made = Command(tmp_path)
    yield made
    made.kill()


@pytest.fixture
def shared(serve, monkeypatch):
    """A running server as in a CI job, with an admin token; ``shared.made`` has the names of the tenants made."""
    server = serve(fixture=None, admin_token="guard")
    server.made = []
    remake = server.scim.tenants.remake

    def noting(name, *rest):
        server.made.append(name)
        return remake(name, *rest)

    monkeypatch.setattr(server.scim.tenants, "remake", noting)
    return server
