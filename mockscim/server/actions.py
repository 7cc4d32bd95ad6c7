"""What the control API does, a function for each method and path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any

import msgspec

from mockscim import fixtures
from mockscim.clock import parse_instant
from mockscim.durations import parse_duration
from mockscim.faults import Refuse, Rule, compile_rules, load_bundled_scenario, types_catalogue
from mockscim.har import to_har
from mockscim.journal import Exchange, History, Journal
from mockscim.server import shapes, wire
from mockscim.server.control import Ask, Control, ControlError, Result, route
from mockscim.server.definition import ClockDocument, TenantDocument
from mockscim.tenant import Start, Tenant
from mockscim.tokens import TokenDocument, TokenError, digest
from mockscim.version import __version__

_PAGE = 1000
_SNAPSHOT = "/snapshots/(?P<name>[^/\\0]{1,100})"
_RULE = "/faults/(?P<name>[^/]+)"
_FIXTURE = shapes.Fixture | list[dict[str, Any]]


class AdvanceDocument(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The body of ``POST clock/advance``."""

    by: str | float


class RevokedDocument(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The body of ``DELETE tokens``; without a token all are meant."""

    token: str | None = None


def _items(items: list[Any], following: Any = None) -> Result:  # noqa: ANN401
    return 200, {"items": items, "next": following}


# -- the tenant itself -----------------------------------------------------------------------------------------


@route("PUT", "/", {200: shapes.Tenant}, body=TenantDocument)
def _put_tenant(control: Control, ask: Ask) -> Result:
    """Make or remake the tenant."""
    wanted = ask.document(TenantDocument)
    for index, token in enumerate(wanted.tokens or ()):
        _check_token(token, f"/tokens/{index}")
    if isinstance(wanted.faults, list):
        compile_rules(wanted.faults, pointer="/faults")  # in the tenant they are counted behind the profile's
    tenants = control.server.tenants
    tenants.remake(ask.tenant, wanted.start(tenants.start), wanted)
    return 200, _describe(control, ask)


@route("GET", "/", {200: shapes.Tenant})
def _get_tenant(control: Control, ask: Ask) -> Result:
    """What the tenant is and holds."""
    return 200, _describe(control, ask)


def _describe(control: Control, ask: Ask) -> dict[str, Any]:
    tenant = control.tenant(ask)
    start: Start = tenant.start
    return {
        "tenant": tenant.name,
        "base_url": control.base(ask),
        "profile": start.profile.name,
        "seed": start.seed,
        "strict": start.strict,
        "clock": tenant.clock.document(),
        "resources": {name: len(table) for name, table in tenant.store.tables.items()},
        "reproduce": tenant.command(),
    }


@route("DELETE", "/", {204: None}, missing=True)
def _drop_tenant(control: Control, ask: Ask) -> Result:
    """Drop the tenant."""
    if not control.server.tenants.drop(ask.tenant):
        raise ControlError(404, f"there is no tenant {ask.tenant}")
    return 204, None


@route("GET", "/health", {200: shapes.Health})
def _health(control: Control, ask: Ask) -> Result:  # noqa: ARG001
    """Whether the server is up, and its version."""
    return 200, {"status": "ok", "version": __version__}


@route("POST", "/reset", {204: None}, body="StartRules")
def _reset(control: Control, ask: Ask) -> Result:
    """Go back to the start: data, rules, clock; an empty journal and history.

    Rules in the body are in force from then on in the place of the start's; no request comes between.
    """
    tenant = control.tenant(ask)
    if ask.body.strip() in (b"", b"{}"):  # an empty document is what some clients send for nothing
        tenant.reset()
        return 204, None
    documents = _all_rules(ask)
    tenant.check_operations(documents)
    compile_rules(documents)  # whose errors leave everything as it is
    tenant.reset()
    _stand(ask, tenant, tenant.faults.replace(documents, tenant.clock.now()))
    return 204, None


# -- data ------------------------------------------------------------------------------------------------------


@route("GET", "/fixture", {200: shapes.Fixture})
def _get_fixture(control: Control, ask: Ask) -> Result:
    """The state as a fixture document."""
    return 200, fixtures.render(control.tenant(ask).dump())


@route("PUT", "/fixture", {200: shapes.Loaded}, body=_FIXTURE)
def _put_fixture(control: Control, ask: Ask) -> Result:
    """Replace all data by a fixture."""
    return 200, {"loaded": control.tenant(ask).load(fixtures.parse(ask.body, "fixture"), merge=False)}


@route("POST", "/fixture", {200: shapes.Loaded}, body=_FIXTURE)
def _merge_fixture(control: Control, ask: Ask) -> Result:
    """Add a fixture to the data."""
    return 200, {"loaded": control.tenant(ask).load(fixtures.parse(ask.body, "fixture"), merge=True)}


@route("PUT", _SNAPSHOT, {204: None})
def _take_snapshot(control: Control, ask: Ask) -> Result:
    """Take a snapshot of the store."""
    control.tenant(ask).store.snapshot(ask.parts[0])
    return 204, None


@route("POST", _SNAPSHOT, {204: None}, missing=True)
def _restore_snapshot(control: Control, ask: Ask) -> Result:
    """Restore the store from a snapshot."""
    tenant = control.tenant(ask)
    if not tenant.store.has_snapshot(ask.parts[0]):
        raise ControlError(404, f"there is no snapshot {ask.parts[0]}")
    tenant.note(tenant.store.restore(ask.parts[0]), None)
    return 204, None


@route("DELETE", _SNAPSHOT, {204: None}, missing=True)
def _drop_snapshot(control: Control, ask: Ask) -> Result:
    """Forget a snapshot."""
    store = control.tenant(ask).store
    if not store.has_snapshot(ask.parts[0]):
        raise ControlError(404, f"there is no snapshot {ask.parts[0]}")
    store.drop_snapshot(ask.parts[0])
    return 204, None


# -- faults ----------------------------------------------------------------------------------------------------


@route("GET", "/fault-types", {200: shapes.FaultTypes})
def _fault_types(control: Control, ask: Ask) -> Result:  # noqa: ARG001
    """Every fault type, and the parameters it takes."""
    return _items(types_catalogue())


@route("GET", "/faults", {200: "Rules"})
def _get_faults(control: Control, ask: Ask) -> Result:
    """The fault rules in force."""
    engine = control.tenant(ask).faults
    return _items([engine.describe(rule) for rule in engine.rules()])


@route("POST", "/faults", {201: "RuleOrRules"}, body="NewRules")
def _add_fault(control: Control, ask: Ask) -> Result:
    """Add a fault rule, or several."""
    tenant = control.tenant(ask)
    document = _rules(ask.json())
    tenant.check_operations(document)
    if isinstance(document, list):
        rules = tenant.faults.extend(document, tenant.clock.now())
        _stand(ask, tenant, rules)
        return 201, {"items": [tenant.faults.describe(rule) for rule in rules], "next": None}
    rule = tenant.faults.add(document, tenant.clock.now())
    _stand(ask, tenant, [rule])
    return 201, tenant.faults.describe(rule)


@route("PUT", "/faults", {200: "Rules"}, body="AllRules")
def _replace_faults(control: Control, ask: Ask) -> Result:
    """Replace all fault rules."""
    tenant = control.tenant(ask)
    documents = _all_rules(ask)
    tenant.check_operations(documents)
    old = tenant.faults.rules()
    rules = tenant.faults.replace(documents, tenant.clock.now())
    _relent(ask, old)
    _stand(ask, tenant, rules)
    return _get_faults(control, ask)


def _all_rules(ask: Ask) -> list[object]:
    """The rules of a body: a list, a scenario with one, or the name of one that comes along."""
    document = _rules(ask.json())
    if not isinstance(document, list):
        raise ControlError(400, "a list of rules was expected, or a scenario: with rules, or its name")
    return document


def _rules(document: Any) -> Any:  # noqa: ANN401 - whatever was sent
    """The rules of a scenario, by its name or in it; anything else as it is."""
    if isinstance(document, str):
        return load_bundled_scenario(document).rules
    if isinstance(document, dict) and isinstance(document.get("scenario"), str):
        return load_bundled_scenario(document["scenario"], "/scenario").rules
    if isinstance(document, dict) and "rules" in document:
        return document["rules"]
    return document


@route("DELETE", "/faults", {204: None})
def _clear_faults(control: Control, ask: Ask) -> Result:
    """Take all fault rules away."""
    engine = control.tenant(ask).faults
    old = engine.rules()
    engine.clear()
    _relent(ask, old)
    return 204, None


@route("GET", _RULE, {200: "Rule"}, missing=True)
def _get_fault(control: Control, ask: Ask) -> Result:
    """One fault rule with its hits and matches."""
    try:
        return 200, control.tenant(ask).faults.describe(ask.parts[0])
    except KeyError:
        raise ControlError(404, f"there is no rule {ask.parts[0]}") from None


@route("PUT", _RULE, {200: "Rule"}, body="Rule")
def _put_fault(control: Control, ask: Ask) -> Result:
    """Make or replace a fault rule."""
    tenant = control.tenant(ask)
    tenant.check_operations(ask.json())
    old = [rule for rule in tenant.faults.rules() if rule.name == ask.parts[0]]
    rule = tenant.faults.put(ask.parts[0], ask.json(), tenant.clock.now())
    _relent(ask, old)
    _stand(ask, tenant, [rule])
    return 200, tenant.faults.describe(ask.parts[0])


@route("DELETE", _RULE, {204: None}, missing=True)
def _remove_fault(control: Control, ask: Ask) -> Result:
    """Take a fault rule away."""
    engine = control.tenant(ask).faults
    try:
        old = engine.get(ask.parts[0])
        engine.remove(ask.parts[0])
    except KeyError:
        raise ControlError(404, f"there is no rule {ask.parts[0]}") from None
    _relent(ask, [old])
    return 204, None


def _stand(ask: Ask, tenant: Tenant, rules: Iterable[Rule]) -> None:
    """Do at once what rules do to the whole process."""
    for rule in rules:
        effect = rule.standing
        if isinstance(effect, Refuse):
            wire.refuse(ask.request, effect, tenant.cuts)


def _relent(ask: Ask, rules: Iterable[Rule]) -> None:
    """End what rules that are gone did to the whole process."""
    if any(rule.stands for rule in rules):
        wire.let_in(ask.request)


# -- what happened ---------------------------------------------------------------------------------------------


def _limit(ask: Ask) -> int:
    limit = ask.number("limit", _PAGE)
    if not limit:
        raise ControlError(400, "limit is 1 or more")
    return limit


def _page(documents: Iterator[dict[str, Any]], limit: int, kept: Journal | History) -> Result:
    """Numbered documents, oldest first; ``next`` is the ``since`` to go on with, when there are more."""
    found = list(islice(documents, limit))
    more = next(documents, None) is not None
    following = found[-1]["n"] if more else None
    return 200, {"items": found, "next": following, "dropped": kept.dropped, "last": kept.last}


@route("GET", "/journal", {200: shapes.JournalPage}, query=("operation", "status", "fault", "since", "limit"))
def _journal(control: Control, ask: Ask) -> Result:
    """Exchanges, oldest first: ``operation``, ``status``, ``fault``, ``since`` (a number), ``limit``."""
    tenant, wanted = control.tenant(ask), ask.parameters
    if "operation" in wanted:
        tenant.check_operation(wanted["operation"], "")
    journal = tenant.journal
    since, limit = ask.number("since", 0), _limit(ask)

    def chosen(exchange: Exchange) -> bool:
        names = (exchange.operation, *exchange.refinements)
        if "operation" in wanted and not any(fnmatchcase(n or "", wanted["operation"]) for n in names):
            return False
        if "status" in wanted and str(exchange.status) != wanted["status"]:
            return False
        return "fault" not in wanted or any(wanted["fault"] in (f.rule, f.type) for f in exchange.faults)

    kept = (exchange for exchange in journal.after(since) if chosen(exchange))
    status, page = _page((exchange.entry() for exchange in kept), limit, journal)
    return status, {**page, "under_way": journal.under_way}


@route("DELETE", "/journal", {204: None})
def _clear_journal(control: Control, ask: Ask) -> Result:
    """Forget all exchanges."""
    control.tenant(ask).journal.clear()
    return 204, None


@route("GET", "/journal/(?P<n>[0-9]{1,18})", {200: shapes.JournalEntry}, missing=True)
def _exchange(control: Control, ask: Ask) -> Result:
    """One exchange of the journal."""
    exchange = control.tenant(ask).journal.get(int(ask.parts[0]))
    if exchange is None:
        raise ControlError(404, f"there is no exchange {ask.parts[0]}, or no longer")
    return 200, exchange.entry()


@route("GET", "/journal\\.har", {200: shapes.Har})
def _har(control: Control, ask: Ask) -> Result:
    """The journal as an HTTP Archive."""
    tenant = control.tenant(ask)
    base = control.base(ask)
    return 200, to_har([exchange.entry() for exchange in tenant.journal], base)


@route("GET", "/history", {200: shapes.HistoryPage}, query=("since", "limit"))
def _history(control: Control, ask: Ask) -> Result:
    """Committed changes, oldest first."""
    history = control.tenant(ask).history
    since, limit = ask.number("since", 0), _limit(ask)
    return _page((entry.document() for entry in history.after(since)), limit, history)


# -- clock, tokens, policy -------------------------------------------------------------------------------------


@route("GET", "/clock", {200: shapes.Clock})
def _get_clock(control: Control, ask: Ask) -> Result:
    """The time."""
    return 200, control.tenant(ask).clock.document()


@route("PUT", "/clock", {200: shapes.Clock}, body=ClockDocument)
def _put_clock(control: Control, ask: Ask) -> Result:
    """Set the clock."""
    tenant = control.tenant(ask)
    wanted = ask.document(ClockDocument)
    tenant.clock.set(wanted.mode, parse_instant(wanted.now) if wanted.now is not None else None)
    return 200, tenant.clock.document()


@route("POST", "/clock/advance", {200: shapes.Clock}, body=AdvanceDocument)
def _advance(control: Control, ask: Ask) -> Result:
    """Move the clock on."""
    tenant = control.tenant(ask)
    by = ask.document(AdvanceDocument).by
    try:
        seconds = parse_duration(by)
    except ValueError as error:
        raise ControlError(400, str(error), "/by") from None
    tenant.clock.advance(seconds)
    tenant.catch_up()
    return 200, tenant.clock.document()


@route("GET", "/tokens", {200: shapes.Tokens})
def _get_tokens(control: Control, ask: Ask) -> Result:
    """The minted tokens, masked."""
    return _items([token.document() for token in control.tenant(ask).tokens])


@route("POST", "/tokens", {201: shapes.Token}, body=TokenDocument)
def _mint(control: Control, ask: Ask) -> Result:
    """Mint a token; its text is shown this once."""
    tenant = control.tenant(ask)
    token, text = tenant.tokens.mint(tenant.clock.now(), ask.document(TokenDocument))
    return 201, {**token.document(), "token": text}


def _check_token(token: str | TokenDocument, where: str) -> None:
    try:
        (TokenDocument(token=token) if isinstance(token, str) else token).lifetime()
    except TokenError as error:
        raise ControlError(400, str(error), where if isinstance(token, str) else where + error.where) from None


@route("DELETE", "/tokens", {204: None}, body=RevokedDocument, missing=True)
def _revoke_text(control: Control, ask: Ask) -> Result:
    """Revoke the token that the body names, or all that were minted when it names none."""
    tokens = control.tenant(ask).tokens
    given = ask.document(RevokedDocument).token
    found = [token.name for token in tokens if given is None or token.digest == digest(given)]
    if given is not None and not found:
        raise ControlError(404, "there is no such token", "/token")
    for name in found:
        tokens.revoke(name)
    return 204, None


@route("DELETE", "/tokens/(?P<name>[^/]+)", {204: None}, missing=True)
def _revoke(control: Control, ask: Ask) -> Result:
    """Revoke a minted token by its name."""
    try:
        control.tenant(ask).tokens.revoke(ask.parts[0])
    except KeyError:
        raise ControlError(404, f"there is no token {ask.parts[0]}") from None
    return 204, None


@route("GET", "/policy", {200: shapes.Leniencies})
def _policy(control: Control, ask: Ask) -> Result:
    """Every leniency, and whether it is on here."""
    return _items(control.tenant(ask).policy_document())


@route("GET", "/openapi.json", {200: dict[str, Any]})
def _openapi(control: Control, ask: Ask) -> Result:
    """This description."""
    from mockscim.server.openapi import describe  # noqa: PLC0415 - few ask for it

    tenant, options = control.tenant(ask), control.server.options
    return 200, describe(tenant, control.base(ask), auth=options.auth, admin=options.admin_token is not None)
