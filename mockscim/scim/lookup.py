"""Who holds a value that a request gives, and that must be unique."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from mockscim.scim.call import Call
from mockscim.scim.record import Record
from mockscim.scim.store import Store


class HasStore(Protocol):
    """A provider, as far as it is asked here."""

    store: Store


def given(call: Call, key: str) -> str | None:
    """The text that a whole representation gives for an attribute (lower case); None for none."""
    if not isinstance(call.document, Mapping):
        return None
    found = next((value for name, value in call.document.items() if name.lower() == key), None)
    return found if isinstance(found, str) else None


def find_holder(call: Call, provider: HasStore) -> Record | None:
    """The resource that holds a unique value of the representation that a POST sends; None for none."""
    kind = call.type
    for attribute in kind.unique if kind is not None else ():
        value = given(call, attribute.key)
        id_ = provider.store.holder(attribute, call.kind, value) if value is not None else None
        if id_ is not None:
            return provider.store.get(call.kind, id_)
    return None
