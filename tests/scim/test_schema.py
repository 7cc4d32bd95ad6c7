"""Schemas and resource types as data; one's own as good as the RFC's."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from devices import DEVICE, EXTENSION, RACK, SCHEMA, TYPE, attribute, registry
from provider import BASE, Provider

from mockscim.scim import urns
from mockscim.scim.schema import Registry, Schema, SchemaError, definition, standard_registry


def devices() -> Provider:
    return Provider(registry=registry())


def device(serial: str = "s1", **more: Any) -> dict[str, Any]:
    return {"schemas": [DEVICE, RACK], "serialNumber": serial, **more}


@pytest.mark.parametrize("urn", [urns.USER, urns.GROUP, urns.ENTERPRISE_USER, urns.SCHEMA, urns.RESOURCE_TYPE])
def test_a_schema_loads_from_what_it_publishes(urn: str) -> None:
    """Reading a schema's own document gives the same document."""
    schema = definition(urn)
    assert Schema.from_document(schema.document()).document() == schema.document()


def test_characteristics_of_the_rfc_s_attributes() -> None:
    """A few that clients depend on, from RFC 7643 §8.7."""
    user, group = standard_registry().types["User"], standard_registry().types["Group"]

    def of(name: str, sub: str | None = None) -> Any:
        found = user.find(None, name)
        assert found is not None
        return found if sub is None else found.sub(sub)

    assert (of("userName").required, of("userName").uniqueness, of("userName").case_exact) == (True, "server", False)
    assert (of("password").mutability, of("password").returned) == ("writeOnly", "never")
    assert of("groups").mutability == "readOnly"
    assert (of("id").returned, of("id").mutability, of("id").case_exact) == ("always", "readOnly", True)
    assert of("externalId").case_exact
    assert of("emails", "type").canonical_values == ("work", "home", "other")
    assert of("profileUrl").type == "reference"
    assert of("x509Certificates", "value").type == "binary"
    assert user.find(urns.ENTERPRISE_USER.upper(), "MANAGER").sub("displayName").mutability == "readOnly"  # type: ignore[union-attr]
    assert group.keyed is group.find(None, "members")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        (lambda d: d.update(id=5), "/schemas/0"),
        (lambda d: d.update(id="no urn"), "/schemas/0/id"),
        (lambda d: d.update(id='urn:x:"y'), "/schemas/0/id"),
        (lambda d: d.pop("id"), "/schemas/0"),
        (lambda d: d.update(attributes={}), "/schemas/0/attributes"),
        (lambda d: d["attributes"].append(5), "/schemas/0/attributes/17"),
        (lambda d: d["attributes"].append({"type": "string"}), "/schemas/0/attributes/17"),
        (lambda d: d["attributes"][0].update(name="a.b"), "/schemas/0/attributes/0/name"),
        (lambda d: d["attributes"][0].update(name=""), "/schemas/0/attributes/0/name"),
        (lambda d: d["attributes"][0].update(type="text"), "/schemas/0/attributes/0/type"),
        (lambda d: d["attributes"][0].update(type=[]), "/schemas/0/attributes/0/type"),
        (lambda d: d["attributes"][0].update(mutability="never"), "/schemas/0/attributes/0/mutability"),
        (lambda d: d["attributes"][0].update(returned={}), "/schemas/0/attributes/0/returned"),
        (lambda d: d["attributes"][0].update(uniqueness=True), "/schemas/0/attributes/0/uniqueness"),
        (lambda d: d["attributes"][0].update(required="yes"), "/schemas/0/attributes/0/required"),
        (lambda d: d["attributes"][0].update(canonicalValues="a"), "/schemas/0/attributes/0/canonicalValues"),
        (lambda d: d["attributes"][0].update(canonicalValues=[5]), "/schemas/0/attributes/0/canonicalValues"),
        (lambda d: d["attributes"][0].update(subAttributes=[attribute("x")]), "/schemas/0/attributes/0/subAttributes"),
        (lambda d: d["attributes"].append(attribute("HOSTNAME")), "/schemas/0/attributes/17/name"),
        (lambda d: d["attributes"][12]["subAttributes"].append(attribute("CODE")), "/schemas/0/attributes/12/subAttr"),
        (lambda d: d["attributes"][12]["subAttributes"][0].update(type=7), "/subAttributes/0/type"),
    ],
)
def test_a_broken_schema_names_the_place(change: Any, pointer: str) -> None:
    """SchemaError with a JSON pointer, never another exception."""
    document = copy.deepcopy(SCHEMA)
    change(document)
    with pytest.raises(SchemaError) as error:
        Registry.from_documents([document, EXTENSION], [TYPE])
    assert pointer in str(error.value)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": 5}, "/resourceTypes/0/name"),
        ({"name": ""}, "/resourceTypes/0/name"),
        ({"name": 'De"vice'}, "/resourceTypes/0/name"),
        ({"endpoint": None}, "/resourceTypes/0/endpoint"),
        ({"endpoint": "/a/b"}, "/resourceTypes/0/endpoint"),
        ({"endpoint": "/"}, "/resourceTypes/0/endpoint"),
        ({"endpoint": '/a"b'}, "/resourceTypes/0/endpoint"),
        ({"endpoint": "/Schemas"}, "/resourceTypes/0/endpoint"),
        ({"endpoint": "/bulk"}, "/resourceTypes/0/endpoint"),
        ({"endpoint": "/.search"}, "/resourceTypes/0/endpoint"),
        ({"schema": "urn:none"}, "/resourceTypes/0/schema"),
        ({"schemaExtensions": {}}, "/resourceTypes/0/schemaExtensions"),
        ({"schemaExtensions": [5]}, "/resourceTypes/0/schemaExtensions"),
        ({"schemaExtensions": [{"schema": "urn:none"}]}, "/resourceTypes/0/schemaExtensions/0/schema"),
        ({"schemaExtensions": [{"schema": RACK, "required": "no"}]}, "/resourceTypes/0/schemaExtensions/0/required"),
    ],
    ids=str,
)
def test_a_broken_resource_type_names_the_place(change: dict[str, Any], pointer: str) -> None:
    """The same for resource types."""
    with pytest.raises(SchemaError) as error:
        Registry.from_documents([SCHEMA, EXTENSION], [{**TYPE, **change}])
    assert str(error.value).startswith(pointer)


def test_the_same_type_twice_is_refused() -> None:
    """By name or by endpoint."""
    for other in ({**TYPE}, {**TYPE, "name": "Other"}, {**TYPE, "endpoint": "/Others"}):
        with pytest.raises(SchemaError, match="twice"):
            Registry.from_documents([SCHEMA, EXTENSION], [TYPE, other])


def test_sub_attributes_without_end_are_refused() -> None:
    """A schema nested beyond what RFC 7643 §2.3.8 has is a SchemaError, not a crash."""
    deep = attribute("x")
    for _ in range(5000):
        deep = attribute("x", "complex", subAttributes=[deep])
    with pytest.raises(SchemaError, match="sub-attributes"):
        Schema.from_document({"id": "urn:x:y", "attributes": [deep]})


# -- a resource type of one's own -------------------------------------------------------------------------------------


def test_every_type_of_value_is_kept() -> None:
    """All types of RFC 7643 §2.3 come back as they were sent."""
    values = {
        "weight": 1.5,
        "ports": 48,
        "online": True,
        "bought": "2026-01-31T12:00:00+01:00",
        "firmware": "AAEC",
        "manual": "https://x.example/manual",
        "tags": ["a", "b"],
        "codes": [{"value": "x"}],
        RACK: {"slot": 3},
    }
    answer = devices().ask("POST", "/Devices", device(**values))
    assert {name: answer[name] for name in values} == values
    assert answer["schemas"] == [DEVICE, RACK]
    assert answer["meta"]["location"] == f"{BASE}/Devices/id-1"


@pytest.mark.parametrize(
    "value",
    [
        {"weight": "1"},
        {"ports": 1.5},
        {"ports": True},
        {"online": 0},
        {"bought": "2026-01-31"},
        {"firmware": "A"},
        {"tags": [5]},
        {"tags": [None, {}]},
        {"manual": 5},
        {RACK: {}},
        {RACK: {"slot": None}},
        {"case": {"code": "c"}},
    ],
    ids=str,
)
def test_a_value_that_does_not_fit_its_type(value: dict[str, Any]) -> None:
    """400 invalidValue; an extension without any attribute is as if it were not there."""
    answer = devices().ask("POST", "/Devices", device(**value))
    if value in ({RACK: {}}, {RACK: {"slot": None}}):
        assert answer.status == 201
        assert answer["schemas"] == [DEVICE]
    else:
        assert answer.error == (400, "invalidValue")


def test_an_immutable_attribute_is_set_once() -> None:
    """SerialNumber cannot change by PUT or PATCH; the same value is no change (RFC 7644 §3.5.1, §3.5.2)."""
    provider = devices()
    provider.ask("POST", "/Devices", device(case={"code": "c", "colour": "red"}, **{RACK: {"slot": 1, "room": "r"}}))
    path = "/Devices/id-1"
    same = provider.get(path).document
    for body in (
        {**same, "serialNumber": "s2"},
        {**same, "case": {"code": "d", "colour": "red"}},
        {**same, RACK: {"slot": 1, "room": "q"}},
    ):
        assert provider.ask("PUT", path, body).error == (400, "mutability")
    for operation in (
        {"op": "replace", "path": "serialNumber", "value": "s2"},
        {"op": "replace", "value": {"serialNumber": "s2"}},
        {"op": "remove", "path": "serialNumber"},
        {"op": "replace", "path": "case.code", "value": "d"},
        {"op": "remove", "path": "case.code"},
        {"op": "replace", "path": "case", "value": {"code": "d"}},
        {"op": "replace", "path": "case", "value": {"code": None}},
        {"op": "remove", "path": "case"},
        {"op": "remove", "path": RACK},
        {"op": "replace", "path": f"{RACK}:room", "value": "q"},
        {"op": "add", "value": {RACK: {"room": "q"}}},
        {"op": "replace", "path": f"{RACK}:state", "value": "q"},
        {"op": "replace", "path": 'codes[value eq "x"].value', "value": "q"},
    ):
        answer = provider.patch(path, operation)
        assert answer.status in (200, 400)
        assert answer.status == 200 or answer.error[1] in ("mutability", "invalidValue"), operation
        if answer.status == 200:
            assert operation["path"].startswith("codes")
    assert provider.get(path)["case"] == same["case"]
    assert provider.ask("PUT", path, provider.get(path).document).status == 200


def test_a_required_sub_attribute_stays() -> None:
    """case.colour is required within case."""
    provider = devices()
    provider.ask("POST", "/Devices", device(case={"colour": "red"}))
    for operation in (
        {"op": "remove", "path": "case.colour"},
        {"op": "replace", "path": f"{RACK}:hostName", "value": "x"},  # the extension would lack its slot
    ):
        assert provider.patch("/Devices/id-1", operation).status == 400


def test_uniqueness_follows_case_exact() -> None:
    """SerialNumber is caseExact, hostName is not; each is unique."""
    provider = devices()
    assert provider.ask("POST", "/Devices", device("s1", hostName="h")).status == 201
    assert provider.ask("POST", "/Devices", device("S1")).status == 201
    assert provider.ask("POST", "/Devices", device("s1")).error == (409, "uniqueness")
    assert provider.ask("POST", "/Devices", device("s2", hostName="H")).error == (409, "uniqueness")
    assert provider.get("/Devices", filter='serialNumber eq "S1"').ids == ["id-2"]
    assert provider.get("/Devices", filter='hostName eq "H"').ids == ["id-1"]


def test_references_point_at_the_type_they_name() -> None:
    """$ref of owner and watchers is made here, for the type that the value really is of."""
    provider = devices()
    user = provider.user("x")
    group = provider.group("g")
    answer = provider.ask(
        "POST", "/Devices", device(owner={"value": user}, watchers=[{"value": group}, {"value": user}, {"value": "?"}])
    )
    assert answer["owner"] == {"value": user, "$ref": f"{BASE}/Users/{user}"}
    assert [watcher["$ref"] for watcher in answer["watchers"]] == [
        f"{BASE}/Groups/{group}",
        f"{BASE}/Users/{user}",
        f"{BASE}/Users/%3F",
    ]
    path = f"/Devices/{answer['id']}"
    assert provider.ask("PUT", path, answer.document)["meta"] == answer["meta"]
    assert "owner" not in provider.patch(path, {"op": "remove", "path": "owner.value"}).document


def test_a_keyed_attribute_of_any_name_works_as_members_do() -> None:
    """Parts is shaped like Group.members: shown, added to, removed from and filtered by id."""
    provider = devices()
    for serial in ("s1", "s2"):
        provider.ask("POST", "/Devices", device(serial))
    provider.ask("POST", "/Devices", device("s3", parts=[{"value": "id-1"}]))
    path = "/Devices/id-3"
    assert provider.get(path)["parts"] == [{"value": "id-1", "$ref": f"{BASE}/Devices/id-1"}]
    provider.patch(path, {"op": "add", "path": "parts", "value": [{"value": "id-2"}]})
    assert provider.get("/Devices", filter='parts.value eq "id-2"').ids == ["id-3"]
    assert provider.get("/Devices", filter='parts[value eq "id-2"]', attributes="parts")["Resources"][0]["parts"]
    provider.patch(path, {"op": "remove", "path": 'parts[value eq "id-1"]'})
    assert [part["value"] for part in provider.get(path)["parts"]] == ["id-2"]
    provider.ask("DELETE", "/Devices/id-2")
    assert "parts" not in provider.get(path).document


def test_what_is_never_returned_stays_in_wherever_it_is() -> None:
    """A secret at the top, in a complex attribute or in an extension leaves with no answer, and is kept."""
    provider = devices()
    body = device(pin="hush", case={"colour": "red", "key": "hush"}, **{RACK: {"slot": 1, "secret": "hush"}})
    answers = [provider.ask("POST", "/Devices", body)]
    for query in ({}, {"attributes": f"pin,case.key,case,{RACK}:secret,{RACK}"}, {"excludedAttributes": "tags"}):
        answers += [provider.get("/Devices/id-1", **query), provider.get("/Devices", **query)]
    answers.append(provider.patch("/Devices/id-1", {"op": "add", "path": "ports", "value": 2}))
    assert "hush" not in str([answer.document for answer in answers])
    record = provider.store.find("id-1")
    assert record is not None
    assert b"hush" not in record.body
    assert (
        record.attributes()["pin"]
        == record.attributes()[RACK]["secret"]
        == record.attributes()["case"]["key"]
        == "hush"
    )
    for text in ('pin eq "hush"', 'case.key eq "hush"', f"{RACK}:secret pr"):
        assert provider.get("/Devices", filter=text).error == (400, "invalidFilter")


def test_returned_request_and_always() -> None:
    """Logs and case.notes come only when asked for; label comes always (RFC 7643 §7)."""
    provider = devices()
    provider.ask("POST", "/Devices", device(logs="l", label="b", case={"colour": "red", "notes": "n"}))
    path = "/Devices/id-1"
    for found in (
        provider.get(path),
        provider.get("/Devices")["Resources"][0],
        provider.get(path, excludedAttributes="tags"),
    ):
        assert "logs" not in (found if isinstance(found, dict) else found.document)
        assert found["case"] == {"colour": "red"}
        assert found["label"] == "b"
    assert provider.get(path, attributes="logs,case.notes").document == {
        "schemas": [DEVICE],
        "id": "id-1",
        "logs": "l",
        "label": "b",
        "case": {"notes": "n"},
    }
    assert provider.get(path, excludedAttributes="label,id,schemas")["label"] == "b"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("weight gt 1", ["id-1"]),
        ("ports eq 48", ["id-1"]),
        ("online eq true", ["id-1"]),
        ('bought lt "2026-02-01T00:00:00Z"', ["id-1"]),
        ('tags eq "B"', ["id-1"]),
        ('tags co "c"', ["id-2"]),
        ('codes eq "x"', ["id-2"]),
        ('codes.value eq "x"', ["id-2"]),
        (f'{RACK}:hostName eq "rack"', ["id-1"]),
        (f"{RACK}:slot ge 2", ["id-1"]),
        (f"{DEVICE}:ports pr", ["id-1"]),
        (f"{RACK} pr", ["id-1"]),
        ('hostName eq "core"', ["id-1"]),
        ('meta.resourceType eq "Device"', ["id-1", "id-2"]),
    ],
)
def test_filters_of_one_s_own_type(text: str, found: list[str]) -> None:
    """Every type of value, by name and by URN, where an extension has an attribute of the same name too."""
    provider = devices()
    one = device(
        weight=1.5, ports=48, online=True, bought="2026-01-31T12:00:00Z", tags=["a", "b"], hostName="core",
        **{RACK: {"slot": 3, "hostName": "rack"}},
    )  # fmt: skip
    provider.ask("POST", "/Devices", one)
    provider.ask("POST", "/Devices", device("s2", tags=["cc"], codes=[{"value": "x"}]))
    assert provider.get("/Devices", filter=text).ids == found


def test_sorting_by_an_extension_s_attribute_of_the_same_name() -> None:
    """The URN says which hostName is meant."""
    provider = devices()
    for serial, host, rack in (("a", "1", "9"), ("b", "2", "8")):
        provider.ask("POST", "/Devices", device(serial, hostName=host, **{RACK: {"slot": 1, "hostName": rack}}))
    assert provider.get("/Devices", sortBy="hostName").ids == ["id-1", "id-2"]
    assert provider.get("/Devices", sortBy=f"{RACK}:hostName").ids == ["id-2", "id-1"]
    assert provider.get("/Devices", sortBy=f"{DEVICE}:hostName").ids == ["id-1", "id-2"]


def test_a_required_extension_is_asked_for() -> None:
    """schemaExtensions.required: 400 where it is not there."""
    kind = {**TYPE, "schemaExtensions": [{"schema": RACK, "required": True}]}
    provider = Provider(registry=Registry.from_documents([SCHEMA, EXTENSION], [kind]))
    assert provider.ask("POST", "/Devices", device()).error == (400, "invalidValue")
    assert provider.ask("POST", "/Devices", device(**{RACK: {"slot": 1}})).status == 201
    assert provider.patch("/Devices/id-1", {"op": "remove", "path": RACK}).status == 400
