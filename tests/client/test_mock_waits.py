"""Gates, the clock, and whatever waits: blocking forms for threads, awaitable twins for event loops."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import requests
import trio
from reach import async_client, eventually

from mockscim import ControlRefused, MockScim

FAY = {"userName": "fay@example.com"}


async def test_a_gate_holds_what_has_committed(scim, client):
    """The user is there and the client does not know, until the gate is released."""
    with scim.gate("user.create", at="after_commit") as gate:
        sending = asyncio.create_task(client.post("Users", json=FAY))
        await gate.areached()
        assert (gate.reached, gate.waiting, "fay@example.com" in scim.users) == (1, 1, True)
        assert [each.name for each in scim.gates] == [gate.name]
        assert not sending.done()
        gate.release()
        assert (await sending).status_code == 201
    assert (gate.released, gate.reached, gate.waiting, scim.gates) == (True, 1, 0, [])


async def test_a_gate_opens_at_the_end_of_its_block(scim, client):
    """Before the commit nothing is there yet; the end of the block lets go."""
    with scim.gate("user.create", at="before_commit", name="mine", where='userName sw "fay"') as gate:
        sending = asyncio.create_task(client.post("Users", json=FAY))
        await gate.areached("2s")
        assert "fay@example.com" not in scim.users
        assert repr(gate) == "<Gate mine: user.create before_commit>"
    assert (await sending).status_code == 201


async def test_a_gate_that_times_out(scim, client):
    """Who is held longer than the gate's time-out goes on, and that is counted."""
    with scim.gate("user.create", timeout="10ms") as gate:
        assert (await client.post("Users", json=FAY)).status_code == 201
        assert (gate.reached, gate.timed_out) == (1, 1)


async def test_a_gate_that_nobody_reaches(scim, client):
    """Waiting in vain is an AssertionError that shows what came instead."""
    assert (await client.get("Users/u-1")).status_code == 200
    with (
        scim.gate("user.delete") as gate,
        pytest.raises(AssertionError, match=r"no request came to the gate gate-1 .* within 10ms") as caught,
    ):
        await gate.areached("10ms")
    assert "GET /Users/u-1" in str(caught.value)


async def test_a_gate_that_a_reset_opened(scim):
    """It is released then, and its release is no mistake."""
    with scim.gate("user.create") as gate:
        scim.reset()
    assert gate.released
    with pytest.raises(ControlRefused, match="received, before_commit"):
        scim.gate("user.create", at="somewhere")
    with pytest.raises(TypeError, match=r"gate\(\) has no 'wher'"):
        scim.gate("user.create", wher="x")


def test_a_thread_waits_for_a_gate(sync_scim):
    """The blocking form, with a blocking client in another thread."""
    headers = {"Authorization": f"Bearer {sync_scim.token}"}
    with ThreadPoolExecutor(1) as pool, sync_scim.gate("user.create", at="received") as gate:
        sending = pool.submit(requests.post, f"{sync_scim.base_url}/Users", json=FAY, headers=headers, timeout=5)
        gate.wait_reached()
        assert (gate.waiting, "fay@example.com" in sync_scim.users) == (1, False)
        gate.release()
        assert sending.result(5).status_code == 201


def test_a_thread_waits_for_a_request(sync_scim, sync_client):
    """``within`` waits until it is as expected."""
    with ThreadPoolExecutor(1) as pool:
        verifying = pool.submit(sync_scim.verify, "user.create", count=1, within="5s")
        assert sync_client.post("Users", json=FAY).status_code == 201
        assert verifying.result(5).found == 1


async def test_a_coroutine_waits_for_a_request(scim, client):
    """The awaitable twins let the client go on meanwhile."""
    verifying = asyncio.create_task(scim.averify("user.create", count=1, within=5))
    ordered = asyncio.create_task(scim.averify_sequence(["user.get", "user.create"], within=5))
    await client.get("Users/u-1")
    await client.post("Users", json=FAY)
    assert (await verifying).found == 1
    assert (await ordered).numbers == [1, 2]
    with pytest.raises(AssertionError, match=r"expected 7 user.create, found 1"):
        await scim.averify("user.create", count=7, within="5ms")


async def test_blocking_forms_do_not_block_an_event_loop(scim, client):
    """Where they would have to wait they name the twin; where nothing is to be waited for they answer."""
    with scim.gate("user.create") as gate:
        with pytest.raises(RuntimeError, match=r"gate.wait_reached\(\) would block .* use await gate.areached\(\)"):
            gate.wait_reached()
        with pytest.raises(RuntimeError, match=r"scim.verify\(within=…\) would block .* use await scim.averify\(…\)"):
            scim.verify("user.create", count=1, within=5)
        with pytest.raises(RuntimeError, match=r"use await scim.averify_sequence\(…\)"):
            scim.verify_sequence(["user.create"], within=5)
        sending = asyncio.create_task(client.post("Users", json=FAY))
        await eventually(lambda: gate.waiting)
        gate.wait_reached()
        gate.release()
        await sending
        assert scim.verify("user.create", count=1, within=5).found == 1
        scim.verify_sequence(["user.create"], within=5)


async def test_a_wait_that_is_given_up(open_scim):
    """A cancelled twin leaves nothing behind that could be in the way."""
    scim = await open_scim()
    with scim.gate("user.create") as gate:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await gate.areached(0.5)
        assert gate.reached == 0


async def test_any_wait_inside_the_loop_is_refused():
    """Also one that goes straight to the control API, which would stop the server itself."""
    async with MockScim() as scim:
        with scim.gate("user.create") as gate, pytest.raises(RuntimeError, match="the awaitable twin"):
            scim.ask("GET", f"/gates/{gate.name}", parameters={"wait": "5s"})


async def test_asked_from_another_thread():
    """A server in the running loop answers threads as well; there the blocking forms may wait."""
    async with MockScim(fixture="small.json") as scim, async_client(scim) as client:
        with scim.gate("user.create") as gate:
            waiting = asyncio.create_task(asyncio.to_thread(gate.wait_reached))
            sending = asyncio.create_task(client.post("Users", json=FAY))
            await waiting
            assert await asyncio.to_thread(lambda: len(scim.users)) == 5
            gate.release()
            await sending


async def test_awaited_from_another_loop():
    """Also where that thread has an event loop of its own."""
    async with MockScim(fixture="small.json") as scim:

        async def elsewhere():
            await scim.aask("POST", "/resources/User", FAY)
            with pytest.raises(RuntimeError, match="averify"):
                scim.verify("user.create", within=5)

        await asyncio.to_thread(lambda: asyncio.run(elsewhere()))
        assert "fay@example.com" in scim.users


@pytest.mark.parametrize("kind", ["threaded", "connected"])
def test_under_trio(open_sync, kind):
    """An event loop that is not asyncio's: the same twins, the same refusals."""

    async def main():
        async with open_sync(kind, fixture="small.json") as scim, async_client(scim) as client:
            with scim.gate("user.create", at="after_commit") as gate:
                with pytest.raises(RuntimeError, match="areached"):
                    gate.wait_reached()
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(lambda: client.post("Users", json=FAY))
                    await gate.areached()
                    gate.release()
            await scim.averify("user.create", count=1, within=2)
            assert "fay@example.com" in scim.users

    trio.run(main)


def test_not_in_trios_loop():
    """A server in the running loop needs asyncio's, and says what there is instead."""

    async def main():
        with pytest.raises(RuntimeError, match=r"MockScim\.threaded"):
            await MockScim().astart()

    trio.run(main)


async def test_the_clock(scim, client):
    """It is frozen, moved on and let go; what the client creates bears its time."""
    clock = scim.clock
    assert clock.mode == "real"
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)
    assert clock.freeze("2026-01-01T00:00:00Z") == clock.now() == datetime(2026, 1, 1, tzinfo=UTC)
    assert clock.advance(minutes=40, seconds=2) == datetime(2026, 1, 1, 0, 40, 2, tzinfo=UTC)
    assert clock.advance("2h") == datetime(2026, 1, 1, 2, 40, 2, tzinfo=UTC)
    assert clock.advance(timedelta(days=1)).day == 2
    assert clock.advance(hours=1, days=1).hour == 3
    assert clock.advance(0.5).microsecond == 500_000
    assert (await client.post("Users", json=FAY)).json()["meta"]["created"].startswith("2026-01-03T03:40:02.5")
    assert clock.freeze(datetime(2030, 5, 1, 12)).isoformat() == "2030-05-01T12:00:00+00:00"  # noqa: DTZ001
    assert repr(clock) == "<Clock virtual 2030-05-01T12:00:00.000Z>"
    assert clock.freeze() == datetime(2030, 5, 1, 12, tzinfo=UTC)
    assert (clock.run().year != 2030, clock.mode) == (True, "real")


async def test_what_a_clock_cannot(scim):
    """No step, two steps, a step back and what is no time are refused."""
    for wrong in ({}, {"by": 1, "minutes": 2}):
        with pytest.raises(TypeError, match="say by how much"):
            scim.clock.advance(**wrong)
    with pytest.raises(ControlRefused):
        scim.clock.advance(minutes=-1)
    with pytest.raises(ControlRefused):
        scim.clock.freeze("tomorrow")


async def test_late_commits_come_with_the_clock(scim, client):
    """What is due by then has happened when the clock was moved on."""
    scim.clock.freeze("2026-01-01T00:00:00Z")
    with scim.fault("late_commit", operation="user.create", delay="30s"):
        await client.post("Users", json=FAY)
        assert "fay@example.com" not in scim.users
        scim.clock.advance(minutes=1)
        assert "fay@example.com" in scim.users


def test_many_threads_ask_at_once(sync_scim):
    """Nothing of the API is bound to a thread."""
    failed = []

    def work(number):
        try:
            for step in range(5):
                sync_scim.users.add(f"u{number}-{step}@example.com")
                assert f"u{number}-{step}@example.com" in sync_scim.users
        except Exception as error:  # noqa: BLE001 - told in the test's own thread
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert not failed
    assert len(sync_scim.users) == 25


async def test_requests_that_hang_when_it_stops():
    """Hanging, gated and half-sent requests are cut, and their clients know."""
    for kind in (MockScim, MockScim.threaded):
        scim = kind(fixture="small.json")
        await scim.astart()
        scim.fault("hang", operation="user.list")
        scim.gate("user.get")
        reader, writer = await asyncio.open_connection("127.0.0.1", int(scim.base_url.split(":")[2].split("/")[0]))
        writer.write(b"POST /scim/v2/Users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + scim.token.encode())
        writer.write(b"\r\nContent-Length: 1000\r\n\r\n{")
        async with async_client(scim) as client:
            tasks = [asyncio.create_task(client.get(path)) for path in ("Users", "Users/u-1")]
            await eventually(lambda: scim.gates[0].waiting)  # noqa: B023 - it is awaited here
            await eventually(lambda: scim.faults[0].hits)  # noqa: B023
            await scim.astop()
            for task in tasks:
                with pytest.raises(httpx.TransportError):
                    await task
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
