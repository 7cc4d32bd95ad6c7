"""``mockscim provision okta``: an application with provisioning, its pushes, imports and tasks.

Exit statuses as of ``mockscim provision entra``.
"""

# ruff: noqa: PLC0415 - what a command needs is imported inside it

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import click

from mockscim.provision_cli import given as shared
from mockscim.provision_cli.given import CYCLES, FOR, JSON, WORLD, Failed, WrongInput, gathering, options
from mockscim.provision_cli.reading import failed_words, interrupted, report_document, show_log

if TYPE_CHECKING:
    from mockscim.provision import Okta, Report
    from mockscim.provisioning.okta import ImportResult

Given = dict[str, Any]

_OWN = (shared.option("--app-type", type=click.Choice(["oin", "aiw"]), help="Of the catalogue, or the wizard's."),)
_app = gathering("okta", (*WORLD, *_OWN))
_cycles = gathering("okta", (*WORLD, *_OWN, CYCLES, FOR))


@click.group(invoke_without_command=True)
@options((*WORLD, *_OWN, CYCLES, FOR))
@click.pass_context
def okta(ctx: click.Context, /, **values: Any) -> None:  # noqa: ANN401 - the options'
    """Okta's SCIM client. Without a verb: run.

    Options may stand before the verb or behind it, and have twins in the environment: MOCKSCIM_PROVISION_TOKEN.
    With --state, what was said once need not be said again; what the environment says does not change it.
    """
    shared.begin(ctx, "okta", values, _run)


def _session(given: Given, **more: Any) -> Okta:  # noqa: ANN401 - a watcher
    from mockscim.provision import Okta

    return Okta(
        given.get("source"),
        given.get("target"),
        app_type=given.get("app_type"),
        settings=given.get("settings"),
        seed=given.get("seed"),
        throttling=given.get("throttling"),
        **shared.world(given),
        **more,
    )


@okta.command("test-connection")
@JSON
@_app
def test_connection(given: Given, *, as_json: bool) -> None:
    """Test the API credentials."""
    session = _session(shared.only_if_kept(given))
    found = shared.work(session, session.test_connection)
    if as_json:
        shared.say_json(found._asdict())
    elif found.ok:
        click.echo(found.message)
    if not found.ok:
        raise Failed(f"{found.code}: {found.message}{shared.target_hint(given, session)}")


@okta.command()
@click.argument("group", required=False)
@click.option("--link-to", metavar="ID", help="Link GROUP to this group of the target first.")
@JSON
@_app
def push(given: Given, *, group: str | None, link_to: str | None, as_json: bool) -> None:
    """Push what has changed since the last push; with GROUP that group whole, as "Push now" does."""
    if link_to is not None and group is None:
        raise WrongInput("--link-to wants a GROUP")

    async def doing(session: Okta) -> Report:
        if group is None:
            return await session.push()
        return await (session.push_now(group) if link_to is None else session.link_group(group, link_to))

    _do(given, doing, as_json=as_json)


@okta.command("push-password")
@click.argument("user")
@click.option("--password", envvar="MOCKSCIM_PROVISION_PASSWORD", metavar="TEXT", help="[default: a random one]")
@JSON
@_app
def push_password(given: Given, *, user: str, password: str | None, as_json: bool) -> None:
    """Push a user's password; in the file of --settings, sync_password has to be true."""
    _do(given, lambda session: session.push_password(user, password), as_json=as_json)


@okta.command()
@click.argument("tasks", nargs=-1)
@JSON
@_app
def retry(given: Given, *, tasks: tuple[str, ...], as_json: bool) -> None:
    """Try again what has failed: the TASKS that status shows, or all."""
    shared.job_wanted(given, "okta", "retry")

    async def doing(session: Okta) -> Report | None:
        return await session.retry(tasks or None) if session.tasks else None

    _do(given, doing, as_json=as_json, nothing="there are no tasks: nothing has to be tried again")


def _do(
    given: Given, what: Callable[[Okta], Coroutine[Any, Any, Report | None]], *, as_json: bool, nothing: str = ""
) -> None:
    async def listed(session: Okta) -> list[Report]:
        report = await what(session)
        if report is None and not as_json:
            click.echo(nothing)
        return [report] if report is not None else []

    _show(given, listed, as_json=as_json)


@okta.command()
@JSON
@_cycles
def run(given: Given, *, as_json: bool) -> None:
    """Push changes as they come, of the directory's steps and of its file.

    Without --cycles and --for it ends when interrupted, in virtual time when there are no more steps. --cycles counts
    pushes that had something to do. What is tried again by itself is, ten minutes later or with the next push.
    """
    _run(given, as_json=as_json)


def _run(given: Given, *, as_json: bool) -> None:
    cycles, duration = shared.ends(given)
    _show(given, lambda session: session.run(cycles, duration=duration), as_json=as_json)


def _show(given: Given, what: Callable[[Okta], Coroutine[Any, Any, list[Report]]], *, as_json: bool) -> None:
    from mockscim.provision.progress import Silent, for_terminal

    watcher = Silent() if as_json else for_terminal()
    session = _session(given, watcher=watcher)

    async def doing() -> list[Report]:
        shared.source_wanted(session)
        return await what(session)

    reports = shared.work(session, doing, gently=True)
    watcher.flush()
    if as_json:
        for report in reports:
            shared.say_json(report_document(report), indent=False)
    if session.interrupted:
        interrupted(given.get("state"))
    bad = [report for report in reports if report.failures]
    if bad and session.tasks:
        hint = shared.target_hint(given, session, session.app.settings.target)
        raise Failed(failed_words(bad, hint + shared.log_hint(given, "okta", session)))


@okta.command("import")
@click.argument("what", type=click.Choice(["users", "groups"]), default="users")
@click.option("--confirm", is_flag=True, help="Take the exact matches for the same person: linked, and assigned.")
@JSON
@_app
def import_(given: Given, *, what: str, confirm: bool, as_json: bool) -> None:
    """Read the target's users or groups, page after page, and say who could be whom."""
    session = _session(given)

    async def doing() -> tuple[ImportResult, int]:
        shared.source_wanted(session)
        result = await (session.import_users() if what == "users" else session.import_groups())
        return result, session.confirm_exact(result) if confirm and what == "users" else 0

    result, confirmed = shared.work(session, doing)
    if as_json:
        shared.say_json(
            {
                "pages": result.pages,
                "total": result.total,
                "error": result.error,
                "counts": result.counts,
                "users": result.users,
                "groups": result.groups,
                "confirmed": confirmed,
            }
        )
    elif not result.error:
        _say_import(result, confirmed)
    if result.error:
        hint = shared.target_hint(given, session, session.app.settings.target)
        raise Failed(f"the import failed: {result.error}{hint}")


def _say_import(result: ImportResult, confirmed: int) -> None:
    from mockscim.provision.pages import plural
    from mockscim.tables import grid

    if result.users:
        rows = [
            (one.category, one.user_name, one.id, ", ".join(one.matches) or one.reason or "-") for one in result.users
        ]
        shared.say(grid(("category", "userName", "id", "matches"), rows, shared.width()))
    elif result.groups:
        named = [(one.category, one.display_name, one.id, len(one.members)) for one in result.groups]
        shared.say(grid(("category", "displayName", "id", "members"), named, shared.width()))
    counts = ", ".join(f"{count} {name}" for name, count in result.counts.items() if count) or "nothing"
    click.echo(f"{counts}; {plural(result.pages, 'page')}" + (f"; {confirmed} confirmed" if confirmed else ""))


@okta.command()
@JSON
@_app
def status(given: Given, *, as_json: bool) -> None:
    """Counts, and the tasks that wait for an administrator."""
    from mockscim.provision.pages import app_lines

    shared.state_wanted(given, "status")
    session = _session(given)
    session.look()
    if as_json:
        shared.say_json({**session.status(), "tasks": session.tasks})
        return
    retry_verb = shared.again(given, "okta", "retry")
    target = session.app.settings.target
    shared.say(app_lines(session.status(), session.tasks, target, session.now, shared.width(), retry_verb))


@okta.command()
@click.argument("entry_id", required=False, metavar="[ID]")
@click.option("--failures", is_flag=True, help="Only what failed.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@JSON
@_app
def log(given: Given, *, entry_id: str | None, failures: bool, form: str, as_json: bool) -> None:
    """The System Log's events of provisioning as a table, or with an ID one event in full."""
    show_log(given, "okta", entry_id, "json" if as_json else form, failures=failures)
