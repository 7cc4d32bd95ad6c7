"""Hypothesis strategies: requests for users, groups and devices, in every shape that a client may give them.

Ids are not known when a request is drawn: ("id", n) stands for one of the resources, ("bulk", n) for what the n-th
operation of a bulk job makes; ``filled`` puts ids there.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from plain import ENTERPRISE, RACK, SCHEMAS

Filter = tuple[Any, ...]
WORDS = st.sampled_from(["a", "A", "b", "ab", "c"])
MAYBE = WORDS | st.none() | st.just("")
NAMES = st.sampled_from(["a", "A", "b", "B", "ab", "c", "ß", "SS", "d", "e", "f"])
SERIALS = st.sampled_from(["s", "S", "t", "u", "v"])
FLAGS = st.booleans() | st.none()
REFS = st.integers(0, 40).map(lambda n: ("id", n))
MEMBERS = st.lists(st.fixed_dictionaries({"value": REFS}), max_size=4)
EMAIL = st.fixed_dictionaries(
    {},
    optional={
        "value": st.sampled_from(["x@a", "X@A", "y@a"]),
        "type": st.sampled_from(["work", "Work", "home"]) | st.none(),
        "primary": FLAGS,
    },
)
EMAILS = st.lists(EMAIL, max_size=3)
NAME = st.fixed_dictionaries({}, optional={"givenName": MAYBE, "familyName": MAYBE})
REFERENCE = st.fixed_dictionaries({}, optional={"value": REFS})
WORK = st.fixed_dictionaries(
    {}, optional={"department": MAYBE, "employeeNumber": MAYBE, "manager": REFERENCE | st.none()}
)
CASE = st.fixed_dictionaries({"colour": WORDS}, optional={"code": st.sampled_from(["c", "d"])})
RACKED = st.fixed_dictionaries(
    {"slot": st.integers(0, 3)}, optional={"room": st.sampled_from(["r", "q"]), "hostName": MAYBE, "secret": MAYBE}
)
TAGS = st.lists(WORDS, max_size=3)
ATTRIBUTES: dict[str, dict[str, Any]] = {
    "User": {
        "userName": NAMES,
        "externalId": MAYBE,
        "title": MAYBE,
        "active": FLAGS,
        "password": MAYBE,
        "name": NAME | st.none(),
        "emails": EMAILS | st.none(),
        ENTERPRISE: WORK | st.none(),
    },
    "Group": {"displayName": NAMES, "externalId": MAYBE, "members": MEMBERS},
    "Device": {
        "serialNumber": SERIALS,
        "hostName": st.sampled_from(["h", "H", "i"]) | st.none(),
        "ports": st.integers(0, 2) | st.none(),
        "online": FLAGS,
        "tags": TAGS,
        "pin": MAYBE,
        "logs": MAYBE,
        "label": MAYBE,
        "case": CASE | st.none(),
        "owner": REFERENCE | st.none(),
        "watchers": st.lists(REFERENCE, max_size=2),
        RACK: RACKED | st.none(),
    },
}
NEEDED = {"User": "userName", "Group": "displayName", "Device": "serialNumber"}
KINDS = st.sampled_from(["User", "User", "Group", "Group", "Device"])


def body_of(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """A representation; now and then without what is required."""
    given = dict(ATTRIBUTES[kind])
    needed = NEEDED[kind]
    full = st.fixed_dictionaries({needed: given.pop(needed)}, optional=given)
    return full | full.map(
        lambda body: {name: value for name, value in body.items() if name != needed or len(body) > 3}
    )


BODIES = {kind: body_of(kind) for kind in SCHEMAS}


@st.composite
def patches(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    """One operation of a PATCH, in any shape that a path may have."""
    op = draw(st.sampled_from(["add", "replace", "remove"]))
    known = ATTRIBUTES[kind]
    shape = draw(st.sampled_from(["attribute", "attribute", "none", "sub", "values", "extension"]))
    if shape == "none":
        body = draw(st.fixed_dictionaries({}, optional=known))
        if draw(st.integers(0, 9)) == 0:
            body["id"] = "other"
        return {"op": "replace" if op == "remove" else op, "value": body}
    if shape == "values" and kind == "Group":
        path, value = f'members[value eq "{draw(st.just("§") | WORDS)}"]', draw(MEMBERS)
        return {"op": op, "path": path, "§": draw(REFS), **({"value": value} if op != "remove" else {})}
    if shape == "values" and kind == "User":
        sub = draw(st.sampled_from(["", ".value", ".type", ".primary"]))
        chosen = draw(st.sampled_from(['[type eq "work"]', '[type eq "other"]', '[value eq "x@a"]', ""]))
        if not chosen and not sub:
            sub = ".value"
        new = {"": EMAIL, ".value": st.sampled_from(["x@a", "z@a", None]), ".type": WORDS, ".primary": FLAGS}[sub]
        return {"op": op, "path": f"emails{chosen}{sub}", **({"value": draw(new)} if op != "remove" else {})}
    path, strategy = draw(
        st.sampled_from(
            {
                "User": [
                    ("name.givenName", MAYBE),
                    ("name.familyName", MAYBE),
                    (f"{ENTERPRISE}:manager.value", REFS),
                    ("groups", EMAILS),
                ],
                "Group": [("displayName", NAMES), ("id", WORDS)],
                "Device": [("case.code", WORDS), ("case.colour", WORDS), ("owner.value", REFS), ("id", WORDS)],
            }[kind]
        )
    )
    if shape == "extension" and kind != "Group":
        urn, inside = (ENTERPRISE, WORK) if kind == "User" else (RACK, RACKED)
        one = st.sampled_from(["department", "employeeNumber"] if kind == "User" else ["room", "hostName"])
        path, strategy = draw(st.just((urn, inside | st.none())) | one.map(lambda name: (f"{urn}:{name}", MAYBE)))
    elif shape == "attribute":
        path, strategy = draw(st.sampled_from(sorted(known.items(), key=lambda item: item[0])))
    value = {} if op == "remove" else {"value": draw(strategy)}
    if op == "remove" and path == "members" and draw(st.booleans()):
        value = {"value": draw(MEMBERS)}
    return {"op": op, "path": path, **value}


OPERATIONS = {kind: st.lists(patches(kind), min_size=1, max_size=3) for kind in SCHEMAS}

TEXTS = st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"])
CLAUSES: dict[str, list[tuple[str, Any, Any]]] = {
    "": [
        ("id", st.sampled_from(["eq", "ne"]), REFS),
        ("externalId", TEXTS, WORDS),
        ("meta.resourceType", TEXTS, KINDS),
    ],
    "User": [
        ("userName", TEXTS, NAMES),
        ("title", TEXTS, WORDS),
        ("active", st.sampled_from(["eq", "ne"]), st.booleans()),
        ("name.givenName", TEXTS, WORDS),
        ("emails.value", TEXTS, st.sampled_from(["x@a", "y", "X"])),
        ("emails.type", TEXTS, st.sampled_from(["work", "h"])),
        ("groups.value", st.just("eq"), REFS),
        (f"{ENTERPRISE}:department", TEXTS, WORDS),
        (f"{ENTERPRISE}:manager.value", st.just("eq"), REFS),
    ],
    "Group": [("displayName", TEXTS, NAMES), ("members.value", st.sampled_from(["eq", "ne"]), REFS)],
    "Device": [
        ("serialNumber", TEXTS, SERIALS),
        ("ports", st.sampled_from(["eq", "ne", "gt", "ge", "lt", "le"]), st.integers(0, 3)),
        ("tags", TEXTS, WORDS),
        ("case.code", TEXTS, WORDS),
        (f"{RACK}:slot", st.sampled_from(["eq", "ne", "gt", "le"]), st.integers(0, 3)),
        ("watchers.value", st.just("eq"), REFS),
    ],
}


@st.composite
def clauses(draw: st.DrawFn, kind: str) -> Filter:
    """One comparison."""
    path, op, value = draw(st.sampled_from(CLAUSES[""] + CLAUSES.get(kind or "-", [])))
    return draw(st.tuples(st.just(path), op, value) | st.just((path, "pr", None)))


def filters(kind: str) -> st.SearchStrategy[Filter]:
    """Filters for the resources of one type, or (``""``) of all."""
    inner = st.tuples(st.sampled_from(["value", "type"]), TEXTS, st.sampled_from(["x@a", "work", "w"]))
    element = st.tuples(st.sampled_from(["and", "or"]), inner, inner) | inner
    leaves = clauses(kind)
    if kind == "User":
        leaves = leaves | element.map(lambda tree: ("in", "emails", tree))
    return st.recursive(
        leaves,
        lambda trees: st.tuples(st.sampled_from(["and", "or"]), trees, trees) | trees.map(lambda one: ("not", one)),
        max_leaves=4,
    )


SORTS = {
    "": ["externalId", "meta.created", "meta.resourceType"],
    "User": ["userName", "title", "name.familyName", "emails", "emails.type", f"{ENTERPRISE}:department", "active"],
    "Group": ["displayName", "meta.lastModified"],
    "Device": ["serialNumber", "ports", "tags", "case.code", "owner", f"{RACK}:slot"],
}
CHOICES = {
    "User": ["userName", "title", "name", "name.givenName", "emails.value", "groups", ENTERPRISE, "meta", "id"],
    "Group": ["displayName", "members", "members.value", "meta.location", "externalId"],
    "Device": ["serialNumber", "logs", "label", "tags", "case.code", f"{RACK}:slot", "watchers"],
}


@st.composite
def queries(draw: st.DrawFn) -> dict[str, Any]:
    """A query: its type (``""`` for the root) and its parameters; the filter as a tree."""
    kind = draw(st.sampled_from(["User", "Group", "Device", ""]))
    found: dict[str, Any] = {"kind": kind, "method": draw(st.sampled_from(["GET", "POST"]))}
    if draw(st.booleans()) or not kind:
        found["filter"] = draw(filters(kind))
    if draw(st.booleans()):
        found["sortBy"] = draw(st.sampled_from(SORTS[kind] + SORTS[""]))
        found["sortOrder"] = draw(st.sampled_from(["ascending", "descending"]))
    if draw(st.booleans()):
        found["startIndex"] = draw(st.integers(-1, 8))
        found["count"] = draw(st.integers(-1, 5))
    if kind:
        chosen = draw(st.lists(st.sampled_from(CHOICES[kind]), max_size=3, unique=True))
        if chosen:
            found[draw(st.sampled_from(["attributes", "excludedAttributes"]))] = chosen
    return found


@st.composite
def jobs(draw: st.DrawFn) -> list[dict[str, Any]]:
    """The operations of a bulk job; references to others of them are ("bulk", n), resources are ("id", n)."""
    size = draw(st.integers(1, 5))
    reference = REFS | st.integers(0, size - 1).map(lambda n: ("bulk", n))
    members = st.lists(st.fixed_dictionaries({"value": reference}), max_size=3)
    found: list[dict[str, Any]] = []
    for _ in range(size):
        kind, method = draw(KINDS), draw(st.sampled_from(["POST", "POST", "PUT", "PATCH", "DELETE"]))
        one: dict[str, Any] = {"kind": kind, "method": method}
        if method != "POST":
            one["id"] = draw(reference)
        if method in ("POST", "PUT"):
            one["body"] = dict(draw(BODIES[kind]))
            if kind == "Group":
                one["body"]["members"] = draw(members)
            elif kind == "User" and draw(st.booleans()):
                one["body"][ENTERPRISE] = {"manager": {"value": draw(reference)}}
        if method == "PATCH":
            one["operations"] = draw(OPERATIONS[kind])
            if kind == "Group" and draw(st.booleans()):
                one["operations"] = [{"op": "add", "path": "members", "value": draw(members)}]
        found.append(one)
    return found


def filled(value: Any, of: Any) -> Any:
    """A drawn value with ids for its references: ``of`` gives the text for ("id", n) and ("bulk", n)."""
    if isinstance(value, tuple) and len(value) == 2 and value[0] in ("id", "bulk"):
        return of(*value)
    if isinstance(value, (list, tuple)):
        return type(value)(filled(item, of) for item in value)
    if isinstance(value, dict):
        found = {name: filled(item, of) for name, item in value.items() if name != "§"}
        if "§" in value:
            found["path"] = found["path"].replace("§", of(*value["§"]))
        return found
    return value
