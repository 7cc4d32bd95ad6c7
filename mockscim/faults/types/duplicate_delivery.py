"""``duplicate_delivery``: a write arrives several times, though the client sent it once."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta, field

from mockscim.durations import format_duration
from mockscim.faults.documents import Seconds
from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.errors import Wrong
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply
from mockscim.scim.errors import ScimError

_MOST = 20


@fault(
    "duplicate_delivery",
    family="commit point",
    phases=("after",),
    argument="copies",
    doc="Carries a write out several times, as when a proxy repeats it: at once, or later, when other writes have come"
    " between. What the copies are answered is lost.",
    correct_client="Makes writes that may come twice: replaces instead of adding, names the version in If-Match, and"
    " takes a 409 on its own create for a success once it has looked.",
)
class DuplicateDelivery(Parameters, frozen=True, kw_only=True):
    """How many copies, and when."""

    copies: Annotated[int, Meta(ge=1, le=_MOST, description="How often it comes beyond the first time.")] = 1
    gap: Annotated[
        Seconds, Meta(description="Time before each copy, by the tenant's clock; 0 if not given: they come at once.")
    ] = field(default_factory=lambda: Seconds(0))
    reorder: Annotated[
        bool,
        Meta(description="The copies overtake: the client gets the answer to the last delivery, not to the first."),
    ] = False

    def __post_init__(self) -> None:
        if self.reorder and self.gap:
            raise Wrong("reorder", "copies that overtake come at once: expected no gap with it")

    def happen(self, moment: Moment, /) -> Effect:
        """Only writes matter."""
        return Duplicates(self.copies, self.gap, self.reorder) if moment.attempt.writes else Proceed()


@dataclass(frozen=True, slots=True)
class Duplicates(Serving):
    """Serve it again."""

    copies: int
    gap: float
    reorder: bool

    @property
    def outcome(self) -> str:
        """``1 copy``, ``2 copies every 5s``."""
        words = "1 copy" if self.copies == 1 else f"{self.copies} copies"
        return words + (f" every {format_duration(self.gap)}" if self.gap else ", reordered" if self.reorder else "")

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Serve it and its copies."""
        copies = [world.reread(call) for _ in range(self.copies)]
        if self.reorder:
            for copy in copies:
                _lost(serve, copy)
            return serve(call)
        try:
            return serve(call)
        finally:
            for index, copy in enumerate(copies, 1):
                if self.gap:
                    world.later(self.gap * index, copy)
                else:
                    _lost(serve, copy)


def _lost(serve: Serve, call: Call) -> None:
    with suppress(ScimError):  # nobody hears of it
        serve(call)
