"""Faults of reading: what is seen lags behind what is, exactly and repeatably; the store itself never lies."""

import re

import pytest
from edge import AUTH, PATCH_OP, a_user, assert_scim_error
from told import a_group, advance, after, history, hits, names, patch, stored

USERS = "/scim/v2/Users"
GROUPS = "/scim/v2/Groups"
ANN = f"{USERS}/u-1"
ENGINEERING = f"{GROUPS}/g-1"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
OTHER = "token-of-another-client"
ZED = "zed@example.com"


@pytest.fixture(params=["standard", "segment"])
def timed(serve, request):
    """A server with a virtual clock, of either profile."""
    return serve(request.param, clock="virtual", tokens=(AUTH["Authorization"].removeprefix("Bearer "), OTHER))


@pytest.fixture
def standard(serve):
    """A server with a virtual clock and the whole of SCIM."""
    return serve(clock="virtual", tokens=(AUTH["Authorization"].removeprefix("Bearer "), OTHER))


def made(server, name=ZED, client=None):
    """Make a user; its path."""
    answer = (client or server.client).post(USERS, json=a_user(name))
    assert answer.status_code == 201, answer.text
    return f"{USERS}/{answer.json()['id']}"


def found(server, name=ZED, how="GET", client=None, **parameters):
    """The ids that a look-up by name finds, by GET or by .search."""
    text = f'userName eq "{name}"'
    client = client or server.client
    if how == "GET":
        answer = client.get(USERS, params={"filter": text, **parameters})
    else:
        answer = client.post(f"{USERS}/.search", json={"schemas": [SEARCH], "filter": text, **parameters})
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["Resources"]]


def listed(server, path=USERS, **parameters):
    """The names in a list."""
    answer = server.client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return [one.get("userName") or one["displayName"] for one in answer.json()["Resources"]]


def faults(server):
    """The faults of each exchange, as (type, outcome)."""
    return [[(f["type"], f["outcome"]) for f in entry["faults"]] for entry in server.wait_journal()]


# -- stale_read ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["GET", "POST"])
def test_a_new_user_is_not_seen_for_a_while(timed, how):
    """Neither by id, nor in lists, nor by a look-up, until the clock has gone on; and it was there all the time."""
    before = listed(timed)
    timed.fault(after("stale_read", "user.*", seconds="30s"))
    path = made(timed)
    assert_scim_error(timed.client.get(path), 404)
    assert listed(timed) == before
    assert found(timed, how=how) == []
    assert ZED in names(timed)
    assert [change["operation"] for change in history(timed)] == ["create"]
    assert faults(timed)[2:] == [[("stale_read", "30s behind")]] * 3
    advance(timed, "29999ms")
    assert found(timed, how=how) == []
    advance(timed, "1ms")
    assert found(timed, how=how) == [path.rpartition("/")[2]]
    assert listed(timed) == [*before, ZED]
    assert timed.client.get(path).status_code == 200
    assert faults(timed)[-3:] == [[], [], []]
    assert hits(timed) == 4


def test_an_old_version_is_seen_as_it_was(standard):
    """With its version, its time and its name in look-ups; a deleted one is there still, in its groups."""
    was = standard.client.get(ANN)
    advance(standard, "1h")
    standard.fault(after("stale_read", "*", seconds="10s"))
    assert standard.client.patch(ANN, json=patch(("replace", "userName", "anne@example.com"))).status_code == 200
    seen = standard.client.get(ANN)
    assert seen.json() == was.json()
    assert seen.headers["ETag"] == was.headers["ETag"]
    assert found(standard, "ann@example.com") == ["u-1"]
    assert found(standard, "anne@example.com") == []
    assert standard.client.delete(ANN).status_code == 204
    assert standard.client.get(ANN).json() == was.json()
    assert [member["value"] for member in standard.client.get(ENGINEERING).json()["members"]] == ["u-1", "u-3", "u-5"]
    assert "u-1" not in stored(standard)
    advance(standard, "10s")
    assert_scim_error(standard.client.get(ANN), 404)
    assert [member["value"] for member in standard.client.get(ENGINEERING).json()["members"]] == ["u-3", "u-5"]


@pytest.mark.parametrize("scope", ["get", "list", "filter"])
def test_only_reads_of_the_scope_are_stale(timed, scope):
    """Each way of reading alone; the others tell the truth and are no hits."""
    timed.fault(after("stale_read", "user.*", seconds=30, scope=scope))
    path = made(timed)
    missed = {
        "get": timed.client.get(path).status_code == 404,
        "list": ZED not in listed(timed),
        "filter": found(timed) == [],
    }
    assert missed == {each: each == scope for each in missed}
    assert hits(timed) == 1


@pytest.mark.parametrize("of", ["create", "update", "delete"])
def test_only_changes_of_a_kind_lag(standard, of):
    """The others are seen at once, also where the same resource went through several."""
    standard.fault(after("stale_read", "user.get", seconds=30, of=[of]))
    path = made(standard)
    assert standard.client.patch(ANN, json=patch(("replace", "title", "Pilot"))).status_code == 200
    assert standard.client.patch(f"{USERS}/u-2", json=patch(("replace", "title", "Cook"))).status_code == 200
    assert standard.client.delete(f"{USERS}/u-2").status_code == 204
    seen = {
        "create": standard.client.get(path).status_code == 404,
        "update": "title" not in standard.client.get(ANN).json(),
        "delete": standard.client.get(f"{USERS}/u-2").json().get("title") == "Cook",
    }
    assert seen == {each: each == of for each in seen}
    assert standard.client.get(f"{USERS}/u-2").status_code == (200 if of == "delete" else 404)


def test_who_wrote_sees_it_and_others_do_not(timed):
    """read_your_writes goes by the token; what is made behind everybody's back is news to all."""
    other = timed.http({"Authorization": f"Bearer {OTHER}"})
    timed.fault(after("stale_read", "user.*", seconds=30, read_your_writes=True))
    mine = made(timed)
    theirs = made(timed, "yan@example.com", other)
    answer = timed.admin.post("/_mockscim/resources/Users", json=a_user("xia@example.com"))
    assert answer.status_code == 201
    assert timed.client.get(mine).status_code == 200
    assert_scim_error(timed.client.get(theirs), 404)
    assert_scim_error(other.get(mine), 404)
    assert other.get(theirs).status_code == 200
    assert found(timed, "xia@example.com") == found(timed, "xia@example.com", client=other) == []
    assert [ZED in listed(timed), "yan@example.com" in listed(timed)] == [True, False]


@pytest.mark.parametrize("how", ["GET", "POST"])
def test_each_change_is_missed_by_so_many_reads(timed, how):
    """Progression manual: reads of that resource count, others do not; the third one sees it."""
    timed.fault(after("stale_read", "user.*", reads=2))
    path = made(timed)
    assert [found(timed, how=how), found(timed, "ann@example.com", how)] == [[], ["u-1"]]
    assert timed.client.get(ANN).status_code == 200
    assert_scim_error(timed.client.get(path), 404)
    assert timed.client.get(path).status_code == 200
    assert found(timed, how=how) == [path.rpartition("/")[2]]
    assert ("stale_read", "2 reads behind") in faults(timed)[1]
    assert hits(timed) == 2
    advance(timed, "1h")
    later = made(timed, "yan@example.com")
    assert ["yan@example.com" in listed(timed) for _ in range(3)] == [False, False, True]
    assert timed.client.get(later).status_code == 200


def test_a_change_before_the_rule_is_no_news(serve):
    """Progression manual counts what is committed once the rule is there."""
    server = serve(clock="virtual")
    path = made(server)
    advance(server, "1s")
    server.fault(after("stale_read", "user.*", progression="manual", reads=5))
    assert server.client.get(path).status_code == 200
    assert server.client.patch(path, json=patch(("replace", "title", "Pilot"))).status_code == 200
    assert "title" not in server.client.get(path).json()


def test_a_bulk_job_is_seen_late_as_a_whole(standard):
    """What a job has done is missed like the rest."""
    standard.fault(after("stale_read", "*.list", seconds=30))
    operations = [
        {"method": "POST", "path": "/Users", "bulkId": "z", "data": a_user()},
        {"method": "POST", "path": "/Groups", "bulkId": "s", "data": a_group("Sales", "bulkId:z")},
    ]
    schemas = ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]
    answer = standard.client.post("/scim/v2/Bulk", json={"schemas": schemas, "Operations": operations})
    assert [one["status"] for one in answer.json()["Operations"]] == ["201", "201"]
    assert ZED not in listed(standard)
    assert "Sales" not in listed(standard, GROUPS)
    assert "Sales" not in listed(standard, "/scim/v2/")
    advance(standard, 30)
    assert ZED in listed(standard)
    assert "Sales" in listed(standard, GROUPS)


def test_cursors_go_on_from_an_old_page(standard):
    """Paging by cursor and by index walks through the old state, with its total."""
    standard.fault(after("stale_read", "user.list", seconds=30))
    made(standard)
    standard.client.delete(f"{USERS}/u-2")
    pages, cursor = [], ""
    while cursor is not None:
        page = standard.client.get(USERS, params={"cursor": cursor, "count": 2}).json()
        assert page["totalResults"] == 5
        pages += [one["id"] for one in page["Resources"]]
        cursor = page.get("nextCursor")
    assert pages == ["u-1", "u-2", "u-3", "u-4", "u-5"]
    page = standard.client.get(USERS, params={"startIndex": 2, "count": 2}).json()
    assert ([one["id"] for one in page["Resources"]], page["totalResults"]) == (["u-2", "u-3"], 5)


def test_kept_lists_are_those_of_the_present(serve):
    """A list long enough to be kept is never another state's, whoever asks before or after."""
    users = [{"id": f"p-{n}", "userName": f"{n}@example.com", "displayName": "-" * 200} for n in range(40)]
    server = serve(fixture={"users": users}, clock="virtual")
    full = server.client.get(USERS).content
    server.fault(
        after("stale_read", "user.list", seconds=30) | {"match": {"operation": "user.list", "header": {"X-Old": "*"}}}
    )
    assert server.client.patch(f"{USERS}/p-1", json=patch(("replace", "title", "Pilot"))).status_code == 200
    for _ in range(2):
        assert server.client.get(USERS, headers={"X-Old": "1"}).content == full
        assert server.client.get(USERS).json()["Resources"][1]["title"] == "Pilot"


@pytest.mark.parametrize(
    ("parameters", "pointer"),
    [
        ({"progression": "manual"}, "/parameters/reads"),
        ({"progression": "manual", "reads": 1, "seconds": 1}, "/parameters/seconds"),
        ({"seconds": 1, "reads": 1}, "/parameters/reads"),
        ({"reads": 0}, "/parameters/reads"),
        ({"scope": "all"}, "/parameters/scope"),
        ({"of": ["create", "rename"]}, "/parameters/of/1"),
    ],
)
def test_a_wrong_stale_read_is_pointed_at(server, parameters, pointer):
    """The refusal says which parameter, and what was expected."""
    answer = server.admin.post("/_mockscim/faults", json=after("stale_read", **parameters))
    assert (answer.status_code, answer.json()["where"]) == (400, pointer)


def test_a_stale_read_through_its_short_form(timed):
    """``user.list=stale_read(40m)`` misses the changes of the last 40 minutes."""
    timed.fault("user.list=stale_read(40m)")
    made(timed)
    advance(timed, "39m")
    assert ZED not in listed(timed)
    advance(timed, "1m")
    assert ZED in listed(timed)


# -- replica_flap --------------------------------------------------------------------------------------------------


def test_replicas_take_turns(timed):
    """One is up to date, the next is not: a new user comes and goes, until the second has caught up."""
    timed.fault(after("replica_flap", "user.*", replicas=2, lag="30s"))
    made(timed)
    assert [len(found(timed)) for _ in range(4)] == [1, 0, 1, 0]
    assert hits(timed) == 2
    assert faults(timed)[2] == [("replica_flap", "replica 2 of 2, 30s behind")]
    advance(timed, 30)
    assert [len(found(timed)) for _ in range(4)] == [1, 1, 1, 1]
    assert hits(timed) == 2


def test_further_replicas_are_further_behind(standard):
    """Each is behind the one before it, so three show three states."""
    standard.fault(after("replica_flap", "user.get", replicas=3, lag="10s"))
    for title in ("Cook", "Pilot"):
        assert standard.client.patch(ANN, json=patch(("replace", "title", title))).status_code == 200
        advance(standard, 9)
    assert [standard.client.get(ANN).json().get("title") for _ in range(4)] == ["Pilot", "Cook", None, "Pilot"]


def test_any_replica_may_answer_and_the_seed_tells_which(serve):
    """Pick random: both kinds come, and again in the same order with the same seed."""

    def run():
        server = serve(clock="virtual", seed=5)
        server.fault(after("replica_flap", "user.*", pick="random", lag="30s"))
        made(server)
        return [len(found(server)) for _ in range(20)]

    first = run()
    assert set(first) == {0, 1}
    assert first != [0, 1] * 10
    assert run() == first


# -- negative_cache ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["GET", "POST"])
def test_a_miss_stays_a_miss(timed, how):
    """What was looked up in vain is not found for so long, from the miss; a look-up that came later finds it."""
    timed.fault(after("negative_cache", "user.*", seconds="60s"))
    assert found(timed, how=how) == []
    assert hits(timed) == 0
    advance(timed, 20)
    made(timed)
    advance(timed, 39)
    assert found(timed, how=how) == []
    assert found(timed, ZED.upper(), how) != []
    assert ZED in listed(timed)
    assert [each for each in faults(timed) if each] == [[("negative_cache", "missed for 1m")]]
    advance(timed, 1)
    assert len(found(timed, how=how)) == 1
    assert hits(timed) == 1


def test_a_remembered_miss_is_a_whole_empty_list(standard):
    """Whichever page and attributes are asked for, by index and by cursor: totalResults is 0 and no page follows."""
    standard.fault(after("negative_cache", "user.*"))
    assert standard.client.get(USERS, params={"filter": 'title eq "Cook"'}).json()["totalResults"] == 0
    for id_ in ("u-1", "u-2", "u-3"):
        assert standard.client.patch(f"{USERS}/{id_}", json=patch(("replace", "title", "Cook"))).status_code == 200
    for paging in ({"startIndex": 1, "count": 2, "attributes": "userName"}, {"cursor": "", "count": 1}):
        page = standard.client.get(USERS, params={"filter": 'title eq "Cook"', **paging}).json()
        assert (page["totalResults"], page["itemsPerPage"], page["Resources"]) == (0, 0, [])
        assert "nextCursor" not in page
    assert hits(standard) == 2


# -- index_lag -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["GET", "POST"])
def test_the_index_is_behind_the_resource(timed, how):
    """GET by id is right at once; lists and filters come from an old index."""
    timed.fault(after("index_lag", "user.*", seconds="30s"))
    path = made(timed)
    assert timed.client.get(path).status_code == 200
    assert found(timed, how=how) == []
    assert ZED not in listed(timed)
    assert hits(timed) == 2
    timed.client.delete(ANN)
    assert_scim_error(timed.client.get(ANN), 404)
    assert found(timed, "ann@example.com", how) == ["u-1"]
    advance(timed, 30)
    assert len(found(timed, how=how)) == 1
    assert found(timed, "ann@example.com", how) == []


# -- tombstone_lag -------------------------------------------------------------------------------------------------


def test_the_deleted_stay_listed(timed):
    """Lists and filters show them, GET by id does not, and no other change lags."""
    timed.fault(after("tombstone_lag", "user.*", seconds="30s", stays="listed"))
    assert timed.client.delete(ANN).status_code == 204
    path = made(timed)
    assert found(timed, "ann@example.com") == ["u-1"]
    assert [name for name in listed(timed) if name in ("ann@example.com", ZED)] == ["ann@example.com", ZED]
    assert_scim_error(timed.client.get(ANN), 404)
    assert_scim_error(timed.client.delete(ANN), 404)
    assert timed.client.get(path).status_code == 200
    advance(timed, 30)
    assert found(timed, "ann@example.com") == []
    assert hits(timed) == 2


def test_whose_name_is_taken_again_is_listed_no_more(timed):
    """Who has the name now is found, and nobody twice."""
    timed.fault(after("tombstone_lag", "user.*", stays="listed"))
    made(timed)
    timed.client.delete(made(timed, "yan@example.com"))
    again = timed.client.post(USERS, json=a_user("yan@example.com"))
    assert again.status_code == 201
    assert found(timed, "yan@example.com") == [again.json()["id"]]
    assert listed(timed).count("yan@example.com") == 1


def test_the_deleted_stay_in_conflict(timed):
    """Their name is taken, though nobody is found who has it; other names and other writes are free."""
    timed.fault(after("tombstone_lag", "*", seconds="30s", stays=["conflicting"]))
    assert timed.client.delete(ANN).status_code == 204
    assert found(timed, "ann@example.com") == []
    assert_scim_error(timed.client.post(USERS, json=a_user("ANN@example.com")), 409, "uniqueness")
    assert hits(timed) == 1
    assert [entry["committed"] for entry in timed.journal()] == [True, False, False]
    assert_scim_error(timed.client.post(USERS, json=a_user("bjorn@example.com")), 409, "uniqueness")
    made(timed)
    assert hits(timed) == 1
    advance(timed, 30)
    assert timed.client.post(USERS, json=a_user("ann@example.com")).status_code == 201


def test_a_rename_meets_the_deleted_too(standard):
    """PATCH and PUT, alone and in a bulk job; what is wrong with them anyway is said as ever."""
    standard.fault(after("tombstone_lag", "user.*"))
    assert standard.client.delete(ANN).status_code == 204
    rename = patch(("replace", "userName", "ann@example.com"))
    two = f"{USERS}/u-2"
    assert_scim_error(standard.client.patch(two, json=rename), 409, "uniqueness")
    assert_scim_error(standard.client.put(two, json=a_user("ann@example.com")), 409, "uniqueness")
    stale = standard.client.patch(two, json=rename, headers={"If-Match": 'W/"0"'})
    assert_scim_error(stale, 412)
    job = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [{"method": "PATCH", "path": "/Users/u-2", "data": rename}],
    }
    [result] = standard.client.post("/scim/v2/Bulk", json=job).json()["Operations"]
    assert (result["status"], result["response"]["scimType"]) == ("409", "uniqueness")
    assert [len(each) for each in faults(standard)] == [0, 1, 1, 0, 1]
    assert hits(standard) == 3
    assert "ann@example.com" not in names(standard)


# -- cascade_lag ---------------------------------------------------------------------------------------------------


def test_groups_keep_a_deleted_member(timed):
    """For so long a group is seen as it was before its member was deleted; the deleted one is not."""
    timed.fault(after("cascade_lag", "*", seconds="30s"))
    was = timed.client.get(ENGINEERING).json()
    assert timed.client.delete(ANN).status_code == 204
    assert timed.client.get(f"{USERS}/u-2").status_code == 200
    assert_scim_error(timed.client.get(ANN), 404)
    seen = timed.client.get(ENGINEERING).json()
    assert [member["value"] for member in seen["members"]] == ["u-1", "u-3", "u-5"]
    assert seen["meta"] == was["meta"]
    assert [[m["value"] for m in stored(timed, "groups")["g-1"]["members"]], hits(timed)] == [["u-3", "u-5"], 1]
    advance(timed, 30)
    assert [m["value"] for m in timed.client.get(ENGINEERING).json()["members"]] == ["u-3", "u-5"]


def test_other_changes_of_a_group_do_not_lag(timed):
    """A member who was taken out is out at once; the members side waits for deletions only."""
    timed.fault(after("cascade_lag", "group.*", sides="members"))
    out = timed.client.patch(ENGINEERING, json=patch(("remove", 'members[value eq "u-3"]')))
    assert out.status_code in (200, 204)
    assert [m["value"] for m in timed.client.get(ENGINEERING).json()["members"]] == ["u-1", "u-5"]
    assert timed.client.delete(ANN).status_code == 204
    assert [m["value"] for m in timed.client.get(ENGINEERING).json()["members"]] == ["u-1", "u-5"]
    assert listed(timed, GROUPS) == ["Engineering", "Everyone"]
    assert hits(timed) == 2


def test_the_groups_of_a_user_are_behind(standard):
    """user.groups shows a change of groups later, under the old names; the user itself does not lag."""
    two = f"{USERS}/u-2"
    was = standard.client.get(two).json()["groups"]
    standard.fault(after("cascade_lag", "user.*", seconds="30s"))
    add = patch(("add", "members", [{"value": "u-2"}]), ("replace", "displayName", "Crew"))
    assert standard.client.patch(ENGINEERING, json=add).status_code == 200
    assert standard.client.patch(two, json=patch(("replace", "title", "Cook"))).status_code == 200
    seen = standard.client.get(two).json()
    assert (seen["groups"], seen["title"]) == (was, "Cook")
    assert standard.client.get(ANN).json()["groups"][0]["display"] == "Engineering"
    assert standard.client.get(ENGINEERING).json()["displayName"] == "Crew"
    advance(standard, 30)
    assert {group["display"] for group in standard.client.get(two).json()["groups"]} == {"Everyone", "Crew"}


# -- member_unresolvable -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "scim_type"), [(400, "invalidValue"), (404, None)])
def test_who_was_just_made_cannot_be_a_member_yet(timed, status, scim_type):
    """The whole request is refused and nothing of it done; later it is accepted."""
    timed.fault(after("member_unresolvable", "group.*", seconds="30s", status=status))
    id_ = made(timed).rpartition("/")[2]
    add = patch(("add", "members", [{"value": "u-2"}, {"value": id_}]))
    assert_scim_error(timed.client.patch(ENGINEERING, json=add), status, scim_type)
    assert_scim_error(timed.client.post(GROUPS, json=a_group("Sales", id_)), status, scim_type)
    assert "u-2" not in [member["value"] for member in stored(timed, "groups")["g-1"]["members"]]
    assert faults(timed)[1] == [("member_unresolvable", f"{status} for members younger than 30s")]
    assert hits(timed) == 2
    advance(timed, 30)
    assert timed.client.patch(ENGINEERING, json=add).status_code in (200, 204)
    assert id_ in [member["value"] for member in stored(timed, "groups")["g-1"]["members"]]


def test_members_of_before_are_no_matter(standard):
    """Old users join, and a young member who is in already may be said again or leave."""
    id_ = made(standard).rpartition("/")[2]
    assert standard.client.patch(ENGINEERING, json=patch(("add", "members", [{"value": id_}]))).status_code == 200
    standard.fault(after("member_unresolvable", "group.*", seconds="30s"))
    named = patch(("add", "members", [{"value": id_, "display": "Zed"}]))
    assert standard.client.patch(ENGINEERING, json=named).status_code == 200
    whole = a_group("Engineering", "u-1", "u-4", id_)
    assert standard.client.put(ENGINEERING, json=whole).status_code == 200
    out = {"schemas": [PATCH_OP], "Operations": [{"op": "remove", "path": f'members[value eq "{id_}"]'}]}
    assert standard.client.patch(ENGINEERING, json=out).status_code == 200
    assert hits(standard) == 0
    [spared] = {tuple(each) for each in faults(standard)[-3:]}
    assert spared == ()


# -- together ------------------------------------------------------------------------------------------------------


def test_views_nest_and_leave_the_store_alone(standard):
    """All of them at once on every read: the store is untouched; without them all is answered as if they never were."""
    made(standard)
    standard.client.delete(f"{USERS}/u-2")
    standard.client.patch(ENGINEERING, json=patch(("add", "members", [{"value": "u-4"}])))
    standard.client.patch(ANN, json=patch(("replace", "userName", "anne@example.com")))
    made(standard, "ann@example.com")
    paths = [USERS, GROUPS, "/scim/v2/", ANN, ENGINEERING, f"{USERS}/u-2", f'{USERS}?filter=userName eq "{ZED}"']
    paths += [f"{USERS}?cursor=&count=2", f'{GROUPS}?filter=members.value eq "u-4"']
    truth, state = [shown(standard.client.get(path)) for path in paths], inside(standard)
    for kind in ("stale_read", "replica_flap", "negative_cache", "index_lag", "tombstone_lag", "cascade_lag"):
        standard.fault({**after(kind, "*"), "name": kind})
    stale = []
    for path in paths * 2:
        stale.append(shown(standard.client.get(path)))
        assert inside(standard) == state
    assert set(stale) != set(truth)
    assert standard.admin.delete("/_mockscim/faults").status_code in (200, 204)
    assert [shown(standard.client.get(path)) for path in paths] == truth
    assert len(history(standard)) == 6


def inside(server):
    """The store with its indexes and memberships, in their order."""

    def look():
        store = server.scim.tenants.use("").store
        tables = store.tables.items()
        return (
            {name: [(record.id, record.version, id(record)) for record in table] for name, table in tables},
            {name: {key: dict(held) for key, held in table.unique.items()} for name, table in tables},
            {member: list(groups) for member, groups in store.memberships.items()},
            [store.label(id_) for id_ in ("u-1", "u-3", "g-1")],
            store.commits,
        )

    return server.call(look)


def shown(answer):
    """Status and body, without cursors, which are others each time."""
    return answer.status_code, re.sub(r'"nextCursor":"[^"]*"', "", answer.text)


def test_a_read_may_be_about_nothing(standard):
    """Bad filters, unknown ids and paths, discovery: answered as ever under every view, and no hits."""
    for kind in ("stale_read", "index_lag", "tombstone_lag", "cascade_lag", "negative_cache"):
        standard.fault({**after(kind, "*"), "name": kind})
    standard.fault({**after("stale_read", "*", reads=1), "name": "manual"})
    made(standard)
    before = hits(standard)
    assert_scim_error(standard.client.get(USERS, params={"filter": "userName eq"}), 400, "invalidFilter")
    assert_scim_error(standard.client.post(f"{USERS}/.search", content=b"{"), 400, "invalidSyntax")
    assert_scim_error(standard.client.get(f"{USERS}/nobody"), 404)
    assert_scim_error(standard.client.get(f"{GROUPS}/nobody"), 404)
    assert standard.client.get("/scim/v2/ServiceProviderConfig").status_code == 200
    assert standard.client.get("/scim/v2/Schemas").status_code == 200
    assert [faults(standard)[1:], hits(standard)] == [[[]] * 6, before]
