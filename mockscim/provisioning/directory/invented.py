"""Directories of invented people, with or without a time in which some join, move and leave.

The same numbers and seed give the same document. The people are those of ``people.py``.
"""

from __future__ import annotations

import random
from typing import Any

from mockscim import people
from mockscim.provisioning.directory import changes as ch
from mockscim.provisioning.directory.checks import made_id
from mockscim.provisioning.directory.document import from_document
from mockscim.provisioning.directory.live import Directory
from mockscim.provisioning.directory.objects import DEFAULT_ROLE
from mockscim.scim import urns

Document = dict[str, Any]

_WORK = 9 * 3600.0  # the day begins at midnight, work some hours later
_DAY = 86400.0
_LEFT_ALONE = 10  # one of so many who are in no group is not assigned


def generate(users: int, groups: int, seed: int, days: int = 0) -> Document:
    """A directory document of so many users and groups; ValueError for a negative number.

    Groups are assigned to the application, and users in none of them, except one in ten. With ``days`` there are steps:
    on each day from Monday to Friday somebody joins, moves, marries, is blocked or leaves.
    """
    if days < 0:
        raise ValueError("the number of days cannot be negative")
    company = people.generate(users + days, groups, seed)  # somebody new a day at most, or nearly
    document = _document(company["users"][:users], company["groups"], seed)
    if days:
        document["steps"] = _Story(document, company["users"][users:], seed).steps(days)
    return document


def _document(users: list[Document], groups: list[Document], seed: int) -> Document:
    known = {user["userName"] for user in users} | {group["displayName"] for group in groups}
    ids = {user["userName"]: user["id"] for user in users} | {group["displayName"]: group["id"] for group in groups}
    made = [
        {
            "id": group["id"],
            "displayName": group["displayName"],
            "mailNickname": group["displayName"].lower().replace(" ", "."),
            "securityEnabled": True,
            "members": [ids[member] for member in group["members"] if member in known],
        }
        for group in groups
    ]
    there = set(ids.values())
    return {
        "kind": "directory",
        "description": f"{len(users)} invented people and {len(groups)} groups, seed {seed}",
        "users": [_user(user, there) for user in users],
        "groups": made,
        "appRoles": [{"id": DEFAULT_ROLE.id, "displayName": DEFAULT_ROLE.display_name}],
        "appRoleAssignments": _assignments(users, made),
    }


def _user(user: Document, there: set[str]) -> Document:
    """A SCIM resource of people.py as Graph has a user."""
    enterprise = user[urns.ENTERPRISE_USER]
    manager = enterprise.get("manager", {}).get("value")
    return {
        "id": user["id"],
        "userPrincipalName": user["userName"],
        "displayName": user["displayName"],
        "givenName": user["name"]["givenName"],
        "surname": user["name"]["familyName"],
        "mail": user["emails"][0]["value"],
        "mailNickname": user["userName"].partition("@")[0],
        "jobTitle": user["title"],
        "department": enterprise["department"],
        "employeeId": enterprise["employeeNumber"],
        "accountEnabled": user["active"],
        "manager": manager if manager in there else None,
    }


def _assignments(users: list[Document], groups: list[Document]) -> list[Document]:
    def assigned(principal: str, kind: str) -> Document:
        return {"principalId": principal, "principalType": kind, "appRoleId": DEFAULT_ROLE.id}

    inside = {member for group in groups for member in group["members"]}
    others = [user["id"] for user in users if user["id"] not in inside]
    alone = [each for number, each in enumerate(others, 1) if number % _LEFT_ALONE]
    return [assigned(group["id"], "Group") for group in groups] + [assigned(each, "User") for each in alone]


class _Story:
    """What happens in some days, tried out on a directory as it is made up, so that it can happen."""

    def __init__(self, document: Document, joiners: list[Document], seed: int) -> None:
        self.directory: Directory = from_document(document)
        self.joiners = joiners
        self.chance = random.Random(f"{seed} story").random  # noqa: S311 - repeatable on purpose, and no secret
        self.today: list[ch.Change] = []
        self.blocked: list[str] = []

    def steps(self, days: int) -> list[Document]:
        """One a day, but on Saturdays and Sundays: the first day is a Monday."""
        made = []
        self.directory.advance(0.0)
        for day in range(days):
            if day % 7 > 4:
                continue
            at = day * _DAY + _WORK
            self.directory.advance(at)
            self.today = []
            for _ in range(1 + int(self.chance() * 3)):
                self.something()
            if self.today:
                made.append({"at": f"{day * 24 + 9}h", "changes": [ch.written(change) for change in self.today]})
        return made

    def make(self, change: ch.Change) -> None:
        self.directory.apply(change)
        self.today.append(change)

    def something(self) -> None:
        number = self.chance()
        if number < 0.25 and self.joiners:
            self.join()
        elif self.anybody() is not None:
            happenings = (self.move, self.marry, self.leave, self.block, self.unblock, self.come_back, self.project)
            happenings[int(self.chance() * len(happenings))]()

    def anybody(self) -> str | None:
        """Somebody who works there, by id."""
        there = [user.id for user in self.directory.users.values() if user.enabled and not user.deleted]
        return self.one(there) if there else None

    def one(self, things: list[str]) -> str:
        return things[int(self.chance() * len(things))]

    def group(self, name: str) -> str | None:
        found = self.directory.group(name)
        return None if found is None else found.id

    def join(self) -> None:
        person = self.joiners.pop(0)
        made = _user(person, set(self.directory.users)) | {"accountEnabled": True}
        self.make(ch.UserAdd(made))
        group = self.group(made["department"])
        self.make(ch.MemberAdd(group, made["id"]) if group else ch.Assign(made["id"]))

    def move(self) -> None:
        """To another department: the title and the group of the department change."""
        user = self.directory.users[self.anybody() or ""]
        department = self.one(people.departments())
        if department == user.get("department"):
            return
        self.make(ch.UserEdit(user.id, {"department": department, "jobTitle": f"{department} Specialist"}))
        old, new = self.group(str(user.get("department"))), self.group(department)
        if old and user.id in self.directory.members(old):
            self.make(ch.MemberRemove(old, user.id))
        if new:
            self.make(ch.MemberAdd(new, user.id))

    def marry(self) -> None:
        """A new surname, and with it another displayName; the userPrincipalName stays."""
        user = self.directory.users[self.anybody() or ""]
        surname = str(self.directory.users[self.anybody() or ""].get("surname"))
        self.make(ch.UserEdit(user.id, {"surname": surname, "displayName": f"{user.get('givenName')} {surname}"}))

    def leave(self) -> None:
        self.make(ch.UserSoftDelete(self.anybody() or ""))

    def block(self) -> None:
        user = self.anybody() or ""
        self.blocked.append(user)
        self.make(ch.UserEdit(user, {"accountEnabled": False}))

    def unblock(self) -> None:
        while self.blocked:
            user = self.directory.users.get(self.blocked.pop(0))
            if user is not None and not user.deleted and not user.enabled:
                self.make(ch.UserEdit(user.id, {"accountEnabled": True}))
                return

    def come_back(self) -> None:
        """Out of the recycle bin."""
        gone = [user.id for user in self.directory.users.values() if user.deleted]
        if gone:
            self.make(ch.UserRestore(self.one(gone)))

    def project(self) -> None:
        """A new group, with its people, is assigned; or an older one of the kind ends."""
        name = f"Task force {int(self.chance() * 20) + 1}"
        group = self.group(name)
        if group:
            self.make(ch.GroupDelete(group))
            return
        members = list(dict.fromkeys(filter(None, (self.anybody() for _ in range(5)))))
        new = made_id("group", name)
        self.make(ch.GroupAdd({"id": new, "displayName": name, "securityEnabled": True, "members": members}))
        self.make(ch.Assign(new))
