"""Paths of PATCH operations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockscim.scim import path as module
from mockscim.scim.errors import ScimError
from mockscim.scim.filter import AttrPath, Compare
from mockscim.scim.path import PatchPath, parse_path
from tests.scim.filters import ENTERPRISE
from tests.scim.trees import heads, inner, names, paths, snippets

VALID = [
    # RFC 7644 §3.5.2, figure 8
    "members",
    "name.familyName",
    'addresses[type eq "work"]',
    'members[value eq "2819c223-7f76-453a-919d-413861904646"]',
    'members[value eq "2819c223-7f76-453a-919d-413861904646"].displayName',
    f"{ENTERPRISE}:manager",
    f"{ENTERPRISE}:manager.value",
    f'{ENTERPRISE}:manager[value eq "x"].displayName',
    'emails[type eq "work" and primary eq true].value',
    'emails[not (type eq "work") or value pr]',
    'emails[type eq "]"].value',
    'emails[type eq "a[b"]',
    r'emails[type eq "a\"].b"].value',
    "manager.$ref",
    'members[$ref eq "x"].$ref',
    "urn:x/y%20:a",
    "true",
    "not",
]
MALFORMED = [
    "",
    " ",
    ".",
    "name.",
    ".name",
    "name.a.b",
    "name .a",
    "name a",
    "5",
    '"name"',
    "emails[",
    "emails]",
    "emails[]",
    "emails[type]",
    'emails[type eq "work"',
    'emails[type eq "work"]]',
    'emails[type eq "work"].',
    'emails[type eq "work"]value',
    'emails[type eq "work"] .value',
    'emails[type eq "work"].a.b',
    'emails [type eq "work"]',
    'emails.value[type eq "work"]',
    'emails[a[b eq "c"]]',
    'a[b eq "c"][d eq "e"]',
    '[type eq "work"]',
    "emails[0]",
    "emails[0].value",
    "/emails/0",
    'emails[type eq "a\nb"]',
    'emails[type eq "\ud800"]',
    "\ud800",
    "name.givenName eq",
    'userName eq "x"',
    "naïve",
    "a" * 70_000,
    "a[" + "(" * 10_000 + "b pr" + ")" * 10_000 + "]",
]


@pytest.mark.parametrize("text", VALID)
def test_valid_path_prints_back(text: str):
    """A valid path prints as it was written, and means the same by the fast way and the slow."""
    path = parse_path(text)
    assert str(path) == text
    assert path == module._parse(text)
    assert not path.leniencies


@pytest.mark.parametrize("text", MALFORMED, ids=lambda text: ascii(text[:40]))
def test_malformed_path_is_refused(text: str):
    """What is no path is answered with 400 invalidPath."""
    with pytest.raises(ScimError) as caught:
        parse_path(text)
    assert (caught.value.status, caught.value.scim_type) == (400, "invalidPath")
    assert len(caught.value.detail) < 300
    caught.value.body()


def test_parts_of_a_path():
    """URN, attribute, filter and sub-attribute are told apart."""
    path = parse_path(f'{ENTERPRISE}:manager[value eq "x"].displayName')
    assert path.path == AttrPath(ENTERPRISE, "manager")
    assert path.filter == Compare(AttrPath(None, "value"), "eq", "x")
    assert path.sub == "displayName"
    assert parse_path("name.givenName") == PatchPath(AttrPath(None, "name", "givenName"))


def test_bare_schema_urn_splits_at_its_last_colon():
    """A schema's URN looks like an attribute of a shorter URN; the caller puts it together again."""
    path = parse_path(ENTERPRISE)
    assert path.path == AttrPath(ENTERPRISE.rpartition(":")[0], "User")
    assert str(path.path) == ENTERPRISE


def test_tolerated_syntax_in_the_filter_is_named():
    """A leniency of the inner filter is reported, and makes no difference to equality."""
    path = parse_path("emails[type eq work].value")
    assert [code for code, _ in path.leniencies] == ["unquoted-filter-value"]
    assert path == parse_path('emails[type eq "work"].value')


def test_operators_in_any_case():
    """The fast way knows operators in any case, and any white space is left to the slow way."""
    assert parse_path('a[b EQ "c"]') == parse_path('a[b  eq "c" ]') == parse_path('a[b eq "c"]')


@given(st.builds(PatchPath, paths) | st.builds(PatchPath, heads, inner, st.none() | names))
def test_printed_path_parses_to_itself(path: PatchPath):
    """parse_path(str(path)) is the path."""
    assert parse_path(str(path)) == path


@given(st.text() | snippets)
def test_any_text_parses_or_is_invalid_path(text: str):
    """No text makes the parser fail in another way than invalidPath."""
    try:
        path = parse_path(text)
    except ScimError as error:
        assert error.scim_type == "invalidPath"  # noqa: PT017
        error.body()
    else:
        assert parse_path(str(path)) == path
