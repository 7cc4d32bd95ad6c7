"""What mockscim is compared with, each for a process of its own, and the data that it is given itself.

``python -m tests.benchmarks.servers bare LOOP`` or ``scim2-server USERS``: once it listens, each prints one JSON line
with its port. They end when their standard input does.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from tests.benchmarks import data

SMALL_GROUPS = 500
SMALL = 10
SPARE = 12_000  # users beside the members, to be added to groups


def announce(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


async def until_eof() -> None:
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def lines(users: int) -> Iterator[bytes]:
    """Users as lines of an NDJSON fixture."""
    return (orjson.dumps({"id": data.user_id(n), **data.user(n)}) for n in range(users))


def group_lines(members: int) -> Iterator[bytes]:
    """As many users as the large group has members and one more for each that will be added, then the groups."""
    yield from lines(members + SPARE)
    yield _group(0, range(members))
    yield from (_group(n, range(n * SMALL, (n + 1) * SMALL)) for n in range(1, SMALL_GROUPS + 1))


def growing(sizes: Sequence[int]) -> dict[int, range]:
    """The numbers of the groups of each size: many small ones, so that they stay small while members are added."""
    found, first = {}, 0
    for size in sizes:
        found[size] = range(first, first + max(1, min(200, 2000 // size)))
        first = found[size].stop
    return found


def growing_lines(sizes: Sequence[int]) -> Iterator[bytes]:
    """Users, those to be added among them, and groups that have more and more members."""
    yield from lines(max(sizes) + SPARE)
    for size, numbers in growing(sizes).items():
        yield from (_group(number, range(size)) for number in numbers)


def _group(number: int, members: range) -> bytes:
    return orjson.dumps({"id": data.group_id(number), **data.group(number, members)})


async def bare() -> None:
    """A bare aiohttp Application: a router, a handler, a Response. It is told what to answer before each case."""
    from aiohttp import web

    told: dict[str, Any] = {}

    async def tell(request: web.Request) -> web.Response:
        told.update(status=int(request.query["status"]), type=request.query["type"], body=await request.read())
        return web.Response()

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=told["body"], status=told["status"], content_type=told["type"])

    async def answer_body(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=told["body"], status=told["status"], content_type=told["type"])

    app = web.Application()
    app.router.add_post("/tell", tell)
    app.router.add_get("/scim/v2/Users", answer)
    app.router.add_post("/scim/v2/Users", answer_body)
    app.router.add_get("/scim/v2/Users/{id}", answer)
    app.router.add_patch("/scim/v2/Users/{id}", answer_body)
    app.router.add_patch("/scim/v2/Groups/{id}", answer_body)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await listen(runner.server)


async def listen(handler: Any) -> None:
    server = await asyncio.get_running_loop().create_server(handler, "127.0.0.1", 0)
    announce(port=server.sockets[0].getsockname()[1])
    await until_eof()


def scim2_server(users: int) -> None:
    """scim2-server's application, storage and HTTP server as its own command puts them together."""
    import threading
    from wsgiref.simple_server import WSGIRequestHandler, make_server

    from scim2_server.memory import InMemoryStorage
    from scim2_server.testserver.application import BearerTokenApplication
    from scim2_server.testserver.cli import ThreadingWSGIServer
    from scim2_server.utils import load_default_provider

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Say nothing: the others write no access log either."""

    class Storage(InMemoryStorage):
        wanted = ""

        def generate_id(self, resource_type: Any, resource: Any) -> str:
            return self.wanted or super().generate_id(resource_type, resource)

    provider = load_default_provider()
    storage = Storage()
    for endpoint, documents in (
        ("/Users", ((data.user_id(n), data.user(n)) for n in range(users))),
        ("/Groups", ((data.group_id(n), data.group(n, range(n * SMALL, (n + 1) * SMALL))) for n in range(1, 101))),
    ):
        model = provider.model_for_endpoint(endpoint)
        kind = next(kind for kind in provider.resource_types if str(kind.endpoint) == endpoint)
        for id_, document in documents:
            storage.wanted = id_
            storage.create(kind, model.model_validate(document))
    storage.wanted = ""
    gc.collect()
    app = BearerTokenApplication(storage, provider, bearer_tokens=[data.TOKEN])
    with make_server("127.0.0.1", 0, app, server_class=ThreadingWSGIServer, handler_class=Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        announce(port=server.server_address[1], base="/v2")
        sys.stdin.read()


def main() -> None:
    name, argument = sys.argv[1:]
    if name == "scim2-server":
        scim2_server(int(argument))
        return
    factory = importlib.import_module("uvloop").new_event_loop if argument == "uvloop" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(bare())


if __name__ == "__main__":
    main()
