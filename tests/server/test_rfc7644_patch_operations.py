"""RFC 7644 §3.5.2.1 to §3.5.2.3: add, remove and replace."""

import pytest
from edge import USER, assert_scim_error
from rfc import (
    ANN,
    ENTERPRISE,
    GROUPS,
    HOME,
    OTHER,
    RACK,
    USERS,
    WORK,
    a_box,
    a_person,
    add,
    created,
    found,
    patch,
    patched,
    remove,
    replace,
    values,
)


@pytest.fixture
def zed(strict):
    """The path of a user with some of everything."""
    return a_person(strict)


@pytest.fixture
def box(devices):
    """The path of a device whose immutable attributes have values, but for the room."""
    return a_box(devices)


# -- add (§3.5.2.1) --------------------------------------------------------------------------------------------


@pytest.mark.rfc("3.5.2.1-1")
@pytest.mark.parametrize("operation", [{"op": "add", "path": "title"}, {"op": "add"}])
def test_add_without_a_value(strict, operation):
    """An add has a value."""
    assert_scim_error(patch(strict, ANN, operation), 400, "invalidValue")


@pytest.mark.rfc("3.5.2.1-2")
def test_add_to_a_complex_attribute(strict, zed):
    """Sub-attributes are added to a complex attribute, beside those it has."""
    after = patched(strict, zed, add("name", {"middleName": "X", "givenName": "Q"}))
    assert after["name"] == {"givenName": "Q", "familyName": "Young", "middleName": "X"}
    assert_scim_error(patch(strict, zed, add("name", "X")), 400, "invalidValue")


SAME = [
    add("title", "Lead"),
    add("name.givenName", "Zed"),
    add("name", {"givenName": "Zed"}),
    add("emails", [HOME]),
    add("emails", [HOME, WORK]),
    add(f"{ENTERPRISE}:department", "Engineering"),
    add(None, {"title": "Lead", "emails": [WORK]}),
]


@pytest.mark.rfc("3.5.2.1-3", "3.5.2.1-4", "3.5.2.1-5")
@pytest.mark.parametrize("operation", SAME)
def test_add_what_is_there(serve, operation):
    """Adding what is there succeeds and changes nothing, lastModified and version among it, however late."""
    server = serve(strict=True, clock="virtual")
    made = created(
        server.client,
        userName="zed@example.com",
        title="Lead",
        name={"givenName": "Zed"},
        emails=[WORK, HOME],
        **{ENTERPRISE: {"department": "Engineering"}},
    )
    path = f"{USERS}/{made['id']}"
    assert server.admin.post("/_mockscim/clock/advance", json={"by": "1h"}).status_code == 200
    assert patched(server.client, path, operation) == made
    assert server.client.get(path).json() == made


@pytest.mark.rfc("3.5.2.1-3", "3.5.2.1-4", "3.5.2.1-5")
def test_add_who_is_a_member(serve):
    """Adding a member to its group succeeds and changes nothing; with one more, that one is added."""
    server = serve(strict=True, clock="virtual")
    path = f"{GROUPS}/g-1"
    before = server.client.get(path).json()
    server.admin.post("/_mockscim/clock/advance", json={"by": "1h"})
    assert patched(server.client, path, add("members", [{"value": "u-1"}])) == before
    after = patched(server.client, path, add("members", [{"value": "u-1"}, {"value": "u-4"}]))
    assert values(after, "members") == ["u-1", "u-3", "u-5", "u-4"]
    assert after["meta"]["lastModified"] > before["meta"]["lastModified"]


@pytest.mark.rfc("3.5.2.1-a")
def test_add_without_path(strict, zed):
    """Without a path the attributes of the value are added: appended, merged or set, as each is."""
    value = {"emails": [OTHER], "nickName": "Z", "name": {"middleName": "X"}, "title": "Boss"}
    after = patched(strict, zed, add(None, value))
    assert values(after) == ["work@example.com", "home@example.com", "other@example.com"]
    assert (after["nickName"], after["title"], after["name"]["givenName"]) == ("Z", "Boss", "Zed")
    assert after["name"]["middleName"] == "X"


@pytest.mark.rfc("3.5.2.1-b")
def test_add_appends(strict, zed):
    """Values are added behind those of a multi-valued attribute, which stay as they are."""
    assert patched(strict, zed, add("emails", [OTHER]))["emails"] == [WORK, HOME, OTHER]


@pytest.mark.rfc("3.5.2.1-c")
def test_add_replaces_a_single_value(strict, zed):
    """An add to a single-valued attribute sets it, at the top, inside and in an extension."""
    after = patched(strict, zed, add("title", "A"), add("name.givenName", "B"), add(f"{ENTERPRISE}:department", "C"))
    assert (after["title"], after["name"]["givenName"], after[ENTERPRISE]["department"]) == ("A", "B", "C")


@pytest.mark.rfc("3.5.2.1-d")
def test_add_where_nothing_is(strict):
    """An add to an attribute without a value sets it, of any kind."""
    after = patched(
        strict,
        ANN,
        add("title", "T"),
        add("phoneNumbers", [{"value": "1"}]),
        add(f"{ENTERPRISE}:manager", {"value": "u-2"}),
    )
    assert (after["title"], values(after, "phoneNumbers")) == ("T", ["1"])
    assert after[ENTERPRISE]["manager"]["value"] == "u-2"


# -- remove (§3.5.2.2) -----------------------------------------------------------------------------------------


def assert_unassigned(client, path, attribute):
    """The attribute is neither shown nor found by pr."""
    assert attribute not in client.get(path).json()
    kind, _, id_ = path.rpartition("/")
    assert found(client, f'id eq "{id_}" and {attribute} pr', kind) == []


@pytest.mark.rfc("3.5.2.2-1")
@pytest.mark.parametrize("name", ["title", "name"])
def test_remove_a_single_value(strict, zed, name):
    """A single-valued attribute is unassigned by remove."""
    patched(strict, zed, remove(name))
    assert_unassigned(strict, zed, name)


@pytest.mark.rfc("3.5.2.2-1")
def test_remove_from_an_extension(strict, zed):
    """So is one of an extension; without any, the extension is gone from schemas."""
    after = patched(strict, zed, remove(f"{ENTERPRISE}:department"))
    assert ENTERPRISE not in after
    assert after["schemas"] == [USER]


@pytest.mark.rfc("3.5.2.2-2")
def test_remove_all_values(strict, zed):
    """A multi-valued attribute is unassigned by remove without a filter."""
    patched(strict, zed, remove("emails"))
    assert_unassigned(strict, zed, "emails")


@pytest.mark.rfc("3.5.2.2-2")
def test_remove_all_members(strict):
    """A group loses all members, and they the group."""
    patched(strict, f"{GROUPS}/g-1", remove("members"))
    assert_unassigned(strict, f"{GROUPS}/g-1", "members")
    assert "groups" not in strict.get(f"{USERS}/u-3").json()


@pytest.mark.rfc("3.5.2.2-b")
@pytest.mark.parametrize(
    ("path", "left"),
    [
        ('emails[value eq "home@example.com"]', [WORK]),
        ('emails[type eq "work" and value ew "example.com"]', [HOME]),
        ("emails[primary eq true]", [HOME]),
        ('EMAILS[Type EQ "HOME"]', [WORK]),
    ],
)
def test_remove_some(strict, zed, path, left):
    """Values that the filter matches go, others stay."""
    assert patched(strict, zed, remove(path))["emails"] == left


@pytest.mark.rfc("3.5.2.2-b")
def test_remove_a_member(strict):
    """A member is removed by a filter on its value."""
    after = patched(strict, f"{GROUPS}/g-1", remove('members[value eq "u-3"]'))
    assert values(after, "members") == ["u-1", "u-5"]


@pytest.mark.rfc("3.5.2.2-3", "3.5.2.2-5")
@pytest.mark.parametrize("filter_", ['value ew "example.com"', 'type eq "work" or type eq "home"', "type pr"])
def test_remove_the_last(strict, zed, filter_):
    """When no value is left, the attribute is unassigned."""
    patched(strict, zed, remove(f"emails[{filter_}]"))
    assert_unassigned(strict, zed, "emails")


@pytest.mark.rfc("3.5.2.2-3")
def test_remove_the_last_member(strict):
    """A group without its last member has no members."""
    patched(strict, f"{GROUPS}/g-1", *(remove(f'members[value eq "u-{n}"]') for n in (1, 3, 5)))
    assert_unassigned(strict, f"{GROUPS}/g-1", "members")


@pytest.mark.rfc("3.5.2.2-4")
def test_remove_a_sub_attribute(strict, zed):
    """A sub-attribute of the values selected is unassigned; the rest of them stays."""
    after = patched(strict, zed, remove('addresses[type eq "work"].country'), remove("name.familyName"))
    assert after["addresses"] == [{"type": "work", "locality": "Bergen"}, {"type": "home", "locality": "Oslo"}]
    assert after["name"] == {"givenName": "Zed"}
    assert found(strict, 'userName sw "zed" and addresses.country pr') == []


@pytest.mark.rfc("3.5.2.2-5")
def test_remove_the_last_sub_attribute(strict, zed):
    """A complex attribute whose last sub-attribute is removed is unassigned."""
    patched(strict, zed, remove("name.familyName"), remove("name.givenName"))
    assert_unassigned(strict, zed, "name")


@pytest.mark.rfc("3.5.2.2-6")
@pytest.mark.parametrize(
    ("path", "attribute"),
    [
        (ANN, "userName"),
        (ANN, "id"),
        (ANN, "meta"),
        (ANN, "groups"),
        (ANN, "meta.created"),
        (f"{GROUPS}/g-1", "displayName"),
    ],
)
def test_remove_what_must_stay(strict, path, attribute):
    """A required or readOnly attribute cannot be removed: 400 mutability."""
    before = strict.get(path).json()
    assert_scim_error(patch(strict, path, remove(attribute)), 400, "mutability")
    assert strict.get(path).json() == before


@pytest.mark.rfc("3.5.2.2-6")
def test_remove_a_required_sub_attribute(devices, box):
    """Nor can a required sub-attribute, while the attribute has another; nor a required one of an extension."""
    for path in ("case.colour", f"{RACK}:state"):
        assert_scim_error(patch(devices, box, remove(path)), 400, "mutability")


# -- replace (§3.5.2.3) ----------------------------------------------------------------------------------------


@pytest.mark.rfc("3.5.2.3-1")
def test_replace_without_path(strict, zed):
    """Without a path each attribute of the value is replaced, and no other."""
    before = strict.get(zed).json()
    after = patched(strict, zed, replace(None, {"emails": [OTHER], "title": "Boss"}))
    same = {key: value for key, value in before.items() if key not in ("emails", "title", "meta")}
    assert after == {**same, "emails": [OTHER], "title": "Boss", "meta": after["meta"]}


@pytest.mark.rfc("3.5.2.3-1")
@pytest.mark.parametrize("value", ["x", 7, None, True, [{"title": "x"}]])
def test_replace_without_path_and_attributes(strict, value):
    """Without a path the value is an object of attributes."""
    assert_scim_error(patch(strict, ANN, replace(None, value)), 400)


@pytest.mark.rfc("3.5.2.3-2")
@pytest.mark.parametrize(
    ("operation", "shown"),
    [
        (replace("title", "T"), {"title": "T"}),
        (replace("phoneNumbers", [{"value": "1"}]), {"phoneNumbers": [{"value": "1"}]}),
        (replace("name.middleName", "X"), {"name": {"givenName": "Ann", "familyName": "Ashdown", "middleName": "X"}}),
        (replace(f"{ENTERPRISE}:department", "D"), {ENTERPRISE: {"department": "D"}}),
    ],
)
def test_replace_where_nothing_is(strict, operation, shown):
    """A replace of what has no value adds it."""
    after = patched(strict, ANN, operation)
    assert {key: after[key] for key in shown} == shown


@pytest.mark.rfc("3.5.2.3-3")
def test_replace_of_a_complex_attribute(strict, zed):
    """Sub-attributes given are set, others are left."""
    after = patched(strict, zed, replace("name", {"givenName": "Q", "honorificPrefix": "Dr"}))
    assert after["name"] == {"givenName": "Q", "familyName": "Young", "honorificPrefix": "Dr"}


@pytest.mark.rfc("3.5.2.3-4")
def test_replace_every_match(strict, zed):
    """Every value that the filter matches is replaced, and no other."""
    patched(
        strict,
        zed,
        add("emails", [{"value": "a@example.org", "type": "other"}, {"value": "b@example.org", "type": "other"}]),
    )
    after = patched(
        strict, zed, replace('emails[value ew ".org"]', {"value": "c@example.net", "type": "other", "display": "C"})
    )
    assert after["emails"][:2] == [WORK, HOME]
    assert {(e["value"], e["type"], e["display"]) for e in after["emails"][2:]} == {("c@example.net", "other", "C")}


@pytest.mark.rfc("3.5.2.3-5")
@pytest.mark.parametrize(
    "operation",
    [
        replace('emails[type eq "none"]', OTHER),
        replace('emails[type eq "none"].value', "x@example.com"),
        replace('phoneNumbers[type eq "work"].value', "1"),
    ],
)
def test_replace_without_a_match(strict, zed, operation):
    """A filter that matches nothing is 400 noTarget."""
    assert_scim_error(patch(strict, zed, operation), 400, "noTarget")


@pytest.mark.rfc("3.5.2.3-a")
def test_replace_a_single_value(strict, zed):
    """A single-valued attribute has the new value."""
    after = patched(strict, zed, replace("title", "T"), replace("active", False))
    assert (after["title"], after["active"]) == ("T", False)


@pytest.mark.rfc("3.5.2.3-b")
def test_replace_all_values(strict, zed):
    """A multi-valued attribute has the new values alone."""
    assert patched(strict, zed, replace("emails", [OTHER]))["emails"] == [OTHER]


@pytest.mark.rfc("3.5.2.3-b")
def test_replace_all_members(strict):
    """A group has the new members alone, and each user knows."""
    after = patched(strict, f"{GROUPS}/g-1", replace("members", [{"value": "u-4"}, {"value": "u-1"}]))
    assert sorted(values(after, "members")) == ["u-1", "u-4"]
    assert found(strict, 'groups.value eq "g-1"') == ["u-1", "u-4"]


@pytest.mark.rfc("3.5.2.3-c")
def test_replace_behind_a_filter(strict, zed):
    """The sub-attribute of every value that matches has the new value; the rest is left."""
    after = patched(
        strict, zed, replace("addresses[type pr].country", "SE"), replace('emails[type eq "home"].value', "h@x")
    )
    assert [(a["locality"], a["country"]) for a in after["addresses"]] == [("Bergen", "SE"), ("Oslo", "SE")]
    assert after["emails"] == [WORK, {**HOME, "value": "h@x"}]
