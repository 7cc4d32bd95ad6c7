"""Broken clients: each breaks the invariants that it should and no other, and the evidence points at what it did."""

import re

import pytest
from broken import ALL
from lines import Judge


def test_there_are_twenty():
    """At least twenty clients, and each invariant is broken by one at least."""
    assert len(ALL) >= 20
    assert {id_ for each in ALL.values() for id_ in each.breaks} == {f"I{number}" for number in range(1, 14)}


@pytest.mark.parametrize("name", ALL)
def test_it_breaks_what_it_should(serve, open_line, name):
    """What is broken is what the client gets wrong, shown by its own exchange; all else is held or not applicable."""
    broken = ALL[name]
    server = serve(broken.profile, broken.start or None, faults=tuple(broken.faults), seed=3, clock="virtual")
    judge = open_line(Judge, server)
    if broken.desired is not None:
        judge.desire(broken.desired, broken.groups)
    broken(server, judge, open_line).run()
    verdicts = judge.verdicts(**getattr(broken, "strictness", {}))
    found = {id_: each["evidence"] for id_, each in verdicts.items() if each["verdict"] == "broken"}
    assert found.keys() == broken.breaks.keys(), {id_: each[:2] for id_, each in found.items()}
    entries = {entry["n"]: entry for entry in judge.ask("GET", "/journal?limit=1000")["items"]}
    for id_, (operation, words) in broken.breaks.items():
        shown = [each for each in found[id_] if re.search(words, each["what"])]
        assert shown, found[id_]
        assert {entries[each["journal"]]["operation"] if each["journal"] else None for each in shown} == {operation}
    assert not any(each["incomplete"] for each in verdicts.values())
