"""Real ``mockscim serve`` processes for tests, and a client that needs nothing but the standard library."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import mockscim

PATIENCE = 10.0
TOKEN = "for-tests"


def environment(**extra: str) -> dict[str, str]:
    """The environment without mockscim's own variables, and with this package found from everywhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MOCKSCIM_")}
    return {**kept, "PYTHONPATH": str(Path(mockscim.__file__).parent.parent), **extra}


def command(*arguments: str) -> list[str]:
    """The command line of a mockscim process."""
    return [sys.executable, "-m", "mockscim", *arguments]


def run(*arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """A mockscim process that ends by itself; ``extra`` is environment."""
    return subprocess.run(
        command(*arguments), env=environment(**extra), capture_output=True, text=True, timeout=PATIENCE
    )


def free_port() -> int:
    """A port that nobody has just now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def ended(pid: int) -> bool:
    """Whether a process ends in time, be it a child of ours or not."""
    until = time.monotonic() + PATIENCE
    while lives(pid):
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def lives(pid: int) -> bool:
    """Whether there is such a process, and it has not ended."""
    try:
        os.kill(pid, 0)
        status = Path(f"/proc/{pid}/stat").read_text()
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # no such files on this system, or gone in between
        return not Path("/proc").exists()
    # One that nobody has asked for its exit code is dead all the same.
    return status.rpartition(")")[2].split()[0] != "Z"


class Answer(NamedTuple):
    """An HTTP answer; the body parsed."""

    status: int
    body: Any


def heeding() -> None:
    """Heed the signals that a terminal sends, also where the suite runs in the background, under nohup for one."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


class Server:
    """``mockscim serve`` at a free port, from its ready line to its end."""

    def __init__(self, *arguments: str, port: str | None = "0", **extra: str) -> None:
        given = ["--port", port] if port is not None else []
        self.process = subprocess.Popen(
            command("serve", *given, *arguments),
            env=environment(**extra),
            preexec_fn=heeding,  # noqa: PLW1509 - nothing else runs in it yet
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        line = self.process.stdout.readline()
        if not line:
            _, error = self.process.communicate(timeout=PATIENCE)
            raise AssertionError(f"no ready line: {error}")
        self.ready: dict[str, Any] = json.loads(line)
        self.base_url: str = self.ready["base_url"]
        self.root = self.base_url.removesuffix("/scim/v2")

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.stop()

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.base_url)
        return parts.hostname, parts.port

    def request(self, method: str, path: str, body: Any = None, *, root: str | None = None, **headers: str) -> Answer:
        """Ask with the server's token; ``path`` is below the root."""
        parts = urlsplit(root or self.root)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE)
        sent = {"Authorization": f"Bearer {self.ready['token']}", "Content-Type": "application/scim+json", **headers}
        try:
            connection.request(method, parts.path + path, None if body is None else json.dumps(body), sent)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        return Answer(response.status, json.loads(content) if content else None)

    def create(self, user_name: str, *, root: str | None = None) -> Answer:
        """POST a user."""
        user = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": user_name}
        return self.request("POST", "/scim/v2/Users", user, root=root)

    def open(self, method: str, path: str, body: str = "") -> socket.socket:
        """Send a request and leave its connection open."""
        made = socket.create_connection(self.address, timeout=PATIENCE)
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.ready['token']}\r\n"
        made.sendall(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        return made

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Signal it; returns the exit code and what it wrote to standard error."""
        self.process.send_signal(number)
        return self.end()

    def end(self) -> tuple[int, str]:
        """Wait for its end."""
        try:
            _, error = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        return self.process.returncode, error
