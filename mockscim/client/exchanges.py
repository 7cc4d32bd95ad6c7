"""What went over the wire and what was committed, as objects: copies of the journal's and the history's entries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from multidict import CIMultiDict

from mockscim.client.line import ControlRefused, Line, NotThereError
from mockscim.tables import journal_head, journal_row

_EVERYTHING = 10**9


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer: its headers, in any case, and its body as parsed JSON, as text, or None."""

    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Response(Message):
    """An answer as it went out."""

    status: int


@dataclass(frozen=True, slots=True)
class StruckFault:
    """A fault that struck an exchange: the rule's name, the type, its phase, and what came of it."""

    rule: str
    type: str
    phase: str
    outcome: str


@dataclass(frozen=True, slots=True, eq=False)
class Exchange:
    """One request as it arrived and what became of it; secrets are masked.

    Attributes:
        entry: the journal's entry as the control API gives it, with all there is.
    """

    entry: dict[str, Any]

    @property
    def n(self) -> int:
        """Its number, from 1, in the order of arrival."""
        return int(self.entry["n"])

    @property
    def time(self) -> str:
        """When it arrived, on the tenant's clock: ``2026-01-01T00:00:00.000Z``."""
        return str(self.entry["time"])

    @property
    def duration_ms(self) -> float:
        """How long it took, in milliseconds of real time."""
        return float(self.entry["duration_ms"])

    @property
    def operation(self) -> str | None:
        """``user.create``; None where none could be told."""
        return self.entry["operation"]  # type: ignore[no-any-return]

    @property
    def refinements(self) -> list[str]:
        """What it is beside that: ``user.deactivate``."""
        return self.entry["refinements"]  # type: ignore[no-any-return]

    @property
    def method(self) -> str:
        """The HTTP method."""
        return str(self.entry["method"])

    @property
    def path(self) -> str:
        """The path below the base URL, decoded."""
        return str(self.entry["path"])

    @property
    def query(self) -> str:
        """The query string as it was sent."""
        return str(self.entry["query"])

    @property
    def request(self) -> Message:
        """What was sent."""
        return Message(CIMultiDict(self.entry["request"]["headers"]), self.entry["request"]["body"])

    @property
    def response(self) -> Response | None:
        """What went out; None where nothing did."""
        sent = self.entry["response"]
        return None if sent is None else Response(CIMultiDict(sent["headers"]), sent["body"], sent["status"])

    @property
    def status(self) -> int | None:
        """The status of the answer; None where none went out."""
        return None if self.entry["response"] is None else int(self.entry["response"]["status"])

    @property
    def resource(self) -> dict[str, str] | None:
        """``type``, ``id`` and ``version`` of the resource it was about."""
        return self.entry["resource"]  # type: ignore[no-any-return]

    @property
    def committed(self) -> bool:
        """Whether it changed anything."""
        return bool(self.entry["committed"])

    @property
    def changes(self) -> list[int]:
        """Its changes, as numbers in the history."""
        return self.entry["changes"]  # type: ignore[no-any-return]

    @property
    def faults(self) -> list[StruckFault]:
        """The faults that struck it."""
        return [StruckFault(**fault) for fault in self.entry["faults"]]

    @property
    def leniencies(self) -> list[dict[str, str]]:
        """What of it the RFCs would refuse and the provider did not: ``code``, ``source``, ``detail``."""
        return self.entry["leniencies"]  # type: ignore[no-any-return]

    @property
    def connection(self) -> int:
        """The number of its connection."""
        return int(self.entry["connection"])

    @property
    def attempt(self) -> int:
        """Which attempt at the same request it was, from 1."""
        return int(self.entry["attempt"])

    @property
    def client_gone(self) -> bool:
        """Whether the client had left before its answer."""
        return bool(self.entry["client_gone"])

    def __str__(self) -> str:
        return journal_row(self.entry).strip()

    def __repr__(self) -> str:
        about = f"#{self.n} {self.method} {self.path} {self.operation or '?'} {self.status or 'no answer'}"
        struck = "".join(f" {fault.rule}" for fault in self.faults)
        return f"<Exchange {about}{' committed' if self.committed else ''}{struck}>"


@dataclass(frozen=True, slots=True)
class Change:
    """One committed change.

    Attributes:
        n: its number, from 1.
        time: when, on the tenant's clock.
        operation: ``create``, ``replace``, ``patch``, ``delete`` or as the history calls it.
        type, id, version: of the resource; no version of one that is gone.
        before, after: the resource's attributes; None where there was or is none.
        journal: the number of the exchange behind it; None for what was done behind the client's back.
    """

    n: int
    time: str
    operation: str
    type: str
    id: str
    version: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    journal: int | None


class Journal:
    """The exchanges so far, oldest first; each look is at what is there then.

    ``print(scim.journal)`` shows it as a table.
    """

    def __init__(self, line: Line) -> None:
        self._line = line

    def __iter__(self) -> Iterator[Exchange]:
        return iter(self.where())

    def __len__(self) -> int:
        return len(self._items({}))

    def __bool__(self) -> bool:
        return bool(self._items({"limit": 1}))

    def __getitem__(self, n: int) -> Exchange:
        """The exchange with that number, from 1; from the end where it is below 0: ``journal[-1]`` ended last.

        Raises:
            KeyError: there is none, or no longer.
        """
        if isinstance(n, int) and n < 0:
            found = self.tail(-n)
            if len(found) == -n:
                return found[0]
            raise NotThereError(f"there is no exchange {n} in the journal: it has {len(found)}")
        if isinstance(n, int) and n > 0:
            try:
                return Exchange(self._line.ask("GET", f"/journal/{n}"))
            except ControlRefused as error:
                if error.status != 404:
                    raise
        numbers = " (they are numbered from 1)" if n == 0 else ""
        raise NotThereError(f"there is no exchange {n!r} in the journal{numbers}; the newest is {self.last}")

    @property
    def last(self) -> int:
        """The number of the newest exchange that has arrived; 0 when there was none."""
        return int(self._page({"limit": 1})["last"])

    @property
    def dropped(self) -> int:
        """How many exchanges the journal no longer has."""
        return int(self._page({"limit": 1})["dropped"])

    def where(
        self,
        operation: str | None = None,
        *,
        status: int | None = None,
        fault: str | None = None,
        since: int = 0,
    ) -> list[Exchange]:
        """The exchanges of a kind.

        Args:
            operation: an operation or refinement; ``*`` stands for any text.
            status: of the answer.
            fault: the name of a rule, or a type of fault, that struck.
            since: only those with a greater number.
        """
        given = {"operation": operation, "status": status, "fault": fault, "since": since or None}
        return [Exchange(entry) for entry in self._items({k: v for k, v in given.items() if v is not None})]

    def tail(self, n: int = 10) -> list[Exchange]:
        """The last ``n`` exchanges, oldest first."""
        return self.where()[-n:] if n > 0 else []

    def har(self) -> dict[str, Any]:
        """All of it as an HTTP Archive 1.2."""
        found: dict[str, Any] = self._line.ask("GET", "/journal.har")
        return found

    def clear(self) -> None:
        """Forget all exchanges; numbers go on."""
        self._line.ask("DELETE", "/journal")

    def __str__(self) -> str:
        return "\n".join([journal_head(), *(journal_row(entry) for entry in self._items({}))])

    def __repr__(self) -> str:
        return f"<Journal of {len(self)} exchanges>"

    def _items(self, parameters: dict[str, object]) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self._page({"limit": _EVERYTHING, **parameters})["items"]
        return items

    def _page(self, parameters: dict[str, object]) -> dict[str, Any]:
        found: dict[str, Any] = self._line.ask("GET", "/journal", parameters=parameters)
        return found


def history(line: Line) -> list[Change]:
    """The committed changes so far, oldest first."""
    page = line.ask("GET", "/history", parameters={"limit": _EVERYTHING})
    return [Change(**entry) for entry in page["items"]]
