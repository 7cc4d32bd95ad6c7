"""rate_limit and retry_after_lie: who may ask how often, and how that is said."""

from email.utils import parsedate_to_datetime

import pytest
from edge import AUTH, TOKEN, a_user, assert_problem, assert_scim_error
from told import advance, after, history, hits, told

from mockscim.clock import parse_instant
from mockscim.faults.allowance import Bucket, Window

USERS = "/scim/v2/Users"
GROUPS = "/scim/v2/Groups"
NOW = parse_instant("2026-01-01T00:00:00Z")


@pytest.fixture
def server(serve):
    """A server with a clock that is told."""
    return serve(clock="virtual", tokens=(TOKEN, "second-token-of-the-tests"))


def statuses(client, count, path=USERS):
    return [client.get(path).status_code for _ in range(count)]


def test_a_fixed_window(server):
    """So many requests, then 429 until the window is over, however seldom one asks; then all of them again."""
    server.fault(after("rate_limit", limit=3, window="1m"))
    assert statuses(server.client, 2) == [200, 200]
    advance(server, "50s")
    assert statuses(server.client, 3) == [200, 429, 429]
    refused = server.client.post(USERS, json=a_user())
    assert_scim_error(refused, 429)
    assert refused.headers["Retry-After"] == "10"
    advance(server, "9s")
    assert statuses(server.client, 1) == [429]
    advance(server, "1s")
    assert statuses(server.client, 4) == [200, 200, 200, 429]
    assert history(server) == []
    assert hits(server) == 5
    told(server, "rate_limit", "429")


def test_a_token_bucket(server):
    """A burst, then one request whenever a token has come back, and never more than the bucket holds."""
    server.fault(after("rate_limit", limit=6, window="1m", algorithm="token_bucket", burst=2))
    assert statuses(server.client, 3) == [200, 200, 429]
    assert server.client.get(USERS).headers["Retry-After"] == "10"
    advance(server, "9s")
    assert statuses(server.client, 1) == [429]
    advance(server, "1s")
    assert statuses(server.client, 2) == [200, 429]
    advance(server, "1h")
    assert statuses(server.client, 3) == [200, 200, 429]


def test_what_is_told_before_the_limit(server):
    """Every answer says how many requests are left and when all are back; that is no fault in the journal."""
    server.fault(after("rate_limit", limit=2, window="1m"))
    first = server.client.get(USERS)
    advance(server, "20s")
    missing = server.client.get(f"{USERS}/nobody")
    refused = server.client.get(USERS)
    shown = [[one.headers[f"X-RateLimit-{name}"] for name in ("Limit", "Remaining", "Reset")] for one in
             (first, missing, refused)]  # fmt: skip
    assert shown == [["2", "1", "60"], ["2", "0", "40"], ["2", "0", "40"]]
    assert_scim_error(missing, 404)
    assert [len(entry["faults"]) for entry in server.journal()] == [0, 0, 1]
    assert hits(server) == 1


def test_what_is_told_can_be_a_time_or_nothing(server):
    """X-RateLimit-Reset in seconds since 1970, with a Date on the same clock; or no such header."""
    server.fault({**after("rate_limit", limit=1, show="epoch"), "name": "a"})
    for status in (200, 429):
        answer = server.client.get(USERS)
        assert answer.status_code == status
        assert answer.headers["X-RateLimit-Reset"] == str(int(NOW) + 60)
        assert parsedate_to_datetime(answer.headers["Date"]).timestamp() == NOW
    server.admin.delete("/_mockscim/faults")
    server.fault(after("rate_limit", limit=1, show="no"))
    answers = [server.client.get(USERS), server.client.get(USERS)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert not any(name.lower().startswith("x-ratelimit") for answer in answers for name in answer.headers)


FORMS = {
    "seconds": "21",
    "http_date": "Thu, 01 Jan 2026 00:01:01 GMT",
    "fractional": "20.250",
    "past": "Wed, 31 Dec 2025 23:00:40 GMT",
    "zero": "0",
    "missing": None,
    "huge": "9999999999",
    "epoch": str(int(NOW) + 61),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_forms_of_retry_after(server, form):
    """Each form, 20.25 seconds before the window is over, by the tenant's clock, which Date tells."""
    server.fault(after("rate_limit", limit=1, window="61s", retry_after=form))
    server.client.get(USERS)
    advance(server, "40.75s")
    refused = server.client.get(USERS)
    assert refused.status_code == 429
    assert refused.headers.get("Retry-After") == FORMS[form]
    assert refused.headers["Date"] == "Thu, 01 Jan 2026 00:00:40 GMT"
    assert len(refused.headers.get_list("Date")) == 1


def test_a_retry_after_that_makes_no_sense(server):
    """Garbage is neither of RFC 9110's forms, and the same for the same seed."""
    server.fault(after("rate_limit", limit=1, retry_after="garbage"))
    said = [server.client.get(USERS).headers["Retry-After"] for _ in range(5) if server.client.get(USERS)]
    assert not any(text.isdigit() for text in said)
    for text in said:
        with pytest.raises(ValueError, match="date"):
            parsedate_to_datetime(text)
    server.admin.post("/_mockscim/faults", json={})
    server.admin.delete("/_mockscim/faults")
    server.fault(after("rate_limit", limit=1, retry_after="garbage"))
    assert said == [server.client.get(USERS).headers["Retry-After"] for _ in range(5) if server.client.get(USERS)]


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("token", [200, 429, 429, 200]),
        ("tenant", [200, 429, 429, 429]),
        ("operation", [200, 429, 200, 429]),
        ("ip", [200, 429, 429, 429]),
        (["token", "operation"], [200, 429, 200, 200]),
    ],
)
def test_whose_requests_count_together(server, scope, expected):
    """Of one token, of all, of one operation, from one address; or what several of these have in common."""
    server.fault(after("rate_limit", limit=1, scope=scope))
    other = server.http({"Authorization": "Bearer second-token-of-the-tests"})
    answers = [server.client.get(USERS), server.client.get(USERS), server.client.get(GROUPS), other.get(USERS)]
    assert [answer.status_code for answer in answers] == expected


def test_tenants_have_limits_of_their_own(server):
    """What one tenant has used up leaves another alone."""
    for tenant in ("", "b"):
        server.fault(after("rate_limit", limit=1, scope="ip"), tenant)
    assert statuses(server.client, 2) == [200, 429]
    assert statuses(server.http(AUTH, "b"), 2) == [200, 429]


def test_rejected_requests_may_count(server):
    """Then who does not wait starts the window anew, or gets into debt, and has to wait longer."""
    server.fault(after("rate_limit", limit=1, window="1m", count_rejected=True))
    server.client.get(USERS)
    advance(server, "50s")
    assert server.client.get(USERS).headers["Retry-After"] == "60"
    advance(server, "50s")
    assert statuses(server.client, 1) == [429]
    advance(server, "1m")
    assert statuses(server.client, 1) == [200]
    server.admin.delete("/_mockscim/faults")
    server.fault(after("rate_limit", limit=1, window="1m", algorithm="token_bucket", count_rejected=True))
    waits = [server.client.get(USERS).headers.get("Retry-After") for _ in range(4)]
    assert waits == [None, "120", "120", "120"]


def test_another_status_and_reset(server):
    """503 instead of 429; a reset gives all of it back."""
    server.fault(after("rate_limit", limit=1, status=503))
    assert statuses(server.client, 2) == [200, 503]
    rules = server.admin.get("/_mockscim/faults").json()["items"]
    server.admin.put("/_mockscim/faults", json=rules)
    assert statuses(server.client, 2) == [200, 503]


def test_operations_of_a_bulk_job_count(server):
    """Each of them, after the job itself; those beyond the limit are refused alone."""
    server.fault(after("rate_limit", limit=3))
    operations = [{"method": "DELETE", "path": f"/Users/u-{n}"} for n in (1, 2, 3)]
    schema = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
    answer = server.client.post("/scim/v2/Bulk", json={"schemas": [schema], "Operations": operations})
    assert [one["status"] for one in answer.json()["Operations"]] == ["204", "204", "429"]
    assert answer.headers["X-RateLimit-Remaining"] == "2"
    assert [change["id"] for change in history(server) if change["type"] == "User"] == ["u-1", "u-2"]


@pytest.mark.parametrize(
    ("parameters", "where"),
    [
        ({"limit": 1, "window": 0}, "/parameters/window"),
        ({"limit": 1, "burst": 2}, "/parameters/burst"),
        ({"limit": 1, "scope": []}, "/parameters/scope"),
        ({"limit": 0}, "/parameters/limit"),
        ({"limit": 1, "retry_after": "later"}, "/parameters/retry_after"),
    ],
)
def test_limits_that_cannot_be(server, parameters, where):
    """The place that is wrong is named."""
    answer = server.admin.post("/_mockscim/faults", json=after("rate_limit", **parameters))
    assert_problem(answer, 400, where)


def test_a_clock_that_goes_backwards_locks_nobody_out():
    """A window begins anew; a bucket goes on from the earlier time."""
    window, bucket = Window(1, 60.0), Bucket(1.0, 1, 1, 1000.0)
    assert [window.take(1000.0), window.take(10.0), window.take(20.0)] == [True, True, False]
    assert [bucket.take(1000.0), bucket.take(10.0), bucket.take(11.0)] == [True, False, True]


@pytest.mark.parametrize("limit", [1, 3, 7, 11, 600])
def test_who_waits_as_long_as_told_is_let_through(limit):
    """No rounding of today's time makes a liar of Retry-After."""
    now = 1_767_225_600.123
    for allowance in (Window(limit, 61.7), Bucket(limit / 61.7, limit, limit, now)):
        at = now
        while allowance.take(at):
            at += 0.001
        for _ in range(50):
            at += allowance.wait(at)
            assert allowance.take(at)
            while allowance.take(at):
                pass


def test_retry_after_lie(server):
    """Refused, and refused again after waiting as told, twice; coming too early is no lie. Then all is well."""
    server.fault(after("retry_after_lie", lies=2, wait="10s"))
    said = [server.client.get(USERS).headers["Retry-After"]]
    advance(server, "4s")
    said.append(server.client.get(USERS).headers["Retry-After"])
    for _ in range(2):
        advance(server, "10s")
        said.append(server.client.get(USERS).headers["Retry-After"])
    assert said == ["10", "6", "10", "10"]
    advance(server, "10s")
    assert statuses(server.client, 3) == [200, 200, 200]
    assert hits(server) == 4
    told(server, "retry_after_lie", "429", 3)
    other = server.http({"Authorization": "Bearer second-token-of-the-tests"})
    assert statuses(other, 1) == [429]


def test_retry_after_lie_in_another_form(server):
    """As a date, on the tenant's clock, and with another status."""
    server.fault(after("retry_after_lie", lies=0, wait="90s", status=503, retry_after="http_date"))
    refused = server.client.post(USERS, json=a_user())
    assert_scim_error(refused, 503)
    assert refused.headers["Retry-After"] == "Thu, 01 Jan 2026 00:01:30 GMT"
    advance(server, "90s")
    assert server.client.post(USERS, json=a_user()).status_code == 201
