"""From a request's target to what it asks for: tenant, area, path, parameters, base URL.

A base URL may carry a query string (``…/scim/v2?aadOptscim062020``, which Segment's documentation tells Entra's
administrators to enter), and clients append paths to it in several ways. All of them end up here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit

from mockscim.scim.errors import ScimError, invalid_syntax, not_found
from mockscim.scim.query import PARAMETERS

SCIM = "/scim/v2"
CONTROL = "/_mockscim"
TOKEN = "/oauth/token"  # noqa: S105 - a path
_BELOW = SCIM + "/"
_UNVERSIONED = "/scim/"
_VERSION = re.compile(r"/v\d+(/|$)", re.IGNORECASE)
TENANT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,63}")
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,255})(?::\d{1,5})?")
# A query string that is not one: that of the base URL, and then the path that was appended to it.
_FLAGS_THEN_PATH = re.compile(r"(?s)(?P<flags>[^/?]*?)(?:/|%2[Ff])(?P<path>[^?]*)(?:\?(?P<query>.*))?")
_FLAG_THEN_ID = re.compile(r"(?s)(?P<flags>[^/?&=]+)/(?P<path>[^/?&=]+)(?:\?(?P<query>.*))?")
_PARAMETERS = frozenset(name.lower() for name in PARAMETERS)


class Address(NamedTuple):
    """Where a request goes. ``path`` is decoded and below the area's root; ``query`` as it was sent."""

    tenant: str
    area: Literal["scim", "control", "token"]
    path: str
    query: str


def read_plain(target: str) -> tuple[str, str] | None:
    """The path and query of a target of SCIM at the bare root with nothing to decode, as most are.

    None for all others, which ``read_address`` reads.
    """
    path, _, query = target.partition("?")
    if path.startswith(_BELOW) and "%" not in path and "?" not in query and "/" not in query and path != _BELOW:
        return path[len(SCIM) :], query
    return None


def read_address(target: str, endpoints: frozenset[str]) -> Address:
    """Tell the parts of a request target.

    Args:
        target: as in the request line: a path with query, or an absolute URL.
        endpoints: the lower-cased endpoints that may follow a base URL's flag: ``/users``.

    Raises:
        ScimError: 404 for what is neither SCIM nor control nor the token endpoint, 400 for what cannot be decoded.
    """
    if not target.startswith("/"):
        try:
            parts = urlsplit(target)
        except ValueError:
            raise invalid_syntax("the request target is no URL") from None
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    path, _, query = target.partition("?")
    tenant = ""
    if path.startswith("/t/"):
        name, slash, rest = path[3:].partition("/")
        tenant = _decoded(name)
        if not TENANT_NAME.fullmatch(tenant):
            raise not_found("a tenant's name is made of letters, digits and ._~-")
        path = slash + rest
    if path.startswith(_UNVERSIONED) and not path.startswith(_BELOW) and path != SCIM:
        path = _versioned(path)
    if path.startswith(SCIM) and (len(path) == len(SCIM) or path[len(SCIM)] == "/"):
        rest = path[len(SCIM) :]
        if query and "=" not in query[:1] and rest in ("", "/"):
            rest, query = _after_flags(rest, query, endpoints)
        elif rest.lower() in endpoints and (found := _FLAG_THEN_ID.fullmatch(query)) is not None:
            # …/v2/Users?flag + /id where the flag stays behind what each path is appended to
            rest, query = f"{rest}/{found['path']}", _joined(found)
        elif "?" in query:
            # …/v2?flag + /Users?filter= where the client kept the flag behind the path: Users?flag?filter=
            flag, _, tail = query.partition("?")
            if "=" not in flag:
                query = f"{flag}&{tail}"
        return Address(tenant, "scim", _decoded(rest), query)
    if path.startswith(CONTROL) and (len(path) == len(CONTROL) or path[len(CONTROL)] == "/"):
        return Address(tenant, "control", _decoded(path[len(CONTROL) :]), query)
    if path == TOKEN:
        return Address(tenant, "token", path, query)
    asked = target.partition("?")[0][:200]
    raise not_found(f"there is nothing at {asked}; SCIM is below {SCIM}, control below {CONTROL}")


def _versioned(path: str) -> str:
    """A path without a version is of the version that there is (RFC 7644 §3.13); one with another stays unknown."""
    rest = path[len(_UNVERSIONED) - 1 :]
    return path if _VERSION.match(rest) else SCIM + rest


def _after_flags(rest: str, query: str, endpoints: frozenset[str]) -> tuple[str, str]:
    found = _FLAGS_THEN_PATH.fullmatch(query)
    if found is not None:
        first = "/" + found["path"].split("/", 1)[0].lower()
        names = [part.partition("=")[0].lower() for part in found["flags"].split("&")]
        # A filter at the root may have a path in it; what SCIM has no parameter for is the base URL's.
        if first in endpoints and not any(name in _PARAMETERS for name in names):
            return "/" + found["path"], _joined(found)
    return rest, query


def _joined(found: re.Match[str]) -> str:
    """The parameters on both sides of a path that stood among them."""
    return "&".join(part for part in (found["flags"], found["query"]) if part)


def _decoded(text: str) -> str:
    if "%" not in text:
        return text
    try:
        decoded = unquote_to_bytes(text).decode()
    except UnicodeError:  # also of stray bytes, which a parser may let through
        raise invalid_syntax("the path is not UTF-8 when decoded") from None
    return decoded


def read_query(query: str) -> list[tuple[str, str]]:
    """The parameters of a query string, decoded; ``+`` is a space, as forms write it.

    Raises:
        ScimError: 400 when a value is not UTF-8.
    """
    if not query:
        return []
    if not query.isascii():
        _unquoted("%" + query)  # refuses stray bytes
    found = []
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            found.append((name if name.isalpha() else _unquoted(name), _unquoted(value)))
    return found


def _unquoted(text: str) -> str:
    if "+" in text:
        text = text.replace("+", " ")
    if "%" not in text:
        return text
    # What filters are full of, replaced in C; none of it can become part of another escape.
    text = text.replace("%20", " ").replace("%22", '"').replace("%40", "@")
    if "%" not in text:
        return text
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeError:
        raise ScimError(400, "invalidValue", "the query string is not UTF-8 when decoded") from None


@lru_cache(maxsize=512)
def base_url(scheme: str, host: str, tenant: str, fixed: str | None, prefix: str = "") -> str:
    """The base URL that ``location`` and ``$ref`` start with: of the Host that was called, or as it was fixed.

    Args:
        scheme: as the request came.
        host: the Host header.
        tenant: its name; "" for the default one.
        fixed: what stands in the place of scheme, host and prefix.
        prefix: the path that the server is mounted at.

    Raises:
        ScimError: 400 when the Host header is none.
    """
    root = f"/t/{tenant}" if tenant else ""
    if fixed is not None:
        return f"{fixed}{root}{SCIM}"
    if not _HOST.fullmatch(host):
        raise ScimError(400, None, "the Host header is not a host")
    return f"{scheme}://{host}{prefix}{root}{SCIM}"
