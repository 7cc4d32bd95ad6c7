"""Profiles: the dialect of one kind of service provider, as data with a source for every quirk.

A profile is a TOML file. What it says becomes a ``Registry`` (which attributes exist) and a ``Policy`` (how the
provider behaves); nothing outside the protocol core knows which provider is meant. A profile may extend another and
change some of its switches: that is how a guess is switched.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from mockscim.faults import FaultError
from mockscim.faults.documents import convert
from mockscim.scim.errors import brief
from mockscim.scim.policy import INTEROP, TOLERANT, Pagination, Policy, UnknownLeniencyError, accepted
from mockscim.scim.schema import Registry, ResourceType, Schema, SchemaError, standard_types

Confidence = Literal["documented", "source code", "public issue", "guess"]
Positive = Annotated[int, msgspec.Meta(gt=0)]
Operator = Literal["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr"]


class ProfileError(ValueError):
    """A profile that cannot be used; the text names the place and what was expected there."""

    def __init__(self, text: str) -> None:
        super().__init__(brief(text))


class Quirk(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One way in which the provider differs, and how that is known.

    ``setting`` names the switch (``behaviour.left_user``) where there is one; ``otherwise`` what else it can be.
    """

    what: str
    source: str
    confidence: Confidence
    setting: str | None = None
    otherwise: str | None = None


class TypeDocument(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What of a resource type of RFC 7643 the provider has. Absent means all of it."""

    attributes: list[str] | None = None
    extensions: list[str] | None = None
    external_id: bool = True


class BehaviourDocument(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """The switches of ``Policy``, by the same names."""

    patch_answer: Literal["body", "none"] = "body"
    sort: bool = True
    etag: bool = True
    require_if_match: bool = False
    pagination: Pagination = "index, cursor"
    page_size: Positive | None = None
    cursor_timeout: Positive = 3600
    unsupported: Literal["ignore", "reject", "unknown"] = "ignore"
    frozen_change: Literal["ignore", "reject", "apply"] = "ignore"
    deactivate: Literal["flag", "leave"] = "flag"
    delete: Literal["remove", "leave"] = "remove"
    left_user: Literal["absent", "inactive"] = "absent"
    join_accounts: bool = False
    remove_by_value: Literal["reject", "ignore"] = "reject"
    filter_logic: bool = True
    interop: bool = False
    replace_complex: Literal["merge", "whole"] = "merge"
    unknown_path: Literal["invalidPath", "invalidSyntax"] = "invalidPath"
    max_results: Positive | None = None
    bulk: bool = True
    max_operations: Positive = 1000
    max_payload: Positive | None = None
    me: bool = True
    uniqueness: Literal["enforced", "none"] = "enforced"


class ProfileDocument(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The TOML file of a profile."""

    name: str
    title: str = ""
    description: str = ""
    extends: str | None = None
    media_type: Literal["application/scim+json", "application/json"] = "application/scim+json"
    accept: list[str] = []
    refuse: list[str] = []
    types: dict[str, TypeDocument] = {}
    filterable: dict[str, dict[str, list[Operator]]] = {}
    value_types: dict[str, dict[str, list[str]]] = {}
    frozen: dict[str, list[str]] = {}
    canonical_values: dict[str, dict[str, list[str]]] = {}
    schemas: list[dict[str, Any]] = []
    resource_types: list[dict[str, Any]] = []
    behaviour: BehaviourDocument = msgspec.field(default_factory=BehaviourDocument)
    faults: list[dict[str, Any]] = []
    quirks: list[Quirk] = []


@dataclass(frozen=True)
class Profile:
    """A profile, ready to make tenants from."""

    document: ProfileDocument
    policy: Policy
    media_type: str
    faults: list[dict[str, Any]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The profile's name."""
        return self.document.name

    def registry(self, schemas: Iterable[Mapping[str, Any]] = (), types: Iterable[Mapping[str, Any]] = ()) -> Registry:
        """The resource types of this provider, with those that a fixture brings along.

        Raises:
            SchemaError: a document of the fixture cannot be used.
        """
        schemas, types = list(schemas), list(types)
        return self._made(schemas, types) if schemas or types else self._own

    @cached_property
    def _own(self) -> Registry:
        """That of every tenant that brings nothing along: nothing in it changes once it is made."""
        return self._made((), ())

    def _made(self, schemas: Iterable[Mapping[str, Any]], types: Iterable[Mapping[str, Any]]) -> Registry:
        registry = _registry(self.document)
        _bring(registry, [*self.document.schemas, *schemas], types)
        if self.policy.uniqueness == "none":
            return Registry(kind.unenforced() for kind in registry.types.values())
        return registry

    def with_leniencies(
        self, *, strict: bool = False, accept: Iterable[str] = (), refuse: Iterable[str] = ()
    ) -> Policy:
        """The policy with leniencies switched, as ``--strict``, ``--accept`` and ``--refuse`` do.

        Raises:
            ProfileError: for a code that is no leniency.
        """
        try:
            codes = accepted(self.policy.accepted, strict=strict, accept=accept, refuse=refuse)
        except UnknownLeniencyError as error:
            raise ProfileError(str(error)) from None
        held = self.document.behaviour.interop or not codes >= INTEROP
        return _replaced(self.policy, accepted=codes, interop=held)

    def describe(self) -> dict[str, Any]:
        """The profile with every quirk's source, for ``mockscim profiles NAME``.

        ``switched`` has what it switches in the profile that it extends: the quirks are told as that one has them.
        """
        document: dict[str, Any] = msgspec.to_builtins(self.document)
        document["switched"] = {}
        if self.document.extends in names():
            below = load(self.document.extends).document.behaviour
            for name in below.__struct_fields__:
                now = getattr(self.document.behaviour, name)
                if now != getattr(below, name):
                    document["switched"][f"behaviour.{name}"] = now
        return document


def with_if_match(policy: Policy) -> Policy:
    """A policy by which writes have to say what version they are about, as ``--require-if-match`` asks.

    Raises:
        ProfileError: there are no versions.
    """
    if not policy.etag:
        raise ProfileError("a provider without versions (behaviour.etag) cannot require If-Match")
    return _replaced(policy, require_if_match=True)


def names() -> list[str]:
    """The profiles that come along."""
    return list(_names())


@cache
def _names() -> tuple[str, ...]:
    found = (entry.name for entry in _folder().iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))


@cache
def _bundled(name: str) -> Profile:
    """A profile that comes along: read once, for a test suite makes hundreds of servers."""
    return _build(_read(name, ()), name)


def load(source: str | Mapping[str, Any]) -> Profile:
    """A profile by name, by the path of its TOML file, or as the content of one.

    Raises:
        ProfileError: there is none, or it cannot be used.
    """
    if isinstance(source, str) and source in _names():
        return _bundled(source)
    return _build(_read(source, ()), source)


def load_bundled(source: str | Mapping[str, Any]) -> Profile:
    """A profile by name or content, never from a path: for sources that come over the network."""
    if isinstance(source, str):
        if source not in _names():
            raise ProfileError(f"there is no profile {source[:100]!r}; there are {', '.join(_names())}")
        return _bundled(source)
    if source.get("extends", "standard") not in _names():
        raise ProfileError(f"extends names one of {', '.join(_names())}")
    return _build(_read(source, ()), source)


def read(source: str | Mapping[str, Any]) -> dict[str, Any]:
    """The content of a profile that stands alone: what it extends is in it.

    Raises:
        ProfileError: there is none, or it cannot be used.
    """
    document = _read(source, ())
    document.pop("extends", None)
    _build(dict(document), source)
    return document


def _folder() -> Any:  # noqa: ANN401 - importlib's Traversable has no public home in 3.11 and 3.14 alike
    return resources.files(__package__)


def _why(error: OSError | ValueError) -> str:
    """Why a file that is there is not readable."""
    if isinstance(error, FileNotFoundError):
        return ""
    return f": {error.strerror}" if isinstance(error, OSError) else ": it is not UTF-8"


def _read(source: str | Mapping[str, Any], chain: tuple[str, ...]) -> dict[str, Any]:
    """The raw document, with those that it extends beneath it; a path there is seen from the file that names it."""
    if isinstance(source, str):
        if source not in names() and chain:
            source = str((Path(chain[-1]).parent / source).resolve())
        if source in chain:
            raise ProfileError(f"{source}: a profile cannot extend itself")
        where = source
        if source in names():
            text = _folder().joinpath(f"{source}.toml").read_text("utf-8")
        else:
            try:
                text = Path(source).read_text("utf-8")
            except (OSError, ValueError) as error:
                named = f"{chain[-1]}: /extends: " if chain else ""
                words = f"neither a profile ({', '.join(names())}) nor a readable file"
                raise ProfileError(f"{named}{source[:200]}: {words}{_why(error)}") from None
        try:
            raw: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ProfileError(f"{where}: {_not_toml(text, str(error))}") from None
    else:
        where, raw = "profile", dict(source)
    try:
        convert({"name": where, **raw}, ProfileDocument)
    except FaultError as error:
        raise ProfileError(f"{where}: {error}") from None
    extended = raw.get("extends")
    if extended is None:
        return raw
    link = str(Path(where).resolve()) if isinstance(source, str) and source not in names() else where
    below = _read(extended, (*chain, link))
    return _merged(below, {"name": f"{Path(extended).stem}-{Path(where).stem}", **raw})


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """What one profile says over what it extends: table by table; an empty table takes away what is beneath it."""
    result = _overlaid(below, above)
    for key, other in (("accept", "refuse"), ("refuse", "accept")):
        kept = [code for code in below.get(key, ()) if code not in above.get(other, ())]
        result[key] = [*kept, *above.get(key, ())]
    result["quirks"] = [*below.get("quirks", ()), *above.get("quirks", ())]
    for key, mark in (("schemas", "id"), ("resource_types", "name")):
        own = above.get(key, ())
        kept = [each for each in below.get(key, ()) if each.get(mark) not in [other.get(mark) for other in own]]
        result[key] = [*kept, *own]
    return result


def _overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        under = result.get(key)
        if value and isinstance(value, Mapping) and isinstance(under, Mapping):
            result[key] = _overlaid(under, value)
        else:
            result[key] = value
    return result


def _build(raw: dict[str, Any], source: str | Mapping[str, Any]) -> Profile:
    raw.setdefault("name", Path(source).stem if isinstance(source, str) else "custom")
    where = source if isinstance(source, str) else raw["name"]
    document = msgspec.convert(raw, ProfileDocument)
    switches = {name: getattr(document.behaviour, name) for name in document.behaviour.__struct_fields__}
    try:
        codes = accepted(TOLERANT, accept=document.accept, refuse=document.refuse)
    except UnknownLeniencyError as error:
        raise ProfileError(f"{where}: {error}") from None
    policy = Policy(
        accepted=codes,
        filterable={
            kind: {path.lower(): frozenset(ops) for path, ops in paths.items()}
            for kind, paths in document.filterable.items()
        },
        value_types={
            kind: {path.lower(): frozenset(each.lower() for each in types) for path, types in paths.items()}
            for kind, paths in document.value_types.items()
        },
        frozen={kind: frozenset(name.lower() for name in listed) for kind, listed in document.frozen.items()},
        **{**switches, "interop": switches["interop"] or not codes >= INTEROP},
    )
    if policy.require_if_match and not policy.etag:
        raise ProfileError(f"{where}: /behaviour/require_if_match: there are no versions without behaviour.etag")
    if policy.page_size is not None and policy.max_results is not None and policy.page_size > policy.max_results:
        raise ProfileError(f"{where}: /behaviour/page_size: at most max_results, {policy.max_results}, was expected")
    try:
        _check_names(document, _registry(document))
    except ProfileError as error:
        raise ProfileError(f"{where}: {error}") from None
    except SchemaError as error:
        raise ProfileError(f"{where}: {str(error).replace('/resourceTypes/', '/resource_types/')}") from None
    return Profile(document, policy, document.media_type, document.faults)


def _registry(document: ProfileDocument) -> Registry:
    """The resource types of RFC 7643, as far as the provider has them, and the provider's own."""
    as_unknown = document.behaviour.unsupported == "unknown"
    kinds = [_with_values(kind, document.canonical_values.get(kind.name, {})) for kind in standard_types()]
    registry = Registry(_restricted(kind, document.types.get(kind.name), as_unknown=as_unknown) for kind in kinds)
    _bring(registry, document.schemas, document.resource_types)
    return registry


def _bring(registry: Registry, schemas: Iterable[Mapping[str, Any]], types: Iterable[Mapping[str, Any]]) -> None:
    """Add resource types; one that is here already gets those extensions that it lacks."""
    for kind in Registry.from_documents(schemas, types).types.values():
        known = registry.types.get(kind.name)
        if known is not None and known.endpoint.lower() == kind.endpoint.lower():
            registry.extend(known, kind)
        else:
            registry.add(kind)


def _check_names(document: ProfileDocument, registry: Registry) -> None:
    """Refuse types and attributes that do not exist: a slip in a name would be a switch that does nothing."""
    own = [kind.name for kind in standard_types()]
    restricted = {"types": list(document.types), "canonical_values": list(document.canonical_values)}
    for table, named in restricted.items():
        for name in named:
            if name not in own:
                raise ProfileError(f"/{table}/{name}: one of {', '.join(own)} was expected")
    for table, entries in (("filterable", document.filterable), ("frozen", document.frozen)):
        for name, listed in entries.items():
            kind = registry.types.get(name)  # one that is not here may come with a fixture
            for path in listed if kind is not None else ():
                head, _, sub = path.partition(".")
                attribute = kind.find(None, head) or kind.find_in_extensions(head) if kind is not None else None
                if attribute is None or (sub and attribute.sub(sub) is None):
                    raise ProfileError(f"/{table}/{name}: {name} has no {path[:100]}")


def _replaced(policy: Policy, **changes: Any) -> Policy:  # noqa: ANN401 - the fields' own types
    values = {name: getattr(policy, name) for name in policy.__dataclass_fields__}
    return Policy(**{**values, **changes})


def _with_values(kind: ResourceType, values: Mapping[str, list[str]]) -> ResourceType:
    """A resource type whose attributes publish other canonical values; its paths in any case."""
    if not values:
        return kind
    schema: dict[str, Any] = kind.schema.document()
    for path, listed in values.items():
        name, _, sub = path.lower().partition(".")
        found = next((a for a in schema["attributes"] if a["name"].lower() == name), None)
        if sub and found is not None:
            found = next((a for a in found.get("subAttributes", ()) if a["name"].lower() == sub), None)
        if found is None or found["type"] == "complex":
            raise ProfileError(f"/canonical_values/{kind.name}: {kind.name} has no {path[:100]} that could have any")
        found["canonicalValues"] = listed
    return ResourceType(
        kind.name,
        kind.endpoint,
        Schema.from_document(schema),
        kind.extensions,
        kind.description,
    )


def _restricted(kind: ResourceType, document: TypeDocument | None, *, as_unknown: bool) -> ResourceType:
    """A resource type of RFC 7643 with just what the provider has of it."""
    if document is None:
        return kind
    schema = kind.schema
    wanted = (
        {name.lower() for name in document.attributes} if document.attributes is not None else set(schema.attributes)
    )
    unknown = wanted - schema.attributes.keys()
    if unknown:
        raise ProfileError(f"/types/{kind.name}/attributes: {kind.name} has no {', '.join(sorted(unknown))}")
    missing = {attribute.key for attribute in kind.required} - wanted
    if missing:
        raise ProfileError(f"/types/{kind.name}/attributes: {kind.name} cannot be without {', '.join(sorted(missing))}")
    extensions = {urn.lower() for urn in document.extensions} if document.extensions is not None else None
    strange = (extensions or set()) - {extension.key for extension, _ in kind.extensions}
    if strange:
        raise ProfileError(f"/types/{kind.name}/extensions: {kind.name} has no {', '.join(sorted(strange))}")
    kept = [(e, required) for e, required in kind.extensions if extensions is None or e.key in extensions]
    left_out = (schema.attributes.keys() - wanted) | {e.key for e, _ in kind.extensions if (e, False) not in kept}
    for extension, _ in kind.extensions:
        if extension.key in left_out:
            left_out |= extension.attributes.keys() - wanted
    if not document.external_id:
        left_out.add("externalid")
    return ResourceType(
        kind.name,
        kind.endpoint,
        schema.only(wanted) if len(wanted) < len(schema.attributes) else schema,
        kept,
        kind.description,
        external_id=document.external_id,
        unsupported=() if as_unknown else left_out,
    )


def _not_toml(text: str, wrong: str) -> str:
    """What is wrong with a text that is not TOML, with the line itself and what may stand there."""
    found = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", wrong, re.DOTALL)
    if found is None:
        return f"not TOML: {wrong}"
    line = text.splitlines()[int(found[2]) - 1].strip()[:100]
    hint = '; a text stands in quotes, name = "acme"' if found[1] == "Invalid value" else ""
    return f"line {found[2]}, column {found[3]}: not TOML: {found[1][:1].lower()}{found[1][1:]}: {line}{hint}"
