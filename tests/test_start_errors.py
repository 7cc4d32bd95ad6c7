"""What cannot be started with: addresses that cannot be had, and files that cannot be read. One line each, exit 2."""

import errno
import json
import os
import socket
import threading

import pytest
from processes import run

from mockscim.serve import Settings, SettingsError, bind, build, cannot_listen, checked


def prepared(**settings):
    return build(checked(Settings(**settings)))


@pytest.mark.parametrize(("host", "shown"), [("::1", "[::1]"), ("[::1]", "[::1]")])
def test_a_port_in_use_on_ipv6(host, shown):
    """The line names the address as a URL has it, and how to choose another."""
    try:
        taken = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no ::1")
    with taken:
        port = taken.getsockname()[1]
        result = run("serve", "--host", host, "--port", str(port))
    assert (result.returncode, result.stdout) == (2, "")
    hint = "is in use; give another port, or --port 0 for any that is free"
    assert result.stderr == f"mockscim: error: --port: {shown}:{port} {hint}\n"


@pytest.mark.parametrize(
    ("variable", "value", "text"),
    [
        ("PORT", "abc", "Invalid value for MOCKSCIM_SERVE_PORT: 'abc' is not a valid integer range."),
        ("LOG", "loud", "Invalid value for MOCKSCIM_SERVE_LOG: 'loud' is not one of "),
        ("LATENCY", "soon", "--latency (from MOCKSCIM_SERVE_LATENCY): 'soon': 'soon' is not a duration: expected "),
        ("FIXTURE", "nowhere", "--fixture (from MOCKSCIM_SERVE_FIXTURE): nowhere: a file or the name of a bundled "),
    ],
)
def test_a_value_of_the_environment_is_blamed_on_its_variable(variable, value, text):
    """Whoever wrote no option is told the variable; one that was written stays the option's."""
    result = run("serve", **{f"MOCKSCIM_SERVE_{variable}": value})
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(f"mockscim: error: {text}")
    option = f"--{variable.lower()}"
    written = run("serve", option, value, **{f"MOCKSCIM_SERVE_{variable}": "0"})
    assert option in written.stderr
    assert "MOCKSCIM_SERVE" not in written.stderr


def test_a_port_that_is_not_for_everybody():
    """The line says which ports are; it is the system's errno that tells, as root may have any."""
    error = cannot_listen("127.0.0.1", 80, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
    assert str(error) == "--port: 127.0.0.1:80 may not be had (Permission denied); ports from 1024 on are for everybody"


def test_an_address_of_another_machine():
    """An address that is not here is named, with the one that stands for all (192.0.2.0/24 is nobody's: RFC 5737)."""
    with pytest.raises(SettingsError, match=r"^--host: 192\.0\.2\.1 is no address of this machine; 0\.0\.0\.0 is "):
        bind("192.0.2.1", 0)


@pytest.fixture
def odd(tmp_path):
    """Paths at which there is no file that can be read."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "garbage").write_bytes(b'{"a": "\xff"}')
    (tmp_path / "cut").write_text('{"users": [')
    return tmp_path


@pytest.mark.parametrize(
    ("option", "name", "text"),
    [
        ("fixture", "nowhere", "a file or the name of a bundled fixture was expected, neither is found"),
        ("fixture", "folder", "a file was expected, a folder was found"),
        ("fixture", "broken", "a file was expected, a symbolic link to none was found"),
        ("fixture", "loop", "a file was expected, a symbolic link to none was found"),
        ("fixture", "empty", "the file is empty"),
        ("fixture", "garbage", "UTF-8 was expected, byte 0xff was found"),
        ("fixture", "cut", ":1:12: not JSON: "),
        ("profile", "nowhere", "nor a readable file$"),
        ("profile", "folder", "nor a readable file: Is a directory$"),
        ("profile", "garbage", "nor a readable file: it is not UTF-8$"),
        ("faults", "folder", "no such scenario. Expected a file or one of "),
        ("faults", "garbage", "not JSON"),
    ],
)
def test_a_file_that_cannot_be_read(odd, option, name, text):
    """The line names option and file, and says what is wrong with it."""
    path = str(odd / name)
    with pytest.raises(SettingsError, match=text) as caught:
        prepared(**{option: (path,) if option == "fixture" else path})
    assert str(caught.value).startswith(f"--{option}: {path}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("option", ["fixture", "faults"])
def test_a_pipe_is_a_file(tmp_path, option):
    """A shell's <(…) is read like any other file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    document = {"users": [{"userName": "ann@example.com"}]} if option == "fixture" else {"seed": 9, "rules": []}
    writer = threading.Thread(target=lambda: pipe.write_text(json.dumps(document)))
    writer.start()
    server = prepared(**{option: (str(pipe),) if option == "fixture" else str(pipe)})
    writer.join()
    if option == "fixture":
        assert len(server.tenants.use("").store.tables["User"]) == 1
    else:
        assert server.tenants.start.seed == 9
