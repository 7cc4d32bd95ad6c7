"""``brownout``: the provider gets slower and slower, fails more and more, and recovers."""

from typing import Annotated

from msgspec import Meta

from mockscim.faults.documents import Seconds
from mockscim.faults.draw import Draw
from mockscim.faults.effect import Delay, Effect, Proceed, Respond, phrase
from mockscim.faults.errors import Wrong
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.scim.errors import ScimError


# "rise", as `ramp` is the rule's own: there the chance of a hit grows.
@fault(
    "brownout",
    family="authority, load, outages",
    argument="latency",
    doc="From when the rule's window opens, on the tenant's clock, things get worse for `rise`, stay so for `hold`, and"
    " get better for `fall`; without `hold` they stay so. At the worst a request fails with probability `error`, and"
    " what does not fail waits for `latency`, or down to half of it (real time).",
    correct_client="Asks less when answers get slow: fewer requests at a time, longer waits between attempts, a budget"
    " for retries; and comes back slowly.",
)
class Brownout(Parameters, frozen=True, kw_only=True):
    """How bad, and how it comes and goes."""

    latency: Annotated[Seconds, Meta(description="What a request waits at the worst.")] = Seconds(2)
    error: Annotated[float, Meta(ge=0, le=1, description="Chance that a request fails at the worst.")] = 0.3
    rise: Annotated[Seconds, Meta(description="How long it takes to get to the worst.")] = Seconds(60)
    hold: Annotated[Seconds | None, Meta(description="How long it stays at the worst; without it for ever.")] = None
    fall: Annotated[Seconds, Meta(description="How long it then takes to get well.")] = Seconds(0)
    status: Annotated[int, Meta(ge=400, le=599, description="The status of a failure.")] = 503
    retry_after: Annotated[
        Annotated[int, Meta(ge=0)] | None, Meta(description="Retry-After of a failure, in seconds.")
    ] = None

    def __post_init__(self) -> None:
        if self.fall and self.hold is None:
            raise Wrong("fall", "expected `hold` as well: without it there is no end")

    def severity(self, elapsed: float) -> float:
        """From 0, well, to 1, the worst, so many seconds after it began."""
        if elapsed < self.rise:
            return max(elapsed, 0.0) / self.rise
        over = 0.0 if self.hold is None else elapsed - self.rise - self.hold
        if over <= 0:
            return 1.0
        return 1 - over / self.fall if over < self.fall else 0.0

    def effect(self, draw: Draw, /) -> Effect:
        """At the worst."""
        return self._at(1.0, draw)

    def happen(self, moment: Moment, /) -> Effect:
        """As bad as it is by now."""
        return self._at(self.severity(moment.elapsed), moment.draw)

    def _at(self, severity: float, draw: Draw) -> Effect:
        chance, share = draw.uniform(), draw.uniform(0.5, 1.0)
        if chance < severity * self.error:
            headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
            return Respond.refusing(ScimError(self.status, None, phrase(self.status), headers))
        seconds = severity * self.latency * share
        return Delay(seconds) if seconds > 0 else Proceed()
