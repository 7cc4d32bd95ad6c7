"""The database file: whose it is, whether it is whole, and its transactions.

    looked at   read-only: nothing of a file that is refused changes, not even its write-ahead log
    owned       for one process alone, until it ends; each transaction is on disk when ``write`` is left (WAL, FULL)

A file that another process has, that is damaged, or that is somebody else's is refused with a PersistError.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mockscim.persist import PersistError
from mockscim.persist.rows import TABLES, Row, RowError

# "MSCI": tells the file from other databases (PRAGMA application_id).
_APPLICATION = 0x4D534349
# Of the tables; a file of another is not read.
_FORMAT = 1
_TABLES = [statement.strip() for statement in TABLES.split(";")[:-1]]
# Bytes of a write-ahead log before its frames, and of a frame before its page.
_LOG_HEAD, _FRAME_HEAD = 32, 24
# One that was killed a moment ago may not have let go of it yet.
_PATIENCE = 1.0
# Its owner's alone.
_MODE = 0o600
_DAMAGED = "it was left as it is; go on from a copy of it, or give another FILE to begin anew"


class File:
    """A database file.

    Args:
        path: where it is, or is to be.

    Attributes:
        path: the same; of a symbolic link, where it leads.
        is_new: whether there is nothing in it yet.

    Raises:
        PersistError: it cannot be used.
    """

    def __init__(self, path: str) -> None:
        self.path = _located(path)
        self._db: sqlite3.Connection | None = None
        self._is_ours = False  # made by this process, and nobody else's
        self.is_new = not self.path.exists() or self.path.stat().st_size == 0
        if self.is_new:
            if _size(self._log):
                gone = "was cut to nothing" if self.path.exists() else "is not there"
                raise self.error(f"it {gone}, and what belongs to it is, {self._log.name}; {_DAMAGED}")
        else:
            with self.trouble():
                self._look()

    @property
    def _log(self) -> Path:
        return self.path.with_name(self.path.name + "-wal")

    def error(self, message: str) -> PersistError:
        """What is wrong with this file."""
        return PersistError(f"{self.path}: {message}")

    # -- looked at -------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Open it to read, and see that it is ours and whole."""
        shared = self.path.with_name(self.path.name + "-shm")
        traces = [each for each in (shared, self._log) if not each.exists()]
        self._db = _connected(self.path, "ro")
        try:
            self._check(self._db)
        finally:
            # Of having been looked at nothing is left. Nobody can have begun to use these, as it is locked until then.
            for each in traces:
                if each is shared or not _size(each):
                    each.unlink(missing_ok=True)

    def _check(self, db: sqlite3.Connection) -> None:
        db.execute("BEGIN")  # one state of it, until it is closed
        found = _value(db, "PRAGMA application_id")
        if not found and not _value(db, "SELECT count(*) FROM sqlite_master"):
            self.is_new = True  # whoever made it was killed before anything was in it
            return
        if found != _APPLICATION:
            raise self.error("it is an SQLite database, but none of mockscim's; give another FILE")
        version = _value(db, "PRAGMA user_version")
        if version > _FORMAT:
            raise self.error(f"a newer mockscim has written it (format {version}, this one reads {_FORMAT})")
        if [sql for (sql,) in db.execute("SELECT sql FROM sqlite_master WHERE sql NOT NULL ORDER BY rowid")] != _TABLES:
            raise RowError("its tables are not those that it was made with")
        wrong = _value(db, "PRAGMA quick_check(1)")
        if wrong != "ok":
            raise self.error(f"it is damaged ({_line(wrong)}); {_DAMAGED}")

    def read(self, query: str, *values: object) -> Iterator[Row]:
        """The rows of a query."""
        return iter(self.db.execute(query, values))

    @contextmanager
    def trouble(self) -> Iterator[None]:
        """Say what is wrong with the file, and let go of it, where reading or owning it fails inside."""
        try:
            yield
        except (RowError, UnicodeError) as error:
            self.abandon()
            raise self.error(f"it is damaged ({_line(error)}); {_DAMAGED}") from None
        except sqlite3.Error as error:
            self.abandon()
            raise self._told(error) from None
        except BaseException:
            self.abandon()
            raise

    def _told(self, error: sqlite3.Error) -> PersistError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return self.error("it is in use, by another mockscim most likely; stop that one, or give another FILE")
        if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
            return self.error(f"it cannot be read and written ({_line(error)}); see whether its disk is full, or gone")
        return self.error(f"it is damaged, or no database of mockscim's ({_line(error)}); {_DAMAGED}")

    # -- owned -----------------------------------------------------------------------------------------------------

    @property
    def db(self) -> sqlite3.Connection:
        """The open database."""
        if self._db is None:
            raise sqlite3.ProgrammingError("it is closed")
        return self._db

    def own(self, as_seen: Callable[[], object]) -> None:
        """Have it for this process alone, to write, until ``close``.

        Args:
            as_seen: reads what must still be as it was when it was looked at.

        Raises:
            PersistError: another has it, or it cannot be written.
        """
        with self.trouble():
            seen = None if self.is_new else as_seen()
            self.close()
            made = self.is_new and _make(self.path)
            self._db = db = _connected(self.path, "rw")
            db.execute("PRAGMA locking_mode = EXCLUSIVE")
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            self._is_ours = made
            if self.is_new:
                if not self.path.exists():
                    raise self.error("another mockscim has made it, and taken it away again meanwhile; start again")
                with self.write():
                    for statement in _TABLES:
                        db.execute(statement)
                    db.execute(f"PRAGMA application_id = {_APPLICATION}")
                    db.execute(f"PRAGMA user_version = {_FORMAT}")
            else:
                with self.write():
                    pass  # it can be written
                if as_seen() != seen:
                    raise self.error("another mockscim has used it meanwhile; start again")
                self._close_to_others()
            self._lengthen()

    def _close_to_others(self) -> None:
        """Take from others what a file that was there may have allowed them: it holds people's data."""
        for each in (self.path, self._log):
            with suppress(FileNotFoundError, PermissionError):  # somebody else's, who decides
                if stat.S_IMODE(each.stat().st_mode) != _MODE:
                    each.chmod(_MODE)

    def _lengthen(self) -> None:
        """Give the write-ahead log the length at which it begins anew, in zeros, which SQLite takes for its end.

        What makes a file longer takes a disk some twenty times as long to sync as what is written over.
        """
        page, pages = _value(self.db, "PRAGMA page_size"), _value(self.db, "PRAGMA wal_autocheckpoint")
        whole = _LOG_HEAD + pages * (_FRAME_HEAD + page)
        with suppress(OSError), self._log.open("r+b") as log:
            log.write(bytes(max(0, whole - log.seek(0, os.SEEK_END))))
            log.flush()
            os.fsync(log.fileno())

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction: what is done inside is on disk after it, or none of it is.

        Raises:
            sqlite3.Error: none of it is.
        """
        db = self.db
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                with suppress(sqlite3.Error):
                    db.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Let go of it; once it was owned, all of it is in the one file then."""
        if self._db is not None:
            with suppress(sqlite3.Error):
                self._db.close()
            self._db = None

    def abandon(self) -> None:
        """Let go of it before anything was served from it: where none was before, none is left."""
        if self._is_ours:
            for each in (self.path, self._log):  # while it is still locked: afterwards it may be another's
                each.unlink(missing_ok=True)
            self._is_ours = False
        self.close()


def _located(given: str) -> Path:
    """Where a file is or is to be, once it is clear that it can be one.

    Raises:
        PersistError: it cannot.
    """
    try:
        path = Path(given).resolve()
        mode = path.stat().st_mode if path.exists() else None
        folder = path.parent.is_dir()
    except (OSError, RuntimeError, ValueError) as error:  # a circle of links; a name that is too long, or holds a NUL
        reason = error.strerror if isinstance(error, OSError) else None
        raise PersistError(f"{given}: no file can be there: {reason or error}") from None
    if Path(given).is_symlink() and mode is None:
        raise PersistError(f"{given}: it is a symbolic link to {path}, which is not there; make that, or give its name")
    if not folder:
        raise PersistError(f"{path}: there is no folder {path.parent}; make it first")
    if mode is not None and not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "no regular file"
        raise PersistError(f"{path}: it is {kind}; the name of a file was expected, which need not be there")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise PersistError(f"{path}: the folder {path.parent} cannot be written, as SQLite has to")
    if mode is not None and not os.access(path, os.R_OK | os.W_OK):
        raise PersistError(f"{path}: it cannot be read and written; its mode is {stat.filemode(mode)}")
    return path


def _make(path: Path) -> bool:
    """Make it, for its owner alone: it holds people's data. Whether it was not there."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _MODE))
    except FileExistsError:
        return False
    return True


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    # A MockScim is made in one thread, and serves in another.
    return sqlite3.connect(
        f"{path.as_uri()}?mode={mode}", uri=True, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
    )


def _value(db: sqlite3.Connection, query: str) -> Any:  # noqa: ANN401
    return db.execute(query).fetchone()[0]


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _line(text: object) -> str:
    return " ".join(str(text).split())[:200]
