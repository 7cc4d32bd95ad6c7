"""unittest: by the context manager, and by pytest's fixture where pytest runs it."""

import asyncio
import unittest

import pytest
from wire import create

from mockscim import MockScim


class Plain(unittest.TestCase):
    """setUp and addCleanup."""

    def setUp(self):
        self.scim = MockScim.threaded(profile="segment").start()
        self.addCleanup(self.scim.stop)

    def test_one(self):
        assert create(self.scim, "ann@example.com") == 201

    def test_two(self):
        assert len(self.scim.users) == 0


class Asynchronous(unittest.IsolatedAsyncioTestCase):
    """In the test's own loop, and in a thread."""

    async def asyncSetUp(self):
        self.scim = await self.enterAsyncContext(MockScim(seed=7))
        self.other = self.enterContext(MockScim.threaded(seed=8))

    async def test_both(self):
        assert await asyncio.to_thread(create, self.scim, "ann@example.com") == 201
        assert create(self.other, "bob@example.com") == 201
        await self.scim.averify("user.create", count=1)
        assert self.other.users.names() == ["bob@example.com"]


class Fixture(unittest.IsolatedAsyncioTestCase):
    """pytest's fixture."""

    @pytest.fixture(autouse=True)
    def _scim(self, scim):
        self.scim = scim

    @pytest.mark.mockscim(fixture={"users": [{"userName": "ann@example.com"}]})
    async def test_marked(self):
        assert self.scim.users.names() == ["ann@example.com"]
        assert await asyncio.to_thread(create, self.scim, "bob@example.com") == 201

    def test_fresh(self):
        assert len(self.scim.users) == 0
