"""What only servers of the same process do."""

import json
import os
import threading
from pathlib import Path

import pytest
from wire import create

PATH = Path(__file__).with_name("people.json")
MANY = {"users": [{"userName": f"p{n}@example.com"} for n in range(3000)]}
OLD = []


@pytest.mark.parametrize("n", range(3))
@pytest.mark.mockscim(fixture=str(PATH))
class TestFile:
    """A file that was changed is read again."""

    @pytest.fixture(autouse=True)
    def _write(self, n):
        PATH.write_text(json.dumps({"users": [{"userName": f"p{n}@example.com"}]}))
        os.utime(PATH, (n, n))

    def test_read(self, scim, n):
        assert scim.users.names() == [f"p{n}@example.com"]


@pytest.mark.parametrize("n", range(3))
@pytest.mark.mockscim(fixture=MANY)
def test_many(scim, n):
    """Much data is as at the start in each test."""
    assert len(scim.users) == 3000
    assert "p7@example.com" in scim.users
    del scim.users["p7@example.com"]
    create(scim, f"new{n}@example.com")


@pytest.mark.parametrize("_n", range(3))
def test_stray(scim, _n):
    """A client of an earlier test that goes on reaches nobody."""
    for old in OLD:
        with pytest.raises(OSError, match="refused"):
            create(scim, "stray@example.com", base_url=old)
    OLD.append(scim.base_url)
    assert len(scim.journal) == 0


@pytest.mark.parametrize("_n", range(2))
@pytest.mark.mockscim(accept={"unknown-member"})
def test_odd_options(scim, _n):
    """Options that cannot be compared make a server of their own."""
    assert create(scim, "ann@example.com") == 201


def test_port(scim_factory, unused_port):
    """A port of one's own can be had by the next test, too."""
    for _ in range(2):
        with scim_factory(port=unused_port) as scim:
            assert scim.base_url == f"http://127.0.0.1:{unused_port}/scim/v2"


@pytest.fixture
def unused_port(scim_factory):
    """A port that was free a moment ago."""
    scim = scim_factory()
    scim.stop()
    return int(scim.base_url.split(":")[2].split("/")[0])


def test_threads(scim_factory):
    """Servers are kept for whoever wants the same, but not many."""
    before = threading.active_count()
    for seed in range(30):
        with scim_factory(seed=seed) as scim:
            assert scim.facts()["seed"] == seed
    assert threading.active_count() - before == 30  # they end with the test that has asked for them


@pytest.mark.parametrize("_n", range(2))
def test_few_threads(scim, _n):
    """After the test of thirty servers few are left."""
    assert sum(thread.name.startswith("mockscim ") for thread in threading.enumerate()) < 15
