"""The grammar of filters, their trees, and the limits."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockscim.scim import filter as tree
from mockscim.scim.errors import ScimError
from mockscim.scim.filter import And, AttrPath, Compare, Not, Or, Present, parse
from tests.scim.filters import GROUP_FILTERS, MALFORMED, NOT_OF_A_USER, SYNTAX_ONLY, USER_FILTERS, Case
from tests.scim.trees import nodes, snippets

VALID = [*USER_FILTERS, *GROUP_FILTERS, *SYNTAX_ONLY]


@pytest.mark.parametrize("case", VALID, ids=lambda case: case.text)
def test_valid_filter_parses_to_its_tree(case: Case):
    """A valid filter has the tree whose print the table gives, and that print parses to the same tree."""
    node = parse(case.text).node
    assert str(node) == case.printed
    assert parse(case.printed).node == node


@pytest.mark.parametrize("case", VALID, ids=lambda case: case.text)
def test_tolerated_syntax_is_named(case: Case):
    """Parsing names the tolerated deviations of syntax, and nothing else."""
    expected = {code for code in case.leniencies if code in (tree.UNQUOTED, tree.VALUE_PATH_COMPARISON)}
    found = {code for code, _ in parse(case.text).leniencies}
    # A number against a text attribute carries the same code, but only the schema can tell.
    assert found == expected or (case.text.endswith("701984") and not found)


@pytest.mark.parametrize("text", MALFORMED, ids=ascii)
def test_malformed_filter_is_refused(text: str):
    """What is no filter is answered with 400 invalidFilter and a sentence of bounded length."""
    with pytest.raises(ScimError) as caught:
        parse(text)
    assert (caught.value.status, caught.value.scim_type) == (400, "invalidFilter")
    assert 10 < len(caught.value.detail) < 260
    caught.value.body()


@pytest.mark.parametrize("text", NOT_OF_A_USER)
def test_syntax_does_not_know_schemas(text: str):
    """Whether an attribute exists is no question of grammar."""
    assert parse(str(parse(text).node)).node == parse(text).node


def test_table_is_large_enough():
    """The table covers the grammar with at least 170 filters."""
    assert len(VALID) + len(MALFORMED) + len(NOT_OF_A_USER) >= 170


@given(nodes)
def test_printed_tree_parses_to_itself(node):
    """parse(str(tree)) is the tree."""
    assert parse(str(node)).node == node


@given(st.text() | snippets)
def test_any_text_parses_or_is_invalid_filter(text: str):
    """No text makes the parser fail in another way than invalidFilter."""
    try:
        node = parse(text).node
    except ScimError as error:
        assert error.scim_type == "invalidFilter"  # noqa: PT017
        error.body()
    else:
        assert parse(str(node)).node == node


@given(st.from_regex(r"[A-Za-z]{1,6}(\.[a-z]{1,4})?", fullmatch=True), st.sampled_from(["eq", "Eq", "EQ"]), st.text())
def test_fast_path_agrees_with_the_parser(attribute: str, op: str, value: str):
    """The short cut for attr eq "text" gives what the parser gives."""
    text = f'{attribute} {op} "{value}"'
    try:
        slow = tree._parse(text)
    except ScimError:
        with pytest.raises(ScimError):
            parse(text)
    else:
        assert parse(text) == slow


def test_and_binds_tighter_than_or():
    """Without brackets "and" is grouped first, on whichever side of an "or" it stands."""
    a, b, c = (Present(AttrPath(None, name)) for name in "abc")
    assert parse("a pr or b pr and c pr").node == Or((a, And((b, c))))
    assert parse("a pr and b pr or c pr").node == Or((And((a, b)), c))
    assert parse("not (a pr) and b pr or c pr").node == Or((And((Not(a), b)), c))


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ('"true"', "true"), ("1", 1), ('"1"', "1"), ("1.0", 1.0), ("null", None), ('"null"', "null")],
)
def test_values_keep_their_types(text: str, value: object):
    """A literal has the type that JSON gives it."""
    node = parse(f"a eq {text}").node
    assert isinstance(node, Compare)
    assert (node.value, type(node.value)) == (value, type(value))


def test_equal_values_of_different_types_make_different_trees():
    """1, 1.0 and true are one value to Python, but three filters."""
    assert len({parse(f"a eq {text}").node for text in ("1", "1.0", "true")}) == 3


def test_message_says_what_and_where():
    """The sentence names what was found and its place, for the person who wrote the filter."""
    for text, part in [
        ('userName regex "x"', "The operator regex at character 10 is not supported"),
        ('userName eq"x"', "White space is missing before"),
        ("not title pr", "needs parentheses"),
        ('userName eq "x', "no closing quote"),
        ("(title pr", "'(' is closed"),
        ("", "empty"),
        ("title pr)", "closes nothing"),
    ]:
        with pytest.raises(ScimError) as caught:
            parse(text)
        assert part in caught.value.detail


def test_flat_chains_are_long_and_flat():
    """A chain of 1,000 clauses is one node, and prints and parses back."""
    for word, kind in (("and", And), ("or", Or)):
        text = f" {word} ".join(f'a{number} eq "x"' for number in range(1000))
        node = parse(text).node
        assert isinstance(node, kind)
        assert len(node.items) == 1000
        assert str(node) == text


def test_nesting_is_bounded():
    """100 brackets inside each other are fine; the 101st, or 10,000, are refused rather than recursed into."""
    deepest = "(" * tree.MAX_DEPTH + "a pr" + ")" * tree.MAX_DEPTH
    assert str(parse(deepest).node) == "a pr"
    negated = "not (" * tree.MAX_DEPTH + "a pr" + ")" * tree.MAX_DEPTH
    assert str(parse(negated).node) == negated
    for depth in (tree.MAX_DEPTH + 1, 10_000):
        for opening in ("(", "not ("):
            with pytest.raises(ScimError, match="nests deeper"):
                parse(opening * depth + "a pr" + ")" * depth)


def test_length_and_clauses_are_bounded():
    """64 KiB and 2,000 comparisons are accepted; more is refused."""
    text = 'a eq "' + "x" * (tree.MAX_LENGTH - 7) + '"'
    assert len(text) == tree.MAX_LENGTH
    assert parse(text).node
    with pytest.raises(ScimError, match="65537 characters"):
        parse(text + " ")
    assert parse(" or ".join(["a pr"] * tree.MAX_CLAUSES)).node
    with pytest.raises(ScimError, match="more than 2000"):
        parse(" or ".join(["a pr"] * (tree.MAX_CLAUSES + 1)))


@pytest.mark.parametrize(
    "text",
    [
        "a eq " + "1" * 60_000 + "x",
        "a eq " + "1" * 30_000 + "." * 30_000,
        "urn:" + "a:" * 30_000 + "!",
        "urn:" + "%41" * 20_000 + " pr",
        "urn:x:" + "a." * 30_000 + " pr",
        '"' * 60_000,
        'a eq "' + "\\" * 60_000,
        "a[" * 30_000,
        " " * 60_000 + "x",
    ],
    ids=lambda text: text[:12],
)
def test_no_text_takes_long(text: str):
    """The time to read a text grows with its length, whatever is in it: no pattern backtracks."""
    start = time.process_time()
    with contextlib.suppress(ScimError):
        parse(text)
    assert time.process_time() - start < 1  # seconds; a backtracking pattern took 70


def test_threads_do_not_disturb_each_other():
    """Each parse has a parser of its own."""
    wrong: list[str] = []

    def work(number: int) -> None:
        for turn in range(60):
            text = f'a{number} eq "{turn}" and (b{number} pr or c{number} pr)'
            if str(tree._parse(text).node) != text:
                wrong.append(text)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_parser_is_imported_when_first_needed():
    """A simple filter does without the parser's import."""
    code = (
        "import sys; from mockscim.scim.match import parse; parse('userName eq \"x\"');"
        "assert 'scim2_filter_parser' not in sys.modules;"
        "parse('title pr'); assert 'scim2_filter_parser' in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
