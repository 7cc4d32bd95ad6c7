"""Finer names of a write, so that a fault can aim at what it is about: ``user.deactivate``, ``group.member.add``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mockscim.scim.call import Call
from mockscim.scim.patch_request import Operation, member_operations
from mockscim.scim.schema import Attribute, ResourceType
from mockscim.scim.store import Store

_VERBS: Mapping[str, tuple[str, ...]] = {"add": ("add",), "remove": ("remove",), "replace": ("add", "remove")}


def refinements(call: Call, store: Store) -> tuple[str, ...]:
    """What a write is about, so that a fault can aim at it: ``user.deactivate`` or ``group.member.add``."""
    kind = call.type
    if kind is None:
        return ()
    if call.operations:
        if kind.name == "User":
            active = _intended_active(call.operations)
            return () if active is None else (f"{kind.resource}.{'activate' if active else 'deactivate'}",)
        if kind.keyed is not None:
            return tuple(_of_group(call.operations, kind, kind.keyed))
    elif call.method == "PUT" and isinstance(call.document, Mapping):
        return tuple(_of_replacement(call, kind, store))
    return ()


def _of_group(operations: Sequence[Operation], kind: ResourceType, keyed: Attribute) -> list[str]:
    found: list[str] = []
    if len(operations) == 1 and operations[0].path == keyed.name:  # so it is nearly always
        return [f"{kind.resource}.member.{verb}" for verb in _VERBS[operations[0].op]]
    for op, _ in member_operations(operations, keyed):
        names = [f"{kind.resource}.member.{verb}" for verb in _VERBS[op]]
        found += [name for name in names if name not in found]
    if any(_names(operation, "displayname") for operation in operations):
        found.append(f"{kind.resource}.rename")
    return found


def _of_replacement(call: Call, kind: ResourceType, store: Store) -> list[str]:
    record = store.get(kind, call.id or "")
    fields = {name.lower(): value for name, value in call.document.items()}
    if record is None:
        outside = store.accounts.records.get(call.id or "") if store.accounts is not None else None
        comes = outside is not None and kind.name == "User" and str(fields.get("active", False)).lower() == "true"
        return [f"{kind.resource}.activate"] if comes else []
    before = record.attributes()
    if kind.name == "User":
        was, now = before.get("active", True), str(fields.get("active", True)).lower() != "false"
        return [] if was == now else [f"{kind.resource}.{'activate' if now else 'deactivate'}"]
    found = []
    if kind.keyed is not None:
        sent = fields.get(kind.keyed.key) or []
        values = [m.get("value") if isinstance(m, Mapping) else m for m in sent] if isinstance(sent, list) else []
        wanted = {value for value in values if isinstance(value, str)}
        held = {member.value for member in record.members or ()}
        found += [f"{kind.resource}.member.add"] if wanted - held else []
        found += [f"{kind.resource}.member.remove"] if held - wanted else []
    if fields.get("displayname") != before.get("displayName"):
        found.append(f"{kind.resource}.rename")
    return found


def _names(operation: Operation, key: str) -> bool:
    if operation.path is not None:
        return _is_path_of(operation.path, key)
    return isinstance(operation.value, Mapping) and any(name.lower() == key for name in operation.value)


def _is_path_of(path: str, key: str) -> bool:
    """Whether a path names an attribute, with or without a URN."""
    name = path.strip().lower()
    return name == key or name.endswith(":" + key)


def _intended_active(operations: Sequence[Operation]) -> bool | None:
    """What the operations want ``active`` to be; None when they say nothing about it."""
    wanted: bool | None = None
    for operation in operations:
        value: object = None
        if operation.path is not None:
            if _is_path_of(operation.path, "active"):
                value = operation.value
        elif isinstance(operation.value, Mapping):
            value = next((v for name, v in operation.value.items() if name.lower() == "active"), None)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(value, (bool, str)):
            wanted = str(value).lower() != "false"
    return wanted
