"""What of a resource is returned: ``attributes``, ``excludedAttributes`` and ``returned`` (RFC 7644 §3.9)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from mockscim.scim.errors import ScimError
from mockscim.scim.policy import Tolerance
from mockscim.scim.schema import Attribute, ResourceType


class Projection:
    """A choice of attributes, resolved for one resource type.

    ``wants`` tells whether a top-level attribute is part of the answer at all, so that members need not be rendered
    to be dropped; ``apply`` picks from a whole document.
    """

    def __init__(self, resource_type: ResourceType, paths: tuple[str, ...], *, excluding: bool) -> None:
        self._type = resource_type
        self._excluding = excluding
        self._attributes: dict[str, set[str] | None] = {}  # key -> sub-attribute keys, None for the whole
        self._extensions: dict[str, dict[str, set[str] | None] | None] = {}  # lower URN -> the same, None for all
        for path in paths:
            self._name(path)

    def _name(self, text: str) -> None:
        """Enter one attribute path; a name that the type does not know selects nothing (RFC 7644 §3.9)."""
        path = text.split("[", 1)[0]
        uri, _, name = path.rpartition(":")
        extension = self._type.extension(path)
        if extension is not None:
            self._extensions[extension.key] = None
            return
        if uri and uri.lower() != self._type.schema.key:
            extension = self._type.extension(uri)
            if extension is None:
                return
            branch = self._extensions.setdefault(extension.key, {})
            if branch is not None:
                _enter(branch, name)
            return
        _enter(self._attributes, name)

    def wants(self, attribute: Attribute) -> bool:
        """Whether anything of a core attribute is in the answer."""
        if attribute.returned == "always":
            return True
        if attribute.returned == "never":
            return False
        named = attribute.key in self._attributes
        if self._excluding:
            return attribute.returned != "request" and not (named and self._attributes[attribute.key] is None)
        return named

    def apply(self, document: dict[str, Any]) -> dict[str, Any]:
        """The chosen part of a document, in its order."""
        result: dict[str, Any] = {}
        for name, value in document.items():
            extension = self._type.extension(name) if ":" in name else None
            if extension is not None:
                kept: object | None = self._of_extension(extension.key, extension.attributes, value)
            else:
                attribute = self._type.attributes.get(name.lower())
                kept = value if attribute is None else self._of(attribute, self._attributes, value)
            if kept is not None:
                result[name] = kept
        return result

    def _of_extension(self, key: str, attributes: dict[str, Attribute], value: dict[str, Any]) -> dict[str, Any] | None:
        branch = self._extensions.get(key, {})
        if branch is None:
            return None if self._excluding else value
        kept = {
            name: content
            for name, item in value.items()
            if (content := self._of(attributes[name.lower()], branch, item)) is not None
        }
        return kept or None

    def _of(self, attribute: Attribute, branch: dict[str, set[str] | None], value: object) -> object | None:
        if attribute.returned == "always":
            return value
        named = attribute.key in branch
        subs = branch.get(attribute.key)
        if self._excluding:
            if attribute.returned == "request" or (named and subs is None):
                return None
            unasked = {key for key, sub in attribute.sub_attributes.items() if sub.returned == "request"}
            return _without(attribute, unasked | (subs or set()), value) if unasked or subs else value
        if not named:
            return None
        return value if subs is None else _only(attribute, subs, value)


def _enter(branch: dict[str, set[str] | None], path: str) -> None:
    name, _, sub = path.strip().lower().partition(".")
    if not sub:
        branch[name] = None
    else:
        subs = branch.setdefault(name, set())
        if subs is not None:
            subs.add(sub)


def _only(attribute: Attribute, subs: set[str], value: object) -> object | None:
    if isinstance(value, list):
        return [kept for item in value if (kept := _only(attribute, subs, item)) is not None] or None
    if not isinstance(value, dict):
        return None
    wanted = subs | {key for key, sub in attribute.sub_attributes.items() if sub.returned == "always"}
    return {name: item for name, item in value.items() if name.lower() in wanted} or None


def _without(attribute: Attribute, subs: set[str], value: object) -> object | None:
    if isinstance(value, list):
        return [kept for item in value if (kept := _without(attribute, subs, item)) is not None] or None
    if not isinstance(value, dict):
        return value
    kept_anyway = {key for key, sub in attribute.sub_attributes.items() if sub.returned == "always"}
    return {name: item for name, item in value.items() if name.lower() not in subs - kept_anyway} or None


@lru_cache(maxsize=512)
def default_projection(resource_type: ResourceType) -> Projection:
    """What is returned when nothing is asked for: all but what is returned on request (RFC 7643 §7)."""
    return Projection(resource_type, (), excluding=True)


@lru_cache(maxsize=512)
def _resolve(resource_type: ResourceType, paths: tuple[str, ...], excluding: bool) -> Projection:  # noqa: FBT001
    return Projection(resource_type, paths, excluding=excluding)


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
    for name, text in (("attributes", attributes), ("excludedAttributes", excluded)):
        if text is not None and not text.replace(",", "").strip():
            refusal = ScimError(400, "invalidValue", f"{name} names no attribute")
            tolerance.allow("empty-attributes", f"an empty {name}", refusal)
    wanted = tuple(part.strip() for part in (attributes or "").split(",") if part.strip())
    unwanted = tuple(part.strip() for part in (excluded or "").split(",") if part.strip())
    if wanted and unwanted:
        raise ScimError(400, "invalidValue", "attributes and excludedAttributes exclude each other")
    if wanted:
        return _resolve(resource_type, wanted, False)  # noqa: FBT003
    if unwanted:
        return _resolve(resource_type, unwanted, True)  # noqa: FBT003
    return None
