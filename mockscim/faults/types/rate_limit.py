"""``rate_limit``: who asks too often is told to wait."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta

from mockscim.faults.allowance import Bucket, Window
from mockscim.faults.answers import answer
from mockscim.faults.documents import Seconds
from mockscim.faults.effect import Effect, Proceed, Respond, Serving, phrase
from mockscim.faults.errors import Wrong
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.retry_after import FORMS, Form, http_date, retry_after, whole
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply
from mockscim.scim.errors import ScimError

if TYPE_CHECKING:
    from mockscim.faults.engine import Attempt

Scope = Literal["token", "tenant", "operation", "ip"]
_MOST = 10_000  # limits that are remembered


@fault(
    "rate_limit",
    family="authority, load, outages",
    phases=("before",),
    argument="limit",
    doc="Lets so many requests through in a window of the tenant's clock and refuses the rest with 429. A fixed window"
    " begins with its first request; a token bucket fills steadily. What an earlier rule refused does not count; the"
    " operations of a bulk job do, each. All answers bear X-RateLimit headers.",
    correct_client="Waits as long as Retry-After says, in both forms of RFC 9110 and never for ever; waits longer and"
    " longer by itself where it is absent or makes no sense; slows down before the limit where it is told of it.",
)
class RateLimit(Parameters, frozen=True, kw_only=True):
    """How much, for whom, and what is said."""

    limit: Annotated[int, Meta(ge=1, le=1_000_000, description="How many requests.")]
    window: Annotated[Seconds, Meta(description="In how long.")] = Seconds(60)
    algorithm: Annotated[
        Literal["fixed_window", "token_bucket"],
        Meta(
            description="fixed_window: all at once, and none until it is over; token_bucket: they come back steadily."
        ),
    ] = "fixed_window"
    burst: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000)] | None,
        Meta(description="token_bucket: most at once, `limit` unless it is given."),
    ] = None
    scope: Annotated[
        Scope | list[Scope],
        Meta(description="Whose requests count together: of one token, of all, of one operation, from one address."),
    ] = "token"
    status: Annotated[int, Meta(ge=400, le=599, description="The status of a refusal.")] = 429
    retry_after: Annotated[Form, Meta(description="How a refusal says when to come back: " + FORMS)] = "seconds"
    count_rejected: Annotated[
        bool,
        Meta(description="A refused request counts, too: it begins the window anew, or takes a token on credit."),
    ] = False
    show: Annotated[
        Literal["seconds", "epoch", "no"],
        Meta(description="X-RateLimit-Limit, -Remaining and -Reset, the latter in seconds or as a time; or none."),
    ] = "seconds"

    def __post_init__(self) -> None:
        if self.window <= 0:
            raise Wrong("window", "expected a duration above 0")
        if self.burst is not None and self.algorithm != "token_bucket":
            raise Wrong("burst", "only a token_bucket has one")
        if not self.scope:
            raise Wrong("scope", "expected at least one of token, tenant, operation, ip")

    def happen(self, moment: Moment, /) -> Effect:
        """Count it."""
        attempt, now = moment.attempt, moment.now
        limits: dict[tuple[str, ...], Window | Bucket] = moment.memory.setdefault("limits", {})
        key = self._key(attempt)
        mine = limits.get(key)
        if mine is None:
            if len(limits) >= _MOST:
                del limits[next(iter(limits))]
            mine = limits[key] = self._full(now)
        if mine.take(now):
            # Where no head of an answer is ours to write there is nothing to be told.
            told = self.show != "no" and attempt.target and attempt.operation != "token.create"
            date = (("Date", http_date(now)),) if self.show == "epoch" else ()
            return Counted((*date, *self._shown(mine, now))) if told else Proceed()
        if self.count_rejected:
            mine.punish(now)
        headers = retry_after(self.retry_after, mine.wait(now), now, moment.draw) | dict(self._shown(mine, now))
        return Respond.refusing(ScimError(self.status, None, phrase(self.status), headers))

    def _full(self, now: float) -> Window | Bucket:
        if self.algorithm == "fixed_window":
            return Window(self.limit, self.window)
        size = self.burst or self.limit
        return Bucket(self.limit / self.window, size, size, now)

    def _key(self, attempt: Attempt) -> tuple[str, ...]:
        parts = {
            "token": attempt.caller,
            "tenant": "",
            "operation": attempt.operation,
            "ip": attempt.address() if "ip" in self.scope else "",
        }
        return tuple([parts[part] for part in ([self.scope] if isinstance(self.scope, str) else self.scope)])

    def _shown(self, mine: Window | Bucket, now: float) -> tuple[tuple[str, str], ...]:
        if self.show == "no":
            return ()
        full = max(mine.full_in(now), 0.0)
        reset = math.ceil(now + full) if self.show == "epoch" else whole(full)
        left = ("X-RateLimit-Remaining", str(mine.remaining()))
        return (("X-RateLimit-Limit", str(self.burst or self.limit)), left, ("X-RateLimit-Reset", str(reset)))


@dataclass(frozen=True, slots=True)
class Counted(Serving):
    """Told how many are left, and nothing else."""

    headers: tuple[tuple[str, str], ...]

    @property
    def outcome(self) -> str:
        """Not told: nothing goes wrong."""
        return "counted"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Serve it, and tell."""
        world.spare()
        reply = answer(serve, call)
        return Reply(reply.status, reply.body, {**reply.headers, **dict(self.headers)}, reply.resource, reply.changes)
