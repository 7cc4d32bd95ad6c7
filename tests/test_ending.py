"""What ends a process: signals that come at once, that are lost, or that come while it ends anyway."""

import os
import signal
import subprocess
import sys
import time
from itertools import pairwise

import pytest
from processes import PATIENCE, Server, command, environment, heeding

BEGIN = """
import asyncio, os, signal, time
from mockscim.ending import Stop

class Losing:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(100):  # somewhere here the signal is handled, and what is raised goes nowhere
            pass
"""


def run(text):
    """The outcome of a program of its own: exit status and standard output."""
    found = subprocess.run(
        [sys.executable, "-c", BEGIN + text], env=environment(), capture_output=True, text=True, timeout=PATIENCE
    )
    return found.returncode, found.stdout


def at_once(process, numbers):
    """Have several signals wait for a process that is stopped, and let it go on."""
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)
    for number in numbers:
        process.send_signal(number)
    process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("loop", ["", "1"], ids=["uvloop", "asyncio"])
@pytest.mark.parametrize("numbers", list(pairwise([signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGTERM])))
def test_signals_at_once_are_one_quiet_end(numbers, loop):
    """As of a shell and a terminal that both tell: no word on standard error, and the status is 0."""
    with Server(MOCKSCIM_NO_UVLOOP=loop) as server:
        at_once(server.process, numbers)
        _, error = server.process.communicate(timeout=PATIENCE)
        assert (server.process.returncode, error) == (0, "")


def test_signals_at_once_while_it_loads(tmp_path):
    """They are a quiet end, too."""
    pipe = tmp_path / "people.json"
    os.mkfifo(pipe)
    process = subprocess.Popen(
        command("serve", "--port", "0", "--fixture", str(pipe)),
        env=environment(),
        preexec_fn=heeding,  # noqa: PLW1509 - nothing else runs in it yet
        stderr=subprocess.PIPE,
        text=True,
    )
    writing = os.open(pipe, os.O_WRONLY)  # once it reads
    at_once(process, (signal.SIGINT, signal.SIGTERM))
    _, error = process.communicate(timeout=PATIENCE)
    os.close(writing)
    assert (process.returncode, error) == (0, "")


def test_signals_all_the_way_to_the_end():
    """However many follow, also while the interpreter is being taken down, the status stays 0."""
    with Server() as server:
        until = time.monotonic() + PATIENCE
        while server.process.poll() is None and time.monotonic() < until:
            server.process.send_signal(signal.SIGTERM)
            server.process.send_signal(signal.SIGINT)
            time.sleep(0.0005)
        _, error = server.process.communicate(timeout=PATIENCE)
        assert (server.process.returncode, error) == (0, "")


def test_a_signal_that_is_lost_while_loading_ends_it_once_it_has_loaded():
    """What a signal raises inside a destructor goes nowhere, but it is not forgotten."""
    text = """
with Stop() as stop:
    Losing()
    print("still loading", flush=True)
    asyncio.run(asyncio.wait_for(stop.wait(), 5))
    print("ended")
"""
    assert run(text) == (0, "still loading\nended\n")


def test_a_second_signal_ends_what_the_first_did_not():
    """Who asks again a while later is heard at once, whatever is going on."""
    text = """
with Stop() as stop:
    Losing()
    time.sleep(1.1)
    print("still loading", flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(5)
    print("never")
"""
    assert run(text) == (0, "still loading\n")
