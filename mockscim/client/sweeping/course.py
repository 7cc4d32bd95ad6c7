"""The course of a sweep: a clean run, then one for each case, each from a fresh directory, and the judge after each.

It does no I/O: it yields what it needs (needs.py).

    reset ─ what the test had set up ─ the fault ─ the client ─ the fault goes ─ the client again ─ the judge
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from mockscim.client.line import ControlRefused
from mockscim.client.report import folded
from mockscim.client.sweeping.arrival import as_desired, ids_of
from mockscim.client.sweeping.attempt import Attempt, is_assertion
from mockscim.client.sweeping.beginning import Beginning, begin, if_there, look
from mockscim.client.sweeping.cases import (
    Case,
    Request,
    cases_of,
    chosen,
    counting_rule,
    label_of,
    requests_of,
    spread,
)
from mockscim.client.sweeping.keep import LAST_FAILED
from mockscim.client.sweeping.needs import Ask, Course, Linger, Pause, Run
from mockscim.client.sweeping.outcomes import Outcome
from mockscim.client.sweeping.result import (
    CLEAN,
    NEXT_RUN,
    NO_REQUEST,
    NO_RETURN,
    SERVER,
    Finding,
    Ran,
    SweepResult,
    broken_finding,
    raised_finding,
    told_error,
)
from mockscim.durations import format_duration
from mockscim.faults import find_type

_JOURNAL = Ask("GET", "/journal", None, {"limit": 10**9})
_WRITES = frozenset({"create", "replace", "patch", "delete", "run"})
_ENOUGH = 3  # clients that do not come back from an outcome: the others would take as long for the same
_SETTLE, _LOOK_EVERY = 1.0, 0.002  # seconds in which the last exchanges end: of a client that hung up, for example


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a sweep is told.

    Attributes:
        phases: ``before``, ``after``.
        outcomes: what befalls requests.
        operations: which requests are struck.
        timeout: seconds in which a run of the client has to come back; None for no limit.
        recover: how often the client runs again after each fault.
        may_fail: what the struck run may raise.
        desired: where it should arrive: a fixture document; None for where the clean run arrived.
        invariants: those that are judged: ``I1,I3``; "" for all.
        parameters: further ones of the judge.
        budget: seconds in all, or None.
        only: names of cases, or ``failed``; empty for all.
        failed: the cases that failed the last time; None where nothing is known of that.
    """

    phases: tuple[str, ...]
    outcomes: Sequence[Outcome]
    operations: tuple[str, ...]
    timeout: float | None
    recover: int
    may_fail: tuple[type[BaseException], ...]
    desired: object | None
    invariants: str
    parameters: Mapping[str, Any]
    budget: float | None
    only: tuple[str, ...]
    failed: Sequence[str] | None


@dataclass
class Sweep:
    """One sweep.

    Args:
        settings: what it is told.
        reproduce: tells how a case is run again, of the case and the seed.
        tell: called with each case once it was run.
    """

    settings: Settings
    reproduce: Callable[[str, int], str]
    tell: Callable[[Ran], None] = lambda _: None
    _beginning: Beginning | None = None
    _arrived: Mapping[str, Any] = field(init=False, default_factory=dict)
    _lasting: frozenset[str] = frozenset()  # the ids that were there before the client came
    _marks: bool = False  # whether we mark the cycles: not where the client does
    _told: bool = False  # whether the server knows what is desired

    def course(self) -> Course[SweepResult]:
        """All of it.

        Raises:
            ValueError: ``only`` names a case that there is not, or ``operation`` what cannot be.
            ControlRefused: the judge does not know a parameter, or what is desired cannot be.
        """
        started = time.monotonic()
        yield from self._check_operations()
        self._beginning = beginning = yield from look()
        clean, requests = yield from self._clean(beginning)
        if clean.findings:
            yield from begin(beginning)
            return self._result(beginning.seed, clean, requests, [], [], [])
        possible = cases_of(requests, self.settings.outcomes, self.settings.operations)
        cases, gone = self._chosen(possible)
        ordered = cases if self.settings.budget is None else spread(cases, beginning.seed)
        runs: dict[str, Ran] = {}
        left: dict[str, str] = {}
        stuck = ""
        for case in ordered:
            if why := stuck or self._left_out(case, runs.values(), time.monotonic() - started):
                left[case.id] = why
                continue
            ran, ended = yield from self._case(case, beginning)
            runs[case.id] = ran
            self.tell(ran)
            if not ended:
                stuck = f"the client of {case.id} never ended"
        yield from begin(beginning)
        done = [runs[case.id] for case in cases if case.id in runs]
        left_out = [(case.id, left[case.id]) for case in cases if case.id in left]
        idle = "" if done else self._idle(possible, left_out, requests, clean)
        return self._result(beginning.seed, clean, requests, done, possible, left_out, gone, idle)

    def _check_operations(self) -> Course[None]:
        """Ask the server, which knows its resource types, for each operation."""
        for operation in self.settings.operations:
            try:
                yield Ask("GET", "/journal", None, {"operation": operation, "limit": 1})
            except ControlRefused as refused:
                raise ValueError("\n".join(folded(f"operation: {refused.detail}"))) from None

    def leave(self) -> Course[None]:
        """What is to be done where the course came to no end: the directory as it was before the sweep."""
        if self._beginning is not None:
            yield from begin(self._beginning)

    def _left_out(self, case: Case, runs: Iterable[Ran], spent: float) -> str:
        """Why a case is not run; "" where it is."""
        budget = self.settings.budget
        if budget is not None and spent >= budget:
            return f"the budget of {format_duration(budget)} is spent"
        late = [ran for ran in runs if ran.outcome == case.outcome.name and ran.findings[:1]]
        if sum(1 for ran in late if ran.findings[0].broke == NO_RETURN) >= _ENOUGH:
            return f"{_ENOUGH} clients that met {case.outcome.name} did not come back"
        return ""

    def _idle(
        self, possible: Sequence[Case], left_out: Sequence[object], requests: Sequence[Request], clean: Ran
    ) -> str:
        """Why no case was run, although some should have been; "" where those that failed were asked for: none had."""
        if not possible:
            sent = ", ".join(dict.fromkeys(request.operation for request in requests))
            return f"no request of the clean run is one of {', '.join(self.settings.operations)}: it sent {sent}"
        if left_out:
            spent = format_duration(round(clean.seconds, 3))
            budget = format_duration(self.settings.budget or 0.0)
            return f"the budget of {budget} was used up before the first case: the clean run took {spent}"
        return ""

    def _chosen(self, cases: list[Case]) -> tuple[list[Case], tuple[str, ...]]:
        """The cases that are asked for, and those that were and are no longer there."""
        only = [name for name in self.settings.only if name != LAST_FAILED]
        failed = self.settings.failed
        gone: tuple[str, ...] = ()
        if LAST_FAILED in self.settings.only:
            if failed is None:
                return cases, ()
            known = {case.id for case in cases}
            gone = tuple(name for name in failed if name not in known)
            only += [name for name in failed if name in known]
        elif not only:
            return cases, ()
        return chosen(cases, only), gone

    # -- one run -----------------------------------------------------------------------------------------------

    def _clean(self, beginning: Beginning) -> Course[tuple[Ran, list[Request]]]:
        """The run without faults, and again as after a fault."""
        started = time.monotonic()
        name = beginning.free_name("sweep")
        yield from begin(beginning, counting_rule(name))
        self._lasting = ids_of((yield Ask("GET", "/fixture")))
        attempt = yield Run()
        if not attempt.in_time:
            entries = (yield _JOURNAL)["items"]
            yield from self._cut()
            return self._ran(CLEAN, [self._no_return(CLEAN)], started, _without(entries, name)), []
        entries = yield from self._entries()
        requests = requests_of(entries, name)
        if attempt.error is not None:
            return self._ran(CLEAN, [raised_finding(CLEAN, attempt.error)], started, _without(entries, name)), requests
        if not requests:
            how = "none came to this server: is the client told its base_url?"
            if entries:
                how = "it took the sweep's rule away: a client that is swept must not reset the server, nor its faults"
            return self._ran(CLEAN, [Finding(CLEAN, NO_REQUEST, how)], started), []
        yield from if_there(Ask("DELETE", f"/faults/{name}"))
        self._marks = not (yield Ask("GET", "/marks"))["items"]
        self._told = self.settings.desired is None and (yield from if_there(Ask("GET", "/desired"))) is not None
        self._arrived = yield Ask("GET", "/fixture")
        entries = _without(entries, name)
        found = [*(yield from self._broken(CLEAN)), *_own_failures(CLEAN, entries)]
        if found or not self.settings.recover:
            return self._ran(CLEAN, found, started, entries), requests
        again, cut = yield from self._again(CLEAN)
        if cut is not None:
            return self._ran(CLEAN, again, started, _without(cut[0], name), "run again"), requests
        entries = _without((yield from self._entries()), name)
        found = again or [*(yield from self._broken(CLEAN)), *_own_failures(CLEAN, entries)]
        return self._ran(CLEAN, found, started, entries, "run again"), requests

    def _case(self, case: Case, beginning: Beginning) -> Course[tuple[Ran, bool]]:
        """One case; and whether the client has ended."""
        started = time.monotonic()
        name = beginning.free_name("sweep")
        yield from begin(beginning, case.rule(name))
        attempt = yield from self._cycle()
        if not attempt.in_time:
            label, struck = yield from self._struck(case, name)
            entries = (yield _JOURNAL)["items"]
            ended = yield from self._cut()
            return self._ran(case, [self._no_return(case.id)], started, entries, label, struck=struck), ended
        yield from self._entries()
        label, struck = yield from self._struck(case, name)
        yield from if_there(Ask("DELETE", f"/faults/{name}"))
        found = self._raised(case.id, attempt)
        again, cut = yield from self._again(case.id)
        found += again
        if cut is not None:
            entries, ended = cut
            return self._ran(case, found, started, entries, label, struck=struck), ended
        entries = yield from self._entries()
        found += yield from self._broken(case.id)
        found += _own_failures(case.id, entries)
        return self._ran(case, found, started, entries, label, struck=struck), True

    def _again(self, case: str) -> Course[tuple[list[Finding], tuple[list[dict[str, Any]], bool] | None]]:
        """The client's next runs, without the fault: what broke; of one cut, the journal and whether it has ended."""
        for number in range(self.settings.recover):
            attempt = yield from self._cycle()
            which = "the next run" if not number else f"run {number + 1} after it"
            if not attempt.in_time:
                entries = (yield _JOURNAL)["items"]
                ended = yield from self._cut()
                return [Finding(case, NEXT_RUN, f"{which} {self._no_return(case).how}")], (entries, ended)
            if attempt.error is not None:
                how = f"{which} raised {told_error(attempt.error)}"
                return [Finding(case, NEXT_RUN, how, error=attempt.error)], None
        return [], None

    def _cycle(self) -> Course[Attempt]:
        """One run of the client, marked as a cycle of it, with what it reports."""
        if self._marks:
            yield Ask("POST", "/marks", {"event": "begin"})
        attempt: Attempt = yield Run()
        if self._marks and attempt.in_time:
            reported = {"success": False} if attempt.error is not None else reported_by(attempt.result)
            try:
                yield Ask("POST", "/marks", {"event": "end", **({"reported": reported} if reported else {})})
            except ControlRefused as refused:
                if refused.status != HTTPStatus.CONFLICT:  # the client has marked this one itself
                    raise
        return attempt

    def _cut(self) -> Course[bool]:
        """Cut what is in flight, and whatever the client still sends; whether it has ended then."""
        yield Ask("POST", "/reset", [{"type": "reset", "match": {"operation": "*", "authenticated": False}}])
        ended: bool = yield Linger(self.settings.timeout or 0.0)
        return ended

    def _entries(self) -> Course[list[dict[str, Any]]]:
        """The journal, once what has arrived is in it."""
        end = time.monotonic() + _SETTLE
        while True:
            page = yield _JOURNAL
            entries: list[dict[str, Any]] = page["items"]
            first = entries[0]["n"] if page["dropped"] else 1
            if len(entries) > page["last"] - first or time.monotonic() >= end:
                return entries
            yield Pause(_LOOK_EVERY)

    # -- what broke --------------------------------------------------------------------------------------------

    def _raised(self, case: str, attempt: Attempt) -> list[Finding]:
        error = attempt.error
        if error is None or (isinstance(error, self.settings.may_fail) and not is_assertion(error)):
            return []
        return [raised_finding(case, error)]

    def _no_return(self, case: str) -> Finding:
        return Finding(case, NO_RETURN, f"did not come back within {format_duration(self.settings.timeout or 0.0)}")

    def _broken(self, case: str) -> Course[list[Finding]]:
        """The invariants that are broken. Convergence is judged as things stand: the client has had its chance."""
        parameters: dict[str, Any] = {"within": 0, **self.settings.parameters}
        if self.settings.invariants:
            parameters["only"] = self.settings.invariants
        body: dict[str, Any] = {"parameters": parameters}
        if self.settings.desired is not None:
            body["desired"] = self.settings.desired
        elif not self._told:
            body["desired"] = as_desired(self._arrived, (yield Ask("GET", "/fixture")), self._lasting)
        judged = yield Ask("POST", "/invariants", body)
        return [broken_finding(case, item) for item in judged["items"] if item["verdict"] == "broken"]

    def _struck(self, case: Case, name: str) -> Course[tuple[str, bool]]:
        """The request that was struck, and whether one was."""
        rule = yield from if_there(Ask("GET", f"/faults/{name}"))
        found = yield Ask("GET", "/journal", None, {"fault": name, "limit": 1})
        return (label_of(found["items"][0]) if found["items"] else case.request.label), bool(rule and rule["hits"])

    # -- telling -----------------------------------------------------------------------------------------------

    def _ran(
        self,
        case: Case | str,
        found: Sequence[Finding],
        started: float,
        entries: Sequence[Mapping[str, Any]] = (),
        label: str = "",
        *,
        struck: bool = False,
    ) -> Ran:
        seconds = time.monotonic() - started
        kept = tuple(entries) if found else ()
        if isinstance(case, str):
            return Ran(case, 0, "", "", label, struck, tuple(found), kept, "", seconds)
        number, outcome = case.request.n, case.outcome.name
        return Ran(case.id, number, case.phase, outcome, label, struck, tuple(found), kept, _advice(case), seconds)

    def _result(
        self,
        seed: int,
        clean: Ran,
        requests: Sequence[Request],
        runs: Sequence[Ran],
        cases: Sequence[Case],
        left_out: Sequence[tuple[str, str]],
        gone: tuple[str, ...] = (),
        idle: str = "",
    ) -> SweepResult:
        return SweepResult(
            clean=clean,
            requests=tuple(request.label for request in requests),
            runs=tuple(runs),
            cases=tuple(case.id for case in cases),
            not_run=tuple(left_out),
            seed=seed,
            phases=self.settings.phases,
            outcomes=tuple(outcome.name for outcome in self.settings.outcomes),
            reproduce=lambda case: self.reproduce(case, seed),
            gone=gone,
            idle=idle,
        )


def reported_by(result: object) -> dict[str, Any]:
    """What a client says of its run by what it returns: the keys of ``Cycle.report``, where they hold what they may."""
    if not isinstance(result, Mapping):
        return {}
    found: dict[str, Any] = {}
    if isinstance(result.get("success"), bool):
        found["success"] = result["success"]
    for key in ("succeeded", "failed"):
        value = result.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            found[key] = value
        elif isinstance(value, list | tuple | set | frozenset) and all(isinstance(name, str) for name in value):
            found[key] = sorted(value)
    ids = result.get("ids")
    if isinstance(ids, Mapping) and all(isinstance(part, str) for pair in ids.items() for part in pair):
        found["ids"] = dict(ids)
    return found


def _advice(case: Case) -> str:
    """What a correct client does; whatever took the place of a write's acknowledgement, it is in doubt."""
    kind = find_type(str(case.outcome.step["type"]))
    assert kind is not None  # noqa: S101 - else the outcome had been refused
    writes = case.request.operation.rpartition(".")[2] in _WRITES
    if case.phase == "after" and kind.family == "transport" and kind.terminal and writes:
        kind = find_type("lost_ack") or kind
    return kind.correct_client


def _without(entries: Sequence[Mapping[str, Any]], rule: str) -> list[dict[str, Any]]:
    """The entries as if there had been no such rule."""
    return [{**entry, "faults": [fault for fault in entry["faults"] if fault["rule"] != rule]} for entry in entries]


def _own_failures(case: str, entries: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """What the server could not answer for a fault of its own."""
    return [
        Finding(case, SERVER, f"#{entry['n']} {label_of(entry)} was answered 500, and no fault asked for that")
        for entry in entries
        if not entry["faults"] and entry["response"] and entry["response"]["status"] == HTTPStatus.INTERNAL_SERVER_ERROR
    ]
