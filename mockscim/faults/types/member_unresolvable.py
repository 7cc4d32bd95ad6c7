"""``member_unresolvable``: who was just made cannot be a member yet."""

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from mockscim.durations import format_duration
from mockscim.faults.documents import Seconds
from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply
from mockscim.scim.errors import invalid_value, not_found


@fault(
    "member_unresolvable",
    family="read consistency",
    phases=("before",),
    terminal=False,
    argument="seconds",
    doc="Refuses to add a member that was made less than so long ago, as if it did not exist: 400 or 404, and nothing"
    " of that request is done.",
    correct_client="Makes users before it adds them, takes the refusal for a passing one, and tries that membership"
    " again later; other members and groups go on.",
)
class MemberUnresolvable(Parameters, frozen=True, kw_only=True):
    """How long, and how it is said."""

    seconds: Annotated[Seconds, Meta(description="How long a resource cannot be a member.")] = Seconds(30)
    status: Annotated[Literal[400, 404], Meta(description="400 with invalidValue, or 404.")] = 400

    def happen(self, moment: Moment, /) -> Effect:
        """Only writes of groups that could be done."""
        call = moment.attempt.call
        if call is None or call.type is None or call.type.keyed is None:
            return Proceed()
        plan = moment.attempt.plan()
        if plan is None or not plan.members:
            return Proceed()
        return Unresolvable(self.seconds, self.status, tuple(v for v, m in plan.members.items() if m is not None))


@dataclass(frozen=True, slots=True)
class Unresolvable(Serving):
    """Refuse young members."""

    seconds: float
    status: int
    members: tuple[str, ...]

    @property
    def outcome(self) -> str:
        """``400 for members younger than 30s``."""
        return f"{self.status} for members younger than {format_duration(self.seconds)}"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Refuse it where one of those who come is young; who was a member before is known."""
        made = [entry.change.id for entry in world.recent(self.seconds) if entry.change.operation == "create"]
        group = world.store.get(call.kind, call.id) if call.id is not None else None
        held = group.members if group is not None and group.members is not None else ()
        young = next((id_ for id_ in made if id_ in self.members and id_ not in held), None)
        if young is None:
            world.spare()
            return serve(call)
        raise (invalid_value if self.status == 400 else not_found)(
            f"there is no resource with the id {young[:100]} to be a member"
        )
