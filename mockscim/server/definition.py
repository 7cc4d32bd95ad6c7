"""What a tenant is made of that is made over the control API: the server's start, but for what a document says."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import orjson

from mockscim import fixtures
from mockscim.faults import FaultError, load_bundled_scenario
from mockscim.masking import MASK, Masks
from mockscim.profiles import load_bundled
from mockscim.tenant import Start, Tenant
from mockscim.tokens import TokenDocument

_STARS = re.compile(r"\*+")


class ClockDocument(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The body of ``PUT clock``."""

    mode: str = "virtual"
    now: str | None = None


class TenantDocument(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The body of ``PUT`` of a tenant; what is absent is as the server started.

    ``faults`` are rules, or the name of a scenario that comes along; its seed counts where none is given.
    """

    profile: str | dict[str, Any] | None = None
    fixture: str | dict[str, Any] | None = None
    seed: int | None = None
    strict: bool | None = None
    accept: list[str] | None = None
    refuse: list[str] | None = None
    clock: str | ClockDocument | None = None
    tokens: list[str | TokenDocument] | None = None
    faults: list[dict[str, Any]] | str | None = None

    def start(self, start: Start) -> Start:
        """The start that it makes of the server's.

        Raises:
            FaultError, FixtureError, ProfileError: what it names cannot be used.
        """
        changes: dict[str, Any] = {
            name: value for name in ("seed", "strict") if (value := getattr(self, name)) is not None
        }
        if isinstance(self.faults, str):
            scenario = load_bundled_scenario(self.faults, "/faults")
            changes["faults"] = tuple(scenario.rules)
            if scenario.seed is not None:
                changes.setdefault("seed", scenario.seed)
        elif self.faults is not None:
            changes["faults"] = tuple(self.faults)
        for name in ("accept", "refuse", "tokens"):
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

    def definition(self, tenant: Tenant) -> str:
        """It as it may be kept: without the texts of tokens, and all else that nobody is to read.

        Args:
            tenant: as it was made from this, just now: data that came along is kept as that has taken it in, so without
                what is never returned.

        Raises:
            FaultError: a rule cannot be kept, for it compares a secret.
        """
        self._check_secrets(tenant.journal.masks)
        said = {name: value for name, value in msgspec.to_builtins(self).items() if value is not None}
        if isinstance(self.fixture, dict) and tenant.start.fixture is not None:
            data = {**tenant.dump(), "profile": tenant.start.fixture.profile}
            said["fixture"] = {name: value for name, value in data.items() if value is not None}
        return orjson.dumps({**said, "tokens": []}).decode()

    def _check_secrets(self, masks: Masks) -> None:
        listed = {"/faults": self.faults}
        if isinstance(self.profile, dict):
            listed["/profile/faults"] = self.profile.get("faults")
        for place, rules in listed.items():
            for index, rule in enumerate(rules if isinstance(rules, list) else ()):
                if _compares_secret(rule, masks):
                    said = "a rule that compares a secret cannot be kept by --persist, which writes none to its file"
                    raise FaultError(f"{place}/{index}/match", f"{said}; POST it to faults once the tenant is there")


def _compares_secret(rule: dict[str, Any], masks: Masks) -> bool:
    """Whether anybody could read in a rule what credentials or a password are; stars say nothing of them."""
    match = dict(rule.get("match") or {})
    match["header"] = {name: _STARS.sub(MASK, value) for name, value in (match.get("header") or {}).items()}
    starred = {**rule, "match": match}
    return masks.rule(starred) != starred


def start_of(start: Start, definition: str | None) -> Start:
    """The start of a tenant that was defined so once; the server's own for None.

    Raises:
        ValueError: it can no longer be.
    """
    if definition is None:
        return start
    return msgspec.json.decode(definition, type=TenantDocument).start(start)
