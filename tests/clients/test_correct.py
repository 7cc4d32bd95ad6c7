"""Correct clients under every fault that there is: none breaks an invariant, and all get where they should."""

import random

import pytest
from correct import CycleEngine, Provisioner, Reconciler, Replacer
from lines import AiohttpLine, HttpxLine, Judge, Line

from mockscim.faults.registry import all_types

CLIENTS = {"reconciler": (Reconciler, HttpxLine), "replacer": (Replacer, AiohttpLine), "engine": (CycleEngine, Line)}

START = {
    "users": [
        {"id": "u-1", "userName": "ann@example.com", "displayName": "Ann of old", "title": "Chief", "active": True},
        {"id": "u-2", "userName": "zoe@example.com", "displayName": "Not ours", "active": True},
    ],
    "groups": [{"id": "g-1", "displayName": "Staff", "members": ["u-2"]}],
}


def person(name, number, **more):
    """What is wanted of one person."""
    return {"externalId": f"hr-{number}", "displayName": name.title(), "active": True, **more}


FIRST = {
    "/Users": {f"{name}@example.com": person(name, number) for number, name in enumerate(("ann", "bea", "cyd", "dov"))},
    "/Groups": {"Staff": ["ann@example.com", "bea@example.com", "cyd@example.com"], "Crew": ["dov@example.com"]},
}
SECOND = {
    "/Users": {
        **{name: wanted for name, wanted in FIRST["/Users"].items() if not name.startswith("cyd")},
        "bea@example.com": person("bea", 1, displayName="Bea the Second"),
        "eve@example.com": person("eve", 4),
    },
    "/Groups": {"Staff": ["ann@example.com", "bea@example.com"], "Crew": ["dov@example.com", "eve@example.com"]},
}

# What a type needs or takes beside its defaults, so that it strikes and takes no real time.
PARAMETERS = {
    "abort": [{"status": 503, "retry_after": 30}, {"status": 500}, {"status": 401}, {"status": 404}, {"status": 400}],
    "drip": [{"interval": "1ms", "chunk": 256}],
    "hang": [{"seconds": "20ms"}],
    "latency": [{"delay": "1ms"}],
    "late_commit": [{"reply": 504}, {"reply": "drop"}],
    "lost_ack": [{"outcome": outcome} for outcome in ("reset", "drop", "truncate", "503")],
    "page_cap": [{"max": 1}, {"max": 2, "empty_before_end": True}],
    "page_fail": [{"outcome": "503"}, {"outcome": "reset"}],
    "poison": [{"user_name": "bea@example.com"}],
    "refuse": [{"seconds": "20ms"}],
    "seat_limit": [{"seats": 4}],
    "slow_close": [{"seconds": "5ms"}],
}
BUSY = {"refuse": 3, "hang": 5}  # those that take real time strike so often at most


def cases():
    """Each type with its default parameters, and with each value of the parameter that says in which way."""
    for kind in all_types():
        listed = PARAMETERS.get(kind.name)
        if listed is None:
            schema = kind.describe()["parameters"]
            found = schema.get("properties", {})
            ways = found.get(kind.argument, {}).get("enum") or []
            listed = [{kind.argument: way} for way in ways] or [{}]
        for parameters in listed:
            words = "-".join(str(value) for value in parameters.values())
            yield pytest.param(kind, parameters, id=f"{kind.name}-{words}" if words else kind.name)


def sync(client, line, judge, wanted):
    """One cycle, marked and reported; the clock goes on to the next."""
    judge.begin()
    judge.end(**line.run(client.cycle(wanted)))
    line.wait(40 * 60)


def desire(judge, wanted):
    """Say where the client should arrive; who was there before is not its business."""
    users = [{"userName": name, **attributes} for name, attributes in wanted["/Users"].items()]
    groups = [{"displayName": name, "members": members} for name, members in wanted["/Groups"].items()]
    judge.desire([*users, {"userName": "zoe@example.com"}], groups)


def journey(client, line, judge, rules):
    """Two cycles under faults, with another desired state in the second; then three without."""
    for rule in rules:
        judge.ask("POST", "/faults", rule)
    for wanted in (FIRST, SECOND):
        desire(judge, wanted)
        sync(client, line, judge, wanted)
    hits = sum(rule["hits"] for rule in judge.ask("GET", "/faults")["items"])
    judge.ask("DELETE", "/faults")
    for _ in range(3):
        sync(client, line, judge, SECOND)
    return hits


@pytest.mark.parametrize("name", CLIENTS)
@pytest.mark.parametrize(("kind", "parameters"), list(cases()))
def test_none_is_broken(serve, open_line, kind, parameters, name):
    """A correct client breaks nothing under any fault, and arrives once it is over."""
    make, speak = CLIENTS[name]
    server = serve(fixture=START, seed=5, clock="virtual")
    rule = {"type": kind.name, "parameters": parameters}
    if kind.terminal:
        rule["probability"] = 0.4
    if kind.name in BUSY:
        rule["times"] = BUSY[kind.name]
    client, line, judge = make(), open_line(speak, server), open_line(Judge, server)
    journey(client, line, judge, [rule])
    assert judge.broken() == {}
    verdicts = judge.verdicts()
    assert verdicts["I3"]["verdict"] == "held", verdicts["I3"]["why"]
    assert verdicts["I4"]["verdict"] == "held", verdicts["I4"]["why"]
