"""``cascade_lag``: what follows from a change comes later."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta, field

from mockscim.durations import format_duration
from mockscim.faults.documents import Seconds
from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.views import concerning, lagging, scope_of, serve_seeing
from mockscim.faults.world import Committed, Serve, World
from mockscim.scim.call import Call, Reply

Side = Literal["members", "groups"]


@fault(
    "cascade_lag",
    family="read consistency",
    phases=("after",),
    terminal=False,
    argument="seconds",
    doc="Groups keep a deleted member for so long: such a group is seen as it was before the deletion. And the `groups`"
    " of users are behind: they are seen as before the latest changes of groups.",
    correct_client="Bears a member that leads nowhere, does not take the group for changed, and looks again later.",
)
class CascadeLag(Parameters, frozen=True, kw_only=True):
    """How long, and which side is behind."""

    seconds: Annotated[Seconds, Meta(description="How long what follows takes.")] = Seconds(30)
    sides: Annotated[
        Side | list[Side], Meta(description="members: of groups, after a deletion; groups: of users, after any change.")
    ] = field(default_factory=lambda: ["members", "groups"])

    def happen(self, moment: Moment, /) -> Effect:
        """Reads of groups show members, those of users show groups."""
        call = moment.attempt.call
        if call is None or scope_of(moment.attempt) is None:
            return Proceed()
        side: Side = "groups" if call.type is not None and call.type.keyed is None else "members"
        return Cascading(side, self.seconds) if side in self.sides else Proceed()


@dataclass(frozen=True, slots=True)
class Cascading(Serving):
    """Serve one side of memberships from before."""

    side: Side
    seconds: float

    @property
    def outcome(self) -> str:
        """``members 30s behind``."""
        return f"{self.side} {format_duration(self.seconds)} behind"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Without what followed of late."""
        entries: Iterable[Committed] = world.recent(self.seconds)
        if self.side == "members":
            entries = _cascades(entries)
        else:
            entries = (entry for entry in entries if entry.change.type.keyed is not None)
        return serve_seeing(world, call, serve, concerning(world, call, lagging(entries)))


def _cascades(entries: Iterable[Committed]) -> Iterable[Committed]:
    """From where a group lost a member because that was deleted, the changes of that group."""
    deleted: set[str] = set()
    behind: set[str] = set()
    for entry in entries:
        change = entry.change
        if change.operation == "delete":
            deleted.add(change.id)
        before, after = change.before, change.after
        if before is None or after is None or before.members is None or after.members is None:
            continue
        # A deletion takes its members out at once, so whoever leaves after it left because of it.
        if change.id in behind or any(
            member is None and value in deleted for value, member in before.members.changes_to(after.members).items()
        ):
            behind.add(change.id)
            yield entry
