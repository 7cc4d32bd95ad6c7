"""The contents of a source directory: its objects, the ways to find them, and what has changed since a watermark."""

from __future__ import annotations

from typing import NoReturn

from mockscim.provisioning.directory.changes import Step
from mockscim.provisioning.directory.delta import Delta, Entry, Members, net
from mockscim.provisioning.directory.objects import (
    DEFAULT_ROLE,
    NO_ROLE,
    AppRole,
    Assignment,
    DirectoryError,
    Group,
    User,
)

_FIRST = 1  # the watermark of a directory as it was loaded; 0 asks for everything


class Contents:
    """Users, groups and the assignments of one application.

    ``users`` and ``groups`` are by id, to be read; soft-deleted users are among them. ``started`` is when ``advance``
    was first told the time, and ``now`` when it last was: seconds since the epoch. ``source`` is the name of the
    document it came from, for errors.
    """

    def __init__(self, name: str = "", description: str = "", source: str = "") -> None:
        self.name, self.description, self.source = name, description, source
        self.users: dict[str, User] = {}
        self.groups: dict[str, Group] = {}
        self.roles: dict[str, AppRole] = {}
        self.steps: list[Step] = []
        self.started: float | None = None
        self.now: float | None = None
        self._members: dict[str, dict[str, None]] = {}
        self._groups_of: dict[str, dict[str, None]] = {}
        self._assigned: dict[str, dict[str, None]] = {}
        self._upns: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._reports: dict[str, dict[str, None]] = {}
        self._log: list[Entry] = []

    def __eq__(self, other: object) -> bool:
        """Two directories are equal when they hold the same and have the same past and future."""
        return self._all() == other._all() if isinstance(other, Contents) else NotImplemented

    __hash__ = None  # type: ignore[assignment] # it changes

    def _all(self) -> tuple[object, ...]:
        steps = [(step.at, step.description, step.changes) for step in self.steps]
        told = (self.name, self.description, self.roles, steps, self.started, self.now, self._log)
        return (*told, self.users, self.groups, self._members, self._assigned)

    # --- reading ---

    def user(self, key: str) -> User | None:
        """A user by id, or by userPrincipalName in any case."""
        return self.users.get(key) or self.users.get(self._upns.get(key.casefold(), ""))

    def group(self, key: str) -> Group | None:
        """A group by id, or by displayName."""
        return self.groups.get(key) or self.groups.get(self._names.get(key, ""))

    def members(self, group_id: str) -> list[str]:
        """The ids of a group's direct members, users and groups; who is soft-deleted is not listed."""
        return [member for member in self._members.get(group_id, ()) if self._present(member)]

    def member_users(self, group_id: str) -> list[str]:
        """The users among the direct members: nested groups are not expanded (how-provisioning-works.md)."""
        return [member for member in self.members(group_id) if member in self.users]

    def stored_members(self, group_id: str) -> list[str]:
        """All direct members, also the soft-deleted: they are back with their groups when they are restored."""
        return list(self._members.get(group_id, ()))

    def groups_of(self, member_id: str) -> list[str]:
        """The ids of the groups a user or group is a direct member of."""
        return list(self._groups_of.get(member_id, ()))

    def reports(self, user_id: str) -> list[str]:
        """The ids of the users whose manager a user is."""
        return list(self._reports.get(user_id, ()))

    @property
    def assignments(self) -> list[Assignment]:
        """Who has which role."""
        return [
            Assignment(principal, "User" if principal in self.users else "Group", role)
            for principal, roles in self._assigned.items()
            for role in roles
        ]

    def assigned_groups(self) -> list[str]:
        """The ids of the groups that are assigned themselves."""
        return [principal for principal in self._assigned if principal in self.groups]

    def own_roles(self, principal_id: str) -> list[AppRole]:
        """The roles that a user or group was assigned itself."""
        return [self.role_named(role) for role in self._assigned.get(principal_id, ())]

    def roles_of(self, user_id: str) -> list[AppRole]:
        """A user's roles, each once: assigned directly, or to a security group the user is a direct member of."""
        ids = dict(self._assigned.get(user_id, {}))
        for group in self.groups_of(user_id):
            if group in self._assigned and self.groups[group].security_enabled:
                ids |= self._assigned[group]
        return [self.role_named(role) for role in ids]

    def role_named(self, role_id: str) -> AppRole:
        """A role by id; one that is nowhere described is the application's ordinary one."""
        if role_id == NO_ROLE.id:
            return NO_ROLE
        return self.roles.get(role_id) or AppRole(role_id, DEFAULT_ROLE.display_name)

    # --- what has changed ---

    @property
    def watermark(self) -> int:
        """How far the log has come; ``delta`` of it is empty."""
        return _FIRST + len(self._log)

    def delta(self, since: int) -> Delta:
        """What has changed since a watermark; 0 is for everything that is there."""
        if since < _FIRST:
            return self._everything()
        found = net(self._log[since - _FIRST :], self.watermark)
        # Of a group that is gone the members are gone with it.
        return found._replace(members={group: each for group, each in found.members.items() if group in self.groups})

    def _everything(self) -> Delta:
        members = {group: Members(self.members(group), []) for group in self.groups}
        return Delta(
            self.watermark,
            list(self.users),
            [user.id for user in self.users.values() if user.manager],
            list(self.groups),
            {group: each for group, each in members.items() if each.added},
            list(self.users),
            list(self._assigned),
        )

    # --- finding what a change names, or refusing ---

    def _user(self, key: str, where: str = "/id") -> User:
        found = self.user(key)
        if found is None:
            self._fail(where, f"there is no user {key[:100]!r}")
        return found

    def _group(self, key: str, where: str = "/id") -> Group:
        found = self.group(key)
        if found is None:
            self._fail(where, f"there is no group {key[:100]!r}")
        return found

    def principal(self, key: str, where: str = "") -> User | Group:
        """A user or group by id or name, users first. Raises DirectoryError."""
        found = self.user(key) or self.group(key)
        if found is None:
            self._fail(where, f"there is no user or group {key[:100]!r}")
        return found

    def known_roles(self) -> list[AppRole]:
        """The roles that may be assigned: those of the document, else those in use, else the one there always is."""
        if self.roles:
            return list(self.roles.values())
        used = dict.fromkeys(role for roles in self._assigned.values() for role in roles if role != NO_ROLE.id)
        return [self.role_named(role) for role in used] or [DEFAULT_ROLE]

    def role(self, key: str | None, where: str = "/role") -> AppRole:
        """A role by id, value or displayName; for None the first there is. Raises DirectoryError."""
        known = self.known_roles()
        if key is None:
            return known[0]
        wanted = key.lower()
        for role in [*known, NO_ROLE]:
            if key == role.id or wanted in (role.display_name.lower(), (role.value or "").lower()):
                return role
        names = ", ".join(role.display_name for role in known)
        return self._fail(where, f"there is no role {key[:100]!r}; there are {names}")

    def _fail(self, where: str, message: str) -> NoReturn:
        raise DirectoryError("", where, message)

    def _present(self, member_id: str) -> bool:
        user = self.users.get(member_id)
        return user is None or not user.deleted

    @property
    def log(self) -> list[Entry]:
        """What has happened since the start."""
        return self._log
