"""I8 politeness, I9 bounded amplification, I10 credential hygiene: what the journal alone tells."""

import http.client
import time
from contextlib import closing
from email.utils import formatdate

import pytest
from edge import PATIENCE, TOKEN

from mockscim.invariants.attempts import operations_of
from mockscim.invariants.seen import Seen
from mockscim.journal import Exchange

NEW = "new@example.com"


def wait(it, by):
    """Let the tenant's clock go on."""
    assert it.admin.post("/_mockscim/clock/advance", json={"by": by}).status_code == 200


def limited(it, value="10", status=429, **more):
    """Answer with Retry-After."""
    it.fault("abort", status=status, headers={"Retry-After": value}, **more)


# -- I8 --------------------------------------------------------------------------------------------------------


def test_i8_nobody_told_to_wait(stage):
    """Without Retry-After there is nothing to heed; a garbled, past or far one says nothing."""
    it = stage(clock="virtual")
    it.create(NEW)
    it.idle("I8")
    for value in ("soon", "-1", "0.493", "1700000000", "0", formatdate(0, usegmt=True)):
        limited(it, value, times=1)
        it.create("other@example.com")
        it.create("other@example.com")
        it.calm()
    it.idle("I8")


@pytest.mark.parametrize("status", [429, 503])
def test_i8_waited(stage, status):
    """Who waits as long as was asked for, on the tenant's clock, heeds it; a second too early is no offence."""
    it = stage(clock="virtual")
    limited(it, status=status, times=2)
    it.create(NEW)
    wait(it, "10s")
    it.create(NEW)
    wait(it, "9s")
    it.create(NEW)
    it.held("I8")
    it.incomplete("I8")


def test_i8_the_same_again(stage):
    """Who tries the same again too soon does not."""
    it = stage(clock="virtual")
    limited(it, times=1)
    it.create(NEW)
    wait(it, "5s")
    it.create(NEW)
    what = it.broken("I8", 2)["evidence"][0]["what"]
    assert what.startswith("POST /Users came 5.0")
    assert what.endswith("after #1 was answered 429 with Retry-After: 10")
    it.held("I8", retry_after_slack="5s")


def test_i8_short_waits_are_waits(stage):
    """Of one second at least a half; in real time as well."""
    it = stage()
    limited(it, "1", times=2)
    it.create(NEW)
    it.create(NEW)
    it.broken("I8", 2)
    time.sleep(0.6)
    it.create(NEW)
    it.broken("I8", 2)


def test_i8_a_date(stage):
    """An HTTP-date counts on a real clock, by the second; not on a virtual one."""
    for clock, verdict in (("real", "broken"), ("virtual", "not applicable")):
        it = stage(clock=clock)
        limited(it, formatdate(time.time() + 20, usegmt=True), times=1)
        it.create(NEW)
        it.create(NEW)
        assert it.judge("I8")["verdict"] == verdict


def test_i8_the_next_one(stage):
    """Who never waits, but goes on with the next resource, is impolite; who once gives up is not."""
    it = stage(clock="virtual")
    limited(it)
    for i in range(3):
        it.create(f"user{i}@example.com")
    it.broken("I8", 2, 3)
    it = stage(clock="virtual")
    limited(it, times=4)
    for _ in range(3):
        it.create(NEW)
        wait(it, "10s")
    it.create(NEW)
    it.create("next@example.com")
    it.held("I8")


def test_i8_cycles_and_lost_answers(stage):
    """The next cycle may try again; and who got no answer was told nothing."""
    it = stage(clock="virtual")
    limited(it, times=1)
    with it.cycle():
        it.create(NEW)
    with it.cycle():
        it.create(NEW)
    it.held("I8")


def test_i8_one_by_one(stage):
    """Of several connections at a time only the same request is held against a client."""
    it = stage(clock="virtual")
    other = it.server.http({"Authorization": f"Bearer {TOKEN}"})
    for i in range(2):
        it.find("ann@example.com")
        it.create(f"warm{i}@example.com", other)
    limited(it)
    for i in range(6):
        it.create(f"user{i}@example.com", other if i % 2 else None)
    it.held("I8")


def test_i8_crowd_and_herd():
    """Too many at a time, and too many at once again, by the times they came."""
    from mockscim.invariants.judge import judge
    from mockscim.invariants.parameters import Strictness
    from mockscim.invariants.scene import Scene

    def at(n, began, duration, status=200, body=b""):
        made = Exchange(0.0, "", "POST", "/Users", "", {}, n % 30)
        made.n, made.began, made.duration, made.status, made.body = n, began, duration, status, body
        made.operation, made.client_gone = "user.create", False
        return made

    def verdict(exchanges, **parameters):
        scene = Scene(exchanges, (), (), (), 0.0, parameters=Strictness(only="I8", **parameters))
        (item,) = judge(scene)
        return item["verdict"]

    crowd = [at(n, n * 0.01, 1.0) for n in range(1, 12)]
    assert verdict(crowd, in_flight=10) == "broken"
    assert verdict(crowd, in_flight=11) == "not applicable"
    bodies = [b"%d" % n for n in range(1, 6)]
    first = [at(n, 0.0, 0.001, 503, body) for n, body in enumerate(bodies, 1)]
    again = [at(n + 5, 2.0 + n * 0.001, 0.001, 201, body) for n, body in enumerate(bodies, 1)]
    assert verdict([*first, *again], herd=5) == "broken"
    spread = [at(n + 5, 2.0 + n, 0.001, 201, body) for n, body in enumerate(bodies, 1)]
    assert verdict([*first, *spread], herd=5) == "not applicable"


# -- I9 --------------------------------------------------------------------------------------------------------


def test_i9_attempts(stage):
    """So many attempts for one operation, and no more; a new cycle, or a long pause, begins anew."""
    it = stage(clock="virtual")
    it.idle("I9")
    it.fault("abort", status=503)
    for _ in range(8):
        it.create(NEW)
    it.held("I9")
    wait(it, "2m")
    it.create(NEW)
    it.held("I9")
    with it.cycle():
        for _ in range(8):
            it.create(NEW)
    it.held("I9")
    it.incomplete("I9")


def test_i9_a_loop_of_conflicts(stage):
    """To try what is refused, with look-ups in between, is an attempt like any other."""
    it = stage()
    for _ in range(9):
        it.create("ann@example.com")
        it.find("ann@example.com")
    what = it.broken("I9", 17)["evidence"][0]["what"]
    assert what == "POST /Users was tried 9 times (#1, #3, #5 …), last answer: 409"
    it.held("I9", attempts=9)


def test_i9_polling_is_no_retry(stage):
    """To look again after a good answer is no retry, nor is to write the same after a success."""
    it = stage()
    for _ in range(12):
        it.find(NEW)
        it.patch("/Users/u-1", ("replace", "title", "A"))
    it.held("I9", attempts=1)


def test_i9_all_in_all(stage):
    """Many operations with many attempts each are too many, though none has too many alone."""
    it = stage()
    it.fault("abort", status=503)
    for i in range(20):
        for _ in range(3):
            it.create(f"user{i}@example.com")
    it.held("I9")
    assert "60 attempts for 20" in it.broken("I9", 60, overhead=1.5)["evidence"][0]["what"]


def test_i9_storm(stage):
    """While nothing works, not too much is asked in a second; one success ends it."""
    it = stage()
    it.fault("abort", status=503)
    for i in range(30):
        it.create(f"user{i}@example.com")
    it.broken("I9", 21, storm=20)
    it.find(NEW)
    it.held("I9", storm=30)


def test_i9_endless_reading(stage):
    """A reading that brings nothing new ends some time."""
    it = stage()
    for start in range(1, 60, 6):
        it.send("GET", "/Users", params={"startIndex": start, "count": 5})
    assert "9 further pages of users" in it.broken("I9", 10)["evidence"][0]["what"]
    it = stage()
    for _ in range(12):
        it.send("GET", "/Users")
    assert "the same page" in it.broken("I9", 11)["evidence"][0]["what"]


def an_exchange(n, connection, began, method="PUT", **more):
    """An exchange that lasted a millisecond."""
    made = Exchange(0.0, "", method, "/Users/1", "", {"User-Agent": "x"}, connection)
    made.n, made.began, made.duration, made.status = n, began, 0.001, 200
    made.operation, made.client_gone = "user.replace", False
    for name, value in more.items():
        setattr(made, name, value)
    return Seen(made)


LOST = {"status": None, "cut": True}


@pytest.mark.parametrize(
    ("again", "resent"),
    [
        ({}, True),
        ({"connection": 1}, False),
        ({"began": 2.5}, False),
        ({"_headers": {"User-Agent": "y"}}, False),
        ({"method": "PATCH"}, False),
    ],
)
def test_what_a_library_sends_again(again, resent):
    """The same request at once on another connection, after a kept one died, is no attempt of the client's own."""
    method = again.pop("method", "PUT")
    began = again.pop("began", 1.01)
    first = an_exchange(1, 1, 0.0, body=b"before")
    lost = an_exchange(2, 1, 1.0, method, **LOST)
    after = an_exchange(3, again.pop("connection", 2), began, method, **again)
    *_, operation = operations_of([first, lost, after], 60.0)
    assert ([s.n for s in operation.attempts], [s.n for s in operation.resent]) == (
        ([2], [3]) if resent else ([2, 3], [])
    )


def test_a_new_connection_is_not_resent():
    """On a connection that had served nothing before, the library does not try again; and it does so only once."""
    lost, after = an_exchange(2, 1, 1.0, **LOST), an_exchange(3, 2, 1.01)
    (operation,) = operations_of([lost, after], 60.0)
    assert len(operation.attempts) == 2
    first = an_exchange(1, 1, 0.0, body=b"before")
    again = an_exchange(3, 2, 1.01, **LOST)
    last = an_exchange(4, 3, 1.02)
    operation = operations_of([first, lost, again, last], 60.0)[-1]
    assert ([s.n for s in operation.attempts], [s.n for s in operation.resent]) == ([2, 4], [3])


async def test_aiohttp_sends_again(stage):
    """What aiohttp's client really does is told so."""
    import aiohttp

    it = stage()
    it.fault("drop", "user.delete", "before", times=1)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.get(f"{it.server.root}/scim/v2/Users") as answer:
            await answer.read()
        async with session.delete(f"{it.server.root}/scim/v2/Users/u-1") as answer:
            assert answer.status == 204
    assert len(it.server.journal()) == 3
    assert it.held("I9")["why"] == "at most 1 attempts for an operation, 1 sent again by the HTTP library"


# -- I10 -------------------------------------------------------------------------------------------------------


def bad(it):
    """A client whose token is none."""
    return it.server.http({"Authorization": "Bearer wrong"})


def test_i10_heeded(stage):
    """A refused token is tried once more, perhaps."""
    it = stage()
    it.create(NEW)
    it.idle("I10")
    client = bad(it)
    for _ in range(2):
        client.get("/scim/v2/Users")
    it.held("I10")
    it.incomplete("I10")


def test_i10_over_and_over(stage):
    """A third time is one too many, whatever is asked; in a new cycle it begins anew."""
    it = stage()
    client = bad(it)
    for path in ("Users", "Groups", "Users/u-1"):
        client.get(f"/scim/v2/{path}")
    what = it.broken("I10", 3)["evidence"][0]["what"]
    assert what == "2 further requests with a token refused at #1, the last GET /Users/u-1"
    it.held("I10", after_401=2)
    with it.cycle():
        client.get("/scim/v2/Users")
    it.broken("I10", 3)


def test_i10_connections(stage):
    """What was under way on other connections does not count; what comes later does."""
    it = stage()
    for _ in range(4):
        bad(it).get("/scim/v2/Users")
    it.held("I10")
    time.sleep(0.12)
    for _ in range(2):
        bad(it).get("/scim/v2/Users")
    it.broken("I10")


def test_i10_a_connection_for_each(stage):
    """Who opens a connection for each request, one after the other, had read the refusal, however quick it is."""
    it = stage()
    for _ in range(3):
        with closing(http.client.HTTPConnection("127.0.0.1", it.server.port, timeout=PATIENCE)) as each:
            each.request("GET", "/scim/v2/Users", headers={"Authorization": "Bearer wrong"})
            assert each.getresponse().status == 401
    it.broken("I10")


def test_i10_flapping(stage):
    """A good token that is refused now and then may be tried again."""
    it = stage()
    it.fault("abort", "user.get", status=401, times=4)
    for _ in range(4):
        it.send("GET", "/Users/u-1")
    it.broken("I10", 4)
    assert it.send("GET", "/Users/u-1").status_code == 200
    it.held("I10")


def test_i10_stampede(serve, stage):
    """One renewal is enough."""
    from mockscim.server.oauth import Client

    it = stage(clients=(Client("app", "secret", ("read", "write")),))
    form = {"grant_type": "client_credentials", "client_id": "app", "client_secret": "secret"}
    assert it.server.http({}).post("/oauth/token", data=form).status_code == 200
    it.held("I10")
    time.sleep(0.12)
    assert it.server.http({}).post("/oauth/token", data=form).status_code == 200
    it.held("I10")
    it.server.http({}).post("/oauth/token", data=form)
    it.broken("I10", 3)


def test_i10_another_origin(stage):
    """A token does not follow where an answer points."""
    it = stage()
    it.fault("abort", "user.get", status=307, headers={"Location": "http://elsewhere.example.com/scim/v2/Users/u-1"})
    it.send("GET", "/Users/u-1")
    it.held("I10")
    it.calm()
    it.send("GET", "/Users/u-1", headers={"Host": "elsewhere.example.com"})
    assert "elsewhere.example.com, which #1 had named" in it.broken("I10", 2)["evidence"][0]["what"]
