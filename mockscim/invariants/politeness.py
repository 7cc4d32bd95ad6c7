"""I8: politeness."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mockscim.invariants.scene import Scene
from mockscim.invariants.seen import Seen
from mockscim.invariants.verdict import Evidence, Finding, idle, invariant, judged

_TOGETHER = 0.05  # seconds


@invariant("I8", "politeness", history=False)
def politeness(scene: Scene) -> Finding:
    """Who is told to wait waits; retries are spread; and not too many requests are under way at a time.

    A 429 or 503 that reached the client with a Retry-After in a form of RFC 9110 §10.2.3 asks for a wait; one of more
    than ``retry_after_cap`` need not be believed, and an HTTP-date says nothing on a virtual clock. The wait is
    measured from the answer to the next arrival, in real time or on the tenant's clock, whichever is longer; it may
    be too short by ``retry_after_slack``, but by no more than half of what was asked for.

    The same request again, in the same marked cycle, must have waited. A client that sends one request at a time (its
    connections never alternate) must, on the whole, have waited with the next request for the same operation too:
    broken when it did so less often than not, and not just once.

    Retries are not spread when they come over ``herd`` connections or more within 50 ms. Under way at a time may be
    ``in_flight`` requests.
    """
    asked = [(seen, wait) for seen in scene.seen if (wait := _wait(scene, seen)) > 0]
    found = list(_same_again(scene, asked)) if asked else []
    if asked and not found:
        found += _next_of_scope(scene, asked)
    found += _herds(scene)
    found += _crowd(scene)
    if not asked and not found:
        return idle("the client was never told to wait (Retry-After)")
    return judged(found, "impolite", f"all {len(asked)} requests to wait were heeded")


def _wait(scene: Scene, seen: Seen) -> float:
    """How long a client has to wait after an answer, slack taken off; 0 for not at all."""
    asked = seen.retry_after(dates=not scene.virtual)
    parameters = scene.parameters
    if asked is None or asked > parameters.retry_after_cap:
        return 0.0
    # A date has no fractions of a second.
    if not (seen.header("retry-after") or "").strip().isdigit():
        return asked - max(1.0, parameters.retry_after_slack)
    return asked - min(parameters.retry_after_slack, asked / 2)


def _same_again(scene: Scene, asked: Sequence[tuple[Seen, float]]) -> Iterator[Evidence]:
    following = _following(scene.seen, lambda seen: (seen.identity, seen.epoch))
    for seen, wait in asked:
        again = following.get(seen.n)
        if again is not None and (gap := seen.gap_to(again)) < wait:
            yield _too_soon(seen, again, gap)


def _next_of_scope(scene: Scene, asked: Sequence[tuple[Seen, float]]) -> list[Evidence]:
    if not _one_at_a_time(scene.seen):
        return []
    following = _following(scene.seen, lambda seen: (seen.operation, seen.token, seen.epoch))
    early, heeded = [], 0
    for seen, wait in asked:
        again = following.get(seen.n)
        if again is None:
            continue
        gap = seen.gap_to(again)
        if gap < wait:
            early.append(_too_soon(seen, again, gap))
        else:
            heeded += 1
    return early if len(early) > max(1, heeded) else []


def _too_soon(seen: Seen, again: Seen, gap: float) -> Evidence:
    value = (seen.header("retry-after") or "").strip()
    what = f"{again} came {max(gap, 0):.2f} s after #{seen.n} was answered {seen.status} with Retry-After: {value}"
    return Evidence(what, again.n)


def _following(seen: Sequence[Seen], key: object) -> dict[int, Seen]:
    """For each exchange the next one of the same kind."""
    last: dict[object, Seen] = {}
    found: dict[int, Seen] = {}
    for each in seen:
        kind = key(each)  # type: ignore[operator]
        if kind in last:
            found[last[kind].n] = each
        last[kind] = each
    return found


def _one_at_a_time(seen: Sequence[Seen]) -> bool:
    """Whether connections never alternate: each is left for good before the next is used."""
    left: set[int] = set()
    now: int | None = None
    for each in seen:
        if each.connection != now:
            if each.connection in left:
                return False
            if now is not None:
                left.add(now)
            now = each.connection
    return True


def _herds(scene: Scene) -> Iterator[Evidence]:
    retries = sorted((s for o in scene.operations for s in o.attempts[1:]), key=lambda s: s.began)
    first = 0
    for last, seen in enumerate(retries):
        while seen.after(retries[first]) > _TOGETHER:
            first += 1
        together = {s.connection for s in retries[first : last + 1]}
        if len(together) >= scene.parameters.herd:
            yield Evidence(f"{len(together)} connections retried within 50 ms", seen.n)
            return


def _crowd(scene: Scene) -> Iterator[Evidence]:
    ends: list[float] = []
    for seen in sorted(scene.seen, key=lambda s: s.began):
        ends = [end for end in ends if end > seen.began]
        ends.append(seen.ended)
        if len(ends) > scene.parameters.in_flight:
            yield Evidence(f"{len(ends)} requests were under way, {scene.parameters.in_flight} may be", seen.n)
            return
