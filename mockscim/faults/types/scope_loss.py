"""``scope_loss``: the token is good, and no longer for this."""

from typing import Annotated

from msgspec import Meta

from mockscim.faults.draw import Draw
from mockscim.faults.effect import Effect, Respond
from mockscim.faults.errors import Wrong
from mockscim.faults.registry import Parameters, fault
from mockscim.scim.errors import ScimError


@fault(
    "scope_loss",
    family="authority, load, outages",
    phases=("before",),
    argument="scope",
    doc="Answers 403 to what the rule matches, though the token is good: somebody took a right away, perhaps in the"
    " middle of a cycle. Give the operations in `match`, and when in `skip` or `start_after`.",
    correct_client="Stops those operations, reports it, goes on with what it still may do, and asks for no new token.",
)
class ScopeLoss(Parameters, frozen=True, kw_only=True):
    """Which right is missing."""

    scope: Annotated[str | None, Meta(description="The scope that is missing, for WWW-Authenticate.")] = None

    def __post_init__(self) -> None:
        if self.scope is not None and not (self.scope.isascii() and self.scope.isprintable() and '"' not in self.scope):
            raise Wrong("scope", "expected printable ASCII without quotes")

    def effect(self, _draw: Draw, /) -> Effect:
        """403 as RFC 6750 §3.1 has it."""
        challenge = 'Bearer error="insufficient_scope"' + (f', scope="{self.scope}"' if self.scope else "")
        error = ScimError(403, None, "the token does not give the right to do this", {"WWW-Authenticate": challenge})
        return Respond.refusing(error)
