"""A service provider to ask in tests, without a socket: what the edge would do, and no more."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import orjson

from mockscim.scim import urns
from mockscim.scim.errors import ScimError
from mockscim.scim.policy import STRICT, Policy
from mockscim.scim.schema import Registry, standard_registry
from mockscim.scim.service import Reply, Service
from mockscim.scim.store import Store

BASE = "https://example.com/v2"
ENTERPRISE = urns.ENTERPRISE_USER


@dataclass
class Answer:
    """What came back: the document is the resource, the list or the error; None where there is none."""

    status: int
    document: Any
    headers: dict[str, str]
    reply: Reply | None = None
    leniencies: set[str] = field(default_factory=set)

    def __getitem__(self, name: str) -> Any:
        return self.document[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self.document.get(name, default)

    @property
    def error(self) -> tuple[int, str | None]:
        """The status and scimType."""
        return self.status, self.document.get("scimType")

    @property
    def ids(self) -> list[str]:
        """The ids of a list's resources."""
        return [resource["id"] for resource in self.document["Resources"]]


class Provider:
    """A service with predictable ids and a clock that moves on by a second with each request."""

    def __init__(self, *, registry: Registry | None = None, strict: bool = False, **policy: Any) -> None:
        if strict:
            policy["accepted"] = STRICT
        self.registry = registry or standard_registry()
        self.store = Store(self.registry)
        numbers = itertools.count(1)
        self.service = Service(self.registry, self.store, Policy(**policy), lambda: f"id-{next(numbers)}")
        self._seconds = itertools.count()

    def ask(
        self,
        method: str,
        path: str,
        document: Any = None,
        query: dict[str, str] | None = None,
        *,
        raw: bytes | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> Answer:
        """One request, from the method to the answer."""
        seconds = next(self._seconds)
        now = f"2026-01-01T{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.000Z"
        body = raw if raw is not None else b"" if document is None else orjson.dumps(document)
        used: set[str] = set()
        try:
            call = self.service.route(method, path, BASE)
            call.if_match, call.if_none_match = if_match, if_none_match
            self.service.read(call, (query or {}).items(), body)
            try:
                reply = self.service.perform(call, now)
            finally:
                used = {row["code"] for row in call.tolerance.report()}
        except ScimError as error:
            return Answer(error.status, orjson.loads(error.body()), error.headers, None, used)
        content = orjson.loads(reply.body) if reply.body is not None else None
        return Answer(reply.status, content, reply.headers, reply, used)

    def get(self, path: str, **query: str) -> Answer:
        return self.ask("GET", path, None, query)

    def user(self, name: str, /, **attributes: Any) -> str:
        """Create a user; its id."""
        found = self.ask("POST", "/Users", {"schemas": [urns.USER], "userName": name, **attributes})
        assert found.status == 201, found.document
        return str(found["id"])

    def group(self, name: str, *members: str) -> str:
        """Create a group of these ids; its id."""
        listed = [{"value": member} for member in members]
        found = self.ask("POST", "/Groups", {"schemas": [urns.GROUP], "displayName": name, "members": listed})
        assert found.status == 201, found.document
        return str(found["id"])

    def patch(self, path: str, *operations: dict[str, Any], **options: Any) -> Answer:
        return self.ask("PATCH", path, {"schemas": [urns.PATCH_OP], "Operations": list(operations)}, **options)

    def member_ids(self, group: str) -> list[str]:
        return [member["value"] for member in self.get(f"/Groups/{group}").get("members", [])]

    def groups_of(self, user: str) -> dict[str, str]:
        """The groups of a user: id -> direct or indirect."""
        return {item["value"]: item["type"] for item in self.get(f"/Users/{user}").get("groups", [])}

    def state(self) -> Any:
        """All there is, secrets and versions and indexes included."""
        store = self.store
        return {
            "commits": store.commits,
            "memberships": {key: list(value) for key, value in store.memberships.items()},
            "unique": {name: {k: dict(v) for k, v in table.unique.items()} for name, table in store.tables.items()},
            "resources": {
                name: [(store.document(record, BASE), record.secrets, record.seq) for record in table]
                for name, table in store.tables.items()
            },
            "accounts": [(record.id, record.attributes()) for record in store.accounts or ()],
        }
