"""From what a client sends to what is stored."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockscim.scim import urns
from mockscim.scim.errors import ScimError
from mockscim.scim.policy import STRICT, TOLERANT, Policy, Tolerance
from mockscim.scim.resource import coerce, normalise
from mockscim.scim.schema import Attribute, standard_registry

USER = standard_registry().types["User"]


def coerced(kind: str, value: Any, accepted: frozenset[str] = TOLERANT, **more: Any) -> Any:
    """What becomes of a value of an attribute of that type, or the scimType of its refusal."""
    subs = [Attribute("value"), Attribute("primary", "boolean")] if kind == "complex" else ()
    try:
        return coerce(Attribute("a", kind, sub_attributes=subs, **more), value, Policy(), Tolerance(accepted))
    except ScimError as error:
        return error.scim_type


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-31T12:00:00Z",
        "2026-01-31T12:00:00",
        "2026-01-31T12:00:00.123456789+05:30",
        "2008-02-29T23:59:59-14:00",
    ],
)
def test_a_date_and_time(value: str) -> None:
    """An xsd:dateTime with both parts (RFC 7643 §2.3.5)."""
    assert coerced("dateTime", value) == value


@pytest.mark.parametrize(
    "value",
    ["2026-01-31", "12:00:00", "2026-13-01T00:00:00Z", "2026-01-31 12:00:00", "2026-01-31T12:00Z", "now", 5, True],
)
def test_what_is_no_date_and_time(value: Any) -> None:
    """400 invalidValue."""
    assert coerced("dateTime", value) == "invalidValue"


@pytest.mark.parametrize(
    ("value", "good"), [("", None), ("AA==", "AA=="), ("A-_=", "A-_="), ("A", False), ("A A=", False)]
)
def test_binary_is_base64(value: str, good: Any) -> None:
    """Padded, of either alphabet (RFC 7643 §2.3.6)."""
    assert coerced("binary", value) == (good if good is not False else "invalidValue")


@pytest.mark.parametrize(
    ("kind", "value", "result"),
    [
        ("string", "", ""),
        ("string", 5, "invalidValue"),
        ("string", True, "invalidValue"),
        ("string", {}, "invalidValue"),
        ("boolean", "TRUE", True),
        ("boolean", "yes", "invalidValue"),
        ("boolean", 1, "invalidValue"),
        ("boolean", "", None),
        ("integer", 5, 5),
        ("integer", 5.0, "invalidValue"),
        ("integer", True, "invalidValue"),
        ("integer", "5", "invalidValue"),
        ("decimal", 5, 5),
        ("decimal", 5.5, 5.5),
        ("decimal", False, "invalidValue"),
        ("reference", "a\nb", "invalidValue"),
        ("complex", {}, None),
        ("complex", {"value": None}, None),
        ("complex", "x", {"value": "x"}),
        ("complex", [{"VALUE": "x"}], {"value": "x"}),
        ("complex", [[]], "invalidValue"),
        ("complex", {"value": {}}, "invalidValue"),
        ("complex", {"nonsense": 1}, None),
    ],
)
def test_values_of_each_type(kind: str, value: Any, result: Any) -> None:
    """Kept, taken for what is meant, unassigned, or refused."""
    assert coerced(kind, value) == result
    assert coerced(kind, None) is None
    assert coerced(kind, []) is None


def test_many_values() -> None:
    """A list without its empty ones; a single value where a list is due is a leniency."""
    assert coerced("string", ["a", None, "b"], multi_valued=True) == ["a", "b"]
    assert coerced("string", [None], multi_valued=True) is None
    assert coerced("string", "a", multi_valued=True) == ["a"]
    assert coerced("string", "a", STRICT, multi_valued=True) == "invalidValue"
    assert coerced("string", ["a", "b"]) == "invalidValue"
    twice = [{"value": "a", "primary": True}, {"value": "b", "primary": "True"}]
    assert coerced("complex", twice, multi_valued=True) == "invalidValue"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["userName", "emails", "value", "primary", "name", "schemas"]), inner)
    ),
    max_leaves=10,
)


@given(JSON)
def test_normalising_never_changes_its_input_and_ends(document: Any) -> None:
    """What comes out can be put in again and comes out the same, without any leniency."""
    sent = copy.deepcopy(document)
    try:
        first = normalise(document, USER, Policy(), Tolerance(TOLERANT))
    except ScimError:
        first = None
    assert document == sent
    if first is not None:
        again = normalise({"schemas": [urns.USER], **first}, USER, Policy(), Tolerance(STRICT))
        assert again == first
