"""``outage``: for a while nothing works."""

from typing import Annotated, Literal

from msgspec import Meta

from mockscim.faults.effect import Effect, Refuse, Respond, phrase
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.retry_after import FORMS, Form, retry_after
from mockscim.scim.errors import ScimError

_SECONDS = 1.0
_PAGE = (
    b"<!doctype html><title>503</title><h1>Service unavailable</h1><p>No server is available to handle this request."
)


@fault(
    "outage",
    family="authority, load, outages",
    phases=("before",),
    argument="how",
    doc="The provider is away for the rule's `duration`, from `start_after` on. 503: a load balancer answers, also who"
    " shows no good token if `match.authenticated` is false. refuse: nobody gets a connection to the whole process, its"
    " control API included, in real time; a rule with a `duration` that asks nothing of a request does so at once,"
    " another with its first match.",
    correct_client="Tries again, later and later and not all workers at once, and goes on from where it was. Deletes"
    " nothing because it could not look.",
)
class Outage(Parameters, frozen=True, kw_only=True):
    """What who comes meets."""

    how: Annotated[Literal["503", "refuse", 503], Meta(description="An answer, or no connection.")] = "503"
    body: Annotated[
        Literal["html", "scim", "empty"], Meta(description="503: a page, a SCIM Error, or nothing.")
    ] = "html"  # fmt: skip
    retry_after: Annotated[
        Form, Meta(description="503: how it says when it is over, where the rule has a `duration`: " + FORMS)
    ] = "missing"

    def happen(self, moment: Moment, /) -> Effect:
        """Be away."""
        if self.how == "refuse":
            return self.standing(moment.ends) or Refuse(_SECONDS)
        form = "missing" if moment.ends is None and self.retry_after not in _TIMELESS else self.retry_after
        headers = retry_after(form, moment.ends or 0.0, moment.now, moment.draw)
        if self.body == "scim":
            return Respond.refusing(ScimError(503, None, phrase(503), headers))
        page, kind = (_PAGE, "text/html; charset=utf-8") if self.body == "html" else (b"", "")
        return Respond(503, tuple(headers.items()), page, kind)

    def standing(self, ends: float | None, /) -> Refuse | None:
        """As long as the window lasts."""
        return Refuse(ends) if self.how == "refuse" and ends is not None else None


_TIMELESS = ("past", "zero", "huge", "garbage")  # forms that no end is needed for
