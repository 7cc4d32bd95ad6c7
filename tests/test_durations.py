"""Durations and sizes as people write them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockscim.durations import format_duration, parse_duration, parse_range, parse_size


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (0, 0.0),
        (2, 2.0),
        (0.5, 0.5),
        ("50ms", 0.05),
        ("2s", 2.0),
        ("1.5s", 1.5),
        ("40m", 2400.0),
        ("1h", 3600.0),
        ("1d", 86400.0),
        ("3", 3.0),
        (" 20 ms ", 0.02),
        ("3650d", 315360000.0),
    ],
)
def test_a_duration_is_a_number_of_seconds_or_text_with_a_unit(value, seconds):
    """Numbers are seconds; text has a unit, or means seconds too."""
    assert parse_duration(value) == seconds


@pytest.mark.parametrize(
    "value",
    [
        -1,
        -0.1,
        "-1s",
        math.nan,
        math.inf,
        True,
        False,
        None,
        [],
        {},
        "",
        "s",
        "1x",
        "1 2",
        "1S",
        "1e3",
        "nan",
        "1h30m",
        "٣s",
        10**400,
        "3651d",
        "9" * 30,
        b"1s",
    ],
)
def test_what_is_no_duration_is_refused_in_words(value):
    """Negative, infinite, boolean, endless and misspelt durations raise ValueError with a sentence."""
    with pytest.raises(ValueError, match=r"duration|number of seconds"):
        parse_duration(value)


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("20ms-80ms", (0.02, 0.08)),
        ("20-80ms", (0.02, 0.08)),
        ("1s - 1m", (1.0, 60.0)),
        ("0-2", (0.0, 2.0)),
        ("5ms-5ms", (0.005, 0.005)),
    ],
)
def test_a_range_has_two_ends(text, ends):
    """A first number without unit takes the second's."""
    assert parse_range(text) == ends


@pytest.mark.parametrize("text", ["", "20ms", "80ms-20ms", "-20ms", "20ms-", "a-b", "1-2-3", "1.2.3-4", "1x-2x"])
def test_what_is_no_range_is_refused(text):
    """A range without two ends in order raises ValueError."""
    with pytest.raises(ValueError, match=r"duration|range|expected"):
        parse_range(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.05, "50ms"),
        (0.0004, "0.4ms"),
        (0.99999999, "1s"),
        (1.5, "1.5s"),
        (60, "1m"),
        (90, "90s"),
        (2400, "40m"),
        (3600, "1h"),
        (172800, "2d"),
        (1234567.25, "1234567.25s"),
    ],
)
def test_a_duration_prints_short(seconds, text):
    """The largest unit that leaves a whole number, else seconds, else milliseconds."""
    assert format_duration(seconds) == text


@given(st.integers(min_value=0, max_value=315_360_000_000))
def test_whole_milliseconds_survive_printing(milliseconds):
    """parse(format(x)) is x for all whole milliseconds."""
    seconds = milliseconds / 1000
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, abs=1e-9)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (0, 0),
        (10, 10),
        ("10", 10),
        ("500b", 500),
        ("64k", 65536),
        ("64K", 65536),
        ("1MiB", 1 << 20),
        ("1mb", 10**6),
        ("1.5KiB", 1536),
        ("2g", 2 << 30),
        ("1GB", 10**9),
        (" 1 m ", 1 << 20),
    ],
)
def test_a_size_is_a_number_of_bytes_or_text_with_a_unit(value, size):
    """A lone letter and KiB are powers of two, kB is a thousand."""
    assert parse_size(value) == size


@pytest.mark.parametrize("value", [-1, "-1", True, None, 1.5, "", "k", "1x", "1.5", "0.0001k", "1e3", "9" * 30])
def test_what_is_no_size_is_refused_in_words(value):
    """Negative, fractional, boolean and misspelt sizes raise ValueError with a sentence."""
    with pytest.raises(ValueError, match=r"size|bytes"):
        parse_size(value)
