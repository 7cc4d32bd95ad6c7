"""The aiohttp edge: sockets, authentication, faults on the wire, the control API."""

from mockscim.server.app import ScimServer, create_server
from mockscim.server.embed import TOKEN, create_app
from mockscim.server.options import Options

__all__ = ["TOKEN", "Options", "ScimServer", "create_app", "create_server"]
