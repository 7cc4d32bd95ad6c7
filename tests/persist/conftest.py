"""What tests of --persist share: real servers at one file, killed and started again."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1]))  # for processes

from processes import Server


@pytest.fixture
def file(tmp_path):
    """Where the data is to be kept."""
    return tmp_path / "directory.db"


@pytest.fixture
def start(file):
    """Start a real server at that file: ``start("--profile", "segment", …)``; it ends with the test at the latest."""
    running = []

    def started(*arguments, **environment):
        server = Server("--persist", str(file), *arguments, **environment)
        running.append(server)
        return server

    yield started
    for server in running:
        if server.process.poll() is None:
            server.process.kill()
        server.process.communicate()
