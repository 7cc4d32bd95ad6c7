"""Large NDJSON fixtures: read where they are, and to the same state as if they were read whole."""

import gc

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockscim import fixtures, profiles
from mockscim.fixtures import FixtureError, LineEntries, reader
from mockscim.scim import urns
from mockscim.tenant import Start, Tenant

CLOCK = "virtual:2026-01-01T00:00:00Z"


@pytest.fixture(autouse=True)
def low(monkeypatch):
    """Every fixture is large."""
    monkeypatch.setattr(reader, "LARGE", 1)


def tenant(found, profile="standard", **options):
    return Tenant("", Start(profiles.load(profile), found, clock=CLOCK, **options))


def whole(data, source="f.ndjson"):
    """The fixture as a small one is read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "LARGE", 10**9)
        return fixtures.parse(data, source)


def state(one):
    """All that a tenant holds, with versions and places."""
    tables = [*one.store.tables.values(), one.store.accounts]
    records = [
        (r.id, r.type.name, r.seq, r.version, r.created, r.modified, r.body, [*(r.members or ())], r.secrets)
        for table in tables
        for r in table
    ]
    return records, one.store.counters, [table.unique for table in tables], one.dump()


def user(number, **more):
    return {"schemas": [urns.USER], "id": f"u{number}", "userName": f"user{number}", **more}


def lines(*documents):
    return b"\n".join(each if isinstance(each, bytes) else orjson.dumps(each) for each in documents) + b"\n"


PLAIN = st.fixed_dictionaries(
    {},
    optional={
        "title": st.sampled_from(["", "x", "é", '"']) | st.none(),
        "active": st.booleans() | st.just("true"),
        "password": st.just("secret"),
        "emails": st.lists(st.fixed_dictionaries({"value": st.sampled_from("ab")}), max_size=2),
        "name": st.fixed_dictionaries({}, optional={"familyName": st.just("F")}),
        "meta": st.sampled_from([{}, {"created": "2020-01-01T00:00:00Z"}, {"resourceType": "User"}]),
        urns.ENTERPRISE_USER: st.fixed_dictionaries({}, optional={"manager": st.just({"value": "u0"})}),
    },
)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(PLAIN, min_size=1, max_size=8),
    st.sets(st.integers(0, 9), max_size=3),
    st.sampled_from(["standard", "segment"]),
)
def test_a_large_fixture_loads_to_the_same_state(people, members, profile):
    """Line by line or whole: the same resources, bytes, versions, members; whatever is plain in it, and what not."""
    documents = [user(number, **more) for number, more in enumerate(people)]
    known = [f"user{number}" for number in members if number < len(people)]
    group = {"schemas": [urns.GROUP], "id": "g", "displayName": "G", "members": [{"value": name} for name in known]}
    data = lines(group, *documents)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "LARGE", 1)
        found = fixtures.parse(data, "f.ndjson")
    assert isinstance(found.resources, LineEntries)
    slow = whole(data)
    try:
        expected = state(tenant(slow, profile))
    except FixtureError:
        with pytest.raises(FixtureError):
            tenant(found, profile)
        return
    records, (_, seq), unique, dump = state(tenant(found, profile))
    assert dump == expected[3]
    assert (records, seq, unique) == (expected[0], expected[1][1], expected[2])
    assert [entry.document for entry in found.resources] == [entry.document for entry in whole(data).resources]


def test_a_file_is_left_where_it_is(tmp_path):
    """Nothing of it is kept but its name: other tenants read it again, and a changed one is refused."""
    path = tmp_path / "many.ndjson"
    path.write_bytes(b"\xef\xbb\xbf" + lines(*(user(n) for n in range(300))))
    found = fixtures.load(path)
    assert isinstance(found.resources, LineEntries)
    assert len(found.resources) == 300
    first, second = tenant(found), tenant(found, strict=True)
    assert state(first)[3] == state(second)[3]
    path.write_bytes(lines(user(1)))
    with pytest.raises(FixtureError, match="changed since"):
        tenant(found)
    path.unlink()
    with pytest.raises(FixtureError, match="No such file"):
        tenant(found)


@pytest.mark.parametrize(
    ("line", "where", "words"),
    [
        (b'{"schemas":["%b"],"id":"x","userName":"x",}', "3:", "not JSON"),
        (b'{"schemas":["%b"],"id":"x","userName":"\xff"}', "3:", "UTF-8"),
        (b'{"schemas":["%b"],"id":"x"}', "3", "userName is required"),
        (b'{"schemas":["%b"],"id":"x","userName":" "}', "3", "userName is required"),
        (b'{"schemas":["%b"],"id":"x","userName":"USER1"}', "3", "taken by another"),
        (b'{"schemas":["%b"],"id":"u1","userName":"x"}', "3/id", "given twice"),
        (b'{"schemas":["%b"],"id":"x y","userName":"x"}', "3/id", "letters, digits"),
        (b'{"schemas":["%b"],"id":"x","userName":7}', "3/userName", "a text was expected"),
        (b'{"schemas":["%b"],"id":"x","userName":"x","active":"perhaps"}', "3", "active"),
        (b'{"schemas":["%b"],"id":"x","userName":"x","nonsense":1}', "3", "nonsense"),
        (b'{"schemas":["%b"],"id":"x","userName":"x","meta":{"created":"now"}}', "3/meta/created", "now"),
        (b'{"schemas":["urn:nobody"],"id":"x","userName":"x"}', "3/schemas/0", "urn:nobody"),
        (b'{"userName":"x"}', "3", "schemas"),
        (b'{"schemas":["%b"],"id":"x","userName":"x","displa\xffyName":null}', "3", ""),
        (b"[]", "3", "an object was expected"),
    ],
)
def test_a_broken_line_is_named(line, where, words):
    """Whatever is wrong with a line, the error has its number, and is the one that a small fixture would give."""
    data = lines(user(0), user(1), line.replace(b"%b", urns.USER.encode()), user(2))
    with pytest.raises(FixtureError) as caught:
        tenant(fixtures.parse(data, "f.ndjson"))
    assert caught.value.where.startswith(where)
    assert words in str(caught.value)
    with pytest.raises(FixtureError) as expected:
        tenant(whole(data))
    assert (caught.value.where, caught.value.message) == (expected.value.where, expected.value.message)


def test_lines_that_are_no_plain_resources_make_it_one_that_is_read_whole():
    """Pages of a saved list, schemas, and resources without an id: all of it is there."""
    page = {"schemas": [urns.LIST_RESPONSE], "totalResults": 1, "Resources": [user(7)]}
    found = fixtures.parse(lines(user(0), page, {"schemas": [urns.USER], "userName": "nameless"}), "f.ndjson")
    assert not isinstance(found.resources, LineEntries)
    assert len(tenant(found).store.tables["User"]) == 3


def test_a_reset_returns_to_a_large_fixture():
    """What was there is there again, in its versions."""
    one = tenant(fixtures.parse(lines(*(user(n) for n in range(50))), "f.ndjson"))
    before = state(one)
    one.edit("DELETE", "User", "u7", None, "")
    one.edit("PATCH", "User", "u8", {"Operations": [{"op": "replace", "path": "title", "value": "t"}]}, "")
    one.edit("POST", "User", None, {"schemas": [urns.USER], "userName": "new"}, "")
    one.reset()
    assert state(one)[0] == before[0]
    assert state(one)[3] == before[3]


def test_the_collector_goes_on_after_loading():
    """It is stopped while a large fixture loads, and only then; a record is none of its business."""
    assert gc.isenabled()
    one = tenant(fixtures.parse(lines(user(0)), "f.ndjson"))
    assert gc.isenabled()
    with pytest.raises(FixtureError):
        tenant(fixtures.parse(lines(user(0), user(0)), "f.ndjson"))
    assert gc.isenabled()
    assert not gc.is_tracked(one.store.tables["User"].records["u0"])
