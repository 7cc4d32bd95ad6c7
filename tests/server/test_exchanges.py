"""What Entra and Okta really send, played over HTTP against each profile.

Where strictness or Segment differs from what the identity provider expects, the difference is in a table here: a step
that differs without being in it fails, and so does one that is in it and no longer differs.
"""

import pytest
from edge import TOKEN
from exchanges.replay import contained, differences, find, load, play

ADD_ROLES = 'add roles[primary eq "True"].display/.value/.type (string "True" against a boolean, no target yet)'
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

# What --strict refuses, and with which scimType. Most of Entra's are its capitalised operations.
REFUSED = {
    "entra": {
        'Get User by emails[type eq "work"].value': "invalidFilter",
        "Documented sample query without quotes (externalId eq value)": "invalidFilter",
        "Update User [multi-valued]: Replace work e-mail and family name": "invalidSyntax",
        "Update User [single-valued]: Replace userName": "invalidSyntax",
        "Disable User: Replace active false (boolean, capitalised op, schemas after Operations)": "invalidSyntax",
        "Restore User: Replace active true": "invalidSyntax",
        'Disable User without flag aadOptscim062020: string "False"': "invalidSyntax",
        'Restore User without flag: string "True"': "invalidSyntax",
        "Add single-value string without flag (op Add)": "invalidSyntax",
        "Replace multiple attributes without flag (one op each)": "invalidSyntax",
        "Replace multiple attributes with flag (path op + path-less object with dotted and URN keys)": "invalidSyntax",
        "Validator: Patch User - Add Attributes (value-filter paths whose target does not exist yet)": "noTarget",
        f"Validator: {ADD_ROLES}": "invalidPath",
        "Validator: Patch User - Replace Attributes Verbose (filter paths + path-less object)": "invalidSyntax",
        'Validator: replace roles[primary eq "True"].value': "invalidPath",
        "Set manager as Entra sends it: Add, URN path, plain string value": "invalidSyntax",
        "Set manager as in the documented sample: path 'manager', array with $ref and value": "invalidSyntax",
        "Reference check (older docs): id eq and manager eq, attributes=id": "invalidFilter",
        "Remove manager (op Remove)": "invalidSyntax",
        "Gallery test SCIM_Update_Manager: set, then Replace with empty string removes": "invalidSyntax",
        "AppRoleAssignmentsComplex PATCH: Add roles whose value is a JSON string": "invalidSyntax",
        "Create user with a custom extension object that is not announced in schemas": "invalidSyntax",
        "Documented sample create (Example 2): nulls, top-level department/manager, malformed enterprise URN": (
            "invalidSyntax"
        ),
        "Create Group (documented body with the ADSCIM schema URN)": "invalidSyntax",
        "Update Group [non-member]: Replace displayName": "invalidSyntax",
        "Update Group [Add Members] with $ref null": "invalidSyntax",
        "Add the same member again is idempotent": "invalidSyntax",
        "Several members in one PATCH (onboarding checklist)": "invalidSyntax",
        "Membership check: id eq and members eq": "invalidFilter",
        "Update Group [Remove Members] without flag: path members + value array": "invalidSyntax",
    },
    "okta": {
        "Group rename: path-less replace that carries the (unchanged) id": "mutability",
    },
}
# Their creates were refused, so nothing is there to be cleaned up.
NEVER_MADE = {"entra": {"cleanup cid", "cleanup xid"}, "okta": set()}


def refused(status, scim_type=None):
    """An error answer."""
    return {"status": status, **({"body": {"scimType": scim_type}} if scim_type else {})}


def answered(*assertions, status=200, **body):
    """A good answer of which this holds: assertions as (path, op, value), and a part of the body."""
    json = [dict(zip(("path", "op", "value"), assertion, strict=False)) for assertion in assertions]
    return {"status": status, "json": json, "body": body, "bodyRequired": True}


def without(*names, **more):
    """A good answer that lacks these attributes."""
    return answered(*((f"$['{name}']", "absent") for name in names), **more)


GONE = refused(404)
NO_FILTER = refused(400, "invalidFilter")
NOBODY = answered(totalResults=0)
USER_NAME_ONLY = ("name", "externalId", "nickName", "title", "roles", "locale", ENTERPRISE)

# What Segment does instead (facts of its dialect are in the profile, with their sources).
SEGMENT = {
    "entra": {
        "Schema discovery: GET /Schemas is a ListResponse with User and Group": answered(
            ("$.Resources[*].id", "contains", "urn:ietf:params:scim:schemas:core:2.0:User"),
            ("$.Resources[*].id", "contains", "urn:ietf:params:scim:schemas:core:2.0:Group"),
            ("$.Resources[*].id", "not_contains", ENTERPRISE),
        ),
        # Only userName, displayName and the work e-mail exist; the rest of what is sent is left aside.
        "Create User": without(*USER_NAME_ONLY, status=201),
        "Create user with a primary role (SingleAppRoleAssignment sample)": without(*USER_NAME_ONLY, status=201),
        "Create user with a custom extension object that is not announced in schemas": without(
            *USER_NAME_ONLY, "urn:ietf:params:scim:schemas:extension:CustomExtensionName:2.0:User", status=201
        ),
        "Create Group (documented body with the ADSCIM schema URN)": without("externalId", status=201),
        # Users are found by userName, groups by displayName, with eq alone.
        "Get User by externalId": NO_FILTER,
        'Get User by emails[type eq "work"].value': NO_FILTER,
        "Documented sample query without quotes (externalId eq value)": NO_FILTER,
        "Operators eq + and": NO_FILTER,
        "Reference check (older docs): id eq and manager eq, attributes=id": NO_FILTER,
        "Reference check, RFC spelling (URN:manager.value)": NO_FILTER,
        "Get Group by externalId": NO_FILTER,
        "Membership check: id eq and members eq": NO_FILTER,
        "Membership check, RFC spelling (members.value / members[value eq])": NO_FILTER,
        # Attributes do not change after the creation; the default takes the request and ignores it.
        "Update User [multi-valued]: Replace work e-mail and family name ... verified by GET": without(
            *USER_NAME_ONLY, emails=[{"type": "work", "value": "Work_run1@testuser.example"}]
        ),
        "Update User [single-valued]: Replace userName": answered(userName="Test_User_run1"),
        "Update User [single-valued]: Replace userName ... verified by query on the new userName": NOBODY,
        "Add single-value string without flag (op Add) ... verified": without("nickName"),
        "Add single-value string with flag (op add) ... verified": without("nickName"),
        "Replace multiple attributes without flag (one op each) ... verified": without("displayName", *USER_NAME_ONLY),
        "Replace multiple attributes without flag (one op each) ... extension URN listed in schemas": answered(
            ("$.schemas", "len", 1), schemas=["urn:ietf:params:scim:schemas:core:2.0:User"]
        ),
        "Replace multiple attributes with flag (path op + path-less object with dotted and URN keys) ..."
        " verified (no stray 'name.givenName' top-level keys)": without(
            "displayName", "name.givenName", *USER_NAME_ONLY
        ),
        "Validator: Patch User - Add Attributes (value-filter paths whose target does not exist yet) ..."
        " every added attribute is fetched": without("emails", *USER_NAME_ONLY),
        f"Validator: {ADD_ROLES} ... one primary role with the three sub-attributes": without("roles"),
        "Validator: Patch User - Replace Attributes Verbose (filter paths + path-less object) ..."
        " every replaced attribute is fetched": without(*USER_NAME_ONLY, displayName="D0"),
        'Validator: replace roles[primary eq "True"].value ... verified': without("roles"),
        "Set manager, RFC shape (enterprise URN path, complex value) ... verified": without(ENTERPRISE),
        "Set manager as Entra sends it: Add, URN path, plain string value ... stored as manager.value": without(
            ENTERPRISE
        ),
        "Set manager as in the documented sample: path 'manager', array with $ref and value ..."
        " stored as manager.value": without(ENTERPRISE, "manager"),
        'Gallery test SCIM_Null_Update phase 1: Replace optional attributes with "" ...'
        " attributes are null/empty": without(*USER_NAME_ONLY, displayName="D0"),
        "Gallery test SCIM_Null_Update phase 2: Replace with null ... attributes remain null/empty": without(
            *USER_NAME_ONLY, displayName="D0"
        ),
        "AppRoleAssignmentsComplex PATCH: Add roles whose value is a JSON string ..."
        " appended, first role kept": without("roles"),
        "AssertiveAppRoleAssignmentsComplex PATCH: replace roles ... only the new roles remain": without("roles"),
        # Who is deactivated leaves the workspace; there is no inactive state.
        "Disable User: Replace active false (boolean, capitalised op, schemas after Operations) ..."
        " disabled user is still returned by GET": GONE,
        "Disable User: Replace active false (boolean, capitalised op, schemas after Operations) ..."
        " disabled user is still returned by query, with active": NOBODY,
        'Disable User without flag aadOptscim062020: string "False" ... stored as boolean false': GONE,
        "Disable User with flag aadOptscim062020 ... verified": GONE,
        # Members are removed by a filter in the path only, which is why Segment asks for the flag.
        "Update Group [Remove Members] without flag: path members + value array": refused(400, "invalidValue"),
        "Update Group [Remove Members] without flag: path members + value array ... only that member is gone": answered(
            ("$.members", "len", 4)
        ),
        'Remove member with flag: members[value eq "id"] ... verified': answered(("$.members", "len", 3)),
    },
    "okta": {
        "Create User (password placeholder, empty groups, locale)": without(
            *USER_NAME_ONLY, "password", status=201, displayName="Test User"
        ),
        "Update User (PUT): whole resource read back and sent with id, groups and meta": without(
            *USER_NAME_ONLY, displayName="Test User"
        ),
        "Update User (PUT): whole resource read back and sent with id, groups and meta ..."
        " PUT cleared what it did not carry (nothing left of displayName/locale)": without(
            *USER_NAME_ONLY, displayName="Test User"
        ),
        "Deactivate (OIN apps): path-less replace {active:false} ... verified; the user stays readable": GONE,
        "Deactivate (OIN apps): path-less replace {active:false} ... and stays in query results": NOBODY,
        # One of the two users has left the workspace: it is not counted, and cannot be a member.
        "Import beyond the last page: startIndex=100001": answered(totalResults=1, itemsPerPage=0),
        "Group membership: remove an absent member and add one in the same PATCH": refused(400, "invalidValue"),
        "Group membership: remove an absent member and add one in the same PATCH ... verified": answered(
            ("$.members", "empty_or_absent")
        ),
        "Group membership: plain add ... verified": answered(("$.members", "len", 1)),
        "Group membership: remove an existing member ... verified": answered(("$.members", "empty_or_absent")),
        "Group rename: path-less replace that carries the (unchanged) id ... verified, membership untouched": answered(
            ("$.members", "empty_or_absent"), displayName="Push2 run1"
        ),
        "Full membership push: replace members": refused(400, "invalidValue"),
        "Full membership push: replace members ... verified": answered(("$.members", "empty_or_absent")),
        "User shows the group in the read-only groups attribute": without("groups"),
        "Okta never sends DELETE /Users; cleanup 1": GONE,
    },
}


def played(server, provider):
    """What became of each step, by name; a step that looks at what another did bears that one's name too."""
    told, parent = [], ""
    for step, failures, answer in play(load(provider), f"{server.root}/scim/v2", TOKEN):
        name = step["name"]
        if name.startswith("  ..."):
            name = f"{parent} {name.strip()}"
        else:
            parent = name
        told.append((name, step, failures, answer))
    assert len(told) > 40
    return told


@pytest.mark.parametrize("provider", ["entra", "okta"])
def test_standard(serve, provider):
    """The tolerant default gives both providers what they expect, at every step."""
    server = serve(fixture=None)
    assert {name: failures for name, _, failures, _ in played(server, provider) if failures} == {}


@pytest.mark.parametrize("provider", ["entra", "okta"])
def test_tolerance_is_told(serve, provider):
    """Each step that --strict refuses is, where it is accepted, told as a leniency with its source."""
    server = serve(fixture=None)
    told = played(server, provider)
    entries = server.journal()
    assert len(entries) == len(told)
    silent = {
        name
        for (name, *_), entry in zip(told, entries, strict=True)
        if name in REFUSED[provider] and not entry["leniencies"]
    }
    assert silent == set()
    for entry in entries:
        for leniency in entry["leniencies"]:
            assert set(leniency) == {"code", "source", "detail"}
            assert all(leniency.values())


@pytest.mark.parametrize("provider", ["entra", "okta"])
def test_strict(serve, provider):
    """With --strict exactly the steps of the table are refused, and every quirk that deviates is among them."""
    server = serve(fixture=None, strict=True)
    found, never_made = {}, set()
    for name, step, failures, answer in played(server, provider):
        if answer is None:
            never_made.add(name)
        elif failures and answer.is_client_error:
            found[name] = answer.json()["scimType"]
        elif failures:
            assert step["method"] == "GET", (name, failures)  # looks at what a refused step should have done
        if step["level"] == "QUIRK" and step["method"] != "GET" and answer is not None:
            assert answer.is_client_error, name
    assert found == REFUSED[provider]
    assert never_made == NEVER_MADE[provider]
    assert all(entry["leniencies"] == [] for entry in server.journal())


@pytest.mark.parametrize("provider", ["entra", "okta"])
def test_segment(serve, provider):
    """Segment gives both providers what they expect, but for the steps of the table, where it does as Segment does."""
    server = serve("segment", None)
    wrong, differing = {}, set()
    for name, _, failures, answer in played(server, provider):
        instead = SEGMENT[provider].get(name)
        if instead is None:
            if failures:
                wrong[name] = failures
            continue
        assert failures, f"no longer differs: {name}"
        differing.add(name)
        if found := differences(instead, answer):
            wrong[name] = found
    assert wrong == {}
    assert differing == set(SEGMENT[provider])


# -- the runner itself -----------------------------------------------------------------------------------------


def test_runner_finds():
    """JSONPaths lead where they say."""
    document = {"a": [{"b": 1, "c.d": "x"}, {"b": 2, "p": True}], "urn:x:2.0": {"m": None}}
    assert find(document, "$") == [document]
    assert find(document, "$.a[*].b") == [1, 2]
    assert find(document, "$.a[1].b") == [2]
    assert find(document, "$.a[?p==true].b") == [2]
    assert find(document, "$.a[?b==1]['c.d']") == ["x"]
    assert find(document, "$['urn:x:2.0'].m") == [None]
    assert find(document, "$.a[7].b") == find(document, "$.none[*]") == []


def test_runner_compares():
    """A part of a document is found in it, arrays in any order; a boolean is no number."""
    assert contained({"a": [{"b": 1}]}, {"a": [{"c": 3}, {"b": 1, "d": 2}], "e": 1}) == []
    assert contained({"a": 1}, {"a": True})
    assert contained({"a": [1]}, {"a": [2]})
    assert contained({"a": {}}, {})
    assert contained([1], {"a": 1})


def test_runner_notices(serve):
    """What comes back otherwise is told, and so is a variable that nothing has saved."""
    server = serve()
    steps = [
        {"name": "status", "method": "GET", "path": "/Users/u-1", "expect": {"status": 404}},
        {"name": "body", "method": "GET", "path": "/Users/u-1", "expect": {"status": 200, "body": {"userName": "x"}}},
        {"name": "header", "method": "GET", "path": "/Users/u-1", "expect": {"headers": {"ETag": "nothing"}}},
        {"name": "json", "method": "GET", "path": "/Users", "expect": {"json": [{"path": "$.x", "op": "exists"}]}},
        {"name": "empty", "method": "DELETE", "path": "/Users/u-1", "expect": {"bodyRequired": True}},
        {"name": "unsaved", "method": "GET", "path": "/Users/${nobody}"},
    ]
    told = play({"steps": steps}, f"{server.root}/scim/v2", TOKEN)
    assert [len(failures) for _, failures, _ in told] == [1] * 6
