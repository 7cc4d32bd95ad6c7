"""``page_cap``: pages are shorter than asked."""

import copy
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.listing import cursor_again, enumeration, lists, resources_of, served, showing
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply


@fault(
    "page_cap",
    family="enumeration",
    phases=("after",),
    terminal=False,
    argument="max",
    doc="A page has at most so many resources, whatever count says, as a provider may (RFC 7644 §3.4.2.4). With"
    " `empty_before_end` the second page of a pass is empty as well, although more is to come; asked for again it is"
    " not.",
    correct_client="Goes on by the number of resources that came, not by count, until totalResults or an end says so;"
    " an empty page before that is asked for again.",
)
class PageCap(Parameters, frozen=True, kw_only=True):
    """How short."""

    max: Annotated[int, Meta(ge=1, description="Most resources on a page.")]
    empty_before_end: Annotated[bool, Meta(description="Whether one page is empty before the end.")] = False

    def happen(self, moment: Moment, /) -> Effect:
        """Only lists have pages."""
        return Capped(self) if lists(moment.attempt) else Proceed()


@dataclass(frozen=True, slots=True)
class Capped(Serving):
    """Serve a shorter page."""

    parameters: PageCap

    @property
    def outcome(self) -> str:
        """``at most 10 on a page``."""
        return f"at most {self.parameters.max} on a page"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Cut the page where the query is cut, so that what follows goes on behind it."""
        most, resize = self.parameters.max, call.resize
        asked_for: list[int | None] = []

        def cut(count: int | None) -> int:
            count = count if resize is None else resize(count)
            asked_for.append(count)
            return most if count is None else min(count, most)

        again = copy.copy(call)
        again.resize = cut
        reply, page = served(world, again, serve)
        shown = resources_of(page) if page is not None else []
        if page is not None and shown and self._empties(world, call):
            page.pop("previousCursor", None)
            page.update(itemsPerPage=0, Resources=[])
            cursor = cursor_again(world, call)
            if cursor is not None:
                page["nextCursor"] = cursor
            return showing(reply, page)
        enough = not asked_for or (asked_for[-1] is not None and asked_for[-1] <= most)
        if page is None or enough or len(shown) < most or not _goes_on(page, len(shown)):
            world.spare()
        return reply

    def _empties(self, world: World, call: Call) -> bool:
        """Whether this is the page of its pass that is empty; once."""
        if not self.parameters.empty_before_end:
            return False
        walk, number = enumeration(world.memory, world.caller, call)
        if number != 2 or "emptied" in walk.notes:
            return False
        walk.notes["emptied"] = True
        return True


def _goes_on(page: dict[str, object], shown: int) -> bool:
    start, total = page.get("startIndex"), page["totalResults"]
    if isinstance(start, int) and isinstance(total, int):
        return start - 1 + shown < total
    return "nextCursor" in page
