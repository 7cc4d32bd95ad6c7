"""The words of a sweep: outcomes, phases, cases and their order."""

import textwrap

import pytest
from test_mock_messages import same

from mockscim import error
from mockscim.client.sweeping.arrival import as_desired
from mockscim.client.sweeping.cases import Request, cases_of, chosen, requests_of, spread
from mockscim.client.sweeping.course import reported_by
from mockscim.client.sweeping.outcomes import read_outcomes
from mockscim.faults import FaultError, all_types, compile_rule

BOTH = ("before", "after")


def status(number, **more):
    """The step that answers with a status."""
    return {"type": "abort", "parameters": {"status": number, **more}}


def hang(**parameters):
    """The step that hangs."""
    return {"type": "hang", "parameters": parameters}


@pytest.mark.parametrize(
    ("given", "name", "step"),
    [
        ("503", "503", status(503)),
        (418, "418", status(418)),
        ("429", "429", status(429, retry_after=1)),
        ("429(retry_after=30)", "429(retry_after=30)", status(429, retry_after=30)),
        (error(429, headers={"A": "x"}), '429(headers={"A":"x"})', status(429, headers={"A": "x"})),
        (error(500, detail="No."), '500(detail="No.")', status(500, detail="No.")),
        (" reset ", "reset", {"type": "reset", "parameters": {}}),
        ("close", "close", {"type": "drop", "parameters": {}}),
        ("CONNECTION_RESET_BY_PEER", "CONNECTION_RESET_BY_PEER", {"type": "reset", "parameters": {}}),
        ("hang(20ms)", "hang(20ms)", hang(seconds="20ms")),
        ({"type": "hang"}, "hang", hang()),
        ({"type": "hang", "seconds": 1}, "hang(seconds=1)", hang(seconds=1)),
        ({"type": "hang", "parameters": {"seconds": 1}}, "hang(seconds=1)", hang(seconds=1)),
    ],
)
def test_an_outcome_may_be_said_in_several_ways(given, name, step):
    """A status, a type of fault with or without arguments, a step of a sequence, or a document; each strikes twice."""
    (outcome,) = read_outcomes(given, BOTH)
    assert outcome == (name, step, BOTH)


def test_an_outcome_strikes_in_the_phases_that_it_can():
    """Those of its type, of those that are asked for; or the one that it says itself."""
    found = read_outcomes(["503", "truncate", "conflict(hidden)", error(500, phase="after")], BOTH)
    assert [outcome.phases for outcome in found] == [BOTH, ("after",), ("before",), ("after",)]
    assert [outcome.phases for outcome in read_outcomes(["503", "truncate"], "after")] == [("after",), ("after",)]
    with pytest.raises(ValueError, match=r"'truncate' strikes after only, and phases are before"):
        read_outcomes("truncate", ["before"])


REFUSED = {
    "unknown": ("resett", BOTH),
    "unknown type": ({"type": "503"}, BOTH),
    "twice": (["reset", "reset"], BOTH),
    "probability": ("reset:0.3", BOTH),
    "times": ("503(times=2)", BOTH),
    "match": ({"type": "reset", "operation": "user.create"}, BOTH),
    "status": ("999", BOTH),
    "argument": ("reset(3)", BOTH),
    "no type": ({"status": 503}, BOTH),
    "value": ({"type": "hang", "seconds": "soon"}, BOTH),
    "none": ([], BOTH),
    "phase": ("503", "during"),
    "no phase": ("503", []),
}


def test_what_is_no_outcome_is_told():
    """Each mistake is named, with what would be right."""
    lines = []
    for name, (outcomes, phases) in REFUSED.items():
        with pytest.raises((ValueError, TypeError)) as caught:
            read_outcomes(outcomes, phases)
        text = str(caught.value).partition(" close, abort,")[0]  # and all other types of fault
        lines += textwrap.wrap(f"{name}: {text}", 100)
    same("sweep-outcomes", "\n".join(lines))


def test_every_type_of_fault_is_an_outcome_that_can_be_a_rule():
    """By its name alone, unless it has to be told something; at one request, in a phase that it has."""
    for kind in all_types():
        try:
            compile_rule({"type": kind.name})
        except FaultError:
            with pytest.raises(ValueError, match=f"outcome '{kind.name}'"):
                read_outcomes(kind.name, BOTH)
            continue
        (outcome,) = read_outcomes(kind.name, BOTH)
        for case in cases_of([request(3, matches=5)], [outcome], ["*"]):
            rule = compile_rule(case.rule("sweep"))
            assert rule.step(6).phase == case.phase
            assert rule.step(7) is None


def request(number, operation="user.create", refinements=(), matches=None):
    """A request of a clean run."""
    return Request(number, number - 1 if matches is None else matches, operation, refinements, operation)


def entry(operation, *faults, **more):
    """An entry of a journal."""
    return {
        "operation": operation,
        "refinements": [],
        "method": "GET",
        "path": "",
        "faults": [{"rule": name} for name in faults],
        **more,
    }


def test_requests_are_counted_by_what_a_rule_sees():
    """One that no rule can be about is none; operations of a bulk job count as matches, not as requests."""
    found = requests_of(
        [
            entry("user.create", "sweep"),
            entry(None),
            entry("bulk.run", "sweep", "x", "sweep", "sweep"),
            entry("", "sweep"),
        ],
        "sweep",
    )
    assert [(each.n, each.matches, each.label) for each in found] == [
        (1, 0, "user.create GET /"),
        (2, 1, "bulk.run GET /"),
        (3, 4, "? GET /"),
    ]


def test_cases_are_by_request_phase_and_outcome():
    """All of them in that order; only for the operations, or refinements, that are asked for."""
    outcomes = read_outcomes(["503", "truncate"], BOTH)
    requests = [request(1), request(2, "user.patch", ("user.deactivate",)), request(3, "group.list")]
    assert [case.id for case in cases_of(requests, outcomes, ["*"])][:4] == [
        "1:before:503",
        "1:after:503",
        "1:after:truncate",
        "2:before:503",
    ]
    for pattern, numbers in (("user.*", {1, 2}), ("user.deactivate", {2}), ("*.list", {3}), ("user.delete", set())):
        assert {case.request.n for case in cases_of(requests, outcomes, [pattern])} == numbers
    assert [case.id for case in chosen(cases_of(requests, outcomes, ["*"]), ["3:after", "1:before:503"])] == [
        "1:before:503",
        "3:after:503",
        "3:after:truncate",
    ]
    with pytest.raises(ValueError, match="requests are none"):
        chosen([], ["1"])


def test_every_beginning_of_the_spread_order_is_even():
    """No request is struck twice more often than another; the order is that of the seed, and has all cases once."""
    cases = cases_of([request(number) for number in range(1, 8)], read_outcomes(["503", "reset", "drop"], BOTH), ["*"])
    ordered = spread(cases, 7)
    assert sorted(ordered, key=cases.index) == cases
    for end in range(1, len(ordered)):
        counts = [sum(case.request.n == number for case in ordered[:end]) for number in range(1, 8)]
        assert max(counts) - min(counts) <= 1
    assert len({case.outcome.name for case in ordered[:7]}) > 1
    assert spread(cases, 7) == ordered
    assert spread(cases, 8) != ordered


def test_where_the_clean_run_arrived_is_told_in_the_ids_of_another():
    """What has a name is found by it, wherever it is referred to; what was there before keeps its id."""
    arrived = {
        "users": [
            {"id": "1", "userName": "Ann@example.com", "meta": {}, "groups": [], "title": "1"},
            {"id": "2", "userName": "bea@example.com", "urn:x": {"manager": {"value": "1", "$ref": "../Users/1"}}},
            {"id": "0", "userName": "zoe@example.com"},
        ],
        "groups": [{"id": "3", "displayName": "Staff", "members": [{"value": "1"}, {"value": "2"}, {"value": "0"}]}],
        "resources": {"/Devices": [{"id": "4", "serial": "x"}]},
    }
    now = {
        "users": [{"id": "7", "userName": "ann@example.com"}, {"id": "2", "userName": "cyd@example.com"}],
        "groups": [{"id": "1", "displayName": "staff"}],
    }
    lost = "of-the-clean-run-2"
    assert as_desired(arrived, now, frozenset({"0"})) == {
        "users": [
            {"id": "7", "userName": "Ann@example.com", "title": "1"},
            {"id": lost, "userName": "bea@example.com", "urn:x": {"manager": {"value": "7", "$ref": "../Users/7"}}},
            {"id": "0", "userName": "zoe@example.com"},
        ],
        "groups": [{"id": "1", "displayName": "Staff", "members": [{"value": "7"}, {"value": lost}, {"value": "0"}]}],
        "resources": {"/Devices": [{"id": "4", "serial": "x"}]},
    }


@pytest.mark.parametrize(
    ("result", "reported"),
    [
        (None, {}),
        ("done", {}),
        ({"rows": 3}, {}),
        ({"success": True, "rows": 3}, {"success": True}),
        ({"success": "yes", "succeeded": 3, "failed": ("b", "a")}, {"succeeded": 3, "failed": ["a", "b"]}),
        ({"succeeded": True, "failed": [1], "ids": {"a": 1}}, {}),
        ({"ids": {"a": "1"}}, {"ids": {"a": "1"}}),
    ],
)
def test_what_a_client_returns_may_be_its_report(result, reported):
    """The keys of a report that hold what they may; all else says nothing."""
    assert reported_by(result) == reported
