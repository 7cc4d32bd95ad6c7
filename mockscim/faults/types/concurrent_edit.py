"""``concurrent_edit``: somebody else changes a resource between the client's read and its write."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from msgspec import Meta

from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim import urns
from mockscim.scim.call import Call, Reply
from mockscim.scim.errors import ScimError

Lands = Literal["before_write", "after_read"]
_USUAL = ("displayName", "title", "nickName")
_VERBS: dict[Lands, tuple[str, ...]] = {"before_write": ("replace", "patch", "delete"), "after_read": ("get",)}


@fault(
    "concurrent_edit",
    family="identity, versions, time",
    phases=("after",),
    terminal=False,
    argument="attribute",
    doc="Changes the resource behind the client's back: just before its PUT, PATCH or DELETE is served, or right after"
    " its GET was. In the history the edit is nobody's request. What the provider cannot change is left alone.",
    correct_client="Names the version it has read in If-Match, and on 412 reads again and decides anew; or sends a"
    " PATCH of what it means to change only, never a PUT of all it once read.",
)
class ConcurrentEdit(Parameters, frozen=True, kw_only=True):
    """What is changed, and when."""

    attribute: Annotated[
        str | None,
        Meta(description="A path as in a PATCH; without it displayName, title or nickName, whichever can change."),
    ] = None
    value: Annotated[Any, Meta(description="Its new value; without it a text that is new each time.")] = None
    op: Annotated[Literal["add", "replace", "remove"], Meta(description="As in a PATCH.")] = "replace"
    between: Annotated[
        Lands, Meta(description="before_write: between the client's last read and its write; after_read: likewise.")
    ] = "before_write"

    def happen(self, moment: Moment, /) -> Effect:
        """Only what is addressed by its id."""
        call = moment.attempt.call
        if call is None or call.type is None or call.id is None or call.verb not in _VERBS[self.between]:
            return Proceed()
        value = f"Edited meanwhile, {moment.match}" if self.value is None and self.op != "remove" else self.value
        return Edit(self.attribute, value, self.op, self.between)


@dataclass(frozen=True, slots=True)
class Edit(Serving):
    """Edit, and serve."""

    attribute: str | None
    value: Any
    op: str
    between: Lands

    @property
    def outcome(self) -> str:
        """``edit before the write``."""
        return f"edit {self.between.replace('_', ' the ')}"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Serve it with an edit before or after."""
        if self.between == "before_write":
            self._edit(world, call)
            return serve(call)
        reply = serve(call)
        self._edit(world, call)
        return reply

    def _edit(self, world: World, call: Call) -> None:
        path = self.attribute or _changeable(world, call)
        operation = {"op": self.op, "path": path, "value": self.value}
        if self.op == "remove" and self.value is None:
            del operation["value"]
        try:
            edited = path and world.edit(
                "PATCH", call.kind.name, call.id, {"schemas": [urns.PATCH_OP], "Operations": [operation]}
            )
        except ScimError:
            edited = None
        if not edited or not edited.changes:
            world.spare()


def _changeable(world: World, call: Call) -> str | None:
    frozen = world.service.policy.frozen.get(call.kind.name, ())
    known = call.kind.attributes
    return next((name for name in _USUAL if name.lower() in known and name.lower() not in frozen), None)
