"""What is wrong, or unwise, in a client's own traffic: each finding with its exchanges and what it goes by.

Nothing here is about faults or about what became of the directory (invariants are); a finding is a habit of the client
that a reviewer would point at. Each rule is a function over the exchanges, oldest first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from mockscim.faults.retry_after import read_retry_after
from mockscim.journal import Exchange
from mockscim.scim.body import shallow_json
from mockscim.scim.schema import ResourceType

_MOST_TOLD = 20  # exchanges of one finding
_SECRETS = re.compile(r"(?i)(?:^|[&?])(?:access_token|token|password|client_secret|api_?key)=[^&]")
_FILTER = re.compile(r"(?i)(?:^|[&?])filter=([^&]*)")
_LITERAL = re.compile(r"(?:%22|\")(.*?)(?:%22|\")")
_SLACK = 1.0  # seconds that a client may be early: clocks are read in whole ones


@dataclass(frozen=True, slots=True)
class Finding:
    """One habit.

    Attributes:
        code: its name.
        says: what is wrong, and what to do instead.
        source: what it goes by: a section of an RFC, or another page.
        exchanges: where it was seen, by number.
        count: how often.
    """

    code: str
    says: str
    source: str
    exchanges: tuple[int, ...]
    count: int

    def document(self) -> dict[str, Any]:
        """The finding as the control API gives it."""
        return {
            "code": self.code,
            "says": self.says,
            "source": self.source,
            "exchanges": list(self.exchanges),
            "count": self.count,
        }


@dataclass(frozen=True, slots=True)
class Traffic:
    """What is looked at.

    Attributes:
        exchanges: of one tenant, oldest first.
        types: resource types by their endpoint's first segment: ``Users``.
        real: whether the tenant's clock is real, so that times between requests mean something.
    """

    exchanges: Sequence[Exchange]
    types: Mapping[str, ResourceType]
    real: bool

    def kind(self, exchange: Exchange) -> ResourceType | None:
        """The resource type that an exchange is about, by its path."""
        return self.types.get(exchange.path.strip("/").partition("/")[0])


Rule = Callable[[Traffic], Iterator[Exchange]]
_RULES: list[tuple[str, str, str, Rule]] = []


def rule(code: str, says: str, source: str) -> Callable[[Rule], Rule]:
    """Enter a rule into the list."""

    def register(function: Rule) -> Rule:
        _RULES.append((code, says, source, function))
        return function

    return register


def lint(traffic: Traffic) -> list[Finding]:
    """All habits that are seen in the traffic, in the order of the rules."""
    found = []
    for code, says, source, function in _RULES:
        numbers = [exchange.n for exchange in function(traffic)]
        if numbers:
            found.append(Finding(code, says, source, tuple(numbers[:_MOST_TOLD]), len(numbers)))
    return found


def rules() -> list[dict[str, str]]:
    """What is looked for."""
    return [{"code": code, "says": says, "source": source} for code, says, source, _ in _RULES]


@rule("no-user-agent", "say who you are: a provider's operators cannot reach an unnamed client", "RFC 9110 §10.1.5")
def _no_user_agent(traffic: Traffic) -> Iterator[Exchange]:
    return (exchange for exchange in traffic.exchanges if not exchange.headers.get("User-Agent"))


@rule("secret-in-url", "a URL is logged on its way: send credentials in the Authorization header", "RFC 6750 §5.3")
def _secret_in_url(traffic: Traffic) -> Iterator[Exchange]:
    return (exchange for exchange in traffic.exchanges if _SECRETS.search(exchange.query))


@rule(
    "unescaped-filter",
    "a + in a query string is a space, and a quote or backslash in a filter's text needs a backslash:"
    " percent-encode the one, escape the other as JSON does",
    "RFC 7644 §3.4.2.2, RFC 3986 §2.4",
)
def _unescaped_filter(traffic: Traffic) -> Iterator[Exchange]:
    for exchange in traffic.exchanges:
        found = _FILTER.search(exchange.query)
        if found is None:
            continue
        plus = any("+" in literal and "@" in unquote(literal) for literal in _LITERAL.findall(found[1]))
        quotes = len(re.findall(r'(?<!\\)"', unquote(found[1].replace("+", " "))))
        if plus or (quotes % 2 and exchange.status == 400):
            yield exchange


@rule(
    "read-only-sent",
    "id, meta and a user's groups are the provider's: they are ignored, and members are changed at the group",
    "RFC 7643 §3.1 and §4.1.2, RFC 7644 §3.3",
)
def _read_only_sent(traffic: Traffic) -> Iterator[Exchange]:
    for exchange in traffic.exchanges:
        kind = traffic.kind(exchange)
        if kind is None or exchange.method not in ("POST", "PUT"):
            continue
        sent = _body(exchange)
        if not isinstance(sent, dict):
            continue
        keys = {name.lower() for name, value in sent.items() if value not in (None, "", [], {})}
        # A PUT of what was read carries id and meta; that is how the RFC means it.
        of_the_server = {"id", "meta"} if exchange.method == "POST" else set()
        others = {
            key for key, attribute in kind.attributes.items() if attribute.mutability == "readOnly" and key not in
            ("id", "meta", "schemas")
        }  # fmt: skip
        if keys & (of_the_server | others):
            yield exchange


@rule(
    "write-without-change",
    "a write that changes nothing costs a provider as much as one that does: compare first",
    "https://learn.microsoft.com/en-us/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups",
)
def _write_without_change(traffic: Traffic) -> Iterator[Exchange]:
    for exchange in traffic.exchanges:
        done = exchange.status is not None and 200 <= exchange.status < 300
        if done and exchange.method in ("PUT", "PATCH") and not exchange.committed and not exchange.faults:
            yield exchange


@rule(
    "pages-not-followed",
    "a list had more pages than were asked for: what is not on the first page is not absent",
    "RFC 7644 §3.4.2.4",
)
def _pages_not_followed(traffic: Traffic) -> Iterator[Exchange]:
    waiting: dict[tuple[str, str], tuple[Exchange, int]] = {}
    for exchange in traffic.exchanges:
        if exchange.method != "GET" or exchange.status != 200:
            continue
        page = _body_of_answer(exchange)
        if not isinstance(page, dict) or not isinstance(page.get("Resources"), list) or "cursor" in exchange.query:
            continue
        parameters = {name.lower(): value for name, value in parse_qsl(exchange.query)}
        key = (exchange.path, parameters.get("filter", ""))
        start = _number(page.get("startIndex"), 1)
        last = waiting.get(key)
        if last is not None and start == last[1]:
            del waiting[key]
        following = start + len(page["Resources"])
        if following <= _number(page.get("totalResults"), 0) and parameters.get("count") != "0":
            waiting[key] = (exchange, following)
    return iter(sorted((exchange for exchange, _ in waiting.values()), key=lambda exchange: exchange.n))


@rule(
    "blind-retry",
    "a POST was sent again after its answer was lost, without a look whether the first one had been done",
    "RFC 9110 §9.2.2",
)
def _blind_retry(traffic: Traffic) -> Iterator[Exchange]:
    in_doubt: dict[tuple[str, bytes], int] = {}
    looked = 0
    for exchange in traffic.exchanges:
        if exchange.method == "GET" or (exchange.operation or "").endswith(".search"):
            looked = exchange.n
        if exchange.method != "POST" or (exchange.operation or "").endswith(".search"):
            continue
        key = (exchange.path, exchange.body)
        before = in_doubt.get(key)
        if before is not None and looked < before:
            yield exchange
        if exchange.status is None or exchange.status >= 500 or exchange.cut or exchange.client_gone:
            in_doubt[key] = exchange.n
        else:
            in_doubt.pop(key, None)


@rule(
    "retry-after-ignored",
    "a request came sooner than Retry-After had asked for",
    "RFC 9110 §10.2.3, RFC 6585 §4",
)
def _retry_after_ignored(traffic: Traffic) -> Iterator[Exchange]:
    if not traffic.real:
        return  # the client waits in its own time, not in that of a clock that is told
    until: dict[str, float] = {}
    for exchange in traffic.exchanges:
        operation = exchange.operation or ""
        if exchange.started < until.get(operation, 0.0) - _SLACK:
            yield exchange
        if exchange.status in (429, 503):
            answered = exchange.started + exchange.duration
            asked = (v for name, v in exchange.response_headers.items() if name.lower() == "retry-after")
            wait = read_retry_after(next(asked, ""), answered)
            if wait is not None:
                until[operation] = answered + wait


def _body(exchange: Exchange) -> Any:  # noqa: ANN401
    try:
        return shallow_json(exchange.body) if exchange.body else None
    except ValueError:
        return None


def _body_of_answer(exchange: Exchange) -> Any:  # noqa: ANN401
    try:
        return shallow_json(exchange.response_body) if exchange.response_body else None
    except ValueError:
        return None


def _number(value: object, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default
