"""What the SCIM 2.0 Interoperability Profile asks beyond the RFCs (draft-zollner-scim-interop-profile-01).

The draft narrows what clients may send. Each of its rules that a request can break is a leniency whose code begins
with ``interop-``: what the draft has a provider refuse, the profile ``interop`` refuses; what it forbids to clients
only is let pass, and told in the journal. Nothing here is asked unless ``Policy.interop`` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mockscim.scim.errors import ScimError, invalid_filter, invalid_path, invalid_syntax, invalid_value
from mockscim.scim.filter import And, Compare, Node, Not, Or, Present, ValueCompare, ValuePath, ValuePresent, shorten
from mockscim.scim.path import PatchPath
from mockscim.scim.policy import Policy, Tolerance
from mockscim.scim.schema import Attribute, Registry, ResourceType

# §4: published as true by a provider that keeps to the profile.
CONFORMANT = Attribute(
    "interopProfileConformant",
    "boolean",
    mutability="readOnly",
    description="Whether the SCIM 2.0 Interoperability Profile is kept to",
)
# What a conformant provider has to refuse (§5.3, §6.5.1.1).
REFUSED = frozenset({"unknown-attribute", "unknown-schema-urn", "interop-pathless"})
_SMALLEST_PAGE = 100  # §6.4: a count of 100 has to be honoured
_CONDITIONS = ("If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since")


def conforms(policy: Policy, registry: Registry) -> bool:
    """Whether a provider of these ways keeps to what the draft asks of providers; transport (§7.1) left aside."""
    published = all(
        part.canonical_values
        for schema in registry.schemas.values()
        for attribute in schema.attributes.values()
        if attribute.multi_valued and (part := attribute.sub("type")) is not None
    )
    return published and (
        not policy.accepted & REFUSED
        and policy.filter_logic
        and not policy.filterable
        and (policy.max_results is None or policy.max_results >= _SMALLEST_PAGE)
        and policy.unsupported == "unknown"
        and policy.unknown_path == "invalidSyntax"
        and policy.replace_complex == "whole"
        and (policy.deactivate, policy.delete) == ("flag", "remove")
        and not policy.join_accounts
        and not (any(policy.frozen.values()) and policy.frozen_change != "apply")
        and not any(policy.value_types.values())
    )


def check_headers(
    header: Callable[[str], str | None],
    tolerance: Tolerance,
    *,
    with_body: bool,
) -> None:
    """Hold the headers of a request against the draft (§6.2, §6.7).

    Raises:
        ScimError: 400, or 415 for the type of a body, where the leniency is refused.
    """
    if not (header("User-Agent") or "").strip():
        tolerance.allow("interop-user-agent", "no User-Agent", ScimError(400, None, "the request has no User-Agent"))
    for name in _CONDITIONS:
        if header(name) is not None:
            refusal = ScimError(400, None, f"{name} is not to be sent")
            tolerance.allow("interop-conditional", name, refusal)
    media = (header("Content-Type") or "").partition(";")[0].strip().lower()
    if with_body and media and media != "application/scim+json":
        refusal = ScimError(415, None, f"the Content-Type is application/scim+json, not {media[:100]}")
        tolerance.allow("interop-content-type", media[:100], refusal)


def check_method(method: str, tolerance: Tolerance) -> None:
    """Hold the method, also of an operation in a bulk request, against the draft (§6.5)."""
    if method == "PUT":
        refusal = ScimError(405, None, "update with PATCH", {"Allow": "GET, PATCH, DELETE"})
        tolerance.allow("interop-put", "PUT", refusal)


def check_parameters(method: str, parameters: Mapping[str, str], tolerance: Tolerance) -> None:
    """Hold the query string against the draft (§6.3)."""
    if method != "GET" and "filter" in parameters:
        refusal = invalid_filter(f"a filter in the URI is for GET, not {method}")
        tolerance.allow("interop-filter-method", f"{method} with a filter", refusal)


def check_filter(node: Node, tolerance: Tolerance) -> None:
    """Note a filter of more than eq and and (§6.3)."""
    found = _operator(node)
    if found is not None:
        detail = f"{found} in {shorten(str(node), 200)}"
        tolerance.allow("interop-filter-operator", detail, invalid_filter(f"only eq and and are understood: {detail}"))


def check_path(path: PatchPath, target: Attribute, where: str, tolerance: Tolerance) -> None:
    """Hold the path of a PATCH operation against the draft (§6.5.2.2, §6.5.3)."""
    if path.filter is None:
        return
    text = f"{where}.path: {shorten(str(path), 200)}"
    found = _operator(path.filter)
    if found is not None:
        refusal = invalid_syntax(f"{text}: {found} is none of eq and and")
        tolerance.allow("interop-path-operator", f"{found} in {text}", refusal)
    if path.sub is None:
        code = "interop-whole-member" if target.keyed else "interop-whole-element"
        tolerance.allow(code, text, invalid_path(f"{text} names no sub-attribute behind its filter"))


def check_matches(count: int, where: str, tolerance: Tolerance) -> None:
    """Hold the number of values that the filter of a path selects against the draft (§6.5.3)."""
    if count > 1:
        refusal = invalid_filter(f"{where}.path: the filter selects {count} values, not one")
        tolerance.allow("interop-several-matches", f"{where}.path selects {count} values", refusal)


def check_types(kind: ResourceType, before: Mapping[str, Any], after: Mapping[str, Any], tolerance: Tolerance) -> None:
    """Note a ``type`` that is new and none of those that /Schemas publishes (§5.4)."""
    for schema in (kind.schema, *(extension for extension, _ in kind.extensions)):
        core = schema is kind.schema
        new, old = (after, before) if core else (after.get(schema.id) or {}, before.get(schema.id) or {})
        for attribute in schema.attributes.values():
            part = attribute.sub("type")
            if part is None or not part.canonical_values or not attribute.multi_valued or attribute.keyed:
                continue
            known = {value.casefold() for value in part.canonical_values}
            for item in new.get(attribute.name) or ():
                text = item.get(part.name)
                if (
                    isinstance(text, str)
                    and text.casefold() not in known
                    and item not in (old.get(attribute.name) or ())
                ):
                    detail = f"{part.path} is {text[:60]!r}"
                    refusal = invalid_value(f"{detail}, none of {', '.join(part.canonical_values)}")
                    tolerance.allow("interop-canonical-type", detail, refusal)


def _operator(node: Node) -> str | None:
    """The first operator of a filter that is neither eq nor and."""
    if isinstance(node, Compare):
        return None if node.op == "eq" else node.op
    if isinstance(node, ValueCompare):
        return _operator(node.filter) or (None if node.op == "eq" else node.op)
    if isinstance(node, ValuePath):
        return _operator(node.filter)
    if isinstance(node, And):
        return next((found for item in node.items if (found := _operator(item)) is not None), None)
    return {Present: "pr", ValuePresent: "pr", Or: "or", Not: "not"}[type(node)]
