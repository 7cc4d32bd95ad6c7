"""RFC 7644 §3.1, §3.2, §3.8, §3.12 to §3.14 and §4: messages, formats, errors, versions, discovery."""

import json

import pytest
from edge import ERROR, PATCH_OP, USER, a_user, assert_scim_error, request_bytes
from rfc import ANN, BASE, DEVICES, ENTERPRISE, GROUPS, LIST, USERS, created, patch, replace

from mockscim.scim import urns
from mockscim.scim.service import Service

MESSAGES = "urn:ietf:params:scim:api:"


@pytest.mark.rfc("3.1-1")
def test_messages_have_urns_of_the_api(client):
    """A list and an error carry one URN, which lies below that of the API."""
    for answer in (client.get(USERS), client.get(f"{USERS}/nobody")):
        (urn,) = answer.json()["schemas"]
        assert urn.startswith(MESSAGES)


@pytest.mark.rfc("3.1-2")
def test_messages_are_not_among_the_schemas(client):
    """/Schemas lists no message, and none can be fetched from it."""
    listed = [schema["id"] for schema in client.get(f"{BASE}/Schemas").json()["Resources"]]
    assert [urn for urn in listed if urn.startswith(MESSAGES)] == []
    for urn in (ERROR, LIST, PATCH_OP):
        assert_scim_error(client.get(f"{BASE}/Schemas/{urn}"), 404)


@pytest.mark.rfc("3.1-4")
def test_answers_show_what_is_held(client):
    """A create with attributes that the provider does not take answers what a GET answers then, without them."""
    made = created(client, userName="zed@example.com", id="mine", groups=[{"value": "g-1"}], shoeSize=43)
    assert made == client.get(f"{USERS}/{made['id']}").json()
    assert made["id"] != "mine"
    assert not made.keys() & {"groups", "shoeSize"}


@pytest.mark.rfc("3.2-a")
@pytest.mark.parametrize(("path", "kind"), [(USERS, "User"), (GROUPS, "Group")])
def test_endpoints_of_the_core_types(client, path, kind):
    """Users are at /Users and groups at /Groups."""
    resources = client.get(path).json()["Resources"]
    assert {resource["meta"]["resourceType"] for resource in resources} == {kind}


BAD = [
    ("GET", f"{USERS}/nobody", None, 404, None),
    ("GET", f"{BASE}/Nothing", None, 404, None),
    ("GET", f"{USERS}?filter=userName%20eq", None, 400, "invalidFilter"),
    ("POST", USERS, [], 400, "invalidSyntax"),
    ("POST", USERS, {"schemas": [USER]}, 400, "invalidValue"),
    ("POST", USERS, a_user("ann@example.com"), 409, "uniqueness"),
    ("PUT", ANN, "text", 400, "invalidSyntax"),
    ("PUT", ANN, a_user(active="perhaps"), 400, "invalidValue"),
    ("PUT", ANN, a_user("bjorn@example.com"), 409, "uniqueness"),
    ("PATCH", ANN, replace("userName", "bjorn@example.com"), 409, "uniqueness"),
    ("PATCH", ANN, replace("id", "mine"), 400, "mutability"),
    ("PATCH", ANN, replace("emails[", "x"), 400, "invalidPath"),
    ("PATCH", ANN, replace("emails[primary gt true]", {}), 400, "invalidFilter"),
    ("PATCH", ANN, {"op": "remove"}, 400, "noTarget"),
    ("PATCH", ANN, replace("active", 7), 400, "invalidValue"),
    ("POST", f"{USERS}/.search", {"schemas": [], "filter": 7}, 400, "invalidValue"),
    ("DELETE", f"{USERS}/nobody", None, 404, None),
]


@pytest.mark.rfc("3.2-4", "3.2-5", "3.12-1", "3.12-2", "3.12-3")
@pytest.mark.parametrize(("method", "path", "body", "status", "scim_type"), BAD)
def test_errors(client, method, path, body, status, scim_type):
    """An error has its status in HTTP and, as text, in an Error of JSON; its scimType is that of table 9."""
    if method == "PATCH":
        body = {"schemas": [PATCH_OP], "Operations": [body]}
    answer = client.request(method, path, json=body)
    assert assert_scim_error(answer, status).get("scimType") == scim_type


@pytest.mark.rfc("3.12-1", "3.12-2", "3.12-3")
def test_unauthorized_is_an_error_of_scim(server):
    """Without a token: 401 with an Error."""
    assert_scim_error(server.admin.get(USERS), 401)


@pytest.mark.rfc("3.12-3")
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_another_version_is_412(client, method):
    """Table 8: what changed on the server meanwhile is 412."""
    body = {"PUT": a_user("ann@example.com"), "PATCH": {"schemas": [PATCH_OP], "Operations": [replace("title", "x")]}}
    assert_scim_error(client.request(method, ANN, json=body.get(method), headers={"If-Match": 'W/"x"'}), 412)


@pytest.mark.rfc("3.12-7")
def test_a_failure_of_the_server_explains_itself(client, monkeypatch, caplog):
    """A mistake of the server is a 500 whose detail says where the cause is to be found; the server goes on."""
    with monkeypatch.context() as patched:
        patched.setattr(Service, "_get", lambda *_, **__: 1 / 0)
        assert "log" in assert_scim_error(client.get(ANN), 500)["detail"]
    assert "ZeroDivisionError" in caplog.text
    caplog.clear()
    assert client.get(ANN).status_code == 200


@pytest.mark.rfc("3.8-1")
def test_text_beyond_ascii(client):
    """Letters, marks and emoji in UTF-8 come back as they went in."""
    body = json.dumps(a_user(displayName="Ærø Ñandú 李 🚲"), ensure_ascii=False).encode()
    made = client.post(USERS, content=body, headers={"Content-Type": "application/scim+json; charset=utf-8"})
    assert made.status_code == 201
    assert json.loads(client.get(f"{USERS}/{made.json()['id']}").content)["displayName"] == "Ærø Ñandú 李 🚲"


@pytest.mark.rfc("3.8-2")
def test_utf_8_without_saying_so(client):
    """A body without a charset is read as UTF-8, and Latin-1 is refused."""
    headers = {"Content-Type": "application/scim+json"}
    body = json.dumps(a_user(displayName="Bjørn"), ensure_ascii=False)
    assert_scim_error(client.post(USERS, content=body.encode("latin-1"), headers=headers), 400, "invalidSyntax")
    assert client.post(USERS, content=body.encode(), headers=headers).json()["displayName"] == "Bjørn"


@pytest.mark.rfc("3.8-4", "3.8-5")
@pytest.mark.parametrize("accept", ["application/scim+json", "application/json"])
@pytest.mark.parametrize("path", [ANN, USERS, f"{BASE}/Schemas"])
def test_accept(client, path, accept):
    """Resources, lists and discovery are answered in the type that Accept names."""
    answer = client.get(path, headers={"Accept": accept})
    assert answer.headers["Content-Type"] == accept
    assert answer.json()["schemas"]


@pytest.mark.rfc("3.8-a")
def test_without_accept(server):
    """A request without Accept is answered in application/scim+json."""
    _, headers, _ = server.raw().send(request_bytes("GET", ANN)).answer()
    assert headers["content-type"] == "application/scim+json"


@pytest.mark.rfc("3.13-1")
def test_the_version_precedes_the_endpoint(client):
    """/v2 stands right before the endpoint, in the request and in meta.location."""
    answer = client.get("/scim/v2/Users/u-1")
    assert answer.status_code == 200
    assert answer.json()["meta"]["location"].endswith("/v2/Users/u-1")


@pytest.mark.rfc("3.13-2")
@pytest.mark.parametrize("version", ["v1", "v1.1", "v3"])
def test_other_versions_are_refused(client, version):
    """A request for another version is refused with an Error, and nothing is done."""
    assert_scim_error(client.post(f"/scim/{version}/Users", json=a_user()), 404)
    assert client.get(USERS).json()["totalResults"] == 5


def make(client):
    return client.post(USERS, json=a_user())


def read(client):
    return client.get(ANN)


def put(client):
    return client.put(ANN, json=a_user("ann@example.com"))


def change(client):
    return patch(client, ANN, replace("title", "Lead"))


@pytest.mark.rfc("3.14-1", "3.14-2", "7643/3.1-a")
@pytest.mark.parametrize("do", [make, read, put, change])
def test_versions(client, do):
    """Every answer with a resource has its version in ETag and the same in meta.version."""
    answer = do(client)
    assert answer.headers["ETag"] == answer.json()["meta"]["version"]
    assert answer.headers["ETag"].startswith('W/"')


@pytest.mark.rfc("3.14-1")
def test_a_patch_without_a_body_has_a_version(serve):
    """Where PATCH answers 204 the new version is in ETag."""
    client = serve(profile={"behaviour": {"patch_answer": "none"}}).client
    answer = change(client)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["ETag"] == client.get(ANN).headers["ETag"]


@pytest.mark.rfc("3.14-a")
def test_not_modified(client):
    """If-None-Match of the current version is 304 without a body; after a change it is 200 with one."""
    etag = client.get(ANN).headers["ETag"]
    same = client.get(ANN, headers={"If-None-Match": etag})
    assert (same.status_code, same.content) == (304, b"")
    assert change(client).status_code == 200
    assert client.get(ANN, headers={"If-None-Match": etag}).status_code == 200


@pytest.mark.rfc("3.14-b")
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_if_match(client, method):
    """With If-Match an old version is 412 and nothing is changed; the current one lets the change pass."""
    body = {"PUT": a_user("ann@example.com"), "PATCH": {"schemas": [PATCH_OP], "Operations": [replace("title", "x")]}}
    old = client.get(ANN).headers["ETag"]
    before = change(client).json()
    assert_scim_error(client.request(method, ANN, json=body.get(method), headers={"If-Match": old}), 412)
    assert client.get(ANN).json() == before
    current = {"If-Match": before["meta"]["version"]}
    assert client.request(method, ANN, json=body.get(method), headers=current).status_code in (200, 204)


@pytest.mark.rfc("4-1")
def test_the_configuration_names_its_schema(client):
    """ServiceProviderConfig is one object of its own schema."""
    answer = client.get(f"{BASE}/ServiceProviderConfig")
    assert answer.status_code == 200
    assert answer.json()["schemas"] == [urns.SERVICE_PROVIDER_CONFIG]


@pytest.mark.rfc("4-2", "4-3", "3.4.2-2")
@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("Schemas", {USER, ENTERPRISE, "urn:ietf:params:scim:schemas:core:2.0:Group"}),
        ("ResourceTypes", {"User", "Group"}),
    ],
)
def test_discovery_lists(client, endpoint, expected):
    """/Schemas and /ResourceTypes list all they have in a ListResponse with a true count."""
    document = client.get(f"{BASE}/{endpoint}").json()
    assert document["schemas"] == [LIST]
    assert expected <= {resource["id"] for resource in document["Resources"]}
    assert document["totalResults"] == len(document["Resources"])


@pytest.mark.rfc("4-2", "4-3")
def test_types_of_ones_own_are_listed(devices):
    """A resource type and a schema brought along are published with the RFC's."""
    assert "Device" in [kind["id"] for kind in devices.get(f"{BASE}/ResourceTypes").json()["Resources"]]
    assert devices.get(DEVICES).status_code == 200
    assert "urn:example:params:scim:schemas:Device" in [
        schema["id"] for schema in devices.get(f"{BASE}/Schemas").json()["Resources"]
    ]


@pytest.mark.rfc("4-a")
@pytest.mark.parametrize("path", [f"{BASE}/Schemas/{USER}", f"{BASE}/ResourceTypes/User"])
def test_one_discovery_document(client, path):
    """A schema or type fetched by its id is the object itself, as it stands in the list."""
    document = client.get(path).json()
    listed = client.get(path.rpartition("/")[0]).json()["Resources"]
    assert document in listed
    assert document["meta"]["location"].endswith(path)


@pytest.mark.rfc("4-4")
@pytest.mark.parametrize("endpoint", ["Schemas", "ResourceTypes", "ServiceProviderConfig"])
@pytest.mark.parametrize(
    "query", ["sortBy=name&sortOrder=descending", "startIndex=2&count=1", "count=0", "sortBy=nothing", "startIndex=x"]
)
def test_queries_of_discovery_are_ignored(client, endpoint, query):
    """Sorting and paging make no difference, also where they make no sense."""
    plain = client.get(f"{BASE}/{endpoint}")
    assert client.get(f"{BASE}/{endpoint}?{query}").content == plain.content


@pytest.mark.rfc("4-5")
@pytest.mark.parametrize("path", ["Schemas", f"Schemas/{USER}", "ResourceTypes", "ServiceProviderConfig"])
def test_filters_of_discovery_are_forbidden(client, path):
    """A filter is 403, so that nobody takes the answer for a filtered one."""
    assert_scim_error(client.get(f"{BASE}/{path}", params={"filter": 'id eq "User"'}), 403)
