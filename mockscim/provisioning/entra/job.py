"""A provisioning job: its settings, its mapping, its state, and what an administrator can do with it.

Nothing here sends, waits or looks at a clock: cycles and tests hand out plans, and ``now`` is an argument.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import msgspec

from mockscim.provisioning import mapping as mappings
from mockscim.provisioning.directory import Directory, User
from mockscim.provisioning.entra import connection, status
from mockscim.provisioning.entra.connection import Connection
from mockscim.provisioning.entra.cycle import Cycle
from mockscim.provisioning.entra.ground import Ground
from mockscim.provisioning.entra.ondemand import OnDemandRun, ground_of
from mockscim.provisioning.entra.settings import Settings
from mockscim.provisioning.entra.state import State
from mockscim.provisioning.mapping import Schema
from mockscim.provisioning.wire import Steps

VERSION = 1

# What can be reset with a restart (Graph synchronizationJobRestartCriteria).
SCOPES = ("None", "ConnectorDataStore", "Escrows", "Watermark", "QuarantineState", "Full", "ForceDeletes")
_USUAL = {"QuarantineState", "Watermark", "Escrows"}


class Saved(msgspec.Struct):
    """A job as it is written between runs."""

    version: int
    settings: Settings
    schema: Schema
    state: State


class Job:
    """See the module.

    Args:
        settings: how it is set up.
        schema: its mappings; None for those of the application's name.
        state: what earlier cycles have left; None for a new job.
    """

    def __init__(
        self, settings: Settings | None = None, schema: Schema | None = None, state: State | None = None
    ) -> None:
        self.settings = settings or Settings()
        self.schema = schema if schema is not None else mappings.load(self.settings.app)
        self.state = state if state is not None else State()

    # -- between runs ------------------------------------------------------------------------------------------

    def dump(self) -> bytes:
        """The job as JSON."""
        return msgspec.json.encode(Saved(VERSION, self.settings, self.schema, self.state))

    @classmethod
    def load(cls, data: bytes) -> Job:
        """The job that ``dump`` has written.

        Raises:
            ValueError: it is no such document, or one of another version.
        """
        try:
            version = msgspec.json.decode(data, type=dict[str, msgspec.Raw]).get("version")
            if version is None or bytes(version) != str(VERSION).encode():
                raise ValueError(f"a job's state of version {VERSION} was expected")
            saved = msgspec.json.decode(data, type=Saved)
        except msgspec.MsgspecError as error:
            raise ValueError(f"no state of a provisioning job: {error}") from None
        return cls(saved.settings, saved.schema, saved.state)

    def configure(self, now: float, *, settings: Settings | None = None, schema: Schema | None = None) -> bool:
        """Change settings or mappings.

        Returns:
            Whether mapping or scope have changed: then the watermark is cleared, and everything is looked at again.
        """
        before = (self.settings.scope, self.schema)
        self.settings = settings if settings is not None else self.settings
        self.schema = schema if schema is not None else self.schema
        if (self.settings.scope, self.schema) == before:
            return False
        self.state.watermark = self.state.unfinished = None
        self._forget_passed_over()
        self._resume(now)
        return True

    # -- verbs -------------------------------------------------------------------------------------------------

    def test_connection(self, draw: random.Random | None = None) -> Steps[Connection]:
        """The plan that tests the connection."""
        self.state.probes += 1
        own = random.Random(f"{self.settings.seed}/probe/{self.state.probes}")  # noqa: S311 - reproducible by design
        return connection.test(self.schema, draw if draw is not None else own, self.settings.base_url)

    def start(self, now: float) -> None:
        """Begin, or go on from where it was stopped; a quarantine is lifted."""
        self.state.schedule, self.state.why = "Active", ""
        self.state.quarantine = None
        self._resume(now)

    def stop(self, now: float) -> None:  # noqa: ARG002 - a verb like the others
        """No further cycles; one that has begun ends."""
        if self.state.schedule == "Active":
            self.state.schedule, self.state.why = "Paused", "provisioning was stopped"

    def restart(self, now: float, reset_scope: str = "") -> None:
        """Begin anew.

        Args:
            now: when.
            reset_scope: names from ``SCOPES``, with commas; empty for what the portal's button resets. Links to the
                target are kept, but for ConnectorDataStore and Full.

        Raises:
            ValueError: a name is not known.
        """
        names = {each.strip() for each in reset_scope.split(",") if each.strip()}
        unknown = sorted(names - set(SCOPES))
        if unknown:
            raise ValueError(f"{unknown[0]!r} cannot be reset; known are {', '.join(SCOPES)}")
        names = names or set(_USUAL)
        if "Full" in names:
            names |= {"ConnectorDataStore", *_USUAL}
        state = self.state
        if "ConnectorDataStore" in names:
            state.users, state.groups, state.totals, state.staged = {}, {}, {}, []
        if "Escrows" in names:
            state.escrows, state.pruned = {}, False
        if "Watermark" in names:
            state.watermark = None
            self._forget_passed_over()
        if "QuarantineState" in names or "ForceDeletes" in names:
            state.quarantine, state.complete_failures = None, 0
        if "ForceDeletes" in names:
            state.deletes_forced = True
        state.schedule, state.why, state.unfinished = "Active", "", None
        self._resume(now)

    def _resume(self, now: float) -> None:
        if self.state.schedule == "Active":
            self.state.next = now

    def _forget_passed_over(self) -> None:
        """Managers and members who were out of scope are looked at again."""
        for link in [*self.state.users.values(), *self.state.groups.values()]:
            link.passed_over = []

    # -- cycles ------------------------------------------------------------------------------------------------

    def next_cycle(self) -> float | None:
        """When the next cycle is due; None where there is none: see ``why_not``."""
        state = self.state
        if state.schedule != "Active":
            return None
        return state.quarantine.nextAttempt if state.quarantine is not None else state.next

    def why_not(self) -> str:
        """Why there is no next cycle; empty where there is one."""
        return self.state.why if self.state.schedule != "Active" else ""

    @property
    def fresh(self) -> bool:
        """Whether nobody has started it yet."""
        return self.state.schedule == "Disabled" and self.state.cycles == 0

    def next_in(self, directory: Directory) -> float | None:
        """When the directory next changes by itself in a way that may concern the target; None for never again.

        That is a step, or the purge of one who is in the target still, or whose reports are: they lose their manager.
        """

        def matters(user: User) -> bool:
            links = [self.state.users.get(key) for key in (user.id, *directory.reports(user.id))]
            return any(link is not None and link.managed for link in links)

        return directory.next_due(matters)

    def cycle(self, directory: Directory, now: float) -> Cycle:
        """Begin a cycle, due or not."""
        return Cycle(self._ground(directory, now))

    def on_demand(self, directory: Directory, object_id: str, now: float, members: Sequence[str] = ()) -> OnDemandRun:
        """Provision one user, or one group with at most five members."""
        return OnDemandRun(ground_of(self._ground(directory, now)), object_id, members)

    def status(self) -> dict[str, Any]:
        """Graph's synchronizationJob."""
        return status.job(self.settings, self.state)

    def _ground(self, directory: Directory, now: float) -> Ground:
        return Ground(self.settings, self.schema, directory, self.state, now, self.settings.style)
