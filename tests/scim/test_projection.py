"""attributes, excludedAttributes and returned (RFC 7644 §3.9)."""

from __future__ import annotations

import pytest
from provider import ENTERPRISE, Provider

from mockscim.scim import urns

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
