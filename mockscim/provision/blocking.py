"""Entra and Okta for synchronous code: the same methods, each done when it returns.

The event loop is theirs, and runs only inside a call. So it cannot be used where one is running already: there the
asynchronous form is at hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from mockscim.provision.entra import Entra
from mockscim.provision.okta import Okta
from mockscim.provision.report import Report
from mockscim.provision.session import Session
from mockscim.provisioning.directory import Directory
from mockscim.provisioning.entra import Connection as EntraConnection
from mockscim.provisioning.entra import OnDemand
from mockscim.provisioning.okta import Connection as OktaConnection
from mockscim.provisioning.okta import ImportedUser, ImportResult, Task

S = TypeVar("S", bound=Session)
T = TypeVar("T")


class Blocking(Generic[S]):
    """A session whose calls block; used with ``with``."""

    def __init__(self, session: S) -> None:
        self.session = session
        self._runner: asyncio.Runner | None = None

    def __enter__(self) -> Self:
        """Open it."""
        self._runner = asyncio.Runner()
        try:
            self._do(self.session.__aenter__())
        except BaseException:
            self._runner.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Save and close it."""
        try:
            self._do(self.session.__aexit__(kind, error, trace))
        finally:
            if self._runner is not None:
                self._runner.close()
            self._runner = None

    def _do(self, doing: Coroutine[Any, Any, T]) -> T:
        if self._runner is None:
            doing.close()
            raise RuntimeError(f"{type(self.session).__name__}.blocking works inside its with block")
        return self._runner.run(doing)

    @property
    def directory(self) -> Directory:
        """The source directory as it lives; what is changed here is provisioned next."""
        return self.session.directory

    @property
    def log(self) -> list[dict[str, Any]]:
        """The entries of the log since it was opened."""
        return self.session.log

    @property
    def now(self) -> float:
        """The job's time, in seconds since the epoch."""
        return self.session.now

    @property
    def sent(self) -> int:
        """How many requests were sent since it was opened."""
        return self.session.sent


class BlockingEntra(Blocking[Entra]):
    """What ``Entra.blocking`` makes; see ``Entra``."""

    def test_connection(self) -> EntraConnection:
        """See Entra.test_connection."""
        return self._do(self.session.test_connection())

    def start(self) -> None:
        """See Entra.start."""
        self._do(self.session.start())

    def stop(self) -> None:
        """See Entra.stop."""
        self._do(self.session.stop())

    def restart(self, reset_scope: str = "") -> None:
        """See Entra.restart."""
        self._do(self.session.restart(reset_scope))

    def cycle(self) -> Report:
        """See Entra.cycle."""
        return self._do(self.session.cycle())

    def run(self, cycles: int | None = None, *, duration: float | None = None) -> list[Report]:
        """See Entra.run."""
        return self._do(self.session.run(cycles, duration=duration))

    def on_demand(self, object_id: str, members: Sequence[str] = ()) -> OnDemand:
        """See Entra.on_demand."""
        return self._do(self.session.on_demand(object_id, members))

    def status(self) -> dict[str, Any]:
        """See Entra.status."""
        return self.session.status()


class BlockingOkta(Blocking[Okta]):
    """What ``Okta.blocking`` makes; see ``Okta``."""

    def test_connection(self) -> OktaConnection:
        """See Okta.test_connection."""
        return self._do(self.session.test_connection())

    def push(self) -> Report:
        """See Okta.push."""
        return self._do(self.session.push())

    def push_now(self, group: str) -> Report:
        """See Okta.push_now."""
        return self._do(self.session.push_now(group))

    def push_password(self, user: str, password: str | None = None) -> Report:
        """See Okta.push_password."""
        return self._do(self.session.push_password(user, password))

    def link_group(self, group: str, target_id: str) -> Report:
        """See Okta.link_group."""
        return self._do(self.session.link_group(group, target_id))

    def retry(self, tasks: Sequence[str] | None = None) -> Report:
        """See Okta.retry."""
        return self._do(self.session.retry(tasks))

    def run(self, pushes: int | None = None, *, duration: float | None = None) -> list[Report]:
        """See Okta.run."""
        return self._do(self.session.run(pushes, duration=duration))

    def import_users(self) -> ImportResult:
        """See Okta.import_users."""
        return self._do(self.session.import_users())

    def import_groups(self) -> ImportResult:
        """See Okta.import_groups."""
        return self._do(self.session.import_groups())

    def confirm(self, imported: ImportedUser, user: str | None = None) -> None:
        """See Okta.confirm."""
        self.session.confirm(imported, user)

    def confirm_exact(self, result: ImportResult) -> int:
        """See Okta.confirm_exact."""
        return self.session.confirm_exact(result)

    @property
    def tasks(self) -> list[Task]:
        """See Okta.tasks."""
        return self.session.tasks

    def status(self) -> dict[str, Any]:
        """See Okta.status."""
        return self.session.status()
