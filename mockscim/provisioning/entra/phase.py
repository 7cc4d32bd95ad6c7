"""A stretch of a cycle whose plans are independent of each other, so that they may run at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from mockscim.provisioning.entra.connection import Connection
from mockscim.provisioning.entra.outcome import Outcome
from mockscim.provisioning.wire import Steps

Name = Literal["connection", "users", "groups", "references", "memberships"]
Result = Outcome | Connection


class Item:
    """One plan.

    Attributes:
        kind: User or Group; empty for the test of the connection.
        key: the source object's id.
        name: what it is called.
        result: what came of it, once it has ended.
        at: when it ended, in seconds since the epoch.
    """

    def __init__(
        self, kind: str, key: str, name: str, begin: Callable[[], Steps[Result]], noticed: Callable[[Result], None]
    ) -> None:
        self.kind, self.key, self.name = kind, key, name
        self.result: Result | None = None
        self.at = 0.0
        self._begin, self._noticed = begin, noticed

    def steps(self) -> Steps[Result]:
        """The plan: it yields requests, is sent answers, and returns what came of it."""
        return self._begin()

    def end(self, result: Result, at: float) -> None:
        """Hand in what the plan returned, and when."""
        self.result, self.at = result, at
        self._noticed(result)


class Phase:
    """See the module.

    Attributes:
        name: what it is about; ``users`` and ``groups`` come twice where something is deleted, deletes first.
        items: the plans, in the order of the log.
    """

    def __init__(self, name: Name, items: Sequence[Item]) -> None:
        self.name: Name = name
        self.items = list(items)

    @property
    def total(self) -> int:
        """How many plans there are."""
        return len(self.items)

    @property
    def done(self) -> int:
        """How many have ended."""
        return sum(item.result is not None for item in self.items)
