"""``page_fail``: one page of a list does not come."""

from typing import Annotated

from msgspec import Meta

from mockscim.faults.effect import Effect, Proceed
from mockscim.faults.listing import enumeration, lists
from mockscim.faults.loss import Outcome, lost
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault


@fault(
    "page_fail",
    family="enumeration",
    phases=("after",),
    argument="page",
    doc="Answers the pages of a list but one: in its place the connection breaks or hangs, or an error comes. Pages are"
    " counted in each pass of each client, by index or by cursor; the same page asked for again fails again, unless"
    " `times` ends it.",
    correct_client="Asks for that page again; when it does not come, deletes and deactivates nothing in this cycle, as"
    " it does not know who is there.",
)
class PageFail(Parameters, frozen=True, kw_only=True):
    """Which page, and what comes instead."""

    page: Annotated[int, Meta(ge=1, description="Which page of a pass, from 1.")] = 2
    outcome: Annotated[Outcome, Meta(description="What the client meets instead of the page.")] = "503"

    def happen(self, moment: Moment, /) -> Effect:
        """Count the pages."""
        attempt = moment.attempt
        if attempt.call is None or not lists(attempt):
            return Proceed()
        _, page = enumeration(moment.memory, attempt.caller, attempt.call)
        return lost(self.outcome) if page == self.page else Proceed()
