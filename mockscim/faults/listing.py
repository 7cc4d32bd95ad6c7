"""List requests and their answers, for faults: what is asked, the same asked otherwise, which page it is.

A query is asked by GET or by POST .search (RFC 7644 §3.4.3), paged by startIndex or by cursor (RFC 9865).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from mockscim.clock import format_instant
from mockscim.faults.world import Serve, World
from mockscim.scim import query
from mockscim.scim.call import Call, Reply
from mockscim.scim.errors import ScimError
from mockscim.scim.policy import TOLERANT, Tolerance

if TYPE_CHECKING:
    from mockscim.faults.engine import Attempt

_PAGING = ("startIndex", "count", "cursor")
_MOST_ENUMERATIONS = 1000
_MOST_PAGES = 10_000


def lists(attempt: Attempt) -> bool:
    """Whether a request asks for a list of resources."""
    call = attempt.call
    return call is not None and call.discovery is None and call.verb in ("list", "search")


def asked(call: Call) -> Mapping[str, str]:
    """The parameters of a list request, also those of a SearchRequest; none where it will be refused."""
    if call.verb != "search":
        return call.parameters
    try:
        return query.read_search(call.document, Tolerance(TOLERANT))
    except ScimError:
        return {}


def asking(call: Call, **parameters: str | int | None) -> Call:
    """The same list request with other parameters; None takes one out."""
    again = copy.copy(call)
    if call.verb != "search":
        kept = {name: value for name, value in call.parameters.items() if name not in parameters}
        again.parameters = {**kept, **{name: str(value) for name, value in parameters.items() if value is not None}}
    elif isinstance(call.document, Mapping):
        others = {name.lower() for name in parameters}
        said = {name: value for name, value in parameters.items() if value is not None}
        again.document = {**{k: v for k, v in call.document.items() if k.lower() not in others}, **said}
    return again


def page_of(reply: Reply) -> dict[str, Any] | None:
    """A ListResponse, parsed; None for another answer."""
    if reply.status != 200 or not reply.body:
        return None
    try:
        document = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return None  # another fault had it first
    return document if isinstance(document, dict) and "totalResults" in document else None


def served(world: World, call: Call, serve: Serve) -> tuple[Reply, dict[str, Any] | None]:
    """Serve a list request; where no list comes of it (None), the fault has nothing to spoil.

    Raises:
        ScimError: it is refused.
    """
    try:
        reply = serve(call)
    except ScimError:
        world.spare()
        raise
    page = page_of(reply)
    if page is None:
        world.spare()
    return reply, page


def resources_of(page: Mapping[str, Any]) -> list[Any]:
    """The resources on a page."""
    found = page.get("Resources")
    return found if isinstance(found, list) else []


def showing(reply: Reply, page: Mapping[str, Any]) -> Reply:
    """The same answer with another page."""
    reply.body = orjson.dumps(page)
    return reply


def peek(world: World, call: Call, **parameters: str | int | None) -> dict[str, Any] | None:
    """The page that a list request with other parameters would get, without faults; None where it would be refused."""
    try:
        return page_of(world.service.perform(asking(world.reread(call), **parameters), format_instant(world.now)))
    except ScimError:
        return None


def cursor_again(world: World, call: Call) -> str | None:
    """Another cursor for the page that a request asks for by one; None where it asks by index, or for the first."""
    service, parameters = world.service, asked(call)
    if not parameters.get("cursor") or not query.by_cursor(parameters, service.policy):
        return None
    now = format_instant(world.now)
    listing = query.read_cursor_listing(parameters, service.policy, service.cursors, call.operation, now)
    pager = listing.pager
    if pager is None or pager.cursor.place is None:
        return None
    return pager.seal(pager.cursor.place, backwards=pager.cursor.backwards).decode()


def start_of(world: World, call: Call) -> int | None:
    """Where the page begins that a request asks for by index, from 1; None where it is by cursor, or no good."""
    parameters, policy = asked(call), world.service.policy
    if query.by_cursor(parameters, policy):
        return None
    try:
        return query.read_listing(parameters, policy).start
    except ScimError:
        return None


class Pass(NamedTuple):
    """One client's way through one list.

    Attributes:
        numbers: the page that was asked for at each place, from 1, by its startIndex or cursor.
        notes: what a fault remembers of it.
    """

    numbers: dict[str, int]
    notes: dict[Any, Any]

    def page(self, place: str) -> int:
        """The number of the page that begins at a place: pages are counted as they are first asked for."""
        if len(self.numbers) >= _MOST_PAGES:
            self.numbers.clear()
        return self.numbers.setdefault(place, len(self.numbers) + 1)


def enumeration(memory: dict[str, Any], caller: str, call: Call) -> tuple[Pass, int]:
    """The pass that a list request is part of, and which of its pages it asks for.

    A pass begins with a request for the first page, and goes on with requests that differ in startIndex, cursor and
    count alone. A page that is asked for again has the number that it had.

    Args:
        memory: what the rule remembers.
        caller: who asks.
        call: the request.
    """
    parameters = asked(call)
    rest = tuple(sorted(item for item in parameters.items() if item[0] not in _PAGING))
    passes: dict[Any, Pass] = memory.setdefault("passes", {})
    key = (caller, call.operation, rest)
    place = _place(parameters)
    if place == "1" or key not in passes:
        passes.pop(key, None)
        if len(passes) >= _MOST_ENUMERATIONS:
            del passes[next(iter(passes))]
        passes[key] = Pass({"1": 1}, {})
    found = passes[key]
    return found, found.page(place)


def _place(parameters: Mapping[str, str]) -> str:
    if parameters.get("cursor"):
        return f"cursor {parameters['cursor']}"
    start = parameters.get("startIndex", "1")
    return "1" if start in ("", "0") or start.startswith("-") else start.lstrip("+0") or "1"
