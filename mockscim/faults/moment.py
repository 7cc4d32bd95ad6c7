"""What a fault may know when it decides: the chance, the time, the request, and what it remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockscim.faults.draw import Draw

if TYPE_CHECKING:
    from mockscim.faults.engine import Attempt


class Moment:
    """One match of one rule.

    Attributes:
        draw: all chance comes from here.
        now: seconds on the tenant's clock.
        age: seconds since the rule was added or reset, on the same clock.
        match: which match of the rule this is, from 1.
        memory: what the rule remembers from match to match; emptied when it is replaced or reset.
        attempt: the request.
        ends: seconds until the rule's window ends, on the same clock; None where it has no end.
        elapsed: seconds since it opened.
    """

    __slots__ = ("age", "attempt", "draw", "elapsed", "ends", "match", "memory", "now")

    def __init__(
        self,
        draw: Draw,
        now: float,
        age: float,
        match: int,
        memory: dict[str, Any],
        attempt: Attempt,
        ends: float | None = None,
        elapsed: float = 0.0,
    ) -> None:
        self.draw = draw
        self.now = now
        self.age = age
        self.match = match
        self.memory = memory
        self.attempt = attempt
        self.ends = ends
        self.elapsed = elapsed
