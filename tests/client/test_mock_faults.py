"""Faults that a test asks for: placed, counted, told of, and taken away, the same over every kind."""

import json

import httpx
import pytest

from mockscim import ControlRefused, error, ok
from mockscim.faults import FaultError


async def create(client, name="fay@example.com"):
    """A POST of a user: the status, or None where no answer came."""
    try:
        return (await client.post("Users", json={"userName": name})).status_code
    except httpx.TransportError:
        return None


async def listing(client):
    """A GET of all users: the status, or None."""
    try:
        return (await client.get("Users")).status_code
    except httpx.TransportError:
        return None


async def test_a_fault_strikes_while_the_block_lasts(scim, client):
    """The answer is lost, the user is there; counts and exchanges can be read during the block and after it."""
    with scim.fault("lost_ack", operation="user.create", outcome="reset", times=1) as fault:
        assert (fault.hits, fault.matches, fault.exchanges) == (0, 0, [])
        assert await create(client) is None
        assert await create(client) == 409
        assert (fault.hits, fault.matches) == (1, 2)
        assert [one.name for one in scim.faults] == [fault.name] == ["user.create-lost_ack-1"]
        assert scim.faults[0] is fault
    assert fault.removed
    assert scim.faults == []
    assert "fay@example.com" in scim.users
    assert await create(client, "gus@example.com") == 201
    assert (fault.hits, fault.matches) == (1, 2)
    (struck,) = fault.exchanges
    assert (struck.n, struck.status, struck.committed, struck.response) == (1, None, True, None)
    assert [(each.rule, each.type, each.phase, each.outcome) for each in struck.faults] == [
        (fault.name, "lost_ack", "after", "reset")
    ]
    assert scim.placed == [fault]


async def test_a_fault_without_a_block(scim, client):
    """It stays until it is removed; twice is no mistake, nor is a reset in between."""
    fault = scim.fault("abort", operation="user.list", status=503, retry_after=2)
    assert await listing(client) == 503
    fault.remove()
    fault.remove()
    assert await listing(client) == 200
    assert fault.hits == 1
    other = scim.fault("abort", status=503, name="mine")
    scim.ask("DELETE", "/faults/mine")
    assert other.hits == 0
    other.remove()


async def test_the_same_name_again_is_another_fault(scim, client):
    """The exchanges of a fault are those of its own time, though a later rule bears its name."""
    found = []
    for _ in range(2):
        with scim.fault("abort", operation="user.list", status=503) as fault:
            assert await listing(client) == 503
        found.append(fault)
    assert found[0].name == found[1].name
    assert [[one.n for one in fault.exchanges] for fault in found] == [[1], [2]]


async def test_keywords_find_their_place(scim):
    """Of the rule, of its match, or parameters of the type; a short form and a document may be added to."""
    keywords = {"where": 'userName ew "@example.com"', "probability": 0.5, "phase": "after", "duration": "30s"}
    document = scim.fault("abort", operation=["user.create", "user.patch"], status=500, **keywords).document
    assert document == {
        "name": "user.create+user.patch-abort-1",
        "type": "abort",
        "match": {"operation": ["user.create", "user.patch"], "where": 'userName ew "@example.com"'},
        "parameters": {"status": 500},
        "probability": 0.5,
        "phase": "after",
        "duration": "30s",
    }
    short = scim.fault("user.create=503:0.3:after", times=2, method="POST").document
    assert (short["parameters"], short["probability"], short["phase"]) == ({"status": 503}, 0.3, "after")
    assert (short["times"], short["match"]) == (2, {"operation": "user.create", "method": "POST"})
    rule = {"type": "truncate", "parameters": {"at": 5}}
    assert scim.fault(rule, name="cut", operation="user.get").document["match"] == {"operation": "user.get"}
    assert rule == {"type": "truncate", "parameters": {"at": 5}}


async def test_wrong_keywords_are_told(scim):
    """A keyword that there is not is a TypeError which names the nearest and the parameters of the type."""
    with pytest.raises(TypeError) as caught:
        scim.fault("lost_ack", operation="user.create", outcom="reset")
    assert str(caught.value) == (
        "the fault lost_ack has no 'outcom': did you mean 'outcome'?\n"
        "  its parameters: outcome\n"
        "  of every rule: authenticated, committed, duration, header, match, method, name, operation,\n"
        "      parameters, path, phase, probability, ramp, skip, start_after, times, where"
    )
    with pytest.raises(TypeError, match=r"abort has no 'time': did you mean 'times'"):
        scim.fault({"type": "abort", "parameters": {"status": 500}}, time=2)
    with pytest.raises(TypeError, match=r"on\(\) has no 'wher': did you mean 'where'"):
        scim.on("user.create", wher="active pr")
    with pytest.raises(TypeError, match="abort has no 'retry_aftr'"):
        error(503, retry_aftr=2)
    assert scim.faults == []


async def test_wrong_values_are_told(scim):
    """A type or a value that cannot be is refused with the nearest, and nothing is placed."""
    with pytest.raises(ControlRefused, match="did you mean 'lost_ack'"):
        scim.fault("lst_ack")
    with pytest.raises(ControlRefused, match="expected one of drop, reset, hang, truncate, 500, 502") as caught:
        scim.fault("lost_ack", outcome="rest")
    assert caught.value.where == "outcome"  # the keyword; of a document the place in it
    with pytest.raises(ControlRefused) as caught:
        scim.fault({"type": "lost_ack", "parameters": {"outcome": "rest"}})
    assert caught.value.where == "/parameters/outcome"
    with pytest.raises(ControlRefused) as caught:
        scim.on("user.list").sequence("503", {"type": "abort"})
    assert caught.value.where == "/sequence/1/parameters/status"
    assert max(map(len, str(caught.value).splitlines())) <= 100
    with pytest.raises(ControlRefused, match=r"^operation: 'user.creat': did you mean 'user.create'"):
        scim.fault("reset", operation="user.creat")
    with pytest.raises(ControlRefused, match=r"^operation: .* one of bulk, discovery,\s+group"):
        scim.fault("reset", operation="device.create")
    with pytest.raises(FaultError, match="unknown outcome"):
        scim.fault("user.create=rset")
    with pytest.raises(ValueError, match="at least one step"):
        scim.on("user.list").sequence()
    with pytest.raises(TypeError, match="a sequence has no 'phase'"):
        scim.on("user.list").sequence(error(503), phase="after")
    assert scim.faults == scim.placed == []


async def test_a_sequence_of_answers(scim, client):
    """The n-th request gets the n-th answer; after the last all is well."""
    steps = [error(503), error(429, retry_after=2), ok(), "reset", {"type": "abort", "parameters": {"status": 504}}]
    with scim.on("user.list").sequence(*steps, skip=1) as fault:
        assert [await listing(client) for _ in range(7)] == [200, 503, 429, 200, None, 504, 200]
        assert (fault.hits, fault.matches) == (4, 7)
        assert [one.status for one in fault.exchanges] == [503, 429, None, 504]
        assert fault.exchanges[1].response.headers["Retry-After"] == "2"
    assert repr(fault) == "<Fault user.list-sequence-1: user.list sequence of 5, removed>"


async def test_an_error_after_the_commit(scim, client):
    """A step may strike after the commit."""
    with scim.on("user.create").sequence(error(500, phase="after")):
        assert await create(client) == 500
    assert "fay@example.com" in scim.users


async def test_on_with_a_match_and_a_fault(scim, client):
    """``on`` narrows to a match, for a sequence and for a single fault."""
    with scim.on("user.create", where='userName sw "fay"').fault("abort", status=418) as fault:
        assert [await create(client, name) for name in ("fay@example.com", "gus@example.com")] == [418, 201]
    assert fault.hits == 1


async def test_scenarios(scim, client, tmp_path):
    """Of a name, a file, a document or a list of rules; they go with the block."""
    document = {"seed": 3, "rules": [{"type": "abort", "parameters": {"status": 500}, "times": 1}, {"type": "reset"}]}
    path = tmp_path / "bad-day.json"
    path.write_text(json.dumps(document))
    for given in (document, str(path), path):
        with scim.scenario(given) as scenario:
            assert [await listing(client) for _ in range(2)] == [500, None]
            assert ([fault.hits for fault in scenario.faults], scenario.hits, scenario.seed) == ([1, 1], 2, 3)
        assert scim.faults == []
    with scim.scenario(document["rules"]) as scenario:
        assert len(scim.faults) == 2
    bundled = scim.scenario("lost-create")
    assert scim.faults == bundled.faults
    bundled.remove()
    with pytest.raises(FaultError, match="no such scenario"):
        scim.scenario("lost-creat")


async def test_faults_of_the_start(open_scim):
    """Rules that the server was started with are listed, and have counts like others."""
    scim = await open_scim(faults=["user.list=503", {"type": "reset", "name": "mine"}])
    assert [fault.name for fault in scim.faults] == ["user.list-abort-1", "mine"]
    assert scim.placed == []
    scim.faults[1].remove()
    assert [fault.name for fault in scim.faults] == ["user.list-abort-1"]


async def test_refusing_connections_from_inside(open_sync):
    """A fault of the whole process stands at once, without a request, and ends with its rule."""
    with open_sync("threaded") as scim:
        url = scim.base_url
        with scim.fault("refuse", duration="30s"):
            with pytest.raises(httpx.ConnectError):
                httpx.get(url, trust_env=False)
            assert len(scim.users) == 0
        for _ in range(100):
            try:
                assert httpx.get(url, trust_env=False).status_code == 401
                break
            except httpx.ConnectError:  # the door opens in the server's thread
                continue
        else:
            pytest.fail("the door stayed shut")
