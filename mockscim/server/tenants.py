"""All tenants of one process, and which of them a token opens."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from mockscim.scim.errors import ScimError
from mockscim.tenant import Start, Tenant, digest

# A shared server gets a tenant for each test; those that nobody uses any more make room.
MOST_TENANTS = 1000
IDLE_AFTER = 3600.0


class Tenants:
    """The default tenant, and those that came to life by being used or made.

    Args:
        start: what a tenant starts from unless told otherwise.
        tokens: the start tokens, which open every tenant.
    """

    def __init__(self, start: Start, tokens: Iterable[str]) -> None:
        self.start = start
        self._tenants: dict[str, Tenant] = {"": Tenant("", start)}
        self._used: dict[str, float] = {}
        self._start_tokens = frozenset(digest(token) for token in tokens)

    def __iter__(self) -> Iterator[Tenant]:
        return iter(list(self._tenants.values()))

    def __len__(self) -> int:
        return len(self._tenants)

    def select(self, name: str, token: str | None, *, needs_token: bool) -> tuple[Tenant, bool]:
        """The tenant that a SCIM request is for, and whether its token opens it.

        A token is looked up by its digest, so the time it takes says nothing about how much of it was right. At the
        bare root a minted token selects its own tenant. A tenant that is not there comes to life only for a token
        that opens it; otherwise the default tenant records the refusal.
        """
        known = digest(token) if token else None
        if known in self._start_tokens:
            return self.use(name), True
        if known is not None:
            if name in self._tenants and known in self._tenants[name].tokens:
                return self.use(name), True
            if not name:
                for tenant in self._tenants.values():
                    if known in tenant.tokens:
                        return self.use(tenant.name), True
        if not needs_token:
            return self.use(name), True
        return self._tenants.get(name) or self._tenants[""], False

    def use(self, name: str) -> Tenant:
        """The tenant of that name, made now if it is not there.

        Raises:
            ScimError: 503 when there are too many and all are in use.
        """
        tenant = self._tenants.get(name)
        if tenant is None:
            self._make_room()
            tenant = self._tenants[name] = Tenant(name, self.start)
        if name:
            self._used[name] = time.monotonic()
        return tenant

    def remake(self, name: str, start: Start) -> Tenant:
        """Make a tenant anew from a start of its own; the old one's requests in flight are cut."""
        tenant = Tenant(name, start)
        if name not in self._tenants:
            self._make_room()
        else:
            self._tenants[name].cut()
        self._tenants[name] = tenant
        if name:
            self._used[name] = time.monotonic()
        return tenant

    def drop(self, name: str) -> bool:
        """Forget a tenant; the default one begins anew instead. Whether there was one."""
        if not name:
            self.remake("", self.start)
            return True
        tenant = self._tenants.pop(name, None)
        self._used.pop(name, None)
        if tenant is None:
            return False
        tenant.cut()
        return True

    def _make_room(self) -> None:
        now = time.monotonic()
        for name, used in list(self._used.items()):
            if now - used > IDLE_AFTER:
                self.drop(name)
        if len(self._tenants) >= MOST_TENANTS:
            raise ScimError(503, None, f"there are {MOST_TENANTS} tenants, all in use; drop one", {"Retry-After": "60"})
