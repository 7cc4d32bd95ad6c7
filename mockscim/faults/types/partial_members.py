"""``partial_members``: of many members only the first come, or go."""

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply


@fault(
    "partial_members",
    family="commit point",
    phases=("after",),
    terminal=False,
    argument="first",
    doc="Carries out only the first changes of a group's members that one request asks for, and answers as if it were"
    " all of them. A request with no more than that is let through.",
    correct_client="Reads the group again, sends the members that are still missing, and sends fewer in one request.",
)
class PartialMembers(Parameters, frozen=True, kw_only=True):
    """How many."""

    first: Annotated[int, Meta(ge=0, description="How many members come, change or go.")] = 1
    status: Annotated[
        Literal[200, 204], Meta(description="What a PUT or PATCH is answered; 200 shows the group as it is.")
    ] = 204  # fmt: skip

    def happen(self, moment: Moment, /) -> Effect:
        """Only a write of more members than that."""
        plan = moment.attempt.plan()
        many = plan is not None and len(plan.members) > self.first
        return Some(self.first, len(plan.members), self.status) if plan is not None and many else Proceed()


@dataclass(frozen=True, slots=True)
class Some(Serving):
    """Take some of them."""

    first: int
    asked: int
    status: int

    @property
    def outcome(self) -> str:
        """``1 of 3 members``."""
        return f"{self.first} of {self.asked} members"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Serve it as far as that."""
        with world.behaving(members_at_once=self.first, patch_answer="body"):
            reply = serve(call)
        if call.verb != "create" and self.status == 204:
            reply.status, reply.body = 204, None
        return reply
