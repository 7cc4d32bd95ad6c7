"""PATCH (RFC 7644 §3.5.2), first as the RFC has it, then as clients send it."""

from __future__ import annotations

import contextlib
import copy
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from provider import BASE, ENTERPRISE, Provider

from mockscim.scim import urns
from mockscim.scim.errors import ScimError
from mockscim.scim.members import MembersDraft
from mockscim.scim.patch import Patcher
from mockscim.scim.patch_request import read_operations
from mockscim.scim.policy import TOLERANT, Policy, Tolerance
from mockscim.scim.schema import standard_registry

WORK = {"value": "b@work.example", "type": "work", "primary": True}
HOME = {"value": "b@home.example", "type": "home"}


def op(verb: str, path: str | None = None, value: Any = ..., **more: Any) -> dict[str, Any]:
    """One operation; without a value where none is given."""
    made: dict[str, Any] = {"op": verb, **more}
    if path is not None:
        made["path"] = path
    if value is not ...:
        made["value"] = value
    return made


@pytest.fixture
def barbara() -> tuple[Provider, str]:
    """A provider and the path of a user with a bit of everything."""
    provider = Provider()
    return provider, "/Users/" + make_barbara(provider)


def make_barbara(provider: Provider) -> str:
    return provider.user(
        "bjensen",
        schemas=[urns.USER, ENTERPRISE],
        name={"givenName": "Barbara", "familyName": "Jensen"},
        emails=[WORK, HOME],
        addresses=[
            {"type": "work", "locality": "Hollywood", "region": "CA"},
            {"type": "home", "locality": "Burbank"},
        ],
        **{ENTERPRISE: {"department": "Tours", "costCenter": "4130"}},
    )


# -- RFC 7644 §3.5.2.1, add -------------------------------------------------------------------------------------------


def test_add_members_with_a_path() -> None:
    """The first example of §3.5.2.1: a member is added to those there are."""
    provider = Provider()
    one, two = provider.user("one"), provider.user("two")
    group = provider.group("g", one)
    answer = provider.patch(f"/Groups/{group}", op("add", "members", [{"value": two, "display": "Babs"}]))
    assert answer.status == 200
    assert provider.member_ids(group) == [one, two]
    assert answer["members"][1]["display"] == "Babs"


def test_add_without_a_path_adds_to_lists_and_sets_the_rest(barbara: tuple[Provider, str]) -> None:
    """The second example of §3.5.2.1: emails and nickname in one value, the older e-mails stay."""
    provider, path = barbara
    answer = provider.patch(
        path, op("add", None, {"emails": [{"value": "x@y.z", "type": "other"}], "nickname": "Babs"})
    )
    assert [email["value"] for email in answer["emails"]] == ["b@work.example", "b@home.example", "x@y.z"]
    assert answer["nickName"] == "Babs"
    assert answer.leniencies == set()


def test_add_of_what_is_there_changes_nothing(barbara: tuple[Provider, str]) -> None:
    """A value that exists already is no change, so neither version nor lastModified moves (§3.5.2.1)."""
    provider, path = barbara
    before = provider.get(path).document
    answer = provider.patch(path, op("add", "emails", [HOME]), op("add", "name.givenName", "Barbara"))
    assert answer.document == before
    assert answer.reply is not None
    assert answer.reply.changes == ()


def test_add_to_a_single_value_replaces_it(barbara: tuple[Provider, str]) -> None:
    """Add on a single-valued attribute with a value replaces the value (§3.5.2.1)."""
    provider, path = barbara
    assert provider.patch(path, op("add", "name.givenName", "Babs"))["name"]["givenName"] == "Babs"


def test_add_of_a_complex_value_leaves_other_sub_attributes(barbara: tuple[Provider, str]) -> None:
    """Sub-attributes that a complex value does not name stay (§3.5.2.1)."""
    provider, path = barbara
    answer = provider.patch(path, op("add", "name", {"givenName": "Babs"}))
    assert answer["name"] == {"givenName": "Babs", "familyName": "Jensen"}


def test_add_makes_an_attribute_that_was_not_there(barbara: tuple[Provider, str]) -> None:
    """Add creates attribute, sub-attribute and extension alike."""
    provider, path = barbara
    answer = provider.patch(
        path, op("add", "title", "Guide"), op("add", "name.honorificPrefix", "Ms."), op("add", "ims", [{"value": "b"}])
    )
    assert (answer["title"], answer["name"]["honorificPrefix"], answer["ims"]) == ("Guide", "Ms.", [{"value": "b"}])


def test_many_values_are_added_at_once(barbara: tuple[Provider, str]) -> None:
    """Those that are there already, or come twice in the same list, are one; whatever the order of their parts."""
    provider, path = barbara
    many = [{"value": f"e{n % 20}", "type": "other"} for n in range(40)] + [{"type": "home", "value": "b@home.example"}]
    answer = provider.patch(path, op("add", "emails", many))
    assert [email["value"] for email in answer["emails"]] == [
        WORK["value"],
        HOME["value"],
        *(f"e{n}" for n in range(20)),
    ]
    assert provider.patch(path, op("add", "emails", many)).document == answer.document


def test_a_new_primary_value_demotes_the_old_one(barbara: tuple[Provider, str]) -> None:
    """Adding a primary value sets primary of the other to false (§3.5.2)."""
    provider, path = barbara
    answer = provider.patch(path, op("add", "emails", [{"value": "new@x.example", "primary": True}]))
    assert [email.get("primary") for email in answer["emails"]] == [False, None, True]


@pytest.mark.parametrize("where", ['emails[type eq "home"].primary', 'emails[type eq "home"]'])
def test_marking_another_value_primary_demotes_the_old_one(barbara: tuple[Provider, str], where: str) -> None:
    """The same when primary is set on a value that is there, by sub-attribute or as an object."""
    provider, path = barbara
    value: Any = True if where.endswith("primary") else {"primary": True}
    answer = provider.patch(path, op("add", where, value))
    assert [email.get("primary") for email in answer["emails"]] == [False, True]


def test_two_primary_values_in_one_operation_are_refused(barbara: tuple[Provider, str]) -> None:
    """An attribute has one primary value at most (RFC 7643 §2.4)."""
    provider, path = barbara
    two = [{"value": "1", "primary": True}, {"value": "2", "primary": True}]
    assert provider.patch(path, op("replace", "emails", two)).error == (400, "invalidValue")


# -- §3.5.2.2, remove -------------------------------------------------------------------------------------------------


def test_remove_one_member_by_filter() -> None:
    """The first example of §3.5.2.2."""
    provider = Provider(strict=True)
    one, two = provider.user("one"), provider.user("two")
    group = provider.group("g", one, two)
    assert provider.patch(f"/Groups/{group}", op("remove", f'members[value eq "{one}"]')).status == 200
    assert provider.member_ids(group) == [two]


def test_remove_all_members() -> None:
    """The second example of §3.5.2.2: without a filter all members go."""
    provider = Provider(strict=True)
    group = provider.group("g", provider.user("one"), provider.user("two"))
    assert "members" not in provider.patch(f"/Groups/{group}", op("remove", "members")).document


def test_remove_values_by_a_complex_filter(barbara: tuple[Provider, str]) -> None:
    """The third example of §3.5.2.2: emails[type eq "work" and value ew "example.com"]."""
    provider, path = barbara
    answer = provider.patch(path, op("remove", 'emails[type eq "work" and value ew "work.example"]'))
    assert answer["emails"] == [HOME]


def test_remove_and_add_members_in_one_request() -> None:
    """The fourth example of §3.5.2.2: one member out, another in, one version."""
    provider = Provider(strict=True)
    one, two = provider.user("one"), provider.user("two")
    group = provider.group("g", one)
    commits = provider.store.commits
    provider.patch(
        f"/Groups/{group}", op("remove", f'members[value eq "{one}"]'), op("add", "members", [{"value": two}])
    )
    assert provider.member_ids(group) == [two]
    assert provider.store.commits == commits + 1


def test_the_last_value_removed_unassigns_the_attribute(barbara: tuple[Provider, str]) -> None:
    """No empty array stays behind (§3.5.2.2)."""
    provider, path = barbara
    assert "emails" not in provider.patch(path, op("remove", "emails[value pr]")).document


def test_remove_of_a_sub_attribute_of_selected_values(barbara: tuple[Provider, str]) -> None:
    """addresses[type eq "work"].region goes from that address only."""
    provider, path = barbara
    answer = provider.patch(path, op("remove", 'addresses[type eq "work"].region'))
    assert answer["addresses"][0] == {"type": "work", "locality": "Hollywood"}


@pytest.mark.parametrize("path_", ["name.givenName", "name.GIVENNAME", f"{urns.USER}:name.givenName"])
def test_remove_of_a_sub_attribute(barbara: tuple[Provider, str], path_: str) -> None:
    """A sub-attribute goes alone, whatever way and case it is named in."""
    provider, path = barbara
    assert provider.patch(path, op("remove", path_))["name"] == {"familyName": "Jensen"}


def test_remove_of_an_extension(barbara: tuple[Provider, str]) -> None:
    """The URN as path removes the extension, and its URN leaves schemas."""
    provider, path = barbara
    answer = provider.patch(path, op("remove", ENTERPRISE))
    assert ENTERPRISE not in answer.document
    assert answer["schemas"] == [urns.USER]


def test_the_last_attribute_of_an_extension_takes_it_along(barbara: tuple[Provider, str]) -> None:
    """An extension without attributes is not present."""
    provider, path = barbara
    answer = provider.patch(path, op("remove", f"{ENTERPRISE}:department"), op("remove", f"{ENTERPRISE}:costCenter"))
    assert ENTERPRISE not in answer.document


def test_remove_without_a_path_has_no_target(barbara: tuple[Provider, str]) -> None:
    """§3.5.2.2: remove without path is noTarget."""
    provider, path = barbara
    assert provider.patch(path, op("remove")).error == (400, "noTarget")
    assert provider.patch(path, op("remove", None, {"title": "x"})).error == (400, "noTarget")


def test_remove_of_what_is_not_there_changes_nothing(barbara: tuple[Provider, str]) -> None:
    """An attribute without a value stays so, also in strict mode, where only a filter can miss."""
    provider = Provider(strict=True)
    path = "/Users/" + provider.user("x")
    version = provider.get(path)["meta"]["version"]
    for name in ("title", "name.givenName", "emails", "emails.type", ENTERPRISE, f"{ENTERPRISE}:manager"):
        answer = provider.patch(path, op("remove", name))
        assert (answer.status, answer["meta"]["version"]) == (200, version), name


@pytest.mark.parametrize("where", ["userName", f"{urns.USER}:userName"])
def test_a_required_attribute_cannot_be_removed(barbara: tuple[Provider, str], where: str) -> None:
    """§3.5.2.2: 400 mutability."""
    provider, path = barbara
    assert provider.patch(path, op("remove", where)).error == (400, "mutability")


# -- §3.5.2.3, replace ------------------------------------------------------------------------------------------------


def test_replace_all_members() -> None:
    """The first example of §3.5.2.3: a list replaces a list."""
    provider = Provider(strict=True)
    one, two, three = (provider.user(name) for name in ("one", "two", "three"))
    group = provider.group("g", one, two)
    provider.patch(f"/Groups/{group}", op("replace", "members", [{"value": three}, {"value": two}]))
    assert set(provider.member_ids(group)) == {two, three}


def test_replace_a_selected_value_whole(barbara: tuple[Provider, str]) -> None:
    """The second example of §3.5.2.3: addresses[type eq "work"] is replaced, the other stays."""
    provider, path = barbara
    new = {"type": "work", "streetAddress": "911 Universal City Plaza", "primary": True}
    answer = provider.patch(path, op("replace", 'addresses[type eq "work"]', new))
    assert answer["addresses"] == [new, {"type": "home", "locality": "Burbank"}]


def test_replace_one_sub_attribute_of_selected_values(barbara: tuple[Provider, str]) -> None:
    """The third example of §3.5.2.3: addresses[type eq "work"].streetAddress."""
    provider, path = barbara
    answer = provider.patch(path, op("replace", 'addresses[type eq "work"].streetAddress', "1010 Broadway Ave"))
    assert answer["addresses"][0]["streetAddress"] == "1010 Broadway Ave"
    assert answer["addresses"][0]["locality"] == "Hollywood"


def test_replace_without_a_path(barbara: tuple[Provider, str]) -> None:
    """The fourth example of §3.5.2.3: lists are replaced, complex values merged, the rest stays."""
    provider, path = barbara
    answer = provider.patch(
        path, op("replace", None, {"emails": [HOME], "name": {"givenName": "B"}, ENTERPRISE: {"department": "Sales"}})
    )
    assert answer["emails"] == [HOME]
    assert answer["name"] == {"givenName": "B", "familyName": "Jensen"}
    assert answer[ENTERPRISE] == {"department": "Sales", "costCenter": "4130"}


def test_replace_of_an_attribute_without_value_adds_it(barbara: tuple[Provider, str]) -> None:
    """§3.5.2.3: an attribute that does not exist is added."""
    provider, path = barbara
    assert provider.patch(path, op("replace", "title", "Guide"))["title"] == "Guide"


def test_replace_of_every_value_s_sub_attribute(barbara: tuple[Provider, str]) -> None:
    """§3.5.2.3: without a filter the sub-attribute of all values is replaced."""
    provider, path = barbara
    answer = provider.patch(path, op("replace", "emails.display", "B"))
    assert [email["display"] for email in answer["emails"]] == ["B", "B"]


def test_replace_with_a_filter_that_selects_nothing_has_no_target_in_strict_mode() -> None:
    """§3.5.2.3: noTarget; the tolerant default makes the value instead."""
    provider = Provider(strict=True)
    path = "/Users/" + make_barbara(provider)
    before = provider.state()
    for value in ({"value": "x"}, None):
        assert provider.patch(path, op("replace", 'emails[type eq "other"]', value)).error == (400, "noTarget")
    assert provider.patch(path, op("remove", 'emails[type eq "other"]')).error == (400, "noTarget")
    assert provider.state() == before


@pytest.mark.parametrize("value", [None, []])
def test_replace_with_null_or_an_empty_array_unassigns(barbara: tuple[Provider, str], value: Any) -> None:
    """RFC 7643 §2.5: both mean unassigned."""
    provider, path = barbara
    assert "emails" not in provider.patch(path, op("replace", "emails", value)).document


def test_null_inside_a_complex_value_unassigns_that_part(barbara: tuple[Provider, str]) -> None:
    """Only the sub-attribute that is null goes."""
    provider, path = barbara
    assert provider.patch(path, op("replace", "name", {"givenName": None}))["name"] == {"familyName": "Jensen"}


def test_a_required_attribute_cannot_be_unassigned(barbara: tuple[Provider, str]) -> None:
    """Null and blank text for userName are refused, by path and without."""
    provider, path = barbara
    for value in (None, "", "  ", []):
        assert provider.patch(path, op("replace", "userName", value)).status == 400
        assert provider.patch(path, op("replace", None, {"userName": value})).status == 400
    assert provider.get(path)["userName"] == "bjensen"


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "scim_type"),
    [
        (op("replace", "id", "x"), "mutability"),
        (op("replace", "meta", {}), "mutability"),
        (op("replace", "meta.created", "2020-01-01T00:00:00Z"), "mutability"),
        (op("add", "groups", [{"value": "x"}]), "mutability"),
        (op("remove", "groups"), "mutability"),
        (op("remove", "schemas"), "mutability"),
        (op("replace", "schemas", []), "mutability"),
        (op("replace", "schemas", [urns.USER]), "mutability"),
        (op("replace", "schemas", [5]), "invalidValue"),
        (op("add", "schemas", 5), "invalidValue"),
        (op("add", "schemas.x", "y"), "invalidPath"),
        (op("replace", f"{ENTERPRISE}:manager.displayName", "x"), "mutability"),
        (op("replace", "nonsense", "x"), "invalidPath"),
        (op("replace", "name.nonsense", "x"), "invalidPath"),
        (op("replace", "urn:x:y:attr", "x"), "invalidPath"),
        (op("replace", "emails[", "x"), "invalidPath"),
        (op("replace", "emails[]", "x"), "invalidPath"),
        (op("replace", "emails[type eq]", "x"), "invalidPath"),
        (op("replace", 'emails[type eq "a"].b.c', "x"), "invalidPath"),
        (op("replace", 'name[givenName eq "x"]', {}), "invalidPath"),
        (op("replace", f'{ENTERPRISE}[department eq "x"]', {}), "invalidPath"),
        (op("replace", "title", 5), "invalidValue"),
        (op("replace", "title", {"value": "x"}), "invalidValue"),
        (op("replace", "active", "perhaps"), "invalidValue"),
        (op("replace", "emails", 5), "invalidValue"),
        (op("replace", "emails", [[1]]), "invalidValue"),
        (op("replace", "name", ["a", "b"]), "invalidValue"),
        (op("add", None, "text"), "invalidValue"),
        (op("add", None, None), "invalidValue"),
        (op("add", "title"), "invalidValue"),
        (op("replace"), "invalidValue"),
        (op("replace", 5, "x"), "invalidPath"),  # type: ignore[arg-type]
        (op("move", "title", "x"), "invalidSyntax"),
        ({"op": 5, "path": "title", "value": "x"}, "invalidSyntax"),
        ({"path": "title", "value": "x"}, "invalidSyntax"),
        ("add", "invalidSyntax"),
    ],
    ids=str,
)
def test_an_operation_that_cannot_be_is_refused(barbara: tuple[Provider, str], operation: Any, scim_type: str) -> None:
    """Each gets 400 with the scimType of RFC 7644 §3.12, and nothing of the request is kept."""
    provider, path = barbara
    before = provider.state()
    answer = provider.patch(path, op("replace", "displayName", "changed"), operation)
    assert answer.error == (400, scim_type)
    assert provider.state() == before


@pytest.mark.parametrize("body", [[], {}, {"Operations": []}, {"Operations": {}}, {"Operations": [None]}, 5, "x", None])
def test_a_body_that_is_no_patch_op_is_invalid_syntax(barbara: tuple[Provider, str], body: Any) -> None:
    """400 invalidSyntax for any other JSON."""
    provider, path = barbara
    assert provider.ask("PATCH", path, body).error == (400, "invalidSyntax")


def test_a_member_s_parts_are_immutable() -> None:
    """members[…].value and .display cannot change; a member is removed and another added."""
    provider = Provider()
    one = provider.user("one")
    group = provider.group("g", one)
    for sub in ("value", "$ref", "type", "display"):
        answer = provider.patch(f"/Groups/{group}", op("replace", f'members[value eq "{one}"].{sub}', "x"))
        assert answer.error == (400, "mutability"), sub


def test_replace_of_a_member_that_is_not_there_has_no_target() -> None:
    """members[value eq "nobody"] selects nothing to replace."""
    provider = Provider()
    one = provider.user("one")
    group = provider.group("g")
    answer = provider.patch(f"/Groups/{group}", op("replace", 'members[value eq "x"]', {"value": one}))
    assert answer.error == (400, "noTarget")


def test_members_are_selected_by_any_part() -> None:
    """members[type eq "Group"] and members[display eq …] work as value eq does."""
    provider = Provider()
    one, inner = provider.user("one"), provider.group("inner")
    group = provider.group("outer", one, inner)
    provider.patch(f"/Groups/{group}", op("remove", 'members[type eq "Group"]'))
    assert provider.member_ids(group) == [one]


# -- atomicity --------------------------------------------------------------------------------------------------------


def test_an_error_in_the_last_operation_leaves_nothing_of_the_first() -> None:
    """All or nothing (§3.5.2), members and references included."""
    provider = Provider()
    one, two = provider.user("one"), provider.user("two")
    group = provider.group("g", one)
    before = provider.state()
    answer = provider.patch(
        f"/Groups/{group}",
        op("add", "members", [{"value": two}]),
        op("remove", f'members[value eq "{one}"]'),
        op("replace", "displayName", "other"),
        op("replace", "nonsense", "x"),
    )
    assert answer.status == 400
    assert provider.state() == before


def test_a_uniqueness_conflict_leaves_nothing(barbara: tuple[Provider, str]) -> None:
    """409 uniqueness from a PATCH commits nothing of it."""
    provider, path = barbara
    provider.user("taken")
    before = provider.state()
    answer = provider.patch(path, op("replace", "title", "x"), op("replace", "userName", "TAKEN"))
    assert answer.error == (409, "uniqueness")
    assert provider.state() == before


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "x", "work", "True", "id-1", "\x01"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["value", "type", "primary", "givenName", "emails", "members", "title", "$ref", ENTERPRISE]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
PATHS = st.sampled_from(
    [
        None,
        "title",
        "name",
        "name.givenName",
        "emails",
        "emails.value",
        'emails[type eq "work"]',
        'emails[type eq "other"].value',
        "emails[primary eq true].primary",
        "active",
        "userName",
        "password",
        "id",
        "manager",
        ENTERPRISE,
        f"{ENTERPRISE}:manager",
        f"{ENTERPRISE}:manager.value",
        "nonsense",
        "members",
        "x509Certificates",
    ]
)
OPERATIONS = st.lists(
    st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "replace", "remove"])}, optional={"path": PATHS, "value": JSON}
    ),
    min_size=1,
    max_size=4,
)


@given(OPERATIONS)
@settings(max_examples=300, deadline=None)
def test_patch_is_atomic_and_keeps_one_primary(operations: list[dict[str, Any]]) -> None:
    """Whatever is sent: done whole with one primary value at most, or refused with everything as it was."""
    provider = Provider()
    path = "/Users/" + make_barbara(provider)
    before = provider.state()
    answer = provider.patch(path, *operations)
    if answer.status == 200:
        assert answer["userName"].strip()
        assert sum(email.get("primary") is True for email in answer.get("emails", [])) <= 1
        assert provider.get(path).document == answer.document
    else:
        assert answer.status == 400
        assert provider.state() == before


@given(OPERATIONS)
@settings(max_examples=100, deadline=None)
def test_patch_never_changes_its_input(operations: list[dict[str, Any]]) -> None:
    """The operations are what they were, also where one fails; so is the resource they were read from."""
    kind = standard_registry().types["User"]
    document = {"schemas": [urns.PATCH_OP], "Operations": operations}
    sent = copy.deepcopy(document)
    tolerance = Tolerance(TOLERANT)
    patcher = Patcher(kind, {"userName": "x"}, MembersDraft(None), lambda _: "User", Policy(), tolerance)
    with contextlib.suppress(ScimError):
        patcher.apply(read_operations(document, tolerance))
    assert document == sent


def test_the_work_grows_with_the_operations() -> None:
    """Ten times the operations are about ten times the function calls, for members as for attributes."""
    provider = Provider()
    users = [provider.user(f"u{n}") for n in range(2000)]
    group = provider.group("g")

    def calls(count: int) -> int:
        operations = [op("add", "members", [{"value": users[n % 2000]}]) for n in range(count)]
        operations += [op("remove", f'members[value eq "{users[n % 2000]}"]') for n in range(count)]
        operations += [op("replace", "displayName", f"g{n}") for n in range(count)]
        counted = 0

        def count_call(_frame: object, event: str, _argument: object) -> None:
            nonlocal counted
            counted += event in ("call", "c_call")

        sys.setprofile(count_call)
        try:
            reply = provider.patch(f"/Groups/{group}", *operations)
        finally:
            sys.setprofile(None)
        assert reply.status == 200
        return counted

    calls(100)
    assert calls(1500) < 12 * calls(150)


# -- what clients send ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["Add", "REPLACE", "Replace"])
def test_an_op_in_capitals_is_a_leniency(barbara: tuple[Provider, str], verb: str) -> None:
    """Entra sends Add and Replace."""
    provider, path = barbara
    answer = provider.patch(path, op(verb, "title", "Guide"))
    assert answer["title"] == "Guide"
    assert answer.leniencies == {"patch-op-case"}


@pytest.mark.parametrize(("text", "value"), [("True", True), ("False", False), ("false", False), ("TRUE", True)])
def test_a_boolean_as_text_is_a_leniency(barbara: tuple[Provider, str], text: str, value: bool) -> None:
    """Entra sends "False" for active, by path and without."""
    provider, path = barbara
    answer = provider.patch(path, op("replace", "active", text))
    assert answer["active"] is value
    assert answer.leniencies == {"boolean-string"}
    assert provider.patch(path, op("replace", None, {"active": text}))["active"] is value


@pytest.mark.parametrize("listed", [list, lambda item: item[0], lambda item: item[0]["value"]])
def test_members_removed_by_value(listed: Any) -> None:
    """Entra removes members with a path and a list of them; one object or one bare id is the same."""
    provider = Provider()
    one, two = provider.user("one"), provider.user("two")
    group = provider.group("g", one, two)
    answer = provider.patch(f"/Groups/{group}", op("Remove", "members", listed([{"$ref": None, "value": one}])))
    assert provider.member_ids(group) == [two]
    assert "remove-members-by-value" in answer.leniencies


def test_members_removed_by_value_that_are_not_members_change_nothing() -> None:
    """Removing an unknown member by value is no change."""
    provider = Provider(accepted=TOLERANT | {"unknown-member"})
    one = provider.user("one")
    group = provider.group("g", one)
    version = provider.get(f"/Groups/{group}")["meta"]["version"]
    assert provider.patch(f"/Groups/{group}", op("remove", "members", [{"value": "x"}]))["meta"]["version"] == version


@pytest.mark.parametrize("id_", ["a b", "a/b", "ä", "a?b", "a%20b", ""])
def test_unknown_members_have_ids_that_can_be_in_a_ref(id_: str) -> None:
    """Where unknown members are accepted, their ids still become part of a $ref, which is a URI."""
    provider = Provider(accepted=TOLERANT | {"unknown-member"})
    group = provider.group("g")
    answer = provider.patch(f"/Groups/{group}", op("add", "members", [{"value": id_}]))
    assert (answer.status, answer["scimType"]) == (400, "invalidValue")
    assert provider.member_ids(group) == []


def test_values_removed_by_value(barbara: tuple[Provider, str]) -> None:
    """The same shape works for any multi-valued attribute."""
    provider, path = barbara
    answer = provider.patch(path, op("remove", "emails", [{"value": "b@work.example"}]))
    assert answer["emails"] == [HOME]


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (f"{ENTERPRISE}:manager", "id-1"),
        (f"{ENTERPRISE}:manager", {"value": "id-1"}),
        (f"{ENTERPRISE}:manager", [{"value": "id-1"}]),
        (f"{ENTERPRISE}:manager", [{"$ref": "http://x/Users/id-1", "value": "id-1"}]),
        (f"{ENTERPRISE}:manager.value", "id-1"),
        ("manager", "id-1"),
        ("manager", {"value": "id-1"}),
        ("manager.value", "id-1"),
        (None, {f"{ENTERPRISE}:manager": "id-1"}),
        (None, {f"{ENTERPRISE}:manager.value": "id-1"}),
        (None, {ENTERPRISE: {"manager": "id-1"}}),
        (None, {ENTERPRISE: {"manager": {"value": "id-1"}}}),
        (ENTERPRISE, {"manager": {"value": "id-1"}}),
    ],
    ids=str,
)
@pytest.mark.parametrize("verb", ["Add", "Replace"])
def test_every_way_to_name_a_manager(barbara: tuple[Provider, str], verb: str, where: str | None, value: Any) -> None:
    """Manager as text, object, array, with URN or without, nested or not: stored the same, $ref made here."""
    provider, path = barbara
    answer = provider.patch(path, op(verb, where, value))
    assert answer[ENTERPRISE]["manager"] == {"value": "id-1", "$ref": f"{BASE}/Users/id-1"}
    assert answer[ENTERPRISE]["department"] == "Tours"


@pytest.mark.parametrize("value", ["", None, [], {"value": ""}])
def test_a_manager_is_taken_away(barbara: tuple[Provider, str], value: Any) -> None:
    """An empty text, null and an empty list unassign the manager (SCIM_Null_Update)."""
    provider, path = barbara
    provider.patch(path, op("add", f"{ENTERPRISE}:manager", "id-1"))
    answer = provider.patch(path, op("replace", f"{ENTERPRISE}:manager", value))
    assert answer.status == 200
    assert answer[ENTERPRISE].get("manager", {}).get("value", "") == ""
    assert provider.patch(path, op("remove", f"{ENTERPRISE}:manager")).status == 200


@pytest.mark.parametrize("verb", ["Add", "Replace"])
def test_a_value_path_without_a_match_makes_the_value(verb: str) -> None:
    """Entra adds emails[type eq "work"].value to a user without e-mail; the filter's values come along."""
    provider = Provider()
    path = "/Users/" + provider.user("x")
    answer = provider.patch(path, op(verb, 'emails[type eq "work"].value', "x@y.z"))
    assert answer["emails"] == [{"type": "work", "value": "x@y.z"}]
    assert "creates-missing-element" in answer.leniencies
    answer = provider.patch(path, op(verb, 'addresses[type eq "work" and primary eq true]', {"locality": "B"}))
    assert answer["addresses"] == [{"type": "work", "primary": True, "locality": "B"}]


def test_a_value_made_primary_by_its_filter_demotes_the_old_one(barbara: tuple[Provider, str]) -> None:
    """emails[primary eq true and type eq "other"] makes a primary value, of which there is one."""
    provider, path = barbara
    answer = provider.patch(path, op("add", 'emails[type eq "other" and primary eq true].value', "x@y.z"))
    assert [email.get("primary") for email in answer["emails"]] == [False, None, True]


def test_null_for_a_value_that_does_not_exist_makes_none(barbara: tuple[Provider, str]) -> None:
    """Nothing is made of emails[type eq "other"].value with null."""
    provider, path = barbara
    before = provider.get(path).document
    assert provider.patch(path, op("replace", 'emails[type eq "other"].value', None)).document == before


def test_a_bare_text_as_a_member() -> None:
    """A member given as its id alone, in a list or not."""
    provider = Provider()
    one, two = provider.user("one"), provider.user("two")
    group = provider.group("g")
    provider.patch(f"/Groups/{group}", op("add", "members", [one]))
    answer = provider.patch(f"/Groups/{group}", op("add", "members", two))
    assert provider.member_ids(group) == [one, two]
    assert {"value-for-complex", "single-for-array"} <= answer.leniencies


def test_a_group_add_without_a_path() -> None:
    """Members in a path-less value, as an object and as a bare list."""
    provider = Provider()
    one, two = provider.user("one"), provider.user("two")
    group = provider.group("g")
    provider.patch(f"/Groups/{group}", op("add", None, {"members": [{"value": one}]}))
    answer = provider.patch(f"/Groups/{group}", op("add", None, [{"value": two}]))
    assert provider.member_ids(group) == [one, two]
    assert answer.leniencies == {"pathless-list"}


@pytest.mark.parametrize(
    ("key", "value", "read"),
    [
        ("name.givenName", "B", lambda user: user["name"] == {"givenName": "B", "familyName": "Jensen"}),
        ("name", {"givenName": "B"}, lambda user: user["name"] == {"givenName": "B", "familyName": "Jensen"}),
        ("NAME.GIVENNAME", "B", lambda user: user["name"]["givenName"] == "B"),
        (f"{ENTERPRISE}:department", "S", lambda user: user[ENTERPRISE]["department"] == "S"),
        (ENTERPRISE.upper() + ":DEPARTMENT", "S", lambda user: user[ENTERPRISE]["department"] == "S"),
        (ENTERPRISE, {"department": "S"}, lambda user: user[ENTERPRISE] == {"department": "S", "costCenter": "4130"}),
        (f"{urns.USER}:title", "T", lambda user: user["title"] == "T"),
        ('emails[type eq "work"].value', "n", lambda user: user["emails"][0] == {**WORK, "value": "n"}),
        (
            'phoneNumbers[type eq "mobile"].value',
            "1",
            lambda u: u["phoneNumbers"] == [{"type": "mobile", "value": "1"}],
        ),
    ],
)
def test_keys_of_a_pathless_value(barbara: tuple[Provider, str], key: str, value: Any, read: Any) -> None:
    """Nested, dotted, URN and value-path keys all reach their attribute."""
    provider, path = barbara
    assert read(provider.patch(path, op("replace", None, {key: value})).document)


def test_keys_that_are_paths_are_refused_in_strict_mode() -> None:
    """A dotted key is no attribute's name."""
    provider = Provider(strict=True)
    path = "/Users/" + make_barbara(provider)
    assert provider.patch(path, op("replace", None, {"name.givenName": "x"})).error == (400, "invalidSyntax")


def test_a_rename_that_carries_the_id() -> None:
    """Okta's group rename has id beside displayName: a leniency, refused as mutability in strict mode."""
    provider, strict = Provider(), Provider(strict=True)
    for each in (provider, strict):
        each.group("g")
    rename = op("replace", None, {"id": "id-1", "displayName": "new"})
    answer = provider.patch("/Groups/id-1", rename)
    assert (answer["displayName"], answer.leniencies) == ("new", {"read-only-in-patch"})
    assert strict.patch("/Groups/id-1", rename).error == (400, "mutability")


def test_an_unknown_attribute_in_a_pathless_value_is_dropped(barbara: tuple[Provider, str]) -> None:
    """Noted as a leniency; the others are taken."""
    provider, path = barbara
    answer = provider.patch(path, op("add", None, {"nonsense": 1, "a.b": 2, "title": "T", ENTERPRISE: {"zip": 1}}))
    assert answer["title"] == "T"
    assert "nonsense" not in answer.document
    assert answer.leniencies == {"unknown-attribute"}


def test_stray_parts_of_an_operation_are_leniencies(barbara: tuple[Provider, str]) -> None:
    """A name beside op, and a PATCH without schemas."""
    provider, path = barbara
    answer = provider.ask("PATCH", path, {"operations": [op("add", "title", "T", name="addTitle")]})
    assert answer["title"] == "T"
    assert answer.leniencies == {"unknown-operation-key", "missing-schemas"}


def test_an_empty_path_is_none(barbara: tuple[Provider, str]) -> None:
    """A path of "" or null is as if there were none."""
    provider, path = barbara
    for blank in ("", None):
        assert provider.ask("PATCH", path, {"Operations": [{"op": "add", "path": blank, "value": {"title": "T"}}]})[
            "title"
        ]


def test_strict_mode_takes_the_rfc_s_own_shapes_without_a_word() -> None:
    """What the RFC's examples send needs no leniency."""
    provider = Provider(strict=True)
    path = "/Users/" + make_barbara(provider)
    answer = provider.patch(
        path,
        op("add", "emails", [{"value": "x", "type": "other"}]),
        op("replace", 'emails[type eq "work"].value', "y"),
        op("remove", 'emails[type eq "home"]'),
        op("replace", None, {ENTERPRISE: {"department": "D"}, "active": False}),
        op("add", f"{ENTERPRISE}:manager", {"value": "id-1"}),
    )
    assert answer.status == 200, answer.document
    assert answer.leniencies == set()
    assert [email["value"] for email in answer["emails"]] == ["y", "x"]


def test_removing_one_who_is_no_member_is_right() -> None:
    """RFC 7644 §3.5.2.2: nothing happens, and it succeeds, strict or not; a filter for anything else has no target."""
    for strict in (True, False):
        provider = Provider(strict=strict)
        group = provider.group("g", provider.user("one"))
        version = provider.get(f"/Groups/{group}")["meta"]["version"]
        answer = provider.patch(f"/Groups/{group}", op("remove", 'members[value eq "x"]'))
        assert (answer.leniencies, answer["meta"]["version"]) == (set(), version)
        other = provider.patch(f"/Groups/{group}", op("remove", 'members[display eq "x"]'))
        assert other.error == (400, "noTarget") if strict else other.leniencies == {"remove-missing"}


def test_one_request_cannot_keep_the_server_for_itself() -> None:
    """Operations that would look at more values than half a second allows are refused, and nothing is changed."""
    provider = Provider()
    user = provider.user("ann")
    operations = [op("add", f'emails[type eq "{n}"].value', "x") for n in range(2000)]
    assert provider.patch(f"/Users/{user}", *operations[:500]).status == 200
    assert provider.patch(f"/Users/{user}", *operations[500:]).status == 413
    assert len(provider.get(f"/Users/{user}")["emails"]) == 500


def test_removing_many_values_by_value_is_bounded_too() -> None:
    """One operation that compares thousands of values with thousands is refused, and nothing is changed."""
    provider = Provider()
    emails = [{"value": f"e{n}"} for n in range(1500)]
    user = provider.user("ann", emails=emails)
    assert provider.patch(f"/Users/{user}", op("remove", "emails", emails)).status == 413
    assert len(provider.get(f"/Users/{user}")["emails"]) == 1500
    assert provider.patch(f"/Users/{user}", op("remove", "emails", emails[:100])).status == 200
    assert len(provider.get(f"/Users/{user}")["emails"]) == 1400


def test_filters_over_the_members_of_a_large_group_are_bounded_too() -> None:
    """A filter that is no id looks at every member; a few hundred of them over thousands of members are refused."""
    provider = Provider()
    group = provider.group("g", *[provider.user(f"u{n}") for n in range(2100)])
    looking = [op("remove", 'members[display eq "nobody"]') for _ in range(500)]
    assert provider.patch(f"/Groups/{group}", *looking).status == 413
    assert provider.patch(f"/Groups/{group}", *looking[:5]).status == 200
    assert len(provider.member_ids(group)) == 2100
