"""The token endpoint: an access token for a client's id and secret (RFC 6749 §4.4).

    POST /oauth/token                                                   beside /scim/v2, for each tenant its own
    grant_type=client_credentials&scope=read                            a form; no scope: all that the client has
    Authorization: Basic ID:SECRET  or  client_id=ID&client_secret=SECRET

A token is good for as long as the tenant's clock says. There are no refresh tokens (§4.4.3): a client asks again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple
from urllib.parse import parse_qsl, unquote_plus, urlencode

import orjson

from mockscim.masking import MASK
from mockscim.scim.errors import ScimError
from mockscim.server.auth import BASIC, decode_basic
from mockscim.server.wire import Answer
from mockscim.tenant import Tenant
from mockscim.tokens import EVERYTHING, Scope, TokenDocument, digest, in_order

_VISIBLE = re.compile(r"[\x20-\x7e]+")  # RFC 6749 appendix A
_FORM = "application/x-www-form-urlencoded"
_MOST_PARAMETERS = 100
# What of a request may be read in the journal.
_HARMLESS = frozenset({"grant_type", "scope", "client_id"})
# RFC 6749 §5.1, §5.2.
_HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache"}

Code = Literal["invalid_request", "invalid_client", "unsupported_grant_type", "invalid_scope"]


class Client(NamedTuple):
    """An OAuth client: its id, its secret, and what its tokens may do at most."""

    id: str
    secret: str
    scopes: frozenset[Scope] = EVERYTHING


def parse_client(text: str) -> Client:
    """A client from ``ID:SECRET`` or ``ID:SECRET:read,write``.

    Raises:
        ValueError: it is none; the text does not tell what was given, which may be a secret.
    """
    id_, _, rest = text.partition(":")
    secret, colon, listed = rest.partition(":")
    scopes = _known(listed.split(",")) if colon else EVERYTHING
    if not id_ or not secret or scopes is None or not _VISIBLE.fullmatch(text):
        raise ValueError("ID:SECRET was expected, or ID:SECRET:read or ID:SECRET:read,write; a secret has no colon")
    return Client(id_, secret, scopes)


class OAuthError(Exception):
    """A token request that is refused (RFC 6749 §5.2)."""

    def __init__(self, code: Code, description: str, status: int = 400, **headers: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.status = status
        self.headers = headers

    def answer(self) -> Answer:
        """It as it is answered."""
        body = orjson.dumps({"error": self.code, "error_description": self.description})
        keep_alive = self.headers.get("Connection") != "close"
        headers = {name: value for name, value in self.headers.items() if name != "Connection"}
        return Answer(self.status, {**_HEADERS, **headers}, body, keep_alive=keep_alive)


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What became of reading a token request: a client that wants a token, or why there will be none.

    Attributes:
        client: who asks; None where that is not known.
        scopes: what the token is to be good for.
        error: why there will be none.
        shown: the body as the journal may have it.
    """

    client: Client | None
    scopes: frozenset[Scope]
    error: OAuthError | None
    shown: bytes


class TokenEndpoint:
    """Issues tokens to the clients that are known.

    Args:
        clients: those.
        lifetime: how long a token is good, in seconds.
    """

    def __init__(self, clients: Iterable[Client], lifetime: float) -> None:
        # By a digest of both, so that how long a look-up takes says nothing about how much was right.
        self._clients = {_key(client.id, client.secret): client for client in clients}
        self._lifetime = lifetime

    def __bool__(self) -> bool:
        """Whether there is such an endpoint."""
        return bool(self._clients)

    def read(self, method: str, content_type: str, authorization: Sequence[str], body: bytes) -> TokenRequest:
        """Read a request: authenticate its client, and tell what it wants.

        Args:
            method: of HTTP.
            content_type: the header, empty where there is none.
            authorization: all Authorization headers.
            body: the form.
        """
        shown, client = body, None
        try:
            pairs = _read_form(method, content_type, body)
            shown = urlencode([(name, v if name in _HARMLESS else MASK) for name, v in pairs], safe="*").encode()
            form = _parameters(pairs)
            client = self._authenticate(form, authorization)
            return TokenRequest(client, _scopes(form, client), None, shown)
        except OAuthError as error:
            return TokenRequest(client, frozenset(), error, shown)

    def answer(self, asked: TokenRequest, tenant: Tenant) -> Answer:
        """Issue the token that a request asks for, or say why not."""
        if asked.error is not None or asked.client is None:
            return (asked.error or _unknown()).answer()
        lifetime = self._lifetime
        wanted = TokenDocument(scopes=in_order(asked.scopes), expires_in=lifetime)
        _, text = tenant.tokens.mint(tenant.clock.now(), wanted, asked.client.id)
        document = {
            "access_token": text,
            "token_type": "Bearer",
            "expires_in": int(lifetime) if lifetime >= 1 else lifetime,
            "scope": " ".join(in_order(asked.scopes)),
        }
        return Answer(200, _HEADERS, orjson.dumps(document))

    def _authenticate(self, form: dict[str, str], authorization: Sequence[str]) -> Client:
        """The client that a request is by (RFC 6749 §2.3.1)."""
        if len(authorization) > 1 or (authorization and "client_secret" in form):
            raise OAuthError("invalid_request", "the client authenticates more than once")
        if not authorization:
            tries = [(form.get("client_id", ""), form.get("client_secret", ""))]
        else:
            scheme, _, sent = authorization[0].partition(" ")
            login = decode_basic(sent.strip()) if scheme.lower() == "basic" else None
            id_, _, secret = (login or "").partition(":")
            # Both are form-encoded there by rights, and few clients do so.
            tries = [(id_, secret), (unquote_plus(id_), unquote_plus(secret))]
        for id_, secret in tries:
            client = self._clients.get(_key(id_, secret))
            if client is not None:
                if form.get("client_id", client.id) != client.id:
                    raise OAuthError("invalid_request", "client_id is not that of the client that authenticates")
                return client
        raise _unknown()


def unread(error: ScimError) -> TokenRequest:
    """A request whose body could not be read, as that is said here."""
    refusal = OAuthError("invalid_request", error.detail, error.status, **error.headers)
    return TokenRequest(None, frozenset(), refusal, b"")


def _unknown() -> OAuthError:
    detail = "the client is not known, or its secret is wrong"
    return OAuthError("invalid_client", detail, 401, **{"WWW-Authenticate": BASIC})


def _read_form(method: str, content_type: str, body: bytes) -> list[tuple[str, str]]:
    if method != "POST":
        raise OAuthError("invalid_request", "a token request is a POST", 405, Allow="POST")
    if content_type.partition(";")[0].strip().lower() != _FORM:
        raise OAuthError("invalid_request", f"the Content-Type is {_FORM}")
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        raise OAuthError("invalid_request", "the body is not a form in UTF-8") from None


def _parameters(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The parameters of a form; one without a value is not there, and none is twice (RFC 6749 §3.2)."""
    form: dict[str, str] = {}
    for name, value in pairs:
        if value and name in form:
            raise OAuthError("invalid_request", "a parameter is sent more than once")
        if value:
            form[name] = value
    return form


def _scopes(form: dict[str, str], client: Client) -> frozenset[Scope]:
    kind = form.get("grant_type")
    if kind is None:
        raise OAuthError("invalid_request", "grant_type is missing")
    if kind != "client_credentials":
        raise OAuthError("unsupported_grant_type", "grant_type is client_credentials")
    wanted = form.get("scope")
    scopes = client.scopes if wanted is None else _known(wanted.split())
    if scopes is None or not scopes <= client.scopes:
        raise OAuthError("invalid_scope", f"the scope of this client is {' '.join(in_order(client.scopes))}")
    return scopes


def _known(names: Sequence[str]) -> frozenset[Scope] | None:
    """Scopes by their names; None where there is none, or one that is no scope."""
    return frozenset(s for s in EVERYTHING if s in names) if names and EVERYTHING.issuperset(names) else None


def _key(id_: str, secret: str) -> bytes:
    return digest(f"{id_}\0{secret}")
