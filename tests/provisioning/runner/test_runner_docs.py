"""docs/provisioning.md does what it says."""

import re
import shlex
import textwrap
from pathlib import Path

import pytest

from mockscim import MockScim
from mockscim.cli import main

PAGE = Path(__file__).parents[3] / "docs" / "provisioning.md"


def blocks(kind):
    """The code of a kind."""
    return re.findall(rf"```{kind}\n(.*?)```", PAGE.read_text(), re.DOTALL)


async def test_the_python_example():
    """It runs as it stands."""
    (code,) = blocks("python")
    namespace = {}
    exec("async def example():\n" + textwrap.indent(code, "    "), namespace)  # noqa: S102 - our own page
    await namespace["example"]()


def test_the_console_example(monkeypatch, tmp_path, capsys):
    """Each command ends well and writes the line that stands below it."""
    (session,) = blocks("console")
    monkeypatch.chdir(tmp_path)
    commands = re.findall(r"^\$ mockscim (provision .*)\n((?!\$ ).*\n)?", session, re.MULTILINE)
    assert len(commands) == 5
    with MockScim.threaded(profile="segment", clock="virtual", token="local-only") as scim:
        monkeypatch.setenv("MOCKSCIM_PROVISION_TARGET", f"{scim.base_url}?aadOptscim062020")
        monkeypatch.setenv("MOCKSCIM_PROVISION_TOKEN", "local-only")
        for line, expected in commands:
            with pytest.raises(SystemExit) as ended:
                main(shlex.split(line))
            out, error = capsys.readouterr()
            assert ended.value.code == 0, error
            words = re.sub(r"[\d.]+ s$", "", expected.strip())
            assert words in out, out
