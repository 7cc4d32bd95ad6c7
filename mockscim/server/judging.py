"""What the control API does with the invariants: what the judge is told, and what it says."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import msgspec
import orjson

from mockscim import fixtures
from mockscim.clock import format_instant
from mockscim.faults.documents import convert
from mockscim.fixtures import Entry, Fixture, resolve_members
from mockscim.invariants.marks import Expectation, Mark, MarkDocument, place
from mockscim.invariants.parameters import Strictness
from mockscim.scim.body import shallow_json
from mockscim.server import shapes
from mockscim.server.control import Ask, Control, ControlError, Result, route
from mockscim.tenant import Tenant

_FIXTURE = shapes.Fixture | list[dict[str, Any]]


class JudgeDocument(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The body of ``POST invariants``."""

    desired: dict[str, Any] | list[dict[str, Any]] | None = None
    parameters: Strictness = msgspec.field(default_factory=Strictness)


@route("GET", "/invariants", {200: shapes.Judgement}, query=Strictness.__struct_fields__)
def _invariants(control: Control, ask: Ask) -> Result:
    """What of I1 to I13 has held so far, by the journal, the history, the marks and what is desired."""
    given = {name: _value(name, text) for name, text in ask.parameters.items()}
    tenant = control.tenant(ask)
    return 200, _judge(tenant, convert(given, Strictness), tuple(tenant.expectations))


@route("POST", "/invariants", {200: shapes.Judgement}, body=JudgeDocument)
def _judge_once(control: Control, ask: Ask) -> Result:
    """The same, held for this once against a desired state of its own; nothing is kept of it."""
    tenant = control.tenant(ask)
    given = convert(ask.json() if ask.body else {}, JudgeDocument)
    expectations = tuple(tenant.expectations)
    if given.desired is not None:
        expectations = (Expectation(_desired(tenant, orjson.dumps(given.desired)), 0),)
    return 200, _judge(tenant, given.parameters, expectations)


@route("GET", "/desired", {200: shapes.Fixture}, missing=True)
def _get_desired(control: Control, ask: Ask) -> Result:
    """Where the client should arrive, as a fixture document."""
    tenant = control.tenant(ask)
    if not tenant.expectations:
        raise ControlError(404, "nobody said what is desired; PUT it")
    return 200, fixtures.as_document(tenant.expectations[-1].fixture)


@route("PUT", "/desired", {200: shapes.Desired}, body=_FIXTURE)
def _put_desired(control: Control, ask: Ask) -> Result:
    """Say where the client should arrive from now on: a fixture document, held against what it names."""
    tenant = control.tenant(ask)
    fixture = _desired(tenant, ask.body)
    tenant.expectations.append(Expectation(fixture, tenant.journal.last))
    return 200, {"desired": len(fixture.resources)}


@route("DELETE", "/desired", {204: None})
def _drop_desired(control: Control, ask: Ask) -> Result:
    """Desire nothing any more."""
    control.tenant(ask).expectations.clear()
    return 204, None


@route("GET", "/marks", {200: shapes.Marks})
def _get_marks(control: Control, ask: Ask) -> Result:
    """The marks so far."""
    return 200, {"items": [_shown(mark) for mark in control.tenant(ask).marks], "next": None}


@route("POST", "/marks", {201: shapes.Mark}, body=MarkDocument)
def _mark(control: Control, ask: Ask) -> Result:
    """Mark the begin or the end of a cycle of the client, and what it reports of it."""
    tenant = control.tenant(ask)
    document = convert(ask.json() if ask.body else {}, MarkDocument)
    try:
        mark = place(document, tenant.marks, tenant.journal.last, tenant.history.last, tenant.clock.now())
    except ValueError as error:
        raise ControlError(409, str(error), "/event") from None
    tenant.marks.append(mark)
    return 201, _shown(mark)


def _shown(mark: Mark) -> dict[str, Any]:
    return {**mark.document(), "time": format_instant(mark.at)}


def _value(name: str, text: str) -> object:
    """A parameter of the query string as JSON would have it; a duration may be a text as well."""
    if name in ("only", "within", "pause") and not text.replace(".", "", 1).isdigit():
        return text
    try:
        return shallow_json(text)
    except ValueError:
        return text


def _desired(tenant: Tenant, body: bytes) -> Fixture:
    """A desired state.

    Raises:
        FixtureError: names the place of what cannot be desired: an endpoint that is not here, a member nobody knows.
    """
    fixture = fixtures.parse(body, "desired")
    endpoints = tenant.registry.endpoints
    for entry in fixture.resources:
        if entry.endpoint.lower() not in endpoints:
            known = ", ".join(kind.endpoint for kind in tenant.registry.types.values())
            raise fixtures.FixtureError(
                "desired", entry.pointer, f"there is no endpoint {entry.endpoint} (known: {known})"
            )
    # Only to find what is wrong: members may be made again under other ids, so they are looked up when judged.
    copies = [
        Entry(entry.endpoint, {"id": f"desired {index}", **deepcopy(entry.document)}, entry.pointer, entry.source)
        for index, entry in enumerate(fixture.resources)
    ]
    types = {endpoint: kind.name for endpoint, kind in endpoints.items()}
    resolve_members(copies, tenant.known, types=types)
    return fixture


def _judge(tenant: Tenant, parameters: Strictness, expectations: tuple[Expectation, ...]) -> dict[str, Any]:
    from mockscim.invariants.judge import judge  # noqa: PLC0415 - thirteen files that most runs never need
    from mockscim.invariants.scene import Scene  # noqa: PLC0415

    scene = Scene(
        exchanges=list(tenant.journal),
        history=list(tenant.history),
        types=list(tenant.registry.types.values()),
        records=[record for table in tenant.store.tables.values() for record in table],
        now=tenant.clock.now(),
        virtual=tenant.clock.mode == "virtual",
        expectations=expectations,
        marks=list(tenant.marks),
        parameters=parameters,
        journal_lost=tenant.journal.dropped + tenant.journal.cleared,
        history_lost=tenant.history.dropped,
    )
    try:
        items = judge(scene)
    except ValueError as error:
        raise ControlError(400, str(error), "/only") from None
    return {
        "items": items,
        "next": None,
        "broken": [item["id"] for item in items if item["verdict"] == "broken"],
        "exchanges": len(tenant.journal),
        "seed": tenant.start.seed,
        "reproduce": tenant.command(),
    }
