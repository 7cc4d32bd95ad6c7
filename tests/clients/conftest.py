"""Clients, good and bad, at servers on which faults strike them."""

import importlib.util
import sys
from pathlib import Path

import pytest

_SERVER = Path(__file__).parents[1] / "server"
sys.path.append(str(_SERVER))  # for edge
_spec = importlib.util.spec_from_file_location("server_fixtures_for_clients", _SERVER / "conftest.py")
_fixtures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fixtures)
server_loop, serve, server, quiet_log = (
    getattr(_fixtures, name) for name in ("server_loop", "serve", "server", "quiet_log")
)


@pytest.fixture
def open_line():
    """Open lines to servers: ``open_line(Line, server, …)``; they are closed with the test."""
    opened = []

    def open_one(kind, server, **options):
        opened.append(kind(server, **options))
        return opened[-1]

    yield open_one
    for line in opened:
        line.close()
