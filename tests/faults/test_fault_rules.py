"""Rules: the envelope, its names, its errors, and what a match covers."""

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockscim.faults import FaultEngine, FaultError, Rule, compile_rule, compile_rules
from mockscim.faults.match import glob

ABORT = {"type": "abort", "parameters": {"status": 503}}


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        (None, ""),
        (3, ""),
        ([], ""),
        ({}, "/type"),
        ({"type": 3}, "/type"),
        ({"type": "abrot"}, "/type"),
        ({"type": "drop", "unknown": 1}, "/unknown"),
        ({"type": "drop", "a/b~c": 1}, "/a~1b~0c"),
        ({"type": "drop", "parameters": []}, "/parameters"),
        ({"type": "drop", "name": ""}, "/name"),
        ({"type": "drop", "name": "a/b"}, "/name"),
        ({"type": "drop", "name": "a\r\nb"}, "/name"),
        ({"type": "drop", "phase": "during"}, "/phase"),
        ({"type": "truncate", "phase": "before"}, "/phase"),
        ({"type": "drip", "phase": "before"}, "/phase"),
        ({"type": "drop", "probability": 1.1}, "/probability"),
        ({"type": "drop", "probability": -0.1}, "/probability"),
        ({"type": "drop", "probability": "often"}, "/probability"),
        ({"type": "drop", "probability": float("nan")}, "/probability"),
        ({"type": "drop", "skip": -1}, "/skip"),
        ({"type": "drop", "skip": 1.5}, "/skip"),
        ({"type": "drop", "times": 0}, "/times"),
        ({"type": "drop", "start_after": "never"}, "/start_after"),
        ({"type": "drop", "duration": -1}, "/duration"),
        ({"type": "drop", "ramp": True}, "/ramp"),
        ({"type": "drop", "match": []}, "/match"),
        ({"type": "drop", "match": {"operations": "x"}}, "/match/operations"),
        ({"type": "drop", "match": {"operation": 1}}, "/match/operation"),
        ({"type": "drop", "match": {"operation": []}}, "/match/operation"),
        ({"type": "drop", "match": {"operation": ["user.create", 1]}}, "/match/operation/1"),
        ({"type": "drop", "match": {"operation": ""}}, "/match/operation"),
        ({"type": "drop", "match": {"operation": "user"}}, "/match/operation"),
        ({"type": "drop", "match": {"operation": "user.crate"}}, "/match/operation"),
        ({"type": "drop", "match": {"operation": "user.x*"}}, "/match/operation"),
        ({"type": "drop", "match": {"method": "post"}}, "/match/method"),
        ({"type": "drop", "match": {"path": "Users"}}, "/match/path"),
        ({"type": "drop", "match": {"header": {"A": 1}}}, "/match/header/A"),
        ({"type": "drop", "match": {"authenticated": "no"}}, "/match/authenticated"),
        ({"type": "drop", "match": {"where": "userName eq"}}, "/match/where"),
        ({"type": "drop", "match": {"where": ""}}, "/match/where"),
        ({"sequence": []}, "/sequence"),
        ({"sequence": {}}, "/sequence"),
        ({"sequence": [ABORT], "type": "drop"}, "/type"),
        ({"sequence": [ABORT], "phase": "after"}, "/phase"),
        ({"sequence": [ABORT, {"type": "drop", "times": 2}]}, "/sequence/1/times"),
        ({"sequence": [ABORT, {"type": "nope"}]}, "/sequence/1/type"),
        ({"sequence": [ABORT, {"type": "abort", "parameters": {"status": 1}}]}, "/sequence/1/parameters/status"),
        ({"sequence": [{"type": "drip", "phase": "before"}]}, "/sequence/0/phase"),
        ({"type": "drop", "name": "\ud800"}, ""),
        ({"type": "drop", "parameters": {1: 2}}, ""),
        ({"type": "drop", "skip": 2**70}, ""),
    ],
)
def test_a_wrong_rule_is_pointed_at(document, pointer):
    """The error has the JSON pointer of the wrong place and begins with it."""
    with pytest.raises(FaultError) as caught:
        compile_rule(document)
    assert caught.value.pointer == pointer
    assert str(caught.value).startswith(f"{pointer}: " if pointer else "expected")


def test_an_error_says_what_was_expected():
    """Ranges, choices and near misses are named."""
    for document, words in (
        ({"type": "abrot"}, "did you mean 'abort'?"),
        ({"type": "drop", "probability": 3}, "from 0 to 1"),
        ({"type": "drop", "phase": "x"}, "before, after"),
        ({"type": "drop", "probabilty": 1}, "did you mean 'probability'?"),
        ({"type": "drop", "match": {"operation": "user.crate"}}, "did you mean 'user.create'?"),
    ):
        with pytest.raises(FaultError) as caught:
            compile_rule(document)
        assert words in str(caught.value)


def test_errors_of_a_list_point_into_it():
    """The index comes first; nothing is half loaded."""
    with pytest.raises(FaultError) as caught:
        compile_rules([ABORT, {"type": "drop", "skip": -1}], pointer="/rules")
    assert caught.value.pointer == "/rules/1/skip"
    for wrong in ({}, "x", 3, None, b"x"):
        with pytest.raises(FaultError):
            compile_rules(wrong)


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ({**ABORT, "match": {"operation": "user.create"}}, "user.create-abort-1"),
        (ABORT, "any-abort-1"),
        ({**ABORT, "match": {"operation": "group.*"}}, "group.any-abort-1"),
        ({**ABORT, "match": {"operation": ["user.create", "user.patch"]}}, "user.create+user.patch-abort-1"),
        ({"sequence": [ABORT]}, "any-sequence-1"),
        ({"type": "EMPTY_RESPONSE"}, "any-drop-1"),
        ({"type": "drop", "name": "mine"}, "mine"),
    ],
)
def test_an_unnamed_rule_is_named_by_what_it_does(document, name):
    """The name comes from the document alone."""
    assert compile_rule(document).name == name


def test_names_are_counted_and_stable():
    """Equal rules are numbered in their order, past names that are given; the same input names alike."""
    documents = [ABORT, ABORT, {"type": "drop", "name": "any-abort-2"}, ABORT]
    names = [rule.name for rule in compile_rules(documents)]
    assert names == ["any-abort-1", "any-abort-3", "any-abort-2", "any-abort-4"]
    assert [rule.name for rule in compile_rules(documents)] == names


def test_a_name_is_taken_once():
    """Two rules of one name are refused at the second's name."""
    with pytest.raises(FaultError) as caught:
        compile_rules([{**ABORT, "name": "a"}, {**ABORT, "name": "a"}])
    assert caught.value.pointer == "/1/name"


@pytest.mark.parametrize(
    ("kind", "phase"), [("drop", "before"), ("latency", "before"), ("truncate", "after"), ("drip", "after")]
)
def test_the_phase_is_before_unless_the_type_says_after(kind, phase):
    """Types of the body are after only, and after by default."""
    parameters = {"delay": 1} if kind == "latency" else {}
    rule = compile_rule({"type": kind, "parameters": parameters})
    assert rule.steps[0].phase == phase
    assert rule.document["phase"] == phase


def test_the_document_is_kept_as_given_and_is_a_copy():
    """Later changes to the input change nothing; name and phase are filled in."""
    given_document = {"type": "latency", "parameters": {"delay": "50ms"}, "duration": "30s"}
    rule = compile_rule(given_document)
    given_document["parameters"]["delay"] = "1h"
    assert rule.document == {
        "type": "latency",
        "parameters": {"delay": "50ms"},
        "duration": "30s",
        "name": "any-latency-1",
        "phase": "before",
    }


def matches(match, attempt):
    """Does a rule with this match say yes?"""
    engine = FaultEngine(1, 0.0, [{"type": "drop", "match": match}])
    return engine.decide(attempt, 0.0).terminal is not None


@pytest.mark.parametrize(
    ("operation", "names", "expected"),
    [
        ("*", ("user.create",), True),
        ("user.create", ("user.create",), True),
        ("user.create", ("user.get",), False),
        ("user.create", ("superuser.create",), False),
        ("user.*", ("user.patch",), True),
        ("*.create", ("group.create",), True),
        ("group.*", ("user.create",), False),
        ("User.create", ("user.create",), False),
        (["user.create", "group.*"], ("group.delete",), True),
        ("group.member.add", ("group.patch", "group.member.add"), True),
        ("group.member.*", ("group.patch", "group.member.remove"), True),
        ("group.member.add", ("group.patch",), False),
        ("user.deactivate", ("user.patch", "user.deactivate"), True),
        ("user.patch", ("user.patch", "user.deactivate"), True),
        ("bulk.run", ("bulk.run",), True),
        ("discovery.get", ("discovery.get",), True),
        ("device.create", ("device.create",), True),
    ],
)
def test_an_operation_or_a_refinement_matches(attempt, operation, names, expected):
    """One of several, with * for any text; case counts."""
    assert matches({"operation": operation}, attempt(*names)) is expected


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({}, True),
        ({"method": "POST"}, True),
        ({"method": "PUT"}, False),
        ({"path": "/Users"}, True),
        ({"path": "/User"}, False),
        ({"path": "/U*"}, True),
        ({"path": "*s"}, True),
        ({"path": "/User?"}, False),
        ({"path": "/User[s]"}, False),
        ({"header": {"user-agent": "*Okta*"}}, True),
        ({"header": {"USER-AGENT": "okta*"}}, False),
        ({"header": {"User-Agent": "*", "X-Missing": "*"}}, False),
        ({"authenticated": True}, True),
        ({"authenticated": False}, True),
        ({"committed": True}, True),
        ({"committed": False}, False),
        ({"method": "POST", "path": "/Groups"}, False),
    ],
)
def test_the_keys_of_a_match_are_anded(attempt, match, expected):
    """Method, path, header, authentication and commit, each and together."""
    assert matches(match, attempt(headers={"User-Agent": "SCIM Okta 1"})) is expected


def test_unauthenticated_requests_match_only_when_asked_for(attempt):
    """A rule with authenticated false is about both kinds."""
    assert matches({}, attempt(authenticated=False)) is False
    assert matches({"authenticated": True}, attempt(authenticated=False)) is False
    assert matches({"authenticated": False}, attempt(authenticated=False)) is True


def test_where_is_asked_with_the_parsed_filter(attempt):
    """The caller gets the tree; its answer decides."""
    seen = []

    def where(node):
        seen.append(str(node))
        return False

    assert matches({"where": 'userName ew "@example.com"'}, attempt(where=where)) is False
    assert seen == ['userName ew "@example.com"']
    assert matches({"where": "active eq true"}, attempt(where=lambda node: True)) is True


def test_costly_questions_come_last(attempt):
    """Neither filter nor commit is asked where a header already says no; commit is asked after the filter."""
    asked = []

    def where(node):
        asked.append("where")
        return True

    def commits():
        asked.append("commits")
        return True

    match = {"where": "active pr", "committed": True, "path": "/Groups"}
    matches(match, attempt(where=where, commits=commits))
    assert asked == []
    matches({**match, "path": "/Users"}, attempt(where=where, commits=commits))
    assert asked == ["where", "commits"]


def test_a_glob_with_many_stars_does_not_blow_up():
    """Forty stars against a long text that nearly fits take no time."""
    assert glob("*a" * 40 + "b").fullmatch("a" * 5000) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
envelope_keys = st.sampled_from(
    [
        "name",
        "type",
        "parameters",
        "match",
        "phase",
        "probability",
        "skip",
        "times",
        "start_after",
        "duration",
        "ramp",
        "sequence",
        "hits",
    ]
)
near_rules = st.builds(
    lambda kind, rest: {"type": kind, **rest},
    st.sampled_from(["abort", "latency", "drop", "hang", "truncate", "drip", "ok"]),
    st.dictionaries(envelope_keys, json_values | st.sampled_from([1, "1s", "after", {}, [{"type": "ok"}]]), max_size=3),
)
near_matches = st.builds(
    lambda match: {"type": "drop", "match": match},
    st.dictionaries(
        st.sampled_from(["operation", "where", "method", "path", "header", "authenticated", "committed"]), json_values
    ),
)
near_parameters = st.builds(
    lambda kind, parameters: {"type": kind, "parameters": parameters},
    st.sampled_from(["abort", "latency", "hang", "truncate", "drip"]),
    st.dictionaries(
        st.sampled_from(
            [
                "status",
                "body",
                "headers",
                "retry_after",
                "delay",
                "lower",
                "upper",
                "mean",
                "stddev",
                "at",
                "framing",
                "chunk",
                "total",
            ]
        ),
        json_values | st.sampled_from([200, 503, "1s", 0.5]),
    ),
)


@given(json_values | near_rules | near_matches | near_parameters)
@example({"type": "drop", "x` - at `$.rules[9]": 1})
@example({"type": "drop", "match": {"x` - at `$.a.b": 1}})
@example({"sequence": [{"type": "drop", "x": 1}]})
def test_any_json_is_a_rule_or_a_fault_error(document):
    """Nothing else comes out, and a rule's document makes the same rule again."""
    try:
        rule = compile_rule(document)
    except FaultError:
        return
    assert isinstance(rule, Rule)
    again = compile_rule(orjson.loads(orjson.dumps(rule.document)))
    assert (again.name, again.document, again.steps) == (rule.name, rule.document, rule.steps)
