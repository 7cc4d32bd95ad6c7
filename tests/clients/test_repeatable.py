"""Two runs of one client with one seed, fixture and base URL: equal journals, times and connections apart."""

import pytest
from correct import CycleEngine, Reconciler
from lines import Judge, Line
from test_correct import FIRST, SECOND, START, sync

FAULTS = (
    {"type": "lost_ack", "match": {"operation": "*.create"}, "parameters": {"outcome": "reset"}, "probability": 0.5},
    {"type": "abort", "parameters": {"status": 503, "retry_after": 7}, "probability": 0.2},
    {"type": "duplicate_delivery", "match": {"operation": "*.patch"}, "probability": 0.3},
    {"type": "truncate", "match": {"method": "GET"}, "probability": 0.1},
    {"type": "stale_read", "parameters": {"seconds": "20s"}},
    {"type": "unstable_order", "match": {"operation": "*.list"}},
    {
        "type": "conflict",
        "match": {"operation": "user.create"},
        "parameters": {"holder": "visible"},
        "skip": 1,
        "times": 1,
    },
    {"type": "late_commit", "match": {"operation": "group.*"}, "probability": 0.2},
)
REAL = ("duration_ms", "connection")  # the only times that are real; those of a virtual clock are the same


class NamedLine(Line):
    """A line to a server that is called by a name of its own, so that base URLs are the same."""

    def send(self, request):
        return super().send(request._replace(headers={**request.headers, "Host": "scim.example.com"}))


@pytest.fixture
def journal_of(serve, open_line):
    """Let a client run against a new server; its journal and history without what is real time."""

    def run(make, seed):
        server = serve(fixture=START, seed=seed, clock="virtual", faults=FAULTS)
        client, line, judge = make(), open_line(NamedLine, server), open_line(Judge, server)
        for wanted in (FIRST, SECOND, SECOND):
            sync(client, line, judge, wanted)
        journal = judge.ask("GET", "/journal?limit=1000")["items"]
        for entry in journal:
            for name in REAL:
                del entry[name]
        return journal, judge.ask("GET", "/history?limit=1000")["items"], judge.ask("GET", "/faults")["items"]

    return run


@pytest.mark.parametrize("make", [Reconciler, CycleEngine])
def test_two_runs_are_equal(journal_of, make):
    """With one seed the same exchanges, changes and hits, entry for entry; with another seed others."""
    journal, history, rules = journal_of(make, 11)
    again = journal_of(make, 11)
    for first, second in zip(journal, again[0], strict=False):
        assert first == second
    assert (journal, history, rules) == again
    assert len(journal) > 40
    assert sum(1 for rule in rules if rule["hits"]) >= 6  # there is something to repeat
    assert journal_of(make, 12)[0] != journal
