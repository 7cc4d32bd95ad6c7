"""What goes over the wire: addresses, headers, what has gone wrong in a word, rate, TLS."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest
import trustme

from mockscim import MockScim
from mockscim.provision.sender import Sender
from mockscim.provision.target import Target, TargetError
from mockscim.provisioning.wire import Request
from tests.processes import Server, free_port

READ = Request("GET", "/Users?filter=userName%20eq%20%22a%40b%22")


@pytest.mark.parametrize(
    ("given", "path", "url"),
    [
        ("http://h/scim/v2", "/Users", "http://h/scim/v2/Users"),
        ("http://h/scim/v2/", "/Users?a=1", "http://h/scim/v2/Users?a=1"),
        ("http://h/scim/v2?aadOptscim062020", "/Users", "http://h/scim/v2/Users?aadOptscim062020"),
        ("http://h/v2/?aadOptscim062020", "/Users?filter=a%20eq", "http://h/v2/Users?aadOptscim062020&filter=a%20eq"),
        ("https://h:8443/t/x?aadOptscim062020/", "/Groups/1", "https://h:8443/t/x/Groups/1?aadOptscim062020"),
    ],
)
def test_the_query_of_the_base_url_goes_with_every_request(given, path, url):
    """It is put where queries go, wherever it stood, and nothing is encoded anew."""
    assert Target(given).url(path) == url


@pytest.mark.parametrize(
    "given", ["", "h/scim", "ftp://h/x", "http://", "http://h/a b", "http://u:p@h/", "http://h/#x"]
)
def test_a_target_that_is_no_base_url(given):
    """It is refused, and the option is named."""
    with pytest.raises(TargetError, match="--target"):
        Target(given)


@asynccontextmanager
async def sender(url, token="", **options):
    options = {"headers": {"Accept": "application/scim+json"}, **options}
    async with Sender(Target(url), token, **options) as opened:
        yield opened


async def test_requests_as_they_are_sent(segment):
    """SCIM's media type with a body and none without, the token, the path as the plan has encoded it."""
    async with sender(segment.base_url, segment.token) as one:
        assert (await one.send(READ)).status == 200
        made = await one.send(Request("POST", "/Users", {"userName": "ann@example.com"}))
        gone = await one.send(Request("DELETE", f"/Users/{made.resource['id']}"))
    assert (made.status, gone.status, gone.body) == (201, 204, None)
    assert made.seconds > 0
    assert made.header("content-type").startswith("application/scim+json")
    read, post, _ = segment.journal
    assert read.query == READ.path.partition("?")[2]
    assert "content-type" not in {name.lower() for name in read.request.headers}
    assert post.request.headers["content-type"] == "application/scim+json; charset=utf-8"
    assert post.request.headers["authorization"] == "Bearer ***"


async def test_answers_that_are_no_json_and_redirects(segment):
    """Text stays text; a redirect is an answer like any other, and nobody follows it."""
    async with sender(segment.base_url, segment.token) as one:
        with segment.fault("abort", status=302, times=1):
            assert (await one.send(READ)).status == 302
        with segment.fault("outage", how="503", body="html"):
            answer = await one.send(READ)
    assert answer.status == 503
    assert answer.body.startswith("<!doctype html>")
    assert len(segment.journal) == 2


async def test_an_answer_that_nests_too_deeply_is_text(segment):
    """What could not be shown again, nor copied, is no document; nothing that follows trips over it."""
    deep = "[" * 600 + "]" * 600
    async with sender(segment.base_url, segment.token) as one:
        with segment.fault("abort", status=400, body=deep, content_type="application/json"):
            answer = await one.send(READ)
    assert (answer.status, answer.body) == (400, deep)


@pytest.mark.parametrize(
    ("fault", "word"), [("reset", "reset"), ("drop", "closed"), ("hang", "timeout"), ("truncate", "cut short")]
)
async def test_why_there_is_no_answer(segment, fault, word):
    """A word for each way in which an answer does not come, and nothing is sent a second time."""
    async with sender(segment.base_url, segment.token, timeout=0.3) as one:
        await one.send(READ)  # a connection that is kept
        with segment.fault(fault):
            answer = await one.send(READ)
    assert (answer.status, answer.error) == (None, word)
    await segment.averify("user.list", count=2, within=5)


async def test_nobody_listens():
    """It is said so."""
    async with sender(f"http://127.0.0.1:{free_port()}") as one:
        assert (await one.send(READ)).error == "refused"
    async with sender("http://no.such.host.invalid") as one:
        assert (await one.send(READ)).error in ("name not found", "timeout")


async def test_the_rate_is_kept(segment):
    """So many requests a second leave, however many senders there are."""
    async with sender(segment.base_url, segment.token, rate=100, concurrency=5) as one:
        began = time.monotonic()
        await asyncio.gather(*(one.send(READ) for _ in range(21)))
        taken = time.monotonic() - began
    assert taken >= 0.2
    assert one.sent == 21


async def test_tls(tmp_path):
    """A server's certificate is believed when its CA is named, and only then."""
    with Server("--tls", "self-signed", "--token", "for-tests") as server:
        async with sender(server.base_url, "for-tests", ca=server.ready["ca"]) as one:
            assert (await one.send(READ)).status == 200
        async with sender(server.base_url, "for-tests") as one:
            assert (await one.send(READ)).error == "TLS: the certificate is not trusted"
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    (tmp_path / "none.pem").write_text("nothing")
    for name, words in (("none.pem", "no certificates"), ("missing.pem", "no such file")):
        with pytest.raises(TargetError, match=words):
            Sender(Target("https://h"), headers={}, ca=str(tmp_path / name))


async def test_a_token_that_no_header_can_hold():
    """It is refused before anything is sent."""
    with pytest.raises(TargetError, match="--token"):
        Sender(Target("http://h"), "two words", headers={})


async def test_concurrency(company):
    """Objects of a phase go at the same time, as many as is allowed, and the log keeps the objects' order."""
    from mockscim import Entra

    logs = []
    for concurrency in (1, 8):
        async with MockScim(profile="segment", clock="virtual") as scim:
            with scim.fault("latency", delay="25ms"):
                async with Entra(company(20, 3), scim.base_url, token=scim.token, concurrency=concurrency) as job:
                    await job.start()
                    report = await job.cycle()
                    assert report.ok, report.failures[0]
                    logs.append(([entry["id"] for entry in job.log], report.seconds))
    assert logs[0][0] == logs[1][0]
    assert logs[1][1] < logs[0][1] / 2
