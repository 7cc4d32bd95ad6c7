"""Where a provisioning service sends to: the URL that an administrator gave, and what is appended to it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit


class TargetError(ValueError):
    """The target's URL, token or CA cannot be used; the text names the option."""


class Target:
    """A SCIM base URL, perhaps with a query string that goes with every request.

    ``https://h/scim/v2?aadOptscim062020``, ``…/v2/?aadOptscim062020`` and ``…/v2/`` are the forms that are seen.

    Args:
        url: as the administrator gave it.

    Raises:
        TargetError: it is no http or https URL.
    """

    def __init__(self, url: str) -> None:
        given = url.strip()
        try:
            parts = urlsplit(given)
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        if not good or re.search(r"[\x00-\x20\x7f]", given):
            raise TargetError(f"--target: a base URL such as https://HOST/scim/v2 was expected, not {url[:100]!r}")
        if parts.username or parts.fragment:
            raise TargetError("--target: a base URL has neither a user nor a fragment; the token is given by --token")
        self.given = given
        self.secure = parts.scheme == "https"
        self.base_url = urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))
        # A slash behind the flag is how it looks where paths were appended to it by hand.
        self.query = parts.query.rstrip("/")

    def url(self, path: str) -> str:
        """The URL of a path below the base URL, which may have a query of its own; nothing is encoded anew."""
        path, _, query = path.partition("?")
        whole = "&".join(part for part in (self.query, query) if part)
        return f"{self.base_url}{path}" + (f"?{whole}" if whole else "")
