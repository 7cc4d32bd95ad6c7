"""What the pytest plugin costs a suite: a test that has a server of its own, and a suite that never asks for one."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

_ROOT = Path(__file__).parent.parent.parent
_TESTS = 200
_SUITE = """
import pytest

@pytest.mark.parametrize("turn", range({tests}))
def test_it({fixture}):
    pass
"""
# Its import alone, once pytest is there: what every suite of an environment pays in which mockscim is installed.
_IMPORT = """
import pytest, time
began = time.process_time()
import mockscim.pytest_plugin
print((time.process_time() - began) * 1e3)
"""


def measure(rounds: int) -> dict[str, float]:
    """Milliseconds of CPU: of a fixture's start and stop, and of the plugin's import."""
    imports = [float(_run("-c", _IMPORT)[1]) for _ in range(rounds)]
    with tempfile.TemporaryDirectory(prefix="mockscim-benchmark-") as folder:
        each = [(_suite(folder, "scim, turn") - _suite(folder, "turn")) / _TESTS * 1e3 for _ in range(rounds)]
    return {"fixture_ms": round(median(each), 2), "import_ms": round(median(imports), 2)}


def _suite(folder: str, fixture: str) -> float:
    """Seconds of CPU that a suite takes."""
    path = Path(folder, "test_cost.py")
    path.write_text(_SUITE.format(tests=_TESTS, fixture=fixture))
    options = ["-q", "-p", "no:cacheprovider", "-p", "mockscim.pytest_plugin", "-c", os.devnull]
    return _run("-m", "pytest", *options, "--rootdir", folder, str(path), cwd=folder)[0]


def _run(*arguments: str, cwd: str | Path = _ROOT) -> tuple[float, str]:
    """A Python process that ends: its CPU seconds, and what it printed."""
    before = os.times()
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run([sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{arguments[:2]}: {done.stdout}{done.stderr}")
    after = os.times()
    used = after.children_user - before.children_user + after.children_system - before.children_system
    return used, done.stdout
