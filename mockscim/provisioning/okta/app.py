"""An application of Okta's: its settings, its state, and what can be done with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from mockscim.clock import format_instant
from mockscim.provisioning.directory import Directory, User
from mockscim.provisioning.okta import connection, groups, log, users
from mockscim.provisioning.okta.connection import Connection
from mockscim.provisioning.okta.ids import event_id
from mockscim.provisioning.okta.imports import Import, ImportedUser, ImportResult, Matcher
from mockscim.provisioning.okta.planning import Planner
from mockscim.provisioning.okta.profile import profile_of
from mockscim.provisioning.okta.push import Push
from mockscim.provisioning.okta.settings import Settings
from mockscim.provisioning.okta.state import State, Task, UserLink, task_id
from mockscim.provisioning.target import parse, read
from mockscim.provisioning.wire import Steps

_VERSION = 1


class _File(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    provider: Literal["okta"]
    settings: Settings
    state: State


class App:
    """One application.

    Args:
        settings: how it is set up.
        state: what it remembers; None: nothing yet.
    """

    def __init__(self, settings: Settings | None = None, state: State | None = None) -> None:
        self.settings = settings if settings is not None else Settings()
        self.state = state if state is not None else State()

    def dump(self) -> bytes:
        """Settings and state as JSON, for the next run."""
        return msgspec.json.encode(_File(_VERSION, "okta", self.settings, self.state))

    @classmethod
    def load(cls, data: bytes) -> App:
        """What ``dump`` has written.

        Raises:
            ValueError: it is no such file, or another version's.
        """
        try:
            file = msgspec.json.decode(data, type=_File)
        except msgspec.DecodeError as error:
            raise ValueError(f"no state of an Okta application: {error}") from None
        if file.version != _VERSION:
            raise ValueError(f"the state is of version {file.version}, this program reads {_VERSION}")
        return cls(file.settings, file.state)

    def test_connection(self) -> Steps[Connection]:
        """The button "Test API Credentials"."""
        return connection.test_connection(self.settings)

    # -- pushes ------------------------------------------------------------------------------------------------

    def push(self, directory: Directory, now: float) -> Push:
        """What follows from all that has happened in the directory since the last push.

        Args:
            directory: the source.
            now: seconds since the epoch.
        """
        planner = self._planner(directory)
        delta = directory.delta(self.state.watermark)
        touched = planner.touched_users(delta)
        self.state.pending_groups = planner.touched_groups(delta, touched)
        # From here on the changes are remembered as what is pending.
        self.state.watermark = delta.watermark
        return self._push(planner, now, touched)

    def retry(self, directory: Directory, now: float, tasks: Sequence[str] | None = None) -> Push:
        """Try again what has failed: "Retry" on Dashboard > Tasks.

        Args:
            directory: the source.
            now: seconds since the epoch.
            tasks: ids of tasks; None: all.

        Raises:
            ValueError: there is no such task.
        """
        unknown = [each for each in tasks or () if each not in self.state.tasks]
        if unknown:
            raise ValueError(f"there is no task {unknown[0][:100]!r}")
        chosen = [task for name, task in self.state.tasks.items() if tasks is None or name in tasks]
        planner = self._planner(directory)
        keys = [task.key for task in chosen if task.kind == "user"]
        again = {task.key for task in chosen if task.kind == "group"}
        delta = directory.delta(directory.watermark)
        self.state.pending_groups = list(dict.fromkeys([*planner.touched_groups(delta, keys), *again]))
        return self._push(planner, now, keys, again)

    def _push(self, planner: Planner, now: float, keys: Iterable[str], again: set[str] | None = None) -> Push:
        looked_at = dict.fromkeys(keys)
        operations: dict[str, users.Operation] = {}
        for key in looked_at:
            operation = planner.user_operation(key)
            if operation is not None:
                operations[key] = operation
            elif not self._is_password(key):
                self.state.tasks.pop(task_id("user", key), None)
        left = [key for key in self.state.pending_users if key not in looked_at]
        self.state.pending_users = [*left, *operations]

        def of_groups() -> dict[str, groups.Operation]:
            return self._group_operations(planner, again or set())

        return Push(planner, now, operations, of_groups)

    def _group_operations(self, planner: Planner, again: set[str]) -> dict[str, groups.Operation]:
        found: dict[str, groups.Operation] = {}
        for key in self.state.pending_groups:
            operation = planner.group_operation(key, again=key in again)
            if operation is not None:
                found[key] = operation
            elif not self._is_missing(key):
                self.state.tasks.pop(task_id("group", key), None)
        self.state.pending_groups = list(found)
        return found

    def _is_password(self, key: str) -> bool:
        """Whether what failed was a password: it is not kept, so it cannot be tried again but by who knows it."""
        task = self.state.tasks.get(task_id("user", key))
        return task is not None and task.event_type == log.What.PASSWORD.value.type

    def _is_missing(self, key: str) -> bool:
        link = self.state.groups.get(key)
        return link is not None and link.missing

    def push_now(self, directory: Directory, group: str, now: float) -> Push:
        """The button "Push now" of a group: all its members, whatever was pushed before.

        Args:
            directory: the source.
            group: id or displayName.
            now: seconds since the epoch.

        Raises:
            ValueError: there is no such group, or it is not pushed.
        """
        planner = self._planner(directory)
        key = self._pushed_group(planner, group)
        link = self.state.groups.get(key)
        operation: groups.Operation = "full" if link is not None and not link.missing else "push"
        return Push(planner, now, {}, lambda: {key: operation})

    def link_group(self, directory: Directory, group: str, target_id: str, now: float) -> Push:
        """Link a pushed group to one that the target has, or change the link.

        Args:
            directory: the source.
            group: id or displayName.
            target_id: the target's id.
            now: seconds since the epoch.

        Raises:
            ValueError: there is no such group, it is not pushed, or the target's belongs to another.
        """
        planner = self._planner(directory)
        key = self._pushed_group(planner, group)
        if any(link.target == target_id and other != key for other, link in self.state.groups.items()):
            raise ValueError(f"{target_id[:100]!r} is linked to another group")
        return Push(planner, now, {}, lambda: {key: "link"}, link_to={key: target_id})

    @staticmethod
    def _pushed_group(planner: Planner, group: str) -> str:
        found = planner.directory.group(group)
        if found is None:
            raise ValueError(f"there is no group {group[:100]!r}")
        if not planner.is_pushed(found.id):
            raise ValueError(f"the group {found.name[:100]!r} is not pushed")
        return found.id

    def push_password(self, directory: Directory, user: str, now: float, password: str | None = None) -> Push:
        """Sync a password.

        Args:
            directory: the source.
            user: id or userPrincipalName.
            now: seconds since the epoch.
            password: None for a random one.

        Raises:
            ValueError: Sync Password is not enabled, there is no such user, or the user has no account.
        """
        found = directory.user(user)
        if not self.settings.sync_password:
            raise ValueError('Sync Password is not enabled: {"sync_password": true} in the file of --settings does it')
        if found is None:
            raise ValueError(f"there is no user {user[:100]!r}")
        link = self.state.users.get(found.id)
        if link is None or not link.active:
            raise ValueError(f"{found.upn} has no account in {self.settings.app_name}")
        passwords = {found.id: password} if password is not None else {}
        return Push(self._planner(directory), now, {found.id: "password"}, dict, passwords=passwords)

    def has_news(self, directory: Directory) -> bool:
        """Whether a push has a reason beside what has failed: a change in the directory, or what was left undone."""
        left = (key for key in self.state.pending_users if task_id("user", key) not in self.state.tasks)
        return directory.watermark != self.state.watermark or any(left)

    def next_in(self, directory: Directory) -> float | None:
        """When the directory next changes by itself in a way that may concern the target; None for never again.

        That is a step, or the purge of one who is not known to be deactivated there, or whom others have for a manager.
        """

        def matters(user: User) -> bool:
            link = self.state.users.get(user.id)
            return (link is not None and (link.active or link.unsettled)) or bool(directory.reports(user.id))

        return directory.next_due(matters)

    def _planner(self, directory: Directory) -> Planner:
        return Planner(self.settings, self.state, directory)

    # -- imports -----------------------------------------------------------------------------------------------

    def import_users(self, directory: Directory) -> Import:
        """Read all users of the application: "Import now"."""
        matcher = Matcher(self.settings, self.state, directory)
        return Import(self.settings, "/Users", matcher.users, self._imported)

    def import_groups(self, directory: Directory) -> Import:
        """Read all groups of the application."""
        matcher = Matcher(self.settings, self.state, directory)
        return Import(self.settings, "/Groups", matcher.groups, self._imported)

    def _imported(self, import_: Import, result: ImportResult, at: float) -> list[dict[str, Any]]:
        self.state.pushes += 1
        what = log.What.IMPORTED
        if result.error:
            what = log.What.USERS_NOT_READ if import_.endpoint == "/Users" else log.What.GROUPS_NOT_READ
        entry = log.event(
            what,
            at,
            [log.app_target(self.settings.app_name)],
            identity=(self.settings.seed, self.state.pushes, "import"),
            transaction=event_id(self.settings.seed, "push", self.state.pushes),
            reason=result.error or None,
            result="FAILURE" if result.error else "SUCCESS",
        )
        # That the numbers are here is a guess.
        entry["debugContext"]["debugData"] = {"pages": result.pages, "total": result.total, **result.counts}
        return [entry]

    def confirm(self, directory: Directory, imported: ImportedUser, user: str | None = None) -> None:
        """Confirm whom an imported user is: from now on the account is that user's, who is assigned if need be.

        Args:
            directory: the source.
            imported: from an import's result.
            user: id or userPrincipalName; None: the only match.

        Raises:
            ValueError: there is no such user, none or several match, or one of the two is linked already.
        """
        key = user if user is not None else imported.matches[0] if len(imported.matches) == 1 else ""
        found = directory.user(key) if key else None
        if found is None:
            raise ValueError(f"whom {imported.user_name or imported.id} is has to be said: {key[:100]!r} is no user")
        link = self.state.users.get(found.id)
        holder = self.state.linked_to(imported.id)
        if (link is not None and link.active and link.target != imported.id) or holder not in (None, found.id):
            raise ValueError(f"{found.upn} or {imported.user_name} is linked already")
        known = {path: read_profile(imported.resource, path) for path in profile_of(self.settings, found)}
        profile = {path: value for path, value in known.items() if value is not None}
        self.state.users[found.id] = UserLink(imported.id, imported.active, profile)
        if not directory.roles_of(found.id):
            directory.assign(found.id)
        if found.id not in self.state.pending_users:
            self.state.pending_users.append(found.id)

    def confirm_exact(self, directory: Directory, result: ImportResult) -> int:
        """Confirm all exact matches. Returns how many."""
        exact = [each for each in result.users if each.category == "exact"]
        for each in exact:
            self.confirm(directory, each)
        return len(exact)

    # -- what an administrator sees ----------------------------------------------------------------------------

    @property
    def tasks(self) -> list[Task]:
        """What has failed, in the order of failing."""
        return list(self.state.tasks.values())

    def status(self, now: float, directory: Directory | None = None) -> dict[str, Any]:
        """A summary of our own making.

        Args:
            now: seconds since the epoch.
            directory: the source; with it ``pending`` is what a push would have to do now, without it what earlier
                ones have left undone. What failed and waits for ``retry`` is in neither, but among the tasks.
        """
        if directory is None:
            pending = {"users": len(self.state.pending_users), "groups": len(self.state.pending_groups)}
        else:
            pending = App.load(self.dump()).push(directory, now).planned()
        accounts = self.state.users.values()
        return {
            "app": self.settings.app_name,
            "appType": self.settings.app_type,
            "at": format_instant(now),
            "pushes": self.state.pushes,
            "users": {
                "active": sum(link.active for link in accounts),
                "inactive": sum(not link.active for link in accounts),
            },
            "groups": {
                "linked": sum(not link.missing for link in self.state.groups.values()),
                "missing": sum(link.missing for link in self.state.groups.values()),
                "memberships": sum(len(link.members) for link in self.state.groups.values()),
            },
            "pending": pending,
            "tasks": len(self.state.tasks),
            "events": dict(self.state.counts),
            "lastPush": self.state.last_push,
        }


def read_profile(resource: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401 - JSON
    """What a resource has of a profile's attribute; None where it has nothing."""
    return read(dict(resource), parse("emails[primary eq true].value" if path == "emails" else path))
