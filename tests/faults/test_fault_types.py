"""Each fault type: what its parameters mean, and what they may not be."""

import statistics
import subprocess
import sys

import msgspec
import orjson
import pytest

from mockscim.faults import (
    Delay,
    Drip,
    Drop,
    FaultError,
    Hang,
    Proceed,
    Reset,
    Respond,
    Truncate,
    all_types,
    compile_rule,
    find_type,
    types_catalogue,
)
from mockscim.faults.draw import Draw
from mockscim.faults.registry import Parameters, fault


def effect(kind, draw=None, **parameters):
    """The effect of one hit."""
    rule = compile_rule({"type": kind, "parameters": parameters})
    return rule.steps[0].parameters.effect(draw or Draw(1, "r", 1))


def refused(kind, parameters):
    """The pointer and the text of the error."""
    with pytest.raises(FaultError) as caught:
        compile_rule({"type": kind, "parameters": parameters})
    return caught.value.pointer, str(caught.value)


@pytest.mark.parametrize(
    ("kind", "parameters", "expected", "outcome"),
    [
        ("ok", {}, Proceed(), "ok"),
        ("drop", {}, Drop(), "drop"),
        ("EMPTY_RESPONSE", {}, Drop(), "drop"),
        ("reset", {}, Reset(), "reset"),
        ("CONNECTION_RESET_BY_PEER", {}, Reset(), "reset"),
        ("hang", {}, Hang(), "hang"),
        ("hang", {"seconds": "30s"}, Hang(30.0), "hang 30s"),
        ("latency", {"delay": "50ms"}, Delay(0.05), "latency 50ms"),
        ("latency", {"distribution": "fixed", "delay": 2}, Delay(2.0), "latency 2s"),
        ("truncate", {}, Truncate(0.5), "truncate at 50%"),
        ("truncate", {"at": 100}, Truncate(100), "truncate at 100 bytes"),
        ("MALFORMED_RESPONSE_CHUNK", {"at": 0}, Truncate(0), "truncate at 0 bytes"),
        ("truncate", {"at": 0.25, "framing": "valid"}, Truncate(0.25, "valid"), "truncate at 25%"),
        ("drip", {}, Drip(64, interval=0.1), "drip 64 bytes every 100ms"),
        ("drip", {"chunk": 1, "interval": 0}, Drip(1, interval=0.0), "drip 1 bytes every 0s"),
        ("drip", {"total": "2s"}, Drip(64, total=2.0), "drip 64 bytes over 2s"),
    ],
)
def test_parameters_make_the_effect(kind, parameters, expected, outcome):
    """Each type turns its parameters into one effect, and says what it did in a few words."""
    made = effect(kind, **parameters)
    assert made == expected
    assert made.outcome == outcome


@pytest.mark.parametrize(
    ("kind", "parameters", "pointer"),
    [
        ("ok", {"a": 1}, "/parameters/a"),
        ("drop", {"seconds": 1}, "/parameters/seconds"),
        ("hang", {"seconds": -1}, "/parameters/seconds"),
        ("hang", {"duration": "1s"}, "/parameters/duration"),
        ("truncate", {"at": -1}, "/parameters/at"),
        ("truncate", {"at": 1.5}, "/parameters/at"),
        ("truncate", {"at": "half"}, "/parameters/at"),
        ("truncate", {"framing": "odd"}, "/parameters/framing"),
        ("drip", {"chunk": 0}, "/parameters/chunk"),
        ("drip", {"interval": "1s", "total": "2s"}, "/parameters/total"),
        ("latency", {}, "/parameters"),
        ("latency", {"delay": "soon"}, "/parameters/delay"),
        ("latency", {"delay": 1, "lower": 1}, "/parameters/lower"),
        ("latency", {"distribution": "uniform", "lower": 1}, "/parameters/upper"),
        ("latency", {"lower": 2, "upper": 1}, "/parameters/lower"),
        ("latency", {"mean": 1}, "/parameters/stddev"),
        ("latency", {"median": 1, "sigma": -1}, "/parameters/sigma"),
        ("latency", {"median": 1, "sigma": 1, "upper": 1, "max": 1}, "/parameters/max"),
        ("latency", {"distribution": "pareto"}, "/parameters/distribution"),
        ("abort", {}, "/parameters/status"),
        ("abort", {"status": 199}, "/parameters/status"),
        ("abort", {"status": 600}, "/parameters/status"),
        ("abort", {"status": "503"}, "/parameters/status"),
        ("abort", {"status": True}, "/parameters/status"),
        ("abort", {"status": 503, "body": "x", "detail": "y"}, "/parameters/body"),
        ("abort", {"status": 204, "body": "x"}, "/parameters/body"),
        ("abort", {"status": 304, "detail": "x"}, "/parameters/detail"),
        ("abort", {"status": 503, "headers": {"X": 1}}, "/parameters/headers/X"),
        ("abort", {"status": 503, "headers": {"X Y": "1"}}, "/parameters/headers"),
        ("abort", {"status": 503, "headers": {"X": "1\r\nY: 2"}}, "/parameters/headers"),
        ("abort", {"status": 503, "headers": {"Content-Length": "1"}}, "/parameters/headers"),
        ("abort", {"status": 503, "retry_after": "1\n2"}, "/parameters/retry_after"),
        ("abort", {"status": 503, "retry_after": True}, "/parameters/retry_after"),
        ("abort", {"status": 503, "content_type": "a\r\nb"}, "/parameters/content_type"),
    ],
)
def test_wrong_parameters_are_pointed_at(kind, parameters, pointer):
    """The error points at the wrong parameter and its text begins with the pointer."""
    found, text = refused(kind, parameters)
    assert found == pointer
    assert text.startswith(f"{pointer}: ")


def test_an_abort_is_a_scim_error_by_default():
    """The body is the Error message with the status as text and its usual phrase."""
    made = effect("abort", status=503)
    assert isinstance(made, Respond)
    assert (made.status, made.headers, made.content_type) == (503, (), "application/scim+json")
    assert orjson.loads(made.body) == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": "503",
        "detail": "Service Unavailable",
    }
    assert made.outcome == "503"


def test_an_abort_takes_scim_type_and_detail():
    """Both stand in the Error message."""
    body = orjson.loads(effect("abort", status=409, scim_type="uniqueness", detail="taken").body)
    assert (body["scimType"], body["detail"]) == ("uniqueness", "taken")


@pytest.mark.parametrize(
    ("given", "sent"), [(2, "2"), (0.5, "0.5"), (-5, "-5"), ("soon", "soon"), ("Wed, 21 Oct 2026 07:28:00 GMT",) * 2]
)
def test_retry_after_is_sent_as_given(given, sent):
    """Number or text, sensible or not."""
    assert effect("abort", status=429, retry_after=given).headers == (("Retry-After", sent),)


@pytest.mark.parametrize(
    ("parameters", "body", "content_type"),
    [
        ({"status": 502, "body": "<html>"}, b"<html>", "text/plain; charset=utf-8"),
        ({"status": 502, "body": "<p>", "content_type": "text/html"}, b"<p>", "text/html"),
        ({"status": 500, "body": {"a": 1}}, b'{"a":1}', "application/scim+json"),
        ({"status": 500, "body": None}, b"null", "application/scim+json"),
        ({"status": 500, "body": ""}, b"", "text/plain; charset=utf-8"),
        ({"status": 204}, b"", ""),
        ({"status": 302, "headers": {"Location": "/x"}}, b"", ""),
    ],
)
def test_an_abort_takes_any_body(parameters, body, content_type):
    """Text goes out as it is, the rest as JSON; what is no error has no body unless one is given."""
    made = effect("abort", **parameters)
    assert (made.body, made.content_type) == (body, content_type)


def test_an_abort_401_bears_a_challenge_unless_given():
    """WWW-Authenticate is there by default, and the given one stands alone."""
    assert effect("abort", status=401).headers == (("WWW-Authenticate", "Bearer"),)
    own = {"www-authenticate": "Basic"}
    assert effect("abort", status=401, headers=own).headers == (("www-authenticate", "Basic"),)


def test_an_unusual_status_has_a_phrase_too():
    """A status nobody named is answered all the same."""
    assert orjson.loads(effect("abort", status=599).body)["detail"] == "Status 599"


def drawn(**parameters):
    """2,000 drawn delays in seconds."""
    return [effect("latency", Draw(7, "r", match), **parameters).seconds for match in range(1, 2001)]


def test_a_uniform_latency_fills_its_range():
    """All within, the mean in the middle; lower and upper alone say that it is uniform."""
    delays = drawn(lower="20ms", upper="80ms")
    assert min(delays) >= 0.02
    assert max(delays) < 0.08
    assert statistics.fmean(delays) == pytest.approx(0.05, abs=0.002)


def test_a_normal_latency_has_its_mean_and_is_never_negative():
    """Mean and deviation are kept, the tail below zero is cut."""
    delays = drawn(mean="100ms", stddev="10ms")
    assert statistics.fmean(delays) == pytest.approx(0.1, abs=0.002)
    assert statistics.stdev(delays) == pytest.approx(0.01, abs=0.001)
    assert min(drawn(mean="1ms", stddev="10ms")) == 0.0


def test_a_lognormal_latency_has_its_median_and_keeps_its_max():
    """Half are below the median, none above max."""
    delays = drawn(distribution="lognormal", median="40ms", sigma=0.5, max="90ms")
    assert statistics.median(delays) == pytest.approx(0.04, abs=0.003)
    assert max(delays) == 0.09


@pytest.mark.parametrize(
    ("at", "length", "cut"),
    [(0.5, 100, 50), (0.5, 1, 0), (1.0, 10, 10), (0, 10, 0), (7, 10, 7), (70, 10, 10), (1, 10, 1)],
)
def test_truncate_cuts_bytes_or_a_fraction(at, length, cut):
    """Integers are bytes, floats a fraction; never beyond the end."""
    assert Truncate(at).cut(length) == cut


def test_a_drip_with_a_total_spreads_it_over_the_gaps():
    """The pauses add up to the total; a body of one chunk has none."""
    assert Drip(10, total=2.0).pause(41) == 0.5
    assert Drip(10, total=2.0).pause(10) == 0.0
    assert Drip(10, total=2.0).pause(0) == 0.0
    assert Drip(10, interval=0.3).pause(1000) == 0.3


def test_the_catalogue_describes_every_type():
    """Name, family, phases, words for people, and a closed JSON Schema of the parameters."""
    catalogue = {entry["name"]: entry for entry in types_catalogue()}
    assert set(catalogue) >= {"abort", "drip", "drop", "hang", "latency", "ok", "reset", "truncate"}
    assert list(catalogue) == sorted(catalogue)
    for entry in catalogue.values():
        assert set(entry) >= {"family", "phases", "default_phase", "doc", "correct_client", "parameters"}
        assert entry["default_phase"] in entry["phases"]
        assert entry["doc"]
        assert entry["correct_client"]
        assert entry["parameters"]["type"] == "object"
        assert entry["parameters"]["additionalProperties"] is False
    orjson.dumps(types_catalogue())
    status = catalogue["abort"]["parameters"]["properties"]["status"]
    assert (status["minimum"], status["maximum"]) == (200, 599)
    assert catalogue["truncate"]["phases"] == ["after"]


def test_every_parameter_is_described_and_tells_its_default():
    """In the JSON Schema, for whoever reads it: words of its own, and what holds where it is not given."""
    for entry in types_catalogue():
        schema = entry["parameters"]
        for name, told in schema.get("properties", {}).items():
            assert told.get("description", "").strip(), (entry["name"], name)
            if (entry["name"], name) != ("abort", "body"):  # without it there is a SCIM Error, which no value is
                assert ("default" in told) != (name in schema.get("required", ())), (entry["name"], name)
    catalogue = {entry["name"]: entry["parameters"]["properties"] for entry in types_catalogue() if entry["parameters"]}
    assert catalogue["stale_read"]["scope"]["default"] == ["get", "list", "filter"]
    assert catalogue["duplicate_delivery"]["gap"]["default"] == 0.0


def test_a_parameter_cannot_bear_the_name_of_an_envelope_key():
    """Registration refuses it, and leaves nothing behind."""

    class Bad(Parameters, frozen=True, kw_only=True):
        duration: int = 0

    with pytest.raises(ValueError, match="duration"):
        fault("bad", family="x", doc="x", correct_client="x")(Bad)
    assert find_type("bad") is None


def test_a_type_is_registered_once():
    """A taken name or alias is refused."""

    class Again(Parameters, frozen=True):
        pass

    types_catalogue()  # has all register themselves
    for name in ("drop", "EMPTY_RESPONSE"):
        with pytest.raises(ValueError, match="twice"):
            fault(name, family="x", doc="x", correct_client="x")(Again)


def test_a_type_is_looked_up_in_the_file_of_its_name():
    """So that the first rule imports that one alone; an alias finds its type as well."""
    look = "import sys; from mockscim.faults import find_type; print(find_type(sys.argv[1]).name, *sys.modules)"
    for word, name, alone in (("hang", "hang", True), ("EMPTY_RESPONSE", "drop", False)):
        ran = subprocess.run([sys.executable, "-c", look, word], capture_output=True, text=True, check=True)
        found, *modules = ran.stdout.split()
        files = {module for module in modules if module.startswith("mockscim.faults.types.")}
        assert (found, files == {f"mockscim.faults.types.{name}"}) == (name, alone)
    for kind in all_types():
        assert kind.parameters.__module__ == f"mockscim.faults.types.{kind.name}"


def test_parameters_are_immutable():
    """A compiled rule may be shared."""
    parameters = compile_rule({"type": "hang", "parameters": {"seconds": 1}}).steps[0].parameters
    assert isinstance(parameters, msgspec.Struct)
    with pytest.raises(AttributeError):
        parameters.seconds = 2
