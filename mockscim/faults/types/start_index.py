"""``start_index``: the page begins elsewhere than asked, or says so."""

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.listing import asked, asking, lists, served, showing, start_of
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply

Mode = Literal["zero_based", "minus_one", "plus_one", "ignored", "echo_wrong"]


@fault(
    "start_index",
    family="enumeration",
    phases=("after",),
    terminal=False,
    argument="mode",
    doc="startIndex means something else (simpleidserver/SimpleIdServer#185, wso2/product-is#9957 and #22589)."
    " zero_based counts from 0, so 1 is the second; minus_one and plus_one begin one off; ignored gives the first page"
    " always; echo_wrong gives the right page and says another index. Paging by cursor knows no startIndex.",
    correct_client="Notices ids that repeat or miss, and ends where a page brings nothing new.",
)
class StartIndex(Parameters, frozen=True, kw_only=True):
    """What it means."""

    mode: Annotated[Mode, Meta(description="What becomes of startIndex.")]

    def happen(self, moment: Moment, /) -> Effect:
        """Only lists have one."""
        return Shifted(self.mode) if lists(moment.attempt) else Proceed()


@dataclass(frozen=True, slots=True)
class Shifted(Serving):
    """Begin elsewhere."""

    mode: Mode

    @property
    def outcome(self) -> str:
        """``startIndex zero_based``."""
        return f"startIndex {self.mode}"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Serve the page that a provider with this mistake would, and echo what it would."""
        right = start_of(world, call)
        start, said = self._mistaken(right or 1, given="startIndex" in asked(call))
        shifted = right is not None and start != right
        reply, page = served(world, asking(call, startIndex=start) if shifted else call, serve)
        if right is None or page is None or (start, said) == (right, right):
            world.spare()
            return reply
        page["startIndex"] = said
        return showing(reply, page)

    def _mistaken(self, right: int, *, given: bool) -> tuple[int, int]:
        """Where the page begins, and what it says of that."""
        match self.mode:
            case "zero_based":
                return (right + 1, right) if given else (1, 0)
            case "minus_one":
                return max(1, right - 1), right
            case "plus_one":
                return right + 1, right
            case "ignored":
                return 1, 1
            case "echo_wrong":
                return right, right - 1
