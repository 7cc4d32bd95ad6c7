"""A server in the event loop that runs already."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from typing import Any

import orjson

from mockscim.client.inside import InsideLine, InsideOptions
from mockscim.client.line import encoded, running_library

_NOT_HERE = (
    "MockScim(...) serves in asyncio's running event loop: async with MockScim(...), or await scim.astart(); "
    "for everything else there is MockScim.threaded(...)"
)


class InLoop(InsideLine):
    """Serves in the loop that ``astart`` is awaited in.

    Args:
        options: what the server is told.
    """

    def __init__(self, options: InsideOptions) -> None:
        super().__init__(options)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0

    def start(self) -> None:
        """Not possible: nothing can be waited for here."""
        raise RuntimeError(_NOT_HERE)

    def stop(self) -> None:
        """Not possible where the loop runs."""
        loop = self._loop
        if loop is None:
            return
        if loop.is_running():
            raise RuntimeError("a MockScim in the running event loop is stopped with await scim.astop()")
        loop.run_until_complete(self.astop())

    async def astart(self) -> None:
        """Serve in the running loop."""
        if self._loop is not None:
            raise RuntimeError("this MockScim is running already")
        if running_library() != "asyncio":
            raise RuntimeError(_NOT_HERE)
        self._inside.prepare()
        try:
            await self._inside.serve()
        finally:
            self._inside.abandon()
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()

    async def astop(self) -> None:
        """Stop serving."""
        if self._loop is not None:
            self._loop = None
            await self._inside.shut()

    def ask(self, method: str, path: str, body: object = None, parameters: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401
        """What the control API answers: at once in the server's own loop, across to it from another thread."""
        loop = self._running()
        work = self._inside.work(method, path, encoded(body), parameters or {})
        if threading.get_ident() != self._thread:
            content = asyncio.run_coroutine_threadsafe(work, loop).result()
        elif loop.is_running():
            content = at_once(work)
        else:
            content = loop.run_until_complete(work)
        return orjson.loads(content) if content else None

    async def aask(
        self, method: str, path: str, body: object = None, parameters: Mapping[str, object] | None = None
    ) -> Any:  # noqa: ANN401
        """The same, awaited."""
        loop = self._running()
        work = self._inside.work(method, path, encoded(body), parameters or {})
        if asyncio.get_running_loop() is loop:
            content = await work
        else:
            content = await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))
        return orjson.loads(content) if content else None

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            raise RuntimeError("this MockScim is not running: async with MockScim(...) as scim, or await scim.astart()")
        return self._loop


def at_once(work: Coroutine[Any, Any, bytes]) -> bytes:
    """The result of what does not wait, without going through the loop.

    Raises:
        RuntimeError: it would have to wait.
    """
    try:
        work.send(None)
    except StopIteration as done:
        result: bytes = done.value
        return result
    work.close()
    raise RuntimeError("this would wait in the server's own event loop, which has to go on: use the awaitable twin")
