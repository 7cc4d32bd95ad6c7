"""What a provisioning service says and hears, without a socket.

A plan is a generator: it yields requests, is sent the answers, and returns what came of it. Whoever drives it brings
the connection, the clock and the patience.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")


class Request(NamedTuple):
    """One request to send.

    Args:
        method: as HTTP has it, in capitals.
        path: below the base URL, its query encoded as the provider encodes it: ``/Users?filter=userName%20eq…``.
        body: what is sent as JSON; None for no body.
        purpose: what it is for, in words for people: ``match ann@example.com``.
        after: seconds to let pass before it is sent, where the target has asked for it (Retry-After).
    """

    method: str
    path: str
    body: dict[str, Any] | None = None
    purpose: str = ""
    after: float = 0.0


class Answer(NamedTuple):
    """What came back.

    Args:
        status: the HTTP status; None when no answer came.
        headers: as they came, in any case.
        body: parsed JSON; text where it was none; None where there was nothing.
        error: why there is no answer: ``timeout``, ``connection``, or what the sender calls it.
        seconds: how long it took.
    """

    status: int | None
    headers: Mapping[str, str] = {}
    body: Any = None
    error: str = ""
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Whether it is a 2xx."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def resource(self) -> dict[str, Any]:
        """The body when it is a JSON object, else an empty one."""
        return self.body if isinstance(self.body, dict) else {}

    def header(self, name: str) -> str | None:
        """A header's value, the name in any case."""
        wanted = name.lower()
        return next((value for key, value in self.headers.items() if key.lower() == wanted), None)


Steps = Generator[Request, Answer, T]


def drive(steps: Steps[T], send: Callable[[Request], Answer]) -> T:
    """Run a plan to its end with a function that answers: a test's, or a server in the same process."""
    try:
        request = next(steps)
        while True:
            request = steps.send(send(request))
    except StopIteration as end:
        result: T = end.value
        return result
