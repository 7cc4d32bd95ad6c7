"""``no_resources_key``: a list without ``Resources``."""

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.listing import lists, served, showing
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply

When = Literal["empty", "always"]


@fault(
    "no_resources_key",
    family="enumeration",
    phases=("after",),
    terminal=False,
    argument="when",
    doc="Leaves Resources out: of an empty list, as RFC 7644 §3.4.2 allows, or of every list, which says nothing then"
    " of who is there.",
    correct_client="Takes a missing Resources for an empty list where totalResults is 0; otherwise the page failed.",
)
class NoResourcesKey(Parameters, frozen=True, kw_only=True):
    """When it is missing."""

    when: Annotated[When, Meta(description="empty: when totalResults is 0; always.")] = "empty"

    def happen(self, moment: Moment, /) -> Effect:
        """Only lists have it."""
        return Bare(self.when) if lists(moment.attempt) else Proceed()


@dataclass(frozen=True, slots=True)
class Bare(Serving):
    """Leave it out."""

    when: When

    @property
    def outcome(self) -> str:
        """``no Resources``."""
        return "no Resources"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Serve the list, but for them."""
        reply, page = served(world, call, serve)
        if page is None or "Resources" not in page or (self.when == "empty" and page["totalResults"] != 0):
            world.spare()
            return reply
        del page["Resources"]
        return showing(reply, page)
