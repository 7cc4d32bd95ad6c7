"""All tenants of one process, and which of them a token opens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from mockscim.fixtures import FixtureError
from mockscim.scim.errors import ScimError
from mockscim.server.auth import EXPIRED, Login, credentials, refused
from mockscim.server.definition import TenantDocument, start_of
from mockscim.server.options import Options
from mockscim.tenant import Start, Tenant
from mockscim.tokens import FULL, Grant, Token, digest

if TYPE_CHECKING:
    from mockscim.persist.keeping import Keeping

# A larger tenant is not let go of in one go.
_LARGE = 10_000
# A shared server gets a tenant for each test; those that nobody uses any more make room.
MOST_TENANTS = 1000
IDLE_AFTER = 3600.0


class Tenants:
    """The default tenant, and those that came to life by being used or made.

    Args:
        start: what a tenant starts from unless told otherwise.
        tokens: the start tokens, which open every tenant.
        logins: names and passwords that do so, too.
        keeping: the file in which they survive the process; None for none.
    """

    def __init__(
        self, start: Start, tokens: Iterable[str], logins: Iterable[Login] = (), keeping: Keeping | None = None
    ) -> None:
        self.start = start
        self._keeping = keeping
        self._tenants: dict[str, Tenant] = {}
        if keeping is not None:
            self._tenants = keeping.take_up(partial(start_of, start))
        if "" not in self._tenants:
            self._tenants[""] = Tenant("", start)
            if keeping is not None:
                keeping.found(self._tenants[""])
        self._used: dict[str, float] = {name: time.monotonic() for name in self._tenants if name}
        self._start_grants: dict[bytes | None, Grant] = {digest(token): FULL for token in tokens}
        self._start_grants |= {login.digest: Grant(user=login.user) for login in logins}

    @staticmethod
    def of(start: Start, options: Options) -> Tenants:
        """The tenants of a server that is reached and guarded as the options say.

        Raises:
            FixtureError, ProfileError, FaultError, ClockError, TokenError: the start cannot be used.
            PersistError: the file in which they survive cannot.
        """
        start = start.merged(max_body=options.max_body, schemes=options.schemes)
        if options.persist is None:
            return Tenants(start, options.tokens, options.basic)
        from mockscim.persist.keeping import Keeping  # noqa: PLC0415 - which imports sqlite3

        keeping = Keeping(options.persist)
        try:
            return Tenants(start, options.tokens, options.basic, keeping)
        except BaseException:
            keeping.abandon()
            raise

    def __iter__(self) -> Iterator[Tenant]:
        return iter(list(self._tenants.values()))

    def __len__(self) -> int:
        return len(self._tenants)

    def select(self, name: str, sent: Sequence[str], *, needs_token: bool) -> tuple[Tenant, Grant]:
        """The tenant that a SCIM request is for, and what its credentials let it do there.

        Args:
            name: of the tenant, from the URL.
            sent: its Authorization headers.
            needs_token: whether a request needs one at all.

        Credentials are looked up by their digest, so the time it takes says nothing about how much of them was right.
        At the bare root a minted token selects its own tenant. A tenant that is not there comes to life only for
        credentials that open it; otherwise the default tenant records the refusal.
        """
        known = credentials(sent[0]) if sent else None
        grant = self._start_grants.get(known)
        if grant is not None:
            return self.use(name) if name else self._tenants[""], grant
        tenant, token = self._holder(name, known) if known is not None else (None, None)
        if tenant is not None and token is not None:
            if token.expires is None or tenant.clock.now() < token.expires:
                return self.use(tenant.name), token.grant
            if needs_token:
                return tenant, EXPIRED
        if not needs_token:
            return self.use(name), FULL
        return self.look(name), refused(sent[0] if sent else None)

    def _holder(self, name: str, known: bytes) -> tuple[Tenant | None, Token | None]:
        """The tenant whose minted token it is, and the token."""
        named = self._tenants.get(name)
        for tenant in self._tenants.values() if not name else [named] if named is not None else []:
            token = tenant.tokens.get(known)
            if token is not None:
                return tenant, token
        return None, None

    def look(self, name: str) -> Tenant:
        """The tenant of that name, or the default one where there is none."""
        return self._tenants.get(name) or self._tenants[""]

    def use(self, name: str) -> Tenant:
        """The tenant of that name, made now if it is not there.

        Raises:
            ScimError: 503 when there are too many and all are in use, or when the fixture has changed on disk.
        """
        tenant = self._tenants.get(name)
        if tenant is None:
            self._make_room()
            try:
                tenant = self._tenants[name] = self._made(name, self.start)
            except FixtureError as error:
                raise ScimError(503, None, f"the tenant cannot begin: {error}") from None
        if name:
            self._used[name] = time.monotonic()
        return tenant

    def _made(self, name: str, start: Start, wanted: TenantDocument | None = None) -> Tenant:
        """A tenant from its start, which is kept from now on where any is, by what defines it."""
        tenant = Tenant(name, start)
        if self._keeping is not None:
            self._keeping.begin(tenant, wanted.definition(tenant) if wanted is not None else None)
        return tenant

    def remake(self, name: str, start: Start, wanted: TenantDocument | None = None) -> Tenant:
        """Make a tenant anew from a start of its own; the old one's requests in flight are cut.

        Args:
            name: the tenant's name.
            start: what it starts from.
            wanted: the document that made ``start`` of the server's.

        Raises:
            FaultError: it cannot be kept as it is.
            ScimError: 503 when there are too many; 507 when it cannot be written.
        """
        if name not in self._tenants:
            self._make_room()
        tenant = self._made(name, start, wanted)
        if name in self._tenants:
            _retire(self._tenants[name])
        self._tenants[name] = tenant
        if name:
            self._used[name] = time.monotonic()
        return tenant

    def renew(self) -> None:
        """As at the start, for somebody else: only the default tenant is left, and nothing of what was done to it."""
        for name in [name for name in self._tenants if name]:
            self.drop(name)
        if self._tenants[""].start is self.start:
            self._tenants[""].renew()
        else:
            self.remake("", self.start)

    def drop(self, name: str) -> bool:
        """Forget a tenant; the default one begins anew instead. Whether there was one."""
        if not name:
            self.remake("", self.start)
            return True
        if name not in self._tenants:
            return False
        if self._keeping is not None:
            self._keeping.forget(name)
        del self._used[name]
        _retire(self._tenants.pop(name))
        return True

    @contextmanager
    def kept(self, name: str) -> Iterator[None]:
        """What is changed in a tenant inside is kept at the end, where anything is; also if it is made inside."""
        try:
            with self.look(name).kept():
                yield
        finally:
            with self.look(name).kept():
                pass

    def close(self) -> None:
        """Let go of the file in which they survive."""
        if self._keeping is not None:
            self._keeping.close()

    def _make_room(self) -> None:
        """Drop those that nobody uses any more; but what survives the process survives that, too."""
        if self._keeping is None:
            now = time.monotonic()
            for name, used in list(self._used.items()):
                if now - used > IDLE_AFTER:
                    self.drop(name)
        if len(self._tenants) >= MOST_TENANTS:
            why = "all in use" if self._keeping is None else "and --persist keeps each, used or not"
            raise ScimError(503, None, f"there are {MOST_TENANTS} tenants, {why}; drop one", {"Retry-After": "60"})


def _retire(tenant: Tenant) -> None:
    """End what a tenant has in flight, and let go of its data; of much data a little at a time, for others go on."""
    tenant.cut()
    if tenant.store.size < _LARGE:
        return
    parts = tenant.store.dismantled()
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return  # nobody waits for a turn here, and the garbage collector will find it

    def go_on() -> None:
        if next(parts, 0) is None:
            loop.call_soon(go_on)

    loop.call_soon(go_on)
