"""``lost_ack``: it is done, and the answer that says so never comes."""

from typing import Annotated

from msgspec import Meta

from mockscim.faults.draw import Draw
from mockscim.faults.effect import Effect
from mockscim.faults.loss import Outcome, lost
from mockscim.faults.registry import Parameters, fault


@fault(
    "lost_ack",
    family="commit point",
    phases=("after",),
    argument="outcome",
    doc="Commits what was asked for, and loses the answer: the connection breaks, hangs, or a gateway answers instead.",
    correct_client="Treats the write as in doubt: looks the resource up by externalId or userName, adopts the id it"
    " finds, and only then tries again.",
)
class LostAck(Parameters, frozen=True, kw_only=True):
    """What comes instead."""

    outcome: Annotated[Outcome, Meta(description="What the client meets instead of the answer.")] = "reset"

    def effect(self, _draw: Draw, /) -> Effect:
        """What the client meets."""
        return lost(self.outcome)
