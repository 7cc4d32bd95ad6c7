"""What a tenant is made of that is made over the control API: the server's start, but for what a document says."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from mockscim import fixtures
from mockscim.profiles import load_bundled
from mockscim.tenant import Start
from mockscim.tokens import TokenDocument


class ClockDocument(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The body of ``PUT clock``."""

    mode: str = "virtual"
    now: str | None = None


class TenantDocument(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The body of ``PUT`` of a tenant; what is absent is as the server started."""

    profile: str | dict[str, Any] | None = None
    fixture: str | dict[str, Any] | None = None
    seed: int | None = None
    strict: bool | None = None
    accept: list[str] | None = None
    refuse: list[str] | None = None
    clock: str | ClockDocument | None = None
    tokens: list[str | TokenDocument] | None = None
    faults: list[dict[str, Any]] | None = None

    def start(self, start: Start) -> Start:
        """The start that it makes of the server's.

        Raises:
            FixtureError, ProfileError: what it names cannot be used.
        """
        changes: dict[str, Any] = {
            name: value for name in ("seed", "strict") if (value := getattr(self, name)) is not None
        }
        for name in ("accept", "refuse", "tokens", "faults"):
            if getattr(self, name) is not None:
                changes[name] = tuple(getattr(self, name))
        if isinstance(self.clock, ClockDocument):
            changes["clock"] = self.clock.mode + (f":{self.clock.now}" if self.clock.now is not None else "")
        elif self.clock is not None:
            changes["clock"] = self.clock
        if self.profile is not None:
            changes["profile"] = load_bundled(self.profile)
        if isinstance(self.fixture, str):
            changes["fixture"] = fixtures.load_bundled(self.fixture)
        elif self.fixture is not None:
            changes["fixture"] = fixtures.parse(orjson.dumps(self.fixture), "fixture")
        if "fixture" in changes and "profile" not in changes and changes["fixture"].profile:
            changes["profile"] = load_bundled(changes["fixture"].profile)
        return start.merged(**changes)

    def definition(self) -> str:
        """It as it may be kept: without the texts of tokens, of which only digests are."""
        said = {name: value for name, value in msgspec.to_builtins(self).items() if value is not None}
        return orjson.dumps({**said, "tokens": []}).decode()


def start_of(start: Start, definition: str | None) -> Start:
    """The start of a tenant that was defined so once; the server's own for None.

    Raises:
        ValueError: it can no longer be.
    """
    if definition is None:
        return start
    return msgspec.json.decode(definition, type=TenantDocument).start(start)
