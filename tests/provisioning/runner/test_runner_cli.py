"""``mockscim provision`` in this process and as real ones: verbs, exit statuses, interruption, wrong files, pages."""

import json
import os
import pty
import signal
import subprocess
import time

import orjson
import pytest
from runner_commands import TOKEN, good

from mockscim.provisioning.directory import dump
from tests.processes import PATIENCE, command, environment, free_port, run

COLUMNS = 100


def test_the_steps_of_the_tutorial(provision, target):
    """Each has its verb; the state goes from one process to the next."""
    assert "authorized" in good(provision("entra", "test-connection"))
    assert good(provision("entra", "start", "--source", "small", "--app", "segment")).startswith("started: an initial")
    page = good(provision("entra", "status"))
    assert ": Active" in page.splitlines()[0]
    out = good(provision("entra", "cycle"))
    assert "cycle 1 (initial): " in out
    assert "4 created" not in out
    assert len(target.users) == 4
    assert "1 cycle without news" in good(provision("entra", "run", "--cycles", "3"))
    document = json.loads(good(provision("entra", "status", "--json")))
    assert document["status"]["code"] == "Active"
    assert document["schedule"]["interval"] == "PT40M"
    assert good(provision("entra", "stop")).startswith("stopped")
    stopped = provision("entra", "cycle")
    assert stopped.returncode == 1
    assert stopped.stderr.startswith("mockscim: error: the job does not run: provisioning was stopped; ")
    assert "an initial cycle" in good(provision("entra", "restart", "--reset-scope", "Full"))
    wrong = provision("entra", "restart", "--reset-scope", "Everything")
    assert wrong.returncode == 2
    assert "ForceDeletes" in wrong.stderr


def test_without_a_verb_it_starts_and_runs(target):
    """All in one line, nothing kept; options may stand before or behind."""
    given = (
        "--source",
        "small",
        "--target",
        target.base_url,
        "--token",
        TOKEN,
        "--clock",
        "virtual",
        "--app",
        "segment",
    )
    assert "cycle 1 (initial)" in good(run("provision", "entra", *given, "--cycles", "1"))
    assert "cycle 1 (initial)" in good(run("provision", "entra", *given, "run", "--cycles", "1"))
    nothing = run("provision", "entra")
    assert nothing.returncode == 2
    assert "test-connection" in nothing.stdout


def test_bad_credentials_and_nobody_there(provision):
    """Exit 1, with the portal's words, or the reason."""
    refused = provision("entra", "test-connection", "--token", "wrong")
    assert refused.returncode == 1
    assert "You appear to have entered invalid credentials" in refused.stderr
    assert json.loads(provision("entra", "test-connection", "--token", "wrong", "--json").stdout)["ok"] is False
    nobody = f"http://127.0.0.1:{free_port()}/scim/v2"
    for provider in ("entra", "okta"):
        away = provision(provider, "test-connection", "--target", nobody)
        assert away.returncode == 1
        assert "refused" in away.stderr
        assert nobody in away.stderr
    assert provision("okta", "test-connection", "--token", "wrong").returncode == 1


def test_a_cycle_that_reaches_nobody_has_failed(provision):
    """Exit 1 and the reason, on the cycle's line and on standard error: not "nothing to do"."""
    target = f"http://127.0.0.1:{free_port()}/scim/v2"
    good(provision("entra", "start", "--source", "small", "--target", target))
    for verb in (["cycle"], ["run", "--cycles", "2"]):
        done = provision("entra", *verb, "--target", target)
        assert done.returncode == 1
        assert f"failed: WebExceptionProtocolError: The target {target} cannot be reached" in done.stdout
        assert "nothing to do" not in done.stdout
        assert "the cycle failed: WebExceptionProtocolError" in done.stderr


def test_failures_and_quarantine_are_named(provision, target):
    """Exit 1 says which objects, or why the quarantine and when the next attempt is."""
    with target.fault("abort", operation="user.create", status=500, times=1):
        failed = provision("entra", "cycle", "--source", "small", "--app", "segment")
    assert failed.returncode == 1
    assert "InternalServerError" in failed.stderr
    assert "mockscim provision entra log" in failed.stderr
    table = good(provision("entra", "log", "--failures")).splitlines()
    assert table[0].split() == ["when", "action", "object", "status", "error"]
    assert all("failure" in line for line in table[1:])
    assert max(map(len, table)) <= COLUMNS
    waiting = provision("entra", "run", "--cycles", "1")
    assert (waiting.returncode, "that failed before wait to be tried again" in waiting.stderr) == (1, True)
    assert good(provision("entra", "run", "--for", "1d"))
    quarantined = provision("entra", "restart") and provision("entra", "cycle", "--token", "wrong")
    assert quarantined.returncode == 1
    assert "in quarantine (EncounteredQuarantineException)" in quarantined.stderr
    page = good(provision("entra", "status"))
    assert "next attempt" in page
    assert "Quarantine" in page


def test_the_log(provision):
    """A table of the entries, JSON for machines, one entry with its steps and modified properties."""
    good(provision("entra", "cycle", "--source", "small", "--app", "segment"))
    table = good(provision("entra", "log")).splitlines()
    entries = [json.loads(line) for line in good(provision("entra", "log", "--json")).splitlines()]
    assert len(entries) == len(table) - 1
    one = next(entry for entry in entries if entry["provisioningAction"] == "create")
    page = good(provision("entra", "log", one["id"]))
    for words in ("EntryExportAdd", "modified properties", "userName", "target id", "duration"):
        assert words in page
    assert max(len(line) for line in page.splitlines()) <= COLUMNS
    missing = provision("entra", "log", "nothing-of-that-id")
    assert (missing.returncode, "there is no entry" in missing.stderr) == (2, True)


def test_on_demand(provision, target):
    """The steps of one user; what cannot be provisioned is wrong input."""
    good(provision("entra", "start", "--source", "small", "--app", "segment"))
    page = good(provision("entra", "on-demand", "ann@example.com"))
    assert page.splitlines()[0].startswith("1. Import user: ")
    assert "ann@example.com" in target.users
    unknown = provision("entra", "on-demand", "nobody@example.com")
    assert (unknown.returncode, "nobody@example.com" in unknown.stderr) == (2, True)
    assert provision("entra", "on-demand", "bjorn@example.com", "--token", "wrong").returncode == 1


def test_mappings(provision, tmp_path):
    """Those that come along are shown, a file is checked, and what is wrong in it is named."""
    assert 'emails[type eq "work"].value' in good(provision("entra", "mappings", "--app", "segment"))
    document = json.loads(good(provision("entra", "mappings", "show", "--app", "segment", "--json")))
    path = tmp_path / "mapping.json"
    path.write_bytes(orjson.dumps(document))
    assert "good" in good(provision("entra", "mappings", "check", str(path)))
    document["users"]["attributeMappings"][0].update(type="Expression", source="Shout([mail])")
    path.write_bytes(orjson.dumps(document))
    wrong = provision("entra", "mappings", "check", str(path))
    assert wrong.returncode == 2
    assert f"{path}: /users/attributeMappings/0" in wrong.stderr
    assert "Shout" in wrong.stderr
    assert provision("entra", "mappings", "check", str(tmp_path / "none.json")).returncode == 2


def test_okta(provision, target):
    """Push, run, status, log, import, retry."""
    assert "push 1: " in good(provision("okta", "push", "--source", "small"))
    assert "push 2: " in good(provision("okta", "run"))
    assert "Sales" in target.groups
    assert f"{len(target.users)} active" in good(provision("okta", "status"))
    assert json.loads(good(provision("okta", "status", "--json")))["users"]["active"] == len(target.users)
    assert "push memberships" in good(provision("okta", "log"))
    assert "linked" in good(provision("okta", "import", "users"))
    assert good(provision("okta", "push", "Engineering"))
    assert provision("okta", "push", "Nobodies").returncode == 2
    assert "there are no tasks" in good(provision("okta", "retry"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("entra", "cycle", "--source", "missing.json"),
        ("entra", "cycle"),
        ("entra", "cycle", "--source", "small", "--target", "nowhere"),
        ("entra", "cycle", "--source", "small", "--clock", "lunar"),
        ("entra", "cycle", "--source", "small", "--timeout", "never"),
        ("entra", "cycle", "--source", "small", "--app", "missing.json"),
        ("entra", "cycle", "--source", "small", "--settings", "missing.json"),
        ("entra", "cycle", "--source", "small", "--concurrency", "0"),
        ("entra", "cycle", "--source", "small", "--log", "/no/such/folder/log.ndjson"),
        ("entra", "cycle", "--source", "small", "--state", "/no/such/folder/state.json"),
        ("entra", "cycle", "--source", "small", "--smtp", "h:1"),
        ("entra", "status"),
        ("entra", "log", "--log", "missing.ndjson"),
        ("entra", "fly"),
        ("okta", "push", "--app-type", "saml"),
        ("google",),
    ],
)
def test_wrong_usage_and_input(provision, arguments):
    """Exit 2 and one line, never a traceback."""
    process = provision(*arguments)
    assert process.returncode == 2, (process.stdout, process.stderr)
    assert process.stderr.startswith("mockscim: error: ")
    assert process.stderr.count("\n") == 1


def test_a_directory_with_an_error(provision, tmp_path):
    """The file and the place in it are named."""
    path = tmp_path / "directory.json"
    path.write_bytes(b'{"kind": "directory", "users": [{"userPrincipalName": 7}], "groups": []}')
    process = provision("entra", "cycle", "--source", str(path))
    assert process.returncode == 2
    assert f"{path}: /users/0/" in process.stderr


def test_interrupted(target, company, tmp_path):
    """SIGINT lets the object under way end, keeps the state, and ends with 130; the next run does the rest."""
    source, state = tmp_path / "directory.json", tmp_path / "state.json"
    source.write_bytes(orjson.dumps(dump(company(120, 4))))
    given = ("--source", str(source), "--target", target.base_url, "--token", TOKEN, "--state", str(state))
    line = command("provision", "entra", "run", *given, "--clock", "virtual", "--app", "segment")
    process = subprocess.Popen(
        [*line, "--rate", "20"], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + PATIENCE
    while len(target.users) < 3 and time.monotonic() < until:
        time.sleep(0.02)
    other = subprocess.run(line, env=environment(), capture_output=True, text=True, timeout=PATIENCE)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, error
    assert "interrupted; the job is kept in" in error
    assert "interrupted" in out
    assert (other.returncode, "another run is using it" in other.stderr) == (2, True)
    done = len(target.users)
    assert 3 <= done < 100
    assert run("provision", "entra", "run", *given, "--cycles", "1").returncode == 0
    creates = [one for one in target.journal if one.operation == "user.create"]
    assert len(creates) == len(target.users) > 100


def test_a_progress_bar_in_a_terminal(target):
    """A bar is drawn for each phase, and the cycle's line remains."""
    ours, theirs = pty.openpty()
    given = ("--source", "company", "--target", target.base_url, "--token", TOKEN, "--clock", "virtual")
    process = subprocess.Popen(
        command("provision", "entra", *given, "--app", "segment", "cycle"),
        env=environment(TERM="xterm", COLUMNS="100"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65536):
            shown += part
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.wait(PATIENCE) == 0, shown.decode()
    text = shown.decode()
    assert "initial cycle: users" in text
    assert "initial cycle: groups" in text
    assert "###" in text
    assert "cycle 1 (initial): " in text


def test_help_is_quick_and_lists_the_providers():
    """The group is there without importing what its commands need."""
    assert "entra" in good(run("provision", "--help"))
    for verb in (
        "test-connection",
        "start",
        "stop",
        "restart",
        "cycle",
        "run",
        "on-demand",
        "status",
        "log",
        "mappings",
    ):
        assert verb in good(run("provision", "entra", "--help"))
    script = "import sys, mockscim.cli; print([m for m in ('aiohttp', 'orjson', 'msgspec') if m in sys.modules])"
    process = subprocess.run([command()[0], "-c", script], env=environment(), capture_output=True, text=True)
    assert process.stdout == "[]\n"


def test_the_demonstration():
    """It tells the story to its end, small, and the judge is content."""
    process = subprocess.run(
        command("provision", "demo", "--users", "80", "--groups", "6"),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    out = good(process)
    for words in ("cycle 1 (initial)", "answered with 429", "TooManyRequests", "nothing is broken", "without news"):
        assert words in out
