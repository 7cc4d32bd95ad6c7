"""What is reported of a test that fails, and tests that fail at their end."""

import json
import re
from pathlib import Path

import pytest

SNAPSHOT = Path(__file__).parent / "snapshots" / "failing.txt"


def shown(noted):
    """What mockscim has to say of each test that failed, by their names; ports and times made the same."""
    parts = []
    for each in sorted(noted, key=lambda each: (each["name"], each["when"])):
        parts.append(f"=== {each['name']}, {each['when']}")
        parts += [each["text"].partition("\n[gw")[0]] if each["when"] != "call" and "untidy" not in each["text"] else []
        parts += [f"--- {title}\n{text}" for title, text in each["sections"] if title.startswith("mockscim")]
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", "\n".join(parts))
    return re.sub(r"\d\d:\d\d:\d\d\.\d{3}", "12:00:00.000", text) + "\n"


@pytest.mark.parametrize("workers", [[], ["-n2", "--dist=loadfile"]], ids=["alone", "xdist"])
def test_sections(suite, pytester, workers):
    """Journal, faults, invariants and the command for each test that failed; nothing where no server was used.

    The tests of the file say what each is for; what is told of them is the snapshot.
    """
    plugins = ["timeout", "noting", *(["xdist"] if workers else [])]
    result = suite("failing", plugins=plugins, args=["--color=yes", *workers])
    result.assert_outcomes(failed=7, errors=7, passed=6)
    noted = [json.loads(line) for line in (pytester.path / "noted.jsonl").read_text().splitlines()]
    late = [each for each in noted if each["name"] == "test_timeout"]
    text = shown([each for each in noted if each not in late])
    assert text == SNAPSHOT.read_text()
    assert max(len(line) for line in text.splitlines()) <= 100
    assert "stuck (" in shown(late)  # whether its request is over by then is chance


def test_seed(suite, pytester):
    """One random seed for a whole run, on all workers; told at the top, and in the command of a test that fails.

    Tracebacks end at the test's own line.
    """
    result = suite("seeds", plugins=["noting", "xdist"], args=["-n2", "--mockscim-seed=random"])
    result.assert_outcomes(failed=4, passed=1)
    seed = re.search(r"--mockscim-seed=(\d+)", result.stdout.str())[1]
    assert "mockscim/client" not in result.stdout.str()
    for line in (pytester.path / "noted.jsonl").read_text().splitlines():
        each = json.loads(line)
        text = dict(each["sections"])["mockscim: scim" if "other" not in each["name"] else "mockscim: scim_factory"]
        assert f"seed {seed}" in text
        assert f" --mockscim-seed={seed}\n" in text


def test_refused_options(suite):
    """What is no seed is refused before any test."""
    result = suite("seeds", args=["--mockscim-seed=tomorrow"])
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*a whole number or random was expected, not 'tomorrow'*"])


def test_strict_faults_for_all(suite):
    """The configuration can ask of every fault that it strikes."""
    result = suite("quiet", ini=["mockscim_strict_faults = true"])
    result.assert_outcomes(passed=4, errors=1)
    result.stdout.fnmatch_lines(["*the fault user.get-hang-1 (user.get: hang) never struck: no request matched*"])


def test_strict_faults_of_the_start(suite):
    """What a test starts with is to strike as well; of a scenario, given there or later, one rule is enough."""
    result = suite("started")
    result.assert_outcomes(passed=12, errors=4)
    result.stdout.fnmatch_lines(
        [
            "scim: the fault user.delete-abort-1 (user.delete: abort) never struck: no request matched",
            "scim: the scenario flaky never struck: slow (*: latency): no request matched; *",
            "scim: the scenario flaky never struck: slow (*: latency): no request matched; *",
            "scim: the fault user.create-abort-1 (user.create: abort) never struck: no request matched",
        ]
    )


def test_mistakes(suite):
    """The traceback of a mistake in a test ends where the test made it, whatever is imported only by then."""
    result = suite("mistaken", args=["--tb=short"])
    result.assert_outcomes(failed=5)
    assert re.findall(r"^(\S+\.py):\d+: in ", result.stdout.str(), re.MULTILINE) == ["test_mistaken.py"] * 5


def test_full_trace(suite):
    """With --full-trace a traceback goes on into mockscim."""
    assert "mockscim/client/verdicts.py" in suite("seeds", args=["-k", "verify", "--full-trace"]).stdout.str()
