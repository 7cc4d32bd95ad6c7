"""A file that cannot be used is refused with clear words and exit code 2, and left as it is to the byte."""

import random
import re
import sqlite3

import pytest
from processes import run
from states import begin, contents, left_behind, opened, state

from mockscim.persist import PersistError
from mockscim.tokens import TokenDocument

USERS = 60


def filled(file, **how):
    """The contents of a tenant that is kept in the file: users, a group, a token."""
    with opened(begin("standard", "small", **how), file) as tenants:
        tenant = tenants.look("")
        with tenant.kept():
            for n in range(USERS):
                tenant.edit("POST", "User", None, {"userName": f"user{n}@example.com", "id": f"n-{n}"}, "http://x")
            members = [{"value": f"n-{n}"} for n in range(0, USERS, 3)]
            tenant.edit("POST", "Group", None, {"displayName": "Thirds", "members": members}, "http://x")
        return state(tenant)


def refused(file, *options):
    """What ``mockscim serve`` says of the file; it ends with 2, and no byte of what is there differs."""
    before = contents(file)
    found = run("serve", "--port", "0", "--persist", str(file), *options)
    assert (found.returncode, found.stdout) == (2, "")
    assert contents(file) == before
    lines = found.stderr.splitlines()
    assert len(lines) == 1, found.stderr
    assert lines[0].startswith(f"mockscim: error: --persist: {file}: ")
    return lines[0].removeprefix(f"mockscim: error: --persist: {file}: ")


def test_text_in_its_place_is_refused(file):
    """What is no database at all."""
    file.write_text("users:\n- ann\n" * 1000)
    said = refused(file)
    assert re.search(
        r"^it is damaged, or no database of mockscim's \(file is not a database\); it was left as it", said
    )


@pytest.mark.parametrize("part", [0.02, 0.5, 0.97])
def test_a_truncated_file_is_refused(file, part):
    """The end is missing: a little of it, half, or nearly all."""
    filled(file)
    with file.open("r+b") as opened_file:
        opened_file.truncate(int(file.stat().st_size * part))
    assert "damaged" in refused(file)


def test_a_file_cut_to_nothing_beside_its_log_is_refused(file, tmp_path):
    """An empty file is a new one, and no log belongs to that."""
    with opened(begin("standard", "small"), file):
        copy = left_behind(file, tmp_path / "killed")
    copy.write_bytes(b"")
    assert "was cut to nothing, and what belongs to it is, directory.db-wal" in refused(copy)
    copy.unlink()
    assert "it is not there, and what belongs to it is, directory.db-wal" in refused(copy)


@pytest.mark.parametrize("what", ["a user", "a member", "a token", "a tenant", "what counts"])
def test_a_value_that_somebody_changed_is_refused(file, what):
    """What is well formed and not what was written: the checksum of the row tells."""
    with opened(begin("standard", "small"), file) as tenants, tenants.look("").kept():
        tenants.look("").tokens.mint(0.0, TokenDocument(token="abc"))
    change = {
        "a user": "UPDATE resources SET body = replace(body, 'ann', 'eve') WHERE id = 'u-1'",
        "a member": "UPDATE members SET value = 'u-4' WHERE value = 'u-1'",
        "a token": "UPDATE tokens SET document = replace(document, '\"write\"', '\"read\"')",
        "a tenant": "UPDATE tenants SET began = '2026-01-01T00:00:00Z'",
        "what counts": "UPDATE counters SET commits = 1",
    }[what]
    with sqlite3.connect(file) as db:
        assert db.execute(change).rowcount
    db.close()
    assert re.match(r"it is damaged \(the checksum of .* is another\); it was left as it is", refused(file))


@pytest.mark.parametrize("table", ["resources", "members", "tokens", "counters"])
def test_a_row_that_is_gone_is_missed(file, table):
    """Rows are counted: one that was taken out whole is no row that is wrong."""
    with opened(begin("standard", "small"), file) as tenants, tenants.look("").kept():
        tenants.look("").tokens.mint(0.0, TokenDocument(token="abc"))
    with sqlite3.connect(file) as db:
        key = {"members": "value", "tokens": "digest", "counters": "number"}.get(table, "place")
        assert db.execute(f"DELETE FROM {table} WHERE {key} = (SELECT max({key}) FROM {table})").rowcount == 1  # noqa: S608
    db.close()
    assert re.match(r"it is damaged \((\d resources|\d members|1 tokens|tenants) .*; it was left", refused(file))


def test_flipped_bytes_are_refused_or_do_not_matter(file, tmp_path):
    """Wherever a byte is flipped: the file is refused and stays as it is, or all that was in it is read."""
    before = filled(file)
    whole, draw = file.read_bytes(), random.Random(4)  # noqa: S311
    place, told = tmp_path / "flipped" / "directory.db", 0
    place.parent.mkdir()
    # Most of the first page's first hundred bytes are numbers of SQLite's own that it does not need.
    for at in [*range(0, 100, 7), *(draw.randrange(100, len(whole)) for _ in range(150))]:
        damaged = whole[:at] + bytes([whole[at] ^ draw.randrange(1, 256)]) + whole[at + 1 :]
        for each in place.parent.iterdir():
            each.unlink()
        place.write_bytes(damaged)
        refusal = ""
        try:
            with opened(begin("standard", "small"), place) as tenants:
                assert state(tenants.look("")) == before, f"byte {at}"
        except PersistError as error:
            refusal = str(error)
        if refusal:
            told += 1
            assert refusal.startswith(f"{place}: "), refusal
            assert contents(place) == {"directory.db": damaged}, f"byte {at}"
    assert told > 25  # the rest is empty space, and what SQLite makes anew


def test_what_a_killed_process_left_is_not_touched_when_it_is_refused(file, tmp_path):
    """A file with its log: both stay, and nothing is added to them."""
    with opened(begin("standard", "small"), file) as tenants:
        tenants.look("").reset()
        copy = left_behind(file, tmp_path / "killed")
    assert set(contents(copy)) == {"directory.db", "directory.db-wal"}
    said = refused(copy, "--profile", "segment")
    assert said.startswith("the directory in it is of the profile standard, not segment; start with --profile standard")
    with opened(begin("standard", "small"), copy) as tenants:
        assert len(tenants.look("").store.tables["User"]) == 5


# -- whole, and not for this server --------------------------------------------------------------------------------


def test_another_profile_is_refused(file):
    """It says which it was."""
    filled(file)
    assert "of the profile standard, not segment; start with --profile standard" in refused(
        file, "--profile", "segment"
    )


def test_other_resource_types_are_refused(file):
    """A directory of devices is none without them."""
    with opened(begin("standard", "devices"), file):
        pass
    assert "has other resource types or attributes than the profile standard and the fixture have now" in refused(file)


def test_another_programs_database_is_refused(file):
    """Whatever is in it."""
    with sqlite3.connect(file) as db:
        db.execute("CREATE TABLE bookmarks (url TEXT)")
    db.close()
    assert refused(file).startswith("it is an SQLite database, but none of mockscim's")


def test_a_newer_format_is_refused(file):
    """It is not half understood."""
    filled(file)
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA user_version = 2")
    db.close()
    assert refused(file).startswith("a newer mockscim has written it (format 2, this one reads 1)")


def test_a_fixture_that_does_not_load_is_refused_before_a_reset_needs_it(file, tmp_path):
    """The start may be another than it was; that it can be loaded is looked at, and the file stays."""
    filled(file)
    before = contents(file)
    wrong = tmp_path / "apart" / "wrong.json"
    wrong.parent.mkdir()
    wrong.write_text('{"users": [{"userName": "ann@example.com"}, {"userName": "ANN@example.com"}]}')
    found = run("serve", "--port", "0", "--persist", str(file), "--fixture", str(wrong))
    assert (found.returncode, found.stdout) == (2, "")
    assert "/users/1" in found.stderr
    assert contents(file) == before
