"""What a query selects, and in which order (RFC 7644 §3.4.2.2, §3.4.2.3), in steps."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from mockscim.scim import interop, match
from mockscim.scim.compare import instant
from mockscim.scim.errors import ScimError, invalid_filter, invalid_path
from mockscim.scim.filter import Compare, Node, Present, parse
from mockscim.scim.paging import LONGEST_KEY, SortKey
from mockscim.scim.path import parse_path
from mockscim.scim.policy import Policy, Tolerance
from mockscim.scim.record import Record
from mockscim.scim.schema import Attribute, ResourceType
from mockscim.scim.searching import SLICE, Kept, Moment, Steps, all_of, arranged, dropped, finished, in_order, scan
from mockscim.scim.store import Store

_LONG_AGO = 10**19  # in seconds
_PLAIN = re.compile(r'([A-Za-z]{1,64}) eq "([^"\\\x00-\x1f]{0,1000})"')

Outsiders = Callable[[], Sequence[Record]]


class _Part(NamedTuple):
    """What is asked of one type.

    ``exact``: what an index finds for the equality is what is selected. ``query`` makes the filter, where there is one.
    """

    kind: ResourceType
    equalities: Sequence[tuple[str, str]]
    exact: bool
    query: Callable[[], match.Query] | None


class Selecting:
    """One query over one resource type, or over several at the root.

    Args:
        store: the directory.
        types: the resource types.
        parameters: of the query; its filter and sortBy count here.
        base: the base URL, for references.
        policy: what may be filtered and sorted.
        tolerance: the leniencies in force; those needed are noted there.
        outsiders: looks up records to be matched beside those of the tables; None where there are none.

    Raises:
        ScimError: 400 invalidFilter, invalidPath, invalidValue or tooMany.
    """

    def __init__(
        self,
        store: Store,
        types: Sequence[ResourceType],
        parameters: Mapping[str, str],
        base: str,
        policy: Policy,
        tolerance: Tolerance,
        outsiders: Outsiders | None,
    ) -> None:
        self._store = store
        self._types = types
        self._text = parameters.get("filter")
        self._sort_by = parameters.get("sortBy")
        self._base = base
        self._policy = policy
        self._outsiders = outsiders
        self._parts = [self._part(kind, tolerance) for kind in types]
        self._paths: dict[str, _SortPath | None] = {}
        if self._sort_by:
            if not policy.sort:
                raise ScimError(400, "invalidValue", "sorting is not supported")
            root = len(types) > 1
            self._paths = {kind.name: _sort_path(kind, self._sort_by, tolerance, root=root) for kind in types}

    def _part(self, kind: ResourceType, tolerance: Tolerance) -> _Part:
        text, policy = self._text, self._policy
        unknown: match.Unknown = "false" if len(self._types) > 1 else "error"
        if text is None:
            return _Part(kind, (), exact=True, query=None)
        plain = plain_equality(kind, text, policy)
        if plain is not None:
            return _Part(kind, (plain,), exact=True, query=lambda: match.compile_filter(text, kind, unknown=unknown))
        query = match.compile_filter(text, kind, unknown=unknown)
        for code, detail in query.leniencies:
            tolerance.allow(code, detail, invalid_filter(f"{detail} ({text[:100]})"))
        if policy.interop:
            interop.check_filter(parse(text).node, tolerance)
        if kind.name in policy.filterable or not policy.filter_logic:
            check_filterable(parse(text).node, kind, policy)
        return _Part(kind, query.equalities, query.exact, lambda: query)

    def steps(self, kept: Kept, *, descending: bool, cut: bool) -> Steps[tuple[list[Record], Moment, Sequence[Record]]]:
        """Find what the query selects.

        Args:
            kept: what others have found, and will find.
            descending: whether what is sorted by counts from the greatest to the least.
            cut: whether of what is sorted by no more counts than a cursor holds.

        Returns:
            The resources in order, the moment that they are of, and those of them that are in no table.
        """
        store = self._store
        for part in self._parts:
            yield from self._make_index(part)
        outsiders = self._outsiders() if self._outsiders is not None else ()
        names = tuple(kind.name for kind in self._types)
        key = (names, self._text, self._sort_by, self._base, descending, cut)
        known = kept.get(key, store.changed)
        if known is not None:
            return known, Moment(store, (), lasting=len(known) > SLICE), outsiders
        candidates = {part.kind.name: self._candidates(part) for part in self._parts}
        scanned = [part.kind for part in self._parts if candidates[part.kind.name] is None]
        work = sum(len(store.tables[kind.name]) for kind in scanned)
        work += sum(len(found) for found in candidates.values() if found is not None)
        moment = Moment(store, scanned, lasting=work > SLICE)
        steps = self._found(moment, candidates, outsiders, descending=descending, cut=cut)
        if work <= SLICE:
            return finished(steps), moment, outsiders
        yield SLICE  # the moment stands: what is left can be done whenever there is time
        found = yield from steps
        if store.changed == moment.changed:
            yield from kept.make_room(moment.changed, len(found))
        if store.changed == moment.changed:
            kept.put(key, moment.changed, found)
        return found, moment, outsiders

    def _make_index(self, part: _Part) -> Steps[None]:
        """Make an index that the filter asks for, where none that it could use is there."""
        table, keyed = self._store.tables[part.kind.name], part.kind.keyed
        if len(table) <= SLICE or (keyed is not None and any(key.startswith(keyed.key) for key, _ in part.equalities)):
            return
        for key, value in part.equalities:
            if table.lacks_index(key):
                for _ in table.make_index(key, thorough=False):
                    yield SLICE
            if table.look_up_soon(key, value) is not None:
                return

    def _candidates(self, part: _Part) -> list[Record] | None:
        """The records that an index leaves to look at; None when all have to be."""
        best: list[Record] | None = None
        store, kind = self._store, part.kind
        table = store.tables[kind.name]
        for key, value in part.equalities:
            if kind.keyed is not None and key == f"{kind.keyed.key}.value":
                ids = store.memberships.get(value, ())
                within = [record for one in ids if (record := table.records.get(one)) is not None]
                found: list[Record] | None = sorted(within, key=lambda record: record.seq)
            else:
                found = table.look_up_soon(key, value)
            if found is not None and (best is None or len(found) < len(best)):
                best = found
        return best

    def _found(
        self,
        moment: Moment,
        candidates: Mapping[str, list[Record] | None],
        outsiders: Sequence[Record],
        *,
        descending: bool,
        cut: bool,
    ) -> Steps[list[Record]]:
        records: list[Record] = []
        values: list[Any] = []
        for part in self._parts:
            found = yield from self._selected(moment, part, candidates[part.kind.name])
            if outsiders and part.kind.name == "User":
                found = [*found, *self._matching(part, outsiders)]
            if self._sort_by:
                yield from self._sort_values(moment, part.kind, found, values, cut=cut)
            if records:
                records += found
            else:
                records = found  # which may be many, and are not copied
        if not self._sort_by:
            return records
        order = yield from in_order(values, descending=descending)
        yield from dropped(values)
        ordered = yield from arranged(records, order)
        yield from dropped(records)
        return ordered

    def sort_key(self, record: Record) -> SortKey:
        """What a record is ordered by, as far as a cursor holds it."""
        path = self._paths[record.type.name]
        value = None
        if path is not None:
            value = _sort_value(self._reader(record.type, path.needs)([record])[0], path, cut=True)
        return (2, 0) if value is None else (0, value) if isinstance(value, str) else (1, value)

    def _selected(self, moment: Moment, part: _Part, candidates: list[Record] | None) -> Steps[list[Record]]:
        if candidates is not None:
            return candidates if part.exact else self._matching(part, candidates)
        if part.query is None:
            return (yield from all_of(moment, part.kind))
        query = part.query()
        derived = part.kind.derives(query.needs)
        return (
            yield from scan(moment, part.kind, self._reader(part.kind, query.needs), query.matches, derived=derived)
        )

    def _matching(self, part: _Part, records: Sequence[Record]) -> list[Record]:
        """Those of a few records that the filter selects, if there is one."""
        if part.query is None or not records:
            return list(records)
        query = part.query()
        documents = self._reader(part.kind, query.needs)(records)
        return [record for record, document in zip(records, documents, strict=True) if query.matches(document)]

    def _reader(self, kind: ResourceType, needs: frozenset[str]) -> Callable[[Sequence[Record]], list[dict[str, Any]]]:
        store, base, etag = self._store, self._base, self._policy.etag
        return lambda records: store.documents(kind, records, base, needs, etag=etag)

    def _sort_values(
        self, moment: Moment, kind: ResourceType, records: Sequence[Record], values: list[Any], *, cut: bool
    ) -> Steps[None]:
        """Append what records are ordered by (§3.4.2.3): those without a value come last, first when descending."""
        path = self._paths[kind.name]
        if path is None:
            values += [None] * len(records)
            return
        read, derived = self._reader(kind, path.needs), kind.derives(path.needs)
        for at in range(0, len(records), SLICE):
            if derived:
                with moment.seen([kind]):
                    documents = read(records[at : at + SLICE])
            else:
                documents = read(records[at : at + SLICE])
            values += [_sort_value(document, path, cut=cut) for document in documents]
            yield SLICE


def plain_equality(kind: ResourceType, text: str, policy: Policy) -> tuple[str, str] | None:
    """The index key and the value that a filter such as ``userName eq "ann@example.com"`` looks for; mostly None.

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
    return key, value if case_exact else value.casefold()


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


class _SortPath(NamedTuple):
    """An attribute that is sorted by: the extension that it is of, if it is of one, and the value of it that counts."""

    extension: str | None
    attribute: Attribute
    leaf: Attribute

    @property
    def needs(self) -> frozenset[str]:
        """What is read for it."""
        return frozenset({self.attribute.key if self.extension is None else self.extension.lower()})


def _sort_path(kind: ResourceType, sort_by: str, tolerance: Tolerance, *, root: bool) -> _SortPath | None:
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
    extension = kind.extension(attribute.schema) if attribute.schema else None
    return _SortPath(extension.id if extension is not None else None, attribute, leaf)


def _sort_value(document: dict[str, Any], path: _SortPath, *, cut: bool) -> Any:  # noqa: ANN401
    extension, attribute, leaf = path
    container = document if extension is None else document.get(extension)
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
        folded = value if leaf.case_exact else value.casefold()
        return folded[:LONGEST_KEY] if cut else folded
    if isinstance(value, (bool, int, float)):
        return value
    return None
