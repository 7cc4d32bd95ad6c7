"""The system's clock is set back while the server runs, or a virtual one by whoever tests: nothing breaks."""

import time
import types

import pytest
from edge import AUTH, PATCH_OP, a_rule, a_user

import mockscim.clock
from mockscim.clock import Clock, parse_instant

DAY = 86_400.0


@pytest.fixture
def system(monkeypatch):
    """The system's time, which a test may set: ``system.offset``."""
    made = types.SimpleNamespace(offset=0.0)
    made.time = lambda: time.time() + made.offset
    monkeypatch.setattr(mockscim.clock, "time", made)
    return made


def rename(name):
    return {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "displayName", "value": name}]}


def test_time_goes_on(system):
    """A real clock stands where it was when the system's goes back, goes on from there, and follows it forward."""
    clock = Clock()
    before = clock.now()
    system.offset = -DAY
    after = clock.now()
    assert 0 <= after - before < 5
    system.offset += 60
    assert 60 <= clock.now() - after < 65
    system.offset -= DAY
    assert 60 <= clock.now() - after < 65


def test_dates_and_versions_keep_their_order(serve, system):
    """What is changed after the step is newer than what was before it, in meta, history and journal."""
    client = serve().client
    made = client.post("/scim/v2/Users", json=a_user()).json()
    system.offset = -DAY
    changed = client.patch(f"/scim/v2/Users/{made['id']}", json=rename("Zed")).json()
    later = client.post("/scim/v2/Users", json=a_user("late@example.com")).json()
    assert changed["meta"]["created"] <= changed["meta"]["lastModified"] <= later["meta"]["created"]
    assert changed["meta"]["version"] != made["meta"]["version"]
    for page in ("history", "journal"):
        times = [parse_instant(item["time"]) for item in client.get(f"/_mockscim/{page}").json()["items"]]
        assert times == sorted(times)
        assert abs(times[-1] - time.time()) < 5


def test_a_cursor_goes_on(serve, system):
    """A page that was begun before the step is gone on with, and no resource comes twice."""
    client = serve(fixture="people-100").client
    first = client.get("/scim/v2/Users?cursor&count=60").json()
    system.offset = -DAY
    second = client.get(f"/scim/v2/Users?cursor={first['nextCursor']}&count=60").json()
    ids = [user["id"] for page in (first, second) for user in page["Resources"]]
    assert len(ids) == len(set(ids)) == 100


def test_a_token_ends_when_it_was_to_end(serve, system):
    """A token for a minute is good for that minute and no day longer."""
    server = serve()
    token = server.admin.post("/_mockscim/tokens", json={"expires_in": "1m"}).json()["token"]
    client = server.http({"Authorization": f"Bearer {token}"})
    system.offset = -DAY
    assert client.get("/scim/v2/Users").status_code == 200
    system.offset += 61
    assert client.get("/scim/v2/Users").status_code == 401


def test_limits_windows_and_late_commits_go_on(serve, system):
    """A bucket fills again, a window closes and a late commit comes in the time that they were told."""
    server = serve()
    client = server.client
    server.fault(a_rule("rate_limit", operation="user.list", limit=1, window="10s"))
    server.fault(
        {"type": "abort", "parameters": {"status": 503}, "match": {"operation": "group.list"}, "duration": "10s"}
    )
    server.fault(
        {"type": "late_commit", "parameters": {"delay": "10s"}, "phase": "after", "match": {"operation": "user.create"}}
    )
    assert [client.get("/scim/v2/Users").status_code for _ in range(2)] == [200, 429]
    system.offset = -DAY
    client.post("/scim/v2/Users", json=a_user())
    assert client.get("/scim/v2/Groups").status_code == 503
    system.offset += 11
    assert client.get("/scim/v2/Groups").status_code == 200
    assert client.get("/scim/v2/Users").status_code == 200
    assert "zed@example.com" in server.users()


@pytest.mark.parametrize("now", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z"])
def test_a_virtual_clock_may_be_set_anywhere(serve, now):
    """At the ends of all dates everything answers, and what was begun before the step is refused at worst."""
    server = serve(fixture="people-100", clock="virtual:2026-01-01T00:00:00Z")
    client = server.client
    server.fault(a_rule("rate_limit", operation="user.get", limit=1, window="10s"))
    token = server.admin.post("/_mockscim/tokens", json={"expires_in": "1h"}).json()["token"]
    made = client.post("/scim/v2/Users", json=a_user()).json()
    client.get(f"/scim/v2/Users/{made['id']}")
    cursor = client.get("/scim/v2/Users?cursor&count=2").json()["nextCursor"]
    assert server.admin.put("/_mockscim/clock", json={"now": now}).status_code == 200
    answers = [
        client.post("/scim/v2/Users", json=a_user("late@example.com")),
        client.patch(f"/scim/v2/Users/{made['id']}", json=rename("Zed")),
        client.get(f"/scim/v2/Users/{made['id']}"),
        client.get(f"/scim/v2/Users?cursor={cursor}&count=2"),
        client.get("/scim/v2/Users?cursor&count=2"),
        client.get(f'/scim/v2/Users?filter=meta.lastModified gt "{now}"'),
        server.http({"Authorization": f"Bearer {token}"}).get("/scim/v2/Users"),
        server.admin.post("/_mockscim/tokens", json={"expires_in": "1h"}),
        *(server.admin.get(f"/_mockscim/{each}") for each in ("journal", "history", "invariants", "tokens", "faults")),
        client.delete(f"/scim/v2/Users/{made['id']}"),
        server.admin.post("/_mockscim/reset"),
        server.http(AUTH).get("/scim/v2/Users"),
    ]
    assert [answer.status_code for answer in answers if answer.status_code >= 500] == []
    assert answers[0].status_code == 201
