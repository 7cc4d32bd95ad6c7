"""``scim.sweep`` and ``scim.asweep``: part of MockScim; what they do is in ``sweeping/``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mockscim.client.life import Life
from mockscim.client.line import Line

if TYPE_CHECKING:
    from mockscim.client.asked import Asked
    from mockscim.client.sweeping.keep import Runner
    from mockscim.client.sweeping.result import SweepResult


class Swept(Life):
    """What a client can be swept against; base of MockScim.

    Attributes:
        runner: pytest, where its plugin made this: it is asked for cases, and keeps those that failed.
    """

    runner: Runner | None = None
    _asked: list[Asked]
    _asked_at_start: list[Asked]

    def _begin(self, line: Line) -> None:
        super()._begin(line)
        self._sweeps: dict[str, int] = {}  # how many, by test

    def sweep(
        self,
        run_client: Callable[..., object],
        phases: str | Iterable[str] = ("before", "after"),
        outcomes: Any = ("503", "reset", "hang"),  # noqa: ANN401 - one or several of what is told below
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
        subtests: Any = None,  # noqa: ANN401 - a fixture of pytest, or a TestCase
        check: bool = True,
        **parameters: Any,  # noqa: ANN401
    ) -> SweepResult:
        """Run the client once clean, then once for each request, phase and outcome; see whether anything breaks.

            scim.sweep(lambda: synchronise(scim.base_url, scim.token))

        Each run begins with a reset and what the test has set up before: data, rules, clock, desired state. In it the
        n-th request of the client, in the order of arrival, meets one outcome, once. Then the client runs again without
        the fault, as its next cycle. Wrong is: it raises, or does not come back in time; the next run does; an
        invariant is broken, among them that it has arrived. Afterwards all is as before the sweep, the journal empty.

        A client that is swept begins anew with each call, as its process would. What it returns may say what it reports
        of the run, as ``Cycle.report``: ``{"success": True, "failed": [], "ids": {…}}``. Runs are marked as cycles,
        unless the client's own code marks them.

        Args:
            run_client: runs it once. It is given this MockScim if it takes an argument. It runs in a daemon thread; one
                that does not come back cannot be ended: its requests are cut, and if that does not end it, the sweep
                ends there and says so. Of an outcome from which three did not come back, the rest is left out.
            phases: ``before`` the commit, ``after`` it.
            outcomes: statuses (``503``; ``429`` comes with Retry-After: 1), ``reset``, ``close``, ``hang``,
                ``truncate``, any type of fault with its arguments (``429(retry_after=30)``, ``latency(50ms)``),
                ``error(503, …)``, or a document (``{"type": …, "parameters": {…}}``). One that strikes in one phase
                only is left out of the other.
            operation: which requests are struck: ``user.create``, ``*.patch``, or several.
            timeout: how long a run may take, in real time: a duration. None: no limit, in the caller's thread.
            recover: whether, or how often, the client runs again after the fault. Without, it has to arrive in the run
                that was struck.
            may_fail: whether the struck run may raise, or which exceptions; an AssertionError never.
            desired: where the client should arrive: a path, a bundled name, or a fixture document. Without: what
                ``desired`` was told, or else where the clean run arrived.
            invariants: which are judged, ``I1,I3`` or a list; all without.
            budget: how long all of it may take, a duration: cases are then taken in an order (by the seed) that covers
                all requests evenly; the one begun is finished, and what was left out is told, by pytest in its summary.
            only: cases: ``7:after:reset``, all of a request (``7``), or ``failed``: those that failed the last time.
                What ``--mockscim-sweep`` says goes first.
            save: a file for the cases that failed. Under pytest its cache has them without.
            subtests: reports each case as a sub-test: pytest's fixture of that name, or a unittest.TestCase.
            check: whether to raise; else the result is to be looked at.
            parameters: of the judge: ``max_deletes``, ``attempts`` …

        Raises:
            AssertionError: something broke; a table of it, the first case in full, and how to run that again. Or no
                case was run: no request is one that ``operation`` names, or the budget was used up before.
            TypeError: an argument that there is not.
            ValueError: one that cannot be.
            RuntimeError: it is called in an event loop, which it must not block: ``asweep`` can.
        """
        __tracebackhide__ = True
        from mockscim.client.sweeping.start import prepare, run  # noqa: PLC0415 - much that few tests need

        prepared = prepare(
            self,
            self._line,
            self._sweeps,
            run_client,
            phases,
            outcomes,
            operation=operation,
            timeout=timeout,
            recover=recover,
            may_fail=may_fail,
            desired=desired,
            invariants=invariants,
            budget=budget,
            only=only,
            save=save,
            subtests=subtests,
            check=check,
            **parameters,
        )
        try:
            return run(prepared)
        finally:
            self._swept()

    async def asweep(
        self,
        run_client: Callable[..., object],
        phases: str | Iterable[str] = ("before", "after"),
        outcomes: Any = ("503", "reset", "hang"),  # noqa: ANN401
        **options: Any,  # noqa: ANN401
    ) -> SweepResult:
        """``sweep`` for coroutines: the client is a coroutine function, which is cancelled when its time is over.

        A plain function is run in a thread, as ``sweep`` does it.
        """
        __tracebackhide__ = True
        from mockscim.client.sweeping.start import arun, prepare  # noqa: PLC0415

        prepared = prepare(self, self._line, self._sweeps, run_client, phases, outcomes, **options)
        try:
            return await arun(prepared)
        finally:
            self._swept()

    def _swept(self) -> None:
        """Forget what was asked for, as each reset does it; and the start's: what struck in the runs is not known."""
        self._asked.clear()
        self._asked_at_start.clear()
