"""The examples of docs/testing.md pass as pasted, in a suite of somebody else."""

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "testing.md").read_text("utf-8")
PYTEST, UNITTEST, READING = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
ENV = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def run(tmp_path, *command):
    """Run Python in a folder of its own."""
    return subprocess.run(
        [sys.executable, "-W", "error", *command], capture_output=True, text=True, timeout=120, cwd=tmp_path, env=ENV
    )


def test_the_pytest_examples(tmp_path):
    """All three tests pass, with no plugin but ours."""
    (tmp_path / "test_example.py").write_text(PYTEST, "utf-8")
    done = run(tmp_path, "-m", "pytest", "-q", "-p", "mockscim.pytest_plugin", "-p", "no:cacheprovider")
    assert "3 passed" in done.stdout, done.stdout + done.stderr


def test_how_a_resource_is_read(tmp_path):
    """The example of it passes."""
    (tmp_path / "test_example.py").write_text(READING, "utf-8")
    done = run(tmp_path, "-m", "pytest", "-q", "-p", "mockscim.pytest_plugin", "-p", "no:cacheprovider")
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_the_unittest_example(tmp_path):
    """Both tests pass with unittest's own runner."""
    (tmp_path / "test_example.py").write_text(UNITTEST, "utf-8")
    done = run(tmp_path, "-m", "unittest", "test_example")
    assert done.returncode == 0, done.stderr
    assert "Ran 2 tests" in done.stderr
