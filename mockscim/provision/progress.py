"""What a person sees while a cycle runs: a bar in a terminal, else a line when it is over."""

from __future__ import annotations

import sys
from typing import Any, TextIO

import click

from mockscim.provision.pages import cycle_line, plural
from mockscim.provision.report import Report
from mockscim.tables import printable


class Silent:
    """Shows nothing."""

    def begin(self, title: str) -> None:
        """A cycle begins."""

    def phase(self, name: str, total: int) -> None:
        """A phase of it begins."""

    def item(self) -> None:
        """One object more is done."""

    def end(self, report: Report) -> None:
        """It is over."""

    def note(self, text: str) -> None:
        """Something to know."""

    def flush(self) -> None:
        """Nothing more comes."""


class Lines(Silent):
    """A line a cycle; of those that found nothing to do only how many there were."""

    def __init__(self, file: TextIO | None = None) -> None:
        self._file = file if file is not None else sys.stdout
        self._quiet = 0
        self._kind = "cycle"
        self._error = ""

    def end(self, report: Report) -> None:
        """Its line."""
        if report.quiet and not report.events:
            self._quiet += 1
            self._kind = report.kind
            return
        self.flush()
        self._write(cycle_line(report, self._error))
        self._error = report.error

    def flush(self) -> None:
        """Tell of the quiet ones."""
        if self._quiet:
            self._write(f"{plural(self._quiet, self._kind)} without news: no request was sent")
            self._quiet = 0

    def note(self, text: str) -> None:
        """A line on standard error."""
        self.flush()
        click.echo(f"mockscim: note: {printable(text)}", err=True)

    def _write(self, text: str) -> None:
        click.echo(printable(text), file=self._file)


class Bar(Lines):
    """A bar for each phase, redrawn in place; when a cycle is over its line takes the bar's."""

    def __init__(self, file: TextIO | None = None) -> None:
        super().__init__(file)
        self._bar: Any = None
        self._title = ""

    def begin(self, title: str) -> None:
        """What stands before the bar."""
        self._title = title

    def phase(self, name: str, total: int) -> None:
        """A bar of its own."""
        self._close()
        if total > 1:
            label = f"{self._title}: {name}"
            self._bar = click.progressbar(
                length=total,
                label=f"{label:<32}",
                file=self._file,
                width=32,
                show_pos=True,
                update_min_steps=max(1, total // 200),
            )
            self._bar.__enter__()

    def item(self) -> None:
        """A step on."""
        if self._bar is not None:
            self._bar.update(1)

    def end(self, report: Report) -> None:
        """Its line."""
        self._close()
        super().end(report)

    def note(self, text: str) -> None:
        """A line below the bar."""
        self._close()
        super().note(text)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None


def for_terminal(file: TextIO | None = None) -> Lines:
    """A bar where somebody sees it."""
    file = file if file is not None else sys.stdout
    return Bar(file) if file.isatty() else Lines(file)
