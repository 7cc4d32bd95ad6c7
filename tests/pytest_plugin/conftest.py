"""Suites that are run inside this one, each in a process of its own with the plugins that it names and no others."""

import os
import shutil
import sys
from pathlib import Path

import pytest

import mockscim

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))  # for processes
# The plugins by the names of their entry points; mockscim's own by its module, which is there without installation.
OURS = "mockscim.pytest_plugin"
INI = "[pytest]\naddopts = --strict-markers --strict-config -p no:cacheprovider\nfilterwarnings = error\n"


@pytest.fixture
def suite(pytester, monkeypatch):
    """Runs files of suites/ and clients/ as a suite: ``suite("fresh", plugins=["xdist"], args=["-n2"])``.

    A name may say what the file is to be called: ``waiting:strict`` makes test_waiting_strict.py.
    """
    for name in [name for name in os.environ if name.startswith(("MOCKSCIM_", "PYTEST_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    # What is compiled already is used, and the rest compiled once for all of them, whatever this process was told.
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", str(Path(mockscim.__file__).parent.parent))

    def run(*names, plugins=(), args=(), ini=(), **environment):
        for source in [*(HERE / "suites").glob("*.py"), *(HERE / "clients").glob("*.py")]:
            if not source.name.endswith("_suite.py"):
                shutil.copy(source, pytester.path)
        for name in names:
            file, _, suffix = name.partition(":")
            target = f"test_{file}_{suffix}.py" if suffix else f"test_{file}.py"
            shutil.copy(HERE / "suites" / f"{file}_suite.py", pytester.path / target)
        pytester.makefile(".ini", pytest=INI + "".join(f"{line}\n" for line in ini))
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        chosen = [part for plugin in (OURS, *plugins) for part in ("-p", plugin)]
        return pytester.runpytest_subprocess(*chosen, *args, timeout=60)

    return run
