"""Each scenario that comes along, played over a real socket until every rule of it has struck."""

import json

import httpx
import pytest
from edge import a_user
from told import a_group, advance, history, names, patch, stored

from mockscim.faults import bundled_scenarios, compile_rules, read_scenario
from mockscim.server.oauth import parse_client

USERS = "/scim/v2/Users"
GROUPS = "/scim/v2/Groups"
ZED = "zed@example.com"
FORM = {"grant_type": "client_credentials", "client_id": "app", "client_secret": "secret"}


@pytest.fixture
def play(serve):
    """A server with a scenario in force, 100 people, and a clock that is told."""

    def start(name, fixture="people-100.json"):
        scenario = read_scenario(name)
        clients = (parse_client("app:secret"),)
        server = serve(fixture=fixture, clock="virtual", seed=scenario.seed, clients=clients)
        answer = server.admin.put("/_mockscim/faults", content=bundled_scenarios()[name].read_bytes())
        assert answer.status_code == 200, answer.text
        return server

    return start


def idle(server):
    """The rules that have not struck yet."""
    return [rule["name"] for rule in server.admin.get("/_mockscim/faults").json()["items"] if not rule["hits"]]


def find(server, name, path=USERS, attribute="userName"):
    """Who a client finds by name."""
    answer = server.client.get(path, params={"filter": f'{attribute} eq "{name}"'})
    return answer.json()["Resources"] if answer.status_code == 200 else None


def create(server, name=ZED):
    return server.client.post(USERS, json=a_user(name))


def lost_create(play):
    server = play("lost-create")
    with pytest.raises(httpx.TransportError):
        create(server)
    assert len(find(server, ZED)) == 1
    assert create(server).status_code == 409
    return server


def throttled_into_conflicts(play):
    server = play("throttled-into-conflicts")
    seen = [create(server, f"n{n}@example.com") for n in range(21)]
    statuses = [answer.status_code for answer in seen]
    assert statuses == [201, 201, 429, 429, 429, *[201] * 15, 429]
    assert not any("Retry-After" in answer.headers for answer in seen)
    assert [f"n{n}@example.com" in names(server) for n in (2, 20)] == [True, False]
    advance(server, "1s")
    assert create(server, "n2@example.com").status_code == 409
    assert create(server, "n20@example.com").status_code == 201
    return server


def conflict_without_scimtype(play):
    server = play("conflict-without-scimtype")
    refused = create(server)
    assert refused.status_code == 409
    assert "scimType" not in refused.json()
    [holder] = find(server, ZED)
    assert server.client.patch(f"{USERS}/{holder['id']}", json=patch(("add", "title", "x"))).status_code == 200
    return server


def conflict_for_ever(play):
    server = play("conflict-for-ever")
    assert [create(server).status_code for _ in range(5)] == [409] * 5
    assert find(server, ZED) == []
    assert server.client.post(GROUPS, json=a_group()).status_code == 201
    return server


def create_race_fails(play):
    server = play("create-race-fails")
    assert create(server).status_code == 500
    assert len(find(server, ZED)) == 1
    return server


def conflict_says_400(play):
    server = play("conflict-says-400")
    refused = create(server)
    assert (refused.status_code, refused.json()["scimType"]) == (400, "invalidValue")
    assert len(find(server, ZED)) == 1
    return server


def members_of(server, id_):
    return [member["value"] for member in stored(server, "groups")[id_].get("members", ())]


def leave(server, *, by_path):
    """Take Ann out of her group, one way or the other; who is in it then."""
    remove = ("remove", 'members[value eq "u-1"]') if by_path else ("Remove", "members", [{"value": "u-1"}])
    assert server.client.patch(f"{GROUPS}/g-1", json=patch(remove)).status_code == 200
    return members_of(server, "g-1")


def member_removal_ignored(play):
    server = play("member-removal-ignored", "small.json")
    assert "u-1" in leave(server, by_path=False)
    assert "u-1" not in leave(server, by_path=True)
    return server


def member_removal_empties_group(play):
    server = play("member-removal-empties-group", "small.json")
    assert len(leave(server, by_path=True)) == 2
    assert leave(server, by_path=False) == []
    return server


def members_silently_stripped(play):
    server = play("members-silently-stripped", "small.json")
    answer = server.client.put(f"{GROUPS}/g-2", json=a_group("Everyone", "u-3", "u-4"))
    assert answer.status_code == 200
    assert {"u-3", "u-4"}.isdisjoint(members_of(server, "g-2"))
    return server


def stale_id_after_reprovisioning(play):
    server = play("stale-id-after-reprovisioning", "small.json")
    assert server.client.patch(f"{USERS}/u-1", json=patch(("add", "title", "x"))).status_code == 404
    [ann] = find(server, "ann@example.com")
    assert ann["id"] != "u-1"
    assert server.client.get(f"{USERS}/{ann['id']}").status_code == 200
    return server


def token_dies_mid_cycle(play):
    server = play("token-dies-mid-cycle")
    pages = [server.client.get(USERS, params={"startIndex": 1 + 4 * n, "count": 4}) for n in range(21)]
    assert [page.status_code for page in pages] == [*[200] * 20, 401]
    token = server.http({}).post("/oauth/token", data=FORM).json()["access_token"]
    again = server.http({"Authorization": f"Bearer {token}"}).get(USERS, params={"startIndex": 81, "count": 4})
    assert again.json()["startIndex"] == 81
    return server


def token_owner_leaves(play):
    server = play("token-owner-leaves")
    assert [server.client.get(USERS).status_code for _ in range(11)][-1] == 401
    assert server.http({}).post("/oauth/token", data=FORM).status_code == 401
    return server


def maintenance_window(play):
    server = play("maintenance-window", "small.json")

    def look_and_leave(id_):
        return server.client.get(f"{USERS}/{id_}").status_code, server.client.delete(f"{USERS}/{id_}").status_code

    assert look_and_leave("u-1") == (200, 204)
    advance(server, "2m")
    assert look_and_leave("u-2") == (200, 503)
    advance(server, "10m")
    assert look_and_leave("u-2") == (503, 503)
    assert server.http({}).get(USERS).headers["Retry-After"] == "Thu, 01 Jan 2026 00:17:00 GMT"
    advance(server, "5m")
    assert look_and_leave("u-2") == (200, 204)
    assert [change["id"] for change in history(server) if change["type"] == "User"] == ["u-1", "u-2"]
    return server


def slow_brownout(play):
    server = play("slow-brownout")
    assert server.client.get(f"{USERS}?count=1").status_code == 200
    advance(server, "30s")  # a tenth of the worst: up to 0.3 s
    seen = [server.client.get(f"{USERS}?count=1").status_code for _ in range(3)]
    assert set(seen) <= {200, 504}
    return server


def page_through(server, path=USERS, count=100):
    """The pages as a client gets them who stops at a page that is short or brings nothing new."""
    pages, seen = [], set()
    while len(pages) < 20:
        answer = server.client.get(path, params={"startIndex": 1 + len(seen), "count": count})
        assert answer.status_code == 200
        pages.append(answer.json())
        new = {one["id"] for one in pages[-1].get("Resources", ())} - seen
        seen |= new
        if not new or len(seen) >= pages[-1]["totalResults"]:
            break
    return pages, seen


def only_the_first_fifty(play):
    server = play("only-the-first-fifty")
    first = server.client.get(USERS, params={"count": 100}).json()
    second = server.client.get(USERS, params={"startIndex": 51, "count": 100}).json()
    assert first["totalResults"] == 50
    assert [one["id"] for one in first["Resources"]] == [one["id"] for one in second["Resources"]]
    assert len(stored(server)) == 100
    return server


def a_page_one_short(play):
    server = play("a-page-one-short")
    pages, seen = page_through(server)
    assert [page["itemsPerPage"] for page in pages] == [99, 1]
    assert len(seen) == 100
    return server


def user_not_there_yet(play):
    server = play("user-not-there-yet", "small.json")
    zed = create(server).json()["id"]
    assert find(server, ZED) == []
    join = patch(("add", "members", [{"value": zed}]))
    assert server.client.patch(f"{GROUPS}/g-1", json=join).status_code == 404
    advance(server, "31s")
    assert len(find(server, ZED)) == 1
    assert server.client.patch(f"{GROUPS}/g-1", json=join).status_code == 200
    return server


def limited(play, name, count, expected, wait):
    server = play(name)
    answers = [server.client.get(f"{USERS}?count=1") for _ in range(count + 1)]
    assert [answer.status_code for answer in answers] == [*[200] * count, 429]
    assert answers[-1].headers["Retry-After"] == expected
    advance(server, wait)
    assert server.client.get(f"{USERS}?count=1").status_code == 200
    return server


def retry_after_is_a_timestamp(play):
    return limited(play, "retry-after-is-a-timestamp", 10, "1767225660", "1m")


def retry_after_is_a_fraction(play):
    return limited(play, "retry-after-is-a-fraction", 2, "1.000", "1s")


def groups_are_a_login_page(play):
    server = play("groups-are-a-login-page")
    answer = server.client.get(GROUPS)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("https://login.example.net/")
    assert "Sign in" in answer.text
    assert server.client.get(USERS).status_code == 200
    return server


def created_twice_over(play):
    server = play("created-twice-over")
    assert create(server).status_code == 504
    again = server.client.post(USERS, json=a_user(displayName="Another"))
    assert again.status_code == 201
    assert "displayName" not in again.json()
    assert names(server).count(ZED) == 1
    return server


def ask(server, method, path, **keywords):
    """The document that came, or none: what fails, fails."""
    try:
        answer = server.client.request(method, path, **keywords)
        document = answer.json() if answer.content else {}
    except (httpx.TransportError, json.JSONDecodeError):
        return {}
    return document if isinstance(document, dict) and answer.is_success else {}


def cycle(server, n):
    """A bit of everything that a client does, request by request."""
    name = f"n{n}@example.com"
    user = ask(server, "POST", USERS, json=a_user(name)).get("id")
    yield
    group = ask(server, "POST", GROUPS, json=a_group(f"Group {n}")).get("id")
    yield
    for start in (1, 21, 41):
        ask(server, "GET", USERS, params={"startIndex": start, "count": 30})
        yield
    ask(server, "GET", USERS, params={"filter": f'userName eq "{name}"'})
    yield
    if user and group:
        ask(server, "PATCH", f"{GROUPS}/{group}", json=patch(("add", "members", [{"value": user}])))
        yield
    if user:
        for method, body in (("GET", None), ("PATCH", patch(("add", "title", "x"))), ("GET", None), ("DELETE", None)):
            ask(server, method, f"{USERS}/{user}", **({"json": body} if body else {}))
            yield
        ask(server, "POST", USERS, json=a_user(name))
        yield


PRESETS = {
    "bad-gateway": None,
    "eventually-consistent": "100ms",
    "flaky": None,
    "hostile-pages": None,
    "monday-morning": "1s",
    "rate-limited": "500ms",
    "slow": None,
}
STORIES = [
    lost_create,
    throttled_into_conflicts,
    conflict_without_scimtype,
    conflict_for_ever,
    create_race_fails,
    conflict_says_400,
    member_removal_ignored,
    member_removal_empties_group,
    members_silently_stripped,
    stale_id_after_reprovisioning,
    token_dies_mid_cycle,
    token_owner_leaves,
    maintenance_window,
    slow_brownout,
    only_the_first_fifty,
    a_page_one_short,
    user_not_there_yet,
    retry_after_is_a_timestamp,
    retry_after_is_a_fraction,
    groups_are_a_login_page,
    created_twice_over,
]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_a_story(play, story):
    """What is said to happen does, a correct client has its way out, and every rule has struck."""
    server = story(play)
    assert idle(server) == []


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset(play, name):
    """Every rule of it strikes a client that does a bit of everything, soon enough, and nothing else breaks."""
    server = play(name)
    for n in range(80):
        for _ in cycle(server, n):
            left = idle(server)
            if not left:
                break
        if not left:
            break
        if PRESETS[name]:
            advance(server, PRESETS[name])
    assert left == []
    assert server.journal(status=500) == []  # no fault of these answers so


def test_none_is_left_out():
    """Each scenario that comes along is played here."""
    played = {story.__name__.replace("_", "-") for story in STORIES} | set(PRESETS)
    assert played == set(bundled_scenarios())
    assert len(STORIES) >= 12


@pytest.mark.parametrize("name", bundled_scenarios())
def test_a_scenario_is_told(name):
    """Whole sentences for people, names that are clear, and rules that compile under these names."""
    scenario = read_scenario(name)
    assert scenario.description.endswith(".")
    assert scenario.correct_client.endswith(".")
    assert "http" in scenario.source or scenario.source.startswith("A preset")
    assert [rule.name for rule in compile_rules(scenario.rules)] == [rule["name"] for rule in scenario.rules]


@pytest.mark.parametrize("name", bundled_scenarios())
def test_a_scenario_fits_segment_too(serve, name):
    """All rules are in force in the other profile as well."""
    server = serve("segment", fixture="segment-workspace.json")
    rules = read_scenario(name).rules
    answer = server.admin.put("/_mockscim/faults", json={"rules": rules})
    assert len(answer.json()["items"]) == len(rules)
