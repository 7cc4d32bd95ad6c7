"""``schema_drift``: resources look otherwise than the schema says, and than they did yesterday."""

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import Annotated, Any, Literal

from msgspec import Meta

from mockscim.faults.answers import Resource, rewrite
from mockscim.faults.draw import Draw
from mockscim.faults.effect import Effect, Proceed, Serving
from mockscim.faults.errors import Wrong
from mockscim.faults.moment import Moment
from mockscim.faults.registry import Parameters, fault
from mockscim.faults.world import Serve, World
from mockscim.scim.call import Call, Reply
from mockscim.scim.errors import invalid_value
from mockscim.scim.schema import ResourceType

Mode = Literal[
    "drop",
    "rename",
    "retype",
    "add_required",
    "extension_missing",
    "reorder_multivalue",
    "null_vs_absent",
    "bool_as_string",
    "id_as_number",
]
_NAMED = ("drop", "rename", "retype", "add_required")
_CAPITAL = re.compile(r"(?<=[a-z0-9])[A-Z]")
_COMMON = ("schemas", "id", "meta")


@fault(
    "schema_drift",
    family="representation",
    phases=("after",),
    terminal=False,
    argument="mode",
    doc="Shows resources in another form than before: without an attribute, or with it under another name or of another"
    " type, in another order, with nulls; or asks for an attribute that was not asked for. What is stored stays as it"
    " is, and what is sent is understood as ever.",
    correct_client="Ignores what it does not know; takes null for absent and another order for the same; does not write"
    " again what only looks different; says aloud what it cannot use, and for which resource.",
)
class SchemaDrift(Parameters, frozen=True, kw_only=True):
    """How resources drift, and which attribute of theirs."""

    mode: Annotated[
        Mode,
        Meta(
            description="drop: it is not shown; rename: under another name; retype: text as an object, a list as its"
            " first value, a boolean as a number, anything else as text; add_required: a POST or PUT without it is 400;"
            " extension_missing: no extension is shown; reorder_multivalue: lists in another order each time;"
            " null_vs_absent: what has no value is null; bool_as_string: True and False; id_as_number: a number, by"
            " which the resource can be had too."
        ),
    ]
    attribute: Annotated[
        str | None,
        Meta(
            description="drop, rename, retype, add_required: which, as name.givenName or a URN; displayName unless"
            " given. extension_missing: the URN of one. null_vs_absent: just this one."
        ),
    ] = None
    to: Annotated[str | None, Meta(description="rename: its new name; display_name for displayName unless given.")] = (
        None
    )

    def __post_init__(self) -> None:
        if self.to is not None and self.mode != "rename":
            raise Wrong("to", "belongs to the mode rename")
        if self.attribute is not None and self.mode not in (*_NAMED, "extension_missing", "null_vs_absent"):
            raise Wrong("attribute", f"{self.mode} is about all attributes")

    def happen(self, moment: Moment, /) -> Effect:
        """Only what shows resources, or makes them."""
        call = moment.attempt.call
        if call is None or call.discovery is not None or call.verb == "run":
            return Proceed()
        if self.mode == "add_required" and call.verb not in ("create", "replace"):
            return Proceed()
        attribute = self.attribute or ("displayName" if self.mode in _NAMED else "")
        to = self.to or _CAPITAL.sub(lambda found: "_" + found[0].lower(), attribute.rpartition(".")[2])
        return Drift(self.mode, attribute, to)


@dataclass(frozen=True, slots=True)
class Drift(Serving):
    """Serve it, and show something else."""

    mode: Mode
    attribute: str
    to: str

    @property
    def outcome(self) -> str:
        """``drift drop displayName``."""
        return " ".join(["drift", self.mode, *filter(None, [self.attribute])])

    def serve(self, world: World, call: Call, serve: Serve) -> Reply:
        """Serve it, and change what is shown."""
        if self.mode == "add_required":
            if isinstance(call.document, dict) and not _place(call.document, self.attribute):
                raise invalid_value(f"{self.attribute} is required")
            world.spare()
            return serve(call)
        numbers: dict[str, str] = world.memory.setdefault("numbers", {})
        call.id = numbers.get(call.id or "", call.id)
        reply = serve(call)
        if not rewrite(call, reply, lambda resource: self._change(resource, world, call.type, numbers)):
            world.spare()
        return reply

    def _change(self, resource: Resource, world: World, kind: ResourceType | None, numbers: dict[str, str]) -> None:
        if self.mode in _NAMED:
            self._change_one(resource)
        elif self.mode == "extension_missing":
            self._drop_extensions(resource)
        elif self.mode == "reorder_multivalue":
            for name, value in resource.items():
                if isinstance(value, list) and name != "schemas":
                    _shuffle(value, world.draw)
        elif self.mode == "null_vs_absent":
            known = kind or world.service.registry.types.get(str((resource.get("meta") or {}).get("resourceType")))
            self._fill(resource, known)
        elif self.mode == "bool_as_string":
            resource.update(_without_booleans(resource))
        elif isinstance(resource.get("id"), str):
            number = _number(resource["id"])
            numbers[str(number)] = resource["id"]
            resource["id"] = number

    def _change_one(self, resource: Resource) -> None:
        for holder, name in _place(resource, self.attribute):
            if self.mode == "drop":
                del holder[name]
            elif self.mode == "retype":
                holder[name] = _retyped(holder[name])
            else:  # in its place
                items = [(self.to if key == name else key, value) for key, value in holder.items()]
                holder.clear()
                holder.update(items)

    def _drop_extensions(self, resource: Resource) -> None:
        gone = [name for name in resource if ":" in name and self.attribute.lower() in ("", name.lower())]
        for name in gone:
            del resource[name]
        if gone and isinstance(resource.get("schemas"), list):
            resource["schemas"] = [urn for urn in resource["schemas"] if urn not in gone]

    def _fill(self, resource: Resource, kind: ResourceType | None) -> None:
        for attribute in kind.attributes.values() if kind is not None else ():
            wanted = not self.attribute or attribute.key == self.attribute.lower()
            if wanted and attribute.name not in _COMMON and attribute.returned == "default":
                resource.setdefault(attribute.name, None)


def _place(resource: Resource, path: str) -> list[tuple[Resource, str]]:
    """Where an attribute stands: in the resource, below a complex attribute or each value of one, in an extension."""
    found = [(resource, name) for name in resource if name.lower() == path.lower()]
    if found or not path:
        return found
    for name, value in resource.items():
        mark = ":" if ":" in name else "."
        if path.lower().startswith(f"{name.lower()}{mark}"):
            inner = path[len(name) + 1 :]
            for item in value if isinstance(value, list) else [value]:
                found += _place(item, inner) if isinstance(item, dict) else []
    return found


def _retyped(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, str):
        return {"value": value}
    if isinstance(value, list):
        return value[0] if value else ""
    return int(value) if isinstance(value, bool) else str(value)


def _without_booleans(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {name: _without_booleans(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_booleans(item) for item in value]
    return str(value) if isinstance(value, bool) else value


def _shuffle(values: list[Any], draw: Draw) -> None:
    """Another order than it was, for lists of two or more."""
    before = list(values)
    for index in range(len(values) - 1, 0, -1):
        other = int(draw.uniform() * (index + 1))
        values[index], values[other] = values[other], values[index]
    if values == before:
        values.reverse()


def _number(id_: str) -> int:
    """The number for an id: itself, or one of its own, the same each time, that a double holds."""
    if id_.isdecimal() and id_.isascii() and str(int(id_)) == id_ and int(id_) < 2**53:
        return int(id_)
    return int.from_bytes(blake2b(id_.encode(), digest_size=6).digest(), "big")
