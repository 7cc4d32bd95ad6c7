"""The process and its surroundings: signals, standard streams, file descriptors, ways of starting Python."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from processes import PATIENCE, Server, command, environment, run

LOOPS = pytest.mark.parametrize("loop", ["", "1"], ids=["uvloop", "asyncio"])
GATED = {"match": {"operation": "user.get"}, "at": "received", "timeout": "60s"}


def start(*arguments, python=(), before=None, **extra):
    """A process of ``mockscim`` with pipes, not waited for; ``before`` is called in it first."""
    return subprocess.Popen(
        [sys.executable, *python, *command(*arguments)[1:]],
        env=environment(**extra),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=before,  # noqa: PLW1509 - nothing else runs in it yet
    )


def end(process, number=signal.SIGTERM):
    """Signal it; its exit status and standard error."""
    process.send_signal(number)
    _, error = process.communicate(timeout=PATIENCE)
    return process.returncode, error


# -- signals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_it_with_gates_held(number):
    """A request that a gate holds does not hold up the end, nor does a second signal break it."""
    with Server("--fixture", "small") as server:
        assert server.request("PUT", "/_mockscim/gates/held", GATED).status < 300
        waiting = server.open("GET", "/scim/v2/Users/u-1")
        assert server.request("GET", "/_mockscim/gates/held?wait=5s").body["waiting"] == 1
        begun = time.monotonic()
        server.process.send_signal(number)
        assert server.stop(number) == (0, "")
        assert time.monotonic() - begun < 1.0
        waiting.close()


def test_a_closed_terminal_leaves_nothing_behind(tmp_path):
    """SIGHUP is an end like any other: what was made for the run is removed."""
    with Server("--tls", "self-signed", TMPDIR=str(tmp_path)) as server:
        assert list(tmp_path.rglob("ca.pem"))
        assert server.stop(signal.SIGHUP) == (0, "")
    assert not list(tmp_path.rglob("*.pem"))


def test_nohup_is_heeded():
    """Where SIGHUP is ignored it stays so."""
    process = start("serve", "--port", "0", before=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    assert process.stdout.readline()
    process.send_signal(signal.SIGHUP)
    time.sleep(0.2)
    assert process.poll() is None
    assert end(process) == (0, "")


def test_a_user_who_asks_for_a_core_gets_it():
    """SIGQUIT is left to the system: it is how a process that hangs is made to dump."""
    with Server() as server:
        assert server.stop(signal.SIGQUIT) == (-signal.SIGQUIT, "")


# Says "go" when the first import of ours begins; before that a signal is the interpreter's own affair.
TELLING = """
import sys
class Tell:
    def find_spec(self, name, *_):
        if name == "mockscim.cli":
            print("go", flush=True)
sys.meta_path.insert(0, Tell())
from mockscim.__main__ import main
main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_any_moment_of_the_start_is_a_quiet_end(number, tmp_path):
    """Whatever is under way, imports, a large fixture or the first listening: no traceback, and an end in time."""
    people = tmp_path / "people.ndjson"
    assert run("fixture", "new", "--users", "20000", "--ndjson", "--output", str(people)).returncode == 0
    for moment in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", TELLING, "serve", "--port", "0", "--fixture", str(people)],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout.readline() == "go\n"
        time.sleep(0.2 * moment)
        code, error = end(process, number)
        assert error.strip() == ""
        assert code in (0, -number, 128 + number)


def test_a_signal_ends_the_wait_for_a_fixture(tmp_path):
    """A fixture that is a pipe is waited for, until somebody has enough."""
    pipe = tmp_path / "people.json"
    os.mkfifo(pipe)
    process = start("serve", "--port", "0", "--fixture", str(pipe))
    writing = os.open(pipe, os.O_WRONLY)  # once it reads
    assert end(process, signal.SIGINT) == (0, "")
    os.close(writing)


# -- standard streams ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["profiles"], ["profiles", "--json"], ["fixture", "new", "--users", "5"], ["provision", "--help"]],
)
def test_a_full_disk_behind_standard_output(arguments):
    """What cannot be written is one line and exit 2, not a traceback."""
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(
            command(*arguments), env=environment(), stdout=full, stderr=subprocess.PIPE, text=True, timeout=PATIENCE
        )
    assert (result.returncode, result.stderr) == (2, "mockscim: error: standard output: No space left on device\n")


def test_a_full_disk_behind_standard_error():
    """An error that cannot be said still has its exit status, and a server that cannot log serves."""
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(command("profiles", "nonsense"), env=environment(), stderr=full, timeout=PATIENCE)
        assert result.returncode == 2
        process = subprocess.Popen(
            command("serve", "--port", "0", "--log", "text"),
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=full,
            text=True,
        )
        ready = json.loads(process.stdout.readline())
        assert ask(ready) == 200
        process.terminate()
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


def ask(ready, path="/scim/v2/Users"):
    """The status of a GET at a server that said this ready line."""
    host, _, port = ready["base_url"].removeprefix("http://").partition("/")[0].rpartition(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as made:
        head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {ready['token']}\r\n\r\n"
        made.sendall(head.encode())
        return int(made.recv(4096).split()[1])


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_closed_standard_streams(closed, tmp_path):
    """Started with its standard streams closed it serves, and no socket gets their numbers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = start(
        *("serve", "--port", str(port), "--token", "for-tests"), before=lambda: [os.close(number) for number in closed]
    )
    ready = {"base_url": f"http://127.0.0.1:{port}/scim/v2", "token": "for-tests"}
    until = time.monotonic() + PATIENCE
    while True:
        try:
            assert ask(ready) == 200
            break
        except ConnectionRefusedError:
            assert time.monotonic() < until
            time.sleep(0.05)
    kinds = {str(Path(f"/proc/{process.pid}/fd/{number}").readlink()).partition(":")[0] for number in (0, 1, 2)}
    assert "socket" not in kinds
    assert end(process)[0] == 0


def test_a_reader_that_has_enough():
    """A pipe that is closed after the first line is no failure of the command that fills it."""
    with Server("--fixture", "people-100") as server:
        for _ in range(3):
            server.request("GET", "/scim/v2/Users")
        process = start("journal", "--format", "json", MOCKSCIM_URL=server.root)
        assert process.stdout.readline()
        process.stdout.close()
        error = process.stderr.read()
        process.stderr.close()
        assert (process.wait(PATIENCE), error) == (0, "")


# -- file descriptors ----------------------------------------------------------------------------------------------


@LOOPS
def test_no_file_descriptors_are_left(loop):
    """Who connects beyond the limit waits or is turned away, those who are in are served, and then all goes on."""
    limit = 40
    process = start(
        *("serve", "--port", "0", "--token", "for-tests"),
        before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)),
        MOCKSCIM_NO_UVLOOP=loop,
    )
    ready = json.loads(process.stdout.readline())
    said = []
    reader = threading.Thread(target=lambda: said.extend(process.stderr), daemon=True)
    reader.start()
    assert ask(ready, "/_mockscim/health") == 200  # what is imported at the first request is there
    port = int(ready["base_url"].split(":")[2].partition("/")[0])
    with ExitStack() as stack:
        held = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
            for _ in range(limit * 2)
        ]
        time.sleep(2.5)
        for each in (held[0], held[5]):
            each.sendall(b"GET /_mockscim/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert each.recv(4096).startswith(b"HTTP/1.1 200 ")
    until = time.monotonic() + PATIENCE
    while True:  # asyncio looks again after a second
        try:
            assert ask(ready) == 200
            break
        except (OSError, IndexError):
            assert time.monotonic() < until
    process.terminate()
    assert process.wait(PATIENCE) == 0
    reader.join(PATIENCE)
    process.stdout.close()
    process.stderr.close()
    hint = "Too many open files: whoever connects waits until others have gone; ulimit -n says how many there may be"
    assert said == ([f"mockscim: WARNING: {hint}\n"] if loop else [])


# -- ways of starting ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "flags",
    [["-O"], ["-OO"], ["-bb", "-W", "error"], ["-X", "dev", "-W", "error"]],
    ids=["O", "OO", "W-error", "dev"],
)
def test_flags_of_the_interpreter(flags):
    """Without assertions, without docstrings, with warnings as errors and in development mode it serves and ends."""
    process = start("serve", "--port", "0", "--fixture", "small", "--fault", "user.list=hang:1:after", python=flags)
    ready = json.loads(process.stdout.readline())
    port = int(ready["base_url"].split(":")[2].partition("/")[0])
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as made:
        made.sendall(b"GET /_mockscim/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert made.recv(4096).startswith(b"HTTP/1.1 200 ")
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as made:
        head = f"GET /scim/v2/Users HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {ready['token']}\r\n\r\n"
        made.sendall(head.encode())
        code, error = end(process)
    # asyncio's debug mode tells of what took long on a busy machine.
    assert (code, [line for line in error.splitlines() if "Executing " not in line]) == (0, [])


@pytest.mark.parametrize(
    "surroundings",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "nonsense"},
        {"HOME": "/nowhere", "TMPDIR": "/nowhere"},
    ],
    ids=["C", "unknown-locale", "no-home"],
)
def test_poor_surroundings(surroundings, tmp_path):
    """No locale, no home and no folder that it may write to: it serves, logs and prints what is no ASCII."""
    fixture = tmp_path / "people.json"
    fixture.write_text(json.dumps({"users": [{"userName": "zoë@example.com"}]}), encoding="utf-8")
    with Server("--fixture", str(fixture), "--log", "text", **surroundings) as server:
        query = "filter=userName%20eq%20%22zo%C3%AB@example.com%22"
        assert server.request("GET", f"/scim/v2/Users?{query}").body["totalResults"] == 1
        shown = run("journal", MOCKSCIM_URL=server.root, **surroundings)
        assert (shown.returncode, shown.stderr) == (0, "")
        code, error = server.stop()
    assert code == 0
    assert query in error
    listed = run("profiles", "segment", **surroundings)
    assert (listed.returncode, listed.stderr) == (0, "")


def test_a_folder_that_may_not_be_written_to(tmp_path):
    """It writes nothing where it is started."""
    tmp_path.chmod(0o555)
    with subprocess.Popen(
        command("serve", "--port", "0", "--fixture", "small"),
        env=environment(),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert json.loads(process.stdout.readline())["event"] == "ready"
        assert end(process) == (0, "")
    assert list(tmp_path.iterdir()) == []
