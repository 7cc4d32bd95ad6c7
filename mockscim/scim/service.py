"""The service provider: a request in, an answer out, at most one commit between (RFC 7644 §3).

``route`` tells which operation a request is, ``read`` parses its body, ``perform`` does it. The three are apart so
that a fault can be decided between the second and the third, and so that it is decided once. Nothing here waits, so
each call is atomic on an event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import orjson

from mockscim.scim import bulk, discovery, interop, me, query, selecting
from mockscim.scim.body import read_json
from mockscim.scim.bulk_request import check_size, read_bulk
from mockscim.scim.call import Call, Reply, Unfinished
from mockscim.scim.cursor import Cursors
from mockscim.scim.errors import ScimError, not_found, uniqueness
from mockscim.scim.etag import not_modified
from mockscim.scim.patch_request import read_operations
from mockscim.scim.planning import Plan, Planner, left
from mockscim.scim.policy import Policy, Tolerance
from mockscim.scim.projection import Projection, default_projection, mentioned, read_projection
from mockscim.scim.record import Change, Record, shown
from mockscim.scim.refinements import refinements
from mockscim.scim.resource import normalise
from mockscim.scim.schema import Registry, ResourceType
from mockscim.scim.searching import Kept
from mockscim.scim.store import Store

_TYPE_VERBS = {"GET": "list", "POST": "create"}
_SEARCH_VERBS = {"POST": "search"}
_VERBS = {"GET": "get", "PUT": "replace", "PATCH": "patch", "DELETE": "delete"}

# Which lists are kept, in bytes, and how many.
_SMALL_LIST = 4096
_LARGE_LIST = 1024 * 1024
_MOST_LISTS = 16


class Service:
    """A SCIM service provider over one store.

    Args:
        registry: its resource types.
        store: its directory.
        policy: its ways.
        new_id: makes ids for new resources.
        key: what cursors are sealed with.
    """

    def __init__(
        self, registry: Registry, store: Store, policy: Policy, new_id: Callable[[], str], key: bytes = b""
    ) -> None:
        self.registry = registry
        self.store = store
        self.policy = policy
        self.planner = Planner(registry, store, policy)
        self._new_id = new_id
        # Clients ask for the same page again and again; as long as nothing changes it is the same answer.
        self._lists: dict[tuple[Any, ...], bytes] = {}
        self._lists_of = 0
        self._kept = Kept()
        self.cursors = Cursors(key, policy.cursor_timeout)
        # Whether a list that does not say how it is paged is paged by cursor, so that its answer depends on the time.
        self.cursor_first = policy.pagination.startswith("cursor")
        # By the path's first segment, as published; others are looked up in the registry.
        self._kinds = {kind.endpoint[1:]: kind for kind in registry.types.values()}

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
        kind = self._kinds.get(first) or self.registry.endpoints.get("/" + first.lower())
        if kind is not None:
            if not rest:
                verb = _TYPE_VERBS.get(method) or _verb(method, _TYPE_VERBS)
                return Call(method, base, kind.operations[verb], tolerance, kind, None, verb)
            if "/" in rest:
                raise not_found(f"there is no endpoint {path[:200]}")
            if rest[0] == "." and rest.lower() == ".search":
                verb = _verb(method, _SEARCH_VERBS)
                return Call(method, base, kind.operations[verb], tolerance, kind, None, verb)
            verb = _VERBS.get(method) or _verb(method, _VERBS)
            return Call(method, base, kind.operations[verb], tolerance, kind, rest, verb)
        head = "/" + first.lower()
        if head in discovery.ENDPOINTS and "/" not in rest:
            _verb(method, {"GET": "get"})
            call = Call(method, base, "discovery.get", tolerance)
            call.discovery = (discovery.ENDPOINTS[head], rest or None)
            return call
        if head == "/bulk" and self.policy.bulk and not rest:
            _verb(method, {"POST": "run"})
            return Call(method, base, "bulk.run", tolerance)
        if head == "/me" and self.policy.me:
            if rest:
                raise not_found("there is nothing below /Me")
            return me.call(method, base, _verb(method, me.VERBS), tolerance, self.registry)
        if head in ("/bulk", "/me"):
            raise ScimError(501, None, f"/{first} is not supported")
        if head in ("/", "/.search") and not rest:
            verb = _verb(method, _SEARCH_VERBS if first else {"GET": "list"})
            return Call(method, base, f"root.{verb}", tolerance)
        raise not_found(f"there is no endpoint {path[:200]}")

    def identify(self, call: Call, subject: str | None) -> None:
        """Say whose a request is, so that /Me stands for that resource (RFC 7644 §3.11).

        Args:
            call: what ``route`` made.
            subject: an id or a userName; None for nobody's.

        Raises:
            ScimError: 501, as there is no /Me for nobody.
        """
        call.subject = subject
        if call.me:
            me.resolve(call, self.registry, self.store)

    def read(self, call: Call, parameters: Sequence[tuple[str, str]], body: bytes) -> None:
        """Read a request's parameters and body into its call.

        What is wrong with them is kept as the call's problem, and raised by ``perform``: so a fault may still strike,
        and a resource that is not there is 404 whatever was sent to it.
        """
        try:
            if parameters:
                call.parameters = query.read_parameters(parameters, call.tolerance)
            if self.policy.interop:
                interop.check_parameters(call.method, call.parameters, call.tolerance)
            if call.has_body:
                if call.verb == "run":
                    check_size(len(body), self.policy)
                self._take(call, read_json(body, call.tolerance))
        except ScimError as error:
            call.problem = error

    def take(self, call: Call, document: object) -> None:
        """Read a body that is parsed already into its call, as ``read`` does."""
        try:
            self._take(call, document)
        except ScimError as error:
            call.problem = error

    def _take(self, call: Call, document: object) -> None:
        if self.policy.interop:
            interop.check_method(call.method, call.tolerance)
        call.document = document
        if call.verb == "patch":
            call.operations = read_operations(document, call.tolerance)
        elif call.verb == "run":
            call.bulk = read_bulk(document, self.policy, call.tolerance)
        elif call.me and call.verb == "create" and isinstance(document, dict):
            me.check_own(call)
        call.refinements = refinements(call, self.store)

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
            plan = self.foresee(call)
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
        if call.bulk is not None:
            return bulk.would_change(self, call, call.bulk)
        if call.method == "DELETE":
            record = self.store.get(call.type, call.id or "") if call.type is not None else None
            return record is not None and self._permits(call, record)
        if not call.has_body or call.operation.endswith(".search"):
            return False
        plan = self.foresee(call)
        if plan is None:
            return False
        if call.method == "POST":
            return call.type is not None and not self.planner.leaves(call.type, plan.attributes)
        if plan.joins is not None:
            return True
        record = self.store.get(call.type, call.id or "") if call.type is not None else None
        return record is not None and bool(plan.members or shown(record.type, plan.attributes) != record.attributes())

    def _permits(self, call: Call, record: Record) -> bool:
        """Whether the conditions of a write hold."""
        try:
            self.planner.check_match(call, record)
        except ScimError:
            return False
        return True

    def foresee(self, call: Call) -> Plan | None:
        """The plan of a write, without noting leniencies; None when it would be refused."""
        noted, looked_at = dict(call.tolerance.used or {}), call.looked_at
        try:
            if call.method == "POST":
                self.planner.check_create(call)
                return self.planner.create(call)
            record = self.planner.target(call)
            self.planner.check_match(call, record)
            return self.planner.update(call, record)
        except ScimError:
            return None
        finally:
            call.tolerance.used, call.looked_at = noted, looked_at

    @contextmanager
    def behaving(self, policy: Policy) -> Iterator[None]:
        """Have other ways while this lasts."""
        own = self.policy
        self.policy = self.planner.policy = policy
        self._forget()  # lists are not answered so
        try:
            yield
        finally:
            self.policy = self.planner.policy = own
            self._forget()

    def _forget(self) -> None:
        self._lists.clear()
        self._kept.clear()

    # -- doing it ----------------------------------------------------------------------------------------------

    def perform(self, call: Call, now: str, *, new_id: str | None = None) -> Reply:
        """Do what a request asks, and answer it.

        Args:
            call: what ``route`` and ``read`` made.
            now: the time, as meta shows it.
            new_id: the id for a new resource, where the provider does not choose.

        Returns:
            The answer; of a patient call's long search one that is Unfinished.

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
            version = document.get("meta", {}).get("version")
            headers = {"ETag": version} if version is not None else {}
            return self._conditional(call, Reply(200, orjson.dumps(document), headers))
        verb = call.verb
        if verb == "get":
            return self._get(call)
        if verb in ("list", "search"):
            reply = self._list(call, now)
            return reply if call.if_match is None and call.if_none_match is None else self._conditional(call, reply)
        if verb == "create":
            return self._create(call, now, new_id)
        if verb == "delete":
            return self._delete(call, now)
        if call.bulk is not None:
            self._not_modified(call, None, exists=False)
            return bulk.run(self, call, call.bulk, now, self._new_id)
        return self._update(call, now)

    def _not_modified(self, call: Call, etag: str | None, *, exists: bool) -> bool:
        """Whether the client has what it reads already (304); 412 when a condition of its request does not hold."""
        if not self.policy.etag or (call.if_match is None and call.if_none_match is None):
            return False
        reads = call.method == "GET"
        return not_modified(call.if_match, call.if_none_match, etag, reads=reads, exists=exists)

    def _conditional(self, call: Call, reply: Reply) -> Reply:
        """The answer to a read of what has no record; a POST reads what no GET could show (RFC 9110 §13.1)."""
        etag = reply.headers.get("ETag")
        if self._not_modified(call, etag, exists=call.method == "GET"):
            return Reply(304, None, {"ETag": etag} if etag is not None else {})
        return reply

    def _list(self, call: Call, now: str) -> Reply:
        parameters = call.parameters
        if call.method == "POST":
            parameters = query.read_search(call.document, call.tolerance)
        if ("cursor" in parameters or self.cursor_first) and query.by_cursor(parameters, self.policy):
            listing = query.read_cursor_listing(parameters, self.policy, self.cursors, call.operation, now)
            return self._listed(call, listing)
        kind = call.type
        if kind is not None and len(parameters) == 1 and "filter" in parameters and not self._shows_outsiders(kind):
            # What clients ask most, by the short way: is there one with this userName?
            plain = selecting.plain_equality(kind, parameters["filter"], self.policy)
            found = self.store.tables[kind.name].look_up_soon(*plain) if plain is not None else None
            if found is not None and len(found) <= 1:
                return Reply(200, query.found_response(self.store, found[0] if found else None, call.base, self.policy))
        if call.resize is not None:  # no page that others are to get
            return self._listed(call, query.read_listing(parameters, self.policy))
        key = (call.base, call.type, *parameters.items())
        if self._lists_of != self.store.changed:
            self._lists.clear()
            self._lists_of = self.store.changed
        body = self._lists.get(key)
        if body is not None:
            return Reply(200, body)
        reply = self._listed(call, query.read_listing(parameters, self.policy))
        body = reply.body
        if body is not None and _SMALL_LIST < len(body) <= _LARGE_LIST and not call.tolerance.used:
            if len(self._lists) >= _MOST_LISTS:
                self._lists.clear()
            self._lists[key] = body
        return reply

    def _shows_outsiders(self, kind: ResourceType) -> bool:
        """Whether lists of a type show those who left, too."""
        return self.policy.left_user == "inactive" and kind.name == "User"

    def _listed(self, call: Call, listing: query.Listing) -> Reply:
        types = [call.type] if call.type is not None else list(self.registry.types.values())
        if call.resize is not None:
            listing.count = call.resize(listing.count)
        outsiders = self._outsiders if any(self._shows_outsiders(kind) for kind in types) else None
        steps = query.run(self.store, types, listing, call.base, self.policy, call.tolerance, outsiders, self._kept)
        reply = Unfinished(steps)
        if call.patient and not reply.begin():
            return reply
        return reply.finish()

    def _outsiders(self) -> list[Record]:
        """Those who left."""
        inside = self.store.tables["User"].records  # as one may be who has left, where an old state is looked at
        return [account for account in self.store.accounts or () if left(account) and account.id not in inside]

    def _get(self, call: Call) -> Reply:
        kind = call.kind
        projection = self._projection(call, kind) if call.parameters else None
        record = self.store.get(kind, call.id or "")
        if record is None:
            record = self.planner.visible_account(kind, call.id or "")
        if record is None:
            raise self.planner.unknown(kind, call.id)
        if call.if_match is not None or call.if_none_match is not None:
            etag = self.store.etag(record)
            if self._not_modified(call, etag, exists=True):
                return Reply(304, None, {"ETag": etag}, record)
        return self._answer(200, record, call, projection)

    def _create(self, call: Call, now: str, new_id: str | None) -> Reply:
        kind = call.kind
        projection = self._projection(call, kind)
        self.planner.check_create(call)
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
        change = self.store.update(record, plan.attributes, plan.members, now, touched=plan.touched)
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
        if call.quiet:
            body = b""
        elif projection is None and not record.type.on_request:
            body = self.store.render(record, call.base, etag=self.policy.etag)
        else:
            if record.type.on_request and call.has_body:
                sent = [(each.path, each.value) for each in call.operations] or [(None, call.document)]
                said = [name for path, value in sent for name in mentioned(path, value)]
                projection = (projection or default_projection(record.type)).after_write(said)
            body = query.render(self.store, record, call.base, projection, self.policy)
        return Reply(status, body, self._headers(record, call), record, changes or ())

    def _headers(self, record: Record, call: Call) -> dict[str, str]:
        location = f"{call.base}{record.type.endpoint}/{record.id}"
        if self.policy.etag:
            return {"Location": location, "ETag": self.store.etag(record)}
        return {"Location": location}

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
        allowed = [each for verb in verbs for each in (("GET", "HEAD") if verb == "GET" else (verb,))]
        raise ScimError(405, None, f"{method} is not possible here", {"Allow": ", ".join(allowed)})
    return verbs[method]
