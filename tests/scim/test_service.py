"""One request after the other: create, get, replace, delete, and what an answer says about it."""

from __future__ import annotations

import copy
from typing import Any

import devices
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from provider import BASE, ENTERPRISE, Provider

from mockscim.scim import urns

USER = {"schemas": [urns.USER], "userName": "bjensen"}


# -- create and get ---------------------------------------------------------------------------------------------------


def test_a_created_resource_has_id_meta_location_and_version() -> None:
    """201 with the representation, Location and ETag (RFC 7644 §3.3); GET gives the same."""
    provider = Provider()
    answer = provider.ask("POST", "/Users", {**USER, "displayName": "Babs"})
    assert answer.status == 201
    assert answer.document == {
        "schemas": [urns.USER],
        "id": "id-1",
        "userName": "bjensen",
        "displayName": "Babs",
        "meta": {
            "resourceType": "User",
            "created": "2026-01-01T00:00:00.000Z",
            "lastModified": "2026-01-01T00:00:00.000Z",
            "location": f"{BASE}/Users/id-1",
            "version": 'W/"1"',
        },
    }
    assert answer.headers == {"Location": f"{BASE}/Users/id-1", "ETag": 'W/"1"'}
    found = provider.get("/Users/id-1")
    assert (found.status, found.document, found.headers) == (200, answer.document, answer.headers)


def test_what_is_the_provider_s_is_ignored_in_a_create() -> None:
    """id, meta and groups of a POST are not taken (RFC 7644 §3.3)."""
    provider = Provider()
    for id_ in ("mine", "", None, 5):
        answer = provider.ask("POST", "/Users", {**USER, "userName": f"u{id_}", "id": id_, "meta": {"created": "x"}})
        assert answer["id"].startswith("id-")
        assert answer["meta"]["created"].startswith("2026")


def test_names_are_canonical_whatever_their_case() -> None:
    """Attribute names and URNs in any case come back as the schema spells them (RFC 7643 §2.1)."""
    provider = Provider()
    answer = provider.ask(
        "POST",
        "/Users",
        {
            "SCHEMAS": [urns.USER.upper(), ENTERPRISE],
            "USERNAME": "x",
            "Name": {"GIVENNAME": "B"},
            ENTERPRISE.upper(): {"DEPARTMENT": "D"},
        },
    )
    assert answer["name"] == {"givenName": "B"}
    assert answer[ENTERPRISE] == {"department": "D"}
    assert answer["schemas"] == [urns.USER, ENTERPRISE]


@pytest.mark.parametrize(("second", "left"), [("b", "b"), (None, None)])
def test_of_the_same_name_in_two_cases_the_last_counts(second: str | None, left: str | None) -> None:
    """So it is for names that are the same letter for letter; noted, and refused when strict."""
    for body in ({**USER, "title": "a", "TITLE": second}, {**USER, "TITLE": "a", "title": second}):
        answer = Provider().ask("POST", "/Users", body)
        assert (answer.get("title"), answer.leniencies) == (left, {"duplicate-key"})
        assert Provider(strict=True).ask("POST", "/Users", body).error == (400, "invalidSyntax")
    name = {"name": {"givenName": "a", "GIVENNAME": second}}
    assert Provider().ask("POST", "/Users", {**USER, **name}).get("name", {}).get("givenName") == left


@pytest.mark.parametrize("value", [None, "", " \t"])
def test_a_required_attribute_must_have_a_value(value: Any) -> None:
    """UserName and a group's displayName: 400 invalidValue in POST and PUT."""
    provider = Provider()
    user, group = provider.user("x"), provider.group("g")
    for method, path, name in (
        ("POST", "/Users", "userName"),
        ("PUT", f"/Users/{user}", "userName"),
        ("POST", "/Groups", "displayName"),
        ("PUT", f"/Groups/{group}", "displayName"),
    ):
        assert provider.ask(method, path, {name: value}).error == (400, "invalidValue")
        assert provider.ask(method, path, {"externalId": "e"}).error == (400, "invalidValue")


@pytest.mark.parametrize(
    "body", [b"", b"  ", b"{", b"{'a':1}", b'"\xff"', b'{"a":NaN}', b"[" * 10_000, b'{"a":' * 10_000]
)
def test_a_body_that_is_no_json_is_invalid_syntax(body: bytes) -> None:
    """400 invalidSyntax, also for JSON deeper than can be read."""
    provider = Provider()
    user = provider.user("x")
    before = provider.state()
    for method, path in (
        ("POST", "/Users"),
        ("PUT", f"/Users/{user}"),
        ("PATCH", f"/Users/{user}"),
        ("POST", "/.search"),
    ):
        assert provider.ask(method, path, raw=body).error == (400, "invalidSyntax")
    assert provider.state() == before


@pytest.mark.parametrize("depth", [200, 900, 1500, 10_000])
@pytest.mark.parametrize("opening", ["[", '{"value":', '{"members":', '{"emails":[{"value":', '{"nonsense":'])
def test_deep_json_is_answered(depth: int, opening: str) -> None:
    """No depth is too much to be answered with a SCIM error, or taken where the deep part is dropped."""
    provider = Provider()
    user = provider.user("x")
    closing = "".join({"[": "]", "{": "}"}[c] for c in reversed(opening) if c in "[{")
    deep = opening * depth + "1" + closing * depth
    for text in (
        deep,
        f'{{"userName":"y","name":{deep}}}',
        f'{{"userName":"y","nonsense":{deep}}}',
        f'{{"Operations":[{{"op":"add","path":"emails","value":{deep}}}]}}',
        f'{{"Operations":[{{"op":"add","value":{deep}}}]}}',
    ):
        for method, path in (("POST", "/Users"), ("PUT", f"/Users/{user}"), ("PATCH", f"/Users/{user}")):
            assert provider.ask(method, path, raw=text.encode()).status in (200, 201, 400, 409)


def test_an_unknown_resource_is_404() -> None:
    """GET, PUT, PATCH and DELETE of an id that is not there, whatever the body, and of the right id at another type."""
    provider = Provider()
    user = provider.user("x")
    for path in ("/Users/none", f"/Groups/{user}"):
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            answer = provider.ask(method, path, {"nonsense": 1} if method in ("PUT", "PATCH") else None)
            assert answer.error == (404, None), (method, path)
            assert answer["schemas"] == [urns.ERROR]
            assert answer["status"] == "404"


def test_a_deleted_resource_is_gone_and_its_name_is_free() -> None:
    """204 without a body; then 404, and the userName can be had again (RFC 7644 §3.6)."""
    provider = Provider()
    user = provider.user("x")
    answer = provider.ask("DELETE", f"/Users/{user}")
    assert (answer.status, answer.document) == (204, None)
    assert provider.get(f"/Users/{user}").status == 404
    assert provider.ask("DELETE", f"/Users/{user}").status == 404
    assert provider.user("X") != user


# -- routes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/Nonsense", 404, None),
        ("GET", "/Users/1/2", 404, None),
        ("GET", "/Schemas/1/2", 404, None),
        ("PUT", "/Users", 405, "GET, HEAD, POST"),
        ("PATCH", "/Groups", 405, "GET, HEAD, POST"),
        ("DELETE", "/Users", 405, "GET, HEAD, POST"),
        ("POST", "/Users/1", 405, "GET, HEAD, PUT, PATCH, DELETE"),
        ("GET", "/Users/.search", 405, "POST"),
        ("GET", "/.search", 405, "POST"),
        ("POST", "/", 405, "GET, HEAD"),
        ("POST", "/Schemas", 405, "GET, HEAD"),
        ("DELETE", "/ServiceProviderConfig", 405, "GET, HEAD"),
        ("PUT", "/ResourceTypes/User", 405, "GET, HEAD"),
        ("GET", "/Bulk", 405, "POST"),
        ("POST", "/Bulk/x", 501, None),
        ("GET", "/Me", 501, None),
        ("GET", "/ServiceProviderConfig/x", 404, None),
        ("GET", "/Schemas/urn:x", 404, None),
    ],
)
def test_what_there_is_no_route_for(method: str, path: str, status: int, allow: str | None) -> None:
    """404, 405 with Allow, 501: each with a SCIM Error."""
    answer = Provider().ask(method, path)
    assert (answer.status, answer.headers.get("Allow")) == (status, allow)
    assert answer["schemas"] == [urns.ERROR]


@pytest.mark.parametrize("path", ["/users", "/USERS/", "//Users"])
def test_endpoints_are_found_in_any_case(path: str) -> None:
    """Endpoints in another case, and stray slashes."""
    assert Provider().get(path)["totalResults"] == 0


# -- uniqueness -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bjensen", "BJENSEN", "BJensen"])
def test_a_user_name_is_unique_whatever_its_case(name: str) -> None:
    """409 uniqueness on POST, PUT and PATCH; nothing changes (RFC 7643 §4.1.1: userName is not caseExact)."""
    provider = Provider()
    provider.user("bjensen")
    other = provider.user("other")
    before = provider.state()
    body = {"schemas": [urns.USER], "userName": name}
    assert provider.ask("POST", "/Users", body).error == (409, "uniqueness")
    assert provider.ask("PUT", f"/Users/{other}", body).error == (409, "uniqueness")
    for operation in (
        {"op": "replace", "path": "userName", "value": name},
        {"op": "add", "value": {"userName": name}},
    ):
        assert provider.patch(f"/Users/{other}", operation).error == (409, "uniqueness")
    assert provider.state() == before


def test_names_fold_beyond_ascii() -> None:
    """ß and SS are the same name, as are Σ and ς."""
    provider = Provider()
    provider.user("straße")
    assert provider.ask("POST", "/Users", {**USER, "userName": "STRASSE"}).error == (409, "uniqueness")


def test_a_user_may_respell_its_own_name() -> None:
    """The case of one's own userName can change, and the look-up finds it still."""
    provider = Provider()
    user = provider.user("bjensen")
    provider.patch(f"/Users/{user}", {"op": "replace", "path": "userName", "value": "BJensen"})
    assert provider.get("/Users", filter='userName eq "bjENSEN"')["Resources"][0]["userName"] == "BJensen"


def test_two_names_can_be_exchanged() -> None:
    """By way of a third, and the look-ups follow."""
    provider = Provider()
    a, b = provider.user("a"), provider.user("b")
    for user, name in ((a, "c"), (b, "a"), (a, "b")):
        assert provider.ask("PUT", f"/Users/{user}", {"userName": name}).status == 200
    assert provider.get("/Users", filter='userName eq "a"').ids == [b]
    assert provider.get("/Users", filter='userName eq "b"').ids == [a]
    assert provider.get("/Users", filter='userName eq "c"').ids == []


# -- replace ----------------------------------------------------------------------------------------------------------


def test_a_replace_leaves_only_what_it_says() -> None:
    """PUT clears what it leaves out, keeps id and created, and gives a new version (RFC 7644 §3.5.1)."""
    provider = Provider()
    user = provider.user("x", title="T", emails=[{"value": "a"}], **{ENTERPRISE: {"department": "D"}})
    before = provider.get(f"/Users/{user}").document
    answer = provider.ask("PUT", f"/Users/{user}", {**USER, "displayName": "new", "id": "other", "meta": {}})
    assert answer.status == 200
    assert set(answer.document) == {"schemas", "id", "userName", "displayName", "meta"}
    assert answer["id"] == user
    assert answer["meta"]["created"] == before["meta"]["created"]
    assert answer["meta"]["lastModified"] > before["meta"]["lastModified"]
    assert answer["meta"]["version"] != before["meta"]["version"]


@pytest.mark.parametrize("what", ["user", "group"])
def test_putting_back_what_was_read_changes_nothing(what: str) -> None:
    """GET then PUT of the same: version and lastModified stay, whatever is in it."""
    provider = Provider()
    boss = provider.user("boss")
    user = provider.user(
        "x",
        schemas=[urns.USER, ENTERPRISE],
        emails=[{"value": "a", "primary": True}, {"value": "b"}],
        profileUrl="https://x.example/?a=b",
        **{ENTERPRISE: {"manager": {"value": boss}}},
    )
    group = provider.group("g", user, boss)
    path = f"/Users/{user}" if what == "user" else f"/Groups/{group}"
    before = provider.get(path).document
    reordered = dict(reversed(before.items()))
    for body in (before, reordered):
        answer = provider.ask("PUT", path, body)
        assert answer.document["meta"] == before["meta"]
        assert answer.reply is not None
        assert answer.reply.changes == ()
    assert provider.get(path).document == before


def test_meta_changes_with_each_change_only() -> None:
    """A version is never used twice, and created never changes."""
    provider = Provider()
    user = provider.user("x")
    seen = [provider.get(f"/Users/{user}")["meta"]]
    seen += [
        provider.patch(f"/Users/{user}", {"op": "replace", "path": "title", "value": title})["meta"] for title in "aba"
    ]
    assert len({meta["version"] for meta in seen}) == 4
    assert len({meta["lastModified"] for meta in seen}) == 4
    assert len({meta["created"] for meta in seen}) == 1


# -- password ---------------------------------------------------------------------------------------------------------


def test_a_password_never_comes_back() -> None:
    """Not in any answer, list, search, or projection that asks for it (RFC 7643 §4.1.1: returned never)."""
    provider = Provider()
    secret = "s3cr3t-t3xt"
    user = provider.user("x", password=secret, title="T")
    answers = [
        provider.ask("POST", "/Users", {**USER, "userName": "y", "password": secret}),
        provider.get(f"/Users/{user}"),
        provider.get(f"/Users/{user}", attributes="password,userName"),
        provider.get("/Users", attributes="password"),
        provider.get("/Users", excludedAttributes="title"),
        provider.ask("POST", "/Users/.search", {"schemas": [urns.SEARCH_REQUEST], "attributes": ["password"]}),
        provider.get("/"),
        provider.ask("PUT", f"/Users/{user}", {**USER, "userName": "x", "password": secret + "2"}),
        provider.patch(f"/Users/{user}", {"op": "replace", "path": "password", "value": secret + "3"}),
        provider.patch(f"/Users/{user}", {"op": "add", "value": {"password": secret + "4"}}),
    ]
    for answer in answers:
        assert answer.status in (200, 201)
        assert b"s3cr3t" not in orjson.dumps(answer.document)
        assert b"password" not in orjson.dumps(answer.document)
    record = provider.store.find(user)
    assert record is not None
    assert b"s3cr3t" not in record.body
    assert record.secrets == {"password": secret + "4"}


def test_nobody_can_probe_for_a_password() -> None:
    """It is no attribute to filter or sort by, nor to select a value by."""
    provider = Provider()
    provider.user("x", password="p")
    assert provider.get("/Users", filter='password eq "p"').error == (400, "invalidFilter")
    assert provider.get("/Users", filter="password pr").error == (400, "invalidFilter")
    assert provider.get("/Users", sortBy="password").status == 400


def test_a_password_survives_a_replace_without_it_and_goes_when_told() -> None:
    """A representation never carries it, so its absence says nothing; remove and null do."""
    provider = Provider()
    user = provider.user("x", password="p")

    def kept() -> Any:
        record = provider.store.find(user)
        return record.secrets if record is not None else None

    provider.ask("PUT", f"/Users/{user}", {**USER, "title": "T"})
    assert kept() == {"password": "p"}
    version = provider.get(f"/Users/{user}")["meta"]["version"]
    changed = provider.patch(f"/Users/{user}", {"op": "replace", "path": "password", "value": "q"})
    assert changed["meta"]["version"] != version
    provider.patch(f"/Users/{user}", {"op": "remove", "path": "password"})
    assert kept() is None


# -- versions in requests ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_if_match_guards_a_change(method: str) -> None:
    """Another version is 412 and nothing happens; the right one, one of several, or * lets it through."""
    body: dict[str, Any] | None = {
        "PUT": {**USER, "title": "new"},
        "PATCH": {"Operations": [{"op": "add", "path": "title", "value": "new"}]},
        "DELETE": None,
    }[method]
    for tag, passes in (
        ('W/"99"', False),
        ('"x"', False),
        ('W/"1"', True),
        ('"1"', True),
        ('W/"99", W/"1"', True),
        ("*", True),
    ):
        provider = Provider()
        user = provider.user("bjensen")
        before = provider.state()
        answer = provider.ask(method, f"/Users/{user}", body, if_match=tag)
        if passes:
            assert answer.status in (200, 204), tag
        else:
            assert answer.error == (412, None)
            assert provider.state() == before


def test_if_none_match_spares_an_unchanged_body() -> None:
    """304 without a body but with ETag while the version is the same (RFC 7644 §3.14)."""
    provider = Provider()
    user = provider.user("x")
    tag = provider.get(f"/Users/{user}").headers["ETag"]
    answer = provider.ask("GET", f"/Users/{user}", if_none_match=tag)
    assert (answer.status, answer.document, answer.headers["ETag"]) == (304, None, tag)
    provider.patch(f"/Users/{user}", {"op": "add", "path": "title", "value": "T"})
    assert provider.ask("GET", f"/Users/{user}", if_none_match=tag).status == 200


def test_without_etags_none_are_shown_or_asked_for() -> None:
    """A provider without versions ignores the headers."""
    provider = Provider(etag=False)
    user = provider.user("x")
    answer = provider.ask("GET", f"/Users/{user}", if_none_match="*")
    assert answer.status == 200
    assert "ETag" not in answer.headers
    assert "version" not in answer["meta"]
    assert provider.ask("DELETE", f"/Users/{user}", if_match='"x"').status == 204


def test_a_patch_may_answer_without_a_body() -> None:
    """204 where the provider does so, but 200 where the request asks for attributes (RFC 7644 §3.5.2)."""
    provider = Provider(patch_answer="none")
    user = provider.user("x")
    add = {"op": "add", "path": "title", "value": "T"}
    answer = provider.patch(f"/Users/{user}", add)
    assert (answer.status, answer.document) == (204, None)
    answer = provider.patch(f"/Users/{user}", add, query={"attributes": "title"})
    assert (answer.status, answer["title"]) == (200, "T")


# -- what other clients send ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "codes"),
    [
        ({"schemas": None}, {"missing-schemas"}),
        ({"schemas": []}, {"missing-schemas"}),
        ({"schemas": ["urn:scim:schemas:core:1.0"]}, {"unknown-schema-urn", "schemas-mismatch"}),
        ({"schemas": [urns.USER, "urn:x:y"]}, {"unknown-schema-urn"}),
        ({ENTERPRISE: {"department": "D"}}, {"undeclared-extension"}),
        ({"nonsense": 1}, {"unknown-attribute"}),
        ({"active": "True"}, {"boolean-string"}),
        ({"emails": {"value": "a"}}, {"single-for-array"}),
        ({"emails": "a"}, {"single-for-array", "value-for-complex"}),
        ({"name": [{"givenName": "B"}]}, {"array-for-single"}),
        ({"name": ""}, {"empty-string"}),
        ({"active": ""}, {"empty-string"}),
        ({"title": None, "emails": [], "name": None, "phoneNumbers": [None], "addresses": [{}]}, set()),
        ({"title": "", "id": "", "meta": {}}, set()),
    ],
    ids=lambda given: str(sorted(given)) if isinstance(given, set) else str(given),
)
def test_a_create_beyond_the_rfc(more: dict[str, Any], codes: set[str]) -> None:
    """Taken by the tolerant default with these leniencies, refused in strict mode if there are any."""
    tolerant = Provider().ask("POST", "/Users", {**USER, **more})
    assert (tolerant.status, tolerant.leniencies) == (201, codes)
    strict = Provider(strict=True)
    before = strict.state()
    answer = strict.ask("POST", "/Users", {**USER, **more})
    assert answer.status == (400 if codes else 201)
    if codes:
        assert strict.state() == before


@pytest.mark.parametrize(
    "value",
    [
        {"title": 5},
        {"title": ["a", "b"]},
        {"active": 1},
        {"active": "yes"},
        {"name": 5},
        {"name": [{}, {}]},
        {"emails": 5},
        {"emails": [5]},
        {"emails": [[]]},
        {"emails": [{"value": {}}]},
        {"emails": [{"value": "a", "primary": True}, {"value": "b", "primary": True}]},
        {"profileUrl": "a\x01b"},
        {"x509Certificates": [{"value": "no base64!"}]},
        {"schemas": 5},
        {"schemas": [5]},
        {"schemas": {}},
        {ENTERPRISE: []},
        {ENTERPRISE: {"manager": 5}},
    ],
    ids=str,
)
def test_a_value_of_the_wrong_type_is_refused(value: dict[str, Any]) -> None:
    """400 by POST and PUT alike, and nothing changes."""
    provider = Provider()
    user = provider.user("x")
    before = provider.state()
    assert provider.ask("POST", "/Users", {**USER, **value}).status == 400
    assert provider.ask("PUT", f"/Users/{user}", {**USER, **value}).status == 400
    assert provider.state() == before


KEYS = st.sampled_from(
    [
        *[
            "schemas",
            "id",
            "meta",
            "userName",
            "USERNAME",
            "name",
            "emails",
            "value",
            "members",
            "groups",
            "active",
            "op",
            "path",
            "displayName",
        ],
        *[
            "Operations",
            "$ref",
            "password",
            "manager",
            "primary",
            "type",
            "x509Certificates",
            "attributes",
            "filter",
            "count",
            "[",
            "name.x",
        ],
        "",
        'emails[type eq "a"].value',
        ENTERPRISE,
        urns.USER,
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4)
    | st.sampled_from(["add", "remove", "replace", "id-1", "id-2", urns.USER, urns.PATCH_OP, "members", "userName"])
    | st.sampled_from(['members[value eq "id-1"]', "emails[", "\x01", '"$ref":"\x01', "active", "True", ENTERPRISE])
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


@given(JSON, st.sampled_from(["/Users", "/Groups", "/Users/id-1", "/Groups/id-2", "/.search", "/Users/.search"]))
@settings(max_examples=500, deadline=None)
def test_any_json_is_answered(body: Any, path: str) -> None:
    """A reply or a ScimError for anything at all; on an error everything is as it was, on success it reads the same."""
    provider = Provider()
    user = provider.user("x", emails=[{"value": "a"}])
    provider.group("g", user)
    sent = copy.deepcopy(body)
    wrapped = [body]
    if isinstance(body, dict):
        wrapped.append({"userName": "new", "displayName": "new", **body})
        wrapped.append({"Operations": [body]})
        wrapped.append({"Operations": [{"op": "replace", "value": body}]})
    for each in wrapped:
        for method in ("POST", "PUT", "PATCH"):
            before = provider.state()
            answer = provider.ask(method, path, each)
            if answer.status >= 400:
                assert answer["schemas"] == [urns.ERROR]
                assert provider.state() == before
            elif answer.document is not None and "id" in answer.document:
                assert provider.get(answer["meta"]["location"].removeprefix(BASE)).document == answer.document
    assert body == sent


# -- looking ahead ----------------------------------------------------------------------------------------------------


def _ahead(provider: Provider, method: str, path: str, body: Any) -> tuple[bool, list[dict[str, Any]], tuple[str, ...]]:
    call = provider.service.route(method, path, BASE)
    provider.service.read(call, (), orjson.dumps(body))
    return provider.service.commits(call), provider.service.views(call), call.refinements


def test_looking_ahead_commits_nothing_and_tells_what_would_change() -> None:
    """``commits`` and ``views`` say what a request would do, and agree with what it then does."""
    provider = Provider()
    boss = provider.user("boss")
    user = provider.user("x", **{ENTERPRISE: {"manager": {"value": boss}}}, schemas=[urns.USER, ENTERPRISE])
    path = f"/Users/{user}"
    same = provider.get(path).document
    for body, changes in (
        (same, False),
        ({**same, "title": "T"}, True),
        ({**same, "title": 5}, False),
        ({**same, "userName": "boss"}, False),
    ):
        before = provider.state()
        would, views, _ = _ahead(provider, "PUT", path, body)
        assert provider.state() == before
        assert would is changes
        assert views[0] == provider.get(path).document
        answer = provider.ask("PUT", path, body)
        assert bool(answer.reply and answer.reply.changes) is changes
    after = _ahead(provider, "PATCH", path, {"Operations": [{"op": "add", "path": "title", "value": "U"}]})[1][1]
    assert after["title"] == "U"
    assert after["schemas"] == [urns.USER, ENTERPRISE]
    assert after[ENTERPRISE]["manager"]["$ref"] == f"{BASE}/Users/{boss}"


@pytest.mark.parametrize(
    ("method", "body", "refinements"),
    [
        ("PUT", {"displayName": "g", "members": [{"value": "id-1"}]}, ()),
        ("PUT", {"displayName": "h", "members": [{"value": "id-1"}]}, ("group.rename",)),
        ("PUT", {"DisplayName": "g", "members": []}, ("group.member.remove",)),
        ("PUT", {"displayName": "g", "members": ["id-2"]}, ("group.member.add", "group.member.remove")),
        ("PUT", {"displayName": "g", "members": [[], {"value": {}}, 5]}, ("group.member.remove",)),
        ("PATCH", [{"op": "add", "path": "members", "value": []}], ("group.member.add",)),
        ("PATCH", [{"op": "remove", "path": 'members[value eq "x"]'}], ("group.member.remove",)),
        ("PATCH", [{"op": "replace", "value": {"displayName": "x"}}], ("group.rename",)),
        ("PATCH", [{"op": "replace", "path": "externalId", "value": "x"}], ()),
    ],
    ids=str,
)
def test_what_a_write_of_a_group_is_about(method: str, body: Any, refinements: tuple[str, ...]) -> None:
    """The refinements that faults aim at, also for bodies that will be refused."""
    provider = Provider()
    provider.user("x")
    group = provider.group("g", "id-1")
    document = {"Operations": body} if isinstance(body, list) else body
    assert _ahead(provider, method, f"/Groups/{group}", document)[2] == refinements


def test_a_reference_to_what_is_gone_keeps_its_type() -> None:
    """Of several types, the ``$ref`` of a value that nobody has any more stays what it was, in PATCH and PUT."""
    provider = Provider(registry=devices.registry())
    group = provider.ask("POST", "/Groups", {"schemas": [urns.GROUP], "displayName": "G"})["id"]
    body = {"schemas": [devices.DEVICE], "serialNumber": "1", "watchers": [{"value": group}]}
    path = f"/Devices/{provider.ask('POST', '/Devices', body)['id']}"
    assert provider.ask("DELETE", f"/Groups/{group}").status == 204
    found = provider.get(path).document
    assert found["watchers"] == [{"value": group, "$ref": f"{BASE}/Groups/{group}"}]
    assert provider.ask("PUT", path, found).document["watchers"] == found["watchers"]
    change = {"schemas": [urns.PATCH_OP], "Operations": [{"op": "add", "path": "label", "value": "L"}]}
    assert provider.ask("PATCH", path, change).status == 200
    assert provider.get(path)["watchers"] == found["watchers"]
    unknown = {
        **body,
        "serialNumber": "2",
        "watchers": [{"value": "x", "$ref": "https://elsewhere.example.com/Groups/y"}],
    }
    assert provider.ask("POST", "/Devices", unknown)["watchers"] == [{"value": "x", "$ref": f"{BASE}/Users/x"}]


def test_a_reference_to_what_no_id_can_be_is_a_uri_all_the_same() -> None:
    """The ``$ref`` of a manager's value that nobody has is escaped."""
    provider = Provider()
    body = {**USER, "schemas": [urns.USER, ENTERPRISE], ENTERPRISE: {"manager": {"value": "Ü/ 1?"}}}
    manager = provider.ask("POST", "/Users", body)[ENTERPRISE]["manager"]
    assert manager == {"value": "Ü/ 1?", "$ref": f"{BASE}/Users/%C3%9C%2F%201%3F"}


def test_names_that_a_message_does_not_know_are_ignored_in_any_case() -> None:
    """Twins of them are no duplicate, while twins of its own members are."""
    provider = Provider(strict=True)
    operation = {"method": "DELETE", "path": "/Users/x", "nULL": 1, "NULL": 2}
    bulk = {"schemas": [urns.BULK_REQUEST], "Operations": [operation], "null": [], "NULL": []}
    assert provider.ask("POST", "/Bulk", bulk)["Operations"][0]["status"] == "404"
    assert provider.ask("POST", "/Bulk", {**bulk, "operations": []}).error == (400, "invalidSyntax")
    search = {"schemas": [urns.SEARCH_REQUEST], "x": 1, "X": 2, "count": 0}
    assert provider.ask("POST", "/Users/.search", search).status == 200
    assert provider.ask("POST", "/Users/.search", {**search, "Count": 1}).status == 400
