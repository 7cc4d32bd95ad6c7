"""Slips of the pen in data that people write: fixtures, and edits behind the client's back.

What a client may send and have dropped, with a note in the journal, is a mistake there: nobody would see the note.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from mockscim.scim.errors import ScimError
from mockscim.scim.policy import Named, Tolerance

_LONGEST_SLIP = 100


class Slip(ScimError):  # noqa: N818 - reads as what it says where it is raised
    """A name that means nothing, or that is given twice.

    Args:
        detail: what is wrong with it.
        name: the name as it was given; None where it cannot be told.
    """

    def __init__(self, detail: str, name: str | None = None) -> None:
        super().__init__(400, "invalidValue", detail)
        self.name = name


class Careful(Tolerance):
    """The leniencies that there are for such data, and none for slips.

    Args:
        accepted: the leniencies in force.
        foreign: whether names with a URN that is not known here are dropped: what was saved from a real service may
            have extensions of its own.
    """

    __slots__ = ("_foreign",)

    def __init__(self, accepted: frozenset[str], *, foreign: bool = True) -> None:
        super().__init__(accepted)
        self._foreign = foreign

    def allow(self, code: str, detail: str, refusal: ScimError | None = None) -> None:
        """Note a deviation, or raise when it is refused, or a slip."""
        if code == "duplicate-key":
            raise Slip(detail)
        super().allow(code, detail, refusal)

    def unknown(self, owner: str, what: str, name: str, known: Mapping[str, Named]) -> None:
        """Refuse a name that there is not, with the nearest that there is."""
        if ":" in name and self._foreign:
            super().unknown(owner, what, name, known)
            return
        # What is long resembles nothing, and comparing it takes long.
        near = difflib.get_close_matches(name.lower(), list(known), 1) if len(name) <= _LONGEST_SLIP else []
        hint = f": did you mean {known[near[0]].name!r}?" if near else ""
        raise Slip(f"{owner} has no {what} {name[:100]}{hint}", name)
