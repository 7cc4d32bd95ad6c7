"""What the tests of the synchronisation upon scim2-client look like: 48; run under pytest-asyncio and anyio on trio."""

import itertools

import pytest
from directory import Client, Directory
from scim2_models import ServiceProviderConfig

pytestmark = pytest.mark.anyio if "anyio" in __name__ else pytest.mark.asyncio

PEOPLE = {"ann@example.com": "Ann", "bob@example.com": "Bob"}
DESIRED = {"users": [{"userName": name, "displayName": display} for name, display in PEOPLE.items()]}


@pytest.fixture
def anyio_backend():
    """Httpx runs upon trio as well."""
    return "trio"


@pytest.fixture
def scim_fixture():
    """Ann is there, by another name."""
    return {"users": [{"userName": "ann@example.com", "displayName": "Anna"}]}


async def test_discovery(scim):
    async with Client(scim.base_url, scim.token) as client:
        assert (await client.query(ServiceProviderConfig)).patch.supported
    scim.verify("discovery.get", count=1)


async def test_all_is_there(scim):
    async with Client(scim.base_url, scim.token) as client:
        ids = await Directory(client).sync(PEOPLE)
    assert ids["ann@example.com"] == scim.users["ann@example.com"].id
    scim.check(desired=DESIRED)


@pytest.mark.parametrize(
    ("operation", "outcome", "phase"),
    [
        *itertools.product(
            ("user.list", "user.create", "user.patch"), ("503", "500", "reset", "drop"), ("before", "after")
        )
    ],
)
@pytest.mark.mockscim(strict_faults=True)
async def test_one_answer_goes_wrong(scim, operation, outcome, phase):
    with scim.fault(f"{operation}={outcome}:1:{phase}", times=1) as fault:
        async with Client(scim.base_url, scim.token) as client:
            await Directory(client).sync(PEOPLE)
    assert [exchange.committed for exchange in fault.exchanges] == [phase == "after" and operation != "user.list"]
    scim.check(desired=DESIRED)


@pytest.mark.parametrize("n", range(1, 9))
async def test_some_people(scim, n):
    people = {f"p{number}@example.com": f"P {number}" for number in range(n)}
    async with Client(scim.base_url, scim.token) as client:
        await Directory(client).sync(people)
    assert scim.users.names() == ["ann@example.com", *people]


@pytest.mark.parametrize("scim_seed", range(13))
async def test_many_answers_go_wrong(scim):
    scim.fault("*=503:0.3")
    async with Client(scim.base_url, scim.token) as client:
        await Directory(client, tries=20).sync(PEOPLE)
    scim.check(desired=DESIRED)


@pytest.mark.mockscim(token="given-by-the-test")
async def test_token(scim):
    async with Client(scim.base_url, "given-by-the-test") as client:
        await Directory(client).sync(PEOPLE)
    assert scim.users["bob@example.com"]["displayName"] == "Bob"
