"""``scim.sweep`` and ``scim.asweep``: the arguments read, the course driven, the result told."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from mockscim import fixtures
from mockscim.client import failure
from mockscim.client.in_loop import InLoop
from mockscim.client.line import ControlRefused, Line, refuse_to_wait
from mockscim.client.sweeping.attempt import Client, RunClient
from mockscim.client.sweeping.course import Settings, Sweep
from mockscim.client.sweeping.keep import LAST_FAILED, Keeper, keeper
from mockscim.client.sweeping.needs import adrive, drive
from mockscim.client.sweeping.outcomes import PHASES, OutcomeGiven, read_outcomes
from mockscim.client.sweeping.result import Ran, SweepResult, full_failure
from mockscim.client.verdicts import chosen_invariants
from mockscim.durations import parse_duration
from mockscim.invariants.parameters import Strictness


class Prepared(NamedTuple):
    """A sweep whose arguments are read."""

    line: Line
    sweep: Sweep
    client: Client
    keeper: Keeper
    tell: Callable[[str], None]  # what a test that passes is to say all the same
    check: bool
    detail: bool  # whether the report tells of a case what no sub-test did


def prepare(
    scim: Any,  # noqa: ANN401 - the MockScim, which imports this
    line: Line,
    sweeps: dict[str, int],
    run_client: RunClient,
    phases: str | Iterable[str],
    outcomes: OutcomeGiven | Iterable[OutcomeGiven],
    *,
    operation: str | Sequence[str] = "*",
    timeout: float | str | None = 10.0,
    recover: bool | int = True,
    may_fail: bool | type[BaseException] | tuple[type[BaseException], ...] = False,
    desired: str | Path | Mapping[str, Any] | list[Any] | None = None,
    invariants: str | Iterable[str] | None = None,
    budget: float | str | None = None,
    only: str | Iterable[str] | None = None,
    save: str | Path | None = None,
    subtests: Any = None,  # noqa: ANN401
    check: bool = True,
    **parameters: Any,  # noqa: ANN401
) -> Prepared:
    """The arguments of ``MockScim.sweep``, which explains them.

    Raises:
        TypeError: one that there is not.
        ValueError: one that cannot be.
    """
    _check(run_client, parameters)
    operations = (operation,) if isinstance(operation, str) else tuple(operation)
    listed = read_outcomes(outcomes, phases)
    kept = keeper(save, scim.runner, sweeps)
    named = kept.only or ((only,) if isinstance(only, str) else tuple(only or ()))
    if isinstance(may_fail, bool):
        may_fail = (Exception, SystemExit) if may_fail else ()
    chosen = chosen_invariants(invariants, "invariants")
    settings = Settings(
        phases=tuple(phase for phase in PHASES if any(phase in outcome.phases for outcome in listed)),
        outcomes=listed,
        operations=operations,
        timeout=None if timeout is None else parse_duration(timeout),
        recover=int(recover),
        may_fail=may_fail if isinstance(may_fail, tuple) else (may_fail,),
        desired=fixtures.whole_document(fixtures.load(desired)) if isinstance(desired, str | Path) else desired,
        invariants=chosen,
        parameters=parameters,
        budget=None if budget is None else parse_duration(budget),
        only=named,
        failed=kept.failed() if LAST_FAILED in named else None,
    )
    sweep = Sweep(settings, kept.command, _teller(subtests))
    client = Client(run_client, scim, settings.timeout)
    tell = scim.runner.tell if scim.runner is not None else lambda _: None
    return Prepared(line, sweep, client, kept, tell, check, subtests is None)


def _check(run_client: object, parameters: Iterable[str]) -> None:
    """Refuse what neither a sweep nor the judge takes, before the client runs for nothing."""
    if not callable(run_client):
        raise TypeError(f"sweep() takes what runs the client once, such as a function, not {run_client!r}")
    known = [name for name in Strictness.__struct_fields__ if name != "only"]
    for name in parameters:
        if name not in known:
            own = inspect.signature(prepare).parameters.values()
            listed = ["phases", "outcomes", *(each.name for each in own if each.kind is each.KEYWORD_ONLY)]
            raise TypeError(failure.unknown(f"sweep() has no {name!r}", name, {"it has": listed, "the judge": known}))


def run(prepared: Prepared) -> SweepResult:
    """Sweep, and wait for the end.

    Raises:
        AssertionError: something broke, and ``check`` was not False.
        RuntimeError: it would block an event loop, or the server's own; names ``asweep``.
    """
    __tracebackhide__ = True
    refuse_to_wait("scim.sweep(…)", "scim.asweep(…)")
    line = prepared.line
    if isinstance(line, InLoop):
        raise RuntimeError("a MockScim in an event loop is swept there: use await scim.asweep(…)")  # noqa: TRY004
    try:
        result = drive(prepared.sweep.course(), line, prepared.client)
    except BaseException:
        _leave(prepared)
        raise
    return _told(prepared, result)


async def arun(prepared: Prepared) -> SweepResult:
    """The same, awaited."""
    __tracebackhide__ = True
    try:
        result = await adrive(prepared.sweep.course(), prepared.line, prepared.client)
    except BaseException:
        _leave(prepared)
        raise
    return _told(prepared, result)


def _leave(prepared: Prepared) -> None:
    """Take the sweep's rule away, where that can be done still; never waits for the client."""
    with suppress(ControlRefused, RuntimeError, OSError):
        drive(prepared.sweep.leave(), prepared.line, prepared.client)


def _told(prepared: Prepared, result: SweepResult) -> SweepResult:
    __tracebackhide__ = True
    if not result.clean.findings and not result.idle:
        done = {ran.case for ran in result.runs}
        # What was not run this time has failed still.
        before = [name for name in prepared.keeper.failed() or () if name in result.cases and name not in done]
        prepared.keeper.keep([*result.failed, *before], result.seed)
    if result.ok and result.not_run:
        prepared.tell(result.table())
    if prepared.check:
        result.raise_for_findings(detail=prepared.detail)
    return result


def _teller(subtests: Any) -> Any:  # noqa: ANN401
    """What reports each case as a sub-test of pytest (``subtests.test``) or of unittest (``self.subTest``)."""
    if subtests is None:
        return lambda _: None
    begin = getattr(subtests, "subTest", None) or subtests.test

    def tell(ran: Ran) -> None:
        __tracebackhide__ = True
        with begin(ran.case):
            if ran.findings:
                cause = next((finding.error for finding in ran.findings if finding.error is not None), None)
                raise full_failure(ran.text()) from cause

    return tell
