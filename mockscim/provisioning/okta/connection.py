"""The button "Test API Credentials"."""

from __future__ import annotations

from typing import NamedTuple

from mockscim.provisioning.okta import errors, shapes
from mockscim.provisioning.okta.settings import Settings
from mockscim.provisioning.wire import Answer, Steps

_OK = 0
_REFUSED = 1
_SILENT = 3


class Connection(NamedTuple):
    """What came of the test.

    Args:
        ok: whether users, and groups where they are pushed, could be read.
        code: ``""``, ``InvalidCredentials``, ``NoAnswer``, ``Incompatible`` or ``Refused``; names are ours.
        message: what the administrator reads; that for bad credentials is Okta's, the others are guesses.
        exit_status: for a command: 0 ok, 1 refused, 3 no answer.
    """

    ok: bool
    code: str
    message: str
    exit_status: int


def test_connection(settings: Settings) -> Steps[Connection]:
    """Read two users, then a page of groups if the application pushes them."""
    requests = [shapes.page("/Users", 1, 2, "test the credentials")]
    if settings.push_groups != "none":
        requests.append(shapes.page("/Groups", 1, purpose="test the credentials"))
    for request in requests:
        problem = judge((yield request), settings.target)
        if problem is not None:
            return problem
    return Connection(ok=True, code="", message=f"{settings.app_name} was verified successfully!", exit_status=_OK)


def judge(answer: Answer, target: str) -> Connection | None:
    """What is wrong with the answer to a list; None for nothing."""
    if answer.status is None:
        message = f"{errors.reason_of(answer).reason} ({target})"
        return Connection(ok=False, code="NoAnswer", message=message, exit_status=_SILENT)
    failure = errors.reason_of(answer)
    if failure.kind == "credentials":
        return Connection(ok=False, code="InvalidCredentials", message=failure.reason, exit_status=_REFUSED)
    if not answer.good:
        return Connection(ok=False, code="Refused", message=failure.reason, exit_status=_REFUSED)
    for name in ("totalResults", "startIndex", "itemsPerPage"):
        value = answer.resource.get(name)
        # Exchanged as integers, not as strings (reference/scim/scim-20, Retrieve Users). RFC 7644 §3.4.2 asks for
        # the second and third only where a page is not all.
        absent = value is None and name != "totalResults"
        if not absent and (isinstance(value, bool) or not isinstance(value, int)):
            return Connection(
                ok=False, code="Incompatible", message=f"the answer has no integer {name}", exit_status=_REFUSED
            )
    return None
