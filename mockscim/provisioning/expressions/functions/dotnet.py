"""Dates in the custom formats of .NET: ``yyyy-MM-dd'T'HH:mm:sszzz``. Names are English, times without offset UTC.

https://learn.microsoft.com/dotnet/standard/base-types/custom-date-and-time-format-strings
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

_MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September"]
_MONTHS += ["October", "November", "December"]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_TOKEN = re.compile(
    r"""(?P<quoted>'[^']*'|"[^"]*")|\\(?P<escaped>.)|%?(?P<field>y{1,5}|M{1,4}|d{1,4}|H{1,2}|h{1,2}|m{1,2}|s{1,2}"""
    r"""|f{1,7}|F{1,7}|t{1,2}|z{1,3}|K)|(?P<literal>.)""",
    re.DOTALL,
)
_STANDARD = {
    "d": "M/d/yyyy",
    "g": "M/d/yyyy h:mm tt",
    "G": "M/d/yyyy h:mm:ss tt",
    "o": "yyyy-MM-ddTHH:mm:ss.fffffffK",
    "O": "yyyy-MM-ddTHH:mm:ss.fffffffK",
    "s": "yyyy-MM-ddTHH:mm:ss",
    "u": "yyyy-MM-dd HH:mm:ssZ",
}

_WRITE: dict[str, Callable[[datetime], str]] = {
    "y": lambda t: str(t.year % 100),
    "yy": lambda t: f"{t.year % 100:02d}",
    "yyy": lambda t: f"{t.year:03d}",
    "yyyy": lambda t: f"{t.year:04d}",
    "yyyyy": lambda t: f"{t.year:05d}",
    "M": lambda t: str(t.month),
    "MM": lambda t: f"{t.month:02d}",
    "MMM": lambda t: _MONTHS[t.month - 1][:3],
    "MMMM": lambda t: _MONTHS[t.month - 1],
    "d": lambda t: str(t.day),
    "dd": lambda t: f"{t.day:02d}",
    "ddd": lambda t: _DAYS[t.weekday()][:3],
    "dddd": lambda t: _DAYS[t.weekday()],
    "H": lambda t: str(t.hour),
    "HH": lambda t: f"{t.hour:02d}",
    "h": lambda t: str(t.hour % 12 or 12),
    "hh": lambda t: f"{t.hour % 12 or 12:02d}",
    "m": lambda t: str(t.minute),
    "mm": lambda t: f"{t.minute:02d}",
    "s": lambda t: str(t.second),
    "ss": lambda t: f"{t.second:02d}",
    "t": lambda t: "AP"[t.hour // 12],
    "tt": lambda t: ("AM", "PM")[t.hour // 12],
    "z": lambda _: "+0",
    "zz": lambda _: "+00",
    "zzz": lambda _: "+00:00",
    "K": lambda _: "Z",
}
_READ = {
    "y": (r"\d{1,2}", "year2"),
    "yy": (r"\d{2}", "year2"),
    "yyy": (r"\d{3,4}", "year"),
    "yyyy": (r"\d{4}", "year"),
    "yyyyy": (r"\d{5}", "year"),
    "M": (r"\d{1,2}", "month"),
    "MM": (r"\d{2}", "month"),
    "MMM": ("|".join(name[:3] for name in _MONTHS), "month_name"),
    "MMMM": ("|".join(_MONTHS), "month_name"),
    "d": (r"\d{1,2}", "day"),
    "dd": (r"\d{2}", "day"),
    "ddd": ("|".join(name[:3] for name in _DAYS), "weekday"),
    "dddd": ("|".join(_DAYS), "weekday"),
    "H": (r"\d{1,2}", "hour"),
    "HH": (r"\d{2}", "hour"),
    "h": (r"\d{1,2}", "hour12"),
    "hh": (r"\d{2}", "hour12"),
    "m": (r"\d{1,2}", "minute"),
    "mm": (r"\d{2}", "minute"),
    "s": (r"\d{1,2}", "second"),
    "ss": (r"\d{2}", "second"),
    "t": ("[AP]", "half"),
    "tt": ("AM|PM", "half"),
    "z": (r"[+-]\d{1,2}", "offset"),
    "zz": (r"[+-]\d{2}", "offset"),
    "zzz": (r"[+-]\d{2}:\d{2}", "offset"),
    "K": (r"Z|[+-]\d{2}:\d{2}|", "offset"),
}


def _pieces(form: str) -> list[tuple[str, bool]]:
    """The pieces of a format: text, and whether it is a field. Raises ValueError."""
    if not form:
        raise ValueError("a format was expected, an empty one was found")
    if len(form) == 1:
        if form not in _STANDARD:
            raise ValueError(f"{form!r} is no format that is known here; there are {', '.join(_STANDARD)}")
        form = _STANDARD[form]
    found = []
    for match in _TOKEN.finditer(form):
        if match["field"] is not None:
            found.append((match["field"], True))
        elif match["quoted"] is not None:
            found.append((match["quoted"][1:-1], False))
        else:
            found.append((match["escaped"] or match["literal"], False))
    return found


def write(moment: datetime, form: str) -> str:
    """A time in a format. Raises ValueError."""
    made = []
    for piece, is_field in _pieces(form):
        if not is_field:
            made.append(piece)
        elif piece[0] in "fF":
            digits = f"{moment.microsecond:06d}0"[: len(piece)]
            made.append(digits if piece[0] == "f" else digits.rstrip("0"))
        else:
            made.append(_WRITE[piece](moment))
    return "".join(made)


@lru_cache(maxsize=256)
def _regex(form: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    pattern, names = "", []
    for piece, is_field in _pieces(form):
        if not is_field:
            pattern += re.escape(piece)
        elif piece[0] in "fF":
            pattern += rf"(\d{{{len(piece)}}})" if piece[0] == "f" else rf"(\d{{0,{len(piece)}}})"
            names.append("fraction")
        else:
            wanted, name = _READ[piece]
            pattern += f"({wanted})"
            names.append(name)
    return re.compile(pattern, re.IGNORECASE), tuple(names)


def read(written: str, form: str) -> datetime:
    """The time, in UTC, of a text in a format. Raises ValueError."""
    pattern, names = _regex(form)
    match = pattern.fullmatch(written)
    if match is None:
        raise ValueError(f"a date in the format {form[:60]!r} was expected, {written[:60]!r} was found")
    told = dict(zip(names, match.groups(), strict=True))
    moment = datetime(
        _year(told), _month(told), int(told.get("day", 1)), _hour(told), int(told.get("minute", 0)), tzinfo=UTC
    )
    moment = moment.replace(
        second=int(told.get("second", 0)), microsecond=int((told.get("fraction") or "0").ljust(6, "0")[:6])
    )
    return moment.replace(tzinfo=_zone(told.get("offset"))).astimezone(UTC)


def _year(told: dict[str, str]) -> int:
    if "year2" in told:
        short = int(told["year2"])
        return short + (2000 if short < 50 else 1900)
    return int(told.get("year", 1))


def _month(told: dict[str, str]) -> int:
    if "month_name" in told:
        return [name[:3].lower() for name in _MONTHS].index(told["month_name"][:3].lower()) + 1
    return int(told.get("month", 1))


def _hour(told: dict[str, str]) -> int:
    if "hour12" in told:
        hour = int(told["hour12"])
        if not 1 <= hour <= 12:
            raise ValueError(f"an hour from 1 to 12 was expected, {hour} was found")
        return hour % 12 + (12 if told.get("half", "A")[0] in "Pp" else 0)
    return int(told.get("hour", 0))


def _zone(offset: str | None) -> timezone:
    if not offset or offset in "Zz":
        return UTC
    hours, _, minutes = offset[1:].partition(":")
    apart = timedelta(hours=int(hours), minutes=int(minutes or 0))
    return timezone(-apart if offset[0] == "-" else apart)
