"""Every exchange on the wire, and every committed change: bounded, and cheap to keep.

What is recorded is references to what the request already made; the readable entry (CONTRACT: journal entry) is
built when somebody asks. Secrets are masked there, so nothing unmasked leaves the process.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from multidict import CIMultiDict

from mockscim.clock import format_instant, parse_instant
from mockscim.masking import MASK, USUAL, Masks, plain
from mockscim.scim.record import Change, Record

# About the bytes that a member takes in a version of a group that others have followed.
_MEMBER = 100


class Exchange:
    """One request as it arrived and what became of it; ``n`` is given on arrival.

    One is made for each request, so what most of them do not have is a default of the class.

    Args:
        started: when it arrived, in seconds on the tenant's clock.
        tenant, method, path, query: as they came; the path decoded and below the base URL.
        headers: those of the request, or the whole request as it came, which is less to keep.
        connection: its number.
    """

    body: bytes = b""
    operation: str | None = None
    refinements: tuple[str, ...] = ()
    status: int | None = None
    response_headers: Mapping[str, str] = MappingProxyType({})
    response_body: bytes = b""
    resource: Record | None = None
    changes: tuple[int, ...] = ()
    faults: tuple[Any, ...] = ()
    leniencies: Sequence[dict[str, str]] = ()
    client_gone: bool | None = None
    cut: bool = False
    alone: bool = False  # of one that was refused for its credentials: no other connection was open
    began: float = 0.0  # in seconds of real time, from no particular moment: gaps are what counts
    duration: float = 0.0
    attempt: int = 1
    n: int = 0
    size: int = 0
    masks: Masks = USUAL  # others come with the number

    def __init__(
        self,
        started: float,
        tenant: str,
        method: str,
        path: str,
        query: str,
        headers: Mapping[str, str] | bytes,
        connection: int,
    ) -> None:
        self.started = started
        self.tenant = tenant
        self.method = method
        self.path = path
        self.query = query
        self._headers = headers
        self.connection = connection

    @property
    def headers(self) -> Mapping[str, str]:
        """The request's headers."""
        return self._headers if not isinstance(self._headers, bytes) else _read_headers(self._headers)

    @property
    def committed(self) -> bool:
        """Whether the request changed anything."""
        return bool(self.changes)

    def measure(self) -> int:
        """About the bytes that this exchange keeps in memory."""
        headers = self._headers
        if isinstance(headers, bytes):  # all of the request; what was read from it may be kept beside it
            known = 2 * len(headers)
        else:
            known = sum(map(len, headers.values())) + len(self.body) + len(self.path) + len(self.query)
        size = known + len(self.response_body) + 1024
        if self.changes and self.resource is not None:  # what is only read is the store's
            record = self.resource
            size += len(record.body) if record.members is None else _kept(record)
        self.size = size
        return size

    def entry(self) -> dict[str, Any]:
        """The journal entry, secrets masked."""
        masks = self.masks
        resource = None
        if self.resource is not None:
            record = self.resource
            # The version that was shown: the groups that a user is in belong to it.
            version = self.response_headers.get("ETag", record.etag)
            resource = {"type": record.type.name, "id": record.id, "version": version}
        return {
            "n": self.n,
            "time": format_instant(self.started),
            "duration_ms": round(self.duration * 1000, 3),
            "tenant": self.tenant,
            "operation": self.operation,
            "refinements": list(self.refinements),
            "method": self.method,
            "path": plain(self.path),
            "query": masks.query(self.query),
            "request": {"headers": masks.headers(self.headers), "body": masks.body(self.body)},
            "response": None
            if self.status is None
            else {
                "status": self.status,
                "headers": masks.headers(self.response_headers),
                "body": masks.body(self.response_body),
            },
            "resource": resource,
            "committed": self.committed,
            "changes": list(self.changes),
            "faults": [{"rule": f.rule, "type": f.type, "phase": f.phase, "outcome": f.outcome} for f in self.faults],
            "leniencies": [{**used, "detail": masks.compared(used["detail"])} for used in self.leniencies],
            "connection": self.connection,
            "attempt": self.attempt,
            "client_gone": bool(self.client_gone),
        }


class Journal:
    """The last exchanges, within bounds of number and memory.

    Args:
        limit: how many exchanges are kept.
        max_bytes: about how much memory they may take.
        masks: what is not shown of them; each has these from its number on.
    """

    def __init__(self, limit: int = 10_000, max_bytes: int = 64 * 1024 * 1024, masks: Masks = USUAL) -> None:
        self.masks = masks
        self._limit = limit
        self._max_bytes = max_bytes
        self._kept: deque[Exchange] = deque()
        self._bytes = 0
        self._n = 0
        self.dropped = 0
        self.cleared = 0  # how many were forgotten because somebody said so
        # How often it was reset: what began before a reset is not recorded after it.
        self.epoch = 0
        # Called when an exchange is over.
        self.watchers: set[Callable[[], None]] = set()
        # Requests that went wrong for the client, to number the attempts that follow.
        self.failed: OrderedDict[int, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Exchange]:
        return iter(self._kept)

    def after(self, n: int) -> Iterator[Exchange]:
        """The exchanges from that number on, without it, oldest first: who follows pays for what is new."""
        newer = list(itertools.takewhile(lambda exchange: exchange.n > n, reversed(self._kept)))
        return reversed(newer)

    @property
    def last(self) -> int:
        """The number of the newest exchange; 0 when there was none."""
        return self._n

    @property
    def under_way(self) -> int:
        """How many exchanges have begun and are not over."""
        return self._n - self.cleared - self.dropped - len(self._kept)

    def number(self, exchange: Exchange) -> int:
        """Give an exchange its number, in the order of arrival, and what is masked in it whoever is told of it."""
        self._n += 1
        exchange.n = self._n
        if self.masks is not USUAL:
            exchange.masks = self.masks
        return self._n

    def count_attempt(self, exchange: Exchange) -> None:
        """Tell whether an exchange, its body read, is the same request again after one that went wrong."""
        if self.failed:
            exchange.attempt = self.failed.get(_identity(exchange), 0) + 1

    def record(self, exchange: Exchange) -> None:
        """Keep an exchange that is over, and drop the oldest beyond the bounds."""
        if not exchange.n:
            self.number(exchange)
        status = exchange.status
        if status is None or status == 429 or status >= 500 or exchange.cut or exchange.client_gone:
            key = _identity(exchange)
            self.failed[key] = exchange.attempt
            self.failed.move_to_end(key)
            if len(self.failed) > 1000:
                self.failed.popitem(last=False)
        elif exchange.attempt > 1:
            self.failed.pop(_identity(exchange), None)
        kept = self._kept
        if not kept or kept[-1].n < exchange.n:
            kept.append(exchange)
        else:
            self._place(exchange)
        self._bytes += exchange.measure()
        for watcher in list(self.watchers) if self.watchers else ():
            watcher()
        while len(kept) > self._limit or (self._bytes > self._max_bytes and len(kept) > 1):
            self._bytes -= kept.popleft().size
            self.dropped += 1

    def _place(self, exchange: Exchange) -> None:
        # In the order of arrival, so that paging by number loses none: one that took long comes after its successors.
        kept = self._kept
        index = len(kept)
        while index and kept[index - 1].n > exchange.n:
            index -= 1
        kept.insert(index, exchange)

    def get(self, n: int) -> Exchange | None:
        """The exchange with that number, if it is still kept."""
        kept = self._kept
        place = bisect_left(kept, n, key=lambda exchange: exchange.n)
        if place == len(kept) or kept[place].n != n:
            return None
        return kept[place]

    def clear(self) -> None:
        """Forget all exchanges; numbers go on."""
        self.cleared += len(self._kept) + self.dropped
        self._kept.clear()
        self._bytes = 0
        self.dropped = 0

    def reset(self) -> None:
        """Forget all exchanges and begin at 1 again."""
        self.clear()
        self.cleared = 0
        self.epoch += 1
        self.failed.clear()
        self._n = 0


def _read_headers(request: bytes) -> CIMultiDict[str]:
    """The headers of a request as it came, which aiohttp's parser has found right."""
    headers: CIMultiDict[str] = CIMultiDict()
    lines = request.partition(b"\r\n\r\n")[0].decode("utf-8", "surrogateescape").split("\r\n")
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers.add(name, value.strip(" \t"))
    return headers


def _identity(exchange: Exchange) -> int:
    return hash((exchange.method, exchange.path, exchange.query, exchange.body))


@dataclass(slots=True)
class HistoryEntry:
    """One committed change, tied to the exchange that caused it (None: made behind the client's back)."""

    n: int
    time: str
    change: Change
    journal: int | None

    @property
    def at(self) -> float:
        """When, in seconds since the epoch."""
        return parse_instant(self.time)

    def document(self) -> dict[str, Any]:
        """The change as the control API shows it."""
        change = self.change
        after = change.after
        return {
            "n": self.n,
            "time": self.time,
            "operation": change.operation,
            "type": change.type.name,
            "id": change.id,
            "version": after.etag if after is not None else None,
            "before": _state(change.before),
            "after": _state(after),
            "journal": self.journal,
        }


class History:
    """The last committed changes, within bounds of number and, roughly, of memory.

    Args:
        limit: how many changes are kept.
        max_bytes: about how many bytes of resources, and of members that came and went, they may keep; the newest
            change is kept however large it is.
    """

    def __init__(self, limit: int = 100_000, max_bytes: int = 256 * 1024 * 1024) -> None:
        self._limit = limit
        self._max_bytes = max_bytes
        self._kept: deque[tuple[int, str, Change, int | None]] = deque()  # what an entry is made of
        self._bytes = 0
        self._n = 0

    def __iter__(self) -> Iterator[HistoryEntry]:
        return itertools.starmap(HistoryEntry, self._kept)

    def __reversed__(self) -> Iterator[HistoryEntry]:
        return itertools.starmap(HistoryEntry, reversed(self._kept))

    def after(self, n: int) -> Iterator[HistoryEntry]:
        """The changes from that number on, without it, oldest first: who follows pays for what is new."""
        newer = list(itertools.islice(reversed(self._kept), max(0, self._n - n)))
        return itertools.starmap(HistoryEntry, reversed(newer))

    @property
    def dropped(self) -> int:
        """How many changes are no longer kept."""
        return self._n - len(self._kept)

    @property
    def last(self) -> int:
        """The number of the newest change; 0 when there was none."""
        return self._n

    def record(self, change: Change, time: str, journal: int | None) -> int:
        """Keep a change; returns its number."""
        kept = self._kept
        self._n += 1
        kept.append((self._n, time, change, journal))
        after = change.after
        self._bytes += len(after.body) if after is not None and after.members is None else _weight(change)
        while len(kept) > self._limit or (self._bytes > self._max_bytes and len(kept) > 1):
            self._unload(kept.popleft())
        return self._n

    def _unload(self, entry: tuple[int, str, Change, int | None]) -> None:
        self._bytes -= _weight(entry[2])

    def forget_after(self, n: int) -> None:
        """Forget the changes after one, which have been taken back before anybody saw them."""
        while self._kept and self._n > n:
            self._unload(self._kept.pop())
            self._n -= 1

    def reset(self) -> None:
        """Forget all changes and begin at 1 again."""
        self._kept.clear()
        self._bytes = 0
        self._n = 0


def _weight(change: Change) -> int:
    """About the bytes that a change keeps in memory; the same whenever it is asked."""
    before, after = change.before, change.after
    if after is not None:
        return _kept(after)
    if before is None:
        return 0
    # The members of a group that is gone are nobody else's.
    return len(before.body) + (len(before.members) * _MEMBER if before.members is not None else 0)


def _kept(record: Record) -> int:
    """About the bytes that a version keeps beside the one before it."""
    return len(record.body) + (record.members.changed * _MEMBER if record.members is not None else 0)


def _state(record: Record | None) -> dict[str, Any] | None:
    if record is None:
        return None
    attributes = record.attributes()
    for secret in record.secrets or ():
        attributes[secret] = MASK
    state = {"id": record.id, **attributes}
    if record.members is not None:
        state["members"] = [{"value": member.value, "type": member.type} for member in record.members]
    return state
