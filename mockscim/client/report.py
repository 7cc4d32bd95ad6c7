"""What a failed test is told of its server, and what may have gone wrong without anybody's noticing.

Text of at most 100 columns, without colour, from documents of the control API.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from mockscim.client import failure
from mockscim.tables import WIDTH, printable

_EVERYTHING = 10**9
_MOST_TOLD = 5

# Asks the control API: method, path, parameters.
Ask = Callable[[str, str, Mapping[str, object] | None], Any]


class Known(NamedTuple):
    """What a report is made of, as the control API gives it."""

    facts: Mapping[str, Any]
    entries: Sequence[Mapping[str, Any]]
    under_way: int
    rules: Sequence[Mapping[str, Any]]
    judgement: Mapping[str, Any]


def look(ask: Ask) -> Known:
    """Ask for all that a report tells."""
    page = ask("GET", "/journal", {"limit": _EVERYTHING})
    rules = ask("GET", "/faults", None)["items"]
    return Known(ask("GET", "/", None), page["items"], page["under_way"], rules, ask("GET", "/invariants", None))


def report(known: Known, command: str, since: int = 0, noticed: Iterable[str] = (), width: int = WIDTH) -> str:
    """What the section of a failed test says.

    Args:
        known: what is known of its server.
        command: what runs this test again with the same seed.
        since: the number of the last exchange before the test began.
        noticed: what went wrong besides.
        width: columns.
    """
    facts = known.facts
    if known.entries and known.entries[-1]["n"] < since:
        since = 0  # a reset has begun to count anew
    entries = [entry for entry in known.entries if entry["n"] > since]
    about = [f"profile {facts['profile']}", f"seed {facts['seed']}", *(["strict"] if facts["strict"] else [])]
    about += [f"{count} {name}{'' if count == 1 else 's'}" for name, count in facts["resources"].items()]
    lines = [*folded(", ".join(about), width), printable(facts["base_url"]), ""]
    lines += [line for each in noticed for line in folded(each, width)]
    lines += [f"exchanges before this test: {since}"] if since else []
    if entries or not known.under_way:
        lines += failure.tail(entries, width=width)
    lines += [f"requests under way, not in the journal yet: {known.under_way}"] if known.under_way else []
    lines += ["", *failure.struck(entries, width), *_others(known.rules, entries, width), *_invariants(known, width)]
    by_hand = failure.command(facts["reproduce"], width)[1:]
    return "\n".join([*lines, *failure.command(command, width), "the same server by hand:", *by_hand])


def _others(rules: Iterable[Mapping[str, Any]], entries: Iterable[Mapping[str, Any]], width: int) -> list[str]:
    """The rules in force that have struck what is not over yet, and those that have struck nothing."""
    told = {fault["rule"] for entry in entries for fault in entry["faults"]}
    elsewhere = ", ".join(_rule(rule) for rule in rules if rule["hits"] and rule["name"] not in told)
    idle = ", ".join(_rule(rule) for rule in rules if not rule["hits"])
    return [
        *(folded(f"faults that struck what is not shown or not over: {elsewhere}", width) if elsewhere else []),
        *(folded(f"faults that did not: {idle}", width) if idle else []),
    ]


def _invariants(known: Known, width: int) -> list[str]:
    broken = [item for item in known.judgement["items"] if item["verdict"] == "broken"]
    if not broken:
        return ["invariants broken: none"]
    lines = ["invariants broken:"]
    for item in broken:
        lines += folded(f"  {item['id']} {item['name']}: {item['why']}", width)
    return lines


def failures(ask: Ask) -> list[str]:
    """Where the server itself failed: an answer of 500 that no fault has made."""
    entries = ask("GET", "/journal", {"status": "500", "limit": _EVERYTHING})["items"]
    own = [f"{entry['method']} {entry['path']} (#{entry['n']})" for entry in entries if not entry["faults"]]
    return [f"mockscim itself failed with 500 at {_some(own)}; its log has the traceback"] if own else []


def held(ask: Ask) -> list[str]:
    """The gates that hold requests, or have held some until their time was up."""
    found = []
    for gate in ask("GET", "/gates", None)["items"]:
        if gate["waiting"] or gate["timed_out"]:
            match = ", ".join(f"{key} {value}" for key, value in gate["match"].items()) or "any request"
            held = [f"requests that wait there: {gate['waiting']}"] if gate["waiting"] else []
            gone = [f"that went on after {gate['timeout']:g} s: {gate['timed_out']}"] if gate["timed_out"] else []
            found.append(
                f"the gate {gate['name']} ({match}; {gate['at']}) was never released; {', '.join(held + gone)}. "
                "Call release(), or let it end with its block: with scim.gate(…)"
            )
    return found


def unfired(rules: Sequence[Mapping[str, Any]], scenario: str = "") -> list[str]:
    """The fault rules that were put in force and never struck.

    Args:
        rules: their documents with ``hits`` and ``matches``.
        scenario: whose rules they are all: of it one would have been enough.
    """
    if len(rules) > 1 and scenario:
        if any(rule["hits"] for rule in rules):
            return []
        told = "; ".join(f"{_rule(rule)}: {_matched(rule)}" for rule in rules)
        return [f"the scenario {printable(scenario)} never struck: {told}"]
    return [f"the fault {_rule(rule)} never struck: {_matched(rule)}" for rule in rules if not rule["hits"]]


def _matched(rule: Mapping[str, Any]) -> str:
    return f"{rule['matches'] or 'no'} request{'s' * (rule['matches'] > 1)} matched"


def _rule(rule: Mapping[str, Any]) -> str:
    operation = rule.get("match", {}).get("operation", "*")
    does = rule.get("type") or f"sequence of {len(rule['sequence'])}"
    return printable(f"{rule['name']} ({operation if isinstance(operation, str) else ', '.join(operation)}: {does})")


def _some(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _MOST_TOLD} more" if len(texts) > _MOST_TOLD else ""
    return printable(", ".join(texts[:_MOST_TOLD])) + more


def folded(line: str, width: int = WIDTH) -> list[str]:
    """A line, folded below its own indentation."""
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return textwrap.wrap(printable(line), width, subsequent_indent=indent, replace_whitespace=False)
