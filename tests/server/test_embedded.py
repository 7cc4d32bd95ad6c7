"""``create_app``: the same server inside somebody's aiohttp Application."""

import asyncio
import json
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web
from edge import AUTH, TOKEN, a_rule, a_user

from mockscim.server import create_app

ZED = "zed@example.com"


@pytest.fixture
async def embedded(aiohttp_client):
    """A client of ``create_app`` under aiohttp's own test server."""
    app = create_app(fixture="small.json", token=TOKEN)
    client = await aiohttp_client(app, headers=AUTH)

    async def add(document):
        async with client.post("/_mockscim/faults", json=document) as answer:
            assert answer.status == 201

    client.add_fault = add
    return client


async def entries_of(client):
    async with client.get("/_mockscim/journal") as answer:
        return (await answer.json())["items"]


async def test_embedded(embedded):
    """The Application answers as the low-level server does."""
    async with embedded.post("/scim/v2/Users", json=a_user()) as answer:
        assert answer.status == 201
        assert answer.headers["Content-Type"] == "application/scim+json"
        location = answer.headers["Location"]
    async with embedded.get(location.removeprefix(str(embedded.make_url("")).rstrip("/"))) as answer:
        assert (await answer.json(content_type=None))["userName"] == ZED
    async with embedded.get("/elsewhere") as answer:
        assert answer.status == 404
        assert (await answer.json(content_type=None))["status"] == "404"


async def test_embedded_in_debug_mode(aiohttp_client, event_loop_debug):
    """An event loop in debug mode, as pytest users have it, makes no difference."""
    client = await aiohttp_client(create_app(token=TOKEN), headers=AUTH)
    async with client.get("/scim/v2/Users") as answer:
        assert answer.status == 200


@pytest.fixture
async def event_loop_debug():
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    yield
    loop.set_debug(False)


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize(
    ("kind", "parameters"), [("drop", {}), ("reset", {}), ("hang", {"seconds": 0.01}), ("abort", {"status": 503})]
)
async def test_embedded_faults(embedded, kind, parameters, phase):
    """Faults do the same inside an Application."""
    await embedded.add_fault(a_rule(kind, phase, **parameters))
    if kind == "abort":
        async with embedded.post("/scim/v2/Users", json=a_user()) as answer:
            assert answer.status == 503
    else:
        with pytest.raises(aiohttp.ClientOSError if kind == "reset" else aiohttp.ServerDisconnectedError):
            await embedded.post("/scim/v2/Users", json=a_user())
    (entry,) = await entries_of(embedded)
    assert entry["committed"] == (phase == "after")
    assert (entry["response"] is None) == (kind != "abort")


@pytest.mark.parametrize(("kind", "parameters"), [("truncate", {"at": 5}), ("drip", {"interval": "1ms"})])
async def test_embedded_faults_of_the_body(embedded, kind, parameters):
    """So do faults of the body."""
    await embedded.add_fault(a_rule(kind, "after", **parameters))
    async with embedded.post("/scim/v2/Users", json=a_user()) as answer:
        if kind == "truncate":
            with pytest.raises(aiohttp.ClientPayloadError):
                await answer.read()
        else:
            assert (await answer.json(content_type=None))["userName"] == ZED


async def test_embedded_hang_ends_with_its_client(embedded):
    """A hang inside an Application ends when its client leaves."""
    await embedded.add_fault(a_rule("hang"))
    with pytest.raises(asyncio.TimeoutError):
        async with asyncio.timeout(0.03):
            await embedded.post("/scim/v2/Users", json=a_user())
    async with asyncio.timeout(2):
        while not (entries := await entries_of(embedded)):
            await asyncio.sleep(0.01)
    assert entries[0]["client_gone"]


async def test_embedded_expect(embedded):
    """A client that waits for 100 Continue gets it once, and then its answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", embedded.server.port)
    body = json.dumps(a_user()).encode()
    lines = f"POST /scim/v2/Users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n"
    lines += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    writer.write(lines.encode())
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(body)
    assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 201 ")
    await reader.read()
    writer.close()
    await writer.wait_closed()


async def test_embedded_as_the_fixture_says(aiohttp_client):
    """Without a profile the fixture's counts, and without a seed the scenario's; several leniencies may be one."""
    options = {"fixture": {"profile": "segment"}, "faults": {"seed": 9, "rules": []}, "refuse": "missing-schemas"}
    client = await aiohttp_client(create_app(token=TOKEN, **options), headers=AUTH)
    async with client.get("/_mockscim") as answer:
        tenant = await answer.json()
    assert (tenant["profile"], tenant["seed"]) == ("segment", 9)
    async with client.post("/scim/v2/Users", json={"userName": ZED}) as answer:
        assert answer.status == 400


async def test_mounted_below_another_application(aiohttp_client):
    """Below a prefix all is as at the root, and addresses bear the prefix."""
    main = web.Application()
    main.add_subapp("/mock/", create_app(fixture="small.json", token=TOKEN))
    client = await aiohttp_client(main, headers=AUTH)
    async with client.get("/mock/_mockscim/health") as answer:
        assert answer.status == 200
    for root in ("/mock", "/mock/t/red"):
        async with client.post(f"{root}/scim/v2/Users", json=a_user()) as answer:
            assert answer.status == 201
            location = answer.headers["Location"]
            assert location.startswith(f"{client.make_url(root)}/scim/v2/Users/")
            assert (await answer.json(content_type=None))["meta"]["location"] == location
        async with client.get(location.removeprefix(str(client.make_url("/")).rstrip("/"))) as answer:
            assert answer.status == 200
        asked = quote(f'userName eq "{ZED}"')
        async with client.get(f"{root}/scim/v2/Users?filter={asked}") as answer:
            assert (await answer.json(content_type=None))["totalResults"] == 1
        async with client.get(f"{root}/_mockscim/journal") as answer:
            assert (await answer.json())["items"][0]["path"] == "/Users"
    async with client.get("/scim/v2/Users") as answer:
        assert answer.status == 404


async def test_two_in_one_application(aiohttp_client):
    """Each has its own prefix and its own data."""
    main = web.Application()
    for name in ("a", "b"):
        main.add_subapp(f"/{name}/", create_app(token=TOKEN))
    client = await aiohttp_client(main, headers=AUTH)
    async with client.post("/a/scim/v2/Users", json=a_user()) as answer:
        assert "/a/scim/v2/Users/" in answer.headers["Location"]
    for name, count in (("a", 1), ("b", 0)):
        async with client.get(f"/{name}/scim/v2/Users") as answer:
            assert (await answer.json(content_type=None))["totalResults"] == count
