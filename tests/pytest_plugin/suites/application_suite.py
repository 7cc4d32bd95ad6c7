"""Under pytest-aiohttp: an application of one's own that speaks SCIM to the provider, called through its client."""

import pytest
from aiohttp import web
from connector import Connector


@pytest.fixture
def application(scim):
    """Synchronises when it is told to."""

    async def synchronise(request):
        async with Connector(scim.base_url, scim.token) as connector:
            return web.json_response(await connector.sync((await request.json())["people"], {}))

    made = web.Application()
    made.router.add_post("/synchronise", synchronise)
    return made


@pytest.mark.parametrize("outcome", ["503", "reset"])
async def test_synchronise(scim, application, aiohttp_client, outcome):
    client = await aiohttp_client(application)
    with scim.fault(f"user.create={outcome}:1:after", times=1) as fault:
        answer = await client.post("/synchronise", json={"people": ["ann@example.com"]})
    assert await answer.json() == {"ann@example.com": scim.users["ann@example.com"].id}
    assert fault.hits == 1
