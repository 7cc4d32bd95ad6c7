"""A gate: where requests wait until a test lets them go."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from mockscim.client import failure
from mockscim.client.line import ControlRefused, Line, refuse_to_wait, running_library


class Gate:
    """A gate; as a context manager it is released when the block ends.

    Attributes:
        name: of the gate.
        document: ``match``, ``at`` and ``timeout``, as the server has them.
    """

    def __init__(self, line: Line, document: Mapping[str, Any]) -> None:
        self._line = line
        self._last = dict(document)
        self.name = str(document["name"])
        self.document = {key: document[key] for key in ("match", "at", "timeout")}
        self.released = False

    @property
    def reached(self) -> int:
        """How many requests have come to it."""
        return int(self._now()["reached"])

    @property
    def waiting(self) -> int:
        """How many are held by it now."""
        return int(self._now()["waiting"])

    @property
    def timed_out(self) -> int:
        """How many were held until its time-out passed, and went on by themselves."""
        return int(self._now()["timed_out"])

    def wait_reached(self, timeout: float | str = 5.0) -> None:
        """Wait until a request has come to it.

        Args:
            timeout: a duration, of real time.

        Raises:
            AssertionError: none came; says what did come.
            RuntimeError: it would have to wait inside an event loop, which it must not block: ``areached`` can.
        """
        if self._now()["reached"]:
            return
        if running_library() is not None:
            refuse_to_wait("gate.wait_reached()", "gate.areached()")
        self._judge(self._ask(timeout), timeout)

    async def areached(self, timeout: float | str = 5.0) -> None:  # noqa: ASYNC109 - the server waits
        """``wait_reached`` for coroutines."""
        found = await self._line.aask("GET", self._path, parameters={"wait": timeout})
        self._last = found
        self._judge(found, timeout)

    def release(self) -> None:
        """Let go all that wait; nothing where it is gone already, by a reset for example."""
        if self.released:
            return
        self.released = True
        try:
            self._last = self._line.ask("DELETE", self._path)
            self._last["waiting"] = 0
        except ControlRefused as refused:
            if refused.status != 404:
                raise

    def _ask(self, timeout: float | str) -> dict[str, Any]:
        found: dict[str, Any] = self._line.ask("GET", self._path, parameters={"wait": timeout})
        self._last = found
        return found

    def _judge(self, found: Mapping[str, Any], timeout: float | str) -> None:
        if not found["reached"]:
            entries = self._line.ask("GET", "/journal", parameters={"limit": 10**9})["items"]
            raise AssertionError(failure.gate_not_reached(found, timeout, entries))

    def _now(self) -> Mapping[str, Any]:
        if not self.released:
            try:
                self._last = self._line.ask("GET", self._path)
            except ControlRefused as refused:
                if refused.status != 404:
                    raise
                self.released = True
        return self._last

    @property
    def _path(self) -> str:
        return f"/gates/{quote(self.name, safe='')}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def __repr__(self) -> str:
        operation = self.document["match"].get("operation", "*")
        return f"<Gate {self.name}: {operation} {self.document['at']}{', released' if self.released else ''}>"
