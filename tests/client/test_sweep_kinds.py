"""The sweep over all kinds of servers and event loops, with clients that wait and clients that are awaited."""

import asyncio
import functools

import httpx
import pytest
import trio
from provisioners import NAMES, acareful, careful, create
from reach import async_client

from mockscim import MockScim


async def test_coroutines_are_swept_everywhere(open_scim):
    """In the running loop, from a thread of its own and through a connection the same cases hold."""
    scim = await open_scim(seed=7)
    result = await scim.asweep(acareful, "after", outcomes=("503", "hang(20ms)"))
    assert result.ok, result.report()
    assert [run.case for run in result.runs] == [
        f"{n}:after:{outcome}" for n in range(1, 5) for outcome in ("503", "hang(20ms)")
    ]
    assert not scim.journal


async def test_functions_run_in_a_thread_beside_the_loop(open_scim):
    """A client that blocks is swept from a coroutine all the same; a lambda may stand for either kind."""
    scim = await open_scim()
    assert (await scim.asweep(careful, "before", "reset")).ok
    assert (await scim.asweep(lambda: careful(scim), "after", "reset")).ok
    assert (await scim.asweep(lambda: acareful(scim), "after", "reset")).ok
    assert (await scim.asweep(functools.partial(acareful, scim), "after", "reset", timeout=None)).ok


def test_functions_are_swept_without_a_loop(sync_scim):
    """From a thread of its own and through a connection; a coroutine function gets an event loop for each run."""
    assert sync_scim.sweep(careful, outcomes=("503", "reset")).ok
    assert sync_scim.sweep(acareful, "after", "reset").ok
    assert sync_scim.sweep(functools.partial(acareful, sync_scim), "after", "reset", timeout=None).ok


async def test_coroutines_that_do_not_come_back_are_cancelled(open_scim):
    """A coroutine without a deadline is a finding; it is gone when the next case begins."""
    scim = await open_scim()
    cancelled = []

    async def patient():
        async with async_client(scim) as client:
            client.timeout = None
            try:
                await client.post("Users", json={"userName": NAMES[0]})
            except asyncio.CancelledError:
                cancelled.append(True)
                raise

    result = await scim.asweep(patient, "before", "hang", timeout=0.25, check=False)
    assert [(finding.case, finding.broke) for finding in result.findings] == [("1:before:hang", "no return")]
    assert cancelled == [True]

    async def stubborn():
        try:
            await patient()
        except asyncio.CancelledError:
            return

    result = await scim.asweep(stubborn, "before", "hang", timeout=0.25, check=False)
    assert result.findings[0].broke == "no return"


async def test_a_time_out_of_the_clients_own_is_its_error(open_scim):
    """A TimeoutError that the client raises is no end of the run's time."""
    scim = await open_scim()

    async def hasty():
        async with async_client(scim) as client, asyncio.timeout(0.2):
            await client.post("Users", json={"userName": NAMES[0]})

    result = await scim.asweep(hasty, "before", "hang", check=False)
    assert [finding.broke for finding in result.findings] == ["raised"]
    assert isinstance(result.findings[0].error, TimeoutError)


async def test_blocking_a_loop_is_refused(open_scim):
    """``sweep`` in an event loop names ``asweep``; so does one of a server whose loop does not run."""
    scim = await open_scim()
    with pytest.raises(RuntimeError, match=r"await scim\.asweep"):
        scim.sweep(careful)

    def elsewhere():
        scim.sweep(careful)

    if "InLoop" in type(scim._line).__name__:
        with pytest.raises(RuntimeError, match=r"await scim\.asweep"):
            await asyncio.to_thread(elsewhere)


def test_a_sweep_under_trio():
    """Coroutines of trio are swept, and cancelled when their time is over."""

    async def main():
        async with MockScim.threaded() as scim:

            async def client():
                async with async_client(scim) as client:
                    client.timeout = 0.25
                    for _ in range(3):
                        try:
                            if (await client.post("Users", json={"userName": NAMES[0]})).status_code in (201, 409):
                                break
                        except httpx.HTTPError:
                            continue

            async def patient():
                async with async_client(scim) as client:
                    client.timeout = None
                    await client.post("Users", json={"userName": NAMES[0]})

            assert (await scim.asweep(client, outcomes=("503", "hang(20ms)"), invariants="I1,I3")).ok
            assert (await scim.asweep(lambda: careful(scim), "before", "reset")).ok
            result = await scim.asweep(patient, "before", "hang", timeout=0.25, check=False)
            assert [finding.broke for finding in result.findings] == ["no return"]

    trio.run(main)


async def test_one_cancelled_from_outside_ends(open_scim):
    """Who cancels the sweep is not taken for a client that failed."""
    scim = await open_scim()

    async def client():
        async with async_client(scim) as client:
            client.timeout = None
            await client.post("Users", json={"userName": NAMES[0]})

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await scim.asweep(client, "before", "hang")


async def test_the_server_goes_on_answering_meanwhile(open_scim):
    """While a sweep is under way in a loop, other coroutines of it go on."""
    scim = await open_scim()
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.001)

    ticking = asyncio.create_task(tick())

    def client():
        before = ticks
        create(scim, NAMES[0])
        while ticks == before:
            pass

    result = await scim.asweep(client, "before", "503")
    ticking.cancel()
    assert result.ok
