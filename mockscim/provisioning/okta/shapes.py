"""The requests of Okta's SCIM client, as its documentation prints them.

    look-up    filter, then startIndex=1&count=100, everything in the value escaped
    create     externalId, empty groups, a placeholder as password
    update     the resource as it was read, with what changed
    PATCH      op in lower case, no path, an object as value; a group's members by path

Keys are in the order of the samples. Source: okta-developer-docs reference/scim/scim-20.
"""

from __future__ import annotations

import random
import string
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import orjson

from mockscim.provisioning.wire import Request
from mockscim.scim import urns

Document = dict[str, Any]

HEADERS = {
    "Accept": "application/scim+json",
    "Accept-Charset": "utf-8",
    "User-Agent": "Okta SCIM Client 1.0.0",
}
"""What every request bears, beside Authorization."""

CONTENT_TYPE = "application/scim+json; charset=utf-8"
"""What a request with a body bears besides."""

TIMEOUT = 60.0
"""Seconds without an answer after which Okta closes the socket (concepts/scim/faqs)."""

PAGE = 100
"""Most resources of a page, and the step from one to the next."""

_LETTERS = string.ascii_lowercase + string.digits
_MASK = "********"


def page(endpoint: str, start: int, count: int = PAGE, purpose: str = "") -> Request:
    """A page of a list."""
    return Request("GET", f"{endpoint}?startIndex={start}&count={count}", None, purpose)


def lookup(endpoint: str, attribute: str, value: str) -> Request:
    """Whether there is one with that value."""
    condition = f"{attribute} eq {orjson.dumps(value).decode()}"
    query = f"filter={quote(condition, safe='')}&startIndex=1&count={PAGE}"
    return Request("GET", f"{endpoint}?{query}", None, f"look up {value}")


def get(endpoint: str, target: str, name: str) -> Request:
    """One resource."""
    return Request("GET", _path(endpoint, target), None, f"read {name}")


def delete_group(target: str, name: str) -> Request:
    """Delete a group; users are never deleted."""
    return Request("DELETE", _path("/Groups", target), None, f"delete {name}")


def create_user(document: Document, password: str, name: str, external_id: str | None) -> Request:
    """A new user: the profile, and what Okta adds to it."""
    external = {"externalId": external_id} if external_id is not None else {}
    rest = {"groups": [], "password": password, "active": True}
    return Request("POST", "/Users", {**document, **external, **rest}, f"create {name}")


def replace_user(target: str, document: Document, name: str) -> Request:
    """A user, whole."""
    return Request("PUT", _path("/Users", target), document, f"update {name}")


def patch_user(target: str, value: Document, purpose: str) -> Request:
    """Activation, deactivation or a password: an object without a path."""
    return Request("PATCH", _path("/Users", target), _patch({"op": "replace", "value": value}), purpose)


def create_group(name: str) -> Request:
    """A group without members: those come afterwards."""
    return Request(
        "POST", "/Groups", {"schemas": [urns.GROUP], "displayName": name, "members": []}, f"create group {name}"
    )


def rename_group(target: str, name: str) -> Request:
    """A group's name; sent again before every change of members, with the id."""
    operation = {"op": "replace", "value": {"id": target, "displayName": name}}
    return Request("PATCH", _path("/Groups", target), _patch(operation), f"name of group {name}")


def change_members(target: str, name: str, removed: Sequence[str], added: Mapping[str, str]) -> Request:
    """Who leaves a group and who joins it, in one request.

    Args:
        target: the group's id.
        name: the group's name, for people.
        removed: ids of those who leave; an operation each.
        added: ids of those who join, with their user names; one operation for all.
    """
    operations: list[Document] = [
        {"op": "remove", "path": f"members[value eq {orjson.dumps(each).decode()}]"} for each in removed
    ]
    if added:
        operations.append({"op": "add", "path": "members", "value": _members(added)})
    return Request("PATCH", _path("/Groups", target), _patch(*operations), f"members of group {name}")


def replace_members(target: str, name: str, members: Mapping[str, str]) -> Request:
    """A full push: all members."""
    operation = {"op": "replace", "path": "members", "value": _members(members)}
    return Request("PATCH", _path("/Groups", target), _patch(operation), f"all members of group {name}")


def replace_group(target: str, name: str, members: Mapping[str, str]) -> Request:
    """A group, whole, as an application of the wizard sends it."""
    document = {"schemas": [urns.GROUP], "displayName": name, "members": _members(members)}
    return Request("PUT", _path("/Groups", target), document, f"update group {name}")


def placeholder(draw: random.Random) -> str:
    """A password for one who signs in otherwise: eight letters and digits."""
    return "".join(draw.choice(_LETTERS) for _ in range(8))


def masked(body: object) -> object:
    """A body without passwords: for whoever shows or keeps requests."""
    if isinstance(body, dict):
        return {key: _MASK if key.lower() == "password" else masked(value) for key, value in body.items()}
    if isinstance(body, list):
        return [masked(value) for value in body]
    return body


def _path(endpoint: str, target: str) -> str:
    return f"{endpoint}/{quote(target, safe='')}"


def _patch(*operations: Document) -> Document:
    return {"schemas": [urns.PATCH_OP], "Operations": list(operations)}


def _members(members: Mapping[str, str]) -> list[Document]:
    return [{"value": target, "display": name} for target, name in members.items()]
