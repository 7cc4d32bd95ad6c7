"""The judge over the control API: marks, what is desired, parameters, and the whole answer."""

import pytest
from edge import assert_problem
from stage import people

from mockscim.invariants.parameters import IDS

NEW = "new@example.com"


def test_the_whole_answer(stage):
    """All thirteen in order, each with a verdict, why, and its definition; how to begin again."""
    it = stage(seed=5)
    it.create(NEW)
    it.fault("latency", delay="1ms", name="slow")
    answer = it.admin.get("/_mockscim/invariants").json()
    assert [item["id"] for item in answer["items"]] == list(IDS)
    assert {item["verdict"] for item in answer["items"]} == {"held", "not applicable"}
    assert all(item["why"] and len(item["definition"]) > 100 and item["name"] for item in answer["items"])
    assert (answer["next"], answer["broken"], answer["exchanges"], answer["seed"]) == (None, [], 1, 5)
    assert answer["reproduce"] == (
        "mockscim serve --profile standard --seed 5 --fixture small.json --faults rules.json"
        '  # rules.json: {"rules":[{"name":"slow","type":"latency","parameters":{"delay":"1ms"},'
        '"match":{"operation":"user.create"},"phase":"before"}]}'
    )


def test_nothing_has_happened(stage):
    """Before anything happens nothing is broken, and nothing is held."""
    answer = stage(fixture=None).admin.get("/_mockscim/invariants").json()
    assert {item["verdict"] for item in answer["items"]} == {"not applicable"}


def test_parameters(stage):
    """Some invariants, and how strict; what is no parameter is refused, with its name."""
    it = stage()
    it.send("DELETE", "/Users/u-1")
    answer = it.admin.get("/_mockscim/invariants", params={"only": "i6, I1", "max_deletes": 0}).json()
    assert [(item["id"], item["verdict"]) for item in answer["items"]] == [("I1", "not applicable"), ("I6", "broken")]
    assert answer["broken"] == ["I6"]
    for name, value in (("only", "I14"), ("attempts", "many"), ("attempts", "0"), ("pause", "soon"), ("within", "-1")):
        assert_problem(it.admin.get("/_mockscim/invariants", params={name: value}), 400, f"/{name}")
    assert_problem(it.admin.get("/_mockscim/invariants", params={"patience": 1}), 400, "/patience")
    assert it.judge("I9", pause="2m", storm=5, overhead="1.5", within="40m")["verdict"] == "held"


def test_evidence_is_bounded(stage):
    """So many pieces of evidence, and how many more there are."""
    it = stage()
    it.desire(people(*(f"user{i}@example.com" for i in range(5))))
    item = it.judge("I3", evidence=2, extra="false")
    assert (len(item["evidence"]), item["more"]) == (2, 3)


def test_judged_once(stage):
    """POST judges by what it brings, and keeps nothing of it."""
    it = stage()
    body = {"desired": {"users": people(NEW)}, "parameters": {"only": "I3", "extra": False}}
    answer = it.admin.post("/_mockscim/invariants", json=body)
    assert answer.json()["broken"] == ["I3"]
    it.idle("I3")
    assert_problem(it.admin.post("/_mockscim/invariants", json={"parameters": {"only": "x"}}), 400, "/only")
    assert_problem(it.admin.post("/_mockscim/invariants", json={"desired": {"users": [{"id": 1}]}}), 400, "/users/0/id")
    assert_problem(it.admin.post("/_mockscim/invariants", json={"wanted": {}}), 400, "/wanted")
    assert it.admin.post("/_mockscim/invariants").status_code == 200


def test_desired(stage):
    """It can be looked at, taken away, and goes with a reset."""
    it = stage()
    assert_problem(it.admin.get("/_mockscim/desired"), 404)
    assert it.desire(people(NEW), [{"displayName": "Red", "members": [NEW]}]) == {"desired": 2}
    assert it.admin.get("/_mockscim/desired").json() == {
        "users": people(NEW),
        "groups": [{"displayName": "Red", "members": [NEW]}],
    }
    assert it.admin.delete("/_mockscim/desired").status_code == 204
    it.idle("I3")
    it.desire(people(NEW))
    assert it.admin.post("/_mockscim/reset").status_code == 204
    it.idle("I3")
    assert_problem(it.admin.put("/_mockscim/desired", content=b"{"), 400, "1:2")


def test_marks(stage):
    """Begin and end, numbered or not, with where they stand; they go with a reset."""
    it = stage(clock="virtual")
    it.create(NEW)
    expected = {"cycle": 1, "event": "begin", "reported": None, "journal": 1, "history": 1}
    assert it.mark("begin") == {**expected, "time": "2026-01-01T00:00:00.000Z"}
    assert it.mark("end", note="other keys are welcome", reported={"failed": 2, "moved": 1})["reported"] == {
        "success": None,
        "succeeded": None,
        "failed": 2,
        "ids": None,
    }
    assert it.mark("begin", 7)["cycle"] == 7
    assert it.mark("begin")["cycle"] == 8  # the other never came to its end
    found = it.admin.get("/_mockscim/marks").json()["items"]
    assert [(m["cycle"], m["event"]) for m in found] == [(1, "begin"), (1, "end"), (7, "begin"), (8, "begin")]
    it.admin.post("/_mockscim/reset")
    assert it.admin.get("/_mockscim/marks").json()["items"] == []


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        ({"event": "end"}, 409, "/event"),
        ({"event": "middle"}, 400, "/event"),
        ({}, 400, "/event"),
        ({"event": "begin", "cycle": -1}, 400, "/cycle"),
        ({"event": "end", "reported": {"failed": [1]}}, 400, "/reported/failed/0"),
    ],
)
def test_marks_that_are_none(stage, body, status, where):
    """What is no mark is refused, and where."""
    assert_problem(stage().admin.post("/_mockscim/marks", json=body), status, where)


def test_another_cycle_cannot_end(stage):
    """The cycle that began is the one that ends."""
    it = stage()
    it.mark("begin", 1)
    assert_problem(it.admin.post("/_mockscim/marks", json={"event": "end", "cycle": 2}), 409, "/event")


def test_a_cleared_journal_is_incomplete(stage):
    """What was forgotten on purpose is missing as well, until a reset."""
    it = stage()
    it.create(NEW)
    it.held("I9")
    it.admin.delete("/_mockscim/journal")
    it.create("next@example.com")
    item = it.judge("I9")
    assert item["why"].startswith("incomplete: the journal dropped 1 exchanges; in what is left: ")
    it.admin.post("/_mockscim/reset")
    it.create(NEW)
    it.held("I9")


def test_bulk_is_read(stage):
    """The operations of a bulk job are the client's writes, one by one."""
    it = stage()
    urn = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"

    def operation(bulk_id, name, **more):
        data = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, **more}
        return {"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data}

    operations = [operation("a", "a@example.com", externalId="x"), operation("b", "b@example.com", externalId="x")]
    operations.append({"method": "DELETE", "path": "/Users/u-1"})
    assert it.send("POST", "/Bulk", {"schemas": [urn], "Operations": operations}).status_code == 200
    it.desire([*people("ann@example.com"), *people("a@example.com")])
    it.held("I2")
    it.broken("I1", 1)
    it.broken("I6", 1)


def test_all_kinds_of_requests_are_judged(stage):
    """Whatever was sent, garbled, unknown or refused, the judge reads it."""
    it = stage()
    it.mark("begin")
    for method, path, body in (
        ("POST", "/Users", ["no", "object"]),
        ("PATCH", "/Users/u-1", {"Operations": "none"}),
        ("PATCH", "/Groups/g-1", {"Operations": [1, {"op": 2, "path": 3, "value": [4, {"value": 5}]}]}),
        ("PUT", "/Groups/g-1", {"displayName": 1, "members": "x"}),
        ("POST", "/Bulk", {"Operations": [{"method": 1, "path": 2, "data": 3}, 4]}),
        ("POST", "/Users/.search", {"filter": 1, "count": "x"}),
        ("GET", "/Nowhere", None),
        ("DELETE", "/", None),
        ("GET", "/Me", None),
        ("PATCH", "/Me", {"Operations": []}),
    ):
        it.send(method, path, body)
    it.client.post("/scim/v2/Users", content=b"\xff{", headers={"Content-Type": "application/scim+json"})
    it.send("GET", "/Users?startIndex=x&count=&filter=")
    it.mark("end", reported={"success": True, "succeeded": ["?"], "failed": []})
    it.desire(people("ann@example.com"))
    answer = it.admin.get("/_mockscim/invariants")
    assert answer.status_code == 200, answer.text
