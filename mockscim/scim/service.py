"""The service provider: a request in, an answer out, at most one commit between (RFC 7644 §3).

``route`` tells which operation a request is, ``read`` parses its body, ``perform`` does it. The three are apart so
that a fault can be decided between the second and the third, and so that it is decided once. Nothing here waits, so
each call is atomic on an event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import orjson

from mockscim.scim import discovery, query
from mockscim.scim.errors import ScimError, invalid_syntax, invalid_value, mutability, not_found, uniqueness
from mockscim.scim.members import Member, MembersDraft
from mockscim.scim.patch import (
    Operation,
    Patcher,
    member_operations,
    put_members,
    read_members,
    read_operations,
)
from mockscim.scim.policy import Policy, Tolerance
from mockscim.scim.projection import Projection, read_projection
from mockscim.scim.resource import check_immutable, normalise, require
from mockscim.scim.schema import Registry, ResourceType
from mockscim.scim.store import Change, Record, Store, shown

_TYPE_VERBS = {"GET": "list", "POST": "create"}
_SEARCH_VERBS = {"POST": "search"}
_VERBS = {"GET": "get", "PUT": "replace", "PATCH": "patch", "DELETE": "delete"}
_REF_MARK = "\x01"  # becomes store.BASE_MARK once serialised


class Call:
    """One request on its way: what it asks for, and what has been found out about it.

    One is made for each request, so what most of them do not have is a default of the class.
    """

    parameters: Mapping[str, str] = MappingProxyType({})
    if_match: str | None = None
    if_none_match: str | None = None
    discovery: tuple[str, str | None] | None = None
    document: Any = None
    operations: Sequence[Operation] = ()
    refinements: tuple[str, ...] = ()
    problem: ScimError | None = None

    def __init__(
        self,
        method: str,
        base: str,
        operation: str,
        tolerance: Tolerance,
        type: ResourceType | None = None,  # noqa: A002 - what the RFC calls it
        id: str | None = None,  # noqa: A002
    ) -> None:
        self.method = method
        self.base = base
        self.operation = operation
        self.tolerance = tolerance
        self.type = type
        self.id = id

    @property
    def has_body(self) -> bool:
        """Whether the operation takes a body."""
        return self.method in ("POST", "PUT", "PATCH")


@dataclass(slots=True)
class Reply:
    """The answer: status, headers, body as JSON bytes (None for none), and what was done for it."""

    status: int
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    resource: Record | None = None
    changes: list[Change] = field(default_factory=list)


@dataclass(slots=True)
class _Plan:
    """What a write would do, computed before anything is committed."""

    attributes: dict[str, Any]
    members: dict[str, Member | None]
    joins: Record | None = None  # the account that a create or an activation joins


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
                call.refinements = self._refinements(call)
        except ScimError as error:
            call.problem = error

    def _refinements(self, call: Call) -> tuple[str, ...]:
        """What a write is about, so that a fault can aim at it: ``user.deactivate`` or ``group.member.add``."""
        kind = call.type
        if kind is None:
            return ()
        found: list[str] = []
        if call.operations:
            if kind.name == "User":
                active = _intended_active(call.operations)
                found += [] if active is None else [f"{kind.resource}.{'activate' if active else 'deactivate'}"]
            elif kind.keyed is not None:
                found += self._member_refinements(call, kind)
                if any(_names(operation, "displayname") for operation in call.operations):
                    found.append(f"{kind.resource}.rename")
        elif call.method == "PUT" and isinstance(call.document, Mapping):
            found += self._replace_refinements(call, kind)
        return tuple(found)

    def _member_refinements(self, call: Call, kind: ResourceType) -> list[str]:
        verbs: list[str] = []
        for op, _ in member_operations(call.operations, kind.keyed):
            verbs += {"add": ["add"], "remove": ["remove"]}.get(op, ["add", "remove"])
        return [f"{kind.resource}.member.{verb}" for verb in dict.fromkeys(verbs)]

    def _replace_refinements(self, call: Call, kind: ResourceType) -> list[str]:
        record = self.store.get(kind, call.id or "")
        if record is None:
            return []
        fields = {name.lower(): value for name, value in call.document.items()}
        before = record.attributes()
        if kind.name == "User":
            was, now = before.get("active", True), str(fields.get("active", True)).lower() != "false"
            return [] if was == now else [f"{kind.resource}.{'activate' if now else 'deactivate'}"]
        found = []
        if kind.keyed is not None:
            sent = fields.get(kind.keyed.key) or []
            values = [m.get("value") if isinstance(m, Mapping) else m for m in sent] if isinstance(sent, list) else []
            wanted = {value for value in values if isinstance(value, str)}
            held = {member.value for member in record.members or ()}
            found += [f"{kind.resource}.member.add"] if wanted - held else []
            found += [f"{kind.resource}.member.remove"] if held - wanted else []
        if fields.get("displayname") != before.get("displayName"):
            found.append(f"{kind.resource}.rename")
        return found

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
            return call.type is not None and not self._leaves(call.type, plan.attributes)
        if plan.joins is not None:
            return True
        record = self.store.get(call.type, call.id or "") if call.type is not None else None
        return record is not None and bool(plan.members or shown(record.type, plan.attributes) != record.attributes())

    def _attempt(self, call: Call) -> _Plan | None:
        """The plan of a write, without noting leniencies; None when it would be refused."""
        noted = dict(call.tolerance.used or {})
        try:
            if call.method == "POST":
                return self._plan_create(call)
            record = self._target(call)
            self._check_match(call, record)
            return self._plan_update(call, record)
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
                self._target(call)
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
            outsiders = [account for account in self.store.accounts if _left(account)]
        body = query.run(self.store, types, listing, call.base, self.policy, call.tolerance, outsiders)
        return Reply(200, body)

    def _get(self, call: Call) -> Reply:
        kind = _type_of(call)
        projection = self._projection(call, kind)
        record = self.store.get(kind, call.id or "")
        if record is None:
            record = self._visible_account(kind, call.id or "")
        if record is None:
            raise self._unknown(kind, call.id)
        if call.if_none_match is not None and self.policy.etag and _matches(call.if_none_match, record.etag):
            return Reply(304, None, {"ETag": record.etag}, record)
        return self._answer(200, record, call, projection)

    def _create(self, call: Call, now: str, new_id: str | None) -> Reply:
        kind = _type_of(call)
        projection = self._projection(call, kind)
        plan = self._plan_create(call)
        attributes = plan.attributes
        id_ = plan.joins.id if plan.joins is not None else new_id or self._new_id()
        if new_id is not None and self.store.find(new_id) is not None:
            raise uniqueness(f"the id {new_id} is taken")
        if self._leaves(kind, attributes):
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
        kind = _type_of(call)
        projection = self._projection(call, kind)
        record = self._target(call)
        self._check_match(call, record)
        plan = self._plan_update(call, record)
        if plan.joins is not None:
            return self._rejoin(call, plan, projection, now)
        if self.store.get(kind, record.id) is not record:
            return self._stay(call, record, plan, projection, now)
        if self._leaves(kind, plan.attributes):
            return self._leave(call, record, plan, projection, now)
        change = self.store.update(record, plan.attributes, plan.members, now)
        after = change.after if change is not None else record
        if call.method == "PATCH" and self.policy.patch_answer == "none" and projection is None and after is not None:
            return Reply(204, None, self._headers(after, call), after, [change] if change is not None else [])
        return self._answer(200, after, call, projection, [change] if change is not None else [])

    def _delete(self, call: Call, now: str) -> Reply:
        kind = _type_of(call)
        record = self.store.get(kind, call.id or "")
        if record is None:
            raise self._unknown(kind, call.id)
        self._check_match(call, record)
        attributes = {**record.attributes(), "active": False}
        changes = self.store.delete(record, now)
        if self.policy.delete == "leave" and kind.name == "User":
            self.store.put_account(record.id, attributes, now, created=record.created)
        return Reply(204, None, {}, record, changes)

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

    # -- planning a write --------------------------------------------------------------------------------------

    def _plan_create(self, call: Call) -> _Plan:
        kind = _type_of(call)
        draft = MembersDraft(None)
        attributes = self._normalised(call, kind, draft)
        joins: Record | None = None
        if self.policy.join_accounts and kind.name == "User":
            self._check_unique(kind, attributes, None)
            joins = self.store.account(str(attributes.get("userName", "")))
            if joins is not None:
                attributes = {**joins.attributes(), "active": attributes.get("active", True)}
            attributes.setdefault("active", True)
        self._check_unique(kind, attributes, None)
        self._link(kind, attributes)
        return _Plan(attributes, draft.difference(), joins)

    def _plan_update(self, call: Call, record: Record) -> _Plan:
        """The outcome of a PUT or PATCH of a resource, or of an account that is outside."""
        kind = record.type
        outside = self.store.get(kind, record.id) is not record
        draft = MembersDraft(record.members)
        # A PATCH changes what it reads: what was is read only where it will be asked for.
        asked = call.method == "PUT" or kind.has_immutable or kind.name in self.policy.frozen
        before = record.attributes() if asked else {}
        if call.method == "PUT":
            draft.clear()
            attributes = self._normalised(call, kind, draft)
            if kind.name == "User" and self.policy.deactivate == "leave":
                # Saying nothing leaves a member in, and one who left outside: only active=true brings back.
                attributes.setdefault("active", not outside)
            for attribute in kind.secret:
                # A representation never carries what is never returned, so its absence says nothing.
                if attribute.name in before:
                    attributes.setdefault(attribute.name, before[attribute.name])
        else:
            attributes = record.attributes()
            patcher = Patcher(kind, attributes, draft, self._kind_of(call, record.id), self.policy, call.tolerance)
            patcher.apply(call.operations)
            require(attributes, kind)
        check_immutable(before, attributes, kind)
        self._thaw(kind, before, attributes, whole=call.method == "PUT")
        if outside:
            if attributes.get("active") is not True:
                if self._visible_account(kind, record.id) is None:
                    raise self._unknown(kind, record.id)
                return _Plan(attributes, {})
            attributes = {**self._as_member(record), "active": True}
            self._check_unique(kind, attributes, record.id)
            return _Plan(attributes, {}, record)
        self._check_unique(kind, attributes, record.id)
        if self.policy.join_accounts and kind.name == "User":
            account = self.store.account(str(attributes.get("userName", "")))
            if account is not None:
                raise uniqueness(f"userName {attributes['userName'][:200]!r} is taken by an account")
        self._link(kind, attributes)
        return _Plan(attributes, self._really_changed(record, draft.difference()))

    def _really_changed(self, group: Record, members: dict[str, Member | None]) -> dict[str, Member | None]:
        """Without those that only got the name which is shown for them anyway: a client puts back what it read."""

        def same(value: str, member: Member | None) -> bool:
            old = group.members.get(value) if group.members is not None else None
            return (
                old is not None
                and member is not None
                and old.display is None
                and member == old._replace(display=self.store.label(value))
            )

        return {value: member for value, member in members.items() if not same(value, member)}

    def _normalised(self, call: Call, kind: ResourceType, draft: MembersDraft) -> dict[str, Any]:
        attributes = normalise(call.document, kind, self.policy, call.tolerance)
        if kind.keyed is not None and kind.keyed.name in attributes:
            # normalise has coerced the list already; what is left is a value for each, and its kind.
            listed = attributes.pop(kind.keyed.name)
            items = read_members(listed, kind.keyed, self.policy, call.tolerance)
            put_members(draft, items, self._kind_of(call, call.id))
        return attributes

    def _kind_of(self, call: Call, own_id: str | None) -> Callable[[str], str]:
        def kind_of(id_: str) -> str:
            record = self.store.find(id_)
            if record is not None:
                if id_ == own_id and record.type.keyed is not None:
                    raise invalid_value("a group cannot be a member of itself")
                return record.type.name
            refusal = invalid_value(f"there is no resource with the id {id_[:100]} to be a member")
            call.tolerance.allow("unknown-member", f"the member {id_[:100]} is not known", refusal)
            return ""

        return kind_of

    def _check_unique(self, kind: ResourceType, attributes: Mapping[str, Any], own_id: str | None) -> None:
        for attribute in kind.unique:
            value = attributes.get(attribute.name)
            if isinstance(value, str):
                holder = self.store.holder(attribute, kind, value)
                if holder is not None and holder != own_id:
                    raise uniqueness(f"{attribute.name} {value[:200]!r} is taken by another {kind.name}")

    def _link(self, kind: ResourceType, attributes: dict[str, Any]) -> None:
        """Point ``$ref`` of a reference such as manager at the resource its value names (RFC 7643 §2.4)."""
        for urn, attribute, ref in kind.references:
            held = attributes if urn is None else attributes.get(urn) or {}
            values = held.get(attribute.name)
            # A reference whose value went keeps none of ours, which is relative (Record.attributes).
            types = [t for name in ref.reference_types if (t := self.registry.types.get(name))] if values else []
            for value in values if isinstance(values, list) else [values]:
                if not types or not isinstance(value, dict):
                    continue
                if value.get("value"):
                    record = self.store.find(value["value"]) if len(types) > 1 else None
                    target = record.type if record is not None and record.type in types else types[0]
                    value["$ref"] = f"{_REF_MARK}{target.endpoint}/{value['value']}"
                elif str(value.get("$ref", "")).startswith(tuple(f"{t.endpoint}/" for t in types)):
                    del value["$ref"]
                    if not value and value is values:
                        del held[attribute.name]
            if urn is not None and not attributes.get(urn, True):
                del attributes[urn]

    def _thaw(self, kind: ResourceType, before: Mapping[str, Any], after: dict[str, Any], *, whole: bool) -> None:
        """Treat changes of attributes that this provider does not change after creation.

        What a whole representation (PUT) leaves out is kept: clients know no attributes beside their own.
        """
        frozen = self.policy.frozen.get(kind.name)
        if not frozen or self.policy.frozen_change == "apply":
            return
        for name in {*before, *after}:
            if name.lower() not in frozen or before.get(name) == after.get(name):
                continue
            if self.policy.frozen_change == "reject" and not (whole and name not in after):
                raise mutability(f"{name} cannot be changed after creation at this provider")
            if name in before:
                after[name] = before[name]
            else:
                after.pop(name)

    # -- providers without an inactive state -------------------------------------------------------------------

    def _leaves(self, kind: ResourceType, attributes: Mapping[str, Any]) -> bool:
        return kind.name == "User" and self.policy.deactivate == "leave" and attributes.get("active") is False

    def _leave(self, call: Call, record: Record, plan: _Plan, projection: Projection | None, now: str) -> Reply:
        """A deactivated user leaves the directory and its groups; the account survives."""
        changes = self.store.delete(record, now)
        self.store.put_account(record.id, plan.attributes, now, created=record.created)
        account = self.store.accounts.records[record.id] if self.store.accounts is not None else None
        if call.method == "PATCH" and self.policy.patch_answer == "none" and projection is None:
            return Reply(204, None, {}, account, changes)
        return self._answer(200, account, call, projection, changes)

    def _stay(self, call: Call, account: Record, plan: _Plan, projection: Projection | None, now: str) -> Reply:
        """One who has left, is still shown, and does not come back with this request."""
        if plan.attributes != account.attributes():
            self.store.put_account(account.id, plan.attributes, now)
            account = self.store.accounts.records[account.id] if self.store.accounts is not None else account
        if call.method == "PATCH" and self.policy.patch_answer == "none" and projection is None:
            return Reply(204, None, self._headers(account, call), account)
        return self._answer(200, account, call, projection)

    def _rejoin(self, call: Call, plan: _Plan, projection: Projection | None, now: str) -> Reply:
        """An account outside comes (back) in, without the groups it once had."""
        account = plan.joins
        if account is None:  # pragma: no cover - asked for only where there is one
            raise not_found("no account")
        self.store.drop_account(account.id)
        change = self.store.create(account.type, account.id, plan.attributes, {}, now, created=account.created)
        if call.method == "PATCH" and self.policy.patch_answer == "none" and projection is None:
            return Reply(204, None, {}, change.after, [change])
        return self._answer(200, change.after, call, projection, [change])

    @staticmethod
    def _as_member(account: Record) -> dict[str, Any]:
        return {**account.attributes(), "active": True}

    def _visible_account(self, kind: ResourceType, id_: str) -> Record | None:
        if self.policy.left_user != "inactive" or kind.name != "User" or self.store.accounts is None:
            return None
        account = self.store.accounts.records.get(id_)
        return account if account is not None and _left(account) else None

    def _target(self, call: Call) -> Record:
        """The resource that a PUT or PATCH addresses; where users leave, also an account that may come back."""
        kind = _type_of(call)
        record = self.store.get(kind, call.id or "")
        if record is None and self.policy.deactivate == "leave" and kind.name == "User" and self.store.accounts:
            record = self.store.accounts.records.get(call.id or "")
        if record is None:
            raise self._unknown(kind, call.id)
        return record

    def _check_match(self, call: Call, record: Record) -> None:
        if call.if_match is not None and self.policy.etag and not _matches(call.if_match, record.etag):
            raise ScimError(412, None, f"the version is {record.etag}, not {call.if_match[:100]}")

    @staticmethod
    def _unknown(kind: ResourceType, id_: str | None) -> ScimError:
        return not_found(f"{kind.name} {(id_ or '')[:200]} not found")

    # -- the state from outside --------------------------------------------------------------------------------

    def seed(
        self, kind: ResourceType, document: Mapping[str, Any], id_: str, now: str, meta: Mapping[str, Any]
    ) -> Change | None:
        """Put a resource of a fixture into the directory, with its id and times kept; one of that id is replaced.

        Returns:
            The change; None when the resource is there already, just so.

        Raises:
            ScimError: when it does not fit its schema, or is not unique.
        """
        tolerance = Tolerance(self.policy.accepted | _FIXTURE_LENIENCIES)
        attributes = normalise(document, kind, self.policy, tolerance)
        leaves = kind.name == "User" and self.policy.deactivate == "leave"
        if leaves and attributes.setdefault("active", True) is not True:
            raise invalid_value("nobody is inactive at this provider; a person outside is one of the accounts")
        other = self.store.find(id_)
        if other is not None and other.type is not kind:
            raise uniqueness(f"the id {id_} is taken by a {other.type.name}")
        self._check_unique(kind, attributes, id_)
        if kind.name == "User" and self.policy.join_accounts:
            self._claim(id_, str(attributes.get("userName", "")))
        self._link(kind, attributes)
        modified = str(meta.get("lastModified") or now)
        if other is not None:
            return self.store.update(other, attributes, {}, modified)
        return self.store.create(kind, id_, attributes, {}, modified, created=str(meta.get("created") or now))

    def _claim(self, id_: str, user_name: str) -> None:
        """Whoever comes in with a fixture is no longer outside."""
        same_name = self.store.account(user_name)
        same_id = self.store.accounts.records.get(id_) if self.store.accounts is not None else None
        if same_id is not None and same_id is not same_name:
            raise uniqueness(f"the id {id_} is taken by an account")
        if same_name is not None:
            self.store.drop_account(same_name.id)

    def seed_members(self, kind: ResourceType, id_: str, listed: list[Any], meta: Mapping[str, Any]) -> Change | None:
        """Give a group of a fixture its members; the resources they name must be there.

        Raises:
            ScimError: when one is not.
        """
        record = self.store.get(kind, id_)
        if record is None or kind.keyed is None:
            return None
        call = Call("POST", "", f"{kind.resource}.create", Tolerance(self.policy.accepted), kind)
        draft = MembersDraft(record.members)
        draft.clear()
        items = read_members(listed, kind.keyed, self.policy, call.tolerance)
        put_members(draft, items, self._kind_of(call, id_))
        return self.store.update_members(record, draft.difference(), str(meta.get("lastModified") or record.modified))

    def seed_account(self, document: Mapping[str, Any], id_: str, now: str) -> None:
        """Put a person whom the provider knows outside this directory into its accounts.

        Raises:
            ScimError: when it does not fit the schema, or the userName is taken.
        """
        kind = self.registry.types["User"]
        tolerance = Tolerance(self.policy.accepted | _FIXTURE_LENIENCIES | {"unknown-attribute"})
        attributes = normalise(document, kind, self.policy, tolerance)
        if attributes.get("active") is True:
            del attributes["active"]  # nobody is active outside
        if self.policy.join_accounts:
            self._check_unique(kind, attributes, None)
        if self.store.find(id_) is not None:
            raise uniqueness(f"the id {id_} is taken by a resource")
        known = self.store.account(str(attributes.get("userName", "")))
        if known is not None and known.id != id_:
            raise uniqueness(f"userName {attributes['userName']!r} is taken by another account")
        self.store.put_account(id_, attributes, now)


# A fixture is data, not a request: that it says less than a request has to is nobody's fault.
_FIXTURE_LENIENCIES = frozenset({"missing-schemas", "unknown-schema-urn", "schemas-mismatch", "undeclared-extension"})


def _verb(method: str, verbs: Mapping[str, str]) -> str:
    if method not in verbs:
        raise ScimError(405, None, f"{method} is not possible here", {"Allow": ", ".join(verbs)})
    return verbs[method]


def _type_of(call: Call) -> ResourceType:
    if call.type is None:  # pragma: no cover - route gives one to every resource operation
        raise not_found("no resource type")
    return call.type


def _parse(body: bytes) -> Any:  # noqa: ANN401
    if not body.strip():
        raise invalid_syntax("the request has no body")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise invalid_syntax(f"the body is not JSON: {error}") from None


def _matches(header: str, etag: str) -> bool:
    """Whether an If-Match or If-None-Match names a version; compared weakly, as all versions here are weak."""
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return "*" in tags or etag.removeprefix("W/") in tags


def _left(account: Record) -> bool:
    return account.attributes().get("active") is False


def _names(operation: Operation, key: str) -> bool:
    if operation.path is not None:
        return operation.path.strip().lower().rsplit(":", 1)[-1] == key
    return isinstance(operation.value, Mapping) and any(name.lower() == key for name in operation.value)


def _intended_active(operations: Sequence[Operation]) -> bool | None:
    """What the operations want ``active`` to be; None when they say nothing about it."""
    wanted: bool | None = None
    for operation in operations:
        value: object = None
        if operation.path is not None:
            if operation.path.strip().lower().rsplit(":", 1)[-1] == "active":
                value = operation.value
        elif isinstance(operation.value, Mapping):
            value = next((v for name, v in operation.value.items() if name.lower() == "active"), None)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(value, (bool, str)):
            wanted = str(value).lower() != "false"
    return wanted
