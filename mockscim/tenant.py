"""A tenant: one isolated directory with its own store, faults, journal, clock and tokens.

It is made from a ``Start`` (profile, fixture, seed and the like) and goes back to it on reset. Everything random in
it follows from the seed.
"""

from __future__ import annotations

import gc
import hashlib
import random
import re
import shlex
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import orjson

from mockscim import fixtures, profiles
from mockscim.agenda import Agenda
from mockscim.clock import Clock, parse_instant
from mockscim.faults import FaultEngine, FaultError
from mockscim.faults.documents import suggestion
from mockscim.faults.match import wrong_operation
from mockscim.fixtures import Entry, Fixture, FixtureError
from mockscim.fixtures.document import key_of
from mockscim.gates import Gates
from mockscim.invariants.marks import MOST_MARKS, Expectation, Mark
from mockscim.journal import History, Journal
from mockscim.kept import KEPT, Keeper, KeepError, Kept
from mockscim.masking import masks_of
from mockscim.profiles import Profile, with_if_match
from mockscim.scim.call import Reply
from mockscim.scim.errors import ScimError, invalid_value, not_found
from mockscim.scim.policy import LENIENCIES, OFF_BY_DEFAULT, Policy, Tolerance
from mockscim.scim.record import BASE_MARK, Change, Record
from mockscim.scim.schema import Registry, ResourceType, SchemaError
from mockscim.scim.seeding import Seeder
from mockscim.scim.service import Service
from mockscim.scim.slips import Careful
from mockscim.scim.store import Store
from mockscim.tokens import TokenDocument, Tokens

_LONGEST_RULES = 2000
_START = "\0start"
_LOADING = "\0loading"
_MOST_EXPECTATIONS = 1000
# What may stand in a path segment without being escaped, so that an id reads the same in a URL and in JSON.
# A dot segment, a path of the protocol and a reference inside a bulk request (RFC 7644 §3.7.2) are no ids.
_ID = re.compile(r"(?!\.{1,2}\Z|(?i:\.search\Z|bulkid))[A-Za-z0-9._~@:+=,!$'()*;&-]{1,255}")
# Of a random UUID the bits that are random, and the version 4 and variant 10 that are not (RFC 9562 §5.4).
_FREE = ~(0xF << 76 | 0xC << 60)
_FIXED = 0x4 << 76 | 0x8 << 60
# RFC 7643 §2.3.5; parse_instant alone would let any character stand for the T.
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", re.ASCII)


@dataclass(frozen=True)
class Start:
    """What a tenant starts from.

    Attributes:
        profile: the provider it behaves like.
        fixture: the data, already read; None for none.
        seed: the number behind every random choice.
        strict, accept, refuse: the switches of leniencies.
        clock: ``real``, ``virtual`` or ``virtual:ISO8601``.
        faults: rules in force from the start.
        tokens: further tokens that open this tenant only: texts, or what they are to be.
        schemes: how clients may authenticate, as ServiceProviderConfig calls it.
        require_if_match: whether PUT, PATCH and DELETE have to say in If-Match which version they are about.
        max_body: most bytes of a request's body, which bounds a bulk request too; None where nothing is known of it.
    """

    profile: Profile
    fixture: Fixture | None = None
    seed: int = 0
    strict: bool = False
    accept: tuple[str, ...] = ()
    refuse: tuple[str, ...] = ()
    clock: str = "real"
    faults: tuple[Mapping[str, Any], ...] = ()
    tokens: tuple[str | TokenDocument, ...] = ()
    schemes: tuple[str, ...] = ("oauthbearertoken",)
    require_if_match: bool = False
    max_body: int | None = None

    def merged(self, **changes: Any) -> Start:  # noqa: ANN401 - the fields' own types
        """The same start with some fields changed."""
        return replace(self, **changes)


class Tenant:
    """One directory and all that surrounds it.

    Args:
        name: the tenant's name; empty for the default one.
        start: what it starts from.
        kept: what it goes on from instead, so that only a reset returns to the start.

    Raises:
        FixtureError, ProfileError, FaultError, ClockError, TokenError: the start cannot be used.
    """

    def __init__(self, name: str, start: Start, kept: Kept | None = None) -> None:
        self.name = name
        self.start = start
        self.generation = 0
        # How to cut what is waiting: requests under a delay, a hang, a gate. Called on reset and shutdown.
        self.cuts: set[Callable[[], None]] = set()
        self.agenda = Agenda()
        self.gates = Gates()
        self.policy: Policy = start.profile.with_leniencies(
            strict=start.strict, accept=start.accept, refuse=start.refuse
        )
        if start.max_body is not None:
            most = min(start.max_body, self.policy.max_payload or start.max_body)
            self.policy = replace(self.policy, max_payload=most)
        self.policy = replace(self.policy, authentication=start.schemes)
        if start.require_if_match:
            self.policy = with_if_match(self.policy)
        self.clock = Clock(start.clock)
        self.registry = self._registry(start.fixture)
        self.store = Store(self.registry)
        self._reserved: frozenset[str] = frozenset()  # ids that a fixture being loaded gives
        self._random = random.Random(start.seed)  # noqa: S311 - reproducible by design, no secret is drawn from it
        self.service = Service(self.registry, self.store, self.policy, self._new_id, self._cursor_key())
        # Does what a request asks, and keeps it where anything is kept.
        self.perform = self.service.perform
        self._keeper: Keeper | None = None
        self._seeder = Seeder(self.service.planner)
        self.journal = Journal(masks=masks_of(self.registry.never_returned()))
        self.history = History()
        # What the judge is told: the client's cycles, and where it should arrive, each from when on.
        self.marks: deque[Mark] = deque(maxlen=MOST_MARKS)
        self.expectations: deque[Expectation] = deque(maxlen=_MOST_EXPECTATIONS)
        rules = [*start.profile.faults, *start.faults]
        self.check_operations(rules)
        self.faults = FaultEngine(start.seed, self.clock.now(), rules)
        self.tokens = self._start_tokens(kept)
        self.began = kept.began if kept is not None else self.clock.text()
        # The random numbers and commits at the start; None where the start was not loaded.
        self._start_state: tuple[Any, int] | None = None
        if kept is not None:
            self.store.take_up(kept.records(self.registry), kept.counters)
            # Other ids than before: also those that are gone are not given again.
            self._random.seed(f"{start.seed} {kept.starts}")
        else:
            self._begin()

    def _begin(self) -> None:
        """Load the start into an empty store."""
        if self.start.fixture is not None:
            self._seed(self.start.fixture, self.began)
        self.store.snapshot(_START)
        self._start_state = (self._random.getstate(), self.store.commits)

    def _registry(self, fixture: Fixture | None) -> Registry:
        try:
            return self.start.profile.registry(
                fixture.schemas if fixture else (), fixture.resource_types if fixture else ()
            )
        except SchemaError as error:
            raise FixtureError(fixture.source if fixture else "profile", "", str(error)) from None

    def _new_id(self) -> str:
        """A random UUID (RFC 9562 §5.4) of the tenant's own random numbers, that nobody has yet."""
        while True:
            found = self._random_id()
            taken = self.store.find(found) is not None or found in self._reserved
            if not taken and (self.store.accounts is None or found not in self.store.accounts.records):
                return found

    def _random_id(self) -> str:
        digits = f"{self._random.getrandbits(128) & _FREE | _FIXED:032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def _cursor_key(self) -> bytes:
        """What cursors are sealed with: the same in each run on a virtual clock, and never that of another tenant."""
        return hashlib.blake2b(f"{self.start.seed} {self.name} {self.clock.now()}".encode(), digest_size=32).digest()

    def check_operations(self, rules: object) -> None:
        """Refuse rules about resources that are not here: a slip in a name would be a fault that never strikes.

        Args:
            rules: a list of them, or one.

        Raises:
            FaultError: names the rule by its place in the list.
        """
        placed = [("", rules)]
        if isinstance(rules, list | tuple):
            placed = [(f"/{n}", rule) for n, rule in enumerate(rules)]
        for place, rule in placed:
            matches = rule.get("match") if isinstance(rule, Mapping) else None
            named = matches.get("operation", ()) if isinstance(matches, Mapping) else ()
            for operation in [named] if isinstance(named, str) else named if isinstance(named, list) else []:
                if isinstance(operation, str):  # else the rule itself is found wrong
                    self.check_operation(operation, f"{place}/match/operation")

    def check_operation(self, operation: str, where: str) -> None:
        """Refuse the name of an operation that cannot be here; ``*`` stands for any text.

        Args:
            operation: ``user.create``, ``group.*``, a refinement.
            where: a JSON pointer to it.

        Raises:
            FaultError: it is none; names the nearest.
        """
        if wrong := wrong_operation(operation):
            raise FaultError(where, wrong)
        known = {*(kind.resource for kind in self.registry.types.values()), "me", "bulk", "discovery", "root", "token"}
        resource, _, verb = operation.partition(".")
        if "*" not in resource and resource not in known:
            near = suggestion(operation, [f"{name}.{verb}" for name in sorted(known)])
            expected = f"{operation!r}: {near}expected one of {', '.join(sorted(known))} before the dot"
            raise FaultError(where, expected)

    # -- life --------------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Back to the start: data, rules, clock, ordinals; empty journal and history; what is in flight is cut.

        Raises:
            FixtureError: the start is loaded now, and no longer good.
            KeepError: the start cannot be written to where all is kept. Nothing is done then, in either case.
        """
        state = self._random.getstate()
        try:
            with self.kept():
                start = self._restore_start()
                self.store.commits = start[1]
        except KeepError:
            self._random.setstate(state)
            raise
        self.cut()
        self._random.setstate(start[0])
        self.store.forget_snapshots(keep=(_START, KEPT))
        self.clock.reset()
        self.service.cursors.forget(self._cursor_key())
        self.faults.reset(self.clock.now())
        self.journal.reset()
        self.history.reset()
        self.marks.clear()
        self.expectations.clear()  # as at the start, when nobody had said what is desired

    def _restore_start(self) -> tuple[Any, int]:
        """Put the start's data in the place of what is there; returns the random numbers and commits of then."""
        if self._start_state is None:
            with self._whole():
                self.store.clear()
                self.store.commits = 0
                self._random.seed(self.start.seed)
                self._begin()
        else:
            self.store.restore(_START, renew=False)
        assert self._start_state is not None  # noqa: S101 - it has begun
        return self._start_state

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Nothing is half loaded: what a refused fixture has done so far is undone, versions and all."""
        self.store.snapshot(_LOADING)
        state, commits = self._random.getstate(), self.store.commits
        try:
            yield
        except FixtureError:
            self.store.restore(_LOADING, renew=False)
            self.store.commits = commits
            self._random.setstate(state)
            raise
        finally:
            self.store.drop_snapshot(_LOADING)

    def keep(self, keeper: Keeper) -> None:
        """Have all that changes from now on kept."""
        self._keeper = keeper
        self.perform = keeper.perform

    def kept(self) -> AbstractContextManager[None]:
        """What is changed inside is kept at the end, all of it or, with a KeepError, nothing; where anything is."""
        return self._keeper.keeping() if self._keeper is not None else nullcontext()

    def renew(self) -> None:
        """As new for somebody else: reset, and without the tokens that were minted since, which a reset leaves."""
        self.reset()
        with self.kept():
            self.tokens = self._start_tokens()

    def _start_tokens(self, kept: Kept | None = None) -> Tokens:
        tokens = Tokens()
        if kept is not None:
            tokens.restore(kept.tokens)
        for token in self.start.tokens:
            tokens.bring(self.clock.now(), TokenDocument(token=token) if isinstance(token, str) else token)
        return tokens

    def cut(self) -> None:
        """End what is in flight: waits stop, and what had not been committed yet never is."""
        self.generation += 1
        self.agenda.clear()
        self.gates.clear()
        for cut in list(self.cuts):
            cut()

    def catch_up(self) -> None:
        """Do what was to happen by now; to be called before anybody looks."""
        if self.agenda.due:
            with suppress(KeepError), self.kept():  # it is lost then, like the answers of what lands late
                self.agenda.catch_up(self.clock.now())

    def command(self) -> str:
        """The command that starts the same again: same seed, fixture and rules give the same faults."""
        start = self.start
        parts = ["mockscim", "serve", "--profile", start.profile.name, "--seed", str(start.seed)]
        if start.fixture is not None:
            parts += ["--fixture", start.fixture.source]
        if start.clock != "real":
            parts += ["--clock", start.clock]
        parts += ["--strict"] if start.strict else []
        for option, codes in (("--accept", start.accept), ("--refuse", start.refuse)):
            parts += [part for code in codes for part in (option, code)]
        parts += ["--require-if-match"] if start.require_if_match else []
        rules = [self.journal.masks.rule(rule.document) for rule in self.faults.rules()]
        if not rules:
            return shlex.join(parts)
        text = orjson.dumps({"rules": rules}).decode()
        told = text if len(text) <= _LONGEST_RULES else ", ".join(rule.name for rule in self.faults.rules())
        return f"{shlex.join([*parts, '--faults', 'rules.json'])}  # rules.json: {told[:_LONGEST_RULES]}"

    def note(self, changes: Iterable[Change], journal: int | None, now: str | None = None) -> tuple[int, ...]:
        """Enter committed changes into the history; returns the numbers of those that the exchange is behind.

        Args:
            changes: what was committed.
            journal: the number of the exchange behind them, but for those made aside; None where there is none.
            now: the time, where it is at hand.
        """
        now = now or self.clock.text()
        found = []
        for change in changes:
            if change.aside:
                self.history.record(change, now, None)
            else:
                found.append(self.history.record(change, now, journal))
        return tuple(found)

    def edit(
        self,
        method: str,
        type_name: str,
        id_: str | None,
        document: object,
        base: str,
        *,
        noted: bool = True,
        careful: bool = False,
    ) -> Reply:
        """Change the data behind the client's back: in the history, not in the journal, with every leniency.

        Args:
            method: POST, PATCH or DELETE.
            type_name: a resource type's name or endpoint: ``User``, ``Users``.
            id_: the resource's id; None to make one.
            document: what a client would send.
            base: the base URL for references.
            noted: whether it goes into the history; not where it will be taken back.
            careful: whether names that mean nothing are refused, as in a fixture.

        Raises:
            ScimError: 404 for what is not there, 400 or 409 for what cannot be.
        """
        kind = self.resource_type(type_name)
        call = self.service.route(method, kind.endpoint + (f"/{id_}" if id_ is not None else ""), base)
        accepted = frozenset(LENIENCIES)
        call.tolerance = Careful(accepted, foreign=False) if careful else Tolerance(accepted)
        self.service.read(call, (), orjson.dumps(document) if document is not None else b"")
        wanted = document.get("id") if isinstance(document, Mapping) and method == "POST" else None
        if wanted is not None and (not isinstance(wanted, str) or not _ID.fullmatch(wanted)):
            raise invalid_value("an id is made of letters, digits and -._~@:+")
        reply = self.service.perform(call, self.clock.text(), new_id=wanted)
        if noted:
            self.note(reply.changes, None)
        return reply

    def resource_type(self, name: str) -> ResourceType:
        """The resource type of that name or endpoint, in any case: ``User``, ``Users``, ``/users``.

        Raises:
            ScimError: 404; names those that there are.
        """
        wanted = name.strip("/").lower()
        types = list(self.registry.types.values())
        kind = next((k for k in types if wanted in (k.name.lower(), k.endpoint.strip("/").lower())), None)
        if kind is None:
            known = ", ".join(each.name for each in types)
            raise not_found(f"there is no resource type {name[:100]} (known: {known})")
        return kind

    # -- fixtures ----------------------------------------------------------------------------------------------

    def load(self, fixture: Fixture, *, merge: bool) -> int:
        """Take a fixture in: replace all, or add to what is there. All or nothing.

        Returns:
            The number of resources loaded.

        Raises:
            FixtureError: names the place in the fixture; nothing is changed then.
        """
        brought = [
            *(str(schema["id"]).lower() in self.registry.schemas for schema in fixture.schemas),
            *(
                (kind := self.registry.types.get(str(document["name"]))) is not None
                and kind.schema.key == str(document["schema"]).lower()
                and kind.endpoint.lower() == "/" + str(document["endpoint"]).strip("/").lower()
                for document in fixture.resource_types
            ),
        ]
        for is_here in brought:
            if not is_here:
                raise FixtureError(
                    fixture.source,
                    "",
                    "schemas and resourceTypes come with the start; PUT the tenant instead",
                )
        with self._whole():
            changes = [] if merge else self.store.clear()
            changes += self._seed(fixture, self.clock.text())
        self.note(changes, None)
        return len(fixture.resources)

    def _seed(self, fixture: Fixture, now: str) -> list[Change]:
        lined, users = fixture.resources, self.registry.types.get("User")
        # Where some of a fixture's users are accounts outside, who is whom is only known of all together.
        apart = self.policy.deactivate == "leave" or self.policy.join_accounts
        if isinstance(lined, fixtures.LineEntries) and users is not None and not apart and self.store.is_new():
            return self._seed_lines(lined, users, now)
        self._reserved = self._given_ids(fixture)
        try:
            return self._seed_all(fixture, now)
        finally:
            self._reserved = frozenset()

    @staticmethod
    def _given_ids(fixture: Fixture) -> frozenset[str]:
        """The ids that a fixture gives; twice the same is a mistake."""
        given: dict[str, Entry] = {}
        accounts = [Entry("/Users", a, f"/accounts/{i}", fixture.source) for i, a in enumerate(fixture.accounts)]
        for entry in (*fixture.resources, *accounts):
            id_ = entry.document.get("id")
            if isinstance(id_, str) and id_:
                first = given.setdefault(id_, entry)
                if first is not entry:
                    raise _twice(entry, first)
        return frozenset(given)

    def _seed_lines(self, listed: fixtures.LineEntries, users: ResourceType, now: str) -> list[Change]:
        """Take in a large fixture line by line: users at once, others when all users are there.

        All of it is the start, so there are no changes for the history.
        """
        others: list[Entry] = []
        with _uncollected():
            for number, text in self._seeder.plainly(users, listed.lines, now, _ID.fullmatch, _plain_times):
                entry = self._unknown(listed.entry(number, text), listed)
                if entry.endpoint == "/Users":
                    self._seed_entries([entry], now, listed.again())
                else:
                    others.append(entry)
            self._seed_entries(sorted(others, key=fixtures.rank), now)
        return []

    def _unknown(self, entry: Entry, listed: fixtures.LineEntries) -> Entry:
        """The same, with an id that nobody has yet; it had another before where it is given twice."""
        id_ = entry.document.get("id")
        if isinstance(id_, str) and self.store.find(id_) is not None:
            raise _twice(entry, next(other for other in listed.again() if other.document.get("id") == id_))
        return entry

    def _seed_all(self, fixture: Fixture, now: str) -> list[Change]:
        changes = self._seed_entries(fixture.resources, now)
        for index, account in enumerate(fixture.accounts):
            entry = self._identified(Entry("/Users", account, f"/accounts/{index}", fixture.source))
            with _placed(entry):
                self._seeder.seed_account(entry.document, entry.document["id"], now)
        return changes

    def _seed_entries(self, listed: Iterable[Entry], now: str, others: Iterable[Entry] = ()) -> list[Change]:
        """Put entries in; ``others`` have been before."""
        entries = [self._identified(entry) for entry in listed]
        changes: list[Change | None] = []
        # Members may point forwards, so resources come first and memberships after. And who is here twice is to be
        # told as such, not as a member that may be either.
        groups: list[tuple[Entry, ResourceType, str]] = []
        for entry in entries:
            kind = self._kind(entry)
            document = dict(entry.document)
            if kind.keyed is not None:
                key = kind.keyed.key
                given = [name for name in document if name.lower() == key]
                groups += [(entry, kind, name) for name in given]
                for name in given:
                    del document[name]
            with _placed(entry, others=others or entries):
                changes.append(self._seeder.seed(kind, document, document["id"], now, _times(entry)))
        if groups:
            types = {endpoint: kind.name for endpoint, kind in self.registry.endpoints.items()}
            unknown = "unknown-member" in self.policy.accepted
            fixtures.resolve_members(entries, self.known, unknown=unknown, types=types)
        for entry, kind, name in groups:
            with _placed(entry, f"/{kind.keyed.name}" if kind.keyed is not None else ""):
                members = entry.document[name] or []
                changes.append(self._seeder.seed_members(kind, entry.document["id"], members, _times(entry)))
        return [change for change in changes if change is not None]

    def known(self, text: str) -> tuple[str, str] | None:
        """The id and type of what a member in a fixture may name: an id, a userName, a group's displayName."""
        record = self.store.find(text)
        if record is not None:
            return record.id, record.type.name
        for name, key in (("User", "username"), ("Group", "displayname")):
            table = self.store.tables.get(name)
            found = table.lookup(key, text.casefold()) if table is not None else None
            if found and len(found) == 1:
                return found[0].id, name
        return None

    def _identified(self, entry: Entry) -> Entry:
        document = dict(entry.document)
        given = next((name for name in document if name.lower() == "id"), None)
        id_ = document.pop(given) if given is not None else None
        if id_ is None or id_ == "":
            id_ = self._new_id()
        elif not isinstance(id_, str) or not _ID.fullmatch(id_):
            raise FixtureError(entry.source, f"{entry.pointer}/id", "an id of letters, digits and -._~@:+ was expected")
        return entry._replace(document={"id": id_, **document})

    def _kind(self, entry: Entry) -> ResourceType:
        kind = self.registry.endpoints.get(entry.endpoint.lower())
        if kind is None:
            known = ", ".join(kind.endpoint for kind in self.registry.types.values())
            raise FixtureError(entry.source, entry.pointer, f"there is no endpoint {entry.endpoint} (known: {known})")
        return kind

    def dump(self) -> dict[str, Any]:
        """The state as a fixture document, which loads to the same state."""
        found: dict[str, list[dict[str, Any]]] = {}
        for name, table in self.store.tables.items():
            found[name] = [self._dumped(record) for record in table]
        others = {
            kind.endpoint: found[kind.name]
            for kind in self.registry.types.values()
            if kind.name not in ("User", "Group")
        }
        accounts = [{"id": record.id, **_returned(record)} for record in (self.store.accounts or ())]
        fixture = self.start.fixture
        return fixtures.to_document(
            found.get("User", []),
            found.get("Group", []),
            others,
            accounts,
            self.start.profile.name,
            schemas=fixture.schemas if fixture else (),
            resource_types=fixture.resource_types if fixture else (),
        )

    @staticmethod
    def _dumped(record: Record) -> dict[str, Any]:
        document = {"schemas": record.type.schemas_of(record.body), "id": record.id, **_returned(record)}
        if record.members and record.type.keyed is not None:
            document[record.type.keyed.name] = [
                {
                    "value": m.value,
                    "type": m.type,
                    **({"display": m.display} if m.display is not None else {}),
                }
                for m in record.members
            ]
        document["meta"] = {
            "resourceType": record.type.name,
            "created": record.created,
            "lastModified": record.modified,
        }
        return document

    # -- what may be asked about it ----------------------------------------------------------------------------

    def policy_document(self) -> list[dict[str, Any]]:
        """Every leniency: what it is, whether it is on here, and in which of the bundled profiles.

        Those of the interoperability profile are asked only where that is on; elsewhere a profile has None for them.
        """
        return [
            {
                "code": row.code,
                "accepts": row.accepts,
                "rfc": row.rfc,
                "source": row.source,
                "sent_by": row.sent_by,
                "on": row.code in self.policy.accepted,
                "asked": self.policy.asks(row.code),
                "default": row.code not in OFF_BY_DEFAULT,
                "profiles": {
                    name: row.code in policy.accepted if policy.asks(row.code) else None
                    for name, policy in _bundled().items()
                },
            }
            for row in LENIENCIES.values()
        ]


@cache
def _bundled() -> dict[str, Policy]:
    """The ways of the profiles that come along, by their names."""
    return {name: profiles.load(name).policy for name in profiles.names()}


def _returned(record: Record) -> dict[str, Any]:
    """The attributes of a record but for what is never returned; references relative to the base URL."""
    found: dict[str, Any] = orjson.loads(b"{" + record.body.replace(BASE_MARK, b"") + b"}")
    return found


@contextmanager
def _uncollected() -> Iterator[None]:
    """Make many objects that stay, without the garbage collector looking at them again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _plain_times(meta: object) -> Mapping[str, str] | None:
    """The times in a meta; None where they are no good."""
    try:
        return _times(Entry("/Users", {"meta": meta}, ""))
    except FixtureError:
        return None


@contextmanager
def _placed(entry: Entry, where: str = "", others: Iterable[Entry] = ()) -> Iterator[None]:
    """Turn what is wrong with a resource into what is wrong with the fixture, and where.

    ``others`` are those of which one may have its name.
    """
    try:
        yield
    except ScimError as error:
        first = _namesake(entry, others) if error.scim_type == "uniqueness" else None
        detail = error.detail if first is None else f"{error.detail}, {first.place}"
        raise FixtureError(entry.source, entry.pointer + where, detail) from None


def _twice(entry: Entry, first: Entry) -> FixtureError:
    message = f"the id {entry.document['id'][:100]} is given twice, first at {first.place}"
    return FixtureError(entry.source, f"{entry.pointer}/id", message)


def _namesake(entry: Entry, others: Iterable[Entry]) -> Entry | None:
    """The first of the same type that has its userName; itself is none."""
    key = key_of(entry.document, "userName")
    name = entry.document[key] if key is not None else None
    if not isinstance(name, str):
        return None
    for other in others:
        if other.place == entry.place:
            return None
        key = key_of(other.document, "userName") if other.endpoint == entry.endpoint else None
        if key is not None and str(other.document[key]).casefold() == name.casefold():
            return other
    return None


def _times(entry: Entry) -> dict[str, str]:
    """The times that a fixture gives a resource."""
    meta = entry.document.get("meta")
    found: dict[str, str] = {}
    if not isinstance(meta, dict):
        return found
    for name in ("created", "lastModified"):
        value = meta.get(name)
        if value is not None:
            try:
                parse_instant(value)
            except ValueError as error:
                raise FixtureError(entry.source, f"{entry.pointer}/meta/{name}", str(error)) from None
            if not _DATE_TIME.fullmatch(value):
                message = f"a dateTime such as 2026-01-31T12:00:00Z was expected, {value[:60]!r} was found"
                raise FixtureError(entry.source, f"{entry.pointer}/meta/{name}", message)
            found[name] = value
    return found
