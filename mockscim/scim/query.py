"""Queries: parameters, filter, sort, page (RFC 7644 §3.4.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import orjson

from mockscim.scim import paging, urns
from mockscim.scim.body import fields_of
from mockscim.scim.cursor import Cursors, Pager
from mockscim.scim.errors import (
    ScimError,
    invalid_count,
    invalid_syntax,
    invalid_value,
)
from mockscim.scim.policy import Policy, Tolerance
from mockscim.scim.projection import Projection, default_projection, read_projection
from mockscim.scim.record import Record
from mockscim.scim.schema import ResourceType
from mockscim.scim.searching import SLICE, Kept, Moment, Steps, in_slices
from mockscim.scim.selecting import Outsiders, Selecting
from mockscim.scim.store import Store

PARAMETERS = ("filter", "sortBy", "sortOrder", "startIndex", "count", "cursor", "attributes", "excludedAttributes")
_PARAMETER_KEYS = {name.lower(): name for name in PARAMETERS}
_PARAMETERS = frozenset(PARAMETERS)
_LIST_HEAD = b'{"schemas":["' + urns.LIST_RESPONSE.encode() + b'"],"totalResults":'
_LARGEST = 2**63 - 1
# Pages up to this size are rendered each time; larger ones mostly show again what others have shown.
_FEW = 8


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
    types: Sequence[ResourceType],
    listing: Listing,
    base: str,
    policy: Policy,
    tolerance: Tolerance,
    outsiders: Outsiders | None = None,
    kept: Kept | None = None,
) -> Steps[bytes]:
    """Answer a query with a ListResponse, in steps where there is much to look at or to show; of one moment.

    Args:
        store: the directory.
        types: one resource type, or several for a query at the root.
        listing: what ``read_listing`` or ``read_cursor_listing`` made of the parameters.
        base: the base URL, for references.
        policy: what may be filtered, sorted, and how much fits on a page.
        tolerance: the leniencies in force; those needed are noted there.
        outsiders: looks up records to be matched beside those of the tables (users who left, where they stay visible).
        kept: what long searches have found lately.

    Raises:
        ScimError: 400 invalidFilter, invalidPath, invalidValue or tooMany; before the first step is over.
    """
    parameters = listing.parameters
    chosen, excluded = parameters.get("attributes"), parameters.get("excludedAttributes")
    projections: dict[str, Projection | None] = {}
    if chosen is not None or excluded is not None:
        projections = {kind.name: read_projection(kind, chosen, excluded, tolerance) for kind in types}
    found: paging.Page | None = None
    moment: Moment | None = None
    if "filter" not in parameters and not parameters.get("sortBy") and not (outsiders and outsiders()):
        tables = [store.tables[kind.name] for kind in types]
        total = sum(map(len, tables))
        wanted = total if listing.count is None else listing.count
        if listing.pager is not None:
            found = paging.page(paging.Whole(tables), listing.pager.cursor, wanted)
        else:
            page = paging.slice_of(tables, listing.start - 1, wanted)
    else:
        selecting = Selecting(store, types, parameters, base, policy, tolerance, outsiders)
        records, moment, outside = yield from selecting.steps(
            kept if kept is not None else Kept(), descending=listing.descending, cut=listing.pager is not None
        )
        total = len(records)
        wanted = total if listing.count is None else listing.count
        if listing.pager is not None:
            names = [kind.name for kind in types]
            key = selecting.sort_key if parameters.get("sortBy") else None
            order = paging.Selected(records, names, outside, key, descending=listing.descending)
            with moment.seen(types):
                found = paging.page(order, listing.pager.cursor, wanted)
        else:
            first = listing.start - 1
            page = records[first : first + wanted]
    if found is not None:
        page = found.records

    def shown(records: Sequence[Record]) -> list[bytes]:
        if projections:
            return [render(store, record, base, projections[record.type.name], policy) for record in records]
        if len(records) <= _FEW or any(kind.on_request for kind in types):
            return [render(store, record, base, None, policy) for record in records]
        return store.render_all(records, base, etag=policy.etag)

    if moment is None and len(page) <= SLICE:
        rendered = shown(page)
    else:
        rendered = yield from in_slices(moment or Moment(store, (), lasting=True), types, page, shown)
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
    if keyed is not None and projection.leaves_out_members_only:
        return store.render(record, base, members=False, etag=policy.etag)
    members = keyed is not None and projection.wants(keyed)
    document = store.document(record, base, members=members, etag=policy.etag)
    return orjson.dumps(projection.apply(document))
