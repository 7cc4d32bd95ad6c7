"""What a test run has been lent: the servers of its tests, and what is to be said of each. Knows no pytest."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mockscim.client import report
from mockscim.client.inside import InsideOptions
from mockscim.client.lending import Elsewhere, Lease, Lender, Pool
from mockscim.client.mock import MockScim
from mockscim.server.setup import check_options

STRICT_FAULTS = "strict_faults"


class Loan:
    """One server for one test, or for as many as its fixture is there for.

    Args:
        title: what it is called in reports.
        lease: the line to it.
        faults: those that it was told to start with.
        strict_faults: whether every fault that is asked for has to strike.

    Attributes:
        scim: what the test has of it; started.
        since: the number of the last exchange before the test that runs now.
        ended: whether it is over.
    """

    def __init__(self, title: str, lease: Lease, faults: object = None, *, strict_faults: bool) -> None:
        self.title = title
        self.scim = MockScim.over(lease)
        self.scim.start()
        if strict_faults:
            self.scim.expect_start(faults)
        self.since = 0
        self.ended = False
        self._lease = lease
        self._strict_faults = strict_faults
        self._known: report.Known | None = None

    def begin_test(self) -> None:
        """What happens from now on belongs to another test."""
        self.since = self.scim.journal.last if self._lease.serving else 0

    def noticed(self) -> list[str]:
        """What went wrong, and nobody may have seen it."""
        found: list[str] = []
        if self._lease.remembers:
            found += report.failures(self._lease.look_back)
        if self._lease.serving:
            found += report.held(self._lease.look_back)
            if self._strict_faults:
                for asked in self.scim.unfired():
                    found += report.unfired(asked.documents(), asked.scenario)
        return found

    def end(self) -> None:
        """Let nobody use it any more; what happened can be told until ``release``."""
        if not self._lease.lasting and self._lease.serving:
            self._known = report.look(self._lease.look_back)
        self.ended = True
        self._lease.end(f"the server of {self.title} is gone: the test, or whatever had asked for it, is over")

    def release(self) -> None:
        """Let others have the server."""
        self._lease.give_back()

    def text(self, command: str) -> str:
        """What the report of a failed test says of it; ``command`` runs the test again."""
        if self._known is None and not self._lease.remembers:
            return "the server had been stopped, and what had happened there went with it"
        known = self._known or report.look(self._lease.look_back)
        return report.report(known, command, self.since, [] if self.ended else self.noticed())

    def seed(self) -> int | None:
        """The seed in force, where it can be told."""
        if self._known is not None:
            return int(self._known.facts["seed"])
        return int(self._lease.look_back("GET", "/", None)["seed"]) if self._lease.remembers else None


class Desk:
    """Lends servers of this process, or tenants of the one that MOCKSCIM_URL names.

    Attributes:
        loans: those that are not released.
    """

    def __init__(self) -> None:
        url = os.environ.get("MOCKSCIM_URL")
        self._lender: Lender = Pool()
        if url:
            token, ca = os.environ.get("MOCKSCIM_ADMIN_TOKEN"), os.environ.get("MOCKSCIM_CA")
            self._lender = Elsewhere(url, token or None, ca or None)
        self.loans: list[Loan] = []

    def lend(self, title: str, options: Mapping[str, Any], *, strict_faults: bool) -> Loan:
        """Lend a server.

        Args:
            title: what it is called in reports.
            options: of MockScim.
            strict_faults: whether every fault that is asked for has to strike.

        Raises:
            As ``MockScim.start``.
        """
        given = options.get("faults")
        if isinstance(given, Iterator):  # which can be read but once
            options = {**options, "faults": (given := list(given))}
        loan = Loan(title, Lease(self._lender, options), given, strict_faults=strict_faults)
        self.loans.append(loan)
        return loan

    def release(self, loan: Loan) -> None:
        """Have a server back that is not needed any more."""
        self.loans.remove(loan)
        loan.release()

    def close(self) -> None:
        """Stop all."""
        for loan in list(self.loans):
            loan.end()
            self.release(loan)
        self._lender.close()


def check_keywords(given: Iterable[str], whose: str) -> None:
    """Refuse keywords that a server for tests does not have.

    Raises:
        TypeError: names it, the nearest and all that there are.
    """
    try:
        check_options(given, [*InsideOptions.__annotations__, STRICT_FAULTS])
    except TypeError as error:
        raise TypeError(f"{whose}: {error}") from None
