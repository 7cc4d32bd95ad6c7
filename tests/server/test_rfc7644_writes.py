"""RFC 7644 §3.3, §3.5.1 and §3.6: POST, PUT and DELETE."""

import pytest
from edge import PATCH_OP, a_user, assert_scim_error
from rfc import ANN, BASE, DEVICES, ENTERPRISE, GROUPS, RACK, USERS, created, device, found, replace, user

# -- POST (§3.3) -----------------------------------------------------------------------------------------------


@pytest.mark.rfc("3.3-1", "7643/3.3-5")
def test_create_takes_what_can_be_written(devices):
    """readWrite, immutable and writeOnly attributes are taken, in extensions too; what may be shown is shown."""
    sent = {
        "serialNumber": "S1",
        "hostName": "one",
        "case": {"code": "c", "colour": "red"},
        RACK: {"slot": 1, "room": "r"},
    }
    made = created(devices, DEVICES, pin="1234", **sent)
    assert {key: made[key] for key in sent} == sent
    assert devices.get(f"{DEVICES}/{made['id']}").json() == made


@pytest.mark.rfc("3.3-2", "7643/7-10", "7643/3.1-11", "7643/3.1-7")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "mine"),
        (
            "meta",
            {"resourceType": "Group", "created": "2001-01-01T00:00:00Z", "version": 'W/"9"', "location": "http://x/"},
        ),
        ("groups", [{"value": "g-1"}]),
    ],
)
def test_create_ignores_read_only(strict, name, value):
    """id, meta and groups of a POST change nothing, even with --strict."""
    made = created(strict, userName="zed@example.com", **{name: value})
    plain = created(strict, userName="plain@example.com")
    assert made.keys() == plain.keys()
    assert made.get(name) != value
    assert made["meta"]["resourceType"] == "User"
    assert made["meta"]["created"] > "2002"


@pytest.mark.rfc("3.3-2", "7643/7-10")
def test_create_ignores_read_only_of_an_extension(devices):
    """A readOnly attribute of an extension is ignored likewise."""
    made = created(devices, DEVICES, serialNumber="S1", **{RACK: {"slot": 1, "state": "broken"}})
    assert made[RACK] == {"slot": 1}


@pytest.mark.rfc("3.3-2", "3.5.1-7", "7643/7-10")
def test_a_read_only_sub_attribute(strict):
    """A manager's displayName, which is readOnly, is ignored in POST and PUT; the manager is taken."""
    sent = {ENTERPRISE: {"manager": {"value": "u-1", "displayName": "Somebody"}}}
    made = created(strict, userName="zed@example.com", **sent)
    body = {"schemas": made["schemas"], "userName": "zed@example.com", **sent}
    put = strict.put(f"{USERS}/{made['id']}", json=body).json()
    for resource in (made, put):
        assert resource[ENTERPRISE]["manager"]["value"] == "u-1"
        assert resource[ENTERPRISE]["manager"].get("displayName") != "Somebody"


@pytest.mark.rfc("3.3-3", "3.3-4", "3.3-5")
@pytest.mark.parametrize(("path", "body"), [(USERS, a_user()), (GROUPS, {"displayName": "G"})])
def test_create_answers_with_the_resource(client, path, body):
    """201, the resource, and its URI in Location and meta.location, where it is found."""
    answer = client.post(path, json=body)
    assert answer.status_code == 201
    made = answer.json()
    assert (
        answer.headers["Location"]
        == made["meta"]["location"]
        == f"{str(client.base_url).rstrip('/')}{path}/{made['id']}"
    )
    assert client.get(answer.headers["Location"]).json() == made


@pytest.mark.rfc("3.3-6", "7643/7-13", "7643/7-14")
@pytest.mark.parametrize("name", ["ann@example.com", "ANN@Example.COM"])
def test_a_name_that_is_taken(client, name):
    """A userName that another user has, in whatever case, is 409 uniqueness, and nothing is created."""
    assert_scim_error(client.post(USERS, json=a_user(name)), 409, "uniqueness")
    assert client.get(USERS).json()["totalResults"] == 5


@pytest.mark.rfc("3.3-6", "7643/7-13", "7643/7-14", "7643/7-15")
def test_unique_values_of_ones_own_type(devices):
    """Values of uniqueness server and global are had once; a caseExact one may differ in case alone."""
    created(devices, DEVICES, serialNumber="S1", hostName="one")
    assert_scim_error(devices.post(DEVICES, json=device("S1")), 409, "uniqueness")
    assert_scim_error(devices.post(DEVICES, json=device("S2", hostName="ONE")), 409, "uniqueness")
    created(devices, DEVICES, serialNumber="s1", hostName="two")
    assert devices.get(DEVICES).json()["totalResults"] == 2


@pytest.mark.rfc("3.3-a", "7643/2.5-1")
@pytest.mark.parametrize(
    ("name", "empty"), [("title", None), ("emails", []), ("emails", None), ("name", None), ("name", {})]
)
def test_create_with_nothing(strict, name, empty):
    """``null`` and ``[]`` assign nothing: the resource is as if the attribute had not been named."""
    made = created(strict, userName="zed@example.com", **{name: empty})
    assert name not in made
    assert found(strict, f'{name} pr and userName sw "zed"') == []


@pytest.mark.rfc("3.3.1-1")
@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        (USERS, {"userName": "zed@example.com"}, "User"),
        (GROUPS, {"displayName": "G"}, "Group"),
        (DEVICES, {"serialNumber": "S1"}, "Device"),
    ],
)
def test_resource_type(devices, path, body, kind):
    """meta.resourceType is the endpoint's type."""
    assert created(devices, path, **body)["meta"]["resourceType"] == kind


# -- PUT (§3.5.1) ----------------------------------------------------------------------------------------------


@pytest.mark.rfc("3.2-3", "3.5.1-1")
@pytest.mark.parametrize("path", [f"{USERS}/new", f"{GROUPS}/new", f"{GROUPS}/u-1"])
def test_put_does_not_create(client, path):
    """PUT of an id that the type does not have is 404, and nothing comes to be."""
    before = client.get(f"{BASE}/").json()["totalResults"]
    assert_scim_error(client.put(path, json=a_user(displayName="x")), 404)
    assert client.get(f"{BASE}/").json()["totalResults"] == before


@pytest.mark.rfc("3.5-1", "3.5.1-2", "3.5.1-a")
@pytest.mark.parametrize("path", [USERS, GROUPS])
def test_put_replaces(client, path):
    """PUT answers 200 with the whole resource, which has the new values; GET gives the same."""
    own = {USERS: {"userName": "new@example.com"}, GROUPS: {"members": [{"value": "u-4"}]}}[path]
    where = created(client, path, displayName="Old", **({"userName": "old@example.com"} if path == USERS else {}))
    answer = client.put(f"{path}/{where['id']}", json={"schemas": where["schemas"], "displayName": "New", **own})
    assert answer.status_code == 200
    assert answer.json()["displayName"] == "New"
    assert answer.json() == client.get(f"{path}/{where['id']}").json()
    assert found(client, 'displayName eq "Old"', path) == []
    assert (answer.json()["id"], answer.json()["meta"]["created"]) == (where["id"], where["meta"]["created"])


@pytest.mark.rfc("3.5.1-2")
def test_put_replaces_values_wholly(strict):
    """Of a multi-valued attribute only the values given are left, of a complex one only the sub-attributes given."""
    many = [{"value": "a@example.com", "type": "home"}, {"value": "b@example.com", "type": "work"}]
    made = created(strict, userName="z@example.com", emails=many, name={"givenName": "Z", "familyName": "Y"})
    body = user("z", emails=[{"value": "c@example.com"}], name={"givenName": "Q"})
    after = strict.put(f"{USERS}/{made['id']}", json=body).json()
    assert (after["emails"], after["name"]) == ([{"value": "c@example.com"}], {"givenName": "Q"})


@pytest.mark.rfc("3.5.1-2", "7643/7-12")
def test_put_replaces_what_is_never_shown(serve):
    """A writeOnly attribute is replaced too, and not shown; only the store knows it."""
    server = serve()
    store = server.scim.tenants.use("").store
    for password in ("Tr0ub4dor", "correct horse"):
        answer = server.client.put(ANN, json=a_user("ann@example.com", password=password))
        assert answer.status_code == 200
        assert password not in answer.text + server.client.get(ANN).text
        assert server.call(store.find, "u-1").secrets == {"password": password}


@pytest.mark.rfc("3.5.1-3")
def test_put_removes_what_it_leaves_out(strict):
    """Attributes that a PUT does not name have no value after it, an extension's too."""
    after = strict.put(f"{USERS}/u-5", json=a_user("emre@example.com")).json()
    assert after.keys() - {"groups"} == {"schemas", "id", "userName", "meta"}
    assert ENTERPRISE not in after["schemas"]


@pytest.mark.rfc("3.5.1-b", "7643/2.5-1")
@pytest.mark.parametrize(("name", "empty"), [("title", None), ("emails", []), ("emails", None), ("name", None)])
def test_put_of_nothing(strict, name, empty):
    """``null`` and ``[]`` clear."""
    body = {**strict.get(f"{USERS}/u-5").json(), name: empty}
    answer = strict.put(f"{USERS}/u-5", json=body)
    assert answer.status_code == 200
    assert name not in answer.json()


@pytest.mark.rfc("3.5.1-4", "3.5.1-5", "7643/7-11")
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (device("S1"), device("S2")),
        (device("S1"), device("s1")),
        (device("S1", case={"code": "a", "colour": "red"}), device("S1", case={"code": "b", "colour": "red"})),
        (device("S1", **{RACK: {"slot": 1, "room": "a"}}), device("S1", **{RACK: {"slot": 1, "room": "b"}})),
    ],
)
def test_put_of_another_immutable_value(devices, before, after):
    """An immutable attribute that has a value keeps it: 400 mutability, and nothing else is changed either."""
    made = devices.post(DEVICES, json=before).json()
    path = f"{DEVICES}/{made['id']}"
    assert_scim_error(devices.put(path, json={**after, "ports": 7}), 400, "mutability")
    assert devices.get(path).json() == made


@pytest.mark.rfc("3.5.1-4")
def test_put_of_the_same_immutable_value(devices):
    """The value that is there already may be sent."""
    made = created(devices, DEVICES, serialNumber="S1", case={"code": "a", "colour": "red"})
    body = device("S1", ports=7, case={"code": "a", "colour": "blue"})
    after = devices.put(f"{DEVICES}/{made['id']}", json=body)
    assert after.status_code == 200
    assert (after.json()["ports"], after.json()["case"]["colour"]) == (7, "blue")


@pytest.mark.rfc("3.5.1-6")
def test_put_of_an_immutable_value_where_none_is(devices):
    """An immutable attribute without a value takes one, once."""
    made = created(devices, DEVICES, serialNumber="S1", case={"colour": "red"})
    path = f"{DEVICES}/{made['id']}"
    assert devices.put(path, json=device("S1", case={"colour": "red", "code": "a"})).json()["case"]["code"] == "a"
    body = device("S1", case={"colour": "red", "code": "b"})
    assert_scim_error(devices.put(path, json=body), 400, "mutability")


@pytest.mark.rfc("3.5.1-7", "7643/7-10", "7643/3.1-11", "7643/3.1-6")
@pytest.mark.parametrize(
    ("name", "value"),
    [("id", "mine"), ("meta", {"created": "2001-01-01T00:00:00Z", "resourceType": "Group"}), ("groups", [])],
)
def test_put_ignores_read_only(strict, name, value):
    """id, meta and groups of a PUT change nothing, even with --strict."""
    before = strict.get(ANN).json()
    answer = strict.put(ANN, json={**before, name: value})
    assert answer.status_code == 200
    assert answer.json() == before


@pytest.mark.rfc("3.5.1-8")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        (ANN, {"displayName": "Ann"}),
        (ANN, {"userName": None}),
        (ANN, {"userName": ""}),
        (f"{GROUPS}/g-1", {"members": []}),
    ],
)
def test_put_without_what_is_required(client, path, body):
    """Without a required attribute a PUT is 400 invalidValue, and nothing is changed."""
    before = client.get(path).json()
    assert_scim_error(client.put(path, json=body), 400, "invalidValue")
    assert client.get(path).json() == before


# -- DELETE (§3.6) ---------------------------------------------------------------------------------------------


@pytest.mark.rfc("3.6-5")
@pytest.mark.parametrize("path", [ANN, f"{GROUPS}/g-1"])
def test_delete(client, path):
    """DELETE is 204 without a body."""
    answer = client.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.rfc("3.6-1")
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_what_is_deleted_is_not_found(client, method):
    """Every operation on a deleted resource is 404."""
    bodies = {"PUT": a_user("ann@example.com"), "PATCH": {"schemas": [PATCH_OP], "Operations": [replace("title", "x")]}}
    client.delete(ANN)
    assert_scim_error(client.request(method, ANN, json=bodies.get(method)), 404)


@pytest.mark.rfc("3.6-2")
@pytest.mark.parametrize(
    "query", ["", "?filter=userName%20sw%20%22ann%22", "?filter=id%20eq%20%22u-1%22", "?sortBy=userName"]
)
def test_what_is_deleted_is_not_listed(client, query):
    """No query of the type or the root finds a deleted resource, and no total counts it."""
    for path in (USERS, f"{BASE}/"):
        before = client.get(path + query).json()["totalResults"]
        assert before > 0
    client.delete(ANN)
    for path in (USERS, f"{BASE}/"):
        document = client.get(path + query).json()
        assert "u-1" not in [resource["id"] for resource in document.get("Resources", [])]
        assert document["totalResults"] == len(document.get("Resources", []))


@pytest.mark.rfc("3.6-3", "3.6-4", "7643/3.1-6")
def test_the_name_of_the_deleted_is_free(client):
    """The userName of a deleted user can be had by a create, which gets another id, and by a PUT."""
    for id_ in ("u-1", "u-2"):
        client.delete(f"{USERS}/{id_}")
    made = created(client, userName="ann@example.com")
    assert made["id"] != "u-1"
    assert client.put(f"{USERS}/u-3", json=a_user("bjorn@example.com")).status_code == 200
