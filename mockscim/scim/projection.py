"""What of a resource is returned: ``attributes``, ``excludedAttributes`` and ``returned`` (RFC 7644 §3.9)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Any

from mockscim.scim.errors import ScimError
from mockscim.scim.policy import Tolerance
from mockscim.scim.schema import Attribute, ResourceType

# Of one schema: the attributes that are named, each with the sub-attributes named; WHOLE for all of it.
_Branch = dict[str, set[str]]
_WHOLE = ""


class Projection:
    """A choice of attributes, resolved for one resource type.

    ``wants`` tells whether a top-level attribute is part of the answer at all, so that members need not be rendered
    to be dropped; ``apply`` picks from a whole document.

    Args:
        resource_type: what is returned.
        paths: the names in ``attributes`` or ``excludedAttributes``.
        excluding: they are the latter.
        mentioned: what the client spoke of in a write: of that, what is returned on request is returned.
    """

    def __init__(
        self,
        resource_type: ResourceType,
        paths: Iterable[str],
        *,
        excluding: bool,
        mentioned: Iterable[str] = (),
    ) -> None:
        self._type = resource_type
        self._excluding = excluding
        self._named = self._branches(paths)
        self._mentioned = self._branches(mentioned)
        self._paths = tuple(paths)
        self._choices: dict[Attribute, set[str] | None] = {}

    def after_write(self, mentioned: Iterable[str]) -> Projection:
        """The same for the answer to a write that speaks of these attributes (RFC 7643 §7)."""
        if not self._excluding:
            return self
        return Projection(self._type, self._paths, excluding=True, mentioned=mentioned)

    def _branches(self, paths: Iterable[str]) -> dict[str, _Branch]:
        """What paths name, by the key of its schema; an unknown name selects nothing (RFC 7644 §3.9)."""
        found: dict[str, _Branch] = {}
        kind = self._type
        for text in paths:
            path = text.split("[", 1)[0].strip().lower()
            uri, _, name = path.rpartition(":")
            if path == kind.schema.key or kind.extension(path) is not None:
                found.setdefault(path, {})[_WHOLE] = set()
            elif not uri or uri == kind.schema.key or kind.extension(uri) is not None:
                attribute, _, sub = name.partition(".")
                found.setdefault(uri or kind.schema.key, {}).setdefault(attribute, set()).add(sub or _WHOLE)
            else:
                name, _, sub = name.partition(".")
                known = kind.find(uri, name)  # one that has a URN for its name (RFC 9944 §7.1)
                if known is not None:
                    found.setdefault(known.schema.lower(), {}).setdefault(known.key, set()).add(sub or _WHOLE)
        return found

    def wants(self, attribute: Attribute) -> bool:
        """Whether anything of a core attribute may be in the answer."""
        return self._choice(attribute, self._type.schema.key) != set()

    @cached_property
    def leaves_out_members_only(self) -> bool:
        """Whether it is the choice of all but a group's members, as identity providers ask for (Entra ID's for one)."""
        kind = self._type
        listed = [(kind.schema.key, kind.attributes), *((each.key, each.attributes) for each, _ in kind.extensions)]
        chosen = [(each, self._choice(each, key)) for key, attributes in listed for each in attributes.values()]
        return all(choice is None if each is not kind.keyed else choice == set() for each, choice in chosen)

    def apply(self, document: dict[str, Any]) -> dict[str, Any]:
        """The chosen part of a document, in its order."""
        result: dict[str, Any] = {}
        for name, value in document.items():
            extension = self._type.extension(name) if ":" in name else None
            if extension is not None:
                kept: object | None = {
                    inner: content
                    for inner, item in value.items()
                    if (content := self._of(extension.attributes[inner.lower()], extension.key, item)) is not None
                }
            else:
                attribute = self._type.attributes.get(name.lower())
                kept = value if attribute is None else self._of(attribute, self._type.schema.key, value)
            if kept is not None and kept != {}:
                result[name] = kept
        # schemas says what is present (RFC 7643 §3), and an extension may just have been left out.
        gone = [urn for urn in result.get("schemas", ()) if urn in document and urn not in result]
        if gone:
            result["schemas"] = [urn for urn in result["schemas"] if urn not in gone]
        return result

    def _of(self, attribute: Attribute, schema: str, value: object) -> object | None:
        """What of an attribute's value is in the answer; None for nothing."""
        choice = self._choice(attribute, schema)
        return value if choice is None else _only(choice, value) if choice else None

    def _choice(self, attribute: Attribute, schema: str) -> set[str] | None:
        """The sub-attributes that are in the answer; None where all of the value is."""
        if attribute not in self._choices:
            self._choices[attribute] = self._choose(attribute, schema)
        return self._choices[attribute]

    def _choose(self, attribute: Attribute, schema: str) -> set[str] | None:
        named, subs = self._named.get(schema, {}), attribute.sub_attributes
        parts, said = named.get(attribute.key, set()), self._mentioned.get(schema, {}).get(attribute.key)
        whole = _WHOLE in parts
        if _WHOLE in named and attribute.schema:  # all of the schema, which has no common attributes
            whole = whole or self._excluding or attribute.returned == "default"
        if self._excluding:
            shown = not whole and (attribute.returned != "request" or said is not None)
        else:
            shown = whole
        if attribute.returned == "always":
            shown = True
        if not subs:
            return None if shown else set()
        chosen = set(subs) if shown else set()
        if self._excluding:
            chosen -= parts
        elif not shown:
            chosen = parts & subs.keys()
        asked = (said or set()) if self._excluding else parts
        chosen -= {key for key, sub in subs.items() if sub.returned == "request" and key not in asked}
        chosen |= {key for key, sub in subs.items() if sub.returned == "always"}
        return None if chosen == subs.keys() else chosen


def _only(subs: set[str], value: object) -> object | None:
    """A complex value, or a list of such, with just these sub-attributes."""
    if isinstance(value, list):
        return [kept for item in value if (kept := _only(subs, item)) is not None] or None
    if not isinstance(value, dict):
        return None
    return {name: item for name, item in value.items() if name.lower() in subs} or None


def mentioned(path: str | None, value: object, depth: int = 3) -> Iterator[str]:
    """The attributes that a value speaks of: a representation, or what a PATCH sets at a path: ``name.givenName``.

    Behind a URN it is not told whether an attribute follows or a sub-attribute: both are given, and one is unknown.
    """
    if path is not None:
        head, _, rest = path.partition("[")
        path = head.strip() + rest.rpartition("]")[2].strip()
        yield path
    marks = ("",) if path is None else (":", ".") if ":" in path else (".",)
    for item in value if depth and isinstance(value, list) else [value]:
        for name, inner in item.items() if depth and isinstance(item, Mapping) else ():
            for mark in marks:
                yield from mentioned(f"{path or ''}{mark}{name}", inner, depth - 1)


@lru_cache(maxsize=512)
def default_projection(resource_type: ResourceType) -> Projection:
    """What is returned when nothing is asked for: all but what is returned on request (RFC 7643 §7)."""
    return Projection(resource_type, (), excluding=True)


@lru_cache(maxsize=512)
def _resolve(resource_type: ResourceType, paths: tuple[str, ...], excluding: bool) -> Projection:  # noqa: FBT001
    return Projection(resource_type, paths, excluding=excluding)


@lru_cache(maxsize=512)
def _names(text: str | None) -> tuple[str, ...]:
    """What stands between the commas of a parameter."""
    return tuple(name for part in (text or "").split(",") if (name := part.strip()))


def read_projection(
    resource_type: ResourceType, attributes: str | None, excluded: str | None, tolerance: Tolerance
) -> Projection | None:
    """The projection that a request's parameters ask for; None when it asks for the default set.

    Args:
        resource_type: what is returned.
        attributes: the parameter as sent: names separated by commas; None where it is absent.
        excluded: likewise excludedAttributes.
        tolerance: an empty parameter is a leniency.

    Raises:
        ScimError: 400 when both are given (RFC 7644 §3.9).
    """
    if attributes is None and excluded is None:
        return None
    wanted, unwanted = _names(attributes), _names(excluded)
    for name, text, names in (("attributes", attributes, wanted), ("excludedAttributes", excluded, unwanted)):
        if text is not None and not names:
            refusal = ScimError(400, "invalidValue", f"{name} names no attribute")
            tolerance.allow("empty-attributes", f"an empty {name}", refusal)
    if wanted and unwanted:
        raise ScimError(400, "invalidValue", "attributes and excludedAttributes exclude each other")
    if wanted:
        return _resolve(resource_type, wanted, False)  # noqa: FBT003
    if unwanted:
        return _resolve(resource_type, unwanted, True)  # noqa: FBT003
    return None
