"""Groups: members, user.groups, and what they cost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from provider import BASE, Provider

from mockscim.scim import urns
from mockscim.scim.members import Member, Members, MembersDraft
from mockscim.scim.policy import TOLERANT

ADD = {"op": "add", "path": "members"}


def test_a_member_has_value_ref_display_and_type() -> None:
    """All four are there, for a user and for a group (RFC 7643 §4.2)."""
    provider = Provider()
    user, inner = provider.user("bjensen", displayName="Babs"), provider.group("Inner")
    members = provider.get("/Groups/" + provider.group("Outer", user, inner))["members"]
    assert members == [
        {"value": user, "$ref": f"{BASE}/Users/{user}", "display": "Babs", "type": "User"},
        {"value": inner, "$ref": f"{BASE}/Groups/{inner}", "display": "Inner", "type": "Group"},
    ]


def test_a_member_s_display_is_the_client_s_or_follows_the_name() -> None:
    """What the client gave stays; what it did not give follows a rename."""
    provider = Provider()
    one, two = provider.user("one"), provider.user("two")
    listed = [{"value": one, "display": "given"}, {"value": two}]
    group = provider.ask("POST", "/Groups", {"displayName": "g", "members": listed})["id"]
    provider.patch(f"/Users/{two}", {"op": "add", "path": "displayName", "value": "Second"})
    assert [m["display"] for m in provider.get(f"/Groups/{group}")["members"]] == ["given", "Second"]


def test_the_type_of_a_member_is_what_it_really_is() -> None:
    """A client that calls a group a User is not believed."""
    provider = Provider()
    inner = provider.group("inner")
    answer = provider.ask("POST", "/Groups", {"displayName": "g", "members": [{"value": inner, "type": "User"}]})
    assert answer["members"][0]["type"] == "Group"


def test_a_member_may_be_given_by_reference_alone() -> None:
    """$ref without value: its last segment is the id."""
    provider = Provider()
    one = provider.user("one")
    answer = provider.ask("POST", "/Groups", {"displayName": "g", "members": [{"$ref": f"../Users/{one}"}]})
    assert answer["members"][0]["value"] == one


@pytest.mark.parametrize("member", [{"value": ""}, {"value": "nobody"}, "nobody", 5, [1], {"display": "x"}])
def test_a_member_that_is_nobody_is_refused(member: object) -> None:
    """POST, PUT and PATCH alike answer 400 invalidValue, and change nothing."""
    provider = Provider()
    group = provider.group("g")
    before = provider.state()
    listed = {"schemas": [urns.GROUP], "displayName": "g", "members": [member]}
    assert provider.ask("POST", "/Groups", listed).error == (400, "invalidValue")
    assert provider.ask("PUT", f"/Groups/{group}", listed).error == (400, "invalidValue")
    assert provider.patch(f"/Groups/{group}", {**ADD, "value": [member]}).error == (400, "invalidValue")
    assert provider.state() == before


@pytest.mark.parametrize("member", [None, {}, {"value": None}, {"value": []}])
def test_a_member_without_any_value_is_none(member: object) -> None:
    """Null and an empty object assign nothing (RFC 7643 §2.5): PUT with such a list is one without members."""
    provider = Provider()
    group = provider.group("g", provider.user("one"))
    answer = provider.ask("PUT", f"/Groups/{group}", {"schemas": [urns.GROUP], "displayName": "g", "members": [member]})
    assert answer.status == 200
    assert "members" not in answer.document


def test_an_unknown_member_is_kept_where_that_is_accepted() -> None:
    """With unknown-member a group may be pushed before its users."""
    provider = Provider(accepted=TOLERANT | {"unknown-member"})
    answer = provider.ask("POST", "/Groups", {"displayName": "g", "members": [{"value": "later"}]})
    assert answer["members"][0]["value"] == "later"
    assert "unknown-member" in answer.leniencies


def test_a_group_is_not_its_own_member() -> None:
    """400 invalidValue."""
    provider = Provider()
    group = provider.group("g")
    assert provider.patch(f"/Groups/{group}", {**ADD, "value": [{"value": group}]}).error == (400, "invalidValue")


def test_a_member_given_twice_is_one() -> None:
    """Members are a set."""
    provider = Provider()
    one = provider.user("one")
    assert provider.member_ids(provider.group("g", one, one)) == [one]


def test_groups_of_a_user_follow_its_memberships() -> None:
    """user.groups appears, changes and goes with the groups' members, by POST, PUT, PATCH and DELETE."""
    provider = Provider()
    one = provider.user("one")
    assert "groups" not in provider.get(f"/Users/{one}").document
    group, other = provider.group("g", one), provider.group("h")
    assert provider.get(f"/Users/{one}")["groups"] == [
        {"value": group, "$ref": f"{BASE}/Groups/{group}", "display": "g", "type": "direct"}
    ]
    provider.patch(f"/Groups/{other}", {**ADD, "value": [{"value": one}]})
    assert provider.groups_of(one) == {group: "direct", other: "direct"}
    provider.ask("PUT", f"/Groups/{group}", {"displayName": "g"})
    assert provider.groups_of(one) == {other: "direct"}
    provider.ask("DELETE", f"/Groups/{other}")
    assert provider.groups_of(one) == {}


def test_nested_groups_are_indirect() -> None:
    """A user is in the group of its group, and in that one's (RFC 7643 §4.1.2: indirect)."""
    provider = Provider()
    one = provider.user("one")
    inner = provider.group("inner", one)
    middle = provider.group("middle", inner)
    outer = provider.group("outer", middle, one)
    assert provider.groups_of(one) == {inner: "direct", outer: "direct", middle: "indirect"}


def test_groups_in_a_circle_end() -> None:
    """A in B in C in A: each counts once."""
    provider = Provider()
    one = provider.user("one")
    a = provider.group("a", one)
    b = provider.group("b", a)
    c = provider.group("c", b)
    assert provider.patch(f"/Groups/{a}", {**ADD, "value": [{"value": c}]}).status == 200
    assert provider.groups_of(one) == {a: "direct", b: "indirect", c: "indirect"}
    assert provider.ask("DELETE", f"/Groups/{b}").status == 204
    assert provider.groups_of(one) == {a: "direct"}
    assert provider.member_ids(c) == []


def test_groups_of_a_user_cannot_be_written() -> None:
    """Groups is readOnly: ignored in POST and PUT."""
    provider = Provider()
    group = provider.group("g")
    user = provider.user("one", groups=[{"value": group}])
    provider.ask("PUT", f"/Users/{user}", {"userName": "one", "groups": [{"value": group}]})
    assert provider.groups_of(user) == {}
    assert provider.member_ids(group) == []


def test_deleting_a_user_takes_it_out_of_its_groups() -> None:
    """Each group it was in gets a new version and lastModified; others keep theirs."""
    provider = Provider()
    one, two = provider.user("one"), provider.user("two")
    group, other = provider.group("g", one, two), provider.group("h", two)
    before = {each: provider.get(f"/Groups/{each}")["meta"] for each in (group, other)}
    answer = provider.ask("DELETE", f"/Users/{one}")
    assert answer.reply is not None
    assert [(change.operation, change.id) for change in answer.reply.changes] == [("delete", one), ("update", group)]
    assert provider.member_ids(group) == [two]
    after = provider.get(f"/Groups/{group}")["meta"]
    assert after["version"] != before[group]["version"]
    assert after["lastModified"] > before[group]["lastModified"]
    assert provider.get(f"/Groups/{other}")["meta"] == before[other]


def test_deleting_a_group_takes_it_out_of_the_groups_around_it() -> None:
    """The same for a nested group."""
    provider = Provider()
    inner = provider.group("inner")
    outer = provider.group("outer", inner)
    provider.ask("DELETE", f"/Groups/{inner}")
    assert provider.member_ids(outer) == []


class Spied(dict[str, Member]):
    """A map that counts who walks through all of it."""

    walks = 0

    def __iter__(self) -> Iterator[str]:
        Spied.walks += 1
        return super().__iter__()

    def values(self):  # type: ignore[no-untyped-def]
        Spied.walks += 1
        return super().values()

    def items(self):  # type: ignore[no-untyped-def]
        Spied.walks += 1
        return super().items()

    def keys(self):  # type: ignore[no-untyped-def]
        Spied.walks += 1
        return super().keys()

    def copy(self):  # type: ignore[no-untyped-def]
        Spied.walks += 1
        return super().copy()


def test_one_of_100_000_members_costs_no_walk() -> None:
    """Adding or removing one member touches no other: the map of members is never walked through."""
    provider = Provider(accepted=TOLERANT | {"unknown-member"}, patch_answer="none")
    group = provider.group("g", *(f"u{n}" for n in range(100_000)))
    for operation in (
        {"op": "add", "path": "members", "value": [{"value": "new"}]},
        {"op": "add", "value": {"members": [{"value": "newer"}]}},
        {"op": "remove", "path": 'members[value eq "u50000"]'},
        {"op": "remove", "path": "members", "value": [{"value": "u50001"}]},
        {"op": "replace", "path": "displayName", "value": "other"},
    ):
        record = provider.store.find(group)
        assert record is not None
        assert record.members is not None
        members = record.members._map
        assert members is not None
        record.members._map = spied = Spied(members)
        Spied.walks = 0
        assert provider.patch(f"/Groups/{group}", operation).status == 204
        assert Spied.walks == 0
        newer = provider.store.find(group)
        assert newer is not None
        assert newer is not record
        assert newer.members is not None
        assert newer.members._map is spied


def test_filters_by_member_use_no_scan() -> None:
    """members.value eq "…" finds a user's groups through the index of memberships."""
    provider = Provider()
    one, two = provider.user("one"), provider.user("two")
    groups = [provider.group("g", one), provider.group("h", two), provider.group("i", one, two)]
    assert provider.get("/Groups", filter=f'members.value eq "{one}"').ids == [groups[0], groups[2]]
    assert provider.get("/Groups", filter=f'members[value eq "{one}"]').ids == [groups[0], groups[2]]
    assert provider.get("/Groups", filter=f'members.value eq "{one.upper()}"').ids == []


# -- the versions of members ------------------------------------------------------------------------------------------


def _put(*values: str, start: int = 1) -> dict[str, Member | None]:
    return {value: Member(value, "User", None, start + index) for index, value in enumerate(values)}


def test_an_older_version_stays_readable() -> None:
    """Every version shows what it held, whatever came after."""
    first = Members().updated(_put("a", "b"))
    second = first.updated(_put("c", start=3))
    third = second.updated({"a": None})
    assert [m.value for m in first] == ["a", "b"]
    assert [m.value for m in second] == ["a", "b", "c"]
    assert [m.value for m in third] == ["b", "c"]
    assert ("a" in first, "a" in third, len(second)) == (True, False, 3)


def test_two_versions_may_grow_from_one() -> None:
    """After a restore an old version gets a second successor; the first is unharmed."""
    first = Members().updated(_put("a"))
    one = first.updated(_put("b", start=2))
    other = first.updated(_put("c", start=2))
    assert [[m.value for m in each] for each in (first, one, other)] == [["a"], ["a", "b"], ["a", "c"]]


def test_a_member_that_comes_back_comes_last() -> None:
    """Removed and added again in one request: the order is the same in this version and when it is old."""
    first = Members().updated(_put("a", "b"))
    draft = MembersDraft(first)
    draft.discard("a")
    draft.put("a", "User", None)
    second = first.updated(draft.difference())
    order = [m.value for m in second]
    second.updated(_put("c", start=9))
    assert order == [m.value for m in second] == ["b", "a"]


def test_a_settled_version_needs_no_rebuilding() -> None:
    """A version that is in use again has its own map, and those before and after it are unharmed."""
    first = Members().updated(_put("a"))
    second = first.updated(_put("b", start=2))
    third = second.updated({"a": None})
    second.settle()
    assert second._map is not None
    assert [[m.value for m in each] for each in (first, second, third)] == [["a"], ["a", "b"], ["b"]]


def test_an_old_version_holds_no_more_than_a_group_of_differences() -> None:
    """Whatever came after: and still each version shows what it held, and what differs between two is found."""
    version = Members().updated(_put(*(f"m{n}" for n in range(1500))))
    seen = [(version, {m.value for m in version})]
    for n in range(5000):
        changes = {f"m{n % 700}": None, f"m{n % 1100 + 400}": Member(f"m{n % 1100 + 400}", "User", None, 2000 + n)}
        version = version.updated({v: m for v, m in changes.items() if version.get(v) != m})
        if n % 100 == 0:
            seen.append((version, {m.value for m in version}))
    for old, expected in seen:
        assert {m.value for m in old} == expected
        assert [m.seq for m in old] == sorted(m.seq for m in old)
        assert len(old._steps_to(None) or ()) < 1600
        for other in (seen[0][0], seen[20][0], seen[-1][0]):
            here, there = {m.value: m for m in old}, {m.value: m for m in other}
            found = old.changes_to(other)
            assert {**here, **found} == {**here, **there, **dict.fromkeys(here.keys() - there.keys())}


def test_a_draft_that_ends_where_it_began_differs_in_nothing() -> None:
    """Clear and put back, put and discard: no difference."""
    base = Members().updated(_put("a", "b"))
    draft = MembersDraft(base)
    draft.clear()
    draft.put("b", "User", None)
    draft.put("a", "User", None)
    draft.put("c", "User", None)
    assert draft.discard("c")
    assert not draft.discard("c")
    assert draft.difference() == {}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "drop", "clear", "commit"]), st.sampled_from("abcd"), st.sampled_from([None, "D"])
    ),
    max_size=25,
)


@given(STEPS)
@settings(max_examples=300, deadline=None)
def test_members_agree_with_a_plain_dict(steps: list[tuple[str, str, str | None]]) -> None:
    """Whatever is put, dropped and committed, each version ever made shows what a plain dict did then."""
    version = Members()
    model: dict[str, str | None] = {}
    seen: list[tuple[Members, dict[str, str | None]]] = []
    draft = MembersDraft(version)
    for verb, value, display in [*steps, ("commit", "", None)]:
        if verb == "put":
            draft.put(value, "User", display)
            model[value] = display if display is not None else model.get(value)
        elif verb == "drop":
            assert draft.discard(value) == (value in model)
            model.pop(value, None)
        elif verb == "clear":
            draft.clear()
            model.clear()
        else:
            assert {m.value: m.display for m in draft} == model
            version = version.updated(draft.difference())
            seen.append((version, dict(model)))
            draft = MembersDraft(version)
    for old, expected in seen:
        assert {m.value: m.display for m in old} == expected
        assert [m.seq for m in old] == sorted(m.seq for m in old)


def test_a_member_replaced_by_itself_stays_as_it_is() -> None:
    """A replace behind a filter that names whom it selects changes neither the order nor the version."""
    provider = Provider()
    ann, bob = provider.user("ann"), provider.user("bob")
    path = f"/Groups/{provider.group('g', ann, bob)}"
    before = provider.get(path).document
    operation = {"op": "replace", "path": f'members[value eq "{ann}"]', "value": [{"value": ann}]}
    answer = provider.ask("PATCH", path, {"schemas": [urns.PATCH_OP], "Operations": [operation]})
    assert answer.document == before
