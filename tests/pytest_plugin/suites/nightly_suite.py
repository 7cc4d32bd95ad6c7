"""What the nightly script's tests look like: 4, each in a process; run under pytest-asyncio and under anyio."""

import json
import sys
from pathlib import Path

import anyio
import pytest

pytestmark = pytest.mark.anyio if "anyio" in __name__ else pytest.mark.asyncio

SCRIPT = Path(__file__).with_name("nightly.py")
PEOPLE = ["ann@example.com", "bob@example.com"]


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
def scim_fixture():
    """Somebody who has left."""
    return {"users": [{"userName": "old@example.com", "active": True}]}


async def run(scim, tmp_path):
    """The exit code of the script, and what it has printed."""
    source = tmp_path / "people.json"
    source.write_text(json.dumps(PEOPLE))
    environment = {"SCIM_URL": scim.base_url, "SCIM_TOKEN": scim.token, "PATH": "/usr/bin:/bin"}
    command = [sys.executable, str(SCRIPT), str(source)]
    ended = await anyio.run_process(command, env=environment, check=False)
    return ended.returncode, json.loads(ended.stdout or "null")


async def test_joiners_and_leavers(scim, tmp_path):
    assert await run(scim, tmp_path) == (0, {"made": PEOPLE, "deactivated": ["old@example.com"]})
    assert scim.users["old@example.com"]["active"] is False
    scim.check()


@pytest.mark.parametrize(("operation", "outcome"), [("user.list", "503"), ("user.create", "reset")])
@pytest.mark.mockscim(strict_faults=True)
async def test_one_answer_goes_wrong(scim, tmp_path, operation, outcome):
    scim.fault(f"{operation}={outcome}:1:after", times=1)
    code, _ = await run(scim, tmp_path)
    assert code == 0
    scim.verify("user.create", committed=True, count=2)
    assert {*scim.users.names()} == {*PEOPLE, "old@example.com"}


async def test_gives_up(scim, tmp_path):
    scim.fault("abort", status=500)
    assert await run(scim, tmp_path) == (1, None)
