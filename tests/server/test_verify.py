"""Verification: exchanges are counted and ordered, and a miss says what came closest and why it is not it."""

import threading
import time

import pytest
from edge import SCIM_JSON
from rfc import WITH_DEVICES
from test_gates import a_user

VERIFY = "/_mockscim/verify"


def verify(server, **expected):
    """Ask, and get the verdict."""
    answer = server.admin.post(VERIFY, json=expected)
    assert answer.status_code == 200, answer.text
    return answer.json()


def create(server, name="ann@example.com", **more):
    """A creation, whatever comes of it."""
    return server.client.post("/scim/v2/Users", json={**a_user(name), **more}, headers=SCIM_JSON)


@pytest.fixture
def lost(serve):
    """A server where one creation was committed and answered 503, and tried again with 409."""
    server = serve(fixture=None, seed=7)
    server.fault({"name": "once", "type": "abort", "parameters": {"status": 503}, "times": 1, "phase": "after",
                  "match": {"operation": "user.create"}})  # fmt: skip
    assert [create(server, externalId="a1").status_code for _ in range(2)] == [503, 409]
    return server


def test_attempts_on_the_wire_are_counted(lost):
    """Both attempts count; committed narrows to the one that changed something, status and fault to others."""
    assert verify(lost, operation="user.create", count=2)["ok"]
    one = verify(lost, operation="user.create", committed=True, count=1)
    assert (one["ok"], one["found"], one["exchanges"]) == (True, 1, [1])
    assert verify(lost, operation="user.create", status=409, count=1)["exchanges"] == [2]
    assert verify(lost, fault="once", count=1)["exchanges"] == [1]
    assert verify(lost, operation="user.*", since=1, count=1)["exchanges"] == [2]


@pytest.mark.parametrize(
    ("bounds", "ok"),
    [
        ({}, True),
        ({"count": 1}, False),
        ({"at_least": 2}, True),
        ({"at_least": 3}, False),
        ({"at_most": 2}, True),
        ({"at_most": 1}, False),
        ({"at_least": 1, "at_most": 3}, True),
        ({"at_most": 0}, False),
    ],
)
def test_bounds(lost, bounds, ok):
    """Exactly, at least, at most, or both ends; without a bound one is enough."""
    assert verify(lost, operation="user.create", **bounds)["ok"] is ok


def test_where_looks_at_the_resource_before_after_and_as_sent(serve):
    """A filter holds for what was sent though it was refused, for what became of a PATCH, and for what was deleted."""
    server = serve(fixture=None)
    made = create(server).json()["id"]
    create(server)  # 409
    path = f"/scim/v2/Users/{made}"
    operations = [{"op": "replace", "path": "title", "value": "Dr"}]
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations}
    server.client.patch(path, json=body, headers=SCIM_JSON)
    server.client.delete(path)
    ann = 'userName eq "ANN@example.com"'
    assert verify(server, operation="user.create", where=ann, count=2)["ok"]
    assert verify(server, operation="user.patch", where='title eq "dr"', count=1)["ok"]
    assert verify(server, operation="user.patch", where="title pr and not (title pr)", count=0)["ok"]
    assert verify(server, operation="user.delete", where='title eq "Dr"', count=1)["ok"]
    assert verify(server, where='userName eq "bob@example.com"', count=0)["ok"]


def test_a_miss_tells_the_closest_criterion_by_criterion(lost):
    """What came closest is told with what is equal and what is not, its fault, its commit, the row, and the seed."""
    where = 'userName eq "ann@example.com" and externalId eq "a2"'
    verdict = verify(lost, operation="user.create", where=where, count=1)
    assert (verdict["ok"], verdict["found"]) == (False, 0)
    lines = verdict["explanation"].splitlines()
    assert lines[0].startswith("expected 1 user.create, where userName eq")
    assert lines[0].endswith("found 0")
    assert lines[1] == "closest of 2 other exchanges:"
    first = lines.index("  #1 POST /Users  user.create  503")
    assert lines[first + 1].split() == ["=", "operation", "user.create"]
    assert lines[first + 2].strip() == '= where      userName eq "ann@example.com"'
    assert lines[first + 3].strip() == '! where      externalId eq "a2", got "a1"'
    assert lines[first + 4].strip() == "fault once (abort, after) struck: 503; committed"
    assert lines[first + 5].strip().startswith("stored: User ")
    assert lines[-1].startswith(
        "reproduce: mockscim serve --profile standard --seed 7 --faults rules.json  # rules.json: {"
    )
    assert '"name":"once"' in lines[-1]


def test_sequences(lost):
    """Operations are to be there in an order, with others between them or not; what is missing is told."""
    lost.client.get("/scim/v2/Users")
    lost.client.get("/scim/v2/Users/nobody")
    there = verify(lost, sequence=["user.create", "user.list", "user.get"])
    assert (there["ok"], there["exchanges"]) == (True, [1, 3, 4])
    wrong = verify(lost, sequence=["user.list", "user.create"])
    assert (wrong["ok"], wrong["found"]) == (False, 1)
    assert "missing: user.create after #3" in wrong["explanation"]
    assert verify(lost, sequence=["user.create", "user.create", "user.create"])["found"] == 2


def test_within_waits_for_what_is_still_to_come(serve):
    """With within the answer comes as soon as it is as expected, or when the time is up."""
    server = serve(fixture=None)
    started = time.monotonic()
    assert not verify(server, operation="user.create", within="30ms")["ok"]
    assert time.monotonic() - started >= 0.03
    client = threading.Timer(0.05, create, [server])
    client.start()
    started = time.monotonic()
    assert verify(server, operation="user.create", count=1, within="5s")["ok"]
    assert time.monotonic() - started < 4
    client.join()


@pytest.mark.parametrize(
    ("expected", "where"),
    [
        ({"where": "("}, "/where"),
        ({"count": -1}, "/count"),
        ({"count": 1, "at_least": 1}, "/at_least"),
        ({"sequence": ["user.get"], "count": 1}, "/sequence"),
        ({"within": "soon"}, "/within"),
        ({"operations": "user.get"}, None),
        ({"operation": "user.creat", "count": 0}, "/operation"),
        ({"sequence": ["user.list", "user.creat"]}, "/sequence/1"),
    ],
)
def test_what_cannot_be_asked_is_refused(serve, expected, where):
    """A wrong question is 400 and says where."""
    answer = serve(fixture=None).admin.post(VERIFY, json=expected)
    assert answer.status_code == 400
    assert where is None or answer.json()["where"] == where


MISSPELT = "'usr.create': did you mean 'user.create'? expected one of "


@pytest.mark.parametrize("root", ["", "/t/other"])
def test_a_misspelt_resource_type_is_refused_wherever_an_operation_is_named(serve, root):
    """By verify, gates and the journal in a rule's own words, in each tenant: it could never be found."""
    admin, here = serve(fixture=None).admin, f"{root}/_mockscim"
    rule = {"type": "drop", "match": {"operation": "usr.create"}}
    for where, answer in {
        "/match/operation": admin.post(f"{here}/faults", json=rule),
        "/operation": admin.post(f"{here}/verify", json={"operation": "usr.create", "count": 0}),
        "/sequence/1": admin.post(f"{here}/verify", json={"sequence": ["*", "usr.create"]}),
    }.items():
        assert (answer.status_code, answer.json()["where"]) == (400, where)
        assert answer.json()["detail"].startswith(f"{where}: {MISSPELT}")
    gate = admin.put(f"{here}/gates/held", json={"match": rule["match"]})
    assert (gate.status_code, gate.json()["where"]) == (400, "/match/operation")
    assert admin.get(f"{here}/gates").json()["items"] == []
    journal = admin.get(f"{here}/journal", params={"operation": "usr.create"})
    assert (journal.status_code, journal.json()["detail"][: len(MISSPELT)]) == (400, MISSPELT)


@pytest.mark.parametrize(
    "operation", ["*", "us*.create", "*.create", "bulk.run", "me.get", "device.create", "device.*"]
)
def test_stars_and_the_resource_types_of_a_tenant_are_operations(serve, operation):
    """Types that a fixture brings are known where it was loaded, and nowhere else."""
    server = serve(fixture=WITH_DEVICES)
    assert verify(server, operation=operation, count=0)["ok"]
    assert server.admin.put("/_mockscim/gates/held", json={"match": {"operation": operation}}).status_code == 200
    assert server.admin.get("/_mockscim/journal", params={"operation": operation}).status_code == 200
    elsewhere = serve(fixture=None).admin.post(VERIFY, json={"operation": operation, "count": 0})
    assert elsewhere.status_code == (400 if operation.startswith("device") else 200)
