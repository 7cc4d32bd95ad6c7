import json
import os
import re
import signal
import socket
import subprocess
import sys

import pytest
from processes import PATIENCE, TOKEN, Server, command, environment
from processes import run as process

from mockscim import __version__, fixtures
from mockscim.cli import main
from mockscim.remote import Follower, Remote, RemoteError
from mockscim.tables import WIDTH, clip, grid, journal_row, printable


@pytest.fixture(scope="module")
def server():
    """One server for all; each test has a tenant of its own."""
    with Server("--fixture", "small", "--token", TOKEN, "--clock", "virtual", "--seed", "7") as running:
        yield running


@pytest.fixture
def root(server, request):
    """The root of a tenant that only this test uses."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", request.node.name)[:60].strip("-")
    return f"{server.root}/t/{name}"


@pytest.fixture
def mockscim(capfd, monkeypatch):
    """Run a command in this process; returns exit code, standard output and standard error."""
    for name in [name for name in os.environ if name.startswith("MOCKSCIM_")]:
        monkeypatch.delenv(name)

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        out, err = capfd.readouterr()
        return ended.value.code, out, err

    return run


# -- the command itself --------------------------------------------------------------------------------------------


def test_version_and_help(mockscim):
    """``--version`` says it, ``--help`` lists the commands; no arguments at all are wrong usage."""
    assert mockscim("--version") == (0, f"mockscim {__version__}\n", "")
    code, out, _ = mockscim("--help")
    assert code == 0
    for name in ("serve", "fixture", "profiles", "faults", "journal", "reset"):
        assert re.search(rf"^  {name} ", out, re.MULTILINE)
    code, out, err = mockscim("faults")
    assert (code, out) == (2, "")
    assert "Usage: mockscim faults" in err


def test_help_waits_for_nothing():
    """Reading the command line imports neither the server nor what it stands on."""
    heavy = "{'aiohttp', 'asyncio', 'msgspec', 'orjson', 'http.client'} & set(sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, mockscim.cli; print({heavy} or 'light')"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.stdout == "light\n"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nonsense"], "No such command 'nonsense'. (see mockscim --help)"),
        (["journal", "--format", "xml"], "'xml' is not one of 'table', 'json', 'curl', 'har'."),
        (["journal", "--format", "har", "--follow"], "a HAR is one document: it cannot be followed"),
        (["journal", "--since", "-1"], "-1 is not in the range"),
        (["fixture", "new"], "Missing option '--users'"),
        (["fixture", "new", "--users", "-1"], "-1 is not in the range"),
        (
            ["fixture", "new", "--users", "1", "--output", "/nowhere/x"],
            "--output /nowhere/x: No such file or directory",
        ),
        (["fixture", "check", "nowhere.json"], "nowhere.json: a file or the name of a bundled fixture was expected"),
        (["fixture", "check", "small", "--profile", "odd"], "odd: neither a profile (interop, segment, standard) nor"),
        (["profiles", "odd"], "odd: neither a profile (interop, segment, standard) nor a readable file"),
        (["faults", "types", "odd"], "there is no fault type 'odd'; there are abort, "),
        (["faults", "add", "user.create"], "'user.create': expected OPERATION=OUTCOME. Example: "),
        (["faults", "load", "odd"], "odd: no such scenario. Expected a file or one of a-page-one-short, bad-gateway, "),
        (["reset", "--url", "ftp://localhost"], "--url: http://HOST:PORT was expected, not 'ftp://localhost'"),
        (["reset", "--url", "http://localhost:x"], "--url: http://HOST:PORT was expected"),
        (["reset", "--url", "http://:80"], "--url: http://HOST:PORT was expected"),
        (["reset", "--admin-token", "a b"], "--admin-token: printable ASCII without spaces was expected"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(mockscim, arguments, text):
    """What is wrong stands on one line of standard error, and nothing on standard output."""
    code, out, err = mockscim(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("mockscim: error: ")
    assert err.count("\n") == 1
    assert text in err


# -- fixtures ------------------------------------------------------------------------------------------------------


def test_a_new_directory_is_a_source_and_no_fixture(mockscim, tmp_path):
    """With --directory it is what provision starts from; check and serve say so, and what goes with what."""
    path = tmp_path / "company.json"
    arguments = ["fixture", "new", "--directory", "--users", "12", "--groups", "4", "--seed", "3", "--days", "14"]
    code, first, _ = mockscim(*arguments)
    assert code == 0
    assert mockscim(*arguments, "--output", str(path))[0] == 0
    assert path.read_text() == first
    document = json.loads(first)
    assert (document["kind"], len(document["users"]), len(document["groups"])) == ("directory", 12, 4)
    assert document["steps"]
    code, _, said = mockscim("fixture", "check", str(path))
    assert code == 1
    assert "a directory is the source of a simulated identity provider: mockscim provision" in said
    code, _, said = mockscim("serve", "--port", "0", "--fixture", "directory-small")
    assert code == 2
    assert "a directory is the source of a simulated identity provider: mockscim provision" in said
    for wrong in (["--days", "3"], ["--directory", "--ndjson"]):
        assert mockscim("fixture", "new", "--users", "1", *wrong)[0] == 2


def test_a_new_fixture_is_reproducible_and_good(mockscim, tmp_path):
    """The same numbers and seed give the same bytes, to a file as to standard output; what is made can be loaded."""
    code, first, _ = mockscim("fixture", "new", "--users", "12", "--groups", "4", "--seed", "3")
    assert code == 0
    path = tmp_path / "people.json"
    assert mockscim("fixture", "new", "--users", "12", "--groups", "4", "--seed", "3", "--output", str(path))[1] == ""
    assert path.read_text() == first
    assert mockscim("fixture", "new", "--users", "12", "--groups", "4")[1] != first
    code, out, _ = mockscim("fixture", "check", str(path))
    assert code == 0
    assert re.fullmatch(rf"{path}: good for the profile standard: 12 users, 4 groups, \d+ memberships\n", out)


def test_a_large_fixture_is_a_resource_a_line(mockscim, tmp_path):
    """Above 20,000 users, or when asked for, it is NDJSON."""
    path = tmp_path / "many.json"
    assert mockscim("fixture", "new", "--users", "20001", "--output", str(path))[0] == 0
    with path.open("rb") as file:
        assert sum(1 for line in file if json.loads(line)["userName"]) == 20001
    _, out, _ = mockscim("fixture", "new", "--users", "2", "--ndjson")
    assert len(out.splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{"users": [}', ":1:12: not JSON"),
        ('{"users": [{"userName": "ann"}, {"userName": "ANN"}]}', ": /users/1: "),
        ('{"profile": "odd", "users": []}', ": odd: neither a profile"),
        ('{"groups": [{"displayName": "Staff", "members": ["nobody"]}]}', ": /groups/0/members/0"),
    ],
)
def test_a_broken_fixture_fails_the_check(mockscim, tmp_path, text, where):
    """A fixture that serve would not load is a check that failed: exit 1, with the place."""
    path = tmp_path / "broken.json"
    path.write_text(text)
    code, out, err = mockscim("fixture", "check", str(path))
    assert (code, out) == (1, "")
    assert err.startswith(f"mockscim: error: {path}")
    assert where in err


def test_the_accounts_of_a_fixture_are_counted(mockscim):
    """``check`` loads as serve does, with the profile that the fixture names."""
    code, out, _ = mockscim("fixture", "check", "segment-workspace")
    assert code == 0
    assert out.startswith("segment-workspace: good for the profile segment: ")
    assert out.endswith(" accounts\n")


def test_a_dump_loads_to_the_same_state(mockscim, server, root, tmp_path):
    """What ``dump`` writes is a fixture with what the server holds now."""
    server.create("new@example.com", root=root)
    path = tmp_path / "state.json"
    assert mockscim("fixture", "dump", "--url", root, "--output", str(path)) == (0, "", "")
    loaded = fixtures.load(path)
    assert len(loaded.resources) == 8
    assert mockscim("fixture", "dump", "--url", f"{root}/_mockscim/")[1] == path.read_text()


# -- profiles and fault types --------------------------------------------------------------------------------------


def test_profiles_are_listed(mockscim):
    """Name, number of quirks and title; the same for machines."""
    assert mockscim("profiles")[1].splitlines()[2].split(maxsplit=2)[::2] == ["segment", "Twilio Segment"]
    listed = json.loads(mockscim("profiles", "--json")[1])
    assert [each["name"] for each in listed] == ["interop", "segment", "standard"]
    assert all(each["quirks"] for each in listed)


def test_a_profile_shows_every_quirk_with_source_and_switch(mockscim):
    """Each quirk with how it is known, its source and its switch; then the leniencies, on or off."""
    shown = mockscim("profiles", "segment")[1]
    document = json.loads(mockscim("profiles", "segment", "--json")[1])
    for quirk in document["quirks"]:
        assert f"* {quirk['what']}\n  {quirk['confidence']}: {quirk['source']}\n" in shown
        if quirk["setting"]:
            assert f"  switch: {quirk['setting']}" in shown
    off = {row["code"] for row in document["leniencies"] if not row["on"]}
    assert "remove-members-by-value" in off
    for code in off:
        assert re.search(rf"^  off +{code} ", shown, re.MULTILINE)


def test_fault_types_need_no_server(mockscim):
    """All types, uncut where no terminal is, or one by name or alias with its parameters."""
    listed = json.loads(mockscim("faults", "types", "--json")[1])
    lines = mockscim("faults", "types")[1].splitlines()
    assert [line.split()[0] for line in lines] == ["name", *(kind["name"] for kind in listed)]
    assert [line.split("  ")[-1].strip() for line in lines[1:]] == [kind["doc"] for kind in listed]
    assert "  status (required): HTTP status." in mockscim("faults", "types", "abort")[1]
    reset = mockscim("faults", "types", "CONNECTION_RESET_BY_PEER")[1]
    assert reset.startswith("reset (transport, before or after): ")
    assert reset.endswith("It has no parameters.\n")
    assert json.loads(mockscim("faults", "types", "reset", "--json")[1])["name"] == "reset"


TOLD = {
    "lost_ack": "(default reset): What the client meets instead of the answer. One of 500, 502, 503, 504, drop, hang, ",
    "start_index": "mode (required): What becomes of startIndex. One of echo_wrong, ignored, minus_one, plus_one, ",
    "total_results": "mode (required): What is said instead. One of grows, minus, page_size, plus, string, zero.",
    "truncate": "of it where there is a point. An integer, 0 or more or a number from 0 to 1.",
    "latency": "  sigma (optional): lognormal: spread of the logarithm. A number from 0 to 10.",
    "index_lag": " (default 30s): ",
    "rate_limit": "One or several of ip, operation, tenant, token.",
}


@pytest.mark.parametrize("name", TOLD)
def test_a_fault_type_tells_what_its_parameters_may_be(mockscim, name):
    """Each with its default, the values that there are or their range, on lines of a hundred columns."""
    shown = mockscim("faults", "types", name)[1]
    parameters = shown.partition("Parameters:\n")[2]
    assert max(map(len, parameters.splitlines())) <= 100
    assert TOLD[name] in re.sub(r"\n {6}(?=\S)", " ", parameters)


@pytest.mark.parametrize("profile", ["interop", "segment", "standard"])
def test_a_profile_and_its_server_tell_the_same_of_leniencies(mockscim, server, profile):
    """On, off, or not asked: in the table, for machines, and at the policy of a tenant of that profile."""
    remote = Remote(f"{server.root}/t/{profile}")
    remote.call("PUT", "/", {"profile": profile})
    policy = {row["code"]: (row["on"], row["asked"]) for row in remote.call("GET", "/policy")["items"]}
    listed = json.loads(mockscim("profiles", profile, "--json")[1])["leniencies"]
    assert {row["code"]: (row["on"], row["asked"]) for row in listed} == policy
    shown = mockscim("profiles", profile)[1]
    for code, (on, asked) in policy.items():
        told = ("on" if on else "off") if asked else "not asked"
        assert re.search(rf"^  {told} +{code} ", shown, re.MULTILINE), code
    assert ("not asked" in shown) == (profile != "interop")
    ours, _, interop = shown.partition("\nLeniencies")[2].partition("Those of the interoperability profile")
    assert "interop-put" in interop
    assert "interop-put" not in ours


def test_the_help_says_what_a_number_without_a_unit_is(mockscim):
    """Seconds, wherever a duration is asked for."""
    shown = " ".join(mockscim("serve", "--help")[1].split())
    assert "a number without a unit is seconds" in shown
    assert "2 (seconds)" in shown


# -- faults of a running server ------------------------------------------------------------------------------------


def test_rules_are_added_listed_and_removed(mockscim, server, root):
    """``add`` prints the name that ``remove`` takes; ``list`` shows hits and matches; ``clear`` leaves none."""
    assert mockscim("faults", "list", "--url", root) == (0, "", "")
    assert mockscim("faults", "add", "user.get=503", "--url", root) == (0, "user.get-abort-1\n", "")
    assert mockscim("faults", "add", '*=latency(0, name="slow")', "--url", root)[1] == "slow\n"
    server.request("GET", "/scim/v2/Users/u-1", root=root)
    assert mockscim("faults", "list", "--url", root)[1].splitlines() == [
        "name              operation  phase   chance  hits/matches  does",
        "user.get-abort-1  user.get   before  1       1/1           abort status=503",
        "slow              *          before  1       1/1           latency delay=0",
    ]
    assert mockscim("faults", "remove", "slow", "--url", root) == (0, "", "")
    code, _, err = mockscim("faults", "remove", "slow", "--url", root)
    assert (code, err) == (2, "mockscim: error: there is no rule 'slow'; see mockscim faults list\n")
    assert mockscim("faults", "clear", "--url", root) == (0, "", "")
    assert json.loads(mockscim("faults", "list", "--json", "--url", root)[1]) == []


def test_a_scenario_takes_the_place_of_the_rules(mockscim, root, tmp_path):
    """``load`` replaces all; loading twice is the same; that a seed cannot change now is said."""
    mockscim("faults", "add", "user.get=503", "--url", root)
    for _ in range(2):
        assert mockscim("faults", "load", "lost-create", "--url", root) == (0, "lost-create\n", "")
    path = tmp_path / "own.json"
    path.write_text('{"seed": 9, "rules": [{"sequence": [{"type": "ok"}, {"type": "reset"}]}]}')
    code, out, err = mockscim("faults", "load", str(path), "--url", root)
    assert (code, out) == (0, "any-sequence-1\n")
    assert err == "mockscim: note: the rules follow the server's seed 7; the file's, 9, counts for serve --faults\n"
    assert mockscim("faults", "list", "--url", root)[1].splitlines()[1].endswith("sequence of 2")


def test_scenarios_are_listed_and_told(mockscim):
    """All of them with what happens; one with its source, what a correct client does, and its rules; also as JSON."""
    code, out, err = mockscim("faults", "scenarios")
    assert (code, err) == (0, "")
    listed = [line.split()[0] for line in out.splitlines()[1:]]
    assert listed == sorted(listed)
    assert {"flaky", "slow-brownout", "throttled-into-conflicts"} <= set(listed)
    assert [one["name"] for one in json.loads(mockscim("faults", "scenarios", "--json")[1])] == listed
    out = mockscim("faults", "scenarios", "lost-create")[1]
    assert out.startswith("lost-create: The first user is created")
    assert "\nSource: https://" in out
    assert "\nA correct client: Treats" in out
    assert '"type": "reset"' in out
    told = json.loads(mockscim("faults", "scenarios", "lost-create", "--json")[1])
    assert (told["seed"], told["rules"][0]["name"]) == (7, "lost-create")
    assert mockscim("faults", "scenarios", "odd")[0] == 2


def test_a_rule_that_the_server_refuses_is_told(mockscim, root):
    """The server's own words and place come through."""
    mockscim("faults", "add", '*=reset(name="x")', "--url", root)
    code, _, err = mockscim("faults", "add", '*=reset(name="x")', "--url", root)
    assert code == 2
    assert "/name: " in err
    assert "there is a rule 'x' already" in err


# -- the journal ---------------------------------------------------------------------------------------------------


TABLE = """\
    n time         request                          operation      answer commit fault          len
    1 00:00:00.000 POST /Users                      user.create    201    yes    -                -
    2 00:00:00.000 POST /Users                      user.create    409    no     -                -
    3 00:00:00.000 POST /Users                      user.create    cut    yes    reset after, …   -
    4 00:00:00.000 GET /Users?filter=userName eq "… user.list      200    no     latency 0s       -
    5 00:00:00.000 GET /Users/u-1                   user.get       503    no     503, latency …   -
    6 00:00:00.000 PATCH /Users/u-2                 user.patch     200    yes    latency 0s       3
    7 00:00:00.000 GET /Nothing                     -              404    no     -                -
"""


@pytest.fixture
def lived(mockscim, server, root):
    """A tenant with a little history: a user, a conflict, a lost answer, a search, a fault, a stranger."""
    server.create("ann.with.a.rather.long.name@example.com", root=root)
    server.create("ann.with.a.rather.long.name@example.com", root=root)
    mockscim("faults", "add", "user.create=reset(times=1):1:after", "--url", root)
    mockscim("faults", "add", "user.get=503", "--url", root)
    mockscim("faults", "add", "*=latency(0)", "--url", root)
    with pytest.raises(ConnectionResetError):
        server.create("bob@example.com", root=root)
    filtered = "/scim/v2/Users?filter=userName%20eq%20%22bob@example.com%22"
    assert server.request("GET", filtered, root=root).status == 200
    assert server.request("GET", "/scim/v2/Users/u-1", root=root).status == 503
    patch = {"Operations": [{"op": "Replace", "path": "active", "value": "False"}]}
    assert server.request("PATCH", "/scim/v2/Users/u-2", patch, root=root).status == 200
    assert server.request("GET", "/scim/v2/Nothing", root=root, Authorization="none").status == 404
    return root


def test_the_table_is_readable_at_100_columns(mockscim, lived):
    """What was asked, answered, committed and went wrong: a line an exchange."""
    code, out, _ = mockscim("journal", "--url", lived)
    assert code == 0
    assert out == TABLE
    assert max(map(len, out.splitlines())) <= WIDTH
    assert mockscim("journal", "--url", lived, "--since", "6")[1].splitlines()[1:] == out.splitlines()[7:]


def test_a_wider_terminal_shows_more():
    """Request and fault share what is beyond 100 columns; what a client put in a path does not reach the terminal."""
    entry = {
        "n": 1,
        "time": "2026-01-01T00:00:00.000Z",
        "method": "GET",
        "path": "/Users/\x1b[2J" + "x" * 40,
        "query": "",
        "operation": None,
        "response": None,
        "client_gone": True,
        "committed": False,
        "faults": [],
        "leniencies": [],
    }
    assert "x" * 40 in journal_row(entry, 160)
    assert journal_row(entry)[19:51] == "GET /Users/\\x1b[2J" + "x" * 13 + "…"
    assert " gone " in journal_row(entry)


def test_the_journal_as_json_curl_and_har(mockscim, server, lived):
    """``json`` is an entry a line, ``curl`` a command a line, ``har`` one archive."""
    entries = [json.loads(line) for line in mockscim("journal", "--format", "json", "--url", lived)[1].splitlines()]
    assert [entry["n"] for entry in entries] == [1, 2, 3, 4, 5, 6, 7]
    assert entries[2]["committed"] is True
    assert entries[2]["response"] is None
    assert TOKEN not in json.dumps(entries)
    commands = mockscim("journal", "--format", "curl", "--url", lived)[1].splitlines()
    assert len(commands) == len(entries)
    assert commands[0].startswith(f"curl -X POST {lived}/scim/v2/Users -H ")
    assert "$TOKEN" in commands[0]
    archive = json.loads(mockscim("journal", "--format", "har", "--since", "3", "--url", lived)[1])
    assert [each["_operation"] for each in archive["log"]["entries"]][:2] == ["user.list", "user.get"]


def test_a_scripted_session_tells_a_lost_answer(mockscim):
    """A user is created and the answer lost; the retry meets 409; the journal tells both, committed and fault."""
    with Server("--fault", "user.create=reset(times=1):1:after") as running:
        with pytest.raises(ConnectionResetError):
            running.create("ann@example.com")
        assert running.create("ann@example.com").body["scimType"] == "uniqueness"
        done = process("journal", "--format", "json", MOCKSCIM_URL=running.base_url)
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert (first["committed"], first["response"], first["attempt"]) == (True, None, 1)
    assert [(fault["type"], fault["phase"]) for fault in first["faults"]] == [("reset", "after")]
    assert (second["committed"], second["response"]["status"], second["attempt"]) == (False, 409, 2)
    assert second["faults"] == []


def test_follow_goes_on_through_a_reset_until_interrupted(mockscim, server, root):
    """Each exchange once, as it happens; after a reset the numbers begin anew; an interrupt is its end."""
    following = subprocess.Popen(
        command("journal", "--follow", "--format", "json"),
        env=environment(MOCKSCIM_URL=root),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for user_name, status in (("ann", 201), ("ann", 409)):
        server.create(user_name, root=root)
        assert json.loads(following.stdout.readline())["response"]["status"] == status
    assert mockscim("reset", "--url", root) == (0, "", "")
    server.create("bob", root=root)
    entry = json.loads(following.stdout.readline())
    assert (entry["n"], entry["request"]["body"]["userName"]) == (1, "bob")
    following.send_signal(signal.SIGINT)
    assert following.communicate(timeout=PATIENCE) == ("", "")
    assert following.returncode == 0


def test_a_follower_waits_for_what_takes_longer():
    """An exchange that ends after later ones is told when it does; a cleared journal is not told again."""

    class Fake:
        entries: tuple = ()

        def journal(self, since=0):
            return [
                {"n": n, "time": time, "duration_ms": 1.0, "connection": 1} for n, time in self.entries if n > since
            ]

    fake = Fake()
    follower = Follower(fake)

    def told(*entries):
        fake.entries = entries
        return [entry["n"] for entry in follower.poll()]

    assert told() == []
    assert told((1, "a"), (3, "c")) == [1, 3]
    assert told((1, "a"), (2, "b"), (3, "c"), (5, "e")) == [2, 5]
    assert told((1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "e")) == [4]
    assert told() == []
    assert told((6, "f")) == [6]
    assert told((1, "g")) == [1]
    assert told((1, "g"), (2, "h")) == [2]


# -- speaking to a server ------------------------------------------------------------------------------------------


def test_reset_takes_the_server_back_to_its_start(mockscim, server, root):
    """Data, rules and journal are those of the start again."""
    server.create("ann", root=root)
    mockscim("faults", "add", "*=503", "--url", root)
    assert mockscim("reset", "--url", root) == (0, "", "")
    assert server.request("GET", "/scim/v2/Users", root=root).body["totalResults"] == 5
    assert len(mockscim("journal", "--url", root)[1].splitlines()) == 2


@pytest.mark.parametrize("form", ["{root}", "{root}/", "{root}/scim/v2", "{root}/_mockscim", "{root}/scim/v2/?flag"])
def test_a_url_may_be_root_base_or_admin(mockscim, server, root, form, monkeypatch):
    """Whatever of the ready line is at hand names the server, as option or in the environment; so does a host alone."""
    mockscim("faults", "clear", "--url", root)
    mockscim("faults", "add", "user.get=503", "--url", root)
    url = form.format(root=root)
    assert mockscim("faults", "list", "--url", url)[1].count("\n") == 2
    assert mockscim("faults", "list", "--url", url.removeprefix("http://"))[1].count("\n") == 2
    monkeypatch.setenv("MOCKSCIM_URL", url)
    assert mockscim("faults", "list")[1].count("\n") == 2


def test_no_server_is_said(mockscim):
    """Where nobody answers, the line says where, why, and how to go on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    code, out, err = mockscim("journal", "--format", "json", "--url", f"http://127.0.0.1:{port}")
    assert (code, out) == (2, "")
    assert err.startswith(f"mockscim: error: no server answers at http://127.0.0.1:{port} (Connection refused); start")


def test_the_admin_token(mockscim, monkeypatch):
    """A guarded control API wants its token, as option or in the environment; a wrong one is told from none."""
    with Server("--admin-token", "guard") as running:
        url = ("--url", running.base_url)
        assert "wants its admin token: give it with --admin-token" in mockscim("reset", *url)[2]
        code, _, err = mockscim("reset", *url, "--admin-token", "wrong")
        assert code == 2
        assert "refused the admin token" in err
        assert mockscim("reset", *url, "--admin-token", "guard") == (0, "", "")
        monkeypatch.setenv("MOCKSCIM_ADMIN_TOKEN", "guard")
        assert mockscim("reset", *url) == (0, "", "")


def test_something_else_than_mockscim_is_not_believed(server):
    """An answer that is none of the control API's is said so."""
    with pytest.raises(RemoteError, match="there is nothing at /other/_mockscim/faults"):
        Remote(f"{server.root}/other").call("GET", "/faults")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = subprocess.Popen(
            command("faults", "list", "--url", f"127.0.0.1:{listener.getsockname()[1]}"),
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with listener.accept()[0] as connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<html")
        _, err = client.communicate(timeout=PATIENCE)
    assert client.returncode == 2
    assert re.fullmatch(r"mockscim: error: what answers at http://127\.0\.0\.1:\d+ is not mockscim\n", err)


@pytest.mark.parametrize("arguments", [["journal"], ["fixture", "dump"], ["profiles"]])
def test_a_lost_reader_is_no_failure(server, arguments):
    """When the reader of standard output has left, a command ends in silence."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        command(*arguments),
        env=environment(MOCKSCIM_URL=server.root),
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=PATIENCE,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


# -- lines of text -------------------------------------------------------------------------------------------------


def test_text_is_made_harmless_and_cut():
    """What a terminal would obey is escaped, also what is no character at all; tables end at their width."""
    assert printable("plain ä 美") == "plain ä 美"
    assert printable("a\nb\x1b\x9b\u202e\udcff") == "a\\nb\\x1b\\x9b\\u202e\\udcff"
    assert clip("abcdef", 6) == "abcdef"
    assert clip("abcdefg", 6) == "abcde…"
    assert grid(("a", "b"), [("long name", 1), ("x", "y" * 200)], 40) == [
        "a          b",
        "long name  1",
        "x          " + "y" * 28 + "…",
    ]
