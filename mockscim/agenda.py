"""What is still to happen in a tenant, in the order of its clock: writes that land late.

Nothing here waits. What is due is done before anybody looks: before a request, a control request, a step of the clock.
So whether the clock is real or told, a late commit is there when its time has come, and not before.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

Work = Callable[[float], None]  # told the time it was due, in seconds since the epoch


class Agenda:
    """Work by the time it is due.

    Attributes:
        due: (when, in which order, what), as a heap; empty mostly.
    """

    def __init__(self) -> None:
        self.due: list[tuple[float, int, Work]] = []
        self._serial = itertools.count()

    def add(self, at: float, work: Work) -> None:
        """Have something done once the clock shows ``at``; what is due at the same time is done in this order."""
        heapq.heappush(self.due, (at, next(self._serial), work))

    def catch_up(self, now: float) -> None:
        """Do what is due by now, earliest first."""
        while self.due and self.due[0][0] <= now:
            at, _, work = heapq.heappop(self.due)
            work(at)

    def clear(self) -> None:
        """Forget all of it."""
        self.due.clear()
