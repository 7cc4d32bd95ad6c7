import itertools
import json
import os
import pty
import signal
import socket
import subprocess
import time
import urllib.request

import pytest
from processes import PATIENCE, TOKEN, Server, command, environment, run

from mockscim import fixtures
from mockscim.fixtures import reader
from mockscim.scim import urns
from mockscim.serve import Settings, SettingsError, bind, build, checked

EVERYWHERE = "0.0.0.0"  # noqa: S104 - what the tests are about
HANGS = ("--fault", "user.create=hang", "--fault", "user.list=latency(60s)", "--fault", "group.list=drip(1, total=60s)")

FIXTURES = [each.name for each in fixtures.bundled() if each.kind == "fixture"]


def prepared(**settings):
    return build(checked(Settings(**settings)))


def write(path, document):
    path.write_text(json.dumps(document))
    return str(path)


# -- the ready line ------------------------------------------------------------------------------------------------


def test_ready_line_has_all_that_a_client_needs():
    """The first line is one JSON object; the addresses in it work, and end without a slash."""
    with Server("--fixture", "small", "--seed", "5") as server:
        ready = server.ready
        assert set(ready) == {"event", "base_url", "admin_url", "token", "profile", "pid", "seed"}
        host, port = server.address
        assert ready["event"] == "ready"
        assert ready["base_url"] == f"http://127.0.0.1:{port}/scim/v2"
        assert ready["admin_url"] == f"http://127.0.0.1:{port}/_mockscim"
        assert (host, ready["profile"], ready["seed"], ready["pid"]) == ("127.0.0.1", "standard", 5, server.process.pid)
        assert len(ready["token"]) >= 32
        assert server.request("GET", "/scim/v2/Users").body["totalResults"] == 5
        assert server.request("GET", "/scim/v2/Users", Authorization="Bearer wrong").status == 401
        assert server.request("GET", "/_mockscim/health").body["status"] == "ok"
        assert server.stop() == (0, "")


def test_environment_twins_and_no_auth(tmp_path):
    """Every option has a twin; several values are split at white space; without auth the token is null."""
    more = write(tmp_path / "more.json", {"users": [{"userName": "more@example.com"}]})
    with Server(
        port=None,
        MOCKSCIM_SERVE_PORT="0",
        MOCKSCIM_SERVE_FIXTURE=f"small {more}",
        MOCKSCIM_SERVE_FAULT="user.get=503 group.get=429(retry_after=2)",
        MOCKSCIM_SERVE_NO_AUTH="1",
        MOCKSCIM_SERVE_PROFILE="standard",
    ) as server:
        assert server.ready["token"] is None
        assert server.request("GET", "/scim/v2/Users/u-1", Authorization="none").status == 503
        assert server.request("GET", "/scim/v2/Groups/g-1").status == 429
        assert server.request("GET", "/scim/v2/Users").body["totalResults"] == 6


def test_a_wildcard_host_is_reached_by_loopback():
    """Beyond loopback, with both tokens, it serves; the ready line says an address that a client can use."""
    with Server("--host", EVERYWHERE, "--token", TOKEN, "--admin-token", "guard") as server:
        assert server.address[0] == "127.0.0.1"
        assert server.ready["token"] == TOKEN
        assert server.request("GET", "/_mockscim/faults").status == 401
        assert server.request("GET", "/_mockscim/faults", Authorization="Bearer guard").status == 200


def test_no_auth_beyond_loopback_is_warned_of():
    """Whoever lets everybody in reads so on standard error."""
    with Server("--host", EVERYWHERE, "--no-auth", "--admin-token", "guard") as server:
        code, error = server.stop()
    assert code == 0
    assert "no token is asked for (--no-auth)" in error


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
def test_ipv6_is_bracketed():
    """An IPv6 address stands in brackets in the URLs, and may be given so."""
    try:
        for each in bind("::1", 0):
            each.close()
    except SettingsError:
        pytest.skip("this machine has no ::1")
    with Server("--host", "[::1]") as server:
        assert server.base_url.startswith("http://[::1]:")
        assert server.request("GET", "/_mockscim/health").status == 200


def test_a_terminal_gets_a_banner():
    """On a terminal the same facts come as a banner with a command to try."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command("serve", "--port", "0", "--token", TOKEN, "--fixture", "small"),
        env=environment(),
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    text = b""
    while b"/Users" not in text:
        text += os.read(ours, 4096)
    process.terminate()
    assert process.wait(PATIENCE) == 0
    os.close(ours)
    lines = text.decode().replace("\r\n", "\n").splitlines()
    assert lines[0].endswith("is ready")
    assert f"  token     {TOKEN}" in lines
    assert "  profile   standard, seed 0: 5 users, 2 groups" in lines
    assert lines[-1].startswith(f"  try       curl -H 'Authorization: Bearer {TOKEN}' http://127.0.0.1:")


def test_a_lost_reader_of_the_ready_line_is_no_end():
    """It serves also when nobody reads its standard output."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.Popen(
        command("serve", "--port", str(port)), env=environment(), stdout=writing, stderr=subprocess.PIPE, text=True
    )
    os.close(writing)
    assert "the ready line could not be written" in process.stderr.readline()
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE):
        pass
    process.terminate()
    assert process.communicate(timeout=PATIENCE) == (None, "")
    assert process.returncode == 0


# -- its end -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "loop"), [(signal.SIGINT, ""), (signal.SIGTERM, ""), (signal.SIGTERM, "1")])
def test_signals_stop_it_within_a_second_while_faults_hang(number, loop):
    """A hang, a long latency and a drip do not hold it up, on either event loop; a second signal changes nothing."""
    with Server("--fixture", "small", *HANGS, MOCKSCIM_NO_UVLOOP=loop) as server:
        waiting = [
            server.open("POST", "/scim/v2/Users", '{"userName":"ann"}'),
            server.open("GET", "/scim/v2/Users"),
            server.open("GET", "/scim/v2/Groups"),
        ]
        while [rule["hits"] for rule in server.request("GET", "/_mockscim/faults").body["items"]] != [1, 1, 1]:
            pass
        begun = time.monotonic()
        server.process.send_signal(number)
        code, error = server.stop(number)
        assert time.monotonic() - begun < 1.0
        assert (code, error) == (0, "")
        for each in waiting:
            each.close()


# -- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--host", EVERYWHERE], "--host 0.0.0.0 can be reached from other machines: add --token TOKEN"),
        (["--fault", "user.create=oops"], "--fault: 'user.create=oops': unknown outcome 'oops'"),
        (["--nonsense"], "(see mockscim serve --help)"),
        (["--port", "70000"], "70000 is not in the range"),
    ],
)
def test_what_cannot_be_served_is_one_line_and_exit_2(arguments, text):
    """Wrong usage or input: one clear line on standard error, nothing on standard output, no traceback."""
    result = run("serve", "--port", "0", *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("mockscim: error: ")
    assert result.stderr.count("\n") == 1
    assert text in result.stderr


def test_a_port_in_use_is_said():
    """The line names the port and says how to go on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("serve", "--port", str(port))
    assert (result.returncode, result.stdout) == (2, "")
    hint = "is in use; give another port, or --port 0 for any that is free"
    assert result.stderr == f"mockscim: error: --port: 127.0.0.1:{port} {hint}\n"


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"host": "10.0.0.1", "no_auth": True}, "10.0.0.1 can be reached from other machines: add --admin-token"),
        ({"host": "10.0.0.1", "admin_token": "a"}, r"add --token TOKEN \(or --no-auth, to let everybody in\)$"),
        ({"host": "example.test"}, r"add --token TOKEN .* and --admin-token TOKEN"),
        ({"host": " "}, "^--host: a name or an address was expected"),
        ({"no_auth": True, "token": ("a",)}, "leave one of them out"),
        ({"token": ("a b",)}, "^--token: printable ASCII without spaces"),
        ({"admin_token": ""}, "^--admin-token: printable ASCII"),
        (
            {"profile": "nonsense"},
            r"^--profile: nonsense: neither a profile \(interop, segment, standard\) nor a readable file",
        ),
        ({"fixture": ("nowhere.json",)}, "^--fixture: nowhere.json: a file or the name of a bundled fixture"),
        ({"faults": "nowhere"}, r"^--faults: nowhere: no such scenario. Expected a file or one of a-page-one-short, "),
        ({"latency": "soon"}, "^--latency: 'soon': .*Examples: 50ms, 20ms-80ms"),
        ({"clock": "sundial"}, "^--clock: a clock is real, virtual or virtual:"),
        ({"max_body": "big"}, "^--max-body: 'big' is not a size"),
        ({"base_url": "ftp://example.com"}, "^--base-url: a base URL is http"),
        ({"accept": ("nonsense",)}, "^--accept, --refuse: 'nonsense' is no leniency; there are"),
        ({"allow_host": (":80",)}, "^--allow-host: a host was expected"),
        (
            {"fault": ('*=reset(name="x")', '*=hang(name="x")')},
            "^--faults, --fault: /1/name: there is a rule 'x' already",
        ),
    ],
)
def test_refusals_name_the_option_and_what_was_expected(settings, text):
    """Each setting that cannot be used says which one, and what would do."""
    with pytest.raises(SettingsError, match=text) as caught:
        prepared(**settings)
    assert "\n" not in str(caught.value)


def test_a_bad_fixture_is_named_with_its_place(tmp_path):
    """What cannot be loaded is named with file and JSON pointer, also where the data are wrong, not their shape."""
    path = write(tmp_path / "bad.json", {"users": [{"userName": "ann"}, {"userName": "Ann"}]})
    with pytest.raises(SettingsError, match=r"--fixture: .*bad\.json: /users/1: "):
        prepared(fixture=(path,))


def test_a_profile_that_a_fixture_names_is_looked_for(tmp_path):
    """A fixture may name a profile; when there is none of that name, the fixture is to blame."""
    path = write(tmp_path / "odd.json", {"profile": "nonsense", "users": []})
    with pytest.raises(SettingsError, match=r"--fixture: .*odd\.json: nonsense: neither a profile"):
        prepared(fixture=(path,))


def test_an_unknown_host_is_refused():
    """A host without an address is one line as well."""
    with pytest.raises(SettingsError, match=r"^--host nowhere\.invalid: no address of that name"):
        bind("nowhere.invalid", 0)


def test_localhost_has_one_port_for_all_its_addresses():
    """``localhost`` may be 127.0.0.1 and ::1: both get the same port."""
    sockets = bind("localhost", 0)
    assert len({each.getsockname()[1] for each in sockets}) == 1
    for each in sockets:
        each.close()


# -- what it starts from -------------------------------------------------------------------------------------------


APART = {"small", "segment-workspace"}  # README says so


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(FIXTURES, 2)))
def test_bundled_fixtures_go_together(first, second):
    """Any two do but those of which the README says otherwise, and then the person who is in both is named."""
    if {first, second} == APART:
        with pytest.raises(SettingsError) as caught:
            prepared(fixture=(first, second))
        place = f"--fixture: {second}.json: /users/0: userName 'ann@example.com' is taken by another User"
        assert str(caught.value) == f"{place}, {first}.json /users/0"
        return
    server = prepared(fixture=(first, second), profile="standard")
    counts = [len(fixtures.load(one).resources) for one in (first, second)]
    assert sum(map(len, server.tenants.use("").store.tables.values())) == sum(counts)


@pytest.mark.parametrize("large", [True, False])
def test_somebody_in_two_files_is_named_before_her_groups(large, tmp_path, monkeypatch):
    """A group that has her as a member is not to blame; so it is for small files and for large ones of lines."""
    monkeypatch.setattr(reader, "LARGE", 0 if large else 1 << 30)
    user, group = {"schemas": [urns.USER], "userName": "ann@example.com"}, {"schemas": [urns.GROUP]}
    paths = []
    for name in ("a", "b"):
        lines = [
            {**user, "id": f"{name}-1"},
            {**group, "id": f"{name}-2", "displayName": name, "members": ["ann@example.com"]},
        ]
        paths.append(tmp_path / f"{name}.ndjson")
        paths[-1].write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(SettingsError) as caught:
        prepared(fixture=tuple(map(str, paths)))
    told = f"{paths[1]}:1: userName 'ann@example.com' is taken by another User, {paths[0]}:1"
    assert str(caught.value) == f"--fixture: {told}"


def test_fixtures_add_up_and_the_first_profile_counts(tmp_path):
    """Several fixtures are merged in order; members may be in another file."""
    people = write(tmp_path / "people.json", {"users": [{"userName": "ann@example.com"}]})
    groups = write(
        tmp_path / "groups.json",
        {"profile": "segment", "groups": [{"displayName": "Staff", "members": ["ann@example.com"]}]},
    )
    plain = write(tmp_path / "plain.json", {"profile": "standard", "users": [{"userName": "bob@example.com"}]})
    server = prepared(fixture=(people, groups, plain))
    assert server.tenants.start.profile.name == "segment"
    tables = next(iter(server.tenants)).store.tables
    assert (len(tables["User"]), len(tables["Group"])) == (2, 1)
    assert prepared(fixture=(groups, people), profile="standard").tenants.start.profile.name == "standard"


@pytest.mark.parametrize(("seed", "expected"), [(None, 7), (3, 3), (0, 0)])
def test_a_scenario_brings_its_seed(seed, expected):
    """The seed of a scenario counts unless one is given; what is said on the command line is asked first."""
    server = prepared(faults="lost-create", fault=("user.get=503",), latency="5ms", seed=seed)
    assert server.tenants.start.seed == expected
    rules = next(iter(server.tenants)).faults.rules()
    assert [rule.name for rule in rules] == ["user.get-abort-1", "lost-create", "any-latency-1"]


def test_allowed_hosts_are_names():
    """A port or brackets in ``--allow-host`` do no harm."""
    server = prepared(allow_host=("mock.test:8080", "[fe80::1]", "fe80::2", "Plain"))
    assert server.options.hosts[1:] == ("mock.test", "fe80::1", "fe80::2", "plain")


def test_the_same_seed_gives_the_same_ids_and_faults():
    """Two servers with one seed agree in every id and every fault; another seed has others."""

    def session(seed):
        with Server("--seed", seed, "--fault", "user.create=503:0.5") as server:
            answers = [server.create(f"user-{number}") for number in range(24)]
        return [answer.body.get("id", answer.status) for answer in answers]

    first = session("7")
    assert first == session("7")
    assert first != session("8")
    assert 0 < first.count(503) < 24


# -- the log -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["text", "json", "off"])
def test_the_log_tells_every_request(mode):
    """``text`` is a line a request, ``json`` an object a line, ``off`` nothing; a line break in a path is escaped."""
    with Server("--log", mode, "--fault", "user.delete=503:1:after") as server:
        server.create("ann")
        server.request("DELETE", "/scim/v2/Users/a%0Ab?x=1")
        server.request("GET", "/_mockscim/health")
        code, error = server.stop()
    lines = error.splitlines()
    assert code == 0
    if mode == "off":
        assert lines == []
    elif mode == "text":
        assert [line.split()[:3] for line in lines] == [
            ["POST", "/Users", "201"],
            ["DELETE", "/Users/a\\nb?x=1", "503"],
        ]
        assert lines[1].endswith("ms user.delete [503 after]")
    else:
        entries = [json.loads(line) for line in lines]
        assert [entry["committed"] for entry in entries] == [True, False]
        assert entries[0]["operation"] == "user.create"
        assert entries[1]["faults"][0]["outcome"] == "503"


# -- who may come in -----------------------------------------------------------------------------------------------


def test_logins_and_clients():
    """--basic, --oauth-client and --token-ttl have twins; the ready line says where tokens are to be had."""
    with Server(
        MOCKSCIM_SERVE_BASIC="ann:secret bob:other",
        MOCKSCIM_SERVE_OAUTH_CLIENT="sync:secret:read other:secret",
        MOCKSCIM_SERVE_TOKEN_TTL="5m",
    ) as server:
        assert server.ready["token_url"] == server.base_url.removesuffix("/scim/v2") + "/oauth/token"
        assert server.ready["token"]
        assert server.request("GET", "/scim/v2/Users", Authorization="Basic Ym9iOm90aGVy").status == 200
        config = server.request("GET", "/scim/v2/ServiceProviderConfig").body
        schemes = [scheme["type"] for scheme in config["authenticationSchemes"]]
        assert schemes == ["oauthbearertoken", "oauth2", "httpbasic"]
        form = "grant_type=client_credentials&client_id=sync&client_secret=secret"
        request = urllib.request.Request(server.ready["token_url"], form.encode())
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            issued = json.load(answer)
        assert (issued["expires_in"], issued["scope"]) == (300, "read")
        bearer = f"Bearer {issued['access_token']}"
        assert server.request("GET", "/scim/v2/Users", Authorization=bearer).status == 200


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"basic": ("ann",)}, "^--basic: USER:PASSWORD was expected$"),
        ({"oauth_client": ("id",)}, "^--oauth-client: ID:SECRET was expected, or "),
        ({"oauth_client": ("id:my-secret:all",)}, "^(?!.*my-secret)--oauth-client: "),
        ({"token_ttl": "soon"}, "^--token-ttl: 'soon' is not a duration"),
        ({"basic": ("a:b",), "no_auth": True}, "^--no-auth asks for no token and --basic for one"),
        ({"oauth_client": ("a:b",), "no_auth": True}, "^--no-auth asks for no token and --oauth-client for one"),
    ],
)
def test_logins_and_clients_that_cannot_be(settings, message):
    """A slip is told with its option, and without what may be a secret."""
    with pytest.raises(SettingsError, match=message):
        prepared(**settings)


@pytest.mark.parametrize("settings", [{"basic": ("a:b",)}, {"oauth_client": ("a:b",)}])
def test_a_login_guards_as_a_token_does(settings):
    """Beyond loopback a login or a client will do in place of a token; one is made all the same."""
    assert len(checked(Settings(host=EVERYWHERE, admin_token="guard", **settings)).token[0]) >= 32
