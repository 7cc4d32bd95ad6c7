"""Whether a client did what it should have: exchanges counted and put in order, and words on the nearest miss.

Attempts on the wire are counted, those included whose answer was lost or whose change was not made; ``committed``
narrows that. What a ``where`` looks at is the resource before and after each exchange, and as the client sent it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

import msgspec
import orjson
from msgspec import Meta

from mockscim.faults import FaultError
from mockscim.faults.documents import Seconds
from mockscim.faults.match import glob
from mockscim.journal import Exchange
from mockscim.scim import match
from mockscim.scim.body import shallow_json
from mockscim.scim.errors import ScimError
from mockscim.scim.filter import And, Compare, Node, parse
from mockscim.scim.record import Change, Record
from mockscim.scim.schema import ResourceType

_NEAR = 3  # how many near misses are told


class Expectation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The body of ``POST verify``: how many exchanges of a kind there are to be, or which in what order."""

    operation: Annotated[str, Meta(description="An operation or refinement; * stands for any text.")] = "*"
    where: Annotated[str | None, Meta(description="SCIM filter over the resource before, after or as sent.")] = None
    status: Annotated[int, Meta(description="The status of the answer.", ge=100, le=599)] | None = None
    committed: Annotated[bool | None, Meta(description="Only what changed something, or only what did not.")] = None
    fault: Annotated[str | None, Meta(description="Only what this rule, or type of fault, struck.")] = None
    since: Annotated[int, Meta(description="Only exchanges with a greater number.", ge=0)] = 0
    count: Annotated[int, Meta(description="Exactly so many.", ge=0)] | None = None
    at_least: Annotated[int, Meta(description="So many or more; 1 unless anything is said.", ge=0)] | None = None
    at_most: Annotated[int, Meta(description="So many or fewer.", ge=0)] | None = None
    sequence: Annotated[
        list[str] | None, Meta(description="Operations that there are to be in this order, others between them or not.")
    ] = None
    within: Annotated[Seconds | None, Meta(description="How long to wait for it, in real time.")] = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it is as expected.

    Attributes:
        ok: whether it is.
        found: how many exchanges are as described; of a sequence, how much of it there is.
        exchanges: their numbers.
        explanation: what is told of it, a few lines.
    """

    ok: bool
    found: int
    exchanges: tuple[int, ...]
    explanation: str

    def document(self) -> dict[str, Any]:
        """The verdict as the control API gives it."""
        return {
            "ok": self.ok,
            "found": self.found,
            "exchanges": list(self.exchanges),
            "explanation": self.explanation,
        }


@dataclass(frozen=True, slots=True)
class Scene:
    """What there is to judge by.

    Attributes:
        exchanges: the journal, oldest first.
        dropped: how many exchanges it no longer has.
        changes: the history by number, as far as it is kept.
        types: resource types by the first half of their operations: ``user``.
        command: what starts the same server again.
    """

    exchanges: Sequence[Exchange]
    dropped: int
    changes: dict[int, Change]
    types: dict[str, ResourceType]
    command: str


def verify(expected: Expectation, scene: Scene) -> Verdict:
    """Compare what happened with what was expected; that its operations can be at all is the tenant's to say.

    Raises:
        FaultError: the expectation itself is wrong; points into it.
    """
    _check(expected)
    if expected.sequence is not None:
        return _in_order(expected, expected.sequence, scene)
    judged = [(exchange, _criteria(expected, exchange, scene)) for exchange in _since(expected, scene)]
    found = [exchange for exchange, criteria in judged if all(criterion.met for criterion in criteria)]
    ok, wanted = _counted(expected, len(found))
    lines = [f"expected {wanted} {_described(expected)}, found {len(found)}"]
    lines += [f"  {_line(exchange)}" for exchange in found[:10]]
    if len(found) > 10:
        lines.append(f"  and {len(found) - 10} more")
    if not ok:
        missed = sorted(
            ((exchange, criteria) for exchange, criteria in judged if exchange not in found),
            key=lambda pair: (-sum(c.met for c in pair[1]), -pair[0].n),
        )
        if missed and len(found) < _least(expected):
            lines.append(f"closest of {len(missed)} other exchange{'s' if len(missed) > 1 else ''}:")
            for exchange, criteria in missed[:_NEAR]:
                told = [criterion.told() for criterion in criteria]
                about = [f"    {line}" for line in (*told, *_circumstances(exchange, scene))]
                lines += [f"  {_line(exchange)}", *about]
        elif not judged:
            lines.append("  there was no exchange at all")
    if scene.dropped and not ok:
        lines.append(f"incomplete: the journal has dropped {scene.dropped} exchanges")
    if not ok:
        lines.append(f"reproduce: {scene.command}")
    return Verdict(ok, len(found), tuple(exchange.n for exchange in found), "\n".join(lines))


@dataclass(frozen=True, slots=True)
class _Criterion:
    """One thing that was asked of an exchange."""

    name: str
    wanted: str
    got: str
    met: bool

    def told(self) -> str:
        return f"{'=' if self.met else '!'} {self.name:<10} {self.wanted}" + ("" if self.met else f", got {self.got}")


def _check(expected: Expectation) -> None:
    if expected.where is not None:
        try:
            parse(expected.where)
        except ScimError as error:
            raise FaultError("/where", f"expected a SCIM filter: {error.detail}") from None
    counts = [name for name in ("count", "at_least", "at_most") if getattr(expected, name) is not None]
    if "count" in counts and len(counts) > 1:
        raise FaultError(f"/{counts[1]}", "expected either a count, or at_least and at_most")
    if expected.sequence is not None and (counts or expected.operation != "*"):
        raise FaultError("/sequence", "a sequence says the operations and their number itself")


def _since(expected: Expectation, scene: Scene) -> Iterable[Exchange]:
    return (exchange for exchange in scene.exchanges if exchange.n > expected.since)


def _least(expected: Expectation) -> int:
    if expected.count is not None:
        return expected.count
    return expected.at_least if expected.at_least is not None else 0 if expected.at_most is not None else 1


def _counted(expected: Expectation, found: int) -> tuple[bool, str]:
    if expected.count is not None:
        return found == expected.count, f"{expected.count}"
    least, most = _least(expected), expected.at_most
    if most is None:
        return found >= least, f"at least {least}"
    return least <= found <= most, f"{least} to {most}" if least else f"at most {most}"


def _described(expected: Expectation) -> str:
    parts = [expected.operation]
    parts += [f"where {expected.where}"] if expected.where is not None else []
    parts += [f"answered {expected.status}"] if expected.status is not None else []
    parts += [f"struck by {expected.fault}"] if expected.fault is not None else []
    if expected.committed is not None:
        parts.append("committed" if expected.committed else "not committed")
    return ", ".join(parts)


def _criteria(expected: Expectation, exchange: Exchange, scene: Scene) -> list[_Criterion]:
    names = (exchange.operation or "", *exchange.refinements)
    pattern = glob(expected.operation)
    met = any(pattern.fullmatch(name) for name in names)
    found = [_Criterion("operation", expected.operation, " ".join(filter(None, names)) or "none", met)]
    if expected.where is not None:
        found += _clauses(parse(expected.where).node, _views(exchange, scene), exchange, scene)
    if expected.status is not None:
        got = "no answer" if exchange.status is None else str(exchange.status)
        found.append(_Criterion("status", str(expected.status), got, exchange.status == expected.status))
    if expected.committed is not None:
        said = {True: "committed", False: "not committed"}
        was = exchange.committed
        found.append(_Criterion("committed", said[expected.committed], said[was], was is expected.committed))
    if expected.fault is not None:
        struck = [name for fault in exchange.faults for name in (fault.rule, fault.type)]
        got = " ".join(fault.rule for fault in exchange.faults) or "none"
        found.append(_Criterion("fault", expected.fault, got, expected.fault in struck))
    return found


def _clauses(
    node: Node, views: Sequence[tuple[ResourceType, dict[str, Any]]], exchange: Exchange, scene: Scene
) -> list[_Criterion]:
    """Each part of a filter that is joined by ``and``, so that it is seen which one does not hold."""
    kind = views[0][0] if views else _kind(exchange, scene)
    whole = any(_holds(node, type_, view) for type_, view in views)
    found = []
    for part in node.items if isinstance(node, And) else (node,):
        met = whole or any(_holds(part, type_, view) for type_, view in views)
        got = _value_of(part, views) if views else "nothing to look at" if kind is not None else "not about a resource"
        found.append(_Criterion("where", str(part), got, met))
    if views and not whole and all(criterion.met for criterion in found):
        found.append(_Criterion("where", str(node), "not all of it in one state of the resource", met=False))
    return found


@lru_cache(maxsize=256)
def _compiled(node: Node, kind: ResourceType) -> match.Query:
    return match.compile_filter(node, kind, unknown="false")


def _holds(node: Node, kind: ResourceType, view: dict[str, Any]) -> bool:
    return _compiled(node, kind).matches(view)


def _kind(exchange: Exchange, scene: Scene) -> ResourceType | None:
    return scene.types.get((exchange.operation or "").partition(".")[0])


def _views(exchange: Exchange, scene: Scene) -> list[tuple[ResourceType, dict[str, Any]]]:
    """The resource before and after, and as it was sent."""
    found: list[tuple[ResourceType, dict[str, Any]]] = []
    for number in exchange.changes:
        change = scene.changes.get(number)
        records = (change.before, change.after) if change is not None else ()
        found += [(record.type, state(record)) for record in records if record is not None]
    if not exchange.changes and exchange.resource is not None:
        found.append((exchange.resource.type, state(exchange.resource)))
    kind = _kind(exchange, scene)
    if kind is not None and exchange.body:
        try:
            sent = shallow_json(exchange.body)
        except ValueError:
            sent = None
        if isinstance(sent, dict) and "Operations" not in sent:
            found.append((kind, _canonical(sent, kind)))
    return found


def state(record: Record) -> dict[str, Any]:
    """A version of a resource, as a filter looks at it."""
    shown: dict[str, Any] = {"schemas": record.type.schemas_of(record.body), "id": record.id, **record.attributes()}
    if record.members is not None and record.type.keyed is not None:
        shown[record.type.keyed.name] = [{"value": m.value, "type": m.type} for m in record.members]
    return shown


def _canonical(sent: dict[str, Any], kind: ResourceType) -> dict[str, Any]:
    """What a client sent, under the attributes' own names, and otherwise as it was."""
    return {
        attribute.name if (attribute := kind.attributes.get(name.lower())) is not None else name: value
        for name, value in sent.items()
    }


def _value_of(node: Node, views: Sequence[tuple[ResourceType, dict[str, Any]]]) -> str:
    """What stands where a clause looks, for the eye."""
    if not isinstance(node, Compare) or node.path.sub is not None:
        return "false"
    values = []
    for kind, view in views:
        attribute = kind.attributes.get(node.path.name.lower())
        value = view.get(attribute.name) if attribute is not None else None
        text = orjson.dumps(value).decode() if value is not None else "nothing"
        if text not in values:
            values.append(text[:200])
    return " / ".join(values)


def _line(exchange: Exchange) -> str:
    status = exchange.status if exchange.status is not None else "no answer"
    query = f"?{exchange.masks.query(exchange.query)}" if exchange.query else ""
    attempt = f"  attempt {exchange.attempt}" if exchange.attempt > 1 else ""
    operation = exchange.operation or "?"
    return f"#{exchange.n} {exchange.method} {exchange.path}{query}  {operation}  {status}{attempt}"[:200]


def _circumstances(exchange: Exchange, scene: Scene) -> list[str]:
    found = [
        f"fault {fault.rule} ({fault.type}, {fault.phase}) struck: {fault.outcome}; "
        + ("committed" if exchange.committed else "nothing was committed")
        for fault in exchange.faults
    ]
    for number in exchange.changes:
        change = scene.changes.get(number)
        if change is not None and change.after is not None:
            view = state(change.after)
            name = view.get("userName") or view.get("displayName") or ""
            found.append(f"stored: {change.type.name} {change.id} {name}".rstrip())
        elif change is not None:
            found.append(f"stored: {change.type.name} {change.id} is gone")
    return found


def _in_order(expected: Expectation, sequence: Sequence[str], scene: Scene) -> Verdict:
    exchanges = [exchange for exchange in _since(expected, scene) if _rest_holds(expected, exchange, scene)]
    found: list[Exchange] = []
    for exchange in exchanges:
        if len(found) == len(sequence):
            break
        pattern = glob(sequence[len(found)])
        if any(pattern.fullmatch(name) for name in (exchange.operation or "", *exchange.refinements)):
            found.append(exchange)
    ok = len(found) == len(sequence)
    lines = [f"expected {', then '.join(sequence) or 'nothing'}; found {len(found)} of {len(sequence)} in this order"]
    places = {exchange.n: index for index, exchange in enumerate(found)}
    for exchange in exchanges[-30:] if not ok else found:
        mark = f"{places[exchange.n] + 1:>3}." if exchange.n in places else "    "
        lines.append(f"{mark} {_line(exchange)}")
    if not ok:
        lines.append(f"missing: {sequence[len(found)]}" + (f" after #{found[-1].n}" if found else ""))
        lines.append(f"reproduce: {scene.command}")
    return Verdict(ok, len(found), tuple(exchange.n for exchange in found), "\n".join(lines))


def _rest_holds(expected: Expectation, exchange: Exchange, scene: Scene) -> bool:
    return all(criterion.met for criterion in _criteria(expected, exchange, scene)[1:])
