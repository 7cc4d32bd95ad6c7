"""The source directory of a simulated identity provider: what Microsoft Entra ID or Okta holds of people and groups.

One document serves both providers; see ``document`` for its shape and ``changes`` for what may happen in it.
"""

from mockscim.provisioning.directory.changes import Change, Step, read_change
from mockscim.provisioning.directory.delta import Delta, Members
from mockscim.provisioning.directory.document import dump, from_document, load, parse
from mockscim.provisioning.directory.following import NotFollowed, difference, follow
from mockscim.provisioning.directory.live import Directory
from mockscim.provisioning.directory.objects import (
    DEFAULT_ACCESS,
    RETENTION,
    AppRole,
    Assignment,
    DirectoryError,
    Group,
    User,
)

__all__ = [
    "DEFAULT_ACCESS",
    "RETENTION",
    "AppRole",
    "Assignment",
    "Change",
    "Delta",
    "Directory",
    "DirectoryError",
    "Group",
    "Members",
    "NotFollowed",
    "Step",
    "User",
    "difference",
    "dump",
    "follow",
    "from_document",
    "load",
    "parse",
    "read_change",
]
