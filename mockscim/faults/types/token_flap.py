"""``token_flap``: a good token is refused now and then."""

from typing import Annotated

from msgspec import Meta

from mockscim.faults.challenge import CHALLENGES, Challenge, unauthorized
from mockscim.faults.draw import Draw
from mockscim.faults.effect import Effect
from mockscim.faults.registry import Parameters, fault


@fault(
    "token_flap",
    family="authority, load, outages",
    phases=("before",),
    argument="www_authenticate",
    doc="Answers 401 to a good token, as when one of several servers does not know it yet. How often is the rule's"
    " `probability`: `*=token_flap:0.05`.",
    correct_client="Tries once more, a bounded number of times; gets at most one new token; gives nothing up, and"
    " quarantines nothing, over a single 401.",
)
class TokenFlap(Parameters, frozen=True, kw_only=True):
    """What is said."""

    www_authenticate: Annotated[Challenge, Meta(description=CHALLENGES)] = "invalid_token"

    def effect(self, _draw: Draw, /) -> Effect:
        """401."""
        return unauthorized(self.www_authenticate, "the access token is not known")
