"""What is written to the database, and when: all tenants of a server, each with its keeper.

The core never waits, so nobody sees the store between a change and the end of the request that made it. So a keeper
lets a request change the store, writes all that it changed as one transaction, and takes it back if that fails. What it
changed is what a snapshot knows, the one of the last time: where nothing is kept there is none, and nothing to do.
"""

from __future__ import annotations

import gc
import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b

import orjson

from mockscim.fixtures import Fixture
from mockscim.kept import KEPT, KeepError, Kept
from mockscim.persist.file import File
from mockscim.persist.rows import (
    CountersRow,
    Row,
    RowError,
    TenantRow,
    bounds,
    checked,
    member_row,
    place,
    read_records,
    read_tokens,
    resource_row,
    shape,
    summed,
    token_row,
)
from mockscim.scim.call import Call, Reply
from mockscim.scim.record import Record
from mockscim.scim.schema import Registry
from mockscim.scim.store import Key, Store
from mockscim.tenant import Start, Tenant
from mockscim.tokens import Token, TokenState
from mockscim.version import __version__

_log = logging.getLogger("mockscim.persist")

_PUT_RESOURCE = "INSERT OR REPLACE INTO resources VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_PUT_MEMBER = "INSERT OR REPLACE INTO members VALUES (?, ?, ?, ?, ?, ?)"
_PUT_TOKEN = "INSERT OR REPLACE INTO tokens VALUES (?, ?, ?, ?)"  # noqa: S105 - no secret
_PUT_TENANT = "INSERT OR REPLACE INTO tenants VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_PUT_COUNTERS = "INSERT OR REPLACE INTO counters VALUES (?, ?, ?, ?, ?, ?, ?)"


class Keeping:
    """All tenants of a server, in a file.

    Args:
        path: of the file.

    Raises:
        PersistError: it cannot be used.
    """

    def __init__(self, path: str) -> None:
        self._file = File(path)
        self._rows: dict[str, TenantRow] = {}
        self._counters: dict[int, CountersRow] = {}
        self._tokens: dict[int, TokenState] = {}
        self._keepers: dict[str, TenantKeeper] = {}

    # -- from the file ---------------------------------------------------------------------------------------------

    def take_up(self, start_of: Callable[[str | None], Start]) -> dict[str, Tenant]:
        """Have the file for this process; returns the tenants that another has left in it, by their names.

        Args:
            start_of: what a tenant starts from, by its definition.

        Raises:
            PersistError: one of them does not fit its start; the file is damaged; another process has it.
            FixtureError: what a reset would return to cannot be loaded.
        """
        found: dict[str, Tenant] = {}
        if not self._file.is_new:
            with self._file.trouble(), _without_collecting():
                tenants, counters = self._tables()
                self._rows = {row.name: row for row in tenants}
                self._counters = {row.number: row for row in counters}
                for row in tenants:
                    found[row.name] = self._left(row, start_of)
        self._own(found)
        return found

    def _tables(self) -> tuple[list[TenantRow], list[CountersRow]]:
        read = self._file.read
        tenants = [TenantRow(*checked(row)) for row in read("SELECT * FROM tenants ORDER BY number")]
        counters = [CountersRow(*checked(row)) for row in read("SELECT * FROM counters ORDER BY number")]
        if [row.number for row in tenants] != [row.number for row in counters]:
            raise RowError("tenants and what counts in them are not the same")
        return tenants, counters

    def _left(self, row: TenantRow, start_of: Callable[[str | None], Start]) -> Tenant:
        whose = f"the tenant {row.name}" if row.name else "the directory"
        try:
            start = start_of(row.definition)
        except (ValueError, OSError) as error:
            raise self._file.error(f"{whose} in it cannot be made any more: {error}") from None
        if start.profile.name != row.profile:
            raise self._file.error(
                f"{whose} in it is of the profile {row.profile}, not {start.profile.name}; "
                f"start with --profile {row.profile}, or give another FILE"
            )
        counters = self._counters[row.number]

        def records(registry: Registry) -> Iterable[tuple[bool, Record]]:
            if shape(registry) != row.shape:
                raise self._file.error(
                    f"{whose} in it has other resource types or attributes than the profile {row.profile} and the "
                    "fixture have now; start with those that it was made with, or give another FILE"
                )
            return self._records(row.number, counters, registry)

        rows = self._file.read("SELECT * FROM tokens WHERE number = ?", row.number)
        tokens = self._tokens[row.number] = read_tokens(rows, counters)
        kept = Kept(row.began, row.starts, (counters.commits, counters.places), records, tokens)
        if row.definition is None and not row.name and row.origin != origin(start):
            _try_out(start)
        return Tenant(row.name, start, kept)

    def _records(self, number: int, counters: CountersRow, registry: Registry) -> Iterator[tuple[bool, Record]]:
        rows = self._file.read("SELECT * FROM resources WHERE place BETWEEN ? AND ? ORDER BY place", *bounds(number))
        count = 0
        for found in read_records(rows, self._members, registry):
            count += 1
            yield found
        if count != counters.resources:
            raise RowError(f"{counters.resources} resources were expected, {count} were found")

    def _members(self, at: int) -> Iterator[Row]:
        return self._file.read("SELECT * FROM members WHERE place = ? ORDER BY seq", at)

    # -- to the file -----------------------------------------------------------------------------------------------

    def _own(self, tenants: Mapping[str, Tenant]) -> None:
        """Have the file for this process, and keep in it what changes in these tenants, which were left there."""
        self._file.own(self._tables)
        with self._file.trouble(), self._file.write() as db:
            for row in self._rows.values():
                tenant = tenants[row.name]
                again = row._replace(starts=row.starts + 1, origin=origin(tenant.start))
                db.execute(_PUT_TENANT, summed(again))
                work = Work()  # the start may have brought tokens
                work.exchange(row.number, self._tokens[row.number], tenant.tokens.state)
                work.carry_out(db, _counters(row.number, tenant))
        for name, tenant in tenants.items():
            self._keep(tenant, self._rows[name].number)
        if tenants:
            many = sum(row.resources for row in self._counters.values())
            text = "the data is that of %s (resources: %d, tenants: %d); a reset returns to what the options say"
            _log.info(text, self._file.path, many, len(tenants))

    def found(self, tenant: Tenant) -> None:
        """Keep the first tenant, where the file had none.

        Raises:
            PersistError: it cannot be written, and the file is as it was before.
        """
        with self._file.trouble():
            self._begin(tenant, None)
        _log.info("%s is new: it gets what the server starts with, and each change", self._file.path)

    def begin(self, tenant: Tenant, definition: str | None) -> None:
        """Keep a tenant that was made, in the place of any of its name.

        Args:
            tenant: it.
            definition: the document that it was made with; None for the server's start.

        Raises:
            ScimError: 507, and what was there is kept.
        """
        try:
            self._begin(tenant, definition)
        except sqlite3.Error as error:
            raise KeepError(_told(error)) from None

    def _begin(self, tenant: Tenant, definition: str | None) -> None:
        start = tenant.start
        number = 1 + max((row.number for row in self._rows.values()), default=0)
        its = shape(tenant.registry), origin(start)
        row = TenantRow(number, tenant.name, definition, start.profile.name, *its, tenant.began, 1)
        work = Work()
        for account, record in _all(tenant.store):
            work.put(number, None, record, account=account)
        work.exchange(number, TokenState(0, ()), tenant.tokens.state)
        with self._file.write() as db:
            self._delete(db, tenant.name)
            db.execute(_PUT_TENANT, summed(row))
            work.carry_out(db, _counters(number, tenant))
        self._rows[tenant.name] = row
        self._keep(tenant, number)

    def forget(self, name: str) -> None:
        """Keep a tenant no longer.

        Raises:
            ScimError: 507, and it is kept still.
        """
        try:
            with self._file.write() as db:
                self._delete(db, name)
        except sqlite3.Error as error:
            raise KeepError(_told(error)) from None
        del self._rows[name]
        self._keepers.pop(name).gone = True

    def _keep(self, tenant: Tenant, number: int) -> None:
        before = self._keepers.get(tenant.name)
        if before is not None:
            before.gone = True
        keeper = self._keepers[tenant.name] = TenantKeeper(self._file, tenant, number)
        tenant.keep(keeper)

    def _delete(self, db: sqlite3.Connection, name: str) -> None:
        row = self._rows.get(name)
        if row is None:
            return
        for table in ("resources", "members"):
            db.execute(f"DELETE FROM {table} WHERE place BETWEEN ? AND ?", bounds(row.number))  # noqa: S608 - of ours
        for table in ("tokens", "counters", "tenants"):
            db.execute(f"DELETE FROM {table} WHERE number = ?", (row.number,))  # noqa: S608

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def abandon(self) -> None:
        """Let go of the file, and leave none where none was: nothing was served from it."""
        self._file.abandon()


class TenantKeeper:
    """Writes what changes in one tenant.

    Args:
        file: where to.
        tenant: whose store is as the file has it.
        number: the tenant's in the file.

    Attributes:
        gone: whether the file has another in its place, or none: nothing is written any more.
    """

    def __init__(self, file: File, tenant: Tenant, number: int) -> None:
        self._file = file
        self._tenant = tenant
        self._number = number
        self._failing = ""
        self.gone = False
        self._history = tenant.history.last
        self._baseline(tenant.tokens.state)
        self._settle()

    def _baseline(self, state: TokenState) -> None:
        """What the file has of tokens: just those that there are."""
        self._tokens = self._tenant.tokens
        self._tokens_changed, self._tokens_state = self._tokens.changed, state

    def _settle(self) -> None:
        """From here on all is new."""
        tenant = self._tenant
        tenant.store.snapshot(KEPT)
        self._counters = tenant.store.counters
        if self._minted():
            self._baseline(tenant.tokens.state)

    def _minted(self) -> bool:
        """Whether tokens came or went."""
        tokens = self._tenant.tokens
        return tokens is not self._tokens or tokens.changed != self._tokens_changed

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """What is changed inside is written at the end, also when that is an error; see ``kept.Keeper``."""
        self._mark()
        try:
            yield
        finally:
            self._write()

    def perform(self, call: Call, now: str, *, new_id: str | None = None) -> Reply:
        """``Service.perform``, kept."""
        self._mark()
        try:
            return self._tenant.service.perform(call, now, new_id=new_id)
        finally:
            self._write()

    def _mark(self) -> None:
        """The history so far is of what was written, unless there is something to be written already."""
        if not self._tenant.store.changed_since(KEPT):
            self._history = self._tenant.history.last

    def _write(self) -> None:
        tenant, store = self._tenant, self._tenant.store
        changed = store.changed_since(KEPT)
        minted = self._minted()
        if self.gone or not (changed or minted or store.counters != self._counters):
            return
        work = Work()
        for key, before in changed.items():
            work.put(self._number, before, store.at(key), account=key[0])
        if minted:
            work.exchange(self._number, self._tokens_state, tenant.tokens.state)
        try:
            with self._file.write() as db:
                work.carry_out(db, _counters(self._number, tenant))
        except sqlite3.Error as error:
            self._take_back(changed)
            self._tell(_told(error))
            raise KeepError(_told(error)) from None
        self._tell("")
        self._settle()

    def _take_back(self, changed: Mapping[Key, Record | None]) -> None:
        """As if nothing had happened since the last time."""
        tenant = self._tenant
        tenant.store.put_back(changed, renew=False)
        tenant.store.counters = self._counters
        if self._minted():
            tenant.tokens = self._tokens
            tenant.tokens.restore(self._tokens_state)
        tenant.history.forget_after(self._history)
        self._settle()

    def _tell(self, failure: str) -> None:
        """Say when changes begin not to be kept, and when they are again; not for each."""
        if failure and failure != self._failing:
            _log.error("%s cannot be written: %s; changes are refused", self._file.path, failure)
        elif self._failing and not failure:
            _log.warning("%s can be written again", self._file.path)
        self._failing = failure


class Work:
    """What one transaction does."""

    def __init__(self) -> None:
        self._gone: list[tuple[int]] = []
        self._rows: list[Row] = []
        self._members_gone: list[tuple[int, str]] = []
        self._members: list[Row] = []
        self._tokens_gone: list[tuple[int, str]] = []
        self._tokens: list[Row] = []

    def put(self, number: int, before: Record | None, after: Record | None, *, account: bool) -> None:
        """Have the row of a record in the place of that of another version; None where there is or was none."""
        if before is after:
            return
        if before is not None and (after is None or after.seq != before.seq):
            self._gone.append((place(number, before),))
            before = None
        if after is None:
            return
        self._rows.append(resource_row(number, after, account=account))
        at, held = place(number, after), after.members
        if held is None or (before is not None and before.members is held):
            return
        if before is None or before.members is None:
            self._members += [member_row(at, member) for member in held]
            return
        for value, member in before.members.changes_to(held).items():
            if member is None:
                self._members_gone.append((at, value))
            else:
                self._members.append(member_row(at, member))

    def exchange(self, number: int, before: TokenState, after: TokenState) -> None:
        """Have other tokens."""
        were, are = _by_digest(before), _by_digest(after)
        self._tokens_gone = [(number, digest.hex()) for digest in were.keys() - are.keys()]
        self._tokens = [token_row(number, *each) for each in are.items() if each not in were.items()]

    def carry_out(self, db: sqlite3.Connection, counters: CountersRow) -> None:
        """Do it, in the transaction that is open."""
        for statement, rows in (
            ("DELETE FROM resources WHERE place = ?", self._gone),
            ("DELETE FROM members WHERE place = ?", self._gone),
            (_PUT_RESOURCE, self._rows),
            ("DELETE FROM members WHERE place = ? AND value = ?", self._members_gone),
            (_PUT_MEMBER, self._members),
            ("DELETE FROM tokens WHERE number = ? AND digest = ?", self._tokens_gone),
            (_PUT_TOKEN, self._tokens),
            (_PUT_COUNTERS, [summed(counters)]),
        ):
            if rows:
                db.executemany(statement, rows)


def _all(store: Store) -> list[tuple[bool, Record]]:
    """All records of a store in the order of their making, each with whether it is an account."""
    found = [(False, record) for table in store.tables.values() for record in table]
    found += [(True, record) for record in store.accounts or ()]
    found.sort(key=lambda each: each[1].seq)
    return found


def _counters(number: int, tenant: Tenant) -> CountersRow:
    store = tenant.store
    many = sum(map(len, store.tables.values())) + len(store.accounts or ())
    state = tenant.tokens.state
    return CountersRow(number, *store.counters, many, len(_by_digest(state)), state.made)


def _by_digest(state: TokenState) -> dict[bytes, Token | None]:
    """What is in the rows of tokens; None of one that was revoked and is remembered."""
    return {**dict.fromkeys(state.revoked), **{token.digest: token for token in state.tokens}}


def _try_out(start: Start) -> None:
    """See that what a reset returns to can be loaded, now rather than then.

    Raises:
        FixtureError: it cannot.
    """
    Tenant("", start)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """No looking for circles among a million records, again and again, while they come."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _told(error: sqlite3.Error) -> str:
    return " ".join(str(error).split())


def origin(start: Start) -> str:
    """A digest of what a reset returns to, as far as it may be good or not."""
    found = blake2b(digest_size=16)
    ways = [__version__, start.profile.name, start.strict, sorted(start.accept), sorted(start.refuse), start.seed]
    found.update(orjson.dumps([*ways, sorted(start.profile.policy.accepted)]))
    for part in _parts(start.fixture):
        found.update(orjson.dumps(part))
    return found.hexdigest()


def _parts(fixture: Fixture | None) -> Iterator[object]:
    if fixture is not None:
        yield from ([entry.endpoint, entry.document] for entry in fixture.resources)
        yield [fixture.accounts, fixture.schemas, fixture.resource_types]
