"""``poison``: one resource that always fails, whatever is done to it."""

from functools import lru_cache
from typing import Annotated

import orjson
from msgspec import Meta

from mockscim.faults.effect import Effect, Proceed, Respond, phrase
from mockscim.faults.errors import Wrong
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.scim.errors import ScimError
from mockscim.scim.filter import Node, parse


@fault(
    "poison",
    family="authority, load, outages",
    argument="user_name",
    doc="Every request about one resource fails, each time, and those about others do not. Lists are answered.",
    correct_client="Leaves it out after some attempts, reports it, and goes on with the rest.",
)
class Poison(Parameters, frozen=True, kw_only=True):
    """Which resource, by one of these."""

    user_name: Annotated[str | None, Meta(description="The userName that it has, or is to get.")] = None
    id: Annotated[str | None, Meta(description="Its id.")] = None
    status: Annotated[int, Meta(ge=400, le=599, description="The status.")] = 500

    def __post_init__(self) -> None:
        if self.user_name is None and self.id is None:
            raise Wrong("", "expected user_name or id")

    def happen(self, moment: Moment, /) -> Effect:
        """Only what is about it."""
        attempt = moment.attempt
        by_id = self.id is not None and attempt.call is not None and attempt.call.id == self.id
        if not by_id and (self.user_name is None or not attempt.where(_named(self.user_name))):
            return Proceed()
        return Respond.refusing(ScimError(self.status, None, phrase(self.status)))


@lru_cache(maxsize=64)
def _named(user_name: str) -> Node:
    return parse(f"userName eq {orjson.dumps(user_name).decode()}").node
