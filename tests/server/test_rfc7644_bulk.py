"""RFC 7644 §3.7: bulk jobs."""

import json

import pytest
from edge import ERROR, GROUP, PATCH_OP, SCIM_JSON, USER, assert_scim_error
from rfc import ANN, BASE, ENTERPRISE, GROUPS, USERS, created, found, replace, user

BULK = f"{BASE}/Bulk"
REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"


def bulk(client, *operations, **more):
    """Send a job."""
    return client.post(BULK, json={"schemas": [REQUEST], "Operations": list(operations), **more})


def results(client, *operations, **more):
    """Send a job that is processed, and give its results."""
    answer = bulk(client, *operations, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()["Operations"]


def post(bulk_id, data, path="/Users"):
    return {"method": "POST", "path": path, "bulkId": bulk_id, "data": data}


def group(name, *members, **more):
    return {"schemas": [GROUP], "displayName": name, "members": [{"value": value} for value in members], **more}


def change(path, *operations):
    return {"method": "PATCH", "path": path, "data": {"schemas": [PATCH_OP], "Operations": list(operations)}}


def statuses(found_):
    return [result["status"] for result in found_]


def last(result):
    """The id at the end of a result's location."""
    return result["location"].rpartition("/")[2]


GOOD = post("good", user("good"))


@pytest.mark.rfc("3.7-1", "3.7-10")
@pytest.mark.parametrize(
    "body",
    [
        {"schemas": [REQUEST]},
        {"schemas": [REQUEST], "Operations": None},
        {"schemas": [REQUEST], "Operations": GOOD},
        {"schemas": [USER], "Operations": [GOOD]},
        {"schemas": [REQUEST], "Operations": [GOOD], "failOnErrors": "one"},
        [GOOD],
        "text",
    ],
)
def test_no_job(strict, body):
    """A body that is no BulkRequest with Operations is 400 invalidSyntax, and nothing is done."""
    assert_scim_error(strict.post(BULK, json=body), 400)
    assert found(strict, 'userName sw "good"') == []


@pytest.mark.rfc("3.7-10")
def test_no_json(strict):
    """What is not JSON is 400 invalidSyntax."""
    assert_scim_error(strict.post(BULK, content=b'{"schemas":', headers=SCIM_JSON), 400, "invalidSyntax")


@pytest.mark.rfc("3.7-2", "3.7-3", "3.7-4", "3.7-5", "3.7-8", "3.7-11", "3.7.3-3", "3.7.3-4")
@pytest.mark.parametrize(
    "broken",
    [
        {"path": "/Users", "bulkId": "x", "data": user("x")},
        {"method": "GET", "path": "/Users/u-1"},
        {"method": "POST", "path": "/Users", "data": user("x")},
        {"method": "POST", "bulkId": "x", "data": user("x")},
        {"method": "POST", "path": "/Users", "bulkId": "x"},
        {"method": "PUT", "path": "/Users/u-1"},
        {"method": "PATCH", "path": "/Users/u-1"},
        {"method": "DELETE"},
    ],
)
def test_what_an_operation_needs(strict, broken):
    """With --strict an operation without what it needs is 400, with an Error; those beside it are done."""
    bad, good = results(strict, broken, GOOD)
    assert bad["status"] == "400"
    assert (bad["response"]["schemas"], bad["response"]["status"]) == ([ERROR], "400")
    assert bad["response"]["detail"]
    assert good["status"] == "201"
    assert found(strict, 'userName sw "x@"') == []


@pytest.mark.rfc("3.7-6", "3.7-9", "3.7-12", "3.7-b", "3.7.3-1", "3.7.3-2", "3.7.3-3")
def test_results(client):
    """200 with a BulkResponse: for each operation, in order, method, location, status, and the bulkId of a create."""
    answer = bulk(
        client,
        post("a", user("zed")),
        {"method": "PUT", "path": "/Users/u-1", "data": user("ann", title="T")},
        change("/Users/u-2", replace("title", "U")),
        {"method": "DELETE", "path": "/Users/u-3"},
    )
    assert answer.status_code == 200
    assert answer.json()["schemas"] == [RESPONSE]
    made, put, patched, deleted = answer.json()["Operations"]
    assert [result["method"] for result in (made, put, patched, deleted)] == ["POST", "PUT", "PATCH", "DELETE"]
    assert statuses((made, put, patched, deleted)) == ["201", "200", "200", "204"]
    assert made["bulkId"] == "a"
    for result in (made, put, patched):
        resource = client.get(result["location"])
        assert resource.status_code == 200
        assert result["version"] == resource.headers["ETag"]
    assert deleted["location"].endswith("/scim/v2/Users/u-3")
    assert client.get(f"{USERS}/u-3").status_code == 404


@pytest.mark.rfc("3.7-6", "3.7-7", "3.7-8", "3.7.3-2", "3.7.3-3", "3.7.3-4")
@pytest.mark.parametrize(
    ("operation", "status", "scim_type"),
    [
        (post("a", user("ann")), "409", "uniqueness"),
        (post("a", {"schemas": [USER]}), "400", "invalidValue"),
        ({"method": "PUT", "path": "/Users/u-1", "data": user("bjorn")}, "409", "uniqueness"),
        (change("/Users/u-1", replace("id", "x")), "400", "mutability"),
        (change("/Users/nobody", replace("title", "x")), "404", None),
        ({"method": "DELETE", "path": "/Users/nobody"}, "404", None),
        ({"method": "DELETE", "path": "/Users/u-1", "version": 'W/"other"'}, "412", None),
    ],
)
def test_failures(client, operation, status, scim_type):
    """A failed operation has the status and the Error of the request alone, and a location unless it is a POST."""
    (result,) = results(client, operation)
    assert result["status"] == result["response"]["status"] == status
    assert result["response"]["schemas"] == [ERROR]
    assert result["response"]["detail"]
    assert result["response"].get("scimType") == scim_type
    assert ("location" in result) == (operation["method"] != "POST")


@pytest.mark.rfc("3.7-9", "3.7-11", "3.7.3-1")
def test_going_on(client):
    """Without failOnErrors every operation is processed, whatever happened to those before."""
    bad = post("b", user("ann"))
    found_ = results(client, bad, post("a", user("one")), {**bad, "bulkId": "c"}, post("d", user("two")))
    assert statuses(found_) == ["409", "201", "409", "201"]
    assert len(found(client, 'userName sw "one" or userName sw "two"')) == 2


@pytest.mark.rfc("3.7-a", "3.7.3-1")
@pytest.mark.parametrize(
    ("most", "expected"), [(1, ["201", "409"]), (2, ["201", "409", "409"]), (3, ["201", "409", "409", "201"])]
)
def test_fail_on_errors(client, most, expected):
    """After so many errors nothing more is done; the results are those of what was processed."""
    jobs = [post("a", user("one")), post("b", user("ann")), post("c", user("bjorn")), post("d", user("two"))]
    assert statuses(results(client, *jobs, failOnErrors=most)) == expected
    assert len(found(client, 'userName sw "two"')) == expected.count("201") - 1
    assert len(found(client, 'userName sw "one"')) == 1


@pytest.mark.rfc("3.7-c")
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_versions(client, method):
    """An operation with an old version is 412 and changes nothing; with the current one it is done."""
    before = client.get(ANN).json()
    operation = {"method": method, "path": "/Users/u-1"}
    operation |= {"PUT": {"data": user("ann")}, "PATCH": change("", replace("title", "x")), "DELETE": {}}[method]
    operation["path"] = "/Users/u-1"
    (old,) = results(client, {**operation, "version": 'W/"other"'})
    assert old["status"] == "412"
    assert client.get(ANN).json() == before
    (current,) = results(client, {**operation, "version": before["meta"]["version"]})
    assert current["status"] in ("200", "204")


@pytest.mark.rfc("3.7-13")
def test_order_is_kept(client):
    """Operations on one resource have the outcome of the order they were sent in."""
    done = results(
        client,
        change("/Users/u-1", replace("title", "A")),
        change("/Users/u-1", replace("title", "B")),
        {"method": "DELETE", "path": "/Users/u-2"},
        post("a", user("bjorn")),
        change("/Users/u-2", replace("title", "C")),
    )
    assert statuses(done) == ["200", "200", "204", "201", "404"]
    assert client.get(ANN).json()["title"] == "B"
    assert found(client, 'userName sw "bjorn"') == [last(done[3])]


@pytest.mark.rfc("3.7-13", "3.7.2-1")
def test_a_group_before_its_user(client):
    """A group that refers to a user who comes later in the job has that user as its member."""
    made = results(client, post("g", group("Guides", "bulkId:u"), "/Groups"), post("u", user("zed")))
    assert statuses(made) == ["201", "201"]
    assert [result["bulkId"] for result in made] == ["g", "u"]
    (member,) = client.get(made[0]["location"]).json()["members"]
    assert member["value"] == last(made[1])


@pytest.mark.rfc("3.7.1-1")
@pytest.mark.parametrize("length", [2, 3, 5])
def test_references_in_a_circle(client, length):
    """Groups that are members of each other in a circle are all there, each with the next; or else none is, and 409."""
    jobs = [post(f"g{n}", group(f"Circle {n}", f"bulkId:g{(n + 1) % length}"), "/Groups") for n in range(length)]
    made = results(client, *jobs)
    if set(statuses(made)) == {"409"}:
        assert found(client, 'displayName sw "Circle"', GROUPS) == []
        return
    assert set(statuses(made)) == {"201"}
    for n, result in enumerate(made):
        (member,) = client.get(result["location"]).json()["members"]
        assert member["value"] == last(made[(n + 1) % length])


@pytest.mark.rfc("3.7.2-1")
@pytest.mark.parametrize(
    "later",
    [
        {"method": "PUT", "path": "/Groups/g-1", "data": group("Engineering", "bulkId:u")},
        change("/Groups/g-1", {"op": "add", "path": "members", "value": [{"value": "bulkId:u"}]}),
        change("/Groups/g-1", replace(None, {"members": [{"value": "bulkId:u"}]})),
    ],
)
def test_references_in_changes(client, later):
    """A PUT and a PATCH may refer to what the job creates."""
    made, changed = results(client, post("u", user("zed")), later)
    assert (made["status"], changed["status"]) == ("201", "200")
    members = [member["value"] for member in client.get(f"{GROUPS}/g-1").json()["members"]]
    assert last(made) in members
    assert "bulkId:" not in json.dumps(client.get(f"{GROUPS}/g-1").json())


@pytest.mark.rfc("3.7.2-1")
def test_references_in_paths(client):
    """An operation's path may name what the job creates."""
    done = results(
        client,
        post("u", user("zed")),
        change("/Users/bulkId:u", replace("title", "T")),
    )
    assert statuses(done) == ["201", "200"]
    assert client.get(done[0]["location"]).json()["title"] == "T"
    assert done[1]["location"] == done[0]["location"]


@pytest.mark.rfc("3.7.2-1")
@pytest.mark.parametrize("reference", ["bulkId:nothing", "bulkId:bad", "bulkId:"])
def test_references_to_nothing(client, reference):
    """A reference to what was not created fails its operation alone; no such text is stored."""
    bad, lost, good = results(client, post("bad", user("ann")), post("g", group("Lost", reference), "/Groups"), GOOD)
    assert bad["status"] == "409"
    assert lost["status"] in ("400", "409")
    assert lost["response"]["detail"]
    assert good["status"] == "201"
    assert found(client, 'displayName eq "Lost"', GROUPS) == []


@pytest.mark.rfc("3.7.2-2")
def test_references_in_extensions(client):
    """A manager may be one whom the job creates, before or after."""
    bob = {**user("bob", **{ENTERPRISE: {"manager": {"value": "bulkId:alice"}}}), "schemas": [USER, ENTERPRISE]}
    for jobs in ([post("alice", user("alice")), post("bob", bob)], [post("bob", bob), post("alice", user("alice"))]):
        made = {result["bulkId"]: result for result in results(client, *jobs)}
        assert {result["status"] for result in made.values()} == {"201"}
        manager = client.get(made["bob"]["location"]).json()[ENTERPRISE]["manager"]
        assert manager["value"] == last(made["alice"])
        assert manager["$ref"] == made["alice"]["location"]
        results(client, *({"method": "DELETE", "path": f"/Users/{last(result)}"} for result in made.values()))


@pytest.fixture
def limits(client):
    """What ServiceProviderConfig says of bulk jobs."""
    return client.get(f"{BASE}/ServiceProviderConfig").json()["bulk"]


@pytest.mark.rfc("3.7.4-1")
def test_limits(limits):
    """Bulk is supported, within a number of operations and of bytes."""
    assert limits["supported"] is True
    assert 0 < limits["maxOperations"] < 2**31
    assert 0 < limits["maxPayloadSize"] < 2**31


@pytest.mark.rfc("3.7.4-2", "3.7.4-3", "3.7-10")
def test_too_many_operations(client, limits):
    """As many as are allowed are processed; one more is 413, names the limit, and does nothing."""
    most = limits["maxOperations"]
    jobs = [{"method": "DELETE", "path": f"/Users/x{n}"} for n in range(most)]
    assert len(results(client, *jobs)) == most
    detail = assert_scim_error(bulk(client, GOOD, *jobs), 413)["detail"]
    assert str(most) in detail
    assert "maxOperations" in detail
    assert found(client, 'userName sw "good"') == []


@pytest.mark.rfc("3.7.4-2", "3.7.4-3", "3.7-10")
def test_too_large(client, limits):
    """A body beyond the limit is 413, tells the limit, and does nothing."""
    most = limits["maxPayloadSize"]
    body = json.dumps({"schemas": [REQUEST], "Operations": [GOOD]}).encode()
    answer = client.post(BULK, content=body + b" " * (most + 1 - len(body)), headers=SCIM_JSON)
    assert str(most) in assert_scim_error(answer, 413)["detail"]
    assert found(client, 'userName sw "good"') == []


@pytest.mark.rfc("3.7.3-3")
def test_the_outcome_is_that_of_single_requests(client):
    """What a job creates is what a POST of the same creates."""
    alone = created(client, userName="one@example.com", name={"givenName": "N"}, title=None)
    (result,) = results(
        client, post("x", {"schemas": [USER], "userName": "two@example.com", "name": {"givenName": "N"}})
    )
    in_job = client.get(result["location"]).json()
    for resource in (alone, in_job):
        for name in ("id", "userName", "meta"):
            del resource[name]
    assert alone == in_job
