"""Attribute mappings: what of a source object goes where in the target.

A document ``{"name", "description", "users": {"attributeMappings": […], "scope": […]}, "groups": {…}}`` in Microsoft
Graph's names; ``mappings/`` holds those that come along. The four types, default value, matching precedence and "apply"
are those of customize-application-attributes.md. An empty value is never provisioned: an attribute of the target is
not cleared (known-issues.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
import orjson

from mockscim.faults.documents import convert, suggestion
from mockscim.faults.errors import FaultError, Wrong
from mockscim.provisioning import expressions, target
from mockscim.provisioning.expressions import Context, ExpressionError
from mockscim.provisioning.expressions.values import empty
from mockscim.provisioning.scoping import ScopingFilter, Source

FlowType = Literal["Add", "Update", "Delete"]
REFERENCES = {"manager", "members"}
"""Source attributes that name other objects: they flow in a second pass."""

_ROLES = "appRoleAssignments"


class MappingError(ValueError):
    """A mapping document that cannot be used; ``where`` is a JSON pointer into it."""

    def __init__(self, source: str, where: str, message: str) -> None:
        self.source, self.where, self.message = source, where, message
        super().__init__(f"{source}: {where}: {message}" if where else f"{source}: {message}")

    def __reduce__(self) -> tuple[type[MappingError], tuple[str, str, str]]:
        return MappingError, (self.source, self.where, self.message)


class AttributeMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One target attribute and where its value comes from.

    Args:
        targetAttributeName: ``userName``, ``name.givenName``, ``emails[type eq "work"].value``, or an extension's with
            its URN.
        source: a source attribute (Direct), the value (Constant), an expression (Expression), nothing (None).
        type: which of them.
        defaultValue: what is provisioned where the source has nothing, at creation alone.
        matchingPriority: whether and in which turn objects are matched by it; 0 is never, 1 first.
        flowType: ``Always``, or ``ObjectAddOnly``: "only during object creation".
        note: where this row is from.
    """

    targetAttributeName: str  # noqa: N815 - Graph's name
    source: str = ""
    type: Literal["Direct", "Constant", "Expression", "None"] = "Direct"
    defaultValue: str | None = None  # noqa: N815
    matchingPriority: int = 0  # noqa: N815
    flowType: Literal["Always", "ObjectAddOnly"] = "Always"  # noqa: N815
    note: str = ""

    def __post_init__(self) -> None:
        self._check_target()
        if self.matchingPriority < 0:
            raise Wrong("matchingPriority", "0 for no matching, 1 for the first and so on was expected")
        if self.type == "None" and self.source:
            raise Wrong("source", "nothing was expected: a mapping of type None has no source")
        if self.type == "Direct":
            self._check_direct()
        elif self.type == "Constant" and not self.source:
            raise Wrong("source", "the constant was expected")
        elif self.type == "Expression":
            self._check_expression()
        if self.matchingPriority and (self.type == "None" or self.is_reference):
            raise Wrong(
                "matchingPriority", "a Direct, Constant or Expression mapping of a plain attribute was expected"
            )

    def _check_target(self) -> None:
        try:
            path = target.parse(self.targetAttributeName)
        except target.TargetPathError as error:
            raise Wrong("targetAttributeName", str(error)) from None
        if path.attribute.lower() == "id" and path.sub is None:
            raise Wrong("targetAttributeName", "the target gives the id itself: map to externalId")

    def _check_direct(self) -> None:
        if not self.source.strip():
            raise Wrong("source", "the name of a source attribute was expected")
        if any(sign in self.source for sign in '()[]",'):
            raise Wrong("source", 'the name of a source attribute was expected; an expression has "type": "Expression"')
        if self.source == _ROLES:
            raise Wrong(
                "source", "roles are mapped by an expression such as SingleAppRoleAssignment([appRoleAssignments])"
            )

    def _check_expression(self) -> None:
        try:
            node = expressions.parse(self.source)
        except ExpressionError as error:
            raise Wrong("source", str(error)) from None
        if "SelectUniqueValue" in _called(node):
            if self.matchingPriority:
                raise Wrong("matchingPriority", "SelectUniqueValue is not for a matching attribute")
            if self.flowType != "ObjectAddOnly":
                raise Wrong("flowType", "SelectUniqueValue flows only during creation: ObjectAddOnly was expected")

    @property
    def target(self) -> target.TargetPath:
        """The target attribute, read."""
        return target.parse(self.targetAttributeName)

    @property
    def is_reference(self) -> bool:
        """Whether its values are other objects: manager and members."""
        return self.type == "Direct" and self.source in REFERENCES

    @property
    def functions(self) -> set[str]:
        """The functions that its expression calls."""
        return _called(expressions.parse(self.source)) if self.type == "Expression" else set()

    def value(self, source: Source, context: Context) -> Any:  # noqa: ANN401 - JSON
        """The value for an object, as the target has it; None for nothing.

        Raises:
            ExpressionError: the expression cannot do with what the object has.
        """
        path = self.target
        if self.type == "Direct":
            found = source.get(self.source)
        elif self.type == "Constant":
            found = self.source
        elif self.type == "Expression":
            context.target = self.targetAttributeName
            found = expressions.evaluate(expressions.parse(self.source), source, context)
        else:
            found = None
        if empty(found) and context.creating:
            found = self.defaultValue
        return None if empty(found) else _fitting(path, found)


def _called(node: expressions.Node) -> set[str]:
    return {each.name for each in expressions.walk(node) if isinstance(each, expressions.Call)}


def _fitting(path: target.TargetPath, value: Any) -> Any:  # noqa: ANN401 - JSON
    """A value as the target attribute takes it: one, text or boolean; a multi-valued attribute takes several."""
    if isinstance(value, list) and (path.filter or path.sub):
        value = value[0]  # guess: one element of the target takes one value
    if isinstance(value, bool):
        return value if path.boolean else str(value)
    if isinstance(value, int | float):
        return str(value)
    return target.typed(path, value)


class ObjectMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The mappings of users, or of groups.

    Args:
        attributeMappings: in the order in which they are evaluated.
        scope: scoping filters, one of which has to hold.
        enabled: whether such objects are provisioned at all.
        flowTypes: which actions are ticked: an object may be added, updated, deleted.
    """

    attributeMappings: list[AttributeMapping]  # noqa: N815 - Graph's name
    scope: list[ScopingFilter] = []
    enabled: bool = True
    flowTypes: list[FlowType] = msgspec.field(default_factory=lambda: ["Add", "Update", "Delete"])  # noqa: N815

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for each in self.attributeMappings:
            name = each.targetAttributeName.lower()
            if name in seen:
                raise Wrong("attributeMappings", f"{each.targetAttributeName} is mapped twice")
            seen.add(name)
        turns = [each.matchingPriority for each in self.attributeMappings if each.matchingPriority]
        if len(turns) != len(set(turns)):
            raise Wrong("attributeMappings", "each matchingPriority was expected once")
        if self.enabled and not turns:
            raise Wrong("attributeMappings", "one with a matchingPriority of 1 was expected")

    @property
    def matching(self) -> list[AttributeMapping]:
        """Those that objects are matched by, in turn."""
        found = (each for each in self.attributeMappings if each.matchingPriority)
        return sorted(found, key=lambda each: each.matchingPriority)

    @property
    def references(self) -> list[AttributeMapping]:
        """Those of manager and members."""
        return [each for each in self.attributeMappings if each.is_reference]

    def uses(self, name: str) -> bool:
        """Whether an expression calls this function."""
        return any(name in each.functions for each in self.attributeMappings)


class Schema(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A whole mapping document; Graph calls it the synchronization schema.

    Args:
        users: how users are provisioned.
        groups: how groups are; where nothing is said of them they are not.
        source: where it is from: pages, one an item.
    """

    users: ObjectMapping
    groups: ObjectMapping = msgspec.field(default_factory=lambda: ObjectMapping([], enabled=False))
    name: str = ""
    description: str = ""
    source: list[str] = []

    def __post_init__(self) -> None:
        if not self.users.enabled:
            raise Wrong("users", "enabled was expected: groups alone may be disabled")


class FlowError(NamedTuple):
    """An attribute that could not be made for an object."""

    target: str
    expression: str
    message: str


class Flow(NamedTuple):
    """What flows from one source object.

    Args:
        values: by target attribute, in the order of the mappings, only those that there are.
        references: by target attribute, the ids of source objects. A manager; members are not listed here, as only
            their changes flow: the directory tells them.
        errors: what could not be made.
        redacted: target attributes whose values the provisioning log does not show.
    """

    values: dict[str, Any]
    references: dict[str, list[str]]
    errors: list[FlowError]
    redacted: set[str]


def flow(mapping: ObjectMapping, source: Source, context: Context, *, creating: bool) -> Flow:
    """What an object provisions; ``creating`` adds default values and what flows only then."""
    context.creating = creating
    found = Flow({}, {}, [], set())
    for each in mapping.attributeMappings:
        if each.flowType == "ObjectAddOnly" and not creating:
            continue
        name = each.targetAttributeName
        if each.is_reference:
            value = source.get(each.source)
            found.references[name] = [value] if isinstance(value, str) and value else []
            continue
        try:
            value = each.value(source, context)
        except ExpressionError as error:
            found.errors.append(FlowError(name, each.source, str(error)))
            continue
        if value is not None:
            found.values[name] = value
        if "Redact" in each.functions:
            found.redacted.add(name)
    return found


def matching_values(mapping: ObjectMapping, source: Source, context: Context) -> list[tuple[AttributeMapping, Any]]:
    """What an object is looked up by in the target, in turn; attributes for which it has nothing are left out.

    Raises:
        ExpressionError: of a matching attribute.
    """
    context.creating = False
    found = ((each, each.value(source, context)) for each in mapping.matching)
    return [(each, value) for each, value in found if value is not None]


# --- documents ---


def names() -> list[str]:
    """The mappings that come along."""
    return sorted(each.name.removesuffix(".json") for each in _folder().iterdir() if each.name.endswith(".json"))


def _folder() -> Any:  # noqa: ANN401 - importlib's Traversable has no public home in 3.11 and 3.14 alike
    return resources.files("mockscim.provisioning") / "mappings"


def load(source: str | Path | Mapping[str, Any]) -> Schema:
    """A mapping document by name, path or content. Raises MappingError."""
    if isinstance(source, Mapping):
        return _read(dict(source), "mapping")
    if str(source) in names():
        return parse((_folder() / f"{source}.json").read_bytes(), f"{source}.json")
    path = Path(source)
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        meant, known = suggestion(str(source), names()), ", ".join(names())
        raise MappingError(str(source), "", f"{meant}a file or one of {known} was expected: {reason}") from None
    return parse(data, str(source))


def parse(data: bytes, source: str = "mapping") -> Schema:
    """A mapping document from JSON. Raises MappingError."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise MappingError(f"{source}:{error.lineno}:{error.colno}", "", f"not JSON: {error.msg}") from None
    return _read(value, source)


def _read(value: object, source: str) -> Schema:
    if not isinstance(value, dict):
        raise MappingError(source, "", 'an object with "users" and "groups" was expected')
    try:
        return convert(value, Schema)
    except FaultError as error:
        raise MappingError(source, error.pointer, error.expected) from None


def dump(schema: Schema) -> dict[str, Any]:
    """The document of a schema: ``load`` makes an equal one of it."""
    document: dict[str, Any] = msgspec.to_builtins(schema)
    return document
