"""The bodies and queries of Microsoft Entra's SCIM client, as its documentation prints them.

    create     schemas, externalId, userName, then the others by name, extensions last; a work e-mail is primary
    legacy     an operation an attribute: Add where the target has none, else Replace; booleans as text
    compliant  (aadOptscim062020) lower case, JSON booleans; replaces of simple attributes are one without a path, whose
               keys are paths; those with a value filter stay apart
    queries    eq, and between two in the check of a reference only; groups always without members

Sources: entra-docs use-scim-to-provision-users-and-groups, application-provisioning-config-problem-scim-compatibility,
customize-application-attributes. Keys are in the order of the samples.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

from mockscim.provisioning.target import TargetPath, assemble
from mockscim.provisioning.wire import Request
from mockscim.scim import urns

Document = dict[str, Any]

USER_SCHEMAS = (urns.USER, urns.ENTERPRISE_USER)
ADSCIM_GROUP = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
MANAGER = f"{urns.ENTERPRISE_USER}:manager"
ENDPOINTS = {"User": "/Users", "Group": "/Groups"}

_FIRST = ("externalId", "userName")
_NAME = ("formatted", "familyName", "givenName")
_ROLES = "roles"


class Style(NamedTuple):
    """Which of the documented shapes a job uses; see ``Settings`` for each.

    Attributes:
        base_url: what a manager's ``$ref`` begins with, without trailing slash.
    """

    compliant: bool = False
    booleans: Literal["text", "json"] = "text"
    manager: Literal["string", "array", "complex"] = "string"
    null_refs: bool = True
    schemas_last: bool = False
    base_url: str = ""

    def op(self, name: str) -> str:
        """``add``, ``replace`` or ``remove`` as this style spells it."""
        return name if self.compliant else name.capitalize()


class Change(NamedTuple):
    """One attribute that is to be other than it is.

    Args:
        path: where it is.
        old: what the target has; None for nothing.
        new: what it is to have, typed.
    """

    path: TargetPath
    old: Any
    new: Any


# -- queries ---------------------------------------------------------------------------------------------------


def condition(*pairs: tuple[str, Any]) -> str:
    """A filter: ``eq`` for each pair, joined by ``and``; text is quoted as JSON."""
    return " and ".join(f"{path} eq {_literal(value)}" for path, value in pairs)


def match(kind: str, path: str, value: object) -> Request:
    """Look an object up by a matching attribute."""
    purpose = f"match {kind.lower()} by {path}"
    return Request("GET", f"{ENDPOINTS[kind]}?{_without_members(kind)}{_filter((path, value))}", None, purpose)


def fetch(kind: str, id_: str) -> Request:
    """Read an object whose id is known."""
    query = "?excludedAttributes=members" if kind == "Group" else ""
    return Request("GET", resource(kind, id_) + query, None, f"read {kind.lower()}")


def has_manager(id_: str, manager: str) -> Request:
    """Ask whether a user has that manager: older documentation; answers one resource or none."""
    query = f"{_filter(('id', id_), ('manager', manager))}&attributes=id"
    return Request("GET", f"/Users?{query}", None, "check manager")


def has_member(id_: str, member: str) -> Request:
    """Ask whether a group has that member: documented without its URL; spelled as the one for managers."""
    query = f"{_filter(('id', id_), ('members', member))}&excludedAttributes=members"
    return Request("GET", f"/Groups?{query}", None, "check member")


def resource(kind: str, id_: str) -> str:
    """The path of a resource."""
    return f"{ENDPOINTS[kind]}/{quote(id_, safe='')}"


def _without_members(kind: str) -> str:
    return "excludedAttributes=members&" if kind == "Group" else ""


def _filter(*pairs: tuple[str, Any]) -> str:
    return "filter=" + quote(condition(*pairs), safe="")


def _literal(value: object) -> str:
    return json.dumps(value if isinstance(value, bool | int | float) else str(value), ensure_ascii=False)


# -- create and delete -----------------------------------------------------------------------------------------


def user(values: Mapping[str, Any], *, schemas: Sequence[str] = USER_SCHEMAS, empty_roles: bool = True) -> Document:
    """The body that creates a user.

    Args:
        values: what the mapping gives, by target attribute.
        schemas: what it announces; an extension of one's own is not announced, as documented.
        empty_roles: whether roles are there when there are none.
    """
    nested = assemble(dict(values))
    if empty_roles:
        nested.setdefault(_ROLES, [])
    for email in nested.get("emails", []):
        if isinstance(email, dict) and email.get("type") == "work":
            email.setdefault("primary", True)
    return {"schemas": list(schemas), **_ordered({**nested, "meta": {"resourceType": "User"}})}


def group(values: Mapping[str, Any], *, adscim: bool = True) -> Document:
    """The body that creates a group, always without members."""
    nested = assemble(dict(values))
    nested.pop("members", None)
    schemas = [urns.GROUP, ADSCIM_GROUP] if adscim else [urns.GROUP]
    return {"schemas": schemas, **_ordered({**nested, "meta": {"resourceType": "Group"}})}


def create(kind: str, body: Document) -> Request:
    """Create an object."""
    return Request("POST", ENDPOINTS[kind], body, f"create {kind.lower()}")


def delete(kind: str, id_: str) -> Request:
    """Delete an object."""
    return Request("DELETE", resource(kind, id_), None, f"delete {kind.lower()}")


def _ordered(nested: Document) -> Document:
    def rank(name: str) -> tuple[int, str]:
        if name in _FIRST:
            return _FIRST.index(name), ""
        return (4, name) if ":" in name else (3, name)

    return {name: _tidy(name, nested[name]) for name in sorted(nested, key=rank)}


def _tidy(name: str, value: object) -> object:
    if isinstance(value, list):
        return [dict(sorted(each.items())) if isinstance(each, dict) else each for each in value]
    if name == "name" and isinstance(value, dict):
        return {key: value[key] for key in [*(k for k in _NAME if k in value), *(k for k in value if k not in _NAME)]}
    return value


# -- PATCH -----------------------------------------------------------------------------------------------------


def patch(kind: str, id_: str, operations: Sequence[Document], style: Style, purpose: str = "") -> Request:
    """Change an object."""
    parts: Document = {"schemas": [urns.PATCH_OP], "Operations": list(operations)}
    if style.schemas_last:
        parts = dict(reversed(parts.items()))
    return Request("PATCH", resource(kind, id_), parts, purpose or f"update {kind.lower()}")


def operations(changes: Sequence[Change], style: Style) -> list[Document]:
    """The operations that bring changes about."""
    if not style.compliant:
        return [_single(change, style) for change in changes]
    alone = [c for c in changes if _adds(c) or c.path.filter or isinstance(c.new, list)]
    merged = [change for change in changes if change not in alone]
    found = [_single(change, style) for change in alone]
    if len(merged) == 1:
        found.append(_single(merged[0], style))
    elif merged:
        found.append({"op": "replace", "value": {str(change.path): change.new for change in merged}})
    return found


def _adds(change: Change) -> bool:
    return change.old is None or change.old == [] or change.old == ""


def _single(change: Change, style: Style) -> Document:
    if str(change.path) == _ROLES and isinstance(change.new, list):
        return _roles(change)
    value = change.new
    if isinstance(value, bool) and not style.compliant and style.booleans == "text":
        value = "True" if value else "False"
    return {"op": style.op("add" if _adds(change) else "replace"), "path": str(change.path), "value": value}


def _roles(change: Change) -> Document:
    """Roles as AppRoleAssignmentsComplex adds them (each a JSON text), or as the assertive variant replaces them.

    The samples of both have one spelling, whatever the flag says.
    """
    return {"op": "Add" if additive(change.new) else "replace", "path": _ROLES, "value": change.new}


def additive(values: list[Any]) -> bool:
    """Whether a list is added to what is there, as AppRoleAssignmentsComplex does: its values are JSON texts."""
    texts = [each.get("value") for each in values if isinstance(each, dict)]
    return any(isinstance(each, str) and each.startswith("{") for each in texts)


# -- references ------------------------------------------------------------------------------------------------


def set_manager(manager: str, style: Style, *, path: str = MANAGER) -> Document:
    """Give a user a manager, by the manager's id in the target."""
    op = style.op("add")
    if style.manager == "array":
        value = [{"$ref": f"{style.base_url}{resource('User', manager)}", "value": manager}]
        return {"op": op, "path": "manager", "value": value}
    return {"op": op, "path": path, "value": manager if style.manager == "string" else {"value": manager}}


def remove_manager(style: Style, *, path: str = MANAGER) -> Document:
    """Take a user's manager away."""
    return {"op": style.op("remove"), "path": path}


def add_members(members: Sequence[str], style: Style) -> list[Document]:
    """Put members into a group, by their ids in the target."""
    return [{"op": style.op("add"), "path": "members", "value": [_member(each, style) for each in members]}]


def remove_members(members: Sequence[str], style: Style) -> list[Document]:
    """Take members out of a group: in a value list, or with the flag by filter path, an operation each."""
    if style.compliant:
        return [{"op": "remove", "path": f'members[value eq "{each}"]'} for each in members]
    return [{"op": "Remove", "path": "members", "value": [_member(each, style) for each in members]}]


def _member(id_: str, style: Style) -> Document:
    return {"$ref": None, "value": id_} if style.null_refs else {"value": id_}
