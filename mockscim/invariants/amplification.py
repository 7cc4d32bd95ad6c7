"""I9: bounded amplification."""

from __future__ import annotations

from collections.abc import Iterator

from mockscim.invariants.attempts import Operation, own_attempts
from mockscim.invariants.scene import Scene
from mockscim.invariants.verdict import Evidence, Finding, idle, invariant, judged

_ENOUGH = 20  # logical operations, before a ratio says anything


@invariant("I9", "bounded amplification", history=False)
def bounded_amplification(scene: Scene) -> Finding:
    """What goes wrong is not tried for ever, nor all at once.

    At most ``attempts`` attempts on the wire for one logical operation (attempts.py says what belongs to one; what an
    HTTP library sends again by itself is not counted), and all in all at most 1 + ``overhead`` times as many as there
    are operations. While nothing but failures comes back (no answer, 429, 5xx), at most ``storm`` requests begin
    within one second. A reading of a collection ends: at most ``idle_pages`` pages in a row bring nothing new, and
    the same page is not asked for more than ten times in a row.
    """
    if not scene.seen:
        return idle("the client sent nothing")
    found = [_endless(o) for o in scene.operations if len(o.attempts) > scene.parameters.attempts]
    attempts, ideal = own_attempts(scene.operations), len(scene.operations)
    if ideal >= _ENOUGH and attempts > (1 + scene.parameters.overhead) * ideal:
        found.append(Evidence(f"{attempts} attempts for {ideal} logical operations", scene.seen[-1].n))
    found += _storms(scene)
    found += _endless_walks(scene)
    most = max((len(o.attempts) for o in scene.operations), default=0)
    resent = sum(len(o.resent) for o in scene.operations)
    library = f", {resent} sent again by the HTTP library" if resent else ""
    return judged(found, "out of bounds", f"at most {most} attempts for an operation{library}")


def _endless(operation: Operation) -> Evidence:
    first, last = operation.first, operation.attempts[-1]
    numbers = ", ".join(f"#{seen.n}" for seen in operation.attempts[:3])
    what = f"{first} was tried {len(operation.attempts)} times ({numbers} …), last answer: {last.told()}"
    return Evidence(what, last.n)


def _storms(scene: Scene) -> Iterator[Evidence]:
    first = 0
    for last, seen in enumerate(scene.seen):
        if not seen.failed:
            first = last + 1
            continue
        while seen.after(scene.seen[first]) > 1.0:
            first += 1
        if last - first + 1 > scene.parameters.storm:
            what = f"{last - first + 1} requests within a second while nothing but failures came back"
            yield Evidence(what, seen.n)
            return


def _endless_walks(scene: Scene) -> Iterator[Evidence]:
    for walk in scene.walks:
        idle_pages = walk.idle()
        if len(idle_pages) > scene.parameters.idle_pages:
            what = f"{len(idle_pages)} further pages of {walk.resource}s were read although they brought nothing new"
            yield Evidence(what, idle_pages[-1].n)
    run = 0
    for before, seen in zip(scene.seen, scene.seen[1:], strict=False):
        same = seen.identity == before.identity and seen.verb == "list" and before.ok and before.epoch == seen.epoch
        run = run + 1 if same and not seen.parameters.get("filter") else 0
        if run == 10:
            yield Evidence("the same page was asked for more than ten times in a row", seen.n)
