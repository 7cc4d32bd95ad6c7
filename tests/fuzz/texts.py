"""Targets whose inputs are texts: filters, paths, request targets, expressions, short forms, profiles, heads."""

from __future__ import annotations

import asyncio
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParser
from aiohttp.streams import EMPTY_PAYLOAD

from mockscim import profiles
from mockscim.clock import ClockError, parse_instant
from mockscim.durations import parse_duration, parse_range, parse_size
from mockscim.faults import FaultError, parse_spec
from mockscim.fixtures import FixtureError
from mockscim.profiles import ProfileError
from mockscim.provisioning.expressions import Call, Context, ExpressionError, attributes, evaluate
from mockscim.provisioning.expressions import parse as parse_expression
from mockscim.scim.discovery import ENDPOINTS
from mockscim.scim.errors import ScimError
from mockscim.scim.filter import parse
from mockscim.scim.match import compile_filter, compile_value_filter
from mockscim.scim.path import parse_path
from mockscim.scim.schema import standard_registry
from mockscim.server.address import read_address, read_plain, read_query
from mockscim.server.heads import Heads
from mockscim.tenant import Start, Tenant
from tests.fuzz.judging import refusing, settled, target
from tests.scim.filters import GROUPS, USERS

TYPES = standard_registry().types
EMAILS = TYPES["User"].attributes["emails"]


def text_of(data: bytes) -> str:
    """The input as text; stray bytes are lone surrogates, as they are in headers and command lines."""
    return data.decode("utf-8", "surrogateescape")


def shape(node: object) -> str:
    """The kinds of a tree's nodes: what tells one filter from another."""
    return " ".join(sorted({type(node).__name__, *(shape(item) for item in getattr(node, "items", ()))}))


@target()
@settled
def filter(data: bytes) -> str:  # noqa: A001 - the target's name
    """A filter parses, prints, parses to the same tree, and is held against any resource; or is invalidFilter."""
    with refusing(ScimError):
        parsed = parse(text_of(data))
    printed = str(parsed.node)
    assert parse(printed).node == parsed.node, printed
    for name, resources in (("User", USERS), ("Group", GROUPS)):
        with refusing(ScimError):
            query = compile_filter(text_of(data), TYPES[name])
        found = [key for key, resource in resources.items() if query.matches(resource)]
    return f"{shape(parsed.node)} {len(found)} {len(parsed.leniencies)}"


@target()
@settled
def path(data: bytes) -> str:
    """A PATCH's path parses, prints, and parses to the same; or is invalidPath."""
    with refusing(ScimError):
        parsed = parse_path(text_of(data))
    assert parse_path(str(parsed)) == parsed
    if parsed.filter is not None:
        with refusing(ScimError):
            query = compile_value_filter(parsed.filter, EMAILS)
        for resource in USERS.values():
            for value in [each for each in resource.get("emails", ()) if isinstance(each, dict)]:
                query.matches(value)
    return f"{parsed.path.uri is None} {parsed.sub is None} {shape(parsed.filter)}"


@target()
@settled
def address(data: bytes) -> str:
    """A request target leads somewhere, or is a client's mistake; the short way for plain ones finds the same place."""
    text = text_of(data)
    endpoints = frozenset({*ENDPOINTS, "/users", "/groups", "/bulk", "/me", "/.search"})
    with refusing(ScimError):
        found = read_address(text, endpoints)
    plain = read_plain(text)
    if plain is not None:
        assert plain == (found.path, found.query), (plain, found)
    with refusing(ScimError):
        read_query(found.query)
    return f"{found.area} {bool(found.tenant)} {min(found.path.count('/'), 3)}"


class Anybody:
    """An object with every kind of value, under the names that the tokens have."""

    def __init__(self) -> None:
        self.attributes: dict[str, Any] = {
            "givenName": "Ann",
            "surname": "O'Neil-Müller",
            "mail": "ann@example.com",
            "accountEnabled": True,
            "IsSoftDeleted": False,
            "employeeId": 42,
            "hired": "2024-02-29T12:00:00Z",
            "otherMails": ["a@example.com", "b@example.com"],
            "appRoleAssignments": [{"id": "1", "displayName": "User", "value": "user"}],
            "empty": "",
        }

    def get(self, name: str) -> Any:
        return self.attributes.get(name)


@target()
@settled
def expression(data: bytes) -> str:
    """An expression of an attribute mapping parses, prints, and has a value for an object; or is an ExpressionError."""
    text = text_of(data)[:400]  # long enough for all there is, too short for what takes a regular expression hours
    with refusing(ExpressionError):
        tree = parse_expression(text)
    assert parse_expression(str(tree)) == tree, str(tree)
    attributes(tree)
    with refusing(ExpressionError):
        value = evaluate(tree, Anybody(), Context())
    return f"{tree.name if isinstance(tree, Call) else type(tree).__name__} {type(value).__name__}"


@target()
@settled
def short_form(data: bytes) -> str:
    """The short form of a rule is one that compiles, or a FaultError."""
    with refusing(FaultError):
        document = parse_spec(text_of(data))
    return str(document["type"])


@target()
@settled
def quantity(data: bytes) -> str:
    """Durations, ranges, sizes and instants are read, or refused as ValueErrors; what is read is within bounds."""
    text = text_of(data)
    outcome = []
    for read in (parse_duration, parse_range, parse_size, parse_instant):
        try:
            with refusing(ValueError, ClockError):
                read(text)
        except Exception as refused:
            if type(refused).__name__ != "Refused":
                raise
            outcome.append(read.__name__)
    return " ".join(outcome)


@target()
@settled
def profile(data: bytes) -> str:
    """A profile's file makes a tenant that describes itself, or is named with what is wrong in it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "p.toml")
        file.write_bytes(data)
        with refusing(ProfileError):
            loaded = profiles.load(str(file))
    with refusing(ProfileError, FixtureError, FaultError):
        tenant = Tenant("", Start(loaded, clock="virtual"))
    for endpoint in ("/ServiceProviderConfig", "/Schemas", "/ResourceTypes"):
        call = tenant.service.route("GET", endpoint, "https://example.com/v2")
        assert tenant.service.perform(call, "2026-01-01T00:00:00Z").status == 200
    written = data.decode().replace("\r\n", "\n").replace("\r", "\n")  # as a file is read
    assert tomllib.loads(written).get("name", loaded.name) == loaded.name
    return f"{len(tenant.registry.types)} {tenant.policy.bulk} {tenant.policy.left_user}"


class _Connection:
    """As much of one as aiohttp's parser needs."""

    _reading_paused = False

    def pause_reading(self) -> None:
        """Nothing comes in but what the target sends."""

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Nor is it paused."""


LOOP = asyncio.new_event_loop()
BLOCKS = (
    b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: example.com\r\nContent-Length: 2\r\n\r\n{}",
    b"POST / HTTP/1.1\r\nHost: example.com\r\nContent-Length: 0\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: example.com\r\nX: a\r\nX: b\r\nAuthorization: Bearer x\r\n\r\n",
)


def _parsed(data: bytes) -> Any:
    """What aiohttp makes of bytes: message and body, if they are one whole request and nothing more; else None."""
    parser = HttpRequestParser(_Connection(), LOOP, 2**16, max_line_size=2**17, max_field_size=2**17)  # type: ignore[arg-type]
    try:
        messages, upgraded, tail = parser.feed_data(data)
    except HttpProcessingError:
        return None
    if len(messages) != 1 or upgraded or tail:
        return None
    message, payload = messages[0]
    if payload is not EMPTY_PAYLOAD and not payload.is_eof():
        return None
    return message, b"" if payload is EMPTY_PAYLOAD else payload.read_nowait()


@target()
def head(data: bytes) -> str:
    """What is read without a parser is what aiohttp's parser reads, whatever was learned before."""
    heads = Heads()
    for known in (*BLOCKS, data):
        found = _parsed(known)
        if found is not None:
            message, body = found
            heads.learn(known, message, len(body))
    outcomes = []
    # As it is; and behind each request line of the input, the blocks that are known.
    line = data.partition(b"\r\n")[0]
    for request in (data, *(line + block[block.index(b"\r\n") :] for block in BLOCKS)):
        read = heads.read(request)
        found = _parsed(request)
        outcomes.append(f"{read is not None} {found is not None}")
        if read is None:
            continue
        assert found is not None, request
        message, body = found
        assert (read.method, read.target, read.body) == (message.method, message.path, body), request
        assert list(read.head.headers.items()) == list(message.headers.items())
        assert not message.should_close
    return " ".join(outcomes)
