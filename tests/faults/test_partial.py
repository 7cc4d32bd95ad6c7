"""Faults that do a part of what was asked for: of a PATCH, of members, of a bulk job."""

import pytest
from edge import a_user, assert_scim_error
from told import a_group, after, changed, history, hits, names, patch, stored, told

GROUPS = "/scim/v2/Groups"
ANN = "/scim/v2/Users/u-1"


# -- partial_patch, partial_members --------------------------------------------------------------------------------


def test_partial_patch(server):
    """The first operation is committed, the client is told 500, and the rest is missing."""
    server.fault(after("partial_patch", "user.patch"))
    both = patch(("replace", "title", "Chief"), ("replace", "nickName", "Annie"))
    answer = server.client.patch(ANN, json=both)
    assert "Operations[1]" in assert_scim_error(answer, 500)["detail"]
    assert changed(server, told(server, "partial_patch", "500 after 1 operation")) == [("update", "u-1")]
    read = server.client.get(ANN).json()
    assert (read["title"], "nickName" in read) == ("Chief", False)
    assert server.client.patch(ANN, json=patch(("replace", "nickName", "Annie"))).status_code == 200
    assert hits(server) == 1


def test_partial_patch_that_is_wrong_at_once(server):
    """Where the operations that come first cannot be done, the provider says why, and nothing is done."""
    server.fault(after("partial_patch", "user.patch", applied_ops=2, status=503))
    wrong = [("replace", "title", "x"), ("replace", "nonsense", 1), ("replace", "nickName", "y")]
    assert_scim_error(server.client.patch(ANN, json=patch(*wrong)), 400)
    assert history(server) == []


@pytest.mark.parametrize("profile", ["standard", "segment"])
@pytest.mark.parametrize(("status", "method"), [(204, "PATCH"), (200, "PATCH"), (204, "PUT")])
def test_partial_members(serve, profile, status, method):
    """Two members of four come, and the answer is a success; a read shows the truth."""
    server = serve(profile)
    made = server.client.post(GROUPS, json=a_group("Sales", "u-5")).json()["id"]
    server.fault(after("partial_members", "group.*", first=2, status=status))
    wanted = ["u-5", "u-1", "u-2", "u-3"]
    listed = [{"value": id_} for id_ in wanted]
    body = a_group("Sales", *wanted) if method == "PUT" else patch(("add", "members", listed))
    answer = server.client.request(method, f"{GROUPS}/{made}", json=body)
    assert answer.status_code == status
    assert changed(server, told(server, "partial_members", "2 of 3 members")) == [("update", made)]
    read = server.client.get(f"{GROUPS}/{made}").json()
    assert [member["value"] for member in read["members"]] == ["u-5", "u-1", "u-2"]
    assert (answer.json() == read) if status == 200 else answer.content == b""
    rest = patch(("add", "members", [{"value": "u-3"}]))
    assert server.client.patch(f"{GROUPS}/{made}", json=rest).status_code in (200, 204)
    assert hits(server) == 1


def test_partial_members_of_a_new_group_and_of_removals(server):
    """A new group has the first members only, and of those who are taken out only the first go."""
    server.fault(after("partial_members"))
    answer = server.client.post(GROUPS, json=a_group("Sales", "u-1", "u-2"))
    assert [member["value"] for member in answer.json()["members"]] == ["u-1"]
    assert server.client.patch(f"{GROUPS}/g-1", json=patch(("remove", "members"))).status_code == 204
    left = [member["value"] for member in stored(server, "groups")["g-1"]["members"]]
    assert left == ["u-3", "u-5"]


# -- partial_bulk --------------------------------------------------------------------------------------------------

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


def job(*names_, **more):
    """A bulk job that makes users, by their bulkIds; they have userNames like them."""
    listed = [
        {"method": "POST", "path": "/Users", "bulkId": name, "data": a_user(f"{name}@example.com")} for name in names_
    ]
    return {"schemas": [BULK], "Operations": listed, **more}


def run(server, document):
    """The results of a job, as (bulkId, status)."""
    answer = server.client.post("/scim/v2/Bulk", json=document)
    assert answer.status_code == 200, answer.text
    return [(result.get("bulkId"), result["status"]) for result in answer.json()["Operations"]]


@pytest.fixture
def empty(serve):
    """A server without data."""
    return serve(fixture=None)


@pytest.mark.parametrize("parameters", [{"fail_every": 2}, {"fail_ids": ["b", "d*"]}])
def test_partial_bulk(empty, parameters):
    """Some operations fail, and are not done; the others are, in one exchange."""
    empty.fault(after("partial_bulk", status=503, **parameters))
    expected = [("a", "201"), ("b", "503"), ("c", "201"), ("d", "503")]
    assert run(empty, job("a", "b", "c", "d")) == expected
    entry = told(empty, "partial_bulk", "partly")
    assert [operation for operation, _ in changed(empty, entry)] == ["create"] * 2
    assert names(empty) == ["a@example.com", "c@example.com"]


@pytest.mark.parametrize(("honour", "done"), [(True, []), (False, ["b", "c"])])
def test_partial_bulk_and_fail_on_errors(empty, honour, done):
    """The job stops at failOnErrors, or does not."""
    empty.fault(after("partial_bulk", fail_ids=["a"], honour_fail_on_errors=honour))
    assert len(run(empty, job("a", "b", "c", failOnErrors=1))) == 1 + len(done)
    assert names(empty) == [f"{name}@example.com" for name in done]


def test_partial_bulk_that_is_hard_to_read(empty):
    """All is done, but the results come in another order and without bulkIds; the same seed, the same order."""
    many = [f"u{index}" for index in range(9)]
    empty.fault({**after("partial_bulk", drop_bulk_ids=True, shuffle=True), "times": 1})
    answer = empty.client.post("/scim/v2/Bulk", json=job(*many)).json()["Operations"]
    assert {"bulkId", "response"}.isdisjoint({key for result in answer for key in result})
    order = [stored(empty)[result["location"].rsplit("/", 1)[1]]["userName"] for result in answer]
    assert sorted(order) == names(empty) == [f"{name}@example.com" for name in many]
    assert order != sorted(order)
    empty.admin.post("/_mockscim/reset")
    empty.fault({**after("partial_bulk", drop_bulk_ids=True, shuffle=True), "times": 1})
    again = empty.client.post("/scim/v2/Bulk", json=job(*many)).json()["Operations"]
    assert [result["location"] for result in again] == [result["location"] for result in answer]


def test_partial_bulk_too_large(empty):
    """413 for the whole job, and nothing is done."""
    empty.fault(after("partial_bulk", too_large=True))
    answer = empty.client.post("/scim/v2/Bulk", json=job("a", "b"))
    assert_scim_error(answer, 413)
    assert (names(empty), history(empty)) == ([], [])


def test_partial_bulk_needs_something_to_go_wrong(empty):
    """A rule under which nothing could go wrong is refused."""
    answer = empty.admin.post("/_mockscim/faults", json=after("partial_bulk"))
    assert (answer.status_code, answer.json()["where"]) == (400, "/parameters")


# -- inside a bulk job ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "status", "made"),
    [
        (after("phantom_ack"), "201", []),
        (after("conflict"), "409", ["create"]),
        (after("late_commit"), "504", []),
        (after("lost_ack", outcome="503"), "503", ["create"]),
    ],
)
def test_inside_a_bulk_job(empty, rule, status, made):
    """These faults strike single operations of a job; what the history tells is what is stored."""
    empty.fault({**rule, "match": {"operation": "user.create", "where": 'userName sw "b"'}})
    assert run(empty, job("a", "b", "c")) == [("a", "201"), ("b", status), ("c", "201")]
    created = [change["after"]["userName"][0] for change in history(empty)]
    assert sorted(created) == sorted(["a", "c", *("b" for _ in made)])
    assert names(empty) == sorted(f"{name}@example.com" for name in created)


def test_partial_patch_inside_a_bulk_job(server):
    """What a failed operation has committed stands, and the job's result says 500."""
    server.fault(after("partial_patch", "user.patch"))
    both = patch(("replace", "title", "Chief"), ("replace", "nickName", "Annie"))
    body = {"schemas": [BULK], "Operations": [{"method": "PATCH", "path": "/Users/u-1", "data": both}]}
    (result,) = server.client.post("/scim/v2/Bulk", json=body).json()["Operations"]
    assert (result["status"], result["response"]["status"]) == ("500", "500")
    assert [change["operation"] for change in history(server)] == ["update"]
    assert stored(server)["u-1"]["title"] == "Chief"
