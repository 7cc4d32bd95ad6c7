"""MockScim: a SCIM provider at a test's command."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack
from urllib.parse import quote

from mockscim import fixtures
from mockscim.client.asked import Asked, asked_at_start, scenario_name
from mockscim.client.clock import Clock
from mockscim.client.exchanges import Change, Journal, history
from mockscim.client.gate import Gate
from mockscim.client.line import ControlRefused, Line, NotThereError
from mockscim.client.rules import Fault, On, Scenario, fault_document, match_document
from mockscim.client.swept import Swept
from mockscim.client.tokens import Tokens
from mockscim.client.verdicts import (
    Cycle,
    Expected,
    Judgement,
    Narrowed,
    Verified,
    averify,
    check,
    judged,
    verify,
)
from mockscim.client.views import View
from mockscim.faults import read_scenario

if TYPE_CHECKING:
    from mockscim.client.connected import TenantOptions

# A fixture: a path, a bundled name, or a document.
FixtureGiven = str | Path | Mapping[str, Any] | list[Any]


class MockScim(Swept):
    """A SCIM provider at a test's command: its data, faults, clock and journal, and verdicts on the client.

        async with MockScim(profile="segment", fixture="small.json", seed=7) as scim: ...   # in the running loop
        with MockScim.threaded(fixture="small.json") as scim: ...                           # a thread of its own
        with MockScim.connect("http://127.0.0.1:8080") as scim: ...                         # a tenant of a server

    All three behave the same. Every operation is answered by the server's control API, on its event loop, and what is
    returned is a copy. A refusal is a ControlRefused, which is a ValueError.

    Args:
        options: those of ``create_app``, which explains them (``profile``, ``fixture``, ``token``, ``basic``,
            ``oauth_client``, ``token_ttl``, ``seed``, ``faults``, ``strict``, ``accept``, ``refuse``, ``clock``,
            ``admin_token``, ``base_url``, ``max_body``, ``max_head``, ``read_timeout``, ``idle_timeout``,
            ``persist``);
            ``host`` (127.0.0.1) and ``port`` (0: any that is free). One that can be
            reached from other machines has an admin token, made if none is given.

    Raises:
        TypeError: an option that there is not. What else is wrong with options is raised at the start.
    """

    def _begin(self, line: Line) -> None:
        super()._begin(line)
        self._asked: list[Asked] = []
        self._asked_at_start: list[Asked] = []
        self._gates = 0

    # -- data ----------------------------------------------------------------------------------------------------

    @property
    def users(self) -> View:
        """The users in the store, by id or userName."""
        return View(self._line, "User")

    @property
    def groups(self) -> View:
        """The groups in the store, by id or displayName."""
        return View(self._line, "Group")

    def resources(self, type_: str) -> View:
        """The resources of any type.

        Args:
            type_: its name or endpoint: ``Device``, ``/Devices``.

        Raises:
            KeyError: there is no such type; names those that there are.
        """
        view = View(self._line, type_)
        try:
            len(view)
        except ControlRefused as refused:
            raise NotThereError(refused.detail) from None
        return view

    def state(self) -> dict[str, Any]:
        """The whole state as a fixture document, which ``load`` or a start takes."""
        found: dict[str, Any] = self.ask("GET", "/fixture")
        return found

    def load(self, fixture: FixtureGiven, *, merge: bool = False) -> int:
        """Take data in: all of it or, if something is wrong, nothing.

        Args:
            fixture: a path, a bundled name, or a document.
            merge: add to what is there; else all of that is replaced.

        Returns:
            How many resources it brought.

        Raises:
            FixtureError, ControlRefused: it cannot be used; names the place.
        """
        document = _document(fixture)
        return int(self.ask("POST" if merge else "PUT", "/fixture", document)["loaded"])

    def snapshot(self, name: str) -> None:
        """Remember the store as it is now; in the place of an earlier one of that name."""
        self.ask("PUT", f"/snapshots/{quote(name, safe='')}")

    def restore(self, name: str) -> None:
        """Put the store back; versions are never used again, and the history goes on.

        Raises:
            KeyError: there is no snapshot of that name.
        """
        self._named("POST", f"/snapshots/{quote(name, safe='')}")

    def forget(self, name: str) -> None:
        """Drop a snapshot.

        Raises:
            KeyError: there is no snapshot of that name.
        """
        self._named("DELETE", f"/snapshots/{quote(name, safe='')}")

    def reset(self) -> None:
        """Back to the start: data, faults, clock; the journal and history are empty.

        Requests in flight are cut, gates opened, late commits cancelled.
        """
        for asked in self._asked_at_start:
            asked.renew(self._line)
        self.ask("POST", "/reset")
        self._forget()

    def remake(self, **options: Unpack[TenantOptions]) -> None:
        """Begin anew from other options on the same port and with the same token.

        Args:
            options: as ``connect``'s, but for ``token``; what is left out is as the server was started.

        Raises:
            As ``start``.
        """
        from mockscim.client.connected import tenant_document  # noqa: PLC0415

        document = tenant_document(options)
        if self._line.tokens:
            document["tokens"] = self._line.tokens
        self.ask("PUT", "", document)
        self._forget()
        self._asked_at_start.clear()

    def _forget(self) -> None:
        for asked in self._asked:
            asked.forget()
        self._asked.clear()

    # -- what goes wrong -----------------------------------------------------------------------------------------

    def fault(self, kind: str | Mapping[str, Any], /, **keywords: Any) -> Fault:  # noqa: ANN401
        """Let something go wrong, from now until ``remove`` or the end of the ``with`` block.

            with scim.fault("lost_ack", operation="user.create", outcome="reset", times=2) as f: ...

        Args:
            kind: the type of fault (``mockscim faults types`` has all), the short form of a rule
                (``user.create=503:0.3:after``), or a rule's document.
            keywords: keys of a rule (``name``, ``phase``, ``probability``, ``skip``, ``times``, ``start_after``,
                ``duration``, ``ramp``), of its match (``operation``, ``where``, ``method``, ``path``, ``header``,
                ``authenticated``, ``committed``), and parameters of the type.

        Raises:
            TypeError: a keyword that neither rules nor this type have; names the parameters that it has.
            ValueError: a type that there is not, or a value that cannot be.
        """
        return self._place(fault_document(kind, keywords), flat=not isinstance(kind, Mapping))

    def on(self, operation: str | list[str] = "*", **match: Any) -> On:  # noqa: ANN401
        """Requests of a kind, for which something is to happen.

            scim.on("user.list").sequence(error(503), error(429, retry_after=2), ok())

        Args:
            operation: one or several; ``*`` stands for any text.
            match: ``where``, ``method``, ``path``, ``header``, ``authenticated``, ``committed``.

        Raises:
            TypeError: a keyword that a match does not have.
        """
        return On(self._place, match_document(operation, match, "on()"))

    def scenario(self, given: str | Path | Mapping[str, Any] | list[Any]) -> Scenario:
        """Add the rules of a scenario to those in force.

        Args:
            given: the path of its file, the name of one that comes along, or its document.

        Raises:
            FaultError, OSError, ControlRefused: there is none, or it cannot be used.
        """
        if isinstance(given, str | Path):
            read = read_scenario(str(given))
            rules, seed = read.rules, read.seed
        elif isinstance(given, Mapping):
            rules, seed = given.get("rules", [given]), given.get("seed")
        else:
            rules, seed = given, None
        since = self.journal.last
        placed = [Fault(self._line, document, since) for document in self.ask("POST", "/faults", rules)["items"]]
        whole = scenario_name(given)
        self._asked += [Asked(placed, whole)] if whole else [Asked([fault]) for fault in placed]
        return Scenario(placed, seed)

    def _place(self, document: dict[str, Any], *, flat: bool = True) -> Fault:
        """Put a rule in force; ``flat``: keywords had said it."""
        since = self.journal.last
        try:
            placed = Fault(self._line, self.ask("POST", "/faults", document), since)
        except ControlRefused as refused:
            raise (refused.of_keywords() if flat else refused) from None
        self._asked.append(Asked([placed]))
        return placed

    @property
    def faults(self) -> list[Fault]:
        """The rules in force, in the order in which they are asked; those of the start among them."""
        known = [fault for asked in (*self._asked_at_start, *self._asked) for fault in asked.faults]
        mine = {fault.name: fault for fault in known if not fault.removed}
        return [
            mine.get(document["name"]) or Fault(self._line, document, 0)
            for document in self.ask("GET", "/faults")["items"]
        ]

    @property
    def placed(self) -> list[Fault]:
        """The faults that were asked for here since the start or the last reset, those removed among them."""
        return [fault for asked in self._asked for fault in asked.faults]

    def expect_start(self, faults: Any) -> None:  # noqa: ANN401 - what it takes as that option
        """Look after the faults of the start as well, of which ``unfired`` tells then: the option ``faults``."""
        self._asked_at_start = asked_at_start(self._line, faults)

    def unfired(self) -> list[Asked]:
        """What was asked for, at the start or here since the last reset, and has never struck."""
        return [asked for asked in (*self._asked_at_start, *self._asked) if not asked.struck]

    def gate(
        self,
        operation: str | list[str] = "*",
        /,
        at: str = "before_commit",
        *,
        timeout: float | str | None = None,
        name: str | None = None,
        **match: Any,  # noqa: ANN401
    ) -> Gate:
        """Hold requests at a point of their way until ``release`` or the end of the ``with`` block.

            with scim.gate("group.patch", at="after_commit") as g:
                g.wait_reached()

        Args:
            operation: one or several; ``*`` stands for any text.
            at: ``received``, ``before_commit``, ``after_commit`` (only what has committed) or ``before_last_byte``.
            timeout: how long one request is held at most, in real time: a duration; 30 s without.
            name: by which other programs know it.
            match: ``where``, ``method``, ``path``, ``header``, ``authenticated``, ``committed``.

        Raises:
            TypeError: a keyword that a match does not have.
            ControlRefused: it cannot be closed so.
        """
        self._gates += 1
        named = name if name is not None else f"gate-{self._gates}"
        document: dict[str, Any] = {"match": match_document(operation, match, "gate()"), "at": at}
        if timeout is not None:
            document["timeout"] = timeout
        try:
            return Gate(self._line, self.ask("PUT", f"/gates/{quote(named, safe='')}", document))
        except ControlRefused as refused:
            raise refused.of_keywords() from None

    @property
    def gates(self) -> list[Gate]:
        """The gates that are closed."""
        return [Gate(self._line, document) for document in self.ask("GET", "/gates")["items"]]

    @property
    def clock(self) -> Clock:
        """The tenant's clock."""
        return Clock(self._line)

    @property
    def tokens(self) -> Tokens:
        """The minted tokens."""
        return Tokens(self._line)

    # -- what happened -------------------------------------------------------------------------------------------

    @property
    def journal(self) -> Journal:
        """The exchanges on the wire."""
        return Journal(self._line)

    @property
    def history(self) -> list[Change]:
        """The committed changes, oldest first."""
        return history(self._line)

    def verify(self, operation: str = "*", **expected: Unpack[Expected]) -> Verified:
        """That there were so many exchanges of a kind; attempts on the wire count, unless ``committed`` narrows it.

            scim.verify("user.create", where='userName eq "ann@example.com"', committed=True, count=1)

        Args:
            operation: an operation or refinement; ``*`` stands for any text.
            expected: any of these:
                ``where``: a SCIM filter over the resource before, after or as sent;
                ``status``: of the answer;
                ``committed``: only what changed something, or only what did not;
                ``fault``: only what this rule, or type of fault, struck;
                ``since``: only exchanges with a greater number;
                ``count``: exactly so many;
                ``at_least``: so many or more; 1 unless anything is said;
                ``at_most``: so many or fewer;
                ``within``: wait for it so long, in real time: a duration.

        Raises:
            AssertionError: it is not so; says what is nearest, and how to reproduce it.
            RuntimeError: it would have to wait inside an event loop, which it must not block: ``averify`` can.
            TypeError: a keyword that there is not; names the nearest and all that there are.
            ControlRefused: the expectation makes no sense.
        """
        return verify(self._line, {"operation": operation}, expected, "verify")

    async def averify(self, operation: str = "*", **expected: Unpack[Expected]) -> Verified:
        """``verify``, awaited: others go on while it waits."""
        return await averify(self._line, {"operation": operation}, expected, "verify")

    def verify_sequence(self, operations: Iterable[str], **narrowed: Unpack[Narrowed]) -> Verified:
        """That there were exchanges of these kinds in this order, others between them or not.

        Args:
            operations: as ``verify``'s.
            narrowed: ``where``, ``status``, ``committed``, ``fault``, ``since``, each for every one of them; and
                ``within``.

        Raises:
            As ``verify``.
        """
        return verify(self._line, {"sequence": list(operations)}, narrowed, "verify_sequence")

    async def averify_sequence(self, operations: Iterable[str], **narrowed: Unpack[Narrowed]) -> Verified:
        """``verify_sequence``, awaited."""
        return await averify(self._line, {"sequence": list(operations)}, narrowed, "verify_sequence")

    # -- the judge -----------------------------------------------------------------------------------------------

    def cycle(self, report: Mapping[str, Any] | None = None) -> Cycle:
        """Mark one synchronisation cycle of the client: ``with scim.cycle() as c: …; c.report(succeeded=3)``.

        Args:
            report: what the client says of it, where that is known before: as ``Cycle.report``.
        """
        return Cycle(self._line, report)

    def desired(self, fixture: FixtureGiven | None) -> None:
        """Say where the client should arrive from now on; None takes that back.

        Raises:
            FixtureError, ControlRefused: it cannot be desired; names the place.
        """
        if fixture is None:
            self.ask("DELETE", "/desired")
        else:
            self.ask("PUT", "/desired", _document(fixture))

    def check(
        self,
        desired: FixtureGiven | None = None,
        only: str | Iterable[str] | None = None,
        **parameters: Any,  # noqa: ANN401
    ) -> Judgement:
        """That the client broke none of the invariants I1 to I13 so far.

        Args:
            desired: where it should have arrived, for this once: a path, a bundled name, or a fixture document.
            only: which invariants: ``I1,I4`` or a list; all without.
            parameters: of the judge: ``max_deletes``, ``attempts``, ``cycles`` …

        Raises:
            AssertionError: one is broken; says which, where that is seen, and how to reproduce it.
            TypeError: a parameter that there is not; names the nearest and all that there are.
            ControlRefused: one that cannot be.
        """
        return check(self._line, self._judged(desired, only, parameters))

    def invariants(
        self,
        desired: FixtureGiven | None = None,
        only: str | Iterable[str] | None = None,
        **parameters: Any,  # noqa: ANN401
    ) -> Judgement:
        """What the judge says, broken or not; ``.document`` is as the control API gives it."""
        return self._judged(desired, only, parameters)

    def _judged(
        self, desired: FixtureGiven | None, only: str | Iterable[str] | None, parameters: Mapping[str, Any]
    ) -> Judgement:
        return judged(self._line, None if desired is None else _document(desired), only, parameters)

    def lint(self) -> list[dict[str, Any]]:
        """What is unwise in the client's own traffic: ``code``, ``says``, ``source``, ``exchanges``, ``count``."""
        found: list[dict[str, Any]] = self.ask("GET", "/lint")["items"]
        return found

    def explain(
        self,
        filter: str | None = None,  # noqa: A002 - as SCIM calls it
        *,
        type_: str = "User",
        id_: str | None = None,
        patch: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Why a filter matches or not, clause by clause, or what a PATCH would do, step by step; nothing is committed.

        Args:
            filter: a SCIM filter.
            type_: the resource type it is about.
            id_: of one resource; a PATCH needs it.
            patch: a PatchOp.

        Raises:
            ControlRefused: what is asked about is not there, or makes no sense.
        """
        given = {"filter": filter, "type": type_, "id": id_, "patch": patch}
        sent = {key: value for key, value in given.items() if value is not None}
        found: dict[str, Any] = self.ask("POST", "/explain", sent)
        return found

    def _named(self, method: str, path: str) -> None:
        try:
            self.ask(method, path)
        except ControlRefused as refused:
            if refused.status != 404:
                raise
            raise NotThereError(refused.detail) from None


def _document(given: FixtureGiven) -> object:
    """A fixture as a document; what is a document is looked at by the server, which names the place."""
    if isinstance(given, str | Path):
        return fixtures.whole_document(fixtures.load(given))
    return given
