"""``error_shape``: errors that are no SCIM Errors."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import orjson
from msgspec import Meta

from mockscim.faults.answers import answer
from mockscim.faults.draw import Draw
from mockscim.faults.effect import Effect, Serving
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply
from mockscim.scim.errors import ScimError

Mode = Literal["html_502", "json_not_scim", "status_as_int", "empty_body", "200_with_error", "wrong_scim_type"]
_HTML = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><h1>502 Bad Gateway</h1></body>\r\n</html>\r\n"
_ERROR = 400


@fault(
    "error_shape",
    family="representation",
    phases=("after",),
    terminal=False,
    argument="mode",
    doc="Gives errors another shape than RFC 7644 §3.12 has. html_502 is what a proxy answers in the place of anything;"
    " the others are about requests that the provider refuses, or, with `status`, about all: those are served, and an"
    " error is what the client hears.",
    correct_client="Decides by the HTTP status, whatever the body is; logs the body as it came; takes 200 with an Error"
    " inside for an error.",
)
class ErrorShape(Parameters, frozen=True, kw_only=True):
    """Which shape."""

    mode: Annotated[
        Mode,
        Meta(
            description="html_502: a page; json_not_scim: JSON of another kind; status_as_int: `status` is a number;"
            " empty_body: none; 200_with_error: the Error comes with 200; wrong_scim_type: a scimType that does not"
            " fit."
        ),
    ] = "html_502"
    status: Annotated[
        Annotated[int, Meta(ge=400, le=599)] | None, Meta(description="An error where the provider has none.")
    ] = None

    def effect(self, _draw: Draw, /) -> Effect:
        """Reshape."""
        return Reshape(self.mode, self.status)


@dataclass(frozen=True, slots=True)
class Reshape(Serving):
    """Serve it, and answer errors in another shape."""

    mode: Mode
    status: int | None

    @property
    def outcome(self) -> str:
        """``error json_not_scim``."""
        return f"error {self.mode}"

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Serve it, and reshape what it is answered."""
        reply = answer(serve, call)
        if self.mode == "html_502":
            return _like(reply, self.status or 502, _HTML, "text/html")
        if reply.status < _ERROR:
            if self.status is None:
                world.spare()
                return reply
            reply = _like(reply, self.status, ScimError(self.status, None, "something went wrong").body())
        status, document = reply.status, _parsed(reply)
        if self.mode == "json_not_scim":
            document = {"error": {"code": status, "message": document.get("detail", "")}, "success": False}
            return _like(reply, status, orjson.dumps(document), "application/json")
        if self.mode == "empty_body":
            return _like(reply, status, None)
        if self.mode == "200_with_error":
            return _like(reply, 200, reply.body)
        if self.mode == "status_as_int":
            document["status"] = status
        else:
            document["scimType"] = "tooMany" if document.get("scimType") != "tooMany" else "uniqueness"
        return _like(reply, status, orjson.dumps(document))


def _parsed(reply: Reply) -> dict[str, Any]:
    found = orjson.loads(reply.body or b"{}")
    return found if isinstance(found, dict) else {}


def _like(reply: Reply, status: int, body: bytes | None, content_type: str = "") -> Reply:
    """An answer in the place of another: what was committed is the same, what the client is told is not."""
    kept = {name: value for name, value in reply.headers.items() if name not in ("Location", "ETag", "Content-Type")}
    headers = {"Content-Type": content_type, **kept} if content_type else kept
    return Reply(status, body, headers, reply.resource, reply.changes)
