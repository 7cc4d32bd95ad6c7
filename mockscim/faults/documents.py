"""Plain JSON values to typed documents, with errors that point at the place and say what belongs there."""

import difflib
import re
import types
import typing
from typing import Any, Literal, TypeVar

import msgspec

from mockscim.durations import parse_duration
from mockscim.faults.errors import FaultError, Wrong, pointer_to

T = TypeVar("T")

_LONGEST_SLIP = 100


class Seconds(float):
    """A duration field: on the wire a number of seconds or text such as ``50ms``; in Python, seconds.

    Called, it gives a plain number: what a field's default has to be for msgspec to show it in a JSON Schema.
    """

    __slots__ = ()

    def __new__(cls, value: float) -> "Seconds":  # noqa: D102 - as above
        return float(value)  # type: ignore[return-value]


def convert(value: object, to: type[T], pointer: str = "") -> T:
    """The value as a ``to``.

    Args:
        value: what a JSON parser made.
        to: a msgspec Struct.
        pointer: where the value stands in the whole document.

    Raises:
        FaultError: pointing at the first wrong place.
    """
    try:
        return msgspec.convert(value, to, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise _explain(error, to, pointer) from None


def json_schema(of: type[msgspec.Struct]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a document; what it refers to is in its own ``$defs``."""
    _, components = msgspec.json.schema_components([of], schema_hook=schema_hook)
    schema: dict[str, Any] = components.pop(of.__name__)
    if components:
        schema["$defs"] = components
    return schema


def suggestion(word: str, known: typing.Iterable[str]) -> str:
    """``did you mean 'x'? `` with a space behind, or nothing."""
    # What is long resembles nothing, and comparing it takes long.
    close = difflib.get_close_matches(word, list(known), n=1) if len(word) <= _LONGEST_SLIP else []
    return f"did you mean {close[0]!r}? " if close else ""


def _decode(to: type, value: object) -> object:
    if to is Seconds:
        return float.__new__(Seconds, parse_duration(value))
    raise NotImplementedError(f"no document holds a {to}")


def schema_hook(of: type) -> dict[str, Any]:
    """The JSON Schema of a type that msgspec does not know, for msgspec's ``schema_hook``."""
    if of is Seconds:
        text = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? ?(ms|s|m|h|d)?$"}
        return {"anyOf": [{"type": "number", "minimum": 0}, text], "examples": ["50ms", 2]}
    raise NotImplementedError(f"no document holds a {of}")


_WORDS = {
    "int": "an integer",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}
_TYPES = re.compile(r"`([a-z]+(?: \| [a-z]+)*)`")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[\.\.\.\]")


def _explain(error: msgspec.ValidationError, to: type, pointer: str) -> FaultError:
    """Msgspec's message, "what - at `$.path`", with a JSON pointer and in plain words."""
    what, _, path = str(error).rpartition(" - at `")
    if not what:
        what, path = path, ""
    path = path.removesuffix("`")
    keys = [step[1] or int(step[2]) for step in _STEP.finditer(path) if step[1] or step[2]]
    here = pointer_to(pointer, *keys)
    if isinstance(error.__cause__, Wrong):
        cause = error.__cause__
        return FaultError(pointer_to(here, cause.key) if cause.key else here, str(cause))
    if error.__cause__ is not None:  # a ValueError of ours, already in words
        return FaultError(here, what)
    field, bounds = _declared(to, keys)
    if found := re.fullmatch(r"Object contains unknown field `(.*)`", what, re.DOTALL):
        known = getattr(field, "__struct_fields__", ())
        hint = suggestion(found[1], known)
        expected = f"expected one of {', '.join(known)}" if known else "no keys are expected here"
        return FaultError(pointer_to(here, found[1]), f"unknown key; {hint}{expected}")
    if found := re.fullmatch(r"Object missing required field `(.*)`", what, re.DOTALL):
        return FaultError(pointer_to(here, found[1]), "this key is required")
    if what.startswith("Invalid enum value") and typing.get_origin(field) is Literal:
        known = dict.fromkeys(map(str, typing.get_args(field)))  # a number may be given as text, too
        return FaultError(here, f"expected one of {', '.join(known)}; {what.lower()}")
    if bounds and (found := re.fullmatch(r"Expected (`\w+`) [<>]=.*", what)):
        what = f"Expected {found[1]} {bounds}"
    what = _TYPES.sub(lambda found: " or ".join(_WORDS.get(w, w) for w in found[1].split(" | ")), what)
    return FaultError(here, what[:1].lower() + what[1:])


def _declared(of: object, keys: list[str | int]) -> tuple[object, str]:
    """The declared type at a path of keys, without ``| None``, and its range in words; None and "" if it has none."""
    for key in keys:
        of, _ = _bare(of)
        if isinstance(key, int):
            of = (typing.get_args(of) or (None,))[0]
        elif isinstance(of, type) and issubclass(of, msgspec.Struct):
            of = typing.get_type_hints(of, include_extras=True).get(key)
        else:
            return None, ""
    return _bare(of)


def _bare(of: object) -> tuple[object, str]:
    """A type without Annotated and ``| None``, and ``from 0 to 1`` if it was so annotated."""
    bounds = ""
    while True:
        if typing.get_origin(of) is typing.Annotated:
            of, *notes = typing.get_args(of)
            for note in notes:
                if isinstance(note, msgspec.Meta) and note.ge is not None and note.le is not None:
                    bounds = f"from {note.ge} to {note.le}"
        elif isinstance(of, types.UnionType) or typing.get_origin(of) is typing.Union:
            arms = [arm for arm in typing.get_args(of) if arm is not types.NoneType]
            if len(arms) != 1:
                return None, ""
            of = arms[0]
        else:
            return of, bounds
