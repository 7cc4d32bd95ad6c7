"""RFC 7644 §3.4.2.5, §3.9 and §3.10: which attributes an answer shows, and how they are named."""

import pytest
from edge import USER, assert_scim_error
from rfc import (
    ANN,
    DEVICES,
    ENTERPRISE,
    RACK,
    SEARCH,
    USERS,
    add,
    device,
    patch,
    user,
)


def get(client, **parameters):
    answer = client.get(f"{USERS}/u-5", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def in_list(client, **parameters):
    return client.get(USERS, params={"filter": 'id eq "u-5"', **parameters}).json()["Resources"][0]


def by_search(client, **parameters):
    lists = {name: value.split(",") for name, value in parameters.items()}
    body = {"schemas": [SEARCH], "filter": 'id eq "u-5"', **lists}
    return client.post(f"{USERS}/.search", json=body).json()["Resources"][0]


READS = pytest.mark.parametrize("read", [get, in_list, by_search])
CASES = pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("userName", {"userName": "emre@example.com"}),
        ("USERNAME", {"userName": "emre@example.com"}),
        (f"{USER}:userName", {"userName": "emre@example.com"}),
        ("name", {"name": {"givenName": "Emre", "familyName": "Y\u0131ld\u0131z"}}),
        ("name.givenName", {"name": {"givenName": "Emre"}}),
        (f"{USER}:name.givenName", {"name": {"givenName": "Emre"}}),
        ("emails.value", {"emails": [{"value": "emre@example.com"}]}),
        (f"{ENTERPRISE}:department", {ENTERPRISE: {"department": "Engineering"}}),
        (f"{ENTERPRISE}:manager.value", {ENTERPRISE: {"manager": {"value": "u-1"}}}),
        ("userName,title", {"userName": "emre@example.com", "title": "Team Lead"}),
    ],
)


@pytest.mark.rfc("3.4.2.5-1", "3.4.2.5-2", "3.4.2.5-3", "3.4.3-3", "3.9-1", "3.9-2", "3.10-a", "3.10-b")
@READS
@CASES
def test_attributes(strict, read, names, expected):
    """``attributes`` gives what it names and id, whether of one resource, in a list or by search."""
    shown = read(strict, attributes=names)
    assert {key: value for key, value in shown.items() if key != "schemas"} == {"id": "u-5", **expected}


@pytest.mark.rfc("3.4.2.5-1", "3.4.2.5-2", "3.4.2.5-5", "3.4.3-5", "3.10-a", "3.10-b")
@READS
@pytest.mark.parametrize(
    ("names", "gone"),
    [
        ("title", ["title"]),
        ("TITLE", ["title"]),
        (f"{USER}:title,emails", ["title", "emails"]),
        (ENTERPRISE, [ENTERPRISE]),
        ("meta", ["meta"]),
    ],
)
def test_excluded_attributes(strict, read, names, gone):
    """``excludedAttributes`` takes what it names out of what is shown by default."""
    expected = {key: value for key, value in get(strict).items() if key not in gone}
    shown = read(strict, excludedAttributes=names)
    assert {**shown, "schemas": 0} == {**expected, "schemas": 0}


@pytest.mark.rfc("3.4.2.5-5", "3.4.3-5")
@READS
@pytest.mark.parametrize("name", ["name.familyName", "NAME.familyname", f"{USER}:name.familyName"])
def test_an_excluded_sub_attribute(strict, read, name):
    """A sub-attribute is taken out, and the others stay."""
    assert read(strict, excludedAttributes=name)["name"] == {"givenName": "Emre"}


@pytest.mark.rfc("3.4.2.5-4", "3.4.3-4", "3.9-3", "7643/7-a")
@READS
def test_what_is_always_returned_cannot_be_excluded(strict, read):
    """``id`` stays whatever is excluded."""
    shown = read(strict, excludedAttributes="id,userName")
    assert shown["id"] == "u-5"
    assert "userName" not in shown


@pytest.mark.rfc("3.4.2.5-4", "3.9-2", "3.9-3", "7643/7-a", "7643/7-b", "7643/7-c")
def test_always_never_and_on_request(devices):
    """A label returned always comes with anything; logs only when named; a pin not even then."""
    made = devices.post(
        DEVICES, json=device("S1", label="L", logs="long", pin="1", **{RACK: {"slot": 1, "secret": "s"}})
    )
    path = f"{DEVICES}/{made.json()['id']}"
    asked = devices.get(path, params={"attributes": "ports"}).json()
    assert asked.keys() - {"schemas"} == {"id", "label"}
    asked = devices.get(path, params={"attributes": f"logs,pin,{RACK}:secret"}).json()
    assert asked.keys() - {"schemas"} == {"id", "label", "logs"}
    rest = devices.get(path, params={"excludedAttributes": "label,serialNumber"}).json()
    assert rest.keys() - {"schemas"} == {"id", "label", RACK, "meta"}


@pytest.mark.rfc("3.9-a")
@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"attributes": "title"}, {"id", "title"}),
        ({"excludedAttributes": "meta,userName"}, {"id", "title"}),
    ],
)
def test_projection_of_writes(strict, parameters, expected):
    """POST, PUT and PATCH answer with what the parameters say."""
    made = strict.post(USERS, json=user("zed", title="T"), params=parameters).json()
    path = f"{USERS}/{made['id']}"
    put = strict.put(path, json=user("zed", title="U"), params=parameters).json()
    patched = patch(strict, path, add("title", "V"), **parameters).json()
    assert [answer["title"] for answer in (made, put, patched)] == ["T", "U", "V"]
    assert [answer.keys() - {"schemas"} for answer in (made, put, patched)] == [expected] * 3


@pytest.mark.rfc("3.9-b")
@pytest.mark.parametrize("path", [ANN, USERS])
def test_both_parameters(client, path):
    """Attributes and excludedAttributes at once are refused."""
    answer = client.get(path, params={"attributes": "userName", "excludedAttributes": "emails"})
    assert_scim_error(answer, 400, "invalidValue")
