"""What a compiled filter runs: closures over resources and values (RFC 7644 §3.4.2.2, tables 3 and 4).

None of them raises, whatever a resource holds: a stored value of another type than its attribute's is unequal
to everything. ``match.py`` puts them together.
"""

from __future__ import annotations

import datetime as dt
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mockscim.scim.filter import Value
from mockscim.scim.schema import Attribute

Matcher = Callable[[Mapping[str, Any]], bool]
Test = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the values of an attribute are: the keys that lead there, and which of them hold lists."""

    keys: tuple[str, ...]
    many: tuple[bool, ...]
    attribute: Attribute
    index: str | None  # its key in Query.equalities; None in an extension

    def sub(self, attribute: Attribute) -> Place:
        """The place of a sub-attribute."""
        index = None if self.index is None else f"{self.index}.{attribute.key}"
        return Place((*self.keys, attribute.name), (*self.many, attribute.multi_valued), attribute, index)


ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}


def always(_: Mapping[str, Any]) -> bool:
    """Hold for anything: ``ne`` on an attribute that a type does not have."""
    return True


def never(_: Mapping[str, Any]) -> bool:
    """Hold for nothing."""
    return False


def negation(item: Matcher) -> Matcher:
    """``not``."""
    return lambda resource: not item(resource)


def conjunction(items: list[Matcher]) -> Matcher:
    """``and`` of two or more."""
    if len(items) == 2:
        first, second = items
        return lambda resource: first(resource) and second(resource)

    def every(resource: Mapping[str, Any]) -> bool:
        for item in items:  # noqa: SIM110 - a third of the time of all()
            if not item(resource):
                return False
        return True

    return every


def disjunction(items: list[Matcher]) -> Matcher:
    """``or`` of two or more."""
    if len(items) == 2:
        first, second = items
        return lambda resource: first(resource) or second(resource)

    def some(resource: Mapping[str, Any]) -> bool:
        for item in items:  # noqa: SIM110
            if item(resource):
                return True
        return False

    return some


def _elements(value: object) -> Iterable[Any]:
    return value if isinstance(value, list | tuple) else (value,)


def values_of(place: Place) -> Callable[[Mapping[str, Any]], list[Any]]:
    """All values that are assigned at the place, whatever shape the resource really has."""
    keys = place.keys

    def values(resource: Mapping[str, Any]) -> list[Any]:
        found: list[Any] = [resource]
        for key in keys:
            found = [
                value
                for holder in found
                if isinstance(holder, dict)
                for value in _elements(holder.get(key))
                if value is not None
            ]
        return found

    return values


def holds(place: Place, passes: Test) -> Matcher:
    """Whether any value at the place passes a test; the test takes anything, None included."""
    key = place.keys[-1]
    if place.many == (False,):
        return lambda resource: passes(resource.get(key))
    if place.many == (False, False):
        outer = place.keys[0]

        def inside(resource: Mapping[str, Any]) -> bool:
            holder = resource.get(outer)
            return isinstance(holder, dict) and passes(holder.get(key))

        return inside
    if place.many == (True, False):
        outer = place.keys[0]

        def among(resource: Mapping[str, Any]) -> bool:
            held = resource.get(outer)
            for holder in held if type(held) is list else _elements(held):
                if isinstance(holder, dict) and passes(holder.get(key)):
                    return True
            return False

        return among
    if place.many == (True,):

        def listed(resource: Mapping[str, Any]) -> bool:
            for element in _elements(resource.get(key)):  # noqa: SIM110
                if passes(element):
                    return True
            return False

        return listed
    values = values_of(place)
    return lambda resource: any(map(passes, values(resource)))


def comparison(place: Place, op: str, value: Value) -> Matcher:
    """Compare the values at a place with a literal of the attribute's type, which is not null."""
    if op != "ne":
        return holds(place, test(place.attribute, op, value))
    equal, values = test(place.attribute, "eq", value), values_of(place)

    def differs(resource: Mapping[str, Any]) -> bool:
        found = values(resource)
        return not found or not all(map(equal, found))

    return differs


def present(value: object, depth: int = 4) -> bool:
    """Whether it is a value: not null, not empty, and if complex not made of nothing else."""
    if isinstance(value, dict | list | tuple) and depth:
        return any(present(item, depth - 1) for item in (value.values() if isinstance(value, dict) else value))
    return value is not None and value != ""


def test(attribute: Attribute, op: str, value: Value) -> Test:
    """A test of one stored value, which is false for any value of another type."""
    if isinstance(value, bool):
        return lambda stored: stored is value
    if isinstance(value, int | float):
        compare = ORDER[op]
        return lambda stored: type(stored) in (int, float) and compare(stored, value)
    assert value is not None  # noqa: S101 - comparisons with null are questions of presence
    if attribute.type == "dateTime" and op in ORDER:
        compare, limit = ORDER[op], instant(value)
        return lambda stored: (at := instant(stored)) is not None and compare(at, limit)
    return _exact_test(op, value) if attribute.case_exact else _folded_test(op, value.casefold())


def _exact_test(op: str, value: str) -> Test:
    if op == "eq":
        return lambda stored: bool(stored == value)
    if op == "co":
        return lambda stored: isinstance(stored, str) and value in stored
    if op == "sw":
        return lambda stored: isinstance(stored, str) and stored.startswith(value)
    if op == "ew":
        return lambda stored: isinstance(stored, str) and stored.endswith(value)
    compare = ORDER[op]
    return lambda stored: isinstance(stored, str) and compare(stored, value)


def _folded_test(op: str, value: str) -> Test:
    if op == "eq":
        return lambda stored: isinstance(stored, str) and stored.casefold() == value
    # Spelt out, for a scan spends most of its time here: one call a value, not two.
    if op == "co":
        return lambda stored: isinstance(stored, str) and value in stored.casefold()
    if op == "sw":
        return lambda stored: isinstance(stored, str) and stored.casefold().startswith(value)
    if op == "ew":
        return lambda stored: isinstance(stored, str) and stored.casefold().endswith(value)
    compare = ORDER[op]
    return lambda stored: isinstance(stored, str) and compare(stored.casefold(), value)


_DATE_TIME = re.compile(
    r"(-?\d{4,9})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))?", re.ASCII
)

_DAYS_OF_400_YEARS = 146_097


def instant(text: object) -> tuple[int, str] | None:
    """An xsd:dateTime as seconds and the digits of their fraction, ordered as a tuple; None if it is none.

    Without an offset it is taken as UTC. Fractions may be of any length, so they are not numbers here.
    """
    if not isinstance(text, str):
        return None
    return _parsed_instant(text) if len(text) <= 40 else _parse_instant(text)


def _parse_instant(text: str) -> tuple[int, str] | None:
    match = _DATE_TIME.fullmatch(text)
    if not match:
        return None
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    fraction, sign, hours, minutes = match.groups()[6:]
    # Python's calendar ends at 9999 and begins with 1; every 400 years it has the same days again.
    ages, of_age = divmod(year - 1, 400)
    try:
        days = dt.date(of_age + 1, month, day).toordinal() + ages * _DAYS_OF_400_YEARS
    except ValueError:
        return None
    fraction = (fraction or "").rstrip("0")
    midnight = hour == 24 and not (minute or second or fraction)  # xsd has it for the end of a day
    if not (hour < 24 or midnight) or minute > 59 or second > 60:  # a leap second is the next minute's first
        return None
    offset = 0
    if sign:
        offset = int(hours) * 60 + int(minutes)
        if int(minutes) > 59 or offset > 14 * 60:
            return None
        offset = -offset if sign == "-" else offset
    return days * 86400 + hour * 3600 + (minute - offset) * 60 + second, fraction


_parsed_instant = lru_cache(8192)(_parse_instant)
