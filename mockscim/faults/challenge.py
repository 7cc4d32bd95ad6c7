"""A token that is refused, as RFC 6750 §3 has it and as others have it."""

from __future__ import annotations

from typing import Literal

from mockscim.faults.effect import Respond
from mockscim.scim.errors import ScimError

Challenge = Literal["invalid_token", "bare", "missing"]
CHALLENGES = (
    "WWW-Authenticate of the 401: invalid_token says why (RFC 6750 §3.1); bare names the scheme only; missing: there"
    " is none, against RFC 9110 §15.5.2."
)


def unauthorized(challenge: Challenge, detail: str) -> Respond:
    """A 401 for a token.

    Args:
        challenge: what WWW-Authenticate says.
        detail: why, in printable ASCII without quotes.
    """
    headers = {
        "invalid_token": {"WWW-Authenticate": f'Bearer error="invalid_token", error_description="{detail}"'},
        "bare": {"WWW-Authenticate": "Bearer"},
        "missing": {},
    }[challenge]
    return Respond.refusing(ScimError(401, None, detail, headers))
