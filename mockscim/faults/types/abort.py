"""``abort``: an answer with a status of your choice instead of the service's."""

import re
from http import HTTPStatus
from typing import Annotated, Any

import orjson
from msgspec import UNSET, Meta, field

from mockscim.faults.draw import Draw
from mockscim.faults.effect import Effect, Respond, phrase
from mockscim.faults.errors import Wrong
from mockscim.faults.registry import Parameters, fault
from mockscim.scim.errors import ScimError

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 §5.6.2
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")  # RFC 9110 §5.5: no line ends, or the head would be forged
_BODILESS = (204, 205, 304)  # RFC 9110 §15.3.5, §15.3.6, §15.4.5
_FRAMING = ("content-length", "transfer-encoding", "content-type")


@fault(
    "abort",
    family="transport",
    argument="status",
    doc="Answers with this status instead of the service's; the body is a SCIM Error unless one is given.",
    correct_client="Decides by the status. 429 and 503: waits as Retry-After says, at most so many times."
    " Other 5xx: treats a write as in doubt. 4xx: reports the resource and goes on with the rest.",
)
class Abort(Parameters, frozen=True, kw_only=True):
    """The answer."""

    status: Annotated[int, Meta(ge=200, le=599, description="HTTP status.")]
    scim_type: Annotated[str | None, Meta(description="scimType of the SCIM Error, such as uniqueness.")] = None
    detail: Annotated[str | None, Meta(description="detail of the SCIM Error, else the usual phrase.")] = None
    headers: Annotated[dict[str, str], Meta(description="Further response headers.")] = field(default_factory=dict)
    body: Annotated[Any, Meta(description="Instead of a SCIM Error: text is sent as it is, the rest as JSON.")] = UNSET
    content_type: Annotated[str | None, Meta(description="Content-Type; else SCIM's, or plain text's.")] = None
    retry_after: Annotated[
        int | float | str | None,
        Meta(description="Retry-After as it is to be sent: seconds, a date, nonsense."),
    ] = None

    def __post_init__(self) -> None:
        for name, value in self.headers.items():
            if not _TOKEN.fullmatch(name) or name.lower() in _FRAMING:
                raise Wrong("headers", f"{name!r} is not a header that can be set here (see content_type)")
            if not _VALUE.fullmatch(value):
                raise Wrong("headers", f"expected the value of {name} on one line, in Latin-1")
        for key, text in (("retry_after", self.retry_after), ("content_type", self.content_type)):
            if text is not None and not _VALUE.fullmatch(str(text)):
                raise Wrong(key, "expected text on one line, in Latin-1")
        if self.status in _BODILESS:
            for key in ("scim_type", "detail", "content_type"):
                if getattr(self, key) is not None:
                    raise Wrong(key, f"a {self.status} has no body")
            if self.body is not UNSET:
                raise Wrong("body", f"a {self.status} has no body")
        if self.body is not UNSET and (self.scim_type is not None or self.detail is not None):
            raise Wrong("body", "expected either a body or scim_type and detail of a SCIM Error")

    def effect(self, _draw: Draw, /) -> Effect:
        """Respond."""
        body, content_type = self._content()
        headers = list(self.headers.items())
        names = {name.lower() for name, _ in headers}
        if self.retry_after is not None and "retry-after" not in names:
            headers.append(("Retry-After", str(self.retry_after)))
        if self.status == HTTPStatus.UNAUTHORIZED and "www-authenticate" not in names:
            headers.append(("WWW-Authenticate", "Bearer"))  # a 401 must bear one (RFC 9110 §15.5.2)
        return Respond(self.status, tuple(headers), body, content_type)

    def _content(self) -> tuple[bytes, str]:
        if isinstance(self.body, str):
            return self.body.encode(), self.content_type or "text/plain; charset=utf-8"
        scim = self.content_type or "application/scim+json"
        if self.body is not UNSET:
            return orjson.dumps(self.body), scim
        explicit = self.scim_type is not None or self.detail is not None
        if self.status < HTTPStatus.BAD_REQUEST and not explicit:
            return b"", self.content_type or ""  # only errors have an Error message (RFC 7644 §3.12)
        detail = phrase(self.status) if self.detail is None else self.detail
        return ScimError(self.status, self.scim_type, detail).body(), scim
