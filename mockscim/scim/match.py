"""Filters and values: a tree compiled against a resource type into a closure (RFC 7644 §3.4.2.2).

All that depends on the schema is decided once, while compiling: what an attribute is, whether it can be
compared in that way, which type the value must have. What remains is a function of a resource, without
interpretation; it never raises, whatever the resource holds. Deviations that are tolerated are named:

- ``filter-boolean-string``: ``roles[primary eq "True"]``, a text compared with a boolean attribute
- ``unquoted-filter-value``: ``employeeNumber eq 701``, a number compared with a text attribute
- ``unqualified-extension-attribute``: ``employeeNumber eq "701"`` without the extension's URN
- ``filter-complex-value``: ``manager eq "x"`` means ``manager.value``. ``emails co "example.com"`` is
  the RFC's own example: an attribute with the default sub-attributes of RFC 7643 §2.4 (with ``primary``) is
  compared by its ``value`` as a matter of course.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal

from mockscim.scim import errors
from mockscim.scim.compare import (
    Matcher,
    Place,
    always,
    comparison,
    conjunction,
    disjunction,
    holds,
    instant,
    negation,
    never,
    present,
    values_of,
)
from mockscim.scim.filter import (
    CACHED_LENGTH,
    UNQUOTED,
    And,
    AttrPath,
    Compare,
    Leniency,
    Node,
    Not,
    Or,
    Present,
    Value,
    ValueCompare,
    ValuePath,
    ValuePresent,
    is_simple,
    literal,
    parse,
    shorten,
)
from mockscim.scim.schema import Attribute, ResourceType

BOOLEAN_STRING = "filter-boolean-string"
UNQUALIFIED = "unqualified-extension-attribute"
COMPLEX_VALUE = "filter-complex-value"

Unknown = Literal["error", "false"]
_Leaf = Callable[[Node, bool], Matcher]


@dataclass(frozen=True, slots=True)
class Query:
    """A filter, ready to run over the resources of one type.

    Attributes:
        matches: whether a resource (canonical names, an extension's attributes under its URN) satisfies it.
        equalities: ``(index key, value)`` of equalities that every match fulfils, such as
            ``("emails.value", "b@example.com")``: core attributes only, the key in lower case, the value
            case-folded unless the attribute is caseExact.
        exact: the filter is nothing but its one equality; what an index finds needs no further check.
        needs: lower-cased names of the top-level attributes, and URNs of extensions, that ``matches`` reads.
        leniencies: what was tolerated, as ``(code, detail)``; with a text, also while parsing it.
    """

    matches: Matcher
    equalities: tuple[tuple[str, str], ...]
    exact: bool
    needs: frozenset[str]
    leniencies: tuple[Leniency, ...]


@dataclass(frozen=True, slots=True)
class ValueQuery:
    """The filter of a PATCH path, ready to run over the values of one attribute.

    Attributes:
        matches: whether a value (a dict with canonical names) satisfies it.
        equalities: canonical sub-attribute name to literal, for the equalities that every match fulfils: what
            a value must hold to be created where none matches.
        key: the literal, when the filter is exactly ``value eq "…"``.
        leniencies: what was tolerated, as ``(code, detail)``.
    """

    matches: Matcher
    equalities: Mapping[str, Value]
    key: str | None
    leniencies: tuple[Leniency, ...]


def compile_filter(
    filter: str | Node,  # noqa: A002 - the query parameter's own name
    resource_type: ResourceType,
    unknown: Unknown = "error",
) -> Query:
    """Compile a filter, as text or tree, for the resources of one type.

    Args:
        filter: the text, or what ``filter.parse`` made of it.
        resource_type: the type whose attributes the filter names.
        unknown: at a type's endpoint an unknown attribute is an "error"; for a query over several types
            ("false") it is one that has no value in this type (RFC 7644 §3.4.2.1).

    Raises:
        ScimError: 400 ``invalidFilter``.
    """
    if not isinstance(filter, str):
        return _compile(filter, resource_type, unknown)
    if len(filter) > CACHED_LENGTH or is_simple(filter):
        return _compile_text(filter, resource_type, unknown)
    return _compile_cached(filter, resource_type, unknown)


def compile_value_filter(node: Node, attribute: Attribute) -> ValueQuery:
    """Compile the filter of a value path for one attribute's values; ScimError 400 ``invalidFilter``."""
    compiler = _Compiler(None, "error")
    found: list[tuple[Attribute, Value]] = []
    matches = compiler.tree(node, compiler.leaf_of_value(attribute, found), sure=True)
    key = None
    if isinstance(node, Compare) and found and found[0][0].key == "value" and isinstance(found[0][1], str):
        key = found[0][1]
    equalities = {sub.name: value for sub, value in found}
    return ValueQuery(matches, MappingProxyType(equalities), key, tuple(compiler.leniencies))


def _compile_text(text: str, resource_type: ResourceType, unknown: Unknown) -> Query:
    parsed = parse(text)
    return _compile(parsed.node, resource_type, unknown, parsed.leniencies)


_compile_cached = lru_cache(2048)(_compile_text)


def _compile(node: Node, resource_type: ResourceType, unknown: Unknown, leniencies: tuple[Leniency, ...] = ()) -> Query:
    compiler = _Compiler(resource_type, unknown)
    compiler.leniencies.update(dict.fromkeys(leniencies))
    matches = compiler.tree(node, compiler.leaf, sure=True)
    exact = len(compiler.equalities) == 1 and (
        isinstance(node, Compare) or (isinstance(node, ValuePath) and isinstance(node.filter, Compare))
    )
    return Query(
        matches,
        tuple(compiler.equalities),
        exact,
        frozenset(compiler.needs),
        tuple(compiler.leniencies),
    )


class _Compiler:
    """One compilation: what it learns on the way besides the closure."""

    def __init__(self, resource_type: ResourceType | None, unknown: Unknown) -> None:
        self.type = resource_type
        self.unknown = unknown
        self.leniencies: dict[Leniency, None] = {}
        self.needs: set[str] = set()
        self.equalities: list[tuple[str, str]] = []

    def tree(self, node: Node, leaf: _Leaf, *, sure: bool) -> Matcher:
        """Compile the logic; ``sure`` says that a match of the whole is a match of this part."""
        if isinstance(node, And):
            return conjunction([self.tree(item, leaf, sure=sure) for item in node.items])
        if isinstance(node, Or):
            return disjunction([self.tree(item, leaf, sure=False) for item in node.items])
        if isinstance(node, Not):
            return negation(self.tree(node.item, leaf, sure=False))
        return leaf(node, sure)

    def leaf(self, node: Node, sure: bool) -> Matcher:  # noqa: FBT001
        """Compile a clause about a resource."""
        if isinstance(node, ValuePath):
            return self._value_path(node, sure=sure)
        if isinstance(node, ValueCompare | ValuePresent):
            return self._selected(node, sure=sure)
        assert isinstance(node, Present | Compare)  # noqa: S101 - the others are logic
        place = self._resolve(node)
        if not isinstance(place, Place):
            return place
        return self._clause(node, place, sure=sure)

    def leaf_of_value(self, attribute: Attribute, found: list[tuple[Attribute, Value]]) -> _Leaf:
        """What compiles a clause about one value of the attribute; sure equalities are added to ``found``."""
        if attribute.type != "complex":
            raise errors.invalid_filter(f"{attribute.path} is not complex: it has no sub-attributes to filter by.")

        def leaf(node: Node, sure: bool) -> Matcher:  # noqa: FBT001
            if not isinstance(node, Present | Compare):
                raise errors.invalid_filter(f"A value path cannot stand inside another: {shorten(str(node))}")
            path = node.path
            sub = attribute.sub(path.name) if path.uri is None and path.sub is None else None
            if sub is None:
                return self._unknown(node, f"{attribute.path} has no sub-attribute {shorten(str(path))}.")
            place = Place((sub.name,), (sub.multi_valued,), sub, None)
            _refuse_hidden(sub)
            if isinstance(node, Compare) and node.value is not None:
                value = self._typed(node, sub)
                if node.op == "eq" and sure:
                    found.append((sub, value))
                return _as_meant(sub, comparison(place, node.op, value), node.op, value)
            return _presence_of(node, place)

        return leaf

    def _resolve(self, node: Present | Compare | ValuePath) -> Place | Matcher:
        """Where the node's attribute is; or what the clause comes to, if this type has no such attribute."""
        path, resource_type = node.path, self.type
        assert resource_type is not None  # noqa: S101 - only the filters of value paths have none
        attribute = resource_type.find(path.uri, path.name)
        urn = None
        if attribute is None and path.uri is None:
            attribute = resource_type.find_in_extensions(path.name)
            if attribute is not None:
                urn = next(e.id for e, _ in resource_type.extensions if attribute is e.attributes.get(attribute.key))
                self.leniencies[UNQUALIFIED, f"{path} stands for {urn}:{path}"] = None
        elif attribute is not None and path.uri is not None and path.uri.lower() != resource_type.schema.key:
            extension = resource_type.extension(attribute.schema)
            urn = extension.id if extension else None
        if attribute is None:
            return self._schema(node) or self._unknown(
                node, f"{resource_type.name} has no attribute {shorten(str(path))}."
            )
        self.needs.add(attribute.key if urn is None else urn.lower())
        _refuse_hidden(attribute)
        if urn is None:
            place = Place((attribute.name,), (attribute.multi_valued,), attribute, attribute.key)
        else:
            place = Place((urn, attribute.name), (False, attribute.multi_valued), attribute, None)
        if path.sub is None:
            return place
        sub = attribute.sub(path.sub)
        if sub is None:
            return self._unknown(node, f"{attribute.path} has no sub-attribute {shorten(path.sub)}.")
        _refuse_hidden(sub)
        return place.sub(sub)

    def _schema(self, node: Present | Compare | ValuePath) -> Matcher | None:
        """A schema's bare URN, which the grammar splits at its last colon: is there anything of it?"""
        path, resource_type = node.path, self.type
        if path.uri is None or path.sub is not None or resource_type is None:
            return None
        urn = f"{path.uri}:{path.name}"
        extension = resource_type.extension(urn)
        if extension is None and urn.lower() != resource_type.schema.key:
            return None
        if isinstance(node, ValuePath) or (isinstance(node, Compare) and node.value is not None):
            raise errors.invalid_filter(f"{shorten(urn)} is a schema: nothing but its presence can be asked.")
        if extension is None:
            return always if isinstance(node, Present) or node.op == "ne" else never
        self.needs.add(extension.key)
        return _presence_of(node, Place((extension.id,), (False,), Attribute(extension.id, "complex"), None))

    def _unknown(self, node: Node, sentence: str) -> Matcher:
        """An attribute that this type does not have: an error, or one that never has a value."""
        if self.unknown == "error":
            raise errors.invalid_filter(sentence)
        if isinstance(node, Compare) and node.op == ("eq" if node.value is None else "ne"):
            return always
        return never

    def _clause(self, node: Present | Compare, place: Place, *, sure: bool) -> Matcher:
        if isinstance(node, Present) or node.value is None:
            return _presence_of(node, place)
        if place.attribute.type == "complex":
            place = self._default_sub(node, place)
        elif node.op == "eq" and place.attribute.parent is not None and place.attribute.key in _MEANT:
            one = AttrPath(None, place.attribute.name)
            return self._value_path(
                ValuePath(AttrPath(node.path.uri, node.path.name), Compare(one, node.op, node.value)), sure=sure
            )
        value = self._typed(node, place.attribute)
        if sure and node.op == "eq":
            self._note(place.index, place.attribute, value)
        return comparison(place, node.op, value)

    def _default_sub(self, node: Compare, place: Place) -> Place:
        attribute = place.attribute
        value = attribute.sub("value")
        if value is None:
            example = next(iter(attribute.sub_attributes.values()), None)
            raise errors.invalid_filter(
                f"{attribute.path} is complex: compare a sub-attribute"
                + (f", such as {example.path}." if example else ".")
            )
        if not (attribute.multi_valued and attribute.sub("primary")):
            self.leniencies[COMPLEX_VALUE, f"{node.path} {node.op} stands for {node.path}.value {node.op}"] = None
        return place.sub(value)

    def _note(self, index: str | None, attribute: Attribute, value: Value) -> None:
        if attribute.key == "$ref":
            return  # what is stored is relative to the base URL, what is asked for is not
        if index is not None and isinstance(value, str) and attribute.type in ("string", "reference"):
            self.equalities.append((index, value if attribute.case_exact else value.casefold()))

    def _value_path(self, node: ValuePath, *, sure: bool) -> Matcher:
        place = self._resolve(node)
        if not isinstance(place, Place):
            return place
        found: list[tuple[Attribute, Value]] = []
        inner = self.tree(node.filter, self.leaf_of_value(place.attribute, found), sure=sure)
        for sub, value in found:
            self._note(place.sub(sub).index, sub, value)
        return holds(place, lambda element: isinstance(element, dict) and inner(element))

    def _selected(self, node: ValueCompare | ValuePresent, *, sure: bool) -> Matcher:
        """``emails[type eq "work"].value …``: one value of the attribute satisfies both halves."""
        sub = AttrPath(None, node.sub)
        if isinstance(node, ValuePresent) or (node.value is None and node.op in ("eq", "ne")):
            there = self._value_path(ValuePath(node.path, And((node.filter, Present(sub)))), sure=False)
            return there if isinstance(node, ValuePresent) or node.op == "ne" else negation(there)
        if node.op != "ne":
            both = And((node.filter, Compare(sub, node.op, node.value)))
            return self._value_path(ValuePath(node.path, both), sure=sure)
        place = self._resolve(ValuePath(node.path, node.filter))
        if not isinstance(place, Place):
            return always
        leaf = self.leaf_of_value(place.attribute, [])
        selects = self.tree(node.filter, leaf, sure=False)
        differs = self.tree(Compare(sub, "ne", node.value), leaf, sure=False)
        attribute = place.attribute.sub(node.sub)
        elements = values_of(place)

        def other(resource: Mapping[str, Any]) -> bool:
            # As everywhere, ne also holds where there is no value at all.
            found = [element for element in elements(resource) if isinstance(element, dict) and selects(element)]
            if attribute is not None and attribute.key != "primary":  # which is false where it is not said
                found = [element for element in found if element.get(attribute.name) is not None]
            return not found or any(map(differs, found))

        return other

    def _typed(self, node: Compare, attribute: Attribute) -> Value:
        """The literal as the attribute's type has it; ScimError where the two cannot be compared."""
        op, value, kind = node.op, node.value, attribute.type
        if op in _IMPOSSIBLE.get(kind, ()):
            raise errors.invalid_filter(f"{attribute.path} is of type {kind}, which {op} does not compare.")
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if isinstance(value, str):
            if kind == "boolean" and value.lower() in ("true", "false"):
                self.leniencies[BOOLEAN_STRING, f"{attribute.path} is compared with the text {literal(value)}"] = None
                return value.lower() == "true"
            fits = kind in _TEXTS or (kind == "dateTime" and (op in ("co", "sw", "ew") or instant(value) is not None))
        elif number and kind in _TEXTS:
            self.leniencies[UNQUOTED, f"{attribute.path} is compared with the number {literal(value)}"] = None
            return literal(value)
        else:
            fits = kind in ("integer", "decimal") if number else kind == "boolean" and value is not None
        if not fits:
            shown = shorten("null" if value is None else literal(value))
            raise errors.invalid_filter(f"{attribute.path} is of type {kind}: it cannot be compared with {shown}.")
        return value


_TEXTS = frozenset({"string", "reference", "binary"})
_IMPOSSIBLE = {
    "boolean": frozenset({"gt", "ge", "lt", "le", "co", "sw", "ew"}),
    "binary": frozenset({"gt", "ge", "lt", "le"}),
    "integer": frozenset({"co", "sw", "ew"}),
    "decimal": frozenset({"co", "sw", "ew"}),
}


# Sub-attributes that are compared not as they are written but as they are meant.
_MEANT = frozenset({"primary", "$ref"})
_VERSION = re.compile(r"/v\d+(?=/)")


def _as_meant(sub: Attribute, matches: Matcher, op: str, value: Value) -> Matcher:
    """A comparison of one value's sub-attribute, where the RFC says what is meant by it (RFC 7643 §2.4).

    A value that does not say whether it is primary is not; a reference is the same with and without the version of
    the API in it.
    """
    name = sub.name
    if sub.key == "primary" and sub.type == "boolean":
        unsaid = matches({name: False})
        return lambda element: matches(element) if element.get(name) is not None else unsaid
    if sub.key == "$ref" and op in ("eq", "ne") and isinstance(value, str):
        wanted = _VERSION.sub("", value, count=1)

        def same(element: Mapping[str, Any]) -> bool:
            held = element.get(name)
            equal = isinstance(held, str) and _VERSION.sub("", held, count=1) == wanted
            return equal if op == "eq" else not equal

        return same
    return matches


def _refuse_hidden(attribute: Attribute) -> None:
    if attribute.returned == "never":  # a filter would tell what no answer may (RFC 7643 §2.2)
        raise errors.invalid_filter(f"{attribute.path} is never returned: it cannot be filtered by.")


def _presence_of(node: Present | Compare, place: Place) -> Matcher:
    """``pr``, and the comparisons with null that mean it or its contrary."""
    there = holds(place, present)
    if isinstance(node, Present) or node.op == "ne":
        return there
    if node.op == "eq":
        return negation(there)
    raise errors.invalid_filter(f"{place.attribute.path} {node.op} null: only eq and ne compare with null.")
