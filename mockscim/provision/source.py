"""The source directory as a file that people edit while a job runs: read again before each cycle.

What an edit changed is applied to the directory as it lives, so timed steps, live edits and an edited file go together.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mockscim.provisioning.directory import Directory, DirectoryError, follow, from_document, load

SourceGiven = str | Path | Directory | Mapping[str, Any]


class Source:
    """Where the directory comes from.

    Args:
        given: a file, the name of a bundled directory, a document, or a Directory, which is used as it is.

    Raises:
        DirectoryError: it cannot be used; names the place.
    """

    def __init__(self, given: SourceGiven) -> None:
        self.path = _file(given)
        self.name = str(self.path.absolute()) if self.path else str(given) if isinstance(given, str) else ""
        self._seen = self._look()
        if isinstance(given, Directory):
            self.read: Directory | None = None
            self.directory = given
        else:
            self.read = self._fresh(given)
            self.directory = self._fresh(given)

    def _fresh(self, given: str | Path | Mapping[str, Any]) -> Directory:
        return from_document(dict(given)) if isinstance(given, Mapping) else load(given)

    def resume(self, lived: Directory, read: Directory | None) -> list[str]:
        """Go on with the directory of an earlier run, and with what has been edited in the file since.

        Returns:
            What of it could not be done, a sentence each.
        """
        self.directory = lived
        return self._follow(read, self.read) if self.read is not None and read is not None else []

    @property
    def edited(self) -> bool:
        """Whether the file is another than the one that was read."""
        seen = self._look()
        return self.path is not None and seen is not None and seen != self._seen

    def reread(self) -> list[str]:
        """Take in what was edited in the file.

        Returns:
            What could not be taken, a sentence each. Of a file that is no directory, nothing is.
        """
        if self.path is None or self.read is None or not self.edited:
            return []
        self._seen = self._look()
        try:
            older, self.read = self.read, load(self.path)
        except DirectoryError as error:
            return [f"the source has been edited, and is used as it was before: {error}"]
        return self._follow(older, self.read)

    def _follow(self, older: Directory, newer: Directory) -> list[str]:
        missed = follow(self.directory, older, newer)
        return [f"the source has been edited, and this cannot be followed: {each.reason}" for each in missed]

    def _look(self) -> tuple[int, int, int] | None:
        if self.path is None:
            return None
        try:
            seen = self.path.stat()
        except OSError:
            return None  # being replaced, perhaps
        return seen.st_mtime_ns, seen.st_size, seen.st_ino


def _file(given: SourceGiven) -> Path | None:
    if isinstance(given, str | Path) and Path(given).is_file():
        return Path(given)
    return None
