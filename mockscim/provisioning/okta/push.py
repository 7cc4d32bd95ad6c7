"""A push: what follows from some changes, in phases of objects that do not depend on each other.

    deactivations, profiles, assignments    users; in this order, so that names are free before they are given anew
    groups                                  when it is known who has an account

Okta acts on each event as it comes; a push is all that has come since the one before.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mockscim.clock import format_instant
from mockscim.provisioning.okta import groups, log, users
from mockscim.provisioning.okta.groups import GroupWork
from mockscim.provisioning.okta.ids import event_id
from mockscim.provisioning.okta.outcome import Note, Outcome
from mockscim.provisioning.okta.planning import Planner
from mockscim.provisioning.okta.state import GroupLink, Kind, Task, UserLink, task_id
from mockscim.provisioning.okta.users import UserWork
from mockscim.provisioning.wire import Steps

_PHASES: tuple[tuple[str, tuple[users.Operation, ...]], ...] = (
    ("deactivations", ("deactivate", "forget")),
    ("profiles", ("update", "password")),
    ("assignments", ("assign",)),
)


class Item:
    """One object of a phase. ``steps`` is its plan, ``end`` takes what came of it and when."""

    def __init__(self, push: Push, kind: Kind, key: str, name: str, work: UserWork | GroupWork) -> None:
        self.kind, self.key, self.name = kind, key, name
        self.work = work
        self._push = push

    def steps(self) -> Steps[Outcome]:
        """The requests."""
        return self.work.steps()

    def end(self, outcome: Outcome, at: float) -> None:
        """Remember what came of it, at a time in seconds since the epoch."""
        self._push.ended(self, outcome, at)


class Phase:
    """Objects that may be done at the same time."""

    def __init__(self, name: str, items: list[Item]) -> None:
        self.name, self.items = name, items
        self.done = 0

    @property
    def total(self) -> int:
        """How many there are."""
        return len(self.items)


class Push:
    """One push.

    Args:
        planner: the application, its state and the directory.
        now: when it begins, in seconds since the epoch.
        user_operations: what is to be done for users, by the source's id.
        group_operations: the same for groups; asked when the users are done.
        passwords: those to push; without one a user gets a random one.
        link_to: ids of the target that groups are to be linked to.
    """

    def __init__(
        self,
        planner: Planner,
        now: float,
        user_operations: Mapping[str, users.Operation],
        group_operations: Callable[[], Mapping[str, groups.Operation]],
        *,
        passwords: Mapping[str, str] | None = None,
        link_to: Mapping[str, str] | None = None,
    ) -> None:
        self._planner, self.began = planner, now
        self.settings, self.state = planner.settings, planner.state
        self._users, self._groups = dict(user_operations), group_operations
        self._passwords, self._link_to = passwords or {}, link_to or {}
        self.quiet = not self._users and not group_operations()
        if not self.quiet:
            self.state.pushes += 1
        self.number = self.state.pushes
        self.id = event_id(self.settings.seed, "push", self.number)
        self._holders = {link.target: key for key, link in self.state.users.items() if link.active}
        self._entries: list[list[dict[str, Any]]] = []
        self._places: dict[tuple[str, str], int] = {}
        self._phase: Phase | None = None
        self.events: list[dict[str, Any]] = []
        self.summary: dict[str, Any] = {}
        self._counts = {"users": 0, "groups": 0, "failed": 0}
        self._latest = now

    def planned(self) -> dict[str, int]:
        """How many users and groups it is about, before it begins: whoever is in a group may become known only then."""
        return {"users": len(self._users), "groups": len(self._groups())}

    @property
    def entries(self) -> list[dict[str, Any]]:
        """The events of the System Log, in the order of the objects."""
        return [entry for entries in self._entries for entry in entries]

    def phases(self) -> Iterator[Phase]:
        """The phases in order; ask for the next when all items of one are done."""
        for name, operations in _PHASES:
            keys = [key for key, operation in self._users.items() if operation in operations]
            if keys:
                yield self._begin(name, [self._user(key) for key in keys])
        # The users whose turn it was are done, also those for whom nothing was to be done.
        found = self._groups()
        if found:
            yield self._begin("groups", [self._group(key, operation) for key, operation in found.items()])
        self.finish()

    def _begin(self, name: str, items: list[Item]) -> Phase:
        for item in items:
            self._places[item.kind, item.key] = len(self._entries)
            self._entries.append([])
        self._phase = Phase(name, items)
        return self._phase

    def _user(self, key: str) -> Item:
        user_name, name = self._planner.names(key)
        work = UserWork(
            self.settings,
            key,
            self._users[key],
            user_name=user_name,
            name=name,
            profile=self._planner.profile(key),
            link=self.state.users.get(key),
            taken=lambda target: self._holders.get(target, key) != key,
            draw=random.Random(f"{self.settings.seed} {self.number} {key}"),  # noqa: S311 - reproducible by design
            password=self._passwords.get(key),
        )
        return Item(self, "user", key, name, work)

    def _group(self, key: str, operation: groups.Operation) -> Item:
        name = self._planner.group_name(key)
        work = GroupWork(
            self.settings,
            operation,
            name=name,
            members=self._planner.members(key),
            link=self.state.groups.get(key),
            target=self._link_to.get(key, ""),
        )
        return Item(self, "group", key, name, work)

    # -- what came of it ---------------------------------------------------------------------------------------

    def ended(self, item: Item, outcome: Outcome, at: float) -> None:
        """Take what came of an item into the state, the log and the tasks."""
        self._latest = max(self._latest, at)
        if self._phase is not None:
            self._phase.done += 1
        self._counts["users" if item.kind == "user" else "groups"] += 1
        if item.kind == "user":
            self._keep_user(item, outcome)
        else:
            self._keep_group(item, outcome)
        self._write(item, outcome, at)
        self._note_task(item, outcome, at)

    def _keep_user(self, item: Item, outcome: Outcome) -> None:
        link = outcome.link
        if isinstance(link, UserLink):
            self.state.users[item.key] = link
            if link.active:
                self._holders[link.target] = item.key
            elif self._holders.get(link.target) == item.key:
                del self._holders[link.target]
        if outcome.ok or self.settings.user_retry == "manual":
            _drop(self.state.pending_users, item.key)

    def _keep_group(self, item: Item, outcome: Outcome) -> None:
        if isinstance(outcome.link, GroupLink):
            self.state.groups[item.key] = outcome.link
        else:
            self.state.groups.pop(item.key, None)
        if outcome.failure is None or not outcome.failure.transient:
            _drop(self.state.pending_groups, item.key)
        elif item.key not in self.state.pending_groups:
            self.state.pending_groups.append(item.key)

    def _write(self, item: Item, outcome: Outcome, at: float) -> None:
        targets = [log.app_target(self.settings.app_name)]
        if isinstance(item.work, UserWork):
            targets += log.user_targets(self.settings.app_name, item.key, item.work.user_name, item.name)
        else:
            targets += log.group_targets(item.key, item.name)
        for index, note in enumerate(outcome.notes):
            identity = (self.settings.seed, self.number, item.kind, item.key, index)
            entry = log.event(
                note.what,
                at,
                targets,
                identity=identity,
                transaction=self.id,
                reason=_reason(note),
                result=_result(note),
            )
            self._entries[self._places[item.kind, item.key]].append(entry)
            if note.failure is None and not note.skipped:
                self.state.counts[entry["eventType"]] = self.state.counts.get(entry["eventType"], 0) + 1

    def _note_task(self, item: Item, outcome: Outcome, at: float) -> None:
        name = task_id(item.kind, item.key)
        before = self.state.tasks.pop(name, None)
        if outcome.failure is None:
            return
        self._counts["failed"] += 1
        automatic = outcome.failure.transient if item.kind == "group" else self.settings.user_retry == "next-push"
        event_type = outcome.notes[-1].what.value.type
        attempts = before.attempts + 1 if before is not None else 1
        self.state.tasks[name] = Task(
            name, item.kind, item.key, item.name, event_type, outcome.message, at, attempts, automatic
        )

    def finish(self, now: float | None = None) -> None:
        """Close it. Called by itself when all phases are through; call it after breaking off: the rest stays due."""
        if self.summary:
            return
        self._latest = max(self._latest, now if now is not None else self._latest)
        self.summary = {
            "push": self.number,
            "id": self.id,
            "quiet": self.quiet,
            "began": format_instant(self.began),
            "ended": format_instant(self._latest),
            **self._counts,
        }
        if not self.quiet:
            self.state.last_push = self.summary


def _drop(keys: list[str], key: str) -> None:
    if key in keys:
        keys.remove(key)


def _reason(note: Note) -> str | None:
    return note.failure.reason if note.failure is not None else note.skipped or None


def _result(note: Note) -> str:
    if note.failure is not None:
        return "FAILURE"
    return "SKIPPED" if note.skipped else "SUCCESS"
