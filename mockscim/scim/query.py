"""Queries: parameters, filter, sort, page (RFC 7644 §3.4.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from mockscim.scim import interop, match, paging, urns
from mockscim.scim.body import fields_of
from mockscim.scim.compare import instant
from mockscim.scim.cursor import Cursors, Pager
from mockscim.scim.errors import (
    ScimError,
    invalid_count,
    invalid_filter,
    invalid_path,
    invalid_syntax,
    invalid_value,
)
from mockscim.scim.filter import Compare, Node, Present, parse
from mockscim.scim.path import parse_path
from mockscim.scim.policy import Policy, Tolerance
from mockscim.scim.projection import Projection, default_projection, read_projection
from mockscim.scim.record import Record
from mockscim.scim.schema import Attribute, ResourceType
from mockscim.scim.store import Store

PARAMETERS = ("filter", "sortBy", "sortOrder", "startIndex", "count", "cursor", "attributes", "excludedAttributes")
_PARAMETER_KEYS = {name.lower(): name for name in PARAMETERS}
_PARAMETERS = frozenset(PARAMETERS)
_LIST_HEAD = b'{"schemas":["' + urns.LIST_RESPONSE.encode() + b'"],"totalResults":'
_LARGEST = 2**63 - 1
_LONG_AGO = 10**19  # in seconds
# Pages up to this size are rendered each time; larger ones mostly show again what others have shown.
_FEW = 8
_PLAIN = re.compile(r'([A-Za-z]{1,64}) eq "([^"\\\x00-\x1f]{0,1000})"')


def read_parameters(query: Iterable[tuple[str, str]], tolerance: Tolerance) -> dict[str, str]:
    """The parameters that SCIM knows, by their own names; others, such as Entra's flags, are not ours to refuse."""
    found: dict[str, str] = {}
    for name, value in query:
        known = name if name in _PARAMETERS else _PARAMETER_KEYS.get(name.lower())
        if known is None:
            continue
        if known != name:
            refusal = invalid_value(f"the query parameter is {known}, not {name}")
            tolerance.allow("query-parameter-case", f"{name} for {known}", refusal)
        if not value and known in ("startIndex", "count"):
            tolerance.allow("empty-attributes", f"an empty {known}", invalid_value(f"{known} is an integer, not empty"))
            continue
        if known in found and found[known] != value:
            raise invalid_value(f"{known} is given twice")
        found[known] = value
    return found


def read_search(document: object, tolerance: Tolerance) -> dict[str, str]:
    """The parameters of a SearchRequest (RFC 7644 §3.4.3), as a query string would give them."""
    if not isinstance(document, Mapping):
        raise invalid_syntax("a SearchRequest is a JSON object")
    fields = fields_of(document, tolerance, {"schemas", *_PARAMETER_KEYS})
    schemas = fields.get("schemas")
    if schemas is None:
        tolerance.allow("missing-schemas", "schemas is missing")
    elif not isinstance(schemas, list) or urns.SEARCH_REQUEST not in schemas:
        tolerance.allow("schemas-mismatch", f"schemas lacks {urns.SEARCH_REQUEST}")
    found: dict[str, str] = {}
    for key, name in _PARAMETER_KEYS.items():
        value = fields.get(key)
        if value is None:
            continue
        if name in ("startIndex", "count"):
            if not isinstance(value, int) or isinstance(value, bool):
                refusal = invalid_count if name == "count" and "cursor" in fields else invalid_value
                raise refusal(f"{name} is an integer")
            found[name] = str(value)
        elif name in ("attributes", "excludedAttributes"):
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise invalid_value(f"{name} is an array of attribute names")
            if value:
                found[name] = ",".join(value)
        elif isinstance(value, str):
            found[name] = value
        else:
            raise invalid_value(f"{name} is a text")
    return found


@dataclass(slots=True)
class Listing:
    """A query, read: what to match, how to order, which page: by index, or by a cursor where there is a pager."""

    parameters: Mapping[str, str]
    start: int
    count: int | None
    descending: bool
    pager: Pager | None = None


def by_cursor(parameters: Mapping[str, str], policy: Policy) -> bool:
    """Whether a query is paged by cursor, not by index (RFC 9865 §2.4)."""
    ways = policy.pagination
    if "cursor" in parameters and "cursor" in ways:
        return True
    return ways.startswith("cursor") and ("startIndex" not in parameters or "index" not in ways)


def read_listing(parameters: Mapping[str, str], policy: Policy) -> Listing:
    """Check the parameters of a query that is paged by index."""
    start = _integer(parameters, "startIndex")
    count = _integer(parameters, "count")
    count = policy.page_size if count is None else count
    if policy.max_results is not None:
        count = policy.max_results if count is None else min(count, policy.max_results)
    # RFC 7644 §3.4.2.4: a startIndex below 1 is 1, a negative count is 0.
    return Listing(
        parameters,
        max(1, start if start is not None else 1),
        None if count is None else max(0, count),
        _descending(parameters),
    )


def read_cursor_listing(
    parameters: Mapping[str, str], policy: Policy, cursors: Cursors, operation: str, now: str
) -> Listing:
    """Check the parameters of a query that is paged by cursor (RFC 9865 §2).

    Args:
        parameters: what the query says.
        policy: how much fits on a page.
        cursors: opens the cursor.
        operation: what the query asks: a cursor goes on with the one that it was given out for.
        now: the time, as meta shows it.

    Raises:
        ScimError: 400 invalidCursor, expiredCursor, invalidCount or invalidValue.
    """
    try:
        count = _integer(parameters, "count")
    except ScimError as error:
        raise invalid_count(error.detail) from None
    if count is not None and count < 0:
        count = 0
    most = policy.max_results
    if count is not None and most is not None and count > most:
        raise invalid_count(f"a page has {most} resources at most, not {count}")
    start = _integer(parameters, "startIndex")
    if start is not None and ("cursor" in parameters or start > 1):
        raise invalid_value("startIndex is for paging by index: it cannot be said here, or beside a cursor")
    descending = _descending(parameters)
    rest = sorted(each for each in parameters.items() if each[0] not in ("cursor", "count"))
    pager = cursors.pager(parameters.get("cursor", ""), orjson.dumps([operation, rest]), count, now)
    size = policy.page_size if count is None else count
    return Listing(parameters, 1, most if size is None else size, descending, pager)


def _descending(parameters: Mapping[str, str]) -> bool:
    order = parameters.get("sortOrder", "ascending").lower()
    if order not in ("ascending", "descending"):
        raise invalid_value("sortOrder is ascending or descending")
    return order == "descending"


def _integer(parameters: Mapping[str, str], name: str) -> int | None:
    text = parameters.get(name)
    if text is None or text == "":
        return None
    digits = text[1:] if text[0] in "+-" else text
    if not digits.isascii() or not digits.isdigit():
        raise invalid_value(f"{name} is an integer, not {text[:60]!r}")
    if len(digits.lstrip("0")) > 19:  # more than there can be; int() would take its time
        return -_LARGEST if text[0] == "-" else _LARGEST
    return max(-_LARGEST, min(_LARGEST, int(text)))


def run(
    store: Store,
    types: list[ResourceType],
    listing: Listing,
    base: str,
    policy: Policy,
    tolerance: Tolerance,
    outsiders: Iterable[Record] = (),
) -> bytes:
    """Answer a query with a ListResponse.

    Args:
        store: the directory.
        types: one resource type, or several for a query at the root.
        listing: what ``read_listing`` or ``read_cursor_listing`` made of the parameters.
        base: the base URL, for references.
        policy: what may be filtered, sorted, and how much fits on a page.
        tolerance: the leniencies in force; those needed are noted there.
        outsiders: records to be matched beside those of the tables (users who left, where they stay visible).

    Raises:
        ScimError: 400 invalidFilter, invalidPath, invalidValue or tooMany.
    """
    parameters = listing.parameters
    chosen, excluded = parameters.get("attributes"), parameters.get("excludedAttributes")
    projections: dict[str, Projection | None] | None = None
    if chosen is not None or excluded is not None:
        projections = {kind.name: read_projection(kind, chosen, excluded, tolerance) for kind in types}
    text = parameters.get("filter")
    sort_by = parameters.get("sortBy")
    extra = list(outsiders)
    whole = text is None and not sort_by and not extra
    found: paging.Page | None = None
    if whole and listing.pager is not None:
        everything = paging.Whole([store.tables[kind.name] for kind in types])
        total = len(everything)
        found = paging.page(everything, listing.pager.cursor, total if listing.count is None else listing.count)
    elif whole and len(types) == 1:
        table = store.tables[types[0].name]
        total = len(table)
        wanted = total if listing.count is None else listing.count
        page = table.page(listing.start - 1, wanted) if wanted else []
    else:
        records: list[Record] = []
        for kind in types:
            records += _selected(
                store,
                kind,
                text,
                base,
                policy,
                tolerance,
                extra if kind.name == "User" else (),
                root=len(types) > 1,
            )
        keys: list[paging.SortKey] | None = None
        if sort_by:
            if not policy.sort:
                raise ScimError(400, "invalidValue", "sorting is not supported")
            keys = _sort_keys(store, records, types, sort_by, base, tolerance)
        total = len(records)
        if listing.pager is not None:
            names = [kind.name for kind in types]
            order = paging.in_order(records, names, keys, extra, descending=listing.descending)
            found = paging.page(order, listing.pager.cursor, total if listing.count is None else listing.count)
        else:
            if keys is not None:
                places = sorted(range(total), key=keys.__getitem__, reverse=listing.descending)
                records = [records[place] for place in places]
            first = listing.start - 1
            page = records[first:] if listing.count is None else records[first : first + listing.count]
    if found is not None:
        page = found.records
    if projections:
        rendered = [render(store, record, base, projections.get(record.type.name), policy) for record in page]
    elif len(page) <= _FEW or any(kind.on_request for kind in types):
        rendered = [render(store, record, base, None, policy) for record in page]
    else:
        rendered = store.render_all(page, base, etag=policy.etag)
    if found is not None and listing.pager is not None:
        return _cursor_response(rendered, total, found, listing.pager)
    return list_response(rendered, total, listing.start)


def _cursor_response(rendered: list[bytes], total: int, page: paging.Page, pager: Pager) -> bytes:
    """A ListResponse paged by cursor (RFC 9865 §2): nothing in it is counted from the first resource."""
    ends = b""
    if page.next is not None:
        ends += b',"nextCursor":"%b"' % pager.seal(page.next, backwards=False)
    if page.previous is not None:
        ends += b',"previousCursor":"%b"' % pager.seal(page.previous, backwards=True)
    head = b'%b%d,"itemsPerPage":%d%b,"Resources":[' % (_LIST_HEAD, total, len(rendered), ends)
    return b"".join((head, b",".join(rendered), b"]}"))


def list_response(rendered: list[bytes], total: int, start: int) -> bytes:
    """A ListResponse (RFC 7644 §3.4.2).

    Args:
        rendered: the resources of the page as JSON; taken over.
        total: how many the query selects.
        start: the 1-based index of the first.
    """
    head = _list_head(total, start, len(rendered))
    if len(rendered) == 1:
        return b"".join((head, rendered[0], b"]}"))
    if not rendered:
        return head + b"]}"
    # The ends go on the first and the last, so that the page itself is copied once.
    rendered[0] = head + rendered[0]
    rendered[-1] += b"]}"
    return b",".join(rendered)


def found_response(store: Store, record: Record | None, base: str, policy: Policy) -> bytes:
    """A ListResponse with the one resource that was looked for, or none."""
    if record is None:
        return _NONE_HEAD + b"]}"
    return b"".join((_ONE_HEAD, render(store, record, base, None, policy), b"]}"))


@lru_cache(maxsize=64)
def _list_head(total: int, start: int, count: int) -> bytes:
    return b'%b%d,"startIndex":%d,"itemsPerPage":%d,"Resources":[' % (_LIST_HEAD, total, start, count)


_NONE_HEAD, _ONE_HEAD = _list_head(0, 1, 0), _list_head(1, 1, 1)


def render(store: Store, record: Record, base: str, projection: Projection | None, policy: Policy) -> bytes:
    """One resource as JSON, projected."""
    if projection is None and record.type.on_request:
        projection = default_projection(record.type)
    if projection is None:
        return store.render(record, base, etag=policy.etag)
    keyed = record.type.keyed
    members = keyed is not None and projection.wants(keyed)
    document = store.document(record, base, members=members, etag=policy.etag)
    return orjson.dumps(projection.apply(document))


def look_up(store: Store, kind: ResourceType, text: str, policy: Policy) -> list[Record] | None:
    """The records that a filter such as ``userName eq "ann@example.com"`` selects; None where it is not that simple.

    Each user name makes another text, so this saves compiling what clients ask most.
    """
    plain = _PLAIN.fullmatch(text)
    if plain is None or kind.name in policy.filterable:
        return None
    name, value = plain.groups()
    index = _index_of(kind, name)
    if index is None:
        return None
    key, case_exact = index
    return store.tables[kind.name].lookup(key, value if case_exact else value.casefold())


def _selected(
    store: Store,
    kind: ResourceType,
    text: str | None,
    base: str,
    policy: Policy,
    tolerance: Tolerance,
    extra: Iterable[Record],
    *,
    root: bool,
) -> list[Record]:
    table = store.tables[kind.name]
    if text is None:
        return [*table, *extra]
    known = look_up(store, kind, text, policy) if not extra else None
    if known is not None:
        return known
    query = match.compile_filter(text, kind, unknown="false" if root else "error")
    for code, detail in query.leniencies:
        tolerance.allow(code, detail, invalid_filter(f"{detail} ({text[:100]})"))
    if policy.interop:
        interop.check_filter(parse(text).node, tolerance)
    if kind.name in policy.filterable or not policy.filter_logic:
        check_filterable(parse(text).node, kind, policy)
    candidates = _candidates(store, kind, query)
    if candidates is not None and query.exact:
        found = candidates
    else:
        found = [
            record
            for record in (table if candidates is None else candidates)
            if query.matches(store.document(record, base, etag=policy.etag, needs=query.needs))
        ]
    return found + [r for r in extra if query.matches(store.document(r, base, etag=policy.etag, needs=query.needs))]


@lru_cache(maxsize=512)
def _index_of(kind: ResourceType, name: str) -> tuple[str, bool] | None:
    """The index that ``name eq "…"`` needs and nothing else, and whether case counts in it; None to compile it."""
    try:
        query = match.compile_filter(f'{name} eq "X"', kind)
    except ScimError:
        return None
    if not query.exact or query.leniencies:
        return None
    [(key, value)] = query.equalities
    return key, value == "X"


def _candidates(store: Store, kind: ResourceType, query: match.Query) -> list[Record] | None:
    """The records that an index leaves to look at; None when all have to be."""
    table = store.tables[kind.name]
    best: list[Record] | None = None
    for key, value in query.equalities:
        if kind.keyed is not None and key == f"{kind.keyed.key}.value":
            ids = store.memberships.get(value, ())
            found: list[Record] | None = [record for one in ids if (record := table.records.get(one)) is not None]
            found = sorted(found or (), key=lambda record: record.seq)
        else:
            found = table.lookup(key, value)
        if found is not None and (best is None or len(found) < len(best)):
            best = found
    return best


def check_filterable(node: Node, kind: ResourceType, policy: Policy) -> None:
    """Refuse a filter beyond what the provider is known to understand (400 invalidFilter)."""
    allowed = policy.filterable.get(kind.name)
    if allowed is None and policy.filter_logic:
        return
    if allowed is None:
        if isinstance(node, (Compare, Present)):
            return
        raise invalid_filter(f"this provider takes one comparison, not {str(node)[:200]}")
    wanted = " or ".join(f"{_spelt(kind, path)} {'/'.join(sorted(ops))}" for path, ops in sorted(allowed.items()))
    if isinstance(node, (Compare, Present)):
        name = node.path.name if node.path.sub is None else f"{node.path.name}.{node.path.sub}"
        op = node.op if isinstance(node, Compare) else "pr"
        if op in allowed.get(name.lower(), ()):
            return
    elif policy.filter_logic:
        for inner in getattr(node, "items", None) or [getattr(node, "item", None) or getattr(node, "filter", None)]:
            if inner is not None:
                check_filterable(inner, kind, policy)
        return
    raise invalid_filter(f"this provider filters {kind.name} by {wanted or 'nothing'} only, not {str(node)[:200]}")


def _spelt(kind: ResourceType, path: str) -> str:
    name, _, sub = path.partition(".")
    attribute = kind.attributes.get(name)
    leaf = attribute.sub(sub) if attribute is not None and sub else attribute
    return leaf.path if leaf is not None else path


def _sort_keys(
    store: Store,
    records: list[Record],
    types: list[ResourceType],
    sort_by: str,
    base: str,
    tolerance: Tolerance,
) -> list[paging.SortKey]:
    """What records are ordered by (RFC 7644 §3.4.2.3): those without a value come last, first when descending."""
    finders = {kind.name: _sort_attribute(kind, sort_by, tolerance, root=len(types) > 1) for kind in types}
    needs = {path[0]: frozenset({path[0].key}) for path in finders.values() if path is not None}
    keys: list[paging.SortKey] = []
    for record in records:
        path = finders[record.type.name]
        value = None if path is None else _sort_value(store.document(record, base, needs=needs[path[0]]), path)
        keys.append((2, 0) if value is None else (0, value) if isinstance(value, str) else (1, value))
    return keys


def _sort_attribute(
    kind: ResourceType, sort_by: str, tolerance: Tolerance, *, root: bool
) -> tuple[Attribute, Attribute] | None:
    path = parse_path(sort_by)
    if path.filter is not None:
        raise invalid_path("sortBy takes an attribute, not a filter")
    attribute = kind.find(path.path.uri, path.path.name)
    if attribute is None and path.path.uri is None:
        attribute = kind.find_in_extensions(path.path.name)
        if attribute is not None:
            tolerance.allow("unqualified-extension-attribute", f"sortBy {sort_by}", invalid_path(f"sortBy {sort_by}"))
    if attribute is None:
        if root:
            return None
        raise invalid_path(f"sortBy: {kind.name} has no attribute {sort_by[:100]}")
    sub_name = path.path.sub or ("value" if attribute.type == "complex" else None)
    leaf = attribute if sub_name is None else attribute.sub(sub_name)
    if leaf is None:
        raise invalid_path(f"sortBy: {attribute.path} has no sub-attribute {sub_name}")
    if "never" in (attribute.returned, leaf.returned):
        raise invalid_path(f"sortBy: {leaf.path} is never returned")
    return attribute, leaf


def _sort_value(document: dict[str, Any], path: tuple[Attribute, Attribute]) -> Any:  # noqa: ANN401
    attribute, leaf = path
    # A core attribute's schema is no key of a resource; an extension's is.
    container = document.get(attribute.schema, document) if attribute.schema else document
    value = container.get(attribute.name) if isinstance(container, dict) else None
    if isinstance(value, list):
        # A multi-valued attribute sorts by its primary value, else by its first (RFC 7644 §3.4.2.3).
        value = next(
            (v for v in value if isinstance(v, dict) and v.get("primary") is True),
            value[0] if value else None,
        )
    if leaf is not attribute:
        value = value.get(leaf.name) if isinstance(value, dict) else None
    if isinstance(value, str):
        if leaf.type == "dateTime":
            at = instant(value)
            # As text, which a cursor can hold; the year 0 is not the first that there is.
            return None if at is None else f"{at[0] + _LONG_AGO:020}.{at[1]}"
        return value if leaf.case_exact else value.casefold()
    if isinstance(value, (bool, int, float)):
        return value
    return None
