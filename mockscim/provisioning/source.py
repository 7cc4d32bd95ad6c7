"""What attribute mappings and scoping filters see of an object: its attributes, and those that are computed."""

from __future__ import annotations

from typing import Any

from mockscim.provisioning.directory import Directory, Group, User

_GUEST = "#EXT#@"


class UserSource:
    """A user to the provisioning service.

    Beside the directory's attributes there are ``objectId``; ``userPrincipalName``, of a guest collapsed to the
    address outside; ``originalUserPrincipalName``, as it is; ``appRoleAssignments``, the roles; and ``IsSoftDeleted``.

    Args:
        directory: who has which role.
        user: whom it is about.
        effective: whether the user is to be active in the target. IsSoftDeleted is the opposite: it is true of who is
            unassigned, scoped out, soft-deleted or blocked (customize-application-attributes.md, "What you should
            know").
    """

    def __init__(self, directory: Directory, user: User, *, effective: bool = True) -> None:
        self.directory, self.user, self.effective = directory, user, effective

    def get(self, name: str) -> Any:  # noqa: ANN401 - what a directory may hold
        """An attribute's value; None when there is none."""
        if name == "userPrincipalName":
            return collapsed(self.user.upn)
        if name in ("IsSoftDeleted", "isSoftDeleted"):
            return not self.effective
        if name == "originalUserPrincipalName":
            return self.user.get(name) or self.user.upn
        if name == "appRoleAssignments":
            return [
                {"id": role.id, "value": role.value, "displayName": role.display_name}
                for role in self.directory.roles_of(self.user.id)
            ]
        if name == "accountEnabled":
            return self.user.enabled
        return self.user.get(name)


class GroupSource:
    """A group to the provisioning service; its members are a reference, and not looked at here."""

    def __init__(self, group: Group) -> None:
        self.group = group

    def get(self, name: str) -> Any:  # noqa: ANN401 - what a directory may hold
        """An attribute's value; None when there is none."""
        return self.group.security_enabled if name == "securityEnabled" else self.group.get(name)


def collapsed(upn: str) -> str:
    """A guest's name ``alias_theirdomain#EXT#@yourdomain`` as ``alias@theirdomain``; any other as it is."""
    outside, mark, _ = upn.partition(_GUEST)
    alias, underscore, domain = outside.rpartition("_")
    return f"{alias}@{domain}" if mark and underscore else upn
