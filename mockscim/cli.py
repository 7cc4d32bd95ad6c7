"""The command line: parse, call, print.

Exit codes: 0 done, 1 a check failed, 2 wrong usage or input. What a command needs is imported inside it, so that
``mockscim --help`` waits for nothing.
"""

# ruff: noqa: PLC0415 - see above

from __future__ import annotations

import gc
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from mockscim import __version__
from mockscim.provision_cli import provision
from mockscim.tables import (
    WIDTH,
    fault_type_lines,
    grid,
    journal_head,
    journal_row,
    judgement_lines,
    printable,
    profile_lines,
    rule_rows,
    scenario_lines,
)

if TYPE_CHECKING:
    from mockscim.remote import Remote

Command = Callable[..., None]

_NDJSON_ABOVE = 20_000  # users; beyond it a document is better not held in memory as one
_POLL_SECONDS = 0.3
_UNCUT = 10_000  # characters of a line


class WrongInput(click.ClickException):
    """What was given cannot be used; one line on standard error."""

    exit_code = 2


class CheckFailed(click.ClickException):
    """A check found something wrong; one line on standard error."""

    exit_code = 1


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The entry point of ``mockscim``; never returns."""
    try:
        code = cli.main(arguments, prog_name="mockscim", standalone_mode=False)
    except getattr(click.exceptions, "NoArgsIsHelpError", ()) as error:  # click 8.2 and later: its text is the help
        with suppress(OSError):
            error.show()
        code = 2
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        hint = f" (see {context.command_path} --help)" if context is not None else ""
        code = _refuse(f"{' '.join(_message(error).split())}{hint}", error.exit_code)
    except click.Abort:
        code = 130
    except OSError as error:  # of what is opened by no name, standard output alone may fail
        _drop_output()
        code = _refuse(f"{error.filename or 'standard output'}: {error.strerror or error}", WrongInput.exit_code)
    sys.exit(code or 0)


def _message(error: click.ClickException) -> str:
    """What is wrong; with the variable, where a value came from the environment and not from an option."""
    context, parameter = getattr(error, "ctx", None), getattr(error, "param", None)
    variable = _variable(context, parameter) if context is not None and parameter is not None else None
    return error.format_message() if variable is None else f"Invalid value for {variable}: {error.message}"


def _variable(context: click.Context, parameter: click.Parameter) -> str | None:
    """The variable that a parameter has its value from; None where it has it from elsewhere."""
    if context.get_parameter_source(parameter.name or "") is not click.core.ParameterSource.ENVIRONMENT:
        return None
    named = [parameter.envvar] if isinstance(parameter.envvar, str) else list(parameter.envvar or ())
    own = f"{context.auto_envvar_prefix}_{parameter.name}".upper()
    return next((name for name in named if os.environ.get(name)), own)


def _refuse(text: str, code: int) -> int:
    """Say on standard error what is wrong, if that can be written to; returns the exit code."""
    with suppress(OSError):
        click.echo(f"mockscim: error: {text}", err=True)
    return code


def _drop_output() -> None:
    """Let standard output go nowhere: what is still buffered would fail again when the interpreter ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


class _Group(click.Group):
    """A group whose commands may lose their reader: ``mockscim journal | head -1`` is no failure."""

    group_class = type  # groups inside it are of its class

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:  # before click 8.2 that would be a success
            click.echo(ctx.get_help(), err=True)
            ctx.exit(2)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _drop_output()
            return 0


@click.group(cls=_Group, context_settings={"auto_envvar_prefix": "MOCKSCIM", "help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="mockscim %(version)s")
def cli() -> None:
    """A SCIM 2.0 mock server: profiles of real providers, faults that know SCIM, and a journal."""


cli.add_command(provision)


@contextmanager
def _input() -> Iterator[None]:
    """What is wrong with a file, a rule or a profile, as one line."""
    from mockscim.faults import FaultError
    from mockscim.fixtures import FixtureError
    from mockscim.profiles import ProfileError

    try:
        yield
    except (FaultError, FixtureError, ProfileError, OSError) as error:
        raise WrongInput(str(error)) from None


def _speaks(command: Command) -> Command:
    """Give a command the running server that its options name, as ``remote``."""

    @click.option(
        "--url",
        envvar="MOCKSCIM_URL",
        metavar="URL",
        help="The server's root, base_url or admin_url; with /t/TENANT for a tenant.  [default: http://127.0.0.1:8080]",
    )
    @click.option("--admin-token", envvar="MOCKSCIM_ADMIN_TOKEN", metavar="TOKEN", help="What its control API wants.")
    @click.option(
        "--ca",
        envvar="MOCKSCIM_CA",
        metavar="FILE",
        help="What to trust of an https server: the ready line's ca.  [default: SSL_CERT_FILE, the system's]",
    )
    @wraps(command)
    def speaking(*, url: str | None, admin_token: str | None, ca: str | None, **rest: Any) -> None:  # noqa: ANN401
        from mockscim.remote import DEFAULT_URL, Remote, RemoteError

        try:
            command(Remote(url or DEFAULT_URL, admin_token, ca), **rest)
        except RemoteError as error:
            raise WrongInput(str(error)) from None

    return speaking


def _write(content: bytes, output: str | None, option: str = "--output") -> None:
    """To a file, or to standard output as it is; ``option`` is what named the file."""
    _write_all([content], output, option)


def _write_all(chunks: Iterable[bytes], output: str | None, option: str = "--output") -> None:
    if output is None or output == "-":
        sys.stdout.buffer.writelines(chunks)
        sys.stdout.buffer.flush()
        return
    try:
        with Path(output).open("wb") as file:
            file.writelines(chunks)
    except OSError as error:
        raise WrongInput(f"{option} {output}: {error.strerror or error}") from None


def _json(value: object) -> None:
    import orjson

    _write(orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n", None)


def _lines(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def _width() -> int:
    return max(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns) if sys.stdout.isatty() else WIDTH


def _table_width() -> int:
    """How wide a table may be whose last column is text: into a pipe it is not cut."""
    return _width() if sys.stdout.isatty() else _UNCUT


_json_option = click.option("--json", "as_json", is_flag=True, help="For machines.")
_output_option = click.option("--output", metavar="FILE", help="Write there instead of to standard output.")

# -- serve ---------------------------------------------------------------------------------------------------------


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True, metavar="HOST", help="Name or address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0: any that is free.")
@click.option("--profile", metavar="NAME|FILE", help="The provider to behave like.  [default: the fixture's, standard]")
@click.option("--fixture", multiple=True, metavar="FILE|NAME", help="Data to start from; several add up.")
@click.option("--faults", metavar="FILE|NAME", help="A scenario: fault rules, perhaps with a seed.")
@click.option("--fault", multiple=True, metavar="SPEC", help="A fault rule, such as user.create=503:0.3:after.")
@click.option("--latency", metavar="DURATION", help="Every request waits: 50ms, 20ms-80ms, 2 (seconds).")
@click.option("--token", multiple=True, metavar="TOKEN", help="What clients must send.  [default: a random one]")
@click.option("--basic", multiple=True, metavar="USER:PASSWORD", help="What clients may send by HTTP Basic.")
@click.option(
    "--oauth-client",
    multiple=True,
    metavar="ID:SECRET[:SCOPES]",
    help="Who may have tokens at /oauth/token; SCOPES is read or read,write.",
)
@click.option("--token-ttl", default="1h", show_default=True, metavar="DURATION", help="How long those are good.")
@click.option("--no-auth", is_flag=True, help="Ask for no token.")
@click.option("--admin-token", metavar="TOKEN", help="What the control API wants as a Bearer token.")
@click.option("--allow-host", multiple=True, metavar="HOST", help="A Host that the control API answers to as well.")
@click.option("--base-url", metavar="URL", help="What locations start with, in place of the Host that was called.")
@click.option("--tls", metavar="self-signed|CERT,KEY", help="Speak https; the ready line says which CA to trust.")
@click.option("--strict", is_flag=True, help="Refuse all that the RFC would refuse.")
@click.option("--accept", multiple=True, metavar="CODE", help="A leniency to accept all the same.")
@click.option("--refuse", multiple=True, metavar="CODE", help="A leniency to refuse.")
@click.option("--require-if-match", is_flag=True, help="Refuse changes that do not say of what version: 428.")
@click.option("--seed", type=int, help="The number behind every random choice.  [default: the scenario's, 0]")
@click.option("--clock", default="real", show_default=True, metavar="real|virtual[:ISO8601]", help="The data's time.")
@click.option("--max-body", default="1MiB", show_default=True, metavar="SIZE", help="The largest request body.")
@click.option("--max-head", default="128KiB", show_default=True, metavar="SIZE", help="The longest line of a request.")
@click.option("--read-timeout", default="1m", show_default=True, metavar="DURATION", help="For a request to come.")
@click.option("--idle-timeout", default="1h", show_default=True, metavar="DURATION", help="For one more request.")
@click.option("--persist", metavar="FILE", help="Keep the data there, so that it survives a restart.")
@click.option("--exit-with-stdin", is_flag=True, help="End when standard input does: with whoever started it.")
@click.option(
    "--log",
    type=click.Choice(["warnings", "text", "json", "off"]),
    default="warnings",
    show_default=True,
    help="On standard error; text and json tell every request.",
)
def serve(**options: Any) -> None:  # noqa: ANN401
    """Serve until SIGINT or SIGTERM, with --exit-with-stdin also until standard input ends.

    Every option has a twin in the environment, MOCKSCIM_SERVE_OPTION; what may be given several times is split there
    at white space. A DURATION is 50ms, 2s, 40m, 1h or 1d, and a number without a unit is seconds; a SIZE is 64k or
    1MiB, and a number without a unit is bytes. When standard output is no terminal, its first line is a JSON object
    with base_url, admin_url, token, profile, seed and pid, with --tls self-signed ca, and with --oauth-client
    token_url.
    """
    gc.disable()  # until all is loaded (serve.settle): modules and data are no garbage
    from mockscim.tls import no_authorities

    with no_authorities():
        from mockscim.serve import Settings, SettingsError
        from mockscim.serve import serve as run

    try:
        run(Settings(**options))
    except SettingsError as error:
        raise WrongInput(_from_where(str(error))) from None
    finally:
        gc.enable()  # of somebody else's process, where this is called in one


def _from_where(text: str) -> str:
    """What is wrong with settings, with the variable beside an option whose value came from the environment."""
    context = click.get_current_context()
    blamed, _, rest = text.partition(":")
    for parameter in context.command.params:
        if blamed in parameter.opts and (variable := _variable(context, parameter)) is not None:
            return f"{blamed} (from {variable}):{rest}"
    return text


# -- fixture -------------------------------------------------------------------------------------------------------


@cli.group()
def fixture() -> None:
    """Data to start from: make it, check it, take it from a running server."""


@fixture.command()
@click.option("--users", type=click.IntRange(0), required=True, help="How many users.")
@click.option("--groups", type=click.IntRange(0), default=0, show_default=True, help="How many groups.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same numbers and seed give the same bytes.")
@click.option("--ndjson", is_flag=True, help=f"A resource a line; so it is above {_NDJSON_ABOVE} users anyway.")
@click.option("--directory", is_flag=True, help="Not a fixture: the source of a simulated identity provider.")
@click.option("--days", type=click.IntRange(0), default=0, help="With --directory: people join, move and leave.")
@_output_option
def new(*, users: int, groups: int, seed: int, ndjson: bool, directory: bool, days: int, output: str | None) -> None:
    """Invent people at example.com, and their groups."""
    from mockscim.fixtures import render
    from mockscim.people import generate, generate_ndjson

    if directory:
        from mockscim.provisioning.directory.invented import generate as generate_directory

        if ndjson:
            raise click.UsageError("--ndjson is for fixtures: a directory is one document")
        _write(render(generate_directory(users, groups, seed, days)), output)
        return
    if days:
        raise click.UsageError("--days goes with --directory")
    if ndjson or users > _NDJSON_ABOVE:
        _write_all(generate_ndjson(users, groups, seed), output)
    else:
        _write(render(generate(users, groups, seed)), output)


@fixture.command()
@click.argument("file")
@click.option("--profile", metavar="NAME|FILE", help="The provider it is for.  [default: its own, standard]")
def check(*, file: str, profile: str | None) -> None:
    """Load FILE as serve would, and say what is in it; exit 1 when it cannot be loaded."""
    from mockscim import fixtures, profiles
    from mockscim.tenant import Start, Tenant

    path = Path(file)
    try:
        loaded = fixtures.load(file)
    except fixtures.FixtureError as error:
        readable = path.exists() and not path.is_dir() and os.access(path, os.R_OK)
        raise (CheckFailed if readable else WrongInput)(str(error)) from None
    try:
        chosen = profiles.load(profile or loaded.profile or "standard")
    except profiles.ProfileError as error:
        raise (WrongInput if profile else CheckFailed)(str(error) if profile else f"{file}: {error}") from None
    try:
        tenant = Tenant("", Start(chosen, loaded))
    except fixtures.FixtureError as error:
        raise CheckFailed(str(error)) from None
    counts = [f"{len(table)} {name.lower()}s" for name, table in tenant.store.tables.items()]
    members = sum(len(record.members or ()) for table in tenant.store.tables.values() for record in table)
    counts.append(f"{members} memberships")
    if loaded.accounts:
        counts.append(f"{len(loaded.accounts)} accounts")
    click.echo(f"{file}: good for the profile {chosen.name}: {', '.join(counts)}")


@fixture.command()
@_output_option
@_speaks
def dump(remote: Remote, *, output: str | None) -> None:
    """What a running server holds now, as a fixture."""
    _write(remote.raw("GET", "/fixture"), output)


# -- profiles ------------------------------------------------------------------------------------------------------


@cli.command()
@click.argument("name", required=False)
@_json_option
def profiles(*, name: str | None, as_json: bool) -> None:
    """List the profiles, or show one with every quirk, its source and its switch."""
    from mockscim import profiles as known
    from mockscim.scim.policy import LENIENCIES

    if name is None:
        listed = [known.load(each).describe() for each in known.names()]
        if as_json:
            _json([{"name": p["name"], "title": p["title"], "quirks": len(p["quirks"])} for p in listed])
        else:
            rows = ((p["name"], len(p["quirks"]), p["title"]) for p in listed)
            _lines(grid(("name", "quirks", "title"), rows, _table_width()))
        return
    with _input():
        profile = known.load(name)
    leniencies = [
        {
            "code": row.code,
            "on": row.code in profile.policy.accepted,
            "asked": profile.policy.asks(row.code),
            "source": row.source,
            "accepts": row.accepts,
        }
        for row in LENIENCIES.values()
    ]
    if as_json:
        _json({**profile.describe(), "leniencies": leniencies})
    else:
        _lines(profile_lines(profile.describe(), leniencies))


# -- faults --------------------------------------------------------------------------------------------------------


@cli.group()
def faults() -> None:
    """What goes wrong at a running server, and when."""


@faults.command("list")
@_json_option
@_speaks
def list_faults(remote: Remote, *, as_json: bool) -> None:
    """The rules in force, with hits and matches."""
    rules = remote.call("GET", "/faults")["items"]
    if as_json:
        _json(rules)
    elif rules:
        header = ("name", "operation", "phase", "chance", "hits/matches", "does")
        _lines(grid(header, rule_rows(rules), _table_width()))


@faults.command()
@click.argument("spec")
@_speaks
def add(remote: Remote, *, spec: str) -> None:
    """Add a rule in the short form, such as user.create=503:0.3:after; prints its name."""
    from mockscim.faults import parse_spec

    with _input():
        rule = parse_spec(spec)
    click.echo(remote.call("POST", "/faults", rule)["name"])


@faults.command()
@click.argument("file")
@_speaks
def load(remote: Remote, *, file: str) -> None:
    """Replace the rules in force by those of a scenario, a file or a name; prints their names."""
    from mockscim.faults import read_scenario

    with _input():
        scenario = read_scenario(file)
    _lines(rule["name"] for rule in remote.call("PUT", "/faults", {"rules": scenario.rules})["items"])
    if scenario.seed is not None and (seed := remote.call("GET", "/")["seed"]) != scenario.seed:
        note = f"the rules follow the server's seed {seed}; the file's, {scenario.seed}, counts for serve --faults"
        click.echo(f"mockscim: note: {note}", err=True)


@faults.command()
@click.argument("name")
@_speaks
def remove(remote: Remote, *, name: str) -> None:
    """Remove one rule."""
    from mockscim.remote import part

    remote.raw("DELETE", f"/faults/{part(name)}", missing=f"there is no rule {name!r}; see mockscim faults list")


@faults.command()
@_speaks
def clear(remote: Remote) -> None:
    """Remove all rules."""
    remote.raw("DELETE", "/faults")


@faults.command()
@click.argument("name", required=False)
@_json_option
def types(*, name: str | None, as_json: bool) -> None:
    """The types of faults, or one with its parameters; needs no server."""
    from mockscim.faults import find_type, types_catalogue

    catalogue = types_catalogue()
    if name is not None:
        kind = find_type(name)
        if kind is None:
            raise WrongInput(f"there is no fault type {name!r}; there are {', '.join(k['name'] for k in catalogue)}")
        if as_json:
            _json(kind.describe())
        else:
            _lines(fault_type_lines(kind.describe(), _width()))
    elif as_json:
        _json(catalogue)
    else:
        rows = ((kind["name"], " ".join(kind["phases"]), kind["doc"]) for kind in catalogue)
        _lines(grid(("name", "phases", "what it does"), rows, _table_width()))


@faults.command()
@click.argument("name", required=False)
@_json_option
def scenarios(*, name: str | None, as_json: bool) -> None:
    """The scenarios that come along, or one with its rules; needs no server."""
    from mockscim.faults import bundled_scenarios, read_scenario

    if name is None:
        listed = [{"name": one, "description": read_scenario(one).description} for one in bundled_scenarios()]
        if as_json:
            _json(listed)
        else:
            _lines(grid(("name", "what happens"), (tuple(one.values()) for one in listed), _table_width()))
        return
    with _input():
        scenario = read_scenario(name)
    if as_json:
        _json({"name": name, **scenario._asdict()})
    else:
        _lines(scenario_lines(name, scenario._asdict()))


# -- what happened -------------------------------------------------------------------------------------------------


@cli.command()
@click.option("--follow", is_flag=True, help="Go on with what happens, until interrupted.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "curl", "har"]),
    default="table",
    show_default=True,
    help="json: an entry a line.",
)
@click.option("--since", type=click.IntRange(0), default=0, metavar="N", help="Only what came after number N.")
@_speaks
def journal(remote: Remote, *, follow: bool, form: str, since: int) -> None:
    """Every exchange: what was asked, what was answered, what was committed, and what went wrong."""
    from mockscim.har import to_curl, to_har
    from mockscim.remote import Follower

    if form == "har":
        if follow:
            raise click.UsageError("a HAR is one document: it cannot be followed")
        _json(to_har(remote.journal(since), remote.base_url))
        return
    width = _width()

    def show(entries: Iterable[dict[str, Any]]) -> None:
        import orjson

        if form == "json":
            _write_all((orjson.dumps(entry) + b"\n" for entry in entries), None)
        elif form == "curl":
            _lines(printable(to_curl(entry, remote.base_url)) for entry in entries)
        else:
            _lines(journal_row(entry, width) for entry in entries)

    follower = Follower(remote, since) if follow else None
    entries = remote.journal(since) if follower is None else follower.poll()  # where there is no server, no head either
    if form == "table":
        click.echo(journal_head(width))
    show(entries)
    try:
        while follower is not None:
            time.sleep(_POLL_SECONDS)
            show(follower.poll())
    except KeyboardInterrupt:
        return


@cli.command("check")
@click.option("--desired", metavar="FILE|NAME", help="Where the client should arrive: a fixture, for this once.")
@click.option("--junit", metavar="FILE", help="Write the verdicts there as JUnit XML too; - for standard output.")
@click.option("--only", default="", metavar="I1,I4", help="Judge these alone.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A parameter, such as max_deletes=10.")
@_json_option
@_speaks
def check_client(
    remote: Remote, *, desired: str | None, junit: str | None, only: str, settings: Sequence[str], as_json: bool
) -> None:
    """Judge what has happened so far by the invariants I1 to I13; exit 1 when one is broken."""
    from mockscim.junit import to_junit

    body: dict[str, Any] = {"parameters": {**({"only": only} if only else {}), **_parameters(settings)}}
    if desired is not None:
        from mockscim import fixtures

        with _input():
            body["desired"] = fixtures.as_document(fixtures.load(desired))
    judgement = remote.call("POST", "/invariants", body)
    if junit is not None:
        _write(to_junit(judgement, remote.base_url), junit, "--junit")
    if as_json:
        _json(judgement)
    elif junit != "-":
        _lines(judgement_lines(judgement, _width()))
    if judgement["broken"]:
        raise click.exceptions.Exit(1)


def _parameters(settings: Sequence[str]) -> dict[str, object]:
    """Parameters given as NAME=VALUE; what reads as JSON is, the rest is text."""
    import orjson

    found: dict[str, object] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise WrongInput(f"--set: NAME=VALUE was expected, not {setting!r}")
        try:
            found[name] = orjson.loads(value)
        except orjson.JSONDecodeError:
            found[name] = value
    return found


@cli.command()
@_speaks
def reset(remote: Remote) -> None:
    """Take a running server back to its start: data, rules, clock; journal and history are emptied."""
    remote.raw("POST", "/reset")
