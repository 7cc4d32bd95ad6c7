"""What an application remembers between pushes; JSON by msgspec."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Kind = Literal["user", "group"]


class UserLink(msgspec.Struct):
    """A user of the source and the target's resource.

    Attributes:
        target: the target's id.
        active: whether the user is assigned and was activated there.
        profile: the attributes that were sent last, by target path; what differs from it is sent next.
        frozen: the user is suspended, so that nothing is said about memberships either.
        unsettled: an activation or deactivation was begun and not heard to have been done: the account is this
            user's until it is.
    """

    target: str
    active: bool = True
    profile: dict[str, Any] = {}
    frozen: bool = False
    unsettled: bool = False


class GroupLink(msgspec.Struct):
    """A pushed group and the target's resource.

    Attributes:
        target: the target's id.
        name: the name that was sent last.
        members: who was sent last: the source's id of each to the target's.
        missing: the target does not know the id any more; nothing is pushed until the link is changed.
        unsure: a request about the members was not answered well, and may have been carried out.
    """

    target: str
    name: str
    members: dict[str, str] = {}
    missing: bool = False
    unsure: bool = False


class Task(msgspec.Struct, rename={"event_type": "eventType"}):
    """A line of Dashboard > Tasks: what has failed and waits for somebody.

    Attributes:
        id: what ``App.retry`` takes: ``user:ID`` or ``group:ID``.
        key: the source's id.
        at: when it failed last, in seconds since the epoch.
        attempts: how often it has been tried.
        automatic: it is tried again with the next push, without being asked for.
    """

    id: str
    kind: Kind
    key: str
    name: str
    event_type: str
    message: str
    at: float
    attempts: int = 1
    automatic: bool = False


class State(msgspec.Struct):
    """One application's state.

    Attributes:
        watermark: how far the directory's changes have been looked at.
        pushes: how many pushes there were; ids of events follow from it.
        users, groups: links by the source's id.
        pending_users, pending_groups: what a push had before it and did not get done.
        tasks: what has failed, by id.
        last_push: the summary of the last push that sent something.
        counts: how often something succeeded, by event type.
    """

    watermark: int = 0
    pushes: int = 0
    users: dict[str, UserLink] = {}
    groups: dict[str, GroupLink] = {}
    pending_users: list[str] = []
    pending_groups: list[str] = []
    tasks: dict[str, Task] = {}
    last_push: dict[str, Any] = {}
    counts: dict[str, int] = {}

    def linked_to(self, target: str) -> str | None:
        """The source's id of the assigned user who has that resource."""
        return next((key for key, link in self.users.items() if link.active and link.target == target), None)


def task_id(kind: Kind, key: str) -> str:
    """The id of the task of an object: it has one at most."""
    return f"{kind}:{key}"
