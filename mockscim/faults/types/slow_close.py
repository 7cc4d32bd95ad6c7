"""``slow_close``: the answer is whole, and the connection does not close when it should."""

from typing import Annotated, Literal

from msgspec import Meta

from mockscim.faults.documents import Seconds
from mockscim.faults.draw import Draw
from mockscim.faults.effect import Effect, SlowClose
from mockscim.faults.registry import Parameters, fault


@fault(
    "slow_close",
    family="transport",
    phases=("after",),
    argument="seconds",
    doc="Sends the whole answer, says that the connection closes, and closes it only later.",
    correct_client="Takes the answer as soon as its length says that it is whole; where only the end of the connection"
    " says so, has a deadline for all of it.",
)
class SlowCloseParameters(Parameters, frozen=True, kw_only=True):
    """How late, and whether the client has to wait for it."""

    seconds: Annotated[Seconds, Meta(description="Time between the last byte and the close.")] = Seconds(5)
    framing: Annotated[
        Literal["length", "close"],
        Meta(description="length: Content-Length tells the end of the body; close: only the close does."),
    ] = "length"

    def effect(self, _draw: Draw, /) -> Effect:
        """Close late."""
        return SlowClose(self.seconds, self.framing)
