"""How the cost of a request grows with what there is: users, members of a group, fault rules."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import Any

from tests.benchmarks import cases, data, servers
from tests.benchmarks.cases import Make
from tests.benchmarks.client import request
from tests.benchmarks.compare import Server, own

_BATCH = 200
_MEMBERS = (10, 100, 1_000, 10_000, 100_000)
_RULES = (1, 10, 100, 1_000)


@dataclass
class Curve:
    """One kind of request while one thing grows.

    Attributes:
        title: what is asked.
        along: what grows.
        points: how much there was, and µs of the server's CPU a request.
    """

    title: str
    along: str
    points: list[tuple[int, float]]

    @property
    def slope(self) -> float:
        """The exponent that fits best, by least squares of the logs: 0 costs the same at any size."""
        xs = [math.log(size) for size, _ in self.points]
        ys = [math.log(cost) for _, cost in self.points]
        mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
        spread = sum((x - mean_x) ** 2 for x in xs)
        return sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / spread

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"title": self.title, "along": self.along, "points": self.points, "slope": round(self.slope, 3)}


def users(sizes: Sequence[int], loop: str, rounds: int) -> list[Curve]:
    """Each request at each number of users, in a server of its own."""
    kinds: dict[str, Make] = {
        "GET by id": cases.get,
        "userName eq": cases.eq,
        "PATCH of one attribute": cases.patch,
        "list of 100, in the middle": cases.list_of_100,
        "POST": cases.post,
    }
    curves = [Curve(title, "users", []) for title in kinds]
    for size in sizes:
        with ExitStack() as stack:
            server = own(stack, loop, servers.lines(size))
            _fill_journal(server)
            for curve, make in zip(curves, kinds.values(), strict=True):
                curve.points.append((size, _cost(server, make("/scim/v2", size), rounds)))
    return curves


def members(most: int, loop: str, rounds: int) -> list[Curve]:
    """One member more in groups that have more and more, in one server."""
    curve = Curve("member add", "members of the group", [])
    sizes = [size for size in _MEMBERS if size <= most]
    with ExitStack() as stack:
        server = own(stack, loop, servers.growing_lines(sizes))
        _fill_journal(server)
        for size, groups in servers.growing(sizes).items():
            curve.points.append((size, _cost(server, _additions(groups, sizes[-1]), rounds)))
    return [curve]


def _additions(groups: range, most: int) -> Iterator[bytes]:
    """To the groups of a size in turn."""
    for turn in itertools.count():
        yield cases.addition("/scim/v2", groups[turn % len(groups)], most + turn // len(groups) % servers.SPARE)


def rules(loop: str, rounds: int) -> list[Curve]:
    """A GET under more and more rules that do not strike it."""
    curves: list[Curve] = []
    kinds = {
        "GET by id, rules about other operations": lambda n: {"operation": "user.delete", "path": f"/Users/x-{n}"},
        "GET by id, rules about other users' paths": lambda n: {"operation": "user.*", "path": f"/Users/x-{n}"},
        "GET by id, rules about other userNames": lambda n: {"operation": "user.*", "where": f'userName eq "x-{n}"'},
    }
    with ExitStack() as stack:
        server = own(stack, loop, servers.lines(1000))
        _fill_journal(server)
        for title, match in kinds.items():
            curve = Curve(title, "rules", [])
            for number in _RULES:
                documents = [{"type": "reset", "match": match(n)} for n in range(number)]
                server.control("PUT", "/_mockscim/faults", json.dumps(documents).encode())
                curve.points.append((number, _cost(server, cases.get("/scim/v2", 1000), rounds)))
            curves.append(curve)
    return curves


def _fill_journal(server: Server) -> None:
    """A server that has been up for a while has a full journal."""
    server.run(_same(), 10_000, range(200, 201))


def _same() -> Iterator[bytes]:
    asked = request("GET", "/scim/v2/Users?count=0", data.TOKEN)
    while True:
        yield asked


def _cost(server: Server, made: Iterator[bytes], rounds: int) -> float:
    server.run(made, _BATCH, range(200, 202))
    costs = [server.run(made, _BATCH, range(200, 202)).cpu for _ in range(rounds)]
    return round(median(costs) * 1e6, 1)


def table(curves: Sequence[Curve]) -> list[list[str]]:
    """Rows of a table: a line for each curve of the same kind, with its slope."""
    sizes = [size for size, _ in curves[0].points]
    head = [f"µs of CPU at … {curves[0].along}", *(f"{size:,}" for size in sizes), "slope"]
    body = [[curve.title, *(f"{cost:.0f}" for _, cost in curve.points), f"{curve.slope:+.3f}"] for curve in curves]
    return [head, *body]
