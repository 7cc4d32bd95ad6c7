"""Bytes a user: ``python -m tests.benchmarks.memory store|fixture USERS`` prints them as one JSON line."""

from __future__ import annotations

import ctypes
import gc
import json
import sys
from pathlib import Path

import orjson

from mockscim import fixtures, profiles
from mockscim.scim.seeding import Seeder
from mockscim.tenant import Start, Tenant
from tests.benchmarks import data


def resident() -> int:
    """Bytes of memory that this process really has, once the allocator has given back what it can."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def main() -> None:
    how, users = sys.argv[1], int(sys.argv[2])
    profile = profiles.load("standard")
    tenant = Tenant("", Start(profile))
    kind = tenant.registry.types["User"]
    seeder = Seeder(tenant.service.planner)
    tenant.store.drop_snapshot("\0start")  # loading is the start: nothing is remembered about it
    for number in range(2_000_000_000, 2_000_000_100):
        seeder.seed(kind, data.user(number), data.user_id(number), tenant.clock.text(), {})
    gc.disable()  # as serve does while it loads
    before = resident()
    if how == "store":
        now = tenant.clock.text()
        for number in range(users):
            # Through JSON, as a fixture comes: so texts are not shared between users.
            document = orjson.loads(orjson.dumps(data.user(number)))
            seeder.seed(kind, document, data.user_id(number), now, {})
        gc.freeze()
        gc.enable()
        assert len(tenant.store.tables["User"]) == users + 100
        used = resident() - before
    else:
        source = b"\n".join(orjson.dumps({"id": data.user_id(n), **data.user(n)}) for n in range(users))
        loaded = Tenant("", Start(profile, fixtures.parse(source)))
        del source
        used = resident() - before
        assert len(loaded.store.tables["User"]) == users
    print(json.dumps({"bytes": used / users}))


if __name__ == "__main__":
    main()
