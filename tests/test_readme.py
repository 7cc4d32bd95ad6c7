"""Every snippet of the README does what the README says."""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockscim import fixtures, profiles
from mockscim.faults import compile_rule, parse_spec

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
MOCKSCIM = [sys.executable, "-m", "mockscim"]
# Commands find this interpreter's mockscim first, whatever else is installed.
ENV = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def blocks(language: str) -> list[str]:
    return [text for kind, text in BLOCKS if kind == language]


def serve(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*MOCKSCIM, "serve", *arguments, "--port", "0"], stdout=subprocess.PIPE, text=True, env=ENV)


def ready(process: subprocess.Popen[str]) -> dict[str, object]:
    assert process.stdout is not None
    line = json.loads(process.stdout.readline())
    assert line["event"] == "ready"
    return line


def stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.communicate(timeout=10)


@pytest.fixture(scope="module")
def as_make_serves() -> Iterator[str]:
    """The root URL of a server started with what `make serve` starts it with."""
    arguments = "--profile segment --fixture segment-workspace --token local-only"
    makefile = ROOT / "Makefile"
    if makefile.exists():
        found = re.search(r"^ARGS\s+\?= (.*)$", makefile.read_text("utf-8"), re.MULTILINE)
        assert found is not None
        assert found[1] == arguments
    process = serve(*arguments.split())
    yield str(ready(process)["base_url"]).removesuffix("/scim/v2")
    stop(process)


def shell(command: str, root: str) -> subprocess.CompletedProcess[str]:
    command = command.replace("http://127.0.0.1:8080", root).replace(".venv/bin/mockscim", shlex.join(MOCKSCIM))
    return subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=30, env={**ENV, "MOCKSCIM_URL": root}
    )


def test_the_requests_of_the_first_screen_work_as_pasted_and_in_order(as_make_serves: str) -> None:
    """The curl commands give what the text around them says."""
    part = README.split("## Six requests")[1].split("\n## ")[0]
    commands = re.findall(r"^```sh\n(.*?)^```", part, re.DOTALL | re.MULTILINE)
    assert len(commands) == 7
    answers = [shell(command, as_make_serves) for command in commands]
    page, ann, bob, conflict = (json.loads(answer.stdout) for answer in answers[:4])
    assert page["totalResults"] == 8
    assert len(page["Resources"]) == 2
    assert ann["Resources"][0]["displayName"] == "Ann Ashdown"
    assert bob["displayName"] == "Bob, as he chose it"
    assert conflict["scimType"] == "uniqueness"
    assert json.loads(answers[4].stdout)["type"] == "reset"
    assert answers[5].returncode == 56
    assert answers[6].returncode == 0, answers[6].stderr
    assert "user.create" in answers[6].stdout
    assert "reset" in answers[6].stdout


def test_the_requests_to_the_control_api_work_as_pasted(as_make_serves: str) -> None:
    """The clock is set, then advanced."""
    part = README.split("## Control")[1].split("\n## ")[0]
    commands = re.findall(r"^```sh\n(.*?)^```", part, re.DOTALL | re.MULTILINE)
    answers = [json.loads(shell(command, as_make_serves).stdout) for command in commands]
    assert answers[0]["now"] == "2026-01-01T00:00:00.000Z"
    assert answers[1]["now"] == "2026-01-01T00:40:00.000Z"


def test_the_python_example_works_as_pasted() -> None:
    """It finds Ann at the third attempt, all that it asserts holds, and the journal is printed."""
    [code] = [text for text in blocks("python") if "MockScim.threaded" in text]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60, env=ENV
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("GET /Users?filter=") == 3, done.stdout


def test_the_pytest_example_passes_as_pasted(tmp_path: Path) -> None:
    """The example is a test that passes in a suite of somebody else."""
    [code] = [text for text in blocks("python") if "aiohttp_client" in text]
    (tmp_path / "test_example.py").write_text(code, "utf-8")
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        env={**ENV, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert "1 passed" in result.stdout, result.stdout + result.stderr


SERVE = [
    line.split(" # ")[0].strip()
    for text in blocks("sh")
    for line in text.splitlines()
    if line.startswith("mockscim serve")
]


@pytest.mark.parametrize("command", SERVE)
def test_each_way_to_serve_starts(command: str) -> None:
    """A `mockscim serve` line starts a server, and its ready line is the documented one."""
    process = serve(*shlex.split(command)[2:])
    line = ready(process)
    stop(process)
    [documented] = [json.loads(text) for text in blocks("json") if '"event"' in text]
    assert line.keys() == documented.keys()
    assert process.returncode == 0


def test_there_are_commands_to_test() -> None:
    """The README shows several ways to serve; a change of its form must not empty the table above."""
    assert len(SERVE) >= 6


COMMANDS = re.findall(r"^\| `(mockscim [^`]*)`", README, re.MULTILINE)


@pytest.mark.parametrize("command", [c for c in COMMANDS if "--follow" not in c])
def test_each_command_of_the_table_works(command: str, as_make_serves: str, tmp_path: Path) -> None:
    """The commands of the table exit with 0."""
    (tmp_path / "people.json").write_text(next(t for t in blocks("json") if '"users"' in t), "utf-8")
    words = shlex.split(command)[1:]
    result = subprocess.run(
        [*MOCKSCIM, *words],
        capture_output=True,
        text=True,
        timeout=30,
        cwd=tmp_path,
        env={**ENV, "MOCKSCIM_URL": as_make_serves, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert result.returncode == 0, result.stderr


def test_there_are_commands_in_the_table() -> None:
    """The table has commands."""
    assert len(COMMANDS) >= 7


def test_the_short_forms_in_the_text_are_understood() -> None:
    """Each SPEC that the README shows is one."""
    specs = [shlex.split(c)[-1] for c in SERVE if "--fault " in c] + ["user.create=503(times=1):1:after"]
    for spec in specs:
        assert parse_spec(spec)["type"]


def test_the_documents_are_what_they_are_said_to_be(tmp_path: Path) -> None:
    """The fixture loads, the rule compiles, the profile extends Segment's."""
    [rule] = [json.loads(text) for text in blocks("json") if '"probability"' in text]
    assert compile_rule(rule).name == "lost-create"
    [fixture] = [text for text in blocks("json") if '"users"' in text]
    assert len(fixtures.parse(fixture.encode(), "README").resources) == 3
    [profile] = blocks("toml")
    path = tmp_path / "mine.toml"
    path.write_text(profile, "utf-8")
    loaded = profiles.load(str(path))
    assert loaded.name == tomllib.loads(profile)["name"]
    assert (loaded.policy.left_user, loaded.policy.frozen_change) == ("inactive", "reject")
    assert loaded.policy.join_accounts
