"""``negative_cache``: what was looked up in vain stays missed."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from mockscim.durations import format_duration
from mockscim.faults.documents import Seconds
from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.listing import asked, served, showing
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.views import scope_of
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply

_MOST_MISSES = 10_000


@fault(
    "negative_cache",
    family="read consistency",
    phases=("after",),
    terminal=False,
    argument="seconds",
    doc="A filter that selected nothing selects nothing for so long, whatever is made meanwhile.",
    correct_client="Treats its create as in doubt for a while, and takes a 409 as the sign to adopt what is there.",
)
class NegativeCache(Parameters, frozen=True, kw_only=True):
    """How long."""

    seconds: Annotated[Seconds, Meta(description="How long a miss is remembered, from the miss.")] = Seconds(30)

    def happen(self, moment: Moment, /) -> Effect:
        """Only filters."""
        return Missed(self.seconds) if scope_of(moment.attempt) == "filter" else Proceed()


@dataclass(frozen=True, slots=True)
class Missed(Serving):
    """Find nothing where nothing was found."""

    seconds: float

    @property
    def outcome(self) -> str:
        """``missed for 30s``."""
        return f"missed for {format_duration(self.seconds)}"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Serve it, and look whether it is to be found."""
        reply, page = served(world, call, serve)
        if page is None:
            return reply
        # By what is asked alone: GET or .search, and whichever page.
        key = (call.type.name if call.type is not None else "", asked(call).get("filter"))
        misses: dict[object, float] = world.memory.setdefault("misses", {})
        missed = misses.get(key)
        kept = missed is not None and 0 <= world.now - missed < self.seconds
        if page["totalResults"] == 0 or not kept:
            world.spare()
            if not kept:
                misses.pop(key, None)
                if page["totalResults"] == 0:
                    misses[key] = world.now
                if len(misses) > _MOST_MISSES:
                    del misses[next(iter(misses))]
            return reply
        for name in ("nextCursor", "previousCursor"):
            page.pop(name, None)
        page.update(totalResults=0, itemsPerPage=0, Resources=[])
        return showing(reply, page)
