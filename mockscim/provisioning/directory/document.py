"""The document of a source directory: read whole or refused, and written back.

``{"kind": "directory", "name", "description", "users": […], "groups": […], "appRoles": […],
"appRoleAssignments": […] or "assignments": […], "steps": […], "history": {…}}``. Members, managers and principals may
be named by id or by name; what is written has ids. ``history`` is what has happened to a directory that has lived:
between two runs it is kept in this form.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import msgspec
import orjson

from mockscim.clock import ClockError, format_instant, parse_instant
from mockscim.faults.documents import convert, suggestion
from mockscim.faults.errors import FaultError, pointer_to
from mockscim.provisioning.directory import changes as ch
from mockscim.provisioning.directory.checks import Checker
from mockscim.provisioning.directory.delta import Entry
from mockscim.provisioning.directory.live import Directory
from mockscim.provisioning.directory.objects import DEFAULT_ACCESS, DEFAULT_ROLE, AppRole, DirectoryError

_KEYS = ("kind", "name", "description", "users", "groups", "appRoles", "appRoleAssignments", "assignments")
_LATER = ("steps", "history")


class _Assigned(msgspec.Struct, forbid_unknown_fields=True):
    """An assignment in short: both may be names."""

    principal: str
    role: str | None = None


class _History(msgspec.Struct, forbid_unknown_fields=True):
    """When it started, how far it has come, and the log."""

    started: str
    now: str
    log: list[Entry]


def parse(data: bytes, source: str = "directory") -> Directory:
    """Read a directory from JSON. Raises DirectoryError."""
    try:
        value = orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise DirectoryError(source, f"{error.lineno}:{error.colno}", f"not JSON: {error.msg}") from None
    return from_document(value, source)


def load(source: str | Path) -> Directory:
    """Read a directory from a file, or else from the bundled one of that name, with or without .json."""
    path = Path(source)
    try:
        data = path.read_bytes() if path.exists() and not path.is_dir() else None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise DirectoryError(str(source), "", f"a readable file was expected: {reason or error}") from None
    if data is not None:
        return parse(data, str(source))
    bundled = {each.stem: each for each in _folder().glob("directory-*.json")}
    name = str(source).removesuffix(".json")
    found = bundled.get(name) or bundled.get(f"directory-{name}")
    if found is None:
        short = sorted(each.removeprefix("directory-") for each in bundled)
        meant = suggestion(name.removeprefix("directory-"), short)
        message = f"{meant}a file or a bundled directory was expected, neither is found (bundled: {', '.join(short)})"
        raise DirectoryError(str(source), "", message)
    return parse(found.read_bytes(), found.name)


def _folder() -> Path:
    # A wheel carries the fixtures inside the package, a checkout keeps them beside it.
    package = Path(__file__).resolve().parent.parent.parent
    inside = package / "_fixtures"
    return inside if inside.is_dir() else package.parent / "fixtures"


def from_document(document: object, source: str = "directory") -> Directory:
    """Read a directory from parsed JSON, which is not kept. Raises DirectoryError."""
    return _Reader(source).read(document)


class _Reader:
    """Reads one document, and knows its name."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.checker = Checker(source)

    def fail(self, where: str, message: str) -> NoReturn:
        raise DirectoryError(self.source, where, message)

    def read(self, document: object) -> Directory:
        if not isinstance(document, dict):
            self.fail("", 'an object with "kind": "directory" was expected')
        self.keys(document)
        directory = Directory(self.text(document, "name"), self.text(document, "description"), self.source)
        self.roles(document, directory)
        self.objects(document, directory)
        self.assignments(document, directory)
        directory.keep_as_start()
        directory.steps = [
            ch.read_step(each, self.source, f"/steps/{index}")
            for index, each in enumerate(self.items(document, "steps"))
        ]
        self.history(document, directory)
        if directory.now is None:
            self.rehearse(document, directory)
        return directory

    def keys(self, document: dict[str, Any]) -> None:
        kind = document.get("kind")
        if kind != "directory":
            message = '"directory" was expected: the source of a simulated identity provider'
            if kind is None and ("users" in document or "Resources" in document):
                message += "; this looks like a fixture, which a server is started with: mockscim serve --fixture"
            self.fail("/kind", message)
        known = (*_KEYS, *_LATER)
        for key in document:
            if key not in known:
                hint = suggestion(key, known)
                self.fail(pointer_to("", key), f"unknown key; {hint}expected one of {', '.join(known)}")
        if "assignments" in document and "appRoleAssignments" in document:
            self.fail("/assignments", "either appRoleAssignments or assignments was expected, both are there")

    def text(self, document: dict[str, Any], key: str) -> str:
        value = document.get(key, "")
        if not isinstance(value, str):
            self.fail(f"/{key}", "a text was expected")
        return value

    def items(self, document: dict[str, Any], key: str) -> list[Any]:
        value = document.get(key, [])
        if not isinstance(value, list):
            self.fail(f"/{key}", "a list was expected")
        return value

    def roles(self, document: dict[str, Any], directory: Directory) -> None:
        for index, value in enumerate(self.items(document, "appRoles")):
            where = f"/appRoles/{index}"
            try:
                role = convert(value, AppRole, where)
            except FaultError as error:
                self.fail(error.pointer, error.expected)
            if role.id in directory.roles:
                self.fail(f"{where}/id", f"an id of its own was expected, {role.id!r} is taken")
            directory.roles[role.id] = role

    def objects(self, document: dict[str, Any], directory: Directory) -> None:
        """Users and groups first, then what refers to them: the order in the document is free."""
        managers = []
        for index, value in enumerate(self.items(document, "users")):
            where = f"/users/{index}"
            user = self.checker.user(value, where)
            if user.get("manager") is not None:
                managers.append((f"{where}/manager", user["id"], user["manager"]))
                user["manager"] = None
            self.at(where, "/user", lambda user=user: directory.add_user(user))
        for where, user_id, manager in managers:
            change = ch.UserEdit(user_id, {"manager": manager})
            self.at(where, "/changes/manager", lambda change=change: directory.apply(change))
        joins = []
        for index, value in enumerate(self.items(document, "groups")):
            where = f"/groups/{index}"
            group, members = self.checker.group(value, where)
            self.at(where, "/group", lambda group=group: directory.add_group(group))
            joins += [(f"{where}/members/{place}", group["id"], member) for place, member in enumerate(members)]
        for where, group_id, member in joins:
            join = ch.MemberAdd(group_id, member)
            self.at(where, "/member", lambda join=join: directory.apply(join))

    def assignments(self, document: dict[str, Any], directory: Directory) -> None:
        for index, value in enumerate(self.items(document, "assignments")):
            where = f"/assignments/{index}"
            try:
                short = convert(value, _Assigned, where)
            except FaultError as error:
                self.fail(error.pointer, error.expected)
            assign = ch.Assign(short.principal, short.role)
            self.at(where, "", lambda assign=assign: directory.apply(assign))
        for index, value in enumerate(self.items(document, "appRoleAssignments")):
            where = f"/appRoleAssignments/{index}"
            if not isinstance(value, dict) or not isinstance(value.get("principalId"), str):
                self.fail(f"{where}/principalId", "the id of a user or group was expected")
            role = value.get("appRoleId", (next(iter(directory.roles.values()), DEFAULT_ROLE)).id)
            if not isinstance(role, str) or not role:
                self.fail(f"{where}/appRoleId", "the id of a role was expected")
            if directory.roles and role not in directory.roles and role != DEFAULT_ACCESS:
                self.fail(f"{where}/appRoleId", f"one of the appRoles was expected, there is no {role!r}")
            principal = value["principalId"]
            known = directory.users if value.get("principalType") == "User" else directory.groups
            if value.get("principalType") is not None and principal not in known:
                self.fail(f"{where}/principalId", f"there is no {value['principalType']} {principal[:100]!r}")
            self.at(
                f"{where}/principalId",
                "",
                lambda principal=principal, role=role: directory.link(directory.principal(principal), role),
            )

    def at(self, where: str, prefix: str, make: Any) -> None:  # noqa: ANN401 - a change to make
        """Make a change; what is wrong with it is told at its place in the document."""
        try:
            make()
        except DirectoryError as error:
            self.fail(where + error.where.removeprefix(prefix), error.message)

    def history(self, document: dict[str, Any], directory: Directory) -> None:
        if document.get("history") is None:
            return
        try:
            told = convert(document["history"], _History, "/history")
            directory.remember(parse_instant(told.started), parse_instant(told.now), told.log)
        except FaultError as error:
            self.fail(error.pointer, error.expected)
        except ClockError as error:
            self.fail("/history", str(error))

    def rehearse(self, document: dict[str, Any], directory: Directory) -> None:
        """Try the steps out on a second one, so that a name that is wrong shows before anything has begun.

        Not where durations and instants are mixed: their order depends on when it will start.
        """
        if not directory.steps or len({step.relative for step in directory.steps}) > 1:
            return
        second = _Reader(self.source).read({**document, "steps": []})
        second.steps = directory.steps
        start = 0.0 if directory.steps[0].relative else min(step.due(0.0) for step in directory.steps)
        second.advance(start)
        second.advance(max(step.due(start) for step in directory.steps))


# --- writing ---


def dump(directory: Directory) -> dict[str, Any]:
    """The document of a directory: ``from_document`` makes an equal one of it."""
    document: dict[str, Any] = {"kind": "directory", "name": directory.name, "description": directory.description}
    document |= {
        "users": [dict(user.attributes) for user in directory.users.values()],
        "groups": [
            {**group.attributes, "members": directory.stored_members(group.id)} for group in directory.groups.values()
        ],
        "appRoles": msgspec.to_builtins(list(directory.roles.values())),
        "appRoleAssignments": msgspec.to_builtins(directory.assignments),
        "steps": [_step(step) for step in directory.steps],
    }
    if directory.started is not None and directory.now is not None:
        document["history"] = {
            "started": format_instant(directory.started),
            "now": format_instant(directory.now),
            "log": [list(entry) for entry in directory.log],
        }
    return {key: value for key, value in document.items() if value or key in ("users", "groups")}


def _step(step: ch.Step) -> dict[str, Any]:
    told = {"description": step.description} if step.description else {}
    return {"at": step.at, **told, "changes": [ch.written(change) for change in step.changes]}
