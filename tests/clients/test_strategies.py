"""The table of strategies: what four ways to meet a failed create leave behind, faults before and after the commit.

Each strategy makes many users while a fault strikes three creates in ten. What is left is counted as
duplicates/orphans/missing: resources beyond one for a name, names of which the client holds no id, names not there.
"""

from collections import Counter

import pytest
from edge import USER
from lines import Judge, Line, filtered

MANY, CHANCE = 60, 0.3
NAMES = [f"user{number}@example.com" for number in range(MANY)]
GIVE_UP, BLIND, ONCE, PATIENT = "give up", "blind retry", "look up once then retry", "look up x4 then retry"
NONE, DUPLICATES, ORPHANS, MISSING = "none", "duplicates", "orphans", "missing"
UNENFORCED = {"extends": "standard", "behaviour": {"uniqueness": "none"}}


def rule(kind, phase, **parameters):
    """A fault of three creates in ten."""
    match = {"operation": "user.create"}
    return {"type": kind, "phase": phase, "parameters": parameters, "match": match, "probability": CHANCE}


STALE = {
    "type": "stale_read",
    "parameters": {"progression": "manual", "reads": 2, "scope": "filter"},
    "match": {"operation": "user.list"},
}
FAULTS = {
    "none": [],
    "503 before": [rule("abort", "before", status=503)],
    "drop before": [rule("drop", "before")],
    "503 after": [rule("abort", "after", status=503)],
    "drop after": [rule("drop", "after")],
    "drop after + stale": [rule("drop", "after"), STALE],
}
# What is left, by fault and strategy, where uniqueness is enforced and where it is not: faults.md §4.
TABLE = {
    "none": {GIVE_UP: (NONE, NONE), BLIND: (NONE, NONE), ONCE: (NONE, NONE), PATIENT: (NONE, NONE)},
    "503 before": {GIVE_UP: (MISSING, MISSING), BLIND: (NONE, NONE), ONCE: (NONE, NONE), PATIENT: (NONE, NONE)},
    "503 after": {GIVE_UP: (ORPHANS, ORPHANS), BLIND: (ORPHANS, DUPLICATES), ONCE: (NONE, NONE), PATIENT: (NONE, NONE)},
    "drop after + stale": {
        GIVE_UP: (ORPHANS, ORPHANS),
        BLIND: (ORPHANS, DUPLICATES),
        ONCE: (NONE, DUPLICATES),
        PATIENT: (NONE, NONE),
    },
}
TABLE["drop before"], TABLE["drop after"] = TABLE["503 before"], TABLE["503 after"]


def provision(line, strategy):
    """Make all users in one of the four ways; the ids that the client holds then, by name."""
    held = {}
    for name in NAMES:
        for _ in range(20):
            answer = line.ask("POST", "/Users", {"schemas": [USER], "userName": name})
            if answer.status == 201:
                held[name] = answer.body["id"]
            elif strategy in (ONCE, PATIENT):
                for _ in range(4 if strategy == PATIENT else 1):
                    found = line.ask("GET", filtered("/Users", "userName", name)).body["Resources"]
                    if found:
                        held[name] = found[0]["id"]
                        break
            if name in held or strategy == GIVE_UP or (strategy == BLIND and answer.status == 409):
                break
    return held


def left(server, held):
    """What a run has left behind."""
    users = server.users()
    counted = Counter(users)
    return {
        DUPLICATES: len(users) - len(counted),
        ORPHANS: sum(1 for name in counted if name not in held),
        MISSING: sum(1 for name in NAMES if name not in counted),
    }


def about(what):
    """The bounds of a number that hangs on chance: four standard deviations around its mean."""
    mean, variance = MANY * CHANCE, MANY * CHANCE * (1 - CHANCE)
    if what == DUPLICATES:  # each attempt may be lost in its turn
        mean, variance = mean / (1 - CHANCE), MANY * CHANCE / (1 - CHANCE) ** 2
    return mean - 4 * variance**0.5, mean + 4 * variance**0.5


@pytest.mark.parametrize("strategy", [GIVE_UP, BLIND, ONCE, PATIENT])
@pytest.mark.parametrize("enforced", [True, False], ids=["unique", "not-unique"])
@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_left(serve, open_line, fault, enforced, strategy):
    """Each cell has the shape that it should, the same again with the same seed, and the judge sees it so."""
    profile = "standard" if enforced else UNENFORCED
    server = serve(profile, None, faults=tuple(FAULTS[fault]), seed=8, clock="virtual")
    line, judge = open_line(Line, server), open_line(Judge, server)
    runs = []
    for _ in range(2):
        judge.ask("POST", "/reset")
        judge.desire([{"userName": name} for name in NAMES])
        found = left(server, provision(line, strategy))
        runs.append((found, judge.ask("GET", "/invariants")["exchanges"]))
    assert runs[0] == runs[1]
    expected = TABLE[fault][strategy][0 if enforced else 1]
    for what, number in found.items():
        low, high = about(what) if what == expected else (0, 0)
        assert low <= number <= high, found
    broken = judge.broken(only="I1,I2,I3", attempts=30)
    # Of two with one name the client holds one id, and desired is but one.
    told = {DUPLICATES: {"I1", "I2", "I3"}, ORPHANS: {"I2"}, MISSING: {"I3"}, NONE: set()}
    assert broken.keys() == told[expected]
