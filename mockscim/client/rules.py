"""Faults that a test asks for: placed, counted, and taken away again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import quote

from mockscim.client import failure
from mockscim.client.exchanges import Exchange, Journal
from mockscim.client.line import ControlRefused, Line
from mockscim.faults import find_type, parse_spec, rule_document
from mockscim.faults.match import Match
from mockscim.faults.registry import ENVELOPE

# What of an envelope a keyword may say; type and sequence are said otherwise.
_KEYS = sorted(ENVELOPE - {"type", "sequence"})
_MATCH_KEYS = Match.__struct_fields__
_OF_A_SEQUENCE = ENVELOPE - {"type", "sequence", "phase", "parameters"}


class Step(NamedTuple):
    """One answer of a sequence."""

    document: dict[str, Any]


def error(status: int, *, phase: str | None = None, **parameters: Any) -> Step:  # noqa: ANN401
    """A step that answers with a status of your choice: ``error(429, retry_after=2)``.

    Args:
        status: from 200 to 599.
        phase: ``before`` the commit (unless it is said), or ``after``.
        parameters: those of the fault ``abort``: ``scim_type``, ``detail``, ``headers``, ``body``, ``retry_after`` …

    Raises:
        TypeError: a parameter that abort does not have.
    """
    given = {"status": status, **parameters, **({"phase": phase} if phase is not None else {})}
    check_keywords("abort", given, {"phase"})
    return Step(
        {"type": "abort", "parameters": {"status": status, **parameters}, **({"phase": phase} if phase else {})}
    )


def ok() -> Step:
    """A step at which nothing goes wrong."""
    return Step({"type": "ok"})


class Fault:
    """A fault rule in force; as a context manager it goes when the block ends.

    Attributes:
        name: of the rule.
        document: as the server has it, with its name and phase.
    """

    def __init__(self, line: Line, document: Mapping[str, Any], since: int) -> None:
        self._line = line
        self._since = since
        self._until: int | None = None
        self._left: Mapping[str, Any] | None = None
        self.document = {key: value for key, value in document.items() if key not in ("hits", "matches")}
        self.name = str(document["name"])

    @property
    def hits(self) -> int:
        """How often it struck; also of one that was removed."""
        return int(self._counts()["hits"])

    @property
    def matches(self) -> int:
        """How many requests it was about, struck or not."""
        return int(self._counts()["matches"])

    @property
    def exchanges(self) -> list[Exchange]:
        """The exchanges that it struck, oldest first."""
        struck = Journal(self._line).where(fault=self.name, since=self._since)
        return [
            exchange
            for exchange in struck
            if self.name in [fault.rule for fault in exchange.faults]
            and (self._until is None or exchange.n <= self._until)
        ]

    @property
    def removed(self) -> bool:
        """Whether it is known to be gone."""
        return self._left is not None

    def remove(self) -> None:
        """Take it away; nothing where it is gone already, by a reset for example."""
        if self._left is not None:
            return
        self._left = self._counts()
        try:
            self._line.ask("DELETE", self._path)
        except ControlRefused as refused:
            if refused.status != 404:
                raise
        self._until = Journal(self._line).last

    def forget(self) -> None:
        """Count nothing any more: a reset has taken the rule away, and what it did."""
        self._left, self._until = {"hits": 0, "matches": 0}, 0

    def _counts(self) -> Mapping[str, Any]:
        if self._left is not None:
            return self._left
        try:
            found: Mapping[str, Any] = self._line.ask("GET", self._path)
        except ControlRefused as refused:
            if refused.status != 404:
                raise
            self._left = found = {"hits": 0, "matches": 0}  # a reset took it away, and all it had counted
        return found

    @property
    def _path(self) -> str:
        return f"/faults/{quote(self.name, safe='')}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def __repr__(self) -> str:
        what = self.document.get("type") or f"sequence of {len(self.document['sequence'])}"
        operation = self.document.get("match", {}).get("operation", "*")
        return f"<Fault {self.name}: {operation} {what}{', removed' if self.removed else ''}>"


class Scenario:
    """Several rules at once; as a context manager they go when the block ends.

    Attributes:
        faults: its rules.
        seed: what its file says; decisions follow the server's own seed.
    """

    def __init__(self, faults: list[Fault], seed: int | None) -> None:
        self.faults = faults
        self.seed = seed

    @property
    def hits(self) -> int:
        """How often they struck, all in all."""
        return sum(fault.hits for fault in self.faults)

    def remove(self) -> None:
        """Take them away."""
        for fault in self.faults:
            fault.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def __repr__(self) -> str:
        return f"<Scenario of {', '.join(fault.name for fault in self.faults) or 'no faults'}>"


class On:
    """Requests of a kind, for which something is to happen.

    Args:
        place: what puts a rule in force.
        match: which requests: the keys of a rule's ``match``.
    """

    def __init__(self, place: Callable[[dict[str, Any]], Fault], match: Mapping[str, Any]) -> None:
        self._place = place
        self._match = dict(match)

    def sequence(self, *steps: Step | str | Mapping[str, Any], **envelope: Any) -> Fault:  # noqa: ANN401
        """Successive answers: the n-th request gets the n-th; after the last all is well.

        Args:
            steps: ``error(503)``, ``ok()``, or any fault: a short form (``reset``, ``latency(50ms)``, ``503:1:after``)
                or a document (``{"type": …, "parameters": {…}}``).
            envelope: ``name``, ``skip``, ``probability``, ``start_after``, ``duration``, ``ramp``, ``times``.

        Raises:
            TypeError: a keyword that a sequence does not have.
            ValueError: a step that cannot be.
        """
        check_names(envelope, "a sequence", every=_OF_A_SEQUENCE)
        if not steps:
            raise ValueError("a sequence has at least one step: error(503), ok()")
        document = rule_document("", {"match": self._match, **envelope})
        del document["type"]
        return self._place({**document, "sequence": [_step(step) for step in steps]})

    def fault(self, kind: str, **keywords: Any) -> Fault:  # noqa: ANN401
        """A fault for these requests; as ``MockScim.fault``, which has the operation among its keywords."""
        return self._place(fault_document(kind, {**self._match, **keywords}))


def fault_document(kind: str | Mapping[str, Any], keywords: Mapping[str, Any]) -> dict[str, Any]:
    """The rule that a type and flat keywords mean, or a short form, or a document.

    Raises:
        TypeError: a keyword that neither rules nor this type have.
        FaultError: a short form that is none.
    """
    if isinstance(kind, Mapping):
        return _over(dict(kind), keywords)
    if "=" in kind:
        return _over(parse_spec(kind), keywords)
    check_keywords(kind, keywords, _KEYS)
    return rule_document(kind, dict(keywords))


def _over(document: dict[str, Any], keywords: Mapping[str, Any]) -> dict[str, Any]:
    """A document with more said by keywords."""
    if not keywords:
        return document
    known = find_type(str(document.get("type")))
    if known is not None:
        check_keywords(known.name, keywords, _KEYS)
    more = rule_document("", dict(keywords))
    del more["type"]
    for key in ("match", "parameters"):
        if key in more and isinstance(document.get(key), Mapping):
            more[key] = {**document[key], **more[key]}
    return {**document, **more}


def match_document(operation: str | list[str], keywords: Mapping[str, Any], whose: str) -> dict[str, Any]:
    """The match that an operation and keywords mean.

    Raises:
        TypeError: a keyword that a match does not have.
    """
    check_names(keywords, whose, every=_MATCH_KEYS)
    return {**({} if operation == "*" else {"operation": operation}), **keywords}


def check_keywords(kind: str, keywords: Iterable[str], envelope: Iterable[str]) -> None:
    """Refuse keywords that neither a rule nor its type has; a type that there is not is left to the server.

    Raises:
        TypeError: names the keyword, the nearest, and the parameters of the type.
    """
    known = find_type(kind)
    if known is not None:
        check_names(keywords, f"the fault {known.name}", known.parameters.__struct_fields__, every=envelope)


def check_names(keywords: Iterable[str], whose: str, its: Iterable[str] | None = None, *, every: Iterable[str]) -> None:
    """Refuse keywords that there are not.

    Args:
        keywords: as they were given.
        whose: they are, in words.
        its: of its own kind.
        every: those that all of the kind have.

    Raises:
        TypeError: names the keyword, the nearest, and all that there are.
    """
    own, every = list(its or ()), sorted(every)
    for name in keywords:
        if name not in own and name not in every:
            listed = {"there are": every} if its is None else {"its parameters": own, "of every rule": every}
            raise TypeError(failure.unknown(f"{whose} has no {name!r}", name, listed))


def _step(given: Step | str | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(given, Step):
        return given.document
    if isinstance(given, Mapping):
        return dict(given)
    rule = parse_spec(f"*={given}")
    return {key: value for key, value in rule.items() if key in ("type", "parameters", "phase")}
