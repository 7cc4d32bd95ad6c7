"""Microsoft Entra ID's provisioning service at work: its job with a source directory, a target and a clock."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Unpack

from mockscim.provision.carrying import Round
from mockscim.provision.files import FileError, append
from mockscim.provision.report import Report, action_of
from mockscim.provision.session import Options, Session
from mockscim.provision.setting import SettingsGiven, settled
from mockscim.provision.source import SourceGiven
from mockscim.provisioning import mapping as mappings
from mockscim.provisioning.entra import Connection, Cycle, Job, OnDemand, Settings
from mockscim.version import __version__

if TYPE_CHECKING:
    from mockscim.provision.blocking import BlockingEntra

AppGiven = str | Path | Mapping[str, Any] | mappings.Schema


class NotRunningError(RuntimeError):
    """The job is not started, was stopped, or was disabled: the text says why there is no cycle."""


class Entra(Session):
    """A provisioning job of Entra ID's, driving any SCIM server.

        async with Entra("directory.json", "http://127.0.0.1:8080/scim/v2", token=token, app="segment") as job:
            await job.test_connection()
            await job.start()
            await job.cycle()                                   # the initial one
            job.directory.edit_user("ann@example.com", department="Sales")
            report = await job.cycle()                          # 40 minutes later, of the job's clock
            assert report.ok, report.failures

    ``Entra.blocking(…)`` is the same for synchronous code.

    Args:
        source: a directory document, its file, the name of a bundled one, or a Directory; None: the state's.
        target: the tenant URL, with ``?aadOptscim062020`` if the compliant shapes are wanted; None: the state's.
        app: ``non-gallery``, ``segment``, or a mapping document or its file; None: the state's, else non-gallery.
        scope: ``assigned`` users and groups only (the default), or ``all``.
        settings: the other settings of ``mockscim.provisioning.entra.Settings``: a document, its file, or a Struct.
        seed: what ids of log entries and random GUIDs follow from.
        throttling: what 429 means: ``fail`` or ``honour``.
        deletion_threshold: most disables and deletes that a cycle may bring.
        options: those of ``Options``: token, clock, rate, concurrency, timeout, ca, state, log, events, smtp, mail_to,
            advance_target, mark_target, admin_token, watcher.

    Raises:
        TypeError: an option that there is not.
        ValueError: what was given cannot be used (FileError, DirectoryError, MappingError, TargetError, ClockError).
    """

    provider: ClassVar[str] = "entra"
    # Neither is documented; some servers refuse requests that do not say who sends them.
    headers: ClassVar[dict[str, str]] = {
        "Accept": "application/scim+json",
        "User-Agent": f"mockscim/{__version__} (simulated Entra ID provisioning)",
    }

    def __init__(
        self,
        source: SourceGiven | None = None,
        target: str | None = None,
        *,
        app: AppGiven | None = None,
        scope: Literal["assigned", "all"] | None = None,
        settings: SettingsGiven | Settings | None = None,
        seed: int | None = None,
        throttling: Literal["fail", "honour"] | None = None,
        deletion_threshold: int | None = None,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(source, target, options)
        self._app, self._settings = app, settings
        self._said = {
            "target": target,
            "seed": seed,
            "throttling": throttling,
            "deletion_threshold": deletion_threshold,
            "scope": None if scope is None else {"mode": scope},
        }
        self.job = Job()
        """The pure side: settings, mappings, state."""

    @staticmethod
    def blocking(*given: Any, **options: Any) -> BlockingEntra:  # noqa: ANN401 - those of Entra
        """The same for synchronous code: ``with Entra.blocking("directory.json", url, token=token) as job``.

        Args:
            given: source and target.
            options: those of ``Entra``.
        """
        from mockscim.provision.blocking import BlockingEntra  # noqa: PLC0415 - it imports this file

        return BlockingEntra(Entra(*given, **options))

    # -- opening -------------------------------------------------------------------------------------------------

    def _take(self, job: bytes | None) -> None:
        try:
            self.job = Job.load(job) if job is not None else Job()
        except ValueError as error:
            path = self._state_file.path if self._state_file is not None else ""
            raise FileError(f"--state {path}: /job: {error}") from None

    def _configure(self) -> None:
        schema = None
        over = dict(self._said)
        if self._app is not None:
            schema = self._app if isinstance(self._app, mappings.Schema) else mappings.load(self._app)
            over["app"] = schema.name or (Path(self._app).stem if isinstance(self._app, str | Path) else "custom")
        found = settled(Settings, self._settings, self.job.settings, over)
        if schema is None and found.app != self.job.settings.app:
            schema = mappings.load(found.app)
        self.job.configure(self.now, settings=found, schema=schema)

    def _target_url(self) -> str:
        found = settled(Settings, self._settings, self.job.settings, {"target": self._given_target})
        return found.target

    def _dump(self) -> bytes:
        return self.job.dump()

    # -- verbs ---------------------------------------------------------------------------------------------------

    async def test_connection(self) -> Connection:
        """What the button does: ask for a random GUID. ``ok``, ``code`` and ``message`` tell."""
        return await self._drive(self.job.test_connection())

    async def start(self) -> None:
        """Start provisioning: the next cycle is due now."""
        self.job.start(self.now)

    async def stop(self) -> None:
        """Stop it: there are no further cycles."""
        self.job.stop(self.now)

    async def restart(self, reset_scope: str = "") -> None:
        """Restart it, with what is to be forgotten.

        Args:
            reset_scope: ``None``, ``ConnectorDataStore``, ``Escrows``, ``Watermark``, ``QuarantineState``, ``Full``,
                ``ForceDeletes``, with commas; empty for what the portal's button resets.

        Raises:
            ValueError: a name is not known; says which are.
        """
        self.job.restart(self.now, reset_scope)

    async def cycle(self) -> Report:
        """One cycle: in virtual time when it is due, in real time now.

        Raises:
            NotRunningError: the job is not started, was stopped, or was disabled.
            DirectoryError: a step of the directory cannot be made.
        """
        due = self._due()
        if self._time.virtual:
            self._time.jump(due)
        return await self._cycle()

    async def run(self, cycles: int | None = None, *, duration: float | None = None) -> list[Report]:
        """Cycles as they fall due, one after another.

        Args:
            cycles: how many.
            duration: for so many seconds of the job's time.
                Without either it ends, in virtual time, when a cycle found nothing to do and the job is ``at_rest``;
                in real time when ``interrupt`` is called.

        Returns:
            What came of each. It is shorter when the job stops running.

        Raises:
            NotRunningError: there is no cycle at all, as the job is not running.
        """
        self._due()
        end = math.inf if duration is None else self.now + duration
        reports: list[Report] = []
        while (cycles is None or len(reports) < cycles) and not self.interrupted:
            due = self.job.next_cycle()
            if due is None or due > end:
                break
            await self._time.until(due, self._stopping)
            if self.interrupted:
                break
            reports.append(await self._cycle())
            if cycles is None and duration is None and self._time.virtual and reports[-1].quiet and self.at_rest:
                break
        if math.isfinite(end) and self._time.virtual and not self.interrupted:
            self._time.jump(end)
        return reports

    async def on_demand(self, object_id: str, members: Sequence[str] = ()) -> OnDemand:
        """Provision one user, or one group with at most five members, now.

        Args:
            object_id: a user's id or userPrincipalName, a group's id or displayName.
            members: which of a group's members.
        """
        self._move_on()
        found = await self._drive(self.job.on_demand(self.directory, object_id, self.now, members).steps())
        self.log += found.entries
        if found.entries and self.log_path:
            append(self.log_path, found.entries, "--log")
        return found

    def status(self) -> dict[str, Any]:
        """Graph's synchronizationJob: schedule, state, counts, progress, quarantine."""
        return self.job.status()

    # -- cycles --------------------------------------------------------------------------------------------------

    def _due(self) -> float:
        due = self.job.next_cycle()
        if due is None:
            raise NotRunningError(f"the job does not run: {self.job.why_not()}")
        return due

    @property
    def at_rest(self) -> bool:
        """Whether nothing more comes by itself.

        No step of the directory is left, and no purge that concerns the target; nothing waits to be tried again; the
        job is not in quarantine.
        """
        state = self.job.state
        waits = bool(state.escrows) or state.quarantine is not None
        return not waits and self.job.next_in(self.directory) is None

    async def _cycle(self) -> Report:
        steps = self._move_on()
        cycle = self.job.cycle(self.directory, self.now)
        report = Report(
            cycle.number, self.now, initial=cycle.initial, quiet=cycle.quiet, steps=steps, resumed=cycle.resumed
        )
        return await self._round(cycle, report, "initial cycle" if cycle.initial else f"cycle {cycle.number}")

    def _why(self, round_: Round) -> str:
        execution = round_.execution if isinstance(round_, Cycle) else None
        if execution is None or execution.state != "Failed":
            return ""
        error = execution.error
        return f"{error.code}: {error.message}" if error is not None else "failed"

    def _reported(self, report: Report) -> dict[str, object]:
        failed = dict.fromkeys(entry["sourceIdentity"]["id"] for entry in report.failures)
        good = dict.fromkeys(
            entry["sourceIdentity"]["id"] for entry in report.entries if action_of(entry) in ("create", "update")
        )
        return {
            "success": report.ok,
            "succeeded": [self._called(key) for key in good if key not in failed],
            "failed": [self._called(key) for key in failed],
        }

    def _called(self, key: str) -> str:
        """A source object by a name that the target has, too."""
        user, group = self.directory.users.get(key), self.directory.groups.get(key)
        return user.upn if user is not None else group.name if group is not None else key
