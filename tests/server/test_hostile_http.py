"""HTTP at its edges, by hand: smuggling, pipelines, old and new protocols, odd targets, huge heads, packed bombs.

What is garbled outright is in ``test_garbled``. Whatever is sent, nobody is answered with a failure, the store holds
what correct requests put there, and a request hidden in another is never served.
"""

import contextlib
import gzip
import json
import zlib

import pytest
from edge import ERROR, TOKEN, a_user, read_head, request_bytes

HOST = f"Host: a\r\nAuthorization: Bearer {TOKEN}\r\n"
JSON = "Content-Type: application/scim+json\r\n"
GET = f"GET /scim/v2/Users/u-1 HTTP/1.1\r\n{HOST}"
POST = f"POST /scim/v2/Users HTTP/1.1\r\n{HOST}{JSON}"
BODY = json.dumps(a_user()).encode()
# What somebody hides in a body, and must not be done.
HIDDEN = request_bytes("DELETE", "/scim/v2/Users/u-1")


def answers(data):
    """The answers in bytes that were received: status and headers of each."""
    found = []
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        status, headers = read_head(head)
        size = 0 if status in (100, 204, 304) else int(headers["content-length"])
        found.append((status, headers, rest[:size]))
        data = rest[size:]
    return found


def told(raw):
    """All answers until the server closes."""
    with contextlib.suppress(ConnectionResetError):  # the kernel's answer to bytes that nobody read
        while chunk := raw.sock.recv(65536):
            raw.rest += chunk
    return answers(raw.rest)


def chunk(data, extension=b""):
    """A chunk of a chunked body."""
    return b"%x%s\r\n%s\r\n" % (len(data), extension, data)


REFUSED = {
    "chunked twice": f"{POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and identity": f"{POST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "identity and length": f"{POST}Transfer-Encoding: identity\r\nContent-Length: 3\r\n\r\nabc",
    "chunked not last": f"{POST}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "chunked with a tab": f"{POST}Transfer-Encoding:\tchunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "chunked behind a vertical tab": f"{POST}Transfer-Encoding: \x0bchunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "chunked in small capitals": f"{POST}Transfer-Encoding: CHUNKED\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "length that overflows": f"{POST}Content-Length: 18446744073709551617\r\n\r\n",
    "length of 400 digits": f"{POST}Content-Length: {'9' * 400}\r\n\r\n",
    "length in other digits": f"{POST}Content-Length: \u00b2\r\n\r\n",
    "length with an underscore": f"{POST}Content-Length: 1_0\r\n\r\n0123456789",
    "length with a fraction": f"{POST}Content-Length: 2.0\r\n\r\n{{}}",
    "length that is empty": f"{POST}Content-Length:\r\n\r\n{{}}",
    "chunk size with a sign": f"{POST}Transfer-Encoding: chunked\r\n\r\n+2\r\n{{}}\r\n0\r\n\r\n",
    "chunk size with 0x": f"{POST}Transfer-Encoding: chunked\r\n\r\n0x2\r\n{{}}\r\n0\r\n\r\n",
    "chunk size that overflows": f"{POST}Transfer-Encoding: chunked\r\n\r\n{'f' * 17}\r\n{{}}\r\n0\r\n\r\n",
    "chunk of negative size": f"{POST}Transfer-Encoding: chunked\r\n\r\n-1\r\n{{}}\r\n0\r\n\r\n",
    "space before the colon of a length": f"{POST}Content-Length : 2\r\n\r\n{{}}",
    "folded length": f"{POST}Content-Length:\r\n 2\r\n\r\n{{}}",
    "header before the first": f"GET /scim/v2/Users HTTP/1.1\r\n X: a\r\n{HOST}\r\n",
    "carriage return alone": f"{GET}X: a\rContent-Length: 5\r\n\r\n",
    "name with a NUL": f"{GET}X\0Y: a\r\n\r\n",
    "name that is empty": f"{GET}: a\r\n\r\n",
    "version of two digits": f"GET /scim/v2/Users HTTP/1.10\r\n{HOST}\r\n",
    "method that nobody knows": f"FROBNICATE /scim/v2/Users HTTP/1.1\r\n{HOST}\r\n",
    "length in a trailer": f"{POST}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\nContent-Length: 99\r\n\r\n",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_may_be_read_in_two_ways_is_refused(server, name):
    """What another server could take for something else ends the connection; what is behind it is not served."""
    raw = server.raw()
    raw.send(REFUSED[name].encode("latin-1") + HIDDEN)
    found = told(raw)
    assert len(found) == 1
    status, headers, body = found[0]
    assert 400 <= status < 500
    assert headers["connection"] == "close"
    assert json.loads(body)["schemas"] == [ERROR]
    assert len(server.users()) == 5


TAKEN = {
    "a length with blanks": (f"{POST}Content-Length: \t {len(BODY)}  \r\n\r\n".encode() + BODY, 201),
    "a length with zeros": (f"{POST}Content-Length: 000{len(BODY)}\r\n\r\n".encode() + BODY, 201),
    "chunked in capitals": (
        f"{POST}TRANSFER-ENCODING: Chunked\r\n\r\n".encode() + chunk(BODY) + b"0\r\n\r\n",
        201,
    ),
    "chunk extensions": (
        f"{POST}Transfer-Encoding: chunked\r\n\r\n".encode() + chunk(BODY, b';a="b";c') + b"0;last\r\n\r\n",
        201,
    ),
    "trailers": (
        f"{POST}Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n".encode() + chunk(BODY) + b"0\r\nX: a\r\n\r\n",
        201,
    ),
    "a byte a chunk": (
        f"{POST}Transfer-Encoding: chunked\r\n\r\n".encode()
        + b"".join(chunk(BODY[i : i + 1]) for i in range(len(BODY)))
        + b"0\r\n\r\n",
        201,
    ),
    "a body that looks like a request": (f"{POST}Content-Length: {len(HIDDEN)}\r\n\r\n".encode() + HIDDEN, 400),
    "a chunk that looks like a request": (
        f"{POST}Transfer-Encoding: chunked\r\n\r\n".encode() + chunk(HIDDEN) + b"0\r\n\r\n",
        400,
    ),
    "a body of a GET that looks like a request": (
        f"{GET}Content-Length: {len(HIDDEN)}\r\n\r\n".encode() + HIDDEN,
        200,
    ),
    "multipart": (
        f"POST /scim/v2/Users HTTP/1.1\r\n{HOST}Content-Type: multipart/form-data; boundary=x\r\n"
        "Content-Length: 21\r\n\r\n--x\r\n\r\nhidden\r\n--x--\r\n".encode(),
        415,
    ),
    "empty lines before it": (f"\r\n\r\n{GET}\r\n".encode(), 200),
    "128 headers": ((GET + "".join(f"X{i}: a\r\n" for i in range(120)) + "\r\n").encode(), 200),
    "a header of 100 KB": (f"{GET}X: {'a' * 100_000}\r\n\r\n".encode(), 200),
    "a header of stray bytes": (GET.encode() + b"X: \xff\xfe\r\n\r\n", 200),
    "absolute target": (f"GET http://evil.example/scim/v2/Users/u-1 HTTP/1.1\r\n{HOST}\r\n".encode(), 200),
    "two spaces before the version": (f"GET /scim/v2/Users/u-1  HTTP/1.1\r\n{HOST}\r\n".encode(), 200),
    "TRACE": (f"TRACE /scim/v2/Users/u-1 HTTP/1.1\r\n{HOST}\r\n".encode(), 405),
    "OPTIONS": (f"OPTIONS /scim/v2/Users HTTP/1.1\r\n{HOST}\r\n".encode(), 405),
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_odd_and_right_is_read_rightly(server, name):
    """It has its one answer, and the request behind it, on the same connection, has its own."""
    sent, expected = TAKEN[name]
    raw = server.raw()
    raw.send(sent + request_bytes("GET", "/scim/v2/Users/u-2", headers=[("Connection", "close")]))
    found = told(raw)
    assert found[0][0] == expected
    assert [status for status, _, _ in found[1:]] == [200]
    assert json.loads(found[1][2])["id"] == "u-2"
    assert len(server.users()) == (6 if expected == 201 else 5)


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/scim/v2/Users/%00", 404),
        ("/scim/v2/Users/%ff", 400),
        ("/scim/v2/Users/%ed%a0%80", 400),  # a lone surrogate
        ("/scim/v2/Users/%c0%af", 400),  # a slash, too long
        ("/scim/v2/Users/%2e%2e/Groups", 404),
        ("/scim/v2/Users/..%2fGroups", 404),
        ("/scim/v2/Users/../../../etc/passwd", 404),
        ("/scim/v2/%55sers/u-1", 200),
        ("/scim/v2/Users/u%2D1", 200),
        ("/scim/v2/Users/%", 404),
        ("/scim/v2/Users/%zz", 404),
        ("/scim/v2/Users/%25%35", 404),
        ("/scim/v2//Users/u-1", 200),  # a base URL that ends in a slash
        ("/scim/v2/Users//u-1", 404),
        ("/scim/v2/Users/u-1/", 200),
        ("/scim/v2/Users/u-1;a=b", 404),
        ("/scim/v2/Users/" + "a" * 100_000, 404),
        ("/scim/v2/Users?" + "&" * 100_000, 200),
        ("/scim/v2/Users?" + "count=1&" * 10_000, 200),
        ("/scim/v2/Users?filter=%", 400),
        ("/scim/v2/Users?filter=%00", 400),
        ("/scim/v2/Users?filter=userName%20eq%20%22%ff%22", 400),
        ("/scim/v2/Users?count=" + "9" * 5000, 200),
        ("/scim/v2/Users?count=-" + "9" * 5000, 200),
        ("/scim/v2/Users?count=1e400", 400),
        ("/scim/v2/Users?startIndex=" + "9" * 400, 200),
        ("/scim/v2/Users?startIndex=%D9%A1", 400),  # an Arabic one
        ("/scim/v2/Users?=&=&a", 200),
        ("/scim/v2/Users?attributes=" + "," * 50_000, 200),
        ("/scim/v2/Users?attributes=" + "name." * 10_000, 200),
        ("/scim/v2/Users?sortBy=" + "a." * 10_000, 400),
        ("/scim/v2/Users?cursor=" + "A" * 50_000, 400),
        ("/t/%2e%2e/scim/v2/Users", 404),
        ("/t/" + "a" * 1000 + "/scim/v2/Users", 404),
        ("/t//scim/v2/Users", 404),
        ("http:///scim/v2/Users/u-1", 400),
        ("https://a:b@c:1/scim/v2/Users/u-1", 200),
        ("ftp://a/scim/v2/Users/u-1", 200),
    ],
)
def test_odd_targets(server, target, status):
    """Escapes, dots, lengths and schemes of a target: decoded once, never to a file or another tenant."""
    answer = server.raw().send(f"GET {target} HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n").answer()
    assert answer[0] == status, answer[2]
    if status != 200:
        assert json.loads(answer[2])["schemas"] == [ERROR]
        assert len(answer[2]) < 1000


def test_long_pipeline(server):
    """Hundreds of requests in one segment are answered in their order; one that is refused holds up nobody."""
    raw = server.raw()
    raw.sock.settimeout(20)
    sent, expected = [], []
    for n in range(600):
        kind = n % 6
        if kind == 0:
            sent.append(request_bytes("GET", "/scim/v2/Users/u-1"))
        elif kind == 1:
            sent.append(request_bytes("POST", "/scim/v2/Users", a_user(f"p{n}@example.com")))
        elif kind == 2:
            sent.append(request_bytes("GET", "/scim/v2/Users/nobody"))
        elif kind == 3:
            sent.append(request_bytes("POST", "/scim/v2/Users", b"{"))
        elif kind == 4:
            sent.append(request_bytes("GET", "/scim/v2/Users/u-2", token="wrong"))
        else:
            body = chunk(json.dumps(a_user(f"p{n}@example.com")).encode()) + b"0\r\n\r\n"
            sent.append(f"{POST}Transfer-Encoding: chunked\r\n\r\n".encode() + body)
        expected.append([200, 201, 404, 400, 401, 201][kind])
    raw.send(b"".join(sent) + request_bytes("GET", "/scim/v2/Users/u-1", headers=[("Connection", "close")]))
    assert [status for status, _, _ in told(raw)] == [*expected, 200]
    made = [entry["path"] for entry in server.journal(operation="user.create", limit=1000)]
    assert len(made) == 300 - 100 + 100
    assert len(server.users()) == 205


def test_pipeline_behind_one_that_waits(server):
    """What follows a request that a fault holds up is answered after it, in order, errors included."""
    server.fault({"name": "it", "type": "latency", "parameters": {"delay": "300ms"}, "times": 1})
    raw = server.raw()
    raw.send(
        request_bytes("GET", "/scim/v2/Users/u-1")
        + request_bytes("GET", "/scim/v2/Users/nobody")
        + b"".join(request_bytes("GET", f"/scim/v2/Users/u-{n % 5 + 1}") for n in range(200))
    )
    found = [raw.answer() for _ in range(202)]
    assert [status for status, _, _ in found] == [200, 404, *[200] * 200]
    assert [json.loads(body)["id"] for _, _, body in found[2:]] == [f"u-{n % 5 + 1}" for n in range(200)]
    assert [status for status, _, _ in told(raw.send(b"garbage\r\n\r\n" + HIDDEN))] == [400]
    assert len(server.users()) == 5


def test_client_that_has_said_all(server):
    """One that has closed its sending half gets its answers, also one that a fault holds up."""
    import socket

    server.fault({"name": "it", "type": "latency", "parameters": {"delay": "100ms"}, "times": 1})
    raw = server.raw()
    raw.send(request_bytes("GET", "/scim/v2/Users/u-1") + request_bytes("POST", "/scim/v2/Users", a_user()))
    raw.sock.shutdown(socket.SHUT_WR)
    assert [status for status, _, _ in told(raw)] in ([200, 201], [])
    raw = server.raw().send(f"{POST}Content-Length: 100\r\n\r\n{{")
    raw.sock.shutdown(socket.SHUT_WR)
    assert told(raw) == []
    assert server.client.get("/scim/v2/Users/u-1").status_code == 200


@pytest.mark.parametrize(
    ("version", "status"), [("", 505), (" HTTP/0.9", 505), (" HTTP/2.0", 505), (" HTTP/1.2", 400), (" ICE/1.0", 400)]
)
def test_protocols_that_are_not_spoken(server, version, status):
    """HTTP/0.9, HTTP/2 and what is no HTTP are refused, and the connection closed."""
    found = told(server.raw().send(f"GET /scim/v2/Users{version}\r\n{HOST}\r\n"))
    assert [status for status, _, _ in found] == [status]
    assert json.loads(found[0][2])["status"] == str(status)


def test_http_1_0_closes(server):
    """HTTP/1.0 has its answer and the end of the connection, and what is sent behind it is not served."""
    old = request_bytes("GET", "/scim/v2/Users/u-1", version="1.0")
    assert [status for status, _, _ in told(server.raw().send(old))] == [200]
    assert [status for status, _, _ in told(server.raw().send(old + HIDDEN))] == [400]
    assert len(server.users()) == 5


def packed(data, how):
    """A body packed as Content-Encoding says."""
    return gzip.compress(data) if how == "gzip" else zlib.compress(data)


@pytest.mark.parametrize("how", ["gzip", "deflate"])
def test_packed_bomb(server, how):
    """A packed body that is too large when unpacked is 413, long before it is all unpacked."""
    bomb = packed(b" " * 300_000_000, how)
    assert len(bomb) < 1_000_000
    head = f"{POST}Content-Encoding: {how}\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    status, _, body = server.raw().send(head + bomb).answer()
    assert (status, json.loads(body)["status"]) == (413, "413")
    assert len(server.users()) == 5


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress", "\xff", "a" * 10_000])
def test_packed_otherwise(server, encoding):
    """A coding that is not understood is refused as the client's mistake; nothing is made of the bytes."""
    head = f"{POST}Content-Encoding: {encoding}\r\nContent-Length: {len(BODY)}\r\n\r\n".encode("latin-1")
    status, _, body = server.raw().send(head + b"\x1f\x8b" + BODY[2:]).answer()
    assert status in (400, 415)
    assert json.loads(body)["schemas"] == [ERROR]
    assert len(server.users()) == 5


def test_expect_something_else(server):
    """An expectation that nobody knows is no reason to hang (RFC 9110 §10.1.1)."""
    status, _, _ = server.raw().send(f"{GET}Expect: the-impossible\r\n\r\n").answer()
    assert status in (200, 417)


@pytest.mark.parametrize(
    ("headers", "status"), [("".join(f"X{i}: a\r\n" for i in range(5000)), 431), (f"{'X' * 200_000}: a\r\n", 431)]
)
def test_large_heads(server, headers, status):
    """Too many headers, or too long a name, are 431 (RFC 6585 §5)."""
    found = told(server.raw().send(f"{GET}{headers}\r\n"))
    assert [each[0] for each in found] == [status]


def test_a_shorter_head_is_an_option(serve):
    """``max_head`` bounds the request line and each header, also of a client whose headers are known."""
    server = serve(max_head=1024)
    raw = server.raw()
    for size, status in ((500, 200), (500, 200), (2000, 431)):
        raw.send(request_bytes("GET", f"/scim/v2/Users/u-1?{'a' * size}"))
        assert raw.answer()[0] == status
    answer = server.raw().send(request_bytes("GET", "/scim/v2/Users/u-1", headers=[("X", "a" * 2000)])).answer()
    assert answer[0] == 431
