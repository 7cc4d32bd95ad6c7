"""The description of one tenant in OpenAPI 3.1: SCIM as this provider speaks it, and the control API.

It is made from what the server itself goes by: the tenant's resource types and policy, the service's own routing, and
the control API's table. So it cannot say of either what is not so; and what it promises is what the RFCs have. The
leniencies accept more than it says, and faults answer as they please.
"""

from __future__ import annotations

from typing import Any

from mockscim.server.address import SCIM
from mockscim.server.openapi import controls, protocol
from mockscim.server.openapi.parts import Parts
from mockscim.tenant import Tenant
from mockscim.version import __version__

_ABOUT = (
    "A SCIM 2.0 service provider to test clients against (RFC 7643, RFC 7644), and the control API that commands it."
    " An operationId under SCIM is the name by which fault rules and the journal know the operation."
    " Fault rules in force may give answers that are not described here."
)


def describe(tenant: Tenant, base: str, *, auth: bool, admin: bool) -> dict[str, Any]:
    """The OpenAPI document of a tenant.

    Args:
        tenant: whose resource types, policy and profile it tells of.
        base: the SCIM base URL as the caller reaches it; the document's server is what stands before ``/scim/v2``.
        auth: whether SCIM requests need a token.
        admin: whether control requests need the admin token.
    """
    parts = Parts()
    paths = protocol.paths(tenant, base, parts, auth=auth) | controls.paths(parts, admin=admin)
    components = {"schemas": dict(sorted(parts.schemas.items()))}
    if parts.security:
        components["securitySchemes"] = parts.security
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mockscim",
            "version": __version__,
            "summary": "A SCIM 2.0 mock server",
            "description": _ABOUT,
        },
        "servers": [{"url": base.removesuffix(SCIM) or "/"}],
        "tags": [
            {"name": "SCIM", "description": f"The protocol, as the profile {tenant.start.profile.name} has it"},
            {"name": "control", "description": "Data, faults, journal, clock and tokens of this tenant"},
        ],
        "paths": paths,
        "components": components,
    }
