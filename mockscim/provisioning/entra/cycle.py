"""One cycle: the connection, users, groups, then what refers to them; and what it leaves behind.

    for phase in cycle.phases():
        for item in phase.items:                                  # at once, if you like
            item.end(drive(item.steps(), send), clock.now())

What the items of a phase have found is taken over when the phase is over, in the order of the objects: so neither the
state nor the log depends on who answered first.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from mockscim.provisioning.entra import connection, log, notice, plan, quarantine, references
from mockscim.provisioning.entra.connection import Connection
from mockscim.provisioning.entra.ground import Decision, Ground
from mockscim.provisioning.entra.identity import guid
from mockscim.provisioning.entra.outcome import Outcome
from mockscim.provisioning.entra.phase import Item, Name, Phase, Result
from mockscim.provisioning.entra.state import Escrow, Execution, Kind, Problem, Progress, Unfinished, key_of
from mockscim.provisioning.entra.work import Work, find, pending

Document = dict[str, Any]

_INSIDE = ("EncounteredQuarantineException", "TooManyDeletes")


class Cycle:
    """One cycle of a job; begun by ``Job.cycle``.

    Attributes:
        number: which of the job's it is, from 1.
        id: a GUID, the log's cycleId.
        resumed: whether it goes on with one that was interrupted: number, id and counts are that one's.
        initial: whether everything is looked at.
        quiet: whether there is nothing to send; then there is no request at all.
        entries: provisioningObjectSummary documents, complete once a phase is over.
        events: what happened to the job itself: see notice.py.
        connection: what the test of the connection said; None where none was made.
        execution: the counts; see ``status.execution`` for Graph's document.
        finished: whether it is over.
    """

    def __init__(self, ground: Ground) -> None:
        state, settings = ground.state, ground.settings
        before, state.unfinished = state.unfinished, None
        self.resumed = before is not None
        state.cycles += not self.resumed
        self.number = state.cycles
        self.id = guid(settings.seed, settings.job_id, "cycle", self.number)
        self.entries: list[Document] = []
        self.events: list[Document] = []
        self.connection: Connection | None = None
        self.finished = False
        if before is None:
            before = Unfinished(
                Execution(activityIdentifier=guid(self.id, "activity"), timeBegan=ground.now), ground.now
            )
        self.execution, self._serial = before.execution, before.entries
        self._ground = ground
        self._at = ground.now
        self._phase: Phase | None = None
        self._phases: list[Phase] = []
        self._problem: Problem | None = None
        self._lasting = False
        self._events, self._failures = before.events, before.failures
        self._work: Work = find(ground)
        self.initial = self._work.initial
        if self.initial and not self.resumed:
            state.pruned = False
        self.quiet = self._has_nothing_to_send()
        self._count_source()

    def _has_nothing_to_send(self) -> bool:
        ground, work, known = self._ground, self._work, self._ground.state.quarantine
        # A job that could not get through has to find out whether it can.
        if work.sends or (known is not None and known.reason == "EncounteredQuarantineException"):
            return False
        return not pending(ground, "User", work.managers) and not pending(ground, "Group", work.groups)

    # -- phases ------------------------------------------------------------------------------------------------

    def phases(self) -> Iterator[Phase]:
        """The phases in order; each is to be over before the next is asked for."""
        if not self.quiet and self._ground.settings.probe:
            yield self._begin("connection", [self._probe()])
            self._settle()
        for make in self._makers():
            if self._ground.halted:
                break
            name, items = make()
            if items:
                yield self._begin(name, items)
                self._settle()
        self.finish(complete=True)

    def _makers(self) -> list[Callable[[], tuple[Name, list[Item]]]]:
        return [
            lambda: ("users", self._objects("User", deletes=True)),
            lambda: ("users", self._objects("User", deletes=False)),
            lambda: ("groups", self._objects("Group", deletes=True)),
            lambda: ("groups", self._objects("Group", deletes=False)),
            lambda: ("references", self._references("User")),
            lambda: ("memberships", self._references("Group")),
        ]

    def _begin(self, name: Name, items: list[Item]) -> Phase:
        self._phase = Phase(name, items)
        self._phases.append(self._phase)
        return self._phase

    def _probe(self) -> Item:
        ground = self._ground
        ground.state.probes += 1
        draw = random.Random(f"{ground.settings.seed}/probe/{ground.state.probes}")  # noqa: S311 - reproducible
        target = ground.settings.base_url
        return Item("", "connection", "", lambda: connection.test(ground.schema, draw, target), self._noticed)

    def _objects(self, kind: Kind, *, deletes: bool) -> list[Item]:
        def item(key: str, decision: Decision) -> Item:
            staged = (kind, key) in self._work.held_back
            name = self._ground.outcome(kind, key).name
            return Item(
                kind,
                key,
                name,
                lambda: plan.steps(self._ground, kind, key, decision, staged=staged),
                self._noticed,
            )

        return [item(key, decision) for key, decision in self._work.of(kind, deletes=deletes)]

    def _references(self, kind: Kind) -> list[Item]:
        def item(one: references.Pending) -> Item:
            name = self._ground.outcome(kind, one.key).name
            return Item(kind, one.key, name, lambda: references.steps(self._ground, one), self._noticed)

        keys = self._work.managers if kind == "User" else self._work.groups
        return [item(one) for one in pending(self._ground, kind, keys)]

    def _noticed(self, result: Result) -> None:
        """Refused credentials end the cycle at once: no plan begins after that."""
        if isinstance(result, Outcome) and result.refused:
            self._ground.halted = self._lasting = True
            message = result.failure.message if result.failure else "The target refuses the credentials."
            self._problem = Problem("InvalidCredentials", message)

    # -- what came of it ---------------------------------------------------------------------------------------

    def _settle(self) -> None:
        phase, self._phase = self._phase, None
        for item in phase.items if phase is not None else ():
            self._at = max(self._at, item.at)
            if isinstance(item.result, Connection):
                self._tested(item.result)
            elif item.result is not None and not item.result.undone:
                self._take(item.result, item.at)
        self._prune()

    def _tested(self, found: Connection) -> None:
        self.connection = found
        if not found.ok:
            self._ground.halted, self._lasting, self._problem = True, found.lasting, found.problem

    def _take(self, outcome: Outcome, at: float) -> None:
        """Take an outcome over: the link, the escrow, the counts, the log."""
        ground, counts = self._ground, self.execution
        links = ground.state.links(outcome.kind)
        if outcome.link is not None:
            links[outcome.key] = outcome.link
        else:
            links.pop(outcome.key, None)
        escrow = self._escrow(outcome, at)
        counts.countEntitled += outcome.entitled
        counts.countEntitledForProvisioning += outcome.effective
        counts.countExported += outcome.exported
        counts.countExports += outcome.exported or outcome.failure is not None
        if outcome.part == "object":
            self._events += outcome.status != "skipped" or outcome.skip == "RedundantExport"
        entry = log.entry(ground.settings, self.id, outcome, at, self._serial, escrow)
        self._serial += 1
        self.entries.append(entry)

    def _escrow(self, outcome: Outcome, at: float) -> Escrow | None:
        ground, counts = self._ground, self.execution
        if outcome.failure is None:
            ground.state.escrows.pop(key_of(outcome.kind, outcome.key, outcome.part), None)
            return None
        known = len(ground.state.escrows)
        found = quarantine.put(
            ground.state, ground.settings, outcome.kind, outcome.key, outcome.part, outcome.failure, at
        )
        counts.countEscrowedRaw += 1
        counts.countEscrowed += len(ground.state.escrows) > known
        self._failures += not outcome.failure.reference
        return found

    def _prune(self) -> None:
        """In an initial cycle, errors beyond a threshold are dropped, and the cycle goes on to its end."""
        state, settings = self._ground.state, self._ground.settings
        if self.initial and quarantine.threshold(state, settings, self._events, self._failures):
            state.escrows.clear()
            state.pruned = True

    # -- the end -----------------------------------------------------------------------------------------------

    def finish(self, now: float | None = None, *, complete: bool = False) -> None:
        """End the cycle; ``phases`` does so by itself.

        After breaking off, what is done is kept, and a cycle is due at once that goes on with this one. It looks again
        at what was done, and finds it done.

        Args:
            now: when; the time of the last item that ended, if not given.
            complete: the phases are exhausted.
        """
        if self.finished:
            return
        self.finished = True
        if self._phase is not None:
            self._settle()
        self._at = max(self._at, now if now is not None else self._at)
        state = self._ground.state
        self._progress()
        state.count()
        if complete or self._ground.halted:
            self._end(through=not self._ground.halted)
            state.next = self._ground.now + self._ground.settings.interval
        else:
            state.unfinished = Unfinished(self.execution, self._at, self._serial, self._events, self._failures)
            state.next = self._at

    def _end(self, *, through: bool) -> None:
        self._end_execution(through=through)
        if through:
            self._remember()
        self._expire()
        self._judge(through=through)

    def _end_execution(self, *, through: bool) -> None:
        state, counts = self._ground.state, self.execution
        counts.timeEnded = self._at
        counts.error = self._problem
        counts.state = "EntryLevelErrors" if counts.countEscrowedRaw else "Succeeded"
        if not through:
            counts.state = "Failed"
        state.last = counts
        if through:
            state.last_successful = counts
            if counts.countExported:
                state.last_with_exports = counts
            state.steady = (state.steady[0] if state.steady else self._at, self._at)

    def _remember(self) -> None:
        state, ground = self._ground.state, self._ground
        state.watermark = self._work.delta.watermark
        state.deletes_forced = False
        waiting = [key for key in state.staged if ground.removes(*key, ground.decide(*key))]
        state.staged = list(dict.fromkeys([*waiting, *sorted(self._work.held_back)]))

    def _expire(self) -> None:
        state, settings = self._ground.state, self._ground.settings
        gone = quarantine.expire(state, settings, self._at)
        if gone and settings.escrow_ends_job:
            name = self._ground.outcome(gone[0].kind, gone[0].id).name
            self._disable(f"{gone[0].kind.lower()} {name} could not be provisioned for 28 days")

    def _judge(self, *, through: bool) -> None:
        """Into quarantine, out of it, or neither."""
        state, settings = self._ground.state, self._ground.settings
        reason = self._reason(through=through)
        if reason is not None and self.initial and state.pruned and reason not in _INSIDE:
            reason = None
        if state.pruned and self.initial and through:
            state.schedule = "Paused"
            state.why = "too many objects failed in the initial cycle; correct them and start again"
        if reason is not None:
            if quarantine.impose(state, settings, reason, self._at, self._problem):
                self.events.append(notice.quarantined(settings, reason, self._problem, self._at))
        elif through and state.quarantine is not None:
            self.events.append(notice.recovered(settings, self._at))
            state.quarantine = None
        if quarantine.over(state, settings, self._at):
            self._disable("the job was in quarantine for four weeks")

    def _reason(self, *, through: bool) -> str | None:
        state, settings = self._ground.state, self._ground.settings
        if not through:
            state.complete_failures += 1
            if self._lasting or state.complete_failures >= settings.complete_failures:
                return "EncounteredQuarantineException"
            return state.quarantine.reason if state.quarantine else None
        state.complete_failures = 0
        if state.staged:
            return "TooManyDeletes"
        return quarantine.threshold(state, settings, self._events, self._failures)

    def _disable(self, why: str) -> None:
        state = self._ground.state
        if state.schedule != "Disabled":
            state.schedule, state.why = "Disabled", why
            self.events.append(notice.disabled(self._ground.settings, why, self._at))

    def _progress(self) -> None:
        """Pages rather than objects, as the portal's bar counts them."""
        size = self._ground.settings.page_size
        totals: dict[str, list[int]] = {}
        for phase in self._phases:
            if phase.name != "connection":
                found = totals.setdefault(phase.name, [0, 0])
                found[0], found[1] = found[0] + phase.done, found[1] + phase.total
        self._ground.state.progress = [
            Progress(f"{name} pages", -(-done // size), -(-total // size), self._at)
            for name, (done, total) in totals.items()
        ]

    def _count_source(self) -> None:
        delta, counts = self._work.delta, self.execution
        read = len(delta.users) + len(delta.groups)
        # One that goes on reads everything again.
        counts.countEntitled = counts.countEntitledForProvisioning = 0
        counts.countImported = read
        counts.countImportedDeltas = 0 if self.initial else read
        moved = sum(len(each.added) + len(each.removed) for each in delta.members.values())
        counts.countImportedReferenceDeltas = len(delta.managers) + moved
