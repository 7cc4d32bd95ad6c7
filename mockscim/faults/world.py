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
    """

    store: Store
    service: Service
    now: float
    memory: dict[str, Any]
    draw: Draw
    exchange: int
    caller: str

    def header(self, name: str) -> str | None:
        """A header of the request, in any case."""

    def history(self) -> Sequence[Committed]:
        """What has been committed, oldest first, as far as it is kept."""

    def recent(self, seconds: float) -> list[Committed]:
        """The entries that were committed less than so many seconds ago, on the tenant's clock, oldest first."""

    def as_before(self, entries: Sequence[Committed]) -> AbstractContextManager[None]:
        """See the directory as if these changes had not been made, while this lasts.

        Each resource is as it was before the oldest of its changes among them, so what is seen is a state that it
        once had. Nothing may be written meanwhile.
        """

    def seeing(self, records: Mapping[tuple[str, str], Record | None]) -> AbstractContextManager[None]:
        """See other versions of some resources, by (type name, id); None: it is not there. Nothing may be written."""

    def reread(self, call: Call) -> Call:
        """The same request, fresh, as if it came again."""

    def edit(self, method: str, type_name: str, id_: str | None, document: object) -> Reply:
        """Change the directory behind the client's back: POST, PATCH or DELETE. In the history, with no exchange.

        Raises:
            ScimError: it cannot be done.
        """

    def later(self, seconds: float, call: Call) -> None:
        """Have a request served once the tenant's clock has gone on by so much; its changes belong to this exchange.

        Whatever it answers is lost. A reset cancels it.
        """
