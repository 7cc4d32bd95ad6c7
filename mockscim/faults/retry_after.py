"""Retry-After as it is really sent: the two forms of RFC 9110 §10.2.3, and those that others have met."""

from __future__ import annotations

import math
import re
from email.utils import formatdate, parsedate_to_datetime
from typing import Literal

from mockscim.faults.draw import Draw

Form = Literal["seconds", "http_date", "fractional", "past", "zero", "missing", "huge", "garbage", "epoch"]
FORMS = (
    "seconds and http_date are RFC 9110's; fractional (SpaceTradersAPI/api-docs#24), past (a date), zero, missing,"
    " huge, garbage, and epoch, the time when it is over (cloudfoundry/cloud_controller_ng#2544), are seen."
)

_SECONDS = re.compile(r"[0-9]{1,12}")
_LAST = 253_402_300_799  # the last second of the year 9999, beyond which no date is written
_HUGE = "9999999999"
_GARBAGE = ("soon", "-5", "10 seconds", "NaN", "1e3", "5, 10")
_AGO = 3600
_ROUNDING = 1e-6  # what a float of today's time cannot tell


def read_retry_after(value: str, answered: float, *, dates: bool = True) -> float | None:
    """The seconds that a Retry-After asks for, in one of the two forms of RFC 9110 §10.2.3; None for none of them.

    Args:
        value: of the header.
        answered: when the answer came, in seconds since the epoch.
        dates: whether the HTTP-date form says anything; on a virtual clock it does not.
    """
    text = value.strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        date = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return date - answered if dates else None


def whole(seconds: float) -> int:
    """So many whole seconds, at least one, that have passed when the time has come."""
    return max(1, math.ceil(seconds - _ROUNDING))


def http_date(seconds: float) -> str:
    """An instant as HTTP writes it (RFC 9110 §5.6.7)."""
    return formatdate(min(max(seconds, 0), _LAST), usegmt=True)


def retry_after(form: Form, wait: float, now: float, draw: Draw) -> dict[str, str]:
    """The headers that tell a client to wait: Retry-After, if any, and Date, for the clock it is told by.

    Args:
        form: how it is said.
        wait: how long, in seconds.
        now: the time, in seconds on the tenant's clock.
        draw: which nonsense it is.
    """
    headers = {"Date": http_date(now)}
    if form == "seconds":
        headers["Retry-After"] = str(whole(wait))
    elif form == "http_date":
        headers["Retry-After"] = http_date(math.ceil(now + wait - _ROUNDING))
    elif form == "fractional":
        headers["Retry-After"] = f"{math.ceil(max(wait, 0.001) * 1000 - _ROUNDING) / 1000:.3f}"
    elif form == "past":
        headers["Retry-After"] = http_date(now - _AGO)
    elif form == "zero":
        headers["Retry-After"] = "0"
    elif form == "huge":
        headers["Retry-After"] = _HUGE
    elif form == "garbage":
        headers["Retry-After"] = draw.choice(_GARBAGE)
    elif form == "epoch":
        headers["Retry-After"] = str(math.ceil(now + wait - _ROUNDING))
    return headers
