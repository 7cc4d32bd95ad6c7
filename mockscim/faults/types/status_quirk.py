"""``status_quirk``: the right thing is done, and another status is answered."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import orjson
from msgspec import Meta

from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.listing import lists
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply
from mockscim.scim.errors import ScimError, invalid_value, not_found
from mockscim.scim.patch_request import member_operations

Mode = Literal["create_200", "no_content", "accepted", "empty_404", "member_400"]
_WRITES = ("create", "replace", "patch", "delete")
_VERBS = {
    "create_200": ("create",),
    "no_content": ("create", "replace", "patch"),
    "accepted": _WRITES,
    "member_400": ("patch",),
}


@fault(
    "status_quirk",
    family="representation",
    phases=("after",),
    terminal=False,
    argument="mode",
    doc="Answers with a status that is not SCIM's for what was done: 200 for a create, 204 without a body, 202, 404"
    " for a list that is empty, 400 for who is a member already.",
    correct_client="Takes any 2xx for a success and reads the resource where no body came; takes 404 for an empty"
    " list and `already a member` for what was wanted.",
)
class StatusQuirk(Parameters, frozen=True, kw_only=True):
    """Which."""

    mode: Annotated[
        Mode,
        Meta(
            description="create_200: 200 instead of 201; no_content: 204, no body; accepted: 202, no body; empty_404:"
            " an empty list is 404; member_400: adding who is a member already is 400."
        ),
    ] = "create_200"

    def happen(self, moment: Moment, /) -> Effect:
        """Only the requests it is about."""
        call = moment.attempt.call
        if call is None or call.discovery is not None:
            return Proceed()
        fits = lists(moment.attempt) if self.mode == "empty_404" else call.verb in _VERBS[self.mode]
        return Quirk(self.mode) if fits else Proceed()


@dataclass(frozen=True, slots=True)
class Quirk(Serving):
    """Serve it, and answer another status."""

    mode: Mode

    @property
    def outcome(self) -> str:
        """``status accepted``."""
        return f"status {self.mode}"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Serve it with the quirk."""
        if self.mode == "member_400" and (known := next(_members_already(world, call), None)) is not None:
            raise invalid_value(f"{known[:100]} is already a member")
        try:
            reply = serve(call)
        except ScimError:
            world.spare()
            raise
        if self.mode == "empty_404":
            if reply.status == 200 and orjson.loads(reply.body or b"{}").get("totalResults") == 0:
                raise not_found("no resource matches")
        elif self.mode == "create_200" and reply.status == 201:
            reply.status = 200
            return reply
        elif self.mode in ("no_content", "accepted"):
            status = 204 if self.mode == "no_content" else 202
            if reply.status != status:
                reply.status, reply.body = status, None
                return reply
        world.spare()
        return reply


def _members_already(world: World, call: Call) -> Iterator[str]:
    """Whom a PATCH adds to a group that has them."""
    record = world.store.get(call.kind, call.id or "") if call.type is not None else None
    held = record.members if record is not None else None
    if held is None:
        return
    for op, value in member_operations(call.operations, call.kind.keyed):
        items: list[Any] = value if isinstance(value, list) else [value]
        for item in items if op == "add" else ():
            id_ = item.get("value") if isinstance(item, dict) else item
            if isinstance(id_, str) and id_ in held:
                yield id_
