"""Lists: paging, sorting, searching (RFC 7644 §3.4.2, §3.4.3)."""

from __future__ import annotations

from typing import Any

import pytest
from devices import DEVICE, RACK, registry
from hypothesis import given
from hypothesis import strategies as st
from provider import ENTERPRISE, Provider

from mockscim.scim import urns


@pytest.fixture(scope="module")
def ten() -> Provider:
    """Ten users, id-1 to id-10."""
    provider = Provider()
    for n in range(10):
        provider.user(f"u{n}", title="even" if n % 2 == 0 else "odd")
    return provider


ALL = [f"id-{n}" for n in range(1, 11)]
HUGE = "9" * 5000


@pytest.mark.parametrize(
    ("query", "ids", "start"),
    [
        ({}, ALL, 1),
        ({"startIndex": "1", "count": "3"}, ALL[:3], 1),
        ({"startIndex": "4", "count": "3"}, ALL[3:6], 4),
        ({"startIndex": "9", "count": "5"}, ALL[8:], 9),
        ({"startIndex": "10"}, ALL[9:], 10),
        ({"startIndex": "11"}, [], 11),
        ({"startIndex": "0"}, ALL, 1),
        ({"startIndex": "-5", "count": "2"}, ALL[:2], 1),
        ({"count": "0"}, [], 1),
        ({"count": "-1"}, [], 1),
        ({"count": "99999999999"}, ALL, 1),
        ({"count": HUGE}, ALL, 1),
        ({"count": "-" + HUGE}, [], 1),
        ({"startIndex": "-" + HUGE}, ALL, 1),
        ({"startIndex": "00000000000000000000000002", "count": "+1"}, ALL[1:2], 2),
        ({"startIndex": "", "count": ""}, ALL, 1),
        ({"STARTINDEX": "2", "Count": "1"}, ALL[1:2], 2),
    ],
    ids=lambda value: str(value)[:60],
)
@pytest.mark.parametrize("more", [{}, {"filter": "userName pr"}, {"sortBy": "userName"}])
def test_pages(ten: Provider, query: dict[str, str], ids: list[str], start: int, more: dict[str, str]) -> None:
    """The page asked for, the true total and itemsPerPage of what is there; with filter and sort as without."""
    answer = ten.get("/Users", **query, **more)
    assert answer.status == 200
    assert answer.ids == ids
    assert (answer["totalResults"], answer["startIndex"], answer["itemsPerPage"]) == (10, start, len(ids))
    assert answer["schemas"] == [urns.LIST_RESPONSE]


@pytest.mark.parametrize("name", ["startIndex", "count"])
@pytest.mark.parametrize("value", ["x", "1.5", "1e3", "--1", "-", "+", " 1", "1 ", "٣", "0x1", "1_0", "null", "²"])
def test_a_page_that_is_no_number_is_refused(ten: Provider, name: str, value: str) -> None:
    """400 invalidValue."""
    assert ten.get("/Users", **{name: value}).error == (400, "invalidValue")


def test_a_start_beyond_all_numbers_is_an_empty_page(ten: Provider) -> None:
    """No resource is there, and the answer is still JSON that can be read."""
    answer = ten.get("/Users", startIndex=HUGE)
    assert (answer.ids, answer["totalResults"], answer["itemsPerPage"]) == ([], 10, 0)


def test_a_provider_s_bound_holds(ten: Provider) -> None:
    """At most maxResults in a page, whatever is asked for."""
    provider = Provider(max_results=2)
    for n in range(3):
        provider.user(f"u{n}")
    assert len(provider.get("/Users").ids) == 2
    assert len(provider.get("/Users", count="3").ids) == 2
    assert len(provider.get("/Users", count="1").ids) == 1
    assert provider.get("/Users")["totalResults"] == 3


@given(st.integers(-2, 14), st.integers(-2, 14), st.sets(st.integers(1, 30), max_size=29), st.booleans())
def test_pages_of_a_list_with_gaps(start: int, count: int, gone: set[int], filtered: bool) -> None:
    """After any deletions a page is that slice of what is left, in creation order."""
    provider = Provider()
    for n in range(1, 31):
        provider.user(f"u{n}")
    for n in gone:
        provider.ask("DELETE", f"/Users/id-{n}")
    left = [f"id-{n}" for n in range(1, 31) if n not in gone]
    query = {"startIndex": str(start), "count": str(count)} | ({"filter": "userName pr"} if filtered else {})
    first = max(start, 1) - 1
    assert provider.get("/Users", **query).ids == left[first : first + max(count, 0)]


def test_lists_keep_creation_order() -> None:
    """Changes do not move a resource; beyond a block of the table too."""
    provider = Provider()
    ids = [provider.user(f"u{n}") for n in range(2100)]
    provider.patch("/Users/id-5", {"op": "add", "path": "title", "value": "T"})
    provider.ask("DELETE", "/Users/id-1030")
    ids.remove("id-1030")
    assert provider.get("/Users").ids == ids
    assert provider.get("/Users", startIndex="1020", count="30").ids == ids[1019:1049]


# -- sorting ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sortable() -> Provider:
    """Users with all kinds of values, some without any."""
    provider = Provider()
    provider.user("c", displayName="beta", emails=[{"value": "z"}, {"value": "a", "primary": True}], active=True)
    provider.user("A", displayName="Alpha", emails=[{"value": "m"}, {"value": "b"}], active=False)
    provider.user("b", name={"familyName": "x"}, externalId="B")
    provider.user(
        "d", displayName="alpha", externalId="a", **{ENTERPRISE: {"department": "D", "manager": {"value": "1"}}}
    )
    return provider


@pytest.mark.parametrize(
    ("by", "order"),
    [
        ("userName", "2314"),
        ("displayName", "2413"),
        ("DISPLAYNAME", "2413"),
        ("emails", "1234"),
        ("emails.value", "1234"),
        ("active", "2134"),
        ("name.familyName", "3124"),
        ("externalId", "3412"),
        (f"{urns.USER}:userName", "2314"),
        (f"{ENTERPRISE}:department", "4123"),
        (f"{ENTERPRISE}:manager.value", "4123"),
        (f"{ENTERPRISE}:manager", "4123"),
        ("department", "4123"),
        ("meta.created", "1234"),
        ("id", "1234"),
        ("title", "1234"),
    ],
)
def test_sort(sortable: Provider, by: str, order: str) -> None:
    """Ascending with those without a value last, in the order they had; by case or not as the attribute says."""
    assert sortable.get("/Users", sortBy=by).ids == [f"id-{n}" for n in order]


def test_descending_has_those_without_a_value_first(sortable: Provider) -> None:
    """RFC 7644 §3.4.2.3."""
    assert sortable.get("/Users", sortBy="displayName", sortOrder="descending").ids == ["id-3", "id-1", "id-2", "id-4"]
    assert sortable.get("/Users", sortBy="active", sortOrder="DESCENDING").ids == ["id-3", "id-4", "id-1", "id-2"]


@pytest.mark.parametrize(
    "query",
    [
        {"sortBy": "nonsense"},
        {"sortBy": "name.nonsense"},
        {"sortBy": "userName.x"},
        {"sortBy": "["},
        {"sortBy": 'emails[type eq "work"]'},
        {"sortBy": "password"},
        {"sortBy": "name"},
        {"sortBy": "userName", "sortOrder": "down"},
        {"sortOrder": "down"},
        {"sortBy": "a" * 100_000},
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_sort_that_cannot_be_is_refused(sortable: Provider, query: dict[str, str]) -> None:
    """400, whatever is wrong with it."""
    assert sortable.get("/Users", **query).status == 400


def test_sorting_reads_no_members(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups sorted by name do not have their members rendered for it."""
    provider = Provider()
    provider.group("b", provider.user("x"))
    provider.group("a")
    monkeypatch.setattr(provider.store, "_members", lambda *_: pytest.fail("members were rendered"))
    assert provider.get("/Groups", sortBy="displayName", attributes="displayName").ids == ["id-3", "id-2"]


# -- search and root --------------------------------------------------------------------------------------------------


def test_search_by_post_is_the_same_query(ten: Provider) -> None:
    """A SearchRequest gives what the query string gives (RFC 7644 §3.4.3)."""
    request = {"filter": 'title eq "odd"', "sortBy": "userName", "sortOrder": "descending", "startIndex": 2, "count": 2}
    asked = {name: str(value) for name, value in request.items()}
    answer = ten.ask(
        "POST", "/Users/.search", {"schemas": [urns.SEARCH_REQUEST], "attributes": ["userName"], **request}
    )
    assert answer.status == 200
    assert answer.leniencies == set()
    assert answer.document == ten.get("/Users", attributes="userName", **asked).document
    assert ten.store.commits == 10


@pytest.mark.parametrize(
    "body",
    [
        [],
        5,
        {"filter": 5},
        {"count": "1"},
        {"count": True},
        {"startIndex": 1.5},
        {"attributes": "userName"},
        {"attributes": [5]},
        {"excludedAttributes": {}},
        {"sortBy": []},
        {"sortOrder": 1},
        {"filter": ""},
        {"attributes": ["a"], "excludedAttributes": ["b"]},
    ],
    ids=str,
)
def test_a_search_request_that_is_none(ten: Provider, body: Any) -> None:
    """400 for whatever does not fit."""
    assert ten.ask("POST", "/Users/.search", body).status == 400
    assert ten.ask("POST", "/.search", body).status == 400


def test_the_root_lists_all_types() -> None:
    """GET / and POST /.search: a filter on an attribute of one type leaves the others out (RFC 7644 §3.4.2.1)."""
    provider = Provider()
    user, group = provider.user("x", displayName="N"), provider.group("N")
    assert provider.get("/").ids == [user, group]
    assert provider.get("/", count="1", startIndex="2").ids == [group]
    assert provider.get("/", filter='displayName eq "n"').ids == [user, group]
    assert provider.get("/", filter='userName eq "x"').ids == [user]
    assert provider.get("/", filter="members pr").ids == []
    assert provider.get("/", filter='meta.resourceType eq "Group"').ids == [group]
    assert provider.get("/", sortBy="userName").ids == [user, group]
    assert provider.ask("POST", "/.search", {"filter": "nonsense pr"}).ids == []


def test_a_parameter_given_twice(ten: Provider) -> None:
    """The same value twice is one; two values are 400; parameters of others are not ours to refuse."""
    assert len(ten.get("/Users", count="1", COUNT="1").ids) == 1
    assert ten.get("/Users", count="1", COUNT="2").error == (400, "invalidValue")
    assert len(ten.get("/Users", aadOptscim062020="", other="x").ids) == 10


def test_a_filter_and_its_index_agree() -> None:
    """An equality through an index gives what a scan gives, after changes too; and in ``and`` with more."""
    provider = Provider()
    for n in range(20):
        provider.user(f"u{n}", externalId=f"E{n % 3}", emails=[{"value": f"M{n % 4}@X"}], displayName=f"D{n % 5}")
    texts = [
        'externalId eq "E1"',
        'emails.value eq "m2@x"',
        'emails eq "m2@x"',
        'displayName eq "d3"',
        'userName eq "U7"',
    ]
    for turn in range(2):
        for text in texts:
            scan = f"({text}) or (not (userName pr))"
            assert provider.get("/Users", filter=text).ids == provider.get("/Users", filter=scan).ids != []
            narrowed = f'{text} and userName ne "u1"'
            assert provider.get("/Users", filter=narrowed).ids == [
                each for each in provider.get("/Users", filter=text).ids if each != "id-2"
            ]
        provider.patch(
            "/Users/id-3", {"op": "replace", "value": {"externalId": "E1", "displayName": "d3", "emails": []}}
        )
        provider.ask("DELETE", "/Users/id-8")
        provider.user("u7" if not turn else "other", emails=[{"value": "m2@x"}, {"value": "M2@X"}])
        provider.ask("DELETE", "/Users/id-4")
    assert provider.get("/Users", filter='externalId eq "e1"').ids == []


def test_schemas_are_compared_as_any_attribute(ten: Provider) -> None:
    """`schemas eq` finds by a URN (RFC 7644 §3.4.2.2, figure 2), though schemas are no stored attribute."""
    assert ten.get("/Users", filter=f'schemas eq "{urns.USER}"')["totalResults"] == 10
    assert ten.get("/Users", filter=f'schemas eq "{urns.USER}" and userName eq "u3"')["totalResults"] == 1
    assert ten.get("/Users", filter=f'schemas eq "{ENTERPRISE}"')["totalResults"] == 0


@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_dates_are_sorted_as_the_moments_that_they_name(order: str) -> None:
    """Whatever their zone, fraction and age; what has none comes last, first when descending (RFC 7644 §3.4.2.3)."""
    provider = Provider(registry=registry())
    moments = [
        "-0400-03-01T00:00:00Z",
        "0000-03-01T00:00:00Z",
        "2025-12-31T23:59:59.5-00:00",
        "2026-01-01T12:59:59.75+13:00",
        "2025-12-31T24:00:00",
        "2026-01-01T00:00:00.05Z",
        "2026-01-01T00:00:00.5Z",
        "12026-01-01T00:00:00Z",
        None,
    ]
    made = {}
    for n in (4, 8, 0, 7, 2, 6, 1, 5, 3):
        body = {"schemas": [DEVICE], "serialNumber": f"s{n}", "bought": moments[n]}
        made[n] = provider.ask("POST", "/Devices", body)["id"]
    expected = [made[n] for n in range(9)][:: 1 if order == "ascending" else -1]
    assert provider.get("/Devices", sortBy="bought", sortOrder=order).ids == expected
    assert provider.get("/Devices", sortBy=f"{DEVICE}:bought", sortOrder=order, count="3").ids == expected[:3]


@pytest.mark.parametrize("name", ["pin", "case.key", f"{RACK}:secret"])
def test_nothing_is_sorted_by_what_is_never_returned(name: str) -> None:
    """The order would tell it: 400 invalidPath, also for a part of a complex attribute."""
    provider = Provider(registry=registry())
    assert provider.get("/Devices", sortBy=name).error == (400, "invalidPath")
