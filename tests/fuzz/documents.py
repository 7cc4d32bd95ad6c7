"""Targets whose inputs are documents: SCIM bodies against a store, fixtures, rules, directories, the control API."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import orjson

from mockscim import fixtures, profiles
from mockscim.faults import FaultEngine, FaultError, compile_rules
from mockscim.faults.documents import convert
from mockscim.faults.engine import Attempt
from mockscim.faults.scenario import load_scenario
from mockscim.fixtures import FixtureError
from mockscim.provisioning.directory import DirectoryError
from mockscim.provisioning.directory.document import dump, from_document
from mockscim.provisioning.directory.document import parse as parse_directory
from mockscim.provisioning.scoping import ScopingFilter
from mockscim.scim.errors import ScimError
from mockscim.scim.filter import Node
from mockscim.server.app import ScimServer
from mockscim.server.control import ControlError
from mockscim.server.door import Door
from mockscim.server.insider import Insider
from mockscim.server.options import Options
from mockscim.tenant import Start, Tenant
from tests.fuzz.judging import SECRET, checked, refusing, settled, target
from tests.fuzz.texts import Anybody
from tests.scim import devices

BASE = "https://example.com/v2"
NOW = "2026-01-01T00:00:00.000Z"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
FIXTURE = {
    "schemas": [devices.SCHEMA, devices.EXTENSION],
    "resourceTypes": [devices.TYPE],
    "users": [
        {"id": "u1", "userName": "ann", "password": SECRET, "emails": [{"value": "a@example.com", "type": "work"}]},
        {"id": "u2", "userName": "bob", "name": {"givenName": "Bob"}, ENTERPRISE: {"manager": {"value": "u1"}}},
    ],
    "groups": [
        {"id": "g1", "displayName": "in", "members": ["u1"]},
        {"id": "g2", "displayName": "out", "members": ["g1"]},
    ],
    "resources": {"/Devices": [{"id": "d1", "serialNumber": "S0"}]},
}


def new_tenant(*, strict: bool = False, profile: str = "standard") -> Tenant:
    """A tenant with two users, two groups and a device."""
    fixture = fixtures.parse(orjson.dumps(FIXTURE), "fuzz") if profile == "standard" else None
    return Tenant("", Start(profiles.load(profile), fixture, strict=strict, clock="virtual"))


TENANTS = [new_tenant(), new_tenant(strict=True), new_tenant(profile="segment")]
STATES = [orjson.dumps(tenant.dump()) for tenant in TENANTS]


def ask(data: bytes, method: str, paths: tuple[str, ...], *, writes: bool = True) -> str:
    """One request to a tenant that is as at the start; what was committed is in the history, and only then.

    The first byte says which tenant and path.
    """
    choice, body = (data[0], data[1:]) if data else (0, b"")
    which, path = choice % 3, paths[choice // 3 % len(paths)]
    tenant = TENANTS[which]
    commits = tenant.store.commits
    outcome, changes = "", 0
    try:
        with refusing(ScimError):
            call = tenant.service.route(method, path, BASE)
            tenant.service.read(call, (), body)
            tenant.service.views(call)
            foreseen = tenant.service.commits(call)
            assert tenant.store.commits == commits, "looking ahead has changed something"
            try:
                reply = tenant.service.perform(call, NOW)
            except ScimError as error:
                checked(error.body().decode())
                assert 400 <= error.status < 500 or error.status == 501, error.status  # noqa: PT017
                assert tenant.store.commits == commits, "a refusal has changed something"
                assert orjson.dumps(tenant.dump()) == STATES[which]
                raise
        changes = len(reply.changes)
        outcome = f"{reply.status} {min(changes, 3)} {sorted(row['code'] for row in call.tolerance.report())}"
        if reply.body is not None:
            orjson.loads(reply.body)
            assert SECRET.encode() not in reply.body
        assert (tenant.store.commits > commits) == bool(reply.changes)
        assert writes or not reply.changes
        assert foreseen or not reply.changes or path == "/Bulk"
        _sound(tenant)
    finally:
        if tenant.store.commits != commits:
            tenant.reset()
    return outcome


def _sound(tenant: Tenant) -> None:
    """Every resource can be read as it stands, and the whole be loaded again as a fixture."""
    for table in tenant.store.tables.values():
        for record in table:
            orjson.loads(tenant.store.render(record, BASE))
    document = tenant.dump()
    if tenant is not TENANTS[2]:
        again = Tenant(
            "", Start(tenant.start.profile, fixtures.parse(fixtures.render(document), "again"), clock="virtual")
        )
        assert orjson.dumps(again.dump()) == orjson.dumps(document)


@target(json=True)
@settled
def create(data: bytes) -> str:
    """The body of a POST."""
    return ask(data, "POST", ("/Users", "/Groups", "/Devices"))


@target(json=True)
@settled
def replace(data: bytes) -> str:
    """The body of a PUT."""
    return ask(data, "PUT", ("/Users/u1", "/Groups/g2", "/Devices/d1", "/Users/nobody"))


@target(json=True)
@settled
def patch(data: bytes) -> str:
    """The body of a PATCH."""
    return ask(data, "PATCH", ("/Users/u1", "/Groups/g2", "/Devices/d1", "/Users/u2"))


@target(json=True)
@settled
def bulk(data: bytes) -> str:
    """A bulk job."""
    return ask(data, "POST", ("/Bulk",))


@target(json=True)
@settled
def search(data: bytes) -> str:
    """The body of a search."""
    return ask(data, "POST", ("/Users/.search", "/Groups/.search", "/.search"), writes=False)


@target()
@settled
def query(data: bytes) -> str:
    """The query string of a list, and of a resource."""
    from mockscim.server.address import read_query

    tenant = TENANTS[0]
    commits = tenant.store.commits
    outcome = []
    for path in ("/Users", "/Groups", "/", "/Users/u1"):
        with refusing(ScimError):
            call = tenant.service.route("GET", path, BASE)
            tenant.service.read(call, read_query(data.decode("utf-8", "surrogateescape")), b"")
            reply = tenant.service.perform(call, NOW)
        found = orjson.loads(reply.body or b"null")
        outcome.append(f"{reply.status} {found.get('totalResults')} {len(found.get('Resources', ()))}")
        assert SECRET.encode() not in (reply.body or b"")
    assert tenant.store.commits == commits
    return " ".join(outcome)


@target(json=True)
@settled
def fixture(data: bytes) -> str:
    """A fixture, in JSON or (first byte odd) NDJSON: it loads, and what is written loads as the same; or not."""
    source = "f.ndjson" if data[:1] and data[0] % 2 else "f.json"
    with refusing(FixtureError):
        read = fixtures.parse(data[1:], source)
        tenant = Tenant("", Start(profiles.load("standard"), read, clock="virtual"))
    document = tenant.dump()
    with_types = {**document, "schemas": read.schemas, "resourceTypes": read.resource_types}
    again = Tenant(
        "", Start(profiles.load("standard"), fixtures.parse(orjson.dumps(with_types), "again"), clock="virtual")
    )
    assert orjson.dumps(again.dump()) == orjson.dumps(document)
    # What is refused later leaves a tenant as it was.
    before = orjson.dumps(TENANTS[0].dump())
    try:
        with refusing(FixtureError):
            TENANTS[0].load(fixtures.parse(data[1:], source), merge=True)
    finally:
        TENANTS[0].reset()
        assert orjson.dumps(TENANTS[0].dump()) == before
    return f"{len(read.resources)} {len(read.schemas)} {len(read.accounts)}"


def _holds(_: Node) -> bool:
    return True


@target(json=True)
@settled
def rules(data: bytes) -> str:
    """A scenario: it compiles and decides about requests, the same twice; or it is refused with its place."""
    with refusing(FaultError):
        scenario = load_scenario(data, "scenario.json")
        compile_rules(scenario.rules)
    decisions = []
    for _ in range(2):
        with refusing(FaultError):
            engine = FaultEngine(scenario.seed or 0, 0.0, scenario.rules)
        decided = []
        for n, operation in enumerate(("user.create", "user.list", "group.patch", "user.get")):
            attempt = Attempt(operation, (), "POST", "/Users", lambda _: None, True, _holds, lambda: True)
            decided.append(repr(engine.decide(attempt, float(n))))
        orjson.dumps([engine.describe(rule) for rule in engine.rules()])
        decisions.append(decided)
    assert [len(each) for each in decisions[0]] == [len(each) for each in decisions[1]]
    return " ".join(sorted({str(rule.get("type", "sequence")) for rule in scenario.rules}))[:200]


@target(json=True)
@settled
def scoping(data: bytes) -> str:
    """Scoping filters: they hold for an object or not; or they are refused with their place."""
    try:
        document = orjson.loads(data[:400])
    except orjson.JSONDecodeError:
        return "no JSON"
    with refusing(FaultError):
        found = convert({"filters": document}, _Filters)
    return " ".join(str(each.holds(Anybody())) for each in found.filters)[:100]


class _Filters(msgspec.Struct):
    filters: list[ScopingFilter]


@target(json=True)
@settled
def directory(data: bytes) -> str:
    """The source of an identity provider: it lives, and what is written reads as the same; or it is refused."""
    with refusing(DirectoryError):
        read = parse_directory(data, "d.json")
    document = dump(read)
    assert dump(from_document(orjson.loads(orjson.dumps(document)))) == document
    with refusing(DirectoryError):
        read.advance(0.0)
        read.advance(86400.0 * 40)
    return f"{len(read.users)} {len(read.groups)} {len(read.steps)}"


CONTROLS = (
    ("PUT", "/fixture"),
    ("POST", "/fixture"),
    ("POST", "/faults"),
    ("PUT", "/faults"),
    ("PUT", "/faults/x"),
    ("PUT", "/gates/g"),
    ("POST", "/verify"),
    ("POST", "/explain"),
    ("PUT", "/desired"),
    ("POST", "/marks"),
    ("POST", "/invariants"),
    ("PUT", "/clock"),
    ("POST", "/clock/advance"),
    ("POST", "/tokens"),
    ("DELETE", "/tokens"),
    ("POST", "/resources/User"),
    ("POST", "/reset"),
    ("PATCH", "/resources/User/u1"),
    ("PUT", "/"),
)
SHOWING = ("/", "/fixture", "/faults", "/history", "/clock", "/tokens", "/invariants", "/marks", "/lint")
LOOP = asyncio.new_event_loop()


@target(json=True)
@settled
def control(data: bytes) -> str:
    """A body for any operation of the control API: done or refused; whatever shows the tenant still does."""
    method, path = CONTROLS[data[0] % len(CONTROLS)] if data else CONTROLS[0]
    start = Start(profiles.load("standard"), fixtures.parse(orjson.dumps(FIXTURE), "fuzz"), clock="virtual")
    server = ScimServer(start, Options(tokens=(SECRET,)))
    before = orjson.dumps(server.tenants.use("").dump())

    async def asked(method: str, path: str, body: bytes = b"") -> tuple[int, Any]:
        insider = Insider("127.0.0.1:1", Door.__new__(Door))
        return await asyncio.wait_for(server.control.perform(method, "", path, {}, body, insider), 0.2)

    outcome = ""
    try:
        with refusing(ControlError):
            try:
                status, value = LOOP.run_until_complete(asked(method, path, data[1:]))
            except ControlError as error:
                assert 400 <= error.status < 500  # noqa: PT017
                assert orjson.dumps(server.tenants.use("").dump()) == before
                raise
            except TimeoutError:  # asked to wait for what does not come
                status, value = 0, None
        assert SECRET.encode() not in (value if isinstance(value, bytes) else orjson.dumps(value))
        outcome = f"{method} {path} {status}"
    finally:
        for shown in SHOWING:
            try:
                status, value = LOOP.run_until_complete(asked("GET", shown))
            except ControlError as error:
                assert error.status == 405, (shown, str(error))  # noqa: PT017
            else:
                assert status == 200
                if not isinstance(value, bytes):
                    orjson.dumps(value)
        server.stop()
    return outcome
