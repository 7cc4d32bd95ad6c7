"""What a failing test is told: kept as files, readable in 100 columns and without colour.

MOCKSCIM_WRITE_SNAPSHOTS=1 writes the files anew; look at what changed.
"""

import os
import re
from pathlib import Path

import httpx
import pytest
from reach import settings

from mockscim import MockScim, error
from mockscim.client import failure

SNAPSHOTS = Path(__file__).parent / "snapshots"
LONG = "a-very-long-name-" * 6


@pytest.fixture
def scim():
    """One whose time, ids and faults are always the same."""
    with MockScim.threaded(fixture="small.json", seed=7, clock="virtual:2026-01-01T00:00:00Z") as scim:
        yield scim


@pytest.fixture
def client(scim):
    """A client of it."""
    with httpx.Client(**settings(scim)) as client:
        yield client


def same(name, text):
    """Hold a text against its file, however long the requests took."""
    text = re.sub(r"came 0\.\d\d s", "came 0.00 s", str(text))
    lines = text.split("\n")
    assert [line for line in lines if len(line) > 100 or line != line.rstrip() or "\x1b" in line] == []
    path = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("MOCKSCIM_WRITE_SNAPSHOTS"):
        path.write_text(text + "\n", "utf-8")
    assert text + "\n" == path.read_text("utf-8")


def raised(kind, function, *args, **keywords):
    """The text of the error that a call raises."""
    with pytest.raises(kind) as caught:
        function(*args, **keywords)
    return str(caught.value)


def test_verify_shows_the_nearest_miss(scim, client):
    """What was expected, what came closest, which part of it was not so, and the command that starts the same."""
    with scim.fault("lost_ack", operation="user.create", outcome="503", name="lost"):
        client.post("Users", json={"userName": "fay@example.com", "active": True})
    client.get("Users", params={"filter": 'userName eq "fay@example.com" and active eq true'})
    where = 'userName eq "fay@example.org" and active eq true'
    same("verify", raised(AssertionError, scim.verify, "user.create", where=where, count=1, committed=True))


def test_verify_of_too_many(scim, client):
    """All that were found are told."""
    for _ in range(2):
        client.get("Users/u-1")
    same("verify-too-many", raised(AssertionError, scim.verify, "user.get", at_most=1))


def test_verify_without_any_exchange(scim):
    """That there was none at all, or none that counts."""
    same("verify-nothing", raised(AssertionError, scim.verify, "user.create"))


def test_verify_of_an_order(scim, client):
    """What was found in this order, what is missing, and what there was instead."""
    client.get("Users")
    with scim.on("user.create").sequence(error(429, retry_after=2)):
        client.post("Users", json={"userName": "fay@example.com"})
    operations = ["user.list", "user.create", "group.patch"]
    same("verify-sequence", raised(AssertionError, scim.verify_sequence, operations))


def test_check(scim, client):
    """Each broken invariant with its evidence and the exchanges, the faults that struck, and how to do it again."""
    with scim.cycle() as cycle:
        with scim.fault("abort", operation="user.list", status=429, retry_after=30, times=1, name="slow-down"):
            client.get("Users", params={"filter": f'userName eq "{LONG}@example.com"'})
        client.get("Users", params={"filter": f'userName eq "{LONG}@example.com"'})
        client.post("Users", json={"userName": "fay@example.com", "displayName": "\x1b[31mFay\nFay"})
        scim.users.delete("ann@example.com")
        cycle.report(succeeded=["ann@example.com", "nobody@example.com"])
    same("check", raised(AssertionError, scim.check))


def test_check_of_one(scim, client):
    """Where one was asked about and is broken."""
    with scim.on("user.get").sequence(error(429, retry_after=30)):
        client.get("Users/u-1")
    client.get("Users/u-1")
    same("check-one", raised(AssertionError, scim.check, only="I8"))


def test_a_gate_that_nobody_reached(scim, client):
    """What was waited for, how long, and what came instead."""
    for number in range(1, 15):
        client.get(f"Users/u-{number}")
    with scim.gate("group.patch", at="after_commit", where='displayName eq "Engineering"', name="held") as gate:
        same("gate", raised(AssertionError, gate.wait_reached, "10ms"))
    scim.journal.clear()
    with scim.gate(name="any") as gate:
        same("gate-no-request", raised(AssertionError, gate.wait_reached, "1ms"))


def test_what_is_not_there(scim):
    """The nearest, and some of those that there are."""
    scim.load("people-100")
    same("no-user", raised(KeyError, lambda: scim.users[f"x{scim.users.names()[40]}"]))
    same("no-group", raised(KeyError, lambda: scim.groups["Enginering"]))
    same("no-attribute", raised(KeyError, lambda: next(iter(scim.users))["nickname"]))
    same("no-snapshot", raised(KeyError, scim.restore, "before"))
    same("no-exchange", raised(KeyError, lambda: scim.journal[7]))
    same("no-type", raised(KeyError, scim.resources, "Robots"))


def test_what_cannot_be(scim):
    """Unknown keywords, types, values and options."""
    same("keyword", raised(TypeError, scim.fault, "rate_limit", limt=3))
    same("keyword-of-none", raised(TypeError, scim.fault, "reset", seconds=3))
    same("type", raised(ValueError, scim.fault, "lst_ack"))
    same("value", raised(ValueError, scim.fault, "lost_ack", outcome="rest"))
    same("operation", raised(ValueError, scim.fault, "reset", operation="user.creat"))
    same("operation-of-none", raised(ValueError, scim.on("usr.create").sequence, "503"))
    same("gate-place", raised(ValueError, scim.gate, "user.create", at="the end"))
    same("verify-keyword", raised(TypeError, scim.verify, "user.create", counts=1))
    same("verify-sequence-keyword", raised(TypeError, scim.verify_sequence, ["user.create"], count=1))
    same("verify-value", raised(ValueError, scim.verify, "user.create", count=-1))
    same("check-keyword", raised(TypeError, scim.check, desird={}))
    same("sweep-keyword", raised(TypeError, scim.sweep, print, outcome="503"))
    same("sweep-client", raised(TypeError, scim.sweep, "synchronise"))
    same("sweep-operation", raised(ValueError, scim.sweep, print, operation="user.creat"))
    same("match", raised(TypeError, scim.on, "user.create", wher="active pr"))
    same("option", raised(TypeError, MockScim, profil="segment"))
    same("taken", raised(ValueError, scim.users.add, "ann@example.com"))


def test_the_command_can_be_copied():
    """A long one is folded at its options, for a shell; the rules stand below it."""
    line = (
        f"mockscim serve --profile {LONG[:60]} --seed 7 --fixture '/a folder/x.json' --accept one --faults rules.json"
    )
    told = failure.command(f'{line}  # rules.json: {{"rules":[{{"type":"abort","name":"{LONG}"}}]}}')
    same("command", "\n".join(told))
    assert failure.command("mockscim serve --seed 1") == ["reproduce:", "  mockscim serve --seed 1"]


def test_faults_that_struck_often():
    """The first exchanges are told, and how many there were."""
    fault = {"rule": "slow", "type": "latency", "phase": "before", "outcome": "latency 50ms"}
    same("struck", "\n".join(failure.struck([{"n": n, "faults": [fault]} for n in range(1, 41)])))
    assert failure.struck([{"n": 1, "faults": []}]) == ["faults that struck: none"]


def test_the_journal_as_a_table(scim, client):
    """One line an exchange."""
    client.get("Users/u-1")
    with scim.fault("abort", operation="user.create", status=503, phase="after"):
        client.post("Users", json={"userName": "fay@example.com"})
    same("journal", scim.journal)
