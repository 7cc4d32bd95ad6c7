"""HTTP said wrongly: refused in SCIM's words, never with a failure."""

import contextlib
import json

import pytest
from edge import ERROR, TOKEN, request_bytes

HOST = f"Host: a\r\nAuthorization: Bearer {TOKEN}\r\n"
POST = f"POST /scim/v2/Users HTTP/1.1\r\n{HOST}Content-Type: application/json\r\n"
GARBLED = {
    "no HTTP": b"hello\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "version": f"GET /scim/v2/Users HTTP/3.7\r\n{HOST}\r\n",
    "method in small letters": f"get /scim/v2/Users HTTP/1.1\r\n{HOST}\r\n",
    "method of stray bytes": b"G\xffT /scim/v2/Users HTTP/1.1\r\nHost: a\r\n\r\n",
    "target of stray bytes": b"GET /scim/v2/Users?filter=\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    "target with NUL": b"GET /scim/v2/Us\0ers HTTP/1.1\r\nHost: a\r\n\r\n",
    "target with a bad host": f"GET http://[::1/scim/v2/Users HTTP/1.1\r\n{HOST}\r\n",
    "target with a bad port": f"GET http://a:99999999/scim/v2/Users HTTP/1.1\r\n{HOST}\r\n",
    "no Host": b"GET /scim/v2/Users HTTP/1.1\r\n\r\n",
    "two Hosts": f"GET /scim/v2/Users HTTP/1.1\r\n{HOST}Host: b\r\n\r\n",
    "header without colon": f"GET /scim/v2/Users HTTP/1.1\r\n{HOST}nonsense\r\n\r\n",
    "space before colon": f"GET /scim/v2/Users HTTP/1.1\r\n{HOST}X : a\r\n\r\n",
    "folded header": f"GET /scim/v2/Users HTTP/1.1\r\n{HOST}X: a\r\n b\r\n\r\n",
    "NUL in header": f"GET /scim/v2/Users HTTP/1.1\r\n{HOST}X: a\0b\r\n\r\n",
    "bare line feeds": b"GET /scim/v2/Users HTTP/1.1\nHost: a\n\n",
    "length and chunks": f"{POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": f"{POST}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": f"{POST}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}",
    "same length twice": f"{POST}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{{}}",
    "lengths in a list": f"{POST}Content-Length: 2, 2\r\n\r\n{{}}",
    "negative length": f"{POST}Content-Length: -2\r\n\r\n{{}}",
    "length with a sign": f"{POST}Content-Length: +2\r\n\r\n{{}}",
    "hexadecimal length": f"{POST}Content-Length: 0x2\r\n\r\n{{}}",
    "unknown transfer coding": f"{POST}Transfer-Encoding: xchunked\r\n\r\n{{}}",
    "chunks that are none": f"{POST}Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "chunk without its end": f"{POST}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}XX\r\n0\r\n\r\n",
    "too many headers": f"GET /scim/v2/Users HTTP/1.1\r\n{HOST}"
    + "".join(f"X{i}: a\r\n" for i in range(40_000))
    + "\r\n",
}


@pytest.mark.parametrize("name", GARBLED)
def test_garbled(server, name):
    """What is not HTTP is refused with a SCIM error and the end of the connection: nothing more is read from it."""
    sent = GARBLED[name]
    tail = b"" if name == "TLS" else request_bytes("DELETE", "/scim/v2/Users/u-1")
    raw = server.raw()
    raw.send((sent if isinstance(sent, bytes) else sent.encode("latin-1")) + tail)
    status, headers, body = raw.answer()
    assert 400 <= status < 500
    assert headers["content-type"] == "application/scim+json"
    assert headers["connection"] == "close"
    assert json.loads(body)["schemas"] == [ERROR]
    assert json.loads(body)["status"] == str(status)
    with contextlib.suppress(ConnectionResetError):  # what was not read any more is answered so by the kernel
        assert raw.everything() == b""
    assert len(server.users()) == 5


@pytest.mark.parametrize(
    "data",
    [
        "GET /scim/v2/Users?" + "a" * 140_000 + f" HTTP/1.1\r\n{HOST}\r\n",
        f"GET /scim/v2/Users HTTP/1.1\r\n{HOST}X: " + "a" * 140_000 + "\r\n\r\n",
    ],
    ids=["line", "header"],
)
def test_too_long(server, data):
    """A request line or a header beyond 128 KiB is 431 (RFC 6585 §5)."""
    status, _, body = server.raw().send(data).answer()
    assert status == 431
    assert json.loads(body)["status"] == "431"


def test_chunks_garbled_later(server):
    """A body whose framing breaks after its head was read is 400, and nothing is committed."""
    raw = server.raw().send(f'{POST}Transfer-Encoding: chunked\r\n\r\n5\r\n{{"a":\r\n')
    server.wait(lambda: server.scim.tenants.use("").journal.last == 1)
    raw.send("zz\r\n")
    status, headers, body = raw.answer()
    assert status == 400
    assert headers["connection"] == "close"
    assert json.loads(body)["schemas"] == [ERROR]
    assert len(server.users()) == 5


def test_odd_targets(server):
    """Targets that are HTTP but lead nowhere are 404."""
    for line in ("OPTIONS * HTTP/1.1", "CONNECT a:80 HTTP/1.1", "GET //scim/v2/Users HTTP/1.1"):
        status, _, body = server.raw().send(f"{line}\r\n{HOST}\r\n").answer()
        assert status == 404
        assert json.loads(body)["schemas"] == [ERROR]


def test_server_goes_on(server):
    """After all that, the next client is served as if nothing had happened."""
    for sent in GARBLED.values():
        server.raw().send(sent)
    assert server.client.get("/scim/v2/Users").json()["totalResults"] == 5
