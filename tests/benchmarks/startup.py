"""From the start of a process to its first answer: ``mockscim serve`` against a bare aiohttp program."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.benchmarks import data
from tests.benchmarks.client import Connection, cpu_seconds, request

_ROOT = Path(__file__).parent.parent.parent
_PATIENCE = 30.0

# What a developer writes who wants one answer: no access log, as mockscim writes none.
BARE = """
import sys
from aiohttp import web

async def answer(request):
    return web.json_response({"totalResults": 0})

app = web.Application()
app.router.add_get("/scim/v2/Users", answer)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
"""


class Start(NamedTuple):
    """What one start took."""

    wall: float  # seconds from the fork to the first byte of an answer
    cpu: float  # seconds of the process's CPU until then


def first_answer(command: Sequence[str], port: int) -> Start:
    """Start a server, and ask until it answers.

    Raises:
        RuntimeError: it ended, or took too long.
    """
    asked = request("GET", "/scim/v2/Users", data.TOKEN)
    began = time.perf_counter()
    # Compiled once and kept, as what is installed is.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.DEVNULL, env=environment)
    try:
        while True:
            connection = Connection(port)
            try:
                connection.send(asked)
                answer = connection.receive()
            except OSError:
                if process.poll() is not None or time.perf_counter() - began > _PATIENCE:
                    raise RuntimeError(f"{command[:3]} does not answer") from None
                time.sleep(0.002)
                continue
            finally:
                connection.close()
            took = Start(time.perf_counter() - began, cpu_seconds(process.pid))
            if answer.status != 200:
                raise RuntimeError(f"{command[:3]}: {answer.status} {answer.body!r}")
            return took
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    """A port that nobody has just now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def measure(rounds: int) -> dict[str, float]:
    """Medians of alternating starts, in milliseconds, and the median of each round's ratio."""
    starts: dict[str, list[Start]] = {"mockscim": [], "bare": []}
    for turn in range(rounds + 1):
        for name, found in starts.items():
            port = str(free_port())
            given = (
                ["-c", BARE, port]
                if name == "bare"
                else ["-m", "mockscim", "serve", "--port", port, "--token", data.TOKEN]
            )
            took = first_answer([sys.executable, *given], int(port))
            if turn:  # the first is for the disk's cache
                found.append(took)
    pairs = list(zip(starts["mockscim"], starts["bare"], strict=True))
    return {
        "mockscim_ms": round(median(start.wall for start in starts["mockscim"]) * 1e3, 1),
        "bare_ms": round(median(start.wall for start in starts["bare"]) * 1e3, 1),
        "mockscim_cpu_ms": round(median(start.cpu for start in starts["mockscim"]) * 1e3, 1),
        "bare_cpu_ms": round(median(start.cpu for start in starts["bare"]) * 1e3, 1),
        "ratio": round(median(ours.wall / bare.wall for ours, bare in pairs), 2),
        "ratio_cpu": round(median(ours.cpu / bare.cpu for ours, bare in pairs), 2),
    }


if __name__ == "__main__":
    print(json.dumps(measure(int(os.environ.get("ROUNDS", "9")))))
