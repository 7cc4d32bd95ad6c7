"""The time that a provisioning service goes by: real, or virtual, where cycles follow one another at once.

A target that is a mockscim has a clock of its own. ``TargetClock`` takes it along: not at each quiet cycle, but before
the next request, so that a quarter of a year without news costs nothing.
"""

from __future__ import annotations

import asyncio

from mockscim.clock import Clock
from mockscim.provision.target import TargetError
from mockscim.remote import Remote, RemoteError

_LOOK_EVERY = 0.5  # seconds between looks at whether the wait has lost its reason


class TargetClock:
    """The clock of a mockscim that is provisioned, and its list of the client's cycles.

    Args:
        remote: its control API.
        advance: whether its time goes on with ours.
        mark: whether it is told where cycles begin and end.
    """

    def __init__(self, remote: Remote, *, advance: bool, mark: bool) -> None:
        self._remote = remote
        self._advance = advance
        self._mark = mark
        self._owed = 0.0

    def owe(self, seconds: float) -> None:
        """Our time went on."""
        if self._advance:
            self._owed += seconds

    async def settle(self) -> None:
        """Let its time go on as far as ours did."""
        owed, self._owed = self._owed, 0.0
        if owed > 0 and not await self._tell("/clock/advance", {"by": owed}):
            self._owed += owed

    async def mark(self, document: dict[str, object]) -> None:
        """Tell it of a cycle: ``{"cycle": 1, "event": "begin"}``."""
        if self._mark:
            await self.settle()
            await self._tell("/marks", document)

    async def _tell(self, path: str, document: dict[str, object]) -> bool:
        """Whether it could be told. One that is down is for the plan to find out, which speaks SCIM."""
        try:
            await asyncio.to_thread(self._remote.call, "POST", path, document)
        except RemoteError:
            return False
        return True

    async def check(self) -> None:
        """Look whether there is a control API at all.

        Raises:
            TargetError: there is none, or it wants another admin token.
        """
        try:
            await asyncio.to_thread(self._remote.call, "GET", "/clock")
        except RemoteError as error:
            raise TargetError(f"--advance-target and --mark-target want a mockscim: {error}") from None

    @property
    def advances(self) -> bool:
        """Whether waiting is a matter of its clock, and of no real second."""
        return self._advance


class Time:
    """When it is, and what waiting means.

    Args:
        clock: real or virtual; a virtual one moves only here.
        target: the target's clock, where it goes along.
    """

    def __init__(self, clock: Clock, target: TargetClock | None = None) -> None:
        self._clock = clock
        self._target = target

    @property
    def mode(self) -> str:
        """``real`` or ``virtual``."""
        return self._clock.mode

    @property
    def virtual(self) -> bool:
        """Whether waiting costs nothing."""
        return self._clock.mode == "virtual"

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._clock.now()

    def jump(self, to: float) -> None:
        """Go on to a virtual time; one that has passed changes nothing."""
        ahead = to - self._clock.now()
        if ahead > 0:
            self._clock.advance(ahead)
            if self._target is not None:
                self._target.owe(ahead)

    async def until(self, when: float, stopping: asyncio.Event) -> None:
        """Wait for a time, or until there is no reason to wait any more."""
        if self.virtual:
            self.jump(when)
            return
        while not stopping.is_set() and (left := when - self.now()) > 0:
            try:
                await asyncio.wait_for(stopping.wait(), min(left, _LOOK_EVERY))
            except TimeoutError:
                continue

    async def wait_as_told(self, seconds: float) -> None:
        """What a target asks for with Retry-After is meant in its time: it passes where that passes."""
        if self._target is not None and self._target.advances:
            self.jump(self.now() + seconds)
        else:
            await asyncio.sleep(seconds)
            if self.virtual:
                self.jump(self.now() + seconds)

    async def settle(self) -> None:
        """Before a request: the target's clock shows our time."""
        if self._target is not None:
            await self._target.settle()
