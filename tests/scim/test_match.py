"""Compiled filters: what they select, what an index may use, and what is refused."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockscim.scim.errors import ScimError
from mockscim.scim.filter import And, AttrPath, Compare, Not, Or, Present, ValueCompare, ValuePath, ValuePresent, parse
from mockscim.scim.match import compile_filter, compile_value_filter
from mockscim.scim.path import parse_path
from mockscim.scim.schema import Attribute, ResourceType, Schema, standard_registry
from tests.scim.filters import (
    CORE_GROUP,
    CORE_USER,
    ENTERPRISE,
    GROUP_FILTERS,
    GROUPS,
    MALFORMED,
    NOT_OF_A_USER,
    USER_FILTERS,
    USERS,
    Case,
)
from tests.scim.trees import logic

USER = standard_registry().types["User"]
GROUP = standard_registry().types["Group"]
EMAILS = USER.attributes["emails"]
MEMBERS = GROUP.attributes["members"]

METER = ResourceType(
    "Meter",
    "/Meters",
    Schema(
        "urn:example:Meter",
        "Meter",
        "A schema with the types that RFC 7643 does not use",
        [
            Attribute("count", "integer"),
            Attribute("level", "decimal"),
            Attribute("tags", multi_valued=True),
            Attribute("key", "binary", case_exact=True),
            Attribute(
                "readings",
                "complex",
                multi_valued=True,
                sub_attributes=[Attribute("count", "integer"), Attribute("labels", multi_valued=True)],
            ),
        ],
    ),
)
METERS: dict[str, dict[str, Any]] = {
    "a": {"count": 5, "level": 0.5, "tags": ["Red", "green"], "key": "QUJD", "readings": [{"count": 1}]},
    "b": {"count": -1, "level": 3, "tags": [], "readings": [{"count": 7, "labels": ["x", "y"]}, {"labels": ["z"]}]},
    "c": {"count": True, "level": "0.5", "tags": "red", "readings": {"count": 7}},
}


def selected(text: str, resource_type: ResourceType, resources: dict[str, dict[str, Any]]) -> str:
    query = compile_filter(text, resource_type)
    return " ".join(name for name, resource in resources.items() if query.matches(resource))


@pytest.mark.parametrize("case", USER_FILTERS, ids=lambda case: case.text)
def test_user_filters_select(case: Case):
    """A filter of the table selects the users it should, and names the leniencies it used."""
    if case.matches is not None:
        assert selected(case.text, USER, USERS) == case.matches
    assert tuple(dict.fromkeys(code for code, _ in compile_filter(case.text, USER).leniencies)) == case.leniencies


@pytest.mark.parametrize("case", GROUP_FILTERS, ids=lambda case: case.text)
def test_group_filters_select(case: Case):
    """A filter of the table selects the groups it should."""
    assert selected(case.text, GROUP, GROUPS) == case.matches
    assert tuple(code for code, _ in compile_filter(case.text, GROUP).leniencies) == case.leniencies


@pytest.mark.parametrize("text", [*NOT_OF_A_USER, *MALFORMED], ids=ascii)
def test_filters_that_do_not_fit_are_refused(text: str):
    """An unknown attribute or an impossible comparison is answered with 400 invalidFilter."""
    with pytest.raises(ScimError) as caught:
        compile_filter(text, USER)
    assert (caught.value.status, caught.value.scim_type) == (400, "invalidFilter")
    assert len(caught.value.detail) < 300


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("count eq 5", "a"),
        ("count ne 5", "b c"),
        ("count gt 4.5", "a"),
        ("count le -1", "b"),
        ("count eq 1", ""),
        ("count lt 1e300", "a b"),
        ("level eq 0.5", "a"),
        ("level eq 3.0", "b"),
        ("level ge 0", "a b"),
        ('tags eq "red"', "a c"),
        ('tags ne "red"', "a b"),
        ('tags sw "gr"', "a"),
        ("tags pr", "a c"),
        ("tags eq null", "b"),
        ('key eq "QUJD"', "a"),
        ('key eq "qujd"', ""),
        ('key co "UJ"', "a"),
        ("readings.count eq 7", "b c"),
        ("readings.count ne 7", "a"),
        ("readings[count eq 7]", "b c"),
        ('readings[count eq 7 and labels eq "X"]', "b"),
        ('readings[count eq 7 and labels eq "z"]', ""),
        ('readings.labels eq "z"', "b"),
        ('readings.labels ne "z"', "a b c"),
        ("readings.labels pr", "b"),
        ("readings[labels eq null]", "a c"),
    ],
)
def test_types_of_custom_schemas(text: str, names: str):
    """Numbers compare by value, simple multi-valued attributes by any value, and a boolean is no number."""
    assert selected(text, METER, METERS) == names


@pytest.mark.parametrize(
    "text",
    [
        'count eq "5"',
        "count eq true",
        'count co "5"',
        "count co 5",
        "level sw 0",
        "readings eq 5",
        'tags[value eq "x"]',
        'key gt "A"',
        'readings[count eq "7"]',
    ],
)
def test_impossible_comparisons_of_custom_schemas(text: str):
    """Numbers are not compared with texts nor in parts, and what is not complex has nothing to select by."""
    with pytest.raises(ScimError) as caught:
        compile_filter(text, METER)
    assert caught.value.scim_type == "invalidFilter"


@pytest.mark.parametrize(
    ("text", "equalities", "exact"),
    [
        ('userName eq "BJensen"', [("username", "bjensen")], True),
        ('UserName eq "Straße"', [("username", "strasse")], True),
        ('externalId eq "Ext-1"', [("externalid", "Ext-1")], True),
        ('id eq "C-2"', [("id", "C-2")], True),
        (f'{CORE_USER}:userName eq "x"', [("username", "x")], True),
        ('name.familyName eq "J"', [("name.familyname", "j")], True),
        ('emails eq "A@b.c"', [("emails.value", "a@b.c")], True),
        ('emails.value eq "A@b.c"', [("emails.value", "a@b.c")], True),
        ('emails[value eq "A@b.c"]', [("emails.value", "a@b.c")], True),
        ('emails[type eq "work" and value eq "x"]', [("emails.type", "work"), ("emails.value", "x")], False),
        ('emails[type eq "work"].value eq "x"', [("emails.type", "work"), ("emails.value", "x")], False),
        ('userName eq "x" and title pr', [("username", "x")], False),
        ('(userName eq "x" and title pr) and id eq "1"', [("username", "x"), ("id", "1")], False),
        ('userName eq "x" and (title pr or id eq "1")', [("username", "x")], False),
        ('userName eq "x" or title pr', [], False),
        ('not (userName eq "x")', [], False),
        ('emails[not (value eq "x")]', [], False),
        ('emails[value eq "x" or type pr]', [], False),
        ('not (emails[value eq "x"])', [], False),
        ('emails[type eq "work"].value ne "x"', [], False),
        ('userName ne "x"', [], False),
        ('userName sw "x"', [], False),
        ("userName eq null", [], False),
        ("active eq true", [], False),
        ('meta.created eq "2010-01-23T04:56:22Z"', [], False),
        (f'{ENTERPRISE}:employeeNumber eq "1"', [], False),
        ('employeeNumber eq "1"', [], False),
        ("id eq 5", [("id", "5")], True),
    ],
)
def test_equalities_for_an_index(text: str, equalities: list[tuple[str, str]], exact: bool):
    """Equalities that every match fulfils are given to the index, and said to be all when they are."""
    query = compile_filter(text, USER)
    assert list(query.equalities) == equalities
    assert query.exact is exact


@pytest.mark.parametrize("text", ['members.value eq "u-1"', 'members[value eq "u-1"]', 'members eq "u-1"'])
def test_membership_is_one_exact_equality(text: str):
    """However a client asks for the groups of a user, an index alone can answer."""
    query = compile_filter(text, GROUP)
    assert (query.equalities, query.exact) == ((("members.value", "u-1"),), True)


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        ('userName eq "x"', {"username"}),
        ('Emails[type eq "work"].value pr or name.givenName pr', {"emails", "name"}),
        (f"{ENTERPRISE}:manager pr and meta.created pr", {ENTERPRISE.lower(), "meta"}),
        ('employeeNumber eq "1"', {ENTERPRISE.lower()}),
        (f"{ENTERPRISE} pr", {ENTERPRISE.lower()}),
        (f"{CORE_USER} pr", set()),
        ('groups.value eq "g1"', {"groups"}),
    ],
)
def test_needs_name_what_is_read(text: str, needs: set[str]):
    """A query says which attributes it reads, so that none need be put together for nothing."""
    assert compile_filter(text, USER).needs == needs


@pytest.mark.parametrize(
    ("text", "users", "groups"),
    [
        ('userName eq "bjensen"', "barbara", ""),
        ('userName ne "bjensen"', "conor strasse broken", "guides empty"),
        ("members pr", "", "guides"),
        ("not (members pr)", "barbara conor strasse broken", "empty"),
        ('members.value ne "u-9"', "barbara conor strasse broken", "guides empty"),
        ('members[value eq "u-2"]', "", "guides"),
        ('members[value eq "u-2"].type eq null', "barbara conor strasse broken", "guides empty"),
        ('members[value eq "u-2"].type ne "x"', "barbara conor strasse broken", "guides empty"),
        ("members eq null", "barbara conor strasse broken", "empty"),
        ('title eq null and displayName sw "E"', "", "empty"),
        ("nothing pr", "", ""),
        ('nothing.sub eq "x"', "", ""),
        ('nothing ne "x"', "barbara conor strasse broken", "guides empty"),
        ("nothing gt 5 or nothing[a pr]", "", ""),
        ('displayName.sub eq "x"', "", ""),
        ('emails[nothing eq "x"]', "", ""),
        (f"{CORE_GROUP} pr", "", "guides empty"),
        (f'{CORE_GROUP}:displayName eq "Empty"', "", "empty"),
        (f"{ENTERPRISE} pr", "barbara strasse broken", ""),
        ('id eq "g1" or id eq "c-2"', "conor", "guides"),
    ],
)
def test_unknown_attributes_of_a_query_over_all_types(text: str, users: str, groups: str):
    """At the root an attribute that a type does not have is one without a value (RFC 7644 §3.4.2.1)."""
    for kind, resources, expected in ((USER, USERS, users), (GROUP, GROUPS, groups)):
        query = compile_filter(text, kind, unknown="false")
        assert " ".join(name for name, resource in resources.items() if query.matches(resource)) == expected


def test_impossible_comparisons_stay_errors_at_the_root():
    """What can never be compared is refused whatever the endpoint."""
    for text in ('password eq "x"', "userName eq true", "active gt true"):
        with pytest.raises(ScimError):
            compile_filter(text, USER, unknown="false")


def test_unknown_attribute_is_named():
    """The sentence tells type and attribute."""
    with pytest.raises(ScimError, match=r"User has no attribute favouriteColour\."):
        compile_filter("favouriteColour pr", USER)
    with pytest.raises(ScimError, match=r"compare a sub-attribute, such as name\.formatted"):
        compile_filter('name co "x"', USER)


def test_text_and_tree_compile_alike():
    """A tree gives the query that its text gives, without the leniencies that only the text shows."""
    text = 'emails[type eq work].value eq "bjensen@example.com" and active eq "true"'
    by_text, by_tree = compile_filter(text, USER), compile_filter(parse(text).node, USER)
    assert by_text.equalities == by_tree.equalities
    assert [code for code, _ in by_text.leniencies] == [
        "unquoted-filter-value",
        "value-path-comparison",
        "filter-boolean-string",
    ]
    assert [code for code, _ in by_tree.leniencies] == ["filter-boolean-string"]


def test_types_do_not_share_compilations():
    """One text compiled for two types is two queries."""
    text = "displayName pr and not (externalId pr)"
    assert compile_filter(text, USER) is compile_filter(text, USER)
    assert compile_filter(text, USER) is not compile_filter(text, GROUP)


def test_long_and_deep_filters_run():
    """1,000 clauses in a row and 100 brackets inside each other run without exhausting the stack."""
    chain = " or ".join(f'userName eq "u{number}"' for number in range(999)) + ' or userName eq "bjensen"'
    assert selected(chain, USER, USERS) == "barbara"
    every = " and ".join(["userName pr"] * 1000)
    assert selected(every, USER, USERS) == "barbara conor strasse broken"
    deep = "not (title pr and " * 99 + "not (title pr)" + ")" * 99
    assert selected(deep, USER, USERS) == "barbara conor strasse broken"


# Values of one attribute (PATCH)


@pytest.mark.parametrize(
    ("path", "equalities", "key", "leniencies"),
    [
        ('emails[type eq "work"]', {"type": "work"}, None, []),
        ('emails[TYPE eq "work" and Primary eq true]', {"type": "work", "primary": True}, None, []),
        (
            'emails[type eq "work" and primary eq "True"]',
            {"type": "work", "primary": True},
            None,
            ["filter-boolean-string"],
        ),
        ('emails[value eq "A@b.c"]', {"value": "A@b.c"}, "A@b.c", []),
        ('emails[value eq "x" and type eq "work"]', {"value": "x", "type": "work"}, None, []),
        ('emails[type eq "work" or type eq "home"]', {}, None, []),
        ('emails[not (type eq "work")]', {}, None, []),
        ('emails[type ne "work" and value eq "x"]', {"value": "x"}, None, []),
        ("emails[type eq null]", {}, None, []),
        ("emails[value pr]", {}, None, []),
        ("emails[value eq 5]", {"value": "5"}, "5", ["unquoted-filter-value"]),
    ],
)
def test_value_filters_tell_their_equalities(path: str, equalities: dict, key: str | None, leniencies: list[str]):
    """A value filter tells what a value that satisfies it must hold, in canonical names and types."""
    node = parse_path(path).filter
    assert node is not None
    query = compile_value_filter(node, EMAILS)
    assert dict(query.equalities) == equalities
    assert query.key == key
    assert [code for code, _ in query.leniencies] == leniencies


def test_value_filters_match_single_values():
    """A value filter is asked about one value at a time."""
    node = parse('type eq "work" and not (primary eq true)').node
    matches = compile_value_filter(node, EMAILS).matches
    assert matches({"type": "Work", "value": "x"})
    assert not matches({"type": "work", "primary": True})
    assert not matches({"value": "x"})
    assert compile_value_filter(parse('value eq "u-1"').node, MEMBERS).matches({"value": "u-1"})
    assert not compile_value_filter(parse('value eq "U-1"').node, MEMBERS).matches({"value": "u-1"})


@pytest.mark.parametrize(
    ("text", "attribute"),
    [
        ('nothing eq "x"', EMAILS),
        ('type.x eq "y"', EMAILS),
        ('urn:x:y:type eq "y"', EMAILS),
        ("primary gt true", EMAILS),
        ('type[value eq "x"]', EMAILS),
        ('type[value eq "x"].value pr', EMAILS),
        ("type co null", EMAILS),
        ('value eq "x"', USER.attributes["username"]),
        ('value eq "x"', USER.attributes["schemas"]),
    ],
)
def test_value_filters_that_do_not_fit_are_refused(text: str, attribute: Attribute):
    """A value filter names sub-attributes of its attribute, and nothing else."""
    with pytest.raises(ScimError) as caught:
        compile_value_filter(parse(text).node, attribute)
    assert caught.value.scim_type == "invalidFilter"


# Against an independent reading of the RFC

ORACLE_TYPES = {
    "userName": "text",
    "externalId": "exact",
    "title": "text",
    "active": "boolean",
    "meta.lastModified": "date",
    "name.givenName": "text",
    "emails.value": "text",
    "emails.type": "text",
    "emails.primary": "boolean",
}
texts = st.sampled_from(["", "a", "A", "b", "ab", "Ba", "ß", "ss"])
dates = st.sampled_from(
    ["2020-01-01T00:00:00Z", "2020-01-01T01:00:00+01:00", "2020-01-01T00:00:00.5Z", "2021-06-30T12:00:00"]
)
stored = {"text": texts, "exact": texts, "boolean": st.booleans(), "date": dates}


def clause_on(make, path: str):
    kind = ORACLE_TYPES[path]
    ops = ["eq", "ne"] if kind == "boolean" else ["eq", "ne", "gt", "ge", "lt", "le"]
    if kind in ("text", "exact"):
        ops += ["co", "sw", "ew"]
    return st.builds(make, st.just(path), st.sampled_from(ops), stored[kind]) | st.builds(
        make, st.just(path), st.sampled_from(["eq", "ne", "pr"]), st.none()
    )


def as_node(path: str, op: str, value: object):
    name, _, sub = path.partition(".")
    where = AttrPath(None, name, sub or None)
    return Present(where) if op == "pr" else Compare(where, op, value)


def as_inner(path: str, op: str, value: object):
    return as_node(path.partition(".")[2], op, value)


EMAIL_PATHS = [path for path in ORACLE_TYPES if path.startswith("emails.")]
email_filters = logic(st.one_of([clause_on(as_inner, path) for path in EMAIL_PATHS]))


def selecting(filter_: object, clause: Compare | Present):
    where = AttrPath(None, "emails")
    if isinstance(clause, Present):
        return ValuePresent(where, filter_, clause.path.name)
    return ValueCompare(where, filter_, clause.path.name, clause.op, clause.value)


user_filters = logic(
    st.one_of([clause_on(as_node, path) for path in ORACLE_TYPES])
    | st.builds(ValuePath, st.just(AttrPath(None, "emails")), email_filters)
    | st.builds(selecting, email_filters, st.one_of([clause_on(as_inner, path) for path in EMAIL_PATHS]))
)
emails = st.fixed_dictionaries({}, optional={"value": texts, "type": texts, "primary": st.booleans() | st.none()})
users = st.fixed_dictionaries(
    {},
    optional={
        "userName": texts,
        "externalId": texts,
        "title": texts | st.none(),
        "active": st.booleans(),
        "meta": st.fixed_dictionaries({}, optional={"lastModified": dates}),
        "name": st.fixed_dictionaries({}, optional={"givenName": texts}),
        "emails": st.lists(emails, max_size=3),
    },
)


def instant_of(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def oracle_values(values: list[Any], kind: str, op: str, literal: Any) -> bool:
    """What a clause says of the values that are assigned."""
    there = [value for value in values if value not in (None, "")]
    if op == "pr" or literal is None:
        return bool(there) != (op == "eq")
    values = [value for value in values if value is not None]
    if kind == "date":
        values, literal = [instant_of(value) for value in values], instant_of(literal)
    elif kind == "text":
        values, literal = [value.casefold() for value in values], literal.casefold()
    if op == "ne":
        return not values or any(value != literal for value in values)
    return any(
        {
            "eq": lambda value: value == literal,
            "co": lambda value: literal in value,
            "sw": lambda value: value.startswith(literal),
            "ew": lambda value: value.endswith(literal),
            "gt": lambda value: value > literal,
            "ge": lambda value: value >= literal,
            "lt": lambda value: value < literal,
            "le": lambda value: value <= literal,
        }[op](value)
        for value in values
    )


def oracle(node: Any, user: dict[str, Any], prefix: str = "") -> bool:
    """Evaluate a tree by walking it, with none of the compiler's short cuts."""
    if isinstance(node, And):
        return all(oracle(item, user, prefix) for item in node.items)
    if isinstance(node, Or):
        return any(oracle(item, user, prefix) for item in node.items)
    if isinstance(node, Not):
        return not oracle(node.item, user, prefix)
    chosen = user.get("emails", [])
    if isinstance(node, ValuePath | ValueCompare | ValuePresent):
        chosen = [email for email in chosen if oracle(node.filter, email, "emails.")]
        if isinstance(node, ValuePath):
            return bool(chosen)
    op = getattr(node, "op", "pr")
    literal = getattr(node, "value", None)
    if isinstance(node, ValueCompare | ValuePresent):
        values, path = [email.get(node.sub) for email in chosen], f"emails.{node.sub}"
    elif node.path.sub is None:
        values, path = [user.get(node.path.name)], prefix + node.path.name
    else:
        path = str(node.path)
        holder = user.get(node.path.name) or []
        values = [item.get(node.path.sub) for item in (holder if isinstance(holder, list) else [holder])]
    of_one_value = prefix or isinstance(node, ValueCompare) or op == "eq"
    if path == "emails.primary" and of_one_value and op != "pr" and literal is not None:
        # A value that does not say whether it is primary is not (RFC 7643 §2.4).
        values = [False if value is None else value for value in values]
    return oracle_values(values, ORACLE_TYPES[path], op, literal)


@settings(max_examples=400)
@given(user_filters, st.lists(users, min_size=1, max_size=5))
def test_compiled_filters_agree_with_the_oracle(node, resources):
    """A compiled filter selects what a plain evaluation of the tree selects, and its equalities hold for all of it."""
    query = compile_filter(node, USER)
    for user in resources:
        assert query.matches(user) == oracle(node, user)
        held = [(key, value) for key, value in query.equalities if value in indexed(user, key)]
        if query.matches(user):
            assert len(held) == len(query.equalities)
        elif query.exact:
            assert not held


def indexed(user: dict[str, Any], key: str) -> list[str]:
    """What an index would hold of a resource under a key."""
    found: list[Any] = [user]
    for name in key.split("."):
        found = [value for item in found for field, value in item.items() if field.lower() == name]
        found = [value for item in found for value in (item if isinstance(item, list) else [item])]
    return [value if key == "externalid" else value.casefold() for value in found if isinstance(value, str)]


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | dates,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["value", "type", "primary"]), inner),
    max_leaves=6,
)


@settings(max_examples=200)
@given(user_filters, st.dictionaries(st.sampled_from(["userName", "title", "active", "meta", "name", "emails"]), junk))
def test_no_stored_value_makes_a_filter_raise(node, resource):
    """Whatever a resource holds, a compiled filter answers yes or no."""
    assert compile_filter(node, USER).matches(resource) in (True, False)


@pytest.mark.parametrize("case", [*USER_FILTERS, *GROUP_FILTERS], ids=lambda case: case.text)
def test_filters_of_the_table_survive_broken_resources(case: Case):
    """No filter of the table raises on a resource whose every attribute is of the wrong type."""
    kind = GROUP if case in GROUP_FILTERS else USER
    query = compile_filter(case.text, kind)
    for value in (None, 5, True, "x", [], {}, ["x"], [[]], [{}], [{"value": {}}], {"value": ["x"]}, [None]):
        resource = dict.fromkeys([*(a.name for a in kind.attributes.values()), ENTERPRISE], value)
        assert query.matches(resource) in (True, False)
