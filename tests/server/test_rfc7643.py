"""RFC 7643 §2, §3 and §7: attributes and their types, common attributes, schemas."""

import json
import re

import pytest
from edge import GROUP, SCIM_JSON, USER, assert_scim_error
from rfc import (
    ANN,
    BASE,
    DEVICES,
    ENTERPRISE,
    GROUPS,
    LIST,
    RACK,
    USERS,
    WITH_DEVICES,
    created,
    device,
    found,
    patched,
    replace,
    user,
)
from scim.devices import DEVICE

from mockscim.fixtures import FixtureError
from mockscim.scim.compare import instant

CORE = (USER, GROUP, ENTERPRISE)


def schemas(client):
    """The published schemas by URN."""
    return {schema["id"]: schema for schema in client.get(f"{BASE}/Schemas").json()["Resources"]}


def attributes(schema):
    """All attributes of a schema, those inside others too."""
    todo = list(schema["attributes"])
    while todo:
        attribute = todo.pop()
        todo += attribute.get("subAttributes", [])
        yield attribute


# -- attributes and their types (§2) ---------------------------------------------------------------------------


@pytest.mark.rfc("7643/2.1-1", "7643/3-1", "7643/3-2", "7643/3.3-1", "7643/3.3-2", "7643/3.1-4")
@pytest.mark.parametrize("path", [USERS, GROUPS, DEVICES])
@pytest.mark.parametrize("query", ["", "?attributes=meta", "?excludedAttributes=schemas,id"])
def test_every_representation_says_schemas_and_id(devices, path, query):
    """schemas, with the base schema, and an id are in every resource of a list and in one alone, whatever is asked."""
    created(devices, GROUPS, displayName="G")
    created(devices, DEVICES, serialNumber="S1")
    base = {USERS: USER, GROUPS: GROUP, DEVICES: DEVICE}[path]
    (listed,) = devices.get(path + query).json()["Resources"]
    alone = devices.get(f"{path}/{listed['id']}{query}").json()
    for resource in (listed, alone):
        assert base in resource["schemas"]
        assert resource["id"]


@pytest.mark.rfc("7643/3-1", "7643/3-2")
@pytest.mark.parametrize("urns", [None, [], "", "x", [7]])
def test_a_body_without_schemas(strict, urns):
    """With --strict a resource without schemas is refused, in POST and PUT."""
    body = {**user("zed"), "schemas": urns}
    assert_scim_error(strict.post(USERS, json=body), 400, "invalidSyntax")
    assert_scim_error(strict.put(ANN, json=body), 400, "invalidSyntax")


@pytest.mark.rfc("7643/3-3")
@pytest.mark.parametrize("urns", [[USER, GROUP], [USER, "urn:nothing"], [GROUP]])
def test_schemas_of_other_types(strict, urns):
    """With --strict a URN that is none of the type's is refused."""
    assert_scim_error(strict.post(USERS, json={**user("zed"), "schemas": urns}), 400, "invalidSyntax")


@pytest.mark.rfc("7643/3-3", "7643/3-4")
def test_schemas_are_those_in_use(strict):
    """``schemas`` lists the base schema and the extensions that are there, each once, whatever was sent."""
    body = {**user("zed", **{ENTERPRISE: {"department": "D"}}), "schemas": [ENTERPRISE, USER, USER, ENTERPRISE]}
    assert sorted(strict.post(USERS, json=body).json()["schemas"]) == sorted([USER, ENTERPRISE])
    assert strict.get(ANN).json()["schemas"] == [USER]


@pytest.mark.rfc("7643/3-5", "7643/2.3.8-1")
def test_order_means_nothing(strict):
    """A body whose members and schemas stand the other way round is the same resource."""
    body = strict.get(f"{USERS}/u-5").json()
    turned = dict(reversed(body.items())) | {
        "schemas": body["schemas"][::-1],
        "name": dict(reversed(body["name"].items())),
    }
    assert strict.put(f"{USERS}/u-5", json=turned).json() == body


@pytest.mark.rfc("7643/2.1-2")
def test_names_of_attributes(devices):
    """Published names keep to the RFC's grammar, but for its own $ref."""
    for schema in schemas(devices).values():
        names = {attribute["name"] for attribute in attributes(schema)} - {"$ref"}
        assert [name for name in names if not re.fullmatch(r"[A-Za-z][A-Za-z0-9$_-]*", name)] == []


@pytest.mark.rfc("7643/2.1-2")
@pytest.mark.parametrize("name", ["1st", "a b", "", "-x", "é", "a.b", "a:b"])
def test_names_that_are_none(serve, name):
    """A schema of one's own with another name is refused."""
    schema = {"id": "urn:x:T", "name": "T", "attributes": [{"name": name, "type": "string"}]}
    kind = {"name": "T", "endpoint": "/Ts", "schema": "urn:x:T"}
    with pytest.raises(FixtureError):
        serve(fixture={"schemas": [schema], "resourceTypes": [kind]})


@pytest.mark.rfc("7643/2.1-a")
def test_names_in_any_case(strict):
    """Attributes of a body are found in any case, and come back in the schema's."""
    body = {"SCHEMAS": [USER], "USERNAME": "zed@example.com", "Name": {"GIVENNAME": "Zed"}}
    made = strict.post(USERS, json=body).json()
    assert (made["userName"], made["name"]) == ("zed@example.com", {"givenName": "Zed"})


@pytest.mark.rfc("7643/2.2-1")
def test_default_characteristics(devices):
    """An attribute of which a schema says name and type only is published with the defaults, and behaves so."""
    (label,) = (a for a in schemas(devices)[RACK]["attributes"] if a["name"] == "hostName")
    assert {key: label[key] for key in label if key not in ("name", "description")} == {
        "type": "string",
        "multiValued": False,
        "required": False,
        "caseExact": False,
        "mutability": "readWrite",
        "returned": "default",
        "uniqueness": "none",
    }


TYPED = [
    ("ports", 3, "7"),
    ("ports", -3, 1.5),
    ("ports", 0, 1.0),
    ("ports", 2**53, True),
    ("weight", 1.5, "1.5"),
    ("online", False, "false"),
    ("online", True, 1),
    ("bought", "2008-01-23T04:56:22Z", "2008-01-23"),
    ("bought", "2008-01-23T04:56:22.123+05:30", "04:56:22Z"),
    ("bought", "2008-01-23T04:56:22", "2008-13-30T04:56:22Z"),
    ("bought", "2008-12-31T23:59:59-14:00", "2008-01-23T25:00:00Z"),
    ("bought", "0001-01-01T00:00:00Z", "yesterday"),
    ("bought", "2008-01-23T04:56:22Z", 1201063382),
    ("bought", "2008-01-23T04:56:22Z", "2008-01-23 04:56:22Z"),
    ("firmware", "AQID", "***"),
    ("firmware", "AQI=", "A"),
    ("firmware", "AAAA", "AQ ID"),
    ("firmware", "_-8=", 7),
    ("manual", "https://example.com/m.pdf", 7),
    ("hostName", "x", 7),
    ("tags", ["a"], [7]),
]


@pytest.mark.rfc("7643/2.3.4-1", "7643/2.3.5-1", "7643/2.3.5-2", "7643/2.3.5-3", "7643/2.3.6-1")
@pytest.mark.parametrize(("name", "good", "bad"), TYPED)
def test_values_of_types(devices, name, good, bad):
    """A value of the type comes back as it was sent; another is 400 invalidValue, in POST, PUT and PATCH."""
    made = created(devices, DEVICES, serialNumber="S1", **{name: good})
    path = f"{DEVICES}/{made['id']}"
    assert made.get(name, "") == good
    assert_scim_error(devices.post(DEVICES, json=device("S2", **{name: bad})), 400, "invalidValue")
    assert_scim_error(devices.put(path, json=device("S1", **{name: bad})), 400, "invalidValue")
    answer = devices.patch(
        path, json={"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [replace(name, bad)]}
    )
    assert_scim_error(answer, 400, "invalidValue")
    assert devices.get(path).json() == made


@pytest.mark.rfc("7643/2.3.4-1")
@pytest.mark.parametrize("number", ["1e1", "10E0", "1.0", "1e-1"])
def test_integers_without_fraction_and_exponent(devices, number):
    """A number written with a fraction or an exponent is no integer, even where its value is one."""
    body = json.dumps(device("S1", ports=42)).replace("42", number)
    assert_scim_error(devices.post(DEVICES, content=body, headers=SCIM_JSON), 400, "invalidValue")


@pytest.mark.rfc("7643/2.3.7-3", "7643/2.3.7-4")
def test_references_lead_to_their_targets(client):
    """GET of every $ref that the provider makes gives the resource it is about."""
    seen = 0
    for path in (f"{GROUPS}/g-2", ANN, f"{USERS}/u-5"):
        resource = client.get(path).json()
        manager = resource.get(ENTERPRISE, {}).get("manager")
        for item in [*resource.get("members", []), *resource.get("groups", []), *([manager] if manager else [])]:
            target = client.get(item["$ref"])
            assert (target.status_code, target.json()["id"]) == (200, item["value"])
            seen += 1
    assert seen == 7


@pytest.mark.rfc("7643/2.3.8-2")
def test_no_complex_inside_complex(client):
    """No attribute of the RFC's resources has complex sub-attributes."""
    for urn in CORE:
        for attribute in schemas(client)[urn]["attributes"]:
            assert "complex" not in [sub["type"] for sub in attribute.get("subAttributes", [])]


@pytest.mark.rfc("7643/2.4-3")
def test_one_primary(client):
    """Two primary values are refused, in POST and PUT."""
    two = [{"value": "a@example.com", "primary": True}, {"value": "b@example.com", "primary": True}]
    assert_scim_error(client.post(USERS, json=user("zed", emails=two)), 400, "invalidValue")
    assert_scim_error(client.put(ANN, json=user("ann", emails=two)), 400, "invalidValue")


@pytest.mark.rfc("7643/2.4-4")
def test_who_is_not_said_to_be_primary(client):
    """A value without primary is not found as a primary one."""
    created(client, userName="zed@example.com", emails=[{"value": "zed@example.com"}])
    assert found(client, 'emails[primary eq true and value sw "zed"]') == []


@pytest.mark.rfc("7643/2.4-5")
@pytest.mark.parametrize("path", ["/scim/v2/Users/u-1", "/scim/Users/u-1", "/v1/Users/u-1", "/Users/u-1"])
def test_references_without_a_version(strict, path):
    """A member given by a reference, with whatever version or none, is the same member."""
    group = strict.post(
        GROUPS, json={"schemas": [GROUP], "displayName": "G", "members": [{"$ref": f"https://example.com{path}"}]}
    )
    (member,) = group.json()["members"]
    assert member["value"] == "u-1"
    assert member["$ref"].endswith("/scim/v2/Users/u-1")


@pytest.mark.rfc("7643/2.5-1")
@pytest.mark.parametrize("empty", [None, []])
def test_nothing_in_all_its_forms(strict, empty):
    """null, [] and absence are the same for filters, order and comparison with what was."""
    before = strict.get(ANN).json()
    assert strict.put(ANN, json={**before, "phoneNumbers": empty}).json() == before
    assert found(strict, "phoneNumbers pr") == []
    assert found(strict, "phoneNumbers.value eq null") == found(strict, "not (phoneNumbers pr)")


# -- common attributes (§3, §3.1, §3.3) ------------------------------------------------------------------------


@pytest.mark.rfc("7643/3-6", "7643/3.1-1", "7643/3.1-2", "7643/3.1-9")
@pytest.mark.parametrize(
    ("path", "body"),
    [(USERS, {"userName": "zed@example.com"}), (GROUPS, {"displayName": "G"}), (DEVICES, {"serialNumber": "S1"})],
)
def test_common_attributes(devices, path, body):
    """Each type has id and meta from the provider, and externalId from the client, or none."""
    plain = created(devices, path, **body)
    assert plain["id"]
    assert plain["meta"].keys() == {"resourceType", "created", "lastModified", "location", "version"}
    assert "externalId" not in plain
    after = patched(devices, f"{path}/{plain['id']}", replace("externalId", "X-7"))
    assert after["externalId"] == "X-7"
    assert found(devices, 'externalId eq "X-7"', path) == [plain["id"]]
    assert found(devices, 'externalId eq "x-7"', path) == []


@pytest.mark.rfc("7643/3.1-5", "7643/3.1-8")
def test_ids_are_unique_among_types(devices):
    """No two resources have the same id, whatever their type; none has bulkId in it."""
    made = [created(devices, GROUPS, displayName=f"G{n}")["id"] for n in range(20)]
    made += [created(devices, DEVICES, serialNumber=f"S{n}")["id"] for n in range(20)]
    made += [created(devices, userName=f"u{n}@example.com")["id"] for n in range(20)]
    assert len(set(made)) == 60
    assert not [id_ for id_ in made if "bulkid" in id_.lower()]


@pytest.mark.rfc("7643/3.1-5", "7643/3.1-8")
@pytest.mark.parametrize(
    "fixture",
    [
        {"users": [{"id": "one", "userName": "a@example.com"}], "groups": [{"id": "one", "displayName": "G"}]},
        {"users": [{"id": "bulkId:1", "userName": "a@example.com"}]},
    ],
)
def test_ids_in_fixtures(serve, fixture):
    """A fixture with an id used twice, or one with bulkId, is refused."""
    with pytest.raises(FixtureError):
        serve(fixture=fixture)


@pytest.mark.rfc("7643/3.1-6")
def test_ids_stay(client):
    """A rename, a replace and a PATCH leave the id, and a new resource gets none that was."""
    made = created(client, userName="zed@example.com")
    path = f"{USERS}/{made['id']}"
    assert client.put(path, json=user("renamed")).json()["id"] == made["id"]
    assert patched(client, path, replace("userName", "again@example.com"))["id"] == made["id"]
    client.delete(path)
    assert created(client, userName="zed@example.com")["id"] != made["id"]


@pytest.mark.rfc("7643/3.1-10")
def test_an_external_id_is_the_domains_own(server):
    """Tenants and types may use the same externalId, each for its own."""
    red, blue = (server.http(server.client.headers, tenant) for tenant in ("red", "blue"))
    mine = created(red, userName="zed@example.com", externalId="7")
    theirs = created(blue, userName="other@example.com", externalId="7")
    group = created(red, GROUPS, displayName="G", externalId="7")
    assert found(red, 'externalId eq "7"') == [mine["id"]]
    assert found(blue, 'externalId eq "7"') == [theirs["id"]]
    assert found(red, 'externalId eq "7"', GROUPS) == [group["id"]]


@pytest.mark.rfc("7643/3.1-12", "7643/3.1-13")
def test_dates(serve):
    """``created`` and ``lastModified`` are dates and times, equal until a change moves the second."""
    server = serve(clock="virtual")
    made = created(server.client, userName="zed@example.com")
    assert instant(made["meta"]["created"]) is not None
    assert made["meta"]["created"] == made["meta"]["lastModified"]
    server.admin.post("/_mockscim/clock/advance", json={"by": "1h"})
    meta = patched(server.client, f"{USERS}/{made['id']}", replace("title", "x"))["meta"]
    assert meta["created"] == made["meta"]["created"]
    assert instant(meta["lastModified"])[0] - instant(meta["created"])[0] == 3600


@pytest.mark.rfc("7643/3.1-14")
@pytest.mark.parametrize("path", [ANN, f"{GROUPS}/g-1"])
def test_location_agrees_with_the_headers(client, path):
    """meta.location is what Location says, and Content-Location where it is sent."""
    answer = client.get(path)
    location = answer.json()["meta"]["location"]
    assert answer.headers["Location"] == location
    assert answer.headers.get("Content-Location", location) == location


@pytest.mark.rfc("7643/3.1-15")
def test_versions_are_weak(client):
    """The same version is shown in several projections, which differ in bytes: so it is marked as weak."""
    whole, part = client.get(ANN), client.get(ANN, params={"attributes": "userName"})
    assert whole.content != part.content
    assert whole.headers["ETag"] == part.headers["ETag"]
    assert whole.headers["ETag"].startswith('W/"')


@pytest.mark.rfc("7643/3.3-5")
@pytest.mark.parametrize("urn", [ENTERPRISE, ENTERPRISE.lower()])
def test_extensions_are_objects(strict, urn):
    """What an extension adds is in an object named by its URN, found in any case, and nowhere else."""
    body = {**user("zed"), "schemas": [USER, urn], urn: {"department": "D"}}
    made = strict.post(USERS, json=body).json()
    assert made[ENTERPRISE] == {"department": "D"}
    assert "department" not in made


@pytest.mark.rfc("7643/3.3-5")
def test_extension_attributes_at_the_top(strict):
    """An extension's attribute beside the core's is no attribute there."""
    assert_scim_error(strict.post(USERS, json=user("zed", department="D")), 400, "invalidSyntax")


# -- schemas (§7) ----------------------------------------------------------------------------------------------


@pytest.mark.rfc("7643/7-1", "7643/7-2", "7643/7-3", "7643/7-4", "7643/7-5")
@pytest.mark.parametrize(("urn", "name"), [(USER, "User"), (GROUP, "Group"), (ENTERPRISE, "EnterpriseUser")])
def test_schemas_are_whole(client, urn, name):
    """Each schema of the RFC has its URN as id, its name, a description, and attributes with all they need."""
    schema = client.get(f"{BASE}/Schemas/{urn}").json()
    assert schema["id"] == urn
    assert schema["name"].replace(" ", "") == name
    assert schema["description"]
    needed = {"name", "type", "multiValued", "required", "mutability", "returned"}
    for attribute in attributes(schema):
        assert needed <= attribute.keys(), attribute["name"]
        assert attribute["type"] in ("boolean", "complex") or {"caseExact", "uniqueness"} <= attribute.keys()
        assert attribute["type"] != "reference" or attribute["referenceTypes"]


@pytest.mark.rfc("7643/7-6")
def test_complex_attributes_list_their_parts(devices):
    """Every complex attribute has sub-attributes, and no other has."""
    for schema in schemas(devices).values():
        for attribute in attributes(schema):
            assert (attribute["type"] == "complex") == bool(attribute.get("subAttributes")), attribute["name"]


@pytest.mark.rfc("7643/7-7")
def test_attributes_are_described(client):
    """Every attribute of the RFC's resources has a description."""
    for urn in CORE:
        assert [a["name"] for a in attributes(schemas(client)[urn]) if not a.get("description")] == []


@pytest.mark.rfc("7643/7-9")
def test_case_is_kept(devices):
    """A caseExact value comes back with the case it was sent in, from wherever."""
    made = created(devices, DEVICES, serialNumber="AbC", externalId="XyZ")
    shown = devices.get(DEVICES, params={"filter": 'serialNumber eq "AbC"'}).json()["Resources"][0]
    for resource in (made, shown):
        assert (resource["serialNumber"], resource["externalId"]) == ("AbC", "XyZ")


@pytest.mark.rfc("7643/7-12", "7643/7-b")
@pytest.mark.parametrize("query", ["", "?attributes=pin", "?attributes=pin,serialNumber", "?excludedAttributes=label"])
def test_write_only(devices, query):
    """What is writeOnly comes back with no answer: not that to its own write, not when it is named."""
    made = devices.post(f"{DEVICES}{query}", json=device("S1", pin="4711"))
    path = f"{DEVICES}/{made.json()['id']}"
    answers = [
        made,
        devices.put(path + query, json=device("S1", pin="4711")),
        devices.get(path + query),
        devices.get(DEVICES + query),
    ]
    assert [answer.status_code for answer in answers] == [201, 200, 200, 200]
    assert "4711" not in "".join(answer.text for answer in answers)


@pytest.mark.rfc("7643/7-c")
def test_on_request_after_a_write(devices):
    """What is returned on request comes when asked for, and after a write that speaks of it; not with a list."""
    made = devices.post(DEVICES, json=device("S1", logs="long"), params={"attributes": "logs"}).json()
    assert made["logs"] == "long"
    path = f"{DEVICES}/{made['id']}"
    assert devices.put(path, json=device("S1", logs="longer")).json()["logs"] == "longer"
    assert patched(devices, path, replace("logs", "short"))["logs"] == "short"
    assert "logs" not in patched(devices, path, replace("ports", 3))
    (listed,) = devices.get(DEVICES).json()["Resources"]
    assert "logs" not in listed


@pytest.mark.rfc("7643/7-2", "7643/7-3")
def test_own_schemas_are_published(serve):
    """A schema brought along is found by its URN, in any case."""
    client = serve(fixture=WITH_DEVICES).client
    for urn in (DEVICE, RACK, RACK.upper()):
        assert client.get(f"{BASE}/Schemas/{urn}").json()["id"].lower() == urn.lower()
    assert client.get(f"{BASE}/Schemas").json()["schemas"] == [LIST]
