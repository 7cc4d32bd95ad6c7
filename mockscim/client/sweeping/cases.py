"""The cases of a sweep: which request, at which phase, meets what."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from mockscim.client.sweeping.outcomes import Outcome


class Request(NamedTuple):
    """One request of the clean run.

    Attributes:
        n: its number, from 1, in the order of arrival.
        matches: how many matches of a rule about everything come before its own: operations of a bulk job are
            matches as well.
        operation: ``user.create``; "" where none could be told.
        refinements: further names that it goes by.
        label: for people: ``user.create POST /Users``.
    """

    n: int
    matches: int
    operation: str
    refinements: tuple[str, ...]
    label: str


class Case(NamedTuple):
    """One run: the request that is struck, when, and what befalls it."""

    request: Request
    phase: str
    outcome: Outcome

    @property
    def id(self) -> str:
        """``7:after:reset``."""
        return f"{self.request.n}:{self.phase}:{self.outcome.name}"

    def rule(self, name: str) -> dict[str, Any]:
        """The fault rule. A sequence of one step: what does not strike its request strikes none after it."""
        return {
            "name": name,
            "match": {"operation": "*", "authenticated": False},
            "skip": self.request.matches,
            "sequence": [{**self.outcome.step, "phase": self.phase}],
        }


def counting_rule(name: str) -> dict[str, Any]:
    """A rule that strikes every request and does nothing, by which the clean run is counted."""
    return {
        "name": name,
        "type": "latency",
        "parameters": {"delay": 0},
        "match": {"operation": "*", "authenticated": False},
    }


def label_of(entry: Mapping[str, Any]) -> str:
    """A journal entry as ``user.create POST /Users``."""
    return f"{entry['operation'] or '?'} {entry['method']} {entry['path'] or '/'}"


def requests_of(entries: Iterable[Mapping[str, Any]], counted: str) -> list[Request]:
    """The requests that the counting rule of that name has struck, from the journal."""
    found: list[Request] = []
    matches = 0
    for entry in entries:
        strikes = sum(1 for fault in entry["faults"] if fault["rule"] == counted)
        if strikes:
            operation, refinements = entry["operation"] or "", tuple(entry["refinements"])
            found.append(Request(len(found) + 1, matches, operation, refinements, label_of(entry)))
            matches += strikes
    return found


def cases_of(requests: Iterable[Request], outcomes: Sequence[Outcome], operations: Sequence[str]) -> list[Case]:
    """All cases, by request, phase and outcome.

    Args:
        requests: of the clean run.
        outcomes: what befalls them.
        operations: which of them are struck: names of operations or refinements, ``*`` for any text.
    """
    return [
        Case(request, phase, outcome)
        for request in requests
        if any(
            fnmatchcase(name, pattern) for name in (request.operation, *request.refinements) for pattern in operations
        )
        for phase in ("before", "after")
        for outcome in outcomes
        if phase in outcome.phases
    ]


def chosen(cases: Sequence[Case], only: Iterable[str]) -> list[Case]:
    """Those that are named, in the order of all.

    Args:
        cases: all of them.
        only: ``7:after:reset``; ``7:after`` and ``7`` stand for all that begin so.

    Raises:
        ValueError: a name that is no case's.
    """
    wanted: set[str] = set()
    for text in only:
        found = [case.id for case in cases if case.id == text or case.id.startswith(f"{text}:")]
        if not found:
            requests = sorted({case.request.n for case in cases})
            numbers = f"{requests[0]} to {requests[-1]}" if requests else "none"
            outcomes = ", ".join(dict.fromkeys(f"{case.phase}:{case.outcome.name}" for case in cases))
            raise ValueError(
                f"the sweep has no case {text!r}: one is written 7:after:reset; requests are {numbers}"
                + (f", each with {outcomes}" if outcomes else "")
            )
        wanted.update(found)
    return [case for case in cases if case.id in wanted]


def spread(cases: Sequence[Case], seed: int) -> list[Case]:
    """The cases in an order of which every beginning covers all requests evenly; the same for the same seed."""
    draw = random.Random(seed)  # noqa: S311 - reproducible by design
    piles: dict[int, list[Case]] = {}
    for case in cases:
        piles.setdefault(case.request.n, []).append(case)
    for pile in piles.values():
        draw.shuffle(pile)
    found: list[Case] = []
    while piles:
        numbers = list(piles)
        draw.shuffle(numbers)
        for number in numbers:
            found.append(piles[number].pop())
            if not piles[number]:
                del piles[number]
    return found
