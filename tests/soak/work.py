"""What a client of the soak does: every operation of SCIM, on resources of its own and on some that all share."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from mockscim.scim import urns
from tests.soak.client import SoakError
from tests.soak.model import Model, plain

SHARED_GROUPS = 8
PERMANENT = 4  # users a worker has in the fixture, which are never deleted
COUNTER, COUNTER_ID = "the-counter@example.com", "counter"
_MOST_OWN = 12
_MOST_GROUPS = 3
ENTERPRISE = urns.ENTERPRISE_USER

Patch = tuple[list[dict[str, Any]], dict[str, Any]]


def permanent(worker: int, number: int) -> dict[str, Any]:
    """A user of the fixture."""
    name = f"permanent-{worker}-{number}@example.com"
    return {"schemas": [urns.USER], "id": f"p-{worker}-{number}", "userName": name, "displayName": name, "active": True}


def fixture(workers: int) -> dict[str, Any]:
    """What the directory has at the start, with ids that are known."""
    counter = {"schemas": [urns.USER], "id": COUNTER_ID, "userName": COUNTER, "title": "0"}
    filler = {"schemas": [urns.USER], "id": "filler", "userName": "filler@example.com", "title": "0"}
    return {
        "users": [counter, filler, *(permanent(w, n) for w in range(workers) for n in range(PERMANENT))],
        "groups": [
            {"schemas": [urns.GROUP], "id": f"g-{number}", "displayName": f"Shared {number}"}
            for number in range(SHARED_GROUPS)
        ],
    }


class Worker:
    """One client: it alone changes its users, its groups, and its permanent users' places in the shared groups."""

    def __init__(self, number: int, model: Model, chance: random.Random) -> None:
        self.number = number
        self.model = model
        self.client = model.client
        self.chance = chance
        self.users: list[str] = []
        self.groups: list[str] = []
        self._serial = 0
        self._deeds: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (22, self.get),
            (6, self.get_unchanged),
            (12, self.find),
            (4, self.search),
            (4, self.list),
            (2, self.walk),
            (20, self.patch),
            (8, self.replace),
            (9, self.create),
            (6, self.delete),
            (3, self.bulk),
            (10, self.member),
            (4, self.count),
            (4, self.own_group),
            (2, self.discover),
            (3, self.mistake),
            (1, self.gate),
        ]

    async def act(self) -> None:
        """One deed, drawn."""
        weights = [weight for weight, _ in self._deeds]
        await self.chance.choices([deed for _, deed in self._deeds], weights)[0]()

    def _fresh(self) -> str:
        self._serial += 1
        return f"w{self.number}-{self._serial}"

    def _user(self) -> dict[str, Any]:
        name = f"{self._fresh()}@example.com"
        return {
            "schemas": [urns.USER],
            "userName": name,
            "externalId": f"hr-{name}",
            "displayName": f"Ann {name}",
            "name": {"givenName": "Ann", "familyName": "Ashdown" * self.chance.randint(1, 12)},
            "active": True,
            "emails": [{"value": name, "type": "work", "primary": True}],
        }

    def _any_user(self) -> str:
        own = [*self.users, *(f"p-{self.number}-{n}" for n in range(PERMANENT))]
        return self.chance.choice(own)

    # -- reads -------------------------------------------------------------------------------------------------

    async def _check(self, found: dict[str, Any]) -> None:
        expected = self.model.resources[found["id"]]
        if plain(found) != expected:
            story = await self.model.story(found["id"])
            raise SoakError(f"{found['id']} is read as {plain(found)}, {expected} was expected{story}")

    async def get(self) -> None:
        """A user by id."""
        answer = await self.client.read("user.get", f"/Users/{self._any_user()}")
        if answer.status != 200:
            raise SoakError(f"a user that is there is answered {answer.status} {answer.body}")
        await self._check(answer.body)

    async def get_unchanged(self) -> None:
        """A user with If-None-Match (RFC 7644 §3.14): 304 while nothing changes it, its groups included."""
        path = f"/Users/{self._any_user()}?excludedAttributes=groups"
        first = await self.client.read("user.get", path)
        again = await self.client.read("user.get", path, **{"If-None-Match": first.headers["ETag"]})
        if again.status not in (200, 304):
            raise SoakError(f"If-None-Match: {again.status} {again.body}")

    async def find(self) -> None:
        """A user by what identifies it."""
        id_ = self._any_user()
        name = self.model.resources[id_]["userName"]
        query = self.chance.choice(
            [
                f'userName eq "{name}"',
                f'userName eq "{name.upper()}" and active pr',
                f'emails.value eq "{name}" or userName eq "{name}"',
                f'userName sw "{name[:-4]}"',
            ]
        )
        answer = await self.client.read("user.list", f"/Users?filter={quote(query)}")
        found = {user["id"]: user for user in answer.body.get("Resources", ())}
        if id_ not in found:
            raise SoakError(f"{query} does not find {id_}: {answer.body}")
        await self._check(found[id_])

    async def search(self) -> None:
        """POST .search (RFC 7644 §3.4.3), here and at the root."""
        name = self.model.resources[self._any_user()]["userName"]
        body = {"schemas": [urns.SEARCH_REQUEST], "filter": f'userName eq "{name}"', "attributes": ["userName"]}
        for _ in range(5):
            answer = await self.client.send(
                "user.search", "POST", self.chance.choice(["/Users/.search", "/.search"]), body
            )
            if answer.status == 200 and answer.fault is None:
                found = [user["userName"] for user in answer.body["Resources"]]
                if found != [name]:
                    raise SoakError(f".search {body}: {answer.body}")
                return

    async def list(self) -> None:
        """A page somewhere."""
        sort = self.chance.choice(["", "&sortBy=userName", "&sortBy=meta.lastModified&sortOrder=descending"])
        start = self.chance.randint(1, 200)
        page = (await self.client.read("user.list", f"/Users?startIndex={start}&count=25{sort}")).body
        if len(page.get("Resources", ())) != max(0, min(25, page["totalResults"] - start + 1)):
            raise SoakError(f"startIndex={start}: {len(page.get('Resources', ()))} of {page['totalResults']}")

    async def walk(self) -> None:
        """All users by cursor (RFC 9865), while others make and delete theirs: each that stays is seen once."""
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = (
                await self.client.read("user.list", f"/Users?count=60&cursor={quote(cursor)}&attributes=userName")
            ).body
            seen += [user["id"] for user in page.get("Resources", ())]
            cursor = page.get("nextCursor")
        own = set(self.users)
        if len(seen) != len(set(seen)) or not own <= set(seen):
            raise SoakError(f"by cursor {len(seen)} users, {len(set(seen))} different, without {own - set(seen)}")

    async def discover(self) -> None:
        """What the server says of itself."""
        path = self.chance.choice(["/ServiceProviderConfig", "/Schemas", "/ResourceTypes", f"/Schemas/{urns.USER}"])
        answer = await self.client.read("discovery", path)
        if answer.status != 200:
            raise SoakError(f"{path}: {answer.status}")

    async def mistake(self) -> None:
        """What has to be refused, and change nothing."""
        id_ = self._any_user()
        name = self.model.resources[id_]["userName"]
        patch = {"schemas": [urns.PATCH_OP]}
        method, path, body, expected = self.chance.choice(
            [
                ("POST", "/Users", {"schemas": [urns.USER], "userName": name}, 409),
                ("POST", "/Users", {"schemas": [urns.USER]}, 400),
                ("POST", "/Users", "no resource", 400),
                (
                    "PATCH",
                    f"/Users/{id_}",
                    {**patch, "Operations": [{"op": "replace", "path": "emails[", "value": 1}]},
                    400,
                ),
                (
                    "PATCH",
                    f"/Users/{id_}",
                    {
                        **patch,
                        "Operations": [
                            {"op": "replace", "path": "displayName", "value": "half a change"},
                            {"op": "replace", "path": "userName", "value": COUNTER},
                        ],
                    },
                    409,
                ),
                ("GET", "/Users?filter=userName+eq", None, 400),
                ("GET", "/Users/nobody", None, 404),
                ("GET", "/Users?cursor=made-up", None, 400),
            ]
        )
        answer = await self.client.send("mistake", method, path, body)
        if answer.status is not None and answer.fault is None and answer.status != expected:
            raise SoakError(f"{method} {path} {body}: {answer.status} {answer.body}")

    # -- writes ------------------------------------------------------------------------------------------------

    async def create(self) -> None:
        """A user more, until there are enough."""
        if len(self.users) >= _MOST_OWN:
            await self.delete()
            return
        id_ = await self.model.create("user.create", "/Users", self._user())
        if id_ is not None:
            self.users.append(id_)

    async def delete(self) -> None:
        """A user less."""
        if not self.users:
            return
        id_ = self.users.pop(self.chance.randrange(len(self.users)))
        await self.model.write("user.delete", "DELETE", id_, f"/Users/{id_}", None, None)
        if id_ in self.model.resources:
            self.users.append(id_)

    async def replace(self) -> None:
        """PUT a user."""
        if not self.users:
            return
        id_ = self.chance.choice(self.users)
        old = self.model.resources[id_]
        new = {**old, "displayName": f"Put {self._fresh()}", "active": self.chance.random() < 0.8}
        body = {"schemas": [urns.USER, *([ENTERPRISE] if ENTERPRISE in new else [])], **new}
        await self.model.write("user.replace", "PUT", id_, f"/Users/{id_}", body, new)

    async def patch(self) -> None:
        """PATCH a user in one of the shapes that clients send."""
        id_ = self._any_user()
        operations, new = self.chance.choice(_SHAPES)(dict(self.model.resources[id_]), self._fresh())
        body = {"schemas": [urns.PATCH_OP], "Operations": operations}
        await self.model.write("user.patch", "PATCH", id_, f"/Users/{id_}", body, new)

    async def bulk(self) -> None:
        """A bulk request: a new user, a group that it is in, a change and a deletion (RFC 7644 §3.7)."""
        user, name = self._user(), f"Bulk {self._fresh()}"
        group = {"schemas": [urns.GROUP], "displayName": name, "members": [{"value": "bulkId:u"}]}
        operations = [
            {"method": "POST", "path": "/Users", "bulkId": "u", "data": user},
            {"method": "POST", "path": "/Groups", "bulkId": "g", "data": group},
        ]
        body = {"schemas": [urns.BULK_REQUEST], "Operations": operations}
        answer = await self.client.send("bulk.run", "POST", "/Bulk", body)
        if answer.refused:
            return
        results = answer.body["Operations"] if answer.done else []
        made = [result["location"].rsplit("/", 1)[1] if result["status"] == "201" else None for result in results]
        if len(made) != 2 or None in made:  # a fault may have struck inside, or the answer is lost
            user_id = await self.model.made(user["userName"], user)
            group_id = await self.model.made(name, group)
        else:
            user_id, group_id = made
        if user_id is not None:
            self.model.adopt(user_id, user)
            self.users.append(user_id)
        if group_id is not None:
            self.model.adopt(group_id, {**group, "members": [{"value": user_id}]})
            self.groups.append(group_id)
            await self._delete_group(group_id)

    async def own_group(self) -> None:
        """Make, rename or delete a group of its own."""
        if len(self.groups) < _MOST_GROUPS:
            held = self.chance.sample(self.users, min(3, len(self.users)))
            document = {
                "schemas": [urns.GROUP],
                "displayName": f"Own {self._fresh()}",
                "members": [{"value": id_} for id_ in held],
            }
            id_ = await self.model.create("group.create", "/Groups", document)
            if id_ is not None:
                self.groups.append(id_)
        elif self.chance.random() < 0.5:
            id_ = self.chance.choice(self.groups)
            name = f"Renamed {self._fresh()}"
            body = _patch_of({"op": "replace", "path": "displayName", "value": name})
            new = {**self.model.resources[id_], "displayName": name}
            await self.model.write("group.patch", "PATCH", id_, f"/Groups/{id_}", body, new)
        else:
            await self._delete_group(self.chance.choice(self.groups))

    async def _delete_group(self, id_: str) -> None:
        await self.model.write("group.delete", "DELETE", id_, f"/Groups/{id_}", None, None)
        if id_ not in self.model.resources:
            self.groups.remove(id_)

    # -- what is shared ----------------------------------------------------------------------------------------

    async def member(self) -> None:
        """Put one of its permanent users into a group that all change, or take it out: nobody else's place is lost."""
        group, user = f"g-{self.chance.randrange(SHARED_GROUPS)}", f"p-{self.number}-{self.chance.randrange(PERMANENT)}"
        held = self.model.members[group]
        add = user not in held
        operation: dict[str, Any] = (
            {"op": "add", "path": "members", "value": [{"value": user}]}
            if add
            else {"op": "remove", "path": f'members[value eq "{user}"]'}
        )
        path = f"/Groups/{group}?excludedAttributes=members"
        answer = await self.client.send("group.member", "PATCH", path, _patch_of(operation))
        if answer.refused:
            if answer.fault is None:
                raise SoakError(f"PATCH {path} {operation}: {answer.status} {answer.body}")
            return
        if not answer.done:
            self.model.doubts += 1
            await self.model.ledger.settled()
            latest = self.model.ledger.latest.get(group) or {}
            add = user in {member["value"] for member in latest.get("members", ())}
        (held.add if add else held.discard)(user)

    async def count(self) -> None:
        """Add one to what all count on, with If-Match: an increment that was acknowledged is never overwritten."""
        seen = await self.client.read("user.get", f"/Users/{COUNTER_ID}")
        mark = self._fresh()
        following = str(int(seen.body["title"]) + 1)
        body = _patch_of(
            {"op": "replace", "path": "title", "value": following}, {"op": "replace", "path": "nickName", "value": mark}
        )
        answer = await self.client.send(
            "count", "PATCH", f"/Users/{COUNTER_ID}", body, **{"If-Match": seen.headers["ETag"]}
        )
        if answer.done:
            self.model.counted += 1
        elif answer.refused:
            if answer.fault is None and answer.status != 412:
                raise SoakError(f"PATCH with If-Match: {answer.status} {answer.body}")
        else:
            self.model.doubts += 1
            await self.model.ledger.settled()
            self.model.counted += mark in self.model.ledger.marks

    async def gate(self) -> None:
        """Hold a change of its own at a gate, see that it waits there, and let it go."""
        if not self.users:
            return
        id_, name = self.chance.choice(self.users), f"gate-{self.number}"
        gate = {"match": {"path": f"/Users/{id_}"}, "at": "before_commit", "timeout": "1s"}
        await self.client.control("PUT", f"/gates/{name}", gate)
        try:
            operations, new = _rename(dict(self.model.resources[id_]), self._fresh())
            body = {"schemas": [urns.PATCH_OP], "Operations": operations}
            change = asyncio.ensure_future(self.model.write("gate", "PATCH", id_, f"/Users/{id_}", body, new))
            await self.client.control("GET", f"/gates/{name}?wait=300ms")
        finally:
            # Nobody to let go is no mistake: a fault may have kept it from the gate.
            await self.client.control("DELETE", f"/gates/{name}", None, 200, 404)
        await change


def _patch_of(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [urns.PATCH_OP], "Operations": list(operations)}


# -- the shapes of PATCH: what is sent, and what the user is then ---------------------------------------------------


def _rename(user: dict[str, Any], fresh: str) -> Patch:
    return [{"op": "replace", "path": "displayName", "value": f"Ann {fresh}"}], {**user, "displayName": f"Ann {fresh}"}


def _without_path(user: dict[str, Any], fresh: str) -> Patch:
    change = {"title": f"Title {fresh}", "preferredLanguage": "en-GB"}
    return [{"op": "replace", "value": change}], {**user, **change}


def _capital(user: dict[str, Any], _fresh: str) -> Patch:
    # Entra ID's spelling; booleans as text are a leniency of the standard profile
    active = not user["active"]
    return [{"op": "Replace", "path": "active", "value": str(active)}], {**user, "active": active}


def _add_email(user: dict[str, Any], fresh: str) -> Patch:
    email = {"value": f"{fresh}@home.example.com", "type": "home"}
    kept = [one for one in user.get("emails", ()) if one.get("type") != "home"]
    return (
        [{"op": "remove", "path": 'emails[type eq "home"]'}, {"op": "add", "path": "emails", "value": [email]}],
        {**user, "emails": [*kept, email]},
    )


def _part_of_value(user: dict[str, Any], fresh: str) -> Patch:
    given = f"Ann{fresh}"
    name = {**user.get("name", {}), "givenName": given}
    return [{"op": "replace", "path": "name.givenName", "value": given}], {**user, "name": name}


def _extension(user: dict[str, Any], fresh: str) -> Patch:
    own = {**user.get(ENTERPRISE, {}), "department": f"Dept {fresh}"}
    return [{"op": "add", "path": f"{ENTERPRISE}:department", "value": f"Dept {fresh}"}], {**user, ENTERPRISE: own}


def _several(user: dict[str, Any], fresh: str) -> Patch:
    new = {**user, "title": f"T {fresh}", "displayName": f"D {fresh}"}
    new.pop("preferredLanguage", None)
    return (
        [
            {"op": "add", "path": "title", "value": f"T {fresh}"},
            {"op": "add", "path": "preferredLanguage", "value": "fr"},
            {"op": "remove", "path": "preferredLanguage"},
            {"op": "replace", "path": "displayName", "value": f"D {fresh}"},
        ],
        new,
    )


_SHAPES = (_rename, _without_path, _capital, _add_email, _part_of_value, _extension, _several)
