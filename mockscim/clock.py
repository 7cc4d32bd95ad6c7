"""A tenant's clock: real, or virtual and told (frozen until it is advanced).

It governs data, windows, expiry and rate limits. Delays on the wire are real time and do not ask it.

The system's time may be set back while somebody asks. A real clock goes on from where it was then: dates keep their
order, and what was to end in a minute does so.
"""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from functools import lru_cache

DEFAULT_VIRTUAL = "2026-01-01T00:00:00Z"


class ClockError(ValueError):
    """A time or mode that the clock does not understand, or a step it does not make."""


def parse_instant(text: str) -> float:
    """Seconds since the epoch of an ISO 8601 text; without an offset it is UTC.

    Raises:
        ClockError: when the text is no instant.
    """
    try:
        moment = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        raise ClockError(f"{str(text)[:60]!r} is no instant; one is written 2026-01-31T12:00:00Z") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def format_instant(seconds: float) -> str:
    """An instant as SCIM shows it: UTC, milliseconds, ``Z``."""
    fraction, whole = math.modf(seconds)
    micros = round(fraction * 1e6)
    if 0 <= micros < 1_000_000:
        return f"{_second(whole)}.{micros // 1000:03d}Z"
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@lru_cache(maxsize=16)
def _second(seconds: float) -> str:
    """A whole second's text: under load the same for many requests."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").removesuffix("+00:00")


def _checked(seconds: float) -> float:
    """The same instant, when it can be shown."""
    try:
        format_instant(seconds)
    except (ValueError, OverflowError, OSError):
        raise ClockError("a clock is between the years 1 and 9999") from None
    return seconds


class Clock:
    """Tells the time in seconds since the epoch.

    Args:
        setting: ``real``, ``virtual``, or ``virtual:2026-01-01T00:00:00Z``.
    """

    def __init__(self, setting: str = "real") -> None:
        mode, _, start = setting.partition(":")
        if mode not in ("real", "virtual") or (mode == "real" and start):
            raise ClockError(f"a clock is real, virtual or virtual:2026-01-01T00:00:00Z, not {setting[:60]!r}")
        self._ahead = 0.0  # of the system's time, once that was set back
        self._last = 0.0
        self._start: float | None = _checked(parse_instant(start or DEFAULT_VIRTUAL)) if mode == "virtual" else None
        self._now = self._start

    @property
    def mode(self) -> str:
        """``real`` or ``virtual``."""
        return "real" if self._now is None else "virtual"

    def now(self) -> float:
        """The time, in seconds since the epoch."""
        if self._now is not None:
            return self._now
        now = time.time() + self._ahead
        if now < self._last:
            self._ahead += self._last - now
            now = self._last
        self._last = now
        return now

    def text(self) -> str:
        """The time as ``meta`` shows it."""
        return format_instant(self.now())

    def set(self, mode: str, now: float | None = None) -> None:
        """Change the mode, or the virtual time; it may go backwards, as real clocks do."""
        if mode == "real":
            if now is not None:
                raise ClockError("a real clock cannot be set; use the mode virtual")
            self._now = None
        elif mode == "virtual":
            self._now = _checked(now if now is not None else self.now())
        else:
            raise ClockError(f"a clock's mode is real or virtual, not {mode[:60]!r}")

    def advance(self, seconds: float) -> None:
        """Move the virtual time on; a real clock becomes virtual from now."""
        if not math.isfinite(seconds) or seconds < 0:
            raise ClockError("a clock is advanced by a positive duration")
        self._now = _checked(self.now() + seconds)

    def reset(self) -> None:
        """Back to how the clock started."""
        self._now = self._start

    def document(self) -> dict[str, str]:
        """The clock as the control API shows it."""
        return {"mode": self.mode, "now": self.text()}
