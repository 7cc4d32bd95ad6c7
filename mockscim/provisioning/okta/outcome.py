"""What came of one object's plan."""

from __future__ import annotations

from typing import NamedTuple

from mockscim.provisioning.okta.errors import Failure
from mockscim.provisioning.okta.log import What
from mockscim.provisioning.okta.state import GroupLink, UserLink


class Note(NamedTuple):
    """Something to be written into the System Log.

    Args:
        what: the kind of event.
        failure: why it did not work; None where it did.
        skipped: it was not done, and why.
    """

    what: What
    failure: Failure | None = None
    skipped: str = ""


class Outcome(NamedTuple):
    """What came of it.

    Args:
        link: what is known of the target's resource now; None: nothing.
        notes: what happened, in order.
        failure: why it is not done; None when it is.
        message: what Dashboard > Tasks says then.
    """

    link: UserLink | GroupLink | None
    notes: tuple[Note, ...] = ()
    failure: Failure | None = None
    message: str = ""

    @property
    def ok(self) -> bool:
        """Whether all was done."""
        return self.failure is None
