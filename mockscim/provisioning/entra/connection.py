"""Test Connection: ask for what nobody is called, and see whether the target understands.

``GET /Users?filter={matching attribute} eq "{random GUID}"``, and the same for groups; 200 with an empty ListResponse
is success. It is also the first step of a cycle that has something to send, and of on-demand provisioning.
"""

from __future__ import annotations

import random
from typing import NamedTuple

from mockscim.provisioning.entra import shapes
from mockscim.provisioning.entra.failures import INCOMPATIBLE, TIMEOUT, of
from mockscim.provisioning.entra.identity import random_guid
from mockscim.provisioning.entra.state import KINDS, Kind, Problem
from mockscim.provisioning.mapping import Schema
from mockscim.provisioning.wire import Answer, Request, Steps

# Exit statuses: the target refused or is no SCIM endpoint; it could not be asked.
REFUSED = 1
NO_ANSWER = 3

_CREDENTIALS = "You appear to have entered invalid credentials."
_HINT = "See that the tenant URL and the secret token are right, and that the token's account is an administrator's."


class Connection(NamedTuple):
    """What came of the test.

    Args:
        ok: whether the target answered as it should.
        code: the error code; empty for none.
        message: what the portal would say.
        exit_status: 0, REFUSED or NO_ANSWER.
        status: the HTTP status of the answer that decided; None where none came.
        seconds: how long it took.
    """

    ok: bool
    code: str = ""
    message: str = "The supplied credentials are authorized to enable provisioning."
    exit_status: int = 0
    status: int | None = None
    seconds: float = 0.0

    @property
    def lasting(self) -> bool:
        """Whether trying again is no use: bad credentials, or no SCIM endpoint."""
        return self.exit_status == REFUSED

    @property
    def problem(self) -> Problem:
        """It as Graph's synchronizationError."""
        return Problem(self.code, self.message, tenantActionable=self.lasting)


def test(schema: Schema, draw: random.Random, target: str) -> Steps[Connection]:
    """Test the connection.

    Args:
        schema: which attributes are matched on.
        draw: where the GUIDs come from.
        target: the base URL, for the words of one that does not answer.
    """
    seconds, status = 0.0, None
    for kind in KINDS:
        request = _probe(schema, kind, draw)
        if request is None:
            continue
        answer = yield request
        seconds, status = seconds + answer.seconds, answer.status
        verdict = judge(answer, target)
        if not verdict.ok:
            return verdict._replace(seconds=seconds)
    return Connection(ok=True, status=status, seconds=seconds)


# pytest takes what is called test for a test.
test.__test__ = False  # type: ignore[attr-defined]


def _probe(schema: Schema, kind: Kind, draw: random.Random) -> Request | None:
    mapping = schema.users if kind == "User" else schema.groups
    if not mapping.enabled or not mapping.matching:
        return None
    path = mapping.matching[0].targetAttributeName
    return shapes.match(kind, path, random_guid(draw))._replace(purpose="test connection")


def discover() -> Steps[Answer]:
    """Read the target's schemas, as is done for gallery applications when the configuration is saved."""
    answer = yield Request("GET", "/Schemas", None, "read schemas")
    return answer


def judge(answer: Answer, target: str) -> Connection:
    """What the answer to a probe means."""
    status = answer.status
    if status is None:
        if answer.error == "timeout":
            return _failed(answer, f"The target {target} did not answer in time.", NO_ANSWER)
        why = answer.error or "connection"
        return _failed(answer, f"The target {target} cannot be reached ({why}).", NO_ANSWER)
    if status == 429 or (status >= 500 and status != 501):
        return _failed(answer, f"The target could not answer just now (HTTP {status}).", NO_ANSWER)
    if status in (401, 403):
        return _failed(answer, f"{_CREDENTIALS} {_HINT} (HTTP {status})", REFUSED)
    if not answer.good:
        message = f"The endpoint is not compatible with SCIM 2.0: a query was answered with HTTP {status}. {_HINT}"
        return _failed(answer, message, REFUSED, INCOMPATIBLE)
    if not isinstance(answer.body, dict):
        # A sign-in page, say: the portal has the same words for it as for a 401.
        return _failed(answer, f"{_CREDENTIALS} The answer is no JSON. {_HINT}", REFUSED, INCOMPATIBLE)
    found = answer.body.get("Resources")
    total = answer.body.get("totalResults", len(found) if isinstance(found, list) else None)
    if total != 0 or found:
        message = "The endpoint is not compatible with SCIM 2.0: a query for nobody has to give an empty ListResponse."
        return _failed(answer, message, REFUSED, INCOMPATIBLE)
    return Connection(ok=True, status=status, seconds=answer.seconds)


def _failed(answer: Answer, message: str, exit_status: int, code: str = "") -> Connection:
    found = code or (TIMEOUT if answer.error == "timeout" else of(answer, "test connection").code)
    return Connection(ok=False, code=found, message=message, exit_status=exit_status, status=answer.status)
