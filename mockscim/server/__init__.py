"""The aiohttp edge: sockets, authentication, faults on the wire, the control API."""

from mockscim.server.app import TOKEN, Options, ScimServer, create_app, create_server

__all__ = ["TOKEN", "Options", "ScimServer", "create_app", "create_server"]
