"""``drop``: the connection closes without an answer."""

from mockscim.faults.draw import Draw
from mockscim.faults.effect import Drop, Effect
from mockscim.faults.registry import Parameters, fault


@fault(
    "drop",
    family="transport",
    aliases=("EMPTY_RESPONSE",),
    doc="Closes the connection in order, without a byte of an answer.",
    correct_client="Treats a write as in doubt: looks the resource up before it tries again. Repeats a read.",
)
class DropParameters(Parameters, frozen=True):
    """Has no parameters."""

    def effect(self, _draw: Draw, /) -> Effect:
        """Drop."""
        return Drop()
