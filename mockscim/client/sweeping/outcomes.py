"""What befalls a request in a sweep, and when: the words that ``outcomes`` and ``phases`` may hold.

503                     a status, as a SCIM Error; 429 with Retry-After: 1
reset, hang, truncate   any type of fault, with arguments or without: ``429(retry_after=2)``, ``truncate(0.2)``
close                   another word for drop
error(503, …)           as in ``sequence``
{"type": …, …}          parameters below ``parameters`` or beside it; its ``phase`` is the only one it strikes in
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from mockscim.client import failure
from mockscim.client.rules import Step, check_keywords
from mockscim.faults import FaultError, find_type, parse_spec, rule_document
from mockscim.faults.registry import all_types
from mockscim.faults.rule import compile_rule
from mockscim.faults.spec import EXAMPLE

PHASES = ("before", "after")

# An outcome as it may be given.
OutcomeGiven = str | int | Step | Mapping[str, Any]

_STATUS = re.compile(r"[0-9]+")
_OTHER_WORDS = {"close": "drop"}
_MANY_REQUESTS = 429
_RETRY_AFTER = 1  # seconds: what a client has to keep to, and as little as can be said in whole seconds
_OF_A_STEP = {"type", "parameters", "phase"}


class Outcome(NamedTuple):
    """One way for a request to go wrong.

    Attributes:
        name: by which cases are called.
        step: ``type`` and ``parameters`` of the fault.
        phases: those that it strikes in, of those that are asked for.
    """

    name: str
    step: dict[str, Any]
    phases: tuple[str, ...]


def read_outcomes(given: OutcomeGiven | Iterable[OutcomeGiven], phases: str | Iterable[str]) -> list[Outcome]:
    """The outcomes, in their order.

    Raises:
        ValueError: one that there is not, that is there twice, or that strikes in none of the phases.
    """
    asked = _read_phases(phases)
    listed = [given] if isinstance(given, str | int | Step | Mapping) else list(given)
    found = [_read(each, asked) for each in listed]
    names = [outcome.name for outcome in found]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"the outcome {name!r} is there twice")
    if not found:
        raise ValueError("expected at least one outcome, such as 503, reset or hang")
    return found


def _read_phases(given: str | Iterable[str]) -> tuple[str, ...]:
    phases = (given,) if isinstance(given, str) else tuple(given)
    for phase in phases:
        if phase not in PHASES:
            raise ValueError(f"there is no phase {phase!r}: phases are before and after (the commit)")
    if not phases:
        raise ValueError("expected at least one phase: before, after")
    return tuple(phase for phase in PHASES if phase in phases)


def _read(given: OutcomeGiven, asked: tuple[str, ...]) -> Outcome:
    if isinstance(given, str | int):
        name = str(given).strip()
        document = _of_text(name)
    else:
        document = _of_document(given.document if isinstance(given, Step) else given)
        name = _name_of(document)
    for key, value in document.items():
        if key not in _OF_A_STEP and (key, value) != ("match", {"operation": "*"}):
            raise ValueError(f"the outcome {name!r} cannot say {key}: each case strikes one request, once")
    kind = find_type(document["type"])
    assert kind is not None  # noqa: S101 - else it had been refused
    parameters = dict(document.get("parameters") or {})
    if kind.name == "abort" and parameters.get("status") == _MANY_REQUESTS and not parameters.get("headers"):
        parameters.setdefault("retry_after", _RETRY_AFTER)
    step = {"type": kind.name, "parameters": parameters}
    possible = (document["phase"],) if "phase" in document else kind.phases
    phases = tuple(phase for phase in asked if phase in possible)
    if not phases:
        raise ValueError(f"the outcome {name!r} strikes {' or '.join(possible)} only, and phases are {_told(asked)}")
    return Outcome(name, step, phases)


def _of_text(text: str) -> dict[str, Any]:
    word, bracket, rest = text.partition("(")
    word = _OTHER_WORDS.get(word.strip(), word.strip())
    _known(re.split(r"[^A-Za-z0-9_]", word)[0] or word)
    try:
        return parse_spec(f"*={word}{bracket}{rest}")
    except FaultError as error:
        raise ValueError(f"the outcome {text!r}: {error.expected.removesuffix(f'. Example: {EXAMPLE}')}") from None


def _of_document(given: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(given.get("type") or "")
    if not kind:
        raise ValueError("an outcome as a document has a type, such as reset")
    _known(kind, statuses=False)
    rest = {key: value for key, value in given.items() if key != "type"}
    check_keywords(kind, rest, sorted(_OF_A_STEP))
    document = rule_document(kind, rest)
    try:
        compile_rule(document)
    except FaultError as error:
        raise ValueError(f"the outcome {kind!r}: {error}") from None
    return document


def _known(word: str, *, statuses: bool = True) -> None:
    if (statuses and _STATUS.fullmatch(word)) or find_type(word) is not None:
        return
    names = [*_OTHER_WORDS, *(kind.name for kind in all_types())]
    told = f"there is no outcome {word!r}"
    there = "a status such as 503, or one of" if statuses else "types of fault"
    raise ValueError(failure.unknown(told, word, {there: names}))


def _name_of(document: Mapping[str, Any]) -> str:
    """``503``, or ``redirect(status=302,to="login")``."""
    parameters = dict(document.get("parameters") or {})
    name = str(document["type"])
    if name == "abort" and "status" in parameters:
        name = str(parameters.pop("status"))
    told = ",".join(f"{key}={orjson.dumps(value).decode()}" for key, value in parameters.items())
    return f"{name}({told})" if told else name


def _told(phases: Sequence[str]) -> str:
    return ", ".join(phases)
