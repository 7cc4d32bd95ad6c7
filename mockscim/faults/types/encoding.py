"""``encoding``: the bytes of the body are not in the coding, or not in the charset, that is said."""

import gzip
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from mockscim.faults.answers import answer
from mockscim.faults.draw import Draw
from mockscim.faults.effect import Effect, Serving
from mockscim.faults.errors import Wrong
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply

Mode = Literal["gzip_lie", "gzip_truncated", "utf8_bom", "wrong_charset"]
Charset = Literal["utf-16", "iso-8859-1"]


@fault(
    "encoding",
    family="representation",
    phases=("after",),
    terminal=False,
    argument="mode",
    doc="Sends a body that is not what its head says: gzip that is none, gzip that stops, a byte order mark, another"
    " charset. In a bulk job it strikes the whole answer, as bulk.run, and no single operation.",
    correct_client="Takes it for a read that failed and repeats it, a few times; treats a write as in doubt.",
)
class Encoding(Parameters, frozen=True, kw_only=True):
    """How it is wrong."""

    mode: Annotated[
        Mode,
        Meta(
            description="gzip_lie: Content-Encoding: gzip, and plain bytes; gzip_truncated: the first half of good"
            " gzip; utf8_bom: a byte order mark before the JSON; wrong_charset: said to be UTF-8, and is not."
        ),
    ] = "gzip_lie"
    charset: Annotated[
        Charset | None,
        Meta(
            description="wrong_charset: what it is in; utf-16 unless given. In iso-8859-1 only beyond ASCII it shows."
        ),
    ] = None

    def __post_init__(self) -> None:
        if self.charset is not None and self.mode != "wrong_charset":
            raise Wrong("charset", "belongs to the mode wrong_charset")

    def effect(self, _draw: Draw, /) -> Effect:
        """Encode it wrongly."""
        return Miscode(self.mode, self.charset or "utf-16")


@dataclass(frozen=True, slots=True)
class Miscode(Serving):
    """Serve it, and send other bytes."""

    mode: Mode
    charset: Charset

    @property
    def outcome(self) -> str:
        """``encoding gzip_lie``."""
        return f"encoding {self.mode}"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Encode the body, of errors as well."""
        if call.quiet:
            world.spare()
            return serve(call)
        reply = answer(serve, call)
        if not reply.body:
            world.spare()
            return reply
        if self.mode.startswith("gzip"):
            reply.headers["Content-Encoding"] = "gzip"
        if self.mode == "gzip_truncated":
            packed = gzip.compress(reply.body, mtime=0)
            reply.body = packed[: len(packed) // 2]
        elif self.mode == "utf8_bom":
            reply.body = b"\xef\xbb\xbf" + reply.body
        elif self.mode == "wrong_charset":
            coded = reply.body.decode().encode(self.charset, "replace")
            if coded == reply.body:
                world.spare()
            reply.headers["Content-Type"] = "application/scim+json; charset=utf-8"
            reply.body = coded
        return reply
