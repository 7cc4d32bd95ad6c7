"""Why a filter matches or not, and what a PATCH does, step by step. Nothing is committed."""

from __future__ import annotations

import copy
from typing import Annotated, Any

import msgspec
import orjson

from mockscim.scim import match
from mockscim.scim.call import Call
from mockscim.scim.errors import ScimError, not_found
from mockscim.scim.filter import (
    And,
    AttrPath,
    Compare,
    Node,
    Not,
    Or,
    Present,
    ValueCompare,
    ValuePath,
    ValuePresent,
    parse,
)
from mockscim.scim.policy import LENIENCIES, Tolerance
from mockscim.scim.record import Record, shown
from mockscim.scim.schema import ResourceType
from mockscim.tenant import Tenant

_MOST_RESOURCES = 20
_LONGEST_VALUE = 200


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The body of ``POST explain``: a filter, or the PatchOp message of a PATCH of one resource, whole."""

    type: str = "User"
    id: str | None = None
    filter: str | None = None
    patch: Annotated[
        dict[str, Any] | None,
        msgspec.Meta(description="A whole PatchOp message (RFC 7644 §3.5.2), as a client sends it."),
    ] = None


def explain(tenant: Tenant, question: Question, base: str) -> dict[str, Any]:
    """Answer a question.

    Args:
        tenant: whose directory is looked at.
        question: what is asked.
        base: the base URL for references.

    Raises:
        ScimError: 404 for what is not there, 400 for a filter or a PATCH that is none.
    """
    kind = tenant.resource_type(question.type)
    if question.patch is not None:
        if not question.id or question.id.lower() == ".search":  # which would be another endpoint's path
            raise not_found("a PATCH is explained for one resource: give its id")
        return _explain_patch(tenant, kind, question.id, question.patch, base)
    if question.filter is None:
        raise ScimError(400, "invalidSyntax", "expected a filter or a patch to explain")
    return _explain_filter(tenant, kind, question.filter, question.id, base)


# -- filters ---------------------------------------------------------------------------------------------------


def _explain_filter(tenant: Tenant, kind: ResourceType, text: str, id_: str | None, base: str) -> dict[str, Any]:
    query = match.compile_filter(text, kind)
    parsed = parse(text)
    table = tenant.store.tables[kind.name]
    if id_ is not None:
        record = table.records.get(id_)
        if record is None:
            raise not_found(f"{kind.name} {id_[:200]} not found")
        records = [record]
    else:
        records = table.page(0, len(table))
    etag = tenant.policy.etag
    documents = [(record, tenant.store.document(record, base, etag=etag)) for record in records]
    matching = [record.id for record, document in documents if query.matches(document)]
    told = documents if id_ is not None else documents[:_MOST_RESOURCES]
    return {
        "filter": text,
        "read_as": str(parsed.node),
        "type": kind.name,
        "leniencies": [
            {"code": code, "source": LENIENCIES[code].source, "detail": detail} for code, detail in query.leniencies
        ],
        "index": [f"{key} = {value}" for key, value in query.equalities],
        "looked_at": len(documents),
        "matching": len(matching),
        "resources": [
            {"id": record.id, "name": _name(record), **_clause(parsed.node, kind, document)}
            for record, document in told
        ],
    }


def _name(record: Record) -> str:
    attributes = record.attributes()
    return str(attributes.get("userName") or attributes.get("displayName") or "")


def _clause(node: Node, kind: ResourceType, document: dict[str, Any]) -> dict[str, Any]:
    """One part of a filter: whether it holds, what stands where it looks, and its own parts."""
    found: dict[str, Any] = {
        "clause": str(node),
        "matches": bool(match.compile_filter(node, kind, unknown="false").matches(document)),
    }
    if isinstance(node, And | Or):
        found["parts"] = [_clause(item, kind, document) for item in node.items]
    elif isinstance(node, Not):
        found["parts"] = [_clause(node.item, kind, document)]
    elif isinstance(node, Present | Compare):
        found["values"] = _values(node.path, kind, document)
        if isinstance(node, Compare):
            attribute = kind.find(node.path.uri, node.path.name)
            leaf = attribute.sub(node.path.sub) if attribute is not None and node.path.sub is not None else attribute
            if leaf is not None and isinstance(node.value, str) and leaf.type == "string":
                found["case"] = "exact" if leaf.case_exact else "ignored"
    elif isinstance(node, ValuePath | ValueCompare | ValuePresent):
        found["values"] = _values(node.path, kind, document)
    return found


def _values(path: AttrPath, kind: ResourceType, document: dict[str, Any]) -> list[Any]:
    """What stands at a path."""
    attribute = kind.find(path.uri, path.name)
    if attribute is None:
        return []
    holder: Any = document
    if path.uri is not None and path.uri.lower() != kind.schema.key:
        extension = kind.extension(path.uri)
        holder = document.get(extension.id) if extension is not None else None
    held = holder.get(attribute.name) if isinstance(holder, dict) else None
    values = held if isinstance(held, list) else [held] if held is not None else []
    if path.sub is not None:
        sub = attribute.sub(path.sub)
        values = [value.get(sub.name) for value in values if isinstance(value, dict)] if sub is not None else []
    return [_short(value) for value in values if value is not None][:_MOST_RESOURCES]


def _short(value: Any) -> Any:  # noqa: ANN401
    return value[:_LONGEST_VALUE] if isinstance(value, str) else value


# -- PATCH -----------------------------------------------------------------------------------------------------


def _explain_patch(tenant: Tenant, kind: ResourceType, id_: str, patch: dict[str, Any], base: str) -> dict[str, Any]:
    call = tenant.service.route("PATCH", f"{kind.endpoint}/{id_}", base)
    tenant.service.read(call, (), orjson.dumps(patch))
    if call.problem is not None:
        raise call.problem
    record = tenant.service.planner.target(call)
    masked = tenant.journal.masks.body(orjson.dumps(patch))
    sent: list[Any] = next((value for name, value in masked.items() if name.lower() == "operations"), [])
    steps: list[dict[str, Any]] = []
    state = _state(kind, record.attributes(), record)
    for number in range(1, len(call.operations) + 1):
        step: dict[str, Any] = {"operation": sent[number - 1] if number <= len(sent) else None}
        so_far = copy.copy(call)
        so_far.operations, so_far.tolerance = call.operations[:number], Tolerance(call.tolerance.accepted)
        try:
            plan = tenant.service.planner.update(so_far, record)
        except ScimError as error:
            step["error"] = {"status": error.status, "scimType": error.scim_type, "detail": error.detail}
            step["leniencies"] = _new(so_far, steps)
            steps.append(step)
            break
        after = _state(kind, plan.attributes, record, plan.members)
        names = dict.fromkeys([*state, *after])
        step["changes"] = {
            name: {"before": state.get(name), "after": after.get(name)}
            for name in names
            if state.get(name) != after.get(name)
        }
        step["leniencies"] = _new(so_far, steps)
        steps.append(step)
        state = after
    refused = next((step["error"] for step in steps if "error" in step), None)
    return {
        "type": kind.name,
        "id": id_,
        "version": record.etag,
        "steps": steps,
        "result": "refused: nothing of it is done" if refused is not None else "accepted",
    }


def _new(call: Call, steps: list[dict[str, Any]]) -> list[dict[str, str]]:
    """The leniencies that this step needs and those before it did not."""
    told = [leniency for step in steps for leniency in step["leniencies"]]
    return [leniency for leniency in call.tolerance.report() if leniency not in told]


def _state(
    kind: ResourceType, attributes: dict[str, Any], record: Record, members: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A resource by its attributes, as it would be shown; members by their ids."""
    state = {
        name: value for name, value in shown(kind, attributes).items() if name.lower() not in _secret(kind)
    }  # what is never returned is not told here either
    if kind.keyed is not None:
        held = dict.fromkeys(member.value for member in record.members or ())
        for value, member in (members or {}).items():
            if member is None:
                held.pop(value, None)
            else:
                held[value] = None
        if held:
            state[kind.keyed.name] = list(held)
    return state


def _secret(kind: ResourceType) -> set[str]:
    return {name.lower() for name in kind.hidden}
