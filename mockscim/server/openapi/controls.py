"""The operations of the control API, from its own table of routes."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from mockscim.faults import FaultType, all_types, bundled_scenarios
from mockscim.faults.documents import json_schema, schema_hook
from mockscim.faults.rule import RuleDocument, SequenceDocument
from mockscim.invariants.parameters import Strictness
from mockscim.server import shapes
from mockscim.server.address import CONTROL
from mockscim.server.control import Route, routes
from mockscim.server.openapi.parts import Document, Parts, answer, content, reference

_JSON = ["application/json"]
# The names of resource types have no dot, so nothing can clash with one that a fixture brings.
_PREFIX = "control."
_GROUP = re.compile(r"\(\?P<(\w+)>((?:\[[^\]]*\]|[^()])+)\)")
_NUMBER = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}
_QUERY: dict[str, tuple[Document, str]] = {
    "operation": ({"type": "string"}, "Only this operation or refinement; * stands for any text"),
    "status": ({"type": "string"}, "Only answers with this status"),
    "fault": ({"type": "string"}, "Only where this rule, or this type of fault, struck"),
    "filter": ({"type": "string"}, "Only what this SCIM filter holds for"),
    "name": ({"type": "string"}, "Only what has this id, or this name: a userName, a displayName, what is unique"),
    "skip": (_NUMBER, "So many are left out at the beginning"),
    "wait": ({"type": "string"}, "How long to wait for a request to come: 2s"),
    "since": (_NUMBER, "Only what has a greater number"),
    "limit": ({**_NUMBER, "minimum": 1}, "So many at most; 1000 unless said otherwise"),
}
_QUERY |= {name: (schema, schema["description"]) for name, schema in json_schema(Strictness)["properties"].items()}
_REFUSALS = {
    400: "The request is malformed, or asks for what cannot be",
    401: "The admin token is missing or wrong",
    403: "Asked from a web page of another origin, or by a host that is not let in",
    404: "There is no such thing",
    409: "It clashes with what is there",
    413: "The body is too large",
}


def paths(parts: Parts, *, admin: bool) -> Document:
    """The paths below ``/_mockscim``; what they refer to goes into ``parts``."""
    _name_rules(parts)
    problem = _schema(shapes.Problem, parts)
    if admin:
        text = "What the server was started with as --admin-token"
        parts.security["adminToken"] = {"type": "http", "scheme": "bearer", "description": text}
    found: Document = {}
    for route in routes():
        path, parameters = _template(route.pattern.pattern)
        operations = found.setdefault(CONTROL + path, {})
        if parameters:
            operations["parameters"] = parameters
        operations[route.method.lower()] = _operation(route, parts, problem, admin=admin)
    return found


def _operation(route: Route, parts: Parts, problem: Document, *, admin: bool) -> Document:
    refused = [400, 403, *([401] if admin else []), *([404] if route.missing else [])]
    answers = {
        str(status): answer("Done", None if shape is None else content(_schema(shape, parts), _JSON))
        for status, shape in route.answers.items()
    }
    document: Document = {
        "operationId": f"control.{route.action.__name__.strip('_')}",
        "tags": ["control"],
        "summary": (route.action.__doc__ or "").partition("\n")[0].rstrip(".:"),
        "security": [{"adminToken": []}] if admin else [],
    }
    if route.query:
        document["parameters"] = [
            {"name": name, "in": "query", "description": _QUERY[name][1], "schema": _QUERY[name][0]}
            for name in route.query
        ]
    if route.body is not None:
        document["requestBody"] = {"content": content(_schema(route.body, parts), _JSON)}
        refused += [409, 413]
    for status in refused:
        headers = {"WWW-Authenticate": "How to authenticate"} if status == 401 else None
        answers[str(status)] = answer(_REFUSALS[status], content(problem, _JSON), headers)
    document["responses"] = dict(sorted(answers.items()))
    return document


def _template(pattern: str) -> tuple[str, list[Document]]:
    """A route's pattern as a path template, and its parameters: ``/faults/(?P<name>[^/]+)`` to ``/faults/{name}``."""
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": f"^{inner}$"}}
        for name, inner in _GROUP.findall(pattern)
    ]
    path = re.sub(r"\\(.)", r"\1", _GROUP.sub(r"{\1}", pattern))
    return path.rstrip("/"), parameters


def _schema(shape: Any, parts: Parts, prefix: str = _PREFIX) -> Document:  # noqa: ANN401 - a type, or a schema's name
    if isinstance(shape, str):
        return reference(prefix + shape)
    template = f"#/components/schemas/{prefix}{{name}}"
    [found], components = msgspec.json.schema_components([shape], schema_hook=schema_hook, ref_template=template)
    parts.schemas.update({prefix + name: schema for name, schema in components.items()})
    return found


def _name_rules(parts: Parts) -> None:
    """Fault rules as they are sent and answered, each type with parameters of its own.

    Each is written out whole: a schema made of an envelope and of its type's own part has to be put together by whoever
    makes rules from it, and with so many types few tools can.
    """
    _schema(RuleDocument, parts)
    sequence = _schema(SequenceDocument, parts)
    envelope, step = parts.schemas[f"{_PREFIX}RuleDocument"], parts.schemas.pop(f"{_PREFIX}StepDocument")
    # What a listing adds: numbers there, and ignored when sent back.
    for rule in (envelope, parts.schemas[f"{_PREFIX}SequenceDocument"]):
        rule["properties"] |= {"hits": {}, "matches": {}}
    del parts.schemas[f"{_PREFIX}RuleDocument"]
    rules, steps = [], []
    for kind in all_types():
        of_kind = {
            "type": {"enum": [kind.name, *kind.aliases]},
            "phase": {"enum": [*kind.phases, None]},
            "parameters": _schema(kind.parameters, parts, f"{_PREFIX}{kind.name}."),
        }
        rules.append(_of_kind(envelope, kind, of_kind))
        steps.append(_of_kind(step, kind, of_kind))
    parts.name(f"{_PREFIX}StepDocument", {"anyOf": steps})
    one = parts.name(f"{_PREFIX}Rule", {"anyOf": [*rules, sequence]})
    several = {"type": "array", "items": one}
    listed = {"type": "object", "properties": {"items": several, "next": {"type": "null"}}, "required": ["items"]}
    scenario = parts.name(f"{_PREFIX}Scenario", _scenario(several))
    parts.name(f"{_PREFIX}Rules", listed)
    parts.name(f"{_PREFIX}AllRules", {"anyOf": [several, scenario]})
    parts.name(f"{_PREFIX}StartRules", {"anyOf": [several, scenario, {"type": "object", "maxProperties": 0}]})
    parts.name(f"{_PREFIX}NewRules", {"anyOf": [one, several, scenario]})
    parts.name(f"{_PREFIX}RuleOrRules", {"anyOf": [one, listed]})


def _scenario(rules: Document) -> Document:
    """A scenario: with its rules, or by the name of one that comes along."""
    name = {"enum": list(bundled_scenarios())}
    whole = {"type": "object", "properties": {"rules": rules}, "required": ["rules"]}
    named = {"type": "object", "properties": {"scenario": name}, "required": ["scenario"]}
    return {"anyOf": [whole, named, name]}


def _of_kind(document: Document, kind: FaultType, of_kind: Document) -> Document:
    properties = {**document["properties"], **of_kind}
    return {**document, "title": kind.name, "description": kind.doc, "properties": properties}
