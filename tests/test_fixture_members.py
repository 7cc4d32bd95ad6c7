"""Members in a fixture: each way of naming one, and what is said where none or several are meant."""

import copy
import json
import time

import pytest

from mockscim.fixtures import Entry, FixtureError, load, parse, resolve_members
from mockscim.scim import urns


def doc(**keys):
    return json.dumps(keys, ensure_ascii=False).encode()


PEOPLE = [
    {"id": "1", "userName": "Ann@example.com"},
    {"id": "2", "userName": "bob@example.com"},
    {"id": "bob@example.com", "userName": "odd"},
    {"id": "3", "userName": "Ops"},
    {"id": "a b", "userName": "blank"},
]
GROUPS = [
    {"id": "g1", "displayName": "Engineering"},
    {"id": "g2", "displayName": "Ops"},
    {"id": "g3", "displayName": "Twice"},
    {"id": "g4", "displayName": "Twice"},
    {"id": "g5", "displayName": "TWICE"},
]


def resolved(*members, lookup=None):
    fixture = parse(doc(users=PEOPLE, groups=[*GROUPS, {"id": "last", "displayName": "L", "members": list(members)}]))
    resolve_members(fixture.resources, lookup)
    return fixture.resources[-1].document["members"]


@pytest.mark.parametrize(
    ("member", "value", "kind"),
    [
        ("1", "1", "User"),
        ("ann@EXAMPLE.com", "1", "User"),
        ("bob@example.com", "bob@example.com", "User"),
        ("BOB@example.com", "2", "User"),
        ("g1", "g1", "Group"),
        ("engineering", "g1", "Group"),
        ("Ops", "3", "User"),
        ({"value": "Ops", "type": "group"}, "g2", "Group"),
        ("TWICE", "g5", "Group"),
        ("Users/1", "1", "User"),
        ("/Users/1", "1", "User"),
        ("../Users/1", "1", "User"),
        ("https://example.com/scim/v2/Users/1", "1", "User"),
        ("https://example.com/scim/v2/Users/1/?x=y#z", "1", "User"),
        ("https://example.com/scim/v2/users/a%20b", "a b", "User"),
        ("../Groups/g2", "g2", "Group"),
        ({"$ref": "../Users/1"}, "1", "User"),
        ({"value": "1"}, "1", "User"),
        ({"value": "1", "type": "User", "$ref": "../Users/1"}, "1", "User"),
        ({"value": "1", "type": None}, "1", "User"),
        ({"value": "ann@example.com"}, "1", "User"),
    ],
)
def test_a_member_is_an_id_a_name_or_a_reference(member, value, kind):
    """Each way of naming a member comes to its id and type."""
    assert resolved(member) == [{"value": value, "type": kind}]


def test_a_members_display_is_kept():
    """Its text stays; $ref, which follows the host, goes."""
    assert resolved({"value": "1", "display": "Ann", "$ref": "x"}) == [{"value": "1", "type": "User", "display": "Ann"}]


def test_a_member_named_twice_is_kept_once():
    """The first naming stays."""
    assert [member["value"] for member in resolved("1", "g1", "Ann@example.com")] == ["1", "g1"]


@pytest.mark.parametrize(
    ("member", "words"),
    [
        ("anne@example.com", '"anne@example.com" is none here; perhaps "Ann@example.com"'),
        (
            "nobody",
            'an id, a userName, a group\'s displayName or a reference was expected, "nobody" is none here',
        ),
        ("twice", 'an id was expected, 3 groups are named "twice"'),
        ("Twice", 'an id was expected, 2 groups are named "Twice"'),
        ({"value": "1", "type": "Group"}, 'a Group was expected, "1" is a User'),
        ("../Groups/1", '"../Groups/1" is none here'),
        ("../Devices/1", '"../Devices/1" is none here'),
        ("http://[/Users/1x", "is none here"),
        ("y" * 9999, "yyy…"),
    ],
)
def test_an_unknown_or_ambiguous_member_is_named_with_its_place(member, words):
    """The pointer goes down to the member."""
    with pytest.raises(FixtureError) as caught:
        resolved("1", "2", member)
    assert str(caught.value).startswith("fixture: /groups/5/members/2: ")
    assert words in str(caught.value)
    assert len(str(caught.value)) < 400


def test_an_ndjson_members_place_has_its_line():
    """Line, then pointer."""
    team = doc(schemas=[urns.GROUP], id="2", displayName="G", members=["a", "zzz"])
    fixture = parse(doc(schemas=[urns.USER], id="1", userName="a") + b"\n" + team, "x.ndjson")
    with pytest.raises(FixtureError, match=r"^x\.ndjson:2: /members/1: "):
        resolve_members(fixture.resources)


def test_members_may_be_in_the_store_already():
    """A look-up answers for ids, names and references that the fixture does not have."""
    store = {"s-1": ("s-1", "User"), "kim": ("s-1", "User"), "team": ("s-2", "Group")}
    assert resolved("kim", lookup=store.get) == [{"value": "s-1", "type": "User"}]
    assert resolved("../Users/s-1", "team", lookup=store.get)[1] == {"value": "s-2", "type": "Group"}
    with pytest.raises(FixtureError):
        resolved({"value": "team", "type": "User"}, lookup=store.get)


def test_members_are_resolved_across_fixtures():
    """Entries of several files together, each error with its own file."""
    entries = [
        Entry("/Users", {"id": "1", "userName": "a"}, "/users/0", "users.json"),
        Entry("/Groups", {"id": "2", "displayName": "G", "members": ["a"]}, "/groups/0", "groups.json"),
    ]
    resolve_members(entries)
    assert entries[1].document["members"] == [{"value": "1", "type": "User"}]
    entries[1].document["members"] = ["b"]
    with pytest.raises(FixtureError, match=r"^groups\.json: /groups/0/members/0: "):
        resolve_members(entries)


def test_a_name_means_who_bears_it_in_its_own_file():
    """Of two files with an Engineering each has its own; who is in neither is looked for in the others."""
    entries = [
        Entry("/Groups", {"id": "1", "displayName": "Engineering"}, "/groups/0", "a.json"),
        Entry("/Groups", {"id": "2", "displayName": "All", "members": ["Engineering"]}, "/groups/1", "a.json"),
        Entry("/Groups", {"id": "3", "displayName": "engineering"}, "/groups/0", "b.json"),
        Entry("/Groups", {"id": "4", "displayName": "All", "members": ["Engineering", "ann"]}, "/groups/1", "b.json"),
        Entry("/Users", {"id": "5", "userName": "Ann"}, "/users/0", "a.json"),
    ]
    resolve_members(entries)
    assert [member["value"] for member in entries[1].document["members"]] == ["1"]
    assert [member["value"] for member in entries[3].document["members"]] == ["3", "5"]


def test_an_ambiguous_name_is_told_with_both_places():
    """In a third file neither is nearer: the error says where they stand."""
    entries = [
        Entry("/Groups", {"id": "1", "displayName": "Twice"}, "/groups/0", "a.json"),
        Entry("/Groups", {"id": "2", "displayName": "twice"}, "7", "b.ndjson"),
        Entry("/Groups", {"id": "3", "displayName": "All", "members": ["TWICE"]}, "/groups/0", "c.json"),
    ]
    with pytest.raises(FixtureError) as caught:
        resolve_members(entries)
    text = (
        'c.json: /groups/0/members/0: an id was expected, 2 groups are named "TWICE": a.json /groups/0 and b.ndjson:7'
    )
    assert str(caught.value) == text


def test_a_resource_of_another_type_is_a_member_by_id_or_reference():
    """A Device is found where its type is known, and its own type tells it from others; it has no name."""
    entries = [
        Entry("/Devices", {"id": "d", "displayName": "Pump"}, "/resources/0"),
        Entry("/Groups", {"id": "g", "displayName": "G", "members": ["d", {"value": "Devices/d"}]}, "/groups/0"),
    ]
    types = {"/users": "User", "/groups": "Group", "/devices": "Device"}
    again = copy.deepcopy(entries)
    resolve_members(entries, types=types)
    assert entries[1].document["members"] == [{"value": "d", "type": "Device"}]
    again[1].document["members"] = ["Pump"]
    with pytest.raises(FixtureError, match='"Pump" is none here'):
        resolve_members(again, types=types)


def test_resolving_twice_changes_nothing():
    """What is resolved resolves to itself."""
    fixture = load("small")
    resolve_members(fixture.resources)
    before = copy.deepcopy(fixture)
    resolve_members(fixture.resources)
    assert fixture == before


def test_many_members_are_resolved_in_linear_time():
    """100,000 members take about ten times as long as 10,000; ten times that is left for a busy machine."""

    def seconds(count):
        entries = [Entry("/Users", {"id": str(n), "userName": f"user{n}"}, f"/users/{n}") for n in range(count)]
        members = [f"user{n}" for n in range(count)]
        entries.append(Entry("/Groups", {"id": "g", "displayName": "G", "members": members}, "/groups/0"))
        start = time.perf_counter()
        resolve_members(entries)
        return time.perf_counter() - start

    assert seconds(100_000) < 100 * min(seconds(10_000) for _ in range(3))
