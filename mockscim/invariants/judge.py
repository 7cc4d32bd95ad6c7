"""All invariants together; whoever judges imports them here, so that nobody else has to."""

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
from mockscim.invariants.scene import Scene
from mockscim.invariants.verdict import INVARIANTS


def judge(scene: Scene) -> list[dict[str, Any]]:
    """The verdicts, in the order of the invariants: id, name, verdict, incomplete, why, evidence, more, definition.

    Raises:
        ValueError: the parameters name an invariant that is none.
    """
    return [INVARIANTS[id_].document(scene) for id_ in scene.parameters.chosen()]
