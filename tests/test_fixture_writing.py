"""Writing fixtures: fixture, state, fixture is the identity."""

import copy
import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockscim.fixtures import load, parse, render, resolve_members, to_document, whole_document
from mockscim.scim import urns

DEVICE = "urn:example:Device"


def doc(**keys):
    return json.dumps(keys, ensure_ascii=False).encode()


def with_ids(fixture):
    """What a tenant does first: every resource gets an id."""
    for number, entry in enumerate(fixture.resources):
        entry.document.setdefault("id", f"id-{number}")
    return fixture


def of(fixture, endpoint):
    return [entry.document for entry in fixture.resources if entry.endpoint == endpoint]


def redocument(fixture):
    others = {}
    for entry in fixture.resources:
        if entry.endpoint not in {"/Users", "/Groups"}:
            others.setdefault(entry.endpoint, []).append(entry.document)
    return to_document(
        of(fixture, "/Users"),
        of(fixture, "/Groups"),
        others,
        fixture.accounts,
        fixture.profile,
        description=fixture.description,
        schemas=fixture.schemas,
        resource_types=fixture.resource_types,
    )


@pytest.mark.parametrize("name", ["small", "segment-workspace", "people-100"])
def test_fixture_to_state_to_fixture_is_the_identity(name):
    """Once ids are given and members resolved, writing and reading back changes nothing."""
    fixture = with_ids(load(name))
    resolve_members(fixture.resources)
    again = parse(render(redocument(fixture)), fixture.source)
    resolve_members(again.resources)
    assert again == fixture
    assert render(redocument(again)) == render(redocument(fixture))


def test_everything_a_fixture_can_hold_is_written():
    """Other resources, accounts, schemas, resource types, ids and meta come back."""
    source = {
        "description": "all",
        "profile": "segment",
        "users": [{"id": "1", "userName": "a", "meta": {"version": 'W/"3"', "created": "2026-01-01T00:00:00Z"}}],
        "groups": [{"id": "2", "displayName": "G", "members": [{"value": "1", "type": "User", "display": "A"}]}],
        "resources": {"/Devices": [{"id": "3", "serial": 5}]},
        "accounts": [{"userName": "b"}],
        "schemas": [{"id": DEVICE, "attributes": [{"name": "serial"}]}],
        "resourceTypes": [{"name": "Device", "endpoint": "/Devices", "schema": DEVICE}],
    }
    written = redocument(parse(doc(**source)))
    assert written == source
    assert list(written) == list(source)
    assert orjson.loads(render(written)) == source


def test_what_follows_from_the_rest_is_not_written():
    """user.groups, meta.location and $ref go; the resources given stay as they were."""
    person = {
        "groups": [{"value": "2"}],
        "userName": "a",
        "id": "1",
        "meta": {"location": "http://h/Users/1"},
    }
    team = {
        "id": "2",
        "displayName": "G",
        "members": [{"value": "1", "type": "User", "$ref": "http://h/Users/1"}],
    }
    before = copy.deepcopy([person, team])
    written = to_document([person], [team])
    assert written["users"] == [{"id": "1", "userName": "a", "meta": {}}]
    assert written["groups"][0]["members"] == [{"value": "1", "type": "User"}]
    assert [person, team] == before


def test_attributes_are_written_in_one_order():
    """schemas, id and names first, extensions after the core, meta last."""
    person = {"meta": {}, urns.ENTERPRISE_USER: {}, "title": "T", "userName": "a", "id": "1", "schemas": []}
    assert list(to_document([person], [])["users"][0]) == [
        "schemas", "id", "userName", "title", urns.ENTERPRISE_USER, "meta",
    ]  # fmt: skip


def test_a_resource_is_written_on_a_line_of_its_own():
    """A change of one resource is a change of one line."""
    text = render({"users": [{"id": "1"}, {"id": "2"}], "groups": [], "resources": {"/Devices": [{"id": "3"}]}})
    assert text.decode() == (
        '{\n  "users": [\n    {"id":"1"},\n    {"id":"2"}\n  ],\n  "groups": [],\n'
        '  "resources": {\n    "/Devices": [\n      {"id":"3"}\n    ]\n  }\n}\n'
    )


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


@given(
    st.lists(NAMES, unique_by=str.casefold, max_size=6),
    st.lists(NAMES, max_size=3),
    st.data(),
)
def test_any_users_and_groups_come_back_as_written(names, titles, data):
    """The identity holds for any names and any membership."""
    users = [{"id": f"u{number}", "userName": name} for number, name in enumerate(names)]
    groups = []
    for number, title in enumerate(titles):
        chosen = data.draw(st.lists(st.sampled_from(users), unique_by=id, max_size=3)) if users else []
        members = [{"value": each["id"], "type": "User"} for each in chosen]
        groups.append({"id": f"g{number}", "displayName": title, "members": members})
    fixture = parse(render(to_document(users, groups)))
    resolve_members(fixture.resources)
    assert of(fixture, "/Users") == users
    assert of(fixture, "/Groups") == groups


def test_a_fixture_as_a_whole_document():
    """All that a fixture holds comes along, and is read to the same; what is empty is left out."""
    given = {
        "profile": "segment",
        "description": "A day",
        "users": [{"userName": "ann@example.com"}],
        "groups": [{"displayName": "Engineering", "members": ["ann@example.com"]}],
        "resources": {"/Devices": [{"serial": "A-1"}]},
        "accounts": [{"userName": "bob@example.com"}],
        "schemas": [{"id": DEVICE, "name": "Device", "attributes": []}],
        "resourceTypes": [{"name": "Device", "endpoint": "/Devices", "schema": DEVICE}],
    }
    read = parse(json.dumps(given).encode(), "fixture")
    assert whole_document(read) == given
    assert whole_document(parse(b"{}", "fixture")) == {}
