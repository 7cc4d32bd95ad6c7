"""What people read in a terminal: exchanges, rules and profiles as lines of text.

Names, paths and filters come from clients, so all that is shown goes through ``printable``: an escape sequence in a
path must not reach the terminal, nor a line break begin a line of its own.
"""

from __future__ import annotations

import json
import textwrap
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any
from urllib.parse import unquote

from mockscim.durations import format_duration

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


def cells(text: str) -> int:
    """How many columns of a terminal a text takes: an ideograph two (UAX #11), a combining mark none."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def padded(text: str, width: int) -> str:
    """The text with blanks behind it, ``width`` columns wide."""
    return text + " " * (width - cells(text))


def clip(text: str, width: int) -> str:
    """The text on one line of at most ``width`` columns; ``…`` says that some is missing."""
    text = printable(text)
    if cells(text) <= width:
        return text
    ends = accumulate(map(_cells, text))
    return text[: sum(end < width for end in ends)] + "…"


def grid(header: Sequence[str], rows: Iterable[Sequence[object]], width: int = WIDTH, most: int = 1) -> list[str]:
    """Lines of a table whose columns are as wide as they need to be.

    Args:
        header: the first row.
        rows: the others.
        width: columns of the terminal.
        most: so many lines the last column may go on for below itself, before it is cut.
    """
    shown = [list(header), *([printable(str(cell)) for cell in row] for row in rows)]
    widths = [max(cells(row[index]) for row in shown) for index in range(len(header) - 1)]
    lines: list[str] = []
    for row in shown:
        head = "".join(f"{padded(cell, size)}  " for cell, size in zip(row, widths, strict=False))
        if most == 1:
            lines.append(clip(f"{head}{row[-1]}".rstrip(), width))
        else:
            room = max(1, width - cells(head))
            first, *others = textwrap.wrap(row[-1], room, max_lines=most, placeholder="…") or [""]
            lines += [f"{head}{first}".rstrip(), *(" " * cells(head) + other for other in others)]
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
        parts.append(f"{clip(cell, room):>{room}}" if name in ("n", "len") else padded(clip(cell, room), room))
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


_KINDS = {
    "integer": "An integer",
    "number": "A number",
    "string": "Text",
    "boolean": "True or false",
    "array": "A list",
    "object": "An object",
}


def fault_type_lines(kind: Mapping[str, Any], width: int = WIDTH) -> Iterable[str]:
    """A fault type in full: what it does, what a correct client does, and its parameters."""
    yield f"{kind['name']} ({kind['family']}, {' or '.join(kind['phases'])}): {kind['doc']}"
    yield f"A correct client: {kind['correct_client']}"
    if kind["aliases"]:
        yield f"Also called: {', '.join(kind['aliases'])}"
    parameters = kind["parameters"].get("properties", {})
    required = kind["parameters"].get("required", ())
    yield "Parameters:" if parameters else "It has no parameters."
    for name, schema in parameters.items():
        default = schema.get("default")
        told = "optional" if default is None else f"default {_word(default, duration=_is_duration(schema))}"
        text = f"{'required' if name in required else told}): {schema['description']} {_takes(schema)}"
        yield from wrapped(f"  {name} (", text.rstrip(), " " * 6, width)


def _is_duration(schema: Mapping[str, Any]) -> bool:
    """Whether it is the schema of a number of seconds, or text such as 50ms."""
    return "anyOf" in schema and "50ms" in schema.get("examples", ())


def _word(value: object, *, duration: bool = False) -> str:
    """A default as it is given: ``reset``, ``0.5``, ``get, list``, ``30s``."""
    if duration and isinstance(value, int | float):
        return format_duration(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool | dict):
        return json.dumps(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _takes(schema: Mapping[str, Any]) -> str:
    """What a value may be, from its JSON Schema, as a sentence; empty where any may be."""
    if _is_duration(schema):
        return "A duration."
    if "enum" in schema:
        return f"One of {', '.join(dict.fromkeys(map(str, schema['enum'])))}."
    arms = [arm for arm in schema.get("anyOf", ()) if arm.get("type") != "null"]
    if len(arms) == 2 and arms[1].get("items") == arms[0]:
        return _takes(arms[0]).replace("One of", "One or several of", 1)
    if arms:
        told = list(dict.fromkeys(_takes(arm).rstrip(".") for arm in arms))
        return " or ".join([told[0], *(text[:1].lower() + text[1:] for text in told[1:])]) + "." if all(told) else ""
    kind = _KINDS.get(schema.get("type", ""), "")
    low, high = schema.get("minimum"), schema.get("maximum")
    bounds = f" from {low} to {high}" if high is not None else f", {low} or more" if low is not None else ""
    return f"{kind}{bounds}." if kind else ""


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
    rows = [
        (("on" if row["on"] else "off") if row["asked"] else "not asked", row["code"], row["source"], row["accepts"])
        for row in leniencies
    ]
    own = [row for row in rows if not row[1].startswith("interop-")]
    yield ""
    yield "Leniencies, switched by --strict, --accept CODE and --refuse CODE:"
    yield from (f"  {line}" for line in grid(("", "code", "refused by", "what is accepted"), own, WIDTH * 2))
    yield ""
    yield "Those of the interoperability profile, switched by --accept CODE and --refuse CODE; --strict leaves them:"
    others = [row for row in rows if row not in own]
    yield from (f"  {line}" for line in grid(("", "code", "forbidden by", "what is accepted"), others, WIDTH * 2))
    if any(row[0] == "not asked" for row in others):
        yield "  not asked: neither refused nor noted, until one of them is refused or behaviour.interop is on"
