"""The soak itself: a real server, clients that know what they did, and the reckoning."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, Protocol

import aiohttp
import orjson

from tests.processes import Server
from tests.soak.client import Client, SoakError
from tests.soak.filling import fill
from tests.soak.ledger import SETTLING
from tests.soak.model import Model, plain
from tests.soak.scratch import Scratch
from tests.soak.work import COUNTER_ID, Worker, fixture

CONNECTIONS = 64
Say = Callable[[str], None]
_SCRATCH = 4
_FAULTS = Path(__file__).with_name("faults.json")
# The default tenant has most of the clients, so that its journal and history meet their bounds.
_TENANTS = {"": 0.7, "alpha": 0.2, "beta": 0.1}
_ENDING = 60.0  # seconds, on a machine that may be busy, and as much memory as a full history takes
_LEAVING = 5.0  # seconds in which a server is done with connections that are gone
_FLAT = 1.05
_JOURNAL = 10_000
_HISTORY = 100_000
_FILLING = 5.0  # minutes from which on a soak begins with a full history, so that memory has to be flat
# Bytes that a change may take while the history is not full, and by how much an exchange may be larger than those that
# the journal was filled with.
_A_CHANGE, _AN_EXCHANGE = 6_000, 3_000


@dataclass
class Report:
    """What came of a soak; ``failures`` is empty when all is well."""

    minutes: float
    failures: list[str] = field(default_factory=list)
    requests: int = 0
    per_second: float = 0.0
    cpu_us: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    doubts: int = 0
    changes: int = 0
    counted: int = 0
    resources: int = 0
    rss_mib: list[float] = field(default_factory=list)
    growth: float = 0.0
    faults: dict[str, int] = field(default_factory=dict)
    journal: dict[str, int] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


class Sample(NamedTuple):
    """The server at one moment."""

    resident: int  # bytes
    changes: int  # that the history has told of
    exchanges: int  # that the clients have had


class _Acts(Protocol):
    async def act(self) -> None: ...


class Process:
    """What Linux says of the server's process."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def resident(self) -> int:
        """Bytes of memory."""
        return int(Path(f"/proc/{self._pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def files(self) -> int:
        """Open files, sockets among them."""
        return sum(1 for _ in Path(f"/proc/{self._pid}/fd").iterdir())

    async def files_left(self, wanted: int) -> int:
        """Open files once there are no more than is wanted, or after a while."""
        until = time.monotonic() + _LEAVING
        while (left := self.files()) > wanted and time.monotonic() < until:
            await asyncio.sleep(0.1)
        return left

    def cpu(self) -> float:
        """Seconds of CPU so far."""
        return time.clock_gettime_ns((~self._pid << 3) | 2) / 1e9


def run(minutes: float, *, rate: float, seed: int, say: Say = print) -> Report:
    """Run a soak.

    Args:
        minutes: how long.
        rate: requests a second to stay below, 0 for as many as there can be.
        seed: of what the clients do.
        say: is told how it goes.
    """
    report = Report(minutes)
    with tempfile.TemporaryDirectory(prefix="mockscim-soak-") as folder:
        start = Path(folder, "start.json")
        start.write_bytes(orjson.dumps(fixture(CONNECTIONS)))
        with Server("--seed", str(seed), "--fixture", str(start)) as server:
            asyncio.run(_soak(server, report, rate, seed, say))
            code, error = stop(server)
    if code or error:
        report.failures.append(f"exit code {code}; on standard error: {error[:2000]}")
    return report


def stop(server: Server) -> tuple[int | None, str]:
    """End a server; the exit code, None where it did not end, and what it wrote to standard error."""
    server.process.terminate()
    try:
        _, error = server.process.communicate(timeout=_ENDING)
    except subprocess.TimeoutExpired:
        server.process.kill()
        _, error = server.process.communicate()
        return None, error
    return server.process.returncode, error


async def _soak(server: Server, report: Report, rate: float, seed: int, say: Say) -> None:
    process = Process(server.process.pid)
    counts: Counter[str] = Counter()
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:

        def of(name: str) -> Client:
            root = server.root if not name else f"{server.root}/t/{name}"
            return Client(session, root, server.ready["token"], counts)

        models = {name: Model(of(name)) for name in _TENANTS}
        for name, model in models.items():
            changes = _HISTORY if report.minutes >= _FILLING else 0
            await asyncio.to_thread(fill, server.address, name, server.ready["token"], changes)
            await _begin(model)
        files = process.files()
        actors = _actors(models, of, seed)
        samples: list[Sample] = []
        began, cpu = time.monotonic(), process.cpu()
        stop = began + report.minutes * 60
        pace = len(actors) / rate if rate else 0.0
        followers = [asyncio.ensure_future(model.ledger.follow()) for model in models.values()]
        followers.append(asyncio.ensure_future(_sample(process, models, samples, counts, say)))
        tasks = [asyncio.ensure_future(_keep_acting(actor, stop, pace, seed + i)) for i, actor in enumerate(actors)]
        report.failures += await _until_over(tasks, followers)
        report.requests = sum(counts.values())
        report.per_second = round(report.requests / (time.monotonic() - began), 1)
        report.cpu_us = round((process.cpu() - cpu) / max(1, report.requests) * 1e6, 1)
        report.counts = dict(sorted(counts.items()))
        for name, model in models.items() if not report.failures else ():
            try:
                await _reckon(name or "default", model, report)
            except SoakError as error:
                report.failures.append(f"tenant {name or 'default'}: {error}")
    if (left := await process.files_left(files)) > files:
        report.failures.append(f"{left} files are open when all clients have gone, {files} were at the start")
    _judge_memory(report, samples)


async def _begin(model: Model) -> None:
    """What the clients know at the start; from now on there are faults."""
    start = fixture(CONNECTIONS)
    for document in (*start["users"], *start["groups"]):
        model.adopt(document["id"], document)
    found = await model.client.read("start", "/Users/filler")
    model.adopt("filler", found.body)
    await model.ledger.start()
    await model.client.control("PUT", "/faults", orjson.loads(_FAULTS.read_bytes()))


def _actors(models: dict[str, Model], of: Any, seed: int) -> list[_Acts]:
    """As many clients as there are connections."""
    workers = CONNECTIONS - _SCRATCH
    found: list[_Acts] = []
    for name, share in _TENANTS.items():
        for _ in range(round(workers * share)):
            found.append(Worker(len(found), models[name], random.Random(f"{seed} {len(found)}")))  # noqa: S311 - repeatable
    found += [Scratch(f"scratch-{n}", of, random.Random(f"{seed} s{n}")) for n in range(_SCRATCH)]  # noqa: S311
    return found


async def _keep_acting(actor: _Acts, stop: float, pace: float, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    await asyncio.sleep(chance.random() * pace)
    while time.monotonic() < stop:
        due = time.monotonic() + pace * chance.uniform(0.5, 1.5)
        await actor.act()
        await asyncio.sleep(max(0.0, due - time.monotonic()))


async def _until_over(tasks: list[asyncio.Task[None]], followers: list[asyncio.Task[None]]) -> list[str]:
    """Wait for all tasks; the first that fails ends the others. What failed."""
    waiting: set[asyncio.Task[None]] = {*tasks, *followers}
    failures: list[str] = []
    while waiting & set(tasks) and not failures:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        failures = [f"{type(error).__name__}: {error}" for task in done if (error := task.exception()) is not None]
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    return failures


async def _sample(
    process: Process, models: dict[str, Model], samples: list[Sample], counts: Counter[str], say: Say
) -> None:
    while True:
        changes = sum(model.ledger.changes for model in models.values())
        samples.append(Sample(process.resident(), changes, sum(counts.values())))
        if len(samples) % 60 == 1:
            doubts = sum(model.doubts for model in models.values())
            say(
                f"{len(samples) // 60:>4} min {samples[-1].exchanges:>10,} requests {changes:>9,} changes "
                f"{doubts:>6,} in doubt {samples[-1].resident / 2**20:>7.1f} MiB"
            )
        await asyncio.sleep(1)


async def _reckon(name: str, model: Model, report: Report) -> None:
    """Hold a tenant against what its clients know.

    Raises:
        SoakError: says what differs.
    """
    client = model.client
    rules = (await client.control("GET", "/faults"))["items"]
    for rule in rules:
        report.faults[rule["name"]] = report.faults.get(rule["name"], 0) + rule["hits"]
    await client.control("DELETE", "/faults")
    await asyncio.sleep(SETTLING)
    counter = await client.read("check", f"/Users/{COUNTER_ID}")
    if int(counter.body["title"]) != model.counted:
        raise SoakError(f"{model.counted} increments were done, and {counter.body['title']} are counted")
    model.resources[COUNTER_ID] = plain(counter.body)
    await model.compare()
    report.doubts += model.doubts
    report.changes += model.ledger.changes
    report.counted += model.counted
    report.resources += len(model.resources)
    journal = await client.control("GET", "/journal?limit=1")
    history = await client.control("GET", "/history?limit=1")
    report.journal[f"{name}: exchanges"] = journal["last"]
    report.journal[f"{name}: exchanges dropped"] = journal["dropped"]
    if journal["last"] - journal["dropped"] > _JOURNAL or history["last"] - history["dropped"] > _HISTORY:
        raise SoakError(f"the journal keeps more than it may: {journal['last']} - {journal['dropped']}")
    if journal["under_way"]:
        raise SoakError(f"{journal['under_way']} exchanges never ended")
    if (await client.control("GET", "/gates"))["items"]:
        raise SoakError("a gate was left")


def _judge_memory(report: Report, samples: list[Sample]) -> None:
    """Is the memory of the last quarter that of the second one, but for what the history may still take?"""
    quarter = len(samples) // 4
    report.rss_mib = [round(one.resident / 2**20, 1) for one in samples[:: max(1, len(samples) // 60)]]
    if not quarter:
        return
    early, late = samples[quarter : 2 * quarter], samples[-quarter:]
    was, now = (median(one.resident for one in part) for part in (early, late))
    report.growth = round(now / was, 4)
    may = was * _FLAT
    if report.minutes < _FILLING:
        may += (late[-1].changes - early[0].changes) * _A_CHANGE
        may += (late[-1].exchanges - early[0].exchanges) * _AN_EXCHANGE
    if now > may:
        report.failures.append(f"memory grew from {was / 2**20:.1f} to {now / 2**20:.1f} MiB, {may / 2**20:.1f} may be")
