"""What Entra and Okta have in common: files, clock, connection, and a round carried out with all of them."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self, TypedDict, TypeVar

from mockscim.clock import Clock, ClockError, parse_instant
from mockscim.provision.carrying import Round, carry_out
from mockscim.provision.files import FileError, Kept, StateFile, append
from mockscim.provision.notify import Notifier, mail_server
from mockscim.provision.progress import Silent
from mockscim.provision.report import Report
from mockscim.provision.sender import Sender
from mockscim.provision.source import Source, SourceGiven
from mockscim.provision.target import Target, TargetError
from mockscim.provision.timing import TargetClock, Time
from mockscim.provisioning.directory import Directory, DirectoryError
from mockscim.provisioning.wire import Steps
from mockscim.remote import Remote, RemoteError

T = TypeVar("T")


class Options(TypedDict, total=False):
    """What concerns the world, and no provider.

    Args:
        token: the Bearer token for the target; none is sent without.
        clock: ``virtual``, ``virtual:2026-01-01T00:00:00Z`` or ``real``; by default what the state was run with, else
            ``usual_clock``, which is ``virtual``.
        rate: most requests a second; none for no limit.
        concurrency: most requests at a time; 1, the default, sends the same in the same order each time.
        timeout: seconds until an answer has to be there.
        ca: a PEM file with the certificates to trust.
        state: a file that keeps the job between runs.
        log: a file that gets the log, an entry a line.
        events: a file that gets what an administrator is told of.
        smtp: ``HOST:PORT`` of a mail server, for the mail about a quarantine.
        mail_to: who gets it.
        advance_target: the target is a mockscim whose clock goes on with ours.
        mark_target: the target is a mockscim that is told where cycles begin and end.
        admin_token: what its control API wants.
        watcher: who is shown the progress.
    """

    token: str
    clock: str | None
    usual_clock: str
    rate: float | None
    concurrency: int
    timeout: float
    ca: str | None
    state: str | Path | None
    log: str | Path | None
    events: str | Path | None
    smtp: str | None
    mail_to: Sequence[str]
    advance_target: bool
    mark_target: bool
    admin_token: str | None
    watcher: Silent


class Session(ABC):
    """A provisioning service with a source, a target, and all that it needs to work; used with ``async with``."""

    provider: ClassVar[str]
    headers: ClassVar[dict[str, str]]
    default_timeout: ClassVar[float] = 60.0

    def __init__(self, source: SourceGiven | None, target: str | None, options: Options) -> None:
        known = Options.__annotations__
        for name in options:
            if name not in known:
                raise TypeError(f"{type(self).__name__}() has no option {name!r}; there are {', '.join(known)}")
        concurrency, rate = options.get("concurrency", 1), options.get("rate")
        if concurrency < 1 or (rate is not None and rate <= 0):
            raise ValueError("concurrency has to be at least 1, and rate above 0")
        self._given, self._given_target, self._options = source, target, options
        self._concurrency = concurrency
        self._watcher = options.get("watcher") or Silent()
        smtp = options.get("smtp")
        events = options.get("events")
        self._notifier = Notifier(
            str(events) if events is not None else None,
            mail_server(smtp) if smtp is not None else None,
            options.get("mail_to", ()),
        )
        state = options.get("state")
        self._state_file = StateFile(state, self.provider) if state is not None else None
        self._stack = AsyncExitStack()
        self._stopping = asyncio.Event()
        self._discarded = False
        self._source: Source | None = None
        self._sender: Sender | None = None
        self._mark: TargetClock | None = None
        self._time = Time(Clock("virtual"))
        Clock(options.get("clock") or "virtual")  # what cannot be is said at once
        self.log_path = ""
        """The file that gets the log, as the options or the state say; empty for none."""
        self.log: list[dict[str, Any]] = []
        """The entries of the log since this object was opened."""
        self.unauthorized = False
        """Whether the target has answered 401; known when the session is closed."""
        self.unreachable = False
        """Whether no request at all was answered; known when the session is closed."""

    # -- life ----------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Take the state up, and get ready to send.

        Raises:
            FileError, DirectoryError, TargetError, ClockError: what was given cannot be used.
        """
        try:
            if self._state_file is not None:
                self._stack.enter_context(self._state_file.locked())
            self._open(self._state_file.read() if self._state_file is not None else None)
            await self._connect()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Save the state, and close."""
        try:
            if self._mark is not None:
                await self._mark.settle()
            if not self._discarded:
                self.save()
        finally:
            await self._stack.aclose()
            if self._sender is not None:
                self.unauthorized = self._sender.unauthorized
                self.unreachable = self._sender.sent > 0 and not self._sender.answered
            self._sender = None

    def look(self) -> None:
        """Take the state up to be looked at: without a lock, and without a connection.

        Raises:
            FileError: there is no state file, or it cannot be used.
        """
        kept = self._state_file.read() if self._state_file is not None else None
        if kept is None:
            path = f" {self._state_file.path}" if self._state_file is not None else ""
            raise FileError(f"--state{path}: the state file of a job was expected, and there is none")
        self._open(kept)

    def _open(self, kept: Kept | None) -> None:
        """Read what there is, without a connection."""
        self._take(kept.job if kept is not None else None)
        self._source = self._source_of(kept)
        log = self._options.get("log")
        # From wherever the next run is started, it is the same file.
        self.log_path = str(Path(log).absolute()) if log is not None else kept.log if kept is not None else ""
        self._time = Time(self._clock(kept), self._target_clock())
        self._configure()

    def _source_of(self, kept: Kept | None) -> Source | None:
        """The source that was given, else the state's; with what an earlier run has made of it."""
        lived = kept.directory if kept is not None else None
        given = self._given if self._given is not None or kept is None else kept.source or lived
        if given is None:
            return None
        try:
            source = Source(given)
        except DirectoryError as error:
            if self._given is not None or lived is None or kept is None:
                raise
            # Looking at a job, or stopping it, does not want the file; neither does what was read of it before.
            self._note([f"the source is used as it was before: {error}"])
            source = Source(lived)
            source.name, source.read = kept.source, kept.read
        if lived is not None:
            read = kept.read if kept is not None else None
            self._note(source.resume(lived, read))
        return source

    def _clock(self, kept: Kept | None) -> Clock:
        """The clock that was asked for, as far on as an earlier run has come."""
        setting = self._options.get("clock") or (kept.clock if kept is not None else "")
        setting = setting or self._options.get("usual_clock", "virtual")
        clock = Clock(setting)
        if kept is None or kept.now is None:
            return clock
        if clock.mode == "real":
            if kept.now > clock.now() + 1:
                raise ClockError("--clock: the state is ahead of the real time, as it was run in virtual time")
            return clock
        _, _, start = setting.partition(":")
        if start and parse_instant(start) < kept.now:
            raise ClockError("--clock: the state is further on than that; time does not go back")
        clock.set("virtual", parse_instant(start) if start else kept.now)
        return clock

    def _target_clock(self) -> TargetClock | None:
        advance = self._options.get("advance_target", False)
        mark = self._options.get("mark_target", False)
        if not (advance or mark):
            return None
        target = Target(self._target_url())
        try:
            remote = Remote(target.base_url, self._options.get("admin_token"), self._options.get("ca"))
        except RemoteError as error:
            raise TargetError(str(error).replace("--url", "--target", 1)) from None
        self._mark = TargetClock(remote, advance=advance, mark=mark)
        return self._mark

    async def _connect(self) -> None:
        if self._mark is not None:
            await self._mark.check()
        self._sender = await self._stack.enter_async_context(
            Sender(
                Target(self._target_url()),
                self._options.get("token", ""),
                headers=self.headers,
                rate=self._options.get("rate"),
                concurrency=self._concurrency,
                timeout=self._options.get("timeout", self.default_timeout),
                ca=self._options.get("ca"),
                wait=self._time.wait_as_told,
                before=self._time.settle if self._mark is not None else None,
            )
        )

    # -- what providers fill in ----------------------------------------------------------------------------------

    @abstractmethod
    def _take(self, job: bytes | None) -> None:
        """Make the pure side, from what was kept or anew."""

    @abstractmethod
    def _configure(self) -> None:
        """Apply what was said about settings to it."""

    @abstractmethod
    def _target_url(self) -> str:
        """Where to."""

    @abstractmethod
    def _dump(self) -> bytes:
        """What is kept of it."""

    # -- doing ---------------------------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """The job's time, in seconds since the epoch."""
        return self._time.now()

    @property
    def directory(self) -> Directory:
        """The source directory as it lives; what is changed here is provisioned with the next cycle.

        Raises:
            FileError: no source was given, and there is no state that has one.
        """
        if self._source is None:
            raise FileError("--source: the file of a directory was expected, or the name of a bundled one")
        return self._source.directory

    @property
    def sent(self) -> int:
        """How many requests were sent since it was opened."""
        return self._sender.sent if self._sender is not None else 0

    def interrupt(self) -> None:
        """End what is under way after the objects that are begun; may be called from a signal handler."""
        self._stopping.set()

    @property
    def interrupted(self) -> bool:
        """Whether ``interrupt`` was called."""
        return self._stopping.is_set()

    def discard(self) -> None:
        """Close without saving: what was asked for was refused. What a round has saved by itself stays."""
        self._discarded = True

    def save(self) -> None:
        """Write the state file, if there is one.

        Raises:
            FileError: there is no writing there.
        """
        if self._state_file is None:
            return
        lived = self._source.directory if self._source is not None else None
        read = self._source.read if self._source is not None else None
        name = self._source.name if self._source is not None else ""
        self._state_file.write(Kept(self._dump(), lived, read, self.now, self._time.mode, name, self.log_path))

    async def _drive(self, steps: Steps[T]) -> T:
        if self._sender is None:
            raise RuntimeError(f"{type(self).__name__} works inside its async with block")
        return await self._sender.drive(steps)

    def _move_on(self) -> list[str]:
        """Before a round: the file as it is now, and the steps that are due."""
        if self._source is not None:
            self._note(self._source.reread())
        return [step.description or f"step at {step.at}" for step in self.directory.advance(self.now)]

    def _note(self, troubles: list[str]) -> None:
        for trouble in troubles:
            self._watcher.note(trouble)

    async def _round(self, round_: Round, report: Report, title: str) -> Report:
        """Carry a round out, and tell whoever wants to know."""
        if self._sender is None:
            raise RuntimeError(f"{type(self).__name__} works inside its async with block")
        began, before, logged = time.perf_counter(), self.sent, 0

        def write_log() -> None:
            nonlocal logged
            news = round_.entries[logged:]
            logged += len(news)
            self.log += news
            if news and self.log_path:
                append(self.log_path, news, "--log")

        if self._mark is not None and not report.quiet:
            await self._mark.mark({"cycle": report.number, "event": "begin"})
        self._watcher.begin(title)
        try:
            whole = await carry_out(
                round_,
                self._sender,
                now=self._time.now,
                concurrency=self._concurrency,
                stopping=self._stopping,
                watcher=self._watcher,
                after_phase=write_log,
            )
            report.broken_off = not whole
        finally:
            report.requests, report.seconds = self.sent - before, time.perf_counter() - began
            report.entries, report.events = list(round_.entries), list(round_.events)
            report.error = self._why(round_)
            if not (report.quiet and self._time.virtual):
                self.save()
        if self._mark is not None and not report.quiet:
            await self._mark.mark({"cycle": report.number, "event": "end", "reported": self._reported(report)})
        self._note(await self._notifier.tell(report.events))
        self._watcher.end(report)
        return report

    def _why(self, round_: Round) -> str:  # noqa: ARG002
        """Why a round failed as a whole; empty where it did not."""
        return ""

    def _reported(self, report: Report) -> dict[str, object]:
        """What the judge of a mockscim is told of a round."""
        return {"success": report.ok}
