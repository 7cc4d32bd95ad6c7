"""Entity tags, and requests on condition of one (RFC 7644 §3.14, RFC 9110 §8.8.3 and §13.1).

Tags are compared weakly, also for If-Match: all versions here are weak, and RFC 7644 §3.14 uses them so.
"""

from __future__ import annotations

import re
from hashlib import blake2b

from mockscim.scim.errors import ScimError, invalid_value

# One element of a list: nothing, or a tag. etagc is any character but controls, spaces and quotes, commas included.
_ELEMENT = re.compile(r'[ \t]*+(?:(?:W/)?"([^\x00-\x20"\x7f]*)")?[ \t]*+(?:,|\Z)')


def tags(header: str, name: str) -> frozenset[str] | None:
    """The opaque tags that a condition names, without W/ and quotes; None for ``*``.

    Args:
        header: the field's value; of several lines of one name, all, joined with commas.
        name: the field's name, for the error.

    Raises:
        ScimError: 400 invalidValue for what is neither ``*`` nor a list of entity tags.
    """
    if header.strip(" \t") == "*":
        return None
    found: list[str] = []
    place = 0
    while place < len(header):
        element = _ELEMENT.match(header, place)
        if element is None:
            raise invalid_value(f'{name} is * or a list of entity tags such as W/"5", not {header[:100]}')
        if element[1] is not None:
            found.append(element[1])
        place = element.end()
    return frozenset(found)


def opaque(etag: str) -> str:
    """What of an entity tag is compared: neither W/ nor the quotes."""
    return etag.removeprefix("W/")[1:-1]


def not_modified(
    if_match: str | None, if_none_match: str | None, etag: str | None, *, reads: bool, exists: bool = True
) -> bool:
    """Whether the client has what it reads already, as its conditions stand (RFC 9110 §13.2.2).

    Args:
        if_match: the header field, or None.
        if_none_match: the same of If-None-Match.
        etag: the version that there is; None for what has none.
        reads: whether the method is GET or HEAD.
        exists: whether there is something that a GET would show: what ``*`` asks.

    Returns:
        Whether the answer is 304; else the request is to be carried out.

    Raises:
        ScimError: 412 when a condition does not hold, 400 when it cannot be understood.
    """
    shown = f"the version is {etag}" if etag is not None else "there is no version here"
    if if_match is not None:
        wanted = tags(if_match, "If-Match")
        if not (exists if wanted is None else etag is not None and opaque(etag) in wanted):
            raise ScimError(412, None, f"{shown}, not {if_match[:100]}")
    if if_none_match is not None:
        known = tags(if_none_match, "If-None-Match")
        if exists if known is None else etag is not None and opaque(etag) in known:
            if reads:
                return True
            raise ScimError(412, None, f"{shown}, and If-None-Match is {if_none_match[:100]}")
    return False


def of_content(content: bytes) -> str:
    """A version made of what it is the version of."""
    return f'W/"{blake2b(content, digest_size=8).hexdigest()}"'
