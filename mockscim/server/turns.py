"""Turns of the event loop for work that takes many: one slice a turn, whoever waits longest first.

However many searches go on, what else there is waits for one slice of one of them, a millisecond or two.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class Turns:
    """Gives turns to all who work in slices in one server."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._next = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until it is one's turn, and everything else that was due has been done; inside, do one slice."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # a server may go on in another loop
            self._loop, self._next = loop, asyncio.Lock()
        async with self._next:
            await asyncio.sleep(0)
            yield

    async def work(self, go_on: Callable[[], bool], ended: Callable[[], bool]) -> bool:
        """Do some work a slice a turn, until it is done; whether it was, and not ended before.

        Args:
            go_on: does one slice; whether all is done.
            ended: whether nobody wants the rest any more; asked before each slice.
        """
        done = False
        while not done:
            async with self.turn():
                if ended():
                    return False
                done = go_on()
        return True
