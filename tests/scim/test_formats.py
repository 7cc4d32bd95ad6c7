"""Dates, base64 and URIs as texts (RFC 7643 §2.3.5 to §2.3.7)."""

from __future__ import annotations

import base64
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockscim.scim.compare import instant
from mockscim.scim.formats import is_base64, is_date_time, is_iri, is_uri


@pytest.mark.parametrize(
    "text",
    [
        "2008-01-23T04:56:22Z",
        "2008-02-29T00:00:00",
        "2000-02-29T23:59:59.999999999999+13:59",
        "2026-12-31T24:00:00Z",
        "2026-12-31T24:00:00.00+14:00",
        "0000-02-29T00:00:00Z",
        "-0004-02-29T00:00:00Z",
        "12024-02-29T00:00:00Z",
    ],
)
def test_dates(text: str) -> None:
    """What XML Schema takes, filters and sorting take too."""
    assert is_date_time(text)
    assert instant(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "2007-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "-0001-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-00-10T00:00:00Z",
        "2026-01-01T24:00:01Z",
        "2026-01-01T23:59:60Z",
        "2026-01-01T00:00:00+14:01",
        "2026-01-01T00:00:00+1:00",
        "02026-01-01T00:00:00Z",
        "226-01-01T00:00:00Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01t00:00:00Z",
        "2026-01-01",
        "٢٠٢٦-01-01T00:00:00Z",
        "",
    ],
)
def test_what_is_no_date(text: str) -> None:
    """Days that no calendar has, zones that no place has, and other ways to write it."""
    assert not is_date_time(text)


@given(st.datetimes(), st.integers(-50, 50))
def test_dates_of_other_ages(moment: dt.datetime, ages: int) -> None:
    """The calendar repeats itself every 400 years, and the later is the greater, before the year 0 as well."""
    text = moment.isoformat().partition("T")
    year, rest = int(text[0][:4]), text[0][4:] + "T" + moment.strftime("%H:%M:%S")
    elsewhen = year + 400 * ages
    other = f"{'-' if elsewhen < 0 else ''}{abs(elsewhen):04}{rest}"
    assert is_date_time(other)
    here, there = instant(f"{year:04}{rest}"), instant(other)
    assert here is not None
    assert there is not None
    assert there[0] - here[0] == ages * 146_097 * 86_400


@given(st.binary())
def test_base64(content: bytes) -> None:
    """Of either alphabet, padded or not; never of both."""
    for text in (base64.b64encode(content).decode(), base64.urlsafe_b64encode(content).decode()):
        assert is_base64(text)
        assert is_base64(text.rstrip("="))
        assert not is_base64(text.rstrip("=") + "===")
        if set("+/") & set(text):
            assert not is_base64(text + "----")


@pytest.mark.parametrize("text", ["A", "AQI=A", "AQ=", "A A=", "AQ==\n", "é", "A+-_"])
def test_what_is_no_base64(text: str) -> None:
    """Lengths that cannot be, padding amid, blanks, both alphabets at once."""
    assert not is_base64(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com/m.pdf?x=1#y",
        "https://ann:secret@[2001:db8::1]:8443/a%20b/;c,d?e=/?#f",
        "http:///x",
        "//example.com/x",
        "m.pdf",
        "../Users/u-1",
        "./a:b",
        "?q",
        "#top",
        "mailto:ann@example.com",
        "tel:+1-201-555-0123",
        "urn:ietf:params:scim:schemas:core:2.0:User",
        "bulkId:qwerty",
    ],
)
def test_uris(text: str) -> None:
    """Absolute, relative, and names (RFC 3986 appendix A)."""
    assert is_uri(text)
    assert is_iri(text)


@pytest.mark.parametrize(
    "text",
    [
        "not a uri",
        "http://[",
        "http://[::1]x/",
        "http://example.com:80a/",
        "<x>",
        "a\\b",
        "%zz",
        "%2",
        "a#b#c",
        "1st:b",
        ":b",
        "a\nb",
        "a\n",
        '"',
        "\x01/Users/u-1",
    ],
)
def test_what_is_no_uri(text: str) -> None:
    """Characters and orders that RFC 3986 does not have."""
    assert not is_uri(text)
    assert not is_iri(text)


@pytest.mark.parametrize("text", ["https://example.com/é.png", "https://exämple.com/", "?q=日本"])
def test_iris(text: str) -> None:
    """What is beyond ASCII would have to be encoded."""
    assert is_iri(text)
    assert not is_uri(text)
