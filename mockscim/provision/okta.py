"""Okta's SCIM client at work: one application with a source directory, a target and a clock."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Unpack

from mockscim.provision.files import FileError, append
from mockscim.provision.report import Report
from mockscim.provision.session import Options, Session
from mockscim.provision.setting import SettingsGiven, settled
from mockscim.provision.source import SourceGiven
from mockscim.provisioning.okta import (
    HEADERS,
    TIMEOUT,
    App,
    Connection,
    Import,
    ImportedUser,
    ImportResult,
    Push,
    Settings,
    Task,
)

if TYPE_CHECKING:
    from mockscim.provision.blocking import BlockingOkta

POLL = 1.0  # seconds between looks at the source: Okta acts on events as they come


class Okta(Session):
    """An application of Okta's with provisioning, driving any SCIM server.

        async with Okta("directory.json", "http://127.0.0.1:8080/scim/v2", token=token) as app:
            await app.test_connection()
            await app.push()                                    # everybody who is assigned, and the groups
            app.directory.unassign("ann@example.com")
            report = await app.push()
            assert report.ok, report.failures

    ``Okta.blocking(…)`` is the same for synchronous code.

    Args:
        source: a directory document, its file, the name of a bundled one, or a Directory; None: the state's.
        target: the base URL; None: the state's.
        app_type: ``oin``, of the catalogue, or ``aiw``, made with the App Integration Wizard; None: the state's.
        settings: the other settings of ``mockscim.provisioning.okta.Settings``: a document, its file, or a Struct.
        seed: what ids and placeholder passwords follow from.
        throttling: what 429 means: ``fail`` or ``honour``.
        options: those of ``Options``: token, clock, rate, concurrency, timeout, ca, state, log, events, smtp, mail_to,
            advance_target, mark_target, admin_token, watcher.

    Raises:
        TypeError: an option that there is not.
        ValueError: what was given cannot be used (FileError, DirectoryError, TargetError, ClockError).
    """

    provider: ClassVar[str] = "okta"
    headers: ClassVar[dict[str, str]] = dict(HEADERS)
    default_timeout: ClassVar[float] = TIMEOUT

    def __init__(
        self,
        source: SourceGiven | None = None,
        target: str | None = None,
        *,
        app_type: Literal["oin", "aiw"] | None = None,
        settings: SettingsGiven | Settings | None = None,
        seed: int | None = None,
        throttling: Literal["fail", "honour"] | None = None,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(source, target, options)
        self._settings = settings
        self._said = {"target": target, "app_type": app_type, "seed": seed, "throttling": throttling}
        self.app = App()
        """The pure side: settings, state."""

    @staticmethod
    def blocking(*given: Any, **options: Any) -> BlockingOkta:  # noqa: ANN401 - those of Okta
        """The same for synchronous code: ``with Okta.blocking("directory.json", url, token=token) as app``.

        Args:
            given: source and target.
            options: those of ``Okta``.
        """
        from mockscim.provision.blocking import BlockingOkta  # noqa: PLC0415 - it imports this file

        return BlockingOkta(Okta(*given, **options))

    # -- opening -------------------------------------------------------------------------------------------------

    def _take(self, job: bytes | None) -> None:
        try:
            self.app = App.load(job) if job is not None else App()
        except ValueError as error:
            path = self._state_file.path if self._state_file is not None else ""
            raise FileError(f"--state {path}: /job: {error}") from None

    def _configure(self) -> None:
        self.app.settings = settled(Settings, self._settings, self.app.settings, self._said)

    def _target_url(self) -> str:
        return settled(Settings, self._settings, self.app.settings, {"target": self._given_target}).target

    def _dump(self) -> bytes:
        return self.app.dump()

    # -- verbs ---------------------------------------------------------------------------------------------------

    async def test_connection(self) -> Connection:
        """What "Test API Credentials" does. ``ok``, ``code`` and ``message`` tell."""
        return await self._drive(self.app.test_connection())

    async def push(self) -> Report:
        """Push what has changed since the last push; the first time everybody who is assigned, and the groups."""
        steps = self._move_on()
        return await self._push(self.app.push(self.directory, self.now), steps)

    async def push_now(self, group: str) -> Report:
        """Push one group whole, by id or displayName: its members are replaced."""
        steps = self._move_on()
        return await self._push(self.app.push_now(self.directory, group, self.now), steps)

    async def push_password(self, user: str, password: str | None = None) -> Report:
        """Push a user's password, a random one if none is given."""
        steps = self._move_on()
        return await self._push(self.app.push_password(self.directory, user, self.now, password), steps)

    async def link_group(self, group: str, target_id: str) -> Report:
        """Link a group to one that the target has, and push it whole."""
        steps = self._move_on()
        return await self._push(self.app.link_group(self.directory, group, target_id, self.now), steps)

    async def retry(self, tasks: Sequence[str] | None = None) -> Report:
        """What "Retry Selected" does to tasks, by id; None for all of them."""
        steps = self._move_on()
        return await self._push(self.app.retry(self.directory, self.now, tasks), steps)

    async def run(self, pushes: int | None = None, *, duration: float | None = None) -> list[Report]:
        """Push as changes come: those of the directory's steps and, in real time, of its file.

        What is tried again by itself is, after ``Settings.retry_interval``, or with a push that comes before.

        Args:
            pushes: end after so many that had something to do.
            duration: for so many seconds of the job's time.
                Without either it ends, in virtual time, when the directory has no more steps; in real time when
                ``interrupt`` is called.

        Returns:
            What came of each that had something to do.
        """
        end = math.inf if duration is None else self.now + duration
        reports: list[Report] = []
        while not self.interrupted:
            report = await self.push()
            if not report.quiet:
                reports.append(report)
            if pushes is not None and len(reports) >= pushes:
                break
            if not await self._reason(end):
                break
        if math.isfinite(end) and self._time.virtual and not self.interrupted:
            self._time.jump(end)
        return reports

    async def _reason(self, end: float) -> bool:
        """Wait for a reason to push again; False where there is none before the end."""
        due = self.app.next_in(self.directory)
        reason = math.inf if due is None else due
        virtual = self._time.virtual
        # In virtual time with no end in sight, what cannot succeed would be tried for ever.
        if any(task.automatic for task in self.app.tasks) and not (virtual and math.isinf(end)):
            reason = min(reason, self.now + self.app.settings.retry_interval)
        if virtual:
            if reason > end or math.isinf(reason):
                return False
            self._time.jump(reason)
            return True
        while self.now < min(reason, end) and not self.interrupted:
            await self._time.until(min(self.now + POLL, reason, end), self._stopping)
            if self._has_news():
                return True
        return reason <= self.now

    def _has_news(self) -> bool:
        return (self._source is not None and self._source.edited) or self.app.has_news(self.directory)

    async def import_users(self) -> ImportResult:
        """Read the target's users, page after page, and say who could be whom."""
        return await self._import(self.app.import_users(self.directory))

    async def import_groups(self) -> ImportResult:
        """Read the target's groups, page after page."""
        return await self._import(self.app.import_groups(self.directory))

    def confirm(self, imported: ImportedUser, user: str | None = None) -> None:
        """Take an imported user for one of the source's: linked, and assigned.

        Args:
            imported: from an import's result.
            user: id or userPrincipalName; None: the only match.

        Raises:
            ValueError: there is no such user, none or several match, or one of the two is linked already.
        """
        self.app.confirm(self.directory, imported, user)

    def confirm_exact(self, result: ImportResult) -> int:
        """Take all exact matches of an import; returns how many there were."""
        return self.app.confirm_exact(self.directory, result)

    @property
    def tasks(self) -> list[Task]:
        """What has failed and waits for an administrator: Dashboard > Tasks."""
        return list(self.app.tasks)

    def status(self) -> dict[str, Any]:
        """Counts, tasks and the last push."""
        return self.app.status(self.now, self._source.directory if self._source is not None else None)

    # -- pushes --------------------------------------------------------------------------------------------------

    async def _push(self, push: Push, steps: list[str]) -> Report:
        report = Report(push.number, self.now, kind="push", quiet=push.quiet, steps=steps)
        return await self._round(push, report, f"push {push.number}")

    async def _import(self, run: Import) -> ImportResult:
        self._move_on()
        result = await self._drive(run.steps())
        run.end(result, self.now)
        entries = list(getattr(run, "entries", ()))
        self.log += entries
        if entries and self.log_path:
            append(self.log_path, entries, "--log")
        return result

    def _reported(self, report: Report) -> dict[str, object]:
        failed = dict.fromkeys(_named(entry) for entry in report.failures)
        return {"success": report.ok, "failed": list(failed)}


def _named(entry: dict[str, Any]) -> str:
    """What an event is about, by a name that the target has too."""
    for target in entry.get("target") or ():
        if target.get("type") == "AppUser":
            return str(target.get("alternateId"))
        if target.get("type") == "UserGroup":
            return str(target.get("displayName"))
    return ""
