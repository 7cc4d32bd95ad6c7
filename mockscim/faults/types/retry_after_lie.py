"""``retry_after_lie``: who waited as told is refused again."""

from typing import Annotated

from msgspec import Meta

from mockscim.faults.documents import Seconds
from mockscim.faults.effect import Effect, Proceed, Respond, phrase
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.retry_after import FORMS, Form, retry_after
from mockscim.scim.errors import ScimError

_MOST = 10_000  # clients that are remembered


@fault(
    "retry_after_lie",
    family="authority, load, outages",
    phases=("before",),
    argument="lies",
    doc="Refuses a client's request with 429 and Retry-After, and refuses it again after it has waited that long on the"
    " tenant's clock, `lies` times. Who comes too early is refused as well, which is no lie. Then all goes through.",
    correct_client="Waits longer each time, whatever it is told, with a limit; then reports it and ends the cycle.",
)
class RetryAfterLie(Parameters, frozen=True, kw_only=True):
    """How long it is to wait, and how often in vain."""

    lies: Annotated[int, Meta(ge=0, description="How often it has waited in vain.")] = 2
    wait: Annotated[Seconds, Meta(description="What Retry-After says.")] = Seconds(1)
    status: Annotated[int, Meta(ge=400, le=599, description="The status.")] = 429
    retry_after: Annotated[Form, Meta(description="How it is said: " + FORMS)] = "seconds"

    def happen(self, moment: Moment, /) -> Effect:
        """Refuse it, until it has been lied to often enough."""
        clients: dict[str, tuple[float, int]] = moment.memory.setdefault("clients", {})
        caller, now = moment.attempt.caller, moment.now
        until, told = clients.get(caller, (now, 0))
        if now >= until:
            if told > self.lies:
                return Proceed()
            until, told = now + self.wait, told + 1
            if len(clients) >= _MOST and caller not in clients:
                del clients[next(iter(clients))]
            clients[caller] = (until, told)
        headers = retry_after(self.retry_after, until - now, now, moment.draw)
        return Respond.refusing(ScimError(self.status, None, phrase(self.status), headers))
