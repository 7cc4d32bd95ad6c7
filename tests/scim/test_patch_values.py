"""PATCH of values that are there, of schemas, and of complex values that have to have some parts (RFC 7644 §3.5.2)."""

from __future__ import annotations

from typing import Any

import pytest
from devices import DEVICE, registry
from provider import ENTERPRISE, Provider
from test_patch import HOME, WORK, make_barbara, op

from mockscim.scim import urns


@pytest.fixture
def barbara() -> tuple[Provider, str]:
    """A provider and the path of a user with two e-mails and an extension."""
    provider = Provider()
    return provider, "/Users/" + make_barbara(provider)


# -- values that are there already ------------------------------------------------------------------------------------


def test_adding_what_is_there_renews_it(barbara: tuple[Provider, str]) -> None:
    """One with the same type and value is the same (RFC 7643 §2.4): what is new about it is taken."""
    provider, path = barbara
    answer = provider.patch(path, op("add", "emails", [{**HOME, "display": "Babs"}]))
    assert answer["emails"] == [WORK, {**HOME, "display": "Babs"}]
    answer = provider.patch(path, op("add", "emails", [{**HOME, "primary": True}]))
    assert answer["emails"] == [{**WORK, "primary": False}, {**HOME, "display": "Babs", "primary": True}]
    version = answer["meta"]["version"]
    assert provider.patch(path, op("add", "emails", [HOME, HOME]))["meta"]["version"] == version
    other = {**HOME, "type": "other"}
    assert provider.patch(path, op("add", "emails", [other]))["emails"][2:] == [other]


def test_values_that_become_the_same_are_one(barbara: tuple[Provider, str]) -> None:
    """When a PATCH gives one the type and value of another."""
    provider, path = barbara
    operations = [
        op("replace", 'emails[type eq "home"].value', WORK["value"]),
        op("replace", 'emails[type eq "home"].type', "work"),
    ]
    assert provider.patch(path, *operations)["emails"] == [WORK]


def test_many_values_without_a_value_of_their_own_are_added_in_time() -> None:
    """Thousands of addresses, each told from the others as a whole; one that is there is not added again."""
    provider = Provider()
    addresses = [{"type": "work", "locality": f"L{n}"} for n in range(4000)]
    path = f"/Users/{provider.user('ann', addresses=addresses[:2])}"
    answer = provider.patch(path, op("add", "addresses", [*addresses, *addresses[:10]]))
    assert answer["addresses"] == addresses


# -- schemas ----------------------------------------------------------------------------------------------------------


def test_schemas_may_be_said_as_they_are(barbara: tuple[Provider, str]) -> None:
    """In any order, and with an extension that has nothing yet; that shows once it has."""
    provider, path = barbara
    before = provider.get(path).document
    answer = provider.patch(path, op("replace", "schemas", [ENTERPRISE, urns.USER]), op("add", "schemas", [urns.USER]))
    assert (answer.document, answer.leniencies) == (before, set())
    bare = f"/Users/{provider.user('ann')}"
    assert provider.patch(bare, op("add", "schemas", [ENTERPRISE]))["schemas"] == [urns.USER]
    both = op("add", "schemas", [ENTERPRISE]), op("add", f"{ENTERPRISE}:department", "D")
    assert provider.patch(bare, *both)["schemas"] == [urns.USER, ENTERPRISE]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ([urns.USER, ENTERPRISE, "urn:x:y"], "unknown-schema-urn"),
        ([ENTERPRISE], "schemas-mismatch"),
    ],
)
def test_schemas_that_are_not_those_of_the_type(barbara: tuple[Provider, str], value: list[str], code: str) -> None:
    """The same leniencies as in a body, and nothing is changed; refused when strict."""
    provider, path = barbara
    before = provider.get(path).document
    answer = provider.patch(path, op("replace", "schemas", value))
    assert (answer.document, answer.leniencies) == (before, {code})
    strict = Provider(strict=True)
    assert strict.patch(f"/Users/{make_barbara(strict)}", op("replace", "schemas", value)).error[1] == "invalidSyntax"


# -- required sub-attributes ------------------------------------------------------------------------------------------


def a_box(**case: Any) -> tuple[Provider, str]:
    """A device whose case has these parts; colour is required of one."""
    provider = Provider(registry=registry())
    answer = provider.ask(
        "POST", "/Devices", {"schemas": [DEVICE], "serialNumber": "s", **({"case": case} if case else {})}
    )
    return provider, f"/Devices/{answer['id']}"


@pytest.mark.parametrize("verb", ["add", "replace"])
def test_a_part_need_not_repeat_what_is_required_and_there(verb: str) -> None:
    """RFC 7644 §3.5.2.3: what the value leaves out stays; it is missed where there is none."""
    provider, path = a_box(colour="red")
    assert provider.patch(path, op(verb, "case", {"code": "c"}))["case"] == {"code": "c", "colour": "red"}
    provider, path = a_box()
    for bare in (op(verb, "case", {"code": "c"}), op(verb, "case.code", "c")):
        assert provider.patch(path, bare).error == (400, "invalidValue")
    both = op(verb, "case.code", "c"), op(verb, "case.colour", "blue")
    assert provider.patch(path, *both)["case"] == {"code": "c", "colour": "blue"}


def test_what_is_required_of_a_complex_value_cannot_be_removed() -> None:
    """By its path, or by null beside others (RFC 7644 §3.5.2.2: mutability)."""
    provider, path = a_box(colour="red", notes="n")
    for operation in (op("remove", "case.colour"), op("replace", "case", {"colour": None, "notes": "x"})):
        assert provider.patch(path, operation).error == (400, "mutability")
    assert provider.patch(path, op("remove", "case")).status == 200


# -- members behind a filter ------------------------------------------------------------------------------------------


def test_a_member_becomes_another() -> None:
    """RFC 7644 §3.5.2.3: the value is one record, and no array; none that matches is noTarget, strict or not."""
    for strict in (True, False):
        provider = Provider(strict=strict)
        one, two = provider.user("one"), provider.user("two")
        group = provider.group("g", one)
        answer = provider.patch(f"/Groups/{group}", op("replace", f'members[value eq "{one}"]', {"value": two}))
        assert (answer.status, answer.leniencies, provider.member_ids(group)) == (200, set(), [two])
        again = provider.patch(f"/Groups/{group}", op("replace", f'members[value eq "{one}"]', {"value": two}))
        assert again.error == (400, "noTarget")
