"""The servers that are compared, each for a process of its own: ``python -m tests.benchmarks.servers NAME LOOP …``.

Once it listens, each prints one JSON line with its port. They end when their standard input does.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import sys
from typing import Any

import orjson

from tests.benchmarks import data

# The one rule that is loaded: about an operation that the benchmark does not call.
RULE = {"name": "never", "match": {"operation": "user.delete"}, "type": "abort", "parameters": {"status": 503}}
SMALL_GROUPS = 500
SMALL = 10


def announce(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


async def until_eof() -> None:
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def lines(users: int) -> bytes:
    return b"\n".join(orjson.dumps({"id": data.user_id(n), **data.user(n)}) for n in range(users))


def group_lines(members: int) -> bytes:
    """As many users as the large group has members and one more for each that will be added, then the groups."""
    made = [orjson.dumps({"id": data.user_id(n), **data.user(n)}) for n in range(members + spare())]
    made.append(orjson.dumps({"id": data.group_id(0), **data.group(0, range(members))}))
    made += [
        orjson.dumps({"id": data.group_id(n), **data.group(n, range(n * SMALL, (n + 1) * SMALL))})
        for n in range(1, SMALL_GROUPS + 1)
    ]
    return b"\n".join(made)


def spare() -> int:
    """How many users beside the members there are, to be added to groups."""
    return 12_000


async def mockscim(users: int, members: int) -> None:
    """What ``mockscim serve`` runs: journal and history on, one rule that never matches."""
    from mockscim import fixtures, profiles
    from mockscim.serve import settle
    from mockscim.server import Options, ScimServer, create_server
    from mockscim.tenant import Start

    gc.disable()
    start = Start(profiles.load("standard"), fixtures.parse(lines(users)), faults=(RULE,))
    server = ScimServer(start, Options(tokens=(data.TOKEN,)))
    server.tenants.remake("groups", start.merged(fixture=fixtures.parse(group_lines(members))))
    gc.enable()
    settle()
    await listen(create_server(server))


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
    app.router.add_patch("/t/groups/scim/v2/Groups/{id}", answer_body)
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
        announce(port=server.server_address[1])
        sys.stdin.read()


def main() -> None:
    name, loop, *numbers = sys.argv[1:]
    if name == "scim2-server":
        scim2_server(int(numbers[0]))
        return
    factory = importlib.import_module("uvloop").new_event_loop if loop == "uvloop" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(mockscim(int(numbers[0]), int(numbers[1])) if name == "mockscim" else bare())


if __name__ == "__main__":
    main()
