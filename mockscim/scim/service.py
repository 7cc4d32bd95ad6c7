"""The service provider: a request in, an answer out, at most one commit between (RFC 7644 §3).

``route`` tells which operation a request is, ``read`` parses its body, ``perform`` does it. The three are apart so
that a fault can be decided between the second and the third, and so that it is decided once. Nothing here waits, so
each call is atomic on an event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from mockscim.scim import discovery, query
from mockscim.scim.call import Call, Reply
from mockscim.scim.errors import ScimError, invalid_syntax, not_found, uniqueness
from mockscim.scim.patch import read_operations
from mockscim.scim.planning import Plan, Planner, left, matches
from mockscim.scim.policy import Policy, Tolerance
from mockscim.scim.projection import Projection, read_projection
from mockscim.scim.record import Change, Record, shown
from mockscim.scim.refinements import refinements
from mockscim.scim.resource import normalise
from mockscim.scim.schema import Registry, ResourceType
from mockscim.scim.store import Store

_TYPE_VERBS = {"GET": "list", "POST": "create"}
_SEARCH_VERBS = {"POST": "search"}
_VERBS = {"GET": "get", "PUT": "replace", "PATCH": "patch", "DELETE": "delete"}


class Service:
    """A SCIM service provider over one store.

    Args:
        registry: its resource types.
        store: its directory.
        policy: its ways.
        new_id: makes ids for new resources.
    """

    def __init__(self, registry: Registry, store: Store, policy: Policy, new_id: Callable[[], str]) -> None:
        self.registry = registry
        self.store = store
        self.policy = policy
        self.planner = Planner(registry, store, policy)
        self._new_id = new_id

    # -- what a request is -------------------------------------------------------------------------------------

    def route(self, method: str, path: str, base: str) -> Call:
        """Tell the operation from method and path.

        Args:
            method: the HTTP method, upper case.
            path: the decoded path below the base URL: ``/Users/2819c223``.
            base: the base URL that ``location`` and ``$ref`` start with, without trailing slash.

        Raises:
            ScimError: 404 for an unknown endpoint, 405 with Allow for a method it does not have, 501 for what SCIM
                has and this provider does not.
        """
        tolerance = Tolerance(self.policy.accepted)
        first, _, rest = path.strip("/").partition("/")
        kind = self.registry.endpoints.get("/" + first) or self.registry.endpoints.get("/" + first.lower())
        if kind is not None:
            if not rest:
                verb = _verb(method, _TYPE_VERBS)
                return Call(method, base, kind.operations[verb], tolerance, kind)
            if "/" not in rest:
                if rest[0] == "." and rest.lower() == ".search":
                    verb = _verb(method, _SEARCH_VERBS)
                    return Call(method, base, kind.operations[verb], tolerance, kind)
                return Call(method, base, kind.operations[_verb(method, _VERBS)], tolerance, kind, rest)
            raise not_found(f"there is no endpoint {path[:200]}")
        head = "/" + first.lower()
        if head in discovery.ENDPOINTS and "/" not in rest:
            _verb(method, {"GET": "get"})
            call = Call(method, base, "discovery.get", tolerance)
            call.discovery = (discovery.ENDPOINTS[head], rest or None)
            return call
        if head in ("/bulk", "/me"):
            raise ScimError(501, None, f"/{first} is not supported")
        if head in ("/", "/.search") and not rest:
            verb = _verb(method, _SEARCH_VERBS if first else {"GET": "list"})
            return Call(method, base, f"root.{verb}", tolerance)
        raise not_found(f"there is no endpoint {path[:200]}")

    def read(self, call: Call, parameters: Iterable[tuple[str, str]], body: bytes) -> None:
        """Read a request's parameters and body into its call.

        What is wrong with them is kept as the call's problem, and raised by ``perform``: so a fault may still strike,
        and a resource that is not there is 404 whatever was sent to it.
        """
        try:
            call.parameters = query.read_parameters(parameters, call.tolerance)
            if call.has_body:
                call.document = _parse(body)
                if call.operation.endswith(".patch"):
                    call.operations = read_operations(call.document, call.tolerance)
                call.refinements = refinements(call, self.store)
        except ScimError as error:
            call.problem = error

    # -- looking ahead, for fault rules ------------------------------------------------------------------------

    def views(self, call: Call) -> list[dict[str, Any]]:
        """The resource as it is before the request, as it would be after, and as sent; those there are.

        Nothing is committed. Lists, and what does not exist, have no view.
        """
        found: list[dict[str, Any]] = []
        kind = call.type
        if kind is None:
            return found
        record = self.store.get(kind, call.id) if call.id is not None else None
        if record is not None:
            found.append(self.store.document(record, call.base, etag=self.policy.etag))
        if call.has_body and call.problem is None and not call.operation.endswith(".search"):
            plan = self._attempt(call)
            if plan is not None:
                after = shown(kind, plan.attributes, call.base)
                present = [e.id for e, _ in kind.extensions if e.id in after]
                found.append({"schemas": [kind.schema.id, *present], **after})
            try:
                sent = normalise(call.document, kind, self.policy, Tolerance(frozenset(call.tolerance.accepted)))
                found.append(sent)
            except ScimError:
                pass  # a PatchOp, or a body that the service will refuse
        return found

    def commits(self, call: Call) -> bool:
        """Whether the request would change anything, as things stand."""
        if call.problem is not None:
            return False
        if call.method == "DELETE":
            return call.type is not None and self.store.get(call.type, call.id or "") is not None
        if not call.has_body or call.operation.endswith(".search"):
            return False
        plan = self._attempt(call)
        if plan is None:
            return False
        if call.method == "POST":
            return call.type is not None and not self.planner.leaves(call.type, plan.attributes)
        if plan.joins is not None:
            return True
        record = self.store.get(call.type, call.id or "") if call.type is not None else None
        return record is not None and bool(plan.members or shown(record.type, plan.attributes) != record.attributes())

    def _attempt(self, call: Call) -> Plan | None:
        """The plan of a write, without noting leniencies; None when it would be refused."""
        noted = dict(call.tolerance.used or {})
        try:
            if call.method == "POST":
                return self.planner.create(call)
            record = self.planner.target(call)
            self.planner.check_match(call, record)
            return self.planner.update(call, record)
        except ScimError:
            return None
        finally:
            call.tolerance.used = noted

    # -- doing it ----------------------------------------------------------------------------------------------

    def perform(self, call: Call, now: str, *, new_id: str | None = None) -> Reply:
        """Do what a request asks, and answer it.

        Args:
            call: what ``route`` and ``read`` made.
            now: the time, as meta shows it.
            new_id: the id for a new resource, where the provider does not choose.

        Raises:
            ScimError: nothing was committed then.
        """
        if call.problem is not None:
            if call.id is not None:
                self.planner.target(call)
            raise call.problem
        if call.discovery is not None:
            endpoint, item = call.discovery
            filtered = "filter" in call.parameters
            document = discovery.discover(
                endpoint, item, filtered=filtered, registry=self.registry, policy=self.policy, base=call.base
            )
            return Reply(200, orjson.dumps(document))
        verb = call.operation.rsplit(".", 1)[-1]
        if verb in ("list", "search"):
            return self._list(call)
        if verb == "create":
            return self._create(call, now, new_id)
        if verb == "get":
            return self._get(call)
        if verb == "delete":
            return self._delete(call, now)
        return self._update(call, now)

    def _list(self, call: Call) -> Reply:
        parameters = call.parameters
        if call.method == "POST":
            parameters = query.read_search(call.document, call.tolerance)
        listing = query.read_listing(parameters, self.policy)
        types = [call.type] if call.type is not None else list(self.registry.types.values())
        outsiders: list[Record] = []
        if (
            self.policy.left_user == "inactive"
            and self.store.accounts is not None
            and (call.type is None or call.type.name == "User")
        ):
            outsiders = [account for account in self.store.accounts if left(account)]
        body = query.run(self.store, types, listing, call.base, self.policy, call.tolerance, outsiders)
        return Reply(200, body)

    def _get(self, call: Call) -> Reply:
        kind = call.kind
        projection = self._projection(call, kind)
        record = self.store.get(kind, call.id or "")
        if record is None:
            record = self.planner.visible_account(kind, call.id or "")
        if record is None:
            raise self.planner.unknown(kind, call.id)
        if call.if_none_match is not None and self.policy.etag and matches(call.if_none_match, record.etag):
            return Reply(304, None, {"ETag": record.etag}, record)
        return self._answer(200, record, call, projection)

    def _create(self, call: Call, now: str, new_id: str | None) -> Reply:
        kind = call.kind
        projection = self._projection(call, kind)
        plan = self.planner.create(call)
        attributes = plan.attributes
        id_ = plan.joins.id if plan.joins is not None else new_id or self._new_id()
        if new_id is not None and self.store.find(new_id) is not None:
            raise uniqueness(f"the id {new_id} is taken")
        if self.planner.leaves(kind, attributes):
            # No inactive state exists at such a provider: the account is known, and outside.
            self.store.put_account(id_, attributes, now)
            account = self.store.accounts.records[id_] if self.store.accounts is not None else None
            if account is not None:
                return self._answer(201, account, call, projection)
        if plan.joins is not None:
            self.store.drop_account(id_)
        change = self.store.create(kind, id_, attributes, plan.members, now)
        return self._answer(201, change.after, call, projection, [change])

    def _update(self, call: Call, now: str) -> Reply:
        kind = call.kind
        projection = self._projection(call, kind)
        record = self.planner.target(call)
        self.planner.check_match(call, record)
        plan = self.planner.update(call, record)
        if plan.joins is not None:
            return self._rejoin(call, plan, projection, now)
        if self.store.get(kind, record.id) is not record:
            return self._stay(call, record, plan, projection, now)
        if self.planner.leaves(kind, plan.attributes):
            return self._leave(call, record, plan, projection, now)
        change = self.store.update(record, plan.attributes, plan.members, now)
        after = change.after if change is not None else record
        if call.method == "PATCH" and self.policy.patch_answer == "none" and projection is None and after is not None:
            return Reply(204, None, self._headers(after, call), after, [change] if change is not None else [])
        return self._answer(200, after, call, projection, [change] if change is not None else [])

    def _delete(self, call: Call, now: str) -> Reply:
        kind = call.kind
        record = self.store.get(kind, call.id or "")
        account = self.planner.visible_account(kind, call.id or "") if record is None else None
        target = record or account
        if target is None:
            raise self.planner.unknown(kind, call.id)
        self.planner.check_match(call, target)
        attributes = target.attributes()
        # What is deleted is gone for the client (RFC 7644 §3.6), also where those who left stay to be seen.
        attributes.pop("active", None)
        changes = self.store.delete(record, now) if record is not None else []
        if self.policy.delete == "leave" and kind.name == "User":
            self.store.put_account(target.id, attributes, now, created=target.created)
        elif account is not None:
            self.store.drop_account(account.id)
        return Reply(204, None, {}, target, changes)

    def _answer(
        self,
        status: int,
        record: Record | None,
        call: Call,
        projection: Projection | None,
        changes: list[Change] | None = None,
    ) -> Reply:
        if record is None:  # pragma: no cover - a create or update always has an after
            raise not_found("the resource is gone")
        body = query.render(self.store, record, call.base, projection, self.policy)
        return Reply(status, body, self._headers(record, call), record, changes or [])

    def _headers(self, record: Record, call: Call) -> dict[str, str]:
        headers = {"Location": f"{call.base}{record.type.endpoint}/{record.id}"}
        if self.policy.etag:
            headers["ETag"] = record.etag
        return headers

    def _projection(self, call: Call, kind: ResourceType) -> Projection | None:
        parameters = call.parameters
        if "attributes" not in parameters and "excludedAttributes" not in parameters:
            return None
        return read_projection(kind, parameters.get("attributes"), parameters.get("excludedAttributes"), call.tolerance)

    # -- providers without an inactive state -------------------------------------------------------------------

    def _leave(self, call: Call, record: Record, plan: Plan, projection: Projection | None, now: str) -> Reply:
        """A deactivated user leaves the directory and its groups; the account survives."""
        changes = self.store.delete(record, now)
        self.store.put_account(record.id, plan.attributes, now, created=record.created)
        account = self.store.accounts.records[record.id] if self.store.accounts is not None else None
        if call.method == "PATCH" and self.policy.patch_answer == "none" and projection is None:
            return Reply(204, None, {}, account, changes)
        return self._answer(200, account, call, projection, changes)

    def _stay(self, call: Call, account: Record, plan: Plan, projection: Projection | None, now: str) -> Reply:
        """One who has left, is still shown, and does not come back with this request."""
        if plan.attributes != account.attributes():
            self.store.put_account(account.id, plan.attributes, now)
            account = self.store.accounts.records[account.id] if self.store.accounts is not None else account
        if call.method == "PATCH" and self.policy.patch_answer == "none" and projection is None:
            return Reply(204, None, self._headers(account, call), account)
        return self._answer(200, account, call, projection)

    def _rejoin(self, call: Call, plan: Plan, projection: Projection | None, now: str) -> Reply:
        """An account outside comes (back) in, without the groups it once had."""
        account = plan.joins
        if account is None:  # pragma: no cover - asked for only where there is one
            raise not_found("no account")
        self.store.drop_account(account.id)
        change = self.store.create(account.type, account.id, plan.attributes, {}, now, created=account.created)
        if call.method == "PATCH" and self.policy.patch_answer == "none" and projection is None:
            return Reply(204, None, {}, change.after, [change])
        return self._answer(200, change.after, call, projection, [change])


def _verb(method: str, verbs: Mapping[str, str]) -> str:
    if method not in verbs:
        raise ScimError(405, None, f"{method} is not possible here", {"Allow": ", ".join(verbs)})
    return verbs[method]


def _parse(body: bytes) -> Any:  # noqa: ANN401
    if not body.strip():
        raise invalid_syntax("the request has no body")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise invalid_syntax(f"the body is not JSON: {error}") from None
