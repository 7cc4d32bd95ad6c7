"""Whatever anybody may write, each surface takes or refuses in its own words: the corpus again, and changes of it."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.hunting import TARGETS, corpus, hunt, mutated
from tests.fuzz.judging import LONGEST_WORDS, SECRET, Refused, Target, checked, refusing


@pytest.mark.parametrize("name", TARGETS)
def test_corpus(name):
    """Every input that was once found worth keeping, those that failed among them, does no harm."""
    inputs = corpus(name)
    assert len(inputs) >= 5
    for data in inputs:
        TARGETS[name].run(data)


@pytest.mark.parametrize("name", TARGETS)
def test_changes_of_the_corpus(name):
    """Nor does what is made of it; ``try_out.hypothesis.fuzz_one_input`` takes any fuzzer's bytes."""
    inputs = corpus(name)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.randoms(use_true_random=False))
    def try_out(chance):
        TARGETS[name].run(mutated(chance, inputs, TARGETS[name]))

    try_out()


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(data=st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_anything(name, data):
    """Nor do bytes that were made of nothing."""
    TARGETS[name].run(data)


def test_a_hunt_keeps_what_is_new_and_tells_what_is_wrong(tmp_path, monkeypatch):
    """It finds its way to a failure behind three conditions, and keeps the steps that led there."""

    def run(data):
        if data[:1] != b"a":
            return "no"
        if data[1:2] != b"b":
            return "a"
        if data[2:3] != b"c":
            return "ab"
        raise RuntimeError("found")

    monkeypatch.setitem(TARGETS, "mine", Target(run, ("a", "b", "c")))
    found = hunt("mine", 20, folder=tmp_path, most=1)
    ((file, error),) = found.wrong
    assert file.read_bytes()[:3] == b"abc"
    assert str(error) == "found"
    assert {data[:2] for data in corpus("mine", tmp_path)} >= {b"ab"}
    assert found.tried > found.kept >= 2


def test_same_seed_same_inputs():
    """A hunt can be repeated: what is tried follows from the seed."""
    for name, target in TARGETS.items():
        one, other = (
            [mutated(chance, corpus(name), target) for _ in range(20)]
            for chance in (random.Random(3), random.Random(3))  # noqa: S311
        )
        assert one == other
        assert len(set(one)) > 10


def test_what_the_targets_hold_against_an_error():
    """An error that is too long, or gives a secret away, is a finding; one of another kind is, too."""
    for text in ("a" * LONGEST_WORDS, f"no: {SECRET}"):
        with pytest.raises(AssertionError):
            checked(text)
    with pytest.raises(Refused), refusing(KeyError):
        raise KeyError("a")
    with pytest.raises(TypeError), refusing(KeyError):
        raise TypeError("a")


def test_command():
    """``python -m tests.fuzz`` hunts in the targets that it is given, and knows their names."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.fuzz"]
    wrong = subprocess.run([*command, "nonsense"], cwd=root, capture_output=True, text=True, timeout=60)
    assert wrong.returncode == 2
    assert "there is no target nonsense" in wrong.stderr
    done = subprocess.run(
        [*command, "quantity", "--minutes", "0"], cwd=root, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("quantity ")
