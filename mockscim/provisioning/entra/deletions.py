"""The prevention of accidental deletions: a cycle that would disable or delete too many does none of it.

They are logged as StagedDelete, the job goes into quarantine (TooManyDeletes), and an administrator allows them
(restart with ForceDeletes) or puts the scope right and restarts. Source: entra-docs accidental-deletions.
"""

from __future__ import annotations

from collections.abc import Mapping

from mockscim.provisioning.entra.ground import Decision, Ground
from mockscim.provisioning.entra.state import Kind

Decisions = Mapping[tuple[Kind, str], Decision]


def held_back(ground: Ground, decisions: Decisions) -> list[tuple[Kind, str]]:
    """What is held back in this cycle; nothing where the guard is off, or not exceeded, or deletes are forced.

    Whatever was held back before counts, as long as it would still be disabled or deleted.

    Args:
        ground: settings and state.
        decisions: what is to become of the objects of this cycle.
    """
    threshold, state = ground.settings.deletion_threshold, ground.state
    if threshold is None or state.deletes_forced:
        return []
    removed = [key for key, decision in decisions.items() if ground.removes(*key, decision)]
    waiting = [key for key in state.staged if key not in decisions and ground.removes(*key, ground.decide(*key))]
    stuck = state.quarantine is not None and state.quarantine.reason == "TooManyDeletes"
    if len(removed) + len(waiting) > threshold or (stuck and removed):
        return removed
    return []
