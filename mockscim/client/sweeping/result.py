"""What a sweep has found, and how a terminal of 100 columns shows it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mockscim.client import failure
from mockscim.tables import WIDTH, clip, grid, printable, proof_place

CLEAN = "clean"
NO_REQUEST, RAISED, NO_RETURN, NEXT_RUN, SERVER = "no request", "raised", "no return", "next run", "server"

_UUID = re.compile(r"\b([0-9a-f]{4})[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_MOST_ROWS = 60
_MOST_NAMED = 12
_MOST_LINES = 40
_MOST_OF_HOW = 3  # lines
_CASE, _REQUEST = 34, 30  # columns at most


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that broke in one case.

    Attributes:
        case: ``7:after:reset``; ``clean`` for the clean run.
        broke: an invariant (``I1``); ``raised``, ``no return`` (in time), ``next run`` (raised, or did not return) or
            ``server`` (which answered 500 of its own).
        how: in a sentence.
        name: the invariant's, in words.
        evidence: a line for each thing that shows it, with its place in the journal and the history.
        error: what the client raised.
    """

    case: str
    broke: str
    how: str
    name: str = ""
    evidence: tuple[str, ...] = ()
    error: BaseException | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Ran:
    """One case that was run.

    Attributes:
        case: ``7:after:reset``; ``clean`` for the clean run.
        request: the number of the request that was to be struck; 0 for the clean run.
        phase: ``before`` or ``after``.
        outcome: what befell it.
        label: the request that was struck, or would have been: ``user.create POST /Users``; of the clean run whether
            it was the second that broke.
        struck: whether anything was.
        findings: what broke.
        journal: the exchanges, where something broke: entries of the journal.
        advice: what a correct client does about it.
        seconds: how long it took.
    """

    case: str
    request: int
    phase: str
    outcome: str
    label: str
    struck: bool
    findings: tuple[Finding, ...]
    journal: tuple[Mapping[str, Any], ...] = field(default=(), repr=False, compare=False)
    advice: str = field(default="", repr=False, compare=False)
    seconds: float = field(default=0.0, compare=False)

    def text(self, width: int = WIDTH) -> str:
        """What broke, with evidence and the journal's tail."""
        head = f"{self.case}: {self.label}" if self.label else f"{self.case} run"
        lines = [clip(head, width)]
        for finding in self.findings:
            lines += _folded(
                f"{finding.broke} {finding.name}:" if finding.evidence else f"{finding.broke}: {finding.how}", width
            )
            lines += [line for each in finding.evidence for line in _folded(f"  {each}", width)]
        return "\n".join([*lines, *failure.tail(self.journal, width=width)])


@dataclass(frozen=True)
class SweepResult:
    """What a sweep has found.

    Attributes:
        clean: the run without faults that everything is held against.
        requests: the requests of the clean run: ``user.create POST /Users``.
        runs: the cases that were run, in the order of the requests.
        cases: all cases that there are, asked for or not.
        not_run: the cases that were asked for and left out, in that order, each with why.
        seed: the server's.
        phases, outcomes: as they were asked for.
        reproduce: tells how a case is run again.
        gone: cases that failed the last time and that there are no longer.
        idle: why no case was run, where some should have been; "" else. Such a sweep has shown nothing, and fails.
    """

    clean: Ran
    requests: tuple[str, ...]
    runs: tuple[Ran, ...]
    cases: tuple[str, ...]
    not_run: tuple[tuple[str, str], ...]
    seed: int
    phases: tuple[str, ...]
    outcomes: tuple[str, ...]
    reproduce: Callable[[str], str] = field(repr=False, compare=False)
    gone: tuple[str, ...] = ()
    idle: str = ""

    @property
    def findings(self) -> list[Finding]:
        """All that broke; what broke in the clean run comes first."""
        return [finding for run in (self.clean, *self.runs) for finding in run.findings]

    @property
    def failed(self) -> list[str]:
        """The cases in which something broke."""
        return [run.case for run in self.runs if run.findings]

    @property
    def missed(self) -> list[str]:
        """The cases in which nothing was struck: the client sent fewer requests, or the outcome had nothing to do."""
        return [run.case for run in self.runs if not run.struck]

    @property
    def left_out(self) -> list[str]:
        """The cases that were asked for and not run."""
        return [case for case, _ in self.not_run]

    @property
    def ok(self) -> bool:
        """Whether nothing broke, and something could have."""
        return not self.findings and not self.idle

    def table(self, width: int = WIDTH) -> str:
        """What broke, at which request, phase and outcome, a line each; and what was not run."""
        if self.clean.findings:
            what = "the clean run does not pass" if not self.clean.label else "it breaks when it is run again, clean"
            lines = _folded(f"sweep: {what}, so there is nothing to hold faults against", width)
            lines += ["(recover=False leaves the run after each fault out)"] if self.clean.label else []
            return "\n".join([*lines, *self._rows([self.clean], width)])
        failed = [run for run in self.runs if run.findings]
        count = f"{len(failed)} of {len(self.runs)} cases broke something" if failed else self._held()
        lines = _folded(f"sweep: {count} ({self._extent()})", width)
        lines += _folded(self.idle, width) if self.idle else []
        lines += self._rows(failed, width) if failed else []
        if failed:
            lines += _folded(f"in all: {self._sums(failed)}", width)
        if self.missed:
            missed = "nothing was struck in" if len(self.missed) > 1 else "nothing was struck in the case"
            lines += _folded(f"{missed} {_listed(self.missed)}", width)
        for why in dict.fromkeys(why for _, why in self.not_run):
            names = [case for case, its in self.not_run if its == why]
            lines += _folded(f"left out: {_counted(len(names), 'case')}, {why}: {_listed(names)}", width)
        if self.gone:
            lines += _folded(f"no longer there: {_listed(self.gone)}", width)
        return "\n".join(lines)

    def report(self, width: int = WIDTH, *, detail: bool = True) -> str:
        """The table, the first case in which something broke in full, and how it is run again.

        Args:
            width: columns.
            detail: False where sub-tests have told of each case.
        """
        first = next((run for run in (self.clean, *self.runs) if run.findings), None)
        if first is None:
            return self.table(width)
        lines = [self.table(width)]
        if detail or first.case == CLEAN:
            lines += ["", first.text(width)]
        if first.advice:
            lines += _folded(f"a correct client: {first.advice}", width)
        lines.append(f"seed: {self.seed}")
        if first.case != CLEAN:
            lines += failure.command(self.command(first.case), width)
        return "\n".join(lines)

    def command(self, case: str) -> str:
        """How one case is run again."""
        return self.reproduce(case)

    def raise_for_findings(self, *, detail: bool = True) -> None:
        """Raise if anything broke, or if no case was run that should have been.

        Args:
            detail: as ``report``'s.

        Raises:
            AssertionError: with the report; its cause is what the client raised, if the first case is about that.
        """
        __tracebackhide__ = True
        found = self.findings
        if not self.ok:
            cause = next((f.error for f in found if f.case == found[0].case and f.error is not None), None)
            raise full_failure(self.report(detail=detail)) from cause

    def __str__(self) -> str:
        return self.table()

    def _held(self) -> str:
        if not self.runs:
            return "no case was run"
        return f"all {len(self.runs)} cases held" if len(self.runs) > 1 else "the case held"

    def _extent(self) -> str:
        times = " x ".join([_counted(len(self.requests), "request"), ", ".join(self.phases), ", ".join(self.outcomes)])
        return f"{times}; seed {self.seed}"

    def _rows(self, runs: Iterable[Ran], width: int) -> list[str]:
        rows = []
        for run in runs:
            for place, finding in enumerate(run.findings):
                first = (clip(run.case, _CASE), clip(run.label, _REQUEST)) if not place else ("", "")
                rows.append((*first, finding.broke, _UUID.sub(r"\1…", finding.how)))
        more = [f"… and {len(rows) - _MOST_ROWS} more"] if len(rows) > _MOST_ROWS else []
        return [*grid(("case", "request", "broke", "how"), rows[:_MOST_ROWS], width, _MOST_OF_HOW), *more]

    @staticmethod
    def _sums(failed: Sequence[Ran]) -> str:
        kinds: dict[tuple[str, str], set[str]] = {}
        for run in failed:
            for finding in run.findings:
                kinds.setdefault((finding.broke, finding.name), set()).add(run.case)
        return ", ".join(
            f"{' '.join(filter(None, kind))} in {_counted(len(kinds[kind]), 'case')}"
            for kind in sorted(kinds, key=lambda kind: _place_of(kind[0]))
        )


def broken_finding(case: str, item: Mapping[str, Any]) -> Finding:
    """An invariant that is broken, from the judge's answer; what is shown first says how."""
    proofs = item["evidence"]
    told = [f"{proof_place(proof)}: {proof['what']}" for proof in proofs]
    if item["more"]:
        told.append(f"… and {item['more']} more")
    return Finding(case, item["id"], str(proofs[0]["what"] if proofs else item["why"]), item["name"], tuple(told))


def raised_finding(case: str, error: BaseException) -> Finding:
    """What the client raised; a text of several lines is evidence as it is."""
    lines = str(error).rstrip().split("\n")
    evidence = tuple(lines[:_MOST_LINES]) if len(lines) > 1 else ()
    how = f"{type(error).__name__}: {lines[0]} …" if evidence else told_error(error)
    return Finding(case, RAISED, how, type(error).__name__, evidence, error)


def full_failure(text: str) -> AssertionError:
    """An AssertionError that says all there is: a report of its test need not tell more of the server."""
    error = AssertionError(text)
    error.mockscim_told = True  # type: ignore[attr-defined]
    return error


def told_error(error: BaseException) -> str:
    """An exception in a line: ``ConnectTimeout: timed out``."""
    text = " ".join(str(error).split())
    name = type(error).__name__
    return f"{name}: {text}" if text else name


def _place_of(kind: str) -> tuple[int, int | str]:
    return (0, int(kind[1:])) if kind[1:].isdigit() else (1, kind)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _folded(line: str, width: int) -> list[str]:
    shown = printable(line)
    indent = " " * (len(shown) - len(shown.lstrip()) + 4)
    return textwrap.wrap(shown, width, subsequent_indent=indent, replace_whitespace=False) or [""]
