"""RFC 7644 §3.4.2.2: filters."""

import pytest
from edge import USER, assert_scim_error
from rfc import (
    DEVICES,
    ENTERPRISE,
    GROUPS,
    SEARCH,
    USERS,
    created,
    found,
)


@pytest.mark.rfc("3.4.2.2-1", "3.4.2.2-c")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('displayName eq "Ann Ashdown"', ["u-1"]),
        ('displayName ne "Ann Ashdown"', ["u-2", "u-3", "u-4", "u-5"]),
        ('name.familyName co "or"', ["u-3"]),
        ('userName co "n@ex"', ["u-1", "u-2"]),
        ('userName sw "an"', ["u-1"]),
        ('userName sw "ann@example.com"', ["u-1"]),
        ('displayName ew "den"', []),
        ('displayName ew "Brien"', ["u-4"]),
        ('displayName ew "Dana O\'Brien"', ["u-4"]),
        ("active eq false", ["u-4"]),
        ("active ne false", ["u-1", "u-2", "u-3", "u-5"]),
        ('name.familyName co "O\'B"', ["u-4"]),
    ],
)
def test_comparisons(client, text, expected):
    """eq, ne, co, sw and ew find what they say, and nothing else."""
    assert found(client, text) == expected


@pytest.mark.rfc("3.4.2.2-d")
def test_presence(client):
    """``pr`` finds what has a value: none for null, [] or an object without any; a sub-attribute is enough."""
    bare = created(client, userName="x1@example.com", title=None, emails=[], name={})
    named = created(client, userName="x2@example.com", title="T", name={"givenName": "G"})
    mine = 'userName sw "x"'
    assert found(client, f"{mine} and title pr") == [named["id"]]
    assert found(client, f"{mine} and name pr") == [named["id"]]
    assert found(client, f"{mine} and not (emails pr)") == [bare["id"], named["id"]]
    assert found(client, f"{mine} and id pr") == [bare["id"], named["id"]]


@pytest.mark.rfc("3.4.2.2-e")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ports gt 9", ["ten"]),
        ("ports ge 9", ["nine", "ten"]),
        ("ports lt 10", ["nine"]),
        ("ports le 10", ["nine", "ten"]),
        ("weight gt 9.5", ["ten"]),
        ('bought gt "2026-01-01T00:00:00Z"', ["ten"]),
        ('bought ge "2026-01-01T01:00:00+01:00"', ["nine", "ten"]),
        ('bought lt "2026-01-01T10:00:00Z"', ["nine"]),
        ('bought le "2026-01-01T00:00:00.000Z"', ["nine"]),
        ('hostName gt "nine"', ["ten"]),
        ('hostName ge "NINE"', ["nine", "ten"]),
        ('hostName lt "nj"', ["nine"]),
        ('hostName le "m"', []),
    ],
)
def test_order_comparisons(devices, text, expected):
    """gt, ge, lt and le compare numbers as numbers, dates in time whatever their zone, and strings by letters."""
    created(devices, DEVICES, serialNumber="1", hostName="nine", ports=9, weight=9.25, bought="2026-01-01T00:00:00Z")
    created(
        devices, DEVICES, serialNumber="2", hostName="ten", ports=10, weight=10.5, bought="2026-01-02T00:00:00+14:00"
    )
    answer = devices.get(DEVICES, params={"filter": text})
    assert answer.status_code == 200, answer.text
    assert [resource["hostName"] for resource in answer.json().get("Resources", [])] == expected


@pytest.mark.rfc("3.4.2.2-4", "3.4.2.2-5", "3.4.2.2-6", "3.4.2.2-7")
@pytest.mark.parametrize("operator", ["gt", "ge", "lt", "le"])
@pytest.mark.parametrize("text", ["online {} true", 'firmware {} "AQID"'])
def test_what_has_no_order(devices, operator, text):
    """Booleans and binaries are not compared by order: 400 invalidFilter, also when no device is there."""
    assert_scim_error(devices.get(DEVICES, params={"filter": text.format(operator)}), 400, "invalidFilter")


MALFORMED = [
    "",
    " ",
    "userName",
    "userName eq",
    'eq "ann"',
    '"ann" eq userName',
    'userName "ann"',
    'userName eq "ann" and',
    'or userName eq "ann"',
    'userName eq "ann" title pr',
    'userName eq "ann',
    "userName eq 'ann'",
    '(userName eq "ann"',
    'userName eq "ann")',
    "()",
    "not userName pr",
    'emails[type eq "work"',
    'emails type eq "work"]',
    'user name eq "ann"',
    '1name eq "x"',
    "userName pr pr",
    "userName pr eq",
    "title eq undefined",
    "title eq 01",
    "userName..x pr",
    'userName eq "\\x"',
]


@pytest.mark.rfc("3.4.2.2-2", "3.4.2.2-3", "3.4.2.2-10")
@pytest.mark.parametrize("text", MALFORMED)
def test_malformed_filters(strict, text):
    """What the grammar does not have is 400 invalidFilter."""
    assert_scim_error(strict.get(USERS, params={"filter": text}), 400, "invalidFilter")


@pytest.mark.rfc("3.4.2.2-10")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("title eq null", ["u-1", "u-2", "u-3", "u-4"]),
        ("title ne null", ["u-5"]),
        ('(((userName sw "ann")))', ["u-1"]),
        ('not (not (userName sw "ann"))', ["u-1"]),
        ('emails[not (type eq "home") and (value sw "ann" or value sw "bj")]', ["u-1", "u-2"]),
        (f'{USER}:name.givenName eq "Ann"', ["u-1"]),
        (f'{ENTERPRISE}:department eq "Engineering"', ["u-5"]),
        ('userName eq "\\u0061nn@example.com"', ["u-1"]),
        ('displayName eq "Emre Y\\u0131ld\\u0131z"', ["u-5"]),
    ],
)
def test_what_the_grammar_has(strict, text, expected):
    """Literals, brackets, value paths, URNs and escapes are understood with --strict."""
    assert found(strict, text) == expected


@pytest.mark.rfc("3.4.2.2-8")
def test_brackets_are_about_one_value(client):
    """What stands in brackets must hold of one e-mail; the same with and outside of them may be of two."""
    two = [{"value": "x@work.example.com", "type": "work"}, {"value": "x@home.example.com", "type": "home"}]
    mixed = created(client, userName="x@example.com", emails=two)["id"]
    assert found(client, 'emails[type eq "work" and value co "@home"]') == []
    assert found(client, 'emails.type eq "work" and emails.value co "@home"') == [mixed]
    assert found(client, 'emails[type eq "home" and value co "@home"]') == [mixed]


@pytest.mark.rfc("3.4.2.2-9")
@pytest.mark.parametrize(
    "text", ["emails[]", 'emails["work"]', 'emails[colour eq "red"]', "emails[type]", 'emails[emails[type eq "work"]]']
)
def test_what_is_no_filter_in_brackets(strict, text):
    """In brackets stands a filter over the sub-attributes of what precedes them."""
    assert_scim_error(strict.get(USERS, params={"filter": text}), 400, "invalidFilter")


@pytest.mark.rfc("3.4.2.2-11")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('userName sw "ann" or userName sw "dana" and active eq true', ["u-1"]),
        ('(userName sw "ann" or userName sw "dana") and active eq true', ["u-1"]),
        ('(userName sw "bj" or userName sw "dana") and active eq false', ["u-4"]),
        ('userName sw "bj" or userName sw "dana" and active eq false', ["u-2", "u-4"]),
        ('active eq true and userName sw "dana" or userName sw "ann"', ["u-1"]),
        ('not (active eq true) and userName sw "ann" or userName sw "emre"', ["u-5"]),
        ('not (active eq true and userName sw "ann")', ["u-2", "u-3", "u-4", "u-5"]),
    ],
)
def test_precedence(client, text, expected):
    """Brackets first, then not, then and, then or."""
    assert found(client, text) == expected


@pytest.mark.rfc("3.4.2.2-12")
@pytest.mark.parametrize("text", ['name eq "Ann"', 'name co "Ann"', 'meta gt "2026"'])
def test_a_complex_attribute_has_no_order_of_its_own(strict, text):
    """A complex attribute is not compared as a whole."""
    assert_scim_error(strict.get(USERS, params={"filter": text}), 400, "invalidFilter")


@pytest.mark.rfc("3.4.2.2-12")
def test_a_sub_attribute_is_named(strict):
    """With its sub-attribute it is."""
    assert found(strict, 'name.givenName eq "Ann"') == ["u-1"]


@pytest.mark.rfc("3.4.2.2-13")
def test_values_the_provider_assigned(client):
    """A member's type and display, which no client sent, are filtered as they were answered."""
    group = created(client, GROUPS, displayName="New", members=[{"value": "u-4"}])
    assert (group["members"][0]["type"], group["members"][0]["display"]) == ("User", "Dana O'Brien")
    mine = 'displayName eq "New" and '
    assert found(client, mine + 'members.type eq "User"', GROUPS) == [group["id"]]
    assert found(client, mine + 'members[display eq "Dana O\'Brien"]', GROUPS) == [group["id"]]
    assert found(client, mine + 'members.type eq "Group"', GROUPS) == []


@pytest.mark.rfc("3.4.2.2-14")
@pytest.mark.parametrize("operator", ["regex", "eqq", "like", "=", "=="])
def test_unknown_operators(client, operator):
    """An unknown operator is 400 invalidFilter, and the detail names it."""
    answer = client.get(USERS, params={"filter": f'userName {operator} "ann"'})
    assert operator in assert_scim_error(answer, 400, "invalidFilter")["detail"]


@pytest.mark.rfc("3.4.2.2-15", "7643/7-8")
@pytest.mark.parametrize("operator", ["eq", "co", "sw", "ew"])
def test_case(devices, operator):
    """Names of hosts are found in any case, serial numbers, which are caseExact, in their own only."""
    made = created(devices, DEVICES, serialNumber="Ab", hostName="Ab")["id"]
    assert found(devices, f'hostName {operator} "aB"', DEVICES) == [made]
    assert found(devices, f'serialNumber {operator} "aB"', DEVICES) == []
    assert found(devices, f'serialNumber {operator} "Ab"', DEVICES) == [made]


@pytest.mark.rfc("3.4.2.2-a", "3.10-b", "7643/2.1-a")
@pytest.mark.parametrize(
    "text",
    [
        'username EQ "ann@example.com"',
        'USERNAME Sw "ann@"',
        'NAME.GIVENNAME eq "Ann" AND Active eq true',
        'EMAILS[Type eQ "work" aNd VALUE sw "ann"]',
        f'{USER.upper()}:UserName eq "ann@example.com"',
        'NOT (userName NE "ann@example.com")',
    ],
)
def test_names_and_operators_in_any_case(strict, text):
    """Attributes, URNs and operators may be written in any case."""
    assert found(strict, text) == ["u-1"]


@pytest.mark.rfc("3.4.2.2-b")
def test_one_of_several_values(client):
    """One e-mail of two is enough; so is one member."""
    both = created(client, userName="x@example.com", emails=[{"value": "a@one.test"}, {"value": "b@two.test"}])["id"]
    assert found(client, 'emails.value eq "b@two.test"') == [both]
    assert found(client, 'emails co "one.test"') == [both]
    assert found(client, 'members.value eq "u-3"', GROUPS) == ["g-1"]


@pytest.mark.rfc("3.4.2.2-f")
def test_filter_by_schema(strict):
    """Users with the enterprise extension are found by its URN."""
    assert found(strict, f'schemas eq "{ENTERPRISE}"') == ["u-5"]
    assert found(strict, f'schemas eq "{USER}"') == ["u-1", "u-2", "u-3", "u-4", "u-5"]


@pytest.mark.rfc("3.4.3-6")
@pytest.mark.parametrize("text", MALFORMED)
def test_search_with_a_malformed_filter(strict, text):
    """What is no filter is none in a SearchRequest either."""
    assert_scim_error(strict.post(f"{USERS}/.search", json={"schemas": [SEARCH], "filter": text}), 400, "invalidFilter")
