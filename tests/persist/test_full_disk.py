"""When the file cannot be written: 507, nothing of the change is done, reads go on, and so does all once it can be."""

import json
import resource
import sqlite3
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from processes import PATIENCE, command, environment
from states import begin, contents, left_behind, opened, state
from test_read_back import BASE, History

from mockscim.scim.errors import ScimError
from mockscim.server import Options
from mockscim.server.app import ScimServer

UNLIMITED = resource.RLIM_INFINITY
LIMIT = 150_000
NOTE = "x" * 20_000


def limit(server, size):
    """How large the files of a server may become from now on, in bytes."""
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, UNLIMITED))


def fill(server):
    """Create users until one is refused; the names of those that were acknowledged, and the refusal."""
    made = []
    for n in range(1000):
        user = {"userName": f"user{n}@example.com", "displayName": NOTE}
        answer = server.request("POST", "/scim/v2/Users", user)
        if answer.status != 201:
            return made, answer
        made.append(user["userName"])
    raise AssertionError("nothing was refused")


def names(server):
    return {user["userName"] for user in server.request("GET", "/scim/v2/Users?count=1000").body["Resources"]}


def test_a_change_that_cannot_be_written_is_refused_and_not_done(start):
    """A real process whose files may not grow answers 507, tells its admin once, and goes on when it has room again.

    What was acknowledged is there after kill -9, what was refused is not.
    """
    server = start("--fixture", "small", "--profile", "standard")
    limit(server, LIMIT)
    before = names(server)
    made, refusal = fill(server)
    assert made
    assert refusal.status == 507
    assert refusal.body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert refusal.body["status"] == "507"
    assert refusal.body["detail"].startswith("the change could not be stored, and nothing of it was done: disk I/O")
    assert names(server) == before | set(made)
    patch = {"Operations": [{"op": "replace", "path": "displayName", "value": NOTE + "!"}]}
    assert server.request("PATCH", "/scim/v2/Users/u-1", patch).status == 507
    one = {"method": "POST", "path": "/Users", "bulkId": "a", "data": {"userName": "bulk@example.com", "title": NOTE}}
    assert server.request("POST", "/scim/v2/Bulk", {"Operations": [one]}).status == 507
    edit = {"userName": "edit@example.com", "displayName": NOTE}
    assert server.request("POST", "/_mockscim/resources/User", edit).status == 507
    fixture = {"users": [edit]}
    assert server.request("PUT", "/_mockscim/fixture", fixture).status == 507
    assert server.request("GET", "/t/other/scim/v2/Users").status == 507  # a tenant that could not be kept
    assert names(server) == before | set(made)
    last = server.request("GET", "/_mockscim/history").body["items"][-1]
    assert last["after"]["userName"] == made[-1]
    journal = server.request("GET", "/_mockscim/journal?status=507").body["items"]
    assert [(entry["operation"], entry["committed"]) for entry in journal][:2] == [
        ("user.create", False),
        ("user.patch", False),
    ]
    limit(server, UNLIMITED)
    assert server.create("again@example.com").status == 201
    server.process.kill()
    error = server.process.communicate()[1]
    assert [line.split(": ")[1] for line in error.splitlines()] == ["INFO", "ERROR", "WARNING"]
    assert "cannot be written: disk I/O error; changes are refused" in error
    assert "can be written again" in error
    assert names(start("--fixture", "small")) == before | set(made) | {"again@example.com"}


@pytest.fixture
def tight(file):
    """A tenant whose file has no room for much more, and the file's own limit: 0 ends it."""
    with opened(begin("standard", "small", seed=1), file) as tenants:
        db = tenants._keeping._file.db

        def room(pages):
            used = db.execute("PRAGMA page_count").fetchone()[0]
            db.execute(f"PRAGMA max_page_count = {used + pages if pages is not None else 2**30}")

        yield tenants.look(""), room


def changes(tenant):
    """Each way to change a tenant, with a name."""
    history = History(tenant, seed=0)
    big = {"userName": "big@example.com", "displayName": NOTE}
    document = {"users": [{**big, "id": "big"}], "groups": [{"displayName": "All", "members": ["big"]}]}

    def load(*, merge):
        from mockscim import fixtures

        with tenant.kept():
            tenant.load(fixtures.parse(json.dumps(document).encode(), "fixture"), merge=merge)

    def edit():
        with tenant.kept():
            tenant.edit("POST", "User", None, big, BASE)

    def mint():
        from mockscim.tokens import TokenDocument

        with tenant.kept():
            tenant.tokens.mint(0.0, TokenDocument(user=NOTE))

    members = [{"value": "u-4"}, {"value": "u-5", "display": NOTE}]
    groups = {
        "Operations": [
            {"op": "add", "path": "members", "value": members},
            {"op": "add", "path": "displayName", "value": NOTE},
        ]
    }
    return {
        "create": lambda: history.ask("POST", "/Users", big),
        "replace": lambda: history.ask("PUT", "/Users/u-1", big),
        "members": lambda: history.ask("PATCH", "/Groups/g-1", groups),
        "edit": edit,
        "load": lambda: load(merge=False),
        "merge": lambda: load(merge=True),
        "mint": mint,
    }


@pytest.mark.parametrize("way", ["create", "replace", "members", "edit", "load", "merge", "mint"])
def test_every_way_to_change_is_taken_back_when_the_disk_is_full(way, tight, file, tmp_path):
    """All is as it was, in memory and in the file; and the same change is done once there is room."""
    tenant, room = tight
    change = changes(tenant)[way]
    before, history = state(tenant), tenant.history.last
    room(0)
    with pytest.raises(ScimError, match="nothing of it was done: database or disk is full") as refusal:
        change()
    assert refusal.value.status == 507
    assert (state(tenant), tenant.history.last) == (before, history)
    with opened(begin("standard", "small", seed=1), left_behind(file, tmp_path / "full")) as again:
        assert state(again.look("")) == before
    room(None)
    change()
    after = state(tenant)
    assert after != before
    with opened(begin("standard", "small", seed=1), left_behind(file, tmp_path / "roomy")) as again:
        assert state(again.look("")) == after


def test_a_reset_that_cannot_be_written_leaves_data_and_numbers(file, tmp_path):
    """A reset is refused like any change; afterwards no id is given that was given before."""
    start = begin("standard", "small", seed=1)
    with opened(start, file) as tenants:
        first = History(tenants.look(""), seed=0).ask("POST", "/Users", {"userName": "ann2@example.com"}).resource.id
        History(tenants.look(""), seed=0).ask("DELETE", f"/Users/{first}")
    for _ in range(2):  # the start comes from a snapshot, or is loaded again
        with opened(start, file) as tenants:
            tenant, db = tenants.look(""), tenants._keeping._file.db
            second = History(tenant, seed=0).ask("POST", "/Users", {"userName": "eve@example.com"}).resource.id
            before = state(tenant)
            db.execute("PRAGMA query_only = ON")  # stands for a file system that has become one for reading
            with pytest.raises(ScimError, match="readonly"):
                tenant.reset()
            assert state(tenant) == before
            db.execute("PRAGMA query_only = OFF")
            third = History(tenant, seed=0).ask("POST", "/Users", {"userName": "zoe@example.com"}).resource.id
            assert len({first, second, third}) == 3
            tenant.reset()
            assert len(tenant.store.tables["User"]) == 5


def test_a_refused_reset_leaves_gates_late_commits_and_waiting_requests(start):
    """Nothing of it is done: who waits at a gate still does and is answered later, and what is to land late lands."""
    server = start("--fixture", "small", "--clock", "virtual")
    late = {"type": "late_commit", "match": {"operation": "user.patch"}, "parameters": {"delay": "1h"}}
    server.request("POST", "/_mockscim/faults", late)
    patch = {"Operations": [{"op": "replace", "path": "displayName", "value": "Late"}]}
    assert server.request("PATCH", "/scim/v2/Users/u-1", patch).status == 504
    server.request("PUT", "/_mockscim/gates/g", {"match": {"operation": "group.get"}, "at": "received"})
    limit(server, LIMIT)
    fill(server)
    with ThreadPoolExecutor(1) as aside:
        held = aside.submit(server.request, "GET", "/scim/v2/Groups/g-1")
        until = time.monotonic() + 10
        while not server.request("GET", "/_mockscim/gates").body["items"][0]["waiting"]:
            assert time.monotonic() < until
            time.sleep(0.01)
        assert server.request("POST", "/_mockscim/reset").status == 507
        assert server.request("GET", "/_mockscim/gates").body["items"][0]["waiting"] == 1
        assert not held.done()
        assert server.request("DELETE", "/_mockscim/gates/g").status == 200
        assert held.result(10).status == 200
    limit(server, UNLIMITED)
    server.request("POST", "/_mockscim/clock/advance", {"by": "2h"})
    assert server.request("GET", "/scim/v2/Users/u-1").body["displayName"] == "Late"
    server.request("PUT", "/_mockscim/gates/g", {"match": {"operation": "group.get"}})
    assert server.request("POST", "/_mockscim/reset").status == 204
    assert server.request("GET", "/_mockscim/gates").body["items"] == []


def test_a_start_that_does_not_fit_is_one_line_and_leaves_nothing(file, tmp_path):
    """No traceback, exit code 2, and no file where none was; what was there before stays as it was."""
    small = 60_000
    whole = [*command("serve", "--port", "0", "--fixture", "people-100"), "--persist", str(file)]

    def said():
        found = subprocess.run(
            whole,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (small, small)),
        )
        assert (found.returncode, found.stdout) == (2, "")
        return found.stderr

    assert said() == (
        f"mockscim: error: --persist: {file}: it cannot be read and written (disk I/O error); "
        "see whether its disk is full, or gone\n"
    )
    assert list(tmp_path.iterdir()) == []
    with opened(begin("standard", "people-100"), file):
        pass
    before = contents(file)
    small = 4096
    assert said().startswith(f"mockscim: error: --persist: {file}: ")
    assert contents(file) == before


async def test_a_fault_that_commits_and_a_late_commit_are_taken_back_too(file):
    """All that faults do to a request is refused with it; what lands late is lost, and harms nobody's request."""
    from aiohttp import web
    from aiohttp.test_utils import TestClient, TestServer

    rules = (
        {"type": "duplicate_delivery", "match": {"operation": "user.patch"}},
        {"type": "late_commit", "match": {"operation": "user.create"}, "parameters": {"delay": "1h"}},
    )
    server = ScimServer(
        begin("standard", "small", faults=rules, clock="virtual"), Options(auth=False, persist=str(file))
    )
    tenant, db = server.tenants.look(""), server.tenants._keeping._file.db
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", server.handle)
    async with TestClient(TestServer(app)) as client:
        before = state(tenant)
        db.execute("PRAGMA query_only = ON")
        patch = {"Operations": [{"op": "replace", "path": "displayName", "value": "Other"}]}
        answer = await client.patch("/scim/v2/Users/u-1", json=patch)
        assert answer.status == 507
        assert (state(tenant), tenant.history.last) == (before, 0)
        entry = (await (await client.get("/_mockscim/journal")).json())["items"][-1]
        assert (entry["response"]["status"], entry["changes"], entry["committed"]) == (507, [], False)
        db.execute("PRAGMA query_only = OFF")
        await client.post("/scim/v2/Users", json={"userName": "late@example.com"})
        db.execute("PRAGMA query_only = ON")
        assert (await client.post("/_mockscim/clock/advance", json={"by": "2h"})).status == 200
        assert (await client.get("/scim/v2/Users?count=0")).status == 200
        assert len(tenant.store.tables["User"]) == 5
        db.execute("PRAGMA query_only = OFF")
    server.close()
    with sqlite3.connect(file) as written:
        assert written.execute("SELECT count(*) FROM resources WHERE type = 'User'").fetchone() == (5,)
    written.close()
