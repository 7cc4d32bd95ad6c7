"""``drip``: the body comes slowly, a few bytes at a time."""

from typing import Annotated

from msgspec import Meta

from mockscim.faults.documents import Seconds
from mockscim.faults.draw import Draw
from mockscim.faults.effect import Drip, Effect
from mockscim.faults.errors import Wrong
from mockscim.faults.registry import Parameters, fault

_INTERVAL = 0.1


@fault(
    "drip",
    family="transport",
    phases=("after",),
    argument="chunk",
    doc="Sends the body a few bytes at a time, with a pause before each further chunk.",
    correct_client="Has a deadline for the whole answer: a time-out for each read never fires here.",
)
class DripParameters(Parameters, frozen=True, kw_only=True):
    """Size of the chunks, and either the pause between them or the time they take together."""

    chunk: Annotated[int, Meta(ge=1, description="Bytes in a chunk.")] = 64
    interval: Annotated[Seconds | None, Meta(description="Pause between chunks; 100ms unless `total` is given.")] = None
    total: Annotated[Seconds | None, Meta(description="Time the whole body takes, instead of `interval`.")] = None

    def __post_init__(self) -> None:
        if self.interval is not None and self.total is not None:
            raise Wrong("total", "expected either interval or total, not both")

    def effect(self, _draw: Draw, /) -> Effect:
        """Drip."""
        if self.total is not None:
            return Drip(self.chunk, total=self.total)
        return Drip(self.chunk, interval=_INTERVAL if self.interval is None else self.interval)
