"""Which fault a request gets: pure, told the time, seeded.

A request is decided once. Rules are asked in their order, each so:

    window open? → match holds? → count it → past `skip`? → chance (seed, rule, match) → `times` left? → hit

The first terminal hit stands. After it only rules that are never terminal are asked (latency); the others
count neither a match nor a hit, so the n-th match of a rule is the n-th request it had a say in. A sequence
with a terminal step is a terminal rule.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mockscim.faults.draw import Draw, uniform
from mockscim.faults.effect import Delay, Effect, Serving
from mockscim.faults.errors import FaultError
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Phase
from mockscim.faults.rule import Rule, compile_rule, compile_rules
from mockscim.scim.call import Call
from mockscim.scim.filter import Node
from mockscim.scim.planning import Plan
from mockscim.scim.service import Service

_REMEMBERED = 512  # operations whose rules are remembered


class Applied(NamedTuple):
    """One fault that was applied, as the journal tells it."""

    rule: str
    type: str
    phase: Phase
    outcome: str


class Served(NamedTuple):
    """A hit that changes how the request is served."""

    effect: Serving
    memory: dict[str, Any]
    draw: Draw
    applied: Applied


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to one request.

    Attributes:
        delay_before: seconds of real time to wait before the service is asked.
        delay_after: seconds to wait before the answer, or the terminal effect in its place, goes out.
        terminal: what takes the place of the answer, or None.
        phase: when ``terminal`` strikes: ``before`` the service is asked, or ``after`` the commit.
        applied: all faults, in the order of the rules.
        serving: what changes how the request is served, the outermost first.
    """

    delay_before: float = 0.0
    delay_after: float = 0.0
    terminal: Effect | None = None
    phase: Phase = "before"
    applied: tuple[Applied, ...] = ()
    serving: tuple[Served, ...] = ()

    @property
    def strikes_after(self) -> bool:
        """Whether anything is done to the answer."""
        return self.delay_after > 0 or (self.terminal is not None and self.phase == "after")


NO_FAULT = Decision()


@dataclass(slots=True)
class Attempt:
    """A request as far as rules ask about it.

    Attributes:
        operation: ``user.create``.
        refinements: further names it goes by: ``("group.member.add",)``.
        method: HTTP method, in capitals.
        path: below the base, without query: ``/Users/u-1``.
        header: looks a header up, in any case; None when absent.
        authenticated: its token was good.
        where: does the filter hold for the resource before, after or as sent? May cost.
        commits: would it commit a change? May cost.
        caller: who asks: a digest of the token, or "".
        call: the request, read; None where it is none of SCIM's.
        service: the provider, to look at; None as above.
        target: what was asked for as it stands in the request line; "" inside a bulk request.
        address: looks up from which IP address it came; "" where that is not known. May cost.
        values: the texts, case-folded, that the resource has in one of match.NAMES: before, after or as sent. May cost.
    """

    operation: str
    refinements: tuple[str, ...]
    method: str
    path: str
    header: Callable[[str], str | None]
    authenticated: bool
    where: Callable[[Node], bool]
    commits: Callable[[], bool]
    caller: str = ""
    call: Call | None = None
    service: Service | None = None
    target: str = ""
    address: Callable[[], str] = str
    values: Callable[[str], Collection[str]] | None = None

    @property
    def writes(self) -> bool:
        """Whether it asks for a change of the directory."""
        return (
            self.method not in ("GET", "HEAD")
            and not self.operation.endswith(".search")
            and self.operation != "token.create"
        )

    def plan(self) -> Plan | None:
        """What a POST, PUT or PATCH of one resource would do, as things stand; None for others, and what is refused."""
        call, service = self.call, self.service
        if call is None or service is None or call.type is None or call.problem is not None:
            return None
        return service.foresee(call) if call.verb in ("create", "replace", "patch") else None


@dataclass(slots=True, eq=False)
class _Loaded:
    """A rule and what it has seen."""

    rule: Rule
    since: float
    matches: int = 0
    hits: int = 0
    memory: dict[str, Any] = field(default_factory=dict)


class _Covering:
    """The rules about one operation; those that name another path than a request's need not be asked.

    Attributes:
        anywhere: those that name no path, or one with a star: all there are for most paths.
        places: by the paths that the others name, those to ask there; None until somebody asks.
    """

    __slots__ = ("_about", "_named", "_others", "anywhere", "places")

    def __init__(self, about: tuple[_Loaded, ...]) -> None:
        self._about = about
        # By attribute and value those that are about who is named so, and where they stand; all others.
        self._named: dict[str, dict[str, list[int]]] = {}
        self._others: list[int] = []
        self.anywhere = tuple(loaded for loaded in about if loaded.rule.matcher.place is None)
        places = (loaded.rule.matcher.place for loaded in about)
        self.places: dict[str, tuple[_Loaded, ...] | None] = {place: None for place in places if place is not None}

        for index, loaded in enumerate(self.anywhere):
            if (named := loaded.rule.matcher.named) is None:
                self._others.append(index)
            else:
                self._named.setdefault(named[0], {}).setdefault(named[1], []).append(index)

    def to_ask(self, attempt: Attempt) -> Sequence[_Loaded]:
        """Those that may match a request, in their order."""
        found = self.places.get(attempt.path, self.anywhere)
        if found is None:  # nobody has asked at that path before
            found = tuple(loaded for loaded in self._about if loaded.rule.matcher.place in (None, attempt.path))
            self.places[attempt.path] = found
        if not self._named or found is not self.anywhere or attempt.values is None or not attempt.authenticated:
            return found
        indices = set(self._others)
        for attribute, by_value in self._named.items():
            for value in attempt.values(attribute):
                indices.update(by_value.get(value, ()))
        return [found[index] for index in sorted(indices)]


class FaultEngine:
    """The rules of one tenant and their counters.

    Args:
        seed: the number behind every chance.
        now: seconds on the tenant's clock.
        start: documents or Rules in force at the start and after each reset.

    Raises:
        FaultError: a start rule is wrong.
    """

    def __init__(self, seed: int, now: float, start: Iterable[object] = ()) -> None:
        self.seed = seed
        self._loaded: dict[str, _Loaded] = {}
        self._covering: dict[tuple[str, tuple[str, ...]], _Covering] = {}
        self._start: tuple[Rule, ...] = ()
        self.set_start(start, now)

    @property
    def active(self) -> bool:
        """Whether there is any rule to ask."""
        return bool(self._loaded)

    def set_start(self, documents: Iterable[object], now: float) -> tuple[Rule, ...]:
        """Replace all rules, and come back to these at each reset. All or nothing.

        Raises:
            FaultError: points into the list.
        """
        self._start = compile_rules(documents)
        self.reset(now)
        return self._start

    def reset(self, now: float) -> None:
        """Back to the start rules, with counters at zero and windows beginning anew."""
        self._load(self._start, now)

    def add(self, document: object, now: float) -> Rule:
        """Append a rule; its window begins ``now``.

        Raises:
            FaultError: it is wrong, or its name is taken.
        """
        rule = compile_rule(document, taken=self._loaded.keys())
        self._loaded[rule.name] = _Loaded(rule, now)
        self._covering.clear()
        return rule

    def extend(self, documents: Iterable[object], now: float) -> tuple[Rule, ...]:
        """Append several rules, all or none.

        Raises:
            FaultError: points into the list.
        """
        rules = compile_rules(documents, taken=self._loaded.keys())
        self._loaded.update((rule.name, _Loaded(rule, now)) for rule in rules)
        self._covering.clear()
        return rules

    def put(self, name: str, document: object, now: float) -> Rule:
        """Make or replace the rule of that name, in its place; counters and window begin anew.

        Raises:
            FaultError: it is wrong, or bears another name.
        """
        rule = compile_rule(_named(document, name))
        if rule.name != name:
            raise FaultError("/name", f"expected {name!r} or no name, got {rule.name!r}")
        self._loaded[name] = _Loaded(rule, now)
        self._covering.clear()
        return rule

    def replace(self, documents: Iterable[object], now: float) -> tuple[Rule, ...]:
        """Replace all rules until the next reset. All or nothing.

        Raises:
            FaultError: points into the list.
        """
        rules = compile_rules(documents)
        self._load(rules, now)
        return rules

    def remove(self, name: str) -> None:
        """Take a rule away.

        Raises:
            KeyError: there is none of that name.
        """
        del self._loaded[name]
        self._covering.clear()

    def clear(self) -> None:
        """Take all rules away until the next reset."""
        self._load((), 0.0)

    def rules(self) -> tuple[Rule, ...]:
        """The rules in force, in order."""
        return tuple(loaded.rule for loaded in self._loaded.values())

    def get(self, name: str) -> Rule:
        """The rule of that name.

        Raises:
            KeyError: there is none.
        """
        return self._loaded[name].rule

    def describe(self, rule: Rule | str) -> dict[str, Any]:
        """Its document with ``hits`` and ``matches``; :meth:`add` and the like take it back as it is.

        Raises:
            KeyError: it is not in force.
        """
        loaded = self._loaded[rule if isinstance(rule, str) else rule.name]
        return {**loaded.rule.document, "hits": loaded.hits, "matches": loaded.matches}

    def concerns(self, operation: str, refinements: tuple[str, ...], path: str) -> bool:
        """Whether any rule is about an operation, and this path; where none is, there is nothing to decide."""
        if not self._loaded:
            return False
        covering = self._covering.get((operation, refinements)) or self._find_covering(operation, refinements)
        return covering.places.get(path, covering.anywhere) != ()

    def decide(self, attempt: Attempt, now: float) -> Decision:
        """What happens to this request; counts matches and hits, so ask once.

        Args:
            attempt: the request.
            now: seconds on the tenant's clock.
        """
        if not self._loaded:
            return NO_FAULT
        covering = self._covering.get((attempt.operation, attempt.refinements))
        if covering is None:
            covering = self._find_covering(attempt.operation, attempt.refinements)
        before = after = 0.0
        terminal: Effect | None = None
        terminal_phase: Phase = "before"
        applied: list[Applied] = []
        serving: list[Served] = []
        for loaded in covering.to_ask(attempt):
            rule = loaded.rule
            if terminal is not None and rule.terminal:
                continue
            hit = self._hit(loaded, attempt, now)
            if hit is None:
                continue
            effect, phase, kind, draw = hit
            applied.append(Applied(rule.name, kind, phase, effect.outcome))
            if effect.terminal:
                terminal, terminal_phase = effect, phase
            elif isinstance(effect, Serving):
                serving.append(Served(effect, loaded.memory, draw, applied[-1]))
                if terminal is None and effect.wire is not None:
                    terminal, terminal_phase = effect.wire, "after"
            elif isinstance(effect, Delay):
                if phase == "before":
                    before += effect.seconds
                else:
                    after += effect.seconds
        if serving and terminal is not None and terminal_phase == "before":
            for served in serving:  # what is not served is not served badly
                self.spare(served.applied.rule)
                applied.remove(served.applied)
            serving.clear()
        if not applied:
            return NO_FAULT
        return Decision(before, after, terminal, terminal_phase, tuple(applied), tuple(serving))

    def spare(self, name: str) -> None:
        """Take a hit of a rule back: nothing went wrong after all."""
        loaded = self._loaded.get(name)
        if loaded is not None and loaded.hits:
            loaded.hits -= 1

    def _hit(self, loaded: _Loaded, attempt: Attempt, now: float) -> tuple[Effect, Phase, str, Draw] | None:
        rule = loaded.rule
        age = now - loaded.since
        if rule.timed and not rule.open(age):
            return None
        if not rule.matcher.holds(attempt):
            return None
        loaded.matches = match = loaded.matches + 1
        if match <= rule.skip:
            return None
        chance = rule.chance(age) if rule.timed else rule.probability
        if chance < 1.0 and uniform(self.seed, rule.name, match) >= chance:
            return None
        if rule.times is not None and loaded.hits >= rule.times:
            return None
        step = rule.step(match)
        if step is None:
            return None
        draw = Draw(self.seed, rule.name, match)
        left, elapsed = rule.left(age), age - rule.start_after
        effect = step.parameters.happen(Moment(draw, now, age, match, loaded.memory, attempt, left, elapsed))
        if not effect.applies:
            return None
        loaded.hits += 1
        return effect, step.phase, step.kind.name, draw

    def _find_covering(self, operation: str, refinements: tuple[str, ...]) -> _Covering:
        """The rules about an operation; remembered, so that those about another, or other paths, cost one look-up."""
        about = (loaded for loaded in self._loaded.values() if loaded.rule.matcher.covers(operation, refinements))
        found = _Covering(tuple(about))
        if len(self._covering) >= _REMEMBERED:
            self._covering.clear()
        self._covering[operation, refinements] = found
        return found

    def _load(self, rules: Iterable[Rule], now: float) -> None:
        self._loaded = {rule.name: _Loaded(rule, now) for rule in rules}
        self._covering.clear()


def _named(document: object, name: str) -> object:
    """The document with the name it is put under, unless it says another."""
    if isinstance(document, dict) and document.get("name") in (None, name):
        return {**document, "name": name}
    return document
