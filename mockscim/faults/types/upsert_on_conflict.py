"""``upsert_on_conflict``: a create of somebody who is known gives that one, as he is."""

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply
from mockscim.scim.lookup import find_holder, given


@fault(
    "upsert_on_conflict",
    family="commit point",
    phases=("after",),
    terminal=False,
    argument="status",
    doc="Answers a create of a userName that is taken with the resource that has it, unchanged, instead of 409; and"
    " takes in an account that the provider knows, as Segment does. With `on` false: such an account is not taken in.",
    correct_client="Takes the id from the answer, sees that displayName and the rest are not what it sent, and does not"
    " write them again and again.",
)
class UpsertOnConflict(Parameters, frozen=True, kw_only=True):
    """What is answered."""

    status: Annotated[Literal[200, 201], Meta(description="The status.")] = 201
    on: Annotated[bool, Meta(description="false: switches off what a provider such as Segment does itself.")] = True

    def happen(self, moment: Moment, /) -> Effect:
        """Only a create of what is known."""
        call, service = moment.attempt.call, moment.attempt.service
        if call is None or service is None or call.verb != "create" or call.type is None or call.problem is not None:
            return Proceed()
        name = given(call, "username") if call.type.name == "User" else None
        known = name is not None and service.store.account(name) is not None
        if not self.on:
            return Joining(join=False) if known and service.policy.join_accounts else Proceed()
        holder = find_holder(call, service)
        if holder is not None:
            return Existing(holder.id, self.status)
        # Where the provider does it itself, nothing goes wrong.
        return Joining(join=True, status=self.status) if known and not service.policy.join_accounts else Proceed()


@dataclass(frozen=True, slots=True)
class Existing(Serving):
    """Answer with the one that is there."""

    id: str
    status: int

    @property
    def outcome(self) -> str:
        """``201, was there``."""
        return f"{self.status}, was there"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Read it."""
        reply = serve(world.service.route("GET", f"{call.kind.endpoint}/{self.id}", call.base))
        reply.status = self.status
        return reply


@dataclass(frozen=True, slots=True)
class Joining(Serving):
    """An account outside the directory comes in, or does not."""

    join: bool
    status: int | None = None

    @property
    def outcome(self) -> str:
        """``account taken in``."""
        return "account taken in" if self.join else "account not taken in"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Serve it in that way."""
        with world.behaving(join_accounts=self.join):
            reply = serve(call)
        reply.status = self.status or reply.status
        return reply
