"""A minute of the soak, with the suite: see README.md beside this file."""

import os
from pathlib import Path

import pytest

from tests.soak.run import run

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the soak reads /proc")
MINUTES = float(os.environ.get("MOCKSCIM_SOAK_TEST_MINUTES", "1"))


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_after_mixed_traffic_under_faults_all_is_as_the_clients_know_it():
    """Nothing leaks, no update is lost, the store equals the model, and the server says nothing on standard error."""
    report = run(MINUTES, rate=60, seed=int(os.environ.get("MOCKSCIM_SOAK_SEED", "1")), say=print)
    assert report.failures == []
    assert report.changes > 100 * MINUTES, "the clients did hardly anything"
    assert report.doubts, "no fault left a client in doubt"
    struck = {rule for rule, hits in report.faults.items() if hits}
    assert {"slow", "down", "bad-gateway"} <= struck
