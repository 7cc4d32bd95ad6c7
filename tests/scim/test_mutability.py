"""What a write neither changes nor loses: immutable values (RFC 7643 §7, RFC 7644 §3.5.1)."""

from __future__ import annotations

from typing import Any

import pytest
from devices import DEVICE, EXTENSION, RACK, SCHEMA, TYPE, USERS, attribute, immutable, reference
from provider import Provider

from mockscim.scim.schema import Registry

HOME = reference("home", ["User"], mutability="immutable")
LABELS = attribute("labels", multiValued=True, mutability="immutable")


def provider(*more: dict[str, Any], parts: dict[str, Any] | None = None) -> Provider:
    """One with devices that have these attributes too, and parts with these characteristics."""
    own = [a for a in SCHEMA["attributes"] if a["name"] != "parts"]
    kept = {**immutable(reference("parts", ["User"], multiValued=True)), **(parts or {})}
    schema = {**SCHEMA, "attributes": [*own, kept, *more]}
    return Provider(registry=Registry.from_documents([schema, EXTENSION], [*USERS, TYPE]))


def device(**attributes: Any) -> dict[str, Any]:
    """A device, with the extension's URN where it is used."""
    urns = [DEVICE, RACK] if RACK in attributes else [DEVICE]
    return {"schemas": urns, "serialNumber": "s1", **attributes}


def made(where: Provider, **attributes: Any) -> str:
    """The path of a new device."""
    answer = where.ask("POST", "/Devices", device(**attributes))
    assert answer.status == 201, answer.document
    return f"/Devices/{answer['id']}"


def test_a_put_that_leaves_immutable_values_out_keeps_them() -> None:
    """In the core, in an extension, and as a part of a complex value; what may be written goes."""
    where = provider(LABELS)
    path = made(where, labels=["a"], case={"code": "c", "colour": "red"}, ports=3, **{RACK: {"slot": 1, "room": "r"}})
    answer = where.ask("PUT", path, device(case={"colour": "blue"}, **{RACK: {"slot": 2}}))
    assert answer.status == 200, answer.document
    assert "ports" not in answer.document
    assert (answer["labels"], answer["case"]) == (["a"], {"code": "c", "colour": "blue"})
    assert answer[RACK] == {"slot": 2, "room": "r"}


@pytest.mark.parametrize(
    "more",
    [
        {"labels": None},
        {"LABELS": []},
        {"case": None},
        {"case": {"code": None, "colour": "red"}},
        {RACK: None},
        {RACK: {"slot": 1, "room": None}},
    ],
)
def test_a_put_that_unassigns_an_immutable_value_is_refused(more: dict[str, Any]) -> None:
    """Null and [] say that there is to be none; that is another value (RFC 7643 §2.5)."""
    where = provider(LABELS)
    path = made(where, labels=["a"], case={"code": "c", "colour": "red"}, **{RACK: {"slot": 1, "room": "r"}})
    before = where.state()
    kept = {"case": {"colour": "red"}, RACK: {"slot": 1}}
    assert where.ask("PUT", path, device(**{**kept, **more})).error == (400, "mutability")
    assert where.state() == before


def test_what_is_required_has_to_be_sent_with_what_is_kept() -> None:
    """RFC 7644 §3.5.1: a part of a complex value, or of an extension, that is kept needs the required ones too."""
    where = provider()
    path = made(where, case={"code": "c", "colour": "red"}, **{RACK: {"slot": 1, "room": "r"}})
    whole = {"case": {"colour": "red"}, RACK: {"slot": 1}}
    assert where.ask("PUT", path, device(**whole)).status == 200
    for name in whole:
        left = {key: value for key, value in whole.items() if key != name}
        assert where.ask("PUT", path, device(**left)).error == (400, "invalidValue")
    assert where.ask("PUT", path, {"schemas": [DEVICE], **whole}).error == (400, "invalidValue")


def test_what_was_read_can_be_put_back() -> None:
    """A reference comes with the $ref that the provider has given it, and is the same all the same."""
    where = provider(HOME, LABELS)
    user, other = where.user("ann"), where.user("bo")
    path = made(where, home={"value": user}, labels=["a", "b"])
    before = where.get(path).document
    assert before["home"]["$ref"].endswith(f"/Users/{user}")
    turned = {**before, "labels": ["b", "a"], "home": {"value": user}}
    for body in (before, turned):
        assert where.ask("PUT", path, body).status == 200
    assert where.ask("PUT", path, {**before, "home": {"value": other}}).error == (400, "mutability")
    assert where.ask("PUT", path, {**before, "labels": ["a"]}).error == (400, "mutability")
    again = where.patch(path, {"op": "add", "path": "home", "value": {"value": user}})
    assert (again.status, again["home"]) == (200, before["home"])
    more = where.patch(path, {"op": "add", "path": "labels", "value": ["c"]})
    assert more.error == (400, "mutability")


def test_references_that_are_immutable_as_a_whole() -> None:
    """Given once, also later; left out they stay; neither PUT nor PATCH adds, takes out or clears."""
    where = provider(parts={"mutability": "immutable"})
    one, two = ({"value": where.user(name)} for name in ("one", "two"))
    path = made(where)
    assert where.patch(path, {"op": "add", "path": "parts", "value": [one]}).status == 200
    for operation in (
        {"op": "add", "path": "parts", "value": [two]},
        {"op": "remove", "path": "parts"},
        {"op": "replace", "path": "parts", "value": [two]},
        {"op": "remove", "path": f'parts[value eq "{one["value"]}"]'},
    ):
        assert where.patch(path, operation).error == (400, "mutability")
    for parts in ([], [two], [one, two], None):
        assert where.ask("PUT", path, device(parts=parts)).error == (400, "mutability")
    for body in (device(), device(parts=[one])):
        assert [part["value"] for part in where.ask("PUT", path, body)["parts"]] == [one["value"]]


def test_references_that_are_read_only() -> None:
    """What a client sends of them is ignored, in a list without a path as well."""
    where = provider(parts={"mutability": "readOnly"})
    one = {"value": where.user("one")}
    path = made(where, parts=[one])
    assert "parts" not in where.get(path).document
    assert where.patch(path, {"op": "add", "path": "parts", "value": [one]}).error == (400, "mutability")
    assert where.patch(path, {"op": "add", "value": [one]}).error == (400, "invalidValue")
    assert "parts" not in where.ask("PUT", path, device(parts=[one])).document


def test_references_that_are_required() -> None:
    """There is one to begin with and one in the end, whatever else is written."""
    where = provider(parts={"required": True})
    one, two = ({"value": where.user(name)} for name in ("one", "two"))
    assert where.ask("POST", "/Devices", device()).error == (400, "invalidValue")
    path = made(where, parts=[one])
    assert where.patch(path, {"op": "replace", "path": "ports", "value": 3}).status == 200
    assert where.patch(path, {"op": "remove", "path": "parts"}).error == (400, "mutability")
    both = [{"op": "remove", "path": "parts"}, {"op": "add", "path": "parts", "value": [two]}]
    assert [part["value"] for part in where.patch(path, *both)["parts"]] == [two["value"]]
    assert where.ask("PUT", path, device()).error == (400, "invalidValue")
    assert where.ask("PUT", path, device(parts=[one])).status == 200


@pytest.mark.parametrize("hidden", ["whole", "value"])
def test_references_that_are_never_returned(hidden: str) -> None:
    """Neither after a write nor when asked for."""
    parts: dict[str, Any] = {"returned": "never"}
    if hidden == "value":
        subs = immutable(reference("parts", ["User"], multiValued=True))["subAttributes"]
        parts = {"subAttributes": [{**sub, "returned": "never"} for sub in subs]}
    where = provider(parts=parts)
    user = where.user("one")
    path = made(where, parts=[{"value": user}])
    assert "parts" not in where.get(path, attributes="parts").document
    put = where.ask("PUT", path, device(parts=[{"value": user}]))
    assert (put.status, "parts" in put.document) == (200, False)
