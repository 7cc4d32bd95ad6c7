"""``truncate``: the answer stops in the middle of its body."""

from typing import Annotated, Literal

from msgspec import Meta

from mockscim.faults.draw import Draw
from mockscim.faults.effect import Effect, Truncate
from mockscim.faults.errors import Wrong
from mockscim.faults.registry import Parameters, fault


@fault(
    "truncate",
    family="transport",
    phases=("after",),
    argument="at",
    aliases=("MALFORMED_RESPONSE_CHUNK",),
    doc="Sends the head and the first part of the body, then closes the connection, resets it or falls silent.",
    correct_client="Takes nothing from half an answer: repeats a read, treats a write as in doubt.",
)
class TruncateParameters(Parameters, frozen=True, kw_only=True):
    """Where, whether the framing tells, and what comes after."""

    at: Annotated[
        Annotated[int, Meta(ge=0)] | Annotated[float, Meta(ge=0, le=1)],
        Meta(description="How much of the body is sent: so many bytes, or a fraction of it where there is a point."),
    ] = 0.5
    framing: Annotated[
        Literal["broken", "chunked", "valid"],
        Meta(
            description="broken: Content-Length of the whole body; chunked: in chunks, without the last; valid: of"
            " what is sent."
        ),
    ] = "broken"
    ending: Annotated[
        Literal["close", "reset", "hang"],
        Meta(description="What then becomes of the connection; hang: nothing, until the client leaves."),
    ] = "close"

    def __post_init__(self) -> None:
        if self.framing == "valid" and self.ending != "close":
            raise Wrong(
                "ending", "an answer that is whole as HTTP ends no connection: expected close, or other framing"
            )

    def effect(self, _draw: Draw, /) -> Effect:
        """Truncate."""
        return Truncate(self.at, self.framing, self.ending)
