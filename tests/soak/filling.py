"""Fill a tenant's journal, and its history, before a soak: what has met its bound does not grow any more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice

from mockscim.scim import urns
from tests.benchmarks.client import Connection, request

_EXCHANGES = 10_000
_CONNECTIONS = 8
_TOGETHER = 500  # changes in a bulk request
_PADDING = " of many" * 120  # so that what the history keeps of them is as much as of what the clients will do


def fill(address: tuple[str, int], tenant: str, token: str, changes: int) -> None:
    """Change one user so often, and then ask for it as often as the journal is long."""
    root = f"/t/{tenant}/scim/v2" if tenant else "/scim/v2"
    connections = [Connection(address[1]) for _ in range(_CONNECTIONS)]
    try:
        for first in range(0, changes, _TOGETHER):
            _ask(connections, iter([request("POST", f"{root}/Bulk", token, _bulk(first))]))
        _ask(connections, (request("GET", f"{root}/Users/filler", token) for _ in range(_EXCHANGES)))
    finally:
        for connection in connections:
            connection.close()


def _ask(connections: list[Connection], asked: Iterator[bytes]) -> None:
    while batch := list(islice(asked, len(connections))):
        for connection, data in zip(connections, batch, strict=False):
            connection.send(data)
        for connection, _ in zip(connections, batch, strict=False):
            answer = connection.receive()
            if answer.status != 200:
                raise RuntimeError(f"filling: {answer.status} {answer.body!r}")


def _bulk(first: int) -> bytes:
    """Changes of one user, none of which is the same as another."""
    titles = (f"{turn}{_PADDING}" for turn in range(first, first + _TOGETHER))
    patches = (
        {"schemas": [urns.PATCH_OP], "Operations": [{"op": "replace", "path": "title", "value": title}]}
        for title in titles
    )
    operations = [{"method": "PATCH", "path": "/Users/filler", "data": patch} for patch in patches]
    return json.dumps({"schemas": [urns.BULK_REQUEST], "Operations": operations}).encode()
