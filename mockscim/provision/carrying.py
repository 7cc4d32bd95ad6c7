"""Carries a cycle or a push out: phase after phase, in each as many objects at a time as is allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

from mockscim.provision.sender import Sender
from mockscim.provisioning.wire import Steps


class Item(Protocol):
    """One object's plan."""

    def steps(self) -> Steps[Any]:
        """The requests."""

    def end(self, outcome: Any, at: float) -> None:  # noqa: ANN401 - what its plan returns
        """Take in what came of it."""


class Phase(Protocol):
    """Objects that do not depend on each other."""

    @property
    def name(self) -> str:
        """For people."""

    @property
    def items(self) -> Sequence[Item]:
        """The objects."""


class Round(Protocol):
    """A cycle of Entra's, or a push of Okta's."""

    @property
    def entries(self) -> list[dict[str, Any]]:
        """The log's, complete when a phase is over."""

    @property
    def events(self) -> list[dict[str, Any]]:
        """What an administrator is told of."""

    def phases(self) -> Iterable[Phase]:
        """In order; the next is asked for when one is done."""

    def finish(self, now: float | None = None) -> None:
        """It is over, or broken off."""


class Watcher(Protocol):
    """Who looks on: a progress bar, or nobody."""

    def phase(self, name: str, total: int) -> None:
        """A phase begins."""

    def item(self) -> None:
        """One object more is done."""


async def carry_out(
    round_: Round,
    sender: Sender,
    *,
    now: Callable[[], float],
    concurrency: int,
    stopping: asyncio.Event,
    watcher: Watcher,
    after_phase: Callable[[], None],
) -> bool:
    """Do all of it, or as much as there is time for: once ``stopping`` is set, no further object is begun.

    Whoever stops it when the last object is under way has stopped nothing.

    Returns:
        Whether it came to its end; if not, the round is finished as one that was broken off.
    """
    whole = False
    try:
        for phase in round_.phases():
            if stopping.is_set():
                break
            watcher.phase(phase.name, len(phase.items))
            todo = iter(phase.items)
            workers = [_work(todo, sender, now, stopping, watcher) for _ in range(min(concurrency, len(phase.items)))]
            await _together(workers)
            after_phase()
            if next(todo, None) is not None:
                break
        else:
            whole = True
    finally:
        if not whole:
            round_.finish(now())
        after_phase()
    return whole


async def _work(
    todo: Iterator[Item], sender: Sender, now: Callable[[], float], stopping: asyncio.Event, watcher: Watcher
) -> None:
    while not stopping.is_set() and (item := next(todo, None)) is not None:
        item.end(await sender.drive(item.steps()), now())
        watcher.item()


async def _together(workers: list[Any]) -> None:
    if len(workers) == 1:
        await workers[0]  # one task less for each phase
        return
    async with asyncio.TaskGroup() as group:
        for worker in workers:
            group.create_task(worker)
