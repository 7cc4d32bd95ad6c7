"""Whose word counts, and that what was refused leaves everything as it was."""

import json

import pytest
from runner_commands import TOKEN, good

from mockscim import MockScim
from tests.processes import free_port


@pytest.fixture
def started(target, tmp_path, alone):
    """The state of a job that was started with options alone, and of an application that was pushed."""
    given = ("--source", "small", "--target", target.base_url, "--token", TOKEN, "--clock", "virtual")
    good(alone("entra", "start", *given, "--app", "segment", "--state", str(tmp_path / "entra.json")))
    good(alone("okta", "push", *given, "--state", str(tmp_path / "okta.json")))
    return {"entra": tmp_path / "entra.json", "okta": tmp_path / "okta.json"}


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("entra", "run"), 2),
        (("entra", "start"), 2),
        (("entra", "stop"), 2),
        (("entra", "restart"), 2),
        (("entra", "restart", "--source", "small", "--reset-scope", "Everything"), 2),
        (("entra", "on-demand", "ann@example.com"), 2),
        (("entra", "test-connection"), 0),
        (("entra", "test-connection", "--token", "wrong"), 1),
        (("okta", "push"), 2),
        (("okta", "push", "Nobodies", "--source", "small"), 2),
        (("okta", "push-password", "ann@example.com", "--source", "small"), 2),
        (("okta", "retry", "--source", "small"), 2),
        (("okta", "test-connection"), 0),
    ],
)
def test_what_is_refused_makes_no_job(target, tmp_path, arguments, status, alone):
    """Neither does a test of the connection: no file is left, nor a lock."""
    given = ("--target", target.base_url, "--token", TOKEN, "--state", str(tmp_path / "job.json"))
    provider, verb, *more = arguments
    process = alone(provider, *given, verb, *more)
    assert process.returncode == status, process.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_is_refused_changes_no_job(provision, tmp_path):
    """Not its target either, though that stood on the same line."""
    good(provision("entra", "start", "--source", "small"))
    good(provision("entra", "stop"))
    state = tmp_path / "entra.json"
    before = state.read_bytes()
    assert provision("entra", "run", "--target", "http://elsewhere.example.com/v2").returncode == 1
    assert provision("entra", "restart", "--reset-scope", "Everything", "--scope", "all").returncode == 2
    assert state.read_bytes() == before


def test_a_refused_run_does_not_fix_the_clock(target, tmp_path, alone):
    """Whoever forgot the source can still choose virtual time."""
    given = ("--target", target.base_url, "--token", TOKEN, "--state", str(tmp_path / "job.json"))
    assert alone("entra", "run", *given).returncode == 2
    good(alone("entra", "start", *given, "--source", "small", "--clock", "virtual"))
    assert "2026-01-01 00:00:00" in good(alone("entra", "status", *given))


@pytest.mark.parametrize(("provider", "verb"), [("entra", "cycle"), ("okta", "push")])
def test_the_environment_does_not_turn_a_job_round(target, started, provider, verb, alone):
    """It goes on to where its state says; what is not used is told, with the option that would change it."""
    with MockScim.threaded(profile="segment", token=TOKEN) as other:
        around = {"TARGET": other.base_url, "TOKEN": TOKEN}
        state = ("--state", str(started[provider]))
        page = alone(provider, "status", *state, **around)
        assert target.base_url in good(page)
        note = f"note: MOCKSCIM_PROVISION_TARGET={other.base_url} is not used: the job in {started[provider]} has "
        assert f"{note}{target.base_url}; --target changes it\n" in page.stderr
        good(alone(provider, verb, *state, **around))
        assert len(target.users) == 4
        assert len(other.journal) == 0
        good(alone(provider, "test-connection", *state, "--target", other.base_url, **around))
        assert len(other.journal) > 0
        assert other.base_url in good(alone(provider, "status", *state))


def test_what_the_environment_says_alike_is_not_told(started, target, tmp_path, alone):
    """And what the state does not know comes from the environment: the token, a log."""
    document = tmp_path / "settings.json"
    document.write_text('{"interval": 2400}')
    around = {
        "SOURCE": "small",
        "TARGET": target.base_url,
        "APP": "segment",
        "SCOPE": "assigned",
        "SEED": "0",
        "CLOCK": "virtual:2026-01-01T00:00:00Z",
        "SETTINGS": str(document),
        "LOG": str(tmp_path / "log.ndjson"),
        "TOKEN": TOKEN,
        "STATE": str(started["entra"]),
    }
    process = alone("entra", "cycle", **around)
    assert "cycle 1 (initial)" in good(process)
    assert process.stderr == ""
    assert (tmp_path / "log.ndjson").read_text().count("\n") > 4
    document.write_text('{"interval": 600}')
    differing = {"SCOPE": "all", "CLOCK": "real"}
    process = alone("entra", "status", **{**around, **differing})
    for name in ("SETTINGS", "SCOPE", "CLOCK"):
        assert f"note: MOCKSCIM_PROVISION_{name}=" in process.stderr
    assert process.stderr.count("note: ") == 3
    assert json.loads(good(alone("entra", "status", "--json", **around)))["schedule"]["interval"] == "PT40M"


def test_the_line_counts_before_the_environment(target, alone):
    """Also what stands before the verb."""
    around = {"TARGET": f"http://127.0.0.1:{free_port()}/scim/v2", "CYCLES": "5"}
    line = ("--target", target.base_url, "--token", TOKEN)
    assert "authorized" in good(alone("entra", *line, "test-connection", **around))
    more = ("--source", "small", "--clock", "virtual", "--cycles", "2")
    out = good(alone("entra", *line, *more, "run", "--json", **around))
    assert len(out.splitlines()) == 2
    out = good(alone("entra", *line, "--source", "small", "--clock", "virtual", "--for", "2h"))
    assert "1 cycle without news" in out
    assert "2026-01-01 01:20:00  cycle 3" in out


def test_a_broken_state_is_named_whatever_the_environment_says(provision, tmp_path):
    """With the place in it, and once."""
    state = tmp_path / "entra.json"
    for job in (None, {}, {"version": 1, "settings": {"target": 7}}):
        state.write_text(json.dumps({"kind": "provisioning-state", "version": 1, "provider": "entra", "job": job}))
        refused = provision("entra", "status")
        assert refused.returncode == 2
        assert refused.stderr.startswith(f"mockscim: error: --state {state}: /job: ")
