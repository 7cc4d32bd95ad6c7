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

    path, kept = given.get("log"), ""
    if not path:
        if not given.get("state"):
            raise WrongInput("log wants --log FILE, or --state FILE of a job that was run with --log")
        document = StateFile(given["state"], provider).document()
        if document is None:
            raise WrongInput(f"--state {given['state']}: there is no such job")
        path = kept = str(document.get("log") or "")
    # A job that has had nothing to log is no mistake; a file that was named and is not there is.
    entries = read_lines(path, "--log") if path and (not kept or Path(path).exists()) else []
    if entry_id is not None:
        found = [one for one in entries if entry_id and id_of(one).startswith(entry_id)]
        if not found:
            raise WrongInput(f"there is no entry {entry_id!r} in {path or 'the log'}; log --json shows the ids")
        if form == "json":
            say_json(found[-1])
        else:
            say(entry_lines(found[-1], width()))
        return
    shown = [one for one in entries if not failures or status_of(one) == "failure"]
    if form == "json":
        for one in shown:
            say_json(one, indent=False)
    elif shown:
        say(log_lines(shown, width()))
    if not path:
        click.echo("mockscim: note: this job keeps no log; from the run on that is given --log FILE, it does", err=True)
    elif not shown:
        what = "nothing has failed" if entries else "nothing is logged yet"
        click.echo(f"mockscim: note: {what} in {path}", err=True)


def report_document(report: Report) -> dict[str, Any]:
    """A cycle for machines."""
    from mockscim.clock import format_instant

    return {
        "cycle": report.number,
        "at": format_instant(report.at),
        "initial": report.initial,
        "quiet": report.quiet,
        "interrupted": report.broken_off,
        "resumed": report.resumed,
        "ok": report.ok,
        "requests": report.requests,
        "statuses": dict(report.statuses),
        "actions": dict(report.actions),
        "events": report.events,
    }


def failed_words(reports: list[Report], hint: str) -> str:
    """Which objects failed, the first three of each reason by name.

    Args:
        reports: of rounds in which something failed.
        hint: where more is told; empty for nowhere.
    """
    from mockscim.provision.pages import failures_told, plural

    entries = [entry for report in reports for entry in report.failures]
    return f"{plural(len(entries), 'failure')}: {failures_told(entries)}{hint}"


def interrupted(state: str | None) -> None:
    """Say what became of it, and end."""
    from mockscim.provision_cli.given import INTERRUPTED

    kept = f"; the job is kept in {state}" if state else "; without --state it is not kept"
    click.echo(f"mockscim: interrupted{kept}", err=True)
    raise click.exceptions.Exit(INTERRUPTED)
