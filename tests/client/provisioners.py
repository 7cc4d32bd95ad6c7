"""Small clients that bring users into a directory, each in its own way; by the standard library, and by httpx."""

import http.client
import json
from urllib.parse import quote, urlsplit

import httpx
from reach import async_client

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATIENCE = 5.0  # seconds for one request
NAMES = ("ann@example.com", "bea@example.com")
UNENFORCED = {"extends": "standard", "behaviour": {"uniqueness": "none"}}


def ask(scim, method, path, body=None, timeout=PATIENCE):
    """One attempt on a connection of its own: status and parsed body, or (None, None) where nothing usable came."""
    base = urlsplit(scim.base_url)
    headers = {"Authorization": f"Bearer {scim.token}", "Content-Type": "application/scim+json"}
    connection = http.client.HTTPConnection(base.hostname, base.port, timeout=timeout)
    try:
        connection.request(method, base.path + path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        content = answer.read()
        return answer.status, json.loads(content) if content else None
    except (OSError, http.client.HTTPException, ValueError):
        return None, None
    finally:
        connection.close()


def create(scim, name, timeout=PATIENCE, **more):
    """One attempt to make a user."""
    return ask(scim, "POST", "/Users", {"schemas": [USER], "userName": name, **more}, timeout)


def find(scim, name, kind="/Users", attribute="userName", timeout=PATIENCE):
    """The resource of a name; None where there is none, "" where that could not be told."""
    path = f"{kind}?filter={quote(f'{attribute} eq {json.dumps(name)}')}"
    status, body = ask(scim, "GET", path, timeout=timeout)
    if status != 200:
        return ""
    return body["Resources"][0] if body["Resources"] else None


def careful(scim, names=NAMES, timeout=PATIENCE):
    """Looks each user up, again after whatever went wrong, and makes who is not there."""
    for name in names:
        for _ in range(3):
            found = find(scim, name, timeout=timeout)
            if found or (found is None and create(scim, name, timeout)[0] == 201):
                break


def blind(scim):
    """Makes each user, and again until it is told of success."""
    for name in NAMES:
        while create(scim, name)[0] not in (201, 409):
            pass


def careless(scim):
    """Makes each user once, whatever comes of it."""
    for name in NAMES:
        create(scim, name)


def strict(scim):
    """Makes each user who is not there, and raises when anything goes wrong."""
    for name in NAMES:
        found = find(scim, name)
        if found == "":
            raise ConnectionError(f"{name} could not be looked up")
        if found is None and create(scim, name)[0] != 201:
            raise ConnectionError(f"{name} could not be made")


async def acareful(scim):
    """``careful`` for an event loop."""
    async with async_client(scim) as client:
        for name in NAMES:
            for _ in range(3):
                try:
                    found = await client.get("Users", params={"filter": f'userName eq "{name}"'})
                    if found.status_code == 200 and (
                        found.json()["Resources"] or (await client.post("Users", json={"userName": name})).is_success
                    ):
                        break
                except httpx.HTTPError:
                    continue
