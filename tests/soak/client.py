"""A client that knows what became of each request: done, refused, or in doubt."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import aiohttp

_TIMEOUT = 1.5  # seconds: shorter than a hang, longer than any latency of faults.json
PATIENT = 30.0  # where no fault keeps an answer back, such as in the control API
_TRIES = 8


class SoakError(AssertionError):
    """The server did what it must not do."""


@dataclass
class Outcome:
    """What came of a request.

    ``status`` is None where no whole answer came. ``fault`` says when the rule behind an answer struck.
    """

    status: int | None
    body: Any = None
    headers: Any = field(default_factory=dict)
    fault: str | None = None

    @property
    def done(self) -> bool:
        """Whether it was carried out for certain."""
        return self.status is not None and self.status < 300

    @property
    def refused(self) -> bool:
        """Whether it was not carried out for certain."""
        return self.status is not None and self.status >= 300 and self.fault != "after"


class Client:
    """One tenant of the server, as 64 workers share it.

    Args:
        session: shared; its connector bounds the connections.
        root: the tenant's root: ``http://127.0.0.1:1`` or that with ``/t/name``.
        token: of the server.
        counts: of what came of all requests, by operation.
    """

    def __init__(self, session: aiohttp.ClientSession, root: str, token: str, counts: Counter[str]) -> None:
        self._session = session
        self.root = root
        self.scim = f"{root}/scim/v2"
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
        self.counts = counts

    async def send(
        self, name: str, method: str, path: str, body: Any = None, *, within: float = _TIMEOUT, **headers: str
    ) -> Outcome:
        """Send once. ``name`` is what it is counted as, ``within`` how long an answer is waited for.

        Raises:
            SoakError: the server failed by itself.
        """
        try:
            async with self._session.request(
                method,
                self.scim + path,
                data=None if body is None else json.dumps(body),
                headers={**self._headers, **headers},
                timeout=aiohttp.ClientTimeout(total=within),
            ) as response:
                content = await response.read()
                found = json.loads(content) if content else None
                outcome = Outcome(response.status, found, response.headers, response.headers.get("X-Soak-Fault"))
        except (aiohttp.ClientError, TimeoutError, ConnectionError, ValueError) as error:
            self.counts[f"{name} {type(error).__name__}"] += 1
            return Outcome(None)
        self.counts[f"{name} {outcome.status}"] += 1
        if outcome.status is not None and outcome.status >= 500 and outcome.fault is None:
            raise SoakError(f"{method} {path}: {outcome.status} that no rule made: {content[:500]!r}")
        return outcome

    async def read(self, name: str, path: str, **headers: str) -> Outcome:
        """GET until an answer comes that no fault made: reads may be repeated."""
        for turn in range(_TRIES):
            outcome = await self.send(name, "GET", path, **headers)
            if outcome.status is not None and outcome.fault is None:
                return outcome
            await asyncio.sleep(0.02 * 2**turn)
        raise SoakError(f"GET {path}: no answer in {_TRIES} tries")

    async def control(self, method: str, path: str, body: Any = None, *expected: int) -> Any:
        """Ask the control API, which no fault strikes.

        Raises:
            SoakError: for a status that was not expected.
        """
        async with self._session.request(
            method,
            f"{self.root}/_mockscim{path}",
            json=body,
            timeout=aiohttp.ClientTimeout(total=PATIENT),
        ) as response:
            content = await response.read()
            if response.status not in (expected or (200, 201, 204)):
                raise SoakError(f"control: {method} {path}: {response.status} {content[:500]!r}")
            return json.loads(content) if content else None
