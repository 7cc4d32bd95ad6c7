"""How a provisioning job is set up: what an administrator chooses, and where the documentation leaves a choice.

A field's docstring line says what it does. Those marked *guess* stand for behaviour that is documented nowhere: the
default is what seemed likeliest, and the switch is there because it may be otherwise.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import msgspec

from mockscim.provisioning.entra.identity import guid
from mockscim.provisioning.entra.shapes import USER_SCHEMAS, Style
from mockscim.provisioning.scoping import Scope

HOUR = 3600.0
DAY = 24 * HOUR
FLAG = "aadOptscim062020"
DOWNGRADE = "AzureAdScimPatch2017"


class Thresholds(msgspec.Struct, forbid_unknown_fields=True):
    """When failures put a job in quarantine.

    Attributes:
        begin: failures below which nothing is judged.
        proportion: of a cycle's events that may fail, references not counted.
        base: failures without those of references.
        total: failures with those of references.
    """

    begin: int = 5_000
    proportion: float = 0.4
    base: int = 40_000
    total: int = 60_000


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """One job's settings; durations in seconds.

    Attributes:
        target: the tenant URL as the administrator gave it, with its query string if it has one.
        app: the application's template; it names the mapping that is used unless another is given.
        name: what the target is called in the log; empty for the application's.
        tenant_id: the directory's id; empty for one that follows from the seed.
        seed: what ids of log entries, cycles and random GUIDs follow from.
        compliant: the shapes of PATCH; None: what the flag in ``target`` says.
        scope: assigned users and groups only, or all.
        interval: from the beginning of one incremental cycle to that of the next.
        skip_out_of_scope_deletions: scope loss neither disables nor deletes (SkipOutOfScopeDeletions).
        deletion_threshold: most disables and deletes that a cycle may bring; None: no guard.
        throttling: ``fail``: 429 fails the object like any other error; ``honour``: the request is sent again after
            Retry-After. Public answers say both.
        throttled_attempts: how often a request is sent again when ``throttling`` honours.
        throttled_delay: what is waited where no Retry-After came. *guess*
        notification_email: who is told of a quarantine; empty for nobody.
        thresholds: when failures put the job in quarantine.
        escrow_series: when a failed object is tried again, after its first failure; then every day.
        escrow_end: after how long it is no longer tried.
        escrow_ends_job: whether the job is disabled with it.
        first_retry: ``series``, or ``next-cycle``: tried in the next cycle first, then by the series. Both are written.
        quarantine_end: after how long in quarantine the job is disabled.
        complete_failures: cycles in a row that did not get through before the job is quarantined. *guess*
        probe: whether a cycle that has something to send tests the connection first; the documentation implies it.
        reference_check: ask the target whether a reference is there before it is set (older documentation).
        soft_delete: whether the target can disable users; None: it can where something is mapped to ``active``. *guess*
        rematch: ``retry``: an object whose cached id is gone fails with InvalidAnchor and is matched anew in the next
            cycle; ``at once``: in the same. *guess*
        unfilterable: characters in a matching value that make the query fail: a known issue that names none of them.
        members_per_patch: most members in one PATCH. *guess*
        split_refused: whether members that were refused together are sent one by one then. *guess*
        page_size: objects that count as one unit of progress. *guess*
        manager: ``string``: what the client is seen to send; ``array``: the documentation's sample; ``complex``: the
            RFC's. None: ``string``, and ``complex`` with the flag (*guess*: the documentation is silent on it).
        user_schemas: what a user's create announces; the samples differ.
        empty_roles: whether a create says ``"roles": []``, as the documentation's sample does.
        adscim_schema: whether a group's create announces Microsoft's own schema, as documented.
        booleans: in PATCHes without the flag: ``text`` ("False"), or ``json`` as in an older sample.
        null_refs: whether members come with ``"$ref": null`` when the flag is not set; samples differ.
        schemas_last: whether ``schemas`` follows ``Operations``, as in an older sample.
    """

    target: str = "http://127.0.0.1:8080/scim/v2"
    app: str = "non-gallery"
    name: str = ""
    tenant_id: str = ""
    seed: int = 0
    compliant: bool | None = None
    scope: Scope = msgspec.field(default_factory=Scope)
    interval: float = 40 * 60.0
    skip_out_of_scope_deletions: bool = False
    deletion_threshold: int | None = None
    throttling: Literal["fail", "honour"] = "fail"
    throttled_attempts: int = 5
    throttled_delay: float = 5.0
    notification_email: str = ""
    thresholds: Thresholds = msgspec.field(default_factory=Thresholds)
    escrow_series: tuple[float, ...] = (6 * HOUR, 12 * HOUR, 24 * HOUR)
    escrow_end: float = 28 * DAY
    escrow_ends_job: bool = True
    first_retry: Literal["series", "next-cycle"] = "series"
    quarantine_end: float = 28 * DAY
    complete_failures: int = 5
    probe: bool = True
    reference_check: bool = False
    soft_delete: bool | None = None
    rematch: Literal["retry", "at once"] = "retry"
    unfilterable: str = ""
    members_per_patch: int = 20
    split_refused: bool = True
    page_size: int = 100
    manager: Literal["string", "array", "complex"] | None = None
    user_schemas: tuple[str, ...] = USER_SCHEMAS
    empty_roles: bool = True
    adscim_schema: bool = True
    booleans: Literal["text", "json"] = "text"
    null_refs: bool = True
    schemas_last: bool = False

    def __post_init__(self) -> None:
        """Refuse numbers that no job could run with.

        Raises:
            ValueError: names the setting.
        """
        for field in ("members_per_patch", "page_size", "complete_failures", "interval"):
            if getattr(self, field) <= 0:
                raise ValueError(f"{field} must be above 0")
        if self.deletion_threshold is not None and self.deletion_threshold < 0:
            raise ValueError("deletion_threshold must be 0 or more")
        if list(self.escrow_series) != sorted(self.escrow_series) or min(self.escrow_series, default=1.0) <= 0:
            raise ValueError("escrow_series are ascending times after the first failure")

    @property
    def flagged(self) -> bool:
        """Whether PATCHes have the compliant shapes: as said, or as the flag in the tenant URL says."""
        if self.compliant is not None:
            return self.compliant
        query = urlsplit(self.target).query.lower().rstrip("/")
        names = {name for name, _ in parse_qsl(query, keep_blank_values=True)}
        return FLAG.lower() in names and DOWNGRADE.lower() not in names

    @property
    def base_url(self) -> str:
        """The target without its query string and trailing slash: what a reference begins with."""
        split = urlsplit(self.target)
        return urlunsplit((split.scheme, split.netloc, split.path.rstrip("/"), "", ""))

    @property
    def style(self) -> Style:
        """The shapes of this job's requests."""
        flagged = self.flagged
        return Style(
            compliant=flagged,
            booleans=self.booleans,
            manager=self.manager or ("complex" if flagged else "string"),
            null_refs=self.null_refs and not flagged,
            schemas_last=self.schemas_last,
            base_url=self.base_url,
        )

    @property
    def tenant(self) -> str:
        """The directory's id."""
        return self.tenant_id or guid(self.seed, "tenant")

    @property
    def principal(self) -> str:
        """The id of the application's service principal."""
        return guid(self.seed, "servicePrincipal", self.app)

    @property
    def job_id(self) -> str:
        """``{template}.{tenant without dashes}.{application}``; the template of a non-gallery application is scim."""
        template = "scim" if self.app == "non-gallery" else self.app
        return f"{template}.{self.tenant.replace('-', '')}.{self.principal}"

    @property
    def target_name(self) -> str:
        """What the target is called."""
        return self.name or self.app
