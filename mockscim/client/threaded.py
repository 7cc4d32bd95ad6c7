"""A server in a thread and event loop of its own: for synchronous code, and for every kind of event loop."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from importlib import import_module
from typing import Any, TypeVar

import orjson

from mockscim.client.inside import InsideLine, InsideOptions
from mockscim.client.line import ControlRefused, encoded, in_thread, running_library

T = TypeVar("T")
# How often who waits for an answer looks whether the thread that is to give it is still there.
_LOOK_EVERY = 0.5


class Threaded(InsideLine):
    """Serves in a daemon thread: a process that forgets to stop it ends all the same.

    Args:
        options: what the server is told.
    """

    def __init__(self, options: InsideOptions) -> None:
        super().__init__(options)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._end: asyncio.Event | None = None
        self._serving = asyncio.Event()
        self._failure: BaseException | None = None
        self._process = 0
        # Whether the loop still takes work from other threads.
        self._takes = False
        self._handover = threading.Lock()

    def start(self) -> None:
        """Listen, and let a thread serve; connections wait until it does."""
        if self._loop is not None:
            raise RuntimeError("this MockScim is running already")
        self._inside.prepare()
        self._failure, self._takes = None, True
        self._process = os.getpid()
        try:
            loop, self._end, self._serving = asyncio.new_event_loop(), asyncio.Event(), asyncio.Event()
            name = f"mockscim {self._inside.root}"
            self._thread = threading.Thread(target=self._run, args=(loop, self._end), name=name, daemon=True)
            self._thread.start()
        except BaseException:  # no more files, no more threads
            self._inside.abandon()
            raise
        self._loop = loop

    def _run(self, loop: asyncio.AbstractEventLoop, end: asyncio.Event) -> None:
        async def main() -> None:
            try:
                await self._inside.serve()
                self._serving.set()
                await end.wait()
                await self._inside.shut()
            except BaseException as error:
                self._failure = error
                raise
            finally:
                self._serving.set()  # also where it does not: nobody is to wait for it in vain
                with self._handover:
                    self._takes = False
                await asyncio.sleep(0)  # in which the last that was handed over begins, to be ended with the rest

        try:
            import_module("mockscim.server.app")  # with aiohttp, which takes long the first time
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(main())
        except BaseException as error:  # noqa: BLE001 - told to whoever asks next
            self._failure = error
        finally:
            self._inside.abandon()

    def stop(self) -> None:
        """Cut whatever is in flight, and wait for the thread's end."""
        loop, thread, end = self._loop, self._thread, self._end
        if loop is None or thread is None or end is None:
            return
        self._loop = None
        if os.getpid() != self._process:
            return  # of a child that was forked neither the thread nor its sockets are
        with suppress(RuntimeError):  # the loop is closed: the thread has failed
            loop.call_soon_threadsafe(end.set)
        thread.join()
        if self._failure is not None:
            raise RuntimeError("the thread of this MockScim has failed") from self._failure

    def retire(self) -> None:
        """Cut whatever is in flight and close all sockets; what has happened can be asked about still."""
        self._do(self._inside.shut)

    def renew(self) -> None:
        """After ``retire``: serve the same data as it was at the start, at another port, as if nothing had been.

        Many times cheaper than a start where there is much data.

        Raises:
            RuntimeError: the thread is not there any more.
            OSError: there is no port to be had.
        """
        self._running()
        self._inside.listen()
        try:
            self._do(self._inside.again)
        finally:
            self._inside.abandon()

    def _do(self, action: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do something in the server's loop, once it serves, and wait for its end."""

        async def served() -> None:
            await self._served()
            await action()

        self._wait(served())

    def ask(self, method: str, path: str, body: object = None, parameters: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401
        """What the control API answers, from the server's thread."""
        self._running()
        try:
            content = self._wait(self._work(method, path, encoded(body), parameters or {}))
        except ControlRefused as refused:
            raise refused.with_traceback(None) from None  # the thread's own is of no use to a test
        return orjson.loads(content) if content else None

    async def aask(
        self, method: str, path: str, body: object = None, parameters: Mapping[str, object] | None = None
    ) -> Any:  # noqa: ANN401
        """The same, awaited."""
        if running_library() != "asyncio":
            return await in_thread(lambda: self.ask(method, path, body, parameters))
        self._running()
        content = await self._await(self._work(method, path, encoded(body), parameters or {}))
        return orjson.loads(content) if content else None

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of what is done in the server's loop."""
        future = self._send(work)
        while True:
            try:
                return future.result(_LOOK_EVERY)
            except CancelledError:
                raise self._ended(work) from self._failure
            except TimeoutError:
                if future.done():
                    raise
                if not self._is_alive():
                    raise self._ended(work) from self._failure

    async def _await(self, work: Coroutine[Any, Any, T]) -> T:
        """The same, awaited; who gives up waiting gives up the work."""
        future = asyncio.wrap_future(self._send(work))
        try:
            while self._is_alive() and not future.done():
                await asyncio.wait({future}, timeout=_LOOK_EVERY)
        finally:
            future.cancel()
        if future.cancelled():
            raise self._ended(work) from self._failure
        return future.result()

    def _send(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        with self._handover:
            if self._takes and self._loop is not None:
                return asyncio.run_coroutine_threadsafe(work, self._loop)
        raise self._ended(work) from self._failure

    async def _work(self, method: str, path: str, body: bytes, parameters: Mapping[str, object]) -> bytes:
        await self._served()
        return await self._inside.work(method, path, body, parameters)

    async def _served(self) -> None:
        """Wait until it serves.

        Raises:
            RuntimeError: it cannot, or has ended.
        """
        await self._serving.wait()
        if self._failure is not None:
            raise RuntimeError("the thread of this MockScim has failed") from self._failure
        if self._end is None or self._end.is_set():
            raise RuntimeError("this MockScim has been stopped")

    def _running(self) -> asyncio.AbstractEventLoop:
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            raise RuntimeError("this MockScim is not running: with MockScim.threaded(...) as scim, or scim.start()")
        if os.getpid() != self._process:
            raise RuntimeError("this MockScim serves in the process that started it, and this is a child of that")
        if not thread.is_alive():
            raise RuntimeError("the thread of this MockScim has failed") from self._failure
        return loop

    def _is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _ended(self, work: Coroutine[Any, Any, Any]) -> RuntimeError:
        """What is raised where the thread is gone, or just going; its reason is known then."""
        if self._thread is not None:
            self._thread.join()
        work.close()  # it may not have begun
        return RuntimeError(
            "the thread of this MockScim has ended" if self._loop is None else "the thread of this MockScim has failed"
        )
