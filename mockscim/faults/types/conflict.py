"""``conflict``: what is to be made is there already, or so the provider says."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from msgspec import Meta

from mockscim.faults.effect import Effect, Proceed, Respond, Serving
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply
from mockscim.scim.errors import ScimError
from mockscim.scim.lookup import find_holder

_SCIM_TYPES = {"uniqueness": "uniqueness", "absent": None, "wrong": "invalidValue"}
# What another client, or a person at the provider, would not have given: it is this client's own.
_OWN = frozenset({"externalid", "password", "id", "meta"})


# "status", where the fact sheet has "as" beside it: that is no name in Python.
@fault(
    "conflict",
    family="commit point",
    phases=("before",),
    argument="holder",
    doc="Refuses a create because its name is taken. The holder is visible: somebody made it a moment before; or"
    " hidden: it was deleted softly and no look-up finds it; or it belongs to another tenant.",
    correct_client="Looks the holder up by userName and adopts its id, whatever the status and the scimType. Where"
    " nothing is found, reports the resource once and does not try for ever.",
)
class Conflict(Parameters, frozen=True, kw_only=True):
    """Who holds the name, and how that is said."""

    holder: Annotated[
        Literal["visible", "hidden", "other_tenant"], Meta(description="Who holds what is to be unique.")
    ] = "visible"  # fmt: skip
    status: Annotated[
        Literal[409, 400, 500], Meta(description="The status; 409 is RFC 7644's, 400 and 500 are seen.")
    ] = 409  # fmt: skip
    scim_type: Annotated[
        Literal["uniqueness", "absent", "wrong"], Meta(description="scimType: right, left out, or invalidValue.")
    ] = "uniqueness"  # fmt: skip

    def happen(self, moment: Moment, /) -> Effect:
        """Only a create that could be done, or is in conflict already."""
        attempt = moment.attempt
        call, service = attempt.call, attempt.service
        if call is None or service is None or call.verb != "create" or call.type is None:
            return Proceed()
        there = find_holder(call, service) is not None
        if not there and attempt.plan() is None:
            return Proceed()
        document = call.document if isinstance(call.document, dict) else {}
        name = next((str(v) for k, v in document.items() if k.lower() in ("username", "displayname")), "")
        where = "in another tenant" if self.holder == "other_tenant" else f"by another {call.type.name}"
        detail = f"{name[:200]!r} is taken {where}"
        error = ScimError(self.status, _SCIM_TYPES[self.scim_type], detail)
        if there or self.holder != "visible":
            return Respond.refusing(error)
        return Outrun(error, {k: v for k, v in document.items() if k.lower() not in _OWN})


@dataclass(frozen=True, slots=True)
class Outrun(Serving):
    """Somebody else makes it first."""

    error: ScimError
    document: dict[str, Any]

    @property
    def outcome(self) -> str:
        """``409, made by another first``."""
        return f"{self.error.status}, made by another first"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Make it behind the client's back, and refuse it."""
        try:
            world.edit("POST", call.kind.name, None, self.document)
        except ScimError:
            return serve(call)  # nobody can make that
        return Reply.refusing(self.error)
