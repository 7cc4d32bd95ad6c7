"""What outlives a sweep: the cases that failed, and how one is repeated."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import orjson

LAST_FAILED = "failed"


class Keeper(Protocol):
    """Keeps the failed cases of one sweep from one run to the next."""

    @property
    def only(self) -> tuple[str, ...]:
        """The cases that are asked for from outside."""
        ...

    def failed(self) -> Sequence[str] | None:
        """Those that failed the last time; None where nothing is known."""
        ...

    def keep(self, failed: Sequence[str], seed: int) -> None:
        """Remember those that fail now; nothing can go wrong."""
        ...

    def command(self, case: str, seed: int) -> str:
        """How one is repeated."""
        ...


class Runner(Protocol):
    """What a sweep asks of pytest; its plugin says it of a MockScim that it has made."""

    @property
    def test(self) -> str:
        """The node id of the test that runs; "" where none does."""
        ...

    @property
    def only(self) -> tuple[str, ...]:
        """What ``--mockscim-sweep`` asks for."""
        ...

    @property
    def cache(self) -> Any:  # noqa: ANN401 - pytest is not imported here
        """``config.cache``, or None."""
        ...

    def command(self, seed: int, *options: str) -> str:
        """What runs that test again."""
        ...

    def tell(self, text: str) -> None:
        """Say it at the end, also where the test passes."""
        ...


class NoKeeper:
    """Keeps nothing."""

    only: tuple[str, ...] = ()

    def failed(self) -> Sequence[str] | None:
        """Nothing is known."""
        return None

    def keep(self, failed: Sequence[str], seed: int) -> None:
        """Forget them."""

    def command(self, case: str, seed: int) -> str:
        """By an argument of the sweep."""
        return f'scim.sweep(…, only="{case}") with seed={seed}'


class FileKeeper(NoKeeper):
    """Keeps them in a file of JSON: ``{"seed": 7, "failed": ["7:after:reset"]}``.

    Args:
        path: of the file; made where it is not there.
        runner: pytest, if it runs the test.
    """

    def __init__(self, path: str | Path, runner: Runner | None = None) -> None:
        self._path = Path(path)
        self._runner = runner
        self.only = runner.only if runner is not None else ()

    def failed(self) -> Sequence[str] | None:
        """Those in the file.

        Raises:
            ValueError: there is something else in it.
        """
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            return [str(name) for name in orjson.loads(content)["failed"]]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise ValueError(f"{self._path} holds no failed cases of a sweep") from None

    def keep(self, failed: Sequence[str], seed: int) -> None:
        """Write them.

        Raises:
            OSError: it cannot be written.
        """
        self._path.write_bytes(orjson.dumps({"seed": seed, "failed": list(failed)}, option=orjson.OPT_INDENT_2))

    def command(self, case: str, seed: int) -> str:
        """By pytest's option, or by an argument of the sweep."""
        if self._runner is None or not self._runner.test:
            return super().command(case, seed)
        return self._runner.command(seed, f"--mockscim-sweep={case}")


class PytestKeeper(NoKeeper):
    """Keeps them in pytest's cache, a file for each test; ``--mockscim-sweep`` asks for cases.

    Args:
        runner: pytest.
        number: which sweep of the test it is, from 1.
    """

    def __init__(self, runner: Runner, number: int = 1) -> None:
        self._runner = runner
        self._test = runner.test
        name = self._test if number == 1 else f"{self._test} #{number}"
        self._key = f"mockscim/sweep/{hashlib.blake2b(name.encode(), digest_size=10).hexdigest()}"
        self.only = runner.only

    def failed(self) -> Sequence[str] | None:
        """Those in the cache."""
        cache = self._runner.cache
        found = cache.get(self._key, None) if cache is not None else None
        return list(found["failed"]) if isinstance(found, dict) and "failed" in found else None

    def keep(self, failed: Sequence[str], seed: int) -> None:
        """Put them into the cache, if it is on."""
        if self._runner.cache is not None:
            self._runner.cache.set(self._key, {"test": self._test, "seed": seed, "failed": list(failed)})

    def command(self, case: str, seed: int) -> str:
        """By the option."""
        return self._runner.command(seed, f"--mockscim-sweep={case}")


def keeper(save: str | Path | None, runner: Runner | None, sweeps: dict[str, int]) -> Keeper:
    """What keeps the failed cases.

    Args:
        save: a file, if one is given.
        runner: pytest, where its plugin made the MockScim.
        sweeps: how many sweeps there were, by test; counts this one.
    """
    if save is not None:
        return FileKeeper(save, runner)
    if runner is None or not runner.test:
        return NoKeeper()
    sweeps[runner.test] = sweeps.get(runner.test, 0) + 1
    return PytestKeeper(runner, sweeps[runner.test])
