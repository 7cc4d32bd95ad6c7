"""Paging by cursor (RFC 9865) over HTTP: the clock, resets, tenants, sizes. What the RFC itself says: test_rfc9865."""

import pytest
from edge import AUTH, assert_scim_error
from rfc import ANN, BASE, GROUPS, LIST, SEARCH, USERS, created, ids

from mockscim import profiles
from mockscim.people import generate

VIRTUAL = "virtual:2026-01-01T00:00:00Z"


def page(client, cursor="", path=USERS, **parameters):
    """One page, as JSON."""
    answer = client.get(path, params={"cursor": cursor, "count": 2, **parameters})
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(client, cursor, path=USERS, **parameters):
    """The scimType that a cursor is refused with."""
    answer = client.get(path, params={"cursor": cursor, "count": 2, **parameters})
    return assert_scim_error(answer, 400)["scimType"]


def advance(server, by, tenant=""):
    assert server.http({}, tenant).post("/_mockscim/clock/advance", json={"by": by}).status_code == 200


# -- what a page says ------------------------------------------------------------------------------------------------


def test_a_page(client):
    """A page by cursor is a ListResponse that counts nothing from the first resource."""
    first = page(client)
    assert first.keys() == {"schemas", "totalResults", "itemsPerPage", "nextCursor", "Resources"}
    assert first["schemas"] == [LIST]
    second = page(client, first["nextCursor"])
    assert second.keys() == first.keys() | {"previousCursor"}
    assert second["Resources"] == [client.get(f"{USERS}/{id_}").json() for id_ in ("u-3", "u-4")]


def test_a_parameter_without_a_value(client):
    """``?cursor&count=2`` asks for the first page, as the RFC's own example does."""
    assert client.get(f"{USERS}?cursor&count=2").json()["itemsPerPage"] == 2
    assert "nextCursor" in client.get(f"{USERS}?cursor&count=2").json()


def test_all_at_once(client):
    """Without a count, and without a size that the provider says, all are on the first page."""
    document = client.get(f"{USERS}?cursor").json()
    assert (document["itemsPerPage"], "nextCursor" in document) == (5, False)


def test_projected_pages(client):
    """The attributes parameter is honoured on each page; what was not asked for does not come, however it is sorted."""
    first = page(client, attributes="userName", sortBy="name.familyName")
    second = page(client, first["nextCursor"], attributes="userName", sortBy="name.familyName")
    assert all(each.keys() == {"schemas", "id", "userName"} for each in first["Resources"] + second["Resources"])
    assert (
        refused(client, first["nextCursor"], attributes="userName,title", sortBy="name.familyName") == "invalidCursor"
    )


@pytest.mark.parametrize(
    "filter_", ['userName co "@" and active eq true', 'userName eq "ann@example.com"', "userName pr"]
)
def test_filtered_pages(client, filter_):
    """A filter selects over all pages what it selects at once."""
    expected = ids(client.get(USERS, params={"filter": filter_}))
    document = page(client, filter=filter_)
    found = [each["id"] for each in document["Resources"]]
    while "nextCursor" in document:
        document = page(client, document["nextCursor"], filter=filter_)
        found += [each["id"] for each in document["Resources"]]
    assert found == expected


@pytest.mark.parametrize("path", [f"{USERS}/.search", f"{BASE}/.search"])
def test_searches(client, path):
    """POST /.search pages by cursor, at the root too; its cursors are its own."""
    body = {"schemas": [SEARCH], "count": 3, "cursor": "", "attributes": ["id"]}
    seen = []
    while True:
        document = client.post(path, json=body).json()
        seen += [each["id"] for each in document["Resources"]]
        if "nextCursor" not in document:
            break
        body["cursor"] = document["nextCursor"]
    everything = client.get(path.removesuffix(".search"), params={"count": 99})
    assert seen == ids(everything)
    assert assert_scim_error(client.get(USERS, params={"cursor": body["cursor"]}), 400)["scimType"] == "invalidCursor"
    body["cursor"] = None
    assert client.post(path, json=body).json()["startIndex"] == 1
    body["cursor"] = 5
    assert_scim_error(client.post(path, json=body), 400, "invalidValue")


def test_where_a_cursor_means_nothing(client):
    """A single resource and a discovery document have no pages; the parameter is ignored."""
    for path in (ANN, f"{BASE}/ServiceProviderConfig", f"{BASE}/Schemas"):
        assert client.get(path, params={"cursor": "nonsense"}).json() == client.get(path).json()


# -- time ------------------------------------------------------------------------------------------------------------


def test_each_cursor_has_its_own_time(serve):
    """The time of a cursor begins when it is given out: also for a page that was asked for before."""
    server = serve(clock=VIRTUAL, profile={"extends": "standard", "behaviour": {"cursor_timeout": 60}})
    assert server.client.get(f"{BASE}/ServiceProviderConfig").json()["pagination"]["cursorTimeout"] == 60
    old = page(server.client)["nextCursor"]
    advance(server, "50s")
    new = page(server.client)["nextCursor"]
    advance(server, "20s")
    assert refused(server.client, old) == "expiredCursor"
    assert page(server.client, new)["itemsPerPage"] == 2


def test_a_large_page_is_not_kept_too_long(serve):
    """A page that is large enough to be remembered is made anew, so that its cursors are."""
    server = serve(clock=VIRTUAL, fixture=generate(60, 0, 1))
    for _ in range(3):
        cursor = page(server.client, count=50)["nextCursor"]
        advance(server, "59m")
    assert page(server.client, cursor, count=50)["itemsPerPage"] == 10


def test_searches_expire_too(serve):
    """A SearchRequest's cursor ends by the clock as well."""
    server = serve(clock=VIRTUAL)
    body = {"schemas": [SEARCH], "count": 2, "cursor": ""}
    body["cursor"] = server.client.post(f"{USERS}/.search", json=body).json()["nextCursor"]
    advance(server, "3601s")
    assert_scim_error(server.client.post(f"{USERS}/.search", json=body), 400, "expiredCursor")


# -- resets, tenants, seeds ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("clock", ["real", VIRTUAL])
def test_a_reset_drops_cursors(serve, clock):
    """After a reset no cursor from before it is known."""
    server = serve(clock=clock)
    cursor = page(server.client)["nextCursor"]
    assert server.admin.post("/_mockscim/reset").status_code == 204
    assert refused(server.client, cursor) == "invalidCursor"


def test_a_remade_tenant_knows_none(serve):
    """Nor is one of a tenant that was made anew since."""
    server = serve(clock=VIRTUAL)
    red = server.http(AUTH, "red")
    cursor = page(red)["nextCursor"]
    assert server.http({}, "red").put("/_mockscim", json={"clock": VIRTUAL}).status_code in (200, 201)
    assert refused(red, cursor) == "invalidCursor"


def test_equal_seeds_give_equal_cursors(serve):
    """With a virtual clock the same requests get the same cursors, after a reset and in another process."""
    one, two = serve(clock=VIRTUAL, seed=7), serve(clock=VIRTUAL, seed=7)
    first = page(one.client)["nextCursor"]
    assert page(two.client)["nextCursor"] == first
    one.admin.post("/_mockscim/reset")
    assert page(one.client)["nextCursor"] == first
    assert page(serve(clock=VIRTUAL, seed=8).client)["nextCursor"] != first


def test_a_snapshot_keeps_cursors(server):
    """Going back to a snapshot leaves cursors good: they say after whom to go on."""
    assert server.admin.put("/_mockscim/snapshots/s").status_code < 300
    cursor = page(server.client)["nextCursor"]
    server.client.delete(f"{USERS}/u-3")
    created(server.client, userName="zed@example.com")
    assert server.admin.post("/_mockscim/snapshots/s").status_code == 204
    assert [each["id"] for each in page(server.client, cursor)["Resources"]] == ["u-3", "u-4"]


# -- profiles --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", profiles.names())
def test_each_profile_says_what_it_does(serve, profile):
    """ServiceProviderConfig has pagination exactly where cursors are given out, and its schema has it, too."""
    client = serve(profile=profile, fixture=generate(5, 0, 1)).client
    told = client.get(f"{BASE}/ServiceProviderConfig").json().get("pagination")
    urn = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
    published = [each["name"] for each in client.get(f"{BASE}/Schemas/{urn}").json()["attributes"]]
    document = client.get(f"{USERS}?cursor&count=2").json()
    assert (told is not None) is ("pagination" in published) is ("nextCursor" in document)
    assert (told is None) is (profile == "segment")
    if told is not None:
        most = told.get("maxPageSize")
        assert most == (200 if profile == "interop" else None)
        if most is not None:
            assert_scim_error(client.get(f"{USERS}?cursor&count={most + 1}"), 400, "invalidCount")
            assert client.get(f"{USERS}?cursor&count={most}").status_code == 200


@pytest.mark.parametrize(
    ("behaviour", "place"),
    [
        ({"pagination": "page"}, "pagination"),
        ({"page_size": 0}, "page_size"),
        ({"cursor_timeout": 0}, "cursor_timeout"),
        ({"page_size": 10, "max_results": 5}, "page_size"),
    ],
)
def test_what_a_profile_cannot_say(behaviour, place):
    """A way of paging that does not exist, and sizes that contradict each other, are refused with their place."""
    with pytest.raises(profiles.ProfileError, match=place):
        profiles.load({"extends": "standard", "behaviour": behaviour})


# -- size ------------------------------------------------------------------------------------------------------------


def test_paging_is_flat(serve):
    """A page at the end of a table looks at no more of it than one at the beginning."""
    server = serve(fixture=generate(3000, 0, 1))
    table = server.scim.tenants.use("").store.tables["User"]
    looked_at = []
    after, before = table.after, table.before

    def counting(way):
        def counted(seq, count):
            found = way(seq, count)
            looked_at.append(len(found))
            return found

        return counted

    table.after, table.before = counting(after), counting(before)
    table.page = None
    document = page(server.client, count=100)
    seen = len(document["Resources"])
    while "nextCursor" in document:
        looked_at.clear()
        document = page(server.client, document["nextCursor"], count=100)
        seen += len(document["Resources"])
        assert sum(looked_at) <= 102
    assert seen == document["totalResults"] == 3000


def test_a_group_is_another_query(client):
    """A cursor of one endpoint is refused by another, in the words for one that never was."""
    cursor = page(client)["nextCursor"]
    errors = [
        client.get(path, params={"cursor": text, "count": 2}).json()
        for path, text in ((GROUPS, cursor), (GROUPS, "x" * 60), (USERS, "x" * 60))
    ]
    assert errors[0] == errors[1] == errors[2]
