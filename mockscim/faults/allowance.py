"""How much a client may ask for: a token bucket, and a window that begins with its first request."""

from __future__ import annotations

import math
from dataclasses import dataclass

_ROUNDING = 1e-6  # seconds that a float of today's time cannot tell, so that who waits as told is let through


@dataclass(slots=True)
class Window:
    """So many requests in a window; the next begins with the first request after it.

    Attributes:
        limit: how many.
        seconds: how long a window is.
    """

    limit: int
    seconds: float
    begun: float | None = None
    used: int = 0

    def take(self, now: float) -> bool:
        """Use one of them, if there is one."""
        # a clock that goes backwards begins anew as well
        if self.begun is None or not -_ROUNDING < now - self.begun < self.seconds - _ROUNDING:
            self.begun, self.used = now, 0
        if self.used >= self.limit:
            return False
        self.used += 1
        return True

    def punish(self, now: float) -> None:
        """Count one that was refused: the window begins anew, and is full."""
        self.begun = now

    def remaining(self) -> int:
        """How many are left."""
        return self.limit - self.used

    def wait(self, now: float) -> float:
        """Seconds until there is one again."""
        return self.full_in(now) if self.used >= self.limit else 0.0

    def full_in(self, now: float) -> float:
        """Seconds until all are there again."""
        return self.seconds - (now - self.begun) if self.begun is not None else 0.0


@dataclass(slots=True)
class Bucket:
    """Tokens that come back at a steady rate, up to so many; a request takes one.

    Attributes:
        rate: tokens a second.
        size: most tokens it holds.
    """

    rate: float
    size: int
    tokens: float
    at: float

    def take(self, now: float) -> bool:
        """Take one, if there is one."""
        self.tokens = min(self.size, self.tokens + max(now - self.at, 0.0) * self.rate)
        self.at = now
        if self.tokens < 1 - self._rounding:
            return False
        self.tokens -= 1
        return True

    def punish(self, _now: float) -> None:
        """Take one that is not there; it never owes more than it holds."""
        self.tokens = max(self.tokens - 1, -float(self.size))

    def remaining(self) -> int:
        """How many are left."""
        return max(math.floor(self.tokens + self._rounding), 0)

    def wait(self, _now: float) -> float:
        """Seconds until there is one again."""
        return max(1 - self.tokens, 0.0) / self.rate

    def full_in(self, _now: float) -> float:
        """Seconds until all are there again."""
        return (self.size - self.tokens) / self.rate

    @property
    def _rounding(self) -> float:
        return min(self.rate * _ROUNDING, 0.5) + 1e-9
