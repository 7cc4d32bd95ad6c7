"""What a million users cost: ``python -m tests.benchmarks.sizes PART USERS`` prints one JSON line.

``measure(part, users)`` runs a part in a process of its own and returns that line as a dict; ``PARTS`` has their names:

    loading   CPU seconds, bytes a user and peak of memory, of a tenant from an NDJSON file, and of the barest store
    scans     CPU microseconds a user, for each of the filters in FILTERS: {filter: {"us": …, "clauses": n, "found": n}}
    paging    CPU milliseconds of a page of 100: first and last, by index and cursor, filtered and sorted
    life      CPU milliseconds of a snapshot, of a reset after 1,000 changes, of a slice of a tenant's end
    beside    milliseconds that a GET takes, median and p99, alone and while searches go on
"""

from __future__ import annotations

import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

from mockscim import fixtures, profiles
from mockscim.scim.call import Unfinished
from mockscim.serve import settle
from mockscim.tenant import Start, Tenant
from tests.benchmarks import data
from tests.benchmarks.client import Connection, request
from tests.benchmarks.memory import resident

_ROOT = Path(__file__).parent.parent.parent
_BASE = "http://127.0.0.1/scim/v2"
# Those that no index serves, with the number of their clauses.
FILTERS = {
    'title eq "x"': 1,
    'name.familyName sw "A"': 1,
    "active eq true": 1,
    'emails co "example.com"': 1,
    'displayName ew "7"': 1,
    "nickName pr": 1,
    "title pr and not (active eq false)": 2,
    'nickName pr or emails[type eq "work" and value co "9"]': 3,
}
_PAGES: dict[str, tuple[dict[str, str], bool]] = {
    "index": ({}, False),
    "cursor": ({"cursor": ""}, True),
    "filter": ({"filter": 'displayName ew "7"'}, False),
    "sort": ({"sortBy": "userName"}, False),
    "sort, cursor": ({"sortBy": "userName", "cursor": ""}, True),
}
_CHANGES = 1000
_SECONDS = 10.0
_SEARCHES = 4


def measure(part: str, users: int) -> dict[str, Any]:
    """One part, in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.sizes", part, str(users)]
    done = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@contextmanager
def ndjson(users: int) -> Iterator[Path]:
    """A fixture of so many users in a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "users.ndjson"
        with path.open("wb") as file:
            for number in range(users):
                file.write(orjson.dumps({"id": data.user_id(number), **data.user(number)}) + b"\n")
        yield path


def loading(users: int) -> dict[str, Any]:
    """A tenant against the barest store, each in a process of its own."""
    with ndjson(users) as path:
        return {how: measure_file(how, path) for how in ("barest", "tenant")}


def measure_file(how: str, path: Path) -> dict[str, Any]:
    """``load`` in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.sizes", "load", how, str(path)]
    done = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def load(how: str, path: Path) -> dict[str, Any]:
    """Load a file: as a tenant, or as the least that could be done with it, bytes by id and an index of names."""
    profile = profiles.load("standard")
    Tenant("", Start(profile, fixtures.load("people-100")))
    gc.disable()
    held: object
    before, cpu = resident(), time.process_time()
    if how == "tenant":
        held = tenant = Tenant("", Start(profile, fixtures.load(path)))
        count = len(tenant.store.tables["User"])
    else:
        by_id: dict[str, bytes] = {}
        names: dict[str, str] = {}
        with path.open("rb") as file:
            for line in file:
                document = orjson.loads(line)
                by_id[document["id"]] = line.rstrip()
                names[document["userName"].casefold()] = document["id"]
        held, count = (by_id, names), len(by_id)
    cpu = time.process_time() - cpu
    gc.freeze()
    gc.enable()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    used = resident() - before
    assert held
    return {"users": count, "cpu_s": round(cpu, 2), "bytes": round(used / count), "peak_bytes": round(peak / count)}


def _tenant(users: int) -> Tenant:
    with ndjson(users) as path:
        tenant = Tenant("", Start(profiles.load("standard"), fixtures.load(path)))
    settle()
    return tenant


class _Asked:
    """What a query cost: CPU seconds in all and in its longest slice, and the answer."""

    def __init__(self, tenant: Tenant, parameters: dict[str, str]) -> None:
        service, started = tenant.service, time.process_time()
        call = service.route("GET", "/Users", _BASE)
        service.read(call, list(parameters.items()), b"")
        call.patient = True
        reply = service.perform(call, "2026-01-01T00:00:00Z")
        self.slices = [time.process_time() - started]
        while isinstance(reply, Unfinished) and reply.body is None:
            before = time.process_time()
            reply.go_on()
            self.slices.append(time.process_time() - before)
        self.seconds = time.process_time() - started
        self.document: dict[str, Any] = orjson.loads(reply.body or b"")


def scans(users: int) -> dict[str, Any]:
    """Each filter, as often as it takes to be sure; each time something has changed, so that nothing is kept."""
    tenant = _tenant(users)
    found: dict[str, Any] = {}
    for text, clauses in FILTERS.items():
        runs = []
        for turn in range(4):
            _touch(tenant, turn)
            runs.append(_Asked(tenant, {"filter": text, "count": "100"}))
        seconds = median(run.seconds for run in runs[1:])
        found[text] = {
            "us": round(seconds / users * 1e6, 2),
            "clauses": clauses,
            "first_us": round(runs[0].seconds / users * 1e6, 2),
            "slice_ms": round(median(median(run.slices) for run in runs) * 1e3, 2),
            "found": runs[0].document["totalResults"],
        }
    return found


def _touch(tenant: Tenant, number: int) -> None:
    operation = {"op": "replace", "path": "locale", "value": f"xx-{time.monotonic_ns()}"}
    tenant.edit("PATCH", "User", data.user_id(number), {"Operations": [operation]}, _BASE)


def paging(users: int) -> dict[str, Any]:
    """A page of 100 at the beginning and at the end; the very first asked for apart, as a search comes with it."""
    tenant = _tenant(users)
    found: dict[str, Any] = {}
    for name, (asked, by_cursor) in _PAGES.items():
        query = {**asked, "count": "100"}
        beginning = _Asked(tenant, query)
        total = beginning.document["totalResults"]
        if by_cursor:
            second = beginning.document["nextCursor"]
            last = _walk(tenant, query, second)
            first, end = ([{**query, "cursor": cursor}] * 9 for cursor in (second, last))
        else:  # each another page, for one is kept as it was answered
            first, end = ([{**query, "startIndex": str(at - n)} for n in range(9)] for at in (101, total - 99))
        found[name] = {
            "total": total,
            "begin_ms": round(beginning.seconds * 1e3, 2),
            "longest_slice_ms": round(max(beginning.slices) * 1e3, 2),
            "first_ms": round(median(_Asked(tenant, place).seconds for place in first) * 1e3, 3),
            "last_ms": round(median(_Asked(tenant, place).seconds for place in end) * 1e3, 3),
        }
    return found


def _walk(tenant: Tenant, query: dict[str, str], cursor: str) -> str:
    """The cursor of the last page but one, or two: all the way there, page by page."""
    cursors = [cursor]
    while (found := _Asked(tenant, {**query, "cursor": cursors[-1]}).document.get("nextCursor")) is not None:
        cursors = [*cursors[-1:], found]
    return cursors[0]


def life(users: int) -> dict[str, Any]:
    """What a test does with a tenant of that size, in CPU time."""
    held = [_tenant(users)]

    def timed(work: Callable[[], object], *, changes: int = 0) -> float:
        for number in range(changes):
            _touch(held[0], number * (users // changes))
        before = time.process_time()
        work()
        return round((time.process_time() - before) * 1e3, 2)

    return {
        "snapshot_ms": timed(lambda: held[0].store.snapshot("s")),
        "restore_1000_ms": timed(lambda: held[0].store.restore("s"), changes=_CHANGES),
        "reset_1000_ms": timed(lambda: Tenant.reset(held[0]), changes=_CHANGES),
        "reset_ms": timed(lambda: Tenant.reset(held[0])),
        "renew_1000_ms": timed(lambda: Tenant.renew(held[0]), changes=_CHANGES),
        "cut_ms": timed(lambda: Tenant.cut(held[0])),
        "drop_slice_ms": _longest(held[0].store.dismantled()),
    }


def _longest(steps: Iterator[None]) -> float:
    """The longest of some steps, in CPU milliseconds."""
    longest, before = 0.0, time.process_time()
    for _ in steps:
        now = time.process_time()
        longest, before = max(longest, now - before), now
    return round(longest * 1e3, 2)


def beside(users: int) -> dict[str, Any]:
    """GETs one after the other, alone and while searches over all users go on all the time."""
    with ndjson(users) as path:
        command = [
            sys.executable,
            "-m",
            "mockscim",
            "serve",
            "--port",
            "0",
            "--token",
            data.TOKEN,
            "--fixture",
            str(path),
        ]
        child = subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        assert child.stdout is not None
        ready = child.stdout.readline()
    try:
        port = urlsplit(json.loads(ready)["base_url"]).port or 0
        found: dict[str, Any] = {"alone": _gets(port, users, _SECONDS)}
        stop, done = threading.Event(), [0] * _SEARCHES
        threads = [threading.Thread(target=_search, args=(port, stop, done, at)) for at in range(_SEARCHES)]
        for thread in threads:
            thread.start()
        time.sleep(1)
        found["searching"] = _gets(port, users, _SECONDS)
        stop.set()
        for thread in threads:
            thread.join()
        return {**found, "searches": sum(done), "at_once": _SEARCHES}
    finally:
        child.kill()
        child.communicate()


def _search(port: int, stop: threading.Event, done: list[int], at: int) -> None:
    """Filters that are all different, so that none finds what another found; and sorts."""
    connection = Connection(port)
    while not stop.is_set():
        text = quote(f'nickName sw "{at}-{done[at]}" or title co "{at}"')
        sort = "&sortBy=displayName" if at == 0 else ""
        connection.send(request("GET", f"/scim/v2/Users?filter={text}&count=10{sort}", data.TOKEN))
        if connection.receive().status != 200:
            raise SystemExit("a search failed")
        done[at] += 1


def _gets(port: int, users: int, seconds: float) -> dict[str, float]:
    connection, took = Connection(port), []
    end = time.perf_counter() + seconds
    number = 0
    while (now := time.perf_counter()) < end:
        number = (number + 7919) % users
        connection.send(request("GET", f"/scim/v2/Users/{data.user_id(number)}", data.TOKEN))
        connection.receive()
        took.append(time.perf_counter() - now)
        time.sleep(0.001)
    return {
        "median_ms": round(median(took) * 1e3, 2),
        "p99_ms": round(quantiles(took, n=100)[98] * 1e3, 2),
        "count": len(took),
    }


PARTS: dict[str, Callable[[int], dict[str, Any]]] = {
    "loading": loading,
    "scans": scans,
    "paging": paging,
    "life": life,
    "beside": beside,
}


def main() -> None:
    part, *rest = sys.argv[1:]
    found = load(rest[0], Path(rest[1])) if part == "load" else PARTS[part](int(rest[0]))
    print(json.dumps(found))
    sys.stdout.flush()
    os._exit(0)  # a million users need not be taken apart one by one


if __name__ == "__main__":
    main()
