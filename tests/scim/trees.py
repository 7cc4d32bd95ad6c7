"""Hypothesis strategies: trees of filters, and texts that are nearly filters."""

from __future__ import annotations

from hypothesis import strategies as st

from mockscim.scim.filter import And, AttrPath, Compare, Not, Or, Present, ValueCompare, ValuePath, ValuePresent

names = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,8}", fullmatch=True) | st.sampled_from(
    ["$ref", "not", "and", "or", "eq", "pr", "true", "null", "co"]
)
uris = st.none() | st.sampled_from(["urn:x:y", "urn:ietf:params:scim:schemas:core:2.0:User", "http://a.example/b%20c"])
values = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    | st.booleans()
    | st.none()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
)
operators = st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"])
paths = st.builds(AttrPath, uris, names, st.none() | names)
clauses = st.builds(Present, paths) | st.builds(Compare, paths, operators, values)


def logic(leaves):
    """Trees of "and", "or" and "not" over the leaves."""
    return st.recursive(
        leaves,
        lambda nodes: (
            st.builds(Not, nodes)
            | st.builds(And, st.lists(nodes, min_size=2, max_size=4).map(tuple))
            | st.builds(Or, st.lists(nodes, min_size=2, max_size=4).map(tuple))
        ),
        max_leaves=8,
    )


heads = st.builds(AttrPath, uris, names)
inner = logic(clauses)
value_paths = (
    st.builds(ValuePath, heads, inner)
    | st.builds(ValueCompare, heads, inner, names, operators, values)
    | st.builds(ValuePresent, heads, inner, names)
)
nodes = logic(clauses | value_paths)

snippets = st.lists(
    st.sampled_from(
        [*'aeq."()[]\\ :-$5', " eq ", " pr", " and ", " or ", "not (", "null", '"x"', '[type eq "', "].", "urn:x:y:"]
    ),
    max_size=20,
).map("".join)
