"""The benchmark: ``python -m tests.benchmarks`` (see README.md beside this file)."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks import curves, fixture, latency, node, page, servers, startup
from tests.benchmarks import sizes as scale
from tests.benchmarks.cases import CASES, Case
from tests.benchmarks.compare import GROUPED, ROOT, Peers, Server, compare, other, own, process
from tests.benchmarks.report import plain

_PARTS = ("start", "fixture", "latency", "scale", "curves")
_SCANNED = 100_000  # users that a scan is measured at


@dataclass(frozen=True)
class Sizes:
    """How much there is of everything, and how often it is measured."""

    loop: str
    users: int = 1_000_000
    members: int = 100_000
    peer: int = 5_000
    node: int = 1_000
    rounds: int = 15
    few: int = 7

    @staticmethod
    def quick(loop: str) -> Sizes:
        """Under two minutes."""
        return Sizes(loop, users=100_000, members=20_000, peer=1_000, rounds=7, few=3)


def http(cases: Sequence[Case], sizes: Sizes, result: dict[str, Any]) -> None:
    """The cases against all servers."""
    with ExitStack() as stack:
        began = time.perf_counter()
        ours = own(stack, sizes.loop, servers.lines(sizes.users))
        # In a process of its own, so that the users of the other cases are in no group.
        apart = any(case.name in GROUPED for case in cases)
        grouped = own(stack, sizes.loop, servers.group_lines(sizes.members)) if apart else ours
        bare = other(stack, "bare", sizes.loop)
        peers = _peers(stack, sizes, result)
        print(f"Servers loaded in {time.perf_counter() - began:.0f} s.\n")
        # One that has been up for a while has a full journal: 10,000 exchanges, or 64 MiB of them.
        for server in {ours, grouped}:
            server.run(CASES[0].make("/scim/v2", sizes.members), 10_000, range(200, 201))
        names = [peer.name for peer in peers.servers]
        print(plain([page.head(names)]))
        for case in cases:
            mockscim, among = (grouped, sizes.members) if case.name in GROUPED else (ours, sizes.users)
            row = compare(case, mockscim, bare, peers, sizes.rounds, among)
            row["title"] = case.title.format(members=f"{sizes.members:,}", users=f"{sizes.users:,}")
            result["cases"].append(row)
            print(plain([page.head(names), page.cells(row, names)]).splitlines()[-1], flush=True)
    found = {row["case"]: row["mockscim"]["cpu_us"] for row in result["cases"]}
    if set(GROUPED) <= found.keys():
        result["member_growth"] = round(found["add-100k"] / found["add-10"], 2)


def _peers(stack: ExitStack, sizes: Sizes, result: dict[str, Any]) -> Peers:
    """Who else is there to be compared with; who is not is named."""
    peers = Peers(min(sizes.peer, sizes.node))
    if version := _version("scim2-server"):
        peers.servers.append(other(stack, "scim2-server", str(sizes.peer)))
        result["versions"]["scim2-server"] = version
    else:
        print("scim2-server is not installed: left out (pip install --group bench).")
    try:
        command = node.ready()
    except node.NotHereError as error:
        print(f"scimmy-routers is left out: {error}.")
    else:
        child = stack.enter_context(process([*command, str(sizes.node)]))
        peers.servers.append(Server("scimmy-routers", child))
        result["versions"]["scimmy-routers"] = node.version()
    return peers


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _latency(sizes: Sizes) -> dict[str, float]:
    with ExitStack() as stack:
        return latency.measure(own(stack, sizes.loop).port, sizes.few)


def _curves(sizes: Sizes) -> dict[str, list[curves.Curve]]:
    numbers = [size for size in (1_000, 10_000, 100_000, 1_000_000) if size <= sizes.users]
    return {
        "users": curves.users(numbers, sizes.loop, sizes.few),
        "members": curves.members(sizes.members, sizes.loop, sizes.few),
        "rules": curves.rules(sizes.loop, sizes.few),
    }


def parts(wanted: Sequence[str], sizes: Sizes, result: dict[str, Any]) -> None:
    """All that is not one request against another."""
    if "start" in wanted:
        result["start"] = startup.measure(2 * sizes.few + 1)
    if "fixture" in wanted:
        result["fixture"] = fixture.measure(sizes.few)
    if "latency" in wanted:
        result["latency"] = _latency(sizes)
    if "scale" in wanted:
        result["scale"] = {part: scale.measure(part, sizes.users) for part in ("loading", "paging", "life")}
        result["scale"] |= {part: scale.measure(part, min(sizes.users, _SCANNED)) for part in ("scans", "beside")}
    for line in page.lines(result):
        print(line, flush=True)
    if "curves" in wanted:
        found = _curves(sizes)
        result["curves"] = {name: [curve.document() for curve in group] for name, group in found.items()}
        for group in found.values():
            print(f"\n{plain(curves.table(group))}", flush=True)


def main() -> None:
    names = [*(case.name for case in CASES), *_PARTS]
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller and shorter: under two minutes; writes no page")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures to a file as well")
    parser.add_argument("--only", metavar="NAME", action="append", choices=names, help=", ".join(names))
    parser.add_argument("--uvloop", action="store_true", help="run mockscim and the bare handler on uvloop")
    parser.add_argument("--docs", metavar="FOLDER", type=Path, help="write performance.md and .svg there")
    options = parser.parse_args()
    loop = "uvloop" if options.uvloop else "asyncio"
    sizes = Sizes.quick(loop) if options.quick else Sizes(loop)
    wanted = options.only or names
    versions = {name: _version(name) or "" for name in ("aiohttp", "orjson")}
    result: dict[str, Any] = {"python": platform.python_version(), "versions": versions, "quick": options.quick}
    result |= {"sizes": asdict(sizes), "load": round(os.getloadavg()[0], 1), "cases": []}
    print(page.setting(result))
    cases = [case for case in CASES if case.name in wanted]
    if cases:
        http(cases, sizes, result)
    print()
    parts([name for name in _PARTS if name in wanted], sizes, result)
    if options.json is not None:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    folder = options.docs or (None if options.quick or options.only or options.uvloop else ROOT / "docs")
    if folder is not None:
        page.write(folder, result)
        print(f"\nWritten: {folder / 'performance.md'}, {folder / 'performance.svg'}")


if __name__ == "__main__":
    main()
