"""``id_reuse``: somebody new gets the id of somebody who is gone."""

from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import Meta

from mockscim.faults.answers import altered
from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.errors import Wrong
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply

_IN_ID = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~@:+")


@fault(
    "id_reuse",
    family="identity, versions, time",
    phases=("after",),
    terminal=False,
    argument="id",
    doc="Gives a new resource the id of one that was deleted, which was another's: of the one deleted last unless it is"
    " named.",
    correct_client="Forgets an id when it has deleted its resource, and looks at externalId or userName before it"
    " updates or deletes by an id it has held for long.",
)
class IdReuse(Parameters, frozen=True, kw_only=True):
    """Which id."""

    id: Annotated[str | None, Meta(description="The id to give, if it is free.")] = None

    def __post_init__(self) -> None:
        if self.id is not None and (not self.id or not self.id.isascii() or set(self.id) - _IN_ID):
            raise Wrong("id", "expected letters, digits and -._~@:+")

    def happen(self, moment: Moment, /) -> Effect:
        """Only creates that will succeed, of who is not known already, where the id is still open."""
        call, plan = moment.attempt.call, moment.attempt.plan()
        if call is None or call.verb != "create" or call.new_id is not None or plan is None or plan.joins is not None:
            return Proceed()
        return Reuse(self.id, _name(plan.attributes))


@dataclass(frozen=True, slots=True)
class Reuse(Serving):
    """Make it under an id that was another's."""

    id: str | None
    name: str

    @property
    def outcome(self) -> str:
        """``id reused``."""
        return "id reused"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Serve it with the old id."""
        id_ = self.id or self._freed(world, call)
        if id_ is None or world.store.find(id_) is not None:
            world.spare()
            return serve(call)
        world.forget(id_)
        with altered(call, new_id=id_):
            return serve(call)

    def _freed(self, world: World, call: Call) -> str | None:
        """The id of the resource deleted last that was somebody else, and that nobody has."""
        for entry in reversed(world.history()):
            change = entry.change
            if change.operation == "delete" and change.type is call.kind and change.before is not None:
                is_other = _name(change.before.attributes()) != self.name
                if is_other and world.store.find(change.id) is None:
                    return change.id
        return None


def _name(attributes: dict[str, Any]) -> str:
    return str(attributes.get("userName", attributes.get("displayName", ""))).casefold()
