"""Clients that reach a MockScim over real sockets."""

import asyncio
import ssl

import httpx

_NO_TLS = ssl.create_default_context()  # made once: httpx would load all certificates for each client


def async_client(scim):
    """An asynchronous httpx client; paths are below the base URL."""
    return httpx.AsyncClient(**settings(scim))


def settings(scim):
    """What an httpx client of it is made with."""
    headers = {"Authorization": f"Bearer {scim.token}", "Content-Type": "application/scim+json"}
    return {"base_url": scim.base_url, "headers": headers, "timeout": 5, "trust_env": False, "verify": _NO_TLS}


async def eventually(condition, seconds=2.0):
    """Wait in the running loop until a condition holds."""
    async with asyncio.timeout(seconds):
        while not (found := condition()):
            await asyncio.sleep(0.002)
    return found
