"""Who a request is by, and what it is told when it is nobody (RFC 6750, RFC 7617).

    Authorization: Bearer TOKEN             a start token, a minted one, or one that the token endpoint issued
    Authorization: Basic USER:PASSWORD      in Base64; its /Me is the user of that name

    nothing shown, or another scheme        401, a challenge without an error code
    unknown, revoked, expired               401 invalid_token
    a token in the query string, or two     400 invalid_request
    too narrow a scope                      403 insufficient_scope

Where there are names and passwords a 401 has both challenges.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from mockscim.scim.call import Call
from mockscim.scim.errors import ScimError
from mockscim.tokens import Grant, Scope, digest, in_order

BEARER = 'Bearer realm="mockscim"'
BASIC = 'Basic realm="mockscim", charset="UTF-8"'
_NO_CONTROLS = re.compile(r"[^\x00-\x1f\x7f]+")
_IN_QUERY = re.compile(r"(?:^|&)access_token=")

_NOTHING = Grant(good=False, detail="the request needs the token of this server as a Bearer token")
_UNKNOWN = Grant(good=False, error="invalid_token", detail="the access token is not known here")
_MISTAKEN = Grant(good=False, detail="the name or the password is wrong")
_ELSEWHERE = Grant(good=False, error="invalid_request", detail="an access token is sent in the Authorization header")
_TWICE = Grant(good=False, error="invalid_request", detail="the request shows its credentials more than once")
EXPIRED = Grant(good=False, error="invalid_token", detail="the access token expired")


class Login(NamedTuple):
    """A name and a password for HTTP Basic."""

    user: str
    password: str

    @property
    def digest(self) -> bytes:
        """What it is looked up by."""
        return _basic(f"{self.user}:{self.password}")


def parse_login(text: str) -> Login:
    """A login from ``USER:PASSWORD``; the password may have colons.

    Raises:
        ValueError: it is none.
    """
    user, colon, password = text.partition(":")
    if not user or not colon or not _NO_CONTROLS.fullmatch(text):
        raise ValueError("USER:PASSWORD was expected")  # without what was given, which may be a secret
    return Login(user, password)


@lru_cache(maxsize=64)
def credentials(header: str) -> bytes | None:
    """The digest that an Authorization header's credentials are looked up by; None where it has none."""
    scheme, _, shown = header.partition(" ")
    scheme, shown = scheme.lower(), shown.strip()
    if scheme == "bearer" and shown:
        return digest(shown)
    decoded = decode_basic(shown) if scheme == "basic" else None
    return _basic(decoded) if decoded is not None else None


def decode_basic(shown: str) -> str | None:
    """The name and password behind ``Basic``, a colon between; None where it is not Base64 (RFC 7617 §2)."""
    try:
        return base64.b64decode(shown, validate=True).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError):
        return None


def _basic(login: str) -> bytes:
    # No token has a NUL, so nobody gets in by a login that is sent as a token.
    return digest(f"\0{login}")


def refused(authorization: str | None) -> Grant:
    """What is to be said of credentials that open nothing."""
    scheme = (authorization or "").partition(" ")[0].lower()
    return {"bearer": _UNKNOWN, "basic": _MISTAKEN}.get(scheme, _NOTHING)


def misplaced(sent: Sequence[str], query: str) -> Grant | None:
    """What is to be said of credentials that are shown where none belong, or twice (RFC 6750 §2, §3.1)."""
    if _IN_QUERY.search(query):
        return _TWICE if sent else _ELSEWHERE
    return _TWICE if len(sent) > 1 else None


def lacking(grant: Grant, call: Call) -> Scope | None:
    """The scope that a request needs and does not have; what the provider tells of itself needs none."""
    if call.discovery is not None:
        return None
    needed: Scope = "read" if call.method == "GET" or call.verb == "search" else "write"
    return None if needed in grant.scopes else needed


def refusal(grant: Grant, call: Call, *, basic: bool) -> ScimError | None:
    """Why a request may not be done; None where it may.

    Args:
        grant: what it may do.
        call: what it asks for.
        basic: whether there are names and passwords, so that a client is told of that way, too.
    """
    if grant.good:
        scope = lacking(grant, call)
        if scope is None:
            return None
        detail = f"the token has the scope {' '.join(in_order(grant.scopes)) or 'of nothing'}"
        return _error(403, "insufficient_scope", f"{detail}, and this needs {scope}", scope=scope)
    if grant is _MISTAKEN and not basic:
        grant = _NOTHING
    return _error(400 if grant.error == "invalid_request" else 401, grant.error, grant.detail, basic=basic)


def _error(status: int, code: str, detail: str, *, scope: str = "", basic: bool = False) -> ScimError:
    challenge = BEARER
    if code:
        challenge += f', error="{code}", error_description="{detail}"'
    if scope:
        challenge += f', scope="{scope}"'
    if basic and status == 401:
        challenge += f", {BASIC}"
    return ScimError(status, None, detail, {"WWW-Authenticate": challenge})
