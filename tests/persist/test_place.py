"""Where the file may be, whose it is, and who may read it."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from processes import PATIENCE, command, environment, run
from states import begin, contents, opened

import mockscim
from mockscim.persist import PersistError

NOBODY = 65534


def refused(path):
    """What is said of a place that cannot be used."""
    found = run("serve", "--port", "0", "--persist", str(path))
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr.startswith("mockscim: error: --persist: ")
    assert len(found.stderr.splitlines()) == 1, found.stderr
    return found.stderr


def test_only_its_owner_may_read_it(file, start):
    """It holds people's data, and so does the log beside it, whatever the umask."""
    before = os.umask(0)
    try:
        server = start("--fixture", "small")
    finally:
        os.umask(before)
    for each in (file, file.with_name("directory.db-wal")):
        assert stat.S_IMODE(each.stat().st_mode) == 0o600
    assert server.stop()[0] == 0
    assert list(contents(file)) == ["directory.db"]  # all is in the one file then


def test_a_file_that_others_could_read_is_closed_to_them(file, start):
    """One that was there keeps no wider mode, nor does the log that a killed process left beside it."""
    server = start("--fixture", "small")
    server.create("later@example.com")
    server.process.kill()
    server.process.wait()
    both = (file, file.with_name("directory.db-wal"))
    for each in both:
        each.chmod(0o644)
    server = start()
    assert [stat.S_IMODE(each.stat().st_mode) for each in both] == [0o600, 0o600]
    assert server.request("GET", "/scim/v2/Users").body["totalResults"] == 6
    server.stop()


def test_a_second_server_does_not_get_it(file, start):
    """One process at a time has it; the other is told, and the first goes on."""
    server = start("--fixture", "small")
    assert "it is in use, by another mockscim most likely" in refused(file)
    assert server.create("later@example.com").status == 201
    server.stop()
    assert start().request("GET", "/scim/v2/Users").body["totalResults"] == 6


def test_a_symbolic_link_is_followed_to_a_file_and_nowhere_else(file, tmp_path, start):
    """A link to a file is that file; one that leads nowhere, or round, is refused and nothing is made."""
    link, lost, circle = (tmp_path / name for name in ("link", "lost", "circle"))
    link.symlink_to(file)
    assert "it is a symbolic link to" in refused(link)
    assert not file.exists()
    with opened(begin("standard", "small"), file):
        pass
    with opened(begin("standard"), link) as tenants:
        assert len(tenants.look("").store.tables["User"]) == 5
    assert link.is_symlink()
    lost.symlink_to(tmp_path / "nowhere" / "file")
    assert "which is not there" in refused(lost)
    circle.symlink_to(circle)
    assert str(circle) in refused(circle)


def test_what_is_no_file_is_refused(tmp_path):
    """A folder, a pipe, a device, a place in a folder that is not there, and a name that can be none."""
    assert "it is a folder" in refused(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert "it is no regular file" in refused(tmp_path / "pipe")
    assert "it is no regular file" in refused("/dev/null")
    assert "there is no folder" in refused(tmp_path / "none" / "directory.db")
    assert "no file can be there" in refused(tmp_path / ("x" * 300))


def test_a_start_that_fails_leaves_no_file(file, tmp_path):
    """What cannot be loaded is said, and where no file was there is none: the next start is not told of data."""
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"users": [{"userName": "ann@example.com"}, {"userName": "ANN@example.com"}]}')
    found = run("serve", "--port", "0", "--persist", str(file), "--fixture", str(wrong))
    assert (found.returncode, found.stdout) == (2, "")
    assert len(found.stderr.splitlines()) == 1, found.stderr
    assert list(tmp_path.iterdir()) == [wrong]


def test_an_empty_file_is_a_new_one(file, start):
    """``touch``, or a process that was killed before anything was in it."""
    file.touch()
    server = start("--fixture", "small")
    assert server.request("GET", "/scim/v2/Users").body["totalResults"] == 5
    code, error = server.stop()
    assert code == 0
    assert f"{file} is new" in error


@pytest.fixture
def as_nobody(tmp_path):
    """Try to take a file up as a user who is not root, to whom modes mean something; what is said of it."""
    for folder in [tmp_path, *tmp_path.parents]:
        if folder.stat().st_uid == os.getuid() and folder != Path("/tmp"):  # noqa: S108
            folder.chmod(folder.stat().st_mode | 0o055)
    root = str(Path(mockscim.__file__).parent.parent)
    code = (
        f"import sys; sys.path.insert(0, {root!r}); sys.dont_write_bytecode = True\n"
        "from mockscim.persist import PersistError\nfrom mockscim.persist.file import File\nimport os\n"
        f"os.getuid() or os.setuid({NOBODY})\n"
        "try: File(sys.argv[1])\nexcept PersistError as error: print(error)"
    )

    def said(path):
        return subprocess.run(
            [sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=PATIENCE, check=True
        ).stdout

    return said


def test_what_may_not_be_written_is_refused(file, as_nobody):
    """A folder in which SQLite could not keep its log, and a file that is for reading only."""
    with opened(begin("standard", "small"), file):
        pass
    file.chmod(0o444)
    file.parent.chmod(0o777)
    assert "it cannot be read and written; its mode is -r--r--r--" in as_nobody(file)
    file.chmod(0o666)
    file.parent.chmod(0o555)
    assert f"the folder {file.parent} cannot be written" in as_nobody(file)
    file.parent.chmod(0o777)


def test_without_it_sqlite_is_not_even_imported():
    """What nobody asked for costs nothing."""
    code = (
        "import sys, mockscim.serve as s; s.build(s.checked(s.Settings(fixture=('small',))))\n"
        "print([name for name in sys.modules if name.startswith(('sqlite3', 'mockscim.persist.'))])"
    )
    found = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_of_two_that_come_at_once_one_gets_it(file):
    """Neither waits for ever, and what the one has is not disturbed."""
    with opened(begin("standard", "small"), file):
        pass
    both = [
        subprocess.Popen(
            command("serve", "--port", "0", "--persist", str(file)),
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    ready = [process.stdout.readline() for process in both]
    for process in both:
        if process.poll() is None:
            process.terminate()
    ended = [(*process.communicate(timeout=PATIENCE), process.returncode) for process in both]
    assert sum(bool(line) for line in ready) <= 1
    for line, (_, error, code) in zip(ready, ended, strict=True):
        assert code == (0 if line else 2), error
        assert line or "in use" in error or "meanwhile" in error
    with opened(begin("standard", "small"), file) as tenants:
        assert len(tenants.look("").store.tables["User"]) == 5


def test_what_cannot_be_a_path_is_a_persist_error():
    """In Python the same words come as one exception."""
    with pytest.raises(PersistError, match="no file can be there"), opened(begin(), "/tmp/\0"):  # noqa: S108
        pass
