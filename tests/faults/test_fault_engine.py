"""The engine: which fault a request gets."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockscim.faults import NO_FAULT, Delay, Drop, FaultEngine, FaultError, Reset, Respond, compile_rules
from mockscim.faults.draw import Draw, uniform

DROP = {"type": "drop", "name": "d"}


def fires(engine, attempt, count, now=0.0):
    """Whether each of so many equal requests is hit."""
    return [engine.decide(attempt, now).terminal is not None for _ in range(count)]


def test_without_rules_nothing_happens(attempt):
    """The shared answer for nothing comes back."""
    assert FaultEngine(1, 0.0).decide(attempt(), 0.0) is NO_FAULT


def test_a_rule_about_something_else_does_nothing(attempt):
    """Not matching costs no match and gives the shared answer."""
    engine = FaultEngine(1, 0.0, [{**DROP, "match": {"operation": "group.*"}}])
    assert engine.decide(attempt("user.create"), 0.0) is NO_FAULT
    assert engine.describe("d")["matches"] == 0


def test_a_hit_says_what_it_is(attempt):
    """Effect, phase, and a line for the journal."""
    rule = {"name": "a", "type": "abort", "parameters": {"status": 503}, "phase": "after"}
    decision = FaultEngine(1, 0.0, [rule]).decide(attempt(), 0.0)
    assert isinstance(decision.terminal, Respond)
    assert decision.phase == "after"
    assert decision.applied == (("a", "abort", "after", "503"),)
    assert decision.applied[0].rule == "a"


def test_the_first_terminal_fault_wins_and_latency_adds_up(attempt):
    """Later terminal rules are not asked; latencies before and behind the terminal one all count."""
    engine = FaultEngine(
        1,
        0.0,
        [
            {"name": "l1", "type": "latency", "parameters": {"delay": "50ms"}},
            {"name": "r", "type": "reset", "phase": "after"},
            {"name": "d", "type": "drop"},
            {"name": "l2", "type": "latency", "parameters": {"delay": "25ms"}},
            {"name": "l3", "type": "latency", "parameters": {"delay": "1s"}, "phase": "after"},
        ],
    )
    decision = engine.decide(attempt(), 0.0)
    assert decision.delay_before == pytest.approx(0.075)
    assert decision.delay_after == 1.0
    assert (decision.terminal, decision.phase) == (Reset(), "after")
    assert [(a.rule, a.outcome) for a in decision.applied] == [
        ("l1", "latency 50ms"),
        ("r", "reset"),
        ("l2", "latency 25ms"),
        ("l3", "latency 1s"),
    ]
    assert engine.describe("d")["matches"] == 0
    assert engine.describe("r")["hits"] == 1


def test_a_terminal_rule_that_does_not_fire_leaves_the_next_its_turn(attempt):
    """The first that fires, not the first that matches."""
    engine = FaultEngine(1, 0.0, [{"name": "never", "type": "reset", "probability": 0}, DROP])
    assert engine.decide(attempt(), 0.0).terminal == Drop()


def test_skip_counts_matches_and_times_counts_hits(attempt):
    """Two pass, three are hit, the rest passes; the listing has the counts."""
    engine = FaultEngine(1, 0.0, [{**DROP, "skip": 2, "times": 3}])
    assert fires(engine, attempt(), 8) == [False, False, True, True, True, False, False, False]
    assert engine.describe("d") | {"hits": 3, "matches": 8} == engine.describe("d")


def test_times_counts_hits_not_rolls(attempt):
    """A match that chance let through uses nothing up."""
    engine = FaultEngine(1, 0.0, [{**DROP, "probability": 0.2, "times": 5}])
    assert sum(fires(engine, attempt(), 500)) == 5


def test_requests_that_do_not_match_are_not_counted(attempt):
    """Skip is about matches of the rule, whatever comes between."""
    engine = FaultEngine(1, 0.0, [{**DROP, "skip": 1, "match": {"operation": "user.get"}}])
    assert fires(engine, attempt("user.get"), 1) == [False]
    assert fires(engine, attempt("user.list"), 5) == [False] * 5
    assert fires(engine, attempt("user.get"), 1) == [True]


def test_probability_is_kept_and_not_constant(attempt):
    """0.3 over 2,000 matches is 0.3, in no simple pattern."""
    hits = fires(FaultEngine(7, 0.0, [{**DROP, "probability": 0.3}]), attempt(), 2000)
    assert sum(hits) / 2000 == pytest.approx(0.3, abs=0.05)
    runs = sum(1 for a, b in pairwise(hits) if a != b) / 1999
    assert runs == pytest.approx(2 * 0.3 * 0.7, abs=0.05)


@pytest.mark.parametrize(("probability", "expected"), [(0, False), (0.0, False), (1, True), (1.0, True)])
def test_probability_zero_never_and_one_always(attempt, probability, expected):
    """The ends are exact."""
    assert set(fires(FaultEngine(1, 0.0, [{**DROP, "probability": probability}]), attempt(), 300)) == {expected}


def test_the_same_seed_decides_the_same(attempt):
    """Twice the same decisions, drawn delays included; another seed, others."""
    rules = [
        {**DROP, "probability": 0.3},
        {"name": "l", "type": "latency", "parameters": {"lower": "1ms", "upper": "1s"}, "probability": 0.5},
    ]

    def run(seed):
        engine = FaultEngine(seed, 0.0, rules)
        return [engine.decide(attempt(), 0.0) for _ in range(200)]

    assert run(7) == run(7)
    assert run(7) != run(8)


def test_names_make_rules_independent(attempt):
    """Two rules that differ in name alone hit different requests; agreement is what chance gives."""
    one = fires(FaultEngine(7, 0.0, [{**DROP, "name": "a", "probability": 0.5}]), attempt(), 2000)
    two = fires(FaultEngine(7, 0.0, [{**DROP, "name": "b", "probability": 0.5}]), attempt(), 2000)
    assert sum(a == b for a, b in zip(one, two, strict=True)) / 2000 == pytest.approx(0.5, abs=0.05)


def test_other_rules_and_requests_leave_a_rule_alone(attempt):
    """The n-th match is decided alike, whatever happens between."""
    rule = {**DROP, "probability": 0.4, "match": {"operation": "user.get"}}
    alone = fires(FaultEngine(3, 0.0, [rule]), attempt("user.get"), 100)
    noise = {"name": "n", "type": "latency", "parameters": {"lower": 0, "upper": 1}, "probability": 0.5}
    busy = FaultEngine(3, 0.0, [noise, rule])
    seen = []
    for _ in range(100):
        busy.decide(attempt("user.list"), 0.0)
        seen.append(busy.decide(attempt("user.get"), 0.0).terminal is not None)
    assert seen == alone


def test_the_window_is_on_the_clock_it_is_told(attempt):
    """Idle before start_after and from its end on; the start belongs to it, the end does not."""
    engine = FaultEngine(1, 100.0, [{**DROP, "start_after": "5s", "duration": "30s"}])
    request = attempt()
    for now, expected in ((100.0, False), (104.9, False), (105.0, True), (134.9, True), (135.0, False), (99.0, False)):
        assert fires(engine, request, 1, now) == [expected], now
    assert engine.describe("d")["matches"] == 2


def test_the_ramp_grows_from_nothing_to_full(attempt):
    """Never at its start, half as often in its middle, always at its end."""
    engine = FaultEngine(1, 0.0, [{**DROP, "ramp": "10s", "start_after": "10s"}])
    assert sum(fires(engine, attempt(), 200, 10.0)) == 0
    assert sum(fires(engine, attempt(), 1000, 15.0)) == pytest.approx(500, abs=60)
    assert all(fires(engine, attempt(), 200, 20.0))


def test_a_ramp_makes_latency_likelier_not_longer(attempt):
    """The delay is whole from the first hit."""
    rule = {"name": "l", "type": "latency", "parameters": {"delay": "1s"}, "ramp": "10s"}
    engine = FaultEngine(1, 0.0, [rule])
    delays = {engine.decide(attempt(), 5.0).delay_before for _ in range(100)}
    assert delays == {0.0, 1.0}


SEQUENCE = {
    "name": "s",
    "sequence": [
        {"type": "abort", "parameters": {"status": 503}},
        {"type": "ok"},
        {"type": "latency", "parameters": {"delay": 1}, "phase": "after"},
        {"type": "truncate"},
    ],
}


def outcomes(engine, attempt, count):
    """The outcome of each of so many equal requests, or None."""
    decisions = [engine.decide(attempt, 0.0) for _ in range(count)]
    return [decision.applied[0].outcome if decision.applied else None for decision in decisions]


def test_a_sequence_gives_successive_answers(attempt):
    """The n-th match gets the n-th answer, ok lets through, and so does all that follows."""
    engine = FaultEngine(1, 0.0, [SEQUENCE])
    assert outcomes(engine, attempt(), 6) == ["503", None, "latency 1s", "truncate at 50%", None, None]
    described = engine.describe("s")
    assert (described["matches"], described["hits"]) == (6, 3)
    assert "phase" not in described


def test_a_sequence_has_an_envelope_of_its_own(attempt):
    """Skip comes before the first answer, times ends it early, each step keeps its own phase."""
    engine = FaultEngine(1, 0.0, [{**SEQUENCE, "skip": 1, "times": 2}])
    assert outcomes(engine, attempt(), 6) == [None, "503", None, "latency 1s", None, None]
    engine = FaultEngine(1, 0.0, [SEQUENCE])
    decisions = [engine.decide(attempt(), 0.0) for _ in range(4)]
    assert [d.applied[0].phase for d in decisions if d.applied] == ["before", "after", "after"]
    assert decisions[2].delay_after == 1.0


def test_a_sequence_of_latencies_adds_to_a_terminal_fault(attempt):
    """Only a sequence with a terminal step steps back."""
    slow = {"name": "slow", "sequence": [{"type": "latency", "parameters": {"delay": 1}}]}
    engine = FaultEngine(1, 0.0, [DROP, slow, {**SEQUENCE, "name": "t"}])
    decision = engine.decide(attempt(), 0.0)
    assert (decision.terminal, decision.delay_before) == (Drop(), 1.0)
    assert engine.describe("t")["matches"] == 0


def test_rules_are_added_put_and_removed(attempt):
    """Order is that of adding; putting keeps the place and begins anew."""
    engine = FaultEngine(1, 0.0)
    engine.add({"type": "latency", "parameters": {"delay": 0}, "name": "l"}, 0.0)
    engine.add(DROP, 0.0)
    assert fires(engine, attempt(), 1) == [True]
    engine.put("l", {"type": "reset"}, 0.0)
    assert [rule.name for rule in engine.rules()] == ["l", "d"]
    assert engine.decide(attempt(), 0.0).terminal == Reset()
    assert engine.describe("l")["matches"] == 1
    engine.remove("l")
    assert engine.decide(attempt(), 0.0).terminal == Drop()
    assert engine.get("d").name == "d"
    engine.clear()
    assert engine.rules() == ()
    assert engine.decide(attempt(), 0.0) is NO_FAULT


def test_an_unknown_name_is_a_key_error():
    """For getting, describing and removing."""
    engine = FaultEngine(1, 0.0)
    for call in (engine.get, engine.describe, engine.remove):
        with pytest.raises(KeyError):
            call("none")


def test_a_taken_name_cannot_be_added_and_put_cannot_rename():
    """Both are told at /name, and nothing changes."""
    engine = FaultEngine(1, 0.0, [DROP])
    with pytest.raises(FaultError) as caught:
        engine.add({"type": "reset", "name": "d"}, 0.0)
    assert caught.value.pointer == "/name"
    with pytest.raises(FaultError) as caught:
        engine.put("d", {"type": "reset", "name": "e"}, 0.0)
    assert caught.value.pointer == "/name"
    assert [rule.document["type"] for rule in engine.rules()] == ["drop"]


def test_replace_and_extend_are_all_or_nothing():
    """One wrong rule among several changes nothing and is pointed at."""
    engine = FaultEngine(1, 0.0, [DROP])
    for change in (engine.replace, engine.extend):
        with pytest.raises(FaultError) as caught:
            change([{"type": "reset"}, {"type": "nope"}], 0.0)
        assert caught.value.pointer == "/1/type"
        assert [rule.name for rule in engine.rules()] == ["d"]
    engine.extend([{"type": "reset"}, {"type": "reset"}], 0.0)
    assert [rule.name for rule in engine.rules()] == ["d", "any-reset-1", "any-reset-2"]
    engine.replace([], 0.0)
    assert engine.rules() == ()


def test_reset_goes_back_to_the_start_rules(attempt):
    """Rules of the run are gone, counters at zero, windows begin anew, and all repeats."""
    engine = FaultEngine(5, 0.0, [{**DROP, "probability": 0.5, "duration": "10s"}])
    first = fires(engine, attempt(), 50)
    engine.add({"type": "reset"}, 0.0)
    engine.remove("d")
    engine.reset(1000.0)
    assert [rule.name for rule in engine.rules()] == ["d"]
    assert engine.describe("d")["matches"] == 0
    assert fires(engine, attempt(), 50, 1005.0) == first
    engine.set_start([{"type": "reset", "name": "r"}], 0.0)
    engine.clear()
    engine.reset(0.0)
    assert [rule.name for rule in engine.rules()] == ["r"]


def test_compiled_rules_are_shared_between_engines(attempt):
    """Each engine counts for itself."""
    rules = compile_rules([{**DROP, "times": 1}])
    one, two = FaultEngine(1, 0.0, rules), FaultEngine(1, 0.0, rules)
    assert fires(one, attempt(), 2) == [True, False]
    assert fires(two, attempt(), 2) == [True, False]
    with pytest.raises(FaultError):
        one.extend(rules, 0.0)


def test_a_listing_can_be_sent_back(attempt):
    """What describe gives is taken as a rule; its counts are ignored."""
    engine = FaultEngine(1, 0.0, [{**DROP, "match": {"operation": "user.*"}, "times": 3}, SEQUENCE])
    fires(engine, attempt(), 2)
    listing = [engine.describe(rule) for rule in engine.rules()]
    engine.replace(listing, 0.0)
    assert [engine.describe(rule) for rule in engine.rules()] == [{**line, "hits": 0, "matches": 0} for line in listing]


def test_many_kinds_of_operation_do_not_fill_the_memory(attempt):
    """What is remembered by operation is bounded."""
    engine = FaultEngine(1, 0.0, [DROP])
    for index in range(2000):
        assert engine.decide(attempt(f"t{index}.get"), 0.0).terminal == Drop()
    assert len(engine._covering) <= 512


def test_the_wait_of_a_decision_is_in_seconds(attempt):
    """A drawn delay is what the journal says, to a thousandth of a millisecond."""
    rule = {"name": "l", "type": "latency", "parameters": {"lower": "20ms", "upper": "80ms"}}
    decision = FaultEngine(1, 0.0, [rule]).decide(attempt(), 0.0)
    assert 0.02 <= decision.delay_before < 0.08
    assert Delay(decision.delay_before).outcome == decision.applied[0].outcome


@given(st.integers(), st.text(max_size=20), st.integers(1, 10**9), st.integers(0, 10))
def test_a_uniform_number_is_in_its_range_and_stable(seed, rule, match, index):
    """Never 1.0, and the same every time."""
    number = uniform(seed, rule, match, index)
    assert 0.0 <= number < 1.0
    assert uniform(seed, rule, match, index) == number


def test_draws_of_one_hit_differ_and_repeat():
    """Counter after counter; a choice reaches every value."""
    draw = Draw(1, "r", 1)
    numbers = [draw.uniform() for _ in range(100)]
    assert len(set(numbers)) == 100
    again = Draw(1, "r", 1)
    assert [again.uniform() for _ in range(100)] == numbers
    assert {Draw(1, "r", match).choice("abc") for match in range(50)} == set("abc")
