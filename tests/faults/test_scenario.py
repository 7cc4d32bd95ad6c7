"""Scenario files."""

import pytest

from mockscim.faults import FaultEngine, FaultError, bundled_scenarios, load_scenario, read_scenario

RULE = b'{"type":"drop","name":"d"}'


@pytest.mark.parametrize(
    ("data", "seed", "count"),
    [
        (b'{"seed":7,"rules":[' + RULE + b"]}", 7, 1),
        (b'{"rules":[]}', None, 0),
        (b'{"description":"x","rules":[' + RULE + b',{"type":"reset"}]}', None, 2),
        (b"[" + RULE + b"]", None, 1),
        (b"[]", None, 0),
        (RULE, None, 1),
        (b'{"sequence":[' + b'{"type":"ok"}' + b"]}", None, 1),
    ],
)
def test_a_scenario_is_seed_and_rules_or_just_rules(data, seed, count):
    """Whole, a bare list, or one rule; all can be loaded."""
    scenario = load_scenario(data, "f.json")
    assert (scenario.seed, len(scenario.rules)) == (seed, count)
    assert len(FaultEngine(1, 0.0, scenario.rules).rules()) == count


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "f.json: line 1, column 1: not JSON"),
        (b'{"rules": [\n  oops]}', "f.json: line 2, column 3: not JSON"),
        (b"\xff", "f.json: line 1"),
        (b"3", "f.json: expected an object"),
        (b"{}", "f.json: /rules: this key is required"),
        (b'{"rules":{}}', "f.json: /rules: expected a list"),
        (b'{"rules":[3]}', "f.json: /rules/0: expected an object"),
        (b'{"rules":[],"sede":1}', "f.json: /sede: unknown key; did you mean 'seed'?"),
        (b'{"rules":[],"seed":"x"}', "f.json: /seed: expected an integer"),
        (b'{"rules":[{"type":"drop"},{"type":"drop","skip":-1}]}', "f.json: /rules/1/skip: expected"),
        (b'[{"type":"nope"}]', "f.json: /0/type: unknown fault type"),
        (b'{"type":"nope"}', "f.json: /type: unknown fault type"),
    ],
)
def test_a_wrong_file_is_named_with_the_place(data, words):
    """Line and column where it is no JSON, else the pointer and what was expected."""
    with pytest.raises(FaultError) as caught:
        load_scenario(data, "f.json")
    assert str(caught.value).startswith(words)


def test_the_bundled_scenarios_load_by_name():
    """They are there, sound, and have a seed and words for people."""
    assert set(bundled_scenarios()) >= {"flaky", "lost-create"}
    for name in bundled_scenarios():
        scenario = read_scenario(name)
        assert scenario.seed is not None
        assert all("name" in rule for rule in scenario.rules)
        assert all((scenario.description, scenario.source, scenario.correct_client))


def test_a_scenario_loads_by_path(tmp_path):
    """The path stands in its errors."""
    file = tmp_path / "mine.json"
    file.write_bytes(RULE)
    assert read_scenario(str(file)).rules[0]["name"] == "d"
    file.write_bytes(b"{")
    with pytest.raises(FaultError, match="mine"):
        read_scenario(str(file))


def test_an_unknown_name_is_answered_with_those_there_are():
    """And with the nearest."""
    with pytest.raises(FaultError, match="did you mean 'flaky'") as caught:
        read_scenario("flakey")
    assert "lost-create" in str(caught.value)


def test_the_lost_create_loses_exactly_the_first_committed_answer(attempt):
    """A create that fails of itself is left alone."""
    scenario = read_scenario("lost-create")
    engine = FaultEngine(scenario.seed, 0.0, scenario.rules)
    decisions = [engine.decide(attempt(commits=lambda c=c: c), 0.0) for c in (False, True, True)]
    assert [(d.terminal is not None, d.phase) for d in decisions] == [
        (False, "before"),
        (True, "after"),
        (False, "before"),
    ]
