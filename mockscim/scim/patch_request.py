"""The PatchOp message (RFC 7644 §3.5.2): its operations as they were sent, each with its place in the request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mockscim.scim import urns
from mockscim.scim.body import fields_of, note_twins
from mockscim.scim.errors import invalid_path, invalid_syntax, invalid_value
from mockscim.scim.policy import Tolerance
from mockscim.scim.resource import is_list_of_texts
from mockscim.scim.schema import Attribute

MISSING: Any = object()
_SCHEMAS = [urns.PATCH_OP]
_FIELDS = frozenset({"op", "path", "value"})


@dataclass(slots=True)
class Operation:
    """One operation of a PatchOp, its op in lower case; path None where there is none."""

    op: str
    path: str | None
    value: Any
    where: str


def read_operations(document: object, tolerance: Tolerance) -> list[Operation]:
    """The operations of a PatchOp message.

    Raises:
        ScimError: 400 invalidSyntax when the message is not a PatchOp.
    """
    if not isinstance(document, dict):
        raise invalid_syntax("a PATCH body is a JSON object with Operations")
    fields = {name.lower(): value for name, value in document.items()}
    if len(fields) < len(document):
        note_twins(document, tolerance, ("schemas", "operations"))
    schemas = fields.get("schemas")
    if schemas != _SCHEMAS:
        _check_schemas(schemas, tolerance)
    listed = fields.get("operations")
    if not isinstance(listed, list) or not listed:
        raise invalid_syntax("Operations is a non-empty array")
    return [_read_operation(item, f"Operations[{index}]", tolerance) for index, item in enumerate(listed)]


def _check_schemas(schemas: object, tolerance: Tolerance) -> None:
    if schemas is None:
        tolerance.allow("missing-schemas", "schemas is missing")
    elif not is_list_of_texts(schemas):
        raise invalid_syntax("schemas is an array of URNs")
    elif urns.PATCH_OP.lower() not in [urn.lower() for urn in schemas]:
        tolerance.allow("schemas-mismatch", f"schemas lacks {urns.PATCH_OP}")


def _read_operation(item: object, where: str, tolerance: Tolerance) -> Operation:
    if not isinstance(item, dict):
        raise invalid_syntax(f"{where} is an object with op, path and value")
    fields = item if item.keys() <= _FIELDS else _members(item, where, tolerance)
    op, path, value = fields.get("op"), fields.get("path"), fields.get("value", MISSING)
    if not isinstance(op, str):
        raise invalid_syntax(f"{where}.op is one of add, replace, remove")
    lower = op.lower()
    if lower not in ("add", "replace", "remove"):
        raise invalid_syntax(f"{where}.op is one of add, replace, remove, not {op[:60]!r}")
    if lower != op:
        tolerance.allow("patch-op-case", f"{where}.op is {op!r}")
    if path is not None and not isinstance(path, str):
        raise invalid_path(f"{where}.path is a text")
    if lower != "remove" and value is MISSING:
        raise invalid_value(f"{where} has no value to {lower}")
    return Operation(lower, path if path is None or path.strip() else None, value, where)


def _members(item: Mapping[str, Any], where: str, tolerance: Tolerance) -> dict[str, Any]:
    """The members of an operation by their names in lower case, without those that it does not have."""
    found = fields_of(item, tolerance)
    for name in item:
        if name.lower() not in _FIELDS:
            tolerance.allow("unknown-operation-key", f"{where} has a member {name[:60]!r}")
            found.pop(name.lower(), None)
    return found


def member_operations(operations: Sequence[Operation], keyed: Attribute | None) -> Iterator[tuple[str, Any]]:
    """Those operations that change a keyed attribute such as members, as (op, value): for refinements of faults."""
    if keyed is None:
        return
    for operation in operations:
        if operation.path is not None:
            if operation.path == keyed.name or _head(operation.path) == keyed.key:
                yield operation.op, operation.value
        elif isinstance(operation.value, Mapping):
            for name, value in operation.value.items():
                if name.lower() == keyed.key:
                    yield operation.op, value
        elif isinstance(operation.value, list):
            yield operation.op, operation.value


def _head(path: str) -> str:
    """The attribute that a path begins with, without its URN and in lower case; whatever it is that follows."""
    return path.lower().rsplit(":", 1)[-1].split("[", 1)[0].split(".", 1)[0].strip()
