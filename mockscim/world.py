"""Serving a request through the faults that change how it is served (faults.world has what they may use)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import lru_cache, partial
from hashlib import blake2b
from itertools import count, takewhile
from typing import Any

from mockscim.clock import format_instant
from mockscim.faults import Applied, Served
from mockscim.faults.world import Committed, Serve
from mockscim.journal import Exchange
from mockscim.scim.call import Call, Reply
from mockscim.scim.errors import ScimError
from mockscim.scim.policy import Tolerance
from mockscim.scim.record import Change, Record
from mockscim.scim.store import Key
from mockscim.scim.view import View
from mockscim.tenant import Tenant

# Names of snapshots that no user can give.
_PRETENCE = "\0pretence"
_LOSS = "\0loss"


class Session:
    """One request that faults change while it is served.

    Args:
        tenant: whose directory it is.
        visited: the exchange, as the journal will have it.
        caller: a digest of the token, or "".
        header: looks a header of the request up.
        base: the base URL of the request.

    Attributes:
        changes: all that was committed for it, in order, also when it ended in an error.
    """

    def __init__(
        self, tenant: Tenant, visited: Exchange, caller: str, header: Callable[[str], str | None], base: str
    ) -> None:
        self.tenant = tenant
        self.exchange = visited.n
        self._visited = visited
        self.caller = caller
        self.header = header
        self.base = base
        self.changes: list[Change] = []
        self._noted = 0
        self._committed = self.changes
        self._views: list[View] = []
        self._spared: list[Applied] = []

    def serve(
        self,
        call: Call,
        hits: Sequence[Served],
        perform: Serve | None = None,
        changes: list[Change] | None = None,
    ) -> Reply:
        """Serve a request through some faults, the first of them outermost.

        Args:
            call: the request.
            hits: the faults.
            perform: serves it without them; without it the service does.
            changes: where ``perform`` enters what it commits; those of this session where the service does it.

        Raises:
            ScimError: it is refused, by the provider or by a fault; ``changes`` may hold something all the same.
        """
        serve: Serve = self._guard(perform or self._perform)
        for hit in reversed(hits):
            serve = _through(hit, _World(self, hit), serve)
        self._committed = self.changes if changes is None else changes
        return serve(call)

    def note(self) -> None:
        """Enter what has been committed so far into the history."""
        fresh = self.changes[self._noted :]
        self._noted = len(self.changes)
        self._enter(fresh)

    def _enter(self, changes: Sequence[Change], when: str | None = None) -> None:
        self._visited.changes += self.tenant.note(changes, self.exchange, when)

    def _guard(self, perform: Serve) -> Serve:
        def guarded(call: Call) -> Reply:
            if self._views and call.verb not in ("get", "list", "search"):
                raise RuntimeError("nothing is written while another state is looked at")
            return perform(call)

        return guarded

    def _perform(self, call: Call) -> Reply:
        reply = self.tenant.service.perform(call, self.tenant.clock.text(), new_id=call.new_id)
        self.changes += reply.changes
        return reply

    @contextmanager
    def viewed(self, records: Mapping[tuple[str, str], Record | None]) -> Iterator[None]:
        """See other versions of some resources."""
        view = View(self.tenant.store, records)
        view.enter()
        self._views.append(view)
        try:
            yield
        finally:
            self._views.pop().leave()

    @contextmanager
    def _truth(self) -> Iterator[list[Change]]:
        """See what is, also inside of views, which will not see the changes that are put into the list."""
        done: list[Change] = []
        for view in reversed(self._views):
            view.leave()
        try:
            yield done
        finally:
            for view in self._views[:1]:
                view.hide(done)
            for view in self._views:
                view.enter()

    def spare(self, applied: Applied) -> None:
        """Take a hit back, as nothing went wrong."""
        if not any(applied is spared for spared in self._spared):
            self._spared.append(applied)
            self.tenant.faults.spare(applied.rule)
            self._visited.faults = self.struck(self._visited.faults)

    def struck(self, applied: Sequence[Applied]) -> tuple[Applied, ...]:
        """Those of some faults that were not taken back."""
        return tuple(one for one in applied if not any(one is spared for spared in self._spared))

    def _free(self, prefix: str) -> str:
        """The name of a snapshot; a bulk job and its operations have sessions of their own, one inside the other."""
        return next(name for n in count() if not self.tenant.store.has_snapshot(name := f"{prefix}{n}"))

    def _pretends(self) -> bool:
        """Whether what is done now will be taken back."""
        return self.tenant.store.has_snapshot(f"{_PRETENCE}0")

    @contextmanager
    def pretending(self) -> Iterator[None]:
        """Take back what is committed meanwhile; the versions that were given stay used."""
        store, committed = self.tenant.store, self._committed
        name, mark = self._free(_PRETENCE), len(committed)
        store.snapshot(name)
        try:
            yield
        finally:
            store.restore(name, renew=False)
            store.drop_snapshot(name)
            del committed[mark:]

    @contextmanager
    def losing(self, seconds: float) -> Iterator[None]:
        """Take back what is committed meanwhile when its time has come."""
        store = self.tenant.store
        name = self._free(_LOSS)
        store.snapshot(name)
        try:
            yield
        finally:
            was = store.changed_since(name)
            store.drop_snapshot(name)
            left = {key: store.at(key) for key in was}
            self.alarm(seconds, lambda at: self._lose(was, left, at))

    def _lose(self, was: Mapping[Key, Record | None], left: Mapping[Key, Record | None], at: float) -> None:
        store, when = self.tenant.store, format_instant(at)
        changes: list[Change] = []
        old: dict[Key, Record | None] = {}
        for key, record in was.items():
            current = store.at(key)
            if record is None and not key[0]:
                changes += store.delete(current, when) if current is not None else ()
            elif current is left[key] and (record is None or self._fits(record)):
                old[key] = record
        self._enter([*changes, *store.put_back(old)], when)

    def _fits(self, record: Record) -> bool:
        try:
            self.tenant.service.planner.check_unique(record.type, record.attributes(), record.id)
        except ScimError:
            return False
        return True

    def edit(self, method: str, type_name: str, id_: str | None, document: object) -> Reply:
        """Change the directory behind the client's back, in its place in the history."""
        with self._truth() as done:
            reply = self.tenant.edit(method, type_name, id_, document, self.base, noted=False)
            done.extend(reply.changes)
        self._put_aside(reply.changes)
        return reply

    def _put_aside(self, changes: Iterable[Change]) -> None:
        """Enter changes that are not the client's; in a bulk job, and in a pretence, with what that has done so far."""
        for change in changes:
            change.aside = True
            self._committed.append(change)
        if self._committed is self.changes and not self._pretends():
            self.note()

    def renew(self, record: Record, id_: str) -> Record:
        """Make a resource anew under another id, behind the client's back, in its place in the history."""
        store, now, attributes = self.tenant.store, self.tenant.clock.text(), record.attributes()
        self.tenant.service.planner.link(record.type, attributes)
        with self._truth():
            groups = [group for one in store.memberships.get(record.id, ()) if (group := store.find(one)) is not None]
            stood = [(group.id, group.members.get(record.id)) for group in groups if group.members is not None]
            changes: list[Change | None] = [*store.delete(record, now)]
            store.drop_account(id_)
            members = {member.value: member for member in record.members or ()}
            made = store.create(record.type, id_, attributes, members, now)
            changes.append(made)
            for group_id, member in stood:
                group = store.find(group_id)
                if group is not None and member is not None:
                    changes.append(store.update_members(group, {id_: member._replace(value=id_)}, now))
        self._put_aside(change for change in changes if change is not None)
        return made.after or record

    def alarm(self, seconds: float, work: Callable[[float], None]) -> None:
        """Have something done when its time has come."""
        self.tenant.agenda.add(self.tenant.clock.now() + seconds, work)

    def land(self, call: Call, at: float) -> None:
        """Serve a request whose time has come."""
        if self._pretends():
            self.alarm(0, partial(self.land, call))  # or it would be taken back
            return
        when = format_instant(at)
        call.verdict = None  # the rules were asked when it came
        try:
            reply = self.tenant.service.perform(call, when)
        except ScimError:
            return  # what it would have answered is lost
        self._enter(reply.changes, when)


def _through(hit: Served, world: _World, serve: Serve) -> Serve:
    return lambda call: hit.effect.serve(world, call, serve)


class _World:
    """The World of one fault in one request."""

    def __init__(self, session: Session, hit: Served) -> None:
        tenant = session.tenant
        self._session = session
        self._applied = hit.applied
        self.store = tenant.store
        self.service = tenant.service
        self.now = tenant.clock.now()
        self.memory: dict[str, Any] = hit.memory
        self.draw = hit.draw
        self.exchange = session.exchange
        self.caller = session.caller

    def header(self, name: str) -> str | None:
        return self._session.header(name)

    @property
    def last(self) -> int:
        return self._session.tenant.history.last

    def history(self) -> Sequence[Committed]:
        return list(self._session.tenant.history)

    def after(self, n: int) -> list[Committed]:
        found: list[Committed] = list(takewhile(lambda entry: entry.n > n, reversed(self._session.tenant.history)))
        return found[::-1]

    def author(self, entry: Committed) -> str:
        exchange = self._session.tenant.journal.get(entry.journal) if entry.journal is not None else None
        return caller(exchange.headers.get("Authorization")) if exchange is not None else ""

    def spare(self) -> None:
        self._session.spare(self._applied)

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
        again.new_id = None
        return again

    def edit(self, method: str, type_name: str, id_: str | None, document: object) -> Reply:
        return self._session.edit(method, type_name, id_, document)

    def forget(self, id_: str) -> None:
        self.store.drop_account(id_)

    def renew(self, record: Record, id_: str) -> Record:
        return self._session.renew(record, id_)

    def pretending(self) -> AbstractContextManager[None]:
        return self._session.pretending()

    def losing(self, seconds: float) -> AbstractContextManager[None]:
        return self._session.losing(seconds)

    def behaving(self, **ways: Any) -> AbstractContextManager[None]:  # noqa: ANN401 - fields of Policy, each of its type
        return self.service.behaving(replace(self.service.policy, **ways))

    def later(self, seconds: float, call: Call) -> None:
        again = self.reread(call)
        self.alarm(seconds, lambda at: self.land(again, at))

    def alarm(self, seconds: float, work: Callable[[float], None]) -> None:
        self._session.alarm(seconds, work)

    def land(self, call: Call, at: float) -> None:
        self._session.land(call, at)


@lru_cache(maxsize=64)
def caller(authorization: str | None) -> str:
    """A short digest of credentials, for limits that count by client; "" for none."""
    return blake2b(authorization.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest() if authorization else ""
