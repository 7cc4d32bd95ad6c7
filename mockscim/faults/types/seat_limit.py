"""``seat_limit``: there is no place for another user."""

from typing import Annotated, Literal

from msgspec import Meta

from mockscim.faults.effect import Effect, Proceed, Respond
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.scim.errors import ScimError
from mockscim.scim.store import Store


# "seats", not "max": flat keywords are read by people.
@fault(
    "seat_limit",
    family="authority, load, outages",
    phases=("before",),
    argument="seats",
    doc="Refuses a user beyond the seats that are paid for: a create, or an activation. Who is inactive takes no seat.",
    correct_client="Reports who could not be provisioned, goes on with the rest, and does not try in every cycle anew"
    " nor remove others to make place.",
)
class SeatLimit(Parameters, frozen=True, kw_only=True):
    """How many seats there are."""

    seats: Annotated[int, Meta(ge=0, description="How many active users there may be.")]
    status: Annotated[Literal[403, 400], Meta(description="The status.")] = 403

    def happen(self, moment: Moment, /) -> Effect:
        """Only who would take a seat that is not there."""
        attempt = moment.attempt
        call, service = attempt.call, attempt.service
        if call is None or service is None or call.type is None or call.type.name != "User":
            return Proceed()
        plan = attempt.plan()
        if plan is None or plan.attributes.get("active", True) is False:
            return Proceed()
        record = service.store.get(call.type, call.id or "")
        if (record is not None and _takes_seat(record.body)) or taken(service.store) < self.seats:
            return Proceed()
        return Respond.refusing(ScimError(self.status, None, f"all {self.seats} seats are taken"))


def taken(store: Store) -> int:
    """How many users take a seat."""
    return sum(_takes_seat(record.body) for record in store.tables["User"])


def _takes_seat(body: bytes) -> bool:
    # What a text says is escaped there, so this can only be the attribute, or a sub-attribute of that name.
    return b'"active":false' not in body
