"""Who is in scope: assignment, scoping filters, and what stands in the way."""

import msgspec
import pytest

from mockscim.faults.documents import convert
from mockscim.faults.errors import FaultError
from mockscim.provisioning.directory import DEFAULT_ACCESS, from_document
from mockscim.provisioning.scoping import Clause, Scope, ScopingFilter, judge_group, judge_user, passes

ANN = {
    "department": "Sales",
    "level": "12",
    "grade": 7,
    "half": 7.5,
    "enabled": True,
    "off": "False",
    "empty": "",
    "lists": ["a"],
    "none": None,
}

HOLDS = [
    ("department", "EQUALS", "Sales", True),
    ("department", "EQUALS", "sales", False),
    ("grade", "EQUALS", 7, True),
    ("department", "NOT EQUALS", "sales", True),
    ("department", "NOT EQUALS", "Sales", False),
    ("department", "Includes", "ale", True),
    ("department", "Includes", "ALE", False),
    ("department", "ENDS_WITH", "les", True),
    ("department", "ENDS_WITH", "Sal", False),
    ("department", "&", "Sales;Legal", True),
    ("department", "&", "Legal", False),
    ("department", "!&", "Legal", True),
    ("department", "!&", "Sales;Legal", False),
    ("level", "Greater_Than", 11, True),
    ("level", "Greater_Than", "12", False),
    ("level", "Greater_Than", "9", True),
    ("level", "Greater_Than_OR_EQUALS", 12, True),
    ("level", "Greater_Than_OR_EQUALS", 13, False),
    ("department", "Greater_Than", 1, False),
    ("half", "Greater_Than", 1, False),
    ("enabled", "Greater_Than", 0, False),
    ("enabled", "IS TRUE", None, True),
    ("enabled", "IS FALSE", None, False),
    ("off", "IS FALSE", None, True),
    ("department", "IS TRUE", None, False),
    ("department", "IS NOT NULL", None, True),
    ("department", "IS NULL", None, False),
    ("empty", "IS NULL", None, True),
    ("none", "IS NULL", None, True),
    ("nothing", "IS NOT NULL", None, False),
    ("level", "REGEX MATCH", "^[1-9][0-9]$", True),
    ("department", "REGEX MATCH", "^sales$", False),
    ("department", "REGEX MATCH", "(?<n>S)ales", True),
    ("department", "NOT REGEX MATCH", "^Legal", True),
    ("department", "NOT REGEX MATCH", "^Sales", False),
    # a multi-valued attribute cannot be filtered by
    ("lists", "Includes", "a", False),
    # other spellings of an operator
    ("department", "equals", "Sales", True),
    ("enabled", "is_true", None, True),
    ("level", "Greater Than OR EQUALS", 12, True),
]


@pytest.mark.parametrize(("attribute", "operator", "value", "expected"), HOLDS)
def test_a_clause_holds_as_documented(attribute, operator, value, expected):
    """Every operator, case-sensitively; numbers are integers."""
    assert Clause(attribute, operator, value).holds(ANN) is expected


@pytest.mark.parametrize("attribute", ["none", "empty", "nothing"])
@pytest.mark.parametrize("operator", ["EQUALS", "NOT EQUALS", "!&", "&", "Includes", "NOT REGEX MATCH", "REGEX MATCH"])
def test_a_clause_about_nothing_is_false(attribute, operator):
    """Also the ones that say not."""
    assert not Clause(attribute, operator, "x").holds(ANN)


REFUSED = [
    ({"attribute": "members", "operator": "IS NULL"}, "attribute", "members of a group"),
    ({"attribute": "IsMemberOf", "operator": "EQUALS", "value": "x"}, "attribute", "IsMemberOf"),
    ({"attribute": "proxyAddresses", "operator": "Includes", "value": "x"}, "attribute", "multi-valued"),
    ({"attribute": "appRoleAssignments", "operator": "IS NULL"}, "attribute", "appRoleAssignments"),
    ({"attribute": "userType", "operator": "EQUALS", "value": "Guest"}, "attribute", "userType"),
    ({"attribute": "manager", "operator": "EQUALS", "value": "x"}, "attribute", "references"),
    ({"attribute": "employeeHireDate", "operator": "Greater_Than", "value": 1}, "attribute", "dates"),
    ({"attribute": " ", "operator": "IS NULL"}, "attribute", "the name of a source attribute"),
    ({"attribute": "x", "operator": "EQUAL", "value": "y"}, "operator", "did you mean 'EQUALS'?"),
    ({"attribute": "x", "operator": "EQUALS"}, "value", "EQUALS needs a value"),
    ({"attribute": "x", "operator": "IS TRUE", "value": "y"}, "value", "IS TRUE takes no value"),
    ({"attribute": "x", "operator": "Greater_Than", "value": "1.5"}, "value", "compares with an integer"),
    ({"attribute": "x", "operator": "REGEX MATCH", "value": "("}, "value", "a regular expression was expected"),
    ({"attribute": "x", "operator": "NOT REGEX MATCH", "value": "("}, "value", "a regular expression was expected"),
    ({"attribute": "x", "op": "EQUALS"}, "op", "unknown key"),
]


@pytest.mark.parametrize(("clause", "key", "message"), REFUSED, ids=[m for _, _, m in REFUSED])
def test_what_is_not_supported_is_refused_at_its_place(clause, key, message):
    """When the filter is read, not when somebody falls out of scope by it."""
    with pytest.raises(FaultError) as caught:
        convert({"clauses": [clause]}, ScopingFilter)
    assert caught.value.pointer == f"/clauses/0/{key}"
    assert message in caught.value.expected


def test_clauses_are_anded_and_filters_are_ored():
    """No filter lets everybody through; a filter has a clause."""
    sales, legal = Clause("department", "EQUALS", "Sales"), Clause("department", "EQUALS", "Legal")
    high = Clause("level", "Greater_Than", 11)
    assert passes([], ANN)
    assert passes([ScopingFilter([sales, high])], ANN)
    assert not passes([ScopingFilter([legal, high])], ANN)
    assert passes([ScopingFilter([legal]), ScopingFilter([high])], ANN)
    with pytest.raises(FaultError, match="at least one clause"):
        convert({"clauses": []}, ScopingFilter)


def test_a_filter_is_read_as_it_is_written():
    """With its title."""
    told = {"name": "Sales", "clauses": [{"attribute": "department", "operator": "EQUALS", "value": "Sales"}]}
    assert msgspec.to_builtins(convert(told, ScopingFilter)) == told


DIRECTORY = from_document(
    {
        "kind": "directory",
        "users": [
            {"id": "in", "userPrincipalName": "in@example.com", "department": "Sales"},
            {"id": "out", "userPrincipalName": "out@example.com", "department": "Sales"},
            {"id": "blocked", "userPrincipalName": "blocked@example.com", "accountEnabled": False},
            {"id": "gone", "userPrincipalName": "gone@example.com", "deletedDateTime": "2026-01-01T00:00:00Z"},
            {"id": "default", "userPrincipalName": "default@example.com"},
        ],
        "groups": [
            {"id": "g", "displayName": "Sales", "members": ["in", "blocked", "gone", "nested"]},
            {"id": "nested", "displayName": "Nested", "members": ["out"]},
            {"id": "mail", "displayName": "Mail", "securityEnabled": False, "members": ["out"]},
        ],
        "assignments": [
            {"principal": "g"},
            {"principal": "mail"},
            {"principal": "default", "role": "Default Access"},
        ],
    }
)
SALES = [ScopingFilter([Clause("department", "EQUALS", "Sales")])]
ALL = Scope(mode="all")


@pytest.mark.parametrize(
    ("user", "scope", "filters", "reason"),
    [
        ("in", Scope(), [], ""),
        ("in", Scope(), SALES, ""),
        ("out", Scope(), [], "NotAssigned"),
        ("out", ALL, [], ""),
        ("blocked", Scope(), [], "Disabled"),
        ("blocked", ALL, SALES, "ScopingFilter"),
        ("gone", Scope(), [], "SoftDeleted"),
        ("gone", ALL, [], "SoftDeleted"),
        ("default", Scope(), [], ""),
        ("default", Scope(default_access_excluded=True), [], "NotEffectivelyEntitled"),
        ("default", Scope(mode="all", default_access_excluded=True), [], ""),
        ("default", Scope(), SALES, "ScopingFilter"),
    ],
)
def test_a_user_is_judged(user, scope, filters, reason):
    """Assigned only or all; filters; blocked and deleted; and Default Access, where that is excluded."""
    verdict = judge_user(DIRECTORY, DIRECTORY.users[user], scope, filters)
    assert verdict.reason == reason
    assert verdict.effective is (reason == "")
    assert verdict.in_scope is (reason in ("", "Disabled") or (reason == "SoftDeleted" and verdict.entitled))


@pytest.mark.parametrize(
    ("group", "scope", "reason"),
    [
        ("g", Scope(), ""),
        ("nested", Scope(), "NotAssigned"),
        ("nested", ALL, ""),
        ("mail", Scope(), "NotSecurityEnabled"),
        ("mail", ALL, "NotSecurityEnabled"),
    ],
)
def test_a_group_is_judged(group, scope, reason):
    """It has to be assigned itself, and to be securityEnabled in any case."""
    verdict = judge_group(DIRECTORY, DIRECTORY.groups[group], scope, [])
    assert verdict.reason == reason
    assert verdict.in_scope is (reason == "")


def test_groups_have_filters_of_their_own():
    """By their attributes."""
    sales = [ScopingFilter([Clause("displayName", "EQUALS", "Sales")])]
    assert judge_group(DIRECTORY, DIRECTORY.groups["g"], ALL, sales).effective
    assert judge_group(DIRECTORY, DIRECTORY.groups["nested"], ALL, sales).reason == "ScopingFilter"


def test_the_details_are_those_of_the_provisioning_log():
    """Texts, as the published example of provisionOnDemand has them."""
    verdict = judge_user(DIRECTORY, DIRECTORY.users["default"], Scope(default_access_excluded=True), SALES)
    assert verdict.details == {
        "IsActive": "True",
        "Assigned": "True",
        "IsEffectivelyEntitledForProvisioning": "False",
        "IsInProvisioningScopeDisplayName": "False",
        "ScopeEvaluationResult": '{"ScopingFilter":"False"}',
    }
    assert DEFAULT_ACCESS in {each.role_id for each in DIRECTORY.assignments}
