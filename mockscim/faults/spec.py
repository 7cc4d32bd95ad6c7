"""The short form of a rule, for a command line.

    SPEC      = OPERATION *("," OPERATION) "=" OUTCOME [ ":" [PROBABILITY] [ ":" PHASE ] ]
    OUTCOME   = STATUS | TYPE, either with "(" ARGUMENT *("," ARGUMENT) ")"
    ARGUMENT  = VALUE, the first only: what the type is mostly about | KEY "=" VALUE
    VALUE     = a JSON value | text without comma and bracket

A STATUS is an `abort` with it. A KEY is a parameter of the type or a key of the rule:

    user.create=503:0.3:after   *=latency(50ms)   user.list=429(retry_after=2, times=3)   *=truncate(0.5)
"""

import re
from typing import Any

import msgspec

from mockscim.faults.documents import suggestion
from mockscim.faults.errors import FaultError
from mockscim.faults.match import Match
from mockscim.faults.registry import ENVELOPE, all_types, find_type
from mockscim.faults.rule import compile_rule
from mockscim.scim.body import shallow_json

EXAMPLE = "user.create=503:0.3:after"

_OUTCOME = re.compile(r"\s*([A-Za-z0-9_]+)\s*")
_KEY = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*=(?!=)(.*)", re.DOTALL)
_STATUS = re.compile(r"[0-9]+")
_MATCH_KEYS = frozenset(Match.__struct_fields__)
_OPEN, _CLOSE = "([{", ")]}"


def parse_spec(text: str) -> dict[str, Any]:
    """The rule document that a short form stands for, checked.

    Raises:
        FaultError: a sentence on what is wrong, with an example.
    """
    try:
        document = _document(text)
        compile_rule(document)
    except FaultError as error:
        place = f"{error.pointer}: " if error.pointer else ""
        expected = f"{place}{error.expected}. Example: {EXAMPLE}"
        raise FaultError("", expected, source=repr(text)) from None
    return document


def latency_rule(text: str) -> dict[str, Any]:
    """The rule for ``--latency 50ms`` or ``--latency 20ms-80ms``: every request waits.

    Raises:
        FaultError: it is neither a duration nor a range of them.
    """
    try:
        document = rule_document("latency", _from_argument("latency", text.strip()))
        compile_rule(document)
    except FaultError as error:
        raise FaultError("", f"{error.expected}. Examples: 50ms, 20ms-80ms", source=repr(text)) from None
    return document


def rule_document(kind: str, keywords: dict[str, Any]) -> dict[str, Any]:
    """A rule document from flat keywords: keys of rule and match find their place, the rest are parameters.

    ``rule_document("abort", {"operation": "user.create", "status": 503, "times": 2})``; nothing is checked.
    """
    document: dict[str, Any] = {"type": kind}
    match = dict(keywords.get("match") or {})
    parameters = dict(keywords.get("parameters") or {})
    for key, value in keywords.items():
        if key in _MATCH_KEYS:
            match[key] = value
        elif key not in ENVELOPE:
            parameters[key] = value
        elif key not in ("match", "parameters", "type"):
            document[key] = value
    if parameters:
        document["parameters"] = parameters
    if match:
        document["match"] = match
    return document


def _document(text: str) -> dict[str, Any]:
    named, equals, rest = text.partition("=")
    if not equals:
        raise FaultError("", "expected OPERATION=OUTCOME")
    operations = [operation.strip() for operation in named.split(",")]
    if not all(operations):
        raise FaultError("", "expected an operation before the =, such as user.create, group.* or *")
    kind, arguments, rest = _outcome(rest)
    keywords: dict[str, Any] = {"operation": operations[0] if len(operations) == 1 else operations}
    if _STATUS.fullmatch(kind):
        # bounded: int() refuses thousands of digits in words of its own
        keywords["status"] = int(kind[:9])
        kind = "abort"
    elif find_type(kind) is None:
        names = [known.name for known in all_types()]
        hint = f"{suggestion(kind, names)}expected a status or one of {', '.join(names)}"
        raise FaultError("", f"unknown outcome {kind!r}: {hint}")
    for index, argument in enumerate(arguments):
        keywords |= _new(keywords, _argument(kind, argument, first=index == 0 and "status" not in keywords))
    keywords |= _new(keywords, _chance(rest))
    return rule_document(kind, keywords)


def _outcome(text: str) -> tuple[str, list[str], str]:
    """``latency(1,a=2):0.3`` to ``latency``, its arguments, and ``:0.3``."""
    found = _OUTCOME.match(text)
    if found is None:
        raise FaultError("", "expected an outcome behind the =, such as 503, reset or latency(50ms)")
    rest = text[found.end() :]
    arguments: list[str] = []
    if rest.startswith("("):
        arguments, end = _split(rest)
        rest = rest[end:]
    return found[1], arguments, rest.strip()


def _split(text: str) -> tuple[list[str], int]:
    """The arguments of ``(a, b="x,)", c=[1, 2])…`` and where it ends; quotes and brackets keep commas."""
    parts: list[str] = []
    begin, depth, quoted, index = 1, 0, False, 0
    while index < len(text):
        char = text[index]
        if quoted:
            index += char == "\\"
            quoted = char != '"'
        elif char == '"':
            quoted = True
        elif char in _OPEN:
            depth += 1
        elif char in _CLOSE:
            depth -= 1
        if not quoted and (depth == 0 or (depth == 1 and char == ",")):
            parts.append(text[begin:index].strip())
            begin = index + 1
            if depth == 0:
                break
        index += 1
    else:
        raise FaultError("", "the quotes are never closed" if quoted else "the bracket ( is never closed")
    if parts == [""]:
        return [], index + 1
    if "" in parts:
        raise FaultError("", "expected an argument between the commas")
    return parts, index + 1


def _argument(kind: str, text: str, *, first: bool) -> dict[str, Any]:
    if found := _KEY.fullmatch(text):
        if found[1] in ("type", "sequence", "match", "parameters", "operation"):
            raise FaultError("", f"{found[1]} cannot be set in the brackets")
        return {found[1]: _value(found[2].strip())}
    if not first:
        raise FaultError("", f"expected KEY=VALUE in the brackets, got {text!r}")
    return _from_argument(kind, _value(text))


def _from_argument(kind: str, value: object) -> dict[str, Any]:
    known = find_type(kind)
    if known is None or not known.argument:
        raise FaultError("", f"{kind} takes no argument without a key")
    try:
        return known.parameters.from_argument(value)
    except ValueError as error:
        raise FaultError("", str(error)) from None


def _value(text: str) -> object:
    try:
        return shallow_json(text)
    except ValueError:
        if text.startswith(('"', "{", "[")):
            raise FaultError("", f"{text!r} is not complete JSON") from None
        return text


def _chance(text: str) -> dict[str, Any]:
    """The tail ``:0.3:after``; the probability may be left empty."""
    if not text:
        return {}
    if not text.startswith(":"):
        raise FaultError("", f"expected : and a probability behind the outcome, got {text!r}")
    keywords: dict[str, Any] = {}
    probability, colon, phase = (part.strip() for part in text[1:].partition(":"))
    if probability in ("before", "after"):
        raise FaultError("", f"the phase stands behind the probability, as in :1:{probability}")
    if probability:
        try:
            keywords["probability"] = msgspec.convert(probability, float, strict=False)
        except (msgspec.ValidationError, UnicodeEncodeError):
            raise FaultError("", f"{probability!r} is not a probability: expected a number from 0 to 1") from None
    if phase:
        keywords["phase"] = phase
    elif colon or not probability:
        raise FaultError("", "expected a probability or a phase behind the last colon")
    return keywords


def _new(keywords: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """``more``, unless it says something twice."""
    for key in more:
        if key in keywords:
            raise FaultError("", f"{key} is given twice")
    return more
