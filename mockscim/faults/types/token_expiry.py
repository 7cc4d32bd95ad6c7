"""``token_expiry``: a token ends, perhaps in the middle of a cycle."""

from typing import Annotated, Literal

import orjson
from msgspec import Meta

from mockscim.faults.challenge import CHALLENGES, Challenge, unauthorized
from mockscim.faults.documents import Seconds
from mockscim.faults.effect import Effect, Proceed, Respond
from mockscim.faults.errors import Wrong
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault

_MOST = 10_000  # tokens that are remembered
_REFUSED = {"error": "invalid_client", "error_description": "the client is no longer known"}
_HEADERS = (("Cache-Control", "no-store"), ("WWW-Authenticate", "Basic"))  # RFC 6749 §5.2


@fault(
    "token_expiry",
    family="authority, load, outages",
    phases=("before",),
    argument="after_requests",
    doc="A token is good for so many matching requests, or so long on the tenant's clock from its first one, and is"
    " refused with 401 ever after. Another token, from /oauth/token or minted, has a life of its own. With `refresh`"
    " fails, the token endpoint gives no more once one has ended, if the rule matches token.create.",
    correct_client="Gets one new token, for all its workers, and goes on with the same cycle at the same page. Where"
    " there is none to be had, stops and reports it: no 401 means that somebody is to be deleted.",
)
class TokenExpiry(Parameters, frozen=True, kw_only=True):
    """When it ends, and whether there is another."""

    after_requests: Annotated[
        Annotated[int, Meta(ge=0)] | None, Meta(description="How many requests a token is good for.")
    ] = None
    after: Annotated[Seconds | None, Meta(description="How long a token is good, from its first request.")] = None
    refresh: Annotated[
        Literal["ok", "fails"], Meta(description="Whether the token endpoint goes on giving tokens.")
    ] = "ok"  # fmt: skip
    www_authenticate: Annotated[Challenge, Meta(description=CHALLENGES)] = "invalid_token"

    def __post_init__(self) -> None:
        if self.after_requests is None and self.after is None:
            raise Wrong("", "expected after_requests or after")

    def happen(self, moment: Moment, /) -> Effect:
        """Count what a token was used for."""
        attempt, memory, now = moment.attempt, moment.memory, moment.now
        if attempt.operation == "token.create":
            if self.refresh == "ok" or not memory.get("ended"):
                return Proceed()
            return Respond(401, _HEADERS, orjson.dumps(_REFUSED), "application/json")
        if not attempt.target:
            return Proceed()  # inside a bulk job, whose token was looked at
        tokens: dict[str, tuple[float, int]] = memory.setdefault("tokens", {})
        if len(tokens) >= _MOST and attempt.caller not in tokens:
            del tokens[next(iter(tokens))]
        since, used = tokens.get(attempt.caller, (now, 0))
        tokens[attempt.caller] = (since, used + 1)
        spent = self.after_requests is not None and used >= self.after_requests
        if not spent and (self.after is None or now - since < self.after):
            return Proceed()
        memory["ended"] = True
        return unauthorized(self.www_authenticate, "the access token expired")
