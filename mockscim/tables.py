"""What people read in a terminal: exchanges, rules and profiles as lines of text.

Names, paths and filters come from clients, so all that is shown goes through ``printable``: an escape sequence in a
path must not reach the terminal, nor a line break begin a line of its own.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

WIDTH = 100

# The columns of the journal and their widths; request and fault share what a wider terminal has to give.
_JOURNAL = (
    ("n", 5),
    ("time", 12),
    ("request", 32),
    ("operation", 14),
    ("answer", 6),
    ("commit", 6),
    ("fault", 14),
    ("len", 3),
)


def printable(text: str) -> str:
    """The text with whatever a terminal would obey, and line breaks, escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def clip(text: str, width: int) -> str:
    """The text on one line of at most ``width`` characters; ``…`` says that some is missing."""
    text = printable(text)
    return text if len(text) <= width else text[: width - 1] + "…"


def grid(header: Sequence[str], rows: Iterable[Sequence[object]], width: int = WIDTH, most: int = 1) -> list[str]:
    """Lines of a table whose columns are as wide as they need to be.

    Args:
        header: the first row.
        rows: the others.
        width: columns of the terminal.
        most: so many lines the last column may go on for below itself, before it is cut.
    """
    cells = [list(header), *([printable(str(cell)) for cell in row] for row in rows)]
    widths = [max(len(row[index]) for row in cells) for index in range(len(header) - 1)]
    lines: list[str] = []
    for row in cells:
        head = "".join(f"{cell:<{size}}  " for cell, size in zip(row, widths, strict=False))
        if most == 1:
            lines.append(clip(f"{head}{row[-1]}".rstrip(), width))
        else:
            room = max(1, width - len(head))
            first, *others = textwrap.wrap(row[-1], room, max_lines=most, placeholder="…") or [""]
            lines += [f"{head}{first}".rstrip(), *(" " * len(head) + other for other in others)]
    return lines


def journal_head(width: int = WIDTH) -> str:
    """The first line of the journal's table."""
    return _journal_line([name for name, _ in _JOURNAL], width)


def journal_row(entry: Mapping[str, Any], width: int = WIDTH) -> str:
    """A journal entry as a line of the table; ``answer`` is a status, or ``cut`` or ``gone`` where none arrived."""
    query = f"?{unquote(entry['query'])}" if entry["query"] else ""
    answer = str(entry["response"]["status"]) if entry["response"] else "cut"
    if entry["client_gone"]:
        answer = "gone"
    # What took the place of the answer first: a delay is the lesser news, and the column is narrow.
    faults = sorted(entry["faults"], key=lambda fault: bool(fault["type"] == "latency"))
    return _journal_line(
        [
            str(entry["n"]),
            entry["time"][11:23],
            f"{entry['method']} {entry['path'] or '/'}{query}",
            entry["operation"] or "-",
            answer,
            "yes" if entry["committed"] else "no",
            ", ".join(fault_text(fault) for fault in faults) or "-",
            str(len(entry["leniencies"]) or "-"),
        ],
        width,
    )


def fault_text(fault: Mapping[str, Any]) -> str:
    """A fault as the journal has it, in a few words: ``503``, ``reset after``."""
    return f"{fault['outcome']} after" if fault["phase"] == "after" else str(fault["outcome"])


def _journal_line(cells: Sequence[str], width: int) -> str:
    spare = max(0, width - WIDTH)
    parts = []
    for (name, size), cell in zip(_JOURNAL, cells, strict=True):
        room = size + {"request": spare - spare // 3, "fault": spare // 3}.get(name, 0)
        parts.append(f"{clip(cell, room):>{room}}" if name in ("n", "len") else f"{clip(cell, room):<{room}}")
    return " ".join(parts).rstrip()


def rule_rows(rules: Iterable[Mapping[str, Any]]) -> Iterable[tuple[object, ...]]:
    """Fault rules as rows: name, what it does, to what, phase, chance, hits of matches."""
    for rule in rules:
        operation = rule.get("match", {}).get("operation", "*")
        does = rule.get("type") or f"sequence of {len(rule['sequence'])}"
        parameters = ", ".join(f"{key}={value}" for key, value in rule.get("parameters", {}).items())
        yield (
            rule["name"],
            operation if isinstance(operation, str) else ", ".join(operation),
            rule.get("phase", "-"),
            f"{rule.get('probability', 1):g}",
            f"{rule['hits']}/{rule['matches']}",
            f"{does} {parameters}".strip(),
        )


def fault_type_lines(kind: Mapping[str, Any]) -> Iterable[str]:
    """A fault type in full: what it does, what a correct client does, and its parameters."""
    yield f"{kind['name']} ({kind['family']}, {' or '.join(kind['phases'])}): {kind['doc']}"
    yield f"A correct client: {kind['correct_client']}"
    if kind["aliases"]:
        yield f"Also called: {', '.join(kind['aliases'])}"
    parameters = kind["parameters"].get("properties", {})
    required = kind["parameters"].get("required", ())
    yield "Parameters:" if parameters else "It has no parameters."
    for name, schema in parameters.items():
        what = schema.get("description", schema.get("type", ""))
        yield f"  {name}{' (required)' if name in required else ''}: {what}"


def judgement_lines(judgement: Mapping[str, Any], width: int = WIDTH) -> Iterable[str]:
    """The judge's verdicts: a line each, the evidence of what is broken below it, and how to begin again."""
    for item in judgement["items"]:
        head = f"{item['id']:<4}{item['name']:<37}{item['verdict']:<15} "
        yield from wrapped(head, item["why"], " " * 8, width)
        for proof in item["evidence"]:
            yield from wrapped(" " * 8 + f"{proof_place(proof):<18} ", proof["what"], " " * 27, width)
        if item["more"]:
            yield " " * 8 + f"… and {item['more']} more"
    broken = judgement["broken"]
    yield ""
    count = f"{judgement['exchanges']} exchanges"
    yield f"{count}: {f'broken: {chr(44).join(broken)}' if broken else 'nothing is broken'}; seed {judgement['seed']}"
    if broken:
        yield f"reproduce: {printable(judgement['reproduce'])}"


def proof_place(proof: Mapping[str, Any]) -> str:
    """Where a piece of evidence is found: ``#12, change 3``."""
    parts = [f"#{proof['journal']}"] if proof["journal"] is not None else []
    parts += [f"change {proof['history']}"] if proof["history"] is not None else []
    return ", ".join(parts) or "-"


def wrapped(head: str, text: str, indent: str, width: int) -> Iterable[str]:
    """The text behind ``head``, in lines of ``width``; those after the first begin with ``indent``."""
    shown = printable(text)
    return textwrap.wrap(shown, width, initial_indent=head, subsequent_indent=indent) or [head.rstrip()]


def scenario_lines(name: str, scenario: Mapping[str, Any]) -> Iterable[str]:
    """A scenario in full: what happens, where that has happened, what a correct client does, and its rules."""
    yield f"{name}: {scenario['description']}"
    if scenario["source"]:
        yield f"Source: {scenario['source']}"
    if scenario["correct_client"]:
        yield f"A correct client: {scenario['correct_client']}"
    if scenario["seed"] is not None:
        yield f"Seed: {scenario['seed']}"
    yield "Rules:"
    yield from (f"  {json.dumps(rule, ensure_ascii=False)}" for rule in scenario["rules"])


def profile_lines(profile: Mapping[str, Any], leniencies: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    """A profile in full: every quirk with how it is known and how it is switched, then what it lets pass."""
    yield f"{profile['name']}: {profile['title']}"
    if profile["description"]:
        yield profile["description"]
    for quirk in profile["quirks"]:
        yield ""
        yield f"* {quirk['what']}"
        yield f"  {quirk['confidence']}: {quirk['source']}"
        if quirk["setting"]:
            yield f"  switch: {quirk['setting']}" + (f"; otherwise {quirk['otherwise']}" if quirk["otherwise"] else "")
            for name in quirk["setting"].split(", "):
                if name in profile.get("switched", {}):
                    yield f"  switched here: {name} = {profile['switched'][name]}"
    yield ""
    yield "Leniencies, switched by --strict, --accept CODE and --refuse CODE:"
    rows = [("on" if row["on"] else "off", row["code"], row["source"], row["accepts"]) for row in leniencies]
    yield from (f"  {line}" for line in grid(("", "code", "refused by", "what is accepted"), rows, WIDTH * 2))
