"""Is a latency fault exact: 500 requests on 500 connections, each asked to wait 50 ms.

Two views of it. The journal's is the time from the request, read, to the answer, written: what the fault makes of 500
requests that come at the same moment. The client's is what a client measures when they come one shortly after the
other; were all to come at once, it would measure how long 500 requests take to be read.
"""

from __future__ import annotations

import json
import selectors
import socket
import time
import urllib.request
from statistics import median
from typing import Any

from tests.benchmarks import data
from tests.benchmarks.client import request

ASKED = 50.0  # ms
TOGETHER = 500
OFF = 2.0  # ms that the median may be off
_APART = 0.0004  # seconds between two requests: more than one takes
_PATIENCE = 10.0
_TENANT = "latency"
_ASKED = request("GET", f"/t/{_TENANT}/scim/v2/Users?count=0", data.TOKEN)


def measure(port: int, rounds: int) -> dict[str, float]:
    """Milliseconds that the requests took; ``client`` and ``journal`` are medians, ``*_p99`` what 99 % stay below."""
    rule = {"type": "latency", "parameters": {"delay": f"{ASKED:g}ms"}, "match": {"operation": "user.list"}}
    control(port, "PUT", "", {"fixture": {"users": []}, "faults": [rule]})
    held = _opened(port, TOGETHER)
    try:
        _burst(port, held)
        apart, bursts = [], []
        for _ in range(rounds):
            apart.append(sorted(_ask(held, _ASKED, _APART)))
            bursts.append(_burst(port, held))
    finally:
        for each in held:
            each.close()
    place = TOGETHER * 99 // 100
    return {
        "client": round(median(median(one) for one in apart), 2),
        "client_p99": round(median(one[place] for one in apart), 2),
        "journal": round(median(median(one) for one in bursts), 2),
        "journal_p99": round(median(one[place] for one in bursts), 2),
    }


def together(port: int, number: int) -> list[float]:
    """So many requests at the same moment: how many milliseconds each was answered after, by the journal."""
    held = _opened(port, number)
    try:
        return _burst(port, held)
    finally:
        for each in held:
            each.close()


def _opened(port: int, number: int) -> list[socket.socket]:
    held = [socket.create_connection(("127.0.0.1", port)) for _ in range(number)]
    for each in held:
        each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return held


def _burst(port: int, held: list[socket.socket]) -> list[float]:
    control(port, "DELETE", "/journal")
    _ask(held, _ASKED, 0.0)
    found = control(port, "GET", f"/journal?limit={len(held)}")["items"]
    return sorted(exchange["duration_ms"] for exchange in found)


def control(port: int, method: str, path: str, body: object = None) -> Any:
    """Ask the control API of this measurement's tenant."""
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/t/{_TENANT}/_mockscim{path}",
        None if body is None else json.dumps(body).encode(),
        method=method,
    )
    with urllib.request.urlopen(asked, timeout=_PATIENCE) as answer:
        content = answer.read()
    return json.loads(content) if content else None


def _ask(held: list[socket.socket], asked: bytes, apart: float) -> list[float]:
    """Send a request on each connection; how many milliseconds each answer was waited for."""
    took: list[float] = []
    sent: dict[int, float] = {}
    with selectors.DefaultSelector() as selector:
        for each in held:
            selector.register(each, selectors.EVENT_READ)
        following = time.perf_counter()
        waiting = iter(held)
        while len(took) < len(held):
            now = time.perf_counter()
            if len(sent) < len(held) and now >= following:
                each = next(waiting)
                sent[each.fileno()] = time.perf_counter()
                each.sendall(asked)
                following += apart
                if apart == 0.0:
                    continue
            for key, _ in selector.select(0 if len(sent) < len(held) else _PATIENCE):
                answered = time.perf_counter()
                if not key.fileobj.recv(65536).startswith(b"HTTP/1.1 200 "):  # type: ignore[union-attr]
                    raise RuntimeError("a request under a latency was not answered 200")
                took.append((answered - sent[key.fd]) * 1e3)
    return took
