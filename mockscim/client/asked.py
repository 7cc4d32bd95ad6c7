"""What a test has asked to go wrong: rules of which one at least is to strike, if it is strict about that."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from mockscim.client.line import Line
from mockscim.client.rules import Fault


class Asked:
    """A rule alone, or all rules of a scenario, which are a mixture: it has struck when one of them has.

    Attributes:
        faults: the rules.
        scenario: its name; "" of a rule alone.
    """

    def __init__(self, faults: Sequence[Fault], scenario: str = "") -> None:
        self.faults = list(faults)
        self.scenario = scenario
        self._struck = False

    @property
    def struck(self) -> bool:
        """Whether any of it has struck, before a ``renew`` or since."""
        return self._struck or any(fault.hits for fault in self.faults)

    def forget(self) -> None:
        """It is gone, and what it did."""
        for fault in self.faults:
            fault.forget()

    def renew(self, line: Line) -> None:
        """A reset is to come, after which its rules are in force anew."""
        self._struck = self.struck
        self.faults = [Fault(line, fault.document, 0) for fault in self.faults]

    def documents(self) -> list[dict[str, Any]]:
        """Its rules with ``hits`` and ``matches``."""
        return [{**fault.document, "hits": fault.hits, "matches": fault.matches} for fault in self.faults]


def asked_at_start(line: Line, given: Any) -> list[Asked]:  # noqa: ANN401 - what MockScim takes as faults
    """What the option ``faults`` has put in force at the start, now that the server runs."""
    from mockscim.server.setup import read_faults  # noqa: PLC0415 - few tests ask for that

    rules = read_faults(given)[1] if given is not None else ()
    if not rules:
        return []
    # Those of the profile come before them.
    listed = line.ask("GET", "/faults")["items"][-len(rules) :]
    faults = [Fault(line, document, 0) for document in listed]
    whole = scenario_name(given)
    return [Asked(faults, whole)] if whole else [Asked([fault]) for fault in faults]


def scenario_name(given: object) -> str:
    """What a scenario is called in messages; "" of rules that are given one by one."""
    if isinstance(given, os.PathLike) or (isinstance(given, str) and "=" not in given):
        return os.fspath(given)
    return "as given" if isinstance(given, Mapping) and "rules" in given else ""
