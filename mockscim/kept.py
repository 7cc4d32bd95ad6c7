"""What a tenant has to do with what survives the process: what it goes on from, and who writes what changes in it.

``mockscim.persist`` does that with a file; a tenant knows no more of it than this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from mockscim.scim.call import Call, Reply
from mockscim.scim.errors import ScimError
from mockscim.scim.record import Record
from mockscim.scim.schema import Registry
from mockscim.tokens import TokenState

# The snapshot of a store that knows what has changed since it was last written.
KEPT = "\0kept"


class Kept(NamedTuple):
    """What of a tenant another process has left.

    Attributes:
        began: when it was made, as text: what a fixture gives no time has this.
        starts: how many processes had it before.
        counters: of its store.
        records: its records in the order of their making, each with whether it is an account, for its registry.
        tokens: those that there were, and the start tokens that had been revoked.
    """

    began: str
    starts: int
    counters: tuple[int, int]
    records: Callable[[Registry], Iterable[tuple[bool, Record]]]
    tokens: TokenState


class KeepError(ScimError):
    """A change that could not be written to where it survives the process: none of it has happened (507).

    RFC 7644 has no status for that; RFC 4918 §11.5 does.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(507, None, f"the change could not be stored, and nothing of it was done: {reason}")


class Keeper(Protocol):
    """Writes what changes in a tenant to where it survives the process."""

    def keeping(self) -> AbstractContextManager[None]:
        """What is changed inside is written at the end, all of it.

        Raises:
            KeepError: that failed.
        """

    def perform(self, call: Call, now: str, *, new_id: str | None = None) -> Reply:
        """``Service.perform``, kept."""
