"""burst, brownout and outage: failures that come together, slowly, or all at once."""

import time

import httpx
import pytest
from edge import a_user, assert_problem, assert_scim_error
from told import advance, after, history, hits, names, told

from mockscim.faults import Refuse, compile_rule
from mockscim.faults.types.brownout import Brownout

USERS = "/scim/v2/Users"
ZED = "zed@example.com"


def runs(seen):
    """The lengths of the runs of failures."""
    return [len(run) for run in "".join("x" if failed else " " for failed in seen).split()]


def test_bursts_come_together(serve):
    """Failures are few and long: as likely as by chance alone, they would not stand together so."""
    server = serve(seed=5)
    server.fault(after("burst", p_enter=0.05, p_exit=0.2))
    seen = [server.client.get(USERS).status_code == 503 for _ in range(1000)]
    share, mean = sum(seen) / len(seen), sum(runs(seen)) / len(runs(seen))
    assert 0.1 < share < 0.35  # p_enter / (p_enter + p_exit) is 0.2
    assert 3 < mean < 8  # 1 / p_exit is 5; independent failures would have 1.25
    assert hits(server) == sum(seen)


def test_bursts_are_the_same_for_a_seed(serve):
    """And others for another."""

    def story(seed):
        server = serve(seed=seed)
        server.fault("*=burst(0.2)")
        return [server.client.get(USERS).status_code for _ in range(60)]

    assert story(1) == story(1) != story(2)


def test_not_everything_fails_in_a_burst(serve):
    """``error`` is the share that does; a burst may be of resets, and after the commit."""
    server = serve(seed=2)
    rule = after("burst", operation="user.create", p_enter=1, p_exit=0, error=0.5, outcome="reset")
    server.fault({**rule, "phase": "after"})
    lost = []
    for n in range(20):
        try:
            server.client.post(USERS, json=a_user(f"n{n}@example.com"))
        except httpx.TransportError:
            lost.append(n)
    assert 4 < len(lost) < 16
    assert {f"n{n}@example.com" for n in range(20)} <= set(names(server))
    server.admin.delete("/_mockscim/faults")
    server.fault({**rule, "phase": "before", "parameters": {**rule["parameters"], "error": 1}})
    with pytest.raises(httpx.TransportError):
        server.client.post(USERS, json=a_user())
    assert ZED not in names(server)
    told(server, "burst", "reset")


def test_a_burst_takes_probabilities(serve):
    """A chance above 1 is refused."""
    answer = serve().admin.post("/_mockscim/faults", json=after("burst", p_exit=2))
    assert_problem(answer, 400, "/parameters/p_exit")


def test_a_brownout_comes_and_goes(serve):
    """Nothing fails before and after, about half at the worst; what does not fail then waits, in real time."""
    server = serve(clock="virtual", seed=4)
    server.fault(
        {
            **after("brownout", latency="40ms", error=0.5, rise="10m", hold="10m", fall="10m", retry_after=7),
            "start_after": "5m",
        }
    )

    def ask(count=40):
        seen, begun = [], time.perf_counter()
        for _ in range(count):
            answer = server.client.get(USERS)
            seen.append(answer.status_code)
            if answer.status_code == 503:
                assert_scim_error(answer, 503)
                assert answer.headers["Retry-After"] == "7"
        return seen.count(503), time.perf_counter() - begun

    assert ask()[0] == 0
    advance(server, "5m")
    assert ask()[0] == 0
    advance(server, "15m")
    failed, took = ask()
    assert 10 < failed < 30
    assert took > (40 - failed) * 0.02
    assert any(f["outcome"].startswith("latency") for entry in server.journal() for f in entry["faults"])
    advance(server, "20m")
    assert ask()[0] == 0
    struck = hits(server)
    ask()
    assert hits(server) == struck


@pytest.mark.parametrize(
    ("elapsed", "severity"), [(-1, 0), (0, 0), (30, 0.5), (60, 1), (119, 1), (120, 1), (125, 0.5), (130, 0), (999, 0)]
)
def test_how_bad_a_brownout_is(elapsed, severity):
    """It rises, stays and falls in straight lines."""
    assert Brownout(rise=60, hold=60, fall=10).severity(elapsed) == severity


def test_a_brownout_without_an_end_or_a_beginning():
    """Without ``hold`` it stays; without ``rise`` it is there at once; without ``fall`` gone at once."""
    assert Brownout(rise=0).severity(0) == Brownout(rise=0).severity(1e9) == 1
    assert Brownout(rise=0, hold=5).severity(5.1) == 0


def test_a_fall_needs_a_hold(serve):
    """What never ends cannot get better."""
    answer = serve().admin.post("/_mockscim/faults", json=after("brownout", fall="1m"))
    assert_problem(answer, 400, "/parameters/fall")


def test_an_outage_by_the_clock(serve):
    """From 10 minutes on, for 5: a page that is no SCIM, which says when it is over; nothing is done meanwhile."""
    server = serve(clock="virtual")
    server.fault({**after("outage", retry_after="http_date"), "start_after": "10m", "duration": "5m"})
    assert server.client.get(USERS).status_code == 200
    advance(server, "11m")
    away = server.client.post(USERS, json=a_user())
    assert away.status_code == 503
    assert away.headers["Content-Type"].startswith("text/html")
    assert away.headers["Retry-After"] == "Thu, 01 Jan 2026 00:15:00 GMT"
    assert away.headers["Date"] == "Thu, 01 Jan 2026 00:11:00 GMT"
    assert history(server) == []
    told(server, "outage", "503")
    advance(server, "4m")
    assert server.client.post(USERS, json=a_user()).status_code == 201


@pytest.mark.parametrize(("body", "kind"), [("scim", "application/scim+json"), ("html", "text/html"), ("empty", None)])
def test_what_an_outage_says(serve, body, kind):
    """A SCIM Error, a page, or nothing; no Retry-After where no end is known."""
    server = serve()
    server.fault(after("outage", body=body, retry_after="seconds"))
    answer = server.client.get(USERS)
    assert answer.status_code == 503
    assert (answer.headers.get("Content-Type") or "").partition(";")[0] == (kind or "")
    assert "Retry-After" not in answer.headers
    assert bool(answer.content) == (body != "empty")


def test_an_outage_is_for_all(serve):
    """With ``authenticated`` false, a client without a good token meets the load balancer as well."""
    server = serve()
    rule = after("outage")
    server.fault({**rule, "match": {"authenticated": False}})
    assert server.http({}).get(USERS).status_code == 503
    assert server.client.get(USERS).status_code == 503


def test_an_outage_that_refuses(serve):
    """A rule that asks nothing shuts the door for its duration, in real time; then all is well."""
    server = serve()
    client = server.http({"Connection": "close"})
    assert client.get(USERS).status_code == 401
    server.fault({"name": "it", "type": "outage", "parameters": {"how": "refuse"}, "duration": "300ms"})
    with pytest.raises(httpx.ConnectError):
        client.get(USERS)
    server.wait(lambda: _answers(client), 5)


def _answers(client):
    try:
        return client.get(USERS).status_code == 401
    except httpx.ConnectError:
        return False


def test_when_an_outage_refuses():
    """At once where the rule has a window and asks nothing; not where it answers 503."""
    rule = {"type": "outage", "parameters": {"how": "refuse"}, "duration": "2s"}
    assert compile_rule(rule).standing == Refuse(2.0)
    assert compile_rule({**rule, "parameters": {}}).standing is None
    assert compile_rule({**rule, "start_after": "1s"}).standing is None
