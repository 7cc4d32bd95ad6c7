"""``make audit``: what it makes of pip-audit's answers, with a stand-in for it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from processes import PATIENCE

AUDIT = Path(__file__).parents[1] / ".ci" / "audit"
BAD = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["2.0"], "description": "bad"}
PROBE = [{"name": "aiohttp", "version": "3.9.1", "vulns": [BAD]}]
CLEAN = [{"name": "click", "version": "8", "vulns": []}]
SKIPPED = [{"name": "click", "skip_reason": "Dependency not found on PyPI and could not be audited"}]


@pytest.fixture
def audit(tmp_path):
    """Run it with what the service says to the first question, and of what is installed; an exception's text is one."""

    def run(probe, installed, *arguments):
        answers = tmp_path / "answers.json"
        answers.write_text(json.dumps({"probe": probe, "installed": installed}))
        tool = tmp_path / "tool.py"
        tool.write_text(
            "import json, sys\n"
            f"answers = json.load(open({str(answers)!r}))\n"
            "told = answers['probe' if '--requirement' in sys.argv else 'installed']\n"
            "if isinstance(told, str): sys.exit(told)\n"
            "print(json.dumps({'dependencies': told, 'fixes': []}))\n"
            "sys.exit(any(each.get('vulns') for each in told))\n"
        )
        command = [sys.executable, str(AUDIT), *arguments, "--tool", sys.executable, str(tool)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        return done.returncode, done.stdout, done.stderr

    return run


def test_none_is_known(audit):
    """A service that knows of vulnerabilities knows of none here."""
    assert audit(PROBE, CLEAN) == (0, "audit: 0 known vulnerabilities in 1 packages\n", "")


def test_one_is_known(audit):
    """A vulnerability is a failure, and told with where it is mended."""
    told = "audit: click 8: PYSEC-1, CVE-1; mended in 2.0\naudit: 1 known vulnerabilities in 1 packages\n"
    for arguments in ([], ["--unasked-is-no-failure"]):
        assert audit(PROBE, [{**CLEAN[0], "vulns": [BAD]}], *arguments) == (1, told, "")
    assert audit(PROBE, [{**CLEAN[0], "vulns": [BAD]}, *SKIPPED])[0] == 1


@pytest.mark.parametrize(
    ("probe", "installed", "why"),
    [
        ("ConnectionError: api.example", CLEAN, "ConnectionError: api.example"),
        (PROBE, "ConnectionError: api.example", "ConnectionError: api.example"),
        ([{**PROBE[0], "vulns": []}], CLEAN, "the service knows of no vulnerability in aiohttp==3.9.1"),
        (SKIPPED, CLEAN, "could not be audited"),
        (PROBE, [*CLEAN, *SKIPPED], "nothing is known of 1 of 2, such as click: "),
    ],
    ids=["unreachable", "gone", "a mirror without them", "unknown", "half of it"],
)
def test_nobody_could_be_asked(audit, probe, installed, why):
    """That nobody knows is never taken for none; whether it is a failure is the caller's to say."""
    code, out, error = audit(probe, installed)
    assert (code, out) == (3, "")
    assert error.startswith("audit: NOT DONE, nobody could be asked for vulnerabilities: ")
    assert why in error
    assert audit(probe, installed, "--unasked-is-no-failure") == (0, "", error)
