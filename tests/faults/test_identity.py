"""Faults of identity, versions and time: ids that change, versions that mislead, clocks that are wrong."""

from email.utils import parsedate_to_datetime

import pytest
from edge import a_rule, a_user, assert_scim_error
from told import a_group, advance, after, changed, history, hits, names, patch, stored, told

USERS, GROUPS = "/scim/v2/Users", "/scim/v2/Groups"
ANN = f"{USERS}/u-1"
ZED = "zed@example.com"
both = pytest.mark.parametrize("profile", ["standard", "segment"])


def found(server, name):
    """The id by which a userName is found."""
    (user,) = server.client.get(USERS, params={"filter": f'userName eq "{name}"'}).json()["Resources"]
    return user["id"]


def members(server, group):
    """Who is in a group."""
    return [member["value"] for member in stored(server, "groups")[group]["members"]]


# -- id_change -----------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(("old", "status"), [("404", 404), ("410", 410), ("redirect", 308)])
def test_id_change_now(serve, profile, old, status):
    """Whoever is addressed has another id by then, with all that was theirs; the old one is answered by the rule."""
    server = serve(profile)
    server.fault(after("id_change", "user.*", old=old))
    for _ in range(2):
        answer = server.client.get(ANN)
        assert answer.status_code == status
    new = found(server, "ann@example.com")
    assert new != "u-1"
    assert answer.headers.get("Location") == (f"{server.root}{USERS}/{new}" if old == "redirect" else None)
    assert server.client.get(f"{USERS}/{new}").json()["displayName"] == "Ann Ashdown"
    assert members(server, "g-1") == ["u-3", "u-5", new]
    made = [(c["operation"], c["id"]) for c in history(server) if c["type"] == "User"]
    assert made == [("delete", "u-1"), ("create", new)]
    assert {c["journal"] for c in history(server)} == {None}
    assert hits(server) == 2
    assert not any(entry["committed"] for entry in server.journal())


def test_id_change_follows_a_write(server):
    """A write to the old id does nothing, and one to the new id does it."""
    server.fault({**after("id_change", "user.replace"), "times": 1})
    assert server.client.put(ANN, json=a_user("ann@example.com", title="Chief")).status_code == 404
    new = found(server, "ann@example.com")
    assert server.client.put(f"{USERS}/{new}", json=a_user("ann@example.com", title="Chief")).status_code == 200
    assert stored(server)[new]["title"] == "Chief"


def test_id_change_with_a_new_name(server):
    """Whoever is renamed is answered under another id; another change leaves it."""
    server.fault(after("id_change", "user.*", when="rename", old="410"))
    assert server.client.patch(ANN, json=patch(("replace", "title", "Chief"))).json()["id"] == "u-1"
    assert hits(server) == 0
    answer = server.client.patch(ANN, json=patch(("replace", "userName", "anna@example.com")))
    new = answer.json()["id"]
    assert (answer.status_code, answer.headers["Location"]) == (200, f"{server.root}{USERS}/{new}")
    assert new != "u-1"
    assert answer.json() == server.client.get(f"{USERS}/{new}").json()
    assert_scim_error(server.client.get(ANN), 410)
    entry = next(e for e in server.journal() if e["operation"] == "user.patch" and e["faults"])
    assert changed(server, entry) == [("update", "u-1")]


@both
def test_id_change_of_who_comes_back(serve, profile):
    """Whoever is made again after a deletion has another id, also where an account would keep its own."""
    server = serve(profile)
    server.fault(after("id_change", when="recreate", old="redirect"))
    assert server.client.post(USERS, json=a_user()).status_code == 201
    assert hits(server) == 0
    server.client.delete(ANN)
    answer = server.client.post(USERS, json=a_user("Ann@example.com"))
    new = answer.json()["id"]
    assert (answer.status_code, new != "u-1") == (201, True)
    assert server.client.get(f"{USERS}/{new}").json() == answer.json()
    assert server.client.get(ANN).headers["Location"] == f"{server.root}{USERS}/{new}"


def test_id_change_of_groups_and_managers(server):
    """A group takes its members along, and stays in the groups that it is in."""
    server.fault(after("id_change", "group.get"))
    assert server.client.get(f"{GROUPS}/g-1").status_code == 404
    (new,) = [id_ for id_, group in stored(server, "groups").items() if group["displayName"] == "Engineering"]
    assert members(server, new) == ["u-1", "u-3", "u-5"]
    assert set(members(server, "g-2")) == {new, "u-2"}
    assert {g["value"] for g in server.client.get(ANN).json()["groups"]} == {new, "g-2"}


def test_ids_follow_the_seed(serve):
    """The same seed makes the same ids."""
    seen = []
    for _ in range(2):
        server = serve(seed=5)
        server.fault(after("id_change", "user.get"))
        server.client.get(ANN)
        seen.append(found(server, "ann@example.com"))
    assert seen[0] == seen[1]


# -- id_reuse ------------------------------------------------------------------------------------------------------


@both
def test_id_reuse(serve, profile):
    """Somebody new gets the id of who was deleted last; the one who comes back gets another."""
    server = serve(profile)
    server.fault(after("id_reuse", "user.create"))
    assert server.client.post(USERS, json=a_user("first@example.com")).json()["id"] != "u-1"
    assert hits(server) == 0
    server.client.delete(f"{USERS}/u-3")
    server.client.delete(ANN)
    answer = server.client.post(USERS, json=a_user())
    assert (answer.status_code, answer.json()["id"]) == (201, "u-1")
    assert answer.headers["Location"] == f"{server.root}{ANN}"
    assert changed(server, told(server, "id_reuse", "id reused")) == [("create", "u-1")]
    assert server.client.get(ANN).json()["userName"] == ZED
    again = server.client.post(USERS, json=a_user("ann@example.com")).json()["id"]
    assert again == "u-3"
    assert names(server).count("ann@example.com") == 1


def test_id_reuse_by_name_of_the_id(server):
    """The id can be named; one that somebody has is left to them."""
    server.fault(after("id_reuse", id="x-9"))
    assert server.client.post(USERS, json=a_user()).json()["id"] == "x-9"
    assert server.client.post(USERS, json=a_user("y@example.com")).json()["id"] != "x-9"
    assert_scim_error(server.client.post(USERS, json=a_user()), 409, "uniqueness")
    assert hits(server) == 1


# -- etag ----------------------------------------------------------------------------------------------------------


def read(server, url=ANN):
    """ETag and meta.version of a resource."""
    answer = server.client.get(url)
    return answer.headers.get("ETag"), answer.json()["meta"].get("version")


def write(server, tag, url=ANN):
    """The status of a change on condition of a version."""
    server.write = getattr(server, "write", 0) + 1
    body = patch(("replace", "nickName", f"A{server.write}"))
    return server.client.patch(url, json=body, headers={"If-Match": tag}).status_code


def test_etag_mismatch(server):
    """Each If-Match fails, and nothing else does; afterwards it holds again."""
    tag, _ = read(server)
    server.fault({**after("etag", mode="mismatch"), "times": 2})
    assert server.client.patch(ANN, json=patch(("replace", "title", "x"))).status_code == 200
    tag, _ = read(server)
    assert [write(server, tag), write(server, "*"), write(server, tag)] == [412, 412, 200]
    assert hits(server) == 2
    assert len(history(server)) == 2


def test_etag_stale(server):
    """The version before the last change is shown, in the header and the body; it does not hold."""
    first, _ = read(server)
    server.client.patch(ANN, json=patch(("replace", "title", "Chief")))
    server.fault({**after("etag", "user.get", mode="stale")})
    assert read(server) == (first, first)
    assert write(server, first) == 412
    server.admin.delete("/_mockscim/faults/it")
    assert write(server, read(server)[0]) == 200


def test_etag_missing(server):
    """Neither header nor body has one, in lists as well."""
    server.fault(after("etag", mode="missing"))
    assert read(server) == (None, None)
    listed = server.client.get(USERS).json()["Resources"]
    assert all("version" not in user["meta"] for user in listed)
    assert server.client.delete(ANN).status_code == 204
    assert hits(server) == 2


def test_etag_weak_and_strong(server):
    """The header is strong, the body weak; only the strong one is a condition that holds."""
    server.fault(after("etag", mode="weak_strong"))
    strong, weak = read(server)
    assert f"W/{strong}" == weak
    assert [write(server, weak), write(server, strong)] == [412, 200]


def test_etag_header_differs(server):
    """The header is another than the body's, which is the true one."""
    server.fault(after("etag", mode="header_differs"))
    header, version = read(server)
    assert header != version
    assert [write(server, header), write(server, version)] == [412, 200]


def test_etag_changes_on_read(server):
    """Each read shows another; the last one holds, an older does not, and nothing is ever not modified."""
    server.fault(after("etag", mode="changes_on_read"))
    first, _ = read(server)
    second, shown = read(server)
    assert (first != second, second == shown) == (True, True)
    assert server.client.get(ANN, headers={"If-None-Match": second}).status_code == 200
    third, _ = read(server)
    assert [write(server, second), write(server, third)] == [412, 200]


def test_etag_where_there_is_none(serve):
    """A provider that has no versions has none to spoil."""
    server = serve({"name": "plain", "behaviour": {"etag": False}})
    server.fault(after("etag", mode="stale"))
    assert server.client.get(ANN).status_code == 200
    assert hits(server) == 0


# -- concurrent_edit -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("between", ["before_write", "after_read"])
def test_concurrent_edit(server, between):
    """Somebody changes it between read and write: If-Match fails, a PUT of what was read loses the change."""
    server.fault({**after("concurrent_edit", "user.*", attribute="title", value="CEO", between=between), "times": 1})
    answer = server.client.get(ANN)
    assert "title" not in answer.json()
    assert_scim_error(server.client.put(ANN, json=answer.json(), headers={"If-Match": answer.headers["ETag"]}), 412)
    assert stored(server)["u-1"]["title"] == "CEO"
    assert [(c["operation"], c["id"], c["journal"]) for c in history(server)] == [("update", "u-1", None)]
    assert hits(server) == 1
    assert server.client.put(ANN, json=answer.json()).status_code == 200
    assert "title" not in stored(server)["u-1"]


@both
def test_concurrent_edit_of_its_own_choice(serve, profile):
    """Without a path something is changed that the provider can change, to a text that is new each time."""
    server = serve(profile)
    server.fault(after("concurrent_edit"))
    seen = set()
    for title in ("A", "B"):
        body = patch(("add", "members", [{"value": "u-2"}])) if title == "A" else patch(("remove", "members"))
        assert server.client.patch(f"{GROUPS}/g-1", json=body).status_code in (200, 204)
        seen.add(stored(server, "groups")["g-1"]["displayName"])
    assert len(seen) == 2
    before = stored(server)["u-1"]
    server.client.patch(ANN, json=patch(("replace", "active", True)))
    assert hits(server) == (2 if profile == "segment" else 3)
    assert (stored(server)["u-1"] == before) == (profile == "segment")


def test_concurrent_edit_of_members(server):
    """Values and operations are those of a PATCH; what changes nothing is no hit."""
    server.fault(after("concurrent_edit", attribute="members", op="add", value=[{"value": "u-2"}]))
    server.client.delete(f"{GROUPS}/g-1", headers={"If-Match": 'W/"0"'})
    assert "u-2" in members(server, "g-1")
    server.client.delete(f"{GROUPS}/g-1", headers={"If-Match": 'W/"0"'})
    assert hits(server) == 1


# -- clock_skew ----------------------------------------------------------------------------------------------------

NOON = "2026-01-01T12:00:00"


def at_noon(serve, **parameters):
    """A server whose clock is told, and skewed."""
    server = serve(clock=f"virtual:{NOON}.250Z")
    server.fault(after("clock_skew", **parameters))
    return server


@pytest.mark.parametrize(
    ("parameters", "created", "date"),
    [
        ({"offset": "5m"}, "2026-01-01T12:05:00.250Z", "12:05:00"),
        ({"offset": "-5m"}, "2026-01-01T11:55:00.250Z", "11:55:00"),
        ({"offset": -1.25}, "2026-01-01T11:59:59.000Z", "11:59:59"),
        ({"precision": "s"}, "2026-01-01T12:00:00Z", "12:00:00"),
        ({"offset": "1h", "field": "Date"}, "2026-01-01T12:00:00.250Z", "13:00:00"),
    ],
)
def test_clock_skew(serve, parameters, created, date):
    """Times are off in the answer, its head, and a list; the store has the true one."""
    server = at_noon(serve, **parameters)
    answer = server.client.post(USERS, json=a_user())
    assert answer.json()["meta"]["created"] == created
    assert f"{parsedate_to_datetime(answer.headers['Date']):%H:%M:%S}" == date
    assert len(answer.headers.get_list("Date")) == 1
    listed = server.client.get(USERS, params={"filter": f'userName eq "{ZED}"'}).json()["Resources"]
    assert listed[0]["meta"]["created"] == created
    assert stored(server)[answer.json()["id"]]["meta"]["created"] == f"{NOON}.250Z"
    missing = server.client.get(f"{USERS}/none")
    assert missing.status_code == 404
    assert f"{parsedate_to_datetime(missing.headers['Date']):%H:%M:%S}" == date


def test_clock_skew_of_one_field(serve):
    """Only the field that is named is off."""
    server = at_noon(serve, offset=60, field=["lastModified"])
    meta = server.client.get(ANN).json()["meta"]
    assert (meta["lastModified"], meta["created"]) == (f"{NOON[:-5]}01:00.250Z", f"{NOON}.250Z")


def since(server, mark):
    """Who changed after a mark, in the order of the change."""
    query = {"filter": f'meta.lastModified gt "{mark}"', "sortBy": "meta.lastModified"}
    return [user["userName"] for user in server.client.get(USERS, params=query).json()["Resources"]]


def test_clock_skew_in_filters(serve):
    """Filters and sorting go by the times that are shown, so a mark of the provider's own works."""
    server = at_noon(serve, offset="1h")
    mark = server.client.get(ANN).json()["meta"]["lastModified"]
    advance(server, "1m")
    server.client.patch(ANN, json=patch(("replace", "title", "x")))
    advance(server, "1m")
    server.client.post(USERS, json=a_user())
    assert since(server, mark) == ["ann@example.com", ZED]
    assert since(server, f"{NOON}.250Z")[-2:] == ["ann@example.com", ZED]
    assert len(since(server, "2026-01-01T12:30:00Z")) == 6


def test_clock_skew_backwards(serve):
    """What changes later is shown as earlier, so that a mark misses it."""
    server = at_noon(serve, backwards=True)
    mark = server.client.get(ANN).json()["meta"]["lastModified"]
    for minute in range(1, 3):
        advance(server, "1m")
        answer = server.client.patch(ANN, json=patch(("replace", "title", str(minute))))
        assert answer.json()["meta"]["lastModified"] == f"2026-01-01T11:{60 - minute}:00.250Z"
    assert since(server, mark) == []


def test_clock_skew_that_drifts(serve):
    """It gains so much in each second since the rule was added."""
    server = at_noon(serve, drift=0.5)
    advance(server, "10s")
    answer = server.client.patch(ANN, json=patch(("replace", "title", "x")))
    assert answer.json()["meta"]["lastModified"] == "2026-01-01T12:00:15.250Z"


def test_clock_always_now(serve):
    """Whatever is read has just been changed."""
    server = at_noon(serve, always_now=True, field="lastModified")
    advance(server, "1h")
    meta = server.client.get(ANN).json()["meta"]
    assert (meta["lastModified"], meta["created"]) == ("2026-01-01T13:00:00.250Z", f"{NOON}.250Z")
    assert len(since(server, f"{NOON}.250Z")) == 5


# -- location ------------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    ("parameters", "base"),
    [
        ({}, "http://scim-7d9f4.internal:8080/scim/v2"),
        ({"mode": "internal_host", "host": "10.1.2.3"}, "http://10.1.2.3/scim/v2"),
        ({"mode": "relative"}, "/scim/v2"),
    ],
)
def test_location(serve, profile, parameters, base):
    """Header, meta and references are below another base URL."""
    server = serve(profile)
    server.fault(after("location", **parameters))
    made = server.client.post(USERS, json=a_user())
    id_ = made.json()["id"]
    assert made.headers["Location"] == made.json()["meta"]["location"] == f"{base}/Users/{id_}"
    group = server.client.get(f"{GROUPS}/g-1").json()
    assert group["members"][0]["$ref"] == f"{base}/Users/u-1"
    listed = server.client.get(USERS).json()["Resources"]
    assert {user["meta"]["location"].rpartition("/")[0] for user in listed} == {f"{base}/Users"}
    told(server, "location", f"location {parameters.get('mode', 'internal_host')}")
    server.client.delete(ANN)
    server.client.get(f"{USERS}/none")
    assert hits(server) == 3


def test_location_missing(server):
    """Neither the header nor meta says where it is."""
    server.fault(after("location", mode="missing"))
    made = server.client.post(USERS, json=a_user())
    assert "Location" not in made.headers
    assert "location" not in made.json()["meta"]
    assert hits(server) == 1


def test_location_over_http(serve):
    """Behind a proxy that ends TLS, locations say http; where http was called nothing is wrong."""
    server = serve(base_url="https://scim.example.com")
    server.fault(after("location", mode="http_scheme"))
    assert server.client.get(ANN).headers["Location"] == f"http://scim.example.com{ANN}"
    plain = serve()
    plain.fault(after("location", mode="http_scheme"))
    assert plain.client.get(ANN).headers["Location"] == f"{plain.root}{ANN}"
    assert (hits(server), hits(plain)) == (1, 0)


# -- case_fold -----------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    ("mode", "sent", "kept"),
    [("lower", "Zed@Example.com", ZED), ("upper", ZED, ZED.upper()), ("trim", f"  {ZED} ", ZED)],
)
def test_case_fold(serve, profile, mode, sent, kept):
    """The name is stored in another form, and found in any."""
    server = serve(profile)
    server.fault(after("case_fold", mode=mode))
    made = server.client.post(USERS, json=a_user(sent))
    assert made.json()["userName"] == kept
    assert stored(server)[made.json()["id"]]["userName"] == kept
    assert found(server, ZED) == made.json()["id"]
    assert_scim_error(server.client.post(USERS, json=a_user(sent)), 409, "uniqueness")
    assert changed(server, told(server, "case_fold", f"{mode} username", 0)) == [("create", made.json()["id"])]


@pytest.mark.parametrize("path", ["userName", "urn:ietf:params:scim:schemas:core:2.0:User:userName", None])
def test_case_fold_in_a_patch(server, path):
    """It is the same in a PATCH, with or without a path; what is in that form already is no hit."""
    server.fault(after("case_fold"))
    for name in ("ANNA@example.com", "anna@example.com"):
        value = name if path else {"userName": name}
        answer = server.client.patch(ANN, json=patch(("replace", path, value)))
        assert answer.json()["userName"] == "anna@example.com"
    assert hits(server) == 1


def test_case_fold_of_another_attribute(server):
    """Another attribute may be named."""
    server.fault(after("case_fold", mode="upper", attribute="nickName"))
    answer = server.client.put(ANN, json=a_user("ann@example.com", nickName="annie"))
    assert (answer.json()["nickName"], answer.json()["userName"]) == ("ANNIE", "ann@example.com")


# -- all of them ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "parameters", "pointer"),
    [
        ("clock_skew", {"offset": "soon"}, "/parameters/offset"),
        ("clock_skew", {"field": []}, "/parameters/field"),
        ("clock_skew", {"backwards": True, "always_now": True}, "/parameters/always_now"),
        ("location", {"host": "a b"}, "/parameters/host"),
        ("id_reuse", {"id": "a/b"}, "/parameters/id"),
        ("etag", {"mode": "odd"}, "/parameters/mode"),
        ("id_change", {"old": 404}, "/parameters/old"),
    ],
)
def test_wrong_parameters(server, kind, parameters, pointer):
    """The control API points at what is wrong."""
    answer = server.admin.post("/_mockscim/faults", json={"type": kind, "parameters": parameters})
    assert (answer.status_code, answer.json()["where"]) == (400, pointer)


def test_they_add_up_and_make_way(server):
    """Several hold at once; where a fault before takes the request, they have done nothing."""
    server.fault({**after("location", mode="relative"), "name": "location"})
    server.fault({**after("clock_skew", offset="1d"), "name": "skew"})
    server.fault({**a_rule("abort", status=503, operation="*"), "skip": 1})
    answer = server.client.get(ANN)
    assert answer.headers["Location"] == ANN
    assert [f["rule"] for f in server.journal()[0]["faults"]] == ["location", "skew"]
    assert server.client.get(ANN).status_code == 503
    assert [f["rule"] for f in server.journal()[1]["faults"]] == ["it"]
    assert hits(server) == 3


def test_groups_made_anew_are_found(server):
    """Groups are made with ids of others as users are."""
    server.fault(after("id_reuse", "group.create"))
    server.client.delete(f"{GROUPS}/g-2")
    assert server.client.post(GROUPS, json=a_group("Sales", "u-1")).json()["id"] == "g-2"
