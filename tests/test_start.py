"""What a server does not do before it is asked to, so that it starts about as fast as a bare aiohttp program."""

import json
import ssl
import subprocess
import sys

import pytest

from mockscim.tls import no_authorities
from tests.processes import Server, environment

_LOADED = """
import json, sys
from mockscim.serve import Settings, build, checked
build(checked(Settings()))
print(json.dumps([name for name in sys.modules if name.startswith("mockscim.")]))
"""


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """The modules of a server that nobody has asked for anything yet."""
    done = subprocess.run(
        [sys.executable, "-c", _LOADED], capture_output=True, text=True, timeout=60, check=True, env=environment()
    )
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("package", ["mockscim.faults.types.", "mockscim.invariants.duplicates", "mockscim.client"])
def test_a_server_without_rules_starts_without(loaded, package):
    """No fault type, no judge and no Python API is imported for it."""
    assert not [name for name in loaded if name.startswith(package)]


def test_what_the_control_api_does_is_imported_with_its_first_request(loaded):
    """A server that is only spoken SCIM to starts without its actions, and has all of them when it is asked."""
    assert "mockscim.server.control" in loaded
    assert not loaded & {"mockscim.server.actions", "mockscim.server.judging", "mockscim.server.verifying"}
    with Server() as server:
        assert server.request("GET", "/_mockscim/health").status == 200
        assert server.request("GET", "/_mockscim/invariants").status == 200
        assert server.request("GET", "/_mockscim/gates").status == 200
        assert server.request("DELETE", "/_mockscim/health").status == 405


def test_certificate_authorities_are_left_out_only_while_asked_to():
    """A context made meanwhile trusts nobody, and one made later whom the machine trusts."""
    before = ssl.create_default_context().cert_store_stats()
    with no_authorities():
        assert ssl.create_default_context().cert_store_stats()["x509"] == 0
    assert ssl.create_default_context().cert_store_stats() == before
