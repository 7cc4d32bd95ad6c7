"""Whether the client did what it should have: what ``verify`` and ``check`` say where all is well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypedDict

from mockscim.client import failure
from mockscim.client.exchanges import Exchange, Journal
from mockscim.client.line import ControlRefused, Line, NotThereError, refuse_to_wait, running_library
from mockscim.client.rules import check_names

_EVERYTHING = 10**9


class Narrowed(TypedDict, total=False):
    """Which exchanges are meant; ``MockScim.verify`` explains all."""

    where: str | None
    status: int | None
    committed: bool | None
    fault: str | None
    since: int | None
    within: float | str | None


class Expected(Narrowed, total=False):
    """How many there should be."""

    count: int | None
    at_least: int | None
    at_most: int | None


@dataclass(frozen=True, slots=True)
class Verified:
    """That it is as expected.

    Attributes:
        found: how many exchanges are as described; of a sequence, how long it is.
        numbers: theirs, in the journal.
        explanation: in words.
    """

    found: int
    numbers: list[int]
    explanation: str
    _line: Line = field(repr=False, compare=False)

    @property
    def exchanges(self) -> list[Exchange]:
        """The exchanges themselves, as far as the journal has them."""
        return [exchange for exchange in Journal(self._line) if exchange.n in set(self.numbers)]


def verify(line: Line, what: Mapping[str, Any], expected: Mapping[str, Any], name: str) -> Verified:
    """Hold what happened against an expectation; where it has to wait, no event loop may be blocked.

    Args:
        line: to the server.
        what: ``operation`` or ``sequence``.
        expected: the keywords.
        name: of the method, without the ``a`` of its twin.

    Raises:
        AssertionError: it is not so; says what is nearest.
        RuntimeError: it would have to wait inside an event loop; names the twin of ``name``.
        TypeError: a keyword that there is not.
        ControlRefused: the expectation makes no sense.
    """
    said = _said(what, expected, name)
    waits = running_library() is not None and said.pop("within", None) is not None
    try:
        answer = line.ask("POST", "/verify", said)
    except ControlRefused as refused:
        raise refused.of_keywords() from None
    if waits and not answer["ok"]:
        refuse_to_wait(f"scim.{name}(within=…)", f"scim.a{name}(…)")
    return _verified(line, answer)


async def averify(line: Line, what: Mapping[str, Any], expected: Mapping[str, Any], name: str) -> Verified:
    """The same, awaited."""
    said = _said(what, expected, f"a{name}")
    try:
        answer = await line.aask("POST", "/verify", said)
    except ControlRefused as refused:
        raise refused.of_keywords() from None
    return _verified(line, answer)


def _said(what: Mapping[str, Any], expected: Mapping[str, Any], name: str) -> dict[str, Any]:
    check_names(expected, f"{name}()", every=(Narrowed if "sequence" in what else Expected).__annotations__)
    return {**what, **{key: value for key, value in expected.items() if value is not None}}


def _verified(line: Line, answer: Mapping[str, Any]) -> Verified:
    if not answer["ok"]:
        raise AssertionError(failure.explanation(answer["explanation"]))
    return Verified(answer["found"], answer["exchanges"], answer["explanation"], line)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the judge says of the client.

    Attributes:
        document: as the control API gives it: ``items`` with ``id``, ``name``, ``verdict``, ``why``, ``evidence``.
    """

    document: dict[str, Any]

    @property
    def broken(self) -> list[str]:
        """The ids of the invariants that are broken: ``I1``."""
        return self._those("broken")

    @property
    def held(self) -> list[str]:
        """Those that held."""
        return self._those("held")

    @property
    def not_applicable(self) -> list[str]:
        """Those that nothing has happened, or was told, that they could be held against."""
        return self._those("not applicable")

    def _those(self, verdict: str) -> list[str]:
        return [item["id"] for item in self.document["items"] if item["verdict"] == verdict]

    def __getitem__(self, id_: str) -> dict[str, Any]:
        """What is said of one: ``judgement["I1"]["why"]``."""
        for item in self.document["items"]:
            if item["id"] == id_:
                return dict(item)
        raise NotThereError(f"{id_!r} was not judged: {', '.join(item['id'] for item in self.document['items'])} were")

    def __repr__(self) -> str:
        return f"<Judgement broken: {', '.join(self.broken) or 'none'}; held: {', '.join(self.held) or 'none'}>"


def judged(line: Line, desired: object, only: str | Iterable[str] | None, parameters: Mapping[str, Any]) -> Judgement:
    """What the judge says of all that has happened so far.

    Args:
        line: to the server.
        desired: a fixture document to hold it against for this once, or None.
        only: ids of invariants; all without.
        parameters: of the judge: ``max_deletes``, ``attempts`` …

    Raises:
        TypeError: a parameter that there is not; names the nearest and all that there are.
        ValueError: ``only`` names none.
        ControlRefused: a parameter that cannot be.
    """
    if parameters:
        from mockscim.invariants.parameters import Strictness  # noqa: PLC0415 - who only connects needs no judge

        check_names(parameters, "the judge", every={"desired", *Strictness.__struct_fields__})
    chosen = chosen_invariants(only, "only")
    body: dict[str, Any] = {"parameters": {**({"only": chosen} if chosen else {}), **parameters}}
    if desired is not None:
        body["desired"] = desired
    return Judgement(line.ask("POST", "/invariants", body))


def chosen_invariants(given: str | Iterable[str] | None, keyword: str) -> str:
    """The invariants that are asked for, as the judge is told: ``I1,I4``; "" for all.

    Raises:
        ValueError: something was given, and it names none: nothing would be judged.
    """
    if given is None:
        return ""
    chosen = given if isinstance(given, str) else ",".join(given)
    if not chosen.strip(", "):
        raise ValueError(
            f"{keyword}: expected some of I1 to I13, such as I1,I4, not {given!r}; without it all are judged"
        )
    return chosen


def check(line: Line, judgement: Judgement) -> Judgement:
    """The judgement, where nothing is broken.

    Raises:
        AssertionError: says what is broken, where that is seen, and how to reproduce it.
    """
    if judgement.broken:
        entries = line.ask("GET", "/journal", parameters={"limit": _EVERYTHING})["items"]
        raise AssertionError(failure.judgement(judgement.document, entries))
    return judgement


class Cycle:
    """One synchronisation cycle of the client, as a context manager: marked where it begins and where it ends.

    A block that raises reports ``success: false``, unless something was reported already.
    """

    def __init__(self, line: Line, report: Mapping[str, Any] | None) -> None:
        self._line = line
        self._reported = dict(report) if report is not None else None
        self.number = 0

    def report(
        self,
        *,
        success: bool | None = None,
        succeeded: list[str] | int | None = None,
        failed: list[str] | int | None = None,
        ids: Mapping[str, str] | None = None,
        **others: Any,  # noqa: ANN401
    ) -> None:
        """Tell what the client itself says of this cycle; the invariant of reporting is held against it.

        Args:
            success: whether all went well.
            succeeded: what is as it should be now: names (userName, displayName, externalId, id), or how many.
            failed: what could not be done: names, or how many.
            ids: the ids that the client holds, by its names for them.
            others: whatever else it says; the judge does not look at it.
        """
        given = {"success": success, "succeeded": succeeded, "failed": failed, "ids": ids, **others}
        told = {key: value for key, value in given.items() if value is not None}
        self._reported = {**(self._reported or {}), **told}

    def __enter__(self) -> Self:
        self.number = int(self._line.ask("POST", "/marks", {"event": "begin"})["cycle"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        reported = self._reported
        if kind is not None and reported is None:
            reported = {"success": False}
        mark = {"event": "end", "cycle": self.number, **({"reported": reported} if reported is not None else {})}
        try:
            self._line.ask("POST", "/marks", mark)
        except (ControlRefused, RuntimeError):
            if kind is None:  # else what the block raised is what is to be told
                raise

    def __repr__(self) -> str:
        return f"<Cycle {self.number or 'not begun'}>"
