"""What the tests of the RFCs share: short forms of requests, and a directory with a resource type of its own."""

from edge import GROUP, PATCH_OP, USER
from scim.devices import DEVICE, EXTENSION, RACK, SCHEMA, TYPE
from scim.devices import USERS as CORE_TYPES

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
BASE = "/scim/v2"
USERS = f"{BASE}/Users"
GROUPS = f"{BASE}/Groups"
DEVICES = f"{BASE}/Devices"
ANN = f"{USERS}/u-1"
WITH_DEVICES = {
    "schemas": [SCHEMA, EXTENSION],
    "resourceTypes": [
        {**CORE_TYPES[0], "schemaExtensions": [{"schema": ENTERPRISE, "required": False}]},
        CORE_TYPES[1],
        TYPE,
    ],
    "users": [{"id": "u-1", "userName": "ann@example.com", "displayName": "Ann"}],
}
HOME = {"value": "home@example.com", "type": "home"}
WORK = {"value": "work@example.com", "type": "work", "primary": True}
OTHER = {"value": "other@example.com", "type": "other"}


def created(client, path=USERS, **attributes):
    """Create a resource, and give it as it was answered."""
    urns = [
        {USERS: USER, GROUPS: GROUP, DEVICES: DEVICE}[path],
        *(urn for urn in (RACK, ENTERPRISE) if urn in attributes),
    ]
    answer = client.post(path, json={"schemas": urns, **attributes})
    assert answer.status_code == 201, answer.text
    return answer.json()


def user(who, **attributes):
    """The body of a user at example.com."""
    return {"schemas": [USER], "userName": f"{who}@example.com", **attributes}


def device(serial, **attributes):
    """The body of a device, with the extension's URN where it is used."""
    urns = [DEVICE, RACK] if RACK in attributes else [DEVICE]
    return {"schemas": urns, "serialNumber": serial, **attributes}


def patch(client, path, *operations, **parameters):
    """Send a PatchOp."""
    return client.patch(path, json={"schemas": [PATCH_OP], "Operations": list(operations)}, params=parameters)


def patched(client, path, *operations):
    """Send a PatchOp that succeeds, and give the resource."""
    answer = patch(client, path, *operations)
    assert answer.status_code == 200, answer.text
    return answer.json()


def add(path, value):
    """An add; without a path when it is None."""
    return {"op": "add", "value": value} | ({"path": path} if path else {})


def replace(path, value):
    """A replace; without a path when it is None."""
    return {"op": "replace", "value": value} | ({"path": path} if path else {})


def remove(path):
    """A remove."""
    return {"op": "remove", "path": path}


def found(client, filter_, path=USERS):
    """The ids that a filter finds, in their order."""
    answer = client.get(path, params={"filter": filter_})
    assert answer.status_code == 200, answer.text
    return ids(answer)


def ids(answer):
    """The ids in a ListResponse."""
    return [resource["id"] for resource in answer.json().get("Resources", [])]


def values(resource, name="emails"):
    """The values of a multi-valued attribute."""
    return [item["value"] for item in resource.get(name, [])]


def a_person(client):
    """The path of a new user with two e-mails, two addresses, a name, a title and a department."""
    made = created(
        client,
        userName="zed@example.com",
        title="Lead",
        name={"givenName": "Zed", "familyName": "Young"},
        emails=[WORK, HOME],
        addresses=[{"type": "work", "locality": "Bergen", "country": "NO"}, {"type": "home", "locality": "Oslo"}],
        **{ENTERPRISE: {"department": "Engineering"}},
    )
    return f"{USERS}/{made['id']}"


def a_box(client):
    """The path of a new device whose immutable attributes have values, but for the room."""
    case = {"code": "c", "colour": "red"}
    made = created(client, DEVICES, serialNumber="S1", case=case, ports=3, **{RACK: {"slot": 1}})
    return f"{DEVICES}/{made['id']}"
