"""Cursors (RFC 9865): what they seal, and pages that others write between."""

from __future__ import annotations

import string
from base64 import urlsafe_b64decode
from collections.abc import Callable
from typing import Any

import pytest
from devices import registry
from hypothesis import given, settings
from hypothesis import strategies as st
from provider import Answer, Provider

from mockscim.scim import urns
from mockscim.scim.cursor import Cursor, Cursors
from mockscim.scim.errors import ScimError
from mockscim.scim.table import Table

NOON = "2026-01-01T12:00:00.000Z"
QUERY = b'["user.list",[]]'


def refused(cursors: Cursors, text: str, query: bytes = QUERY, now: str = NOON) -> str | None:
    """The scimType that a cursor is refused with."""
    with pytest.raises(ScimError) as caught:
        cursors.open(text, query, now)
    assert caught.value.status == 400
    return caught.value.scim_type


# -- the seal --------------------------------------------------------------------------------------------------------

JSON = st.text(max_size=30) | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
MADE = st.builds(
    Cursor, st.lists(JSON, min_size=1, max_size=5).map(tuple), st.booleans(), st.none() | st.integers(0, 9)
)


@given(MADE, st.binary(max_size=40))
def test_what_is_sealed_is_opened(cursor: Cursor, query: bytes) -> None:
    """A cursor comes back as it was, and is made of unreserved characters (RFC 3986 §2.3)."""
    cursors = Cursors(b"key", 60)
    text = cursors.seal(cursor, query, NOON).decode()
    assert set(text) <= set(string.ascii_letters + string.digits + "-_")
    assert cursors.open(text, query, NOON) == cursor


@given(MADE, st.data())
def test_another_character_is_another_cursor(cursor: Cursor, data: st.DataObject) -> None:
    """A cursor with any character changed, lost or added was never given out."""
    cursors = Cursors(b"key", 60)
    text = cursors.seal(cursor, QUERY, NOON).decode()
    at = data.draw(st.integers(0, len(text) - 1))
    new = data.draw(st.sampled_from([c for c in string.ascii_letters + "-_=" if c != text[at]]))
    for forged in (text[:at] + new + text[at + 1 :], text[:at] + text[at + 1 :], text[:at] + new + text[at:]):
        assert refused(cursors, forged) == "invalidCursor"


@given(st.text(max_size=100))
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    """What was never given out is invalidCursor, whatever it looks like."""
    assert refused(Cursors(b"key", 60), text) == "invalidCursor"


def test_a_cursor_belongs_to_its_query_and_key() -> None:
    """Neither another query nor another provider takes it."""
    cursors = Cursors(b"key", 60)
    text = cursors.seal(Cursor((0, 0, 7), backwards=False, asked=2), QUERY, NOON).decode()
    other = Cursors(b"other", 60)
    other.seal(Cursor((0, 0, 7), backwards=False, asked=2), QUERY, NOON)
    assert refused(cursors, text, b'["group.list",[]]') == "invalidCursor"
    assert refused(other, text) == "invalidCursor"


def test_a_cursor_tells_nothing() -> None:
    """Values that are sorted by cannot be read off a cursor (RFC 9865 §5.2), nor does its text repeat."""
    cursors = Cursors(b"key", 60)
    cursor = Cursor((0, "ann@example.com", 0, 0, 7), backwards=False, asked=2)
    first, second = cursors.seal(cursor, QUERY, NOON), cursors.seal(cursor, QUERY, NOON)
    assert b"ann" not in urlsafe_b64decode(first + b"=" * (-len(first) % 4))
    assert first != second


@pytest.mark.parametrize(("later", "expected"), [("12:01:00.000", None), ("12:01:00.001", "expiredCursor")])
def test_a_cursor_ends(later: str, expected: str | None) -> None:
    """A cursor is good for as long as it is said, and then expired; a clock that went back does not end it."""
    cursors = Cursors(b"key", 60)
    text = cursors.seal(Cursor((7,), backwards=False, asked=2), QUERY, NOON).decode()
    assert cursors.open(text, QUERY, "2025-01-01T00:00:00.000Z").place == (7,)
    if expected is None:
        assert cursors.open(text, QUERY, f"2026-01-01T{later}Z").place == (7,)
    else:
        assert refused(cursors, text, now=f"2026-01-01T{later}Z") == expected


def test_forgotten_cursors() -> None:
    """Cursors from before a reset are unknown, also under the same key; equal cursors are given out again."""
    cursors = Cursors(b"key", 60)
    cursor = Cursor((7,), backwards=False, asked=2)
    text = cursors.seal(cursor, QUERY, NOON).decode()
    cursors.forget(b"key")
    assert refused(cursors, text) == "invalidCursor"
    assert cursors.seal(cursor, QUERY, NOON).decode() == text
    cursors.forget(b"other")
    cursors.seal(cursor, QUERY, NOON)
    assert refused(cursors, text) == "invalidCursor"


# -- tables ----------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(st.integers(1, 3000), unique=True, max_size=40), st.integers(-1, 3100), st.integers(0, 8))
def test_a_table_goes_on_from_any_place(seqs: list[int], place: int, count: int) -> None:
    """What comes after a place in creation order, and before it, over blocks and the holes in them."""
    provider = Provider()
    table: Table = provider.store.tables["User"]
    for seq in sorted(seqs):
        provider.store._seq = seq - 1
        provider.user(f"u{seq}")
    behind = [seq for seq in sorted(seqs) if seq > place]
    ahead = [seq for seq in sorted(seqs, reverse=True) if seq < place]
    assert [record.seq for record in table.after(place, count)] == behind[:count]
    assert [record.seq for record in table.before(place, count)] == ahead[:count]


# -- pages between writes --------------------------------------------------------------------------------------------

QUERIES: list[dict[str, str]] = [
    {},
    {"filter": "meta.created pr"},
    {"sortBy": "userName"},
    {"sortBy": "userName", "sortOrder": "descending"},
    {"sortBy": "title"},
    {"sortBy": "title", "sortOrder": "descending"},
    {"sortBy": "name.familyName", "filter": "userName pr or displayName pr"},
]
TITLES = st.sampled_from([None, "a", "A", "b", "é"])
PEOPLE = st.lists(st.tuples(st.integers(0, 30), TITLES), max_size=12)
WRITES = st.lists(st.tuples(st.sampled_from(["create", "delete", "change"]), st.integers(0, 30), TITLES), max_size=6)


class Crowd:
    """A provider with people who come, go and change, but not in what a query sorts by."""

    def __init__(self, path: str, query: dict[str, str], count: int) -> None:
        self.provider = Provider()
        self.people: list[str] = []
        self.path = path
        self.query = query
        self.count = count

    def write(self, kind: str, number: int, title: str | None) -> None:
        """Create somebody, delete somebody, or change what nothing is sorted by."""
        if kind == "create":
            name = f"{chr(97 + number % 26)}{len(self.people)}@example.com"
            self.people.append(self.provider.user(name, title=title, name={"familyName": title}))
        elif number < len(self.people):
            path = f"/Users/{self.people[number]}"
            if kind == "delete":
                self.provider.ask("DELETE", path)
            else:
                self.provider.patch(path, {"op": "replace", "path": "nickName", "value": title})

    def all(self) -> list[str]:
        """All that the query selects, in its order."""
        return self.provider.get(self.path, **self.query).ids

    def page(self, cursor: str) -> Answer:
        """One page."""
        page = self.provider.get(self.path, cursor=cursor, count=str(self.count), **self.query)
        assert page.status == 200, page.document
        assert len(page.ids) == page["itemsPerPage"] <= self.count
        return page

    def walked(self, cursor: str, direction: str, between: Callable[[], None]) -> list[str]:
        """The ids on a page and on all pages in one direction from there, with something done between them."""
        seen: list[str] = []
        for number in range(200):
            page = self.page(cursor)
            seen += page.ids if direction == "nextCursor" else page.ids[::-1]
            if direction not in page.document:
                return seen
            if number < 8:
                between()
            cursor = page[direction]
        raise AssertionError("the pages have no end")

    def last(self) -> str:
        """The cursor of the last page; empty where that is the first."""
        cursor = ""
        for _ in range(200):
            page = self.page(cursor)
            if "nextCursor" not in page.document:
                return cursor
            cursor = page["nextCursor"]
        raise AssertionError("the pages have no end")


@pytest.mark.parametrize("direction", ["nextCursor", "previousCursor"])
@settings(deadline=None)
@given(st.sampled_from(QUERIES), st.sampled_from(["/Users", "/"]), st.integers(1, 4), PEOPLE, st.data())
def test_who_stays_comes_once(
    direction: str, query: dict[str, str], path: str, count: int, people: list[Any], data: st.DataObject
) -> None:
    """Through any writes between pages, who is there throughout comes once, in order, and nobody comes twice."""
    crowd = Crowd(path, query, count)
    crowd.provider.group("one")
    for one in people:
        crowd.write("create", *one)
    crowd.provider.group("two", *crowd.people[:2])
    stayed = set(crowd.all())

    def between() -> None:
        for step in data.draw(WRITES):
            crowd.write(*step)
        stayed.intersection_update(crowd.all())

    seen = crowd.walked("" if direction == "nextCursor" else crowd.last(), direction, between)
    assert len(seen) == len(set(seen))
    ordered = [id_ for id_ in crowd.all() if id_ in stayed]
    assert [id_ for id_ in seen if id_ in stayed] == (ordered if direction == "nextCursor" else ordered[::-1])


def test_long_values_are_not_lost() -> None:
    """Values that are alike for longer than a cursor holds come all, and once."""
    crowd = Crowd("/Users", {"sortBy": "title", "sortOrder": "descending"}, 2)
    for number in range(9):
        crowd.write("create", number, "é" * 5000 + str(number % 4))
    assert sorted(crowd.walked("", "nextCursor", lambda: None)) == sorted(crowd.all())
    assert len(crowd.page("")["nextCursor"]) < 2000


def test_an_empty_page_leads_back() -> None:
    """Where all that would follow is gone, the page is empty, the last, and has what was before it before it."""
    crowd = Crowd("/Users", {}, 2)
    for number in range(4):
        crowd.write("create", number, None)
    cursor = crowd.page("")["nextCursor"]
    for number in (2, 3):
        crowd.write("delete", number, None)
    page = crowd.page(cursor)
    assert (page.ids, page["totalResults"], "nextCursor" in page.document) == ([], 2, False)
    back = crowd.page(page["previousCursor"])
    assert back.ids == crowd.people[:2]
    assert not back.document.keys() & {"nextCursor", "previousCursor"}
    for number in (0, 1):
        crowd.write("delete", number, None)
    crowd.write("create", 9, None)
    page = crowd.page(page["previousCursor"])
    assert (page.ids, "previousCursor" in page.document) == ([], False)
    assert crowd.page(page["nextCursor"]).ids == crowd.people[4:]


def test_back_to_where_nobody_is_left() -> None:
    """Where all that was before is gone, the page before is empty; the one after it begins with who is first now."""
    crowd = Crowd("/Users", {}, 2)
    for number in range(4):
        crowd.write("create", number, None)
    second = crowd.page(crowd.page("")["nextCursor"])
    for number in (0, 1):
        crowd.write("delete", number, None)
    back = crowd.page(second["previousCursor"])
    assert (back.ids, "previousCursor" in back.document) == ([], False)
    assert crowd.page(back["nextCursor"]).ids == crowd.people[2:]


def test_pages_of_several_types() -> None:
    """At the root pages go over from one type to the next, both ways, whichever was made first."""
    provider = Provider(registry=registry())
    groups = [provider.group("one"), provider.group("two")]
    users = [provider.user("ann@example.com"), provider.user("bob@example.com")]
    first = provider.get("/", cursor="", count="3")
    assert first.ids == [*users, groups[0]]
    second = provider.get("/", cursor=first["nextCursor"], count="3")
    assert second.ids == groups[1:]
    assert provider.get("/", cursor=second["previousCursor"], count="3").ids == [*users, groups[0]]


def test_pages_with_those_who_left() -> None:
    """Those who left are paged behind those who are there, where they are shown at all."""
    provider = Provider(deactivate="leave", delete="leave", left_user="inactive")
    made = [provider.user(f"{name}@example.com") for name in ("ann", "bob", "eve")]
    provider.patch(f"/Users/{made[0]}", {"op": "replace", "path": "active", "value": False})
    assert provider.get("/Users").ids == [made[1], made[2], made[0]]
    page = provider.get("/Users", cursor="", count="2")
    assert page.ids == made[1:]
    assert provider.get("/Users", cursor=page["nextCursor"], count="2").ids == [made[0]]
    provider.patch(f"/Users/{made[0]}", {"op": "replace", "path": "active", "value": True})
    assert provider.get("/Users", cursor=page["nextCursor"], count="2").ids == [made[0]]


def test_those_who_come_back_meanwhile() -> None:
    """Behind one who had left there is nobody, once all of them are back."""
    provider = Provider(deactivate="leave", delete="leave", left_user="inactive")
    made = [provider.user(f"{name}@example.com") for name in ("ann", "bob", "eve")]

    def switch(value: bool) -> None:
        for id_ in made[1:]:
            provider.patch(f"/Users/{id_}", {"op": "replace", "path": "active", "value": value})

    switch(False)
    page = provider.get("/Users", cursor="", count="2")
    assert page.ids == made[:2]
    switch(True)
    last = provider.get("/Users", cursor=page["nextCursor"], count="2")
    assert (last.ids, last["totalResults"]) == ([], 3)
    assert provider.get("/Users", cursor=last["previousCursor"], count="2").ids == made[1:]


def test_a_list_is_not_remembered_beyond_its_cursors() -> None:
    """The same page asked for later has cursors that are good from then on."""
    provider = Provider(cursor_timeout=30)
    for number in range(60):
        provider.user(f"u{number}@example.com", title="x" * 200)
    first = provider.get("/Users", cursor="", count="50")
    for _ in range(20):
        provider.get("/Users", count="50")
    again = provider.get("/Users", cursor="", count="50")
    for _ in range(20):
        provider.get("/Users", count="50")
    assert provider.get("/Users", cursor=first["nextCursor"], count="50").error == (400, "expiredCursor")
    assert provider.get("/Users", cursor=again["nextCursor"], count="50").status == 200


# -- ways to page ----------------------------------------------------------------------------------------------------


def test_by_index_only() -> None:
    """A provider without cursors ignores the parameter and publishes none."""
    provider = Provider(pagination="index")
    provider.user("ann@example.com")
    provider.user("bob@example.com")
    page = provider.get("/Users", cursor="nonsense", count="1")
    assert (page["startIndex"], page["totalResults"]) == (1, 2)
    assert "nextCursor" not in page.document
    assert "pagination" not in provider.get("/ServiceProviderConfig").document
    assert "pagination" not in str(provider.get(f"/Schemas/{urns.SERVICE_PROVIDER_CONFIG}").document)


@pytest.mark.parametrize(("way", "index"), [("cursor", False), ("cursor, index", True)])
def test_by_cursor_unless_told(way: Any, index: bool) -> None:
    """Where cursors are the default, a query that does not say gets a page by cursor (RFC 9865 §2.3, §2.4)."""
    provider = Provider(pagination=way, page_size=2)
    made = [provider.user(f"{name}@example.com") for name in ("ann", "bob", "eve")]
    told = provider.get("/ServiceProviderConfig")["pagination"]
    assert told == {
        "cursor": True,
        "index": index,
        "defaultPaginationMethod": "cursor",
        "defaultPageSize": 2,
        "cursorTimeout": 3600,
    }
    page = provider.get("/Users")
    assert (page.ids, "startIndex" in page.document) == (made[:2], False)
    assert provider.get("/Users", cursor=page["nextCursor"]).ids == made[2:]
    assert "startIndex" not in provider.get("/Users", filter='userName eq "ann@example.com"').document
    assert provider.ask("POST", "/Users/.search", {"schemas": [urns.SEARCH_REQUEST]})["nextCursor"]
    by_index = provider.get("/Users", startIndex="2")
    if index:
        assert (by_index.ids, by_index["startIndex"]) == (made[1:], 2)
    else:
        assert by_index.error == (400, "invalidValue")
        assert provider.get("/Users", startIndex="1").ids == made[:2]


def test_the_size_of_a_page() -> None:
    """Without a count a page has page_size; a count over the maximum is invalidCount by cursor, and less by index."""
    provider = Provider(page_size=2, max_results=3)
    for number in range(5):
        provider.user(f"u{number}@example.com")
    told = provider.get("/ServiceProviderConfig")["pagination"]
    assert (told["defaultPageSize"], told["maxPageSize"]) == (2, 3)
    assert provider.get("/Users")["itemsPerPage"] == 2
    assert provider.get("/Users", count="9")["itemsPerPage"] == 3
    assert provider.get("/Users", cursor="")["itemsPerPage"] == 2
    assert provider.get("/Users", cursor="", count="3")["itemsPerPage"] == 3
    assert provider.get("/Users", cursor="", count="4").error == (400, "invalidCount")


@pytest.mark.parametrize("query", [{"cursor": "", "startIndex": "1"}, {"cursor": "", "startIndex": "2", "count": "1"}])
def test_both_ways_at_once(query: dict[str, str]) -> None:
    """A cursor and a startIndex contradict each other."""
    assert Provider().get("/Users", **query).error == (400, "invalidValue")


def test_a_count_is_for_all_pages() -> None:
    """A page with another count than the first, or with one where that had none, is invalidCount (RFC 9865 §2.1)."""
    provider = Provider(page_size=2)
    for number in range(5):
        provider.user(f"u{number}@example.com")
    with_count = provider.get("/Users", cursor="", count="2")["nextCursor"]
    without = provider.get("/Users", cursor="")["nextCursor"]
    assert provider.get("/Users", cursor=with_count).error == (400, "invalidCount")
    assert provider.get("/Users", cursor=without, count="2").error == (400, "invalidCount")
    assert provider.get("/Users", cursor=with_count, count="+2").status == 200
    body = {"schemas": [urns.SEARCH_REQUEST], "cursor": "", "count": "many"}
    assert provider.ask("POST", "/Users/.search", body).error == (400, "invalidCount")
