"""One request for every leniency: accepted and named, refused when strict, and switched one by one."""

from dataclasses import dataclass, field

import orjson
import pytest

from mockscim import profiles
from mockscim.fixtures import parse
from mockscim.profiles import ProfileError
from mockscim.scim import urns
from mockscim.scim.errors import ScimError
from mockscim.scim.policy import INTEROP, LENIENCIES, OFF_BY_DEFAULT, TOLERANT, UnknownLeniencyError, accepted
from mockscim.server.body import check_content_type
from mockscim.tenant import Start, Tenant

BASE = "https://example.com/v2"
ENTERPRISE = urns.ENTERPRISE_USER
DIRECTORY = {
    "users": [
        {
            "id": "u-1",
            "externalId": "jyoung",
            "userName": "ann@example.com",
            "displayName": "Ann",
            "emails": [{"value": "ann@example.com", "type": "work"}, {"value": "ann@example.org", "type": "home"}],
            "roles": [{"value": "admin", "primary": True}],
            "schemas": [urns.USER, ENTERPRISE],
            ENTERPRISE: {"department": "Ops", "manager": {"value": "u-2"}},
        },
        {"id": "u-2", "userName": "bo@example.com", "active": True},
    ],
    "groups": [{"id": "g-1", "displayName": "Engineering", "members": ["u-1", "u-2"]}],
}


def user(**attributes):
    return {"schemas": [urns.USER], "userName": "new@example.com", **attributes}


def group(**attributes):
    return {"schemas": [urns.GROUP], "displayName": "New", **attributes}


def patch(*operations):
    return {"schemas": [urns.PATCH_OP], "Operations": list(operations)}


def bulk(*operations):
    return {"schemas": [urns.BULK_REQUEST], "Operations": list(operations)}


def manager(value, **more):
    return user(**{"schemas": [urns.USER, ENTERPRISE], ENTERPRISE: {"manager": value}}, **more)


def twice(document, name, value):
    """The document as text, in which the innermost object has a name twice."""
    member = orjson.dumps({name: value})[1:-1]
    text = orjson.dumps(document)
    at = text.rindex(b"{") + 1
    return text[:at] + b",".join([member, member, text[at:]]).replace(b",}", b"}")


@dataclass
class Row:
    """A request that needs exactly one leniency, and the refusal that the RFC has for it."""

    code: str
    method: str
    path: str
    document: object = None
    query: dict = field(default_factory=dict)
    refusal: tuple = (400, "invalidValue")
    content_type: str | None = "application/scim+json"

    @property
    def body(self):
        """As sent: a document, or text that no document can say."""
        if self.document is None or isinstance(self.document, bytes):
            return self.document or b""
        return orjson.dumps(self.document)


SYNTAX, VALUE, PATH, FILTER = (
    (400, name) for name in ("invalidSyntax", "invalidValue", "invalidPath", "invalidFilter")
)
MUTABILITY, NO_TARGET = (400, "mutability"), (400, "noTarget")
USER, GROUP = "/Users/u-1", "/Groups/g-1"

ROWS = [
    Row("missing-schemas", "POST", "/Users", {"userName": "new@example.com"}, refusal=SYNTAX),
    Row("missing-schemas", "POST", "/Users", user(schemas=[]), refusal=SYNTAX),
    Row(
        "missing-schemas",
        "PATCH",
        USER,
        {"Operations": [{"op": "replace", "path": "title", "value": "x"}]},
        refusal=SYNTAX,
    ),
    Row("missing-schemas", "POST", "/Users/.search", {"count": 1}, refusal=SYNTAX),
    Row(
        "unknown-schema-urn",
        "POST",
        "/Groups",
        group(schemas=[urns.GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"]),
        refusal=SYNTAX,
    ),
    Row(
        "schemas-mismatch", "POST", "/Users", manager("u-2") | {"schemas": [ENTERPRISE], ENTERPRISE: {}}, refusal=SYNTAX
    ),
    Row(
        "schemas-mismatch",
        "PATCH",
        USER,
        patch({"op": "replace", "path": "title", "value": "x"}) | {"schemas": [urns.USER]},
        refusal=SYNTAX,
    ),
    Row("undeclared-extension", "POST", "/Users", user(**{ENTERPRISE: {"department": "x"}}), refusal=SYNTAX),
    Row("unknown-attribute", "POST", "/Users", user(favouriteColour="green"), refusal=SYNTAX),
    Row("unknown-attribute", "POST", "/Users", user(**{"urn:example:Other": {"a": 1}}), refusal=SYNTAX),
    Row("unknown-attribute", "POST", "/Users", user(name={"nick": "x"}), refusal=SYNTAX),
    Row("unknown-attribute", "PUT", USER, user(favouriteColour="green"), refusal=SYNTAX),
    Row(
        "unknown-attribute", "PATCH", USER, patch({"op": "add", "value": {"favouriteColour": "green"}}), refusal=SYNTAX
    ),
    Row("duplicate-key", "POST", "/Users", twice(user(), "title", "x"), refusal=SYNTAX),
    Row("duplicate-key", "PUT", USER, twice(user(name={}), "givenName", "x"), refusal=SYNTAX),
    Row("duplicate-key", "POST", "/Users", user(USERNAME="other@example.com"), refusal=SYNTAX),
    Row("duplicate-key", "POST", "/Users", user(name={"givenName": "x", "GIVENNAME": "y"}), refusal=SYNTAX),
    Row(
        "duplicate-key",
        "POST",
        "/Users",
        user(**{"schemas": [urns.USER, ENTERPRISE], ENTERPRISE: {"department": "x", "Department": "y"}}),
        refusal=SYNTAX,
    ),
    Row(
        "duplicate-key",
        "PATCH",
        USER,
        patch({"op": "replace", "OP": "replace", "path": "title", "value": "x"}),
        refusal=SYNTAX,
    ),
    Row("duplicate-key", "PATCH", USER, patch({"op": "add", "value": {"title": "x", "TITLE": "y"}}), refusal=SYNTAX),
    Row(
        "duplicate-key",
        "PATCH",
        USER,
        patch({"op": "add", "value": {ENTERPRISE: {"department": "x", "DEPARTMENT": "y"}}}),
        refusal=SYNTAX,
    ),
    Row(
        "duplicate-key",
        "POST",
        "/Users/.search",
        {"schemas": [urns.SEARCH_REQUEST], "count": 1, "COUNT": 2},
        refusal=SYNTAX,
    ),
    Row(
        "duplicate-key",
        "POST",
        "/Bulk",
        bulk({"method": "DELETE", "Method": "DELETE", "path": USER}),
        refusal=SYNTAX,
    ),
    Row("unencoded-reference", "POST", "/Users", user(profileUrl="https://example.com/é")),
    Row("boolean-string", "POST", "/Users", user(active="True")),
    Row("boolean-string", "PATCH", USER, patch({"op": "replace", "path": "active", "value": "False"})),
    Row("boolean-string", "PATCH", USER, patch({"op": "replace", "value": {"active": "false"}})),
    Row("empty-string", "POST", "/Users", user(active="")),
    Row("empty-string", "POST", "/Users", user(emails="")),
    Row("empty-string", "PATCH", USER, patch({"op": "replace", "path": f"{ENTERPRISE}:manager", "value": ""})),
    Row("value-for-complex", "POST", "/Users", manager("u-2")),
    Row("value-for-complex", "POST", "/Users", user(emails=["a@example.com"])),
    Row("value-for-complex", "PATCH", USER, patch({"op": "add", "path": f"{ENTERPRISE}:manager", "value": "u-2"})),
    Row("value-for-complex", "PATCH", GROUP, patch({"op": "add", "path": "members", "value": ["u-2"]})),
    Row("array-for-single", "POST", "/Users", user(title=["Engineer"])),
    Row("array-for-single", "POST", "/Users", user(name={"formatted": []})),
    Row("array-for-single", "PATCH", USER, patch({"op": "replace", "path": "title", "value": []})),
    Row(
        "array-for-single",
        "PATCH",
        USER,
        patch({"op": "add", "path": f"{ENTERPRISE}:manager", "value": [{"value": "u-2"}]}),
    ),
    Row("single-for-array", "POST", "/Users", user(emails={"value": "a@example.com"})),
    Row("single-for-array", "PATCH", GROUP, patch({"op": "add", "path": "members", "value": {"value": "u-2"}})),
    Row("patch-op-case", "PATCH", USER, patch({"op": "Replace", "path": "title", "value": "x"}), refusal=SYNTAX),
    Row(
        "unknown-operation-key",
        "PATCH",
        USER,
        patch({"op": "replace", "path": "title", "value": "x", "name": "addTitle"}),
        refusal=SYNTAX,
    ),
    Row("path-as-key", "PATCH", USER, patch({"op": "replace", "value": {"name.givenName": "x"}}), refusal=SYNTAX),
    Row(
        "path-as-key",
        "PATCH",
        USER,
        patch({"op": "add", "value": {f"{ENTERPRISE}:department": "x"}}),
        refusal=SYNTAX,
    ),
    Row("pathless-list", "PATCH", GROUP, patch({"op": "add", "value": [{"value": "u-2"}]})),
    Row("pathless-list", "PATCH", USER, patch({"op": "replace", "value": [{"title": "x"}]})),
    Row(
        "read-only-in-patch",
        "PATCH",
        GROUP,
        patch({"op": "replace", "value": {"id": "g-1", "displayName": "x"}}),
        refusal=MUTABILITY,
    ),
    Row(
        "remove-members-by-value",
        "PATCH",
        GROUP,
        patch({"op": "remove", "path": "members", "value": [{"value": "u-1"}]}),
    ),
    Row(
        "remove-members-by-value",
        "PATCH",
        USER,
        patch({"op": "remove", "path": "emails", "value": [{"value": "ann@example.com"}]}),
    ),
    Row(
        "remove-missing",
        "PATCH",
        GROUP,
        patch({"op": "remove", "path": 'members[display eq "u-9"]'}),
        refusal=NO_TARGET,
    ),
    Row("remove-missing", "PATCH", USER, patch({"op": "remove", "path": 'emails[type eq "x"]'}), refusal=NO_TARGET),
    Row(
        "creates-missing-element",
        "PATCH",
        USER,
        patch({"op": "add", "path": 'phoneNumbers[type eq "work"].value', "value": "1"}),
        refusal=NO_TARGET,
    ),
    Row(
        "creates-missing-element",
        "PATCH",
        USER,
        patch({"op": "replace", "path": 'emails[type eq "other"].value', "value": "a@example.com"}),
        refusal=NO_TARGET,
    ),
    Row(
        "unqualified-extension-attribute",
        "PATCH",
        USER,
        patch({"op": "replace", "path": "department", "value": "x"}),
        refusal=PATH,
    ),
    Row("unqualified-extension-attribute", "GET", "/Users", query={"filter": 'department eq "Ops"'}, refusal=FILTER),
    Row("unqualified-extension-attribute", "GET", "/Users", query={"sortBy": "department"}, refusal=PATH),
    Row("unquoted-filter-value", "GET", "/Users", query={"filter": "externalId eq jyoung"}, refusal=FILTER),
    Row(
        "unquoted-filter-value",
        "PATCH",
        GROUP,
        patch({"op": "remove", "path": "members[value eq u-1]"}),
        refusal=PATH,
    ),
    Row("filter-boolean-string", "GET", "/Users", query={"filter": 'active eq "True"'}, refusal=FILTER),
    Row(
        "filter-boolean-string",
        "PATCH",
        USER,
        patch({"op": "replace", "path": 'roles[primary eq "True"].value', "value": "x"}),
        refusal=PATH,
    ),
    Row("filter-complex-value", "GET", "/Users", query={"filter": f'{ENTERPRISE}:manager eq "u-2"'}, refusal=FILTER),
    Row(
        "value-path-comparison",
        "GET",
        "/Users",
        query={"filter": 'emails[type eq "work"].value eq "ann@example.com"'},
        refusal=FILTER,
    ),
    Row("query-parameter-case", "GET", "/Users", query={"startindex": "1"}),
    Row("empty-attributes", "GET", "/Users", query={"attributes": ""}),
    Row("empty-attributes", "GET", USER, query={"excludedAttributes": ""}),
    Row("empty-attributes", "GET", "/Users", query={"count": "", "startIndex": ""}),
    Row("missing-content-type", "POST", "/Users", user(), content_type=None, refusal=(415, None)),
    Row("unknown-member", "POST", "/Groups", group(members=[{"value": "u-9"}])),
    Row("unknown-member", "PATCH", GROUP, patch({"op": "add", "path": "members", "value": [{"value": "u-9"}]})),
    Row("unknown-member", "PUT", GROUP, group(members=[{"value": "u-9"}])),
    Row("missing-bulk-id", "POST", "/Bulk", bulk({"method": "POST", "path": "/Users", "data": user()})),
    Row(
        "bulk-patch-list",
        "POST",
        "/Bulk",
        bulk({"method": "PATCH", "path": USER, "data": [{"op": "replace", "path": "title", "value": "x"}]}),
        refusal=SYNTAX,
    ),
    Row(
        "boolean-string",
        "POST",
        "/Bulk",
        bulk({"method": "POST", "path": "/Users", "bulkId": "b", "data": user(active="True")}),
    ),
]
NAMES = [f"{row.code}-{row.method}-{index}" for index, row in enumerate(ROWS)]


def tenant(**switches):
    return Tenant("", Start(profiles.load("standard"), parse(orjson.dumps(DIRECTORY)), seed=1, **switches))


def ask(where, row):
    """Status, scimType and the leniencies that were reported."""
    service = where.service
    call = service.route(row.method, row.path, BASE)
    try:
        if call.has_body:
            check_content_type(row.content_type, call)
        service.read(call, row.query.items(), row.body)
        reply = service.perform(call, where.clock.text())
    except ScimError as error:
        return error.status, error.scim_type, []
    answer = orjson.loads(reply.body) if reply.body is not None else {}
    if row.path == "/Bulk":  # its one operation answers for the request
        (result,) = answer["Operations"]
        notes = call.tolerance.report()
        return int(result["status"]), result.get("response", {}).get("scimType"), notes
    return reply.status, None, call.tolerance.report()


def is_taken(answer, code):
    status, _, notes = answer
    return status in (200, 201, 204) and {note["code"] for note in notes} == {code}


def every_row(check):
    return pytest.mark.parametrize("row", ROWS, ids=NAMES)(check)


def test_every_leniency_has_a_row():
    """No code of the table is without a request that needs it; the profile interop's have theirs in test_interop."""
    assert {row.code for row in ROWS} == set(LENIENCIES) - INTEROP


@every_row
def test_the_default_is_tolerant_and_says_so(row):
    """Accepted, with code, source and detail; what is off by default is refused and accepted on demand."""
    if row.code in OFF_BY_DEFAULT:
        assert ask(tenant(), row)[:2] == row.refusal
    answer = ask(tenant(accept=(row.code,) if row.code in OFF_BY_DEFAULT else ()), row)
    assert is_taken(answer, row.code)
    for note in answer[2]:
        assert note.keys() == {"code", "source", "detail"}
        assert note["source"] == LENIENCIES[row.code].source
        assert note["detail"]


@every_row
def test_strict_refuses(row):
    """With --strict the RFC's own error, and nothing is changed."""
    strict = tenant(strict=True)
    before = strict.dump()
    assert ask(strict, row)[:2] == row.refusal
    assert strict.dump() == before


@every_row
def test_strict_but_for_one(row):
    """--strict --accept CODE: this one passes, and it is the only one the request needs."""
    assert is_taken(ask(tenant(strict=True, accept=(row.code,)), row), row.code)


@every_row
def test_tolerant_but_for_one(row):
    """--refuse CODE alone refuses it."""
    assert ask(tenant(refuse=(row.code,)), row)[:2] == row.refusal


@pytest.mark.parametrize("code", sorted(LENIENCIES))
def test_switches_come_to_the_same_everywhere(code):
    """The codes in force follow from profile, strict, accept and refuse alike in the policy and in a tenant."""
    profile = profiles.load("standard")
    for switches in ({"strict": True}, {"strict": True, "accept": (code,)}, {"refuse": (code,)}, {"accept": (code,)}):
        expected = accepted(profile.policy.accepted, **switches)
        assert profile.with_leniencies(**switches).accepted == expected
        assert tenant(**switches).policy.accepted == expected
        on = {row["code"] for row in tenant(**switches).policy_document() if row["on"]}
        assert on == expected


@pytest.mark.parametrize("code", sorted(LENIENCIES))
def test_a_profile_switches_leniencies_too(code):
    """What a profile accepts and refuses are the provider's own ways; --accept and --refuse win over them."""
    refusing = profiles.load({"refuse": [code]})
    assert code not in refusing.policy.accepted
    assert code in refusing.with_leniencies(accept=[code]).accepted
    accepting = profiles.load({"accept": [code]})
    assert code in accepting.policy.accepted
    assert code not in accepting.with_leniencies(refuse=[code]).accepted


@pytest.mark.parametrize("key", ["accept", "refuse"])
def test_a_code_that_is_none_is_refused(key):
    """The error names the code and those that there are."""
    with pytest.raises(UnknownLeniencyError, match=r"'no-such' is no leniency; there are: array-for-single, "):
        accepted(TOLERANT, **{key: ["no-such"]})
    with pytest.raises(ProfileError, match="no-such"):
        tenant(**{key: ("no-such",)})


# --- what the RFC has ---

FULL = {
    "schemas": [urns.USER, ENTERPRISE],
    "externalId": "701984",
    "userName": "full@example.com",
    "name": {
        "formatted": "Ms. Barbara J Jensen, III",
        "familyName": "Jensen",
        "givenName": "Barbara",
        "middleName": "Jane",
        "honorificPrefix": "Ms.",
        "honorificSuffix": "III",
    },
    "displayName": "Babs Jensen",
    "nickName": "Babs",
    "profileUrl": "https://login.example.com/bjensen",
    "emails": [
        {"value": "b@example.com", "type": "work", "primary": True},
        {"value": "b@example.org", "type": "home"},
    ],
    "addresses": [
        {
            "streetAddress": "100 Universal City Plaza",
            "locality": "Hollywood",
            "region": "CA",
            "postalCode": "91608",
            "country": "US",
            "formatted": "100 Universal City Plaza\nHollywood, CA 91608 US",
            "type": "work",
            "primary": True,
        }
    ],
    "phoneNumbers": [{"value": "tel:+1-201-555-0123", "type": "work"}],
    "ims": [{"value": "someaimhandle", "type": "aim"}],
    "photos": [{"value": "https://photos.example.com/p/1.jpg", "type": "photo"}],
    "userType": "Employee",
    "title": "Tour Guide",
    "preferredLanguage": "en-US",
    "locale": "en-US",
    "timezone": "America/Los_Angeles",
    "active": True,
    "password": "t1meMa$heen",
    "groups": [{"value": "g-1", "$ref": f"{BASE}/Groups/g-1", "display": "Engineering"}],
    "entitlements": [{"value": "x"}],
    "roles": [{"value": "y"}],
    "x509Certificates": [{"value": "MIIDQzCCAqygAwIBAgICEAAwDQYJKoZIhvcNAQEFBQAw"}],
    ENTERPRISE: {
        "employeeNumber": "701984",
        "costCenter": "4130",
        "organization": "Universal Studios",
        "division": "Theme Park",
        "department": "Tour Operations",
        "manager": {"value": "u-2", "$ref": "../Users/u-2", "displayName": "Bo"},
    },
    "id": "mine",
    "meta": {"resourceType": "User", "created": "2010-01-23T04:56:22Z", "location": f"{BASE}/Users/mine"},
}
CONFORMANT = [
    ("POST", "/Users", {}, user()),
    ("POST", "/Users", {}, user(externalId="b", name={"formatted": "Ms. B", "familyName": "J", "givenName": "B"})),
    ("POST", "/Users", {}, FULL),
    ("POST", "/Users", {}, user(displayName=None, emails=[], name=None, active=None)),
    ("POST", "/Users", {}, {"SCHEMAS": [urns.USER.upper()], "USERNAME": "case@example.com"}),
    ("POST", "/Users", {}, user(schemas=[urns.USER, ENTERPRISE])),
    ("POST", "/Groups", {}, group(members=[{"value": "u-1", "$ref": f"{BASE}/Users/u-1", "type": "User"}])),
    ("POST", "/Groups", {}, group(members=[{"$ref": f"{BASE}/Users/u-1"}, {"value": "g-1", "type": "Group"}])),
    ("POST", "/Users/.search", {}, {"schemas": [urns.SEARCH_REQUEST], "filter": "userName pr", "count": 1}),
    ("POST", "/.search", {}, {"schemas": [urns.SEARCH_REQUEST], "attributes": ["displayName"], "startIndex": 1}),
    ("PUT", USER, {}, FULL),
    ("PUT", USER, {}, user()),
    ("PUT", GROUP, {}, group(members=[])),
    ("GET", USER, {"attributes": "userName,emails.value"}, None),
    ("GET", USER, {"excludedAttributes": "name"}, None),
    ("GET", "/Users", {}, None),
    ("GET", "/Users", {"startIndex": "1", "count": "10"}, None),
    ("GET", "/Users", {"sortBy": "name.familyName", "sortOrder": "descending"}, None),
    ("GET", "/Users", {"sortBy": f"{ENTERPRISE}:department"}, None),
    ("GET", "/Users", {"aadOptscim062020": "", "unknown": "x"}, None),
    ("GET", "/", {"filter": 'meta.resourceType eq "User"'}, None),
    ("GET", "/ServiceProviderConfig", {}, None),
    ("GET", "/Schemas", {}, None),
    ("GET", f"/Schemas/{urns.USER}", {}, None),
    ("GET", "/ResourceTypes/User", {}, None),
    *(
        ("GET", "/Users", {"filter": text}, None)
        for text in (
            'userName eq "bjensen"',
            'name.familyName co "O\'Malley"',
            'userName sw "J"',
            f'{urns.USER}:userName sw "J"',
            "title pr",
            'meta.lastModified gt "2011-05-13T04:42:34Z"',
            'title pr and userType eq "Employee"',
            f'schemas eq "{ENTERPRISE}"',
            'userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")',
            'userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")',
            'userType eq "Employee" and emails[type eq "work" and value co "@example.com"]',
            'emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]',
            "active eq true",
            f'{ENTERPRISE}:manager.value eq "u-2"',
            "title eq null",
        )
    ),
    *(
        ("PATCH", path, {}, patch(*operations))
        for path, operations in (
            (GROUP, [{"op": "add", "path": "members", "value": [{"display": "Ann", "value": "u-1"}]}]),
            (GROUP, [{"op": "remove", "path": "members"}]),
            (GROUP, [{"op": "remove", "path": 'members[value eq "u-1"]'}]),
            (
                GROUP,
                [
                    {"op": "remove", "path": 'members[value eq "u-1"]'},
                    {"op": "add", "path": "members", "value": [{"value": "u-1"}]},
                ],
            ),
            (GROUP, [{"op": "replace", "path": "members", "value": [{"value": "u-2"}, {"value": "u-1"}]}]),
            (GROUP, [{"op": "replace", "value": {"displayName": "Builders", "members": [{"value": "u-1"}]}}]),
            (USER, [{"op": "add", "value": {"emails": [{"value": "c@example.com", "type": "home"}], "nickName": "B"}}]),
            (USER, [{"op": "add", "value": {"name": {"givenName": "B"}, ENTERPRISE: {"department": "x"}}}]),
            (USER, [{"op": "replace", "path": 'emails[type eq "work"].value', "value": "d@example.com"}]),
            (USER, [{"op": "replace", "path": 'emails[type eq "work"]', "value": {"type": "work", "value": "d@x"}}]),
            (USER, [{"op": "remove", "path": 'emails[type eq "work" and value ew "example.com"]'}]),
            (USER, [{"op": "replace", "path": "name.familyName", "value": "x"}]),
            (USER, [{"op": "replace", "path": f"{urns.USER}:title", "value": "x"}]),
            (USER, [{"op": "replace", "path": f"{ENTERPRISE}:manager.value", "value": "u-2"}]),
            (USER, [{"op": "replace", "path": f"{ENTERPRISE}:manager", "value": {"value": "u-2"}}]),
            (USER, [{"op": "replace", "path": "active", "value": False}]),
            (USER, [{"op": "remove", "path": "nickName"}]),
            (USER, [{"op": "remove", "path": ENTERPRISE}]),
        )
    ),
]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("request_", CONFORMANT, ids=[f"{r[0]}-{i}" for i, r in enumerate(CONFORMANT)])
def test_what_conforms_needs_no_leniency(request_, strict):
    """Requests in the manner of RFC 7643 §8 and RFC 7644 §3 are taken by both, and nothing is reported."""
    method, path, query, document = request_
    status, scim_type, notes = ask(tenant(strict=strict), Row("", method, path, document, query))
    assert (status in (200, 201, 204), scim_type, notes) == (True, None, [])
