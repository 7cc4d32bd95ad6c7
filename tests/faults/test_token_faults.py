"""token_expiry and token_flap: tokens that end, and tokens that are refused by mistake."""

import pytest
from edge import TOKEN, assert_problem, assert_scim_error
from told import advance, after, history, hits, told

from mockscim.server.oauth import parse_client

USERS = "/scim/v2/Users"
FORM = {"grant_type": "client_credentials", "client_id": "app", "client_secret": "secret"}
EXPIRED = 'Bearer error="invalid_token", error_description="the access token expired"'


@pytest.fixture
def server(serve):
    """A server with a clock that is told, and a token endpoint."""
    return serve(clock="virtual", clients=(parse_client("app:secret"),))


def test_a_token_dies_after_so_many_requests(server):
    """Then it is 401 for good, nothing is done, and a token from the token endpoint has a life of its own."""
    server.fault(after("token_expiry", after_requests=2))
    assert [server.client.get(USERS).status_code for _ in range(3)] == [200, 200, 401]
    dead = server.client.delete(f"{USERS}/u-1")
    assert_scim_error(dead, 401)
    assert dead.headers["WWW-Authenticate"] == EXPIRED
    assert history(server) == []
    told(server, "token_expiry", "401")
    fresh = server.http({}).post("/oauth/token", data=FORM).json()["access_token"]
    renewed = server.http({"Authorization": f"Bearer {fresh}"})
    assert renewed.get(USERS, params={"startIndex": 3}).status_code == 200
    assert renewed.delete(f"{USERS}/u-1").status_code == 204
    assert renewed.get(USERS).status_code == 401
    assert server.client.get(USERS).status_code == 401
    assert hits(server) == 4


def test_a_token_dies_after_a_while(server):
    """So long on the tenant's clock, from its first request."""
    server.fault(after("token_expiry", after="10m"))
    advance(server, "1h")
    assert server.client.get(USERS).status_code == 200
    advance(server, "9m")
    assert server.client.get(USERS).status_code == 200
    advance(server, "1m")
    assert server.client.get(USERS).status_code == 401


def test_whatever_comes_first_ends_a_token(server):
    """Requests and time together."""
    server.fault(after("token_expiry", after_requests=100, after="1m"))
    assert server.client.get(USERS).status_code == 200
    advance(server, "1m")
    assert server.client.get(USERS).status_code == 401


def test_a_refresh_that_fails(server):
    """The token endpoint works until a token has ended, and then refuses its client as RFC 6749 §5.2 has it."""
    server.fault(after("token_expiry", after_requests=1, refresh="fails"))
    anybody = server.http({})
    assert anybody.post("/oauth/token", data=FORM).status_code == 200
    assert [server.client.get(USERS).status_code for _ in range(2)] == [200, 401]
    refused = anybody.post("/oauth/token", data=FORM)
    assert refused.status_code == 401
    assert refused.json()["error"] == "invalid_client"
    assert refused.headers["Content-Type"] == "application/json"
    assert "WWW-Authenticate" in refused.headers
    assert next(iter(server.journal()))["faults"] == []


@pytest.mark.parametrize(
    ("challenge", "header"), [("invalid_token", EXPIRED), ("bare", "Bearer"), ("missing", None)]
)  # fmt: skip
def test_what_a_401_says(server, challenge, header):
    """RFC 6750's words, the bare scheme, or nothing."""
    server.fault(after("token_expiry", after_requests=0, www_authenticate=challenge))
    answer = server.client.get(USERS)
    assert_scim_error(answer, 401)
    assert answer.headers.get("WWW-Authenticate") == header


def test_a_bulk_job_is_one_use(server):
    """Its operations show no token of their own."""
    server.fault(after("token_expiry", after_requests=1))
    operations = [{"method": "DELETE", "path": f"/Users/u-{n}"} for n in (1, 2, 3)]
    schema = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
    answer = server.client.post("/scim/v2/Bulk", json={"schemas": [schema], "Operations": operations})
    assert [one["status"] for one in answer.json()["Operations"]] == ["204"] * 3
    assert server.client.get(USERS).status_code == 401


def test_an_expiry_needs_an_end(server):
    """Neither requests nor time: refused."""
    assert_problem(server.admin.post("/_mockscim/faults", json=after("token_expiry")), 400, "/parameters")


def test_who_shows_no_token_is_not_counted(server):
    """A request that is refused anyway uses nothing up."""
    server.fault(after("token_expiry", after_requests=1))
    assert [server.http({}).get(USERS).status_code for _ in range(3)] == [401] * 3
    assert server.client.get(USERS).status_code == 200


def test_a_token_that_flaps(serve):
    """A good token is refused by chance, and good again; what was refused is not done, the rest is."""
    server = serve(seed=3)
    server.fault({**after("token_flap"), "probability": 0.3})
    seen = [server.client.delete(f"{USERS}/u-{1 + n % 5}").status_code for n in range(30)]
    assert {401, 204} <= set(seen)
    assert seen.count(401) == hits(server)
    gone = [n for n, entry in enumerate(server.journal()) if entry["committed"]]
    assert gone == [n for n, status in enumerate(seen) if status == 204]
    refused = next(entry for entry in server.journal() if entry["faults"])
    assert refused["response"]["headers"]["WWW-Authenticate"].startswith('Bearer error="invalid_token"')
    assert TOKEN not in str(server.journal())


def test_a_flap_by_its_short_form(server):
    """``*=token_flap(bare)``."""
    server.fault("*=token_flap(bare, times=1)")
    answers = [server.client.get(USERS) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [401, 200]
    assert answers[0].headers["WWW-Authenticate"] == "Bearer"
