"""Plain documents: whatever is taken as one is stored just as ``normalise`` would have it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from drawn import BODIES, filled
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mockscim.scim import plain, urns
from mockscim.scim.errors import ScimError
from mockscim.scim.policy import Policy, Tolerance
from mockscim.scim.record import pack
from mockscim.scim.resource import normalise
from mockscim.scim.schema import standard_registry

USER = standard_registry().types["User"]
READ = plain.reader(USER)
ANN = {"schemas": [urns.USER], "id": "1", "userName": "ann"}
ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=3) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["value", "type", "x", ""]), inner),
    max_leaves=4,
)
NAMES = st.sampled_from([attribute.name for attribute in USER.attributes.values()]) | st.sampled_from(
    [urns.ENTERPRISE_USER, "x", "Title"]
)


def check(text: bytes) -> bool:
    """Whether a document is plain; if it is, it is stored as it would be otherwise, and nothing is wrong with it."""
    assert READ is not None
    found = READ(text)
    if found is None:
        return False
    document = orjson.loads(text)
    tolerance = Tolerance(frozenset({"undeclared-extension"}))  # which no fixture is refused for
    attributes = normalise(document, USER, Policy(), tolerance, complete=False)
    id_, meta, held, body = found
    assert (id_, meta, held, body) == (document["id"], document.get("meta"), attributes, pack(USER, attributes)[0])
    return True


@settings(deadline=None, max_examples=300)
@given(BODIES["User"], st.dictionaries(NAMES, ODD, max_size=2), st.booleans())
@example({}, {"emails": [{"value": "a"}, {"value": "a"}]}, False)
@example({}, {"name": {}}, False)
@example({}, {"addresses": [{"type": "work", "country": "FR"}]}, False)
def test_what_is_plain_is_stored_as_ever(body: dict[str, Any], odd: dict[str, Any], spaced: bool) -> None:
    """Any document is read the same way round, or not called plain."""
    document = {**ANN, **filled(body, lambda *_: "2"), **odd}
    try:
        text = orjson.dumps(document, option=orjson.OPT_INDENT_2 if spaced else None)
    except TypeError:  # a number of more than 64 bits
        return
    try:
        check(text)
    except ScimError as error:
        raise AssertionError(f"called plain, and refused: {error.detail}") from error


@pytest.mark.parametrize(
    "more",
    [
        {"title": 'Ā"\\\n', "active": False, "name": {"familyName": "A"}},
        {"emails": [{"value": "a@example.com", "type": "work", "primary": True}], "meta": {"created": "whenever"}},
        {
            urns.ENTERPRISE_USER: {"department": "D", "manager": {"value": "2"}},
            "schemas": [urns.USER, urns.ENTERPRISE_USER],
        },
    ],
)
@pytest.mark.parametrize("spaced", [False, True])
def test_what_most_fixtures_hold_is_plain(more: dict[str, Any], spaced: bool) -> None:
    """The usual is, in any spacing and order; otherwise there would be nothing gained."""
    option = orjson.OPT_INDENT_2 if spaced else None
    assert check(orjson.dumps({**ANN, **more}, option=option))
    assert check(orjson.dumps(dict(reversed([*{**ANN, **more}.items()])), option=option))


@pytest.mark.parametrize(
    "text",
    [
        b'{"schemas":["%b"],"id":"1","userName":"\\u0061"}',
        b'{"schemas":["%b"],"id":"1","userName":"a","title":null}',
        b'{"schemas":["%b"],"id":"1","userName":"a","active":"true"}',
        b'{"schemas":["%b"],"id":"1","userName":"a","UserName":"b"}',
        b'{"schemas":["%b"],"id":"1","userName":"a","password":"p"}',
        b'{"schemas":["%b"],"id":"1","userName":"a","phoneNumbers":[]}',
        b'{"schemas":["%b","x"],"id":"1","userName":"a"}',
        b'{"schemas":["%b"],"userName":"a"}',
        b'{"schemas":["%b"],"id":"1"}',
        b'{"schemas":["%b"],"id":"1","userName":"a"',
        b'\xff{"schemas":["%b"],"id":"1","userName":"a"}',
    ],
)
def test_what_is_not_plain(text: bytes) -> None:
    """Anything that has to be decided about, or is told otherwise, is for the slower way."""
    assert READ is not None
    assert not check(text % urns.USER.encode()) or text.count(b"u0061")
