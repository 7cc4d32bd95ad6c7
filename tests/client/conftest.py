"""MockScims of every kind, and clients that reach them over real sockets."""

import logging

import httpx
import pytest
from reach import async_client, settings

from mockscim import MockScim

KINDS = ("in_loop", "threaded", "connected")


@pytest.fixture(scope="session")
def elsewhere():
    """A server that runs already, for those that connect."""
    with MockScim.threaded() as server:
        yield server


@pytest.fixture
def open_sync(elsewhere):
    """``open_sync(kind, **options)``: a MockScim for synchronous code, not started."""

    def opened(kind, **options):
        return MockScim.threaded(**options) if kind == "threaded" else MockScim.connect(elsewhere.base_url, **options)

    return opened


@pytest.fixture(params=KINDS)
async def open_scim(request, open_sync):
    """Awaited with options it makes a running MockScim, of each kind in turn; it stops with the test."""
    opened = []

    async def start(**options):
        made = MockScim(**options) if request.param == "in_loop" else open_sync(request.param, **options)
        opened.append(await made.astart())
        return made

    yield start
    for scim in reversed(opened):
        await scim.astop()


@pytest.fixture
async def scim(open_scim):
    """One with small.json."""
    return await open_scim(fixture="small.json")


@pytest.fixture(params=["threaded", "connected"])
def sync_scim(request, open_sync):
    """One with small.json for synchronous code, of each kind in turn."""
    with open_sync(request.param, fixture="small.json") as scim:
        yield scim


@pytest.fixture
async def client(scim):
    """An httpx client of ``scim``."""
    async with async_client(scim) as client:
        yield client


@pytest.fixture
def sync_client(sync_scim):
    """An httpx client of ``sync_scim``."""
    with httpx.Client(**settings(sync_scim)) as client:
        yield client


@pytest.fixture(autouse=True)
def quiet_log(caplog):
    """Nothing that a test does makes a server log a failure."""
    caplog.set_level(logging.WARNING)
    yield
    loud = [record for record in caplog.get_records("call") if record.levelno >= logging.WARNING]
    # An event loop in debug mode tells of what took long on a busy machine.
    loud = [record for record in loud if not record.getMessage().startswith("Executing ")]
    assert not loud, [record.getMessage() for record in loud]
