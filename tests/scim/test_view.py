"""Views: the directory seen otherwise for a while, and exactly as it was afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from provider import Answer, Provider

from mockscim.scim.members import Members
from mockscim.scim.record import Change, Record
from mockscim.scim.view import View

NAMES = ["ann", "Ann", "beth", "chidi", "dana"]
TITLES = ["Pilot", "Cook"]
INDEXES = ["title", "username", "displayname"]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("user"), st.sampled_from(NAMES), st.sampled_from(TITLES)),
        st.tuples(st.just("group"), st.sampled_from(NAMES), st.lists(st.integers(0, 30), max_size=3)),
        st.tuples(st.just("rename"), st.integers(0, 30), st.sampled_from(NAMES)),
        st.tuples(st.just("title"), st.integers(0, 30), st.sampled_from(TITLES)),
        st.tuples(st.just("swap"), st.integers(0, 30), st.integers(0, 30)),
        st.tuples(st.just("join"), st.integers(0, 30), st.integers(0, 30)),
        st.tuples(st.just("leave"), st.integers(0, 30), st.integers(0, 30)),
        st.tuples(st.just("delete"), st.integers(0, 30), st.none()),
    ),
    max_size=25,
)


def build(steps: Iterable[tuple[str, Any, Any]]) -> tuple[Provider, list[Change]]:
    """A directory with a past, and that past; so many to begin with that rendered resources and lists are kept."""
    provider = Provider()
    history: list[Change] = []
    ids: list[str] = [provider.user(f"from-the-start-{n}", nickName="-" * 250) for n in range(9)]

    def done(answer: Answer) -> Answer:
        history.extend(answer.reply.changes if answer.reply is not None else ())
        return answer

    def pick(n: int) -> str:
        return ids[-1 - n % len(ids)]  # mostly of those with a past

    def path(id_: str) -> str:
        record = provider.store.find(id_)
        return f"/{record.type.name if record is not None else 'User'}s/{id_}"

    for kind, one, other in steps:
        if kind == "user":
            made = done(provider.ask("POST", "/Users", {"userName": one, "title": other}))
            ids += [made["id"]] if made.status == 201 else []
        elif kind == "group":
            members = [{"value": id_} for id_ in {pick(n) for n in other} if provider.store.find(id_)]
            made = done(provider.ask("POST", "/Groups", {"displayName": one, "members": members}))
            ids += [made["id"]] if made.status == 201 else []
        elif kind in ("rename", "title"):
            attribute = "title" if kind == "title" else "userName" if "Users" in path(pick(one)) else "displayName"
            done(provider.patch(path(pick(one)), {"op": "replace", "path": attribute, "value": other}))
        elif kind == "swap":
            swap(provider, path(pick(one)), path(pick(other)), done)
        elif kind == "join":
            done(provider.patch(path(pick(one)), {"op": "add", "path": "members", "value": [{"value": pick(other)}]}))
        elif kind == "leave":
            done(provider.patch(path(pick(one)), {"op": "remove", "path": f'members[value eq "{pick(other)}"]'}))
        else:
            done(provider.ask("DELETE", path(pick(one))))
    return provider, history


def swap(provider: Provider, one: str, other: str, done: Any) -> None:
    """Two users change names."""
    if one == other or not (one.startswith("/Users") and other.startswith("/Users")):
        return
    names = [provider.get(path).get("userName") for path in (one, other)]
    if None not in names:
        for path, name in ((one, "third"), (other, names[0]), (one, names[1])):
            done(provider.patch(path, {"op": "replace", "path": "userName", "value": name}))


def versions(history: Iterable[Change]) -> dict[tuple[str, str], list[Record | None]]:
    """All that each resource ever was."""
    found: dict[tuple[str, str], list[Record | None]] = {}
    for change in history:
        found.setdefault((change.type.name, change.id), []).append(change.before)
    return found


def fresh(provider: Provider) -> Provider:
    """A directory made anew of what another one shows."""
    other = Provider(registry=provider.registry)
    for name, table in provider.store.tables.items():
        for record in table:
            members = {member.value: member for member in record.members or ()}
            other.store.show(other.store.tables[name], None, record, members)
    return other


def answers(provider: Provider) -> list[tuple[int, str]]:
    """What reads of all kinds are answered, without the order of a user's groups, which means nothing."""
    asked = ["/Users", "/Groups", "/Users?sortBy=userName", "/"]
    asked += [f'/Users?filter=userName eq "{name}"' for name in NAMES]
    asked += [f'/Users?filter=title eq "{title}" and userName pr' for title in TITLES]
    asked += [f'/Groups?filter=displayName eq "{name}"' for name in NAMES]
    asked += [f'/Groups?filter=members.value eq "id-{n}"' for n in range(1, 6)]
    asked += [f"/Users/id-{n}" for n in range(1, 6)] + [f"/Groups/id-{n}" for n in range(1, 6)]
    found = []
    for each in asked:
        path, _, text = each.partition("?")
        answer = provider.get(path, **dict([text.split("=", 1)])) if text else provider.get(path)
        document = answer.document
        for resource in [document, *document.get("Resources", ())]:
            if "groups" in resource:
                resource["groups"].sort(key=lambda group: group["value"])
        found.append((answer.status, json.dumps(document, sort_keys=True)))
    return found


def indexes(provider: Provider) -> Any:
    """Who is found by what, and who is in which group."""
    words = [word.casefold() for word in (*NAMES, *TITLES, "third")]
    tables = provider.store.tables.items()
    return (
        {(name, key, word): table.lookup(key, word) for name, table in tables for key in INDEXES for word in words},
        {name: {key: dict(held) for key, held in table.unique.items()} for name, table in tables},
        {member: set(groups) for member, groups in provider.store.memberships.items()},
    )


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, data=st.data())
def test_a_view_is_a_directory_of_its_own_and_leaves_no_trace(steps: Any, data: st.DataObject) -> None:
    """What is seen is what a new directory of those versions would show; afterwards all is as before, to the byte."""
    provider, history = build(steps)
    provider.store.snapshot("kept")
    before = provider.state(), answers(provider), indexes(provider)
    again = [provider.get(path).document for path in ("/Users", "/Groups")]
    past = versions(history)
    views = []
    for _ in range(data.draw(st.integers(1, 2), label="nested")):
        seen = {key: data.draw(st.sampled_from(found)) for key, found in past.items() if data.draw(st.booleans())}
        view = View(provider.store, seen)
        view.enter()
        views.append(view)
        assert answers(provider) == answers(fresh(provider))
        assert indexes(provider) == indexes(fresh(provider))
    for view in reversed(views):
        view.leave()
    assert [provider.get(path).document for path in ("/Users", "/Groups")] == again
    assert (provider.state(), answers(provider), indexes(provider)) == before
    assert answers(fresh(provider)) == before[1]
    assert indexes(fresh(provider)) == before[2]
    provider.store.restore("kept", renew=False)
    assert provider.state() == before[0]


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, n=st.integers(0, 25))
def test_undoing_all_changes_since_some_time_shows_that_time(steps: Any, n: int) -> None:
    """The view of a moment answers as the directory did at that moment, but for the order of a user's groups."""
    early, past = build(steps[:n])
    then = answers(early)
    provider, history = build(steps)
    seen: dict[tuple[str, str], Record | None] = {}
    for change in history[len(past) :]:
        seen.setdefault((change.type.name, change.id), change.before)
    view = View(provider.store, seen)
    view.enter()
    assert [without_times(each) for each in answers(provider)] == [without_times(each) for each in then]
    view.leave()


def without_times(answer: tuple[int, str]) -> tuple[int, Any]:
    """The two directories were asked at other times, and failed requests take time."""

    def bare(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: bare(v) for k, v in value.items() if k not in ("created", "lastModified")}
        return [bare(item) for item in value] if isinstance(value, list) else value

    return answer[0], bare(json.loads(answer[1]))


def test_two_never_hold_one_name_in_a_view() -> None:
    """Whose old name another has by now is seen as it is; so the look-up finds one, and the one that has it."""
    provider = Provider()
    first = provider.user("ann")
    old = provider.store.find(first)
    provider.patch(f"/Users/{first}", {"op": "replace", "path": "userName", "value": "beth"})
    second = provider.user("ann")
    view = View(provider.store, {("User", first): old})
    view.enter()
    assert provider.get("/Users", filter='userName eq "ann"').ids == [second]
    assert provider.get(f"/Users/{first}")["userName"] == "beth"
    view.leave()
    assert provider.get("/Users", filter='userName eq "ann"').ids == [second]
    assert provider.get("/Users", filter='userName eq "beth"').ids == [first]


def test_the_groups_of_a_user_keep_their_order() -> None:
    """A group that is looked at as it was does not move to the end of anybody's groups."""
    provider = Provider()
    user = provider.user("ann")
    first, second = provider.group("one"), provider.group("two", user)
    bare = provider.store.find(first)
    provider.patch(f"/Groups/{first}", {"op": "add", "path": "members", "value": [{"value": user}]})
    provider.patch(f"/Groups/{second}", {"op": "replace", "path": "displayName", "value": "zwei"})
    before = provider.get(f"/Users/{user}").document
    view = View(provider.store, {("Group", first): bare, ("Group", second): None})
    view.enter()
    assert "groups" not in provider.get(f"/Users/{user}").document
    view.leave()
    assert provider.get(f"/Users/{user}").document == before


def test_a_view_of_a_large_group_costs_what_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks at a user, not at the group, pays for the members that came, not for those that stay."""
    provider = Provider()
    users = [provider.user(f"u{n}") for n in range(20)]
    group = provider.group("all", *users[:-1])
    old = provider.store.find(group)
    provider.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": users[-1]}]})
    monkeypatch.delattr(Members, "_rebuilt")  # what makes the whole of an older version
    touched: list[str] = []
    remember = provider.store._remember_members
    monkeypatch.setattr(
        provider.store, "_remember_members", lambda *args: (touched.extend(args[3]), remember(*args))[1]
    )
    view = View(provider.store, {("Group", group): old})
    view.enter()
    assert provider.groups_of(users[-1]) == {}
    assert provider.groups_of(users[0]) == {group: "direct"}
    view.leave()
    assert provider.groups_of(users[-1]) == {group: "direct"}
    assert touched == [users[-1]] * 2


def test_who_has_left_is_not_seen_twice() -> None:
    """Where those who left stay visible, one who is looked at as before is in the list once, and in."""
    provider = Provider(deactivate="leave", delete="leave", left_user="inactive", join_accounts=True)
    user = provider.user("ann")
    before = provider.store.find(user)
    provider.patch(f"/Users/{user}", {"op": "replace", "path": "active", "value": False})
    view = View(provider.store, {("User", user): before})
    view.enter()
    assert [one["active"] for one in provider.get("/Users")["Resources"]] == [True]
    view.leave()
    assert [one["active"] for one in provider.get("/Users")["Resources"]] == [False]
