"""On a server that runs: each test has a tenant of its own there."""

import json

import pytest
from processes import Server


@pytest.fixture
def server():
    with Server("--admin-token", "for-tests-too") as made:
        yield made


def where(server):
    """The environment that names it."""
    return {"MOCKSCIM_URL": server.base_url, "MOCKSCIM_ADMIN_TOKEN": "for-tests-too"}


def test_tenants(suite, server):
    """The suite of fresh directories passes there as it does here, by two workers in random order."""
    result = suite("fresh", plugins=["xdist", "randomly"], args=["-n2"], **where(server))
    result.assert_outcomes(passed=25, xfailed=1, skipped=1)
    journal = server.request("GET", "/_mockscim/journal", Authorization="Bearer for-tests-too").body
    assert journal["last"] == 0  # nothing was done to the server's own directory


def test_report(suite, pytester, server):
    """What is reported is the same, and the command names the server; after its end a tenant is gone."""
    wanted = "assertion or untidy or stopped"
    suite("failing", plugins=["timeout", "noting"], args=["-k", wanted], **where(server))
    noted = [json.loads(line) for line in (pytester.path / "noted.jsonl").read_text().splitlines()]
    sections = {each["name"]: dict(each["sections"])["mockscim: scim"] for each in noted}
    assert sections["test_stopped"] == "the server had been stopped, and what had happened there went with it"
    for name in ("test_assertion", "test_untidy"):
        command = " ".join(sections[name].replace("\\\n", "").split())
        assert f"MOCKSCIM_URL={server.base_url} pytest test_failing.py::{name} --mockscim-seed=0" in command
        assert "user.create" in sections[name]
    assert "I2 no orphans" in sections["test_assertion"]
    users = sections["test_untidy"].split("\n")[1].removeprefix(server.root) + "/Users"
    assert server.request("GET", users).body["totalResults"] == 0  # it made one, in a tenant that is no more


def test_unreachable(suite):
    """A server that is not there is an error of each test, in a line."""
    result = suite("idle", "quiet", MOCKSCIM_URL="http://127.0.0.1:9")
    result.assert_outcomes(passed=1, errors=3, failed=1)
    result.stdout.fnmatch_lines(["scim: *127.0.0.1:9*", "*mockscim serve, or name another with MOCKSCIM_URL"])
    assert "--url" not in result.stdout.str()


def test_faults_of_the_start(suite, server):
    """Those that a tenant starts with are to strike there, too."""
    suite("started", **where(server)).assert_outcomes(passed=12, errors=4)


def test_shut_out(suite, server):
    """Without the admin token, or with a wrong one, the line names the variable."""
    for token, says in (("", "wants its admin token: give"), ("wrong", "refused the admin token")):
        result = suite("idle", "quiet", **{**where(server), "MOCKSCIM_ADMIN_TOKEN": token})
        told = " ".join(result.stdout.str().split())
        assert says in told
        assert "with MOCKSCIM_ADMIN_TOKEN" in told
