"""Which test shows which requirement of the RFCs: ``python -m tests.rfc_table`` writes ``tests/rfc7644.md``.

The requirements stand in ``rfc7644.toml``; a test says with ``@pytest.mark.rfc("3.4.2.4-3")`` what it shows. The marks
are read from the source, not from pytest's collection, so that this costs a moment and needs nothing installed.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
DATA = HERE / "rfc7644.toml"
PAGE = HERE / "rfc7644.md"
RFCS = {"rfc7644": ("RFC 7644", ""), "rfc7643": ("RFC 7643", "7643/"), "rfc9865": ("RFC 9865", "9865/")}
LEVELS = ("MUST", "MUST NOT", "SHALL", "SHALL NOT", "SHOULD", "SHOULD NOT", "REQUIRED", "stated")
HEAD = """# What the RFCs ask of a service provider, and the test that shows it

Made by `python -m tests.rfc_table` from `rfc7644.toml` and the `rfc` marks of the tests; do not edit it.

There is a row for each key word of RFC 7644 §3 and §4, of RFC 7643 §2, §3 and §7, and of RFC 9865, in their order, and
for some behaviours that the text states without one. The wording is ours: the RFC's own counts.
"""


@dataclass(frozen=True)
class Requirement:
    """One row: its key as markers write it, and what ``rfc7644.toml`` says of it."""

    key: str
    section: str
    level: str
    says: str
    left_out: str | None


@dataclass(frozen=True)
class Shown:
    """A test that carries the mark: its file below ``tests``, its name."""

    file: str
    name: str


def load() -> dict[str, tuple[dict[str, str], list[Requirement]]]:
    """The titles of the sections and the requirements of each RFC."""
    found = {}
    for rfc, tables in tomllib.loads(DATA.read_text("utf-8")).items():
        prefix = RFCS[rfc][1]
        rows = [
            Requirement(prefix + key, key.rpartition("-")[0], row["level"], row["says"], row.get("left_out"))
            for key, row in tables["requirements"].items()
        ]
        found[rfc] = (tables["sections"], rows)
    return found


def marks(folder: Path = HERE) -> dict[str, list[Shown]]:
    """The tests that carry each key, in the order of files and lines."""
    found: dict[str, list[Shown]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        text = path.read_text("utf-8")
        if "mark.rfc(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for key in _keys(node):
                    found.setdefault(key, []).append(Shown(path.relative_to(folder).as_posix(), node.name))
    return found


def _keys(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.rfc":
            yield from (ast.literal_eval(argument) for argument in decorator.args)


def page() -> str:
    """The table, as Markdown."""
    shown = marks()
    lines = [HEAD]
    for rfc, (sections, rows) in load().items():
        lines.append(_summary(RFCS[rfc][0], rows))
        for section, title in sections.items():
            lines += ["", f"### {section} {title}", "", "| key | level | what | shown by |", "|---|---|---|---|"]
            lines += [
                f"| {row.key} | {row.level} | {row.says} | {_shown(row, shown.get(row.key, []))} |"
                for row in rows
                if row.section == section
            ]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _summary(name: str, rows: list[Requirement]) -> str:
    left = sum(row.left_out is not None for row in rows)
    return f"## {name}\n\n{len(rows)} rows: {len(rows) - left} shown by tests, {left} left out."


def _shown(row: Requirement, tests: list[Shown]) -> str:
    if row.left_out is not None:
        return f"*left out: {row.left_out}*"
    return "<br>".join(f"[{test.name}]({test.file})" for test in tests)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    print(f"{PAGE} written")
