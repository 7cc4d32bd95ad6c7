"""Clients that are known to be right, and clients that are known to be wrong, swept: tests/clients has them."""

import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mockscim import MockScim
from mockscim.faults import find_type

_HERE = Path(__file__).parent
sys.path += [str(_HERE.parent / "clients"), str(_HERE.parent / "server")]

from broken import ALL  # noqa: E402
from correct import CycleEngine, Reconciler, Replacer  # noqa: E402
from edge import TOKEN  # noqa: E402
from lines import AiohttpLine, HttpxLine, Judge, Line  # noqa: E402
from test_correct import person  # noqa: E402

WANTED = {
    "/Users": {f"{name}@example.com": person(name, number) for number, name in enumerate(("ann", "bea"))},
    "/Groups": {"Staff": {"externalId": "hr-staff", "members": ["ann@example.com", "bea@example.com"]}},
}


class Served:
    """A MockScim as those clients know a server: by its port, and by the clock that they wait on."""

    def __init__(self, scim):
        self.port = urlsplit(scim.base_url).port
        self.scim = self.tenants = self
        self._mock = scim

    def use(self, tenant):
        return self._mock

    def call(self, function, *arguments):
        return function(*arguments)


@pytest.mark.parametrize(
    ("make", "speak", "outcomes"),
    [
        (Reconciler, Line, ("503", "truncate")),
        (Replacer, HttpxLine, ("429(retry_after=30)", "late_commit")),
        (CycleEngine, AiohttpLine, ("hang(20ms)",)),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_clients_that_are_right_hold(make, speak, outcomes):
    """Whatever befalls any of their requests: nothing is made twice or forgotten, and they arrive and say so."""
    with MockScim.threaded(token=TOKEN, clock="virtual", seed=5) as scim:

        def client():
            line = speak(Served(scim))
            try:
                return line.run(make().cycle(WANTED))
            finally:
                line.close()

        result = scim.sweep(client, outcomes=outcomes)
        assert len(result.requests) >= 8
        assert len(result.runs) > len(result.requests)


# Those whose one fault a sweep can let strike, and that are right without it.
STRUCK = (
    "BlindRetrier",
    "GiverUp",
    "ConflictShrugger",
    "LostUpdatePutter",
    "CaseComparer",
    "AbsenceDeleter",
    "RetryAfterIgnorer",
    "Leaker",
    "Resurrecter",
    "NeverAgain",
)


@pytest.mark.parametrize("name", STRUCK)
def test_clients_that_are_wrong_are_found(name):
    """What each gets wrong is found where its fault strikes, and told in the words of the judge; nothing else is."""
    broken = ALL[name]
    (rule,) = broken.faults
    outcome = {"type": rule["type"], "parameters": rule["parameters"]}
    desired = None if broken.desired is None else {"users": list(broken.desired), "groups": list(broken.groups)}
    options = {"profile": broken.profile, "fixture": broken.start or None}
    with MockScim.threaded(token=TOKEN, clock="virtual", seed=3, **options) as scim:

        def client():
            lines = []

            def open_line(kind, server):
                lines.append(kind(server))
                return lines[-1]

            server = Served(scim)
            judge = Judge(server)
            try:
                broken(server, judge, open_line).run()
            finally:
                for each in (judge, *lines):
                    each.close()

        result = scim.sweep(
            client,
            rule.get("phase", find_type(rule["type"]).default_phase),
            outcome,
            operation=rule["match"]["operation"],
            recover=False,
            desired=desired,
            invariants=broken.breaks,
            check=False,
        )
        assert not result.clean.findings
        assert {finding.broke for finding in result.findings} == broken.breaks.keys(), result.report()
        for id_, (_, words) in broken.breaks.items():
            told = [line for finding in result.findings if finding.broke == id_ for line in finding.evidence]
            # A sweep knows where the client should have arrived, so some of it is told in other words.
            assert any(re.search(words.partition(" by ")[0], line) for line in told), told
