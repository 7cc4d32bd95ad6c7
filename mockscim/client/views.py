"""The store as a test sees it: users, groups and other resources, read and edited behind the client's back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, overload
from urllib.parse import quote

from mockscim.client import failure
from mockscim.client.line import ControlRefused, Line, NotThereError

_EVERYTHING = 10**9
_MOST_NAMED = 8  # how many names an error tells
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a group.

    Attributes:
        value: its id.
        name: what people call it: a userName, a group's displayName; the id where it is not there.
        type: ``User`` or ``Group``.
        display: as the group has it, or None.
    """

    value: str
    name: str
    type: str | None
    display: str | None


class Members(Sequence[Member]):
    """The members of a group when it was looked at; ``in`` takes an id, a name or a resource."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = list(members)

    @property
    def names(self) -> list[str]:
        """What people call them."""
        return [member.name for member in self._members]

    @property
    def ids(self) -> list[str]:
        """Their ids."""
        return [member.value for member in self._members]

    def __len__(self) -> int:
        return len(self._members)

    @overload
    def __getitem__(self, index: int) -> Member: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Member]: ...

    def __getitem__(self, index: int | slice) -> Member | Sequence[Member]:
        return self._members[index]

    def __contains__(self, wanted: object) -> bool:
        if isinstance(wanted, Resource):
            return wanted.id in self.ids
        if isinstance(wanted, str):
            return wanted in self.ids or wanted.casefold() in (name.casefold() for name in self.names)
        return wanted in self._members

    def __repr__(self) -> str:
        return f"Members({self.names!r})"


class Resource(Mapping[str, Any]):
    """A resource as it was when it was looked at: a mapping of its attributes, in any case, and a copy.

    ``user["userName"]``, ``user.get("title")``, ``"emails" in user``, ``user == {…}``; ``dict(user)`` is the document.
    """

    __slots__ = ("_document", "_names", "_type")

    def __init__(self, document: dict[str, Any], names: Mapping[str, str], type_: str) -> None:
        self._document = document
        self._names = names
        self._type = type_

    @property
    def id(self) -> str:
        """Its id."""
        return str(self._document["id"])

    @property
    def type(self) -> str:
        """Its resource type: ``User``."""
        return self._type

    @property
    def label(self) -> str:
        """What people call it: a userName, a displayName, else its id."""
        return self._names.get(self.id, self.id)

    @property
    def version(self) -> str | None:
        """Its entity tag; None where the provider has no versions."""
        found: str | None = self._document.get("meta", {}).get("version")
        return found

    @property
    def members(self) -> Members:
        """Its members, of a group; empty of what has none."""
        return Members([self._member(member) for member in self._document.get("members") or ()])

    def _member(self, member: Mapping[str, Any]) -> Member:
        value = str(member.get("value", ""))
        return Member(value, self._names.get(value, value), member.get("type"), member.get("display"))

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401
        if name in self._document:
            return self._document[name]
        key = _key(self._document, name)
        if key is None:
            what = f"{self.type} {self.label} has no {name!r}"
            raise NotThereError(failure.unknown(what, str(name), {"it has": list(self._document)}))
        return self._document[key]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Nothing: its attributes are SCIM's, and read as a mapping's."""
        if name.startswith("_"):  # of the way in which Python copies, compares and shows objects
            raise AttributeError(name)
        key = _key(self._document, name)
        told = f'attributes of a {self.type} are read as items: ["{key or "userName"}"]'
        if key is None:
            told = (
                failure.unknown(f"{self.type} {self.label} has no {name!r}", name, {"it has": list(self)}) + f"\n{told}"
            )
        raise AttributeError(told, name=name, obj=self)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and _key(self._document, name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._document)

    def __len__(self) -> int:
        return len(self._document)

    def __hash__(self) -> int:
        return hash((self.type, self.id))

    def __eq__(self, other: object) -> bool:
        return self._document == (other._document if isinstance(other, Resource) else other)

    def __repr__(self) -> str:
        shown = {name: value for name, value in self._document.items() if name not in ("schemas", "meta", "id")}
        return f"<{self.type} {self.id} {shown!r}>"


class View:
    """The resources of one type, now; each look is at what is there then, and gives copies.

    What is added, edited or deleted here is done behind the client's back: it is in the history, and not in the
    journal. A key is an id or a name: a userName, a group's displayName, of other types what is unique.

    Args:
        line: to the server.
        type_: the resource type's name or endpoint: ``User``, ``/Devices``.
    """

    def __init__(self, line: Line, type_: str) -> None:
        self._line = line
        self._path = f"/resources/{quote(type_.strip('/'), safe='')}"
        self._called = type_

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._look())

    def __len__(self) -> int:
        return int(self._line.ask("GET", self._path, parameters={"limit": 0})["total"])

    def __contains__(self, key: object) -> bool:
        if isinstance(key, Resource):
            key = key.id
        return isinstance(key, str) and bool(self._look(name=key))

    def __getitem__(self, key: str) -> Resource:
        """The resource with that id or name.

        Raises:
            KeyError: there is none, or there are several of that name; says what there is.
        """
        found = self._look(name=_text(key))
        if len(found) == 1:
            return found[0]
        if found:
            what = f"{len(found)} {self._called}s are called {key!r}: look one up by its id"
            raise NotThereError(failure.unknown(what, "", {"there are": [resource.id for resource in found]}))
        raise NotThereError(self._absent(_text(key)))

    def get(self, key: str, default: _T | None = None) -> Resource | _T | None:
        """The resource with that id or name, else the default."""
        found = self._look(name=_text(key))
        return found[0] if len(found) == 1 else default

    def names(self) -> list[str]:
        """What people call them, in the order of their creation."""
        return [resource.label for resource in self]

    def ids(self) -> list[str]:
        """Their ids, in the order of their creation."""
        return [resource.id for resource in self]

    def where(self, filter: str) -> list[Resource]:  # noqa: A002 - as SCIM calls it
        """Those that a SCIM filter holds for: ``active eq false``.

        Raises:
            ControlRefused: it is no filter.
        """
        return self._look(filter=filter)

    def add(self, document: Mapping[str, Any] | str | None = None, /, **attributes: Any) -> Resource:  # noqa: ANN401
        """Make a resource; every leniency is on.

        Args:
            document: its attributes; a text is a user's userName, of others the displayName.
            attributes: more of them. A group's ``members`` may be ids or names.

        Raises:
            ControlRefused: it cannot be: 400, an attribute that there is not among them, or 409 where something unique
                is taken.
        """
        if isinstance(document, str):
            type_ = self._line.ask("GET", self._path, parameters={"limit": 0})["type"]
            document = {"userName" if type_ == "User" else "displayName": document}
        sent = {**(document or {}), **attributes}
        return self._one(self._change("POST", self._path, sent, flat=sent == attributes))

    def edit(self, key: str, changes: Mapping[str, Any] | None = None, /, **attributes: Any) -> Resource:  # noqa: ANN401
        """Change a resource: each attribute given is replaced, and taken away by None; or as a PatchOp says.

        Args:
            key: its id or name.
            changes: attributes, or a PatchOp with ``Operations``.
            attributes: more of them. A group's ``members`` may be ids or names.

        Raises:
            KeyError: it is not there.
            ControlRefused: it cannot be, or names an attribute that there is not.

        Returns:
            It as it is now; as it was where the provider has let it go (who is made inactive leaves Segment).
        """
        held = self[key]
        sent = {**(changes or {}), **attributes}
        self._change("PATCH", f"{self._path}/{quote(held.id, safe='')}", sent, flat=not changes)
        return self.get(held.id) or held

    def delete(self, key: str) -> None:
        """Delete a resource.

        Raises:
            KeyError: it is not there.
        """
        self._line.ask("DELETE", f"{self._path}/{quote(self[key].id, safe='')}")

    def __delitem__(self, key: str) -> None:
        self.delete(key)

    def __repr__(self) -> str:
        names = self.names()
        more = f", … {len(names)} in all" if len(names) > _MOST_NAMED else ""
        return f"<{self._called}: {', '.join(names[:_MOST_NAMED]) or 'none'}{more}>"

    def _change(self, method: str, path: str, sent: Mapping[str, Any], *, flat: bool) -> Any:  # noqa: ANN401
        """Ask for a change; ``flat``: keywords had said it."""
        try:
            return self._line.ask(method, path, sent)
        except ControlRefused as refused:
            raise (refused.of_keywords() if flat else refused) from None

    def _one(self, document: dict[str, Any]) -> Resource:
        return self[str(document["id"])]

    def _look(self, **parameters: object) -> list[Resource]:
        page = self._line.ask("GET", self._path, parameters={"limit": _EVERYTHING, **parameters})
        return [Resource(document, page["names"], page["type"]) for document in page["items"]]

    def _absent(self, key: str) -> str:
        """What there is instead of what was looked for, the nearest first."""
        names = self.names()
        if not names:
            return f"there is no {self._called} {key!r}: there is none at all"
        return failure.unknown(f"there is no {self._called} {key!r}", key, {"there are": names}, most=_MOST_NAMED)


def _text(key: object) -> str:
    if isinstance(key, Resource):
        return key.id
    if not isinstance(key, str):
        raise TypeError(f"an id or a name was expected, not {key!r}; list(...) has them by their place")
    return key


def _key(document: Mapping[str, Any], name: str) -> str | None:
    """The key as written: attribute names are compared without regard to case (RFC 7643 §2.1)."""
    if name in document:
        return name
    lower = name.lower()
    return next((key for key in document if key.lower() == lower), None)
