"""Serving a request through the faults that change how it is served (faults.world has what they may use)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import takewhile
from typing import Any

from mockscim.clock import format_instant
from mockscim.faults import Served
from mockscim.faults.world import Committed, Serve
from mockscim.scim.call import Call, Reply
from mockscim.scim.errors import ScimError
from mockscim.scim.policy import Tolerance
from mockscim.scim.record import Change, Record
from mockscim.tenant import Tenant


class Session:
    """One request that faults change while it is served.

    Args:
        tenant: whose directory it is.
        exchange: the number of the exchange in the journal.
        caller: a digest of the token, or "".
        header: looks a header of the request up.
        base: the base URL of the request.

    Attributes:
        changes: all that was committed for it, in order, also when it ended in an error.
    """

    def __init__(
        self, tenant: Tenant, exchange: int, caller: str, header: Callable[[str], str | None], base: str
    ) -> None:
        self.tenant = tenant
        self.exchange = exchange
        self.caller = caller
        self.header = header
        self.base = base
        self.changes: list[Change] = []
        self._watching = 0

    def serve(self, call: Call, hits: Sequence[Served], perform: Serve | None = None) -> Reply:
        """Serve a request through some faults, the first of them outermost.

        Args:
            call: the request.
            hits: the faults.
            perform: serves it without them; without it the service does, and ``changes`` has what that commits.

        Raises:
            ScimError: it is refused, by the provider or by a fault; ``changes`` may hold something all the same.
        """
        serve: Serve = self._guard(perform or self._perform)
        for hit in reversed(hits):
            serve = _through(hit, _World(self, hit), serve)
        return serve(call)

    def _guard(self, perform: Serve) -> Serve:
        def guarded(call: Call) -> Reply:
            if self._watching and call.verb not in ("get", "list", "search"):
                raise RuntimeError("nothing is written while another state is looked at")
            return perform(call)

        return guarded

    def _perform(self, call: Call) -> Reply:
        reply = self.tenant.service.perform(call, self.tenant.clock.text())
        self.changes += reply.changes
        return reply

    @contextmanager
    def viewed(self, records: Mapping[tuple[str, str], Record | None]) -> Iterator[None]:
        """See other versions of some resources."""
        self._watching += 1
        try:
            with self.tenant.store.viewed(records):
                yield
        finally:
            self._watching -= 1

    def later(self, seconds: float, call: Call) -> None:
        """Have a request served when its time has come."""
        tenant, exchange = self.tenant, self.exchange

        def land(at: float) -> None:
            when = format_instant(at)
            try:
                reply = tenant.service.perform(call, when)
            except ScimError:
                return  # what it would have answered is lost
            landed = tenant.note(reply.changes, exchange, when)
            entry = tenant.journal.get(exchange)
            if entry is not None:
                entry.changes = (*entry.changes, *landed)

        tenant.agenda.add(tenant.clock.now() + seconds, land)


def _through(hit: Served, world: _World, serve: Serve) -> Serve:
    return lambda call: hit.effect.serve(world, call, serve)


class _World:
    """The World of one fault in one request."""

    def __init__(self, session: Session, hit: Served) -> None:
        tenant = session.tenant
        self._session = session
        self.store = tenant.store
        self.service = tenant.service
        self.now = tenant.clock.now()
        self.memory: dict[str, Any] = hit.memory
        self.draw = hit.draw
        self.exchange = session.exchange
        self.caller = session.caller

    def header(self, name: str) -> str | None:
        return self._session.header(name)

    def history(self) -> Sequence[Committed]:
        return list(self._session.tenant.history)

    def recent(self, seconds: float) -> list[Committed]:
        since = self.now - seconds
        found: list[Committed] = list(takewhile(lambda entry: entry.at > since, reversed(self._session.tenant.history)))
        return found[::-1]

    def as_before(self, entries: Sequence[Committed]) -> AbstractContextManager[None]:
        seen: dict[tuple[str, str], Record | None] = {}
        for entry in entries:
            seen.setdefault((entry.change.type.name, entry.change.id), entry.change.before)
        return self.seeing(seen)

    def seeing(self, records: Mapping[tuple[str, str], Record | None]) -> AbstractContextManager[None]:
        return self._session.viewed(records)

    def reread(self, call: Call) -> Call:
        again = copy.copy(call)
        again.tolerance = Tolerance(call.tolerance.accepted)
        return again

    def edit(self, method: str, type_name: str, id_: str | None, document: object) -> Reply:
        return self._session.tenant.edit(method, type_name, id_, document, self._session.base)

    def later(self, seconds: float, call: Call) -> None:
        self._session.later(seconds, self.reread(call))
