"""``location``: where a resource is said to be is not where the client can reach it."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from msgspec import Meta

from mockscim.faults.answers import answer, rewrite
from mockscim.faults.draw import Draw
from mockscim.faults.effect import Effect, Serving
from mockscim.faults.errors import Wrong
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply
from mockscim.scim.errors import ScimError

_INTERNAL = "scim-7d9f4.internal:8080"
Mode = Literal["internal_host", "relative", "missing", "http_scheme"]


@fault(
    "location",
    family="identity, versions, time",
    phases=("after",),
    terminal=False,
    argument="mode",
    doc="Location, meta.location and $ref name another place than the one that was called, as behind a proxy that does"
    " not rewrite them, or the first two are not there.",
    correct_client="Goes by the id and the base URL it was configured with; sends its token nowhere else.",
)
class Location(Parameters, frozen=True, kw_only=True):
    """How they are wrong."""

    mode: Annotated[
        Mode,
        Meta(
            description="internal_host: a host that only the provider's network has; relative: no scheme and host;"
            " missing: none; http_scheme: http though https was called."
        ),
    ] = "internal_host"
    host: Annotated[str, Meta(description="internal_host: which, with its port.")] = _INTERNAL

    def __post_init__(self) -> None:
        if not self.host.isascii() or not self.host.isprintable() or set(self.host) & set(' /"<>\\'):
            raise Wrong("host", "expected a host such as scim.internal:8080")

    def effect(self, _draw: Draw, /) -> Effect:
        """Say where it is not."""
        return Misplace(self.mode, self.host)


@dataclass(frozen=True, slots=True)
class Misplace(Serving):
    """Serve as if called at another base URL."""

    mode: Mode
    host: str

    @property
    def outcome(self) -> str:
        """``location relative``."""
        return f"location {self.mode}"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Serve it below a base URL that is not the client's."""
        if self.mode == "missing":
            return self._without(world, call, serve)
        # What is joined to it later, as the Location of /Me is, belongs to it too.
        was, call.base = call.base, self._base(call.base)
        try:
            reply = serve(call)
        except ScimError:
            if call.alias is None:
                world.spare()
            raise
        says_so = "Location" in reply.headers or call.base.encode() in (reply.body or b"")
        if call.base == was or not (says_so or call.alias is not None):
            world.spare()
        return reply

    def _base(self, base: str) -> str:
        if self.mode == "internal_host":
            return f"http://{self.host}{urlsplit(base).path}"
        if self.mode == "relative":
            return urlsplit(base).path
        return "http://" + base.partition("://")[2]

    @staticmethod
    def _without(world: World, call: Call, serve: Serve) -> Reply:
        was, call.alias = call.alias, None
        reply = answer(serve, call)
        headed = reply.headers.pop("Location", None)
        bodily = rewrite(call, reply, _drop)
        if headed is None and not bodily and was is None:
            world.spare()
        return reply


def _drop(resource: dict[str, Any]) -> None:
    if isinstance(resource.get("meta"), dict):
        resource["meta"].pop("location", None)
