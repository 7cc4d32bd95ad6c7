"""Queries over a directory of plain dicts: filter, sort, projection, said as simply as can be (see ``plain``)."""

from __future__ import annotations

from typing import Any

EXACT = {"id", "externalId", "serialNumber", "members.value", "meta.resourceType", "meta.version"}
ON_REQUEST = {"logs"}


def values(document: dict[str, Any], path: str) -> list[Any]:
    """All values at a path: ``emails.value``, ``urn:…:department``."""
    urn, _, rest = path.rpartition(":")
    held: list[Any] = [document.get(urn)] if urn else [document]
    for name in rest.split("."):
        held = [one.get(name) for one in held if isinstance(one, dict)]
        held = [item for one in held for item in (one if isinstance(one, list) else [one])]
    return [one for one in held if one is not None]


def folded(path: str, value: Any) -> Any:
    return value.casefold() if isinstance(value, str) and path not in EXACT else value


def is_there(value: Any) -> bool:
    """Whether it is a value, as ``pr`` asks: a text of nothing is none."""
    if isinstance(value, (dict, list)):
        return any(is_there(item) for item in (value.values() if isinstance(value, dict) else value))
    return value is not None and value != ""


COMPARE = {
    "eq": lambda a, b: a == b,
    "co": lambda a, b: b in a,
    "sw": lambda a, b: a.startswith(b),
    "ew": lambda a, b: a.endswith(b),
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
}


def matches(tree: tuple[Any, ...], document: dict[str, Any], prefix: str = "") -> bool:
    """Whether a document satisfies a filter: ("and", …), ("or", …), ("not", …), ("in", path, …), (path, op, value)."""
    if tree[0] == "and":
        return all(matches(one, document, prefix) for one in tree[1:])
    if tree[0] == "or":
        return any(matches(one, document, prefix) for one in tree[1:])
    if tree[0] == "not":
        return not matches(tree[1], document, prefix)
    if tree[0] == "in":
        return any(matches(tree[2], item, f"{tree[1]}.") for item in values(document, tree[1]))
    path, op, value = tree
    held = values(document, path)
    if op == "pr":
        return any(is_there(one) for one in held)
    wanted = folded(prefix + path, value)
    held = [folded(prefix + path, one) for one in held]
    if op == "ne":
        return not held or any(one != wanted for one in held)
    return any(COMPARE[op](one, wanted) for one in held)


def text(tree: tuple[Any, ...]) -> str:
    """The filter as a client writes it."""
    if tree[0] in ("and", "or"):
        return f" {tree[0]} ".join(f"({text(one)})" for one in tree[1:])
    if tree[0] == "not":
        return f"not ({text(tree[1])})"
    if tree[0] == "in":
        return f"{tree[1]}[{text(tree[2])}]"
    path, op, value = tree
    if op == "pr":
        return f"{path} pr"
    if isinstance(value, bool):
        return f"{path} {op} {'true' if value else 'false'}"
    return f'{path} {op} "{value}"' if isinstance(value, str) else f"{path} {op} {value}"


def ordered(documents: list[dict[str, Any]], path: str, *, descending: bool) -> list[dict[str, Any]]:
    """Sorted by an attribute; of several values by the primary one, else the first; those without one last."""

    def key(document: dict[str, Any]) -> Any:
        head, _, sub = path.rpartition(":")[2].partition(".")
        found = document.get(path.rpartition(":")[0], {}).get(head) if ":" in path else document.get(head)
        if isinstance(found, list):
            found = next((item for item in found if isinstance(item, dict) and item.get("primary")), found[0])
        if isinstance(found, dict):
            found = found.get(sub or "value")
        return folded(path, found)

    present = [(value, document) for document in documents if (value := key(document)) is not None]
    missing = [document for document in documents if key(document) is None]
    present.sort(key=lambda pair: pair[0], reverse=descending)
    listed = [document for _, document in present]
    return missing + listed if descending else listed + missing


def projected(document: dict[str, Any], paths: list[str], *, excluding: bool) -> dict[str, Any]:
    """What ``attributes`` or ``excludedAttributes`` leave of a document; id and schemas are always there.

    ``schemas`` says what is there: an extension of which nothing is left is none.
    """
    result: dict[str, Any] = {}
    for name, value in document.items():
        if name in ("schemas", "id") or (name == "label" and document["meta"]["resourceType"] == "Device"):
            result[name] = value
        elif name.startswith("urn:"):
            mine = [path[len(name) + 1 :] for path in paths if path.startswith(name + ":")]
            if name in paths:
                kept = None if excluding else value
            else:
                kept = {sub: item for sub, item in value.items() if (sub in mine) is not excluding}
            if kept:
                result[name] = kept
        elif name in paths:
            if not excluding:
                result[name] = value
        elif not (excluding and name in ON_REQUEST):
            subs = [path.partition(".")[2] for path in paths if path.partition(".")[0] == name]
            kept = parts(value, subs, excluding=excluding) if subs else value if excluding else None
            if kept is not None:
                result[name] = kept
    result["schemas"] = [urn for urn in result["schemas"] if urn not in document or urn in result]
    return result


def parts(value: Any, subs: list[str], *, excluding: bool) -> Any:
    if isinstance(value, list):
        return [kept for item in value if (kept := parts(item, subs, excluding=excluding))] or None
    if not isinstance(value, dict):
        return value if excluding else None
    return {name: item for name, item in value.items() if (name in subs) is not excluding} or None
