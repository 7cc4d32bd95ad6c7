"""How a MockScim begins and ends: in the running loop, in a thread, on a server elsewhere; what goes wrong there."""

import asyncio
import gc
import os
import socket
import subprocess
import sys
import textwrap
import threading
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
import requests
from reach import async_client

from mockscim import ControlRefused, MockScim
from mockscim.clock import ClockError
from mockscim.faults import FaultError
from mockscim.fixtures import FixtureError
from mockscim.profiles import ProfileError

ROOT = Path(__file__).parents[2]


def script(text, *arguments, **environment):
    """Run a program of its own; what it printed."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", textwrap.dedent(text), *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=30,
    )
    told = [line for line in done.stderr.splitlines() if not line.startswith("Executing ")]  # of a loop in debug mode
    assert (done.returncode, told) == (0, [])
    return done.stdout.split()


def servers():
    """The threads of servers."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("mockscim")]


def sockets():
    """How many sockets this process has open."""
    gc.collect()
    found = 0
    for file in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the one that lists them is gone
            found += str(file.readlink()).startswith("socket:")
    return found


def port_of(scim):
    """The port that it serves at."""
    return int(scim.base_url.removesuffix("/scim/v2").rpartition(":")[2])


async def test_it_serves_and_ends(open_scim):
    """Under its base URL with its token; when it has stopped nobody listens."""
    scim = await open_scim(fixture="small.json")
    assert scim.base_url.startswith("http://127.0.0.1:")
    assert scim.admin_url == scim.base_url.removesuffix("/scim/v2") + "/_mockscim"
    async with async_client(scim) as client:
        assert (await client.get("Users")).json()["totalResults"] == 5
        assert (await client.get("Users", headers={"Authorization": "Bearer other"})).status_code == 401
        assert (await client.get(f"{scim.admin_url}/health")).json()["status"] == "ok"
        await scim.astop()
        await scim.astop()
        if "/t/" not in scim.base_url:
            with pytest.raises(httpx.ConnectError):
                await client.get("Users")
    with pytest.raises(RuntimeError, match="this MockScim is not"):
        scim.users.names()
    with pytest.raises(RuntimeError, match="this MockScim is not"):
        await scim.aask("GET", "/health")


async def test_it_can_be_started_again(open_scim):
    """Twice at a time it cannot; after its end it can, and begins anew."""
    scim = await open_scim(fixture="small.json")
    with pytest.raises(RuntimeError, match="already"):
        await scim.astart()
    scim.users.add("fay@example.com")
    await scim.astop()
    await scim.astart()
    assert len(scim.users) == 5


@pytest.mark.parametrize("kind", ["threaded", "connected"])
def test_start_and_stop_by_hand(open_sync, kind):
    """As ``setUp`` and scripts do it; ``with`` does the same."""
    scim = open_sync(kind, fixture="small.json")
    assert repr(scim) == "<MockScim not started>"
    assert scim.start() is scim
    assert len(scim.users) == 5
    scim.stop()
    with scim as again:
        assert again is scim
        assert repr(scim) == f"<MockScim {scim.base_url}>"


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"profile": "nonesuch"}, ProfileError, "neither a profile"),
        ({"fixture": "nonesuch"}, FixtureError, "bundled: "),
        ({"fixture": {"users": [{"userName": 7}]}}, ValueError, "/users/0/userName"),
        ({"fixture": {"users": [{"userName": "a@example.com"}, {"userName": "a@example.com"}]}}, ValueError, "taken"),
        ({"faults": ["user.create=rset"]}, FaultError, "unknown outcome"),
        ({"faults": "nonesuch"}, FaultError, "no such scenario"),
        ({"faults": [{"type": "nonesuch"}]}, ValueError, "unknown fault type"),
        ({"clock": "sundial"}, ValueError, "real, virtual"),
        ({"accept": ["nonesuch"]}, ValueError, "nonesuch"),
    ],
)
async def test_what_cannot_be_is_raised_at_the_start(open_scim, options, error, words):
    """In the caller, whatever the kind; nothing is left running, and other options start all the same."""
    before = len(servers()), sockets()
    with pytest.raises(error, match=words):
        await open_scim(**options)
    assert (len(servers()), sockets()) == before


@pytest.mark.parametrize("make", [MockScim, MockScim.threaded, lambda **given: MockScim.connect("http://a", **given)])
def test_an_option_that_there_is_not(make):
    """It is a TypeError that names the nearest, before anything begins."""
    with pytest.raises(
        TypeError, match=r"there is no option 'profil': did you mean 'profile'\?\n  there are: profile, "
    ):
        make(profil="standard")


@pytest.mark.parametrize("option", ["basic", "base_url", "port"])
def test_what_a_tenant_cannot_be_told(option):
    """Options of a whole server are none of a tenant's."""
    with pytest.raises(TypeError, match=f"there is no option '{option}'"):
        MockScim.connect("http://127.0.0.1:1", **{option: "x"})


async def test_errors_of_their_own(open_sync):
    """In this process they are those that ``create_app`` names."""
    for options, error in (({"clock": "sundial"}, ClockError), ({"fixture": {"users": 1}}, FixtureError)):
        with pytest.raises(error):
            open_sync("threaded", **options).start()
        with pytest.raises(error):
            await MockScim(**options).astart()


def test_the_port_can_be_said():
    """At a port that is taken it does not start, and says so with an OSError."""
    with MockScim.threaded() as first, pytest.raises(OSError, match="in use"):
        MockScim.threaded(port=port_of(first)).start()
    with MockScim.threaded(port=port_of(first)) as second:
        assert port_of(second) == port_of(first)


def test_reached_from_elsewhere():
    """Beyond loopback the control API gets an admin token, while the test itself needs none."""
    with MockScim.threaded(host="0.0.0.0") as scim:  # noqa: S104
        assert scim.base_url.startswith("http://127.0.0.1:")
        assert scim.admin_token
        assert requests.get(f"{scim.admin_url}/health", timeout=5).status_code == 401
        with MockScim.connect(scim.admin_url, scim.admin_token) as other:
            other.users.add("ann@example.com")
        assert len(scim.users) == 0
    with MockScim.threaded(host="localhost", admin_token="mine") as scim:
        assert scim.admin_token == "mine"


def test_what_a_server_is_told():
    """The options of ``create_app`` arrive where they belong."""
    options = {
        "profile": "segment",
        "fixture": ROOT / "fixtures" / "small.json",
        "token": ["plain", {"token": "reader", "scopes": ["read"]}],
        "basic": "ann:pw",
        "seed": 7,
        "faults": "lost-create",
        "strict": True,
        "accept": "missing-content-type",
        "clock": "virtual:2026-01-01T00:00:00Z",
        "base_url": "https://scim.example.com",
    }
    with MockScim.threaded(**options) as scim:
        facts = scim.facts()
        assert (facts["profile"], facts["seed"], facts["strict"]) == ("segment", 7, True)
        assert facts["clock"] == {"mode": "virtual", "now": "2026-01-01T00:00:00.000Z"}
        assert facts["base_url"] == "https://scim.example.com/scim/v2"
        assert facts["resources"] == {"User": 4, "Group": 2}  # who is inactive has left Segment
        assert scim.token == "plain"
        assert [fault.document["type"] for fault in scim.faults] == ["reset"]
        bearer = {"Authorization": "Bearer reader", "Content-Type": "application/scim+json"}
        answer = requests.post(f"{scim.base_url}/Users", json={"userName": "x@example.com"}, headers=bearer, timeout=5)
        assert answer.status_code == 403
        assert requests.get(f"{scim.base_url}/Users", auth=("ann", "pw"), timeout=5).status_code == 200


def test_the_fixtures_own_profile_and_the_scenarios_seed():
    """A fixture's profile counts where none is said, and so does a scenario's seed."""
    with MockScim.threaded(fixture={"profile": "segment"}, faults={"seed": 9, "rules": []}) as scim:
        assert (scim.facts()["profile"], scim.facts()["seed"]) == ("segment", 9)
    with MockScim.threaded(fixture={"profile": "segment"}, profile="standard") as scim:
        assert scim.facts()["profile"] == "standard"


def test_what_a_tenant_is_told(elsewhere, tmp_path):
    """Files are read here and sent along; a bundled name stays a name."""
    profile = tmp_path / "mine.toml"
    profile.write_text('name = "mine"\nextends = "segment"\n[behaviour]\nleft_user = "inactive"\n')
    fixture = tmp_path / "data.json"
    fixture.write_text('{"users": [{"userName": "ann@example.com"}], "accounts": [{"userName": "bob@example.com"}]}')
    options = {"profile": profile, "fixture": fixture, "seed": 5, "faults": ["user.get=503"], "token": "a-token"}
    with MockScim.connect(elsewhere.base_url, **options) as scim:
        assert (scim.facts()["profile"], scim.facts()["seed"], scim.token) == ("mine", 5, "a-token")
        assert scim.state()["accounts"][0]["userName"] == "bob@example.com"
        assert [fault.name for fault in scim.faults] == ["user.get-abort-1"]
        scim.remake(fixture="small")
        assert scim.facts()["reproduce"] == "mockscim serve --profile standard --seed 0 --fixture small.json"
        bearer = {"Authorization": "Bearer a-token"}
        assert requests.get(f"{scim.base_url}/Users", headers=bearer, timeout=5).json()["totalResults"] == 5


def test_a_tenant_of_its_own(elsewhere):
    """Each connection has its own, which is gone at the end, whichever URL of the server it was told."""
    root = elsewhere.base_url.removesuffix("/scim/v2")
    with MockScim.connect(root) as one, MockScim.connect(f"{one.base_url}") as other:
        one.users.add("ann@example.com")
        assert (len(one.users), len(other.users), len(elsewhere.users)) == (1, 0, 0)
        assert one.base_url != other.base_url
        assert other.base_url.count("/t/") == 1
    with pytest.raises(ControlRefused) as caught:
        elsewhere.ask("DELETE", "/nothing")
    assert caught.value.status == 404
    bearer = {"Authorization": f"Bearer {one.token}"}
    assert requests.get(f"{one.base_url}/Users", headers=bearer, timeout=5).status_code == 401


def test_the_url_of_the_environment(elsewhere, monkeypatch):
    """MOCKSCIM_URL and MOCKSCIM_ADMIN_TOKEN say where, if nothing else does."""
    monkeypatch.delenv("MOCKSCIM_URL", raising=False)
    with pytest.raises(ValueError, match="MOCKSCIM_URL"):
        MockScim.connect()
    with MockScim.threaded(admin_token="secret") as guarded:
        monkeypatch.setenv("MOCKSCIM_URL", guarded.base_url)
        with pytest.raises(ControlRefused, match=r"(?s)wants its admin token: .* MOCKSCIM_ADMIN_TOKEN") as caught:
            MockScim.connect().start()
        assert caught.value.status == 401
        monkeypatch.setenv("MOCKSCIM_ADMIN_TOKEN", "secret")
        with MockScim.connect() as scim:
            assert len(scim.users) == 0


def test_where_no_server_answers(monkeypatch):
    """It is a ConnectionError that names the address, and where another is said; what is no URL is a ValueError."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    with pytest.raises(ConnectionError, match=f"no server answers at http://127.0.0.1:{port}.*with the argument url$"):
        MockScim.connect(f"http://127.0.0.1:{port}").start()
    monkeypatch.setenv("MOCKSCIM_URL", f"http://127.0.0.1:{port}")
    with pytest.raises(ConnectionError, match=r"mockscim serve, or name another with MOCKSCIM_URL$"):
        MockScim.connect().start()
    with pytest.raises(ValueError, match=r"^the argument url: http://HOST:PORT was expected"):
        MockScim.connect("ftp://x").start()


def test_a_server_that_went_away():
    """The end of a connection to a server that is gone is no error; asking it is one."""
    server = MockScim.threaded().start()
    scim = MockScim.connect(server.base_url).start()
    server.stop()
    with pytest.raises(ConnectionError):
        scim.users.names()
    scim.stop()


def test_a_tenant_that_somebody_dropped(elsewhere):
    """That it is gone already at the end is no error."""
    with MockScim.connect(elsewhere.base_url) as scim:
        scim.ask("DELETE", "")


async def test_the_running_loop_is_needed():
    """Without ``async``, a server in the running loop says what there is instead."""
    scim = MockScim()
    with pytest.raises(RuntimeError, match=r"async with MockScim\(\.\.\.\)") as caught:
        scim.start()
    assert "MockScim.threaded(...)" in str(caught.value)
    await scim.astart()
    with pytest.raises(RuntimeError, match=r"await scim\.astop\(\)"):
        scim.stop()
    await scim.astop()
    scim.stop()


def test_asked_while_its_loop_stands_still():
    """Between two runs of its loop a server in it can be asked, may wait, and be stopped."""
    loop = asyncio.new_event_loop()
    scim = loop.run_until_complete(MockScim(fixture="small.json").astart())
    assert len(scim.users) == 5
    with scim.gate("user.create") as gate, pytest.raises(AssertionError):
        gate.wait_reached("1ms")
    scim.stop()
    loop.close()


def test_nothing_leaks():
    """Servers that have stopped leave neither threads nor sockets behind."""

    async def in_loop():
        async with MockScim() as scim, async_client(scim) as client:
            await client.get("Users")

    before = len(servers()), sockets()
    for _ in range(5):
        with MockScim.threaded() as scim:
            assert requests.get(scim.base_url, timeout=5).status_code == 401
        asyncio.run(in_loop())
    assert (len(servers()), sockets()) == before


def test_a_thread_that_fails(monkeypatch):
    """Whoever asks is told, with the reason; nothing waits for ever."""

    def fails(_server):
        raise OSError("no more")

    monkeypatch.setattr("mockscim.server.app.create_server", fails)
    scim = MockScim.threaded().start()
    for _ in range(2):
        with pytest.raises(RuntimeError, match="has failed") as caught:
            scim.users.names()
        assert isinstance(caught.value.__cause__, OSError)
    with pytest.raises(RuntimeError, match="has failed"):
        scim.stop()
    scim.stop()
    assert not [thread for thread in servers() if thread.name == f"mockscim {scim.base_url[:-8]}"]


def test_importing_costs_nothing():
    """``import mockscim`` brings in nothing beside it; the API has no aiohttp in it, nor has the caller's start."""
    assert script(
        """
        import sys
        import mockscim
        print(*(name for name in ("aiohttp", "orjson", "msgspec", "asyncio") if name in sys.modules))
        from mockscim import ControlRefused, MockScim, error, ok
        from mockscim.client.inside import Inside
        inside = Inside({"fixture": "small.json"})
        inside.prepare()
        print(*(name for name in ("aiohttp", "trio") if name in sys.modules), "end")
        inside.abandon()
        try:
            mockscim.MockScam
        except AttributeError as error:
            print("'MockScam'" in str(error))
        """
    ) == ["end", "True"]


def test_connections_wait_until_it_serves():
    """The first start returns before aiohttp is there, and whoever connects then is answered all the same."""
    assert script(
        """
        import http.client, sys
        from urllib.parse import urlsplit
        from mockscim import MockScim
        with MockScim.threaded() as scim:
            connection = http.client.HTTPConnection(urlsplit(scim.base_url).netloc, timeout=20)
            connection.request("GET", "/scim/v2/Users", headers={"Authorization": f"Bearer {scim.token}"})
            print(connection.getresponse().status)
            connection.close()
        """
    ) == ["200"]


def test_a_process_that_forgets_to_stop():
    """It ends all the same, also while requests hang."""
    assert script(
        """
        import socket
        from urllib.parse import urlsplit
        from mockscim import MockScim
        scim = MockScim.threaded().start()
        scim.fault("hang")
        parts = urlsplit(scim.base_url)
        with socket.create_connection((parts.hostname, parts.port)) as held:
            head = f"GET /scim/v2/Users HTTP/1.1\\r\\nHost: a\\r\\nAuthorization: Bearer {scim.token}\\r\\n\\r\\n"
            held.sendall(head.encode())
            while not scim.faults[0].hits:
                pass
        print("forgotten")
        """
    ) == ["forgotten"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_process_that_forks():
    """The child can neither ask nor harm the server of its parent; stopping it there is no mistake."""
    assert script(
        """
        import os, warnings
        from mockscim import MockScim
        warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of forks beside threads
        scim = MockScim.threaded(fixture="small.json").start()
        child = os.fork()
        if not child:
            try:
                scim.users.names()
            except RuntimeError as error:
                scim.stop()
                os._exit(7 if "child" in str(error) else 8)
            os._exit(9)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), len(scim.users))
        scim.stop()
        """
    ) == ["7", "5"]


def test_a_unittest():
    """The README's test case, and its asynchronous sister, run under unittest alone."""
    script(
        """
        import asyncio, io, unittest, urllib.request
        from mockscim import MockScim

        class Sync(unittest.TestCase):
            def setUp(self):
                self.scim = MockScim.threaded(fixture="small.json").start()
                self.addCleanup(self.scim.stop)

            def test_it(self):
                request = urllib.request.Request(
                    f"{self.scim.base_url}/Users", headers={"Authorization": f"Bearer {self.scim.token}"}
                )
                with urllib.request.urlopen(request) as answer:
                    self.assertEqual(answer.status, 200)
                self.scim.verify("user.list", count=1)

        class Async(unittest.IsolatedAsyncioTestCase):
            async def asyncSetUp(self):
                self.scim = await self.enterAsyncContext(MockScim(fixture="small.json"))

            async def test_it(self):
                reader, writer = await asyncio.open_connection("127.0.0.1", int(self.scim.base_url.split(":")[2][:-8]))
                head = f"GET /scim/v2/Users HTTP/1.1\\r\\nHost: a\\r\\nAuthorization: Bearer {self.scim.token}\\r\\n"
                writer.write(f"{head}Connection: close\\r\\n\\r\\n".encode())
                self.assertIn(b"200 OK", await reader.readline())
                writer.close()
                await writer.wait_closed()
                await self.scim.averify("user.list", count=1, within=2)

        runner = unittest.TextTestRunner(io.StringIO())
        result = unittest.main(argv=["x"], exit=False, testRunner=runner).result
        assert result.wasSuccessful() and result.testsRun == 2, result
        """
    )
