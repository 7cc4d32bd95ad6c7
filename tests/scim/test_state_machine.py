"""Users and groups under random requests, against plain dicts."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from provider import Provider

from mockscim.scim.table import _values_at

NAMES = st.sampled_from(["a", "A", "b", "B", "c", "ß", "SS"])
TITLES = st.sampled_from([None, "", "T", "t"])
EMAILS = st.lists(st.sampled_from(["x@y", "X@Y", "z@y"]), max_size=2, unique=True)
INDEXES = {"User": ("title", "emails.value", "externalid"), "Group": ("externalid",)}


class Directory(RuleBasedStateMachine):
    """The model: users and groups by id, each with the version it had when it was last seen to change."""

    users = Bundle("users")
    groups = Bundle("groups")

    @initialize()
    def begin(self) -> None:
        self.provider = Provider()
        self.model: dict[str, dict[str, Any]] = {}  # in creation order
        self.versions: dict[str, int] = {}
        self.newest = 0
        self.saved: tuple[dict[str, dict[str, Any]], dict[str, int]] | None = None
        for kind, keys in INDEXES.items():
            for key in keys:
                self.provider.store.tables[kind].lookup(key, "x")

    # -- what the model does -------------------------------------------------------------------------------------------

    def taken(self, name: str, id_: str | None = None) -> bool:
        return any(
            other != id_ and state["kind"] == "User" and state["name"].casefold() == name.casefold()
            for other, state in self.model.items()
        )

    def changed(self, id_: str, state: dict[str, Any]) -> None:
        """Take over a state; the version must have moved exactly if it differs."""
        record = self.provider.store.find(id_)
        assert record is not None
        if self.model.get(id_) == state:
            assert record.version == self.versions[id_]
        else:
            assert record.version > self.newest
            self.newest = self.versions[id_] = record.version
        self.model[id_] = state

    def state(
        self, kind: str, name: str, title: str | None = None, emails: Any = (), members: Any = ()
    ) -> dict[str, Any]:
        return {"kind": kind, "name": name, "title": title, "emails": list(emails), "members": list(members)}

    def body(self, state: dict[str, Any]) -> dict[str, Any]:
        if state["kind"] == "Group":
            return {"displayName": state["name"], "members": [{"value": one} for one in state["members"]]}
        return {
            "userName": state["name"],
            "title": state["title"],
            "emails": [{"value": one} for one in state["emails"]],
        }

    def path(self, id_: str) -> str:
        return f"/{self.model[id_]['kind']}s/{id_}"

    # -- rules ---------------------------------------------------------------------------------------------------------

    @rule(target=users, name=NAMES, title=TITLES, emails=EMAILS)
    def create_user(self, name: str, title: str | None, emails: list[str]) -> Any:
        state = self.state("User", name, title, emails)
        answer = self.provider.ask("POST", "/Users", self.body(state))
        if self.taken(name):
            assert answer.error == (409, "uniqueness")
            return multiple()
        assert answer.status == 201
        self.changed(answer["id"], state)
        return answer["id"]

    @rule(target=groups, name=NAMES, members=st.lists(users | groups, max_size=4, unique=True))
    def create_group(self, name: str, members: list[str]) -> Any:
        state = self.state("Group", name, members=members)
        answer = self.provider.ask("POST", "/Groups", self.body(state))
        if not all(member in self.model for member in members):
            assert answer.error == (400, "invalidValue")
            return multiple()
        self.changed(answer["id"], state)
        return answer["id"]

    @rule(user=users, name=NAMES, title=TITLES, emails=EMAILS)
    def replace_user(self, user: str, name: str, title: str | None, emails: list[str]) -> None:
        state = self.state("User", name, title, emails)
        answer = self.provider.ask("PUT", f"/Users/{user}", self.body(state))
        if user not in self.model:
            assert answer.status == 404
        elif self.taken(name, user):
            assert answer.error == (409, "uniqueness")
        else:
            assert answer.status == 200
            self.changed(user, state)

    @rule(user=users, name=NAMES, title=TITLES)
    def patch_user(self, user: str, name: str, title: str | None) -> None:
        answer = self.provider.patch(
            f"/Users/{user}",
            {"op": "replace", "path": "title", "value": title},
            {"op": "replace", "value": {"userName": name}},
        )
        if user not in self.model:
            assert answer.status == 404
        elif self.taken(name, user):
            assert answer.error == (409, "uniqueness")
        else:
            assert answer.status == 200
            self.changed(user, {**self.model[user], "title": title, "name": name})

    @rule(group=groups, member=users | groups, verb=st.sampled_from(["add", "remove", "by value", "replace"]))
    def patch_members(self, group: str, member: str, verb: str) -> None:
        operation = {
            "add": {"op": "add", "path": "members", "value": [{"value": member}]},
            "remove": {"op": "remove", "path": f'members[value eq "{member}"]'},
            "by value": {"op": "remove", "path": "members", "value": [{"value": member}]},
            "replace": {"op": "replace", "path": "members", "value": [{"value": member}]},
        }[verb]
        answer = self.provider.patch(f"/Groups/{group}", operation)
        if group not in self.model:
            assert answer.status == 404
            return
        members = self.model[group]["members"]
        if verb in ("add", "replace") and (member not in self.model or member == group):
            assert answer.error == (400, "invalidValue")
            return
        assert answer.status == 200
        if verb == "add":
            members = members if member in members else [*members, member]
        else:
            members = [member] if verb == "replace" else [one for one in members if one != member]
        self.changed(group, {**self.model[group], "members": members})

    @rule(group=groups, name=NAMES)
    def fail_at_last(self, group: str, name: str) -> None:
        """A request that fails at its end: ``agrees`` sees that it left nothing."""
        answer = self.provider.patch(
            f"/Groups/{group}",
            {"op": "replace", "path": "displayName", "value": name + "!"},
            {"op": "remove", "path": "members"},
            {"op": "replace", "path": "nonsense", "value": 1},
        )
        assert answer.status == (400 if group in self.model else 404)

    @rule(one=users | groups)
    def put_back(self, one: str) -> None:
        """What was read is put back: nothing changes."""
        if one in self.model:
            found = self.provider.get(self.path(one)).document
            assert self.provider.ask("PUT", self.path(one), found).document == found
            self.changed(one, self.model[one])

    @rule(one=consumes(users) | consumes(groups))
    def delete(self, one: str) -> None:
        if one not in self.model:
            return
        assert self.provider.ask("DELETE", self.path(one)).status == 204
        del self.model[one], self.versions[one]
        for id_, state in list(self.model.items()):
            if one in state["members"]:
                record = self.provider.store.find(id_)
                assert record is not None
                assert record.version > self.newest
                self.versions[id_] = record.version
                self.model[id_] = {**state, "members": [each for each in state["members"] if each != one]}
        self.newest = self.provider.store.commits

    @rule()
    def snapshot(self) -> None:
        self.provider.store.snapshot("s")
        self.saved = (dict(self.model), dict(self.versions))

    @rule()
    def restore(self) -> None:
        if self.saved is None:
            return
        self.provider.store.restore("s")
        model, versions = self.saved
        for id_ in model:
            record = self.provider.store.find(id_)
            assert record is not None
            # Either it never changed since, or it has a version that was never used.
            if record.version != self.versions.get(id_):
                assert record.version > self.newest
            versions = {**versions, id_: record.version}
        self.model, self.versions = dict(model), versions
        self.newest = max([self.provider.store.commits, self.newest])
        self.saved = (dict(model), dict(versions))

    # -- what always holds ---------------------------------------------------------------------------------------------

    @invariant()
    def agrees(self) -> None:
        """Every resource reads as the model says, in creation order, with its groups."""
        for kind in ("User", "Group"):
            expected = [id_ for id_, state in self.model.items() if state["kind"] == kind]
            listed = self.provider.get(f"/{kind}s")["Resources"]
            assert [resource["id"] for resource in listed] == expected
            for found in listed:
                state = self.model[found["id"]]
                assert found["meta"]["version"] == f'W/"{self.versions[found["id"]]}"'
                if kind == "Group":
                    assert found["displayName"] == state["name"]
                    assert [member["value"] for member in found.get("members", [])] == state["members"]
                else:
                    assert (found["userName"], found.get("title")) == (state["name"], state["title"])
                    assert [email["value"] for email in found.get("emails", [])] == state["emails"]
                    groups = {group["value"]: group["type"] for group in found.get("groups", [])}
                    assert groups == self.groups_of(found["id"])

    def groups_of(self, id_: str) -> dict[str, str]:
        direct = {group for group, state in self.model.items() if id_ in state["members"]}
        every, fresh = set(direct), set(direct)
        while fresh:
            fresh = {g for g, state in self.model.items() if fresh & set(state["members"])} - every
            every |= fresh
        return {group: "direct" if group in direct else "indirect" for group in every}

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


Directory.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestDirectory = Directory.TestCase
