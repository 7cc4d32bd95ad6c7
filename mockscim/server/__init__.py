"""The aiohttp edge: sockets, authentication, faults on the wire, the control API."""

from mockscim.server.app import Options, ScimServer, create_app, create_server

__all__ = ["Options", "ScimServer", "create_app", "create_server"]
