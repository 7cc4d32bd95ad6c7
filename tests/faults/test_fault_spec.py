"""The short form of a rule."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockscim.faults import FaultEngine, FaultError, latency_rule, parse_spec, rule_document


def rule(kind, operation, parameters=None, **envelope):
    """The document a short form should give."""
    document = {"type": kind, "match": {"operation": operation}, **envelope}
    return document | {"parameters": parameters} if parameters else document


@pytest.mark.parametrize(
    ("spec", "document"),
    [
        ("user.create=503", rule("abort", "user.create", {"status": 503})),
        ("user.create=503:0.3", rule("abort", "user.create", {"status": 503}, probability=0.3)),
        (
            "user.create=503:0.3:after",
            rule("abort", "user.create", {"status": 503}, probability=0.3, phase="after"),
        ),
        ("user.create=503:1:before", rule("abort", "user.create", {"status": 503}, probability=1.0, phase="before")),
        ("user.create=503::after", rule("abort", "user.create", {"status": 503}, phase="after")),
        ("user.create=reset:1:after", rule("reset", "user.create", probability=1.0, phase="after")),
        ("*=latency(50ms)", rule("latency", "*", {"delay": "50ms"})),
        ("*=latency(2)", rule("latency", "*", {"delay": 2})),
        ("*=latency(delay=50ms)", rule("latency", "*", {"delay": "50ms"})),
        (
            "user.get=latency(20ms-80ms)",
            rule("latency", "user.get", {"distribution": "uniform", "lower": 0.02, "upper": 0.08}),
        ),
        ("*=latency(median=80ms,sigma=0.4)", rule("latency", "*", {"median": "80ms", "sigma": 0.4})),
        ("*=latency(50ms):0.5:after", rule("latency", "*", {"delay": "50ms"}, probability=0.5, phase="after")),
        ("group.*=reset", rule("reset", "group.*")),
        ("group.*=drop()", rule("drop", "group.*")),
        ("*=hang", rule("hang", "*")),
        ("*=hang(30)", rule("hang", "*", {"seconds": 30})),
        ("*=hang(30s)", rule("hang", "*", {"seconds": "30s"})),
        ("user.list=429(retry_after=2)", rule("abort", "user.list", {"status": 429, "retry_after": 2})),
        (
            'user.list=429(retry_after="Wed, 21 Oct 2026 07:28:00 GMT")',
            rule("abort", "user.list", {"status": 429, "retry_after": "Wed, 21 Oct 2026 07:28:00 GMT"}),
        ),
        ("user.list=abort(500)", rule("abort", "user.list", {"status": 500})),
        (
            "user.create=409(scim_type=uniqueness, detail=taken already)",
            rule("abort", "user.create", {"status": 409, "scim_type": "uniqueness", "detail": "taken already"}),
        ),
        (
            'user.get=502(headers={"A":"1,2"},body="<a)>\\"")',
            rule("abort", "user.get", {"status": 502, "headers": {"A": "1,2"}, "body": '<a)>"'}),
        ),
        ("user.get=truncate(0.5)", rule("truncate", "user.get", {"at": 0.5})),
        ("user.get=truncate(100,framing=valid)", rule("truncate", "user.get", {"at": 100, "framing": "valid"})),
        ("user.get=drip(8,total=2s)", rule("drip", "user.get", {"chunk": 8, "total": "2s"})),
        ("user.list=503(times=2,skip=1)", rule("abort", "user.list", {"status": 503}, times=2, skip=1)),
        ("user.list=drop(duration=30s,name=x)", rule("drop", "user.list", duration="30s", name="x")),
        ("user.create,user.patch=503", rule("abort", ["user.create", "user.patch"], {"status": 503})),
        (
            " user.create , group.* = reset : 0.5 : after ",
            rule("reset", ["user.create", "group.*"], probability=0.5, phase="after"),
        ),
        ("group.member.add=CONNECTION_RESET_BY_PEER", rule("CONNECTION_RESET_BY_PEER", "group.member.add")),
    ],
)
def test_a_spec_stands_for_a_rule(spec, document):
    """Operations, an outcome with arguments, probability and phase."""
    assert parse_spec(spec) == document


def test_a_spec_may_set_other_keys_of_the_match():
    """They go beside the operation."""
    document = parse_spec("user.get=drop(where=active eq true, committed=true)")
    assert document["match"] == {"operation": "user.get", "where": "active eq true", "committed": True}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("", "OPERATION=OUTCOME"),
        ("user.create", "OPERATION=OUTCOME"),
        ("=503", "before the ="),
        ("user.create,=503", "before the ="),
        ("user.create=", "behind the ="),
        ("user.create=:0.3", "behind the ="),
        ("user=503", "user.create"),
        ("user.crate=503", "did you mean 'user.create'"),
        ("user.create=99", "from 200 to 599"),
        ("user.create=600", "from 200 to 599"),
        ("user.create=" + "9" * 5000, "from 200 to 599"),
        ("user.create=nope", "unknown outcome"),
        ("user.create=rest", "did you mean 'reset'"),
        ("user.create=503:often", "probability"),
        ("user.create=503:1.5", "from 0 to 1"),
        ("user.create=503:nan", "probability"),
        ("user.create=503:", "behind the last colon"),
        ("user.create=503:1:", "behind the last colon"),
        ("user.create=503:1:during", "before, after"),
        ("user.create=503:after", "behind the probability"),
        ("user.create=503:1:after:x", "before, after"),
        ("user.create=503 0.3", "a probability"),
        ("user.get=truncate:1:before", "after only"),
        ("user.get=truncate(2.5)", "/parameters/at"),
        ("user.get=latency", "a delay"),
        ("user.get=latency(soon)", "not a duration"),
        ("user.get=latency(80ms-20ms)", "begins above its end"),
        ("user.get=latency(50ms", "never closed"),
        ('user.get=503(detail="x)', "never closed"),
        ("user.get=503(,)", "between the commas"),
        ("user.get=503(2)", "KEY=VALUE"),
        ("user.get=drop(5)", "no argument"),
        ("user.get=hang(1,2)", "KEY=VALUE"),
        ("user.get=503(status=500)", "given twice"),
        ("user.get=503(times=1,times=2)", "given twice"),
        ("user.get=503(probability=0.1):0.2", "given twice"),
        ("user.get=503(operation=user.list)", "cannot be set"),
        ("user.get=503(type=drop)", "cannot be set"),
        ("user.get=503(headers={x)", "never closed"),
        ("user.get=503(headers={x})", "JSON"),
        ("user.get=503(colour=red)", "/parameters/colour"),
        ("user.get=drop(where=active eq)", "/match/where"),
    ],
)
def test_a_wrong_spec_is_explained_with_an_example(spec, words):
    """A sentence on what is wrong, the text itself, and one that works."""
    with pytest.raises(FaultError) as caught:
        parse_spec(spec)
    text = str(caught.value)
    assert words in text
    assert "Example: user.create=503:0.3:after" in text
    assert text.startswith(repr(spec)[:400])


@given(st.text(alphabet="ur.*=,():503\"' []{}ab\\1", max_size=30) | st.text(max_size=20))
@example("user.get=503(\\")
@example('user.get=503(a="\\')
@example("*=latency([[[[)")
def test_any_text_is_a_rule_or_a_fault_error(text):
    """Nothing else comes out, and a rule can be loaded."""
    try:
        document = parse_spec(text)
    except FaultError:
        return
    FaultEngine(1, 0.0, [document])


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("50ms", {"delay": "50ms"}),
        ("2", {"delay": "2"}),
        ("20ms-80ms", {"distribution": "uniform", "lower": 0.02, "upper": 0.08}),
        (" 20-80ms ", {"distribution": "uniform", "lower": 0.02, "upper": 0.08}),
    ],
)
def test_a_latency_for_all_requests(text, parameters):
    """A duration is fixed, a range uniform."""
    assert latency_rule(text) == {"type": "latency", "parameters": parameters}


@pytest.mark.parametrize("text", ["", "soon", "80ms-20ms", "-1s", "1s-"])
def test_a_wrong_latency_is_explained(text):
    """With the text and two that work."""
    with pytest.raises(FaultError, match="Examples: 50ms, 20ms-80ms"):
        latency_rule(text)


def test_flat_keywords_find_their_place():
    """Keys of the rule, keys of the match, and the rest as parameters; nested ones are kept."""
    flat = {
        "operation": "user.create",
        "outcome": "reset",
        "times": 2,
        "match": {"path": "/Users"},
        "parameters": {"a": 1},
    }
    assert rule_document("lost_ack", flat) == {
        "type": "lost_ack",
        "times": 2,
        "parameters": {"a": 1, "outcome": "reset"},
        "match": {"path": "/Users", "operation": "user.create"},
    }
