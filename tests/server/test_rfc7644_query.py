"""RFC 7644 §3.4: reading, queries of the root, order, pages, search by POST."""

import pytest
from edge import USER, assert_scim_error, request_bytes
from rfc import (
    ANN,
    BASE,
    DEVICES,
    GROUPS,
    LIST,
    SEARCH,
    USERS,
    created,
    found,
    ids,
    user,
)

EVERYONE = ["u-1", "u-2", "u-3", "u-4", "u-5"]


# -- one resource, and lists (§3.4.1, §3.4.2) ------------------------------------------------------------------


@pytest.mark.rfc("3.4.1-a")
def test_a_known_resource(client):
    """GET of an id is 200 with that resource."""
    answer = client.get(ANN)
    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["userName"]) == ("u-1", "ann@example.com")


@pytest.mark.rfc("3.4-a", "3.9-2", "7643/7-a", "7643/7-b", "7643/7-c")
def test_what_is_returned_by_default(devices):
    """Attributes returned always or by default are there; those on request or never are not."""
    made = created(devices, DEVICES, serialNumber="S1", hostName="one", label="L", logs="long", pin="1234")
    shown = devices.get(f"{DEVICES}/{made['id']}").json()
    assert shown.keys() == {"schemas", "id", "meta", "serialNumber", "hostName", "label"}


@pytest.mark.rfc("3.4.2-1")
@pytest.mark.parametrize("query", ["colour=red", "aadOptscim062020", "filters=x&Filter2=y", "cursors=1&=&&"])
def test_unknown_parameters_are_ignored(strict, query):
    """A parameter that SCIM does not have changes nothing, even with --strict."""
    assert strict.get(f"{USERS}?{query}").content == strict.get(USERS).content
    assert strict.get(f"{ANN}?{query}").content == strict.get(ANN).content


@pytest.mark.rfc("3.4.2-2", "3.4.2-3", "3.4.2-4")
@pytest.mark.parametrize(("path", "total"), [(USERS, 5), (GROUPS, 2), (f"{BASE}/", 7)])
def test_list(client, path, total):
    """A list is a ListResponse with the number of results and the results."""
    document = client.get(path).json()
    assert document["schemas"] == [LIST]
    assert document["totalResults"] == total == len(document["Resources"])


@pytest.mark.rfc("3.4.2-3", "3.4.2-4", "3.4.2-5", "3.4.2-6")
@pytest.mark.parametrize(
    ("start", "count", "page"), [(1, 2, ["u-1", "u-2"]), (4, 3, ["u-4", "u-5"]), (2, 1, ["u-2"]), (5, 9, ["u-5"])]
)
def test_a_part_of_a_list(client, start, count, page):
    """A page has the total of all results, where it starts, how many it has, and those."""
    answer = client.get(USERS, params={"startIndex": start, "count": count})
    document = answer.json()
    assert (document["totalResults"], document["startIndex"], document["itemsPerPage"]) == (5, start, len(page))
    assert ids(answer) == page


@pytest.mark.rfc("3.4.2-7")
@pytest.mark.parametrize("path", [USERS, f"{BASE}/"])
def test_no_match(client, path):
    """A query that nothing matches is 200 with a total of 0 and no resource."""
    answer = client.get(path, params={"filter": 'userName eq "nobody@example.com"'})
    assert answer.status_code == 200
    assert answer.json()["totalResults"] == 0
    assert ids(answer) == []


# -- the root (§3.4.2.1) ---------------------------------------------------------------------------------------


@pytest.mark.rfc("3.4.2.1-1")
def test_the_root_has_all_types(devices):
    """A query of the root finds users, groups and devices."""
    group = created(devices, GROUPS, displayName="G")
    thing = created(devices, DEVICES, serialNumber="S1")
    assert sorted(ids(devices.get(f"{BASE}/"))) == sorted(["u-1", group["id"], thing["id"]])


@pytest.mark.rfc("3.4.2.1-3")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('meta.resourceType eq "Group"', ["g-1", "g-2"]),
        ('displayName sw "E"', ["u-5", "g-1", "g-2"]),
        ('(meta.resourceType eq "User") and not (displayName sw "E")', ["u-1", "u-2", "u-3", "u-4"]),
        ('userName sw "ann" or displayName eq "everyone"', ["u-1", "g-2"]),
    ],
)
def test_filters_of_the_root(client, text, expected):
    """Filters over several types are read and evaluated as those over one."""
    assert sorted(found(client, text, f"{BASE}/")) == sorted(expected)


@pytest.mark.rfc("3.4.2.1-3")
@pytest.mark.parametrize(
    "text", ["displayName", 'displayName regex "E"', "", 'members[value eq "u-1"', "displayName eq"]
)
def test_bad_filters_of_the_root(client, text):
    """What is no filter is refused at the root too."""
    assert_scim_error(client.get(f"{BASE}/", params={"filter": text}), 400, "invalidFilter")


@pytest.mark.rfc("3.4.2.1-4")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("userName pr", EVERYONE),
        ("members pr", ["g-1", "g-2"]),
        ('title eq "Team Lead"', ["u-5"]),
        ("not (userName pr)", ["g-1", "g-2"]),
        ('members.value eq "u-5" or name.givenName eq "Emre"', ["u-5", "g-1"]),
    ],
)
def test_attributes_of_other_types_have_no_value(client, text, expected):
    """An attribute that a type does not have is absent there: pr and eq are false, and not pr is true."""
    assert sorted(found(client, text, f"{BASE}/")) == sorted(expected)


# -- order (§3.4.2.3) ------------------------------------------------------------------------------------------


def ordered(client, by, path=USERS, **more):
    answer = client.get(path, params={"sortBy": by, **more})
    assert answer.status_code == 200, answer.text
    return ids(answer)


@pytest.mark.rfc("3.4.2.3-1", "3.4.2.3-2", "3.4.2.3-c")
@pytest.mark.parametrize(
    ("by", "ascending"),
    [
        ("userName", ["u-1", "u-2", "u-3", "u-4", "u-5"]),
        ("name.familyName", ["u-1", "u-2", "u-4", "u-3", "u-5"]),
        (f"{USER}:name.familyName", ["u-1", "u-2", "u-4", "u-3", "u-5"]),
    ],
)
def test_sort(client, by, ascending):
    """``sortBy`` orders, ascending unless it says descending; a sub-attribute is named with a dot."""
    assert ordered(client, by) == ordered(client, by, sortOrder="ascending") == ascending
    assert ordered(client, by, sortOrder="descending") == ascending[::-1]


@pytest.mark.rfc("3.4.2.3-1")
def test_pages_of_a_sorted_list(client):
    """Order comes before paging."""
    assert ordered(client, "userName", sortOrder="descending", startIndex=2, count=2) == ["u-4", "u-3"]


@pytest.mark.rfc("3.4.2.3-3")
def test_sort_by_type(devices):
    """Numbers by value, names without case, serial numbers, which are caseExact, with it."""
    rows = [("b", "B", 10), ("B", "a", 9), ("a", "C", 100)]
    made = [
        created(devices, DEVICES, serialNumber=serial, hostName=host, ports=ports)["id"] for serial, host, ports in rows
    ]
    one, two, three = made
    assert ordered(devices, "serialNumber", DEVICES) == [two, three, one]
    assert ordered(devices, "hostName", DEVICES) == [two, one, three]
    assert ordered(devices, "ports", DEVICES) == [two, one, three]


@pytest.mark.rfc("3.4.2.3-a")
def test_sort_by_several_values(client):
    """A user is placed by the primary e-mail, or by the first where none is primary."""
    for letter, emails in {
        "x": [{"value": "a@example.org"}, {"value": "c@example.org", "primary": True}],
        "y": [{"value": "b@example.org"}, {"value": "a@example.org"}],
        "z": [{"value": "d@example.org"}, {"value": "a@example.org", "primary": True}],
    }.items():
        created(client, userName=f"{letter}@example.org", emails=emails)
    answer = client.get(USERS, params={"sortBy": "emails.value", "filter": 'userName ew ".org"'})
    assert [u["userName"][0] for u in answer.json()["Resources"]] == ["z", "y", "x"]
    answer = client.get(USERS, params={"sortBy": "emails", "filter": 'userName ew ".org"'})
    assert [u["userName"][0] for u in answer.json()["Resources"]] == ["z", "y", "x"]


@pytest.mark.rfc("3.4.2.3-b")
def test_sort_without_a_value(client):
    """Users without a title are last when ascending and first when descending."""
    assert ordered(client, "title")[0] == "u-5"
    assert ordered(client, "title", sortOrder="descending")[-1] == "u-5"


# -- pages (§3.4.2.4) ------------------------------------------------------------------------------------------


@pytest.mark.rfc("3.4.2.4-2")
@pytest.mark.parametrize("start", [0, -1, -(10**30)])
def test_start_below_one(client, start):
    """A startIndex below 1 is 1, and the answer says so."""
    answer = client.get(USERS, params={"startIndex": start, "count": 2})
    assert (answer.json()["startIndex"], ids(answer)) == (1, ["u-1", "u-2"])


@pytest.mark.rfc("3.4.2.4-3")
@pytest.mark.parametrize("count", [0, 1, 4, 5, 6, 10**30])
def test_count(client, count):
    """There are never more resources than asked for, sorted, filtered or not."""
    for more in ({}, {"sortBy": "userName"}, {"filter": "userName pr"}):
        assert len(ids(client.get(USERS, params={"count": count, **more}))) == min(count, 5)


@pytest.mark.rfc("3.4.2.4-4", "3.4.2.4-a")
@pytest.mark.parametrize("count", [0, -1, -(10**30)])
def test_no_resources_but_their_number(client, count):
    """A count of 0 or less gives the total alone."""
    answer = client.get(USERS, params={"count": count})
    assert answer.status_code == 200
    assert (answer.json()["totalResults"], answer.json()["itemsPerPage"], ids(answer)) == (5, 0, [])


@pytest.mark.rfc("3.4.2.4-b")
def test_all_pages(client):
    """Page by page everything comes once."""
    pages = [ids(client.get(USERS, params={"startIndex": start, "count": 2})) for start in (1, 3, 5, 7)]
    assert pages == [["u-1", "u-2"], ["u-3", "u-4"], ["u-5"], []]


# -- search by POST (§3.4.3) -----------------------------------------------------------------------------------


def search(client, path=USERS, **fields):
    return client.post(f"{path}/.search", json={"schemas": [SEARCH], **fields})


@pytest.mark.rfc("3.4.3-1", "3.4.3-a", "3.4.3-7", "3.4.3-8")
@pytest.mark.parametrize("path", [USERS, GROUPS, BASE])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"filter": 'displayName sw "E"'},
        {"filter": 'displayName eq "nobody"'},
        {"sortBy": "displayName", "sortOrder": "descending"},
        {"sortBy": "meta.created"},
        {"startIndex": 2, "count": 1},
        {"count": 0},
        {"attributes": ["displayName"], "filter": "displayName pr", "sortBy": "displayName", "count": 2},
        {"excludedAttributes": ["meta"]},
    ],
)
def test_search_is_the_query(strict, path, fields):
    """POST to /.search gives what GET with the same parameters gives, of a type and of everything."""
    parameters = {name: ",".join(value) if isinstance(value, list) else value for name, value in fields.items()}
    by_get = strict.get(path + "/" * (path == BASE), params=parameters)
    by_post = search(strict, path, **fields)
    assert by_post.status_code == by_get.status_code == 200
    assert by_post.json() == by_get.json()


@pytest.mark.rfc("3.4.3-1")
def test_search_creates_nothing(client):
    """A body that could be a user, sent to /.search, is a query."""
    client.post(f"{USERS}/.search", json=user("zed"))
    assert client.get(USERS).json()["totalResults"] == 5


@pytest.mark.rfc("3.4.3-2")
@pytest.mark.parametrize("schemas", [[USER], [LIST], [], None, "x"])
def test_search_of_another_message(strict, schemas):
    """A body that is no SearchRequest is refused."""
    assert_scim_error(strict.post(f"{USERS}/.search", json={"schemas": schemas, "count": 1}), 400, "invalidSyntax")


@pytest.mark.rfc("3.4.3-7", "3.4.3-8")
@pytest.mark.parametrize("by", ["name.familyName", "NAME.FAMILYNAME", f"{USER}:name.familyName"])
def test_search_in_order(strict, by):
    """``sortBy`` of a SearchRequest orders, named in any standard way."""
    assert ids(search(strict, sortBy=by, sortOrder="descending")) == ["u-5", "u-3", "u-4", "u-2", "u-1"]


@pytest.mark.rfc("3.4.3-8", "3.4.2.3-c")
@pytest.mark.parametrize("by", ["name", "name..givenName", "colour", "name.colour", "emails[0].value"])
def test_what_cannot_be_sorted_by(strict, by):
    """``sortBy`` that names no attribute with a value is refused, by GET and POST."""
    assert_scim_error(search(strict, sortBy=by), 400)
    assert_scim_error(strict.get(USERS, params={"sortBy": by}), 400)


def test_names_of_the_search_endpoint(server):
    """The path is /.search as it stands, percent-encoded or not."""
    raw = server.raw()
    body = {"schemas": [SEARCH], "count": 1}
    for path in ("/scim/v2/Users/.search", "/scim/v2/Users/%2Esearch", "/scim/v2/.search"):
        status, _, _ = raw.send(request_bytes("POST", path, body)).answer()
        assert status == 200
