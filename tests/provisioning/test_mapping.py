"""Attribute mappings and the target attributes they name: what flows, what does not, and what is refused."""

import contextlib
from random import Random

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockscim.provisioning import mapping, target
from mockscim.provisioning.directory import from_document
from mockscim.provisioning.expressions import Context, ExpressionError
from mockscim.provisioning.mapping import MappingError, flow, load, matching_values
from mockscim.provisioning.source import GroupSource, UserSource, collapsed

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
DIRECTORY = from_document(
    {
        "kind": "directory",
        "users": [
            {
                "id": "a",
                "userPrincipalName": "ann@example.com",
                "displayName": "Ann Ashdown",
                "givenName": "Ann",
                "surname": "Ashdown",
                "mail": "ann@example.com",
                "mailNickname": "ann",
                "jobTitle": "",
                "department": None,
                "employeeId": "1001",
                "businessPhones": ["+1", "+2"],
                "officeLocation": "Room 5",
                "proxyAddresses": ["SMTP:a@x", "smtp:b@x"],
                "level": 7,
                "manager": "b",
            },
            {"id": "b", "userPrincipalName": "pat_partner.example#EXT#@example.com", "accountEnabled": False},
        ],
        "groups": [{"id": "g", "displayName": "Engineering", "members": ["a"]}],
        "appRoles": [{"id": "r", "displayName": "User", "value": "user"}],
        "assignments": [{"principal": "g"}],
    }
)
ANN = UserSource(DIRECTORY, DIRECTORY.users["a"])


def seeded(seed: int) -> Random:
    """Chance that is the same every time."""
    return Random(seed)  # noqa: S311 - repeatable on purpose


def rows(*listed: dict) -> mapping.ObjectMapping:
    """The mapping of users with userName and some rows more."""
    first = {"targetAttributeName": "userName", "source": "userPrincipalName", "matchingPriority": 1}
    return load({"users": {"attributeMappings": [first, *listed]}}).users


def row(name: str, source: str = "", kind: str = "Direct", **more) -> dict:
    return {"targetAttributeName": name, "source": source, "type": kind, **more}


def values(*listed: dict, creating: bool = True, source=ANN) -> dict:
    return flow(rows(*listed), source, Context(random=seeded(1)), creating=creating).values


def test_the_mapping_of_segment_is_the_published_table():
    """The userName, which is matched, the work e-mail, displayName; groups by displayName, with members; no active."""
    segment = load("segment")
    names = [each.targetAttributeName for each in segment.users.attributeMappings]
    assert names == ["userName", 'emails[type eq "work"].value', "displayName"]
    assert [each.targetAttributeName for each in segment.users.matching] == ["userName"]
    assert [each.targetAttributeName for each in segment.groups.attributeMappings] == ["displayName", "members"]
    assert [each.targetAttributeName for each in segment.groups.references] == ["members"]
    assert any("segment-provisioning-tutorial" in each for each in segment.source)


def test_the_non_gallery_mapping_flows_as_documented():
    """Every attribute of the published tables that the user has; the manager as a reference."""
    found = flow(load("non-gallery").users, ANN, Context(), creating=True)
    assert found.values == {
        "userName": "ann@example.com",
        "active": True,
        "displayName": "Ann Ashdown",
        'emails[type eq "work"].value': "ann@example.com",
        "name.givenName": "Ann",
        "name.familyName": "Ashdown",
        "name.formatted": "Ann Ashdown",
        'addresses[type eq "work"].formatted': "Room 5",
        'phoneNumbers[type eq "work"].value': "+1",
        "externalId": "ann",
        f"{ENTERPRISE}:employeeNumber": "1001",
    }
    assert found.references == {f"{ENTERPRISE}:manager": ["b"]}
    assert found.errors == []
    group = flow(load("non-gallery").groups, GroupSource(DIRECTORY.groups["g"]), Context(), creating=True)
    assert group == ({"displayName": "Engineering", "externalId": "g"}, {"members": []}, [], set())


@pytest.mark.parametrize("name", mapping.names())
def test_what_comes_along_is_the_same_when_written_and_read(name):
    """And tells where it is from."""
    found = load(name)
    assert load(orjson.loads(orjson.dumps(mapping.dump(found)))) == found
    assert found.name == name
    assert found.source


def test_a_mapping_may_be_a_file(tmp_path):
    """A file of users alone provisions no groups."""
    path = tmp_path / "mine.json"
    first = {"targetAttributeName": "userName", "source": "mail", "matchingPriority": 1}
    path.write_bytes(orjson.dumps({"users": {"attributeMappings": [first]}}))
    assert load(path) == load(str(path))
    assert not load(path).groups.enabled
    with pytest.raises(MappingError, match="non-gallery, segment was"):
        load(tmp_path / "none.json")
    path.write_text('{"users":\n}')
    with pytest.raises(MappingError, match=r"mine\.json:2:1: not JSON"):
        load(path)


# --- what flows ---


def test_the_four_types_of_mapping():
    """Direct, Constant and Expression flow; None does not."""
    found = values(
        row("displayName", "displayName"),
        row("userType", "Employee", "Constant"),
        row("nickName", "ToLower([givenName])", "Expression"),
        row("title", kind="None"),
    )
    assert found == {
        "userName": "ann@example.com",
        "displayName": "Ann Ashdown",
        "userType": "Employee",
        "nickName": "ann",
    }


@pytest.mark.parametrize(("creating", "expected"), [(True, "none"), (False, None)])
@pytest.mark.parametrize(
    "kind", [("jobTitle", "Direct"), ("department", "Direct"), ("ToLower([department])", "Expression"), ("", "None")]
)
def test_a_default_value_is_for_creation_alone(creating, expected, kind):
    """Null and an empty text are as good as nothing; an update does not send the default."""
    found = values(row("title", *kind, defaultValue="none"), creating=creating)
    assert found.get("title") == expected


def test_what_is_empty_is_not_provisioned():
    """Neither null nor an empty text is sent: the target is not cleared."""
    found = values(row("title", "jobTitle"), row("nickName", "nothing"), row("locale", 'Left("x", 0)', "Expression"))
    assert list(found) == ["userName"]


def test_only_during_creation_means_just_that():
    """ObjectAddOnly does not flow into an object that is there."""
    only = row("externalId", "Guid()", "Expression", flowType="ObjectAddOnly")
    assert "externalId" in values(only)
    assert "externalId" not in values(only, creating=False)


def test_values_are_of_the_targets_type():
    """Booleans where the RFC has them, text elsewhere; a single element takes one of several values."""
    found = values(
        row("active", 'Switch([IsSoftDeleted], , "False", "True", "True", "False")', "Expression"),
        row('emails[type eq "work"].primary', "True", "Constant"),
        row("nickName", "accountEnabled"),
        row("title", "level"),
        row('emails[type eq "other"].value', "proxyAddresses"),
        row("locale", "Count([proxyAddresses])", "Expression"),
    )
    assert found["active"] is True
    assert found['emails[type eq "work"].primary'] is True
    assert found["nickName"] == "True"
    assert found["title"] == "7"
    assert found['emails[type eq "other"].value'] == "SMTP:a@x"
    assert found["locale"] == "2"


def test_who_is_not_effective_is_soft_deleted_to_the_mapping():
    """Whatever the reason: unassigned, out of scope, deleted or blocked."""
    active = row("active", 'Switch([IsSoftDeleted], , "False", "True", "True", "False")', "Expression")
    gone = UserSource(DIRECTORY, DIRECTORY.users["a"], effective=False)
    assert values(active, source=gone)["active"] is False
    assert values(row("active", "Not([IsSoftDeleted])", "Expression"), source=gone)["active"] is False
    blocked = UserSource(DIRECTORY, DIRECTORY.users["b"])
    assert values(row("active", "accountEnabled"), source=blocked)["active"] is False


def test_a_guest_is_provisioned_by_the_address_outside():
    """The name with #EXT# is to be had as originalUserPrincipalName."""
    pat = UserSource(DIRECTORY, DIRECTORY.users["b"])
    found = values(row("externalId", "originalUserPrincipalName"), source=pat)
    assert found == {"userName": "pat@partner.example", "externalId": "pat_partner.example#EXT#@example.com"}


@pytest.mark.parametrize(
    ("upn", "expected"),
    [
        ("ann@example.com", "ann@example.com"),
        ("a_b_c.example#EXT#@d", "a_b@c.example"),
        ("plain#EXT#@d", "plain#EXT#@d"),
        ("a_b@example.com", "a_b@example.com"),
    ],
)
def test_only_a_guests_name_is_collapsed(upn, expected):
    """At its last underscore, which stands for the @."""
    assert collapsed(upn) == expected


def test_roles_come_from_assignments():
    """[appRoleAssignments] is made into what the target has, as an expression says."""
    found = values(row('roles[primary eq "True"].value', "SingleAppRoleAssignment([appRoleAssignments])", "Expression"))
    assert found['roles[primary eq "True"].value'] == "user"


def test_an_expression_that_fails_for_an_object_leaves_the_rest():
    """It is told with its target and its text."""
    found = flow(
        rows(row("title", "Item([surname], 0)", "Expression"), row("displayName", "displayName")),
        ANN,
        Context(),
        creating=True,
    )
    assert found.values["displayName"] == "Ann Ashdown"
    assert found.errors == [("title", "Item([surname], 0)", "Item counts from 1")]


def test_what_is_redacted_is_told():
    """The value flows; the log is to hide it."""
    found = flow(rows(row("title", "Redact([surname])", "Expression")), ANN, Context(), creating=True)
    assert found.values["title"] == "Ashdown"
    assert found.redacted == {"title"}


def test_objects_are_matched_in_the_order_of_precedence():
    """Attributes for which the object has nothing are left out; defaults are for creating, not for finding."""
    several = load(
        {
            "users": {
                "attributeMappings": [
                    row("userName", "userPrincipalName", matchingPriority=3),
                    row("externalId", "department", matchingPriority=1, defaultValue="x"),
                    row('emails[type eq "work"].value', "ToUpper([mail])", "Expression", matchingPriority=2),
                ]
            }
        }
    ).users
    found = [(each.targetAttributeName, value) for each, value in matching_values(several, ANN, Context())]
    assert found == [('emails[type eq "work"].value', "ANN@EXAMPLE.COM"), ("userName", "ann@example.com")]
    failing = load(
        {"users": {"attributeMappings": [row("x", "Mid([mail],0,1)", "Expression", matchingPriority=1)]}}
    ).users
    with pytest.raises(ExpressionError):
        matching_values(failing, ANN, Context())


def test_a_mapping_says_which_functions_it_uses():
    """So that what does not go with "all users" can be refused."""
    found = rows(row("roles", "AssertiveAppRoleAssignmentsComplex([appRoleAssignments])", "Expression"))
    assert found.uses("AssertiveAppRoleAssignmentsComplex")
    assert not found.uses("AppRoleAssignmentsComplex")


# --- what is refused ---

_FIRST = {"targetAttributeName": "userName", "source": "userPrincipalName", "matchingPriority": 1}
WRONG_ROWS = [
    (row("user Name", "mail"), "targetAttributeName", "is no target attribute"),
    (row('emails[type co "work"].value', "mail"), "targetAttributeName", "chosen by eq alone"),
    (row("id", "mail"), "targetAttributeName", "map to externalId"),
    (row("department", "department"), "targetAttributeName", f"{ENTERPRISE}:department"),
    (row("title"), "source", "the name of a source attribute"),
    (row("title", "ToLower([mail])"), "source", 'an expression has "type": "Expression"'),
    (row("roles", "appRoleAssignments"), "source", "roles are mapped by an expression"),
    (row("title", kind="Constant"), "source", "the constant was expected"),
    (row("title", "x", "None"), "source", "nothing was expected"),
    (row("title", "Tolower([mail])", "Expression"), "source", "names are case-sensitive: ToLower"),
    (row("title", "jobTitle", "direct"), "type", "expected one of Direct, Constant, Expression, None"),
    (row("title", "jobTitle", flowType="Never"), "flowType", "expected one of Always, ObjectAddOnly"),
    (row("title", "jobTitle", matchingPriority=-1), "matchingPriority", "0 for no matching"),
    (row("title", kind="None", matchingPriority=2), "matchingPriority", "of a plain attribute"),
    (row("manager", "manager", matchingPriority=2), "matchingPriority", "of a plain attribute"),
    (row("title", "SelectUniqueValue([mail], [surname])", "Expression"), "flowType", "ObjectAddOnly"),
    (
        row("title", "SelectUniqueValue([mail], [surname])", "Expression", matchingPriority=2),
        "matchingPriority",
        "not for a matching attribute",
    ),
    (row("title", "jobTitle", default="x"), "default", "did you mean 'defaultValue'?"),
    ({"source": "jobTitle"}, "targetAttributeName", "required"),
]


@pytest.mark.parametrize(("wrong", "key", "message"), WRONG_ROWS, ids=[f"{k} {m}" for _, k, m in WRONG_ROWS])
def test_a_wrong_row_is_refused_at_its_place(wrong, key, message):
    """The pointer names the row and the key."""
    with pytest.raises(MappingError) as caught:
        load({"users": {"attributeMappings": [_FIRST, wrong]}})
    assert caught.value.where == f"/users/attributeMappings/1/{key}"
    assert message in str(caught.value)


WRONG = [
    ({"users": {"attributeMappings": []}}, "/users/attributeMappings", "a matchingPriority of 1"),
    ({"users": {"attributeMappings": [_FIRST, _FIRST]}}, "/users/attributeMappings", "userName is mapped twice"),
    (
        {"users": {"attributeMappings": [_FIRST, {**_FIRST, "targetAttributeName": "x"}]}},
        "/users/attributeMappings",
        "each matchingPriority was expected once",
    ),
    ({"users": {"attributeMappings": [_FIRST], "enabled": False}}, "/users", "groups alone may be disabled"),
    ({"users": {"attributeMappings": [_FIRST], "flowTypes": ["Purge"]}}, "/users/flowTypes/0", "Add, Update, Delete"),
    ({"groups": {"attributeMappings": [_FIRST]}}, "/users", "required"),
    (
        {"users": {"attributeMappings": [_FIRST]}, "groups": {"attributeMappings": []}},
        "/groups/attributeMappings",
        "of 1 was",
    ),
    (
        {"users": {"attributeMappings": [_FIRST], "scope": [{"clauses": [{"attribute": "x", "operator": "IS"}]}]}},
        "/users/scope/0/clauses/0/operator",
        "expected one of &, !&, ENDS_WITH",
    ),
]


@pytest.mark.parametrize(("wrong", "where", "message"), WRONG, ids=[m for _, _, m in WRONG])
def test_a_wrong_document_is_refused_at_its_place(wrong, where, message):
    """As a whole, or a scoping filter in it."""
    with pytest.raises(MappingError) as caught:
        load(wrong)
    assert caught.value.where == where
    assert message in str(caught.value)


def test_what_is_no_object_is_no_mapping():
    """A list, say."""
    with pytest.raises(MappingError, match="users"):
        mapping.parse(b"[]")


# --- target attributes ---

PATHS = [
    ("userName", "x", {"userName": "x"}),
    ("name.givenName", "x", {"name": {"givenName": "x"}}),
    ('emails[type eq "work"].value', "x", {"emails": [{"type": "work", "value": "x"}]}),
    ('roles[primary eq "True"].value', "x", {"roles": [{"primary": True, "value": "x"}]}),
    ("roles[primary eq true].value", "x", {"roles": [{"primary": True, "value": "x"}]}),
    (f"{ENTERPRISE}:department", "x", {ENTERPRISE: {"department": "x"}}),
    (f"{ENTERPRISE}:manager.displayName", "x", {ENTERPRISE: {"manager": {"displayName": "x"}}}),
    ("manager", {"value": "1"}, {ENTERPRISE: {"manager": {"value": "1"}}}),
    ("urn:ietf:params:scim:schemas:core:2.0:User:title", "x", {"title": "x"}),
    (
        "urn:ietf:params:scim:schemas:extension:CustomExtensionName:2.0:User:CustomAttribute",
        "x",
        {"urn:ietf:params:scim:schemas:extension:CustomExtensionName:2.0:User": {"CustomAttribute": "x"}},
    ),
    ("active", False, {"active": False}),
    ('emails[type eq "work"]', {"type": "work", "value": "x"}, {"emails": [{"type": "work", "value": "x"}]}),
]


@pytest.mark.parametrize(("text", "value", "resource"), PATHS, ids=[text for text, _, _ in PATHS])
def test_a_value_goes_where_its_path_says_and_is_found_there(text, value, resource):
    """What assemble does read undoes; the text of a path is kept."""
    path = target.parse(text)
    assert str(path) == text
    assert target.assemble({text: value}) == resource
    assert target.read(resource, path) == value
    assert target.read({}, path) is None


def test_paths_with_one_filter_fill_one_element():
    """And others get elements of their own; an element without the sub-attribute has no value."""
    made = target.assemble(
        {
            'addresses[type eq "work"].locality': "Lisbon",
            'addresses[type eq "work"].country': "PT",
            'addresses[type eq "home"].locality': "Porto",
        }
    )
    assert made == {
        "addresses": [{"type": "work", "locality": "Lisbon", "country": "PT"}, {"type": "home", "locality": "Porto"}]
    }
    assert target.read(made, target.parse('addresses[type eq "home"].country')) is None
    assert target.read({"EMAILS": [{"Type": "WORK", "VALUE": 1}]}, target.parse('emails[type eq "work"].value')) == 1


_NAMES = st.sampled_from(["userName", "name", "emails", "x-y", "$ref", "A1"])
_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters='\\"'), max_size=6).filter(
    lambda text: " and " not in text.lower() and "]" not in text
)


@given(_NAMES, st.lists(st.tuples(_NAMES, st.one_of(st.booleans(), _TEXTS)), max_size=2), st.none() | _NAMES)
def test_a_path_is_read_as_it_is_written(attribute, clauses, sub):
    """What was put into the text comes out of it."""
    told = [
        f'{name} eq "{value}"' if isinstance(value, str) else f"{name} eq {str(value).lower()}"
        for name, value in clauses
    ]
    text = attribute + (f"[{' and '.join(told)}]" if told else "") + (f".{sub}" if sub else "")
    path = target.parse(text)
    assert (path.attribute, list(path.filter), path.sub, path.schema) == (attribute, clauses, sub, None)


@given(st.text(max_size=40))
def test_any_text_is_a_path_or_refused(text):
    """With the one error."""
    with contextlib.suppress(target.TargetPathError):
        assert str(target.parse(text)) == text
