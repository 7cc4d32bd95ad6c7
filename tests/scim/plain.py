"""A directory as plain dicts: what a service provider should do, said as simply as can be, for tests to compare with.

Nothing here comes from mockscim: paths are read with one regular expression, values are looked for one by one, and
everything is worked out anew each time. It knows the Users, Groups and Devices of ``test_state_machine``.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
DEVICE = "urn:example:params:scim:schemas:Device"
RACK = "urn:example:params:scim:schemas:extension:Rack"
SCHEMAS = {"User": USER, "Group": GROUP, "Device": DEVICE}
EXTENSIONS = {"User": ENTERPRISE, "Device": RACK}

UNIQUE = {"User": [("userName", False)], "Device": [("serialNumber", True), ("hostName", False)]}
REQUIRED = {"User": ["userName"], "Group": ["displayName"], "Device": ["serialNumber"]}
IMMUTABLE = {"serialNumber", "case.code", "room"}
COMPLEX = {"name", "case", "manager", "owner"}
MANY = {"emails", "watchers", "tags", "members"}
REFERENCES = {"manager": ["User"], "owner": ["User"], "watchers": ["User", "Group"]}
READ_ONLY = {"groups", "id", "meta"}
SECRET = {"password", "pin", "secret"}

PATH = re.compile(r'(?:(urn:.+):)?(\w+)(?:\[(\w+) eq "([^"]*)"\])?(?:\.(\w+))?')


class Refused(Exception):  # noqa: N818 - an answer, no error
    """What a request gets instead: a status and a scimType."""

    def __init__(self, status: int, scim_type: str | None = None) -> None:
        super().__init__(status, scim_type)


def assigned(value: Any) -> Any:
    """A value without null and without what is empty, which is as good as nothing (RFC 7643 §2.5)."""
    if isinstance(value, dict):
        value = {name: kept for name, item in value.items() if (kept := assigned(item)) is not None}
        return value or None
    if isinstance(value, list):
        return [kept for item in value if (kept := assigned(item)) is not None] or None
    return value


def whole(body: dict[str, Any]) -> dict[str, Any]:
    """A representation as it is stored: what the client may set, and has."""
    found = assigned({n: v for n, v in body.items() if n not in READ_ONLY and n != "schemas"}) or {}
    for name, value in found.items():
        if name in MANY:
            found[name] = several(value)
        if name == "case":
            complete(value)
    return found


def several(values: list[Any]) -> list[Any]:
    """Several values of one attribute (RFC 7643 §2.4): each type and value once, and one primary at most."""
    found: list[Any] = []
    for item in values:
        twins = [n for n, other in enumerate(found) if same(item, other)]
        if not twins:
            found.append(item)
        elif isinstance(item, dict):
            found[twins[0]] = {**found[twins[0]], **item}
    if sum(1 for item in found if isinstance(item, dict) and item.get("primary") is True) > 1:
        raise Refused(400, "invalidValue")
    return found


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same one, whatever else is said of them."""
    if not isinstance(one, dict):
        return bool(one == other)
    return "value" in one and one["value"] == other.get("value") and one.get("type") == other.get("type")


def complete(case: Any) -> None:
    """A device's case has a colour."""
    if assigned(case) is not None and assigned(case).get("colour") is None:
        raise Refused(400, "invalidValue")


def add_one(listed: list[Any], item: Any) -> None:
    """Add a value to others; of one that is there already, what is new about it. A new primary one demotes the old."""
    if item in listed:
        return
    twins = [n for n, other in enumerate(listed) if same(item, other)]
    if twins and isinstance(item, dict):
        item = {**listed[twins[0]], **item}
        if item == listed[twins[0]]:
            return
    if isinstance(item, dict) and item.get("primary"):
        for n, other in enumerate(listed):
            if other.get("primary"):
                listed[n] = {**other, "primary": False}
    if twins:
        listed[twins[0]] = item
    else:
        listed.append(item)


class Draft:
    """A resource under change."""

    def __init__(self, kind: str, body: dict[str, Any], check: Callable[[list[str]], None], *, strict: bool) -> None:
        self.kind = kind
        self.check = check  # of those who are to be members
        self.strict = strict
        self.body = copy.deepcopy(body)
        # A member keeps its place, as long as it is not named to be removed and then added again.
        self.start: list[str] = self.body.pop("members", [])
        self.members = list(self.start)
        self.emptied = False

    def result(self) -> dict[str, Any]:
        """What became of it."""
        if self.emptied:
            old = [one for one in self.start if one in self.members]
            self.members = old + [one for one in self.members if one not in old]
        return {**self.body, "members": self.members} if self.members else self.body

    # -- PATCH -------------------------------------------------------------------------------------------------

    def apply(self, operation: dict[str, Any]) -> None:
        op, path, value = operation["op"], operation.get("path"), operation.get("value")
        if path is None:
            for name, item in value.items():
                if name in READ_ONLY:
                    if self.strict:
                        raise Refused(400, "mutability")
                elif name == EXTENSIONS.get(self.kind):
                    self.extension(op, item)
                else:
                    self.attribute(op, self.body, name, item)
        elif path == EXTENSIONS.get(self.kind):
            self.extension(op, value)
        else:
            self.at_path(op, path, value, by_value="value" in operation)

    def extension(self, op: str, value: Any) -> None:
        urn = EXTENSIONS[self.kind]
        if op == "remove" or (value is None and op == "replace"):
            self.body.pop(urn, None)
        else:
            for name, item in (value or {}).items():
                self.attribute(op, self.body.setdefault(urn, {}), name, item)
        self.tidy()

    def tidy(self) -> None:
        urn = EXTENSIONS.get(self.kind)
        if urn is not None and not self.body.get(urn, True):
            del self.body[urn]

    def at_path(self, op: str, path: str, value: Any, *, by_value: bool) -> None:
        found = PATH.fullmatch(path)
        assert found, path
        urn, name, key, wanted, sub = found.groups()
        if name in READ_ONLY:
            raise Refused(400, "mutability")
        if name == "members":
            self.of_members(op, key, wanted, value, by_value=by_value)
            return
        holder = self.body if urn is None else self.body.setdefault(urn, {})
        if key is not None or (sub is not None and name in MANY):
            self.some(op, holder, name, key, wanted, sub, value)
        elif sub is not None:
            inner = dict(holder.get(name) or {})
            self.attribute(op, inner, sub, value, path=f"{name}.{sub}")
            holder[name] = inner
            if not inner:
                del holder[name]
        else:
            self.attribute(op, holder, name, value)
        self.tidy()

    def attribute(self, op: str, holder: dict[str, Any], name: str, value: Any, *, path: str = "") -> None:
        """Add to, replace or remove a whole attribute, or one sub-attribute of one value."""
        path = path or name
        if name == "members":
            self.of_members(op, None, None, value, by_value=False)
            return
        old = holder.get(name)
        if op == "remove":
            if path in (
                "userName",
                "displayName" if self.kind == "Group" else "",
                "serialNumber",
                "case.colour",
                "slot",
            ):
                raise Refused(400, "mutability")
            if path in IMMUTABLE and old is not None:
                raise Refused(400, "mutability")
            holder.pop(name, None)
            return
        new = assigned(value)
        if name in MANY and new:
            new = several(new)
        if path in IMMUTABLE and old is not None:
            if new != old:
                raise Refused(400, "mutability")
            return
        if name in MANY and op == "add":
            listed = list(old or [])
            for item in new or []:
                add_one(listed, item)
            new = listed or None
        elif name in COMPLEX and isinstance(value, dict) and old is not None:
            new = {**old, **(new or {})}
            for part in [part for part, item in value.items() if assigned(item) is None]:
                new.pop(part, None)
        elif new is None and op == "add":
            return
        elif name == "case":
            complete(new)
        if new:
            holder[name] = new
        elif new is None or new == {}:
            holder.pop(name, None)
        else:
            holder[name] = new

    def some(
        self, op: str, holder: dict[str, Any], name: str, key: str | None, wanted: str, sub: str | None, value: Any
    ) -> None:
        """Work on those values of a multi-valued attribute that a filter selects; without one on all."""
        values = [dict(item) for item in holder.get(name, [])]
        chosen = [item for item in values if key is None or item.get(key, "").casefold() == wanted.casefold()]
        made = None
        if not chosen:
            if key is not None and self.strict:
                raise Refused(400, "noTarget")
            if op == "remove" or value is None:
                return
            made = {key: wanted} if key is not None else {}
            values.append(made)
            chosen = [made]
        for item in chosen:
            if op == "remove" and sub is None:
                item.clear()
            elif sub is not None:
                self.attribute(op, item, sub, value, path=f"{name}.{sub}")
            else:
                if op == "replace" and item is not made:
                    item.clear()
                item.update(assigned(value) or {})
        leaders = [item for item in chosen if item.get("primary") is True]
        for item in values:
            if leaders and item is not leaders[0] and item.get("primary") is True:
                item["primary"] = False
        values = [item for item in values if item]
        holder[name] = several(values) if op != "remove" else values
        if not holder[name]:
            del holder[name]

    def of_members(self, op: str, key: str | None, wanted: str | None, value: Any, *, by_value: bool) -> None:
        listed = [item["value"] for item in value or []]
        if key is not None:
            there = wanted in self.members
            if not there and op == "replace":  # but to remove one who is no member changes nothing (§3.5.2.2)
                raise Refused(400, "noTarget")
            if there and (op == "remove" or (op == "replace" and wanted not in listed)):
                self.members.remove(str(wanted))
        elif op == "remove" and by_value:
            if self.strict:
                raise Refused(400, "invalidValue")
            self.members = [one for one in self.members if one not in listed]
        elif op != "add":
            self.members, self.emptied = [], True
        if op != "remove":
            self.check(listed)
            for one in listed:
                if one not in self.members:
                    self.members.append(one)


def keep(old: dict[str, Any], new: dict[str, Any], sent: dict[str, Any]) -> None:
    """Immutable values that a representation does not speak of stay; null would unassign them."""
    for outer, name in (("", "serialNumber"), ("case", "code"), (RACK, "room")):
        was, said = (old.get(outer), sent.get(outer, {})) if outer else (old, sent)
        if was and name in was and said is not None and name not in said:
            (new.setdefault(outer, {}) if outer else new)[name] = was[name]
    # So does what is never told, of which a client cannot speak.
    for was, now in ((old, new), (old.get(RACK, {}), new.get(RACK, {}))):
        for name in SECRET & was.keys():
            if now or was is old:
                now.setdefault(name, was[name])


def without_secrets(body: dict[str, Any]) -> dict[str, Any]:
    """What can be told of a resource."""
    inner = {name: without_secrets(value) for name, value in body.items() if name.startswith("urn:")}
    return {name: value for name, value in {**body, **inner}.items() if name not in SECRET}


class Directory:
    """All resources, in the order of their creation.

    Each is ``{"kind", "body", "created", "modified"}``; the body without what the provider adds. Members are ids.
    """

    def __init__(self, base: str, *, strict: bool) -> None:
        self.base = base
        self.strict = strict
        self.all: dict[str, dict[str, Any]] = {}

    # -- writes ------------------------------------------------------------------------------------------------

    def check(self, kind: str, body: dict[str, Any]) -> None:
        """Refuse a body without what is required."""
        for name in REQUIRED[kind]:
            if not str(body.get(name) or "").strip():
                raise Refused(400, "invalidValue")
        urn = EXTENSIONS.get(kind)
        if urn == RACK and urn in body and body[urn].get("slot") is None:
            raise Refused(400, "invalidValue")
        complete(body.get("case"))

    def check_members(self, members: list[str], id_: str | None, promised: dict[str, str]) -> None:
        """Members are resources that are there, and other ones than the group itself."""
        if any((one not in self.all and one not in promised) or one == id_ for one in members):
            raise Refused(400, "invalidValue")

    def check_unique(self, kind: str, body: dict[str, Any], id_: str | None) -> None:
        for name, exact in UNIQUE.get(kind, []):
            for other, held in self.all.items():
                if other != id_ and held["kind"] == kind and name in body and name in held["body"]:
                    mine, theirs = body[name], held["body"][name]
                    if mine == theirs or (not exact and mine.casefold() == theirs.casefold()):
                        raise Refused(409, "uniqueness")

    def linked(self, kind: str, body: dict[str, Any], promised: dict[str, str]) -> dict[str, Any]:
        """With the ``$ref`` of what refers to other resources."""
        body = copy.deepcopy(body)
        for holder in [body, *(value for name, value in body.items() if name.startswith("urn:"))]:
            for name, types in REFERENCES.items():
                value = holder.get(name, [])
                for item in value if isinstance(value, list) else [value]:
                    given, target = str(item.pop("$ref", "")), item.get("value")
                    if target:
                        is_of = self.all[target]["kind"] if target in self.all else promised.get(target)
                        was = [each for each in types if given.endswith(f"/{each}s/{target}")]  # it may be gone
                        item["$ref"] = f"{self.base}/{is_of if is_of in types else [*was, *types][0]}s/{target}"
        return assigned(body) or {}

    def create(self, kind: str, body: dict[str, Any], id_: str, now: str, promised: dict[str, str]) -> None:
        new = whole(body)
        self.check(kind, new)
        if "members" in new:
            new["members"] = list(dict.fromkeys(item["value"] for item in new["members"]))
            self.check_members(new["members"], id_, promised)
        self.check_unique(kind, new, None)
        self.all[id_] = {"kind": kind, "body": self.linked(kind, new, promised), "created": now, "modified": now}

    def replace(self, id_: str, body: dict[str, Any], now: str, promised: dict[str, str]) -> None:
        held = self.found(id_)
        kind, old = held["kind"], held["body"]
        new = whole(body)
        self.check(kind, new)
        listed = list(dict.fromkeys(item["value"] for item in new.pop("members", [])))
        self.check_members(listed, id_, promised)
        keep(old, new, body)
        self.check(kind, new)
        stay = [one for one in old.get("members", []) if one in listed]
        listed = stay + [one for one in listed if one not in stay]
        self.change(id_, {**new, "members": listed} if listed else new, now, promised)

    def patch(self, id_: str, operations: list[dict[str, Any]], now: str, promised: dict[str, str]) -> None:
        held = self.found(id_)
        check = lambda listed: self.check_members(listed, id_, promised)  # noqa: E731
        draft = Draft(held["kind"], held["body"], check, strict=self.strict)
        for operation in operations:
            draft.apply(operation)
        new = draft.result()
        self.check(held["kind"], new)
        self.change(id_, new, now, promised)

    def change(self, id_: str, new: dict[str, Any], now: str, promised: dict[str, str]) -> None:
        held = self.all[id_]
        kind, old = held["kind"], held["body"]
        for path in ("serialNumber", "case.code", f"{RACK}/room"):
            if reach(old, path) is not None and reach(new, path) != reach(old, path):
                raise Refused(400, "mutability")
        self.check_unique(kind, new, id_)
        new = self.linked(kind, new, promised)
        if new != old:
            self.all[id_] = {**held, "body": new, "modified": now}

    def delete(self, id_: str, now: str) -> None:
        self.found(id_)
        del self.all[id_]
        for other, held in self.all.items():
            members = held["body"].get("members", [])
            if id_ in members:
                body = {**held["body"], "members": [one for one in members if one != id_]}
                self.all[other] = {**held, "body": assigned(body), "modified": now}

    def found(self, id_: str) -> dict[str, Any]:
        if id_ not in self.all:
            raise Refused(404)
        return self.all[id_]

    # -- reads -------------------------------------------------------------------------------------------------

    def label(self, id_: str) -> str | None:
        body = self.all[id_]["body"]
        return body.get("displayName") or body.get("userName")

    def groups(self, id_: str) -> dict[str, str]:
        """The groups of a resource, and whether it is in them directly."""
        direct = {group for group, held in self.all.items() if id_ in held["body"].get("members", [])}
        every, fresh = set(direct), set(direct)
        while fresh:
            fresh = {g for g, held in self.all.items() if fresh & set(held["body"].get("members", []))} - every
            every |= fresh
        return {group: "direct" if group in direct else "indirect" for group in every}

    def shown(self, id_: str) -> dict[str, Any]:
        """A resource as a GET shows it, but for its version; groups sorted by id."""
        held = self.all[id_]
        kind, body = held["kind"], copy.deepcopy(held["body"])
        if "members" in body:
            body["members"] = [self.member(one) for one in body["members"]]
        body = without_secrets(body)
        extension = EXTENSIONS.get(kind)
        schemas = [SCHEMAS[kind], *([extension] if extension in body else [])]
        groups = [
            {"value": group, "$ref": f"{self.base}/Groups/{group}", "display": self.label(group), "type": how}
            for group, how in sorted(self.groups(id_).items())
        ]
        meta = {
            "resourceType": kind,
            "created": held["created"],
            "lastModified": held["modified"],
            "location": f"{self.base}/{kind}s/{id_}",
        }
        return {
            "schemas": schemas,
            "id": id_,
            **body,
            **({"groups": groups} if groups and kind == "User" else {}),
            "meta": meta,
        }

    def member(self, id_: str) -> dict[str, Any]:
        kind = self.all[id_]["kind"]
        label = self.label(id_)
        named = {"display": label} if label else {}
        return {"value": id_, "$ref": f"{self.base}/{kind}s/{id_}", **named, "type": kind}


def reach(document: dict[str, Any], path: str) -> Any:
    """The value at ``case.code`` or ``urn/room``, where no lists are on the way."""
    for name in path.split("/") if path.startswith("urn:") else path.split("."):
        document = document.get(name) if isinstance(document, dict) else None  # type: ignore[assignment]
    return document
