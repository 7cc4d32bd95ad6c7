"""The records of one resource type: by id, in creation order, and by the equalities that clients look up."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from mockscim.scim.record import Record
from mockscim.scim.schema import COMMON, Attribute, ResourceType

_BLOCK = 1024


class Table:
    """The records of one resource type, in creation order, with their indexes."""

    def __init__(self, resource_type: ResourceType) -> None:
        self.type = resource_type
        self.records: dict[str, Record] = {}
        self.unique: dict[str, dict[str, str]] = {a.key: {} for a in resource_type.unique}
        # The holders of those unique values that are not single texts of the core; mostly there are no such places.
        self.unique_elsewhere: list[dict[str | int | float, str]] = [{} for _ in resource_type.unique_elsewhere]
        # Made when first asked for: {index key: {folded value: {id: None}}}.
        self._indexes: dict[str, dict[str, dict[str, None]]] = {}
        self._indexed = set(resource_type.unique_names)  # the names of all attributes that are looked up
        self._blocks: dict[int, list[Record | None]] = {}
        self._live: dict[int, int] = {}
        self._numbers: list[int] = []

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
        skip = start
        for number in self._numbers:
            if len(result) >= count:
                break
            live = self._live[number]
            if skip >= live:
                skip -= live
                continue
            block = self._blocks[number]
            found = block if live == len(block) else [record for record in block if record is not None]
            result += found[skip : skip + count - len(result)]  # type: ignore[arg-type]  # no holes are left in it
            skip = 0
        return result

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
        block[offset] = record

    def _vacate(self, record: Record) -> None:
        number, offset = divmod(record.seq, _BLOCK)
        self._blocks[number][offset] = None
        self._live[number] -= 1
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
            for value in was_values - now_values:
                if before is not None and value in lookup:
                    lookup[value].pop(before.id, None)
                    if not lookup[value]:
                        del lookup[value]
            for value in now_values - was_values:
                if after is not None:
                    lookup.setdefault(value, {})[after.id] = None

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
        index = self._indexes.get(key)
        if index is None:
            if not _indexable(self.type, key):
                return None
            index = self._indexes[key] = {}
            self._indexed.add(self.type.attributes[key.partition(".")[0]].name)
            for record in self:
                for item in _values_at(self.type, record.attributes(), key):
                    index.setdefault(item, {})[record.id] = None
        records = [self.records[one] for one in index.get(value, ())]
        records.sort(key=lambda record: record.seq)
        return records


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
