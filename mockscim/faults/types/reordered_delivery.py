"""``reordered_delivery``: writes of one resource take effect in another order than that in which they came."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, TypeVar

from msgspec import Meta, field

from mockscim.clock import format_instant
from mockscim.faults.documents import Seconds
from mockscim.faults.draw import Draw
from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply
from mockscim.scim.errors import ScimError

T = TypeVar("T")

_VERBS = ("replace", "patch", "delete")


@fault(
    "reordered_delivery",
    family="commit point",
    phases=("after",),
    argument="window",
    doc="Holds writes of one resource back, each answered as if it and those before it were done, until `window` of"
    " them have come; then applies them in another order. If fewer come, that happens once `wait` has passed. A write"
    " with If-Match is not held: what waits is applied in its order, and then it.",
    correct_client="Names the version it knows in If-Match, or sends the writes of one resource one after the other and"
    " reads back what became of them.",
)
class ReorderedDelivery(Parameters, frozen=True, kw_only=True):
    """How many wait for each other, and how long."""

    window: Annotated[int, Meta(ge=2, le=20, description="How many writes of one resource change places.")] = 2
    wait: Annotated[
        Seconds, Meta(description="How long the first waits for the others, by the tenant's clock; 5s if not given.")
    ] = field(default_factory=lambda: Seconds(5))

    def happen(self, moment: Moment, /) -> Effect:
        """Only writes of a resource that is there already have an order."""
        call = moment.attempt.call
        addressed = call is not None and call.id is not None and call.verb in _VERBS
        return Reordered(self.window, self.wait) if addressed else Proceed()


@dataclass(slots=True)
class Held:
    """The writes of one resource that wait."""

    draw: Draw
    waiting: list[tuple[World, Call]]

    def release(self, at: float) -> None:
        """Apply them in another order, each for its own exchange; once."""
        waiting, self.waiting = self.waiting, []
        for world, call in reordered(waiting, self.draw):
            world.land(call, at)


@dataclass(frozen=True, slots=True)
class Reordered(Serving):
    """Answer now, do it later."""

    window: int
    wait: float

    @property
    def outcome(self) -> str:
        """``held, window 2``."""
        return f"held, window {self.window}"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Answer as if all that waits, and this, were done."""
        key = f"{call.kind.name}/{call.id}"
        held: Held = world.memory.pop(key, None) or Held(world.draw, [])
        if call.if_match is not None and world.service.policy.etag:
            for other, earlier in held.waiting:
                other.land(earlier, world.now)
            held.waiting.clear()
            return serve(call)
        world.memory[key] = held
        with world.pretending():
            for _, earlier in held.waiting:
                with suppress(ScimError):  # it was answered when it came; here only what it leaves matters
                    # Not by serve: the faults of this request are not that one's.
                    world.service.perform(world.reread(earlier), format_instant(world.now))
            reply = serve(call)  # what is refused is not held
        held.waiting.append((world, world.reread(call)))
        if len(held.waiting) == 1:
            world.alarm(self.wait, partial(_timed_out, world.memory, key, held))
        elif len(held.waiting) == self.window:
            del world.memory[key]
            world.alarm(0, held.release)
        return reply


def reordered(items: Sequence[T], draw: Draw) -> list[T]:
    """The items in another order, if there is one."""
    own = list(range(len(items)))
    found = sorted(own, key=lambda _: draw.uniform())
    return [items[index] for index in (found if found != own else own[1:] + own[:1])]


def _timed_out(memory: dict[str, Any], key: str, held: Held, at: float) -> None:
    if memory.get(key) is held:
        del memory[key]
    held.release(at)
