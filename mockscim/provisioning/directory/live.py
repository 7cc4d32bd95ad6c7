"""A source directory as it lives: time goes on, and changes are made, each whole or not at all.

Nothing here reads a clock: ``advance`` is told the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from mockscim.clock import format_instant
from mockscim.provisioning.directory import changes as ch
from mockscim.provisioning.directory.checks import Checker
from mockscim.provisioning.directory.contents import Contents
from mockscim.provisioning.directory.delta import Entry, Kind
from mockscim.provisioning.directory.objects import RETENTION, DirectoryError, Group, User


class Directory(Contents):
    """Users, groups and the assignments of one application, to be read (``Contents``) and changed."""

    # --- time ---

    def advance(self, now: float) -> list[ch.Step]:
        """Go on to a time: make the changes of the steps that are due, and purge who was deleted 30 days ago.

        The first call starts the time that steps may be told in. Time does not go back.

        Returns:
            The steps that were made.

        Raises:
            DirectoryError: a step cannot be made; those before it were, and it is not tried again.
        """
        if self.started is None:
            self.started = now
        made = []
        for due, step in self._upcoming():
            if due > now:
                break
            self._purge(due)
            self.now = due if self.now is None else max(self.now, due)
            for index, change in enumerate(step.changes):
                try:
                    self.apply(change)
                except DirectoryError as error:
                    place = f"{step.pointer}/changes/{index}{error.where}"
                    raise DirectoryError(self.source, place, error.message) from None
            made.append(step)
        self._purge(now)
        self.now = now if self.now is None else max(self.now, now)
        return made

    def next_due(self, matters: Callable[[User], bool] | None = None) -> float | None:
        """When ``advance`` would next change something; None before it was called, and when nothing is to come.

        Args:
            matters: whether the purge of a deleted user counts; None: each does.
        """
        if self.started is None:
            return None
        times = [due for due, _ in self._upcoming()][:1]
        for user in self.users.values():
            if user.deleted_at is not None and (matters is None or matters(user)):
                times.append(user.deleted_at + RETENTION)
        return min(times, default=None)

    def _upcoming(self) -> list[tuple[float, ch.Step]]:
        """The steps that were not due yet at the last call of ``advance``, by time."""
        started = self.started or 0.0
        told = [(step.due(started), step) for step in self.steps]
        last = self.now
        # What was to happen before the start happens at the start.
        return sorted((each for each in told if last is None or each[0] > last), key=lambda each: each[0])

    def _purge(self, now: float) -> None:
        due = [user for user in self.users.values() if user.deleted and (user.deleted_at or 0.0) + RETENTION <= now]
        for user in due:
            self._hard_delete(user)

    # --- changing ---

    def apply(self, change: ch.Change | dict[str, Any]) -> None:
        """Make one change, whole or not at all.

        Raises:
            DirectoryError: it cannot be; ``where`` points into the change.
        """
        if isinstance(change, dict):
            change = ch.read_change(change)
        _APPLY[type(change)](self, change)

    def add_user(self, document: dict[str, Any]) -> User:
        """Add a user; without an id it gets one."""
        made = Checker().user(document, "/user")
        return self._add_user(made, "/user")

    def edit_user(self, key: str, **attributes: Any) -> User:  # noqa: ANN401
        """Change a user's attributes; None takes one away. An attribute of one's own may have any name but a slip's."""
        Checker().names(attributes, lambda name: any(name in user.attributes for user in self.users.values()), "")
        self.apply(ch.UserEdit(key, attributes))
        return self._user(str(attributes.get("userPrincipalName", key)))

    def soft_delete_user(self, key: str) -> None:
        """Put a user into the recycle bin, for 30 days."""
        self.apply(ch.UserSoftDelete(key))

    def restore_user(self, key: str) -> None:
        """Take a user out of the recycle bin."""
        self.apply(ch.UserRestore(key))

    def hard_delete_user(self, key: str) -> None:
        """Delete a user for good."""
        self.apply(ch.UserHardDelete(key))

    def add_group(self, document: dict[str, Any]) -> Group:
        """Add a group, with its members."""
        made, members = Checker().group(document, "/group")
        return self._add_group(made, members, "/group")

    def edit_group(self, key: str, **attributes: Any) -> Group:  # noqa: ANN401
        """Change a group's attributes; None takes one away."""
        group = self._group(key)
        Checker().names(attributes, lambda name: any(name in each.attributes for each in self.groups.values()), "")
        self.apply(ch.GroupEdit(group.id, attributes))
        return self.groups[group.id]

    def delete_group(self, key: str) -> None:
        """Delete a group."""
        self.apply(ch.GroupDelete(key))

    def add_member(self, group: str, member: str) -> None:
        """Make a user or group a direct member of a group."""
        self.apply(ch.MemberAdd(group, member))

    def remove_member(self, group: str, member: str) -> None:
        """Take a direct member out of a group."""
        self.apply(ch.MemberRemove(group, member))

    def assign(self, principal: str, role: str | None = None) -> None:
        """Assign a user or group to the application, in a role or the first there is."""
        self.apply(ch.Assign(principal, role))

    def unassign(self, principal: str, role: str | None = None) -> None:
        """Take an assignment back; without a role, all of them."""
        self.apply(ch.Unassign(principal, role))

    # --- the changes themselves ---

    def _note(self, kind: Kind, object_id: str) -> None:
        self._log.append(Entry(kind, object_id))

    def _add_user(self, document: dict[str, Any], where: str) -> User:
        user = User(document["id"], document)
        if user.id in self.users or user.id in self.groups:
            self._fail(f"{where}/id", f"an id of its own was expected, {user.id!r} is taken")
        self._check_upn(user, where)
        if user.manager is not None:
            document["manager"] = self._manager(user.manager, user, f"{where}/manager")
        self._set_user(user)
        self._note("user", user.id)
        if user.manager:
            self._note("manager", user.id)
        return user

    def _check_upn(self, user: User, where: str) -> None:
        holder = self._upns.get(user.upn.casefold())
        if holder not in (None, user.id) and not user.deleted and not self.users[holder].deleted:
            self._fail(f"{where}/userPrincipalName", f"one of its own was expected, {user.upn!r} is taken")

    def _manager(self, key: str, user: User, where: str) -> str:
        if key in (user.id, user.upn):
            self._fail(where, "somebody else was expected: nobody is their own manager")
        return self._user(key, where).id

    def _set_user(self, user: User) -> None:
        before = self.users.get(user.id)
        if before is not None:
            self._forget_names(before)
        self.users[user.id] = user
        # A name in the recycle bin may be taken again; the one outside is meant by it.
        if not user.deleted or user.upn.casefold() not in self._upns:
            self._upns[user.upn.casefold()] = user.id
        if user.manager:
            self._reports.setdefault(user.manager, {})[user.id] = None

    def _forget_names(self, user: User) -> None:
        if self._upns.get(user.upn.casefold()) == user.id:
            del self._upns[user.upn.casefold()]
        if user.manager:
            self._reports.get(user.manager, {}).pop(user.id, None)

    def _edit_user(self, change: ch.UserEdit) -> None:
        before = self._user(change.id)
        for key in ("id", "deletedDateTime"):
            if key in change.changes:
                self._fail(
                    f"/changes/{key}", "it is not edited; a user is deleted and restored by changes of their own"
                )
        attributes = _merged(before.attributes, change.changes)
        Checker().user(attributes, "/changes")
        if attributes.get("manager") is not None:
            attributes["manager"] = self._manager(attributes["manager"], before, "/changes/manager")
        user = User(before.id, attributes)
        self._check_upn(user, "/changes")
        if attributes == before.attributes:
            return
        self._set_user(user)
        self._note("user", user.id)
        if user.manager != before.manager:
            self._note("manager", user.id)

    def _soft_delete(self, change: ch.UserSoftDelete) -> None:
        user = self._user(change.id)
        if user.deleted:
            return
        if self.now is None:
            self._fail("", "the time is not known yet: advance(now) comes first")
        self._move(user, format_instant(self.now))

    def _restore(self, change: ch.UserRestore) -> None:
        user = self._user(change.id)
        if user.deleted:
            self._check_upn(User(user.id, user.attributes | {"deletedDateTime": None}), "/id")
            self._move(user, None)

    def _move(self, user: User, deleted: str | None) -> None:
        """Into the recycle bin or out of it: the memberships are kept and not seen meanwhile."""
        self._set_user(User(user.id, user.attributes | {"deletedDateTime": deleted}))
        self._note("user", user.id)
        for group in self.groups_of(user.id):
            self._log.append(Entry("member", group, user.id, deleted is None))
        self._note("entitled", user.id)

    def _hard_delete(self, user: User) -> None:
        for group in self.groups_of(user.id):
            if not user.deleted:
                self._log.append(Entry("member", group, user.id, joined=False))
            del self._members[group][user.id]
        self._groups_of.pop(user.id, None)
        for report in self._reports.pop(user.id, {}):
            before = self.users[report]
            self.users[report] = User(report, before.attributes | {"manager": None})
            self._note("user", report)
            self._note("manager", report)
        self._unassign_all(user.id)
        self._forget_names(user)
        del self.users[user.id]
        self._note("user", user.id)

    def _add_group(self, document: dict[str, Any], members: list[str], where: str) -> Group:
        group = Group(document["id"], document)
        if group.id in self.groups or group.id in self.users:
            self._fail(f"{where}/id", f"an id of its own was expected, {group.id!r} is taken")
        found = [self.principal(key, f"{where}/members/{index}").id for index, key in enumerate(members)]
        self._set_group(group)
        self._members[group.id] = {}
        self._note("group", group.id)
        for member in found:
            self._join(group.id, member)
        return group

    def _set_group(self, group: Group) -> None:
        before = self.groups.get(group.id)
        if before is not None and self._names.get(before.name) == before.id:
            del self._names[before.name]
        self.groups[group.id] = group
        self._names.setdefault(group.name, group.id)

    def _edit_group(self, change: ch.GroupEdit) -> None:
        before = self._group(change.id)
        for key in ("id", "members"):
            if key in change.changes:
                self._fail(f"/changes/{key}", "it is not edited; members come and go by member.add and member.remove")
        attributes = _merged(before.attributes, change.changes)
        Checker().group(attributes, "/changes")
        if attributes == before.attributes:
            return
        group = Group(before.id, attributes)
        self._set_group(group)
        self._note("group", group.id)
        if group.security_enabled != before.security_enabled and self.own_roles(group.id):
            for user in self.member_users(group.id):
                self._note("entitled", user)

    def _delete_group(self, change: ch.GroupDelete) -> None:
        group = self._group(change.id)
        self._unassign_all(group.id)
        for member in self.stored_members(group.id):
            self._leave(group.id, member)
        for parent in self.groups_of(group.id):
            self._leave(parent, group.id)
        self._members.pop(group.id, None)
        self._groups_of.pop(group.id, None)
        if self._names.get(group.name) == group.id:
            del self._names[group.name]
        del self.groups[group.id]
        self._note("group", group.id)

    def _change_members(self, change: ch.MemberAdd | ch.MemberRemove) -> None:
        group = self._group(change.group, "/group")
        keys = [change.member] if isinstance(change.member, str) else change.member
        found = [self.principal(key, "/member").id for key in keys]
        joining = isinstance(change, ch.MemberAdd)
        if joining and group.id in found:
            self._fail("/member", "somebody else was expected: a group is not its own member")
        for member in found:
            (self._join if joining else self._leave)(group.id, member)

    def _join(self, group: str, member: str) -> None:
        if member not in self._members[group]:
            self._members[group][member] = None
            self._groups_of.setdefault(member, {})[group] = None
            self._moved(group, member, joined=True)

    def _leave(self, group: str, member: str) -> None:
        if member in self._members[group]:
            del self._members[group][member]
            del self._groups_of[member][group]
            self._moved(group, member, joined=False)

    def _moved(self, group: str, member: str, *, joined: bool) -> None:
        if self._present(member):
            self._log.append(Entry("member", group, member, joined))
        if member in self.users and group in self._assigned:
            self._note("entitled", member)

    def _assign(self, change: ch.Assign) -> None:
        principal = self.principal(change.principal, "/principal")
        role = self.role(change.role)
        self.link(principal, role.id)

    def link(self, principal: User | Group, role_id: str) -> None:
        """Assign, the role by id."""
        roles = self._assigned.setdefault(principal.id, {})
        if role_id not in roles:
            roles[role_id] = None
            self._note_assignment(principal.id)

    def _unassign(self, change: ch.Unassign) -> None:
        principal = self.principal(change.principal, "/principal")
        if change.role is None:
            self._unassign_all(principal.id)
            return
        role, roles = self.role(change.role).id, self._assigned.get(principal.id, {})
        if role in roles:
            del roles[role]
            if not roles:
                del self._assigned[principal.id]
            self._note_assignment(principal.id)

    def _unassign_all(self, principal: str) -> None:
        if self._assigned.pop(principal, None):
            self._note_assignment(principal)

    def _note_assignment(self, principal: str) -> None:
        self._note("principal", principal)
        for user in [principal] if principal in self.users else self.member_users(principal):
            self._note("entitled", user)

    def keep_as_start(self) -> None:
        """Forget how it came to be: what is there now is what it starts from."""
        self._log.clear()

    def remember(self, started: float, now: float, log: Iterable[Entry]) -> None:
        """Take up the past that ``dump`` has told."""
        self.started, self.now, self._log = started, now, list(log)


def _merged(before: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Attributes after an edit: null takes one away, and stays null where it was written."""
    merged = before | changes
    return {key: value for key, value in merged.items() if value is not None or key in before}


_APPLY: dict[type[ch.Change], Callable[[Directory, Any], None]] = {
    ch.UserAdd: lambda directory, change: _ignore(directory.add_user(change.user)),
    ch.UserEdit: Directory._edit_user,
    ch.UserSoftDelete: Directory._soft_delete,
    ch.UserRestore: Directory._restore,
    ch.UserHardDelete: lambda directory, change: directory._hard_delete(directory._user(change.id)),
    ch.GroupAdd: lambda directory, change: _ignore(directory.add_group(change.group)),
    ch.GroupEdit: Directory._edit_group,
    ch.GroupDelete: Directory._delete_group,
    ch.MemberAdd: Directory._change_members,
    ch.MemberRemove: Directory._change_members,
    ch.Assign: Directory._assign,
    ch.Unassign: Directory._unassign,
}


def _ignore(_: object) -> None:
    """A change returns nothing."""
