"""The aiohttp edge: sockets, authentication, faults on the wire, the control API.

What is named here is imported when it is first used, so that what needs no aiohttp does not wait for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mockscim.server.app import ScimServer, create_server
    from mockscim.server.embed import TOKEN, create_app
    from mockscim.server.options import Options

__all__ = ["TOKEN", "Options", "ScimServer", "create_app", "create_server"]

_HOMES = {"ScimServer": "app", "create_server": "app", "TOKEN": "embed", "create_app": "embed", "Options": "options"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name in _HOMES:
        return getattr(import_module(f"mockscim.server.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'mockscim.server' has no attribute {name!r}")
