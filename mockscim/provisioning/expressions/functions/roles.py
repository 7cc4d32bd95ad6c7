"""Application roles: what [appRoleAssignments] is made into.

The attribute is a list of ``{"id", "value", "displayName"}``, one for each role that the user has. The shapes are those
of "Provisioning a role to a SCIM app" (customize-application-attributes.md): objects when the user is created, and with
AppRoleAssignmentsComplex JSON texts when it is changed.
"""

from __future__ import annotations

from typing import Any

import orjson

from mockscim.provisioning.expressions.context import Context
from mockscim.provisioning.expressions.errors import ExpressionError
from mockscim.provisioning.expressions.registry import function
from mockscim.provisioning.expressions.values import Value, several

_TYPE = "WindowsAzureActiveDirectoryRole"


@function("SingleAppRoleAssignment", 1)
def single(assignments: Value) -> str | None:
    """The name of a role of the user: of the first. Guess: its value, or without one its displayName."""
    roles = _roles(assignments, "SingleAppRoleAssignment")
    return _value(roles[0]) if roles else None


@function("AppRoleAssignmentsComplex", 1, context=True)
def complex_(context: Context, assignments: Value) -> list[dict[str, Any]] | None:
    """All roles of the user, to be added to those that the target has."""
    roles = _roles(assignments, "AppRoleAssignmentsComplex")
    if not context.creating:
        told = [{key: role.get(key) for key in ("id", "value", "displayName")} for role in roles]
        return [{"value": orjson.dumps(each).decode()} for each in told] or None
    return [
        {"primary": False, "type": _TYPE, "displayName": role["displayName"], "value": _value(role)} for role in roles
    ] or None


@function("AssertiveAppRoleAssignmentsComplex", 1)
def assertive(assignments: Value) -> list[dict[str, Any]] | None:
    """All roles of the user, in place of those that the target has."""
    roles = _roles(assignments, "AssertiveAppRoleAssignmentsComplex")
    return [
        {"primary": False, "type": _TYPE, "display": role["displayName"], "value": _value(role)} for role in roles
    ] or None


def _roles(assignments: Value, of: str) -> list[dict[str, Any]]:
    roles = several(assignments)
    if not all(isinstance(role, dict) and "displayName" in role for role in roles):
        raise ExpressionError(f"{of} takes [appRoleAssignments]")
    return roles


def _value(role: dict[str, Any]) -> str:
    return str(role.get("value") or role["displayName"])
