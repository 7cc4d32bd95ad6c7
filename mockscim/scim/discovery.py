"""What the provider publishes about itself (RFC 7644 §4): it says what the server does, and nothing else."""

from __future__ import annotations

from typing import Any

from mockscim.scim import urns
from mockscim.scim.errors import ScimError, not_found
from mockscim.scim.policy import Policy
from mockscim.scim.schema import Registry, definition

ENDPOINTS = {
    "/serviceproviderconfig": "/ServiceProviderConfig",
    "/resourcetypes": "/ResourceTypes",
    "/schemas": "/Schemas",
}


def service_provider_config(policy: Policy, registry: Registry, base: str) -> dict[str, Any]:
    """The ServiceProviderConfig resource (RFC 7643 §5)."""
    user = registry.types.get("User")
    return {
        "schemas": [urns.SERVICE_PROVIDER_CONFIG],
        "patch": {"supported": True},
        "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": True, "maxResults": policy.max_results or 2**31 - 1},
        "changePassword": {"supported": user is not None and "password" in user.attributes},
        "sort": {"supported": policy.sort},
        "etag": {"supported": policy.etag},
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Bearer token",
                "description": "The token in the Authorization header",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
                "primary": True,
            }
        ],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": f"{base}/ServiceProviderConfig",
        },
    }


def resource_types(registry: Registry, base: str) -> list[dict[str, Any]]:
    """All resource types (RFC 7643 §6)."""
    return [
        {
            **kind.document(),
            "meta": {"resourceType": "ResourceType", "location": f"{base}/ResourceTypes/{kind.name}"},
        }
        for kind in registry.types.values()
    ]


def schemas(registry: Registry, base: str) -> list[dict[str, Any]]:
    """All schemas in use (RFC 7643 §7): those of the resource types, and the discovery documents' own."""
    known = list(registry.schemas.values())
    known += [definition(urn) for urn in (urns.SERVICE_PROVIDER_CONFIG, urns.RESOURCE_TYPE, urns.SCHEMA)]
    return [
        {**schema.document(), "meta": {"resourceType": "Schema", "location": f"{base}/Schemas/{schema.id}"}}
        for schema in known
    ]


def discover(
    endpoint: str, item: str | None, *, filtered: bool, registry: Registry, policy: Policy, base: str
) -> dict[str, Any]:
    """Answer a GET of a discovery endpoint.

    Args:
        endpoint: the endpoint in its own spelling.
        item: the id behind it, if one is given.
        filtered: whether the request carries a filter, which is forbidden (RFC 7644 §4).
        registry: the resource types and schemas.
        policy: what is supported.
        base: the base URL.
    """
    if filtered:
        raise ScimError(403, None, f"{endpoint} cannot be filtered")
    if endpoint == "/ServiceProviderConfig":
        if item is not None:
            raise not_found(f"there is nothing below {endpoint}")
        return service_provider_config(policy, registry, base)
    found = resource_types(registry, base) if endpoint == "/ResourceTypes" else schemas(registry, base)
    if item is None:
        return {
            "schemas": [urns.LIST_RESPONSE],
            "totalResults": len(found),
            "startIndex": 1,
            "itemsPerPage": len(found),
            "Resources": found,
        }
    for document in found:
        if document["id"].lower() == item.lower():
            return document
    raise not_found(f"{endpoint} has no {item[:200]}")
