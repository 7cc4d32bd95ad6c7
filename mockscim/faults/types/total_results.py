"""``total_results``: the count of all is wrong."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from msgspec import Meta

from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.listing import lists, resources_of, served, showing
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply

Mode = Literal["plus", "minus", "page_size", "zero", "grows", "string"]


@fault(
    "total_results",
    family="enumeration",
    phases=("after",),
    terminal=False,
    argument="mode",
    doc="totalResults is not what the query selects: `by` too many or too few, the number on this page"
    " (wso2/product-is#7320, awslabs/ssosync#1), zero, `by` more with each answer, or a text.",
    correct_client="Ends at an empty page or one with no new id, not at the total; flags a mismatch, and deletes"
    " nothing on its strength.",
)
class TotalResults(Parameters, frozen=True, kw_only=True):
    """How wrong."""

    mode: Annotated[Mode, Meta(description="What is said instead.")]
    by: Annotated[int, Meta(ge=1, description="plus, minus, grows: by how many.")] = 1

    def happen(self, moment: Moment, /) -> Effect:
        """Only lists have one."""
        return Miscounted(self) if lists(moment.attempt) else Proceed()


@dataclass(frozen=True, slots=True)
class Miscounted(Serving):
    """Say another total."""

    parameters: TotalResults

    @property
    def outcome(self) -> str:
        """``totalResults plus``."""
        return f"totalResults {self.parameters.mode}"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Count wrongly."""
        reply, page = served(world, call, serve)
        if page is None or not isinstance(page["totalResults"], int):
            world.spare()
            return reply
        total = self._said(world, page)
        if total == page["totalResults"]:
            world.spare()
            return reply
        page["totalResults"] = total
        return showing(reply, page)

    def _said(self, world: World, page: dict[str, Any]) -> int | str:
        total: int = page["totalResults"]
        by = self.parameters.by
        match self.parameters.mode:
            case "plus":
                return total + by
            case "minus":
                return max(0, total - by)
            case "page_size":
                return len(resources_of(page))
            case "zero":
                return 0
            case "grows":
                answers = world.memory["answers"] = world.memory.get("answers", 0) + 1
                return total + int(answers) * by
            case "string":
                return str(total)
