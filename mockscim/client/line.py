"""How a MockScim speaks to its server: one request of the control API at a time, wherever that runs."""

from __future__ import annotations

import asyncio
import sys
import textwrap
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any, TypeVar

import orjson

T = TypeVar("T")
_WIDTH = 100
# Parts of a rule whose keys are said by keywords of their own.
_SAID_FLAT = ("match", "parameters")


class ControlRefused(ValueError):  # noqa: N818 - reads as what it says where it is raised
    """The server does not do what it was asked to.

    Attributes:
        status: as the control API answers it: 400 for what cannot be, 404 for what is not there, 409, …
        detail: why, in words.
        where: a JSON pointer to the wrong place of what was sent, the keyword that said it, or None.
    """

    def __init__(self, status: int, detail: str, where: str | None = None) -> None:
        text = f"{where}: {detail}" if where and where not in detail else detail
        super().__init__(textwrap.fill(text, _WIDTH, subsequent_indent="  ", break_on_hyphens=False))
        self.status = status
        self.detail = detail
        self.where = where

    def of_keywords(self) -> ControlRefused:
        """The same of what keywords had said: ``/match/operation`` is where the keyword ``operation`` was sent."""
        parts = (self.where or "").split("/")[1:]
        if not parts or parts[0] == "sequence":  # whose steps may be documents
            return self
        if len(parts) > 1 and parts[0] in _SAID_FLAT:
            del parts[0]
        name = "/".join(parts)
        return ControlRefused(self.status, f"{name}: {self.detail.removeprefix(f'{self.where}: ')}", name)

    def __reduce__(self) -> tuple[type[ControlRefused], tuple[int, str, str | None]]:
        return ControlRefused, (self.status, self.detail, self.where)


class NotThereError(KeyError):
    """What was looked up by a name is not there: a KeyError whose text is shown as it is."""

    def __str__(self) -> str:
        return str(self.args[0])


class Line(ABC):
    """A server and the way to it.

    Attributes:
        root: the tenant's URL, without a slash at the end; SCIM and control are below it.
        token: what opens its SCIM.
        admin_token: what its control API wants of others, or None.
        tokens: what a tenant that is made anew has to be told of tokens, for this line to go on.
    """

    root: str
    token: str
    admin_token: str | None
    tokens: Sequence[object] = ()

    @abstractmethod
    def start(self) -> None:
        """Begin to serve.

        Raises:
            RuntimeError: it is running, or cannot be started in this way.
        """

    @abstractmethod
    def stop(self) -> None:
        """End; whatever is in flight is cut. Nothing where it does not run."""

    async def astart(self) -> None:
        """``start`` for coroutines."""
        self.start()

    async def astop(self) -> None:
        """``stop`` for coroutines."""
        self.stop()

    @abstractmethod
    def ask(self, method: str, path: str, body: object = None, parameters: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401
        """What the control API answers, parsed: a copy; None where there is nothing.

        Args:
            method: the HTTP method.
            path: below ``/_mockscim``, names in it quoted.
            body: what is sent as JSON; bytes as they are.
            parameters: of the query string.

        Raises:
            ControlRefused: it is refused.
            RuntimeError: there is no server, or it would have to wait in an event loop that must go on.
            ConnectionError: a server elsewhere does not answer.
        """

    @abstractmethod
    async def aask(
        self, method: str, path: str, body: object = None, parameters: Mapping[str, object] | None = None
    ) -> Any:  # noqa: ANN401
        """``ask`` for coroutines: what has to wait lets others go on meanwhile."""


def encoded(body: object) -> bytes:
    """A body as JSON.

    Raises:
        TypeError: it holds what JSON cannot say.
    """
    if body is None:
        return b""
    return body if isinstance(body, bytes) else orjson.dumps(body)


def running_library() -> str | None:
    """``asyncio`` or ``trio`` where the caller is inside an event loop of it; None elsewhere."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        return "asyncio"
    trio = sys.modules.get("trio")  # who did not import it cannot be inside it
    if trio is None:
        return None
    try:
        trio.lowlevel.current_task()
    except RuntimeError:
        return None
    return "trio"


async def in_thread(function: Callable[[], T]) -> T:
    """Call what blocks without stopping the event loop of asyncio, or of trio."""
    if running_library() == "trio":
        result: T = await import_module("trio").to_thread.run_sync(function)
        return result
    return await asyncio.to_thread(partial(function))


def refuse_to_wait(name: str, twin: str) -> None:
    """Refuse to block an event loop: whoever is waited for may need it.

    Raises:
        RuntimeError: names the awaitable twin.
    """
    if running_library() is not None:
        raise RuntimeError(f"{name} would block the event loop that it is called in: use await {twin}")
