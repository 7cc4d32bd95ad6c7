"""A connector as many products have one: aiohttp, several requests at a time, time-outs and retries of its own."""

import asyncio

import aiohttp

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class GaveUpError(Exception):
    """It did not work, often enough."""


class Connector:
    """Brings users and groups to where they should be.

    Args:
        base_url: of the SCIM server.
        token: for it.
        at_once: requests at a time.
        patience: seconds for one request.
        tries: attempts at one thing.
    """

    def __init__(self, base_url, token, *, at_once=4, patience=1.0, tries=4):
        self._base_url, self._token = base_url, token
        self._room = asyncio.Semaphore(at_once)
        self._patience, self._tries = patience, tries

    async def __aenter__(self):
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/scim+json"}
        timeout = aiohttp.ClientTimeout(total=self._patience)
        self._session = aiohttp.ClientSession(headers=headers, timeout=timeout)
        return self

    async def __aexit__(self, *_):
        await self._session.close()

    async def sync(self, people, groups):
        """Make users of people, and groups of names and the people in them; returns the ids by name."""
        found = await asyncio.gather(*(self._ensure("/Users", "userName", name, USER) for name in people))
        ids = dict(zip(people, found, strict=True))
        await asyncio.gather(*(self._fill(name, {ids[each] for each in members}) for name, members in groups.items()))
        return ids

    async def _ensure(self, endpoint, attribute, name, schema):
        """The id of a resource, made if it is not there; a look-up decides after every attempt that failed."""
        for tried in range(self._tries):
            known = await self._find(endpoint, attribute, name)
            if known is not None:
                return known["id"]
            status, body = await self._attempt("POST", endpoint, {"schemas": [schema], attribute: name})
            if status == 201:
                return body["id"]
            await asyncio.sleep(0.01 * tried)
        raise GaveUpError(f"{name} cannot be made")

    async def _fill(self, name, members):
        id_ = await self._ensure("/Groups", "displayName", name, GROUP)
        for tried in range(self._tries):
            group = await self._find("/Groups", "displayName", name)
            missing = members - {member["value"] for member in group.get("members", [])}
            if not missing:
                return
            value = [{"value": each} for each in sorted(missing)]
            body = {"schemas": [PATCH], "Operations": [{"op": "add", "path": "members", "value": value}]}
            status, _ = await self._attempt("PATCH", f"/Groups/{id_}", body)
            if status in (200, 204):
                return
            await asyncio.sleep(0.01 * tried)
        raise GaveUpError(f"the members of {name} cannot be set")

    async def _find(self, endpoint, attribute, name):
        for tried in range(self._tries):
            status, body = await self._attempt("GET", endpoint, query={"filter": f'{attribute} eq "{name}"'})
            if status == 200:
                return body["Resources"][0] if body.get("Resources") else None
            await asyncio.sleep(0.01 * tried)
        raise GaveUpError(f"{name} cannot be looked up")

    async def _attempt(self, method, path, body=None, query=None):
        """The status and body of the answer; None twice where none arrived whole."""
        async with self._room:
            try:
                async with self._session.request(method, self._base_url + path, json=body, params=query) as answer:
                    found = await answer.json(content_type=None) if answer.status != 204 else None
                    return answer.status, found
            except (aiohttp.ClientError, TimeoutError, ValueError):
                return None, None
