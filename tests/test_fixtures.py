"""Fixture documents: what is read, from where, and what is refused with which words."""

import json
import pickle
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockscim import fixtures
from mockscim.fixtures import FixtureError, load, parse, resolve_members
from mockscim.scim import urns

FOLDER = Path(__file__).parent.parent / "fixtures"
DEVICE = "urn:example:Device"


def doc(**keys):
    return json.dumps(keys, ensure_ascii=False).encode()


def lines(*items):
    return b"\n".join(item if isinstance(item, bytes) else json.dumps(item).encode() for item in items)


def user(name, **more):
    return {"schemas": [urns.USER], "userName": name} | more


def group(name, *members, **more):
    return {"schemas": [urns.GROUP], "displayName": name, "members": list(members)} | more


def nested(levels):
    value = "deep"
    for _ in range(levels):
        value = {"x": value}
    return value


def with_ids(fixture):
    """What a tenant does first: every resource gets an id."""
    for number, entry in enumerate(fixture.resources):
        entry.document.setdefault("id", f"id-{number}")
    return fixture


def of(fixture, endpoint):
    return [entry.document for entry in fixture.resources if entry.endpoint == endpoint]


# --- what is read ---


def test_the_contracts_example_is_read():
    """Profile, users, groups, other resources and accounts arrive, each entry with its pointer."""
    data = doc(
        profile="segment",
        users=[{"userName": "ann@example.com", "displayName": "Ann", "active": True}],
        groups=[{"displayName": "Engineering", "members": ["ann@example.com", {"value": "u-1"}]}],
        resources={"/Devices": [{"serial": "1"}]},
        accounts=[{"userName": "bob@example.com", "displayName": "Bob, as he chose it"}],
    )
    fixture = parse(data, "x.json")
    assert fixture.profile == "segment"
    assert [(each.endpoint, each.pointer) for each in fixture.resources] == [
        ("/Users", "/users/0"),
        ("/Groups", "/groups/0"),
        ("/Devices", "/resources/~1Devices/0"),
    ]
    assert fixture.resources[0].source == "x.json"
    assert fixture.accounts[0]["displayName"] == "Bob, as he chose it"


def test_an_empty_document_is_an_empty_fixture():
    """Every key is optional."""
    fixture = parse(b"{}", "x.json")
    assert (fixture.profile, fixture.resources, fixture.accounts, fixture.schemas) == (None, [], [], [])


def test_users_may_also_stand_under_resources():
    """An endpoint's case does not matter, and users come before groups."""
    fixture = parse(doc(resources={"/users": [{"userName": "a"}]}, groups=[{"displayName": "g"}]))
    assert [entry.endpoint for entry in fixture.resources] == ["/Users", "/Groups"]


def test_schemas_and_resource_types_are_brought_along():
    """Custom schemas and resource types are handed on as they are."""
    fixture = parse(
        doc(
            schemas=[{"id": DEVICE, "attributes": []}],
            resourceTypes=[{"name": "Device", "endpoint": "/Devices", "schema": DEVICE}],
        )
    )
    assert fixture.schemas[0]["id"] == DEVICE
    assert fixture.resource_types[0]["name"] == "Device"


@pytest.mark.parametrize("source", ["x.ndjson", "x.JSONL", "x.json"])
def test_ndjson_is_read_by_its_ending_or_by_its_look(source):
    """A resource a line, blank lines skipped, users before groups, the line as pointer."""
    data = lines(group("G", "a"), b"", user("a"), b"  \r", {"meta": {"resourceType": "user"}, "userName": "b"})
    fixture = parse(data, source)
    assert [(each.endpoint, each.pointer) for each in fixture.resources] == [
        ("/Users", "3"),
        ("/Users", "5"),
        ("/Groups", "1"),
    ]


def test_one_resource_is_a_fixture():
    """NDJSON of one line, whatever its name, is one resource."""
    assert of(parse(doc(**user("a")), "x.json"), "/Users")[0]["userName"] == "a"


def test_a_saved_list_response_is_read():
    """A ListResponse of a real service loads as it is, ids and meta kept."""
    saved = {
        "schemas": [urns.LIST_RESPONSE],
        "totalResults": 2,
        "Resources": [
            user("a", id="1", meta={"resourceType": "User", "created": "2026-01-01T00:00:00Z"}),
            group("G"),
        ],
    }
    fixture = parse(doc(**saved), "saved.json")
    assert [entry.pointer for entry in fixture.resources] == ["/Resources/0", "/Resources/1"]
    assert of(fixture, "/Users") == [saved["Resources"][0]]


def test_a_list_response_without_resources_is_empty():
    """RFC 7644 §3.4.2: Resources may be absent when there is nothing."""
    assert parse(doc(schemas=[urns.LIST_RESPONSE], totalResults=0)).resources == []


def test_saved_pages_may_come_one_a_line():
    """Several ListResponses in a row are taken apart, each resource with line and pointer."""
    page = {"schemas": [urns.LIST_RESPONSE], "totalResults": 2}
    fixture = parse(lines(page | {"Resources": [user("a")]}, page | {"Resources": [user("b")]}), "pages.json")
    assert [entry.pointer for entry in fixture.resources] == ["1/Resources/0", "2/Resources/0"]


def test_a_bare_array_is_read():
    """An array of resources is told apart like a ListResponse."""
    fixture = parse(json.dumps([user("a"), group("G")]).encode())
    assert [(each.endpoint, each.pointer) for each in fixture.resources] == [
        ("/Users", "/0"),
        ("/Groups", "/1"),
    ]


def test_a_custom_type_is_told_by_a_resource_type_that_comes_along():
    """The resource type may even stand behind the resource."""
    kind = {"schemas": [urns.RESOURCE_TYPE], "name": "Device", "endpoint": "/Devices", "schema": DEVICE}
    fixture = parse(lines({"schemas": [DEVICE], "id": "1"}, kind), "x.ndjson")
    assert fixture.resources[0].endpoint == "/Devices"
    assert fixture.resource_types == [kind]


def test_a_custom_type_is_told_by_the_callers_endpoints():
    """Names and URNs of a profile's types are compared without regard to case."""
    by_name = {"meta": {"resourceType": "device"}}
    fixture = parse(
        lines(by_name, {"schemas": [DEVICE.upper()]}),
        "x.ndjson",
        endpoints={"Device": "/Devices", DEVICE: "/Devices"},
    )
    assert [entry.endpoint for entry in fixture.resources] == ["/Devices", "/Devices"]


def test_a_custom_type_is_told_by_its_location():
    """A real service's own type names its endpoint in meta.location."""
    meta = {"resourceType": "Device", "location": "https://example.com/scim/v2/Devices/42?x=1"}
    assert parse(lines({"meta": meta}, {"meta": meta}), "x.ndjson").resources[0].endpoint == "/Devices"


def test_a_byte_order_mark_is_ignored():
    """Files that Windows tools wrote load (RFC 8259 §8.1)."""
    assert parse(b"\xef\xbb\xbf" + doc(users=[{"userName": "a"}])).resources[0].document["userName"] == "a"


# --- what is refused ---

SMALL = "small.json"
BROKEN = [
    (b"", "small.json: a fixture document was expected, the file is empty"),
    (b" \n\t", "small.json: a fixture document was expected, the file is empty"),
    (b"3", "small.json: an object was expected, a number was found"),
    (b'"users"', "small.json: an object was expected, a text was found"),
    (b"null", "small.json: an object was expected, null was found"),
    (b'{"users": [}', "small.json:1:12: not JSON: "),
    (b'{\n  "users": [\n    {"userName": oops}\n  ]\n}', "small.json:3:18: not JSON: "),
    (b'{"users": []', "small.json:1:13: not JSON: "),
    (b'{"users": [NaN]}', "small.json:1:12: not JSON: "),
    (b'{"users": []} trailing', "small.json:1:15: not JSON: "),
    (b'{\n "profile": "\xff"}', "small.json:2:14: not JSON: UTF-8 was expected, byte 0xff was found"),
    ("{}".encode("utf-16"), "small.json:1:1: not JSON: UTF-8 was expected, UTF-16 was found"),
    (b"[" * 5000, "small.json:1:1026: not JSON: depth limit exceeded"),
    (
        doc(kind="directory"),
        "small.json: /kind: a fixture was expected; a directory is the source of a simulated identity",
    ),
    (
        doc(seed=7, rules=[]),
        "small.json: /seed: a fixture was expected; fault rules are loaded with --faults",
    ),
    (doc(Users=[]), 'small.json: /Users: "users" perhaps was expected, an unknown key was found'),
    (doc(resourcetypes=[]), 'small.json: /resourcetypes: "resourceTypes" perhaps was expected'),
    ({"a/b~": 1}, "small.json: /a~1b~0: one of description, profile, users, groups, "),
    (doc(profile=3), "small.json: /profile: a text was expected, a number was found"),
    (doc(description=[]), "small.json: /description: a text was expected, a list was found"),
    (doc(users={}), "small.json: /users: a list was expected, an object was found"),
    (doc(users=None), "small.json: /users: a list was expected, null was found"),
    (doc(users=["ann"]), "small.json: /users/0: an object was expected, a text was found"),
    (
        doc(users=[{"userName": "a"}] * 3 + [{"userName": 4}]),
        "small.json: /users/3/userName: a text was expected, a number was found",
    ),
    (doc(users=[{"username": None}]), "small.json: /users/0/username: a text was expected, null was found"),
    (
        doc(users=[{"userName": ""}]),
        "small.json: /users/0/userName: a text was expected, an empty one was found",
    ),
    (
        doc(users=[{"userName": "a", "id": 1}]),
        "small.json: /users/0/id: a text was expected, a number was found",
    ),
    (
        doc(users=[{"displayName": True}]),
        "small.json: /users/0/displayName: a text was expected, true or false was found",
    ),
    (doc(users=[{"schemas": "User"}]), "small.json: /users/0/schemas: a list was expected, a text was found"),
    (
        doc(users=[{"schemas": [1]}]),
        "small.json: /users/0/schemas/0: a text was expected, a number was found",
    ),
    (doc(users=[{"meta": []}]), "small.json: /users/0/meta: an object was expected, a list was found"),
    (doc(users=[{"name": nested(16)}]), "small.json: /users/0: at most 16 levels of nesting were expected"),
    (b'{"users":[' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"]}", "small.json: /users/0: at most 16 levels"),
    (doc(groups=[[]]), "small.json: /groups/0: an object was expected, a list was found"),
    (
        doc(groups=[{"members": "ann"}]),
        "small.json: /groups/0/members: a list was expected, a text was found",
    ),
    (
        doc(groups=[{"members": ["a", 2]}]),
        "small.json: /groups/0/members/1: a text or an object was expected, a number",
    ),
    (
        doc(groups=[{"members": [""]}]),
        "small.json: /groups/0/members/0: a text or an object was expected, an empty text",
    ),
    (
        doc(groups=[{"Members": [None]}]),
        "small.json: /groups/0/Members/0: a text or an object was expected, null",
    ),
    (
        doc(groups=[{"members": [{}]}]),
        'small.json: /groups/0/members/0: a member with "value" or "$ref" was expected',
    ),
    (
        doc(groups=[{"members": [{"value": [1]}]}]),
        "small.json: /groups/0/members/0/value: a text was expected, a list",
    ),
    (
        doc(groups=[{"members": [{"$ref": 1}]}]),
        "small.json: /groups/0/members/0/$ref: a text was expected, a number",
    ),
    (doc(resources=[]), "small.json: /resources: an object was expected, a list was found"),
    (
        doc(resources={"Devices": []}),
        'small.json: /resources/Devices: an endpoint of resources such as "/Devices"',
    ),
    (
        doc(resources={"/a/b": []}),
        'small.json: /resources/~1a~1b: an endpoint of resources such as "/Devices"',
    ),
    (
        doc(resources={"/Schemas": []}),
        'small.json: /resources/~1Schemas: an endpoint of resources such as "/Devices"',
    ),
    (
        doc(resources={"/Devices": {}}),
        "small.json: /resources/~1Devices: a list was expected, an object was found",
    ),
    (
        doc(resources={"/Devices": [1]}),
        "small.json: /resources/~1Devices/0: an object was expected, a number was found",
    ),
    (
        doc(resources={"/Devices": [{"id": ""}]}),
        "small.json: /resources/~1Devices/0/id: a text was expected, an empty",
    ),
    (doc(accounts={}), "small.json: /accounts: a list was expected, an object was found"),
    (doc(accounts=[{}]), "small.json: /accounts/0/userName: a text was expected, null was found"),
    (
        doc(accounts=[{"userName": "Bob"}, {"userName": "bob"}]),
        "small.json: /accounts/1/userName: a userName of its own was expected, /accounts/0 has the same",
    ),
    (doc(schemas=[1]), "small.json: /schemas/0: an object was expected, a number was found"),
    (doc(schemas=[{}]), "small.json: /schemas/0/id: a text was expected, null was found"),
    (
        doc(schemas=[{"id": "x", "attributes": {}}]),
        "small.json: /schemas/0/attributes: a list was expected, an object",
    ),
    (
        doc(resourceTypes=[{"name": "D"}]),
        "small.json: /resourceTypes/0/endpoint: a text was expected, null was found",
    ),
    (
        doc(resourceTypes=[{"name": "D", "endpoint": "Devices", "schema": "x"}]),
        'small.json: /resourceTypes/0/endpoint: a text that begins with "/" was expected',
    ),
    (b"[3]", "small.json: /0: an object was expected, a number was found"),
    (b"[{}]", 'small.json: /0: a resource with "schemas" or "meta" was expected, to tell its type'),
    (
        doc(schemas=[urns.LIST_RESPONSE], Resources={}),
        "small.json: /Resources: a list was expected, an object was found",
    ),
    (
        doc(schemas=[urns.LIST_RESPONSE], Resources=[{"schemas": ["urn:x"]}]),
        'small.json: /Resources/0/schemas/0: a User, a Group or a type that comes along was expected, "urn:x" was',
    ),
    (
        doc(Resources=[{"meta": {"resourceType": "Robot"}}]),
        "small.json: /Resources/0/meta/resourceType: a User, a Group or a type that comes along was expected",
    ),
    (
        doc(Resources=[user("a", meta={"resourceType": "Group"})]),
        'small.json: /Resources/0/meta/resourceType: the type that its schemas tell was expected, "Group"',
    ),
    (lines(user("a"), b"", user(5)), "small.json:3: /userName: a text was expected, a number was found"),
    (lines(user("a"), b"{oops"), "small.json:2:2: not JSON: "),
    (lines(user("a"), b'"caf\xe9"'), "small.json:2:5: not JSON: UTF-8 was expected, byte 0xe9 was found"),
    (lines(user("a"), b"7"), "small.json:2: an object was expected, a number was found"),
    (lines(user("a"), {"userName": "b"}), 'small.json:2: a resource with "schemas" or "meta" was expected'),
    (
        lines(user("a"), group("G", {})),
        'small.json:2: /members/0: a member with "value" or "$ref" was expected',
    ),
]


@pytest.mark.parametrize(("data", "words"), BROKEN, ids=[words[:60] for _, words in BROKEN])
def test_a_broken_fixture_is_named_with_its_place_and_what_was_expected(data, words):
    """File, line or JSON pointer, and the words, come in one error."""
    with pytest.raises(FixtureError) as caught:
        parse(doc(**data) if isinstance(data, dict) else data, SMALL)
    assert str(caught.value).startswith(words)
    assert caught.value.source == SMALL
    assert caught.value.where in str(caught.value).replace(": /", "/")


def test_an_error_keeps_source_and_place_through_pickling():
    """Source and place are attributes, also in another process."""
    error = pickle.loads(pickle.dumps(FixtureError("a.ndjson", "7/userName", "a text was expected")))  # noqa: S301
    assert (error.source, error.where) == ("a.ndjson", "7/userName")
    assert str(error) == "a.ndjson:7: /userName: a text was expected"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["users", "groups", "resources", "accounts", "schemas", "meta", "members", "userName", "id", "value",
             "Resources", "resourceTypes", "resourceType", "$ref", "/Devices", "displayName", "location"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.binary())
def test_any_bytes_are_read_or_refused(data):
    """Nothing but FixtureError leaves parse."""
    try:
        parse(data, "x.json")
    except FixtureError as error:
        refused = str(error)
    else:
        refused = "x.json"
    assert refused.startswith("x.json")


@given(JSON, st.sampled_from(["x.json", "x.ndjson"]))
def test_any_json_is_read_or_refused(value, source):
    """Documents of about the right shape are read, or refused with their place."""
    try:
        fixture = parse(orjson.dumps(value), source)
        resolve_members(with_ids(fixture).resources)
    except FixtureError as error:
        refused = str(error)
    else:
        refused = source
    assert refused.startswith(source)


# --- loading ---


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_every_bundled_document_is_in_order(path):
    """Fixtures load and their members resolve, directories are refused as fixtures; each has a description."""
    entry = next(each for each in fixtures.bundled() if each.name == path.stem)
    assert entry.description
    if path.stem.startswith("directory-"):
        assert entry.kind == "directory"
        with pytest.raises(FixtureError, match="simulated identity provider"):
            load(path)
    else:
        fixture = load(path)
        resolve_members(with_ids(fixture).resources)
        assert of(fixture, "/Users")
        assert fixture.description == entry.description


@pytest.mark.parametrize("path", sorted(FOLDER.glob("directory-*.json")), ids=lambda path: path.stem)
def test_a_bundled_directory_refers_only_to_what_it_has(path):
    """Ids are unique; managers, members and assignments exist; nobody manages themselves in a circle."""
    directory = orjson.loads(path.read_bytes())
    users = {user["id"]: user for user in directory["users"]}
    groups = {group["id"]: group for group in directory["groups"]}
    assert len(users) + len(groups) == len(directory["users"]) + len(directory["groups"])
    assert len({user["userPrincipalName"] for user in users.values()}) == len(users)
    for start in users.values():
        seen, person = set(), start
        while person["manager"] is not None:
            assert person["id"] not in seen
            seen.add(person["id"])
            person = users[person["manager"]]
    for each in groups.values():
        assert set(each["members"]) <= users.keys() | groups.keys()
    for each in directory["appRoleAssignments"]:
        assert each["principalId"] in (users if each["principalType"] == "User" else groups)


def test_the_segment_workspace_holds_only_what_segment_knows():
    """userName, displayName and the work e-mail; three accounts stand outside the workspace."""
    fixture = load("segment-workspace")
    assert fixture.profile == "segment"
    assert {key for each in of(fixture, "/Users") for key in each} == {"userName", "displayName", "emails"}
    inside = {each["userName"] for each in of(fixture, "/Users")}
    assert len(fixture.accounts) == 3
    assert not inside & {account["userName"] for account in fixture.accounts}


@pytest.mark.parametrize("name", ["small", "small.json"])
def test_a_bundled_fixture_is_loaded_by_name(name, tmp_path, monkeypatch):
    """With or without .json, from any folder, even one that has a folder of that name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    fixture = load(name)
    assert fixture.source == "small.json"
    assert of(fixture, "/Users")[0]["userName"] == "ann@example.com"


def test_a_file_comes_before_a_bundled_name(tmp_path, monkeypatch):
    """small.json in the working folder is meant, where there is one."""
    monkeypatch.chdir(tmp_path)
    Path("small.json").write_bytes(b"{}")
    assert load("small.json").resources == []
    assert of(fixtures.load_bundled("small.json"), "/Users")


@pytest.mark.parametrize("name", ["no-such", "../fixtures/small.json", "/etc/no-such.json", "a\0b", "x" * 5000, ""])
def test_a_missing_file_is_answered_with_the_bundled_names(name):
    """The error lists the fixtures that can be had; directories are not among them."""
    with pytest.raises(FixtureError) as caught:
        fixtures.load_bundled(name)
    assert "(bundled: devices, people-100, segment-workspace, small)" in str(caught.value)
    with pytest.raises(FixtureError):
        load(name + "?")


def test_a_file_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    """The operating system's reason is part of the error."""

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "shut.json").write_bytes(b"{}")
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(FixtureError, match=r"shut\.json: a readable file was expected: Permission denied$"):
        load(tmp_path / "shut.json")
