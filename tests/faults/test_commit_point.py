"""Faults about whether, when and how often a write is committed: what the client is told, and what is true."""

import json

import httpx
import pytest
from edge import a_user, assert_scim_error
from told import a_group, advance, after, changed, history, hits, lost, names, patch, stored, told

USERS = "/scim/v2/Users"
GROUPS = "/scim/v2/Groups"
ANN = f"{USERS}/u-1"
ZED = "zed@example.com"


@pytest.fixture
def timed(serve):
    """A server with a virtual clock."""
    return serve(clock="virtual")


# -- lost_ack ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["500", "502", "503", "504", 503])
def test_lost_ack_behind_a_status(server, outcome):
    """The user is made, and a gateway's error comes instead of the answer."""
    server.fault(after("lost_ack", "user.create", outcome=outcome))
    assert_scim_error(server.client.post(USERS, json=a_user()), int(outcome))
    entry = told(server, "lost_ack", str(outcome))
    assert entry["faults"][0]["phase"] == "after"
    assert changed(server, entry) == [("create", entry["resource"]["id"])]
    assert ZED in names(server)


@pytest.mark.parametrize(
    ("outcome", "error", "said"),
    [
        ("drop", httpx.RemoteProtocolError, "drop"),
        ("reset", httpx.ReadError, "reset"),
        ("truncate", httpx.RemoteProtocolError, "truncate at 50%"),
        ("hang", httpx.ReadTimeout, "hang"),
    ],
)
def test_lost_ack_on_the_wire(server, outcome, error, said):
    """The user is made, and the connection breaks, stops or hangs; the retry is a conflict."""
    server.fault({**after("lost_ack", "user.create", outcome=outcome), "times": 1})
    with pytest.raises(error):
        server.client.post(USERS, json=a_user(), timeout=0.2)
    entry = told(server, "lost_ack", said)
    assert changed(server, entry) == [("create", entry["resource"]["id"])]
    assert_scim_error(server.client.post(USERS, json=a_user()), 409, "uniqueness")


def test_lost_ack_by_its_short_form(server):
    """``lost_ack(reset)`` is the rule of the contract's example."""
    rule = server.fault("user.create=lost_ack(reset)")
    assert (rule["parameters"], rule["phase"]) == ({"outcome": "reset"}, "after")
    lost(server.client.post, USERS, json=a_user())
    assert ZED in names(server)
    assert server.admin.post("/_mockscim/faults", json={**after("lost_ack"), "phase": "before"}).status_code == 400


# -- late_commit ---------------------------------------------------------------------------------------------------


def test_late_commit(timed):
    """A create that timed out is not there, and lands when its time has come, in the history of its exchange."""
    timed.fault({**after("late_commit", delay="30s"), "times": 1})
    assert_scim_error(timed.client.post(USERS, json=a_user()), 504)
    assert not told(timed, "late_commit", "504, commits after 30s")["committed"]
    advance(timed, "29s")
    assert ZED not in names(timed)
    advance(timed, "5s")
    assert ZED in names(timed)
    entry = timed.journal()[0]
    ((operation, id_),) = changed(timed, entry)
    assert operation == "create"
    assert history(timed)[0]["time"] == "2026-01-01T00:00:30.000Z"
    assert timed.client.get(f"{USERS}/{id_}").json()["meta"]["created"] == "2026-01-01T00:00:30.000Z"
    assert_scim_error(timed.client.post(USERS, json=a_user()), 409, "uniqueness")


def test_late_commit_that_comes_too_late(timed):
    """A late create of what has been made meanwhile is refused, and leaves nothing."""
    timed.fault({**after("late_commit", "user.create", delay="30s", reply="drop"), "times": 1})
    lost(timed.client.post, USERS, json=a_user())
    made = timed.client.post(USERS, json=a_user()).json()["id"]
    advance(timed, "1m")
    first, second = timed.journal()
    assert (changed(timed, first), changed(timed, second)) == ([], [("create", made)])
    assert names(timed).count(ZED) == 1


def test_late_commit_overwrites_what_came_after(timed):
    """A late PATCH lands on top of a newer one."""
    timed.fault({**after("late_commit", "user.patch"), "times": 1})
    assert timed.client.patch(ANN, json=patch(("replace", "title", "old"))).status_code == 504
    assert timed.client.patch(ANN, json=patch(("replace", "title", "new"))).status_code == 200
    assert stored(timed)["u-1"]["title"] == "new"
    advance(timed, "31s")
    assert stored(timed)["u-1"]["title"] == "old"


def test_late_commit_while_its_client_hangs(timed):
    """What lands while the request hangs is told of in its journal entry."""
    timed.fault(after("late_commit", "user.create", reply="hang"))
    raw_client = timed.http(dict(timed.client.headers))
    lost(raw_client.post, USERS, json=a_user(), timeout=0.05)
    advance(timed, "31s")
    (entry,) = timed.wait_journal()
    assert [operation for operation, _ in changed(timed, entry)] == ["create"]


def test_late_commit_and_reset(timed):
    """A reset cancels what has not landed; and reads are never late."""
    timed.fault(after("late_commit"))
    assert timed.client.get(ANN).status_code == 200
    assert hits(timed) == 0
    timed.client.delete(ANN)
    timed.admin.post("/_mockscim/reset")
    advance(timed, "1h")
    assert "u-1" in stored(timed)
    assert history(timed) == []


# -- phantom_ack ---------------------------------------------------------------------------------------------------


def test_phantom_create(server):
    """A create is answered with id and body, and was never stored; its id and version come to nobody else."""
    server.fault({**after("phantom_ack"), "times": 1})
    answer = server.client.post(USERS, json=a_user())
    assert answer.status_code == 201
    assert answer.json()["userName"] == ZED
    assert not changed(server, told(server, "phantom_ack", "never stored"))
    assert_scim_error(server.client.get(answer.headers["Location"]), 404)
    assert history(server) == []
    again = server.client.post(USERS, json=a_user())
    assert again.status_code == 201
    assert again.json()["id"] != answer.json()["id"]
    assert again.headers["ETag"] != answer.headers["ETag"]


def test_phantom_delete_and_member(server):
    """A deletion and a new member that were acknowledged never were."""
    server.fault(after("phantom_ack"))
    before = server.client.get(f"{GROUPS}/g-1").json()
    assert server.client.delete(f"{USERS}/u-3").status_code == 204
    answer = server.client.patch(f"{GROUPS}/g-1", json=patch(("add", "members", [{"value": "u-2"}])))
    assert "u-2" in [member["value"] for member in answer.json()["members"]]
    assert server.client.get(f"{GROUPS}/g-1").json() == before
    assert server.client.get(f"{USERS}/u-3").json()["groups"]
    assert history(server) == []
    assert hits(server) == 2


def test_phantom_strikes_only_what_would_be_done(server):
    """Reads, refusals and writes that change nothing are no hits."""
    server.fault(after("phantom_ack"))
    server.client.get(ANN)
    server.client.post(USERS, json=a_user("ann@example.com"))
    server.client.patch(ANN, json=patch(("replace", "active", True)))
    assert hits(server) == 0


def test_phantom_kept_for_a_while(timed):
    """A user is there for so long, in groups too, and then is lost: the history says so, under the same exchange."""
    timed.fault({**after("phantom_ack", keep_for="10s"), "times": 1})
    id_ = timed.client.post(USERS, json=a_user()).json()["id"]
    told(timed, "phantom_ack", "lost after 10s")
    add = timed.client.patch(f"{GROUPS}/g-2", json=patch(("add", "members", [{"value": id_}])))
    assert add.status_code == 200
    advance(timed, "9s")
    assert timed.client.get(f"{USERS}/{id_}").status_code == 200
    advance(timed, "1s")
    assert_scim_error(timed.client.get(f"{USERS}/{id_}"), 404)
    assert changed(timed, timed.journal()[0]) == [("create", id_), ("delete", id_), ("update", "g-2")]
    assert id_ not in [member["value"] for member in stored(timed, "groups")["g-2"]["members"]]


@pytest.mark.parametrize("touched", [False, True])
def test_phantom_change_kept_for_a_while(timed, touched):
    """A change goes back to what was before, with a version of its own, unless somebody built upon it."""
    timed.fault({**after("phantom_ack", "user.patch", keep_for="10s"), "times": 1})
    first = timed.client.patch(ANN, json=patch(("replace", "title", "Chief"))).headers["ETag"]
    if touched:
        timed.client.patch(ANN, json=patch(("replace", "nickName", "Annie")))
    advance(timed, "10s")
    assert stored(timed)["u-1"].get("title") == ("Chief" if touched else None)
    assert timed.client.get(ANN).headers["ETag"] != first
    assert changed(timed, timed.journal()[0]) == [("update", "u-1")] * (1 if touched else 2)


def test_phantom_delete_for_a_while(timed):
    """One who was deleted comes back, into the groups too; not where the name is another's by then."""
    timed.fault({**after("phantom_ack", "user.delete", keep_for="10s"), "times": 2})
    before = timed.client.get(f"{GROUPS}/g-1").json()["members"]
    assert timed.client.delete(ANN).status_code == 204
    advance(timed, "10s")
    assert timed.client.get(ANN).json()["userName"] == "ann@example.com"
    assert timed.client.get(f"{GROUPS}/g-1").json()["members"] == before
    timed.client.delete(ANN)
    timed.client.post(USERS, json=a_user("ann@example.com"))
    advance(timed, "10s")
    assert_scim_error(timed.client.get(ANN), 404)
    assert names(timed).count("ann@example.com") == 1


def test_phantom_deactivation_at_segment(serve):
    """Where users leave, the account outside is taken back too."""
    server = serve("segment", clock="virtual")
    server.fault({**after("phantom_ack", "user.deactivate", keep_for="10s"), "times": 1})
    assert server.client.patch(ANN, json=patch(("replace", "active", False))).status_code == 200
    assert_scim_error(server.client.get(ANN), 404)
    advance(server, "10s")
    assert server.client.get(ANN).json()["active"] is True
    assert set(stored(server, "accounts")) == {"u-4"}


# -- duplicate_delivery --------------------------------------------------------------------------------------------


def test_duplicate_delivery_of_a_group(server):
    """A group, whose name need not be unique, is made as often as it is delivered, all for one exchange."""
    server.fault({**after("duplicate_delivery", copies=2), "times": 1})
    answer = server.client.post(GROUPS, json=a_group())
    assert answer.status_code == 201
    entry = told(server, "duplicate_delivery", "2 copies")
    made = changed(server, entry)
    assert [operation for operation, _ in made] == ["create"] * 3
    assert made[0][1] == answer.json()["id"]
    found = server.client.get(GROUPS, params={"filter": 'displayName eq "Sales"'}).json()
    assert found["totalResults"] == 3


@pytest.mark.parametrize(("reorder", "status", "said"), [(False, 201, "1 copy"), (True, 409, "1 copy, reordered")])
def test_duplicate_delivery_of_a_user(server, reorder, status, said):
    """A user is made once; if the copy overtakes, the client hears of the conflict with it."""
    server.fault({**after("duplicate_delivery", "user.create", reorder=reorder), "times": 1})
    assert server.client.post(USERS, json=a_user()).status_code == status
    assert [operation for operation, _ in changed(server, told(server, "duplicate_delivery", said))] == ["create"]
    assert names(server).count(ZED) == 1


def test_duplicate_delivery_later(timed):
    """A copy that comes later undoes what was written between; named in If-Match, the version saves it."""
    timed.fault({**after("duplicate_delivery", "user.patch", gap="5s"), "times": 2})
    timed.client.patch(ANN, json=patch(("replace", "title", "old")))
    first = told(timed, "duplicate_delivery", "1 copy every 5s")
    assert len(first["changes"]) == 1
    etag = timed.client.get(f"{USERS}/u-2").headers["ETag"]
    safe = timed.client.patch(f"{USERS}/u-2", json=patch(("replace", "title", "old")), headers={"If-Match": etag})
    assert safe.status_code == 200
    for id_ in ("u-1", "u-2"):
        timed.client.patch(f"{USERS}/{id_}", json=patch(("replace", "title", "new")))
    advance(timed, "5s")
    assert [stored(timed)[id_]["title"] for id_ in ("u-1", "u-2")] == ["old", "new"]
    assert changed(timed, timed.journal()[0]) == [("update", "u-1")] * 2
    assert timed.client.get(ANN).status_code == 200


def test_duplicate_delivery_refuses_a_gap_with_reorder(server):
    """What overtakes comes at once."""
    answer = server.admin.post("/_mockscim/faults", json=after("duplicate_delivery", gap="5s", reorder=True))
    assert (answer.status_code, answer.json()["where"]) == (400, "/parameters/reorder")


# -- reordered_delivery --------------------------------------------------------------------------------------------


def titled(server, title, id_="u-1", **more):
    """PATCH a title."""
    return server.client.patch(f"{USERS}/{id_}", json=patch(("replace", "title", title)), **more)


def test_reordered_delivery(timed):
    """Two writes are answered as done in their order, and applied in the other, each for its own exchange."""
    timed.fault({**after("reordered_delivery"), "times": 2})
    first, second = titled(timed, "first"), titled(timed, "second")
    assert [answer.json()["title"] for answer in (first, second)] == ["first", "second"]
    told(timed, "reordered_delivery", "held, window 2")
    assert stored(timed)["u-1"]["title"] == "first"
    entries = timed.journal()
    assert [changed(timed, entry) for entry in entries] == [[("update", "u-1")]] * 2
    assert [change["journal"] for change in history(timed)] == [2, 1]


def test_what_is_held_is_not_there_yet(timed):
    """Until the window is full nothing is committed; a second write is answered on top of the first."""
    timed.fault(after("reordered_delivery", "user.*", window=3))
    timed.client.patch(ANN, json=patch(("replace", "title", "Chief")))
    answer = timed.client.patch(ANN, json=patch(("replace", "nickName", "Annie")))
    assert (answer.json()["title"], answer.json()["nickName"]) == ("Chief", "Annie")
    assert "title" not in timed.client.get(ANN).json()
    assert history(timed) == []
    assert timed.client.delete(ANN).status_code == 204
    # One of the six orders that is not theirs: whatever comes behind the deletion is lost.
    assert "u-1" not in stored(timed)
    assert len({change["journal"] for change in history(timed)} & {1, 2}) < 2


def test_reordered_delivery_is_for_each_resource(timed):
    """Writes of others do not fill a window, and a create is never held."""
    timed.fault(after("reordered_delivery"))
    titled(timed, "x", "u-1")
    titled(timed, "x", "u-2")
    timed.client.post(USERS, json=a_user())
    assert [change["operation"] for change in history(timed)] == ["create"]
    assert hits(timed) == 2


def test_reordered_delivery_when_fewer_come(timed):
    """After the time-out what there is is applied, as of then, also out of order; and the next window begins anew."""
    timed.fault(after("reordered_delivery", window=3, wait="4s"))
    titled(timed, "first")
    titled(timed, "second")
    advance(timed, "3s")
    assert history(timed) == []
    advance(timed, "7s")
    assert stored(timed)["u-1"]["title"] == "first"
    assert {change["time"] for change in history(timed)} == {"2026-01-01T00:00:04.000Z"}
    titled(timed, "third")
    advance(timed, "3s")
    assert stored(timed)["u-1"]["title"] == "first"
    advance(timed, "1s")
    assert stored(timed)["u-1"]["title"] == "third"


def test_reordered_delivery_keeps_the_order_of_if_match(timed):
    """A write that names its version is not held: what waits is applied in order before it."""
    timed.fault(after("reordered_delivery", window=3))
    held = titled(timed, "first")
    titled(timed, "second")
    assert_scim_error(titled(timed, "third", headers={"If-Match": held.headers["ETag"]}), 412)
    assert stored(timed)["u-1"]["title"] == "second"
    assert [change["journal"] for change in history(timed)] == [1, 2]
    fresh = timed.client.get(ANN).headers["ETag"]
    assert titled(timed, "third", headers={"If-Match": fresh}).status_code == 200
    assert stored(timed)["u-1"]["title"] == "third"


def test_reordered_delivery_and_refusals(timed):
    """What is refused is refused at once, and holds nothing up; a reset drops what is held."""
    timed.fault(after("reordered_delivery"))
    assert_scim_error(timed.client.patch(ANN, json=patch(("replace", "userName", "bjorn@example.com"))), 409)
    assert_scim_error(titled(timed, "x", "u-9"), 404)
    titled(timed, "first")
    timed.admin.post("/_mockscim/reset")
    advance(timed, "1h")
    assert history(timed) == []
    assert "title" not in stored(timed)["u-1"]


@pytest.mark.parametrize("removed", [False, True])
def test_reordered_delivery_outlives_its_rule(timed, removed):
    """What was answered as done is done, also when the rule has been taken away."""
    timed.fault(after("reordered_delivery"))
    titled(timed, "first")
    if removed:
        assert timed.admin.delete("/_mockscim/faults/it").status_code == 204
    advance(timed, "5s")
    assert stored(timed)["u-1"]["title"] == "first"


# -- the seed ----------------------------------------------------------------------------------------------------


def test_two_runs_are_alike(serve):
    """Same seed, same requests: the same answers and the same history, whatever these faults draw."""

    def one_run(seed):
        server = serve(seed=seed, clock="virtual")
        for kind, more in (("reordered_delivery", {"window": 4}), ("duplicate_delivery", {}), ("phantom_ack", {})):
            server.fault({**after(kind, "user.*", **more), "name": kind, "probability": 0.6})
        client = server.http({**server.client.headers, "Host": "same.test"})
        seen = [client.post(USERS, json=a_user(f"user{i}@example.com")).text for i in range(6)]
        seen += [client.patch(ANN, json=patch(("replace", "title", f"t{i}"))).text for i in range(12)]
        advance(server, "1m")
        return json.dumps(history(server)), seen

    first, second, third = one_run(7), one_run(7), one_run(8)
    assert first == second
    assert first != third
