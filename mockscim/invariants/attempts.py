"""Attempts on the wire, and the logical operations that they belong to.

An attempt belongs to the operation of an earlier one when it is the same request (method, path, query, body), that one
was not a success, no cycle began between the two, and no long pause lies between them. For reads only what went wrong
on the way or at the server counts as no success; for writes every refusal does.

Some HTTP clients, aiohttp's for one, send a GET, PUT or DELETE again by themselves when a kept connection turns out to
be dead: the same request, headers and all, at once, on another connection, once. That is told apart: no attempt of the
client's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mockscim.invariants.seen import WRITES, Identity, Seen

_AT_ONCE = 0.25  # seconds
_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE"})


@dataclass
class Operation:
    """One logical operation.

    Attributes:
        attempts: as the client made them, in order of arrival; at least one.
        resent: attempts that its HTTP library made by itself.
    """

    attempts: list[Seen]
    resent: list[Seen] = field(default_factory=list)

    @property
    def first(self) -> Seen:
        """The first attempt."""
        return self.attempts[0]

    @property
    def last(self) -> Seen:
        """The last attempt, be it the library's."""
        return max(self.attempts[-1], self.resent[-1], key=lambda s: s.n) if self.resent else self.attempts[-1]

    @property
    def ok(self) -> bool:
        """Whether the client was told of success in the end."""
        return self.last.ok


def operations_of(seen: Sequence[Seen], pause: float) -> list[Operation]:
    """The logical operations, in order of their first attempts.

    Args:
        seen: the exchanges, in order of arrival.
        pause: seconds after which an attempt begins a new operation.
    """
    used: set[int] = set()  # connections that have served something
    reused: set[int] = set()  # exchanges that came over a kept connection
    opened: dict[Identity, Operation] = {}
    found: list[Operation] = []
    for each in seen:
        if each.connection in used:
            reused.add(each.n)
        used.add(each.connection)
        operation = opened.get(each.identity)
        if operation is not None:
            before = operation.last
            if before.n in reused and before not in operation.resent and is_resend(before, each):
                operation.resent.append(each)
                continue
            if before.epoch == each.epoch and not _succeeded(before) and before.gap_to(each) < pause:
                operation.attempts.append(each)
                continue
        operation = opened[each.identity] = Operation([each])
        found.append(operation)
    return found


def is_resend(before: Seen, again: Seen) -> bool:
    """Whether a library sent a request again because the kept connection died without an answer."""
    return (
        before.status is None
        and before.exchange.cut
        and not before.exchange.client_gone
        and before.method in _IDEMPOTENT
        and again.connection != before.connection
        and before.gap_to(again) < _AT_ONCE
        and dict(before.headers) == dict(again.headers)
    )


def _succeeded(seen: Seen) -> bool:
    if seen.method in WRITES and seen.writes:
        # What is gone is deleted, and what is not modified is as it was.
        return seen.ok or (seen.arrived and seen.status == 404 and seen.method == "DELETE")
    return not seen.failed


def own_attempts(operations: Iterable[Operation]) -> int:
    """How many attempts clients made of their own."""
    return sum(len(operation.attempts) for operation in operations)
