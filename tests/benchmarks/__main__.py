"""The benchmark: ``python -m tests.benchmarks`` (see README.md beside this file)."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks import data
from tests.benchmarks.cases import BYTES, CASES, GROWTH, Case
from tests.benchmarks.client import Answer, Connection, Cost, measure, request

_ROOT = Path(__file__).parent.parent.parent
_CONNECTIONS = 16
_SLOW_BATCH = 16  # requests to scim2-server between two looks at the clock
_GROUPS = ("add-10", "add-100k")


class Server:
    """One of the compared servers, in a process of its own."""

    def __init__(self, name: str, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise SystemExit(f"{name} did not start")
        port = json.loads(line)["port"]
        self.pid = process.pid
        # wsgiref listens with a backlog of five: more connections at once would wait for the kernel to try again.
        count = 4 if name == "scim2-server" else _CONNECTIONS
        self.connections = [Connection(port) for _ in range(count)]

    def ask(self, data: bytes) -> Answer:
        self.connections[0].send(data)
        return self.connections[0].receive()

    def run(self, requests: Iterator[bytes], count: int, expected: range) -> Cost:
        return measure(self.pid, self.connections, [next(requests) for _ in range(count)], expected)


@contextmanager
def process(name: str, loop: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server's process, which ends with the context."""
    command = [sys.executable, "-m", "tests.benchmarks.servers", name, loop, *arguments]
    child = subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def compare(case: Case, ours: Server, bare: Server, other: Server | None, sizes: Sizes, rounds: int) -> dict[str, Any]:
    """Measure one case in alternating rounds."""
    grouped = case.name in _GROUPS
    among = sizes.members if grouped else sizes.users
    made = case.make("/t/groups/scim/v2" if grouped else "/scim/v2", among)
    first = ours.ask(next(made))
    if first.status != case.status:
        raise SystemExit(f"{case.name}: {first.status} {first.body[:300]!r}")
    media = urllib.parse.quote(first.content_type, safe="")
    bare.ask(request("POST", f"/tell?status={first.status}&type={media}", data.TOKEN, first.body))
    results: dict[str, list[Cost]] = {"mockscim": [], "bare": []}
    batch, expected = case.batch, range(case.status, case.status + 1)
    # A server that has been up for a while has a full journal: 10,000 exchanges, or 64 MiB of them.
    ours.run(made, case.warm, expected)
    bare.run(made, batch, expected)
    for _ in range(rounds):
        results["bare"].append(bare.run(made, batch, expected))
        results["mockscim"].append(ours.run(made, batch, expected))
    if other is not None and case.name != "add-100k":
        theirs = case.make("/v2", sizes.other)
        other.run(theirs, _CONNECTIONS, range(200, 300))
        results["scim2-server"] = [other.run(theirs, _SLOW_BATCH, range(200, 300)) for _ in range(3)]
    row: dict[str, Any] = {"case": case.name, "title": case.title.format(members=f"{sizes.members:,}")}
    row["bytes"] = len(first.body)
    row["target"] = case.target
    for name, costs in results.items():
        row[name] = {
            "cpu_us": round(median(cost.cpu for cost in costs) * 1e6, 1),
            "requests_per_second": round(1 / median(cost.wall for cost in costs)),
        }
    # Each round's own ratio, since the machine is faster in one round than in another.
    pairs = zip(results["bare"], results["mockscim"], strict=True)
    row["ratio"] = round(median(theirs.cpu / ours.cpu for theirs, ours in pairs), 2)
    if "scim2-server" in row:
        row["ratio_scim2_server"] = round(row["scim2-server"]["cpu_us"] / row["mockscim"]["cpu_us"], 1)
    return row


class Sizes:
    """How much there is of everything."""

    def __init__(self, *, quick: bool, loop: str = "asyncio") -> None:
        self.loop = loop
        self.users = 100_000
        self.members = 20_000 if quick else 100_000
        self.other = 1_000 if quick else 5_000
        self.rounds = 7 if quick else 15
        self.memory = 100_000 if quick else 1_000_000
        self.fixture = 20_000 if quick else 100_000


def bytes_a_user(how: str, users: int) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.memory", how, str(users)]
    done = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, check=True)
    return float(json.loads(done.stdout)["bytes"])


def verdict(reached: bool) -> str:
    return "reached" if reached else "MISSED"


def show(row: dict[str, Any]) -> None:
    other = row.get("scim2-server")
    goal = f"{row['target']:.1f} {verdict(row['ratio'] >= row['target'])}" if row["target"] is not None else ""
    print(
        f"{row['title']:<25} {row['bytes']:>7,} {row['mockscim']['cpu_us']:>9.1f} {row['bare']['cpu_us']:>7.1f} "
        + (f"{other['cpu_us']:>8,.0f} " if other else f"{'-':>8} ")
        + f"{row['ratio']:>7.2f} "
        + (f"{row['ratio_scim2_server']:>7.0f} " if other else f"{'-':>7} ")
        + f"{row['mockscim']['requests_per_second']:>8,} {row['bare']['requests_per_second']:>7,} "
        + (f"{other['requests_per_second']:>6,}  " if other else f"{'-':>6}  ")
        + goal,
        flush=True,
    )


def http(cases: Sequence[Case], sizes: Sizes) -> list[dict[str, Any]]:
    """All cases against all servers."""
    rows = []
    with ExitStack() as stack:
        began = time.perf_counter()
        children = {
            "mockscim": stack.enter_context(process("mockscim", sizes.loop, str(sizes.users), str(sizes.members))),
            "bare": stack.enter_context(process("bare", sizes.loop)),
        }
        if scim2_server_version() is not None:
            children["scim2-server"] = stack.enter_context(process("scim2-server", "-", str(sizes.other)))
        ready = {name: Server(name, child) for name, child in children.items()}
        print(f"Servers loaded in {time.perf_counter() - began:.0f} s.\n")
        print(f"{'':<25} {'answer':>7} {'server CPU, µs a request':>26} ", end="")
        print(f"{'times as fast as':>15} {'requests a second':>23}")
        print(
            f"{'':<25} {'bytes':>7} {'mockscim':>9} {'bare':>7} {'scim2-s.':>8} {'bare':>7} {'scim2-s.':>7} "
            f"{'mockscim':>8} {'bare':>6} {'s2s':>6}  to reach"
        )
        for base in ("/scim/v2", "/t/groups/scim/v2"):
            ready["mockscim"].run(CASES[0].make(base, sizes.members), 10_000, range(200, 201))
        for case in cases:
            row = compare(case, ready["mockscim"], ready["bare"], ready.get("scim2-server"), sizes, sizes.rounds)
            rows.append(row)
            show(row)
    return rows


def scim2_server_version() -> str | None:
    try:
        return importlib.metadata.version("scim2-server")
    except importlib.metadata.PackageNotFoundError:
        return None


def main() -> None:
    names = [case.name for case in CASES]
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller and shorter: under a minute")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures to a file as well")
    parser.add_argument("--only", metavar="NAME", action="append", choices=[*names, "memory"], help=", ".join(names))
    parser.add_argument("--uvloop", action="store_true", help="run mockscim and the bare handler on uvloop")
    options = parser.parse_args()
    sizes = Sizes(quick=options.quick, loop="uvloop" if options.uvloop else "asyncio")
    wanted = options.only or [*names, "memory"]
    cases = [case for case in CASES if case.name in wanted]
    versions = {name: importlib.metadata.version(name) for name in ("aiohttp", "orjson")}
    versions["scim2-server"] = scim2_server_version() or "not installed: left out"
    print(f"Python {platform.python_version()}, " + ", ".join(f"{name} {text}" for name, text in versions.items()))
    print(f"mockscim: {sizes.users:,} users; journal and history on; {sizes.loop}; one fault rule that never matches.")
    print(f"scim2-server: {sizes.other:,} users only, for it is slow to load; its groups have ten members.")
    result: dict[str, Any] = {
        "quick": options.quick,
        "loop": sizes.loop,
        "python": platform.python_version(),
        "versions": versions,
    }
    result["cases"] = http(cases, sizes) if cases else []
    costs = {row["case"]: row["mockscim"]["cpu_us"] for row in result["cases"]}
    print()
    if set(_GROUPS) <= costs.keys():
        growth = result["member_growth"] = round(costs["add-100k"] / costs["add-10"], 2)
        print(
            f"member add at {sizes.members:,} against 10: {growth:.2f} (at most {GROWTH}: {verdict(growth <= GROWTH)})"
        )
    if "memory" in wanted:
        used = result["bytes_a_user"] = round(bytes_a_user("store", sizes.memory))
        print(f"memory at {sizes.memory:,} users: {used:,} bytes a user (at most {BYTES:,}: {verdict(used <= BYTES)})")
        whole = result["bytes_a_user_from_fixture"] = round(bytes_a_user("fixture", sizes.fixture))
        print(f"memory at {sizes.fixture:,} users that came in a fixture, which is kept: {whole:,} bytes a user")
    if options.json is not None:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
