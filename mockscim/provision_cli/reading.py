"""What the verbs ``log`` and ``cycle`` print, for every provider alike."""

# ruff: noqa: PLC0415 - what a command needs is imported inside it

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mockscim.provision_cli.given import WrongInput, say, say_json, width

if TYPE_CHECKING:
    from mockscim.provision.report import Report


def show_log(given: dict[str, Any], provider: str, entry_id: str | None, form: str, *, failures: bool) -> None:
    """The log's entries as a table or as JSON, or one of them in full."""
    from mockscim.provision.files import StateFile, read_lines
    from mockscim.provision.pages import entry_id as id_of
    from mockscim.provision.pages import entry_lines, log_lines
    from mockscim.provision.report import status_of

    path = given.get("log")
    if not path and given.get("state"):
        kept = StateFile(given["state"], provider).read()
        path = kept.log if kept is not None else ""
    if not path:
        raise WrongInput("log wants --log FILE, or --state FILE of a job that was run with --log")
    entries = read_lines(path, "--log")
    if entry_id is not None:
        found = [one for one in entries if entry_id and id_of(one).startswith(entry_id)]
        if not found:
            raise WrongInput(f"there is no entry {entry_id!r} in {path}; log --json shows the ids")
        if form == "json":
            say_json(found[-1])
        else:
            say(entry_lines(found[-1], width()))
        return
    shown = [one for one in entries if not failures or status_of(one) == "failure"]
    if form == "json":
        for one in shown:
            say_json(one, indent=False)
    else:
        say(log_lines(shown, width()))


def report_document(report: Report) -> dict[str, Any]:
    """A cycle for machines."""
    from mockscim.clock import format_instant

    return {
        "cycle": report.number,
        "at": format_instant(report.at),
        "initial": report.initial,
        "quiet": report.quiet,
        "interrupted": report.broken_off,
        "ok": report.ok,
        "requests": report.requests,
        "statuses": dict(report.statuses),
        "actions": dict(report.actions),
        "events": report.events,
    }


def failed_words(reports: list[Report], option: str) -> str:
    """Which objects failed, the first three by name."""
    from mockscim.provision.pages import log_row, plural

    rows = [log_row(entry) for report in reports for entry in report.failures]
    first = "; ".join(f"{row[2]}: {row[4]}" if row[4] else row[2] for row in rows[:3])
    more = f" and {len(rows) - 3} more" if len(rows) > 3 else ""
    return f"{plural(len(rows), 'failure')}: {first}{more}{f'; see mockscim provision {option} log' if option else ''}"


def is_file(name: str) -> bool:
    """Whether there is such a file."""
    return Path(name).is_file()


def interrupted(state: str | None) -> None:
    """Say what became of it, and end."""
    from mockscim.provision_cli.given import INTERRUPTED

    kept = f"; the job is kept in {state}" if state else "; without --state it is not kept"
    click.echo(f"mockscim: interrupted{kept}", err=True)
    raise click.exceptions.Exit(INTERRUPTED)
