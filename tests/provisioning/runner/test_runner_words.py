"""What the commands tell an administrator, and what they advise."""

import json
import re
from pathlib import Path

import orjson
import pytest
from runner_commands import TOKEN, good

from tests.processes import free_port

COLUMNS = 100
FIXTURES = Path(__file__).parents[3] / "fixtures"


def in_one(page):
    """A page's text without its line breaks, wherever they are."""
    return "".join(page.split())


# -- a job that does not run ---------------------------------------------------------------------------------------


def test_a_stopped_job_says_how_it_goes_on(provision, tmp_path):
    """Also one that was stopped before its first cycle, and whatever else is wrong with the command."""
    good(provision("entra", "start", "--source", "small"))
    words = f"provisioning was stopped; mockscim provision entra start --state {tmp_path / 'entra.json'} lets it run"
    assert words in good(provision("entra", "stop"))
    for verb in (["run"], ["cycle"], ["run", "--cycles", "1", "--token", "wrong"]):
        refused = provision("entra", *verb)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr == f"mockscim: error: the job does not run: {words}\n"
    page = good(provision("entra", "status"))
    assert in_one(words) in in_one(page)
    assert max(map(len, page.splitlines())) <= COLUMNS
    good(provision("entra", "start"))
    assert "cycle 1 (initial)" in good(provision("entra", "cycle"))


def test_a_disabled_job_says_why_and_what_to_do(provision, target):
    """After four weeks in quarantine; the same error is not told again cycle by cycle, no next attempt is promised."""
    ended = provision("entra", "run", "--source", "small", "--for", "40d", "--token", "wrong")
    assert ended.returncode == 1
    assert ended.stdout.count("invalid credentials") == 1
    assert ended.stdout.count("failed as before") > 20
    why = "the job was in quarantine for four weeks; when the cause is mended, mockscim provision entra restart"
    assert why in ended.stderr
    sent = len(target.journal)
    again = provision("entra", "run")
    assert (again.returncode, again.stdout) == (1, "")
    assert f"the job does not run: {why}" in again.stderr
    assert len(target.journal) == sent
    page = good(provision("entra", "status"))
    assert in_one(why) in in_one(page)
    assert "next attempt" not in page
    good(provision("entra", "restart"))
    assert "6 created" in good(provision("entra", "cycle", "--app", "segment"))


def test_what_disabled_a_job_has_a_name(provision, target):
    """The group that could not be provisioned for four weeks is not told by a GUID."""
    with target.fault("abort", operation="group.create", where='displayName eq "Sales"', status=400):
        ended = provision("entra", "run", "--source", "small", "--app", "segment")
    assert ended.returncode == 1
    assert "group Sales could not be provisioned for 28 days" in ended.stderr


def test_what_is_held_back_can_be_approved(provision, target, tmp_path):
    """The guard against accidental deletions says what would let them pass, and that does."""
    good(provision("entra", "cycle", "--source", "small", "--app", "segment", "--deletion-threshold", "0"))
    assert len(target.users) == 4
    source = tmp_path / "nobody.json"
    document = json.loads((FIXTURES / "directory-small.json").read_bytes())
    source.write_text(json.dumps({**document, "appRoleAssignments": [], "steps": []}))
    held = provision("entra", "cycle", "--source", str(source))
    assert held.returncode == 1
    advice = f"restart --state {tmp_path / 'entra.json'} --reset-scope ForceDeletes"
    assert advice in held.stderr
    page = in_one(good(provision("entra", "status")))
    assert in_one("TooManyDeletes: more disables and deletes than the threshold allows") in page
    assert in_one("held back 6 disables and deletes") in page
    assert in_one(advice) in page
    assert len(target.users) == 4
    good(provision("entra", "restart", "--reset-scope", "ForceDeletes"))
    assert "6 deleted" in good(provision("entra", "cycle"))
    assert len(target.users) == 0
    assert "held back" not in good(provision("entra", "status"))


# -- where a run ends ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("app", "cycles"), [("segment", 74), ("non-gallery", 1154)])
def test_a_run_ends_when_nothing_more_is_to_come(provision, target, app, cycles):
    """Segment has deleted who left; elsewhere the account is disabled, and the purge after 30 days is waited for."""
    out = good(provision("entra", "run", "--source", "small", "--app", app))
    assert out.splitlines()[-1].startswith("nothing more is to come: no step of the directory is left")
    counted = sum(int(n) for n in re.findall(r"^(\d+) cycles? without news", out, re.MULTILINE))
    assert counted + len(re.findall(r"cycle \d+", out)) == cycles
    assert list(target.journal)[-1].operation == "user.delete"
    again = good(provision("entra", "run"))
    assert again.splitlines()[0] == "1 cycle without news: no request was sent"


def test_a_run_of_so_many_cycles_has_so_many(provision):
    """Neither fewer because nothing happens, nor more because something is to come."""
    for count in (1, 5, 100):
        out = good(provision("entra", "run", "--source", "small", "--app", "segment", "--cycles", str(count), "--json"))
        assert len(out.splitlines()) == count


def test_a_run_waits_for_what_failed(provision, target):
    """It ends when that has been tried again, six hours after the news did."""
    with target.fault("abort", operation="user.delete", status=500, times=1):
        out = good(provision("entra", "run", "--source", "small", "--app", "segment"))
    assert re.search(r"^2026-01-03 06:00:00  cycle \d+: 1 deleted", out, re.MULTILINE)


def test_oktas_run_does_not_wait_for_the_purge(provision):
    """Okta sends nothing then."""
    good(provision("okta", "run", "--source", "small"))
    assert "2026-01-03 00:00:00" in good(provision("okta", "status"))


def test_a_cycle_without_news_asks_nobody(provision, target):
    """So it does not notice that the token is no good any more; the next change does."""
    good(provision("entra", "cycle", "--source", "small", "--app", "segment"))
    sent = len(target.journal)
    out = good(provision("entra", "cycle", "--token", "wrong"))
    assert out == "1 cycle without news: no request was sent\n"
    assert len(target.journal) == sent
    assert provision("entra", "test-connection", "--token", "wrong").returncode == 1
    assert provision("entra", "cycle", "--token", "wrong").returncode == 1


# -- the log -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("provider", "verb"), [("entra", "start"), ("okta", "push")])
def test_a_job_without_a_log(target, tmp_path, provider, verb, alone):
    """That is no error; what makes one is told."""
    state = ("--state", str(tmp_path / "job.json"))
    given = ("--source", "small", "--target", target.base_url, "--token", TOKEN, "--clock", "virtual")
    good(alone(provider, verb, *given, *state))
    for form in ((), ("--json",)):
        shown = alone(provider, "log", *state, *form)
        assert good(shown) == ""
        assert "this job keeps no log" in shown.stderr
        assert "--log FILE" in shown.stderr
    assert alone(provider, "log", *state, "some-id").returncode == 2
    assert alone(provider, "log").returncode == 2
    assert alone(provider, "log", "--state", str(tmp_path / "none.json")).returncode == 2


def test_a_log_without_entries(provision, tmp_path):
    """Neither is that an error."""
    good(provision("entra", "start", "--source", "small", "--app", "segment"))
    shown = provision("entra", "log")
    assert (shown.returncode, shown.stdout) == (0, "")
    assert f"nothing is logged yet in {tmp_path / 'entra.ndjson'}" in shown.stderr
    good(provision("entra", "cycle"))
    shown = provision("entra", "log", "--failures")
    assert (shown.returncode, shown.stdout) == (0, "")
    assert "nothing has failed" in shown.stderr


def test_hints_can_be_pasted(provision, target, tmp_path, alone):
    """What is advised names the same job, also where its file's name wants quotes."""
    state = tmp_path / "my job.json"
    more = ("--state", str(state), "--source", "small", "--app", "segment")
    assert good(provision("entra", "start", *more)).endswith(
        f"mockscim provision entra run --state '{state}' does it\n"
    )
    with target.fault("abort", operation="user.create", status=500):
        failed = provision("entra", "cycle", "--state", str(state))
    assert failed.stderr.endswith(f"; see mockscim provision entra log --state '{state}'\n")
    with target.fault("abort", status=500):
        failed = provision("okta", "push", "--source", "small")
    assert failed.stderr.endswith(f"; see mockscim provision okta log --state {tmp_path / 'okta.json'}\n")
    line = ("--source", "small", "--clock", "virtual", "--target", target.base_url, "--token", TOKEN)
    with target.fault("abort", operation="user.create", status=500):
        failed = alone("entra", "cycle", *line)
    assert "InternalServerError" in failed.stderr
    assert "; see " not in failed.stderr  # nothing keeps what happened


# -- the target and the token --------------------------------------------------------------------------------------


def test_a_target_that_is_not_there_is_named(provision):
    """Whatever was asked for, with what helps."""
    nobody = f"http://127.0.0.1:{free_port()}/scim/v2"
    for arguments in (
        ("entra", "test-connection"),
        ("entra", "cycle", "--source", "small"),
        ("okta", "test-connection"),
        ("okta", "push", "--source", "small"),
        ("okta", "import", "users", "--source", "small"),
    ):
        failed = provision(*arguments, "--target", nobody)
        assert failed.returncode == 1
        assert nobody in failed.stderr
        assert "--target URL names another, mockscim serve starts one" in failed.stderr


def test_who_gave_no_token_is_told_how(target, tmp_path, alone):
    """And who gave a wrong one is not."""
    hint = "no token was given: --token TOKEN, or MOCKSCIM_PROVISION_TOKEN in the environment, gives one"
    given = ("--target", target.base_url, "--source", "small", "--clock", "virtual")
    for arguments in (
        ("entra", "test-connection"),
        ("entra", "cycle"),
        ("entra", "on-demand", "ann@example.com"),
        ("okta", "test-connection"),
        ("okta", "push"),
        ("okta", "import", "users"),
    ):
        without = alone(*arguments, *given)
        assert (without.returncode, without.stderr.count(hint)) == (1, 1), without.stderr
        wrong = alone(*arguments, *given, "--token", "wrong")
        assert (wrong.returncode, hint in wrong.stderr) == (1, False)


def test_an_import_that_fails_shows_no_result(provision):
    """Only the error."""
    failed = provision("okta", "import", "users", "--source", "small", "--token", "wrong")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "the import failed: The credentials used" in failed.stderr


def test_what_was_meant(alone):
    """A name that is nearly right is taken up."""
    for arguments, words in (
        (("--app", "segmnt"), "did you mean 'segment'?"),
        (("--source", "directory-smal"), "did you mean 'small'?"),
        (("--source", "compny"), "did you mean 'company'?"),
    ):
        source = () if "--source" in arguments else ("--source", "small")
        process = alone("entra", "run", *source, *arguments)
        assert (process.returncode, words in process.stderr) == (2, True), process.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "1:2: not JSON"),
        (b"[]", 'an object with "users" and "groups" was expected'),
        (b'{"users": {}}', "/users/attributeMappings"),
    ],
)
def test_a_mapping_file_that_is_broken(provision, tmp_path, content, words):
    """Is wrong input, by its place."""
    path = tmp_path / "mapping.json"
    path.write_bytes(content)
    process = provision("entra", "mappings", "check", str(path))
    assert (process.returncode, process.stdout) == (2, "")
    assert str(path) in process.stderr
    assert words in process.stderr


# -- Okta ----------------------------------------------------------------------------------------------------------


def test_what_all_share_is_told_once(provision, target):
    """The same error of everybody is one, with the first three by name."""
    with target.fault("abort", status=503):
        failed = provision("okta", "push", "--source", "small")
    assert failed.returncode == 1
    assert failed.stderr.count("Service Unavailable. Errors") == 1
    who = "6 failures: user ann@example.com, user bjorn@example.com, user chidi@example.com and 3 more: Service"
    assert who in failed.stderr
    with target.fault("abort", operation="user.create", where='userName eq "emre@example.com"', status=400):
        failed = provision("okta", "retry")
    assert "1 failure: user emre@example.com: Bad Request" in failed.stderr


def test_oktas_lines_are_sentences(provision):
    """What was done to how many, not the names of events."""
    first = good(provision("okta", "push", "--source", "small"))
    assert re.search(r"push 1: (.*); \d+ requests", first)[1] == (
        "4 users created, 2 groups mapped, 2 groups pushed, 2 groups given members"
    )
    out = good(provision("okta", "run"))
    assert "1 user deactivated, 1 group given members" in out
    table = good(provision("okta", "log")).splitlines()
    assert table[0].split() == ["when", "action", "object", "status", "error"]
    assert not [line for line in table if "…" in line]


def test_oktas_status_fits_what_happened(provision, target, tmp_path):
    """What waits for whom: groups for the next push, users for an administrator; whole messages, times to read."""
    state = tmp_path / "okta.json"
    with target.fault("abort", status=503):
        provision("okta", "push", "--source", "small")
    page = good(provision("okta", "status"))
    assert "users           0 active, 0 inactive" in page
    assert "last push       1, 2026-01-01 00:00:00: 4 users and 2 groups, 6 of them failed" in page
    assert "next push       2 groups to be looked at" in page
    assert f"tasks:4tobetriedagainbymockscimprovisionoktaretry--state{state},2withthenextpush" in in_one(page)
    message = "Automatic provisioning of user ann@example.com to app mockscim failed: Error while checking if"
    assert in_one(f"Ann Ashdown, tried once {message}") in in_one(page)
    assert "lastPush" not in page
    assert "…" not in page
    assert max(map(len, page.splitlines())) <= COLUMNS
    document = json.loads(good(provision("okta", "status", "--json")))
    assert document["pending"] == {"users": 0, "groups": 2}
    good(provision("okta", "push"))
    page = good(provision("okta", "status"))
    assert "next push       nothing to do" in page
    assert "tasks: 4 to be tried again by" in page
    good(provision("okta", "retry"))
    page = good(provision("okta", "status"))
    assert "users           4 active" in page
    assert "tasks" not in page


def test_oktas_status_knows_what_is_to_be_pushed(provision, target, tmp_path):
    """What was edited since the last push is pending, and looking at it changes nothing."""
    source = tmp_path / "directory.json"
    people = [
        {"userPrincipalName": f"{name}@example.com", "displayName": name, "accountEnabled": True} for name in "abc"
    ]
    roles = [{"principalId": one["userPrincipalName"]} for one in people]
    document = {"kind": "directory", "users": people, "groups": [], "appRoleAssignments": roles}
    source.write_bytes(orjson.dumps(document))
    good(provision("okta", "push", "--source", str(source)))
    people[0]["displayName"] = "Anna"
    source.write_bytes(orjson.dumps(document))
    for _ in range(2):
        assert json.loads(good(provision("okta", "status", "--json")))["pending"] == {"users": 1, "groups": 0}
    good(provision("okta", "push"))
    assert json.loads(good(provision("okta", "status", "--json")))["pending"] == {"users": 0, "groups": 0}
    assert len(target.users) == 3


def test_a_retry_without_tasks_says_so(provision):
    """And sends nothing."""
    good(provision("okta", "push", "--source", "small"))
    assert good(provision("okta", "retry")) == "there are no tasks: nothing has to be tried again\n"
    assert good(provision("okta", "retry", "--json")) == ""


def test_a_password_that_is_not_synced(provision):
    """Which key of which file switches it."""
    good(provision("okta", "push", "--source", "small"))
    refused = provision("okta", "push-password", "ann@example.com")
    assert refused.returncode == 2
    assert '{"sync_password": true} in the file of --settings' in refused.stderr
