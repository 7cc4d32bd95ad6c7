"""A fault rule (CONTRACT §4): the envelope that all faults share, and what it compiles to.

    {"type": …, "parameters": {…}, …envelope}            one fault
    {"sequence": [{"type": …, "parameters": {…}, "phase": …}, …], …envelope}
        the n-th match after `skip` gets the n-th answer, if its chance says so; after the last all is well

A compiled Rule is immutable and knows nothing of requests seen: one may be shared by many engines.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import orjson
from msgspec import Meta

from mockscim.faults.documents import Seconds, convert, suggestion
from mockscim.faults.effect import Effect
from mockscim.faults.errors import FaultError, Wrong, pointer_to
from mockscim.faults.match import Match, Matcher, compile_match
from mockscim.faults.registry import FaultType, Parameters, Phase, all_types, find_type
from mockscim.scim.body import shallow_json

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}")  # goes into URLs and headers as it is
_ANY = {"operation": "*"}
_REPORTED = ("hits", "matches")  # what a listing adds: ignored, so that a listing can be sent back

Probability = Annotated[float, Meta(ge=0, le=1, description="Chance that a match is hit.")]
Skip = Annotated[int, Meta(ge=0, description="How many matches are let through first.")]
Times = Annotated[int, Meta(ge=1, description="At most so many hits.")]
StartAfter = Annotated[Seconds, Meta(description="Idle for so long after it was added or reset.")]
Duration = Annotated[Seconds, Meta(description="Idle again after so long.")]
Ramp = Annotated[Seconds, Meta(description="The probability grows from 0 during the first so long.")]


class StepDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One answer of a sequence."""

    type: str
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)
    phase: Phase | None = None


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a rule and a sequence have in common."""

    name: str | None = None
    match: Match = Match()  # immutable
    probability: Probability = 1.0
    skip: Skip = 0
    times: Times | None = None
    start_after: StartAfter | None = None
    duration: Duration | None = None
    ramp: Ramp | None = None

    def __post_init__(self) -> None:
        if self.name is not None and not _NAME.fullmatch(self.name):
            raise Wrong("name", "expected at most 128 letters, digits and any of . _ : @ + -, a letter or digit first")


class RuleDocument(Envelope, frozen=True, kw_only=True):
    """A rule with one fault."""

    type: str
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)
    phase: Phase | None = None


class SequenceDocument(Envelope, frozen=True, kw_only=True):
    """A rule with successive answers."""

    sequence: Annotated[list[StepDocument], Meta(min_length=1)]


@dataclass(frozen=True, slots=True)
class Step:
    """One fault, ready to be applied."""

    kind: FaultType
    parameters: Parameters
    phase: Phase


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A compiled rule. ``document`` is the document it came from, with its name and its phase filled in."""

    name: str
    document: dict[str, Any]
    matcher: Matcher
    steps: tuple[Step, ...]
    successive: bool
    probability: float
    skip: int
    times: int | None
    start_after: float
    duration: float | None
    ramp: float

    @property
    def terminal(self) -> bool:
        """Can it take the place of an answer? Then it is not asked once another rule did."""
        return any(step.kind.terminal for step in self.steps)

    @property
    def timed(self) -> bool:
        """Does its chance depend on the clock?"""
        return bool(self.start_after or self.ramp or self.duration is not None)

    def chance(self, age: float) -> float:
        """The probability ``age`` seconds after it was added or reset; 0 outside its window."""
        elapsed = age - self.start_after
        if elapsed < 0 or (self.duration is not None and elapsed >= self.duration):
            return 0.0
        return self.probability * elapsed / self.ramp if elapsed < self.ramp else self.probability

    def open(self, age: float) -> bool:
        """Is its window open ``age`` seconds after it was added or reset?"""
        elapsed = age - self.start_after
        return elapsed >= 0 and (self.duration is None or elapsed < self.duration)

    def left(self, age: float) -> float | None:
        """Seconds until its window ends, ``age`` seconds after it was added or reset; None where it has no end."""
        return None if self.duration is None else self.start_after + self.duration - age

    @property
    def standing(self) -> Effect | None:
        """What it does as soon as it is in force, where it has a window from now on and asks nothing of a request."""
        asks = self.start_after or self.ramp or self.skip or self.probability < 1.0 or self.times is not None
        asks = asks or self.document.get("match", _ANY) not in ({}, _ANY)
        if self.successive or asks or self.duration is None or self.steps[0].phase == "after":
            return None
        return self.steps[0].parameters.standing(self.duration)

    @property
    def stands(self) -> bool:
        """Does it do anything to the whole process?"""
        return any(step.parameters.standing(1.0) is not None for step in self.steps)

    def step(self, match: int) -> Step | None:
        """The answer to its ``match``-th match (from 1, those skipped included); None lets it through."""
        if not self.successive:
            return self.steps[0]
        index = match - self.skip - 1
        return self.steps[index] if index < len(self.steps) else None


def compile_rule(document: object, *, pointer: str = "", taken: Collection[str] = ()) -> Rule:
    """A document checked and compiled.

    Args:
        document: plain JSON values.
        pointer: where it stands, for errors.
        taken: names of the rules that are there already.

    Raises:
        FaultError: points at the first wrong place.
    """
    plain = _plain(document, pointer)
    if isinstance(plain, dict):
        plain = {key: value for key, value in plain.items() if key not in _REPORTED}
    envelope: RuleDocument | SequenceDocument
    if isinstance(plain, dict) and "sequence" in plain:
        for key in ("type", "parameters", "phase"):
            if key in plain:
                raise FaultError(pointer_to(pointer, key), f"in a sequence, {key} stands in each of its rules")
        envelope = convert(plain, SequenceDocument, pointer)
        steps = tuple(
            _step(step, pointer_to(pointer, "sequence", index)) for index, step in enumerate(envelope.sequence)
        )
        kind = "sequence"
    else:
        envelope = convert(plain, RuleDocument, pointer)
        steps = (_step(envelope, pointer),)
        kind = steps[0].kind.name
    matcher = compile_match(envelope.match, pointer_to(pointer, "match"))
    name = _free_name(envelope.match.operations, kind, taken) if envelope.name is None else envelope.name
    if name in taken:
        raise FaultError(pointer_to(pointer, "name"), f"there is a rule {name!r} already: expected another name")
    resolved = {**plain, "name": name}  # type: ignore[dict-item]
    if kind != "sequence":
        resolved["phase"] = steps[0].phase
    return Rule(
        name,
        resolved,
        matcher,
        steps,
        kind == "sequence",
        envelope.probability,
        envelope.skip,
        envelope.times,
        envelope.start_after or 0.0,
        envelope.duration,
        envelope.ramp or 0.0,
    )


def compile_rules(documents: object, *, pointer: str = "", taken: Collection[str] = ()) -> tuple[Rule, ...]:
    """A list of documents compiled, all or none; one that is a Rule already stays as it is.

    Raises:
        FaultError: points at the first wrong place.
    """
    if isinstance(documents, str | bytes | dict) or not isinstance(documents, Iterable):
        raise FaultError(pointer, "expected a list of rules")
    rules: list[Rule] = []
    names = set(taken)
    documents = list(documents)
    # An unnamed rule must not take the name that a later one bears.
    names_given = {item["name"] for item in documents if isinstance(item, dict) and isinstance(item.get("name"), str)}
    for index, document in enumerate(documents):
        here = pointer_to(pointer, index)
        if isinstance(document, Rule):
            rule = document
            if rule.name in names:
                raise FaultError(pointer_to(here, "name"), f"there is a rule {rule.name!r} already")
        else:
            named = isinstance(document, dict) and document.get("name") is not None
            rule = compile_rule(document, pointer=here, taken=names if named else names | names_given)
        rules.append(rule)
        names.add(rule.name)
    return tuple(rules)


def _step(document: RuleDocument | StepDocument, pointer: str) -> Step:
    kind = find_type(document.type)
    if kind is None:
        names = [known.name for known in all_types()]
        hint = f"{suggestion(document.type, names)}expected one of {', '.join(names)}"
        raise FaultError(pointer_to(pointer, "type"), f"unknown fault type {document.type!r}: {hint}")
    parameters = convert(document.parameters, kind.parameters, pointer_to(pointer, "parameters"))
    phase = document.phase or kind.default_phase
    if phase not in kind.phases:
        raise FaultError(pointer_to(pointer, "phase"), f"{kind.name} is {' or '.join(kind.phases)} only")
    return Step(kind, parameters, phase)


def _free_name(operations: tuple[str, ...], kind: str, taken: Collection[str]) -> str:
    """``user.create-abort-1``: from content and position alone, for the decisions hang on it."""
    named = "+".join(operation.replace("*", "any") for operation in operations)[:80]
    number = 1
    while f"{named}-{kind}-{number}" in taken:
        number += 1
    return f"{named}-{kind}-{number}"


def _plain(document: object, pointer: str) -> object:
    """A copy of its own, of what JSON can say and nothing else: it comes back in listings."""
    try:
        return shallow_json(orjson.dumps(document))
    except (TypeError, ValueError) as error:
        raise FaultError(pointer, f"expected plain JSON values: {error}") from None
