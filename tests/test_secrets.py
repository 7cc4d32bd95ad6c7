"""Secrets are planted wherever a client or a user may put one, and looked for in everything that people read.

Each is ``canary-PLACE-7f3a9``, so that a failure says where it came from.
"""

import base64
import http.client
import json
import re
import subprocess
from types import SimpleNamespace
from urllib.parse import quote, urlencode

import pytest
from multidict import CIMultiDict
from processes import PATIENCE, TOKEN, Server, command, environment, run

from mockscim.faults import parse_spec
from mockscim.serve import Settings, build, checked
from mockscim.server.options import fixed_base

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
SAFE = "urn:example:Safe"


def canary(place):
    return f"canary-{place}-7f3a9"


def found_in(text):
    """The places whose canaries a text has."""
    return sorted(set(re.findall(r"canary-([a-z0-9-]+?)-7f3a9", text)))


def never(name, kind="string"):
    return {"name": name, "type": kind, "multiValued": False, "mutability": "readWrite", "returned": "never"}


# An extension with secrets of its own (RFC 7643 §7: returned is never).
FIXTURE = {
    "schemas": [
        {
            "id": SAFE,
            "name": "Safe",
            "attributes": [
                never("pin"),
                never("code", "integer"),
                {
                    "name": "vault",
                    "type": "complex",
                    "multiValued": False,
                    "mutability": "readWrite",
                    "subAttributes": [never("combination"), {"name": "place", "type": "string"}],
                },
            ],
        }
    ],
    "resourceTypes": [
        {
            "name": "User",
            "endpoint": "/Users",
            "schema": USER,
            "schemaExtensions": [{"schema": SAFE, "required": False}],
        }
    ],
    "users": [
        {
            "id": "u-9",
            "userName": "zoe@example.com",
            "password": canary("fixture"),
            SAFE: {"pin": canary("fixture-pin"), "vault": {"combination": canary("fixture-vault"), "place": "cellar"}},
        }
    ],
}
BODIES = [
    {"password": canary("post")},
    {"PassWord": canary("post-case")},
    {"password": [canary("post-list")]},
    {"password": {"value": canary("post-object")}},
    {f"{USER}:password": canary("post-urn")},
    {SAFE: {"pin": canary("pin")}},
    {SAFE: {"pin": [canary("pin-list")]}},
    {SAFE: {"code": canary("code")}},
    {SAFE: {"vault": {"combination": canary("vault")}}},
    {SAFE: {"vault": {"combination": {"a": canary("vault-object")}}}},
    {f"{SAFE}:pin": canary("pin-flat")},
    {"password": canary("deep"), "x": json.loads("[" * 190 + "]" * 190)},
]
GARBLED = [
    f'{{"userName": "a@example.com", "password": "{canary("cut")}',
    f"{{'userName': 'a@example.com', 'password': '{canary('quotes')}'}}",
    f'{{"password": "{canary("twice")}", "password": "{canary("twice-b")}"}}',
    f'{{"password": "{canary("deeper")}", "x": {"[" * 300}{"]" * 300}}}',
    f"userName=a&password={canary('form')}&x=1",
    f"userName: a\npassword: {canary('yaml')}\n",
    f"<User><password>{canary('xml')}</password></User>",
    f'"password: {canary("text")}"',
]
OPERATIONS = [
    {"op": "replace", "path": "password", "value": canary("patch")},
    {"op": "replace", "path": "Password ", "value": canary("patch-space")},
    {"op": "replace", "path": f"{USER}:password", "value": canary("patch-urn")},
    {"op": "replace", "value": {"password": canary("patch-value")}},
    {"op": "replace", "path": "password.value", "value": canary("patch-sub")},
    {"op": "replace", "path": f'password[value eq "{canary("patch-filter")}"]', "value": canary("patch-filtered")},
    {"op": "replace", "path": f'emails[password eq "{canary("patch-path")}"].value', "value": "x"},
    {"op": "replace", "path": f"{SAFE}:pin", "value": canary("patch-pin")},
    {"op": "replace", "path": f"{SAFE}:vault.combination", "value": canary("patch-vault")},
    {"op": "replace", "path": SAFE, "value": {"pin": canary("patch-extension")}},
    {"op": "replace", "path": f"{SAFE}:code", "value": canary("patch-code")},
    {"op": "nonsense", "path": "password", "value": canary("patch-nonsense")},
]
FILTERS = [
    f'password eq "{canary("eq")}"',
    f'password  sw "{canary("sw")}"',
    f'userName eq "a" and password eq "{canary("and")}"',
    f'not (password eq "{canary("not")}")',
    f'password\teq\t"{canary("tab")}"',
    f'{USER}:password eq "{canary("urn")}"',
    f'{SAFE}:pin eq "{canary("filter-pin")}"',
    f'{SAFE}:vault.combination eq "{canary("filter-vault")}"',
    f'{SAFE}:vault[combination eq "{canary("filter-path")}"]',
    f'password pr and password ne "{canary("pr")}"',
    f'password="{canary("equals")}"',
    f'password == "{canary("double")}"',
    f'password eq "{canary("open")}',
    f"password eq {canary('bare')}",
]
QUERIES = [
    *(f"filter={quote(each)}" for each in FILTERS),
    f"filter=%70assword%20eq%20%22{canary('escaped')}%22",
    f"access_token={canary('query')}",
    f"access%5Ftoken={canary('query-escaped')}",
    f"flag?access_token={canary('query-flag')}",
    f"Token={canary('query-case')}&count=1",
    f"api_key={canary('query-key')}",
    f"client_secret={canary('query-secret')}",
]
LOGIN = base64.b64encode(b"x:" + canary("unknown").encode()).decode()
HEADERS = [
    ("Authorization", f"Basic {LOGIN}"),
    ("Authorization", canary("lone")),
    ("Authorization", f"{canary('first')} second"),
    ("Authorization", f"Bearer  {canary('spaces')}"),
    ("Proxy-Authorization", f"Basic {canary('proxy')}"),
    ("Cookie", f"session={canary('cookie')}"),
    ("X-Api-Key", canary("api-key")),
    ("X-Auth-Token", canary("auth-token")),
]


class Hunt:
    """A server with secrets in all its options, the requests that plant more, and what is told of them."""

    def __init__(self, folder, mode):
        fixture = folder / "fixture.json"
        fixture.write_text(json.dumps(FIXTURE))
        self.issued = ""
        self.server = Server(
            *("--fixture", str(fixture), "--log", mode, "--token", canary("start")),
            *("--basic", f"ann:{canary('basic')}", "--oauth-client", f"sync:{canary('client')}"),
            *("--admin-token", canary("admin")),
        )

    def send(self, method, path, body="", **headers):
        """A request as it is written; the answer's JSON."""
        connection = http.client.HTTPConnection(*self.server.address, timeout=PATIENCE)
        sent = {"Authorization": f"Bearer {canary('start')}", "Content-Type": "application/scim+json", **headers}
        connection.request(method, path, body.encode(), sent)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        assert answer.status < 500, content
        return json.loads(content) if content else None

    def control(self, method, path, body=None):
        """An answer of the control API."""
        return self.server.request(method, f"/_mockscim{path}", body, Authorization=f"Bearer {canary('admin')}")

    def plant(self):
        """Send everything; each of it may be refused."""
        users = "/scim/v2/Users"
        for number, body in enumerate(BODIES):
            self.send("POST", users, json.dumps({"schemas": [USER], "userName": f"u{number}@example.com", **body}))
        for text in GARBLED:
            self.send("POST", users, text)
        for operation in OPERATIONS:
            self.send("PATCH", f"{users}/u-9", json.dumps({"schemas": [PATCH], "Operations": [operation]}))
        for query in QUERIES:
            self.send("GET", f"{users}?{query}")
        for text in FILTERS:
            self.send("POST", f"{users}/.search", json.dumps({"schemas": [SEARCH], "filter": text}))
        for name, value in HEADERS:
            self.send("GET", users, **{name: value})
        inner = [
            {"method": "POST", "path": "/Users", "bulkId": "b", "data": {"userName": "b", "password": canary("bulk")}},
            {"method": "PATCH", "path": "/Users/u-9", "data": {"Operations": [OPERATIONS[0]]}},
        ]
        self.send("POST", "/scim/v2/Bulk", json.dumps({"schemas": [BULK], "Operations": inner}))
        form = {"grant_type": "client_credentials", "client_id": "sync", "client_secret": canary("client")}
        answer = self.send(
            *("POST", "/oauth/token", urlencode(form)),
            **{"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"Basic {canary('twice')}"},
        )
        assert "access_token" not in answer
        login = base64.b64encode(f"sync:{canary('client')}".encode()).decode()
        form_type = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self.send(
            "POST", "/oauth/token", "grant_type=client_credentials", Authorization=f"Basic {login}", **form_type
        )
        self.issued = answer["access_token"]
        self.send("GET", users, Authorization=f"Bearer {self.issued}")
        self.control("POST", "/tokens", {"token": canary("minted")})
        self.control("POST", "/tokens", {"token": f"no token {canary('minted-bad')}"})
        rule = parse_spec("user.delete=503") | {"match": {"header": {"Authorization": f"Bearer {canary('rule')}"}}}
        assert self.control("PUT", "/faults/of-one-client", rule).status == 200

    def told(self):
        """All that is told of that, by where it is read."""
        texts = {}
        paths = ["", "/journal?limit=9999", "/journal.har", "/history?limit=9999", "/invariants", "/tokens", "/policy"]
        for path in [*paths, "/fixture", "/openapi.json", "/gates", "/resources/User/u-9"]:
            texts[path] = json.dumps(self.control("GET", path).body)
        for where in ("password", f"{SAFE}:pin", f"{SAFE}:vault.combination"):
            for committed in (True, False):
                wanted = {"operation": "user.*", "where": f'{where} eq "x"', "count": 99, "committed": committed}
                texts[f"verify {where} {committed}"] = json.dumps(self.control("POST", "/verify", wanted).body)
            texts[f"explain {where}"] = json.dumps(self.control("POST", "/explain", {"filter": f'{where} eq "x"'}).body)
        for operation in (OPERATIONS[0], OPERATIONS[7]):
            patch = {"id": "u-9", "patch": {"schemas": [PATCH], "Operations": [operation]}}
            texts[f"explain {operation['path']}"] = json.dumps(self.control("POST", "/explain", patch).body)
        desired = {"users": [{"userName": "zoe@example.com", "password": canary("desired")}]}
        assert self.control("PUT", "/desired", desired).status < 300
        texts["not as desired"] = json.dumps(self.control("GET", "/invariants").body)
        for arguments in (
            *(["journal", "--format", form] for form in ("table", "json", "curl", "har")),
            *(["check", *more] for more in ([], ["--json"], ["--junit", "-"])),
            ["faults", "list"],
        ):
            done = run(*arguments, MOCKSCIM_URL=self.server.root, MOCKSCIM_ADMIN_TOKEN=canary("admin"))
            texts["mockscim " + " ".join(arguments)] = done.stdout + done.stderr
        code, texts["log"] = self.server.stop()
        assert code == 0
        return texts


@pytest.mark.parametrize("mode", ["text", "json"])
def test_no_canary_is_told(tmp_path, mode):
    """Neither journal, archive, history, verdicts, explanations, commands nor log have a secret that was planted."""
    hunt = Hunt(tmp_path, mode)
    try:
        hunt.plant()
        texts = hunt.told()
    finally:
        if hunt.server.process.poll() is None:
            hunt.server.stop()
    assert {where: found for where, text in texts.items() if (found := found_in(text))} == {}
    assert not [where for where, text in texts.items() if hunt.issued in text or LOGIN in text]
    # It has looked at something: what is no secret is there.
    assert len(json.loads(texts["/journal?limit=9999"])["items"]) > 70
    assert "zoe@example.com" in texts["/fixture"]
    assert texts["log"].count("\n") > 70
    assert "Bearer ***" in texts["/journal.har"]


def test_a_failing_test_tells_none(tmp_path):
    """The report of a failed test, with the command that reproduces it, goes into the logs of a build."""
    body = f"""
        import json, urllib.request, urllib.error

        def test_it(scim):
            rule = {{"header": {{"Authorization": "Bearer {canary("rule")}"}}, "operation": "user.create"}}
            with scim.fault("abort", status=503, header=rule["header"], operation="user.create"):
                body = json.dumps({{"schemas": ["{USER}"], "userName": "ann", "password": "{canary("post")}"}})
                headers = {{"Authorization": f"Bearer {{scim.token}}", "Cookie": "a={canary("cookie")}"}}
                url = f"{{scim.base_url}}/Users?access_token={canary("query")}"
                try:
                    urllib.request.urlopen(urllib.request.Request(url, body.encode(), headers))
                except urllib.error.HTTPError as error:
                    error.close()
                with open("token.txt", "w") as file:
                    file.write(scim.token)
                scim.check(desired={{"users": [{{"userName": "bob"}}]}})
    """
    (tmp_path / "test_it.py").write_text("\n".join(line[8:] for line in body.splitlines()))
    done = subprocess.run(
        [*command()[:1], "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider", "-p", "mockscim.pytest_plugin"],
        env=environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=6 * PATIENCE,
    )
    assert done.returncode == 1, done.stdout
    assert "the same server by hand:" in done.stdout
    assert "mockscim: scim" in done.stdout
    assert found_in(done.stdout) == []
    assert (tmp_path / "token.txt").read_text() not in done.stdout


@pytest.mark.parametrize("provider", ["entra", "okta"])
@pytest.mark.parametrize("token", [TOKEN + canary("token"), "refused"])
def test_provisioning_tells_none(provider, token, tmp_path):
    """State, log and output have no token, whether the target takes it or not; the files are their owner's alone."""
    with Server("--token", TOKEN + canary("token")) as server:
        given = TOKEN + canary("token") if token != "refused" else canary("refused")
        done = run(
            *("provision", provider, "--target", server.base_url, "--token", given, "--source", "directory-small"),
            *("--state", str(tmp_path / "job.state"), "--log", str(tmp_path / "job.ndjson"), "--cycles", "1"),
        )
    assert done.stdout.strip(), done.stderr
    assert found_in(done.stdout + done.stderr) == []
    files = list(tmp_path.iterdir())
    assert tmp_path / "job.state" in files
    assert token == "refused" or tmp_path / "job.ndjson" in files
    for file in files:
        assert found_in(file.read_text()) == [], file
        assert oct(file.stat().st_mode & 0o777) == "0o600", file


def test_a_failure_of_its_own_tells_none(caplog, monkeypatch):
    """The log of an unexpected failure has the request, and not what its query has for a token."""
    from mockscim.scim.service import Service

    server = build(checked(Settings(token=(TOKEN,))))

    def fail(*_):
        raise RuntimeError("for the test")

    monkeypatch.setattr(Service, "route", fail)

    target = f"/scim/v2/Users?access_token={canary('log')}"
    server.begin(SimpleNamespace(method="GET", raw_path=target, version=(1, 1), headers=CIMultiDict()))
    assert "unexpected failure of GET /scim/v2/Users?access_token=***" in caplog.text
    assert found_in(caplog.text) == []


def test_settings_are_shown_without_them():
    """What a traceback with locals shows of settings and options has no secret."""
    settings = Settings(
        token=(canary("token"),),
        basic=(f"ann:{canary('basic')}",),
        oauth_client=(f"sync:{canary('client')}",),
        admin_token=canary("admin"),
    )
    server = build(checked(settings))
    assert found_in(repr(settings) + repr(server.options)) == []


def test_a_base_url_has_no_password():
    """It stands in every location, so one with a user is refused, without being repeated."""
    with pytest.raises(ValueError, match="no user and no password") as caught:
        fixed_base(f"https://ann:{canary('base')}@scim.example/scim/v2")
    assert found_in(str(caught.value)) == []
