"""The benchmark runs: that it is fast is for it to say, that it works is for the suite."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the benchmark reads /proc")
ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("how", ["store", "fixture"])
def test_the_memory_of_users_is_measured(how):
    """A child process loads users and prints what they take."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.memory", how, "2000"], cwd=ROOT, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout)


def test_a_case_is_compared_with_the_bare_handler_and_the_table_says_so(tmp_path):
    """The quick run of one case prints its row, and writes the figures."""
    found = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "--quick", "--only", "get", "--json", str(found)],
        cwd=ROOT,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert b"GET by id" in done.stdout
    assert found.exists()
