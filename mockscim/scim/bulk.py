"""Bulk jobs (RFC 7644 §3.7): many operations in one request, which may refer to what others of them create.

Operations are done in the order of the request. One that refers to a resource which is not there yet waits until it
is; POSTs that refer to each other in a circle are done as one: their ids are chosen first, so that each may be stored
with the ids of the others (§3.7.1). If one of these fails, the others are undone, and nothing of them was ever seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any, Protocol
from urllib.parse import quote

import orjson

from mockscim.scim import urns
from mockscim.scim.bulk_request import PREFIX, Bulk, BulkOperation, Unit, in_units, resolved
from mockscim.scim.call import GO_ON, Call, Reply, Verdict
from mockscim.scim.errors import ScimError, invalid_value
from mockscim.scim.patch import MOST_LOOKED_AT
from mockscim.scim.planning import Planner
from mockscim.scim.record import Change, Record
from mockscim.scim.store import Store

_UNIT, _TRIAL = "\0unit", "\0trial"
_WRITES = frozenset({"create", "replace", "patch", "delete"})
_LITERAL = PREFIX.encode()
_IN_PATH = "/?:@!$&'()*+,;=~"  # what may stand in a location as it is (RFC 3986 §3.3); the rest is escaped


class Provider(Protocol):
    """What a job asks of the service for each of its operations."""

    store: Store
    planner: Planner

    def route(self, method: str, path: str, base: str) -> Call:
        """Tell the operation."""

    def identify(self, call: Call, subject: str | None) -> None:
        """Say whose it is."""

    def take(self, call: Call, document: object) -> None:
        """Read a parsed body into its call."""

    def perform(self, call: Call, now: str, *, new_id: str | None = None) -> Reply:
        """Do it."""


class _Stopped(Exception):  # noqa: N818 - no error of the job's: a fault ends the whole request here
    """Nothing more of the job is to be done."""


@dataclass(slots=True)
class _Outcome:
    """What became of one operation: its entry in the response, and whether it was done, whatever it says."""

    result: dict[str, Any]
    done: bool
    resource: Record | None = None

    @property
    def is_error(self) -> bool:
        """Whether it counts for failOnErrors."""
        return int(self.result["status"]) >= 400


def run(provider: Provider, call: Call, job: Bulk, now: str, new_id: Callable[[], str]) -> Reply:
    """Do a bulk job, and answer it.

    Args:
        provider: does the single operations.
        call: the request; leniencies of its operations are noted there, and its gate is asked before each of them.
        job: what it asks for.
        now: the time, as meta shows it.
        new_id: makes ids.

    Returns:
        200 with a result for each operation that was processed, in the order of the request; all changes with it.
    """
    work = _Job(provider, call, job, now, new_id)
    work.run()
    work.tell_versions()
    results = [work.results[index] for index in sorted(work.results)]
    body = orjson.dumps({"schemas": [urns.BULK_RESPONSE], "Operations": results})
    return Reply(200, body, {}, None, work.changes)


def would_change(provider: Provider, call: Call, job: Bulk) -> bool:
    """Whether a job would change anything, as things stand; nothing is left of trying it."""
    noted = dict(call.tolerance.used or {})
    numbers = iter(range(len(job.operations)))
    with _undone(provider.store, _TRIAL):
        work = _Job(provider, call, job, "", lambda: f"trial-{next(numbers)}", trial=True)
        work.run()
    call.tolerance.used = noted
    return bool(work.changes)


@contextmanager
def _undone(store: Store, name: str) -> Iterator[list[bool]]:
    """Whatever is committed inside never was, unless it is said to stand: ``standing[:] = [True]``."""
    standing = [False]
    commits = store.commits
    store.snapshot(name)
    try:
        yield standing
    finally:
        if not standing[0]:
            store.restore(name, renew=False)
            store.commits = commits
        store.drop_snapshot(name)


class _Job:
    """A bulk job under way."""

    def __init__(
        self,
        provider: Provider,
        call: Call,
        job: Bulk,
        now: str,
        new_id: Callable[[], str],
        *,
        trial: bool = False,
    ) -> None:
        self._provider = provider
        self._store = provider.store
        self._call = call
        self._job = job
        self._now = now
        self._new_id = new_id
        # The results that tell a version, each with what it is the version of.
        self._shown: list[tuple[dict[str, Any], Record]] = []
        self._trial = trial
        self._ids: dict[str, str] = {}  # of what was created, by bulkId
        self._errors = 0
        self._over = False
        self._looked_at = 0
        self.results: dict[int, dict[str, Any]] = {}
        self.changes: list[Change] = []

    def run(self) -> None:
        """Do all operations, or as many as failOnErrors and faults let it."""
        ready: list[tuple[int, Unit]] = []
        for unit in in_units(self._job.operations):
            unit.reached = True
            if not unit.waits_for:
                heappush(ready, (unit.first, unit))
            while ready:
                if self._over:
                    return
                done = heappop(ready)[1]
                self._do(done)
                for follower in done.followers:
                    follower.waits_for -= 1
                    if follower.reached and not follower.waits_for:
                        heappush(ready, (follower.first, follower))

    # -- one unit ----------------------------------------------------------------------------------------------

    def _do(self, unit: Unit) -> None:
        """Do a unit, all of it or nothing."""
        outcomes: dict[int, _Outcome] = {}
        mark = len(self.changes)
        promised = self._provider.planner.promised
        with _undone(self._store, _UNIT) as standing:
            try:
                for operation in self._promise(unit) if unit.circular else unit.operations:
                    outcome = outcomes[operation.index] = self._outcome(operation)
                    if not outcome.done:
                        break
                else:
                    standing[:] = [not unit.circular or self._kept(unit, outcomes)]
            except _Stopped:
                self._over = True
            finally:
                promised.clear()
        if not standing[0]:
            del self.changes[mark:]
            for operation in unit.operations:
                self._ids.pop(operation.bulk_id or "", None)
        if not self._over:
            self._tell(unit, outcomes, stands=standing[0])

    def _tell(self, unit: Unit, outcomes: dict[int, _Outcome], *, stands: bool) -> None:
        for operation in unit.operations:
            outcome = outcomes.get(operation.index)
            if outcome is None or (not stands and outcome.done and not outcome.is_error):
                # RFC 7644 §3.7.1: 409 where circular references cannot be resolved.
                others = ", ".join(f"{PREFIX}{o.bulk_id}" for o in unit.operations if o is not operation)
                detail = f"{operation.where} is in a circle of references with {others[:200]}, and not all can be made"
                outcome = _Outcome(self._refused(operation, None, ScimError(409, None, detail)), done=False)
            self.results[operation.index] = outcome.result
            self._errors += outcome.is_error
        if self._job.most_errors is not None and self._errors and self._errors >= self._job.most_errors:
            self._over = True

    def _promise(self, unit: Unit) -> list[BulkOperation]:
        """Choose the ids of resources that refer to each other, before any of them is there.

        Returns:
            The operations; first those that cannot be done at all, so that they say why.
        """
        planner = self._provider.planner
        for operation in unit.operations:
            id_ = self._foreseen(operation)
            self._ids[operation.bulk_id or ""] = id_
            try:
                kind = self._provider.route("POST", operation.path, self._call.base).type
            except ScimError:
                continue  # its turn comes
            if kind is not None:
                planner.promised[id_] = kind
        return sorted(unit.operations, key=lambda o: self._ids[o.bulk_id or ""] in planner.promised)

    def _foreseen(self, operation: BulkOperation) -> str:
        """The id that a POST will give, also where it joins an account, which has one."""
        planner = self._provider.planner
        if planner.policy.join_accounts and isinstance(operation.data, dict):
            name = next((value for key, value in operation.data.items() if key.lower() == "username"), None)
            account = self._store.account(name) if isinstance(name, str) else None
            if account is not None:
                return account.id
        return self._new_id()

    def _kept(self, unit: Unit, outcomes: dict[int, _Outcome]) -> bool:
        """Whether the ids that were promised are those of resources that are there now."""
        promises = [self._ids[operation.bulk_id or ""] for operation in unit.operations]
        made = [outcomes[operation.index].resource for operation in unit.operations]
        return all(
            record is not None and record.id == id_ and self._store.get(record.type, id_) is not None
            for id_, record in zip(promises, made, strict=True)
        )

    # -- one operation -----------------------------------------------------------------------------------------

    def _outcome(self, operation: BulkOperation) -> _Outcome:
        call: Call | None = None
        try:
            self._check(operation)
            call = self._route(operation)
            self._check_values(operation, call)
            verdict = self._prepare(operation, call)
            if not verdict.carry_out:
                return _Outcome(self._replaced(operation, call, verdict), done=False)
            reply = self._perform(operation, call, verdict)
        except ScimError as error:
            return _Outcome(self._refused(operation, call, error), done=False)
        finally:
            if call is not None:
                self._looked_at = max(self._looked_at, call.looked_at)
                self._call.tolerance.absorb(call.tolerance, operation.where)
        if reply.status >= 400:  # a fault committed something, and says otherwise
            verdict = verdict._replace(status=verdict.status or reply.status, body=verdict.body or reply.body or b"")
        if verdict.status is not None:
            return _Outcome(self._replaced(operation, call, verdict), done=True, resource=reply.resource)
        return _Outcome(self._done(operation, call, reply), done=True, resource=reply.resource)

    def _check(self, operation: BulkOperation) -> None:
        """Refuse an operation that cannot be done, as things stand."""
        if operation.problem is not None:
            raise operation.problem
        for name in sorted(operation.needs):
            if name not in self._ids:
                raise invalid_value(f"{operation.where} refers to {PREFIX}{name[:100]}, which was not created")
        if self._looked_at > MOST_LOOKED_AT:
            raise ScimError(413, None, "the operations have to look at too many values; send fewer in one request")

    def _check_values(self, operation: BulkOperation, call: Call) -> None:
        """Refuse references to what the job has made and is gone again; to what is gone itself anything is 404."""
        for name in sorted(operation.values):
            id_ = self._ids[name]
            if self._store.find(id_) is None and id_ not in self._provider.planner.promised:
                if call.id is not None:
                    self._provider.planner.target(call)
                raise invalid_value(f"{operation.where} refers to {PREFIX}{name[:100]}, which is not there")

    def _route(self, operation: BulkOperation) -> Call:
        method, path = operation.method or "", resolved(operation.path, self._ids.__getitem__)
        call = self._provider.route(method, path, self._call.base)
        if call.me:
            self._provider.identify(call, self._call.subject)
        if call.type is None or call.verb not in _WRITES:
            raise invalid_value(f"{operation.where}.path is not that of a resource or of a resource type's endpoint")
        return call

    def _prepare(self, operation: BulkOperation, call: Call) -> Verdict:
        """Read an operation into its call, and ask whether a fault strikes it."""
        for place in operation.places:
            place.fill(self._ids.__getitem__)
        call.if_match = operation.version
        call.quiet = True
        call.looked_at = self._looked_at
        if call.verb == "create" and (self._trial or operation.bulk_id in self._ids):
            call.new_id = self._ids.get(operation.bulk_id or "") or self._new_id()
        record = self._store.get(call.kind, call.id) if call.verb == "replace" and call.id is not None else None
        if record is not None and record.members is not None:
            call.looked_at += len(record.members)  # a PUT compares them all
        if call.has_body:
            self._provider.take(call, operation.data)
        if self._call.verdict is None or self._trial:
            return GO_ON
        verdict = self._call.verdict(call)
        if verdict.stop:
            raise _Stopped
        return verdict

    def _perform(self, operation: BulkOperation, call: Call, verdict: Verdict) -> Reply:
        mark = len(self.changes)
        reply = self._serve(call) if verdict.serve is None else verdict.serve(call, self._serve, self.changes)
        for change in self.changes[mark:]:
            before = change.before.body if change.before is not None else b""
            if change.after is not None and _LITERAL in change.after.body and _LITERAL not in before:
                raise invalid_value(f"{operation.where} would store {PREFIX} as it is")
        if call.verb == "create" and operation.bulk_id is not None and reply.resource is not None:
            self._ids.setdefault(operation.bulk_id, reply.resource.id)
        return reply

    def tell_versions(self) -> None:
        """Say the versions as they are at the end: a user that a later operation put into a group has another one."""
        for result, record in self._shown:
            if self._store.tables[record.type.name].records.get(record.id) is record:
                result["version"] = self._store.etag(record)

    def _serve(self, call: Call) -> Reply:
        reply = self._provider.perform(call, self._now, new_id=call.new_id)
        self.changes += reply.changes
        return reply

    # -- what is told of it ------------------------------------------------------------------------------------

    def _done(self, operation: BulkOperation, call: Call, reply: Reply) -> dict[str, Any]:
        result = self._named(operation)
        resource = reply.resource
        id_ = resource.id if call.verb == "create" and resource is not None else call.id
        result["location"] = f"{call.base}{call.kind.endpoint}/{id_}"
        if "ETag" in reply.headers:
            result["version"] = reply.headers["ETag"]
            if reply.resource is not None:
                self._shown.append((result, reply.resource))
        result["status"] = str(reply.status)
        return result

    def _refused(self, operation: BulkOperation, call: Call | None, error: ScimError) -> dict[str, Any]:
        result = self._named(operation)
        self._locate(result, operation, call)
        result["status"] = str(error.status)
        result["response"] = orjson.loads(error.body())
        return result

    def _replaced(self, operation: BulkOperation, call: Call, verdict: Verdict) -> dict[str, Any]:
        """The entry of an operation that a fault answers in the provider's place."""
        status = verdict.status or 500
        result = self._named(operation)
        self._locate(result, operation, call)
        result["status"] = str(status)
        if verdict.body:
            try:
                result["response"] = orjson.loads(verdict.body)
            except orjson.JSONDecodeError:
                text = verdict.body.decode("utf-8", "replace")
                result["response"] = ScimError(status, None, text).document()
        return result

    @staticmethod
    def _named(operation: BulkOperation) -> dict[str, Any]:
        result: dict[str, Any] = {}
        if operation.method is not None:
            result["method"] = operation.method
        if operation.bulk_id is not None:
            result["bulkId"] = operation.bulk_id
        return result

    def _locate(self, result: dict[str, Any], operation: BulkOperation, call: Call | None) -> None:
        """Say where the resource of a failed operation is; a POST has none then (RFC 7644 §3.7.3)."""
        if call is not None and call.id is not None:
            result["location"] = f"{call.base}{call.kind.endpoint}/{quote(call.id, safe=_IN_PATH)}"
        elif operation.method != "POST" and operation.path:
            # As it was sent, also where that leads nowhere: the location is required.
            result["location"] = f"{self._call.base}/{quote(operation.path.strip('/')[:500], safe=_IN_PATH)}"
