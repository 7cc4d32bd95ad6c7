"""What an invariant says: held, broken or not applicable, why, and the exchanges and changes that show it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from mockscim.invariants.scene import Scene

HELD, BROKEN, NOT_APPLICABLE = "held", "broken", "not applicable"


class Evidence(NamedTuple):
    """One thing that happened: in words, and the numbers of the exchange and of the change, where it has them."""

    what: str
    journal: int | None = None
    history: int | None = None


class Finding(NamedTuple):
    """What an invariant found.

    Attributes:
        verdict: HELD, BROKEN or NOT_APPLICABLE.
        why: in one line.
        evidence: what shows it.
        unasked: not applicable because nobody said what it needs (desired, marks), not for lack of events.
    """

    verdict: str
    why: str
    evidence: Sequence[Evidence] = ()
    unasked: bool = False


def held(why: str) -> Finding:
    """It holds."""
    return Finding(HELD, why)


def broken(what: str, evidence: Sequence[Evidence]) -> Finding:
    """It does not: ``what`` happened, once for each piece of evidence."""
    return Finding(BROKEN, what if len(evidence) == 1 else f"{what}: {len(evidence)} times", evidence)


def idle(why: str) -> Finding:
    """Nothing happened that it could be held against."""
    return Finding(NOT_APPLICABLE, why)


def unasked(why: str) -> Finding:
    """It needs to be told something that it was not."""
    return Finding(NOT_APPLICABLE, why, unasked=True)


def judged(found: Sequence[Evidence], what: str, otherwise: str) -> Finding:
    """Broken when there is evidence, held otherwise."""
    return broken(what, found) if found else held(otherwise)


@dataclass(frozen=True, slots=True)
class Invariant:
    """One invariant: how it is found, and whether that takes the whole journal or the whole history."""

    id: str
    name: str
    find: Callable[[Scene], Finding]
    journal: bool
    history: bool

    @property
    def definition(self) -> str:
        """What it says exactly: the docstring of what finds it."""
        return inspect.cleandoc(self.find.__doc__ or "")

    def document(self, scene: Scene) -> dict[str, Any]:
        """The verdict as the control API shows it."""
        found = self.find(scene)
        lost = scene.lost(journal=self.journal, history=self.history)
        verdict, why = found.verdict, found.why
        incomplete = bool(lost) and not found.unasked
        if incomplete and verdict != BROKEN:
            verdict, why = NOT_APPLICABLE, f"incomplete: {lost}; in what is left: {why}"
        elif incomplete:
            why = f"{why} (incomplete: {lost})"
        most = scene.parameters.evidence
        return {
            "id": self.id,
            "name": self.name,
            "verdict": verdict,
            "incomplete": incomplete,
            "why": why,
            "evidence": [e._asdict() for e in found.evidence[:most]],
            "more": max(0, len(found.evidence) - most),
            "definition": self.definition,
        }


INVARIANTS: dict[str, Invariant] = {}


def invariant(
    id_: str, name: str, *, journal: bool = True, history: bool = True
) -> Callable[[Callable[[Scene], Finding]], Callable[[Scene], Finding]]:
    """Register what finds an invariant.

    Args:
        id_: ``I1``.
        name: in a few words.
        journal: whether it needs all exchanges.
        history: whether it needs all changes.
    """

    def register(find: Callable[[Scene], Finding]) -> Callable[[Scene], Finding]:
        INVARIANTS[id_] = Invariant(id_, name, find, journal, history)
        return find

    return register
