"""What the directory should hold, and whether it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tests.soak.client import Client, Outcome, SoakError
from tests.soak.ledger import Ledger

_NOT_COMPARED = ("meta", "groups", "schemas", "id", "members")
_ABSENT: dict[str, Any] = {}


def plain(document: dict[str, Any] | None) -> dict[str, Any]:
    """A resource as a client sets it: without what the provider adds, and members, which have a model of their own."""
    return {name: value for name, value in (document or _ABSENT).items() if name not in _NOT_COMPARED}


class Model:
    """One tenant's directory as its clients know it.

    Each resource, and each pair of a shared group and a member, has one worker that changes it; so what a worker did
    last is what should be there, however its requests mingle with those of others.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self.ledger = Ledger(client)
        self.resources: dict[str, dict[str, Any]] = {}
        self.members: dict[str, set[str]] = {}
        self.counted = 0  # increments of the shared counter that were done
        self.doubts = 0  # requests whose fate the history told

    # -- what a worker sends -----------------------------------------------------------------------------------

    async def write(
        self, name: str, method: str, id_: str, path: str, body: Any, new: dict[str, Any] | None, **headers: str
    ) -> Outcome:
        """Change or delete a resource, and know afterwards what it is; ``new``: what it should become (None: gone)."""
        old = self.resources[id_]
        outcome = await self.client.send(name, method, path, body, **headers)
        if outcome.done:
            if outcome.body is not None and new is not None and plain(outcome.body) != new:
                raise SoakError(f"{method} {path} {body}: answered {plain(outcome.body)}, {new} was expected")
            self._set(id_, new)
        elif not outcome.refused or method != "PATCH":  # aiohttp sends a PUT or DELETE again when its connection breaks
            await self.settle(id_, (old, new))
        elif outcome.fault is None:
            raise SoakError(f"{method} {path} {body}: refused with {outcome.status} {outcome.body}")
        return outcome

    async def settle(self, id_: str, candidates: Iterable[dict[str, Any] | None]) -> None:
        """Find out from the history what became of a resource."""
        self.doubts += 1
        await self.ledger.settled()
        if id_ not in self.ledger.latest:  # never changed since the start
            return
        latest = self.ledger.latest[id_]
        found = None if latest is None else plain(latest)
        if found not in candidates:
            raise SoakError(f"{id_} is neither as it was nor as it should become: {found}; {candidates}")
        self._set(id_, found)

    async def create(self, name: str, path: str, document: dict[str, Any]) -> str | None:
        """Make a resource; its id, or None when it was not made."""
        outcome = await self.client.send(name, "POST", path, document)
        key = document.get("userName") or document["displayName"]
        if outcome.done:
            if plain(outcome.body) != plain(document):
                raise SoakError(f"POST {path}: answered {plain(outcome.body)}, {plain(document)} was expected")
            id_ = outcome.body["id"]
        elif outcome.refused:
            if outcome.fault is None:
                raise SoakError(f"POST {path} {document}: refused with {outcome.status} {outcome.body}")
            return None
        else:
            id_ = await self.made(key, document)
            if id_ is None:
                return None
        self._made(str(id_), document)
        return str(id_)

    async def made(self, key: str, document: dict[str, Any]) -> str | None:
        """The id of a resource whose creation is in doubt, once it is known; None when it was not made."""
        self.doubts += 1
        await self.ledger.settled()
        ids = self.ledger.ids.get(key, [])
        if len(ids) > 1:
            raise SoakError(f"{key} was made {len(ids)} times")
        if ids and plain(self.ledger.latest[ids[0]]) != plain(document):
            raise SoakError(f"{key} was made as {self.ledger.latest[ids[0]]}, not as {document}")
        return ids[0] if ids else None

    def _made(self, id_: str, document: dict[str, Any]) -> None:
        self.resources[id_] = plain(document)
        if "userName" not in document:
            self.members[id_] = {member["value"] for member in document.get("members", ())}

    def adopt(self, id_: str, document: dict[str, Any]) -> None:
        """Take over a resource that a bulk request made, or that was there at the start."""
        self._made(id_, document)

    def _set(self, id_: str, new: dict[str, Any] | None) -> None:
        if new is not None:
            self.resources[id_] = new
            return
        self.resources.pop(id_, None)
        self.members.pop(id_, None)
        for members in self.members.values():
            members.discard(id_)

    def forget(self, id_: str) -> None:
        """A resource is gone."""
        self._set(id_, None)

    async def story(self, id_: str) -> str:
        """What the journal and the history have of a resource, a line each, for who has to find out."""
        journal = await self.client.control("GET", "/journal?limit=20000")
        history = await self.client.control("GET", "/history?limit=200000")
        said = [
            f"exchange {e['n']} {e['time']} {e['operation']} {e['method']} {e['request']['body']} -> "
            f"{e['response'] and e['response']['status']} committed {e['changes']} "
            f"{[fault['rule'] for fault in e['faults']]} gone {e['client_gone']} {e['duration_ms']} ms"
            for e in journal["items"]
            if id_ in e["path"] and e["method"] != "GET"
        ]
        said += [
            f"change {h['n']} {h['time']} {h['operation']} by {h['journal']}: {plain(h['after'])}"
            for h in history["items"]
            if h["id"] == id_
        ]
        return "".join(f"\n    {line}" for line in said[-40:])

    # -- whether it is so --------------------------------------------------------------------------------------

    async def compare(self) -> None:
        """Hold all that the server has against the model, by every way of asking.

        Raises:
            SoakError: says what differs.
        """
        await self.ledger.catch_up()
        if self.ledger.twice:
            raise SoakError(f"committed twice: {self.ledger.twice[:5]}")
        listed = await self._pages("/Users?count=100&startIndex={}", self._by_index)
        walked = await self._pages("/Users?count=100&cursor={}", self._by_cursor)
        groups = await self._pages("/Groups?count=50&startIndex={}", self._by_index)
        self._same("by index and by cursor", listed, walked)
        found = {id_: plain(document) for id_, document in (listed | groups).items()}
        self._same("resources", self.resources, found)
        members = {id_: {m["value"] for m in group.get("members", ())} for id_, group in groups.items()}
        self._same("members", self.members, members)
        for id_, user in listed.items():
            shown = {group["value"] for group in user.get("groups", ())}
            self._same(f"groups of {id_}", {group for group, held in members.items() if id_ in held}, shown)
        names = [user["userName"] for user in listed.values()]
        if len(names) != len({name.lower() for name in names}):
            raise SoakError("a userName is there twice")
        for id_, user in list(listed.items())[::20]:
            query = f'/Users?filter=userName eq "{user["userName"].upper()}"'
            answer = await self.client.read("check", query)
            self._same(query, [id_], [one["id"] for one in answer.body.get("Resources", ())])

    async def _pages(
        self, query: str, following: Callable[[dict[str, Any], int], str | None]
    ) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        place: str | None = "1" if "startIndex" in query else ""
        seen = 0
        while place is not None:
            page = (await self.client.read("check", query.format(place))).body
            for resource in page.get("Resources", ()):
                seen += 1
                found[resource["id"]] = resource
            place = following(page, seen)
        if seen != len(found) or seen != page["totalResults"]:
            raise SoakError(f"{query}: {seen} were shown, {len(found)} different ones, {page['totalResults']} in all")
        return found

    @staticmethod
    def _by_index(page: dict[str, Any], seen: int) -> str | None:
        return str(seen + 1) if seen < page["totalResults"] else None

    @staticmethod
    def _by_cursor(page: dict[str, Any], _seen: int) -> str | None:
        return page.get("nextCursor")

    @staticmethod
    def _same(what: str, expected: Any, found: Any) -> None:
        if expected == found:
            return
        if isinstance(expected, dict) and isinstance(found, dict):
            missing, more = expected.keys() - found.keys(), found.keys() - expected.keys()
            other = [
                (id_, expected[id_], found[id_])
                for id_ in expected.keys() & found.keys()
                if expected[id_] != found[id_]
            ]
            raise SoakError(
                f"{what}: {len(missing)} missing {list(missing)[:3]}, {len(more)} too many {list(more)[:3]}, "
                f"{len(other)} different {other[:2]}"
            )
        raise SoakError(f"{what}: {expected!r} was expected, {found!r} found")
