"""What a test is told when it fails: text of at most 100 columns, without colour, from what the control API says.

Pure functions over its documents. Names, paths and filters come from clients: whatever a terminal would obey is
escaped, as in ``tables``.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mockscim.durations import format_duration, parse_duration
from mockscim.faults.documents import suggestion
from mockscim.tables import WIDTH, journal_head, journal_row, printable, proof_place

Entry = Mapping[str, Any]

_COMPARABLE = 5000  # names; to find the nearest of more would take long
_TAIL = 12  # exchanges that are told of at most
_REPRODUCE = "reproduce: "
_RULES = "  # rules.json: "
_OPTION = re.compile(r" (?=--[a-z])")


def explanation(text: str, width: int = WIDTH) -> str:
    """What ``verify`` explains, its lines folded."""
    lines: list[str] = []
    for line in text.split("\n"):
        if line.startswith(_REPRODUCE):
            lines += command(line.removeprefix(_REPRODUCE), width)
        else:
            lines += _folded(line, width)
    return "\n".join(lines)


def judgement(found: Mapping[str, Any], entries: Sequence[Entry], width: int = WIDTH) -> str:
    """What ``check`` raises: each broken invariant with its evidence, the faults that struck, how to reproduce it.

    Args:
        found: the judge's answer.
        entries: the journal.
        width: columns.
    """
    known = {entry["n"]: entry for entry in entries}
    broken = [item for item in found["items"] if item["verdict"] == "broken"]
    lines = [f"{len(broken)} of {len(found['items'])} invariants {'is' if len(broken) == 1 else 'are'} broken"]
    for item in broken:
        lines += ["", *_folded(f"{item['id']} {item['name']}: {item['why']}", width)]
        for proof in item["evidence"]:
            place = proof_place(proof)
            lines += _folded("  " + ("" if place == "-" else f"{place}: ") + proof["what"], width)
            if proof["journal"] in known:
                lines.append(f"  | {_row(known[proof['journal']], width - 4)}")
        if item["more"]:
            lines.append(f"  … and {item['more']} more")
    lines += ["", *struck(entries, width)]
    lines += [f"exchanges: {found['exchanges']}, seed: {found['seed']}", *command(found["reproduce"], width)]
    return "\n".join(lines)


def gate_not_reached(
    gate: Mapping[str, Any], timeout: float | str, entries: Sequence[Entry], width: int = WIDTH
) -> str:
    """What is raised when nobody has come to a gate.

    Args:
        gate: as the control API shows it.
        timeout: how long was waited.
        entries: the journal.
        width: columns.
    """
    match = ", ".join(f"{key} {value}" for key, value in gate["match"].items()) or "any request"
    waited = format_duration(parse_duration(timeout))
    lines = _folded(f"no request came to the gate {gate['name']} ({match}; {gate['at']}) within {waited}", width)
    return "\n".join([*lines, *tail(entries, width=width)])


def tail(entries: Sequence[Entry], count: int = _TAIL, width: int = WIDTH) -> list[str]:
    """The journal's last exchanges as a table, and how many there were before them."""
    if not entries:
        return ["the journal is empty: there was no request, or none has been answered yet"]
    before = len(entries) - count
    head = [f"the journal's last {count} exchanges, of {len(entries)}:"] if before > 0 else ["the journal:"]
    return [*head, journal_head(width), *(journal_row(entry, width) for entry in entries[-count:])]


def struck(entries: Iterable[Entry], width: int = WIDTH) -> list[str]:
    """The faults that struck, a line each: rule, type, phase, and the exchanges."""
    places: dict[tuple[str, str, str], list[int]] = {}
    for entry in entries:
        for fault in entry["faults"]:
            places.setdefault((fault["rule"], fault["type"], fault["phase"]), []).append(entry["n"])
    if not places:
        return ["faults that struck: none"]
    lines = ["faults that struck:"]
    for (rule, kind, phase), numbers in places.items():
        shown = ", ".join(f"#{n}" for n in numbers[:_TAIL])
        more = f" and {len(numbers) - _TAIL} more" if len(numbers) > _TAIL else ""
        lines += _folded(f"  {rule} ({kind}, {phase}): {shown}{more}", width)
    return lines


def command(text: str, width: int = WIDTH) -> list[str]:
    """The command that starts the same again, folded so that it can still be copied into a shell."""
    line, _, rules = text.partition(_RULES)
    lines = [_REPRODUCE.rstrip()]
    current = "  "
    for piece in _OPTION.split(printable(line)):
        longer = f"{current} {piece}" if current.strip() else f"{current}{piece}"
        if len(longer) > width - 2 and current.strip():
            lines.append(f"{current} \\")
            longer = f"    {piece}"
        current = longer
    lines.append(current)
    if rules:
        lines += textwrap.wrap(f"  rules.json: {printable(rules)}", width, subsequent_indent="    ")
    return lines


def unknown(what: str, name: str, there: Mapping[str, Sequence[str]], most: int | None = None) -> str:
    """What is said of a name that there is not: the nearest, and those that there are.

    Args:
        what: the first line, without a full stop.
        name: that there is not; "" where nothing is near it.
        there: what there is, by what is said of it.
        most: so many of each are told.
    """
    names = [each for listed in there.values() for each in listed]
    near = suggestion(name, names).rstrip() if name and len(names) <= _COMPARABLE else ""
    lines = _folded(f"{what}: {near}" if near else what, WIDTH)
    for said, listed in there.items():
        more = f" and {len(listed) - most} more" if most is not None and len(listed) > most else ""
        lines += _folded(f"  {said}: {', '.join(listed[:most]) or 'none'}{more}", WIDTH)
    return "\n".join(lines)


def _row(entry: Entry, width: int) -> str:
    """An exchange in one line, which says less than the journal's table and needs no head."""
    status = entry["response"]["status"] if entry["response"] else "no answer"
    query = f"?{entry['query']}" if entry["query"] else ""
    faults = "".join(f", {fault['rule']}" for fault in entry["faults"])
    committed = ", committed" if entry["committed"] else ""
    text = printable(f"#{entry['n']} {entry['method']} {entry['path']}{query} {status}{committed}{faults}")
    return text if len(text) <= width else text[: width - 1] + "…"


def _folded(line: str, width: int) -> list[str]:
    """A line, folded below its own indentation."""
    shown = printable(line)
    indent = " " * (len(shown) - len(shown.lstrip()) + 4)
    return textwrap.wrap(shown, width, subsequent_indent=indent, drop_whitespace=True, replace_whitespace=False) or [""]
