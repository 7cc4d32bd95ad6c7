"""A directory synchronisation upon scim2-client, over httpx: its resources are typed, its answers validated."""

import ssl

import httpx
from scim2_client import BaseAsyncSCIMClient, RequestNetworkException, SCIMClientException
from scim2_models import PatchOp, PatchOperation, SCIMException, ScimProvider, SearchRequest, User

TRUSTED = ssl.create_default_context()  # which takes long, so once
PROVIDER = ScimProvider(models=[User])
PASSING = (RequestNetworkException, SCIMClientException, SCIMException, httpx.HTTPError)


class Client(BaseAsyncSCIMClient):
    """scim2-client over httpx.

    Args:
        base_url: of the SCIM server.
        token: for it.
    """

    def __init__(self, base_url, token):
        super().__init__(provider=PROVIDER)
        headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx.AsyncClient(base_url=base_url, headers=headers, timeout=1.0, verify=TRUSTED)

    async def __aenter__(self):
        await self.http.__aenter__()
        return self

    async def __aexit__(self, *error):
        await self.http.__aexit__(*error)

    async def request(self, method, url, **keywords):
        return await self.http.request(method, url, **keywords)


class Directory:
    """Brings the users of a SCIM server to where the directory has them.

    Args:
        client: to it.
        tries: attempts at one thing.
    """

    def __init__(self, client, tries=4):
        self._client, self._tries = client, tries

    async def sync(self, people):
        """Make or change users: ``{userName: displayName}``; returns their ids."""
        return {name: await self._ensure(name, display) for name, display in people.items()}

    async def _ensure(self, name, display):
        for _ in range(self._tries):
            try:
                return await self._attempt(name, display)
            except PASSING as error:
                last = error  # whatever became of it: the next attempt looks first
        raise last

    async def _attempt(self, name, display):
        query = SearchRequest(filter=f'userName eq "{name}"')
        page = await self._client.query(User, query_parameters=query)
        if not page.resources:
            made = await self._client.create(User(user_name=name, display_name=display))
            return made.id
        user = page.resources[0]
        if user.display_name != display:
            operation = PatchOperation[User](op="replace", path="displayName", value=display)
            await self._client.modify(User, user.id, PatchOp[User](operations=[operation]))
        return user.id
