"""The judge: what a client did, held against thirteen invariants over the committed history and the journal.

Pure: a Scene has all that is looked at, ``judge`` says of each invariant whether it held, was broken, or does not
apply, and why. One file an invariant; beside them what they share: how requests belong together (attempts,
enumeration), what was committed for what (changes, writes), and where the client should arrive (desired, thwarted).

No client is blamed for what the provider did: what a fault did to the data, what was acknowledged and not done, what
landed late. What the journal or the history no longer has makes a verdict "incomplete", unless what is left is enough
to see the invariant broken.
"""

from __future__ import annotations

from typing import Any

from mockscim.invariants import (  # noqa: F401 - each registers itself
    amplification,
    convergence,
    credentials,
    deprovisioning,
    duplicates,
    lost_update,
    orphans,
    partial_knowledge,
    politeness,
    progress,
    quiescence,
    reporting,
    resurrection,
)
from mockscim.invariants.desired import Expectation, validate
from mockscim.invariants.marks import MOST_MARKS, Mark, MarkDocument, Reported, place
from mockscim.invariants.parameters import IDS, Parameters
from mockscim.invariants.scene import Scene
from mockscim.invariants.verdict import BROKEN, HELD, INVARIANTS, NOT_APPLICABLE

__all__ = [
    "BROKEN",
    "HELD",
    "IDS",
    "INVARIANTS",
    "MOST_MARKS",
    "NOT_APPLICABLE",
    "Expectation",
    "Mark",
    "MarkDocument",
    "Parameters",
    "Reported",
    "Scene",
    "judge",
    "place",
    "validate",
]


def judge(scene: Scene) -> list[dict[str, Any]]:
    """The verdicts, in the order of the invariants: id, name, verdict, incomplete, why, evidence, more, definition.

    Raises:
        ValueError: the parameters name an invariant that is none.
    """
    return [INVARIANTS[id_].document(scene) for id_ in scene.parameters.chosen()]
