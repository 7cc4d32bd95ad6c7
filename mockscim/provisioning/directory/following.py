"""Edits of a source file as changes of the directory that was made from it.

A person edits the file while a simulated provider runs, or between two runs: what differs between the two versions is
done to the live directory, which has gone on meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mockscim.provisioning.directory import changes as ch
from mockscim.provisioning.directory.live import Directory
from mockscim.provisioning.directory.objects import DirectoryError, Group, User

_OWN_CHANGES = {"id", "deletedDateTime", "manager"}


class NotFollowed(NamedTuple):
    """A change that the live directory did not take, and why."""

    change: ch.Change
    reason: str


def follow(live: Directory, older: Directory, newer: Directory) -> list[NotFollowed]:
    """Do to the live directory what was done to its source: ``older`` and ``newer`` are the file before and after.

    Steps are those of the newer file; which of them are still to come, the time tells.

    Returns:
        What could not be done: about objects that the live directory has no more.
    """
    live.name, live.description, live.source = newer.name, newer.description, newer.source
    live.roles, live.steps = dict(newer.roles), list(newer.steps)
    missed = []
    for change in difference(older, newer):
        try:
            live.apply(change)
        except DirectoryError as error:
            missed.append(NotFollowed(change, str(error)))
    return missed


def difference(older: Directory, newer: Directory) -> list[ch.Change]:
    """The changes that make the one into the other; roles and steps aside."""
    return [*_gone(older, newer), *_users(older, newer), *_groups(older, newer), *_assignments(older, newer)]


def _gone(older: Directory, newer: Directory) -> Iterator[ch.Change]:
    """First who is gone: the names are free for others."""
    yield from (ch.GroupDelete(each) for each in older.groups if each not in newer.groups)
    yield from (ch.UserHardDelete(each) for each in older.users if each not in newer.users)


def _users(older: Directory, newer: Directory) -> Iterator[ch.Change]:
    later: list[ch.Change] = []
    for user in newer.users.values():
        before = older.users.get(user.id)
        if before is None:
            yield ch.UserAdd({key: value for key, value in user.attributes.items() if key != "manager"})
        else:
            edited = _edited(before, user)
            if edited:
                yield ch.UserEdit(user.id, edited)
            if user.deleted != before.deleted:
                later.append(ch.UserSoftDelete(user.id) if user.deleted else ch.UserRestore(user.id))
        if user.manager != (before.manager if before else None):
            later.append(ch.UserEdit(user.id, {"manager": user.manager}))
    yield from later  # managers, when everybody is there


def _edited(before: User | Group, after: User | Group) -> dict[str, object]:
    keys = dict.fromkeys([*before.attributes, *after.attributes])
    return {
        key: after.attributes.get(key)
        for key in keys
        if key not in _OWN_CHANGES and before.attributes.get(key) != after.attributes.get(key)
    }


def _groups(older: Directory, newer: Directory) -> Iterator[ch.Change]:
    for group in newer.groups.values():
        before = older.groups.get(group.id)
        if before is None:
            yield ch.GroupAdd(dict(group.attributes))
        elif edited := _edited(before, group):
            yield ch.GroupEdit(group.id, edited)
    for group_id in newer.groups:
        had, has = older.stored_members(group_id), newer.stored_members(group_id)
        here = newer.users.keys() | newer.groups.keys()
        yield from (ch.MemberRemove(group_id, each) for each in had if each not in has and each in here)
        yield from (ch.MemberAdd(group_id, each) for each in has if each not in had)


def _assignments(older: Directory, newer: Directory) -> Iterator[ch.Change]:
    here = newer.users.keys() | newer.groups.keys()
    had, has = older.assignments, newer.assignments
    gone = (each for each in had if each not in has and each.principal_id in here)
    yield from (ch.Unassign(each.principal_id, each.role_id) for each in gone)
    yield from (ch.Assign(each.principal_id, each.role_id) for each in has if each not in had)
