"""One asynchronous suite for all plugins; how its file is called says which of them it is for."""

import ssl

import anyio
import httpx
import pytest
from wire import USER, create

if "strict" in __name__:
    import pytest_asyncio

    async_fixture, async_test = pytest_asyncio.fixture, pytest.mark.asyncio
else:
    async_fixture = pytest.fixture
    async_test = pytest.mark.anyio if "anyio" in __name__ else lambda test: test

TRUSTED = ssl.create_default_context()
ANN = {"schemas": [USER], "userName": "ann@example.com"}


@async_fixture
async def client(scim):
    """A client in the test's own event loop."""
    headers = {"Authorization": f"Bearer {scim.token}"}
    async with httpx.AsyncClient(base_url=scim.base_url, headers=headers, verify=TRUSTED) as made:
        yield made


@async_test
async def test_same_server(scim, client):
    """The fixture that a test and its asynchronous fixture have is the same."""
    assert (await client.post("/Users", json=ANN)).status_code == 201
    assert scim.users.names() == ["ann@example.com"]


@async_test
async def test_gate(scim, client):
    """The test waits for its own client, which the wait must not stop."""
    with scim.gate("user.create", at="after_commit") as gate:
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: client.post("/Users", json=ANN))
            await gate.areached()
            assert "ann@example.com" in scim.users
            gate.release()
    found = await scim.averify("user.create", status=201, within=2)
    assert found.found == 1


@async_test
async def test_blocking_calls_refuse(scim):
    """What would stop the client names what does not."""
    with pytest.raises(RuntimeError, match="averify"):
        scim.verify("user.create", within=1)
    with scim.gate("user.create") as gate, pytest.raises(RuntimeError, match="areached"):
        gate.wait_reached()


@async_test
async def test_blocking_client(scim):
    """A client that blocks the test's loop is answered all the same."""
    with scim.fault("latency", delay="10ms"):
        assert create(scim, "ann@example.com") == 201


@async_test
async def test_factory(scim_factory):
    """More of them in an asynchronous test."""
    one, two = scim_factory(), scim_factory()
    assert await one.aask("GET", "/health") == await two.aask("GET", "/health")


@pytest.mark.mockscim(profile="segment")
def test_plain(scim):
    """A plain test beside them."""
    assert scim.facts()["profile"] == "segment"
    assert len(scim.users) == 0
