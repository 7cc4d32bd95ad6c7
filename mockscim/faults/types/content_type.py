"""``content_type``: the body is what it should be, and is said to be something else."""

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from mockscim.faults.draw import Draw
from mockscim.faults.effect import Effect, Serving
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply
from mockscim.scim.errors import ScimError

Mode = Literal["json", "html", "charset", "none"]
_TYPES: dict[Mode, str] = {
    "json": "application/json",
    "html": "text/html; charset=utf-8",
    "charset": "application/scim+json; charset=iso-8859-1",
    "none": "",
}


@fault(
    "content_type",
    family="representation",
    phases=("after",),
    terminal=False,
    argument="mode",
    doc="Sends the right body with another Content-Type, or without one. In a bulk job it strikes the whole answer, as"
    " bulk.run, and no single operation.",
    correct_client="Parses what is JSON, and does not crash over what is not; decides by the status first. JSON is"
    " UTF-8 whatever charset is said.",
)
class ContentType(Parameters, frozen=True, kw_only=True):
    """What it is said to be."""

    mode: Annotated[
        Mode,
        Meta(
            description="json: application/json; html: text/html; charset: SCIM's own, with a charset that the body is"
            " not in; none: no Content-Type."
        ),
    ] = "json"

    def effect(self, _draw: Draw, /) -> Effect:
        """Say another."""
        return Retype(self.mode)


@dataclass(frozen=True, slots=True)
class Retype(Serving):
    """Serve it, and say another type."""

    mode: Mode

    @property
    def outcome(self) -> str:
        """``content-type html``."""
        return f"content-type {self.mode}"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Name another type, of errors as well."""
        if call.quiet:
            world.spare()
        try:
            reply = serve(call)
        except ScimError as error:
            error.headers["Content-Type"] = _TYPES[self.mode]
            raise
        if reply.body:
            reply.headers["Content-Type"] = _TYPES[self.mode]
        elif not call.quiet:
            world.spare()
        return reply
