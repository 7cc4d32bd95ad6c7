"""The way of a request over a real socket: authentication, refusals, headers, and HTTP said wrongly."""

import gzip
import json
from urllib.parse import quote

import httpx
import pytest
from edge import AUTH, ERROR, PATCH_OP, SCIM_JSON, TOKEN, a_user, assert_scim_error, read_head, request_bytes

SEES_401 = ["/scim/v2/Users", "/scim/v2/Users/u-1", "/scim/v2/ServiceProviderConfig", "/scim/v2"]


# -- authentication --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SEES_401)
def test_no_token(server, path):
    """Without credentials a request is 401, with a challenge that names no error (RFC 6750 §3)."""
    answer = server.http({}).get(path)
    assert_scim_error(answer, 401)
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="mockscim"'


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer", f"Bearer {TOKEN} x"])
def test_wrong_token(server, header):
    """A token that does not open the tenant is 401 with invalid_token; nothing is written."""
    answer = server.http({"Authorization": header}).post("/scim/v2/Users", json=a_user())
    assert_scim_error(answer, 401)
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    (entry,) = server.journal()
    assert (entry["operation"], entry["committed"]) == ("user.create", False)
    assert "zed@example.com" not in server.users()


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_scheme_in_any_case(server, scheme):
    """An authentication scheme is case-insensitive (RFC 9110 §11.1)."""
    assert server.http({"Authorization": f"{scheme} {TOKEN}"}).get("/scim/v2/Users").status_code == 200


def test_no_auth(serve):
    """A server without authentication takes every request."""
    server = serve(auth=False)
    assert server.http({}).get("/scim/v2/Users").status_code == 200
    assert server.http({"Authorization": "Bearer whatever"}).get("/scim/v2/Users").status_code == 200


def test_token_that_is_not_utf8(server):
    """Stray bytes in a token are a wrong token, and do not disturb the journal."""
    raw = server.raw().send(
        b"GET /scim/v2/Users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \xff\xfe\r\nX-\x41: \xe9\r\n\r\n"
    )
    assert raw.answer()[0] == 401
    (entry,) = server.journal()
    assert entry["request"]["headers"]["Authorization"] == "Bearer ***"
    assert server.admin.get("/_mockscim/journal.har").status_code == 200


# -- refusals --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/scim",
        "/scim/v1/Users",
        "/scim/v2/Nowhere",
        "/scim/v2/Users/nobody",
        "/scim/v2/Users/u-1/x",
        "/scim/v2/Schemas/x",
    ],
)
def test_not_found(server, path):
    """Unknown endpoints and ids are 404."""
    assert_scim_error(server.client.get(path), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/scim/v2/Users", {"GET", "POST"}),
        ("PUT", "/scim/v2/Users", {"GET", "POST"}),
        ("POST", "/scim/v2/Users/u-1", {"GET", "PUT", "PATCH", "DELETE"}),
        ("OPTIONS", "/scim/v2/Users", {"GET", "POST"}),
        ("TRACE", "/scim/v2/Users", {"GET", "POST"}),
        ("GET", "/scim/v2/Users/.search", {"POST"}),
        ("POST", "/scim/v2/ServiceProviderConfig", {"GET"}),
        ("DELETE", "/scim/v2/Schemas/urn:ietf:params:scim:schemas:core:2.0:User", {"GET"}),
    ],
)
def test_method_not_allowed(server, method, path, allowed):
    """A method that an endpoint does not have is 405 with Allow."""
    answer = server.client.request(method, path)
    assert_scim_error(answer, 405)
    found = {name.strip() for name in answer.headers["Allow"].split(",")}
    assert allowed <= found
    assert method not in found


def test_not_implemented(server):
    """What SCIM has and this server does not is 501 (RFC 7644 §3.11)."""
    assert_scim_error(server.client.post("/scim/v2/Me", json={}), 501)


def test_too_large_announced(serve):
    """A body that announces more than the limit is 413 before it is read."""
    server = serve(max_body=1000)
    answer = server.client.post("/scim/v2/Users", json=a_user(displayName="x" * 1000))
    assert_scim_error(answer, 413)
    assert server.client.post("/scim/v2/Users", json=a_user(displayName="x" * 800)).status_code == 201
    assert [e["response"]["status"] for e in server.journal()] == [413, 201]


def test_too_large_chunked(serve):
    """A body that announces no size is 413 once it is beyond the limit."""
    server = serve(max_body=1000)
    answer = server.client.post("/scim/v2/Users", content=iter([b"x" * 600, b"y" * 600, b"z" * 600]), headers=SCIM_JSON)
    assert_scim_error(answer, 413)
    assert answer.headers["Connection"] == "close"


def test_too_large_when_unpacked(serve):
    """A small packed body that unpacks to more than the limit is 413 too."""
    server = serve(max_body=100_000)
    bomb = gzip.compress(b" " * 10_000_000)
    answer = server.client.post("/scim/v2/Users", content=bomb, headers={**SCIM_JSON, "Content-Encoding": "gzip"})
    assert_scim_error(answer, 413)


def test_packed_body(server):
    """A packed body is unpacked."""
    body = gzip.compress(json.dumps(a_user()).encode())
    answer = server.client.post("/scim/v2/Users", content=body, headers={**SCIM_JSON, "Content-Encoding": "gzip"})
    assert answer.status_code == 201


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_body_that_is_not_packed(server, encoding):
    """A body that cannot be unpacked as announced is 400."""
    headers = {**SCIM_JSON, "Content-Encoding": encoding}
    assert_scim_error(server.client.post("/scim/v2/Users", content=b"zzzz" * 99, headers=headers), 400)


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/scim+json", 201),
        ("application/json", 201),
        ("Application/SCIM+JSON; charset=utf-8", 201),
        ("application/json;charset=UTF-8", 201),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/xml", 415),
        ("application/scim+jsonx", 415),
        ("nonsense", 415),
    ],
)
def test_content_type(server, content_type, status):
    """SCIM's and plain JSON's media types are taken, with parameters and in any case; others are 415."""
    body = json.dumps(a_user())
    answer = server.client.post("/scim/v2/Users", content=body, headers={"Content-Type": content_type})
    if status == 201:
        assert answer.status_code == 201
    else:
        assert_scim_error(answer, 415)


def test_content_type_absent(serve):
    """No Content-Type is taken with a leniency, and refused by --strict."""
    body = json.dumps(a_user()).encode()
    tolerant, strict = serve(), serve(strict=True)
    assert tolerant.client.post("/scim/v2/Users", content=body).status_code == 201
    assert [x["code"] for x in tolerant.journal()[0]["leniencies"]] == ["missing-content-type"]
    assert_scim_error(strict.client.post("/scim/v2/Users", content=body), 415)


def test_content_type_of_stray_bytes(server):
    """A Content-Type that is not text is 415, not a failure."""
    raw = server.raw().send(
        request_bytes("POST", "/scim/v2/Users", a_user()).replace(b"application/scim+json", b"\xff/\xfe")
    )
    status, _, body = raw.answer()
    assert status == 415
    assert json.loads(body)["schemas"] == [ERROR]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"1",
        b'{"userName": NaN}',
        b'{"userName": Infinity}',
        b'{"userName": "\xff"}',
        b'\xef\xbb\xbf{"userName": "bom"}',
        b'{"userName": "\\ud800"}',
        b'{"userName": "a",}',
        b"{'userName': 'a'}",
        b'{"userName": "a"} trailing',
        b"[" * 100_000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        json.dumps(a_user()).encode("utf-16"),
    ],
)
def test_bad_body(server, body):
    """What is not a JSON object in UTF-8 is 400 invalidSyntax, for every method that takes a body."""
    for method, path in (("POST", "/scim/v2/Users"), ("PUT", "/scim/v2/Users/u-1"), ("PATCH", "/scim/v2/Users/u-1")):
        assert_scim_error(server.client.request(method, path, content=body, headers=SCIM_JSON), 400, "invalidSyntax")
    assert len(server.users()) == 5


def test_surprising_json(server):
    """Numbers, nesting and names that no client sends are answered with a SCIM error, never a failure."""
    for body in (
        b'{"userName": 1e400}',
        b'{"userName": 123456789012345678901234567890}',
        b'{"userName": {"userName": []}}',
        b'{"userName": "a\\u0000b"}',
        b'{"": "", "schemas": {}}',
        b'{"schemas": [1, null, {}], "userName": "x"}',
        b'{"userName": "x", "emails": "x"}',
        b'{"userName": "x", "emails": [[[]]]}',
        b'{"userName": "x", "name": []}',
        b'{"userName": "x", "active": "perhaps"}',
        b'{"Operations": 1}',
        b'{"Operations": [1]}',
        b'{"Operations": [{"op": 1, "path": {}, "value": []}]}',
        b'{"Operations": [{"op": "add", "path": "emails[", "value": 1}]}',
        b'{"Operations": [{"op": "add", "path": "' + b"(" * 3000 + b'", "value": 1}]}',
    ):
        for method, path in (
            ("POST", "/scim/v2/Users"),
            ("PUT", "/scim/v2/Users/u-1"),
            ("PATCH", "/scim/v2/Users/u-1"),
        ):
            answer = server.client.request(method, path, content=body, headers=SCIM_JSON)
            assert answer.status_code < 500, (body, answer.text)
            if answer.status_code >= 400:
                assert_scim_error(answer, answer.status_code)


def test_body_of_get_and_delete(server):
    """A body where none belongs is read and left aside; the connection stays in step."""
    raw = server.raw()
    assert raw.send(request_bytes("GET", "/scim/v2/Users/u-1", b"surplus")).answer()[0] == 200
    assert raw.send(request_bytes("DELETE", "/scim/v2/Users/u-4", b"surplus")).answer()[0] == 204
    assert raw.send(request_bytes("GET", "/scim/v2/Users/u-1")).answer()[0] == 200


# -- what goes out ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "application/scim+json"),
        ("*/*", "application/scim+json"),
        ("application/scim+json", "application/scim+json"),
        ("application/json", "application/json"),
        ("application/json; q=0.9, text/html", "application/json"),
        ("application/json, application/scim+json", "application/scim+json"),
        ("application/json, */*", "application/scim+json"),
        ("text/html", "application/scim+json"),
        ("", "application/scim+json"),
        ("x" * 5000, "application/scim+json"),
    ],
)
def test_accept(server, accept, expected):
    """Answers are application/scim+json, or application/json for who accepts only that (RFC 7644 §3.1)."""
    headers = request_bytes("GET", "/scim/v2/Users/u-1", headers=[] if accept is None else [("Accept", accept)])
    assert server.raw().send(headers).answer()[1]["content-type"] == expected


def test_create_names_its_place(server):
    """A create answers 201 with Location, ETag and the same in meta; both lead back to the resource."""
    made = server.client.post("/scim/v2/Users", json=a_user())
    assert made.status_code == 201
    meta = made.json()["meta"]
    assert made.headers["Location"] == meta["location"] == f"{server.root}/scim/v2/Users/{made.json()['id']}"
    assert made.headers["ETag"] == meta["version"]
    found = server.client.get(meta["location"])
    assert found.json() == made.json()
    assert found.headers["ETag"] == meta["version"]


def test_conditional_requests(server):
    """If-None-Match answers 304 without a body, If-Match of another version 412, and the current one is taken."""
    client = server.client
    etag = client.get("/scim/v2/Users/u-1").headers["ETag"]
    unchanged = client.get("/scim/v2/Users/u-1", headers={"If-None-Match": etag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["ETag"] == etag
    assert client.get("/scim/v2/Users/u-1", headers={"If-None-Match": 'W/"other"'}).status_code == 200
    rename = {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "displayName", "value": "A"}]}
    for method, path, body in (
        ("PATCH", "/scim/v2/Users/u-1", rename),
        ("PUT", "/scim/v2/Users/u-1", a_user("ann@example.com")),
        ("DELETE", "/scim/v2/Users/u-1", None),
    ):
        refused = client.request(method, path, json=body, headers={"If-Match": 'W/"other"'})
        assert_scim_error(refused, 412)
    changed = client.patch("/scim/v2/Users/u-1", json=rename, headers={"If-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != etag
    assert_scim_error(client.patch("/scim/v2/Users/u-1", json=rename, headers={"If-Match": etag}), 412)
    assert client.delete("/scim/v2/Users/u-1", headers={"If-Match": "*"}).status_code == 204


def test_location_follows_host(server):
    """Locations and references are of the Host that was called, and of the tenant."""
    answer = server.client.get("/scim/v2/Users/u-1", headers={"Host": "idp.example:8443"}).json()
    assert answer["meta"]["location"] == "http://idp.example:8443/scim/v2/Users/u-1"
    assert answer["groups"][0]["$ref"] == "http://idp.example:8443/scim/v2/Groups/g-1"
    tenant = server.http(AUTH, "red").get("/scim/v2/Groups/g-1").json()
    assert tenant["meta"]["location"] == f"{server.root}/t/red/scim/v2/Groups/g-1"
    assert all(m["$ref"].startswith(f"{server.root}/t/red/scim/v2/Users/") for m in tenant["members"])
    types = server.http(AUTH, "red").get("/scim/v2/ResourceTypes/User").json()
    assert types["meta"]["location"] == f"{server.root}/t/red/scim/v2/ResourceTypes/User"


def test_location_follows_base_url(serve):
    """With --base-url, locations are below it, whatever Host was called, nonsense included."""
    server = serve(base_url="https://scim.example/p")
    for host in ("idp.example", "<script>"):
        answer = server.client.get("/scim/v2/Users/u-1", headers={"Host": host}).json()
        assert answer["meta"]["location"] == "https://scim.example/p/scim/v2/Users/u-1"


@pytest.mark.parametrize("host", ["evil.example/x", '"><script>', "a b", "u@evil", "a:b:c", "[::1"])
def test_hostile_host(server, host):
    """A Host that is none is 400, and not repeated in what is answered."""
    raw = server.raw().send(request_bytes("GET", "/scim/v2/Users/u-1").replace(b"scim.test", host.encode()))
    status, _, body = raw.answer()
    assert status == 400
    assert json.loads(body)["schemas"] == [ERROR]
    assert host.encode() not in body


def test_head(server):
    """HEAD has the headers of GET and no body, also where GET is refused."""
    raw = server.raw()
    _, expected, body = raw.send(request_bytes("GET", "/scim/v2/Users/u-1")).answer()
    status, headers, _ = raw.send(request_bytes("HEAD", "/scim/v2/Users/u-1")).answer("HEAD")
    assert status == 200
    assert int(headers["content-length"]) == len(body)
    assert {**headers, "date": ""} == {**expected, "date": ""}
    assert raw.send(request_bytes("HEAD", "/scim/v2/Users/nobody")).answer("HEAD")[0] == 404
    assert raw.send(request_bytes("GET", "/scim/v2/Users/u-1")).answer()[2] == body


def test_date_and_server(server):
    """Each answer is dated, and every header is on a line of its own."""
    headers = server.client.get("/scim/v2/Users/u-1").headers
    assert headers["Server"] == "mockscim"
    assert headers["Date"].endswith("GMT")


# -- connections -----------------------------------------------------------------------------------------------


def test_keep_alive(server):
    """A connection serves many requests, errors among them, and the journal tells which they shared."""
    raw = server.raw()
    for path, status in (("/scim/v2/Users/u-1", 200), ("/scim/v2/Users/nobody", 404), ("/scim/v2/Users?count=0", 200)):
        assert raw.send(request_bytes("GET", path)).answer()[0] == status
    server.raw().send(request_bytes("GET", "/scim/v2/Users/u-1")).answer()
    connections = [entry["connection"] for entry in server.journal()]
    assert len(set(connections[:3])) == 1
    assert connections[3] != connections[0]


def test_pipelining(server):
    """Requests sent in one packet are answered in their order."""
    raw = server.raw()
    raw.send(
        request_bytes("POST", "/scim/v2/Users", a_user())
        + request_bytes("GET", "/scim/v2/Users/u-2")
        + request_bytes("DELETE", "/scim/v2/Users/u-4")
        + request_bytes("GET", "/scim/v2/Users/u-4")
    )
    answers = [raw.answer() for _ in range(4)]
    assert [status for status, _, _ in answers] == [201, 200, 204, 404]
    assert json.loads(answers[1][2])["id"] == "u-2"
    assert [e["n"] for e in server.journal()] == [1, 2, 3, 4]


def test_request_in_small_pieces(server):
    """A request may arrive byte by byte."""
    raw = server.raw()
    for byte in request_bytes("POST", "/scim/v2/Users", a_user()):
        raw.send(bytes([byte]))
    assert raw.answer()[0] == 201


def test_connection_close(server):
    """A client that wants to close is told so, and the connection closes."""
    raw = server.raw().send(request_bytes("GET", "/scim/v2/Users/u-1", headers=[("Connection", "close")]))
    seen = raw.everything()
    assert read_head(seen.partition(b"\r\n\r\n")[0])[1]["connection"] == "close"


@pytest.mark.parametrize("keep", [False, True])
def test_http_1_0(server, keep):
    """HTTP/1.0 is served: without Host, closing unless it asks to keep the connection."""
    extra = "Connection: keep-alive\r\n" if keep else ""
    ask = f"GET /scim/v2/Users/u-1 HTTP/1.0\r\n{extra}Authorization: Bearer {TOKEN}\r\n\r\n"
    raw = server.raw().send(ask)
    status, headers, body = raw.answer()
    assert status == 200
    assert json.loads(body)["meta"]["location"] == f"{server.root}/scim/v2/Users/u-1"
    if keep:
        assert headers["connection"] == "keep-alive"
        assert raw.send(ask).answer()[0] == 200
    else:
        assert raw.everything() == b""


def test_expect_continue(server):
    """A client that waits for 100 Continue gets it when its body is wanted."""
    whole = request_bytes("POST", "/scim/v2/Users", a_user(), headers=[("Expect", "100-continue")])
    head, _, body = whole.partition(b"\r\n\r\n")
    raw = server.raw().send(head + b"\r\n\r\n")
    assert raw.answer()[0] == 100
    assert raw.send(body).answer()[0] == 201


def test_expect_continue_refused(serve):
    """A client whose announced body is too large is told instead of asked for it."""
    server = serve(max_body=100)
    head = request_bytes("POST", "/scim/v2/Users", b"x" * 200, headers=[("Expect", "100-continue")]).partition(
        b"\r\n\r\n"
    )
    assert server.raw().send(head[0] + b"\r\n\r\n").answer()[0] == 413


def test_upgrade_is_not_taken(server):
    """An offer to speak another protocol is left aside, as curl --http2 makes with its first request."""
    offer = [
        ("Connection", "Upgrade, HTTP2-Settings"),
        ("Upgrade", "h2c"),
        ("HTTP2-Settings", "AAMAAABkAAQCAAAAAAIAAAAA"),
    ]
    raw = server.raw()
    assert raw.send(request_bytes("POST", "/scim/v2/Users", a_user(), headers=offer)).answer()[0] == 201
    assert raw.send(request_bytes("GET", "/scim/v2/Users/u-1")).answer()[0] == 200


def test_absolute_target(server):
    """A target in absolute form, as to a proxy, is served (RFC 9112 §3.2.2)."""
    assert server.raw().send(request_bytes("GET", "http://other.test/scim/v2/Users?count=0")).answer()[0] == 200


def test_long_filter(server):
    """A filter of 60 KB in the URL is read; one with too many comparisons is refused in order."""
    raw = server.raw()
    for start, size in (("ann@example.com", 0), ("x", 60_000)):
        wanted = quote(f'userName eq "{start}" or userName eq "{"y" * size}"')
        status, _, body = raw.send(request_bytes("GET", f"/scim/v2/Users?filter={wanted}")).answer()
        assert status == 200, body[:300]
        assert json.loads(body)["totalResults"] == (1 if size == 0 else 0)
    terms = quote(" or ".join(f'userName eq "user{i}"' for i in range(1500)))
    status, _, body = raw.send(request_bytes("GET", f"/scim/v2/Users?filter={terms}")).answer()
    assert (status, json.loads(body)["totalResults"]) == (200, 0)
    terms = quote(" or ".join(["id pr"] * 2500))
    status, _, body = raw.send(request_bytes("GET", f"/scim/v2/Users?filter={terms}")).answer()
    assert (status, json.loads(body)["scimType"]) == (400, "invalidFilter")


def test_percent_encoded_id(serve):
    """An id is the same however its characters are escaped."""
    server = serve(fixture={"users": [{"id": "a:b@c", "userName": "abc"}]})
    for path in ("a:b@c", "a%3Ab%40c", "%61%3ab%40c"):
        answer = server.client.get(httpx.URL(f"{server.root}/scim/v2/Users/{path}"))
        assert answer.json()["id"] == "a:b@c"
    assert_scim_error(server.client.get("/scim/v2/Users/%ff"), 400)
    assert_scim_error(server.client.get("/scim/v2/Users/%00"), 404)


def test_stop_while_requests_hang(serve):
    """A server stops at once although requests hang, sleep and wait for their bodies."""
    server = serve()
    server.fault("user.create=hang")
    server.fault("user.get=latency(1h)")
    server.raw().send(request_bytes("POST", "/scim/v2/Users", a_user()))
    server.raw().send(request_bytes("GET", "/scim/v2/Users/u-1"))
    server.raw().send(request_bytes("POST", "/scim/v2/Users", a_user())[:-3])
    server.wait_pending(2)
    server.call(server.scim.stop)
    server.wait(lambda: not server.scim.tenants.use("").cuts)
    assert "zed@example.com" not in server.users()
