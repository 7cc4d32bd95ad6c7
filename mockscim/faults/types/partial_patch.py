"""``partial_patch``: some operations of a PATCH are done, and then it fails."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from mockscim.faults.effect import Effect, Proceed, Serving, phrase
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply
from mockscim.scim.errors import ScimError


@fault(
    "partial_patch",
    family="commit point",
    phases=("after",),
    argument="applied_ops",
    doc="Commits the first operations of a PATCH and fails at the next, against RFC 7644 §3.5.2: all are done, or none."
    " A PATCH with no more operations than that is let through.",
    correct_client="Reads the resource again before it tries once more, and sends only what is still missing.",
)
class PartialPatch(Parameters, frozen=True, kw_only=True):
    """How far it comes."""

    applied_ops: Annotated[int, Meta(ge=1, description="How many operations are done.")] = 1
    status: Annotated[int, Meta(ge=400, le=599, description="The status of the failure.")] = 500

    def happen(self, moment: Moment, /) -> Effect:
        """Only a PATCH that goes on after them."""
        call = moment.attempt.call
        goes_on = call is not None and call.problem is None and len(call.operations) > self.applied_ops
        return Stuck(self.applied_ops, self.status) if goes_on else Proceed()


@dataclass(frozen=True, slots=True)
class Stuck(Serving):
    """Do the first of them."""

    done: int
    status: int

    @property
    def outcome(self) -> str:
        """``500 after 1 operation``."""
        return f"{self.status} after {self.done} operation{'s' if self.done > 1 else ''}"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Serve them, and fail."""
        if len(call.operations) <= self.done:  # another fault asks for something else
            return serve(call)
        first = world.reread(call)
        first.tolerance, first.operations = call.tolerance, call.operations[: self.done]
        serve(first)
        detail = f"{phrase(self.status)}: {call.operations[self.done].where}"
        return Reply.refusing(ScimError(self.status, None, detail))
