"""What the control API says of a body that is not as it should be, and scenarios by their names."""

import pytest
from edge import assert_problem

from mockscim.faults import bundled_scenarios

PATCH = {"type": "User", "id": "u-1", "patch": [{"op": "replace", "path": "title", "value": "Dr"}]}


@pytest.mark.parametrize(
    ("method", "path", "body", "where", "words"),
    [
        ("PUT", "", {"profil": "segment"}, "/profil", "unknown key; did you mean 'profile'? expected one of profile, "),
        ("PUT", "", {"seed": "7"}, "/seed", "expected an integer or null, got text"),
        ("PUT", "", {"accept": ["a", 1]}, "/accept/1", "expected text, got an integer"),
        ("PUT", "", {"clock": {"mod": "real"}}, "/clock/mod", "did you mean 'mode'? expected one of mode, now"),
        ("PUT", "", {"tokens": [{"scopes": ["reed"]}]}, "/tokens/0/scopes/0", "did you mean 'read'? expected one of"),
        ("PUT", "", {"faults": "flakey"}, "/faults", "there is no scenario 'flakey': did you mean 'flaky'? expected"),
        ("PUT", "", {"faults": 7}, "/faults", "expected text or a list or null, got an integer"),
        ("PUT", "", {"faults": [{"type": "drip"}, {"type": "nosuch"}]}, "/faults/1/type", "unknown fault type"),
        ("PUT", "", {"profile": {"behavior": {}}}, None, "/behavior: unknown key; did you mean 'behaviour'?"),
        ("POST", "/clock/advance", {"to": "2030-01-01T00:00:00Z"}, "/to", "unknown key; expected by"),
        ("POST", "/clock/advance", {}, "/by", "this key is required"),
        ("PUT", "/clock", {"mode": 1}, "/mode", "expected text, got an integer"),
        ("POST", "/tokens", {"scopes": ["admin"]}, "/scopes/0", "expected one of read, write, got 'admin'"),
        ("POST", "/tokens", {"scope": "read"}, "/scope", "unknown key; did you mean 'scopes'?"),
        ("DELETE", "/tokens", {"name": "x"}, "/name", "unknown key; expected token"),
        ("POST", "/explain", PATCH, "/patch", "expected an object or null, got a list"),
        ("POST", "/explain", {"filtre": "x"}, "/filtre", "unknown key; did you mean 'filter'?"),
        ("POST", "/verify", {"count": "1"}, "/count", "expected an integer or null, got text"),
        ("PUT", "/gates/g", {"at": "befor_commit"}, "/at", "did you mean 'before_commit'? expected one of received"),
        ("POST", "/reset", "flakey", None, "there is no scenario 'flakey': did you mean 'flaky'? expected one of "),
        ("PUT", "/faults", {"scenario": "../small"}, "/scenario", "there is no scenario '../small'"),
    ],
)
def test_a_wrong_body_is_told_with_its_place_and_what_was_expected(server, method, path, body, where, words):
    """The place, the nearest name that there is, and the names or values that there are; nothing is changed."""
    before = server.admin.get("/_mockscim/fixture").content
    answer = server.admin.request(method, f"/_mockscim{path}", json=body)
    detail = assert_problem(answer, 400, where)["detail"]
    assert words in detail
    assert "`" not in detail
    assert server.admin.get("/_mockscim/fixture").content == before


@pytest.mark.parametrize("body", ["flaky", {"scenario": "flaky"}])
@pytest.mark.parametrize(("method", "path"), [("POST", "/reset"), ("PUT", "/faults"), ("POST", "/faults")])
def test_a_scenario_is_known_by_its_name(server, method, path, body):
    """Its rules are in force as if they had been sent, after a reset too."""
    answer = server.admin.request(method, f"/_mockscim{path}", json=body)
    assert answer.status_code in (200, 201, 204), answer.text
    named = [rule["name"] for rule in server.admin.get("/_mockscim/faults").json()["items"]]
    server.admin.put("/_mockscim/faults", content=bundled_scenarios()["flaky"].read_bytes())
    assert [rule["name"] for rule in server.admin.get("/_mockscim/faults").json()["items"]] == named != []


def test_a_tenant_is_made_with_a_scenario(server):
    """By name, with the scenario's seed unless another is given; the rules are back after a reset."""
    for document, seed in (({"faults": "lost-create"}, 7), ({"faults": "lost-create", "seed": 3}, 3)):
        made = server.admin.put("/t/mine/_mockscim", json=document)
        assert made.status_code == 200, made.text
        assert made.json()["seed"] == seed
        rules = server.admin.get("/t/mine/_mockscim/faults").json()["items"]
        assert rules
        server.admin.delete("/t/mine/_mockscim/faults")
        server.admin.post("/t/mine/_mockscim/reset")
        again = server.admin.get("/t/mine/_mockscim/faults").json()["items"]
        assert [rule["name"] for rule in again] == [rule["name"] for rule in rules]
