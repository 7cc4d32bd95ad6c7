"""/Me, the resource of who asks (RFC 7644 §3.11).

    nobody's request               501: for it there is no such thing
    whose resource is there        as at the resource's own path; a POST is 409
    whose resource is not there    404; a POST makes the user of that name, and nobody else

Whose a request is, is an id or a userName, and looked up each time.
"""

from __future__ import annotations

from mockscim.scim.call import Call
from mockscim.scim.errors import ScimError, invalid_value, uniqueness
from mockscim.scim.policy import Tolerance
from mockscim.scim.record import Record
from mockscim.scim.schema import Registry
from mockscim.scim.store import Store

VERBS = {"GET": "get", "POST": "create", "PUT": "replace", "PATCH": "patch", "DELETE": "delete"}


def call(method: str, base: str, verb: str, tolerance: Tolerance, registry: Registry) -> Call:
    """A request at /Me, which is nobody's until it is resolved."""
    made = Call(method, base, f"me.{verb}", tolerance, registry.types.get("User"), None, verb)
    made.me = True
    made.problem = _nobody()
    return made


def resolve(call: Call, registry: Registry, store: Store) -> None:
    """Find the resource that /Me stands for.

    Raises:
        ScimError: 501 for a request that is nobody's.
    """
    subject = call.subject
    if subject is None:
        raise _nobody()
    call.problem = None
    creates = call.verb == "create"
    record = store.find(subject) or _named(subject, registry, store)
    if record is None and not creates:
        record = store.account(subject)  # one who has left may be shown, and come back
    if record is not None:
        call.type, call.id = record.type, None if creates else record.id
        call.alias = f"{record.type.endpoint}/{record.id}"
    elif not creates:
        call.id = subject  # which is not found, and so it will be said


def check_own(call: Call) -> None:
    """Refuse a POST of anybody but who asks, and of who is there already."""
    subject = call.subject or ""
    if call.alias is not None:
        raise uniqueness(f"the resource of {subject[:200]} is there already")
    names = [value for key, value in call.document.items() if key.lower() == "username"]
    if any(isinstance(name, str) and name.casefold() != subject.casefold() for name in names):
        raise invalid_value(f"a POST at /Me makes the user {subject[:200]}, whose the request is, and no other")


def _named(name: str, registry: Registry, store: Store) -> Record | None:
    kind = registry.types.get("User")
    found = store.tables[kind.name].lookup("username", name.casefold()) if kind is not None else None
    return found[0] if found else None


def _nobody() -> ScimError:
    return ScimError(501, None, "/Me is not supported for a request that is nobody's: its token is bound to no user")
