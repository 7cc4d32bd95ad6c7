"""``etag``: versions that do not say what they should."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from msgspec import Meta

from mockscim.faults.answers import altered, rewrite
from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply
from mockscim.scim.errors import ScimError
from mockscim.scim.etag import opaque, tags

Mode = Literal["mismatch", "stale", "weak_strong", "missing", "header_differs", "changes_on_read"]


@fault(
    "etag",
    family="identity, versions, time",
    phases=("after",),
    terminal=False,
    argument="mode",
    doc="Versions that cannot be relied on: If-Match fails though it names the version, or ETag and meta.version are"
    " old, absent, different from each other, or new with every read.",
    correct_client="On 412 reads again, decides anew and tries again, with a limit; takes the tag as it comes, and"
    " works without one.",
)
class EtagParameters(Parameters, frozen=True, kw_only=True):
    """What is wrong with versions."""

    mode: Annotated[
        Mode,
        Meta(
            description="mismatch: each If-Match fails with 412; stale: the version before this one is shown;"
            " weak_strong: the header is strong and meta.version weak, and If-Match with a weak one fails (RFC 9110"
            " §13.1.1); missing: neither is there; header_differs: the header is no version at all; changes_on_read:"
            " each read shows another, and only the last one shown holds."
        ),
    ] = "mismatch"

    def happen(self, moment: Moment, /) -> Effect:
        """A mismatch needs an If-Match."""
        call = moment.attempt.call
        if call is None or call.discovery is not None or (self.mode == "mismatch" and call.if_match is None):
            return Proceed()
        return Unversioned(self.mode)


@dataclass(frozen=True, slots=True)
class Unversioned(Serving):
    """Serve it with versions that are wrong."""

    mode: Mode

    @property
    def outcome(self) -> str:
        """``etag stale``."""
        return f"etag {self.mode}"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Look at the condition, and show other versions."""
        named = call.if_match
        if self.mode == "mismatch":
            raise _mismatch(named)
        if self.mode == "weak_strong" and named is not None and _is_weak(named):
            raise _mismatch(named)
        if self.mode != "changes_on_read":
            reply = serve(call)
        else:
            wanted = named if named is None else _last(world, call, named)
            with altered(call, if_match=wanted, if_none_match=None):
                reply = serve(call)
        if not self._show(world, call, reply):
            world.spare()
        return reply

    def _show(self, world: World, call: Call, reply: Reply) -> bool:
        """Write other versions into an answer; whether there were any."""
        sees = call.verb in ("get", "list", "search")
        seen: list[str] = []

        def change(resource: dict[str, Any]) -> None:
            meta = resource.get("meta")
            if isinstance(meta, dict) and isinstance(meta.get("version"), str):
                shown = self._version(world, str(resource.get("id")), meta["version"], sees)
                seen.append(shown or "")
                if self.mode in ("stale", "changes_on_read"):
                    meta["version"] = shown
                elif self.mode == "missing":
                    del meta["version"]

        rewrite(call, reply, change)
        told = reply.headers.get("ETag")
        if told is None:
            return bool(seen) and self.mode not in ("weak_strong", "header_differs")
        id_ = reply.resource.id if reply.resource is not None else ""
        shown = seen[0] if seen else self._version(world, id_, told, sees)
        if shown:
            reply.headers["ETag"] = shown
        else:
            del reply.headers["ETag"]
        return True

    def _version(self, world: World, id_: str, version: str, sees: bool) -> str | None:  # noqa: FBT001
        """What is shown for a version."""
        if self.mode == "missing":
            return None
        if self.mode == "weak_strong":
            return f'"{opaque(version)}"'
        if self.mode == "header_differs":
            return f'W/"other-{opaque(version)}"'
        if self.mode == "changes_on_read":
            reads: dict[str, int] = world.memory.setdefault("reads", {})
            reads[id_] = reads.get(id_, 0) + sees
            return f'W/"{opaque(version)}-r{reads[id_]}"'
        _, dash, standing = opaque(version).partition("-")  # of one in groups also what is shown of them
        for entry in reversed(world.history()):
            if entry.change.id == id_ and entry.change.before is not None:
                return f'W/"{entry.change.before.version}{dash}{standing}"'
        return f'W/"0{dash}{standing}"'


def _mismatch(named: str | None) -> ScimError:
    return ScimError(412, None, f"the version is not {(named or '')[:100]}")


def _is_weak(named: str) -> bool:
    return named.strip() != "*" and '"' in named and named.count("W/") * 2 >= named.count('"')


def _last(world: World, call: Call, named: str) -> str:
    """The condition as the provider understands it: the tag shown last stands for the version that there is."""
    record = world.store.get(call.kind, call.id or "") if call.type is not None else None
    wanted = tags(named, "If-Match")
    if record is None or wanted is None:
        return named
    true = world.store.etag(record)
    reads = world.memory.get("reads", {}).get(record.id, 0)
    return true if f"{opaque(true)}-r{reads}" in wanted else 'W/"none"'
