"""The vocabulary of changes: what a step of a directory document may do, and what ``Directory.apply`` takes.

``{"op": "user.edit", "id": "ann@example.com", "changes": {"department": "Sales"}}``. A user is named by id or
userPrincipalName, a group by id or displayName.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from mockscim.clock import ClockError, parse_instant
from mockscim.durations import parse_duration
from mockscim.faults.documents import convert, suggestion
from mockscim.faults.errors import FaultError, pointer_to
from mockscim.provisioning.directory.objects import DirectoryError


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One change. ``op`` is what it is called in a document."""

    op: ClassVar[str]


class UserAdd(Change, frozen=True):
    """A user comes."""

    op: ClassVar[str] = "user.add"
    user: dict[str, Any]


class UserEdit(Change, frozen=True):
    """A user's attributes change; null takes one away."""

    op: ClassVar[str] = "user.edit"
    id: str
    changes: dict[str, Any]


class UserSoftDelete(Change, frozen=True):
    """A user goes into the recycle bin."""

    op: ClassVar[str] = "user.softDelete"
    id: str


class UserRestore(Change, frozen=True):
    """A user comes back out of it."""

    op: ClassVar[str] = "user.restore"
    id: str


class UserHardDelete(Change, frozen=True):
    """A user is gone for good, from the recycle bin or at once."""

    op: ClassVar[str] = "user.hardDelete"
    id: str


class GroupAdd(Change, frozen=True):
    """A group comes."""

    op: ClassVar[str] = "group.add"
    group: dict[str, Any]


class GroupEdit(Change, frozen=True):
    """A group's attributes change; members come and go by changes of their own."""

    op: ClassVar[str] = "group.edit"
    id: str
    changes: dict[str, Any]


class GroupDelete(Change, frozen=True):
    """A group is gone for good: a security group has no recycle bin."""

    op: ClassVar[str] = "group.delete"
    id: str


class MemberAdd(Change, frozen=True):
    """A user or group, or several, become direct members of a group."""

    op: ClassVar[str] = "member.add"
    group: str
    member: str | list[str]


class MemberRemove(Change, frozen=True):
    """And leave it."""

    op: ClassVar[str] = "member.remove"
    group: str
    member: str | list[str]


class Assign(Change, frozen=True):
    """A user or group is assigned to the application; the role by id, value or displayName."""

    op: ClassVar[str] = "assign"
    principal: str
    role: str | None = None


class Unassign(Change, frozen=True):
    """And is not any more; without a role, from every role."""

    op: ClassVar[str] = "unassign"
    principal: str
    role: str | None = None


_KINDS: dict[str, type[Change]] = {kind.op: kind for kind in Change.__subclasses__()}


class Step(msgspec.Struct, frozen=True):
    """Changes that happen together, at a time: a duration after the start (``40m``), or an instant."""

    at: str | float
    changes: list[Change]
    description: str = ""
    pointer: str = ""
    """Where it stands in its document."""

    def due(self, started: float) -> float:
        """When it happens, in seconds since the epoch, if things started then."""
        try:
            return started + parse_duration(self.at)
        except ValueError:
            return parse_instant(str(self.at))

    @property
    def relative(self) -> bool:
        """Whether it is told from the start."""
        try:
            parse_duration(self.at)
        except ValueError:
            return False
        return True


def read_change(value: object, source: str = "", where: str = "") -> Change:
    """A change from JSON. Raises DirectoryError."""
    if not isinstance(value, dict):
        raise DirectoryError(source, where, 'an object with "op" was expected')
    op = value.get("op")
    kind = _KINDS.get(op) if isinstance(op, str) else None
    if kind is None:
        hint = suggestion(op, _KINDS) if isinstance(op, str) else ""
        raise DirectoryError(source, f"{where}/op", f"{hint}expected one of {', '.join(_KINDS)}")
    try:
        return convert({key: each for key, each in value.items() if key != "op"}, kind, where)
    except FaultError as error:
        raise DirectoryError(source, error.pointer, error.expected) from None


def read_step(value: object, source: str = "", where: str = "") -> Step:
    """A step from JSON. Raises DirectoryError."""
    if not isinstance(value, dict):
        raise DirectoryError(source, where, 'an object with "at" and "changes" was expected')
    for key in value:
        if key not in ("at", "changes", "description"):
            raise DirectoryError(
                source, pointer_to(where, key), "unknown key; expected one of at, changes, description"
            )
    at = value.get("at")
    if isinstance(at, bool) or not isinstance(at, str | int | float):
        raise DirectoryError(source, f"{where}/at", "a duration such as 40m or an instant was expected")
    changes = value.get("changes")
    if not isinstance(changes, list):
        raise DirectoryError(source, f"{where}/changes", "a list of changes was expected")
    description = value.get("description", "")
    if not isinstance(description, str):
        raise DirectoryError(source, f"{where}/description", "a text was expected")
    read = [read_change(each, source, f"{where}/changes/{index}") for index, each in enumerate(changes)]
    step = Step(at, read, description, where)
    try:
        step.due(0.0)
    except ClockError:
        message = f"a duration such as 40m or an instant was expected, {str(at)[:60]!r} was found"
        raise DirectoryError(source, f"{where}/at", message) from None
    return step


def written(change: Change) -> dict[str, Any]:
    """The change as a document has it."""
    return {"op": change.op, **msgspec.to_builtins(change)}
