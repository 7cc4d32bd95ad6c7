"""``remove_by_value``: members named in the value of a remove, as Entra and authentik send them, are not what goes."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from msgspec import Meta

from mockscim.faults.answers import altered
from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply
from mockscim.scim.patch_request import MISSING, Operation
from mockscim.scim.policy import Tolerance

_CODE = "remove-members-by-value"
Mode = Literal["ignore", "reject", "all"]


@fault(
    "remove_by_value",
    family="commit point",
    phases=("after",),
    terminal=False,
    argument="mode",
    doc="A PATCH that removes members by listing them in its value, which RFC 7644 §3.5.2.2 does not know: nobody goes,"
    " and it is answered as done; or it is refused with 400; or all members go"
    ' (simpleidserver/SimpleIdServer#244). A path such as members[value eq "…"] works.',
    correct_client='Selects the member in the path, members[value eq "…"]; from Entra, with aadOptscim062020 in the'
    " tenant URL. Reads the group back now and then, for a removal that did nothing is access that was not taken away.",
)
class RemoveByValue(Parameters, frozen=True, kw_only=True):
    """What becomes of it."""

    mode: Annotated[Mode, Meta(description="ignore: nothing; reject: 400; all: every member goes.")] = "ignore"

    def happen(self, moment: Moment, /) -> Effect:
        """Only such a PATCH."""
        call = moment.attempt.call
        if call is None or call.type is None or call.type.keyed is None or call.verb != "patch":
            return Proceed()
        key = call.type.keyed.key
        return Misread(self.mode, key) if any(_lists(operation, key) for operation in call.operations) else Proceed()


def _lists(operation: Operation, key: str) -> bool:
    """Whether an operation removes members by a list of them."""
    path = (operation.path or "").lower().rpartition(":")[2].strip()
    return operation.op == "remove" and path == key and operation.value is not MISSING and operation.value is not None


@dataclass(frozen=True, slots=True)
class Misread(Serving):
    """Such operations mean something else."""

    mode: Mode
    key: str

    @property
    def outcome(self) -> str:
        """``members stay``, ``removal refused``, ``all members go``."""
        return {"ignore": "members stay", "reject": "removal refused", "all": "all members go"}[self.mode]

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Serve it so."""
        if self.mode == "all":
            emptied = [replace(one, value=MISSING) if _lists(one, self.key) else one for one in call.operations]
            with altered(call, operations=emptied):
                return serve(call)
        own = call.tolerance
        stricter = Tolerance(own.accepted - {_CODE})
        stricter.used = own.used
        with altered(call, tolerance=stricter), world.behaving(remove_by_value=self.mode):
            try:
                return serve(call)
            finally:
                own.used = stricter.used
