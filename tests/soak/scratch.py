"""Tenants that come and go: made, filled, reset, set back, dropped, while others go on beside them."""

from __future__ import annotations

import random
from collections.abc import Callable

from mockscim.scim import urns
from tests.soak.client import PATIENT, Client, Outcome, SoakError

_USERS = 5
_SINCE = "2026-01-01T00:00:00"


class Scratch:
    """A client whose tenant nobody else uses; it knows after each round that the tenant is as it should be."""

    def __init__(self, name: str, of: Callable[[str], Client], chance: random.Random) -> None:
        self._name = name
        self._of = of
        self._chance = chance
        self._round = 0

    async def act(self) -> None:
        """One life of a tenant."""
        self._round += 1
        client = self._of(f"{self._name}-{self._round % 3}")
        rules = [{"type": "reset", "phase": "after", "probability": 0.2, "match": {"operation": "user.create"}}]
        start = {"fixture": {"users": []}, "faults": rules, "clock": {"mode": "virtual", "now": f"{_SINCE}Z"}}
        await client.control("PUT", "", start)
        await self._fill(client, "before")
        await client.control("PUT", "/snapshots/s")
        known = await self._names(client)
        await self._fill(client, "after")
        await client.control("POST", "/clock/advance", {"by": "40m"})
        await client.control("POST", "/snapshots/s")
        await self._expect(client, known, "restored")
        await client.control("POST", "/reset")
        await self._expect(client, set(), "reset")
        history, clock = await client.control("GET", "/history"), await client.control("GET", "/clock")
        if history["last"] or not clock["now"].startswith(_SINCE):
            raise SoakError(f"{client.root}: a reset leaves {history['last']} changes, and the clock at {clock['now']}")
        if self._chance.random() < 0.5:
            await client.control("DELETE", "")

    async def _fill(self, client: Client, word: str) -> list[Outcome]:
        """Users, some of whose acknowledgements are lost."""
        made = []
        for number in range(_USERS):
            user = {"schemas": [urns.USER], "userName": f"{word}-{number}@example.com", "active": True}
            made.append(await client.send("scratch", "POST", "/Users", user, within=PATIENT))
        return made

    @staticmethod
    async def _names(client: Client) -> set[str]:
        found = await client.control("GET", "/fixture")
        return {user["userName"] for user in found.get("users", ())}

    async def _expect(self, client: Client, names: set[str], what: str) -> None:
        found = await self._names(client)
        if found != names:
            raise SoakError(f"{client.root}: {what}: {found}, {names} was expected")
