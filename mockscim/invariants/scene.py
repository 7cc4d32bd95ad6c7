"""All that the judge looks at: what happened on the wire, what was committed, what is, and what was to be."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from mockscim.invariants.attempts import Operation, operations_of
from mockscim.invariants.changes import Step
from mockscim.invariants.desired import Desired, Key, State, named
from mockscim.invariants.enumeration import Walk, walks_of
from mockscim.invariants.marks import Cycle, Expectation, Mark, cycles_of
from mockscim.invariants.parameters import Strictness
from mockscim.invariants.seen import Seen
from mockscim.invariants.writes import Write, writes_of
from mockscim.journal import Exchange, HistoryEntry
from mockscim.scim.record import Record
from mockscim.scim.schema import ResourceType


@dataclass
class Scene:
    """What is judged.

    Attributes:
        exchanges: the journal, in order of arrival.
        history: the committed changes, in their order.
        types: the resource types.
        records: all resources as they are now.
        now: seconds on the tenant's clock.
        virtual: whether that is told, and not the real time.
        expectations: where the client should arrive, each from when on, in their order.
        marks: the client's cycles, in their order.
        parameters: how strict to be.
        journal_lost, history_lost: how many exchanges and changes are no longer there.
    """

    exchanges: Iterable[Exchange]
    history: Iterable[HistoryEntry]
    types: Iterable[ResourceType]
    records: Iterable[Record]
    now: float
    virtual: bool = False
    expectations: Sequence[Expectation] = ()
    marks: Sequence[Mark] = ()
    parameters: Strictness = field(default_factory=Strictness)
    journal_lost: int = 0
    history_lost: int = 0

    def lost(self, *, journal: bool, history: bool) -> str:
        """What is no longer there of what is needed, in words; empty where all is."""
        told = []
        if journal and self.journal_lost:
            told.append(f"the journal dropped {self.journal_lost} exchanges")
        if history and self.history_lost:
            told.append(f"the history dropped {self.history_lost} changes")
        return " and ".join(told)

    # -- what happened -----------------------------------------------------------------------------------------

    @cached_property
    def cycles(self) -> list[Cycle]:
        """The client's cycles; none where it did not mark them."""
        return cycles_of(self.marks)

    @cached_property
    def seen(self) -> list[Seen]:
        """The exchanges, in order of arrival."""
        begins = [cycle.journal[0] for cycle in self.cycles]
        found = []
        for exchange in self.exchanges:
            epoch = bisect_right(begins, exchange.n - 1)
            inside = epoch and exchange.n <= self.cycles[epoch - 1].journal[1]
            found.append(Seen(exchange, epoch - 1 if inside else None, epoch))
        return found

    @cached_property
    def by_number(self) -> dict[int, Seen]:
        """The exchanges by number."""
        return {seen.n: seen for seen in self.seen}

    @cached_property
    def endpoints(self) -> dict[str, ResourceType]:
        """Resource types by endpoint, in lower case."""
        return {kind.endpoint.lower(): kind for kind in self.types}

    @cached_property
    def writes(self) -> list[Write]:
        """What the client asked to change, in order."""
        return [write for seen in self.seen for write in writes_of(seen, self.endpoints)]

    @cached_property
    def writes_about(self) -> dict[tuple[str, str, str], list[int]]:
        """The places of writes by what they name: (type, ``id`` or a name's attribute, the id or the folded name)."""
        found: dict[tuple[str, str, str], list[int]] = {}
        for place, write in enumerate(self.writes):
            about = [*write.names, *([("id", write.id)] if write.id is not None else [])]
            for name, value in about:
                found.setdefault((write.type, name, value), []).append(place)
        return found

    @cached_property
    def steps_of(self) -> dict[str, list[Step]]:
        """The committed changes of each resource, by its id."""
        found: dict[str, list[Step]] = {}
        for step in self.steps:
            found.setdefault(step.id, []).append(step)
        return found

    @cached_property
    def steps(self) -> list[Step]:
        """The committed changes, each with what the client asked for it."""
        asked: dict[int, list[Write]] = {}
        for write in self.writes:
            asked.setdefault(write.seen.n, []).append(write)
        found = []
        for entry in self.history:
            seen = self.by_number.get(entry.journal) if entry.journal is not None else None
            writes = asked.get(entry.journal, ()) if entry.journal is not None else ()
            found.append(Step(entry, seen, _asked_for(entry, writes)))
        return found

    @cached_property
    def operations(self) -> list[Operation]:
        """Logical operations, each with its attempts on the wire."""
        return operations_of(self.seen, self.parameters.pause)

    @cached_property
    def walks(self) -> list[Walk]:
        """Enumerations of a collection, each with its pages."""
        return walks_of(self.seen)

    def steps_in(self, cycle: Cycle) -> list[Step]:
        """What was committed while a cycle lasted."""
        low, high = cycle.history
        return [step for step in self.steps if low < step.n <= high]

    def seen_in(self, cycle: Cycle) -> list[Seen]:
        """The exchanges of a cycle."""
        low, high = cycle.journal
        return [seen for seen in self.seen if low < seen.n <= high]

    def meant(self, step: Step) -> bool:
        """Whether a resource was made as its client meant it: once for one request, and not later than the answer."""
        if step.write is None or step.landed_late:
            return False
        return self._made[step.journal, step.write.place][0] == step.n

    @cached_property
    def _made(self) -> dict[tuple[int | None, int | None], list[int]]:
        found: dict[tuple[int | None, int | None], list[int]] = {}
        for step in self.steps:
            if step.before is None and step.write is not None:
                found.setdefault((step.journal, step.write.place), []).append(step.n)
        return found

    @cached_property
    def made_together(self) -> list[set[Key]]:
        """The resources of each create of which a fault made several."""
        by_number = {step.n: (step.type, step.id) for step in self.steps if step.before is None}
        return [{by_number[n] for n in made} for made in self._made.values() if len(made) > 1]

    def looked_up(self, doubtful: Seen) -> bool:
        """Whether the client looked, after a request whose outcome it did not know, and got an answer."""
        return any(
            seen.n > doubtful.n and seen.ok and seen.resource == doubtful.resource and seen.verb in ("list", "search")
            for seen in self.seen
        )

    def in_cycle(self, number: int | None) -> str:
        """`` in cycle 3``, or nothing; ``number`` is a place among the cycles."""
        return f" in {self.cycles[number].label}" if number is not None else ""

    @cached_property
    def last_trouble(self) -> tuple[int, int, float]:
        """The last exchange that something befell, the last change that no client asked for, and when that was.

        Zeros where all went well. What was there before the first exchange, or a fixture put later, is no trouble.
        """
        exchange, change, at = 0, 0, 0.0
        for seen in self.seen:
            if seen.troubled:
                exchange, at = seen.n, max(at, seen.exchange.started)
        first = self.seen[0].exchange.started if self.seen else self.now
        for step in self.steps:
            if (step.journal is None and step.entry.at >= first) or step.landed_late:
                change, at = step.n, max(at, step.entry.at)
        return exchange, change, at

    # -- what is, and was --------------------------------------------------------------------------------------

    @cached_property
    def state(self) -> State:
        """All resources as they are now."""
        return State({(record.type.name, record.id): record for record in self.records})

    @cached_property
    def first_state(self) -> dict[Key, Record]:
        """All resources as they were before the oldest change that is kept."""
        found = dict(self.state.records)
        for step in reversed(self.steps):
            if step.before is not None:
                found[step.type, step.id] = step.before
            else:
                found.pop((step.type, step.id), None)
        return found

    @cached_property
    def bearers(self) -> dict[tuple[str, str, str], set[str]]:
        """The ids that ever bore a name: by (type, attribute, folded name)."""
        found = {key: {record.id for record in records} for key, records in State(self.first_state).names.items()}
        for step in self.steps:
            if step.after is not None:
                for name, value in named(step.type, step.after.attributes()):
                    found.setdefault((step.type, name, value), set()).add(step.id)
        return found

    def once_called(self, value: str) -> set[str]:
        """The ids that ever bore a folded name, of whatever type and attribute."""
        return self._once_called.get(value, set())

    @cached_property
    def _once_called(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for (_, _, value), ids in self.bearers.items():
            found.setdefault(value, set()).update(ids)
        return found

    def state_after(self, n: int) -> State:
        """All resources as they were after the change with that number."""
        if not self.steps or n >= self.steps[-1].n:
            return self.state
        found = dict(self.state.records)
        for step in reversed(self.steps):
            if step.n <= n:
                break
            if step.before is not None:
                found[step.type, step.id] = step.before
            else:
                found.pop((step.type, step.id), None)
        return State(found)

    # -- what was to be ----------------------------------------------------------------------------------------

    @cached_property
    def _desired(self) -> list[Desired]:
        return [Desired(each, self.endpoints) for each in self.expectations]

    @property
    def desired(self) -> Desired | None:
        """Where the client should arrive; None when nobody said."""
        return self._desired[-1] if self._desired else None

    def desired_at(self, journal: int) -> Desired | None:
        """What was desired when that exchange came: what was said last before it, or else what was said first."""
        found = [desired for desired in self._desired if desired.since < journal]
        return found[-1] if found else self._desired[0] if self._desired else None


def _asked_for(entry: HistoryEntry, writes: Sequence[Write]) -> Write | None:
    """What the client asked for that a change is the doing of.

    A create comes of a POST, a deletion of a DELETE or of what deactivates, an update of whatever addressed it.
    """
    change = entry.change
    for write in writes:
        if write.type != change.type.name:
            continue
        if change.before is None:
            if write.id == change.id or (
                write.method == "POST" and (write.place is None or _named(write, change.after))
            ):
                return write
        elif write.id == change.id and (change.after is not None or write.method != "POST"):
            return write
        elif write.method == "POST" and change.after is not None:
            return write  # a provider that takes a POST of somebody it knows for a change
    return None


def _named(write: Write, record: Record | None) -> bool:
    """Whether a create of a bulk job is of that resource."""
    attributes: Mapping[str, object] = record.attributes() if record is not None else {}
    stored = {str(name).lower(): value for name, value in attributes.items()}
    sent = dict(write.names)
    return all(str(stored.get(name, "")).strip().casefold() == value for name, value in sent.items())
