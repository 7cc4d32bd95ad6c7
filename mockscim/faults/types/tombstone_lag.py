"""``tombstone_lag``: what was deleted is still in the way."""

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta, field

from mockscim.durations import format_duration
from mockscim.faults.documents import Seconds
from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.views import Versions, concerning, scope_of, serve_seeing
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply
from mockscim.scim.errors import ScimError

Way = Literal["listed", "conflicting"]


@fault(
    "tombstone_lag",
    family="read consistency",
    phases=("before",),
    terminal=False,
    argument="seconds",
    doc="What was deleted stays for so long: lists and filters show it, GET by id does not; and its userName is taken,"
    " so that making it again is a conflict (409 uniqueness) with a resource that is not there.",
    correct_client="Takes a 404 for a DELETE as done, does not bring back who is still listed, and waits before it"
    " makes somebody again; a conflict with nobody is reported once.",
)
class TombstoneLag(Parameters, frozen=True, kw_only=True):
    """How long, and how it shows."""

    seconds: Annotated[Seconds, Meta(description="How long after its deletion a resource stays.")] = Seconds(30)
    stays: Annotated[Way | list[Way], Meta(description="How it stays: listed, conflicting or both.")] = field(
        default_factory=lambda: ["listed", "conflicting"]
    )

    def happen(self, moment: Moment, /) -> Effect:
        """Lists and filters, or what gives a resource its unique values."""
        call = moment.attempt.call
        if scope_of(moment.attempt) in ("list", "filter"):
            return Listed(self.seconds) if "listed" in self.stays else Proceed()
        if call is not None and call.verb in ("create", "replace", "patch") and call.problem is None:
            return Conflicting(self.seconds) if "conflicting" in self.stays else Proceed()
        return Proceed()


def _tombstones(world: World, seconds: float) -> Versions:
    """What was deleted of late and is not there, as it was at last."""
    found: Versions = {}
    for entry in world.recent(seconds):
        change = entry.change
        key = (change.type.name, change.id)
        if change.operation == "delete" and world.store.get(change.type, change.id) is None:
            found.pop(key, None)
            found[key] = change.before
    return found


@dataclass(frozen=True, slots=True)
class Listed(Serving):
    """List it still."""

    seconds: float

    @property
    def outcome(self) -> str:
        """``deleted stays listed for 30s``."""
        return f"deleted stays listed for {format_duration(self.seconds)}"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """With what was deleted."""
        return serve_seeing(world, call, serve, concerning(world, call, _tombstones(world, self.seconds)))


@dataclass(frozen=True, slots=True)
class Conflicting(Serving):
    """Keep its unique values from others."""

    seconds: float

    @property
    def outcome(self) -> str:
        """``deleted stays in conflict for 30s``."""
        return f"deleted stays in conflict for {format_duration(self.seconds)}"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Refuse what would be refused if it were still there, and only what would not be refused anyway."""
        kind = call.type
        stones = {k: v for k, v in _tombstones(world, self.seconds).items() if kind is not None and k[0] == kind.name}
        with world.seeing(stones):
            error = _conflict(world, call) if stones else None
        if error is None or _conflict(world, call) is not None:
            world.spare()
            return serve(call)
        raise error


def _conflict(world: World, call: Call) -> ScimError | None:
    """The 409 that a write would get, as things are seen."""
    planner, again = world.service.planner, world.reread(call)
    again.new_id = call.new_id
    try:
        if call.verb == "create":
            planner.check_create(again)
            planner.create(again)
        else:
            record = planner.target(again)
            planner.check_match(again, record)
            planner.update(again, record)
    except ScimError as error:
        return error if error.status == 409 else None
    return None
