"""One run of the client under test, with a limit of time.

A synchronous client runs in a daemon thread, as nothing else can give up waiting for it; it cannot be ended from
outside. Without a limit it runs in the caller's own thread.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import sys
import threading
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from mockscim.client.line import in_thread, running_library

if TYPE_CHECKING:
    from mockscim.client.mock import MockScim

# A client: it takes the MockScim, or nothing.
RunClient = Callable[..., Any]


class Attempt(NamedTuple):
    """What came of one run.

    Attributes:
        result: what it returned.
        error: what it raised, or None.
        in_time: whether it came back.
    """

    result: object = None
    error: BaseException | None = None
    in_time: bool = True


class Client:
    """The client under test.

    Args:
        run: what runs it once.
        scim: what it may take.
        timeout: seconds of real time; None for no limit.
    """

    def __init__(self, run: RunClient, scim: MockScim, timeout: float | None) -> None:
        self._run = functools.partial(run, scim) if _takes_one(run) else run
        self._is_async = _is_async(run)
        self._timeout = timeout
        self._done = threading.Event()

    def attempt(self) -> Attempt:
        """Run it, and wait.

        Raises:
            BaseException: what is no failure of the client, such as KeyboardInterrupt or pytest's Skipped.
        """
        if self._timeout is None:
            return _judged(self._attempt())
        made = self._in_thread(self._attempt)
        return _judged(made[0]) if self._done.wait(self._timeout) else Attempt(in_time=False)

    async def aattempt(self) -> Attempt:
        """The same in an event loop, which goes on meanwhile."""
        if self._is_async:
            return _judged(await _limited(self._run, self._timeout))
        made = self._in_thread(functools.partial(_called, self._run))
        limit = self._timeout
        if not await in_thread(lambda: self._done.wait(limit)):
            return Attempt(in_time=False)
        attempt = _judged(made[0])
        result = attempt.result
        if inspect.isawaitable(result):  # of a lambda that calls a coroutine function
            return _judged(await _limited(lambda: result, limit))
        return attempt

    def linger(self, seconds: float) -> bool:
        """Wait for a thread that did not come back in time; whether it has ended."""
        return self._is_async or self._done.wait(seconds)

    async def alinger(self, seconds: float) -> bool:
        """The same, awaited."""
        return self._is_async or await in_thread(lambda: self._done.wait(seconds))

    def _attempt(self) -> Attempt:
        attempt = _called(self._run)
        result = attempt.result
        return _called(lambda: asyncio.run(_awaited(result))) if inspect.isawaitable(result) else attempt

    def _in_thread(self, call: Callable[[], Attempt]) -> list[Attempt]:
        """Begin a run; the list has what came of it once it is done."""
        made: list[Attempt] = []
        self._done = done = threading.Event()
        context = contextvars.copy_context()

        def work() -> None:
            made.append(context.run(call))
            done.set()

        threading.Thread(target=work, name="mockscim sweep: the client", daemon=True).start()
        return made


def _called(call: Callable[[], object]) -> Attempt:
    try:
        return Attempt(call())
    except BaseException as error:  # noqa: BLE001 - told apart in the caller's thread
        return Attempt(error=error)


async def _awaited(given: Awaitable[object]) -> object:
    return await given


async def _limited(call: Callable[[], Awaitable[object]], seconds: float | None) -> Attempt:
    """What comes of an awaitable within a time, under asyncio or trio; it is cancelled when that is over."""
    made = Attempt()
    if running_library() == "trio":
        with import_module("trio").move_on_after(float("inf") if seconds is None else seconds) as scope:
            made = await _caught(call)
        return Attempt(in_time=False) if scope.cancelled_caught else made
    try:
        async with asyncio.timeout(seconds) as limit:
            made = await _caught(call)
    except TimeoutError:
        pass  # the limit's: the client's own are caught
    return Attempt(in_time=False) if limit.expired() else made


async def _caught(call: Callable[[], Awaitable[object]]) -> Attempt:
    try:
        return Attempt(await call())
    except BaseException as error:
        if not isinstance(error, (Exception, SystemExit, *_failures())):
            raise  # cancellation goes on
        return Attempt(error=error)


def _judged(attempt: Attempt) -> Attempt:
    """The attempt; what no client means as a failure of its own is raised."""
    error = attempt.error
    if error is None:
        return attempt
    if isinstance(error, SystemExit) and not error.code:
        return Attempt()  # a script's way to end well
    if isinstance(error, (Exception, SystemExit, *_failures())):
        return attempt
    raise error


def _failures() -> tuple[type[BaseException], ...]:
    """What else tells of a failure: ``pytest.fail`` raises no Exception. pytest is not imported for it."""
    outcomes = sys.modules.get("_pytest.outcomes")
    return (outcomes.Failed,) if outcomes is not None else ()


def is_assertion(error: BaseException) -> bool:
    """Whether it says that something expected is not so."""
    return isinstance(error, (AssertionError, *_failures()))


def _takes_one(run: RunClient) -> bool:
    """Whether it wants the MockScim: it has a parameter without a default, or one called ``scim``."""
    try:
        parameters = inspect.signature(run).parameters.values()
    except (TypeError, ValueError):  # of a builtin
        return False
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return bool(positional) and (positional[0].default is inspect.Parameter.empty or positional[0].name == "scim")


def _is_async(run: RunClient) -> bool:
    inner: Any = run
    while isinstance(inner, functools.partial):
        inner = inner.func
    return inspect.iscoroutinefunction(inner) or inspect.iscoroutinefunction(getattr(type(inner), "__call__", None))  # noqa: B004
