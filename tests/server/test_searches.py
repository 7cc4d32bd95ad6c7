"""Long searches on the wire: others are served between their slices, and whatever ends a request ends them."""

import asyncio
import contextlib
import itertools
import json

import pytest
from edge import SCIM_JSON, a_user, request_bytes

from mockscim import MockScim
from mockscim.server.turns import Turns

MANY = 6000
SCAN = "/scim/v2/Users?filter=title%20sw%20%22t%22&count=0"
CONTROL_SCAN = "/_mockscim/resources/User?filter=title%20sw%20%22t%22&limit=1"
SORT = "/scim/v2/Users?sortBy=title&sortOrder=descending&count=2"


class HandTurns(Turns):
    """Turns that a test gives one by one; ``asked`` counts how many were waited for."""

    def __init__(self):
        super().__init__()
        self.asked = 0
        self._given = asyncio.Semaphore(0)

    @contextlib.asynccontextmanager
    async def turn(self):
        self.asked += 1
        await self._given.acquire()
        async with super().turn():
            yield

    def give(self, count=10_000):
        """Let so many slices be done."""
        for _ in range(count):
            self._given.release()


@pytest.fixture(scope="module")
def people():
    """Enough users for a search to take several slices."""
    return {"users": [{"id": f"u{n}", "userName": f"u{n}@example.com", "title": f"t{n % 7}"} for n in range(MANY)]}


@pytest.fixture
def held(serve, people):
    """A server in which a search goes on as a test says."""
    server = serve(fixture=people)
    server.call(setattr, server.scim, "turns", server.call(HandTurns))
    return server


def searching(server, target=SCAN):
    """A connection on which a search has begun, and waits for its first slice."""
    before = server.scim.turns.asked
    sent = request_bytes("GET", target).replace(b"Host: scim.test", b"Host: localhost")  # the control API's guard
    raw = server.raw().send(sent)
    server.wait(lambda: server.scim.turns.asked > before)
    return raw


def total(raw):
    """What a search has found in the end."""
    status, _, body = raw.answer()
    assert status == 200, body
    return int(body.partition(b'"totalResults":')[2].partition(b",")[0])


def test_others_are_served_between_slices(held):
    """Reads and writes go on after each slice, one at a time; the search answers what was so when it came."""
    raw = searching(held)
    slices = 0
    while slices < 3:
        made = held.client.post("/scim/v2/Users", json=a_user(f"n{slices}@example.com", title="t"))
        assert made.status_code == 201
        assert held.client.delete(f"/scim/v2/Users/u{slices}").status_code == 204
        assert held.client.get(f"/scim/v2/Users/u{MANY - 1 - slices}").status_code == 200
        asked = held.scim.turns.asked
        held.call(held.scim.turns.give, 1)
        held.wait(lambda asked=asked: held.scim.turns.asked > asked)  # it wants another: one slice is no more than that
        slices += 1
    held.call(held.scim.turns.give)
    assert total(raw) == MANY
    assert (
        held.client.get("/scim/v2/Users", params={"filter": 'title sw "t"', "count": 0}).json()["totalResults"] == MANY
    )


def test_what_is_shown_is_of_the_same_moment(held):
    """The groups of a user and the order of a sort are as they were when the search came."""
    group = held.client.post(
        "/scim/v2/Groups", json={"displayName": "old", "members": [{"value": "u6"}]}, headers=SCIM_JSON
    )
    raw = searching(
        held, "/scim/v2/Users?sortBy=title&sortOrder=descending&count=1&filter=active%20pr%20or%20title%20pr"
    )
    held.client.delete(f"/scim/v2/Groups/{group.json()['id']}")
    held.client.delete("/scim/v2/Users/u13")
    held.client.post("/scim/v2/Users", json=a_user("z@example.com", title="zzz"))
    held.call(held.scim.turns.give)
    _, _, body = raw.answer()
    assert b'"id":"u6"' in body
    assert b'"display":"old"' in body
    assert b"groups" not in held.client.get("/scim/v2/Users/u6").content


def test_a_search_of_the_control_api_takes_turns(held):
    """It answers what was so when it came, as others are served after each slice."""
    raw = searching(held, CONTROL_SCAN)
    assert held.client.delete("/scim/v2/Users/u0").status_code == 204
    assert held.scim.turns.asked == 1
    held.call(held.scim.turns.give)
    status, _, body = raw.answer()
    page = json.loads(body)
    assert (status, page["total"], page["next"], [item["id"] for item in page["items"]]) == (200, MANY, 1, ["u0"])


def test_a_search_of_the_control_api_ends_with_its_client(held):
    """No slice is done for nobody, and what was held for it is let go."""
    raw = searching(held, CONTROL_SCAN)
    held.call(held.scim.turns.give, 1)
    held.wait(lambda: held.scim.turns.asked == 2)
    raw.reset()
    tenant = held.scim.tenants.use("")
    held.call(held.scim.turns.give)
    held.wait(lambda: tenant.store.tables["User"]._readers == 0)
    assert held.scim.turns.asked == 2


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/_mockscim/reset"), ("PUT", "/_mockscim"), ("DELETE", "/_mockscim")]
)
def test_a_reset_ends_a_search_of_the_control_api(held, caplog, method, path):
    """Also one after a write: 409 says why, and nothing is amiss."""
    raw = searching(held, CONTROL_SCAN)
    held.call(held.scim.turns.give, 1)
    held.wait(lambda: held.scim.turns.asked == 2)
    assert held.client.post("/scim/v2/Users", json=a_user()).status_code == 201
    assert held.admin.request(method, path).status_code < 300
    held.call(held.scim.turns.give)
    status, _, body = raw.answer()
    assert status == 409
    assert "reset" in json.loads(body)["detail"]
    assert caplog.records == []


def test_a_client_that_leaves_ends_its_search(held):
    """No slice is done for nobody, and what was held for it is let go."""
    raw = searching(held)
    held.call(held.scim.turns.give, 1)
    held.wait(lambda: held.scim.turns.asked == 2)
    raw.reset()
    tenant = held.scim.tenants.use("")
    [entry] = held.wait_journal() if not held.call(held.scim.turns.give, 1) else ()
    assert (entry["client_gone"], entry["response"]) == (True, None)
    assert held.scim.turns.asked == 2
    assert held.call(lambda: tenant.store.tables["User"]._readers) == 0


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/_mockscim/reset"), ("PUT", "/_mockscim"), ("DELETE", "/_mockscim")]
)
def test_a_reset_cuts_a_search(held, method, path):
    """So does making the tenant anew, or dropping it: what would be answered is of another life."""
    raw = searching(held)
    held.call(held.scim.turns.give, 1)
    held.wait(lambda: held.scim.turns.asked == 2)
    assert held.admin.request(method, path).status_code < 300
    held.call(held.scim.turns.give, 1)
    with pytest.raises(ConnectionResetError):
        raw.everything()


def test_a_stop_does_not_wait_for_a_search(serve, people):
    """Stopping the server cuts what goes on."""
    server = serve(fixture=people)
    server.call(setattr, server.scim, "turns", server.call(HandTurns))
    raw = searching(server)
    server.call(server.scim.stop)
    server.call(server.scim.turns.give)
    with pytest.raises(ConnectionResetError):
        raw.everything()


@pytest.mark.parametrize("target", [SCAN, SORT])
def test_a_search_is_journaled_whole(held, target):
    """Its answer is in the journal as any other."""
    raw = searching(held, target)
    held.call(held.scim.turns.give)
    _, headers, body = raw.answer()
    assert headers["content-type"].startswith("application/scim+json")
    [entry] = held.wait_journal()
    assert (entry["operation"], entry["response"]["status"]) == ("user.list", 200)
    assert entry["response"]["body"]["totalResults"] == MANY
    assert str(MANY).encode() in body


def test_faults_meet_a_search(held):
    """Before and after it as around any other request, and those that serve it otherwise."""
    held.fault({"name": "slow", "type": "latency", "match": {"operation": "user.list"}, "parameters": {"delay": "1ms"}})
    held.fault({**AFTER, "times": 1})
    raw = searching(held)
    held.call(held.scim.turns.give)
    assert raw.answer()[0] == 503
    raw.send(request_bytes("GET", SCAN))
    assert total(raw) == MANY
    faults = [[each["rule"] for each in entry["faults"]] for entry in held.wait_journal(2)]
    assert sorted(faults) == [["slow"], ["slow", "after"]]


AFTER = {
    "name": "after",
    "type": "abort",
    "phase": "after",
    "match": {"operation": "user.list"},
    "parameters": {"status": 503},
}


def test_a_fault_that_serves_otherwise_sees_the_whole(held):
    """A stale list is made in one go, and is right."""
    held.fault(
        {"name": "stale", "type": "stale_read", "match": {"operation": "user.list"}, "parameters": {"seconds": 3600}}
    )
    held.client.delete("/scim/v2/Users/u0")
    found = held.client.get("/scim/v2/Users", params={"filter": 'title sw "t"', "count": 0})
    assert found.json()["totalResults"] == MANY


def test_a_gate_before_the_last_byte_holds_a_search(held):
    """It waits there with its answer, as any request."""
    held.admin.put("/_mockscim/gates/g", json={"match": {"operation": "user.list"}, "at": "before_last_byte"})
    raw = searching(held)
    held.call(held.scim.turns.give)
    assert held.admin.get("/_mockscim/gates/g", params={"wait": "2s"}).json()["waiting"] == 1
    held.admin.delete("/_mockscim/gates/g")
    assert total(raw) == MANY


def test_a_search_that_is_refused_is_refused_at_once(held):
    """What is wrong with a query needs no slice to be told."""
    assert held.client.get("/scim/v2/Users", params={"filter": "nonsense"}).status_code == 400
    assert held.client.get("/scim/v2/Users", params={"filter": 'title sw "t"', "sortBy": "x.y.z"}).status_code == 400
    assert held.scim.turns.asked == 0


def test_searches_take_turns(held):
    """Of two that go on, each gets every other slice."""
    held.call(setattr, held.scim, "turns", held.call(Turns))
    first, second = held.raw(), held.raw()
    first.send(request_bytes("GET", SCAN) + request_bytes("GET", SORT))  # pipelined: one behind the other
    second.send(request_bytes("GET", SCAN))
    assert (total(first), total(second), total(first)) == (MANY, MANY, MANY)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_large_tenant_that_goes_is_let_go_of_bit_by_bit(serve, people, monkeypatch, method):
    """Others are served meanwhile, and nothing of it stays, whatever still refers to it."""
    monkeypatch.setattr("mockscim.server.tenants._LARGE", MANY)
    server = serve(fixture=people)
    old = server.scim.tenants.use("").store
    raw = searching_as_ever(server)
    assert server.admin.request(method, "/_mockscim").status_code < 300
    assert server.client.get("/scim/v2/Users/u1").status_code == 200
    server.wait(
        lambda: not server.call(lambda: old.size or old.tables["User"]._blocks or old.tables["User"].unique["username"])
    )
    assert server.client.get("/scim/v2/Users", params={"count": 0}).json()["totalResults"] == MANY
    raw.close()


def searching_as_ever(server):
    """A connection on which a search goes on at its own pace."""
    return server.raw().send(request_bytes("GET", SCAN))


async def shortly(turns, log, name, count):
    for _ in range(count):
        async with turns.turn():
            log.append(name)


async def test_turns_are_given_in_the_order_of_asking():
    """One slice a round of the loop, whoever waits longest first, and everything else that is due between two."""
    turns, log = Turns(), []
    loop = asyncio.get_running_loop()

    def beat():
        log.append("-")
        if log.count("-") < 40:
            loop.call_soon(beat)

    loop.call_soon(beat)
    await asyncio.gather(shortly(turns, log, "a", 3), shortly(turns, log, "b", 3))
    assert [each for each in log if each != "-"] == list("ababab")
    assert not any(one != "-" and other != "-" for one, other in itertools.pairwise(log))


async def test_a_search_in_the_running_loop(people):
    """An embedded server searches between what else the loop does."""
    import aiohttp

    async with MockScim(fixture=people) as scim, aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {scim.token}"}

        async def ask(path):
            async with session.get(f"{scim.base_url}{path}", headers=headers) as answer:
                return await answer.json()

        found = await asyncio.gather(ask("/Users?filter=title%20sw%20%22t%22&count=0"), ask("/Users/u1"))
        assert (found[0]["totalResults"], found[1]["id"]) == (MANY, "u1")
