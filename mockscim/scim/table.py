"""The records of one resource type: by id, in creation order, and by the equalities that clients look up."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Any

from mockscim.scim.reading import read_some
from mockscim.scim.record import Record
from mockscim.scim.schema import COMMON, Attribute, ResourceType

_BLOCK = 1024
# An index of so many records is made at once; of more, in slices. And so many that it finds are soon looked at; of
# more, each is better read where it stands.
_AT_ONCE = 4096

# An index with more records to each value than that, on average, is hardly better than a look at all.
_COARSE = 64

# The ids of the records with a value: mostly there is one, for which a dict would be too much.
_Ids = str | dict[str, None]


class Table:
    """The records of one resource type, in creation order, with their indexes."""

    def __init__(self, resource_type: ResourceType) -> None:
        self.type = resource_type
        self.records: dict[str, Record] = {}
        self.unique: dict[str, dict[str, str]] = {a.key: {} for a in resource_type.unique}
        # The holders of those unique values that are not single texts of the core; mostly there are no such places.
        self.unique_elsewhere: list[dict[str | int | float, str]] = [{} for _ in resource_type.unique_elsewhere]
        # Made when first asked for: {index key: {folded value: ids}}.
        self._indexes: dict[str, dict[str, _Ids]] = {}
        # Those that are being made, with the number of the last block in them and how many records were looked at.
        self._unfinished: dict[str, tuple[int, int]] = {}
        self._coarse: set[str] = set()  # those that were given up, as most records have one of a few values
        self._indexed = set(resource_type.unique_names)  # the names of all attributes that are looked up
        self._blocks: dict[int, list[Record | None]] = {}
        self._live: dict[int, int] = {}
        self._numbers: list[int] = []
        self._starts: list[int] | None = None  # how many records stand before each block; None to be counted
        self._readers = 0  # how many Frozen there are

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Record]:
        for number in list(self._numbers):
            for record in self._blocks.get(number, ()):
                if record is not None:
                    yield record

    def page(self, start: int, count: int) -> list[Record]:
        """Up to ``count`` records from position ``start`` (0 is the first) in creation order."""
        result: list[Record] = []
        if start >= len(self.records) or count <= 0:
            return result
        if self._starts is None:
            self._starts = [0, *accumulate(map(self._live.__getitem__, self._numbers))]
        first = bisect_right(self._starts, start) - 1
        skip = start - self._starts[first]
        for at in range(first, len(self._numbers)):
            number = self._numbers[at]
            block = self._blocks[number]
            whole = self._live[number] == len(block)
            found = block if whole else [record for record in block if record is not None]
            result += found[skip : skip + count - len(result)]  # type: ignore[arg-type]  # no holes are left in it
            if len(result) >= count:
                break
            skip = 0
        return result

    def dismantled(self) -> Iterator[None]:
        """Take all out for good, some at a time: to let go of a million records takes a while."""
        held: list[dict[Any, Any]] = [self._blocks, self.records, *self.unique.values(), *self._indexes.values()]
        self._numbers, self._starts = [], None
        for each in (*held, *self.unique_elsewhere):
            while each:
                for _ in range(min(len(each), _BLOCK)):
                    each.popitem()
                yield

    def freeze(self) -> Frozen:
        """All records as they are now, whatever is written from now on."""
        return Frozen(self)

    def after(self, seq: int, count: int) -> list[Record]:
        """The next ``count`` records, or as many as there are, behind a place in creation order."""
        result: list[Record] = []
        numbers = self._numbers
        for at in range(bisect_left(numbers, (seq + 1) // _BLOCK), len(numbers)):
            number = numbers[at]
            found = self._blocks[number][max(0, seq + 1 - number * _BLOCK) :]
            result += [record for record in found if record is not None][: count - len(result)]
            if len(result) >= count:
                break
        return result

    def before(self, seq: int, count: int) -> list[Record]:
        """The ``count`` records, or as many as there are, just before a place in creation order, nearest first."""
        result: list[Record] = []
        numbers = self._numbers
        for at in range(bisect_right(numbers, (seq - 1) // _BLOCK) - 1, -1, -1):
            number = numbers[at]
            found = self._blocks[number][: max(0, seq - number * _BLOCK)]
            result += [record for record in reversed(found) if record is not None][: count - len(result)]
            if len(result) >= count:
                break
        return result

    def put(
        self,
        before: Record | None,
        after: Record | None,
        new: dict[str, Any] | None = None,
        touched: Collection[str] | None = None,
    ) -> None:
        """Exchange one version of a record for another, in all indexes.

        Args:
            before: the version that was, if any.
            after: the version that will be, if any.
            new: the attributes of ``after``, where they are at hand.
            touched: the attributes that may differ between the two; None for any.
        """
        if before is not None and (after is None or after.seq != before.seq):
            self._vacate(before)
        if after is not None:
            self._place(after)
            self.records[after.id] = after
        elif before is not None:
            del self.records[before.id]
        if before is not None and after is not None and before.body is after.body:
            return  # only members differ, and they are not indexed here
        if before is not None and touched is not None and self._indexed.isdisjoint(touched):
            return
        if self.unique or self._indexes or self.unique_elsewhere:
            if new is None and after is not None:
                new = after.attributes()
            if before is not None and new is not None and not self._indexes and self._holds(before.id, new):
                return
            self._reindex(before, before.attributes() if before is not None else None, after, new)

    def extend(self, records: Iterable[Record]) -> None:
        """Give new records, which are in ``records`` and ``unique`` already, their places; there is no other index."""
        for record in records:
            self._place(record)

    def _holds(self, id: str, attributes: dict[str, Any]) -> bool:  # noqa: A002
        """Whether all unique values are known already as those of that resource, which can have no others then."""
        for attribute in self.type.unique:
            value = folded(attribute, attributes.get(attribute.name))
            if value is None or self.unique[attribute.key].get(value) != id:
                return False
        return not self.unique_elsewhere

    def claims(self, record: Record) -> list[tuple[dict[Any, str], Any]]:
        """The unique values of a version, each with the index that has its holder."""
        attributes = record.attributes()
        found: list[tuple[dict[Any, str], Any]] = []
        for attribute in self.type.unique:
            value = folded(attribute, attributes.get(attribute.name))
            if value is not None:
                found.append((self.unique[attribute.key], value))
        for place, holders in zip(self.type.unique_elsewhere, self.unique_elsewhere, strict=True):
            found += [(holders, value) for value in place.values(attributes)]
        return found

    def _place(self, record: Record) -> None:
        number, offset = divmod(record.seq, _BLOCK)
        block = self._blocks.get(number)
        if block is not None and self._readers:
            block = self._blocks[number] = block.copy()
        if block is None:
            block = self._blocks[number] = []
            self._live[number] = 0
            if not self._numbers or number > self._numbers[-1]:
                self._numbers.append(number)
            else:
                insort(self._numbers, number)
        while len(block) <= offset:
            block.append(None)
        if block[offset] is None:
            self._live[number] += 1
            self._starts = None
        block[offset] = record

    def _vacate(self, record: Record) -> None:
        number, offset = divmod(record.seq, _BLOCK)
        if self._readers:
            self._blocks[number] = self._blocks[number].copy()
        self._blocks[number][offset] = None
        self._live[number] -= 1
        self._starts = None
        if not self._live[number]:
            del self._blocks[number], self._live[number]
            self._numbers.remove(number)

    def _reindex(
        self,
        before: Record | None,
        old: dict[str, Any] | None,
        after: Record | None,
        new: dict[str, Any] | None,
    ) -> None:
        for attribute in self.type.unique:
            index = self.unique[attribute.key]
            was = folded(attribute, old.get(attribute.name)) if old else None
            now = folded(attribute, new.get(attribute.name)) if new else None
            if was is not None and was != now and before is not None and index.get(was) == before.id:
                del index[was]
            if now is not None and after is not None:
                index[now] = after.id
        for place, holders in zip(self.type.unique_elsewhere, self.unique_elsewhere, strict=True):
            gone = set(place.values(old)) if old else set()
            come = set(place.values(new)) if new else set()
            for one in gone - come:
                if before is not None and holders.get(one) == before.id:
                    del holders[one]
            for one in come:
                if after is not None:
                    holders[one] = after.id
        for key, lookup in self._indexes.items():
            was_values = set(_values_at(self.type, old, key)) if old else set()
            now_values = set(_values_at(self.type, new, key)) if new else set()
            if before is not None:
                for value in was_values - now_values:
                    _discard(lookup, value, before.id)
            if after is not None:
                for value in now_values - was_values:
                    _add(lookup, value, after.id)

    def lookup(self, key: str, value: str) -> list[Record] | None:
        """The records with a value at an index key such as ``emails.value``; None where no index can tell.

        Args:
            key: a lower-cased attribute path.
            value: the value wanted, case-folded where the attribute is not caseExact.
        """
        if key == "id":
            record = self.records.get(value)
            return [record] if record is not None else []
        unique = self.unique.get(key)
        if unique is not None:
            found = unique.get(value)
            return [self.records[found]] if found is not None else []
        if key not in self._indexes or key in self._unfinished:
            if not _indexable(self.type, key):
                return None
            for _ in self.make_index(key):
                pass
        return self._of(self._indexes[key].get(value))

    def look_up_soon(self, key: str, value: str) -> list[Record] | None:
        """The same where it takes no time to speak of; None also where an index has to be made, or finds too many."""
        unique = self.unique.get(key)
        if unique is not None:
            id_ = unique.get(value)
            return [self.records[id_]] if id_ is not None else []
        if key == "id" or (len(self.records) <= _AT_ONCE and key not in self._indexes):
            return self.lookup(key, value)
        if key in self._unfinished:
            return None
        index = self._indexes.get(key)
        found = index.get(value) if index is not None else None
        if index is None or (found is not None and len(found) > _AT_ONCE and not isinstance(found, str)):
            return None
        return self._of(found)

    def lacks_index(self, key: str) -> bool:
        """Whether there could be an index, and none is there yet that is whole."""
        if key == "id" or key in self.unique or key in self._coarse:
            return False
        if key in self._indexes and key not in self._unfinished:
            return False
        return _indexable(self.type, key)

    def make_index(self, key: str, *, thorough: bool = True) -> Iterator[None]:
        """Make an index, a block at a time; unless ``thorough``, one that tells little apart is given up for good.

        What is written between two of them is entered as ever. Several may make the same one, each a part; one that is
        given up is gone on with when it is asked for again.
        """
        index = self._indexes.setdefault(key, {})
        self._unfinished.setdefault(key, (-1, 0))
        name = key.partition(".")[0]
        self._indexed.add(self.type.attributes[name].name)
        while (done := self._unfinished.get(key)) is not None:
            last, seen = done
            at = bisect_right(self._numbers, last)
            if at == len(self._numbers):
                del self._unfinished[key]
                return
            number = self._numbers[at]
            records = [record for record in self._blocks[number] if record is not None]
            held = read_some(self.type, records, frozenset({name}))
            for record, attributes in zip(records, held, strict=True):
                for value in _values_at(self.type, attributes, key):
                    _add(index, value, record.id)
            self._unfinished[key] = number, seen + len(records)
            if not thorough and seen > _AT_ONCE and len(index) * _COARSE < seen:
                del self._unfinished[key], self._indexes[key]
                self._coarse.add(key)
                return
            yield

    def _of(self, ids: _Ids | None) -> list[Record]:
        if ids is None:
            return []
        if isinstance(ids, str):
            return [self.records[ids]]
        records = [self.records[one] for one in ids]
        records.sort(key=lambda record: record.seq)
        return records


class Frozen:
    """The records of a table as they were at one moment, in creation order; as long as it is held.

    Blocks are exchanged, not changed, while there is one: so it costs nothing but what is written meanwhile.
    """

    __slots__ = ("_blocks", "_length", "_table")

    def __init__(self, table: Table) -> None:
        self._table = table
        self._blocks = [table._blocks[number] for number in table._numbers]
        self._length = len(table)
        table._readers += 1

    def __del__(self) -> None:
        self._table._readers -= 1

    def __len__(self) -> int:
        return self._length

    def blocks(self) -> Iterator[list[Record]]:
        """The records, up to about a thousand at a time."""
        for block in self._blocks:
            yield [record for record in block if record is not None]


def _add(index: dict[str, _Ids], value: str, id_: str) -> None:
    held = index.setdefault(value, id_)
    if isinstance(held, str):
        if held != id_:
            index[value] = {held: None, id_: None}
    else:
        held[id_] = None


def _discard(index: dict[str, _Ids], value: str, id_: str) -> None:
    held = index.get(value)
    if held == id_:
        del index[value]
    elif isinstance(held, dict):
        held.pop(id_, None)
        if not held:
            del index[value]


def folded(attribute: Attribute, value: object) -> str | None:
    """A text as it is compared: case-folded unless its attribute is caseExact; None for what is no text."""
    if not isinstance(value, str):
        return None
    return value if attribute.case_exact else value.casefold()


def _indexable(resource_type: ResourceType, key: str) -> bool:
    name, _, sub = key.partition(".")
    attribute = resource_type.attributes.get(name)
    if attribute is None or name in COMMON or attribute.mutability == "readOnly" or attribute.keyed:
        return False
    leaf = attribute.sub(sub) if sub else attribute
    return leaf is not None and leaf.type in ("string", "reference") and leaf.returned != "never"


def _values_at(resource_type: ResourceType, attributes: Mapping[str, Any] | None, key: str) -> Iterable[str]:
    """The folded texts at an index key."""
    if attributes is None:
        return
    name, _, sub = key.partition(".")
    attribute = resource_type.attributes[name]
    leaf: Attribute | None = attribute.sub(sub) if sub else attribute
    if leaf is None:
        return
    held = attributes.get(attribute.name)
    for item in held if isinstance(held, list) else [held]:
        value = item.get(leaf.name) if sub and isinstance(item, dict) else item
        text = folded(leaf, value)
        if text is not None:
            yield text
