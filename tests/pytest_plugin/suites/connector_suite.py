"""What the aiohttp connector's tests look like: 48 of them; run under pytest-asyncio and under anyio."""

import asyncio
import itertools

import pytest
from connector import Connector, GaveUpError

pytestmark = pytest.mark.anyio if "anyio" in __name__ else pytest.mark.asyncio

PEOPLE = [f"{name}@example.com" for name in ("ann", "bob", "cyd")]
GROUPS = {"Engineering": PEOPLE[:2]}
DESIRED = {
    "users": [{"userName": name} for name in PEOPLE],
    "groups": [{"displayName": name, "members": members} for name, members in GROUPS.items()],
}
OPERATIONS = ("user.list", "user.create", "group.create", "group.patch")
OUTCOMES = ("503", "reset", "drop", "truncate(0.5)")


@pytest.fixture
def anyio_backend():
    """Aiohttp needs asyncio."""
    return "asyncio"


async def synchronise(scim, **options):
    async with Connector(scim.base_url, scim.token, **options) as connector:
        return await connector.sync(PEOPLE, GROUPS)


async def test_all_is_there(scim):
    ids = await synchronise(scim)
    assert {user["userName"]: user.id for user in scim.users} == ids
    assert set(scim.groups["Engineering"].members.names) == set(PEOPLE[:2])
    scim.check(desired=DESIRED)


async def test_nothing_twice(scim):
    await synchronise(scim)
    before = scim.journal.last
    await synchronise(scim)
    scim.verify("user.create", since=before, count=0)
    scim.verify("group.patch", since=before, count=0)


@pytest.mark.parametrize(
    ("operation", "outcome", "phase"),
    [
        case
        for case in itertools.product(OPERATIONS, OUTCOMES, ("before", "after"))
        if case[2] == "after" or not case[1].startswith("truncate")
    ],
)
@pytest.mark.mockscim(strict_faults=True)
async def test_one_answer_goes_wrong(scim, operation, outcome, phase):
    fault = scim.fault(f"{operation}={outcome}:1:{phase}", times=1)
    await synchronise(scim)
    assert fault.hits == 1
    scim.check(desired=DESIRED)


@pytest.mark.parametrize("scim_seed", range(11))
async def test_many_answers_go_wrong(scim):
    scim.fault("*=503:0.2")
    scim.fault("user.create=reset:0.2:after")
    await synchronise(scim, tries=20)
    scim.check(desired=DESIRED)


@pytest.mark.parametrize("profile", ["standard", "segment"])
async def test_profile(scim_factory, profile):
    scim = scim_factory(profile=profile)
    await synchronise(scim)
    assert scim.facts()["profile"] == profile
    assert len(scim.users) == 3


@pytest.mark.mockscim(fixture="people-100")
async def test_who_is_there_already(scim):
    before = len(scim.users)
    await synchronise(scim)
    assert len(scim.users) == before + 3


async def test_gate(scim):
    with scim.gate("user.create") as gate:
        running = asyncio.ensure_future(synchronise(scim))
        await gate.areached()
        gate.release()
        await running
    scim.verify_sequence(["user.list", "user.create", "group.create", "group.patch"])


async def test_hang(scim):
    scim.fault("hang", operation="user.create", times=1)
    await synchronise(scim, patience=0.1)
    scim.verify("user.create", committed=True, count=3)


async def test_gives_up(scim):
    scim.fault("abort", status=503, operation="user.list")
    with pytest.raises(GaveUpError):
        await synchronise(scim)
    scim.verify("user.create", count=0)
    assert len(scim.users) == 0


async def test_waits_for_the_server(scim):
    await synchronise(scim)
    await scim.averify("group.patch", committed=True, count=1, within=2)
