"""Answers opened up, for faults that change what is shown of resources: the directory itself stays as it is."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from mockscim.faults.draw import Draw
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply
from mockscim.scim.errors import ScimError

Resource = dict[str, Any]


def answer(serve: Serve, call: Call) -> Reply:
    """What a request is answered, refusals included."""
    try:
        return serve(call)
    except ScimError as error:
        return Reply.refusing(error)


def shown(call: Call, reply: Reply) -> Any:  # noqa: ANN401 - any JSON
    """The document in an answer that shows resources of the directory; None for any other."""
    if call.discovery is not None or call.verb == "run" or not reply.body or not 200 <= reply.status < 300:
        return None
    return orjson.loads(reply.body)


def resources(document: object) -> Iterator[Resource]:
    """The resources that a document shows: itself, or those of a list."""
    if isinstance(document, dict):
        listed = document.get("Resources")
        if isinstance(listed, list):
            yield from (item for item in listed if isinstance(item, dict))
        elif "totalResults" not in document:
            yield document


def rewrite(call: Call, reply: Reply, change: Callable[[Resource], object]) -> bool:
    """Change each resource that an answer shows, in place; whether that made a difference."""
    document = shown(call, reply)
    if document is None:
        return False
    for resource in resources(document):
        change(resource)
    body = orjson.dumps(document)
    if body == reply.body:
        return False
    reply.body = body
    return True


@contextmanager
def altered(call: Call, **fields: Any) -> Iterator[Call]:  # noqa: ANN401 - fields of Call, each of its type
    """The request with other fields, while this lasts."""
    old = {name: getattr(call, name) for name in fields}
    for name, value in fields.items():
        setattr(call, name, value)
    try:
        yield call
    finally:
        for name, value in old.items():
            setattr(call, name, value)


def show_anew(world: World, call: Call, reply: Reply, id_: str) -> Reply:
    """The answer to a write as it would be if the resource had another id: by which it can be read by now."""
    again = world.reread(call)
    again.method, again.verb, again.id, again.if_match, again.if_none_match = "GET", "get", id_, None, None
    read = world.service.perform(again, "")
    return Reply(reply.status, read.body if reply.body else None, read.headers, read.resource, reply.changes)


def fresh_id(draw: Draw) -> str:
    """A random UUID (RFC 9562 §5.4)."""
    bits = 0
    for _ in range(4):
        bits = bits << 32 | int(draw.uniform() * 2**32)
    return str(uuid.UUID(int=bits, version=4))
