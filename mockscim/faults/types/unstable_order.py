"""``unstable_order``: each page is cut from another order."""

from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import Meta

from mockscim.faults.draw import Draw
from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.listing import asked, lists, peek, resources_of, served, showing
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply


@fault(
    "unstable_order",
    family="enumeration",
    phases=("after",),
    terminal=False,
    argument="seed",
    doc="A list without sortBy has no order of its own: each page changes places with the pages beside it anew, so some"
    " resources come twice in one pass and others not at all.",
    correct_client="Collects by id, sorts where it can (sortBy), and goes through the list again when an id repeats or"
    " fewer come than totalResults says.",
)
class UnstableOrder(Parameters, frozen=True, kw_only=True):
    """Which disorder."""

    seed: Annotated[int | None, Meta(description="Another disorder; otherwise it follows from the tenant's seed.")] = (
        None
    )

    def happen(self, moment: Moment, /) -> Effect:
        """Only lists that nobody sorts."""
        call = moment.attempt.call
        if call is None or not lists(moment.attempt) or asked(call).get("sortBy"):
            return Proceed()
        return Disorder(self.seed)


@dataclass(frozen=True, slots=True)
class Disorder(Serving):
    """Take a page from those around it."""

    seed: int | None

    @property
    def outcome(self) -> str:
        """``another order``."""
        return "another order"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Shuffle it with its neighbours, and show as many."""
        reply, page = served(world, call, serve)
        own = resources_of(page) if page is not None else []
        if page is None or not own:
            world.spare()
            return reply
        draw = world.draw if self.seed is None else Draw(self.seed, "unstable_order", world.draw.match)
        shuffled = _shuffled([*own, *_beside(world, call, page, len(own))], draw)[: len(own)]
        if shuffled == own:
            world.spare()
            return reply
        page["Resources"] = shuffled
        return showing(reply, page)


def _beside(world: World, call: Call, page: dict[str, Any], size: int) -> list[Any]:
    """What the pages before and after this one have."""
    start = page.get("startIndex")
    if isinstance(start, int):
        before = min(size, start - 1)
        around = [peek(world, call, startIndex=start + size, count=size)]
        if before > 0:
            around.append(peek(world, call, startIndex=start - before, count=before))
    else:
        cursors = [page[name] for name in ("nextCursor", "previousCursor") if page.get(name)]
        around = [peek(world, call, cursor=cursor) for cursor in cursors]
    return [resource for each in around for resource in resources_of(each or {})]


def _shuffled(items: list[Any], draw: Draw) -> list[Any]:
    for last in range(len(items) - 1, 0, -1):
        other = int(draw.uniform() * (last + 1))
        items[last], items[other] = items[other], items[last]
    return items
