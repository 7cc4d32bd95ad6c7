"""The hunt: inputs are changed, tried, and kept where they show something new.

New is a line of mockscim that no input has reached before, or an outcome that none has had. Changes are those of bytes
and tokens, and of JSON by its own form.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import mockscim
from tests.fuzz import documents, texts  # noqa: F401 - they register their targets
from tests.fuzz.judging import TARGETS, Target

CORPUS = Path(__file__).parent / "corpus"
LONGEST = 4000  # bytes of an input that is kept
_OURS = str(Path(mockscim.__file__).parent)
_NESTED = (20, 230, 300)


def corpus(name: str, folder: Path = CORPUS) -> list[bytes]:
    """The inputs that a target has so far, in a fixed order."""
    return [file.read_bytes() for file in sorted((folder / name).iterdir())] if (folder / name).is_dir() else []


def keep(name: str, data: bytes, folder: Path = CORPUS) -> Path:
    """Add an input to a target's corpus; its file is called by what is in it."""
    file = folder / name / hashlib.sha256(data).hexdigest()[:16]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file


# -- changes ---------------------------------------------------------------------------------------------------------


def mutated(chance: random.Random, inputs: list[bytes], target: Target) -> bytes:
    """An input made of one or two others."""
    data = chance.choice(inputs) if inputs else b""
    for _ in range(chance.choice((1, 1, 2, 3, 5))):
        if target.json and chance.random() < 0.6:
            data = _changed_json(chance, data, inputs, target)
        else:
            data = chance.choice(_CHANGES)(chance, data, inputs, target)
    return data[: 4 * LONGEST]


def _place(chance: random.Random, data: bytes) -> tuple[int, int]:
    begin = chance.randint(0, len(data))
    return begin, min(len(data), begin + chance.choice((0, 1, 1, 2, 4, 16, 64)))


def _with_token(chance: random.Random, data: bytes, _: list[bytes], target: Target) -> bytes:
    begin, end = _place(chance, data)
    return data[:begin] + chance.choice(target.tokens).encode("utf-8", "surrogateescape") + data[end:]


def _without(chance: random.Random, data: bytes, _: list[bytes], __: Target) -> bytes:
    begin, end = _place(chance, data)
    return data[:begin] + data[end:]


def _again(chance: random.Random, data: bytes, _: list[bytes], __: Target) -> bytes:
    begin, end = _place(chance, data)
    return data[:end] + data[begin:end] * chance.choice((1, 1, 2, 50)) + data[end:]


def _spliced(chance: random.Random, data: bytes, inputs: list[bytes], _: Target) -> bytes:
    other = chance.choice(inputs) if inputs else b""
    return data[: chance.randint(0, len(data))] + other[chance.randint(0, len(other)) :]


def _with_byte(chance: random.Random, data: bytes, _: list[bytes], __: Target) -> bytes:
    at = chance.randint(0, len(data))
    return (
        data[:at]
        + bytes([chance.choice((0, 9, 10, 13, 32, 34, 92, 127, 128, 255, chance.randrange(256)))])
        + data[at + 1 :]
    )


def _with_first_byte(chance: random.Random, data: bytes, _: list[bytes], __: Target) -> bytes:
    return bytes([chance.randrange(64)]) + data[1:]


_CHANGES: tuple[Callable[[random.Random, bytes, list[bytes], Target], bytes], ...] = (
    _with_token, _with_token, _with_token, _without, _again, _spliced, _with_byte, _with_first_byte,
)  # fmt: skip


def _document(data: bytes) -> tuple[bytes, Any] | None:
    """The JSON in an input, and the byte before it that chooses, if there is one."""
    for begin in (0, 1):
        try:
            return data[:begin], json.loads(data[begin:].decode())
        except (ValueError, RecursionError):
            continue
    return None


def _places(document: Any) -> list[tuple[Any, Any]]:
    """Every value's holder and its key."""
    found, stack = [], [document]
    while stack:
        item = stack.pop()
        pairs = item.items() if isinstance(item, dict) else enumerate(item) if isinstance(item, list) else ()
        for key, value in pairs:
            found.append((item, key))
            stack.append(value)
    return found


def _changed_json(chance: random.Random, data: bytes, inputs: list[bytes], target: Target) -> bytes:
    """One value put elsewhere, doubled, wrapped, left out, or replaced by a token or a value of another input."""
    read = _document(data)
    if read is None:
        return _with_token(chance, data, inputs, target)
    choice, document = read
    holder = {"": document}
    places = [(holder, ""), *_places(document)]
    where, key = chance.choice(places)
    how = chance.randrange(7)
    if how == 0 and where is not holder:
        del where[key]
    elif how == 1:
        other = _document(chance.choice(inputs)) if inputs else None
        others = [other[1], *(h[k] for h, k in _places(other[1]))] if other is not None else [None]
        where[key] = chance.choice(others)
    elif how == 2:
        where[key] = [where[key]] if chance.random() < 0.7 else {"value": where[key]}
    elif how == 3 and isinstance(where, list):
        where.insert(key, json.loads(json.dumps(where[key])))
    elif how == 4 and isinstance(where, dict):
        name = _token(chance, target)
        where[name if isinstance(name, str) else key] = _token(chance, target)
    elif how == 5 and isinstance(where[key], str):
        text = where[key]
        at = chance.randint(0, len(text))
        added = _token(chance, target)
        where[key] = (
            text[:at] + (added if isinstance(added, str) else chance.choice(("\0", "é", "𝄞", "A" * 300))) + text[at:]
        )
    elif how == 6 and chance.random() < 0.1:
        for _ in range(chance.choice(_NESTED)):
            where[key] = [where[key]]
    else:
        where[key] = _token(chance, target)
    try:
        return choice + json.dumps(holder[""], ensure_ascii=chance.random() < 0.5).encode("utf-8", "replace")
    except (ValueError, RecursionError):
        return data


def _token(chance: random.Random, target: Target) -> Any:
    text = chance.choice(target.tokens)
    try:
        return json.loads(text)
    except ValueError:
        return text


# -- what is new -----------------------------------------------------------------------------------------------------


class Lines:
    """The lines of mockscim that have been reached."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, int]] = set()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Note what is reached meanwhile."""
        sys.settrace(self._call)
        try:
            yield
        finally:
            sys.settrace(None)

    def _call(self, frame: FrameType, event: str, arg: Any) -> Any:
        return self._line if frame.f_code.co_filename.startswith(_OURS) else None

    def _line(self, frame: FrameType, event: str, arg: Any) -> Any:
        self.seen.add((frame.f_code.co_filename, frame.f_lineno))
        return self._line


class Hunted(NamedTuple):
    """What a hunt came to: inputs tried, those kept, and what was found wrong: its file and the error."""

    tried: int
    kept: int
    wrong: list[tuple[Path, BaseException]]


def hunt(
    name: str, seconds: float, *, seed: int = 0, folder: Path = CORPUS, findings: Path | None = None, most: int = 10
) -> Hunted:
    """Look for inputs that a target fails with, and for such as are worth keeping.

    Args:
        name: of the target.
        seconds: how long, by the clock.
        seed: what chance follows from.
        folder: the corpora.
        findings: where what fails is put; none: in the target's corpus, where the suite will meet it.
        most: findings after which it ends.
    """
    target, chance = TARGETS[name], random.Random(seed)  # noqa: S311 - repeatable
    inputs = corpus(name, folder) or [b""]
    lines, outcomes, wrong = Lines(), set(), []
    with lines.watched():
        for data in inputs:
            outcomes.add(target.run(data))
    reached, tried, kept = len(lines.seen), 0, 0
    places: set[str] = set()
    end = time.monotonic() + seconds
    while time.monotonic() < end and len(wrong) < most:
        data = mutated(chance, inputs, target)
        tried += 1
        try:
            with lines.watched():
                outcome = target.run(data)
        except Exception as error:  # noqa: BLE001 - whatever it is, that is what is looked for
            place = _place_of(error)
            if place not in places:  # once is enough
                places.add(place)
                wrong.append((keep(name, data, findings or folder), error))
            continue
        if (len(lines.seen) > reached or outcome not in outcomes) and len(data) <= LONGEST:
            reached = len(lines.seen)
            outcomes.add(outcome)
            inputs.append(data)
            keep(name, data, folder)
            kept += 1
    return Hunted(tried, kept, wrong)


def _place_of(error: BaseException) -> str:
    trace = error.__traceback__
    place = ""
    while trace is not None:
        place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__} {place}"
