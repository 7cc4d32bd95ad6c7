"""Faults of lists: pages that shift, lie, end early or never; the directory behind them is what it is."""

import json

import httpx
import pytest
from edge import a_user, assert_scim_error
from told import after, history, hits, names, patch, stored

USERS = "/scim/v2/Users"
GROUPS = "/scim/v2/Groups"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
TEN = {"users": [{"id": f"p-{n}", "userName": f"{n}@example.com", "displayName": f"Person {n}"} for n in range(10)]}
IDS = [f"p-{n}" for n in range(10)]


@pytest.fixture(params=["standard", "segment"])
def ten(serve, request):
    """A server of either profile with ten users."""
    return serve(request.param, fixture=TEN, clock="virtual")


@pytest.fixture
def standard(serve):
    """A server with ten users and the whole of SCIM."""
    return serve(fixture=TEN, clock="virtual")


def page(server, how="GET", **parameters):
    """One page of users, by GET or by .search."""
    if how == "GET":
        answer = server.client.get(USERS, params=parameters)
    else:
        answer = server.client.post(f"{USERS}/.search", json={"schemas": [SEARCH], **parameters})
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(document):
    """The ids on a page."""
    return [one["id"] for one in document["Resources"]]


def by_index(server, count=3, how="GET", **parameters):
    """All pages, as a client asks for them that goes on by what came, and ends at an empty page."""
    pages, start = [], 1
    while True:
        assert len(pages) < 30, "there is no end"
        found = ids(page(server, how, startIndex=start, count=count, **parameters))
        if not found:
            return pages
        pages.append(found)
        start += len(found)


def by_cursor(server, count=3, how="GET", **parameters):
    """All pages that are not empty, by cursor."""
    pages, cursor = [], ""
    while cursor is not None:
        assert len(pages) < 30, "there is no end"
        document = page(server, how, cursor=cursor, count=count, **parameters)
        pages.append(ids(document))
        cursor = document.get("nextCursor")
    return pages


def flat(pages):
    return [id_ for each in pages for id_ in each]


def struck(server):
    """Which faults each exchange met."""
    return [[fault["outcome"] for fault in entry["faults"]] for entry in server.wait_journal()]


# -- page_mutation -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["GET", "POST"])
def test_a_deletion_behind_the_cursor_hides_another(ten, how):
    """Who was shown already goes; by index the next is never shown, though it is there; the history has it."""
    ten.fault({**after("page_mutation", "user.*"), "times": 1})
    assert flat(by_index(ten, how=how)) == [id_ for id_ in IDS if id_ != "p-3"]
    assert sorted(stored(ten)) == [id_ for id_ in IDS if id_ != "p-2"]
    [change] = history(ten)
    assert (change["operation"], change["id"], change["journal"]) == ("delete", "p-2", None)
    assert struck(ten)[:3] == [[], ["delete before page 2"], []]
    assert not any(entry["committed"] for entry in ten.journal())
    assert hits(ten) == 1


def test_a_cursor_does_not_mind_a_deletion(standard):
    """By cursor nobody is missed (RFC 9865), and who was deleted ahead is simply gone."""
    standard.fault({**after("page_mutation", "user.*", at_page=3), "times": 1})
    assert flat(by_cursor(standard)) == IDS
    assert "p-5" not in stored(standard)
    standard.admin.delete("/_mockscim/faults")
    standard.fault({**after("page_mutation", "user.*", position="after"), "times": 1})
    assert flat(by_cursor(standard)) == [id_ for id_ in IDS if id_ not in ("p-5", "p-3")]


def test_each_pass_gets_one_change(standard):
    """A page asked for again is the same page, and a pass begins with the first page."""
    standard.fault(after("page_mutation", "user.*", op="insert"))
    for _ in range(2):
        page(standard, startIndex=1, count=4)
        for _ in range(3):
            page(standard, startIndex=5, count=4)
    assert [change["operation"] for change in history(standard)] == ["create", "create"]
    assert len(stored(standard)) == 12
    assert hits(standard) == 2


@pytest.mark.parametrize(
    ("position", "order"), [("before", "ascending"), ("after", "ascending"), ("before", "descending")]
)
def test_a_rename_moves_across_the_cursor(standard, position, order):
    """In a sorted list who was shown comes again at the end; who was to come is never shown."""
    sorting = {"sortBy": "userName", "sortOrder": order}
    usual = flat(by_index(standard, **sorting))
    standard.fault({**after("page_mutation", "user.*", op="rename", position=position), "times": 1})
    seen = flat(by_index(standard, **sorting))
    if position == "before":
        assert seen == [*usual[:3], *usual[4:], usual[2]]  # one is missed, one comes twice
    else:
        assert seen == [*usual[:3], usual[2], *usual[4:]]
    assert [change["operation"] for change in history(standard)] == ["update"]
    assert sum(name.startswith(("0-", "zz-")) for name in names(standard)) == 1


@pytest.mark.parametrize(("position", "place"), [("before", 0), ("after", -1)])
def test_an_insertion_into_a_sorted_list(standard, position, place):
    """Before the cursor it shifts all that follow, so that one comes twice; behind it, it is the last."""
    usual = flat(by_index(standard, sortBy="userName"))
    standard.fault({**after("page_mutation", "user.*", op="insert", position=position), "times": 1})
    seen = flat(by_index(standard, sortBy="userName"))
    new = flat(by_index(standard, sortBy="userName"))[place]
    assert new not in usual
    assert seen == ([*usual[:3], *usual[2:]] if position == "before" else [*usual, new])


def test_what_is_inserted_may_be_given(ten):
    """A resource of one's own, in creation order at the end; where it is taken, nothing happens."""
    ten.fault(after("page_mutation", "user.*", op="insert", resource=a_user("own@example.com")))
    assert len(flat(by_index(ten))) == 11
    assert "own@example.com" in names(ten)
    assert len(flat(by_index(ten))) == 11
    assert hits(ten) == 1


def test_a_change_behind_a_view(standard):
    """A stale read around it does not see what it does, and the history and the store have it."""
    standard.fault({**after("stale_read", "user.*", seconds=30), "name": "stale"})
    standard.fault({**after("page_mutation", "user.*"), "name": "change", "times": 1})
    standard.client.patch(f"{USERS}/p-7", json=patch(("replace", "title", "Cook")))
    assert flat(by_index(standard)) == IDS
    assert "p-2" not in stored(standard)
    assert stored(standard)["p-7"]["title"] == "Cook"
    standard.admin.post("/_mockscim/clock/advance", json={"by": "30s"})
    assert flat(by_index(standard)) == [id_ for id_ in IDS if id_ != "p-2"]


# -- unstable_order ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("walk", "how"), [(by_index, "GET"), (by_index, "POST"), (by_cursor, "GET")])
def test_pages_of_an_unstable_order_repeat_and_miss(standard, walk, how):
    """Each page is as long as ever, no id is twice on one page, but some come twice in a pass and some not at all."""
    standard.fault(after("unstable_order", "user.*"))
    pages = walk(standard, how=how)
    assert [len(each) for each in pages] == [3, 3, 3, 1]
    assert all(len(set(each)) == len(each) for each in pages)
    assert set(flat(pages)) < set(IDS)
    assert walk(standard, how=how) != pages


def test_the_disorder_follows_from_the_seed(serve):
    """The same seed and requests, the same order; a seed of the fault's own makes another; a whole list is shuffled."""

    def run(of_server, **parameters):
        server = serve(fixture=TEN, seed=of_server)
        server.fault(after("unstable_order", "user.*", **parameters))
        return by_index(server, count=20)

    [first] = run(1)
    assert sorted(first) == IDS
    assert first != IDS
    assert run(1) == [first]
    assert run(2) != [first]
    assert run(1, seed=5) == run(2, seed=5) != [first]


def test_a_sorted_list_keeps_its_order(standard):
    """Who asks with sortBy is answered in order, and that is no hit."""
    standard.fault(after("unstable_order", "user.*"))
    assert flat(by_index(standard, sortBy="userName")) == IDS
    assert hits(standard) == 0


# -- total_results -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["GET", "POST"])
@pytest.mark.parametrize(
    ("parameters", "totals"),
    [
        ({"mode": "plus"}, [11, 11]),
        ({"mode": "plus", "by": 5}, [15, 15]),
        ({"mode": "minus", "by": 3}, [7, 7]),
        ({"mode": "minus", "by": 30}, [0, 0]),
        ({"mode": "page_size"}, [4, 4]),
        ({"mode": "zero"}, [0, 0]),
        ({"mode": "grows"}, [11, 12]),
        ({"mode": "string"}, ["10", "10"]),
    ],
)
def test_the_total_is_wrong(ten, how, parameters, totals):
    """The total lies in its way; the page itself is right."""
    ten.fault(after("total_results", "user.*", **parameters))
    pages = [page(ten, how, startIndex=start, count=4) for start in (1, 5)]
    assert [each["totalResults"] for each in pages] == totals
    assert [ids(each) for each in pages] == [IDS[:4], IDS[4:8]]
    assert struck(ten) == [[f"totalResults {parameters['mode']}"]] * 2
    assert len(stored(ten)) == 10


def test_a_right_total_is_no_hit(ten):
    """page_size where all are on the page; and a list that is refused."""
    ten.fault(after("total_results", "user.*", mode="page_size"))
    assert page(ten)["totalResults"] == 10
    assert_scim_error(ten.client.get(USERS, params={"count": "x"}), 400)
    assert struck(ten) == [[], []]
    assert hits(ten) == 0


# -- start_index ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["GET", "POST"])
@pytest.mark.parametrize(
    ("mode", "first", "second", "said"),
    [
        ("zero_based", IDS[1:4], IDS[4:7], [1, 4]),
        ("minus_one", IDS[0:3], IDS[2:5], [1, 4]),
        ("plus_one", IDS[1:4], IDS[4:7], [1, 4]),
        ("ignored", IDS[0:3], IDS[0:3], [1, 1]),
        ("echo_wrong", IDS[0:3], IDS[3:6], [0, 3]),
    ],
)
def test_start_index_means_something_else(ten, how, mode, first, second, said):
    """Where pages begin, and what they say of it."""
    ten.fault(after("start_index", "user.*", mode=mode))
    pages = [page(ten, how, startIndex=start, count=3) for start in (1, 4)]
    assert [ids(each) for each in pages] == [first, second]
    assert [each["startIndex"] for each in pages] == said
    assert all(each["totalResults"] == 10 for each in pages)


def test_no_start_index_counts_from_zero_too(standard):
    """Without one a zero-based provider begins at the first and says 0; by cursor there is none to get wrong."""
    standard.fault(after("start_index", "user.*", mode="zero_based"))
    document = page(standard, count=3)
    assert (ids(document), document["startIndex"]) == (IDS[:3], 0)
    assert flat(by_cursor(standard)) == IDS
    assert hits(standard) == 1


def test_an_ignored_start_index_has_no_end(standard):
    """The client that goes on by what came gets the first page for ever."""
    standard.fault(after("start_index", "user.*", mode="ignored"))
    with pytest.raises(AssertionError, match="no end"):
        by_index(standard)
    assert hits(standard) == 29  # the first page was right


# -- page_cap ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["GET", "POST"])
def test_pages_are_shorter_than_asked(ten, how):
    """Whoever goes on by what came sees all; the last page and shorter ones are no hits."""
    ten.fault(after("page_cap", "user.*", max=4))
    assert by_index(ten, count=6, how=how) == [IDS[:4], IDS[4:8], IDS[8:]]
    document = page(ten, how)
    assert (ids(document), document["itemsPerPage"], document["totalResults"]) == (IDS[:4], 4, 10)
    assert ids(page(ten, how, count=3)) == IDS[:3]
    assert struck(ten)[:3] == [["at most 4 on a page"]] * 2 + [[]]
    assert hits(ten) == 3


def test_cursors_go_on_behind_a_shorter_page(standard):
    """Also where the fault comes and goes within a pass: the count of the cursor is still the client's."""
    standard.fault({**after("page_cap", "user.*", max=2), "skip": 1, "times": 2})
    assert by_cursor(standard, count=3) == [IDS[:3], IDS[3:5], IDS[5:7], IDS[7:]]


def test_one_page_may_be_empty_before_the_end(standard):
    """The second page of each pass; asked for again, by index or by the cursor it gives, it comes."""
    standard.fault(after("page_cap", "user.*", max=4, empty_before_end=True))
    for _ in range(2):
        asked = [page(standard, startIndex=start, count=9) for start in (1, 5, 5, 9)]
        assert [ids(each) for each in asked] == [IDS[:4], [], IDS[4:8], IDS[8:]]
        assert (asked[1]["totalResults"], asked[1]["itemsPerPage"]) == (10, 0)
    assert by_cursor(standard, count=9) == [IDS[:4], [], IDS[4:8], IDS[8:]]


def test_a_capped_list_is_not_kept_for_others(serve):
    """A list long enough to be kept comes whole to who is not hit, before and after."""
    users = [{"id": f"p-{n}", "userName": f"{n}@example.com", "displayName": "-" * 200} for n in range(60)]
    server = serve(fixture={"users": users})
    rule = after("page_cap", "user.list", max=40)
    rule["match"]["header"] = {"X-Short": "*"}
    server.fault(rule)
    for _ in range(2):
        assert len(ids(page(server))) == 60
        assert len(server.client.get(USERS, headers={"X-Short": "1"}).json()["Resources"]) == 40


# -- page_fail -----------------------------------------------------------------------------------------------------


def test_a_page_fails_and_then_comes(ten):
    """The second page of a pass, by index; with times the retry succeeds; look-ups and first pages are let through."""
    ten.fault({**after("page_fail", "user.*", outcome="503"), "times": 1})
    assert ids(page(ten, filter='userName eq "3@example.com"')) == ["p-3"]
    assert ids(page(ten, startIndex=1, count=4)) == IDS[:4]
    assert_scim_error(ten.client.get(USERS, params={"startIndex": 5, "count": 4}), 503)
    assert ids(page(ten, startIndex=5, count=4)) == IDS[4:8]
    assert struck(ten) == [[], [], ["503"], []]
    assert hits(ten) == 1


def test_a_page_fails_each_time_by_cursor(standard):
    """Without times the same page fails again, and so it does in the next pass; the third never comes."""
    standard.fault(after("page_fail", "user.*", page=3, outcome="reset"))
    for _ in range(2):
        second = page(standard, cursor=page(standard, cursor="", count=3)["nextCursor"], count=3)
        for _ in range(2):
            with pytest.raises(httpx.TransportError):
                page(standard, cursor=second["nextCursor"], count=3)
    assert hits(standard) == 4


@pytest.mark.parametrize("outcome", ["drop", "reset", "truncate", "hang"])
def test_a_page_fails_on_the_wire(standard, outcome):
    """Each way of breaking the connection."""
    standard.fault(after("page_fail", "user.*", page=1, outcome=outcome))
    with pytest.raises(httpx.TransportError):
        standard.client.get(USERS, timeout=0.2)
    assert standard.wait_journal()[0]["faults"][0]["type"] == "page_fail"


def test_clients_have_pages_of_their_own(serve):
    """The first page of one is not the second of another."""
    server = serve(fixture=TEN, tokens=("the-token-of-a", "the-token-of-b"))
    server.fault(after("page_fail", "user.*"))
    one, other = (server.http({"Authorization": f"Bearer {token}"}) for token in ("the-token-of-a", "the-token-of-b"))
    asked = [(one, 1), (one, 4), (other, 1), (one, 7), (other, 7)]
    answers = [client.get(USERS, params={"startIndex": start, "count": 3}).status_code for client, start in asked]
    assert answers == [200, 503, 200, 200, 503]


# -- no_resources_key ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["GET", "POST"])
@pytest.mark.parametrize("when", ["empty", "always"])
def test_resources_are_left_out(ten, how, when):
    """Of an empty list, or of all; the total is still said."""
    ten.fault(after("no_resources_key", "user.*", when=when))
    nobody = page(ten, how, filter='userName eq "nobody"')
    assert ("Resources" in nobody, nobody["totalResults"]) == (False, 0)
    everybody = page(ten, how)
    assert ("Resources" in everybody, everybody["totalResults"]) == (when == "empty", 10)
    assert struck(ten) == [["no Resources"], [] if when == "empty" else ["no Resources"]]


# -- huge_page -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["GET", "POST"])
def test_count_is_ignored(ten, how):
    """All from where the page begins; where no more come than asked it is no hit."""
    ten.fault(after("huge_page", "user.*"))
    assert ids(page(ten, how, startIndex=3, count=2)) == IDS[2:]
    assert ids(page(ten, how, count=20)) == IDS
    assert struck(ten) == [["huge page"], []]


def test_a_directory_seems_to_have_so_many(ten):
    """Made-up ones follow on the first page and there is an end; by id they are not found, and the store has ten."""
    ten.fault(after("huge_page", "user.*", resources=2000))
    document = page(ten, count=5)
    assert (len(document["Resources"]), document["itemsPerPage"], document["totalResults"]) == (2000, 2000, 2000)
    assert ids(document)[:11] == [*IDS, "made-up-11"]
    assert len({one["userName"] for one in document["Resources"]}) == 2000
    assert ids(page(ten, startIndex=2001, count=5)) == []
    assert ids(page(ten, filter='userName eq "made-up-11@example.com"')) == []
    assert_scim_error(ten.client.get(f"{USERS}/made-up-11"), 404)
    assert len(stored(ten)) == 10


def test_made_up_resources_in_pages_as_asked(standard):
    """With ignore_count false they are walked through page by page, each once, with the attributes asked for."""
    standard.fault(after("huge_page", "user.*", resources=25, ignore_count=False))
    seen = flat(by_index(standard, count=4))
    assert seen == [*IDS, *(f"made-up-{n}" for n in range(11, 26))]
    document = page(standard, startIndex=10, count=2, attributes="userName")
    assert [sorted(one) for one in document["Resources"]] == [["id", "schemas", "userName"]] * 2


def test_a_huge_page_by_cursor(standard):
    """One page, and no other follows; made-up ones are at its end."""
    standard.fault(after("huge_page", "user.*", resources=12))
    assert by_cursor(standard, count=2) == [[*IDS, "made-up-11", "made-up-12"]]


def test_an_answer_has_so_many_bytes(ten):
    """Blanks make it long; it is the same JSON, and a longer answer stays as it is."""
    usual = ten.client.get(USERS)
    ten.fault(after("huge_page", "user.*", bytes="1MiB"))
    long = ten.client.get(USERS)
    assert len(long.content) == 1024 * 1024
    assert long.json() == usual.json()
    ten.admin.delete("/_mockscim/faults")
    ten.fault(after("huge_page", "user.*", bytes=10))
    assert ten.client.get(USERS).content == usual.content
    assert hits(ten) == 0


@pytest.mark.parametrize(
    ("kind", "parameters", "pointer"),
    [
        ("huge_page", {"bytes": "much"}, "/parameters/bytes"),
        ("huge_page", {"bytes": "2GiB"}, "/parameters/bytes"),
        ("huge_page", {"resources": 0}, "/parameters/resources"),
        ("page_cap", {}, "/parameters/max"),
        ("page_cap", {"max": 0}, "/parameters/max"),
        ("total_results", {}, "/parameters/mode"),
        ("start_index", {"mode": "odd"}, "/parameters/mode"),
        ("page_fail", {"page": 0}, "/parameters/page"),
        ("page_fail", {"outcome": "200"}, "/parameters/outcome"),
        ("page_mutation", {"op": "update"}, "/parameters/op"),
        ("duplicate_in_page", {"copies": 0}, "/parameters/copies"),
    ],
)
def test_a_wrong_parameter_is_pointed_at(server, kind, parameters, pointer):
    """The refusal says which one."""
    answer = server.admin.post("/_mockscim/faults", json=after(kind, **parameters))
    assert (answer.status_code, answer.json()["where"]) == (400, pointer)


# -- duplicate_in_page ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["GET", "POST"])
def test_a_resource_comes_again_on_its_page(ten, how):
    """So many copies of one at the end, counted by itemsPerPage, not by totalResults; an empty page has none."""
    ten.fault(after("duplicate_in_page", "user.*", copies=2))
    document = page(ten, how, count=4)
    assert ids(document)[:4] == IDS[:4]
    assert len(set(ids(document)[4:])) == 1
    assert set(ids(document)[4:]) <= set(IDS[:4])
    assert (document["itemsPerPage"], document["totalResults"]) == (6, 10)
    assert document["Resources"][-1] == next(one for one in document["Resources"] if one["id"] == ids(document)[-1])
    assert ids(page(ten, how, filter='userName eq "nobody"')) == []
    assert struck(ten) == [["1 resource 3 times"], []]


# -- all of them ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [USERS, GROUPS, "/scim/v2/"])
def test_all_of_them_at_once(standard, path):
    """However they nest, each answer is a list; nothing but page_mutation changes the directory."""
    kinds = [
        ("page_cap", {"max": 3, "empty_before_end": True}),
        ("total_results", {"mode": "grows"}),
        ("start_index", {"mode": "minus_one"}),
        ("unstable_order", {}),
        ("huge_page", {"resources": 30, "bytes": 5000}),
        ("duplicate_in_page", {}),
        ("no_resources_key", {}),
        ("page_mutation", {"op": "insert"}),
        ("stale_read", {"seconds": 10}),
    ]
    for order in (kinds, kinds[::-1]):
        standard.admin.delete("/_mockscim/faults")
        for kind, parameters in order:
            standard.fault({**after(kind, "*", **parameters), "name": kind})
        cursor = standard.client.get(path, params={"cursor": "", "count": 2}).json().get("nextCursor")
        for asked in (
            {},
            {"startIndex": 3, "count": 2},
            {"count": 0},
            {"startIndex": 99},
            {"cursor": cursor, "count": 2},
        ):
            answer = standard.client.get(path, params=asked)
            assert answer.status_code == 200, (asked, answer.text)
            assert json.loads(answer.content)["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:ListResponse"]
    assert {(change["operation"], change["journal"]) for change in history(standard)} <= {("create", None)}


def test_reads_by_id_and_writes_are_let_through(ten):
    """What is no list is answered as ever by each of them, and no hit."""
    for kind, parameters in [
        ("page_cap", {"max": 1}),
        ("total_results", {"mode": "plus"}),
        ("start_index", {"mode": "ignored"}),
        ("unstable_order", {}),
        ("huge_page", {"bytes": 5000}),
        ("duplicate_in_page", {}),
        ("no_resources_key", {"when": "always"}),
        ("page_mutation", {"at_page": 1}),
        ("page_fail", {"page": 1}),
    ]:
        ten.fault({**after(kind, "*", **parameters), "name": kind})
    made = ten.client.post(USERS, json=a_user())
    assert made.status_code == 201
    assert ten.client.get(f"{USERS}/{made.json()['id']}").json() == made.json()
    assert ten.client.get("/scim/v2/ResourceTypes").json()["totalResults"] == 2
    assert ten.client.delete(f"{USERS}/p-1").status_code == 204
    assert struck(ten) == [[]] * 4
    assert hits(ten) == 0
