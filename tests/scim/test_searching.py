"""Long searches: in steps, of one moment, whatever is written between two of them; and what they find."""

from __future__ import annotations

from typing import Any

import pytest
from devices import EXTENSION, SCHEMA, TYPE, USERS
from drawn import BODIES, KINDS, OPERATIONS, filled, queries
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_query import text
from provider import ENTERPRISE, Answer, Provider

from mockscim.scim import call, match, paging, query, searching, selecting, table, urns
from mockscim.scim.call import Reply, Unfinished
from mockscim.scim.record import Record
from mockscim.scim.schema import Registry
from mockscim.scim.searching import finished, in_order
from mockscim.scim.table import Table

BASE = "https://example.com/v2"
PERSON = {**USERS[0], "schemaExtensions": [{"schema": ENTERPRISE, "required": False}]}
WRITES = st.lists(
    KINDS.flatmap(
        lambda kind: st.tuples(
            st.just(kind),
            st.sampled_from(["create", "change", "change", "delete"]),
            st.integers(0, 40),
            BODIES[kind],
            OPERATIONS[kind],
        )
    ),
    max_size=8,
)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of two, blocks of four: what takes a million resources takes a few."""
    for module in (call, query, searching, selecting):
        monkeypatch.setattr(module, "SLICE", 2)
    for name in ("_PAGE", "_LIGHT", "_PART"):
        monkeypatch.setattr(searching, name, 2)
    monkeypatch.setattr(table, "_BLOCK", 4)
    monkeypatch.setattr(table, "_AT_ONCE", 2)


class Directory:
    """A provider of users, groups and devices, in which random things are done."""

    @classmethod
    def populated(cls) -> Directory:
        """One that has enough for a search to take several slices; everybody is in a group."""
        directory = cls()
        for number in range(9):
            more = {"title": "ab"[number % 2], "externalId": "abc"[number % 3], ENTERPRISE: {"department": "a"}}
            mails = [{"value": "x@a", "type": "work"}] if number % 2 else []
            directory.ids.append(directory.provider.user(f"user{number}", emails=mails, **more))
        users = directory.ids[:]
        for number in range(4):
            directory.ids.append(directory.provider.group("abcd"[number], *users[number::4]))
        return directory

    def __init__(self) -> None:
        self.provider = Provider(registry=Registry.from_documents([SCHEMA, EXTENSION], [PERSON, USERS[1], TYPE]))
        self.ids: list[str] = []

    def id_of(self, _: str, number: int) -> str:
        """The id that a drawn reference stands for."""
        return self.ids[number % len(self.ids)] if self.ids else "nobody"

    def write(self, kind: str, what: str, number: int, body: dict[str, Any], operations: list[dict[str, Any]]) -> None:
        """Do something; it may be refused."""
        path = f"/{kind}s"
        if what == "create":
            made = self.provider.ask("POST", path, filled(body, self.id_of))
            if made.status == 201:
                self.ids.append(made["id"])
        elif what == "delete":
            self.provider.ask("DELETE", f"{path}/{self.id_of('id', number)}")
        else:
            self.provider.patch(f"{path}/{self.id_of('id', number)}", *filled(operations, self.id_of))

    def begun(self, path: str, parameters: dict[str, str]) -> Reply:
        """A query by somebody who is patient."""
        asked = self.provider.service.route("GET", path, BASE)
        self.provider.service.read(asked, list(parameters.items()), b"")
        asked.patient = True
        return self.provider.service.perform(asked, "2026-01-01T00:00:00.000Z")

    def answer(self, path: str, parameters: dict[str, str]) -> bytes | None:
        """The same, answered at once."""
        asked = self.provider.service.route("GET", path, BASE)
        self.provider.service.read(asked, list(parameters.items()), b"")
        return self.provider.service.perform(asked, "2026-01-01T00:00:00.000Z").body


def said(drawn: dict[str, Any], directory: Directory) -> tuple[str, dict[str, str]]:
    """The path and the parameters of a drawn query."""
    wanted = {name: value for name, value in drawn.items() if name not in ("kind", "method")}
    if "filter" in wanted:
        wanted["filter"] = text(filled(wanted["filter"], directory.id_of))
    found = {name: ",".join(v) if isinstance(v, list) else str(v) for name, v in wanted.items()}
    return f"/{drawn['kind']}s" if drawn["kind"] else "/", found


@pytest.mark.usefixtures("small")
@settings(deadline=None, max_examples=120)
@given(WRITES, queries(), st.data())
def test_an_answer_is_of_one_moment(before: list[Any], drawn: dict[str, Any], data: st.DataObject) -> None:
    """Whatever is written between the steps of a search, it answers what was so when it had begun."""
    directory = Directory.populated()
    for step in before:
        directory.write(*step)
    path, parameters = said(drawn, directory)
    for one in directory.provider.store.tables.values():
        for key in ("externalid", "title", "emails.value"):  # making these takes steps, and is before the moment
            one.lookup(key, "")
    reply = directory.begun(path, parameters)
    expected = directory.answer(path, parameters) if reply.body is None else reply.body
    if isinstance(reply, Unfinished) and reply.body is None:
        for step in data.draw(WRITES):
            directory.write(*step)
            if reply.body is None:
                reply.go_on()
        reply.finish()
    assert reply.body == expected


@pytest.mark.usefixtures("small")
@settings(deadline=None, max_examples=120)
@given(WRITES, queries())
def test_a_scan_finds_what_each_resource_by_itself_says(before: list[Any], drawn: dict[str, Any]) -> None:
    """Reading many at once, and no more than is needed, selects what the whole documents do."""
    directory = Directory()
    for step in before:
        directory.write(*step)
    path, parameters = said({"filter": ("id", "pr", None), **drawn}, directory)
    store, types = directory.provider.store, directory.provider.registry.types
    kinds = [types[drawn["kind"]]] if drawn["kind"] else list(types.values())
    expected = set()
    for kind in kinds:
        matches = match.compile_filter(
            parameters["filter"], kind, unknown="error" if drawn["kind"] else "false"
        ).matches
        expected |= {record.id for record in store.tables[kind.name] if matches(store.document(record, BASE))}
    found = directory.provider.ask("GET", path, None, {"filter": parameters["filter"]})
    assert set(found.ids) == expected
    assert found["totalResults"] == len(expected)


ACTS = st.sampled_from(["create", "change", "delete"])
TEXT = st.sampled_from(["ß", "SS", "İ", "K", "\u212a", "a\\b", 'q"u', "\u0000", "é", "x" * 300, "a/b", "\u2028"])


@pytest.mark.usefixtures("small")
@settings(deadline=None)
@given(st.lists(TEXT | st.text(max_size=4), min_size=1, max_size=9), st.sampled_from(["co", "sw", "ew", "gt", "ne"]))
def test_any_text_is_found(titles: list[str], op: str) -> None:
    """What JSON escapes, and what folding case changes, is compared as the resource by itself would be."""
    provider = Provider()
    for number, title in enumerate(titles):
        provider.user(f"u{number}", title=title, emails=[{"value": title, "type": "work"}])
    store, kind = provider.store, provider.registry.types["User"]
    for wanted in titles:
        for path in ("title", "emails.value"):
            asked = str(match.parse(f'{path} {op} "x"').node).replace('"x"', match.literal(wanted))
            matches = match.compile_filter(asked, kind).matches
            expected = [record.id for record in store.tables["User"] if matches(store.document(record, BASE))]
            assert provider.get("/Users", filter=asked).ids == expected


@given(st.lists(st.text("abc", max_size=2) | st.just("b") | st.integers(0, 5) | st.none(), max_size=300), st.booleans())
def test_sorting_in_steps_is_sorting(values: list[Any], descending: bool) -> None:
    """In parts or at once: texts, numbers, what is missing; and equal ones as they came."""
    keys = [(2, 0) if each is None else (int(isinstance(each, int)), each) for each in values]
    whole = sorted(range(len(keys)), key=keys.__getitem__, reverse=descending)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_PART", "_LIGHT", "SLICE"):
            patch.setattr(searching, name, 3)
        assert finished(in_order(values, descending=descending)) == whole


def crowd(count: int) -> Directory:
    """Many users."""
    directory = Directory()
    for number in range(count):
        directory.ids.append(directory.provider.user(f"u{number:03}", title=f"t{number % 5}"))
    return directory


@pytest.mark.usefixtures("small")
def test_a_search_goes_on_by_slices() -> None:
    """No step looks at more than a block or so: a search of 40 takes ten steps at least, and nothing is done before."""
    directory = crowd(40)
    reply = directory.begun("/Users", {"filter": 'title sw "t"', "count": "0"})
    assert isinstance(reply, Unfinished)
    steps = 1
    while not reply.go_on():
        steps += 1
    assert steps >= 10
    assert b'"totalResults":40' in (reply.body or b"")


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "parameters",
    [
        {"filter": 'title sw "t"', "count": "3"},
        {"sortBy": "title", "count": "3"},
        {"sortBy": "title", "count": "3", "cursor": ""},
    ],
)
def test_the_next_page_need_not_search_again(parameters: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What a search has found is kept until something changes, and no longer."""
    directory = crowd(40)
    looked_at: list[int] = []
    documents = directory.provider.store.documents

    def counting(kind: Any, records: Any, *more: Any, **others: Any) -> Any:
        looked_at.append(len(records))
        return documents(kind, records, *more, **others)

    monkeypatch.setattr(directory.provider.store, "documents", counting)
    first = directory.provider.get("/Users", **parameters)
    assert sum(looked_at) >= 40
    looked_at.clear()
    following = {"cursor": first["nextCursor"]} if "cursor" in parameters else {"startIndex": "4"}
    second = directory.provider.get("/Users", **{**parameters, **following})
    assert sum(looked_at) < 40
    assert not set(first.ids) & set(second.ids)
    directory.provider.user("late", title="t")
    looked_at.clear()
    assert directory.provider.get("/Users", **parameters)["totalResults"] == 41
    assert sum(looked_at) >= 41


@pytest.mark.usefixtures("small")
def test_an_abandoned_search_leaves_nothing() -> None:
    """Once nobody has it any more, writes cost what they did, and no snapshot is left."""
    directory = crowd(20)
    reply = directory.begun("/Users", {"filter": 'title sw "t"'})
    assert isinstance(reply, Unfinished)
    reply.go_on()
    store = directory.provider.store
    assert store._snapshots
    assert store.tables["User"]._readers == 1
    del reply
    assert not store._snapshots
    assert store.tables["User"]._readers == 0


@pytest.mark.usefixtures("small")
@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["create", "change", "delete"]), st.integers(0, 30), st.text("ab", max_size=2)))
)
def test_an_index_that_is_made_in_steps_is_whole(writes: list[tuple[str, int, str]]) -> None:
    """Whatever is written while it is made: it finds what one does that was made at once."""
    directory = crowd(30)
    made = directory.provider.store.tables["User"].make_index("title")
    for what, number, title in writes:
        next(made, None)
        path = f"/Users/{directory.ids[number % 30]}"
        if what == "create":
            directory.provider.user(f"n{len(directory.ids)}", title=title or "b")
            directory.ids.append("")
        elif what == "delete":
            directory.provider.ask("DELETE", path)
        else:
            directory.provider.patch(path, {"op": "replace", "path": "title", "value": title or None})
    for _ in made:
        pass
    users = directory.provider.store.tables["User"]
    fresh: Table = Provider().store.tables["User"]
    for record in users:
        fresh.put(None, record)
    words = {"t0", "t1", "t2", "t3", "t4", "a", "b", "aa", "ab", "ba", "bb"}
    assert ids_of(users, words) == ids_of(fresh, words)


def ids_of(users: Table, words: set[str]) -> dict[str, list[str]]:
    """What the index of titles finds."""
    return {word: [record.id for record in users.lookup("title", word) or ()] for word in words}


@pytest.mark.usefixtures("small")
def test_an_index_that_tells_little_apart_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where most have one of a few values it is no help; the filter finds what it should all the same."""
    monkeypatch.setattr(table, "_COARSE", 4)
    directory = crowd(60)
    assert directory.provider.get("/Users", filter='title eq "T3"')["totalResults"] == 12
    users = directory.provider.store.tables["User"]
    assert not users.lacks_index("title")
    assert "title" not in users._indexes
    assert directory.provider.get("/Users", filter='title eq "T3" and userName eq "u003"')["totalResults"] == 1


@settings(deadline=None)
@given(st.lists(st.integers(0, 59), unique=True, max_size=60), st.integers(0, 70), st.integers(0, 9))
def test_a_page_by_index_is_a_slice(gone: list[int], start: int, count: int) -> None:
    """Through holes, over blocks, over types: a page is that part of all there are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "_BLOCK", 4)
        directory = crowd(60)
        users = directory.provider.store.tables["User"]
        assert len(users.page(55, 10)) == 5
        for number in gone:
            directory.provider.ask("DELETE", f"/Users/{directory.ids[number]}")
        directory.provider.group("last")
        tables = [users, directory.provider.store.tables["Group"]]
        whole: list[Record] = [record for one in tables for record in one]
        assert paging.slice_of(tables, start, count) == whole[start : start + count]


def test_a_list_of_all_types_is_paged_without_a_look_at_all() -> None:
    """The root's pages by index count through the types."""
    provider = Provider()
    for number in range(5):
        provider.user(f"u{number}")
    group = provider.group("g")
    found: Answer = provider.ask("GET", "/", None, {"startIndex": "5", "count": "2"})
    assert found["totalResults"] == 6
    assert found.ids[1] == group
    assert urns.LIST_RESPONSE in found["schemas"]
