"""Resources as the control API shows and edits them: past SCIM, in the history, and without a trace in the journal."""

import pytest
from edge import PATCH_OP, assert_problem

ADMIN = "/_mockscim/resources"


def listed(server, type_="User", **parameters):
    """A page of resources."""
    answer = server.admin.get(f"{ADMIN}/{type_}", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(page):
    """The ids on a page."""
    return [item["id"] for item in page["items"]]


@pytest.mark.parametrize("type_", ["User", "Users", "users"])
def test_a_type_by_name_or_endpoint(server, type_):
    """All resources of a type in the order of their creation, with what people call them."""
    page = listed(server, type_)
    assert (page["type"], ids(page), page["total"], page["next"]) == (
        "User", ["u-1", "u-2", "u-3", "u-4", "u-5"], 5, None
    )  # fmt: skip
    assert page["names"]["u-1"] == "ann@example.com"
    assert page["items"][0]["meta"]["location"] == f"{server.root}/scim/v2/Users/u-1"
    assert server.journal() == []


def test_names_of_members(server):
    """A group's members are named too, users and groups alike."""
    page = listed(server, "Group")
    assert page["names"] == {
        "g-1": "Engineering", "u-1": "ann@example.com", "u-3": "chidi@example.com", "u-5": "emre@example.com",
        "g-2": "Everyone", "u-2": "bjorn@example.com",
    }  # fmt: skip


def test_found_by_name_and_filter(server):
    """By id, by name in any case, by a filter, or by both."""
    assert ids(listed(server, name="u-2")) == ids(listed(server, name="BJORN@example.com")) == ["u-2"]
    assert ids(listed(server, filter='userName co "e@"')) == ["u-5"]
    assert ids(listed(server, name="u-2", filter="active eq false")) == []
    assert ids(listed(server, name="Bjorn")) == []
    assert_problem(server.admin.get(f"{ADMIN}/User", params={"filter": "userName eq"}), 400)


def test_pages(server):
    """So many are skipped, so many shown; ``next`` says where to go on."""
    first = listed(server, limit=2)
    assert (ids(first), first["next"], first["total"]) == (["u-1", "u-2"], 2, 5)
    assert ids(listed(server, limit=2, skip=2)) == ["u-3", "u-4"]
    assert (ids(listed(server, limit=2, skip=4)), listed(server, limit=2, skip=4)["next"]) == (["u-5"], None)
    assert (listed(server, limit=0)["items"], listed(server, limit=0)["total"]) == ([], 5)
    assert_problem(server.admin.get(f"{ADMIN}/User", params={"limit": "many"}), 400)


def test_one_resource(server):
    """By its id; the version is the one that a client is told, and of a password that there is one."""
    server.admin.patch(f"{ADMIN}/User/u-2", json={"password": "hunter2-hunter2"})
    shown = server.admin.get(f"{ADMIN}/User/u-2").json()
    assert shown["password"] == "***"
    assert shown["meta"]["version"] == server.client.get("/scim/v2/Users/u-2").headers["ETag"]
    assert_problem(server.admin.get(f"{ADMIN}/User/u-9"), 404)


def test_types_that_there_are_not(server):
    """The types that there are, are told."""
    for method in ("GET", "POST"):
        problem = assert_problem(server.admin.request(method, f"{ADMIN}/Robots", json={}), 404)
        assert problem["detail"] == "there is no resource type Robots (known: User, Group)"


def test_a_type_of_ones_own(serve):
    """It is found by what is unique of it."""
    attributes = [{"name": "serial", "type": "string", "uniqueness": "server", "caseExact": True}]
    fixture = {
        "schemas": [{"id": "urn:example:Device", "name": "Device", "attributes": attributes}],
        "resourceTypes": [{"name": "Device", "endpoint": "/Devices", "schema": "urn:example:Device"}],
        "resources": {"/Devices": [{"id": "d-1", "serial": "A-1"}, {"id": "d-2"}]},
    }
    server = serve(fixture=fixture)
    assert listed(server, "Devices")["names"] == {"d-1": "A-1"}
    assert ids(listed(server, "Device", name="A-1")) == ids(listed(server, "device", name="d-1")) == ["d-1"]
    assert ids(listed(server, "Device", name="a-1")) == []


def test_members_by_name(server):
    """A group is made, and its members are replaced, by ids and names; nobody else knows a name that is none."""
    made = server.admin.post(f"{ADMIN}/Group", json={"displayName": "Sales", "members": ["ann@example.com", "g-1"]})
    assert [member["value"] for member in made.json()["members"]] == ["u-1", "g-1"]
    path = f"{ADMIN}/Group/{made.json()['id']}"
    edited = server.admin.patch(path, json={"MEMBERS": ["u-2", {"value": "u-3"}]}).json()
    assert [member["value"] for member in edited["members"]] == ["u-2", "u-3"]
    assert_problem(server.admin.patch(path, json={"members": ["u-2", "nobody"]}), 400, "/members/1")
    assert server.journal() == []


def test_the_newest_number(server):
    """The journal and the history say what number they gave last, also where they show nothing of it."""
    server.client.get("/scim/v2/Users")
    server.admin.delete(f"{ADMIN}/User/u-1")
    server.admin.delete("/_mockscim/journal")
    assert (server.admin.get("/_mockscim/journal").json()["last"], server.journal()) == (1, [])
    assert server.admin.get("/_mockscim/history", params={"since": 9}).json()["last"] >= 1


def test_the_command_that_starts_the_same(serve):
    """A tenant's description has it."""
    server = serve(profile="segment", seed=7)
    assert server.admin.get("/_mockscim").json()["reproduce"] == (
        "mockscim serve --profile segment --seed 7 --fixture small.json"
    )


ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@pytest.mark.parametrize(
    ("document", "where", "says"),
    [
        ({"titel": "x"}, "/titel", "User has no attribute titel: did you mean 'title'?"),
        ({"name": {"givnName": "x"}}, "/name/givnName", "did you mean 'givenName'?"),
        ({"emails": [{"value": "a@example.com"}, {"valeu": "x"}]}, "/emails/1/valeu", "did you mean 'value'?"),
        ({ENTERPRISE: {"departmnt": "x"}}, f"/{ENTERPRISE}/departmnt", "did you mean 'department'?"),
        ({"urn:example:Nobody": {"a": 1}}, "/urn:example:Nobody", "User has no attribute urn:example:Nobody"),
        ({"qqqqqqqq": 1}, "/qqqqqqqq", "User has no attribute qqqqqqqq"),
        ({"title": "x", "Title": "y"}, None, "Title is given twice"),
    ],
)
def test_a_slip_in_an_edit_is_refused(server, document, where, says):
    """Adding and changing: what a client may send and have dropped is a mistake here, told with its place."""
    before = listed(server)
    for answer in (
        server.admin.post(f"{ADMIN}/User", json={"userName": "new@example.com", **document}),
        server.admin.patch(f"{ADMIN}/User/u-1", json=document),
    ):
        assert_problem(answer, 400, where)
        assert says in answer.json()["detail"]
    assert listed(server) == before
    value = {"Operations": [{"op": "add", "value": {"titel": "x"}}]}
    assert_problem(server.admin.patch(f"{ADMIN}/User/u-1", json=value), 400, "/Operations/0/value/titel")


def test_a_fixture_names_the_nearest_of_a_slip(serve):
    """As an edit does; what has a URN that is not known is somebody else's, and dropped."""
    admin = serve(fixture=None).admin
    for slip, near in (({"dispalyName": "x"}, "displayName"), ({ENTERPRISE: {"departmnt": "x"}}, "department")):
        answer = admin.put("/_mockscim/fixture", json={"users": [{"userName": "a@example.com", **slip}]})
        assert_problem(answer, 400, "/users/0")
        assert f"did you mean {near!r}?" in answer.json()["detail"]
    foreign = {"userName": "a@example.com", "urn:example:Nobody": {"a": 1}}
    assert admin.put("/_mockscim/fixture", json={"users": [foreign]}).status_code == 200


def test_a_client_may_send_what_nobody_knows(server):
    """The leniency is the client's still."""
    answer = server.client.patch(
        "/scim/v2/Users/u-1",
        json={"schemas": [PATCH_OP], "Operations": [{"op": "add", "value": {"titel": "x", "title": "y"}}]},
    )
    assert (answer.status_code, answer.json()["title"]) == (200, "y")
    assert server.journal()[0]["leniencies"][0]["code"] == "unknown-attribute"
