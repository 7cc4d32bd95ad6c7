"""The page about clients and faults on the wire says what is so, over HTTP and TLS, with the clients there are."""

import gc

import pytest
import wire_table
from edge import TOKEN, Running
from wire_table import CASES, PAGE, RACES

from mockscim import fixtures, profiles
from mockscim.server import Options
from mockscim.tenant import Start


@pytest.fixture(scope="module")
def recorded():
    """What the page says."""
    return wire_table.recorded()


# What takes a second each is asked over HTTP only.
ASKED = [(False, case) for case in CASES] + [(True, case) for case in CASES if not case.slow]


@pytest.fixture(scope="module")
def called(request, server_loop):
    """A server, and the file of the CA to trust."""
    start = Start(profiles.load("standard"), fixtures.load_bundled("small.json"))
    with wire_table.authority() as (ca, *contexts):
        server = Running(server_loop, start, Options(tokens=(TOKEN,)), *(contexts if request.param else ()))
        yield server, ca if request.param else None
        server.close()


# A handshake that is cut leaves urllib3's or httpcore's socket to the garbage collector, which complains of it.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("called", "case"),
    ASKED,
    indirect=["called"],
    ids=[f"{'tls' if tls else 'http'}-{case.says.replace(' ', '-')}" for tls, case in ASKED],
)
def test_what_clients_raise(called, recorded, case):
    """Each client raises what the page says, over HTTP and over TLS."""
    server, ca = called
    expected = recorded[ca is not None][case.says]
    said = wire_table.measure(case, server, TOKEN, ca)
    if ca is not None and case.type in ("refuse", "reset", "drop"):
        gc.collect()  # so that it complains here, not in whatever test comes next
    assert {name: words for name, words in said.items() if words not in expected[name]} == {}


def test_the_page_is_whole(recorded):
    """All cases and all that may be said stand in it, in the form in which it is written."""
    text = PAGE.read_text("utf-8")
    versions = text.partition("wire_table`, with ")[2].partition(";")[0]
    assert text == wire_table.page(recorded, versions)
    for (tls, says, client), race in RACES.items():
        assert recorded[tls][says][client] == race
