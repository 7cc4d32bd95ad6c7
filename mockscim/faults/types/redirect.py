"""``redirect``: the provider, or something before it, sends the client elsewhere."""

import re
from typing import Annotated, Literal
from urllib.parse import quote, urlsplit

from msgspec import Meta

from mockscim.faults.effect import Effect, Respond
from mockscim.faults.errors import Wrong
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault

_HOST = "https://scim-eu.example.net"
_LOGIN = "https://login.example.net/sign-in?continue="
_PLAIN = re.compile(r"https?://[!-~]+")  # no spaces, no line ends
_PAGE = b"<!doctype html><title>Sign in</title><h1>Please sign in</h1>"


@fault(
    "redirect",
    family="authority, load, outages",
    argument="status",
    doc="Answers with a redirect to another host, to a login page, to the same place again, or to a URL of your"
    " choice.",
    correct_client="Sends its token to no other origin; takes a login page for a failed sign-in and not for data; keeps"
    " method and body with 307 and 308, and follows only so often.",
)
class Redirect(Parameters, frozen=True, kw_only=True):
    """With what status, and where to."""

    status: Annotated[Literal[301, 302, 307, 308], Meta(description="HTTP status.")] = 307
    to: Annotated[
        str,
        Meta(
            description="other_host, login_page, same (the same URL again), or a URL; one without a path gets the"
            " request's."
        ),
    ] = "other_host"

    def __post_init__(self) -> None:
        if self.to in ("other_host", "login_page", "same"):
            return
        if not _PLAIN.fullmatch(self.to) or urlsplit(self.to).netloc == "":
            raise Wrong("to", "expected other_host, login_page, same or a URL such as https://example.org")

    def happen(self, moment: Moment, /) -> Effect:
        """Redirect."""
        target = moment.attempt.target
        if self.to == "login_page":
            headers = (("Location", _LOGIN + quote(target, safe="")),)
            return Respond(self.status, headers, _PAGE, "text/html; charset=utf-8")
        if self.to == "same":
            return Respond(self.status, (("Location", target),))
        to = _HOST if self.to == "other_host" else self.to
        return Respond(
            self.status, (("Location", to if urlsplit(to).path not in ("", "/") else to.rstrip("/") + target),)
        )
