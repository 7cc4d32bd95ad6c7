"""The lint of a client's traffic: each habit is seen where it is, and not where it is not."""

import pytest
from edge import SCIM_JSON
from test_gates import a_user

USERS = "/scim/v2/Users"


def found(server):
    """The findings: code to the numbers of the exchanges."""
    answer = server.admin.get("/_mockscim/lint")
    assert answer.status_code == 200, answer.text
    return {item["code"]: item["exchanges"] for item in answer.json()["items"]}


def create(server, **more):
    """A creation, with a JSON body."""
    return server.client.post(USERS, json={**a_user(), **more}, headers=SCIM_JSON)


def test_a_good_client_has_no_habits(serve):
    """Look, create, look again, change what differs, page to the end, delete: nothing to point at."""
    server = serve(fixture="small")
    server.client.get(USERS, params={"filter": 'userName eq "zoe+1@example.com"'})
    made = create(server, userName="zoe+1@example.com").json()
    start, total = 1, 10**9
    while start <= total:
        page = server.client.get(USERS, params={"startIndex": start, "count": 2}).json()
        total = page["totalResults"]
        start += page["itemsPerPage"]
    server.client.put(f"{USERS}/{made['id']}", json={**made, "title": "Dr"}, headers=SCIM_JSON)
    server.client.delete(f"{USERS}/{made['id']}")
    assert found(server) == {}


def test_no_user_agent(serve):
    """A request without User-Agent, or with an empty one."""
    server = serve(fixture=None)
    server.client.get(USERS, headers={"User-Agent": ""})
    server.client.get(USERS)
    assert found(server) == {"no-user-agent": [1]}


@pytest.mark.parametrize("query", ["access_token=abcdef", "count=1&token=abcdef", "Password=x"])
def test_secret_in_url(serve, query):
    """Credentials in the query string."""
    server = serve(fixture=None)
    server.client.get(f"{USERS}?{query}")
    assert found(server)["secret-in-url"] == [1]


def test_unescaped_filter(serve):
    """A raw + in an address is a space; a quote that is not escaped ends the text."""
    server = serve(fixture=None)
    server.client.get(f"{USERS}?filter=userName%20eq%20%22ann+x@example.com%22")
    server.client.get(f"{USERS}?filter=userName%20eq%20%22a%22b%22")
    server.client.get(f"{USERS}?filter=userName+eq+%22ann%2Bx%40example.com%22")
    server.client.get(f"{USERS}?filter=displayName%20eq%20%22a%5C%22b%22")
    assert found(server) == {"unescaped-filter": [1, 2]}


def test_read_only_sent(serve):
    """A POST with an id or meta, and any write with a user's groups; a PUT of what was read is as it should be."""
    server = serve(fixture=None)
    made = create(server, id="mine").json()
    create(server, userName="bob@example.com", id="", meta={})
    body = {**made, "title": "Dr"}
    server.client.put(f"{USERS}/{made['id']}", json=body, headers=SCIM_JSON)
    body = {**body, "title": "Ms", "groups": [{"value": "g"}]}
    server.client.put(f"{USERS}/{made['id']}", json=body, headers=SCIM_JSON)
    assert found(server) == {"read-only-sent": [1, 4]}


def test_write_without_change(serve):
    """A PUT or PATCH that is answered well and changes nothing."""
    server = serve(fixture=None)
    made = create(server, title="Dr").json()
    server.client.put(f"{USERS}/{made['id']}", json=made, headers=SCIM_JSON)
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "title", "value": "Dr"}],
    }
    server.client.patch(f"{USERS}/{made['id']}", json=body, headers=SCIM_JSON)
    server.client.patch(f"{USERS}/nobody", json=body, headers=SCIM_JSON)
    assert found(server) == {"write-without-change": [2, 3]}


def test_pages_not_followed(serve):
    """The last page that was asked for leaves some out; count=0 asks for none on purpose."""
    server = serve(fixture="small")
    server.client.get(USERS, params={"count": 1})
    server.client.get(USERS, params={"count": 1, "startIndex": 2})
    server.client.get("/scim/v2/Groups", params={"count": 0})
    assert found(server) == {"pages-not-followed": [2]}


def test_blind_retry(serve):
    """The same POST after a lost answer, with no look between."""
    server = serve(fixture=None)
    server.fault("user.create=503(times=2)")
    create(server)
    create(server)
    server.client.get(USERS)
    create(server)
    assert found(server) == {"blind-retry": [2]}


def test_retry_after_ignored(serve):
    """A request of the kind that was told to wait comes too soon; others may come."""
    server = serve(fixture=None)
    server.fault("user.list=429(retry_after=30,times=1)")
    server.client.get(USERS)
    server.client.get("/scim/v2/Groups")
    server.client.get(USERS)
    assert found(server) == {"retry-after-ignored": [3]}


@pytest.mark.parametrize("nonsense", ["soon", "-5", "Fri, 31 Dec 999999999999 23:59:59 GMT", "9" * 400])
def test_a_retry_after_that_says_nothing(serve, nonsense):
    """What nobody can understand was not ignored, and breaks nothing."""
    server = serve(fixture=None)
    server.fault({"type": "abort", "parameters": {"status": 429, "retry_after": nonsense}, "times": 1,
                  "match": {"operation": "user.list"}})  # fmt: skip
    server.client.get(USERS)
    server.client.get(USERS)
    assert found(server) == {}


def test_a_told_clock_says_nothing_of_waiting(serve):
    """Under a virtual clock the time between requests is not the client's."""
    server = serve(fixture=None, clock="virtual")
    server.fault("user.list=429(retry_after=30,times=1)")
    server.client.get(USERS)
    server.client.get(USERS)
    assert found(server) == {}
