"""``deactivate_is_delete``: who is deactivated is gone."""

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply
from mockscim.scim.lookup import given


@fault(
    "deactivate_is_delete",
    family="authority, load, outages",
    phases=("after",),
    terminal=False,
    argument="on",
    doc="Takes a user who is deactivated out of the directory and all groups, as Segment does; who is activated or made"
    " again comes back under the same id, without groups. With `on` false: active=false is stored and nothing more.",
    correct_client="Takes a 404 on one it deactivated for a success, and adds the memberships again when the user comes"
    " back.",
)
class DeactivateIsDelete(Parameters, frozen=True, kw_only=True):
    """Which of the two."""

    on: Annotated[bool, Meta(description="false: switches off what a provider such as Segment does itself.")] = True

    def happen(self, moment: Moment, /) -> Effect:
        """Only who leaves, or has left and comes back."""
        attempt = moment.attempt
        call, service = attempt.call, attempt.service
        if call is None or service is None or call.type is None or call.type.name != "User":
            return Proceed()
        store, own = service.store, service.policy.deactivate == "leave"
        if self.on == own:
            return Proceed()  # the provider does that itself
        if "user.deactivate" in call.refinements:
            return Leaving("leave" if self.on else "flag") if store.get(call.type, call.id or "") else Proceed()
        if not self.on or store.accounts is None:
            return Proceed()
        name = given(call, "username") if call.verb == "create" else None
        outside = call.id in store.accounts.records or (name is not None and store.account(name) is not None)
        return Leaving("leave") if outside and attempt.writes else Proceed()


@dataclass(frozen=True, slots=True)
class Leaving(Serving):
    """Deactivation in one way or the other."""

    way: Literal["leave", "flag"]

    @property
    def outcome(self) -> str:
        """``no inactive state``, ``inactive state``."""
        return "no inactive state" if self.way == "leave" else "inactive state"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Serve it so."""
        joins = self.way == "leave" or world.service.policy.join_accounts
        with world.behaving(deactivate=self.way, join_accounts=joins):
            return serve(call)
