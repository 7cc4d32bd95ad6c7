"""``reset``: the connection is aborted without an answer."""

from mockscim.faults.draw import Draw
from mockscim.faults.effect import Effect, Reset
from mockscim.faults.registry import Parameters, fault


@fault(
    "reset",
    family="transport",
    aliases=("CONNECTION_RESET_BY_PEER",),
    doc="Aborts the connection with a TCP reset, without a byte of an answer.",
    correct_client="Treats a write as in doubt: looks the resource up before it tries again. Repeats a read.",
)
class ResetParameters(Parameters, frozen=True):
    """Has no parameters."""

    def effect(self, _draw: Draw, /) -> Effect:
        """Reset."""
        return Reset()
