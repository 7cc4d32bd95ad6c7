"""The body of a request as JSON, and names that an object has twice."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockscim.scim.body import MAX_DEPTH, fields_of, read_json, shallow_json
from mockscim.scim.errors import ScimError
from mockscim.scim.policy import STRICT, TOLERANT, Tolerance


class Pairs(list[tuple[str, Any]]):
    """The members of an object, which may have the same name."""


NAMES = st.sampled_from(["a", "b", "A", ":", "é", 'x":', "\\", "\n", "{", "}"])
TEXTS = st.text(st.sampled_from('ab:",{}[]\\é\n '), max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(NAMES, inner), max_size=4).map(Pairs),
    max_leaves=12,
)


def written(value: Any, draw: Any) -> str:
    """A value as JSON, with blanks and escapes as it pleases."""
    blank = draw(st.sampled_from(["", " ", "\n\t"]))
    if isinstance(value, Pairs):
        inside = f",{blank}".join(f"{written(name, draw)}{blank}:{blank}{written(item, draw)}" for name, item in value)
        return f"{{{blank}{inside}}}"
    if isinstance(value, list):
        return f"[{','.join(written(item, draw) for item in value)}{blank}]"
    text = json.dumps(value, ensure_ascii=draw(st.booleans()))
    if isinstance(value, str) and draw(st.booleans()):
        text = text.replace(":", draw(st.sampled_from(["\\u003a", "\\u003A"])))
    return text


def twice(value: Any) -> bool:
    """Whether any object in it has a name twice."""
    if isinstance(value, Pairs):
        names = [name for name, _ in value]
        return len(set(names)) < len(names) or any(twice(item) for _, item in value)
    return isinstance(value, list) and any(twice(item) for item in value)


@given(VALUES, st.data())
def test_names_given_twice_are_noticed(value: Any, data: Any) -> None:
    """Wherever they are, however the body is written; and nothing else is."""
    body = written(value, data.draw).encode()
    tolerance = Tolerance(TOLERANT)
    assert read_json(body, tolerance) == orjson.loads(body)
    assert {row["code"] for row in tolerance.report()} == ({"duplicate-key"} if twice(value) else set())
    if twice(value):
        with pytest.raises(ScimError) as refused:
            read_json(body, Tolerance(STRICT))
        assert (refused.value.status, refused.value.scim_type) == (400, "invalidSyntax")


@pytest.mark.parametrize("depth", [10, 253])
def test_deep_documents(depth: int) -> None:
    """A name given twice is noticed as deep as JSON is taken at all."""
    inside = b"[" * depth, b"]" * depth
    for content, codes in ((b'{"a":1,"b":2}', set()), (b'{"a":1,"a":2}', {"duplicate-key"})):
        tolerance = Tolerance(TOLERANT)
        read_json(content.join(inside), tolerance)
        assert {row["code"] for row in tolerance.report()} == codes


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n",
        b"{",
        b'{"a":NaN}',
        b'{"a":1e999}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        b"[" * 255 + b"]" * 255,
        b"[" * 2000 + b"]" * 2000,
    ],
)
def test_what_is_no_json(body: bytes) -> None:
    """400 invalidSyntax: nothing, half of it, what JSON or UTF-8 cannot hold, what nests too deep to be sent again."""
    with pytest.raises(ScimError) as refused:
        read_json(body, Tolerance(TOLERANT))
    assert (refused.value.status, refused.value.scim_type) == (400, "invalidSyntax")


@pytest.mark.parametrize("begin", [b"[", b'{"a":'])
def test_what_can_be_shown_inside_another_document(begin: bytes) -> None:
    """JSON of MAX_DEPTH levels, and no deeper."""
    end = b"]" if begin == b"[" else b"}"
    text = begin * MAX_DEPTH + b"1" + end * MAX_DEPTH
    assert orjson.dumps(shallow_json(text)) == text
    with pytest.raises(ValueError, match="deeper than 200 levels"):
        shallow_json(begin + text + end)


def test_members_of_a_message_in_any_case() -> None:
    """By their names in lower case; of two the last counts, and that is noted."""
    tolerance = Tolerance(TOLERANT)
    assert fields_of({"Op": 1, "value": 2}, tolerance) == {"op": 1, "value": 2}
    assert not tolerance.used
    assert fields_of({"op": 1, "OP": 2}, tolerance) == {"op": 2}
    assert [row["code"] for row in tolerance.report()] == ["duplicate-key"]
