"""Walks: a client reading a whole collection page by page, and what of it should have made it wary.

A walk is the requests for one collection without a filter that differ only in where the page begins (startIndex or
cursor). It ends where a first page is asked for anew, unless the first page before it failed. A look at a resource or
two (``count`` up to 2, no second page) is no walk.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mockscim.invariants.seen import Seen
from mockscim.invariants.writes import fields

_PROBE = 2


@dataclass
class Page:
    """One page as the client got it.

    Attributes:
        seen: the exchange.
        start: where it begins: an index or a cursor; empty for the first.
        ids: of the resources on it, in order.
        total: what totalResults said; None for nothing that is a number.
        following: nextCursor, if it had one.
        readable: whether it arrived, as a list.
    """

    seen: Seen
    start: str
    ids: list[str]
    total: int | None
    following: str | None
    readable: bool


@dataclass
class Walk:
    """One reading of a collection; at least one page."""

    resource: str
    pages: list[Page] = field(default_factory=list)

    @property
    def last(self) -> Seen:
        """The last exchange of it."""
        return self.pages[-1].seen

    @property
    def readable(self) -> list[Page]:
        """The pages that the client could read."""
        return [page for page in self.pages if page.readable]

    @property
    def is_probe(self) -> bool:
        """Whether it was but a look whether somebody answers."""
        count = self.pages[0].seen.parameters.get("count", "")
        return len(self.pages) == 1 and count.isdigit() and int(count) <= _PROBE

    def idle(self) -> list[Seen]:
        """The longest run of pages after the first that the client could read and that brought nothing new."""
        known: set[str] = set()
        longest: list[Seen] = []
        run: list[Seen] = []
        for place, page in enumerate(self.readable):
            run = [] if not place or set(page.ids) - known else [*run, page.seen]
            known.update(page.ids)
            longest = max(longest, run, key=len)
        return longest


def walks_of(seen: Sequence[Seen]) -> list[Walk]:
    """The walks, in order of their first pages."""
    found: list[Walk] = []
    open_: dict[tuple[object, ...], Walk] = {}
    for each in seen:
        if each.verb not in ("list", "search") or not each.resource or each.parameters.get("filter"):
            continue
        if each.parameters.get("count") == "0":
            continue  # only the number is asked for
        page = _page(each)
        rest = sorted(item for item in each.parameters.items() if item[0] not in ("startindex", "cursor", "count"))
        key = (each.path.lower().rstrip("/"), each.agent, each.epoch, *rest)
        walk = open_.get(key)
        if walk is None or (not page.start and walk.readable):
            walk = open_[key] = Walk(each.resource)
            found.append(walk)
        walk.pages.append(page)
    return [walk for walk in found if not walk.is_probe]


def _page(seen: Seen) -> Page:
    start = seen.parameters.get("startindex", seen.parameters.get("cursor", ""))
    answer = fields(seen.answer) if seen.ok else {}
    listed = answer.get("resources")
    total = _number(answer.get("totalresults"))
    readable = seen.ok and (isinstance(listed, list) or ("resources" not in answer and total == 0))
    following = answer.get("nextcursor")
    return Page(
        seen,
        "" if _number(start) in (0, 1) else start,
        [str(r.get("id")) for r in seen.resources],
        total,
        following if isinstance(following, str) and following else None,
        readable,
    )


def _number(value: Any) -> int | None:  # noqa: ANN401
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def flaws(walk: Walk, own: int) -> Iterator[tuple[str, Seen]]:
    """What a client can know to be wrong with a walk: in words, and the exchange.

    Args:
        walk: the walk.
        own: how many resources of that type the client itself made or removed since the walk began.
    """
    good = walk.readable
    read = {page.start for page in good}
    for page in walk.pages:
        if not page.readable and page.start not in read:
            yield f"a page could not be read ({page.seen.told()})", page.seen
    known: set[str] = set()
    for place, page in enumerate(good):
        if place and page.ids and known.issuperset(page.ids) and page.start not in {p.start for p in good[:place]}:
            yield "a page repeated what earlier ones had", page.seen
        known.update(page.ids)
    if not good:
        return
    totals = [page.total for page in good if page.total is not None]
    last = good[-1]
    if totals and max(totals) - min(totals) > own:
        yield f"totalResults was {min(totals)} and {max(totals)}", last.seen
    elif totals and len(known) + own < totals[-1]:
        yield f"{len(known)} of {totals[-1]} resources were read", last.seen
    elif totals and len(known) > totals[-1] + own:
        yield f"{len(known)} resources were read where totalResults said {totals[-1]}", last.seen
    elif last.following is not None:
        yield "nextCursor was not followed", last.seen
