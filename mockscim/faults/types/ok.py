"""``ok``: the step of a sequence at which nothing goes wrong."""

from mockscim.faults.draw import Draw
from mockscim.faults.effect import Effect, Proceed
from mockscim.faults.registry import Parameters, fault


@fault(
    "ok",
    family="transport",
    terminal=False,
    doc="Lets the request through, as a step of a sequence. Counts as a match, never as a hit.",
    correct_client="Goes on.",
)
class Ok(Parameters, frozen=True):
    """Has no parameters."""

    def effect(self, _draw: Draw, /) -> Effect:
        """Proceed."""
        return Proceed()
