"""How fast requests are sent: at most so many a second, evenly spread."""

from __future__ import annotations

import asyncio
import time


class Pace:
    """Lets senders pass one after another, so many a second; None lets all pass at once.

    A pause that nobody used is not made up for: load stays even.
    """

    def __init__(self, rate: float | None) -> None:
        self._gap = 1.0 / rate if rate else 0.0
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for one's turn."""
        if not self._gap:
            return
        now = time.monotonic()
        mine = max(now, self._next)
        self._next = mine + self._gap
        if mine > now:
            await asyncio.sleep(mine - now)
