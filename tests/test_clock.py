"""The clock: real or virtual, told or advanced, and never beyond what can be shown."""

import time

import pytest

from mockscim.clock import Clock, ClockError, format_instant, parse_instant


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000Z"),
        ("2026-01-01T00:00:00", "2026-01-01T00:00:00.000Z"),
        ("2026-01-01", "2026-01-01T00:00:00.000Z"),
        ("2026-01-01T01:30:00+01:30", "2026-01-01T00:00:00.000Z"),
        ("2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00.500Z"),
        ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59.000Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"),
    ],
)
def test_instants(text, shown):
    """ISO 8601 is read with any offset, none meaning UTC, and shown in UTC with milliseconds."""
    assert format_instant(parse_instant(text)) == shown


@pytest.mark.parametrize("text", ["", "noon", "2026-13-01", "2026-01-01T25:00:00Z", "1735689600", None, 5])
def test_no_instant(text):
    """What is no instant is refused with an example of one."""
    with pytest.raises(ClockError, match="2026-01-31T12:00:00Z"):
        parse_instant(text)


def test_real():
    """A real clock tells the time of the system."""
    clock = Clock()
    assert clock.mode == "real"
    assert abs(clock.now() - time.time()) < 1
    assert clock.text().endswith("Z")


def test_virtual_stands_still():
    """A virtual clock stands still until it is moved."""
    clock = Clock("virtual:2026-05-01T00:00:00Z")
    assert clock.document() == {"mode": "virtual", "now": "2026-05-01T00:00:00.000Z"}
    assert clock.now() == clock.now()
    clock.advance(90)
    assert clock.text() == "2026-05-01T00:01:30.000Z"
    clock.reset()
    assert clock.text() == "2026-05-01T00:00:00.000Z"


def test_virtual_has_a_fixed_start():
    """Without an instant a virtual clock starts at the same one each time."""
    assert Clock("virtual").text() == Clock("virtual:").text() == "2026-01-01T00:00:00.000Z"


def test_advancing_a_real_clock():
    """Advancing a real clock freezes it, so much later; reset makes it real again."""
    clock = Clock()
    before = time.time()
    clock.advance(3600)
    assert clock.mode == "virtual"
    assert before + 3600 <= clock.now() <= time.time() + 3600
    clock.reset()
    assert clock.mode == "real"


def test_set():
    """A clock is set forwards or back, frozen where it is, or made real."""
    clock = Clock()
    clock.set("virtual", parse_instant("2001-01-01"))
    assert clock.text() == "2001-01-01T00:00:00.000Z"
    clock.set("virtual")
    assert clock.text() == "2001-01-01T00:00:00.000Z"
    clock.set("virtual", 0.0)
    assert clock.now() == 0
    clock.set("real")
    assert clock.mode == "real"
    clock.set("virtual")
    assert abs(clock.now() - time.time()) < 1


@pytest.mark.parametrize(
    "setting", ["", "sundial", "real:2026-01-01", "virtual:noon", "virtual:0001-01-01T00:00:00+14:00"]
)
def test_wrong_setting(setting):
    """A setting that means nothing, or an instant that cannot be shown, is refused."""
    with pytest.raises(ClockError):
        Clock(setting)


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 1e18, 1e300])
def test_wrong_advance(seconds):
    """Time does not run backwards, nor beyond the year 9999; the clock stays where it was."""
    clock = Clock("virtual")
    with pytest.raises(ClockError):
        clock.advance(seconds)
    assert clock.text() == "2026-01-01T00:00:00.000Z"


def test_wrong_set():
    """A wrong mode, a real clock with a time, or a time that cannot be shown leaves the clock as it was."""
    clock = Clock("virtual")
    for mode, now in (
        ("sundial", None),
        ("real", 0.0),
        ("virtual", 1e18),
        ("virtual", -1e18),
        ("virtual", float("nan")),
    ):
        with pytest.raises(ClockError):
            clock.set(mode, now)
    assert clock.document() == {"mode": "virtual", "now": "2026-01-01T00:00:00.000Z"}
