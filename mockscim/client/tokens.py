"""Tokens that a test mints and revokes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from mockscim.client.line import ControlRefused, Line, NotThereError


@dataclass(frozen=True, slots=True)
class Token:
    """A minted token.

    Attributes:
        name: how it is listed and revoked.
        token: its text; masked but for the one that ``mint`` returns.
        created: when.
        expires: when it ends on the tenant's clock, or None.
        scopes: ``read``, ``write`` or both.
        user: whose it is for /Me, or None.
        client: the OAuth client that it was issued to, or None.
    """

    name: str
    token: str
    created: str
    expires: str | None
    scopes: tuple[str, ...]
    user: str | None
    client: str | None

    def __str__(self) -> str:
        return self.token

    def __repr__(self) -> str:
        return f"<Token {self.name} {' '.join(self.scopes)}{f' until {self.expires}' if self.expires else ''}>"


class Tokens:
    """The minted tokens; the start token, ``scim.token``, is not among them."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def __iter__(self) -> Iterator[Token]:
        return iter([_read(document) for document in self._line.ask("GET", "/tokens")["items"]])

    def __len__(self) -> int:
        return len(self._line.ask("GET", "/tokens")["items"])

    def mint(
        self,
        token: str | None = None,
        *,
        scopes: list[str] | tuple[str, ...] | None = None,
        user: str | None = None,
        expires_in: str | float | None = None,
    ) -> Token:
        """Make a token.

        Args:
            token: its text; a random one without.
            scopes: ``read``, ``write``; all without.
            user: the id or userName that /Me stands for.
            expires_in: how long it is good, on the tenant's clock: a duration; for ever without.

        Raises:
            ControlRefused: it cannot be made.
        """
        given: dict[str, Any] = {"token": token, "scopes": scopes, "user": user, "expires_in": expires_in}
        sent = {key: value for key, value in given.items() if value is not None}
        return _read(self._line.ask("POST", "/tokens", sent))

    def revoke(self, token: Token | str) -> None:
        """Revoke a token.

        Args:
            token: it, its name or its text.

        Raises:
            KeyError: there is no such token.
        """
        name = token.name if isinstance(token, Token) else token
        try:
            if name in [each.name for each in self]:
                self._line.ask("DELETE", f"/tokens/{quote(name, safe='')}")
            else:
                self._line.ask("DELETE", "/tokens", {"token": name})
        except ControlRefused as refused:
            if refused.status != 404:
                raise
            raise NotThereError("there is no such token; the start token cannot be revoked") from None

    def revoke_all(self) -> None:
        """Revoke all that were minted."""
        self._line.ask("DELETE", "/tokens", {})

    def __repr__(self) -> str:
        return f"<Tokens {', '.join(token.name for token in self) or 'none'}>"


def _read(document: dict[str, Any]) -> Token:
    return Token(**{**document, "scopes": tuple(document["scopes"])})
