"""Requests read without a parser: exactly those that the parser would read so."""

import string

import pytest
from aiohttp.http_parser import HttpRequestParser, RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD
from edge import TOKEN, request_bytes

from mockscim.server.heads import Heads

HOST = "Host: example.com\r\n"


class Protocol:
    """As much of a connection as aiohttp's parser needs."""

    _reading_paused = False

    def pause_reading(self):
        """Nothing comes in but what the test sends."""

    def resume_reading(self, resume_parser=True):
        """Nor is it paused."""


@pytest.fixture
def parse(server_loop):
    """Parse one request with aiohttp's own parser: its message and the size of its body."""

    def parse(data):
        parser = HttpRequestParser(Protocol(), server_loop, 2**16, max_line_size=2**17, max_field_size=2**17)
        ((message, payload),) = parser.feed_data(data)[0]
        return message, 0 if payload is EMPTY_PAYLOAD else payload.total_bytes

    return parse


@pytest.fixture
def heads(parse):
    """One that has learned a block without a body and one with two bytes."""
    heads = Heads()
    for data in (f"GET / HTTP/1.1\r\n{HOST}\r\n", f"POST / HTTP/1.1\r\n{HOST}Content-Length: 2\r\n\r\n{{}}"):
        heads.learn(data.encode(), *parse(data.encode()))
    assert len(heads) == 2
    return heads


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("target", ["/", "/Users/1?a=b%20c", "/" + string.punctuation.replace("#", ""), "//a:b@c/d"])
def test_what_is_read_is_what_the_parser_reads(heads, parse, method, target):
    """Method, target, headers and body are the parser's own."""
    for block, body in ((HOST, b""), (HOST + "Content-Length: 2\r\n", b"[]")):
        data = f"{method} {target} HTTP/1.1\r\n{block}\r\n".encode() + body
        message, size = parse(data)
        read = heads.read(data)
        assert read is not None
        assert isinstance(message, RawRequestMessage)
        assert (read[0], read[1], dict(read[2].headers), read[3]) == (
            message.method,
            message.path,
            dict(message.headers),
            data[len(data) - size :],
        )


@pytest.mark.parametrize(
    "data",
    [
        f"GET / HTTP/1.1\r\n{HOST}X: a\r\n\r\n",  # another block
        f"GET / HTTP/1.0\r\n{HOST}\r\n",
        f"GET / HTTP/1.1 \r\n{HOST}\r\n",
        f"GET  / HTTP/1.1\r\n{HOST}\r\n",
        f" GET / HTTP/1.1\r\n{HOST}\r\n",
        f"\r\nGET / HTTP/1.1\r\n{HOST}\r\n",
        f"GET /\tx HTTP/1.1\r\n{HOST}\r\n",
        f"GET /\x7f HTTP/1.1\r\n{HOST}\r\n",
        f"GET /a#b HTTP/1.1\r\n{HOST}\r\n",
        f"GET /\nX HTTP/1.1\r\n{HOST}\r\n",
        f"GET /\xe4 HTTP/1.1\r\n{HOST}\r\n",
        f"GET http://example.com/ HTTP/1.1\r\n{HOST}\r\n",
        f"get / HTTP/1.1\r\n{HOST}\r\n",
        f"CONNECT / HTTP/1.1\r\n{HOST}\r\n",
        f"GET /{'a' * 9000} HTTP/1.1\r\n{HOST}\r\n",
        f"GET / HTTP/1.1\r\n{HOST}\r\nGET / HTTP/1.1\r\n{HOST}\r\n",  # the next has come with it
        f"POST / HTTP/1.1\r\n{HOST}Content-Length: 2\r\n\r\n{{",
        f"POST / HTTP/1.1\r\n{HOST}Content-Length: 2\r\n\r\n{{}}G",
        f"GET / HTTP/1.1\r\n{HOST}",
        f"GET / HTTP/1.1\n{HOST}\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "",
        "\r\n\r\n",
    ],
)
def test_what_is_not_exactly_so_is_left_to_the_parser(heads, data):
    """Another version, more words, a part, or more than one request."""
    assert heads.read(data.encode("latin-1")) is None


@pytest.mark.parametrize(
    ("first", "block"),
    [
        ("GET / HTTP/1.0", HOST),
        ("GET / HTTP/1.1", HOST + "Connection: close\r\n"),
        ("GET / HTTP/1.1", HOST + "Connection: keep-alive\r\n"),
        ("POST / HTTP/1.1", HOST + "Transfer-Encoding: chunked\r\n"),
        ("POST / HTTP/1.1", HOST + "Content-Length: 2\r\nContent-Encoding: gzip\r\n"),
        ("POST / HTTP/1.1", HOST + "Content-Length: 2\r\nExpect: 100-continue\r\n"),
        ("GET / HTTP/1.1", HOST + "Upgrade: x\r\nConnection: upgrade\r\n"),
        ("GET / HTTP/1.1", HOST + f"X: {'a' * 5000}\r\n"),
        ("POST / HTTP/1.1", HOST + "Content-Length: 02\r\n"),
    ],
)
def test_what_is_unusual_is_not_remembered(parse, first, block):
    """Whatever asks for more than an answer is the parser's each time."""
    heads = Heads()
    data = f"{first}\r\n{block}\r\n".encode()
    body = b"{}" if b"Length" in data else b"0\r\n\r\n" if b"chunked" in data else b""
    message, size = parse(data + body)
    heads.learn(data + body, message, size)
    assert len(heads) == 0


def test_few_are_remembered(parse):
    """A client that makes its headers up anew each time does not fill the memory."""
    heads = Heads()
    for n in range(1500):
        data = f"GET / HTTP/1.1\r\n{HOST}X-Request-Id: {n}\r\n\r\n".encode()
        heads.learn(data, *parse(data))
    assert 0 < len(heads) <= 512


def test_the_end_of_a_head_is_no_request(server):
    """What looks like a request, and is the value of a header that began before, is not answered as one."""
    plain = request_bytes("GET", "/scim/v2/Users/u-1")
    raw = server.raw()
    for _ in range(2):  # the block is known now
        raw.send(plain)
        assert raw.answer()[0] == 200
    raw.send(f"GET /scim/v2/Users/u-2 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\nX: ".encode())
    server.admin.get("/_mockscim/health")  # what was sent before has been read by then
    raw.send(plain)
    status, _, body = raw.answer()
    assert status in (200, 400)
    assert b'"u-1"' not in body
    assert [entry["path"] for entry in server.admin.get("/_mockscim/journal").json()["items"]][2:] in (
        ["/Users/u-2"],
        [],
    )


def test_a_body_that_comes_later_is_waited_for(server):
    """A known block whose body comes in parts, and the request after it, are read as sent."""
    body = b'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"later%d@example.com"}'
    raw = server.raw()
    for n in range(1, 7):
        sent = request_bytes("POST", "/scim/v2/Users", body % n)
        if n % 2:
            raw.send(sent)
        else:
            raw.send(sent[:-10])
            server.admin.get("/_mockscim/health")  # what was sent before has been read by then
            raw.send(sent[-10:])
        status, _, answer = raw.answer()
        assert status == 201
        assert b"later%d@example.com" % n in answer


def test_a_body_that_is_too_large_is_so_each_time(serve):
    """A known block does not let in more than the limit."""
    server = serve(max_body=100)
    sent = request_bytes("POST", "/scim/v2/Users", {"userName": "a" * 200})
    for _ in range(3):
        raw = server.raw()
        raw.send(sent)
        assert raw.answer()[0] == 413
