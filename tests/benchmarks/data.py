"""The invented users and groups that all servers of the benchmark are asked about."""

from __future__ import annotations

from typing import Any

from mockscim.scim import urns

TOKEN = "benchmark-token"


def user_id(number: int) -> str:
    """The id of a user; a UUID in form, so that it is as long as ids are."""
    return f"{number:08x}-0000-4000-8000-{number:012x}"


def group_id(number: int) -> str:
    """The id of a group."""
    return f"{number:08x}-0000-4000-9000-{number:012x}"


def user(number: int) -> dict[str, Any]:
    """What a client sends for a user: about 590 bytes once an answer has added id and meta."""
    return {
        "schemas": [urns.USER],
        "externalId": f"hr-{number:08d}",
        "userName": f"ann.ashdown{number}@example.com",
        "displayName": f"Ann Ashdown {number}",
        "name": {"givenName": "Ann", "familyName": f"Ashdown {number}"},
        "active": True,
        "title": "Site Reliability Engineer",
        "emails": [{"value": f"ann.ashdown{number}@example.com", "type": "work", "primary": True}],
    }


def group(number: int, members: range) -> dict[str, Any]:
    """A group whose members are the users of those numbers."""
    return {
        "schemas": [urns.GROUP],
        "displayName": f"Group {number}",
        "members": [{"value": user_id(member)} for member in members],
    }
