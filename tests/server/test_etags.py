"""Versions, and requests on condition of one (RFC 7644 §3.14, RFC 9110 §13, RFC 6585 §3)."""

import pytest
from edge import PATCH_OP, SCIM_JSON, TOKEN, USER, a_rule, assert_scim_error, request_bytes
from rfc import ANN, BASE, GROUPS, SEARCH, USERS, created, patch, patched, user

from mockscim.profiles import ProfileError
from mockscim.serve import Settings, SettingsError, build

OTHER = 'W/"none"'
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
WRITES = ["PUT", "PATCH", "DELETE"]


def tag(client, path=ANN):
    """The current version."""
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.json()["meta"]["version"] == answer.headers["ETag"]
    return answer.headers["ETag"]


def send(client, method, headers, path=ANN):
    """A read or a change of Ann that would succeed, with headers."""
    bodies = {
        "PUT": user("ann", displayName="Anne"),
        "PATCH": {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "title", "value": "Lead"}]},
    }
    return client.request(method, path, json=bodies.get(method), headers={**SCIM_JSON, **dict(headers)})


# -- what a condition means ------------------------------------------------------------------------------------------


@pytest.mark.rfc("3.14-b")
@pytest.mark.parametrize("method", ["GET", *WRITES])
def test_if_match(client, method):
    """If-Match of another version is 412 and changes nothing; of the current one, or of any with *, it is done."""
    version = tag(client)
    error = assert_scim_error(send(client, method, {"If-Match": OTHER}), 412)
    assert version in error["detail"]
    assert tag(client) == version
    assert send(client, method, {"If-Match": version}).status_code in (200, 204)
    if method != "DELETE":
        assert send(client, method, {"If-Match": "*"}).status_code == 200


@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize("condition", ["*", "{}", 'W/"none", {}'])
def test_if_none_match_of_what_is_there(client, method, condition):
    """A change with If-None-Match of the current version, or with *, is 412 (RFC 9110 §13.1.2)."""
    version = tag(client)
    assert_scim_error(send(client, method, {"If-None-Match": condition.format(version)}), 412)
    assert tag(client) == version
    assert send(client, method, {"If-None-Match": OTHER}).status_code in (200, 204)


@pytest.mark.rfc("3.14-a")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("condition", ["*", "{}", 'W/"none" ,{}'])
def test_not_modified(client, method, condition):
    """A read with If-None-Match of the current version, or with *, is 304 without a body, and says the version."""
    version = tag(client)
    answer = client.request(method, ANN, headers={"If-None-Match": condition.format(version)})
    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", version)
    assert client.request(method, ANN, headers={"If-None-Match": OTHER}).status_code == 200


@pytest.mark.parametrize("strong", [True, False])
def test_weak_comparison(client, strong):
    """W/ does not count in a comparison (RFC 9110 §8.8.3.2)."""
    version = tag(client).removeprefix("W/") if strong else tag(client)
    assert client.get(ANN, headers={"If-None-Match": version}).status_code == 304
    assert send(client, "PATCH", {"If-Match": version}).status_code == 200


def test_if_match_comes_first(client):
    """With both conditions, If-Match is asked first (RFC 9110 §13.2.2)."""
    version = tag(client)
    assert client.get(ANN, headers={"If-Match": OTHER, "If-None-Match": version}).status_code == 412
    assert client.get(ANN, headers={"If-Match": version, "If-None-Match": version}).status_code == 304
    assert client.get(ANN, headers={"If-Match": version, "If-None-Match": OTHER}).status_code == 200
    assert send(client, "PUT", {"If-Match": version, "If-None-Match": version}).status_code == 412


@pytest.mark.parametrize("name", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize("method", ["GET", *WRITES])
def test_what_is_not_there(client, name, method):
    """What would be 404 without the condition is 404 with it (RFC 9110 §13.2.1), * included."""
    for value in ("*", OTHER, "nonsense"):
        assert_scim_error(send(client, method, {name: value}, f"{USERS}/nobody"), 404)


def test_a_body_that_is_wrong(client):
    """A condition that does not hold is told before what is wrong with the resource."""
    answer = client.put(ANN, json={"schemas": [USER]}, headers={"If-Match": OTHER})
    assert_scim_error(answer, 412)


# -- how a condition is written --------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["{}", ' , ,\t{} ,W/"a,b"', '"a,b", {}', 'W/"",{},', '"é~!", {}', "*"])
def test_lists(server, value):
    """A list may have empty elements, and a tag may hold commas (RFC 9110 §5.6.1, §8.8.3)."""
    version = tag(server.client)
    raw = server.raw().send(request_bytes("GET", ANN, headers=[("If-None-Match", value.format(version))]))
    assert raw.answer()[0] == 304


@pytest.mark.parametrize("value", ["", ",,", '"a,{0},b"', '"a,b"'])
def test_lists_without_it(server, value):
    """A list that does not have the version does not match, also where a tag holds its text."""
    version = tag(server.client).removeprefix("W/").strip('"')
    raw = server.raw().send(request_bytes("GET", ANN, headers=[("If-None-Match", value.format(version))]))
    assert raw.answer()[0] == 200
    raw = server.raw().send(request_bytes("DELETE", ANN, headers=[("If-Match", value.format(version))]))
    assert raw.answer()[0] == 412


@pytest.mark.parametrize("name", ["If-Match", "If-None-Match"])
def test_several_lines(server, name):
    """Several lines of one name are one list (RFC 9110 §5.3)."""
    version = tag(server.client)
    for lines in ([OTHER, version], [version, OTHER]):
        status = server.raw().send(request_bytes("GET", ANN, headers=[(name, line) for line in lines])).answer()[0]
        assert status == (200 if name == "If-Match" else 304)
    status = server.raw().send(request_bytes("GET", ANN, headers=[(name, OTHER), (name, OTHER)])).answer()[0]
    assert status == (412 if name == "If-Match" else 200)


@pytest.mark.parametrize("name", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize("method", ["GET", *WRITES])
@pytest.mark.parametrize("value", ["5", 'W/5, W/"5"', '"5" "6"', '*, "5"', '"5', 'w/"5"', '"a b"', r"W/\"5\""])
def test_what_is_no_list(client, name, method, value):
    """What is neither * nor a list of tags is 400, with words that show one, and nothing is done."""
    version = tag(client)
    error = assert_scim_error(send(client, method, {name: value}), 400, "invalidValue")
    assert name in error["detail"]
    assert tag(client) == version


def test_a_long_header(client):
    """A long header of nothing in particular is answered at once."""
    assert client.get(ANN, headers={"If-Match": '"a"' + " " * 60_000 + "b"}).status_code == 400
    assert client.get(ANN, headers={"If-Match": ", " * 30_000 + OTHER}).status_code == 412


# -- what has no version, and what has one of another kind -----------------------------------------------------------


@pytest.mark.parametrize("path", [USERS, f"{BASE}/", f"{USERS}?filter=userName%20pr", f"{BASE}/Schemas"])
def test_lists_have_no_version(client, path):
    """A list has no ETag: no tag matches it, and * does, since it is there; its members have their versions."""
    answer = client.get(path)
    assert "ETag" not in answer.headers
    assert all(resource["meta"]["version"] for resource in answer.json()["Resources"])
    assert client.get(path, headers={"If-None-Match": OTHER}).status_code == 200
    assert client.get(path, headers={"If-None-Match": "*"}).status_code == 304
    assert client.get(path, headers={"If-Match": "*"}).status_code == 200
    assert_scim_error(client.get(path, headers={"If-Match": OTHER}), 412)


def test_members_of_lists(client):
    """The versions in a list are those of the resources, whichever way they are asked for."""
    expected = {f"u-{n}": tag(client, f"{USERS}/u-{n}") for n in range(1, 6)}
    for parameters in ({}, {"filter": "userName pr"}, {"attributes": "meta.version"}, {"cursor": "", "count": 5}):
        listed = client.get(USERS, params=parameters).json()["Resources"]
        assert {each["id"]: each["meta"]["version"] for each in listed} == expected
    one = client.get(USERS, params={"filter": 'userName eq "ann@example.com"'}).json()["Resources"][0]
    assert one["meta"]["version"] == expected["u-1"]


@pytest.mark.parametrize("path", ["ServiceProviderConfig", "ResourceTypes/User", f"Schemas/{USER}"])
def test_discovery_has_versions(client, path):
    """A discovery document has a version, the same as long as it says the same."""
    path = f"{BASE}/{path}"
    version = tag(client, path)
    assert tag(client, path) == version
    assert client.get(path, headers={"If-None-Match": version}).status_code == 304
    assert client.get(path, headers={"If-None-Match": OTHER}).status_code == 200
    assert_scim_error(client.get(path, headers={"If-Match": OTHER}), 412)


def test_a_create_on_condition(client):
    """A POST's conditions are about the endpoint, which is there and has no version (RFC 9110 §13.1)."""
    for name, value in (("If-None-Match", "*"), ("If-Match", OTHER)):
        assert_scim_error(client.post(USERS, json=user("zed"), headers={name: value}), 412)
    assert client.get(USERS, params={"filter": 'userName eq "zed@example.com"'}).json()["totalResults"] == 0
    for number, (name, value) in enumerate([("If-None-Match", OTHER), ("If-Match", "*")]):
        assert client.post(USERS, json=user(f"zed{number}"), headers={name: value}).status_code == 201


@pytest.mark.parametrize("path", [f"{USERS}/.search", f"{BASE}/.search", f"{BASE}/Bulk"])
def test_a_post_to_what_cannot_be_read(client, path):
    """Where nothing can be read, If-Match never holds and If-None-Match always does."""
    job = {"schemas": [BULK], "Operations": [{"method": "DELETE", "path": "/Users/u-1"}]}
    body = job if path.endswith("Bulk") else {"schemas": [SEARCH]}
    assert_scim_error(client.post(path, json=body, headers={"If-Match": "*"}), 412)
    assert client.get(ANN).status_code == 200
    assert client.post(path, json=body, headers={"If-None-Match": "*"}).status_code == 200


# -- groups, which are shown in a user -------------------------------------------------------------------------------


def join(client, group, *ids):
    """Add members."""
    value = [{"value": id_} for id_ in ids]
    assert patch(client, f"{GROUPS}/{group}", {"op": "add", "path": "members", "value": value}).status_code == 200


def test_a_user_s_version_has_its_groups(client):
    """Joining, leaving, renaming and nesting groups change the version of a user with what is shown of them."""
    made = f"{USERS}/{created(client, userName='zed@example.com')['id']}"
    id_ = made.rpartition("/")[2]
    one, two = (created(client, GROUPS, displayName=name)["id"] for name in ("one", "two"))
    alone = tag(client, made)
    seen = {alone}

    def moved():
        version = tag(client, made)
        assert client.get(made, headers={"If-None-Match": version}).status_code == 304
        assert all(client.get(made, headers={"If-None-Match": old}).status_code == 200 for old in seen)
        assert version not in seen
        seen.add(version)

    join(client, one, id_)
    moved()
    join(client, two, one)  # now it is indirectly in two
    moved()
    patched(client, f"{GROUPS}/{two}", {"op": "replace", "path": "displayName", "value": "three"})
    moved()
    join(client, two, id_)
    moved()
    assert client.delete(f"{GROUPS}/{two}").status_code == 204
    before = tag(client, made)
    assert before in seen  # it is shown as it was when one was its only group
    patched(client, f"{GROUPS}/{one}", {"op": "remove", "path": f'members[value eq "{id_}"]'})
    assert tag(client, made) == alone


def test_a_change_after_joining(client):
    """A version from before the user joined a group no longer matches; every place shows the new one."""
    made = created(client, userName="zed@example.com")
    path, version = f"{USERS}/{made['id']}", made["meta"]["version"]
    group = created(client, GROUPS, displayName="one", members=[{"value": made["id"]}])["id"]
    assert_scim_error(send(client, "PATCH", {"If-Match": version}, path), 412)
    answer = send(client, "PATCH", {"If-Match": tag(client, path)}, path)
    assert answer.headers["ETag"] == answer.json()["meta"]["version"] == tag(client, path)
    found = client.get(USERS, params={"filter": f"meta.version eq {version_text(tag(client, path))}"})
    assert [each["id"] for each in found.json()["Resources"]] == [made["id"]]
    assert client.get(f"{GROUPS}/{group}").json()["members"][0]["value"] == made["id"]


def version_text(version):
    """A version as the value of a filter."""
    return '"' + version.replace('"', '\\"') + '"'


def test_who_is_in_no_group(client):
    """Members that come and go leave the versions of everybody else alone."""
    versions = {n: tag(client, f"{USERS}/u-{n}") for n in range(1, 6)}
    made = created(client, userName="zed@example.com")
    created(client, GROUPS, displayName="one", members=[{"value": made["id"]}])
    assert {n: tag(client, f"{USERS}/u-{n}") for n in range(1, 6)} == versions


def test_the_journal_tells_the_version_that_was_shown(server):
    """The journal has the version that the client got."""
    made = created(server.client, userName="zed@example.com")
    created(server.client, GROUPS, displayName="one", members=[{"value": made["id"]}])
    version = tag(server.client, f"{USERS}/{made['id']}")
    assert server.wait_journal(3)[-1]["resource"]["version"] == version


# -- providers that differ -------------------------------------------------------------------------------------------


@pytest.fixture
def guarded(serve):
    """A client of a server with --require-if-match."""
    return serve(require_if_match=True).client


@pytest.mark.parametrize("method", WRITES)
def test_a_condition_is_required(guarded, method):
    """A change without If-Match is 428 (RFC 6585 §3) and not done; with it, it is; what is not there is 404."""
    version = tag(guarded)
    error = assert_scim_error(send(guarded, method, {}), 428)
    assert "If-Match" in error["detail"]
    assert_scim_error(send(guarded, method, {"If-None-Match": OTHER}), 428)
    assert_scim_error(send(guarded, method, {}, f"{USERS}/nobody"), 404)
    assert tag(guarded) == version
    assert send(guarded, method, {"If-Match": version}).status_code in (200, 204)


def test_what_needs_no_condition(guarded):
    """A read, a query and a create have nothing to be about."""
    assert guarded.get(ANN).status_code == 200
    assert guarded.post(f"{USERS}/.search", json={"schemas": [SEARCH]}).status_code == 200
    assert guarded.post(USERS, json=user("zed")).status_code == 201
    version = tag(guarded)
    assert send(guarded, "PATCH", {"If-Match": "*"}).status_code == 200
    assert tag(guarded) != version


def test_bulk_on_condition(guarded):
    """In a bulk request an operation's version is its If-Match: without it 428, another 412, no entity tag 400."""
    versions = [None, OTHER, "5", tag(guarded)]
    operations = [{"method": "DELETE", "path": "/Users/u-1", "version": version} for version in versions]
    answer = guarded.post(f"{BASE}/Bulk", json={"schemas": [BULK], "Operations": operations}).json()
    assert [each["status"] for each in answer["Operations"]] == ["428", "412", "400", "204"]


def test_a_profile_or_an_option_requires_it(serve):
    """The profile's behaviour.require_if_match does what --require-if-match does."""
    server = build(Settings(token=(TOKEN,), require_if_match=True))
    assert server.tenants.use("").policy.require_if_match
    client = serve(profile={"extends": "standard", "behaviour": {"require_if_match": True}}).client
    assert_scim_error(client.delete(ANN), 428)


def test_without_versions_none_can_be_required(serve):
    """A provider without versions cannot ask for one: neither by a profile nor by the option."""
    without = {"etag": False, "require_if_match": True}
    with pytest.raises(ProfileError, match="require_if_match"):
        serve(profile={"extends": "standard", "behaviour": without})
    with pytest.raises(SettingsError, match="--require-if-match"):
        build(Settings(profile="interop", require_if_match=True))
    with pytest.raises(ProfileError, match="If-Match"):
        serve(profile="interop", require_if_match=True)


def test_without_versions(serve):
    """Where there are no versions, conditions are ignored, malformed ones too."""
    client = serve(profile={"extends": "standard", "behaviour": {"etag": False}}).client
    for path in (ANN, USERS, f"{BASE}/ServiceProviderConfig"):
        for name in ("If-Match", "If-None-Match"):
            answer = client.get(path, headers={name: "nonsense"})
            assert answer.status_code == 200
            assert "ETag" not in answer.headers
            assert "version" not in answer.json().get("meta", {})
    assert client.post(USERS, json=user("zed"), headers={"If-None-Match": "*"}).status_code == 201
    assert send(client, "PUT", {"If-Match": OTHER}).status_code == 200


def test_faults_see_what_a_condition_prevents(server):
    """A rule for what is committed passes over a change that its condition stops."""
    server.fault({**a_rule("abort", status=503), "match": {"operation": "user.*", "committed": True}})
    for method in WRITES:
        assert send(server.client, method, {"If-Match": OTHER}).status_code == 412
        assert send(server.client, method, {"If-None-Match": "*"}).status_code == 412
    assert server.client.post(USERS, json=user("zed"), headers={"If-None-Match": "*"}).status_code == 412
    assert send(server.client, "DELETE", {}).status_code == 503
