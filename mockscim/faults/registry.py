"""The table of fault types: each fills in its own line by ``@fault(...)`` above its parameters.

Nothing else lists them. A type is a frozen msgspec Struct of parameters with one pure method, ``effect``. They are
imported when a rule first asks for one, each by itself: a server without rules starts without them.
"""

import importlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeVar

import msgspec

from mockscim.faults.documents import json_schema
from mockscim.faults.draw import Draw
from mockscim.faults.effect import Effect
from mockscim.faults.moment import Moment
from mockscim.faults.types import NAMES

Phase = Literal["before", "after"]

# The keys of a rule and of its match (CONTRACT §4, §6): no parameter bears one: flat keywords must be clear.
_RULE_KEYS = "name type parameters match phase probability skip times start_after duration ramp sequence"
_MATCH_KEYS = "operation where method path header authenticated committed"
ENVELOPE = frozenset(f"{_RULE_KEYS} {_MATCH_KEYS}".split(" "))


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of the parameters of a fault type."""

    kind: ClassVar["FaultType"]

    def effect(self, draw: Draw, /) -> Effect:
        """What one hit does. Pure: all chance comes from ``draw``."""
        raise NotImplementedError

    def happen(self, moment: Moment, /) -> Effect:
        """What one match does, for types that look at the request or remember; Proceed where nothing goes wrong.

        May change ``moment.memory`` and nothing else.
        """
        return self.effect(moment.draw)

    def standing(self, ends: float | None, /) -> Effect | None:  # noqa: ARG002 - for types that have one
        """What it does to the whole process while its window is open, also where no request comes; None for nothing.

        Args:
            ends: seconds until the window ends; None where it has no end.
        """
        return None

    @classmethod
    def from_argument(cls, value: object) -> dict[str, object]:
        """The parameters that a lone argument of the short form means: ``truncate(0.5)``."""
        return {cls.kind.argument: value}


@dataclass(frozen=True, slots=True)
class FaultType:
    """One kind of fault.

    ``argument`` is the parameter that a lone argument of the short form sets, "" for none. A type that is not
    ``terminal`` leaves the answer in place: it adds up with others instead of excluding them.
    """

    name: str
    family: str
    parameters: type[Parameters]
    phases: tuple[Phase, ...]
    default_phase: Phase
    doc: str
    correct_client: str
    terminal: bool
    argument: str
    aliases: tuple[str, ...]

    def describe(self) -> dict[str, Any]:
        """The line of ``GET fault-types``."""
        return {
            "name": self.name,
            "family": self.family,
            "phases": list(self.phases),
            "default_phase": self.default_phase,
            "terminal": self.terminal,
            "aliases": list(self.aliases),
            "doc": self.doc,
            "correct_client": self.correct_client,
            "parameters": json_schema(self.parameters),
        }


_TYPES: dict[str, FaultType] = {}
_ALIASES: dict[str, str] = {}

P = TypeVar("P", bound=type[Parameters])


def fault(
    name: str,
    *,
    family: str,
    doc: str,
    correct_client: str,
    phases: tuple[Phase, ...] = ("before", "after"),
    terminal: bool = True,
    argument: str = "",
    aliases: tuple[str, ...] = (),
) -> Callable[[P], P]:
    """Register a type of fault; the first of ``phases`` is its default.

    Raises:
        ValueError: the name is taken, or a parameter bears an envelope's name.
    """

    def register(parameters: P) -> P:
        kind = FaultType(name, family, parameters, phases, phases[0], doc, correct_client, terminal, argument, aliases)
        fields = parameters.__struct_fields__
        for word in (name, *aliases):
            if word in _TYPES or word in _ALIASES:
                raise ValueError(f"the fault type {word!r} is registered twice")
        if clash := ENVELOPE.intersection(fields):
            raise ValueError(f"{name}: parameters named like keys of a rule: {', '.join(sorted(clash))}")
        if argument and argument not in fields:
            raise ValueError(f"{name}: its argument {argument!r} is none of its parameters")
        parameters.kind = kind
        _TYPES[name] = kind
        _ALIASES.update(dict.fromkeys(aliases, name))
        return parameters

    return register


def find_type(name: str) -> FaultType | None:
    """The type of that name or alias."""
    if name not in _TYPES:
        _load({name} & NAMES or NAMES)  # an alias is known to its type's file only
    return _TYPES.get(_ALIASES.get(name, name))


def all_types() -> Iterator[FaultType]:
    """Every type, by name."""
    _load(NAMES)
    return iter([_TYPES[name] for name in sorted(_TYPES)])


def _load(names: Iterable[str]) -> None:
    """Have types register themselves."""
    for name in names:
        importlib.import_module(f"mockscim.faults.types.{name}")
