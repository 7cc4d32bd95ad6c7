"""Which users and groups a push is about, and what each is to have: from the directory and the state alone."""

from __future__ import annotations

from collections.abc import Iterable

from mockscim.provisioning.directory import Delta, Directory
from mockscim.provisioning.okta import groups, users
from mockscim.provisioning.okta.groups import Member
from mockscim.provisioning.okta.profile import Profile, Wanted, profile_of, user_name, wanted
from mockscim.provisioning.okta.settings import Settings
from mockscim.provisioning.okta.state import State, UserLink


class Planner:
    """Looks at one directory with one application's eyes."""

    def __init__(self, settings: Settings, state: State, directory: Directory) -> None:
        self.settings, self.state, self.directory = settings, state, directory
        self._assigned = set(directory.assigned_groups())
        self._wanted: dict[str, Wanted] = {}

    # -- users -------------------------------------------------------------------------------------------------

    def touched_users(self, delta: Delta) -> list[str]:
        """Users of whom something may have to be said, each once."""
        return list(dict.fromkeys([*self.state.pending_users, *delta.users, *delta.entitled]))

    def wanted(self, key: str) -> Wanted:
        """What a user is to have; asked once, for a planner lives as long as a push."""
        if key not in self._wanted:
            self._wanted[key] = wanted(self.settings, self.directory, key)
        return self._wanted[key]

    def user_operation(self, key: str) -> users.Operation | None:
        """What is to be done for a user now."""
        link = self.state.users.get(key)
        return users.decide(self.settings, link, self.wanted(key), self.profile(key))

    def profile(self, key: str) -> Profile:
        """The profile of a user; the one sent last where the source knows the user no more."""
        user = self.directory.user(key)
        link = self.state.users.get(key)
        if user is None:
            return dict(link.profile) if link is not None else {}
        return profile_of(self.settings, user)

    def names(self, key: str) -> tuple[str, str]:
        """The user name and the name that people see."""
        user = self.directory.user(key)
        if user is not None:
            return user_name(self.settings, user), user.name
        profile = self.profile(key)
        name = str(profile.get("userName", key))
        return name, str(profile.get("displayName", name))

    # -- groups ------------------------------------------------------------------------------------------------

    def touched_groups(self, delta: Delta, of_users: Iterable[str]) -> list[str]:
        """Groups of which something may have to be said, each once."""
        changed = [*self.state.pending_groups, *delta.groups, *delta.members]
        changed += [each for each in delta.principals if each in self.directory.groups or each in self.state.groups]
        moving = {key for key in of_users if self._may_move(key)}
        return list(dict.fromkeys([*changed, *self._groups_of(moving)]))

    def _may_move(self, key: str) -> bool:
        """Whether a user's memberships may have changed though the groups have not: an account comes or goes.

        Most changes of people are none of that, and looking at a group costs time for each of its members.
        """
        link = self.state.users.get(key)
        if link is None or not link.active or link.unsettled or self.wanted(key) == "absent":
            return True
        was_frozen, link.frozen = link.frozen, self.wanted(key) == "frozen"
        return was_frozen and not link.frozen

    def _groups_of(self, keys: set[str]) -> list[str]:
        """The groups that some users are in, here or as they were pushed last."""
        if not keys:
            return []
        here = [group for key in keys for group in self.directory.groups_of(key)]
        there = [group for group, link in self.state.groups.items() if not keys.isdisjoint(link.members)]
        return sorted({*here, *there})

    def is_pushed(self, key: str) -> bool:
        """Whether a group is to be in the target."""
        group = self.directory.groups.get(key)
        if group is None or not group.security_enabled:
            return False
        mode = self.settings.push_groups
        if mode == "rules":
            return any(rule.holds(group.name) for rule in self.settings.push_rules)
        return mode == "all" or (mode == "assigned" and key in self._assigned)

    def group_name(self, key: str) -> str:
        """What a group is called; the name sent last where the source knows it no more."""
        group = self.directory.groups.get(key)
        link = self.state.groups.get(key)
        return group.name if group is not None else link.name if link is not None else key

    def members(self, key: str) -> dict[str, Member]:
        """Who is to be in a pushed group: its users who have an account in the application.

        Of one who is suspended nothing is said, so such a member stays, and does not come.
        """
        link = self.state.groups.get(key)
        before = link.members if link is not None else {}
        here = dict.fromkeys(self.directory.member_users(key))
        found = {}
        for user in [*here, *(each for each in before if each not in here)]:
            account = self.state.users.get(user)
            if account is not None and self._belongs(user, account, is_in=user in here, was_in=user in before):
                found[user] = Member(account.target, self.names(user)[0])
        return found

    def _belongs(self, user: str, account: UserLink, *, is_in: bool, was_in: bool) -> bool:
        now = self.wanted(user)
        if now == "frozen":
            return was_in and account.active
        if is_in and was_in and not self.settings.remove_unassigned:
            return True
        return is_in and now == "present" and account.active

    def group_operation(self, key: str, *, again: bool = False) -> groups.Operation | None:
        """What is to be done for a group now."""
        link = self.state.groups.get(key)
        pushed = self.is_pushed(key)
        members = self.members(key) if pushed else {}
        if link is not None and pushed and not link.missing:
            wanted_there = {user: member.target for user, member in members.items()}
            if set(link.members.values()) == set(wanted_there.values()):
                # Nobody moves over there when an account has come to belong to another user of the source.
                link.members = wanted_there
        return groups.decide(link, pushed=pushed, name=self.group_name(key), members=members, again=again)
