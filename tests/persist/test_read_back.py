"""What is read back is what was there, whatever was done: all profiles, all fixtures, types of a fixture's own."""

import json
import random

import pytest
from states import begin, left_behind, opened, state

from mockscim import fixtures, profiles
from mockscim.fixtures import FixtureError
from mockscim.scim.errors import ScimError
from mockscim.tokens import TokenDocument

BASE = "http://localhost/scim/v2"
STEPS = 60
FIXTURES = [each.name for each in fixtures.bundled() if each.kind == "fixture"]
HOSTILE = ["Zoë 🦊", "a\x00b", 'quo"te', "\u2028", "x" * 3000, "\\u0001", "line\nbreak"]


class History:
    """Random requests, edits, snapshots, loads and tokens, most of which change something."""

    def __init__(self, tenant, seed):
        self.tenant = tenant
        self.draw = random.Random(seed)  # noqa: S311
        self.n = 0
        self.refused = 0

    def step(self):
        """Do one thing; what is refused changes nothing."""
        ways = [self.create] * 5 + [self.patch] * 4 + [self.replace, self.delete, self.delete, self.join, self.join]
        ways += [self.bulk, self.edit, self.snapshot, self.restore, self.mint, self.revoke, self.load]
        try:
            self.draw.choice(ways)()
        except (ScimError, FixtureError):
            self.refused += 1

    def ask(self, method, path, body=None):
        service = self.tenant.service
        call = service.route(method, path, BASE)
        service.read(call, (), b"" if body is None else json.dumps(body).encode())
        reply = self.tenant.perform(call, self.tenant.clock.text())
        self.tenant.note(reply.changes, None)
        return reply

    def word(self):
        self.n += 1
        return f"{self.draw.choice(['ann', 'bob', *HOSTILE])} {self.n}"

    def path(self):
        """That of a resource, mostly one that is there; of one outside at times."""
        store = self.tenant.store
        found = [record for table in store.tables.values() for record in table] + list(store.accounts or ())
        record = self.draw.choice(found) if found else None
        return "/Users/nobody" if record is None else f"{record.type.endpoint}/{record.id}"

    def document(self, kind):
        document = {"schemas": [kind.schema.id], "externalId": self.word()}
        for attribute in kind.attributes.values():
            if attribute.required and attribute.type == "string" and attribute.key not in ("schemas", "id"):
                document[attribute.name] = self.word()
        if kind.name == "User":
            self.n += 1
            names = {"displayName": self.word(), "password": "hunter2", "active": self.draw.random() < 0.8}
            mails = [{"value": f"u{self.n}@example.com", "type": "work", "primary": True}]
            document |= {"userName": f"u{self.n}@example.com", "emails": mails, **names}
        return document

    def create(self):
        kind = self.draw.choice(list(self.tenant.registry.types.values()))
        self.ask("POST", kind.endpoint, self.document(kind))

    def patch(self):
        path = self.draw.choice(["displayName", "active", "name.familyName", "externalId"])
        value = self.draw.random() < 0.5 if path == "active" else self.word()
        operation = {"op": self.draw.choice(["add", "replace"]), "path": path, "value": value}
        self.ask("PATCH", self.path(), {"Operations": [operation]})

    def replace(self):
        path = self.path()
        kind = self.tenant.registry.endpoints["/" + path.split("/")[1].lower()]
        self.ask("PUT", path, self.document(kind))

    def delete(self):
        self.ask("DELETE", self.path())

    def join(self):
        """Members come to a group, go, or are exchanged."""
        groups = [record for record in self.tenant.store.tables.get("Group", ()) if record.members is not None]
        if not groups:
            return
        group = self.draw.choice(groups)
        users = [record.id for record in self.tenant.store.tables["User"]]
        values = [{"value": one} for one in self.draw.sample(users, min(len(users), 3))]
        operation = {"op": self.draw.choice(["add", "add", "replace"]), "path": "members", "value": values}
        if group.members and self.draw.random() < 0.4:
            gone = self.draw.choice(list(group.members)).value
            operation = {"op": "remove", "path": f'members[value eq "{gone}"]'}
        self.ask("PATCH", f"/Groups/{group.id}", {"Operations": [operation]})

    def bulk(self):
        kind = self.tenant.registry.types["User"]
        operations = [
            {"method": "POST", "path": "/Users", "bulkId": "a", "data": self.document(kind)},
            {"method": "DELETE", "path": self.path()},
            {
                "method": "POST",
                "path": "/Groups",
                "bulkId": "g",
                "data": {"displayName": self.word(), "members": [{"value": "bulkId:a"}]},
            },
        ]
        self.ask("POST", "/Bulk", {"Operations": operations})

    def edit(self):
        kind = self.draw.choice(list(self.tenant.registry.types.values()))
        with self.tenant.kept():
            self.tenant.edit("POST", kind.name, None, self.document(kind) | {"id": f"own-{self.n}"}, BASE)

    def snapshot(self):
        self.tenant.store.snapshot(self.draw.choice("ab"))

    def restore(self):
        name = self.draw.choice("ab")
        if self.tenant.store.has_snapshot(name):
            with self.tenant.kept():
                self.tenant.note(self.tenant.store.restore(name), None)

    def mint(self):
        with self.tenant.kept():
            self.tenant.tokens.mint(1e9 + self.n, TokenDocument(user="ann", scopes=["read"], expires_in="1h"))

    def revoke(self):
        found = [token.name for token in self.tenant.tokens]
        if found:
            with self.tenant.kept():
                self.tenant.tokens.revoke(self.draw.choice(found))

    def load(self):
        """A fixture is added or takes the place of all; every other one cannot be loaded."""
        self.n += 1
        users = [{"userName": f"f{self.n}@example.com", "id": f"f-{self.n}"}, {"userName": f"g{self.n}@example.com"}]
        groups = [{"displayName": self.word(), "members": [f"f-{self.n}", "nobody" if self.n % 2 else f"f-{self.n}"]}]
        document = fixtures.parse(json.dumps({"users": users, "groups": groups}).encode(), "fixture")
        with self.tenant.kept():
            self.tenant.load(document, merge=self.draw.random() < 0.8)


@pytest.mark.parametrize("fixture", [None, *FIXTURES])
@pytest.mark.parametrize("profile", profiles.names())
def test_what_is_read_back_is_what_was_there(profile, fixture, file, tmp_path):
    """After random histories the next process has just what the last one had, also if that was killed."""
    start = begin(profile, fixture, seed=3)
    refused, before = 0, None
    for process in range(3):
        with opened(start, file) as tenants:
            tenant = tenants.look("")
            if before is not None:
                assert state(tenant) == before
            history = History(tenant, seed=f"{profile} {fixture} {process}")
            for step in range(STEPS):
                history.step()
                if step % 20 == 19:
                    copy = left_behind(file, tmp_path / f"killed-{process}-{step}")
                    with opened(start, copy) as again:
                        assert state(again.look("")) == state(tenant)
            refused += history.refused
            before = state(tenant)
    assert refused < STEPS * 3 * 0.8  # it did change something


@pytest.mark.parametrize("fixture", [None, "small", "devices"])
def test_a_reset_is_kept_and_is_the_start(fixture, file):
    """A reset returns to the same start before and after a restart, and what it returned to is what is kept."""
    start = begin("standard", fixture, seed=5)
    with opened(start, file) as tenants:
        first = state(tenants.look(""))
        history = History(tenants.look(""), seed=1)
        for _ in range(STEPS):
            history.step()
        assert state(tenants.look("")) != first
    with opened(start, file) as tenants:
        tenant = tenants.look("")
        tenant.reset()
        again = state(tenant)
        assert without_places(again) == without_places(first)
        assert again["counters"][0] == first["counters"][0]
        History(tenant, seed=2).create()
        tenant.reset()
        assert without_places(state(tenant)) == without_places(first)
        last = state(tenant)
    with opened(start, file) as tenants:
        assert state(tenants.look("")) == last


def without_places(found):
    """A state without the places in creation order, which a reset does not return to."""
    tables = {name: [record[:1] + record[2:] for record in table] for name, table in found["tables"].items()}
    return {"tables": tables, "accounts": len(found["accounts"]), "groups": found["groups"]}


def test_ids_and_versions_are_never_given_twice(file):
    """Through restarts each resource has an id that none had before, and each change a version of its own."""
    start, ids, versions = begin(seed=9), [], []
    for _ in range(4):
        with opened(start, file) as tenants:
            history = History(tenants.look(""), seed=0)
            for n in range(10):
                reply = history.ask("POST", "/Users", {"userName": f"u{n}@example.com"})
                ids.append(reply.resource.id)
                versions.append(reply.resource.version)
            for id_ in ids[-10:]:
                history.ask("DELETE", f"/Users/{id_}")
    assert len(set(ids)) == len(set(versions)) == 40
    assert versions == sorted(versions)


def test_changes_make_no_file_longer(file):
    """What makes a file longer is slow to sync: the log has its whole length from the start, at a restart too."""
    for number in range(2):
        with opened(begin(), file) as tenants:
            log = file.with_name("directory.db-wal")
            sizes = {each: each.stat().st_size for each in (file, log)}
            history = History(tenants.look(""), seed=0)
            history.n = number * 1000
            for _ in range(60):
                history.create()
            assert {each: each.stat().st_size for each in sizes} == sizes


def test_nothing_that_is_never_returned_is_written(file):
    """A password is in no byte of the file, nor is the text of a token; what was minted is known again."""
    with opened(begin(), file) as tenants:
        tenant = tenants.look("")
        History(tenant, seed=0).ask("POST", "/Users", {"userName": "ann@example.com", "password": "correct-horse"})
        with tenant.kept():
            token, text = tenant.tokens.mint(0.0, TokenDocument(token="battery-staple-and-more"))
        copy = left_behind(file, file.parent / "killed")
        written = b"".join(each.read_bytes() for each in copy.parent.iterdir())
        assert b"ann@example.com" in written
        assert b"correct-horse" not in written
        assert text.encode() not in written
        with opened(begin(), copy) as again:
            assert again.select("", [f"Bearer {text}"], needs_token=True)[1].good
            assert [each.name for each in again.look("").tokens] == [token.name]
