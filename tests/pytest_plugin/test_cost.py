"""What the plugin costs a suite that does not use it: next to nothing."""

import subprocess
import sys

OWN = "mockscim mockscim.pytest_plugin mockscim.version"
LOOK = """
import sys, pytest
before = set(sys.modules)
import mockscim.pytest_plugin
print(*sorted(set(sys.modules) - before))
"""


def test_import(suite):
    """Importing the plugin imports nothing that pytest has not imported itself."""
    found = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)
    assert found.stdout.split() == OWN.split()


def test_run(suite):
    """Nor does a run without ``scim``, nor collecting tests that use it."""
    suite("idle", plugins=["loaded"]).stdout.fnmatch_lines(["*1 passed*", f"loaded: {OWN}"])
    collected = suite("seeds", plugins=["loaded"], args=["--collect-only", "-q", "test_seeds.py"])
    collected.stdout.fnmatch_lines(["5 tests collected*", f"loaded: {OWN}"])
