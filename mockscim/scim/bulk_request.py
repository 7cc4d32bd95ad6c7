"""The BulkRequest message: its operations, the bulkIds they refer to, and which of them wait for which.

    bulkId:qwerty               a whole value, wherever in ``data`` it stands (RFC 7644 §3.7.2)
    …/Users/bulkId:qwerty       the end of a path or of a ``$ref``
    [value eq "bulkId:qwerty"]  the same two as a text in the filter of a PATCH's path

Any other text that holds ``bulkId:`` is refused, so that what has been resolved never has it in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import orjson

from mockscim.scim import urns
from mockscim.scim.body import fields_of, note_twins
from mockscim.scim.errors import ScimError, invalid_syntax, invalid_value
from mockscim.scim.policy import Policy, Tolerance

PREFIX = "bulkId:"
METHODS = ("POST", "PUT", "PATCH", "DELETE")
# The members of the message and of its operations, in lower case (RFC 7644 §3.7).
_MESSAGE = frozenset({"schemas", "failonerrors", "operations"})
_OPERATION = frozenset({"method", "bulkid", "version", "path", "data"})
_AT_END = "/" + PREFIX
# In the path of a PATCH operation: a JSON string, or a reference that was left unquoted. A string that is not closed is
# one to the end, so that no quote in it is tried as the beginning of another.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|bulkId:[^\s"\])]+', re.DOTALL)


@dataclass(slots=True)
class Place:
    """A text of an operation's data that refers to a bulkId, and where it stands.

    Attributes:
        holder, key: the object or array, and the name or index in it.
        text: what was sent.
        is_path: it is the path of a PATCH operation.
        alone: it is a ``$ref`` without a ``value`` beside it.
    """

    holder: Any
    key: Any
    text: str
    is_path: bool
    alone: bool

    def fill(self, id_of: Callable[[str], str]) -> None:
        """Put ids where the bulkIds are."""
        text = resolved(self.text, id_of, is_path=self.is_path)
        self.holder[self.key] = text
        if self.alone:
            # A reference is its value; the provider writes $ref itself (RFC 7643 §2.4).
            self.holder["value"] = text.rpartition("/")[2]


@dataclass(slots=True, eq=False)
class BulkOperation:
    """One operation of a bulk job; its problem is what it fails with when its turn comes."""

    index: int
    method: str | None = None
    path: str = ""
    bulk_id: str | None = None
    version: str | None = None
    data: Any = None
    problem: ScimError | None = None
    places: list[Place] = field(default_factory=list)
    values: set[str] = field(default_factory=set)  # the bulkIds that will be stored as references
    needs: set[str] = field(default_factory=set)  # all bulkIds that it refers to

    @property
    def where(self) -> str:
        """Its name in messages."""
        return f"Operations[{self.index}]"


@dataclass(slots=True)
class Bulk:
    """A bulk job as it was asked for; ``most_errors`` is failOnErrors, None where all is to be done."""

    most_errors: int | None
    operations: list[BulkOperation]


@dataclass(slots=True, eq=False)
class Unit:
    """What is done or not done as one: an operation, or POSTs that refer to each other in a circle."""

    operations: list[BulkOperation]
    circular: bool
    waits_for: int = 0
    followers: list[Unit] = field(default_factory=list)
    reached: bool = False

    @property
    def first(self) -> int:
        """Where it begins in the request."""
        return self.operations[0].index

    @property
    def last(self) -> int:
        """Where the whole of it has been met."""
        return self.operations[-1].index


# -- reading -------------------------------------------------------------------------------------------------------


def check_size(size: int, policy: Policy) -> None:
    """Refuse a body beyond maxPayloadSize (RFC 7644 §3.7.4: 413)."""
    if policy.max_payload is not None and size > policy.max_payload:
        raise ScimError(413, None, f"the request has {size} bytes; maxPayloadSize is {policy.max_payload}")


def read_bulk(document: object, policy: Policy, tolerance: Tolerance) -> Bulk:
    """The bulk job of a BulkRequest message.

    What is wrong with one operation is that operation's problem; the others are done (RFC 7644 §3.7).

    Raises:
        ScimError: 400 when the message is no BulkRequest, 413 when it has too many operations.
    """
    if not isinstance(document, Mapping):
        raise invalid_syntax("a bulk request is a JSON object with Operations")
    fields = fields_of(document, tolerance, _MESSAGE)
    _check_schemas(fields.get("schemas"), tolerance)
    most = fields.get("failonerrors")
    if most is not None and (not isinstance(most, int) or isinstance(most, bool) or most < 0):
        raise invalid_value("failOnErrors is a number of errors")
    listed = fields.get("operations")
    if not isinstance(listed, list) or not listed:
        raise invalid_syntax("Operations is a non-empty array")
    if len(listed) > policy.max_operations:
        detail = f"the request has {len(listed)} operations; maxOperations is {policy.max_operations}"
        raise ScimError(413, None, detail)
    if not all(isinstance(item, Mapping) for item in listed):
        raise invalid_syntax("each of Operations is an object with method, path, bulkId and data")
    operations = [_read_operation(item, index, tolerance) for index, item in enumerate(listed)]
    _check_references(operations)
    return Bulk(most, operations)


def _check_schemas(schemas: object, tolerance: Tolerance) -> None:
    if schemas is None or schemas == []:
        tolerance.allow("missing-schemas", "schemas is missing")
    elif not isinstance(schemas, list) or not all(isinstance(urn, str) for urn in schemas):
        raise invalid_syntax("schemas is an array of URNs")
    elif urns.BULK_REQUEST.lower() not in (urn.lower() for urn in schemas):
        tolerance.allow("schemas-mismatch", f"schemas lacks {urns.BULK_REQUEST}")


def _read_operation(item: Mapping[str, Any], index: int, tolerance: Tolerance) -> BulkOperation:
    operation = BulkOperation(index)
    fields = {name.lower(): value for name, value in item.items()}
    method, path, bulk_id, version = (fields.get(name) for name in ("method", "path", "bulkid", "version"))
    # What can be told of it is told in its result, whatever else is wrong.
    operation.method = method if isinstance(method, str) else None
    operation.bulk_id = bulk_id if isinstance(bulk_id, str) and bulk_id else None
    operation.data = fields.get("data")
    where = operation.where
    try:
        if len(fields) < len(item):
            note_twins(item, tolerance, _OPERATION)
        if method not in METHODS:
            raise invalid_value(f"{where}.method is one of {', '.join(METHODS)}")
        if not isinstance(path, str) or not path.strip("/ "):
            raise invalid_value(f"{where}.path is the path of an endpoint or of a resource, such as /Users")
        operation.path = unquote(path)
        if bulk_id is not None and operation.bulk_id is None:
            raise invalid_value(f"{where}.bulkId is a text")
        if method == "POST" and operation.bulk_id is None:
            refusal = invalid_value(f"{where} is a POST and needs a bulkId")
            tolerance.allow("missing-bulk-id", f"{where} is a POST without bulkId", refusal)
        if version is not None and method != "POST":
            if not isinstance(version, str):
                raise invalid_value(f"{where}.version is the text of an entity tag")
            operation.version = version
        if method != "DELETE":
            _read_data(operation, tolerance)
        _find_references(operation)
    except ScimError as error:
        operation.problem = error
    return operation


def _read_data(operation: BulkOperation, tolerance: Tolerance) -> None:
    where = operation.where
    if operation.data is None:
        raise invalid_value(f"{where} is a {operation.method} and needs data")
    if operation.method == "PATCH" and isinstance(operation.data, list):
        refusal = invalid_syntax(f"{where}.data is a PatchOp message, not the list of its operations")
        tolerance.allow("bulk-patch-list", f"{where}.data is a list of operations", refusal)
        operation.data = {"schemas": [urns.PATCH_OP], "Operations": operation.data}


# -- references ----------------------------------------------------------------------------------------------------


def resolved(text: str, id_of: Callable[[str], str], *, is_path: bool = False) -> str:
    """A text with ids in the place of bulkIds.

    Args:
        text: what a client sent.
        id_of: the id for a bulkId.
        is_path: whether the text is the path of a PATCH operation, which may have a filter.

    Raises:
        ScimError: 400 invalidValue when ``bulkId:`` stands where it refers to nothing.
    """
    result = _TOKEN.sub(lambda found: _in_filter(found[0], id_of), text) if is_path else _whole(text, id_of)
    if PREFIX in result:
        raise invalid_value(f"{text[:200]!r} holds {PREFIX} and is not a reference to a resource")
    return result


def _whole(text: str, id_of: Callable[[str], str]) -> str:
    if text.startswith(PREFIX):
        return id_of(text[len(PREFIX) :])
    before, found, name = text.partition(_AT_END)
    return f"{before}/{id_of(name)}" if found else text


def _in_filter(token: str, id_of: Callable[[str], str]) -> str:
    if token[0] != '"':
        return _whole(token, id_of)
    try:
        text: str = orjson.loads(token)
    except orjson.JSONDecodeError:
        return token  # the parser of paths will say what is wrong
    return orjson.dumps(_whole(text, id_of)).decode() if PREFIX in text else token


def _find_references(operation: BulkOperation) -> None:
    found: list[str] = []

    def named(name: str) -> str:
        found.append(name)
        return ""

    resolved(operation.path, named)
    operation.needs.update(found)
    # Iterative, as data may be nested deeper than Python calls may be.
    stack = [operation.data] if operation.method != "DELETE" else []
    while stack:
        holder = stack.pop()
        items: Iterable[tuple[Any, Any]] = ()
        if isinstance(holder, dict):
            items = holder.items()
        elif isinstance(holder, list):
            items = enumerate(holder)
        for key, value in items:
            if isinstance(key, str) and PREFIX in key:
                raise invalid_value(f"{key[:200]!r}: a bulkId is not looked for in the name of an attribute")
            if isinstance(value, str):
                is_path = operation.method == "PATCH" and isinstance(key, str) and key.lower() == "path"
                # A backslash in a filter may hide a reference.
                if PREFIX in value or (is_path and "\\" in value):
                    found.clear()
                    resolved(value, named, is_path=is_path)
                    operation.needs.update(found)
                    operation.values.update(() if is_path else found)
                    alone = key == "$ref" and not any(name.lower() == "value" for name in holder)
                    operation.places.append(Place(holder, key, value, is_path, alone))
            elif isinstance(value, (dict, list)):
                stack.append(value)


def _check_references(operations: Iterable[BulkOperation]) -> None:
    """Give a problem to operations that share a bulkId, or refer to one that no POST has."""
    listed = list(operations)
    made: dict[str, list[BulkOperation]] = {}
    for operation in listed:
        if operation.method == "POST" and operation.bulk_id is not None:
            made.setdefault(operation.bulk_id, []).append(operation)
    for operation in listed:
        if operation.problem is not None:
            continue
        if operation.method == "POST" and len(made.get(operation.bulk_id or "", ())) > 1:
            operation.problem = invalid_value(f"the bulkId {(operation.bulk_id or '')[:100]!r} is given more than once")
        for name in sorted(operation.needs):
            if len(made.get(name, ())) != 1:
                how = "is given more than once" if name in made else "is of no POST in this request"
                operation.problem = invalid_value(f"{operation.where} refers to {PREFIX}{name[:100]}, which {how}")
                break


# -- order ---------------------------------------------------------------------------------------------------------


def in_units(operations: Sequence[BulkOperation]) -> list[Unit]:
    """The units of a job, each tied to those that wait for it, in the order in which they are met.

    An operation waits for the POSTs that it refers to, and for the one before it about the same resource: so what
    happens to a resource happens in the order of the request.
    """
    makers = {op.bulk_id: op.index for op in operations if op.method == "POST" and op.bulk_id is not None}
    needed = [
        sorted({makers[name] for name in op.needs}) if op.problem is None else [] for op in operations
    ]  # by index; what fails anyway waits for nothing
    units: list[Unit] = []
    unit_of: dict[int, Unit] = {}
    for component in _components(needed):
        circular = len(component) > 1 or component[0] in needed[component[0]]
        unit = Unit([operations[index] for index in component], circular)
        units.append(unit)
        unit_of.update(dict.fromkeys(component, unit))
    latest: dict[str, int] = {}
    for operation in operations:
        before = set(needed[operation.index])
        if operation.method != "POST" and operation.problem is None:
            target = operation.path.strip("/").casefold()
            if target in latest:
                before.add(latest[target])
            latest[target] = operation.index
        unit = unit_of[operation.index]
        for other in {unit_of[index] for index in before} - {unit}:
            if unit not in other.followers:
                other.followers.append(unit)
                unit.waits_for += 1
    return sorted(units, key=lambda unit: unit.last)


def _components(edges: Sequence[Sequence[int]]) -> list[list[int]]:
    """The strongly connected components of a graph, each sorted (Kosaraju's way, without recursion)."""
    order: list[int] = []
    seen: set[int] = set()
    for root in range(len(edges)):
        stack = [(root, iter(edges[root]))] if root not in seen else []
        seen.add(root)
        while stack:
            node, rest = stack[-1]
            following = next((other for other in rest if other not in seen), None)
            if following is None:
                order.append(node)
                stack.pop()
            else:
                seen.add(following)
                stack.append((following, iter(edges[following])))
    reverse: list[list[int]] = [[] for _ in edges]
    for node, others in enumerate(edges):
        for other in others:
            reverse[other].append(node)
    found: list[list[int]] = []
    taken: set[int] = set()
    for root in reversed(order):
        if root in taken:
            continue
        taken.add(root)
        component = [root]
        for node in component:
            fresh = [other for other in reverse[node] if other not in taken]
            taken.update(fresh)
            component += fresh
        found.append(sorted(component))
    return found
