"""What people tell the judge: when a client's cycles begin and end, what it reports of them, where it should arrive.

{"cycle": 1, "event": "begin"}
{"cycle": 1, "event": "end", "reported": {"success": false, "succeeded": ["ann@example.com"],
"failed": ["bob@example.com"], "ids": {"ann@example.com": "…"}}}
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

from mockscim.fixtures import Fixture

MOST_MARKS = 100_000


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """What a client says of its cycle; other keys are welcome and say nothing to the judge.

    A resource is named by its userName, displayName, externalId or id.
    """

    success: Annotated[bool | None, Meta(description="Whether all went well; false says that something did not.")] = (
        None
    )
    succeeded: Annotated[
        list[str] | int | None, Meta(description="What is as it should be now: names, or how many.")
    ] = None
    failed: Annotated[list[str] | int | None, Meta(description="What could not be done: names, or how many.")] = None
    ids: Annotated[dict[str, str] | None, Meta(description="The ids that the client holds, by its names for them.")] = (
        None
    )


class MarkDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The body of ``POST marks``; other keys are welcome."""

    event: Literal["begin", "end"]
    cycle: Annotated[
        Annotated[int, Meta(ge=0)] | None, Meta(description="Its number; left out, the next one or the open one.")
    ] = None
    reported: Reported | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark, and where in what happened it stands: behind that exchange and that change."""

    cycle: int
    event: str
    reported: Reported | None
    journal: int
    history: int
    at: float

    def document(self) -> dict[str, Any]:
        """The mark as the control API shows it, but for the time."""
        reported = None if self.reported is None else msgspec.to_builtins(self.reported)
        return {
            "cycle": self.cycle,
            "event": self.event,
            "reported": reported,
            "journal": self.journal,
            "history": self.history,
        }


class Expectation(NamedTuple):
    """What is desired, from the exchange after that number on."""

    fixture: Fixture
    since: int


@dataclass(frozen=True, slots=True)
class Cycle:
    """One cycle of the client: from its begin to its end, or to the next begin when it never came to one."""

    number: int
    begin: Mark
    end: Mark | None
    journal: tuple[int, int]
    """The exchanges after the first number up to the second are its own."""
    history: tuple[int, int]

    @property
    def reported(self) -> Reported | None:
        """What the client said of it."""
        return self.end.reported if self.end is not None else None

    @property
    def label(self) -> str:
        """``cycle 3``."""
        return f"cycle {self.number}"


_EVER = 10**18


def cycles_of(marks: Sequence[Mark]) -> list[Cycle]:
    """The cycles that marks tell, in order."""
    found: list[Cycle] = []
    begin: Mark | None = None
    for mark in marks:
        if begin is not None:
            end = mark if mark.event == "end" else None
            found.append(_cycle(begin, end, mark))
        begin = mark if mark.event == "begin" else None
    if begin is not None:
        found.append(_cycle(begin, None, None))
    return found


def _cycle(begin: Mark, end: Mark | None, until: Mark | None) -> Cycle:
    journal, history = (until.journal, until.history) if until is not None else (_EVER, _EVER)
    return Cycle(begin.cycle, begin, end, (begin.journal, journal), (begin.history, history))


def place(document: MarkDocument, marks: Sequence[Mark], journal: int, history: int, at: float) -> Mark:
    """A mark put where it stands.

    Raises:
        ValueError: it ends a cycle that has not begun.
    """
    last = marks[-1] if marks else None
    is_open = last is not None and last.event == "begin"
    number = document.cycle
    if document.event == "end":
        if last is None or not is_open:
            raise ValueError("no cycle has begun that could end")
        if number is not None and number != last.cycle:
            raise ValueError(f"cycle {last.cycle} has begun, so cycle {number} cannot end")
        number = last.cycle
    elif number is None:
        number = max((mark.cycle for mark in marks), default=0) + 1
    return Mark(number, document.event, document.reported, journal, history, at)
