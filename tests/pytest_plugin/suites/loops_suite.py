"""Under pytest-asyncio's loops of other scopes; the provider is the test's all the same."""

import asyncio

import pytest
from wire import create

LOOPS = {}


@pytest.mark.parametrize("scope", ["function", "module", "session"])
class TestScope:
    """Each twice: whose loop is another each time, and whose is not."""

    @pytest.mark.asyncio(loop_scope="function")
    async def test_function(self, scim, scope):
        assert await asyncio.to_thread(create, scim, "ann@example.com") == 201

    @pytest.mark.asyncio(loop_scope="module")
    async def test_module(self, scim, scope):
        assert LOOPS.setdefault("module", asyncio.get_running_loop()) is asyncio.get_running_loop()
        assert await asyncio.to_thread(create, scim, "ann@example.com") == 201
        await scim.averify("user.create", count=1)

    @pytest.mark.asyncio(loop_scope="session")
    async def test_session(self, scim, scope):
        assert LOOPS.setdefault("session", asyncio.get_running_loop()) is asyncio.get_running_loop()
        assert len(scim.users) == 0
