"""I10: credential hygiene."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from mockscim.invariants.scene import Scene
from mockscim.invariants.seen import Seen
from mockscim.invariants.verdict import Evidence, Finding, idle, invariant, judged

_GRACE = 0.1  # seconds in which what was under way already may still arrive
_REST = 30.0


@invariant("I10", "credential hygiene", history=False)
def credential_hygiene(scene: Scene) -> Finding:
    """A refused token is not tried over and over, it is renewed once, and it goes to no other origin.

    After a 401 that reached the client at most ``after_401`` further requests with that token, as far as they are
    answered 401 as well and come over the same connection, or more than 0.1 s later, or one after the other while no
    other connection is open: what was on its way already does not count. The count ends where the token is accepted
    again (what flaps was not refused for good), where a new cycle is marked, and where the client has let it rest for
    30 s. A run of refusals that ends in acceptance may be as long as any other operation's attempts (``attempts``).

    Token requests (token.create) that succeed within 0.1 s of each other, each with an answer that arrived, are a
    stampede. Where an answer named another host, in Location or as a reference, a later request to that host (as its
    Host header has it) bears no Authorization.
    """
    refused = [seen for seen in scene.seen if seen.status == 401 and seen.arrived and seen.token]
    found = [evidence for run in _runs(scene) for evidence in _worn_out(scene, run)]
    found += _stampedes(scene)
    found += _strays(scene)
    if not found and not refused:
        tokens = [seen for seen in scene.seen if seen.operation == "token.create"]
        if not tokens and not any(_named_hosts(seen) for seen in scene.seen):
            return idle("no token was refused, renewed or asked for elsewhere")
    return judged(found, "careless with credentials", f"{len(refused)} refusals were heeded")


class _Run:
    """A token's refusals in a row."""

    def __init__(self, first: Seen) -> None:
        self.refused = [first]
        self.ended_well = False


def _runs(scene: Scene) -> list[_Run]:
    found: list[_Run] = []
    now: dict[str, _Run] = {}
    for seen in scene.seen:
        if not seen.token or seen.operation == "token.create" or not seen.arrived:
            continue
        run = now.get(seen.token)
        if seen.status != 401:
            # Only what was let in tells that the token is good; a failing server looks at none.
            if run is not None and not seen.failed:
                run.ended_well = True
                del now[seen.token]
            continue
        rested = run is not None and (run.refused[-1].epoch != seen.epoch or run.refused[-1].gap_to(seen) >= _REST)
        if run is None or rested:
            run = now[seen.token] = _Run(seen)
            found.append(run)
        elif (
            any(each.connection == seen.connection for each in run.refused)
            or run.refused[0].gap_to(seen) > _GRACE
            or (run.refused[-1].exchange.alone and seen.exchange.alone)
        ):
            run.refused.append(seen)
    return found


def _worn_out(scene: Scene, run: _Run) -> Iterator[Evidence]:
    most = 1 + scene.parameters.after_401
    if run.ended_well:
        most = max(most, scene.parameters.attempts)
    if len(run.refused) > most:
        first, last = run.refused[0], run.refused[-1]
        further = len(run.refused) - 1
        yield Evidence(f"{further} further requests with a token refused at #{first.n}, the last {last}", last.n)


def _stampedes(scene: Scene) -> Iterator[Evidence]:
    before: Seen | None = None
    for seen in scene.seen:
        if seen.operation != "token.create" or not seen.ok or seen.answer is None:
            continue
        if before is not None and before.agent == seen.agent and before.gap_to(seen) < _GRACE:
            yield Evidence(f"a token was asked for although #{before.n} had just brought one", seen.n)
        before = seen


def _strays(scene: Scene) -> Iterator[Evidence]:
    named: dict[str, int] = {}
    own: dict[str, set[str]] = defaultdict(set)
    for seen in scene.seen:
        host = seen.headers.get("Host", "").lower()
        if host in named and seen.token and host not in own[seen.agent]:
            yield Evidence(f"credentials were sent to {host}, which #{named[host]} had named", seen.n)
        elif host not in named:
            own[seen.agent].add(host)
        for other in _named_hosts(seen):
            if other not in own[seen.agent]:
                named.setdefault(other, seen.n)


def _named_hosts(seen: Seen) -> set[str]:
    """The hosts, other than the one asked, that an answer names."""
    if not seen.arrived:
        return set()
    locations: list[Any] = [seen.header("location")]
    for resource in seen.resources[:100]:
        meta = resource.get("meta")
        locations.append(meta.get("location") if isinstance(meta, Mapping) else None)
    asked = seen.headers.get("Host", "").lower()
    found = set()
    for location in locations:
        if isinstance(location, str) and "://" in location:
            try:
                found.add(urlsplit(location).netloc.lower())
            except ValueError:
                continue
    return found - {asked, ""}
