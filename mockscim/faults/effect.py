"""What a fault does to one request, decided: values that the wire applies and the journal names.

An effect says what, never when: the phase is beside it in the decision. ``terminal`` effects take the place
of the answer, and a request has at most one; delays add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar, Literal

from mockscim.durations import format_duration
from mockscim.scim.errors import ScimError

if TYPE_CHECKING:
    from mockscim.faults.world import Serve, World
    from mockscim.scim.call import Call, Reply


def phrase(status: int) -> str:
    """The usual words for a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"Status {status}"


class Effect:
    """Base of all effects."""

    __slots__ = ()
    terminal: ClassVar[bool] = True
    applies: ClassVar[bool] = True  # False: nothing goes wrong, nothing is counted or told

    @property
    def outcome(self) -> str:
        """A few words for the journal, such as ``503``, ``reset`` or ``latency 50ms``."""
        raise NotImplementedError


class Serving(Effect):
    """Changes how the request is served: base of all faults that know SCIM.

    They nest: the first rule's is the outermost. ``wire`` is what then becomes of the answer on its way, if anything;
    with it the effect is terminal.
    """

    __slots__ = ()
    terminal: ClassVar[bool] = False

    @property
    def wire(self) -> Effect | None:
        """What the answer meets on the wire: Drop, Reset, Hang, Truncate, Respond …; None: it arrives."""
        return None

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Serve the request in a bad way.

        Args:
            world: the directory, its past, and what the rule remembers.
            call: the request; read, not yet performed.
            serve: serves a request as it would be without this fault.

        Raises:
            ScimError: the request is refused.
        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Proceed(Effect):
    """Nothing goes wrong: the step of a sequence that lets a request through."""

    terminal: ClassVar[bool] = False
    applies: ClassVar[bool] = False

    @property
    def outcome(self) -> str:
        """For completeness; a request let through has no fault in the journal."""
        return "ok"


@dataclass(frozen=True, slots=True)
class Delay(Effect):
    """Wait so many seconds of real time, then go on."""

    seconds: float
    terminal: ClassVar[bool] = False

    @property
    def outcome(self) -> str:
        """``latency 50ms``."""
        return f"latency {format_duration(self.seconds)}"


@dataclass(frozen=True, slots=True)
class Respond(Effect):
    """Answer with this instead of the service's answer.

    ``headers`` hold neither Content-Type nor Content-Length; with an empty ``content_type`` none is sent.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    content_type: str = ""

    @classmethod
    def refusing(cls, error: ScimError) -> Respond:
        """Answer with a SCIM Error (RFC 7644 §3.12)."""
        return cls(error.status, tuple(error.headers.items()), error.body(), "application/scim+json")

    @property
    def outcome(self) -> str:
        """The status."""
        return str(self.status)


@dataclass(frozen=True, slots=True)
class Drop(Effect):
    """Close the connection in order (FIN) without a byte of an answer."""

    @property
    def outcome(self) -> str:
        """``drop``."""
        return "drop"


@dataclass(frozen=True, slots=True)
class Reset(Effect):
    """Abort the connection (RST) without a byte of an answer."""

    @property
    def outcome(self) -> str:
        """``reset``."""
        return "reset"


@dataclass(frozen=True, slots=True)
class Hang(Effect):
    """Say nothing for so many seconds of real time, then close; None: until the client leaves."""

    seconds: float | None = None

    @property
    def outcome(self) -> str:
        """``hang`` or ``hang 30s``."""
        return "hang" if self.seconds is None else f"hang {format_duration(self.seconds)}"


@dataclass(frozen=True, slots=True)
class Truncate(Effect):
    """Send the head and the first part of the body, and then end the connection.

    ``at`` is a number of bytes when int, a fraction of the body when float. ``broken`` framing announces the
    full length; ``chunked`` announces none and lacks its last chunk; ``valid`` announces what is sent, so that only
    the JSON tells. The connection ends in order (FIN), with a reset (RST), or not before the client leaves.
    """

    at: int | float
    framing: Literal["broken", "chunked", "valid"] = "broken"
    ending: Literal["close", "reset", "hang"] = "close"

    def cut(self, length: int) -> int:
        """How many bytes of a body of ``length`` bytes are sent."""
        return min(self.at, length) if isinstance(self.at, int) else int(self.at * length)

    @property
    def outcome(self) -> str:
        """``truncate at 50%`` or ``truncate at 100 bytes, reset``."""
        place = f"{self.at} bytes" if isinstance(self.at, int) else f"{self.at * 100:g}%"
        return f"truncate at {place}" + ("" if self.ending == "close" else f", {self.ending}")


@dataclass(frozen=True, slots=True)
class Drip(Effect):
    """Send the body in chunks of so many bytes with a wait between them.

    ``interval`` and ``total`` are seconds of real time; exactly one is given. With ``total`` the waits add up
    to it, whatever the length.
    """

    chunk: int
    interval: float | None = None
    total: float | None = None

    def pause(self, length: int) -> float:
        """Seconds to wait between two chunks of a body of ``length`` bytes."""
        if self.total is None:
            return self.interval or 0.0
        gaps = -(-length // self.chunk) - 1
        return self.total / gaps if gaps > 0 else 0.0

    @property
    def outcome(self) -> str:
        """``drip 64 bytes every 100ms`` or ``drip 64 bytes over 2s``."""
        if self.total is not None:
            return f"drip {self.chunk} bytes over {format_duration(self.total)}"
        return f"drip {self.chunk} bytes every {format_duration(self.interval or 0.0)}"


Part = Literal["random", "status_line", "header", "content_length", "short_length", "chunk_size", "json"]


@dataclass(frozen=True, slots=True)
class Malformed(Effect):
    """Send an answer of which one part is not what it has to be; ``noise`` are the bytes that do not belong there.

    ``random`` is nothing but noise; ``content_length`` has two lengths that differ; ``short_length`` announces half of
    the body and sends all of it; ``json`` is good HTTP around noise. After all but the last two the connection closes.
    """

    part: Part
    noise: bytes

    @property
    def outcome(self) -> str:
        """``malformed status_line``."""
        return f"malformed {self.part}"


@dataclass(frozen=True, slots=True)
class SlowClose(Effect):
    """Send the whole answer, and close the connection only so many seconds of real time later.

    With ``length`` the answer says where it ends; with ``close`` only the end of the connection does.
    """

    seconds: float
    framing: Literal["length", "close"] = "length"

    @property
    def outcome(self) -> str:
        """``slow close 5s``."""
        return f"slow close {format_duration(self.seconds)}"


@dataclass(frozen=True, slots=True)
class Refuse(Effect):
    """Reset the connection, and let no new one come to the whole process for so many seconds of real time.

    ``closed``: nobody listens; ``reset``: they are accepted and reset, before TLS. Where the listening socket is not
    ours (an Application embedded in another) only the one connection is reset.
    """

    seconds: float
    how: Literal["closed", "reset"] = "closed"

    @property
    def outcome(self) -> str:
        """``refuse 2s``."""
        return f"refuse {format_duration(self.seconds)}"
