"""``index_lag``: what is found is behind what is there."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from mockscim.durations import format_duration
from mockscim.faults.documents import Seconds
from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.views import concerning, lagging, scope_of, serve_seeing
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply


@fault(
    "index_lag",
    family="read consistency",
    phases=("after",),
    terminal=False,
    argument="seconds",
    doc="Lists and filters are answered from an index that is behind, GET by id is not: who was just made is there, but"
    " is not found; who was renamed is found by the old name, and shown so.",
    correct_client="Keeps the ids that it was given and asks by them; does not take a missed look-up for absence.",
)
class IndexLag(Parameters, frozen=True, kw_only=True):
    """How far behind."""

    seconds: Annotated[Seconds, Meta(description="How far the index is behind.")] = Seconds(30)

    def happen(self, moment: Moment, /) -> Effect:
        """Only lists, filtered or not."""
        return Indexed(self.seconds) if scope_of(moment.attempt) in ("list", "filter") else Proceed()


@dataclass(frozen=True, slots=True)
class Indexed(Serving):
    """Serve a list from the index."""

    seconds: float

    @property
    def outcome(self) -> str:
        """``index 30s behind``."""
        return f"index {format_duration(self.seconds)} behind"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Without what is not in the index yet."""
        return serve_seeing(world, call, serve, concerning(world, call, lagging(world.recent(self.seconds))))
