"""The figures as tables, for the terminal and for docs/performance.md."""

from __future__ import annotations

from collections.abc import Sequence

Table = Sequence[Sequence[str]]


def plain(table: Table) -> str:
    """A table for a terminal: the first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    lines = []
    for row in table:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def markdown(table: Table) -> str:
    """A table for a page."""
    head, *body = table
    rule = ["---", *("---:" for _ in head[1:])]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *body))


def verdict(*, reached: bool) -> str:
    """What is said beside a goal."""
    return "reached" if reached else "MISSED"
