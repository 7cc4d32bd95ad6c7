"""Scenario files: a seed and rules, to be loaded at once (CONTRACT §4).

    {"seed": 7, "rules": [rule, …],                           or a bare list of rules, or one rule
     "description": "what happens",
     "source": "where that has happened, and what to read",
     "correct_client": "what a correct client does"}

The last three are for people; those that come along have them all.
"""

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import orjson

from mockscim.faults.documents import convert, suggestion
from mockscim.faults.errors import FaultError
from mockscim.faults.rule import compile_rule, compile_rules


class Scenario(NamedTuple):
    """What a scenario file holds: its seed, or None, its rules as documents, and words for people."""

    seed: int | None
    rules: list[dict[str, Any]]
    description: str = ""
    source: str = ""
    correct_client: str = ""


class ScenarioDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file."""

    rules: list[dict[str, Any]]
    seed: int | None = None
    description: str = ""
    source: str = ""
    correct_client: str = ""


def load_scenario(data: bytes, name: str) -> Scenario:
    """A scenario from the bytes of its file, every rule of it checked.

    Args:
        data: JSON in UTF-8.
        name: what to call it in errors.

    Raises:
        FaultError: names line and column when it is no JSON, the pointer when it is no scenario.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}: not JSON: {error.msg}"
        raise FaultError("", where, source=name) from None
    try:
        return _scenario(value)
    except FaultError as error:
        raise FaultError(error.pointer, error.expected, source=name) from None


def read_scenario(name: str) -> Scenario:
    """A scenario by the path of its file, or by name from those that come along.

    Raises:
        FaultError: there is no such file or name, or it is wrong.
        OSError: the file cannot be read.
    """
    path = Path(name)
    if path.exists() and not path.is_dir():  # not is_file: a shell's <(…) is a pipe
        return load_scenario(path.read_bytes(), name)
    bundled = bundled_scenarios()
    if name not in bundled:
        hint = f"{suggestion(name, bundled)}Expected a file or one of {', '.join(bundled) or '(none)'}"
        raise FaultError("", f"no such scenario. {hint}", source=name)
    return load_scenario(bundled[name].read_bytes(), name)


def load_bundled_scenario(name: str, pointer: str = "") -> Scenario:
    """The scenario of that name that comes along, and nothing else: safe for names that come over the network.

    Args:
        name: of a scenario.
        pointer: where the name stands, for errors.

    Raises:
        FaultError: there is none.
    """
    bundled = bundled_scenarios()
    if name not in bundled:
        hint = f"{suggestion(name, bundled)}expected one of {', '.join(bundled)}"
        raise FaultError(pointer, f"there is no scenario {name!r}: {hint}")
    return load_scenario(bundled[name].read_bytes(), name)


@cache
def bundled_scenarios() -> dict[str, Path]:
    """The scenarios that come along, by name."""
    package = Path(__file__).parent.parent
    # an installed wheel has them inside the package, a checkout beside it
    for folder in (package / "_fixtures" / "scenarios", package.parent / "fixtures" / "scenarios"):
        if folder.is_dir():
            return {path.stem: path for path in sorted(folder.glob("*.json"), key=lambda path: path.stem)}
    return {}


def _scenario(value: object) -> Scenario:
    if isinstance(value, list):
        compile_rules(value)
        return Scenario(None, value)
    if isinstance(value, dict) and ("type" in value or "sequence" in value):
        compile_rule(value)
        return Scenario(None, [value])
    document = convert(value, ScenarioDocument)
    compile_rules(document.rules, pointer="/rules")
    return Scenario(document.seed, document.rules, document.description, document.source, document.correct_client)
