"""The tenant's clock under a test's command: it governs data, windows, expiry, rate limits and late commits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mockscim.client.line import Line


class Clock:
    """The tenant's clock. Delays on the wire, gate time-outs and ``within`` are real time all the same."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def now(self) -> datetime:
        """The time, with its time zone, which is UTC."""
        return _read(self._line.ask("GET", "/clock")["now"])

    @property
    def mode(self) -> str:
        """``real`` or ``virtual``."""
        return str(self._line.ask("GET", "/clock")["mode"])

    def freeze(self, at: str | datetime | None = None) -> datetime:
        """Stop it.

        Args:
            at: the time it stands at: ISO 8601 text or a datetime, without time zone in UTC; None for now.

        Returns:
            That time.

        Raises:
            ControlRefused: the text is no time.
        """
        text = at.replace(tzinfo=at.tzinfo or UTC).isoformat() if isinstance(at, datetime) else at
        body = {"mode": "virtual", **({"now": text} if text is not None else {})}
        return _read(self._line.ask("PUT", "/clock", body)["now"])

    def advance(
        self,
        by: float | str | timedelta | None = None,
        *,
        seconds: float = 0,
        minutes: float = 0,
        hours: float = 0,
        days: float = 0,
    ) -> datetime:
        """Move it on; a real clock stands still from then on. What was to happen meanwhile has happened.

        Args:
            by: a number of seconds, a text such as ``40m``, or a timedelta; or else these together:
            seconds: so many.
            minutes: so many.
            hours: so many.
            days: so many.

        Returns:
            The time then.

        Raises:
            ControlRefused: it is no duration, or a negative one.
            TypeError: nothing is said, or both.
        """
        told = timedelta(seconds=seconds, minutes=minutes, hours=hours, days=days)
        if (by is None) is (told == timedelta(0)):
            raise TypeError('say by how much: advance("40m") or advance(minutes=40)')
        if by is None:
            by = told
        step = by.total_seconds() if isinstance(by, timedelta) else by
        return _read(self._line.ask("POST", "/clock/advance", {"by": step})["now"])

    def run(self) -> datetime:
        """Let it show the real time from now on."""
        return _read(self._line.ask("PUT", "/clock", {"mode": "real"})["now"])

    def __repr__(self) -> str:
        document = self._line.ask("GET", "/clock")
        return f"<Clock {document['mode']} {document['now']}>"


def _read(text: str) -> datetime:
    return datetime.fromisoformat(text)
