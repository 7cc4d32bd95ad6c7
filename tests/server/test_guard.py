"""Who may use the control API: names that were rebound, pages of other sites, and files that nobody may ask for."""

import hashlib
import hmac
import json
from types import SimpleNamespace

import pytest
from edge import assert_problem

from mockscim.server import control
from mockscim.server.auth import Login
from mockscim.server.oauth import Client

ADMIN = "admin-token-of-the-tests"
# Everything below the control API's root, and that of a tenant which is not there.
TARGETS = ["/_mockscim/journal", "/t/some-tenant/_mockscim/journal", "/_mockscim/openapi.json", "/_mockscim"]
SIMPLE = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"]


def status(server, *lines, body=""):
    """The status of the answer to a request as it is written here."""
    return server.raw().send("\r\n".join(lines) + "\r\n\r\n" + body).answer(lines[0].split()[0])[0]


# -- credentials ---------------------------------------------------------------------------------------------------


def test_a_better_guess_takes_no_longer(serve, monkeypatch):
    """What is compared of any credential is a digest of the whole; of the admin token in constant time."""
    compared = []

    def compare(one, other):
        compared.append((one, other))
        return hmac.compare_digest(one, other)

    monkeypatch.setattr(control, "hmac", SimpleNamespace(compare_digest=compare))
    login, oauth_client = Login("ann", "password-of-ann"), Client("sync", "secret-of-sync")
    server = serve(admin_token=ADMIN, basic=(login,), clients=(oauth_client,))
    for token in (ADMIN, ADMIN[:-1], "x"):
        server.http({"Authorization": f"Bearer {token}"}).post("/_mockscim/tokens", json={"token": "minted-token"})
    right = hashlib.sha256(ADMIN.encode()).digest()
    assert [other for _, other in compared] == [right] * 3
    assert [one == right for one, _ in compared] == [True, False, False]
    tenants = server.scim.tenants
    looked_up = [
        *tenants._start_grants,
        *(token.digest for token in tenants.use("").tokens),
        *server.scim.token_endpoint._clients,
    ]
    assert len(looked_up) == 4
    assert {type(key) for key in looked_up} == {bytes}
    assert {len(key) for key in looked_up} == {hashlib.sha256().digest_size}


# -- names that were rebound ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "EVIL.example:80",
        "evil.example.",
        "127.0.0.1.nip.io",
        "2130706433",
        "0x7f000001",
        "127.1",
        "localhost:999999",
        "[::ffff:10.0.0.1]",
        "[fe80::1%25lo]",
        "",
    ],
)
def test_another_name_is_refused(server, host, target):
    """Whatever is no name of this machine gets nothing, at every root, and makes no tenant."""
    assert status(server, f"GET {target} HTTP/1.1", f"Host: {host}") == 403
    assert len(server.scim.tenants) == 1


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "localhost.", "localhost.:80", "127.0.0.1.", "[0:0::1]"])
def test_names_of_this_machine(server, host):
    """Any spelling of loopback is welcome: upper case, a port, the dot of the root."""
    assert status(server, "GET /_mockscim/health HTTP/1.1", f"Host: {host}") == 200


@pytest.mark.parametrize(
    ("target", "host", "expected"),
    [
        ("http://localhost:80/_mockscim/health", "localhost", 200),
        ("http://[::1]/_mockscim/health", "localhost", 200),
        ("http://evil.example/_mockscim/health", "localhost", 403),
        ("http://localhost/_mockscim/health", "evil.example", 403),
        ("http://localhost@evil.example/_mockscim/health", "localhost", 403),
        ("http://evil.example/t/a/_mockscim/health", "localhost", 403),
        ("http://[/_mockscim/health", "localhost", 400),
    ],
)
def test_a_target_that_is_a_whole_url(server, target, host, expected):
    """The host of such a target is what was called (RFC 9112 §3.2.2); both it and the header have to be ours."""
    assert status(server, f"GET {target} HTTP/1.1", f"Host: {host}") == expected


@pytest.mark.parametrize("hosts", [("localhost", "evil.example"), ("evil.example", "localhost"), ()])
def test_not_one_host(server, hosts):
    """A request with two hosts, or none, is no HTTP/1.1 (RFC 9112 §3.2)."""
    assert status(server, "GET /_mockscim/health HTTP/1.1", *(f"Host: {host}" for host in hosts)) == 400


@pytest.mark.parametrize("target", ["/%5fmockscim/health", "//_mockscim/health", "/scim/v2/../../_mockscim/health"])
def test_no_other_way_in(server, target):
    """Only its own path leads to it."""
    assert status(server, f"GET {target} HTTP/1.1", "Host: evil.example") == 404


# -- pages of other sites ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content_type", SIMPLE)
@pytest.mark.parametrize("tenant", ["", "/t/some-tenant"])
def test_requests_that_a_page_may_send_unasked(serve, content_type, tenant):
    """What a browser sends without a preflight does nothing, with an admin token or without one."""
    for server in (serve(), serve(admin_token=ADMIN)):
        lines = [f"POST {tenant}/_mockscim/faults HTTP/1.1", f"Content-Type: {content_type}", "Content-Length: 35"]
        body = '{"type":"reset","match":{"path":1}}'
        for more in (["Origin: http://evil.example"], ["Origin: null"], ["Sec-Fetch-Site: cross-site"]):
            assert status(server, *lines, "Host: localhost", *more, body=body) == 403
        # A page whose name was rebound is of the same origin, but of another name or without the token.
        own = ["Host: evil.example", "Origin: http://evil.example", "Sec-Fetch-Site: same-origin"]
        assert status(server, *lines, *own, body=body) in (401, 403)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost:3000"])
def test_a_preflight_is_granted_nothing(serve, target, origin):
    """No answer has a header that would let a page read it or send more."""
    for server in (serve(), serve(admin_token=ADMIN)):
        headers = {
            "Origin": origin,
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "authorization",
            "Access-Control-Request-Private-Network": "true",
        }
        answer = server.http(headers).options(target)
        assert_problem(answer, 403)
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]
        read = server.http({"Authorization": f"Bearer {ADMIN}"}).get(target)
        assert not [name for name in read.headers if name.lower().startswith("access-control")]


def test_beyond_loopback_the_admin_token_alone_counts(serve):
    """Bound to every interface, any name will do with the token, and none without; the name 0.0.0.0 is no way round."""
    server = serve(admin_token=ADMIN, hosts=("0.0.0.0",))  # noqa: S104 - as serve --host has it
    for host in ("0.0.0.0", "localhost", "mock.example"):  # noqa: S104
        lines = ["GET /_mockscim/journal HTTP/1.1", f"Host: {host}"]
        assert status(server, *lines) == 401
        assert status(server, *lines, f"Authorization: Bearer {ADMIN}") == 200
        assert status(server, *lines, f"Authorization: Bearer {ADMIN}", "Origin: http://evil.example") == 403


# -- files ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A fixture and a profile in a folder that the server was started in."""
    (tmp_path / "planted.json").write_text('{"users": [{"userName": "planted@example.com"}]}')
    (tmp_path / "planted.toml").write_text('title = "planted"\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "name",
    [
        "{}/planted.json",
        "planted.json",
        "planted",
        "./planted.json",
        "../planted",
        "file://{}/planted.json",
        "-",
        "small/",
    ],
)
def test_no_file_is_read_as_a_fixture(server, planted, name):
    """A fixture that is asked for by name is one that comes along, wherever else such a file lies."""
    answer = server.admin.put("/_mockscim", json={"fixture": name.format(planted)})
    assert "the name of a bundled fixture was expected" in assert_problem(answer, 400)["detail"]
    assert "planted@example.com" not in server.users()


@pytest.mark.parametrize(
    "document",
    [
        {"profile": "{}/planted.toml"},
        {"profile": "planted.toml"},
        {"profile": "planted"},
        {"profile": "../profiles/standard"},
        {"profile": {"extends": "{}/planted.toml"}},
        {"profile": {"extends": "planted"}},
        {"fixture": {"profile": "{}/planted.toml", "users": []}},
        {"faults": ["{}/planted.json"]},
    ],
    ids=str,
)
def test_no_file_is_read_as_anything_else(server, planted, document):
    """Nor is a profile, also not one that another extends or that a fixture names, nor a scenario."""
    text = json.dumps(document).replace("{}", str(planted))
    assert_problem_of(server.admin.put("/_mockscim", content=text))
    assert server.admin.get("/_mockscim").json()["profile"] == "standard"


def assert_problem_of(answer):
    """A refusal that has nothing of a file in it."""
    assert answer.status_code == 400
    assert "title" not in answer.text


@pytest.mark.parametrize(
    "name", ["..%2f..%2fetc", "a%2fb", "a%00b", "..", "%2e%2e", "-a", ".a", "a%20b", "é", "a" * 65]
)
def test_names_of_tenants(server, name):
    """A tenant's name is a plain word, so that it is one in every path and file."""
    raw = f"/t/{name}/_mockscim/".encode().decode("latin-1")
    assert status(server, f"GET {raw} HTTP/1.1", "Host: localhost") in (400, 404)
    assert len(server.scim.tenants) == 1
