"""What every target holds its surface against: its own errors only, in few words, with no secret in them, in time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

_TOKENS = Path(__file__).parent / "tokens"
SECRET = "s3cret-of-the-fuzzers"
LONGEST_WORDS = 5000  # characters of a message
LONGEST_WORK = 5.0  # seconds of the processor, for an input of some kilobytes, traced or not


class Target(NamedTuple):
    """A surface that takes what anybody may write.

    Attributes:
        run: tries one input; returns what became of it in a word or two, and raises where that should not be.
        tokens: what inputs are made of.
        json: whether they are JSON, so that mutations may keep to its form.
    """

    run: Callable[[bytes], str]
    tokens: tuple[str, ...]
    json: bool = False


TARGETS: dict[str, Target] = {}


def target(*, json: bool = False) -> Callable[[Callable[[bytes], str]], Callable[[bytes], str]]:
    """Register a function as the target of its name; its tokens are lines of a file, with Python's escapes."""

    def register(function: Callable[[bytes], str]) -> Callable[[bytes], str]:
        def run(data: bytes) -> str:
            started = time.process_time()
            outcome = function(data)
            assert time.process_time() - started < LONGEST_WORK, f"{len(data)} bytes took too long"
            return outcome

        lines = (_TOKENS / f"{function.__name__}.txt").read_text().splitlines()
        tokens = tuple(line.encode().decode("unicode_escape") for line in lines)
        TARGETS[function.__name__] = Target(run, tokens, json)
        return run

    return register


def checked(text: str) -> None:
    """An error's text is short, and gives nothing away."""
    assert len(text) < LONGEST_WORDS, f"an error of {len(text)} characters: {text[:200]}"
    assert SECRET not in text
    assert "Traceback" not in text


class Refused(Exception):  # noqa: N818 - no error: what a surface may do
    """An input was refused as it may be; the text is the outcome."""


@contextmanager
def refusing(*kinds: type[Exception]) -> Iterator[None]:
    """Only these errors may come out of what is inside."""
    try:
        yield
    except kinds as error:
        checked(str(error))
        raise Refused(f"{type(error).__name__} {getattr(error, 'scim_type', '') or ''}") from None


def settled(function: Callable[[bytes], str]) -> Callable[[bytes], str]:
    """A target in which a refusal is an outcome."""

    def run(data: bytes) -> str:
        try:
            return function(data)
        except Refused as refused:
            return str(refused)

    run.__name__ = function.__name__
    return run
