"""``burst``: failures come together, by a Markov chain of two states."""

from typing import Annotated, Literal

from msgspec import Meta

from mockscim.faults.effect import Effect, Proceed
from mockscim.faults.loss import lost
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault

Chance = Annotated[float, Meta(ge=0, le=1)]
Outcome = Literal["drop", "reset", "hang", "500", "502", "503", "504", 500, 502, 503, 504]


@fault(
    "burst",
    family="authority, load, outages",
    argument="p_enter",
    doc="The provider is well or ill, and each matching request may change that: it falls ill with probability"
    " `p_enter`, gets well with `p_exit`, so an illness lasts 1/p_exit requests on average; while it is ill, a request"
    " fails with probability `error`.",
    correct_client="Stops asking after some failures in a row and probes now and then (a circuit breaker); goes on"
    " where it was; treats what failed after it may have been done as in doubt.",
)
class Burst(Parameters, frozen=True, kw_only=True):
    """How illness comes and goes, and what it does."""

    p_enter: Annotated[Chance, Meta(description="Chance, at each request, to fall ill.")] = 0.05
    p_exit: Annotated[Chance, Meta(description="Chance, at each request, to get well.")] = 0.2
    error: Annotated[Chance, Meta(description="Chance that a request fails while it is ill.")] = 1.0
    outcome: Annotated[Outcome, Meta(description="What a failure is.")] = "503"

    def happen(self, moment: Moment, /) -> Effect:
        """First the state, then what it does."""
        draw, memory = moment.draw, moment.memory
        ill = memory.get("ill", False)
        turn, strike = draw.uniform(), draw.uniform()
        memory["ill"] = ill = turn >= self.p_exit if ill else turn < self.p_enter
        return lost(self.outcome) if ill and strike < self.error else Proceed()
