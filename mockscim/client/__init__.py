"""The Python API: a server in this process, or a tenant of one that runs elsewhere, as one object.

    mock.py      MockScim ── views, rules, gate, clock, journal, … : what tests say
    line.py        └─ Line: every operation is a request of the control API, and its answer a copy
    inside.py          in_loop.py, threaded.py: answered in this process, without HTTP
    connected.py       by HTTP

Names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mockscim.client.line import ControlRefused
    from mockscim.client.mock import MockScim
    from mockscim.client.rules import error, ok
    from mockscim.client.sweeping.mark import sweep
    from mockscim.client.sweeping.result import SweepResult

__all__ = ["ControlRefused", "MockScim", "SweepResult", "error", "ok", "sweep"]

_HOMES = {
    "ControlRefused": "line",
    "MockScim": "mock",
    "SweepResult": "sweeping.result",
    "error": "rules",
    "ok": "rules",
    "sweep": "sweeping.mark",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name in _HOMES:
        return getattr(import_module(f"mockscim.client.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'mockscim.client' has no attribute {name!r}")
