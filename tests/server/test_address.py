"""What a request's target asks for."""

import pytest
from edge import assert_scim_error

from mockscim.scim.errors import ScimError
from mockscim.server.address import Address, base_url, read_address, read_query
from mockscim.server.options import fixed_base

ENDPOINTS = frozenset({"/users", "/groups", "/schemas"})


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/scim/v2", ("", "scim", "", "")),
        ("/scim/v2/", ("", "scim", "/", "")),
        ("/scim/v2/Users", ("", "scim", "/Users", "")),
        ("/scim/v2/Users?count=1", ("", "scim", "/Users", "count=1")),
        ("/scim/v2/Users/a%20b", ("", "scim", "/Users/a b", "")),
        ("/scim/v2/Users/%C3%A9", ("", "scim", "/Users/é", "")),
        ("/scim/v2/Users/100%25", ("", "scim", "/Users/100%", "")),
        ("/t/red/scim/v2/Users", ("red", "scim", "/Users", "")),
        ("/t/a.b_c~d-e/scim/v2", ("a.b_c~d-e", "scim", "", "")),
        ("/t/%72ed/scim/v2", ("red", "scim", "", "")),
        ("/_mockscim", ("", "control", "", "")),
        ("/_mockscim/journal?since=3", ("", "control", "/journal", "since=3")),
        ("/t/red/_mockscim/reset", ("red", "control", "/reset", "")),
        ("http://other.test/scim/v2/Users?count=1", ("", "scim", "/Users", "count=1")),
        ("https://u@other.test:1/t/red/_mockscim", ("red", "control", "", "")),
        ("/scim/v2?aadOptscim062020", ("", "scim", "", "aadOptscim062020")),
        ("/scim/v2?aadOptscim062020/Users", ("", "scim", "/Users", "aadOptscim062020")),
        ("/scim/v2/?aadOptscim062020/Users", ("", "scim", "/Users", "aadOptscim062020")),
        ("/scim/v2?aadOptscim062020/Users/u-1", ("", "scim", "/Users/u-1", "aadOptscim062020")),
        ("/scim/v2?aadOptscim062020/users?count=1", ("", "scim", "/users", "aadOptscim062020&count=1")),
        (
            '/scim/v2?aadOptscim062020/Users?filter=userName%20eq%20"a/b?c"',
            ("", "scim", "/Users", 'aadOptscim062020&filter=userName%20eq%20"a/b?c"'),
        ),
        ("/scim/v2/Users?aadOptscim062020&filter=x", ("", "scim", "/Users", "aadOptscim062020&filter=x")),
        ("/scim/v2/Users?aadOptscim062020?filter=x", ("", "scim", "/Users", "aadOptscim062020&filter=x")),
        ("/scim/v2/Users?filter=a?b", ("", "scim", "/Users", "filter=a?b")),
        ("/scim/v2?filter=a/Users", ("", "scim", "", "filter=a/Users")),
        ("/scim/v2?x=1&FILTER=a/Users", ("", "scim", "", "x=1&FILTER=a/Users")),
        ("/scim/v2?x=1/Users?filter=a", ("", "scim", "/Users", "x=1&filter=a")),
        ("/scim/v2/?x=1&y=2/Users/u-1", ("", "scim", "/Users/u-1", "x=1&y=2")),
        ("/scim/v2?aadOptscim062020=/Users", ("", "scim", "/Users", "aadOptscim062020=")),
        ("/scim/v2?aadOptscim062020%2FUsers", ("", "scim", "/Users", "aadOptscim062020")),
        ("/scim/v2/Users?flag/u-1", ("", "scim", "/Users/u-1", "flag")),
        ("/scim/v2/Users?flag/u-1?attributes=id", ("", "scim", "/Users/u-1", "flag&attributes=id")),
        ("/scim/v2/Users?back=a/b", ("", "scim", "/Users", "back=a/b")),
        ("/scim/v2/Users/u-1?flag/x", ("", "scim", "/Users/u-1", "flag/x")),
        ("/scim/v2?flag/Nowhere", ("", "scim", "", "flag/Nowhere")),
    ],
)
def test_target(target, expected):
    """A target is told apart into tenant, area, path and query, however a base URL's flag was joined to it."""
    assert read_address(target, ENDPOINTS) == Address(*expected)


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/", 404),
        ("", 404),
        ("*", 404),
        ("/scim", 404),
        ("/scim/v20/Users", 404),
        ("/_mockscimx", 404),
        ("/t/", 404),
        ("/t//scim/v2", 404),
        ("/t/red", 404),
        ("/t/-red/scim/v2", 404),
        ("/t/..%2Fx/scim/v2", 404),
        ("/t/" + "a" * 65 + "/scim/v2", 404),
        ("/t/%ff/scim/v2", 400),
        ("/scim/v2/Users/%ff", 400),
        ("//scim/v2/Users", 404),
    ],
)
def test_no_target(target, status):
    """What is neither SCIM nor control is 404, and what cannot be decoded 400."""
    with pytest.raises(ScimError) as caught:
        read_address(target, ENDPOINTS)
    assert caught.value.status == status


def test_query():
    """Parameters are decoded once, in their order; a plus is a space, and only the first = divides."""
    assert read_query("") == []
    assert read_query("&&a&b=&c=1=2&a+b=%2B+%25&d=%C3%A9") == [
        ("a", ""),
        ("b", ""),
        ("c", "1=2"),
        ("a b", "+ %"),
        ("d", "é"),
    ]
    with pytest.raises(ScimError) as caught:
        read_query("a=%ff")
    assert caught.value.status == 400


@pytest.mark.parametrize("host", ["", "a b", "a/b", 'a"b', "<a>", "a\nb", "u@h", "a:b", "[::1", "a" * 300, "é"])
def test_hostile_host(host):
    """A Host header that is no host does not get into a location."""
    with pytest.raises(ScimError) as caught:
        base_url("http", host, "", None)
    assert caught.value.status == 400


def test_base_url():
    """Locations start with the Host that was called and the tenant's root, or with what was fixed."""
    assert base_url("http", "a.test:81", "", None) == "http://a.test:81/scim/v2"
    assert base_url("https", "[::1]:81", "red", None) == "https://[::1]:81/t/red/scim/v2"
    assert base_url("http", "<nonsense>", "red", "https://x.test/p") == "https://x.test/p/t/red/scim/v2"


def test_fixed_base():
    """A --base-url is http or https with a host, and may end as the base URL itself does."""
    assert fixed_base(None) is None
    assert fixed_base("https://x.test/p/scim/v2/") == "https://x.test/p"
    assert fixed_base("https://x.test") == "https://x.test"
    for wrong in ("x.test", "ftp://x.test", "http://", "http://a b", 'http://a"b', "http://a\r\nX: y"):
        with pytest.raises(ValueError, match="base URL"):
            fixed_base(wrong)


@pytest.mark.parametrize(
    "path",
    [
        "/scim/v2?aadOptscim062020/Users?filter=userName+eq+%22ann@example.com%22",
        "/scim/v2/?aadOptscim062020/Users?filter=userName+eq+%22ann@example.com%22",
        "/scim/v2/Users?aadOptscim062020&filter=userName+eq+%22ann@example.com%22",
        "/scim/v2/Users?aadOptscim062020?filter=userName+eq+%22ann@example.com%22",
        "/scim/v2/Users/?filter=userName+eq+%22ann@example.com%22",
        "/scim/v2//Users?filter=userName+eq+%22ann@example.com%22",
        "/scim/v2/users?filter=userName+eq+%22ann@example.com%22",
    ],
)
def test_base_url_with_query(server, path):
    """Every way in which a client appends a path and a filter to a base URL with a flag finds the user."""
    assert server.client.get(path).json()["totalResults"] == 1
    assert server.journal()[-1]["operation"] == "user.list"


def test_base_url_with_flag_writes(server):
    """Writes reach their endpoint through a base URL with a flag too, and locations do not carry it on."""
    made = server.client.post("/scim/v2/?aadOptscim062020/Users", json={"userName": "flag@example.com"})
    assert made.status_code == 201
    location = made.headers["Location"]
    assert location == f"{server.root}/scim/v2/Users/{made.json()['id']}"
    assert server.client.delete(f"/scim/v2?aadOptscim062020/Users/{made.json()['id']}").status_code == 204


def test_custom_endpoint_behind_flag(serve):
    """The endpoints that a fixture brings along are found behind a flag as well."""
    devices = {
        "schemas": [
            {"id": "urn:x:Device", "name": "Device", "attributes": [{"name": "serial", "type": "string"}]},
        ],
        "resourceTypes": [{"name": "Device", "endpoint": "/Devices", "schema": "urn:x:Device"}],
        "resources": {"/Devices": [{"serial": "d1"}]},
    }
    server = serve(fixture=devices)
    assert server.client.get("/scim/v2?flag/Devices").json()["totalResults"] == 1
    assert server.journal()[-1]["operation"] == "device.list"


def test_nowhere(server):
    """A path outside is told in SCIM's words."""
    assert_scim_error(server.client.get("/elsewhere"), 404)
    assert_scim_error(server.client.get("/t/red%2f/scim/v2/Users"), 404)
