"""RFC 9865: paging by cursor."""

import re

import pytest
from edge import AUTH, assert_scim_error
from rfc import ANN, BASE, GROUPS, SEARCH, USERS, created, ids

EVERYONE = ["u-1", "u-2", "u-3", "u-4", "u-5"]


def page(client, cursor="", path=USERS, **parameters):
    """One page, as JSON."""
    answer = client.get(path, params={"cursor": cursor, **parameters})
    assert answer.status_code == 200, answer.text
    return answer.json()


def pages(client, path=USERS, **parameters):
    """All pages, by following nextCursor."""
    found = [page(client, "", path, **parameters)]
    while "nextCursor" in found[-1]:
        found.append(page(client, found[-1]["nextCursor"], path, **parameters))
        assert len(found) < 20
    return found


def listed(document):
    return [resource["id"] for resource in document.get("Resources", [])]


@pytest.mark.rfc("9865/2-4", "9865/2-5")
@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (2, [["u-1", "u-2"], ["u-3", "u-4"], ["u-5"]]),
        (5, [EVERYONE]),
        (9, [EVERYONE]),
        (1, [[id_] for id_ in EVERYONE]),
    ],
)
def test_pages(client, count, expected):
    """Every page but the last has a nextCursor, and following them gives everything once, with a true total."""
    found = pages(client, count=count)
    assert [listed(document) for document in found] == expected
    assert [document["totalResults"] for document in found] == [5] * len(expected)
    assert [document["itemsPerPage"] for document in found] == [len(ids_) for ids_ in expected]


@pytest.mark.rfc("9865/2-5")
def test_no_pages(client):
    """A query without matches, or with few, has no nextCursor."""
    for text, expected in (('userName sw "x"', []), ('userName sw "ann"', ["u-1"])):
        document = page(client, filter=text, count=2)
        assert listed(document) == expected
        assert "nextCursor" not in document


@pytest.mark.rfc("9865/2-3")
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_count(client, count):
    """No page has more resources than asked for."""
    found = pages(client, count=count, filter="userName pr")
    assert len(found) > 1
    assert max(len(listed(document)) for document in found) <= count


@pytest.mark.rfc("9865/2-2")
@pytest.mark.parametrize("count", [0, -1, -(10**30)])
def test_count_of_nothing(client, count):
    """A count of 0 or less gives the total alone."""
    document = page(client, count=count)
    assert (document["totalResults"], listed(document)) == (5, [])


@pytest.mark.rfc("9865/2-6", "9865/2-b")
def test_back(client):
    """The first page has no previousCursor; where others have one it leads back to the page before."""
    first, second, third = pages(client, count=2)
    assert "previousCursor" not in first
    assert listed(page(client, third["previousCursor"], count=2)) == listed(second)
    assert listed(page(client, second["previousCursor"], count=2)) == listed(first)


@pytest.mark.rfc("9865/2-6")
def test_back_at_the_start(client):
    """Nor has the first page one when it was reached from the second."""
    back = page(client, pages(client, count=2)[1]["previousCursor"], count=2)
    assert listed(back) == EVERYONE[:2]
    assert "previousCursor" not in back
    assert listed(page(client, back["nextCursor"], count=2)) == EVERYONE[2:4]


@pytest.mark.rfc("9865/2-a")
def test_characters(client):
    """Cursors are made of unreserved characters (RFC 3986 §2.3)."""
    found = pages(client, count=1, filter='userName co "@" and not (title eq "&=%")', sortBy="userName")
    cursors = [document[name] for document in found for name in ("nextCursor", "previousCursor") if name in document]
    assert len(cursors) >= 4
    assert [cursor for cursor in cursors if not re.fullmatch(r"[A-Za-z0-9._~-]+", cursor)] == []


@pytest.mark.rfc("9865/2.1-1", "9865/2.1-a")
@pytest.mark.parametrize("cursor", ["nonsense", "0", "-1", "a" * 5000, "é", "AAAA", "..."])
def test_unknown_cursors(client, cursor):
    """What was never given out is 400 invalidCursor."""
    assert_scim_error(client.get(USERS, params={"cursor": cursor, "count": 2}), 400, "invalidCursor")


@pytest.mark.rfc("9865/2.1-1", "9865/2.1-a")
@pytest.mark.parametrize(
    ("path", "more"), [(GROUPS, {}), (USERS, {"filter": "title pr"}), (USERS, {"sortBy": "title"}), (f"{BASE}/", {})]
)
def test_cursors_of_another_query(client, path, more):
    """A cursor with another endpoint, filter or order is 400 invalidCursor."""
    cursor = page(client, count=2)["nextCursor"]
    answer = client.get(path, params={"cursor": cursor, "count": 2, **more})
    assert_scim_error(answer, 400, "invalidCursor")


@pytest.mark.rfc("9865/2.1-1", "9865/2.1-c")
def test_another_count(client):
    """A count unlike the first one's is 400 invalidCount; so is what is no number."""
    cursor = page(client, count=2)["nextCursor"]
    assert_scim_error(client.get(USERS, params={"cursor": cursor, "count": 3}), 400, "invalidCount")
    assert_scim_error(client.get(USERS, params={"cursor": "", "count": "many"}), 400, "invalidCount")


@pytest.mark.rfc("9865/2.1-1", "9865/2.1-b")
def test_expired_cursors(serve):
    """A cursor that waited beyond cursorTimeout is 400 expiredCursor; just before, it is good."""
    server = serve(clock="virtual")
    seconds = server.client.get(f"{BASE}/ServiceProviderConfig").json()["pagination"]["cursorTimeout"]
    cursor = page(server.client, count=2)["nextCursor"]
    server.admin.post("/_mockscim/clock/advance", json={"by": f"{seconds - 1}s"})
    cursor = page(server.client, cursor, count=2)["nextCursor"]
    server.admin.post("/_mockscim/clock/advance", json={"by": f"{seconds + 1}s"})
    assert_scim_error(server.client.get(USERS, params={"cursor": cursor, "count": 2}), 400, "expiredCursor")


@pytest.mark.rfc("9865/2.2-a")
@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_order(client, order):
    """Pages by cursor are in the order of sortBy, over all of them."""
    found = pages(client, count=2, sortBy="name.familyName", sortOrder=order)
    expected = ["u-1", "u-2", "u-4", "u-3", "u-5"]
    assert [id_ for document in found for id_ in listed(document)] == (
        expected if order == "ascending" else expected[::-1]
    )


@pytest.mark.rfc("9865/2-4", "9865/2-5")
def test_writes_between_pages(client):
    """Who was there at the start and still is comes exactly once, whoever comes or goes meanwhile."""
    first = page(client, count=2)
    client.delete(ANN)
    client.delete(f"{USERS}/u-4")
    created(client, userName="zed@example.com")
    rest, cursor = [], first.get("nextCursor")
    while cursor:
        document = page(client, cursor, count=2)
        rest += listed(document)
        cursor = document.get("nextCursor")
    assert listed(first) == ["u-1", "u-2"]
    assert [id_ for id_ in rest if id_ in EVERYONE] == ["u-3", "u-5"]


@pytest.mark.rfc("9865/2.4-1", "9865/4-1", "9865/4-2", "9865/4-3")
def test_what_is_published(client):
    """Pagination says that both ways are there; without a parameter the page is of the one it calls the default."""
    told = client.get(f"{BASE}/ServiceProviderConfig").json()["pagination"]
    assert (told["cursor"], told["index"], told["defaultPaginationMethod"]) == (True, True, "index")
    document = client.get(USERS, params={"count": 2}).json()
    assert "nextCursor" not in document
    assert document["startIndex"] == 1


@pytest.mark.rfc("9865/3-a")
def test_search(client):
    """A SearchRequest pages by cursor as a GET does."""
    body = {"schemas": [SEARCH], "filter": "userName pr", "count": 2, "cursor": ""}
    found = []
    while True:
        answer = client.post(f"{USERS}/.search", json=body)
        assert answer.status_code == 200
        found.append(ids(answer))
        if "nextCursor" not in answer.json():
            break
        body["cursor"] = answer.json()["nextCursor"]
    assert found == [["u-1", "u-2"], ["u-3", "u-4"], ["u-5"]]


@pytest.mark.rfc("9865/5.2-1", "9865/5.2-4")
def test_cursors_of_another_tenant(server):
    """Another tenant's cursor is refused, in the words for one that never was."""
    cursor = page(server.http(AUTH, "red"), count=2)["nextCursor"]
    blue = server.http(AUTH, "blue")
    theirs = assert_scim_error(blue.get(USERS, params={"cursor": cursor, "count": 2}), 400, "invalidCursor")
    made_up = assert_scim_error(blue.get(USERS, params={"cursor": "x" * len(cursor), "count": 2}), 400, "invalidCursor")
    assert theirs == made_up


@pytest.mark.rfc("9865/5.2-2")
def test_each_page_is_authorised(server):
    """A cursor without a token, or with one revoked since, opens nothing."""
    minted = server.admin.post("/_mockscim/tokens", json={}).json()
    client = server.http({"Authorization": f"Bearer {minted['token']}"})
    cursor = page(client, count=2)["nextCursor"]
    parameters = {"cursor": cursor, "count": 2}
    assert_scim_error(server.admin.get(USERS, params=parameters), 401)
    assert server.admin.delete(f"/_mockscim/tokens/{minted['name']}").status_code == 204
    assert_scim_error(client.get(USERS, params=parameters), 401)
