"""Servers side by side: each in a process of its own, measured in alternating rounds."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks import data
from tests.benchmarks.cases import Case
from tests.benchmarks.client import Answer, Connection, Cost, measure, request

ROOT = Path(__file__).parent.parent.parent
CONNECTIONS = 16
GROUPED = ("add-10", "add-100k")
_SLOW_BATCH = 16  # requests to a peer between two looks at the clock
_PEER_ROUNDS = 3
# scim2-server listens with a backlog of five: more connections at once would wait for the kernel to try again.
_FEW = {"scim2-server": 4}


class Server:
    """One of the compared servers, in a process of its own."""

    def __init__(self, name: str, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise SystemExit(f"{name} did not start")
        self.name = name
        self.ready: dict[str, Any] = json.loads(line)
        self.port: int = self.ready.get("port") or urllib.parse.urlsplit(self.ready["base_url"]).port
        self.pid = process.pid
        self.connections = [Connection(self.port) for _ in range(_FEW.get(name, CONNECTIONS))]

    def ask(self, data: bytes) -> Answer:
        """One request."""
        self.connections[0].send(data)
        return self.connections[0].receive()

    def run(self, requests: Iterator[bytes], count: int, expected: range) -> Cost:
        """So many of the requests, over all connections."""
        return measure(self.pid, self.connections, list(itertools.islice(requests, count)), expected)

    def control(self, method: str, path: str, body: bytes | None = None) -> Any:
        """Ask mockscim's control API; ``path`` is below the server's root."""
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body, method=method)
        with urllib.request.urlopen(asked, timeout=600) as answer:
            content = answer.read()
        return json.loads(content) if content else None


@contextmanager
def process(command: Iterable[str], **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server's process, which ends with the context."""
    child = subprocess.Popen(
        list(command),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "NODE_ENV": "production", **environment},
    )
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def own(stack: ExitStack, loop: str, lines: Iterable[bytes] | None = None, *arguments: str) -> Server:
    """``mockscim serve``, with users from an NDJSON file where some are given, and one rule that never matches."""
    command = [sys.executable, "-m", "mockscim", "serve", "--port", "0", "--token", data.TOKEN, *arguments]
    command += ["--fault", "user.delete=503"]
    if lines is not None:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="mockscim-benchmark-"))
        fixture = Path(folder, "users.ndjson")
        with fixture.open("wb") as file:
            file.writelines(line + b"\n" for line in lines)
        command += ["--fixture", str(fixture)]
    environment = {} if loop == "uvloop" else {"MOCKSCIM_NO_UVLOOP": "1"}
    return Server("mockscim", stack.enter_context(process(command, **environment)))


def other(stack: ExitStack, name: str, *arguments: str) -> Server:
    """A server of servers.py."""
    command = [sys.executable, "-m", "tests.benchmarks.servers", name, *arguments]
    return Server(name, stack.enter_context(process(command)))


@dataclass
class Peers:
    """Whom mockscim is compared with beside the bare handler, and with how many users they have."""

    users: int
    servers: list[Server] = field(default_factory=list)


def compare(case: Case, ours: Server, bare: Server, peers: Peers, rounds: int, among: int) -> dict[str, Any]:
    """Measure one case in alternating rounds, ``among`` so many users."""
    made = case.make("/scim/v2", among)
    first = ours.ask(next(made))
    if first.status != case.status:
        raise SystemExit(f"{case.name}: {first.status} {first.body[:300]!r}")
    media = urllib.parse.quote(first.content_type, safe="")
    bare.ask(request("POST", f"/tell?status={first.status}&type={media}", data.TOKEN, first.body))
    results: dict[str, list[Cost]] = {"mockscim": [], "bare": []}
    batch, expected = case.batch, range(case.status, case.status + 1)
    ours.run(made, case.warm, expected)
    bare.run(made, batch, expected)
    for _ in range(rounds):
        results["bare"].append(bare.run(made, batch, expected))
        results["mockscim"].append(ours.run(made, batch, expected))
    for peer in peers.servers if case.name != "add-100k" else ():
        theirs = _translated(case.make(peer.ready.get("base", "/scim/v2"), peers.users), peer)
        peer.run(theirs, CONNECTIONS, range(200, 300))
        results[peer.name] = [peer.run(theirs, _SLOW_BATCH, range(200, 300)) for _ in range(_PEER_ROUNDS)]
    row: dict[str, Any] = {"case": case.name, "bytes": len(first.body), "target": case.target}
    for name, costs in results.items():
        row[name] = {
            "cpu_us": round(median(cost.cpu for cost in costs) * 1e6, 1),
            "requests_per_second": round(1 / median(cost.wall for cost in costs)),
        }
    # Each round's own ratio, since the machine is faster in one round than in another.
    pairs = zip(results["bare"], results["mockscim"], strict=True)
    row["ratio"] = round(median(theirs.cpu / mine.cpu for theirs, mine in pairs), 2)
    row["peers"] = {
        peer.name: round(row[peer.name]["cpu_us"] / row["mockscim"]["cpu_us"], 1)
        for peer in peers.servers
        if peer.name in row
    }
    return row


def _translated(requests: Iterator[bytes], peer: Server) -> Iterator[bytes]:
    """The requests with the ids that a peer gave its users and groups by itself, and in the order it got them."""
    given = {
        **{data.user_id(n).encode(): id_.encode() for n, id_ in enumerate(peer.ready.get("users", ()))},
        **{data.group_id(n).encode(): id_.encode() for n, id_ in enumerate(peer.ready.get("groups", ()), 1)},
    }
    for one in requests:
        yield _replace(one, given) if given else one


def _replace(asked: bytes, given: dict[bytes, bytes]) -> bytes:
    # All ids are UUIDs, so that lengths stay.
    for start in _places(asked):
        known = given.get(asked[start : start + 36])
        if known is not None:
            asked = asked[:start] + known + asked[start + 36 :]
    return asked


def _places(asked: bytes) -> Iterator[int]:
    """Where a UUID may begin: 8 characters before ``-0000-4000-``."""
    mark, start = b"-0000-4000-", 0
    while (start := asked.find(mark, start)) >= 0:
        yield start - 8
        start += len(mark)
