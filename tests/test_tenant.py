"""A tenant's life: start, load, dump, reset; ids and versions that follow from the seed."""

import copy
import uuid

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockscim import fixtures, profiles
from mockscim.faults import FaultError
from mockscim.fixtures import FixtureError, parse
from mockscim.scim import urns
from mockscim.scim.errors import ScimError
from mockscim.tenant import Start, Tenant

BASE = "https://example.com/v2"
ENTERPRISE = urns.ENTERPRISE_USER
BUNDLED = [each.name for each in fixtures.bundled() if each.kind == "fixture"]
SMALL = {
    "users": [{"id": "u-1", "userName": "ann@example.com"}, {"userName": "bo@example.com"}],
    "groups": [{"id": "g-1", "displayName": "Engineering", "members": ["u-1", "bo@example.com"]}],
}


def read(document):
    return parse(orjson.dumps(document), "mine.json") if document is not None else None


def tenant(document=None, profile="standard", *, clock="virtual", seed=1, **switches):
    return Tenant("", Start(profiles.load(profile), read(document), seed=seed, clock=clock, **switches))


def ask(where, method, path, document=None, base=BASE, **parameters):
    call = where.service.route(method, path, base)
    where.service.read(call, parameters.items(), orjson.dumps(document) if document is not None else b"")
    reply = where.service.perform(call, where.clock.text())
    where.note(reply.changes, None)
    return orjson.loads(reply.body) if reply.body is not None else None


def create(where, name, **more):
    return ask(where, "POST", "/Users", {"schemas": [urns.USER], "userName": name, **more})


def listing(where, endpoint="/Users"):
    return ask(where, "GET", endpoint)["Resources"]


def history(where):
    return [(entry.change.operation, entry.change.id) for entry in where.history]


def failure(document, where=None, **options):
    """The pointer and the message with which a fixture is refused."""
    with pytest.raises(FixtureError) as caught:
        where.load(read(document), **{"merge": True, **options}) if where is not None else tenant(document)
    assert caught.value.source == "mine.json"
    return caught.value.where, caught.value.message


# --- start and seed ---


def test_a_tenant_without_fixture_is_empty():
    """Nothing is there but what a client makes."""
    empty = tenant()
    assert listing(empty) == []
    assert history(empty) == []
    assert create(empty, "ann@example.com")["meta"]["version"] == 'W/"1"'


def test_the_start_is_no_history():
    """What a tenant starts from was always there."""
    started = tenant(SMALL)
    assert len(listing(started)) == 2
    assert history(started) == []


def test_ids_follow_from_the_seed():
    """The same seed gives the same ids, to fixtures and to clients; another seed gives others."""

    def ids(seed):
        one = tenant(SMALL, seed=seed)
        made = [create(one, f"n{n}@example.com")["id"] for n in range(3)]
        return [user["id"] for user in listing(one)], made

    assert ids(7) == ids(7)
    assert ids(7) != ids(8)
    for made in ids(7)[1]:
        assert uuid.UUID(made).version == 4


def test_one_fixture_serves_many_tenants():
    """Reading in does not change what was read: each tenant gives its own ids."""
    fixture = read(SMALL)
    before = copy.deepcopy(fixture)
    one, two = (Tenant("", Start(profiles.load("standard"), fixture, seed=seed)) for seed in (1, 2))
    assert fixture == before
    assert [user["userName"] for user in listing(one)] == [user["userName"] for user in listing(two)]
    assert listing(one)[1]["id"] != listing(two)[1]["id"]


def test_meta_is_kept():
    """The created and lastModified of a fixture stay; what is not given is the tenant's time."""
    times = {"created": "2020-01-02T03:04:05Z", "lastModified": "2021-01-02T03:04:05.678+01:00"}
    fixture = {
        "users": [{"userName": "a", "meta": times}, {"userName": "b"}],
        "groups": [{"displayName": "g", "members": ["a"], "meta": times}],
    }
    started = tenant(fixture, clock="virtual:2030-01-01T00:00:00Z")
    (old, new), (group,) = listing(started), listing(started, "/Groups")
    assert {**old["meta"], **times} == old["meta"]
    assert {**group["meta"], **times} == group["meta"]
    assert new["meta"]["created"] == new["meta"]["lastModified"] == "2030-01-01T00:00:00.000Z"


@pytest.mark.parametrize("value", ["yesterday", "2020-01-02", '2020-01-02"03:04:05', 5, "2020-13-01T00:00:00Z", ["x"]])
def test_a_time_that_is_none_is_refused(value):
    """Times go out as they came in, so they must be dateTimes (RFC 7643 §2.3.5)."""
    where, _ = failure({"users": [{"userName": "a", "meta": {"created": value}}]})
    assert where == "/users/0/meta/created"


@pytest.mark.parametrize(
    "id_", ["a/b", "a b", 'a"b', "é", "x" * 256, "bulkId:1", "BULKID", ".", "..", ".search", "a%2e"]
)
def test_an_id_that_no_address_can_hold_is_refused(id_):
    """An id reads the same in a URL and in JSON, and is no path of the protocol; that of an account likewise."""
    assert failure({"users": [{"userName": "a", "id": id_}]})[0] == "/users/0/id"
    assert failure({"groups": [{"displayName": "a", "id": id_}]})[0] == "/groups/0/id"
    assert failure({"accounts": [{"userName": "a", "id": id_}]})[0] == "/accounts/0/id"
    with pytest.raises(ScimError) as caught:
        tenant().edit("POST", "Users", None, {"id": id_, "userName": "a"}, BASE)
    assert (caught.value.status, caught.value.scim_type) == (400, "invalidValue")


@pytest.mark.parametrize("id_", ["1", "a@example.com", "00u1", "a.b", "..a", "x" * 255, "~!$&'()*+,;=:", ".searcher"])
def test_an_id_of_ones_own_is_kept(id_):
    """Any id that a path segment can hold."""
    started = tenant({"users": [{"userName": "a", "id": id_}]})
    assert ask(started, "GET", f"/Users/{id_}")["id"] == id_


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({"users": [{"userName": "a"}, {"userName": "A"}]}, "/users/1"),
        ({"users": [{"userName": "a", "active": "perhaps"}]}, "/users/0"),
        ({"users": [{"displayName": "a"}]}, "/users/0"),
        ({"users": [{"id": "1", "userName": "a"}], "groups": [{"id": "1", "displayName": "g"}]}, "/groups/0/id"),
        ({"groups": [{"displayName": "g", "members": ["nobody"]}]}, "/groups/0/members/0"),
        ({"groups": [{"id": "g-1", "displayName": "g", "members": ["g-1"]}]}, "/groups/0/members"),
        ({"resources": {"/Devices": [{"id": "1"}]}}, "/resources/~1Devices/0"),
    ],
)
def test_what_cannot_be_is_named_with_its_place(document, where):
    """A fixture that does not fit stops the start, and the error points into the document."""
    assert failure(document)[0] == where


def test_an_unknown_endpoint_is_named_with_those_that_there_are():
    """A slip in an endpoint is no empty tenant."""
    _, message = failure({"resources": {"/Devices": [{"id": "1"}]}})
    assert message == "there is no endpoint /Devices (known: /Users, /Groups)"


# --- load ---


def test_load_replaces_all():
    """PUT fixture: what was there is gone, and the history tells both halves."""
    started = tenant(SMALL)
    old = [user["id"] for user in listing(started)]
    assert started.load(read({"users": [{"id": "u-9", "userName": "new@example.com"}]}), merge=False) == 1
    assert [user["id"] for user in listing(started)] == ["u-9"]
    assert listing(started, "/Groups") == []
    assert history(started) == [*(("delete", id_) for id_ in old), ("delete", "g-1"), ("create", "u-9")]


def test_load_merges():
    """POST fixture: what is there stays; a resource of the same id is replaced; members may be those present."""
    started = tenant(SMALL)
    more = {
        "users": [{"id": "u-1", "userName": "anna@example.com", "title": "Engineer"}, {"userName": "cy@example.com"}],
        "groups": [{"displayName": "Others", "members": ["cy@example.com", "u-1"]}],
    }
    assert started.load(read(more), merge=True) == 3
    assert [user["userName"] for user in listing(started)] == ["anna@example.com", "bo@example.com", "cy@example.com"]
    assert [len(group["members"]) for group in listing(started, "/Groups")] == [2, 2]
    assert ("update", "u-1") in history(started)


def test_loading_the_same_again_changes_nothing():
    """A merge of what is there is no change: versions, times and history stay."""
    started = tenant(SMALL)
    before = listing(started), listing(started, "/Groups")
    started.clock.advance(60)
    started.load(read(started.dump()), merge=True)
    assert (listing(started), listing(started, "/Groups")) == before
    assert history(started) == []


@pytest.mark.parametrize("merge", [True, False])
def test_a_refused_load_changes_nothing(merge):
    """All or nothing: data, versions, the ids to come, memberships and history are as if it had not been tried."""
    started, twin = tenant(SMALL), tenant(SMALL)
    bad = {
        "users": [{"userName": "x@example.com"}, {"id": "u-1", "userName": "changed@example.com"}],
        "groups": [{"displayName": "n", "members": ["x@example.com"]}],
        "accounts": [{"userName": "y@example.com"}, {"userName": "z@example.com", "active": "perhaps"}],
    }
    assert failure(bad, started, merge=merge)[0] == "/accounts/1"
    assert started.dump() == twin.dump()
    assert history(started) == []
    assert ask(started, "GET", "/Users/u-1")["groups"] == ask(twin, "GET", "/Users/u-1")["groups"]
    assert create(started, "n@example.com") == create(twin, "n@example.com")


def test_snapshots_outlive_a_refused_load():
    """A named snapshot still restores after a load that failed and one that did not."""
    started = tenant(SMALL)
    before = started.dump()
    started.store.snapshot("mine")
    failure({"users": [{"userName": "x"}, {"userName": "X"}]}, started, merge=False)
    started.load(read({"users": [{"userName": "other"}]}), merge=False)
    started.store.restore("mine")
    assert started.dump() == before


def test_versions_are_never_used_twice():
    """A version names one state of one resource, across loads and restores."""
    started = tenant(SMALL)
    seen = set()
    started.store.snapshot("s")
    for step in range(4):
        if step % 2:
            started.store.restore("s")
        else:
            started.load(read({"users": [{"id": "u-1", "userName": f"v{step}@example.com"}]}), merge=False)
        user = ask(started, "GET", "/Users/u-1")
        assert user["meta"]["version"] not in seen
        seen.add(user["meta"]["version"])


# --- reset ---


def test_reset_returns_to_the_start():
    """Data, versions, times, ids to come, clock, history and rules: all as at the start."""
    started = tenant(SMALL, faults=({"name": "f", "type": "drop"},))
    before = listing(started), listing(started, "/Groups")
    first = create(started, "n1@example.com")
    ask(started, "DELETE", "/Users/u-1")
    started.load(read({"users": [{"userName": "other"}]}), merge=False)
    started.store.snapshot("later")
    started.clock.advance(3600)
    started.faults.clear()
    started.reset()
    assert [rule.name for rule in started.faults.rules()] == ["f"]
    assert (listing(started), listing(started, "/Groups")) == before
    assert history(started) == []
    assert started.clock.text() == "2026-01-01T00:00:00.000Z"
    assert not started.store.has_snapshot("later")
    assert create(started, "n1@example.com") == first
    started.reset()
    assert (listing(started), listing(started, "/Groups")) == before


def test_reset_cuts_what_waits():
    """What is in flight ends, and its commit no longer counts: the generation moves on."""
    started = tenant()
    cuts = []
    started.cuts.add(lambda: cuts.append("cut"))
    generation = started.generation
    started.reset()
    assert cuts == ["cut"]
    assert started.generation == generation + 1


def test_edits_behind_the_clients_back_are_in_the_history():
    """POST, PATCH and DELETE of the control API take ids and every leniency."""
    started = tenant(SMALL, strict=True)
    started.edit("POST", "User", None, {"id": "mine", "userName": "x"}, BASE)
    patch = {"Operations": [{"op": "Replace", "path": "active", "value": "False"}]}
    started.edit("PATCH", "Users", "mine", patch, BASE)
    started.edit("DELETE", "Users", "mine", None, BASE)
    assert history(started) == [("create", "mine"), ("update", "mine"), ("delete", "mine")]
    for method, kind, id_, status in (("DELETE", "Users", "mine", 404), ("POST", "Robots", None, 404)):
        with pytest.raises(ScimError) as caught:
            started.edit(method, kind, id_, {}, BASE)
        assert caught.value.status == status
    with pytest.raises(ScimError) as caught:
        started.edit("POST", "Users", None, {"id": "g-1", "userName": "y"}, BASE)
    assert caught.value.status == 409


# --- dump and load ---


def test_a_dump_has_no_passwords():
    """Neither those of users nor those of accounts outside."""
    users, accounts = [{"userName": "ann", "password": "hunter2-a"}], [{"userName": "eve", "password": "hunter2-b"}]
    dumped = tenant({"users": users, "accounts": accounts}).dump()
    assert [each["userName"] for each in dumped["users"] + dumped["accounts"]] == ["ann", "eve"]
    assert "hunter2" not in str(dumped)


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_fixture_dumps_to_itself(name):
    """What comes out loads to the same state, by start and by load."""
    fixture = fixtures.load_bundled(name)
    first = Tenant("", Start(profiles.load(fixture.profile or "standard"), fixture, seed=3, clock="virtual"))
    document = first.dump()
    again = tenant(document, fixture.profile or "standard", clock="virtual:2040-01-01T00:00:00Z")
    assert again.dump() == document
    again.load(read(document), merge=False)
    assert again.dump() == document
    assert parse(fixtures.render(document), "mine.json") == read(document)


_NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
_USER = st.fixed_dictionaries(
    {},
    optional={
        "displayName": _NAMES,
        "active": st.booleans(),
        "externalId": _NAMES,
        "name": st.fixed_dictionaries({"givenName": _NAMES}),
        "emails": st.lists(
            st.fixed_dictionaries({"value": _NAMES}, optional={"type": st.sampled_from(["work", "home"])}), max_size=3
        ),
        ENTERPRISE: st.fixed_dictionaries(
            {"department": _NAMES}, optional={"manager": st.fixed_dictionaries({"value": st.just("u-0")})}
        ),
    },
)


@st.composite
def _directories(draw):
    """Up to five users and four groups that are members of one another, circles included."""
    users = draw(st.lists(_USER, max_size=5))
    count = draw(st.integers(0, 4))
    known = [f"u-{n}" for n in range(len(users))] + [f"g-{n}" for n in range(count)]
    groups = []
    for n in range(count):
        others = [id_ for id_ in known if id_ != f"g-{n}"]
        members = draw(st.lists(st.sampled_from(others), unique=True)) if others else []
        shown = draw(st.none() | _NAMES)
        listed = [{"value": id_, "display": shown} if shown is not None else id_ for id_ in members]
        groups.append({"id": f"g-{n}", "displayName": f"Group {n}", "members": listed})
    return {
        "users": [{"id": f"u-{n}", "userName": f"user{n}@example.com", **user} for n, user in enumerate(users)],
        "groups": groups,
    }


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_directories())
def test_a_dump_loads_to_the_same_state(directory):
    """For any small directory: the dump's dump is the dump, and a client sees the same but for versions."""
    first = tenant(directory)
    document = first.dump()
    second = tenant(document, clock="virtual:2040-01-01T00:00:00Z")
    assert second.dump() == document
    for endpoint in ("/Users", "/Groups"):
        shown = [
            [{**each, "meta": {**each["meta"], "version": None}} for each in listing(one, endpoint)]
            for one in (first, second)
        ]
        assert shown[0] == shown[1]


def test_members_of_unknown_ids_survive_a_dump():
    """What unknown-member let in comes out and goes in again."""
    started = tenant(SMALL, accept=("unknown-member",))
    add = {
        "schemas": [urns.PATCH_OP],
        "Operations": [{"op": "add", "path": "members", "value": [{"value": "later"}]}],
    }
    ask(started, "PATCH", "/Groups/g-1", add)
    document = started.dump()
    assert [member["value"] for member in document["groups"][0]["members"]][-1] == "later"
    again = tenant(document, accept=("unknown-member",))
    assert again.dump() == document


# --- schemas that come along ---

DEVICE, RACK, WARRANTY = "urn:example:schemas:Device", "urn:example:schemas:Rack", "urn:example:schemas:Warranty"


def _reference(types):
    return [
        {"name": "value", "type": "string", "mutability": "immutable"},
        {"name": "$ref", "type": "reference", "referenceTypes": types, "mutability": "immutable"},
        {"name": "type", "type": "string", "mutability": "immutable"},
    ]


MACHINES = {
    "schemas": [
        {
            "id": DEVICE,
            "name": "Device",
            "attributes": [
                {"name": "serial", "type": "string", "required": True, "caseExact": True, "uniqueness": "server"},
                {
                    "name": "owner",
                    "type": "complex",
                    "subAttributes": [
                        {"name": "value", "type": "string"},
                        {"name": "$ref", "type": "reference", "referenceTypes": ["User"], "mutability": "readOnly"},
                    ],
                },
                {"name": "retired", "type": "boolean"},
            ],
        },
        {
            "id": RACK,
            "name": "Rack",
            "attributes": [
                {"name": "displayName", "type": "string"},
                {"name": "slots", "type": "complex", "multiValued": True, "subAttributes": _reference(["Device"])},
            ],
        },
        {"id": WARRANTY, "name": "Warranty", "attributes": [{"name": "until", "type": "dateTime"}]},
    ],
    "resourceTypes": [
        {
            "id": "Device",
            "name": "Device",
            "endpoint": "/Devices",
            "schema": DEVICE,
            "schemaExtensions": [{"schema": WARRANTY, "required": False}],
        },
        {"id": "Rack", "name": "Rack", "endpoint": "/Racks", "schema": RACK},
    ],
    "users": [{"id": "u-1", "userName": "ann@example.com"}],
    "resources": {
        "/Racks": [{"id": "r-1", "displayName": "North", "slots": [{"value": "d-1"}]}],
        "/Devices": [
            {"id": "d-1", "serial": "S1", "owner": {"value": "u-1"}, WARRANTY: {"until": "2030-01-01T00:00:00Z"}},
            {"id": "d-2", "serial": "S2"},
        ],
    },
}


def test_a_type_of_ones_own_is_served_as_the_others():
    """Create, filter, uniqueness, extension, discovery: the schema is all it takes."""
    started = tenant(MACHINES, strict=True)
    device = ask(started, "GET", "/Devices/d-1")
    assert device["schemas"] == [DEVICE, WARRANTY]
    assert [each["id"] for each in ask(started, "GET", "/Devices", filter='serial eq "S2"')["Resources"]] == ["d-2"]
    with pytest.raises(ScimError) as caught:
        ask(started, "POST", "/Devices", {"schemas": [DEVICE], "serial": "S1"})
    assert caught.value.status == 409
    types = [each["name"] for each in ask(started, "GET", "/ResourceTypes")["Resources"]]
    assert types == ["User", "Group", "Device", "Rack"]
    assert ask(started, "GET", f"/Schemas/{RACK}")["name"] == "Rack"


def test_a_reference_of_a_type_of_ones_own_is_linked():
    """$ref of a reference follows from its value and the base URL that was called."""
    started = tenant(MACHINES)
    owner = ask(started, "GET", "/Devices/d-1", base="https://other.example/x")["owner"]
    assert owner == {"value": "u-1", "$ref": "https://other.example/x/Users/u-1"}


def test_a_set_of_references_keeps_its_name():
    """An attribute shaped like members is kept like members, under its own name."""
    started = tenant(MACHINES)
    rack = ask(started, "GET", "/Racks/r-1")
    assert rack["slots"] == [{"value": "d-1", "$ref": f"{BASE}/Devices/d-1", "type": "Device"}]
    assert "members" not in rack
    add = {"op": "add", "path": "slots", "value": [{"value": "d-2"}]}
    patched = ask(started, "PATCH", "/Racks/r-1", {"schemas": [urns.PATCH_OP], "Operations": [add]}, attributes="slots")
    assert [slot["value"] for slot in patched["slots"]] == ["d-1", "d-2"]
    found = ask(started, "GET", "/Racks", filter='slots[value eq "d-2"]')
    assert found["totalResults"] == 1
    ask(started, "DELETE", "/Devices/d-1")
    assert [slot["value"] for slot in ask(started, "GET", "/Racks/r-1")["slots"]] == ["d-2"]
    assert "slots" not in ask(started, "GET", "/Racks/r-1", excludedAttributes="slots")


def test_a_dump_brings_its_schemas_along():
    """The document stands for itself: it starts a tenant, and loads into one of the same types."""
    started = tenant(MACHINES)
    document = started.dump()
    again = tenant(document)
    assert again.dump() == document
    again.load(read(document), merge=False)
    assert again.dump() == document


def test_schemas_come_with_the_start_only():
    """A running tenant takes no new types, and says what to do."""
    started = tenant(SMALL)
    before = started.dump()
    _, message = failure(MACHINES, started, merge=True)
    assert message == "schemas and resourceTypes come with the start; PUT the tenant instead"
    moved = {**MACHINES, "resourceTypes": [{**MACHINES["resourceTypes"][0], "endpoint": "/Machines"}], "resources": {}}
    failure(moved, tenant(MACHINES), merge=True)
    assert started.dump() == before


@pytest.mark.parametrize(
    "change",
    [
        {"schemas": [{"id": DEVICE, "attributes": [{"name": "x", "type": "float"}]}]},
        {"resourceTypes": [{"name": "Device", "endpoint": "/Devices", "schema": "urn:example:none"}]},
        {"resourceTypes": [{"name": "Other", "endpoint": "/users", "schema": DEVICE}]},
        {"resourceTypes": [{"name": "User", "endpoint": "/Others", "schema": DEVICE}]},
        {"resourceTypes": [{"name": "Device", "endpoint": "/a/b", "schema": DEVICE}]},
    ],
)
def test_a_schema_that_cannot_be_stops_the_start(change):
    """An error of the fixture, not of the server."""
    failure({**MACHINES, "resources": {}, **change})


# --- size ---


def test_ten_thousand_users_load_reset_and_dump():
    """Nothing is lost at a size that a test suite may use."""
    count = 10_000
    users = [{"id": f"u{n}", "userName": f"user{n}@example.com"} for n in range(count)]
    groups = [{"id": "all", "displayName": "All", "members": [f"u{n}" for n in range(count)]}]
    started = tenant({"users": users, "groups": groups})
    assert ask(started, "GET", "/Users", filter='userName eq "USER9999@example.com"')["totalResults"] == 1
    ask(started, "DELETE", "/Users/u5000")
    assert len(ask(started, "GET", "/Groups/all")["members"]) == count - 1
    started.reset()
    group = ask(started, "GET", "/Groups/all")
    assert [member["value"] for member in group["members"]] == [f"u{n}" for n in range(count)]
    assert ask(started, "GET", "/Users", count="0")["totalResults"] == count
    assert len(started.dump()["users"]) == count


def test_a_new_id_is_one_that_nobody_has():
    """A dump reloaded with the seed it was made with: what is created gets ids of its own."""
    first = Tenant("", Start(profiles.load("segment"), fixtures.load("segment-workspace")))
    again = Tenant("", Start(profiles.load("segment"), parse(orjson.dumps(first.dump()))))
    before = {record.id for record in again.store.tables["User"]}
    for number in range(20):
        reply = again.edit("POST", "User", None, {"userName": f"new{number}@example.com"}, "http://localhost")
        assert reply.resource.id not in before
        before.add(reply.resource.id)
    assert len(again.store.tables["User"]) == len(before) == 28


def test_a_generated_id_avoids_those_that_the_fixture_gives():
    """A user without an id, and one after it with just the id that the first would get."""
    alone = Tenant("", Start(profiles.load("standard"), parse(b'{"users": [{"userName": "a"}]}')))
    [taken] = alone.store.tables["User"].records
    fixture = {"users": [{"userName": "a"}, {"id": taken, "userName": "b"}]}
    both = Tenant("", Start(profiles.load("standard"), parse(orjson.dumps(fixture))))
    assert len(both.store.tables["User"]) == 2


def test_an_id_given_twice_is_a_mistake():
    """The second one is named; nobody is lost in silence."""
    fixture = {"users": [{"id": "1", "userName": "a"}, {"id": "1", "userName": "b"}]}
    with pytest.raises(FixtureError, match="given twice") as caught:
        Tenant("", Start(profiles.load("standard"), parse(orjson.dumps(fixture))))
    assert caught.value.where == "/users/1/id"


def test_a_misspelt_attribute_of_a_fixture_is_a_mistake():
    """What a client's slip would be tolerated for, a fixture is refused for, with its place."""
    fixture = {"users": [{"userName": "a", "dispalyName": "A"}]}
    with pytest.raises(FixtureError, match="dispalyName") as caught:
        Tenant("", Start(profiles.load("standard"), parse(orjson.dumps(fixture))))
    assert caught.value.where == "/users/0"


@pytest.mark.parametrize("operation", ["usr.create", ["user.create", "users.create"]])
def test_a_rule_about_a_resource_that_is_not_here_is_refused(operation):
    """A slip in the name of a resource would be a fault that never strikes."""
    rule = {"type": "reset", "match": {"operation": operation}}
    with pytest.raises(FaultError, match=r"did you mean 'user.create'.*group, me, root, token, user before") as caught:
        Tenant("", Start(profiles.load("standard"), faults=(rule,)))
    assert caught.value.pointer == "/0/match/operation"
    with pytest.raises(FaultError) as caught:
        Tenant("", Start(profiles.load("standard"))).check_operations(rule)
    assert caught.value.pointer == "/match/operation"


def test_a_rule_may_be_about_a_type_that_a_fixture_brings():
    """What counts are the types that the tenant has, and globs."""
    tenant = Tenant("", Start(profiles.load("standard")))
    tenant.check_operations([{"match": {"operation": ["u*.create", "*", "group.*", "discovery.get"]}}])


def test_a_fixture_may_extend_a_type_that_is_here():
    """The User of the profile gets the fixture's extension beside its own; the dump loads again."""
    urn = "urn:example:params:scim:schemas:extension:badge:2.0:User"
    fixture = {
        "schemas": [{"id": urn, "attributes": [{"name": "badge", "type": "string"}]}],
        "resourceTypes": [
            {"name": "User", "endpoint": "/Users", "schema": urns.USER, "schemaExtensions": [{"schema": urn}]}
        ],
        "users": [{"userName": "a", urn: {"badge": "7"}, urns.ENTERPRISE_USER: {"department": "D"}}],
    }
    tenant = Tenant("", Start(profiles.load("standard"), parse(orjson.dumps(fixture))))
    dumped = tenant.dump()
    [user] = dumped["users"]
    assert (user[urn], user[urns.ENTERPRISE_USER]) == ({"badge": "7"}, {"department": "D"})
    tenant.load(parse(fixtures.render(dumped)), merge=False)
    assert tenant.dump() == dumped
