"""``clock_skew``: the provider's clock is wrong, coarse, or goes backwards."""

from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import Annotated, Any, Literal

from msgspec import Meta

from mockscim.clock import ClockError, format_instant, parse_instant
from mockscim.durations import format_duration, parse_duration
from mockscim.faults.answers import rewrite
from mockscim.faults.effect import Effect, Serving
from mockscim.faults.errors import Wrong
from mockscim.faults.listing import asked
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply
from mockscim.scim.errors import ScimError
from mockscim.scim.record import Record

Field = Literal["lastModified", "created", "Date"]
_FIELDS: tuple[Field, ...] = ("lastModified", "created", "Date")


@fault(
    "clock_skew",
    family="identity, versions, time",
    phases=("after",),
    terminal=False,
    argument="offset",
    doc="Tells other times than it should, in meta and in the Date header, also to filters and sorting by them: off"
    " by an offset, drifting, in whole seconds, running backwards, or always now. What is stored stays as it is.",
    correct_client="Never compares the provider's times with its own clock: keeps the latest time it was shown as its"
    " mark, asks again for a while before it, and tells by id what it has had.",
)
class ClockSkew(Parameters, frozen=True, kw_only=True):
    """How its clock is wrong, and where it shows."""

    offset: Annotated[
        float | str, Meta(description="How far ahead: seconds, or text such as 5m; negative, as -5m, for behind.")
    ] = 0.0
    field: Annotated[Field | list[Field] | None, Meta(description="Where it shows; in all of them unless given.")] = (
        None
    )
    drift: Annotated[
        float, Meta(ge=-1, le=1, description="Seconds that it gains in each since the rule was added.")
    ] = 0.0
    precision: Annotated[Literal["s", "ms"], Meta(description="s: whole seconds only.")] = "ms"
    backwards: Annotated[
        bool, Meta(description="It has run backwards since the rule was added: what changed later is shown as earlier.")
    ] = False
    always_now: Annotated[bool, Meta(description="Whatever is shown changed just now.")] = False

    def __post_init__(self) -> None:
        self.seconds()
        if self.field == []:
            raise Wrong("field", "expected at least one field")
        if self.backwards and self.always_now:
            raise Wrong("always_now", "expected either backwards or always_now, not both")

    def seconds(self) -> float:
        """The offset."""
        text = str(self.offset).strip()
        try:
            number = parse_duration(text.removeprefix("-"))
        except ValueError:
            raise Wrong("offset", "expected seconds or text such as 5m or -5m") from None
        return -number if text.startswith("-") else number

    def happen(self, moment: Moment, /) -> Effect:
        """Skew."""
        fields = (self.field,) if isinstance(self.field, str) else tuple(self.field or _FIELDS)
        began = moment.now - moment.age
        return Skew(fields, self.seconds(), self.drift, self.precision, self.backwards, self.always_now, began)


@dataclass(frozen=True, slots=True)
class Skew(Serving):
    """Serve it with other times."""

    fields: tuple[Field, ...]
    offset: float
    drift: float
    precision: str
    backwards: bool
    always_now: bool
    began: float

    @property
    def outcome(self) -> str:
        """``clock +5m``."""
        how = "always now" if self.always_now else "backwards" if self.backwards else f"drift {self.drift:g}"
        sign = "-" if self.offset < 0 else "+"
        told = f"{sign}{format_duration(abs(self.offset))}" if self.offset else ""
        return " ".join(["clock", *filter(None, [told, how if how != "drift 0" else ""])])

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Serve it, and show other times."""
        now = world.now
        try:
            if call.verb in ("list", "search") and call.discovery is None and _by_time(call):
                with world.seeing(self._records(world, call)):
                    reply = serve(call)
            else:
                reply = serve(call)
                rewrite(call, reply, lambda resource: self._change(resource, now))
        except ScimError as error:
            error.headers.update(self._date(now))
            raise
        reply.headers.update(self._date(now))
        return reply

    def told(self, at: float, now: float) -> float:
        """The time that is shown for one."""
        at = now if self.always_now else at
        if self.backwards and at > self.began:
            at = 2 * self.began - at
        at += self.offset + self.drift * max(at - self.began, 0.0)
        return float(int(at)) if self.precision == "s" else at

    def _date(self, now: float) -> dict[str, str]:
        return {"Date": formatdate(self.told(now, now), usegmt=True)} if "Date" in self.fields else {}

    def _text(self, text: str, now: float) -> str:
        try:
            told = format_instant(self.told(parse_instant(text), now))
        except (ClockError, ValueError, OverflowError, OSError):
            return text  # beyond what a date can be
        return told.partition(".")[0] + "Z" if self.precision == "s" else told

    def _change(self, resource: dict[str, Any], now: float) -> None:
        meta = resource.get("meta")
        for field in self.fields:
            if isinstance(meta, dict) and isinstance(meta.get(field), str):
                meta[field] = self._text(meta[field], now)

    def _records(self, world: World, call: Call) -> dict[tuple[str, str], Record]:
        """All that a list may show, as of other times."""
        kinds = [call.type] if call.type is not None else list(world.service.registry.types.values())
        texts: Callable[[Field, str], str] = lambda field, text: (  # noqa: E731
            self._text(text, world.now) if field in self.fields else text
        )
        return {
            (kind.name, record.id): Record(
                record.id,
                record.type,
                record.seq,
                record.version,
                texts("created", record.created),
                texts("lastModified", record.modified),
                record.body,
                record.members,
                record.secrets,
            )
            for kind in kinds
            for record in world.store.tables[kind.name]
        }


def _by_time(call: Call) -> bool:
    """Whether a list is chosen or sorted by times."""
    parameters = asked(call)
    asks = f"{parameters.get('filter', '')} {parameters.get('sortBy', '')}".lower()
    return "lastmodified" in asks or "created" in asks
