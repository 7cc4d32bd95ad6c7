"""What the control API does with resources: shown as the store holds them, and edited behind the client's back."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable
from typing import Any

import orjson

from mockscim.faults.errors import pointer_to
from mockscim.masking import MASK
from mockscim.scim import match
from mockscim.scim.call import Unfinished
from mockscim.scim.errors import not_found
from mockscim.scim.record import Record
from mockscim.scim.schema import ResourceType
from mockscim.scim.searching import SLICE, Moment, Steps, scan
from mockscim.scim.slips import Slip
from mockscim.scim.table import folded
from mockscim.server import shapes, wire
from mockscim.server.arrival import Request
from mockscim.server.control import Ask, Control, ControlError, Result, route
from mockscim.server.insider import Insider
from mockscim.tenant import Tenant

_TYPE = "/resources/(?P<type>[^/]+)"
_ONE = _TYPE + "/(?P<id>[^/]+)"
_RESOURCE = dict[str, Any]
# By what people call a resource, in this order; of other types by whatever is unique.
_NAMES = {"User": ("username",), "Group": ("displayname",)}
_OTHER_NAMES = ("username", "displayname")


@route("GET", _TYPE, {200: shapes.Resources}, query=("filter", "name", "skip", "limit"), missing=True)
def _get_resources(control: Control, ask: Ask) -> Result | Coroutine[Any, Any, Result]:
    """The resources of a type as they are in the store, past SCIM; nothing is left in the journal."""
    tenant = control.tenant(ask)
    kind = tenant.resource_type(ask.parts[0])
    table, base = tenant.store.tables[kind.name], control.base(ask)
    skip, limit = ask.number("skip", 0), ask.number("limit", 1000)
    name, text = ask.parameters.get("name"), ask.parameters.get("filter")
    if name is None and text is None:
        return _listed(tenant, kind, table.page(skip, limit), len(table), skip, base)
    query = match.compile_filter(text, kind) if text is not None else None
    if name is not None:
        found = _called(tenant, kind, name)
        if query is not None:
            found = [record for record in found if query.matches(tenant.store.document(record, base))]
        return _listed(tenant, kind, found[skip : skip + limit], len(found), skip, base)
    assert query is not None  # noqa: S101 - there is a name, or a filter
    needs, derived = query.needs, kind.derives(query.needs)
    moment = Moment(tenant.store, [kind], lasting=True)
    steps = scan(
        moment,
        kind,
        lambda records: tenant.store.documents(kind, records, base, needs),
        query.matches,
        derived=derived,
    )

    def answered() -> Steps[bytes]:
        found = yield from steps
        with moment.seen([kind]):
            return orjson.dumps(_listed(tenant, kind, found[skip : skip + limit], len(found), skip, base)[1])

    reply = Unfinished(answered())
    if isinstance(ask.request, Insider) or len(table) <= SLICE:
        return 200, reply.finish().body
    return _in_turns(control, ask.request, tenant, reply)


async def _in_turns(control: Control, request: Request, tenant: Tenant, reply: Unfinished) -> Result:
    """Do a search a slice at a time, so that others are served between."""
    generation = tenant.generation

    def is_over() -> bool:
        return tenant.generation != generation

    if not await control.server.turns.work(reply.go_on, lambda: is_over() or wire.left(request)):
        if is_over():
            raise ControlError(409, "the tenant was reset, made anew or dropped while it was searched; ask again")
        raise ConnectionResetError("the client has left")
    return 200, reply.body


def _listed(tenant: Tenant, kind: ResourceType, shown: list[Record], total: int, skip: int, base: str) -> Result:
    return 200, {
        "type": kind.name,
        "items": [_shown(tenant, record, base) for record in shown],
        "names": _names(tenant, shown),
        "total": total,
        "next": skip + len(shown) if shown and total > skip + len(shown) else None,
    }


@route("GET", _ONE, {200: _RESOURCE}, missing=True)
def _get_resource(control: Control, ask: Ask) -> Result:
    """One resource as it is in the store."""
    tenant = control.tenant(ask)
    kind = tenant.resource_type(ask.parts[0])
    record = tenant.store.tables[kind.name].records.get(ask.parts[1])
    if record is None:
        raise not_found(f"{kind.name} {ask.parts[1][:200]} not found")
    return 200, _shown(tenant, record, control.base(ask))


@route("POST", _TYPE, {201: _RESOURCE}, body=_RESOURCE, missing=True)
def _add_resource(control: Control, ask: Ask) -> Result:
    """Make a resource behind the client's back; members may be named."""
    tenant = control.tenant(ask)
    document = _with_members(tenant, tenant.resource_type(ask.parts[0]), ask.json())
    return _edit(control, ask, "POST", document)


@route("PATCH", _ONE, {200: _RESOURCE, 204: None}, body=_RESOURCE, missing=True)
def _edit_resource(control: Control, ask: Ask) -> Result:
    """Change a resource behind the client's back: by attributes, or by a PatchOp."""
    tenant, document = control.tenant(ask), ask.json()
    if isinstance(document, dict) and "operations" not in (name.lower() for name in document):
        value = _with_members(tenant, tenant.resource_type(ask.parts[0]), document)
        document = {"Operations": [{"op": "replace", "value": value}]}
    return _edit(control, ask, "PATCH", document)


@route("DELETE", _ONE, {204: None}, missing=True)
def _drop_resource(control: Control, ask: Ask) -> Result:
    """Delete a resource behind the client's back."""
    return _edit(control, ask, "DELETE", None)


def _edit(control: Control, ask: Ask, method: str, document: Any) -> Result:  # noqa: ANN401
    """Do what a client could, with every leniency, and leave no trace in the journal."""
    id_ = ask.parts[1] if len(ask.parts) > 1 else None
    try:
        reply = control.tenant(ask).edit(method, ask.parts[0], id_, document, control.base(ask), careful=True)
    except Slip as slip:
        raise ControlError(400, slip.detail, _place(ask.json(), slip.name)) from None
    return reply.status, reply.body


def _place(document: object, name: str | None) -> str | None:
    """Where a name stands in a document; None where it does not, as it is."""
    keys = enumerate(document) if isinstance(document, list) else document.items() if isinstance(document, dict) else ()
    for key, value in keys:
        below = "" if key == name else _place(value, name)
        if below is not None:
            return pointer_to("", key) + below
    return None


def _called(tenant: Tenant, kind: ResourceType, name: str) -> list[Record]:
    """The resources that a test may mean by a name: the one with that id, else those that are called so."""
    table = tenant.store.tables[kind.name]
    record = table.records.get(name)
    if record is not None:
        return [record]
    for key in _naming(kind):
        found = table.lookup(key, folded(kind.attributes[key], name) or "")
        if found:
            exact = [each for each in found if each.attributes().get(kind.attributes[key].name) == name]
            return exact or found
    return []


def _naming(kind: ResourceType) -> list[str]:
    """The attributes by whose values resources of a type are known, best first."""
    names = _NAMES.get(kind.name) or (*(attribute.key for attribute in kind.unique), *_OTHER_NAMES)
    return [name for name in dict.fromkeys(names) if name in kind.attributes]


def _shown(tenant: Tenant, record: Record, base: str) -> dict[str, Any]:
    """A resource as a client sees it, and that it has secrets, which nobody is told."""
    document = tenant.store.document(record, base, etag=tenant.policy.etag)
    return document | dict.fromkeys(record.secrets or (), MASK)


def _names(tenant: Tenant, records: Iterable[Record]) -> dict[str, str]:
    """What people call resources, and the members of those."""
    found: dict[str, str] = {}
    for record in records:
        for id_ in (record.id, *(member.value for member in record.members or ())):
            held = record if id_ == record.id else tenant.store.find(id_) if id_ not in found else None
            if held is None:
                continue
            attributes = held.attributes()
            values = (attributes.get(held.type.attributes[key].name) for key in _naming(held.type))
            name = next((value for value in values if isinstance(value, str) and value), None)
            if name is not None:
                found[id_] = name
    return found


def _with_members(tenant: Tenant, kind: ResourceType, document: Any) -> Any:  # noqa: ANN401
    """The document, with members that are mere names in the way SCIM has them."""
    if kind.keyed is None or not isinstance(document, dict):
        return document
    found = dict(document)
    for name, listed in document.items():
        if name.lower() == kind.keyed.key and isinstance(listed, list):
            found[name] = [_member(tenant, each, f"/{name}/{index}") for index, each in enumerate(listed)]
    return found


def _member(tenant: Tenant, given: object, where: str) -> object:
    if not isinstance(given, str):
        return given
    known = tenant.known(given)
    if known is None:
        raise ControlError(
            400, f"an id, a userName or a group's displayName was expected, {given[:100]!r} is none here", where
        )
    return {"value": known[0], "type": known[1]}
