"""Target attributes as attribute mappings name them: ``name.givenName``, ``emails[type eq "work"].value``.

    path   = [ urn ":" ] name [ "[" name eq value [ and name eq value ] "]" ] [ "." name ]
    value  = text in double quotes | true | false

It is the part of RFC 7644 §3.10's grammar that the portal's attribute list has; a bare ``manager`` means the
enterprise extension's, as Microsoft's documentation writes it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

from mockscim.scim import urns

_NAME = r"[A-Za-z$][A-Za-z0-9_$-]*"
_PATH = re.compile(rf"(?:(urn:[^\[\]\s]+):)?({_NAME})(?:\[(.+)\])?(?:\.({_NAME}))?", re.DOTALL)
_CLAUSE = re.compile(rf'({_NAME}) eq ("(?:[^"\\]|\\.)*"|true|false)', re.IGNORECASE | re.DOTALL)
_AND = re.compile(r" +and +", re.IGNORECASE)
_BOOLEAN = {"active", "primary"}
_ENTERPRISE = {"manager", "department", "division", "costcenter", "organization", "employeenumber"}


class TargetPathError(ValueError):
    """A text that names no target attribute."""


class TargetPath(NamedTuple):
    """Where a value goes in a resource; ``str`` gives the text back.

    Args:
        schema: the URN in front, if there is one.
        attribute: the attribute's name.
        filter: what the element of a multi-valued attribute has, ``[("type", "work")]``; values are text or bool.
        sub: the sub-attribute's name.
        text: as it was written.
    """

    schema: str | None
    attribute: str
    filter: tuple[tuple[str, str | bool], ...]
    sub: str | None
    text: str

    def __str__(self) -> str:
        return self.text

    @property
    def boolean(self) -> bool:
        """Whether the RFC has a boolean there: it travels as text in an expression, and not to the target."""
        return (self.sub or self.attribute).lower() in _BOOLEAN

    @property
    def extension(self) -> str | None:
        """The URN of the extension object that holds it, if one does."""
        if self.schema is not None:
            return None if self.schema.lower() in (urns.USER.lower(), urns.GROUP.lower()) else self.schema
        return urns.ENTERPRISE_USER if self.attribute == "manager" else None


@lru_cache(maxsize=512)
def parse(text: str) -> TargetPath:
    """Read a target attribute. Raises TargetPathError."""
    found = _PATH.fullmatch(text)
    if found is None:
        hint = f"; an attribute of the enterprise extension is {urns.ENTERPRISE_USER}:department" if ":" in text else ""
        raise TargetPathError(f'{text[:80]!r} is no target attribute such as emails[type eq "work"].value{hint}')
    schema, attribute, condition, sub = found.groups()
    clauses = []
    for clause in _AND.split(condition) if condition else ():
        named = _CLAUSE.fullmatch(clause.strip())
        if named is None:
            raise TargetPathError(
                f'{text[:80]!r}: an element is chosen by eq alone, as in emails[type eq "work"].value'
            )
        raw = named[2]
        value = re.sub(r"\\(.)", r"\1", raw[1:-1], flags=re.DOTALL) if raw.startswith('"') else raw.lower() == "true"
        clauses.append((named[1], value))
    if schema is None and attribute.lower() in _ENTERPRISE - {"manager"}:
        raise TargetPathError(f"{text!r} is in the enterprise extension: {urns.ENTERPRISE_USER}:{text}")
    return TargetPath(schema, attribute, tuple(clauses), sub, text)


def typed(path: TargetPath, value: Any) -> Any:  # noqa: ANN401 - JSON
    """A value as the target has it: "True" becomes true where a boolean belongs."""
    if path.boolean and isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return value


def assemble(values: dict[str, Any]) -> dict[str, Any]:
    """The resource that has these values, by target attribute: nested objects, elements, extensions."""
    resource: dict[str, Any] = {}
    for text, value in values.items():
        place(resource, parse(text), value)
    return resource


def place(resource: dict[str, Any], path: TargetPath, value: Any) -> None:  # noqa: ANN401 - JSON
    """Put a value into a resource, where its path says."""
    holder: dict[str, Any] = resource
    if path.extension is not None:
        holder = resource.setdefault(path.extension, {})
    if path.filter:
        element = _element(holder.setdefault(path.attribute, []), path)
        if path.sub is None:
            element |= value if isinstance(value, dict) else {"value": value}
        else:
            element[path.sub] = value
    elif path.sub is not None:
        holder.setdefault(path.attribute, {})[path.sub] = value
    else:
        holder[path.attribute] = value


def _element(elements: list[dict[str, Any]], path: TargetPath) -> dict[str, Any]:
    for element in elements:
        if all(_same(element.get(name), value) for name, value in path.filter):
            return element
    made = {name: typed(parse(name), value) for name, value in path.filter}
    elements.append(made)
    return made


def read(resource: dict[str, Any], path: TargetPath) -> Any:  # noqa: ANN401 - JSON
    """The value that a resource has at a path, names in any case; None when it has none."""
    holder: Any = resource
    if path.extension is not None:
        holder = _get(resource, path.extension)
    value = _get(holder, path.attribute)
    if path.filter:
        elements = value if isinstance(value, list) else []
        matching = (each for each in elements if all(_same(_get(each, name), wanted) for name, wanted in path.filter))
        value = next(matching, None)
    if path.sub is not None:
        value = _get(value, path.sub)
    return value


def _get(holder: Any, name: str) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(holder, dict):
        return None
    if name in holder:
        return holder[name]
    lower = name.lower()
    return next((value for key, value in holder.items() if key.lower() == lower), None)


def _same(found: object, wanted: str | bool) -> bool:  # noqa: FBT001 - a value to compare
    """Whether an element has what the path asks for: types in any case, "True" like true."""
    if isinstance(found, bool) or isinstance(wanted, bool):
        return str(found).lower() == str(wanted).lower()
    return isinstance(found, str) and found.lower() == wanted.lower()
