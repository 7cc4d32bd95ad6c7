"""What a source directory holds: users, groups, application roles and their assignments.

Names are Microsoft Graph's. An object is a value: an edit makes a new one.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from mockscim.clock import parse_instant
from mockscim.scim.errors import brief

DEFAULT_ACCESS = "00000000-0000-0000-0000-000000000000"
"""The id that stands for no role in particular; the portal shows "Default Access"."""

RETENTION = 30 * 86400.0
"""Seconds between a user's soft and hard deletion (how-provisioning-works.md: 30 days)."""

# The provisioning service calls some attributes otherwise than Graph does; what is written under either name is found
# under both.
_ALIASES = {
    "objectId": ("id",),
    "physicalDeliveryOfficeName": ("officeLocation",),
    "officeLocation": ("physicalDeliveryOfficeName",),
    "telephoneNumber": ("businessPhones",),
    "businessPhones": ("telephoneNumber",),
    "mobile": ("mobilePhone",),
    "mobilePhone": ("mobile",),
    "facsimileTelephoneNumber": ("faxNumber",),
    "faxNumber": ("facsimileTelephoneNumber",),
}


class DirectoryError(ValueError):
    """A directory document, or a change of a directory, that cannot be.

    Args:
        source: the name of the document; empty for a change made by hand.
        where: a JSON pointer, ``LINE:COLUMN`` of what is not JSON, or empty.
        message: what was expected.
    """

    def __init__(self, source: str, where: str, message: str) -> None:
        where, message = brief(where, 500), brief(message)
        self.source, self.where, self.message = source, where, message
        joint = ":" if where[:1].isdigit() else ": "
        place = f"{source}{joint}{where}" if source and where else source or where
        super().__init__(f"{place}: {message}" if place else message)

    def __reduce__(self) -> tuple[type[DirectoryError], tuple[str, str, str]]:
        return DirectoryError, (self.source, self.where, self.message)


def _lookup(attributes: dict[str, Any], name: str) -> Any:  # noqa: ANN401 - what a document may hold
    if name in attributes:
        return attributes[name]
    for other in _ALIASES.get(name, ()):
        if other in attributes:
            value = attributes[other]
            return (value[0] if value else None) if other == "businessPhones" and isinstance(value, list) else value
    return None


class DirectoryObject(msgspec.Struct, frozen=True):
    """What users and groups have in common, by Graph's name for it; ``attributes`` is the document as written."""

    id: str
    attributes: dict[str, Any]

    def get(self, name: str) -> Any:  # noqa: ANN401 - what a document may hold
        """An attribute's value, by Graph's name or the provisioning service's; None when there is none."""
        return _lookup(self.attributes, name)


class User(DirectoryObject, frozen=True):
    """A user; ``attributes`` has the manager's id in ``manager``."""

    @property
    def upn(self) -> str:
        """The userPrincipalName."""
        name: str = self.attributes["userPrincipalName"]
        return name

    @property
    def name(self) -> str:
        """What people see: the displayName, else the userPrincipalName."""
        return self.attributes.get("displayName") or self.upn

    @property
    def enabled(self) -> bool:
        """Whether the account may sign in."""
        return self.attributes.get("accountEnabled") is not False

    @property
    def manager(self) -> str | None:
        """The manager's id."""
        return self.attributes.get("manager")

    @property
    def deleted(self) -> bool:
        """Whether the user is soft-deleted: in the recycle bin."""
        return self.attributes.get("deletedDateTime") is not None

    @property
    def deleted_at(self) -> float | None:
        """When the user was soft-deleted, in seconds since the epoch."""
        text = self.attributes.get("deletedDateTime")
        return None if text is None else parse_instant(text)


class Group(DirectoryObject, frozen=True):
    """A group; ``attributes`` is without its members: the directory knows those."""

    @property
    def name(self) -> str:
        """The displayName."""
        name: str = self.attributes["displayName"]
        return name

    @property
    def security_enabled(self) -> bool:
        """Whether it grants access; one that does not is for mail alone, and is not provisioned."""
        return self.attributes.get("securityEnabled") is not False


class AppRole(msgspec.Struct, frozen=True, omit_defaults=True, rename={"display_name": "displayName"}):
    """A role of the application. ``value`` is what tokens and the AppRoleAssignments functions carry."""

    id: str
    display_name: str
    value: str | None = None


class Assignment(
    msgspec.Struct,
    frozen=True,
    rename={"principal_id": "principalId", "principal_type": "principalType", "role_id": "appRoleId"},
):
    """That a user or group has a role of the application: Graph's appRoleAssignment."""

    principal_id: str
    principal_type: Literal["User", "Group"]
    role_id: str


DEFAULT_ROLE = AppRole("18d14569-c3bd-439b-9a66-3a2aee01d14f", "User")
"""What an application outside the gallery comes with."""
NO_ROLE = AppRole(DEFAULT_ACCESS, "Default Access")
