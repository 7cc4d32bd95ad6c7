"""What is measured: the requests of each case, and what each has to reach."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mockscim.scim import urns
from tests.benchmarks import data
from tests.benchmarks.client import request

Make = Callable[[str, int], Iterator[bytes]]


@dataclass(frozen=True)
class Case:
    """One kind of request.

    Attributes:
        name: as ``--only`` takes it.
        title: as the table shows it.
        target: the multiple of the bare handler's speed to reach; None where the goal is another case.
        status: what every answer has to be.
        batch: requests between two looks at the clock.
        warm: requests before the first measurement.
        make: the requests, ever new ones, below a base path and among so many users.
    """

    name: str
    title: str
    target: float | None
    status: int
    batch: int
    warm: int
    make: Make


# A prime step visits the users in an order that is not theirs.
_STEP = 7919
_fresh = itertools.count(1_000_000_000)


def _numbers(users: int) -> Iterator[int]:
    return (turn * _STEP % users for turn in itertools.count(1))


def get(base: str, users: int) -> Iterator[bytes]:
    for number in _numbers(users):
        yield request("GET", f"{base}/Users/{data.user_id(number)}", data.TOKEN)


def eq(base: str, users: int) -> Iterator[bytes]:
    for number in _numbers(users):
        name = f"ann.ashdown{number}%40example.com"
        yield request("GET", f"{base}/Users?filter=userName%20eq%20%22{name}%22", data.TOKEN)


def post(base: str, users: int) -> Iterator[bytes]:
    for number in _fresh:
        yield request("POST", f"{base}/Users", data.TOKEN, json.dumps(data.user(number)).encode())


def patch(base: str, users: int) -> Iterator[bytes]:
    for turn, number in enumerate(_numbers(users)):
        operation = {"op": "replace", "path": "displayName", "value": f"Ann Ashdown {turn}th"}
        yield _patch_of(f"{base}/Users/{data.user_id(number)}", operation)


def _add_small(base: str, users: int) -> Iterator[bytes]:
    # Among many groups of ten, so that they stay small.
    for turn in itertools.count():
        yield addition(base, 1 + turn % 500, users + turn % 12_000)


def _add_large(base: str, users: int) -> Iterator[bytes]:
    for turn in itertools.count():
        yield addition(base, 0, users + turn)


def addition(base: str, group: int, member: int) -> bytes:
    operation = {"op": "add", "path": "members", "value": [{"value": data.user_id(member)}]}
    return _patch_of(f"{base}/Groups/{data.group_id(group)}?excludedAttributes=members", operation)


def _patch_of(target: str, operation: dict[str, object]) -> bytes:
    body = {"schemas": [urns.PATCH_OP], "Operations": [operation]}
    return request("PATCH", target, data.TOKEN, json.dumps(body).encode())


def list_of_100(base: str, users: int) -> Iterator[bytes]:
    while True:
        yield request("GET", f"{base}/Users?startIndex={users // 2}&count=100", data.TOKEN)


CASES = (
    Case("get", "GET by id", 1.5, 200, 400, 400, get),
    Case("eq", "userName eq among {users}", 1.4, 200, 400, 400, eq),
    Case("post", "POST", 0.9, 201, 300, 300, post),
    Case("patch", "PATCH of one attribute", 0.8, 200, 300, 300, patch),
    Case("add-10", "member add at 10", None, 200, 300, 300, _add_small),
    Case("add-100k", "member add at {members}", None, 200, 300, 300, _add_large),
    Case("list", "list of 100", 1.2, 200, 200, 1200, list_of_100),
)
GROWTH = 1.1  # member add at 100,000 against the same at 10
PEERS = {"scim2-server": 20, "scimmy-routers": 10}  # times as fast as each, at least
BYTES = 894  # a user, at a million
