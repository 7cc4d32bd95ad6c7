"""``huge_page``: far more than asked comes in one answer."""

import copy
from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import Meta

from mockscim.durations import parse_size
from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.errors import Wrong
from mockscim.faults.listing import asked, lists, resources_of, served, showing
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply
from mockscim.scim.policy import TOLERANT, Tolerance
from mockscim.scim.projection import read_projection
from mockscim.scim.schema import ResourceType

_MOST_BYTES = 256 * 1024 * 1024
_SINCE = "2026-01-01T00:00:00Z"


@fault(
    "huge_page",
    family="enumeration",
    phases=("after",),
    terminal=False,
    argument="resources",
    doc="The page has everything from where it begins, whatever count says. With `resources` the directory looks as if"
    " it had at least so many: made-up ones follow, which a GET by id does not find (not where there is a filter)."
    " With `bytes` the answer is as long at least, by blanks, which mean nothing in JSON.",
    correct_client="Limits memory and time for one answer, reads it as it comes, and goes on by the number of resources"
    " that came.",
)
class HugePage(Parameters, frozen=True, kw_only=True):
    """How huge."""

    resources: Annotated[
        Annotated[int, Meta(ge=1, le=100_000)] | None,
        Meta(description="How many resources the directory seems to have."),
    ] = None
    bytes: Annotated[
        int | str | None, Meta(description="How long the answer is at least: a number of bytes, or text such as 10MiB.")
    ] = None
    ignore_count: Annotated[bool, Meta(description="Whether count is ignored; false: pages are cut as asked.")] = True

    def __post_init__(self) -> None:
        try:
            size = 0 if self.bytes is None else parse_size(self.bytes)
        except ValueError as error:
            raise Wrong("bytes", str(error)) from None
        if size > _MOST_BYTES:
            raise Wrong("bytes", "expected at most 256MiB")

    def happen(self, moment: Moment, /) -> Effect:
        """Only lists have pages."""
        if not lists(moment.attempt):
            return Proceed()
        return Swollen(self.resources or 0, 0 if self.bytes is None else parse_size(self.bytes), self.ignore_count)


@dataclass(frozen=True, slots=True)
class Swollen(Serving):
    """Serve more."""

    resources: int
    length: int
    ignore_count: bool

    @property
    def outcome(self) -> str:
        """``huge page``."""
        return "huge page"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """All of it, then what is made up, then blanks."""
        resize = call.resize
        sizes: list[int | None] = []

        def grow(count: int | None) -> int | None:
            sizes.append(count if resize is None else resize(count))
            return None if self.ignore_count else sizes[-1]

        again = copy.copy(call)
        again.resize = grow
        reply, page = served(world, again, serve)
        if page is None or reply.body is None:
            world.spare()
            return reply
        shown = resources_of(page)
        asked_for = sizes[-1] if sizes else None
        grown = self.ignore_count and asked_for is not None and len(shown) > asked_for
        room = None if self.ignore_count else asked_for
        more = self._made_up(call, page, len(shown), room)
        if more is not None:
            found = [*shown, *more]
            page.update(Resources=found, itemsPerPage=len(found), totalResults=self.resources)
            showing(reply, page)
        missing = self.length - len(reply.body)
        if missing > 0:
            reply.body = b"".join((reply.body[:-1], b" " * missing, reply.body[-1:]))
        if not grown and more is None and missing <= 0:
            world.spare()
        return reply

    def _made_up(self, call: Call, page: dict[str, Any], shown: int, room: int | None) -> list[dict[str, Any]] | None:
        """The resources that follow on this page; None where the directory has enough, or no list of its own."""
        parameters, total, start = asked(call), page["totalResults"], page.get("startIndex")
        if call.type is None or "filter" in parameters or not isinstance(total, int) or total >= self.resources:
            return None
        if not isinstance(start, int):
            if "nextCursor" in page:
                return []
            start = total - shown + 1  # by cursor the last page is the one without another
        first = max(start + shown, total + 1)
        last = self.resources if room is None else min(self.resources, start + room - 1)
        chosen, excluded = parameters.get("attributes"), parameters.get("excludedAttributes")
        projection = None
        if chosen is not None or excluded is not None:
            projection = read_projection(call.type, chosen, excluded, Tolerance(TOLERANT))
        made = [_made_up(call.type, number, call.base) for number in range(first, last + 1)]
        return [projection.apply(each) for each in made] if projection is not None else made


def _made_up(kind: ResourceType, number: int, base: str) -> dict[str, Any]:
    """A resource that is nowhere but on such a page, the same each time."""
    id_ = f"made-up-{number}"
    names = ["userName", "displayName", *(each.name for each in kind.attributes.values() if each.required)]
    texts = {name: f"{id_}@example.com" for name in names if _is_text(kind, name)}
    location = f"{base}{kind.endpoint}/{id_}"
    meta = {"resourceType": kind.name, "created": _SINCE, "lastModified": _SINCE, "location": location}
    return {"schemas": [kind.schema.id], **texts, "id": id_, "meta": meta}


def _is_text(kind: ResourceType, name: str) -> bool:
    attribute = kind.attributes.get(name.lower())
    return attribute is not None and attribute.type == "string" and not attribute.multi_valued
