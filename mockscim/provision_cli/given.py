"""The options that commands of a provider share, and what every command does around its own work.

An option may stand before the verb or behind it; behind it counts. Each has a twin in the environment,
``MOCKSCIM_PROVISION_<OPTION>``; ``precedence`` says whose word counts.
"""

# ruff: noqa: PLC0415 - what a command needs is imported inside it

from __future__ import annotations

import asyncio
import shlex
import signal
import sys
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mockscim.provision_cli.precedence import PREFIX, Given

if TYPE_CHECKING:
    from mockscim.provision.session import Session

T = TypeVar("T")
Command = Callable[..., None]
Wrap = Callable[[Command], Command]

INTERRUPTED = 130


class WrongInput(click.ClickException):
    """What was given cannot be used; one line on standard error."""

    exit_code = 2


class Failed(click.ClickException):
    """Something failed, or the job is in quarantine; one line on standard error that says which."""

    exit_code = 1


def option(name: str, **settings: Any) -> Wrap:  # noqa: ANN401 - click's
    """An option with its twin in the environment."""
    twin = f"{PREFIX}{name.removeprefix('--').upper().replace('-', '_')}"
    return click.option(name, envvar=twin, **settings)


WORLD: tuple[Wrap, ...] = (
    option("--source", metavar="FILE|NAME", help="The directory document.  [default: the state's]"),
    option("--target", metavar="URL", help="The SCIM base URL.  [default: the state's, http://127.0.0.1:8080/scim/v2]"),
    option("--token", metavar="TOKEN", help="The Bearer token; it is kept nowhere."),
    option("--state", metavar="FILE", help="Where the job is kept between runs.  [default: it is not]"),
    option("--log", metavar="FILE", help="The provisioning log, an entry a line.  [default: the state's]"),
    option("--clock", metavar="real|virtual[:ISO8601]", help="The job's time.  [default: the state's, real]"),
    option("--settings", metavar="FILE", help="Further settings, as JSON; see docs/provisioning.md."),
    option("--seed", type=int, help="The number behind every random choice."),
    option("--throttling", type=click.Choice(["fail", "honour"]), help="What a 429 means to it."),
    option("--rate", type=click.FloatRange(0, min_open=True), help="Most requests a second.  [default: no limit]"),
    option("--concurrency", type=click.IntRange(1), help="Most requests at a time.  [default: 1]"),
    option("--timeout", metavar="DURATION", help="How long an answer may take.  [default: 60s]"),
    option("--ca", metavar="FILE", help="What to trust of an https target."),
    option("--events", metavar="FILE", help="What an administrator is told of, an event a line."),
    option("--smtp", metavar="HOST:PORT", help="The mail server for the mail about a quarantine."),
    option("--mail-to", metavar="ADDRESS", multiple=True, help="Who gets that mail."),
    option("--advance-target", is_flag=True, default=None, help="The target is a mockscim: its clock goes along."),
    option("--mark-target", is_flag=True, default=None, help="The target is a mockscim: it is told of the cycles."),
    option("--admin-token", metavar="TOKEN", help="What that mockscim's control API wants."),
)
CYCLES = option("--cycles", type=click.IntRange(0), metavar="N", help="End after so many.")
FOR = click.option("--for", "duration", metavar="DURATION", help="End after so much of the job's time: 90d.")
JSON = click.option("--json", "as_json", is_flag=True, help="For machines.")

# What belongs to the session, whoever the provider is.
_SENDING = ("token", "rate", "concurrency", "ca", "advance_target", "mark_target", "admin_token")
# What a state does not keep. The token is let pass behind every verb: nobody expects it to be kept.
_EACH_TIME = (*_SENDING[1:], "timeout", "events", "smtp", "mail_to")
_SESSION = (*_SENDING, "clock", "state", "log", "events", "smtp", "mail_to")


def options(wraps_: Iterable[Wrap]) -> Wrap:
    """Several options at once, in their order."""

    def decorate(command: Command) -> Command:
        for wrap in reversed(list(wraps_)):
            command = wrap(command)
        return command

    return decorate


def gathering(provider: str, wraps_: Iterable[Wrap]) -> Wrap:
    """Give a verb of a provider's one dict, ``given``: what stood behind it, else before it, else around it."""
    wraps_ = tuple(wraps_)

    def decorate(command: Command) -> Command:
        names: set[str] = set()

        @options(wraps_)
        @click.pass_context
        @wraps(command)
        def gathered(ctx: click.Context, /, **values: Any) -> None:  # noqa: ANN401 - the options'
            given = Given.of(ctx, {name: values.pop(name) for name in names}, ctx.obj)
            with reported():
                # Of a group of verbs, the verb looks.
                command(given if ctx.invoked_subcommand else beside_state(given, provider), **values)

        shared: Command = lambda **_: None  # noqa: E731 - asked for its parameters only
        for wrap in wraps_:
            shared = wrap(shared)
        names |= {p.name for p in getattr(shared, "__click_params__", ()) if p.name}
        return gathered

    return decorate


def beside_state(given: Given, provider: str) -> Given:
    """What was given, with the environment kept out of what the job's state says."""
    if not given.get("state") or not given.around:
        return given
    from mockscim.provision.files import StateFile

    settings = import_module(f"mockscim.provisioning.{provider}").Settings
    return given.beside(StateFile(given["state"], provider).document(), settings)


def world(given: dict[str, Any]) -> dict[str, Any]:
    """The options of a Session."""
    from mockscim.durations import parse_duration

    found = {name: given[name] for name in _SESSION if name in given}
    found["usual_clock"] = "real"
    if "timeout" in given:
        seconds = _duration(given["timeout"], "--timeout", parse_duration)
        if seconds <= 0:
            raise WrongInput("--timeout: more than nothing was expected")
        found["timeout"] = seconds
    return found


def ends(given: dict[str, Any]) -> tuple[int | None, float | None]:
    """After how many cycles a run ends, and after how many seconds of the job's time; None where it is not said."""
    from mockscim.durations import parse_duration

    text = given.get("duration")
    return given.get("cycles"), None if text is None else _duration(text, "--for", parse_duration)


def _duration(text: str, option: str, parse: Callable[[object], float]) -> float:
    try:
        return parse(text)
    except ValueError as error:
        raise WrongInput(f"{option}: {error}") from None


def begin(ctx: click.Context, provider: str, values: dict[str, Any], run: Callable[..., None]) -> None:
    """What stands before a verb: keep it for the verb, or, where there is none, run.

    Args:
        ctx: the provider's context; ``obj`` is what was given.
        provider: its name.
        values: the options.
        run: the provider's own ``run``.
    """
    ctx.obj = given = Given.of(ctx, values, None)
    if ctx.invoked_subcommand is None:
        if not given:
            click.echo(ctx.get_help())
            ctx.exit(2)
        with reported():
            run(beside_state(given, provider), as_json=False)


@contextmanager
def reported() -> Iterator[None]:
    """What is wrong with files and options, as one line with exit status 2."""
    try:
        yield
    except (click.ClickException, BrokenPipeError):
        raise
    except (ValueError, OSError) as error:
        raise WrongInput(str(error)) from None
    except RuntimeError as error:
        if type(error).__name__ != "NotRunningError":
            raise
        raise Failed(str(error)) from None


def work(session: Session, doing: Callable[[], Coroutine[Any, Any, T]], *, gently: bool = False) -> T:
    """Open a session, do something, save and close it.

    Args:
        session: the session.
        doing: what to do inside it.
        gently: the first SIGINT or SIGTERM lets the objects that are begun come to their end, the second does not.
    """
    from mockscim.provision import NotRunningError

    async def main() -> T:
        async with session:
            task = asyncio.current_task()

            def stop() -> None:
                if gently and not session.interrupted:
                    click.echo("mockscim: ending after the objects under way; once more ends at once", err=True)
                    session.interrupt()
                elif task is not None:
                    task.cancel()

            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                with suppress(NotImplementedError, RuntimeError):  # Windows, and other threads
                    loop.add_signal_handler(number, stop)
            try:
                return await doing()
            except (ValueError, NotRunningError):
                session.discard()
                raise

    try:
        return asyncio.run(main())
    except (asyncio.CancelledError, KeyboardInterrupt):
        raise click.exceptions.Exit(INTERRUPTED) from None


def again(given: dict[str, Any], provider: str, verb: str) -> str:
    """The command line of another verb, for the same job."""
    kept = [f"--{name} {shlex.quote(str(given[name]))}" for name in ("state",) if given.get(name)]
    return " ".join(["mockscim provision", provider, verb, *kept])


def log_hint(given: dict[str, Any], provider: str, session: Session) -> str:
    """Where the failures can be read; empty where nothing keeps them."""
    if not session.log_path:
        return ""
    if given.get("state"):
        return f"; see {again(given, provider, 'log')}"
    return f"; see mockscim provision {provider} log --log {shlex.quote(session.log_path)}"


def target_hint(given: dict[str, Any], session: Session, target: str = "") -> str:
    """What to do about a 401 when no token was given, or about a target that does not answer; else empty.

    Args:
        given: what was given.
        session: one that is closed.
        target: where it sends to, if that has not been said.
    """
    if session.unauthorized and not given.get("token"):
        return f"; no token was given: --token TOKEN, or {PREFIX}TOKEN in the environment, gives one"
    if session.unreachable:
        where = f"; nothing answers at {target}" if target else ""
        return f"{where}; --target URL names another, mockscim serve starts one"
    return ""


def width() -> int:
    """How wide a table may be."""
    import shutil

    from mockscim.tables import WIDTH

    return max(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns) if sys.stdout.isatty() else WIDTH


def say(lines: Iterable[str]) -> None:
    """Print lines."""
    for line in lines:
        click.echo(line)


def say_json(value: object, *, indent: bool = True) -> None:
    """Print a document."""
    import orjson

    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2 if indent else 0, default=_plain).decode())


def _plain(value: object) -> object:
    import msgspec

    return msgspec.to_builtins(value)


def state_wanted(given: dict[str, Any], verb: str) -> None:
    """Some verbs are about a job that is kept."""
    if not given.get("state"):
        raise WrongInput(f"{verb} wants --state FILE: the job that it is about")


def nothing_sent(given: Given, provider: str, verb: str) -> None:
    """Refuse, behind a verb that sends nothing, what is about sending: nobody would keep it for the next run.

    What the environment says is there for that run, too.
    """
    lost = [name for name in _EACH_TIME if name in given.line]
    if lost:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in lost)
        run = again(given, provider, "run")
        raise WrongInput(f"{names}: {verb} sends nothing, and the job does not keep it: give it each time, to {run}")


def job_wanted(given: dict[str, Any], provider: str, verb: str) -> None:
    """Some verbs are about a job that there is already."""
    from mockscim.provision.files import StateFile

    state_wanted(given, verb)
    if StateFile(given["state"], provider).document() is None:
        raise WrongInput(f"--state {given['state']}: there is no such job; {again(given, provider, 'start')} makes one")


def only_if_kept(given: dict[str, Any]) -> dict[str, Any]:
    """The same without a state file that there is not yet: a mere test makes no job."""
    return {name: value for name, value in given.items() if name != "state" or Path(value).exists()}


def source_wanted(session: Session) -> None:
    """Look for the source before anything is sent."""
    _ = session.directory
