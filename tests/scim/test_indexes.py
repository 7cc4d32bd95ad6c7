"""Look-ups stay true whatever a PATCH changes, and however it names what it changes."""

from __future__ import annotations

from typing import Any

import pytest
from provider import ENTERPRISE, Provider

from mockscim.scim import urns

KEYS = ("username", "externalid", "title", "displayname", "emails.value", "emails.type", "name.familyname")
MAILS = [{"value": "ann@example.com", "type": "work"}, {"value": "ann@home.example", "type": "home"}]

PATCHES: list[list[dict[str, Any]]] = [
    [{"op": "replace", "path": "title", "value": "Captain"}],
    [{"op": "replace", "path": "TITLE", "value": "Captain"}],
    [{"op": "replace", "path": f"{urns.USER}:title", "value": "Captain"}],
    [{"op": "replace", "path": urns.USER, "value": {"title": "Captain"}}],
    [{"op": "add", "value": {"title": "Captain", "userName": "beth"}}],
    [{"op": "remove", "path": "title"}],
    [{"op": "replace", "path": "userName", "value": "beth"}],
    [{"op": "replace", "path": "username", "value": "ANN"}],
    [{"op": "replace", "path": "name.familyName", "value": "Birch"}],
    [{"op": "replace", "value": {"name.familyName": "Birch"}}],
    [{"op": "replace", "path": "name", "value": {"givenName": "Beth"}}],
    [{"op": "replace", "path": 'emails[type eq "work"].value', "value": "beth@example.com"}],
    [{"op": "replace", "path": "emails.type", "value": "other"}],
    [{"op": "remove", "path": 'emails[type eq "home"]'}],
    [{"op": "add", "path": "emails", "value": [{"value": "third@example.com"}]}],
    [{"op": "replace", "value": [{"displayName": "Beth"}]}],
    [{"op": "replace", "path": f"{ENTERPRISE}:department", "value": "D"}, {"op": "remove", "path": "externalId"}],
    [{"op": "replace", "path": "displayName", "value": "B"}, {"op": "replace", "path": "displayName", "value": "Ann"}],
]


@pytest.mark.parametrize("operations", PATCHES)
def test_each_index_finds_what_a_patch_has_left(operations: list[dict[str, Any]]) -> None:
    """Indexes made before a PATCH hold the same as indexes made after it."""
    provider = Provider()
    user = provider.user(
        "ann",
        externalId="7",
        title="Engineer",
        displayName="Ann",
        name={"familyName": "Ash", "givenName": "Ann"},
        emails=MAILS,
    )
    provider.user("zoe", title="Captain", emails=[{"value": "zoe@example.com", "type": "work"}])
    table = provider.store.tables["User"]
    for key in KEYS:
        table.lookup(key, "")
    assert provider.patch(f"/Users/{user}", *operations).status == 200
    fresh = Provider().store.tables["User"]
    for record in table:
        fresh.put(None, record)
    words = {"", "7", "ann", "beth", "engineer", "captain", "ash", "birch", "b", "work", "home", "other", "zoe"}
    words |= {"ann@example.com", "ann@home.example", "beth@example.com", "third@example.com", "zoe@example.com"}
    for key in KEYS:
        found = {word: table.lookup(key, word) for word in words}
        assert found == {word: fresh.lookup(key, word) for word in words}, key


@pytest.mark.parametrize("path", ["userName", "USERNAME", f"{urns.USER}:userName", urns.USER, None])
def test_a_patch_cannot_take_another_one_s_name(path: str | None) -> None:
    """409 uniqueness, whichever way userName is named; a PATCH of something else is not held up by names."""
    provider = Provider()
    provider.user("ann")
    user = provider.user("zoe")
    value = "ANN" if path is not None and path != urns.USER else {"userName": "ANN"}
    operation = {"op": "replace", "value": value, **({"path": path} if path is not None else {})}
    assert provider.patch(f"/Users/{user}", operation).error == (409, "uniqueness")
    assert provider.patch(f"/Users/{user}", {"op": "replace", "path": "title", "value": "ann"}).status == 200
