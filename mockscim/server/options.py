"""How a server is reached and guarded."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from mockscim.durations import parse_duration, parse_size
from mockscim.server.auth import Login
from mockscim.server.oauth import Client

_SHORTEST_HEAD, _LONGEST_HEAD = 1 << 10, 1 << 30


@dataclass(frozen=True)
class Options:
    """How a server is reached and guarded.

    Attributes:
        tokens: open every tenant; empty only where ``auth`` is off.
        basic: names and passwords that do so, too.
        clients: who may have tokens from the token endpoint; without any there is no such endpoint.
        token_ttl: how long those are good, in seconds.
        auth: whether SCIM requests need a token.
        admin_token: what the control API wants as a Bearer token; None: it looks at the Host instead.
        hosts: names beside loopback under which the control API answers, without port.
        base_url: what ``location`` starts with, in place of the Host that was called.
        max_body: largest SCIM request body, in bytes; fixtures may be larger.
        max_head: longest request line, and longest header, in bytes.
        read_timeout: how long a request of SCIM may take to come in, and a pause in one of the control API, in seconds.
        idle_timeout: how long a connection stays open without a request, in seconds.
        persist: the file in which the data survives the process; None for none.
    """

    tokens: tuple[str, ...] = field(default=(), repr=False)
    basic: tuple[Login, ...] = field(default=(), repr=False)
    clients: tuple[Client, ...] = field(default=(), repr=False)
    token_ttl: float = 3600.0
    auth: bool = True
    admin_token: str | None = field(default=None, repr=False)
    hosts: tuple[str, ...] = ()
    base_url: str | None = None
    max_body: int = 1024 * 1024
    persist: str | None = None
    max_head: int = 128 * 1024
    read_timeout: float = 60.0
    idle_timeout: float = 3600.0
    max_fixture: int = field(default_factory=lambda: parse_size("1GiB"))

    @property
    def schemes(self) -> tuple[str, ...]:
        """How clients may authenticate, as ServiceProviderConfig calls it (RFC 7643 §5); the first is preferred."""
        others = [("oauth2", self.clients), ("httpbasic", self.basic)]
        return ("oauthbearertoken", *(name for name, given in others if given))


def head_limit(given: object) -> int:
    """A ``--max-head``, in bytes.

    Raises:
        ValueError: it is no size, or one that leaves no room for a request.
    """
    size = parse_size(given)
    if not _SHORTEST_HEAD <= size <= _LONGEST_HEAD:
        raise ValueError(f"from 1KiB to 1GiB were expected, not {size} bytes")
    return size


def time_out(given: object) -> float:
    """A time after which a connection is ended, in seconds.

    Raises:
        ValueError: it is no duration, or none at all.
    """
    seconds = parse_duration(given)
    if seconds <= 0:
        raise ValueError("every connection would end at once: a duration such as 30s or 1h was expected")
    return seconds


def fixed_base(url: str | None) -> str | None:
    """Check a ``--base-url``; what follows the host may end in ``/scim/v2``, which every tenant's own path brings.

    Raises:
        ValueError: it is no http or https URL.
    """
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r'[\s"\\<>]', url):
        raise ValueError(f"a base URL is http:// or https:// and a host, not {url[:100]!r}")
    if "@" in parts.netloc:  # which every location would publish
        raise ValueError("a base URL has no user and no password")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/').removesuffix('/scim/v2')}"
