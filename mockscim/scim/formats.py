"""What the text of a dateTime, a binary and a reference looks like (RFC 7643 §2.3.5 to §2.3.7)."""

from __future__ import annotations

import calendar
import re

# §2.3.5: xsd:dateTime of XML Schema 1.1, Part 2, §3.3.7. A day may end at 24:00:00; the year 0000 and those before it
# exist, and those beyond 9999 (here up to nine digits).
_DATE_TIME = re.compile(
    r"-?(?:[1-9]\d{3,8}|0\d{3})-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"T(?:(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?|24:00:00(?:\.0+)?)"
    r"(?:Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))?",
    re.ASCII,
)
# §2.3.6: base64, or base64url, of which the padding may be left out.
_BASE64 = re.compile(
    r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?"
    r"|(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2}(?:==)?|[A-Za-z0-9_-]{3}=?)?",
    re.ASCII,
)
# §2.3.7: a URI or a relative reference, RFC 3986 Appendix A. A colon in the first segment of a path makes a scheme.
_PLAIN = "A-Za-z0-9._~!$&'()*+,;=-"


def _run(characters: str) -> str:
    """A pattern for any number of these characters, and of percent-encoded ones."""
    return rf"[{characters}]*(?:%[0-9A-Fa-f]{{2}}[{characters}]*)*"


_URI = re.compile(
    r"(?:[A-Za-z][A-Za-z0-9+.-]*:|(?![^/?#:]*:))"
    rf"(?://(?:{_run(':' + _PLAIN)}@)?(?:\[[0-9A-Fa-fv:.]+\]|{_run(_PLAIN)})(?::[0-9]*)?(?=[/?#]|\Z)|(?!//))"
    rf"{_run('/:@' + _PLAIN)}(?:\?{_run('/?:@' + _PLAIN)})?(?:#{_run('/?:@' + _PLAIN)})?",
    re.ASCII,
)
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")


def is_date_time(text: str) -> bool:
    """Whether it is an xsd:dateTime of a day that the calendar has."""
    if not _DATE_TIME.fullmatch(text):
        return False
    year, month, day = text.partition("T")[0].removeprefix("-").split("-")
    if int(day) <= 28:
        return True
    # The calendar repeats itself every 400 years, before the year 0 as after it.
    sign = -1 if text[0] == "-" else 1
    return int(day) <= calendar.monthrange(2000 + sign * int(year[-4:]) % 400, int(month))[1]


def is_base64(text: str) -> bool:
    """Whether it is base64 or base64url, with or without padding."""
    return _BASE64.fullmatch(text) is not None


def is_uri(text: str) -> bool:
    """Whether it is a URI, absolute or relative."""
    return _URI.fullmatch(text) is not None


def is_iri(text: str) -> bool:
    """Whether it would be a URI if what is not ASCII were percent-encoded, as RFC 3987 §3.1 does."""
    return is_uri(_BEYOND_ASCII.sub("-", text))
