"""Pages by cursor: what comes behind a place in the order of a query, or before it (RFC 9865).

The order of a query is what it sorts by, then the types in their order, then creation. A page begins behind a
resource, not at a number: so it costs the same at the end of a table as at its beginning, and what is made or deleted
meanwhile moves nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from mockscim.scim.cursor import Cursor, Place
from mockscim.scim.record import Record
from mockscim.scim.table import Table

_END = 2**62  # behind every record of a table
# So much of a text counts in the order of pages by cursor, since cursors hold it and travel in URLs.
LONGEST_KEY = 200

Placed = tuple[Place, Record]
# What a resource is sorted by: texts come before numbers, and those before what is missing.
SortKey = tuple[int, Any]


class Order(Protocol):
    """What a query selects, in its order."""

    def __len__(self) -> int:
        """How many there are."""

    def after(self, place: Place | None, count: int) -> list[Placed]:
        """The next ``count``, or as many as there are, behind a place; None: the first."""

    def before(self, place: Place, count: int) -> list[Placed]:
        """The ``count``, or as many as there are, just before a place; nearest first."""


class Whole:
    """All resources of some types, straight from their tables."""

    def __init__(self, tables: Sequence[Table]) -> None:
        self._tables = tables

    def __len__(self) -> int:
        return sum(map(len, self._tables))

    def after(self, place: Place | None, count: int) -> list[Placed]:
        """As Order has it."""
        first, outside, seq = place or (0, 0, 0)
        found: list[Placed] = []
        for at in range(first, len(self._tables)):
            since = 0 if at != first else _END if outside else seq
            found += [((at, 0, each.seq), each) for each in self._tables[at].after(since, count - len(found))]
            if len(found) >= count:
                break
        return found

    def before(self, place: Place, count: int) -> list[Placed]:
        """As Order has it."""
        last, outside, seq = place
        found: list[Placed] = []
        for at in range(last, -1, -1):
            until = _END if at != last or outside else seq
            found += [((at, 0, each.seq), each) for each in self._tables[at].before(until, count - len(found))]
            if len(found) >= count:
                break
        return found


def slice_of(tables: Iterable[Table], start: int, count: int) -> list[Record]:
    """Up to ``count`` resources from a position in some tables, one behind the other; 0 is the first."""
    found: list[Record] = []
    for table in tables:
        found += table.page(start, count - len(found))
        start = max(0, start - len(table))
    return found


class Selected:
    """What was selected one by one, in order; each place may begin with what it is sorted by.

    Args:
        records: the resources, sorted; those of a type in the tables before those outside, then by creation, but for
            what they are sorted by.
        types: the names of their types, in order.
        outsiders: those of them that are in no table.
        key: tells what one is sorted by; None where the query does not say.
        descending: whether these count from the greatest to the least.
    """

    def __init__(
        self,
        records: Sequence[Record],
        types: Sequence[str],
        outsiders: Iterable[Record] = (),
        key: Callable[[Record], SortKey] | None = None,
        *,
        descending: bool = False,
    ) -> None:
        self._records = records
        self._turns = {name: turn for turn, name in enumerate(types)}
        self._outside = set(map(id, outsiders))
        self._key = key
        self._by = 0 if key is None else 2
        self._descending = descending

    def __len__(self) -> int:
        return len(self._records)

    def after(self, place: Place | None, count: int) -> list[Placed]:
        """As Order has it."""
        at = 0 if place is None else self._first(lambda other: self._behind(other, place))
        return [self._placed(each) for each in range(at, min(at + count, len(self)))]

    def before(self, place: Place, count: int) -> list[Placed]:
        """As Order has it."""
        at = self._first(lambda other: not self._behind(place, other))
        return [self._placed(each) for each in range(at - 1, max(0, at - count) - 1, -1)]

    def _placed(self, at: int) -> Placed:
        record = self._records[at]
        place = (self._turns[record.type.name], int(id(record) in self._outside), record.seq)
        if self._key is None:
            return place, record
        return (*self._key(record), *place), record

    def _first(self, holds: Callable[[Place], bool]) -> int:
        return bisect_left(range(len(self)), True, key=lambda at: holds(self._placed(at)[0]))  # noqa: FBT003 - what is sought

    def _behind(self, one: Place, other: Place) -> bool:
        by = self._by
        if one[:by] != other[:by]:
            return one[:by] < other[:by] if self._descending else one[:by] > other[:by]
        return one[by:] > other[by:]


class Page(NamedTuple):
    """One page, and the places that the pages before and after it are told by; None where there is none."""

    records: list[Record]
    next: Place | None
    previous: Place | None


def page(order: Order, cursor: Cursor, count: int) -> Page:
    """The page that a cursor means, of at most ``count`` resources."""
    place = cursor.place
    if count == 0:
        return Page([], None, None)
    if place is not None and cursor.backwards:
        found = order.before(place, count + 1)
        more, found = len(found) > count, found[:count][::-1]
        # Where all that stood before is gone, the next page has the place itself, too.
        last = found[-1][0] if found else _beside(place, -1)
        follows = bool(order.after(last, 1))
        return Page([each for _, each in found], last if follows else None, found[0][0] if more else None)
    found = order.after(place, count + 1)
    more, found = len(found) > count, found[:count]
    first = found[0][0] if found else None if place is None else _beside(place, 1)
    precedes = place is not None and first is not None and bool(order.before(first, 1))
    return Page([each for _, each in found], found[-1][0] if more else None, first if precedes else None)


def _beside(place: Place, step: int) -> Place:
    """Just behind a place, or just before it."""
    return (*place[:-1], place[-1] + step)
