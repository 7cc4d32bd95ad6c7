"""Reads of the past: which former versions a lagging reader sees, and serving a read from them.

The store never lies. What is seen is made of the committed history, and put into the store while one read is served.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Literal

from mockscim.clock import format_instant
from mockscim.faults.listing import asked
from mockscim.faults.world import Committed, Serve, World
from mockscim.scim.call import Call, Reply
from mockscim.scim.errors import ScimError
from mockscim.scim.record import Record

if TYPE_CHECKING:
    from mockscim.faults.engine import Attempt

Scope = Literal["get", "list", "filter"]
Operation = Literal["create", "update", "delete"]
Versions = dict[tuple[str, str], Record | None]

ALL: tuple[Operation, ...] = ("create", "update", "delete")
_CURSORS = re.compile(rb'"(next|previous)Cursor":"[^"]*"')  # the same page has another each time


def scope_of(attempt: Attempt) -> Scope | None:
    """How a request reads resources; None for what does not."""
    call = attempt.call
    if call is None or call.discovery is not None:
        return None
    if call.verb == "get":
        return "get"
    if call.verb in ("list", "search"):
        return "filter" if "filter" in asked(call) else "list"
    return None


def lagging(
    entries: Iterable[Committed], of: Collection[str] = ALL, own: Callable[[Committed], bool] = lambda _: False
) -> Versions:
    """What a reader sees who has not heard of some changes.

    Args:
        entries: the changes that may be news, oldest first.
        of: which operations lag; the others are heard of at once.
        own: tells the changes that the reader made, which are no news to it.

    Returns:
        The version of each resource that is seen otherwise than it is; None: it is not there.
    """
    seen: Versions = {}
    for entry in entries:
        change = entry.change
        key = (change.type.name, change.id)
        if own(entry):
            seen.pop(key, None)  # who knows a version knows what came before it
        elif change.operation in of:
            seen.setdefault(key, change.before)
        elif change.operation != "update":
            seen.pop(key, None)
    return seen


def concerning(world: World, call: Call, seen: Versions) -> Versions:
    """Without what makes no difference to a read, which costs to be put in place."""
    kind = call.type
    found: Versions = {}
    for key, record in seen.items():
        name, id_ = key
        type_ = world.service.registry.types[name]
        if world.store.get(type_, id_) is record:
            continue
        if kind is None or kind.keyed is not None:
            found[key] = record  # groups show the names of their members
        elif type_ is kind:
            if call.verb != "get" or id_ == call.id:
                found[key] = record
        elif type_.keyed is not None and "groups" in kind.attributes:
            found[key] = record
    return found


def serve_seeing(world: World, call: Call, serve: Serve, seen: Mapping[tuple[str, str], Record | None]) -> Reply:
    """Serve a read from other versions; where that makes no difference, it was no fault.

    Raises:
        ScimError: as that read is answered.
    """
    if not seen:
        world.spare()
        return serve(call)
    truth = _told(lambda again: world.service.perform(again, format_instant(world.now)), world.reread(call))
    with world.seeing(seen):
        told = _told(serve, call)
    if _shown(told) == _shown(truth):
        world.spare()
    if isinstance(told, ScimError):
        raise told
    return told


def _told(serve: Serve, call: Call) -> Reply | ScimError:
    try:
        return serve(call)
    except ScimError as error:
        return error


def _shown(told: Reply | ScimError) -> tuple[int, bytes]:
    body = told.body() if isinstance(told, ScimError) else told.body or b""
    return told.status, _CURSORS.sub(b"", body)
