"""The profile interop, line by line of draft-zollner-scim-interop-profile-01, over HTTP."""

from dataclasses import dataclass, field

import pytest
from edge import PATCH_OP, USER, assert_scim_error

from mockscim import profiles
from mockscim.scim.policy import INTEROP, LENIENCIES

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
DIRECTORY = {
    "users": [
        {
            "id": "u-1",
            "externalId": "ABC-123",
            "userName": "JSmith",
            "name": {"givenName": "Jo", "familyName": "Smith"},
            "emails": [
                {"value": "jo@example.com", "type": "work"},
                {"value": "jo@example.org", "type": "home"},
                {"value": "smith@example.org", "type": "home"},
            ],
            "active": True,
        },
        *({"userName": f"user{n:03}"} for n in range(250)),
    ],
    "groups": [{"id": "g-1", "displayName": "All", "members": ["u-1"]}],
}
ANN = "/scim/v2/Users/u-1"
ALL = "/scim/v2/Groups/g-1"
USERS = "/scim/v2/Users"


def user(**attributes):
    return {"schemas": [USER], "userName": "new", **attributes}


def patch(*operations):
    return {"schemas": [PATCH_OP], "Operations": list(operations)}


def replace(path, value):
    return {"op": "replace", "path": path, "value": value}


@pytest.fixture
def interop(serve):
    """A server that behaves like the draft's provider."""
    return serve(profile="interop", fixture=DIRECTORY)


def notes(server):
    """The leniencies that the last request needed: code to where it says so, and what was met."""
    return {each["code"]: each for each in server.journal()[-1]["leniencies"]}


# --- §4 ---


def config(server):
    return server.client.get("/scim/v2/ServiceProviderConfig").json()


def test_4_conformance_is_claimed(interop):
    """A boolean in ServiceProviderConfig, which its schema describes as the draft does."""
    assert config(interop)["interopProfileConformant"] is True
    schema = interop.client.get("/scim/v2/Schemas/urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig").json()
    claim = next(a for a in schema["attributes"] if a["name"] == "interopProfileConformant")
    assert (claim["type"], claim["multiValued"], claim["required"]) == ("boolean", False, False)
    assert (claim["mutability"], claim["returned"]) == ("readOnly", "default")


@pytest.mark.parametrize(
    "options",
    [
        {"accept": ("unknown-attribute",)},
        {"accept": ("unknown-schema-urn",)},
        {"accept": ("interop-pathless",)},
        {"profile": {"extends": "interop", "behaviour": {"max_results": 99}}},
        {"profile": {"extends": "interop", "behaviour": {"deactivate": "leave"}}},
        {"profile": {"extends": "interop", "behaviour": {"replace_complex": "merge"}}},
        {"profile": {"extends": "interop", "canonical_values": {}}},
        {"profile": {"extends": "interop", "filterable": {"User": {"userName": ["eq"]}}}},
        {"profile": "standard", "refuse": ("interop-put",)},
    ],
)
def test_4_conformance_is_not_claimed_without_it(serve, options):
    """Whoever switches something that the draft requires is no longer conformant, and says so."""
    server = serve(**{"profile": "interop", "fixture": None, **options})
    assert config(server)["interopProfileConformant"] is False


@pytest.mark.parametrize("profile", ["standard", "segment"])
def test_4_other_profiles_say_nothing(serve, profile):
    """Where the draft is not asked, the attribute does not exist, and nothing is held against it."""
    server = serve(profile=profile, fixture=None)
    assert "interopProfileConformant" not in config(server)
    assert "interopProfileConformant" not in server.client.get("/scim/v2/Schemas").text
    server.client.put(f"{USERS}/none", json=user())
    assert not notes(server)


def test_strict_is_about_the_rfc(serve):
    """--strict refuses what the RFC refuses; PUT is not that, and --refuse is there for it, in any profile."""
    for profile in ("standard", "interop"):
        server = serve(profile=profile, fixture=DIRECTORY, strict=True)
        assert server.client.put(ANN, json=user()).status_code == 200
        server = serve(profile=profile, fixture=DIRECTORY, refuse=("interop-put",))
        assert_scim_error(server.client.put(ANN, json=user()), 405)
        assert server.client.get(ANN).json()["userName"] == "JSmith"


# --- §5.1 to §5.4 ---


def test_5_1_discovery_is_there_and_complete(interop):
    """The three endpoints; every schema of a type is published; a type's id is its name."""
    published = {each["id"] for each in interop.client.get("/scim/v2/Schemas").json()["Resources"]}
    for kind in interop.client.get("/scim/v2/ResourceTypes").json()["Resources"]:
        assert kind["id"] == kind["name"]
        assert {kind["schema"], *(each["schema"] for each in kind.get("schemaExtensions", ()))} <= published


def test_5_2_case_counts_alike_in_filters_and_conflicts(interop):
    """The userName in any case, for both; id and externalId in their own only."""

    def count(text):
        return interop.client.get(USERS, params={"filter": text}).json()["totalResults"]

    assert count('userName eq "jsmith"') == 1
    assert_scim_error(interop.client.post(USERS, json=user(userName="jsmith")), 409, "uniqueness")
    assert [count('externalId eq "ABC-123"'), count('externalId eq "abc-123"')] == [1, 0]
    assert [count('id eq "u-1"'), count('id eq "U-1"')] == [1, 0]
    assert_scim_error(interop.client.get(f"{USERS}/U-1"), 404)
    assert interop.client.post(USERS, json=user(externalId="abc-123")).status_code == 201


UNKNOWN = [
    ("POST", USERS, user(favouriteColour="green")),
    ("POST", USERS, user(name={"nick": "x"})),
    ("POST", USERS, user(schemas=[USER, "urn:example:Other"])),
    ("POST", USERS, user(schemas=[USER, ENTERPRISE], **{ENTERPRISE: {"floor": 3}})),
    ("PUT", ANN, user(favouriteColour="green")),
    ("PATCH", ANN, patch(replace("favouriteColour", "green"))),
    ("PATCH", ANN, patch(replace("name.nick", "x"))),
    ("PATCH", ANN, patch(replace(f"{ENTERPRISE}:floor", 3))),
    ("PATCH", ANN, patch(replace("urn:example:Other:floor", 3))),
    ("PATCH", ANN, patch(replace("name", {"nick": "x"}))),
    ("PATCH", ANN, patch(replace('emails[type eq "work"].colour', "x"))),
]


@pytest.mark.parametrize(("method", "path", "body"), UNKNOWN)
def test_5_3_what_is_not_published_is_refused(interop, method, path, body):
    """Attributes and schemas, in any body and any path: 400 invalidSyntax, and nothing is changed."""
    before = interop.client.get(ANN).json()
    assert_scim_error(interop.client.request(method, path, json=body), 400, "invalidSyntax")
    assert interop.client.get(ANN).json() == before


def test_5_3_so_is_what_a_profile_leaves_out(serve):
    """An attribute of RFC 7643 that this provider does not have is as unknown as any other."""
    few = {"extends": "interop", "types": {"User": {"attributes": ["userName"], "extensions": []}}}
    server = serve(profile=few, fixture=None)
    assert_scim_error(server.client.post(USERS, json=user(title="x")), 400, "invalidSyntax")
    assert_scim_error(server.client.post(USERS, json=user(schemas=[USER, ENTERPRISE])), 400, "invalidSyntax")


def test_5_4_every_type_has_canonical_values(interop):
    """Each multi-valued complex attribute with a type publishes which there are."""
    seen = 0
    for schema in (USER, GROUP):
        for attribute in interop.client.get(f"/scim/v2/Schemas/{schema}").json()["attributes"]:
            for part in attribute.get("subAttributes", ()):
                if attribute["multiValued"] and part["name"] == "type":
                    assert part["canonicalValues"], attribute["name"]
                    seen += 1
    assert seen == 10


def test_5_4_another_type_is_reported_once(interop):
    """In a POST, a PUT and a PATCH, where it is new; not in any case, and not again with each later change."""
    odd = [{"value": "a@example.com", "type": "Work"}, {"value": "b@example.com", "type": "private"}]
    made = interop.client.post(USERS, json=user(emails=odd))
    assert made.status_code == 201
    assert notes(interop)["interop-canonical-type"]["detail"] == "emails.type is 'private'"
    path = f"{USERS}/{made.json()['id']}"
    interop.client.patch(path, json=patch(replace("title", "x")))
    assert "interop-canonical-type" not in notes(interop)
    interop.client.patch(path, json=patch(replace("roles", [{"value": "x", "type": "odd"}])))
    assert "interop-canonical-type" in notes(interop)


# --- §6.1 and §6.2 ---


def test_6_1_resources_are_addressed_by_id(interop):
    """Each type has an endpoint, and no other attribute is an address."""
    endpoints = [each["endpoint"] for each in interop.client.get("/scim/v2/ResourceTypes").json()["Resources"]]
    assert endpoints == ["/Users", "/Groups"]
    assert_scim_error(interop.client.get(f"{USERS}/JSmith"), 404)
    assert interop.client.get(ANN).json()["meta"]["location"].endswith("/Users/u-1")


def test_6_2_scim_json(interop):
    """Answers, and errors, are application/scim+json; a body that says otherwise is reported."""
    assert interop.client.get(ANN).headers["Content-Type"] == "application/scim+json"
    assert interop.client.get(f"{USERS}/none").headers["Content-Type"] == "application/scim+json"
    interop.client.post(USERS, json=user(), headers={"Content-Type": "application/scim+json; charset=utf-8"})
    assert not notes(interop)
    interop.client.post(USERS, json=user(userName="other"))  # httpx says application/json
    assert notes(interop).keys() == {"interop-content-type"}


# --- §6.3 and §6.4 ---


@pytest.mark.parametrize(
    ("text", "operator"),
    [
        ('userName eq "JSmith"', None),
        ('userName eq "JSmith" and active eq true', None),
        ('emails[type eq "work" and value eq "jo@example.com"]', None),
        ('userName sw "J"', "sw"),
        ("title pr", "pr"),
        ('userName eq "a" or userName eq "b"', "or"),
        ('not (userName eq "a")', "not"),
        ('userName eq "a" and emails[type ne "work"]', "ne"),
    ],
)
def test_6_3_eq_and_and(interop, text, operator):
    """Both are understood; others too, but they are reported: clients must not use them."""
    for answer in (
        interop.client.get(USERS, params={"filter": text}),
        interop.client.post(
            f"{USERS}/.search",
            json={"schemas": [SEARCH], "filter": text},
            headers={"Content-Type": "application/scim+json"},
        ),
    ):
        assert answer.status_code == 200, answer.text
        found = notes(interop)
        assert found.keys() == ({"interop-filter-operator"} if operator else set())
        if operator:
            note = found["interop-filter-operator"]
            assert note["source"] == "draft-zollner-scim-interop-profile-01 §6.3"
            assert note["detail"].startswith(f"{operator} in ")


def test_6_3_filters_are_for_get(interop):
    """A filter in the query string of anything else has no meaning, and is reported."""
    answer = interop.client.patch(ANN, params={"filter": 'title eq "x"'}, json=patch(replace("title", "x")))
    assert answer.status_code == 200
    assert "interop-filter-method" in notes(interop)


@pytest.mark.parametrize("text", ['favouriteColour eq "x"', 'name.nick eq "x"', 'urn:example:Other:floor eq "x"'])
def test_6_3_an_unknown_attribute_cannot_be_filtered(interop, text):
    """At the endpoint of a type: 400 invalidFilter."""
    assert_scim_error(interop.client.get(USERS, params={"filter": text}), 400, "invalidFilter")


def test_6_4_pages_of_a_hundred_and_a_bound(interop):
    """A hundred and more without count, a hundred where asked for, and never more than the bound that is published."""

    def size(**parameters):
        return interop.client.get(USERS, params=parameters).json()["itemsPerPage"]

    bound = config(interop)["filter"]["maxResults"]
    assert bound >= 100
    assert size() >= 100
    assert size(count=100) == 100
    assert size(count=1000) == bound
    assert size(startIndex=201) == 51


# --- §6.5 ---


def test_6_5_put_is_reported(interop):
    """Clients use PATCH; a PUT is done all the same."""
    assert interop.client.put(ANN, json=user(userName="JSmith")).status_code == 200
    assert "interop-put" in notes(interop)
    assert config(interop)["patch"] == {"supported": True}


PATHLESS = [
    {"op": "replace", "value": {"active": False}},
    {"op": "add", "value": {"name.givenName": "x"}},
    {"op": "add", "path": "", "value": {"title": "x"}},
    {"op": "remove"},
]


@pytest.mark.parametrize("operation", PATHLESS)
def test_6_5_1_1_every_operation_has_a_path(interop, operation):
    """400 invalidSyntax, also where it is the second of two; nothing of the first is left."""
    before = interop.client.get(ANN).json()
    answer = interop.client.patch(ANN, json=patch(replace("title", "x"), operation))
    assert_scim_error(answer, 400, "invalidSyntax")
    assert interop.client.get(ANN).json() == before


def test_6_5_1_2_one_operation_for_each_attribute(interop):
    """A whole extension at once is reported; an operation for each of its attributes is not."""
    interop.client.patch(ANN, json=patch(replace(ENTERPRISE, {"department": "x", "division": "y"})))
    assert "interop-several-attributes" in notes(interop)
    both = [replace(f"{ENTERPRISE}:{name}", "z") for name in ("department", "division")]
    answer = interop.client.patch(ANN, json=patch(*both), headers={"Content-Type": "application/scim+json"})
    assert answer.json()[ENTERPRISE] == {"department": "z", "division": "z"}
    assert not notes(interop)


def test_6_5_2_1_add_and_replace_are_one_for_simple_attributes(serve):
    """With a value, with another, and with null, which unassigns."""
    shown = []
    for op in ("add", "replace"):
        server = serve(profile="interop", fixture=DIRECTORY)
        for value in ("a", "b", None):
            answer = server.client.patch(ANN, json=patch({"op": op, "path": "title", "value": value}))
            shown.append(answer.json().get("title"))
    assert shown == ["a", "b", None] * 2


def test_6_5_2_1_complex_attributes(interop):
    """One part by its name; replace of the whole drops what is left out, add merges."""
    answer = interop.client.patch(ANN, json=patch(replace("name.givenName", "Joan"))).json()
    assert answer["name"] == {"givenName": "Joan", "familyName": "Smith"}
    answer = interop.client.patch(ANN, json=patch({"op": "add", "path": "name", "value": {"middleName": "K"}})).json()
    assert answer["name"] == {"givenName": "Joan", "familyName": "Smith", "middleName": "K"}
    answer = interop.client.patch(ANN, json=patch(replace("name", {"familyName": "Jones"}))).json()
    assert answer["name"] == {"familyName": "Jones"}


def test_6_5_2_1_elsewhere_replace_merges(serve):
    """As RFC 7644 §3.5.2.3 has it."""
    server = serve(fixture=DIRECTORY)
    answer = server.client.patch(ANN, json=patch(replace("name", {"familyName": "Jones"}))).json()
    assert answer["name"] == {"givenName": "Jo", "familyName": "Jones"}


def test_6_5_2_2_collections(interop):
    """Without a filter replace exchanges all values, and add appends."""
    more = [{"value": "n@example.com", "type": "other"}]
    answer = interop.client.patch(ANN, json=patch({"op": "add", "path": "emails", "value": more})).json()
    assert [each["value"] for each in answer["emails"]] == [
        "jo@example.com",
        "jo@example.org",
        "smith@example.org",
        "n@example.com",
    ]
    assert interop.client.patch(ANN, json=patch(replace("emails", more))).json()["emails"] == more


def test_6_5_2_2_a_filtered_path_names_a_sub_attribute(interop):
    """emails[type eq "work"].value is one; the whole value is refused for every op: 400 invalidPath."""
    answer = interop.client.patch(ANN, json=patch(replace('emails[type eq "work"].value', "x@example.com")))
    assert answer.json()["emails"][0] == {"value": "x@example.com", "type": "work"}
    path = 'emails[type eq "work"]'
    for operation in (
        replace(path, {"value": "y@example.com"}),
        {"op": "add", "path": path, "value": {"display": "y"}},
        {"op": "remove", "path": path},
    ):
        assert_scim_error(interop.client.patch(ANN, json=patch(operation)), 400, "invalidPath")


def test_6_5_2_2_a_member_may_go(interop):
    """The draft leaves no other way to remove one: done, and reported."""
    answer = interop.client.patch(ALL, json=patch({"op": "remove", "path": 'members[value eq "u-1"]'}))
    assert "members" not in answer.json()
    assert "interop-whole-member" in notes(interop)


@pytest.mark.parametrize(
    ("path", "scim_type"),
    [
        ('emails[value co "example.com"].display', "invalidSyntax"),
        ('emails[type eq "work" or type eq "other"].display', "invalidSyntax"),
        ("emails[type pr].display", "invalidSyntax"),
        ('emails[type eq "home"].display', "invalidFilter"),
        ('emails[type eq "home"]', "invalidPath"),
    ],
)
def test_6_5_3_what_a_path_may_not_be(interop, path, scim_type):
    """Each with the scimType that the draft gives it."""
    assert_scim_error(interop.client.patch(ANN, json=patch(replace(path, "x"))), 400, scim_type)


def test_6_5_3_and_selects_one(interop):
    """Two equalities that leave one value are in order."""
    path = 'emails[type eq "home" and value eq "jo@example.org"].display'
    answer = interop.client.patch(
        ANN, json=patch(replace(path, "Jo")), headers={"Content-Type": "application/scim+json"}
    )
    assert answer.json()["emails"][1]["display"] == "Jo"
    assert not notes(interop)


# --- §6.6 to §6.9 ---


def test_6_6_a_patch_never_deletes(interop):
    """Whoever is deactivated stays, and is found."""
    assert interop.client.patch(ANN, json=patch(replace("active", False))).json()["active"] is False
    assert interop.client.get(ANN).json()["active"] is False
    found = interop.client.get(USERS, params={"filter": 'userName eq "jsmith" and active eq false'}).json()
    assert found["totalResults"] == 1


def test_6_6_a_delete_does(interop):
    """404 for all that comes after, absent from lists, and the userName is free for another."""
    assert interop.client.delete(ANN).status_code == 204
    for method, body in (("GET", None), ("PATCH", patch(replace("title", "x"))), ("PUT", user()), ("DELETE", None)):
        assert_scim_error(interop.client.request(method, ANN, json=body), 404)
    found = interop.client.get(USERS, params={"filter": 'userName eq "jsmith"'}).json()
    assert found["totalResults"] == 0
    again = interop.client.post(USERS, json=user(userName="jsmith"))
    assert again.status_code == 201
    assert again.json()["id"] != "u-1"


@pytest.mark.parametrize("name", ["If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"])
def test_6_7_conditions_are_ignored_and_reported(interop, name):
    """There are no versions, so nothing can fail to match."""
    value = 'W/"0"' if "Match" in name else "Sat, 29 Oct 1994 19:43:31 GMT"
    answer = interop.client.get(ANN, headers={name: value})
    assert answer.status_code == 200
    assert "ETag" not in answer.headers
    assert config(interop)["etag"] == {"supported": False}
    interop.client.delete(ANN, headers={name: value})
    assert notes(interop).keys() == {"interop-conditional"}
    assert_scim_error(interop.client.get(ANN), 404)


def test_6_9_1_conflicts(interop):
    """409 with scimType uniqueness, for POST and PATCH."""
    assert_scim_error(interop.client.post(USERS, json=user(userName="USER001")), 409, "uniqueness")
    assert_scim_error(interop.client.patch(ANN, json=patch(replace("userName", "USER001"))), 409, "uniqueness")


def test_6_8_what_is_in_a_bulk_request_is_held_to_the_same(interop):
    """Refused and reported as it would be by itself, with the operation's place."""
    operations = [
        {"method": "PUT", "path": "/Users/u-1", "data": user(userName="JSmith")},
        {"method": "PATCH", "path": "/Users/u-1", "data": patch(PATHLESS[0])},
    ]
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations}
    answer = interop.client.post("/scim/v2/Bulk", json=body).json()["Operations"]
    assert [each["status"] for each in answer] == ["200", "400"]
    assert answer[1]["response"]["scimType"] == "invalidSyntax"
    assert "interop-put" in notes(interop)


# --- each code both ways ---


@dataclass
class Row:
    """A request that needs one of the profile's leniencies, and its refusal."""

    code: str
    method: str
    path: str
    body: object = None
    refusal: tuple = (400, "invalidSyntax")
    headers: dict = field(default_factory=lambda: {"Content-Type": "application/scim+json"})
    query: dict = field(default_factory=dict)


TITLE = patch(replace("title", "x"))
ROWS = [
    Row("interop-pathless", "PATCH", ANN, patch(PATHLESS[0])),
    Row("interop-several-attributes", "PATCH", ANN, patch(replace(ENTERPRISE, {"department": "x"}))),
    Row(
        "interop-whole-element",
        "PATCH",
        ANN,
        patch({"op": "remove", "path": 'emails[type eq "work"]'}),
        (400, "invalidPath"),
    ),
    Row(
        "interop-whole-member",
        "PATCH",
        ALL,
        patch({"op": "remove", "path": 'members[value eq "u-1"]'}),
        (400, "invalidPath"),
    ),
    Row("interop-path-operator", "PATCH", ANN, patch(replace('emails[value sw "smith"].display', "x"))),
    Row(
        "interop-several-matches",
        "PATCH",
        ANN,
        patch(replace('emails[type eq "home"].display', "x")),
        (400, "invalidFilter"),
    ),
    Row("interop-put", "PUT", ANN, user(), (405, None)),
    Row("interop-filter-operator", "GET", USERS, None, (400, "invalidFilter"), query={"filter": "title pr"}),
    Row("interop-filter-method", "PATCH", ANN, TITLE, (400, "invalidFilter"), query={"filter": 'title eq "x"'}),
    Row(
        "interop-conditional",
        "PATCH",
        ANN,
        TITLE,
        (400, None),
        {"Content-Type": "application/scim+json", "If-Match": "*"},
    ),
    Row(
        "interop-canonical-type",
        "PATCH",
        ANN,
        patch(replace("roles", [{"value": "x", "type": "odd"}])),
        (400, "invalidValue"),
    ),
    Row("interop-content-type", "PATCH", ANN, TITLE, (415, None), {"Content-Type": "application/json"}),
    Row(
        "interop-user-agent",
        "PATCH",
        ANN,
        TITLE,
        (400, None),
        {"Content-Type": "application/scim+json", "User-Agent": ""},
    ),
]


def test_every_code_has_a_row():
    """No rule of the draft without a request that breaks it."""
    assert {row.code for row in ROWS} == INTEROP == {code for code in LENIENCIES if code.startswith("interop-")}


@pytest.mark.parametrize("row", ROWS, ids=[row.code for row in ROWS])
def test_each_code_can_be_accepted_and_refused(serve, row):
    """Accepted, it is done and reported alone, with its section; refused, nothing is changed."""

    def ask(**options):
        server = serve(profile="interop", fixture=DIRECTORY, **options)
        before = server.client.get(ANN).json(), server.client.get(ALL).json()
        answer = server.client.request(row.method, row.path, json=row.body, headers=row.headers, params=row.query)
        found = notes(server)
        after = server.client.get(ANN).json(), server.client.get(ALL).json()
        return answer, found, before == after

    answer, found, _ = ask(accept=(row.code,))
    assert answer.is_success, answer.text
    assert found.keys() == {row.code}
    assert found[row.code]["source"].startswith("draft-zollner-scim-interop-profile-01 §")
    answer, found, same = ask(refuse=(row.code,))
    error = assert_scim_error(answer, *row.refusal)
    assert f"[{row.code}]" in error["detail"]
    assert same
    assert row.code not in found
    answer, found, _ = ask()
    assert answer.is_success is (row.code not in profiles.load("interop").document.refuse)
