"""The whole service under random requests, against ``plain``: a directory of plain dicts.

By default it runs for some seconds; ``MOCKSCIM_LONG_MINUTES=60`` in the environment makes it look for an hour.
"""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Callable
from typing import Any

import devices
from drawn import BODIES, KINDS, OPERATIONS, filled, jobs, queries
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from plain import ENTERPRISE, RACK, SCHEMAS, Directory, Refused, without_secrets
from plain_bulk import Job
from plain_query import matches, ordered, projected, text
from provider import BASE, Answer, Provider

from mockscim import fixtures, profiles
from mockscim.scim import urns
from mockscim.scim.table import _values_at
from mockscim.tenant import Start, Tenant

LONG = float(os.environ.get("MOCKSCIM_LONG_MINUTES", "0"))
BOX = {
    "serialNumber": "S0",
    "case": {"code": "c", "colour": "red"},
    RACK: {"slot": 1, "hostName": "a", "secret": "s"},
}
FIXTURE = {
    "schemas": [devices.SCHEMA, devices.EXTENSION],
    "resourceTypes": [
        {**devices.USERS[0], "schemaExtensions": [{"schema": ENTERPRISE, "required": False}]},
        devices.USERS[1],
        devices.TYPE,
    ],
    "users": [{"id": "u1", "userName": "first", "title": "T"}, {"id": "u2", "userName": "second"}],
    "groups": [
        {"id": "g1", "displayName": "in", "members": ["u1"]},
        {"id": "g2", "displayName": "out", "members": ["g1"]},
    ],
    "resources": {"/Devices": [{"id": "d1", **BOX}]},
}
INDEXES = {
    "User": ("title", "emails.value", "externalid"),
    "Group": ("externalid", "displayname"),
    "Device": ("tags", "hostname"),
}

# -- the machine -----------------------------------------------------------------------------------------------------


def without_members(body: dict[str, Any]) -> dict[str, Any]:
    """Attributes with references relative to the base URL."""
    return json.loads(json.dumps({n: v for n, v in body.items() if n != "members"}).replace(BASE, ""))


class OfTenant(Provider):
    """A tenant to ask, without a socket."""

    def __init__(self, tenant: Tenant) -> None:
        self.registry, self.store, self.service = tenant.registry, tenant.store, tenant.service
        self._seconds = itertools.count()


class Whole(RuleBasedStateMachine):
    """The model has every resource; of versions it knows which there were, and what each stood for."""

    @initialize(strict=st.booleans())
    def begin(self, strict: bool) -> None:
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
        self.model.create("Device", BOX, "d1", self.start, {})

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

    def expect(self, answer: Answer, status: int, work: Callable[[], None], sent: Any = None) -> bool:
        """Do the same in the model: both refuse it, or both do it; whether it was done."""
        refusal = None
        try:
            work()
        except Refused as refused:
            refusal = refused.args
        if refusal is not None:
            assert (answer.status, answer.get("scimType")) == refusal, answer.document
            return False
        assert answer.status == status, answer.document
        if status != 204:
            id_ = str(answer["id"])
            logs = self.model.all[id_]["body"].get("logs")  # returned to who speaks of them
            told = {"logs": logs} if logs is not None and '"logs"' in json.dumps(sent) else {}
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
        self.expect(answer, 201, lambda: self.model.create(kind, body, id_, now, {}), body)

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
        elif self.expect(answer, 200, lambda: self.model.replace(id_, body, now, {}), body):
            self.moved(id_, before, answer.document["meta"]["version"])

    @rule(
        n=st.integers(0, 30), drawn=KINDS.flatmap(lambda kind: st.tuples(st.just(kind), OPERATIONS[kind])), how=HEADERS
    )
    def patch(self, n: int, drawn: Any, how: str) -> None:
        kind, operations = drawn[0], filled(drawn[1], self.id_of)
        id_ = self.pick(n, kind)
        header, fits = self.matching(id_, how)
        now, before = self.at(), self.content(id_)
        answer = self.provider.patch(self.path(id_, kind), *operations, if_match=header)
        if id_ in self.model.all and not fits:
            assert answer.status == 412
        elif self.expect(answer, 200, lambda: self.model.patch(id_, operations, now, {}), operations):
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
        ids = {
            r["bulkId"]: r["location"].rpartition("/")[2] for r in results if r["method"] == "POST" and "location" in r
        }
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
        wanted, expected = self.selected(drawn)
        first, count = max(1, wanted.get("startIndex", 1)), wanted.get("count")
        page = expected[first - 1 :] if count is None else expected[first - 1 : first - 1 + max(0, count)]
        if method == "GET":
            answer = self.provider.ask("GET", f"/{kind}s" if kind else "/", None, self.parameters(wanted))
        else:
            path = f"/{kind}s/.search" if kind else "/.search"
            answer = self.provider.ask("POST", path, {"schemas": [urns.SEARCH_REQUEST], **wanted})
        assert answer.status == 200, answer.document
        said = (answer["totalResults"], answer["itemsPerPage"], answer["startIndex"])
        assert said == (len(expected), len(page), first)
        chosen, left_out = wanted.get("attributes"), wanted.get("excludedAttributes", [])
        shown = [projected(d, chosen or left_out, excluding=chosen is None) for d in page]
        assert [self.comparable(found) for found in answer["Resources"]] == shown

    @rule(drawn=queries(), count=st.integers(1, 4))
    def pages(self, drawn: dict[str, Any], count: int) -> None:
        """Cursors lead through all pages (RFC 9865), forth and, where there is a previousCursor, back again."""
        wanted, expected = self.selected(drawn)
        wanted = {name: value for name, value in wanted.items() if name != "startIndex"} | {"count": count}
        path = f"/{drawn['kind']}s" if drawn["kind"] else "/"
        forth, last = self.turned(path, wanted, "", "nextCursor")
        back, _ = self.turned(path, wanted, last.get("previousCursor"), "previousCursor")
        ids = [document["id"] for document in expected]
        pages = [ids[at : at + count] for at in range(0, len(ids), count)] or [[]]
        assert (forth, back) == (pages, pages[-2::-1] if len(pages) > 1 else [])
        assert last["totalResults"] == len(ids)

    def turned(self, path: str, wanted: dict[str, Any], cursor: str | None, way: str) -> tuple[list[list[str]], Any]:
        """The ids on all pages from a cursor on, one way, and the last page."""
        pages: list[list[str]] = []
        answer = None
        while cursor is not None:
            answer = self.provider.ask("GET", path, None, {**self.parameters(wanted), "cursor": cursor})
            assert answer.status == 200, answer.document
            pages.append(answer.ids)
            cursor = answer.get(way)
        return pages, answer

    def selected(self, drawn: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The parameters of a query, and all that it selects, in order."""
        wanted = {name: value for name, value in drawn.items() if name not in ("kind", "method")}
        tree = filled(wanted.get("filter"), self.id_of)
        if tree is not None:
            wanted["filter"] = text(tree)
        listed = map(self.model.shown, self.in_order(drawn["kind"]))
        expected = [document for document in listed if tree is None or matches(tree, document)]
        if "sortBy" in wanted:
            expected = ordered(expected, wanted["sortBy"], descending=wanted["sortOrder"] == "descending")
        return wanted, expected

    @staticmethod
    def parameters(wanted: dict[str, Any]) -> dict[str, str]:
        """Parameters as they stand in a URL."""
        return {name: ",".join(v) if isinstance(v, list) else str(v) for name, v in wanted.items()}

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
        """A version stands for one state of one resource, and of its groups, for ever."""
        id_, version = document["id"], document["meta"]["version"]
        groups = self.model.shown(id_).get("groups")
        said = (id_, json.dumps([self.model.all[id_]["body"], groups], sort_keys=True))
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


SETTINGS = settings(max_examples=400, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))


def test_whole_service() -> None:
    """Random requests, snapshots and resets leave the service as plain dicts say, whatever their order."""
    end = time.monotonic() + LONG * 60
    run_state_machine_as_test(Whole, settings=SETTINGS)
    while time.monotonic() < end:
        run_state_machine_as_test(Whole, settings=SETTINGS)
