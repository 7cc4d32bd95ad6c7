"""The token endpoint (RFC 6749 §4.4), where clients may ask for tokens."""

from __future__ import annotations

from mockscim.server.address import TOKEN
from mockscim.server.openapi.parts import Document, Parts, answer, content

SCOPES = {"read": "Read resources", "write": "Change resources"}
_FORM = "application/x-www-form-urlencoded"
_CODES = ["invalid_request", "invalid_client", "unsupported_grant_type", "invalid_scope"]


def paths(parts: Parts) -> Document:
    """The token endpoint; what it refers to goes into ``parts``."""
    asked: Document = {
        "type": "object",
        "properties": {
            "grant_type": {"const": "client_credentials"},
            "scope": {"type": "string", "examples": ["read write"]},
            "client_id": {"type": "string"},
            "client_secret": {"type": "string", "format": "password"},
        },
        "required": ["grant_type"],
    }
    issued: Document = {
        "type": "object",
        "properties": {
            "access_token": {"type": "string"},
            "token_type": {"const": "Bearer"},
            "expires_in": {"type": "number"},
            "scope": {"type": "string"},
        },
        "required": ["access_token", "token_type"],
    }
    refused: Document = {
        "type": "object",
        "properties": {"error": {"enum": _CODES}, "error_description": {"type": "string"}},
        "required": ["error"],
    }
    error = content(parts.name("oauth.Error", refused), ["application/json"])
    operation: Document = {
        "operationId": "token.create",
        "tags": ["SCIM"],
        "summary": "An access token for a client's id and secret",
        "description": "The client says who it is in the form, or by HTTP Basic (RFC 6749 §2.3.1)",
        "security": [],
        "requestBody": {"required": True, "content": content(parts.name("oauth.Request", asked), [_FORM])},
        "responses": {
            "200": answer("A token", content(parts.name("oauth.Token", issued), ["application/json"])),
            "400": answer("The request is malformed, or asks for what the client cannot have", error),
            "401": answer("The client is not known", error, {"WWW-Authenticate": "How to authenticate"}),
            "413": answer("The body is too large", error),
        },
    }
    return {TOKEN: {"post": operation}}
