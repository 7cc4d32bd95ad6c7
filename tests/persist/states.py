"""All that a file has to give back of a tenant, as values that can be compared."""

import shutil
from contextlib import contextmanager

from mockscim import fixtures, profiles
from mockscim.server.options import Options
from mockscim.server.tenants import Tenants
from mockscim.tenant import Start


def state(tenant):
    """What a tenant holds, without what is never returned to anybody."""
    store = tenant.store
    tables = {name: [_shown(record) for record in table] for name, table in store.tables.items()}
    unique = {name: dict(table.unique) for name, table in store.tables.items()}
    elsewhere = {name: table.unique_elsewhere for name, table in store.tables.items()}
    accounts = [_shown(record) for record in store.accounts or ()]
    groups = {member: set(held) for member, held in store.memberships.items()}
    rendered = [store.render(record, "http://localhost") for table in store.tables.values() for record in table]
    made, tokens, revoked = tenant.tokens.state
    return {
        "tables": tables,
        "unique": unique,
        "elsewhere": elsewhere,
        "accounts": accounts,
        "groups": groups,
        "rendered": rendered,
        "counters": store.counters,
        "tokens": (made, [(token.digest, token.document()) for token in tokens], revoked),
    }


def _shown(record):
    members = list(record.members) if record.members is not None else None
    return record.id, record.seq, record.version, record.created, record.modified, record.body, members


def begin(profile="standard", fixture=None, **options):
    """A start: the profile's and fixture's names, or documents of them."""
    loaded = fixtures.load_bundled(fixture) if isinstance(fixture, str) else fixture
    return Start(profiles.load(profile), loaded, **options)


@contextmanager
def opened(start, path):
    """The tenants at a file, which is let go of at the end."""
    tenants = Tenants.of(start, Options(tokens=("start",), persist=str(path)))
    try:
        yield tenants
    finally:
        tenants.close()


def left_behind(path, to):
    """A copy of the file as a process leaves it that is killed now: with its write-ahead log."""
    to.mkdir(parents=True, exist_ok=True)
    for each in (path, path.with_name(path.name + "-wal")):
        if each.exists():
            shutil.copy(each, to / each.name)
    return to / path.name


def contents(path):
    """All files beside one, by name: what must not change when it is refused."""
    return {each.name: each.read_bytes() for each in path.parent.iterdir() if each.is_file()}
