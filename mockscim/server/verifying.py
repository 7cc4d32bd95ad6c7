"""What the control API does to tell whether a client did what it should have."""

from __future__ import annotations

import asyncio

from mockscim.explain import Question, explain
from mockscim.faults.documents import convert
from mockscim.lint import Traffic, lint
from mockscim.server import shapes, wire
from mockscim.server.connection import departure
from mockscim.server.control import Ask, Control, Result, route
from mockscim.tenant import Tenant
from mockscim.verify import Expectation, Scene, verify


@route("POST", "/verify", {200: shapes.Verdict}, body=Expectation)
async def _verify(control: Control, ask: Ask) -> Result:
    """Count exchanges, or look for some in an order; with ``within``, wait until it is as expected."""
    expected = convert(ask.json() if ask.body else {}, Expectation)
    tenant = control.tenant(ask)
    tenant.check_operation(expected.operation, "/operation")
    for index, operation in enumerate(expected.sequence or ()):
        tenant.check_operation(operation, f"/sequence/{index}")
    loop = asyncio.get_running_loop()
    end = loop.time() + (expected.within or 0.0)
    while True:
        verdict = verify(expected, scene(tenant))
        left = end - loop.time()
        if verdict.ok or left <= 0:
            return 200, verdict.document()
        with departure(ask.request) as gone:
            ended = await wire.pause_until(left, tenant.journal.watchers, tenant.cuts, gone)
        if ended is not tenant.journal.watchers:
            return 200, verify(expected, scene(tenant)).document()


@route("GET", "/lint", {200: shapes.Lint})
def _lint(control: Control, ask: Ask) -> Result:
    """What is unwise in the client's own traffic."""
    tenant = control.tenant(ask)
    types = {kind.endpoint.strip("/"): kind for kind in tenant.registry.types.values()}
    found = lint(Traffic(list(tenant.journal), types, tenant.clock.mode == "real"))
    return 200, {"items": [finding.document() for finding in found], "next": None}


@route("POST", "/explain", {200: shapes.Explanation}, body=Question, missing=True)
def _explain(control: Control, ask: Ask) -> Result:
    """Why a filter matches or not, or what a PATCH does, step by step; nothing is committed."""
    return 200, explain(control.tenant(ask), ask.document(Question), control.base(ask))


def scene(tenant: Tenant) -> Scene:
    """What has happened in a tenant."""
    return Scene(
        list(tenant.journal),
        tenant.journal.dropped,
        {entry.n: entry.change for entry in tenant.history},
        {kind.resource: kind for kind in tenant.registry.types.values()},
        tenant.command(),
    )
