"""``stale_read``: reads do not see yet what was written a moment before."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta, field

from mockscim.durations import format_duration
from mockscim.faults.documents import Seconds
from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.errors import Wrong
from mockscim.faults.listing import asked
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.views import ALL, Operation, Scope, Versions, concerning, lagging, scope_of, serve_seeing
from mockscim.faults.world import Committed, Serve, World
from mockscim.scim import match
from mockscim.scim.call import Call, Reply
from mockscim.scim.errors import ScimError
from mockscim.scim.schema import ResourceType

_MOST_PENDING = 10_000
_TICK = 0.002  # the history's times are cut to milliseconds


@fault(
    "stale_read",
    family="read consistency",
    phases=("after",),
    terminal=False,
    argument="seconds",
    doc="Reads see the directory without its latest changes: those of the last `seconds` (progression time), or each"
    " change until it was missed by so many `reads` of that resource (progression manual).",
    correct_client="Does not make a resource again because one look-up missed it: waits and looks again, or makes it"
    " and takes the 409 as the answer.",
)
class StaleRead(Parameters, frozen=True, kw_only=True):
    """How stale, which reads, and what they miss."""

    progression: Annotated[
        Literal["time", "manual"] | None, Meta(description="What brings a change to light; as the others tell.")
    ] = None
    seconds: Annotated[Seconds | None, Meta(description="time: how long a change is not seen; 30s by default.")] = None
    reads: Annotated[Annotated[int, Meta(ge=1)] | None, Meta(description="manual: how many reads miss a change.")] = (
        None
    )
    scope: Annotated[Scope | list[Scope], Meta(description="Which reads: get by id, list, filter.")] = field(
        default_factory=lambda: ["get", "list", "filter"]
    )
    of: Annotated[Operation | list[Operation], Meta(description="Which changes: create, update, delete.")] = field(
        default_factory=lambda: list(ALL)
    )
    read_your_writes: Annotated[
        bool, Meta(description="Whether who made a change sees it at once, told by the token.")
    ] = False

    def __post_init__(self) -> None:
        if self.manual:
            if self.reads is None:
                raise Wrong("reads", "progression manual needs reads, a number")
            if self.seconds is not None:
                raise Wrong("seconds", "progression manual counts reads; seconds are for progression time")
        elif self.reads is not None:
            raise Wrong("reads", "progression time takes seconds; reads are for progression manual")

    @property
    def manual(self) -> bool:
        """Whether reads are counted, not time."""
        if self.progression is None:
            return self.reads is not None and self.seconds is None
        return self.progression == "manual"

    def happen(self, moment: Moment, /) -> Effect:
        """Only reads of its scope."""
        scope = scope_of(moment.attempt)
        if scope is None or scope not in _listed(self.scope):
            return Proceed()
        if self.manual:
            return Missing(self, moment.age)
        return Behind(self, 30.0 if self.seconds is None else self.seconds)


def _listed(value: str | Sequence[str]) -> Sequence[str]:
    return [value] if isinstance(value, str) else value


def _news(parameters: StaleRead, world: World, entries: list[Committed]) -> Versions:
    """What is seen by who has not heard of some changes, but for those of its own."""

    def own(entry: Committed) -> bool:
        return parameters.read_your_writes and world.caller != "" and world.author(entry) == world.caller

    return lagging(entries, _listed(parameters.of), own)


@dataclass(frozen=True, slots=True)
class Behind(Serving):
    """Serve from so many seconds ago."""

    parameters: StaleRead
    seconds: float

    @property
    def outcome(self) -> str:
        """``30s behind``."""
        return f"{format_duration(self.seconds)} behind"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Without what is younger."""
        seen = _news(self.parameters, world, world.recent(self.seconds))
        return serve_seeing(world, call, serve, concerning(world, call, seen))


@dataclass(slots=True)
class _Pending:
    """A change that reads still miss, and how many more will."""

    entry: Committed
    left: int


@dataclass(frozen=True, slots=True)
class Missing(Serving):
    """Serve without the changes that have not been missed often enough."""

    parameters: StaleRead
    age: float

    @property
    def outcome(self) -> str:
        """``2 reads behind``."""
        return f"{self.parameters.reads} reads behind"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Without those that this read would be the first to see."""
        pending = self._pending(world)
        missed = [each for each in pending.values() if _about(world, call, each.entry)]
        seen = _news(self.parameters, world, [each.entry for each in missed])
        for each in missed:
            each.left -= 1
            if not each.left:
                del pending[each.entry.n]
        return serve_seeing(world, call, serve, concerning(world, call, seen))

    def _pending(self, world: World) -> dict[int, _Pending]:
        """The changes since the rule is there, by number, that have not been missed often enough."""
        memory = world.memory
        pending: dict[int, _Pending] = memory.setdefault("pending", {})
        last = memory.get("last")
        fresh = world.after(last) if last is not None else world.recent(self.age + _TICK)
        pending.update({entry.n: _Pending(entry, self.parameters.reads or 1) for entry in fresh})
        memory["last"] = world.last
        while len(pending) > _MOST_PENDING:
            del pending[next(iter(pending))]
        return pending


def _about(world: World, call: Call, entry: Committed) -> bool:
    """Whether a read would show a change: it is of that id or type, and holds for the filter, before or after."""
    change = entry.change
    if call.verb == "get":
        return (change.type, change.id) == (call.type, call.id)
    if call.type is not None and call.type is not change.type:
        return False
    text = asked(call).get("filter")
    return text is None or _selects(world, call.base, text, change.type, entry)


def _selects(world: World, base: str, text: str, kind: ResourceType, entry: Committed) -> bool:
    try:
        query = match.compile_filter(text, kind, unknown="false")
    except ScimError:
        return False  # it will be refused
    versions = (entry.change.before, entry.change.after)
    return any(each is not None and query.matches(world.store.document(each, base)) for each in versions)
