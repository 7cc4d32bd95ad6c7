"""One request and its answer: what is the same for all plans."""

from __future__ import annotations

from mockscim.faults.retry_after import read_retry_after
from mockscim.provisioning.okta.settings import Settings
from mockscim.provisioning.wire import Answer, Request, Steps

_TOO_MANY = 429


def ask(settings: Settings, request: Request) -> Steps[Answer]:
    """Send a request; again after Retry-After where 429 is honoured."""
    answer = yield request
    attempts = settings.throttled_attempts if settings.throttling == "honour" else 0
    while answer.status == _TOO_MANY and attempts > 0:
        attempts -= 1
        asked = read_retry_after(answer.header("Retry-After") or "", 0.0, dates=False)
        answer = yield request._replace(after=settings.throttled_delay if asked is None else asked)
    return answer
