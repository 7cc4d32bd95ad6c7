"""One exchange as the judge sees it: what the client sent, and what of the answer reached the client."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from hashlib import blake2b
from typing import Any
from urllib.parse import parse_qsl

import orjson

from mockscim.faults.retry_after import read_retry_after
from mockscim.journal import Exchange
from mockscim.scim.body import shallow_json

_ID_IN_LOCATION = re.compile(r"/([^/?#]+)/?(?:[?#].*)?$")
_TOLD = 0.05  # further than this from real time, a clock was moved
Identity = tuple[str, str, str, bytes]
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Seen:
    """An exchange, read.

    Attributes:
        exchange: as the journal keeps it.
        cycle: the client's cycle that it is in; None outside of all.
        epoch: how many cycles had begun when it came.
    """

    def __init__(self, exchange: Exchange, cycle: int | None = None, epoch: int = 0) -> None:
        self.exchange = exchange
        self.cycle = cycle
        self.epoch = epoch
        self.n = exchange.n
        self.method = exchange.method
        self.path = exchange.path
        self.operation = exchange.operation or ""
        self.status = exchange.status
        self.connection = exchange.connection

    # -- how it went -------------------------------------------------------------------------------------------

    @cached_property
    def arrived(self) -> bool:
        """Whether the answer reached the client, as far as the server can tell."""
        return self.status is not None and not self.exchange.cut and not self.exchange.client_gone

    @cached_property
    def ok(self) -> bool:
        """Whether the client was told of success."""
        return self.arrived and 200 <= (self.status or 0) < 300

    @cached_property
    def failed(self) -> bool:
        """Whether the client may try again: no answer, 429, or the server's own failure (408 and 5xx)."""
        return not self.arrived or self.status in (408, 429) or (self.status or 0) >= 500

    @cached_property
    def troubled(self) -> bool:
        """Whether something went wrong that was not the client's: a fault beyond a delay, or a client that left."""
        return any(fault.type != "latency" for fault in self.exchange.faults) or not self.arrived

    @property
    def began(self) -> float:
        """When it arrived, in seconds of real time."""
        return self.exchange.began

    @property
    def ended(self) -> float:
        """When its answer was ready or cut, in seconds of real time."""
        return self.exchange.began + self.exchange.duration

    def gap_to(self, later: Seen) -> float:
        """Seconds from this answer to a later arrival, by real time or the tenant's clock, whichever is longer."""
        real = later.began - self.exchange.began
        clock = later.exchange.started - self.exchange.started
        # A told clock stood still while the answer was made; the real one did not.
        return max(real - self.exchange.duration, clock if clock - real > _TOLD else 0.0)

    def after(self, earlier: Seen) -> float:
        """Seconds from an earlier arrival to this one, by real time or the tenant's clock, whichever is longer."""
        return max(self.began - earlier.began, self.exchange.started - earlier.exchange.started)

    # -- what was asked ----------------------------------------------------------------------------------------

    @cached_property
    def identity(self) -> Identity:
        """What a retry has in common with the request that it repeats."""
        exchange = self.exchange
        return exchange.method, exchange.path, exchange.query, exchange.body

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """The request's headers."""
        return self.exchange.headers

    @cached_property
    def agent(self) -> str:
        """Which client it is, as far as it says: its User-Agent."""
        return self.headers.get("User-Agent", "")

    @cached_property
    def token(self) -> str:
        """A digest of the credentials; empty for none."""
        given = self.headers.get("Authorization")
        return blake2b(given.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest() if given else ""

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The query's parameters; of a search by POST, its body's. Names in lower case."""
        found = {name.lower(): value for name, value in parse_qsl(self.exchange.query, keep_blank_values=True)}
        if self.method == "POST" and self.verb == "search" and isinstance(self.sent, Mapping):
            found.update((str(name).lower(), _text(value)) for name, value in self.sent.items())
        return found

    @property
    def verb(self) -> str:
        """``list`` of ``user.list``."""
        return self.operation.rpartition(".")[2]

    @property
    def resource(self) -> str:
        """``user`` of ``user.list``."""
        return self.operation.partition(".")[0]

    @cached_property
    def id(self) -> str | None:
        """The id that the path names, or whose the request at /Me was."""
        parts = self.path.strip("/").split("/")
        if parts[0].lower() == "me":
            return self.exchange.resource.id if self.exchange.resource is not None else None
        return parts[1] if len(parts) > 1 and parts[1].lower() != ".search" else None

    @property
    def writes(self) -> bool:
        """Whether it asked for a change of resources."""
        return self.method in WRITES and self.verb in ("create", "replace", "patch", "delete", "run")

    @cached_property
    def sent(self) -> Any:  # noqa: ANN401
        """The request's body, parsed; None where it is no JSON."""
        return _parsed(self.exchange.body)

    # -- what came back ----------------------------------------------------------------------------------------

    @cached_property
    def answer(self) -> Any:  # noqa: ANN401
        """The answer's body as the client could read it; None where it could not, or got none."""
        return _parsed(self.exchange.response_body) if self.arrived else None

    @cached_property
    def resources(self) -> list[Mapping[str, Any]]:
        """The resources that the client was shown: of a list, or the one."""
        answer = self.answer
        if not self.ok or not isinstance(answer, Mapping):
            return []
        fields = {str(name).lower(): value for name, value in answer.items()}
        if "resources" in fields or "totalresults" in fields:
            listed = fields.get("resources")
            return [item for item in listed if isinstance(item, Mapping)] if isinstance(listed, list) else []
        if self.operation == "bulk.run":
            listed = fields.get("operations")
            results = [item for item in listed if isinstance(item, Mapping)] if isinstance(listed, list) else []
            return [r for item in results if isinstance(r := item.get("response"), Mapping) and "id" in r]
        return [answer] if "id" in answer else []

    @cached_property
    def ids(self) -> frozenset[str]:
        """The ids that the client was shown, also in Location and in the results of a bulk job."""
        if not self.arrived or not 200 <= (self.status or 0) < 400:
            return frozenset()
        found = {str(r["id"]) for r in self.resources if r.get("id") is not None}
        locations = [value for name, value in self.exchange.response_headers.items() if name.lower() == "location"]
        if self.operation == "bulk.run" and isinstance(self.answer, Mapping):
            listed = self.answer.get("Operations")
            locations += [o["location"] for o in listed or () if isinstance(o, Mapping) and "location" in o]
        for location in locations:
            if isinstance(location, str) and (match := _ID_IN_LOCATION.search(location)):
                found.add(match[1])
        return frozenset(found)

    def header(self, name: str) -> str | None:
        """A header of the answer."""
        return next((v for k, v in self.exchange.response_headers.items() if k.lower() == name), None)

    def retry_after(self, *, dates: bool) -> float | None:
        """The seconds that Retry-After asks for, in one of the two forms of RFC 9110 §10.2.3; None for none.

        Args:
            dates: whether the HTTP-date form says anything; on a virtual clock it does not.
        """
        if not self.arrived or self.status not in (429, 503):
            return None
        answered = self.exchange.started + self.exchange.duration
        return read_retry_after(self.header("retry-after") or "", answered, dates=dates)

    def __str__(self) -> str:
        return f"{self.method} {self.path or '/'}"

    def told(self) -> str:
        """What the client got for an answer, in a word or two."""
        if self.arrived:
            return str(self.status)
        return "the client left" if self.exchange.client_gone else "no answer"

    def faults(self) -> Iterator[str]:
        """The types of the faults that struck."""
        return (str(fault.type) for fault in self.exchange.faults)


def _text(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _parsed(body: bytes) -> Any:  # noqa: ANN401
    try:
        return shallow_json(body) if body else None
    except ValueError:
        return None
