"""Searches in steps: what a filter selects and how it is sorted, a slice at a time, of one moment.

Whoever drives a search may do something else between two steps. What is found is what was there when the search began:
the tables are held as they were then, and what is shown of groups and members is seen as it was.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from mockscim.scim.compare import Matcher
from mockscim.scim.record import Record
from mockscim.scim.schema import ResourceType
from mockscim.scim.store import Store
from mockscim.scim.view import View

_T = TypeVar("_T")

# A search: it yields how many resources a step has looked at, and returns what it found.
Steps = Generator[int, None, _T]

# So many resources are looked at in one go: a millisecond or two.
SLICE = 1024
# Which results are kept: so many, of so many resources together (but always the latest).
_MOST_KEPT = 4
_MOST_RECORDS = 2_000_000
# So many are rendered in one go.
_PAGE = 256
# So many that are only moved about.
_LIGHT = 16 * SLICE
# One pivot for so many keys; parts of about that size are sorted at once.
_PART = 1024


def finished(steps: Steps[_T]) -> _T:
    """What a search comes to, without a pause."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            found: _T = done.value
            return found


class Moment:
    """The directory as it is when this is made.

    Args:
        store: the directory.
        kinds: the types that will be read whole.
        lasting: whether something may be written before all is read.
    """

    def __init__(self, store: Store, kinds: Iterable[ResourceType], *, lasting: bool) -> None:
        self._store = store
        self._tables = {kind.name: store.tables[kind.name].freeze() for kind in kinds}
        self._name = f"\0search {id(self)}" if lasting else None
        if self._name is not None:
            store.snapshot(self._name)
        self.changed = store.changed

    def __del__(self) -> None:
        if self._name is not None and self._store.has_snapshot(self._name):
            self._store.drop_snapshot(self._name)

    def blocks(self, kind: ResourceType) -> Iterator[list[Record]]:
        """The resources of a type, some at a time."""
        return self._tables[kind.name].blocks()

    @contextmanager
    def seen(self, kinds: Iterable[ResourceType]) -> Iterator[None]:
        """See what these types show of other resources as it was; nothing may be written meanwhile."""
        was: dict[tuple[str, str], Record | None] = {}
        if self._name is not None and self._store.changed != self.changed:
            types = self._store.registry.types
            # What has no members shows the groups that it is in; what has, how its members are called.
            named = any(kind.keyed is not None for kind in kinds)
            for (outside, name, id_), record in self._store.changed_since(self._name).items():
                if not outside and (named or types[name].keyed is not None):
                    was[name, id_] = record
        if not was:
            yield
            return
        view = View(self._store, was)
        view.enter()
        try:
            yield
        finally:
            view.leave()


def scan(
    moment: Moment,
    kind: ResourceType,
    documents: Callable[[Sequence[Record]], list[dict[str, Any]]],
    matches: Matcher,
    *,
    derived: bool,
) -> Steps[list[Record]]:
    """All resources of a type that match.

    Args:
        moment: when.
        kind: the type.
        documents: makes what the filter reads of some resources.
        matches: the filter.
        derived: whether some of that comes from elsewhere than the resources themselves.
    """
    found: list[Record] = []
    for records in moment.blocks(kind):
        if derived:
            with moment.seen([kind]):
                held = documents(records)
        else:
            held = documents(records)
        found += [record for record, document in zip(records, held, strict=True) if matches(document)]
        yield len(records)
    return found


def all_of(moment: Moment, kind: ResourceType) -> Steps[list[Record]]:
    """All resources of a type, which need not be looked at."""
    found: list[Record] = []
    for records in moment.blocks(kind):
        found += records
        yield len(records) // 8
    return found


def in_slices(
    moment: Moment,
    kinds: Collection[ResourceType],
    records: Sequence[Record],
    render: Callable[[Sequence[Record]], list[bytes]],
) -> Steps[list[bytes]]:
    """Resources as JSON, as they were; a large page takes more than one step."""
    found: list[bytes] = []
    for at in range(0, len(records), _PAGE):
        with moment.seen(kinds):
            found += render(records[at : at + _PAGE])
        if at + _PAGE < len(records):
            yield SLICE
    return found


def in_order(values: Sequence[Any], *, descending: bool) -> Steps[list[int]]:
    """The places of some values, sorted: texts, numbers, then None; descending the other way round.

    Equal ones stay in their order, also when descending. Values are not put into tuples with a rank: a million of those
    would call the garbage collector.
    """
    texts: list[int] = []
    numbers: list[int] = []
    missing: list[int] = []
    for first in range(0, len(values), _LIGHT):
        for place, value in enumerate(values[first : first + _LIGHT], first):
            (texts if isinstance(value, str) else missing if value is None else numbers).append(place)
        yield SLICE
    found: list[int] = []
    for places in (texts, numbers, missing) if not descending else (missing, numbers, texts):
        if places is missing:
            yield from _moved(places, found)
        else:
            yield from _sorted(values, places, found, descending=descending)
    return found


def _sorted(values: Sequence[Any], places: list[int], found: list[int], *, descending: bool) -> Steps[None]:
    """Append places in the order of their values, which are of one type.

    Many are parted by pivots first, each part with what lies between two of them, or equals one: a part of equal values
    need not be sorted, and the others are small.
    """
    if len(places) <= 2 * _PART:
        found += sorted(places, key=values.__getitem__, reverse=descending)
        return
    # A step that no pattern in the data is likely to share; a few samples for each pivot make the parts alike.
    count = len(places)
    sample = sorted(values[places[at * 7919 % count]] for at in range(4 * (count // _PART)))
    pivots = sorted(set(sample[2::4]))
    between: list[list[int]] = [[] for _ in range(len(pivots) + 1)]
    equal: list[list[int]] = [[] for _ in pivots]
    for first in range(0, count, SLICE):
        for place in places[first : first + SLICE]:
            value = values[place]
            at = bisect_left(pivots, value)
            (equal if at < len(pivots) and pivots[at] == value else between)[at].append(place)
        yield SLICE
    for at in range(len(between)) if not descending else range(len(pivots), -1, -1):
        part, same = sorted(between[at], key=values.__getitem__, reverse=descending), equal[at : at + 1]
        for each in (part, *same) if not descending else (*same, part):
            yield from _moved(each, found)
        between[at] = []
        yield len(part)


def _moved(places: list[int], found: list[int]) -> Steps[None]:
    """Append places, many of them a part at a time."""
    for first in range(0, len(places), _LIGHT):
        found += places[first : first + _LIGHT]
        yield SLICE if first else 0


def arranged(records: Sequence[Record], order: list[int]) -> Steps[list[Record]]:
    """Records in another order; the order is used up."""
    found: list[Record] = []
    order.reverse()
    while order:
        found += [records[at] for at in reversed(order[-_LIGHT:])]
        del order[-_LIGHT:]
        yield SLICE
    return found


def dropped(items: list[Any]) -> Steps[None]:
    """Let go of many objects, which takes a while, too."""
    while items:
        del items[-_LIGHT:]
        yield SLICE


class Kept:
    """What the latest long searches have found, in order, until anything changes: clients go on with the next page."""

    def __init__(self) -> None:
        self._found: dict[Any, list[Record]] = {}
        self._of = 0

    def get(self, key: Any, changed: int) -> list[Record] | None:  # noqa: ANN401 - anything that can be hashed
        """What was found for a search; None where it has to be done (again). To be looked at before the next step."""
        return self._found.get(key) if self._of == changed else None

    def make_room(self, changed: int, count: int) -> Steps[None]:
        """Let go of what is out of date, or too much beside so many more."""
        while self._found and (
            self._of != changed
            or len(self._found) >= _MOST_KEPT
            or count + sum(map(len, self._found.values())) > _MOST_RECORDS
        ):
            yield from dropped(self._found.pop(next(iter(self._found))))

    def put(self, key: Any, changed: int, found: list[Record]) -> None:  # noqa: ANN401
        """Keep what was found, as the store stood then: ``changed`` is what Store.changed was."""
        if self._of != changed:
            self._found.clear()
            self._of = changed
        self._found[key] = found

    def clear(self) -> None:
        """Forget all."""
        self._found.clear()
