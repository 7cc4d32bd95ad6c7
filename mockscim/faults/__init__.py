"""Faults: what goes wrong, when; decided here, applied by the edge.

One engine for all of them: a rule (CONTRACT §4) is an envelope around a fault type, and each type is one file
in ``types/``.
"""

from typing import Any

from mockscim.faults.effect import (
    Delay,
    Drip,
    Drop,
    Effect,
    Hang,
    Malformed,
    Proceed,
    Refuse,
    Reset,
    Respond,
    Serving,
    SlowClose,
    Truncate,
)
from mockscim.faults.engine import NO_FAULT, Applied, Attempt, Decision, FaultEngine, Served
from mockscim.faults.errors import FaultError
from mockscim.faults.registry import FaultType, all_types, find_type
from mockscim.faults.rule import Rule, compile_rule, compile_rules
from mockscim.faults.scenario import (
    Scenario,
    bundled_scenarios,
    load_bundled_scenario,
    load_scenario,
    read_scenario,
)
from mockscim.faults.spec import latency_rule, parse_spec, rule_document

__all__ = [
    "NO_FAULT",
    "Applied",
    "Attempt",
    "Decision",
    "Delay",
    "Drip",
    "Drop",
    "Effect",
    "FaultEngine",
    "FaultError",
    "FaultType",
    "Hang",
    "Malformed",
    "Proceed",
    "Refuse",
    "Reset",
    "Respond",
    "Rule",
    "Scenario",
    "Served",
    "Serving",
    "SlowClose",
    "Truncate",
    "all_types",
    "bundled_scenarios",
    "compile_rule",
    "compile_rules",
    "find_type",
    "latency_rule",
    "load_bundled_scenario",
    "load_scenario",
    "parse_spec",
    "read_scenario",
    "rule_document",
    "types_catalogue",
]


def types_catalogue() -> list[dict[str, Any]]:
    """Every fault type with the JSON Schema of its parameters, by name: the items of ``GET fault-types``."""
    return [kind.describe() for kind in all_types()]
