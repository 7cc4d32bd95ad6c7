"""What the server says it committed: its history, followed without a gap."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.soak.client import Client, SoakError

# The latest that anything in faults.json is committed after its request has come in, and some more.
SETTLING = 2.0
_PAGE = 2000
_PAUSE = 0.4


class Ledger:
    """The latest state of each resource after the history, for requests whose answer never came."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._n = 0
        self.latest: dict[str, dict[str, Any] | None] = {}  # by id; None: deleted
        self.ids: dict[str, list[str]] = {}  # by userName or displayName, all that ever bore it, oldest first
        self.marks: set[str] = set()  # nickNames that were committed
        self.twice: list[str] = []
        self.changes = 0
        self._begun = self._ended = 0  # readings

    async def start(self) -> None:
        """Begin with what comes from now on."""
        self._n = (await self._client.control("GET", "/history?limit=1"))["last"]

    async def follow(self) -> None:
        """Read on for ever."""
        while True:
            await self.catch_up()
            await asyncio.sleep(_PAUSE)

    async def catch_up(self) -> None:
        """Read what is new.

        Raises:
            SoakError: changes were dropped before they were read.
        """
        self._begun += 1
        while True:
            page = await self._client.control("GET", f"/history?since={self._n}&limit={_PAGE}")
            if page["items"] and page["items"][0]["n"] != self._n + 1:
                raise SoakError(f"the history goes on at {page['items'][0]['n']} after {self._n}")
            for entry in page["items"]:
                self._note(entry)
            if page["next"] is None:
                self._ended += 1
                return

    def _note(self, entry: dict[str, Any]) -> None:
        self._n = entry["n"]
        self.changes += 1
        before, after = entry["before"], entry["after"]
        self.latest[entry["id"]] = after
        if after is None:
            return
        if before is None:
            self.ids.setdefault(after.get("userName") or after["displayName"], []).append(entry["id"])
        mark = after.get("nickName")
        if mark and (before is None or before.get("nickName") != mark):
            if mark in self.marks:
                self.twice.append(mark)
            self.marks.add(mark)

    async def settled(self) -> None:
        """Wait until it is known what became of all that has been sent, however busy the machine is.

        Two readings, one after the other, that began after a request was sent show that the server has it: it reads
        from all connections that have something before it looks again. So it is with what a timer commits.
        """
        await self._readings(2)
        await asyncio.sleep(SETTLING)
        await self._readings(2)

    async def _readings(self, number: int) -> None:
        until = self._begun + number
        while self._ended < until:
            await asyncio.sleep(_PAUSE / 4)
