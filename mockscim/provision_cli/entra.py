"""``mockscim provision entra``: each step of the tutorial has its verb.

Exit statuses: 0 done, 1 something failed or is in quarantine (standard error says which), 2 wrong usage or input, 130
interrupted.
"""

# ruff: noqa: PLC0415 - what a command needs is imported inside it

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mockscim.provision_cli import given as shared
from mockscim.provision_cli.given import CYCLES, FOR, JSON, WORLD, Failed, WrongInput, gathering, options
from mockscim.provision_cli.reading import failed_words, interrupted, report_document, show_log

if TYPE_CHECKING:
    from mockscim.provision import Entra, Report
    from mockscim.provision_cli.precedence import Given as Said
    from mockscim.provisioning.directory import Directory

Given = dict[str, Any]

_OWN = (
    shared.option("--app", metavar="NAME|FILE", help="The mapping: non-gallery, segment, or a file."),
    shared.option("--scope", type=click.Choice(["assigned", "all"]), help="Who is provisioned.  [default: assigned]"),
    shared.option(
        "--deletion-threshold", type=click.IntRange(0), metavar="N", help="Most disables and deletes a cycle."
    ),
)
_job = gathering("entra", (*WORLD, *_OWN))
_cycles = gathering("entra", (*WORLD, *_OWN, CYCLES, FOR))


@click.group(invoke_without_command=True)
@options((*WORLD, *_OWN, CYCLES, FOR))
@click.pass_context
def entra(ctx: click.Context, /, **values: Any) -> None:  # noqa: ANN401 - the options'
    """Microsoft Entra ID's provisioning service. Without a verb: start, and run.

    Options may stand before the verb or behind it, and have twins in the environment: MOCKSCIM_PROVISION_TOKEN.
    With --state, what was said once need not be said again; what the environment says does not change it.
    """
    shared.begin(ctx, "entra", values, _run)


def _session(given: Given, **more: Any) -> Entra:  # noqa: ANN401 - a watcher
    from mockscim.provision import Entra

    return Entra(
        given.get("source"),
        given.get("target"),
        app=given.get("app"),
        scope=given.get("scope"),
        settings=given.get("settings"),
        seed=given.get("seed"),
        throttling=given.get("throttling"),
        deletion_threshold=given.get("deletion_threshold"),
        **shared.world(given),
        **more,
    )


@entra.command("test-connection")
@JSON
@_job
def test_connection(given: Given, *, as_json: bool) -> None:
    """Ask for a random GUID, as the button does."""
    session = _session(shared.only_if_kept(given))
    found = shared.work(session, session.test_connection)
    if as_json:
        shared.say_json({**found._asdict(), "problem": None} if found.ok else found._asdict())
    elif found.ok:
        click.echo(found.message)
    if not found.ok:
        raise Failed(f"{found.code}: {found.message.rstrip('.')}{shared.target_hint(given, session)}")


@entra.command()
@_job
def start(given: Said) -> None:
    """Start provisioning: the next cycle is due now."""
    shared.state_wanted(given, "start")
    shared.nothing_sent(given, "entra", "start")
    session = _session(given)

    async def doing() -> None:
        shared.source_wanted(session)
        await session.start()

    shared.work(session, doing)
    what = "an initial" if session.job.state.watermark is None else "an incremental"
    click.echo(f"started: {what} cycle is due; {shared.again(given, 'entra', 'run')} does it")


@entra.command()
@_job
def stop(given: Said) -> None:
    """Stop provisioning: no further cycles."""
    shared.job_wanted(given, "entra", "stop")
    shared.nothing_sent(given, "entra", "stop")
    session = _session(given)
    shared.work(session, session.stop)
    click.echo(f"stopped: {session.job.why_not()}; {_go_on(given, session)}")


@entra.command()
@click.option("--reset-scope", default="", metavar="NAMES", help="What to forget: Full, Escrows,Watermark …")
@_job
def restart(given: Said, *, reset_scope: str) -> None:
    """Restart provisioning, with what is to be forgotten; links to the target stay, but for Full."""
    shared.job_wanted(given, "entra", "restart")
    shared.nothing_sent(given, "entra", "restart")
    session = _session(given)

    async def doing() -> None:
        shared.source_wanted(session)
        await session.restart(reset_scope)

    shared.work(session, doing)
    what = "an initial" if session.job.state.watermark is None else "an incremental"
    click.echo(f"restarted: {what} cycle is due")


def _go_on(given: Given, session: Entra) -> str:
    """What to do with a job that does not run."""
    if session.job.state.schedule == "Paused" or session.job.fresh:
        return f"{shared.again(given, 'entra', 'start')} lets it run"
    return f"when the cause is mended, {shared.again(given, 'entra', 'restart')} begins anew"


def _approval(given: Given) -> str:
    """What lets pass what the accidental-deletion guard holds back."""
    return f"{shared.again(given, 'entra', 'restart')} --reset-scope ForceDeletes approves what is held back"


@entra.command()
@CYCLES
@JSON
@_job
def cycle(given: Given, *, cycles: int | None, as_json: bool) -> None:
    """One cycle, now; in virtual time when it is due. Exit 1 when something fails."""
    _run({**given, "cycles": 1 if cycles is None else cycles}, as_json=as_json, now=True)


@entra.command()
@JSON
@_cycles
def run(given: Given, *, as_json: bool) -> None:
    """Cycles as they fall due, every 40 minutes of the clock; in virtual time at once.

    With --cycles it ends after so many, whatever they bring. Without --cycles and --for it ends when interrupted, in
    virtual time when nothing more is to come: no step of the directory, nobody in its recycle bin who is in the target
    still, nothing that waits to be tried again. Exit 1 when something that failed is still waiting at the end, or the
    job is in quarantine.
    """
    _run(given, as_json=as_json)


def _run(given: Given, *, as_json: bool, now: bool = False) -> None:
    from mockscim.provision import NotRunningError
    from mockscim.provision.progress import Silent, for_terminal

    watcher = Silent() if as_json else for_terminal()
    session = _session(given, watcher=watcher)
    cycles, duration = shared.ends(given)

    async def doing() -> list[Report]:
        if session.job.fresh:
            shared.source_wanted(session)
            await session.start()
        if not now:
            return await session.run(cycles, duration=duration)
        reports: list[Report] = []
        for _ in range(cycles or 0):
            reports.append(await session.cycle())
            if session.interrupted:
                break
        return reports

    try:
        reports = shared.work(session, doing, gently=True)
    except NotRunningError as error:
        raise Failed(f"{error}; {_go_on(given, session)}") from None
    watcher.flush()
    if as_json:
        for report in reports:
            shared.say_json(report_document(report), indent=False)
    if session.interrupted:
        interrupted(given.get("state"))
    _judge(given, session, reports, all_=now)
    if not (now or as_json) and cycles is None and duration is None:
        click.echo("nothing more is to come: no step of the directory is left, and nothing waits to be tried again")


def _judge(given: Given, session: Entra, reports: list[Report], *, all_: bool) -> None:
    """Exit 1 when something is wrong, and say which."""
    from mockscim.provision.pages import told

    state, status = session.job.state, session.status()["status"]
    if state.schedule != "Active" and reports:
        raise Failed(f"the job does not run any more: {session.job.why_not()}; {_go_on(given, session)}")
    hint = shared.target_hint(given, session)
    quarantine = status.get("quarantine")
    if quarantine:
        error = quarantine.get("error")
        more = f": {error['code']}: {error['message'].rstrip('.')}{hint}" if error else ""
        more += f"; {_approval(given)}" if state.staged else ""
        due = quarantine.get("nextAttempt")
        more += f"; the next attempt is at {told(due)}" if due else ""
        raise Failed(f"the job is in quarantine ({quarantine['reason']}){more}")
    broken = [report.error for report in (reports if all_ else reports[-1:]) if report.error]
    if broken:
        raise Failed(f"the cycle failed: {broken[-1].rstrip('.')}{hint}")
    bad = [report for report in reports if report.failures]
    if bad and (all_ or state.escrows):
        raise Failed(failed_words(bad[-1:] if not all_ else bad, shared.log_hint(given, "entra", session)))
    if state.escrows and not all_:
        wait = f"{len(state.escrows)} that failed before {'waits' if len(state.escrows) == 1 else 'wait'}"
        more = f"; {shared.again(given, 'entra', 'status')} tells when" if given.get("state") else ""
        raise Failed(f"{wait} to be tried again{more}")


@entra.command("on-demand")
@click.argument("object_id", metavar="USER|GROUP")
@click.option("--member", "members", multiple=True, metavar="USER", help="Of a group: which members; at most five.")
@JSON
@_job
def on_demand(given: Given, *, object_id: str, members: tuple[str, ...], as_json: bool) -> None:
    """Provision one user, or a group with at most five members, now, and show the five steps."""
    from mockscim.tables import wrapped

    session = _session(given)

    async def doing() -> Any:  # noqa: ANN401 - an OnDemand
        shared.source_wanted(session)
        return await session.on_demand(object_id, members)

    found = shared.work(session, doing)
    if as_json:
        shared.say_json({"key": found.key, "value": found.value, "steps": found.steps})
    else:
        for number, step in enumerate(found.steps, 1):
            head = f"{number}. {step['name']}: {step['status']}  "
            shared.say(wrapped(head, str(step.get("description") or ""), "   ", shared.width()))
    if found.exit_status == 2:
        raise WrongInput(_on_demand_words(found))
    if found.exit_status:
        raise Failed(_on_demand_words(found) + shared.target_hint(given, session))


def _on_demand_words(found: Any) -> str:  # noqa: ANN401 - an OnDemand
    details = found.key.get("details") or {}
    message = details.get("errorMessage") or found.key.get("result") or ""
    return f"{details.get('errorCode') or 'failed'}: {message.rstrip('.')}"


@entra.command()
@JSON
@_job
def status(given: Given, *, as_json: bool) -> None:
    """The job's state, counts, progress and quarantine, after Graph's synchronizationJob."""
    from mockscim.provision.pages import job_lines, plural
    from mockscim.tables import wrapped

    shared.state_wanted(given, "status")
    session = _session(given)
    session.look()
    if as_json:
        shared.say_json(session.status())
        return
    job, why = session.job, session.job.why_not()
    if why:
        why = f"{why}; {_go_on(given, session)}"
    escrows = [escrow.next for escrow in job.state.escrows.values()]
    broken = _broken_off(given, session)
    shared.say(job_lines(session.status(), why, job.settings.target, session.now, shared.width(), escrows, broken))
    if job.state.staged:
        held = plural(len(job.state.staged), "disable or delete", "disables and deletes")
        shared.say(wrapped("  held back       ", f"{held}; {_approval(given)}", " " * 18, shared.width()))


def _broken_off(given: Given, session: Entra) -> str:
    """What a cycle had done when it was interrupted, and how to go on."""
    import msgspec

    from mockscim.provision.pages import counted, when

    state = session.job.state
    found = state.unfinished
    if found is None:
        return ""
    done = counted(msgspec.to_builtins(found.execution))
    go_on = f"; {shared.again(given, 'entra', 'run')} goes on with it" if state.schedule == "Active" else ""
    return f"cycle {state.cycles}, {when(found.at)}: {done}{go_on}"


@entra.command()
@click.argument("entry_id", required=False, metavar="[ID]")
@click.option("--failures", is_flag=True, help="Only what failed.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@JSON
@_job
def log(given: Given, *, entry_id: str | None, failures: bool, form: str, as_json: bool) -> None:
    """The provisioning log as a table, or with an ID one entry with its steps and modified properties."""
    show_log(given, "entra", entry_id, "json" if as_json else form, failures=failures)


@entra.group(invoke_without_command=True)
@JSON
@_job
def mappings(given: Given, *, as_json: bool) -> None:
    """Attribute mappings: show them, or check a file."""
    context = click.get_current_context()
    context.obj = given
    if context.invoked_subcommand is None:
        _show_mappings(given, as_json=as_json)


@mappings.command()
@JSON
@_job
def show(given: Given, *, as_json: bool) -> None:
    """The mappings of --app, or of the state's job."""
    _show_mappings(given, as_json=as_json)


def _show_mappings(given: Given, *, as_json: bool) -> None:
    import msgspec

    from mockscim.provision.pages import mapping_lines
    from mockscim.provisioning import mapping

    if given.get("app") or not given.get("state"):
        schema = mapping.load(given.get("app") or "non-gallery")
    else:
        session = _session(given)
        session.look()
        schema = session.job.schema
    if as_json:
        shared.say_json(msgspec.to_builtins(schema))
    else:
        shared.say(mapping_lines(schema, shared.width()))


def _source(given: Given) -> Directory | None:
    """The directory that was given, else that of the state; None where there is neither."""
    from mockscim.provision.files import StateFile
    from mockscim.provision.source import Source

    if given.get("source"):
        return Source(given["source"]).directory
    kept = StateFile(given["state"], "entra").read() if given.get("state") else None
    return kept.directory if kept is not None else None


@mappings.command()
@click.argument("file", required=False)
@_job
def check(given: Given, *, file: str | None) -> None:
    """Check a mapping FILE, or that of --app: exit 2 when it cannot be used, and say where.

    An attribute that nobody has, in Entra ID or in --source (else the state's), is a note on standard error.
    """
    from mockscim.provisioning import mapping
    from mockscim.provisioning.doubts import doubts
    from mockscim.tables import printable

    name = file or given.get("app")
    if not name:
        raise WrongInput("mappings check wants a FILE, or --app")
    schema = mapping.load(name)
    for place, doubt in doubts(schema, _source(given)):
        click.echo(f"mockscim: note: {name}: {place}: {printable(doubt)}", err=True)
    users, groups = (len(one.attributeMappings) for one in (schema.users, schema.groups))
    click.echo(f"{name}: good: {users} attributes of users, {groups} of groups")
