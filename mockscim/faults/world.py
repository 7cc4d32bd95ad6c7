"""What a fault that changes how the service serves may use: the directory, its past, the clock, and its own memory.

Such a fault (effect.Serving) is given the World of one request, the request, and the way to have it served; it may
serve it as it is, changed, several times, later or not at all, see another state of the directory while it does, and
change what comes out. It never waits and never touches a socket.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from mockscim.faults.draw import Draw
from mockscim.scim.call import Call, Reply
from mockscim.scim.record import Change, Record
from mockscim.scim.service import Service
from mockscim.scim.store import Store

Serve = Callable[[Call], Reply]


class Committed(Protocol):
    """One entry of the history."""

    @property
    def n(self) -> int:
        """Its number, from 1."""
        ...

    @property
    def at(self) -> float:
        """When it was committed, in seconds on the tenant's clock."""
        ...

    @property
    def change(self) -> Change:
        """What was and what is."""
        ...

    @property
    def journal(self) -> int | None:
        """The number of the exchange behind it; None where it was made behind the client's back."""
        ...


class World(Protocol):
    """One request's surroundings.

    Attributes:
        store: the directory as it is. Read it; write through ``perform``, ``serve`` or ``edit`` only.
        service: the provider.
        now: seconds on the tenant's clock.
        memory: what the rule remembers from match to match.
        draw: all chance comes from here.
        exchange: the number of this exchange in the journal.
        caller: who asks: a digest of the token, or ""; for scopes of limits.
        last: the number of the newest entry of the history; 0 when there is none.
    """

    store: Store
    service: Service
    now: float
    memory: dict[str, Any]
    draw: Draw
    exchange: int
    caller: str

    @property
    def last(self) -> int:
        """As above."""
        ...

    def header(self, name: str) -> str | None:
        """A header of the request, in any case."""

    def history(self) -> Sequence[Committed]:
        """What has been committed, oldest first, as far as it is kept."""

    def recent(self, seconds: float) -> list[Committed]:
        """The entries that were committed less than so many seconds ago, on the tenant's clock, oldest first."""

    def after(self, n: int) -> list[Committed]:
        """The entries behind that number, oldest first."""

    def author(self, entry: Committed) -> str:
        """Whose request is behind an entry, as ``caller`` has it; "" for nobody's, and where the journal lacks it."""

    def as_before(self, entries: Sequence[Committed]) -> AbstractContextManager[None]:
        """See the directory as if these changes had not been made, while this lasts.

        Each resource is as it was before the oldest of its changes among them, so what is seen is a state that it
        once had. Nothing may be written meanwhile.
        """

    def seeing(self, records: Mapping[tuple[str, str], Record | None]) -> AbstractContextManager[None]:
        """See other versions of some resources, by (type name, id); None: it is not there. Nothing may be written.

        What would clash, as two hold the same unique value then, is seen as it is.
        """

    def pretending(self) -> AbstractContextManager[None]:
        """Whatever is served while this lasts is answered as if it were done, and nothing of it is.

        What the answers show, an id or a version, is never given to anything else.
        """

    def losing(self, seconds: float) -> AbstractContextManager[None]:
        """What is committed while this lasts is lost once the tenant's clock has gone on by so much.

        What came goes, whatever became of it; the rest is as it was before, unless somebody changed it since, or a
        unique value is another's by then. All that belongs to this exchange. A reset cancels it.
        """

    def behaving(self, **ways: object) -> AbstractContextManager[None]:
        """The provider has other ways while this lasts: fields of Policy."""

    def spare(self) -> None:
        """Nothing went wrong after all: the hit is not counted, and the journal does not tell of it."""

    def reread(self, call: Call) -> Call:
        """The same request, fresh, as if it came again."""

    def edit(self, method: str, type_name: str, id_: str | None, document: object) -> Reply:
        """Change the directory behind the client's back: POST, PATCH or DELETE. In the history, with no exchange.

        While another state is looked at, it is done and not seen.

        Raises:
            ScimError: it cannot be done.
        """

    def forget(self, id_: str) -> None:
        """An account outside the directory that has this id is known no more."""

    def renew(self, record: Record, id_: str) -> Record:
        """Take a resource away and make it anew under an id that is free, behind the client's back.

        Its attributes, members and the groups that it is in stay; an account outside that had the id is forgotten.
        """

    def later(self, seconds: float, call: Call) -> None:
        """Have a request served once the tenant's clock has gone on by so much; its changes belong to this exchange.

        Whatever it answers is lost. A reset cancels it.
        """

    def alarm(self, seconds: float, work: Callable[[float], None]) -> None:
        """Have something done once the tenant's clock has gone on by so much; it is told when that was.

        With 0 seconds: when this request has been answered, before the next is looked at. A reset cancels it.
        """

    def land(self, call: Call, at: float) -> None:
        """Serve a request as of some time, in an alarm; its changes belong to this exchange, its answer is lost."""
