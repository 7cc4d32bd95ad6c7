"""attributes, excludedAttributes and returned (RFC 7644 §3.9)."""

from __future__ import annotations

from typing import Any

import pytest
from devices import DEVICE, EXTENSION, RACK, SCHEMA, TYPE, USERS, attribute, registry
from provider import ENTERPRISE, Provider

from mockscim.scim import urns
from mockscim.scim.schema import Registry

ALWAYS = {"schemas", "id"}


@pytest.fixture
def barbara() -> tuple[Provider, str]:
    """A user with name, e-mails, extension and a group."""
    provider = Provider()
    user = provider.user(
        "bjensen",
        schemas=[urns.USER, ENTERPRISE],
        title="T",
        name={"givenName": "B", "familyName": "J"},
        emails=[{"value": "a", "type": "work"}, {"value": "b", "type": "home"}],
        **{ENTERPRISE: {"department": "D", "manager": {"value": "m"}}},
    )
    provider.group("g", user)
    return provider, f"/Users/{user}"


@pytest.mark.parametrize(
    ("attributes", "left"),
    [
        ("userName", {"userName"}),
        ("USERNAME , title", {"userName", "title"}),
        (f"{urns.USER}:userName", {"userName"}),
        (f"{urns.USER}:name.givenName", {"name"}),
        ("name.givenName", {"name"}),
        ("emails.value", {"emails"}),
        ("groups", {"groups"}),
        ("meta", {"meta"}),
        ("meta.version", {"meta"}),
        (ENTERPRISE, {ENTERPRISE}),
        (f"{ENTERPRISE}:department", {ENTERPRISE}),
        (f"{ENTERPRISE.upper()}:MANAGER.VALUE", {ENTERPRISE}),
        ("nonsense", set()),
        ("urn:x:y:z", set()),
        ("name.nonsense", set()),
        ("id", set()),
        ("userName,userName", {"userName"}),
    ],
)
def test_attributes_leave_what_they_name_and_what_is_always_returned(
    barbara: tuple[Provider, str], attributes: str, left: set[str]
) -> None:
    """In GET, list and search alike; a name that is not known selects nothing."""
    provider, path = barbara
    for found in (
        provider.get(path, attributes=attributes).document,
        provider.get("/Users", attributes=attributes)["Resources"][0],
        provider.ask("POST", "/Users/.search", {"attributes": attributes.split(",")})["Resources"][0],
    ):
        assert set(found) == left | ALWAYS


def test_sub_attributes_are_chosen_one_by_one(barbara: tuple[Provider, str]) -> None:
    """name.givenName leaves no familyName; of each e-mail the value stays; of an extension one attribute."""
    provider, path = barbara
    found = provider.get(path, attributes=f"name.givenName,emails.value,{ENTERPRISE}:manager.value,meta.resourceType")
    assert found["name"] == {"givenName": "B"}
    assert found["emails"] == [{"value": "a"}, {"value": "b"}]
    assert found[ENTERPRISE] == {"manager": {"value": "m"}}
    assert found["meta"] == {"resourceType": "User"}


def test_an_attribute_and_its_part_is_the_attribute(barbara: tuple[Provider, str]) -> None:
    """Whatever comes first, the whole wins."""
    provider, path = barbara
    for attributes in ("name,name.givenName", "name.givenName,name"):
        assert provider.get(path, attributes=attributes)["name"] == {"givenName": "B", "familyName": "J"}


def test_excluded_attributes_go_and_the_rest_stays(barbara: tuple[Provider, str]) -> None:
    """Attributes, sub-attributes and extensions; id and schemas stay although they are named."""
    provider, path = barbara
    found = provider.get(
        path, excludedAttributes=f"title,name.givenName,emails.type,{ENTERPRISE}:manager,id,schemas,meta"
    )
    assert set(found.document) == ALWAYS | {"userName", "name", "emails", "groups", ENTERPRISE}
    assert found["name"] == {"familyName": "J"}
    assert found["emails"] == [{"value": "a"}, {"value": "b"}]
    assert found[ENTERPRISE] == {"department": "D"}
    assert ENTERPRISE not in provider.get(path, excludedAttributes=ENTERPRISE).document
    assert "name" not in provider.get(path, excludedAttributes="name.givenName,name.familyName").document


def test_both_at_once_are_refused(barbara: tuple[Provider, str]) -> None:
    """RFC 7644 §3.9: one or the other; a write with both commits nothing."""
    provider, path = barbara
    both = {"attributes": "title", "excludedAttributes": "name"}
    before = provider.state()
    user = {"schemas": [urns.USER], "userName": "new"}
    for method, at, body in (
        ("GET", path, None),
        ("GET", "/Users", None),
        ("POST", "/Users", user),
        ("PUT", path, user),
        ("PATCH", path, {"Operations": [{"op": "remove", "path": "title"}]}),
    ):
        assert provider.ask(method, at, body, both).error == (400, "invalidValue")
    assert provider.state() == before


@pytest.mark.parametrize("empty", ["", " ", ",", " , "])
def test_an_empty_parameter_is_a_leniency(barbara: tuple[Provider, str], empty: str) -> None:
    """Ignored and noted; 400 in strict mode."""
    provider, path = barbara
    for name in ("attributes", "excludedAttributes"):
        answer = provider.get(path, **{name: empty})
        assert answer.document == provider.get(path).document
        assert answer.leniencies == {"empty-attributes"}
    strict = Provider(strict=True)
    assert strict.get(f"/Users/{strict.user('x')}", attributes=empty).status == 400


def test_writes_answer_projected(barbara: tuple[Provider, str]) -> None:
    """POST, PUT and PATCH honour both parameters (RFC 7644 §3.9)."""
    provider, path = barbara
    only = {"attributes": "userName"}
    body = {"schemas": [urns.USER], "userName": "new", "title": "T"}
    assert set(provider.ask("POST", "/Users", body, only).document) == ALWAYS | {"userName"}
    assert set(provider.ask("PUT", path, {**body, "userName": "x"}, only).document) == ALWAYS | {"userName"}
    patched = provider.patch(path, {"op": "add", "path": "title", "value": "U"}, query={"excludedAttributes": "title"})
    assert "title" not in patched.document


def test_members_can_be_left_out() -> None:
    """excludedAttributes=members, and attributes without it, list a group without them."""
    provider = Provider()
    group = provider.group("g", provider.user("x"))
    assert "members" not in provider.get(f"/Groups/{group}", excludedAttributes="members").document
    assert "members" not in provider.get(f"/Groups/{group}", attributes="displayName").document
    assert provider.get(f"/Groups/{group}", attributes="members.value")["members"] == [{"value": "id-1"}]


def test_a_projection_over_all_types_is_each_type_s_own(barbara: tuple[Provider, str]) -> None:
    """At the root, displayName is a group's and userName a user's."""
    provider, _ = barbara
    found = provider.get("/", attributes="userName,displayName")["Resources"]
    assert [set(each) - ALWAYS for each in found] == [{"userName"}, {"displayName"}]


# -- what is returned always, and on request (RFC 7643 §7) ------------------------------------------------------------


def box(**more: Any) -> tuple[Provider, str]:
    """A device with a bit of everything, in a rack."""
    provider = Provider(registry=registry())
    body = {"schemas": [DEVICE, RACK], "serialNumber": "s", RACK: {"slot": 1}, **more}
    return provider, f"/Devices/{provider.ask('POST', '/Devices', body)['id']}"


def test_schemas_are_those_of_what_is_shown(barbara: tuple[Provider, str]) -> None:
    """RFC 7643 §3: an extension of which nothing is shown is not named, and the base schema always is."""
    provider, path = barbara
    for parameters, urn in (
        ({"attributes": "userName"}, [urns.USER]),
        ({"attributes": f"{ENTERPRISE}:costCenter"}, [urns.USER]),
        ({"attributes": f"{ENTERPRISE}:department"}, [urns.USER, ENTERPRISE]),
        ({"excludedAttributes": ENTERPRISE}, [urns.USER]),
        ({"excludedAttributes": "userName"}, [urns.USER, ENTERPRISE]),
    ):
        assert provider.get(path, **parameters)["schemas"] == urn
        assert provider.get("/Users", **parameters)["Resources"][0]["schemas"] == urn


def test_a_schema_by_its_urn_is_all_that_it_has(barbara: tuple[Provider, str]) -> None:
    """The base schema like an extension; what all resources have (meta, externalId) is not part of it."""
    provider, path = barbara
    whole = set(provider.get(path).document)
    assert set(provider.get(path, attributes=urns.USER.upper()).document) == whole - {"meta", ENTERPRISE}
    assert set(provider.get(path, excludedAttributes=urns.USER).document) == ALWAYS | {"meta", ENTERPRISE}


def test_on_request_is_not_by_way_of_the_whole() -> None:
    """Naming a complex attribute or a schema shows what it shows by default; its hidden parts are named themselves."""
    provider, path = box(logs="l", case={"colour": "red", "notes": "n"})
    assert provider.get(path, attributes="case")["case"] == {"colour": "red"}
    assert provider.get(path, attributes="case,case.notes")["case"] == {"colour": "red", "notes": "n"}
    assert provider.get(path, attributes="case.notes")["case"] == {"notes": "n"}
    assert "logs" not in provider.get(path, attributes=DEVICE).document
    assert provider.get(path, attributes=f"{DEVICE},logs")["logs"] == "l"


def test_always_is_always() -> None:
    """Also inside a complex value that is not asked for, and in an extension that is excluded."""
    schema = {
        **SCHEMA,
        "attributes": [
            SCHEMA["attributes"][0],
            attribute("case", "complex", subAttributes=[attribute("code", returned="always"), attribute("colour")]),
            attribute("keys", "complex", multiValued=True, subAttributes=[attribute("value", returned="always")]),
        ],
    }
    extension = {**EXTENSION, "attributes": [attribute("slot", "integer"), attribute("tag", returned="always")]}
    provider = Provider(registry=Registry.from_documents([schema, extension], [*USERS, TYPE]))
    sent = {"case": {"code": "c", "colour": "red"}, "keys": [{"value": "k"}], RACK: {"slot": 1, "tag": "t"}}
    made = provider.ask("POST", "/Devices", {"schemas": [DEVICE, RACK], "serialNumber": "s", **sent})
    minimum = {"schemas": [DEVICE, RACK], "id": made["id"]}
    minimum |= {"case": {"code": "c"}, "keys": [{"value": "k"}], RACK: {"tag": "t"}}
    path = f"/Devices/{made['id']}"
    assert provider.get(path, attributes="nonsense").document == minimum
    assert provider.get(path, attributes="case.colour")["case"] == sent["case"]
    assert provider.get(path, excludedAttributes=f"serialNumber,case,keys,meta,{RACK}").document == minimum
    assert provider.get(path, excludedAttributes="case.code")["case"] == sent["case"]


@pytest.mark.parametrize(
    ("operation", "shown"),
    [
        ({"op": "replace", "path": "logs", "value": "m"}, {"logs"}),
        ({"op": "replace", "path": f"{DEVICE}:logs", "value": "m"}, {"logs"}),
        ({"op": "replace", "value": {"LOGS": "m"}}, {"logs"}),
        ({"op": "replace", "path": "case.notes", "value": "m"}, {"notes"}),
        ({"op": "replace", "path": "case", "value": {"notes": "m"}}, {"notes"}),
        ({"op": "replace", "path": f"{DEVICE}:case", "value": {"notes": "m"}}, {"notes"}),
        ({"op": "replace", "value": {"case": {"notes": "m"}, "logs": "m"}}, {"logs", "notes"}),
        ({"op": "replace", "path": "case.colour", "value": "blue"}, set()),
        ({"op": "replace", "path": "ports", "value": 3}, set()),
    ],
)
def test_on_request_after_a_write_that_speaks_of_it(operation: dict[str, Any], shown: set[str]) -> None:
    """What the client has just said comes with the answer, but where it excludes it or asks for something else."""
    provider, path = box(logs="l", case={"colour": "red", "notes": "n"})
    answer = provider.patch(path, operation)
    assert {"logs", "notes"} & {*answer.document, *answer["case"]} == shown
    for parameters in ({"excludedAttributes": "logs,case.notes"}, {"attributes": "case.colour"}):
        answer = provider.patch(path, operation, query=parameters)
        assert not {"logs", "notes"} & {*answer.document, *answer["case"]}
    assert "logs" not in provider.get(path).document


def test_on_request_after_post_and_put() -> None:
    """Also in an extension; what the body does not speak of is not shown."""
    extension = {**EXTENSION, "attributes": [attribute("slot", "integer"), attribute("memo", returned="request")]}
    provider = Provider(registry=Registry.from_documents([SCHEMA, extension], [*USERS, TYPE]))
    body = {"schemas": [DEVICE, RACK], "serialNumber": "s", "logs": "l", RACK: {"slot": 1, "memo": "m"}}
    made = provider.ask("POST", "/Devices", body)
    assert (made["logs"], made[RACK]) == ("l", {"slot": 1, "memo": "m"})
    path = f"/Devices/{made['id']}"
    assert provider.get(path)[RACK] == {"slot": 1}
    put = provider.ask("PUT", path, {**body, RACK: {"slot": 2}})
    assert (put["logs"], put[RACK]) == ("l", {"slot": 2})


@pytest.mark.parametrize("path", ["members", " MEMBERS,", f"{urns.GROUP}:members", "members,nobody"])
def test_a_group_without_its_members_is_otherwise_the_same(path):
    """The way that most clients ask for groups is answered without reading the group, and with the same."""
    provider = Provider()
    group = provider.group("g", provider.user("ann"))
    whole = provider.get(f"/Groups/{group}").document
    without = provider.get(f"/Groups/{group}", excludedAttributes=path).document
    assert without == {name: value for name, value in whole.items() if name != "members"}
    assert list(without) == [name for name in whole if name != "members"]
