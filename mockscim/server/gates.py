"""What the control API does with gates."""

from __future__ import annotations

from typing import Any

from mockscim.durations import parse_duration
from mockscim.gates import Gate, GateDocument
from mockscim.server import shapes, wire
from mockscim.server.connection import departure
from mockscim.server.control import Ask, Control, ControlError, Result, route

_GATE = "/gates/(?P<name>[^/]+)"
_LONGEST_WAIT = 3600.0


@route("GET", "/gates", {200: shapes.Gates})
def _get_gates(control: Control, ask: Ask) -> Result:
    """The gates that are closed."""
    return 200, {"items": [gate.describe() for gate in control.tenant(ask).gates], "next": None}


@route("PUT", _GATE, {200: shapes.Gate}, body=GateDocument)
def _put_gate(control: Control, ask: Ask) -> Result:
    """Close a gate: requests that match wait there until it is released."""
    tenant, document = control.tenant(ask), ask.json() if ask.body else {}
    tenant.check_operations(document)
    return 200, tenant.gates.put(ask.parts[0], document).describe()


@route("GET", _GATE, {200: shapes.Gate}, query=("wait",), missing=True)
async def _get_gate(control: Control, ask: Ask) -> Result:
    """A gate; with ``wait``, once a request has reached it, or the time is up."""
    gate = _known(control, ask)
    text = ask.parameters.get("wait")
    if text is not None and not gate.reached:
        try:
            seconds = min(parse_duration(text), _LONGEST_WAIT)
        except ValueError as error:
            raise ControlError(400, f"wait: {error}") from None
        with departure(ask.request) as left:
            await wire.pause_until(seconds, gate.watchers, control.tenant(ask).cuts, left)
    return 200, gate.describe()


@route("DELETE", _GATE, {200: shapes.Gate}, missing=True)
def _release_gate(control: Control, ask: Ask) -> Result:
    """Release a gate: who waits there goes on, and it is gone. Answers with what it was."""
    found: dict[str, Any] = _known(control, ask).describe()
    control.tenant(ask).gates.release(ask.parts[0])
    return 200, found


def _known(control: Control, ask: Ask) -> Gate:
    gate = control.tenant(ask).gates.get(ask.parts[0])
    if gate is None:
        raise ControlError(404, f"there is no gate {ask.parts[0][:100]}")
    return gate
