"""Schemathesis, an outside judge: requests made from the description of a running server, answers held against it.

In the suite it is bounded and always does the same. ``MOCKSCIM_SCHEMATHESIS=300`` runs each part for that many seconds
with requests of its own choice.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from edge import TOKEN

HERE = Path(__file__).parent
LONG = os.environ.get("MOCKSCIM_SCHEMATHESIS")


def judge(server, paths, *options, examples, token=TOKEN):
    """Let schemathesis have its way with the operations whose paths match; what it says where it is not content."""
    extent = ["--max-time", LONG] if LONG else ["--max-examples", str(examples), "--generation-deterministic"]
    command = [
        *(sys.executable, "-m", "schemathesis.cli"),
        *("--config-file", HERE / "schemathesis.toml"),
        *("run", f"{server.root}/_mockscim/openapi.json"),
        *("--header", f"Authorization: Bearer {token}"),
        *("--include-path-regex", paths),
        *("--request-timeout", "5", "--warnings", "off", "--no-color"),
        *extent,
        *options,
    ]
    environment = {**os.environ, "PYTHONPATH": str(HERE), "SCHEMATHESIS_HOOKS": "scim_formats"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5_000:]
    assert "No issues found" in done.stdout, done.stdout[-5_000:]


@pytest.fixture
def start(serve, tmp_path, monkeypatch):
    """Start a server whose time stands still, and keep what schemathesis writes out of the tree."""
    monkeypatch.chdir(tmp_path)
    return lambda **options: serve(clock="virtual", seed=1, **options)


def test_strict(start):
    """With --strict all of SCIM is as described: what is valid is accepted, what is not is refused."""
    server = start(strict=True, accept=("unknown-member",))
    ann = server.admin.post("/_mockscim/tokens", json={"user": "u-1"}).json()["token"]
    judge(server, "^/scim", examples=4, token=ann)


def test_tolerant(start):
    """Whatever the leniencies accept, answers stay as described and nothing fails."""
    judged = ("--exclude-checks", "negative_data_rejection,positive_data_acceptance", "--phases", "fuzzing,stateful")
    judge(start(), "^/scim", *judged, examples=4)


# All ways to get a rule wrong are some thousand requests.
@pytest.mark.parametrize(
    ("paths", "phases"),
    [
        ("^/_mockscim(?!/faults)", "examples,coverage,fuzzing"),
        ("^/_mockscim/faults", "examples,coverage,fuzzing" if LONG else "fuzzing"),
    ],
    ids=["all but rules", "rules"],
)
def test_control(start, paths, phases):
    """The control API is as described, too."""
    judge(start(), paths, "--phases", phases, examples=3)
