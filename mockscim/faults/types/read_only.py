"""``read_only``: nothing can be written for now."""

from typing import Annotated

from msgspec import Meta

from mockscim.faults.effect import Effect, Proceed, Respond
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.scim.errors import ScimError


@fault(
    "read_only",
    family="authority, load, outages",
    phases=("before",),
    argument="retry_after",
    doc="Refuses every write with 503, as during maintenance or a failover; reads are answered.",
    correct_client="Keeps its writes, deletions too, and sends them once writes are possible again.",
)
class ReadOnly(Parameters, frozen=True, kw_only=True):
    """What is said."""

    status: Annotated[int, Meta(ge=400, le=599, description="The status.")] = 503
    retry_after: Annotated[Annotated[int, Meta(ge=0)] | None, Meta(description="Retry-After, in seconds.")] = None

    def happen(self, moment: Moment, /) -> Effect:
        """Only writes."""
        if not moment.attempt.writes:
            return Proceed()
        headers = {"Retry-After": str(self.retry_after)} if self.retry_after is not None else {}
        return Respond.refusing(ScimError(self.status, None, "the directory can only be read at present", headers))
