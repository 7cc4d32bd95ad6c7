"""``silent_noop``: a change is answered as if it were made, and is not."""

from dataclasses import dataclass, replace
from typing import Annotated

from msgspec import Meta

from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply
from mockscim.scim.planning import Plan
from mockscim.scim.record import shown
from mockscim.scim.schema import ResourceType
from mockscim.scim.store import Store


@fault(
    "silent_noop",
    family="commit point",
    phases=("after",),
    terminal=False,
    argument="attributes",
    doc="Answers a PUT or PATCH with success and leaves some attributes, or all, as they were. With `on` false: what a"
    " provider such as Segment leaves as it was is changed.",
    correct_client="Reads back what it wrote, reports once that it does not stick, and stops writing it.",
)
class SilentNoop(Parameters, frozen=True, kw_only=True):
    """What is ignored, and whether the answer owns up to it."""

    attributes: Annotated[
        tuple[str, ...],
        Meta(description="Attributes, or URNs of extensions, that stay as they were; none named: all of them."),
    ] = ()
    echo: Annotated[bool, Meta(description="The answer shows what was sent, not what is stored.")] = False
    on: Annotated[bool, Meta(description="false: switches off what a provider such as Segment does itself.")] = True

    def happen(self, moment: Moment, /) -> Effect:
        """Only a PUT or PATCH that would change one of them."""
        attempt = moment.attempt
        call, service = attempt.call, attempt.service
        if call is None or service is None or call.type is None or call.verb == "create":
            return Proceed()
        kind, policy = call.type, service.policy
        if not self.on:
            with service.behaving(replace(policy, frozen_change="apply")):
                plan = attempt.plan()
            if plan is None or policy.frozen_change == "apply":
                return Proceed()
            frozen = policy.frozen.get(kind.name, frozenset())
            return Thawed() if frozen & _changed(call, plan, service.store) else Proceed()
        plan = attempt.plan()
        named = frozenset(name.lower() for name in self.attributes) or _all(kind)
        if plan is None or not named & _changed(call, plan, service.store):
            return Proceed()
        return Ignored(kind.name, named, self.echo, self.attributes)

    @classmethod
    def from_argument(cls, value: object) -> dict[str, object]:
        """``silent_noop(displayName)``, ``silent_noop(["displayName", "title"])``."""
        return {"attributes": [value] if isinstance(value, str) else value}


def _all(kind: ResourceType) -> frozenset[str]:
    return frozenset({*kind.attributes, *(extension.key for extension, _ in kind.extensions)})


def _changed(call: Call, plan: Plan, store: Store) -> frozenset[str]:
    """The attributes that a plan changes, in lower case."""
    record = store.get(call.kind, call.id or "")
    if record is None:
        return frozenset()
    before, after = record.attributes(), shown(call.kind, plan.attributes)
    found = {name.lower() for name in {*before, *after} if before.get(name) != after.get(name)}
    if plan.members and call.kind.keyed is not None:
        found.add(call.kind.keyed.key)
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Ignored(Serving):
    """Some attributes stay as they were."""

    type_name: str
    frozen: frozenset[str]
    echo: bool
    named: tuple[str, ...]

    @property
    def outcome(self) -> str:
        """``ignored displayName``, ``ignored``."""
        return f"ignored {', '.join(self.named)}".rstrip()

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Serve it without them."""
        pretended: Reply | None = None
        if self.echo:
            with world.pretending():
                pretended = serve(world.reread(call))
        own = world.service.policy.frozen if world.service.policy.frozen_change == "ignore" else {}
        frozen = {**own, self.type_name: self.frozen | own.get(self.type_name, frozenset())}
        with world.behaving(frozen=frozen, frozen_change="ignore"):
            reply = serve(call)
        if pretended is not None:
            reply.body, reply.headers = pretended.body, pretended.headers
        return reply


@dataclass(frozen=True, slots=True)
class Thawed(Serving):
    """What the provider leaves as it was is changed."""

    @property
    def outcome(self) -> str:
        """``applied``."""
        return "applied"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Serve it so."""
        with world.behaving(frozen_change="apply"):
            return serve(call)
