"""Where each run of a sweep begins: the server's start, and what the test has set up since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

from mockscim.client.line import ControlRefused
from mockscim.client.sweeping.needs import Ask, Course

_COUNTED = ("hits", "matches")


class Beginning(NamedTuple):
    """What each run begins with.

    Attributes:
        seed: the server's.
        fixture: all data, where it is not what the server started with; else None.
        rules: the fault rules that are in force in every run.
        asked: whether these are others than the server's own.
        clock: the body that sets the clock; None where it is as at the start.
        desired: where the client should arrive, if that was said.
    """

    seed: int
    fixture: Mapping[str, Any] | None
    rules: Sequence[Mapping[str, Any]]
    asked: bool
    clock: Mapping[str, Any] | None
    desired: Mapping[str, Any] | None

    def free_name(self, name: str) -> str:
        """A name that no rule has."""
        taken = {rule["name"] for rule in self.rules}
        while name in taken:
            name += "-"
        return name


def look() -> Course[Beginning]:
    """What is there now, held against what a reset leaves; it is reset afterwards."""
    seed = (yield Ask("GET", "/"))["seed"]
    changed = (yield Ask("GET", "/history", None, {"limit": 1}))["last"]
    fixture = (yield Ask("GET", "/fixture")) if changed else None
    rules = yield from _rules()
    clock = yield Ask("GET", "/clock")
    desired = yield from if_there(Ask("GET", "/desired"))
    yield Ask("POST", "/reset")
    asked = rules != (yield from _rules())
    at_start = yield Ask("GET", "/clock")
    told = clock["mode"] != at_start["mode"] or (clock["mode"] == "virtual" and clock["now"] != at_start["now"])
    if clock["mode"] == "real":
        clock = {"mode": "real"}
    return Beginning(seed, fixture, rules, asked, clock if told else None, desired)


def begin(beginning: Beginning, rule: Mapping[str, Any] | None = None) -> Course[None]:
    """A fresh directory, and one rule before all others."""
    yield Ask("POST", "/reset")
    if beginning.clock is not None:
        yield Ask("PUT", "/clock", beginning.clock)
    if beginning.fixture is not None:
        yield Ask("PUT", "/fixture", beginning.fixture)
    if rule is not None or beginning.asked:
        yield Ask("PUT", "/faults", [*([rule] if rule is not None else []), *beginning.rules])
    if beginning.desired is not None:
        yield Ask("PUT", "/desired", beginning.desired)


def if_there(ask: Ask) -> Course[Any]:
    """What is asked for; None where there is no such thing (any more: a client may reset its server)."""
    try:
        return (yield ask)
    except ControlRefused as refused:
        if refused.status != HTTPStatus.NOT_FOUND:
            raise
        return None


def _rules() -> Course[list[dict[str, Any]]]:
    listed = (yield Ask("GET", "/faults"))["items"]
    return [{key: value for key, value in rule.items() if key not in _COUNTED} for rule in listed]
