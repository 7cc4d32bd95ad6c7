"""mockscim: a lightweight asynchronous SCIM 2.0 mock server.

``create_app`` and ``TOKEN`` are imported when they are first used, so that importing mockscim costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockscim.version import __version__

if TYPE_CHECKING:
    from mockscim.server import TOKEN, create_app

__all__ = ["TOKEN", "__version__", "create_app"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name in ("TOKEN", "create_app"):
        from mockscim import server  # noqa: PLC0415 - aiohttp is imported by who asks for a server

        return getattr(server, name)
    raise AttributeError(f"module 'mockscim' has no attribute {name!r}")
