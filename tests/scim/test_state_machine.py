"""The whole service under random requests, against ``plain``: a directory of plain dicts.

By default it runs for some seconds; ``MOCKSCIM_LONG_MINUTES=60`` in the environment makes it look for an hour.
"""

from __future__ import annotations

import itertools
import json
import os
import time
from typing import Any

import devices
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from plain import ENTERPRISE, RACK, SCHEMAS, Directory, Refused, matches, ordered, projected, text, without_secrets
from provider import BASE, Answer, Provider

from mockscim import fixtures, profiles
from mockscim.scim import urns
from mockscim.scim.table import _values_at
from mockscim.tenant import Start, Tenant

LONG = float(os.environ.get("MOCKSCIM_LONG_MINUTES", "0"))
FIXTURE = {
    "schemas": [devices.SCHEMA, devices.EXTENSION],
    "resourceTypes": [
        {**devices.USERS[0], "schemaExtensions": [{"schema": ENTERPRISE, "required": False}]},
        devices.USERS[1],
        devices.TYPE,
    ],
    "users": [{"id": "u1", "userName": "first", "title": "T"}, {"id": "u2", "userName": "second"}],
    "groups": [{"id": "g1", "displayName": "in", "members": ["u1"]}, {"id": "g2", "displayName": "out", "members": ["g1"]}],
    "resources": {"/Devices": [{"id": "d1", "serialNumber": "S0", "case": {"code": "c", "colour": "red"}}]},
}
INDEXES = {
    "User": ("title", "emails.value", "externalid"),
    "Group": ("externalid", "displayname"),
    "Device": ("tags", "hostname"),
}

# -- what is sent ----------------------------------------------------------------------------------------------------

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
WORK = st.fixed_dictionaries({}, optional={"department": MAYBE, "employeeNumber": MAYBE, "manager": REFERENCE | st.none()})
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
    return full | full.map(lambda body: {name: value for name, value in body.items() if name != needed or len(body) > 3})


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
                "User": [("name.givenName", MAYBE), ("name.familyName", MAYBE), (f"{ENTERPRISE}:manager.value", REFS), ("groups", EMAILS)],
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
    "": [("id", st.sampled_from(["eq", "ne"]), REFS), ("externalId", TEXTS, WORDS), ("meta.resourceType", TEXTS, KINDS)],
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
        lambda trees: (
            st.tuples(st.sampled_from(["and", "or"]), trees, trees) | trees.map(lambda one: ("not", one))
        ),
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


def without_members(body: dict[str, Any]) -> dict[str, Any]:
    """Attributes with references relative to the base URL."""
    return json.loads(json.dumps({n: v for n, v in body.items() if n != "members"}).replace(BASE, ""))


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


# -- the machine -----------------------------------------------------------------------------------------------------


class OfTenant(Provider):
    """A tenant to ask, without a socket."""

    def __init__(self, tenant: Tenant) -> None:
        self.registry, self.store, self.service = tenant.registry, tenant.store, tenant.service
        self._seconds = itertools.count()


class Whole(RuleBasedStateMachine):
    """The model has every resource; of versions it knows which there were, and what each stood for."""

    @initialize(strict=st.booleans())
    def begin(self, strict: bool) -> None:  # noqa: FBT001
        fixture = fixtures.parse(json.dumps(FIXTURE).encode(), "start")
        self.tenant = Tenant("", Start(profiles.load("standard"), fixture, strict=strict, clock="virtual"))
        self.provider = OfTenant(self.tenant)
        self.model = Directory(BASE, strict=strict)
        self.gone: list[str] = ["nobody"]
        self.start = self.tenant.clock.text()
        self.saved: dict[str, Any] | None = None
        self.begun()
        for kind, keys in INDEXES.items():
            for key in keys:
                self.provider.store.tables[kind].lookup(key, "x")

    def begun(self) -> None:
        """The model of what the fixture says; and no version was ever seen."""
        self.versions: dict[str, str] = {}  # of each resource, as it was last seen
        self.stood_for: dict[str, Any] = {}  # by version: the id and the attributes
        self.model.all = {}
        for id_, name, title in (("u1", "first", "T"), ("u2", "second", None)):
            self.model.create("User", {"userName": name, "title": title}, id_, self.start, {})
        for id_, name, member in (("g1", "in", "u1"), ("g2", "out", "g1")):
            self.model.create("Group", {"displayName": name, "members": [{"value": member}]}, id_, self.start, {})
        case = {"code": "c", "colour": "red"}
        self.model.create("Device", {"serialNumber": "S0", "case": case}, "d1", self.start, {})

    # -- asking --------------------------------------------------------------------------------------------------

    def id_of(self, how: str, n: int) -> str:
        """One of the ids that are there or were."""
        known = [*self.model.all, *self.gone[-3:]]
        return known[n % len(known)]

    def pick(self, n: int, kind: str = "") -> str:
        """The id of a resource of one type, or of none that is there any more."""
        known = [id_ for id_, held in self.model.all.items() if held["kind"] == kind or not kind]
        known += [id_ for id_ in self.gone[-2:] if id_ not in self.model.all]
        return known[n % len(known)] if known else "nobody"

    def path(self, id_: str, kind: str) -> str:
        return f"/{kind}s/{id_}"

    def at(self) -> str:
        """The time that the next request will see."""
        seconds = int(repr(self.provider._seconds)[6:-1])
        return f"2026-01-01T{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.000Z"

    def document(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        """The body as it is sent, with its schemas."""
        return {"schemas": [SCHEMAS[kind], *(name for name in body if name.startswith("urn:"))], **body}

    def expect(self, answer: Answer, status: int, work: Any) -> bool:
        """Do the same in the model: it is refused alike, or both do it; whether it was done."""
        try:
            work()
        except Refused as refused:
            assert (answer.status, answer.get("scimType")) == refused.args, answer.document
            return False
        assert answer.status == status, answer.document
        if status != 204:
            assert "password" not in answer.document
            id_ = str(answer["id"])
            logs = self.model.all[id_]["body"].get("logs")
            told = {"logs": logs} if logs is not None and "logs" in answer.document else {}  # TELL
            assert self.comparable(answer.document) == {**self.default(id_), **told}
            self.seen(answer.document)
        return True

    def matching(self, id_: str, how: str) -> tuple[str | None, bool]:
        """An If-Match header, and whether it matches."""
        version = self.versions.get(id_, 'W/"0"')
        return {
            "": (None, True),
            "right": (version, True),
            "any": ("*", True),
            "several": (f'W/"none", {version}', True),
            "wrong": ('W/"none"', False),
        }[how]

    HEADERS = st.sampled_from(["", "", "", "right", "any", "several", "wrong"])

    # -- writes --------------------------------------------------------------------------------------------------

    @rule(drawn=KINDS.flatmap(lambda kind: st.tuples(st.just(kind), BODIES[kind])))
    def create(self, drawn: Any) -> None:
        kind, body = drawn[0], filled(drawn[1], self.id_of)
        now = self.at()
        answer = self.provider.ask("POST", f"/{kind}s", self.document(kind, body))
        id_ = str(answer.get("id", "none"))
        assert id_ not in self.model.all
        self.expect(answer, 201, lambda: self.model.create(kind, body, id_, now, {}))

    @rule(n=st.integers(0, 30), drawn=KINDS.flatmap(lambda kind: st.tuples(st.just(kind), BODIES[kind])), how=HEADERS)
    def replace(self, n: int, drawn: Any, how: str) -> None:
        kind, body = drawn[0], filled(drawn[1], self.id_of)
        id_ = self.pick(n, kind)
        if kind == "Device" and id_ in self.model.all and n % 2:  # or it would nearly always be refused
            held = self.model.all[id_]["body"]
            body["serialNumber"] = held["serialNumber"]
            body["case"] = held.get("case", body.get("case"))
            if "room" in held.get(RACK, {}):
                body[RACK] = {"slot": 1, **(body.get(RACK) or {}), "room": held[RACK]["room"]}
        header, fits = self.matching(id_, how)
        now, before = self.at(), self.content(id_)
        answer = self.provider.ask("PUT", self.path(id_, kind), self.document(kind, body), if_match=header)
        if id_ in self.model.all and not fits:
            assert answer.status == 412
        elif self.expect(answer, 200, lambda: self.model.replace(id_, body, now, {})):
            self.moved(id_, before, answer.document["meta"]["version"])

    @rule(n=st.integers(0, 30), drawn=KINDS.flatmap(lambda kind: st.tuples(st.just(kind), OPERATIONS[kind])), how=HEADERS)
    def patch(self, n: int, drawn: Any, how: str) -> None:
        kind, operations = drawn[0], filled(drawn[1], self.id_of)
        id_ = self.pick(n, kind)
        header, fits = self.matching(id_, how)
        now, before = self.at(), self.content(id_)
        answer = self.provider.patch(self.path(id_, kind), *operations, if_match=header)
        if id_ in self.model.all and not fits:
            assert answer.status == 412
        elif self.expect(answer, 200, lambda: self.model.patch(id_, operations, now, {})):
            self.moved(id_, before, answer.document["meta"]["version"])

    @rule(n=st.integers(0, 30), how=HEADERS)
    def delete(self, n: int, how: str) -> None:
        id_ = self.pick(n)
        kind = self.model.all.get(id_, {"kind": "User"})["kind"]
        header, fits = self.matching(id_, how)
        now = self.at()
        answer = self.provider.ask("DELETE", self.path(id_, kind), if_match=header)
        if id_ in self.model.all and not fits:
            assert answer.status == 412
        elif self.expect(answer, 204, lambda: self.model.delete(id_, now)):
            self.gone.append(id_)

    @rule(n=st.integers(0, 30))
    def put_back(self, n: int) -> None:
        """What was read is put back: nothing changes."""
        id_ = self.pick(n)
        if id_ in self.model.all:
            path = self.path(id_, self.model.all[id_]["kind"])
            found = self.provider.get(path).document
            if "logs" not in self.model.all[id_]["body"]:  # which a PUT without it unassigns
                assert self.provider.ask("PUT", path, found).document == found

    def content(self, id_: str) -> Any:
        return self.model.all[id_]["body"] if id_ in self.model.all else None

    def moved(self, id_: str, before: Any, version: str) -> None:
        """The version moves exactly if the resource differs."""
        last = self.versions.get(id_)
        assert (version == last) is (self.model.all[id_]["body"] == before), (before, version, last)
        self.versions[id_] = version

    # -- bulk ----------------------------------------------------------------------------------------------------

    @rule(drawn=jobs(), most=st.none() | st.integers(1, 2))
    def bulk(self, drawn: list[dict[str, Any]], most: int | None) -> None:
        job = filled(drawn, lambda how, n: self.id_of(how, n) if how == "id" else f"bulkId:b{n % len(drawn)}")
        now = self.at()
        limit = {} if most is None else {"failOnErrors": most}
        sent = [self.operation(index, one) for index, one in enumerate(job)]
        answer = self.provider.ask("POST", "/Bulk", {"schemas": [urns.BULK_REQUEST], "Operations": sent, **limit})
        assert answer.status == 200, answer.document
        results = answer["Operations"]
        ids = {r["bulkId"]: r["location"].rpartition("/")[2] for r in results if r["method"] == "POST" and "location" in r}
        expected = Job(self.model, job, ids, now, most).run()
        assert [(r["method"], int(r["status"]), r.get("response", {}).get("scimType")) for r in results] == expected
        assert "bulkId:" not in json.dumps([held["body"] for held in self.model.all.values()])
        self.gone += [one["id"] for one in job if one["method"] == "DELETE" and not one["id"].startswith("bulkId:")]

    def operation(self, index: int, one: dict[str, Any]) -> dict[str, Any]:
        """One operation as it is sent."""
        path = f"/{one['kind']}s" if one["method"] == "POST" else f"/{one['kind']}s/{one['id']}"
        sent = {"method": one["method"], "path": path, "bulkId": f"b{index}"}
        if "body" in one:
            sent["data"] = self.document(one["kind"], one["body"])
        if "operations" in one:
            sent["data"] = {"schemas": [urns.PATCH_OP], "Operations": one["operations"]}
        return sent

    # -- life ----------------------------------------------------------------------------------------------------

    @rule()
    def snapshot(self) -> None:
        self.provider.store.snapshot("s")
        self.saved = dict(self.model.all)

    @rule()
    def restore(self) -> None:
        """The resources are as they were; those that changed in between have versions that never were."""
        if self.saved is not None:
            self.provider.store.restore("s")
            self.gone += [id_ for id_ in self.model.all if id_ not in self.saved]
            self.model.all = dict(self.saved)

    @rule(sure=st.integers(0, 3))
    def reset(self, sure: int) -> None:
        """All is as at the start, as if nothing had happened."""
        if sure == 0:
            self.tenant.reset()
            self.saved = None
            self.begun()

    @rule(sure=st.integers(0, 3))
    def reload(self, sure: int) -> None:
        """What is dumped and loaded again is the same, but for what is never told."""
        if sure == 0:
            dumped = json.dumps(self.tenant.dump()).encode()
            self.tenant.load(fixtures.parse(dumped, "again"), merge=False)
            for id_, held in self.model.all.items():
                self.model.all[id_] = {**held, "body": without_secrets(held["body"])}

    # -- reads ---------------------------------------------------------------------------------------------------

    @rule(n=st.integers(0, 30))
    def read_again(self, n: int) -> None:
        """If-None-Match answers 304 as long as the version is the same."""
        id_ = self.pick(n)
        if id_ in self.model.all:
            path, version = self.path(id_, self.model.all[id_]["kind"]), self.versions[id_]
            assert self.provider.ask("GET", path, if_none_match=version).status == 304
            assert self.provider.ask("GET", path, if_none_match='W/"none"').status == 200

    @rule(drawn=queries())
    def query(self, drawn: dict[str, Any]) -> None:
        kind, method = drawn["kind"], drawn["method"]
        wanted = {name: value for name, value in drawn.items() if name not in ("kind", "method")}
        tree = filled(wanted.get("filter"), self.id_of)
        if tree is not None:
            wanted["filter"] = text(tree)
        expected = [doc for doc in map(self.model.shown, self.in_order(kind)) if tree is None or matches(tree, doc)]
        if "sortBy" in wanted:
            expected = ordered(expected, wanted["sortBy"], descending=wanted["sortOrder"] == "descending")
        first, count = max(1, wanted.get("startIndex", 1)), wanted.get("count")
        page = expected[first - 1 :] if count is None else expected[first - 1 : first - 1 + max(0, count)]
        if method == "GET":
            query = {name: ",".join(v) if isinstance(v, list) else str(v) for name, v in wanted.items()}
            answer = self.provider.ask("GET", f"/{kind}s" if kind else "/", None, query)
        else:
            path = f"/{kind}s/.search" if kind else "/.search"
            answer = self.provider.ask("POST", path, {"schemas": [urns.SEARCH_REQUEST], **wanted})
        assert answer.status == 200, answer.document
        assert (answer["totalResults"], answer["itemsPerPage"], answer["startIndex"]) == (len(expected), len(page), first)
        chosen, left_out = wanted.get("attributes"), wanted.get("excludedAttributes", [])
        shown = [projected(d, chosen or left_out, excluding=chosen is None) for d in page]
        assert [self.comparable(found) for found in answer["Resources"]] == shown

    def in_order(self, kind: str) -> list[str]:
        """The ids of one type in the order of creation; without a type those of all, type by type."""
        return [id_ for one in ([kind] if kind else SCHEMAS) for id_, h in self.model.all.items() if h["kind"] == one]

    # -- what always holds ---------------------------------------------------------------------------------------

    def default(self, id_: str) -> dict[str, Any]:
        """A resource as it is shown where nothing is asked for."""
        return projected(self.model.shown(id_), [], excluding=True)

    def comparable(self, document: dict[str, Any]) -> dict[str, Any]:
        """An answer without its version, and its groups in the model's order."""
        found = dict(document)
        if "meta" in found:
            found["meta"] = {name: value for name, value in found["meta"].items() if name != "version"}
        if "groups" in found:
            found["groups"] = sorted(found["groups"], key=lambda group: group["value"])
        return found

    def seen(self, document: dict[str, Any]) -> None:
        """A version stands for one state of one resource, for ever."""
        id_, version = document["id"], document["meta"]["version"]
        said = (id_, json.dumps(self.model.all[id_]["body"], sort_keys=True))
        assert self.stood_for.setdefault(version, said) == said
        self.versions.setdefault(id_, version)

    @invariant()
    def agrees(self) -> None:
        """Every resource reads as the model says, in the order of creation, with its groups."""
        for kind in SCHEMAS:
            listed = self.provider.get(f"/{kind}s")
            assert listed["totalResults"] == len(listed["Resources"])
            assert [self.comparable(found) for found in listed["Resources"]] == [
                self.default(id_) for id_ in self.in_order(kind)
            ]
            for found in listed["Resources"]:
                self.seen(found)
                self.versions[found["id"]] = found["meta"]["version"]
                record = self.provider.store.find(found["id"])
                assert record is not None
                held = self.model.all[found["id"]]["body"]
                assert without_members(record.attributes()) == without_members(held)  # secrets, too

    @invariant()
    def indexes_agree_with_scans(self) -> None:
        """Every index holds what a look at each resource would find, and nothing else."""
        for table in self.provider.store.tables.values():
            for key, index in (*table.unique.items(), *table._indexes.items()):
                scanned: dict[str, set[str]] = {}
                for record in table:
                    for value in _values_at(table.type, record.attributes(), key):
                        scanned.setdefault(value, set()).add(record.id)
                held = {value: {ids} if isinstance(ids, str) else set(ids) for value, ids in index.items()}
                assert held == scanned


class Job:
    """A bulk job in the model (RFC 7644 §3.7): each operation once what it refers to is there, circles all or nothing."""

    def __init__(
        self, model: Directory, job: list[dict[str, Any]], ids: dict[str, str], now: str, most: int | None
    ) -> None:
        self.model, self.job, self.ids, self.now, self.most = model, job, ids, now, most
        self.made: dict[str, str] = {}
        self.outcomes: dict[int, tuple[str, int, str | None]] = {}
        self.needs = [self.named(index) for index in range(len(job))]

    def named(self, index: int) -> set[int]:
        """The POSTs that an operation refers to; none where it refers to what is no POST, as it fails anyway."""
        told = json.dumps(self.job[index])
        named = {n for n in range(len(self.job)) if f"bulkId:b{n}" in told}
        return named if all(self.job[n]["method"] == "POST" for n in named) else set()

    def run(self) -> list[tuple[str, int, str | None]]:
        """What is told of each operation that is processed."""
        for index in range(len(self.job)):
            reached = range(index + 1)
            while (ready := next((group for i in reached if (group := self.ready(i, index))), None)) and not self.over():
                self.do(ready)
        return [self.outcomes[index] for index in sorted(self.outcomes)]

    def over(self) -> bool:
        return self.most is not None and sum(1 for _, status, _ in self.outcomes.values() if status >= 400) >= self.most

    def circle(self, index: int) -> list[int]:
        """The operations that refer to each other with this one, this one among them."""
        return [n for n in range(len(self.job)) if n == index or (n in self.all_needs(index) and index in self.all_needs(n))]

    def all_needs(self, index: int) -> set[int]:
        found: set[int] = set()
        fresh = set(self.needs[index])
        while fresh:
            found |= fresh
            fresh = {other for one in fresh for other in self.needs[one]} - found
        return found

    def ready(self, index: int, reached: int) -> list[int]:
        """The operations to be done with this one, if it is their turn."""
        group = self.circle(index)
        waits = {other for one in group for other in self.before(one)} - set(group)
        done = self.outcomes.keys()
        return group if index not in done and max(group) <= reached and waits <= done else []

    def before(self, index: int) -> set[int]:
        """What has to be done first: what it refers to, and what comes before it about the same resource."""
        one = self.job[index]
        same = [
            n
            for n in range(index)
            if one["method"] != "POST"
            and self.job[n]["method"] != "POST"
            and (self.job[n]["kind"], self.job[n]["id"]) == (one["kind"], one["id"])
            and not self.broken(n)
        ]
        return self.needs[index] | (set(same[-1:]) if not self.broken(index) else set())

    def broken(self, index: int) -> bool:
        """Whether it refers to what is no POST."""
        told = json.dumps(self.job[index])
        return any(f"bulkId:b{n}" in told and one["method"] != "POST" for n, one in enumerate(self.job))

    def do(self, group: list[int]) -> None:
        circular = len(group) > 1 or group[0] in self.all_needs(group[0])
        saved, failed = dict(self.model.all), False
        promised = {}
        if circular:
            for index in group:
                id_ = self.made[f"b{index}"] = self.ids.get(f"b{index}", f"none-{index}")
                promised[id_] = self.job[index]["kind"]
        for index in group:
            method = self.job[index]["method"]
            if failed:
                self.outcomes[index] = (method, 409, None)
                continue
            try:
                self.one(index, promised)
            except Refused as refused:
                failed = True
                self.outcomes[index] = (method, *refused.args)  # type: ignore[assignment]
            else:
                self.outcomes[index] = (method, {"POST": 201, "DELETE": 204}.get(method, 200), None)
        if failed and circular:
            self.model.all = saved
            for index in group:
                self.made.pop(f"b{index}", None)
                if self.outcomes[index][1] == 201:
                    self.outcomes[index] = ("POST", 409, None)

    def one(self, index: int, promised: dict[str, str]) -> None:
        if self.broken(index):
            raise Refused(400, "invalidValue")
        for need in sorted(self.needs[index]):
            if f"b{need}" not in self.made:
                raise Refused(400, "invalidValue")
        told = json.dumps(self.job[index])
        values = {n for n in self.needs[index] if f'"bulkId:b{n}"' in told.replace(json.dumps(self.job[index].get("id")), "")}
        for need in values:
            if self.made[f"b{need}"] not in self.model.all and self.made[f"b{need}"] not in promised:
                raise Refused(400, "invalidValue")
        for name in sorted(self.made, key=len, reverse=True):
            told = told.replace(f'bulkId:{name}"', f'{self.made[name]}"')
        one = json.loads(told)
        model, kind, now = self.model, one["kind"], self.now
        if one["method"] == "POST":
            id_ = self.made.get(f"b{index}") or self.ids.get(f"b{index}", f"none-{index}")
            model.create(kind, one["body"], id_, now, promised)
            self.made[f"b{index}"] = id_
            return
        if model.all.get(one["id"], {"kind": None})["kind"] != kind:
            raise Refused(404)
        if one["method"] == "PUT":
            model.replace(one["id"], one["body"], now, promised)
        elif one["method"] == "PATCH":
            model.patch(one["id"], one["operations"], now, promised)
        else:
            model.delete(one["id"], now)


SETTINGS = settings(max_examples=150, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))


def test_whole_service() -> None:
    """Random requests, snapshots and resets leave the service as plain dicts say, whatever their order."""
    end = time.monotonic() + LONG * 60
    run_state_machine_as_test(Whole, settings=SETTINGS)
    while time.monotonic() < end:
        run_state_machine_as_test(Whole, settings=SETTINGS)
