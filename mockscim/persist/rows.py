"""What the rows of the database look like, and what they are made of and make.

Each row bears a checksum of all that is in it: SQLite finds what is wrong with its pages, and not with a value in them.
What is never returned to clients (a password) is not written, nor is it in what a tenant was made with, see
``server.definition``; of tokens there are digests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from typing import Any, NamedTuple
from zlib import crc32

import orjson

from mockscim.scim.members import Member, Members
from mockscim.scim.record import Record
from mockscim.scim.schema import Attribute, Registry, Schema
from mockscim.tokens import Grant, Token, TokenState

# A resource's place is its tenant's number and its place in creation order: rows are appended, and read in order.
_PLACES = 1 << 40

TABLES = """
CREATE TABLE tenants (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, definition TEXT, profile TEXT NOT NULL, shape TEXT NOT NULL,
    origin TEXT NOT NULL, began TEXT NOT NULL, starts INTEGER NOT NULL, sum INTEGER NOT NULL);
CREATE TABLE counters (
    number INTEGER PRIMARY KEY, commits INTEGER NOT NULL, places INTEGER NOT NULL, resources INTEGER NOT NULL,
    tokens INTEGER NOT NULL, made INTEGER NOT NULL, sum INTEGER NOT NULL);
CREATE TABLE resources (
    place INTEGER PRIMARY KEY, account INTEGER NOT NULL, type TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
    created TEXT NOT NULL, modified TEXT NOT NULL, members INTEGER, body BLOB NOT NULL, sum INTEGER NOT NULL);
CREATE TABLE members (
    place INTEGER NOT NULL, value TEXT NOT NULL, type TEXT NOT NULL, display TEXT, seq INTEGER NOT NULL,
    sum INTEGER NOT NULL, PRIMARY KEY (place, value)) WITHOUT ROWID;
CREATE TABLE tokens (
    number INTEGER NOT NULL, digest TEXT NOT NULL, document TEXT NOT NULL, sum INTEGER NOT NULL,
    PRIMARY KEY (number, digest)) WITHOUT ROWID;
"""

Row = tuple[Any, ...]


class RowError(ValueError):
    """A row that was not written like that."""


class TenantRow(NamedTuple):
    """A tenant.

    Attributes:
        number: in whose rows it is.
        name: empty for the default one.
        definition: the document that made it over the control API, without secrets; None for the server's start.
        profile: the name of its profile.
        shape: a digest of its resource types.
        origin: a digest of what a reset returns to.
        began: when it was made.
        starts: how many processes had it.
    """

    number: int
    name: str
    definition: str | None
    profile: str
    shape: str
    origin: str
    began: str
    starts: int


class CountersRow(NamedTuple):
    """What counts in a tenant: commits and places given, rows of resources and of tokens, tokens made."""

    number: int
    commits: int
    places: int
    resources: int
    tokens: int
    made: int


def summed(row: Row) -> Row:
    """A row with its checksum behind it."""
    return (*row, _sum(row))


def checked(row: Row) -> Row:
    """A row without its checksum.

    Raises:
        RowError: that is another.
    """
    if _sum(row[:-1]) != row[-1]:
        raise RowError(f"the checksum of {_told(row)} is another")
    return row[:-1]


def _sum(row: Row) -> int:
    return crc32("\0".join(map(str, row)).encode("utf-8", "surrogatepass"))


def _told(row: Row) -> str:
    return f"the row {str(row[0])[:40]}"


def bounds(number: int) -> tuple[int, int]:
    """The first place of a tenant, and the last."""
    return number * _PLACES, number * _PLACES + _PLACES - 1


def place(number: int, record: Record) -> int:
    """Where the row of a record is."""
    return number * _PLACES + record.seq


def resource_row(number: int, record: Record, *, account: bool) -> Row:
    """The row of a record."""
    members = len(record.members) if record.members is not None else None
    row = (
        place(number, record),
        int(account),
        record.type.name,
        record.id,
        record.version,
        record.created,
        record.modified,
        members,
    )
    return (*row, record.body, crc32(record.body, _sum(row)))


def member_row(at: int, member: Member) -> Row:
    """The row of a member of the group whose row is at that place."""
    return summed((at, member.value, member.type, member.display, member.seq))


def token_row(number: int, digest: bytes, token: Token | None) -> Row:
    """The row of a token: its digest, never its text; and None for one of the start's that was revoked."""
    document = token and {
        "name": token.name,
        "mask": token.mask,
        "created": token.created,
        "expires": token.expires,
        "scopes": sorted(token.grant.scopes),
        "user": token.grant.user,
        "client": token.client,
    }
    return summed((number, digest.hex(), orjson.dumps(document).decode()))


def read_tokens(rows: Iterable[Row], counters: CountersRow) -> TokenState:
    """What there is of a tenant's tokens, in the order in which they were made.

    Args:
        rows: of its tokens.
        counters: what counts in it.

    Raises:
        RowError: one is damaged, or missing.
    """
    found = dict(map(_read_token, rows))
    if len(found) != counters.tokens:
        raise RowError(f"{counters.tokens} tokens were expected, {len(found)} were found")
    tokens = [token for token in found.values() if token is not None]
    tokens.sort(key=lambda token: int(token.name.removeprefix("t-")))
    return TokenState(counters.made, tuple(tokens), frozenset(known for known, token in found.items() if token is None))


def _read_token(row: Row) -> tuple[bytes, Token | None]:
    _, text, told = checked(row)
    digest, document = bytes.fromhex(text), orjson.loads(told)
    if document is None:
        return digest, None
    grant = Grant(scopes=frozenset(document["scopes"]), user=document["user"])
    mask, created, expires = (document[name] for name in ("mask", "created", "expires"))
    return digest, Token(document["name"], digest, mask, created, expires, grant, document["client"])


def read_records(
    rows: Iterable[Row], members: Callable[[int], Iterable[Row]], registry: Registry
) -> Iterator[tuple[bool, Record]]:
    """The records of rows, each with whether it is an account.

    Args:
        rows: those of one tenant, by place.
        members: looks up the rows of a group's members, in their order, by the place of the group's.
        registry: the tenant's.

    Raises:
        RowError: one is damaged.
    """
    types, texts = registry.types, _Texts()
    for at, account, type_name, id_, version, created, modified, count, body, its_sum in rows:
        # What resource_row sums, spelled out: a million of them are read.
        head = f"{at}\0{account}\0{type_name}\0{id_}\0{version}\0{created}\0{modified}\0{count}"
        if type(body) is not bytes or crc32(body, crc32(head.encode("utf-8", "surrogatepass"))) != its_sum:
            raise RowError(f"the checksum of the {str(type_name)[:40]} {str(id_)[:100]} is another")
        kind = types.get(type_name)
        if kind is None:
            raise RowError(f"there is no resource type {type_name[:40]}")
        held = None if count is None else _read_members(members(at) if count else (), count)
        since, until = texts[created], texts[modified]
        yield bool(account), Record(id_, kind, at % _PLACES, version, since, until, body, held, None)


def _read_members(rows: Iterable[Row], count: int) -> Members:
    found: dict[str, Member | None] = {}
    for row in rows:
        _, value, kind, display, seq = checked(row)
        found[value] = Member(value, kind, display, seq)
    if len(found) != count:
        raise RowError(f"{count} members were expected, {len(found)} were found")
    return Members().updated(found)


class _Texts(dict[str, str]):
    """Times as they were first read: many resources share them, and their memory."""

    def __missing__(self, text: str) -> str:
        if len(self) > 10_000:
            self.clear()
        self[text] = text
        return text


# -- what a tenant is made of --------------------------------------------------------------------------------------


def shape(registry: Registry) -> str:
    """A digest of what records look like: the resource types and their attributes, but not what is said of those."""
    types = [
        [kind.name, kind.endpoint, _schema(kind.schema), [_schema(extension) for extension, _ in kind.extensions]]
        for kind in registry.types.values()
    ]
    return blake2b(orjson.dumps(types), digest_size=16).hexdigest()


def _schema(schema: Schema) -> list[object]:
    return [schema.id, sorted(map(_attribute, schema.attributes.values()))]


def _attribute(attribute: Attribute) -> list[object]:
    parts = sorted(map(_attribute, attribute.sub_attributes.values()))
    ways = [attribute.mutability, attribute.returned, attribute.uniqueness]
    return [attribute.name, attribute.type, attribute.multi_valued, attribute.case_exact, *ways, parts]
