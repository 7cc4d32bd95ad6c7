"""Dates: texts that are read in many forms, and written ``M/d/yyyy h:mm:ss tt`` in UTC."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from mockscim.provisioning.expressions.context import Context
from mockscim.provisioning.expressions.errors import ExpressionError
from mockscim.provisioning.expressions.functions import dotnet
from mockscim.provisioning.expressions.registry import function
from mockscim.provisioning.expressions.values import Value, integer, shown, text

_FORMAT = "M/d/yyyy h:mm:ss tt"
_FILE_TIME = datetime(1601, 1, 1, tzinfo=UTC)  # Active Directory counts 100 ns from here
_ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,7})?)?))?\s*(Z|[+-]\d{2}:?\d{2})?", re.IGNORECASE
)
_FORMS = (_FORMAT, "M/d/yyyy h:mm tt", "M/d/yyyy H:mm:ss", "M/d/yyyy H:mm", "M/d/yyyy", "yyyyMMdd", "yyyyMMddHHmmss.fZ")
_STYLES = {
    "none",
    "allowleadingwhite",
    "allowtrailingwhite",
    "allowinnerwhite",
    "allowwhitespaces",
    "nocurrentdatedefault",
    "adjusttouniversal",
    "assumelocal",
    "assumeuniversal",
    "roundtripkind",
}


def _read(value: Value, of: str) -> datetime:
    """A date in one of the forms that are documented for CDate; without an offset it is UTC."""
    written = text(value, of).strip()
    if found := _ISO.fullmatch(written):
        day, clock, offset = found.groups()
        clock = (clock or "00:00")[:15]  # seven digits of a second are more than a datetime has
        try:
            moment = datetime.fromisoformat(f"{day}T{clock}{(offset or 'Z').upper()}")
            return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    for form in _FORMS:
        try:
            return dotnet.read(written, form)
        except ValueError:
            continue
    raise ExpressionError(f"{of}: a date was expected, {shown(value)} was found")


def _write(moment: datetime) -> str:
    return dotnet.write(moment, _FORMAT)


@function("CDate", 1)
def c_date(value: Value) -> str | None:
    """A date in UTC."""
    return None if value is None else _write(_read(value, "CDate"))


@function("Now", 0, context=True)
def now(context: Context) -> str:
    """The time of the provisioning service."""
    return _write(datetime.fromtimestamp(int(context.now), UTC))


@function("DateFromNum", 1)
def date_from_num(value: Value) -> str | None:
    """A date of Active Directory's, as a number or its text."""
    if value is None:
        return None
    try:
        return _write(_FILE_TIME + timedelta(microseconds=integer(value, "DateFromNum's value") // 10))
    except OverflowError:
        raise ExpressionError(f"DateFromNum: {shown(value)} is beyond every date") from None


@function("NumFromDate", 1)
def num_from_date(value: Value) -> int | None:
    """A date as Active Directory has it: in 100 ns since 1601."""
    if value is None:
        return None
    return (_read(value, "NumFromDate") - _FILE_TIME) // timedelta(microseconds=1) * 10


@function("FormatDateTime", 4)
def format_date_time(source: Value, styles: Value, input_format: Value, output_format: Value) -> str | None:
    """A date from one form into another; with an offset, first into UTC. Guess: the styles change nothing here."""
    if source is None:
        return None
    for style in text(styles, "FormatDateTime").split(","):
        name = style.strip().removeprefix("DateTimeStyles.").lower()
        if name and name not in _STYLES:
            raise ExpressionError(f"FormatDateTime: there is no DateTimeStyles {style.strip()!r}")
    written = text(source, "FormatDateTime").strip()
    try:
        moment = dotnet.read(written, text(input_format, "FormatDateTime"))
        return dotnet.write(moment, text(output_format, "FormatDateTime"))
    except (ValueError, OverflowError) as error:
        raise ExpressionError(f"FormatDateTime: {error}") from None


# --- reckoning, as Visual Basic's functions of the same names do it: the published examples agree with them ---

_FIXED = {"d": 86400, "ww": 7 * 86400, "h": 3600, "n": 60, "s": 1}
_MONTHS = {"yyyy": 12, "m": 1}


@function("DateAdd", 3)
def date_add(interval: Value, value: Value, moment: Value) -> str | None:
    """A date, so many intervals later. At the end of a month that is shorter, its last day."""
    name, number = _interval(interval, "DateAdd"), integer(value, "DateAdd's value")
    if moment is None:
        return None
    start = _read(moment, "DateAdd")
    try:
        if name in _FIXED:
            return _write(start + timedelta(seconds=number * _FIXED[name]))
        years, month = divmod(start.year * 12 + start.month - 1 + number * _MONTHS[name], 12)
        day = min(start.day, calendar.monthrange(years, month + 1)[1])
        return _write(start.replace(year=years, month=month + 1, day=day))
    except (OverflowError, ValueError):
        raise ExpressionError("DateAdd: that is beyond every date") from None


@function("DateDiff", 3)
def date_diff(interval: Value, date1: Value, date2: Value) -> int | None:
    """How many intervals lie between two dates: of years, months and weeks their beginnings, else whole ones."""
    name = _interval(interval, "DateDiff")
    if date1 is None or date2 is None:
        return None
    first, second = _read(date1, "DateDiff"), _read(date2, "DateDiff")
    try:
        return _DIFFERENCES[name](first, second)
    except OverflowError:  # the week before the first
        raise ExpressionError("DateDiff: that is beyond every date") from None


def _whole(seconds: int) -> Callable[[datetime, datetime], int]:
    return lambda first, second: int((second - first).total_seconds() / seconds)


def _weeks(first: datetime, second: datetime) -> int:
    # Each goes back to the Saturday before its week.
    apart = (second - timedelta(days=second.isoweekday() % 7 + 1)) - (
        first - timedelta(days=first.isoweekday() % 7 + 1)
    )
    return int(int(apart.total_seconds() / 86400) / 7)


_DIFFERENCES: dict[str, Callable[[datetime, datetime], int]] = {
    "yyyy": lambda first, second: second.year - first.year,
    "m": lambda first, second: (second.year - first.year) * 12 + second.month - first.month,
    "ww": _weeks,
    **{name: _whole(_FIXED[name]) for name in ("d", "h", "n", "s")},
}


def _interval(value: Value, of: str) -> str:
    name = text(value, of)
    if name not in _DIFFERENCES:
        raise ExpressionError(f"{of}'s interval is one of {', '.join(_DIFFERENCES)}, {shown(value)} was found")
    return name
