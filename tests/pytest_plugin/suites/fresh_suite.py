"""Each test has a directory of its own, told by fixtures and markers; in any order, here and on a server elsewhere."""

import json
import threading
import time
from urllib.error import URLError

import pytest
from wire import create, send

PLAIN = {"users": [{"userName": "ann@example.com"}]}
LEFT = []  # threads that tests have left behind
CUT = []
FIRST = set()
SHARED = []


def hang(scim):
    """A client that never hears anything."""
    with pytest.raises((URLError, OSError)):
        create(scim, "late@example.com")
    CUT.append(True)


@pytest.mark.mockscim(fixture=PLAIN)
@pytest.mark.parametrize("n", range(4))
def test_nothing_is_left(scim, n):
    """Whatever a test does to its directory, the next does not see it."""
    for thread in LEFT:
        thread.join(5)
    assert len(CUT) == len(LEFT)
    assert scim.users.names() == ["ann@example.com"]
    assert (scim.clock.mode, scim.facts()["profile"]) == ("real", "standard")
    assert [scim.faults, scim.gates, scim.history, list(scim.journal)] == [[], [], [], []]
    assert scim.invariants().broken == []
    with pytest.raises(KeyError):
        scim.restore("mine")
    FIRST.add((scim.users.add("first@example.com").id, len(scim.tokens)))
    assert len(FIRST) == 1  # the same for all: ids are the seed's

    del scim.users["ann@example.com"]
    scim.clock.freeze("2030-01-01T00:00:00Z")
    token = scim.tokens.mint(scopes=["read"], expires_in="1h").token
    scim.snapshot("mine")
    scim.desired({"users": [{"userName": "nobody@example.com"}]})
    scim.fault("abort", status=503, operation="group.*")
    assert create(scim, "bob@example.com") == 201
    assert send(scim, "GET", "/Users", token=token)[0] == 200
    if n % 2:
        scim.remake(profile="segment")
    scim.gate("user.get")
    hanging = scim.fault("hang", operation="user.create")
    LEFT.append(threading.Thread(target=hang, args=(scim,)))
    LEFT[-1].start()
    while not hanging.hits:  # one that comes only after the test is refused, by a server that goes on elsewhere
        time.sleep(0.001)
    scim.verify("user.create", committed=False, count=0)


@pytest.mark.mockscim(profile="segment", seed=7, strict=True, clock="virtual:2026-01-01T00:00:00Z")
class TestMarked:
    """A marker around tests, and one on a test."""

    def test_around(self, scim):
        facts = scim.facts()
        assert (facts["profile"], facts["seed"], facts["strict"]) == ("segment", 7, True)
        assert scim.clock.now().year == 2026

    @pytest.mark.mockscim(profile="standard", fixture="people-100")
    def test_the_nearest_wins(self, scim):
        facts = scim.facts()
        assert (facts["profile"], facts["seed"], facts["resources"]["User"]) == ("standard", 7, 100)


class TestOverridden:
    """Fixtures that are overridden, and a marker that wins over them."""

    @pytest.fixture
    def scim_profile(self):
        return "segment"

    @pytest.fixture
    def scim_fixture(self, tmp_path):
        path = tmp_path / "people.json"
        path.write_text(json.dumps(PLAIN))
        return path

    @pytest.fixture
    def scim_seed(self):
        return 3

    @pytest.fixture
    def scim_options(self):
        return {"token": "mine", "profile": "standard"}

    def test_all(self, scim):
        facts = scim.facts()
        assert (facts["profile"], facts["seed"], facts["resources"]["User"]) == ("segment", 3, 1)
        assert send(scim, "GET", "/Users", token="mine")[0] == 200

    @pytest.mark.mockscim(seed=4)
    def test_marker_wins(self, scim):
        assert scim.facts()["seed"] == 4


@pytest.mark.parametrize("scim_profile", ["standard", "segment"])
def test_parametrized(scim, scim_profile):
    assert scim.facts()["profile"] == scim_profile


@pytest.fixture(scope="module")
def shared(scim_factory):
    """One for all tests of a module."""
    return scim_factory(profile="segment")


@pytest.mark.parametrize("n", range(3))
def test_shared(shared, n):
    """What is shared stays as it was left."""
    assert shared.users.names() == SHARED
    assert create(shared, f"p{n}@example.com") == 201
    SHARED.append(f"p{n}@example.com")


@pytest.fixture
def idp(scim_factory):
    """One for each test."""
    return scim_factory(fixture=PLAIN, seed=9)


@pytest.mark.parametrize("n", range(2))
def test_another(scim, idp, scim_factory, n):
    """A test may have many, alike or not."""
    third, fourth = scim_factory(fixture=PLAIN), scim_factory(profile="segment")
    assert len({each.base_url for each in (scim, idp, third, fourth)}) == 4
    assert create(idp, f"b{n}@example.com") == 201
    assert [len(each.users) for each in (scim, idp, third, fourth)] == [0, 2, 1, 0]
    assert idp.facts()["seed"] == 9


def test_block(scim_factory):
    """A block ends what was started already."""
    with scim_factory() as scim:
        assert create(scim, "ann@example.com") == 201
    with pytest.raises(RuntimeError, match="has been stopped"):
        len(scim.users)


def test_again(scim):
    """What was stopped can be started, and begins anew."""
    create(scim, "ann@example.com")
    scim.stop()
    scim.stop()
    scim.start()
    assert scim.users.names() == []
    assert create(scim, "bob@example.com") == 201


KEPT = []


@pytest.mark.parametrize("_n", range(2))
def test_over(scim, _n):
    """What belongs to a test that is over says so."""
    for old in KEPT:
        with pytest.raises(RuntimeError, match="is over"):
            old.fault("hang")
        with pytest.raises(RuntimeError, match="is over"):
            old.start()
    KEPT.append(scim)
    assert scim.faults == []


@pytest.mark.mockscim(strict_faults=True)
class TestQuiet:
    """Nothing is said of tests that did not pass, nor of faults that struck."""

    @pytest.mark.xfail(reason="as expected", strict=True)
    def test_failed(self, scim):
        scim.fault("hang", operation="user.get")
        raise AssertionError

    def test_skipped(self, scim):
        scim.fault("hang", operation="user.get")
        pytest.skip("in the middle")

    def test_struck(self, scim):
        with scim.fault("abort", status=503, times=1):
            assert create(scim, "ann@example.com") == 503
        scim.on("user.create").sequence("503")
        assert create(scim, "ann@example.com") == 503

    @pytest.mark.mockscim(strict_faults=False)
    def test_lenient(self, scim):
        scim.fault("hang", operation="user.get")


def test_unfired(scim):
    """A fault that never strikes is no failure where nobody has asked for it."""
    scim.fault("hang", operation="user.get")


@pytest.mark.parametrize("_n", range(3))
def test_free_gates(scim, _n):
    """A gate that nobody came to, and one that was released, are no failures."""
    scim.gate("group.create")
    with scim.gate("user.create") as gate:
        thread = threading.Thread(target=create, args=(scim, "ann@example.com"))
        thread.start()
        gate.wait_reached()
    thread.join(5)
    assert not thread.is_alive()
    assert scim.users.names() == ["ann@example.com"]
