"""The store: versions, look-ups, snapshots, history."""

from __future__ import annotations

import json
from typing import Any

import devices
import pytest
from provider import BASE, ENTERPRISE, Provider

from mockscim.scim import urns


def test_an_old_version_stays_as_it_was() -> None:
    """A record that was read does not change when its resource does: attributes, members, dates."""
    provider = Provider()
    one, two = provider.user("one"), provider.user("two")
    group = provider.group("g", one)
    old = provider.store.find(group)
    assert old is not None
    before = provider.store.document(old, BASE)
    provider.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": two}]})
    provider.patch(f"/Groups/{group}", {"op": "replace", "path": "displayName", "value": "h"})
    provider.ask("DELETE", f"/Users/{two}")
    assert provider.store.document(old, BASE) == before
    assert old.members is not None
    assert [member.value for member in old.members] == [one]
    provider.ask("DELETE", f"/Groups/{group}")
    assert provider.store.document(old, BASE) == before


def test_a_request_that_fails_leaves_secrets_as_they_were() -> None:
    """An extension with a secret is changed by a PATCH that succeeds, and by no other: nor is an old version."""
    provider = Provider(registry=devices.registry())
    rack = {"slot": 1, "hostName": "a", "secret": "s"}
    schemas = [devices.DEVICE, devices.RACK]
    made = provider.ask("POST", "/Devices", {"schemas": schemas, "serialNumber": "S", devices.RACK: rack})
    path, old = f"/Devices/{made['id']}", provider.store.find(made["id"])
    assert old is not None
    before = provider.state()
    change = {"op": "replace", "path": f"{devices.RACK}:hostName", "value": "b"}
    assert provider.patch(path, change, {"op": "replace", "path": "nonsense", "value": 1}).status == 400
    assert provider.state() == before
    assert old.attributes()[devices.RACK] == rack
    changed = provider.patch(path, change)
    assert changed[devices.RACK] == {"slot": 1, "hostName": "b"}
    assert changed["meta"]["version"] != made["meta"]["version"]
    assert old.attributes()[devices.RACK] == rack


def test_every_version_in_the_changes_stays_readable() -> None:
    """Each change keeps what was and what is, however many follow."""
    provider = Provider()
    users = [provider.user(f"u{n}") for n in range(5)]
    group = provider.group("g")
    changes = []
    for user in users:
        answer = provider.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": user}]})
        assert answer.reply is not None
        changes += answer.reply.changes
    for n, change in enumerate(changes):
        assert change.before is not None
        assert change.after is not None
        assert [member.value for member in change.before.members or ()] == users[:n]
        assert [member.value for member in change.after.members or ()] == users[: n + 1]


def test_rendered_bytes_and_document_agree() -> None:
    """What is sent and what is filtered are the same resource."""
    provider = Provider()
    boss = provider.user('b"o\\ss\u2028é', displayName='D "x" \\ \x01')
    user = provider.user("x", schemas=[urns.USER, ENTERPRISE], **{ENTERPRISE: {"manager": {"value": boss}}})
    group = provider.group("g", user, boss)
    provider.group("outer", group)
    for id_ in (boss, user, group):
        record = provider.store.find(id_)
        assert record is not None
        rendered = json.loads(provider.store.render(record, BASE))
        assert rendered == provider.store.document(record, BASE)
        assert rendered == provider.get(rendered["meta"]["location"].removeprefix(BASE)).document


def test_references_follow_the_base_that_was_called() -> None:
    """location, $ref of members, groups and manager: of each request's own base URL (nothing stored has one)."""
    provider = Provider()
    boss = provider.user("boss")
    user = provider.user("x", schemas=[urns.USER, ENTERPRISE], **{ENTERPRISE: {"manager": {"value": boss}}})
    provider.group("g", user)
    for base in ("http://a:1", "https://b.example/scim"):
        for path in ("/Users", "/Groups"):
            call = provider.service.route("GET", path, base)
            provider.service.read(call, (), b"")
            reply = provider.service.perform(call, "now")
            text = (reply.body or b"").decode()
            assert BASE not in text
            assert text.count(base + "/") == (4 if path == "/Users" else 2)


def test_nothing_a_client_sends_is_taken_for_a_base() -> None:
    """A text that looks like the mark of the base URL comes back as it was."""
    provider = Provider()
    for text in ("\x01", '"$ref":"\x01', '\\"$ref":"\\u0001', "\\u0001/Users"):
        answer = provider.ask("POST", "/Users", {"userName": f"u{text}", "title": text, "emails": [{"value": text}]})
        assert (answer.status, answer["title"], answer["emails"][0]["value"]) == (201, text, text)
        assert provider.get(f"/Users/{answer['id']}").document == answer.document


def test_an_extension_s_name_in_a_text_is_not_the_extension() -> None:
    """Schemas lists an extension because it is there, not because its URN stands in a value."""
    provider = Provider()
    text = f'"{ENTERPRISE}":{{'
    assert provider.get("/Users/" + provider.user("x", title=text))["schemas"] == [urns.USER]


# -- snapshots --------------------------------------------------------------------------------------------------------


def _change_everything(provider: Provider) -> None:
    provider.patch("/Users/id-1", {"op": "replace", "path": "userName", "value": "free"})
    provider.ask("PUT", "/Users/id-2", {"userName": "one"})
    provider.ask("PUT", "/Users/id-1", {"userName": "two", "title": "T"})
    provider.patch("/Groups/id-3", {"op": "add", "path": "members", "value": [{"value": "id-2"}]})
    provider.ask("DELETE", "/Users/id-2")
    provider.ask("DELETE", "/Groups/id-4")
    provider.group("new", provider.user("new"))


def _small() -> Provider:
    provider = Provider()
    one, two = provider.user("one", externalId="E"), provider.user("two", password="p")
    provider.group("outer", provider.group("inner", one), two)
    return provider


def _but_versions(state: Any) -> Any:
    text = json.dumps({key: value for key, value in state.items() if key != "commits"}, sort_keys=True)
    found = json.loads(text)
    for resources in found["resources"].values():
        for document, _, _ in resources:
            del document["meta"]["version"]
    return found


@pytest.mark.parametrize("times", [1, 2])
def test_a_restore_brings_everything_back(times: int) -> None:
    """Resources, order, secrets, memberships, unique values and look-ups are those of the snapshot, again and again."""
    provider = _small()
    look_ups = ('externalId eq "E"', 'userName eq "two"', 'members.value eq "id-1"')
    provider.get("/Users", filter=look_ups[0])  # makes the index before the snapshot
    before = provider.state()
    provider.store.snapshot("s")
    for _ in range(times):
        _change_everything(provider)
        assert provider.state() != before
        provider.store.restore("s")
        assert _but_versions(provider.state()) == _but_versions(before)
        assert provider.get("/Users", filter=look_ups[0]).ids == ["id-1"]
        assert provider.get("/Users", filter=look_ups[1]).ids == ["id-2"]
        assert provider.get("/Groups", filter=look_ups[2]).ids == ["id-3"]
        assert provider.ask("POST", "/Users", {"userName": "ONE"}).error == (409, "uniqueness")


def test_a_restored_resource_has_a_version_never_used() -> None:
    """What a client cached under an older version is not taken for what returned; what did not change keeps its own."""
    provider = _small()
    provider.store.snapshot("s")
    versions = {provider.get(path)["meta"]["version"] for path in ("/Users/id-1", "/Groups/id-4")}
    _change_everything(provider)
    kept = provider.user("kept")
    used = provider.store.commits
    provider.store.restore("s")
    assert provider.get(f"/Users/{kept}").status == 404
    for path in ("/Users/id-1", "/Users/id-2", "/Groups/id-4"):
        version = provider.get(path)["meta"]["version"]
        assert version not in versions
        assert int(version[3:-1].partition("-")[0]) > used


def test_a_restore_without_renewal_is_as_if_nothing_had_happened() -> None:
    """The old versions return too."""
    provider = _small()
    before = provider.state()
    provider.store.snapshot("s")
    _change_everything(provider)
    provider.store.restore("s", renew=False)
    after = provider.state()
    del before["commits"], after["commits"]
    assert after == before


def test_snapshots_do_not_disturb_each_other() -> None:
    """Two snapshots, restored in any order, each bring back their own state."""
    provider = _small()
    states = {}
    for name in ("a", "b"):
        states[name] = _but_versions(provider.state())
        provider.store.snapshot(name)
        provider.user(f"after-{name}")
        provider.patch("/Users/id-1", {"op": "replace", "path": "title", "value": name})
        provider.patch("/Groups/id-3", {"op": "add", "path": "members", "value": [{"value": "id-2"}]})
    for name in ("b", "a", "b", "b", "a"):
        provider.store.restore(name)
        assert _but_versions(provider.state()) == states[name], name
    provider.store.drop_snapshot("a")
    with pytest.raises(KeyError):
        provider.store.restore("a")


def test_a_restore_tells_its_changes() -> None:
    """One for each resource that differs, in the terms of any other change."""
    provider = _small()
    provider.store.snapshot("s")
    provider.ask("DELETE", "/Users/id-1")
    new = provider.user("new")
    provider.patch("/Users/id-2", {"op": "add", "path": "title", "value": "T"})
    changes = {(change.operation, change.id) for change in provider.store.restore("s")}
    assert changes == {("create", "id-1"), ("delete", new), ("update", "id-2"), ("update", "id-3")}


def test_a_restored_group_is_as_quick_as_any() -> None:
    """Its members are not rebuilt for each look-up."""
    provider = _small()
    provider.store.snapshot("s")
    provider.patch("/Groups/id-4", {"op": "remove", "path": "members"})
    provider.store.restore("s")
    record = provider.store.find("id-4")
    assert record is not None
    assert record.members is not None
    assert record.members._map is not None


def test_clear_takes_everything_out() -> None:
    """Resources, memberships, unique values; a snapshot from before still brings them back."""
    provider = _small()
    before = _but_versions(provider.state())
    provider.store.snapshot("s")
    assert len(provider.store.clear()) == 4
    state = provider.state()
    assert state["memberships"] == {}
    assert state["resources"] == {"User": [], "Group": []}
    assert state["unique"] == {"User": {"username": {}}, "Group": {}}
    provider.store.restore("s")
    assert _but_versions(provider.state()) == before
