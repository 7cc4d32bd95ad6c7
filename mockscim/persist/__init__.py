"""A directory that survives its process: ``mockscim serve --persist FILE``, an SQLite database.

    request → service → store           in memory, and nobody looks: the core never waits
                          └ keeper      what has changed since → one SQLite transaction, on disk when it returns
    answer  ←──────────────┘            or all of it taken back, and 507

``rows`` is what a row looks like, ``file`` the database and what may be wrong with it, ``keeping`` what is written
when. Nothing here is imported, nor sqlite3, unless a file is asked for.
"""

from __future__ import annotations


class PersistError(ValueError):
    """A file that cannot be used; the text names it, and says how to go on. It is left as it is."""
