"""``latency``: the request or its answer waits."""

import math
from typing import Annotated, Literal

from msgspec import Meta

from mockscim.durations import MAX_SECONDS, parse_range
from mockscim.faults.documents import Seconds
from mockscim.faults.draw import Draw
from mockscim.faults.effect import Delay, Effect
from mockscim.faults.errors import Wrong
from mockscim.faults.registry import Parameters, fault

Distribution = Literal["fixed", "uniform", "normal", "lognormal"]

# What describes each distribution, and what else it takes.
_REQUIRED: dict[Distribution, tuple[str, ...]] = {
    "fixed": ("delay",),
    "uniform": ("lower", "upper"),
    "normal": ("mean", "stddev"),
    "lognormal": ("median", "sigma"),
}
_OPTIONAL: dict[Distribution, tuple[str, ...]] = {
    "fixed": (),
    "uniform": (),
    "normal": ("lower", "upper", "max"),
    "lognormal": ("lower", "upper", "max"),
}
_ALL = ("delay", "lower", "upper", "mean", "stddev", "median", "sigma", "max")


@fault(
    "latency",
    family="transport",
    terminal=False,
    argument="delay",
    doc="Waits before the request is served, or (phase after) before its answer is sent. Adds up.",
    correct_client="Waits within its deadline; does not repeat a request while the first is under way.",
)
class Latency(Parameters, frozen=True, kw_only=True):
    """A fixed delay, or a distribution by its usual names, which tell it if `distribution` does not."""

    delay: Annotated[Seconds | None, Meta(description="The fixed delay.")] = None
    distribution: Annotated[Distribution | None, Meta(description="What the delay is drawn from.")] = None
    lower: Annotated[Seconds | None, Meta(description="Shortest delay.")] = None
    upper: Annotated[Seconds | None, Meta(description="Longest delay.")] = None
    mean: Annotated[Seconds | None, Meta(description="normal: the mean.")] = None
    stddev: Annotated[Seconds | None, Meta(description="normal: the standard deviation.")] = None
    median: Annotated[Seconds | None, Meta(description="lognormal: half of the delays are shorter.")] = None
    sigma: Annotated[
        Annotated[float, Meta(ge=0, le=10)] | None, Meta(description="lognormal: spread of the logarithm.")
    ] = None
    max: Annotated[Seconds | None, Meta(description="normal, lognormal: longest delay, as upper.")] = None

    def __post_init__(self) -> None:
        given = [name for name in _ALL if getattr(self, name) is not None]
        kind = self.shape()
        if kind is None:
            raise Wrong("", "expected a delay, or lower and upper, or mean and stddev, or median and sigma")
        for name in _REQUIRED[kind]:
            if name not in given:
                raise Wrong(name, f"a {kind} latency needs {' and '.join(_REQUIRED[kind])}")
        takes = _REQUIRED[kind] + _OPTIONAL[kind]
        for name in given:
            if name not in takes:
                raise Wrong(name, f"a {kind} latency takes {', '.join(takes)} only")
        if self.upper is not None and self.max is not None:
            raise Wrong("max", "expected either upper or max, not both")
        if self.lower is not None and (top := self._top()) is not None and self.lower > top:
            raise Wrong("lower", "expected at most the upper end")

    def shape(self) -> Distribution | None:
        """The distribution, as named or as the names given tell; None when they tell none."""
        if self.distribution is not None:
            return self.distribution
        if self.delay is not None:
            return "fixed"
        if self.mean is not None or self.stddev is not None:
            return "normal"
        if self.median is not None or self.sigma is not None:
            return "lognormal"
        return "uniform" if self.lower is not None or self.upper is not None else None

    def effect(self, draw: Draw, /) -> Effect:
        """A delay; a drawn one is between `lower` (0) and `upper`."""
        if self.delay is not None:
            return Delay(self.delay)
        lower = self.lower or 0.0
        top = self._top()
        upper = MAX_SECONDS if top is None else top
        if self.mean is not None and self.stddev is not None:
            seconds = self.mean + self.stddev * draw.normal()
        elif self.median is not None and self.sigma is not None:
            seconds = self.median * math.exp(self.sigma * draw.normal())
        else:
            seconds = draw.uniform(lower, upper)
        return Delay(min(max(seconds, lower), upper))

    def _top(self) -> Seconds | None:
        return self.max if self.upper is None else self.upper

    @classmethod
    def from_argument(cls, value: object) -> dict[str, object]:
        """``latency(50ms)`` is fixed, ``latency(20ms-80ms)`` uniform."""
        if isinstance(value, str) and "-" in value:
            lower, upper = parse_range(value)
            return {"distribution": "uniform", "lower": lower, "upper": upper}
        return {"delay": value}
