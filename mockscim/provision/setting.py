"""Settings of a job from a file, a document or a Struct, with what was said on its own put over them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import orjson

from mockscim.faults.documents import convert
from mockscim.faults.errors import FaultError
from mockscim.provision.files import FileError

S = TypeVar("S", bound=msgspec.Struct)
SettingsGiven = str | Path | Mapping[str, Any]


def settled(kind: type[S], given: SettingsGiven | S | None, before: S, over: Mapping[str, Any]) -> S:
    """The settings to go by.

    Args:
        kind: the Struct.
        given: a file, a document or a Struct; None: those from before.
        before: the ones so far, of which a document changes what it names.
        over: what was said on its own; None says nothing.

    Raises:
        FileError: a file or value cannot be used; names the place.
    """
    if isinstance(given, msgspec.Struct):
        found = given
    elif given is None:
        found = before
    else:
        name, document = _document(given)
        found = _converted(kind, _merged(msgspec.to_builtins(before), document), name)
    wanted = {key: value for key, value in over.items() if value is not None}
    if not wanted:
        return found
    return _converted(kind, _merged(msgspec.to_builtins(found), wanted), "")


def _document(given: SettingsGiven) -> tuple[str, Mapping[str, Any]]:
    if isinstance(given, Mapping):
        return "settings", given
    try:
        document = orjson.loads(Path(given).read_bytes())
    except OSError as error:
        raise FileError(f"--settings {given}: {error.strerror or error}") from None
    except orjson.JSONDecodeError as error:
        raise FileError(f"--settings {given}: {error.lineno}:{error.colno}: not JSON: {error.msg}") from None
    if not isinstance(document, dict):
        raise FileError(f"--settings {given}: an object was expected")
    return f"--settings {given}", document


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """The second over the first, objects in objects as well."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = _merged(old, value) if both else value  # type: ignore[arg-type]
    return merged


def _converted(kind: type[S], document: Mapping[str, Any], name: str) -> S:
    try:
        return convert(dict(document), kind, "")
    except FaultError as error:
        place = f"{error.pointer}: " if error.pointer else ""
        raise FileError(f"{name}: {place}{error.expected}" if name else f"{place}{error.expected}") from None
    except ValueError as error:
        raise FileError(f"{name}: {error}" if name else str(error)) from None
