"""What the provider publishes about itself (RFC 7644 §4): it says what the server does, and nothing else."""

from __future__ import annotations

from typing import Any

import orjson

from mockscim.scim import interop, urns
from mockscim.scim.errors import ScimError, not_found
from mockscim.scim.etag import of_content
from mockscim.scim.policy import Policy
from mockscim.scim.schema import Attribute, Registry, Schema, definition

ENDPOINTS = {
    "/serviceproviderconfig": "/ServiceProviderConfig",
    "/resourcetypes": "/ResourceTypes",
    "/schemas": "/Schemas",
}

# How clients may authenticate (RFC 7643 §5).
_SCHEMES = {
    "oauthbearertoken": {
        "name": "Bearer token",
        "description": "The token in the Authorization header",
        "specUri": "https://www.rfc-editor.org/info/rfc6750",
    },
    "oauth2": {
        "name": "OAuth 2.0 client credentials",
        "description": "A Bearer token from oauth/token, which stands beside scim/v2, for a client's id and secret",
        "specUri": "https://www.rfc-editor.org/info/rfc6749",
    },
    "httpbasic": {
        "name": "HTTP Basic",
        "description": "A name and a password in the Authorization header",
        "specUri": "https://www.rfc-editor.org/info/rfc7617",
    },
}


def _said(name: str, kind: str, description: str, **more: Any) -> Attribute:  # noqa: ANN401 - of Attribute
    return Attribute(name, kind, mutability="readOnly", description=description, **more)


# RFC 9865 §4.
PAGINATION = _said(
    "pagination",
    "complex",
    "How lists are paged",
    sub_attributes=[
        _said("cursor", "boolean", "Whether by cursor", required=True),
        _said("index", "boolean", "Whether by startIndex", required=True),
        _said(
            "defaultPaginationMethod",
            "string",
            "What holds where a query does not say",
            canonical_values=["cursor", "index"],
        ),
        _said("defaultPageSize", "integer", "How many resources a page has where a query does not say"),
        _said("maxPageSize", "integer", "How many resources a page has at most"),
        _said("cursorTimeout", "integer", "For how many seconds a cursor can be used"),
    ],
)


def service_provider_config(policy: Policy, registry: Registry, base: str) -> dict[str, Any]:
    """The ServiceProviderConfig resource (RFC 7643 §5)."""
    user = registry.types.get("User")
    claim: dict[str, Any] = {interop.CONFORMANT.name: interop.conforms(policy, registry)} if policy.interop else {}
    if "cursor" in policy.pagination:
        claim[PAGINATION.name] = _pagination(policy)
    return {
        "schemas": [urns.SERVICE_PROVIDER_CONFIG],
        "patch": {"supported": True},
        "bulk": {
            "supported": policy.bulk,
            "maxOperations": policy.max_operations if policy.bulk else 0,
            "maxPayloadSize": (policy.max_payload or 2**31 - 1) if policy.bulk else 0,
        },
        "filter": {"supported": True, "maxResults": policy.max_results or 2**31 - 1},
        "changePassword": {"supported": user is not None and "password" in user.attributes},
        "sort": {"supported": policy.sort},
        "etag": {"supported": policy.etag},
        "authenticationSchemes": [
            {"type": name, **_SCHEMES[name], "primary": index == 0} for index, name in enumerate(policy.authentication)
        ],
        **claim,
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": f"{base}/ServiceProviderConfig",
        },
    }


def _pagination(policy: Policy) -> dict[str, Any]:
    """How lists are paged, as RFC 9865 §4 has a provider say that knows cursors."""
    sizes = {"defaultPageSize": policy.page_size or policy.max_results, "maxPageSize": policy.max_results}
    return {
        "cursor": True,
        "index": "index" in policy.pagination,
        "defaultPaginationMethod": policy.pagination.partition(",")[0],
        **{name: size for name, size in sizes.items() if size is not None},
        "cursorTimeout": policy.cursor_timeout,
    }


def _versioned(document: dict[str, Any], policy: Policy) -> dict[str, Any]:
    """A document with its version, where there are versions (RFC 7644 §3.14)."""
    if policy.etag:
        document["meta"]["version"] = of_content(orjson.dumps(document))
    return document


def resource_types(registry: Registry, base: str) -> list[dict[str, Any]]:
    """All resource types (RFC 7643 §6)."""
    return [
        {
            **kind.document(),
            "meta": {"resourceType": "ResourceType", "location": f"{base}/ResourceTypes/{kind.name}"},
        }
        for kind in registry.types.values()
    ]


def schemas(registry: Registry, policy: Policy, base: str) -> list[dict[str, Any]]:
    """All schemas in use (RFC 7643 §7): those of the resource types, and the discovery documents' own."""
    own = definition(urns.SERVICE_PROVIDER_CONFIG)
    more = [interop.CONFORMANT] if policy.interop else []
    more += [PAGINATION] if "cursor" in policy.pagination else []
    if more:
        own = Schema(own.id, own.name, own.description, [*own.attributes.values(), *more])
    known = [*registry.schemas.values(), own, definition(urns.RESOURCE_TYPE), definition(urns.SCHEMA)]
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
        return _versioned(service_provider_config(policy, registry, base), policy)
    found = resource_types(registry, base) if endpoint == "/ResourceTypes" else schemas(registry, policy, base)
    if item is None:
        return {
            "schemas": [urns.LIST_RESPONSE],
            "totalResults": len(found),
            "startIndex": 1,
            "itemsPerPage": len(found),
            "Resources": [_versioned(document, policy) for document in found],
        }
    for document in found:
        if document["id"].lower() == item.lower():
            return _versioned(document, policy)
    raise not_found(f"{endpoint} has no {item[:200]}")
