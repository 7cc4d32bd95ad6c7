"""Fixtures for tests of the edge."""

import asyncio
import json
import logging
import sys
import threading
from pathlib import Path

import pytest
from edge import TOKEN, Running

from mockscim import fixtures, profiles
from mockscim.server import Options
from mockscim.tenant import Start

sys.path.append(str(Path(__file__).parents[1]))  # for exchanges.replay and scim.devices


@pytest.fixture(scope="session")
def server_loop():
    """An event loop in a thread of its own, for all servers of the session."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="servers", daemon=True)
    thread.start()
    yield loop
    asyncio.run_coroutine_threadsafe(end_tasks(), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


async def end_tasks():
    """Cancel what a test has left behind, so that nothing is destroyed while pending."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def serve(server_loop):
    """Start servers: ``serve(profile=…, fixture=…, seed=…, …)``; they stop with the test."""
    running = []

    def start(profile="standard", fixture="small.json", **options):
        if isinstance(fixture, dict):
            fixture = fixtures.parse(json.dumps(fixture).encode(), "fixture")
        elif fixture is not None:
            fixture = fixtures.load_bundled(fixture)
        edge = {name: options.pop(name) for name in list(options) if name in Options.__dataclass_fields__}
        edge = {"tokens": (TOKEN,), **edge} if "tokens" not in options else edge
        server = Running(server_loop, Start(profiles.load(profile), fixture, **options), Options(**edge))
        running.append(server)
        return server

    yield start
    for server in running:
        server.close()


@pytest.fixture
def server(serve):
    """A server with the standard profile and small.json."""
    return serve()


@pytest.fixture
def client(server):
    """A client of that server."""
    return server.client


@pytest.fixture
def strict(serve):
    """A client of a server with --strict: what the RFC refuses is refused."""
    return serve(strict=True).client


@pytest.fixture
def devices(serve):
    """A client of a strict server with a resource type of its own."""
    from rfc import WITH_DEVICES  # not before the path is set

    return serve(fixture=WITH_DEVICES, strict=True).client


@pytest.fixture
def walk(serve, variant):
    """A running server of one of ``published.VARIANTS``, read."""
    from published import VARIANTS, Published

    return Published(serve(**{"fixture": None, **VARIANTS[variant]}).client)


def pytest_generate_tests(metafunc):
    """Who asks for a variant runs with each of them."""
    if "variant" in metafunc.fixturenames:
        from published import VARIANTS

        metafunc.parametrize("variant", VARIANTS)


@pytest.fixture(autouse=True)
def quiet_log(caplog):
    """Nothing that a client does makes the server log a failure."""
    caplog.set_level(logging.WARNING)
    yield
    loud = [record for record in caplog.get_records("call") if record.levelno >= logging.WARNING]
    # An event loop in debug mode tells of what took long on a busy machine.
    loud = [record for record in loud if not record.getMessage().startswith("Executing ")]
    assert not loud, [record.getMessage() for record in loud]
