"""The files of a provisioning service: state between runs, source directory, log, events.

The state file is a JSON object::

    {"kind": "provisioning-state", "version": 1, "provider": "entra", "now": "…Z", "clock": "virtual",
     "source": "directory.json", "log": "provisioning.ndjson", "job": {…}, "directory": {…}, "read": {…}}

``job`` is what the plan keeps, ``directory`` the source directory as it lives, with what has happened to it, ``read``
the source as it was read last: what an edit of the file has changed shows against that. Beside the file lies
``FILE.lock`` while somebody uses it. The token is in none of them.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from mockscim.clock import ClockError, format_instant, parse_instant
from mockscim.provisioning.directory import Directory, DirectoryError, dump, from_document

KIND = "provisioning-state"
VERSION = 1


class FileError(ValueError):
    """A file cannot be read, written or used; the text names it."""


class Kept(NamedTuple):
    """What a state file holds."""

    job: bytes
    directory: Directory | None
    read: Directory | None
    now: float | None
    clock: str
    source: str
    log: str


class StateFile:
    """Where a job is kept between runs."""

    def __init__(self, path: str | Path, provider: str) -> None:
        self.path = Path(path)
        self._provider = provider

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs away.

        Raises:
            FileError: somebody is at it.
        """
        lock = self.path.with_name(f"{self.path.name}.lock")
        handle = self._taken(lock)
        try:
            yield
        finally:
            with suppress(OSError):
                lock.unlink()
            os.close(handle)

    def _taken(self, lock: Path) -> int:
        try:
            handle = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise FileError(f"--state {self.path}: {error.strerror or error}") from None
        try:
            _lock(handle)
            # Whoever had it may have removed it between our opening and our locking: then it keeps nobody away.
            ours = lock.exists() and os.path.samestat(os.fstat(handle), lock.stat())
        except OSError:
            ours = False
        if not ours:
            os.close(handle)
            raise FileError(f"--state {self.path}: another run is using it ({lock.name} is locked)")
        return handle

    def read(self) -> Kept | None:
        """What is kept; None when there is no such file yet.

        Raises:
            FileError: it is no state file, or another provider's.
        """
        document = self.document()
        return self._kept(document) if document is not None else None

    def document(self) -> dict[str, Any] | None:
        """The file as it stands, with ``job`` and ``directory`` not looked at; None when there is none yet.

        Raises:
            FileError: it is no state file, or another provider's.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FileError(f"--state {self.path}: {error.strerror or error}") from None
        try:
            document = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise FileError(f"--state {self.path}: {error.lineno}:{error.colno}: not JSON: {error.msg}") from None
        return self._checked(document)

    def _checked(self, document: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever stood there
        if not isinstance(document, dict) or document.get("kind") != KIND:
            raise FileError(f'--state {self.path}: /kind: "{KIND}" was expected: a file that provision has written')
        if document.get("version") != VERSION:
            raise FileError(f"--state {self.path}: /version: {VERSION} was expected, not {document.get('version')!r}")
        if document.get("provider") != self._provider:
            words = f"the state of {self._provider} was expected, this is of {document.get('provider')!r}"
            raise FileError(f"--state {self.path}: /provider: {words}")
        return document

    def _kept(self, document: dict[str, Any]) -> Kept:
        try:
            now = document.get("now")
            return Kept(
                orjson.dumps(document.get("job")),
                _directory(document.get("directory"), "/directory"),
                _directory(document.get("read"), "/read"),
                None if now is None else parse_instant(now),
                str(document.get("clock") or ""),
                str(document.get("source") or ""),
                str(document.get("log") or ""),
            )
        except (DirectoryError, ClockError) as error:
            raise FileError(f"--state {self.path}: {error}") from None

    def write(self, kept: Kept) -> None:
        """Replace what is kept, whole or not at all.

        Raises:
            FileError: there is no writing there.
        """
        document = {
            "kind": KIND,
            "version": VERSION,
            "provider": self._provider,
            "now": None if kept.now is None else format_instant(kept.now),
            "clock": kept.clock,
            "source": kept.source,
            "log": kept.log,
            "job": orjson.Fragment(kept.job),
            "directory": None if kept.directory is None else dump(kept.directory),
            "read": None if kept.read is None else dump(kept.read),
        }
        replace(self.path, orjson.dumps(document), "--state")


def _directory(document: object, place: str) -> Directory | None:
    return None if document is None else from_document(document, place)


def replace(path: Path, content: bytes, option: str) -> None:
    """Write a file so that others see it as it was or as it is to be, never half; for its owner's eyes alone.

    Raises:
        FileError: there is no writing there.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise FileError(f"{option} {path}: {error.strerror or error}") from None


def append(path: str | Path, entries: Iterable[dict[str, Any]], option: str) -> None:
    """Add lines of JSON to a file.

    Raises:
        FileError: there is no writing there.
    """
    lines = b"".join(orjson.dumps(entry) + b"\n" for entry in entries)
    try:
        with open(path, "ab", opener=_for_its_owner) as file:
            file.write(lines)
    except OSError as error:
        raise FileError(f"{option} {path}: {error.strerror or error}") from None


def _for_its_owner(path: str, flags: int) -> int:
    """Open a file that, if it is made now, is for its owner's eyes alone: it tells about people."""
    return os.open(path, flags, 0o600)


def read_lines(path: str | Path, option: str) -> list[dict[str, Any]]:
    """The objects of a file of lines of JSON.

    Raises:
        FileError: it cannot be read, or a line is no JSON object; names the line.
    """
    found = []
    try:
        with Path(path).open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    found.append(_object(line, f"{option} {path}: line {number}"))
    except OSError as error:
        raise FileError(f"{option} {path}: {error.strerror or error}") from None
    return found


def _object(line: bytes, place: str) -> dict[str, Any]:
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise FileError(f"{place}: not JSON: {error.msg}") from None
    if not isinstance(entry, dict):
        raise FileError(f"{place}: an object was expected")
    return entry


def _lock(handle: int) -> None:
    try:
        import fcntl  # noqa: PLC0415 - not everywhere
    except ImportError:  # Windows
        import msvcrt  # noqa: PLC0415

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    else:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
