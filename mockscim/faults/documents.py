"""Plain JSON values to typed documents, with errors that point at the place and say what belongs there."""

import difflib
import re
import types
import typing
from collections.abc import Mapping
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
        raise _explain(error, value, to, pointer) from None


def json_schema(of: type[msgspec.Struct]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a document; what it refers to is in its own ``$defs``."""
    _, components = msgspec.json.schema_components([of], schema_hook=schema_hook)
    schema: dict[str, Any] = components.pop(of.__name__)
    for field in msgspec.structs.fields(of):
        # msgspec leaves out those that a function makes
        if field.default_factory is not msgspec.NODEFAULT:
            schema["properties"][field.encode_name]["default"] = msgspec.to_builtins(field.default_factory())
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
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|(\[\.\.\.\])")


def _explain(error: msgspec.ValidationError, value: object, to: type, pointer: str) -> FaultError:
    """Msgspec's message, "what - at `$.path`", with a JSON pointer and in plain words."""
    what, _, path = str(error).rpartition(" - at `")
    if not what:
        what, path = path, ""
    keys, arms = _declared(path.removesuffix("`"), value, to)
    here = pointer_to(pointer, *keys)
    if isinstance(error.__cause__, Wrong):
        cause = error.__cause__
        return FaultError(pointer_to(here, cause.key) if cause.key else here, str(cause))
    if error.__cause__ is not None:  # a ValueError of ours, already in words
        return FaultError(here, what)
    if found := re.fullmatch(r"Object contains unknown field `(.*)`", what, re.DOTALL):
        known = [name for arm, _ in arms for name in getattr(arm, "__struct_fields__", ())]
        expected = f"expected {_one_of(known)}" if known else "no keys are expected here"
        return FaultError(pointer_to(here, found[1]), f"unknown key; {suggestion(found[1], known)}{expected}")
    if found := re.fullmatch(r"Object missing required field `(.*)`", what, re.DOTALL):
        return FaultError(pointer_to(here, found[1]), "this key is required")
    values = [value for arm, _ in arms if typing.get_origin(arm) is Literal for value in typing.get_args(arm)]
    if values and (found := re.fullmatch(r"Invalid enum value (.*)", what, re.DOTALL)):
        known = list(dict.fromkeys(map(str, values)))  # a number may be given as text, too
        near = suggestion(found[1].strip("'"), known)
        return FaultError(here, f"{near}expected {_one_of(known)}, got {found[1]}")
    bounds = next((bounds for _, bounds in arms if bounds), "")
    if bounds and (found := re.fullmatch(r"Expected (`\w+`) [<>]=.*", what)):
        what = f"Expected {found[1]} {bounds}"
    what = _TYPES.sub(lambda found: " or ".join(_WORDS.get(w, w) for w in found[1].split(" | ")), what)
    return FaultError(here, what[:1].lower() + what[1:])


def _one_of(known: list[str]) -> str:
    return known[0] if len(known) == 1 else f"one of {', '.join(known)}"


_Arms = list[tuple[object, str]]


def _declared(path: str, value: object, to: type) -> tuple[list[str | int], _Arms]:
    """The keys of msgspec's path ``$.a[0][...]``, and the types that are declared there, as ``_arms`` has them.

    Of a mapping with keys of any kind msgspec does not say which key it was: the first whose value does not do.
    """
    keys: list[str | int] = []
    arms = _arms(to)
    for step in _STEP.finditer(path):
        below: object = None
        key: str | int
        if step[1]:
            key = step[1]
            struct = next((arm for arm, _ in arms if isinstance(arm, type) and issubclass(arm, msgspec.Struct)), None)
            below = typing.get_type_hints(struct, include_extras=True).get(key) if struct is not None else None
        elif step[2]:
            key = int(step[2])
            below = next((typing.get_args(arm)[0] for arm, _ in arms if typing.get_origin(arm) in (list, tuple)), None)
        else:
            below = next((typing.get_args(arm)[1] for arm, _ in arms if typing.get_origin(arm) is dict), None)
            key = _unfit(value, below)
        keys.append(key)
        arms = _arms(below)
        value = _below(value, key)
    return keys, arms


def _unfit(mapping: object, of: Any) -> str:  # noqa: ANN401 - a type
    """The key of the first value that is none of that type."""
    for key, value in mapping.items() if isinstance(mapping, Mapping) else ():
        try:
            msgspec.convert(value, of, dec_hook=_decode)
        except msgspec.ValidationError:
            return str(key)
    return "*"


def _below(value: object, key: str | int) -> object:
    if isinstance(value, Mapping):
        return value.get(key)
    return value[key] if isinstance(value, list | tuple) and isinstance(key, int) and key < len(value) else None


def _arms(of: object, bounds: str = "") -> _Arms:
    """The types that a declared one stands for, without Annotated and ``| None``; ``from 0 to 1`` where it is bound."""
    if typing.get_origin(of) is typing.Annotated:
        of, *notes = typing.get_args(of)
        for note in notes:
            if isinstance(note, msgspec.Meta) and note.ge is not None and note.le is not None:
                bounds = f"from {note.ge} to {note.le}"
        return _arms(of, bounds)
    if isinstance(of, types.UnionType) or typing.get_origin(of) is typing.Union:
        return [found for arm in typing.get_args(of) if arm is not types.NoneType for found in _arms(arm, bounds)]
    return [] if of is None else [(of, bounds)]
