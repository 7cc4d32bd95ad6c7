"""``refuse``: for a while nobody gets a connection."""

from typing import Annotated, Literal

from msgspec import Meta

from mockscim.faults.documents import Seconds
from mockscim.faults.effect import Effect, Refuse
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault

_SECONDS = 1.0


@fault(
    "refuse",
    family="transport",
    argument="seconds",
    doc="Resets the connection of a matching request, and lets no new one come to the whole process, its control API"
    " included, for so many seconds of real time: until the rule's `duration` is over, or as `seconds` says. A rule"
    " that has a `duration` and asks nothing of a request shuts the port as soon as it is added. Connections that are"
    " open stay open; over one of them, taking the rule away or a reset ends it.",
    correct_client="Tries again later, with longer and longer waits and a limit; resumes where it was, and deletes"
    " nothing because it could not look.",
)
class RefuseParameters(Parameters, frozen=True, kw_only=True):
    """How long, and what who tries to connect meets."""

    seconds: Annotated[
        Seconds | None, Meta(description="How long; without it until the rule's `duration` is over, or 1s.")
    ] = None
    how: Annotated[
        Literal["closed", "reset"],
        Meta(description="closed: nobody listens at the port; reset: connections are accepted and reset, before TLS."),
    ] = "closed"

    def happen(self, moment: Moment, /) -> Effect:
        """Refuse, for as long as it is left of the window."""
        return self.standing(moment.ends) or Refuse(_SECONDS, self.how)

    def standing(self, ends: float | None, /) -> Refuse | None:
        """As long as the window lasts."""
        seconds = ends if self.seconds is None else self.seconds
        return None if seconds is None else Refuse(seconds, self.how)
