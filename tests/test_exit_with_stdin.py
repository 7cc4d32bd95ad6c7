"""``--exit-with-stdin``: a server that ends with the process that started it."""

import os
import signal
import subprocess
import sys
import time

import pytest
from processes import PATIENCE, command, ended, environment, run

# What a test runner does: it starts a server whose standard input is a pipe, tells its process, and never ends.
PARENT = """
import json, subprocess, sys, time
server = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(json.loads(server.stdout.readline())["pid"], flush=True)
time.sleep(60)
"""


def start(*arguments, stdin=subprocess.PIPE, **extra):
    """A server at a free port, and its ready line."""
    process = subprocess.Popen(
        command("serve", "--port", "0", *arguments),
        env=environment(**extra),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    return process, process.stdout.readline()


@pytest.mark.parametrize("loop", ["", "1"])
def test_it_ends_when_its_standard_input_does(loop):
    """What is written there is no end; the end is one, within a second and without a word, on either event loop."""
    process, line = start("--exit-with-stdin", MOCKSCIM_NO_UVLOOP=loop)
    assert b'"ready"' in line
    process.stdin.write(b"still here\n" * 1000)
    process.stdin.flush()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    begun = time.monotonic()
    assert process.communicate(timeout=PATIENCE) == (b"", b"")  # closes its standard input
    assert time.monotonic() - begun < 1.0
    assert process.returncode == 0


def test_a_parent_that_is_killed_takes_it_along():
    """No signal handler of the parent can run, and still no server is left."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, *command("serve", "--port", "0", "--exit-with-stdin")],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    pid = int(parent.stdout.readline())
    os.kill(pid, 0)
    parent.kill()
    parent.communicate()
    assert ended(pid)


def test_an_end_while_it_loads_is_an_end(tmp_path):
    """Whoever dies before the ready line leaves nothing behind either: here it waits for a fixture in a named pipe."""
    os.mkfifo(tmp_path / "fixture.json")
    process = subprocess.Popen(
        command("serve", "--port", "0", "--exit-with-stdin", "--fixture", str(tmp_path / "fixture.json")),
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with (tmp_path / "fixture.json").open("wb"):  # opened once the server reads it
        assert process.communicate(timeout=PATIENCE) == (b"", b"")
    assert process.returncode == 0


def test_signals_end_it_as_ever():
    """SIGTERM ends it while its standard input stays open."""
    process, line = start(MOCKSCIM_SERVE_EXIT_WITH_STDIN="1")
    assert line
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0
    assert process.communicate() == (b"", b"")


def test_without_the_option_the_end_of_standard_input_is_none():
    """A server that was started with /dev/null goes on."""
    process, line = start(stdin=subprocess.DEVNULL)
    assert line
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    process.terminate()
    assert process.communicate(timeout=PATIENCE) == (b"", b"")


@pytest.mark.parametrize("how", ["null", "closed"])
def test_an_input_that_has_ended_already_is_wrong_usage(how):
    """Without a pipe that is open it would end at once: that is said instead, with exit code 2."""
    arguments = ["serve", "--port", "0", "--exit-with-stdin"]
    if how == "null":
        result = subprocess.run(
            command(*arguments), env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
    else:
        result = subprocess.run(
            ["sh", "-c", 'exec "$@" <&-', "sh", *command(*arguments)], env=environment(), capture_output=True, text=True
        )
    assert (result.returncode, result.stdout) == (2, "")
    words = "standard input has ended already; start it with a pipe that stays open"
    assert result.stderr == f"mockscim: error: --exit-with-stdin: {words}\n"


def test_the_help_names_it():
    """``mockscim serve --help`` says what it is for."""
    assert "--exit-with-stdin" in run("serve", "--help").stdout
