"""``phantom_ack``: a good answer to something that is not there, or not for long."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta, field

from mockscim.durations import format_duration
from mockscim.faults.documents import Seconds
from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply


@fault(
    "phantom_ack",
    family="commit point",
    phases=("after",),
    argument="keep_for",
    doc="Answers a write as if it were done, with id and body; it is never stored, or lost again after `keep_for`.",
    correct_client="Takes a 404 on an id it holds for what it is: looks the resource up, makes it once more, and keeps"
    " the new id.",
)
class PhantomAck(Parameters, frozen=True, kw_only=True):
    """How long it is kept."""

    keep_for: Annotated[
        Seconds, Meta(description="How long it is stored, by the tenant's clock; 0 if not given: it never is.")
    ] = field(default_factory=lambda: Seconds(0))

    def happen(self, moment: Moment, /) -> Effect:
        """Only writes that would change something can be lost."""
        return Phantom(self.keep_for) if moment.attempt.writes and moment.attempt.commits() else Proceed()


@dataclass(frozen=True, slots=True)
class Phantom(Serving):
    """Do it and take it back."""

    keep_for: float

    @property
    def outcome(self) -> str:
        """``never stored`` or ``lost after 10s``."""
        return f"lost after {format_duration(self.keep_for)}" if self.keep_for else "never stored"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Answer as ever."""
        if not self.keep_for:
            with world.pretending():
                return serve(call)
        with world.losing(self.keep_for):
            return serve(call)
