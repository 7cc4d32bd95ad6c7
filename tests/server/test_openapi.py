"""The description of a server: that it is OpenAPI, and that it says what is so."""

import re

import pytest
from openapi_spec_validator import validate

from mockscim import profiles
from mockscim.server.auth import Login
from mockscim.server.control import routes
from mockscim.server.oauth import Client

DEVICE = "urn:example:schemas:Device"
DEVICES = {
    "schemas": [
        {
            "id": DEVICE,
            "attributes": [
                {"name": "serial", "required": True, "mutability": "immutable", "uniqueness": "server"},
                {"name": "pin", "mutability": "writeOnly", "returned": "never"},
                {"name": "ports", "type": "integer", "multiValued": True, "canonicalValues": []},
                {"name": "seen", "type": "dateTime", "mutability": "readOnly"},
                {"name": "key", "type": "binary"},
                {"name": "weight", "type": "decimal"},
            ],
        },
        {"id": "urn:example:schemas:Owned", "attributes": [{"name": "owner", "required": True}]},
    ],
    "resourceTypes": [
        {
            "name": "Device",
            "endpoint": "/Devices",
            "schema": DEVICE,
            "schemaExtensions": [{"schema": "urn:example:schemas:Owned", "required": True}],
        }
    ],
}


def describe(server, tenant=""):
    """A server's description, found to be OpenAPI 3.1."""
    answer = server.http({}, tenant).get("/_mockscim/openapi.json")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    document = answer.json()
    validate(document)
    return document


def operations(document, prefix):
    """The described operations below a path: (method, path) → operation."""
    return {
        (method.upper(), path.removeprefix(prefix)): operation
        for path, item in document["paths"].items()
        if path.startswith(prefix)
        for method, operation in item.items()
        if method != "parameters"
    }


@pytest.mark.parametrize("profile", profiles.names())
@pytest.mark.parametrize("strict", [False, True])
def test_valid_for_every_profile(serve, profile, strict):
    """For every profile the description is valid OpenAPI, and has what every service provider has."""
    found = operations(describe(serve(profile=profile, fixture=None, strict=strict)), "/scim/v2")
    assert {("GET", "/ServiceProviderConfig"), ("GET", "/Users"), ("PATCH", "/Users/{id}")} <= found.keys()


def test_scim_operations_are_those_of_the_server(server):
    """Each described operation is one that the server has, and each method that is not described gets 405."""
    found = operations(describe(server), "/scim/v2")
    for path in {path for _, path in found}:
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            status = server.client.request(method, "/scim/v2" + path.replace("{id}", "x")).status_code
            assert (status != 405) == ((method, path) in found), (method, path, status)


def test_operation_ids_are_what_faults_name(server):
    """An operationId names the operation as the journal does."""
    found = operations(describe(server), "/scim/v2")
    server.client.get("/scim/v2/Users")
    server.client.post("/scim/v2/Groups/.search", json={})
    assert [entry["operation"] for entry in server.journal()] == [
        found["GET", "/Users"]["operationId"],
        found["POST", "/Groups/.search"]["operationId"],
    ]


def test_control_operations_are_all_there(server):
    """Every route of the control API is described, with a summary and a parameter for each part of its path."""
    document = describe(server)
    found = operations(document, "/_mockscim")
    assert len(found) == len(routes())
    for (method, path), operation in found.items():
        assert operation["summary"], (method, path)
        parameters = document["paths"]["/_mockscim" + path].get("parameters", [])
        assert [p["name"] for p in parameters] == re.findall(r"\{(\w+)\}", path)


def test_custom_types(serve):
    """A resource type that a fixture brings is described with its attributes' characteristics."""
    server = serve(fixture=DEVICES)
    document = describe(server)
    assert ("PUT", "/Devices/{id}") in operations(document, "/scim/v2")
    sent, answered = (document["components"]["schemas"][name] for name in ("Device.sent", "Device"))
    assert sent["required"] == ["schemas", "serial", "urn:example:schemas:Owned"]
    assert sent["properties"]["urn:example:schemas:Owned"]["required"] == ["owner"]
    assert sent["properties"]["serial"]["x-scim"] == {
        "mutability": "immutable",
        "returned": "default",
        "uniqueness": "server",
        "caseExact": False,
    }
    assert sent["properties"]["pin"]["writeOnly"]
    assert "pin" not in answered["properties"]
    assert answered["properties"]["ports"]["items"]["type"] == "integer"
    assert re.search(answered["properties"]["seen"]["pattern"], "2026-01-31T12:00:00")
    assert answered["properties"]["seen"]["readOnly"]
    assert answered["additionalProperties"] is False


def test_tenants_have_their_own(serve):
    """A tenant with another profile has another description, and its own address."""
    server = serve()
    assert server.http({}, "other").put("/_mockscim", json={"profile": "segment"}).status_code == 200
    own, other = describe(server), describe(server, "other")
    assert own["servers"] == [{"url": server.root}]
    assert other["servers"] == [{"url": f"{server.root}/t/other"}]
    assert own["components"]["schemas"]["User"] != other["components"]["schemas"]["User"]


def test_describes_what_the_policy_has(serve):
    """What a provider cannot do is not described: no versions, no sorting, and 204 where a PATCH has no body."""
    profile = {"name": "plain", "behaviour": {"etag": False, "sort": False, "patch_answer": "none"}}
    found = operations(describe(serve(profile=profile, fixture=None)), "/scim/v2")
    listed = {parameter["name"] for parameter in found["GET", "/Users"]["parameters"]}
    assert "filter" in listed
    assert not {"sortBy", "sortOrder"} & listed
    patch = found["PATCH", "/Users/{id}"]
    assert {"200", "204"} <= patch["responses"].keys()
    assert "412" not in patch["responses"]
    assert "ETag" not in patch["responses"]["200"]["headers"]


def test_security(serve):
    """It says which requests need which token, and that none do where none is asked for."""
    admin = {"Authorization": "Bearer for-admins"}
    guarded = serve(admin_token="for-admins").http(admin).get("/_mockscim/openapi.json").json()
    validate(guarded)
    assert guarded["components"]["securitySchemes"].keys() == {"bearer", "adminToken"}
    assert guarded["paths"]["/scim/v2/Users"]["get"]["security"] == [{"bearer": []}]
    assert guarded["paths"]["/_mockscim/faults"]["get"]["security"] == [{"adminToken": []}]
    assert "401" in guarded["paths"]["/_mockscim/faults"]["get"]["responses"]
    open_ = describe(serve(auth=False))
    assert "securitySchemes" not in open_["components"]
    assert all(operation["security"] == [] for operation in operations(open_, "/").values())
    assert "401" not in open_["paths"]["/scim/v2/Users"]["get"]["responses"]


def test_other_ways_to_authenticate(serve):
    """HTTP Basic and the token endpoint are described where the server has them, and any of the ways will do."""
    server = serve(clients=(Client("app", "its-secret"),), basic=(Login("ann", "her-secret"),))
    document = describe(server)
    schemes = document["components"]["securitySchemes"]
    assert schemes.keys() == {"bearer", "basic", "oauth2"}
    assert schemes["oauth2"]["flows"]["clientCredentials"]["tokenUrl"] == f"{server.root}/oauth/token"
    assert {"basic": []} in document["paths"]["/scim/v2/Users"]["get"]["security"]
    assert "/oauth/token" in document["paths"]
    assert "/oauth/token" not in describe(serve())["paths"]
