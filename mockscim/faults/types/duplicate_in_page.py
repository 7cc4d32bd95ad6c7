"""``duplicate_in_page``: a resource comes several times on one page."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.listing import lists, resources_of, served, showing
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply


@fault(
    "duplicate_in_page",
    family="enumeration",
    phases=("after",),
    terminal=False,
    argument="copies",
    doc="One resource of the page, drawn by chance, comes again at its end; itemsPerPage counts it, totalResults does"
    " not.",
    correct_client="Keeps one of each id, and neither makes nor changes anything because it came twice.",
)
class DuplicateInPage(Parameters, frozen=True, kw_only=True):
    """How often."""

    copies: Annotated[int, Meta(ge=1, le=1000, description="How many more of it there are.")] = 1

    def happen(self, moment: Moment, /) -> Effect:
        """Only lists have pages."""
        return Repeated(self.copies) if lists(moment.attempt) else Proceed()


@dataclass(frozen=True, slots=True)
class Repeated(Serving):
    """Show one more than once."""

    copies: int

    @property
    def outcome(self) -> str:
        """``1 resource twice``, ``1 resource 4 times``."""
        return f"1 resource {'twice' if self.copies == 1 else f'{self.copies + 1} times'}"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Draw one, and repeat it."""
        reply, page = served(world, call, serve)
        shown = resources_of(page) if page is not None else []
        if page is None or not shown:
            world.spare()
            return reply
        found = [*shown, *[world.draw.choice(shown)] * self.copies]
        page.update(Resources=found, itemsPerPage=len(found))
        return showing(reply, page)
