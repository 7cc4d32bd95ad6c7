"""Every command that speaks to a server, where there is none, another one, one that hangs, one that wants a token."""

import socket
import threading

import pytest
from processes import Server, free_port

from mockscim.cli import main
from mockscim.remote import Remote, RemoteError

COMMANDS = [
    ["fixture", "dump"],
    ["faults", "list"],
    ["faults", "add", "user.create=503"],
    ["faults", "load", "flaky"],
    ["faults", "remove", "some-rule"],
    ["faults", "clear"],
    ["journal"],
    ["journal", "--follow"],
    ["journal", "--format", "har"],
    ["check"],
    ["check", "--desired", "small"],
    ["reset"],
]
ANSWERS = {
    "a web page": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>",
    "nothing there": b"HTTP/1.1 404 Not Found\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n",
    "a login": b"HTTP/1.1 302 Found\r\nLocation: http://localhost/login\r\nContent-Length: 0\r\n\r\n",
    "another's refusal": b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
    "an object": b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"items":[1]}',
    "null": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull",
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "half of it": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[",
    "no HTTP": b"220 mail.example.com ESMTP\r\n",
    "not a byte": b"",
}


class Stranger:
    """A server that says the same to everybody, or with None waits."""

    def __init__(self, says):
        self._says = says
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._held = []
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        while True:
            caller, _ = self._socket.accept()
            self._held.append(caller)
            head = caller.recv(65536)
            if head == b"end":
                return
            if self._says is not None:
                caller.sendall(self._says)
                caller.close()

    def close(self):
        with socket.create_connection(self._socket.getsockname()) as last:
            last.sendall(b"end")
            self._thread.join()
        for each in (*self._held, self._socket):
            each.close()


@pytest.fixture(scope="module")
def strangers():
    """A server for each of the answers."""
    made = {name: Stranger(says) for name, says in ANSWERS.items()}
    yield made
    for each in made.values():
        each.close()


def refused(arguments, capsys):
    """The one line that a command says on standard error, with exit status 2."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    output, error = capsys.readouterr()
    assert ended.value.code == 2
    assert output == ""  # nor the head of a table
    assert error.startswith("mockscim: error: ")
    assert error.count("\n") == 1
    return error


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_whoever_else_answers(command, strangers, monkeypatch, capsys):
    """Who is not mockscim is told apart, also when it says that all is well."""
    for name, stranger in strangers.items():
        monkeypatch.setenv("MOCKSCIM_URL", stranger.url)
        assert stranger.url in refused(command, capsys), name


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_nobody_answers(command, monkeypatch, capsys):
    """Nobody there: the line names the address and how to go on."""
    monkeypatch.setenv("MOCKSCIM_URL", f"http://127.0.0.1:{free_port()}")
    assert "start one with: mockscim serve, or name another with --url" in refused(command, capsys)


@pytest.fixture(scope="module")
def guarded():
    """A server whose control API wants a token."""
    with Server("--admin-token", "guard-of-the-tests") as server:
        yield server


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_token_is_wanted(command, guarded, monkeypatch, capsys):
    """Without the admin token a command says where to give it; a wrong one is not repeated."""
    monkeypatch.setenv("MOCKSCIM_URL", guarded.root)
    assert "wants its admin token: give it with --admin-token or MOCKSCIM_ADMIN_TOKEN" in refused(command, capsys)
    monkeypatch.setenv("MOCKSCIM_ADMIN_TOKEN", "a-wrong-one")
    error = refused(command, capsys)
    assert "refused the admin token" in error
    assert "a-wrong-one" not in error


def test_one_that_hangs():
    """Who takes the request and says nothing is given up after a while."""
    stranger = Stranger(None)
    try:
        with pytest.raises(RemoteError, match=r"no server answers at http://127\.0\.0\.1:\d+ \(timed out\)"):
            Remote(stranger.url).exchange("GET", "/health", patience=0.2)
    finally:
        stranger.close()


def test_a_password_in_the_url_is_not_repeated(capsys, monkeypatch):
    """A URL with a user is refused without being shown."""
    monkeypatch.setenv("MOCKSCIM_URL", "http://ann:hunter2@127.0.0.1:8080")
    error = refused(["reset"], capsys)
    assert "without a user" in error
    assert "hunter2" not in error


def test_the_version_is_in_every_answer_of_the_control_api(guarded):
    """Answers with and without a body, and refusals, say that it is mockscim."""
    remote = Remote(guarded.root, "guard-of-the-tests")
    asked = [("GET", "/health"), ("POST", "/reset"), ("GET", "/nowhere"), ("PUT", "/reset")]
    assert [(remote.exchange(*each).status, remote.exchange(*each).ours) for each in asked] == [
        (200, True),
        (204, True),
        (404, True),
        (405, True),
    ]
