"""Who a request is by: Bearer tokens with scopes and an end, HTTP Basic, OAuth clients; and what refusals say."""

import base64
import json
import re
import warnings

import httpx
import pytest
from edge import AUTH, TOKEN, a_rule, a_user, assert_problem, assert_scim_error

from mockscim.server import TOKEN as APP_TOKEN
from mockscim.server import create_app
from mockscim.server.auth import Login, parse_login
from mockscim.server.oauth import Client, parse_client
from mockscim.tokens import TokenDocument, Tokens

USERS = "/scim/v2/Users"
TOKEN_URL = "/oauth/token"
CONTROL = "/_mockscim"
NOON = "virtual:2026-01-01T12:00:00Z"
LOGIN = Login("ann@example.com", "open: sesame £")
ID, SECRET = "sync", "a-secret-of-the-client"
GRANT = {"grant_type": "client_credentials"}
IN_BODY = {"client_id": ID, "client_secret": SECRET}


def bearer(token):
    """Headers with that token."""
    return {"Authorization": f"Bearer {token}"}


def basic(user, password):
    """Headers with that name and password."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def minted(server, tenant="", **document):
    """A client with a token made through the control API, and what was told of it."""
    answer = server.http({}, tenant).post(f"{CONTROL}/tokens", json=document)
    assert answer.status_code == 201, answer.text
    return server.http(bearer(answer.json()["token"]), tenant), answer.json()


def advance(server, by, tenant=""):
    """Move a tenant's clock on."""
    answer = server.http({}, tenant).post(f"{CONTROL}/clock/advance", json={"by": by})
    assert answer.status_code == 200, answer.text


def challenge(answer):
    """The parameters of the Bearer challenge."""
    text = answer.headers["WWW-Authenticate"].split(", Basic ")[0]
    assert text.startswith("Bearer ")
    return dict(re.findall(r'(\w+)="([^"]*)"', text))


# -- what is not let in ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", [None, "Basic dXNlcjpwYXNz", TOKEN, f"Token {TOKEN}", "Digest x"])
def test_no_code_where_no_token_was_shown(server, header):
    """Without a Bearer token, another scheme included, the challenge names no error (RFC 6750 §3)."""
    answer = server.http({} if header is None else {"Authorization": header}).get(USERS)
    assert_scim_error(answer, 401)
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="mockscim"'


def test_an_unknown_token(server):
    """A token that is not known is invalid_token, and nothing tells it from one that was revoked."""
    client, token = minted(server)
    server.admin.delete(f"{CONTROL}/tokens/{token['name']}")
    revoked, wrong = client.get(USERS), server.http(bearer("wrong")).get(USERS)
    assert_scim_error(wrong, 401)
    assert challenge(wrong)["error"] == "invalid_token"
    assert (revoked.status_code, revoked.content) == (401, wrong.content)
    assert revoked.headers["WWW-Authenticate"] == wrong.headers["WWW-Authenticate"]


@pytest.mark.parametrize("headers", [{}, AUTH, bearer("wrong")])
def test_a_token_in_the_query_string(server, headers):
    """A token in the URL is 400 invalid_request, good or not, alone or beside a good one; the journal masks it."""
    answer = server.http(headers).post(f"{USERS}?access_token={TOKEN}", json=a_user())
    assert_scim_error(answer, 400)
    assert challenge(answer)["error"] == "invalid_request"
    assert "zed@example.com" not in server.users()
    assert TOKEN not in json.dumps(server.journal())


def test_two_authorization_headers(server):
    """Credentials that are shown twice are 400 invalid_request, also where they are the same."""
    raw = server.raw().send(
        f"GET {USERS} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    )
    status, headers, _ = raw.answer()
    assert status == 400
    assert 'error="invalid_request"' in headers["www-authenticate"]


def test_the_words_access_token_elsewhere_in_a_url(server):
    """Only a parameter of that name counts."""
    answer = server.client.get(USERS, params={"filter": 'userName eq "access_token=x"'})
    assert answer.status_code == 200
    assert server.client.get(f"{USERS}?my_access_token=x").status_code == 200


def test_nothing_is_refused_without_authentication(serve):
    """A server that asks for nothing takes whatever is shown, an expired token included."""
    server = serve(auth=False, clock=NOON)
    client, _ = minted(server, expires_in=0)
    assert client.get(USERS).status_code == 200
    assert server.http(bearer("wrong")).get(f"{USERS}?access_token=x").status_code == 200


# -- scopes ----------------------------------------------------------------------------------------------------

READS = [
    ("GET", USERS, None),
    ("GET", f"{USERS}/u-1", None),
    ("HEAD", f"{USERS}/u-1", None),
    ("POST", f"{USERS}/.search", {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}),
    ("POST", "/scim/v2/.search", {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}),
]
OP = {"op": "replace", "path": "title", "value": "Lead"}
PATCH = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [OP]}
WRITES = [
    ("POST", USERS, a_user()),
    ("PUT", f"{USERS}/u-1", a_user("ann@example.com", title="Lead")),
    ("PATCH", f"{USERS}/u-1", PATCH),
    ("DELETE", f"{USERS}/u-1", None),
    (
        "POST",
        "/scim/v2/Bulk",
        {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "Operations": [{"method": "DELETE", "path": "/Users/u-1"}],
        },
    ),
]


@pytest.mark.parametrize(("method", "path", "body"), READS)
def test_reading(server, method, path, body):
    """Reading, a search included, takes the scope read and no other."""
    assert minted(server, scopes=["read"])[0].request(method, path, json=body).status_code == 200
    answer = minted(server, scopes=["write"])[0].request(method, path, json=body)
    assert answer.status_code == 403
    assert (challenge(answer)["error"], challenge(answer)["scope"]) == ("insufficient_scope", "read")


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_writing(server, method, path, body):
    """Writing, a bulk job included, takes the scope write; without it nothing is changed."""
    before = server.client.get(USERS).json()
    answer = minted(server, scopes=["read"])[0].request(method, path, json=body)
    assert_scim_error(answer, 403)
    assert (challenge(answer)["error"], challenge(answer)["scope"]) == ("insufficient_scope", "write")
    assert server.client.get(USERS).json() == before
    entry = next(e for e in server.journal() if e["response"]["status"] == 403)
    assert (entry["operation"] is not None, entry["committed"]) == (True, False)
    assert minted(server, scopes=["write"])[0].request(method, path, json=body).is_success
    assert server.client.get(USERS).json() != before


def test_discovery_takes_no_scope(server):
    """What the provider tells of itself, every good token may read."""
    for scopes in ([], ["write"], ["read"]):
        assert minted(server, scopes=scopes)[0].get("/scim/v2/ServiceProviderConfig").status_code == 200


def test_a_fault_about_what_commits_spares_what_may_not(server):
    """A rule about requests that will commit is not about one whose scope is too narrow; one about all is."""
    server.fault({**a_rule("abort", status=503), "match": {"operation": "user.create", "committed": True}})
    reader, _ = minted(server, scopes=["read"])
    assert reader.post(USERS, json=a_user()).status_code == 403
    assert server.client.post(USERS, json=a_user()).status_code == 503
    server.fault({**a_rule("abort", status=502), "name": "all"})
    assert reader.post(USERS, json=a_user()).status_code == 502


# -- the end of a token ----------------------------------------------------------------------------------------


def test_expiry(serve):
    """A token ends when the tenant's clock says, to the second; what is told then says that it expired."""
    server = serve(clock=NOON)
    client, token = minted(server, expires_in="40m")
    assert token["expires"] == "2026-01-01T12:40:00.000Z"
    advance(server, 2399)
    assert client.get(USERS).status_code == 200
    advance(server, 1)
    answer = client.get(USERS)
    assert_scim_error(answer, 401)
    assert challenge(answer)["error"] == "invalid_token"
    assert "expired" in challenge(answer)["error_description"]
    assert server.client.get(USERS).status_code == 200


def test_expiry_in_a_tenant_of_its_own(serve):
    """Each tenant's clock counts for its own tokens, also at the bare root; its journal has the refusal."""
    server = serve(clock=NOON)
    client, token = minted(server, "red", expires_in=60)
    at_root = server.http(bearer(token["token"]))
    advance(server, "1h")
    assert [each.get(USERS).status_code for each in (client, at_root)] == [200, 200]
    advance(server, "1m", "red")
    assert [each.get(USERS).status_code for each in (client, at_root)] == [401, 401]
    assert [e["response"]["status"] for e in server.journal("red")] == [200, 200, 401, 401]
    assert server.journal() == []


def test_what_is_told_of_a_token(server):
    """Minting and listing tell scopes, user, end and client; a token of no kind in particular may do all for ever."""
    _, plain = minted(server, token="of-my-choice-entirely")
    told = {name: plain[name] for name in ("scopes", "user", "expires", "client")}
    assert told == {"scopes": ["read", "write"], "user": None, "expires": None, "client": None}
    minted(server, scopes=["write"], user="u-1", expires_in=0.5)
    first, second = server.admin.get(f"{CONTROL}/tokens").json()["items"]
    assert first == {**plain, "token": "of-m…ly"}
    assert (second["scopes"], second["user"]) == (["write"], "u-1")
    assert second["expires"] > second["created"]


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({"scopes": ["admin"]}, "/scopes/0"),
        ({"scopes": "read"}, "/scopes"),
        ({"user": " "}, "/user"),
        ({"user": 1}, "/user"),
        ({"expires_in": -1}, "/expires_in"),
        ({"expires_in": "soon"}, "/expires_in"),
        ({"token": "a b"}, "/token"),
    ],
)
def test_a_token_that_cannot_be(server, document, where):
    """A slip in a token's document is told with its place, when minted and in a tenant's own, and nothing is made."""
    assert_problem(server.admin.post(f"{CONTROL}/tokens", json=document), 400, where)
    assert_problem(server.admin.put(f"/t/red{CONTROL}", json={"tokens": ["ok", document]}), 400, f"/tokens/1{where}")
    assert server.admin.get(f"{CONTROL}/tokens").json()["items"] == []
    assert server.call(len, server.scim.tenants) == 1


def test_tokens_of_a_tenant(serve):
    """A tenant is made with tokens as texts and as documents; remade, it has those that it is remade with."""
    server = serve(clock=NOON)
    wanted = {"tokens": ["plain", {"token": "narrow", "scopes": ["read"], "expires_in": "1h"}]}
    assert server.admin.put(f"/t/red{CONTROL}", json=wanted).status_code == 200
    for token, status in (("plain", 201), ("narrow", 403)):
        assert server.http(bearer(token)).post(USERS, json=a_user()).status_code == status
    server.http({}, "red").post(f"{CONTROL}/reset")
    advance(server, "1h", "red")
    assert server.http(bearer("narrow")).get(USERS).status_code == 401
    assert server.admin.put(f"/t/red{CONTROL}", json={"tokens": ["other"]}).status_code == 200
    assert [server.http(bearer(t)).get(USERS).status_code for t in ("plain", "other")] == [401, 200]


def test_an_end_beyond_all_dates(serve):
    """A token whose end no text can say has none."""
    server = serve(clock="virtual:9999-12-31T00:00:00Z")
    assert minted(server, expires_in="10d")[1]["expires"] is None


# -- HTTP Basic ------------------------------------------------------------------------------------------------


@pytest.fixture
def guarded(serve):
    """A server with a login and a client beside its token."""
    clients = (Client(ID, SECRET), Client("reader", "r", frozenset({"read"})))
    return serve(basic=(LOGIN,), clients=clients, token_ttl=3600.0, clock=NOON)


def test_basic(guarded):
    """A name and a password open every tenant, whatever the password has in it."""
    for tenant in ("", "red"):
        client = guarded.http(basic(*LOGIN), tenant)
        assert client.get(USERS).status_code == 200
        assert client.post(USERS, json=a_user()).status_code == 201
    assert guarded.http(AUTH).get(USERS).status_code == 200
    assert LOGIN.password not in json.dumps(guarded.journal())
    assert guarded.journal()[0]["request"]["headers"]["Authorization"] == "Basic ***"


@pytest.mark.parametrize(
    "header",
    [
        basic("ann@example.com", "wrong")["Authorization"],
        basic("ann@example.com", "")["Authorization"],
        basic("", LOGIN.password)["Authorization"],
        "Basic",
        "Basic !",
        "Basic YQ",
        "Basic gP8=",
        f"Bearer \0{LOGIN.user}:{LOGIN.password}".replace("\0", ""),
    ],
)
def test_wrong_basic(guarded, header):
    """Whatever else is sent is 401, and both ways in are named."""
    answer = guarded.http({"Authorization": header.encode()}).get(USERS)
    assert_scim_error(answer, 401)
    assert answer.headers["WWW-Authenticate"].endswith(', Basic realm="mockscim", charset="UTF-8"')
    assert ("error" in challenge(answer)) is header.startswith("Bearer")


def test_a_403_names_no_other_way(guarded):
    """Who is known and may not is not asked for a password."""
    answer = minted(guarded, scopes=["read"])[0].post(USERS, json=a_user())
    assert "Basic" not in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("text", ["ann", ":x", "", "ann:x\n"])
def test_a_login_that_is_none(text):
    """USER:PASSWORD, and what was given is not repeated."""
    with pytest.raises(ValueError, match=r"^USER:PASSWORD was expected$"):
        parse_login(text)


# -- the token endpoint ----------------------------------------------------------------------------------------


def ask(server, tenant="", headers=None, **form):
    """A token request with the client in its body, unless headers are given."""
    who = IN_BODY if headers is None else {}
    return server.http(headers or {}, tenant).post(TOKEN_URL, data={**GRANT, **who, **form})


def assert_oauth_error(answer, status, code):
    """An error after RFC 6749 §5.2."""
    assert answer.status_code == status, answer.text
    assert answer.json()["error"] == code
    assert answer.json()["error_description"]
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("headers", [None, basic(ID, SECRET)])
def test_a_token_is_issued(guarded, headers):
    """A client that says who it is, in the form or by Basic, gets a token that works, and may not be cached."""
    answer = ask(guarded, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    document = answer.json()
    assert {**document, "access_token": "…"} == {
        "access_token": "…",
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "read write",
    }
    assert guarded.http(bearer(document["access_token"])).post(USERS, json=a_user()).status_code == 201


def test_an_issued_token_ends(guarded):
    """It ends under the clock, and the next one works."""
    first = guarded.http(bearer(ask(guarded).json()["access_token"]))
    advance(guarded, "59m")
    assert first.get(USERS).status_code == 200
    advance(guarded, "1m")
    assert "expired" in challenge(first.get(USERS))["error_description"]
    assert guarded.http(bearer(ask(guarded).json()["access_token"])).get(USERS).status_code == 200


def test_the_scope_that_was_asked_for(guarded):
    """A narrower scope is given as asked; the token is as narrow."""
    document = ask(guarded, scope="read").json()
    assert document["scope"] == "read"
    assert guarded.http(bearer(document["access_token"])).post(USERS, json=a_user()).status_code == 403
    assert ask(guarded, scope="write read").json()["scope"] == "read write"


@pytest.mark.parametrize("scope", ["admin", "read admin", "write"])
def test_a_scope_that_the_client_has_not(guarded, scope):
    """What a client may not have is invalid_scope."""
    assert_oauth_error(ask(guarded, headers=basic("reader", "r"), scope=scope), 400, "invalid_scope")


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        (None, {"client_secret": "wrong"}),
        (None, {"client_id": "reader"}),
        (None, {"client_secret": ""}),
        ({}, {}),
        (basic(ID, "wrong"), {}),
        (bearer(TOKEN), {}),
        ({"Authorization": "Basic !"}, {}),
    ],
)
def test_a_client_that_is_not_known(guarded, headers, form):
    """Wrong, missing or unreadable credentials are 401 invalid_client with a challenge."""
    answer = guarded.http(headers or {}).post(TOKEN_URL, data={**GRANT, **(IN_BODY if headers is None else {}), **form})
    assert_oauth_error(answer, 401, "invalid_client")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert guarded.admin.get(f"{CONTROL}/tokens").json()["items"] == []


def test_a_secret_that_is_form_encoded_within_basic(serve):
    """RFC 6749 §2.3.1 encodes both; clients that do and clients that do not get in."""
    server = serve(clients=(Client("a+b", "100%+"),))
    for id_, secret in (("a+b", "100%+"), ("a%2Bb", "100%25%2B")):
        assert ask(server, headers=basic(id_, secret)).status_code == 200


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", "invalid_request"),
        ("grant_type=", "invalid_request"),
        ("grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
        ("grant_type=client_credentials&scope=%FF", "invalid_request"),
        (b"grant_type=\xff", "invalid_request"),
        (f"grant_type=client_credentials&client_secret={SECRET}", "invalid_request"),
        ("grant_type=client_credentials&client_id=reader", "invalid_request"),
        ("&".join(f"a{n}=1" for n in range(1000)), "invalid_request"),
        ("grant_type=password&username=a&password=b", "unsupported_grant_type"),
        ("grant_type=refresh_token&refresh_token=x", "unsupported_grant_type"),
    ],
)
def test_a_request_that_is_none(guarded, content, code):
    """Malformed requests, and grants that there are not, are told apart."""
    headers = {**basic(ID, SECRET), "Content-Type": "application/x-www-form-urlencoded"}
    assert_oauth_error(guarded.http(headers).post(TOKEN_URL, content=content), 400, code)


def test_a_form_is_expected(guarded):
    """JSON is not what the RFC has, nor is another method; too much is 413."""
    assert_oauth_error(guarded.http({}).post(TOKEN_URL, json={**GRANT, **IN_BODY}), 400, "invalid_request")
    answer = guarded.http({}).get(TOKEN_URL, params={**GRANT, **IN_BODY})
    assert_oauth_error(answer, 405, "invalid_request")
    assert answer.headers["Allow"] == "POST"
    assert_oauth_error(ask(guarded, padding="x" * 2_000_000), 413, "invalid_request")
    assert SECRET not in json.dumps(guarded.journal())


def test_unknown_and_empty_parameters_are_ignored(guarded):
    """RFC 6749 §3.2."""
    assert ask(guarded, audience="x", scope="").json()["scope"] == "read write"


def test_no_endpoint_without_clients(server):
    """Where no client is configured there is nothing."""
    assert_scim_error(server.http({}).post(TOKEN_URL, data=GRANT), 404)
    assert_scim_error(server.client.get(f"{TOKEN_URL}/x"), 404)


def test_a_tenant_has_an_endpoint_of_its_own(guarded):
    """A token is the tenant's whose endpoint was asked; a tenant comes to life for a client, not for a stranger."""
    assert ask(guarded, "ghost", client_secret="wrong").status_code == 401
    assert guarded.call(len, guarded.scim.tenants) == 1
    token = ask(guarded, "red").json()["access_token"]
    assert guarded.http(bearer(token), "red").post(USERS, json=a_user()).status_code == 201
    assert guarded.http(bearer(token), "blue").get(USERS).status_code == 401
    (listed,) = guarded.admin.get(f"/t/red{CONTROL}/tokens").json()["items"]
    assert listed["client"] == ID
    assert [e["operation"] for e in guarded.journal("red")] == ["token.create", "user.create"]


def test_the_journal_of_a_token_request(guarded):
    """It is there with neither secret nor token, and what may be read can be."""
    token = ask(guarded, scope="read", assertion="another-secret").json()["access_token"]
    guarded.http({"Content-Type": "text/plain"}).post(TOKEN_URL, content=f"client_secret={SECRET}")
    ask(guarded, headers=basic(ID, SECRET))
    first, second, third = guarded.journal(operation="token.create")
    assert (first["method"], first["path"], first["response"]["status"]) == ("POST", TOKEN_URL, 200)
    for part in ("grant_type=client_credentials", "scope=read", f"client_id={ID}", "client_secret=***"):
        assert part in first["request"]["body"]
    issued = {"access_token": "***", "token_type": "Bearer", "expires_in": 3600, "scope": "read"}
    assert first["response"]["body"] == issued
    assert second["response"]["status"] == 400
    assert third["request"]["headers"]["Authorization"] == "Basic ***"
    har = guarded.admin.get(f"{CONTROL}/journal.har").json()
    assert har["log"]["entries"][0]["request"]["url"] == f"{guarded.root}{TOKEN_URL}"
    everything = json.dumps(guarded.journal()) + json.dumps(har)
    for secret in (SECRET, token, "another-secret", base64.b64encode(f"{ID}:{SECRET}".encode()).decode()):
        assert secret not in everything


def test_a_secret_with_an_escaped_name(guarded):
    """However a form writes its names, the journal masks its secrets."""
    body = f"grant_type=client_credentials&client%5Fid={ID}&client%5Fsecret={SECRET}"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert guarded.http(headers).post(TOKEN_URL, content=body).status_code == 200
    assert SECRET not in json.dumps(guarded.journal())


def test_faults_at_the_token_endpoint(guarded):
    """Rules strike it as ``token.create``: before, nothing is issued; after, the token is there and nobody knows it."""
    guarded.fault({**a_rule("abort", operation="token.create", status=503), "times": 1})
    assert ask(guarded).status_code == 503
    assert guarded.admin.get(f"{CONTROL}/tokens").json()["items"] == []
    guarded.fault({**a_rule("reset", "after", "token.create"), "name": "lost", "times": 1})
    with pytest.raises(httpx.TransportError):
        ask(guarded)
    assert len(guarded.admin.get(f"{CONTROL}/tokens").json()["items"]) == 1
    body = {"error": "temporarily_unavailable"}
    rule = a_rule("abort", operation="token.create", status=400, body=body, content_type="application/json")
    guarded.fault({**rule, "name": "own"})
    assert ask(guarded).json() == body
    assert [[f["rule"] for f in e["faults"]] for e in guarded.journal()] == [["it"], ["lost"], ["own"]]


def test_faults_spare_a_stranger(guarded):
    """A rule sees clients that are known, unless it says otherwise."""
    guarded.fault(a_rule("abort", operation="token.create", status=503))
    assert ask(guarded, client_secret="wrong").status_code == 401
    everybody = {"operation": "token.*", "authenticated": False}
    guarded.fault({**a_rule("abort", status=502), "name": "b", "match": everybody})
    assert ask(guarded, client_secret="wrong").status_code == 502


def test_a_latency_at_the_token_endpoint_ends_with_a_reset(guarded):
    """A reset cuts a token request that waits, and none is issued."""
    guarded.fault(a_rule("latency", operation="token.create", delay="30s"))
    body = "&".join(f"{k}={v}" for k, v in {**GRANT, **IN_BODY}.items())
    raw = guarded.raw().send(
        f"POST {TOKEN_URL} HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    )
    guarded.wait_pending()
    guarded.admin.post(f"{CONTROL}/reset")
    with pytest.raises(ConnectionResetError):
        raw.everything()
    assert guarded.admin.get(f"{CONTROL}/tokens").json()["items"] == []


def test_revoked_tokens_of_a_client(guarded):
    """What was issued can be revoked as what was minted."""
    client = guarded.http(bearer(ask(guarded).json()["access_token"]))
    guarded.admin.delete(f"{CONTROL}/tokens")
    assert challenge(client.get(USERS))["error"] == "invalid_token"


def test_issued_tokens_are_bounded(monkeypatch):
    """Those that have ended go first, then the oldest; minted ones stay."""
    monkeypatch.setattr("mockscim.tokens._MOST_ISSUED", 10)
    tokens = Tokens()
    tokens.mint(0.0, TokenDocument(token="minted"))
    for n in range(9):
        tokens.mint(0.0, TokenDocument(token=f"i{n}", expires_in=10 if n < 4 else 100), "c")
    tokens.mint(50.0, TokenDocument(token="new", expires_in=100), "c")
    assert [token.name for token in tokens] == ["t-1", "t-6", "t-7", "t-8", "t-9", "t-10", "t-11"]
    for n in range(30):
        tokens.mint(50.0, TokenDocument(token=f"j{n}", expires_in=100), "c")
    kept = [token.name for token in tokens]
    assert len(kept) <= 10
    assert (kept[0], kept[-1]) == ("t-1", "t-41")


@pytest.mark.parametrize("text", ["id", "id:", ":secret", "id:secret:", "id:secret:admin", "id:a:b:read", "id:sécret"])
def test_a_client_that_is_none(text):
    """ID:SECRET[:SCOPES], and what was given is not repeated."""
    with pytest.raises(ValueError, match=r"^ID:SECRET was expected, or"):
        parse_client(text)


def test_a_client_with_scopes():
    """The third part is read, write or both."""
    assert parse_client("id:secret").scopes == parse_client("id:secret:read,write").scopes == {"read", "write"}
    assert parse_client("id:secret:read") == Client("id", "secret", frozenset({"read"}))


# -- what is told, and other ways in ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "schemes"),
    [
        ({}, ["oauthbearertoken"]),
        ({"basic": (LOGIN,)}, ["oauthbearertoken", "httpbasic"]),
        ({"clients": (Client(ID, SECRET),)}, ["oauthbearertoken", "oauth2"]),
        ({"basic": (LOGIN,), "clients": (Client(ID, SECRET),)}, ["oauthbearertoken", "oauth2", "httpbasic"]),
    ],
)
@pytest.mark.parametrize("profile", ["standard", "segment"])
def test_the_schemes_that_are_published(serve, profile, options, schemes):
    """ServiceProviderConfig names the ways in that there are, in every tenant, and one of them is primary."""
    server = serve(profile=profile, fixture=None, **options)
    for tenant in ("", "red"):
        found = server.http(AUTH, tenant).get("/scim/v2/ServiceProviderConfig").json()["authenticationSchemes"]
        assert [scheme["type"] for scheme in found] == schemes
        assert [scheme["primary"] for scheme in found] == [True] + [False] * (len(schemes) - 1)
        assert all(scheme["name"] and scheme["description"] for scheme in found)
    assert (server.http(basic(*LOGIN)).get(USERS).status_code == 200) is ("httpbasic" in schemes)
    assert (ask(server).status_code == 200) is ("oauth2" in schemes)


async def test_an_application(aiohttp_client):
    """``create_app`` takes tokens with scopes and a user, logins and clients."""
    app = create_app(
        fixture="small.json",
        token=[{"token": "narrow", "scopes": ["read"], "user": "ann@example.com"}],
        basic="ann@example.com:pass",
        oauth_client=["id:secret:read"],
        token_ttl="5m",
    )
    assert app[APP_TOKEN] == "narrow"
    client = await aiohttp_client(app)
    async with client.get("/scim/v2/Me", headers=bearer("narrow")) as answer:
        assert (await answer.json(content_type=None))["id"] == "u-1"
    async with client.post(USERS, headers=bearer("narrow"), json=a_user()) as answer:
        assert answer.status == 403
    async with client.post(USERS, headers=basic("ann@example.com", "pass"), json=a_user()) as answer:
        assert answer.status == 201
    async with client.post(TOKEN_URL, data={**GRANT, "client_id": "id", "client_secret": "secret"}) as answer:
        document = await answer.json()
    assert (document["expires_in"], document["scope"]) == (300, "read")
    async with client.get(USERS, headers=bearer(document["access_token"])) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("wrong", [{}, {"token": "a b"}, {"token": "a", "scope": "read"}, {"token": "a", "user": ""}])
def test_a_token_that_no_application_takes(wrong):
    """A slip in a token's document is a ValueError."""
    with pytest.raises(ValueError, match=r"token|user|scope"):
        create_app(token=wrong)


# -- a client of somebody else's -------------------------------------------------------------------------------


def test_a_real_client_renews_its_token(guarded):
    """Authlib's client gets a token, is refused when it has expired, asks for the next one, and goes on."""
    with warnings.catch_warnings(record=True):  # it would rather have the next httpx
        from authlib.integrations.httpx_client import OAuth2Client
    for method in ("client_secret_basic", "client_secret_post"):
        client = OAuth2Client(ID, SECRET, scope="read", token_endpoint_auth_method=method, trust_env=False)
        client.fetch_token(f"{guarded.root}{TOKEN_URL}", grant_type="client_credentials")
        assert client.get(f"{guarded.root}{USERS}").json()["totalResults"] == 5
        advance(guarded, "1h")
        assert client.get(f"{guarded.root}{USERS}").status_code == 401
        client.fetch_token(f"{guarded.root}{TOKEN_URL}", grant_type="client_credentials")
        assert client.get(f"{guarded.root}{USERS}").status_code == 200
        client.close()
