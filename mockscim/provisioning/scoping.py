"""Who is provisioned: the scope of the job, scoping filters, and what stands in the way of one object.

Microsoft's "Scoping users or groups to be provisioned" (define-conditional-rules-for-provisioning-user-accounts.md):
the clauses of a filter are ANDed, filters are ORed; a clause about a value that is null or empty is false.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from mockscim.faults.documents import suggestion
from mockscim.faults.errors import Wrong
from mockscim.provisioning.directory import DEFAULT_ACCESS, Directory, Group, User


class Source(Protocol):
    """An object to judge, by the names of its attributes."""

    def get(self, name: str, /) -> Any:  # noqa: ANN401 - what a directory may hold
        """The attribute's value, None when there is none."""


def _text(value: object) -> str:
    return str(value) if not isinstance(value, float) or value != int(value) else str(int(value))


def _integer(value: object) -> int | None:
    try:
        return None if isinstance(value, bool) else int(str(value))
    except ValueError:
        return None


def _greater(value: object, bound: str) -> bool:
    number = _integer(value)
    return number is not None and number > int(bound)


def _at_least(value: object, bound: str) -> bool:
    number = _integer(value)
    return number is not None and number >= int(bound)


def _search(pattern: str, value: object) -> bool:
    return re.search(_dotnet(pattern), _text(value)) is not None


def _dotnet(pattern: str) -> str:
    """A pattern of .NET's as Python's re has it: named groups are written otherwise."""
    return re.sub(r"\(\?<(?![=!])(\w+)>", r"(?P<\1>", pattern)


# & is documented as "the evaluated attribute exists in the input string value": the value holds the attribute.
_OPERATORS: dict[str, Callable[[Any, str], bool]] = {
    "&": lambda value, text: _text(value) in text,
    "!&": lambda value, text: _text(value) not in text,
    "ENDS_WITH": lambda value, text: _text(value).endswith(text),
    "EQUALS": lambda value, text: _text(value) == text,
    "Greater_Than": _greater,
    "Greater_Than_OR_EQUALS": _at_least,
    "Includes": lambda value, text: text in _text(value),
    "IS FALSE": lambda value, _: value is False or value in ("False", "false"),
    "IS NOT NULL": lambda _value, _: True,
    "IS NULL": lambda _value, _: False,
    "IS TRUE": lambda value, _: value is True or value in ("True", "true"),
    "NOT EQUALS": lambda value, text: _text(value) != text,
    "NOT REGEX MATCH": lambda value, text: not _search(text, value),
    "REGEX MATCH": lambda value, text: _search(text, value),
}
_SPELLINGS = {name.replace("_", " ").lower(): name for name in _OPERATORS}
_ALONE = {"IS FALSE", "IS NOT NULL", "IS NULL", "IS TRUE"}
_NUMERIC = {"Greater_Than", "Greater_Than_OR_EQUALS"}
_PATTERNS = {"NOT REGEX MATCH", "REGEX MATCH"}

# What the documentation says is not supported, and why, in words.
_REFUSED = {
    "members": "the members of a group cannot be filtered by",
    "ismemberof": "IsMemberOf is not supported",
    "memberof": "IsMemberOf is not supported",
    "proxyaddresses": "multi-valued attributes cannot be filtered by",
    "othermails": "multi-valued attributes cannot be filtered by",
    "businessphones": "multi-valued attributes cannot be filtered by",
    "approleassignments": 'appRoleAssignments cannot be filtered by; the scope "assigned" looks at assignments',
    "usertype": "userType is not supported",
    "manager": "references cannot be filtered by",
    "createddatetime": "dates cannot be filtered by",
    "deleteddatetime": "dates cannot be filtered by",
    "employeehiredate": "dates cannot be filtered by",
    "employeeleavedatetime": "dates cannot be filtered by",
}


class Clause(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One condition on one attribute. The operator is written as in the portal, in any case, with _ or blanks."""

    attribute: str
    operator: str
    value: str | int | None = None

    def __post_init__(self) -> None:
        if not self.attribute.strip():
            raise Wrong("attribute", "the name of a source attribute was expected")
        if self.attribute.lower() in _REFUSED:
            raise Wrong("attribute", _REFUSED[self.attribute.lower()])
        name = _SPELLINGS.get(self.operator.replace("_", " ").lower())
        if name is None:
            raise Wrong("operator", f"{suggestion(self.operator, _OPERATORS)}expected one of {', '.join(_OPERATORS)}")
        if name in _ALONE:
            if self.value not in (None, ""):
                raise Wrong("value", f"{name} takes no value")
        elif self.value is None:
            raise Wrong("value", f"{name} needs a value")
        elif name in _NUMERIC and _integer(self.value) is None:
            raise Wrong("value", f"{name} compares with an integer")
        elif name in _PATTERNS:
            _check_pattern(str(self.value))

    @property
    def name(self) -> str:
        """The operator as the portal spells it."""
        return _SPELLINGS[self.operator.replace("_", " ").lower()]

    def holds(self, source: Source) -> bool:
        """Whether the condition holds for an object."""
        value = source.get(self.attribute)
        if value is None or value in ("", []):
            return self.name == "IS NULL"
        if isinstance(value, list):  # not to be filtered by; which attributes are lists a document alone can show
            return False
        return _OPERATORS[self.name](value, "" if self.value is None else str(self.value))


def _check_pattern(pattern: str) -> None:
    try:
        re.compile(_dotnet(pattern))
    except re.error as error:
        raise Wrong("value", f"a regular expression was expected: {error}") from None


class ScopingFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Conditions that hold together, under the title that the portal shows."""

    clauses: list[Clause]
    name: str = ""

    def __post_init__(self) -> None:
        if not self.clauses:
            raise Wrong("clauses", "at least one clause was expected")

    def holds(self, source: Source) -> bool:
        """Whether every clause holds."""
        return all(clause.holds(source) for clause in self.clauses)


class Scope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The scope of a job.

    Args:
        mode: ``assigned`` syncs assigned users and groups only, ``all`` every one.
        default_access_excluded: whoever has no other role than "Default Access" is not provisioned: so it was for
            jobs made before 16 April 2020, and is no more.
    """

    mode: Literal["assigned", "all"] = "assigned"
    default_access_excluded: bool = False


Reason = Literal[
    "",
    "SoftDeleted",
    "Disabled",
    "NotSecurityEnabled",
    "NotAssigned",
    "NotEffectivelyEntitled",
    "ScopingFilter",
]


class Verdict(NamedTuple):
    """Whether an object is to be provisioned, and what stands in the way first.

    Args:
        active: neither soft-deleted nor blocked from signing in.
        assigned: to the application, itself or by way of a security group.
        entitled: assigned in a role that counts, or everybody is in scope.
        filtered: the scoping filters let it through.
        reason: the first thing that stands in the way; empty when nothing does.
    """

    active: bool
    assigned: bool
    entitled: bool
    filtered: bool
    reason: Reason

    @property
    def in_scope(self) -> bool:
        """Whether scope and filters have it, be it active or not."""
        return self.entitled and self.filtered and self.reason != "NotSecurityEnabled"

    @property
    def effective(self) -> bool:
        """Whether it is to be in the target and active there."""
        return not self.reason

    @property
    def details(self) -> dict[str, str]:
        """The details of the log's scoping step, with the keys of provisionOnDemand's published example.

        Guess: what ScopeEvaluationResult holds where a filter does not let it through.
        """
        return {
            "IsActive": str(self.active),
            "Assigned": str(self.assigned),
            "IsEffectivelyEntitledForProvisioning": str(self.entitled),
            "IsInProvisioningScopeDisplayName": str(self.in_scope),
            "ScopeEvaluationResult": "{}" if self.filtered else '{"ScopingFilter":"False"}',
        }


def judge_user(
    directory: Directory,
    user: User,
    scope: Scope,
    filters: list[ScopingFilter],
    source: Source | None = None,
) -> Verdict:
    """Judge a user.

    Args:
        directory: who is assigned.
        user: whom.
        scope: that of the job.
        filters: one of them has to hold, if there are any.
        source: what the filters look at, if not the user as the directory has it.
    """
    roles = directory.roles_of(user.id)
    entitled = scope.mode == "all" or _counts([role.id for role in roles], scope)
    active = user.enabled and not user.deleted
    filtered = passes(filters, source or user)
    reason: Reason = ""
    if user.deleted:
        reason = "SoftDeleted"
    elif not entitled:
        reason = "NotEffectivelyEntitled" if roles else "NotAssigned"
    elif not filtered:
        reason = "ScopingFilter"
    elif not user.enabled:
        reason = "Disabled"
    return Verdict(active, bool(roles), entitled, filtered, reason)


def judge_group(
    directory: Directory,
    group: Group,
    scope: Scope,
    filters: list[ScopingFilter],
    source: Source | None = None,
) -> Verdict:
    """Judge a group, as ``judge_user`` does a user; one that is not securityEnabled is never provisioned."""
    roles = directory.own_roles(group.id)
    entitled = scope.mode == "all" or _counts([role.id for role in roles], scope)
    filtered = passes(filters, source or group)
    reason: Reason = ""
    if not group.security_enabled:
        reason = "NotSecurityEnabled"
    elif not entitled:
        reason = "NotEffectivelyEntitled" if roles else "NotAssigned"
    elif not filtered:
        reason = "ScopingFilter"
    return Verdict(active=True, assigned=bool(roles), entitled=entitled, filtered=filtered, reason=reason)


def passes(filters: list[ScopingFilter], source: Source) -> bool:
    """Whether scoping filters let an object through: one of them holds, or there are none."""
    return not filters or any(each.holds(source) for each in filters)


def _counts(roles: list[str], scope: Scope) -> bool:
    return any(role != DEFAULT_ACCESS for role in roles) if scope.default_access_excluded else bool(roles)
