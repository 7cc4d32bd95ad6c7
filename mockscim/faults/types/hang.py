"""``hang``: the connection stays open and silent."""

from typing import Annotated

from msgspec import Meta

from mockscim.faults.documents import Seconds
from mockscim.faults.draw import Draw
from mockscim.faults.effect import Effect, Hang
from mockscim.faults.registry import Parameters, fault


# "seconds", not "duration": that is a key of the rule, its window.
@fault(
    "hang",
    family="transport",
    argument="seconds",
    doc="Keeps the connection open and silent until the client leaves or the time is up, then closes it.",
    correct_client="Has a total deadline for each request; when it passes, treats a write as in doubt.",
)
class HangParameters(Parameters, frozen=True, kw_only=True):
    """How long."""

    seconds: Annotated[Seconds | None, Meta(description="How long to hang; without it until the client leaves.")] = None

    def effect(self, _draw: Draw, /) -> Effect:
        """Hang."""
        return Hang(self.seconds)
