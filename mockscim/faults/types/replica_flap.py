"""``replica_flap``: reads come from replicas that are not equally far."""

from dataclasses import dataclass
from typing import Annotated, Literal

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
    "replica_flap",
    family="read consistency",
    phases=("after",),
    terminal=False,
    argument="lag",
    doc="Reads are answered by several replicas in turn. The first is up to date, and each further one is `lag` behind"
    " the one before it: what was there is gone with the next read, and back with the one after.",
    correct_client="Never steps back: takes no version of a resource that is older than the one it has seen (version,"
    " meta.lastModified), and does not write because of it.",
)
class ReplicaFlap(Parameters, frozen=True, kw_only=True):
    """How many there are, how far apart, and who answers."""

    replicas: Annotated[int, Meta(ge=2, le=100, description="How many there are.")] = 2
    lag: Annotated[Seconds, Meta(description="How far each is behind the one before it.")] = Seconds(30)
    pick: Annotated[
        Literal["alternate", "random"], Meta(description="Who answers: each in turn, the first first; or any.")
    ] = "alternate"

    def happen(self, moment: Moment, /) -> Effect:
        """The first replica does nothing wrong."""
        if scope_of(moment.attempt) is None:
            return Proceed()
        if self.pick == "random":
            replica = int(moment.draw.uniform() * self.replicas)
        else:
            replica = moment.memory.get("next", 0)
            moment.memory["next"] = (replica + 1) % self.replicas
        return Replica(replica, self.replicas, replica * self.lag) if replica else Proceed()


@dataclass(frozen=True, slots=True)
class Replica(Serving):
    """Serve from one that is behind."""

    number: int
    replicas: int
    seconds: float

    @property
    def outcome(self) -> str:
        """``replica 2 of 2, 30s behind``."""
        return f"replica {self.number + 1} of {self.replicas}, {format_duration(self.seconds)} behind"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Without what has not come there yet."""
        seen = lagging(world.recent(self.seconds))
        return serve_seeing(world, call, serve, concerning(world, call, seen))
