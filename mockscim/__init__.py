"""mockscim: a lightweight asynchronous SCIM 2.0 mock server.

Names are imported when they are first used, so that importing mockscim costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mockscim.version import __version__

if TYPE_CHECKING:
    from mockscim.client import ControlRefused, MockScim, error, ok, sweep
    from mockscim.provision import Entra, Okta
    from mockscim.server import TOKEN, create_app

__all__ = [
    "TOKEN",
    "ControlRefused",
    "Entra",
    "MockScim",
    "Okta",
    "__version__",
    "create_app",
    "error",
    "ok",
    "sweep",
]

_HOMES = {
    "ControlRefused": "client",
    "Entra": "provision",
    "MockScim": "client",
    "Okta": "provision",
    "TOKEN": "server",
    "create_app": "server",
    "error": "client",
    "ok": "client",
    "sweep": "client",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name in _HOMES:
        return getattr(import_module(f"mockscim.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'mockscim' has no attribute {name!r}")
