"""How the answer to something that was done gets lost, in words that several faults share."""

from __future__ import annotations

from typing import Literal

from mockscim.faults.effect import Drop, Effect, Hang, Reset, Respond, Truncate, phrase
from mockscim.scim.errors import ScimError

# Statuses as text or number: `lost_ack(503)` is a number, a list of outcomes mostly texts.
Outcome = Literal[
    "drop", "reset", "hang", "truncate", "500", "502", "503", "504", 500, 502, 503, 504
]  # fmt: skip

_EFFECTS: dict[str, Effect] = {"drop": Drop(), "reset": Reset(), "hang": Hang(), "truncate": Truncate(0.5)}


def lost(outcome: Outcome) -> Effect:
    """What the client meets in the place of the answer."""
    found = _EFFECTS.get(str(outcome))
    if found is not None:
        return found
    status = int(outcome)
    return Respond.refusing(ScimError(status, None, phrase(status)))
