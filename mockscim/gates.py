"""Gates: where requests are held until a test lets them go, so that an interleaving is exact and nothing sleeps.

    received           the request is read, and nothing is decided
    before_commit      faults before the commit have had their turn
    after_commit       a change is made, and the client does not know; what changes nothing is not held
    before_last_byte   the answer is on the wire but for its last byte

A gate is closed when it is made. Releasing it lets all go that wait there, and takes it away. One that nobody releases
opens for a request once that has waited for the gate's time-out, in real time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, field

from mockscim.faults import Attempt, FaultError
from mockscim.faults.documents import Seconds, convert
from mockscim.faults.match import Match, compile_match

Point = Literal["received", "before_commit", "after_commit", "before_last_byte"]
DEFAULT_TIMEOUT = Seconds(30.0)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}")
_MOST_GATES = 1000


class GateDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The body of ``PUT gates/{name}``."""

    match: Match = field(default_factory=Match)
    at: Point = "before_commit"
    timeout: Annotated[Seconds, Meta(description="How long one request is held at most, in real time; 30s.")] = field(
        default_factory=lambda: DEFAULT_TIMEOUT  # whose JSON Schema msgspec could not write as it is
    )


class Gate:
    """One gate, closed until it is released.

    Args:
        name: its name.
        document: what it holds, where, and for how long.

    Raises:
        FaultError: the filter of its match is none.
    """

    def __init__(self, name: str, document: GateDocument) -> None:
        self.name = name
        self.document = document
        self.matcher = compile_match(document.match, "/match")
        self.open = False
        self.reached = 0
        self.timed_out = 0
        # How to let go who waits, and how to wake who wants to know that somebody does.
        self.waiting: set[Callable[[], None]] = set()
        self.watchers: set[Callable[[], None]] = set()

    def holds(self, attempt: Attempt) -> bool:
        """Whether a request is to wait here."""
        return (
            not self.open
            and self.matcher.covers(attempt.operation, attempt.refinements)
            and self.matcher.holds(attempt)
        )

    def arrive(self) -> None:
        """Somebody has come to the gate."""
        self.reached += 1
        for watcher in list(self.watchers):
            watcher()

    def release(self) -> int:
        """Open it; returns how many were waiting."""
        self.open = True
        waiting = list(self.waiting)
        for let_go in waiting:
            let_go()
        for watcher in list(self.watchers):
            watcher()
        return len(waiting)

    def describe(self) -> dict[str, Any]:
        """The gate as the control API shows it."""
        return {
            "name": self.name,
            "match": {
                key: value
                for key, value in msgspec.to_builtins(self.document.match).items()
                if value not in (None, {}) and (key != "authenticated" or value is False)
            },
            "at": self.document.at,
            "timeout": float(self.document.timeout),
            "reached": self.reached,
            "waiting": len(self.waiting),
            "timed_out": self.timed_out,
        }


class Gates:
    """The gates of one tenant.

    Attributes:
        closed: the gates by name; empty mostly.
    """

    def __init__(self) -> None:
        self.closed: dict[str, Gate] = {}

    def __iter__(self) -> Iterator[Gate]:
        return iter(list(self.closed.values()))

    def put(self, name: str, document: object) -> Gate:
        """Make a gate, or make it anew: whoever waited at the old one goes on.

        Raises:
            FaultError: it cannot be used.
        """
        if not _NAME.fullmatch(name):
            raise FaultError("", "a gate's name is at most 128 letters, digits and any of . _ : @ + -")
        if name not in self.closed and len(self.closed) >= _MOST_GATES:
            raise FaultError("", f"there are {_MOST_GATES} gates; release some")
        gate = Gate(name, convert(document, GateDocument, ""))
        self.release(name)
        self.closed[name] = gate
        return gate

    def get(self, name: str) -> Gate | None:
        """The gate of that name."""
        return self.closed.get(name)

    def release(self, name: str) -> Gate | None:
        """Open a gate and take it away; returns it, if there was one."""
        gate = self.closed.pop(name, None)
        if gate is not None:
            gate.release()
        return gate

    def clear(self) -> None:
        """Open all and take them away."""
        for name in list(self.closed):
            self.release(name)

    def holding(self, attempt: Attempt) -> dict[str, list[Gate]]:
        """The gates that hold a request, by the point where they stand."""
        found: dict[str, list[Gate]] = {}
        for gate in self:
            if gate.holds(attempt):
                found.setdefault(gate.document.at, []).append(gate)
        return found
