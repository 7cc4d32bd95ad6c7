"""Who asks the control API from inside the process: in the place of a request that came by a connection."""

from __future__ import annotations

from collections.abc import Mapping

from mockscim.server.door import Door


class Insider:
    """What the control API asks of a request, for one that never was one.

    Args:
        host: the Host that references in answers are made of: ``127.0.0.1:41234``.
        door: the listening sockets of the server.
    """

    scheme = "http"

    def __init__(self, host: str, door: Door) -> None:
        self.headers: Mapping[str, str] = {"Host": host}
        self.door = door

    @property
    def protocol(self) -> Insider:
        """In the place of a connection, for who looks for the door by it."""
        return self
