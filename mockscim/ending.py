"""What ends the process: a signal, or the end of standard input."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

# Two signals at once are one: a shell and a terminal both tell that it was closed, and so do those that pass them on.
_AT_ONCE_SECONDS = 1.0


class Stop:
    """What a signal to end does: end the process while it loads, then wake the server, then nothing more.

    SIGHUP comes when the terminal is closed, and is left ignored where nohup has it so. To be used as a context: when
    the process was asked to end, no signal disturbs what is left after it.
    """

    def __init__(self) -> None:
        self._asked: float | None = None  # when, of no particular clock
        self._loading = True
        self._wake: Callable[[], object] | None = None
        hung_up = getattr(signal, "SIGHUP", None)  # Windows has none
        more = [] if hung_up is None or signal.getsignal(hung_up) is signal.SIG_IGN else [hung_up]
        self._numbers = (signal.SIGINT, signal.SIGTERM, *more)
        for number in self._numbers:
            with suppress(ValueError):  # outside the main thread nobody asks for signals
                signal.signal(number, self._on_signal)

    def __enter__(self) -> Stop:
        return self

    def __exit__(self, *_: object) -> None:
        # Ignored, not merely handled: an interpreter that ends puts back the default of each handler, which kills.
        # Not before: of a signal that has come but not been handled yet, Python would say so on standard error.
        for number in self._numbers if self._asked is not None else ():
            signal.signal(number, signal.SIG_IGN)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._asked is not None:
            if self._loading and now - self._asked > _AT_ONCE_SECONDS:
                os._exit(0)  # the exception was lost in a destructor, or what it ends takes long
            return
        self._asked = now
        if self._wake is None:
            raise SystemExit(0)
        self._wake()

    async def wait(self) -> None:
        """Until the first signal."""
        self._loading = False
        if self._asked is not None:
            return
        event = asyncio.Event()
        loop = asyncio.get_running_loop()
        # Not the loop's own handlers: those are gone once it closes, and a second signal would find none.
        self._wake = lambda: loop.call_soon_threadsafe(event.set)
        with _waking(loop):
            await event.wait()


@contextmanager
def _waking(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Have each signal wake the loop, also one that comes just before it falls asleep.

    uvloop, and asyncio on Windows, do that by themselves.
    """
    if not isinstance(loop, asyncio.SelectorEventLoop) or threading.current_thread() is not threading.main_thread():
        yield
        return
    woken, alarm = socket.socketpair()
    with woken, alarm:
        woken.settimeout(0)
        alarm.settimeout(0)
        loop.add_reader(woken, woken.recv, 64)
        before = signal.set_wakeup_fd(alarm.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            loop.remove_reader(woken)


def watch_stdin() -> None:
    """Take the end of standard input for a SIGTERM: whoever held the pipe's other end has closed it, or is dead.

    A thread that reads, since event loops wait for neither files nor ``/dev/null``.
    """
    if sys.stdin is None or (select.select([0], [], [], 0)[0] and not os.read(0, 1)):
        raise ValueError("standard input has ended already; start it with a pipe that stays open")
    main = threading.get_ident()

    def read() -> None:
        with suppress(OSError):
            while os.read(0, 4096):
                pass
        signal.pthread_kill(main, signal.SIGTERM)

    threading.Thread(target=read, name="mockscim-stdin", daemon=True).start()
