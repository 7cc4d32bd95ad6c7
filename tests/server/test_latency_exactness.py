"""A latency is as long as the rule says, also where many requests wait at once."""

import time
from statistics import median

import pytest

from tests.benchmarks import latency
from tests.processes import Server

USER = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ann@example.com"}
BULK = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
    "Operations": [{"method": "POST", "path": "/Users", "bulkId": "a", "data": USER}],
}


@pytest.fixture
def server():
    with Server("--token", "benchmark-token") as running:
        yield running


def rule(name, delay, **more):
    return {"name": name, "type": "latency", "parameters": {"delay": delay}, **more}


def took(server, *request):
    began = time.perf_counter()
    assert server.request(*request).status < 300
    return (time.perf_counter() - began) * 1e3


def test_latencies_before_and_after_the_commit_add_up(server):
    """80 ms before and 70 ms after are 150 ms: neither is counted from when the other began."""
    server.request("PUT", "/_mockscim/faults", [rule("b", "80ms"), rule("a", "70ms", phase="after")])
    assert 150 <= took(server, "GET", "/scim/v2/Users") < 2000


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_latency_of_an_operation_of_a_bulk_request_is_waited_for(server, phase):
    """Also where no rule is about the job itself."""
    server.request("PUT", "/_mockscim/faults", [rule("in", "120ms", phase=phase, match={"operation": "user.create"})])
    assert took(server, "POST", "/scim/v2/Bulk", BULK) >= 120


def test_a_latency_begins_with_the_request_and_not_with_its_turn(server):
    """200 requests that come at once wait side by side: the whole takes far less than it would one after another."""
    latency.control(server.address[1], "PUT", "", {"faults": [rule("l", "50ms", match={"operation": "user.list"})]})
    found = latency.together(server.address[1], 200)
    assert min(found) >= 49.5
    assert median(found) < 1000
