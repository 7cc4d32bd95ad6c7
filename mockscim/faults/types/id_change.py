"""``id_change``: a resource gets another id, and the one that the client holds is dead."""

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from mockscim.faults.answers import fresh_id, show_anew
from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply
from mockscim.scim.errors import ScimError
from mockscim.scim.record import Record

When = Literal["now", "rename", "recreate"]
Old = Literal["404", "410", "redirect"]
_NAMES = ("userName", "displayName")


@fault(
    "id_change",
    family="identity, versions, time",
    phases=("after",),
    terminal=False,
    argument="when",
    doc="Makes a resource anew under another id: as soon as it is addressed, when it is renamed, or when one is made"
    " again who was deleted. In the history that is nobody's request. A rule covers all requests it is about: those"
    " that change an id, and later ones to the old id.",
    correct_client="Takes a 404, a 410 or a redirect on an id it holds for a question, not for a deletion: looks the"
    " resource up by externalId or userName, keeps the new id, and makes nobody twice.",
)
class IdChange(Parameters, frozen=True, kw_only=True):
    """When it changes, and what becomes of the old one."""

    when: Annotated[
        When,
        Meta(
            description="now: before the first request that addresses it; rename: with a new userName, or displayName"
            " of a group; recreate: when a create brings back who was deleted."
        ),
    ] = "now"
    old: Annotated[Old, Meta(description="How requests to the old id are answered from then on.")] = "404"

    def happen(self, moment: Moment, /) -> Effect:
        """Only what addresses or makes a resource."""
        call = moment.attempt.call
        if call is None or call.type is None or call.problem is not None or (call.id is None and call.verb != "create"):
            return Proceed()
        return Renumber(self.when, self.old)


@dataclass(frozen=True, slots=True)
class Renumber(Serving):
    """Serve it, with another id before or after."""

    when: When
    old: Old

    @property
    def outcome(self) -> str:
        """``id change now``."""
        return f"id change {self.when}"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Change the id if it is time, and answer for the old one."""
        moved: dict[str, str] = world.memory.setdefault("moved", {})
        given: set[str] = world.memory.setdefault("given", set())
        record = world.store.get(call.kind, call.id) if call.id is not None else None
        if self.when == "now" and record is not None and record.id not in given:
            _move(world, record, moved, given)
            return self._dead(world, call, serve, moved)
        if call.id in moved and record is None:
            return self._dead(world, call, serve, moved)
        reply = serve(call)
        made = reply.resource
        if self.when == "rename" and made is not None and _renamed(reply):
            return show_anew(world, call, reply, _move(world, made, moved, given))
        if self.when == "recreate" and call.verb == "create" and made is not None:
            before = _before(world, made)
            if before == made.id:
                return show_anew(world, call, reply, _move(world, made, moved, given))
            if before is not None:
                moved[before] = made.id
                return reply
        world.spare()
        return reply

    def _dead(self, world: World, call: Call, serve: Serve, moved: dict[str, str]) -> Reply:
        id_ = call.id or ""
        while id_ in moved and world.store.get(call.kind, id_) is None:
            id_ = moved[id_]
        if self.old == "410":
            raise ScimError(410, None, f"{call.kind.name} {call.id} is gone")
        if self.old == "redirect":
            return Reply(308, None, {"Location": f"{call.base}{call.kind.endpoint}/{id_}"})
        return serve(call)


def _move(world: World, record: Record, moved: dict[str, str], given: set[str]) -> str:
    new = fresh_id(world.draw)
    world.renew(record, new)
    moved[record.id] = new
    given.add(new)
    return new


def _names(record: Record | None) -> list[str]:
    attributes = record.attributes() if record is not None else {}
    found = next((str(attributes[name]).casefold() for name in _NAMES if attributes.get(name)), "")
    return [found, str(attributes.get("externalId") or "")]


def _renamed(reply: Reply) -> bool:
    return any(
        change.operation == "update"
        and change.before is not None
        and _names(change.before)[0] != _names(change.after)[0]
        for change in reply.changes
    )


def _before(world: World, made: Record) -> str | None:
    """The id that the same person, or group, had before it was deleted."""
    wanted = _names(made)
    for entry in reversed(world.history()):
        change = entry.change
        if change.operation == "delete" and change.type is made.type:
            had = _names(change.before)
            if had[0] == wanted[0] or (had[1] and had[1] == wanted[1]):
                return change.id
    return None
