"""``malformed``: an answer that is no HTTP, or no JSON."""

from typing import Annotated

from msgspec import Meta

from mockscim.faults.draw import Draw
from mockscim.faults.effect import Effect, Malformed, Part
from mockscim.faults.registry import Parameters, fault

_NOISE = 32


@fault(
    "malformed",
    family="transport",
    phases=("after",),
    argument="part",
    aliases=("RANDOM_DATA_THEN_CLOSE",),
    doc="Sends an answer of which one part is wrong: a line of its head, its framing, its body, or all of it.",
    correct_client="Takes nothing from such an answer and closes the connection: repeats a read, treats a write as in"
    " doubt, and does not crash.",
)
class MalformedParameters(Parameters, frozen=True, kw_only=True):
    """Which part."""

    part: Annotated[
        Part,
        Meta(
            description="random: nothing but noise; status_line: no status; header: a line without a colon;"
            " content_length: two that differ; short_length: half of what is sent; chunk_size: no number;"
            " json: noise inside the body."
        ),
    ] = "random"

    def effect(self, draw: Draw, /) -> Effect:
        """Malformed; the same seed makes the same noise."""
        return Malformed(self.part, bytes(int(draw.uniform(1, 256)) for _ in range(_NOISE)))
