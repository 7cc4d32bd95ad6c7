"""``late_commit``: the request fails now, and its change lands later."""

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta, field

from mockscim.durations import format_duration
from mockscim.faults.documents import Seconds
from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.loss import lost
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply


@fault(
    "late_commit",
    family="commit point",
    phases=("after",),
    argument="delay",
    doc="Fails a write now, and commits it once the tenant's clock has gone on by `delay`. Reads are let through.",
    correct_client="Stays in doubt for a while: a look-up that finds nothing proves nothing yet. A later 409 means that"
    " the resource is there: adopts it.",
)
class LateCommit(Parameters, frozen=True, kw_only=True):
    """When it lands, and what is answered until then."""

    delay: Annotated[
        Seconds,
        Meta(description="How long after the request it is committed, by the tenant's clock; 30s if not given."),
    ] = field(default_factory=lambda: Seconds(30))
    reply: Annotated[Literal["504", "drop", "hang", 504], Meta(description="What the client meets meanwhile.")] = "504"

    def happen(self, moment: Moment, /) -> Effect:
        """Only writes can be late."""
        return Late(self.delay, lost(self.reply)) if moment.attempt.writes else Proceed()


@dataclass(frozen=True, slots=True)
class Late(Serving):
    """Put it on the agenda."""

    delay: float
    answer: Effect

    @property
    def wire(self) -> Effect:
        """It fails."""
        return self.answer

    @property
    def outcome(self) -> str:
        """``504, commits after 30s``."""
        return f"{self.answer.outcome}, commits after {format_duration(self.delay)}"

    def serve(self, world: World, call: Call, _serve: Serve) -> Reply:
        """Nothing yet."""
        world.later(self.delay, call)
        return Reply(202)
