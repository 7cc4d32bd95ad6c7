"""The shapes of what the control API takes and answers, for its description; nothing is checked against them here."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class Problem(TypedDict):
    """Why a request was refused; ``where`` is a JSON pointer into what was sent."""

    status: int
    detail: str
    where: NotRequired[str]


class Health(TypedDict):
    """The server is up."""

    status: Literal["ok"]
    version: str


class Clock(TypedDict):
    """What time it is for the tenant."""

    mode: Literal["real", "virtual"]
    now: str


class Tenant(TypedDict):
    """What a tenant is and holds, and the command that starts the same."""

    tenant: str
    base_url: str
    profile: str
    seed: int
    strict: bool
    clock: Clock
    resources: dict[str, int]
    reproduce: str


class Fixture(TypedDict, total=False):
    """A fixture document; a ListResponse or a resource does as well."""

    description: str
    profile: str
    users: list[dict[str, Any]]
    groups: list[dict[str, Any]]
    resources: dict[str, list[dict[str, Any]]]
    accounts: list[dict[str, Any]]
    schemas: list[dict[str, Any]]
    resourceTypes: list[dict[str, Any]]


class Resources(TypedDict):
    """Resources of a type in the order of their creation, ``total`` of them; ``next`` is how many to ``skip`` to go on.

    ``names`` has what people call those that are listed or referred to, by their ids.
    """

    type: str
    items: list[dict[str, Any]]
    names: dict[str, str]
    total: int
    next: int | None


class Loaded(TypedDict):
    """How many resources a fixture brought."""

    loaded: int


class FaultType(TypedDict):
    """One kind of fault; ``parameters`` is a JSON Schema."""

    name: str
    family: str
    phases: list[Literal["before", "after"]]
    default_phase: Literal["before", "after"]
    terminal: bool
    aliases: list[str]
    doc: str
    correct_client: str
    parameters: dict[str, Any]


class Explanation(TypedDict, total=False):
    """Of a filter: how it is read, and each clause for each resource. Of a PATCH: its steps, and what each changes."""

    filter: str
    read_as: str
    type: str
    id: str
    version: str
    leniencies: list[dict[str, str]]
    index: list[str]
    looked_at: int
    matching: int
    resources: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    result: str


class LintFinding(TypedDict):
    """One habit of the client; ``exchanges`` are numbers in the journal."""

    code: str
    says: str
    source: str
    exchanges: list[int]
    count: int


class Lint(TypedDict):
    """All habits that were seen."""

    items: list[LintFinding]
    next: None


class Verdict(TypedDict):
    """Whether it is as expected; ``exchanges`` are numbers in the journal."""

    ok: bool
    found: int
    exchanges: list[int]
    explanation: str


class Gate(TypedDict):
    """Where requests are held; ``reached`` counts those that came, ``waiting`` those that are there now."""

    name: str
    match: dict[str, Any]
    at: Literal["received", "before_commit", "after_commit", "before_last_byte"]
    timeout: float
    reached: int
    waiting: int
    timed_out: int


class Gates(TypedDict):
    """All gates that are closed."""

    items: list[Gate]
    next: None


class FaultTypes(TypedDict):
    """All kinds of faults."""

    items: list[FaultType]
    next: None


class Token(TypedDict):
    """A minted token; its text is whole in the answer that minted it, and masked in every other.

    ``client`` is the OAuth client that it was issued to; null where it was made through the control API.
    """

    name: str
    token: str
    created: str
    expires: str | None
    scopes: list[Literal["read", "write"]]
    user: str | None
    client: str | None


class Tokens(TypedDict):
    """All minted tokens."""

    items: list[Token]
    next: None


class Leniency(TypedDict):
    """One deviation from the RFCs, and whether the tenant accepts it."""

    code: str
    accepts: str
    rfc: str
    source: str
    sent_by: str
    on: bool
    asked: bool
    default: bool
    profiles: dict[str, bool | None]


class Leniencies(TypedDict):
    """All deviations that are known."""

    items: list[Leniency]
    next: None


class SentRequest(TypedDict):
    """What a client sent."""

    headers: dict[str, str]
    body: Any


class SentResponse(TypedDict):
    """What a client was answered."""

    status: int
    headers: dict[str, str]
    body: Any


class ResourceVersion(TypedDict):
    """The resource that an exchange was about."""

    type: str
    id: str
    version: str


class AppliedFault(TypedDict):
    """A fault that struck."""

    rule: str
    type: str
    phase: Literal["before", "after"]
    outcome: str


class UsedLeniency(TypedDict):
    """A deviation that was met and accepted."""

    code: str
    source: str
    detail: str


class JournalEntry(TypedDict):
    """One exchange, secrets masked; ``response`` is null where nothing went out."""

    n: int
    time: str
    duration_ms: float
    tenant: str
    operation: str | None
    refinements: list[str]
    method: str
    path: str
    query: str
    request: SentRequest
    response: SentResponse | None
    resource: ResourceVersion | None
    committed: bool
    changes: list[int]
    faults: list[AppliedFault]
    leniencies: list[UsedLeniency]
    connection: int
    attempt: int
    client_gone: bool


class JournalPage(TypedDict):
    """Exchanges, oldest first; ``next`` is the ``since`` to go on with, ``last`` the newest number that was given.

    ``under_way``: how many have begun and are not over, which is when they come into the journal.
    """

    items: list[JournalEntry]
    next: int | None
    dropped: int
    last: int
    under_way: int


class HistoryEntry(TypedDict):
    """One committed change; ``journal`` is null for one made behind the client's back."""

    n: int
    time: str
    operation: str
    type: str
    id: str
    version: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    journal: int | None


class HistoryPage(TypedDict):
    """Changes, oldest first; ``next`` is the ``since`` to go on with, ``last`` the newest number that was given."""

    items: list[HistoryEntry]
    next: int | None
    dropped: int
    last: int


class Har(TypedDict):
    """An HTTP Archive 1.2."""

    log: dict[str, Any]


class Proof(TypedDict):
    """What shows that an invariant is broken: in words, and the numbers of the exchange and of the change."""

    what: str
    journal: int | None
    history: int | None


class Invariant(TypedDict):
    """What the judge says of one invariant.

    ``incomplete``: the journal or the history dropped what it would need. ``more``: how much evidence is not shown.
    """

    id: str
    name: str
    verdict: Literal["held", "broken", "not applicable"]
    incomplete: bool
    why: str
    evidence: list[Proof]
    more: int
    definition: str


class Judgement(TypedDict):
    """What the judge says of the client; ``broken`` has the ids, ``reproduce`` the command that starts the same."""

    items: list[Invariant]
    next: None
    broken: list[str]
    exchanges: int
    seed: int
    reproduce: str


class Desired(TypedDict):
    """How many resources are desired."""

    desired: int


class Mark(TypedDict):
    """A mark, and the last exchange and change before it."""

    cycle: int
    event: Literal["begin", "end"]
    reported: dict[str, Any] | None
    journal: int
    history: int
    time: str


class Marks(TypedDict):
    """All marks, oldest first."""

    items: list[Mark]
    next: None
